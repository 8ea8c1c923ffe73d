//! `wellspoken fleet`: places, and the devices in them.

use anyhow::{Context as _, bail};
use clap::{Subcommand, ValueEnum};
use jiff::Timestamp;

mod import;

use super::{Global, config_store, keys::whoever, runtime};
use crate::{
    ambient::system_now,
    fleet::{
        Enrolment,
        adt::Location,
        device::{Channel, Deed, Device},
        settings::Settings,
        tree::{NewNode, NodeKind, Tree},
    },
    policy::{DeviceId, NodeId, RoomId},
    store::{By, Store},
};

/// Places of the fleet, and the devices in them.
#[derive(Debug, clap::Args)]
pub struct FleetArgs {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Show the places: id, kind, name, and the room as devices know it.
    Places,
    /// Make a place.
    Place(PlaceArgs),
    /// Put a place with all that lies in it into another.
    MovePlace {
        /// The place, by its id.
        place: String,
        /// Where to, by its id.
        to: String,
    },
    /// Take an empty place out of use.
    RetirePlace {
        /// The place, by its id.
        place: String,
    },
    /// Say what counts at a place and below it, instead of what was set there: JSON such as '{"volume": 40}'.
    Set {
        /// The place, by its id.
        place: String,
        /// The settings; see docs/OPERATIONS.md, Fleet.
        settings: String,
    },
    /// List the devices.
    List {
        /// Only those waiting, active or lost.
        #[arg(long)]
        state: Option<String>,
        /// One JSON array.
        #[arg(long)]
        json: bool,
    },
    /// Show a device, and the settings that are meant for it.
    Show {
        /// Its serial number.
        serial: String,
    },
    /// Make a device known, or give one that is known a fresh code; prints the code.
    Enrol {
        /// Its serial number.
        serial: String,
        /// The place where it is to stand, by its id; needed for one that is not known yet.
        #[arg(long = "in", value_name = "PLACE")]
        place: Option<String>,
        /// What it stands for.
        #[arg(long, value_enum, default_value = "room")]
        channel: Stands,
    },
    /// Put a device elsewhere.
    Move {
        /// Its serial number.
        serial: String,
        /// The place, by its id.
        to: String,
    },
    /// Say that a device is lost: it is let in no more, at once.
    Lost {
        /// Its serial number.
        serial: String,
    },
    /// Revoke a device's certificates, at once; it needs a fresh code.
    Revoke {
        /// Its serial number.
        serial: String,
    },
    /// Take a device out of use for good.
    Retire {
        /// Its serial number.
        serial: String,
    },
    /// Make many devices known, with their places, out of a table (CSV).
    Import(import::ImportArgs),
    /// Print the certificate of the fleet's authority.
    Authority,
}

