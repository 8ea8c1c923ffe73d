//! The section `[mqtt]`: the broker that rooms' devices, and whoever else listens, are reached by.

use std::{net::IpAddr, path::PathBuf, time::Duration};

use serde::Deserialize;

use super::ConfigError;

/// A broker that speaks MQTT 3.1.1. Without this section no device of a room is worked.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MqttConfig {
    /// `mqtts://broker.example:8883`; `mqtt://` is for a broker on this machine only.
    pub broker: String,
    /// PEM file with the authorities that its certificate must come from; absent: those that browsers trust.
    #[serde(default)]
    pub ca: Option<PathBuf>,
    /// What the broker calls us; absent: it asks for no name.
    #[serde(default)]
    pub user: Option<String>,
    /// File with the password, readable by nobody else. Read anew for every connection.
    #[serde(default)]
    pub password_file: Option<PathBuf>,
    /// What the program's own topics begin with.
    #[serde(default = "own_topics")]
    pub topic: String,
    /// How long the broker may take to confirm what is published, in milliseconds, 100 to 30000.
    #[serde(default = "two_seconds")]
    pub ack_ms: u64,
    /// How long a device may take to tell its new state, in milliseconds, 100 to 10000; then it is said that it did not answer.
    #[serde(default = "two_seconds")]
    pub state_ms: u64,
}

/// Where a broker is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BrokerAddress {
    /// Over TLS.
    pub tls: bool,
    /// Its name or address.
    pub host: String,
    /// Its port.
    pub port: u16,
}

fn own_topics() -> String {
    "wellspoken".into()
}

const fn two_seconds() -> u64 {
    2000
}

impl MqttConfig {
    /// One for a broker, with everything else as it is where nobody says.
    #[must_use]
    pub fn new(broker: &str) -> Self {
        Self {
            broker: broker.to_owned(),
            ca: None,
            user: None,
            password_file: None,
            topic: own_topics(),
            ack_ms: two_seconds(),
            state_ms: two_seconds(),
        }
    }

    /// Where the broker is; `None` where `broker` is no such address.
    #[must_use]
    pub fn address(&self) -> Option<BrokerAddress> {
        let (scheme, rest) = self.broker.split_once("://")?;
        let (tls, usual) = match scheme {
            "mqtts" => (true, 8883),
            "mqtt" => (false, 1883),
            _ => return None,
        };
        let rest = rest.trim_end_matches('/');
        let (host, port) = match rest.strip_prefix('[') {
            Some(six) => {
                let (host, port) = six.split_once(']')?;
                (host, port.strip_prefix(':').or_else(|| port.is_empty().then_some("")))
            }
            None => rest.split_once(':').map_or((rest, Some("")), |(host, port)| (host, Some(port))),
        };
        let port = port?;
        let port = if port.is_empty() { usual } else { port.parse().ok().filter(|port| *port != 0)? };
        let named = !host.is_empty() && host.bytes().all(|b| b.is_ascii_alphanumeric() || b".-:_".contains(&b));
        named.then(|| BrokerAddress { tls, host: host.to_owned(), port })
    }

    /// How long the broker may take to confirm.
    #[must_use]
    pub const fn ack(&self) -> Duration {
        Duration::from_millis(self.ack_ms)
    }

    /// How long a device may take to tell its new state.
    #[must_use]
    pub const fn state(&self) -> Duration {
        Duration::from_millis(self.state_ms)
    }

