//! What a person agreed to, version by version, and the PIN that shows who they are.
//!
//! Invariants: a try at a PIN is counted, durably, before it is looked at, so neither a crash nor many tries at once
//! give a guess for nothing; what was agreed to is replaced and never rewritten, each version beside the last.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sqlx::Row;
use zeroize::Zeroizing;

use super::{
    Place, Store,
    error::StoreError,
    job::{JobError, Refusal, Step},
    keys::KeyOwner,
};
use crate::{
    actions::Conflict,
    policy::{
        Agreed, Agreements, CredentialId, JournalEntry, PersonId, Scope,
        lockout::{Counted, Failures, Gate},
    },
};

/// How a try at a PIN ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PinTried {
    /// It is the person's.
    Fits,
    /// It is not.
    Wrong,
    /// These digits can be no PIN; not counted.
    NoPin,
    /// The person has none.
    NoneSet,
    /// There were too many wrong ones; not before this.
    Locked(Timestamp),
    /// There were far too many: not before it is set anew.
    Shut,
}

/// One version of what a person agreed to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConsentVersion {
    /// Which, from 1.
    pub number: u64,
    /// All that was agreed to from then on.
    pub uses: Agreements,
    /// The channel it was said on.
    pub channel: String,
    /// Since when.
    pub at: Timestamp,
}

/// What of a version is sealed.
#[derive(Serialize, Deserialize)]
struct SealedVersion {
    /// As it was written before purposes were told apart.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    scopes: Vec<Scope>,
    #[serde(default)]
    uses: Option<Agreements>,
    channel: String,
    at: Timestamp,
}

fn version(column: i64) -> u64 {
    column.try_into().unwrap_or_default()
}

/// Tries at counting a try while others count theirs.
const TRIES: usize = 8;

impl Store {
    /// Which parts of their record a person lets the assistant answer with; none for somebody unknown.
    ///
    /// # Errors
    /// When the database or the person's key fails.
    pub async fn consent(&self, person: &PersonId) -> Result<Vec<Scope>, StoreError> {
        Ok(self.agreed(person).await?.uses.answer())
    }

    /// Whether what a person says may be counted to improve understanding; no for somebody unknown.
    ///
    /// # Errors
    /// When the database or the person's key fails.
    pub async fn improves(&self, person: &PersonId) -> Result<bool, StoreError> {
        Ok(self.agreed(person).await?.uses.improve())
    }

    /// All that a person agrees to now; nothing for somebody unknown.
    ///
    /// # Errors
    /// When the database or the person's key fails.
    pub async fn agreed(&self, person: &PersonId) -> Result<Agreed, StoreError> {
        let Some(row) = self.person_row(person).await? else { return Ok(Agreed::default()) };
        let (owner, sealed): (String, Vec<u8>) = (row.try_get("owner")?, row.try_get("consent")?);
        self.agreed_of(person.as_str(), &owner, &sealed, row.try_get("agreed")?)
    }

    pub(super) fn agreed_of(
        &self,
        person: &str,
        owner: &str,
        sealed: &[u8],
        agreed: i64,
    ) -> Result<Agreed, StoreError> {
        let plain = self.unseal(Place { table: "person", column: "consent", row: person, owner }, sealed)?;
        let text = std::str::from_utf8(&plain).map_err(|_| StoreError::Damaged("person.consent".into()))?;
        Ok(Agreed { uses: Agreements::read(text), version: version(agreed) })
    }

    /// Replaces what a person agreed to, where `seen` is still the version that is there; with `None`, whichever is.
    /// `entry` is the audit row that tells of it.
    ///
    /// # Errors
    /// When nobody of that id is known, another version was made in between ([`StoreError::Outdated`]), or the
    /// database or the key fails.
    pub async fn set_consent(
        &self,
        person: &PersonId,
        uses: &Agreements,
        seen: Option<u64>,
        entry: &JournalEntry,
    ) -> Result<(), StoreError> {
        let Some(row) = self.person_row(person).await? else { return Err(StoreError::UnknownPerson) };
        let current = version(row.try_get("agreed")?);
        let steps = self.consent_steps(person, uses, seen.ok_or(current), entry.channel, entry.at)?;
        let draft = self.draft(entry, None)?;
        match self.inner.writer.submit(steps, vec![draft]).await {
            Err(JobError::Refused(Refusal::Conflict(_))) => Err(StoreError::Outdated),
            done => Ok(done.map(drop)?),
        }
    }

