//! The fleet for staff: places, devices, settings, and what is announced.
//!
//! Invariants: whoever looks after rooms reaches the places that are theirs and the devices in them, and nothing besides; whoever
//! looks after the machine reaches all of them and hears nobody. Every change stands in the audit trail with who made it.

use jiff::{SignedDuration, Timestamp, tz::TimeZone};
use serde::Serialize;
use utoipa::ToSchema;

use super::{Desk, DoneView, NotTold, Told, lost};
use crate::{
    device::Priority,
    fleet::{
        Crier, DropInError,
        announce::{NotSaid, is_sayable},
        device::{Channel, Deed, Device, DeviceState, WrongDeed},
        settings::{BadSetting, Settings},
        tree::{NewNode, Node, Tree, TreeError},
    },
    policy::{
        DeviceId, NodeId, RoomId,
        staff::{Right, Role, StaffMember},
    },
    store::{Announcement, By, FleetError},
};

/// A device that is let in and was not heard of for so long is silent.
const SILENT_AFTER: SignedDuration = SignedDuration::from_mins(3);
/// How far ahead something may be announced, and how long it may go on.
const FARTHEST: SignedDuration = SignedDuration::from_hours(30 * 24);

/// What a member of staff asks of the fleet.
#[derive(Clone)]
pub enum FleetAsk {
    /// The places.
    Places,
    /// The devices.
    Devices,
    /// To make a place.
    AddPlace(NewNode),
    /// To put a place into another.
    MovePlace(NodeId, NodeId),
    /// To take an empty place out of use.
    RetirePlace(NodeId),
    /// To set what counts at a place.
    Set(NodeId, Settings),
    /// To make a device known.
    AddDevice(String, NodeId, Channel),
    /// A fresh code for a device.
    Code(DeviceId),
    /// To put a device elsewhere.
    MoveDevice(DeviceId, NodeId),
    /// To shut a device out.
    End(DeviceId, Deed),
    /// What is announced.
    Announcements,
    /// To announce something.
    Announce(NewAnnouncement),
    /// To announce it no more.
    EndAnnouncement(String),
    /// To speak into a room.
    DropIn(NodeId, String),
}

/// Something to be announced.
#[derive(Clone)]
pub struct NewAnnouncement {
    /// To whom.
    pub node: NodeId,
    /// How pressing it is.
    pub priority: Priority,
    /// What is said.
    pub text: String,
    /// From when; at once where it is not said.
    pub starts: Option<Timestamp>,
    /// Until when it may still be said.
    pub ends: Timestamp,
}

impl FleetAsk {
    /// The right it needs.
    #[must_use]
    pub const fn right(&self) -> Right {
        match self {
            Self::Places | Self::Devices | Self::Announcements => Right::Fleet,
            Self::AddPlace(_) | Self::MovePlace(..) | Self::RetirePlace(_) => Right::ChangePlaces,
            Self::Set(..) | Self::AddDevice(..) | Self::Code(_) | Self::MoveDevice(..) | Self::End(..) => {
                Right::ChangeDevices
            }
            Self::Announce(_) | Self::EndAnnouncement(_) | Self::DropIn(..) => Right::Announce,
        }
    }

    /// Whether it only looks, as a page does by itself.
    #[must_use]
    pub const fn looks(&self) -> bool {
        matches!(self, Self::Places | Self::Devices | Self::Announcements)
    }
}

/// Why something is not done with the fleet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FleetRefusal {
    /// A rule of the tree.
    #[error(transparent)]
    Tree(TreeError),
    /// What may become of a device.
    #[error(transparent)]
    Deed(WrongDeed),
    /// A value that cannot be set.
    #[error(transparent)]
    Setting(BadSetting),
    /// Nothing is said into that room.
    #[error(transparent)]
    NotSaid(NotSaid),
    /// Two of the same number.
    #[error("there is a device of that serial number already")]
    SerialTaken,
    /// What can be no number.
    #[error("a serial number must be 1 to 64 letters, digits, `-`, `_`, `.`, `:` or `/`")]
    BadSerial,
    /// A device would stand where nobody can lie.
    #[error("a device needs a place that is a room, or lies in one")]
    NoRoom,
    /// Nobody would hear it.
    #[error("no device is let in in that room")]
    NoDevice,
    /// Words that cannot be said.
    #[error("say it in 1 to 500 characters, to be heard from now or later until at most thirty days from now")]
    BadAnnouncement,
    /// Somebody else was faster.
    #[error("it was changed meanwhile; look at what it is now and try again")]
    Changed,
}

