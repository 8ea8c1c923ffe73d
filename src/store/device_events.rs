//! What devices are to be told, kept until they have it.
//!
//! Invariants: an event is in the queue before anybody is told that it was sent; it comes again until the device says that it
//! has it, or its time is over; the numbers of a device only grow. Words for whoever lies in a room are under the key of their
//! stay, and leave the queue in the commit that ends the stay.

use std::{collections::HashMap, sync::Arc};

use jiff::Timestamp;
use sqlx::Row;
use zeroize::Zeroizing;

use super::{
    Place, Store,
    error::StoreError,
    job::Step,
    keys::{KeyError, KeyOwner},
};
use crate::{
    device::{DeviceEvent, QueuedEvent, Wakes},
    policy::{CredentialId, RoomId, StayId},
};

/// Events that are read in one go.
const AT_ONCE: i64 = 32;
/// Devices whose queues are written in one commit.
const TOGETHER: usize = 64;

/// An event that is to be queued.
pub struct NewEvent<'a> {
    /// Its own name: the same one is queued once for a device, however often it is pushed. It is kept as a hash.
    pub name: &'a str,
    /// What it is.
    pub event: &'a DeviceEvent,
    /// Whose words it holds.
    pub whose: Whose,
    /// After which it is told no more.
    pub until: Timestamp,
}

/// Whose words an event holds, and with whom it goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Whose {
    /// The organization's: nobody in particular is meant.
    House,
    /// Those of whoever lies there; gone with their stay. In a room with nobody admitted, and at home, the place's own.
    There,
}

