//! Deleting what nobody needs any more, and the proof that it was done.
//!
//! Invariant: what is deleted and the audit row that says how much go in one commit. Open calls and the audit trail are
//! never deleted: the database itself refuses. What a legal hold is on stays (`hold`), and is counted.

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
    /// Changes that arrived where they belong, and news that was told.
    pub settled: i64,
    /// What is as old as these and was left, because a legal hold is on it.
    pub held: i64,
}

impl Forgotten {
    /// Whether there was anything.
    #[must_use]
    pub const fn any(self) -> bool {
        self.conversations + self.answers + self.credentials + self.settled > 0
    }
}

/// In groups: may go, and held.
const OLD: &str = "SELECT what, CAST(COUNT(*) AS BIGINT) AS old, \
     CAST(COALESCE(SUM(CASE WHEN owner IN (SELECT owner FROM held) THEN 1 ELSE 0 END), 0) AS BIGINT) AS held FROM ( \
     SELECT 'conversation' AS what, owner FROM session WHERE last < $1 \
     UNION ALL SELECT 'answer', owner FROM turn WHERE at < $2 \
     UNION ALL SELECT 'credential', owner FROM credential WHERE expires < $3 \
     UNION ALL SELECT 'settled', owner FROM outbox WHERE state = 'delivered' AND settled < $2 \
     UNION ALL SELECT 'settled', owner FROM notice WHERE told < $2) AS aged GROUP BY what";

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
        let mut old = Forgotten::default();
        for row in self.inner.database.ask(OLD, &[sessions.into(), turns.into(), credentials.into()]).await? {
            let (all, held): (i64, i64) = (row.try_get("old")?, row.try_get("held")?);
            old.held += held;
            match row.try_get::<String, _>("what")?.as_str() {
                "conversation" => old.conversations = all - held,
                "answer" => old.answers = all - held,
                "credential" => old.credentials = all - held,
                _ => old.settled = all - held,
            }
        }
        let released = self.released_stays().await?;
        if !old.any() && released.is_empty() {
            return Ok(old);
        }
        let mut steps = vec![
            Step::new(
                "DELETE FROM session WHERE last < $1 AND owner NOT IN (SELECT owner FROM held)",
                vec![sessions.into()],
            ),
            Step::new("DELETE FROM turn WHERE at < $1 AND owner NOT IN (SELECT owner FROM held)", vec![turns.into()]),
            // A change that has not arrived stays, however old it is.
            Step::new(
                "DELETE FROM outbox WHERE state = 'delivered' AND settled < $1 AND owner NOT IN (SELECT owner FROM held)",
                vec![turns.into()],
            ),
            Step::new(
                "DELETE FROM notice WHERE told < $1 AND owner NOT IN (SELECT owner FROM held)",
                vec![turns.into()],
            ),
            Step::new(
                "DELETE FROM credential WHERE expires < $1 AND owner NOT IN (SELECT owner FROM held)",
                vec![credentials.into()],
            ),
            Step::new(
                "DELETE FROM member WHERE credential NOT IN (SELECT id FROM credential) \
                 AND owner NOT IN (SELECT owner FROM held)",
                vec![],
            ),
        ];
        for stay in &released {
            for sql in [
                "DELETE FROM session WHERE owner = $1",
                "DELETE FROM turn WHERE owner = $1",
                "DELETE FROM device_event WHERE owner = $1",
                "DELETE FROM hold_stay WHERE owner = $1",
            ] {
                steps.push(Step::new(sql, vec![stay.as_str().into()]));
            }
        }
        let proof = format!(
            "{} conversations, {} answers, {} credentials, {} changes that arrived and news that was told; {} left, legal hold",
            old.conversations, old.answers, old.credentials, old.settled, old.held
        );
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
        for stay in released {
            self.inner.keys.destroy(&stay)?;
        }
        Ok(old)
    }
}
