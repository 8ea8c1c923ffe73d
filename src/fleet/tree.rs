//! The places of a fleet: which may lie in which, and what may become of them. Pure.
//!
//! Invariants: a place lies in one other, of a kind above its own, or is a root; two of the same name never lie in the same place;
//! a room here is one place. Nobody is in the tree: who lies in a bed is the stay's business.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::settings::Settings;
use crate::{
    fleet::adt::Location,
    policy::{NodeId, RoomId},
};

/// Longest name of a place, in characters.
const LONGEST_NAME: usize = 80;
/// Places above one another: no more than there are kinds.
const DEEPEST: usize = NodeKind::ALL.len();

/// What a place is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum NodeKind {
    /// The whole of it.
    Organization,
    /// A hospital, or a house.
    Property,
    /// A part of a property.
    Building,
    /// A floor of a building or property.
    Floor,
    /// What a team of staff looks after.
    Unit,
    /// A room with a door.
    Room,
    /// A bed in a room of several.
    Bed,
}

impl NodeKind {
    /// All of them, from the top.
    pub const ALL: [Self; 7] =
        [Self::Organization, Self::Property, Self::Building, Self::Floor, Self::Unit, Self::Room, Self::Bed];

    /// Its name on the wire and in files.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Organization => "organization",
            Self::Property => "property",
            Self::Building => "building",
            Self::Floor => "floor",
            Self::Unit => "unit",
            Self::Room => "room",
            Self::Bed => "bed",
        }
    }

    /// The kind of that name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// Whether one of that kind may lie directly in `above`; `None` is nowhere.
    #[must_use]
    pub fn may_lie_in(self, above: Option<Self>) -> bool {
        match (self, above) {
            (Self::Organization | Self::Property, None) => true,
            (_, None) | (Self::Organization, Some(_)) => false,
            (Self::Bed, Some(above)) => above == Self::Room,
            (Self::Property, Some(above)) => above == Self::Organization,
            (_, Some(above)) => above >= Self::Property && above < self,
        }
    }

    /// Whether devices may know such a place as theirs: whoever speaks there lies there.
    #[must_use]
    pub const fn is_room(self) -> bool {
        matches!(self, Self::Room | Self::Bed)
    }
}

/// Why a place cannot be made, or changed so.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TreeError {
    /// No such place.
    #[error("there is no such place; see: wellspoken fleet places")]
    NoSuchPlace,
    /// It no longer counts.
    #[error("that place is retired")]
    Retired,
    /// Kinds that do not go together.
    #[error("a {child} cannot lie in {above}; from the top: organization, property, building, floor, unit, room, bed")]
    WrongPlace {
        /// What was to lie there.
        child: &'static str,
        /// Where.
        above: &'static str,
    },
    /// Two of the same name in one place.
    #[error("there is another place of that name there")]
    NameTaken,
    /// A name that says nothing, or too much.
    #[error("a place's name must be 1 to 80 characters without control characters")]
    BadName,
    /// Another place is that room.
    #[error("another place is that room already")]
    RoomTaken,
    /// Another bed has that location.
    #[error("another place has that location of the admission system already")]
    LocationTaken,
    /// A floor is no room.
    #[error("only a room or a bed is a room that devices know, or has a location of the admission system")]
    NoRoom,
    /// A location goes to a room.
    #[error("a location of the admission system needs the room that it is")]
    LocationWithoutRoom,
    /// It would lie in itself.
    #[error("a place cannot lie in itself or in one of its own")]
    Circle,
    /// Something is still there.
    #[error("there are still places or devices in it; retire or move them first")]
    NotEmpty,
}

/// A place.
#[derive(Debug, Clone, PartialEq)]
pub struct Node {
    /// Its id.
    pub id: NodeId,
    /// Where it lies; `None` at the top.
    pub parent: Option<NodeId>,
    /// What it is.
    pub kind: NodeKind,
    /// What people call it.
    pub name: String,
    /// The room as its devices know it.
    pub room: Option<RoomId>,
    /// What the admission system calls the bed.
    pub location: Option<Location>,
    /// What is set here; the rest comes from above.
    pub settings: Settings,
    /// When that was changed last, in microseconds since 1970.
    pub version: i64,
    /// It no longer counts.
    pub retired: bool,
}

