//! The composition root: configuration in, running parts out. The only place where parts meet.
//!
//! Models are loaded beside each other; a missing one is said at once and leaves the rest running: typed chat
//! works without ears, answers are shown without a voice.

use std::{path::PathBuf, sync::Arc, time::Duration};

use jiff::tz::TimeZone;

use crate::{
    actions::{Action, Connecting, KeyHolder, Protection},
    ambient::Ambient,
    asr::{
        model::{ModelError, Models},
        pool::{Pool, PoolLimits},
        spotter::Spotter,
        tongues::{self, Tongues},
        whisper::WhisperError,
    },
    config::{Config, ConnectConfig, Provider},
    fleet::{
        mqtt::{Mqtt, MqttError},
        nurse::Units,
        room::Rooms,
        tree::Tree,
    },
    nlu::{
        catalogue::{Catalogue, CatalogueErrors},
        shelf::LearnError,
    },
    outbox::Courier,
    policy::Loosened,
    records::{Position, Records, Servers},
    speech::{
        reply::{Replies, ReplyError},
        voice::Voice,
    },
    store::{Store, StoreError, StoreOptions, database_url},
    turn::{CareNames, Core, Early, Expected, Recognized, TurnRequest, TurnResult},
    watch::Watcher,
};

mod alone;
pub mod understanding;
pub mod vocabulary;

/// Where things lie.
#[derive(Debug, Clone)]
pub struct Places {
    /// The database's folder.
    pub data_dir: PathBuf,
    /// The model files' folder.
    pub models_dir: PathBuf,
    /// The master key.
    pub key_file: PathBuf,
    /// Intent files; `None` takes those that ship with the program.
    pub intents_dir: Option<PathBuf>,
}

/// Which models a command needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Senses {
    /// Load the hearing model.
    pub ears: bool,
    /// Load the voice.
    pub voice: bool,
}

