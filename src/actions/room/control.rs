//! `room.control`: turning on, dimming, opening, warming what is in this room.
//!
//! Invariants: only things of the room that it is asked in are worked; a number that a thing does not go to is asked about,
//! never cut to fit; what a thing did not confirm is not said to be done.

use super::{Order, Work, Worked};
use crate::{
    actions::{ActionError, Facts, Outcome, Pass, Setting, of_nobody, text},
    nlu::{SlotValue, Slots},
    policy::{DataClass, Effect, Floor, RoomId},
    records::{LevelUnit, RoomThing, Span, Thing},
};

/// The room's business; nobody has to be known.
pub const FLOOR: Floor = of_nobody(DataClass::Room, Effect::Local);

/// How much "more" is of something that goes from nothing to all.
const SHARE: f64 = 0.2;

/// Works the thing that was named.
pub async fn run(pass: Pass, slots: &Slots, setting: &Setting<'_>) -> Result<Outcome, ActionError> {
    let Pass::Room(pass) = pass else { return Err(ActionError::NotAdmitted("a device's place")) };
    let Some(room) = pass.room() else { return Ok(Outcome::Answer(Facts::new("elsewhere"))) };
    let there = setting.records.room_things(room).await?;
    Ok(decide(room, &there, slots))
}

/// What was asked to be done.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Asked<'a> {
    device: &'a str,
    change: &'a str,
    value: Option<f64>,
}

/// Replies: `elsewhere`, `nothing_here`; `none` and `cannot` (it); `which_change`, `range` (it, from, to, unit, outside).
fn decide(room: &RoomId, there: &[RoomThing], slots: &Slots) -> Outcome {
    if there.is_empty() {
        return Outcome::Answer(Facts::new("nothing_here"));
    }
    let value = match slots.get("value").map(|slot| &slot.value) {
        Some(SlotValue::Number(value)) => Some(*value),
        _ => None,
    };
    let device = text(slots, "device").unwrap_or_default();
    // "Turn the TV to channel five" says what with the number alone.
    let change = text(slots, "change").unwrap_or(if value.is_some() { "change" } else { "" });
    let asked = Asked { device, change, value };
    let Some((thing, order)) = meant(asked) else {
        return Outcome::Answer(
            Facts::new(if thing_of(device).is_some() { "cannot" } else { "none" }).with("it", the(device)),
        );
    };
    let of_kind: Vec<RoomThing> = there.iter().filter(|one| one.thing == thing).cloned().collect();
    if of_kind.is_empty() {
        return Outcome::Answer(Facts::new("none").with("it", the(device)));
    }
    let order = match order {
        Wanted::Order(order) => order,
        Wanted::Number => return which(&of_kind, device),
        Wanted::Change => return what(device),
    };
    let able: Vec<RoomThing> = of_kind.into_iter().filter(|one| can(one, order)).collect();
    let Some(first) = able.first() else { return Outcome::Answer(Facts::new("cannot").with("it", the(device))) };
    match (order, first.level) {
        (Order::Set(to), Some(span)) if !(span.least..=span.most).contains(&to) => ask(device, span, true),
        (Order::By(share), Some(span)) => {
            let by = step(thing, span) * share;
            Outcome::Work(Work { room: room.clone(), things: able, order: Order::By(by) })
        }
        _ => Outcome::Work(Work { room: room.clone(), things: able, order }),
    }
}

/// An order, or one that lacks its number, or nothing but the thing.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Wanted {
    Order(Order),
    Number,
    Change,
}

