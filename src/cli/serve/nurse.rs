//! Climbing for calls that nobody answers, as long as the program runs.

use std::{
    sync::Weak,
    time::{Duration, Instant},
};

use anyhow::Context as _;

use super::program::Program;
use crate::{
    ambient::system_now,
    app::App,
    config::{MqttConfig, NurseConfig},
    fleet::{
        Calls, Tasks, Teller,
        nurse::{Override, Priority, RouteError, Routes, Waits},
    },
};

/// How often is looked for steps that are due.
const LOOK: Duration = Duration::from_millis(500);

/// How old what is known of units may be.
const KNOWN: Duration = Duration::from_secs(60);

/// The rules of who is told, as configured.
///
/// # Errors
/// Which of them cannot be used, and why.
pub fn routes(config: &NurseConfig) -> Result<Routes, RouteError> {
    let with = config.routes.iter().map(|(need, route)| {
        (need.as_str(), Override { role: route.role.as_deref(), priority: route.priority.as_deref() })
    });
    Routes::new(with)
}

/// How long is waited, as configured.
pub fn waits(config: &NurseConfig) -> Waits {
    let mut waits = Waits::default();
    for priority in Priority::ALL {
        if let Some(seconds) = config.waits.get(priority.name()) {
            waits.seconds[priority as usize] = *seconds;
        }
    }
    waits
}

/// Who climbs.
///
/// # Errors
/// When the rules of who is told cannot be used.
pub fn calls(app: &App) -> Result<Calls, RouteError> {
    let config = &app.config().nurse;
    Ok(Calls::new(app.store().clone(), routes(config)?, waits(config), app.core().units.clone()))
}

/// Who tells others.
///
/// # Errors
/// When a file that is needed cannot be used.
pub fn teller(app: &App) -> anyhow::Result<Teller> {
    let config = app.config();
    let patience = |mqtt: &MqttConfig| Duration::from_millis(mqtt.ack_ms);
    let broker = app.mqtt().cloned().zip(config.mqtt.as_ref().map(patience));
    Ok(Teller::new(app.store().clone(), &config.nurse, routes(&config.nurse)?, broker)?)
}

/// Who tells a FHIR server, where one is configured.
///
/// # Errors
/// When a file that is needed cannot be used.
pub fn tasks(app: &App) -> anyhow::Result<Option<Tasks>> {
    let config = &app.config().nurse;
    let Some(server) = &config.tasks else { return Ok(None) };
    let tasks = Tasks::new(app.store().clone(), server, routes(config)?, system_now);
    Ok(Some(tasks.context("nurse.tasks")?))
}

/// Tells that server of calls, as long as the program runs. Beside the others: one that is slow must not keep a pager waiting.
pub async fn assign(program: Weak<Program>, tasks: Tasks) {
    loop {
        let more = {
            let Some(program) = program.upgrade() else { return };
            match tasks.tell(program.app().ambient().now()).await {
                Ok(round) => round.taken > 0,
                Err(error) => {
                    tracing::warn!(%error, "the server of nurse.tasks could not be told; it is tried again");
                    false
                }
            }
        };
        if !more {
            tokio::time::sleep(LOOK).await;
        }
    }
}

/// Tells others what happens to calls, as long as the program runs.
pub async fn tell(program: Weak<Program>, teller: Teller) {
    loop {
        {
            let Some(program) = program.upgrade() else { return };
            let now = program.app().ambient().now();
            let told = async {
                program.app().store().forget_call_events(now).await?;
                teller.tell(now).await
            };
            if let Err(error) = told.await {
                tracing::warn!(%error, "what happens to calls could not be told; it is tried again");
            }
        }
        tokio::time::sleep(LOOK).await;
    }
}

/// Tells what is due, as long as the program runs.
pub async fn climb(program: Weak<Program>, mut calls: Calls) {
    let began = Instant::now();
    let mut knew = began;
    loop {
        {
            let Some(program) = program.upgrade() else { return };
            if knew.elapsed() >= KNOWN {
                knew = Instant::now();
                match program.places().await {
                    Ok(tree) => calls.set_units(crate::app::units(program.app().config(), &tree)),
                    Err(error) => tracing::warn!(%error, "which room is of which unit is as it was known"),
                }
            }
            match calls.look(program.app().ambient().now(), began.elapsed()).await {
                Ok(looked) if looked.told > 0 => {
                    tracing::info!(steps = looked.told, "calls that nobody answered climbed")
                }
                Ok(_) => {}
                Err(error) => tracing::warn!(%error, "unanswered calls could not be looked at; it is tried again"),
            }
        }
        tokio::time::sleep(LOOK).await;
    }
}
