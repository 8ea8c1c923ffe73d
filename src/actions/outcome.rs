//! How an action ends: facts to say, a question, a read-back, or changes to commit.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{
    Change, Next, Reminder, Route, TakenDose, Waiting, Words,
    room::{Dial, Work},
};
use crate::{policy::Use, records::OpenSlot};

/// How many of a list are left to be said.
pub const MORE: &str = "more";
/// How many of a list were said so far.
pub const UPTO: &str = "upto";
/// The slot that tells an action how many of its list were said before: "more" asks for those after them.
pub const FURTHER: &str = "further";

/// What an action knows to say: the name of a reply in the catalogue and the values it needs.
///
/// Holds what a permit revealed, so it has no `Debug`.
#[derive(Clone, Default, Serialize, Deserialize)]
pub struct Facts {
    /// Which of the intent's replies.
    pub reply: String,
    /// Values by name; times are RFC 3339 text, dates ISO 8601.
    pub values: BTreeMap<String, serde_json::Value>,
}

impl Facts {
    /// Facts for the reply of that name.
    #[must_use]
    pub fn new(reply: &str) -> Self {
        Self { reply: reply.to_owned(), values: BTreeMap::new() }
    }

    /// Adds one value.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Serialize) -> Self {
        self.values.insert(name.to_owned(), serde_json::to_value(value).unwrap_or_default());
        self
    }

    /// Adds a list of which so many are said at once: under its name those that come next, [`MORE`] how many are left then,
    /// [`UPTO`] how many were said with these, and `further`: whether some were said before. `from` is how many were; where the
    /// list has become shorter than that, it is told from its beginning.
    #[must_use]
    pub fn in_breaths<T: Serialize>(self, name: &str, items: Vec<T>, most: usize, from: usize) -> Self {
        let all = items.len();
        let from = if from < all { from } else { 0 };
        let said: Vec<T> = items.into_iter().skip(from).take(most).collect();
        let upto = from + said.len();
        self.with(name, said).with(MORE, all - upto).with(UPTO, upto).with("further", from > 0)
    }
}

/// How an action ends.
pub enum Outcome {
    /// Said and over.
    Answer(Facts),
    /// One slot is missing or ambiguous; the options may be picked by name or ordinal.
    Ask {
        /// The slot asked for.
        slot: String,
        /// The question.
        facts: Facts,
        /// What may be picked, in the order it is spoken.
        options: Vec<Choice>,
    },
    /// Offers something that another intent does: a yes runs it, and it is read back there.
    Offer {
        /// The offer.
        facts: Facts,
        /// What a yes runs.
        next: Next,
    },
    /// Read back and wait for a yes. The plan is what the yes performs, exactly.
    Confirm {
        /// The read-back.
        facts: Facts,
        /// What will be done.
        plan: Plan,
    },
    /// Read back and wait for a yes, as [`Outcome::Confirm`]; and whatever the answer will be, staff are told now of what
    /// cannot wait for it.
    Alert {
        /// The read-back, with what to do.
        facts: Facts,
        /// What a yes does.
        plan: Plan,
        /// What the row on the board says, where there is a board.
        need: String,
    },
    /// Commit these, then say it.
    Done {
        /// What is said once it is durable.
        facts: Facts,
        /// What must be durable first.
        changes: Vec<Change>,
        /// What is said instead when a change no longer fits (the slot is taken, a request is open).
        conflict: Facts,
    },
    /// Something of the room is to be worked. The turn has it done, and says what came of it.
    Work(Work),
    /// Somebody is to be called. The turn has it done, and says what came of it.
    Call(Dial),
    /// Somebody says who they are. The turn goes on from here: only it knows the conversation.
    Identify(Identify),
}

/// How somebody says who they are.
pub enum Identify {
    /// By name; `None` where only somebody else speaks.
    ByName(Option<String>),
    /// By a one-time code, which only the turn has seen.
    ByCode,
}

