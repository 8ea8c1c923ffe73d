//! What an action at least demands: the class of its data, its effect, and who must be known.
//!
//! The floor stands on the action in Rust. The catalogue may tighten it, never loosen it.

use serde::{Deserialize, Serialize};

/// How sensitive the data of an intent is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DataClass {
    /// Needs no identity; any channel.
    Public,
    /// Needs an enrolled device; carries the room, never a name.
    Room,
    /// Individually identifiable health data: first-party channel, known person, consent, permit.
    Identifiable,
}

/// What an intent does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Effect {
    /// Dialogue or device only.
    Local,
    /// Reads.
    Read,
    /// Changes something; read back and confirmed before it happens.
    Change,
    /// Never confirmed, never queued, no PIN.
    Urgent,
}

/// Who must be known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Identity {
    /// Nobody.
    Nobody,
    /// A person known to be there.
    Known,
    /// A person who has shown a short while ago to be the one they are taken for, where they have a PIN.
    Pin,
    /// As [`Identity::Pin`], and nothing for whoever has no PIN to show it with.
    Proven,
}

/// The part of a person's life that consent is given for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Scope {
    /// Prescriptions and how to take them.
    Medicines,
    /// Visits past and to come.
    Visits,
    /// Results and the rest of the chart.
    Records,
}

impl Scope {
    /// Every scope, for `--consent all`.
    pub const ALL: [Self; 3] = [Self::Medicines, Self::Visits, Self::Records];

    /// Its name in commands and the database.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Medicines => "medicines",
            Self::Visits => "visits",
            Self::Records => "records",
        }
    }

    /// The scope of that name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|s| s.name() == name)
    }
}

/// The least an action demands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Floor {
    /// The class of the data it touches.
    pub data: DataClass,
    /// What it does.
    pub effect: Effect,
    /// Who must be known.
    pub identity: Identity,
    /// What the person must have agreed to; `None` where no record is touched.
    pub scope: Option<Scope>,
}

/// The catalogue asked for less than the action demands.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("{field} may be made stricter in the catalogue, not looser: the action demands {demanded}")]
pub struct Loosened {
    /// `data`, `effect` or `identity`.
    pub field: &'static str,
    /// What the action demands.
    pub demanded: String,
}

impl Floor {
    /// The floor with the catalogue's wishes in it.
    ///
    /// # Errors
    /// When the catalogue's data class is below the action's, or its effect would skip a confirmation or
    /// take urgency away, or it asks for less identity than the action.
    pub fn tightened(self, data: DataClass, effect: Effect, identity: Option<Identity>) -> Result<Self, Loosened> {
        if data < self.data {
            return Err(Loosened { field: "data", demanded: format!("{:?}", self.data).to_lowercase() });
        }
        let fits = self.effect == effect
            || matches!(
                (self.effect, effect),
                (Effect::Local, Effect::Read) | (Effect::Local | Effect::Read, Effect::Change)
            );
        if !fits {
            return Err(Loosened { field: "effect", demanded: format!("{:?}", self.effect).to_lowercase() });
        }
        if let Some(identity) = identity
            && identity < self.identity
        {
            return Err(Loosened { field: "identity", demanded: format!("{:?}", self.identity).to_lowercase() });
        }
        if effect == Effect::Urgent && identity.is_some_and(|identity| identity != Identity::Nobody) {
            return Err(Loosened { field: "identity", demanded: "nobody: nothing stands before an emergency".into() });
        }
        let least = if data == DataClass::Identifiable { Identity::Known } else { Identity::Nobody };
        let identity = identity.unwrap_or(Identity::Nobody).max(self.identity).max(least);
        Ok(Self { data, effect, identity, scope: self.scope })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_catalogue_tightens_and_never_loosens() {
        let floor = |data, effect| Floor { data, effect, identity: Identity::Nobody, scope: None };
        let read = floor(DataClass::Room, Effect::Read);
        assert!(read.tightened(DataClass::Identifiable, Effect::Change, None).is_ok());
        assert_eq!(read.tightened(DataClass::Public, Effect::Read, None).map_err(|e| e.field), Err("data"));
        let change = floor(DataClass::Room, Effect::Change);
        for looser in [Effect::Read, Effect::Local, Effect::Urgent] {
            assert_eq!(change.tightened(DataClass::Room, looser, None).map_err(|e| e.field), Err("effect"));
        }
        let urgent = floor(DataClass::Room, Effect::Urgent);
        assert!(urgent.tightened(DataClass::Room, Effect::Change, None).is_err(), "urgency is never taken away");
        assert!(
            urgent.tightened(DataClass::Room, Effect::Urgent, Some(Identity::Pin)).is_err(),
            "nor delayed by a PIN"
        );
        let pin = Floor { identity: Identity::Pin, ..read };
        let asked = |identity| pin.tightened(DataClass::Room, Effect::Read, identity).map(|f| f.identity);
        assert_eq!(asked(Some(Identity::Known)).map_err(|e| e.field), Err("identity"));
        assert_eq!(asked(None), Ok(Identity::Pin));
        assert_eq!(asked(Some(Identity::Proven)), Ok(Identity::Proven));
    }
}
