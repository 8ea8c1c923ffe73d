//! `wellspoken adt`: what the admission system sent, and which of its beds is which room.

use anyhow::Context as _;
use clap::Subcommand;

use super::{Global, config_store, keys::whoever, runtime};
use crate::{
    ambient::system_now,
    fleet::adt::Location,
    policy::RoomId,
    store::{MessageRow, Store},
};

/// Look at messages of the admission system, and say which of its beds is which room.
#[derive(Debug, clap::Args)]
pub struct AdtArgs {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Messages, oldest first: nothing of whom they are about.
    List {
        /// Only those new, applied, ignored, late, waiting, review, unreadable or settled.
        #[arg(long)]
        state: Option<String>,
        /// One JSON array.
        #[arg(long)]
        json: bool,
    },
    /// A message as it came. It says who somebody is, so that you read it is audited.
    Show {
        /// Its id, as `list` shows it.
        id: String,
    },
    /// You have looked at a message that waited for somebody to; audited.
    Settle {
        /// Its id, as `list` shows it.
        id: String,
    },
    /// Which bed is which room.
    Beds,
    /// Say which room a bed is. Messages that waited for it count then.
    Map {
        /// Point of care, room, bed and facility, as PV1-3 has them: '4E^136^B^MERCY'.
        bed: String,
        /// The room, as its devices know it.
        room: String,
    },
    /// Say that a bed is no room here.
    Unmap {
        /// As `beds` shows it.
        bed: String,
    },
}

/// Runs `wellspoken adt`.
///
/// # Errors
/// What was wrong, where, and what to do.
pub fn run(global: &Global, args: AdtArgs) -> anyhow::Result<()> {
    runtime()?.block_on(async {
        let store = config_store(global).await?;
        let done = carry_out(&store, args.what, global.now.unwrap_or_else(system_now)).await;
        store.close().await;
        done
    })
}

async fn carry_out(store: &Store, what: What, now: jiff::Timestamp) -> anyhow::Result<()> {
    match what {
        What::List { state, json } => {
            let rows = store.messages(state.as_deref()).await?;
            if json {
                println!("{}", serde_json::to_string(&rows)?);
            } else {
                rows.iter().for_each(print);
            }
        }
        What::Show { id } => {
            let message = store.read_message(&id, &whoever(), now).await.context("see: wellspoken adt list")?;
            println!("{}", String::from_utf8_lossy(&message.raw).replace('\r', "\n"));
        }
        What::Settle { id } => {
            store.message_looked_at(&id, &whoever(), now).await.context("see: wellspoken adt list")?;
            println!("settled");
        }
        What::Beds => {
            for (location, room) in store.beds().await? {
                println!("{location}  {room}");
            }
        }
        What::Map { bed, room } => {
            store.map_bed(&location(&bed)?, Some(&RoomId::parse(&room)?), &whoever(), now).await?;
            println!("mapped; what waited for it counts as soon as a server runs (wellspoken serve)");
        }
        What::Unmap { bed } => {
            store.map_bed(&location(&bed)?, None, &whoever(), now).await.context("see: wellspoken adt beds")?;
            println!("unmapped; whoever lies there stays until the next message");
        }
    }
    Ok(())
}

fn location(text: &str) -> anyhow::Result<Location> {
    Location::parse(text).context("a bed is written as PV1-3 has it, such as '4E^136^B^MERCY'")
}

fn print(row: &MessageRow) {
    let MessageRow { id, received, kind, state, note, waits } = row;
    let kind = if kind.is_empty() { "-" } else { kind };
    println!("{id}  {kind}  {state}  {received}");
    if !note.is_empty() {
        println!("    {note}");
    }
    if !waits.is_empty() {
        println!("    {waits} is no room yet: wellspoken adt map '{waits}' ROOM");
    }
}
