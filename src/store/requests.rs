//! What people asked of the nurse. Visits are in `visits`, renewals in `renewals`.
//!
//! Invariant: a request on the board is closed by staff alone: no statement here or elsewhere ends one on anybody
//! else's behalf.

use std::collections::HashMap;

use jiff::Timestamp;
use serde::Serialize;
use sqlx::{Row, any::AnyRow};

use super::{
    Place, Store, TurnCommit,
    error::StoreError,
    job::{Refusal, Step},
    keys::KeyOwner,
    nurse::{AskedAgain, Beyond, SaidBack, StepTold},
};
use crate::{
    actions::Change,
    policy::{Event, JournalEntry, PersonId, Phi, RoomId},
};

/// A row of the nurses' board.
///
/// Not `Debug`: it holds what the person said.
#[derive(Clone, Serialize)]
pub struct BoardRow {
    /// Its identifier.
    pub id: String,
    /// The room.
    pub room: String,
    /// What is needed, in the person's words; `None` when the key they were under was destroyed.
    pub need: Option<String>,
    /// An emergency rather than a need.
    pub emergency: bool,
    /// When it was asked for.
    pub requested: Timestamp,
    /// Since when the person says that it is no longer needed. Only staff close the request.
    pub patient_says_cancel: Option<Timestamp>,
    /// Since when whoever lay there then has gone. The request stays open all the same.
    pub stay_over: Option<Timestamp>,
    /// When staff acknowledged it.
    pub acknowledged: Option<Timestamp>,
    /// Who did.
    pub acknowledged_by: Option<String>,
    /// How often it was asked for again.
    pub repeats: u32,
    /// When it was asked for last, where it was asked for again.
    pub asked_last: Option<Timestamp>,
    /// What was said then, oldest first.
    pub again: Vec<AskedAgain>,
    /// Who was told so far, oldest first.
    pub told: Vec<StepTold>,
    /// What staff said to the room, oldest first.
    pub said: Vec<SaidBack>,
}

impl BoardRow {
    /// Whether somebody answered it and it was not asked for again since.
    #[must_use]
    pub fn answered(&self) -> bool {
        self.acknowledged.is_some_and(|seen| self.asked_last.is_none_or(|asked| asked <= seen))
    }
}

/// A call to the nurse as the person who made it may read it.
///
/// Not `Debug`: it holds what the person said.
#[derive(Clone, Serialize)]
pub struct Call {
    /// Its identifier.
    pub id: String,
    /// What is needed, in the person's words.
    pub need: String,
    /// An emergency rather than a need.
    pub emergency: bool,
    /// When it was asked for.
    pub requested: Timestamp,
    /// When staff ended it.
    pub closed: Option<Timestamp>,
}

impl Store {
    /// A name for a change, and for what it makes here and elsewhere.
    pub(super) fn change_id(&self, at: Timestamp) -> Result<String, StoreError> {
        let millis = u64::try_from(at.as_millisecond()).unwrap_or(0);
        Ok(uuid::Builder::from_unix_timestamp_millis(millis, &self.random()?).into_uuid().to_string())
    }

