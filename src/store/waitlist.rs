//! Who waits for an earlier time, and the news that one came free.
//!
//! Invariants: somebody waits for one thing once at a time; a visit that is moved, called off or booked ends the waiting for
//! it in the same commit; of one free time somebody is told once, and news of a time that is gone before it was told is
//! taken back. What is waited for is sealed, and looked at in here alone.

use std::collections::BTreeSet;

use jiff::Timestamp;
use sqlx::{Row, any::AnyRow};
use zeroize::Zeroizing;

use super::{
    Place, Store,
    error::StoreError,
    job::{Refusal, Step},
    keys::{KeyError, KeyOwner},
    notice::NewNotice,
    people::person_id,
};
use crate::{
    actions::{Conflict, Waiting},
    policy::{PersonId, Phi},
    records::OpenSlot,
};

/// Ends what is waited for, and takes back what was not told of it yet.
const ENDS: [&str; 2] = [
    "DELETE FROM notice WHERE told IS NULL AND hinted IS NULL AND owner NOT IN (SELECT owner FROM held) \
     AND id IN (SELECT notice FROM waitlist WHERE thing = $1 AND ended IS NULL AND notice <> '')",
    "UPDATE waitlist SET ended = $2 WHERE thing = $1 AND ended IS NULL",
];

impl Store {
    /// Somebody waits from now on.
    pub(super) fn join_step(&self, person: &PersonId, id: &str, waiting: &Waiting) -> Result<Step, StoreError> {
        let plain = Zeroizing::new(serde_json::to_vec(waiting).unwrap_or_default());
        let (owner, sealed) = self.seal(&KeyOwner::Person(person.clone()), "waitlist", "sealed", id, &plain)?;
        Ok(Step::new(
            "INSERT INTO waitlist (id, owner, thing, created, sealed) VALUES ($1, $2, $3, $4, $5)",
            vec![
                id.into(),
                owner.into(),
                self.waits_for(person, &thing(waiting)).into(),
                waiting.since.as_microsecond().into(),
                sealed.into(),
            ],
        )
        .or_duplicate(Refusal::Conflict(Conflict::AlreadyWaiting)))
    }

    /// Somebody waits no more for these.
    pub(super) fn unwait_steps(&self, person: &PersonId, ids: &[String], at: Timestamp) -> Vec<Step> {
        let owner = self.inner.keys.name(&KeyOwner::Person(person.clone()));
        let of = |id: &String| {
            [
                Step::new(
                    "DELETE FROM notice WHERE owner = $2 AND told IS NULL AND owner NOT IN (SELECT owner FROM held) \
                     AND id IN (SELECT notice FROM waitlist WHERE id = $1 AND owner = $2 AND notice <> '')",
                    vec![id.as_str().into(), owner.as_str().into()],
                ),
                Step::new(
                    "UPDATE waitlist SET ended = $3 WHERE id = $1 AND owner = $2 AND ended IS NULL",
                    vec![id.as_str().into(), owner.as_str().into(), at.as_microsecond().into()],
                ),
            ]
        };
        ids.iter().flat_map(of).collect()
    }

    /// A visit is no more what it was: nobody waits for an earlier one in its place.
    pub(super) fn visit_changed_steps(&self, person: &PersonId, visit: &str, at: Timestamp) -> [Step; 2] {
        self.waited(person, &format!("visit {visit}"), at)
    }

    /// Somebody has a visit in this time: they wait for none with the same doctor, or of the same kind.
    pub(super) fn visit_booked_steps(&self, person: &PersonId, slot: &OpenSlot, at: Timestamp) -> Vec<Step> {
        let kind = slot.specialty.as_ref().map(|specialty| format!("specialty {specialty}"));
        let things = [Some(format!("provider {}", slot.provider)), kind];
        things.into_iter().flatten().flat_map(|thing| self.waited(person, &thing, at)).collect()
    }

    fn waited(&self, person: &PersonId, thing: &str, at: Timestamp) -> [Step; 2] {
        let thing = self.waits_for(person, thing);
        [
            Step::new(ENDS[0], vec![thing.as_str().into()]),
            Step::new(ENDS[1], vec![thing.into(), at.as_microsecond().into()]),
        ]
    }

    fn waits_for(&self, person: &PersonId, thing: &str) -> String {
        self.inner.keys.root().hash("waitlist", &[person.as_str().as_bytes(), thing.as_bytes()])
    }

