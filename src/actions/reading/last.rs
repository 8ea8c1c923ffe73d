//! `reading.last`: the last measurement, the person's own or the clinic's, whichever is newer.

use super::{
    super::{ActionError, Facts, Outcome, Pass, Setting, of_a_person, permit, record::vitals::told, source},
    Newest, kept, measure, newest,
};
use jiff::Timestamp;

use crate::{
    nlu::Slots,
    policy::{Effect, Floor, Scope},
    records::Measure,
};

/// Reads the person's records.
pub const FLOOR: Floor = of_a_person(Effect::Read, Scope::Records);

pub async fn run(pass: Pass, slots: &Slots, setting: &Setting<'_>) -> Result<Outcome, ActionError> {
    let permit = permit(pass)?;
    let measure = match measure(slots) {
        Ok(Some(measure)) => measure,
        Ok(None) => {
            let facts = Facts::new("ask_measure");
            return Ok(Outcome::Ask { slot: "measure".into(), facts, options: vec![] });
        }
        Err(outcome) => return Ok(outcome),
    };
    let (own, vitals) = kept(&permit, setting).await?;
    Ok(Outcome::Answer(match newest(measure, &own, &vitals) {
        Some(found) => one(measure, &found, setting.now),
        None => Facts::new("none_of").with("measure", measure.name()),
    }))
}

/// Replies of [`run`]: `one` (measure, amount, on, timed, own, source, elsewhere), `none_of` (measure), `not_kept` (measure); asks
/// `ask_measure`.
pub fn one(measure: Measure, found: &Newest, now: Timestamp) -> Facts {
    Facts::new("one")
        .with("measure", measure.name())
        .with("amount", told(&found.amount))
        .with("on", found.at)
        .with("timed", found.timed)
        .with("own", found.own)
        .with("source", &found.source)
        .with("elsewhere", source::beyond(&found.origin, found.source.as_deref(), now))
}
