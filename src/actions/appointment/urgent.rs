//! `urgent_care.book`: a time at urgent care, today where nobody names another day. Read back and booked as any visit.

use jiff::{Timestamp, tz::TimeZone};

use super::{
    super::{
        ActionError, Facts, Outcome, Pass, Plan, Setting, of_a_person, permit, text, urgent_care::is_called, when,
        words,
    },
    Known,
    desk::{Desk, Found, URGENT, Wanted},
    known,
    reschedule::with_wishes,
    told::{of_slot, offers},
};
use crate::{
    nlu::{Slot, SlotValue, Slots, When},
    policy::{Effect, Floor, Scope},
    records::{CarePlace, OpenSlot},
};

/// Changes the person's visits.
pub const FLOOR: Floor = of_a_person(Effect::Change, Scope::Visits);

pub async fn run(pass: Pass, slots: &Slots, setting: &Setting<'_>) -> Result<Outcome, ActionError> {
    let permit = permit(pass)?;
    let places = setting.records.care_places().await?;
    let known = known(&permit, setting, &Wanted::at_urgent_care(slots)).await?;
    Ok(answer(known, &places, slots, setting.phone, (setting.now, setting.zone)))
}

/// Replies: `no_list` (phone), `none_such` (place), `walk_in` (name, phone), `past` (day), `none` (phone), `confirm`, and
/// those that offer times.
fn answer(
    known: Known,
    places: &[CarePlace],
    slots: &Slots,
    phone: Option<&str>,
    (now, zone): (Timestamp, &TimeZone),
) -> Outcome {
    let Known { visits, mut free, .. } = known;
    free.retain(|slot| slot.specialty.as_deref() == Some(URGENT));
    if free.is_empty() && places.is_empty() {
        return Outcome::Answer(Facts::new("no_list").with("phone", phone));
    }
    if let Some(said) = text(slots, "place") {
        let meant: Vec<&CarePlace> = places.iter().filter(|place| is_called(place, said)).collect();
        free.retain(|slot| meant.iter().any(|place| is_of(slot, place)) || goes_by(slot, said));
        match meant.first() {
            _ if !free.is_empty() => {}
            // It is there, and nobody gives times there.
            Some(place) => {
                let facts = Facts::new("walk_in").with("name", &place.name).with("phone", &place.phone);
                return Outcome::Answer(facts);
            }
            None if places.is_empty() => return Outcome::Answer(Facts::new("no_list").with("phone", phone)),
            None => return Outcome::Answer(Facts::new("none_such").with("place", said)),
        }
    }
    let slots = today(slots, now, zone);
    let wanted =
        Wanted { provider: None, specialty: Some(URGENT.to_owned()), mode: None, place: None, ..Wanted::of(&slots) };
    let desk = Desk::of(now, zone, &wanted, &[], &visits, free);
    match desk.find(&wanted) {
        Found::One(slot) => {
            Outcome::Confirm { facts: of_slot("confirm", &slot), plan: Plan::Book { slot, reason: None } }
        }
        Found::Offer(reply, slots) => with_wishes(offers(reply, &slots, zone), &wanted),
        Found::Past(day) => {
            Outcome::Ask { slot: "date".into(), facts: Facts::new("past").with("day", day), options: vec![] }
        }
        Found::Nothing | Found::Nobody(_) | Found::Which(_) | Found::NoDay => {
            Outcome::Answer(Facts::new("none").with("phone", phone))
        }
    }
}

/// Whether a free time is one of a place's.
fn is_of(slot: &OpenSlot, place: &CarePlace) -> bool {
    slot.provider == place.name || slot.actors.iter().any(|actor| place.actors.contains(actor))
}

/// Whether a schedule itself goes by what was said.
fn goes_by(slot: &OpenSlot, said: &str) -> bool {
    let told = words(&format!("{} {}", slot.provider, slot.place.as_deref().unwrap_or_default()));
    let said = words(said);
    !said.is_empty() && said.iter().all(|word| told.contains(word))
}

/// Today, unless another day was named.
fn today(slots: &Slots, now: Timestamp, zone: &TimeZone) -> Slots {
    let mut slots = slots.clone();
    let named = when(&slots, "time").filter(|time| time.from.is_some());
    let day = Some(now.to_zoned(zone.clone()).date());
    let (from, to) = named.map_or((day, day), |time| (time.from, time.to.or(time.from)));
    let today = SlotValue::When(When { from, to, after: None, before: None });
    slots.entry("date".to_owned()).or_insert_with(|| Slot::new("", today, 1.0));
    slots
}

