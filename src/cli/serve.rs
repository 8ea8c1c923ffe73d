//! `wellspoken serve`: run the server.
//!
//! Standard output: `listening on ADDRESS` once turns can be taken, and with `--demo` the one-time links.
//! Standard error: the log.

use std::{io::Write as _, path::PathBuf, sync::Arc};

use anyhow::Context as _;
use tokio::signal::unix::{SignalKind, signal};

use super::{Global, hardening, logging, open_app, rehearse, runtime};
use crate::{
    app::Senses,
    channels::{
        alexa::Alexa,
        http::{Doors, Limits, Listener},
        mllp::MllpListener,
    },
};

mod adt;
mod bell;
mod connect;
mod demo;
mod devices;
mod fleet;
mod letters;
mod notices;
mod nurse;
mod program;
mod records;
mod rights;
mod secrets;
mod sign_in;
mod staff;
mod waitlist;

use demo::Demo;
pub use program::{Program, SetUpError, fresh_token};

/// Run the server.
#[derive(Debug, clap::Args)]
pub struct ServeArgs {
    /// Make the demo people known and print one-time links to the talk page.
    #[arg(long)]
    demo: bool,
    /// Once the door is open, say the recordings of this folder through it and print what came of each.
    #[arg(long, value_name = "DIR", requires = "demo")]
    speak: Option<PathBuf>,
    /// Stop after that.
    #[arg(long, requires = "speak")]
    once: bool,
}

/// Runs `wellspoken serve`.
///
/// # Errors
/// What was wrong, where, and what to do.
pub fn run(global: &Global, args: ServeArgs) -> anyhow::Result<()> {
    logging::start()?;
    hardening::log_panics_by_place();
    hardening::allow_connections();
    runtime()?.block_on(serve(global, args))
}

