//! `appointment.arrive`: tells the clinic that somebody is there for a visit of today, or will be late.
//!
//! It goes to the front desk's board and, where the person is there, to the record server as the visit's state. Nobody is
//! called, and nothing is said of anybody having seen it.

use jiff::{SignedDuration, Timestamp, tz::TimeZone};

use super::{
    super::{ActionError, Change, Choice, Facts, Outcome, Pass, Plan, Setting, of_a_person, permit, text},
    times::starts,
    told::{of_visit, visits},
    which::{Asked, VISIT},
};
use crate::{
    nlu::{SlotValue, Slots, TimeUnit},
    policy::{Effect, Floor, Permit, Scope},
    records::{Arrival, Visit, VisitMode},
};

/// Changes what is known of the person's visits.
pub const FLOOR: Floor = of_a_person(Effect::Change, Scope::Visits);

/// How long after its end a visit is still one that somebody may come to.
const AFTER: SignedDuration = SignedDuration::from_hours(2);

/// The slot that says whether somebody is there.
const ARRIVAL: &str = "arrival";

pub async fn run(pass: Pass, slots: &Slots, setting: &Setting<'_>) -> Result<Outcome, ActionError> {
    let permit = permit(pass)?;
    let all = setting.records.visits(permit.subject()).await?.reveal(&permit)?;
    Ok(decide(&all, slots, setting.now, setting.zone))
}

/// Replies: `which` (visits), `ask_arrival`, `confirm` (the visit; here, minutes), `already`, `elsewhere` (organization),
/// `remote`, `not_today` (each the visit), `none`.
fn decide(all: &[Visit], slots: &Slots, now: Timestamp, zone: &TimeZone) -> Outcome {
    let asked = Asked::of(slots);
    let fitting = || all.iter().filter(|v| v.booked && asked.fits(v, zone));
    let mut today: Vec<Visit> = fitting().filter(|v| is_today(v, now, zone)).cloned().collect();
    today.sort_by_key(|v| v.start);
    // Of several, those that nobody knows to be there for yet.
    if today.len() > 1 {
        let left: Vec<Visit> = today.iter().filter(|v| !v.arrival.is_some_and(|a| a.here)).cloned().collect();
        today = if left.is_empty() { today } else { left };
    }
    let visit = match today.as_slice() {
        [one] => one,
        [_, ..] => return visits("which", VISIT, &today, zone),
        [] => {
            let next = fitting().filter(|v| v.start > now).min_by_key(|v| v.start);
            return Outcome::Answer(next.map_or_else(|| Facts::new("none"), |visit| of_visit("not_today", visit)));
        }
    };
    if visit.origin.elsewhere() {
        return Outcome::Answer(of_visit("elsewhere", visit).with("organization", &visit.origin.organization));
    }
    if visit.mode != VisitMode::InPerson {
        return Outcome::Answer(of_visit("remote", visit));
    }
    if visit.arrival.is_some_and(|arrival| arrival.here) {
        return Outcome::Answer(of_visit("already", visit));
    }
    let minutes = delay(slots);
    let here = match (text(slots, ARRIVAL), minutes) {
        (_, Some(_)) | (Some("late"), None) => false,
        (Some(_), None) => true,
        (None, None) => return ask(visit),
    };
    Outcome::Confirm {
        facts: told("confirm", visit, here, minutes),
        plan: Plan::Arrive { visit: visit.id.clone(), start: visit.start, here, minutes },
    }
}

/// Nobody is taken to be there who did not say so.
fn ask(visit: &Visit) -> Outcome {
    let option = |spoken: &str, value: &str| Choice { spoken: spoken.into(), value: SlotValue::Text(value.into()) };
    Outcome::Ask {
        slot: ARRIVAL.to_owned(),
        facts: of_visit("ask_arrival", visit),
        options: vec![option("I'm there", "here"), option("I'm on my way", "late")],
    }
}

fn is_today(visit: &Visit, now: Timestamp, zone: &TimeZone) -> bool {
    let start = starts(visit, zone);
    let end = visit.end.unwrap_or(visit.start);
    start.date() == now.to_zoned(start.time_zone().clone()).date() && now.duration_since(end) < AFTER
}

/// How late somebody will be, in whole minutes up to a day.
fn delay(slots: &Slots) -> Option<u32> {
    let SlotValue::Lasting(lasting) = &slots.get("delay")?.value else { return None };
    let each = match lasting.unit {
        TimeUnit::Minute => 1.0,
        TimeUnit::Hour => 60.0,
        _ => return None,
    };
    let minutes = (lasting.to.unwrap_or(lasting.lasts) * each).round();
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 1 and 1440")]
    (1.0..=1_440.0).contains(&minutes).then_some(minutes as u32)
}

fn told(reply: &str, visit: &Visit, here: bool, minutes: Option<u32>) -> Facts {
    of_visit(reply, visit).with("here", here).with("minutes", minutes)
}

/// After "yes". Replies: `done` (the visit; here, minutes), `changed`.
pub async fn perform(
    permit: Permit,
    visit: &str,
    start: Timestamp,
    (here, minutes): (bool, Option<u32>),
    setting: &Setting<'_>,
) -> Result<Outcome, ActionError> {
    let all = setting.records.visits(permit.subject()).await?;
    let profile = setting.records.profile(permit.subject()).await?;
    let (all, profile) = all.zip(profile)?.reveal(&permit)?;
    let Some(visit) = all.into_iter().find(|v| v.id == visit && v.booked && v.start == start) else {
        return Ok(Outcome::Answer(Facts::new("changed")));
    };
    let name = profile.map(|p| format!("{} {}", p.given, p.family)).unwrap_or_default();
    let need = need(name.trim(), &visit, here, minutes, setting.zone);
    Ok(Outcome::Done {
        facts: told("done", &visit, here, minutes),
        conflict: Facts::new("changed"),
        changes: vec![Change::Arrive { visit, arrival: Arrival { here, minutes, at: Some(setting.now) }, need }],
    })
}

