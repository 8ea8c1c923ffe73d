//! What a device needs of the program to ring at the right time.

use jiff::Timestamp;

use super::{Soon, Unavailable};
use crate::{policy::Caller, turn::Ring};

/// Reminders, as the doors see them.
pub trait Bell: Send + Sync + 'static {
    /// What is due on a device now.
    fn due<'a>(&'a self, caller: &'a Caller) -> Soon<'a, Result<Vec<Ring>, Unavailable>>;

    /// Notes that the device rang it; false where there is nothing to note.
    fn rang<'a>(&'a self, caller: &'a Caller, id: &'a str, at: Timestamp) -> Soon<'a, Result<bool, Unavailable>>;
}
