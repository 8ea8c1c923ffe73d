//! Deleting what nobody needs any more, and the proof that it was done.
//!
//! Invariant: what is deleted and the audit row that says how much go in one commit. Open calls and the audit trail are
//! never deleted: the database itself refuses.

use jiff::{SignedDuration, Timestamp};
use sqlx::Row;

use super::{Store, error::StoreError, job::Step};
use crate::{
    config::RetentionConfig,
    policy::{Event, JournalEntry},
};

/// How much was deleted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Forgotten {
    /// Conversations.
    pub conversations: i64,
    /// Answers kept for repeats.
    pub answers: i64,
    /// Expired credentials.
    pub credentials: i64,
}

impl Forgotten {
    /// Whether there was anything.
    #[must_use]
    pub const fn any(self) -> bool {
        self.conversations + self.answers + self.credentials > 0
    }
}

const OLD: &str = "SELECT CAST((SELECT COUNT(*) FROM session WHERE last < $1) AS BIGINT) AS conversations, \
     CAST((SELECT COUNT(*) FROM turn WHERE at < $2) AS BIGINT) AS answers, \
     CAST((SELECT COUNT(*) FROM credential WHERE expires < $3) AS BIGINT) AS credentials";

impl Store {
    /// Deletes what is older than the rule says, and tells of it in the audit trail. Where nothing is, nothing is
    /// written.
    ///
    /// # Errors
    /// When the database or the house's key fails; nothing was deleted then.
    pub async fn forget(&self, rule: &RetentionConfig, now: Timestamp) -> Result<Forgotten, StoreError> {
        let hours = |hours: u32| (now - SignedDuration::from_hours(hours.into())).as_microsecond();
        let (sessions, turns) = (hours(rule.conversation_hours), hours(rule.answer_hours));
        let credentials = hours(rule.expired_credential_days.saturating_mul(24));
        let row = self.inner.database.ask_one(OLD, &[sessions.into(), turns.into(), credentials.into()]).await?;
        let Some(row) = row else { return Ok(Forgotten::default()) };
        let old = Forgotten {
            conversations: row.try_get("conversations")?,
            answers: row.try_get("answers")?,
            credentials: row.try_get("credentials")?,
        };
        if !old.any() {
            return Ok(old);
        }
        let steps = vec![
            Step::new("DELETE FROM session WHERE last < $1", vec![sessions.into()]),
            Step::new("DELETE FROM turn WHERE at < $1", vec![turns.into()]),
            Step::new("DELETE FROM credential WHERE expires < $1", vec![credentials.into()]),
        ];
        let proof =
            format!("{} conversations, {} answers, {} credentials", old.conversations, old.answers, old.credentials);
        let entry = JournalEntry {
            event: Event::Forgotten,
            subject: None,
            actor: None,
            intent: None,
            channel: "retention",
            session: None,
            turn: None,
            closes: None,
            outcome: Some("done"),
            at: now,
        };
        let draft = self.draft(&entry, Some(&proof))?;
        self.inner.writer.submit(steps, vec![draft]).await?;
        Ok(old)
    }
}
