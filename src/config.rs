//! Configuration: one struct per section, validated whole at start. Nothing here binds a port, opens a
//! database or reads a model; that is [`crate::app`].

use std::{
    collections::BTreeMap,
    fmt,
    path::{Path, PathBuf},
};

use serde::Deserialize;

mod adt;
mod alerts;
mod alexa;
mod audit;
mod connect;
mod fleet;
mod keys;
mod mail;
mod mqtt;
mod nurse;
mod outbox;
mod patterns;
mod records;
mod retention;
mod sign_in;

pub use adt::AdtConfig;
pub use alerts::AlertsConfig;
pub use alexa::{AlexaConfig, SkillConfig, SmartPropertiesConfig};
pub use audit::AuditConfig;
pub use connect::{ConnectConfig, OrganizationConfig};
pub use fleet::FleetConfig;
pub use keys::{KeysConfig, Provider, TransitConfig};
pub use mail::{MailConfig, MailTls};
pub use mqtt::{BrokerAddress, MqttConfig};
pub use nurse::{HookConfig, NurseConfig, RouteConfig};
pub use outbox::OutboxConfig;
pub use patterns::PatternsConfig;
pub use records::{Algorithm, BackendConfig, KeyConfig, RecordsConfig, ServerConfig};
pub use retention::RetentionConfig;
pub use sign_in::{ProviderConfig, SignInConfig, StaffConfig, reachable};

/// Why a configuration cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file could not be read.
    #[error("cannot read the configuration {path}: {source}. Check --config, or leave it out to use the defaults")]
    Read {
        /// The file named by `--config`.
        path: PathBuf,
        /// What the operating system said.
        source: std::io::Error,
    },
    /// The file is not valid TOML, or names a setting that does not exist.
    #[error("{path}: {message}")]
    Parse {
        /// The file named by `--config`.
        path: PathBuf,
        /// Line, column and reason, as the parser tells them.
        message: String,
    },
    /// A value is out of range or two values contradict each other.
    #[error("configuration: {setting}: {reason}")]
    Invalid {
        /// The setting, dotted: `http.listen`.
        setting: &'static str,
        /// What is wrong and what to do.
        reason: String,
    },
}

/// Everything the program can be told, with defaults that work on one machine.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Where the organization is.
    pub place: PlaceConfig,
    /// Where model files come from.
    pub models: ModelsConfig,
    /// Hearing.
    pub hear: HearConfig,
    /// The database.
    pub store: StoreConfig,
    /// Where the master key is.
    pub keys: KeysConfig,
    /// The audit trail.
    pub audit: AuditConfig,
    /// What is counted of what people say, and told.
    pub patterns: PatternsConfig,
    /// How long what was said is kept.
    pub retention: RetentionConfig,
    /// How changes are sent to the servers where people's records live.
    pub outbox: OutboxConfig,
    /// Who is told when something is to be looked into.
    pub alerts: AlertsConfig,
    /// Who is told of calls to staff.
    pub nurse: NurseConfig,
    /// Where the admission system sends who lies where; absent, it cannot.
    pub adt: Option<AdtConfig>,
    /// The broker that rooms' devices are reached by; absent, none is worked.
    pub mqtt: Option<MqttConfig>,
    /// Where devices come with certificates of their own; absent, they cannot.
    pub fleet: Option<FleetConfig>,
    /// The HTTP door.
    pub http: HttpConfig,
    /// The door for Alexa skills; absent, there is none.
    pub alexa: Option<AlexaConfig>,
    /// Where people's records are besides this store.
    pub records: RecordsConfig,
    /// Letters by e-mail; absent, none go out, and nobody can sign up.
    pub mail: Option<MailConfig>,
    /// Signing in by OpenID Connect; absent, nobody can.
    pub sign_in: Option<SignInConfig>,
    /// Connecting records of other organizations; absent, nobody can.
    pub connect: Option<ConnectConfig>,
}

