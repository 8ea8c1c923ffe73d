//! The section `[fleet]`: where devices come with certificates of their own.

use std::{net::SocketAddr, path::PathBuf};

use serde::Deserialize;

use super::ConfigError;

/// The door for devices with certificates of the fleet's own authority.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FleetConfig {
    /// Address and port, such as `0.0.0.0:8771`; port 0 takes a free one.
    pub listen: SocketAddr,
    /// PEM certificate chain of the door, which devices trust.
    pub tls_cert: PathBuf,
    /// PEM private key of that certificate.
    pub tls_key: PathBuf,
    /// Devices that may be connected at once, 1 to 100000.
    #[serde(default = "many")]
    pub connections: usize,
}

const fn many() -> usize {
    8192
}

impl FleetConfig {
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        if !(1..=100_000).contains(&self.connections) {
            let reason = "must be from 1 to 100000 devices".into();
            return Err(ConfigError::Invalid { setting: "fleet.connections", reason });
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use crate::config::Config;

    #[test]
    fn the_devices_door_is_checked_whole() {
        let whole = "[fleet]\nlisten = \"0.0.0.0:8771\"\ntls_cert = \"c\"\ntls_key = \"k\"\n";
        let config: Config = toml::from_str(whole).expect("read");
        assert_eq!(config.validated().expect("good").fleet.expect("there").connections, 8192);
        let config: Config = toml::from_str(&format!("{whole}connections = 0")).expect("read");
        assert!(config.validated().expect_err("refused").to_string().contains("fleet.connections"));
        for unreadable in [
            "[fleet]\nlisten = \"8771\"\ntls_cert = \"c\"\ntls_key = \"k\"",
            "[fleet]\nlisten = \"0.0.0.0:8771\"\ntls_cert = \"c\"",
            "[fleet]\ntls_cert = \"c\"\ntls_key = \"k\"",
            &format!("{whole}port = 1"),
        ] {
            assert!(toml::from_str::<Config>(unreadable).is_err(), "{unreadable}");
        }
    }
}
