//! What privacy officers have to look into: broken glass, and readers who opened many strangers.
//!
//! Invariants: each thing is raised once; an open one is never deleted (a trigger holds it); nobody settles what they did
//! themselves.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use sqlx::{Row, any::AnyRow};

use super::{
    Place, Store,
    audit::{Finding, ReviewRule},
    error::StoreError,
    job::{JobError, Refusal, Step},
    keys::KeyOwner,
};
use crate::policy::{CredentialId, Event, JournalEntry, PersonId, SessionId, staff::StaffMember, staff_row};

/// A thing to look into, as privacy officers see it.
///
/// Not `Debug`: it holds names and a reason.
#[derive(Clone)]
pub struct ReviewRow {
    /// Its id.
    pub id: String,
    /// `break-glass` or `many-strangers`.
    pub kind: String,
    /// When it came up.
    pub raised: Timestamp,
    /// The member of staff, or the credential, as a keyed hash.
    pub who: String,
    /// What people call that member of staff.
    pub name: Option<String>,
    /// Whose record, for broken glass.
    pub person: Option<String>,
    /// Why, in the words of who broke it; `None` where that person's key was destroyed.
    pub reason: Option<String>,
    /// Until when the glass is or was open.
    pub until: Option<Timestamp>,
    /// How many people, for many strangers.
    pub people: Option<usize>,
    /// The audit entries it is about.
    pub entries: Vec<i64>,
    /// When it was settled.
    pub closed: Option<Timestamp>,
    /// What came of it.
    pub finding: Option<String>,
}

/// How settling a review ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Settled {
    /// It is settled.
    Done,
    /// It is about who wanted to settle it.
    OwnCase,
    /// There is no such open review.
    NotThere,
}

/// What is raised.
pub(super) struct Raised {
    kind: &'static str,
    about: String,
    upto: i64,
    sealed: SealedReview,
}

/// What of a review is sealed.
#[derive(Serialize, Deserialize)]
struct SealedReview {
    who: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    person: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    glass: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    people: Option<usize>,
    #[serde(default)]
    entries: Vec<i64>,
}

/// What of its end is sealed.
#[derive(Serialize, Deserialize)]
struct SealedEnd {
    by: String,
    finding: String,
}

impl Raised {
    pub fn glass(member: &CredentialId, person: &PersonId, glass: &SessionId) -> Self {
        Self {
            kind: "break-glass",
            about: glass.as_str().to_owned(),
            upto: 0,
            sealed: SealedReview {
                who: member.as_str().to_owned(),
                person: Some(person.as_str().to_owned()),
                glass: Some(glass.as_str().to_owned()),
                people: None,
                entries: vec![],
            },
        }
    }

    fn strangers(finding: &Finding) -> Self {
        Self {
            kind: "many-strangers",
            about: finding.who.clone(),
            upto: finding.entries.last().copied().unwrap_or(0),
            sealed: SealedReview {
                who: finding.who.clone(),
                person: None,
                glass: None,
                people: Some(finding.people),
                entries: finding.entries.clone(),
            },
        }
    }
}

impl Store {
    /// The statements that raise it, and that tell of it.
    pub(super) fn review_steps(&self, raised: &Raised, at: Timestamp) -> Result<[Step; 2], StoreError> {
        let id = hex::encode(self.random::<16>()?);
        let plain = serde_json::to_vec(&raised.sealed).unwrap_or_default();
        let (owner, sealed) = self.seal(&KeyOwner::House, "review", "sealed", &id, &plain)?;
        let step = Step::new(
            "INSERT INTO review (id, kind, about, upto, raised, owner, sealed) VALUES ($1, $2, $3, $4, $5, $6, $7)",
            vec![
                id.into(),
                raised.kind.into(),
                self.about(raised.kind, &raised.about).into(),
                raised.upto.into(),
                at.as_microsecond().into(),
                owner.into(),
                sealed.into(),
            ],
        );
        Ok([step.or_duplicate(Refusal::Repeated), self.alert_step(raised.kind, 1, at)?])
    }

