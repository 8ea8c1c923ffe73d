//! Somebody is called from a room, through a real broker, by a telephone system that answers, refuses, or is silent.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::{sync::mpsc, task::JoinHandle};
use wellspoken::{
    app::Senses,
    config::{Config, MqttConfig},
    fleet::mqtt::{Filter, Mqtt, Topic},
    policy::PersonId,
    records::contact,
};

use crate::{
    mosquitto::Mosquitto,
    support::{Scratch, Speaker, add_demo, room, with_config},
};

const SOON: Duration = Duration::from_secs(30);
const CALL: &str = "w/telephone/room-7/call";
const STATE: &str = "w/telephone/room-7/state";
const CALLING: &str = "The telephone says that it's calling your son Bob.";

/// What the telephone answers to each call, in turn; `None` for silence.
async fn telephone(
    config: &MqttConfig,
    answers: Vec<Option<&'static str>>,
) -> (JoinHandle<()>, mpsc::UnboundedReceiver<Value>) {
    let mqtt = Mqtt::new(config, 77).expect("fits");
    let mut hears = mqtt.listen(&Filter::parse(CALL).expect("a filter"), SOON).await.expect("listens");
    let state = Topic::parse(STATE).expect("a topic");
    // What the broker kept from before, and what is of another call, tells nothing.
    mqtt.publish(&state, json!({ "id": "0", "state": "calling" }).to_string(), true, SOON).await.expect("confirmed");
    let (heard, told) = mpsc::unbounded_channel();
    let running = tokio::spawn(async move {
        let mut answers = answers.into_iter();
        while let Some(message) = hears.next().await {
            let order: Value = serde_json::from_slice(&message.payload).expect("JSON");
            let _ = heard.send(order.clone());
            let other = json!({ "id": "1", "state": "calling" }).to_string();
            mqtt.publish(&state, other, false, SOON).await.expect("confirmed");
            let Some(answer) = answers.next().flatten() else { continue };
            let answer = json!({ "id": order["id"], "state": answer }).to_string();
            mqtt.publish(&state, answer, false, SOON).await.expect("confirmed");
        }
    });
    (running, told)
}

async fn rosa(scratch: &Scratch) -> PersonId {
    let person = add_demo(scratch, "rosa-delgado.json", "all", Some("room-7")).await;
    let list = "[[contact]]\nname = \"Bob\"\nrelation = \"son\"\nnumber = \"+1 555 010 4433\"";
    let list = contact::read(list, &["son".to_owned()]).unwrap_or_else(|e| panic!("{e}"));
    scratch.app.store().set_contacts(&person, &list, "tester", crate::support::now()).await.expect("kept");
    person
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_said_of_a_call_is_what_the_telephone_told() {
    let mut broker = Mosquitto::start();
    let mqtt = MqttConfig { topic: "w".into(), ack_ms: 20_000, state_ms: 10_000, ..broker.config() };
    let scratch =
        with_config(Config { mqtt: Some(mqtt.clone()), ..Config::default() }, Senses { ears: false, voice: false })
            .await;
    let person = rosa(&scratch).await;
    let (running, mut told) = telephone(&mqtt, vec![Some("calling"), Some("refused"), None]).await;
    let mut speaker = Speaker::new(&scratch.app, room(), Some(&person));
    assert!(speaker.says("call my wife").await.reply.starts_with("That's nobody on the list"));
    for (answer, dialled) in [
        (CALLING, true),
        ("The telephone doesn't make that call, so your son Bob isn't being called. Please ask your nurse.", true),
        (
            "I passed the call on, but the telephone didn't answer me, so I can't say that your son Bob is being called. Please use the phone, or ask your nurse.",
            true,
        ),
    ] {
        assert_eq!(speaker.says("call my son").await.reply, "Call your son Bob?");
        assert!(told.try_recv().is_err(), "nothing is dialled before the yes");
        assert_eq!(speaker.says("yes").await.reply, answer);
        assert_eq!(told.recv().await.map(|order| order["number"] == "+15550104433"), Some(dialled));
    }
    assert_eq!(speaker.says("call my son").await.reply, "Call your son Bob?");
    assert!(!speaker.says("no").await.reply.contains("calling"));
    assert!(told.try_recv().is_err(), "a no dials nothing");
    running.abort();
    broker.kill();
    speaker.says("call my son").await;
    let gone = speaker.says("yes").await.reply;
    assert!(gone.starts_with("I can't reach a telephone") || gone.starts_with("I passed the call on"), "{gone}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_telephone_nobody_is_called_and_that_is_said() {
    let scratch = with_config(Config::default(), Senses { ears: false, voice: false }).await;
    let person = rosa(&scratch).await;
    let mut speaker = Speaker::new(&scratch.app, room(), Some(&person));
    speaker.says("call my son").await;
    let said = speaker.says("yes").await.reply;
    assert_eq!(
        said,
        "I can't reach a telephone from here, so nobody is being called. Please use the phone, or ask your nurse."
    );
}
