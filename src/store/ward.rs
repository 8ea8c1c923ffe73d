//! What a message of the admission system is decided from, and what it changes.
//!
//! Invariant: what a message changes and the word that it was done are one commit, and nothing of it happens where somebody else
//! changed the beds meanwhile.

use jiff::Timestamp;
use sqlx::Row;

use super::{
    Store,
    adt::{room_id, row_of},
    error::StoreError,
    job::{JobError, Refusal, Step},
    keys::KeyOwner,
    people::person_id,
};
use crate::{
    fleet::adt::{Bed, Decided, Event as Told, Known, Last, Patient, Trigger, When, World},
    policy::{Event, PersonId, RoomId},
    records::Profile,
};

impl Store {
    /// Who the patients of a message are, and the beds that matter to it.
    ///
    /// # Errors
    /// When the database or a key fails.
    pub async fn ward(&self, event: &Told, at: Timestamp) -> Result<(Vec<Known>, World), StoreError> {
        let mut known = Vec::with_capacity(event.patients.len());
        let mut world = World::default();
        for patient in &event.patients {
            let bed = match &patient.location {
                Some(location) => self.mapped(location).await?,
                None => None,
            };
            let people = self.people_with(&patient.identifiers).await?;
            let merged = self.people_with(&patient.merged).await?;
            for person in people.iter().chain(&merged) {
                let lies = "SELECT room FROM room WHERE occupant = $1";
                if let Some(row) = self.inner.database.ask_one(lies, &[self.occupant_hash(person).into()]).await? {
                    self.look_at(&room_id(&row.try_get::<String, _>("room")?)?, &mut world).await?;
                }
            }
            if let Some(room) = &bed {
                self.look_at(room, &mut world).await?;
            }
            known.push(Known {
                people,
                merged,
                fresh: PersonId::fresh(at, self.random()?),
                last: self.last_of(&self.patient_things(patient)).await?,
                visit: patient
                    .visit
                    .as_deref()
                    .map(|visit| self.inner.keys.root().hash("adt visit", &[visit.as_bytes()])),
                bed,
            });
        }
        Ok((known, world))
    }

    async fn look_at(&self, room: &RoomId, world: &mut World) -> Result<(), StoreError> {
        if !world.beds.contains_key(room) {
            let occupant = self.occupant(room).await?.map(|there| there.person);
            let since = self.last_of(&[room_thing(room)]).await?.map(|last| last.when);
            world.beds.insert(room.clone(), Bed { occupant, since });
        }
        Ok(())
    }

    async fn people_with(&self, identifiers: &[String]) -> Result<Vec<PersonId>, StoreError> {
        let mut people: Vec<PersonId> = vec![];
        for lookup in self.identifier_lookups(identifiers) {
            let who = "SELECT person FROM identifier WHERE lookup = $1";
            if let Some(row) = self.inner.database.ask_one(who, &[lookup.into()]).await? {
                let person = person_id(&row.try_get::<String, _>("person")?)?;
                if !people.contains(&person) {
                    people.push(person);
                }
            }
        }
        Ok(people)
    }

    fn identifier_lookups(&self, identifiers: &[String]) -> Vec<String> {
        let root = self.inner.keys.root();
        identifiers.iter().map(|id| root.hash("identifier", &[id.as_bytes()])).collect()
    }

    fn patient_things(&self, patient: &Patient) -> Vec<String> {
        let root = self.inner.keys.root();
        patient.identifiers.iter().map(|id| format!("patient {}", root.hash("adt patient", &[id.as_bytes()]))).collect()
    }

    async fn last_of(&self, things: &[String]) -> Result<Option<Last>, StoreError> {
        let mut latest: Option<Last> = None;
        for thing in things {
            let one = "SELECT at, sure, kind, visit FROM adt_last WHERE thing = $1";
            let Some(row) = self.inner.database.ask_one(one, &[thing.as_str().into()]).await? else { continue };
            let damaged = || StoreError::Damaged("adt_last".into());
            let last = Last {
                when: When {
                    at: Timestamp::from_microsecond(row.try_get("at")?).map_err(|_| damaged())?,
                    sure: row.try_get::<i64, _>("sure")? != 0,
                },
                trigger: Trigger::of(&row.try_get::<String, _>("kind")?).ok_or_else(damaged)?,
                visit: Some(row.try_get("visit")?).filter(|visit: &String| !visit.is_empty()),
            };
            if latest.as_ref().is_none_or(|latest| latest.when.at < last.when.at) {
                latest = Some(last);
            }
        }
        Ok(latest)
    }