/// A place that is to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewNode {
    /// Where; `None` for the top.
    pub parent: Option<NodeId>,
    /// What it is.
    pub kind: NodeKind,
    /// What people call it.
    pub name: String,
    /// The room as its devices know it, for a room or a bed.
    pub room: Option<RoomId>,
    /// What the admission system calls it, for what is a room.
    pub location: Option<Location>,
}

impl Node {
    /// A new place whose rules were checked, with nothing set.
    #[must_use]
    pub fn of(id: NodeId, new: &NewNode) -> Self {
        let NewNode { parent, kind, name, room, location } = new.clone();
        let (settings, version, retired) = (Settings::default(), 0, false);
        Self { id, parent, kind, name, room, location, settings, version, retired }
    }
}

/// All places together.
#[derive(Debug, Clone, Default)]
pub struct Tree {
    nodes: BTreeMap<NodeId, Node>,
    below: BTreeMap<Option<NodeId>, Vec<NodeId>>,
    /// Of those that count.
    names: BTreeMap<(Option<NodeId>, String), NodeId>,
    rooms: BTreeSet<RoomId>,
    locations: BTreeSet<String>,
}

impl Tree {
    /// The tree of these places.
    #[must_use]
    pub fn new(nodes: Vec<Node>) -> Self {
        let mut tree = Self::default();
        nodes.into_iter().for_each(|node| tree.put(node));
        tree
    }

    /// Adds a place whose rules were checked.
    pub fn put(&mut self, node: Node) {
        self.below.entry(node.parent.clone()).or_default().push(node.id.clone());
        if !node.retired {
            self.names.insert((node.parent.clone(), node.name.clone()), node.id.clone());
            self.rooms.extend(node.room.clone());
            self.locations.extend(node.location.as_ref().map(|location| location.as_str().to_owned()));
        }
        self.nodes.insert(node.id.clone(), node);
    }

    /// A place by its id.
    #[must_use]
    pub fn get(&self, id: &NodeId) -> Option<&Node> {
        self.nodes.get(id)
    }

    /// From the top down to a place, itself included; empty where there is none.
    #[must_use]
    pub fn path(&self, id: &NodeId) -> Vec<&Node> {
        let mut path = vec![];
        let mut next = self.nodes.get(id);
        while let Some(node) = next.filter(|_| path.len() <= DEEPEST) {
            path.push(node);
            next = node.parent.as_ref().and_then(|parent| self.nodes.get(parent));
        }
        path.reverse();
        path
    }

    /// What people call it, from the top: `Mercy / 4 West / 136`.
    #[must_use]
    pub fn called(&self, id: &NodeId) -> String {
        self.path(id).iter().map(|node| node.name.as_str()).collect::<Vec<_>>().join(" / ")
    }

    /// The room that a device there stands in: the place itself, or the nearest above it that is one.
    #[must_use]
    pub fn room_of(&self, id: &NodeId) -> Option<&RoomId> {
        self.path(id).into_iter().rev().find_map(|node| node.room.as_ref())
    }

    /// A place and all that lie in it and count, each after what it lies in, in the order of their names.
    #[must_use]
    pub fn at_and_below(&self, id: &NodeId) -> Vec<&Node> {
        let mut found = vec![];
        self.collect(self.nodes.get(id), 0, &mut found);
        found
    }

    /// Every place that counts, each after what it lies in.
    #[must_use]
    pub fn all(&self) -> Vec<&Node> {
        let mut found = vec![];
        for root in self.children(None) {
            self.collect(Some(root), 0, &mut found);
        }
        found
    }

