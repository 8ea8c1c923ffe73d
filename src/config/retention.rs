//! How long what was said is kept, per class of data.

use serde::Deserialize;

use super::ConfigError;

/// After how long what nobody needs any more is deleted. The chart goes with the person's key, calls of the rooms and the
/// audit trail are never deleted here.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RetentionConfig {
    /// A conversation, so many hours after its last turn, 1 to 8760.
    pub conversation_hours: u32,
    /// The answer of a turn, for a client that repeats it, so many hours after it, 1 to 8760.
    pub answer_hours: u32,
    /// A credential, so many days after it expired, 0 to 3650.
    pub expired_credential_days: u32,
}

impl Default for RetentionConfig {
    fn default() -> Self {
        Self { conversation_hours: 24, answer_hours: 24, expired_credential_days: 30 }
    }
}

impl RetentionConfig {
    pub(super) fn validated(&self) -> Result<(), ConfigError> {
        let invalid = |setting, reason: &str| Err(ConfigError::Invalid { setting, reason: reason.into() });
        if !(1..=8760).contains(&self.conversation_hours) {
            return invalid("retention.conversation_hours", "must be from 1 to 8760 hours");
        }
        if !(1..=8760).contains(&self.answer_hours) {
            return invalid("retention.answer_hours", "must be from 1 to 8760 hours");
        }
        if self.expired_credential_days > 3650 {
            return invalid("retention.expired_credential_days", "must be at most 3650 days");
        }
        Ok(())
    }
}
