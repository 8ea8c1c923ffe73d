//! Doors: a wire format in, a turn, and back.
//!
//! A door learns who is calling from the credential alone, never from what the request says or where it comes
//! from. What a door needs of the program behind it is [`Backend`]; deliberately absent are the store, the
//! records and the composition root.

mod access;
pub mod alexa;
mod backend;
mod bell;
mod connect;
mod devices;
mod fleet;
pub mod http;
pub mod mllp;
mod notices;
mod notified;
mod rights;
mod secrets;
mod sign_in;
mod staff;
mod tls;

pub use access::{Access, Confirmed, Joined};
pub use backend::{Backend, Holder, OnTheirWay, Opened, Part, Soon, Unavailable};
pub use bell::Bell;
pub use connect::{
    Begun as ConnectBegun, CameBack as ConnectCameBack, CodeTyped, Connect, Denied as ConnectDenied, NotConnected,
    Shown, Visitor,
};
pub use devices::{Devices, Sound};
pub use fleet::{Beat, BeatTold, Enrolled, Fingerprint, FleetDoor, NotEnrolled};
pub use notices::{LettersShown, NewsShown, Notices, OneShown};
pub use notified::{Noted, Notified};
pub use rights::Rights;
pub use secrets::{PinChange, Secrets};
pub use sign_in::{Begun, CameBack, NotSignedIn, Side, SignIn, SignedIn};
pub use staff::{Span, StaffDoor, Trail};
pub use tls::TlsError;
