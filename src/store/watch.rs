//! Of whose records a server says when something changes there, and what was seen of them last.
//!
//! Invariants: the row is there before the server is told of its address; what a server has to show there follows from the
//! row's id and the root secret, and is kept nowhere; a notification is durable once it is answered, and stays so until
//! somebody has looked; what was seen and the news that came of it are one commit, and news under one name is kept once.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use sqlx::{Row, any::AnyRow};
use zeroize::Zeroizing;

use super::{
    NewNotice, Place, Store,
    error::StoreError,
    job::{JobError, Refusal, Step},
    keys::{KeyError, KeyOwner},
    pause::pause,
    people::person_id,
    requests::time,
};
use crate::{
    policy::PersonId,
    records::{
        Visit,
        changed::{News, Seen, VisitNow, Watched},
    },
};

/// Rows looked at in one go.
const AT_ONCE: i64 = 16;
/// The first pause after a look that failed; doubled each time.
const PAUSE: SignedDuration = SignedDuration::from_secs(15);
/// The longest.
const LONGEST_PAUSE: SignedDuration = SignedDuration::from_hours(1);
/// A look comes by itself after this long, in case a server forgot to say something.
const LOOK_EVERY: SignedDuration = SignedDuration::from_hours(24);

/// A row. Not `Debug`: it says who somebody is elsewhere.
pub struct Watch {
    /// Its id, which stands in the address that the server calls.
    pub id: String,
    /// Whose records.
    pub person: PersonId,
    /// What the server is called.
    pub server: String,
    /// Its Patient.
    pub patient: String,
    /// What of it.
    pub what: Watched,
    /// The Subscription there; `None` until the server has it.
    pub subscription: Option<String>,
    /// When that ends there.
    pub ends: Option<Timestamp>,
    /// When the server last said that something changed.
    pub told: Option<Timestamp>,
    /// What was seen last; `None` before the first look, and where nobody may be told.
    pub seen: Option<Seen>,
    version: i64,
    due: i64,
}

impl Watch {
    fn with(&self, seen: Option<Seen>) -> Self {
        Self {
            id: self.id.clone(),
            person: self.person.clone(),
            server: self.server.clone(),
            patient: self.patient.clone(),
            subscription: self.subscription.clone(),
            seen,
            ..*self
        }
    }
}

#[derive(Serialize, Deserialize)]
struct Sealed {
    person: String,
    server: String,
    patient: String,
    what: String,
    subscription: Option<String>,
    ends: Option<Timestamp>,
    seen: Option<Seen>,
}

impl Store {
    /// Makes a row for something that is not watched yet. The server is told next.
    ///
    /// # Errors
    /// When the database or the person's key fails.
    pub async fn new_watch(
        &self,
        person: &PersonId,
        (server, patient): (&str, &str),
        what: Watched,
        at: Timestamp,
    ) -> Result<Watch, StoreError> {
        let watch = Watch {
            id: hex::encode(self.random::<16>()?),
            person: person.clone(),
            server: server.to_owned(),
            patient: patient.to_owned(),
            what,
            subscription: None,
            ends: None,
            told: None,
            seen: None,
            version: 0,
            due: at.as_microsecond(),
        };
        let (owner, sealed) = self.sealed_watch(&watch)?;
        let insert =
            "INSERT INTO watch (id, owner, due, told, attempts, version, sealed) VALUES ($1, $2, $3, NULL, 0, 0, $4)";
        let values = vec![watch.id.as_str().into(), owner.into(), watch.due.into(), sealed.into()];
        self.inner.writer.submit(vec![Step::new(insert, values)], vec![]).await?;
        Ok(watch)
    }

    /// What a server has to show at the address of that id.
    #[must_use]
    pub fn watch_secret(&self, id: &str) -> Zeroizing<String> {
        let half = |purpose| self.inner.keys.root().hash(purpose, &[id.as_bytes()]);
        Zeroizing::new(format!("wsn_{}{}", half("watch"), half("watch again")))
    }

    /// Notes which Subscription stands for it at the server, and until when.
    ///
    /// # Errors
    /// When the row is gone or was changed meanwhile, or the database or the person's key fails.
    pub async fn watch_made(&self, watch: &mut Watch, subscription: &str, ends: Timestamp) -> Result<(), StoreError> {
        (watch.subscription, watch.ends) = (Some(subscription.to_owned()), Some(ends));
        let (_, sealed) = self.sealed_watch(watch)?;
        let update = "UPDATE watch SET sealed = $3, version = version + 1 WHERE id = $1 AND version = $2";
        let values = vec![watch.id.as_str().into(), watch.version.into(), sealed.into()];
        self.inner.writer.submit(vec![Step::new(update, values).or_nothing(Refusal::NotThere)], vec![]).await?;
        watch.version += 1;
        Ok(())
    }

