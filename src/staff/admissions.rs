//! Messages of the admission system that wait for somebody: which, why, and what is done about them.
//!
//! Invariants: the list says nothing of anybody. What a message says is shown to whoever runs the units it is about, or where its
//! beds are nobody's here, and stands in the audit trail before it is. A bed becomes a room of one's own units alone, and never one
//! that is somebody else's room already; whoever looks after the machine says so for all rooms, and reads none of it.

use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

use super::{Desk, DoneView, NotTold, Told, lost, not_there};
use crate::{
    fleet::adt::Location,
    policy::{
        RoomId,
        staff::{Right, Role, StaffMember},
    },
};

/// What a member of staff asks of the admission system's messages.
#[derive(Clone)]
pub enum AdmissionAsk {
    /// Those that wait for somebody.
    Waiting,
    /// One as it came.
    Read(String),
    /// That somebody has looked at one, and nothing more comes of it.
    Settle(String),
    /// That one is done again.
    Again(String),
    /// That a bed is a room.
    Map(Location, RoomId),
}

impl AdmissionAsk {
    /// The right it needs.
    #[must_use]
    pub const fn right(&self) -> Right {
        match self {
            Self::Read(_) => Right::ReadAdmissions,
            Self::Waiting | Self::Settle(_) | Self::Again(_) | Self::Map(..) => Right::Admissions,
        }
    }

    /// Whether it only looks, as a page does by itself.
    #[must_use]
    pub const fn looks(&self) -> bool {
        matches!(self, Self::Waiting)
    }
}

/// Messages that wait for somebody.
#[derive(Serialize, ToSchema)]
pub struct AdmissionsView {
    /// The oldest first; at most 200.
    messages: Vec<AdmissionView>,
}

/// A message that waits. Says nothing of whom it is about.
#[derive(Serialize, ToSchema)]
pub struct AdmissionView {
    /// Its id.
    id: String,
    /// When it came.
    #[schema(value_type = String, format = DateTime)]
    received: Timestamp,
    /// Its trigger, such as `A01`; empty where it could not be read.
    kind: String,
    /// `waiting` for a bed, `review` or `unreadable`.
    state: String,
    /// Why somebody should look: a word, or for one that could not be read the segment and field.
    reason: String,
    /// The bed that it waits for, as PV1-3 has it.
    #[serde(skip_serializing_if = "Option::is_none")]
    bed: Option<String>,
    /// Whether it can be done again as it is.
    again: bool,
}

/// A message as it came.
#[derive(Serialize, ToSchema)]
pub struct AdmissionText {
    /// Its id.
    id: String,
    /// When it came.
    #[schema(value_type = String, format = DateTime)]
    received: Timestamp,
    /// Its segments, one a line.
    segments: Vec<String>,
}

/// What somebody is told of the admission system's messages.
#[derive(Serialize)]
#[serde(untagged)]
pub enum AdmissionTold {
    /// Those that wait.
    Waiting(AdmissionsView),
    /// One of them.
    Text(AdmissionText),
}

impl Desk {
    /// Answers a member of staff about the admission system's messages. That they have the right is known.
    pub(super) async fn admissions(
        &self,
        staff: &StaffMember,
        ask: AdmissionAsk,
        now: Timestamp,
    ) -> Result<Told, NotTold> {
        let by = format!("staff {}", staff.member.as_str());
        let done = |()| Told::Done(DoneView { done: true });
        match ask {
            AdmissionAsk::Waiting => self.waiting_messages().await,
            AdmissionAsk::Read(id) => {
                self.concerns(staff, &id).await?;
                let message = self.store.read_message(&id, &by, now).await.map_err(not_there)?;
                let text = String::from_utf8_lossy(&message.raw);
                let segments = text.split(['\r', '\n']).filter(|line| !line.is_empty()).map(str::to_owned).collect();
                let text = AdmissionText { id, received: message.received, segments };
                Ok(Told::Admissions(AdmissionTold::Text(text)))
            }
            AdmissionAsk::Settle(id) => {
                self.own_message(staff, &id).await?;
                self.store.message_looked_at(&id, &by, now).await.map_err(not_there).map(done)
            }
            AdmissionAsk::Again(id) => {
                self.own_message(staff, &id).await?;
                self.store.message_again(&id, &by, now).await.map_err(not_there).map(done)
            }
            AdmissionAsk::Map(bed, room) => {
                let is_now = self.store.mapped(&bed).await.map_err(lost)?;
                let theirs = |room: &RoomId| everything(staff) || staff.looks_after(room);
                if !theirs(&room) || is_now.is_some_and(|room| !theirs(&room)) {
                    return Err(NotTold::NotThere);
                }
                self.store.map_bed(&bed, Some(&room), &by, now).await.map_err(lost).map(done)
            }
        }
    }

    async fn waiting_messages(&self) -> Result<Told, NotTold> {
        let rows = self.store.messages_that_wait().await.map_err(lost)?;
        let messages = rows.into_iter().map(|row| AdmissionView {
            again: row.can_be_done_again(),
            bed: (!row.waits.is_empty()).then_some(row.waits),
            reason: row.note,
            id: row.id,
            received: row.received,
            kind: row.kind,
            state: row.state,
        });
        Ok(Told::Admissions(AdmissionTold::Waiting(AdmissionsView { messages: messages.collect() })))
    }

    /// That a message may be settled or done again by somebody.
    async fn own_message(&self, staff: &StaffMember, id: &str) -> Result<(), NotTold> {
        if everything(staff) { Ok(()) } else { self.concerns(staff, id).await }
    }

    /// That a message is about a room of theirs, or about none here. What is about others' is not there.
    async fn concerns(&self, staff: &StaffMember, id: &str) -> Result<(), NotTold> {
        let beds = self.store.message_beds(id).await.map_err(lost)?.ok_or(NotTold::NotThere)?;
        let mut rooms = vec![];
        for bed in &beds {
            rooms.extend(self.store.mapped(bed).await.map_err(lost)?);
        }
        let theirs = rooms.is_empty() || rooms.iter().any(|room| staff.looks_after(room));
        if theirs { Ok(()) } else { Err(NotTold::NotThere) }
    }
}

fn everything(staff: &StaffMember) -> bool {
    staff.roles.contains(&Role::Operator)
}
