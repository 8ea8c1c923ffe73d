//! `wellspoken play`: scripted conversations, each in a scratch store of its own, one line of result a turn.

use std::{
    io::BufRead as _,
    path::{Path, PathBuf},
};

use anyhow::Context as _;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Global, import, open_app, runtime, turn};
use crate::{
    ambient::Ambient,
    app::{App, Places, Senses},
    policy::SessionId,
    turn::{Input, TurnRequest, TurnResult},
};

/// Plays conversations; the bundles they name are looked for beside the file.
#[derive(Debug, clap::Args)]
pub struct PlayArgs {
    /// One conversation a line: `{"id","channel","setup":{"bundle","pin","consent","now"},"turns":[{"say":"…"}]}`.
    conversations: PathBuf,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Conversation {
    id: String,
    channel: String,
    #[serde(default)]
    setup: Setup,
    turns: Vec<Step>,
}

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Setup {
    bundle: Option<PathBuf>,
    pin: Option<String>,
    consent: Option<String>,
    now: Option<Timestamp>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Step {
    Say { say: String },
    Event { event: Event },
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Event {
    Silence,
}

#[derive(Serialize)]
struct Line<'a> {
    id: &'a str,
    turn: usize,
    #[serde(flatten)]
    result: TurnResult,
}

/// The room that scripted conversations of the channels `room` and `home` take place in.
const ROOM: &str = "room-1";

/// Runs `wellspoken play`.
///
/// # Errors
/// When a line cannot be read, or its setup cannot be made; says which line.
pub fn run(global: &Global, args: PlayArgs) -> anyhow::Result<()> {
    let file = std::fs::File::open(&args.conversations)
        .with_context(|| format!("cannot read {}", args.conversations.display()))?;
    let beside = args.conversations.parent().unwrap_or(Path::new("."));
    let scratch = Scratch::new()?;
    let mut global = global.clone();
    global.data_dir = Some(scratch.0.join("start"));
    global.key_file = Some(scratch.0.join("start.key"));
    runtime()?.block_on(async {
        let mut app = open_app(&global, Senses { ears: false, voice: false }).await?;
        for (number, line) in std::io::BufReader::new(file).lines().enumerate() {
            let line = line?;
            if line.trim().is_empty() {
                continue;
            }
            let place = || format!("{} line {}", args.conversations.display(), number + 1);
            let conversation: Conversation = serde_json::from_str(&line).with_context(place)?;
            let home = scratch.0.join(number.to_string());
            app.move_to(&places(&global, &home)?, Ambient::system(conversation.setup.now.or(global.now))?).await?;
            play(&app, &conversation, beside).await.with_context(place)?;
        }
        app.close().await;
        Ok(())
    })
}

fn places(global: &Global, home: &Path) -> anyhow::Result<Places> {
    Ok(Places {
        data_dir: home.to_owned(),
        models_dir: global.models_dir()?,
        key_file: home.with_extension("key"),
        intents_dir: None,
    })
}

async fn play(app: &App, conversation: &Conversation, beside: &Path) -> anyhow::Result<()> {
    let setup = &conversation.setup;
    let channel = <turn::Channel as clap::ValueEnum>::from_str(&conversation.channel, false)
        .map_err(|_| anyhow::anyhow!("`channel` must be room, home, chat or third-party"))?;
    let person = match &setup.bundle {
        None => None,
        Some(bundle) => {
            let room = (channel == turn::Channel::Room).then_some(ROOM);
            let (pin, consent, at) = (setup.pin.as_deref(), setup.consent.as_deref(), app.ambient().now());
            Some(import::import_into(app.store(), &beside.join(bundle), pin, consent, room, at).await?)
        }
    };
    let caller = turn::caller(app, channel, ROOM, person.as_ref().map(crate::policy::PersonId::as_str)).await?;
    let mut session: Option<SessionId> = None;
    for (turn, step) in conversation.turns.iter().enumerate() {
        let input = match step {
            Step::Say { say } => Input::Text(say.clone()),
            Step::Event { event: Event::Silence } => Input::Silence,
        };
        let request = TurnRequest { caller: caller.clone(), session: session.clone(), turn: None, input, speak: false };
        let result = app.turn(request).await;
        session = Some(SessionId::parse(&result.session)?);
        println!("{}", serde_json::to_string(&Line { id: &conversation.id, turn, result })?);
    }
    Ok(())
}

/// A folder that goes when the command ends.
struct Scratch(PathBuf);

impl Scratch {
    fn new() -> anyhow::Result<Self> {
        let mut name = [0; 8];
        getrandom::fill(&mut name)?;
        let dir = std::env::temp_dir().join(format!("wellspoken-play-{}", hex::encode(name)));
        std::fs::create_dir(&dir).with_context(|| format!("cannot make {}", dir.display()))?;
        Ok(Self(dir))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if let Err(e) = std::fs::remove_dir_all(&self.0) {
            eprintln!("wellspoken: the scratch folder {} stays behind: {e}", self.0.display());
        }
    }
}
