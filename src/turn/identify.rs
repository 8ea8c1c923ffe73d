//! Showing who one is, and agreeing: what has to be answered before a request may go on.
//!
//! Invariants: a PIN is taken digit for digit, only when it was asked for, and never on a channel of somebody else's;
//! it is tried only after the try was counted; it is never said, kept or logged (`mask`). Emergencies were looked for before any of this.

use jiff::SignedDuration;
use zeroize::Zeroizing;

use super::{Said, State, Turn, TurnError, mask::MASK, said};
use crate::{
    actions::{Facts, Identify, Plan},
    dialogue::{self, Needs, Open, Speaker, Wait},
    nlu::{By, Interpretation, Slot, SlotValue, Slots, digits},
    policy::{Agreed, Agreements, Event, Journal as _, JournalEntry, Proof, Question, Scope},
    store::{CODE_DIGITS, PinTried},
};

impl Turn<'_> {
    /// Asks for what must come first; what was asked for waits meanwhile.
    pub(super) fn step_up(question: Question, intent: String, slots: Slots, plan: Option<Plan>) -> Said {
        let (reply, wait, state) = match question {
            Question::Consent(scope) => ("consent", Wait::Consent { scope, plan }, State::Asks),
            Question::WhoIsSpeaking => ("speaking", Wait::Who { among: Vec::new() }, State::Asks),
            Question::Aloud => ("aloud", Wait::Aloud { plan }, State::Asks),
            Question::Pin | Question::Elsewhere => ("pin", Wait::Pin { plan }, State::Asks),
        };
        let mut facts = Facts::new(reply);
        if let Question::Consent(scope) = question {
            facts = facts.with("part", scope.name());
        }
        let said = dialogue::Said { intent: "dialogue.common".into(), facts: facts.clone(), needs: Needs::NOTHING };
        let open = Open { intent: intent.clone(), slots: slots.clone(), wait, said, tries: 0, before: None };
        Said { intent, slots, open: Some(open), ..Said::new("dialogue.common", facts, state) }
    }

    /// The PIN in what was said, where one is waited for.
    pub(super) fn pin_in(&self, words: &str) -> Option<Zeroizing<String>> {
        self.state.open.as_ref().filter(|open| matches!(open.wait, Wait::Pin { .. }))?;
        // "My code is …": said in place of the PIN, and shows as much.
        if digits::codes(words).iter().any(|(_, code)| code.len() == CODE_DIGITS) && says_code(words) {
            return None;
        }
        // A digit of it was misheard: asked for again instead of tried, since few wrong ones are allowed.
        if digits::broken(words) {
            return Some(Zeroizing::default());
        }
        let runs = digits::runs(words, 1);
        let longest = runs.iter().map(|(_, digits)| digits.as_str()).max_by_key(|digits| digits.len())?;
        let whole: String = runs.iter().map(|(_, digits)| digits.as_str()).collect();
        let pin = if longest.len() >= 4 { longest.to_owned() } else { whole };
        // "The one on Oak Street" is no try.
        (pin.len() >= digits::FEWEST).then(|| Zeroizing::new(pin))
    }

    /// Tries the PIN; where it is right, goes on with what waited for it.
    pub(super) async fn try_pin(&mut self, pin: Zeroizing<String>) -> Result<Said, TurnError> {
        let Some(open) = self.state.open.clone() else { return Ok(said::common("failed", State::Rejected)) };
        let tried = self.pin_tried(&pin).await?;
        let masked = Slots::from([("pin".to_owned(), Slot::new(MASK, SlotValue::Text(MASK.to_owned()), 1.0))]);
        let stopped = |facts: Facts| Said {
            intent: open.intent.clone(),
            slots: masked.clone(),
            ..Said::new("dialogue.common", facts, State::Refused)
        };
        Ok(match tried {
            PinTried::Fits => {
                self.state.proved = Some(self.now);
                self.caller.proof = Proof::Fresh;
                self.resume(open).await?
            }
            PinTried::NoneSet => {
                self.caller.proof = Proof::Unasked;
                self.resume(open).await?
            }
            PinTried::NoPin => Said {
                slots: masked,
                intent: open.intent.clone(),
                open: Some(open),
                ..Said::new("dialogue.common", Facts::new("pin_digits"), State::Asks)
            },
            PinTried::Wrong => Said {
                slots: masked,
                intent: open.intent.clone(),
                open: Some(open),
                ..Said::new("dialogue.common", Facts::new("pin_wrong"), State::Asks)
            },
            PinTried::Locked(until) => {
                let seconds = until.duration_since(self.now).max(SignedDuration::ZERO).unsigned_abs().as_secs();
                let minutes = seconds.div_ceil(60).max(1);
                stopped(Facts::new("pin_locked").with("minutes", minutes))
            }
            PinTried::Shut => stopped(Facts::new("pin_shut")),
        })
    }

    /// The PIN of whoever speaks, or says that they do.
    async fn pin_tried(&mut self, pin: &str) -> Result<PinTried, TurnError> {
        let (store, row) = (&self.core.store, self.identified());
        let among = match (&self.caller.person, &self.state.speaker) {
            (Some(person), _) => return Ok(store.try_pin(person, pin, &row, self.now).await?),
            (None, Some(Speaker::OneOf(ids))) => {
                self.house.iter().filter(|person| ids.iter().any(|id| id == person.as_str())).cloned().collect()
            }
            (None, Some(Speaker::Nobody(name))) => {
                return Ok(store.try_pin_of_nobody(name, pin, &row, self.now).await?);
            }
            (None, Some(Speaker::Member(_) | Speaker::Guest(_)) | None) => Vec::new(),
        };
        let mut ended = PinTried::NoneSet;
        for (n, person) in among.iter().enumerate() {
            let row = JournalEntry { subject: Some(person.clone()), ..row.clone() };
            match store.try_pin(person, pin, &row, self.now).await? {
                PinTried::Fits => {
                    store.pardon(&among[..n], &self.caller.credential).await?;
                    self.turned_out(person).await?;
                    return Ok(PinTried::Fits);
                }
                PinTried::NoneSet => {}
                other => ended = other,
            }
        }
        // Nobody of them has one: then it is nobody's.
        Ok(if ended == PinTried::NoneSet { PinTried::Wrong } else { ended })
    }

    /// Goes on with what had been asked for before it was known who asks; whatever was agreed to then is not theirs.
    pub(super) async fn go_on_with(&mut self, open: Open) -> Result<Said, TurnError> {
        let wait = Wait::Who { among: Vec::new() };
        self.resume(Open { wait, ..open }).await
    }

    /// An audit row that tells how somebody was told apart.
    pub(super) async fn note(&self, outcome: &'static str) -> Result<(), TurnError> {
        let row = JournalEntry { outcome: Some(outcome), ..self.identified() };
        self.core.store.append(row).await?;
        Ok(())
    }

    /// Somebody says who they are.
    pub(super) async fn identified_by(&mut self, how: Identify) -> Result<Said, TurnError> {
        match how {
            Identify::ByName(name) => self.somebody(name).await,
            Identify::ByCode => self.by_code().await,
        }
    }

    /// What had been asked for, now that the way is clear.
    pub(super) async fn resume(&mut self, open: Open) -> Result<Said, TurnError> {
        let plan = match open.wait {
            Wait::Pin { plan } | Wait::Consent { plan, .. } | Wait::Aloud { plan } => plan,
            Wait::Slot { .. }
            | Wait::Confirm { .. }
            | Wait::Meant
            | Wait::Resume
            | Wait::Person
            | Wait::Who { .. }
            | Wait::Join
            | Wait::Emergency => None,
        };
        self.state.open = None;
        let mut said = self.go_through(open.intent, open.slots, plan).await?;
        self.keep_what_it_came_from(&mut said);
        self.go_on(said).await
    }

    /// Runs an intent, or performs what was agreed to.
    pub(super) async fn go_through(
        &mut self,
        intent: String,
        slots: Slots,
        plan: Option<Plan>,
    ) -> Result<Said, TurnError> {
        if let Some(plan) = plan {
            return self.perform(intent, slots, plan).await;
        }
        let step = dialogue::run_or_ask(&intent, slots.clone(), &self.core.catalogue);
        let meaning = Interpretation { intent, slots, confidence: 1.0, alternatives: vec![], by: By::Sentence };
        Box::pin(self.carry_out(step, &meaning)).await
    }

    /// The person agreed to a use of their records. Durable before anything is done on the strength of it.
    pub(super) async fn agree(&mut self, scope: Scope) -> Result<(), TurnError> {
        let Some(person) = self.caller.person.clone() else { return Ok(()) };
        // Only what had to be asked: nobody agrees without having shown who they are where they can.
        if self.caller.proof == Proof::None {
            return Ok(());
        }
        let uses = self.agreed.uses.with(Agreements::to_answer(&[scope]).iter());
        let entry = JournalEntry { event: Event::ConsentChanged, outcome: Some("given"), ..self.identified() };
        self.core.store.set_consent(&person, &uses, Some(self.agreed.version), &entry).await?;
        self.agreed = Agreed { uses, version: self.agreed.version + 1 };
        Ok(())
    }

    /// An audit row about who was shown to be here.
    pub(super) fn identified(&self) -> JournalEntry {
        JournalEntry {
            event: Event::Identified,
            subject: self.caller.person.clone(),
            actor: Some(self.caller.credential.clone()),
            intent: None,
            channel: self.caller.surface.name(),
            session: Some(self.session.clone()),
            turn: Some(self.id.clone()),
            closes: None,
            outcome: None,
            at: self.now,
        }
    }
}

/// Whether it is a code that is said, rather than a PIN.
fn says_code(words: &str) -> bool {
    crate::nlu::words::words(words).iter().any(|word| word.text == "code")
}
