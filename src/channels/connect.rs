//! What connecting records of other organizations needs of the program behind the doors.

use super::{Soon, Unavailable};
pub use crate::connect::{Begun, CameBack, Denied, NotConnected, Shown, Visitor};

/// How a try at a code ended.
///
/// Not `Debug`: it holds the page's token.
pub enum CodeTyped {
    /// The page may begin connections; what it shows from then on.
    Fits(String),
    /// It is nobody's.
    Wrong,
    /// There were too many wrong ones from there.
    Locked,
}

/// Connecting records, as the doors see it. Whoever answers these lets nobody in without an audit row first.
pub trait Connect: Send + Sync + 'static {
    /// Whether there is any organization to connect.
    fn offers_records(&self) -> bool;

    /// What can be connected, and what is.
    fn records<'a>(&'a self, visitor: &'a Visitor) -> Soon<'a, Result<Shown, Denied>>;

    /// Begins to connect an organization.
    fn connect<'a>(&'a self, visitor: &'a Visitor, organization: &'a str) -> Soon<'a, Result<Begun, Denied>>;

    /// Ends what came back from the organization.
    fn connected(&self, back: CameBack) -> Soon<'_, Result<(), NotConnected>>;

    /// Takes a connection back; whether what came of it had to stay.
    fn disconnect<'a>(&'a self, visitor: &'a Visitor, id: &'a str) -> Soon<'a, Result<bool, Denied>>;

    /// Whose page shows this token, where a code was typed into it.
    fn paired<'a>(&'a self, token: &'a str) -> Soon<'a, Result<Option<Visitor>, Unavailable>>;

    /// Tries a code that was typed into a page at that address.
    fn pair<'a>(&'a self, code: &'a str, address: &'a str) -> Soon<'a, Result<CodeTyped, Unavailable>>;
}