/// Which thing is meant, and what is to be done with it; `None` for what that thing does not do. Steps are told as one up or
/// one down.
fn meant(asked: Asked<'_>) -> Option<(Thing, Wanted)> {
    use Order::{By, Open, Set, Switch};
    let thing = thing_of(asked.device)?;
    let order = |thing, order| Some((thing, Wanted::Order(order)));
    if let (Some(value), "change" | "up" | "down" | "warmer" | "cooler" | "on" | "open" | "close") =
        (asked.value, asked.change)
    {
        // "Turn the TV to seven" is a channel.
        return order(if thing == Thing::Tv { Thing::Channel } else { thing }, Set(value));
    }
    match (thing, asked.change) {
        (_, "") => Some((thing, Wanted::Change)),
        (Thing::Tv | Thing::Volume, "up" | "down") => {
            order(Thing::Volume, By(if asked.change == "up" { 1.0 } else { -1.0 }))
        }
        (Thing::Tv | Thing::Volume | Thing::Mute, "mute") | (Thing::Volume, "off") => order(Thing::Mute, Switch(true)),
        (Thing::Tv | Thing::Volume | Thing::Mute, "unmute") | (Thing::Volume, "on") => {
            order(Thing::Mute, Switch(false))
        }
        (Thing::Blinds, "open" | "up") => order(thing, Open(true)),
        (Thing::Blinds, "close" | "down") => order(thing, Open(false)),
        (Thing::Blinds | Thing::Channel, "on" | "off") => None,
        (Thing::Light | Thing::Tv, "open") => order(thing, Switch(true)),
        (Thing::Light | Thing::Tv, "close") => order(thing, Switch(false)),
        (_, "on") => order(thing, Switch(true)),
        (_, "off") => order(thing, Switch(false)),
        (Thing::Captions, _) => None,
        (Thing::Thermostat, "warmer") | (_, "up") => order(thing, By(1.0)),
        (Thing::Thermostat, "cooler") | (_, "down") => order(thing, By(-1.0)),
        (_, "change") => Some((if thing == Thing::Tv { Thing::Channel } else { thing }, Wanted::Number)),
        _ => None,
    }
}

/// The kind of thing that the catalogue's list names; `None` for what is not worked by voice.
fn thing_of(device: &str) -> Option<Thing> {
    Some(match device {
        "light" => Thing::Light,
        "TV" => Thing::Tv,
        "TV volume" => Thing::Volume,
        "channel" => Thing::Channel,
        "captions" => Thing::Captions,
        "blinds" => Thing::Blinds,
        "thermostat" => Thing::Thermostat,
        "fan" => Thing::Fan,
        "music" => Thing::Music,
        _ => return None,
    })
}

const fn can(thing: &RoomThing, order: Order) -> bool {
    match order {
        Order::Switch(_) => thing.switch,
        Order::Open(_) => thing.cover,
        Order::Set(_) | Order::By(_) => thing.level.is_some(),
    }
}

/// One step up.
fn step(thing: Thing, span: Span) -> f64 {
    let one = match (thing, span.unit) {
        (Thing::Channel, _) | (_, LevelUnit::Celsius) => 1.0,
        (_, LevelUnit::Fahrenheit) => 2.0,
        (_, LevelUnit::Number | LevelUnit::Percent) => (span.most - span.least) * SHARE,
    };
    one.max(span.step)
}

/// What is missing: a number where the thing takes one, else what is to be done.
fn which(things: &[RoomThing], device: &str) -> Outcome {
    match things.iter().find_map(|thing| thing.level) {
        Some(span) => ask(device, span, false),
        None => what(device),
    }
}

fn what(device: &str) -> Outcome {
    Outcome::Ask { slot: "change".into(), facts: Facts::new("which_change").with("it", the(device)), options: vec![] }
}

fn ask(device: &str, span: Span, outside: bool) -> Outcome {
    let facts = Facts::new("range").with("it", the(device)).with("from", span.least).with("to", span.most);
    let facts = facts.with("unit", span.unit.spoken()).with("outside", outside);
    Outcome::Ask { slot: "value".into(), facts, options: vec![] }
}