    /// `seen` is the version that must still be there, or, as an error, the one that happens to be.
    pub(super) fn consent_steps(
        &self,
        person: &PersonId,
        uses: &Agreements,
        seen: Result<u64, u64>,
        channel: &str,
        at: Timestamp,
    ) -> Result<Vec<Step>, StoreError> {
        let owner = KeyOwner::Person(person.clone());
        let (_, sealed) = self.seal(&owner, "person", "consent", person.as_str(), uses.written().as_bytes())?;
        let (Ok(before) | Err(before)) = seen;
        let seen = seen.map_or(-1, |seen| i64::try_from(seen).unwrap_or(i64::MAX));
        let mut steps = vec![
            Step::new(
                "UPDATE person SET consent = $2, agreed = agreed + 1 WHERE id = $1 AND ($3 < 0 OR agreed = $3)",
                vec![person.as_str().into(), sealed.into(), seen.into()],
            )
            .or_nothing(Refusal::Conflict(Conflict::AgreementChanged)),
            self.version_step(person, uses, before + 1, channel, at)?,
        ];
        if !uses.improve() {
            steps.push(self.patterns_end(person));
        }
        Ok(steps)
    }

    /// The statement that keeps a version of what somebody agreed to.
    pub(super) fn version_step(
        &self,
        person: &PersonId,
        uses: &Agreements,
        number: u64,
        channel: &str,
        at: Timestamp,
    ) -> Result<Step, StoreError> {
        // In order where two are of the same moment.
        let id = format!("{number:08}-{}", hex::encode(self.random::<8>()?));
        let version = SealedVersion { scopes: vec![], uses: Some(uses.clone()), channel: channel.to_owned(), at };
        let plain = serde_json::to_vec(&version).unwrap_or_default();
        let (owner, sealed) = self.seal(&KeyOwner::Person(person.clone()), "consent", "sealed", &id, &plain)?;
        Ok(Step::new(
            "INSERT INTO consent (id, at, owner, sealed) VALUES ($1, $2, $3, $4)",
            vec![id.into(), at.as_microsecond().into(), owner.into(), sealed.into()],
        ))
    }

    /// Every version of what a person agreed to, oldest first.
    ///
    /// # Errors
    /// When the database or the person's key fails.
    pub async fn consent_versions(&self, person: &PersonId) -> Result<Vec<ConsentVersion>, StoreError> {
        let owner = self.inner.keys.name(&KeyOwner::Person(person.clone()));
        let all = "SELECT id, sealed FROM consent WHERE owner = $1 ORDER BY at, id";
        let rows = self.inner.database.ask(all, &[owner.as_str().into()]).await?;
        let versions = rows.into_iter().zip(1..).map(|(row, number)| {
            let (id, sealed): (String, Vec<u8>) = (row.try_get("id")?, row.try_get("sealed")?);
            let place = Place { table: "consent", column: "sealed", row: &id, owner: &owner };
            let plain = self.unseal(place, &sealed)?;
            let told: SealedVersion =
                serde_json::from_slice(&plain).map_err(|_| StoreError::Damaged("consent.sealed".into()))?;
            let uses = told.uses.unwrap_or_else(|| Agreements::to_answer(&told.scopes));
            Ok(ConsentVersion { number, uses, channel: told.channel, at: told.at })
        });
        versions.collect()
    }

    /// Tries a PIN on a device. Takes some 20 ms of one core, off the async threads. `entry` is filled with how it
    /// ended and audited.
    ///
    /// # Errors
    /// When nobody of that id is known, or the database or the key fails.
    pub async fn try_pin(
        &self,
        person: &PersonId,
        pin: &str,
        entry: &JournalEntry,
        now: Timestamp,
    ) -> Result<PinTried, StoreError> {
        let row = self.person_row(person).await?.ok_or(StoreError::UnknownPerson)?;
        let Some(sealed) = row.try_get::<Option<Vec<u8>>, _>("pin")? else { return Ok(PinTried::NoneSet) };
        if !(4..=12).contains(&pin.len()) {
            return Ok(PinTried::NoPin);
        }
        let owner: String = row.try_get("owner")?;
        let place = Place { table: "person", column: "pin", row: person.as_str(), owner: &owner };
        let plain = self.unseal(place, &sealed)?;
        let hash = String::from_utf8(plain.to_vec()).map_err(|_| StoreError::Damaged("person.pin".into()))?;
        let device = entry.actor.as_ref();
        match self.counted_try(self.person_failures(person), device, now).await? {
            Gate::Open => {}
            Gate::Until(until) => return self.ended(entry, "pin_locked", PinTried::Locked(until), vec![]).await,
            Gate::Shut => return self.ended(entry, "pin_shut", PinTried::Shut, vec![]).await,
        }
        let (store, pin) = (self.clone(), Zeroizing::new(pin.to_owned()));
        let fits = tokio::task::spawn_blocking(move || store.inner.keys.root().pin_fits(&pin, &hash));
        if fits.await.map_err(|_| StoreError::Closed)?? {
            let mut steps = vec![self.failures_end(person)];
            steps.extend(device.map(|device| self.one_failure_less(device)));
            return self.ended(entry, "pin_right", PinTried::Fits, steps).await;
        }
        self.ended(entry, "pin_wrong", PinTried::Wrong, vec![]).await
    }

