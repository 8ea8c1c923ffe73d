//! Looking after keys: a new master key, and the end of a person's or a stay's key.
//!
//! Invariant: each is in the audit chain before it happens, and once more when it has.

use jiff::Timestamp;
use sqlx::Row;

use super::{
    Store,
    error::StoreError,
    job::Step,
    keys::{KeyOwner, KeyStatus, Rotated},
};
use crate::policy::{EntryId, Event, JournalEntry, PersonId, StayId};

/// Keys for measuring that are made at once; a key service takes no thousand in one request.
const TOGETHER: usize = 250;

impl Store {
    /// What there is to say about the keys without saying any of them. Reads every file of the key store.
    ///
    /// # Errors
    /// When the key store cannot be read.
    pub async fn key_status(&self) -> Result<KeyStatus, StoreError> {
        let store = self.clone();
        let looked = tokio::task::spawn_blocking(move || store.inner.keys.status());
        Ok(looked.await.map_err(|_| StoreError::Closed)??)
    }

    /// Puts a new master key in the place of the old one, while this and other processes go on; audited. Killed at
    /// any point, the same call goes on where it was. `progress` gets how many of how many keys are done.
    ///
    /// # Errors
    /// When another rotation runs, a key does not open, or the key store, the key service or the database fails.
    /// Everything stays readable with both master keys then.
    pub async fn rotate_keys(
        &self,
        by: &str,
        at: Timestamp,
        progress: impl Fn(u64, u64) + Send + Sync + 'static,
    ) -> Result<Rotated, StoreError> {
        let opened = self.note("rotating", by, None, None, at, vec![]).await?;
        let store = self.clone();
        let rotated = tokio::task::spawn_blocking(move || store.inner.keys.rotate(&progress));
        let rotated = rotated.await.map_err(|_| StoreError::Closed)??;
        self.note("rotated", by, None, Some(opened), at, vec![]).await?;
        Ok(rotated)
    }

    /// Makes keys of this many people who are not there, for measuring. `progress` gets how many are made.
    ///
    /// # Errors
    /// When the key store or the key service fails.
    pub async fn make_keys(
        &self,
        people: u64,
        progress: impl Fn(u64) + Send + Sync + 'static,
    ) -> Result<(), StoreError> {
        let store = self.clone();
        let making = tokio::task::spawn_blocking(move || {
            let all: Vec<u64> = (0..people).collect();
            for lot in all.chunks(TOGETHER) {
                let mut names = Vec::with_capacity(lot.len());
                for n in lot {
                    let person = PersonId::parse(&format!("measured-{n}")).map_err(|_| StoreError::UnknownPerson)?;
                    names.push(store.inner.keys.name(&KeyOwner::Person(person)));
                }
                store.inner.keys.make_many(&names)?;
                progress(lot.last().map_or(0, |n| n + 1));
            }
            Ok(())
        });
        making.await.map_err(|_| StoreError::Closed)?
    }

    /// Destroys a person's key: everything about them becomes unreadable, here and in every backup of the database.
    /// The room they lie in forgets them too, and organizations whose records they connected are told to take their tokens back
    /// (`revocation`). Audited. False when there is no such key.
    ///
    /// # Errors
    /// [`StoreError::Held`] under a legal hold, or when the database or the key store fails; nothing was destroyed then.
    pub async fn destroy_person(&self, person: &PersonId, by: &str, at: Timestamp) -> Result<bool, StoreError> {
        let occupant = self.inner.keys.root().hash("occupant", &[person.as_str().as_bytes()]);
        let name = self.inner.keys.name(&KeyOwner::Person(person.clone()));
        let there = "SELECT owner FROM room WHERE occupant = $1 UNION SELECT owner FROM hold_stay WHERE subject = $2";
        let stays: Vec<String> = self
            .inner
            .database
            .ask(there, &[occupant.into(), name.as_str().into()])
            .await?
            .iter()
            .map(|row| row.try_get("owner"))
            .collect::<Result<_, _>>()?;
        let tokens = self.all_to_revoke(person, at).await?;
        let (ids, more): (Vec<String>, Vec<Step>) = tokens.into_iter().map(|one| (one.id, one.step)).unzip();
        let steps = std::iter::once(self.unless_held(person)).chain(more).collect();
        let done = self.destroy(&name, stays, steps, by, at).await;
        if !matches!(done, Ok(true)) && self.inner.keys.has(&name) {
            ids.iter().for_each(|id| self.not_to_revoke(id));
        }
        done
    }

    /// Destroys a stay's key: everything said during it becomes unreadable. Audited. False when there is no such key.
    ///
    /// # Errors
    /// [`StoreError::Held`] under a legal hold, or when the database or the key store fails; nothing was destroyed then.
    pub async fn destroy_stay(&self, stay: &StayId, by: &str, at: Timestamp) -> Result<bool, StoreError> {
        let name = self.inner.keys.name(&KeyOwner::Stay(stay.clone()));
        self.destroy(&name, vec![name.clone()], vec![Self::unless_held_owner(&name)], by, at).await
    }

    /// `stays` are the names of the stays' keys that end with it; their rows go in the commit that announces it, with `steps`.
    async fn destroy(
        &self,
        name: &str,
        stays: Vec<String>,
        mut steps: Vec<Step>,
        by: &str,
        at: Timestamp,
    ) -> Result<bool, StoreError> {
        let keys = &self.inner.keys;
        if !keys.has(name) && !stays.iter().any(|stay| keys.has(stay)) {
            return Ok(false);
        }
        // What nobody could open any more, and what must not be told or sent any more.
        for sql in [
            "DELETE FROM pattern WHERE owner = $1",
            "DELETE FROM outbox WHERE owner = $1",
            "DELETE FROM notice WHERE owner = $1",
            "DELETE FROM watch WHERE owner = $1",
            "DELETE FROM mailbox WHERE owner = $1",
            "DELETE FROM waiting WHERE id IN (SELECT address FROM guest WHERE owner = $1)",
            "DELETE FROM guest WHERE owner = $1",
            "DELETE FROM connection WHERE owner = $1",
            "DELETE FROM connected WHERE owner = $1",
            "DELETE FROM connecting WHERE owner = $1",
            "DELETE FROM pairing WHERE owner = $1",
        ] {
            steps.push(Step::new(sql, vec![name.into()]));
        }
        for stay in &stays {
            for sql in [
                "DELETE FROM session WHERE owner = $1",
                "DELETE FROM turn WHERE owner = $1",
                "DELETE FROM hold_stay WHERE owner = $1",
                "DELETE FROM room WHERE owner = $1",
            ] {
                steps.push(Step::new(sql, vec![stay.as_str().into()]));
            }
        }
        let opened = self.note("destroying", by, Some(name), None, at, steps).await?;
        for stay in &stays {
            keys.destroy(stay)?;
        }
        keys.destroy(name)?;
        self.note("destroyed", by, Some(name), Some(opened), at, vec![]).await?;
        Ok(true)
    }

    async fn note(
        &self,
        outcome: &'static str,
        by: &str,
        key: Option<&str>,
        closes: Option<EntryId>,
        at: Timestamp,
        steps: Vec<Step>,
    ) -> Result<EntryId, StoreError> {
        let entry = JournalEntry {
            event: Event::Keys,
            subject: None,
            actor: None,
            intent: None,
            channel: "staff",
            session: None,
            turn: None,
            closes,
            outcome: Some(outcome),
            at,
        };
        let draft = self.draft_about(&entry, Some(by), key)?;
        let ids = self.inner.writer.submit(steps, vec![draft]).await?;
        ids.first().copied().ok_or(StoreError::Closed)
    }
}