/// What is said of what came of it. Replies: `switched` (it, on), `moved` (it, open), `set` (it, level, unit), `sent`,
/// `no_answer`, `unreachable` (it), `at_end` (it, level, unit), `unknown` (it, from, to, unit).
#[must_use]
pub fn told(work: &Work, worked: Worked) -> Facts {
    let thing = work.things.first();
    let it = thing.map_or("it", |thing| spoken(thing.thing));
    let span = thing.and_then(|thing| thing.level);
    let unit = span.map_or("", |span| span.unit.spoken());
    match worked {
        Worked::Done(_) if matches!(work.order, Order::Switch(_) | Order::Open(_)) => done(work.order, thing, it),
        Worked::Done(level) => Facts::new("set").with("it", it).with("level", level).with("unit", unit),
        Worked::AtEnd(level) => Facts::new("at_end").with("it", it).with("level", level).with("unit", unit),
        Worked::Sent => Facts::new("sent").with("it", it),
        Worked::NoAnswer => Facts::new("no_answer").with("it", it),
        Worked::NotSent => Facts::new("unreachable").with("it", it),
        Worked::Unknown => {
            let (from, to) = span.map_or((0.0, 0.0), |span| (span.least, span.most));
            Facts::new("unknown").with("it", it).with("from", from).with("to", to).with("unit", unit)
        }
    }
}

fn done(order: Order, thing: Option<&RoomThing>, it: &str) -> Facts {
    match (order, thing.map(|thing| thing.thing)) {
        (Order::Switch(off), Some(Thing::Mute)) => Facts::new("switched").with("it", "the sound").with("on", !off),
        (Order::Open(open), _) => Facts::new("moved").with("it", it).with("open", open),
        (order, _) => Facts::new("switched").with("it", it).with("on", order == Order::Switch(true)),
    }
}

/// As the thing is spoken of, where somebody named it.
fn the(device: &str) -> String {
    thing_of(device).map_or_else(|| format!("the {device}"), |thing| spoken(thing).to_owned())
}

