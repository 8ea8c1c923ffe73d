//! What the stream of a device needs of the program behind it.

use bytes::Bytes;
use tokio::sync::mpsc;

use super::{Soon, Unavailable};
use crate::{
    device::{QueuedEvent, Wake, message::About},
    policy::Caller,
};

/// Speech while it is made: the first sentence can be heard before the last one is there.
pub struct Sound {
    /// Samples a second.
    pub rate: u32,
    /// 16-bit little-endian samples, one channel, in pieces of whole samples. Once it is dropped, no more is made.
    pub pieces: mpsc::Receiver<Bytes>,
}

/// Devices and what waits for them, as the doors see them.
pub trait Devices: Send + Sync + 'static {
    /// Listens for what concerns a device: an event, another person in the bed, the end of its credential.
    fn listen(&self, caller: &Caller) -> Wake;

    /// What it was not told yet, with numbers above `seq`, oldest first; some of it where there is much.
    fn after<'a>(&'a self, caller: &'a Caller, seq: i64) -> Soon<'a, Result<Vec<QueuedEvent>, Unavailable>>;

    /// It has everything up to this number.
    fn acked<'a>(&'a self, caller: &'a Caller, seq: i64) -> Soon<'a, Result<(), Unavailable>>;

    /// Begins to speak a text; `None` where there is no voice.
    fn speak(&self, text: String, slowly: bool) -> Option<Sound>;

    /// How it says that it is.
    fn is_there<'a>(&'a self, caller: &'a Caller, about: &'a About) -> Soon<'a, ()>;

    /// It behaves by the settings of this version now.
    fn has_settings<'a>(&'a self, caller: &'a Caller, version: i64) -> Soon<'a, ()>;
}
