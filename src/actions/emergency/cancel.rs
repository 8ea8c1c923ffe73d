//! `emergency.cancel`: "false alarm". Staff see it and close the call; a person in the room cannot.

use super::super::{ActionError, Change, Facts, Outcome, Pass, Setting, of_nobody};
use crate::{
    nlu::Slots,
    policy::{DataClass, Effect, Floor, Surface},
};

/// The room's business; nobody has to be known.
pub const FLOOR: Floor = of_nobody(DataClass::Room, Effect::Urgent);

/// Replies: `room`, `failed`; `home` (emergency_number).
pub async fn run(pass: Pass, _slots: &Slots, setting: &Setting<'_>) -> Result<Outcome, ActionError> {
    let Pass::Room(pass) = pass else { return Err(ActionError::NotAdmitted("a device's place")) };
    Ok(match pass.surface() {
        Surface::Room(room) => Outcome::Done {
            facts: Facts::new("room"),
            changes: vec![Change::PatientSaysCancel { room: room.clone() }],
            conflict: Facts::new("failed"),
        },
        Surface::Home(_) | Surface::Chat | Surface::ThirdParty => {
            Outcome::Answer(Facts::new("home").with("emergency_number", setting.emergency_number))
        }
    })
}
