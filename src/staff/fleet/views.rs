//! How the fleet is shown to staff.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::Reach;
use crate::{
    device::Priority,
    fleet::{
        device::Device,
        settings::Settings,
        tree::{Node, Tree},
    },
    policy::RoomId,
};

/// A device that is let in and was not heard of for so long is silent.
const SILENT_AFTER: SignedDuration = SignedDuration::from_mins(3);

/// The places that somebody reaches.
#[derive(Serialize, ToSchema)]
pub struct PlacesView {
    /// Each after what it lies in.
    pub places: Vec<PlaceView>,
}

/// A place.
#[derive(Serialize, ToSchema)]
pub struct PlaceView {
    /// Its id.
    pub id: String,
    /// Where it lies.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parent: Option<String>,
    /// organization, property, building, floor, unit, room or bed.
    pub kind: &'static str,
    /// What people call it.
    pub name: String,
    /// The same from the top: `Mercy / 4 West / 136`.
    pub called: String,
    /// The room as its devices know it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub room: Option<String>,
    /// What the admission system calls the bed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub location: Option<String>,
    /// What is set here.
    #[schema(value_type = Object)]
    pub settings: Settings,
    /// What counts here.
    #[schema(value_type = Object)]
    pub in_force: Settings,
    /// What would count here if nothing were set here, and where it comes from.
    pub above: Vec<AboveView>,
}

/// A setting that comes from above.
#[derive(Serialize, ToSchema)]
pub struct AboveView {
    /// Which.
    pub setting: String,
    /// Its value.
    #[schema(value_type = Object)]
    pub value: Value,
    /// What people call the place where it is set, from the top.
    pub from: String,
}

/// The devices that somebody reaches.
#[derive(Serialize, ToSchema)]
pub struct DevicesView {
    /// By serial number.
    pub devices: Vec<DeviceView>,
}

/// A device.
#[derive(Serialize, ToSchema)]
pub struct DeviceView {
    /// Its id.
    pub id: String,
    /// Its serial number.
    pub serial: String,
    /// waiting, active or lost.
    pub state: &'static str,
    /// The place where it stands.
    pub place: String,
    /// What people call it, from the top.
    pub called: String,
    /// The room as it knows it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub room: Option<String>,
    /// room or home.
    pub channel: &'static str,
    /// What it runs; empty where it did not tell.
    pub firmware: String,
    /// 0 to 100 percent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub battery: Option<u8>,
    /// When it was heard of last, to a minute or so.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub seen: Option<Timestamp>,
    /// It is let in and was not heard of for three minutes.
    pub silent: bool,
    /// Whether it said that it has the settings that count for it.
    pub settled: bool,
    /// When those settings, or what they hang on, were changed last; that is their version.
    #[schema(value_type = String, format = DateTime)]
    pub settings: Timestamp,
    /// The version that it said it has.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub settings_acknowledged: Option<Timestamp>,
}

/// Something was made.
#[derive(Serialize, ToSchema)]
pub struct MadeView {
    /// Its id.
    pub id: String,
    /// A device's one-time code; shown this once.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
}

/// What a table says, or what was made of it.
#[derive(Serialize, ToSchema)]
pub struct TableView {
    /// Whether it was made; else nothing was.
    pub made: bool,
    /// Places that it makes.
    pub places: usize,
    /// Devices that it makes.
    pub devices: usize,
    /// Devices that stand there and wait: they get a fresh code.
    pub waiting: usize,
    /// Devices that stand there and are let in: nothing is done.
    pub known: usize,
    /// What is wrong, the first hundred lines; with any, nothing is made.
    pub wrong: Vec<WrongView>,
    /// How much more is wrong.
    pub more_wrong: usize,
    /// Each device's one-time code, where it was made; shown this once.
    pub codes: Vec<CodeView>,
}

/// What is wrong with a line of a table.
#[derive(Serialize, ToSchema)]
pub struct WrongView {
    /// Counted from 1.
    pub line: usize,
    /// The column's name, or `line` for all of it.
    pub column: &'static str,
    /// What is wrong, and what to do.
    pub what: String,
}