/// What the front desk reads.
fn need(name: &str, visit: &Visit, here: bool, minutes: Option<u32>, zone: &TimeZone) -> String {
    let at = starts(visit, zone).strftime("%H:%M");
    let with = visit.provider.as_deref().map(|provider| format!(" with {provider}")).unwrap_or_default();
    let what = match (here, minutes) {
        (true, _) => "is here".to_owned(),
        (false, Some(minutes)) => format!("will be {minutes} minutes late"),
        (false, None) => "will be late".to_owned(),
    };
    format!("{name} {what} for the visit at {at}{with}")
}

#[cfg(test)]
mod tests {
    use super::{
        super::{super::prescription::samples::reply, times::samples::visit},
        *,
    };
    use crate::nlu::{Lasting, Slot};

    const PATEL: &str = "Dr. Anita Patel";

    fn slots(pairs: &[(&str, SlotValue)]) -> Slots {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), Slot::new("", value.clone(), 1.0))).collect()
    }

    #[test]
    fn only_a_visit_of_today_is_come_to() {
        let zone = TimeZone::get("America/New_York").expect("known");
        let now: Timestamp = "2026-12-01T15:00:00Z".parse().expect("a time");
        let text = |value: &str| SlotValue::Text(value.into());
        let minutes = |n| SlotValue::Lasting(Lasting { lasts: n, to: None, unit: TimeUnit::Minute });
        let here = [("arrival", text("here"))];
        let (soon, late) =
            (visit("soon", "2026-12-01T16:00:00Z", PATEL), visit("late", "2026-12-01T20:00:00Z", "Dr. Lee"));
        let tomorrow = visit("tomorrow", "2026-12-02T16:00:00Z", PATEL);
        let there = Visit { arrival: Some(Arrival { here: true, minutes: None, at: None }), ..soon.clone() };
        let behind = Visit { arrival: Some(Arrival { here: false, minutes: Some(5), at: None }), ..soon.clone() };
        let video = Visit { mode: VisitMode::Video, ..soon.clone() };
        let origin = crate::records::Origin { organization: Some("Mercy".into()), ..Default::default() };
        let mercy = Visit { origin, ..soon.clone() };
        // Eleven in the evening on the wall of the place, tomorrow at Greenwich.
        let evening = visit("evening", "2026-12-02T04:00:00Z", PATEL);
        let over = visit("over", "2026-12-01T12:00:00Z", PATEL);
        let just = visit("just", "2026-12-01T13:30:00Z", PATEL);
        let off = Visit { booked: false, ..soon.clone() };
        #[rustfmt::skip]
        let table: Vec<(Vec<Visit>, Vec<(&str, SlotValue)>, &str)> = vec![
            (vec![soon.clone()],                     here.to_vec(),                            "confirm confirm"),
            (vec![soon.clone(), tomorrow.clone()],   here.to_vec(),                            "confirm confirm"),
            (vec![soon.clone()],                     vec![],                                   "ask ask_arrival"),
            (vec![soon.clone()],                     vec![("delay", minutes(20.0))],           "confirm confirm"),
            (vec![soon.clone(), late.clone()],       here.to_vec(),                            "ask which"),
            (vec![soon.clone(), late.clone()],       vec![here[0].clone(), ("provider", text("Lee"))], "confirm confirm"),
            (vec![there.clone(), late],              here.to_vec(),                            "confirm confirm"),
            (vec![there],                            here.to_vec(),                            "already"),
            (vec![behind],                           here.to_vec(),                            "confirm confirm"),
            (vec![video],                            here.to_vec(),                            "remote"),
            (vec![mercy],                            here.to_vec(),                            "elsewhere"),
            (vec![evening],                          here.to_vec(),                            "confirm confirm"),
            (vec![tomorrow],                         here.to_vec(),                            "not_today"),
            (vec![over],                             here.to_vec(),                            "none"),
            (vec![just],                             here.to_vec(),                            "confirm confirm"),
            (vec![off],                              here.to_vec(),                            "none"),
            (vec![],                                 here.to_vec(),                            "none"),
        ];
        for (n, (all, said, want)) in table.into_iter().enumerate() {
            assert_eq!(reply(&decide(&all, &slots(&said), now, &zone)), want, "line {n}");
        }
        let hour = [("delay", SlotValue::Lasting(Lasting { lasts: 1.5, to: None, unit: TimeUnit::Hour }))];
        assert_eq!(delay(&slots(&hour)), Some(90));
        for (value, want) in [(20.0, Some(20)), (0.0, None), (-5.0, None), (f64::NAN, None), (9_999.0, None)] {
            assert_eq!(delay(&slots(&[("delay", minutes(value))])), want, "{value}");
        }
        let told = |here, minutes| need("Rosa Delgado", &soon, here, minutes, &zone);
        assert_eq!(told(true, None), "Rosa Delgado is here for the visit at 11:00 with Dr. Anita Patel");
        assert_eq!(
            told(false, Some(20)),
            "Rosa Delgado will be 20 minutes late for the visit at 11:00 with Dr. Anita Patel"
        );
        assert_eq!(told(false, None), "Rosa Delgado will be late for the visit at 11:00 with Dr. Anita Patel");
    }
}
