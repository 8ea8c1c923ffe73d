//! The HTTP door from outside, over real sockets, in front of a program that is only pretended: what goes
//! through the door, what does not, and what it gives away. `serve.rs` has the same door in front of the real one.

mod bad_input;
mod credentials;
mod description;
pub mod door;
mod ending;
mod limits;
mod me;
mod observing;
mod origins;
mod speaking;
mod tls;
