//! How changes are sent to the servers where people's records live.

use serde::Deserialize;

use super::ConfigError;

/// How long a turn waits for a server, and how long a change is tried.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct OutboxConfig {
    /// How long a turn waits for the server to take a change, in milliseconds, 100 to 30000; then the person hears that it is
    /// saved and will be sent.
    pub wait_ms: u64,
    /// How long whoever sends a change has it to themselves, in seconds, 30 to 3600: longer than a server may take.
    pub lease_seconds: u32,
    /// The first pause after a failure, in seconds, 1 to 3600; it doubles with each.
    pub first_pause_seconds: u32,
    /// The longest pause, in seconds, 1 to 86400.
    pub longest_pause_seconds: u32,
    /// After how many hours a change that never arrived is given up, and the person told, 1 to 8760.
    pub give_up_hours: u32,
}

impl Default for OutboxConfig {
    fn default() -> Self {
        Self {
            wait_ms: 3000,
            lease_seconds: 120,
            first_pause_seconds: 10,
            longest_pause_seconds: 1800,
            give_up_hours: 72,
        }
    }
}

impl OutboxConfig {
    pub(super) fn validated(&self) -> Result<(), ConfigError> {
        let invalid = |setting, reason: &str| Err(ConfigError::Invalid { setting, reason: reason.into() });
        if !(100..=30_000).contains(&self.wait_ms) {
            return invalid("outbox.wait_ms", "must be from 100 to 30000 milliseconds");
        }
        if !(30..=3600).contains(&self.lease_seconds) {
            return invalid("outbox.lease_seconds", "must be from 30 to 3600 seconds");
        }
        if !(1..=3600).contains(&self.first_pause_seconds) {
            return invalid("outbox.first_pause_seconds", "must be from 1 to 3600 seconds");
        }
        if !(self.first_pause_seconds..=86_400).contains(&self.longest_pause_seconds) {
            return invalid("outbox.longest_pause_seconds", "must be from first_pause_seconds to 86400 seconds");
        }
        if !(1..=8760).contains(&self.give_up_hours) {
            return invalid("outbox.give_up_hours", "must be from 1 to 8760 hours");
        }
        Ok(())
    }
}
