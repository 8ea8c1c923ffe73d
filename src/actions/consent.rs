//! `consent.give` and `consent.revoke`: which uses of their record, and of what they say, a person agrees to.
//!
//! Invariant: an agreement is for a named part or for improving, never both at once, and read back; taking it back needs
//! no more than saying so, and without a part it is all of it.

use super::{ActionError, Change, Facts, Outcome, Pass, Plan, Setting, permit, text};
use crate::{
    nlu::Slots,
    policy::{Agreements, DataClass, Effect, Floor, Identity, Permit, Scope, Use},
};

/// Whoever agrees must have shown who they are.
const FLOOR: Floor =
    Floor { data: DataClass::Identifiable, effect: Effect::Change, identity: Identity::Pin, scope: None };

/// The uses a value of the list `scope` stands for; none where nothing here uses it. "Everything" is the record, not
/// what is said: that is agreed to by itself.
fn uses(said: &str) -> Vec<Use> {
    let scopes: &[Scope] = match said {
        "medicines" => &[Scope::Medicines],
        "visits" => &[Scope::Visits],
        "results" | "readings" | "conditions" => &[Scope::Records],
        "everything" => &Scope::ALL,
        "improvement" => return vec![Use::Improve],
        _ => &[],
    };
    Agreements::to_answer(scopes).iter().collect()
}

/// Whether somebody who names this part agrees to that scope.
#[must_use]
pub fn covers(said: &str, scope: Scope) -> bool {
    uses(said).contains(&Use::Answer(scope))
}

/// The parts of the record as they are said.
fn spoken(uses: &[Use]) -> Vec<&'static str> {
    let scopes = Scope::ALL.into_iter().filter(|scope| uses.iter().any(|one| one.scope() == Some(*scope)));
    scopes.map(Scope::name).collect()
}

/// A reply about these uses; one about improving alone has a name of its own.
fn about(reply: &str, uses: &[Use]) -> Facts {
    let (parts, improve) = (spoken(uses), uses.contains(&Use::Improve));
    if improve && parts.is_empty() {
        return Facts::new(&format!("{reply}_improve"));
    }
    Facts::new(reply).with("parts", parts).with("improve", improve)
}

/// Agreeing.
pub mod give {
    use super::{
        ActionError, Facts, Floor, Outcome, Pass, Permit, Plan, Setting, Slots, about, permit, spoken, text, uses,
    };

    pub const FLOOR: Floor = super::FLOOR;

    /// Replies: `confirm` and `already` (parts), `confirm_improve`, `already_improve`, `unused`.
    pub async fn run(pass: Pass, slots: &Slots, setting: &Setting<'_>) -> Result<Outcome, ActionError> {
        let _in: Permit = permit(pass)?;
        let asked = uses(text(slots, "scope").unwrap_or_default());
        let new: Vec<_> = asked.iter().copied().filter(|one| !setting.agreed.uses.contains(*one)).collect();
        // Where a part may be used already, hearing by its names goes without saying it again.
        let told = if spoken(&new).is_empty() { &asked } else { &new };
        Ok(match (asked.is_empty(), new.is_empty()) {
            (true, _) => Outcome::Answer(Facts::new("unused")),
            (false, true) => Outcome::Answer(about("already", &asked)),
            (false, false) => {
                Outcome::Confirm { facts: about("confirm", told), plan: Plan::Consent { given: true, uses: new } }
            }
        })
    }
}

/// Taking it back.
pub mod revoke {
    use super::{
        ActionError, Facts, Floor, Outcome, Pass, Permit, Plan, Setting, Slots, Use, about, permit, text, uses,
    };

    pub const FLOOR: Floor = super::FLOOR;

    /// Replies: `confirm` (parts, improve), `confirm_improve`, `already`.
    pub async fn run(pass: Pass, slots: &Slots, setting: &Setting<'_>) -> Result<Outcome, ActionError> {
        let _in: Permit = permit(pass)?;
        // "Stop using anything" means anything.
        let asked = match text(slots, "scope") {
            None | Some("everything") => Use::ALL.to_vec(),
            Some(said) => uses(said),
        };
        let gone: Vec<_> = asked.into_iter().filter(|one| setting.agreed.uses.contains(*one)).collect();
        Ok(if gone.is_empty() {
            Outcome::Answer(Facts::new("already"))
        } else {
            Outcome::Confirm { facts: about("confirm", &gone), plan: Plan::Consent { given: false, uses: gone } }
        })
    }
}

/// After "yes". Replies: `given` and `taken_back` (parts, improve), and of both one for improving alone.
pub fn perform(_permit: Permit, given: bool, uses: Vec<Use>, setting: &Setting<'_>) -> Outcome {
    let now = &setting.agreed.uses;
    let facts = about(if given { "given" } else { "taken_back" }, &uses);
    let agreed = if given { now.with(uses) } else { now.without(&uses) };
    Outcome::Done {
        facts,
        changes: vec![Change::Consent { agreed, seen: setting.agreed.version }],
        conflict: Facts::new("conflict"),
    }
}
