//! People who were let in from the waiting list, and of whom nothing is known but what they say themselves.
//!
//! Invariants: one person an address; who they are, they say themselves for as long as nothing is connected, and no longer;
//! their address is kept as a keyed hash alone.

use jiff::{SignedDuration, Timestamp};
use sqlx::Row;

use super::{
    Store,
    credentials::Grant,
    error::StoreError,
    job::{JobError, Refusal, Step},
    keys::KeyOwner,
    people::person_id,
};
use crate::{
    mail::{Address, Letter},
    policy::{JournalEntry, PersonId, Surface},
    records::Profile,
};

/// How soon another link can be had.
const NEXT_LINK: SignedDuration = SignedDuration::from_mins(10);
/// How long a link back to one's own page works, in minutes.
const BACK_MINUTES: i64 = 60;

/// A one-time link to the page of somebody's own.
pub(super) fn page_of(person: &PersonId, label: &str, expires: Timestamp) -> Grant {
    let person = Some(person.clone());
    Grant { surface: Surface::Chat, person, label: label.to_owned(), one_time: true, expires }
}

impl Store {
    /// The statements that make somebody known of whom nothing is; their key is there. They have agreed to nothing.
    pub(super) fn guest_steps(&self, person: &PersonId, waiting: &str, at: Timestamp) -> Result<Vec<Step>, StoreError> {
        let mut steps = self.newcomer_steps(person, None, at)?;
        let owner = self.inner.keys.name(&KeyOwner::Person(person.clone()));
        let guest = "INSERT INTO guest (owner, address, asked) VALUES ($1, $2, $3)";
        let values = vec![owner.into(), waiting.into(), at.as_microsecond().into()];
        steps.push(Step::new(guest, values).or_duplicate(Refusal::Repeated));
        Ok(steps)
    }

    /// Who was let in from that row of the waiting list; nobody whose key was destroyed.
    pub(super) async fn guest_of(&self, waiting: &str) -> Result<Option<PersonId>, StoreError> {
        let who =
            "SELECT p.id AS id, p.owner AS owner FROM guest g JOIN person p ON p.owner = g.owner WHERE g.address = $1";
        let Some(row) = self.inner.database.ask_one(who, &[waiting.into()]).await? else { return Ok(None) };
        let there = self.inner.keys.has(&row.try_get::<String, _>("owner")?);
        there.then(|| person_id(&row.try_get::<String, _>("id")?)).transpose()
    }

    /// Somebody who is in asks from their address again: a link to their own page goes there. Nothing happens where one
    /// was sent a moment ago.
    pub(super) async fn finds_back(
        &self,
        person: &PersonId,
        address: &Address,
        secret: &str,
        entry: &JournalEntry,
    ) -> Result<(), StoreError> {
        let owner = KeyOwner::Person(person.clone());
        let name = self.inner.keys.name(&owner);
        let ask = "UPDATE guest SET asked = $2 WHERE owner = $1 AND asked <= $3";
        let at = entry.at;
        let values = vec![name.into(), at.as_microsecond().into(), (at - NEXT_LINK).as_microsecond().into()];
        let expires = at.checked_add(SignedDuration::from_mins(BACK_MINUTES)).unwrap_or(Timestamp::MAX);
        let grant = page_of(person, "asked for by e-mail", expires);
        let (credential, issued) = self.admission(&self.credential_id(secret)?, &grant, at)?;
        let letter = Letter::Back { secret: secret.to_owned(), minutes: BACK_MINUTES };
        let steps = vec![
            Step::new(ask, values).or_nothing(Refusal::Repeated),
            credential,
            self.letter_step(&owner, address, &letter, at)?,
        ];
        let asked = JournalEntry { subject: Some(person.clone()), ..entry.clone() };
        match self.inner.writer.submit(steps, vec![self.draft(&asked, None)?, issued]).await {
            Ok(_) | Err(JobError::Refused(_)) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// Whether somebody says themselves who they are: they were let in from the waiting list, and nothing is connected.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn names_themselves(&self, person: &PersonId) -> Result<bool, StoreError> {
        let free = "SELECT owner FROM guest WHERE owner = $1 \
            AND NOT EXISTS (SELECT 1 FROM connection WHERE connection.owner = guest.owner)";
        let owner = self.inner.keys.name(&KeyOwner::Person(person.clone()));
        Ok(self.inner.database.ask_one(free, &[owner.into()]).await?.is_some())
    }

    /// Keeps what somebody says that they are called and when they were born; `entry` is the audit row that tells of it.
    /// False where that is not theirs to say, or no longer.
    ///
    /// # Errors
    /// When the database or the person's key fails. Nothing was changed.
    pub async fn name_themselves(
        &self,
        person: &PersonId,
        profile: &Profile,
        entry: &JournalEntry,
    ) -> Result<bool, StoreError> {
        let owner = KeyOwner::Person(person.clone());
        let free = "UPDATE guest SET asked = asked WHERE owner = $1 \
            AND NOT EXISTS (SELECT 1 FROM connection WHERE connection.owner = guest.owner)";
        let free = Step::new(free, vec![self.inner.keys.name(&owner).into()]).or_nothing(Refusal::NotThere);
        let steps = vec![free, self.name_step(&owner, profile)?];
        match self.inner.writer.submit(steps, vec![self.draft(entry, None)?]).await {
            Ok(_) => Ok(true),
            Err(JobError::Refused(_)) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }
}
