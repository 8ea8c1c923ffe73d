//! `stay.plan`: what the record says is to happen on a day. When somebody goes home is not on record here, and that is said.

use jiff::{Timestamp, tz::TimeZone};

use super::{
    super::{ActionError, Facts, Outcome, Pass, Setting, further, of_a_person, permit, when},
    times::{Wish, starts},
    told::one,
};
use crate::{
    nlu::Slots,
    policy::{Effect, Floor, Scope},
    records::Visit,
};

/// Reads the person's visits: tests, scans and therapies are booked as such.
pub const FLOOR: Floor = of_a_person(Effect::Read, Scope::Visits);

/// Most that are read out.
const MOST: usize = 5;

/// Tells what is to come on a day; today where none was named.
pub async fn run(pass: Pass, slots: &Slots, setting: &Setting<'_>) -> Result<Outcome, ActionError> {
    let permit = permit(pass)?;
    let visits = setting.records.visits(permit.subject()).await?.reveal(&permit)?;
    Ok(Outcome::Answer(plan(&visits, Wish::of(when(slots, "date"), None), further(slots), setting.now, setting.zone)))
}

/// Replies: `plan` (from, to, visits in breaths), `nothing` (from, to).
fn plan(visits: &[Visit], days: Option<Wish>, from_nth: usize, now: Timestamp, zone: &TimeZone) -> Facts {
    let today = now.to_zoned(zone.clone()).date();
    let (from, to) = days.map_or((today, today), |days| (days.from, days.to));
    let is_to_come =
        |v: &&Visit| v.booked && v.end.unwrap_or(v.start) > now && (from..=to).contains(&starts(v, zone).date());
    let mut found: Vec<&Visit> = visits.iter().filter(is_to_come).collect();
    found.sort_by_key(|v| v.start);
    let facts = Facts::new(if found.is_empty() { "nothing" } else { "plan" }).with("from", from).with("to", to);
    facts.in_breaths("visits", found.iter().map(|v| one(v)).collect(), MOST, from_nth)
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::{super::times::samples::visit, *};

    #[test]
    fn what_is_over_called_off_or_on_another_day_is_no_plan() {
        let zone = TimeZone::get("America/New_York").expect("known");
        let now: Timestamp = "2026-12-15T15:00:00Z".parse().expect("a time");
        let visits = [
            visit("over", "2026-12-15T13:00:00Z", "x"),
            visit("late", "2026-12-16T03:00:00Z", "x"),
            visit("scan", "2026-12-15T18:00:00Z", "x"),
            Visit { booked: false, ..visit("off", "2026-12-15T19:00:00Z", "x") },
            visit("tomorrow", "2026-12-16T15:00:00Z", "x"),
        ];
        let told = |days| {
            let facts = plan(&visits, days, 0, now, &zone);
            (facts.reply.clone(), facts.values["visits"].as_array().map_or(0, Vec::len))
        };
        let day =
            |day| Some(Wish { from: date(2026, 12, day), to: date(2026, 12, day), window: None, half_open: false });
        assert_eq!(told(None), ("plan".to_owned(), 2), "ten at night on the wall is today");
        assert_eq!(told(day(16)), ("plan".to_owned(), 1));
        assert_eq!(told(day(17)), ("nothing".to_owned(), 0));
        assert_eq!(told(day(14)), ("nothing".to_owned(), 0));
    }
}