async fn serve(global: &Global, args: ServeArgs) -> anyhow::Result<()> {
    let config = global.config()?;
    // A port that is taken is told before the models are loaded.
    let listener = Listener::bind(&config.http).await?;
    let url = listener.url();
    let admissions = match &config.adt {
        Some(adt) => Some((MllpListener::bind(adt).await?, adt.clone())),
        None => None,
    };
    let alexa = config.alexa.as_ref().map(Alexa::new).transpose()?;
    let app = open_app(global, Senses { ears: true, voice: true }).await?;
    for warning in &app.warnings {
        tracing::warn!(warning, "a part is missing");
    }
    let (calls, teller, tasks) = (nurse::calls(&app)?, nurse::teller(&app)?, nurse::tasks(&app)?);
    // Its authority's key is in the store, so this door opens after it.
    let devices = match &config.fleet {
        Some(fleet) => {
            let authorities = app.store().fleet_authorities(app.ambient().now()).await?;
            Some((Listener::bind_devices(fleet, authorities).await?, fleet.connections))
        }
        None => None,
    };
    let program = Arc::new(Program::new(app).with_sign_in()?.with_mail()?.with_connect()?);
    if let Some(mqtt) = program.app().mqtt() {
        mqtt.stay();
    }
    let limits = Limits {
        // A connection waits at least as long as the slowest turn.
        idle: Limits::default().idle + std::time::Duration::from_millis(config.hear.deadline_ms),
        ..Limits::default()
    };
    let doors = Doors::new(program.clone(), &config.http.hosts, limits.clone())
        .with_alerts(program.clone())
        .with_rights(program.clone())
        .with_notices(program.clone())
        .with_bell(program.clone())
        .with_secrets(program.clone())
        .with_connect(program.clone())
        .with_devices(program.clone());
    let doors = match &config.sign_in {
        Some(sign_in) if sign_in.staff.is_some() => doors.with_sign_in(program.clone()).with_staff(program.clone()),
        Some(_) => doors.with_sign_in(program.clone()),
        None => doors,
    };
    let doors = if program.app().watcher().is_some() { doors.with_notified(program.clone()) } else { doors };
    let doors = if config.mail.is_some() { doors.with_access(program.clone()) } else { doors };
    let doors = match alexa {
        Some(alexa) => doors.with_alexa(alexa),
        None => doors,
    };
    let doors = if config.fleet.is_some() { doors.with_fleet(program.clone()) } else { doors };
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let end = async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
            // A dropped sender is no reason to stop.
            Ok(()) = stopped => {}
        }
        tracing::info!("stopping: turns in progress are finished, new ones refused");
    };
    let (close, closed) = tokio::sync::oneshot::channel::<()>();
    let closed = futures_util::FutureExt::shared(async move { closed.await.unwrap_or_default() });
    let devices = match devices {
        Some((door, connections)) => {
            say(&format!("devices on {}", door.url()))?;
            let limits = Limits { connections, ..limits };
            Some(tokio::spawn(door.serve(doors.clone().within(limits), closed.clone())))
        }
        None => None,
    };
    let served = tokio::spawn(listener.serve(doors, end));
    let admitting = match admissions {
        Some((listener, adt)) => {
            let desk = Arc::new(adt::Desk::new(Arc::downgrade(&program), program.app(), &adt)?);
            say(&format!("admissions on {}", listener.address()))?;
            let looking = Arc::clone(&desk);
            let looking = tokio::spawn(async move { looking.look_after(adt.keep_days).await });
            let taking = tokio::spawn(listener.serve(desk, closed));
            Some((taking, looking))
        }
        None => None,
    };
    let sweeping = tokio::spawn(sweep(Arc::downgrade(&program)));
    let fetching = tokio::spawn(connect::fetch(Arc::downgrade(&program)));
    let delivering = tokio::spawn(deliver(Arc::downgrade(&program)));
    let watching = tokio::spawn(staff::watch(Arc::downgrade(&program)));
    let announcing = tokio::spawn(notices::write(Arc::downgrade(&program)));
    let looking = tokio::spawn(records::watch(Arc::downgrade(&program)));
    let telling = tokio::spawn(staff::tell(Arc::downgrade(&program)));
    let writing = tokio::spawn(letters::carry(Arc::downgrade(&program)));
    let climbing = tokio::spawn(nurse::climb(Arc::downgrade(&program), calls));
    let crying = tokio::spawn(fleet::cry(Arc::downgrade(&program)));
    let hearing = tokio::spawn(fleet::write_down(Arc::downgrade(&program)));
    let spreading = tokio::spawn(nurse::tell(Arc::downgrade(&program), teller));
    let assigning = tasks.map(|tasks| tokio::spawn(nurse::assign(Arc::downgrade(&program), tasks)));
    let waiting = tokio::spawn(waitlist::watch(Arc::downgrade(&program)));
    let waking = tokio::spawn(devices::wake(Arc::downgrade(&program)));
    let preparing = tokio::spawn(devices::prepare(Arc::downgrade(&program)));
    say(&format!("listening on {url}"))?;
    if args.demo {
        let people = Demo::import(&program).await?;
        for line in people.links(&program, &url).await? {
            say(&line)?;
        }
        if let Some(folder) = args.speak {
            let token = people.device(&program).await?;
            tokio::task::spawn_blocking(move || rehearse::speak(&url, &token, &folder)).await??;
            if args.once {
                let _ = stop.send(());
            }
        }
    }
    let drained = served.await.context("the server broke off; its log says where")?;
    drop(close);
    if let Some(devices) = devices {
        let _ = devices.await;
    }
    program.write_heard().await;
    if let Some((taking, looking)) = admitting {
        looking.abort();
        let _ = taking.await;
    }
    waking.abort();
    preparing.abort();
    sweeping.abort();
    climbing.abort();
    spreading.abort();
    if let Some(assigning) = assigning {
        assigning.abort();
    }
    watching.abort();
    writing.abort();
    waiting.abort();
    hearing.abort();
    crying.abort();
    looking.abort();
    telling.abort();
    announcing.abort();
    fetching.abort();
    delivering.abort();
    if let Ok(program) = Arc::try_unwrap(program) {
        program.close().await;
    }
    match drained.turns_left {
        0 => Ok(()),
        left => anyhow::bail!("{left} turns were still in progress when patience ran out"),
    }
}

