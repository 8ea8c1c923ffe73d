//! A fresh database with keys, and the people and turns that the tests put into it.

use std::path::PathBuf;

use jiff::Timestamp;
use sqlx::{AnyConnection, Connection};
use wellspoken::{
    actions::{Change, Route},
    config::KeysConfig,
    policy::{
        Caller, CredentialId, DataClass, Effect, Event, Identity, JournalEntry, Occasion, Permit, PersonId, Proof,
        RoomId, SessionId, Surface, Task, TurnId, Verdict, admit,
    },
    records::{Chart, OpenSlot, Prescription, Profile, Summary},
    store::{ImportOptions, KeyOwner, OpeningQuery, Store, StoreOptions, TurnCommit},
};

use crate::postgres;

/// A folder with a key file, and a database.
pub struct Place {
    pub dir: crate::residue::Folder,
    pub url: String,
}

impl Place {
    pub fn sqlite() -> Self {
        let dir = crate::residue::folder();
        let url = dir.path().join("data/wellspoken.db").to_str().expect("plain path").to_owned();
        Self { dir, url }
    }

    pub async fn postgres() -> Self {
        Self { dir: crate::residue::folder(), url: postgres::database().await }
    }

    pub fn is_sqlite(&self) -> bool {
        !self.url.starts_with("postgres")
    }

    pub fn key_file(&self) -> PathBuf {
        self.dir.path().join("keys/master.key")
    }

    pub fn key_store(&self) -> PathBuf {
        self.dir.path().join("keys/master.key.d")
    }

    pub fn options(&self) -> StoreOptions {
        StoreOptions { url: self.url.clone(), key_file: self.key_file(), keys: KeysConfig::default() }
    }

    pub async fn open(&self) -> Store {
        Store::open(self.options()).await.unwrap_or_else(|e| panic!("the store opens: {e}"))
    }

    /// A connection that goes around the store, as an attacker or an operator would.
    pub async fn raw(&self) -> AnyConnection {
        sqlx::any::install_default_drivers();
        let url = if self.is_sqlite() { format!("sqlite://{}", self.url) } else { self.url.clone() };
        AnyConnection::connect(&url).await.expect("the database answers")
    }
}

pub fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_796_133_600 + seconds).expect("in range")
}

pub fn room(name: &str) -> RoomId {
    RoomId::parse(name).expect("fits")
}

pub fn session(name: &str) -> SessionId {
    SessionId::parse(name).expect("fits")
}

pub fn turn(name: &str) -> TurnId {
    TurnId::parse(name).expect("fits")
}

pub fn credential(name: &str) -> CredentialId {
    CredentialId::parse(name).expect("fits")
}

/// Words that must never be found in clear.
pub const CANARIES: [&str; 7] =
    ["Quetzalina", "Xylander", "fluorozepamol", "MRN-77123", "47118842", "Dr. Wombat", "my secret need"];

pub fn chart(medicine: &str) -> Chart {
    Chart {
        diet: vec![],
        profile: Profile { given: "Quetzalina".into(), family: "Xylander".into(), birth: None, called: vec![] },
        identifiers: vec!["urn:hospital|MRN-77123".into()],
        prescriptions: vec![prescription(medicine)],
        visits: vec![],
        results: vec![],
        providers: vec![wellspoken::records::Provider {
            name: "Dr. Wombat".into(),
            specialty: None,
            role: None,
            origin: Default::default(),
        }],
        allergies: vec![],
        history: wellspoken::records::History::default(),
        pharmacies: vec![],
        answers: vec![],
        slots: (0..3).map(slot).collect(),
        source: vec![],
        removed: vec![],
        lacking: vec![],
        summary: Summary::default(),
    }
}

pub fn prescription(medicine: &str) -> Prescription {
    let json = serde_json::json!({
        "id": "rx-1", "medicine": medicine, "aliases": [], "active": true, "on_hold": false, "controlled": false,
        "dispenses": [],
    });
    serde_json::from_value(json).expect("a prescription")
}

pub fn slot(n: i64) -> OpenSlot {
    OpenSlot {
        id: format!("slot-{n}"),
        start: at(86_400 + n * 1800),
        end: at(86_400 + n * 1800 + 1800),
        provider: "Dr. Anita Patel".into(),
        specialty: Some("cardiology".into()),
        ..OpenSlot::default()
    }
}

pub async fn admitted(store: &Store, where_to: Option<&str>) -> PersonId {
    let options = ImportOptions {
        pin: Some("47118842"),
        consent: Some(wellspoken::policy::Scope::ALL.to_vec()),
        room: where_to.map(room),
        ..ImportOptions::default()
    };
    store.import(&chart("fluorozepamol"), options, at(0)).await.expect("imported")
}

pub fn entry(event: Event, person: Option<&PersonId>, n: i64) -> JournalEntry {
    JournalEntry {
        event,
        subject: person.cloned(),
        actor: Some(credential("cred")),
        intent: Some("prescription.status".into()),
        channel: "room",
        session: Some(session("s1")),
        turn: Some(turn(&format!("t{n}"))),
        closes: None,
        outcome: Some("answered"),
        at: at(n),
    }
}

/// A turn that changes something.
pub fn commit(name: &str, person: &PersonId, changes: Vec<Change>) -> TurnCommit {
    TurnCommit {
        session: session("s1"),
        turn: turn(name),
        credential: credential("cred"),
        body_hash: [7; 32],
        owner: KeyOwner::Person(person.clone()),
        person: Some(person.clone()),
        door: Some(person.clone()),
        room: None,
        changes,
        session_state: format!("state after {name}").into_bytes(),
        answer: format!("answer to {name}").into_bytes(),
        closing: entry(Event::Closed, Some(person), 1),
        also_closing: vec![],
        sends: false,
        told: vec![],
        at: at(10),
    }
}

pub fn renew(prescription: &str) -> Change {
    Change::Renew {
        prescription: prescription.into(),
        medicine: "fluorozepamol".into(),
        strength: None,
        prescriber: Some("Dr. Zorbwick Plim".into()),
        pharmacy: None,
        route: Route::Prescriber,
    }
}

pub fn opening<'a>(
    session: Option<&'a SessionId>,
    turn: &'a TurnId,
    credential: &'a CredentialId,
    person: Option<&'a PersonId>,
) -> OpeningQuery<'a> {
    OpeningQuery { session, turn, credential, person, room: None, body_hash: [7; 32] }
}

/// A real permit: decided by the rules and opened in the audit chain.
pub async fn permit(store: &Store, person: &PersonId) -> Permit {
    let caller = Caller {
        surface: Surface::Chat,
        credential: credential("cred"),
        person: Some(person.clone()),
        stay: None,
        proof: Proof::Unasked,
        house: None,
    };
    let task = Task {
        intent: "test",
        data: DataClass::Identifiable,
        effect: Effect::Read,
        identity: Identity::Known,
        scope: None,
    };
    let occasion = Occasion { session: session("s1"), turn: turn("permit"), at: at(5) };
    match admit(&task, &caller, &[], &occasion, store).await {
        Ok(Verdict::Allow(permit)) => permit,
        Ok(_) => panic!("the rules allow it"),
        Err(e) => panic!("{e}"),
    }
}
