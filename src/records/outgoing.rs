//! Which changes leave for the server where a person's records live, and which stay here.
//!
//! Invariant: [`goes`] matches every [`Change`] by name, so that whoever adds one decides where it belongs.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::{
    OpenSlot, Reading, Visit,
    sensitive::{self, Sensitivity},
};
use crate::{
    actions::{Change, Facts, HeldResult, Next, Notice, NoticeKind, Route, TakenDose},
    policy::Scope,
};

/// A change on its way, as it is kept sealed until the server has it.
#[derive(Clone, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Outgoing {
    /// More of a medicine.
    Renew {
        /// The prescription, by its id on the server.
        prescription: String,
        /// Its spoken name.
        medicine: String,
        /// The pharmacy that the person was told it goes to, by name.
        #[serde(default)]
        pharmacy: Option<String>,
        /// Who has to agree.
        route: Route,
    },
    /// A visit is called off.
    Cancel {
        /// The visit, by its id on the server, or by the name of the change that booked it.
        visit: String,
        /// When it is, as the person knows it.
        start: Timestamp,
        /// Whom it is with.
        provider: Option<String>,
        /// It is of a kind that is not said where others hear it.
        sensitive: bool,
        /// What is put back here where the server refuses.
        #[serde(default)]
        undo: Undo,
    },
    /// A visit is moved to a free time.
    Move {
        /// The visit, by its id on the server, or by the name of the change that booked it.
        visit: String,
        /// When it was, as the person knows it.
        start: Timestamp,
        /// The time.
        to: OpenSlot,
        /// It is of a kind that is not said where others hear it.
        sensitive: bool,
        /// What is put back here where the server refuses.
        #[serde(default)]
        undo: Undo,
    },
    /// Somebody is there for a visit.
    Arrive {
        /// The visit, by its id on the server, or by the name of the change that booked it.
        visit: String,
        /// When it is, as the person knows it.
        start: Timestamp,
        /// Whom it is with.
        provider: Option<String>,
        /// It is of a kind that is not said where others hear it.
        sensitive: bool,
        /// What is put back here where the server refuses.
        #[serde(default)]
        undo: Undo,
    },
    /// A free time becomes a visit.
    Book {
        /// The time.
        slot: OpenSlot,
        /// What for.
        reason: Option<String>,
    },
    /// What the person measured.
    Reading {
        /// The reading.
        reading: Reading,
    },
    /// A measurement is corrected, or taken out.
    Correct {
        /// The name of the change that noted it.
        old: String,
        /// What it should have been; `None` where it should not have been at all.
        instead: Option<Reading>,
    },
    /// Doses that the person took.
    Taken {
        /// Of what.
        doses: Vec<TakenDose>,
        /// When.
        at: Timestamp,
        /// "in the morning", where that is all that was said.
        part: Option<String>,
    },
    /// What the person asks of those who treat them.
    Message {
        /// In words.
        words: String,
    },
}

/// What a change of a visit did here, as far as it takes to take it back.
#[derive(Clone, Default, Serialize, Deserialize)]
pub struct Undo {
    /// The time that was given back.
    pub slot: Option<String>,
    /// The visit as it was, where it was booked here and not changed since. Any other is as the server tells it.
    pub visit: Option<Box<Visit>>,
}

impl Undo {
    fn of(visit: &Visit) -> Self {
        let booked_here = visit.kept.as_ref().is_some_and(|kept| kept.row == visit.id) && visit.was.is_none();
        Self { slot: visit.slot.clone(), visit: booked_here.then(|| Box::new(visit.clone())) }
    }
}

