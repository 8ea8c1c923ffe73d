//! A device of the fleet: what may become of it, and the code it is let in with. Pure.
//!
//! Invariant: only an active device is let in. One that was lost, or whose certificates were revoked, needs a new code; one that is
//! retired stays so.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::{settings::Settings, tree::Tree};
use crate::policy::{CredentialId, DeviceId, NodeId, RoomId, Surface};

/// How long a code works.
pub const CODE_LASTS: SignedDuration = SignedDuration::from_hours(7 * 24);
/// Wrong codes after which the right one no longer works.
pub const CODE_TRIES: i64 = 5;
/// How long a device's certificate is good for.
pub const CERTIFICATE_LASTS: SignedDuration = SignedDuration::from_hours(7 * 24);
/// How long after it was issued a device gets itself the next one.
pub const RENEW_AFTER: SignedDuration = SignedDuration::from_hours(7 * 12);

/// Longest serial number of a device, in characters.
const LONGEST_SERIAL: usize = 64;
/// The signs of a code, without those that are taken for one another.
const SIGNS: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// What a device stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Channel {
    /// A room or bed of a hospital.
    Room,
    /// A home.
    Home,
}

impl Channel {
    /// Its name on the wire and in files.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Room => "room",
            Self::Home => "home",
        }
    }

    /// The channel of that name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        [Self::Room, Self::Home].into_iter().find(|channel| channel.name() == name)
    }

    /// The surface of a device in a room.
    #[must_use]
    pub const fn surface(self, room: RoomId) -> Surface {
        match self {
            Self::Room => Surface::Room(room),
            Self::Home => Surface::Home(room),
        }
    }
}

/// How it stands with a device.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DeviceState {
    /// Known, and not let in: it waits for its code.
    Waiting,
    /// Let in.
    Active,
    /// Gone, nobody knows where.
    Lost,
    /// Out of use for good.
    Retired,
}

/// What is done with a device.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Deed {
    /// It gets a code.
    Code,
    /// It shows its code.
    Enrol,
    /// It is put elsewhere.
    Move,
    /// Its certificates are revoked.
    Revoke,
    /// It is gone.
    Lose,
    /// It goes out of use.
    Retire,
}

/// Why something cannot be done with a device.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a device that is {} cannot be {}", .0.name(), .1.done())]
pub struct WrongDeed(pub DeviceState, pub Deed);

impl Deed {
    /// How it is told, and kept in the audit trail.
    #[must_use]
    pub const fn done(self) -> &'static str {
        match self {
            Self::Code => "given-code",
            Self::Enrol => "enrolled",
            Self::Move => "moved",
            Self::Revoke => "revoked",
            Self::Lose => "lost",
            Self::Retire => "retired",
        }
    }
}

impl DeviceState {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Waiting, Self::Active, Self::Lost, Self::Retired];

    /// Its name on the wire and in the database.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Active => "active",
            Self::Lost => "lost",
            Self::Retired => "retired",
        }
    }

    /// The state of that name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.name() == name)
    }

    /// How it stands after something was done.
    ///
    /// # Errors
    /// When that cannot be done now.
    pub const fn after(self, deed: Deed) -> Result<Self, WrongDeed> {
        Ok(match (self, deed) {
            (Self::Retired, _) | (Self::Active | Self::Lost, Deed::Enrol) | (Self::Lost, Deed::Lose) => {
                return Err(WrongDeed(self, deed));
            }
            (_, Deed::Code | Deed::Revoke) => Self::Waiting,
            (_, Deed::Enrol) => Self::Active,
            (_, Deed::Move) => self,
            (_, Deed::Lose) => Self::Lost,
            (_, Deed::Retire) => Self::Retired,
        })
    }

    /// Whether whoever was let in as it stays so.
    #[must_use]
    pub const fn lets_in(self) -> bool {
        matches!(self, Self::Active)
    }
}

/// A device.
#[derive(Debug, Clone, PartialEq)]
pub struct Device {
    /// Its id.
    pub id: DeviceId,
    /// What stands on its back.
    pub serial: String,
    /// Where it stands.
    pub node: NodeId,
    /// What it stands for.
    pub channel: Channel,
    /// How it stands with it.
    pub state: DeviceState,
    /// What it is let in as, while it is.
    pub credential: Option<CredentialId>,
    /// How often it was put somewhere.
    pub moves: i64,
    /// When something that its settings hang on was changed on it itself, in microseconds since 1970.
    pub version: i64,
    /// The settings that it said it has.
    pub acked: i64,
    /// What it runs.
    pub firmware: String,
    /// 0 to 100 percent; `None` where it has none, or never told.
    pub battery: Option<u8>,
    /// When it was heard of last, to a minute or so.
    pub seen: Option<Timestamp>,
}