/// How often what is too old is looked for.
const SWEEP_EVERY: std::time::Duration = std::time::Duration::from_secs(600);

/// Deletes what the configuration says is too old, now and then, as long as the program runs.
async fn sweep(program: std::sync::Weak<Program>) {
    loop {
        {
            let Some(program) = program.upgrade() else { return };
            let app = program.app();
            match app.store().forget(&app.config().retention, app.ambient().now()).await {
                Ok(gone) if gone.any() => tracing::info!(
                    conversations = gone.conversations,
                    answers = gone.answers,
                    credentials = gone.credentials,
                    held = gone.held,
                    "what was too old is deleted"
                ),
                Ok(gone) if gone.held > 0 => {
                    tracing::info!(held = gone.held, "what is too old was left: a legal hold is on it");
                }
                Ok(_) => {}
                Err(error) => tracing::warn!(%error, "what is too old could not be deleted; it is tried again"),
            }
            match app.store().forget_waiting(app.ambient().now()).await {
                Ok(0) => {}
                Ok(rows) => {
                    tracing::info!(rows, "addresses that nobody confirmed, or that were let in long ago, are deleted")
                }
                Err(error) => tracing::warn!(%error, "old addresses could not be deleted; it is tried again"),
            }
            match app.store().forget_revocations(app.ambient().now()).await {
                Ok(0) => {}
                Ok(rows) => {
                    tracing::warn!(rows, "organizations did not take tokens back in two weeks; they are deleted")
                }
                Err(error) => {
                    tracing::warn!(%error, "tokens that nobody takes back could not be deleted; it is tried again")
                }
            }
            match app.store().forget_events(app.ambient().now()).await {
                Ok(0) => {}
                Ok(rows) => tracing::info!(rows, "what devices were to be told and is over is deleted"),
                Err(error) => tracing::warn!(%error, "old events of devices could not be deleted; it is tried again"),
            }
            match app.store().forget_patterns(&app.config().patterns, app.ambient().now()).await {
                Ok(0) => {}
                Ok(rows) => tracing::info!(rows, "what was counted and never released is deleted"),
                Err(error) => tracing::warn!(%error, "what was counted could not be deleted; it is tried again"),
            }
        }
        tokio::time::sleep(SWEEP_EVERY).await;
    }
}

/// How often changes are looked for that wait for their record server.
const DELIVER_EVERY: std::time::Duration = std::time::Duration::from_secs(5);
/// Least time between two looks.
const DELIVER_PAUSE: std::time::Duration = std::time::Duration::from_millis(500);

/// Sends changes that wait for their record server, as long as the program runs and there is one.
async fn deliver(program: std::sync::Weak<Program>) {
    loop {
        let pause = {
            let Some(program) = program.upgrade() else { return };
            let app = program.app();
            let Some(courier) = &app.core().courier else { return };
            match courier.send_due(app.ambient()).await {
                Ok(0) => {}
                Ok(many) => tracing::info!(many, "changes were sent to their record server, or tried"),
                Err(error) => tracing::warn!(%error, "changes could not be sent; they are tried again"),
            }
            courier.idle(DELIVER_EVERY, app.ambient().now()).await.unwrap_or(DELIVER_EVERY)
        };
        tokio::time::sleep(pause.max(DELIVER_PAUSE)).await;
    }
}

/// One line on standard output, at once: whoever starts the server waits for it.
fn say(line: &str) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{line}").and_then(|()| out.flush()).context("standard output is closed")
}
