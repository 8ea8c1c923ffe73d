//! The section `[alerts]`: who is told at once when something is to be looked into.

use std::path::PathBuf;

use serde::Deserialize;

use super::{ConfigError, reachable};

/// Alerts. Without a webhook there are the review queue, a metric and a line in the log.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AlertsConfig {
    /// Address that is sent a JSON object without health data: which kind, which review, when.
    pub webhook: Option<String>,
    /// PEM file with the authorities that its certificate must come from; absent: those that browsers trust.
    pub ca: Option<PathBuf>,
    /// How often the audit trail is looked through for readers who opened many strangers, 1 to 1440 minutes.
    pub review_every_minutes: u32,
}

impl Default for AlertsConfig {
    fn default() -> Self {
        Self { webhook: None, ca: None, review_every_minutes: 60 }
    }
}

impl AlertsConfig {
    pub(super) fn validated(&self) -> Result<(), ConfigError> {
        let invalid = |setting, reason: &str| Err(ConfigError::Invalid { setting, reason: reason.into() });
        if self.webhook.as_ref().is_some_and(|at| !reachable(at) || at.contains('#')) {
            return invalid("alerts.webhook", "must be https://… (http:// on this machine alone)");
        }
        if !(1..=1440).contains(&self.review_every_minutes) {
            return invalid("alerts.review_every_minutes", "must be from 1 to 1440 minutes");
        }
        Ok(())
    }
}
