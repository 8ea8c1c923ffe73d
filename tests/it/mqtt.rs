//! The MQTT connection against a real broker: confirmed, killed, silent, refused, over TLS.

use std::{fs, os::unix::fs::PermissionsExt as _, path::Path, process::Command, sync::Arc, time::Duration};

use wellspoken::{
    config::MqttConfig,
    fleet::mqtt::{Filter, Listening, Message, Mqtt, Topic, Trouble, Unpublished},
};

use crate::mosquitto::{Mosquitto, program};

const SOON: Duration = Duration::from_secs(20);

fn topic(text: &str) -> Topic {
    Topic::parse(text).expect("a topic")
}

fn client(config: &MqttConfig, id: u64) -> Mqtt {
    Mqtt::new(config, id).expect("fits")
}

async fn listening(mqtt: &Mqtt, filter: &str) -> Listening {
    mqtt.listen(&Filter::parse(filter).expect("a filter"), SOON).await.expect("listens")
}

async fn next(inbox: &mut Listening) -> Message {
    tokio::time::timeout(SOON, inbox.next()).await.expect("in time").expect("a message")
}

/// What waits for us, as text, without what the broker kept.
async fn said(inbox: &mut Listening) -> String {
    String::from_utf8(next(inbox).await.payload.to_vec()).expect("UTF-8")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_published_is_confirmed_and_heard() {
    let broker = Mosquitto::start();
    let (lamp, program) = (client(&broker.config(), 1), client(&broker.config(), 2));
    let mut hears = listening(&lamp, "room/+/light/set").await;
    for (n, text) in ["ON", "OFF", ""].into_iter().enumerate() {
        let at = topic(&format!("room/{n}/light/set"));
        program.publish(&at, text, false, SOON).await.expect("confirmed");
        assert_eq!(
            next(&mut hears).await,
            Message { topic: at.as_str().into(), payload: text.into(), retained: false }
        );
    }
    program.publish(&topic("room/7/light/state"), "ON", true, SOON).await.expect("confirmed");
    let mut late = listening(&lamp, "room/7/light/state").await;
    let kept = next(&mut late).await;
    assert!(kept.retained && kept.payload == "ON", "whoever comes later hears what was kept");
    let long = vec![b'x'; 200 * 1024];
    assert_eq!(program.publish(&topic("room/7/tv"), long, false, SOON).await, Err(Unpublished::TooLong));
    drop(hears);
    program.publish(&topic("room/1/light/set"), "ON", false, SOON).await.expect("whoever left is not waited for");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_at_once_are_all_confirmed() {
    let broker = Mosquitto::start();
    let mqtt = Arc::new(client(&broker.config(), 3));
    let many = (0..1000).map(|n| {
        let mqtt = Arc::clone(&mqtt);
        tokio::spawn(async move { mqtt.publish(&topic("many"), format!("{n}"), false, SOON).await })
    });
    for done in futures_util::future::join_all(many).await {
        assert_eq!(done.expect("ran"), Ok(()));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_broker_that_is_killed_in_between_confirms_nothing_and_nothing_is_sent_later() {
    let mut broker = Mosquitto::start();
    let mqtt = client(&broker.config(), 4);
    let mut hears = listening(&mqtt, "room/#").await;
    broker.signal("STOP");
    let at = topic("room/7/light/set");
    let late = mqtt.publish(&at, "late", false, Duration::from_millis(200)).await;
    assert_eq!(late, Err(Unpublished::Late));
    let mut under_way = Box::pin(mqtt.publish(&at, "lost", false, SOON));
    assert!(futures_util::poll!(&mut under_way).is_pending());
    // What comes after it is written after it.
    let after = mqtt.publish(&at, "late too", false, Duration::from_millis(200)).await;
    assert_eq!(after, Err(Unpublished::Late));
    broker.kill();
    assert_eq!(under_way.await, Err(Unpublished::Lost), "nobody confirmed it");
    let gone = mqtt.publish(&at, "gone", false, SOON).await;
    assert!(matches!(gone, Err(Unpublished::NotConnected(Trouble::NobodyThere | Trouble::BrokeOff))), "{gone:?}");
    broker.up();
    assert!(mqtt.ready(SOON).await, "it comes back by itself");
    mqtt.publish(&at, "after", false, SOON).await.expect("confirmed");
    assert_eq!(said(&mut hears).await, "after", "what was given up is not sent, and what was listened to still is");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_name_and_password_that_the_broker_does_not_know_are_refused_and_a_new_one_is_taken() {
    let broker = Mosquitto::with(|dir| {
        let file = dir.join("passwords");
        let made =
            Command::new(program("mosquitto_passwd")).args(["-b", "-c"]).arg(&file).args(["ward", "s3cret"]).status();
        assert!(made.expect("it runs").success());
        let rules = dir.join("rules");
        fs::write(&rules, "user ward\ntopic readwrite room/#\n").expect("written");
        format!("allow_anonymous false\npassword_file {}\nacl_file {}", file.display(), rules.display())
    });
    let file = broker.path("password");
    let write = |password: &str| {
        fs::write(&file, password).expect("written");
        fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).expect("set");
    };
    write("wrong\n");
    let config = MqttConfig { user: Some("ward".into()), password_file: Some(file.clone()), ..broker.config() };
    let at = topic("room/7/tv/set");
    let nameless = client(&broker.config(), 5);
    assert!(!nameless.ready(Duration::from_millis(500)).await);
    let mqtt = client(&config, 6);
    assert!(!mqtt.ready(Duration::from_millis(500)).await);
    let refused = mqtt.publish(&at, "ON", false, SOON).await;
    assert_eq!(refused, Err(Unpublished::NotConnected(Trouble::NotKnown)));
    write("s3cret\n");
    assert!(mqtt.ready(SOON).await, "the file is read anew");
    mqtt.publish(&at, "ON", false, SOON).await.expect("confirmed");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).expect("set");
    let told = Mqtt::new(&config, 7).err().map(|e| e.to_string()).expect("others may read it");
    assert!(told.contains("chmod 600") && !told.contains("s3cret"), "{told}");
}

struct Certified {
    authority: String,
    certificate: String,
    key: String,
}

fn certified(name: &str) -> Certified {
    let mut params = rcgen::CertificateParams::new(vec![]).expect("fits");
    params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let key = rcgen::KeyPair::generate().expect("a key");
    let authority = params.self_signed(&key).expect("a certificate").pem();
    let issuer = rcgen::Issuer::new(params, key);
    let key = rcgen::KeyPair::generate().expect("a key");
    let params = rcgen::CertificateParams::new(vec![name.to_owned()]).expect("a name");
    let certificate = params.signed_by(&key, &issuer).expect("signed").pem();
    Certified { authority, certificate, key: key.serialize_pem() }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn over_tls_the_broker_is_held_to_the_authority_and_the_name() {
    let (right, other) = (certified("localhost"), certified("localhost"));
    let broker = Mosquitto::with(|dir| {
        fs::write(dir.join("cert.pem"), &right.certificate).expect("written");
        fs::write(dir.join("key.pem"), &right.key).expect("written");
        fs::write(dir.join("ca.pem"), &right.authority).expect("written");
        fs::write(dir.join("other.pem"), &other.authority).expect("written");
        let at = |name: &str| dir.join(name).display().to_string();
        format!("allow_anonymous true\ncertfile {}\nkeyfile {}", at("cert.pem"), at("key.pem"))
    });
    let config = |host: &str, ca: &str| MqttConfig {
        ca: Some(broker.path(ca)),
        ..MqttConfig::new(&format!("mqtts://{host}:{}", broker.port()))
    };
    let at = topic("room/7/tv/set");
    let mqtt = client(&config("localhost", "ca.pem"), 8);
    mqtt.publish(&at, "ON", false, SOON).await.expect("confirmed");
    for (host, ca, why) in [("localhost", "other.pem", "another authority"), ("127.0.0.1", "ca.pem", "another name")] {
        let mqtt = client(&config(host, ca), 9);
        assert!(!mqtt.ready(Duration::from_millis(500)).await, "{why}");
        let refused = mqtt.publish(&at, "ON", false, SOON).await;
        assert_eq!(refused, Err(Unpublished::NotConnected(Trouble::NotTrusted)), "{why}");
    }
    let plain = client(&broker.config(), 10);
    assert!(!plain.ready(Duration::from_millis(500)).await, "nothing goes in clear");
    let key = MqttConfig { ca: Some(broker.path("key.pem")), ..config("localhost", "ca.pem") };
    assert!(Mqtt::new(&key, 11).err().is_some_and(|e| e.to_string().contains("no PEM certificate")));
    let none = MqttConfig { ca: Some(Path::new("/nowhere/ca.pem").into()), ..config("localhost", "ca.pem") };
    assert!(Mqtt::new(&none, 12).err().is_some_and(|e| e.to_string().contains("/nowhere/ca.pem")));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_listens_learns_whether_the_program_is_there() {
    let broker = Mosquitto::start();
    let watcher = client(&broker.config(), 13);
    let config = broker.config();
    let stays = move |id| {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("threads");
        let mqtt = client(&config, id);
        {
            let _inside = runtime.enter();
            mqtt.stay();
        }
        (runtime, mqtt)
    };
    let mut status = listening(&watcher, "wellspoken/status").await;
    let (runtime, mqtt) = stays(14);
    assert_eq!(said(&mut status).await, "online");
    // As when the program is killed: its connections end without a word.
    runtime.shutdown_background();
    assert_eq!(said(&mut status).await, "offline", "the broker tells it");
    drop(mqtt);
    let (runtime, mqtt) = stays(15);
    assert_eq!(said(&mut status).await, "online");
    drop(mqtt);
    assert_eq!(said(&mut status).await, "offline", "one that ends tells it itself");
    let mut kept = listening(&watcher, "wellspoken/status").await;
    let kept = next(&mut kept).await;
    assert!(kept.retained && kept.payload == "offline", "kept, and told once");
    // Only now: one that is killed while it takes its leave is told of twice.
    runtime.shutdown_background();
}
