//! The house's telephone system, by MQTT: a call is published for a room, and the system tells what became of it.
//!
//! A call is `{"id": …, "number": …}` on `…/telephone/ROOM/call`; the system answers `{"id": …, "state": "calling"}`, or
//! `"refused"`, on `…/telephone/ROOM/state`. Invariants: what the broker did not take in time is not sent later; an answer to
//! another call, or one that the broker kept, tells nothing of this one; no number is in a topic, a log or an error.

use serde::Deserialize;
use tokio::time::{Instant, timeout_at};

use super::Rooms;
use crate::{
    actions::room::{Called, Dial},
    fleet::mqtt::{Filter, Topic, Unpublished},
};

/// What the telephone system tells.
#[derive(Deserialize)]
struct Told {
    id: String,
    state: String,
}

impl Rooms {
    /// Has a call made. `id` tells it from every other.
    pub async fn call(&self, dial: &Dial, id: u64) -> Called {
        let id = format!("{id:016x}");
        let topic = |what: &str| Topic::parse(&format!("{}/telephone/{}/{what}", self.mqtt.own(), dial.room.as_str()));
        let Some((call, state)) = topic("call").zip(topic("state")) else { return Called::NotSent };
        let Ok(mut hears) = self.mqtt.listen(&Filter::of(&state), self.ack).await else { return Called::NotSent };
        let order = serde_json::json!({ "id": id, "number": dial.number.dialled() }).to_string();
        match self.mqtt.publish(&call, order, false, self.ack).await {
            Ok(()) => {}
            Err(Unpublished::Late | Unpublished::Lost) => return Called::NoAnswer,
            Err(_) => return Called::NotSent,
        }
        let until = Instant::now() + self.state;
        while let Ok(Some(message)) = timeout_at(until, hears.next()).await {
            let Ok(told) = serde_json::from_slice::<Told>(&message.payload) else { continue };
            if message.retained || told.id != id {
                continue;
            }
            match told.state.as_str() {
                "calling" => return Called::Calling,
                "refused" => return Called::Refused,
                _ => {}
            }
        }
        Called::NoAnswer
    }
}
