//! `emergency.help`: in a hospital room onto the board as an emergency; anywhere else, says what to dial.

use super::super::{ActionError, Change, Facts, Outcome, Pass, Setting, nurse, of_nobody, text};
use crate::{
    nlu::Slots,
    policy::{DataClass, Effect, Floor, Surface},
};

/// Anybody's, anywhere.
pub const FLOOR: Floor = of_nobody(DataClass::Public, Effect::Urgent);

/// Replies: `room`, `failed`; `home` and `elsewhere` (emergency_number). `kind` is triage's, or empty. `perhaps`,
/// `if_so`, `stood_down` and `stood_down_room` are said by the turn where triage was not sure.
pub async fn run(pass: Pass, slots: &Slots, setting: &Setting<'_>) -> Result<Outcome, ActionError> {
    let about = |reply: &str| {
        Facts::new(reply)
            .with("kind", text(slots, "kind").unwrap_or_default())
            .with("emergency_number", setting.emergency_number)
    };
    Ok(match pass {
        Pass::Room(pass) => match pass.surface() {
            Surface::Room(room) => Outcome::Done {
                facts: about("room"),
                changes: vec![Change::CallNurse { room: room.clone(), need: nurse::need(slots), emergency: true }],
                conflict: about("failed"),
            },
            Surface::Home(_) | Surface::Chat | Surface::ThirdParty => Outcome::Answer(about("home")),
        },
        Pass::Person(_) => Outcome::Answer(about("home")),
        Pass::Public => Outcome::Answer(about(if setting.channel == "third-party" { "elsewhere" } else { "home" })),
    })
}
