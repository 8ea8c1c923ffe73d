//! `wellspoken duty`: who is on duty, for whoever is told of calls.

use anyhow::Context as _;
use clap::Subcommand;
use jiff::{SignedDuration, Timestamp};

use super::{Global, config_store, runtime};
use crate::{
    fleet::nurse::{Helper, duty::HOUSE},
    store::Store,
};

/// Show and set who is on duty.
#[derive(Debug, clap::Args)]
pub struct DutyArgs {
    #[command(subcommand)]
    what: Option<What>,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Who is or will be on duty (without a command, too).
    List,
    /// Somebody is on duty; prints the id.
    Add {
        /// The unit, as the configuration names it, or `house`.
        #[arg(long)]
        unit: String,
        /// nurse, assistant, housekeeping, dietary, interpreter, chaplain, it, equipment, charge or supervisor.
        #[arg(long, value_parser = helper)]
        role: Helper,
        /// What people call them.
        #[arg(long)]
        who: String,
        /// From when (RFC 3339); now, without it.
        #[arg(long)]
        from: Option<Timestamp>,
        /// Until when; twelve hours later, without it.
        #[arg(long)]
        until: Option<Timestamp>,
        /// Who says so.
        #[arg(long)]
        staff: String,
    },
    /// Somebody is on duty no longer.
    End {
        /// The id, as `list` prints it.
        id: String,
        /// Who says so.
        #[arg(long)]
        staff: String,
    },
}

/// Runs `wellspoken duty`.
///
/// # Errors
/// When the database cannot be opened, the unit is not known, or there is nothing of that id.
pub fn run(global: &Global, args: DutyArgs) -> anyhow::Result<()> {
    let now = global.now.unwrap_or_else(crate::ambient::system_now);
    let config = global.config()?;
    let staff = config.sign_in.and_then(|sign_in| sign_in.staff);
    let units: Vec<String> = staff.map(|staff| staff.units.into_keys().collect()).unwrap_or_default();
    runtime()?.block_on(async {
        let store = config_store(global).await?;
        let done = carry_out(&store, &units, args.what.unwrap_or(What::List), now).await;
        store.close().await;
        done
    })
}

async fn carry_out(store: &Store, units: &[String], what: What, now: Timestamp) -> anyhow::Result<()> {
    match what {
        What::List => {
            for duty in store.duties(now).await? {
                println!("{}  {}  {}  {}  {} to {}", duty.id, duty.unit, duty.role, duty.who, duty.since, duty.until);
            }
            Ok(())
        }
        What::Add { unit, role, who, from, until, staff } => {
            let known = unit == HOUSE || units.contains(&unit);
            anyhow::ensure!(known, "there is no unit `{unit}`; there are {HOUSE} and {}", units.join(", "));
            let who = who.trim();
            let fits = (1..=80).contains(&who.chars().count()) && !who.chars().any(char::is_control);
            anyhow::ensure!(fits, "--who must have 1 to 80 characters in one line");
            let since = from.unwrap_or(now);
            let half_a_day = || since.checked_add(SignedDuration::from_hours(12));
            let until = until.map_or_else(half_a_day, Ok).context("--from is too late")?;
            anyhow::ensure!(since < until, "--until must be after --from");
            println!("{}", store.put_on_duty((&unit, role.name(), who), (since, until), &staff, now).await?);
            Ok(())
        }
        What::End { id, staff } => Ok(store.take_off_duty(&id, &staff, now).await?),
    }
}

fn helper(text: &str) -> Result<Helper, String> {
    Helper::named(text).ok_or_else(|| format!("must be {}", Helper::ALL.map(Helper::name).join(", ")))
}
