//! What becomes of a message: who lies where afterwards. Pure.
//!
//! The rule that all others follow: to know somebody in a bed takes a clear statement, to know nobody there takes a doubt.

use std::collections::BTreeMap;

use super::{Event, Location, Trigger, When};
use crate::policy::{PersonId, RoomId};

/// A bed as it is known.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Bed {
    /// Who lies there.
    pub occupant: Option<PersonId>,
    /// When what was told last of it happened.
    pub since: Option<When>,
}

/// What was told last about somebody's place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Last {
    /// When it happened.
    pub when: When,
    /// What it was.
    pub trigger: Trigger,
    /// Of which visit, as a keyed hash.
    pub visit: Option<String>,
}

/// A patient of a message, as they are known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Known {
    /// Whom the identifiers stand for: nobody yet, one person, or, where something is wrong, several.
    pub people: Vec<PersonId>,
    /// For a merge: whom the identifiers that are merged stand for.
    pub merged: Vec<PersonId>,
    /// Who they become when they are made known.
    pub fresh: PersonId,
    /// What was told last about them.
    pub last: Option<Last>,
    /// Of which visit this message is, as a keyed hash.
    pub visit: Option<String>,
    /// The bed that the message names; `None` where nobody has said yet which that is.
    pub bed: Option<RoomId>,
}

/// The beds that matter to a message: those it names and those its patients lie in.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct World {
    /// By what they are called here.
    pub beds: BTreeMap<RoomId, Bed>,
}

impl World {
    fn of(&self, person: &PersonId) -> Option<RoomId> {
        self.beds.iter().find(|(_, bed)| bed.occupant.as_ref() == Some(person)).map(|(room, _)| room.clone())
    }
}

/// How a message ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    /// It counts.
    Applied,
    /// It changes nothing about who lies where.
    Ignored,
    /// Something later is known already.
    Late,
    /// It counts once somebody has said which bed this is.
    Waiting(Location),
    /// Somebody has to look at it.
    Review,
}

/// What whoever looks at it should know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Note {
    /// Its identifiers are several people's: none of them is known to lie anywhere now.
    SeveralPeople,
    /// It names no bed.
    NoBed,
    /// Somebody else was still in the bed; their stay ended.
    BedTaken,
    /// Another message says that somebody else lies there; nobody is known to lie there now.
    TwoInOneBed,
    /// It tells another bed than the one the person is known in; they are known in none now.
    OtherBed,
    /// The person goes, but somebody else is known in that bed, who stays.
    NotWhoLiesThere,
    /// It is older than what is known, and ends a stay all the same.
    LateEnd,
    /// Two people that both have records are one: what they have is not put together.
    TwoCharts,
}

impl Note {
    /// Each with its word.
    pub const ALL: [(&'static str, Self); 8] = [
        ("several-people", Self::SeveralPeople),
        ("no-bed", Self::NoBed),
        ("bed-taken", Self::BedTaken),
        ("two-in-one-bed", Self::TwoInOneBed),
        ("other-bed", Self::OtherBed),
        ("not-who-lies-there", Self::NotWhoLiesThere),
        ("late-end", Self::LateEnd),
        ("two-charts", Self::TwoCharts),
    ];

    /// Its word.
    #[must_use]
    pub fn name(self) -> &'static str {
        Self::ALL.iter().find(|(_, note)| *note == self).map_or("", |(name, _)| *name)
    }
}

/// What becomes of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decided {
    /// How it ended.
    pub state: State,
    /// What to know about it.
    pub note: Option<Note>,
    /// Who lies in these beds from now on. Beds in which nothing changes are not among them.
    pub lie: BTreeMap<RoomId, Option<PersonId>>,
    /// Which patients, by their place in the message, are made known.
    pub made: Vec<usize>,
    /// Whose identifiers become whose: of the second person, those of the patient at that place.
    pub joined: Vec<(usize, PersonId)>,
    /// Which patients' last word this is.
    pub heard: Vec<usize>,
}

