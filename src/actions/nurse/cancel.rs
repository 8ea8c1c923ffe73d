//! `nurse.cancel`: "never mind". Staff see it and close the call; whoever is in the room cannot.
//!
//! It is not read back: nothing is taken away by it, and asking again is a call of its own.

use super::super::{ActionError, Change, Facts, Outcome, Pass, Setting, of_nobody};
use crate::{
    nlu::Slots,
    policy::{DataClass, Effect, Floor, Surface},
};

/// The room's business; nobody has to be known.
pub const FLOOR: Floor = of_nobody(DataClass::Room, Effect::Local);

/// Replies: `told`, `none`, `failed`; `home` where there is no board.
pub async fn run(pass: Pass, _slots: &Slots, setting: &Setting<'_>) -> Result<Outcome, ActionError> {
    let Pass::Room(pass) = pass else { return Err(ActionError::NotAdmitted("a device's place")) };
    Ok(match pass.surface() {
        Surface::Room(room) if setting.records.room_calls(room).await?.is_empty() => {
            Outcome::Answer(Facts::new("none"))
        }
        Surface::Room(room) => Outcome::Done {
            facts: Facts::new("told"),
            changes: vec![Change::PatientSaysCancel { room: room.clone() }],
            conflict: Facts::new("failed"),
        },
        Surface::Home(_) | Surface::Chat | Surface::ThirdParty => {
            Outcome::Answer(Facts::new("home").with("emergency_number", setting.emergency_number))
        }
    })
}