/// Something that can be picked.
#[derive(Clone, Serialize, Deserialize)]
pub struct Choice {
    /// What it is called aloud.
    pub spoken: String,
    /// The slot value that picking it stands for.
    pub value: crate::nlu::SlotValue,
}

/// What a "yes" performs. Stored sealed with the session while the question is open.
#[derive(Clone, Serialize, Deserialize)]
#[serde(tag = "plan", rename_all = "snake_case")]
pub enum Plan {
    /// Ask the prescriber or pharmacy for more.
    Renew {
        /// The prescription.
        prescription: String,
        /// Its spoken name, for the answer.
        medicine: String,
        /// Who has to agree.
        route: Route,
    },
    /// Send prescriptions to another pharmacy from now on.
    Pharmacy {
        /// Which.
        pharmacy: crate::records::Pharmacy,
    },
    /// Note that doses were taken.
    Taken {
        /// Of what.
        doses: Vec<TakenDose>,
        /// When.
        at: Timestamp,
        /// "in the morning", where that is all that was said.
        part: Option<String>,
    },
    /// Set this reminder.
    Remind {
        /// What of, and when.
        reminder: Reminder,
    },
    /// End these reminders.
    CancelReminders {
        /// Which.
        ids: Vec<String>,
    },
    /// Take this free time.
    Book {
        /// The slot.
        slot: OpenSlot,
        /// What for.
        reason: Option<String>,
    },
    /// Note a reading.
    KeepReading {
        /// The reading as it was read back.
        reading: crate::records::Reading,
    },
    /// Take a reading out, or put another in its place.
    CorrectReading {
        /// The identifier of the one that goes.
        old: String,
        /// What it should have been.
        instead: Option<crate::records::Reading>,
    },
    /// Call this visit off.
    Cancel {
        /// The visit.
        visit: String,
        /// When it is, as it was read back.
        start: Timestamp,
    },
    /// Move this visit to a free time.
    Reschedule {
        /// The visit.
        visit: String,
        /// When it is, as it was read back.
        start: Timestamp,
        /// Where it goes.
        to: OpenSlot,
    },
    /// Tell the clinic that they are there for a visit, or late.
    Arrive {
        /// The visit.
        visit: String,
        /// When it is, as it was read back.
        start: Timestamp,
        /// They are there; else they will be late.
        here: bool,
        /// By how many minutes.
        minutes: Option<u32>,
    },
    /// Wait for an earlier time.
    JoinWaitlist {
        /// Which.
        waiting: Waiting,
    },
    /// Wait no more.
    LeaveWaitlist {
        /// For which.
        ids: Vec<String>,
    },
    /// Delete what was said.
    Forget {
        /// Which of it.
        words: Words,
    },
    /// Let a page begin to connect the records of another organization.
    Connect {
        /// Which one was named, by its id in the configuration.
        organization: Option<String>,
    },
    /// Take connections to other organizations back.
    Disconnect {
        /// Which.
        connections: Vec<String>,
    },
    /// Put a copy of everything on the person's page.
    Copy,
    /// Be told other things unasked.
    Quiet {
        /// What is to change.
        change: crate::policy::quiet::QuietChange,
    },
    /// Ask another department for something.
    Service {
        /// Which.
        service: String,
        /// In the person's words.
        spoken: String,
    },
    /// Have somebody of their list called.
    Call {
        /// Who, as they are spoken of.
        who: String,
    },
    /// Ask dietary for a meal, or for none.
    Meal {
        /// Which.
        order: super::Meal,
    },
    /// Agree to these uses, or no longer.
    Consent {
        /// Agree, rather than take back.
        given: bool,
        /// Which uses.
        uses: Vec<Use>,
    },
}

impl Plan {
    /// The free time it takes, kept for whoever is asked while they think.
    #[must_use]
    pub const fn slot(&self) -> Option<&OpenSlot> {
        match self {
            Self::Book { slot, .. } | Self::Reschedule { to: slot, .. } => Some(slot),
            _ => None,
        }
    }
}
