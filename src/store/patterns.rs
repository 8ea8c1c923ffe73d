//! What people who agreed to it said, set aside until it is released as counts, and the ledger of what was released.
//!
//! Invariants: a turn never waits for it and never fails by it; what is set aside is sealed under the person's own key, so
//! it goes with it, and whoever takes the agreement back is taken out in the same commit; a release, what it cost and the
//! end of what it was made of are one commit, and only then is anything of it shown, so that nothing is told twice for one
//! price; a period is released once.

use std::{
    collections::{BTreeSet, HashMap},
    mem,
    sync::{Arc, Mutex, PoisonError, Weak},
    time::Duration,
};

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use sqlx::Row;

use super::{
    Inner, Place, Store,
    error::StoreError,
    job::{JobError, Refusal, Step},
    keys::{KeyError, KeyOwner},
};
use crate::{
    config::PatternsConfig,
    patterns::{Dice, Item, KEPT, NoRandomness, Rule, Told, milli, period, release},
    policy::{Event, JournalEntry, PersonId},
};

/// How long what was said waits in memory for more of the same person.
const WAIT: Duration = Duration::from_secs(2);
/// People whose items wait at most; more are let go.
const WAITING: usize = 10_000;
/// Tries at a release while people are taken out.
const TRIES: u32 = 8;
/// How long after a period's end it may be released: by then nothing of it waits any more.
const SETTLED: SignedDuration = SignedDuration::from_hours(1);

/// Why nothing was released.
#[derive(Debug, thiserror::Error)]
pub enum PatternsError {
    /// No period that is over waits.
    #[error("there is no period to release: none is over, or all are released. See: wellspoken patterns status")]
    Nothing,
    /// That one was released.
    #[error("that period was released before, and no period is released twice. See: wellspoken patterns export")]
    Released,
    /// It goes on.
    #[error("that period is not over yet; it can be released an hour after its last day")]
    NotOver,
    /// All of ε is spent.
    #[error(
        "the budget is spent: {left} of ε is left and a release costs {cost}. It fills again as former releases get older than patterns.budget_days"
    )]
    Spent {
        /// What is left.
        left: f64,
        /// What one costs.
        cost: f64,
    },
    /// There was no noise to add.
    #[error(transparent)]
    NoRandomness(#[from] NoRandomness),
    /// The database or a key.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// One release: all that ever leaves of its period.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Release {
    /// The period's first day.
    pub from: Timestamp,
    /// How many days it has.
    pub days: u32,
    /// When it was released.
    pub at: Timestamp,
    /// By which rule.
    pub rule: Rule,
    /// The least noisy count that is told.
    pub threshold: i64,
    /// What is told.
    pub told: Vec<Told>,
}

/// Where things stand.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PatternsStatus {
    /// By which rule the next release is made.
    pub rule: Rule,
    /// The least noisy count that it tells.
    pub threshold: i64,
    /// Periods that are over and wait, by their first day.
    pub waiting: Vec<Timestamp>,
    /// Releases so far.
    pub releases: usize,
    /// ε that counts against the budget now.
    pub spent: f64,
    /// ε that is left of it.
    pub left: f64,
}

/// What waits in memory, by person and period.
#[derive(Default)]
pub(super) struct Waiting(Mutex<HashMap<(PersonId, i64), BTreeSet<Item>>>);

impl Waiting {
    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<(PersonId, i64), BTreeSet<Item>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What is sealed for one person and period.
#[derive(Default, Serialize, Deserialize)]
struct SetAside {
    person: String,
    items: BTreeSet<Item>,
}

impl Store {
    /// Sets aside what somebody's turn was like. Returns at once; it is written a moment later, if they still agree to it.
    pub fn collect(&self, person: &PersonId, items: impl IntoIterator<Item = Item>, at: Timestamp, period_days: u32) {
        let first = {
            let mut waiting = self.inner.patterns.lock();
            let first = waiting.is_empty();
            let key = (person.clone(), period(at, period_days));
            if waiting.len() >= WAITING && !waiting.contains_key(&key) {
                return;
            }
            let kept = waiting.entry(key).or_default();
            kept.extend(items);
            while kept.len() > KEPT {
                kept.pop_last();
            }
            first
        };
        if first && let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(settle(Arc::downgrade(&self.inner)));
        }
    }

