//! Connections that a person took back, on their page or aloud: what came of them goes at once, and their tokens wait until
//! the organization heard of it (`revocation`).

use jiff::Timestamp;

use super::{Connection, ConnectionState, Details, Disconnected};
use crate::{
    actions::Conflict,
    policy::{JournalEntry, PersonId},
    store::{
        Store,
        database::Value,
        error::StoreError,
        job::{JobError, Refusal, Step},
        keys::KeyOwner,
    },
};

/// A connection that was taken back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TakenBack {
    /// What became of what had come of it.
    pub how: Disconnected,
    /// What its tokens wait under to be given back; `None` where it held none.
    pub tokens: Option<String>,
}

impl Store {
    /// All that there is of somebody's, or the one of that id, those that were taken back, too. Whoever works on one has lost
    /// it, so what it holds is what is read here; tokens that come to them later, they give back.
    pub(in crate::store) async fn seized(&self, person: &PersonId, id: &str) -> Result<Vec<Connection>, StoreError> {
        const THEIRS: &str =
            "SELECT id, state, since, version, owner, sealed FROM connection WHERE owner = $1 AND ($2 = '' OR id = $2)";
        let values: [Value; 2] = [self.inner.keys.name(&KeyOwner::Person(person.clone())).into(), id.into()];
        let seize = "UPDATE connection SET version = version + 1 WHERE owner = $1 AND ($2 = '' OR id = $2)";
        self.inner.writer.submit(vec![Step::new(seize, values.to_vec())], vec![]).await?;
        let rows = self.inner.database.ask(THEIRS, &values).await?;
        rows.iter().filter_map(|row| self.connection_of(row).transpose()).collect()
    }

    /// Takes a connection back: all that came of it goes in one commit with the audit row, and its tokens wait in the same
    /// commit to be given back to the organization ([`TakenBack::tokens`]). Under a legal hold what came of it stays. `None` where
    /// the person has none of that id.
    ///
    /// # Errors
    /// When the database or a key fails. Nothing was changed.
    pub async fn disconnect(
        &self,
        person: &PersonId,
        id: &str,
        entry: &JournalEntry,
    ) -> Result<Option<TakenBack>, StoreError> {
        let theirs = self.seized(person, id).await?;
        let Some(connection) = theirs.into_iter().find(|c| c.id == id && c.state != ConnectionState::Leaving) else {
            return Ok(None);
        };
        let gone = vec![
            self.unless_held(person),
            Step::new("DELETE FROM connected WHERE connection = $1", vec![id.into()]),
            Step::new(
                "DELETE FROM connection WHERE id = $1 AND version = $2",
                vec![id.into(), connection.version.into()],
            )
            .or_nothing(Refusal::NotThere),
            Self::lapse_gone(id),
        ];
        match self.take_away(&connection, gone, entry).await {
            Ok(tokens) => return Ok(Some(TakenBack { how: Disconnected::Deleted, tokens })),
            Err(JobError::Refused(Refusal::Held)) => {}
            Err(JobError::Refused(_)) => return Ok(None),
            Err(JobError::Store(error)) => return Err(error),
        }
        let ended = Details { access: None, ..connection.details.clone() };
        let (_, sealed) = self.seal_details(person, id, &ended)?;
        let step = Step::new(
            "UPDATE connection SET state = 'ended', busy = 0, version = version + 1, sealed = $2 WHERE id = $1 AND version = $3",
            vec![id.into(), sealed.into(), connection.version.into()],
        );
        let tokens = self.take_away(&connection, vec![step.or_nothing(Refusal::NotThere)], entry).await?;
        Ok(Some(TakenBack { how: Disconnected::Kept, tokens }))
    }

    /// Carries out what takes a connection away, and keeps its tokens to be given back; gives what they wait under.
    async fn take_away(
        &self,
        held: &Connection,
        mut steps: Vec<Step>,
        entry: &JournalEntry,
    ) -> Result<Option<String>, JobError> {
        let back = self.held_to_revoke(held, entry.at)?;
        let id = back.map(|back| {
            steps.push(back.step);
            back.id
        });
        let draft = self.draft(entry, None)?;
        let done = self.inner.writer.submit(steps, vec![draft]).await;
        if let (Err(_), Some(id)) = (&done, &id) {
            self.not_to_revoke(id);
        }
        done.map(|_| id)
    }

    /// The statements that take connections back aloud; the one who fetches gives their tokens back to the organization.
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

    /// A connection that was taken back aloud is gone altogether; its tokens wait to be given back. `None` where somebody
    /// else has it by now.
    ///
    /// # Errors
    /// When the database or a key fails.
    pub async fn left(&self, held: &Connection, entry: &JournalEntry) -> Result<Option<TakenBack>, StoreError> {
        let gone = "DELETE FROM connection WHERE id = $1 AND version = $2";
        let gone = Step::new(gone, vec![held.id.as_str().into(), held.version.into()]).or_nothing(Refusal::NotThere);
        let facts = Step::new("DELETE FROM connected WHERE connection = $1", vec![held.id.as_str().into()]);
        match self.take_away(held, vec![gone, facts], entry).await {
            Ok(tokens) => Ok(Some(TakenBack { how: Disconnected::Deleted, tokens })),
            Err(JobError::Refused(_)) => Ok(None),
            Err(JobError::Store(error)) => Err(error),
        }
    }
}
