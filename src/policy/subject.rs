//! Typed names for whom and where: random identifiers that say nothing about the person behind them.
//!
//! They are no secret, but a log of them is a log of who did what, so `Debug` shows only their kind.

use std::fmt;

/// Why a text is not an identifier.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("`{kind}` must be 1 to 64 letters, digits, `-`, `_`, `.` or `:`")]
pub struct BadId {
    /// Which identifier was meant.
    pub kind: &'static str,
}

macro_rules! id {
    ($(#[$doc:meta])* $name:ident, $kind:literal) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(String);

        impl $name {
            /// Takes an identifier from outside.
            ///
            /// # Errors
            /// When it is empty, longer than 64 bytes, or has characters besides letters, digits and `-_.:`.
            pub fn parse(text: &str) -> Result<Self, BadId> {
                let fits = (1..=64).contains(&text.len())
                    && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.:".contains(&b));
                if fits { Ok(Self(text.to_owned())) } else { Err(BadId { kind: $kind }) }
            }

            /// A fresh identifier: UUID version 7 (RFC 9562 §5.7) of this time and these random bytes.
            #[must_use]
            pub fn fresh(at: jiff::Timestamp, random: [u8; 10]) -> Self {
                let millis = u64::try_from(at.as_millisecond()).unwrap_or(0);
                Self(uuid::Builder::from_unix_timestamp_millis(millis, &random).into_uuid().to_string())
            }

            /// The identifier as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(concat!(stringify!($name), "(…)"))
            }
        }
    };
}

id!(
    /// A person whose records are kept.
    PersonId, "person"
);
id!(
    /// A room of a hospital, or a place at home where a device stands.
    RoomId, "room"
);
id!(
    /// One admission: from entering a room to leaving the hospital.
    StayId, "stay"
);
id!(
    /// A conversation; it ends when it has been idle, or when the room changes hands.
    SessionId, "session"
);
id!(
    /// One turn. A client that repeats a turn after a lost answer repeats its id.
    TurnId, "turn"
);
id!(
    /// What authenticated a caller; a keyed hash of it, never the token.
    CredentialId, "credential"
);
id!(
    /// A place of the fleet: a property, a unit, a room, a bed. It says nothing of who is there.
    NodeId, "place"
);
id!(
    /// A device of the fleet.
    DeviceId, "device"
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identifiers_refuse_what_could_be_a_name_or_an_injection() {
        for bad in ["", "Rosa Delgado", "a'b", "a/b", "é", &"x".repeat(65)] {
            assert!(PersonId::parse(bad).is_err(), "{bad:?} must be refused");
        }
        assert!(PersonId::parse("0192f0c1-9e4b-7c3a-b1a2-000102030405").is_ok());
    }

    #[test]
    fn debug_shows_only_the_kind() {
        let id = PersonId::parse("abc").expect("fits");
        assert_eq!(format!("{id:?}"), "PersonId(…)");
    }
}
