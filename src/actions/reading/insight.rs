//! `reading.insight`: what published rules say of the person's own readings. The rules are rows of `insights.toml`.

use std::sync::LazyLock;

use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;

use super::{
    super::{ActionError, Facts, Outcome, Pass, Setting, of_a_person, permit, record::vitals::told},
    measure, owned,
    trend::average,
};
use crate::{
    nlu::Slots,
    policy::{Effect, Floor, Scope},
    records::{Amount, Decimal, Measure, Reading, Unit},
};

/// Reads the person's records.
pub const FLOOR: Floor = of_a_person(Effect::Read, Scope::Records);

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
struct File {
    rule: Vec<Rule>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Rule {
    name: String,
    measure: Measure,
    kind: Kind,
    unit: Unit,
    value: f64,
    #[serde(default)]
    lower: Option<f64>,
    /// At least so many readings.
    times: usize,
    /// Within so many days.
    days: i64,
    #[allow(dead_code, reason = "it stands there for whoever checks the rule; a test holds that it does")]
    source: String,
}

#[derive(Deserialize, Clone, Copy, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
enum Kind {
    /// The average is the value or more; of a blood pressure, either number.
    AverageFrom,
    /// So many were below the value.
    Below,
    /// So many were above the value.
    Above,
    /// The last is more than an earlier one by the value.
    Rise,
    /// There are some, and fewer than so many.
    Fewer,
}

/// Should the file not read, nothing is found: `the_rules_read` keeps that from happening.
static RULES: LazyLock<Vec<Rule>> =
    LazyLock::new(|| toml::from_str::<File>(include_str!("insights.toml")).unwrap_or_default().rule);

/// Most rules told in one breath.
const TOLD: usize = 2;

pub async fn run(pass: Pass, slots: &Slots, setting: &Setting<'_>) -> Result<Outcome, ActionError> {
    let permit = permit(pass)?;
    let named = match measure(slots) {
        Ok(named) => named,
        Err(outcome) => return Ok(outcome),
    };
    let own = owned(&permit, setting).await?;
    Ok(Outcome::Answer(insight(named, &own, setting.now)))
}

/// Replies: `found` (insights: name, count, days, amount), `nothing`, `none` (measure), `not_kept` (measure).
fn insight(named: Option<Measure>, own: &[Reading], now: Timestamp) -> Facts {
    if !own.iter().any(|r| named.is_none_or(|m| m == r.measure)) {
        return Facts::new("none").with("measure", named.map(Measure::name));
    }
    let asked = |rule: &&Rule| named.is_none_or(|m| m == rule.measure);
    let found: Vec<_> = RULES.iter().filter(asked).filter_map(|rule| rule.told(own, now)).take(TOLD).collect();
    if found.is_empty() { Facts::new("nothing") } else { Facts::new("found").with("insights", found) }
}

impl Rule {
    /// What is said where it applies: how many readings it counted, and the amount it is about.
    fn told(&self, own: &[Reading], now: Timestamp) -> Option<serde_json::Value> {
        let span = SignedDuration::from_hours(24 * self.days);
        let of_it = || own.iter().filter(|r| r.measure == self.measure && r.at <= now);
        // A rise is counted back from the last reading, not from the moment of asking; what is older is no news.
        let last = of_it().map(|r| r.at).max().filter(|at| now.duration_since(*at) <= span);
        let since = if self.kind == Kind::Rise { last? - span } else { now - span };
        let rises = self.kind == Kind::Rise;
        let mut within: Vec<&Reading> = of_it().filter(|r| r.at > since || (rises && r.at == since)).collect();
        within.sort_by_key(|r| r.at);
        let limit = Decimal::near(self.value)?.exact();
        let of = |r: &Reading| r.amount.in_unit(self.unit);
        let amounts: Vec<Amount> = within.iter().map(|r| r.amount).collect();
        let (count, amount) = match self.kind {
            Kind::AverageFrom => {
                let mean = average(&amounts, self.measure, self.unit)?;
                let lower = self.lower.and_then(Decimal::near);
                let high = mean.value.exact() >= limit || lower.zip(mean.lower).is_some_and(|(l, m)| m >= l);
                high.then_some((amounts.len(), Some(mean)))?
            }
            Kind::Below => (within.iter().filter(|r| of(r).is_some_and(|v| v < limit)).count(), None),
            Kind::Above => (within.iter().filter(|r| of(r).is_some_and(|v| v > limit)).count(), None),
            Kind::Rise => {
                let (last, least) = (within.last()?, within.iter().min_by_key(|r| of(r))?);
                let (last, least) = (of(last)?.rounded(4), of(least)?.rounded(4));
                let rise = Decimal::near(last.float() - least.float())?;
                (rise.exact() >= limit)
                    .then_some((amounts.len(), Some(Amount::of(rise.exact().rounded(1), self.unit))))?
            }
            Kind::Fewer if within.is_empty() || within.len() >= self.times => return None,
            Kind::Fewer => (within.len(), None),
        };
        let enough = self.kind == Kind::Fewer || count >= self.times;
        enough.then(|| {
            serde_json::json!({
                "name": self.name, "count": count, "days": self.days, "amount": amount.as_ref().map(told),
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: &str = "2026-12-01T15:00:00Z";

    fn reading(measure: Measure, text: &str, unit: Unit, hours: i64) -> Reading {
        let (value, lower) = text.split_once('/').map_or((text, None), |(a, b)| (a, Some(b)));
        let number = |t: &str| Decimal::read(t).expect("a number");
        let at = NOW.parse::<Timestamp>().expect("a time") - SignedDuration::from_hours(hours);
        let amount = Amount { value: number(value), lower: lower.map(number), unit };
        Reading { id: hours.to_string(), measure, amount, at, timed: true }
    }

    #[test]
    fn the_rules_read() {
        assert_eq!(RULES.len(), 6);
        assert!(RULES.iter().all(|r| r.source.contains(':')), "each says where it is published");
    }

    #[test]
    fn a_rule_applies_where_its_count_is_reached_and_not_before() {
        use Measure::{BloodPressure, BloodSugar, Weight};
        let now = NOW.parse().expect("a time");
        let bp = |text: &str, hours| reading(BloodPressure, text, Unit::MmHg, hours);
        let mg = |text: &str, hours| reading(BloodSugar, text, Unit::MgPerDl, hours);
        let kg = |text: &str, hours| reading(Weight, text, Unit::Kilogram, hours);
        #[rustfmt::skip]
        let table: Vec<(Vec<Reading>, &[&str])> = vec![
            (vec![bp("135/78", 1), bp("131/79", 30), bp("128/77", 60), bp("120/80", 90)], &[]),
            (vec![bp("135/78", 1), bp("131/79", 30), bp("128/77", 60)],  &["pressure_average", "pressure_few"]),
            (vec![bp("120/85", 1), bp("121/81", 30), bp("120/80", 60), bp("118/80", 61)], &["pressure_average"]),
            (vec![bp("120/75", 1)],                                      &["pressure_few"]),
            (vec![mg("65", 1), mg("68", 100)],                           &["sugar_lows"]),
            (vec![mg("65", 1), mg("68", 24 * 15)],                       &[]),
            (vec![mg("190", 1), mg("200", 5), mg("181", 50)],            &["sugar_highs"]),
            (vec![mg("180", 1), mg("200", 5), mg("181", 50)],            &[]),
            (vec![kg("72", 1), kg("70.6", 20)],                          &["weight_day"]),
            (vec![kg("72", 12), kg("70.6", 34)],                         &["weight_day"]),
            (vec![kg("72", 30), kg("70.6", 40)],                         &[]),
            (vec![kg("72.5", 1), kg("70", 100)],                         &["weight_week"]),
            (vec![kg("70", 1), kg("73", 100)],                           &[]),
        ];
        for (n, (own, want)) in table.into_iter().enumerate() {
            let facts = insight(None, &own, now);
            let found: Vec<_> = match facts.values.get("insights").and_then(|v| v.as_array()) {
                Some(all) => all.iter().map(|i| i["name"].as_str().unwrap_or_default().to_owned()).collect(),
                None => vec![],
            };
            assert_eq!(found, want, "line {n}");
        }
        assert_eq!(insight(None, &[], now).reply, "none");
        assert_eq!(insight(Some(Weight), &[mg("100", 1)], now).reply, "none");
    }
}
