//! Connections on their way: those that are at an organization's own sign-in, and the codes that are said aloud so that
//! somebody can begin one on a page.
//!
//! Invariants: a state counts once, for ten minutes, in the browser that it began in, and only while the page that began it
//! is still signed in; a code counts once, for ten minutes, one a person, and a try at one is counted before it is looked
//! at. A code opens nobody's record: all it lets a page do is begin a connection.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use sqlx::Row;
use zeroize::Zeroizing;

use super::{
    Place, Store,
    error::StoreError,
    job::{JobError, Refusal, Step},
    keys::{KeyError, KeyOwner},
    people::person_id,
    secret::Secret,
};
use crate::policy::{CredentialId, JournalEntry, PersonId, lockout::Gate};

/// How long signing in at an organization may take.
pub const CONNECTING_LASTS: SignedDuration = SignedDuration::from_mins(10);
/// How long a code works.
pub const PAIRING_LASTS: SignedDuration = SignedDuration::from_mins(10);
/// How long a page that a code was typed into can begin connections.
pub const PAIRED_LASTS: SignedDuration = SignedDuration::from_mins(30);
/// Digits of a code.
pub const PAIRING_DIGITS: usize = 8;

/// A connection that is at an organization's own sign-in.
///
/// Not `Debug`: it holds the verifier.
#[derive(Clone, Serialize, Deserialize)]
pub struct Underway {
    /// Whose records they will be.
    person: String,
    /// The organization's id in the configuration.
    pub organization: String,
    /// Shown when the code is exchanged.
    pub verifier: Secret,
    /// Began on a page that a code was typed into, rather than one that somebody signed in to.
    pub by_code: bool,
    /// The page that began it.
    pub credential: String,
}

impl Underway {
    /// A connection that begins now.
    #[must_use]
    pub fn new(
        person: &PersonId,
        organization: &str,
        verifier: Zeroizing<String>,
        page: &CredentialId,
        by_code: bool,
    ) -> Self {
        Self {
            person: person.as_str().to_owned(),
            organization: organization.to_owned(),
            verifier: Secret(verifier),
            by_code,
            credential: page.as_str().to_owned(),
        }
    }

    /// Whose records they will be.
    ///
    /// # Errors
    /// When what is kept is damaged.
    pub fn person(&self) -> Result<PersonId, StoreError> {
        person_id(&self.person)
    }
}

/// How a try at a code ended.
pub enum Paired {
    /// The page may begin connections for that person; with what organization they named when the code was said.
    Fits(PersonId, Option<String>),
    /// It is nobody's.
    Wrong,
    /// There were too many wrong ones from there.
    Locked,
}

/// What of a code or a page is sealed.
#[derive(Serialize, Deserialize)]
struct Sealed {
    person: String,
    organization: Option<String>,
}

impl Store {
    /// Notes that a connection begins: `state` and `cookie` must come back together.
    ///
    /// # Errors
    /// When the database or the person's key fails.
    pub async fn connection_begins(
        &self,
        state: &str,
        cookie: &str,
        underway: &Underway,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let id = self.state_key(state);
        let plain = Zeroizing::new(serde_json::to_vec(underway).unwrap_or_default());
        let owner = KeyOwner::Person(underway.person()?);
        let (owner, sealed) = self.seal(&owner, "connecting", "sealed", &id, &plain)?;
        let steps = vec![
            Step::new("DELETE FROM connecting WHERE expires <= $1", vec![now.as_microsecond().into()]),
            Step::new(
                "INSERT INTO connecting (id, browser, credential, expires, owner, sealed) VALUES ($1, $2, $3, $4, $5, $6)",
                vec![
                    id.into(),
                    self.browser_key(cookie).into(),
                    underway.credential.as_str().into(),
                    (now + CONNECTING_LASTS).as_microsecond().into(),
                    owner.into(),
                    sealed.into(),
                ],
            ),
        ];
        self.inner.writer.submit(steps, vec![]).await?;
        Ok(())
    }

