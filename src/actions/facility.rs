//! `facility.info`: what there is to know of the house, in its staff's words. Nobody's data.

use jiff::SignedDuration;

use super::{ActionError, Facts, Outcome, Pass, Setting, of_nobody, text};
use crate::{
    nlu::Slots,
    policy::{DataClass, Effect, Floor},
    records::{Facility, Known},
};

/// Anybody may know it.
pub const FLOOR: Floor = of_nobody(DataClass::Public, Effect::Read);

/// After so long it is said how old it is.
const FRESH: SignedDuration = SignedDuration::from_hours(30 * 24);

/// Tells what the house says of a topic.
pub async fn run(_pass: Pass, slots: &Slots, setting: &Setting<'_>) -> Result<Outcome, ActionError> {
    let known = setting.records.facility().await?;
    Ok(Outcome::Answer(decide(known, text(slots, "topic").unwrap_or_default(), setting)))
}

/// Replies: `told` (words, since: when they were written, where that is long ago), `none` (topic, phone, organization).
fn decide(known: Option<Known<Facility>>, topic: &str, setting: &Setting<'_>) -> Facts {
    let told = known.and_then(|known| Some((known.told.topics.get(topic)?.clone(), known.at)));
    match told {
        Some((words, at)) => {
            let since = Some(at).filter(|at| setting.now.duration_since(*at) > FRESH);
            Facts::new("told").with("words", words).with("since", since)
        }
        None => {
            let facts = Facts::new("none").with("topic", topic).with("phone", setting.phone);
            facts.with("organization", setting.organization)
        }
    }
}
