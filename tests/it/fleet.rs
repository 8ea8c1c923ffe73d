//! The fleet over real sockets: devices are let in by a code, come with certificates, and are shut out at once.

mod door;
mod process;
pub mod stage;