/// Decides. `known` has one entry for each patient of the event, in the same order.
#[must_use]
pub fn decide(event: &Event, known: &[Known], world: &World) -> Decided {
    let mut ward = Ward { event, known, beds: world.clone(), done: Decided::nothing() };
    match event.trigger {
        Trigger::Merge => ward.merge(),
        Trigger::Swap => ward.swap(),
        Trigger::Update => ward.update(),
        Trigger::Discharge | Trigger::CancelAdmit => ward.goes(0),
        Trigger::Admit | Trigger::Register | Trigger::Transfer | Trigger::CancelTransfer | Trigger::CancelDischarge => {
            ward.comes(0);
        }
    }
    let changed = ward.beds.beds.into_iter().filter(|(room, bed)| {
        world.beds.get(room).and_then(|before| before.occupant.as_ref()) != bed.occupant.as_ref()
    });
    Decided { lie: changed.map(|(room, bed)| (room, bed.occupant)).collect(), ..ward.done }
}

impl Decided {
    const fn nothing() -> Self {
        Self { state: State::Ignored, note: None, lie: BTreeMap::new(), made: vec![], joined: vec![], heard: vec![] }
    }

    fn applied(&mut self, note: Option<Note>) {
        self.ends(if note.is_some() { State::Review } else { State::Applied }, note);
    }

    /// Of several things that are wrong the first one counts.
    fn ends(&mut self, state: State, note: Option<Note>) {
        if self.note.is_none() && !matches!(self.state, State::Waiting(_)) {
            self.state = state;
            self.note = note;
        }
    }
}

/// A message at work on a copy of the beds.
struct Ward<'a> {
    event: &'a Event,
    known: &'a [Known],
    beds: World,
    done: Decided,
}

