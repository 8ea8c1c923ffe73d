//! `wellspoken access`: who wants to come in, and letting them in by stages.

use anyhow::{Context as _, bail};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use clap::Subcommand;

use super::{Global, config_store, keys::whoever, runtime};
use crate::{
    ambient::Ambient,
    store::{Store, Waiting},
};

/// See who waits, and let people in.
#[derive(Debug, clap::Args)]
pub struct AccessArgs {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Everybody who wants to come in, in the order of their asking.
    List {
        /// One JSON array.
        #[arg(long)]
        json: bool,
    },
    /// Let people in: each becomes a person of whom nothing is known, and gets a letter with a one-time link to a page of
    /// their own. The server sends the letters.
    Enable {
        /// The first so many of those who wait.
        #[arg(long, visible_alias = "next", conflicts_with = "id")]
        first: Option<usize>,
        /// These, by their id as `list` prints it.
        #[arg(long)]
        id: Vec<String>,
    },
}

/// Runs `wellspoken access`.
///
/// # Errors
/// What was wrong, where, and what to do.
pub fn run(global: &Global, args: AccessArgs) -> anyhow::Result<()> {
    let ambient = Ambient::system(global.now).context("the system has no randomness to give")?;
    let letters = global.config()?.mail.is_some();
    runtime()?.block_on(async {
        let store = config_store(global).await?;
        let done = match args.what {
            What::List { json } => list(&store, json).await,
            What::Enable { .. } if !letters => {
                Err(anyhow::anyhow!("[mail] is missing in the configuration, so nobody could be told"))
            }
            What::Enable { first, id } => enable(&store, first, &id, &ambient).await,
        };
        store.close().await;
        done
    })
}

async fn list(store: &Store, json: bool) -> anyhow::Result<()> {
    let waiting = store.waiting().await?;
    if json {
        println!("{}", serde_json::to_string(&waiting)?);
        return Ok(());
    }
    for one in &waiting {
        let person = one.person.as_ref().map(|id| format!("  {id}")).unwrap_or_default();
        let refused = one.refused.map(|at| format!("  the mail server refused a letter, {at}")).unwrap_or_default();
        println!("{}  {:<11}  {}  {}{person}{refused}", one.id, stage(one), one.asked, one.address);
    }
    let count = |wanted: &str| waiting.iter().filter(|one| stage(one) == wanted).count();
    println!("{} unconfirmed, {} waiting, {} enabled", count("unconfirmed"), count("waiting"), count("enabled"));
    Ok(())
}

const fn stage(one: &Waiting) -> &'static str {
    match (one.confirmed, one.enabled) {
        (_, Some(_)) => "enabled",
        (Some(_), None) => "waiting",
        (None, None) => "unconfirmed",
    }
}

async fn enable(store: &Store, first: Option<usize>, ids: &[String], ambient: &Ambient) -> anyhow::Result<()> {
    let chosen: Vec<String> = match (first, ids) {
        (Some(first), _) => {
            let waiting = store.waiting().await?.into_iter().filter(|one| stage(one) == "waiting");
            waiting.take(first).map(|one| one.id).collect()
        }
        (None, []) => bail!("say whom: --next N, or --id ID"),
        (None, ids) => ids.to_vec(),
    };
    let mut let_in = 0;
    for id in &chosen {
        let secret = format!("wsp_{}", URL_SAFE_NO_PAD.encode(ambient.random::<32>()));
        if !store.enable(id, &secret, &whoever(), ambient.now()).await? {
            bail!("{let_in} let in; then {id}: nobody of that id waits with a confirmed address");
        }
        let_in += 1;
    }
    println!("{let_in} let in; their letters go out with the server");
    Ok(())
}