/// Which devices.
#[derive(Debug, Clone, Copy)]
pub enum To<'a> {
    /// Every device of a room.
    Room(&'a RoomId),
    /// This one.
    Device(&'a CredentialId),
}

/// A device that is let in.
struct Device {
    credential: CredentialId,
    room: RoomId,
    stay: Option<StayId>,
}

const DEVICES: &str = "SELECT c.id, c.room, r.stay FROM credential c LEFT JOIN room r ON r.room = c.room AND c.surface = 'room' \
     WHERE c.one_time = 0 AND c.surface IN ('room', 'home') AND c.expires > $3 AND (c.room = $1 OR c.id = $2) ORDER BY c.id";

/// How every device stands: who lies there, and how much was queued.
const STANDING: &str = "SELECT c.id, COALESCE(r.stay, '') AS stay, COALESCE(q.given, 0) AS given FROM credential c \
     LEFT JOIN room r ON r.room = c.room AND c.surface = 'room' LEFT JOIN device_queue q ON q.credential = c.id \
     WHERE c.one_time = 0 AND c.surface <> 'third-party' AND c.expires > $1";

impl Store {
    /// Puts an event into the queues of devices and wakes their connections. Gives how many devices there are; 0 where nobody
    /// will be told.
    ///
    /// # Errors
    /// When the database or a key fails; it can be pushed again under the same name.
    pub async fn push_event(&self, to: &[To<'_>], new: &NewEvent<'_>, at: Timestamp) -> Result<usize, StoreError> {
        let mut devices = vec![];
        for to in to {
            devices.extend(self.devices_of(*to, at).await?);
        }
        let mut told = 0;
        for some in devices.chunks(TOGETHER) {
            let mut steps = vec![];
            let mut queued = vec![];
            for device in some {
                match self.event_steps(device, new, at) {
                    Ok(more) => {
                        steps.extend(more);
                        queued.push(device);
                    }
                    // Whoever lay there left just now.
                    Err(StoreError::Key(error)) if matches!(*error, KeyError::Gone) => {}
                    Err(error) => return Err(error),
                }
            }
            if !steps.is_empty() {
                self.inner.writer.submit(steps, vec![]).await?;
            }
            told += queued.len();
            queued.iter().for_each(|device| self.inner.wakes.device(&device.credential));
        }
        Ok(told)
    }

    async fn devices_of(&self, to: To<'_>, at: Timestamp) -> Result<Vec<Device>, StoreError> {
        let (room, credential) = match to {
            To::Room(room) => (room.as_str(), ""),
            To::Device(credential) => ("", credential.as_str()),
        };
        let values = [room.into(), credential.into(), at.as_microsecond().into()];
        let damaged = || StoreError::Damaged("credential".into());
        let rows = self.inner.database.ask(DEVICES, &values).await?;
        let of = |row: &sqlx::any::AnyRow| {
            let stay: Option<String> = row.try_get("stay")?;
            Ok(Device {
                credential: CredentialId::parse(&row.try_get::<String, _>("id")?).map_err(|_| damaged())?,
                room: RoomId::parse(&row.try_get::<String, _>("room")?).map_err(|_| damaged())?,
                stay: stay.map(|stay| StayId::parse(&stay).map_err(|_| damaged())).transpose()?,
            })
        };
        rows.iter().map(of).collect()
    }

    /// The statements that queue an event. The counting stands between the insertions, because PostgreSQL is given insertions
    /// that follow one another as one statement, in which the last would not see the count.
    fn event_steps(&self, device: &Device, new: &NewEvent<'_>, at: Timestamp) -> Result<[Step; 3], StoreError> {
        let credential = device.credential.as_str();
        let id = self.inner.keys.root().hash("device event", &[credential.as_bytes(), new.name.as_bytes()]);
        let plain = Zeroizing::new(serde_json::to_vec(new.event).unwrap_or_default());
        let owner = match (new.whose, &device.stay) {
            (Whose::House, _) => KeyOwner::House,
            (Whose::There, Some(stay)) => KeyOwner::Stay(stay.clone()),
            (Whose::There, None) => KeyOwner::Room(device.room.clone()),
        };
        let (owner, sealed) = self.seal(&owner, "device_event", "sealed", &id, &plain)?;
        let known = "INSERT INTO device_queue (credential, given) VALUES ($1, 0) ON CONFLICT (credential) DO NOTHING";
        let count = "UPDATE device_queue SET given = given + 1 WHERE credential = $1";
        let queue = "INSERT INTO device_event (id, credential, seq, made, until, owner, sealed) \
             SELECT $1, credential, given, $3, $4, $5, $6 FROM device_queue WHERE credential = $2 \
             ON CONFLICT (id) DO NOTHING";
        let values = vec![
            id.into(),
            credential.into(),
            at.as_microsecond().into(),
            new.until.as_microsecond().into(),
            owner.into(),
            sealed.into(),
        ];
        Ok([
            Step::new(known, vec![credential.into()]),
            Step::new(count, vec![credential.into()]),
            Step::new(queue, values),
        ])
    }

    /// What a device was not told yet, with numbers above `seq`, oldest first; at most some at once.
    ///
    /// # Errors
    /// When the database or a key fails.
    pub async fn events_after(
        &self,
        credential: &CredentialId,
        seq: i64,
        now: Timestamp,
    ) -> Result<Vec<QueuedEvent>, StoreError> {
        let waiting = "SELECT id, seq, owner, sealed FROM device_event \
            WHERE credential = $1 AND seq > $2 AND acked IS NULL AND until > $3 ORDER BY seq LIMIT $4";
        let values = [credential.as_str().into(), seq.into(), now.as_microsecond().into(), AT_ONCE.into()];
        let mut events = vec![];
        for row in self.inner.database.ask(waiting, &values).await? {
            let (id, owner): (String, String) = (row.try_get("id")?, row.try_get("owner")?);
            let place = Place { table: "device_event", column: "sealed", row: &id, owner: &owner };
            let plain = match self.unseal(place, &row.try_get::<Vec<u8>, _>("sealed")?) {
                Ok(plain) => plain,
                Err(StoreError::Key(error)) if matches!(*error, KeyError::Gone) => continue,
                Err(error) => return Err(error),
            };
            let event =
                serde_json::from_slice(&plain).map_err(|_| StoreError::Damaged("device_event.sealed".into()))?;
            events.push(QueuedEvent { seq: row.try_get("seq")?, event });
        }
        Ok(events)
    }

    /// A device has everything up to this number. What was said to it is emptied.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn events_acked(&self, credential: &CredentialId, seq: i64, at: Timestamp) -> Result<(), StoreError> {
        let acked = "UPDATE device_event SET acked = $3, sealed = $4 WHERE credential = $1 AND seq <= $2 \
            AND acked IS NULL AND owner NOT IN (SELECT owner FROM held)";
        let held = "UPDATE device_event SET acked = $3 WHERE credential = $1 AND seq <= $2 AND acked IS NULL";
        let values = vec![credential.as_str().into(), seq.into(), at.as_microsecond().into()];
        let emptied = values.iter().cloned().chain([Vec::<u8>::new().into()]).collect();
        let steps = vec![Step::new(acked, emptied), Step::new(held, values)];
        self.inner.writer.submit(steps, vec![]).await.map(drop).map_err(StoreError::from)
    }

    /// Deletes what is of no use any more. Gives how much.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn forget_events(&self, now: Timestamp) -> Result<i64, StoreError> {
        const GONE: &str = "SELECT CAST(COUNT(*) AS BIGINT) AS old FROM device_event \
            WHERE until <= $1 AND owner NOT IN (SELECT owner FROM held)";
        let row = self.inner.database.ask_one(GONE, &[now.as_microsecond().into()]).await?;
        let old = row.map_or(Ok(0), |row| row.try_get("old"))?;
        let delete = "DELETE FROM device_event WHERE until <= $1 AND owner NOT IN (SELECT owner FROM held)";
        let queues = "DELETE FROM device_queue WHERE credential NOT IN (SELECT id FROM credential)";
        if old > 0 {
            let steps = vec![Step::new(delete, vec![now.as_microsecond().into()]), Step::new(queues, vec![])];
            self.inner.writer.submit(steps, vec![]).await?;
        }
        Ok(old)
    }

    /// The statements by which a device's queue ends with its credential.
    pub(super) fn queue_ends(credential: &CredentialId) -> [Step; 2] {
        [
            "DELETE FROM device_event WHERE credential = $1 AND owner NOT IN (SELECT owner FROM held)",
            "DELETE FROM device_queue WHERE credential = $1",
        ]
        .map(|sql| Step::new(sql, vec![credential.as_str().into()]))
    }

    /// Who is woken when something is queued here.
    #[must_use]
    pub fn wakes(&self) -> &Arc<Wakes> {
        &self.inner.wakes
    }

    /// Looks what other processes queued, whom they moved and which credentials ended, and wakes the connections of those. One
    /// statement, however many devices there are; none while no device is connected.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn look_for_wakes(&self, now: Timestamp) -> Result<(), StoreError> {
        if !self.inner.wakes.anybody() {
            return Ok(());
        }
        let mut standing = HashMap::new();
        for row in self.inner.database.ask(STANDING, &[now.as_microsecond().into()]).await? {
            let (id, stay): (String, String) = (row.try_get("id")?, row.try_get("stay")?);
            if let Ok(credential) = CredentialId::parse(&id) {
                standing.insert(credential, format!("{} {stay}", row.try_get::<i64, _>("given")?));
            }
        }
        self.inner.wakes.stand(standing);
        Ok(())
    }
}
