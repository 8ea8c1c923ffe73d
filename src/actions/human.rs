//! `human.talk`: to a person. In a hospital room onto the nurses' board; anywhere else, says how to reach one.

use super::{ActionError, Change, Facts, Outcome, Pass, Setting, of_nobody};
use crate::{
    nlu::Slots,
    policy::{DataClass, Effect, Floor, Surface},
};

/// Anybody's, anywhere.
pub const FLOOR: Floor = of_nobody(DataClass::Public, Effect::Urgent);

/// What the board shows.
const NEED: &str = "wants to talk to a person";

/// Replies: `room`, `failed`; `home` (phone, emergency_number), with no `phone` where none is configured.
pub async fn run(pass: Pass, _slots: &Slots, setting: &Setting<'_>) -> Result<Outcome, ActionError> {
    let call = || Facts::new("home").with("phone", setting.phone).with("emergency_number", setting.emergency_number);
    let Pass::Room(pass) = pass else { return Ok(Outcome::Answer(call())) };
    Ok(match pass.surface() {
        Surface::Room(room) => Outcome::Done {
            facts: Facts::new("room"),
            changes: vec![Change::CallNurse { room: room.clone(), need: NEED.to_owned(), emergency: false }],
            conflict: Facts::new("failed"),
        },
        Surface::Home(_) | Surface::Chat | Surface::ThirdParty => Outcome::Answer(call()),
    })
}
