//! Carrying out a move: policy first, then the action, then what the conversation remembers of it.

use std::time::Instant;

use super::{Said, State, Turn, TurnError, aloud, go_on::PERSON, millis, said};
use crate::{
    actions::{Action, Change, Facts, Next, Outcome, Pass, Plan, Setting, reading_danger},
    dialogue::{self, Move, Needs, Open, Request, Volume, Wait},
    nlu::{Interpretation, NONE, SlotValue, Slots},
    policy::{
        DataClass, Decision, Effect, EntryId, Identity, Proof, Question, Reason, Surface, Telling, Verdict, admit,
        decide,
    },
    records::sensitive::{self, Hush},
};

/// What policy answered, ready for an action, or what to say instead.
enum Admitted {
    Go(Pass, Option<EntryId>),
    No(Box<Said>),
    /// Something must be answered first.
    First(Question),
}

impl Turn<'_> {
    /// Carries out the move.
    pub(super) async fn carry_out(&mut self, step: Move, meaning: &Interpretation) -> Result<Said, TurnError> {
        match step {
            Move::Run { intent, slots } => self.run(intent, slots).await,
            Move::Perform { intent, slots, plan } => self.perform(intent, slots, plan).await,
            Move::AskSlot { intent, slots, slot } => self.ask_slot(intent, slots, slot).await,
            // Nothing of a third party's conversation is kept, so an answer to the question would find none open.
            Move::AskMeant { intent, slots } if self.third_party() => self.run(intent, slots).await,
            Move::AskMeant { intent, slots } => Ok(self.ask_meant(intent, slots, meaning)),
            Move::AskInstead(open) => Ok(Self::ask_instead(open)),
            Move::AskAgain(open) => {
                let missed = self.state.open.as_ref().is_some_and(|before| open.tries > before.tries);
                Ok(Said { missed, ..self.ask_again(open).await? })
            }
            Move::MakeSure(open) => {
                let sure = Said::new("dialogue.common", Facts::new("make_sure"), State::Confirms);
                Ok(Said { intent: meaning.intent.clone(), ..sure }.then(self.ask_again(open).await?))
            }
            Move::SayLast => match self.state.last.clone() {
                last if last.is_empty() => Ok(Said::new("dialogue.repeat", Facts::new("nothing"), State::Answered)),
                last => self.say_again(last, None).await,
            },
            Move::Meanwhile(step) => {
                let said = Box::pin(self.carry_out(*step, meaning)).await?;
                self.back_to_question(said).await
            }
            Move::Instead(step) => {
                let said = Box::pin(self.carry_out(*step, meaning)).await?;
                match &self.state.open {
                    Some(open) if open.intent == said.intent => Ok(said),
                    _ => self.back_to_question(said).await,
                }
            }
            Move::Help => self.help().await,
            Move::Slower => self.slower().await,
            Move::Volume(volume) => {
                if let Some(step) = self.of_the_room(volume).await? {
                    return Box::pin(self.carry_out(step, meaning)).await;
                }
                let intent = if volume == Volume::Up { "dialogue.louder" } else { "dialogue.quieter" };
                let said = Said::new(intent, Facts::new("answer"), State::Answered);
                Ok(Said { volume: Some(volume), ..said })
            }
            Move::OfferPerson => Ok(self.given_up(&meaning.intent)),
            Move::Emergency(slots) => Ok(self.escalated("emergency.help", slots).await),
            Move::StandDown => Ok(self.stood_down()),
            Move::Person => self.run(PERSON.to_owned(), Slots::new()).await,
            Move::Join => self.join().await,
            Move::Aloud { intent, slots, plan } => {
                self.state.aloud = true;
                self.go_through(intent, slots, plan).await
            }
            Move::Consent { scope, intent, slots, plan } => {
                self.agree(scope).await?;
                self.go_through(intent, slots, plan).await
            }
            // Where a call to the nurse may be open, "never mind" must not sound as if it had closed it.
            Move::Say { intent, reply: "nothing_open" }
                if intent == "dialogue.cancel" && matches!(self.caller.surface, Surface::Room(_)) =>
            {
                Ok(Said::new(&intent, Facts::new("nothing_open_room"), State::Answered))
            }
            Move::Hold(intent) => {
                let state = match self.state.open.as_ref().map(|open| &open.wait) {
                    Some(Wait::Confirm { .. }) => State::Confirms,
                    Some(_) => State::Asks,
                    None => State::Answered,
                };
                Ok(Said { keep_open: true, ..Said::new(&intent, Facts::new("answer"), state) })
            }
            Move::Say { intent, reply } => {
                let reply = if intent == NONE { self.elsewhere(NONE, reply) } else { reply };
                let said = Said::new(&intent, Facts::new(reply), State::Answered);
                Ok(Said { intent: meaning.intent.clone(), missed: intent == NONE, ..said })
            }
        }
    }

    /// What the intent needs on this surface. A room's emergency goes on the room's board.
    pub(super) fn needs(&self, intent: &str, slots: &Slots) -> Result<(Needs, Action), TurnError> {
        let missing = || TurnError::NoAction(intent.to_owned());
        let def = self.core.catalogue.intent(intent).ok_or_else(missing)?;
        let action = def.action.as_deref().and_then(Action::named).ok_or_else(missing)?;
        let floor = action.floor();
        let data = match (floor.effect, &self.caller.surface) {
            (Effect::Urgent, Surface::Room(_) | Surface::Home(_)) => DataClass::Room,
            _ => def.data.max(floor.data),
        };
        let least = if data == DataClass::Identifiable { Identity::Known } else { Identity::Nobody };
        let mut identity = def.identity.unwrap_or(Identity::Nobody).max(floor.identity).max(least);
        // Whether or not there is such a thing on record: otherwise the question would tell.
        if data == DataClass::Identifiable && self.overheard() && names(slots).any(sensitive::is_protected_name) {
            identity = Identity::Proven;
        }
        Ok((Needs { data, effect: def.effect, identity, scope: floor.scope }, action))
    }

    /// Asks policy. The opening audit row is durable when this lets the action go on.
    async fn admitted(&mut self, intent: &str, slots: &Slots, needs: &Needs) -> Result<Admitted, TurnError> {
        let clock = Instant::now();
        let task = needs.task(intent);
        let agreed = self.agreed.uses.answer();
        let may = decide(&task, &self.caller, &agreed);
        match self.telling(intent, needs) {
            Telling::Screen => return Ok(Admitted::No(Box::new(self.on_screen(intent).await?))),
            // Whoever may not have it at all is told that first.
            Telling::Ask if matches!(may, Decision::Person(_)) => return Ok(Admitted::First(Question::Aloud)),
            Telling::Ask | Telling::Headline | Telling::Whole => {}
        }
        let occasion = self.occasion();
        let admitting = admit(&task, &self.caller, &agreed, &occasion, &self.core.store);
        let reading = async {
            match (&may, needs.scope) {
                (Decision::Person(person), Some(scope)) => {
                    Some(self.core.records.within(&self.budget).ahead(person, scope, self.hush(slots), self.now).await)
                }
                _ => None,
            }
        };
        // The question goes out first: it is short, and the row's commit is long.
        let (ahead, verdict) = tokio::join!(biased; reading, admitting);
        self.ahead =
            Some(ahead.unwrap_or_else(|| self.core.records.within(&self.budget).hushed(self.hush(slots), self.now)));
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
            Verdict::StepUp(Question::WhoIsSpeaking) if self.shared() => Admitted::First(self.who_first()),
            Verdict::StepUp(Question::WhoIsSpeaking) => no("who", State::Refused),
            Verdict::StepUp(Question::Elsewhere) => no("elsewhere", State::Refused),
            Verdict::StepUp(question @ (Question::Pin | Question::Aloud | Question::Consent(_))) => {
                Admitted::First(question)
            }
            Verdict::Refuse(Reason::ThirdParty) => no("third_party", State::Refused),
            Verdict::Refuse(Reason::NoDevice) => no("no_device", State::Refused),
            Verdict::Escalate => no("escalate", State::Escalated),
        })
    }

    pub(super) async fn run(&mut self, intent: String, slots: Slots) -> Result<Said, TurnError> {
        if self.core.catalogue.intent(&intent).is_some_and(|def| def.action.is_none()) {
            let said = Said::new("dialogue.common", Facts::new("not_connected"), State::Answered);
            return Ok(Said { intent, slots, ..said });
        }
        let (needs, action) = self.needs(&intent, &slots)?;
        let (pass, opened) = match self.admitted(&intent, &slots, &needs).await? {
            Admitted::Go(pass, opened) => (pass, opened),
            Admitted::No(said) => return Ok(self.warned(action, &slots, Said { slots: slots.clone(), ..*said })),
            Admitted::First(question) => {
                return Ok(self.warned(action, &slots, Self::step_up(question, intent, slots.clone(), None)));
            }
        };
        let clock = Instant::now();
        let outcome = action.run(pass, &slots, &self.setting()).await;
        self.timings.action += millis(clock);
        let outcome = match Self::unless_unreachable(outcome, (&intent, &slots, opened))? {
            Ok(outcome) => outcome,
            Err(said) => return Ok(*said),
        };
        let outcome = match outcome {
            Outcome::Identify(how) => return Box::pin(self.identified_by(how)).await,
            Outcome::Work(work) => self.worked(&work).await,
            whole if self.telling(&intent, &needs) == Telling::Headline => aloud::headline(whole),
            whole => whole,
        };
        if action == Action::RoomVisitor {
            self.visitor_came();
        }
        if needs.effect == Effect::Change && matches!(outcome, Outcome::Done { .. }) {
            return Err(TurnError::Unconfirmed(intent));
        }
        let said = Self::absorb(intent, slots, outcome, needs, opened);
        let said = self.with_common(said);
        self.with_unsent(self.with_age(said)).await
    }

    /// What is said instead of an answer, after what has to be done about a dangerous value that was just told: that waits
    /// for no PIN, no agreement and no quiet room.
    pub(super) fn warned(&self, action: Action, slots: &Slots, said: Said) -> Said {
        let danger = (action == Action::ReadingLog).then(|| reading_danger(slots, &self.setting())).flatten();
        let Some((facts, need)) = danger else { return said };
        let changes = vec![Change::TellStaff { need }];
        let alarm =
            Said { changes, conflict: Some(facts.clone()), ..Said::new("reading.log", facts, State::Escalated) };
        Said { intent: said.intent.clone(), ..alarm }.then(said)
    }

    /// An intent that has no headline of its own is told by the common one.
    fn with_common(&self, said: Said) -> Said {
        let own = self.core.catalogue.intent(&said.from).is_some_and(|def| def.replies.contains_key(aloud::HEADLINE));
        if !aloud::is_headline(&said.facts) || own {
            return said;
        }
        Said { from: "dialogue.common".to_owned(), ..said }
    }

    pub(super) async fn perform(&mut self, intent: String, slots: Slots, plan: Plan) -> Result<Said, TurnError> {
        let (needs, action) = self.needs(&intent, &slots)?;
        let (pass, opened) = match self.admitted(&intent, &slots, &needs).await? {
            Admitted::Go(pass, opened) => (pass, opened),
            Admitted::No(said) => return Ok(Said { slots, ..*said }),
            Admitted::First(question) => return Ok(Self::step_up(question, intent, slots, Some(plan))),
        };
        let clock = Instant::now();
        let outcome = match pass {
            Pass::Person(permit) => action.perform(permit, plan, &self.setting()).await,
            Pass::Room(pass) => action.perform_in_room(&pass, plan, &self.setting()),
            Pass::Public => return Err(TurnError::NoAction(intent)),
        };
        self.timings.action += millis(clock);
        match Self::unless_unreachable(outcome, (&intent, &slots, opened))? {
            Ok(Outcome::Call(dial)) => {
                let outcome = self.called(&dial).await;
                Ok(Self::absorb(intent, slots, outcome, needs, opened))
            }
            Ok(outcome) => Ok(Self::absorb(intent, slots, outcome, needs, opened)),
            Err(said) => Ok(*said),
        }
    }

    /// Whether others may hear the answer.
    pub(super) const fn overheard(&self) -> bool {
        matches!(self.caller.surface, Surface::Room(_) | Surface::Home(_))
    }

    /// What may be said here: nothing protected, but what somebody who has just shown who they are asks for by name.
    pub(super) fn hush(&self, slots: &Slots) -> Hush {
        let named = if self.caller.proof == Proof::Fresh { names(slots).map(str::to_owned).collect() } else { vec![] };
        Hush { aloud: self.overheard(), named }
    }

    fn setting(&self) -> Setting<'_> {
        Setting {
            records: self.ahead.as_ref().unwrap_or(&self.core.records),
            now: self.now,
            zone: &self.core.zone,
            organization: &self.core.organization,
            emergency_number: &self.core.emergency_number,
            phone: self.core.phone.as_deref(),
            room: match &self.caller.surface {
                Surface::Room(room) | Surface::Home(room) => Some(room),
                Surface::Chat | Surface::ThirdParty => None,
            },
            unit: match &self.caller.surface {
                Surface::Room(room) => self.core.units.of(room),
                Surface::Home(_) | Surface::Chat | Surface::ThirdParty => None,
            },
            position: self.core.position,
            sign_up: self.core.sign_up.as_deref(),
            protection: &self.core.protection,
            agreed: &self.agreed,
            channel: self.caller.surface.name(),
            connecting: self.core.connecting.as_ref(),
            chance: u64::from_be_bytes(self.core.ambient.random()),
        }
    }

    /// From an action's outcome to what is said and what stays open.
    fn absorb(intent: String, slots: Slots, outcome: Outcome, needs: Needs, opened: Option<EntryId>) -> Said {
        let worded = |facts: &Facts, state| Said {
            request: Some(Request { intent: intent.clone(), slots: slots.clone() }),
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
            before: None,
        };
        match outcome {
            Outcome::Answer(facts) => worded(&facts, State::Answered),
            Outcome::Ask { slot, facts, options } => {
                Said { open: Some(open(facts.clone(), Wait::Slot { slot, options })), ..worded(&facts, State::Asks) }
            }
            Outcome::Offer { facts, next } => {
                let Next { intent, slots } = next;
                let open = Open { intent, slots, ..open(facts.clone(), Wait::Meant) };
                Said { open: Some(open), ..worded(&facts, State::Asks) }
            }
            Outcome::Confirm { facts, plan } => {
                Said { open: Some(open(facts.clone(), Wait::Confirm { plan })), ..worded(&facts, State::Confirms) }
            }
            Outcome::Alert { facts, plan, need } => Said {
                open: Some(open(facts.clone(), Wait::Confirm { plan })),
                changes: vec![Change::TellStaff { need }],
                conflict: Some(facts.clone()),
                ..worded(&facts, State::Confirms)
            },
            Outcome::Done { facts, changes, conflict } => {
                Said { changes, conflict: Some(conflict), ..worded(&facts, State::Done) }
            }
            // Taken out before; an action that was agreed to never ends so.
            Outcome::Identify(_) | Outcome::Work(_) | Outcome::Call(_) => said::common("failed", State::Rejected),
        }
    }

    /// The catalogue's own question names no fact, so it needs no permit; but nobody is asked for a medicine
    /// only to be refused afterwards.
    async fn ask_slot(&mut self, intent: String, slots: Slots, slot: String) -> Result<Said, TurnError> {
        if self.core.catalogue.intent(&intent).is_some_and(|def| def.action.is_none()) {
            return self.run(intent, slots).await;
        }
        let (needs, _) = self.needs(&intent, &slots)?;
        let task = needs.task(&intent);
        let nothing = self.telling(&intent, &needs) == Telling::Screen;
        if nothing
            || matches!(decide(&task, &self.caller, &self.agreed.uses.answer()), Decision::Ask(_) | Decision::Refuse(_))
        {
            return self.run(intent, slots).await;
        }
        let facts = Facts::new(&format!("ask_{slot}"));
        let outcome = Outcome::Ask { slot, facts, options: Vec::new() };
        Ok(Self::absorb(intent, slots, outcome, Needs::NOTHING, None))
    }

    fn ask_meant(&self, intent: String, slots: Slots, meaning: &Interpretation) -> Said {
        let asks = self.core.catalogue.intent(&intent).is_some_and(|def| def.replies.contains_key("meant"));
        if !asks {
            return Said { slots: meaning.slots.clone(), ..Said::new(NONE, Facts::new("answer"), State::Answered) };
        }
        let outcome = Outcome::Ask { slot: String::new(), facts: Facts::new("meant"), options: Vec::new() };
        let mut said = Self::absorb(intent, slots, outcome, Needs::NOTHING, None);
        if let Some(open) = &mut said.open {
            open.wait = Wait::Meant;
        }
        said
    }

    /// What it should be instead of what was read back. Only an answer to this goes on.
    fn ask_instead(open: Open) -> Said {
        let facts = Facts::new("instead");
        let intent = "dialogue.correct".to_owned();
        let said = dialogue::Said { intent: intent.clone(), facts: facts.clone(), needs: Needs::NOTHING };
        Said { open: Some(Open { said, ..open }), ..Said::new(&intent, facts, State::Asks) }
    }

    /// The question once more.
    pub(super) async fn ask_again(&mut self, open: Open) -> Result<Said, TurnError> {
        self.say_again(vec![open.said.clone()], Some(open)).await
    }

    /// Saying something again discloses it again: policy is asked again.
    pub(super) async fn say_again(
        &mut self,
        parts: Vec<dialogue::Said>,
        open: Option<Open>,
    ) -> Result<Said, TurnError> {
        let mut whole: Option<Said> = None;
        for part in parts {
            if !aloud::is_headline(&part.facts) && self.telling(&part.intent, &part.needs) == Telling::Headline {
                return self.on_screen(&part.intent).await;
            }
            let said = match self.admitted(&part.intent, &Slots::new(), &part.needs).await? {
                Admitted::Go(_, opened) => {
                    let said = Said::new(&part.intent, part.facts, State::Answered);
                    Said { needs: part.needs, opened, ..said }
                }
                Admitted::No(said) => return Ok(*said),
                // What was said before the person had to show who they are again: only on asking anew.
                Admitted::First(_) => {
                    return Ok(Said::new("dialogue.common", Facts::new("ask_anew"), State::Refused));
                }
            };
            whole = Some(match whole {
                Some(before) => before.then(said),
                None => said,
            });
        }
        let mut said = whole.unwrap_or_else(|| Said::new("dialogue.repeat", Facts::new("nothing"), State::Answered));
        if let Some(open) = open {
            said.state = if matches!(open.wait, Wait::Confirm { .. }) { State::Confirms } else { State::Asks };
            said.slots.clone_from(&open.slots);
            said.open = Some(open);
        }
        Ok(said)
    }
}

/// What the slots name.
fn names(slots: &Slots) -> impl Iterator<Item = &str> {
    let named = ["medicine", "medicine2", "test", "provider", "specialty"];
    slots.iter().filter(move |(name, _)| named.contains(&name.as_str())).filter_map(|(_, slot)| match &slot.value {
        SlotValue::Text(text) => Some(text.as_str()),
        _ => None,
    })
}
