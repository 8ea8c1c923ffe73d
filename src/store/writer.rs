//! The one writer: jobs that arrive while a commit runs share the next one, and its fsync.
//!
//! Invariants: a job is in the database whole or not at all; a job that is refused or fails takes no other job
//! with it; a job's answer is sent only after the commit that holds it. With one caller nothing waits for
//! company. The head of the audit chain is remembered between commits, and the chain's primary key finds out
//! when another process wrote in between; then everything is done again from the head as it stands.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use sqlx::{AnyConnection, Connection};
use tokio::sync::{mpsc, oneshot};

use super::{
    audit::{Draft, Head},
    database::{Database, Dialect, Done, Failed, Statement, run},
    error::StoreError,
    seal::Entropy,
};
use crate::{actions::Conflict, policy::EntryId};

/// Jobs in one commit.
const TOGETHER: usize = 64;
/// Jobs that may wait for the writer before callers wait to hand theirs in.
const WAITING: usize = 1024;
/// Commits after which the head is trusted again once another process has written.
const SHY: u32 = 64;
/// How often a batch is tried again because another process wrote in between.
const TRIES: u32 = 16;
/// Jobs after which the write-ahead log is moved into the database file.
const CHECKPOINT_EVERY: u64 = 250;
/// PostgreSQL's advisory lock that orders the writers of several nodes.
const CHAIN_LOCK: i64 = 0x7765_6c6c_7370_6b6e;