    /// Tries a PIN for a name that is nobody's on a device. It never fits; but it is counted, takes as long, and ends
    /// like a wrong PIN of somebody, so that trying names tells nothing.
    ///
    /// # Errors
    /// When the database or the key fails.
    pub async fn try_pin_of_nobody(
        &self,
        name: &str,
        pin: &str,
        entry: &JournalEntry,
        now: Timestamp,
    ) -> Result<PinTried, StoreError> {
        if !(4..=12).contains(&pin.len()) {
            return Ok(PinTried::NoPin);
        }
        let device = entry.actor.as_ref();
        let on = device.map_or("", CredentialId::as_str);
        let id = self.inner.keys.root().hash("pin of a name", &[on.as_bytes(), name.as_bytes()]);
        match self.counted_try(id, device, now).await? {
            Gate::Open => {}
            Gate::Until(until) => return self.ended(entry, "pin_locked", PinTried::Locked(until), vec![]).await,
            Gate::Shut => return self.ended(entry, "pin_shut", PinTried::Shut, vec![]).await,
        }
        let (store, pin) = (self.clone(), Zeroizing::new(pin.to_owned()));
        let as_long = move || store.inner.keys.root().pin_hash(&pin, store.inner.keys.entropy());
        tokio::task::spawn_blocking(as_long).await.map_err(|_| StoreError::Closed)??;
        self.ended(entry, "pin_wrong", PinTried::Wrong, vec![]).await
    }

