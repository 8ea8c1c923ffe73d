//! `wellspoken understand`: understand lines of text.

use std::{
    io::{BufRead, Read, Write},
    path::PathBuf,
    sync::Arc,
};

use anyhow::Context as _;
use serde_json::{Map, Value, json};

use super::{Global, intents};
use crate::{
    app::understanding,
    nlu::{Context, Engine, Interpretation, Pending},
    policy::{
        NameLists, Named,
        triage::{Utterance, triage},
    },
};

/// Longest line, in bytes.
const LONGEST: u64 = 1 << 20;

/// Understand lines of text.
#[derive(Debug, clap::Args)]
pub struct UnderstandArgs {
    /// Lines to understand; standard input where none is named.
    file: Option<PathBuf>,
    /// Lines are JSON objects with "text", and maybe "medicines" and "providers" (lists of names), "pending"
    /// ("intent" or "intent/slot") and "channel". Each is printed again with what was understood.
    #[arg(long)]
    jsonl: bool,
}

/// Runs `wellspoken understand`.
///
/// # Errors
/// When the catalogue has a mistake, or a line is no text.
pub fn run(global: &Global, args: UnderstandArgs) -> anyhow::Result<()> {
    let catalogue = Arc::new(intents::catalogue(global)?);
    let (engine, by_words) = understanding::engine(&global.models_dir()?, catalogue)?;
    if let Some(why) = by_words {
        eprintln!("understanding goes by words alone: {why}");
    }
    let zone = global.config()?.place.zone;
    let zone = jiff::tz::TimeZone::get(&zone).with_context(|| format!("`{zone}` is no time zone"))?;
    let reader: Box<dyn Read> = match &args.file {
        Some(path) => Box::new(std::fs::File::open(path).with_context(|| format!("cannot open {}", path.display()))?),
        None => Box::new(std::io::stdin()),
    };
    let mut reader = std::io::BufReader::new(reader);
    let mut out = std::io::stdout().lock();
    let (mut number, mut bad) = (0_u64, 0_u64);
    while let Some(line) = read_line(&mut reader)? {
        number += 1;
        let now = global.now.unwrap_or_else(crate::ambient::system_now);
        let text = line.trim();
        if text.is_empty() {
            continue;
        }
        if args.jsonl {
            let answer = json_line(&engine, text, now, &zone).unwrap_or_else(|e| {
                bad += 1;
                json!({ "error": format!("line {number}: {e:#}") })
            });
            writeln!(out, "{answer}")?;
        } else {
            let lists = NameLists::default();
            let ctx = Context { channel: "home", pending: None, lists: &lists, now, zone: &zone };
            writeln!(out, "{}", text_line(text, &engine.understand(text, &ctx))?)?;
        }
    }
    anyhow::ensure!(bad == 0, "{bad} lines were not understood as JSON with \"text\"");
    Ok(())
}

/// The next line, lossily where it is not UTF-8.
fn read_line(reader: &mut impl BufRead) -> anyhow::Result<Option<String>> {
    let mut bytes = Vec::new();
    let read = reader.take(LONGEST).read_until(b'\n', &mut bytes)?;
    anyhow::ensure!((read as u64) < LONGEST, "a line is longer than {LONGEST} bytes");
    Ok((read > 0).then(|| String::from_utf8_lossy(&bytes).into_owned()))
}

fn json_line(engine: &Engine, line: &str, now: jiff::Timestamp, zone: &jiff::tz::TimeZone) -> anyhow::Result<Value> {
    let mut object: Map<String, Value> = serde_json::from_str(line).context("not a JSON object")?;
    let text = object.get("text").and_then(Value::as_str).context("\"text\" is missing")?.to_owned();
    let named = |key: &str| -> Vec<Named> {
        let names = object.get(key).and_then(Value::as_array).into_iter().flatten();
        names.filter_map(Value::as_str).map(|n| Named { name: n.to_owned(), aliases: Vec::new() }).collect()
    };
    let lists = NameLists { medicines: named("medicines"), providers: named("providers") };
    let pending = object.get("pending").and_then(Value::as_str).map(str::to_owned);
    let pending = pending.as_deref().map(|p| match p.split_once('/') {
        Some((intent, slot)) => Pending { intent, slot: Some(slot) },
        None => Pending { intent: p, slot: None },
    });
    let channel = object.get("channel").and_then(Value::as_str).unwrap_or("home").to_owned();
    let understood = engine.understand(&text, &Context { channel: &channel, pending, lists: &lists, now, zone });
    if let Value::Object(understood) = serde_json::to_value(&understood)? {
        object.extend(understood);
    }
    object.insert("triage".to_owned(), serde_json::to_value(triage(&Utterance::typed(&text)))?);
    Ok(Value::Object(object))
}

fn text_line(text: &str, understood: &Interpretation) -> anyhow::Result<String> {
    let mut line = format!("{text}\n  {} ({:.2})", understood.intent, understood.confidence);
    for (name, slot) in &understood.slots {
        line +=
            &format!("\n  {name}: {} (“{}”, {:.2})", serde_json::to_string(&slot.value)?, slot.spoken, slot.confidence);
    }
    Ok(line)
}
