//! The admission system's messages, from the moment they come to the moment they count.
//!
//! Invariants: a message is kept before its answer is given; messages count in the order in which they came; an answer never waits
//! for what a message changes longer than [`PATIENCE`], because it says that the message is kept, and no more.

use std::{sync::Arc, time::Duration};

use jiff::{SignedDuration, Timestamp};
use tokio::sync::Mutex;

use super::adt::{Code, Customs, Reading, Unreadable, acknowledge, decide, parse, refuse};
use crate::{
    ambient::Ambient,
    store::{Store, StoreError, WaitingMessage},
};

/// How long an answer waits for its message to count.
const PATIENCE: Duration = Duration::from_secs(2);
/// How often a decision is made again because something changed meanwhile.
const AGAIN: usize = 5;

/// Takes messages in and works them off.
#[derive(Clone)]
pub struct Admissions {
    store: Store,
    customs: Customs,
    /// Whoever works messages off, so that they count in order.
    turn: Arc<Mutex<()>>,
}

impl Admissions {
    /// For messages of a hospital with these customs.
    #[must_use]
    pub fn new(store: Store, customs: Customs) -> Self {
        Self { store, customs, turn: Arc::default() }
    }

    /// Takes a message and gives the answers to it: one, whatever comes, unless the sender asked for none or for two.
    pub async fn receive(&self, raw: &[u8], ambient: &Ambient) -> Vec<Vec<u8>> {
        let at = ambient.now();
        match parse(raw, &self.customs, at) {
            Ok(Reading { header, .. }) => {
                match self.store.keep_message(raw, header.name(), header.trigger(), None, at).await {
                    Ok(kept) => {
                        let _ = tokio::time::timeout(PATIENCE, self.work_off(ambient)).await;
                        acknowledge(&header, &kept.id, at)
                    }
                    Err(error) => {
                        tracing::error!(%error, "a message of the admission system could not be kept; it was refused, to be sent again");
                        refuse(&header, Code::Internal, "it could not be kept; send it again", "", at)
                    }
                }
            }
            Err(Unreadable { header, code, what }) => {
                let kept = self.store.keep_message(raw, header.name(), header.trigger(), Some(what), at).await;
                match kept {
                    Ok(kept) => refuse(&header, code, what, &kept.id, at),
                    Err(error) => {
                        tracing::error!(%error, "a message of the admission system that cannot be read could not be kept either");
                        refuse(&header, code, what, "", at)
                    }
                }
            }
        }
    }

    /// Works off what waits, oldest first. Gives how many messages; stops at the first that cannot be worked off now.
    ///
    /// # Errors
    /// When the database or a key fails.
    pub async fn work_off(&self, ambient: &Ambient) -> Result<usize, StoreError> {
        let _turn = self.turn.lock().await;
        let mut done = 0;
        while let Some(message) = self.store.next_message().await? {
            if let Err(error) = self.settle(&message, ambient).await {
                tracing::error!(%error, message = message.id, "a message of the admission system does not count yet");
                self.store.message_failed(&message.id, ambient.now()).await?;
                return Err(error);
            }
            done += 1;
        }
        self.store.finish_stays(ambient.now()).await?;
        Ok(done)
    }

    async fn settle(&self, message: &WaitingMessage, ambient: &Ambient) -> Result<(), StoreError> {
        let event = match parse(&message.raw, &self.customs, message.received) {
            Ok(Reading { event: Some(event), .. }) => event,
            // Read before, so there is nothing else it can be.
            Ok(_) | Err(_) => return self.store.message_ignored(&message.id, ambient.now()).await,
        };
        for _ in 0..AGAIN {
            let at = ambient.now();
            let (known, world) = self.store.ward(&event, at).await?;
            let decided = decide(&event, &known, &world);
            if self.store.settle_message(&message.id, &event, &known, &decided, at).await? {
                tracing::info!(
                    message = message.id,
                    kind = event.trigger.code(),
                    beds = decided.lie.len(),
                    "who lies where"
                );
                return Ok(());
            }
        }
        Err(StoreError::Locked)
    }

    /// Deletes messages that are settled for longer than that.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn forget(&self, keep: SignedDuration, now: Timestamp) -> Result<i64, StoreError> {
        self.store.forget_messages(keep, now).await
    }
}
