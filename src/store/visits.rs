//! Visits made, moved and called off here, and the free times they come from.
//!
//! Invariants: a free time is taken once (`WHERE free = 1`, and the row says how many changed), and while it is held
//! for one person by nobody else; a visit is moved or called off only as it was read (its revision); what is moved has
//! its new time and has left its old one, or neither. A visit that only the chart knows gets a row here when it is
//! changed, named by a keyed hash, so that two changes of it meet in one place.

use std::collections::BTreeSet;

use jiff::Timestamp;
use sqlx::{Row, any::AnyRow};
use zeroize::Zeroizing;

use super::{
    Place, Store, TurnCommit,
    error::StoreError,
    job::{Refusal, Step},
    keys::KeyOwner,
    requests::time,
};
use crate::{
    actions::{Change, Conflict},
    policy::{PersonId, Phi, staff::OUTPATIENTS},
    records::{KeptVisit, OpenSlot, Origin, Provider, SlotQuery, Visit, VisitMode, outgoing::Outgoing},
};

impl Store {
    /// The statements of a change of visits or free times. `id` is that of a new row.
    pub(super) fn visit_steps(
        &self,
        change: &Change,
        person: &PersonId,
        id: &str,
        commit: &TurnCommit,
    ) -> Result<Vec<Step>, StoreError> {
        let at = commit.at;
        Ok(match change {
            Change::Book { slot, reason } => {
                let visit = Visit { id: id.to_owned(), reason: reason.clone(), ..made_of(slot) };
                let mut steps = self.take_steps(person, slot, commit);
                steps.push(self.insert_visit(person, id, &visit)?);
                steps.extend(self.visit_booked_steps(person, slot, at));
                steps
            }
            Change::Cancel { visit } => {
                let off = Visit { booked: false, was: visit.was.or(Some(visit.start)), ..visit.clone() };
                let mut steps = vec![self.change_visit(person, visit, &off)?];
                steps.extend(freed(visit, at));
                steps.extend(self.visit_changed_steps(person, &visit.id, at));
                steps
            }
            Change::Reschedule { visit, to } => {
                let moved = Visit {
                    id: visit.id.clone(),
                    reason: visit.reason.clone(),
                    prepare: visit.prepare.clone(),
                    version: visit.version.clone(),
                    was: visit.was.or(Some(visit.start)),
                    ..made_of(to)
                };
                let mut steps = self.take_steps(person, to, commit);
                steps.push(self.change_visit(person, visit, &moved)?);
                steps.extend(freed(visit, at));
                steps.extend(self.visit_changed_steps(person, &visit.id, at));
                steps
            }
            Change::Arrive { visit, arrival, need } => {
                let was = visit.was.or(Some(visit.start));
                let there = Visit { arrival: Some(*arrival), was, ..visit.clone() };
                vec![self.change_visit(person, visit, &there)?, self.front_desk_step(person, id, need, at)?]
            }
            Change::JoinWaitlist { waiting } => vec![self.join_step(person, id, waiting)?],
            Change::LeaveWaitlist { ids } => self.unwait_steps(person, ids, at),
            Change::HoldSlot { slot, until, again: false } => self.hold_steps(person, slot, *until, at),
            Change::HoldSlot { slot, until, again: true } => vec![Step::new(
                "UPDATE slot_hold SET until = $3 WHERE slot = $1 AND holder = $2",
                vec![slot.id.as_str().into(), self.holder(person, &slot.id).into(), until.as_microsecond().into()],
            )],
            Change::ReleaseSlot { slot } => vec![Step::new(
                "DELETE FROM slot_hold WHERE slot = $1 AND holder = $2",
                vec![slot.as_str().into(), self.holder(person, slot).into()],
            )],
            _ => return Err(StoreError::NotPossible),
        })
    }

    /// A row on the board of those who look after people that stay in no room.
    fn front_desk_step(&self, person: &PersonId, id: &str, need: &str, at: Timestamp) -> Result<Step, StoreError> {
        let (owner, sealed) = self.seal(&KeyOwner::Person(person.clone()), "request", "sealed", id, need.as_bytes())?;
        Ok(Step::new(
            "INSERT INTO request (id, room, emergency, requested, owner, sealed) VALUES ($1, $2, 0, $3, $4, $5)",
            vec![id.into(), OUTPATIENTS.into(), at.as_microsecond().into(), owner.into(), sealed.into()],
        ))
    }

    /// Whoever holds a slot: another name for each slot, so that two holds of one person have nothing in common.
    fn holder(&self, person: &PersonId, slot: &str) -> String {
        self.inner.keys.root().hash("slot hold", &[person.as_str().as_bytes(), slot.as_bytes()])
    }

