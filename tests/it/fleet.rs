//! The fleet over real sockets: devices are let in by a code, come with certificates, and are shut out at once.

mod announce;
mod door;
mod pages;
mod process;
mod staff;
pub mod stage;
