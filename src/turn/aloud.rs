//! How much of an answer may be said where others may hear it.
//!
//! Invariant: decided in one place (`policy::telling`), when permission is asked for and so before anything is worded,
//! for answers, questions, read-backs and repeats alike, by what is so in the room now.

use super::{Said, State, Turn, TurnError, said};
use crate::{
    actions::{Facts, Outcome},
    dialogue::Needs,
    policy::{Around, Event, Journal as _, JournalEntry, Telling, telling},
    store::PlaceNow,
};

/// The reply that is only a headline.
pub(super) const HEADLINE: &str = "headline";

impl Turn<'_> {
    /// What may be said aloud here and now.
    pub(super) async fn look_around(&mut self, place: PlaceNow) -> Result<(), TurnError> {
        let around = Around {
            time: self.now.to_zoned(self.core.zone.clone()).time(),
            roommate: self.core.store.anybody_in(&place.rules.shares).await?,
            visitor: place.visitor.is_some_and(|until| self.now < until),
        };
        self.mode = place.rules.mode(&around);
        self.with_visitor = place.rules.mode(&Around { visitor: true, ..around });
        Ok(())
    }

    /// A visitor came: what was all right to say aloud before is asked about again.
    pub(super) const fn visitor_came(&mut self) {
        self.mode = self.with_visitor;
        self.state.aloud = false;
    }

    /// How the answer to something with these needs may be given.
    pub(super) fn telling(&self, intent: &str, needs: &Needs) -> Telling {
        telling(&needs.task(intent), &self.caller.surface, self.mode, self.state.aloud)
    }

    /// What was asked for is on the person's own page. The refusal is audited, as any other.
    pub(super) async fn on_screen(&self, intent: &str) -> Result<Said, TurnError> {
        let refused = JournalEntry {
            event: Event::Refused,
            outcome: Some("not_aloud"),
            intent: Some(intent.to_owned()),
            ..self.identified()
        };
        self.core.store.append(refused).await?;
        Ok(Said { intent: intent.to_owned(), ..said::common("on_screen", State::Refused) })
    }
}

/// An outcome of which only the headline may be said: no name, no value, no date, and of numbers only how many. What has
/// to be made durable stays.
pub(super) fn headline(outcome: Outcome) -> Outcome {
    let short = |facts: &Facts| match facts.values.get("count").filter(|count| count.is_u64()) {
        Some(count) => Facts::new(HEADLINE).with("count", count),
        None => Facts::new(HEADLINE).with("count", None::<u64>),
    };
    match outcome {
        Outcome::Answer(facts) => Outcome::Answer(short(&facts)),
        Outcome::Ask { .. } | Outcome::Offer { .. } | Outcome::Confirm { .. } => {
            Outcome::Answer(short(&Facts::default()))
        }
        Outcome::Done { facts, changes, .. } => {
            Outcome::Done { facts: short(&facts), changes, conflict: short(&Facts::default()) }
        }
        // What to do about a dangerous value is said in full: it is an emergency, and the value was just said aloud.
        alert @ Outcome::Alert { .. } => alert,
        Outcome::Identify(how) => Outcome::Identify(how),
        Outcome::Work(work) => Outcome::Work(work),
        Outcome::Call(dial) => Outcome::Call(dial),
    }
}

/// Whether something that was said is no more than a headline.
pub(super) fn is_headline(facts: &Facts) -> bool {
    facts.reply == HEADLINE
}
