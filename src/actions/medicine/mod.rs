//! Medicines as they are taken: directions, doses that are due, what was taken, reminders.

pub mod doses;
pub mod history;
pub mod instructions;
pub mod interaction;
pub mod interaction_own;
pub mod missed;
pub mod next_dose;
pub mod taken;

use super::{Facts, Outcome, Setting};

/// Where nurses give the medicines nobody is told to take one by a machine. Reply: `nurse`.
pub(super) fn in_hospital(setting: &Setting<'_>) -> Option<Outcome> {
    (setting.channel == "room").then(|| Outcome::Answer(Facts::new("nurse")))
}
