//! Moving a bundle to today, for demonstrations that must never grow old.

use jiff::{
    Timestamp, ToSpan,
    civil::{Date, Weekday},
    tz::TimeZone,
};
use serde_json::Value;

use super::{BundleError, dates};

/// Moves every date of a bundle so that the day of `Bundle.timestamp` becomes today in `zone`.
pub fn to_today(bundle: &mut Value, now: Timestamp, zone: &TimeZone) -> Result<(), BundleError> {
    let anchor = bundle.get("timestamp").and_then(Value::as_str).and_then(dates::day).ok_or(BundleError::NoAnchor)?;
    let today = now.to_zoned(zone.clone()).date();
    let days = anchor.until(today).map(|span| span.get_days()).unwrap_or_default();
    let shift = Shift { days, zone, today };
    if let Some(entries) = bundle.get_mut("entry").and_then(Value::as_array_mut) {
        for entry in entries.iter_mut() {
            if let Some(resource) = entry.get_mut("resource") {
                shift.apply(resource)?;
                shift.leave_weekend(resource)?;
            }
        }
        entries.retain(|e| !e.get("resource").is_some_and(|r| weekend_slot(r, zone)));
    }
    Ok(())
}

struct Shift<'a> {
    days: i32,
    zone: &'a TimeZone,
    today: Date,
}

impl Shift<'_> {
    fn apply(&self, value: &mut Value) -> Result<(), BundleError> {
        match value {
            Value::Object(fields) => {
                // A date of birth is who somebody is, not when something happened.
                for (_, v) in fields.iter_mut().filter(|(k, _)| *k != "birthDate") {
                    self.apply(v)?;
                }
            }
            Value::Array(items) => items.iter_mut().try_for_each(|v| self.apply(v))?,
            Value::String(text) => {
                if let Some(moved) = self.moved(text, self.days)? {
                    *text = moved;
                }
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
        Ok(())
    }

    /// The same time of day so many days later; `None` for a text that is no date.
    fn moved(&self, text: &str, days: i32) -> Result<Option<String>, BundleError> {
        let far = |_| BundleError::Unmovable { days };
        if !looks_like_date(text) {
            return Ok(None);
        }
        if text.len() == 10 {
            let Ok(date) = text.parse::<Date>() else { return Ok(None) };
            return Ok(Some(date.checked_add(days.days()).map_err(far)?.to_string()));
        }
        let Some(civil) = dates::written_civil(text) else { return Ok(None) };
        let moved = civil.checked_add(days.days()).map_err(far)?;
        Ok(Some(moved.to_zoned(self.zone.clone()).map_err(far)?.timestamp().to_string()))
    }

    /// A coming visit on a weekend moves to the Monday after, with its end.
    fn leave_weekend(&self, resource: &mut Value) -> Result<(), BundleError> {
        if resource.get("resourceType").and_then(Value::as_str) != Some("Appointment") {
            return Ok(());
        }
        let Some(start) = local(resource, "start", self.zone) else { return Ok(()) };
        let days: i32 = match start.weekday() {
            Weekday::Saturday => 2,
            Weekday::Sunday => 1,
            _ => return Ok(()),
        };
        if start.date() < self.today {
            return Ok(());
        }
        for field in ["start", "end"] {
            if let Some(at) = local(resource, field, self.zone) {
                let later = at.checked_add(days.days()).map_err(|_| BundleError::Unmovable { days })?;
                resource[field] = Value::String(later.timestamp().to_string());
            }
        }
        Ok(())
    }
}

fn weekend_slot(resource: &Value, zone: &TimeZone) -> bool {
    resource.get("resourceType").and_then(Value::as_str) == Some("Slot")
        && local(resource, "start", zone).is_some_and(|at| matches!(at.weekday(), Weekday::Saturday | Weekday::Sunday))
}

fn local(resource: &Value, field: &str, zone: &TimeZone) -> Option<jiff::Zoned> {
    let at: Timestamp = resource.get(field)?.as_str()?.parse().ok()?;
    Some(at.to_zoned(zone.clone()))
}

/// `YYYY-MM-DD`, alone or followed by `T`.
fn looks_like_date(text: &str) -> bool {
    let b = text.as_bytes();
    b.len() >= 10
        && b[..10].iter().enumerate().all(|(n, c)| if n == 4 || n == 7 { *c == b'-' } else { c.is_ascii_digit() })
        && (b.len() == 10 || b[10] == b'T')
}