#[derive(Debug, clap::Args)]
struct PlaceArgs {
    /// What people call it.
    name: String,
    /// What it is.
    #[arg(long, value_enum)]
    kind: Kind,
    /// Where it lies, by its id; left out for the top.
    #[arg(long = "in", value_name = "PLACE")]
    parent: Option<String>,
    /// The room as its devices know it, for a room or a bed.
    #[arg(long)]
    room: Option<String>,
    /// Point of care, room, bed and facility, as PV1-3 of the admission system has them: '4E^136^B^MERCY'.
    #[arg(long)]
    adt: Option<String>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Kind {
    Organization,
    Property,
    Building,
    Floor,
    Unit,
    Room,
    Bed,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Stands {
    Room,
    Home,
}

impl Kind {
    const fn kind(self) -> NodeKind {
        match self {
            Self::Organization => NodeKind::Organization,
            Self::Property => NodeKind::Property,
            Self::Building => NodeKind::Building,
            Self::Floor => NodeKind::Floor,
            Self::Unit => NodeKind::Unit,
            Self::Room => NodeKind::Room,
            Self::Bed => NodeKind::Bed,
        }
    }
}

/// Runs `wellspoken fleet`.
///
/// # Errors
/// What was wrong, where, and what to do.
pub fn run(global: &Global, args: FleetArgs) -> anyhow::Result<()> {
    runtime()?.block_on(async {
        let store = config_store(global).await?;
        let done = carry_out(&store, args.what, global.now.unwrap_or_else(system_now)).await;
        store.close().await;
        done
    })
}

async fn carry_out(store: &Store, what: What, now: Timestamp) -> anyhow::Result<()> {
    let name = whoever();
    let by = By::Operator(&name);
    match what {
        What::Places => places(&store.tree().await?),
        What::Place(args) => println!("{}", store.add_place(&new_place(args)?, by, now).await?.as_str()),
        What::MovePlace { place, to } => {
            store.move_place(&NodeId::parse(&place)?, &NodeId::parse(&to)?, by, now).await?;
            println!("moved");
        }
        What::RetirePlace { place } => {
            store.retire_place(&NodeId::parse(&place)?, by, now).await?;
            println!("retired");
        }
        What::Set { place, settings } => {
            let settings: Settings = serde_json::from_str(&settings).context("settings")?;
            store.set_settings(&NodeId::parse(&place)?, settings, by, now).await?;
            println!("set; devices take it over when they are heard of next");
        }
        What::List { state, json } => list(store, state.as_deref(), json).await?,
        What::Show { serial } => show(store, &serial).await?,
        What::Enrol { serial, place, channel } => enrol(store, &serial, place.as_deref(), channel, by, now).await?,
        What::Move { serial, to } => {
            store.move_device(&of(store, &serial).await?, &NodeId::parse(&to)?, by, now).await?;
            println!("moved");
        }
        What::Lost { serial } => end(store, &serial, Deed::Lose, by, now).await?,
        What::Revoke { serial } => end(store, &serial, Deed::Revoke, by, now).await?,
        What::Retire { serial } => end(store, &serial, Deed::Retire, by, now).await?,
        What::Import(args) => import::run(store, args, by, now).await?,
        What::Authority => print!("{}", Enrolment::new(store.clone()).authority(now).await?.pem()),
    }
    Ok(())
}

async fn of(store: &Store, serial: &str) -> anyhow::Result<DeviceId> {
    let device = store.device_of_serial(serial).await?;
    Ok(device.context("there is no device of that serial number; see: wellspoken fleet list")?.id)
}

async fn end(store: &Store, serial: &str, deed: Deed, by: By<'_>, now: Timestamp) -> anyhow::Result<()> {
    store.end_device(&of(store, serial).await?, deed, by, now).await?;
    println!("{}", deed.done());
    Ok(())
}

fn new_place(args: PlaceArgs) -> anyhow::Result<NewNode> {
    let location = args
        .adt
        .as_deref()
        .map(|text| Location::parse(text).context("--adt is written as PV1-3 has it, such as '4E^136^B^MERCY'"));
    Ok(NewNode {
        parent: args.parent.as_deref().map(NodeId::parse).transpose()?,
        kind: args.kind.kind(),
        name: args.name,
        room: args.room.as_deref().map(RoomId::parse).transpose()?,
        location: location.transpose()?,
    })
}

fn places(tree: &Tree) {
    for node in tree.all() {
        let indent = "  ".repeat(tree.path(&node.id).len().saturating_sub(1));
        let room = node.room.as_ref().map(|room| format!("  room {}", room.as_str())).unwrap_or_default();
        let bed = node.location.as_ref().map(|bed| format!("  adt {}", bed.as_str())).unwrap_or_default();
        println!("{}  {indent}{} {}{room}{bed}", node.id.as_str(), node.kind.name(), node.name);
    }
}

#[derive(serde::Serialize)]
struct Row<'a> {
    serial: &'a str,
    state: &'static str,
    place: String,
    room: Option<&'a str>,
    firmware: &'a str,
    battery: Option<u8>,
    seen: Option<Timestamp>,
}

async fn list(store: &Store, state: Option<&str>, json: bool) -> anyhow::Result<()> {
    let (devices, tree) = (store.devices().await?, store.tree().await?);
    let wanted = |device: &&Device| state.is_none_or(|state| device.state.name() == state);
    let rows: Vec<Row<'_>> = devices.iter().filter(wanted).map(|device| row_of(device, &tree)).collect();
    if json {
        println!("{}", serde_json::to_string(&rows)?);
        return Ok(());
    }
    for row in rows {
        let seen = row.seen.map_or_else(|| "never".into(), |at| at.strftime("%Y-%m-%d %H:%M UTC").to_string());
        let battery = row.battery.map(|percent| format!("  {percent} %")).unwrap_or_default();
        println!("{}  {}  {}  {seen}  {}{battery}", row.serial, row.state, row.place, row.firmware);
    }
    Ok(())
}

fn row_of<'a>(device: &'a Device, tree: &'a Tree) -> Row<'a> {
    Row {
        serial: &device.serial,
        state: device.state.name(),
        place: tree.called(&device.node),
        room: tree.room_of(&device.node).map(RoomId::as_str),
        firmware: &device.firmware,
        battery: device.battery,
        seen: device.seen,
    }
}

async fn show(store: &Store, serial: &str) -> anyhow::Result<()> {
    let device = store.device_of_serial(serial).await?;
    let device = device.context("there is no device of that serial number; see: wellspoken fleet list")?;
    let tree = store.tree().await?;
    let (version, settings) = device.meant(&tree);
    println!("{}", serde_json::to_string_pretty(&row_of(&device, &tree))?);
    let has = if device.acked >= version { "it has them" } else { "it has not said that it has them" };
    println!("settings ({has}): {}", serde_json::to_string(&settings)?);
    Ok(())
}

async fn enrol(
    store: &Store,
    serial: &str,
    place: Option<&str>,
    channel: Stands,
    by: By<'_>,
    now: Timestamp,
) -> anyhow::Result<()> {
    let known = store.device_of_serial(serial).await?;
    let code = match (known, place) {
        (Some(device), None) => store.new_device_code(&device.id, by, now).await?,
        (Some(_), Some(_)) => bail!("that device is known already; leave out --in, or move it: wellspoken fleet move"),
        (None, None) => bail!("that device is not known yet; say with --in where it is to stand"),
        (None, Some(place)) => {
            let channel = match channel {
                Stands::Room => Channel::Room,
                Stands::Home => Channel::Home,
            };
            store.add_device(serial, &NodeId::parse(place)?, channel, by, now).await?.1
        }
    };
    eprintln!("its code, shown this once; it works for seven days:");
    println!("{code}");
    Ok(())
}
