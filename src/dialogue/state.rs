//! What a conversation remembers between turns. Kept sealed in the store, under the key of whoever speaks.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::{
    actions::{Choice, Facts, Plan},
    nlu::Slots,
    policy::{DataClass, Effect, Identity, Scope, Task},
    records::OpenSlot,
};

/// An open question is forgotten after this long without a word.
pub const QUESTION_LASTS: SignedDuration = SignedDuration::from_mins(3);

/// What somebody showed of who they are holds for this long, and no longer than until the first pause.
pub const PROOF_LASTS: SignedDuration = SignedDuration::from_mins(5);

/// A conversation starts afresh after this long without a word.
pub const SESSION_LASTS: SignedDuration = SignedDuration::from_mins(30);

/// One conversation.
#[derive(Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct State {
    /// The question that is open.
    pub open: Option<Open>,
    /// What was said last, for "say that again".
    pub last: Vec<Said>,
    /// A question that stepped back for an emergency or another change; going on with it is offered once.
    pub aside: Option<Open>,
    /// The second of two requests in one sentence, while the first still waits for an answer.
    pub later: Option<Request>,
    /// What was answered last, for "no, I said Tuesday" and "and my metformin?".
    pub recent: Option<Request>,
    /// Turns in a row of which nothing was understood.
    pub misses: u8,
    /// Answers are wanted spoken slowly.
    pub slowly: bool,
    /// When the person last showed who they are.
    pub proved: Option<Timestamp>,
    /// The person said that answers may be said aloud.
    pub aloud: bool,
    /// Who said that they speak, where several people share a device.
    pub speaker: Option<Speaker>,
}

/// Who speaks, as far as they have said.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Speaker {
    /// One of the people of the device, by their id.
    Member(String),
    /// Somebody else who has shown who they are with a code, for this conversation, by their id.
    Guest(String),
    /// One of these, who all go by the same name; their PIN will tell which.
    OneOf(Vec<String>),
    /// Somebody by a name that is nobody's here.
    Nobody(String),
}

/// Something that was asked for.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct Request {
    /// The intent.
    pub intent: String,
    /// What was filled.
    pub slots: Slots,
}

/// What permission something needed when it was said, so that it can be asked for again.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Needs {
    /// The class of the data in it.
    pub data: DataClass,
    /// What the intent does.
    pub effect: Effect,
    /// How sure it had to be who asks.
    pub identity: Identity,
    /// The consent it rests on.
    pub scope: Option<Scope>,
}

impl Needs {
    /// The task of an intent with these needs.
    #[must_use]
    pub const fn task<'a>(&self, intent: &'a str) -> Task<'a> {
        Task { intent, data: self.data, effect: self.effect, identity: self.identity, scope: self.scope }
    }

    /// What names no fact and changes nothing.
    pub const NOTHING: Self =
        Self { data: DataClass::Public, effect: Effect::Local, identity: Identity::Nobody, scope: None };
}

/// Something that was said.
#[derive(Clone, Serialize, Deserialize)]
pub struct Said {
    /// The intent whose reply it was.
    pub intent: String,
    /// What the reply was made of.
    pub facts: Facts,
    /// What saying it needed.
    pub needs: Needs,
}

/// A question that waits for its answer.
#[derive(Clone, Serialize, Deserialize)]
pub struct Open {
    /// The intent that waits.
    pub intent: String,
    /// What has been filled so far.
    pub slots: Slots,
    /// What is waited for.
    pub wait: Wait,
    /// The question as it was said.
    pub said: Said,
    /// How often an answer was not understood.
    pub tries: u8,
    /// The question this one came out of: for "the other one" and "go back". One step, no more.
    #[serde(default)]
    pub before: Option<Box<Open>>,
}

/// What a question waits for.
#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Wait {
    /// A value for one slot, free or out of a few.
    Slot {
        /// The slot.
        slot: String,
        /// What may be picked, in the order it was spoken; empty where anything goes.
        options: Vec<Choice>,
    },
    /// A yes to exactly this.
    Confirm {
        /// What the yes performs.
        plan: Plan,
    },
    /// A yes to "did you mean".
    Meant,
    /// A yes to going on with what stepped back.
    Resume,
    /// A yes to talking to a person.
    Person,
    /// A yes or a no to needing help right now; no answer is a yes.
    Emergency,
    /// A yes to being one of the people of the device.
    Join,
    /// The name of whoever speaks; then what was asked for is run.
    Who {
        /// The ids of those it was narrowed down to; empty where it may be anybody of the device.
        among: Vec<String>,
    },
    /// The person's PIN; then what was asked for is run, or what was agreed to performed.
    Pin {
        /// What was agreed to, where it had been.
        plan: Option<Plan>,
    },
    /// A yes to saying aloud what others may hear; then the same.
    Aloud {
        /// What was agreed to, where it had been.
        plan: Option<Plan>,
    },
    /// A yes to this use of the person's records; then the same.
    Consent {
        /// What for.
        scope: Scope,
        /// What was agreed to, where it had been.
        plan: Option<Plan>,
    },
}