    /// Spends a state that came back; `None` where it was not begun in this browser in the last ten minutes, came back
    /// before, or the page that began it is no longer signed in.
    ///
    /// # Errors
    /// When the database or the person's key fails.
    pub async fn connection_came_back(
        &self,
        state: &str,
        cookie: &str,
        now: Timestamp,
    ) -> Result<Option<Underway>, StoreError> {
        let (id, browser) = (self.state_key(state), self.browser_key(cookie));
        let there = "SELECT owner, sealed FROM connecting WHERE id = $1 AND browser = $2 AND expires > $3";
        let values = [id.as_str().into(), browser.as_str().into(), now.as_microsecond().into()];
        let Some(row) = self.inner.database.ask_one(there, &values).await? else { return Ok(None) };
        let spent = Step::new(
            "DELETE FROM connecting WHERE id = $1 AND browser = $2 AND (\
             EXISTS (SELECT id FROM credential WHERE id = connecting.credential AND expires > $3) \
             OR EXISTS (SELECT id FROM pairing WHERE id = connecting.credential AND kind = 'page' AND expires > $3))",
            vec![id.as_str().into(), browser.into(), now.as_microsecond().into()],
        );
        match self.inner.writer.submit(vec![spent.or_nothing(Refusal::NotThere)], vec![]).await {
            Ok(_) => {}
            Err(JobError::Refused(_)) => return Ok(None),
            Err(JobError::Store(error)) => return Err(error),
        }
        let owner: String = row.try_get("owner")?;
        let place = Place { table: "connecting", column: "sealed", row: &id, owner: &owner };
        match self.unseal(place, &row.try_get::<Vec<u8>, _>("sealed")?) {
            Ok(plain) => {
                serde_json::from_slice(&plain).map(Some).map_err(|_| StoreError::Damaged("connecting.sealed".into()))
            }
            Err(StoreError::Key(error)) if matches!(*error, KeyError::Gone) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The statements that let a code be typed into a page; the one before it no longer works.
    pub(super) fn pairing_steps(
        &self,
        person: &PersonId,
        code: &str,
        organization: Option<&str>,
        at: Timestamp,
    ) -> Result<Vec<Step>, StoreError> {
        let whose = self.pairing_of(person);
        Ok(vec![
            Step::new("DELETE FROM pairing WHERE expires <= $1", vec![at.as_microsecond().into()]),
            Step::new("DELETE FROM pairing WHERE person = $1 AND kind = 'code'", vec![whose.into()]),
            self.pairing_step(&self.pairing_code(code), "code", person, organization, at + PAIRING_LASTS)?,
        ])
    }

    fn pairing_step(
        &self,
        id: &str,
        kind: &str,
        person: &PersonId,
        organization: Option<&str>,
        expires: Timestamp,
    ) -> Result<Step, StoreError> {
        let told = Sealed { person: person.as_str().to_owned(), organization: organization.map(str::to_owned) };
        let plain = serde_json::to_vec(&told).unwrap_or_default();
        let owner = KeyOwner::Person(person.clone());
        let (owner, sealed) = self.seal(&owner, "pairing", "sealed", id, &plain)?;
        let insert = "INSERT INTO pairing (id, kind, person, expires, owner, sealed) VALUES ($1, $2, $3, $4, $5, $6)";
        let values = vec![
            id.into(),
            kind.into(),
            self.pairing_of(person).into(),
            expires.as_microsecond().into(),
            owner.into(),
            sealed.into(),
        ];
        Ok(Step::new(insert, values).or_duplicate(Refusal::Repeated))
    }

    /// Tries a code that was typed into a page, from an address whose tries are counted; where it fits, `token` is what that
    /// page shows from then on. `entry` is filled with how it ended and audited.
    ///
    /// # Errors
    /// When the database or a key fails.
    pub async fn try_pairing(
        &self,
        digits: &str,
        token: &str,
        from: &str,
        entry: &JournalEntry,
    ) -> Result<Paired, StoreError> {
        if digits.len() != PAIRING_DIGITS || !digits.bytes().all(|b| b.is_ascii_digit()) {
            return Ok(Paired::Wrong);
        }
        let address = self.inner.keys.root().hash("page at an address", &[from.as_bytes()]);
        let address = CredentialId::parse(&address).map_err(|_| StoreError::Damaged("attempt".into()))?;
        match self.counted_for(vec![self.device_try(&address)], entry.at).await? {
            Gate::Open => {}
            Gate::Until(_) | Gate::Shut => return Ok(Paired::Locked),
        }
        let id = self.pairing_code(digits);
        let Some((person, organization)) = self.pairing(&id, "code", entry.at).await? else { return Ok(Paired::Wrong) };
        let page = self.credential_id(token)?;
        let steps = vec![
            Step::new("DELETE FROM pairing WHERE id = $1", vec![id.into()]).or_nothing(Refusal::NotThere),
            self.pairing_step(page.as_str(), "page", &person, organization.as_deref(), entry.at + PAIRED_LASTS)?,
            self.one_failure_less(&address),
        ];
        let entry =
            JournalEntry { subject: Some(person.clone()), actor: Some(page), outcome: Some("paired"), ..entry.clone() };
        let draft = self.draft(&entry, None)?;
        match self.inner.writer.submit(steps, vec![draft]).await {
            Ok(_) => Ok(Paired::Fits(person, organization)),
            Err(JobError::Refused(_)) => Ok(Paired::Wrong),
            Err(JobError::Store(error)) => Err(error),
        }
    }

    /// Whose connections a page may begin that a code was typed into, and the organization they named; `None` where none was,
    /// or too long ago.
    ///
    /// # Errors
    /// When the database or the person's key fails.
    pub async fn paired_page(
        &self,
        token: &str,
        now: Timestamp,
    ) -> Result<Option<(CredentialId, PersonId, Option<String>)>, StoreError> {
        let id = self.credential_id(token)?;
        let found = self.pairing(id.as_str(), "page", now).await?;
        Ok(found.map(|(person, organization)| (id, person, organization)))
    }

    async fn pairing(
        &self,
        id: &str,
        kind: &str,
        now: Timestamp,
    ) -> Result<Option<(PersonId, Option<String>)>, StoreError> {
        let live = "SELECT owner, sealed FROM pairing WHERE id = $1 AND kind = $2 AND expires > $3";
        let values = [id.into(), kind.into(), now.as_microsecond().into()];
        let Some(row) = self.inner.database.ask_one(live, &values).await? else { return Ok(None) };
        let owner: String = row.try_get("owner")?;
        let place = Place { table: "pairing", column: "sealed", row: id, owner: &owner };
        match self.unseal(place, &row.try_get::<Vec<u8>, _>("sealed")?) {
            Ok(plain) => {
                let told: Sealed =
                    serde_json::from_slice(&plain).map_err(|_| StoreError::Damaged("pairing.sealed".into()))?;
                Ok(Some((person_id(&told.person)?, told.organization)))
            }
            Err(StoreError::Key(error)) if matches!(*error, KeyError::Gone) => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn state_key(&self, state: &str) -> String {
        self.inner.keys.root().hash("state of a connection", &[state.as_bytes()])
    }

    fn browser_key(&self, cookie: &str) -> String {
        self.inner.keys.root().hash("browser of a connection", &[cookie.as_bytes()])
    }

    fn pairing_of(&self, person: &PersonId) -> String {
        self.inner.keys.root().hash("pairing of a person", &[person.as_str().as_bytes()])
    }

    fn pairing_code(&self, digits: &str) -> String {
        self.inner.keys.root().hash("pairing code", &[digits.as_bytes()])
    }
}
