//! Showing who one is with a one-time code, said at a device.
//!
//! Invariants: the code is tried as a PIN is, counted before it is looked at, and stands nowhere afterwards; in a
//! hospital room it shows only that it is whoever stays there; at home it makes known whose it is, for this
//! conversation, and for longer only after a yes.

use jiff::SignedDuration;

use super::{Said, State, Turn, TurnError, said};
use crate::{
    actions::Facts,
    dialogue::{self, Needs, Open, Speaker, Wait},
    nlu::Slots,
    policy::{Event, JournalEntry, PersonId, Proof, Surface},
    store::CodeTried,
};

/// The intent of showing who one is with a code.
const LINK: &str = "account.link";

impl Turn<'_> {
    /// A code was said, or somebody wants to show who they are and has said none.
    pub(super) async fn by_code(&mut self) -> Result<Said, TurnError> {
        let Some(code) = self.code.take() else { return Ok(asks_for_code("code_how")) };
        let nobody = PersonId::fresh(self.now, [0; 10]);
        let only = match &self.caller.surface {
            Surface::Room(_) => Some(self.caller.person.as_ref().unwrap_or(&nobody)),
            Surface::Home(_) | Surface::Chat | Surface::ThirdParty => None,
        };
        Ok(match self.core.store.try_code(&code, only, &self.identified(), self.now).await? {
            CodeTried::Fits(person) => self.shown_by_code(person).await?,
            CodeTried::Wrong => asks_for_code("code_wrong"),
            CodeTried::NoCode => asks_for_code("code_digits"),
            CodeTried::Locked(until) => {
                let seconds = until.duration_since(self.now).max(SignedDuration::ZERO).unsigned_abs().as_secs();
                let facts = Facts::new("pin_locked").with("minutes", seconds.div_ceil(60).max(1));
                Said { intent: LINK.to_owned(), ..Said::new("dialogue.common", facts, State::Refused) }
            }
        })
    }

    /// It is theirs: they are here, and have shown it.
    async fn shown_by_code(&mut self, person: PersonId) -> Result<Said, TurnError> {
        let mut stranger = false;
        let waiting = if self.caller.person.as_ref() == Some(&person) {
            self.state.open.take().filter(|open| matches!(open.wait, Wait::Pin { .. }))
        } else {
            stranger = !self.belongs(&person);
            let id = person.as_str().to_owned();
            let speaker = if stranger { Speaker::Guest(id) } else { Speaker::Member(id) };
            self.takes_over(speaker, "by_code").await?.map(|open| Open { wait: Wait::Who { among: vec![] }, ..open })
        };
        self.state.proved = Some(self.now);
        self.caller.proof = Proof::Fresh;
        let waiting = waiting.filter(|open| open.intent != super::speaker::SWITCH);
        Ok(match waiting {
            Some(open) => {
                let said = self.resume(open).await?;
                if stranger && said.settled() { said.then(joins()) } else { said }
            }
            None if stranger => joins(),
            None => Said { intent: LINK.to_owned(), ..said::common("code_right", State::Answered) },
        })
    }

    /// Whoever speaks is one of the people of this device from now on.
    pub(super) async fn join(&mut self) -> Result<Said, TurnError> {
        let shown = self.caller.proof == Proof::Fresh;
        let (Some(Speaker::Guest(id)), true) = (self.state.speaker.clone(), shown) else {
            return Ok(said::common("ask_anew", State::Refused));
        };
        let row = JournalEntry { event: Event::Credential, outcome: Some("joined"), ..self.identified() };
        self.core.store.add_member(&self.caller.credential, &row).await?;
        self.state.speaker = Some(Speaker::Member(id));
        Ok(Said { intent: LINK.to_owned(), ..said::common("joined", State::Done) })
    }
}

fn question(reply: &str, wait: Wait, state: State) -> Said {
    let facts = Facts::new(reply);
    let said = dialogue::Said { intent: "dialogue.common".into(), facts: facts.clone(), needs: Needs::NOTHING };
    let open = Open { intent: LINK.to_owned(), slots: Slots::new(), wait, said, tries: 0, before: None };
    Said { intent: LINK.to_owned(), open: Some(open), ..Said::new("dialogue.common", facts, state) }
}

fn asks_for_code(reply: &str) -> Said {
    question(reply, Wait::Slot { slot: "code".to_owned(), options: Vec::new() }, State::Asks)
}

fn joins() -> Said {
    question("code_join", Wait::Join, State::Confirms)
}
