//! What signing up needs of the program behind the doors.

use super::{Soon, Unavailable};

/// Signing up, as the doors see it. Nobody has a credential yet.
pub trait Access: Send + Sync + 'static {
    /// Notes that somebody at this address wants to come in, and has a code sent there.
    fn join<'a>(&'a self, address: &'a str) -> Soon<'a, Result<Joined, Unavailable>>;

    /// Takes the code that was sent.
    fn confirm<'a>(&'a self, address: &'a str, code: &'a str) -> Soon<'a, Result<Confirmed, Unavailable>>;
}

/// What became of signing up. The same for every address there may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Joined {
    /// Noted, or noted before.
    Noted,
    /// No address.
    NoAddress,
    /// Too many want in at the moment.
    TooMany,
}

/// What became of a code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Confirmed {
    /// It is theirs; their place in the list, from 1.
    Yes(i64),
    /// Not this code, or not any more.
    No,
    /// Too many codes at the moment.
    TooMany,
}
