//! `room.visitor` and `room.visitor_gone`: somebody else is there to hear what is said, or no longer.
//!
//! Nobody is asked who it is. It ends by itself: a visitor who was forgotten about must not keep a room quiet for days.

use jiff::SignedDuration;

use super::{ActionError, Change, Facts, Outcome, Pass, Setting, of_nobody};
use crate::{
    nlu::Slots,
    policy::{DataClass, Effect, Floor},
};

/// How long a visitor is taken to stay, unless somebody says so again.
const STAYS: SignedDuration = SignedDuration::from_hours(2);

/// A visitor is there.
pub mod here {
    use super::{ActionError, DataClass, Effect, Floor, Outcome, Pass, STAYS, Setting, Slots, of_nobody, visitor};

    /// Anybody in the room may say so.
    pub const FLOOR: Floor = of_nobody(DataClass::Room, Effect::Local);

    /// Replies: `here`; `page` where nobody else hears.
    pub async fn run(pass: Pass, _slots: &Slots, setting: &Setting<'_>) -> Result<Outcome, ActionError> {
        visitor(pass, "here", Some(setting.now + STAYS))
    }
}

/// The visitor has left.
pub mod gone {
    use super::{ActionError, DataClass, Effect, Floor, Outcome, Pass, Setting, Slots, of_nobody, visitor};

    /// Anybody in the room may say so; what staff set stays.
    pub const FLOOR: Floor = of_nobody(DataClass::Room, Effect::Local);

    /// Replies: `gone`; `page` where nobody else hears.
    pub async fn run(pass: Pass, _slots: &Slots, _setting: &Setting<'_>) -> Result<Outcome, ActionError> {
        visitor(pass, "gone", None)
    }
}

fn visitor(pass: Pass, reply: &str, until: Option<jiff::Timestamp>) -> Result<Outcome, ActionError> {
    let Pass::Room(pass) = pass else { return Err(ActionError::NotAdmitted("a device's place")) };
    Ok(match pass.room() {
        Some(room) => Outcome::Done {
            facts: Facts::new(reply),
            changes: vec![Change::Visitor { room: room.clone(), until }],
            conflict: Facts::new(reply),
        },
        None => Outcome::Answer(Facts::new("page")),
    })
}
