//! What is said of what is in a room.

use wellspoken::{
    actions::{
        Outcome,
        room::{Order, Work, Worked, control},
    },
    nlu::SlotValue,
    policy::{RoomId, Surface},
    records::{LevelUnit, RoomThing, Span, Thing},
};

use super::{stage::Stage, text};

fn thing(id: &str, thing: Thing, level: Option<(f64, f64, LevelUnit)>) -> (RoomThing, String) {
    let level = level.map(|(least, most, unit)| Span { least, most, step: 1.0, unit });
    let cover = thing == Thing::Blinds;
    (RoomThing { id: id.into(), thing, switch: !cover && level.is_none(), level, cover }, "{}".into())
}

fn things() -> Vec<(RoomThing, String)> {
    vec![
        thing("0", Thing::Light, None),
        thing("1", Thing::Blinds, None),
        thing("2", Thing::Thermostat, Some((60.0, 75.0, LevelUnit::Fahrenheit))),
        thing("3", Thing::Mute, None),
        thing("4", Thing::Channel, Some((2.0, 40.0, LevelUnit::Number))),
    ]
}

async fn what_is_asked(stage: &Stage) {
    let room = RoomId::parse("room-7").expect("fits");
    let here = || Surface::Room(room.clone());
    let slots = |device: &str, change: &str| vec![("device", text(device)), ("change", text(change))];
    let said = stage.ask_from(here(), "room.control", &slots("light", "on")).await;
    assert_eq!(said.rendered.text, "Nothing in this room is connected to me.");
    stage.store.set_room_things(&room, &things(), "tester", stage.now).await.expect("kept");
    let warm = |value: f64| {
        let mut all = slots("thermostat", "change");
        all.push(("value", SlotValue::Number(value)));
        all
    };
    for (slots, kind, words) in [
        (slots("light", "on"), "work", ""),
        (warm(72.0), "work", ""),
        (
            warm(90.0),
            "ask",
            "That's further than it goes. What shall I set the temperature to? 60 to 75 degrees Fahrenheit.",
        ),
        (slots("thermostat", "change"), "ask", "What shall I set the temperature to? 60 to 75 degrees Fahrenheit."),
        (slots("channel", "change"), "ask", "What shall I set the channel to? 2 to 40."),
        (slots("light", "change"), "ask", "What should I do with the lights?"),
        (slots("fan", "on"), "answer", "I can't work the fan in this room."),
        (slots("bed", "up"), "answer", "I can't work the bed in this room."),
        (slots("light", "up"), "answer", "I can't do that with the lights."),
        (slots("blinds", "on"), "answer", "I can't do that with the blinds."),
    ] {
        let said = stage.ask_from(here(), "room.control", &slots).await;
        assert_eq!((said.kind, said.rendered.text.as_str()), (kind, words), "{words}");
    }
    let other = Surface::Room(RoomId::parse("room-8").expect("fits"));
    let said = stage.ask_from(other, "room.control", &slots("light", "on")).await;
    assert_eq!(said.rendered.text, "Nothing in this room is connected to me.", "what is next door is not this room's");
    let home = Surface::Home(room.clone());
    assert!(matches!(stage.ask_from(home, "room.control", &slots("light", "on")).await.outcome, Outcome::Work(_)));
    let app = stage.ask_from(Surface::Chat, "room.control", &slots("light", "on")).await;
    assert_eq!(app.rendered.text, "I can only do that from the device in the room.");
}

/// What the turn says of what came of it.
fn what_came_of_it(stage: &Stage) {
    let work = |id: usize, order| Work {
        room: RoomId::parse("room-7").expect("fits"),
        things: vec![things()[id].0.clone()],
        order,
    };
    for (id, order, worked, words) in [
        (0, Order::Switch(true), Worked::Done(None), "The lights are on now."),
        (0, Order::Switch(false), Worked::Done(None), "The lights are off now."),
        (3, Order::Switch(true), Worked::Done(None), "The sound is off now."),
        (3, Order::Switch(false), Worked::Done(None), "The sound is on now."),
        (1, Order::Open(true), Worked::Done(None), "The blinds are opening."),
        (1, Order::Open(false), Worked::Done(None), "The blinds are closing."),
        (2, Order::Set(72.0), Worked::Done(Some(72.0)), "The temperature is set to 72 degrees Fahrenheit."),
        (4, Order::Set(5.0), Worked::Done(Some(5.0)), "The channel is set to 5."),
        (
            2,
            Order::By(2.0),
            Worked::AtEnd(75.0),
            "The temperature is at 75 degrees Fahrenheit already, and that's as far as it goes.",
        ),
        (0, Order::Switch(true), Worked::Sent, "I've sent that. I can't tell whether the lights did it."),
        (
            0,
            Order::Switch(true),
            Worked::NoAnswer,
            "I sent that, but the lights didn't answer, so I can't say that it worked.",
        ),
        (0, Order::Switch(true), Worked::NotSent, "I can't reach the lights right now, so nothing was changed."),
        (
            2,
            Order::By(2.0),
            Worked::Unknown,
            "I can't tell what the temperature is set to now. Tell me a number from 60 to 75 degrees Fahrenheit.",
        ),
    ] {
        let facts = control::told(&work(id, order), worked);
        assert_eq!(stage.render("room.control", &facts).text, words);
    }
}

pub async fn all(stage: &Stage) {
    what_is_asked(stage).await;
    what_came_of_it(stage);
}

#[tokio::test]
async fn rooms_are_worked_and_told_of() {
    for stage in Stage::both().await {
        all(&stage).await;
    }
}
