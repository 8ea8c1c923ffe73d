//! Reminders: what of, when, and which of their times were rung.
//!
//! Invariants: all of it is sealed under the person's key; a time that was rung on one device is rung on no other (a version
//! that must not have changed); one that was ended stays as it was, and rings no more.

use jiff::Timestamp;
use sqlx::Row;
use zeroize::Zeroizing;

use super::{
    ChartKind, Place, Store,
    error::StoreError,
    job::{JobError, Refusal, Step},
    keys::{KeyError, KeyOwner},
};
use crate::{
    actions::{Reminder, Taken},
    policy::{PersonId, Phi},
    records::Prescription,
};

impl Store {
    /// The statement by which a reminder is set.
    pub(super) fn remind_step(&self, owner: &KeyOwner, id: &str, reminder: &Reminder) -> Result<Step, StoreError> {
        let plain = Zeroizing::new(serde_json::to_vec(reminder).unwrap_or_default());
        let (owner, sealed) = self.seal(owner, "reminder", "sealed", id, &plain)?;
        Ok(Step::new(
            "INSERT INTO reminder (id, version, owner, sealed) VALUES ($1, 0, $2, $3)",
            vec![id.into(), owner.into(), sealed.into()],
        ))
    }

    /// The statements by which reminders end. One that is not there, or ended before, is no error.
    pub(super) async fn end_reminder_steps(
        &self,
        person: &PersonId,
        ids: &[String],
        at: Timestamp,
    ) -> Result<Vec<Step>, StoreError> {
        let mut steps = Vec::new();
        for (version, reminder) in self.kept_reminders(person).await? {
            if reminder.ended.is_none() && ids.contains(&reminder.id) {
                steps.push(self.changed(person, version, &Reminder { ended: Some(at), ..reminder })?);
            }
        }
        Ok(steps)
    }

    /// Somebody's reminders, ended ones aside, oldest first.
    ///
    /// # Errors
    /// When the person's key was destroyed, or the database fails.
    pub async fn reminders(&self, person: &PersonId) -> Result<Phi<Vec<Reminder>>, StoreError> {
        let kept = self.kept_reminders(person).await?;
        let current = kept.into_iter().map(|(_, reminder)| reminder).filter(|r| r.ended.is_none());
        Ok(Phi::new(person.clone(), current.collect()))
    }

    /// Which of somebody's reminders are due by this judgement, which is told their orders and what they noted lately, and at
    /// which of their times. What of stays in here.
    ///
    /// # Errors
    /// When the database fails. Whoever's key was destroyed has none.
    pub async fn due_reminders(
        &self,
        person: &PersonId,
        now: Timestamp,
        due: impl Fn(&Reminder, &[Prescription], &[Taken]) -> Option<Timestamp>,
    ) -> Result<Vec<(String, Timestamp)>, StoreError> {
        let all = match self.kept_reminders(person).await {
            Ok(all) if all.is_empty() => return Ok(vec![]),
            Ok(all) => all,
            Err(StoreError::Key(error)) if matches!(*error, KeyError::Gone) => return Ok(vec![]),
            Err(error) => return Err(error),
        };
        let orders = self.chart_plain(person, ChartKind::Prescriptions).await?;
        let notes = self.taken_plain(person, Some(now)).await?;
        let times = all.into_iter().filter_map(|(_, r)| Some((due(&r, &orders, &notes)?, r.id)));
        Ok(times.map(|(at, id)| (id, at)).collect())
    }

    /// Notes that a time of a reminder was rung. False where it was rung before, or there is none: it is rung no more.
    ///
    /// # Errors
    /// When the person's key was destroyed, or the database fails.
    pub async fn rung(&self, person: &PersonId, id: &str, time: Timestamp) -> Result<bool, StoreError> {
        let all = self.kept_reminders(person).await?;
        let Some((version, reminder)) = all.into_iter().find(|(_, r)| r.id == id && r.ended.is_none()) else {
            return Ok(false);
        };
        if reminder.rung.is_some_and(|rung| rung >= time) {
            return Ok(false);
        }
        let step = self.changed(person, version, &Reminder { rung: Some(time), ..reminder })?;
        match self.inner.writer.submit(vec![step.or_nothing(Refusal::NotThere)], vec![]).await {
            Ok(_) => Ok(true),
            Err(JobError::Refused(_)) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    fn changed(&self, person: &PersonId, version: i64, reminder: &Reminder) -> Result<Step, StoreError> {
        let plain = Zeroizing::new(serde_json::to_vec(reminder).unwrap_or_default());
        let owner = KeyOwner::Person(person.clone());
        let (_, sealed) = self.seal(&owner, "reminder", "sealed", &reminder.id, &plain)?;
        Ok(Step::new(
            "UPDATE reminder SET sealed = $3, version = version + 1 WHERE id = $1 AND version = $2",
            vec![reminder.id.as_str().into(), version.into(), sealed.into()],
        ))
    }

    async fn kept_reminders(&self, person: &PersonId) -> Result<Vec<(i64, Reminder)>, StoreError> {
        let owner = self.inner.keys.name(&KeyOwner::Person(person.clone()));
        let theirs = "SELECT id, version, sealed FROM reminder WHERE owner = $1 ORDER BY id";
        let rows = self.inner.database.ask(theirs, &[owner.as_str().into()]).await?;
        let mut found = Vec::with_capacity(rows.len());
        for row in rows {
            let id: String = row.try_get("id")?;
            let place = Place { table: "reminder", column: "sealed", row: &id, owner: &owner };
            let plain = self.unseal(place, &row.try_get::<Vec<u8>, _>("sealed")?)?;
            let damaged = |_| StoreError::Damaged("reminder.sealed".into());
            let reminder: Reminder = serde_json::from_slice(&plain).map_err(damaged)?;
            found.push((row.try_get("version")?, Reminder { id, ..reminder }));
        }
        Ok(found)
    }
}
