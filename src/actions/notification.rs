//! `notification.list` and `notification.settings`: what is new, and what somebody wants to be told unasked.
//!
//! What is new is told by the turn itself, with the permit of each part of the record; here it is only counted.

use super::{ActionError, Change, Facts, Outcome, Pass, Plan, Setting, permit, text};
use crate::{
    nlu::{SlotValue, Slots},
    policy::{DataClass, Effect, Floor, Identity, Permit, Scope, quiet},
};

/// Of a person; it rests on no agreement, because it opens no part of the record.
const fn of_its_own(effect: Effect) -> Floor {
    Floor { data: DataClass::Identifiable, effect, identity: Identity::Known, scope: None }
}

/// What is new.
pub mod list {
    use super::{
        ActionError, Effect, Facts, Floor, Identity, Outcome, Pass, Permit, Scope, Setting, Slots, of_its_own, permit,
    };

    /// A count, by parts that may be answered with; asked by whoever has shown who they are, where they can.
    pub const FLOOR: Floor = Floor { identity: Identity::Pin, ..of_its_own(Effect::Read) };

    /// Replies: `none`; `some` (count), after which the turn tells the news.
    pub async fn run(pass: Pass, _slots: &Slots, setting: &Setting<'_>) -> Result<Outcome, ActionError> {
        let permit: Permit = permit(pass)?;
        let topics = setting.records.news(permit.subject()).await?.reveal(&permit)?;
        Ok(Outcome::Answer(decide(&topics, &setting.agreed.uses.answer())))
    }

    fn decide(topics: &[Scope], agreed: &[Scope]) -> Facts {
        match topics.iter().filter(|topic| agreed.contains(topic)).count() {
            0 => Facts::new("none").with("count", 0),
            count => Facts::new("some").with("count", count),
        }
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        #[test]
        fn what_nobody_agreed_to_is_not_counted() {
            use Scope::{Medicines, Visits};
            for (topics, agreed, reply) in [
                (&[][..], &[Medicines][..], "none"),
                (&[Visits], &[Medicines], "none"),
                (&[Visits, Medicines], &[Medicines], "some"),
            ] {
                assert_eq!(decide(topics, agreed).reply, reply);
            }
        }
    }
}

/// What is told unasked.
pub mod settings {
    use super::{
        ActionError, Change, Effect, Facts, Floor, Outcome, Pass, Permit, Plan, Scope, Setting, SlotValue, Slots,
        of_its_own, permit, quiet, text,
    };
    use crate::policy::quiet::{Part, QuietChange};

    /// Read back first.
    pub const FLOOR: Floor = of_its_own(Effect::Change);

    /// Replies: `confirm` (part, on, until), `not_that`.
    pub async fn run(pass: Pass, slots: &Slots, setting: &Setting<'_>) -> Result<Outcome, ActionError> {
        let _in: Permit = permit(pass)?;
        let on = text(slots, "change") != Some("off");
        let Some(change) = wanted(text(slots, "topic").unwrap_or_default(), on, clock(slots), setting) else {
            return Ok(Outcome::Answer(Facts::new("not_that")));
        };
        Ok(Outcome::Confirm { facts: told("confirm", change), plan: Plan::Quiet { change } })
    }

    /// After "yes". Reply: `set` (part, on, until).
    pub async fn perform(permit: Permit, change: QuietChange, setting: &Setting<'_>) -> Result<Outcome, ActionError> {
        let now = setting.records.quiet(permit.subject()).await?;
        Ok(Outcome::Done {
            facts: told("set", change),
            changes: vec![Change::Quiet { quiet: now.with(change) }],
            conflict: Facts::new("not_that"),
        })
    }

    /// What is to be changed; `None` for what no news is told about.
    fn wanted(topic: &str, on: bool, clock: Option<jiff::civil::Time>, setting: &Setting<'_>) -> Option<QuietChange> {
        match (topic, on, clock) {
            ("everything", false, Some(clock)) => quiet::next(clock, setting.now, setting.zone).map(QuietChange::Until),
            ("everything", on, _) => Some(QuietChange::Everything(on)),
            (topic, on, _) => part(topic).map(|scope| QuietChange::Part(Part::of(scope), on)),
        }
    }

    fn part(topic: &str) -> Option<Scope> {
        match topic {
            "shipping" | "prescriptions" => Some(Scope::Medicines),
            "appointments" => Some(Scope::Visits),
            "results" => Some(Scope::Records),
            _ => None,
        }
    }

    fn clock(slots: &Slots) -> Option<jiff::civil::Time> {
        match &slots.get("time")?.value {
            SlotValue::When(when) => when.after.or(when.before),
            _ => None,
        }
    }

    fn told(reply: &str, change: QuietChange) -> Facts {
        let facts = Facts::new(reply);
        match change {
            QuietChange::Part(part, on) => facts.with("part", part.name()).with("on", on).with("until", ()),
            QuietChange::Everything(on) => facts.with("part", ()).with("on", on).with("until", ()),
            QuietChange::Until(until) => facts.with("part", ()).with("on", false).with("until", until),
        }
    }

    #[cfg(test)]
    mod tests {
        use super::part;
        use crate::policy::Scope;

        #[test]
        fn topics_are_parts_of_the_record_or_nothing() {
            for (topic, wanted) in [
                ("shipping", Some(Scope::Medicines)),
                ("prescriptions", Some(Scope::Medicines)),
                ("appointments", Some(Scope::Visits)),
                ("results", Some(Scope::Records)),
                ("claims", None),
                ("goals", None),
            ] {
                assert_eq!(part(topic), wanted, "{topic}");
            }
        }
    }
}
