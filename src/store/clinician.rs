//! Results that a clinician tells first.
//!
//! Invariants: each such result is on the board once, however often it is imported or asked for, and stays there until
//! staff close it; that closes nothing else, and nothing else closes it; whose it is, what it is about and what a clinician
//! wrote of it is sealed.

use std::collections::HashMap;

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
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
    actions::{Conflict, HeldResult},
    policy::{Event, PersonId, Phi, RoomId, staff::StaffMember, staff_row},
    records::{Chart, LabResult, Profile, Review},
};

/// A result that came in with a chart and is older than this is no news: it goes to the board when it is asked for.
const NEWS: SignedDuration = SignedDuration::from_hours(30 * 24);

/// A row for the clinician.
///
/// Not `Debug`: it says whose result it is.
#[derive(Clone, Serialize)]
pub struct ClinicianRow {
    /// Its identifier, for [`Store::close_request`] and [`Store::told_by_clinician`].
    pub id: String,
    /// Whose it is; `None` when they are known no more.
    #[serde(skip)]
    pub person: Option<PersonId>,
    /// The room the person is in; empty where they are in none.
    pub room: String,
    /// Whose result, of which test and when; never the value. `None` when their key was destroyed.
    pub about: Option<String>,
    /// Since when.
    pub requested: Timestamp,
}

impl Store {
    /// What waits for a clinician's words, oldest first.
    ///
    /// # Errors
    /// When the database or a key fails.
    pub async fn for_clinician(&self) -> Result<Vec<ClinicianRow>, StoreError> {
        let open = "SELECT q.id, q.room, q.requested, q.owner, q.sealed, p.id AS person FROM request q \
            LEFT JOIN person p ON p.owner = q.owner \
            WHERE q.closed IS NULL AND q.kind = 'result' ORDER BY q.requested, q.id";
        let rows = self.inner.database.ask(open, &[]).await?;
        let row = |row: &sqlx::any::AnyRow| {
            let (id, owner): (String, String) = (row.try_get("id")?, row.try_get("owner")?);
            let place = Place { table: "request", column: "sealed", row: &id, owner: &owner };
            let about = match self.unseal(place, &row.try_get::<Vec<u8>, _>("sealed")?) {
                Ok(plain) => Some(String::from_utf8_lossy(&plain).into_owned()),
                Err(StoreError::Key(error)) if matches!(*error, KeyError::Gone) => None,
                Err(error) => return Err(error),
            };
            let requested = Timestamp::from_microsecond(row.try_get("requested")?);
            let requested = requested.map_err(|_| StoreError::Damaged("request.requested".into()))?;
            let person = row.try_get::<Option<String>, _>("person")?.as_deref().map(person_id).transpose()?;
            Ok(ClinicianRow { room: row.try_get("room")?, person, about, requested, id })
        };
        rows.iter().map(row).collect()
    }