/// A device's one-time code.
#[derive(Serialize, ToSchema)]
pub struct CodeView {
    /// The device's serial number.
    pub serial: String,
    /// The code.
    pub code: String,
}

/// What is announced.
#[derive(Serialize, ToSchema)]
pub struct AnnouncementsView {
    /// The oldest first.
    pub announcements: Vec<AnnouncementView>,
}

/// An announcement.
#[derive(Serialize, ToSchema)]
pub struct AnnouncementView {
    /// Its id.
    pub id: String,
    /// The place.
    pub place: String,
    /// What people call it, from the top.
    pub called: String,
    /// How pressing it is.
    #[schema(value_type = String)]
    pub priority: Priority,
    /// What is said.
    pub text: String,
    /// From when.
    #[schema(value_type = String, format = DateTime)]
    pub starts: Timestamp,
    /// Until when.
    #[schema(value_type = String, format = DateTime)]
    pub ends: Timestamp,
    /// To how many rooms it was handed.
    pub rooms: usize,
}

/// What somebody is told of the fleet.
#[derive(Serialize)]
#[serde(untagged)]
pub enum FleetTold {
    /// Places.
    Places(PlacesView),
    /// Devices.
    Devices(DevicesView),
    /// Something was made.
    Made(MadeView),
    /// What is announced.
    Announcements(AnnouncementsView),
    /// A table.
    Table(TableView),
}

pub(super) fn places(reach: &Reach<'_>) -> PlacesView {
    let own = reach.tree.all().into_iter().filter(|node| reach.holds(&node.id));
    PlacesView { places: own.map(|node| place_view(&reach.tree, node)).collect() }
}

fn place_view(tree: &Tree, node: &Node) -> PlaceView {
    PlaceView {
        id: node.id.as_str().to_owned(),
        parent: node.parent.as_ref().map(|parent| parent.as_str().to_owned()),
        kind: node.kind.name(),
        name: node.name.clone(),
        called: tree.called(&node.id),
        room: node.room.as_ref().map(|room| room.as_str().to_owned()),
        location: node.location.as_ref().map(|location| location.as_str().to_owned()),
        settings: node.settings.clone(),
        in_force: Settings::in_force(tree.path(&node.id).iter().map(|node| &node.settings)),
        above: above(tree, node),
    }
}

pub(super) fn devices_of(reach: &Reach<'_>, devices: &[Device], now: Timestamp) -> DevicesView {
    let own = devices.iter().filter(|device| reach.holds(&device.node));
    DevicesView { devices: own.map(|device| device_view(&reach.tree, device, now)).collect() }
}

/// Each setting that something above says, as the nearest says it.
fn above(tree: &Tree, node: &Node) -> Vec<AboveView> {
    let mut found: BTreeMap<String, AboveView> = BTreeMap::new();
    for above in tree.path(&node.id).into_iter().filter(|above| above.id != node.id) {
        let Ok(Value::Object(set)) = serde_json::to_value(&above.settings) else { continue };
        for (setting, value) in set {
            let view = AboveView { setting: setting.clone(), value, from: tree.called(&above.id) };
            found.insert(setting, view);
        }
    }
    found.into_values().collect()
}

fn device_view(tree: &Tree, device: &Device, now: Timestamp) -> DeviceView {
    let (meant, _) = device.meant(tree);
    let version = |micros| Timestamp::from_microsecond(micros).unwrap_or_default();
    let heard = device.seen.is_some_and(|seen| now.duration_since(seen) < SILENT_AFTER);
    DeviceView {
        id: device.id.as_str().to_owned(),
        serial: device.serial.clone(),
        state: device.state.name(),
        place: device.node.as_str().to_owned(),
        called: tree.called(&device.node),
        room: tree.room_of(&device.node).map(|room: &RoomId| room.as_str().to_owned()),
        channel: device.channel.name(),
        firmware: device.firmware.clone(),
        battery: device.battery,
        seen: device.seen,
        silent: device.state.lets_in() && !heard,
        settled: device.acked >= meant,
        settings: version(meant),
        settings_acknowledged: (device.acked > 0).then(|| version(device.acked)),
    }
}
