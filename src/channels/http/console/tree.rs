//! Places as a page shows them: one in another, each with how its devices stand.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::staff::{DeviceView, PlaceView};

/// Up to so many places are shown whole; of more, rooms only where one looks into what they lie in.
const SHOWN_WHOLE: usize = 60;
/// Devices on a page; the ones that need somebody first.
const MOST_DEVICES: usize = 200;

/// How many there are of what, at and below a place.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Count {
    /// Rooms, and beds of rooms of several.
    pub rooms: usize,
    /// Devices.
    pub devices: usize,
    /// Of those, let in and silent.
    pub offline: usize,
    /// Of those, waiting for their code.
    pub waiting: usize,
    /// Of those, lost.
    pub lost: usize,
}

/// A place with what lies in it.
#[derive(Serialize)]
pub struct Branch<'a> {
    place: &'a PlaceView,
    count: Count,
    below: Vec<Branch<'a>>,
}

/// Places that somebody reaches, with their devices.
pub struct House {
    /// Each after what it lies in.
    pub places: Vec<PlaceView>,
    /// By serial number.
    pub devices: Vec<DeviceView>,
}

impl House {
    /// A place by its id.
    pub fn place(&self, id: &str) -> Option<&PlaceView> {
        self.places.iter().find(|place| place.id == id)
    }

    /// What lies in a place; `None` for the topmost that somebody reaches.
    pub fn below(&self, id: Option<&str>) -> Vec<Branch<'_>> {
        let (counts, children) = (self.counts(), self.children());
        self.branches(id, id, &counts, &children)
    }

    fn branches<'a>(
        &'a self,
        of: Option<&str>,
        page: Option<&str>,
        counts: &BTreeMap<&str, Count>,
        children: &BTreeMap<Option<&str>, Vec<&'a PlaceView>>,
    ) -> Vec<Branch<'a>> {
        let here = children.get(&of).into_iter().flatten();
        let shown = here.filter(|place| {
            let room = matches!(place.kind, "room" | "bed");
            !room || self.places.len() <= SHOWN_WHOLE || of.is_none() || of == page
        });
        shown
            .map(|place| Branch {
                place,
                count: counts.get(place.id.as_str()).copied().unwrap_or_default(),
                below: self.branches(Some(&place.id), page, counts, children),
            })
            .collect()
    }

    /// By what they lie in. A place whose own is not theirs is on top.
    fn children(&self) -> BTreeMap<Option<&str>, Vec<&PlaceView>> {
        let mut children: BTreeMap<Option<&str>, Vec<&PlaceView>> = BTreeMap::new();
        let ids: BTreeMap<&str, ()> = self.places.iter().map(|place| (place.id.as_str(), ())).collect();
        for place in &self.places {
            let parent = place.parent.as_deref().filter(|parent| ids.contains_key(parent));
            children.entry(parent).or_default().push(place);
        }
        children
    }

    fn counts(&self) -> BTreeMap<&str, Count> {
        let mut counts: BTreeMap<&str, Count> = BTreeMap::new();
        let parents: BTreeMap<&str, Option<&str>> =
            self.places.iter().map(|place| (place.id.as_str(), place.parent.as_deref())).collect();
        let mut up = |from: &str, add: &dyn Fn(&mut Count)| {
            let mut next = parents.get_key_value(from);
            while let Some((id, parent)) = next {
                add(counts.entry(id).or_default());
                next = parent.and_then(|parent| parents.get_key_value(parent));
            }
        };
        for place in self.places.iter().filter(|place| place.room.is_some()) {
            up(&place.id, &|count| count.rooms += 1);
        }
        for device in &self.devices {
            up(&device.place, &|count| {
                count.devices += 1;
                count.offline += usize::from(device.silent);
                count.waiting += usize::from(device.state == "waiting");
                count.lost += usize::from(device.state == "lost");
            });
        }
        counts
    }

    /// The devices at and below a place, those that need somebody first, and how many more there are.
    pub fn devices_in(&self, id: Option<&str>) -> (Vec<&DeviceView>, usize) {
        let parents: BTreeMap<&str, Option<&str>> =
            self.places.iter().map(|place| (place.id.as_str(), place.parent.as_deref())).collect();
        let inside = |device: &&DeviceView| {
            let mut at = Some(device.place.as_str());
            while at.is_some() && at != id {
                at = at.and_then(|at| parents.get(at).copied().flatten());
            }
            id.is_none() || at == id
        };
        let mut devices: Vec<&DeviceView> = self.devices.iter().filter(inside).collect();
        devices.sort_by_key(|device| !(device.silent || device.state != "active"));
        let more = devices.len().saturating_sub(MOST_DEVICES);
        devices.truncate(MOST_DEVICES);
        (devices, more)
    }
}
