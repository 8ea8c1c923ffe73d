//! The fleet for staff: places, devices, settings, and what is announced.
//!
//! Invariants: whoever looks after rooms reaches the places that are theirs and the devices in them, and nothing besides; whoever
//! looks after the machine reaches all of them and hears nobody. Every change stands in the audit trail with who made it.

use jiff::{SignedDuration, Timestamp, tz::TimeZone};

use super::{Desk, DoneView, NotTold, Told, lost};
use crate::{
    device::Priority,
    fleet::{
        Crier, DropInError,
        announce::{NotSaid, is_sayable},
        device::{Channel, Deed, Device, DeviceState, WrongDeed},
        settings::{BadSetting, Settings},
        tree::{NewNode, Tree, TreeError},
    },
    policy::{
        DeviceId, NodeId,
        staff::{Right, Role, StaffMember},
    },
    store::{Announcement, By, FleetError},
};

mod table;
mod views;

pub use views::{
    AboveView, AnnouncementView, AnnouncementsView, CodeView, DeviceView, DevicesView, FleetTold, MadeView, PlaceView,
    PlacesView, TableView, WrongView,
};
use views::{devices_of, places};

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
    /// What a table of devices with their places says; with `true` it is made.
    Table(String, bool),
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
            Self::Set(..)
            | Self::AddDevice(..)
            | Self::Code(_)
            | Self::MoveDevice(..)
            | Self::End(..)
            | Self::Table(..) => Right::ChangeDevices,
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
            FleetAsk::Table(text, make) => self.table(reach, &text, make, now).await,
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
