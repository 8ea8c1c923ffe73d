//! What goes down to the device.

use std::time::Duration;

use futures_util::SinkExt as _;
use jiff::Timestamp;
use serde::Serialize;
use tokio::time::{Instant, timeout};
use tokio_tungstenite::tungstenite::Message;

use super::{
    super::{super::Refusal, ear::SoFar, mouth::Next},
    End, FRAMES, LONGEST_ANSWER, LONGEST_WORDS, Link, SLACK, UNACKED, WRONG,
};
use crate::{
    device::{
        DeviceEvent, Priority, QueuedEvent,
        message::{Closing, Down, Refused},
    },
    policy::TurnId,
    turn::TurnResult,
};

impl Link {
    pub(super) async fn answered(&mut self, utterance: TurnId, result: Result<TurnResult, Refusal>) -> Result<(), End> {
        self.asked.retain(|asked| asked.utterance != utterance);
        let result = match result {
            Ok(result) => result,
            Err(Refusal::Stopping) => return self.refuse(Refused::Stopping, Some(&utterance)).await,
            Err(_) => return self.refuse(Refused::Unavailable, Some(&utterance)).await,
        };
        let surface = self.caller.surface.name();
        self.doors.metrics.turn(surface, &result);
        tracing::info!(channel = surface, state = result.state.name(), ms = result.timings_ms.total, "turn");
        self.expects = Some((result.session.clone(), result.expects.clone()));
        let of = utterance.as_str().to_owned();
        let sound = match self.speech && self.ear.is_none() {
            true => self.devices.speak(result.reply.clone(), result.slowly),
            false => None,
        };
        // Whoever lay there may have left while it was answered.
        self.still_let_in().await?;
        if result.follow_up_ms > 0 {
            let listens = Duration::from_millis(result.follow_up_ms.into()) + SLACK;
            let said = if sound.is_some() { LONGEST_ANSWER } else { Duration::ZERO };
            self.doors.streams.asked(&self.caller.credential, Instant::now() + said + listens);
            self.asks = sound.is_some().then(|| (of.clone(), listens));
        }
        if let Some(sound) = sound {
            self.mouth.say(of.clone(), sound);
        }
        if let Some(heard) = &result.heard {
            self.tell(&Down::Heard { utterance: of.clone(), text: heard.text.clone(), r#final: true }).await?;
        }
        let turn = serde_json::to_value(&result).unwrap_or_default();
        self.tell(&Down::Answer { utterance: of, turn }).await?;
        self.speak().await
    }

    /// What is known of somebody who may go on, for whoever lies there still.
    pub(super) async fn heard_so_far(&mut self, so_far: SoFar) -> Result<(), End> {
        match (so_far, &self.ear) {
            (SoFar::Over(why), Some(_)) => match self.ear.take() {
                Some(ear) => self.ask(ear.whole(), why).await,
                None => Ok(()),
            },
            (SoFar::Words(text), Some(ear)) => {
                let utterance = ear.utterance.as_str().to_owned();
                self.still_let_in().await?;
                self.tell(&Down::Heard { utterance, text, r#final: false }).await
            }
            (SoFar::Nothing, _) | (_, None) => Ok(()),
        }
    }

    /// Sends what is to be heard now.
    pub(super) async fn speak(&mut self) -> Result<(), End> {
        for _ in 0..FRAMES {
            match self.mouth.next(Instant::now()) {
                Next::Begin(of, rate) => self.tell(&Down::Speech { of, rate }).await?,
                Next::Some(sound) => self.send(Message::Binary(sound)).await?,
                Next::End(of, left) => {
                    if let Some((_, listens)) = self.asks.take_if(|(asks, _)| *asks == of) {
                        self.doors.streams.asked_until(&self.caller.credential, Instant::now() + left + listens);
                    }
                    self.tell(&Down::SpeechEnd { of, cut: false }).await?;
                }
                Next::Nothing => break,
            }
        }
        Ok(())
    }

    /// Stops speaking.
    pub(super) async fn hush(&mut self) -> Result<(), End> {
        match self.mouth.stop() {
            Some(of) => self.tell(&Down::SpeechEnd { of, cut: true }).await,
            None => Ok(()),
        }
    }

    /// Tells what waits for the device.
    pub(super) async fn deliver(&mut self) -> Result<(), End> {
        while self.unacked.len() < UNACKED {
            let events = match self.devices.after(&self.caller, self.sent).await {
                Ok(events) if events.is_empty() => break,
                Ok(events) => events,
                // They are still there at the next look.
                Err(_) => break,
            };
            for queued in events {
                self.sent = queued.seq;
                self.unacked.push(queued.seq);
                self.event(queued).await?;
            }
        }
        Ok(())
    }

    async fn event(&mut self, queued: QueuedEvent) -> Result<(), End> {
        let pressing = match &queued.event {
            DeviceEvent::Stop => true,
            DeviceEvent::Announce { priority, .. } => *priority == Priority::Emergency,
            DeviceEvent::Chime { .. } | DeviceEvent::Say { .. } | DeviceEvent::Settings { .. } => false,
        };
        if pressing {
            self.hush().await?;
        }
        self.tell(&queued).await?;
        if self.speech
            && let Some(words) = queued.event.words()
            && words.chars().count() <= LONGEST_WORDS
            && let Some(sound) = self.devices.speak(words.to_owned(), false)
        {
            self.mouth.say(format!("event {}", queued.seq), sound);
        }
        Ok(())
    }

    /// The device has everything up to this number. What was never sent is not taken back by it.
    pub(super) async fn acked(&mut self, seq: i64) {
        let seq = seq.min(self.sent);
        self.unacked.retain(|unacked| *unacked > seq);
        // Not noted: it comes again after the next connection, and the device knows it by its number.
        let _ = self.devices.acked(&self.caller, seq).await;
    }

    pub(super) async fn ring(&mut self, now: Instant) -> Result<(), End> {
        let (Some(looked), Some(bell)) = (self.looked, self.doors.bell.clone()) else { return Ok(()) };
        if now < looked + self.limits.ring {
            return Ok(());
        }
        self.looked = Some(now);
        let Ok(due) = bell.due(&self.caller).await else { return Ok(()) };
        for ring in due {
            if self.rung.insert((ring.id.clone(), ring.at)) {
                let chime = ring.sound.name().to_owned();
                self.tell(&Down::Ring { id: ring.id, at: ring.at, chime, text: ring.text }).await?;
            }
        }
        Ok(())
    }

    pub(super) async fn rang(&mut self, id: &str, at: Timestamp) -> Result<(), End> {
        let Some(bell) = self.doors.bell.clone() else { return self.refuse(Refused::Unavailable, None).await };
        match bell.rang(&self.caller, id, at).await {
            Ok(noted) => self.tell(&Down::Noted { id: id.to_owned(), noted }).await,
            Err(_) => self.refuse(Refused::Unavailable, None).await,
        }
    }

    pub(super) async fn wrong(&mut self, code: Refused) -> Result<(), End> {
        self.wrong += 1;
        if self.wrong > WRONG { Err(End::Close(Closing::Protocol)) } else { self.refuse(code, None).await }
    }

    pub(super) async fn refuse(&mut self, code: Refused, utterance: Option<&TurnId>) -> Result<(), End> {
        self.doors.metrics.stream_refused(code.name());
        self.tell(&Down::Refused { code, utterance: utterance.map(|u| u.as_str().to_owned()) }).await
    }

    pub(super) async fn tell(&mut self, message: &(impl Serialize + Sync)) -> Result<(), End> {
        let text = serde_json::to_string(message).unwrap_or_default();
        self.send(Message::text(text)).await
    }

    pub(super) async fn send(&mut self, message: Message) -> Result<(), End> {
        match timeout(self.limits.send, self.socket.send(message)).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) | Err(_) => Err(End::Gone),
        }
    }
}
