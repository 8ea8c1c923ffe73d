//! `wellspoken bench understand`: how much is understood, how often it guesses, and what that costs.

use std::{path::PathBuf, sync::Arc};

use serde::Serialize;

use super::super::{Global, intents};
use crate::app::understanding;

mod clinc;
mod cost;
mod own;

/// Measure understanding: on the catalogue's own held-out sentences, and on CLINC150 where it is named.
#[derive(Debug, clap::Args)]
pub struct UnderstandBenchArgs {
    /// A folder with `clinc150/data_full.json` in it.
    #[arg(long)]
    data: Option<PathBuf>,
    /// One JSON object.
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Report {
    /// Whether the sentence network took part.
    meaning: bool,
    own: own::Own,
    cost: cost::Cost,
    clinc150: Option<clinc::Clinc>,
}

/// Runs `wellspoken bench understand`.
///
/// # Errors
/// When the catalogue has a mistake or the data cannot be read.
pub fn run(global: &Global, args: UnderstandBenchArgs) -> anyhow::Result<()> {
    let catalogue = Arc::new(intents::catalogue(global)?);
    let models = global.models_dir()?;
    let (engine, by_words) = understanding::engine(&models, Arc::clone(&catalogue))?;
    if let Some(why) = by_words {
        eprintln!("understanding goes by words alone: {why}");
    }
    let own = own::measure(&engine)?;
    let cost = cost::measure(&models, &engine, &catalogue)?;
    let clinc150 = args.data.map(|data| clinc::measure(&models, &data)).transpose()?;
    let report = Report { meaning: engine.knows_meaning(), own, cost, clinc150 };
    if args.json {
        println!("{}", serde_json::to_string(&report)?);
        return Ok(());
    }
    println!("{}", if report.meaning { "by words, letters and meaning" } else { "by words and letters alone" });
    report.own.print();
    report.cost.print();
    if let Some(clinc) = &report.clinc150 {
        clinc.print();
    }
    Ok(())
}

/// A share in percent; 0 of nothing.
fn percent(part: usize, whole: usize) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 * 100.0 / whole as f64 }
}
