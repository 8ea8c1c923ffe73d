//! Messages of the admission system: kept before they are answered, and what became of each. What they change is in `ward`.
//!
//! Invariants: a message is in the database before its sender hears that it was taken; one that comes twice counts once. Messages are sealed; in clear stand their kind, their state and
//! the name of a bed that nobody has mapped yet.

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use sqlx::{Row, any::AnyRow};
use zeroize::Zeroizing;

use super::{
    Place, Store,
    audit::Draft,
    error::StoreError,
    job::{JobError, Refusal, Step},
    keys::KeyOwner,
};
use crate::{
    fleet::adt::{Location, State},
    policy::{Event, JournalEntry, PersonId, RoomId},
};

/// How often a message that cannot be worked off is tried before somebody has to look at it.
const TRIES: i64 = 5;
/// What was told last of a person or a bed is kept so long at least: a message that comes late is known by it.
const LAST_KEPT: SignedDuration = SignedDuration::from_hours(30 * 24);
/// What is noted of one then.
pub(super) const FAILED: &str = "failed";

/// A message that is to be worked off. Not `Debug`: it says who.
pub struct Waiting {
    /// Its id.
    pub id: String,
    /// When it came.
    pub received: Timestamp,
    /// The message.
    pub raw: Zeroizing<Vec<u8>>,
}

/// A message, for whoever looks after the interface. Says nothing about anybody.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct MessageRow {
    /// Its id.
    pub id: String,
    /// When it came.
    pub received: Timestamp,
    /// Its trigger, such as `A01`; nothing where it could not be read.
    pub kind: String,
    /// new, applied, ignored, late, waiting, review, unreadable or settled.
    pub state: String,
    /// What to know about it.
    pub note: String,
    /// The bed it waits for.
    pub waits: String,
}

impl MessageRow {
    pub(super) fn of(row: &AnyRow) -> Result<Self, StoreError> {
        let received = Timestamp::from_microsecond(row.try_get("received")?)
            .map_err(|_| StoreError::Damaged("adt_message.received".into()))?;
        Ok(Self {
            id: row.try_get("id")?,
            received,
            kind: row.try_get("kind")?,
            state: row.try_get("state")?,
            note: row.try_get("note")?,
            waits: row.try_get("waits")?,
        })
    }

    /// Whether it is done again when somebody says so: it changed nothing so far.
    #[must_use]
    pub fn can_be_done_again(&self) -> bool {
        self.state == "waiting" || (self.state == "review" && self.note == FAILED)
    }
}

/// What became of a message that was handed in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptMessage {
    /// Its id.
    pub id: String,
    /// It was here before.
    pub again: bool,
}

impl Store {
    /// Keeps a message, durably; `unreadable` says what is wrong with it, and then it is only kept to be looked at.
    ///
    /// # Errors
    /// When the database or the house's key fails; nothing was kept.
    pub async fn keep_message(
        &self,
        raw: &[u8],
        (sender, facility, control): (&str, &str, &str),
        kind: &str,
        unreadable: Option<&str>,
        at: Timestamp,
    ) -> Result<KeptMessage, StoreError> {
        let root = self.inner.keys.root();
        let body = root.hash("adt body", &[raw]);
        let known = "SELECT id FROM adt_message WHERE body = $1";
        let again = |row: AnyRow| Ok(KeptMessage { id: row.try_get("id")?, again: true });
        if let Some(row) = self.inner.database.ask_one(known, &[body.as_str().into()]).await? {
            return again(row);
        }
        let id = self.change_id(at)?;
        let name = root.hash("adt name", &[sender.as_bytes(), facility.as_bytes(), control.as_bytes()]);
        let (owner, sealed) = self.seal(&KeyOwner::House, "adt_message", "sealed", &id, raw)?;
        let step = Step::new(
            "INSERT INTO adt_message (id, received, name, body, kind, state, note, waits, tries, owner, sealed) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, '', 0, $8, $9)",
            vec![
                id.as_str().into(),
                at.as_microsecond().into(),
                name.into(),
                body.as_str().into(),
                kind.into(),
                if unreadable.is_some() { "unreadable" } else { "new" }.into(),
                unreadable.unwrap_or_default().into(),
                owner.into(),
                sealed.into(),
            ],
        )
        .or_duplicate(Refusal::Repeated);
        match self.inner.writer.submit(vec![step], vec![]).await {
            Ok(_) => Ok(KeptMessage { id, again: false }),
            Err(JobError::Refused(_)) => {
                let row = self.inner.database.ask_one(known, &[body.as_str().into()]).await?;
                row.map_or(Err(StoreError::Locked), again)
            }
            Err(error) => Err(error.into()),
        }
    }

