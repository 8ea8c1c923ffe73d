//! What is announced to places, and the rooms it was handed to. The words may name somebody, so they are sealed.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use sqlx::{Row, any::AnyRow};

use super::{
    FleetError, Place, Store,
    adt::room_id,
    error::StoreError,
    fleet::By,
    job::{Refusal, Step},
    keys::KeyOwner,
};
use crate::{
    device::Priority,
    policy::{NodeId, RoomId},
};

/// How long an announcement is kept after its end.
const KEPT: SignedDuration = SignedDuration::from_hours(24);

/// An announcement. Not `Debug`: its words may name somebody.
#[derive(Clone)]
pub struct Announcement {
    /// Its id.
    pub id: String,
    /// To whom: whatever lies at and below that place.
    pub node: NodeId,
    /// How pressing it is.
    pub priority: Priority,
    /// What is said.
    pub text: String,
    /// From when.
    pub starts: Timestamp,
    /// Until when it may still be said.
    pub ends: Timestamp,
}

#[derive(Serialize, Deserialize)]
struct SealedWords {
    text: String,
    by: String,
}

impl Store {
    /// Keeps an announcement; audited. Its id is ignored and a fresh one given.
    ///
    /// # Errors
    /// When there is no such place, or the database or the house's key fails.
    pub async fn announce(&self, new: &Announcement, by: By<'_>, at: Timestamp) -> Result<String, FleetError> {
        self.tree().await?.live(&new.node)?;
        let id = self.change_id(at)?;
        let words = SealedWords { text: new.text.clone(), by: by.named() };
        let plain = serde_json::to_vec(&words).unwrap_or_default();
        let (owner, sealed) = self.seal(&KeyOwner::House, "announcement", "sealed", &id, &plain)?;
        let step = Step::new(
            "INSERT INTO announcement (id, node, priority, starts, ends, made, owner, sealed) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
            vec![
                id.as_str().into(),
                new.node.as_str().into(),
                priority_name(new.priority).into(),
                new.starts.as_microsecond().into(),
                new.ends.as_microsecond().into(),
                at.as_microsecond().into(),
                owner.into(),
                sealed.into(),
            ],
        )
        .or_duplicate(Refusal::Repeated);
        let draft = self.fleet_draft(by, "fleet.announcement", "made", &id, at)?;
        self.inner.writer.submit(vec![step], vec![draft]).await?;
        Ok(id)
    }

    /// Notes that somebody speaks into a room, before they do; audited. Gives a name for what is said.
    ///
    /// # Errors
    /// When the database or the house's key fails.
    pub async fn drop_in_noted(&self, node: &NodeId, by: By<'_>, at: Timestamp) -> Result<String, FleetError> {
        let draft = self.fleet_draft(by, "fleet.drop-in", "asked", node.as_str(), at)?;
        self.inner.writer.submit(vec![], vec![draft]).await?;
        Ok(self.change_id(at)?)
    }

    /// Ends an announcement: it is handed to no more rooms; audited. False where there is none of that id that goes on.
    ///
    /// # Errors
    /// When the database or the house's key fails.
    pub async fn end_announcement(&self, id: &str, by: By<'_>, at: Timestamp) -> Result<(), FleetError> {
        let step = Step::new(
            "UPDATE announcement SET ends = $2 WHERE id = $1 AND ends > $2",
            vec![id.into(), at.as_microsecond().into()],
        )
        .or_nothing(Refusal::NotThere);
        let draft = self.fleet_draft(by, "fleet.announcement", "ended", id, at)?;
        self.inner.writer.submit(vec![step], vec![draft]).await?;
        Ok(())
    }

    /// The announcements that have not ended, the oldest first.
    ///
    /// # Errors
    /// When the database or the house's key fails.
    pub async fn announcements(&self, now: Timestamp) -> Result<Vec<Announcement>, StoreError> {
        let open = "SELECT id, node, priority, starts, ends, owner, sealed FROM announcement WHERE ends > $1 ORDER BY made, id";
        let rows = self.inner.database.ask(open, &[now.as_microsecond().into()]).await?;
        rows.iter().map(|row| self.announcement(row)).collect()
    }

    fn announcement(&self, row: &AnyRow) -> Result<Announcement, StoreError> {
        let damaged = || StoreError::Damaged("announcement".into());
        let (id, owner): (String, String) = (row.try_get("id")?, row.try_get("owner")?);
        let place = Place { table: "announcement", column: "sealed", row: &id, owner: &owner };
        let plain = self.unseal(place, &row.try_get::<Vec<u8>, _>("sealed")?)?;
        let words: SealedWords = serde_json::from_slice(&plain).map_err(|_| damaged())?;
        let time = |at: i64| Timestamp::from_microsecond(at).map_err(|_| damaged());
        Ok(Announcement {
            node: NodeId::parse(&row.try_get::<String, _>("node")?).map_err(|_| damaged())?,
            priority: priority_named(&row.try_get::<String, _>("priority")?).ok_or_else(damaged)?,
            text: words.text,
            starts: time(row.try_get("starts")?)?,
            ends: time(row.try_get("ends")?)?,
            id,
        })
    }

    /// The rooms that an announcement was handed to.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn announced(&self, id: &str) -> Result<BTreeSet<RoomId>, StoreError> {
        let told = "SELECT room FROM announced WHERE announcement = $1";
        let rows = self.inner.database.ask(told, &[id.into()]).await?;
        rows.iter().map(|row| room_id(&row.try_get::<String, _>("room")?)).collect()
    }

    /// Notes that an announcement was handed to these rooms.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn now_announced(&self, id: &str, rooms: &[RoomId], at: Timestamp) -> Result<(), StoreError> {
        let noted = |room: &RoomId| {
            Step::new(
                "INSERT INTO announced (announcement, room, at) VALUES ($1, $2, $3) ON CONFLICT (announcement, room) DO NOTHING",
                vec![id.into(), room.as_str().into(), at.as_microsecond().into()],
            )
        };
        if !rooms.is_empty() {
            self.inner.writer.submit(rooms.iter().map(noted).collect(), vec![]).await?;
        }
        Ok(())
    }

    /// Deletes announcements that ended a day ago. Gives how many.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn forget_announcements(&self, now: Timestamp) -> Result<i64, StoreError> {
        let before = (now - KEPT).as_microsecond();
        let old = "SELECT CAST(COUNT(*) AS BIGINT) AS old FROM announcement WHERE ends < $1";
        let row = self.inner.database.ask_one(old, &[before.into()]).await?;
        let old: i64 = row.map_or(Ok(0), |row| row.try_get("old"))?;
        if old > 0 {
            let rooms = "DELETE FROM announced WHERE announcement IN (SELECT id FROM announcement WHERE ends < $1)";
            let steps =
                [rooms, "DELETE FROM announcement WHERE ends < $1"].map(|sql| Step::new(sql, vec![before.into()]));
            self.inner.writer.submit(steps.into(), vec![]).await?;
        }
        Ok(old)
    }
}

const fn priority_name(priority: Priority) -> &'static str {
    match priority {
        Priority::Routine => "routine",
        Priority::Important => "important",
        Priority::Emergency => "emergency",
    }
}

fn priority_named(name: &str) -> Option<Priority> {
    [Priority::Routine, Priority::Important, Priority::Emergency].into_iter().find(|p| priority_name(*p) == name)
}
