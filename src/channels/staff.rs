//! What the staff's doors need of the program behind them.

use jiff::Timestamp;
use tokio::{io::DuplexStream, task::JoinHandle};

use super::{Soon, Unavailable};
use crate::{
    policy::staff::StaffMember,
    staff::{Ask, NotTold, Told},
};

/// From when, and until when; `None` for the beginning and the end.
pub type Span = (Option<Timestamp>, Option<Timestamp>);

/// The trail on its way out.
pub struct Trail {
    /// What is written of it so far; whoever reads slowly is waited for.
    pub lines: DuplexStream,
    /// Whether it was written whole, once there is nothing more to read.
    pub whole: JoinHandle<bool>,
}

/// The staff's side, as the doors see it. A session of staff is no credential of a speaker, and the other way round.
pub trait StaffDoor: Send + Sync + 'static {
    /// Whose session a token is; `None` for one that is unknown, idle for too long, or has ended. `renew` says that somebody
    /// is there, and not only their page.
    fn staff<'a>(&'a self, token: &'a str, renew: bool) -> Soon<'a, Result<Option<StaffMember>, Unavailable>>;

    /// Answers a member of staff.
    fn answer<'a>(&'a self, staff: &'a StaffMember, ask: Ask) -> Soon<'a, Result<Told, NotTold>>;

    /// Gives out the audit trail between two times, signed.
    fn export<'a>(&'a self, staff: &'a StaffMember, span: Span) -> Soon<'a, Result<Trail, NotTold>>;

    /// Ends a session.
    fn leave<'a>(&'a self, token: &'a str, staff: &'a StaffMember) -> Soon<'a, Result<(), Unavailable>>;

    /// Alerts since the start, by kind.
    fn alerts(&self) -> Vec<(&'static str, u64)>;
}
