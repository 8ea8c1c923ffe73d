//! One occupied room on a scratch store, and what came of each utterance in it.

use std::{fmt, path::Path};

use anyhow::Context as _;

use crate::{
    ambient::Ambient,
    app::{App, Places, Senses},
    asr::wav,
    cli::{Global, turn},
    policy::{RoomId, Scope},
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
        let options = ImportOptions { pin: None, consent: Some(Scope::ALL.to_vec()), room: Some(room.clone()) };
        app.store().import(&chart, options, now).await?;
        Ok(Self { app, room })
    }

    /// An utterance becomes a turn as it does on a device's connection: heard ahead, then taken.
    pub async fn take(&self, wav: Vec<u8>) -> anyhow::Result<Came> {
        let early = self.app.ahead(wav::decode(&wav)?.into(), Expected::Anything).await;
        let rejected = early.as_ref().and_then(crate::turn::Early::rejected).map(crate::asr::RejectionReason::as_str);
        let input = match early {
            Some(early) => Input::Streamed(wav, early),
            None => Input::Audio(wav),
        };
        let caller = turn::caller(&self.app, turn::Channel::Room, ROOM, None).await?;
        let result = self.app.turn(TurnRequest { caller, session: None, turn: None, input, speak: false }).await;
        let board = self.app.store().board(Some(&self.room)).await?;
        for row in &board {
            self.app.store().close_request(&row.id, "bench", self.app.ambient().now()).await?;
        }
        Ok(Came {
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