    /// Writes what waits. What cannot be written is let go.
    pub async fn settle_patterns(&self) {
        let waiting = mem::take(&mut *self.inner.patterns.lock());
        for ((person, period), items) in waiting {
            if let Err(error) = self.set_aside(&person, period, items).await {
                tracing::warn!(%error, "what was counted of a turn is lost; nothing else is");
            }
        }
    }

    async fn set_aside(&self, person: &PersonId, period: i64, items: BTreeSet<Item>) -> Result<(), StoreError> {
        let agreed = self.agreed(person).await?;
        if !agreed.uses.improve() {
            return Ok(());
        }
        let id = self.pattern_id(person, period);
        let before = "SELECT owner, sealed FROM pattern WHERE id = $1";
        let mut aside = match self.inner.database.ask_one(before, &[id.as_str().into()]).await? {
            Some(row) => self.aside(&id, &row.try_get::<String, _>("owner")?, &row.try_get::<Vec<u8>, _>("sealed")?)?,
            None => SetAside::default(),
        };
        aside.person = person.as_str().to_owned();
        for item in items {
            if aside.items.len() < KEPT {
                aside.items.insert(item);
            }
        }
        let plain = zeroize::Zeroizing::new(serde_json::to_vec(&aside).unwrap_or_default());
        let (owner, sealed) = self.seal(&KeyOwner::Person(person.clone()), "pattern", "sealed", &id, &plain)?;
        let version = i64::try_from(agreed.version).unwrap_or(i64::MAX);
        // Only while what they agree to is what was just read.
        let step = Step::new(
            "INSERT INTO pattern (id, period, owner, sealed) SELECT $1, CAST($2 AS BIGINT), $3, $4 FROM person \
             WHERE id = $5 AND agreed = $6 ON CONFLICT (id) DO UPDATE SET sealed = excluded.sealed",
            vec![id.into(), period.into(), owner.into(), sealed.into(), person.as_str().into(), version.into()],
        );
        self.inner.writer.submit(vec![step], vec![]).await.map(drop).map_err(StoreError::from)
    }

    fn pattern_id(&self, person: &PersonId, period: i64) -> String {
        self.inner.keys.root().hash("pattern", &[person.as_str().as_bytes(), &period.to_be_bytes()])
    }

    fn aside(&self, id: &str, owner: &str, sealed: &[u8]) -> Result<SetAside, StoreError> {
        let plain = self.unseal(Place { table: "pattern", column: "sealed", row: id, owner }, sealed)?;
        serde_json::from_slice(&plain).map_err(|_| StoreError::Damaged("pattern.sealed".into()))
    }

    /// Takes somebody out of all that is not released yet. Goes into the commit that ends their agreement, or deletes what
    /// they said.
    pub(super) fn patterns_end(&self, person: &PersonId) -> Step {
        self.inner.patterns.lock().retain(|(whose, _), _| whose != person);
        let owner = self.inner.keys.name(&KeyOwner::Person(person.clone()));
        Step::new("DELETE FROM pattern WHERE owner = $1", vec![owner.into()])
    }

    /// Where things stand.
    ///
    /// # Errors
    /// When the database or the house's key fails.
    pub async fn patterns_status(&self, config: &PatternsConfig, now: Timestamp) -> Result<PatternsStatus, StoreError> {
        let rule = Rule::of(config);
        let spent = self.spent(config, now).await?;
        let all = self.waiting_periods().await?;
        let over = all.into_iter().filter(|first| over(*first, config, now));
        Ok(PatternsStatus {
            rule,
            threshold: rule.threshold(),
            waiting: over.map(day).collect::<Result<_, _>>()?,
            releases: self.pattern_releases().await?.len(),
            spent,
            left: (config.budget - spent).max(0.0),
        })
    }

    async fn waiting_periods(&self) -> Result<Vec<i64>, StoreError> {
        let rows = self.inner.database.ask("SELECT DISTINCT period FROM pattern ORDER BY period", &[]).await?;
        Ok(rows.iter().map(|row| row.try_get("period")).collect::<Result<_, _>>()?)
    }

    async fn spent(&self, config: &PatternsConfig, now: Timestamp) -> Result<f64, StoreError> {
        let sum = "SELECT CAST(COALESCE(SUM(epsilon), 0) AS BIGINT) AS spent FROM pattern_release WHERE at > $1";
        let row = self.inner.database.ask_one(sum, &[weighs_since(config, now).into()]).await?;
        let spent: i64 = row.map(|row| row.try_get("spent")).transpose()?.unwrap_or(0);
        Ok(spent as f64 / 1000.0)
    }

