//! `appointment.reschedule`: moves a visit to a free time with the same clinician. The old time is kept until the new
//! one is taken.

use jiff::{Timestamp, tz::TimeZone};

use super::{
    super::{ActionError, Change, Facts, Outcome, Pass, Plan, Setting, of_a_person, permit},
    Known,
    desk::{Desk, Found, Other, Wanted},
    known,
    told::{of_slot, of_visit, offers, visits},
    visits_of,
    which::{Asked, VISIT, Which, which},
};
use crate::{
    nlu::Slots,
    policy::{Effect, Floor, Permit, Scope},
    records::{OpenSlot, Visit},
};

/// Changes the person's visits.
pub const FLOOR: Floor = of_a_person(Effect::Change, Scope::Visits);

pub async fn run(pass: Pass, slots: &Slots, setting: &Setting<'_>) -> Result<Outcome, ActionError> {
    let permit = permit(pass)?;
    let all = visits_of(&permit, setting).await?;
    // Another time is one with whoever the visit is with.
    let with = match which(&all, &Asked::of(slots), setting.now, setting.zone) {
        Which::One(visit) => visit.provider,
        _ => None,
    };
    let asked = Wanted::of(slots);
    let wanted = Wanted { provider: with.or(asked.provider.clone()), ..asked };
    let known = known(&permit, setting, &wanted).await?;
    Ok(answer(known, slots, setting.now, setting.zone))
}

/// Replies: `which` (visits), `past`, `already`, `elsewhere` (each the visit), `none`, `none_such`, and those of [`moves`].
fn answer(known: Known, slots: &Slots, now: Timestamp, zone: &TimeZone) -> Outcome {
    let asked = Asked::of(slots);
    match which(&known.visits, &asked, now, zone) {
        Which::One(visit) if visit.origin.elsewhere() => {
            Outcome::Answer(of_visit("elsewhere", &visit).with("organization", &visit.origin.organization))
        }
        Which::One(visit) => moves(&visit, known, Wanted::of(slots), now, zone),
        Which::Several(several) => visits("which", VISIT, &several, zone),
        Which::Past(visit) => Outcome::Answer(of_visit("past", &visit)),
        Which::Off(visit) => Outcome::Answer(of_visit("already", &visit)),
        Which::None if asked.says_something() => Outcome::Answer(Facts::new("none_such")),
        Which::None => Outcome::Answer(Facts::new("none")),
    }
}

/// Replies: `confirm` (the new time; from, from_zone), `ask_date`, `over` (day), `no_times` (provider), and those that
/// offer times.
fn moves(visit: &Visit, known: Known, asked: Wanted, now: Timestamp, zone: &TimeZone) -> Outcome {
    let elsewhere = matches!(asked.other, Some(Other::SomebodyElse));
    let wanted = Wanted {
        provider: visit.provider.clone().filter(|_| !elsewhere),
        specialty: visit.specialty.clone(),
        mode: asked.mode.or(Some(visit.mode)),
        ..asked
    };
    let desk = desk_without(visit, &wanted, known, now, zone);
    let ask_date = |facts: Facts| Outcome::Ask { slot: "date".into(), facts, options: vec![] };
    match desk.find(&wanted) {
        Found::One(slot) => Outcome::Confirm {
            facts: from(of_slot("confirm", &slot), visit),
            plan: Plan::Reschedule { visit: visit.id.clone(), start: visit.start, to: slot },
        },
        Found::Offer(reply, slots) => with_wishes(offers(reply, &slots, zone), &wanted),
        Found::NoDay => ask_date(Facts::new("ask_date")),
        Found::Past(day) => ask_date(Facts::new("over").with("day", day)),
        Found::Nothing | Found::Nobody(_) | Found::Which(_) => Outcome::Answer(from(Facts::new("no_times"), visit)),
    }
}

/// What else is free. The visit's own time is nobody's reason not to move it.
fn desk_without<'a>(visit: &Visit, wanted: &Wanted, known: Known, now: Timestamp, zone: &'a TimeZone) -> Desk<'a> {
    let Known { care_team, mut visits, mut free } = known;
    visits.retain(|v| v.id != visit.id);
    free.retain(|s| s.start != visit.start || visit.provider.as_ref() != Some(&s.provider));
    Desk::of(now, zone, wanted, &care_team, &visits, free)
}

/// After "yes". Replies: `done` (the new time; from), `changed`, and those that offer times.
pub async fn perform(
    permit: Permit,
    visit: &str,
    start: Timestamp,
    to: OpenSlot,
    setting: &Setting<'_>,
) -> Result<Outcome, ActionError> {
    let theirs = Wanted { provider: Some(to.provider.clone()), ..Wanted::default() };
    let known = known(&permit, setting, &theirs).await?;
    let Some(visit) = known.visits.iter().find(|v| v.id == visit && v.booked && v.start == start).cloned() else {
        return Ok(Outcome::Answer(Facts::new("changed")));
    };
    let wanted = Wanted {
        provider: Some(to.provider.clone()),
        specialty: to.specialty.clone(),
        picked: Some(to.id.clone()),
        ..Wanted::default()
    };
    let desk = desk_without(&visit, &wanted, known, setting.now, setting.zone);
    if !desk.has(&to) {
        return Ok(match desk.find(&wanted) {
            Found::Offer(reply, slots) => with_wishes(offers(reply, &slots, setting.zone), &wanted),
            _ => Outcome::Answer(from(Facts::new("no_times"), &visit)),
        });
    }
    Ok(Outcome::Done {
        facts: from(of_slot("done", &to), &visit),
        conflict: Facts::new("changed"),
        changes: vec![Change::Reschedule { visit, to }],
    })
}

fn from(facts: Facts, visit: &Visit) -> Facts {
    let facts = facts.with("from", visit.start).with("from_zone", &visit.zone);
    if facts.values.contains_key("provider") { facts } else { facts.with("provider", &visit.provider) }
}

/// The offers with what was asked for and is not there.
pub fn with_wishes(outcome: Outcome, wanted: &Wanted) -> Outcome {
    match outcome {
        Outcome::Ask { slot, facts, options } => Outcome::Ask {
            slot,
            facts: facts
                .with("wanted_mode", wanted.mode.map(crate::records::VisitMode::name))
                .with("wanted_place", &wanted.place)
                .with("other", wanted.other.map(Other::name)),
            options,
        },
        other => other,
    }
}
