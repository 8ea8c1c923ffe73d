//! Working what is in a room, by MQTT with the topics and payloads of Home Assistant.
//!
//! Invariants: an order reaches the topics that were set up for that thing of that room and no other; nothing is said to be
//! done that the thing itself did not tell; an order that the broker did not take in time is not sent later.

mod telephone;
pub mod wiring;

use std::{sync::Arc, time::Duration};

use tokio::time::{Instant, timeout, timeout_at};

use crate::{
    actions::room::{Order, Work, Worked},
    config::MqttConfig,
    fleet::mqtt::{Filter, Listening, Mqtt, Unpublished},
    policy::RoomId,
    records::{RoomThing, Thing},
    store::Store,
};
use wiring::{State, Wiring};

/// How long what the broker keeps of a thing's state is waited for.
const KEPT: Duration = Duration::from_millis(300);

/// What works the things of rooms.
#[derive(Clone)]
pub struct Rooms {
    mqtt: Arc<Mqtt>,
    ack: Duration,
    state: Duration,
}

impl Rooms {
    /// By this broker.
    #[must_use]
    pub const fn new(mqtt: Arc<Mqtt>, config: &MqttConfig) -> Self {
        Self { mqtt, ack: config.ack(), state: config.state() }
    }

    /// Has an order done by all its things at once; tells the one outcome that must be told.
    pub async fn work(&self, store: &Store, work: &Work) -> Worked {
        let all = work.things.iter().map(|thing| self.one(store, &work.room, thing, work.order));
        let all = futures_util::future::join_all(all).await;
        all.into_iter().reduce(Worked::worse).unwrap_or(Worked::NotSent)
    }

    /// Whether something is playing in a room, as far as it tells.
    pub async fn plays(&self, store: &Store, room: &RoomId, things: &[RoomThing]) -> bool {
        for thing in things.iter().filter(|thing| matches!(thing.thing, Thing::Tv | Thing::Music)) {
            let Some(wiring) = self.wiring(store, room, thing).await else { continue };
            let Some(state) = wiring.state(Order::Switch(true)) else { continue };
            let Ok(mut hears) = self.mqtt.listen(&Filter::of(&state.topic), self.ack).await else { continue };
            if let Some(told) = next(&mut hears, KEPT).await
                && wiring.reached(Order::Switch(true), state, &told)
            {
                return true;
            }
        }
        false
    }

    async fn wiring(&self, store: &Store, room: &RoomId, thing: &RoomThing) -> Option<Wiring> {
        let kept = store.room_wiring(room, &thing.id).await;
        let kept = kept.inspect_err(|error| tracing::error!(%error, "a room's device could not be read")).ok()??;
        serde_json::from_str(&kept).inspect_err(|_| tracing::error!("a room's device is damaged; set it up again")).ok()
    }

    async fn one(&self, store: &Store, room: &RoomId, thing: &RoomThing, order: Order) -> Worked {
        let Some(wiring) = self.wiring(store, room, thing).await else { return Worked::NotSent };
        let Some(state) = wiring.state(order) else { return self.blindly(&wiring, order).await };
        let Ok(mut hears) = self.mqtt.listen(&Filter::of(&state.topic), self.ack).await else { return Worked::NotSent };
        let order = match (order, thing.level) {
            (Order::By(by), Some(span)) => {
                let Some(level) = self.level(&wiring, state, &mut hears).await else { return Worked::Unknown };
                let to = (level + by).clamp(span.least, span.most);
                if (to - level).abs() < f64::EPSILON {
                    return Worked::AtEnd(level);
                }
                Order::Set(to)
            }
            (order, _) => order,
        };
        match self.send(&wiring, order).await {
            Ok(()) => self.answered(&wiring, state, order, &mut hears).await,
            Err(worked) => worked,
        }
    }

    /// A thing that tells nothing of itself.
    async fn blindly(&self, wiring: &Wiring, order: Order) -> Worked {
        if matches!(order, Order::By(_)) {
            return Worked::Unknown;
        }
        self.send(wiring, order).await.map_or_else(|worked| worked, |()| Worked::Sent)
    }

    async fn level(&self, wiring: &Wiring, state: &State, hears: &mut Listening) -> Option<f64> {
        wiring.level(state, &next(hears, KEPT).await?)
    }

    async fn send(&self, wiring: &Wiring, order: Order) -> Result<(), Worked> {
        let Some((topic, payload)) = wiring.command(order) else { return Err(Worked::NotSent) };
        match self.mqtt.publish(topic, payload, false, self.ack).await {
            Ok(()) => Ok(()),
            Err(Unpublished::Late | Unpublished::Lost) => Err(Worked::NoAnswer),
            Err(_) => Err(Worked::NotSent),
        }
    }

    /// Waits for the thing to tell that it did it. What the broker kept from before tells nothing.
    async fn answered(&self, wiring: &Wiring, state: &State, order: Order, hears: &mut Listening) -> Worked {
        let until = Instant::now() + self.state;
        while let Ok(Some(message)) = timeout_at(until, hears.next()).await {
            if !message.retained && wiring.reached(order, state, &message.payload) {
                return Worked::Done(wiring.level(state, &message.payload));
            }
        }
        Worked::NoAnswer
    }
}

async fn next(hears: &mut Listening, within: Duration) -> Option<bytes::Bytes> {
    timeout(within, hears.next()).await.ok().flatten().map(|message| message.payload)
}
