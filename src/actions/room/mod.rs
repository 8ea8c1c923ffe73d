//! What is in a room: its television, lamps, blinds and warmth. Which topics of which broker these are is not known here:
//! an action names a thing of this room by its id, and the turn has it worked.

pub mod call;
pub mod control;
pub mod info;
mod work;

pub use call::{Called, Dial};
pub use work::{Order, Work, Worked};