    /// Takes a slot that is free and that nobody else holds. One that a server offers need not be known here.
    fn take_steps(&self, person: &PersonId, slot: &OpenSlot, commit: &TurnCommit) -> Vec<Step> {
        let known = commit.sends.then(|| Self::known_step(slot));
        let mine = [slot.id.as_str().into(), self.holder(person, &slot.id).into(), commit.at.as_microsecond().into()];
        let take = [
            Step::new("DELETE FROM slot_hold WHERE slot = $1 AND (holder = $2 OR until <= $3)", mine.to_vec()),
            Step::new(
                "UPDATE slot SET free = 0 WHERE id = $1 AND free = 1 \
                 AND NOT EXISTS (SELECT 1 FROM slot_hold WHERE slot_hold.slot = slot.id)",
                vec![slot.id.as_str().into()],
            )
            .or_nothing(Refusal::Conflict(Conflict::SlotTaken)),
        ];
        known.into_iter().chain(take).collect()
    }

    /// Makes a slot known that is not yet; one that is known stays as it is.
    fn known_step(slot: &OpenSlot) -> Step {
        let mut step = Self::slot_step(slot);
        step.statement.sql =
            "INSERT INTO slot (id, starts, ends, provider, specialty, place, free, mode, zone, version, actors) \
            VALUES ($1, $2, $3, $4, $5, $6, 1, $7, $8, $9, $10) ON CONFLICT (id) DO NOTHING"
                .into();
        step
    }

    fn hold_steps(&self, person: &PersonId, slot: &OpenSlot, until: Timestamp, at: Timestamp) -> Vec<Step> {
        let taken = Refusal::Conflict(Conflict::SlotTaken);
        vec![
            Step::new("DELETE FROM slot_hold WHERE until <= $1", vec![at.as_microsecond().into()]),
            Self::known_step(slot),
            // Changes nothing: it asks whether the slot is free still.
            Step::new("UPDATE slot SET free = 1 WHERE id = $1 AND free = 1", vec![slot.id.as_str().into()])
                .or_nothing(taken),
            Step::new(
                "INSERT INTO slot_hold (slot, holder, until) VALUES ($1, $2, $3) ON CONFLICT (slot) \
                 DO UPDATE SET until = excluded.until WHERE slot_hold.holder = excluded.holder",
                vec![slot.id.as_str().into(), self.holder(person, &slot.id).into(), until.as_microsecond().into()],
            )
            .or_nothing(taken),
        ]
    }

    /// A row of its own: for a new visit, or for one of the chart that is changed for the first time.
    fn insert_visit(&self, person: &PersonId, row: &str, visit: &Visit) -> Result<Step, StoreError> {
        let (owner, sealed) = self.sealed_visit(person, row, visit)?;
        Ok(Step::new(
            "INSERT INTO visit (id, owner, sealed, revision) VALUES ($1, $2, $3, 0)",
            vec![row.into(), owner.into(), sealed.into()],
        )
        .or_duplicate(Refusal::Conflict(Conflict::VisitChanged)))
    }

    /// The row of a visit that only the chart knew before it was changed here.
    fn charted_row(&self, person: &PersonId, visit: &str) -> String {
        let owner = self.inner.keys.name(&KeyOwner::Person(person.clone()));
        self.inner.keys.root().hash("visit", &[owner.as_bytes(), visit.as_bytes()])
    }

    /// Takes back what was changed here of a visit, once its server has refused it: one that was booked here is as it was,
    /// of any other what the chart tells counts again. `conflict`: the new time is somebody else's.
    pub(super) fn visit_refused(
        &self,
        person: &PersonId,
        change: &Outgoing,
        conflict: bool,
    ) -> Result<Vec<Step>, StoreError> {
        let (visit, undo, to) = match change {
            Outgoing::Cancel { visit, undo, .. } | Outgoing::Arrive { visit, undo, .. } => (visit, undo, None),
            Outgoing::Move { visit, undo, to, .. } => (visit, undo, Some(to).filter(|_| !conflict)),
            _ => return Ok(vec![]),
        };
        let mut steps = match &undo.visit {
            Some(before) => {
                let (owner, sealed) = self.sealed_visit(person, visit, before)?;
                let back = "UPDATE visit SET sealed = $3, revision = revision + 1 WHERE id = $1 AND owner = $2";
                vec![Step::new(back, vec![visit.as_str().into(), owner.into(), sealed.into()])]
            }
            None => {
                let owner = self.inner.keys.name(&KeyOwner::Person(person.clone()));
                let gone = |row: String| {
                    let statement = "DELETE FROM visit WHERE id = $1 AND owner = $2";
                    Step::new(statement, vec![row.into(), owner.as_str().into()])
                };
                vec![gone(self.charted_row(person, visit)), gone(visit.clone())]
            }
        };
        // The time that was given back is not free after all; if it ever is, the next reading tells.
        let given =
            |slot: &String| Step::new("DELETE FROM slot WHERE id = $1 AND free = 1", vec![slot.as_str().into()]);
        steps.extend(undo.slot.iter().map(given));
        steps.extend(to.map(|to| Step::new("UPDATE slot SET free = 1 WHERE id = $1", vec![to.id.as_str().into()])));
        Ok(steps)
    }

