//! What the audit trail tells about one person, for that person.

use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;
use sqlx::any::AnyRow;

use super::{
    super::{Store, error::StoreError, keys::KeyOwner},
    chain::Entry,
    fhir::audit_event,
};
use crate::policy::{PersonId, Phi};

/// One entry of the trail about a person.
///
/// Not `Debug`: it tells who looked at whom.
#[derive(Clone, Serialize)]
pub struct Access {
    /// Its number in the chain.
    pub entry: i64,
    /// When.
    pub at: Timestamp,
    /// What kind: `opened`, `imported`, `refused`, …
    pub event: String,
    /// Through what: `room`, `home`, `chat`, `import`, or where staff work.
    pub channel: String,
    /// How it ended, where it says.
    pub outcome: Option<String>,
    /// What was asked for.
    pub intent: Option<String>,
    /// The member of staff, where the entry names one.
    pub by: Option<String>,
    /// The device or page, as a keyed hash.
    pub device: Option<String>,
}

/// Channels through which a person is spoken to. Whoever comes through another is somebody else.
pub(super) const OWN: [&str; 3] = ["room", "home", "chat"];

impl Access {
    /// Whether the record was opened, or is about to be.
    #[must_use]
    pub fn opened(&self) -> bool {
        matches!(self.event.as_str(), "opened" | "glass-broken")
    }

    /// Whether it was through one of the person's own devices or pages.
    #[must_use]
    pub fn own(&self) -> bool {
        self.by.is_none() && OWN.contains(&self.channel.as_str())
    }
}

impl Store {
    /// What the trail tells about a person between two times, newest first.
    ///
    /// # Errors
    /// When the database fails, or the person's key was destroyed.
    pub async fn audit_about(
        &self,
        person: &PersonId,
        from: Option<Timestamp>,
        until: Option<Timestamp>,
    ) -> Result<Phi<Vec<Access>>, StoreError> {
        let mut all = Vec::new();
        let names = self.staff_names().await?;
        for row in self.rows_about(person, from, until).await? {
            let entry = Entry::read(&row)?;
            let Some(told) = self.told(&entry)? else { continue };
            all.push(Access {
                entry: entry.seq,
                at: Timestamp::from_microsecond(entry.at).map_err(|_| StoreError::Damaged("audit.at".into()))?,
                event: entry.event,
                channel: entry.channel,
                outcome: entry.outcome,
                intent: told.intent,
                by: told.by.or_else(|| names.get(told.actor.as_ref()?).cloned()),
                device: told.actor,
            });
        }
        Ok(Phi::new(person.clone(), all))
    }

    /// The same as FHIR AuditEvents, oldest first.
    ///
    /// # Errors
    /// As [`Store::audit_about`].
    pub async fn audit_events_about(
        &self,
        person: &PersonId,
        organization: &str,
    ) -> Result<Phi<Vec<Value>>, StoreError> {
        let mut events = Vec::new();
        for row in self.rows_about(person, None, None).await?.iter().rev() {
            let entry = Entry::read(row)?;
            let told = self.told(&entry)?;
            events.push(audit_event(&entry, told.as_ref(), organization));
        }
        Ok(Phi::new(person.clone(), events))
    }

    async fn rows_about(
        &self,
        person: &PersonId,
        from: Option<Timestamp>,
        until: Option<Timestamp>,
    ) -> Result<Vec<AnyRow>, StoreError> {
        let owner = self.inner.keys.name(&KeyOwner::Person(person.clone()));
        let about = "SELECT seq, at, event, channel, closes, outcome, owner, sealed, hash FROM audit \
            WHERE owner = $1 AND at >= $2 AND at < $3 ORDER BY seq DESC";
        let micros = |at: Option<Timestamp>, or| at.map_or(or, Timestamp::as_microsecond);
        let values = [owner.into(), micros(from, i64::MIN).into(), micros(until, i64::MAX).into()];
        self.inner.database.ask(about, &values).await
    }
}