    /// What a person waits for, longest first.
    ///
    /// # Errors
    /// When the person's key was destroyed, or the database fails.
    pub async fn waited_for(&self, person: &PersonId) -> Result<Phi<Vec<Waiting>>, StoreError> {
        let owner = self.inner.keys.name(&KeyOwner::Person(person.clone()));
        let theirs = "SELECT id, owner, sealed FROM waitlist WHERE owner = $1 AND ended IS NULL ORDER BY created, id";
        let rows = self.inner.database.ask(theirs, &[owner.into()]).await?;
        let all = rows.iter().map(|row| self.waiting_row(row)).collect::<Result<Vec<_>, _>>()?;
        Ok(Phi::new(person.clone(), all))
    }

    /// Whether anybody waits.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn anybody_waits(&self) -> Result<bool, StoreError> {
        let some = "SELECT id FROM waitlist WHERE ended IS NULL LIMIT 1";
        Ok(self.inner.database.ask_one(some, &[]).await?.is_some())
    }

    /// Makes news of the times that came free for whoever waits, and takes back what is free no longer; how much there is
    /// to tell. `free` is what nobody has taken. Doing it again changes nothing.
    ///
    /// # Errors
    /// When the database or a key fails.
    pub async fn tell_who_waits(&self, free: &[OpenSlot], now: Timestamp) -> Result<usize, StoreError> {
        let held = "SELECT slot FROM slot_hold WHERE until > $1";
        let held = self.inner.database.ask(held, &[now.as_microsecond().into()]).await?;
        let held = held.iter().map(|row| row.try_get("slot")).collect::<Result<BTreeSet<String>, _>>()?;
        let free: Vec<OpenSlot> = free.iter().filter(|slot| !held.contains(&slot.id)).cloned().collect();
        let all = "SELECT w.id AS id, w.owner AS owner, w.notice AS notice, w.sealed AS sealed, p.id AS person \
            FROM waitlist w JOIN person p ON p.owner = w.owner WHERE w.ended IS NULL ORDER BY w.created, w.id";
        let (mut steps, mut told) = (Vec::new(), 0);
        for row in self.inner.database.ask(all, &[]).await? {
            let person = person_id(&row.try_get::<String, _>("person")?)?;
            let before: String = row.try_get("notice")?;
            let waiting = match self.waiting_row(&row) {
                Ok(waiting) => waiting,
                Err(StoreError::Key(error)) if matches!(*error, KeyError::Gone) => continue,
                Err(error) => return Err(error),
            };
            if waiting.before <= now {
                steps.extend(self.waited(&person, &thing(&waiting), now));
                continue;
            }
            let found = waiting.first(&free, now);
            let name = found.map_or_else(String::new, |slot| {
                self.inner.keys.root().hash("earlier time", &[waiting.id.as_bytes(), slot.id.as_bytes()])
            });
            if name == before {
                continue;
            }
            steps.push(Step::new(
                "DELETE FROM notice WHERE id = $1 AND told IS NULL AND owner NOT IN (SELECT owner FROM held)",
                vec![before.into()],
            ));
            if let Some(slot) = found {
                let news = NewNotice { id: name.clone(), notice: waiting.news(slot) };
                steps.push(self.notice_step(&person, &news, now)?);
                told += 1;
            }
            steps.push(Step::new(
                "UPDATE waitlist SET notice = $2 WHERE id = $1 AND ended IS NULL",
                vec![waiting.id.into(), name.into()],
            ));
        }
        if !steps.is_empty() {
            self.inner.writer.submit(steps, vec![]).await?;
        }
        Ok(told)
    }

    fn waiting_row(&self, row: &AnyRow) -> Result<Waiting, StoreError> {
        let (id, owner): (String, String) = (row.try_get("id")?, row.try_get("owner")?);
        let place = Place { table: "waitlist", column: "sealed", row: &id, owner: &owner };
        let plain = self.unseal(place, &row.try_get::<Vec<u8>, _>("sealed")?)?;
        let waiting: Waiting =
            serde_json::from_slice(&plain).map_err(|_| StoreError::Damaged("waitlist.sealed".into()))?;
        Ok(Waiting { id, ..waiting })
    }
}

/// What is waited for, as one text.
fn thing(waiting: &Waiting) -> String {
    match (&waiting.visit, &waiting.provider, &waiting.specialty) {
        (Some(visit), ..) => format!("visit {visit}"),
        (None, Some(provider), _) => format!("provider {provider}"),
        (None, None, specialty) => format!("specialty {}", specialty.as_deref().unwrap_or_default()),
    }
}
