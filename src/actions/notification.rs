//! `notification.list` and `notification.settings`: what is new, and what somebody wants to be told unasked.
//!
//! What is new is told by the turn itself, with the permit of each part of the record; here it is only counted.

use super::{ActionError, Change, Facts, Outcome, Pass, Plan, Setting, permit, text};
use crate::{
    nlu::{Lasting, SlotValue, Slots, TimeUnit},
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
    use jiff::{SignedDuration, Timestamp, civil::Time, tz::TimeZone};

    use super::{
        ActionError, Change, Effect, Facts, Floor, Lasting, Outcome, Pass, Permit, Plan, Scope, Setting, SlotValue,
        Slots, TimeUnit, of_its_own, permit, quiet, text,
    };
    use crate::policy::quiet::{Hours, Part, Quiet, QuietChange};

    /// What is asked by whoever changes nothing.
    const ASK: &str = "ask";
    /// When a night begins where no hour was said.
    const NIGHT: Time = Time::constant(22, 0, 0, 0);
    /// When it ends.
    const MORNING: Time = Time::constant(7, 0, 0, 0);
    /// "For a while".
    const A_WHILE: SignedDuration = SignedDuration::from_hours(2);
    /// From one half of the day to the other.
    const HALF_A_DAY: SignedDuration = SignedDuration::from_hours(12);

    /// Read back first.
    pub const FLOOR: Floor = of_its_own(Effect::Change);

    /// Replies: `confirm` (part, on, until, from, to), `not_that`, `elsewhere` (way), `nobody_else`, `no_reminder`; `now`
    /// (everything, parts, until, from, to) for whoever only asks.
    pub async fn run(pass: Pass, slots: &Slots, setting: &Setting<'_>) -> Result<Outcome, ActionError> {
        let permit: Permit = permit(pass)?;
        if text(slots, "change") == Some(ASK) {
            let quiet = setting.records.quiet(permit.subject()).await?;
            return Ok(Outcome::Answer(as_it_is(&quiet, setting.now, setting.zone)));
        }
        Ok(decide(slots, setting.now, setting.zone))
    }

    fn decide(slots: &Slots, now: Timestamp, zone: &TimeZone) -> Outcome {
        let topic = text(slots, "topic").unwrap_or_default();
        match text(slots, "change") {
            Some("somebody else") => return Outcome::Answer(Facts::new("nobody_else")),
            Some(way @ ("text" | "email" | "call")) => {
                return Outcome::Answer(Facts::new("elsewhere").with("way", way));
            }
            _ if topic == "visit reminder" => return Outcome::Answer(Facts::new("no_reminder")),
            _ => {}
        }
        let on = text(slots, "change") != Some("off");
        match wanted(topic, on, slots, now, zone) {
            Some(change) => {
                Outcome::Confirm { facts: told("confirm", change, now, zone), plan: Plan::Quiet { change } }
            }
            None => Outcome::Answer(Facts::new("not_that")),
        }
    }

    /// After "yes". Reply: `set` (part, on, until, from, to).
    pub async fn perform(permit: Permit, change: QuietChange, setting: &Setting<'_>) -> Result<Outcome, ActionError> {
        let now = setting.records.quiet(permit.subject()).await?;
        Ok(Outcome::Done {
            facts: told("set", change, setting.now, setting.zone),
            changes: vec![Change::Quiet { quiet: now.with(change) }],
            conflict: Facts::new("not_that"),
        })
    }

    /// What is to be changed; `None` for what no news is told about. Quiet at some hours is about all news, whatever it was
    /// asked for: of a part, hours cannot be told apart.
    fn wanted(topic: &str, on: bool, slots: &Slots, now: Timestamp, zone: &TimeZone) -> Option<QuietChange> {
        let part = part(topic);
        if topic != "everything" && part.is_none() {
            return None;
        }
        let some_time = || spell(slots, now, zone);
        match part {
            None if on => Some(QuietChange::Everything(true)),
            None => Some(some_time().unwrap_or(QuietChange::Everything(false))),
            Some(scope) => Some(QuietChange::Part(Part::of(scope), on)),
        }
    }

    /// How long, or at which hours, there is to be quiet; `None` where nothing was said of it.
    fn spell(slots: &Slots, now: Timestamp, zone: &TimeZone) -> Option<QuietChange> {
        let until = |clock| quiet::next(clock, now, zone).map(QuietChange::Until);
        let from = |clock| QuietChange::Hours(Hours { from: clock, to: MORNING });
        if let Some(SlotValue::Lasting(lasting)) = slots.get("length").map(|slot| &slot.value) {
            return after(lasting, now).map(QuietChange::Until);
        }
        match text(slots, "span") {
            Some("night") => return Some(from(NIGHT)),
            Some("while") => return now.checked_add(A_WHILE).ok().map(QuietChange::Until),
            // Until the next morning, which after midnight is today's.
            Some(_) => return until(MORNING),
            None => {}
        }
        let slot = slots.get("time")?;
        let SlotValue::When(when) = &slot.value else { return None };
        let on_day = |clock: Time| match when.to {
            Some(day) => {
                day.to_datetime(clock).to_zoned(zone.clone()).ok().map(|at| QuietChange::Until(at.timestamp()))
            }
            None => until(clock),
        };
        let spoken = slot.spoken.to_lowercase();
        let at_night = ["at night", "in the night"].iter().any(|words| spoken.ends_with(words));
        match (when.after, when.before) {
            (Some(_), Some(_)) if at_night && spoken.split(' ').count() <= 3 => Some(from(NIGHT)),
            (Some(after), Some(_)) if at_night => Some(from(after)),
            (Some(after), Some(before)) if after == before => Some(from(evening(after, &spoken))),
            (Some(after), Some(before)) if when.to.is_none() => {
                Some(QuietChange::Hours(Hours { from: after, to: before }))
            }
            (_, Some(before)) => on_day(before),
            (Some(after), None) => Some(from(evening(after, &spoken))),
            (None, None) => None,
        }
    }

    /// The end of a length of time of at most a week, to the minute.
    fn after(lasting: &Lasting, now: Timestamp) -> Option<Timestamp> {
        let each = match lasting.unit {
            TimeUnit::Minute => 1.0,
            TimeUnit::Hour => 60.0,
            TimeUnit::Day => 1_440.0,
            _ => return None,
        };
        let minutes = (lasting.to.unwrap_or(lasting.lasts) * each).round();
        #[expect(clippy::cast_possible_truncation, reason = "between 1 and 10080")]
        let minutes = (1.0..=10_080.0).contains(&minutes).then_some(minutes as i64)?;
        now.checked_add(SignedDuration::from_mins(minutes)).ok()
    }

    /// "After ten" is in the evening, unless the other half of the day was said.
    fn evening(clock: Time, spoken: &str) -> Time {
        let words = || spoken.split(|c: char| !c.is_alphanumeric() && c != '.');
        let morning = words().any(|word| matches!(word, "am" | "a.m" | "a.m." | "morning"));
        if (5..12).contains(&clock.hour()) && !morning { clock.saturating_add(HALF_A_DAY) } else { clock }
    }

    fn part(topic: &str) -> Option<Scope> {
        match topic {
            "shipping" | "prescriptions" => Some(Scope::Medicines),
            "appointments" => Some(Scope::Visits),
            "results" => Some(Scope::Records),
            _ => None,
        }
    }

    fn told(reply: &str, change: QuietChange, now: Timestamp, zone: &TimeZone) -> Facts {
        let (part, on, until, hours) = match change {
            QuietChange::Part(part, on) => (Some(part.name()), on, None, None),
            QuietChange::Everything(on) => (None, on, None, None),
            QuietChange::Until(until) => (None, false, Some(until), None),
            QuietChange::Hours(hours) => (None, false, None, Some(hours)),
        };
        hours_of(Facts::new(reply).with("part", part).with("on", on).with("until", until), hours, now, zone)
    }

    /// What somebody is told unasked, and when.
    fn as_it_is(quiet: &Quiet, now: Timestamp, zone: &TimeZone) -> Facts {
        let parts: Vec<&str> = quiet.parts.iter().map(|part| part.name()).collect();
        let facts = Facts::new("now")
            .with("everything", quiet.everything)
            .with("parts", parts)
            .with("until", quiet.until.filter(|until| *until > now));
        hours_of(facts, quiet.hours, now, zone)
    }

    fn hours_of(facts: Facts, hours: Option<Hours>, now: Timestamp, zone: &TimeZone) -> Facts {
        let next = |clock| quiet::next(clock, now, zone);
        facts.with("from", hours.and_then(|hours| next(hours.from))).with("to", hours.and_then(|hours| next(hours.to)))
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
