//! `wellspoken intents`: check or list the intent catalogue.

use std::{
    fs,
    io::Write,
    path::{Path, PathBuf},
};

use anyhow::Context;

use super::Global;
use crate::{
    actions::Action,
    nlu::{
        alexa,
        catalogue::{Catalogue, IntentDef, Mistake, Sampler},
    },
    speech::reply::Replies,
};

/// Check or list the intent catalogue.
#[derive(Debug, clap::Args)]
pub struct IntentsArgs {
    #[command(subcommand)]
    command: IntentsCommand,
}

#[derive(Debug, clap::Subcommand)]
enum IntentsCommand {
    /// Explain every mistake with its file and line; fails when there is one.
    Check,
    /// Make a catalogue of an Alexa interaction model.
    Import {
        /// The model, as the developer console writes it (JSON).
        model: PathBuf,
        /// The folder to write it to. Files that are there are not overwritten.
        #[arg(long)]
        out: PathBuf,
    },
    /// Print the catalogue as an Alexa interaction model (JSON).
    Export {
        /// What the skill is called by: two words or more.
        #[arg(long, default_value = "well spoken")]
        invocation: String,
    },
    /// Print sentences the catalogue understands as they stand or learns from.
    Sample {
        /// An intent; all of them where none is named.
        intent: Option<String>,
        /// How many for each intent.
        #[arg(short, long, default_value_t = 10)]
        n: usize,
        /// Another seed draws other sentences.
        #[arg(long, default_value_t = 1)]
        seed: u64,
    },
}

/// Runs `wellspoken intents`.
///
/// # Errors
/// When the catalogue has a mistake, or the intent that was named does not exist.
pub fn run(global: &Global, args: IntentsArgs) -> anyhow::Result<()> {
    if let IntentsCommand::Import { model, out } = &args.command {
        return import(model, out);
    }
    let catalogue = catalogue(global)?;
    let mut out = std::io::stdout().lock();
    match args.command {
        IntentsCommand::Check => {
            let mut mistakes = catalogue.lint();
            mistakes.extend(against_the_program(&catalogue));
            mistakes.sort();
            for mistake in &mistakes {
                writeln!(out, "{mistake}")?;
            }
            let n = mistakes.len();
            anyhow::ensure!(n == 0, "{n} mistake{} in the catalogue", if n == 1 { "" } else { "s" });
            let sentences: usize = catalogue.intents().iter().map(|i| i.sentences.len() + i.examples.len()).sum();
            let (intents, tests) = (catalogue.intents().len(), catalogue.tests().len());
            writeln!(out, "{intents} intents, {sentences} sentences and examples, {tests} tests: no mistake")?;
        }
        IntentsCommand::Import { .. } => {}
        IntentsCommand::Export { invocation } => {
            serde_json::to_writer_pretty(&mut out, &alexa::export(&catalogue, &invocation)?)?;
            writeln!(out)?;
        }
        IntentsCommand::Sample { intent, n, seed } => {
            if let Some(name) = &intent {
                catalogue.intent(name).with_context(|| format!("there is no intent `{name}`"))?;
            }
            let mut sampler = Sampler::new(&catalogue, seed);
            for def in catalogue.intents().iter().filter(|d| intent.as_ref().is_none_or(|name| *name == d.name)) {
                for sentence in sampler.intent(&def.name, n) {
                    writeln!(out, "{}\t{sentence}", def.name)?;
                }
            }
        }
    }
    Ok(())
}

/// Reads the model, makes the files, and writes them where none of them is yet.
fn import(model: &Path, out: &Path) -> anyhow::Result<()> {
    let json = fs::read_to_string(model).with_context(|| format!("cannot read {}", model.display()))?;
    let imported = alexa::import(&json).with_context(|| format!("cannot import {}", model.display()))?;
    for (path, _) in &imported.files {
        let path = out.join(path);
        anyhow::ensure!(!path.exists(), "{} is there already; choose another folder", path.display());
    }
    for (path, text) in &imported.files {
        let path = out.join(path);
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
        }
        fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
    }
    let mut told = std::io::stdout().lock();
    for note in &imported.notes {
        writeln!(told, "{note}")?;
    }
    writeln!(
        told,
        "{} files in {out}; look at them with: wellspoken --intents {out} intents check",
        imported.files.len(),
        out = out.display()
    )?;
    Ok(())
}

/// What a catalogue asks of the program that the program does not have or does not allow: actions, looser classes,
/// replies that are no template. A catalogue of another domain names actions of its own, so only domains that have a
/// known action are looked at.
fn against_the_program(catalogue: &Catalogue) -> Vec<Mistake> {
    let mut mistakes = Vec::new();
    let known = |def: &IntentDef| def.action.as_deref().is_some_and(|name| Action::named(name).is_some());
    let ours = catalogue.intents().iter().any(known);
    for def in catalogue.intents() {
        let mut wrong =
            |what: String| mistakes.push(Mistake { at: def.at.clone(), what: format!("`{}`: {what}", def.name) });
        if let Some(name) = def.action.as_deref().filter(|_| ours && !def.name.starts_with("dialogue.")) {
            match Action::named(name).map(Action::floor) {
                None => wrong(format!("there is no action `{name}`; `action: none` with a `why` says that honestly")),
                Some(floor) => {
                    if let Err(e) = floor.tightened(def.data, def.effect, def.identity) {
                        wrong(e.to_string());
                    }
                }
            }
        }
        let prompts = def.slots.iter().filter_map(|s| Some((s.name.as_str(), s.prompt.as_deref()?)));
        let texts = prompts.chain(def.replies.iter().map(|(name, text)| (name.as_str(), text.as_str())));
        for (reply, text) in texts {
            if let Err(e) = Replies::compile([(def.name.as_str(), reply, text)]) {
                wrong(format!("the reply `{reply}` is no template: {e}"));
            }
        }
        // Two intents on one action are answered alike: what one of them can be answered, the other can be, too.
        let twins = catalogue.intents().iter().filter(|o| o.name != def.name && o.action == def.action && known(o));
        for twin in twins {
            let replies = twin.replies.keys().map(String::as_str);
            let lacking: Vec<&str> = replies.filter(|r| *r != "meant" && !def.replies.contains_key(*r)).collect();
            if !lacking.is_empty() {
                let lacking = lacking.join("`, `");
                wrong(format!("lacks the reply `{lacking}` that `{}` has for the same action", twin.name));
                break;
            }
        }
    }
    mistakes
}

/// The catalogue of `--intents`, else the one that comes with the program.
///
/// # Errors
/// Every mistake with its file and line.
pub fn catalogue(global: &Global) -> anyhow::Result<Catalogue> {
    match &global.intents {
        Some(dir) => Catalogue::load(dir).with_context(|| format!("the catalogue in {} has mistakes", dir.display())),
        None => Catalogue::builtin().context("the catalogue of the program has mistakes"),
    }
}
