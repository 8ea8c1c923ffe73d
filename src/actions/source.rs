//! Saying where a fact came from, where that matters: from another organization, and, where it is old, since when.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::Facts;
use crate::records::Origin;

/// What was fetched longer ago than this is said with its day; so is what there will be no news of.
const OLD: SignedDuration = SignedDuration::from_hours(30 * 24);

/// Whether an answer is that there is nothing, so that it matters who did not let it be read.
pub(super) fn nothing(facts: &Facts) -> bool {
    matches!(facts.reply.as_str(), "none" | "none_of" | "not_there")
}

/// `from` and, where it is old, `fetched`; nothing for what this organization keeps itself.
pub(super) fn told(origin: &Origin, now: Timestamp) -> Option<Value> {
    let from = origin.organization.as_ref()?;
    let fetched = origin.fetched.filter(|at| origin.lapsed || now.duration_since(*at) > OLD);
    Some(json!({ "from": from, "fetched": fetched }))
}

/// The same where that is not said already: a clinic that measured something is named as who did.
pub(super) fn beyond(origin: &Origin, said: Option<&str>, now: Timestamp) -> Option<Value> {
    told(origin, now).filter(|told| said.is_none_or(|said| told["from"] != said || !told["fetched"].is_null()))
}

/// The names that came from elsewhere, by where they came from: each with `names`, `from` and `fetched`.
pub(super) fn grouped<'a>(facts: impl Iterator<Item = (&'a str, &'a Origin)>, now: Timestamp) -> Vec<Value> {
    let mut groups: Vec<(Value, Vec<&str>)> = Vec::new();
    for (name, origin) in facts {
        let Some(told) = told(origin, now) else { continue };
        match groups.iter_mut().find(|(known, _)| *known == told) {
            Some((_, names)) => names.push(name),
            None => groups.push((told, vec![name])),
        }
    }
    let whole = |(mut told, names): (Value, Vec<&str>)| {
        told["names"] = json!(names);
        told
    };
    groups.into_iter().map(whole).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_from_elsewhere_is_said_and_its_day_only_where_it_is_old() {
        let now: Timestamp = "2026-12-01T15:00:00Z".parse().expect("a time");
        let from = |organization: &str, days: i64| Origin {
            organization: Some(organization.into()),
            fetched: Some(now - SignedDuration::from_hours(24 * days)),
            ..Origin::default()
        };
        let (own, fresh, old) = (Origin::default(), from("Mercy Hospital", 1), from("Lake Clinic", 40));
        assert_eq!(told(&own, now), None);
        assert!(beyond(&fresh, Some("Mercy Hospital"), now).is_none() && beyond(&fresh, None, now).is_some());
        assert!(beyond(&old, Some("Lake Clinic"), now).is_some(), "its age is said all the same");
        let lapsed = Origin { lapsed: true, ..fresh.clone() };
        assert_eq!(told(&lapsed, now), Some(json!({ "from": "Mercy Hospital", "fetched": "2026-11-30T15:00:00Z" })));
        assert_eq!(told(&fresh, now), Some(json!({ "from": "Mercy Hospital", "fetched": null })));
        let all = [("a", &fresh), ("b", &own), ("c", &fresh), ("d", &old)];
        assert_eq!(
            grouped(all.into_iter(), now),
            [
                json!({ "from": "Mercy Hospital", "fetched": null, "names": ["a", "c"] }),
                json!({ "from": "Lake Clinic", "fetched": "2026-10-22T15:00:00Z", "names": ["d"] }),
            ]
        );
    }
}