impl Device {
    /// The settings that are meant for it, and their version: when any of them, or what they hang on, was changed last.
    #[must_use]
    pub fn meant(&self, tree: &Tree) -> (i64, Settings) {
        let path = tree.path(&self.node);
        let version = path.iter().map(|node| node.version).fold(self.version, i64::max);
        (version, Settings::in_force(path.iter().map(|node| &node.settings)))
    }
}

/// Whether a text can be a serial number: 1 to 64 letters, digits, `-`, `_`, `.`, `:` or `/`.
#[must_use]
pub fn is_serial(text: &str) -> bool {
    (1..=LONGEST_SERIAL).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.:/".contains(&b))
}

/// The code of these random bits: eight signs, a dash in the middle.
#[must_use]
pub fn code_of(random: [u8; 5]) -> String {
    let bits = random.iter().fold(0u64, |bits, byte| bits << 8 | u64::from(*byte));
    let sign = |n: u64| char::from(SIGNS[usize::try_from(bits >> (5 * n) & 31).unwrap_or(0)]);
    (0..8).rev().map(sign).enumerate().fold(String::new(), |code, (n, sign)| match n {
        4 => format!("{code}-{sign}"),
        _ => format!("{code}{sign}"),
    })
}

/// A code as somebody typed it; `None` for what can be none.
#[must_use]
pub fn code_typed(text: &str) -> Option<String> {
    if text.len() > 32 {
        return None;
    }
    let signs: String = text
        .chars()
        .filter(|c| !matches!(c, '-' | ' '))
        .map(|c| match c.to_ascii_uppercase() {
            'O' => '0',
            'I' | 'L' => '1',
            other => other,
        })
        .collect();
    (signs.len() == 8 && signs.bytes().all(|b| SIGNS.contains(&b))).then_some(signs)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_become_of_a_device() {
        use DeviceState::{Active, Lost, Retired, Waiting};
        #[rustfmt::skip]
        let table = [
            // deed,         waiting,       active,        lost,          retired
            (Deed::Code,   [Some(Waiting), Some(Waiting), Some(Waiting), None]),
            (Deed::Enrol,  [Some(Active),  None,          None,          None]),
            (Deed::Move,   [Some(Waiting), Some(Active),  Some(Lost),    None]),
            (Deed::Revoke, [Some(Waiting), Some(Waiting), Some(Waiting), None]),
            (Deed::Lose,   [Some(Lost),    Some(Lost),    None,          None]),
            (Deed::Retire, [Some(Retired), Some(Retired), Some(Retired), None]),
        ];
        for (deed, row) in table {
            for (state, wanted) in DeviceState::ALL.into_iter().zip(row) {
                assert_eq!(state.after(deed).ok(), wanted, "{state:?} {deed:?}");
            }
        }
        for state in DeviceState::ALL {
            assert_eq!(DeviceState::named(state.name()), Some(state));
            assert_eq!(state.lets_in(), state == Active);
        }
    }

    #[test]
    fn a_code_is_read_as_people_type_it() {
        let code = code_of([0xff, 0x00, 0xa5, 0x12, 0x34]);
        assert_eq!(code.len(), 9);
        let plain = code_typed(&code).expect("a code");
        assert_eq!(code_typed(&code.to_lowercase()), Some(plain.clone()));
        assert_eq!(code_typed(&format!(" {plain} ")), Some(plain));
        assert_eq!(code_typed("oil1-0000").as_deref(), Some("01110000"));
        assert_ne!(code_of([0; 5]), code_of([0, 0, 0, 0, 1]));
        for bad in ["", "1234-567", "1234-56789", "UUUU-UUUU", &"0".repeat(300), "1234-567é"] {
            assert_eq!(code_typed(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_serial_number_is_one_word() {
        for good in ["SN-0001", "a", "00:1B:44/7"] {
            assert!(is_serial(good), "{good}");
        }
        for bad in ["", "two words", "é", &"x".repeat(65), "a,b"] {
            assert!(!is_serial(bad), "{bad}");
        }
    }
}