    pub(super) fn check(&self) -> Result<(), ConfigError> {
        let invalid = |setting, reason: &str| Err(ConfigError::Invalid { setting, reason: reason.into() });
        let Some(address) = self.address() else {
            return invalid("mqtt.broker", "must be mqtts://HOST:PORT, or mqtt://HOST:PORT on this machine");
        };
        if !address.tls && !on_this_machine(&address.host) {
            return invalid("mqtt.broker", "must be mqtts://; plain mqtt:// is for a broker on this machine only");
        }
        if self.ca.is_some() && !address.tls {
            return invalid("mqtt.ca", "is for mqtts:// only");
        }
        if self.user.is_some() != self.password_file.is_some() {
            return invalid("mqtt.user", "user and password_file go together; set both or neither");
        }
        let level =
            |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b));
        if self.topic.len() > 64 || !self.topic.split('/').all(level) {
            return invalid("mqtt.topic", "must be levels of letters, digits, `-` and `_`, 64 bytes at most");
        }
        if !(100..=30_000).contains(&self.ack_ms) {
            return invalid("mqtt.ack_ms", "must be from 100 to 30000 milliseconds");
        }
        if !(100..=10_000).contains(&self.state_ms) {
            return invalid("mqtt.state_ms", "must be from 100 to 10000 milliseconds");
        }
        Ok(())
    }
}

fn on_this_machine(host: &str) -> bool {
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::{BrokerAddress, MqttConfig};
    use crate::config::Config;

    #[test]
    fn an_address_is_read_whole_or_not_at_all() {
        let at = |tls, host: &str, port| Some(BrokerAddress { tls, host: host.into(), port });
        for (broker, address) in [
            ("mqtts://broker.example", at(true, "broker.example", 8883)),
            ("mqtts://broker.example:1/", at(true, "broker.example", 1)),
            ("mqtt://127.0.0.1", at(false, "127.0.0.1", 1883)),
            ("mqtt://[::1]:2883", at(false, "::1", 2883)),
            ("mqtt://[::1]", at(false, "::1", 1883)),
            ("mqtt://[::1]x", None),
            ("mqtt://[::1", None),
            ("tcp://broker.example", None),
            ("broker.example:1883", None),
            ("mqtts://user:secret@broker.example", None),
            ("mqtts://broker.example:0", None),
            ("mqtts://broker.example:99999", None),
            ("mqtts://", None),
            ("mqtts://broker.example/path", None),
        ] {
            assert_eq!(MqttConfig::new(broker).address(), address, "{broker}");
        }
    }

    #[test]
    fn what_would_go_in_clear_or_cannot_work_is_refused() {
        for (text, wrong) in [
            ("broker = \"mqtts://broker.example\"", None),
            ("broker = \"mqtt://localhost:1883\"\nuser = \"u\"\npassword_file = \"p\"", None),
            ("broker = \"mqtt://broker.example\"", Some("mqtt.broker")),
            ("broker = \"mqtt://127.0.0.1.example\"", Some("mqtt.broker")),
            ("broker = \"http://127.0.0.1\"", Some("mqtt.broker")),
            ("broker = \"mqtt://127.0.0.1\"\nca = \"ca.pem\"", Some("mqtt.ca")),
            ("broker = \"mqtts://broker.example\"\nuser = \"u\"", Some("mqtt.user")),
            ("broker = \"mqtts://broker.example\"\npassword_file = \"p\"", Some("mqtt.user")),
            ("broker = \"mqtts://broker.example\"\ntopic = \"a/+/b\"", Some("mqtt.topic")),
            ("broker = \"mqtts://broker.example\"\ntopic = \"a//b\"", Some("mqtt.topic")),
            ("broker = \"mqtts://broker.example\"\nack_ms = 0", Some("mqtt.ack_ms")),
            ("broker = \"mqtts://broker.example\"\nstate_ms = 60000", Some("mqtt.state_ms")),
        ] {
            let config: Config = toml::from_str(&format!("[mqtt]\n{text}")).expect(text);
            let told = config.validated().err().map(|error| error.to_string());
            match (wrong, &told) {
                (None, None) => {}
                (Some(setting), Some(told)) if told.contains(setting) => {}
                _ => panic!("{text}: {told:?}"),
            }
        }
        assert!(toml::from_str::<Config>("[mqtt]\npassword = \"secret\"").is_err());
    }
}
