//! What staff do with calls beyond seeing and closing them: answering in the room, watching the board, saying who is on duty.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use utoipa::ToSchema;

use super::{Desk, DoneView, NotTold, RequestView, Told, lost, not_there};
use crate::{
    fleet::nurse::{Helper, Routes},
    policy::{RoomId, staff::StaffMember},
    store::DutyRow,
};

/// Longest that somebody may be put on duty for.
const LONGEST_DUTY: SignedDuration = SignedDuration::from_hours(48);

/// Somebody who is to be on duty.
#[derive(Clone)]
pub struct OnDuty {
    /// The unit.
    pub unit: String,
    /// For what.
    pub role: String,
    /// What people call them.
    pub who: String,
    /// From when; now, where that is left out.
    pub since: Option<Timestamp>,
    /// Until when.
    pub until: Timestamp,
}

/// Who is on duty in one's units.
#[derive(Serialize, ToSchema)]
pub struct DutiesView {
    /// The times, by unit and role.
    pub duties: Vec<DutyView>,
}

/// Somebody's time on duty.
#[derive(Serialize, ToSchema)]
pub struct DutyView {
    /// Its id.
    pub id: String,
    /// The unit.
    pub unit: String,
    /// For what.
    pub role: String,
    /// Who.
    pub who: String,
    /// From when.
    #[schema(value_type = String, format = DateTime)]
    pub since: Timestamp,
    /// Until when.
    #[schema(value_type = String, format = DateTime)]
    pub until: Timestamp,
}

impl DutyView {
    fn of(row: DutyRow) -> Self {
        let DutyRow { id, unit, role, who, since, until } = row;
        Self { id, unit, role, who, since, until }
    }
}

/// What happened on the board since somebody looked.
#[derive(Serialize, ToSchema)]
pub struct LiveView {
    /// What happened, in order.
    pub events: Vec<LiveEvent>,
    /// The number of the latest event that was looked at.
    pub seen: i64,
}

/// Something that happened to a call.
#[derive(Serialize, ToSchema)]
pub struct LiveEvent {
    /// Its number.
    pub seq: i64,
    /// `new`, `changed`, `assigned`, `escalated`, `paged`, `acknowledged`, `said`, `cancelled-by-patient`, `completed`.
    pub what: String,
    /// The call.
    pub id: String,
    /// The room.
    pub room: String,
    /// The call as it is now; absent once it is closed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request: Option<RequestView>,
}

/// Whether words can be said in a room: 2 to 200 characters in one line, some of them letters.
#[must_use]
pub fn is_sayable(words: &str) -> bool {
    let words = words.trim();
    (2..=200).contains(&words.chars().count())
        && !words.chars().any(|c| c.is_control() || matches!(c, '<' | '>' | '{' | '}'))
        && words.chars().filter(|c| c.is_alphabetic()).count() >= 2
}

impl Desk {
    /// The same where needs go to whom these rules say.
    #[must_use]
    pub fn routed(self, routes: Routes) -> Self {
        Self { routes, ..self }
    }

    /// The same where units have these rooms.
    #[must_use]
    pub fn in_units(self, units: BTreeMap<String, Vec<String>>) -> Self {
        Self { units, ..self }
    }

    /// What staff say to the room of a call of theirs.
    pub(super) async fn say_back(
        &self,
        staff: &StaffMember,
        id: &str,
        words: &str,
        now: Timestamp,
    ) -> Result<Told, NotTold> {
        if !is_sayable(words) {
            return Err(NotTold::Unspeakable);
        }
        let by = self.own_call(staff, id).await?;
        self.store.say_back(id, words.trim(), &by, now).await.map_err(not_there)?;
        // What cannot be given to a device now is given to it by whoever climbs.
        let _ = self.store.speak_replies(now).await.map_err(lost);
        Ok(Told::Done(DoneView { done: true }))
    }

