//! Connections for reading: a few, kept open, each used by one reader at a time.
//!
//! Instead of sqlx's pool, which gives a connection back through a task of its own: on the way of every turn
//! that wake-up costs as much as the question.

use std::sync::atomic::{AtomicUsize, Ordering};

use sqlx::{
    AnyConnection, Connection,
    any::{AnyArguments, AnyConnectOptions, AnyRow},
};
use tokio::sync::{Mutex, MutexGuard};

use super::database::{Dialect, Value, bind};

/// Connections. A turn reads two or three times, shortly; more would only wait for cores.
const READERS: usize = 6;

/// How an answer is waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wait {
    /// Nothing else can be done meanwhile.
    Here,
    /// The same task waits for something slower besides.
    Aside,
}

pub(super) struct Readers {
    dialect: Dialect,
    options: AnyConnectOptions,
    places: [Mutex<Option<AnyConnection>>; READERS],
    next: AtomicUsize,
}

impl Readers {
    pub fn new(dialect: Dialect, options: AnyConnectOptions, first: AnyConnection) -> Self {
        let mut places = [const { Mutex::const_new(None) }; READERS];
        *places[0].get_mut() = Some(first);
        Self { dialect, options, places, next: AtomicUsize::new(0) }
    }

    /// All rows of a question. A connection that the server has closed meanwhile is replaced once.
    pub async fn ask(&self, sql: &'static str, values: &[Value], wait: Wait) -> Result<Vec<AnyRow>, sqlx::Error> {
        let mut place = self.place().await;
        if let Some(connection) = place.take() {
            match self.answer(&mut place, connection, (sql, values), wait).await {
                Err(sqlx::Error::Io(_) | sqlx::Error::WorkerCrashed) => {}
                Err(sqlx::Error::Database(told)) if told.code().is_some_and(|code| code.starts_with("57P")) => {}
                answer => return answer,
            }
        }
        let connection = self.connect().await?;
        self.answer(&mut place, connection, (sql, values), wait).await
    }

    /// Out of its place while it is in use: a reader that gives up midway leaves no half-read connection.
    async fn answer(
        &self,
        place: &mut Option<AnyConnection>,
        mut connection: AnyConnection,
        (sql, values): (&'static str, &[Value]),
        wait: Wait,
    ) -> Result<Vec<AnyRow>, sqlx::Error> {
        let mut arguments = AnyArguments::default();
        for value in values {
            bind(&mut arguments, value);
        }
        let rows = sqlx::query_with(sql, arguments).fetch_all(&mut connection);
        let rows = match wait {
            Wait::Here => self.dialect.patiently(rows).await?,
            Wait::Aside => rows.await?,
        };
        *place = Some(connection);
        Ok(rows)
    }

    async fn place(&self) -> MutexGuard<'_, Option<AnyConnection>> {
        if let Some(free) = self.places.iter().find_map(|place| place.try_lock().ok()) {
            return free;
        }
        let next = self.next.fetch_add(1, Ordering::Relaxed) % READERS;
        self.places[next].lock().await
    }

    async fn connect(&self) -> Result<AnyConnection, sqlx::Error> {
        let mut connection = AnyConnection::connect_with(&self.options).await?;
        self.dialect.settle_reader(&mut connection).await?;
        Ok(connection)
    }

    pub async fn close(&self) {
        for place in &self.places {
            if let Some(connection) = place.lock().await.take() {
                let _ = connection.close().await;
            }
        }
    }
}
