//! `wellspoken evidence`: what is promised, what is configured, what just ran to see whether it holds, and what came of
//! it. A row is true or red by what was observed a moment ago, never by what a document says.
//!
//! Looking ([`observe`]) and judging ([`judge`]) are apart, so that a test can hand the judge a world in which one
//! promise is broken and see exactly its row turn red. The word "compliant" is not for a program to say.

pub mod judge;
pub mod observe;
pub mod seen;
mod staff;
pub mod sweep;

use judge::{Finding, Row};

use super::{Global, runtime};

/// Run the checks and print what was promised beside what was found.
#[derive(Debug, clap::Args)]
pub struct EvidenceArgs {
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

/// Runs `wellspoken evidence`; fails where a promise is broken.
///
/// # Errors
/// When the checks cannot run, or a promise is broken.
pub fn run(global: &Global, args: &EvidenceArgs) -> anyhow::Result<()> {
    let rows = runtime()?.block_on(async {
        let seen = observe::observe(global).await?;
        anyhow::Ok(judge::judge(&seen))
    })?;
    if args.json {
        println!("{}", serde_json::to_string_pretty(&serde_json::json!({ "rows": rows }))?);
    } else {
        rows.iter().for_each(print);
    }
    let broken = rows.iter().filter(|row| matches!(row.finding, Finding::Broken(_))).count();
    anyhow::ensure!(broken == 0, "{broken} of {} promises do not hold", rows.len());
    Ok(())
}

fn print(row: &Row) {
    let (mark, found) = match &row.finding {
        Finding::Held(found) => ("holds ", found),
        Finding::Broken(found) => ("BROKEN", found),
        Finding::Unchecked(why) => ("?     ", why),
    };
    println!(
        "{mark} {}\n       {}\n       found: {found}\n       configured: {}",
        row.promise, row.rule, row.configured
    );
}
