//! What the devices' doors need of the program behind them.

use jiff::Timestamp;
use serde_json::Value;

use super::{Soon, Unavailable};
use crate::{fleet::authority::fingerprint, policy::Caller};

/// The SHA-256 of a certificate that its connection has proved to own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Fingerprint(pub [u8; 32]);

impl Fingerprint {
    /// Of a certificate in DER.
    #[must_use]
    pub fn of(certificate: &[u8]) -> Self {
        Self(fingerprint(certificate))
    }
}

/// The fleet, as the doors see it.
pub trait FleetDoor: Send + Sync + 'static {
    /// Who speaks from a device that shows this certificate; `None` where it counts no more. Asked for every request.
    fn device<'a>(&'a self, shown: &'a Fingerprint, used: bool) -> Soon<'a, Result<Option<Caller>, Unavailable>>;

    /// Lets a device in that shows its one-time code, and certifies its key.
    fn enrol<'a>(&'a self, serial: &'a str, code: &'a str, key: &'a str) -> Soon<'a, Result<Enrolled, NotEnrolled>>;

    /// Certifies the next key of a device that shows a good certificate.
    fn renew<'a>(&'a self, shown: &'a Fingerprint, key: &'a str) -> Soon<'a, Result<Enrolled, NotEnrolled>>;

    /// Hears that a device is there; `None` where its certificate counts no more.
    fn beat<'a>(&'a self, shown: &'a Fingerprint, beat: Beat) -> Soon<'a, Result<Option<BeatTold>, Unavailable>>;
}

/// What a device gets that is let in.
#[derive(Debug, Clone)]
pub struct Enrolled {
    /// What it is called.
    pub device: String,
    /// Its certificate, in PEM.
    pub certificate: String,
    /// Its authority's, in PEM.
    pub authority: String,
    /// Until when it is good.
    pub expires: Timestamp,
    /// From when on it should get itself the next.
    pub renew: Timestamp,
}

/// Why a device is not let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotEnrolled {
    /// No such device or code, or one that no longer works: all the same from outside.
    Refused,
    /// The key is none that is taken.
    BadKey,
    /// The store does not answer.
    Unavailable,
}

/// What a device tells of itself.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Beat {
    /// What it runs.
    pub firmware: Option<String>,
    /// 0 to 100 percent.
    pub battery: Option<u8>,
    /// The version of the settings that it has put in force.
    pub settings: Option<i64>,
}

/// What it is told back.
#[derive(Debug, Clone, PartialEq)]
pub struct BeatTold {
    /// The version of the settings that are meant for it.
    pub version: i64,
    /// They, where it has others.
    pub settings: Option<Value>,
}