    /// A row by its id. One that nobody can open any more is none.
    ///
    /// # Errors
    /// When the database or a key fails.
    pub async fn watch(&self, id: &str) -> Result<Option<Watch>, StoreError> {
        let one = "SELECT id, owner, due, told, version, sealed FROM watch WHERE id = $1";
        let row = self.inner.database.ask_one(one, &[id.into()]).await?;
        row.map_or(Ok(None), |row| self.opened_watch(&row))
    }

    /// A person's rows.
    ///
    /// # Errors
    /// When the database or the person's key fails.
    pub async fn watches(&self, person: &PersonId) -> Result<Vec<Watch>, StoreError> {
        let owner = self.inner.keys.name(&KeyOwner::Person(person.clone()));
        let theirs = "SELECT id, owner, due, told, version, sealed FROM watch WHERE owner = $1 ORDER BY id";
        let rows = self.inner.database.ask(theirs, &[owner.into()]).await?;
        rows.iter().filter_map(|row| self.opened_watch(row).transpose()).collect()
    }

    /// A server says that something changed: it is looked at once, and what was copied counts as old. False where there is no
    /// such row.
    ///
    /// # Errors
    /// When the database or the person's key fails; the server has to say it again then.
    pub async fn watch_told(&self, watch: &Watch, at: Timestamp) -> Result<bool, StoreError> {
        let told = "UPDATE watch SET due = $2, told = $2, attempts = 0 WHERE id = $1";
        let mut steps = vec![
            Step::new(told, vec![watch.id.as_str().into(), at.as_microsecond().into()]).or_nothing(Refusal::NotThere),
        ];
        steps.extend(self.outdated_step(&watch.person, watch.what.parts(), at).await?);
        match self.inner.writer.submit(steps, vec![]).await {
            Ok(_) => Ok(true),
            Err(JobError::Refused(_)) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// The next rows that are due, each held by the caller until its next try would be. One whose person's key was
    /// destroyed goes.
    ///
    /// # Errors
    /// When the database or a key fails.
    pub async fn due_watches(&self, now: Timestamp) -> Result<Vec<Watch>, StoreError> {
        let due = "SELECT id, owner, due, told, version, attempts, sealed FROM watch WHERE due <= $1 ORDER BY due, id LIMIT $2";
        let rows = self.inner.database.ask(due, &[now.as_microsecond().into(), AT_ONCE.into()]).await?;
        let mut held = Vec::new();
        for row in rows {
            let Some(mut watch) = self.opened_watch(&row)? else {
                self.drop_watch(&row.try_get::<String, _>("id")?).await?;
                continue;
            };
            let until = now
                .checked_add(pause(PAUSE, LONGEST_PAUSE, row.try_get("attempts")?))
                .unwrap_or(Timestamp::MAX)
                .as_microsecond();
            let hold = "UPDATE watch SET due = $3, attempts = attempts + 1 WHERE id = $1 AND due = $2";
            let step = Step::new(hold, vec![watch.id.as_str().into(), watch.due.into(), until.into()]);
            match self.inner.writer.submit(vec![step.or_nothing(Refusal::NotThere)], vec![]).await {
                Ok(_) => {
                    watch.due = until;
                    held.push(watch);
                }
                // Somebody else has it.
                Err(JobError::Refused(_)) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(held)
    }

    /// Keeps what was seen, and the news that came of it, together. What the person changed from here is no news to them. The
    /// next look is tomorrow, or at once where the server said something meanwhile. How much news was kept.
    ///
    /// # Errors
    /// When the row was looked at by somebody else meanwhile, or the database or the person's key fails; nothing was kept then.
    pub async fn watch_looked(
        &self,
        watch: &Watch,
        seen: Option<Seen>,
        news: Vec<News>,
        at: Timestamp,
    ) -> Result<usize, StoreError> {
        let news = self.not_from_here(&watch.person, news).await?;
        let kept = watch.with(seen);
        let (owner, sealed) = self.sealed_watch(&kept)?;
        let next = at.checked_add(LOOK_EVERY).unwrap_or(Timestamp::MAX).as_microsecond();
        let done = "UPDATE watch SET sealed = $3, version = version + 1, attempts = 0, \
            due = CASE WHEN due = $4 THEN $5 ELSE due END WHERE id = $1 AND version = $2";
        let values = vec![watch.id.as_str().into(), watch.version.into(), sealed.into(), watch.due.into(), next.into()];
        let mut steps = vec![Step::new(done, values).or_nothing(Refusal::NotThere)];
        let named = |name: &str| self.inner.keys.root().hash("record news", &[owner.as_bytes(), name.as_bytes()]);
        let many = news.len();
        for one in news {
            if let Some(before) = one.instead_of {
                let drop =
                    "DELETE FROM notice WHERE id = $1 AND told IS NULL AND owner NOT IN (SELECT owner FROM held)";
                steps.push(Step::new(drop, vec![named(&before).into()]));
            }
            let new = NewNotice { id: named(&one.name), notice: one.notice };
            steps.push(self.notice_step(&watch.person, &new, at)?);
        }
        self.inner.writer.submit(steps, vec![]).await?;
        Ok(many)
    }

    /// Takes a row away. One that is gone is no error.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn drop_watch(&self, id: &str) -> Result<(), StoreError> {
        let step = Step::new("DELETE FROM watch WHERE id = $1", vec![id.into()]);
        self.inner.writer.submit(vec![step], vec![]).await.map(drop).map_err(StoreError::from)
    }

    /// News without what the person did themselves: their own row of a visit says the same.
    async fn not_from_here(&self, person: &PersonId, mut news: Vec<News>) -> Result<Vec<News>, StoreError> {
        if news.iter().all(|one| one.visit.is_none()) {
            return Ok(news);
        }
        let rows = self.visit_rows(person).await?;
        news.retain(|one| !one.visit.as_ref().is_some_and(|now| rows.iter().any(|row| says(row, now))));
        Ok(news)
    }

    fn sealed_watch(&self, watch: &Watch) -> Result<(String, Vec<u8>), StoreError> {
        let plain = Sealed {
            person: watch.person.as_str().to_owned(),
            server: watch.server.clone(),
            patient: watch.patient.clone(),
            what: watch.what.name().to_owned(),
            subscription: watch.subscription.clone(),
            ends: watch.ends,
            seen: watch.seen.clone(),
        };
        let plain = Zeroizing::new(serde_json::to_vec(&plain).unwrap_or_default());
        self.seal(&KeyOwner::Person(watch.person.clone()), "watch", "sealed", &watch.id, &plain)
    }

    fn opened_watch(&self, row: &AnyRow) -> Result<Option<Watch>, StoreError> {
        let (id, owner): (String, String) = (row.try_get("id")?, row.try_get("owner")?);
        let place = Place { table: "watch", column: "sealed", row: &id, owner: &owner };
        let plain = match self.unseal(place, &row.try_get::<Vec<u8>, _>("sealed")?) {
            Ok(plain) => plain,
            Err(StoreError::Key(error)) if matches!(*error, KeyError::Gone) => return Ok(None),
            Err(error) => return Err(error),
        };
        let damaged = || StoreError::Damaged("watch.sealed".into());
        let sealed: Sealed = serde_json::from_slice(&plain).map_err(|_| damaged())?;
        let told: Option<i64> = row.try_get("told")?;
        Ok(Some(Watch {
            person: person_id(&sealed.person)?,
            server: sealed.server,
            patient: sealed.patient,
            what: Watched::named(&sealed.what).ok_or_else(damaged)?,
            subscription: sealed.subscription,
            ends: sealed.ends,
            told: told.map(|_| time(row, "told")).transpose()?,
            seen: sealed.seen,
            version: row.try_get("version")?,
            due: row.try_get("due")?,
            id,
        }))
    }
}

/// Whether a row of the person's own says the same of a visit.
fn says(row: &Visit, now: &VisitNow) -> bool {
    now.names.contains(&row.id) && now.start == row.booked.then_some(row.start)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_changed_from_here_is_known_by_each_of_its_names() {
        let start: Timestamp = "2026-05-07T14:00:00Z".parse().expect("a time");
        let row = |id: &str, booked| Visit { id: id.into(), start, booked, ..Visit::default() };
        let now = |start| VisitNow { names: vec!["v1".into(), "c7".into()], start };
        assert!(says(&row("v1", true), &now(Some(start))) && says(&row("c7", false), &now(None)));
        assert!(!says(&row("v1", false), &now(Some(start))), "another state");
        assert!(!says(&row("v2", true), &now(Some(start))), "another visit");
    }
}
