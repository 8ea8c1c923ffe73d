//! The section `[adt]`: where the admission system sends who lies where.

use std::{
    collections::BTreeMap,
    net::{IpAddr, SocketAddr},
    path::PathBuf,
};

use serde::Deserialize;

use super::ConfigError;

/// The door for HL7 ADT messages over MLLP.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AdtConfig {
    /// Address and port, such as `127.0.0.1:2575`; port 0 takes a free one.
    #[serde(rename = "listen")]
    pub address: SocketAddr,
    /// PEM certificate chain of the door; with it, only TLS is spoken.
    pub tls_cert: Option<PathBuf>,
    /// PEM private key of that certificate.
    pub tls_key: Option<PathBuf>,
    /// PEM file with the authorities of senders' certificates; needed with TLS on anything but loopback.
    pub client_ca: Option<PathBuf>,
    /// Addresses of senders without TLS; needed without TLS on anything but loopback.
    #[serde(default)]
    pub from: Vec<IpAddr>,
    /// A message that is settled is kept for so many days, 1 to 3650. Whoever it is about may ask for none of it, so keep it short.
    #[serde(default = "week")]
    pub keep_days: u32,
    /// The FHIR identifier system of each assigning authority (PID-3.4), or, for numbers without one, of the sending facility.
    #[serde(default)]
    systems: BTreeMap<String, String>,
}

const fn week() -> u32 {
    7
}

impl AdtConfig {
    /// The identifier systems, by the authority's name in capitals.
    #[must_use]
    pub fn systems(&self) -> BTreeMap<String, String> {
        self.systems.iter().map(|(name, system)| (name.trim().to_uppercase(), system.trim().to_owned())).collect()
    }

    pub(super) fn check(&self) -> Result<(), ConfigError> {
        let invalid = |setting, reason: &str| Err(ConfigError::Invalid { setting, reason: reason.into() });
        if self.tls_cert.is_some() != self.tls_key.is_some() {
            return invalid("adt.tls_cert", "tls_cert and tls_key go together; set both or neither");
        }
        if self.client_ca.is_some() && self.tls_cert.is_none() {
            return invalid("adt.client_ca", "needs tls_cert and tls_key");
        }
        if !self.address.ip().is_loopback()
            && self.client_ca.is_none()
            && (self.tls_cert.is_some() || self.from.is_empty())
        {
            return invalid(
                "adt.listen",
                "is reachable from other machines, so senders must be known: by client_ca (with tls_cert and tls_key) or, on a \
                 network that nobody else can reach, by their addresses in from",
            );
        }
        if self.systems.iter().any(|(name, system)| name.trim().is_empty() || !system.contains(':')) {
            return invalid(
                "adt.systems",
                "must give each authority a system such as https://mercy.example/mrn or urn:oid:1.2.3",
            );
        }
        if !(1..=3650).contains(&self.keep_days) {
            return invalid("adt.keep_days", "must be from 1 to 3650 days");
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use crate::config::Config;

    #[test]
    fn whoever_sends_must_be_known() {
        let tls = "tls_cert = \"c\"\ntls_key = \"k\"\n";
        for (text, wrong) in [
            ("listen = \"127.0.0.1:2575\"".to_owned(), None),
            ("listen = \"0.0.0.0:2575\"".to_owned(), Some("adt.listen")),
            ("listen = \"0.0.0.0:2575\"\nfrom = [\"10.0.0.5\"]".to_owned(), None),
            (format!("listen = \"0.0.0.0:2575\"\n{tls}"), Some("adt.listen")),
            (format!("listen = \"0.0.0.0:2575\"\nfrom = [\"10.0.0.5\"]\n{tls}"), Some("adt.listen")),
            (format!("listen = \"0.0.0.0:2575\"\nclient_ca = \"a\"\n{tls}"), None),
            ("listen = \"127.0.0.1:2575\"\nclient_ca = \"a\"".to_owned(), Some("adt.client_ca")),
            ("listen = \"127.0.0.1:2575\"\ntls_key = \"k\"".to_owned(), Some("adt.tls_cert")),
            ("listen = \"127.0.0.1:2575\"\nkeep_days = 0".to_owned(), Some("adt.keep_days")),
            ("listen = \"127.0.0.1:2575\"\nsystems = { MERCY = \"mrn\" }".to_owned(), Some("adt.systems")),
            ("listen = \"127.0.0.1:2575\"\nsystems = { MERCY = \"urn:oid:1\" }".to_owned(), None),
        ] {
            let config: Config = toml::from_str(&format!("[adt]\n{text}")).expect(&text);
            let said = config.validated().err().map(|error| error.to_string());
            match (wrong, said) {
                (None, None) => {}
                (Some(setting), Some(said)) => assert!(said.contains(setting), "{text}: {said}"),
                (wrong, said) => panic!("{text}: {wrong:?}, {said:?}"),
            }
        }
        for unreadable in ["listen = \"2575\"", "listen = \"127.0.0.1:2575\"\nfrom = [\"mercy\"]", "port = 1"] {
            assert!(toml::from_str::<Config>(&format!("[adt]\n{unreadable}")).is_err(), "{unreadable}");
        }
    }
}
