//! What staff have said in the room, and what a room may hear of its own calls.

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use sqlx::Row;

use super::super::{
    NewEvent, Place, Store, To, Whose,
    error::StoreError,
    job::{Refusal, Step},
    keys::KeyOwner,
    requests::{time, time_or_none},
};
use crate::{device::DeviceEvent, policy::RoomId};

/// How long what staff said is worth saying.
const MEANS_SOMETHING: SignedDuration = SignedDuration::from_mins(15);

/// What staff said to a room.
///
/// Not `Debug`: it holds what was said.
#[derive(Clone, Serialize)]
pub struct SaidBack {
    /// When.
    pub at: Timestamp,
    /// Who, as people call them.
    pub by: String,
    /// In what words; `None` when the key they were under was destroyed.
    pub words: Option<String>,
    /// When a device of the room was given it.
    pub spoken: Option<Timestamp>,
}

/// An open call as its own room may hear of it: nothing of what it is about.
///
/// Not `Debug`: it holds what staff said.
#[derive(Clone)]
pub struct RoomCall {
    /// An emergency rather than a need.
    pub emergency: bool,
    /// When it was asked for, the last time.
    pub asked: Timestamp,
    /// Who has seen it, where somebody has since.
    pub seen_by: Option<String>,
    /// The room says that it is no longer needed.
    pub cancelled: bool,
    /// What staff said last.
    pub said: Option<SaidBack>,
}

impl Store {
    /// Staff have something said in the room of a call, which they have seen by that; audited.
    ///
    /// # Errors
    /// [`StoreError::NotPossible`] where there is no such open call, or when the database or a key fails.
    pub async fn say_back(&self, id: &str, words: &str, staff: &str, at: Timestamp) -> Result<(), StoreError> {
        let owner = "SELECT owner FROM request WHERE id = $1 AND closed IS NULL AND kind = 'call'";
        let row = self.inner.database.ask_one(owner, &[id.into()]).await?.ok_or(StoreError::NotPossible)?;
        let owner: String = row.try_get("owner")?;
        let reply = self.change_id(at)?;
        let place = Place { table: "call_reply", column: "sealed", row: &reply, owner: &owner };
        let key = self.inner.keys.named(&owner)?;
        let sealed = key.seal(place, words.as_bytes(), self.inner.keys.entropy())?;
        let (_, by) = self.seal(&KeyOwner::House, "call_reply", "said_by", &reply, staff.as_bytes())?;
        let (_, seen_by) = self.seal(&KeyOwner::House, "request", "acknowledged_by", id, staff.as_bytes())?;
        let micros = at.as_microsecond();
        let open = Step::new("UPDATE request SET repeats = repeats WHERE id = $1 AND closed IS NULL", vec![id.into()]);
        let seen = Step::new(
            "UPDATE request SET acknowledged = $2, acknowledged_by = $3 \
             WHERE id = $1 AND (acknowledged IS NULL OR acknowledged < asked_last)",
            vec![id.into(), micros.into(), seen_by.into()],
        );
        let down = Step::new("DELETE FROM ladder WHERE request = $1", vec![id.into()]);
        let said = Step::new(
            "INSERT INTO call_reply (id, request, at, said_by, owner, sealed) VALUES ($1, $2, $3, $4, $5, $6)",
            vec![reply.into(), id.into(), micros.into(), by.into(), owner.into(), sealed.into()],
        );
        let steps = vec![open.or_nothing(Refusal::NotThere), seen, down, said, Self::event_step(id, "said", at)];
        self.by_staff(steps, None, "said-back", staff, at).await
    }

    /// What staff said about open calls, oldest first, with the call it was about.
    pub(super) async fn said_back(&self) -> Result<Vec<(String, SaidBack)>, StoreError> {
        let said = "SELECT r.id, r.request, r.at, r.spoken, r.said_by, r.owner, r.sealed FROM call_reply r \
            JOIN request q ON q.id = r.request WHERE q.closed IS NULL ORDER BY r.at, r.id";
        let house = self.inner.keys.name(&KeyOwner::House);
        let mut all = vec![];
        for row in self.inner.database.ask(said, &[]).await? {
            let (id, owner): (String, String) = (row.try_get("id")?, row.try_get("owner")?);
            let place = Place { table: "call_reply", column: "sealed", row: &id, owner: &owner };
            let words = self.words_if_kept(place, &row.try_get::<Vec<u8>, _>("sealed")?)?;
            let place = Place { table: "call_reply", column: "said_by", row: &id, owner: &house };
            let by = self.unseal(place, &row.try_get::<Vec<u8>, _>("said_by")?)?;
            let by = String::from_utf8_lossy(&by).into_owned();
            all.push((
                row.try_get("request")?,
                SaidBack { at: time(&row, "at")?, by, words, spoken: time_or_none(&row, "spoken")? },
            ));
        }
        Ok(all)
    }

