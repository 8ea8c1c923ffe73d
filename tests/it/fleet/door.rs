//! Who comes through the devices' door, and until when.

use jiff::SignedDuration;
use rcgen::KeyPair;
use serde_json::{Value, json};
use wellspoken::{
    cli::device::line::{Identity, Line, LineError, Target, Told},
    device::message::{About, Down, Up},
    fleet::{
        authority::{Authority, DeviceKey, fingerprint, pem},
        device::{CERTIFICATE_LASTS, CODE_LASTS, Channel, Deed, DeviceState},
        settings::Settings,
    },
    policy::{CredentialId, Surface},
    store::NewCertificate,
};

use super::stage::{BY, Stage, client};
use crate::residue;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_device_comes_with_its_certificate_and_speaks_as_its_room() {
    let stage = Stage::open().await;
    let device = stage.device("SN-1").await;
    let own = stage.as_device(&device.certificate, &device.key);
    assert_eq!(stage.status(&own).await, 200);
    let turn = own.post(format!("{}/v1/turns", stage.devices)).json(&json!({ "text": "a latte please" }));
    let answer = turn.send().await.expect("an answer");
    assert_eq!(answer.status(), 200);
    let shown = fingerprint(&der(&device.certificate));
    let (id, caller) =
        stage.store().device_caller(&shown, false, stage.now()).await.expect("asked").expect("it is known");
    assert_eq!(id, device.id);
    assert!(matches!(&caller.surface, Surface::Room(room) if room.as_str() == "room-136"));
    // What does not belong to devices is not there.
    for path in ["/v1/session", "/v1/sign-in", "/metrics", "/openapi.json", "/v1/fleet/enrol", "/"] {
        let answer = own.get(format!("{}{path}", stage.devices)).send().await.expect("an answer");
        assert_eq!(answer.status(), 404, "{path}");
    }
    // Whoever comes with a certificate comes with nothing else.
    for (name, value) in [("authorization", "Bearer wsp_x"), ("cookie", "__Host-wellspoken=x")] {
        let due = own.get(format!("{}/v1/device/due", stage.devices)).header(name, value);
        assert_eq!(due.send().await.expect("an answer").status(), 401, "{name}");
    }
    // At the ordinary door a certificate is nobody's.
    let due = stage.client.get(format!("{}/v1/device/due", stage.url)).send().await.expect("an answer");
    assert_eq!(due.status(), 401);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_good_certificates_of_the_fleets_own_authority_open_the_door() {
    let stage = Stage::open().await;
    let device = stage.device("SN-1").await;
    assert_eq!(stage.status(&client(&stage.trusted, None)).await, 0, "none");
    let now = stage.now();
    let week = (now, now + CERTIFICATE_LASTS);
    let key = DeviceKey::parse(&device.key.public_key_pem()).expect("a key");
    // One of another authority that names the very device.
    let made = Authority::make("other", now).expect("made");
    let other = Authority::of("other", made.certificate, &made.key).expect("read");
    let foreign = pem(&other.certify(&key, &device.id, [7; 16], week).expect("made"));
    assert_eq!(stage.status(&stage.as_device(&foreign, &device.key)).await, 0, "of another authority");
    // One of ours that has ended, kept as if it counted.
    let kept = stage.store().fleet_authority(now).await.expect("kept");
    let ours = Authority::of(&kept.name, kept.certificate, &kept.key).expect("read");
    let ended = (now - SignedDuration::from_hours(48), now - SignedDuration::from_hours(24));
    let old = ours.certify(&key, &device.id, [8; 16], ended).expect("made");
    let shown = fingerprint(&der(&device.certificate));
    let new = NewCertificate { fingerprint: fingerprint(&old), expires: week.1 };
    assert!(stage.store().device_renewed(&device.id, &shown, &new, now).await.expect("kept"));
    assert_eq!(stage.status(&stage.as_device(&pem(&old), &device.key)).await, 0, "ended");
    // One of ours that names the device and was never kept: signed well, and nobody's.
    let unknown = pem(&ours.certify(&key, &device.id, [9; 16], week).expect("made"));
    assert_eq!(stage.status(&stage.as_device(&unknown, &device.key)).await, 401, "not in the store");
    // One that was kept to end before its own end: the store's time counts, too.
    let short = ours.certify(&key, &device.id, [10; 16], week).expect("made");
    let new = NewCertificate { fingerprint: fingerprint(&short), expires: now - SignedDuration::from_secs(1) };
    assert!(stage.store().device_renewed(&device.id, &shown, &new, now).await.expect("kept"));
    assert_eq!(stage.status(&stage.as_device(&pem(&short), &device.key)).await, 401, "ended in the store");
    assert_eq!(stage.status(&stage.as_device(&device.certificate, &device.key)).await, 200, "its own is good");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_let_in_is_shut_out_at_once_on_a_connection_that_is_open() {
    let stage = Stage::open().await;
    for (n, deed) in [Deed::Lose, Deed::Retire, Deed::Revoke].into_iter().enumerate() {
        let device = stage.device(&format!("SN-{n}")).await;
        let mut open = Open::to(&stage, &device.certificate, &device.key).await;
        assert_eq!(open.due().await, 200, "{deed:?}");
        stage.store().end_device(&device.id, deed, BY, stage.now()).await.expect("done");
        assert_eq!(open.due().await, 401, "{deed:?}: the same connection");
        let again = stage.as_device(&device.certificate, &device.key);
        assert_eq!(stage.status(&again).await, 401, "{deed:?}: a new one");
        let renew = again.post(format!("{}/v1/fleet/renew", stage.devices));
        let renew = renew.json(&json!({ "key": device.key.public_key_pem() })).send().await.expect("an answer");
        assert_eq!(renew.status(), 401, "{deed:?}: nothing is renewed");
    }
    // What was revoked or lost comes back with a fresh code, and not with its old certificate.
    for serial in ["SN-0", "SN-2"] {
        let known = stage.store().device_of_serial(serial).await.expect("read").expect("there");
        let code = stage.store().new_device_code(&known.id, BY, stage.now()).await.expect("made");
        let key = KeyPair::generate().expect("a key");
        let (status, told) = stage.enrol(serial, &code, &key.public_key_pem()).await;
        assert_eq!(status, 200, "{told}");
        let again = stage.as_device(told["certificate"].as_str().expect("PEM"), &key);
        assert_eq!(stage.status(&again).await, 200);
    }
    // The credential alone is enough, too: staff who end it end the device's way in.
    let device = stage.device("SN-9").await;
    let mut open = Open::to(&stage, &device.certificate, &device.key).await;
    assert_eq!(open.due().await, 200);
    let kept = stage.store().device(&device.id).await.expect("read").expect("there");
    assert!(stage.store().revoke(&kept.credential.expect("let in"), stage.now()).await.expect("done"));
    assert_eq!(open.due().await, 401);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_code_works_once_for_its_time_and_not_after_five_wrong_ones() {
    let stage = Stage::open().await;
    let key = KeyPair::generate_for(&rcgen::PKCS_ED25519).expect("a key").public_key_pem();
    let (_, code) = stage.waiting("SN-1").await;
    for (serial, code, key, status, says) in [
        ("SN-1", code.as_str(), "no key", 400, "bad_key"),
        ("SN-2", &code, &key, 403, "not_enrolled"),
        ("SN-1", "AAAA-AAAA", &key, 403, "not_enrolled"),
        ("SN-1", "", &key, 403, "not_enrolled"),
        ("SN-1", &code.to_lowercase(), &key, 200, "BEGIN CERTIFICATE"),
        ("SN-1", &code, &key, 403, "not_enrolled"),
    ] {
        let (got, told) = stage.enrol(serial, code, key).await;
        assert!(got == status && told.to_string().contains(says), "{serial} {code:?}: {got} {told}");
    }
    // Wrong too often: the right one no longer works.
    let (id, code) = stage.waiting("SN-3").await;
    for n in 0..5 {
        assert_eq!(stage.enrol("SN-3", &format!("AAAA-AAA{n}"), &key).await.0, 403);
    }
    assert_eq!(stage.enrol("SN-3", &code, &key).await.0, 403, "after five wrong ones");
    let fresh = stage.store().new_device_code(&id, BY, stage.now()).await.expect("made");
    assert_eq!(stage.enrol("SN-3", &code, &key).await.0, 403, "the old one");
    assert_eq!(stage.enrol("SN-3", &fresh, &key).await.0, 200, "a fresh one");
    // Too old.
    let before = stage.now() - CODE_LASTS;
    let old = stage.store().add_device("SN-4", &stage.rooms[0], Channel::Room, BY, before).await.expect("made").1;
    assert_eq!(stage.enrol("SN-4", &old, &key).await.0, 403, "a week later");
    // Two at once: one of them.
    let (_, code) = stage.waiting("SN-5").await;
    let both = tokio::join!(stage.enrol("SN-5", &code, &key), stage.enrol("SN-5", &code, &key));
    let mut both = [both.0.0, both.1.0];
    both.sort_unstable();
    assert_eq!(both, [200, 403]);
    let body = json!({ "serial": "SN-1", "code": "x", "key": key, "room": "room-137" });
    let answer = stage.client.post(format!("{}/v1/fleet/enrol", stage.url)).json(&body).send().await;
    assert_eq!(answer.expect("an answer").status(), 400, "where it stands is not for the device to say");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_certificate_is_renewed_by_the_one_before_and_that_one_ends() {
    let stage = Stage::open().await;
    let device = stage.device("SN-1").await;
    let renew = async |certificate: &str, key: &KeyPair| {
        let next = KeyPair::generate().expect("a key");
        let own = stage.as_device(certificate, key);
        let request = own.post(format!("{}/v1/fleet/renew", stage.devices));
        let answer = request.json(&json!({ "key": next.public_key_pem() })).send().await.expect("an answer");
        let status = answer.status().as_u16();
        let told: Value = answer.json().await.expect("JSON");
        (status, told["certificate"].as_str().unwrap_or_default().to_owned(), next)
    };
    let (status, second, second_key) = renew(&device.certificate, &device.key).await;
    assert_eq!(status, 200);
    assert_eq!(stage.status(&stage.as_device(&second, &second_key)).await, 200, "the new one");
    let first = stage.as_device(&device.certificate, &device.key);
    assert_eq!(stage.status(&first).await, 200, "the old one, in case the answer was lost");
    // The answer was lost: it asks again with the old one, and what it never got does not count.
    let (status, third, third_key) = renew(&device.certificate, &device.key).await;
    assert_eq!(status, 200);
    assert_eq!(stage.status(&stage.as_device(&second, &second_key)).await, 401, "the one that was lost");
    // With the new one, the old one ends.
    let (status, ..) = renew(&third, &third_key).await;
    assert_eq!(status, 200);
    let first = stage.as_device(&device.certificate, &device.key);
    assert_eq!(stage.status(&first).await, 401, "the first");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_device_that_moves_is_somebody_else_there() {
    let stage = Stage::open().await;
    let device = stage.device("SN-1").await;
    let shown = fingerprint(&der(&device.certificate));
    let caller =
        async || stage.store().device_caller(&shown, false, stage.now()).await.expect("asked").expect("known").1;
    let before = caller().await;
    stage.store().move_device(&device.id, &stage.rooms[1], BY, stage.now()).await.expect("moved");
    let after = caller().await;
    assert!(matches!(&after.surface, Surface::Room(room) if room.as_str() == "room-137"));
    let name = |id: &CredentialId| id.as_str().to_owned();
    assert_ne!(name(&before.credential), name(&after.credential), "nothing of the room before is gone on with");
    let own = stage.as_device(&device.certificate, &device.key);
    assert_eq!(stage.status(&own).await, 200, "its certificate is still its own");
    let refused = stage.store().move_device(&device.id, &stage.unit, BY, stage.now()).await.expect_err("no room");
    assert!(refused.to_string().contains("needs a place that is a room"), "{refused}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_heartbeat_tells_what_counts_and_is_written_down_now_and_then() {
    let stage = Stage::open().await;
    let device = stage.device("SN-1").await;
    let own = stage.as_device(&device.certificate, &device.key);
    let beat = async |body: Value| {
        let request = own.post(format!("{}/v1/fleet/heartbeat", stage.devices)).json(&body);
        let answer = request.send().await.expect("an answer");
        (answer.status().as_u16(), answer.json::<Value>().await.expect("JSON"))
    };
    let (status, told) = beat(json!({ "firmware": "2.1", "battery": 81 })).await;
    assert_eq!((status, &told["settings"]), (200, &json!({})), "{told}");
    let version = told["version"].as_i64().expect("a number");
    let (_, told) = beat(json!({ "settings": version })).await;
    assert!(told.get("settings").is_none(), "it has them: {told}");
    let commits = stage.store().commits();
    for _ in 0..20 {
        beat(json!({ "settings": version, "battery": 80 })).await;
    }
    assert_eq!(stage.store().commits(), commits, "twenty heartbeats do not wait for the disk");
    stage.program.write_heard().await;
    assert_eq!(stage.store().commits(), commits + 1);
    let kept = stage.store().device(&device.id).await.expect("read").expect("there");
    assert_eq!((kept.firmware.as_str(), kept.battery, kept.acked), ("2.1", Some(80), version));
    assert_eq!(kept.state, DeviceState::Active);
    let loud = Settings { volume: Some(30), ..Settings::default() };
    let quiet = Settings { volume: Some(10), ..Settings::default() };
    stage.store().set_settings(&stage.unit, loud, BY, stage.now()).await.expect("set");
    stage.store().set_settings(&stage.rooms[0], quiet, BY, stage.now()).await.expect("set");
    let kept = stage.store().device(&device.id).await.expect("read").expect("there");
    let (next, settings) = kept.meant(&stage.store().tree().await.expect("read"));
    assert!(next > version && settings.volume == Some(10) && kept.acked < next);
    for (body, says) in [
        (json!({ "battery": 101 }), "battery"),
        (json!({ "firmware": "x".repeat(65) }), "firmware"),
        (json!({ "room": "room-137" }), "body"),
    ] {
        let (status, told) = beat(body).await;
        assert!(status == 400 && told.to_string().contains(says), "{status} {told}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_device_keeps_a_connection_by_its_certificate_until_it_is_shut_out() {
    let stage = Stage::open().await;
    let device = stage.device("SN-1").await;
    let files = residue::folder();
    let file = |name: &str, text: &str| {
        let path = files.path().join(name);
        std::fs::write(&path, text).expect("written");
        Some(path)
    };
    let identity = Identity {
        cert: file("device.pem", &device.certificate),
        key: file("device-key.pem", &device.key.serialize_pem()),
        ca: file("door.pem", &stage.trusted),
    };
    let target = Target::new(&stage.devices, None, &identity).expect("an address");
    let mut line = Line::open(&target).await.expect("let in");
    let about = About { firmware: Some("3.0".into()), battery: Some(64), ..About::default() };
    line.tell(&Up::Hello { last_seq: 0, speech: false, about }).await.expect("sent");
    assert!(matches!(line.next().await, Ok(Told::Message(Down::Welcome { .. }))));
    line.tell(&Up::SettingsAck { version: 9 }).await.expect("sent");
    // An acknowledgement of nothing is answered by nothing; what comes after it in order is seen to be done.
    line.tell(&Up::Rang { id: "none".into(), at: stage.now() }).await.expect("sent");
    assert!(matches!(line.next().await, Ok(Told::Message(Down::Noted { .. }))));
    stage.program.write_heard().await;
    let kept = stage.store().device(&device.id).await.expect("read").expect("there");
    assert_eq!((kept.firmware.as_str(), kept.battery, kept.acked), ("3.0", Some(64), 9));
    stage.store().end_device(&device.id, Deed::Lose, BY, stage.now()).await.expect("done");
    let ended = loop {
        match line.next().await {
            Ok(_) => {}
            Err(error) => break error,
        }
    };
    assert!(matches!(ended, LineError::Closed(4401, _)), "{ended}");
    assert!(matches!(Line::open(&target).await.err(), Some(LineError::Refused(401))));
}

fn der(certificate: &str) -> Vec<u8> {
    use rustls_pki_types::pem::PemObject as _;
    rustls_pki_types::CertificateDer::from_pem_slice(certificate.as_bytes()).expect("PEM").to_vec()
}

/// One connection that stays open.
struct Open {
    send: hyper::client::conn::http1::SendRequest<http_body_util::Empty<bytes::Bytes>>,
    host: String,
}

impl Open {
    async fn to(stage: &Stage, certificate: &str, key: &KeyPair) -> Self {
        use rustls_pki_types::pem::PemObject as _;
        let mut roots = rustls::RootCertStore::empty();
        roots.add(der(&stage.trusted).into()).expect("a root");
        let own = rustls_pki_types::CertificateDer::from_pem_slice(certificate.as_bytes()).expect("PEM");
        let key = rustls_pki_types::PrivateKeyDer::try_from(key.serialize_der()).expect("a key");
        let config = rustls::ClientConfig::builder().with_root_certificates(roots);
        let config = config.with_client_auth_cert(vec![own], key).expect("fits");
        let host = stage.devices.trim_start_matches("https://").to_owned();
        let socket = tokio::net::TcpStream::connect(&host).await.expect("connected");
        let name = "localhost".try_into().expect("a name");
        let stream = tokio_rustls::TlsConnector::from(std::sync::Arc::new(config)).connect(name, socket).await;
        let io = hyper_util::rt::TokioIo::new(stream.expect("a handshake"));
        let (send, connection) = hyper::client::conn::http1::handshake(io).await.expect("HTTP");
        tokio::spawn(connection);
        Self { send, host }
    }

    async fn due(&mut self) -> u16 {
        use http_body_util::BodyExt as _;
        self.send.ready().await.expect("it is still open");
        let request = hyper::Request::get("/v1/device/due").header("host", &self.host);
        let answer = self.send.send_request(request.body(http_body_util::Empty::new()).expect("a request")).await;
        let answer = answer.expect("an answer");
        let status = answer.status().as_u16();
        let _ = answer.into_body().collect().await;
        status
    }
}
