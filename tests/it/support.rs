//! A running program in a folder of its own, at a fixed time, with the demo people in it.

use std::path::{Path, PathBuf};

use jiff::Timestamp;
use wellspoken::{
    ambient::Ambient,
    app::{App, Places, Senses},
    cli::import::import_into,
    config::Config,
    policy::{Caller, CredentialId, PersonId, Proof, RoomId, SessionId, Surface, TurnId},
    turn::{Input, TurnRequest, TurnResult},
};

use crate::residue::{self, Folder};

/// Tuesday, 1 December 2026, 10 in the morning in New York.
pub const NOW: &str = "2026-12-01T15:00:00Z";

/// A scratch program; the folder goes with it.
pub struct Scratch {
    pub app: App,
    pub dir: Folder,
}

/// A program without people that neither hears nor speaks.
pub async fn empty() -> Scratch {
    with_senses(Senses { ears: false, voice: false }).await
}

/// A program without people.
pub async fn with_senses(senses: Senses) -> Scratch {
    with_config(Config::default(), senses).await
}

/// A program without people, configured otherwise.
pub async fn with_config(mut config: Config, senses: Senses) -> Scratch {
    let dir = residue::folder();
    config.place.zone = "America/New_York".into();
    let app =
        App::build(config, places(dir.path()), Ambient::fixed(now(), 7), senses).await.expect("the program starts");
    Scratch { app, dir }
}

/// A program with one of the demo people, who agreed to the scopes named.
pub async fn with_demo(bundle: &str, consent: &str, room: Option<&str>) -> (Scratch, PersonId) {
    let scratch = empty().await;
    let person = add_demo(&scratch, bundle, consent, room).await;
    (scratch, person)
}

/// Makes one of the demo people known.
pub async fn add_demo(scratch: &Scratch, bundle: &str, consent: &str, room: Option<&str>) -> PersonId {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("demo").join(bundle);
    import_into(scratch.app.store(), &path, None, Some(consent), room, now()).await.expect("the demo bundle imports")
}

/// Makes one of the demo people known, with a PIN.
pub async fn add_demo_with_pin(scratch: &Scratch, bundle: &str, consent: &str, pin: &str) -> PersonId {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("demo").join(bundle);
    import_into(scratch.app.store(), &path, Some(pin), Some(consent), None, now()).await.expect("the bundle imports")
}

/// Where the model files lie.
pub fn models_dir() -> PathBuf {
    let named = std::env::var_os("WELLSPOKEN_MODELS").map(PathBuf::from);
    let cache = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
    let home = std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".cache"));
    named.or_else(|| Some(cache.or(home)?.join("wellspoken/models"))).expect("HOME is set")
}

pub fn now() -> Timestamp {
    NOW.parse().expect("valid")
}

pub fn places(dir: &Path) -> Places {
    Places {
        data_dir: dir.join("data"),
        models_dir: models_dir(),
        key_file: dir.join("keys/master.key"),
        intents_dir: None,
    }
}

pub fn caller(surface: Surface, person: Option<&PersonId>) -> Caller {
    Caller {
        surface,
        credential: CredentialId::parse("test").expect("fits"),
        person: person.cloned(),
        stay: None,
        proof: Proof::Unasked,
        house: None,
    }
}

pub fn home() -> Surface {
    Surface::Home(RoomId::parse("kitchen").expect("fits"))
}

pub fn room() -> Surface {
    Surface::Room(RoomId::parse("room-7").expect("fits"))
}

/// Somebody in the middle of a conversation.
pub struct Speaker<'a> {
    pub app: &'a App,
    pub caller: Caller,
    pub session: Option<SessionId>,
}

impl<'a> Speaker<'a> {
    pub fn new(app: &'a App, surface: Surface, person: Option<&PersonId>) -> Self {
        Self { app, caller: caller(surface, person), session: None }
    }

    pub async fn says(&mut self, text: &str) -> TurnResult {
        self.says_as(text, None).await
    }

    pub async fn says_as(&mut self, text: &str, turn: Option<&str>) -> TurnResult {
        let result = self
            .app
            .turn(TurnRequest {
                caller: self.caller.clone(),
                session: self.session.clone(),
                turn: turn.map(|t| TurnId::parse(t).expect("fits")),
                input: Input::Text(text.into()),
                speak: false,
            })
            .await;
        self.session = Some(SessionId::parse(&result.session).expect("fits"));
        result
    }
}

/// What a turn shows, without the ids and times that hold any four digits by chance.
pub fn shown(result: &TurnResult) -> String {
    let mut shown = serde_json::to_value(result).expect("JSON");
    let fields = shown.as_object_mut().expect("an object");
    for by_chance in ["turn_id", "session", "timings_ms"] {
        fields.remove(by_chance).expect("it is there");
    }
    shown.to_string()
}
