//! `wellspoken device`: a device for trying and measuring, which plays a recording as if somebody said it.

use std::{fs, path::PathBuf};

use anyhow::{Context as _, bail};

use super::{Global, runtime};
use crate::{
    ambient::Ambient,
    asr::wav,
    device::message::Reason,
    policy::{SessionId, TurnId},
    speech::voice,
};

pub mod line;
pub mod talk;

use line::{Identity, Target};
use talk::{Answered, Device, Utterance};

/// A device that plays a recording to a server and prints what comes back.
#[derive(Debug, clap::Args)]
pub struct DeviceArgs {
    /// The server, such as http://127.0.0.1:8770.
    #[arg(long)]
    url: String,
    /// What is said: WAV files, one after the other in one conversation.
    #[arg(long, required = true, num_args = 1..)]
    mic: Vec<PathBuf>,
    /// A file with the device's token.
    #[arg(long, required_unless_present = "cert", conflicts_with = "cert")]
    token_file: Option<PathBuf>,
    /// The device's certificate (PEM).
    #[arg(long, requires = "key")]
    cert: Option<PathBuf>,
    /// Its key (PEM).
    #[arg(long, requires = "cert")]
    key: Option<PathBuf>,
    /// Whose certificate the server must have (PEM); the usual authorities otherwise.
    #[arg(long)]
    ca: Option<PathBuf>,
    /// Send the sound as fast as the link takes it, not at the pace of speech.
    #[arg(long)]
    fast: bool,
    /// Write the answers' sound here (WAV).
    #[arg(long)]
    save: Option<PathBuf>,
    /// How often a lost connection is tried again for each recording.
    #[arg(long, default_value_t = 8)]
    tries: u32,
    /// Then stay connected for so many seconds and print what the server says by itself.
    #[arg(long, default_value_t = 0)]
    stay: u64,
}

/// Runs `wellspoken device`.
///
/// # Errors
/// What was wrong, where, and what to do.
pub fn run(global: &Global, args: &DeviceArgs) -> anyhow::Result<()> {
    let ambient = Ambient::system(global.now)?;
    let token = args.token_file.as_ref().map(|file| {
        let text = fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
        anyhow::Ok(text.trim().to_owned())
    });
    let identity = Identity { cert: args.cert.clone(), key: args.key.clone(), ca: args.ca.clone() };
    let target = Target::new(&args.url, token.transpose()?, &identity)?;
    runtime()?.block_on(talk(args, target, &ambient))
}

async fn talk(args: &DeviceArgs, target: Target, ambient: &Ambient) -> anyhow::Result<()> {
    let mut device = Device::new(target, ambient);
    let (mut session, mut speech, mut follows) = (None, (vec![], 0), false);
    for file in &args.mic {
        let samples = recording(file)?;
        let utterance = Utterance {
            name: TurnId::fresh(ambient.now(), ambient.random()),
            reason: if follows { Reason::FollowUp } else { Reason::Wake },
            session: session.clone(),
            samples: &samples,
            fast: args.fast,
        };
        let answered = device.say(&utterance, args.tries).await.with_context(|| file.display().to_string())?;
        print!("{}", shown(&answered, device.connections));
        session = answered.turn["session"].as_str().and_then(|name| SessionId::parse(name).ok());
        follows = answered.turn["follow_up_ms"].as_u64().is_some_and(|ms| ms > 0);
        speech.0.extend(answered.speech.0);
        speech.1 = answered.speech.1.max(speech.1);
    }
    if args.stay > 0 {
        device.idle(std::time::Duration::from_secs(args.stay)).await?;
    }
    for event in &device.events {
        println!(
            "event {} {}{}",
            event.seq,
            event.event.kind(),
            event.event.words().map(|w| format!(": {w}")).unwrap_or_default()
        );
    }
    if let Some(file) = &args.save {
        if speech.0.is_empty() {
            bail!("the answers came without sound, so there is nothing to save; see: wellspoken models list");
        }
        let samples: Vec<f32> = speech.0.iter().map(|s| f32::from(*s) / f32::from(i16::MAX)).collect();
        fs::write(file, voice::wav(&samples, speech.1)?).with_context(|| format!("cannot write {}", file.display()))?;
    }
    Ok(())
}

/// A recording as a microphone gives it: 16 kHz, one channel.
///
/// # Errors
/// When the file cannot be read, or is no recording.
pub fn recording(file: &std::path::Path) -> anyhow::Result<Vec<i16>> {
    let bytes = fs::read(file).with_context(|| format!("cannot read {}", file.display()))?;
    let samples = wav::decode(&bytes).with_context(|| file.display().to_string())?;
    Ok(samples.into_iter().map(|s| (s.clamp(-1.0, 1.0) * f32::from(i16::MAX)).round() as i16).collect())
}

fn shown(answered: &Answered, connections: u32) -> String {
    let ms = |time: std::time::Duration| time.as_millis();
    let text = |field: &str| answered.turn[field].as_str().unwrap_or_default().to_owned();
    format!(
        "heard   {}\nanswer  {} [{} {}]\ntimes   answer {} ms, sound {} after the last word; {} connections{}\n",
        answered.heard.as_deref().unwrap_or("(nothing)"),
        text("reply"),
        text("intent"),
        text("state"),
        ms(answered.answer_after),
        answered.sound_after.map_or_else(|| "none".to_owned(), |after| format!("{} ms", ms(after))),
        connections,
        if answered.slow { "; it took a moment" } else { "" },
    )
}
