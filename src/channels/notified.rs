//! What a record server that says what changed needs of the program behind the door.

use super::{Soon, Unavailable};

/// Hearing record servers, as the door sees it. A server is known by the secret of an address, and is nobody's speaker.
pub trait Notified: Send + Sync + 'static {
    /// Whether this is the secret of that address.
    fn knows(&self, address: &str, secret: &str) -> bool;

    /// Hears what a server says there.
    fn hears<'a>(&'a self, address: &'a str, body: &'a [u8]) -> Soon<'a, Result<Noted, Unavailable>>;
}

/// What became of a notification.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Noted {
    /// It is durable, and is looked into.
    Yes,
    /// Nothing is watched under that address any more.
    Gone,
    /// It is about another server's Subscription.
    NotOurs,
    /// It cannot be read.
    Unreadable,
}