/// Why a job was not done although the database works.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refusal {
    /// The world changed under the caller.
    Conflict(Conflict),
    /// This was done before.
    Repeated,
    /// What was to be changed is not there.
    NotThere,
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
    pub fn new(sql: &'static str, values: Vec<super::database::Value>) -> Self {
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

struct Job {
    steps: Vec<Step>,
    entries: Vec<Draft>,
    done: oneshot::Sender<Result<Vec<EntryId>, JobError>>,
}

/// Hands jobs to the writer.
#[derive(Clone)]
pub(super) struct Writer {
    jobs: mpsc::Sender<Job>,
    commits: Arc<AtomicU64>,
}

impl Writer {
    /// Starts the writer on a connection of its own.
    pub fn start(database: Database, connection: AnyConnection, entropy: Entropy) -> Self {
        let (jobs, waiting) = mpsc::channel(WAITING);
        let commits = Arc::new(AtomicU64::new(0));
        let due = Arc::new(tokio::sync::Notify::new());
        if database.dialect == Dialect::Sqlite {
            tokio::spawn(checkpoints(database.clone(), Arc::downgrade(&due)));
        }
        let task = Task {
            database,
            entropy,
            connection: Some(connection),
            head: None,
            shy: 0,
            commits: Arc::clone(&commits),
            since_checkpoint: 0,
            due,
        };
        tokio::spawn(task.work(waiting));
        Self { jobs, commits }
    }

    /// Does one job: its statements and its audit rows, durable when this returns.
    pub async fn submit(&self, steps: Vec<Step>, entries: Vec<Draft>) -> Result<Vec<EntryId>, JobError> {
        let (done, answer) = oneshot::channel();
        let closed = || JobError::Store(StoreError::Closed);
        self.jobs.send(Job { steps, entries, done }).await.map_err(|_| closed())?;
        answer.await.map_err(|_| closed())?
    }

    /// Commits so far, for measuring how many jobs share one.
    pub fn commits(&self) -> u64 {
        self.commits.load(Ordering::Relaxed)
    }
}

struct Task {
    database: Database,
    entropy: Entropy,
    connection: Option<AnyConnection>,
    head: Option<Head>,
    shy: u32,
    commits: Arc<AtomicU64>,
    since_checkpoint: u64,
    due: Arc<tokio::sync::Notify>,
}

/// Why a batch was not committed.
enum Trouble {
    /// Another process added to the chain.
    Stale,
    /// This job of the batch is refused; the others may go on without it.
    Refused(usize, Refusal),
    /// The database failed.
    Failed(StoreError),
}

impl Task {
    async fn work(mut self, mut waiting: mpsc::Receiver<Job>) {
        while let Some(first) = waiting.recv().await {
            let mut batch = vec![first];
            while batch.len() < TOGETHER
                && let Ok(next) = waiting.try_recv()
            {
                batch.push(next);
            }
            self.since_checkpoint += batch.len() as u64;
            self.batch(batch).await;
            if self.since_checkpoint >= CHECKPOINT_EVERY {
                self.since_checkpoint = 0;
                self.due.notify_one();
            }
        }
        if let Some(connection) = self.connection.take() {
            let _ = connection.close().await;
        }
    }

    async fn batch(&mut self, mut jobs: Vec<Job>) {
        let mut one_by_one = jobs.iter().any(|job| job.steps.iter().any(|step| step.nothing.is_some()));
        let mut tries = 0;
        while !jobs.is_empty() {
            let trouble = match self.attempt(&jobs, one_by_one).await {
                Ok(answers) => {
                    self.commits.fetch_add(1, Ordering::Relaxed);
                    for (job, answer) in jobs.into_iter().zip(answers) {
                        let _ = job.done.send(answer);
                    }
                    return;
                }
                Err(trouble) => trouble,
            };
            self.head = None;
            self.roll_back().await;
            match trouble {
                Trouble::Refused(n, refusal) => {
                    let _ = jobs.remove(n).done.send(Err(JobError::Refused(refusal)));
                }
                Trouble::Stale if tries < TRIES => {
                    tries += 1;
                    self.shy = SHY;
                }
                Trouble::Failed(_) if jobs.len() > 1 && !one_by_one => one_by_one = true,
                Trouble::Stale => return fail(jobs, &StoreError::Locked),
                Trouble::Failed(error) => return fail(jobs, &error),
            }
        }
    }

    async fn attempt(
        &mut self,
        jobs: &[Job],
        one_by_one: bool,
    ) -> Result<Vec<Result<Vec<EntryId>, JobError>>, Trouble> {
        if self.connection.is_none() {
            self.connection = Some(self.database.writer().await.map_err(Trouble::Failed)?);
        }
        if self.shy > 0 {
            self.shy -= 1;
            self.head = None;
        }
        if one_by_one { self.one_by_one(jobs).await } else { self.together(jobs).await }
    }

    /// Every statement of every job in one go, for jobs that only a unique key can refuse.
    async fn together(&mut self, jobs: &[Job]) -> Result<Vec<Result<Vec<EntryId>, JobError>>, Trouble> {
        let (head, begun) = match self.head {
            Some(head) => (head, false),
            None => (self.begin().await?, true),
        };
        let (rows, head, ids) = self.rows(head, jobs.iter().map(|job| job.entries.as_slice()))?;
        let steps: usize = jobs.iter().map(|job| job.steps.len()).sum();
        let alone = !begun && steps + rows.len() == 1;
        let mut statements = Vec::with_capacity(steps + rows.len() + 2);
        if !begun && !alone {
            statements.push(self.begin_statement());
        }
        let first = statements.len();
        statements.extend(jobs.iter().flat_map(|job| &job.steps).map(|step| step.statement.clone()));
        statements.extend(rows);
        if !alone {
            statements.push(Statement::new("COMMIT", vec![]));
        }
        match self.run(&statements).await {
            Ok(_) => {
                self.head = Some(head);
                Ok(ids.into_iter().map(Ok).collect())
            }
            Err(Failed { at, error }) => {
                let Some(mut step) = at.checked_sub(first).filter(|_| is_taken(&error)) else {
                    return Err(failed(error));
                };
                for (n, job) in jobs.iter().enumerate() {
                    if let Some(found) = job.steps.get(step) {
                        return Err(found.duplicate.map_or_else(|| failed(error), |r| Trouble::Refused(n, r)));
                    }
                    step -= job.steps.len();
                }
                Err(Trouble::Stale)
            }
        }
    }

    /// Each job in a savepoint of its own.
    async fn one_by_one(&mut self, jobs: &[Job]) -> Result<Vec<Result<Vec<EntryId>, JobError>>, Trouble> {
        let mut head = self.begin().await?;
        let mut answers = Vec::with_capacity(jobs.len());
        for job in jobs {
            let mut statements = vec![Statement::new("SAVEPOINT job", vec![])];
            statements.extend(job.steps.iter().map(|step| step.statement.clone()));
            let outcome = judged(self.run(&statements).await, &job.steps);
            let end: &[&'static str] =
                if outcome.is_ok() { &["RELEASE job"] } else { &["ROLLBACK TO job", "RELEASE job"] };
            let end: Vec<_> = end.iter().map(|sql| Statement::new(sql, vec![])).collect();
            // Where even this fails, the database has given up the transaction, for the reason it gave before.
            if let Err(Failed { error, .. }) = self.run(&end).await {
                return Err(match outcome {
                    Err(JobError::Store(first)) => Trouble::Failed(first),
                    _ => failed(error),
                });
            }
            answers.push(match outcome {
                Ok(()) => {
                    let (rows, next, mut ids) = self.rows(head, std::iter::once(job.entries.as_slice()))?;
                    self.run(&rows).await.map_err(
                        |Failed { error, .. }| {
                            if is_taken(&error) { Trouble::Stale } else { failed(error) }
                        },
                    )?;
                    head = next;
                    Ok(ids.pop().unwrap_or_default())
                }
                Err(e) => Err(e),
            });
        }
        self.run(&[Statement::new("COMMIT", vec![])]).await.map_err(|Failed { error, .. }| failed(error))?;
        self.head = Some(head);
        Ok(answers)
    }

    /// Begins a transaction that no other writer can get in front of, and reads the head of the chain in it.
    async fn begin(&mut self) -> Result<Head, Trouble> {
        let mut statements = vec![self.begin_statement()];
        if self.database.dialect == Dialect::Postgres {
            statements.push(Statement::new("SELECT pg_advisory_xact_lock($1)", vec![CHAIN_LOCK.into()]));
        }
        statements.push(Statement::new(Head::QUERY, vec![]));
        let mut done = self.run(&statements).await.map_err(|Failed { error, .. }| failed(error))?;
        match done.pop() {
            Some(Done { row: Some(row), .. }) => Head::read(&row).map_err(Trouble::Failed),
            _ => Ok(Head::START),
        }
    }

    const fn begin_statement(&self) -> Statement {
        let sql = match self.database.dialect {
            Dialect::Sqlite => "BEGIN IMMEDIATE",
            Dialect::Postgres => "BEGIN",
        };
        Statement { sql: std::borrow::Cow::Borrowed(sql), values: Vec::new() }
    }

    /// Chains the audit rows of several jobs: the statements, the new head, and each job's places in the chain.
    fn rows<'a>(
        &self,
        mut head: Head,
        jobs: impl Iterator<Item = &'a [Draft]>,
    ) -> Result<(Vec<Statement>, Head, Vec<Vec<EntryId>>), Trouble> {
        let mut statements = Vec::new();
        let mut ids = Vec::new();
        for entries in jobs {
            let mut own = Vec::with_capacity(entries.len());
            for draft in entries {
                let (statement, next) = draft.chained(head, &self.entropy).map_err(|e| Trouble::Failed(e.into()))?;
                statements.push(statement);
                own.push(EntryId(next.seq));
                head = next;
            }
            ids.push(own);
        }
        Ok((statements, head, ids))
    }

    async fn run(&mut self, statements: &[Statement]) -> Result<Vec<Done>, Failed> {
        match &mut self.connection {
            Some(connection) => run(connection, self.database.dialect, statements).await,
            None => Err(Failed { at: 0, error: sqlx::Error::WorkerCrashed }),
        }
    }

    /// Ends whatever transaction is open; a connection that cannot do even that is given up.
    async fn roll_back(&mut self) {
        let Some(connection) = &mut self.connection else { return };
        // Outside a transaction SQLite calls this an error and PostgreSQL warns; both are where they should be.
        match sqlx::query("ROLLBACK").execute(connection).await {
            Ok(_) => {}
            Err(sqlx::Error::Database(_)) if self.database.dialect == Dialect::Sqlite => {}
            Err(_) => self.connection = None,
        }
    }
}

/// Whether a job's statements did what they had to.
fn judged(outcome: Result<Vec<Done>, Failed>, steps: &[Step]) -> Result<(), JobError> {
    match outcome {
        Ok(done) => {
            let refused =
                done.iter().skip(1).zip(steps).find_map(|(done, step)| step.nothing.filter(|_| done.changed == 0));
            refused.map_or(Ok(()), |refusal| Err(JobError::Refused(refusal)))
        }
        Err(Failed { at, error }) => {
            let step = at.checked_sub(1).and_then(|n| steps.get(n));
            match step.and_then(|step| step.duplicate) {
                Some(refusal) if is_taken(&error) => Err(JobError::Refused(refusal)),
                _ => Err(JobError::Store(error.into())),
            }
        }
    }
}

fn is_taken(error: &sqlx::Error) -> bool {
    matches!(error, sqlx::Error::Database(told) if told.is_unique_violation())
}

fn failed(error: sqlx::Error) -> Trouble {
    Trouble::Failed(error.into())
}

fn fail(jobs: Vec<Job>, error: &StoreError) {
    for job in jobs {
        let _ = job.done.send(Err(JobError::Store(error.clone())));
    }
}

/// Moves the write-ahead log into the database file whenever enough was written, on a connection of its own.
async fn checkpoints(database: Database, due: std::sync::Weak<tokio::sync::Notify>) {
    let mut connection = None;
    loop {
        let Some(due) = due.upgrade() else { return };
        // Woken now and then to see whether the writer still lives.
        if tokio::time::timeout(Duration::from_secs(5), due.notified()).await.is_err() {
            continue;
        }
        if connection.is_none() {
            connection = database.writer().await.ok();
        }
        if let Some(open) = &mut connection
            && let Err(error) = Database::checkpoint(open).await
        {
            tracing::warn!(%error, "the write-ahead log could not be moved into the database; it grows until it can");
            connection = None;
        }
    }
}
