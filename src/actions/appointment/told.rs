//! How visits and free times are told: the facts their replies are made of.

use jiff::tz::TimeZone;
use serde_json::{Value, json};

use super::{
    super::{Choice, Facts, Outcome},
    desk::PICKED,
    times::{local, starts},
};
use crate::{
    nlu::SlotValue,
    records::{OpenSlot, Visit, visit_kind},
};

/// What is said of one free time. `zone` is its place's, for telling the time there.
pub fn of_slot(reply: &str, slot: &OpenSlot) -> Facts {
    Facts::new(reply)
        .with("at", slot.start)
        .with("zone", &slot.zone)
        .with("provider", &slot.provider)
        .with("specialty", &slot.specialty)
        .with("place", &slot.place)
        .with("mode", slot.mode.name())
}

/// What is said of one visit.
pub fn of_visit(reply: &str, visit: &Visit) -> Facts {
    Facts::new(reply)
        .with("at", visit.start)
        .with("zone", &visit.zone)
        .with("provider", &visit.provider)
        .with("specialty", &visit.specialty)
        .with("what", visit_kind::what(visit))
        .with("place", &visit.place)
        .with("mode", visit.mode.name())
}

/// One of several visits.
pub fn one(visit: &Visit) -> Value {
    json!({
        "at": visit.start, "zone": visit.zone, "provider": visit.provider, "specialty": visit.specialty,
        "what": visit_kind::what(visit), "mode": visit.mode.name(), "from": visit.origin.organization,
    })
}

/// Asks which of the free times it shall be. All is told once what they have in common.
pub fn offers(reply: &str, slots: &[OpenSlot], zone: &TimeZone) -> Outcome {
    let same = |a: &dyn Fn(&OpenSlot) -> String| slots.windows(2).all(|w| a(&w[0]) == a(&w[1]));
    let first = slots.first();
    let provider = first.filter(|_| same(&|s| s.provider.clone())).map(|s| s.provider.clone());
    let one_day = same(&|s| local(s, zone).date().to_string()) && same(&|s| s.zone.clone().unwrap_or_default());
    let option = |s: &OpenSlot| Choice {
        spoken: format!("{} {} {}", local(s, zone).strftime("%A %-I:%M %p"), s.provider, s.mode.name()),
        value: SlotValue::Text(s.id.clone()),
    };
    let told: Vec<Value> = slots
        .iter()
        .map(|s| json!({ "at": s.start, "zone": s.zone, "provider": s.provider, "mode": s.mode.name() }))
        .collect();
    Outcome::Ask {
        slot: PICKED.to_owned(),
        options: slots.iter().map(option).collect(),
        facts: Facts::new(reply)
            .with("options", told)
            .with("provider", provider)
            .with("day", first.filter(|_| one_day).map(|s| local(s, zone).date())),
    }
}

/// Asks which of the visits is meant.
pub fn visits(reply: &str, slot: &str, several: &[Visit], zone: &TimeZone) -> Outcome {
    let option = |v: &Visit| {
        let what = visit_kind::what(v);
        let with = v.provider.as_deref().or(what.as_deref()).or(v.specialty.as_deref()).unwrap_or_default();
        Choice {
            spoken: format!("{} {with}", starts(v, zone).strftime("%A %B %-d %-I:%M %p")),
            value: SlotValue::Text(v.id.clone()),
        }
    };
    Outcome::Ask {
        slot: slot.to_owned(),
        options: several.iter().map(option).collect(),
        facts: Facts::new(reply)
            .with("count", several.len())
            .with("visits", several.iter().map(one).collect::<Vec<_>>()),
    }
}
