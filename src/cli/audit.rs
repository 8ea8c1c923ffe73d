//! `wellspoken audit`: verify or print the audit chain. Needs no key, and changes nothing.

use std::io::{BufWriter, Write};

use anyhow::{Context, bail};

use super::Global;
use crate::store::{AuditReader, AuditReport, Break};

/// Arguments of `wellspoken audit`.
#[derive(Debug, clap::Args)]
pub struct AuditArgs {
    #[command(subcommand)]
    command: AuditCommand,
}

#[derive(Debug, clap::Subcommand)]
enum AuditCommand {
    /// Recompute every hash and name the first entry that does not fit; exits with 1 if there is one.
    Verify {
        /// The hash of a head that was noted before. Finds out that the end of the chain was cut off.
        #[arg(long, value_name = "HASH")]
        expect_head: Option<String>,
        /// Print the findings as one JSON object.
        #[arg(long)]
        json: bool,
    },
    /// Print one JSON object a line for each entry: when, what kind, through which channel; nothing personal.
    Export,
}

/// Runs `wellspoken audit`.
///
/// # Errors
/// What was wrong, where, and what to do.
pub fn run(global: &Global, args: AuditArgs) -> anyhow::Result<()> {
    let url = global.database_url()?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let reader = AuditReader::open(&url).await?;
        match args.command {
            AuditCommand::Verify { expect_head, json } => {
                let expected = expect_head.as_deref().map(head).transpose()?;
                let report = reader.verify(expected).await?;
                if json {
                    println!("{}", serde_json::to_string(&report)?);
                }
                told(&report, json)
            }
            AuditCommand::Export => {
                let mut out = BufWriter::new(std::io::stdout());
                reader.export(&mut out).await?;
                Ok(out.flush()?)
            }
        }
    })
}

fn head(text: &str) -> anyhow::Result<[u8; 32]> {
    hex::decode(text)
        .ok()
        .and_then(|bytes| bytes.try_into().ok())
        .with_context(|| format!("--expect-head: `{text}` is not a head; it must be 64 hexadecimal digits"))
}

fn told(report: &AuditReport, json: bool) -> anyhow::Result<()> {
    if let Some(broken) = &report.broken {
        let how = match broken.how {
            Break::Missing => "is missing",
            Break::Changed => "was changed or moved",
        };
        bail!(
            "the audit chain is broken: entry {} {how}; the {} entries before it fit. Compare with a backup",
            broken.entry,
            report.entries
        );
    }
    if report.expected_head_found == Some(false) {
        bail!(
            "the expected head is not in the chain: entries after it were cut off, or the chain was made anew. Compare with a backup"
        );
    }
    if !json {
        println!("{} entries fit; head {}", report.entries, report.head);
    }
    Ok(())
}
