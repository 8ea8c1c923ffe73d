//! `wellspoken place`: where people are seen without an appointment, how long they wait there, and where rooms and homes are.

use std::{io::Read as _, path::PathBuf};

use anyhow::Context as _;
use clap::Subcommand;
use jiff::{Timestamp, tz::TimeZone};

use super::{Global, config_store, runtime};
use crate::{
    nlu::catalogue::Catalogue,
    policy::RoomId,
    records::{CarePlace, Directory, FACILITY, Facility, MENU, Menu, Opening, Position, care_directory},
    store::{Store, StoreError},
};

/// List the places of urgent care, say how long people wait there, and say where rooms and homes are.
#[derive(Debug, clap::Args)]
pub struct PlaceArgs {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Replace the list by that of a FHIR R4 bundle (HealthcareService, Location; Schedule and Slot for free times). Taken
    /// whole or not at all.
    Import {
        /// The bundle (JSON).
        bundle: PathBuf,
        /// Who does it.
        #[arg(long)]
        staff: String,
    },
    /// Show the list: id, name, whether it is open, minutes of waiting and since when they hold.
    List,
    /// Say how long people wait at a place now. After an hour it is told no more.
    Wait {
        /// The place, by its id in the list.
        place: String,
        /// Minutes, 0 to 1440.
        #[arg(value_parser = clap::value_parser!(u32).range(0..=1440))]
        minutes: u32,
        /// Who says so.
        #[arg(long)]
        staff: String,
    },
    /// Replace what is said of the house, such as visiting hours and parking. Taken whole or not at all.
    Facility {
        /// TOML: a text for each topic of the catalogue's list `facility_topic`.
        file: PathBuf,
        /// Who does it.
        #[arg(long)]
        staff: String,
    },
    /// Replace the kitchen's menu: dishes, the diets that they fit, what they contain, and until when they can be asked for. Taken
    /// whole or not at all; docs/OPERATIONS.md describes it.
    Menu {
        /// TOML.
        file: PathBuf,
        /// Who does it.
        #[arg(long)]
        staff: String,
    },
    /// Say where a room or a home is, for telling what is near. Kept to some hundred meters, sealed.
    At(AtArgs),
}

#[derive(Debug, clap::Args)]
struct AtArgs {
    /// The room or place, by the name its device is known under.
    room: String,
    /// Degrees north, -90 to 90. Leave both out to forget it.
    #[arg(allow_negative_numbers = true, requires = "longitude")]
    latitude: Option<f64>,
    /// Degrees east, -180 to 180.
    #[arg(allow_negative_numbers = true)]
    longitude: Option<f64>,
    /// Who says so.
    #[arg(long)]
    staff: String,
}

/// Runs `wellspoken place`.
///
/// # Errors
/// What was wrong, where, and what to do.
pub fn run(global: &Global, args: PlaceArgs) -> anyhow::Result<()> {
    let now = global.now.unwrap_or_else(crate::ambient::system_now);
    let zone = TimeZone::get(&global.config()?.place.zone)?;
    // Before the database is touched: a bad list leaves no empty store behind.
    let list = match &args.what {
        What::Import { bundle, .. } => Some(read(bundle)?),
        _ => None,
    };
    let facility = match &args.what {
        What::Facility { file, .. } => Some(facility(global, file)?),
        _ => None,
    };
    let menu = match &args.what {
        What::Menu { file, .. } => Some(menu(global, file)?),
        _ => None,
    };
    runtime()?.block_on(async {
        let store = config_store(global).await?;
        if let (Some(facility), What::Facility { staff, .. }) = (&facility, &args.what) {
            store.set_house_list(FACILITY, facility, staff, now).await?;
            println!("{}", facility.topics.len());
            store.close().await;
            return Ok(());
        }
        if let (Some(menu), What::Menu { staff, .. }) = (&menu, &args.what) {
            store.set_house_list(MENU, menu, staff, now).await?;
            println!("{}", menu.dishes.len());
            store.close().await;
            return Ok(());
        }
        let done = done(&store, args.what, list, now, &zone).await;
        store.close().await;
        done
    })
}