    /// Everything that was released, oldest period first.
    ///
    /// # Errors
    /// When the database or the house's key fails.
    pub async fn pattern_releases(&self) -> Result<Vec<Release>, StoreError> {
        let all = "SELECT period, owner, sealed FROM pattern_release ORDER BY period";
        let rows = self.inner.database.ask(all, &[]).await?;
        let releases = rows.into_iter().map(|row| {
            let (period, owner): (i64, String) = (row.try_get("period")?, row.try_get("owner")?);
            let (name, sealed): (_, Vec<u8>) = (period.to_string(), row.try_get("sealed")?);
            let place = Place { table: "pattern_release", column: "sealed", row: &name, owner: &owner };
            let plain = self.unseal(place, &sealed)?;
            serde_json::from_slice(&plain).map_err(|_| StoreError::Damaged("pattern_release.sealed".into()))
        });
        releases.collect()
    }

    /// Releases the oldest period that is over and waits.
    ///
    /// # Errors
    /// As [`Store::release_period`], and when none waits.
    pub async fn release_patterns(
        &self,
        config: &PatternsConfig,
        may_be_told: &(dyn Fn(&str) -> bool + Sync),
        by: &str,
        now: Timestamp,
    ) -> Result<Release, PatternsError> {
        let mut waiting = self.waiting_periods().await?.into_iter().filter(|first| over(*first, config, now));
        let oldest = waiting.next().ok_or(PatternsError::Nothing)?;
        self.release_period(oldest, config, may_be_told, by, now).await
    }

    /// Releases a period, by its first day. When this returns, it is spent, kept, audited, and what it was made of is
    /// gone; when it fails, nothing is, and nobody has seen anything.
    ///
    /// # Errors
    /// When the period goes on or was released, the budget is spent, or the database or a key fails.
    pub async fn release_period(
        &self,
        first: i64,
        config: &PatternsConfig,
        may_be_told: &(dyn Fn(&str) -> bool + Sync),
        by: &str,
        now: Timestamp,
    ) -> Result<Release, PatternsError> {
        if !over(first, config, now) {
            return Err(PatternsError::NotOver);
        }
        self.settle_patterns().await;
        let rule = Rule::of(config);
        for _ in 0..TRIES {
            let (people, rows) = self.of_period(first).await?;
            let entropy = self.inner.keys.entropy().clone();
            let told = {
                let mut dice = Dice::new(move |bytes| entropy.fill(bytes).map_err(|_| NoRandomness));
                release(&people, Some(&rule), may_be_told, &mut dice)?
            };
            let released = Release {
                from: day(first)?,
                days: config.period_days,
                at: now,
                rule,
                threshold: rule.threshold(),
                told,
            };
            if self.spend(first, &released, rows, config, by, now).await? {
                return Ok(released);
            }
        }
        Err(StoreError::Locked.into())
    }

    /// False where somebody was taken out since `rows` were read: nothing is spent then, and what was drawn is dropped.
    async fn spend(
        &self,
        first: i64,
        released: &Release,
        rows: i64,
        config: &PatternsConfig,
        by: &str,
        now: Timestamp,
    ) -> Result<bool, PatternsError> {
        let plain = serde_json::to_vec(released).unwrap_or_default();
        let (owner, sealed) = self.seal(&KeyOwner::House, "pattern_release", "sealed", &first.to_string(), &plain)?;
        // The budget is looked at in the commit that spends it, so that two at once do not both find it.
        let spend = Step::new(
            "INSERT INTO pattern_release (period, at, epsilon, owner, sealed) \
             SELECT CAST($1 AS BIGINT), CAST($2 AS BIGINT), CAST($3 AS BIGINT), $4, $5 FROM meta \
             WHERE name = 'master key' AND (SELECT COALESCE(CAST(SUM(epsilon) AS BIGINT), 0) FROM pattern_release \
             WHERE at > $6) + $3 <= $7 AND (SELECT COUNT(*) FROM pattern WHERE period = $1) = $8",
            vec![
                first.into(),
                now.as_microsecond().into(),
                i64::from(released.rule.epsilon_milli).into(),
                owner.into(),
                sealed.into(),
                weighs_since(config, now).into(),
                i64::from(milli(config.budget)).into(),
                rows.into(),
            ],
        )
        .or_nothing(Refusal::NotThere)
        .or_duplicate(Refusal::Repeated);
        let gone = Step::new("DELETE FROM pattern WHERE period = $1", vec![first.into()]);
        let draft = self.draft(&patterns_entry("released", now), Some(by))?;
        match self.inner.writer.submit(vec![spend, gone], vec![draft]).await {
            Ok(_) => Ok(true),
            Err(JobError::Refused(Refusal::Repeated)) => Err(PatternsError::Released),
            Err(JobError::Refused(_)) => {
                let spent = self.spent(config, now).await?;
                if milli(spent) + released.rule.epsilon_milli <= milli(config.budget) {
                    return Ok(false);
                }
                Err(PatternsError::Spent { left: (config.budget - spent).max(0.0), cost: released.rule.epsilon() })
            }
            Err(JobError::Store(error)) => Err(error.into()),
        }
    }

