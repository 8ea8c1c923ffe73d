//! `wellspoken evidence`: what is promised, what is configured, what just ran to see whether it holds, and what came of
//! it. A row is true or red by what was observed a moment ago, never by what a document says.
//!
//! Looking ([`observe`]) and judging ([`judge`]) are apart, so that a test can hand the judge a world in which one
//! promise is broken and see exactly its row turn red. The word "compliant" is not for a program to say.

mod care;
pub mod judge;
pub mod observe;
mod rights;
pub mod seen;
mod speaking;
mod staff;
pub mod sweep;

use judge::{Finding, Row};

use super::{Global, config_store, keys, runtime};
use crate::store::Checked;

/// Run the checks and print what was promised beside what was found.
#[derive(Debug, clap::Args)]
pub struct EvidenceArgs {
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
    /// Keep what came of it, with the time: whoever asks the assistant how they are protected is told of it.
    #[arg(long)]
    record: bool,
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
    let count = |is: fn(&Finding) -> bool| rows.iter().filter(|row| is(&row.finding)).count();
    let broken = count(|finding| matches!(finding, Finding::Broken(_)));
    if args.record {
        let counted = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        let checked = Checked {
            at: global.now.unwrap_or_else(crate::ambient::system_now),
            checks: counted(rows.len()),
            broken: counted(broken),
            unchecked: counted(count(|finding| matches!(finding, Finding::Unchecked(_)))),
        };
        runtime()?.block_on(record(global, checked))?;
    }
    anyhow::ensure!(broken == 0, "{broken} of {} promises do not hold", rows.len());
    Ok(())
}

async fn record(global: &Global, checked: Checked) -> anyhow::Result<()> {
    let store = config_store(global).await?;
    let kept = store.record_check(checked, &keys::whoever()).await;
    store.close().await;
    Ok(kept?)
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
