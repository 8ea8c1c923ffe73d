//! Changes on their way to the server where a person's records live: delivered once, however often it is tried.

mod clinic;
mod errand;
mod pause;

pub use clinic::{Clinic, Fault, Write};
pub use errand::{Ending, deliver};
pub use pause::pause;
