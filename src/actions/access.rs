//! `access.join`: where one signs up. Nothing is signed up aloud: an address is typed, and shown to be one's own.

use super::{ActionError, DataClass, Effect, Facts, Floor, Outcome, Pass, Setting, of_nobody};
use crate::nlu::Slots;

/// Anybody's, anywhere; a third party's channel is told where, and leaves nothing.
pub const FLOOR: Floor = of_nobody(DataClass::Public, Effect::Read);

/// Replies: `page` (page), `nowhere`.
pub async fn run(_pass: Pass, _slots: &Slots, setting: &Setting<'_>) -> Result<Outcome, ActionError> {
    Ok(Outcome::Answer(match setting.sign_up {
        Some(page) => Facts::new("page").with("page", page),
        None => Facts::new("nowhere"),
    }))
}
