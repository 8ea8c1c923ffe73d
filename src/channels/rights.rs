//! What a door to a person's own page needs of the program behind it.

use super::Soon;
use crate::{
    policy::Caller,
    rights::{AccessList, Agreement, Copied, Denied, Gone, Me, OwnName, Which},
};

/// A person's rights over what is known about them. Whoever answers these lets nobody in without an audit row first, and
/// nobody but a person on a page of their own.
pub trait Rights: Send + Sync + 'static {
    /// How much is kept of the person, and for how long.
    fn me<'a>(&'a self, caller: &'a Caller) -> Soon<'a, Result<Me, Denied>>;

    /// Keeps who they say they are.
    fn call_me<'a>(&'a self, caller: &'a Caller, who: &'a OwnName) -> Soon<'a, Result<(), Denied>>;

    /// Who looked.
    fn access<'a>(&'a self, caller: &'a Caller) -> Soon<'a, Result<AccessList, Denied>>;

    /// What the person agrees to, and what they agreed to before.
    fn agreement<'a>(&'a self, caller: &'a Caller) -> Soon<'a, Result<Agreement, Denied>>;

    /// Replaces it, where this version was seen; `uses` by their names.
    fn agree<'a>(&'a self, caller: &'a Caller, uses: &'a [String], seen: u64) -> Soon<'a, Result<Agreement, Denied>>;

    /// Deletes what the person said.
    fn forget<'a>(&'a self, caller: &'a Caller, which: Which) -> Soon<'a, Result<Gone, Denied>>;

    /// A copy of everything.
    fn copy<'a>(&'a self, caller: &'a Caller) -> Soon<'a, Result<Copied, Denied>>;
}