const fn spoken(thing: Thing) -> &'static str {
    match thing {
        Thing::Light => "the lights",
        Thing::Tv => "the TV",
        Thing::Volume => "the volume",
        Thing::Mute => "the sound",
        Thing::Channel => "the channel",
        Thing::Captions => "the captions",
        Thing::Blinds => "the blinds",
        Thing::Thermostat => "the temperature",
        Thing::Fan => "the fan",
        Thing::Music => "the music",
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{super::work::Order, *};
    use crate::{actions::prescription::samples::reply, nlu::Slot};

    fn thing(id: &str, thing: Thing) -> RoomThing {
        let percent = Span { least: 0.0, most: 100.0, step: 1.0, unit: LevelUnit::Percent };
        let degrees = Span { least: 60.0, most: 75.0, step: 1.0, unit: LevelUnit::Fahrenheit };
        let channels = Span { least: 2.0, most: 40.0, step: 1.0, unit: LevelUnit::Number };
        let level = match thing {
            Thing::Light | Thing::Volume => Some(percent),
            Thing::Thermostat => Some(degrees),
            Thing::Channel => Some(channels),
            _ => None,
        };
        let cover = thing == Thing::Blinds;
        let switch = !cover && !matches!(thing, Thing::Thermostat | Thing::Volume | Thing::Channel);
        RoomThing { id: id.into(), thing, switch, level, cover }
    }

    fn ward() -> Vec<RoomThing> {
        use Thing::{Blinds, Channel, Fan, Light, Mute, Thermostat, Tv, Volume};
        let kinds = [Light, Light, Tv, Volume, Mute, Channel, Blinds, Thermostat, Fan];
        kinds.into_iter().enumerate().map(|(n, kind)| thing(&n.to_string(), kind)).collect()
    }

    fn slots(device: &str, change: &str, value: Option<f64>) -> Slots {
        let named = |text: &str| Slot::new(text, SlotValue::Text(text.to_owned()), 1.0);
        let mut slots = Slots::from([("device".into(), named(device))]);
        if !change.is_empty() {
            slots.insert("change".into(), named(change));
        }
        if let Some(value) = value {
            slots.insert("value".into(), Slot::new("", SlotValue::Number(value), 1.0));
        }
        slots
    }

    fn room() -> RoomId {
        RoomId::parse("room-7").expect("fits")
    }

    #[test]
    fn what_is_asked_is_done_to_the_things_that_can() {
        use Order::{By, Open, Set, Switch};
        for (device, change, value, things, order) in [
            ("light", "on", None, &["0", "1"][..], Switch(true)),
            ("light", "close", None, &["0", "1"], Switch(false)),
            ("light", "down", None, &["0", "1"], By(-20.0)),
            ("light", "down", Some(30.0), &["0", "1"], Set(30.0)),
            ("TV", "off", None, &["2"], Switch(false)),
            ("TV", "up", None, &["3"], By(20.0)),
            ("TV volume", "change", Some(15.0), &["3"], Set(15.0)),
            ("TV", "mute", None, &["4"], Switch(true)),
            ("TV volume", "unmute", None, &["4"], Switch(false)),
            ("TV", "change", Some(5.0), &["5"], Set(5.0)),
            ("channel", "change", Some(12.0), &["5"], Set(12.0)),
            ("channel", "up", None, &["5"], By(1.0)),
            ("blinds", "down", None, &["6"], Open(false)),
            ("blinds", "open", None, &["6"], Open(true)),
            ("thermostat", "warmer", None, &["7"], By(2.0)),
            ("thermostat", "cooler", None, &["7"], By(-2.0)),
            ("thermostat", "change", Some(72.0), &["7"], Set(72.0)),
            ("fan", "on", None, &["8"], Switch(true)),
            ("TV", "", Some(5.0), &["5"], Set(5.0)),
        ] {
            let Outcome::Work(work) = decide(&room(), &ward(), &slots(device, change, value)) else {
                panic!("{device} {change}: is done")
            };
            let ids: Vec<&str> = work.things.iter().map(|thing| thing.id.as_str()).collect();
            assert_eq!((ids.as_slice(), work.order, work.room), (things, order, room()), "{device} {change} {value:?}");
        }
    }

    #[test]
    fn what_is_not_there_or_cannot_be_is_said_and_numbers_are_asked_for() {
        let none: &[RoomThing] = &[];
        for (there, device, change, value, told) in [
            (none, "light", "on", None, "nothing_here"),
            (&ward(), "music", "on", None, "none"),
            (&ward(), "bed", "up", None, "none"),
            (&ward(), "door", "open", None, "none"),
            (&ward(), "blinds", "on", None, "cannot"),
            (&ward(), "blinds", "change", Some(50.0), "cannot"),
            (&ward(), "fan", "up", None, "cannot"),
            (&ward(), "thermostat", "off", None, "cannot"),
            (&ward(), "light", "warmer", None, "cannot"),
            (&ward(), "thermostat", "change", Some(90.0), "ask range"),
            (&ward(), "thermostat", "change", Some(f64::NAN), "ask range"),
            (&ward(), "channel", "change", Some(900.0), "ask range"),
            (&ward(), "thermostat", "change", None, "ask range"),
            (&ward(), "fan", "change", None, "ask which_change"),
            (&ward(), "light", "", None, "ask which_change"),
            (&ward(), "music", "", None, "none"),
        ] {
            assert_eq!(reply(&decide(&room(), there, &slots(device, change, value))), told, "{device} {change}");
        }
    }

    proptest! {
        #[test]
        fn whatever_is_said_only_things_of_this_room_are_worked(
            device in "light|TV|TV volume|channel|blinds|thermostat|fan|.{0,20}",
            change in "on|off|up|down|open|close|mute|change|.{0,20}",
            value in proptest::option::of(any::<f64>()),
        ) {
            if let Outcome::Work(work) = decide(&room(), &ward(), &slots(&device, &change, value)) {
                prop_assert_eq!(work.room, room());
                prop_assert!(!work.things.is_empty() && work.things.iter().all(|thing| ward().contains(thing)));
            }
        }
    }
}
