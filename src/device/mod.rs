//! What a device in a room or at home is told, and how its connection is woken. Values alone: nothing here knows a socket, a
//! table or a person.

mod event;
pub mod message;
mod wakes;

pub use event::{Chime, DeviceEvent, Priority, QueuedEvent};
pub use wakes::{Wake, Wakes};
