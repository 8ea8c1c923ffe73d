//! Urgent care places by name: which there are, and what a sentence means that names one.
//!
//! Nobody's data: the operator's list of places. Where it cannot be read, names are not known and everything else goes on.

use std::sync::{Arc, Mutex, PoisonError};

use jiff::{SignedDuration, Timestamp};

use super::{Core, Turn, again::lost, understand::clear};
use crate::{
    nlu::{
        By, Interpretation, Pending, Slot, SlotValue, Slots,
        catalogue::SlotKind,
        places::{Mention, Named, mention},
    },
    policy::NameLists,
};

/// How long the list is taken as it was read.
const LASTS: SignedDuration = SignedDuration::from_mins(1);

/// What is asked of places.
const OF_PLACES: &str = "urgent_care.";
/// What is asked of visits: who it is with may be a place.
const OF_VISITS: &str = "appointment.";
/// The slot that names a place.
const PLACE: &str = "place";
/// The slot that tells whom a visit is with.
const PROVIDER: &str = "provider";

/// The names of the operator's places, as they were last read.
#[derive(Default)]
pub struct CareNames {
    read: Mutex<Option<(Timestamp, Arc<[Named]>)>>,
}

impl CareNames {
    /// The names, from the list where they were not read in the last minute.
    pub(super) async fn of(&self, core: &Core, now: Timestamp) -> Arc<[Named]> {
        let kept = self.read.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some((at, names)) = kept
            && now.duration_since(at).abs() <= LASTS
        {
            return names;
        }
        let Ok(places) = core.records.care_places().await else { return Arc::default() };
        let names: Arc<[Named]> = places.iter().filter_map(|place| Named::new(&place.name, place.emergency)).collect();
        *self.read.lock().unwrap_or_else(PoisonError::into_inner) = Some((now, names.clone()));
        names
    }
}

impl Turn<'_> {
    /// What the words mean, where a place may be named in them.
    pub(super) fn read_as(&self, words: &str, lists: &NameLists, pending: Option<Pending<'_>>) -> Interpretation {
        let first = self.read_plainly(words, lists, pending);
        if self.places.is_empty() || first.by == By::Answer || first.slots.contains_key(PLACE) {
            return first;
        }
        let Some(named) = mention(words, &self.places) else { return first };
        self.with_place(&named, &first, lists, pending).unwrap_or(first)
    }

    fn with_place(
        &self,
        named: &Mention,
        first: &Interpretation,
        lists: &NameLists,
        pending: Option<Pending<'_>>,
    ) -> Option<Interpretation> {
        // "What about Hillside?" after the hours of another place.
        let about = self.state.recent.as_ref().filter(|recent| recent.intent.starts_with(OF_PLACES));
        if named.alone
            && pending.is_none()
            && let Some(recent) = about
        {
            let slots = Slots::from([(PLACE.to_owned(), named.slot())]);
            return Some(Interpretation { intent: recent.intent.clone(), slots, by: By::Answer, ..first.clone() });
        }
        if !(named.certain || lost(first) || first.intent.starts_with(OF_PLACES)) {
            return None;
        }
        let mut second = self.read_plainly(&named.put_back, lists, pending);
        let def = self.core.catalogue.intent(&second.intent)?;
        let has = |slot: &str, kind: SlotKind| def.slot(slot).is_some_and(|slot| slot.kind == kind);
        if !clear(&second) {
            return None;
        }
        if has(PLACE, SlotKind::Text) && second.intent.starts_with(OF_PLACES) {
            second.slots.insert(PLACE.to_owned(), named.slot());
        } else if has(PROVIDER, SlotKind::Provider) && second.intent.starts_with(OF_VISITS) {
            let name = named.name.clone().unwrap_or_else(|| named.said.clone());
            second.slots.insert(PROVIDER.to_owned(), Slot::new(&named.said, SlotValue::Text(name), 1.0));
        } else {
            return None;
        }
        Some(second)
    }
}

impl Mention {
    fn slot(&self) -> Slot {
        Slot::new(&self.said, SlotValue::Text(self.said.clone()), 1.0)
    }
}
