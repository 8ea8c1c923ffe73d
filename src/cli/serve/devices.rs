//! Devices of the running program, and what waits for them.

use std::{sync::Weak, time::Duration};

use super::program::Program;
use bytes::Bytes;
use tokio::sync::mpsc;

use crate::{
    channels::{Devices, Soon, Sound, Unavailable},
    device::{QueuedEvent, Wake, message::About},
    fleet::presence::Told,
    nlu::catalogue::Catalogue,
    policy::Caller,
    speech::voice::{Delivery, SAMPLE_RATE, VoiceError},
    store::StoreError,
    turn::SLOWLY,
};

/// How often it is looked what other processes queued, moved or ended.
const LOOK_EVERY: Duration = Duration::from_secs(3);
/// Until then a program that starts has other things to do.
const PREPARE_AFTER: Duration = Duration::from_secs(15);
/// How the names of those intents begin whose replies everybody hears every day.
const COMMON_PROMPTS: &str = "dialogue.";
/// Sentences that are made before the first is taken.
const PIECES: usize = 64;

/// Wakes connections for what other processes did, as long as the program runs.
pub async fn wake(program: Weak<Program>) {
    loop {
        {
            let Some(program) = program.upgrade() else { return };
            let app = program.app();
            if let Err(error) = app.store().look_for_wakes(app.ambient().now()).await {
                tracing::warn!(%error, "what waits for devices could not be looked up; it is tried again");
            }
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

/// Makes the beginnings of common prompts, once the program has run for a while.
pub async fn prepare(program: Weak<Program>) {
    tokio::time::sleep(PREPARE_AFTER).await;
    let Some((voice, prompts)) = program.upgrade().and_then(|program| {
        let core = program.app().core();
        Some((core.voice.clone()?, common_prompts(core.engine.catalogue())))
    }) else {
        return;
    };
    let made = tokio::task::spawn_blocking(move || voice.prepare(prompts.iter().map(String::as_str)));
    if let Ok(Err(error)) = made.await {
        tracing::warn!(stage = "speech", %error, "common prompts could not be made ahead; they are made when they are said");
    }
}

/// What everybody is told in the same words, up to where a value stands.
fn common_prompts(catalogue: &Catalogue) -> Vec<String> {
    let defs = catalogue.intents().iter().filter(|def| def.name.starts_with(COMMON_PROMPTS));
    let texts = defs.flat_map(|def| def.replies.values()).filter_map(|text| text.split('{').next());
    texts.filter(|text| text.contains(['.', '?', '!'])).map(str::to_owned).collect()
}

impl Devices for Program {
    fn listen(&self, caller: &Caller) -> Wake {
        self.app().store().wakes().listen(&caller.credential, caller.surface.room())
    }

    fn after<'a>(&'a self, caller: &'a Caller, seq: i64) -> Soon<'a, Result<Vec<QueuedEvent>, Unavailable>> {
        Box::pin(async move {
            let now = self.app().ambient().now();
            let events = self.app().store().events_after(&caller.credential, seq, now).await;
            events.map_err(|error| unavailable(&error))
        })
    }

    fn acked<'a>(&'a self, caller: &'a Caller, seq: i64) -> Soon<'a, Result<(), Unavailable>> {
        Box::pin(async move {
            let now = self.app().ambient().now();
            self.app().store().events_acked(&caller.credential, seq, now).await.map_err(|error| unavailable(&error))
        })
    }

    fn speak(&self, text: String, slowly: bool) -> Option<Sound> {
        let voice = self.app().core().voice.clone()?;
        let (made, pieces) = mpsc::channel(PIECES);
        let delivery = Delivery { speed: if slowly { SLOWLY } else { 1.0 }, ..Delivery::default() };
        tokio::task::spawn_blocking(move || {
            let speak = || -> Result<(), VoiceError> {
                for piece in voice.speak(&text, delivery)? {
                    // Nobody listens any more.
                    if made.blocking_send(samples(&piece?)).is_err() {
                        break;
                    }
                }
                Ok(())
            };
            if let Err(error) = speak() {
                tracing::error!(stage = "speech", %error, "an answer could not be spoken");
            }
        });
        Some(Sound { rate: SAMPLE_RATE, pieces })
    }

    fn is_there<'a>(&'a self, caller: &'a Caller, about: &'a About) -> Soon<'a, ()> {
        Box::pin(async move {
            let told = Told { firmware: about.firmware.clone(), battery: about.battery, acked: None };
            if let Err(error) = self.heard_of(&caller.credential, told).await {
                tracing::warn!(%error, "what a device said of itself was not noted");
            }
        })
    }

    fn has_settings<'a>(&'a self, caller: &'a Caller, version: i64) -> Soon<'a, ()> {
        Box::pin(async move {
            if let Err(error) = self.app().store().settings_acked(&caller.credential, version).await {
                tracing::warn!(%error, "that a device has its settings was not noted; its next word of itself tells it again");
            }
        })
    }
}

/// What failed goes to the log without whose it was; outside it only says that it failed.
fn unavailable(error: &StoreError) -> Unavailable {
    tracing::error!(%error, "what waits for a device could not be looked up");
    Unavailable
}

/// As 16-bit little-endian samples.
fn samples(sound: &[f32]) -> Bytes {
    sound.iter().flat_map(|s| ((s.clamp(-1.0, 1.0) * f32::from(i16::MAX)).round() as i16).to_le_bytes()).collect()
}
