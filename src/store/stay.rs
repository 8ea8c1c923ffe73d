//! Who lies where: stays begin and end here.
//!
//! Invariant: a bed changes hands only together with the end of the stay before. Its conversations and answers go in the same
//! commit; what is open on the nurses' board stays, flagged; the stay's key is on the list of keys to be destroyed from that commit
//! on, so that being killed in between leaves nothing readable for longer than until the next look.

use std::collections::BTreeMap;

use jiff::Timestamp;
use sqlx::Row;

use super::{
    Place, Store,
    error::StoreError,
    job::{Refusal, Step},
    keys::{KeyError, KeyOwner},
};
use crate::policy::{Event, JournalEntry, PersonId, RoomId, StayId};

impl Store {
    /// The statements after which these people lie in these rooms, and nobody in those with `None`. Whoever lay there, or lay
    /// elsewhere and lies here now, has a stay that ends. Refused as [`Refusal::Repeated`] where somebody else changed it meanwhile.
    pub(super) async fn lie_steps(
        &self,
        lie: &BTreeMap<RoomId, Option<PersonId>>,
        at: Timestamp,
    ) -> Result<Vec<Step>, StoreError> {
        let mut over = BTreeMap::new();
        for (room, person) in lie {
            let occupant = person.as_ref().map_or_else(String::new, |person| self.occupant_hash(person));
            let there = "SELECT room, owner FROM room WHERE room = $1 OR occupant = $2";
            for row in self.inner.database.ask(there, &[room.as_str().into(), occupant.into()]).await? {
                over.insert(row.try_get::<String, _>("owner")?, row.try_get::<String, _>("room")?);
            }
        }
        let mut steps = vec![];
        for (owner, room) in &over {
            steps.extend(self.over_steps(owner, room, at).await?);
        }
        for (room, person) in lie {
            // What was said there while nobody was known.
            steps.extend(Self::stay_ends(&self.inner.keys.name(&KeyOwner::Room(room.clone()))));
            if let Some(person) = person {
                steps.push(self.stay_step(person, room, at)?);
            }
        }
        Ok(steps)
    }

    async fn over_steps(&self, owner: &str, room: &str, at: Timestamp) -> Result<Vec<Step>, StoreError> {
        let mut steps: Vec<Step> = Self::stay_ends(owner).into();
        steps.extend(self.kept_calls(owner).await?);
        steps.extend(self.kept_words(owner).await?);
        let at = at.as_microsecond();
        steps.push(Step::new(
            "UPDATE request SET stay_over = $2 \
             WHERE room = $1 AND closed IS NULL AND stay_over IS NULL AND kind = 'call'",
            vec![room.into(), at.into()],
        ));
        steps.push(Step::new(
            "INSERT INTO call_event (request, room, what, at) SELECT id, room, 'changed', $2 FROM request \
             WHERE room = $1 AND closed IS NULL AND kind = 'call' AND stay_over = $2",
            vec![room.into(), at.into()],
        ));
        steps.push(Step::new("UPDATE place SET visitor = 0 WHERE room = $1", vec![room.into()]));
        steps.push(Step::new("DELETE FROM room WHERE owner = $1", vec![owner.into()]).or_nothing(Refusal::Repeated));
        steps.push(Step::new("INSERT INTO stay_over (owner, at) VALUES ($1, $2)", vec![owner.into(), at.into()]));
        Ok(steps)
    }

    /// Calls that nobody closed yet must stay readable when the key of the stay is gone in which somebody unknown made them.
    async fn kept_calls(&self, owner: &str) -> Result<Vec<Step>, StoreError> {
        let open = "SELECT id, sealed FROM request WHERE owner = $1 AND closed IS NULL";
        let mut steps = vec![];
        for row in self.inner.database.ask(open, &[owner.into()]).await? {
            let id: String = row.try_get("id")?;
            let place = Place { table: "request", column: "sealed", row: &id, owner };
            let need = match self.unseal(place, &row.try_get::<Vec<u8>, _>("sealed")?) {
                Ok(need) => need,
                Err(StoreError::Key(error)) if matches!(*error, KeyError::Gone) => continue,
                Err(error) => return Err(error),
            };
            let (house, sealed) = self.seal(&KeyOwner::House, "request", "sealed", &id, &need)?;
            steps.push(Step::new(
                "UPDATE request SET owner = $2, sealed = $3 WHERE id = $1",
                vec![id.into(), house.into(), sealed.into()],
            ));
        }
        Ok(steps)
    }

    fn stay_step(&self, person: &PersonId, room: &RoomId, at: Timestamp) -> Result<Step, StoreError> {
        let stay = StayId::fresh(at, self.random()?);
        let key = KeyOwner::Stay(stay.clone());
        self.inner.keys.create(&key)?;
        let (owner, sealed) = self.seal(&key, "room", "sealed", room.as_str(), person.as_str().as_bytes())?;
        let values = vec![
            room.as_str().into(),
            stay.as_str().into(),
            self.occupant_hash(person).into(),
            at.as_microsecond().into(),
            owner.into(),
            sealed.into(),
        ];
        let begin = "INSERT INTO room (room, stay, occupant, since, owner, sealed) VALUES ($1, $2, $3, $4, $5, $6)";
        Ok(Step::new(begin, values).or_duplicate(Refusal::Repeated))
    }

    pub(super) fn occupant_hash(&self, person: &PersonId) -> String {
        self.inner.keys.root().hash("occupant", &[person.as_str().as_bytes()])
    }

    /// Whether there is a key for what is somebody's or some stay's: without it, none of that can be read.
    #[must_use]
    pub fn has_key(&self, owner: &KeyOwner) -> bool {
        self.inner.keys.has(&self.inner.keys.name(owner))
    }

    /// Destroys the keys of stays that are over, and tells of each in the audit trail. Gives how many. Where a legal hold is on
    /// one, its key stays until the hold is lifted.
    ///
    /// # Errors
    /// When the database or the key store fails; what is left is done the next time.
    pub async fn finish_stays(&self, now: Timestamp) -> Result<usize, StoreError> {
        let mut done = 0;
        for row in self.inner.database.ask("SELECT owner FROM stay_over ORDER BY at, owner", &[]).await? {
            let owner: String = row.try_get("owner")?;
            let held = self.held_owner(&owner).await?;
            if !held {
                self.inner.keys.destroy(&owner)?;
            }
            let entry = JournalEntry {
                event: Event::Stay,
                subject: None,
                actor: None,
                intent: None,
                channel: "retention",
                session: None,
                turn: None,
                closes: None,
                outcome: Some(if held { "held" } else { "key-destroyed" }),
                at: now,
            };
            let gone = Step::new("DELETE FROM stay_over WHERE owner = $1", vec![owner.as_str().into()])
                .or_nothing(Refusal::Repeated);
            match self.inner.writer.submit(vec![gone], vec![self.draft_about(&entry, None, Some(&owner))?]).await {
                Ok(_) => done += 1,
                // Another process told of it.
                Err(super::job::JobError::Refused(_)) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(done)
    }
}