    fn about(&self, kind: &'static str, about: &str) -> String {
        self.inner.keys.root().hash("review", &[kind.as_bytes(), about.as_bytes()])
    }

    /// Looks for readers who opened many strangers since it was last looked, at least over the last day, and raises each
    /// such time once. Gives how many it raised.
    ///
    /// # Errors
    /// When the database or a key fails.
    pub async fn raise_strangers(&self, rule: ReviewRule, now: Timestamp) -> Result<usize, StoreError> {
        let last = "SELECT value FROM meta WHERE name = 'reviewed until'";
        let last = self.inner.database.ask_one(last, &[]).await?;
        let last: Option<String> = last.map(|row| row.try_get("value")).transpose()?;
        let last = last.and_then(|text| text.parse().ok()).and_then(|at| Timestamp::from_microsecond(at).ok());
        let day = now - SignedDuration::from_hours(24);
        let from = last.map_or(Timestamp::MIN, |last| day.min(last - rule.window));
        let review = self.audit_review(rule, Some(from), None, "review", now).await?;
        let mut raised = 0;
        for finding in &review.findings {
            raised += usize::from(self.raise_finding(finding, now).await?);
        }
        let note = Step::new(
            "INSERT INTO meta (name, value) VALUES ('reviewed until', $1) \
             ON CONFLICT (name) DO UPDATE SET value = excluded.value",
            vec![now.as_microsecond().to_string().into()],
        );
        self.inner.writer.submit(vec![note], vec![]).await?;
        Ok(raised)
    }

