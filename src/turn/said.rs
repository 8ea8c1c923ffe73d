//! What a turn will say, in one part or several, and what must be durable before it is heard.

use super::State;
use crate::{
    actions::{Change, Facts},
    dialogue::{Needs, Open, Request, Volume},
    nlu::Slots,
    policy::EntryId,
    store::Told,
};

/// What will be said, and what must be durable before it is.
#[derive(Clone)]
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
    /// What was asked for, where it was answered.
    pub request: Option<Request>,
    /// Nothing was understood.
    pub missed: bool,
    /// How loud the device is to be.
    pub volume: Option<Volume>,
    /// News that it tells, each once.
    pub told: Vec<Told>,
    /// What is said after it in the same answer.
    pub(super) next: Option<Box<Said>>,
}

/// Something the conversation says of its own, which names no fact.
pub(super) fn common(reply: &str, state: State) -> Said {
    Said::new("dialogue.common", Facts::new(reply), state)
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
            needs: Needs::NOTHING,
            opened: None,
            request: None,
            missed: false,
            volume: None,
            told: Vec::new(),
            next: None,
        }
    }

    /// This, then that, in one answer.
    #[must_use]
    pub(super) fn then(mut self, more: Self) -> Self {
        self.next = Some(match self.next.take() {
            Some(next) => Box::new(next.then(more)),
            None => Box::new(more),
        });
        self
    }

    /// The same with each part made into what `change` makes of it.
    #[must_use]
    pub(super) fn each(&self, change: &mut dyn FnMut(Self) -> Self) -> Self {
        let part = change(Self { next: None, ..self.clone() });
        Self { next: self.next.as_ref().map(|next| Box::new(next.each(change))), ..part }
    }

    /// The same without the news.
    #[must_use]
    pub(super) fn without_news(&self) -> Self {
        let next = self.next.as_deref().filter(|next| !next.is_news()).map(Self::without_news);
        Self { next: next.map(Box::new), told: Vec::new(), ..self.clone() }
    }

    /// Whether it is told only because it is new.
    fn is_news(&self) -> bool {
        !self.told.is_empty() && self.from == "dialogue.common"
    }

    /// All that is said, in order.
    pub(super) fn parts(&self) -> impl Iterator<Item = &Self> {
        std::iter::successors(Some(self), |part| part.next.as_deref())
    }

    /// The question that is open after all of it was said.
    pub(super) fn question(&mut self) -> Option<&mut Open> {
        match self.next.as_deref_mut() {
            Some(next) => next.question(),
            None => self.open.as_mut(),
        }
    }

    /// Whether it was answered, and asks nothing.
    pub(super) fn settled(&self) -> bool {
        let last = self.parts().last().unwrap_or(self);
        last.open.is_none() && !last.keep_open && matches!(last.state, State::Answered | State::Done | State::Refused)
    }

    /// How the turn ends: by its question, else by the weightiest thing that happened.
    pub(super) fn whole_state(&self) -> State {
        let states: Vec<State> = self.parts().map(|part| part.state).collect();
        match states.last() {
            Some(State::Asks) => State::Asks,
            Some(State::Confirms) => State::Confirms,
            _ => [State::Escalated, State::Done, State::Refused, State::Answered]
                .into_iter()
                .find(|state| states.contains(state))
                .unwrap_or(self.state),
        }
    }
}
