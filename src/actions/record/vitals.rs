//! `record.vitals`: what was measured at visits. Of a measure that people take themselves, too, the newer counts, and it
//! is said which it is.

use jiff::{Timestamp, tz::TimeZone};

use super::super::{
    ActionError, Facts, Outcome, Pass, Setting, of_a_person, permit,
    reading::{self, last},
    source, text,
};
use crate::{
    nlu::Slots,
    policy::{Effect, Floor, Scope},
    records::{Amount, Measure, Reading, Vital},
};

/// Reads the person's records.
pub const FLOOR: Floor = of_a_person(Effect::Read, Scope::Records);

pub async fn run(pass: Pass, slots: &Slots, setting: &Setting<'_>) -> Result<Outcome, ActionError> {
    let permit = permit(pass)?;
    let (own, all) = reading::kept(&permit, setting).await?;
    let facts = vitals(&own, &all, text(slots, "measure"), (setting.now, setting.zone));
    Ok(Outcome::Answer(reading::with_unread(facts, &permit, setting).await?))
}

/// A value and its unit as replies take them.
pub fn told(amount: &Amount) -> serde_json::Value {
    serde_json::json!({ "value": amount.told(), "unit": amount.written_unit() })
}

/// Replies: `one` (measure, amount, on, timed, own, source, elsewhere), `none_of` (measure), `all` (on, source, vitals:
/// measure, amount; sources), `none`.
fn vitals(own: &[Reading], all: &[Vital], said: Option<&str>, (now, zone): (Timestamp, &TimeZone)) -> Facts {
    if let Some(said) = said {
        let found = Measure::named(said).and_then(|measure| Some((measure, reading::newest(measure, own, all)?)));
        return match found {
            Some((measure, found)) => last::one(measure, &found, now),
            None => Facts::new("none_of").with("measure", said),
        };
    }
    let Some(newest) = all.iter().max_by_key(|v| v.taken) else { return Facts::new("none") };
    let day = |at: Timestamp| at.to_zoned(zone.clone()).date();
    let mut that_day: Vec<&Vital> = Vec::new();
    for measure in Measure::ALL {
        let same = |v: &&Vital| v.measure == measure && day(v.taken) == day(newest.taken);
        that_day.extend(all.iter().filter(same).max_by_key(|v| v.taken));
    }
    let one = |v: &&Vital| serde_json::json!({ "measure": v.measure.name(), "amount": told(&v.amount) });
    Facts::new("all")
        .with("on", newest.taken)
        .with("source", &newest.source)
        .with("vitals", that_day.iter().map(one).collect::<Vec<_>>())
        .with("sources", source::grouped(that_day.iter().map(|v| (v.measure.name(), &v.origin)), now))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::records::{Decimal, measure::Unit};

    fn vital(measure: Measure, n: i32, unit: Unit, taken: &str) -> Vital {
        let taken = taken.parse().expect("a time");
        Vital {
            measure,
            amount: Amount::of(Decimal::whole(n), unit),
            taken,
            source: None,
            origin: crate::records::Origin::default(),
        }
    }

    #[test]
    fn the_newest_of_a_measure_or_all_of_the_last_day() {
        let zone = TimeZone::get("America/New_York").expect("known");
        let all = [
            vital(Measure::Weight, 71, Unit::Kilogram, "2026-11-19T14:00:00Z"),
            vital(Measure::HeartRate, 76, Unit::PerMinute, "2026-11-19T14:05:00Z"),
            vital(Measure::Temperature, 98, Unit::Fahrenheit, "2025-11-19T14:00:00Z"),
            vital(Measure::Weight, 73, Unit::Kilogram, "2025-11-19T14:00:00Z"),
        ];
        let one = vitals(&[], &all, Some("weight"), (Timestamp::UNIX_EPOCH, &zone));
        assert_eq!((one.reply.as_str(), &one.values["amount"]["value"]), ("one", &"71".into()));
        assert_eq!(vitals(&[], &all, Some("blood pressure"), (Timestamp::UNIX_EPOCH, &zone)).reply, "none_of");
        let told = vitals(&[], &all, None, (Timestamp::UNIX_EPOCH, &zone));
        let names: Vec<_> = told.values["vitals"].as_array().into_iter().flatten().map(|v| &v["measure"]).collect();
        assert_eq!(names, ["heart rate", "weight"], "not the temperature of a year ago");
        assert_eq!(vitals(&[], &[], None, (Timestamp::UNIX_EPOCH, &zone)).reply, "none");
    }
}