    /// Raises a finding, unless one that was raised before goes into it.
    async fn raise_finding(&self, finding: &Finding, at: Timestamp) -> Result<bool, StoreError> {
        let raised = Raised::strangers(finding);
        let known = "SELECT CAST(COUNT(*) AS BIGINT) AS known FROM review WHERE about = $1 AND upto >= $2";
        let first = finding.entries.first().copied().unwrap_or(0);
        let values = [self.about(raised.kind, &raised.about).into(), first.into()];
        let row = self.inner.database.ask_one(known, &values).await?;
        if row.map(|row| row.try_get::<i64, _>("known")).transpose()?.unwrap_or(0) > 0 {
            return Ok(false);
        }
        let entry = JournalEntry {
            event: Event::Reviewed,
            subject: None,
            actor: CredentialId::parse(&finding.who).ok(),
            intent: Some("staff.review".into()),
            channel: crate::policy::STAFF,
            session: None,
            turn: None,
            closes: None,
            outcome: Some("raised"),
            at,
        };
        let draft = self.draft(&entry, None)?;
        match self.inner.writer.submit(self.review_steps(&raised, at)?.into(), vec![draft]).await {
            Ok(_) => Ok(true),
            Err(JobError::Refused(_)) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// What is to be looked into, oldest first, and with `settled` what was. That somebody reads it is in the chain first.
    ///
    /// # Errors
    /// When the database or a key fails.
    pub async fn reviews(
        &self,
        reader: &StaffMember,
        settled: bool,
        now: Timestamp,
    ) -> Result<Vec<ReviewRow>, StoreError> {
        let row = staff_row(Event::AuditRead, &reader.member, None, "staff.reviews", None, None, now);
        self.inner.writer.submit(vec![], vec![self.draft(&row, None)?]).await?;
        let all = "SELECT id, kind, raised, closed, owner, sealed, closing FROM review \
            WHERE closed IS NULL OR $1 = 1 ORDER BY raised, id";
        let rows = self.inner.database.ask(all, &[i64::from(settled).into()]).await?;
        let names = self.staff_names().await?;
        let mut reviews = Vec::with_capacity(rows.len());
        for row in &rows {
            let (id, told) = self.review_told(row)?;
            let glass = match &told.glass {
                Some(glass) => self.glass_reason(glass).await?,
                None => None,
            };
            reviews.push(ReviewRow {
                kind: row.try_get("kind")?,
                raised: time(row.try_get("raised")?)?,
                name: names.get(&told.who).cloned(),
                who: told.who,
                person: told.person,
                until: glass.as_ref().map(|(_, until)| *until),
                reason: glass.map(|(reason, _)| reason),
                people: told.people,
                entries: told.entries,
                closed: row.try_get::<Option<i64>, _>("closed")?.map(time).transpose()?,
                finding: self.review_end(&id, row)?,
                id,
            });
        }
        Ok(reviews)
    }

    fn review_told(&self, row: &AnyRow) -> Result<(String, SealedReview), StoreError> {
        let (id, owner): (String, String) = (row.try_get("id")?, row.try_get("owner")?);
        let place = Place { table: "review", column: "sealed", row: &id, owner: &owner };
        let plain = self.unseal(place, &row.try_get::<Vec<u8>, _>("sealed")?)?;
        let told = serde_json::from_slice(&plain).map_err(|_| StoreError::Damaged("review.sealed".into()))?;
        Ok((id, told))
    }

    fn review_end(&self, id: &str, row: &AnyRow) -> Result<Option<String>, StoreError> {
        let Some(sealed) = row.try_get::<Option<Vec<u8>>, _>("closing")? else { return Ok(None) };
        let owner: String = row.try_get("owner")?;
        let plain = self.unseal(Place { table: "review", column: "closing", row: id, owner: &owner }, &sealed)?;
        let end: SealedEnd =
            serde_json::from_slice(&plain).map_err(|_| StoreError::Damaged("review.closing".into()))?;
        Ok(Some(end.finding))
    }

    /// Settles a review with what came of it; audited. Nobody settles their own case.
    ///
    /// # Errors
    /// When the database or the house's key fails.
    pub async fn settle_review(
        &self,
        officer: &StaffMember,
        id: &str,
        finding: &str,
        at: Timestamp,
    ) -> Result<Settled, StoreError> {
        let one = "SELECT id, owner, sealed FROM review WHERE id = $1 AND closed IS NULL";
        let Some(row) = self.inner.database.ask_one(one, &[id.into()]).await? else { return Ok(Settled::NotThere) };
        let (id, told) = self.review_told(&row)?;
        if told.who == officer.member.as_str() {
            return Ok(Settled::OwnCase);
        }
        let end = SealedEnd { by: officer.member.as_str().to_owned(), finding: finding.trim().to_owned() };
        let plain = serde_json::to_vec(&end).unwrap_or_default();
        let (_, sealed) = self.seal(&KeyOwner::House, "review", "closing", &id, &plain)?;
        let step = Step::new(
            "UPDATE review SET closed = $2, closing = $3 WHERE id = $1 AND closed IS NULL",
            vec![id.into(), at.as_microsecond().into(), sealed.into()],
        )
        .or_nothing(Refusal::NotThere);
        let under = told.glass.and_then(|glass| SessionId::parse(&glass).ok());
        let row = staff_row(Event::Reviewed, &officer.member, None, "staff.review", under, Some("settled"), at);
        match self.inner.writer.submit(vec![step], vec![self.draft(&row, None)?]).await {
            Ok(_) => Ok(Settled::Done),
            Err(JobError::Refused(_)) => Ok(Settled::NotThere),
            Err(error) => Err(error.into()),
        }
    }

    /// How many reviews are open.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn open_reviews(&self) -> Result<i64, StoreError> {
        let open = "SELECT CAST(COUNT(*) AS BIGINT) AS open FROM review WHERE closed IS NULL";
        let row = self.inner.database.ask_one(open, &[]).await?;
        Ok(row.map(|row| row.try_get("open")).transpose()?.unwrap_or(0))
    }
}

fn time(micros: i64) -> Result<Timestamp, StoreError> {
    Timestamp::from_microsecond(micros).map_err(|_| StoreError::Damaged("review".into()))
}
