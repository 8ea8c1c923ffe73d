//! `privacy.who_accessed`: how often the record was opened, through what, and who else than the person it was.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use super::{
    super::{ActionError, Facts, Outcome, Pass, Setting, permit, when},
    of_the_person, span,
};
use crate::{
    nlu::Slots,
    policy::{Effect, Floor},
    records::rights::Access,
};

/// A right.
pub const FLOOR: Floor = of_the_person(Effect::Read);

/// Days looked back where none are named.
const DAYS: i64 = 30;

/// Most of those who looked that are named in one breath.
const SAID: usize = 3;

/// Reply: `accesses` (days or from, until; times, ways, imports, others, newest).
pub async fn run(pass: Pass, slots: &Slots, setting: &Setting<'_>) -> Result<Outcome, ActionError> {
    let permit = permit(pass)?;
    let named = when(slots, "period").and_then(|days| span(days, setting.zone));
    let (from, until) = named.unwrap_or((setting.now - SignedDuration::from_hours(24 * DAYS), Timestamp::MAX));
    let all = setting.records.accesses(permit.subject(), Some(from), Some(until)).await?.reveal(&permit)?;
    // That they ask now is in the trail as well, and no news.
    let before: Vec<Access> = all.into_iter().filter(|access| access.entry < permit.entry().0).collect();
    let days = when(slots, "period").filter(|_| named.is_some());
    let facts = told(&before)
        .with("days", days.is_none().then_some(DAYS))
        .with("from", days.and_then(|d| d.from))
        .with("until", days.and_then(|d| d.to.or(d.from)));
    Ok(Outcome::Answer(facts))
}

/// Counts; of others the newest few.
fn told(all: &[Access]) -> Facts {
    let (own, others): (Vec<&Access>, Vec<&Access>) = all.iter().filter(|a| a.opened()).partition(|a| a.own());
    let mut ways: BTreeMap<&str, usize> = BTreeMap::new();
    for access in &own {
        *ways.entry(access.channel.as_str()).or_default() += 1;
    }
    let ways: Vec<_> = ways.iter().map(|(way, times)| serde_json::json!({ "way": way, "times": times })).collect();
    let newest: Vec<_> = others
        .iter()
        .take(SAID)
        .map(|a| serde_json::json!({ "by": a.by.as_deref().filter(|by| !by.is_empty()), "at": a.at }))
        .collect();
    let people: std::collections::BTreeSet<_> =
        others.iter().map(|a| (a.by.as_deref(), a.device.as_deref(), a.channel.as_str())).collect();
    Facts::new("accesses")
        .with("times", own.len() + others.len())
        .with("ways", ways)
        .with("imports", all.iter().filter(|a| a.event == "imported").count())
        .with("others", others.len())
        .with("people", people.len())
        .with("more", others.len().saturating_sub(SAID))
        .with("newest", newest)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn access(entry: i64, event: &str, channel: &str, by: Option<&str>) -> Access {
        Access {
            entry,
            at: Timestamp::UNIX_EPOCH,
            event: event.into(),
            channel: channel.into(),
            outcome: None,
            intent: None,
            by: by.map(str::to_owned),
            device: None,
        }
    }

    #[test]
    fn own_devices_staff_and_imports_are_told_apart() {
        let facts = told(&[
            access(9, "opened", "console", None),
            access(8, "glass-broken", "console", Some("Lee, nurse")),
            access(7, "opened", "home", Some("Lee, nurse")),
            access(6, "closed", "home", None),
            access(5, "opened", "home", None),
            access(4, "opened", "home", None),
            access(3, "opened", "chat", None),
            access(2, "refused", "room", None),
            access(1, "imported", "import", None),
        ]);
        let value = |name: &str| facts.values[name].clone();
        assert_eq!(value("times"), 6);
        assert_eq!(value("others"), 3, "whoever is named is somebody else, whatever the channel");
        assert_eq!(value("people"), 3);
        assert_eq!(value("imports"), 1);
        assert_eq!(value("ways"), serde_json::json!([{"way": "chat", "times": 1}, {"way": "home", "times": 2}]));
        assert_eq!(value("newest")[1]["by"], "Lee, nurse");
        assert!(value("newest")[0]["by"].is_null());
    }
}