    /// The oldest message that was not worked off.
    ///
    /// # Errors
    /// When the database or the house's key fails.
    pub async fn next_message(&self) -> Result<Option<Waiting>, StoreError> {
        let next =
            "SELECT id, received, owner, sealed FROM adt_message WHERE state = 'new' ORDER BY received, id LIMIT 1";
        let Some(row) = self.inner.database.ask_one(next, &[]).await? else { return Ok(None) };
        self.message(&row).map(Some)
    }

    /// A message as it came; audited, since it says who.
    ///
    /// # Errors
    /// When there is none of that id, or the database or the house's key fails.
    pub async fn read_message(&self, id: &str, by: &str, at: Timestamp) -> Result<Waiting, StoreError> {
        let one = "SELECT id, received, owner, sealed FROM adt_message WHERE id = $1";
        let row = self.inner.database.ask_one(one, &[id.into()]).await?.ok_or(StoreError::NotPossible)?;
        let entry = row_of(Event::Stay, None, "message-read", at);
        self.inner.writer.submit(vec![], vec![self.draft_about(&entry, Some(by), Some(id))?]).await?;
        self.message(&row)
    }

    pub(super) fn message(&self, row: &AnyRow) -> Result<Waiting, StoreError> {
        let (id, owner): (String, String) = (row.try_get("id")?, row.try_get("owner")?);
        let place = Place { table: "adt_message", column: "sealed", row: &id, owner: &owner };
        let raw = Zeroizing::new(self.unseal(place, &row.try_get::<Vec<u8>, _>("sealed")?)?.to_vec());
        let received = Timestamp::from_microsecond(row.try_get("received")?)
            .map_err(|_| StoreError::Damaged("adt_message.received".into()))?;
        Ok(Waiting { id, received, raw })
    }

