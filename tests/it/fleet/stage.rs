//! A running program with a devices' door, and devices.

use std::{path::PathBuf, sync::Arc};

use jiff::Timestamp;
use rcgen::KeyPair;
use reqwest::{Certificate, Client, Identity, Response};
use serde_json::{Value, json};
use tokio::sync::oneshot;
use wellspoken::{
    ambient::Ambient,
    app::{App, Places, Senses},
    channels::http::{Doors, Limits, Listener},
    cli::serve::Program,
    config::{Config, FleetConfig, HttpConfig},
    fleet::{
        device::Channel,
        tree::{NewNode, NodeKind},
    },
    policy::{DeviceId, NodeId, RoomId},
    store::{By, Store},
};

use crate::{
    residue::{self, Folder},
    support,
};

pub const BY: By<'static> = By::Operator("a test");

pub struct Stage {
    pub program: Arc<Program>,
    /// The ordinary door.
    pub url: String,
    /// The devices' door.
    pub devices: String,
    /// The certificate of the devices' door.
    pub trusted: String,
    pub property: NodeId,
    pub unit: NodeId,
    pub rooms: [NodeId; 2],
    pub client: Client,
    _stop: [oneshot::Sender<()>; 2],
    _dir: Folder,
}

/// A device with its key and what it was given.
pub struct Known {
    pub id: DeviceId,
    pub key: KeyPair,
    pub certificate: String,
}

/// A certificate for a door on this machine, in files of a folder.
pub fn certified(dir: &std::path::Path) -> (PathBuf, PathBuf, String) {
    let key = KeyPair::generate().expect("a key");
    let params = rcgen::CertificateParams::new(vec!["localhost".into(), "127.0.0.1".into()]).expect("names");
    let certificate = params.self_signed(&key).expect("a certificate");
    let (cert_file, key_file) = (dir.join("door.pem"), dir.join("door-key.pem"));
    std::fs::write(&cert_file, certificate.pem()).expect("written");
    std::fs::write(&key_file, key.serialize_pem()).expect("written");
    (cert_file, key_file, certificate.pem())
}

/// A client that trusts the door, and shows this certificate with its key.
pub fn client(trusted: &str, shown: Option<(&str, &KeyPair)>) -> Client {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let trusted = Certificate::from_pem(trusted.as_bytes()).expect("a certificate");
    let mut builder = Client::builder().tls_certs_only([trusted]).no_proxy().http1_only();
    if let Some((certificate, key)) = shown {
        let pem = format!("{certificate}{}", key.serialize_pem());
        builder = builder.identity(Identity::from_pem(pem.as_bytes()).expect("an identity"));
    }
    builder.build().expect("a client")
}

impl Stage {
    pub async fn open() -> Self {
        let dir = residue::folder();
        let places = Places {
            intents_dir: Some(PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/it/barista")),
            ..support::places(dir.path())
        };
        let ambient = Ambient::system(None).expect("randomness");
        let app = App::build(Config::default(), places, ambient, Senses { ears: false, voice: false });
        let app = app.await.expect("the program starts");
        let now = app.ambient().now();
        let add = async |parent: Option<&NodeId>, kind, name: &str, room: Option<&str>| {
            let new = NewNode {
                parent: parent.cloned(),
                kind,
                name: name.into(),
                room: room.map(|room| RoomId::parse(room).expect("fits")),
                location: None,
            };
            app.store().add_place(&new, BY, now).await.expect("made")
        };
        let property = add(None, NodeKind::Property, "Mercy", None).await;
        let unit = add(Some(&property), NodeKind::Unit, "4 West", None).await;
        let rooms = [
            add(Some(&unit), NodeKind::Room, "136", Some("room-136")).await,
            add(Some(&unit), NodeKind::Room, "137", Some("room-137")).await,
        ];
        let (cert, key, trusted) = certified(dir.path());
        let config = FleetConfig {
            listen: "127.0.0.1:0".parse().expect("an address"),
            tls_cert: cert,
            tls_key: key,
            connections: 100,
        };
        let authorities = app.store().fleet_authorities(now).await.expect("an authority");
        let inner = Listener::bind_devices(&config, authorities).await.expect("a free port");
        let http = HttpConfig { listen: "127.0.0.1:0".into(), ..HttpConfig::default() };
        let outer = Listener::bind(&http).await.expect("a free port");
        let (url, devices) = (outer.url(), inner.url());
        let program = Arc::new(Program::new(app).with_sign_in().expect("nothing to read"));
        let doors = Doors::new(program.clone(), &[], Limits::default())
            .with_bell(program.clone())
            .with_devices(program.clone())
            .with_staff(program.clone())
            .with_fleet(program.clone());
        let stops = [outer, inner].map(|listener| {
            let (stop, stopped) = oneshot::channel::<()>();
            tokio::spawn(listener.serve(doors.clone(), async {
                let _ = stopped.await;
            }));
            stop
        });
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = Client::builder().no_proxy().pool_max_idle_per_host(0).build().expect("a client");
        Self { program, url, devices, trusted, property, unit, rooms, client, _stop: stops, _dir: dir }
    }

    pub fn store(&self) -> &Store {
        self.program.app().store()
    }

    pub fn now(&self) -> Timestamp {
        self.program.app().ambient().now()
    }

    /// A device that waits in the first room, with its code.
    pub async fn waiting(&self, serial: &str) -> (DeviceId, String) {
        let made = self.store().add_device(serial, &self.rooms[0], Channel::Room, BY, self.now()).await;
        made.expect("made")
    }

    pub async fn enrol(&self, serial: &str, code: &str, key: &str) -> (u16, Value) {
        let body = json!({ "serial": serial, "code": code, "key": key });
        let answer = self.client.post(format!("{}/v1/fleet/enrol", self.url)).json(&body).send().await;
        let answer = answer.expect("an answer");
        (answer.status().as_u16(), answer.json().await.expect("JSON"))
    }

    /// A device that was let in.
    pub async fn device(&self, serial: &str) -> Known {
        let (id, code) = self.waiting(serial).await;
        let key = KeyPair::generate().expect("a key");
        let (status, told) = self.enrol(serial, &code, &key.public_key_pem()).await;
        assert_eq!(status, 200, "{told}");
        let certificate = told["certificate"].as_str().expect("PEM").to_owned();
        Known { id, key, certificate }
    }

    /// As a device that shows a certificate.
    pub fn as_device(&self, certificate: &str, key: &KeyPair) -> Client {
        client(&self.trusted, Some((certificate, key)))
    }

    pub async fn due(&self, client: &Client) -> reqwest::Result<Response> {
        client.get(format!("{}/v1/device/due", self.devices)).send().await
    }

    /// The status of asking what is due; 0 where the door did not open.
    pub async fn status(&self, client: &Client) -> u16 {
        self.due(client).await.map_or(0, |answer| answer.status().as_u16())
    }
}
