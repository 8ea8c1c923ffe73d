//! A person's page that nobody uses is signed out by itself (45 CFR 164.312(a)(2)(iii)).
//!
//! Invariant: what was idle for too long stays ended, whatever comes later; a page that is used is noted now and then, never
//! so often that the disk is kept busy.

use jiff::{SignedDuration, Timestamp};
use sqlx::{Row, any::AnyRow};

use super::Grant;
use crate::{
    policy::{CredentialId, Surface},
    store::{
        Store,
        error::StoreError,
        job::{JobError, Refusal, Step},
    },
};

/// Use is noted no more often than this.
const NOTED_EVERY: SignedDuration = SignedDuration::from_secs(30);

impl Store {
    /// As [`Store::issue`], for a browser: where it is a person's own page, it ends when it was idle for so long.
    ///
    /// # Errors
    /// As [`Store::issue`].
    pub async fn issue_page(
        &self,
        grant: &Grant,
        token: &str,
        idle: SignedDuration,
        at: Timestamp,
    ) -> Result<CredentialId, StoreError> {
        let id = self.credential_id(token)?;
        let (step, draft) = self.admission(&id, grant, at)?;
        let steps = [Some(step), ends_when_idle(&id, grant, idle, at)].into_iter().flatten().collect();
        self.inner.writer.submit(steps, vec![draft]).await?;
        Ok(id)
    }

    /// Whether a credential has not been idle for too long. Notes that it is used, where it is.
    pub(super) async fn in_use(
        &self,
        id: &CredentialId,
        row: &AnyRow,
        used: bool,
        at: Timestamp,
    ) -> Result<bool, StoreError> {
        let (seen, idle): (Option<i64>, Option<i64>) = (row.try_get("seen")?, row.try_get("idle")?);
        let (Some(seen), Some(idle)) = (seen, idle) else { return Ok(true) };
        let earliest = at.as_microsecond() - idle;
        if seen <= earliest {
            return Ok(false);
        }
        if !used || at.as_microsecond() - seen <= i64::try_from(NOTED_EVERY.as_micros()).unwrap_or(0) {
            return Ok(true);
        }
        let step = Step::new(
            "UPDATE credential SET seen = $2 WHERE id = $1 AND seen > $3",
            vec![id.as_str().into(), at.as_microsecond().into(), earliest.into()],
        )
        .or_nothing(Refusal::NotThere);
        match self.inner.writer.submit(vec![step], vec![]).await {
            Ok(_) => Ok(true),
            Err(JobError::Refused(_)) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }
}

/// What lets a person's page end when nobody uses it; nothing for a page that stands for a place.
pub(in crate::store) fn ends_when_idle(
    id: &CredentialId,
    grant: &Grant,
    idle: SignedDuration,
    at: Timestamp,
) -> Option<Step> {
    let idle = i64::try_from(idle.as_micros()).unwrap_or(i64::MAX);
    (grant.surface == Surface::Chat && grant.person.is_some()).then(|| {
        Step::new(
            "UPDATE credential SET seen = $2, idle = $3 WHERE id = $1",
            vec![id.as_str().into(), at.as_microsecond().into(), idle.into()],
        )
    })
}
