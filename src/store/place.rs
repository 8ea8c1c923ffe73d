//! How much may be said aloud in a place. No person is in it, so it is not sealed.

use jiff::Timestamp;
use sqlx::Row;

use super::{Store, error::StoreError, job::Step};
use crate::policy::{Event, JournalEntry, PlaceRules, RoomId};

/// What is known of a place.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PlaceNow {
    /// What staff set.
    pub rules: PlaceRules,
    /// Until when somebody said that a visitor is there.
    pub visitor: Option<Timestamp>,
}

impl Store {
    /// What is known of a place; the defaults for one that nobody set.
    ///
    /// # Errors
    /// When the database fails, or the settings are damaged.
    pub async fn place(&self, room: &RoomId) -> Result<PlaceNow, StoreError> {
        let known = "SELECT settings, visitor FROM place WHERE room = $1";
        let row = self.inner.database.ask_one(known, &[room.as_str().into()]).await?;
        row.map_or_else(
            || Ok(PlaceNow::default()),
            |row| place_of(&row.try_get::<Vec<u8>, _>("settings")?, row.try_get("visitor")?),
        )
    }

    /// Sets what may be said aloud in a place; audited.
    ///
    /// # Errors
    /// When the database or the house's key fails.
    pub async fn set_place(
        &self,
        room: &RoomId,
        rules: &PlaceRules,
        by: &str,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        let step = Step::new(
            "INSERT INTO place (room, settings, visitor) VALUES ($1, $2, 0) \
             ON CONFLICT (room) DO UPDATE SET settings = excluded.settings",
            vec![room.as_str().into(), serde_json::to_vec(rules).unwrap_or_default().into()],
        );
        let entry = JournalEntry {
            event: Event::Progressed,
            subject: None,
            actor: None,
            intent: None,
            channel: "staff",
            session: None,
            turn: None,
            closes: None,
            outcome: Some("place"),
            at,
        };
        let draft = self.draft(&entry, Some(by))?;
        self.inner.writer.submit(vec![step], vec![draft]).await?;
        Ok(())
    }

    /// The statement by which a visitor comes, until then, or goes.
    pub(super) fn visitor_step(room: &RoomId, until: Option<Timestamp>) -> Step {
        let settings = serde_json::to_vec(&PlaceRules::default()).unwrap_or_default();
        Step::new(
            "INSERT INTO place (room, settings, visitor) VALUES ($1, $2, $3) \
             ON CONFLICT (room) DO UPDATE SET visitor = excluded.visitor",
            vec![room.as_str().into(), settings.into(), until.map_or(0, Timestamp::as_microsecond).into()],
        )
    }

    /// Whether somebody stays in one of these rooms now.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn anybody_in(&self, rooms: &[String]) -> Result<bool, StoreError> {
        for room in rooms {
            let there = "SELECT room FROM room WHERE room = $1";
            if self.inner.database.ask_one(there, &[room.as_str().into()]).await?.is_some() {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

/// Reads a row of the table. Settings that cannot be read are no reason to say more.
pub(super) fn place_of(settings: &[u8], visitor: i64) -> Result<PlaceNow, StoreError> {
    let damaged = || StoreError::Damaged("place".into());
    let rules = serde_json::from_slice(settings).map_err(|_| damaged())?;
    let visitor = Timestamp::from_microsecond(visitor).map_err(|_| damaged())?;
    Ok(PlaceNow { rules, visitor: Some(visitor).filter(|at| at.as_microsecond() != 0) })
}
