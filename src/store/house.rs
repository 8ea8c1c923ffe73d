//! What belongs to the house and to nobody in it: what can be worked in its rooms, and lists that it gives. In clear.

use jiff::Timestamp;
use serde::{Serialize, de::DeserializeOwned};
use sqlx::Row;

use super::{Store, error::StoreError, job::Step};
use crate::{policy::RoomId, records::RoomThing};

impl Store {
    /// What can be worked in a room, by id.
    ///
    /// # Errors
    /// When the database fails, or a row is damaged.
    pub async fn room_things(&self, room: &RoomId) -> Result<Vec<RoomThing>, StoreError> {
        let listed = "SELECT told FROM room_device WHERE room = $1 ORDER BY id";
        let rows = self.inner.database.ask(listed, &[room.as_str().into()]).await?;
        let damaged = |_| StoreError::Damaged("room_device.told".into());
        rows.iter().map(|row| serde_json::from_str(&row.try_get::<String, _>("told")?).map_err(damaged)).collect()
    }

    /// How a thing of a room is worked, as it was set up; `None` where there is no such thing.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn room_wiring(&self, room: &RoomId, id: &str) -> Result<Option<String>, StoreError> {
        let wired = "SELECT wiring FROM room_device WHERE room = $1 AND id = $2";
        let row = self.inner.database.ask_one(wired, &[room.as_str().into(), id.into()]).await?;
        row.map(|row| Ok(row.try_get("wiring")?)).transpose()
    }

    /// Replaces what can be worked in a room: each thing, and how; audited.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn set_room_things(
        &self,
        room: &RoomId,
        things: &[(RoomThing, String)],
        by: &str,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        let mut steps = vec![Step::new("DELETE FROM room_device WHERE room = $1", vec![room.as_str().into()])];
        for (thing, wiring) in things {
            let told = serde_json::to_string(thing).map_err(|_| StoreError::NotPossible)?;
            steps.push(Step::new(
                "INSERT INTO room_device (room, id, told, wiring) VALUES ($1, $2, $3, $4)",
                vec![room.as_str().into(), thing.id.as_str().into(), told.into(), wiring.as_str().into()],
            ));
        }
        self.by_staff(steps, None, "room-devices", by, at).await
    }

    /// A list that the house gives, with when it was given; `None` where it never was.
    ///
    /// # Errors
    /// When the database fails, or the row is damaged.
    pub async fn house_list<T: DeserializeOwned>(&self, name: &str) -> Result<Option<(T, Timestamp)>, StoreError> {
        let row =
            self.inner.database.ask_one("SELECT told, at FROM house_list WHERE name = $1", &[name.into()]).await?;
        let Some(row) = row else { return Ok(None) };
        let damaged = || StoreError::Damaged("house_list".into());
        let told = serde_json::from_str(&row.try_get::<String, _>("told")?).map_err(|_| damaged())?;
        let at = Timestamp::from_microsecond(row.try_get("at")?).map_err(|_| damaged())?;
        Ok(Some((told, at)))
    }

    /// Replaces a list that the house gives; audited.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn set_house_list<T: Serialize>(
        &self,
        name: &'static str,
        list: &T,
        by: &str,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        let told = serde_json::to_string(list).map_err(|_| StoreError::NotPossible)?;
        let step = Step::new(
            "INSERT INTO house_list (name, told, at) VALUES ($1, $2, $3) \
             ON CONFLICT (name) DO UPDATE SET told = excluded.told, at = excluded.at",
            vec![name.into(), told.into(), at.as_microsecond().into()],
        );
        self.by_staff(vec![step], None, name, by, at).await
    }
}
