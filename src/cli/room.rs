//! `wellspoken room`: how much may be said aloud in a room or at home.

mod devices;

use std::path::PathBuf;

use anyhow::{Context as _, bail};
use clap::Subcommand;
use jiff::civil::Time;

use super::{Global, config_store, runtime};
use crate::{
    policy::{Mode, PlaceRules, RoomId, Window},
    store::Store,
};

/// Set or show how much may be said aloud in a room or at home.
#[derive(Debug, clap::Args)]
pub struct RoomArgs {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Set it. What is left out is as if it had never been set.
    Set(SetArgs),
    /// Show what is set.
    Show {
        /// The room or place.
        room: String,
    },
    /// Say what can be worked in rooms by voice, from a JSON or TOML file; replaces all of it in each room that is named there.
    Devices {
        /// The file: `devices`, each with `room`, `thing`, `component`, and as `config` what Home Assistant's discovery tells.
        file: PathBuf,
        /// Who does it.
        #[arg(long)]
        staff: String,
    },
    /// Show what can be worked in a room.
    Things {
        /// The room or place.
        room: String,
    },
    /// Print such a file of all that devices tell of themselves by Home Assistant's discovery.
    Discover {
        /// How long to listen, in seconds, 1 to 60.
        #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u64).range(1..=60))]
        seconds: u64,
    },
}

#[derive(Debug, clap::Args)]
struct SetArgs {
    /// The room or place.
    room: String,
    /// aloud, ask-first, headline (only that there is an answer) or screen (nothing: it is on the page).
    #[arg(long, default_value = "aloud", value_parser = mode)]
    mode: Mode,
    /// At some time of every day, such as 21:00-07:00=screen; the strictest of all that applies counts.
    #[arg(long, value_name = "FROM-TO=MODE", value_parser = window)]
    during: Vec<Window>,
    /// While somebody stays in another bed of the room; at least ask-first.
    #[arg(long, default_value = "ask-first", value_parser = mode)]
    roommate: Mode,
    /// While a visitor is there, which anybody in the room may say; at least ask-first.
    #[arg(long, default_value = "ask-first", value_parser = mode)]
    visitor: Mode,
    /// Another bed of the same room, by the name it is known under. Say it for both.
    #[arg(long, value_name = "ROOM")]
    shares: Vec<String>,
    /// Who sets it.
    #[arg(long)]
    staff: String,
}

/// Runs `wellspoken room`.
///
/// # Errors
/// What was wrong, where, and what to do.
pub fn run(global: &Global, args: RoomArgs) -> anyhow::Result<()> {
    let now = global.now.unwrap_or_else(crate::ambient::system_now);
    if let What::Discover { seconds } = args.what {
        return runtime()?.block_on(devices::discovered(global, seconds));
    }
    // Before the database is touched: a bad file leaves no empty store behind.
    let listed = match &args.what {
        What::Devices { file, .. } => devices::read(file)?,
        _ => devices::Devices::new(),
    };
    runtime()?.block_on(async {
        let store = config_store(global).await?;
        let done = match args.what {
            What::Set(set) => self::set(&store, set, now).await,
            What::Show { room } => show(&store, &room, now).await,
            What::Devices { staff, .. } => devices::set(&store, &listed, &staff, now).await,
            What::Things { room } => devices::show(&store, &RoomId::parse(&room)?).await,
            What::Discover { .. } => Ok(()),
        };
        store.close().await;
        done
    })
}

async fn set(store: &Store, set: SetArgs, now: jiff::Timestamp) -> anyhow::Result<()> {
    let room = RoomId::parse(&set.room)?;
    for other in &set.shares {
        RoomId::parse(other).context("--shares")?;
        if *other == set.room {
            bail!("--shares names the other beds of the room, not {other} itself");
        }
    }
    let rules = PlaceRules {
        always: set.mode,
        windows: set.during,
        roommate: set.roommate.max(Mode::AskFirst),
        visitor: set.visitor.max(Mode::AskFirst),
        shares: set.shares,
    };
    Ok(store.set_place(&room, &rules, &set.staff, now).await?)
}

async fn show(store: &Store, room: &str, now: jiff::Timestamp) -> anyhow::Result<()> {
    let place = store.place(&RoomId::parse(room)?).await?;
    let rules = place.rules;
    println!("{}", rules.always.name());
    for window in &rules.windows {
        println!("{}-{} {}", window.from.strftime("%H:%M"), window.to.strftime("%H:%M"), window.mode.name());
    }
    println!("roommate {}{}", rules.roommate.name(), rules.shares.iter().map(|s| format!(" {s}")).collect::<String>());
    println!("visitor {}", rules.visitor.name());
    if let Some(until) = place.visitor.filter(|until| *until > now) {
        println!("a visitor until {until}");
    }
    Ok(())
}

fn mode(text: &str) -> Result<Mode, String> {
    Mode::named(text).ok_or_else(|| format!("must be {}", Mode::ALL.map(Mode::name).join(", ")))
}

fn window(text: &str) -> Result<Window, String> {
    let shape = || "must look like 21:00-07:00=screen".to_owned();
    let (hours, name) = text.split_once('=').ok_or_else(shape)?;
    let (from, to) = hours.split_once('-').ok_or_else(shape)?;
    let time = |text: &str| Time::strptime("%H:%M", text).map_err(|_| shape());
    Ok(Window { from: time(from)?, to: time(to)?, mode: mode(name)? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_is_two_times_and_a_mode() {
        let night = window("21:00-07:00=screen").expect("fits");
        assert_eq!((night.from.hour(), night.to.hour(), night.mode), (21, 7, Mode::Screen));
        for bad in ["", "21:00-07:00", "21-07=screen", "21:00=screen", "25:00-07:00=screen", "21:00-07:00=loud"] {
            assert!(window(bad).is_err(), "{bad}");
        }
    }
}
