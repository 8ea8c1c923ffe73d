//! Which unit a room belongs to.

use std::collections::BTreeMap;

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

    /// The unit of a room.
    #[must_use]
    pub fn of(&self, room: &RoomId) -> Option<&str> {
        self.of.get(room.as_str()).map(String::as_str)
    }
}
