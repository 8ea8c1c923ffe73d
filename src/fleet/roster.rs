//! Many devices with their places, out of a table. Pure: what is to be made, or what is wrong in which line and column.
//!
//! Invariant: with anything wrong nothing is to be made. A table that was imported before makes nothing twice, so one that was cut
//! off is imported again.

use std::collections::BTreeMap;

use super::{
    adt::Location,
    csv::{self, Record},
    device::{Channel, Device, DeviceState, is_serial},
    tree::{NewNode, Node, NodeKind, Tree, TreeError},
};
use crate::policy::{DeviceId, NodeId, RoomId};

/// Lines with something wrong that are told; the rest is counted.
pub const MOST_TOLD: usize = 100;
/// Devices of one table.
pub const MOST_DEVICES: usize = 100_000;

/// The columns, in the order in which they are documented.
const COLUMNS: [&str; 11] =
    ["organization", "property", "building", "floor", "unit", "room", "bed", "place", "adt", "serial", "channel"];

/// What is wrong with a table.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}, {column}: {what}")]
pub struct Wrong {
    /// Counted from 1.
    pub line: usize,
    /// The column's name, or `line` for all of it.
    pub column: &'static str,
    /// What is wrong, and what to do.
    pub what: String,
}

/// A device that is to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewDevice {
    /// Its serial number.
    pub serial: String,
    /// Where it is to stand.
    pub node: NodeId,
    /// What it stands for.
    pub channel: Channel,
}

/// What a table says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Roster {
    /// Places to be made, each after what it lies in.
    pub places: Vec<(NodeId, NewNode)>,
    /// Devices to be made.
    pub devices: Vec<NewDevice>,
    /// Devices that stand there already and wait for their code: they get a fresh one.
    pub waiting: Vec<(DeviceId, String)>,
    /// Devices that stand there already and are let in: nothing is done.
    pub known: usize,
    /// What is wrong, the first [`MOST_TOLD`]; with any, nothing is to be made.
    pub wrong: Vec<Wrong>,
    /// How much more is wrong.
    pub more_wrong: usize,
}

/// How far whoever brings a table reaches.
pub struct Within<'a> {
    /// Whether a place is theirs.
    pub reaches: &'a (dyn Fn(&NodeId) -> bool + Sync),
    /// Whether they may make places.
    pub makes_places: bool,
}

impl Within<'_> {
    /// Everywhere, as whoever sits at the server.
    pub const EVERYWHERE: Self = Self { reaches: &|_| true, makes_places: true };
}

/// Which column stands where.
struct Header([Option<usize>; COLUMNS.len()]);

/// A line with its columns.
struct Line<'a> {
    number: usize,
    fields: &'a [String],
    header: &'a Header,
}

impl Line<'_> {
    fn get(&self, column: &str) -> &str {
        let place = COLUMNS.iter().position(|name| *name == column).and_then(|n| self.header.0[n]);
        place.and_then(|place| self.fields.get(place)).map_or("", String::as_str)
    }

    fn wrong(&self, column: &'static str, what: impl Into<String>) -> Wrong {
        Wrong { line: self.number, column, what: what.into() }
    }
}

/// Reads a table against the places and devices there are, as far as whoever brings it reaches: of what is not theirs it tells
/// nothing. `fresh` gives ids for new places.
#[must_use]
pub fn read(
    text: &str,
    tree: &Tree,
    devices: &[Device],
    within: &Within<'_>,
    mut fresh: impl FnMut() -> NodeId,
) -> Roster {
    let mut roster = Roster::default();
    let records = match csv::records(text) {
        Ok(records) => records,
        Err(error) => {
            roster.add_wrong(Wrong { line: error.line, column: "line", what: "close the quote".into() });
            return roster;
        }
    };
    let Some((head, rows)) = records.split_first() else {
        let what = format!("is empty; the first line names columns: {}", COLUMNS.join(","));
        roster.add_wrong(Wrong { line: 1, column: "line", what });
        return roster;
    };
    let header = match header_of(head) {
        Ok(header) => header,
        Err(wrong) => {
            wrong.into_iter().for_each(|wrong| roster.add_wrong(wrong));
            return roster;
        }
    };
    if rows.len() > MOST_DEVICES {
        let what = format!("has {} devices; import at most {MOST_DEVICES} at once", rows.len());
        roster.add_wrong(Wrong { line: head.line, column: "line", what });
        return roster;
    }
    let mut reading = Reading {
        tree: tree.clone(),
        known: devices.iter().map(|device| (device.serial.as_str(), device)).collect(),
        told: BTreeMap::new(),
        within,
    };
    for row in rows {
        let line = Line { number: row.line, fields: &row.fields, header: &header };
        if row.fields.len() > head.fields.len() {
            let what = format!("has {} fields and the first line {}", row.fields.len(), head.fields.len());
            roster.add_wrong(line.wrong("line", what));
        } else if let Err(wrong) = reading.line(&line, &mut roster, &mut fresh) {
            roster.add_wrong(wrong);
        }
    }
    roster
}

