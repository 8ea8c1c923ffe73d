//! What the stream of a device needs of the program behind it.

use super::{Soon, Unavailable};
use crate::{
    device::{QueuedEvent, Wake, message::About},
    policy::Caller,
};

/// Devices and what waits for them, as the doors see them.
pub trait Devices: Send + Sync + 'static {
    /// Listens for what concerns a device: an event, another person in the bed, the end of its credential.
    fn listen(&self, caller: &Caller) -> Wake;

    /// What it was not told yet, with numbers above `seq`, oldest first; some of it where there is much.
    fn after<'a>(&'a self, caller: &'a Caller, seq: i64) -> Soon<'a, Result<Vec<QueuedEvent>, Unavailable>>;

    /// It has everything up to this number.
    fn acked<'a>(&'a self, caller: &'a Caller, seq: i64) -> Soon<'a, Result<(), Unavailable>>;

    /// An event's words as a WAV file; `None` where there is no voice.
    fn spoken<'a>(&'a self, text: &'a str) -> Soon<'a, Option<Vec<u8>>>;

    /// How it says that it is.
    fn is_there<'a>(&'a self, caller: &'a Caller, about: &'a About) -> Soon<'a, ()>;

    /// It behaves by the settings of this version now.
    fn has_settings<'a>(&'a self, caller: &'a Caller, version: i64) -> Soon<'a, ()>;
}