/// Where the organization is.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PlaceConfig {
    /// IANA time zone of the clinic or home, such as `America/New_York`.
    pub zone: String,
    /// What the assistant calls the organization.
    pub organization: String,
    /// What it tells people at home to dial in an emergency.
    pub emergency_number: String,
    /// The number at which people answer, for those who would rather talk to one; said digit by digit.
    pub phone: Option<String>,
    /// Where it is, for telling what is near: degrees north, -90 to 90. Goes with `longitude`.
    pub latitude: Option<f64>,
    /// Degrees east, -180 to 180. Goes with `latitude`.
    pub longitude: Option<f64>,
}

impl Default for PlaceConfig {
    fn default() -> Self {
        Self {
            zone: "UTC".into(),
            organization: "your care team".into(),
            emergency_number: "911".into(),
            phone: None,
            latitude: None,
            longitude: None,
        }
    }
}

/// Where model files come from; the manifest itself ships with the program.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ModelsConfig {
    /// Source kinds in the order they are tried: `https`, `pip`.
    pub sources: Vec<String>,
    /// Replaces the base address of the HTTPS source (a mirror inside the hospital), per model name.
    pub https_mirror: BTreeMap<String, String>,
    /// The Whisper model that hears: `tiny.en` or `base`.
    pub hear: String,
}

impl Default for ModelsConfig {
    fn default() -> Self {
        Self { sources: vec!["https".into(), "pip".into()], https_mirror: BTreeMap::new(), hear: "tiny.en".into() }
    }
}

/// Hearing: the decoder pool and its queue.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct HearConfig {
    /// Decoder states, each one thread; 0 means one per core.
    pub states: usize,
    /// Clips that may wait; one more is refused at once.
    pub queue: usize,
    /// How long a clip may wait and be decoded, in milliseconds.
    pub deadline_ms: u64,
    /// Digits of every PIN of this house, where all have the same number: nobody waits for more then. Absent: 4 to 12.
    pub pin_digits: Option<usize>,
    /// Whether what nobody understood is heard once more by `base`, which tells in what language it is.
    pub other_languages: bool,
}

impl Default for HearConfig {
    fn default() -> Self {
        Self { states: 0, queue: 64, deadline_ms: 15_000, pin_digits: None, other_languages: false }
    }
}

/// The database.
#[derive(Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct StoreConfig {
    /// `postgres://…`; absent means SQLite inside the data folder.
    pub url: Option<String>,
}

/// Without the address: it may hold a password.
impl fmt::Debug for StoreConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StoreConfig").field("url", &self.url.as_ref().map(|_| "…")).finish()
    }
}

/// The HTTP door.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct HttpConfig {
    /// Address and port; port 0 takes a free one.
    pub listen: String,
    /// PEM certificate chain; needed for anything but loopback.
    pub tls_cert: Option<PathBuf>,
    /// PEM private key of that certificate.
    pub tls_key: Option<PathBuf>,
    /// Host names, besides the listening address, under which pages may be opened.
    pub hosts: Vec<String>,
    /// After how many minutes without use a person's page is signed out; 1 to 720.
    pub page_idle_minutes: u32,
}

impl Default for HttpConfig {
    fn default() -> Self {
        Self { listen: "127.0.0.1:8770".into(), tls_cert: None, tls_key: None, hosts: vec![], page_idle_minutes: 15 }
    }
}

impl Config {
    /// Reads and validates a configuration file, or gives the defaults.
    ///
    /// # Errors
    /// When the file cannot be read or parsed, or a setting cannot be used.
    pub fn load(path: Option<&Path>) -> Result<Self, ConfigError> {
        let Some(path) = path else { return Self::default().validated() };
        let text =
            std::fs::read_to_string(path).map_err(|source| ConfigError::Read { path: path.to_owned(), source })?;
        toml::from_str::<Self>(&text)
            .map_err(|e| ConfigError::Parse { path: path.to_owned(), message: e.to_string() })?
            .validated()
    }