async fn done(
    store: &Store,
    what: What,
    list: Option<Directory>,
    now: Timestamp,
    zone: &TimeZone,
) -> anyhow::Result<()> {
    match what {
        What::Import { staff, .. } => {
            let Some(list) = list else { anyhow::bail!("name a bundle") };
            store.set_care_places(&list, &staff, now).await?;
            eprintln!("{} free times", list.slots.len());
            println!("{}", list.places.len());
        }
        // Done before.
        What::Facility { .. } | What::Menu { .. } => {}
        What::List => {
            for place in store.care_places().await? {
                println!("{}", line(&place, now, zone));
            }
        }
        What::Wait { place, minutes, staff } => match store.set_wait(&place, minutes, &staff, now).await {
            Err(StoreError::NotPossible) => anyhow::bail!("no place `{place}` is in the list; see `place list`"),
            done => done?,
        },
        What::At(at) => {
            let position = match at.latitude.zip(at.longitude) {
                None => None,
                Some((latitude, longitude)) => Some(
                    Position::new(latitude, longitude)
                        .context("latitude must be from -90 to 90 and longitude from -180 to 180")?,
                ),
            };
            store.set_position(&RoomId::parse(&at.room)?, position, &at.staff, now).await?;
        }
    }
    Ok(())
}

fn line(place: &CarePlace, now: Timestamp, zone: &TimeZone) -> String {
    let opening = match place.opening(now, zone) {
        Opening::Open(None) => "open around the clock".to_owned(),
        Opening::Open(Some(until)) => format!("open until {until}"),
        Opening::Opens(at) => format!("opens {at}"),
        Opening::Closed => "closed".to_owned(),
        Opening::Unknown => "hours unknown".to_owned(),
    };
    let wait = place.wait.map(|wait| format!("\t{} minutes at {}", wait.minutes, wait.at)).unwrap_or_default();
    format!("{}\t{}\t{opening}{wait}", place.id, place.name)
}

/// The values of lists of the catalogue, and the text of a file that is held against them.
fn against<const N: usize>(
    global: &Global,
    lists: [&str; N],
    file: &std::path::Path,
) -> anyhow::Result<([Vec<String>; N], String)> {
    let catalogue = match &global.intents {
        Some(dir) => Catalogue::load(dir)?,
        None => Catalogue::builtin()?,
    };
    let known = lists.map(|name| catalogue.list(name).map(|list| list.values.clone()).unwrap_or_default());
    let text = std::fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
    Ok((known, text))
}

/// What is said of the house, held against what can be asked.
fn facility(global: &Global, file: &std::path::Path) -> anyhow::Result<Facility> {
    let ([known], text) = against(global, ["facility_topic"], file)?;
    Facility::read(&text, &known).with_context(|| format!("{}", file.display()))
}

/// The kitchen's menu, held against what can be asked for.
fn menu(global: &Global, file: &std::path::Path) -> anyhow::Result<Menu> {
    let ([dishes, meals], text) = against(global, ["dish", "meal"], file)?;
    Menu::read(&text, &dishes, &meals).with_context(|| format!("{}", file.display()))
}

fn read(bundle: &std::path::Path) -> anyhow::Result<Directory> {
    let shown = bundle.display();
    let file = std::fs::File::open(bundle).with_context(|| format!("cannot read {shown}"))?;
    let mut bytes = Vec::new();
    // One byte more than allowed is enough to know.
    file.take(care_directory::LARGEST as u64 + 1)
        .read_to_end(&mut bytes)
        .with_context(|| format!("cannot read {shown}"))?;
    care_directory::read(&bytes).with_context(|| format!("{shown} is not taken"))
}
