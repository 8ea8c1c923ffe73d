//! `wellspoken outbox`: changes on their way to the servers where people's records live.

use clap::Subcommand;

use super::{Global, config_store, keys::whoever, runtime};
use crate::{
    ambient::system_now,
    store::{OutboxRow, Store},
};

/// Look at changes that are on their way, try one again, give one up.
#[derive(Debug, clap::Args)]
pub struct OutboxArgs {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// How many there are, and each that has not arrived: nothing of whose it is or what is in it.
    Status {
        /// Those that arrived, too.
        #[arg(long)]
        all: bool,
        /// One JSON object.
        #[arg(long)]
        json: bool,
    },
    /// Try one again at once that was refused, or that waits.
    Retry {
        /// Its id, as `status` shows it.
        id: String,
    },
    /// Give one up that was refused. The person was told when it was refused.
    Drop {
        /// Its id, as `status` shows it.
        id: String,
    },
}

/// Runs `wellspoken outbox`.
///
/// # Errors
/// What was wrong, where, and what to do.
pub fn run(global: &Global, args: OutboxArgs) -> anyhow::Result<()> {
    runtime()?.block_on(async {
        let store = config_store(global).await?;
        let done = carry_out(&store, args.what, global.now.unwrap_or_else(system_now)).await;
        store.close().await;
        done
    })
}

async fn carry_out(store: &Store, what: What, now: jiff::Timestamp) -> anyhow::Result<()> {
    match what {
        What::Status { all, json } => {
            let (counts, rows) = (store.outbox_counts().await?, store.outbox_rows(all).await?);
            if json {
                println!("{}", serde_json::json!({ "counts": counts, "rows": rows }));
            } else {
                println!(
                    "{} waiting, {} being sent, {} refused, {} arrived",
                    counts.waiting, counts.sending, counts.refused, counts.delivered
                );
                rows.iter().for_each(print);
            }
        }
        What::Retry { id } => {
            store.outbox_retry(&id, &whoever(), now).await?;
            println!("tried again as soon as a server runs (wellspoken serve)");
        }
        What::Drop { id } => {
            store.outbox_drop(&id, &whoever(), now).await?;
            println!("given up");
        }
    }
    Ok(())
}

fn print(row: &OutboxRow) {
    let OutboxRow { id, kind, state, attempts, created, due, reason } = row;
    println!("{id}  {kind}  {state}  said {created}, tried {attempts} times");
    match (reason, due) {
        (Some(reason), Some(due)) => println!("    {reason}; again {due}"),
        (Some(reason), None) => println!("    {reason}"),
        (None, _) => {}
    }
}