    /// What happened in their rooms after an event; where they have seen nothing yet, what is open.
    pub(super) async fn live(&self, staff: &StaffMember, after: Option<i64>, now: Timestamp) -> Result<Told, NotTold> {
        let Some(after) = after else {
            let seen = self.store.latest_call_event().await.map_err(lost)?;
            return Ok(Told::Live(LiveView { events: vec![], seen }));
        };
        let all = self.store.call_events(after).await.map_err(lost)?;
        let seen = all.last().map_or(after, |event| event.seq);
        let theirs = |room: &str| RoomId::parse(room).is_ok_and(|room| staff.looks_after(&room));
        let events: Vec<_> = all.into_iter().filter(|event| theirs(&event.room)).collect();
        if events.is_empty() {
            return Ok(Told::Live(LiveView { events: vec![], seen }));
        }
        let Told::Board(board) = self.board(staff, now).await? else { return Err(NotTold::Unavailable) };
        let open: BTreeMap<String, RequestView> =
            board.requests.into_iter().map(|request| (request.id.clone(), request)).collect();
        let events = events.into_iter().map(|event| LiveEvent {
            request: open.get(&event.request).cloned(),
            seq: event.seq,
            what: event.what,
            id: event.request,
            room: event.room,
        });
        Ok(Told::Live(LiveView { events: events.collect(), seen }))
    }

    pub(super) async fn duties(&self, staff: &StaffMember, now: Timestamp) -> Result<Told, NotTold> {
        let all = self.store.duties(now).await.map_err(lost)?;
        let duties = all.into_iter().filter(|duty| self.own_unit(staff, &duty.unit)).map(DutyView::of).collect();
        Ok(Told::Duties(DutiesView { duties }))
    }

    pub(super) async fn put_on_duty(&self, staff: &StaffMember, duty: OnDuty, now: Timestamp) -> Result<Told, NotTold> {
        let OnDuty { unit, role, who, since, until } = duty;
        let (who, since) = (who.trim(), since.unwrap_or(now));
        let role = Helper::named(&role).ok_or(NotTold::BadDuty)?;
        let named = (1..=80).contains(&who.chars().count()) && !who.chars().any(char::is_control);
        if !named || until <= since || until.duration_since(since) > LONGEST_DUTY {
            return Err(NotTold::BadDuty);
        }
        if !self.own_unit(staff, &unit) {
            return Err(NotTold::NotThere);
        }
        let by = self.name_of(staff).await?;
        self.store.put_on_duty((&unit, role.name(), who), (since, until), &by, now).await.map_err(lost)?;
        Ok(Told::Done(DoneView { done: true }))
    }

    pub(super) async fn take_off_duty(&self, staff: &StaffMember, id: &str, now: Timestamp) -> Result<Told, NotTold> {
        let duties = self.store.duties(now).await.map_err(lost)?;
        if !duties.iter().any(|duty| duty.id == id && self.own_unit(staff, &duty.unit)) {
            return Err(NotTold::NotThere);
        }
        let by = self.name_of(staff).await?;
        self.store.take_off_duty(id, &by, now).await.map_err(not_there)?;
        Ok(Told::Done(DoneView { done: true }))
    }

    /// Whether somebody looks after all rooms of a unit.
    fn own_unit(&self, staff: &StaffMember, unit: &str) -> bool {
        let rooms = self.units.get(unit);
        rooms.is_some_and(|rooms| {
            !rooms.is_empty() && rooms.iter().all(|room| RoomId::parse(room).is_ok_and(|room| staff.looks_after(&room)))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::is_sayable;

    #[test]
    fn what_can_be_said_in_a_room() {
        for good in ["Maria is on her way", "OK", "Ich komme gleich!", &"a".repeat(200)] {
            assert!(is_sayable(good), "{good}");
        }
        for bad in ["", " ", "a", "12345", "on my\nway", "<speak>hi</speak>", "{{ name }}", &"a".repeat(201)] {
            assert!(!is_sayable(bad), "{bad:?}");
        }
    }
}
