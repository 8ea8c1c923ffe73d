//! `appointment.cancel`: calls a visit off, once it is clear which and it was read back.

use jiff::Timestamp;

use super::{
    super::{ActionError, Change, Facts, Outcome, Pass, Plan, Setting, of_a_person, permit},
    told::{of_visit, visits},
    which::{Asked, VISIT, Which, which},
};
use crate::{
    nlu::Slots,
    policy::{Effect, Floor, Permit, Scope},
};

/// Changes the person's visits.
pub const FLOOR: Floor = of_a_person(Effect::Change, Scope::Visits);

/// Replies: `which` (visits), `confirm`, `past`, `already`, `elsewhere` (each the visit), `none`, `none_such`.
pub async fn run(pass: Pass, slots: &Slots, setting: &Setting<'_>) -> Result<Outcome, ActionError> {
    let permit = permit(pass)?;
    let all = setting.records.visits(permit.subject()).await?.reveal(&permit)?;
    let asked = Asked::of(slots);
    Ok(match which(&all, &asked, setting.now, setting.zone) {
        Which::One(visit) if visit.origin.elsewhere() => {
            Outcome::Answer(of_visit("elsewhere", &visit).with("organization", &visit.origin.organization))
        }
        Which::One(visit) => Outcome::Confirm {
            facts: of_visit("confirm", &visit),
            plan: Plan::Cancel { visit: visit.id.clone(), start: visit.start },
        },
        Which::Several(several) => visits("which", VISIT, &several, setting.zone),
        Which::Past(visit) => Outcome::Answer(of_visit("past", &visit)),
        Which::Off(visit) => Outcome::Answer(of_visit("already", &visit)),
        Which::None if asked.says_something() => Outcome::Answer(Facts::new("none_such")),
        Which::None => Outcome::Answer(Facts::new("none")),
    })
}

/// After "yes". A visit that has moved since is not the one that was read back. Replies: `done`, `already` (each the
/// visit), `changed`.
pub async fn perform(
    permit: Permit,
    visit: &str,
    start: Timestamp,
    setting: &Setting<'_>,
) -> Result<Outcome, ActionError> {
    let all = setting.records.visits(permit.subject()).await?.reveal(&permit)?;
    Ok(match all.into_iter().find(|v| v.id == visit) {
        Some(visit) if !visit.booked => Outcome::Answer(of_visit("already", &visit)),
        Some(visit) if visit.start == start && start > setting.now => Outcome::Done {
            facts: of_visit("done", &visit),
            conflict: Facts::new("changed"),
            changes: vec![Change::Cancel { visit }],
        },
        Some(_) | None => Outcome::Answer(Facts::new("changed")),
    })
}
