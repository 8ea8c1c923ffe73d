//! What a page of one's own needs of the program to make codes and set PINs.

use jiff::Timestamp;

use super::{Soon, Unavailable};
use crate::policy::{Caller, Weak};

/// Codes and PINs, as the doors see them. The caller has a person and a page of their own.
pub trait Secrets: Send + Sync + 'static {
    /// A one-time code, and until when it works.
    fn make_code<'a>(&'a self, caller: &'a Caller) -> Soon<'a, Result<(String, Timestamp), Unavailable>>;

    /// Sets a PIN.
    fn set_pin<'a>(
        &'a self,
        caller: &'a Caller,
        current: Option<&'a str>,
        new: &'a str,
    ) -> Soon<'a, Result<PinChange, Unavailable>>;
}

/// What became of a new PIN.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PinChange {
    /// It counts from now on.
    Done,
    /// It is none.
    Weak(Weak),
    /// The one that is set was not given, or another one.
    Wrong,
    /// The one that is set was tried too often.
    Locked,
}
