//! Messages of the admission system that somebody should look at: which, about which beds, and doing them again.

use std::collections::BTreeMap;

use jiff::{Timestamp, tz::TimeZone};

use super::{
    Store,
    adt::{FAILED, MessageRow, row_of},
    error::StoreError,
    job::{Refusal, Step},
};
use crate::{
    fleet::adt::{Customs, Location, parse},
    policy::Event,
};

/// So many are shown at once.
const AT_ONCE: i64 = 200;

impl Store {
    /// The messages that wait for a bed, for a look, or could not be read; the oldest first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn messages_that_wait(&self) -> Result<Vec<MessageRow>, StoreError> {
        let some = "SELECT id, received, kind, state, note, waits FROM adt_message \
            WHERE state IN ('waiting', 'review', 'unreadable') ORDER BY received, id LIMIT $1";
        self.inner.database.ask(some, &[AT_ONCE.into()]).await?.iter().map(MessageRow::of).collect()
    }

    /// The beds that a message is about, none where that cannot be read; `None` where there is no such message. Whom it is about
    /// stays here.
    ///
    /// # Errors
    /// When the database or the house's key fails.
    pub async fn message_beds(&self, id: &str) -> Result<Option<Vec<Location>>, StoreError> {
        let one = "SELECT id, received, owner, sealed FROM adt_message WHERE id = $1";
        let Some(row) = self.inner.database.ask_one(one, &[id.into()]).await? else { return Ok(None) };
        let message = self.message(&row)?;
        // Neither the time nor whose the numbers are matters for which bed it is.
        let customs = Customs { zone: TimeZone::UTC, systems: BTreeMap::new() };
        let event = parse(&message.raw, &customs, message.received).ok().and_then(|reading| reading.event);
        let patients = event.map(|event| event.patients).unwrap_or_default();
        Ok(Some(patients.into_iter().filter_map(|patient| patient.location).collect()))
    }

    /// A message that waits for a bed, or that failed, is done again in its order; audited. No other: what one that waits for a look
    /// changed is changed already.
    ///
    /// # Errors
    /// When there is none of that id that can be done again, or the database fails.
    pub async fn message_again(&self, id: &str, by: &str, at: Timestamp) -> Result<(), StoreError> {
        let step = Step::new(
            "UPDATE adt_message SET state = 'new', note = '', waits = '', tries = 0, settled = NULL \
             WHERE id = $1 AND (state = 'waiting' OR (state = 'review' AND note = $2))",
            vec![id.into(), FAILED.into()],
        )
        .or_nothing(Refusal::NotThere);
        let draft = self.draft_about(&row_of(Event::Stay, None, "message-again", at), Some(by), Some(id))?;
        self.inner.writer.submit(vec![step], vec![draft]).await?;
        Ok(())
    }
}
