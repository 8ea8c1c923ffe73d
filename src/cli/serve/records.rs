//! Hearing record servers, and looking what changed there.

use std::{
    sync::Weak,
    time::{Duration, Instant},
};

use super::program::Program;
use crate::{
    channels::{Noted, Notified, Soon, Unavailable},
    store::StoreError,
    watch::Heard,
};

/// How often is looked for what a server said.
const LOOK: Duration = Duration::from_secs(1);
/// How often servers are asked about everybody they were not asked about yet.
const TEND: Duration = Duration::from_secs(600);

impl Notified for Program {
    fn knows(&self, address: &str, secret: &str) -> bool {
        self.app().watcher().is_some_and(|watcher| watcher.knows(address, secret))
    }

    fn hears<'a>(&'a self, address: &'a str, body: &'a [u8]) -> Soon<'a, Result<Noted, Unavailable>> {
        Box::pin(async move {
            let Some(watcher) = self.app().watcher() else { return Ok(Noted::Gone) };
            let heard = watcher.hears(address, body, self.app().ambient().now()).await.map_err(|e| unavailable(&e))?;
            Ok(match heard {
                Some(Heard::Changed | Heard::There) => Noted::Yes,
                Some(Heard::NotOurs) => Noted::NotOurs,
                Some(Heard::Unreadable) => Noted::Unreadable,
                None => Noted::Gone,
            })
        })
    }
}

/// What failed goes to the log without whose it was.
fn unavailable(error: &StoreError) -> Unavailable {
    tracing::error!(%error, "a record server's notification could not be kept; it has to say it again");
    Unavailable
}

/// Looks what changed, and asks servers to say so, as long as the program runs and any is to be asked.
pub async fn watch(program: Weak<Program>) {
    let mut tended: Option<Instant> = None;
    loop {
        {
            let Some(program) = program.upgrade() else { return };
            let Some(watcher) = program.app().watcher() else { return };
            let now = program.app().ambient().now();
            if tended.is_none_or(|at| at.elapsed() >= TEND) {
                tended = Some(Instant::now());
                match watcher.tend(now).await {
                    Ok(round) if round.asked > 0 => {
                        tracing::info!(round.asked, "record servers were asked to say what changes")
                    }
                    Ok(_) => {}
                    Err(error) => tracing::warn!(%error, "record servers could not be asked; it is tried again"),
                }
            }
            if let Err(error) = watcher.look(now).await {
                tracing::warn!(%error, "what record servers said could not be looked into; it is tried again");
            }
        }
        tokio::time::sleep(LOOK).await;
    }
}
