//! Connecting records of other organizations: what is refused, what is kept and how, and what becomes of it.

mod back;
mod fetching;
mod organization;
mod refusals;
mod secrets;
mod signup;
mod stage;
