//! What delivering needs of a server, and what can come of it.

use std::{future::Future, time::Duration};

use serde_json::Value;

use crate::records::outgoing::Trouble;

/// The server where somebody's records live. A trait so that each way a delivery can go is played against one in memory.
pub trait Clinic {
    /// One resource.
    fn read(&self, kind: &'static str, id: &str) -> impl Future<Output = Result<Value, Fault>> + Send;
    /// All resources that a search finds, included ones too.
    fn search(
        &self,
        kind: &'static str,
        params: &[(&'static str, &str)],
    ) -> impl Future<Output = Result<Vec<Value>, Fault>> + Send;
    /// Makes a resource, unless the search finds one.
    fn create(&self, resource: &Value, unless: &str) -> impl Future<Output = Result<(), Fault>> + Send;
    /// Several of these, all or none.
    fn together(&self, writes: Vec<Write>) -> impl Future<Output = Result<(), Fault>> + Send;
}

/// One of several that go together.
pub enum Write {
    /// Makes a resource, unless the search finds one.
    Create(Value, String),
    /// Replaces a resource, where it is of the version that it was read as.
    Update(Value),
}

/// Why a server did not do it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// There is no such resource.
    Missing,
    /// It is of another version than the one that was read, or there are two of what should be one.
    Stale,
    /// It may work later, and not sooner than this where the server says so.
    Later(Trouble, Option<Duration>),
    /// It never will.
    Never(Trouble),
}
