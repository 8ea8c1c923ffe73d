//! The one writer: jobs that arrive while a commit runs share the next one, and its fsync.
//!
//! Invariants: a job is in the database whole or not at all; a job that is refused or fails takes no other job
//! with it; a job's answer is sent only after the commit that holds it. With one caller nothing waits for
//! company. The head of the audit chain is remembered between commits, and the chain's primary key finds out
//! when another process wrote in between; then everything is done again from the head as it stands.

use std::{
    sync::{
        Arc, Weak,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use sqlx::{AnyConnection, Connection};
use tokio::sync::{mpsc, oneshot};

use super::{
    audit::{Draft, Head, Signer},
    database::{CHAIN_LOCK, Database, Dialect, Done, Failed, Statement, run},
    error::StoreError,
    job::{Job, JobError, Refusal, Step},
    script::{Script, Source},
    seal::Entropy,
};
use crate::policy::EntryId;

/// Jobs in one commit.
const TOGETHER: usize = 64;
/// Jobs that may wait for the writer before callers wait to hand theirs in.
const WAITING: usize = 1024;
/// Commits after which the head is trusted again once another process has written.
const SHY: u32 = 64;
/// How often a batch is tried again because another process wrote in between.
const TRIES: u32 = 16;
/// Jobs after which SQLite's write-ahead log is moved into the database file and begun again at its start. A
/// commit that writes over the log costs half of one that makes it grow; beginning again costs one job in this
/// many about two commits.
const CHECKPOINT_EVERY: u64 = 500;

/// Audit rows after which the head of the chain is signed.
const SIGN_EVERY: i64 = 1000;

/// What the writer is asked.
enum Order {
    /// To do a job.
    Job(Job),
    /// To sign the head of the chain as it stands.
    Sign(oneshot::Sender<Result<(), StoreError>>),
}

/// What becomes of each job of a batch.
type Answers = Vec<Result<Vec<EntryId>, JobError>>;

/// Hands jobs to the writer.
#[derive(Clone)]
pub(super) struct Writer {
    orders: mpsc::Sender<Order>,
    commits: Arc<AtomicU64>,
    signer: Arc<Signer>,
}

impl Writer {
    /// Starts the writer on a connection of its own.
    pub fn start(database: Database, connection: AnyConnection, entropy: Entropy, signer: Signer) -> Self {
        let (orders, waiting) = mpsc::channel(WAITING);
        let signer = Arc::new(signer);
        let commits = Arc::new(AtomicU64::new(0));
        let log = Arc::new(Log::default());
        if database.dialect == Dialect::Sqlite {
            tokio::spawn(checkpoints(database.clone(), Arc::downgrade(&log)));
        }
        let task = Task {
            database,
            entropy,
            connection: Some(connection),
            signer: Arc::clone(&signer),
            head: None,
            signed: 0,
            shy: 0,
            commits: Arc::clone(&commits),
            jobs_done: 0,
            log,
        };
        tokio::spawn(task.work(waiting));
        Self { orders, commits, signer }
    }

    /// What signs the chain.
    pub fn signer(&self) -> &Signer {
        &self.signer
    }

    /// Signs the head of the chain as it stands; durable when this returns.
    pub async fn checkpoint(&self) -> Result<(), StoreError> {
        let (done, answer) = oneshot::channel();
        self.orders.send(Order::Sign(done)).await.map_err(|_| StoreError::Closed)?;
        answer.await.map_err(|_| StoreError::Closed)?
    }

    /// Does one job: its statements and its audit rows, durable when this returns.
    pub async fn submit(&self, steps: Vec<Step>, entries: Vec<Draft>) -> Result<Vec<EntryId>, JobError> {
        let (done, answer) = oneshot::channel();
        let closed = || JobError::Store(StoreError::Closed);
        self.orders.send(Order::Job(Job { steps, entries, done })).await.map_err(|_| closed())?;
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
    signer: Arc<Signer>,
    head: Option<Head>,
    /// The last row whose head this process signed.
    signed: i64,
    shy: u32,
    commits: Arc<AtomicU64>,
    jobs_done: u64,
    log: Arc<Log>,
}

/// How the writer and the task that empties SQLite's write-ahead log beside it talk.
#[derive(Default)]
struct Log {
    /// Enough was written.
    due: tokio::sync::Notify,
    /// All but what was written meanwhile is moved.
    nearly_empty: AtomicBool,
}

/// Why a batch was not committed.
enum Trouble {
    /// Another process added to the chain.
    Stale,
    /// Something is there already, and what the database tells of it does not say which job to refuse.
    Unclear,
    /// This job of the batch is refused; the others may go on without it.
    Refused(usize, Refusal),
    /// The database failed.
    Failed(StoreError),
}

/// Statements that chain audit rows, the new head, and each job's places in the chain.
type Rows = (Vec<Statement>, Head, Vec<Vec<EntryId>>);

impl Task {
    async fn work(mut self, mut waiting: mpsc::Receiver<Order>) {
        while let Some(first) = self.next(&mut waiting).await {
            let mut batch = vec![];
            let mut sign = None;
            let mut order = Some(first);
            while let Some(next) = order.take() {
                match next {
                    Order::Job(job) => batch.push(job),
                    Order::Sign(done) => sign = Some(done),
                }
                if batch.len() < TOGETHER && sign.is_none() {
                    order = waiting.try_recv().ok();
                }
            }
            // A lot of people is one job and fills the log like many.
            let jobs: u64 = batch.iter().map(|job| job.entries.len().max(1) as u64).sum();
            if jobs > 0 {
                self.batch(batch).await;
            }
            self.sign(sign).await;
            if self.jobs_done / CHECKPOINT_EVERY != (self.jobs_done + jobs) / CHECKPOINT_EVERY {
                self.log.due.notify_one();
            }
            self.jobs_done += jobs;
        }
        if let Some(connection) = self.connection.take() {
            let _ = connection.close().await;
        }
    }

    /// The next job. Before it, where nearly all of the write-ahead log is moved, the rest is: the log then
    /// begins again at its start.
    async fn next(&mut self, waiting: &mut mpsc::Receiver<Order>) -> Option<Order> {
        if self.log.nearly_empty.swap(false, Ordering::Relaxed)
            && let Some(connection) = &mut self.connection
        {
            // Not being able to is told by the task beside.
            let _ = Database::checkpoint(connection).await;
        }
        waiting.recv().await
    }

    /// Signs the head where somebody asked for it, or enough rows were added. Nobody waits for the latter.
    async fn sign(&mut self, asked: Option<oneshot::Sender<Result<(), StoreError>>>) {
        let due = self.head.filter(|head| head.seq / SIGN_EVERY > self.signed / SIGN_EVERY);
        if asked.is_none() && due.is_none() {
            return;
        }
        let signed = self.sign_head().await;
        if let Err(error) = &signed {
            tracing::warn!(%error, "the head of the audit chain could not be signed; it is tried again with the next row");
        }
        if let Some(asked) = asked {
            let _ = asked.send(signed);
        }
    }

    async fn sign_head(&mut self) -> Result<(), StoreError> {
        // As it is in the database: another process may have added to it.
        let Some(row) = self.database.ask_one(Head::QUERY, &[]).await? else { return Ok(()) };
        let head = Head::read(&row)?;
        let checkpoint = self.signer.checkpoint(&head)?;
        if self.connection.is_none() {
            self.connection = Some(self.database.writer().await?);
        }
        self.run(&[&[checkpoint]]).await.map_err(|Failed { error, .. }| error)?;
        self.signed = head.seq;
        Ok(())
    }

    async fn batch(&mut self, mut jobs: Vec<Job>) {
        let mut one_by_one = jobs.iter().any(|job| job.steps.iter().any(|step| step.nothing.is_some()));
        let mut tries = 0;
        // Told after the others are durable: who is refused for what another job does looks for it.
        let mut refused: Vec<(Job, Refusal)> = vec![];
        let failed = loop {
            if jobs.is_empty() {
                break None;
            }
            let trouble = match self.attempt(&jobs, one_by_one).await {
                Ok(answers) => {
                    self.commits.fetch_add(1, Ordering::Relaxed);
                    for (job, answer) in jobs.drain(..).zip(answers) {
                        let _ = job.done.send(answer);
                    }
                    break None;
                }
                Err(trouble) => trouble,
            };
            self.head = None;
            self.roll_back().await;
            match trouble {
                Trouble::Refused(n, refusal) => refused.push((jobs.remove(n), refusal)),
                Trouble::Stale if tries < TRIES => {
                    tries += 1;
                    self.shy = SHY;
                }
                Trouble::Unclear => one_by_one = true,
                Trouble::Failed(_) if jobs.len() > 1 && !one_by_one => one_by_one = true,
                Trouble::Stale => break Some(StoreError::Locked),
                Trouble::Failed(error) => break Some(error),
            }
        };
        if let Some(error) = failed {
            fail(jobs, &error);
        }
        for (job, refusal) in refused {
            let _ = job.done.send(Err(JobError::Refused(refusal)));
        }
    }

    async fn attempt(&mut self, jobs: &[Job], one_by_one: bool) -> Result<Answers, Trouble> {
        if self.connection.is_none() {
            self.connection = Some(self.database.writer().await.map_err(Trouble::Failed)?);
        }
        if self.shy > 0 {
            self.shy -= 1;
            self.head = None;
        }
        if one_by_one { self.one_by_one(jobs).await } else { self.together(jobs).await }
    }

    /// Every statement of every job without savepoints, for jobs that only a unique key can refuse.
    async fn together(&mut self, jobs: &[Job]) -> Result<Answers, Trouble> {
        let (head, begun) = match self.head {
            Some(head) => (head, false),
            None => (self.begin().await?, true),
        };
        let (rows, head, ids) = self.rows(head, jobs)?;
        let script = if let [job] = jobs {
            Script::of_one(job, rows, begun, self.begin_statement())
        } else {
            Script::of_many(jobs, rows, begun, self.begin_statement())
        };
        match self.run(&script.groups()).await {
            Ok(_) => {
                self.head = Some(head);
                Ok(ids.into_iter().map(Ok).collect())
            }
            Err(Failed { at, error }) if is_taken(&error) => Err(match script.sources.get(at) {
                // PostgreSQL took several insertions as one statement and tells the first it found taken, which
                // need not be the first of the job.
                Some(Source::Job(..)) if self.database.dialect == Dialect::Postgres => Trouble::Unclear,
                Some(Source::Job(n, Some(refusal))) => Trouble::Refused(*n, *refusal),
                Some(Source::Row) => Trouble::Stale,
                _ => failed(error),
            }),
            Err(Failed { error, .. }) => Err(failed(error)),
        }
    }

    /// Each job in a savepoint of its own, so that it can be refused for what its statements did not find.
    async fn one_by_one(&mut self, jobs: &[Job]) -> Result<Answers, Trouble> {
        let mut head = self.begin().await?;
        let mut answers = Vec::with_capacity(jobs.len());
        // What ends one job goes along with what begins the next.
        let mut ending: Vec<Statement> = vec![];
        for job in jobs {
            let mut statements = std::mem::take(&mut ending);
            statements.push(Statement::new("SAVEPOINT job", vec![]));
            let before = statements.len();
            statements.extend(job.steps.iter().map(|step| step.statement.clone()));
            let done = self.run(&[&statements]).await;
            let outcome = match done {
                Err(Failed { at, error }) if at < before => return Err(Self::ended_badly(error, &answers)),
                done => judged(done, before, &job.steps),
            };
            answers.push(match outcome {
                Ok(()) => {
                    let (rows, next, mut ids) = self.rows(head, std::slice::from_ref(job))?;
                    ending = vec![Statement::new("RELEASE job", vec![])];
                    ending.extend(rows);
                    head = next;
                    Ok(ids.pop().unwrap_or_default())
                }
                Err(e) => {
                    ending = ["ROLLBACK TO job", "RELEASE job"].map(|sql| Statement::new(sql, vec![])).to_vec();
                    Err(e)
                }
            });
        }
        ending.push(Statement::new("COMMIT", vec![]));
        self.run(&[&ending]).await.map_err(|Failed { error, .. }| Self::ended_badly(error, &answers))?;
        self.head = Some(head);
        Ok(answers)
    }

    /// Where even going back to the savepoint fails, the database has given up the transaction, for the reason
    /// it gave before.
    fn ended_badly(error: sqlx::Error, answers: &Answers) -> Trouble {
        match answers.last() {
            Some(Err(JobError::Store(first))) => Trouble::Failed(first.clone()),
            _ if is_taken(&error) => Trouble::Stale,
            _ => failed(error),
        }
    }

    /// Begins a transaction that no other writer can get in front of, and reads the head of the chain in it.
    async fn begin(&mut self) -> Result<Head, Trouble> {
        let mut statements = vec![self.begin_statement()];
        if self.database.dialect == Dialect::Postgres {
            statements.push(Statement::new("SELECT pg_advisory_xact_lock($1)", vec![CHAIN_LOCK.into()]));
        }
        statements.push(Statement::new(Head::QUERY, vec![]));
        let mut done = self.run(&[&statements]).await.map_err(|Failed { error, .. }| failed(error))?;
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
    fn rows(&self, mut head: Head, jobs: &[Job]) -> Result<Rows, Trouble> {
        let mut statements = Vec::new();
        let mut ids = Vec::new();
        for job in jobs {
            let mut own = Vec::with_capacity(job.entries.len());
            for draft in &job.entries {
                let (statement, next) = draft.chained(head, &self.entropy).map_err(|e| Trouble::Failed(e.into()))?;
                statements.push(statement);
                own.push(EntryId(next.seq));
                head = next;
            }
            ids.push(own);
        }
        Ok((statements, head, ids))
    }

    async fn run(&mut self, groups: &[&[Statement]]) -> Result<Vec<Done>, Failed> {
        match &mut self.connection {
            Some(connection) => run(connection, self.database.dialect, groups).await,
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

/// Whether a job's statements, after `before` others, did what they had to.
fn judged(outcome: Result<Vec<Done>, Failed>, before: usize, steps: &[Step]) -> Result<(), JobError> {
    match outcome {
        Ok(done) => {
            let mut own = done.iter().skip(before).zip(steps);
            let refused = own.find_map(|(done, step)| step.nothing.filter(|_| done.changed == 0));
            refused.map_or(Ok(()), |refusal| Err(JobError::Refused(refusal)))
        }
        Err(Failed { at, error }) => {
            let step = at.checked_sub(before).and_then(|n| steps.get(n));
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
async fn checkpoints(database: Database, log: Weak<Log>) {
    let mut connection = None;
    loop {
        let Some(log) = log.upgrade() else { return };
        // Woken now and then to see whether the writer still lives.
        if tokio::time::timeout(Duration::from_secs(5), log.due.notified()).await.is_err() {
            continue;
        }
        if connection.is_none() {
            connection = database.writer().await.ok();
        }
        let Some(open) = &mut connection else { continue };
        match Database::checkpoint(open).await {
            Ok(()) => log.nearly_empty.store(true, Ordering::Relaxed),
            Err(error) => {
                tracing::warn!(%error, "the write-ahead log could not be moved into the database; it grows until it can");
                connection = None;
            }
        }
    }
}