    /// Writes a visit over the one that was read, if that is still how it is.
    fn change_visit(&self, person: &PersonId, read: &Visit, now: &Visit) -> Result<Step, StoreError> {
        let Some(KeptVisit { row, revision }) = &read.kept else {
            return self.insert_visit(person, &self.charted_row(person, &read.id), now);
        };
        let (_, sealed) = self.sealed_visit(person, row, now)?;
        Ok(Step::new(
            "UPDATE visit SET sealed = $3, revision = $2 + 1 WHERE id = $1 AND revision = $2",
            vec![row.as_str().into(), (*revision).into(), sealed.into()],
        )
        .or_nothing(Refusal::Conflict(Conflict::VisitChanged)))
    }

    fn sealed_visit(&self, person: &PersonId, row: &str, visit: &Visit) -> Result<(String, Vec<u8>), StoreError> {
        let plain = Zeroizing::new(serde_json::to_vec(visit).unwrap_or_default());
        self.seal(&KeyOwner::Person(person.clone()), "visit", "sealed", row, &plain)
    }

    /// A free time as it comes with a chart. One that was taken here stays taken.
    pub(super) fn slot_step(slot: &OpenSlot) -> Step {
        Step::new(
            "INSERT INTO slot (id, starts, ends, provider, specialty, place, free, mode, zone, version, actors) \
             VALUES ($1, $2, $3, $4, $5, $6, 1, $7, $8, $9, $10) ON CONFLICT (id) DO UPDATE SET \
             starts = excluded.starts, ends = excluded.ends, provider = excluded.provider, \
             specialty = excluded.specialty, place = excluded.place, mode = excluded.mode, zone = excluded.zone, \
             version = excluded.version, actors = excluded.actors",
            vec![
                slot.id.as_str().into(),
                slot.start.as_microsecond().into(),
                slot.end.as_microsecond().into(),
                slot.provider.as_str().into(),
                slot.specialty.clone().into(),
                slot.place.clone().into(),
                slot.mode.name().into(),
                slot.zone.clone().into(),
                slot.version.clone().into(),
                slot.actors.join(" ").into(),
            ],
        )
    }

    /// Whoever has a free time in a span, each specialty by itself.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn who_has_slots(&self, from: Timestamp, until: Timestamp) -> Result<Vec<Provider>, StoreError> {
        let who = "SELECT DISTINCT provider, specialty FROM slot WHERE free = 1 AND starts >= $1 AND starts < $2 \
            ORDER BY provider, specialty";
        let rows = self.inner.database.ask(who, &[from.as_microsecond().into(), until.as_microsecond().into()]).await?;
        let provider = |row: &AnyRow| -> Result<Provider, StoreError> {
            let specialty: Option<String> = row.try_get("specialty")?;
            Ok(Provider { name: row.try_get("provider")?, specialty, role: None, origin: Origin::default() })
        };
        rows.iter().map(provider).collect()
    }

    /// Free times that nobody else holds, earliest first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn free_slots(&self, query: &SlotQuery) -> Result<Vec<OpenSlot>, StoreError> {
        let free = "SELECT id, starts, ends, provider, specialty, place, mode, zone, version, actors FROM slot \
            WHERE free = 1 AND starts >= $1 AND starts < $2 \
            AND ($3 = '' OR provider = $3) AND ($4 = '' OR specialty = $4) ORDER BY starts, id LIMIT $5";
        let held = match &query.held_for {
            Some((person, now)) => self.held_by_others(person, *now).await?,
            None => BTreeSet::new(),
        };
        let values = [
            query.from.as_microsecond().into(),
            query.until.as_microsecond().into(),
            query.provider.as_deref().unwrap_or_default().into(),
            query.specialty.as_deref().unwrap_or_default().into(),
            i64::try_from(query.limit.saturating_add(held.len())).unwrap_or(i64::MAX).into(),
        ];
        let rows = self.inner.database.ask(free, &values).await?;
        let slots = rows.iter().map(slot_of).collect::<Result<Vec<_>, _>>()?;
        Ok(slots.into_iter().filter(|slot| !held.contains(&slot.id)).take(query.limit).collect())
    }

    /// The ids of slots that are held now for somebody other than this person.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn held_by_others(&self, person: &PersonId, now: Timestamp) -> Result<BTreeSet<String>, StoreError> {
        let held = "SELECT slot, holder FROM slot_hold WHERE until > $1";
        let rows = self.inner.database.ask(held, &[now.as_microsecond().into()]).await?;
        let mut others = BTreeSet::new();
        for row in rows {
            let (slot, holder): (String, String) = (row.try_get("slot")?, row.try_get("holder")?);
            if holder != self.holder(person, &slot) {
                others.insert(slot);
            }
        }
        Ok(others)
    }

    /// Visits booked here, and what became of those of the chart here, in the order of their rows.
    ///
    /// # Errors
    /// When the person's key was destroyed, or the database fails.
    pub async fn booked_visits(&self, person: &PersonId) -> Result<Phi<Vec<Visit>>, StoreError> {
        Ok(Phi::new(person.clone(), self.visit_rows(person).await?))
    }

    /// The same, for this module's own comparisons.
    pub(super) async fn visit_rows(&self, person: &PersonId) -> Result<Vec<Visit>, StoreError> {
        let owner = self.inner.keys.name(&KeyOwner::Person(person.clone()));
        let booked = "SELECT id, sealed, revision FROM visit WHERE owner = $1 ORDER BY id";
        let rows = self.inner.database.ask(booked, &[owner.as_str().into()]).await?;
        let mut visits = Vec::with_capacity(rows.len());
        for row in rows {
            let id: String = row.try_get("id")?;
            let place = Place { table: "visit", column: "sealed", row: &id, owner: &owner };
            let plain = self.unseal(place, &row.try_get::<Vec<u8>, _>("sealed")?)?;
            let visit: Visit =
                serde_json::from_slice(&plain).map_err(|_| StoreError::Damaged("visit.sealed".into()))?;
            visits.push(Visit { kept: Some(KeptVisit { row: id, revision: row.try_get("revision")? }), ..visit });
        }
        Ok(visits)
    }
}

