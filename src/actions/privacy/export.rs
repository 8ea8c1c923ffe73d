//! `privacy.export`: a copy of everything, on the person's own page; never read aloud, never sent anywhere.

use super::{
    super::{ActionError, Change, Facts, Outcome, Pass, Plan, Setting, permit},
    of_the_person,
};
use crate::{
    nlu::Slots,
    policy::{Effect, Floor, Permit},
};

/// A right. What it discloses, the page discloses, on a permit of its own.
pub const FLOOR: Floor = of_the_person(Effect::Change);

/// Reply: `confirm`.
pub async fn run(pass: Pass, _slots: &Slots, _setting: &Setting<'_>) -> Result<Outcome, ActionError> {
    let _in: Permit = permit(pass)?;
    Ok(Outcome::Confirm { facts: Facts::new("confirm"), plan: Plan::Copy })
}

/// After "yes". Reply: `waiting`.
pub fn perform(_permit: Permit) -> Outcome {
    Outcome::Done { facts: Facts::new("waiting"), changes: vec![Change::AskForCopy], conflict: Facts::new("conflict") }
}
