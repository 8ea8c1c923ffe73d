//! `appointment.list`: the visits of some days, or all that are to come.

use jiff::{Timestamp, civil::Date, tz::TimeZone};

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

/// Reads the person's visits.
pub const FLOOR: Floor = of_a_person(Effect::Read, Scope::Visits);

/// Most visits that are read out.
const MOST: usize = 5;

pub async fn run(pass: Pass, slots: &Slots, setting: &Setting<'_>) -> Result<Outcome, ActionError> {
    let permit = permit(pass)?;
    let visits = setting.records.visits(permit.subject()).await?.reveal(&permit)?;
    let days = Wish::of(when(slots, "date"), None);
    Ok(Outcome::Answer(list(&visits, days, further(slots), setting.now, setting.zone)))
}

/// Replies: `list` (visits in breaths, count), `had` (the same of days that are over), `none`, `none_then` (from, to).
fn list(visits: &[Visit], days: Option<Wish>, from_nth: usize, now: Timestamp, zone: &TimeZone) -> Facts {
    let today = now.to_zoned(zone.clone()).date();
    let over = days.is_some_and(|days| days.to < today);
    let is_asked_for = |v: &&Visit| {
        let day: Date = starts(v, zone).date();
        v.booked && days.map_or(v.end.unwrap_or(v.start) > now, |d| (d.from..=d.to).contains(&day))
    };
    let mut found: Vec<&Visit> = visits.iter().filter(is_asked_for).collect();
    // Of this month, what is over is not what is asked for.
    if !over {
        found.retain(|v| v.end.unwrap_or(v.start) > now);
    }
    found.sort_by_key(|v| v.start);
    let (from, to) = (days.map(|d| d.from), days.map(|d| d.to));
    match found.len() {
        0 if days.is_none() => Facts::new("none"),
        0 => Facts::new("none_then").with("from", from).with("to", to),
        count => Facts::new(if over { "had" } else { "list" }).with("count", count).in_breaths(
            "visits",
            found.iter().map(|v| one(v)).collect(),
            MOST,
            from_nth,
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::{super::times::samples::visit, *};
    use jiff::civil::date;

    #[test]
    fn the_visits_of_some_days() {
        let zone = TimeZone::get("America/New_York").expect("known");
        let now: Timestamp = "2026-12-15T15:00:00Z".parse().expect("a time");
        let visits = [
            visit("old", "2026-11-20T15:00:00Z", "x"),
            visit("over", "2026-12-02T15:00:00Z", "x"),
            visit("a", "2026-12-20T15:00:00Z", "x"),
            // New Year's Eve on the wall, January by the clock of Greenwich.
            visit("eve", "2027-01-01T01:00:00Z", "x"),
            visit("later", "2027-01-09T15:00:00Z", "x"),
            Visit { booked: false, ..visit("off", "2026-12-21T15:00:00Z", "x") },
        ];
        let days = |from, to| Some(Wish { from, to, window: None, half_open: false });
        let told = |days| {
            let facts = list(&visits, days, 0, now, &zone);
            (facts.reply.clone(), facts.values.get("count").and_then(serde_json::Value::as_u64).unwrap_or_default())
        };
        let said = |reply: &str, count| (reply.to_owned(), count);
        assert_eq!(told(None), said("list", 3));
        assert_eq!(told(days(date(2026, 12, 1), date(2026, 12, 31))), said("list", 2));
        assert_eq!(told(days(date(2026, 11, 1), date(2026, 11, 30))), said("had", 1));
        assert_eq!(told(days(date(2026, 12, 21), date(2026, 12, 21))), said("none_then", 0));
        assert_eq!(list(&visits[..2], None, 0, now, &zone).reply, "none");
        let many: Vec<Visit> = (20..28).map(|d| visit("m", &format!("2026-12-{d}T15:00:00Z"), "x")).collect();
        assert_eq!(list(&many, None, 0, now, &zone).values["more"], 3);
        let rest = list(&many, None, 5, now, &zone);
        let told = rest.values["visits"].as_array().map(Vec::len);
        assert_eq!((told, &rest.values["more"], &rest.values["further"]), (Some(3), &0.into(), &true.into()));
        assert_eq!(list(&many, None, 8, now, &zone).values["further"], false, "from the beginning");
    }
}
