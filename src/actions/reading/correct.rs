//! `reading.correct`: puts another value in the place of the last reading, or takes it out.

use super::{
    super::{
        ActionError, Change, Choice, Facts, Outcome, Pass, Plan, Setting, of_a_person, permit, record::vitals::told,
        text,
    },
    log::{about, valued},
    measure, measured, owned, read_back, warned,
};
use crate::{
    nlu::{SlotValue, Slots},
    policy::{Effect, Floor, Permit, Scope},
    records::Reading,
};

/// Changes the person's records.
pub const FLOOR: Floor = of_a_person(Effect::Change, Scope::Records);

/// What is picked to take a reading out.
const OUT: &str = "take it out";

pub async fn run(pass: Pass, slots: &Slots, setting: &Setting<'_>) -> Result<Outcome, ActionError> {
    let permit = permit(pass)?;
    let named = match measure(slots) {
        Ok(named) => named,
        Err(outcome) => return Ok(outcome),
    };
    let own = owned(&permit, setting).await?;
    // The last that was noted, not the last that was measured: identifiers grow with the time of noting.
    let last = own.iter().filter(|r| named.is_none_or(|m| m == r.measure)).max_by_key(|r| r.id.as_str());
    Ok(match last {
        Some(last) => correct(last, &own, slots, setting),
        None => Outcome::Answer(Facts::new("none").with("measure", named.map(crate::records::Measure::name))),
    })
}

/// Replies: `confirm` (measure, was, amount; and as `reading.log`), `confirm_out` (measure, was, at, timed), `none`
/// (measure), `not_kept`; asks `what` (measure, was), `unit`, `two_numbers`, `impossible` for the value.
fn correct(last: &Reading, own: &[Reading], slots: &Slots, setting: &Setting<'_>) -> Outcome {
    let old = last.id.clone();
    if text(slots, "value") == Some(OUT) {
        let facts = about("confirm_out", last).with("was", told(&last.amount));
        return Outcome::Confirm { facts, plan: Plan::CorrectReading { old, instead: None } };
    }
    let Some(said) = measured(slots) else {
        let facts = about("what", last).with("was", told(&last.amount));
        let out = Choice { spoken: OUT.into(), value: SlotValue::Text(OUT.into()) };
        return Outcome::Ask { slot: "value".into(), facts, options: vec![out] };
    };
    match valued(last.measure, &said, own, setting) {
        Ok(amount) => {
            let new = Reading { id: String::new(), amount, ..last.clone() };
            let facts = about("confirm", &new).with("was", told(&last.amount));
            let others: Vec<Reading> = own.iter().filter(|r| r.id != last.id).cloned().collect();
            let plan = Plan::CorrectReading { old, instead: Some(new.clone()) };
            read_back(facts, plan, &new, &others, setting)
        }
        Err(question) => *question,
    }
}

/// After "yes". Replies: `done` (measure, amount), `out` (measure), and `conflict`.
pub async fn perform(
    permit: Permit,
    old: String,
    instead: Option<Reading>,
    setting: &Setting<'_>,
) -> Result<Outcome, ActionError> {
    let own = owned(&permit, setting).await?;
    let Some(last) = own.iter().find(|r| r.id == old) else { return Ok(Outcome::Answer(Facts::new("conflict"))) };
    let facts = match &instead {
        Some(new) => warned(about("done", new), None, setting),
        None => about("out", last),
    };
    let changes = vec![Change::CorrectReading { old, instead }];
    Ok(Outcome::Done { facts, changes, conflict: Facts::new("conflict") })
}
