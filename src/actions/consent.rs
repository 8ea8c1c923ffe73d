//! `consent.give` and `consent.revoke`: which parts of their record a person lets the assistant use.
//!
//! Invariant: an agreement is for a named part, and read back; taking it back needs no more than saying so, and
//! without a part it is all of it.

use super::{ActionError, Change, Facts, Outcome, Pass, Plan, Setting, permit, text};
use crate::{
    nlu::Slots,
    policy::{DataClass, Effect, Floor, Identity, Permit, Scope},
};

/// Whoever agrees must have shown who they are.
const FLOOR: Floor =
    Floor { data: DataClass::Identifiable, effect: Effect::Change, identity: Identity::Pin, scope: None };

/// The parts a value of the list `scope` stands for; none where nothing here uses it.
fn parts(said: &str) -> Vec<Scope> {
    match said {
        "medicines" => vec![Scope::Medicines],
        "visits" => vec![Scope::Visits],
        "results" | "readings" | "conditions" => vec![Scope::Records],
        "everything" => Scope::ALL.to_vec(),
        _ => Vec::new(),
    }
}

fn spoken(scopes: &[Scope]) -> Vec<&'static str> {
    scopes.iter().map(|scope| scope.name()).collect()
}

/// Agreeing.
pub mod give {
    use super::{ActionError, Facts, Floor, Outcome, Pass, Permit, Plan, Setting, Slots, parts, permit, spoken, text};

    pub const FLOOR: Floor = super::FLOOR;

    /// Replies: `confirm` (parts), `already` (parts), `unused`.
    pub async fn run(pass: Pass, slots: &Slots, setting: &Setting<'_>) -> Result<Outcome, ActionError> {
        let _in: Permit = permit(pass)?;
        let asked = parts(text(slots, "scope").unwrap_or_default());
        let new: Vec<_> = asked.iter().copied().filter(|scope| !setting.consent.contains(scope)).collect();
        Ok(match (asked.is_empty(), new.is_empty()) {
            (true, _) => Outcome::Answer(Facts::new("unused")),
            (false, true) => Outcome::Answer(Facts::new("already").with("parts", spoken(&asked))),
            (false, false) => Outcome::Confirm {
                facts: Facts::new("confirm").with("parts", spoken(&new)),
                plan: Plan::Consent { given: true, scopes: new },
            },
        })
    }
}

/// Taking it back.
pub mod revoke {
    use super::{
        ActionError, Facts, Floor, Outcome, Pass, Permit, Plan, Scope, Setting, Slots, parts, permit, spoken, text,
    };

    pub const FLOOR: Floor = super::FLOOR;

    /// Replies: `confirm` (parts), `already`.
    pub async fn run(pass: Pass, slots: &Slots, setting: &Setting<'_>) -> Result<Outcome, ActionError> {
        let _in: Permit = permit(pass)?;
        let asked = text(slots, "scope").map_or_else(|| Scope::ALL.to_vec(), parts);
        let gone: Vec<_> = asked.iter().copied().filter(|scope| setting.consent.contains(scope)).collect();
        Ok(if gone.is_empty() {
            Outcome::Answer(Facts::new("already"))
        } else {
            let facts = Facts::new("confirm").with("parts", spoken(&gone));
            Outcome::Confirm { facts, plan: Plan::Consent { given: false, scopes: gone } }
        })
    }
}

/// After "yes". Replies: `given` and `taken_back` (parts).
pub fn perform(_permit: Permit, given: bool, scopes: &[Scope], setting: &Setting<'_>) -> Outcome {
    let kept = setting.consent.iter().copied().filter(|scope| given || !scopes.contains(scope));
    let mut agreed: Vec<Scope> = kept.chain(scopes.iter().copied().filter(|_| given)).collect();
    agreed.sort_unstable();
    agreed.dedup();
    Outcome::Done {
        facts: Facts::new(if given { "given" } else { "taken_back" }).with("parts", spoken(scopes)),
        changes: vec![Change::Consent { agreed }],
        conflict: Facts::new("conflict"),
    }
}
