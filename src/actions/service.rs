//! `service.request`: asks another department of the house for something. It goes to the board of the room's calls, which
//! finds whose it is by its words; nothing is promised.

use super::{ActionError, Change, Facts, Outcome, Pass, Plan, Setting, of_nobody, text};
use crate::{
    nlu::Slots,
    policy::{DataClass, Effect, Floor, RoomPass, Surface},
};

/// The room's business; read back first.
pub const FLOOR: Floor = of_nobody(DataClass::Room, Effect::Change);

/// Longest request kept, in characters.
const LONGEST: usize = 300;

/// Reads it back.
pub async fn run(pass: Pass, slots: &Slots, setting: &Setting<'_>) -> Result<Outcome, ActionError> {
    match pass {
        Pass::Room(pass) => Ok(decide(&pass, slots, setting)),
        Pass::Person(_) | Pass::Public => Err(ActionError::NotAdmitted("a device's place")),
    }
}

/// Replies: `confirm` (service); `home` (phone, organization) where there is no board.
fn decide(pass: &RoomPass, slots: &Slots, setting: &Setting<'_>) -> Outcome {
    let service = text(slots, "service").unwrap_or_default().to_owned();
    match pass.surface() {
        Surface::Room(_) => {
            let spoken = slots.get("service").map(|slot| slot.spoken.trim().chars().take(LONGEST).collect());
            let facts = Facts::new("confirm").with("service", &service);
            Outcome::Confirm { facts, plan: Plan::Service { service, spoken: spoken.unwrap_or_default() } }
        }
        Surface::Home(_) | Surface::Chat | Surface::ThirdParty => {
            let facts = Facts::new("home").with("phone", setting.phone);
            Outcome::Answer(facts.with("organization", setting.organization))
        }
    }
}

/// After "yes". Replies: `asked` (service), `failed`; `home` where the device is in no room by now.
pub fn perform(pass: &RoomPass, service: &str, spoken: &str, setting: &Setting<'_>) -> Outcome {
    let Surface::Room(room) = pass.surface() else {
        let facts = Facts::new("home").with("phone", setting.phone);
        return Outcome::Answer(facts.with("organization", setting.organization));
    };
    // The department first: whom it goes to is found by the words.
    let need = if spoken.is_empty() || spoken == service { service.to_owned() } else { format!("{service}: {spoken}") };
    Outcome::Done {
        facts: Facts::new("asked").with("service", service),
        changes: vec![Change::CallNurse { room: room.clone(), need, emergency: false }],
        conflict: Facts::new("failed"),
    }
}
