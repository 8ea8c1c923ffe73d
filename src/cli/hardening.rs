//! What the process denies itself before it touches a key or hears a word.

use std::panic;

use rustix::process::{DumpableBehavior, Resource, Rlimit, getrlimit, set_dumpable_behavior, setrlimit};

/// Forbids core dumps: a dump would hold keys and what people said. Not dumpable also keeps other processes of
/// the same user from reading this one's memory.
///
/// # Errors
/// When the operating system refuses, which a program that promises this must not go past.
pub fn forbid_core_dumps() -> anyhow::Result<()> {
    setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) })?;
    set_dumpable_behavior(DumpableBehavior::NotDumpable)?;
    Ok(())
}

/// Lets the process have as many files open as it may: each connection is one, and the usual limit is a thousand.
pub fn allow_connections() {
    let limit = getrlimit(Resource::Nofile);
    // Where it cannot be raised, connections above the limit are refused, which the log of the system tells.
    let _ = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, maximum: limit.maximum });
}

/// A bug is logged by its place alone: the message of a panic may hold what was being worked on.
pub fn log_panics_by_place() {
    panic::set_hook(Box::new(|info| {
        let place = info.location().map_or_else(|| "unknown".to_owned(), ToString::to_string);
        tracing::error!(place, "a bug: the program stopped what it was doing there");
    }));
}