impl Roster {
    fn add_wrong(&mut self, wrong: Wrong) {
        if self.wrong.len() < MOST_TOLD { self.wrong.push(wrong) } else { self.more_wrong += 1 }
    }
}

fn header_of(head: &Record) -> Result<Header, Vec<Wrong>> {
    let mut header = Header([None; COLUMNS.len()]);
    let mut wrong = vec![];
    let mut say = |what: String| wrong.push(Wrong { line: head.line, column: "line", what });
    for (place, name) in head.fields.iter().enumerate() {
        match COLUMNS.iter().position(|column| column.eq_ignore_ascii_case(name)) {
            Some(n) if header.0[n].is_none() => header.0[n] = Some(place),
            Some(n) => say(format!("names the column {} twice", COLUMNS[n])),
            None => say(format!("names a column that there is not; there are {}", COLUMNS.join(", "))),
        }
    }
    for needed in ["property", "room", "serial"] {
        if COLUMNS.iter().position(|name| *name == needed).is_some_and(|n| header.0[n].is_none()) {
            say(format!("does not name the column {needed}"));
        }
    }
    if wrong.is_empty() { Ok(header) } else { Err(wrong) }
}

struct Reading<'a> {
    tree: Tree,
    known: BTreeMap<&'a str, &'a Device>,
    /// The line of each serial number.
    told: BTreeMap<String, usize>,
    within: &'a Within<'a>,
}