fn slot_of(row: &AnyRow) -> Result<OpenSlot, StoreError> {
    let (mode, actors): (String, String) = (row.try_get("mode")?, row.try_get("actors")?);
    Ok(OpenSlot {
        id: row.try_get("id")?,
        start: time(row, "starts")?,
        end: time(row, "ends")?,
        provider: row.try_get("provider")?,
        specialty: row.try_get("specialty")?,
        place: row.try_get("place")?,
        mode: VisitMode::named(&mode).ok_or_else(|| StoreError::Damaged("slot.mode".into()))?,
        zone: row.try_get("zone")?,
        version: row.try_get("version")?,
        actors: actors.split_whitespace().map(str::to_owned).collect(),
    })
}

/// A visit in that slot.
fn made_of(slot: &OpenSlot) -> Visit {
    Visit {
        start: slot.start,
        end: Some(slot.end),
        provider: Some(slot.provider.clone()),
        specialty: slot.specialty.clone(),
        place: slot.place.clone(),
        booked: true,
        mode: slot.mode,
        zone: slot.zone.clone(),
        slot: Some(slot.id.clone()),
        ..Visit::default()
    }
}

/// The visit's old time can be taken by others, where it is known which that is and it is still to come. One that was
/// taken here is let go of; one that the clinic had filled is new here, unless somebody else has it by now.
fn freed(visit: &Visit, at: Timestamp) -> Option<Step> {
    let (slot, provider, end) = (visit.slot.as_ref()?, visit.provider.as_ref()?, visit.end?);
    if visit.start <= at {
        return None;
    }
    // Its row may say no more than that somebody came to it.
    let moved = visit.was.is_some_and(|was| was != visit.start);
    let taken_here = visit.kept.as_ref().is_some_and(|kept| kept.row == visit.id || moved);
    if taken_here {
        return Some(Step::new("UPDATE slot SET free = 1 WHERE id = $1", vec![slot.as_str().into()]));
    }
    // One that was moved away and back to its own time is taken here, too.
    let new = if visit.was.is_some() {
        "INSERT INTO slot (id, starts, ends, provider, specialty, place, free, mode, zone) \
         VALUES ($1, $2, $3, $4, $5, $6, 1, $7, $8) ON CONFLICT (id) DO UPDATE SET free = 1"
    } else {
        "INSERT INTO slot (id, starts, ends, provider, specialty, place, free, mode, zone) \
         VALUES ($1, $2, $3, $4, $5, $6, 1, $7, $8) ON CONFLICT (id) DO NOTHING"
    };
    Some(Step::new(
        new,
        vec![
            slot.as_str().into(),
            visit.start.as_microsecond().into(),
            end.as_microsecond().into(),
            provider.as_str().into(),
            visit.specialty.clone().into(),
            visit.place.clone().into(),
            visit.mode.name().into(),
            visit.zone.clone().into(),
        ],
    ))
}
