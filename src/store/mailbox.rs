//! Where somebody wants a letter that there is news, and making it.
//!
//! Invariants: an address gets no such letter before a code that was sent there came back; a try at the code is counted before it is
//! looked at; of news there is one letter in a while, whatever there is; the letter and that it was made are one commit, so it is
//! made once and goes out for certain (`mail`). The address is sealed under the person's key.

use jiff::{SignedDuration, Timestamp, tz::TimeZone};
use serde::{Deserialize, Serialize};
use sqlx::Row;
use zeroize::Zeroizing;

use super::{
    Place, Store,
    error::StoreError,
    job::{JobError, Refusal, Step},
    keys::{KeyError, KeyOwner},
    people::person_id,
};
use crate::{
    mail::{Address, Letter},
    policy::{JournalEntry, PersonId},
};

/// How long a code works.
const CODE_LASTS: SignedDuration = SignedDuration::from_hours(1);
/// How soon another code can be had.
const NEXT_CODE: SignedDuration = SignedDuration::from_mins(10);
/// Tries at one code.
const TRIES: i64 = 5;
/// News waits this long for its person before a letter is made: they may be speaking just now.
const PATIENCE: SignedDuration = SignedDuration::from_mins(5);

/// Where somebody wants letters. Not `Debug`: it holds an address.
#[derive(Clone)]
pub struct Mailbox {
    /// The address.
    pub address: String,
    /// Whether the code that was sent there came back.
    pub confirmed: bool,
}

#[derive(Serialize, Deserialize)]
struct Sealed {
    person: String,
    address: String,
}

impl Store {
    /// Where a person wants letters; `None` where they never asked for any.
    ///
    /// # Errors
    /// When the database or the person's key fails.
    pub async fn mailbox(&self, person: &PersonId) -> Result<Option<Mailbox>, StoreError> {
        let owner = self.inner.keys.name(&KeyOwner::Person(person.clone()));
        let one = "SELECT confirmed, sealed FROM mailbox WHERE owner = $1";
        let Some(row) = self.inner.database.ask_one(one, &[owner.as_str().into()]).await? else { return Ok(None) };
        let sealed = self.opened_mailbox(&owner, &row.try_get::<Vec<u8>, _>("sealed")?)?;
        Ok(Some(Mailbox { address: sealed.address, confirmed: row.try_get::<Option<i64>, _>("confirmed")?.is_some() }))
    }

    /// Notes where somebody wants letters, and has a code sent there; what was there before no longer counts. False where a code
    /// was sent a moment ago.
    ///
    /// # Errors
    /// When the database or the person's key fails.
    pub async fn want_letters(
        &self,
        person: &PersonId,
        address: &Address,
        code: &str,
        entry: &JournalEntry,
    ) -> Result<bool, StoreError> {
        let owner = KeyOwner::Person(person.clone());
        let sealed = Sealed { person: person.as_str().to_owned(), address: address.as_str().to_owned() };
        let plain = Zeroizing::new(serde_json::to_vec(&sealed).unwrap_or_default());
        let (name, sealed) = self.seal(&owner, "mailbox", "sealed", "mailbox", &plain)?;
        let want = "INSERT INTO mailbox (owner, code, asked, tries, confirmed, written, sealed) \
            VALUES ($1, $2, $3, 0, NULL, NULL, $4) ON CONFLICT (owner) DO UPDATE SET code = excluded.code, \
            asked = excluded.asked, tries = 0, confirmed = NULL, sealed = excluded.sealed WHERE mailbox.asked <= $5";
        let values = vec![
            name.as_str().into(),
            self.mailbox_code(&name, code).into(),
            entry.at.as_microsecond().into(),
            sealed.into(),
            (entry.at - NEXT_CODE).as_microsecond().into(),
        ];
        let letter = Letter::Confirm { code: code.to_owned() };
        let steps = vec![
            Step::new(want, values).or_nothing(Refusal::Repeated),
            self.letter_step(&owner, address, &letter, entry.at)?,
        ];
        self.mailbox_changed(steps, Some(entry)).await
    }

