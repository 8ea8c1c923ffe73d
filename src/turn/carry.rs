//! Carrying out a move: policy first, then the action, then what the conversation remembers of it.

use std::time::Instant;

use super::{State, Turn, TurnError, millis};
use crate::{
    actions::{Action, Change, Facts, Outcome, Pass, Plan, Setting},
    dialogue::{self, Move, Needs, Open, Wait},
    nlu::{Interpretation, NONE, Slot, SlotValue, Slots},
    policy::{
        DataClass, Decision, Effect, EntryId, Question, Reason, Surface, Task, Verdict, admit, decide,
        triage::{Level, Triage},
    },
};

/// What will be said, and what must be durable before it is.
pub(super) struct Said {
    /// The intent of the result.
    pub intent: String,
    /// The slots of the result.
    pub slots: Slots,
    /// The intent whose reply this is.
    pub from: String,
    /// What the reply is made of.
    pub facts: Facts,
    /// How the turn ends.
    pub state: State,
    /// What must be durable first.
    pub changes: Vec<Change>,
    /// What is said when a change no longer fits.
    pub conflict: Option<Facts>,
    /// The question that is open afterwards.
    pub open: Option<Open>,
    /// Whether the conversation's open question stays as it was.
    pub keep_open: bool,
    /// What saying it needed.
    pub needs: Needs,
    /// The audit row that opened the disclosure.
    pub opened: Option<EntryId>,
}

impl Said {
    pub(super) fn new(from: &str, facts: Facts, state: State) -> Self {
        Self {
            intent: from.to_owned(),
            slots: Slots::new(),
            from: from.to_owned(),
            facts,
            state,
            changes: Vec::new(),
            conflict: None,
            open: None,
            keep_open: state == State::Rejected,
            needs: Needs { data: DataClass::Public, effect: Effect::Local, scope: None },
            opened: None,
        }
    }
}

/// What policy answered, ready for an action, or what to say instead.
enum Admitted {
    Go(Pass, Option<EntryId>),
    No(Box<Said>),
}

