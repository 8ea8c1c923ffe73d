//! What the writer is asked to do, and what can come of it.

use tokio::sync::oneshot;

use super::{
    audit::Draft,
    database::{Statement, Value},
    error::StoreError,
};
use crate::{actions::Conflict, policy::EntryId};

/// Why a job was not done although the database works.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refusal {
    /// The world changed under the caller.
    Conflict(Conflict),
    /// This was done before.
    Repeated,
    /// What was to be changed is not there.
    NotThere,
    /// A legal hold is on whose data was to go.
    Held,
    /// Another answer told it first.
    Told,
}

/// How a job failed.
#[derive(Debug, Clone)]
pub(super) enum JobError {
    Refused(Refusal),
    Store(StoreError),
}

impl From<StoreError> for JobError {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl From<JobError> for StoreError {
    fn from(error: JobError) -> Self {
        match error {
            JobError::Store(error) => error,
            JobError::Refused(Refusal::Held) => Self::Held,
            JobError::Refused(_) => Self::NotPossible,
        }
    }
}

/// A statement and what it means when it changes nothing, or finds its row there already.
pub(super) struct Step {
    pub statement: Statement,
    pub nothing: Option<Refusal>,
    pub duplicate: Option<Refusal>,
}

impl Step {
    pub fn new(sql: &'static str, values: Vec<Value>) -> Self {
        Self { statement: Statement::new(sql, values), nothing: None, duplicate: None }
    }

    /// Refuses the job if no row is changed.
    pub const fn or_nothing(mut self, refusal: Refusal) -> Self {
        self.nothing = Some(refusal);
        self
    }

    /// Refuses the job if a unique key is taken.
    pub const fn or_duplicate(mut self, refusal: Refusal) -> Self {
        self.duplicate = Some(refusal);
        self
    }
}

/// Statements and audit rows that are done together, and who waits for it.
pub(super) struct Job {
    pub steps: Vec<Step>,
    pub entries: Vec<Draft>,
    pub done: oneshot::Sender<Result<Vec<EntryId>, JobError>>,
}

impl Job {
    /// Whether it has the same texts, so that both can go in one prepared text.
    pub fn same_shape(&self, other: &Self) -> bool {
        let texts = |job: &Self| job.steps.iter().map(|step| step.statement.sql.clone()).collect::<Vec<_>>();
        texts(self) == texts(other)
    }
}