    /// What of a period may still be counted, of people who have a key and agree to it now; and how many rows it has.
    async fn of_period(&self, first: i64) -> Result<(Vec<BTreeSet<Item>>, i64), StoreError> {
        let all = "SELECT id, owner, sealed FROM pattern WHERE period = $1 ORDER BY id";
        let (mut people, mut rows) = (Vec::new(), 0);
        for row in self.inner.database.ask(all, &[first.into()]).await? {
            rows += 1;
            let (id, owner): (String, String) = (row.try_get("id")?, row.try_get("owner")?);
            let aside = match self.aside(&id, &owner, &row.try_get::<Vec<u8>, _>("sealed")?) {
                Err(StoreError::Key(error)) if matches!(*error, KeyError::Gone) => continue,
                aside => aside?,
            };
            let Ok(person) = PersonId::parse(&aside.person) else { continue };
            if self.improves(&person).await? {
                people.push(aside.items);
            }
        }
        Ok((people, rows))
    }

    /// Deletes what was set aside for periods that nobody released in time; how many rows that were.
    ///
    /// # Errors
    /// When the database or the house's key fails; nothing was deleted then.
    pub async fn forget_patterns(&self, config: &PatternsConfig, now: Timestamp) -> Result<i64, StoreError> {
        let days = i64::from(config.keep_days) + i64::from(config.period_days);
        let limit = now.as_second().div_euclid(86_400) - days;
        let old = "SELECT CAST(COUNT(*) AS BIGINT) AS old FROM pattern WHERE period < $1";
        let row = self.inner.database.ask_one(old, &[limit.into()]).await?;
        let old: i64 = row.map(|row| row.try_get("old")).transpose()?.unwrap_or(0);
        if old > 0 {
            let draft = self.draft(&patterns_entry("deleted", now), None)?;
            let step = Step::new("DELETE FROM pattern WHERE period < $1", vec![limit.into()]);
            self.inner.writer.submit(vec![step], vec![draft]).await.map_err(StoreError::from)?;
        }
        Ok(old)
    }
}

/// A moment later, what waits is written.
async fn settle(store: Weak<Inner>) {
    tokio::time::sleep(WAIT).await;
    if let Some(inner) = store.upgrade() {
        Store { inner }.settle_patterns().await;
    }
}

/// The row is nobody's.
const fn patterns_entry(outcome: &'static str, at: Timestamp) -> JournalEntry {
    JournalEntry {
        event: Event::Patterns,
        subject: None,
        actor: None,
        intent: None,
        channel: "staff",
        session: None,
        turn: None,
        closes: None,
        outcome: Some(outcome),
        at,
    }
}

fn over(first: i64, config: &PatternsConfig, now: Timestamp) -> bool {
    let end = (first + i64::from(config.period_days)).saturating_mul(86_400);
    now.as_second() >= end.saturating_add(SETTLED.as_secs())
}

fn day(first: i64) -> Result<Timestamp, StoreError> {
    let start = first.checked_mul(86_400).and_then(|second| Timestamp::from_second(second).ok());
    start.ok_or_else(|| StoreError::Damaged("pattern.period".into()))
}

fn weighs_since(config: &PatternsConfig, now: Timestamp) -> i64 {
    now.as_microsecond().saturating_sub(i64::from(config.budget_days) * 86_400_000_000)
}