#[cfg(test)]
mod tests {
    use super::{
        super::{super::prescription::samples::reply, times::samples},
        *,
    };
    use jiff::civil::{date, time};

    fn slot(id: &str, start: &str, provider: &str) -> OpenSlot {
        OpenSlot { specialty: Some(URGENT.into()), ..samples::slot(id, start, provider) }
    }

    fn place(id: &str, name: &str, street: &str) -> CarePlace {
        CarePlace {
            id: id.into(),
            name: name.into(),
            address: Some(street.into()),
            actors: vec![format!("HealthcareService/{id}")],
            ..CarePlace::default()
        }
    }

    fn clock(words: &str, hour: i8) -> (&'static str, Slot) {
        let at = Some(time(hour, 0, 0, 0));
        ("time", Slot::new(words, SlotValue::When(When { from: None, to: None, after: at, before: at }), 1.0))
    }

    fn asked(slots: Vec<(&str, Slot)>, free: Vec<OpenSlot>, places: &[CarePlace]) -> (String, String) {
        let slots: Slots = slots.into_iter().map(|(name, slot)| (name.to_owned(), slot)).collect();
        let zone = TimeZone::get("America/New_York").expect("known");
        let now = "2026-12-01T15:00:00Z".parse().expect("a time");
        let known = Known { care_team: vec![], visits: vec![], free };
        let outcome = answer(known, places, &slots, Some("555-0100"), (now, &zone));
        let ids = match &outcome {
            Outcome::Ask { options, .. } => options.iter().map(|o| o.value.told()).collect::<Vec<_>>().join(" "),
            Outcome::Confirm { plan: Plan::Book { slot, .. }, .. } => slot.id.clone(),
            _ => String::new(),
        };
        (reply(&outcome), ids)
    }

    #[test]
    fn seven_is_when_the_clinic_is_open_and_today_is_meant() {
        let free = || {
            vec![
                slot("h11", "2026-12-01T16:00:00Z", "Harbor Urgent Care"),
                slot("h19", "2026-12-02T00:00:00Z", "Harbor Urgent Care"),
                slot("n19", "2026-12-02T00:00:00Z", "Northgate Night Care"),
                slot("t07", "2026-12-02T12:00:00Z", "Harbor Urgent Care"),
                slot("t19", "2026-12-03T00:00:00Z", "Harbor Urgent Care"),
                // A doctor's time is no time at urgent care.
                samples::slot("p", "2026-12-01T17:00:00Z", "Dr. Anita Patel"),
            ]
        };
        let places = [
            place("harbor", "Harbor Urgent Care", "12 Harbor Street"),
            place("north", "Northgate Night Care", "7 North Gate"),
            place("hill", "Hillside Walk-In Clinic", "40 Hill Road"),
        ];
        let at = |said: &str| ("place", Slot::new(said, SlotValue::Text(said.into()), 1.0));
        let tomorrow = || {
            let day = Some(date(2026, 12, 2));
            (
                "date",
                Slot::new("tomorrow", SlotValue::When(When { from: day, to: day, after: None, before: None }), 1.0),
            )
        };
        let with = |slots: Vec<(&str, Slot)>| asked(slots, free(), &places);
        let want = |reply: &str, ids: &str| (reply.to_owned(), ids.to_owned());
        #[rustfmt::skip]
        let table = vec![
            (with(vec![]),                                          want("ask offer", "h11 h19 n19")),
            (with(vec![clock("at seven", 7), at("harbor")]),        want("confirm confirm", "h19")),
            (with(vec![clock("at seven", 7)]),                      want("ask offer", "h19 n19")),
            (with(vec![clock("at seven am", 7), at("harbor")]),     want("ask none_then", "h11 h19")),
            (with(vec![clock("at seven", 7), tomorrow()]),          want("ask offer", "t07 t19")),
            (with(vec![clock("at seven am", 7), tomorrow()]),       want("confirm confirm", "t07")),
            (with(vec![at("north gate")]),                          want("confirm confirm", "n19")),
            (with(vec![at("hill road")]),                           want("walk_in", "")),
            (with(vec![at("the moon")]),                            want("none_such", "")),
            (asked(vec![], vec![], &places),                        want("none", "")),
            (asked(vec![at("the moon")], free(), &[]),              want("no_list", "")),
            (asked(vec![], vec![], &[]),                            want("no_list", "")),
            (asked(vec![], free(), &[]),                            want("ask offer", "h11 h19 n19")),
        ];
        for (n, (got, want)) in table.into_iter().enumerate() {
            assert_eq!(got, want, "line {n}");
        }
    }
}
