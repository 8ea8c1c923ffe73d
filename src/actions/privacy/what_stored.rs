//! `privacy.what_stored`: how much is kept, by class, and for how long; never what.
//!
//! Invariant: where others hear it, the counts are of what may be said there, so that no sum tells of something hidden.

use super::{
    super::{ActionError, Facts, Outcome, Pass, Setting, Words, permit},
    of_the_person,
};
use crate::{
    nlu::Slots,
    policy::{Effect, Floor},
};

/// A right.
pub const FLOOR: Floor = of_the_person(Effect::Read);

/// Reply: `kept` (medicines, visits, results, answers, since, hours, requests, agreements).
pub async fn run(pass: Pass, _slots: &Slots, setting: &Setting<'_>) -> Result<Outcome, ActionError> {
    let permit = permit(pass)?;
    let (person, records) = (permit.subject(), setting.records);
    let medicines = records.prescriptions(person).await?.map(|all| all.len()).reveal(&permit)?;
    let visits = records.visits(person).await?.map(|all| all.len()).reveal(&permit)?;
    let results = records.results(person).await?.map(|all| all.len()).reveal(&permit)?;
    let renewals = records.renewals(person).await?.map(|all| all.len()).reveal(&permit)?;
    let calls = records.calls(person).await?.map(|all| all.len()).reveal(&permit)?;
    let spoken = records.spoken(person, Words::Everything).await?;
    let facts = Facts::new("kept")
        .with("medicines", medicines)
        .with("visits", visits)
        .with("results", results)
        .with("requests", renewals + calls)
        .with("answers", spoken.answers)
        .with("since", spoken.since)
        .with("hours", setting.protection.answer_hours.max(setting.protection.conversation_hours))
        .with("agreements", setting.agreed.version);
    Ok(Outcome::Answer(facts))
}
