//! `wellspoken intents`: check or list the intent catalogue.

use std::io::Write;

use anyhow::Context;

use super::Global;
use crate::nlu::catalogue::{Catalogue, Sampler};

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
    let catalogue = catalogue(global)?;
    let mut out = std::io::stdout().lock();
    match args.command {
        IntentsCommand::Check => {
            let mistakes = catalogue.lint();
            for mistake in &mistakes {
                writeln!(out, "{mistake}")?;
            }
            let n = mistakes.len();
            anyhow::ensure!(n == 0, "{n} mistake{} in the catalogue", if n == 1 { "" } else { "s" });
            let sentences: usize = catalogue.intents().iter().map(|i| i.sentences.len() + i.examples.len()).sum();
            let (intents, tests) = (catalogue.intents().len(), catalogue.tests().len());
            writeln!(out, "{intents} intents, {sentences} sentences and examples, {tests} tests: no mistake")?;
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
