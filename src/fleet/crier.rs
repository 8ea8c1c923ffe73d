//! Hands announcements and settings to the rooms that they are meant for.
//!
//! Invariant: an announcement is handed to a room once, when it may sound there; in quiet hours it waits for their end, and where that
//! comes too late it is not said at all.

use std::collections::HashMap;

use jiff::{SignedDuration, Timestamp, tz::TimeZone};

use super::{
    announce::{NotSaid, may_drop_in, sounds},
    settings::Settings,
    tree::{Node, Tree},
};
use crate::{
    device::{Chime, DeviceEvent},
    policy::{NodeId, RoomId},
    store::{Announcement, NewEvent, Store, StoreError, To, Whose},
};

/// How long settings wait for a device that is not connected.
const SETTINGS_WAIT: SignedDuration = SignedDuration::from_hours(7 * 24);
/// How long words that are spoken into a room wait for its device.
const DROP_IN_WAITS: SignedDuration = SignedDuration::from_secs(30);

/// Why nothing is said into a room.
#[derive(Debug, thiserror::Error)]
pub enum DropInError {
    /// It is not to be.
    #[error(transparent)]
    NotSaid(#[from] NotSaid),
    /// Nobody would hear it.
    #[error("no device is let in in that room")]
    NoDevice,
    /// The store does not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Who hands out what is announced.
pub struct Crier {
    store: Store,
    zone: TimeZone,
}

impl Crier {
    /// At the organization's clock.
    #[must_use]
    pub const fn new(store: Store, zone: TimeZone) -> Self {
        Self { store, zone }
    }

    /// Hands out what may sound now. Gives to how many rooms.
    ///
    /// # Errors
    /// When the database or a key fails; what was handed out is, and the rest is tried again.
    pub async fn cry(&self, now: Timestamp) -> Result<usize, StoreError> {
        let open = self.store.announcements(now).await?;
        if open.is_empty() {
            return Ok(0);
        }
        let tree = self.store.tree().await?;
        let mut handed = 0;
        for announcement in open.iter().filter(|announcement| announcement.starts <= now) {
            handed += self.hand_out(announcement, &tree, now).await?;
        }
        Ok(handed)
    }

    async fn hand_out(&self, new: &Announcement, tree: &Tree, now: Timestamp) -> Result<usize, StoreError> {
        let before = self.store.announced(&new.id).await?;
        let time = now.to_zoned(self.zone.clone()).time();
        let event = DeviceEvent::Announce { id: new.id.clone(), priority: new.priority, text: new.text.clone() };
        let name = format!("announcement {}", new.id);
        let event = NewEvent { name: &name, event: &event, whose: Whose::House, until: new.ends };
        let mut told = vec![];
        for node in tree.at_and_below(&new.node) {
            let Some(room) = node.room.as_ref().filter(|room| !before.contains(room)) else { continue };
            let settings = in_force(tree, node);
            // A room without a device waits for one.
            if sounds(&settings, new.priority, time) && self.store.push_event(&[To::Room(room)], &event, now).await? > 0
            {
                told.push(room.clone());
            }
        }
        self.store.now_announced(&new.id, &told, now).await?;
        Ok(told.len())
    }

    /// Speaks into a room, after a tone: only where its settings allow it, and not while it is quiet there. `name` is the words' own,
    /// so that they are said once.
    ///
    /// # Errors
    /// Why not.
    pub async fn drop_in(
        &self,
        tree: &Tree,
        (id, room): (&NodeId, &RoomId),
        (name, text): (&str, &str),
        now: Timestamp,
    ) -> Result<(), DropInError> {
        let path = tree.path(id);
        may_drop_in(
            &Settings::in_force(path.iter().map(|node| &node.settings)),
            now.to_zoned(self.zone.clone()).time(),
        )?;
        let until = now + DROP_IN_WAITS;
        let (tone, words) = (DeviceEvent::Chime { sound: Chime::Presence }, DeviceEvent::Say { text: text.to_owned() });
        // In this order: a queue is told in the order in which it was filled.
        for (name, event) in [(format!("tone {name}"), &tone), (format!("drop-in {name}"), &words)] {
            let new = NewEvent { name: &name, event, whose: Whose::There, until };
            if self.store.push_event(&[To::Room(room)], &new, now).await? == 0 {
                return Err(DropInError::NoDevice);
            }
        }
        Ok(())
    }
}

/// Which settings every room had at the last look.
#[derive(Default)]
pub struct Told {
    versions: Option<HashMap<RoomId, i64>>,
    newest: i64,
}

impl Crier {
    /// Pushes settings to the rooms whose settings changed since the last look. What a device missed, its heartbeat tells it. Gives
    /// to how many rooms.
    ///
    /// # Errors
    /// When the database or a key fails; it is tried again.
    pub async fn push_settings(&self, told: &mut Told, now: Timestamp) -> Result<usize, StoreError> {
        let newest = self.store.fleet_version().await?;
        if told.versions.is_some() && told.newest == newest {
            return Ok(0);
        }
        let tree = self.store.tree().await?;
        let rooms = tree.all().into_iter().filter_map(|node| Some((node.room.clone()?, node)));
        let rooms: Vec<(RoomId, i64, &Node)> = rooms
            .map(|(room, node)| (room, tree.path(&node.id).iter().map(|n| n.version).max().unwrap_or(0), node))
            .collect();
        let Some(versions) = &mut told.versions else {
            told.versions = Some(rooms.into_iter().map(|(room, version, _)| (room, version)).collect());
            told.newest = newest;
            return Ok(0);
        };
        let mut pushed = 0;
        for (room, version, node) in rooms {
            if versions.get(&room) == Some(&version) {
                continue;
            }
            let settings = serde_json::to_value(in_force(&tree, node)).unwrap_or_default();
            let event = DeviceEvent::Settings { version, settings };
            let name = format!("settings {version} {}", room.as_str());
            let new = NewEvent { name: &name, event: &event, whose: Whose::House, until: now + SETTINGS_WAIT };
            pushed += usize::from(self.store.push_event(&[To::Room(&room)], &new, now).await? > 0);
            versions.insert(room, version);
        }
        told.newest = newest;
        Ok(pushed)
    }
}

fn in_force(tree: &Tree, node: &Node) -> Settings {
    Settings::in_force(tree.path(&node.id).iter().map(|node| &node.settings))
}