/// Where a change belongs.
#[expect(clippy::large_enum_variant, reason = "there are one or two of them in a turn")]
pub enum Goes {
    /// To the server.
    Out(Outgoing),
    /// Nowhere: it is this program's own business, for the reason given.
    Nowhere(&'static str),
}

/// Where a change belongs.
#[must_use]
pub fn goes(change: &Change) -> Goes {
    match change {
        Change::Renew { prescription, medicine, pharmacy, route, .. } => Goes::Out(Outgoing::Renew {
            prescription: prescription.clone(),
            medicine: medicine.clone(),
            pharmacy: pharmacy.clone(),
            route: *route,
        }),
        Change::Book { slot, reason } => Goes::Out(Outgoing::Book { slot: slot.clone(), reason: reason.clone() }),
        Change::Cancel { visit } => Goes::Out(Outgoing::Cancel {
            visit: visit.id.clone(),
            start: visit.start,
            provider: visit.provider.clone(),
            sensitive: sensitive::of_visit(visit) != Sensitivity::Ordinary,
            undo: Undo::of(visit),
        }),
        Change::Reschedule { visit, to } => Goes::Out(Outgoing::Move {
            visit: visit.id.clone(),
            start: visit.start,
            to: to.clone(),
            sensitive: sensitive::of_visit(visit) != Sensitivity::Ordinary,
            undo: Undo::of(visit),
        }),
        Change::Arrive { visit, arrival, .. } if arrival.here => Goes::Out(Outgoing::Arrive {
            visit: visit.id.clone(),
            start: visit.start,
            provider: visit.provider.clone(),
            sensitive: sensitive::of_visit(visit) != Sensitivity::Ordinary,
            // No time was given back.
            undo: Undo { slot: None, ..Undo::of(visit) },
        }),
        Change::Arrive { .. } => Goes::Nowhere("FHIR has no state for who will be late; the front desk's board has it"),
        Change::JoinWaitlist { .. } | Change::LeaveWaitlist { .. } => {
            Goes::Nowhere("it is this program that watches the schedules and tells who waits")
        }
        Change::HoldSlot { .. } | Change::ReleaseSlot { .. } => {
            Goes::Nowhere("a time is kept for minutes while somebody thinks; the server hears of it when it is taken")
        }
        Change::CallNurse { .. } | Change::PatientSaysCancel { .. } => {
            Goes::Nowhere("the board here is what the staff look at; it must work while no server does")
        }
        Change::TellStaff { .. } => Goes::Nowhere("the board here is what the staff look at"),
        Change::KeepReading { reading } => Goes::Out(Outgoing::Reading { reading: reading.clone() }),
        Change::CorrectReading { old, instead } => {
            Goes::Out(Outgoing::Correct { old: old.clone(), instead: instead.clone() })
        }
        Change::Taken { doses, at, part } => {
            Goes::Out(Outgoing::Taken { doses: doses.clone(), at: *at, part: part.clone() })
        }
        // Besides the board here, which is what the staff look at.
        Change::AskClinician { results } => Goes::Out(Outgoing::Message { words: to_go_over(results) }),
        Change::ChoosePharmacy { .. } => Goes::Nowhere("it goes with each renewal that is asked for here"),
        Change::Remind { .. } | Change::CancelReminders { .. } => Goes::Nowhere("devices ring here"),
        Change::Consent { .. } => Goes::Nowhere("agreements are about this assistant"),
        Change::Forget { .. } => Goes::Nowhere("what was said was never there"),
        Change::LetConnect { .. } => Goes::Nowhere("a code is good at this program's own page"),
        Change::Disconnect { .. } => {
            Goes::Nowhere("it is another organization that is told, by whoever fetches from it")
        }
        Change::AskForCopy => Goes::Nowhere("the copy waits on the person's page here"),
        Change::Quiet { .. } => Goes::Nowhere("what is told unasked concerns this assistant"),
        Change::Visitor { .. } => Goes::Nowhere("who is in a room concerns what is said in it"),
    }
}

/// Asks for results to be gone over: which, and never how they turned out.
fn to_go_over(results: &[HeldResult]) -> String {
    let named = |result: &HeldResult| format!("{}, taken {}", result.test, result.taken.strftime("%Y-%m-%d"));
    let all: Vec<String> = results.iter().map(named).collect();
    format!(
        "The patient asked about results that a clinician tells first. Please go over them together: {}.",
        all.join("; ")
    )
}

/// Why a change has not arrived, or never will. Codes only: they are shown to staff and counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Trouble {
    /// The server cannot be reached.
    Unreachable,
    /// It was reached and did not answer in time, or broke off.
    Unanswered,
    /// It says that it has too much to do.
    Busy,
    /// It failed.
    Broken,
    /// It does not let this program write.
    NotAllowed,
    /// It does not take what was sent.
    Invalid,
    /// The time is somebody else's.
    Taken,
    /// What was to be changed was changed by somebody else meanwhile.
    Changed,
    /// What was to be changed is not there any more.
    Gone,
    /// It has no meaning any more: the time is past.
    TooLate,
    /// The person's records live there no longer.
    Disconnected,
    /// What was kept of it does not open.
    Unreadable,
    /// It was tried for as long as the configuration allows.
    GaveUp,
}