    /// Whether this code shows that the address is theirs; letters come from then on.
    ///
    /// # Errors
    /// When the database or the person's key fails.
    pub async fn confirm_letters(
        &self,
        person: &PersonId,
        code: &str,
        entry: &JournalEntry,
    ) -> Result<bool, StoreError> {
        let owner = self.inner.keys.name(&KeyOwner::Person(person.clone()));
        let count =
            "UPDATE mailbox SET tries = tries + 1 WHERE owner = $1 AND confirmed IS NULL AND tries < $2 AND asked > $3";
        let since = (entry.at - CODE_LASTS).as_microsecond();
        let counted = Step::new(count, vec![owner.as_str().into(), TRIES.into(), since.into()]);
        // The try is durable whether or not it fits, so the two are two commits.
        if !self.mailbox_changed(vec![counted.or_nothing(Refusal::NotThere)], None).await? {
            return Ok(false);
        }
        let confirm =
            "UPDATE mailbox SET confirmed = $3, code = '' WHERE owner = $1 AND code = $2 AND confirmed IS NULL";
        let code = self.mailbox_code(&owner, code);
        let fits = Step::new(confirm, vec![owner.into(), code.into(), entry.at.as_microsecond().into()]);
        self.mailbox_changed(vec![fits.or_nothing(Refusal::NotThere)], Some(entry)).await
    }

    /// No more letters; the address is deleted. False where there was none.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn no_letters(&self, person: &PersonId, entry: &JournalEntry) -> Result<bool, StoreError> {
        let owner = self.inner.keys.name(&KeyOwner::Person(person.clone()));
        let gone = Step::new("DELETE FROM mailbox WHERE owner = $1", vec![owner.into()]);
        self.mailbox_changed(vec![gone.or_nothing(Refusal::NotThere)], Some(entry)).await
    }

    /// Makes a letter for everybody who wants one, has news that waits, and was written none for so long. None for news that
    /// they do not want to be told unasked, or not now. How many were made.
    ///
    /// # Errors
    /// When the database or a key fails.
    pub async fn write_letters(
        &self,
        pause: SignedDuration,
        zone: &TimeZone,
        now: Timestamp,
    ) -> Result<usize, StoreError> {
        let waiting = "SELECT owner, written, sealed FROM mailbox WHERE confirmed IS NOT NULL \
            AND (written IS NULL OR written <= $1) AND EXISTS (SELECT 1 FROM notice WHERE notice.owner = mailbox.owner \
            AND notice.told IS NULL AND notice.hinted IS NULL AND notice.created <= $2 \
            AND notice.created > COALESCE(mailbox.written, 0))";
        let (earlier, old) = ((now - pause).as_microsecond(), (now - PATIENCE).as_microsecond());
        let mut made = 0;
        for row in self.inner.database.ask(waiting, &[earlier.into(), old.into()]).await? {
            let owner: String = row.try_get("owner")?;
            let sealed = match self.opened_mailbox(&owner, &row.try_get::<Vec<u8>, _>("sealed")?) {
                Err(StoreError::Key(error)) if matches!(*error, KeyError::Gone) => continue,
                sealed => sealed?,
            };
            let person = person_id(&sealed.person)?;
            let written: Option<i64> = row.try_get("written")?;
            let new = |at: Timestamp| {
                at.as_microsecond() <= old && written.is_none_or(|written| at.as_microsecond() > written)
            };
            let (news, quiet) = (self.waiting_news(&person).await?, self.quiet(&person).await?);
            let wanted = news.iter().any(|one| !one.hinted && new(one.created) && quiet.lets(one.topic, now, zone));
            let Some(address) = Address::parse(&sealed.address).filter(|_| wanted) else { continue };
            let done = "UPDATE mailbox SET written = $2 WHERE owner = $1 AND confirmed IS NOT NULL AND COALESCE(written, 0) = $3";
            let values = vec![owner.into(), now.as_microsecond().into(), written.unwrap_or(0).into()];
            let steps = vec![
                Step::new(done, values).or_nothing(Refusal::Repeated),
                self.letter_step(&KeyOwner::Person(person), &address, &Letter::News, now)?,
            ];
            made += usize::from(self.mailbox_changed(steps, None).await?);
        }
        Ok(made)
    }

    /// Whether it was changed.
    async fn mailbox_changed(&self, steps: Vec<Step>, entry: Option<&JournalEntry>) -> Result<bool, StoreError> {
        let drafts = entry.map(|entry| self.draft(entry, None)).transpose()?;
        match self.inner.writer.submit(steps, drafts.into_iter().collect()).await {
            Ok(_) => Ok(true),
            Err(JobError::Refused(_)) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    fn opened_mailbox(&self, owner: &str, sealed: &[u8]) -> Result<Sealed, StoreError> {
        let plain = self.unseal(Place { table: "mailbox", column: "sealed", row: "mailbox", owner }, sealed)?;
        serde_json::from_slice(&plain).map_err(|_| StoreError::Damaged("mailbox.sealed".into()))
    }

    fn mailbox_code(&self, owner: &str, code: &str) -> String {
        self.inner.keys.root().hash("mailbox code", &[owner.as_bytes(), code.as_bytes()])
    }
}
