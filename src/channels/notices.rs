//! What a page of one's own needs of the program to show news and to say what one wants to be told of.

use jiff::Timestamp;

use super::Soon;
use crate::{
    policy::Caller,
    rights::{Denied, Told},
};

/// News and wishes, as the door sees them. Whoever answers these lets in nobody but a person on a page of their own, with an
/// audit row first.
pub trait Notices: Send + Sync + 'static {
    /// What is new, and what is wished.
    fn news<'a>(&'a self, caller: &'a Caller) -> Soon<'a, Result<NewsShown, Denied>>;

    /// This news was read.
    fn read<'a>(&'a self, caller: &'a Caller, ids: &'a [String]) -> Soon<'a, Result<(), Denied>>;

    /// Replaces what is wished.
    fn wish<'a>(&'a self, caller: &'a Caller, told: Told) -> Soon<'a, Result<(), Denied>>;

    /// Has a code sent to an address; `None` where it is no address, false where one was sent a moment ago.
    fn letters<'a>(&'a self, caller: &'a Caller, address: &'a str) -> Soon<'a, Result<Option<bool>, Denied>>;

    /// Whether that is the code.
    fn confirm<'a>(&'a self, caller: &'a Caller, code: &'a str) -> Soon<'a, Result<bool, Denied>>;

    /// No more letters.
    fn no_letters<'a>(&'a self, caller: &'a Caller) -> Soon<'a, Result<(), Denied>>;
}

/// What is shown.
pub struct NewsShown {
    /// The news, oldest first.
    pub news: Vec<OneShown>,
    /// What they want to be told of.
    pub told: Told,
    /// Letters; `None` where this server sends none.
    pub letters: Option<LettersShown>,
}

/// One piece of news.
pub struct OneShown {
    /// Its name, for saying that it was read.
    pub id: String,
    /// When it came up.
    pub at: Timestamp,
    /// What it is.
    pub text: String,
}

/// Where letters go.
pub struct LettersShown {
    /// The address; `None` where none is wanted.
    pub address: Option<String>,
    /// Whether the code that was sent there came back.
    pub confirmed: bool,
}
