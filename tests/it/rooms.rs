//! Things of a room, worked by voice through a real broker, with devices that answer as Home Assistant's do.

use std::{sync::Arc, time::Duration};

use serde_json::{Value, json};
use tokio::task::JoinHandle;
use wellspoken::{
    app::Senses,
    config::{Config, MqttConfig},
    fleet::{
        mqtt::{Filter, Mqtt, Topic},
        room::wiring,
    },
    policy::{RoomId, Surface},
    records::Thing,
};

use crate::{
    mosquitto::Mosquitto,
    support::{Scratch, Speaker, now, with_config},
};

const SOON: Duration = Duration::from_secs(20);

/// The devices of room 7, as they tell of themselves.
fn ward() -> Vec<(Thing, &'static str, Value)> {
    let lamp =
        json!({ "schema": "json", "brightness": true, "command_topic": "w/7/lamp/set", "state_topic": "w/7/lamp" });
    let switch =
        |name: &str| json!({ "command_topic": format!("w/7/{name}/set"), "state_topic": format!("w/7/{name}") });
    let number = |name: &str, min: u32, max: u32| json!({ "command_topic": format!("w/7/{name}/set"), "state_topic": format!("w/7/{name}"), "min": min, "max": max });
    let warm = json!({ "temperature_command_topic": "w/7/warm/set", "temperature_state_topic": "w/7/warm", "temperature_unit": "F",
        "min_temp": 60, "max_temp": 75 });
    let blinds = json!({ "command_topic": "w/7/blinds/set", "state_topic": "w/7/blinds" });
    vec![
        (Thing::Light, "light", lamp),
        (Thing::Tv, "switch", switch("tv")),
        (Thing::Volume, "number", number("volume", 0, 100)),
        (Thing::Channel, "number", number("channel", 2, 40)),
        (Thing::Thermostat, "climate", warm),
        (Thing::Blinds, "cover", blinds),
        // Nobody answers there; what the broker kept of it, that it is on, is no answer.
        (Thing::Fan, "fan", switch("fan")),
    ]
}

fn room(name: &str) -> RoomId {
    RoomId::parse(name).expect("fits")
}

async fn set_up(scratch: &Scratch) {
    let things: Vec<_> = ward()
        .iter()
        .enumerate()
        .map(|(n, (thing, component, config))| {
            let (seen, wiring) = wiring::read(&n.to_string(), *thing, component, config).expect("fits");
            (seen, serde_json::to_string(&wiring).expect("JSON"))
        })
        .collect();
    scratch.app.store().set_room_things(&room("room-7"), &things, "tester", now()).await.expect("kept");
}

/// The devices: they do what they are told and tell it, but for the fan. What they are told is handed on.
async fn devices(config: &MqttConfig) -> (JoinHandle<()>, tokio::sync::mpsc::UnboundedReceiver<String>) {
    let mqtt = Arc::new(Mqtt::new(config, 99).expect("fits"));
    let mut hears = mqtt.listen(&Filter::parse("w/#").expect("a filter"), SOON).await.expect("listens");
    let publish = {
        let mqtt = Arc::clone(&mqtt);
        async move |topic: &str, text: String| {
            mqtt.publish(&Topic::parse(topic).expect("a topic"), text, true, SOON).await.expect("confirmed");
        }
    };
    for (name, state) in
        [("volume", "40"), ("channel", "7"), ("warm", "70"), ("tv", "OFF"), ("blinds", "open"), ("fan", "ON")]
    {
        publish(&format!("w/7/{name}"), state.into()).await;
    }
    publish("w/7/lamp", json!({ "state": "OFF", "brightness": 255 }).to_string()).await;
    let (heard, told) = tokio::sync::mpsc::unbounded_channel();
    let running = tokio::spawn(async move {
        let mut brightness = 255;
        while let Some(message) = hears.next().await {
            let Some(name) = message.topic.strip_suffix("/set") else { continue };
            let text = String::from_utf8(message.payload.to_vec()).expect("UTF-8");
            let _ = heard.send(format!("{} {text}", message.topic));
            let state = match name {
                "w/7/fan" => continue,
                "w/7/lamp" => {
                    let order: Value = serde_json::from_str(&text).expect("JSON");
                    brightness = order["brightness"].as_u64().unwrap_or(brightness);
                    json!({ "state": order["state"], "brightness": brightness }).to_string()
                }
                "w/7/blinds" => if text == "OPEN" { "opening" } else { "closing" }.to_owned(),
                _ => text,
            };
            publish(name, state).await;
        }
    });
    (running, told)
}