/// The places that somebody reaches.
#[derive(Serialize, ToSchema)]
pub struct PlacesView {
    /// Each after what it lies in.
    places: Vec<PlaceView>,
}

/// A place.
#[derive(Serialize, ToSchema)]
pub struct PlaceView {
    /// Its id.
    id: String,
    /// Where it lies.
    #[serde(skip_serializing_if = "Option::is_none")]
    parent: Option<String>,
    /// organization, property, building, floor, unit, room or bed.
    kind: &'static str,
    /// What people call it.
    name: String,
    /// The same from the top: `Mercy / 4 West / 136`.
    called: String,
    /// The room as its devices know it.
    #[serde(skip_serializing_if = "Option::is_none")]
    room: Option<String>,
    /// What the admission system calls the bed.
    #[serde(skip_serializing_if = "Option::is_none")]
    location: Option<String>,
    /// What is set here.
    #[schema(value_type = Object)]
    settings: Settings,
    /// What counts here.
    #[schema(value_type = Object)]
    in_force: Settings,
}

/// The devices that somebody reaches.
#[derive(Serialize, ToSchema)]
pub struct DevicesView {
    /// By serial number.
    devices: Vec<DeviceView>,
}

/// A device.
#[derive(Serialize, ToSchema)]
pub struct DeviceView {
    /// Its id.
    id: String,
    /// Its serial number.
    serial: String,
    /// waiting, active or lost.
    state: &'static str,
    /// The place where it stands.
    place: String,
    /// What people call it, from the top.
    called: String,
    /// The room as it knows it.
    #[serde(skip_serializing_if = "Option::is_none")]
    room: Option<String>,
    /// room or home.
    channel: &'static str,
    /// What it runs; empty where it did not tell.
    firmware: String,
    /// 0 to 100 percent.
    #[serde(skip_serializing_if = "Option::is_none")]
    battery: Option<u8>,
    /// When it was heard of last, to a minute or so.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    seen: Option<Timestamp>,
    /// It is let in and was not heard of for three minutes.
    silent: bool,
    /// Whether it said that it has the settings that count for it.
    settled: bool,
}

/// Something was made.
#[derive(Serialize, ToSchema)]
pub struct MadeView {
    /// Its id.
    id: String,
    /// A device's one-time code; shown this once.
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<String>,
}

/// What is announced.
#[derive(Serialize, ToSchema)]
pub struct AnnouncementsView {
    /// The oldest first.
    announcements: Vec<AnnouncementView>,
}

/// An announcement.
#[derive(Serialize, ToSchema)]
pub struct AnnouncementView {
    /// Its id.
    id: String,
    /// The place.
    place: String,
    /// What people call it, from the top.
    called: String,
    /// How pressing it is.
    #[schema(value_type = String)]
    priority: Priority,
    /// What is said.
    text: String,
    /// From when.
    #[schema(value_type = String, format = DateTime)]
    starts: Timestamp,
    /// Until when.
    #[schema(value_type = String, format = DateTime)]
    ends: Timestamp,
    /// To how many rooms it was handed.
    rooms: usize,
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
}

/// How far a member of staff reaches in the tree.
struct Reach<'a> {
    staff: &'a StaffMember,
    tree: Tree,
}

impl Reach<'_> {
    fn everything(&self) -> bool {
        self.staff.roles.contains(&Role::Operator)
    }

    fn holds(&self, node: &NodeId) -> bool {
        self.everything() || self.tree.within(node, &self.staff.rooms)
    }

    /// What is not theirs is not there.
    fn own(&self, node: &NodeId) -> Result<(), NotTold> {
        if self.holds(node) { Ok(()) } else { Err(NotTold::NotThere) }
    }
}

