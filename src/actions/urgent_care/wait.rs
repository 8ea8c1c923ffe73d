//! `urgent_care.wait`: how long people waited, with its age. What is older than an hour is not said.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::{
    super::{ActionError, Facts, Outcome, Pass, Setting, of_nobody, text},
    EMERGENCY, Found, KIND, MOST, here, meant, told,
};
use crate::{
    nlu::Slots,
    policy::{DataClass, Effect, Floor},
};

/// Tells what is nobody's.
pub const FLOOR: Floor = of_nobody(DataClass::Public, Effect::Read);

/// How long a wait that somebody told is worth saying.
const WORTH: SignedDuration = SignedDuration::from_hours(1);

pub async fn run(_pass: Pass, slots: &Slots, setting: &Setting<'_>) -> Result<Outcome, ActionError> {
    let places = setting.records.care_places().await?;
    if places.is_empty() {
        return Ok(Outcome::Answer(Facts::new("no_list").with("phone", setting.phone)));
    }
    let said = text(slots, "place");
    let emergency = text(slots, KIND) == Some(EMERGENCY);
    let found = meant(places, said, emergency, here(setting).await?, (setting.now, setting.zone));
    Ok(Outcome::Answer(match said {
        Some(said) if found.is_empty() => Facts::new("none_such").with("place", said),
        _ => waits(&found, setting.now),
    }))
}

/// Replies: `wait` (places, shortest first), `no_wait` (name, phone of the first that is open), `closed` (the first place),
/// `none_such` (place), `no_list` (phone).
fn waits(places: &[Found], now: Timestamp) -> Facts {
    let mut known: Vec<(u32, Value)> = Vec::new();
    for found in places.iter().filter(|found| !found.is_closed()) {
        let Some(wait) = found.place.wait else { continue };
        let age = now.duration_since(wait.at);
        // A clock that is ahead tells of a time that has not been.
        if age > WORTH || age < SignedDuration::ZERO {
            continue;
        }
        let place = json!({ "name": found.place.name, "minutes": wait.minutes, "age": age.as_mins() });
        known.push((wait.minutes, place));
    }
    known.sort_by_key(|(minutes, _)| *minutes);
    let known: Vec<Value> = known.into_iter().take(MOST).map(|(_, place)| place).collect();
    match places.first() {
        _ if !known.is_empty() => Facts::new("wait").with("places", known),
        Some(first) if first.is_closed() => Facts::new("closed").with("p", told(first)),
        first => {
            let first = first.map(|found| &found.place);
            Facts::new("no_wait")
                .with("name", first.map(|place| &place.name))
                .with("phone", first.and_then(|place| place.phone.as_ref()))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::records::{CarePlace, Opening, Wait};

    #[test]
    fn a_wait_is_told_for_an_hour_and_only_where_it_is_open() {
        let now: Timestamp = "2026-12-01T15:00:00Z".parse().expect("a time");
        let place = |minutes, age, opening| Found {
            place: CarePlace {
                name: format!("{minutes}"),
                wait: Some(Wait { minutes, at: now - SignedDuration::from_mins(age) }),
                ..CarePlace::default()
            },
            opening,
            away: None,
        };
        let told = |places: &[Found]| {
            let facts = waits(places, now);
            let places = facts.values.get("places").and_then(|p| p.as_array().cloned()).unwrap_or_default();
            let one = |p: &Value| format!("{} {}", p["minutes"], p["age"]);
            format!("{} {}", facts.reply, places.iter().map(one).collect::<Vec<_>>().join(", ")).trim().to_owned()
        };
        let open = Opening::Open(None);
        let shut = Opening::Opens(now + WORTH);
        assert_eq!(told(&[place(40, 10, open), place(15, 60, open), place(5, 1, shut)]), "wait 15 60, 40 10");
        assert_eq!(told(&[place(15, 61, open)]), "no_wait");
        assert_eq!(told(&[place(15, -5, open)]), "no_wait", "told by a clock that is ahead");
        assert_eq!(told(&[place(15, 5, shut)]), "closed");
        assert_eq!(told(&[Found { place: CarePlace::default(), opening: open, away: None }]), "no_wait");
        assert_eq!(told(&[]), "no_wait");
    }
}
