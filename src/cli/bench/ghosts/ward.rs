//! One occupied room on a scratch store, and what came of each utterance in it.

use std::{fmt, path::Path};

use anyhow::Context as _;

use crate::{
    ambient::Ambient,
    app::{App, Places, Senses},
    asr::wav,
    cli::{Global, turn},
    policy::{RoomId, Scope, SessionId},
    records::demo,
    store::ImportOptions,
    turn::{Expected, Input, State, TurnRequest},
};

/// The room.
const ROOM: &str = "ghosts-1";

/// One room, in which somebody lies.
pub(super) struct Ward {
    app: App,
    room: RoomId,
}

/// What came of an utterance.
pub(super) struct Came {
    pub text: String,
    pub intent: String,
    pub state: State,
    /// Why hearing rejected it.
    pub rejected: Option<&'static str>,
    /// Something new stands on the nurses' board.
    pub staff_told: bool,
    pub reply: String,
    /// The question that the device now listens for an answer to.
    pub asked: Option<Asked>,
}

/// A question, and the conversation it belongs to.
#[derive(Debug, Clone)]
pub(super) struct Asked {
    pub session: SessionId,
    pub expected: Expected,
}

impl fmt::Display for Came {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let told = if self.staff_told { ", staff told" } else { "" };
        let rejected = self.rejected.map(|why| format!(", rejected as {why}")).unwrap_or_default();
        write!(f, "{:?} → {} {}{rejected}{told}: {}", self.text, self.intent, self.state.name(), self.reply)
    }
}

impl Ward {
    /// Loads the models; the first demo person, who agreed to everything, lies in the room.
    pub async fn open(global: &Global, scratch: &Path) -> anyhow::Result<Self> {
        let places = Places {
            data_dir: scratch.join("data"),
            models_dir: global.models_dir()?,
            key_file: scratch.join("keys/master.key"),
            intents_dir: global.intents.clone(),
        };
        let senses = Senses { ears: true, voice: false };
        let mut config = global.config()?;
        config.hear.deadline_ms = 600_000;
        let app = App::build(config, places, Ambient::system(global.now)?, senses).await?;
        if let Some(warning) = app.warnings.first() {
            anyhow::bail!("{warning}");
        }
        let room = RoomId::parse(ROOM)?;
        let zone = jiff::tz::TimeZone::get(&app.config().place.zone)?;
        let now = app.ambient().now();
        let (_, chart) = demo::all(now, &zone)?.into_iter().next().context("there are no demo people")?;
        let options = ImportOptions {
            pin: None,
            consent: Some(Scope::ALL.to_vec()),
            room: Some(room.clone()),
            ..ImportOptions::default()
        };
        app.store().import(&chart, options, now).await?;
        Ok(Self { app, room })
    }

    /// An utterance becomes a turn as it does on a device's connection: heard ahead, then taken. `answers` is the question in whose
    /// time it fell.
    pub async fn take(&self, wav: Vec<u8>, answers: Option<Asked>) -> anyhow::Result<Came> {
        let (session, expected) =
            answers.map_or((None, Expected::Anything), |asked| (Some(asked.session), asked.expected));
        let early = self.app.ahead(wav::decode(&wav)?.into(), expected).await;
        let rejected = early.as_ref().and_then(crate::turn::Early::rejected).map(crate::asr::RejectionReason::as_str);
        let input = match early {
            Some(early) => Input::Streamed(wav, early),
            None => Input::Audio(wav),
        };
        let caller = turn::caller(&self.app, turn::Channel::Room, ROOM, None).await?;
        let result = self.app.turn(TurnRequest { caller, session, turn: None, input, speak: false }).await;
        let board = self.app.store().board(Some(&self.room)).await?;
        for row in &board {
            self.app.store().close_request(&row.id, "bench", self.app.ambient().now()).await?;
        }
        let asked = (result.follow_up_ms > 0)
            .then(|| {
                SessionId::parse(&result.session).map(|session| Asked { session, expected: result.expects.clone() })
            })
            .transpose()?;
        Ok(Came {
            asked,
            text: result.heard.map(|heard| heard.text).unwrap_or_default(),
            intent: result.intent,
            state: result.state,
            rejected,
            staff_told: !board.is_empty(),
            reply: result.reply,
        })
    }

    pub async fn close(self) {
        self.app.close().await;
    }
}