    /// One failure less for people of the same name, for whom a PIN was tried that turned out to be another's, and for
    /// the device.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn pardon(&self, people: &[PersonId], device: &CredentialId) -> Result<(), StoreError> {
        let less = |id: String| {
            Step::new("UPDATE attempt SET failed = failed - 1 WHERE id = $1 AND failed > 0", vec![id.into()])
        };
        let steps =
            people.iter().flat_map(|person| [less(self.person_failures(person)), self.one_failure_less(device)]);
        self.inner.writer.submit(steps.collect(), vec![]).await?;
        Ok(())
    }

    /// Sets a PIN, where it is known that it may be one. Whoever has one must know it, and a wrong one is a try at it.
    /// [`PinTried::Fits`]: the new one counts from now on. Takes some 20 ms of one core, off the async threads.
    ///
    /// # Errors
    /// When nobody of that id is known, or the database or the key fails.
    pub async fn set_pin(
        &self,
        person: &PersonId,
        current: Option<&str>,
        new: &str,
        entry: &JournalEntry,
        now: Timestamp,
    ) -> Result<PinTried, StoreError> {
        let row = self.person_row(person).await?.ok_or(StoreError::UnknownPerson)?;
        let before = row.try_get::<Option<Vec<u8>>, _>("pin")?;
        match (&before, current) {
            (Some(_), None) => return Ok(PinTried::Wrong),
            (Some(_), Some(current)) => match self.try_pin(person, current, entry, now).await? {
                PinTried::Fits => {}
                other => return Ok(other),
            },
            (None, _) => {}
        }
        let (store, new) = (self.clone(), Zeroizing::new(new.to_owned()));
        let hashing = move || store.inner.keys.root().pin_hash(&new, store.inner.keys.entropy());
        let hash = tokio::task::spawn_blocking(hashing).await.map_err(|_| StoreError::Closed)??;
        let owner = KeyOwner::Person(person.clone());
        let (_, sealed) = self.seal(&owner, "person", "pin", person.as_str(), hash.as_bytes())?;
        // Two pages at once: the one that knew the PIN as it was.
        let set = match before {
            Some(before) => Step::new(
                "UPDATE person SET pin = $2 WHERE id = $1 AND pin = $3",
                vec![person.as_str().into(), sealed.into(), before.into()],
            ),
            None => Step::new(
                "UPDATE person SET pin = $2 WHERE id = $1 AND pin IS NULL",
                vec![person.as_str().into(), sealed.into()],
            ),
        };
        let draft = self.draft(&JournalEntry { outcome: Some("pin_set"), ..entry.clone() }, None)?;
        let steps = vec![set.or_nothing(Refusal::NotThere), self.failures_end(person)];
        match self.inner.writer.submit(steps, vec![draft]).await {
            Ok(_) => Ok(PinTried::Fits),
            Err(JobError::Refused(_)) => Ok(PinTried::Wrong),
            Err(JobError::Store(error)) => Err(error),
        }
    }

    async fn ended(
        &self,
        entry: &JournalEntry,
        outcome: &'static str,
        tried: PinTried,
        steps: Vec<Step>,
    ) -> Result<PinTried, StoreError> {
        let draft = self.draft(&JournalEntry { outcome: Some(outcome), ..entry.clone() }, None)?;
        self.inner.writer.submit(steps, vec![draft]).await?;
        Ok(tried)
    }

    /// Counts one try for the person and the device, if both may try now.
    async fn counted_try(
        &self,
        person: String,
        device: Option<&CredentialId>,
        now: Timestamp,
    ) -> Result<Gate, StoreError> {
        let whom = std::iter::once((Counted::Person, person));
        self.counted_for(whom.chain(device.map(|device| self.device_try(device))).collect(), now).await
    }

    /// A device's tries, for whoever counts them.
    pub(super) fn device_try(&self, device: &CredentialId) -> (Counted, String) {
        (Counted::Device, self.device_failures(device))
    }

    /// Counts one try for each of these, if all of them may try now.
    pub(super) async fn counted_for(&self, whom: Vec<(Counted, String)>, now: Timestamp) -> Result<Gate, StoreError> {
        for _ in 0..TRIES {
            let mut steps = Vec::new();
            for (counted, id) in whom.clone() {
                let before = self.failures(&id).await?;
                let failures = before.unwrap_or(Failures { count: 0, last: now });
                match failures.gate(counted, now) {
                    Gate::Open => {}
                    closed => return Ok(closed),
                }
                let after = failures.more(counted, now);
                let seen = before.map_or(0, |b| b.count);
                steps.push(
                    Step::new(
                        "INSERT INTO attempt (id, failed, last) VALUES ($1, $2, $3) \
                         ON CONFLICT (id) DO UPDATE SET failed = excluded.failed, last = excluded.last \
                         WHERE attempt.failed = $4",
                        vec![
                            id.into(),
                            i64::from(after.count).into(),
                            now.as_microsecond().into(),
                            i64::from(seen).into(),
                        ],
                    )
                    .or_nothing(Refusal::NotThere),
                );
            }
            match self.inner.writer.submit(steps, vec![]).await {
                Ok(_) => return Ok(Gate::Open),
                // Somebody else counted in between: look again.
                Err(JobError::Refused(_)) => {}
                Err(JobError::Store(error)) => return Err(error),
            }
        }
        Err(StoreError::Locked)
    }

    async fn failures(&self, id: &str) -> Result<Option<Failures>, StoreError> {
        let row = self.inner.database.ask_one("SELECT failed, last FROM attempt WHERE id = $1", &[id.into()]).await?;
        let Some(row) = row else { return Ok(None) };
        let (failed, last): (i64, i64) = (row.try_get("failed")?, row.try_get("last")?);
        let last = Timestamp::from_microsecond(last).map_err(|_| StoreError::Damaged("attempt.last".into()))?;
        Ok(Some(Failures { count: u32::try_from(failed).unwrap_or(u32::MAX), last }))
    }

    /// The right PIN, or a new one, ends what was wrong before.
    pub(super) fn failures_end(&self, person: &PersonId) -> Step {
        Step::new("DELETE FROM attempt WHERE id = $1", vec![self.person_failures(person).into()])
    }

    /// A right PIN is no failure of the device, but no pardon for those before either.
    pub(super) fn one_failure_less(&self, device: &CredentialId) -> Step {
        let less = "UPDATE attempt SET failed = failed - 1 WHERE id = $1 AND failed > 0";
        Step::new(less, vec![self.device_failures(device).into()])
    }

    fn person_failures(&self, person: &PersonId) -> String {
        self.inner.keys.root().hash("pin of a person", &[person.as_str().as_bytes()])
    }

    fn device_failures(&self, device: &CredentialId) -> String {
        self.inner.keys.root().hash("pin on a device", &[device.as_str().as_bytes()])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_written_before_purposes_is_still_read() {
        let old = r#"{"scopes":["visits","records"],"channel":"home","at":"2026-11-21T10:00:00Z"}"#;
        let told: SealedVersion = serde_json::from_str(old).expect("reads");
        assert!(told.uses.is_none() && told.scopes == [Scope::Visits, Scope::Records]);
    }
}
