//! `room.info`: the time, the day, and where this is.

use crate::{
    actions::{ActionError, Facts, Outcome, Pass, Setting, of_nobody},
    nlu::Slots,
    policy::{DataClass, Effect, Floor, Surface},
};

/// The room's business; nobody has to be known.
pub const FLOOR: Floor = of_nobody(DataClass::Room, Effect::Read);

/// Tells all of it: whoever wakes up somewhere wants all of it.
pub async fn run(pass: Pass, _slots: &Slots, setting: &Setting<'_>) -> Result<Outcome, ActionError> {
    let Pass::Room(pass) = pass else { return Err(ActionError::NotAdmitted("a device's place")) };
    Ok(Outcome::Answer(told(pass.surface(), setting)))
}

/// Reply: `now` (now, room: as staff named it, organization).
fn told(surface: &Surface, setting: &Setting<'_>) -> Facts {
    let room = match surface {
        Surface::Room(room) => Some(room.as_str().replace(['-', '_'], " ")),
        Surface::Home(_) | Surface::Chat | Surface::ThirdParty => None,
    };
    Facts::new("now").with("now", setting.now).with("room", room).with("organization", setting.organization)
}
