//! Changes that go to the server where the person's records live: sent at once where that is quick, and told as it is.
//!
//! Invariant: what is durable is true at every moment. The turn is committed saying "I've saved it and will send it"; only
//! when the server has it, or refuses it, is that answer replaced, in the commit that settles the change. Whoever repeats the
//! turn hears what is true by then, also where the program was killed in between.

use std::time::Instant;

use super::{Said, State, Turn, TurnError, TurnResult, keep::Going, millis};
use crate::{
    actions::{Change, Facts},
    outbox::Tried,
    records::outgoing::{Goes, Trouble, goes},
    store::{Amended, How},
};

/// What became of the changes of one part of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Became {
    /// The server has them.
    Done,
    /// They will be sent.
    Saved,
    /// The server does not take them.
    Refused(Trouble),
}

impl Turn<'_> {
    /// Whether something of this answer's changes goes to a server.
    pub(super) async fn sends(&self, said: &Said) -> Result<bool, TurnError> {
        let (Some(courier), Some(person)) = (&self.core.courier, &self.caller.person) else { return Ok(false) };
        let goes_out = |change: &Change| matches!(goes(change), Goes::Out(_));
        if self.third_party() || !said.parts().flat_map(|part| &part.changes).any(goes_out) {
            return Ok(false);
        }
        Ok(courier.sends(person).await?)
    }

    /// The answer as it is true before anything was sent.
    pub(super) fn saved(&self, said: &Said) -> Said {
        said.each(&mut |part| if is_claimed(&part) { self.became(part, Became::Saved) } else { part })
    }

    /// Sends what was committed, for as long as a turn may wait, and gives the answer as it is true then.
    pub(super) async fn sent(&mut self, said: &Said, saved: TurnResult, going: Going) -> TurnResult {
        // Reports are sent by the worker: nobody waits for them, and what was said of them is true already.
        let changes: Vec<&Change> = said.parts().flat_map(|part| &part.changes).collect();
        let claimed = |(n, _): &&(usize, String)| changes.get(*n).is_some_and(|change| claims(change));
        let ids: Vec<&str> = going.iter().filter(claimed).map(|(_, id)| id.as_str()).collect();
        let Some(courier) = self.core.courier.as_ref().filter(|_| !ids.is_empty()) else { return saved };
        let clock = Instant::now();
        let tried = courier.within(self.budget.left()).at_once(&ids, self.now, &self.core.ambient).await;
        let how = |n: usize| {
            let id = going.iter().filter(claimed).find(|(at, _)| *at == n).map(|(_, id)| id)?;
            // What could not be taken now waits behind an earlier change of the same thing.
            Some(tried.iter().find(|one| one.id() == id).map_or(How::Later(Trouble::Busy, self.now), Tried::how))
        };
        let mut n = 0;
        let now_true = said.each(&mut |part| {
            let outcomes: Vec<Option<How>> = part.changes.iter().enumerate().map(|(at, _)| how(n + at)).collect();
            n += part.changes.len();
            if is_claimed(&part) { self.became(part, became(&outcomes)) } else { part }
        });
        self.timings.action += millis(clock);
        let settled = tried.iter().any(|one| !matches!(one.how(), How::Later(..)));
        let answer = if settled { self.worded(&now_true) } else { Ok(saved.clone()) };
        let (answer, amended) = match answer {
            Ok(answer) if settled => {
                let turn = self.turn_commit(&now_true, &answer, true);
                (answer, turn)
            }
            _ => (saved.clone(), None),
        };
        let clock = Instant::now();
        let amended = amended.as_ref().map(|turn| Amended { turn });
        let written = courier.settle(tried, amended, self.now).await;
        self.timings.store += millis(clock);
        match written {
            Ok(()) => answer,
            // Sent or not, it is not written down; it will be sent again and change nothing more. "Saved" stays true.
            Err(error) => {
                tracing::warn!(stage = "outbox", %error, "what became of a change could not be written down; it is sent again");
                saved
            }
        }
    }

    /// A part of the answer, told as its changes became.
    fn became(&self, part: Said, became: Became) -> Said {
        let common = |reply: &str, state| Said {
            from: "dialogue.common".to_owned(),
            facts: Facts::new(reply).with("organization", &self.core.organization),
            state,
            ..part.clone()
        };
        match became {
            Became::Done => part,
            Became::Saved => {
                let own = self.core.catalogue.intent(&part.from).is_some_and(|def| def.replies.contains_key("saved"));
                if own {
                    let facts = Facts { reply: "saved".to_owned(), ..part.facts.clone() };
                    return Said { facts, ..part };
                }
                common("saved", State::Done)
            }
            Became::Refused(Trouble::Taken) => match part.conflict.clone() {
                Some(facts) => Said { facts, state: State::Answered, ..part },
                None => common("conflict", State::Answered),
            },
            Became::Refused(why) if why.conflict() => common("conflict", State::Answered),
            Became::Refused(_) => common("not_sent", State::Answered),
        }
    }
}

/// Whether the answer says of a part's changes that a server has them.
fn is_claimed(part: &Said) -> bool {
    part.changes.iter().any(claims)
}

fn claims(change: &Change) -> bool {
    matches!(goes(change), Goes::Out(change) if !change.is_a_report())
}

/// What is told of several: one that was refused, else one that waits. A change that goes nowhere has no outcome.
fn became(outcomes: &[Option<How>]) -> Became {
    let refused = outcomes.iter().flatten().find_map(|how| match how {
        How::Refused(why) => Some(*why),
        How::Delivered | How::Later(..) => None,
    });
    let waits = !outcomes.iter().flatten().any(|how| matches!(how, How::Delivered))
        || outcomes.iter().flatten().any(|how| matches!(how, How::Later(..)));
    match refused {
        Some(why) => Became::Refused(why),
        None if waits => Became::Saved,
        None => Became::Done,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_called_done_that_is_not() {
        let later = How::Later(Trouble::Busy, jiff::Timestamp::UNIX_EPOCH);
        let refused = How::Refused(Trouble::Taken);
        for (outcomes, want) in [
            (vec![], Became::Saved),
            (vec![None], Became::Saved),
            (vec![Some(How::Delivered)], Became::Done),
            (vec![Some(How::Delivered), None], Became::Done),
            (vec![Some(later)], Became::Saved),
            (vec![Some(How::Delivered), Some(later)], Became::Saved),
            (vec![Some(refused)], Became::Refused(Trouble::Taken)),
            (vec![Some(How::Delivered), Some(refused)], Became::Refused(Trouble::Taken)),
            (vec![Some(later), Some(refused)], Became::Refused(Trouble::Taken)),
        ] {
            assert_eq!(became(&outcomes), want, "{outcomes:?}");
        }
    }
}