    /// A clinician has talked with somebody about a result, which may be told from now on: in one commit with what they
    /// wrote about it and the audit row. False where there is no such open row.
    ///
    /// # Errors
    /// When the database or a key fails.
    pub async fn told_by_clinician(
        &self,
        staff: &StaffMember,
        name: &str,
        row: &ClinicianRow,
        words: &str,
        at: Timestamp,
    ) -> Result<bool, StoreError> {
        let (_, by) = self.seal(&KeyOwner::House, "request", "closed_by", &row.id, name.as_bytes())?;
        let close =
            "UPDATE request SET closed = $2, closed_by = $3 WHERE id = $1 AND closed IS NULL AND kind = 'result'";
        let values = vec![row.id.as_str().into(), at.as_microsecond().into(), by.into()];
        let mut steps = vec![Step::new(close, values).or_nothing(Refusal::NotThere)];
        // Of somebody who is forgotten there is nothing to write down.
        if let (Some(person), Some(_)) = (&row.person, &row.about) {
            let owner = KeyOwner::Person(person.clone());
            let (_, sealed) = self.seal(&owner, "for_clinician", "words", &row.id, words.trim().as_bytes())?;
            let keep = "UPDATE for_clinician SET words = $2 WHERE request = $1";
            steps.push(Step::new(keep, vec![row.id.as_str().into(), sealed.into()]));
        }
        let subject = row.person.as_ref().filter(|_| row.about.is_some());
        let entry = staff_row(Event::Progressed, &staff.member, subject, "staff.results", None, Some("told"), at);
        match self.inner.writer.submit(steps, vec![self.draft(&entry, None)?]).await {
            Ok(_) => Ok(true),
            Err(JobError::Refused(_)) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// What clinicians wrote when they had told a person's results, by the id of the row it ended.
    ///
    /// # Errors
    /// When the database or the person's key fails.
    pub async fn clinicians_words(&self, person: &PersonId) -> Result<Phi<HashMap<String, String>>, StoreError> {
        let owner = self.inner.keys.name(&KeyOwner::Person(person.clone()));
        let written = "SELECT request, words FROM for_clinician WHERE owner = $1 AND words IS NOT NULL";
        let rows = self.inner.database.ask(written, &[owner.as_str().into()]).await?;
        let words = rows.iter().map(|row| {
            let id: String = row.try_get("request")?;
            let place = Place { table: "for_clinician", column: "words", row: &id, owner: &owner };
            let plain = self.unseal(place, &row.try_get::<Vec<u8>, _>("words")?)?;
            Ok((id, String::from_utf8_lossy(&plain).into_owned()))
        });
        Ok(Phi::new(person.clone(), words.collect::<Result<_, StoreError>>()?))
    }

    /// A person's results with what came of those that a clinician tells first.
    ///
    /// # Errors
    /// When the database or a key fails.
    pub async fn reviewed(&self, results: Phi<Vec<LabResult>>) -> Result<Phi<Vec<LabResult>>, StoreError> {
        let person = results.subject().clone();
        let states = self.result_states(&person).await?;
        Ok(results.map(|mut all| {
            for result in all.iter_mut().filter(|result| result.waits_for_clinician()) {
                let key = self.result_key(&person, &HeldResult::of(result));
                result.review = states.get(&key).copied().unwrap_or_default();
            }
            all
        }))
    }

    async fn result_states(&self, person: &PersonId) -> Result<HashMap<String, Review>, StoreError> {
        let owner = self.inner.keys.name(&KeyOwner::Person(person.clone()));
        let known = "SELECT f.id, q.id AS open FROM for_clinician f \
            LEFT JOIN request q ON q.id = f.request AND q.closed IS NULL WHERE f.owner = $1";
        let rows = self.inner.database.ask(known, &[owner.as_str().into()]).await?;
        let review = |row: &sqlx::any::AnyRow| {
            let open = row.try_get::<Option<String>, _>("open")?.is_some();
            Ok((row.try_get("id")?, if open { Review::Asked } else { Review::Told }))
        };
        rows.iter().map(review).collect()
    }

    /// The statements by which the new ones among a chart's results come to the clinician. Those that did stay as they are.
    pub(super) async fn news_steps(
        &self,
        person: &PersonId,
        chart: &Chart,
        room: Option<&RoomId>,
        at: Timestamp,
    ) -> Result<Vec<Step>, StoreError> {
        let new = |result: &&LabResult| result.waits_for_clinician() && result.taken > at - NEWS;
        let results: Vec<HeldResult> = chart.results.iter().filter(new).map(HeldResult::of).collect();
        if results.is_empty() {
            return Ok(vec![]);
        }
        let known = self.result_states(person).await?;
        let room = match room {
            Some(room) => room.as_str().to_owned(),
            None => self.room_of(person).await?.map(|room| room.as_str().to_owned()).unwrap_or_default(),
        };
        let mut steps = Vec::new();
        let mut seen: Vec<String> = Vec::new();
        for result in results {
            let key = self.result_key(person, &result);
            if !known.contains_key(&key) && !seen.contains(&key) {
                let step = self.clinician_steps(person, Some(&chart.profile), &room, &result, at)?;
                steps.extend(step.map(|step| step.or_duplicate(Refusal::Repeated)));
                seen.push(key);
            }
        }
        Ok(steps)
    }

    /// The same for results that were asked for.
    pub(super) fn asked_steps(
        &self,
        person: &PersonId,
        room: Option<&RoomId>,
        results: &[HeldResult],
        at: Timestamp,
    ) -> Result<Vec<Step>, StoreError> {
        let mut steps = Vec::new();
        for result in results {
            let step = self.clinician_steps(person, None, room.map_or("", RoomId::as_str), result, at)?;
            steps.extend(step.map(|step| step.or_duplicate(Refusal::Conflict(Conflict::AlreadyAsked))));
        }
        Ok(steps)
    }

    fn clinician_steps(
        &self,
        person: &PersonId,
        profile: Option<&Profile>,
        room: &str,
        result: &HeldResult,
        at: Timestamp,
    ) -> Result<[Step; 2], StoreError> {
        let id = hex::encode(self.random::<16>()?);
        let name = profile.map_or_else(|| person.as_str().to_owned(), |p| format!("{} {}", p.given, p.family));
        let about =
            Zeroizing::new(format!("{name}: {}, taken {}", result.test, result.taken.strftime("%Y-%m-%d %H:%M UTC")));
        let owner = KeyOwner::Person(person.clone());
        let (owner, sealed) = self.seal(&owner, "request", "sealed", &id, about.as_bytes())?;
        Ok([
            Step::new(
                "INSERT INTO for_clinician (id, owner, request) VALUES ($1, $2, $3)",
                vec![self.result_key(person, result).into(), owner.as_str().into(), id.as_str().into()],
            ),
            Step::new(
                "INSERT INTO request (id, room, emergency, requested, owner, sealed, kind) \
                 VALUES ($1, $2, 0, $3, $4, $5, 'result')",
                vec![id.into(), room.into(), at.as_microsecond().into(), owner.into(), sealed.into()],
            ),
        ])
    }

    /// A corrected value is another result.
    fn result_key(&self, person: &PersonId, result: &HeldResult) -> String {
        let taken = result.taken.as_microsecond().to_be_bytes();
        let parts = [person.as_str().as_bytes(), result.test.as_bytes(), &taken, result.value.as_bytes()];
        self.inner.keys.root().hash("result for a clinician", &parts)
    }
}
