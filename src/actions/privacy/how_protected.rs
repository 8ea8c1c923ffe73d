//! `privacy.how_protected`: what is configured, and what came of the last check of the promises. Each sentence is said
//! because of a fact; none is said for comfort.

use super::super::{ActionError, Facts, Outcome, Pass, Setting, of_nobody};
use crate::{
    nlu::Slots,
    policy::{DataClass, Effect, Floor},
    records::rights::Checked,
};

/// Anybody may ask.
pub const FLOOR: Floor = of_nobody(DataClass::Public, Effect::Read);

/// Replies: `here` and `third_party` (organization, hours, keys, skills; and of the check: on, checks, broken,
/// unchecked).
pub async fn run(_pass: Pass, _slots: &Slots, setting: &Setting<'_>) -> Result<Outcome, ActionError> {
    if setting.channel == "third-party" {
        return Ok(Outcome::Answer(Facts::new("third_party").with("organization", setting.organization)));
    }
    let checked = setting.records.checked().await?;
    Ok(Outcome::Answer(told(setting, checked)))
}

fn told(setting: &Setting<'_>, checked: Option<Checked>) -> Facts {
    let protection = setting.protection;
    Facts::new("here")
        .with("organization", setting.organization)
        .with("hours", protection.conversation_hours.max(protection.answer_hours))
        .with("keys", protection.keys.name())
        .with("skills", protection.skills)
        .with("on", checked.map(|c| c.at))
        .with("checks", checked.map_or(0, |c| c.checks))
        .with("broken", checked.map_or(0, |c| c.broken))
        .with("unchecked", checked.map_or(0, |c| c.unchecked))
}
