//! Who is calling and how far they are trusted.
//!
//! Invariant: a channel's trust is fixed by how it authenticated, never by what it says about itself or where
//! it connects from. A [`Caller`] is built only where a credential has been verified.

use super::{CredentialId, PersonId, RoomId, StayId};

/// The kinds of first-party place a credential can stand for, and everybody else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Surface {
    /// A device enrolled for a hospital room.
    Room(RoomId),
    /// A device enrolled for a home.
    Home(RoomId),
    /// The organization's own page or app.
    Chat,
    /// A platform of somebody else's.
    ThirdParty,
}

impl Surface {
    /// The name of the channel in results, logs and metrics.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Room(_) => "room",
            Self::Home(_) => "home",
            Self::Chat => "chat",
            Self::ThirdParty => "third-party",
        }
    }

    /// Whether it belongs to the organization or the household.
    #[must_use]
    pub const fn trust(&self) -> Trust {
        match self {
            Self::Room(_) | Self::Home(_) | Self::Chat => Trust::FirstParty,
            Self::ThirdParty => Trust::ThirdParty,
        }
    }

    /// The enrolled place, where there is one.
    #[must_use]
    pub const fn room(&self) -> Option<&RoomId> {
        match self {
            Self::Room(room) | Self::Home(room) => Some(room),
            Self::Chat | Self::ThirdParty => None,
        }
    }
}

/// How far a channel is trusted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trust {
    /// May carry identifiable health data, if everything else allows it.
    FirstParty,
    /// Public answers only.
    ThirdParty,
}

/// A caller whose credential has been verified.
#[derive(Debug, Clone)]
pub struct Caller {
    /// The place or app that the credential stands for.
    pub surface: Surface,
    /// The credential itself, as a keyed hash.
    pub credential: CredentialId,
    /// The person known to be there, if one is.
    pub person: Option<PersonId>,
    /// The stay that person's presence in a hospital room belongs to.
    pub stay: Option<StayId>,
    /// How far that person has shown to be who they are taken for.
    pub proof: Proof,
    /// The people who share a device at home, where that was looked up with the credential.
    pub house: Option<Vec<PersonId>>,
}

/// How far somebody has shown to be who the channel takes them for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Proof {
    /// Not at all: they have a PIN and have not said it lately.
    #[default]
    None,
    /// They have no PIN, so being there is all there is.
    Unasked,
    /// By their PIN a short while ago, or by signing in on a page of their own.
    Fresh,
}
