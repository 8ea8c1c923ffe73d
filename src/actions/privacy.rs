//! `privacy.how_protected`: what happens to what is said.

use super::{ActionError, Facts, Outcome, Pass, Setting, of_nobody};
use crate::{
    nlu::Slots,
    policy::{DataClass, Effect, Floor},
};

/// Anybody may ask.
pub const FLOOR: Floor = of_nobody(DataClass::Public, Effect::Read);

/// Replies: `here` and `third_party` (organization).
pub async fn run(_pass: Pass, _slots: &Slots, setting: &Setting<'_>) -> Result<Outcome, ActionError> {
    let reply = if setting.channel == "third-party" { "third_party" } else { "here" };
    Ok(Outcome::Answer(Facts::new(reply).with("organization", setting.organization)))
}