    /// Does what was decided about a message, all of it or nothing. `false` where something changed meanwhile, and it is to be
    /// decided again.
    ///
    /// # Errors
    /// When the database or a key fails; nothing was changed.
    pub async fn settle_message(
        &self,
        id: &str,
        event: &Told,
        known: &[Known],
        decided: &Decided,
        at: Timestamp,
    ) -> Result<bool, StoreError> {
        let mut steps = vec![self.message_step(id, &decided.state, decided.note.map_or("", |note| note.name()), at)];
        let mut fresh = vec![];
        for (which, (patient, known)) in event.patients.iter().zip(known).enumerate() {
            if decided.made.contains(&which) {
                steps.extend(self.made_steps(patient, &known.fresh, at)?);
                fresh.push(known.fresh.clone());
            } else if let [person] = known.people.as_slice() {
                steps.extend(self.known_steps(patient, person).await?);
            }
            if decided.heard.contains(&which) {
                let visit = known.visit.as_deref().unwrap_or_default();
                steps.extend(self.patient_things(patient).iter().map(|thing| last_step(thing, event, visit)));
            }
        }
        for (which, person) in &decided.joined {
            let patient = event.patients.get(*which).into_iter();
            let identifiers = patient.flat_map(|patient| patient.identifiers.iter().chain(&patient.merged).cloned());
            for lookup in self.identifier_lookups(&identifiers.collect::<Vec<_>>()) {
                steps.push(Step::new(
                    "INSERT INTO identifier (lookup, person) VALUES ($1, $2) \
                     ON CONFLICT (lookup) DO UPDATE SET person = excluded.person",
                    vec![lookup.into(), person.as_str().into()],
                ));
            }
        }
        steps.extend(decided.lie.keys().map(|room| last_step(&room_thing(room), event, "")));
        let outcome = self.lie(id, decided, steps, at).await;
        if !matches!(outcome, Ok(true)) {
            // Nobody was made known, so nothing needs these keys.
            for person in fresh {
                let _ = self.inner.keys.destroy(&self.inner.keys.name(&KeyOwner::Person(person)));
            }
        }
        outcome
    }

    async fn lie(&self, id: &str, decided: &Decided, mut steps: Vec<Step>, at: Timestamp) -> Result<bool, StoreError> {
        steps.extend(self.lie_steps(&decided.lie, at).await?);
        let mut drafts = vec![];
        for person in decided.lie.values() {
            let outcome = if person.is_some() { "began" } else { "ended" };
            drafts.push(self.draft_about(&row_of(Event::Stay, person.clone(), outcome, at), None, Some(id))?);
        }
        match self.inner.writer.submit(steps, drafts).await {
            Ok(_) => {
                decided.lie.keys().for_each(|room| self.inner.wakes.room(room));
                Ok(true)
            }
            Err(JobError::Refused(_)) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// Somebody of whom nothing is known but what the message tells. They have agreed to nothing.
    fn made_steps(&self, patient: &Patient, person: &PersonId, at: Timestamp) -> Result<Vec<Step>, StoreError> {
        let owner = KeyOwner::Person(person.clone());
        self.inner.keys.create(&owner)?;
        let mut steps = self.newcomer_steps(person, None, at)?;
        for lookup in self.identifier_lookups(&patient.identifiers) {
            steps.push(
                Step::new(
                    "INSERT INTO identifier (lookup, person) VALUES ($1, $2)",
                    vec![lookup.into(), person.as_str().into()],
                )
                .or_duplicate(Refusal::Repeated),
            );
        }
        steps.push(self.profile_step(patient, &owner)?);
        Ok(steps)
    }

    /// Identifiers that are new. What somebody is called follows the message only while nothing else tells it.
    async fn known_steps(&self, patient: &Patient, person: &PersonId) -> Result<Vec<Step>, StoreError> {
        let owner = KeyOwner::Person(person.clone());
        let mut steps = vec![];
        for lookup in self.identifier_lookups(&patient.identifiers) {
            steps.push(Step::new(
                "INSERT INTO identifier (lookup, person) VALUES ($1, $2) ON CONFLICT (lookup) DO NOTHING",
                vec![lookup.into(), person.as_str().into()],
            ));
        }
        let imported = "SELECT kind FROM chart WHERE owner = $1 AND kind = 'source'";
        let name = self.inner.keys.name(&owner);
        if !patient.family.is_empty() && self.inner.database.ask_one(imported, &[name.into()]).await?.is_none() {
            steps.push(self.profile_step(patient, &owner)?);
        }
        Ok(steps)
    }

    fn profile_step(&self, patient: &Patient, owner: &KeyOwner) -> Result<Step, StoreError> {
        let profile = Profile {
            given: patient.given.clone(),
            family: patient.family.clone(),
            birth: patient.birth,
            called: vec![],
        };
        self.name_step(owner, &profile)
    }
}

fn last_step(thing: &str, event: &Told, visit: &str) -> Step {
    Step::new(
        "INSERT INTO adt_last (thing, at, sure, kind, visit) VALUES ($1, $2, $3, $4, $5) \
         ON CONFLICT (thing) DO UPDATE SET at = excluded.at, sure = excluded.sure, kind = excluded.kind, visit = excluded.visit",
        vec![
            thing.into(),
            event.when.at.as_microsecond().into(),
            i64::from(event.when.sure).into(),
            event.trigger.code().into(),
            visit.into(),
        ],
    )
}

fn room_thing(room: &RoomId) -> String {
    format!("room {}", room.as_str())
}
