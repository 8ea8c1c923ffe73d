//! Medicines as they are taken: directions, doses that are due, what was taken, reminders.

pub mod doses;
pub mod history;
pub mod instructions;
pub mod interaction;
pub mod interaction_own;
pub mod missed;
pub mod next_dose;
pub mod taken;

use super::{ActionError, Facts, Outcome, Setting};
use crate::policy::Permit;

/// Where nurses give the medicines nobody is told to take one by a machine: in a hospital room, and wherever somebody asks who
/// lies in one. Reply: `nurse`.
pub(super) async fn in_hospital(permit: &Permit, setting: &Setting<'_>) -> Result<Option<Outcome>, ActionError> {
    let there = setting.channel == "room" || setting.records.lies_in_a_room(permit.subject()).await?;
    Ok(there.then(|| Outcome::Answer(Facts::new("nurse"))))
}
