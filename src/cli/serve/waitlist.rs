//! Looking whether an earlier time came free for anybody who waits for one.

use std::{sync::Weak, time::Duration};

use jiff::SignedDuration;

use super::program::Program;
use crate::{
    app::App,
    records::{RecordsError, SlotQuery, sensitive::Hush},
};

/// How often the schedules are looked at while anybody waits.
const LOOK: Duration = Duration::from_secs(30);

/// How far ahead.
const AHEAD: SignedDuration = SignedDuration::from_hours(60 * 24);

/// Most free times looked at in one go.
const MOST: usize = 10_000;

/// Looks as long as the program runs.
pub async fn watch(program: Weak<Program>) {
    loop {
        tokio::time::sleep(LOOK).await;
        let Some(program) = program.upgrade() else { return };
        if let Err(error) = look(program.app()).await {
            tracing::warn!(%error, "who waits for an earlier time could not be looked up; it is tried again");
        }
    }
}

/// Looks once: how many are told of something new.
///
/// # Errors
/// When the database or a key fails.
pub async fn look(app: &App) -> Result<usize, RecordsError> {
    let (store, now) = (app.store(), app.ambient().now());
    if !store.anybody_waits().await? {
        return Ok(0);
    }
    let records = app.core().records.hushed(Hush { aloud: false, named: Vec::new() }, now);
    let until = now.checked_add(AHEAD).unwrap_or(jiff::Timestamp::MAX);
    let query = SlotQuery { from: now, until, provider: None, specialty: None, limit: MOST, held_for: None };
    let free = records.free_slots(query).await?;
    Ok(store.tell_who_waits(&free, now).await?)
}
