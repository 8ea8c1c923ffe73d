//! Which devices are connected, which of them were asked something a moment ago, and where what they said ended.
//!
//! Invariants: a device has one connection. A newer one counts, since the older may be a link that is dead without knowing it. What
//! comes again ends where it did, so that it is the same utterance.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{sync::Notify, time::Instant};

use crate::{
    asr::endpoint::Over,
    policy::{CredentialId, TurnId},
};

/// How long an answer that began in time may be sent again over another connection.
const AGAIN: Duration = Duration::from_secs(120);
/// Windows kept; those that are over go first.
const MOST: usize = 100_000;

/// All connections of this process.
#[derive(Default)]
pub struct Streams(Mutex<Open>);

#[derive(Default)]
struct Open {
    next: u64,
    links: HashMap<CredentialId, (u64, Arc<Notify>)>,
    windows: HashMap<CredentialId, Window>,
    ends: HashMap<CredentialId, End>,
}

/// Where the last utterance of a device ended, in samples.
struct End {
    utterance: TurnId,
    at: (Over, usize),
    until: Instant,
}

/// The time in which a device may listen without being called.
struct Window {
    until: Instant,
    taken: Option<TurnId>,
}

/// A device is connected as long as this is there.
pub struct Entered {
    streams: Arc<Streams>,
    credential: CredentialId,
    id: u64,
    replaced: Arc<Notify>,
}

impl Streams {
    /// Connects a device, and ends the connection it had.
    pub fn enter(self: &Arc<Self>, credential: &CredentialId) -> Entered {
        let replaced = Arc::new(Notify::new());
        let mut open = self.lock();
        let id = open.next;
        open.next += 1;
        if let Some((_, former)) = open.links.insert(credential.clone(), (id, Arc::clone(&replaced))) {
            former.notify_one();
        }
        drop(open);
        Entered { streams: Arc::clone(self), credential: credential.clone(), id, replaced }
    }

    /// A device was asked something and may listen for the answer until then.
    pub fn asked(&self, credential: &CredentialId, until: Instant) {
        let mut open = self.lock();
        if open.windows.len() >= MOST {
            open.windows.retain(|_, window| window.until + AGAIN > Instant::now());
        }
        open.windows.insert(credential.clone(), Window { until, taken: None });
    }

    /// What it was asked was said sooner than was thought.
    pub fn asked_until(&self, credential: &CredentialId, until: Instant) {
        if let Some(window) = self.lock().windows.get_mut(credential) {
            window.until = window.until.min(until);
        }
    }

    /// Whether a device may listen now for the answer to what it was asked; the same utterance also comes again a little later.
    pub fn may_follow(&self, credential: &CredentialId, utterance: &TurnId, now: Instant) -> bool {
        let mut open = self.lock();
        let Some(window) = open.windows.get_mut(credential) else { return false };
        if window.taken.as_ref() == Some(utterance) {
            return now < window.until + AGAIN;
        }
        let may = window.taken.is_none() && now < window.until;
        if may {
            window.taken = Some(utterance.clone());
        }
        may
    }

    /// An utterance ended there.
    pub fn ended(&self, credential: &CredentialId, utterance: &TurnId, at: (Over, usize), now: Instant) {
        let mut open = self.lock();
        if open.ends.len() >= MOST {
            open.ends.retain(|_, end| end.until > now);
        }
        let end = End { utterance: utterance.clone(), at, until: now + AGAIN };
        open.ends.insert(credential.clone(), end);
    }

    /// Where this utterance ended when it came before, a moment ago.
    pub fn end_of(&self, credential: &CredentialId, utterance: &TurnId, now: Instant) -> Option<(Over, usize)> {
        let open = self.lock();
        open.ends.get(credential).filter(|end| end.utterance == *utterance && now < end.until).map(|end| end.at)
    }

    fn lock(&self) -> MutexGuard<'_, Open> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Entered {
    /// Comes back when the device has connected once more.
    pub async fn replaced(&self) {
        self.replaced.notified().await;
    }
}

impl Drop for Entered {
    fn drop(&mut self) {
        let mut open = self.streams.lock();
        if open.links.get(&self.credential).is_some_and(|(id, _)| *id == self.id) {
            open.links.remove(&self.credential);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_newer_connection_counts_and_an_answer_is_taken_once() {
        let streams = Arc::new(Streams::default());
        let device = CredentialId::parse("a").expect("fits");
        let turn = |name| TurnId::parse(name).expect("fits");
        let first = streams.enter(&device);
        let second = streams.enter(&device);
        first.replaced().await;
        drop(first);
        assert_eq!(streams.lock().links.len(), 1, "the older one's end is not the newer one's");
        drop(second);
        assert!(streams.lock().links.is_empty());

        let now = Instant::now();
        let later = now + Duration::from_secs(9);
        assert!(!streams.may_follow(&device, &turn("u1"), now), "nothing was asked");
        streams.asked(&device, now + Duration::from_secs(8));
        assert!(streams.may_follow(&device, &turn("u1"), now));
        assert!(!streams.may_follow(&device, &turn("u2"), now), "one answer to one question");
        assert!(streams.may_follow(&device, &turn("u1"), later), "sent again after the link was lost");
        assert!(!streams.may_follow(&device, &turn("u1"), now + Duration::from_secs(200)));
        streams.asked(&device, now + Duration::from_secs(8));
        assert!(!streams.may_follow(&device, &turn("u3"), later), "too late");

        streams.ended(&device, &turn("u1"), (Over::Pause, 320), now);
        assert_eq!(streams.end_of(&device, &turn("u1"), later), Some((Over::Pause, 320)));
        assert_eq!(streams.end_of(&device, &turn("u2"), later), None, "another one");
        assert_eq!(streams.end_of(&device, &turn("u1"), now + AGAIN), None, "long ago");
    }
}
