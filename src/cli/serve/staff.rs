//! The staff's side of the running program: their sessions, their desk, and looking by itself for who opened many strangers.

use std::sync::{Arc, Weak};

use jiff::{SignedDuration, tz::TimeZone};

use super::{
    nurse::routes,
    program::{Program, SetUpError, unavailable},
};
use crate::{
    app::App,
    channels::{Soon, Span, StaffDoor, Trail, Unavailable},
    config::Config,
    policy::staff::StaffMember,
    staff::{AlertKind, Alerts, Ask, Desk, NotTold, Told},
    store::{ExportOptions, ReviewRule, StoreError},
};

/// Bytes of an export that are written and not read yet.
const ON_THE_WAY: usize = 64 * 1024;
/// How soon after the start, and after a look that failed, the audit trail is looked through.
const SOON: std::time::Duration = std::time::Duration::from_secs(60);

/// What the staff's side needs besides the rest of the program.
pub struct StaffSide {
    desk: Desk,
    alerts: Arc<Alerts>,
    idle: SignedDuration,
}

impl StaffSide {
    pub fn new(app: &App) -> Result<Self, SetUpError> {
        let config = app.config();
        let alerts = Arc::new(Alerts::new(&config.alerts)?);
        let staff = config.sign_in.as_ref().and_then(|sign_in| sign_in.staff.as_ref());
        let minutes = |minutes: Option<u32>| SignedDuration::from_mins(i64::from(minutes.unwrap_or(1)));
        let glass = minutes(staff.map(|staff| staff.break_glass_minutes));
        let idle = minutes(staff.map(|staff| staff.idle_minutes));
        let desk = Desk::new(app.store().clone(), Arc::clone(&alerts), glass);
        // A zone that is not known was refused with the configuration.
        let zone = TimeZone::get(&config.place.zone).unwrap_or(TimeZone::UTC);
        let units = staff.map(|staff| staff.units.clone()).unwrap_or_default();
        let desk = desk.reading(&app.core().records).at(zone).in_units(units).routed(routes(&config.nurse)?);
        Ok(Self { desk, alerts, idle })
    }
}

impl StaffDoor for Program {
    fn staff<'a>(&'a self, token: &'a str, renew: bool) -> Soon<'a, Result<Option<StaffMember>, Unavailable>> {
        Box::pin(async move {
            let Some(side) = &self.staff else { return Ok(None) };
            let (store, now) = (self.app().store(), self.app().ambient().now());
            store.staff_session(token, side.idle, renew, now).await.map_err(|e| unavailable(&e))
        })
    }

    fn answer<'a>(&'a self, staff: &'a StaffMember, ask: Ask) -> Soon<'a, Result<Told, NotTold>> {
        Box::pin(async move {
            let side = self.staff.as_ref().ok_or(NotTold::NoRight)?;
            side.desk.answer(staff, ask, self.app().ambient().now()).await
        })
    }

    fn export<'a>(&'a self, staff: &'a StaffMember, (from, to): Span) -> Soon<'a, Result<Trail, NotTold>> {
        Box::pin(async move {
            self.answer(staff, Ask::ExportAudit).await?;
            let (store, now) = (self.app().store().clone(), self.app().ambient().now());
            let organization = self.app().config().place.organization.clone();
            let by = format!("staff {}", staff.member.as_str());
            let options = ExportOptions { from, to, bundle: false, by, organization, at: now };
            let (mut written, lines) = tokio::io::duplex(ON_THE_WAY);
            let whole = tokio::spawn(async move {
                let exported = store.audit_export(&options, &mut written).await;
                exported.inspect_err(|error| tracing::error!(%error, "the audit trail was not given out whole")).is_ok()
            });
            Ok(Trail { lines, whole })
        })
    }

    fn leave<'a>(&'a self, token: &'a str, staff: &'a StaffMember) -> Soon<'a, Result<(), Unavailable>> {
        Box::pin(async move {
            let (store, now) = (self.app().store(), self.app().ambient().now());
            store.close_staff_session(token, &staff.member, now).await.map_err(|e| unavailable(&e))
        })
    }

    fn alerts(&self) -> Vec<(&'static str, u64)> {
        self.staff.as_ref().map(|side| side.alerts.raised()).unwrap_or_default()
    }
}

impl Program {
    /// Looks through the audit trail for readers who opened many strangers, and raises and alerts each once.
    ///
    /// # Errors
    /// When the database or a key fails.
    pub async fn look_for_strangers(&self) -> Result<usize, StoreError> {
        let (app, now) = (self.app(), self.app().ambient().now());
        let raised = app.store().raise_strangers(rule(app.config()), now).await?;
        if let Some(side) = self.staff.as_ref().filter(|_| raised > 0) {
            side.alerts.raise(AlertKind::ManyStrangers, raised as u64);
        }
        Ok(raised)
    }
}

fn rule(config: &Config) -> ReviewRule {
    let audit = &config.audit;
    ReviewRule {
        people: audit.review_people,
        window: SignedDuration::from_mins(audit.review_window_minutes.into()),
        known: SignedDuration::from_hours(i64::from(audit.review_known_days) * 24),
    }
}

/// How often is looked for what the webhook is still to be told.
const TELL: std::time::Duration = std::time::Duration::from_secs(2);

/// Tells the webhook, as long as the program runs.
pub async fn tell(program: Weak<Program>) {
    loop {
        {
            let Some(program) = program.upgrade() else { return };
            let Some(side) = &program.staff else { return };
            let (store, now) = (program.app().store(), program.app().ambient().now());
            if let Err(error) = side.alerts.deliver(store, now).await {
                tracing::warn!(%error, "alerts could not be told; it is tried again");
            }
        }
        tokio::time::sleep(TELL).await;
    }
}

/// Looks now and then, as long as the program runs.
pub async fn watch(program: Weak<Program>) {
    let mut pause = SOON;
    loop {
        tokio::time::sleep(pause).await;
        let Some(program) = program.upgrade() else { return };
        pause = match program.look_for_strangers().await {
            Ok(_) => {
                let minutes = program.app().config().alerts.review_every_minutes;
                std::time::Duration::from_secs(60 * u64::from(minutes))
            }
            Err(error) => {
                tracing::warn!(%error, "the audit trail could not be looked through; it is tried again");
                SOON
            }
        };
    }
}
