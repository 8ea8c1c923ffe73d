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
    /// `data` or `effect`.
    pub field: &'static str,
    /// What the action demands.
    pub demanded: String,
}

impl Floor {
    /// The floor with the catalogue's wishes in it.
    ///
    /// # Errors
    /// When the catalogue's data class is below the action's, or its effect would skip a confirmation or
    /// take urgency away.
    pub fn tightened(self, data: DataClass, effect: Effect) -> Result<Self, Loosened> {
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
        let identity = if data == DataClass::Identifiable { Identity::Known } else { self.identity };
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
        assert!(read.tightened(DataClass::Identifiable, Effect::Change).is_ok());
        assert_eq!(read.tightened(DataClass::Public, Effect::Read).map_err(|e| e.field), Err("data"));
        let change = floor(DataClass::Room, Effect::Change);
        for looser in [Effect::Read, Effect::Local, Effect::Urgent] {
            assert_eq!(change.tightened(DataClass::Room, looser).map_err(|e| e.field), Err("effect"));
        }
        let urgent = floor(DataClass::Room, Effect::Urgent);
        assert!(urgent.tightened(DataClass::Room, Effect::Change).is_err(), "urgency is never taken away");
    }
}