    fn collect<'a>(&'a self, node: Option<&'a Node>, depth: usize, found: &mut Vec<&'a Node>) {
        let Some(node) = node.filter(|node| !node.retired && depth <= DEEPEST) else { return };
        found.push(node);
        for child in self.children(Some(&node.id)) {
            self.collect(Some(child), depth + 1, found);
        }
    }

    fn children(&self, parent: Option<&NodeId>) -> Vec<&Node> {
        let mut all: Vec<&Node> =
            self.below.get(&parent.cloned()).into_iter().flatten().filter_map(|id| self.nodes.get(id)).collect();
        all.sort_by(|a, b| (a.kind, &a.name).cmp(&(b.kind, &b.name)));
        all
    }

    /// The place of that name and kind that lies directly in `parent`.
    #[must_use]
    pub fn child(&self, parent: Option<&NodeId>, kind: NodeKind, name: &str) -> Option<&Node> {
        let id = self.names.get(&(parent.cloned(), name.to_owned()))?;
        self.nodes.get(id).filter(|node| node.kind == kind)
    }

    fn counting(&self, parent: Option<&NodeId>) -> impl Iterator<Item = &Node> {
        let all = self.below.get(&parent.cloned()).into_iter().flatten();
        all.filter_map(|id| self.nodes.get(id)).filter(|node| !node.retired)
    }

    /// The rooms at and below a place.
    #[must_use]
    pub fn rooms(&self, id: &NodeId) -> BTreeSet<RoomId> {
        self.at_and_below(id).into_iter().filter_map(|node| node.room.clone()).collect()
    }

    /// The rooms of the units of that name.
    #[must_use]
    pub fn rooms_of_unit(&self, name: &str) -> BTreeSet<RoomId> {
        let units =
            self.nodes.values().filter(|node| node.kind == NodeKind::Unit && node.name == name && !node.retired);
        units.flat_map(|unit| self.rooms(&unit.id)).collect()
    }

    /// The units there are, each with its rooms.
    pub fn units(&self) -> impl Iterator<Item = (&str, BTreeSet<RoomId>)> {
        let units = self.nodes.values().filter(|node| node.kind == NodeKind::Unit && !node.retired);
        units.map(|unit| (unit.name.as_str(), self.rooms(&unit.id)))
    }

    /// Whether somebody who looks after these rooms looks after a place: it lies in one of them, or has rooms in it, all of which
    /// are theirs.
    #[must_use]
    pub fn within(&self, id: &NodeId, rooms: &[RoomId]) -> bool {
        if self.path(id).iter().any(|node| node.room.as_ref().is_some_and(|room| rooms.contains(room))) {
            return true;
        }
        let here = self.rooms(id);
        !here.is_empty() && here.iter().all(|room| rooms.contains(room))
    }

    /// Whether a place may be made.
    ///
    /// # Errors
    /// Why not.
    pub fn may_add(&self, new: &NewNode) -> Result<(), TreeError> {
        let fits = (1..=LONGEST_NAME).contains(&new.name.chars().count());
        if !fits || new.name.trim() != new.name || new.name.chars().any(char::is_control) {
            return Err(TreeError::BadName);
        }
        if (new.room.is_some() || new.location.is_some()) && !new.kind.is_room() {
            return Err(TreeError::NoRoom);
        }
        if new.location.is_some() && new.room.is_none() {
            return Err(TreeError::LocationWithoutRoom);
        }
        self.may_lie(new.kind, &new.name, new.parent.as_ref())?;
        if new.room.as_ref().is_some_and(|room| self.rooms.contains(room)) {
            return Err(TreeError::RoomTaken);
        }
        if new.location.as_ref().is_some_and(|location| self.locations.contains(location.as_str())) {
            return Err(TreeError::LocationTaken);
        }
        Ok(())
    }

    fn may_lie(&self, kind: NodeKind, name: &str, parent: Option<&NodeId>) -> Result<(), TreeError> {
        let above = parent.map(|parent| self.live(parent)).transpose()?;
        if !kind.may_lie_in(above.map(|above| above.kind)) {
            let above = above.map_or("nothing", |above| above.kind.name());
            return Err(TreeError::WrongPlace { child: kind.name(), above });
        }
        if self.names.contains_key(&(parent.cloned(), name.to_owned())) {
            return Err(TreeError::NameTaken);
        }
        Ok(())
    }

    /// A place that counts.
    ///
    /// # Errors
    /// When there is none of that id, or it is retired.
    pub fn live(&self, id: &NodeId) -> Result<&Node, TreeError> {
        let node = self.nodes.get(id).ok_or(TreeError::NoSuchPlace)?;
        if node.retired { Err(TreeError::Retired) } else { Ok(node) }
    }

    /// Whether a place may be put into another.
    ///
    /// # Errors
    /// Why not.
    pub fn may_move(&self, id: &NodeId, to: &NodeId) -> Result<(), TreeError> {
        let node = self.live(id)?;
        if self.path(to).iter().any(|above| above.id == *id) {
            return Err(TreeError::Circle);
        }
        self.may_lie(node.kind, &node.name, Some(to))
    }

    /// Whether a place may be retired; `devices` says whether any stands in it.
    ///
    /// # Errors
    /// Why not.
    pub fn may_retire(&self, id: &NodeId, devices: bool) -> Result<(), TreeError> {
        self.live(id)?;
        if devices || self.counting(Some(id)).next().is_some() { Err(TreeError::NotEmpty) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(text: &str) -> NodeId {
        NodeId::parse(text).expect("fits")
    }

    fn node(name: &str, parent: Option<&str>, kind: NodeKind, room: Option<&str>) -> Node {
        Node {
            id: id(name),
            parent: parent.map(id),
            kind,
            name: name.into(),
            room: room.map(|room| RoomId::parse(room).expect("fits")),
            location: None,
            settings: Settings::default(),
            version: 0,
            retired: false,
        }
    }

    fn tree() -> Tree {
        use NodeKind::{Bed, Property, Room, Unit};
        Tree::new(vec![
            node("mercy", None, Property, None),
            node("4w", Some("mercy"), Unit, None),
            node("5w", Some("mercy"), Unit, None),
            node("136", Some("4w"), Room, None),
            node("136-a", Some("136"), Bed, Some("r136-a")),
            node("136-b", Some("136"), Bed, Some("r136-b")),
            node("137", Some("4w"), Room, Some("r137")),
            node("201", Some("5w"), Room, Some("r201")),
            Node { retired: true, ..node("138", Some("4w"), Room, Some("r138")) },
        ])
    }

    #[test]
    fn what_may_lie_in_what() {
        use NodeKind::{Bed, Building, Floor, Organization, Property, Room, Unit};
        let may: &[(NodeKind, &[Option<NodeKind>])] = &[
            (Organization, &[None]),
            (Property, &[None, Some(Organization)]),
            (Building, &[Some(Property)]),
            (Floor, &[Some(Property), Some(Building)]),
            (Unit, &[Some(Property), Some(Building), Some(Floor)]),
            (Room, &[Some(Property), Some(Building), Some(Floor), Some(Unit)]),
            (Bed, &[Some(Room)]),
        ];
        for (kind, above) in may {
            for candidate in NodeKind::ALL.into_iter().map(Some).chain([None]) {
                assert_eq!(kind.may_lie_in(candidate), above.contains(&candidate), "{kind:?} in {candidate:?}");
            }
            assert_eq!(NodeKind::named(kind.name()), Some(*kind));
        }
        assert_eq!(NodeKind::named("ward"), None);
    }

    #[test]
    fn a_place_is_made_where_it_may_lie() {
        let tree = tree();
        let room = |text: &str| RoomId::parse(text).ok();
        let new = |parent: Option<&str>, kind, name: &str, room| NewNode {
            parent: parent.map(id),
            kind,
            name: name.into(),
            room,
            location: None,
        };
        for (new, wanted) in [
            (new(Some("4w"), NodeKind::Room, "139", room("r139")), Ok(())),
            (new(Some("4w"), NodeKind::Room, "138", room("r138")), Ok(())),
            (new(None, NodeKind::Property, "lakeside", None), Ok(())),
            (new(Some("nowhere"), NodeKind::Room, "x", None), Err(TreeError::NoSuchPlace)),
            (new(Some("138"), NodeKind::Bed, "x", None), Err(TreeError::Retired)),
            (new(Some("4w"), NodeKind::Room, "137", None), Err(TreeError::NameTaken)),
            (new(Some("4w"), NodeKind::Room, "x", room("r201")), Err(TreeError::RoomTaken)),
            (new(Some("mercy"), NodeKind::Floor, "x", room("rx")), Err(TreeError::NoRoom)),
            (new(Some("4w"), NodeKind::Room, "", None), Err(TreeError::BadName)),
            (new(Some("4w"), NodeKind::Room, " x", None), Err(TreeError::BadName)),
            (new(Some("4w"), NodeKind::Room, "a\nb", None), Err(TreeError::BadName)),
            (new(Some("4w"), NodeKind::Bed, "x", None), Err(TreeError::WrongPlace { child: "bed", above: "unit" })),
            (new(None, NodeKind::Room, "x", None), Err(TreeError::WrongPlace { child: "room", above: "nothing" })),
        ] {
            assert_eq!(tree.may_add(&new), wanted, "{}", new.name);
        }
        let located = NewNode { location: Location::parse("4W^139"), ..new(Some("4w"), NodeKind::Room, "139", None) };
        assert_eq!(tree.may_add(&located), Err(TreeError::LocationWithoutRoom));
    }

    #[test]
    fn what_moves_and_what_is_retired() {
        let tree = tree();
        for (what, to, wanted) in [
            ("137", "5w", Ok(())),
            ("4w", "137", Err(TreeError::Circle)),
            ("4w", "4w", Err(TreeError::Circle)),
            ("137", "nowhere", Err(TreeError::NoSuchPlace)),
            ("136-a", "5w", Err(TreeError::WrongPlace { child: "bed", above: "unit" })),
            ("138", "5w", Err(TreeError::Retired)),
        ] {
            assert_eq!(tree.may_move(&id(what), &id(to)), wanted, "{what} to {to}");
        }
        assert_eq!(tree.may_retire(&id("137"), false), Ok(()));
        assert_eq!(tree.may_retire(&id("137"), true), Err(TreeError::NotEmpty));
        assert_eq!(tree.may_retire(&id("136"), false), Err(TreeError::NotEmpty));
        assert_eq!(tree.may_retire(&id("138"), false), Err(TreeError::Retired));
    }

    #[test]
    fn whose_a_place_is() {
        let tree = tree();
        let rooms = |names: &[&str]| names.iter().filter_map(|name| RoomId::parse(name).ok()).collect::<Vec<_>>();
        let unit = rooms(&["r136-a", "r136-b", "r137"]);
        for (place, whose, wanted) in [
            ("4w", unit.clone(), true),
            ("136", unit.clone(), true),
            ("136-a", unit.clone(), true),
            ("mercy", unit.clone(), false),
            ("5w", unit.clone(), false),
            ("201", unit, false),
            ("4w", rooms(&["r137"]), false),
            ("136-a", rooms(&["r136-b"]), false),
            ("mercy", rooms(&[]), false),
            ("nowhere", rooms(&["r137"]), false),
        ] {
            assert_eq!(tree.within(&id(place), &whose), wanted, "{place} of {}", whose.len());
        }
        assert_eq!(tree.rooms_of_unit("4w").len(), 3, "what is retired is none of it");
        assert_eq!(tree.room_of(&id("136-b")).map(RoomId::as_str), Some("r136-b"));
        assert_eq!(tree.room_of(&id("136")), None, "a room of several beds is none");
        assert_eq!(tree.called(&id("136-b")), "mercy / 4w / 136 / 136-b");
    }

    #[test]
    fn a_circle_that_somebody_made_in_the_database_ends() {
        let tree =
            Tree::new(vec![node("a", Some("b"), NodeKind::Unit, None), node("b", Some("a"), NodeKind::Unit, None)]);
        assert!(tree.path(&id("a")).len() <= DEEPEST + 1);
        assert!(tree.at_and_below(&id("a")).len() < 300);
    }
}