    /// The statements that make one change durable; `id` is its name.
    pub(super) async fn change_steps(
        &self,
        change: &Change,
        id: String,
        commit: &TurnCommit,
    ) -> Result<Vec<Step>, StoreError> {
        let at = commit.at;
        let owner = commit.person.clone().map_or_else(|| commit.owner.clone(), KeyOwner::Person);
        Ok(match change {
            Change::Renew { .. } => self.renew_steps(&owner, &id, change, at)?,
            Change::ChoosePharmacy { pharmacy } => vec![self.pharmacy_chosen_step(&owner, pharmacy)?],
            Change::Taken { doses, at: when, part } => self.taken_steps(&owner, doses, *when, part.as_ref(), at)?,
            Change::Remind { reminder } => vec![self.remind_step(&owner, &id, reminder)?],
            Change::CancelReminders { ids } => match &commit.person {
                Some(person) => self.end_reminder_steps(person, ids, at).await?,
                None => return Err(StoreError::NotPossible),
            },
            Change::Book { .. }
            | Change::Cancel { .. }
            | Change::Reschedule { .. }
            | Change::Arrive { .. }
            | Change::JoinWaitlist { .. }
            | Change::LeaveWaitlist { .. }
            | Change::HoldSlot { .. }
            | Change::ReleaseSlot { .. } => match &commit.person {
                Some(person) => self.visit_steps(change, person, &id, commit)?,
                None => return Err(StoreError::NotPossible),
            },
            Change::Consent { agreed, seen } => match &commit.person {
                Some(person) => self.consent_steps(person, agreed, Ok(*seen), commit.closing.channel, at)?,
                None => return Err(StoreError::NotPossible),
            },
            Change::CallNurse { room, need, emergency } => {
                self.call_steps(&owner, &id, (room, need, *emergency), at)?
            }
            Change::Forget { words } => match &commit.person {
                Some(person) => {
                    let turn = self.turn_key(&commit.credential, &commit.turn);
                    self.forget_steps(person, *words, Some((&commit.session, &turn))).await?
                }
                None => return Err(StoreError::NotPossible),
            },
            Change::AskForCopy => match &commit.person {
                Some(person) => {
                    let owner = self.inner.keys.name(&KeyOwner::Person(person.clone()));
                    vec![Step::new(
                        "INSERT INTO copy_asked (id, at, owner) VALUES ($1, $2, $3)",
                        vec![id.into(), at.as_microsecond().into(), owner.into()],
                    )]
                }
                None => return Err(StoreError::NotPossible),
            },
            Change::Quiet { quiet } => match &commit.person {
                Some(person) => vec![self.quiet_step(person, quiet)?],
                None => return Err(StoreError::NotPossible),
            },
            Change::Disconnect { connections } => match &commit.person {
                Some(person) => self.leave_steps(person, connections, at),
                None => return Err(StoreError::NotPossible),
            },
            Change::LetConnect { code, organization } => match &commit.person {
                Some(person) => self.pairing_steps(person, code, organization.as_deref(), at)?,
                None => return Err(StoreError::NotPossible),
            },
            Change::Visitor { room, until } => vec![Self::visitor_step(room, *until)],
            Change::AskClinician { results } => match &commit.person {
                Some(person) => self.asked_steps(person, commit.room.as_ref(), results, at)?,
                None => return Err(StoreError::NotPossible),
            },
            Change::KeepReading { .. } | Change::CorrectReading { .. } | Change::TellStaff { .. } => {
                self.reading_steps(change, commit, &id)?
            }
            Change::PatientSaysCancel { room } => Self::cancel_steps(room, at),
        })
    }

    /// The open requests of a room, or of all, oldest first.
    ///
    /// # Errors
    /// When the database or a key fails.
    pub async fn board(&self, room: Option<&RoomId>) -> Result<Vec<BoardRow>, StoreError> {
        let open = "SELECT id, room, emergency, requested, patient_says_cancel, stay_over, acknowledged, acknowledged_by, owner, \
            repeats, asked_last, sealed FROM request WHERE closed IS NULL AND kind = 'call' AND ($1 = '' OR room = $1) ORDER BY requested, id";
        let rows = self.inner.database.ask(open, &[room.map_or("", RoomId::as_str).into()]).await?;
        let mut board = rows.iter().map(|row| self.board_row(row)).collect::<Result<Vec<_>, _>>()?;
        let mut beyond = if board.is_empty() { HashMap::new() } else { self.beyond().await? };
        for row in &mut board {
            let Beyond { again, told, said } = beyond.remove(&row.id).unwrap_or_default();
            (row.again, row.told, row.said) = (again, told, said);
        }
        Ok(board)
    }

    fn board_row(&self, row: &AnyRow) -> Result<BoardRow, StoreError> {
        let (id, owner): (String, String) = (row.try_get("id")?, row.try_get("owner")?);
        let place = Place { table: "request", column: "sealed", row: &id, owner: &owner };
        let need = self.words_if_kept(place, &row.try_get::<Vec<u8>, _>("sealed")?)?;
        let by: Option<Vec<u8>> = row.try_get("acknowledged_by")?;
        let house = self.inner.keys.name(&KeyOwner::House);
        let place = Place { table: "request", column: "acknowledged_by", row: &id, owner: &house };
        let by = by.map(|sealed| self.unseal(place, &sealed)).transpose()?;
        Ok(BoardRow {
            need,
            room: row.try_get("room")?,
            emergency: row.try_get::<i64, _>("emergency")? != 0,
            requested: time(row, "requested")?,
            patient_says_cancel: time_or_none(row, "patient_says_cancel")?,
            stay_over: time_or_none(row, "stay_over")?,
            acknowledged: time_or_none(row, "acknowledged")?,
            acknowledged_by: by.map(|plain| String::from_utf8_lossy(&plain).into_owned()),
            repeats: u32::try_from(row.try_get::<i64, _>("repeats")?).unwrap_or(u32::MAX),
            asked_last: time_or_none(row, "asked_last")?,
            again: vec![],
            told: vec![],
            said: vec![],
            id,
        })
    }

