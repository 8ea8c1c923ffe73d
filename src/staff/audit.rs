//! Looking for rows of the audit trail.
//!
//! Invariant: that somebody looks is in the trail first, and in the trail of the person whose rows they look for; nobody is found by
//! name, since no name of a patient can be looked up here.

use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

use super::{Desk, NotTold, Told, Whom, lost};
use crate::{
    policy::{Event, Journal, PersonId, RoomId, staff::StaffMember, staff_row},
    store::{TrailPage, TrailQuery, TrailRow},
};

/// What a look at the trail is called in it.
const SEARCH: &str = "staff.audit.search";

/// What somebody looks for; what is absent does not narrow it.
#[derive(Clone, Default)]
pub struct TrailAsk {
    /// From this time.
    pub from: Option<Timestamp>,
    /// Before this time.
    pub to: Option<Timestamp>,
    /// The kind.
    pub event: Option<Event>,
    /// How it ended.
    pub outcome: Option<String>,
    /// Through a device of this room, or about one.
    pub room: Option<RoomId>,
    /// The same for the rooms of a unit.
    pub unit: Option<String>,
    /// By this member of staff, by name or by the keyed hash that stands for them.
    pub staff: Option<String>,
    /// About this person.
    pub whom: Option<Whom>,
    /// Only rows before this one.
    pub before: Option<i64>,
}

/// Rows of the audit trail.
#[derive(Serialize, ToSchema)]
pub struct TrailView {
    /// The newest first, fifty at most.
    pub rows: Vec<TrailRowView>,
    /// Where to go on from (`before`); absent where there is nothing more.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<i64>,
    /// Rows that may have been meant and that nobody can read any more, because their key was destroyed.
    pub unreadable: u64,
}

/// A row of the audit trail.
#[derive(Serialize, ToSchema)]
pub struct TrailRowView {
    /// Its number in the chain.
    pub entry: i64,
    /// When.
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
    /// What kind: `opened`, `refused`, `glass-broken`, …
    pub event: String,
    /// Through what: `room`, `home`, `chat`, `console`, …
    pub channel: String,
    /// How it ended, where it says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub outcome: Option<String>,
    /// The row it closes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub closes: Option<i64>,
    /// Who of the staff, by name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub who: Option<String>,
    /// The room of the device that asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub room: Option<String>,
    /// Whose data, by a random id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub person: Option<String>,
    /// The device or place that it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub thing: Option<String>,
    /// What staff or the program did; not told of what somebody asked their own assistant.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub what: Option<String>,
    /// False where its key was destroyed.
    pub readable: bool,
}

impl Desk {
    /// Looks for rows. Whom they are about is found by a record number or an id, never by a name.
    pub(super) async fn search_audit(
        &self,
        staff: &StaffMember,
        ask: TrailAsk,
        now: Timestamp,
    ) -> Result<Told, NotTold> {
        let person = match &ask.whom {
            Some(whom) => Some(self.whom(staff, whom, now).await?),
            None => None,
        };
        let rooms = match (&ask.room, &ask.unit) {
            (None, None) => None,
            (room, unit) => {
                let mut rooms: Vec<RoomId> = room.iter().cloned().collect();
                if let Some(unit) = unit {
                    rooms.extend(self.rooms_of(unit).await?);
                }
                Some(rooms.into_iter().collect())
            }
        };
        // A row about somebody who was forgotten could not be sealed under their key.
        let about = person.as_ref().filter(|person| !self.store.is_forgotten(person));
        let row = staff_row(Event::AuditRead, &staff.member, about, SEARCH, None, Some("searched"), now);
        self.store.append(row).await.map_err(lost)?;
        let TrailAsk { from, to, event, outcome, staff: by, before, .. } = ask;
        let query = TrailQuery { from, to, event: event.map(Event::name), outcome, person, rooms, staff: by, before };
        Ok(Told::Trail(TrailView::of(self.store.audit_search(&query).await.map_err(lost)?)))
    }

    /// Whom somebody means. That they meant nobody who is known here is in the trail as well.
    async fn whom(&self, staff: &StaffMember, whom: &Whom, now: Timestamp) -> Result<PersonId, NotTold> {
        let person = match whom {
            Whom::Person(person) => Some(person.clone()),
            Whom::Identifier(text) => self.store.person_of(text).await.map_err(lost)?,
        };
        if let Some(person) = person
            && self.store.person_exists(&person).await.map_err(lost)?
        {
            return Ok(person);
        }
        let row = staff_row(Event::AuditRead, &staff.member, None, SEARCH, None, Some("nobody"), now);
        self.store.append(row).await.map_err(lost)?;
        Err(NotTold::NotThere)
    }

    /// The rooms of a unit: those of the configuration, and those of the fleet's units of that name.
    async fn rooms_of(&self, unit: &str) -> Result<Vec<RoomId>, NotTold> {
        let named = self.units.get(unit).into_iter().flatten();
        let mut rooms: Vec<RoomId> = named.filter_map(|room| RoomId::parse(room).ok()).collect();
        rooms.extend(self.store.rooms_of_unit(unit).await.map_err(lost)?);
        Ok(rooms)
    }
}

impl TrailView {
    fn of(page: TrailPage) -> Self {
        let rows = page.rows.into_iter().map(TrailRowView::of).collect();
        Self { rows, next: page.next, unreadable: page.unreadable }
    }
}

impl TrailRowView {
    fn of(row: TrailRow) -> Self {
        let TrailRow { entry, at, event, channel, outcome, closes, who, room, person, thing, what, readable } = row;
        Self { entry, at, event, channel, outcome, closes, who, room, person, thing, what, readable }
    }
}
