//! Connections that a person took back aloud: what came of them goes with the turn, their tokens as soon as the
//! organization heard of it.

use jiff::Timestamp;

use super::{Connection, ConnectionState};
use crate::{
    actions::Conflict,
    policy::{JournalEntry, PersonId},
    store::{
        Store,
        error::StoreError,
        job::{Refusal, Step},
        keys::KeyOwner,
    },
};

impl Store {
    /// The statements that take connections back; the one who fetches gives their tokens back to the organization.
    pub(in crate::store) fn leave_steps(&self, person: &PersonId, ids: &[String], at: Timestamp) -> Vec<Step> {
        let owner = self.inner.keys.name(&KeyOwner::Person(person.clone()));
        let mut steps = vec![self.unless_held(person)];
        for id in ids {
            let leave = Step::new(
                "UPDATE connection SET state = $4, due = $3, busy = 0, version = version + 1 \
                 WHERE id = $1 AND owner = $2 AND state IN ('importing', 'ready', 'lapsed')",
                vec![
                    id.as_str().into(),
                    owner.as_str().into(),
                    at.as_microsecond().into(),
                    ConnectionState::Leaving.name().into(),
                ],
            );
            let facts = "DELETE FROM connected WHERE connection = $1 AND owner = $2";
            steps.push(leave.or_nothing(Refusal::Conflict(Conflict::NotConnected)));
            steps.push(Step::new(facts, vec![id.as_str().into(), owner.as_str().into()]));
            steps.push(Self::lapse_gone(id));
        }
        steps
    }

    /// A connection that was taken back aloud is gone altogether: the organization was told, as far as it listens. False
    /// where somebody else has it by now.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn left(&self, held: &Connection, entry: &JournalEntry) -> Result<bool, StoreError> {
        let gone = "DELETE FROM connection WHERE id = $1 AND version = $2";
        let gone = Step::new(gone, vec![held.id.as_str().into(), held.version.into()]).or_nothing(Refusal::NotThere);
        let facts = Step::new("DELETE FROM connected WHERE connection = $1", vec![held.id.as_str().into()]);
        self.done_or_lost(vec![gone, facts], Some(entry)).await
    }
}
