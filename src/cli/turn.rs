//! `wellspoken turn`: one turn of a conversation.

use std::path::PathBuf;

use anyhow::Context as _;
use clap::ValueEnum;

use super::{Global, open_app, runtime};
use crate::{
    app::{App, Senses},
    policy::{Caller, CredentialId, PersonId, Proof, RoomId, SessionId, Surface},
    turn::{Input, TurnRequest},
};

/// One turn. `--as` and `--channel` are for whoever holds the key file; over the network both come from the credential.
#[derive(Debug, clap::Args)]
pub struct TurnArgs {
    /// What was said, as a WAV file.
    #[arg(long, conflicts_with = "text", required_unless_present = "text")]
    audio: Option<PathBuf>,
    /// What was said, typed.
    #[arg(long)]
    text: Option<String>,
    /// The person who speaks: the id that `import` printed.
    #[arg(long = "as", value_name = "PERSON")]
    person: Option<String>,
    /// The channel it comes through.
    #[arg(long, value_enum, default_value = "chat")]
    channel: Channel,
    /// The room or place of the device, for the channels `room` and `home`.
    #[arg(long, default_value = "room-1")]
    room: String,
    /// The conversation to go on with.
    #[arg(long)]
    session: Option<String>,
    /// The client's name for this turn; repeating it never acts twice.
    #[arg(long)]
    turn_id: Option<String>,
    /// Speak the answer into this file.
    #[arg(long, value_name = "F.wav")]
    audio_out: Option<PathBuf>,
    /// Print the whole result as JSON.
    #[arg(long)]
    json: bool,
}

/// Channels, as the command line names them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Channel {
    /// A device in a hospital room.
    Room,
    /// A device at home.
    Home,
    /// The organization's own page or app.
    Chat,
    /// A platform of somebody else's.
    ThirdParty,
}

/// Runs `wellspoken turn`.
///
/// # Errors
/// What was wrong, where, and what to do.
pub fn run(global: &Global, args: TurnArgs) -> anyhow::Result<()> {
    let input = match (&args.audio, args.text) {
        (Some(path), _) => {
            Input::Audio(std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?)
        }
        (None, Some(text)) => Input::Text(text),
        (None, None) => anyhow::bail!("say something with --text or --audio"),
    };
    let senses = Senses { ears: args.audio.is_some(), voice: args.audio_out.is_some() };
    runtime()?.block_on(async {
        let app = open_app(global, senses).await?;
        if let Some(warning) = app.warnings.first() {
            anyhow::bail!("{warning}");
        }
        let request = TurnRequest {
            caller: caller(&app, args.channel, &args.room, args.person.as_deref()).await?,
            session: args.session.as_deref().map(SessionId::parse).transpose()?,
            turn: args.turn_id.as_deref().map(crate::policy::TurnId::parse).transpose()?,
            input,
            speak: args.audio_out.is_some(),
        };
        let result = app.turn(request).await;
        app.close().await;
        if let Some(path) = &args.audio_out {
            let wav = result.audio.as_ref().context("the answer could not be spoken")?;
            std::fs::write(path, wav).with_context(|| format!("cannot write {}", path.display()))?;
        }
        if args.json {
            println!("{}", serde_json::to_string(&result)?);
        } else {
            println!("{}", result.reply);
        }
        Ok(())
    })
}

/// A caller as whoever holds the key file names it.
///
/// # Errors
/// When the person is not known, or an id cannot be one.
pub async fn caller(app: &App, channel: Channel, room: &str, person: Option<&str>) -> anyhow::Result<Caller> {
    let surface = match channel {
        Channel::Room => Surface::Room(RoomId::parse(room)?),
        Channel::Home => Surface::Home(RoomId::parse(room)?),
        Channel::Chat => Surface::Chat,
        Channel::ThirdParty => Surface::ThirdParty,
    };
    let mut stay = None;
    let mut known = person.map(PersonId::parse).transpose()?;
    if let Some(id) = &known
        && !app.store().person_exists(id).await?
    {
        anyhow::bail!("nobody with the id that --as gives is known here; `wellspoken import` prints ids");
    }
    if let Surface::Room(room) = &surface
        && let Some(occupant) = app.store().occupant(room).await?
        && known.as_ref().is_none_or(|id| *id == occupant.person)
    {
        known = Some(occupant.person);
        stay = Some(occupant.stay);
    }
    Ok(Caller {
        surface,
        credential: CredentialId::parse("command-line")?,
        person: known,
        stay,
        proof: Proof::None,
        house: None,
    })
}
