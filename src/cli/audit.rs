//! `wellspoken audit`: verify, export or review the audit chain. Verifying needs no key and changes nothing; an
//! export is verified without the database.

use std::{
    fs::{File, OpenOptions},
    io::{BufWriter, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use anyhow::{Context, bail};
use jiff::{SignedDuration, Timestamp};
use tokio::io::{AsyncWrite, AsyncWriteExt as _};

use super::{Global, config_store, keys::whoever, runtime};
use crate::{
    ambient::system_now,
    store::{
        AuditReader, AuditReport, Break, ExportOptions, ExportReport, Misfit, PublicKey, ReviewRule, Store,
        verify_export,
    },
};

/// Arguments of `wellspoken audit`.
#[derive(Debug, clap::Args)]
pub struct AuditArgs {
    #[command(subcommand)]
    command: AuditCommand,
}

#[derive(Debug, clap::Subcommand)]
enum AuditCommand {
    /// Recompute every hash, check every signed head, and name the first entry that does not fit; exits with 1 if
    /// there is one. Needs no key.
    Verify {
        /// The hash of a head that was noted before. Finds out that the end of the chain was cut off.
        #[arg(long, value_name = "HASH")]
        expect_head: Option<String>,
        /// Verify this export instead of the database: needs nothing but the public key.
        #[arg(long, value_name = "FILE", requires = "public_key", conflicts_with = "expect_head")]
        export: Option<PathBuf>,
        /// What `audit public-key` printed, kept where nobody who may change the database may change it.
        #[arg(long, value_name = "FILE")]
        public_key: Option<PathBuf>,
        /// Print the findings as one JSON object.
        #[arg(long)]
        json: bool,
    },
    /// Write the chain as signed FHIR R4 AuditEvents, one a line. That it was exported stands in the chain.
    Export(ExportArgs),
    /// Print the public key that exports and signed heads verify with.
    PublicKey,
    /// Report who opened many people that were new to them. A reason to ask, not a verdict.
    Review {
        /// From this time (RFC 3339).
        #[arg(long)]
        from: Option<Timestamp>,
        /// Until this time.
        #[arg(long)]
        to: Option<Timestamp>,
        /// One JSON object.
        #[arg(long)]
        json: bool,
    },
}

#[derive(Debug, clap::Args)]
struct ExportArgs {
    /// From the first entry at or after this time (RFC 3339).
    #[arg(long)]
    from: Option<Timestamp>,
    /// To the last entry before this time.
    #[arg(long)]
    to: Option<Timestamp>,
    /// Into this file, which is made; otherwise to standard output.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// One FHIR Bundle instead of one resource a line.
    #[arg(long)]
    bundle: bool,
    /// Only when, what kind and through which channel, nothing personal, unsigned; needs no key.
    #[arg(long, conflicts_with_all = ["from", "to", "bundle"])]
    outline: bool,
}

/// Runs `wellspoken audit`.
///
/// # Errors
/// What was wrong, where, and what to do.
pub fn run(global: &Global, args: AuditArgs) -> anyhow::Result<()> {
    match args.command {
        AuditCommand::Verify { export: Some(export), public_key: Some(key), json, .. } => offline(&export, &key, json),
        AuditCommand::Verify { expect_head, public_key, json, .. } => {
            runtime()?.block_on(verify(global, expect_head.as_deref(), public_key.as_deref(), json))
        }
        AuditCommand::Export(args) => runtime()?.block_on(export(global, &args)),
        AuditCommand::PublicKey => runtime()?.block_on(async {
            let store = config_store(global).await?;
            print!("{}", store.audit_public_key().pem());
            store.close().await;
            Ok(())
        }),
        AuditCommand::Review { from, to, json } => runtime()?.block_on(async {
            let store = config_store(global).await?;
            let done = review(global, &store, from, to, json).await;
            store.close().await;
            done
        }),
    }
}

async fn verify(
    global: &Global,
    expect_head: Option<&str>,
    public_key: Option<&Path>,
    json: bool,
) -> anyhow::Result<()> {
    let key = public_key.map(read_key).transpose()?;
    let reader = AuditReader::open(&global.database_url()?).await?;
    let report = reader.verify(expect_head.map(head).transpose()?, key.as_ref()).await?;
    if json {
        println!("{}", serde_json::to_string(&report)?);
    }
    told(&report, json)
}

fn offline(export: &Path, key: &Path, json: bool) -> anyhow::Result<()> {
    let key = read_key(key)?;
    let file = File::open(export).with_context(|| format!("cannot read {}", export.display()))?;
    let report = verify_export(file, &key).with_context(|| format!("cannot read {}", export.display()))?;
    if json {
        println!("{}", serde_json::to_string(&report)?);
    }
    told_offline(&report, json)
}

fn read_key(path: &Path) -> anyhow::Result<PublicKey> {
    let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    PublicKey::parse(&text).with_context(|| path.display().to_string())
}

async fn export(global: &Global, args: &ExportArgs) -> anyhow::Result<()> {
    // It tells who asked for whose data: for its owner alone, and never over another file.
    let make = |path: &PathBuf| {
        let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
        file.with_context(|| format!("cannot make {}", path.display()))
    };
    let file = args.out.as_ref().map(make).transpose()?;
    if args.outline {
        let mut out: BufWriter<Box<dyn Write + Send>> = BufWriter::new(match file {
            Some(file) => Box::new(file),
            None => Box::new(std::io::stdout()),
        });
        AuditReader::open(&global.database_url()?).await?.outline(&mut out).await?;
        return Ok(out.flush()?);
    }
    let out: Box<dyn AsyncWrite + Send + Unpin> = match file {
        Some(file) => Box::new(tokio::fs::File::from_std(file)),
        None => Box::new(tokio::io::stdout()),
    };
    let mut out = tokio::io::BufWriter::new(out);
    let store = config_store(global).await?;
    let options = ExportOptions {
        from: args.from,
        to: args.to,
        bundle: args.bundle,
        by: whoever(),
        organization: global.config()?.place.organization,
        at: global.now.unwrap_or_else(system_now),
    };
    let exported = store.audit_export(&options, &mut out).await;
    store.close().await;
    // What was written so far is there, also where it broke off.
    out.flush().await?;
    let exported = exported?;
    eprintln!("{} entries; of {} the key was destroyed", exported.entries, exported.unreadable);
    Ok(())
}

async fn review(
    global: &Global,
    store: &Store,
    from: Option<Timestamp>,
    to: Option<Timestamp>,
    json: bool,
) -> anyhow::Result<()> {
    let config = global.config()?.audit;
    let rule = ReviewRule {
        people: config.review_people,
        window: SignedDuration::from_mins(i64::from(config.review_window_minutes)),
        known: SignedDuration::from_hours(24 * i64::from(config.review_known_days)),
    };
    let now = global.now.unwrap_or_else(system_now);
    let review = store.audit_review(rule, from, to, &whoever(), now).await?;
    if json {
        println!("{}", serde_json::to_string(&review)?);
        return Ok(());
    }
    Ok(review.tell(&mut std::io::stdout())?)
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
            Break::NotAsSigned => "is not the one whose head was signed: entries up to it were changed and made to fit",
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
        println!("{} entries and {} signed heads fit; head {}", report.entries, report.checkpoints, report.head);
    }
    Ok(())
}

fn told_offline(report: &ExportReport, json: bool) -> anyhow::Result<()> {
    let what = match report.broken {
        Some(Misfit::Changed(n)) => format!("entry {n} was changed, or signed by another key"),
        Some(Misfit::Missing(n)) => format!("entry {n} is not in its place: it was moved or taken out"),
        Some(Misfit::CutOff(n)) => format!("it breaks off after entry {n}"),
        Some(Misfit::NotAsSigned(n)) => format!("the chain up to entry {n} is not the one that was signed at the time"),
        Some(Misfit::Added(n)) => format!("something was added after entry {n}, the last"),
        None => {
            if !json {
                let ExportReport { first, last, checkpoints, head, .. } = report;
                println!("entries {first} to {last} and {checkpoints} signed heads fit; head {head}");
            }
            return Ok(());
        }
    };
    bail!("the export does not fit: {what}. Export again from the database, or compare with another copy")
}
