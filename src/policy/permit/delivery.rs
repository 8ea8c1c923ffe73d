//! How a change that a person agreed to comes to a [`Permit`] once more when it is sent to where their records live.

use jiff::Timestamp;

use super::{Event, Journal, JournalEntry, JournalError, Permit};
use crate::policy::PersonId;

/// The channel of what is sent.
pub const OUTBOX: &str = "outbox";

/// Makes the row that opens the sending of a change durable. There is nothing left to decide: the person was let in, and
/// agreed to exactly this, when they said it; taking an agreement back later ends what is answered, not what was asked for.
///
/// # Errors
/// When the row could not be written; nothing may be sent then.
pub async fn admit_delivery<J: Journal + Sync>(
    subject: &PersonId,
    kind: &str,
    at: Timestamp,
    journal: &J,
) -> Result<Permit, JournalError> {
    let row = JournalEntry {
        event: Event::Sent,
        subject: Some(subject.clone()),
        actor: None,
        intent: Some(kind.to_owned()),
        channel: OUTBOX,
        session: None,
        turn: None,
        closes: None,
        outcome: None,
        at,
    };
    let entry = journal.append(row).await?;
    Ok(Permit { subject: subject.clone(), entry })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::EntryId;

    /// A journal whose disk is full, or which counts.
    struct Rows(std::sync::Mutex<Vec<JournalEntry>>, bool);

    impl Journal for Rows {
        async fn append(&self, entry: JournalEntry) -> Result<EntryId, JournalError> {
            if self.1 {
                return Err(JournalError("no space".into()));
            }
            let mut rows = self.0.lock().expect("whole");
            rows.push(entry);
            Ok(EntryId(rows.len() as i64))
        }
    }

    #[tokio::test]
    async fn nothing_is_sent_without_a_durable_row() {
        let person = PersonId::parse("p").expect("fits");
        let full = Rows(std::sync::Mutex::default(), true);
        assert!(admit_delivery(&person, "renew", Timestamp::UNIX_EPOCH, &full).await.is_err());
        let rows = Rows(std::sync::Mutex::default(), false);
        let permit = admit_delivery(&person, "renew", Timestamp::UNIX_EPOCH, &rows).await.expect("written");
        assert_eq!((permit.subject(), permit.entry()), (&person, EntryId(1)));
        assert_eq!(rows.0.into_inner().expect("whole")[0].event, Event::Sent);
    }
}