    /// Staff have seen a request; audited. The first acknowledgement stays until it is asked for again.
    ///
    /// # Errors
    /// When there is no such open request that waits for one, or the database fails.
    pub async fn acknowledge(&self, id: &str, staff: &str, at: Timestamp) -> Result<(), StoreError> {
        let (_, by) = self.seal(&KeyOwner::House, "request", "acknowledged_by", id, staff.as_bytes())?;
        let step = Step::new(
            "UPDATE request SET acknowledged = $2, acknowledged_by = $3 \
             WHERE id = $1 AND closed IS NULL AND (acknowledged IS NULL OR acknowledged < asked_last)",
            vec![id.into(), at.as_microsecond().into(), by.into()],
        )
        .or_nothing(Refusal::NotThere);
        let down = Step::new("DELETE FROM ladder WHERE request = $1", vec![id.into()]);
        let steps = vec![step, down, Self::event_step(id, "acknowledged", at)];
        self.by_staff(steps, None, "acknowledged", staff, at).await
    }

    /// Staff end a request; audited. Nothing else does.
    ///
    /// # Errors
    /// When there is no such open request, or the database fails.
    pub async fn close_request(&self, id: &str, staff: &str, at: Timestamp) -> Result<(), StoreError> {
        let (_, by) = self.seal(&KeyOwner::House, "request", "closed_by", id, staff.as_bytes())?;
        let step = Step::new(
            "UPDATE request SET closed = $2, closed_by = $3 WHERE id = $1 AND closed IS NULL",
            vec![id.into(), at.as_microsecond().into(), by.into()],
        )
        .or_nothing(Refusal::NotThere);
        // What was kept readable past its stay is needed no longer.
        let (house, nothing) = self.seal(&KeyOwner::House, "request", "sealed", id, b"")?;
        let forgotten = Step::new(
            "UPDATE request SET sealed = $2 WHERE id = $1 AND owner = $3 AND stay_over IS NOT NULL",
            vec![id.into(), nothing.into(), house.into()],
        );
        let mut steps = vec![step, forgotten, Self::event_step(id, "completed", at)];
        steps.extend(self.call_ends(id));
        self.by_staff(steps, None, "closed", staff, at).await
    }

    /// A person's calls to the nurse, newest first.
    ///
    /// # Errors
    /// When the person's key was destroyed, or the database fails.
    pub async fn calls(&self, person: &PersonId) -> Result<Phi<Vec<Call>>, StoreError> {
        let owner = self.inner.keys.name(&KeyOwner::Person(person.clone()));
        let made = "SELECT id, emergency, requested, closed, sealed FROM request WHERE owner = $1 \
            ORDER BY requested DESC, id DESC";
        let rows = self.inner.database.ask(made, &[owner.as_str().into()]).await?;
        let calls = rows.iter().map(|row| {
            let id: String = row.try_get("id")?;
            let place = Place { table: "request", column: "sealed", row: &id, owner: &owner };
            let plain = self.unseal(place, &row.try_get::<Vec<u8>, _>("sealed")?)?;
            Ok(Call {
                need: String::from_utf8_lossy(&plain).into_owned(),
                emergency: row.try_get::<i64, _>("emergency")? != 0,
                requested: time(row, "requested")?,
                closed: time_or_none(row, "closed")?,
                id,
            })
        });
        Ok(Phi::new(person.clone(), calls.collect::<Result<_, StoreError>>()?))
    }

    pub(super) async fn by_staff(
        &self,
        steps: Vec<Step>,
        person: Option<&PersonId>,
        outcome: &'static str,
        by: &str,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        let entry = JournalEntry {
            event: Event::Progressed,
            subject: person.cloned(),
            actor: None,
            intent: None,
            channel: "staff",
            session: None,
            turn: None,
            closes: None,
            outcome: Some(outcome),
            at,
        };
        let draft = self.draft(&entry, Some(by))?;
        self.inner.writer.submit(steps, vec![draft]).await?;
        Ok(())
    }
}

pub(super) fn time(row: &AnyRow, column: &'static str) -> Result<Timestamp, StoreError> {
    time_or_none(row, column)?.ok_or_else(|| StoreError::Damaged(column.into()))
}

pub(super) fn time_or_none(row: &AnyRow, column: &'static str) -> Result<Option<Timestamp>, StoreError> {
    row.try_get::<Option<i64>, _>(column)?
        .map(|micros| Timestamp::from_microsecond(micros).map_err(|_| StoreError::Damaged(column.into())))
        .transpose()
}
