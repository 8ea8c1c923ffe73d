//! The places where people are seen without an appointment, how long they waited there, and where rooms and homes are.
//!
//! Invariant: a place and its wait are nobody's data and stand in clear; where a home is, is sealed.

use std::collections::BTreeSet;

use jiff::Timestamp;
use sqlx::{Row, any::AnyRow};

use super::{
    Place, Store,
    error::StoreError,
    job::{Refusal, Step},
    keys::KeyOwner,
};
use crate::{
    policy::RoomId,
    records::{CarePlace, Directory, Position, Wait},
};

impl Store {
    /// The places in the order of their list.
    ///
    /// # Errors
    /// When the database fails, or a row is damaged.
    pub async fn care_places(&self) -> Result<Vec<CarePlace>, StoreError> {
        let listed = "SELECT told, wait, wait_at FROM care_place ORDER BY place, id";
        self.inner.database.ask(listed, &[]).await?.iter().map(place_of).collect()
    }

    /// Replaces the list of places, and makes the free times beside it known; audited. What was said of waiting stays with
    /// a place that stays.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn set_care_places(&self, list: &Directory, by: &str, at: Timestamp) -> Result<(), StoreError> {
        let stay: BTreeSet<&str> = list.places.iter().map(|place| place.id.as_str()).collect();
        let mut steps = Vec::new();
        for row in self.inner.database.ask("SELECT id FROM care_place", &[]).await? {
            let id: String = row.try_get("id")?;
            if !stay.contains(id.as_str()) {
                steps.push(Step::new("DELETE FROM care_place WHERE id = $1", vec![id.into()]));
            }
        }
        for (n, place) in list.places.iter().enumerate() {
            let told = serde_json::to_string(place).map_err(|_| StoreError::NotPossible)?;
            steps.push(Step::new(
                "INSERT INTO care_place (id, place, told) VALUES ($1, $2, $3) \
                 ON CONFLICT (id) DO UPDATE SET place = excluded.place, told = excluded.told",
                vec![place.id.as_str().into(), i64::try_from(n).unwrap_or(i64::MAX).into(), told.into()],
            ));
        }
        steps.extend(list.slots.iter().map(Self::slot_step));
        self.by_staff(steps, None, "care-places", by, at).await
    }

    /// Notes how long people wait at a place now, in minutes; audited.
    ///
    /// # Errors
    /// [`StoreError::NotPossible`] when there is no such place; or when the database fails.
    pub async fn set_wait(&self, place: &str, minutes: u32, by: &str, at: Timestamp) -> Result<(), StoreError> {
        let step = Step::new(
            "UPDATE care_place SET wait = $2, wait_at = $3 WHERE id = $1",
            vec![place.into(), i64::from(minutes).into(), at.as_microsecond().into()],
        )
        .or_nothing(Refusal::NotThere);
        self.by_staff(vec![step], None, "care-wait", by, at).await
    }

    /// Where a room or a home is; `None` where nobody said.
    ///
    /// # Errors
    /// When the database or the house's key fails, or the row is damaged.
    pub async fn position(&self, room: &RoomId) -> Result<Option<Position>, StoreError> {
        let known = "SELECT sealed FROM room_position WHERE room = $1";
        let Some(row) = self.inner.database.ask_one(known, &[room.as_str().into()]).await? else { return Ok(None) };
        let owner = self.inner.keys.name(&KeyOwner::House);
        let place = Place { table: "room_position", column: "sealed", row: room.as_str(), owner: &owner };
        let plain = self.unseal(place, &row.try_get::<Vec<u8>, _>("sealed")?)?;
        serde_json::from_slice(&plain).map(Some).map_err(|_| StoreError::Damaged("room_position.sealed".into()))
    }

    /// Notes where a room or a home is, to some hundred meters, or that nobody is to know; audited.
    ///
    /// # Errors
    /// When the database or the house's key fails.
    pub async fn set_position(
        &self,
        room: &RoomId,
        position: Option<Position>,
        by: &str,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        let step = match position.map(Position::coarse) {
            None => Step::new("DELETE FROM room_position WHERE room = $1", vec![room.as_str().into()]),
            Some(position) => {
                let plain = serde_json::to_vec(&position).map_err(|_| StoreError::NotPossible)?;
                let (_, sealed) = self.seal(&KeyOwner::House, "room_position", "sealed", room.as_str(), &plain)?;
                Step::new(
                    "INSERT INTO room_position (room, sealed) VALUES ($1, $2) \
                     ON CONFLICT (room) DO UPDATE SET sealed = excluded.sealed",
                    vec![room.as_str().into(), sealed.into()],
                )
            }
        };
        self.by_staff(vec![step], None, "room-position", by, at).await
    }
}

fn place_of(row: &AnyRow) -> Result<CarePlace, StoreError> {
    let damaged = || StoreError::Damaged("care_place".into());
    let told: CarePlace = serde_json::from_str(&row.try_get::<String, _>("told")?).map_err(|_| damaged())?;
    let wait = match (row.try_get::<Option<i64>, _>("wait")?, row.try_get::<Option<i64>, _>("wait_at")?) {
        (Some(minutes), Some(at)) => Some(Wait {
            minutes: u32::try_from(minutes).map_err(|_| damaged())?,
            at: Timestamp::from_microsecond(at).map_err(|_| damaged())?,
        }),
        _ => None,
    };
    Ok(CarePlace { wait, ..told })
}
