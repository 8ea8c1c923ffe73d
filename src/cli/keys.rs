//! `wellspoken keys`: the master key and the keys under it. Prints no secret.

use std::{
    io::{IsTerminal as _, Write as _},
    time::Instant,
};

use anyhow::{Context as _, bail};
use clap::Subcommand;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::{Global, config_store, runtime};
use crate::{
    ambient::system_now,
    config::Provider,
    policy::{PersonId, StayId},
    store::{KeyStatus, Store},
};

/// Arguments of `wellspoken keys`.
#[derive(Debug, clap::Args)]
pub struct KeysArgs {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Who holds the master key, how many keys are under it, whether a rotation is unfinished.
    Status {
        /// One JSON object.
        #[arg(long)]
        json: bool,
    },
    /// Put a new master key in the place of the old one, while the server runs. Killed in the middle, run it again.
    Rotate {
        /// One JSON object.
        #[arg(long)]
        json: bool,
    },
    /// Destroy the key of a person or a stay: everything of theirs becomes unreadable, in every backup of the
    /// database too. This cannot be undone.
    Destroy(DestroyArgs),
}

#[derive(Debug, clap::Args)]
#[group(required = true, multiple = false, id = "whose")]
struct Whose {
    /// The person: the id that `import` printed.
    #[arg(long)]
    person: Option<String>,
    /// The stay: the id of one admission.
    #[arg(long)]
    stay: Option<String>,
}

#[derive(Debug, clap::Args)]
struct DestroyArgs {
    #[command(flatten)]
    whose: Whose,
    /// Do not ask for the id once more.
    #[arg(long)]
    yes: bool,
}

/// Runs `wellspoken keys`.
///
/// # Errors
/// What was wrong, where, and what to do.
pub fn run(global: &Global, args: KeysArgs) -> anyhow::Result<()> {
    if let What::Destroy(args) = &args.what {
        // Before anything is opened: who changes their mind leaves no trace.
        confirmed(args)?;
    }
    runtime()?.block_on(async {
        let store = config_store(global).await?;
        let done = match args.what {
            What::Status { json } => status(&store, json).await,
            What::Rotate { json } => rotate(global, &store, json).await,
            What::Destroy(args) => destroy(global, &store, &args.whose).await,
        };
        store.close().await;
        done
    })
}

async fn status(store: &Store, json: bool) -> anyhow::Result<()> {
    let status = store.key_status().await?;
    if json {
        println!("{}", serde_json::to_string(&status)?);
    } else {
        print!("{}", told(&status));
    }
    Ok(())
}

fn told(status: &KeyStatus) -> String {
    use std::fmt::Write as _;
    let mut text =
        format!("the master key is {}\nkeys: {}\nrotations: {}\n", status.provider, status.keys, status.rotations);
    for (version, keys) in &status.versions {
        let _ = writeln!(text, "under version {version} of the transit key: {keys}");
    }
    if status.under_another > 0 {
        let _ = writeln!(text, "under another master key: {}", status.under_another);
    }
    if status.unreadable > 0 {
        let _ = writeln!(
            text,
            "unreadable: {}. Restore the key store, with its master key, from the backup",
            status.unreadable
        );
    }
    if status.unfinished {
        text.push_str("a rotation is under way, or was broken off: run `wellspoken keys rotate` to finish it\n");
    }
    text
}

async fn rotate(global: &Global, store: &Store, json: bool) -> anyhow::Result<()> {
    let config = global.config()?.keys;
    let bar = ProgressBar::hidden();
    if std::io::stderr().is_terminal() {
        bar.set_draw_target(ProgressDrawTarget::stderr());
    }
    if let Ok(style) = ProgressStyle::with_template("{pos} of {len} keys {bar:30} {eta}") {
        bar.set_style(style);
    }
    let (shown, begun) = (bar.clone(), Instant::now());
    let rotated = store
        .rotate_keys(&whoever(), global.now.unwrap_or_else(system_now), move |done, all| {
            shown.set_length(all);
            shown.set_position(done);
        })
        .await?;
    bar.finish_and_clear();
    if json {
        println!("{}", serde_json::to_string(&rotated)?);
        return Ok(());
    }
    println!(
        "{} keys wrapped anew, {} were already; {:.1} s",
        rotated.rewrapped,
        rotated.already,
        begun.elapsed().as_secs_f64()
    );
    let then = match (config.provider, config.next) {
        (_, Some(next)) => format!(
            "now set keys.provider to `{}` and take keys.next out; then destroy the old master key and its copies",
            name(next)
        ),
        (Provider::File, None) => {
            "now back up the new master key file and the key store, and destroy the copies of the old ones".into()
        }
        (Provider::Env, None) => format!(
            "now set {0} to the value of {0}_NEXT, take {0}_NEXT out, restart, and destroy the copies of the old one",
            config.variable
        ),
        (Provider::Transit, None) => {
            "now raise min_decryption_version of the transit key, so that the old version opens nothing more".into()
        }
    };
    println!("{then}");
    Ok(())
}

const fn name(provider: Provider) -> &'static str {
    match provider {
        Provider::File => "file",
        Provider::Env => "env",
        Provider::Transit => "transit",
    }
}

/// What the person at the terminal must type, or `--yes`.
fn confirmed(args: &DestroyArgs) -> anyhow::Result<()> {
    if args.yes {
        return Ok(());
    }
    let id = args.whose.person.as_ref().or(args.whose.stay.as_ref()).context("--person or --stay is needed")?;
    print!("Everything of theirs becomes unreadable, for good. Type the id once more to destroy the key: ");
    std::io::stdout().flush()?;
    let mut typed = String::new();
    std::io::stdin().read_line(&mut typed)?;
    if typed.trim() != id {
        bail!("that is another id; nothing was destroyed");
    }
    Ok(())
}

async fn destroy(global: &Global, store: &Store, whose: &Whose) -> anyhow::Result<()> {
    let at = global.now.unwrap_or_else(system_now);
    let destroyed = match (&whose.person, &whose.stay) {
        (Some(id), _) => store.destroy_person(&PersonId::parse(id)?, &whoever(), at).await?,
        (None, Some(id)) => store.destroy_stay(&StayId::parse(id)?, &whoever(), at).await?,
        (None, None) => bail!("--person or --stay is needed"),
    };
    if !destroyed {
        bail!("there is no such key: it was destroyed before, or the id is of nobody known here");
    }
    println!("destroyed. It is gone for good once the backups of the key store that hold it are gone");
    Ok(())
}

/// Who runs the command, for the audit chain: the operating system's number of the user.
pub fn whoever() -> String {
    format!("uid {}", rustix::process::getuid().as_raw())
}
