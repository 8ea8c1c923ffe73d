//! Who wants to come in: they give an address, show that it is theirs, wait, and are let in by stages.
//!
//! Invariants: a try at a code is counted before it is looked at; nobody is enabled whose address was not confirmed, and
//! each once, in one commit with the person they become, the one-time link to that person's own page and the letter that
//! brings it; addresses are sealed.

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use sqlx::Row;

use super::{
    Place, Store,
    error::StoreError,
    guest::page_of,
    job::{JobError, Refusal, Step},
    keys::KeyOwner,
};
use crate::{
    mail::{Address, Letter},
    policy::{Event, JournalEntry, PersonId},
};

/// How long a code works.
const CODE_LASTS: SignedDuration = SignedDuration::from_hours(1);
/// How soon another code can be had.
const NEXT_CODE: SignedDuration = SignedDuration::from_mins(10);
/// Tries at one code.
const TRIES: i64 = 5;
/// How long the link works, in days.
const LINK_DAYS: i64 = 7;
/// How long an address is kept that nobody confirmed.
const UNCONFIRMED: SignedDuration = SignedDuration::from_hours(24);
/// How long one is kept after it was let in.
const ENABLED: SignedDuration = SignedDuration::from_hours(30 * 24);

/// Somebody who wants to come in. Not `Debug`: it holds an address.
#[derive(Clone, Serialize)]
pub struct Waiting {
    /// Its id, for [`Store::enable`].
    pub id: String,
    /// Their address.
    pub address: String,
    /// When they first asked, or asked for another code.
    pub asked: Timestamp,
    /// When they showed that the address is theirs.
    pub confirmed: Option<Timestamp>,
    /// When they were let in.
    pub enabled: Option<Timestamp>,
    /// Who they became.
    pub person: Option<String>,
    /// When the mail server refused a letter to them for good; whether one went out since is not known.
    pub refused: Option<Timestamp>,
}

