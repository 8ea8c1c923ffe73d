//! What people are told the next time they speak: kept sealed until then, told once.
//!
//! Invariant: news is marked as told in the commit of the answer that tells it; where another answer was quicker, that
//! commit is refused, and the answer goes without.

use jiff::Timestamp;
use sqlx::Row;
use zeroize::Zeroizing;

use super::{
    Place, Store,
    error::StoreError,
    job::{JobError, Refusal, Step},
    keys::{KeyError, KeyOwner},
    requests::time,
};
use crate::{
    actions::{KeptNotice, Notice},
    policy::{JournalEntry, PersonId, Phi, Scope},
};

/// News to keep.
pub struct NewNotice {
    /// Its name: the same news under the same name is kept once.
    pub id: String,
    /// The news.
    pub notice: Notice,
}

/// News that waits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WaitingNews {
    /// Its name.
    pub id: String,
    /// The part of the record it is about.
    pub topic: Scope,
    /// When it came up.
    pub created: Timestamp,
    /// Whether the person heard that there is something.
    pub hinted: bool,
    /// Whether a device made a sound for it.
    pub chimed: bool,
}

/// What an answer tells besides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Told {
    /// The news of that name.
    Whole(String),
    /// That there is the news of that name.
    Hint(String),
}

impl Store {
    /// What a person has not been told yet, oldest first.
    ///
    /// # Errors
    /// When the database or the person's key fails.
    pub async fn untold(&self, person: &PersonId) -> Result<Phi<Vec<KeptNotice>>, StoreError> {
        let owner = self.inner.keys.name(&KeyOwner::Person(person.clone()));
        let waiting =
            "SELECT id, created, hinted, sealed FROM notice WHERE owner = $1 AND told IS NULL ORDER BY created, id";
        let mut notices = Vec::new();
        for row in self.inner.database.ask(waiting, &[owner.as_str().into()]).await? {
            let id: String = row.try_get("id")?;
            let place = Place { table: "notice", column: "sealed", row: &id, owner: &owner };
            let plain = match self.unseal(place, &row.try_get::<Vec<u8>, _>("sealed")?) {
                Ok(plain) => plain,
                Err(StoreError::Key(error)) if matches!(*error, KeyError::Gone) => continue,
                Err(error) => return Err(error),
            };
            let damaged = || StoreError::Damaged("notice.sealed".into());
            let created = Timestamp::from_microsecond(row.try_get("created")?).map_err(|_| damaged())?;
            let hinted = row.try_get::<Option<i64>, _>("hinted")?.is_some();
            let notice = serde_json::from_slice(&plain).map_err(|_| damaged())?;
            notices.push(KeptNotice { id, created, hinted, notice });
        }
        Ok(Phi::new(person.clone(), notices))
    }

    /// Which news waits for a person, and what part of the record each is about, oldest first; what it says stays sealed.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn waiting_news(&self, person: &PersonId) -> Result<Vec<WaitingNews>, StoreError> {
        let owner = self.inner.keys.name(&KeyOwner::Person(person.clone()));
        let waiting = "SELECT id, topic, created, hinted, chimed FROM notice WHERE owner = $1 AND told IS NULL ORDER BY created, id";
        let rows = self.inner.database.ask(waiting, &[owner.into()]).await?;
        let of = |row: &sqlx::any::AnyRow| {
            let topic: String = row.try_get("topic")?;
            let topic = Scope::ALL.into_iter().find(|scope| scope.name() == topic);
            Ok(WaitingNews {
                id: row.try_get("id")?,
                topic: topic.ok_or_else(|| StoreError::Damaged("notice.topic".into()))?,
                created: time(row, "created")?,
                hinted: row.try_get::<Option<i64>, _>("hinted")?.is_some(),
                chimed: row.try_get::<Option<i64>, _>("chimed")?.is_some(),
            })
        };
        rows.iter().map(of).collect()
    }

    /// Notes that a device makes a sound for this news. False where another one does, or some of it was told meanwhile.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn chimed(&self, ids: &[String], at: Timestamp) -> Result<bool, StoreError> {
        let chimed = "UPDATE notice SET chimed = $2 WHERE id = $1 AND chimed IS NULL AND told IS NULL";
        let step = |id: &String| {
            Step::new(chimed, vec![id.as_str().into(), at.as_microsecond().into()]).or_nothing(Refusal::NotThere)
        };
        match self.inner.writer.submit(ids.iter().map(step).collect(), vec![]).await {
            Ok(_) => Ok(true),
            Err(JobError::Refused(_)) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// The person has read this news of theirs; audited by `entry`. What is not theirs stays as it is.
    ///
    /// # Errors
    /// When the database or a key fails.
    pub async fn read_news(&self, person: &PersonId, ids: &[String], entry: &JournalEntry) -> Result<(), StoreError> {
        let owner = self.inner.keys.name(&KeyOwner::Person(person.clone()));
        let read = "UPDATE notice SET told = $3 WHERE id = $1 AND owner = $2 AND told IS NULL";
        let at = entry.at.as_microsecond();
        let step = |id: &String| Step::new(read, vec![id.as_str().into(), owner.as_str().into(), at.into()]);
        let draft = self.draft(entry, None)?;
        self.inner.writer.submit(ids.iter().map(step).collect(), vec![draft]).await.map(drop).map_err(StoreError::from)
    }

    /// Keeps news for a person until they speak. The same news under the same name is kept once.
    ///
    /// # Errors
    /// When the person's key was destroyed, or the database fails.
    pub async fn keep_news(&self, person: &PersonId, new: &NewNotice, at: Timestamp) -> Result<(), StoreError> {
        let step = self.notice_step(person, new, at)?;
        self.inner.writer.submit(vec![step], vec![]).await.map(drop).map_err(StoreError::from)
    }

    /// The statement that keeps news.
    pub(super) fn notice_step(&self, person: &PersonId, new: &NewNotice, at: Timestamp) -> Result<Step, StoreError> {
        let plain = Zeroizing::new(serde_json::to_vec(&new.notice).unwrap_or_default());
        let owner = KeyOwner::Person(person.clone());
        let (owner, sealed) = self.seal(&owner, "notice", "sealed", &new.id, &plain)?;
        Ok(Step::new(
            "INSERT INTO notice (id, owner, topic, created, sealed) VALUES ($1, $2, $3, $4, $5) ON CONFLICT (id) DO NOTHING",
            vec![
                new.id.as_str().into(),
                owner.into(),
                new.notice.topic.name().into(),
                at.as_microsecond().into(),
                sealed.into(),
            ],
        ))
    }

    /// The statement that marks it as told.
    pub(super) fn told_step(told: &Told, at: Timestamp) -> Step {
        let (sql, id) = match told {
            Told::Whole(id) => ("UPDATE notice SET told = $2 WHERE id = $1 AND told IS NULL", id),
            Told::Hint(id) => ("UPDATE notice SET hinted = $2 WHERE id = $1 AND hinted IS NULL", id),
        };
        Step::new(sql, vec![id.as_str().into(), at.as_microsecond().into()]).or_nothing(Refusal::Told)
    }
}
