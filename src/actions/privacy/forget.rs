//! `privacy.forget`: deletes what the person said, as much of it as they name.
//!
//! Invariants: read back first; nothing is deleted under a legal hold, and that is said; what stays is said.

use jiff::tz::TimeZone;

use super::{
    super::{ActionError, Change, Facts, Outcome, Pass, Plan, Setting, Words, permit, text, when},
    of_the_person, span,
};
use crate::{
    nlu::{Slots, When},
    policy::{Effect, Floor, Permit},
};

/// A right, and no way back.
pub const FLOOR: Floor = of_the_person(Effect::Change);

/// Replies: `held`, `nothing`, and those of [`asked`].
pub async fn run(pass: Pass, slots: &Slots, setting: &Setting<'_>) -> Result<Outcome, ActionError> {
    let permit = permit(pass)?;
    if setting.records.held(permit.subject()).await? {
        return Ok(Outcome::Answer(Facts::new("held")));
    }
    let outcome = asked(when(slots, "scope"), text(slots, "part"), setting.zone);
    if let Outcome::Confirm { plan: Plan::Forget { words }, .. } = &outcome
        && *words != Words::Conversation
        && !setting.records.spoken(permit.subject(), *words).await?.any()
    {
        return Ok(Outcome::Answer(Facts::new("nothing")));
    }
    Ok(outcome)
}

/// Replies: `confirm_days` (from, until, one), `confirm_conversation`, `confirm_everything`; asks `which`.
fn asked(days: Option<When>, part: Option<&str>, zone: &TimeZone) -> Outcome {
    let confirm = |facts: Facts, words: Words| Outcome::Confirm { facts, plan: Plan::Forget { words } };
    let between = days.and_then(|days| Some((days, span(days, zone)?)));
    match (between, part) {
        (Some((days, (from, until))), _) => {
            let last = days.to.or(days.from);
            let facts = Facts::new("confirm_days").with("from", days.from).with("until", last);
            confirm(facts.with("one", days.from == last), Words::Between { from, until })
        }
        (None, Some("conversation")) => confirm(Facts::new("confirm_conversation"), Words::Conversation),
        (None, Some("everything")) => confirm(Facts::new("confirm_everything"), Words::Everything),
        (None, _) => Outcome::Ask { slot: "part".into(), facts: Facts::new("which"), options: vec![] },
    }
}

/// After "yes". Replies: `forgotten`, `held`.
pub async fn perform(permit: Permit, words: Words, setting: &Setting<'_>) -> Result<Outcome, ActionError> {
    if setting.records.held(permit.subject()).await? {
        return Ok(Outcome::Answer(Facts::new("held")));
    }
    Ok(Outcome::Done {
        facts: Facts::new("forgotten"),
        changes: vec![Change::Forget { words }],
        conflict: Facts::new("conflict"),
    })
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    fn days(from: i8, to: i8) -> Option<When> {
        Some(When { from: Some(date(2026, 11, from)), to: Some(date(2026, 11, to)), after: None, before: None })
    }

    #[test]
    fn as_much_as_was_named_and_no_more() {
        let zone = TimeZone::get("America/New_York").expect("known");
        let hour_only = Some(When { from: None, to: None, after: None, before: None });
        #[rustfmt::skip]
        let table = [
            (days(21, 21), None,                 "confirm_days",         Some("2026-11-21T05:00:00Z/2026-11-22T05:00:00Z")),
            (days(16, 22), Some("everything"),   "confirm_days",         Some("2026-11-16T05:00:00Z/2026-11-23T05:00:00Z")),
            (None,         Some("conversation"), "confirm_conversation", Some("conversation")),
            (None,         Some("everything"),   "confirm_everything",   Some("everything")),
            (None,         None,                 "which",                None),
            (None,         Some("my knee"),      "which",                None),
            (hour_only,    None,                 "which",                None),
        ];
        for (when, part, reply, words) in table {
            let (facts, plan) = match asked(when, part, &zone) {
                Outcome::Confirm { facts, plan: Plan::Forget { words } } => (facts, Some(words)),
                Outcome::Ask { facts, .. } => (facts, None),
                _ => panic!("{reply}"),
            };
            let told = plan.map(|words| match words {
                Words::Between { from, until } => format!("{from}/{until}"),
                Words::Conversation => "conversation".into(),
                Words::Everything => "everything".into(),
            });
            assert_eq!((facts.reply.as_str(), told.as_deref()), (reply, words));
        }
    }
}