impl Store {
    /// Notes that somebody at this address wants to come in, and has a code sent there. Where one was sent a moment ago, or
    /// the address is confirmed already, nothing happens; whoever is in already has `secret` sent there, as a link to their
    /// own page. Whoever asked learns nothing of any of that.
    ///
    /// # Errors
    /// When the database or a key fails.
    pub async fn wants_in(&self, address: &Address, code: &str, secret: &str, at: Timestamp) -> Result<(), StoreError> {
        let id = self.waiting_id(address);
        if let Some(person) = self.guest_of(&id).await? {
            return self.finds_back(&person, address, secret, &row("came_back", at)).await;
        }
        let (owner, sealed) = self.seal(&KeyOwner::House, "waiting", "sealed", &id, address.as_str().as_bytes())?;
        let ask = "INSERT INTO waiting (id, asked, code, tries, owner, sealed) VALUES ($1, $2, $3, 0, $4, $5) \
            ON CONFLICT (id) DO UPDATE SET asked = excluded.asked, code = excluded.code, tries = 0, refused = NULL \
            WHERE waiting.confirmed IS NULL AND waiting.asked <= $6";
        let values = vec![
            id.as_str().into(),
            at.as_microsecond().into(),
            self.waiting_code(&id, code).into(),
            owner.into(),
            sealed.into(),
            (at - NEXT_CODE).as_microsecond().into(),
        ];
        let letter = Letter::Confirm { code: code.to_owned() };
        let steps = vec![
            Step::new(ask, values).or_nothing(Refusal::Repeated),
            self.letter_step(&KeyOwner::House, address, &letter, at)?,
        ];
        let draft = self.draft(&row("joined", at), None)?;
        match self.inner.writer.submit(steps, vec![draft]).await {
            Ok(_) | Err(JobError::Refused(_)) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// Whether this code shows that the address is theirs; it then waits to be let in. Gives its place in the list, from 1.
    ///
    /// # Errors
    /// When the database or a key fails.
    pub async fn confirms(&self, address: &Address, code: &str, at: Timestamp) -> Result<Option<i64>, StoreError> {
        let id = self.waiting_id(address);
        let count = "UPDATE waiting SET tries = tries + 1 \
            WHERE id = $1 AND confirmed IS NULL AND tries < $2 AND asked > $3";
        let since = (at - CODE_LASTS).as_microsecond();
        let counted =
            Step::new(count, vec![id.as_str().into(), TRIES.into(), since.into()]).or_nothing(Refusal::NotThere);
        let confirm = "UPDATE waiting SET confirmed = $3, code = '' WHERE id = $1 AND code = $2 AND confirmed IS NULL";
        let code = self.waiting_code(&id, code);
        let confirmed = Step::new(confirm, vec![id.as_str().into(), code.into(), at.as_microsecond().into()]);
        // The try is durable whether or not it fits, so the two are two commits.
        for (step, draft) in [(counted, None), (confirmed.or_nothing(Refusal::NotThere), Some(row("confirmed", at)))] {
            let drafts = draft.iter().map(|row| self.draft(row, None)).collect::<Result<_, _>>()?;
            match self.inner.writer.submit(vec![step], drafts).await {
                Ok(_) => {}
                Err(JobError::Refused(_)) => return Ok(None),
                Err(error) => return Err(error.into()),
            }
        }
        self.place_of(&id).await
    }

    async fn place_of(&self, id: &str) -> Result<Option<i64>, StoreError> {
        let before = "SELECT CAST(COUNT(*) AS BIGINT) AS place FROM waiting w JOIN waiting mine ON mine.id = $1 \
            WHERE w.confirmed IS NOT NULL AND w.enabled IS NULL \
            AND (w.asked < mine.asked OR (w.asked = mine.asked AND w.id <= mine.id))";
        let row = self.inner.database.ask_one(before, &[id.into()]).await?;
        Ok(row.map(|row| row.try_get("place")).transpose()?)
    }

    /// The statement that notes that the mail server takes nothing for this address.
    pub(super) fn refused_step(&self, to: &Address, at: Timestamp) -> Step {
        let refused = "UPDATE waiting SET refused = $2 WHERE id = $1";
        Step::new(refused, vec![self.waiting_id(to).into(), at.as_microsecond().into()])
    }

    /// Everybody who wants to come in or lately did, in the order of their asking.
    ///
    /// # Errors
    /// When the database or a key fails.
    pub async fn waiting(&self) -> Result<Vec<Waiting>, StoreError> {
        let all = "SELECT w.id AS id, w.asked AS asked, w.confirmed AS confirmed, w.enabled AS enabled, w.refused AS refused, \
            w.owner AS owner, w.sealed AS sealed, p.id AS person FROM waiting w LEFT JOIN guest g ON g.address = w.id \
            LEFT JOIN person p ON p.owner = g.owner ORDER BY w.asked, w.id";
        let rows = self.inner.database.ask(all, &[]).await?;
        let waiting = rows.iter().map(|row| {
            let (id, owner): (String, String) = (row.try_get("id")?, row.try_get("owner")?);
            let place = Place { table: "waiting", column: "sealed", row: &id, owner: &owner };
            let plain = self.unseal(place, &row.try_get::<Vec<u8>, _>("sealed")?)?;
            let time =
                |micros: i64| Timestamp::from_microsecond(micros).map_err(|_| StoreError::Damaged("waiting".into()));
            Ok(Waiting {
                address: String::from_utf8_lossy(&plain).into_owned(),
                asked: time(row.try_get("asked")?)?,
                confirmed: row.try_get::<Option<i64>, _>("confirmed")?.map(time).transpose()?,
                enabled: row.try_get::<Option<i64>, _>("enabled")?.map(time).transpose()?,
                person: row.try_get("person")?,
                refused: row.try_get::<Option<i64>, _>("refused")?.map(time).transpose()?,
                id,
            })
        });
        waiting.collect()
    }

    /// Lets somebody in: they become a person of whom nothing is known, and a one-time link to their own page goes to them
    /// by e-mail. False where nobody of that id waits with a confirmed address. `by` is who decided it.
    ///
    /// # Errors
    /// When the database or a key fails; nobody was let in then.
    pub async fn enable(&self, id: &str, secret: &str, by: &str, at: Timestamp) -> Result<bool, StoreError> {
        let waiting = self.waiting().await?;
        let Some(one) = waiting.iter().find(|one| one.id == id) else { return Ok(false) };
        let damaged = || StoreError::Damaged("waiting.sealed".into());
        let address = Address::parse(&one.address).ok_or_else(damaged)?;
        let person = PersonId::fresh(at, self.random()?);
        let owner = KeyOwner::Person(person.clone());
        self.inner.keys.create(&owner)?;
        let done = self.comes_in(one, &address, &person, secret, by, at).await;
        if !matches!(done, Ok(true)) {
            // Nobody was made known, so nothing needs this key.
            let _ = self.inner.keys.destroy(&self.inner.keys.name(&owner));
        }
        done
    }

    async fn comes_in(
        &self,
        one: &Waiting,
        address: &Address,
        person: &PersonId,
        secret: &str,
        by: &str,
        at: Timestamp,
    ) -> Result<bool, StoreError> {
        let expires = at.checked_add(SignedDuration::from_hours(24 * LINK_DAYS)).unwrap_or(Timestamp::MAX);
        let grant = page_of(person, "let in from the waiting list", expires);
        let (credential, issued) = self.admission(&self.credential_id(secret)?, &grant, at)?;
        let enable = "UPDATE waiting SET enabled = $2 WHERE id = $1 AND confirmed IS NOT NULL AND enabled IS NULL";
        let values = vec![one.id.as_str().into(), at.as_microsecond().into()];
        let letter = Letter::Enabled { secret: secret.to_owned(), days: LINK_DAYS };
        let mut steps = vec![Step::new(enable, values).or_nothing(Refusal::NotThere)];
        steps.extend(self.guest_steps(person, &one.id, at)?);
        steps.extend([credential, self.letter_step(&KeyOwner::House, address, &letter, at)?]);
        let enabled = JournalEntry { subject: Some(person.clone()), ..row("enabled", at) };
        let drafts = vec![self.draft(&enabled, Some(by))?, issued];
        match self.inner.writer.submit(steps, drafts).await {
            Ok(_) => Ok(true),
            Err(JobError::Refused(_)) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// Deletes addresses that nobody confirmed within a day, and those that were let in a month ago; how many.
    ///
    /// # Errors
    /// When the database or a key fails.
    pub async fn forget_waiting(&self, now: Timestamp) -> Result<i64, StoreError> {
        const OLD: &str = "SELECT CAST(COUNT(*) AS BIGINT) AS old FROM waiting \
            WHERE (confirmed IS NULL AND asked < $1) OR enabled < $2";
        let limits = [(now - UNCONFIRMED).as_microsecond(), (now - ENABLED).as_microsecond()];
        let found = self.inner.database.ask_one(OLD, &limits.map(Into::into)).await?;
        let old: i64 = found.map(|row| row.try_get("old")).transpose()?.unwrap_or(0);
        if old > 0 {
            let go = "DELETE FROM waiting WHERE (confirmed IS NULL AND asked < $1) OR enabled < $2";
            let entry = JournalEntry { event: Event::Forgotten, channel: "retention", ..row("done", now) };
            let draft = self.draft(&entry, Some(&format!("{old} on the waiting list")))?;
            self.inner.writer.submit(vec![Step::new(go, limits.map(Into::into).to_vec())], vec![draft]).await?;
        }
        Ok(old)
    }

    fn waiting_id(&self, address: &Address) -> String {
        self.inner.keys.root().hash("waiting", &[address.as_str().as_bytes()])
    }

    fn waiting_code(&self, id: &str, code: &str) -> String {
        self.inner.keys.root().hash("waiting code", &[id.as_bytes(), code.as_bytes()])
    }
}

/// About nobody yet: whoever waits is no person of this system.
fn row(outcome: &'static str, at: Timestamp) -> JournalEntry {
    JournalEntry {
        event: Event::Credential,
        subject: None,
        actor: None,
        intent: None,
        channel: "web",
        session: None,
        turn: None,
        closes: None,
        outcome: Some(outcome),
        at,
    }
}