impl Turn<'_> {
    /// Carries out the move.
    pub(super) async fn carry_out(&mut self, step: Move, meaning: &Interpretation) -> Result<Said, TurnError> {
        match step {
            Move::Run { intent, slots } => self.run(intent, slots).await,
            Move::Perform { intent, slots, plan } => self.perform(intent, slots, plan).await,
            Move::AskSlot { intent, slots, slot } => self.ask_slot(intent, slots, slot).await,
            Move::AskMeant { intent, slots } => Ok(self.ask_meant(intent, slots, meaning)),
            Move::AskAgain(open) => {
                let state = if matches!(open.wait, Wait::Confirm { .. }) { State::Confirms } else { State::Asks };
                let said = open.said.clone();
                self.say_again(said, Some(open), state).await
            }
            Move::SayLast => match self.state.last.clone() {
                Some(last) => self.say_again(last, self.state.open.clone(), State::Answered).await,
                None => Ok(Said::new("dialogue.repeat", Facts::new("nothing"), State::Answered)),
            },
            // Where a call to the nurse may be open, "never mind" must not sound as if it had closed it.
            Move::Say { intent: intent @ "dialogue.cancel", reply: "nothing_open" }
                if matches!(self.caller.surface, Surface::Room(_)) =>
            {
                Ok(Said::new(intent, Facts::new("nothing_open_room"), State::Answered))
            }
            Move::Say { intent, reply } => {
                let said = Said::new(intent, Facts::new(reply), State::Answered);
                Ok(Said { intent: meaning.intent.clone(), ..said })
            }
        }
    }

    /// An emergency: the action runs whatever else is true of the caller, and the conversation's question is dropped.
    pub(super) async fn emergency(mut self, cry: Triage, words: &str) -> super::TurnResult {
        let in_room = matches!(self.caller.surface, Surface::Room(_));
        let intent = match cry.level {
            Level::Urgent if in_room => "nurse.request",
            Level::Emergency | Level::Urgent => "emergency.help",
        };
        let spoken = |value: &str| Slot::new(words, SlotValue::Text(value.to_owned()), 1.0);
        let kind = serde_json::to_value(cry.kind).ok().and_then(|v| v.as_str().map(str::to_owned)).unwrap_or_default();
        let slots = Slots::from([("need".to_owned(), spoken(words)), ("kind".to_owned(), spoken(&kind))]);
        let said = match self.run(intent.to_owned(), slots).await {
            Ok(said) => Said { state: State::Escalated, keep_open: false, ..said },
            Err(e) => {
                tracing::error!(stage = "emergency", error = %e, "an emergency could not be recorded");
                Said::new("dialogue.common", self.unrecorded(), State::Escalated)
            }
        };
        self.finish(said).await
    }

    /// What is said of an emergency that could not be made durable: never that somebody knows.
    pub(super) fn unrecorded(&self) -> Facts {
        let reply = match self.caller.surface {
            Surface::Room(_) => "emergency_unrecorded_room",
            Surface::Home(_) | Surface::Chat | Surface::ThirdParty => "emergency_unrecorded",
        };
        Facts::new(reply).with("emergency_number", &self.core.emergency_number)
    }

    /// What the intent needs on this surface. A room's emergency goes on the room's board.
    fn needs(&self, intent: &str) -> Result<(Needs, Action), TurnError> {
        let missing = || TurnError::NoAction(intent.to_owned());
        let def = self.core.catalogue.intent(intent).ok_or_else(missing)?;
        let action = def.action.as_deref().and_then(Action::named).ok_or_else(missing)?;
        let floor = action.floor();
        let data = match (floor.effect, &self.caller.surface) {
            (Effect::Urgent, Surface::Room(_) | Surface::Home(_)) => DataClass::Room,
            _ => def.data.max(floor.data),
        };
        Ok((Needs { data, effect: def.effect, scope: floor.scope }, action))
    }

    /// Asks policy. The opening audit row is durable when this lets the action go on.
    async fn admitted(&mut self, intent: &str, needs: &Needs) -> Result<Admitted, TurnError> {
        let clock = Instant::now();
        let task = Task { intent, data: needs.data, effect: needs.effect, scope: needs.scope };
        let verdict = admit(&task, &self.caller, &self.consent, &self.occasion(), &self.core.store).await;
        self.timings.policy += millis(clock);
        let no = |reply: &str, state| {
            let facts = Facts::new(reply)
                .with("organization", &self.core.organization)
                .with("emergency_number", &self.core.emergency_number);
            let said = Said::new("dialogue.common", facts, state);
            Admitted::No(Box::new(Said { intent: intent.to_owned(), ..said }))
        };
        Ok(match verdict? {
            Verdict::Allow(permit) => {
                let opened = permit.entry();
                Admitted::Go(Pass::Person(permit), Some(opened))
            }
            Verdict::AllowRoom(pass) => Admitted::Go(Pass::Room(pass), None),
            Verdict::AllowPublic => Admitted::Go(Pass::Public, None),
            Verdict::StepUp(Question::WhoIsSpeaking) => no("who", State::Refused),
            Verdict::StepUp(Question::Consent(_)) => no("consent", State::Refused),
            Verdict::Refuse(Reason::ThirdParty) => no("third_party", State::Refused),
            Verdict::Refuse(Reason::NoDevice) => no("no_device", State::Refused),
            Verdict::Escalate => no("escalate", State::Escalated),
        })
    }

    async fn run(&mut self, intent: String, slots: Slots) -> Result<Said, TurnError> {
        if self.core.catalogue.intent(&intent).is_some_and(|def| def.action.is_none()) {
            let said = Said::new("dialogue.common", Facts::new("not_connected"), State::Answered);
            return Ok(Said { intent, slots, ..said });
        }
        let (needs, action) = self.needs(&intent)?;
        let (pass, opened) = match self.admitted(&intent, &needs).await? {
            Admitted::Go(pass, opened) => (pass, opened),
            Admitted::No(said) => return Ok(Said { slots, ..*said }),
        };
        let clock = Instant::now();
        let outcome = action.run(pass, &slots, &self.setting()).await;
        self.timings.action += millis(clock);
        let outcome = outcome?;
        if needs.effect == Effect::Change && matches!(outcome, Outcome::Done { .. }) {
            return Err(TurnError::Unconfirmed(intent));
        }
        Ok(Self::absorb(intent, slots, outcome, needs, opened))
    }

    async fn perform(&mut self, intent: String, slots: Slots, plan: Plan) -> Result<Said, TurnError> {
        let (needs, action) = self.needs(&intent)?;
        let (pass, opened) = match self.admitted(&intent, &needs).await? {
            Admitted::Go(pass, opened) => (pass, opened),
            Admitted::No(said) => return Ok(Said { slots, ..*said }),
        };
        let Pass::Person(permit) = pass else { return Err(TurnError::NoAction(intent)) };
        let clock = Instant::now();
        let outcome = action.perform(permit, plan, &self.setting()).await;
        self.timings.action += millis(clock);
        Ok(Self::absorb(intent, slots, outcome?, needs, opened))
    }

    fn setting(&self) -> Setting<'_> {
        Setting {
            records: &self.core.records,
            now: self.now,
            zone: &self.core.zone,
            organization: &self.core.organization,
            emergency_number: &self.core.emergency_number,
            channel: self.caller.surface.name(),
        }
    }

    /// From an action's outcome to what is said and what stays open.
    fn absorb(intent: String, slots: Slots, outcome: Outcome, needs: Needs, opened: Option<EntryId>) -> Said {
        let said = |facts: &Facts, state| Said {
            slots: slots.clone(),
            needs: needs.clone(),
            opened,
            ..Said::new(&intent, facts.clone(), state)
        };
        let open = |facts: Facts, wait| Open {
            intent: intent.clone(),
            slots: slots.clone(),
            wait,
            said: dialogue::Said { intent: intent.clone(), facts, needs: needs.clone() },
            tries: 0,
        };
        match outcome {
            Outcome::Answer(facts) => said(&facts, State::Answered),
            Outcome::Ask { slot, facts, options } => {
                Said { open: Some(open(facts.clone(), Wait::Slot { slot, options })), ..said(&facts, State::Asks) }
            }
            Outcome::Confirm { facts, plan } => {
                Said { open: Some(open(facts.clone(), Wait::Confirm { plan })), ..said(&facts, State::Confirms) }
            }
            Outcome::Done { facts, changes, conflict } => {
                Said { changes, conflict: Some(conflict), ..said(&facts, State::Done) }
            }
        }
    }

    /// The catalogue's own question names no fact, so it needs no permit; but nobody is asked for a medicine
    /// only to be refused afterwards.
    async fn ask_slot(&mut self, intent: String, slots: Slots, slot: String) -> Result<Said, TurnError> {
        if self.core.catalogue.intent(&intent).is_some_and(|def| def.action.is_none()) {
            return self.run(intent, slots).await;
        }
        let (needs, _) = self.needs(&intent)?;
        let task = Task { intent: &intent, data: needs.data, effect: needs.effect, scope: needs.scope };
        if matches!(decide(&task, &self.caller, &self.consent), Decision::Ask(_) | Decision::Refuse(_)) {
            return self.run(intent, slots).await;
        }
        let facts = Facts::new(&format!("ask_{slot}"));
        let outcome = Outcome::Ask { slot, facts, options: Vec::new() };
        let public = Needs { data: DataClass::Public, effect: Effect::Local, scope: None };
        Ok(Self::absorb(intent, slots, outcome, public, None))
    }

    fn ask_meant(&self, intent: String, slots: Slots, meaning: &Interpretation) -> Said {
        let asks = self.core.catalogue.intent(&intent).is_some_and(|def| def.replies.contains_key("meant"));
        if !asks {
            return Said { slots: meaning.slots.clone(), ..Said::new(NONE, Facts::new("answer"), State::Answered) };
        }
        let public = Needs { data: DataClass::Public, effect: Effect::Local, scope: None };
        let outcome = Outcome::Ask { slot: String::new(), facts: Facts::new("meant"), options: Vec::new() };
        let mut said = Self::absorb(intent, slots, outcome, public, None);
        if let Some(open) = &mut said.open {
            open.wait = Wait::Meant;
        }
        said
    }

    /// Saying something again discloses it again: policy is asked again.
    async fn say_again(&mut self, last: dialogue::Said, open: Option<Open>, state: State) -> Result<Said, TurnError> {
        let state = match &open {
            Some(Open { wait: Wait::Confirm { .. }, .. }) => State::Confirms,
            Some(_) => State::Asks,
            None => state,
        };
        match self.admitted(&last.intent, &last.needs).await? {
            Admitted::Go(_, opened) => Ok(Said {
                slots: open.as_ref().map(|o| o.slots.clone()).unwrap_or_default(),
                open,
                needs: last.needs.clone(),
                opened,
                ..Said::new(&last.intent, last.facts, state)
            }),
            Admitted::No(said) => Ok(*said),
        }
    }
}