/// Why the program cannot start.
#[derive(Debug, thiserror::Error)]
pub enum AppError {
    /// The time zone is unknown.
    #[error("place.zone: {0}")]
    Zone(jiff::Error),
    /// The data folder cannot be made.
    #[error("cannot make the data folder {path}: {source}. Choose another with --data-dir")]
    DataDir {
        /// The folder.
        path: PathBuf,
        /// What the operating system said.
        source: std::io::Error,
    },
    /// The catalogue has mistakes.
    #[error("the intent catalogue cannot be used:\n{0}")]
    Catalogue(#[from] CatalogueErrors),
    /// The catalogue asks for less than an action demands.
    #[error("intents: {intent}")]
    Loosened {
        /// The intent.
        intent: String,
        /// What it loosened.
        source: Loosened,
    },
    /// An intent names an action that does not exist.
    #[error(
        "intents: {intent}: there is no action `{action}`; `action: none` with `why:` says that it is not connected"
    )]
    NoAction {
        /// The intent.
        intent: String,
        /// What it named.
        action: String,
    },
    /// A record server's key or authorities cannot be used.
    #[error(transparent)]
    Servers(#[from] crate::fhir::FhirError),
    /// The MQTT broker cannot be used as configured.
    #[error(transparent)]
    Mqtt(#[from] MqttError),
    /// The classifier could not be trained.
    #[error(transparent)]
    Engine(#[from] LearnError),
    /// Training was interrupted.
    #[error("learning the catalogue was interrupted")]
    Interrupted,
    /// A reply template has a mistake.
    #[error(transparent)]
    Replies(#[from] ReplyError),
    /// The database or the key store cannot be used.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What is ready.
#[derive(Debug, Clone, serde::Serialize)]
pub struct Readiness {
    /// The database answers.
    pub store: bool,
    /// The hearing model is loaded.
    pub ears: bool,
    /// The voice is loaded.
    pub voice: bool,
    /// The sentence network is loaded; without it understanding goes by words and letters alone.
    pub meaning: bool,
}

/// The running parts.
pub struct App {
    core: Core,
    watcher: Option<Watcher>,
    mqtt: Option<Arc<Mqtt>>,
    config: Config,
    /// What was missing at the start, with the command that mends it.
    pub warnings: Vec<String>,
}

impl App {
    /// Opens the database, loads the models and trains the classifier.
    ///
    /// # Errors
    /// When the catalogue, the keys or the database cannot be used. A missing model is a warning.
    pub async fn build(config: Config, places: Places, ambient: Ambient, senses: Senses) -> Result<Self, AppError> {
        let zone = TimeZone::get(&config.place.zone).map_err(AppError::Zone)?;
        let (ears_config, ears_dir) = (config.clone(), places.models_dir.clone());
        let ears = tokio::task::spawn_blocking(move || {
            senses.ears.then(|| load_ears(&ears_config, &ears_dir).map(|(pool, _)| pool))
        });
        let (others, others_dir) = (senses.ears && config.hear.other_languages, places.models_dir.clone());
        let tongues = tokio::task::spawn_blocking(move || others.then(|| load_tongues(&others_dir)));
        let spotter = tokio::task::spawn_blocking(move || senses.ears.then(Spotter::new));
        let voice_dir = places.models_dir.clone();
        let voice = tokio::task::spawn_blocking(move || senses.voice.then(|| Voice::load(&voice_dir)));
        let catalogue = Arc::new(match &places.intents_dir {
            Some(dir) => Catalogue::load(dir)?,
            None => Catalogue::builtin()?,
        });
        check_floors(&catalogue)?;
        let (models, learned) = (places.models_dir.clone(), Arc::clone(&catalogue));
        let engine = tokio::task::spawn_blocking(move || understanding::engine(&models, learned));
        let replies = Replies::new(&catalogue)?.with_place(&config.place.organization, &config.place.emergency_number);
        let store = open_store(&config, &places).await?;
        let mut warnings = Vec::new();
        let (engine, by_words) = engine.await.map_err(|_| AppError::Interrupted)??;
        if let Some(why) = by_words {
            warnings.push(format!("understanding goes by words alone: {why}"));
        }
        let servers = Arc::new(Servers::new(&config.records, crate::ambient::system_now)?);
        let ears = settle("hearing", ears.await, &mut warnings);
        let tongues = settle("hearing other languages", tongues.await, &mut warnings).map(Arc::new);
        let voice = settle("speaking", voice.await, &mut warnings).map(Arc::new);
        let spotter = settle("spotting cries", spotter.await, &mut warnings).map(Arc::new);
        let watcher = watcher(&store, &servers);
        let mqtt = config.mqtt.as_ref().map(|mqtt| Mqtt::new(mqtt, u64::from_be_bytes(ambient.random())).map(Arc::new));
        let mqtt = mqtt.transpose()?;
        let units = units(&config, &store.tree().await?);
        let core = Core {
            ambient,
            courier: courier(&store, &servers, &config, &zone),
            rooms: mqtt.clone().zip(config.mqtt.as_ref()).map(|(mqtt, config)| Rooms::new(mqtt, config)),
            records: Records::new(store.clone()).with_servers(servers),
            store,
            catalogue,
            engine: Arc::new(engine),
            replies,
            ears,
            tongues,
            spotter,
            voice,
            zone,
            organization: config.place.organization.clone(),
            phone: config.place.phone.clone(),
            units,
            position: config.place.latitude.zip(config.place.longitude).and_then(|(a, b)| Position::new(a, b)),
            sign_up: config.mail.as_ref().map(|mail| mail.spoken_page().to_owned()),
            emergency_number: config.place.emergency_number.clone(),
            recognized: Recognized::default(),
            care_names: CareNames::default(),
            patterns: Some(config.patterns.clone()),
            protection: protection(&config),
            connecting: config.connect.as_ref().map(connecting),
            servers_within: Duration::from_millis(config.records.turn_ms),
            hear_deadline: Duration::from_millis(config.hear.deadline_ms),
            pin_digits: config.hear.pin_digits,
        };
        Ok(Self { core, watcher, mqtt, config, warnings })
    }

    /// Goes on with another database and clock; what is costly to load stays.
    ///
    /// # Errors
    /// When the other database or its keys cannot be used; this one stays open then.
    pub async fn move_to(&mut self, places: &Places, ambient: Ambient) -> Result<(), AppError> {
        let store = open_store(&self.config, places).await?;
        let servers = Arc::new(Servers::new(&self.config.records, crate::ambient::system_now)?);
        self.watcher = watcher(&store, &servers);
        self.core.courier = courier(&store, &servers, &self.config, &self.core.zone);
        self.core.records = Records::new(store.clone()).with_servers(servers);
        std::mem::replace(&mut self.core.store, store).close().await;
        self.core.recognized = Recognized::default();
        self.core.care_names = CareNames::default();
        self.core.ambient = ambient;
        Ok(())
    }

    /// Takes one turn. Always gives an answer.
    pub async fn turn(&self, request: TurnRequest) -> TurnResult {
        self.core.turn(request).await
    }

    /// Whether a decoder is free for what may be in vain.
    #[must_use]
    pub fn has_room(&self) -> bool {
        self.core.has_room()
    }

    /// Hears sound that may go on, where a decoder is free for it.
    pub async fn ahead(&self, sound: Arc<[f32]>, expected: Expected) -> Option<Early> {
        self.core.ahead(sound, expected).await
    }

    /// The database, for doors that authenticate and for commands.
    #[must_use]
    pub const fn store(&self) -> &Store {
        &self.core.store
    }

    /// Time and randomness.
    #[must_use]
    pub const fn ambient(&self) -> &Ambient {
        &self.core.ambient
    }

    /// The configuration it was built from.
    #[must_use]
    pub const fn config(&self) -> &Config {
        &self.config
    }

    /// Who hears record servers, where any is asked to say what changes.
    #[must_use]
    pub const fn watcher(&self) -> Option<&Watcher> {
        self.watcher.as_ref()
    }

    /// The MQTT broker, where one is configured. Connected when it is first needed.
    #[must_use]
    pub const fn mqtt(&self) -> Option<&Arc<Mqtt>> {
        self.mqtt.as_ref()
    }

    /// The decoder pool, where there is one.
    #[must_use]
    pub const fn ears(&self) -> Option<&Pool> {
        self.core.ears.as_ref()
    }

    /// The parts of a turn, for benchmarks.
    #[must_use]
    pub const fn core(&self) -> &Core {
        &self.core
    }

    /// Closes the database; what was committed is on the disk already.
    pub async fn close(self) {
        self.core.store.close().await;
    }

    /// What is ready.
    pub async fn ready(&self) -> Readiness {
        Readiness {
            store: self.core.store.ping().await.is_ok(),
            ears: self.core.ears.is_some(),
            voice: self.core.voice.is_some(),
            meaning: self.core.engine.knows_meaning(),
        }
    }
}

/// What can be connected, as it is spoken of.
fn connecting(config: &ConnectConfig) -> Connecting {
    let host = config.public_url.split_once("://").map_or("", |(_, host)| host);
    Connecting {
        page: format!("{host}/connect"),
        organizations: config.organizations.iter().map(|one| (one.id.clone(), one.name.clone())).collect(),
    }
}

/// How what is said is protected, as configured.
#[must_use]
pub fn protection(config: &Config) -> Protection {
    Protection {
        keys: match config.keys.provider {
            Provider::File => KeyHolder::File,
            Provider::Env => KeyHolder::Environment,
            Provider::Transit => KeyHolder::Service,
        },
        conversation_hours: config.retention.conversation_hours,
        answer_hours: config.retention.answer_hours,
        skills: config.alexa.is_some(),
    }
}

/// Which room is of which unit: as configured, and else as the fleet's places say.
#[must_use]
pub fn units(config: &Config, tree: &Tree) -> Units {
    let staff = config.sign_in.as_ref().and_then(|sign_in| sign_in.staff.as_ref());
    staff.map(|staff| Units::new(&staff.units)).unwrap_or_default().and(tree.units())
}

/// Who takes changes to the servers, where there are any.
fn courier(store: &Store, servers: &Arc<Servers>, config: &Config, zone: &TimeZone) -> Option<Courier> {
    let courier = || Courier::new(store.clone(), Arc::clone(servers), config.outbox.clone(), zone.clone());
    (!servers.is_empty()).then(courier)
}

/// Who hears the servers, where any is to be asked.
fn watcher(store: &Store, servers: &Arc<Servers>) -> Option<Watcher> {
    Some(Watcher::new(store.clone(), Arc::clone(servers))).filter(Watcher::asks)
}

async fn open_store(config: &Config, places: &Places) -> Result<Store, AppError> {
    std::fs::create_dir_all(&places.data_dir)
        .map_err(|source| AppError::DataDir { path: places.data_dir.clone(), source })?;
    let url = database_url(config.store.url.as_deref(), &places.data_dir);
    Ok(Store::open(StoreOptions { url, key_file: places.key_file.clone(), keys: config.keys.clone() }).await?)
}

/// Why the ears are missing.
#[derive(Debug, thiserror::Error)]
pub enum EarsError {
    /// The model is missing or has other bytes.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// The model was read and cannot be loaded.
    #[error(transparent)]
    Whisper(#[from] WhisperError),
}

/// The decoders as configured, with the limits they work under.
///
/// # Errors
/// When the model is missing, damaged, or cannot be loaded.
pub fn load_ears(config: &Config, models: &std::path::Path) -> Result<(Pool, PoolLimits), EarsError> {
    let weights = Models::in_dir(models)?.read_whisper(&config.models.hear)?;
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let limits = PoolLimits::new(&config.hear, cores);
    Ok((Pool::load(weights, limits)?, limits))
}

/// The ear for other languages.
fn load_tongues(models: &std::path::Path) -> Result<Tongues, EarsError> {
    Ok(Tongues::load(Models::in_dir(models)?.read_whisper(tongues::MODEL)?)?)
}

/// A part that loaded, or a warning.
fn settle<T, E: std::fmt::Display>(
    what: &str,
    loaded: Result<Option<Result<T, E>>, tokio::task::JoinError>,
    warnings: &mut Vec<String>,
) -> Option<T> {
    match loaded {
        Ok(Some(Ok(part))) => return Some(part),
        Ok(None) => {}
        Ok(Some(Err(e))) => warnings.push(format!("{what} is off: {e}")),
        Err(_) => warnings.push(format!("{what} is off: loading it was interrupted")),
    }
    None
}

/// Every intent's action exists, and the catalogue asks for at least what the action demands.
fn check_floors(catalogue: &Catalogue) -> Result<(), AppError> {
    for def in catalogue.intents() {
        let Some(name) = &def.action else { continue };
        if def.name.starts_with("dialogue.") {
            continue;
        }
        let Some(action) = Action::named(name) else {
            return Err(AppError::NoAction { intent: def.name.clone(), action: name.clone() });
        };
        action
            .floor()
            .tightened(def.data, def.effect, def.identity)
            .map_err(|source| AppError::Loosened { intent: def.name.clone(), source })?;
    }
    Ok(())
}