    /// Gives what staff said to the devices of its room. What no device is there for stays, for as long as it means something.
    ///
    /// # Errors
    /// When the database or a key fails; it is given once more then, under the same name.
    pub async fn speak_replies(&self, now: Timestamp) -> Result<usize, StoreError> {
        let unspoken = "SELECT r.id, r.at, r.said_by, r.owner, r.sealed, q.room FROM call_reply r JOIN request q ON q.id = r.request \
            WHERE r.spoken IS NULL AND r.at > $1 AND q.stay_over IS NULL ORDER BY r.at, r.id";
        let (since, house) = ((now - MEANS_SOMETHING).as_microsecond(), self.inner.keys.name(&KeyOwner::House));
        let mut given = 0;
        for row in self.inner.database.ask(unspoken, &[since.into()]).await? {
            let (id, owner): (String, String) = (row.try_get("id")?, row.try_get("owner")?);
            let place = Place { table: "call_reply", column: "sealed", row: &id, owner: &owner };
            let Some(words) = self.words_if_kept(place, &row.try_get::<Vec<u8>, _>("sealed")?)? else { continue };
            let place = Place { table: "call_reply", column: "said_by", row: &id, owner: &house };
            let by = self.unseal(place, &row.try_get::<Vec<u8>, _>("said_by")?)?;
            let by = String::from_utf8_lossy(&by).into_owned();
            let room: String = row.try_get("room")?;
            let Ok(room) = RoomId::parse(&room) else { continue };
            let event = DeviceEvent::Say { text: format!("{by} says: {words}") };
            let until = time(&row, "at")?.checked_add(MEANS_SOMETHING).unwrap_or(Timestamp::MAX);
            let new = NewEvent { name: &id, event: &event, whose: Whose::There, until };
            if self.push_event(&[To::Room(&room)], &new, now).await? == 0 {
                continue;
            }
            let done = Step::new(
                "UPDATE call_reply SET spoken = $2 WHERE id = $1 AND spoken IS NULL",
                vec![id.into(), now.as_microsecond().into()],
            );
            self.inner.writer.submit(vec![done], vec![]).await?;
            given += 1;
        }
        Ok(given)
    }

    /// The open calls of a room that were made by whoever is there now, newest first.
    ///
    /// # Errors
    /// When the database or a key fails.
    pub async fn room_calls(&self, room: &RoomId) -> Result<Vec<RoomCall>, StoreError> {
        let open = "SELECT id, emergency, requested, asked_last, acknowledged, acknowledged_by, patient_says_cancel FROM request \
            WHERE room = $1 AND closed IS NULL AND stay_over IS NULL AND kind = 'call' ORDER BY requested DESC, id DESC";
        let rows = self.inner.database.ask(open, &[room.as_str().into()]).await?;
        if rows.is_empty() {
            return Ok(vec![]);
        }
        let (said, house) = (self.said_back().await?, self.inner.keys.name(&KeyOwner::House));
        let call = |row: &sqlx::any::AnyRow| {
            let id: String = row.try_get("id")?;
            let (requested, again) = (time(row, "requested")?, time_or_none(row, "asked_last")?);
            let seen = time_or_none(row, "acknowledged")?.filter(|seen| again.is_none_or(|again| again <= *seen));
            let place = Place { table: "request", column: "acknowledged_by", row: &id, owner: &house };
            let by = row.try_get::<Option<Vec<u8>>, _>("acknowledged_by")?.filter(|_| seen.is_some());
            let by = by.map(|sealed| self.unseal(place, &sealed)).transpose()?;
            Ok(RoomCall {
                emergency: row.try_get::<i64, _>("emergency")? != 0,
                asked: again.unwrap_or(requested),
                seen_by: by.map(|plain| String::from_utf8_lossy(&plain).into_owned()),
                cancelled: time_or_none(row, "patient_says_cancel")?.is_some(),
                said: said.iter().rfind(|(request, _)| *request == id).map(|(_, said)| said.clone()),
            })
        };
        rows.iter().map(call).collect()
    }
}