    /// The messages in a state, or all, oldest first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn messages(&self, state: Option<&str>) -> Result<Vec<MessageRow>, StoreError> {
        let all = "SELECT id, received, kind, state, note, waits FROM adt_message \
            WHERE $1 = '' OR state = $1 ORDER BY received, id";
        let rows = self.inner.database.ask(all, &[state.unwrap_or_default().into()]).await?;
        rows.iter().map(MessageRow::of).collect()
    }

    pub(super) fn message_step(&self, id: &str, state: &State, note: &str, at: Timestamp) -> Step {
        let (state, waits) = match state {
            State::Applied => ("applied", ""),
            State::Ignored => ("ignored", ""),
            State::Late => ("late", ""),
            State::Review => ("review", ""),
            State::Waiting(location) => ("waiting", location.as_str()),
        };
        Step::new(
            "UPDATE adt_message SET state = $2, note = $3, waits = $4, settled = $5 WHERE id = $1 AND state = 'new'",
            vec![id.into(), state.into(), note.into(), waits.into(), at.as_microsecond().into()],
        )
        .or_nothing(Refusal::NotThere)
    }

    /// A message could not be worked off: it is tried again, until somebody has to look at it.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn message_failed(&self, id: &str, at: Timestamp) -> Result<(), StoreError> {
        let step = Step::new(
            "UPDATE adt_message SET tries = tries + 1, \
             state = CASE WHEN tries + 1 >= $2 THEN 'review' ELSE state END, \
             note = CASE WHEN tries + 1 >= $2 THEN 'failed' ELSE note END, \
             settled = CASE WHEN tries + 1 >= $2 THEN $3 ELSE settled END WHERE id = $1 AND state = 'new'",
            vec![id.into(), TRIES.into(), at.as_microsecond().into()],
        );
        self.inner.writer.submit(vec![step], vec![]).await?;
        Ok(())
    }

    /// A message that was kept and tells nothing about who lies where.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn message_ignored(&self, id: &str, at: Timestamp) -> Result<(), StoreError> {
        let step = self.message_step(id, &State::Ignored, "", at);
        match self.inner.writer.submit(vec![step], vec![]).await {
            Ok(_) | Err(JobError::Refused(_)) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// Somebody has looked at a message; audited.
    ///
    /// # Errors
    /// When there is none of that id to be looked at, or the database fails.
    pub async fn message_looked_at(&self, id: &str, by: &str, at: Timestamp) -> Result<(), StoreError> {
        let step = Step::new(
            "UPDATE adt_message SET state = 'settled', settled = $2 \
             WHERE id = $1 AND state IN ('review', 'unreadable', 'waiting')",
            vec![id.into(), at.as_microsecond().into()],
        )
        .or_nothing(Refusal::NotThere);
        let draft = self.draft_about(&row_of(Event::Stay, None, "message-settled", at), Some(by), Some(id))?;
        self.inner.writer.submit(vec![step], vec![draft]).await?;
        Ok(())
    }

    /// Which room a bed of the admission system is.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn mapped(&self, location: &Location) -> Result<Option<RoomId>, StoreError> {
        let one = "SELECT room FROM adt_bed WHERE location = $1";
        let row = self.inner.database.ask_one(one, &[location.as_str().into()]).await?;
        row.map(|row| room_id(&row.try_get::<String, _>("room")?)).transpose()
    }

    /// Every bed that is mapped, by what the admission system calls it.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn beds(&self) -> Result<Vec<(String, String)>, StoreError> {
        let rows = self.inner.database.ask("SELECT location, room FROM adt_bed ORDER BY location", &[]).await?;
        rows.iter().map(|row| Ok((row.try_get("location")?, row.try_get("room")?))).collect()
    }

    /// Says which room a bed of the admission system is, or, with `None`, that it is none here; audited. Messages that waited for
    /// it are worked off in the order in which they came.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn map_bed(
        &self,
        location: &Location,
        room: Option<&RoomId>,
        by: &str,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        let (steps, draft) = self.bed_steps(location, room, by, at)?;
        self.inner.writer.submit(steps, vec![draft]).await?;
        Ok(())
    }

    /// The statements of [`Self::map_bed`], and their audit row.
    pub(super) fn bed_steps(
        &self,
        location: &Location,
        room: Option<&RoomId>,
        by: &str,
        at: Timestamp,
    ) -> Result<(Vec<Step>, Draft), StoreError> {
        let mut steps = vec![match room {
            Some(room) => Step::new(
                "INSERT INTO adt_bed (location, room) VALUES ($1, $2) \
                 ON CONFLICT (location) DO UPDATE SET room = excluded.room",
                vec![location.as_str().into(), room.as_str().into()],
            ),
            None => Step::new("DELETE FROM adt_bed WHERE location = $1", vec![location.as_str().into()])
                .or_nothing(Refusal::NotThere),
        }];
        if room.is_some() {
            steps.push(Step::new(
                "UPDATE adt_message SET state = 'new', waits = '', tries = 0 WHERE state = 'waiting' AND waits = $1",
                vec![location.as_str().into()],
            ));
        }
        let outcome = if room.is_some() { "bed-mapped" } else { "bed-unmapped" };
        let draft = self.draft_about(&row_of(Event::Stay, None, outcome, at), Some(by), Some(location.as_str()))?;
        Ok((steps, draft))
    }

    /// Deletes messages that are settled for so long, and what nobody asks about any more. Gives how many.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn forget_messages(&self, keep: SignedDuration, now: Timestamp) -> Result<i64, StoreError> {
        let before = (now - keep).as_microsecond();
        let count = "SELECT CAST(COUNT(*) AS BIGINT) AS old FROM adt_message \
            WHERE state IN ('applied', 'ignored', 'late', 'settled') AND settled < $1";
        let messages = self.how_many(count, before).await?;
        let notes_before = (now - keep.max(LAST_KEPT)).as_microsecond();
        let count = "SELECT CAST(COUNT(*) AS BIGINT) AS old FROM adt_last WHERE at < $1";
        let notes = self.how_many(count, notes_before).await?;
        if messages + notes > 0 {
            let steps = vec![
                Step::new(
                    "DELETE FROM adt_message WHERE state IN ('applied', 'ignored', 'late', 'settled') AND settled < $1",
                    vec![before.into()],
                ),
                Step::new("DELETE FROM adt_last WHERE at < $1", vec![notes_before.into()]),
            ];
            let entry = row_of(Event::Forgotten, None, "done", now);
            let proof =
                format!("{messages} messages of the admission system, {notes} notes of what was told last of a place");
            self.inner.writer.submit(steps, vec![self.draft(&entry, Some(&proof))?]).await?;
        }
        Ok(messages + notes)
    }

    async fn how_many(&self, count: &'static str, before: i64) -> Result<i64, StoreError> {
        let row = self.inner.database.ask_one(count, &[before.into()]).await?;
        Ok(row.map(|row| row.try_get("old")).transpose()?.unwrap_or(0))
    }
}

pub(super) fn room_id(text: &str) -> Result<RoomId, StoreError> {
    RoomId::parse(text).map_err(|_| StoreError::Damaged("a room's name".into()))
}

pub(super) fn row_of(event: Event, subject: Option<PersonId>, outcome: &'static str, at: Timestamp) -> JournalEntry {
    JournalEntry {
        event,
        subject,
        actor: None,
        intent: None,
        channel: "adt",
        session: None,
        turn: None,
        closes: None,
        outcome: Some(outcome),
        at,
    }
}
