//! The admission system's messages, in the running program.

use std::{sync::Weak, time::Duration};

use jiff::{SignedDuration, tz::TimeZone};

use super::program::Program;
use crate::{
    app::App,
    channels::{Soon, mllp::Inbox},
    config::AdtConfig,
    fleet::{Admissions, adt::Customs},
};

/// How often what could not be worked off is tried again, and keys of stays that are over are looked for.
const AGAIN: Duration = Duration::from_secs(5);
/// After how many of these looks old messages are deleted.
const SWEEP: u32 = 120;

/// What takes messages while the program runs.
pub struct Desk {
    program: Weak<Program>,
    admissions: Admissions,
}

impl Desk {
    /// At the organization's clock.
    ///
    /// # Errors
    /// When its time zone is not known.
    pub fn new(program: Weak<Program>, app: &App, config: &AdtConfig) -> Result<Self, jiff::Error> {
        let zone = TimeZone::get(&app.config().place.zone)?;
        let customs = Customs { zone, systems: config.systems() };
        Ok(Self { program, admissions: Admissions::new(app.store().clone(), customs) })
    }

    /// Works off what is left, now and then, as long as the program runs.
    pub async fn look_after(&self, keep_days: u32) {
        for look in 0u32.. {
            {
                let Some(program) = self.program.upgrade() else { return };
                let ambient = program.app().ambient();
                if let Err(error) = self.admissions.work_off(ambient).await {
                    tracing::error!(%error, "messages of the admission system wait; they are tried again");
                }
                if look % SWEEP == 0 {
                    let keep = SignedDuration::from_hours(i64::from(keep_days) * 24);
                    match self.admissions.forget(keep, ambient.now()).await {
                        Ok(0) => {}
                        Ok(messages) => tracing::info!(messages, "old messages of the admission system are deleted"),
                        Err(error) => tracing::warn!(%error, "old messages could not be deleted; it is tried again"),
                    }
                }
            }
            tokio::time::sleep(AGAIN).await;
        }
    }
}

impl Inbox for Desk {
    fn message<'a>(&'a self, message: &'a [u8]) -> Soon<'a, Vec<Vec<u8>>> {
        Box::pin(async move {
            match self.program.upgrade() {
                Some(program) => self.admissions.receive(message, program.app().ambient()).await,
                // Not kept, so not answered: the sender sends it again.
                None => std::future::pending().await,
            }
        })
    }
}