impl Trouble {
    /// Every code.
    pub const ALL: [Self; 13] = [
        Self::Unreachable,
        Self::Unanswered,
        Self::Busy,
        Self::Broken,
        Self::NotAllowed,
        Self::Invalid,
        Self::Taken,
        Self::Changed,
        Self::Gone,
        Self::TooLate,
        Self::Disconnected,
        Self::Unreadable,
        Self::GaveUp,
    ];

    /// Its code.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Unreachable => "unreachable",
            Self::Unanswered => "unanswered",
            Self::Busy => "busy",
            Self::Broken => "broken",
            Self::NotAllowed => "not_allowed",
            Self::Invalid => "invalid",
            Self::Taken => "taken",
            Self::Changed => "changed",
            Self::Gone => "gone",
            Self::TooLate => "too_late",
            Self::Disconnected => "disconnected",
            Self::Unreadable => "unreadable",
            Self::GaveUp => "gave_up",
        }
    }

    /// The code of that name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|trouble| trouble.name() == name)
    }

    /// Whether the world moved on under the change: an ordinary answer, and no fault of anybody's.
    #[must_use]
    pub const fn conflict(self) -> bool {
        matches!(self, Self::Taken | Self::Changed | Self::Gone | Self::TooLate)
    }
}

impl Outgoing {
    /// Its kind, as it stands in the database and before staff.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Renew { .. } => "renew",
            Self::Book { .. } => "book",
            Self::Cancel { .. } => "cancel",
            Self::Move { .. } => "move",
            Self::Reading { .. } => "reading",
            Self::Correct { .. } => "correction",
            Self::Taken { .. } => "taken",
            Self::Message { .. } => "message",
            Self::Arrive { .. } => "arrive",
        }
    }

    /// Whether it is kept here in any case, and nothing was claimed of the server: the answer stands whatever becomes of
    /// it, and no news tells that it went through.
    #[must_use]
    pub const fn is_a_report(&self) -> bool {
        matches!(self, Self::Reading { .. } | Self::Correct { .. } | Self::Taken { .. } | Self::Message { .. })
    }

    /// What it changes: a later change of the same thing waits for this one. `id` is the change's own.
    #[must_use]
    pub fn thing(&self, id: &str) -> String {
        match self {
            Self::Renew { prescription, .. } => format!("prescription {prescription}"),
            Self::Book { .. } => format!("visit {id}"),
            Self::Cancel { visit, .. } | Self::Move { visit, .. } | Self::Arrive { visit, .. } => {
                format!("visit {visit}")
            }
            // A correction goes by another name than what it corrects, and may be corrected itself.
            Self::Reading { .. } | Self::Correct { .. } => "readings".to_owned(),
            Self::Taken { .. } | Self::Message { .. } => format!("report {id}"),
        }
    }

    /// The part of the record it is about.
    #[must_use]
    pub const fn scope(&self) -> Scope {
        match self {
            Self::Renew { .. } | Self::Taken { .. } => Scope::Medicines,
            Self::Reading { .. } | Self::Correct { .. } | Self::Message { .. } => Scope::Records,
            Self::Book { .. } | Self::Cancel { .. } | Self::Move { .. } | Self::Arrive { .. } => Scope::Visits,
        }
    }

    /// After when it has no meaning any more.
    #[must_use]
    pub fn until(&self) -> Option<Timestamp> {
        match self {
            Self::Renew { .. } => None,
            Self::Reading { .. } | Self::Correct { .. } | Self::Taken { .. } | Self::Message { .. } => None,
            Self::Book { slot, .. } => Some(slot.start),
            Self::Cancel { start, .. } => Some(*start),
            // Who comes late comes all the same.
            Self::Arrive { start, .. } => start.checked_add(SignedDuration::from_hours(12)).ok(),
            Self::Move { start, to, .. } => Some((*start).min(to.start)),
        }
    }

    /// Whether it names something that is not said where others hear it.
    #[must_use]
    pub fn is_sensitive(&self) -> bool {
        match self {
            Self::Renew { medicine, .. } => !sensitive::is_ordinary_medicine(medicine),
            Self::Cancel { sensitive, .. } | Self::Move { sensitive, .. } | Self::Arrive { sensitive, .. } => {
                *sensitive
            }
            // News of them names nothing.
            Self::Reading { .. } | Self::Correct { .. } | Self::Message { .. } => false,
            Self::Taken { doses, .. } => !doses.iter().all(|dose| sensitive::is_ordinary_medicine(&dose.medicine)),
            Self::Book { slot, reason } => {
                let told = [Some(&slot.provider), slot.specialty.as_ref(), slot.place.as_ref(), reason.as_ref()];
                sensitive::of_care(told.into_iter().flatten().map(String::as_str)) != sensitive::Sensitivity::Ordinary
            }
        }
    }

    /// What the person is told of it later: that it went through, or with what it ended; nothing where a report went
    /// through. `saved` is when they were told that it is kept. The replies stand under `dialogue.common`.
    #[must_use]
    pub fn news(&self, trouble: Option<Trouble>, saved: Timestamp) -> Option<Notice> {
        if self.is_a_report() && trouble.is_none() {
            return None;
        }
        let how = match trouble {
            None => "sent",
            Some(Trouble::Taken) => "taken",
            // The last try may have been the one that went through.
            Some(Trouble::GaveUp) => "unknown",
            Some(_) => "refused",
        };
        let facts = match self {
            Self::Renew { medicine, .. } => {
                let how = if how == "taken" { "refused" } else { how };
                Facts::new(&format!("notice_renew_{how}")).with("medicine", medicine)
            }
            Self::Book { slot, .. } => {
                Facts::new(&format!("notice_book_{how}")).with("provider", &slot.provider).with("start", slot.start)
            }
            Self::Cancel { start, provider, .. } => {
                let how = if how == "taken" { "refused" } else { how };
                Facts::new(&format!("notice_cancel_{how}")).with("provider", provider).with("start", start)
            }
            Self::Arrive { start, provider, .. } => {
                let how = if how == "taken" { "refused" } else { how };
                Facts::new(&format!("notice_arrive_{how}")).with("provider", provider).with("start", start)
            }
            Self::Move { start, to, .. } => Facts::new(&format!("notice_move_{how}"))
                .with("provider", &to.provider)
                .with("start", start)
                .with("to", to.start),
            Self::Reading { .. } | Self::Correct { .. } => Facts::new("notice_reading_refused"),
            Self::Taken { .. } => Facts::new("notice_taken_refused"),
            Self::Message { .. } => Facts::new("notice_message_refused"),
        };
        let facts = facts.with("changed", trouble.is_some_and(Trouble::conflict));
        let offers_another = matches!(self, Self::Book { .. }) && how == "taken";
        Some(Notice {
            kind: if trouble.is_none() { NoticeKind::ChangeSent } else { NoticeKind::ChangeRefused },
            topic: self.scope(),
            sensitive: self.is_sensitive(),
            facts: facts.with("saved", saved),
            next: offers_another
                .then(|| Next { intent: "appointment.book".to_owned(), slots: std::collections::BTreeMap::default() }),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_is_found_by_its_name() {
        for trouble in Trouble::ALL {
            assert_eq!(Trouble::named(trouble.name()), Some(trouble));
            assert_eq!(serde_json::to_value(trouble).expect("a code"), trouble.name());
        }
        assert_eq!(Trouble::named("bad luck"), None);
    }
}
