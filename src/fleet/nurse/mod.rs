//! What people ask staff for, who is told, and who is told next where nobody answers. Pure: words, tables and times alone.
//!
//! Invariants: words in which something urgent is heard go to a nurse, whatever the configuration says; an emergency is
//! always first; a step is never left out, only told sooner.

pub mod duty;
pub mod ladder;
pub mod need;
pub mod route;
pub mod task;

pub use duty::Units;
pub use ladder::{Clock, Jump, Rung, Waits};
pub use need::Need;
pub use route::{Helper, Override, Priority, Route, RouteError, Routes};
