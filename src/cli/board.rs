//! `wellspoken board`: what rooms and people ask for, for the staff who answer it.
//!
//! For whoever holds the key file; a page for the staff comes with the fleet.

use anyhow::Context as _;
use clap::Subcommand;
use jiff::civil::Date;

use super::{Global, config_store, runtime};
use crate::{
    actions::{Moved, RenewalState},
    policy::{PersonId, RoomId},
    store::Store,
};

/// Show, acknowledge and close calls; move renewals on.
#[derive(Debug, clap::Args)]
pub struct BoardArgs {
    #[command(subcommand)]
    what: Option<What>,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Open calls, oldest first (without a command, too).
    List {
        /// Of this room alone.
        #[arg(long)]
        room: Option<String>,
    },
    /// Somebody has seen a call.
    Acknowledge {
        /// The call's id, as `list` prints it.
        id: String,
        /// Who.
        #[arg(long)]
        staff: String,
    },
    /// A call is answered; or a clinician has talked with somebody about a result, which may then be told.
    Close {
        /// The call's id, as `list` prints it.
        id: String,
        /// Who.
        #[arg(long)]
        staff: String,
    },
    /// Everybody's renewal requests that are not over, longest without a step first.
    Renewals,
    /// A renewal request moves on; without `--to`, a person's requests are listed.
    Renewal {
        /// The person's id, as `import` printed it.
        #[arg(long = "of", value_name = "PERSON")]
        person: String,
        /// The request's id.
        #[arg(long, requires = "to")]
        id: Option<String>,
        /// prescriber-asked, approved, denied, filled, ready, shipped, delivered or picked-up.
        #[arg(long, requires = "staff", requires = "id", value_parser = state)]
        to: Option<RenewalState>,
        /// Why not, in words that the person is told; `denied` needs it.
        #[arg(long, requires = "to")]
        reason: Option<String>,
        /// Who brings it, where it is shipped.
        #[arg(long, requires = "to")]
        carrier: Option<String>,
        /// The day it is to arrive, as 2026-12-03.
        #[arg(long, requires = "to")]
        due: Option<Date>,
        /// Who.
        #[arg(long)]
        staff: Option<String>,
    },
}

/// Runs `wellspoken board`.
///
/// # Errors
/// When the database cannot be opened, or there is nothing of that id.
pub fn run(global: &Global, args: BoardArgs) -> anyhow::Result<()> {
    let now = global.now.unwrap_or_else(crate::ambient::system_now);
    runtime()?.block_on(async {
        let store = config_store(global).await?;
        let done = carry_out(&store, args.what.unwrap_or(What::List { room: None }), now).await;
        store.close().await;
        done
    })
}

async fn carry_out(store: &Store, what: What, now: jiff::Timestamp) -> anyhow::Result<()> {
    match what {
        What::List { room } => list(store, room.as_deref()).await,
        What::Acknowledge { id, staff } => Ok(store.acknowledge(&id, &staff, now).await?),
        What::Close { id, staff } => Ok(store.close_request(&id, &staff, now).await?),
        What::Renewals => {
            for open in store.open_renewal_states().await? {
                println!("{}  {}  {}  since {}", open.id, open.person.as_str(), open.state.name(), open.updated);
            }
            Ok(())
        }
        What::Renewal { person, id: Some(id), to: Some(to), staff, reason, carrier, due } => {
            let staff = staff.context("say who with --staff")?;
            let moved = Moved { to, reason, carrier, due }.sayable()?;
            Ok(store.advance_renewal(&PersonId::parse(&person)?, &id, moved, &staff, now).await?)
        }
        What::Renewal { person, .. } => {
            for (id, state) in store.renewal_states(&PersonId::parse(&person)?).await? {
                println!("{id}  {state:?}");
            }
            Ok(())
        }
    }
}

async fn list(store: &Store, room: Option<&str>) -> anyhow::Result<()> {
    let room = room.map(RoomId::parse).transpose()?;
    for row in store.board(room.as_ref()).await? {
        let kind = if row.emergency { "EMERGENCY" } else { "call" };
        let need = row.need.as_deref().unwrap_or("(the key of these words was destroyed)");
        println!("{}  {}  {}  {kind}: {need}", row.id, row.requested, row.room);
        for again in &row.again {
            println!("    asked again {}: {}", again.at, again.words.as_deref().unwrap_or("(words destroyed)"));
        }
        for told in &row.told {
            let whom = if told.whom.is_empty() { "nobody on duty".to_owned() } else { told.whom.join(", ") };
            println!("    told {} {}: {whom}", told.step, told.at);
        }
        if let Some(at) = row.patient_says_cancel {
            println!("    patient says cancel, {at}");
        }
        if let Some(at) = row.stay_over {
            println!("    asked by somebody who has left the room, {at}");
        }
        if let (Some(at), Some(by)) = (row.acknowledged, &row.acknowledged_by) {
            println!("    acknowledged by {by}, {at}");
        }
    }
    for row in store.for_clinician().await? {
        if room.as_ref().is_some_and(|room| room.as_str() != row.room) {
            continue;
        }
        let about = row.about.as_deref().unwrap_or("(whose it was has been forgotten)");
        let place = if row.room.is_empty() { "-" } else { &row.room };
        println!("{}  {}  {place}  for the clinician: talk with them about {about}", row.id, row.requested);
    }
    Ok(())
}

fn state(text: &str) -> Result<RenewalState, String> {
    RenewalState::named(&text.replace('-', "_")).filter(|state| *state != RenewalState::Requested).ok_or_else(|| {
        "must be prescriber-asked, approved, denied, filled, ready, shipped, delivered or picked-up".into()
    })
}
