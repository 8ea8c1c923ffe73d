//! Waking the connections of devices when there is something to look at: an event, another person in the bed, a credential that
//! ended.
//!
//! Invariant: a wake is never lost. It may come for nothing; whoever is woken looks what is there.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::sync::Notify;

use crate::policy::{CredentialId, RoomId};

/// Who listens.
#[derive(Default)]
pub struct Wakes(Mutex<Listening>);

#[derive(Default)]
struct Listening {
    next: u64,
    devices: HashMap<CredentialId, Vec<Listener>>,
    rooms: HashMap<RoomId, Vec<CredentialId>>,
    /// How each device stood at the last look.
    stood: HashMap<CredentialId, String>,
}

struct Listener {
    id: u64,
    bell: Arc<Notify>,
}

/// One connection's ear; it stops listening when it is dropped.
pub struct Wake {
    wakes: Arc<Wakes>,
    id: u64,
    credential: CredentialId,
    room: Option<RoomId>,
    bell: Arc<Notify>,
}

impl Wakes {
    /// Listens for a device.
    #[must_use]
    pub fn listen(self: &Arc<Self>, credential: &CredentialId, room: Option<&RoomId>) -> Wake {
        let bell = Arc::new(Notify::new());
        let mut listening = self.lock();
        let id = listening.next;
        listening.next += 1;
        listening.devices.entry(credential.clone()).or_default().push(Listener { id, bell: Arc::clone(&bell) });
        if let Some(room) = room {
            listening.rooms.entry(room.clone()).or_default().push(credential.clone());
        }
        drop(listening);
        Wake { wakes: Arc::clone(self), id, credential: credential.clone(), room: room.cloned(), bell }
    }

    /// Wakes the connections of one device.
    pub fn device(&self, credential: &CredentialId) {
        ring(&self.lock(), credential);
    }

    /// Wakes the connections of the devices of a room.
    pub fn room(&self, room: &RoomId) {
        let listening = self.lock();
        for credential in listening.rooms.get(room).into_iter().flatten() {
            ring(&listening, credential);
        }
    }

    /// Whether anybody listens.
    #[must_use]
    pub fn anybody(&self) -> bool {
        !self.lock().devices.is_empty()
    }

    /// Takes down how every device stands now, and wakes those that stood otherwise at the last look; one that stands nowhere any
    /// more is woken, too.
    pub fn stand(&self, now: HashMap<CredentialId, String>) {
        let mut listening = self.lock();
        for credential in listening.devices.keys() {
            if listening.stood.get(credential) != now.get(credential) {
                ring(&listening, credential);
            }
        }
        listening.stood = now;
    }

    fn lock(&self) -> MutexGuard<'_, Listening> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn ring(listening: &Listening, credential: &CredentialId) {
    for listener in listening.devices.get(credential).into_iter().flatten() {
        listener.bell.notify_one();
    }
}

impl Wake {
    /// Comes back once there may be something to look at; at once where that was said since the last time.
    pub async fn woken(&self) {
        self.bell.notified().await;
    }
}

impl Drop for Wake {
    fn drop(&mut self) {
        let mut listening = self.wakes.lock();
        if let Some(listeners) = listening.devices.get_mut(&self.credential) {
            listeners.retain(|listener| listener.id != self.id);
            if listeners.is_empty() {
                listening.devices.remove(&self.credential);
            }
        }
        let Some(room) = &self.room else { return };
        if let Some(there) = listening.rooms.get_mut(room) {
            if let Some(at) = there.iter().position(|credential| *credential == self.credential) {
                there.swap_remove(at);
            }
            if there.is_empty() {
                listening.rooms.remove(room);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn credential(name: &str) -> CredentialId {
        CredentialId::parse(name).expect("fits")
    }

    async fn rung(wake: &Wake) -> bool {
        tokio::time::timeout(Duration::from_millis(1), wake.woken()).await.is_ok()
    }

    #[tokio::test]
    async fn only_those_meant_are_woken_and_no_wake_is_lost() {
        let wakes = Arc::new(Wakes::default());
        let room = RoomId::parse("r7").expect("fits");
        let (a, b) = (wakes.listen(&credential("a"), Some(&room)), wakes.listen(&credential("b"), Some(&room)));
        let c = wakes.listen(&credential("c"), None);
        wakes.device(&credential("a"));
        wakes.device(&credential("nobody"));
        assert_eq!((rung(&a).await, rung(&b).await, rung(&c).await), (true, false, false), "said before it was asked");
        wakes.room(&room);
        assert_eq!((rung(&a).await, rung(&b).await, rung(&c).await), (true, true, false));
        drop(b);
        wakes.room(&room);
        assert_eq!((rung(&a).await, rung(&c).await), (true, false));

        let stands =
            |pairs: &[(&str, &str)]| pairs.iter().map(|(who, how)| (credential(who), (*how).to_owned())).collect();
        wakes.stand(stands(&[("a", "1"), ("c", "1")]));
        assert_eq!((rung(&a).await, rung(&c).await), (true, true), "the first look");
        wakes.stand(stands(&[("a", "2"), ("c", "1")]));
        assert_eq!((rung(&a).await, rung(&c).await), (true, false));
        wakes.stand(stands(&[("a", "2")]));
        assert_eq!((rung(&a).await, rung(&c).await), (false, true), "it ended");
        assert!(wakes.anybody());
        drop((a, c));
        assert!(!wakes.anybody());
    }
}
