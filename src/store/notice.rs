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
    job::{Refusal, Step},
    keys::{KeyError, KeyOwner},
};
use crate::{
    actions::{KeptNotice, Notice},
    policy::{PersonId, Phi, Scope},
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
    /// Whether the person heard that there is something.
    pub hinted: bool,
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
        let waiting = "SELECT id, topic, hinted FROM notice WHERE owner = $1 AND told IS NULL ORDER BY created, id";
        let rows = self.inner.database.ask(waiting, &[owner.into()]).await?;
        let of = |row: &sqlx::any::AnyRow| {
            let topic: String = row.try_get("topic")?;
            let topic = Scope::ALL.into_iter().find(|scope| scope.name() == topic);
            Ok(WaitingNews {
                id: row.try_get("id")?,
                topic: topic.ok_or_else(|| StoreError::Damaged("notice.topic".into()))?,
                hinted: row.try_get::<Option<i64>, _>("hinted")?.is_some(),
            })
        };
        rows.iter().map(of).collect()
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
