//! `nurse.request`: puts a call on the nurses' board. It carries the room, never a name. Beside it what becomes of a call.

pub mod cancel;
pub mod status;

use super::{ActionError, Change, Facts, Outcome, Pass, Setting, of_nobody};
use crate::{
    fleet::nurse::Need,
    nlu::Slots,
    policy::{DataClass, Effect, Floor, RoomPass, Surface},
};

/// The room's business; nobody has to be known.
pub const FLOOR: Floor = of_nobody(DataClass::Room, Effect::Urgent);

/// Longest need kept, in characters.
const LONGEST_NEED: usize = 300;

pub async fn run(pass: Pass, slots: &Slots, _setting: &Setting<'_>) -> Result<Outcome, ActionError> {
    match pass {
        Pass::Room(pass) => Ok(request(&pass, slots)),
        Pass::Person(_) | Pass::Public => Err(ActionError::NotAdmitted("a device's place")),
    }
}

/// Replies: `called` (need), `food` where it is something to eat or drink, of which nothing is promised: whoever brings it looks
/// first what they may have; `failed`; `home` where there is no board.
fn request(pass: &RoomPass, slots: &Slots) -> Outcome {
    match pass.surface() {
        Surface::Room(room) => {
            let need = need(slots);
            Outcome::Done {
                facts: Facts::new(if Need::of(&need).is_food_or_drink() { "food" } else { "called" }),
                changes: vec![Change::CallNurse { room: room.clone(), need, emergency: false }],
                conflict: Facts::new("failed"),
            }
        }
        Surface::Home(_) | Surface::Chat | Surface::ThirdParty => Outcome::Answer(Facts::new("home")),
    }
}

/// What is needed, in the person's words; empty where only the nurse was asked for.
pub(super) fn need(slots: &Slots) -> String {
    slots.get("need").map(|s| s.spoken.trim().chars().take(LONGEST_NEED).collect()).unwrap_or_default()
}