    /// Checks every value, each alone and against the others.
    ///
    /// # Errors
    /// The first setting that cannot be used.
    pub fn validated(self) -> Result<Self, ConfigError> {
        let invalid = |setting, reason: String| Err(ConfigError::Invalid { setting, reason });
        if let Err(e) = jiff::tz::TimeZone::get(&self.place.zone) {
            return invalid("place.zone", format!("{e}; use an IANA name such as America/New_York"));
        }
        let within = |degrees: Option<f64>, most: f64| degrees.is_none_or(|d| (-most..=most).contains(&d));
        let both = self.place.latitude.is_some() == self.place.longitude.is_some();
        if !(both && within(self.place.latitude, 90.0) && within(self.place.longitude, 180.0)) {
            return invalid("place.latitude", "must be from -90 to 90, with place.longitude from -180 to 180".into());
        }
        for kind in &self.models.sources {
            if !matches!(kind.as_str(), "https" | "pip") {
                return invalid("models.sources", format!("`{kind}` is not a source; use https or pip"));
            }
        }
        if !matches!(self.models.hear.as_str(), "tiny.en" | "base") {
            return invalid("models.hear", format!("`{}` is not a known model; use tiny.en or base", self.models.hear));
        }
        if !(1..=4096).contains(&self.hear.queue) {
            return invalid("hear.queue", "must be from 1 to 4096 clips".into());
        }
        if !(100..=600_000).contains(&self.hear.deadline_ms) {
            return invalid("hear.deadline_ms", "must be from 100 to 600000 milliseconds".into());
        }
        if self.hear.pin_digits.is_some_and(|digits| !(4..=12).contains(&digits)) {
            return invalid("hear.pin_digits", "must be from 4 to 12 digits; leave it out where PINs differ".into());
        }
        if let Some(url) = &self.store.url
            && !url.starts_with("postgres://")
            && !url.starts_with("postgresql://")
        {
            return invalid(
                "store.url",
                "must start with postgres://; leave it out for SQLite in the data folder".into(),
            );
        }
        self.keys.validated()?;
        self.audit.validated()?;
        self.patterns.validated()?;
        self.retention.validated()?;
        self.outbox.validated()?;
        self.alerts.validated()?;
        self.nurse.validated()?;
        let Ok(listen) = self.http.listen.parse::<std::net::SocketAddr>() else {
            return invalid(
                "http.listen",
                format!("`{}` is not an address and port such as 127.0.0.1:8770", self.http.listen),
            );
        };
        if !(1..=720).contains(&self.http.page_idle_minutes) {
            return invalid("http.page_idle_minutes", "must be from 1 to 720 minutes".into());
        }
        if self.http.tls_cert.is_some() != self.http.tls_key.is_some() {
            return invalid("http.tls_cert", "tls_cert and tls_key go together; set both or neither".into());
        }
        if !listen.ip().is_loopback() && self.http.tls_cert.is_none() {
            return invalid(
                "http.listen",
                format!(
                    "{listen} is reachable from other machines, so it needs tls_cert and tls_key; plain HTTP is for loopback only"
                ),
            );
        }
        self.records.check()?;
        if let Some(adt) = &self.adt {
            adt.check()?;
        }
        if let Some(mqtt) = &self.mqtt {
            mqtt.check()?;
        }
        if let Some(fleet) = &self.fleet {
            fleet.check()?;
        }
        if let Some(alexa) = &self.alexa {
            alexa.check()?;
        }
        if let Some(mail) = &self.mail {
            mail.check()?;
        }
        if let Some(sign_in) = &self.sign_in {
            sign_in.check(&self.http.hosts)?;
        }
        if let Some(connect) = &self.connect {
            connect.check(&self.http.hosts)?;
        }
        Ok(self)
    }
}