impl Ward<'_> {
    /// Whom a patient of the message is; makes them known where nobody is. `None` where they are several people: then none
    /// of them is believed to lie anywhere.
    fn person(&mut self, which: usize) -> Option<PersonId> {
        let patient = self.known.get(which)?;
        match patient.people.as_slice() {
            [] => {
                self.done.made.push(which);
                Some(patient.fresh.clone())
            }
            [one] => Some(one.clone()),
            several => {
                for person in several {
                    self.leave(person);
                }
                self.done.ends(State::Review, Some(Note::SeveralPeople));
                None
            }
        }
    }

    fn leave(&mut self, person: &PersonId) {
        if let Some(room) = self.beds.of(person)
            && let Some(bed) = self.beds.beds.get_mut(&room)
        {
            bed.occupant = None;
        }
    }

    fn late(&self, which: usize) -> bool {
        let last = self.known.get(which).and_then(|patient| patient.last.as_ref());
        last.is_some_and(|last| self.event.when.before(last.when))
    }

    /// Somebody lies, from now on, where the message says.
    fn comes(&mut self, which: usize) {
        if self.late(which) {
            return self.done.ends(State::Late, None);
        }
        let Some(person) = self.person(which) else { return };
        self.done.heard.push(which);
        let named = self.event.patients.get(which).and_then(|patient| patient.location.clone());
        let bed = self.known.get(which).and_then(|patient| patient.bed.clone());
        match (bed, named) {
            (Some(room), _) => self.lies_in(&person, &room),
            (None, Some(location)) => {
                self.leave(&person);
                self.done.ends(State::Waiting(location), None);
            }
            // Who is registered without a bed sits in a waiting room.
            (None, None) if self.event.trigger == Trigger::Register => self.done.ends(State::Ignored, None),
            (None, None) => {
                let left = self.beds.of(&person).is_some();
                self.leave(&person);
                match self.event.trigger {
                    // A bed comes later, with A02.
                    Trigger::Admit if !left => self.done.ends(State::Ignored, None),
                    _ => self.done.ends(State::Review, Some(Note::NoBed)),
                }
            }
        }
    }

    fn lies_in(&mut self, person: &PersonId, room: &RoomId) {
        let there = self.beds.beds.get(room).cloned().unwrap_or_default();
        let other = there.occupant.filter(|there| there != person);
        let doubt = there.since.is_some_and(|since| self.event.when.before(since))
            || matches!(self.event.trigger, Trigger::CancelTransfer | Trigger::CancelDischarge);
        self.leave(person);
        let bed = self.beds.beds.entry(room.clone()).or_default();
        match other {
            Some(_) if doubt => {
                bed.occupant = None;
                self.done.ends(State::Review, Some(Note::TwoInOneBed));
            }
            other => {
                bed.occupant = Some(person.clone());
                self.done.applied(other.map(|_| Note::BedTaken));
            }
        }
    }

    /// Somebody goes.
    fn goes(&mut self, which: usize) {
        let Some(patient) = self.known.get(which) else { return };
        let last = patient.last.clone();
        let late = self.late(which);
        if late {
            // What was cancelled meanwhile, or belongs to a visit before this one, ends nothing.
            let cancelled = last.as_ref().is_some_and(|last| {
                self.event.trigger == Trigger::Discharge && last.trigger == Trigger::CancelDischarge
            });
            let other = last.and_then(|last| last.visit).zip(patient.visit.clone()).is_some_and(|(a, b)| a != b);
            if cancelled || other {
                return self.done.ends(State::Late, None);
            }
        } else {
            self.done.heard.push(which);
        }
        if patient.people.is_empty() {
            let other = patient.bed.as_ref().and_then(|room| self.beds.beds.get(room)?.occupant.clone());
            let note = other.map(|_| Note::NotWhoLiesThere);
            return self.done.ends(if note.is_some() { State::Review } else { State::Ignored }, note);
        }
        let Some(person) = self.person(which) else { return };
        let lay = self.beds.of(&person);
        self.leave(&person);
        match (lay, late, &self.known[which].bed) {
            (None, true, _) => self.done.ends(State::Late, None),
            (Some(_), true, _) => self.done.ends(State::Review, Some(Note::LateEnd)),
            (None, false, Some(room)) if self.beds.beds.get(room).is_some_and(|bed| bed.occupant.is_some()) => {
                self.done.ends(State::Review, Some(Note::NotWhoLiesThere));
            }
            (None, false, _) => self.done.ends(State::Ignored, None),
            (Some(lay), false, Some(told)) if lay != *told => self.done.ends(State::Review, Some(Note::OtherBed)),
            (Some(_), false, _) => self.done.applied(None),
        }
    }

    /// A08 is not for moving anybody (§3.3.8): where it tells another bed, one of the two is wrong.
    fn update(&mut self) {
        let Some(patient) = self.known.first() else { return };
        if self.late(0) {
            return self.done.ends(State::Late, None);
        }
        if patient.people.is_empty() {
            return self.done.ends(State::Ignored, None);
        }
        let told = patient.bed.clone();
        let Some(person) = self.person(0) else { return };
        match (self.beds.of(&person), told) {
            (Some(lies), Some(told)) if lies != told => {
                self.leave(&person);
                self.done.ends(State::Review, Some(Note::OtherBed));
            }
            _ => self.done.applied(None),
        }
    }

    fn swap(&mut self) {
        if self.late(0) || self.late(1) {
            return self.done.ends(State::Late, None);
        }
        // Both get up before either lies down.
        for which in [0, 1] {
            if let Some(patient) = self.known.get(which) {
                for person in patient.people.clone() {
                    self.leave(&person);
                }
            }
        }
        self.comes(0);
        self.comes(1);
    }

    fn merge(&mut self) {
        for which in 0..self.known.len() {
            let Some(patient) = self.known.get(which) else { continue };
            let from: Vec<PersonId> =
                patient.merged.iter().filter(|merged| !patient.people.contains(merged)).cloned().collect();
            if patient.people.len() > 1 || from.len() > 1 {
                for person in patient.people.iter().chain(&from).cloned().collect::<Vec<_>>() {
                    self.leave(&person);
                }
                self.done.ends(State::Review, Some(Note::SeveralPeople));
                continue;
            }
            match (patient.people.first().cloned(), from.into_iter().next()) {
                // Nobody here has either number.
                (None, None) => self.done.ends(State::Ignored, None),
                // The same person with one number more.
                (Some(one), None) | (None, Some(one)) => {
                    self.done.joined.push((which, one));
                    self.done.applied(None);
                }
                (Some(stays), Some(gone)) => {
                    let (here, there) = (self.beds.of(&stays), self.beds.of(&gone));
                    self.leave(&gone);
                    if let (None, Some(room)) = (here, there)
                        && let Some(bed) = self.beds.beds.get_mut(&room)
                    {
                        bed.occupant = Some(stays.clone());
                    }
                    self.done.joined.push((which, stays));
                    self.done.ends(State::Review, Some(Note::TwoCharts));
                }
            }
        }
    }
}

#[cfg(test)]
mod tests;