fn config(broker: &Mosquitto) -> (Config, MqttConfig) {
    let mqtt = MqttConfig { state_ms: 700, ..broker.config() };
    (Config { mqtt: Some(mqtt.clone()), ..Config::default() }, mqtt)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_room_does_what_is_said_in_it_and_tells_what_became_of_it() {
    let mut broker = Mosquitto::start();
    let (config, mqtt) = config(&broker);
    let scratch = with_config(config, Senses { ears: false, voice: false }).await;
    set_up(&scratch).await;
    let (running, mut told) = devices(&mqtt).await;
    let mut speaker = Speaker::new(&scratch.app, Surface::Room(room("room-7")), None);
    for (says, answer, order) in [
        ("turn it up", "I'll speak louder.", None),
        ("turn on the lights", "The lights are on now.", Some(r#"w/7/lamp/set {"state":"ON"}"#)),
        (
            "dim the lights",
            "The lights are set to 80 percent.",
            Some(r#"w/7/lamp/set {"state":"ON","brightness":204}"#),
        ),
        ("turn on the TV", "The TV is on now.", Some("w/7/tv/set ON")),
        ("turn it up", "The volume is set to 60 percent.", Some("w/7/volume/set 60")),
        ("speak up", "I'll speak louder.", None),
        ("turn the TV to channel five", "The channel is set to 5.", Some("w/7/channel/set 5")),
        ("close the blinds", "The blinds are closing.", Some("w/7/blinds/set CLOSE")),
        (
            "set the temperature to ninety nine",
            "That's further than it goes. What shall I set the temperature to? 60 to 75 degrees Fahrenheit.",
            None,
        ),
        ("seventy two", "The temperature is set to 72 degrees Fahrenheit.", Some("w/7/warm/set 72")),
        (
            "turn on the fan",
            "I sent that, but the fan didn't answer, so I can't say that it worked.",
            Some("w/7/fan/set ON"),
        ),
        ("open the window", "I can't work the window in this room.", None),
    ] {
        let turn = speaker.says(says).await;
        assert_eq!(turn.reply, answer, "{says}");
        assert_eq!(told.try_recv().ok().as_deref(), order, "{says}");
    }
    let mut next_door = Speaker::new(&scratch.app, Surface::Room(room("room-8")), None);
    assert_eq!(next_door.says("turn off the lights").await.reply, "Nothing in this room is connected to me.");
    assert!(told.try_recv().is_err(), "nothing of another room is worked");
    broker.kill();
    let gone = speaker.says("turn off the lights").await;
    assert_eq!(gone.reply, "I can't reach the lights right now, so nothing was changed.");
    running.abort();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_broker_a_room_says_so() {
    let scratch = with_config(Config::default(), Senses { ears: false, voice: false }).await;
    set_up(&scratch).await;
    let mut speaker = Speaker::new(&scratch.app, Surface::Room(room("room-7")), None);
    let said = speaker.says("turn on the lights").await.reply;
    assert_eq!(said, "I can't reach the lights right now, so nothing was changed.");
    assert_eq!(speaker.says("turn it up").await.reply, "I'll speak louder.");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_department_is_asked_once_it_was_read_back() {
    let scratch = with_config(Config::default(), Senses { ears: false, voice: false }).await;
    let mut speaker = Speaker::new(&scratch.app, Surface::Room(room("room-7")), None);
    let board = async || {
        let rows = scratch.app.store().board(None).await.expect("read");
        rows.into_iter().filter_map(|row| row.need).collect::<Vec<_>>()
    };
    let asked = speaker.says("could you call housekeeping").await;
    assert_eq!(asked.reply, "That's a request for housekeeping. Shall I put it on the staff's board?");
    assert!(board().await.is_empty(), "nothing before the yes");
    assert!(speaker.says("no").await.intent.starts_with("dialogue.") && board().await.is_empty());
    speaker.says("could you call housekeeping").await;
    let done = speaker.says("yes").await;
    assert_eq!(done.reply, "Your request for housekeeping is on the staff's board. Nobody has answered it yet.");
    assert_eq!(board().await, ["housekeeping"]);
}
