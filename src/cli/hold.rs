//! `wellspoken hold`: keep a person's data from being deleted while a court, an audit or an inquiry needs it.

use clap::Subcommand;

use super::{Global, config_store, keys::whoever, runtime};
use crate::{
    ambient::system_now,
    policy::PersonId,
    store::{Hold, Store},
};

/// Place, lift and list legal holds.
#[derive(Debug, clap::Args)]
pub struct HoldArgs {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// From now on nothing of this person is deleted, nor their key destroyed. Prints the hold's id.
    Place {
        /// The person: the id that `import` printed.
        #[arg(long)]
        person: String,
        /// Why; sealed.
        #[arg(long)]
        reason: String,
    },
    /// What is too old goes with the next sweep, unless another hold is on it.
    Lift {
        /// The person: the id that `import` printed.
        #[arg(long)]
        person: String,
        /// Which hold, where there are several: its id.
        #[arg(long)]
        hold: Option<String>,
        /// Why; sealed.
        #[arg(long)]
        reason: String,
    },
    /// Every hold, lifted ones too.
    List {
        /// On this person alone.
        #[arg(long)]
        person: Option<String>,
        /// One JSON array.
        #[arg(long)]
        json: bool,
    },
}

/// Runs `wellspoken hold`.
///
/// # Errors
/// What was wrong, where, and what to do.
pub fn run(global: &Global, args: HoldArgs) -> anyhow::Result<()> {
    runtime()?.block_on(async {
        let store = config_store(global).await?;
        let done = carry_out(&store, args.what, global.now.unwrap_or_else(system_now)).await;
        store.close().await;
        done
    })
}

async fn carry_out(store: &Store, what: What, now: jiff::Timestamp) -> anyhow::Result<()> {
    match what {
        What::Place { person, reason } => {
            let id = store.place_hold(&PersonId::parse(&person)?, &reason, &whoever(), now).await?;
            println!("{id}");
        }
        What::Lift { person, hold, reason } => {
            store.lift_hold(&PersonId::parse(&person)?, hold.as_deref(), &reason, &whoever(), now).await?;
            println!("lifted; what is too old goes with the next sweep");
        }
        What::List { person, json } => {
            let person = person.as_deref().map(PersonId::parse).transpose()?;
            let holds = store.holds(person.as_ref()).await?;
            if json {
                println!("{}", serde_json::to_string(&holds)?);
            } else {
                holds.iter().for_each(print);
            }
        }
    }
    Ok(())
}

fn print(hold: &Hold) {
    let Hold { id, person, reason, by, placed, .. } = hold;
    println!("{id}  {person}  since {placed} by {by}: {reason}");
    if let (Some(lifted), Some((by, why))) = (hold.lifted, &hold.lifted_because) {
        println!("    lifted {lifted} by {by}: {why}");
    }
}