impl Desk {
    /// Answers a member of staff about the fleet. That they have the right is known.
    pub(super) async fn fleet(&self, staff: &StaffMember, ask: FleetAsk, now: Timestamp) -> Result<Told, NotTold> {
        let reach = Reach { staff, tree: self.store.tree().await.map_err(lost)? };
        match ask {
            FleetAsk::Places => Ok(Told::Fleet(FleetTold::Places(places(&reach)))),
            FleetAsk::Devices => {
                let devices = self.store.devices().await.map_err(lost)?;
                Ok(Told::Fleet(FleetTold::Devices(devices_of(&reach, &devices, now))))
            }
            FleetAsk::Announcements => self.announcements(&reach, now).await,
            ask => self.change_fleet(&reach, ask, now).await,
        }
    }

    async fn change_fleet(&self, reach: &Reach<'_>, ask: FleetAsk, now: Timestamp) -> Result<Told, NotTold> {
        let (store, by) = (&self.store, By::Staff(&reach.staff.member));
        let made = |id: &str, code| Ok(Told::Fleet(FleetTold::Made(MadeView { id: id.to_owned(), code })));
        let done = || Ok(Told::Done(DoneView { done: true }));
        match ask {
            FleetAsk::AddPlace(new) => {
                new.parent.as_ref().map_or(Ok(()), |parent| reach.own(parent))?;
                made(store.add_place(&new, by, now).await.map_err(refused)?.as_str(), None)
            }
            FleetAsk::MovePlace(id, to) => {
                reach.own(&id).and_then(|()| reach.own(&to))?;
                store.move_place(&id, &to, by, now).await.map_err(refused)?;
                done()
            }
            FleetAsk::RetirePlace(id) => {
                reach.own(&id)?;
                store.retire_place(&id, by, now).await.map_err(refused)?;
                done()
            }
            FleetAsk::Set(id, settings) => {
                reach.own(&id)?;
                store.set_settings(&id, settings, by, now).await.map_err(refused)?;
                done()
            }
            FleetAsk::AddDevice(serial, node, channel) => {
                reach.own(&node)?;
                let (id, code) = store.add_device(&serial, &node, channel, by, now).await.map_err(refused)?;
                made(id.as_str(), Some(code))
            }
            FleetAsk::Code(id) => {
                self.own_device(reach, &id).await?;
                let code = store.new_device_code(&id, by, now).await.map_err(refused)?;
                made(id.as_str(), Some(code))
            }
            FleetAsk::MoveDevice(id, to) => {
                self.own_device(reach, &id).await?;
                reach.own(&to)?;
                store.move_device(&id, &to, by, now).await.map_err(refused)?;
                done()
            }
            FleetAsk::End(id, deed) => {
                self.own_device(reach, &id).await?;
                store.end_device(&id, deed, by, now).await.map_err(refused)?;
                done()
            }
            FleetAsk::Announce(new) => self.announce(reach, new, now).await,
            FleetAsk::EndAnnouncement(id) => {
                let open = store.announcements(now).await.map_err(lost)?;
                let open = open.into_iter().find(|open| open.id == id).ok_or(NotTold::NotThere)?;
                reach.own(&open.node)?;
                store.end_announcement(&id, by, now).await.map_err(refused)?;
                done()
            }
            FleetAsk::DropIn(id, text) => self.drop_in(reach, &id, &text, now).await,
            FleetAsk::Places | FleetAsk::Devices | FleetAsk::Announcements => Err(NotTold::NotThere),
        }
    }

    async fn own_device(&self, reach: &Reach<'_>, id: &DeviceId) -> Result<Device, NotTold> {
        let device = self.store.device(id).await.map_err(lost)?;
        let device = device.filter(|device| device.state != DeviceState::Retired).ok_or(NotTold::NotThere)?;
        reach.own(&device.node)?;
        Ok(device)
    }