impl Reading<'_> {
    fn line(&mut self, line: &Line<'_>, roster: &mut Roster, fresh: &mut impl FnMut() -> NodeId) -> Result<(), Wrong> {
        let serial = line.get("serial");
        if !is_serial(serial) {
            return Err(line.wrong("serial", "must be 1 to 64 letters, digits, `-`, `_`, `.`, `:` or `/`"));
        }
        if let Some(before) = self.told.insert(serial.to_owned(), line.number) {
            return Err(line.wrong("serial", format!("stands in line {before}, too; leave one out")));
        }
        let channel = match line.get("channel") {
            "" => Channel::Room,
            name => {
                Channel::named(name).ok_or_else(|| line.wrong("channel", "must be room, home, or empty for room"))?
            }
        };
        let node = self.place(line, roster, fresh)?;
        match self.known.get(serial) {
            None => roster.devices.push(NewDevice { serial: serial.to_owned(), node, channel }),
            Some(device) if !(self.within.reaches)(&device.node) => {
                return Err(line.wrong("serial", "is a device's that is not yours"));
            }
            Some(device) if device.node != node => {
                let what =
                    format!("stands in {} already; to move it: wellspoken fleet move", self.tree.called(&device.node));
                return Err(line.wrong("serial", what));
            }
            Some(device) if device.state == DeviceState::Waiting => {
                roster.waiting.push((device.id.clone(), serial.to_owned()));
            }
            Some(_) => roster.known += 1,
        }
        Ok(())
    }

    /// The place of a line; what of it is not there yet is to be made.
    fn place(
        &mut self,
        line: &Line<'_>,
        roster: &mut Roster,
        fresh: &mut impl FnMut() -> NodeId,
    ) -> Result<NodeId, Wrong> {
        let mut at: Option<NodeId> = None;
        let last = if line.get("bed").is_empty() { NodeKind::Room } else { NodeKind::Bed };
        for (kind, column) in NodeKind::ALL.into_iter().zip(COLUMNS) {
            let name = line.get(column);
            if name.is_empty() {
                if matches!(kind, NodeKind::Property | NodeKind::Room) {
                    return Err(line.wrong(column, "must say where the device stands"));
                }
                continue;
            }
            let stands = kind == last;
            let found = self.tree.child(at.as_ref(), kind, name).cloned();
            let next = match found {
                Some(node) => {
                    if stands {
                        self.own(line, &node.id)?;
                        fits(line, &node)?;
                    }
                    node.id
                }
                None if !self.within.makes_places => return Err(not_theirs(line)),
                None => self.made(line, column, (kind, stands), at, roster, fresh)?,
            };
            at = Some(next);
        }
        at.ok_or_else(|| line.wrong("line", "names no place"))
    }

    /// A place that this table makes is theirs; one that is there must be.
    fn own(&self, line: &Line<'_>, id: &NodeId) -> Result<(), Wrong> {
        if self.within.makes_places || (self.within.reaches)(id) { Ok(()) } else { Err(not_theirs(line)) }
    }

    fn made(
        &mut self,
        line: &Line<'_>,
        column: &'static str,
        (kind, stands): (NodeKind, bool),
        parent: Option<NodeId>,
        roster: &mut Roster,
        fresh: &mut impl FnMut() -> NodeId,
    ) -> Result<NodeId, Wrong> {
        let (room, location) = if stands { (Some(room(line)?), location(line)?) } else { (None, None) };
        let new = NewNode { parent, kind, name: line.get(column).to_owned(), room, location };
        self.tree.may_add(&new).map_err(|error| {
            let column = match &error {
                TreeError::RoomTaken => "place",
                TreeError::LocationTaken => "adt",
                _ => column,
            };
            line.wrong(column, error.to_string())
        })?;
        let id = fresh();
        self.tree.put(Node::of(id.clone(), &new));
        roster.places.push((id.clone(), new));
        Ok(id)
    }
}

/// The same whether such a place is there or not.
fn not_theirs(line: &Line<'_>) -> Wrong {
    line.wrong("room", "is no place of yours; whoever looks after the machine makes places")
}

/// What a line says of a place that is there already must be what it is.
fn fits(line: &Line<'_>, node: &Node) -> Result<(), Wrong> {
    let Some(room) = &node.room else {
        return Err(line.wrong("bed", "that room has beds; say in which of them the device stands"));
    };
    let place = line.get("place");
    if !place.is_empty() && place != room.as_str() {
        return Err(line.wrong("place", format!("is {} there; leave the column empty", room.as_str())));
    }
    let adt = location(line)?;
    if adt.is_some() && adt != node.location {
        return Err(line.wrong("adt", "is another one there; leave the column empty"));
    }
    Ok(())
}

fn location(line: &Line<'_>) -> Result<Option<Location>, Wrong> {
    let text = line.get("adt");
    if text.is_empty() {
        return Ok(None);
    }
    let wrong = || line.wrong("adt", "must be written as PV1-3 has it, such as 4E^136^B^MERCY");
    Location::parse(text).map(Some).ok_or_else(wrong)
}

/// The room as its devices know it: as the line says, else made of its names.
fn room(line: &Line<'_>) -> Result<RoomId, Wrong> {
    let place = line.get("place");
    if !place.is_empty() {
        return RoomId::parse(place).map_err(|error| line.wrong("place", error.to_string()));
    }
    let names = ["property", "unit", "room", "bed"].map(|column| line.get(column));
    let words: Vec<String> = names.iter().filter(|name| !name.is_empty()).map(|name| slug(name)).collect();
    let made = RoomId::parse(&words.join("-")).ok().filter(|_| words.iter().all(|word| !word.is_empty()));
    made.ok_or_else(|| {
        line.wrong("place", "cannot be made of the names; give one of 1 to 64 letters, digits, `-`, `_`, `.` or `:`")
    })
}