impl Wait {
    /// The slot that is asked for, where one is.
    #[must_use]
    pub fn slot(&self) -> Option<&str> {
        match self {
            Self::Slot { slot, .. } => Some(slot),
            Self::Confirm { .. }
            | Self::Meant
            | Self::Resume
            | Self::Person
            | Self::Emergency
            | Self::Who { .. }
            | Self::Aloud { .. }
            | Self::Join
            | Self::Pin { .. }
            | Self::Consent { .. } => None,
        }
    }
}

impl Wait {
    /// What is performed once the question is answered, where that is settled.
    #[must_use]
    pub const fn plan(&self) -> Option<&Plan> {
        match self {
            Self::Confirm { plan } => Some(plan),
            Self::Pin { plan } | Self::Aloud { plan } | Self::Consent { plan, .. } => plan.as_ref(),
            Self::Slot { .. }
            | Self::Meant
            | Self::Resume
            | Self::Person
            | Self::Emergency
            | Self::Join
            | Self::Who { .. } => None,
        }
    }
}

impl Open {
    /// Whether something was being done that is worth coming back to.
    #[must_use]
    pub const fn is_a_task(&self) -> bool {
        match self.wait {
            Wait::Slot { .. }
            | Wait::Confirm { .. }
            | Wait::Who { .. }
            | Wait::Aloud { .. }
            | Wait::Pin { .. }
            | Wait::Consent { .. } => true,
            Wait::Meant | Wait::Resume | Wait::Person | Wait::Emergency | Wait::Join => false,
        }
    }
}

impl State {
    /// The free times that are kept while somebody thinks: what is read back, and what stepped back for something else.
    pub fn held(&self) -> impl Iterator<Item = &OpenSlot> {
        [&self.open, &self.aside].into_iter().flatten().filter_map(|open| open.wait.plan()?.slot())
    }

    /// The conversation as it stands after a pause: a stale question is dropped, a stale session too.
    #[must_use]
    pub fn after_pause(mut self, last_turn: Timestamp, now: Timestamp) -> Self {
        let idle = now.duration_since(last_turn);
        if idle > SESSION_LASTS {
            return Self::default();
        }
        if idle > QUESTION_LASTS {
            // How fast to speak stays; what waited for an answer does not.
            // Where several share a device, what was said was said to one of them.
            let last = if self.speaker.is_none() { self.last } else { Vec::new() };
            self = Self { last, slowly: self.slowly, ..Self::default() };
        }
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open() -> State {
        let needs = Needs { effect: Effect::Read, ..Needs::NOTHING };
        let said = Said { intent: "a.b".into(), facts: Facts::new("x"), needs };
        let open = Open {
            intent: "a.b".into(),
            slots: Slots::new(),
            wait: Wait::Meant,
            said: said.clone(),
            tries: 0,
            before: None,
        };
        let proved = "2026-12-01T09:59:00Z".parse().ok();
        State { open: Some(open), last: vec![said], slowly: true, proved, ..State::default() }
    }

    #[test]
    fn a_pause_closes_the_question_first_and_the_conversation_later() {
        let then: Timestamp = "2026-12-01T10:00:00Z".parse().expect("valid");
        let after = |minutes: i64| open().after_pause(then, then + SignedDuration::from_mins(minutes));
        assert!(after(2).open.is_some());
        let later = after(10);
        assert!(later.open.is_none() && !later.last.is_empty() && later.slowly);
        assert!(after(2).proved.is_some() && later.proved.is_none(), "a pause ends what was shown");
        assert!(after(31).last.is_empty());
        let shared = State { speaker: Some(Speaker::Member("p1".into())), ..open() };
        let later = shared.after_pause(then, then + SignedDuration::from_mins(10));
        assert!(
            later.speaker.is_none() && later.last.is_empty(),
            "who it was, and what they heard, end with the pause"
        );
    }
}
