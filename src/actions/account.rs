//! `account.switch`, `account.link` and `account.pin`: who is speaking, and how they show it.
//!
//! Who it is is a matter of the conversation, which only the turn knows; decided here is where it may be said at all.

use super::{ActionError, Facts, Identify, Outcome, Pass, Setting, of_nobody, text};
use crate::{
    nlu::Slots,
    policy::{DataClass, Effect, Floor, Surface},
};

/// Saying who one is.
pub mod switch {
    use super::{
        ActionError, DataClass, Effect, Facts, Floor, Identify, Outcome, Pass, Setting, Slots, Surface, of_nobody, text,
    };

    /// Nobody has to be known to say who they are.
    pub const FLOOR: Floor = of_nobody(DataClass::Room, Effect::Local);

    /// Replies: `room`, where it is whoever lies there, and `page`, where it is whoever signed in.
    pub async fn run(pass: Pass, slots: &Slots, _setting: &Setting<'_>) -> Result<Outcome, ActionError> {
        let Pass::Room(pass) = pass else { return Err(ActionError::NotAdmitted("a device's place")) };
        Ok(match pass.surface() {
            Surface::Home(_) => Outcome::Identify(Identify::ByName(text(slots, "person").map(str::to_owned))),
            Surface::Room(_) => Outcome::Answer(Facts::new("room")),
            Surface::Chat | Surface::ThirdParty => Outcome::Answer(Facts::new("page")),
        })
    }
}

/// Showing who one is with a code from one's own page.
pub mod link {
    use super::{
        ActionError, DataClass, Effect, Facts, Floor, Identify, Outcome, Pass, Setting, Slots, Surface, of_nobody,
    };

    /// Nobody has to be known to say a code; whom it shows, and what follows, is decided by who made it.
    pub const FLOOR: Floor = of_nobody(DataClass::Room, Effect::Local);

    /// Replies: `page`, where codes are made.
    pub async fn run(pass: Pass, _slots: &Slots, _setting: &Setting<'_>) -> Result<Outcome, ActionError> {
        let Pass::Room(pass) = pass else { return Err(ActionError::NotAdmitted("a device's place")) };
        Ok(match pass.surface() {
            Surface::Room(_) | Surface::Home(_) => Outcome::Identify(Identify::ByCode),
            Surface::Chat | Surface::ThirdParty => Outcome::Answer(Facts::new("page")),
        })
    }
}

/// Setting another PIN: never aloud.
pub mod pin {
    use super::{ActionError, DataClass, Effect, Facts, Floor, Outcome, Pass, Setting, Slots, of_nobody};

    /// It only tells where; nothing of anybody is touched.
    pub const FLOOR: Floor = of_nobody(DataClass::Room, Effect::Read);

    /// Replies: `aloud`, where others may hear, and `page`.
    pub async fn run(pass: Pass, _slots: &Slots, _setting: &Setting<'_>) -> Result<Outcome, ActionError> {
        let Pass::Room(pass) = pass else { return Err(ActionError::NotAdmitted("a device's place")) };
        Ok(Outcome::Answer(Facts::new(if pass.room().is_some() { "aloud" } else { "page" })))
    }
}
