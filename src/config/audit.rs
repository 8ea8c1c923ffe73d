//! When the audit trail says that somebody looked at too many people.

use serde::Deserialize;

use super::ConfigError;

/// The rule of `wellspoken audit review`.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AuditConfig {
    /// So many people new to the reader, 2 to 10000,
    pub review_people: usize,
    /// opened within so many minutes, 1 to 10080, are reported.
    pub review_window_minutes: u32,
    /// Whom the reader opened within so many days before, 0 to 3650, is not new to them.
    pub review_known_days: u32,
}

impl Default for AuditConfig {
    fn default() -> Self {
        Self { review_people: 10, review_window_minutes: 60, review_known_days: 30 }
    }
}

impl AuditConfig {
    pub(super) fn validated(&self) -> Result<(), ConfigError> {
        let invalid = |setting, reason: &str| Err(ConfigError::Invalid { setting, reason: reason.into() });
        if !(2..=10_000).contains(&self.review_people) {
            return invalid("audit.review_people", "must be from 2 to 10000 people");
        }
        if !(1..=10_080).contains(&self.review_window_minutes) {
            return invalid("audit.review_window_minutes", "must be from 1 to 10080 minutes");
        }
        if self.review_known_days > 3650 {
            return invalid("audit.review_known_days", "must be at most 3650 days");
        }
        Ok(())
    }
}
