//! Which unit a room belongs to.

use std::collections::{BTreeMap, BTreeSet};

use crate::policy::RoomId;

/// The unit whose people are on duty for the whole house.
pub const HOUSE: &str = "house";

/// Which rooms a unit has.
#[derive(Debug, Clone, Default)]
pub struct Units {
    of: BTreeMap<String, String>,
}

impl Units {
    /// Units with their rooms. Where several name a room, the first by name has it.
    pub fn new<'a>(units: impl IntoIterator<Item = (&'a String, &'a Vec<String>)>) -> Self {
        let mut of = BTreeMap::new();
        for (unit, rooms) in units {
            for room in rooms {
                of.entry(room.clone()).or_insert_with(|| unit.clone());
            }
        }
        Self { of }
    }

    /// The same and more of them; a room that has its unit already keeps it.
    #[must_use]
    pub fn and<'a>(mut self, units: impl IntoIterator<Item = (&'a str, BTreeSet<RoomId>)>) -> Self {
        for (unit, rooms) in units {
            for room in rooms {
                self.of.entry(room.as_str().to_owned()).or_insert_with(|| unit.to_owned());
            }
        }
        self
    }

    /// The unit of a room.
    #[must_use]
    pub fn of(&self, room: &RoomId) -> Option<&str> {
        self.of.get(room.as_str()).map(String::as_str)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_room_has_one_unit_and_the_configured_one_first() {
        let room = |name: &str| RoomId::parse(name).expect("a room");
        let configured = BTreeMap::from([("4 West".to_owned(), vec!["401".to_owned()])]);
        let placed =
            [("4W", BTreeSet::from([room("401"), room("402")])), ("5W", BTreeSet::from([room("402"), room("501")]))];
        let units = Units::new(&configured).and(placed);
        let of = ["401", "402", "501", "601"].map(|name| units.of(&room(name)).map(str::to_owned));
        assert_eq!(of, [Some("4 West".into()), Some("4W".into()), Some("5W".into()), None]);
    }
}