fn slug(name: &str) -> String {
    let plain: String =
        name.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { ' ' }).collect();
    plain.split_whitespace().collect::<Vec<_>>().join("-")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_text(text: &str) -> Roster {
        let mut next = 0;
        read(text, &Tree::default(), &[], &Within::EVERYWHERE, || {
            next += 1;
            NodeId::parse(&format!("n{next}")).expect("fits")
        })
    }

    #[test]
    fn places_are_made_once_and_devices_stand_in_them() {
        let text = "property,unit,room,bed,adt,serial\nMercy,4 West,136,A,4W^136^A,SN-1\nMercy,4 West,136,B,4W^136^B,SN-2\n\
                    Mercy,4 West,137,,,SN-3\nMercy,4 West,137,,,SN-4\n";
        let roster = read_text(text);
        assert_eq!(roster.wrong, []);
        let made: Vec<_> = roster
            .places
            .iter()
            .map(|(id, new)| (id.as_str(), new.kind.name(), new.name.as_str(), new.room.as_ref().map(RoomId::as_str)))
            .collect();
        assert_eq!(
            made,
            [
                ("n1", "property", "Mercy", None),
                ("n2", "unit", "4 West", None),
                ("n3", "room", "136", None),
                ("n4", "bed", "A", Some("mercy-4-west-136-a")),
                ("n5", "bed", "B", Some("mercy-4-west-136-b")),
                ("n6", "room", "137", Some("mercy-4-west-137")),
            ]
        );
        let stand: Vec<_> = roster.devices.iter().map(|d| (d.serial.as_str(), d.node.as_str())).collect();
        assert_eq!(stand, [("SN-1", "n4"), ("SN-2", "n5"), ("SN-3", "n6"), ("SN-4", "n6")]);
    }

    #[test]
    fn a_table_that_was_imported_makes_nothing_twice() {
        let text = "property,room,serial\nMercy,1,SN-1\nMercy,2,SN-2\nMercy,3,SN-3\n";
        let first = read_text(text);
        let tree = Tree::new(first.places.iter().map(|(id, new)| Node::of(id.clone(), new)).collect());
        let device = |n: usize, state| Device {
            id: DeviceId::parse(&format!("d{n}")).expect("fits"),
            serial: first.devices[n].serial.clone(),
            node: first.devices[n].node.clone(),
            channel: Channel::Room,
            state,
            credential: None,
            moves: 0,
            version: 0,
            acked: 0,
            firmware: String::new(),
            battery: None,
            seen: None,
        };
        let there = [device(0, DeviceState::Waiting), device(1, DeviceState::Active)];
        let fresh = || NodeId::parse("never").expect("fits");
        let again = read(text, &tree, &there, &Within::EVERYWHERE, fresh);
        assert_eq!((again.wrong.len(), again.places.len(), again.devices.len(), again.known), (0, 0, 1, 1));
        assert_eq!(again.waiting[0].1, "SN-1");
        let moved = read("property,room,serial\nMercy,2,SN-1\n", &tree, &there, &Within::EVERYWHERE, fresh);
        assert!(moved.wrong[0].what.contains("stands in Mercy / 1 already"), "{:?}", moved.wrong);
    }

    #[test]
    fn of_what_is_not_theirs_a_table_tells_nothing() {
        let text = "property,room,serial\nMercy,1,SN-1\nMercy,2,SN-2\n";
        let first = read_text(text);
        let tree = Tree::new(first.places.iter().map(|(id, new)| Node::of(id.clone(), new)).collect());
        // The ids: n1 the property, n2 and n3 the rooms.
        let reaches = |id: &NodeId| id.as_str() == "n2";
        let within = Within { reaches: &reaches, makes_places: false };
        let mut device = first.devices[1].clone();
        device.serial = "SN-9".into();
        let there = [Device {
            id: DeviceId::parse("d").expect("fits"),
            serial: device.serial,
            node: device.node,
            channel: Channel::Room,
            state: DeviceState::Waiting,
            credential: None,
            moves: 0,
            version: 0,
            acked: 0,
            firmware: String::new(),
            battery: None,
            seen: None,
        }];
        let says = |row: &str| {
            let text = format!("property,room,bed,serial\n{row}\n");
            let roster = read(&text, &tree, &there, &within, || NodeId::parse("never").expect("fits"));
            (roster.devices.len(), roster.wrong.into_iter().map(|w| (w.column, w.what)).next())
        };
        assert_eq!(says("Mercy,1,,SN-1"), (1, None));
        let other = says("Mercy,2,,SN-1");
        assert_eq!(other.1.as_ref().map(|(column, _)| *column), Some("room"));
        for nowhere in ["Mercy,3,,SN-1", "Other,1,,SN-1", "Mercy,2,A,SN-1", "Mercy,1,A,SN-1"] {
            assert_eq!(says(nowhere), other, "{nowhere}: whether there is such a place is not told");
        }
        let (made, wrong) = says("Mercy,1,,SN-9");
        assert_eq!((made, wrong.map(|(column, what)| (column, what.contains("Mercy")))), (0, Some(("serial", false))));
    }

    #[test]
    fn what_is_wrong_is_told_with_its_line_and_column() {
        let head = "property,unit,room,bed,place,adt,serial,channel\n";
        for (rows, line, column, says) in [
            ("", 0, "", ""),
            ("Mercy,,1,,,,,\n", 2, "serial", "1 to 64"),
            ("Mercy,,1,,,,S N,\n", 2, "serial", "1 to 64"),
            (",,1,,,,SN-1,\n", 2, "property", "where the device stands"),
            ("Mercy,,,,,,SN-1,\n", 2, "room", "where the device stands"),
            ("Mercy,,1,,,,SN-1,\n\nMercy,,2,,,,SN-1,\n", 4, "serial", "line 2"),
            ("Mercy,,1,,,,SN-1,tv\n", 2, "channel", "room, home"),
            ("Mercy,,1,,a b,,SN-1,\n", 2, "place", "letters, digits"),
            ("Mercy,,1,,r1,,SN-1,\nMercy,,2,,r1,,SN-2,\n", 3, "place", "another place is that room"),
            ("Mercy,,1,,r1,,SN-1,\nMercy,,1,,r2,,SN-2,\n", 3, "place", "is r1 there"),
            ("Mercy,,1,A,,,SN-1,\nMercy,,1,,,,SN-2,\n", 3, "bed", "that room has beds"),
            ("Mercy,,1,,,^^^^^,SN-1,\n", 2, "adt", "PV1-3"),
            ("Mercy,,1,,,4E^1,SN-1,\nMercy,,2,,,4e^1,SN-2,\n", 3, "adt", "has that location"),
            ("Mercy,,1,,,,SN-1,,x\n", 2, "line", "9 fields"),
            ("Mercy,\"4,1,,,,SN-1,\n", 2, "line", "close the quote"),
            ("Mercy,,é,,,,SN-1,\n", 2, "place", "cannot be made of the names"),
            ("Mercy,,1 a,,,,SN-1,\nMercy,,1-a,,,,SN-2,\n", 3, "place", "another place is that room"),
        ] {
            let roster = read_text(&format!("{head}{rows}"));
            match roster.wrong.first() {
                None => assert_eq!(line, 0, "{rows}"),
                Some(wrong) => {
                    assert_eq!((wrong.line, wrong.column), (line, column), "{rows}: {wrong}");
                    assert!(wrong.what.contains(says), "{rows}: {wrong}");
                }
            }
        }
        for (text, says) in [
            ("", "is empty"),
            ("property,room\n", "does not name the column serial"),
            ("property,room,serial,colour\n", "a column that there is not"),
            ("property,room,serial,Room\n", "the column room twice"),
        ] {
            let roster = read_text(text);
            assert!(roster.wrong.iter().any(|wrong| wrong.what.contains(says)), "{text}: {:?}", roster.wrong);
        }
        let many = format!("{head}{}", "Mercy,,1,,,,,\n".repeat(250));
        let roster = read_text(&many);
        assert_eq!((roster.wrong.len(), roster.more_wrong), (MOST_TOLD, 150));
    }

    #[test]
    fn ten_thousand_devices_are_read_at_once() {
        let rows: String = (0..10_000).map(|n| format!("Mercy,{} West,{n},SN-{n}\n", n / 40)).collect();
        let roster = read_text(&format!("property,unit,room,serial\n{rows}"));
        assert_eq!((roster.wrong.len(), roster.devices.len(), roster.places.len()), (0, 10_000, 10_251));
    }
}