    async fn announce(&self, reach: &Reach<'_>, new: NewAnnouncement, now: Timestamp) -> Result<Told, NotTold> {
        reach.own(&new.node)?;
        let starts = new.starts.unwrap_or(now);
        let latest = now + FARTHEST;
        if !is_sayable(&new.text) || new.ends <= starts.max(now) || new.ends > latest {
            return Err(NotTold::Fleet(FleetRefusal::BadAnnouncement));
        }
        let text = new.text.trim().to_owned();
        let kept =
            Announcement { id: String::new(), node: new.node, priority: new.priority, text, starts, ends: new.ends };
        let id = self.store.announce(&kept, By::Staff(&reach.staff.member), now).await.map_err(refused)?;
        Ok(Told::Fleet(FleetTold::Made(MadeView { id, code: None })))
    }

    async fn announcements(&self, reach: &Reach<'_>, now: Timestamp) -> Result<Told, NotTold> {
        let mut announcements = vec![];
        for open in self.store.announcements(now).await.map_err(lost)? {
            if !reach.holds(&open.node) {
                continue;
            }
            let rooms = self.store.announced(&open.id).await.map_err(lost)?.len();
            announcements.push(AnnouncementView {
                called: reach.tree.called(&open.node),
                place: open.node.as_str().to_owned(),
                id: open.id,
                priority: open.priority,
                text: open.text,
                starts: open.starts,
                ends: open.ends,
                rooms,
            });
        }
        Ok(Told::Fleet(FleetTold::Announcements(AnnouncementsView { announcements })))
    }

    async fn drop_in(&self, reach: &Reach<'_>, id: &NodeId, text: &str, now: Timestamp) -> Result<Told, NotTold> {
        reach.own(id)?;
        if !is_sayable(text) {
            return Err(NotTold::Fleet(FleetRefusal::BadAnnouncement));
        }
        let room = reach.tree.get(id).ok_or(NotTold::NotThere)?.room.clone();
        let room = room.ok_or(NotTold::Fleet(FleetRefusal::NoRoom))?;
        let name = self.store.drop_in_noted(id, By::Staff(&reach.staff.member), now).await.map_err(refused)?;
        let crier = Crier::new(self.store.clone(), self.zone.clone());
        let said = crier.drop_in(&reach.tree, (id, &room), (&name, text.trim()), now).await;
        match said {
            Ok(()) => Ok(Told::Done(DoneView { done: true })),
            Err(DropInError::NotSaid(why)) => Err(NotTold::Fleet(FleetRefusal::NotSaid(why))),
            Err(DropInError::NoDevice) => Err(NotTold::Fleet(FleetRefusal::NoDevice)),
            Err(DropInError::Store(error)) => Err(lost(error)),
        }
    }

    /// At the organization's clock, by which quiet hours go.
    #[must_use]
    pub fn at(self, zone: TimeZone) -> Self {
        Self { zone, ..self }
    }
}

fn places(reach: &Reach<'_>) -> PlacesView {
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
    }
}

fn devices_of(reach: &Reach<'_>, devices: &[Device], now: Timestamp) -> DevicesView {
    let own = devices.iter().filter(|device| reach.holds(&device.node));
    DevicesView { devices: own.map(|device| device_view(&reach.tree, device, now)).collect() }
}

fn device_view(tree: &Tree, device: &Device, now: Timestamp) -> DeviceView {
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
        settled: device.acked >= device.meant(tree).0,
    }
}

fn refused(error: FleetError) -> NotTold {
    NotTold::Fleet(match error {
        FleetError::Tree(TreeError::NoSuchPlace) | FleetError::NoSuchDevice => return NotTold::NotThere,
        FleetError::Tree(error) => FleetRefusal::Tree(error),
        FleetError::Deed(error) => FleetRefusal::Deed(error),
        FleetError::Setting(error) => FleetRefusal::Setting(error),
        FleetError::SerialTaken => FleetRefusal::SerialTaken,
        FleetError::BadSerial => FleetRefusal::BadSerial,
        FleetError::NoRoom => FleetRefusal::NoRoom,
        FleetError::Changed => FleetRefusal::Changed,
        FleetError::Store(error) => return lost(error),
    })
}
