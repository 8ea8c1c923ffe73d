//! Where the master key is. Names places and never holds a key, so it may be printed.

use std::path::PathBuf;

use serde::Deserialize;
use ureq::http::Uri;

use super::ConfigError;

/// Where the master key is, and how long keys may be kept in memory.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct KeysConfig {
    /// Who holds the master key.
    pub provider: Provider,
    /// Where the next rotation takes the keys: another provider. Until it is done both are read.
    pub next: Option<Provider>,
    /// The environment variable of the provider `env`; the one of the next master key is called the same with `_NEXT`.
    pub variable: String,
    /// Seconds that an unwrapped data key stays usable in memory, 1 to 86400. A key service that is shut cuts
    /// access to everybody's data within this time.
    pub cache_seconds: u64,
    /// The key service of the provider `transit`.
    pub transit: Option<TransitConfig>,
}

impl Default for KeysConfig {
    fn default() -> Self {
        Self {
            provider: Provider::File,
            next: None,
            variable: "WELLSPOKEN_MASTER_KEY".into(),
            cache_seconds: 300,
            transit: None,
        }
    }
}

/// Who holds the master key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Provider {
    /// A file of 32 bytes: `--key-file`.
    File,
    /// An environment variable, in hexadecimal digits or base64.
    Env,
    /// A service that speaks Vault's transit API, such as OpenBao; the master key never leaves it.
    Transit,
}

/// A key service.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TransitConfig {
    /// Its address, such as `https://bao.example:8200`; plain `http` on this machine only.
    pub address: String,
    /// The name of the transit key.
    pub key: String,
    /// Where the transit engine is mounted.
    #[serde(default = "mount")]
    pub mount: String,
    /// A file with the service's token, readable by this user alone. Read anew for every request, so that whoever
    /// renews the token only replaces the file.
    pub token_file: PathBuf,
    /// PEM certificates of the authority that signed the service's; absent means the public ones.
    #[serde(default)]
    pub ca: Option<PathBuf>,
    /// How long one request may take, in milliseconds, 100 to 60000.
    #[serde(default = "timeout")]
    pub timeout_ms: u64,
}

fn mount() -> String {
    "transit".into()
}

const fn timeout() -> u64 {
    3000
}

impl KeysConfig {
    pub(super) fn validated(&self) -> Result<(), ConfigError> {
        let invalid = |setting, reason: &str| Err(ConfigError::Invalid { setting, reason: reason.into() });
        if self.next == Some(self.provider) {
            return invalid(
                "keys.next",
                "is what keys.provider is already; leave it out to rotate within one provider",
            );
        }
        let named = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
        if !named(&self.variable) {
            return invalid("keys.variable", "must be letters, digits and underscores");
        }
        if !(1..=86_400).contains(&self.cache_seconds) {
            return invalid("keys.cache_seconds", "must be from 1 to 86400 seconds");
        }
        let wanted = [Some(self.provider), self.next].contains(&Some(Provider::Transit));
        let Some(transit) = &self.transit else {
            return if wanted {
                invalid("keys.transit", "is needed for the provider `transit`: address, key and token_file")
            } else {
                Ok(())
            };
        };
        let in_a_path =
            |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b));
        if !in_a_path(&transit.key) {
            return invalid("keys.transit.key", "must be letters, digits, `-`, `_` and `.`");
        }
        if !transit.mount.split('/').all(in_a_path) {
            return invalid("keys.transit.mount", "must be a path of letters, digits, `-`, `_` and `.`");
        }
        if !(100..=60_000).contains(&transit.timeout_ms) {
            return invalid("keys.transit.timeout_ms", "must be from 100 to 60000 milliseconds");
        }
        let address = transit.address.parse::<Uri>().ok();
        let host = address.as_ref().and_then(Uri::host);
        match address.as_ref().and_then(Uri::scheme_str) {
            Some("https") if host.is_some() => Ok(()),
            Some("http") if matches!(host, Some("localhost" | "127.0.0.1" | "[::1]")) => Ok(()),
            _ => invalid(
                "keys.transit.address",
                "must be an https:// address; plain http:// is for a service on this machine only",
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::config::{Config, Provider};

    fn read(text: &str) -> Result<Config, String> {
        toml::from_str::<Config>(text).map_err(|e| e.to_string())?.validated().map_err(|e| e.to_string())
    }

    #[test]
    fn a_key_service_is_spoken_to_over_https_or_not_at_all() {
        let with = |address: &str| {
            read(&format!(
                "[keys]\nprovider = \"transit\"\n[keys.transit]\naddress = \"{address}\"\nkey = \"k\"\ntoken_file = \"/t\""
            ))
        };
        for good in ["https://bao.example:8200", "http://127.0.0.1:8200", "http://localhost:1", "http://[::1]:8200"] {
            assert_eq!(with(good).map(|c| c.keys.provider), Ok(Provider::Transit), "{good}");
        }
        for bad in ["http://bao.example", "http://127.0.0.1.example", "ftp://127.0.0.1", "bao.example", "", "https://"]
        {
            assert!(with(bad).is_err_and(|e| e.contains("keys.transit.address")), "{bad}");
        }
    }

    #[test]
    fn what_contradicts_itself_is_named() {
        for (text, named) in [
            ("provider = \"transit\"", "keys.transit"),
            ("next = \"file\"", "keys.next"),
            ("provider = \"hsm\"", "hsm"),
            ("cache_seconds = 0", "keys.cache_seconds"),
            ("variable = \"A B\"", "keys.variable"),
            ("secret = \"x\"", "secret"),
        ] {
            let error = read(&format!("[keys]\n{text}")).expect_err(text);
            assert!(error.contains(named), "{error}");
        }
    }

    #[test]
    fn a_printed_configuration_holds_no_secret() {
        let text = "[store]\nurl = \"postgres://ward:hunter2@db.example/w\"\n[keys]\nprovider = \"env\"";
        let printed = format!("{:?}", read(text).expect("fits"));
        assert!(!printed.contains("hunter2"), "{printed}");
        assert!(printed.contains("WELLSPOKEN_MASTER_KEY"), "the name of the variable is no secret");
    }
}
