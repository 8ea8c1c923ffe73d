//! Reminders of the running program.

use jiff::Timestamp;

use super::program::Program;
use crate::{
    channels::{Bell, Soon, Unavailable},
    policy::Caller,
    turn::{DueError, Ring},
};

impl Bell for Program {
    fn due<'a>(&'a self, caller: &'a Caller) -> Soon<'a, Result<Vec<Ring>, Unavailable>> {
        Box::pin(async move { self.app().core().due(caller).await.map_err(|e| unavailable(&e)) })
    }

    fn rang<'a>(&'a self, caller: &'a Caller, id: &'a str, at: Timestamp) -> Soon<'a, Result<bool, Unavailable>> {
        Box::pin(async move { self.app().core().rang(caller, id, at).await.map_err(|e| unavailable(&e)) })
    }
}

/// What failed goes to the log without whose it was; outside it only says that it failed.
fn unavailable(error: &DueError) -> Unavailable {
    tracing::error!(%error, "reminders could not be looked up");
    Unavailable
}
