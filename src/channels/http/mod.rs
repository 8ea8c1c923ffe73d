//! The HTTP door: `POST /v1/turns`, the talk page, and what operators need around them.
//!
//! Invariants: every route but the static page, `/livez`, `/readyz` and `/openapi.json` wants a credential,
//! on loopback too; what was said stands in no log line, metric, error or address.

use std::{sync::Arc, time::Duration};

use axum::{
    Router, middleware,
    routing::{get, post},
};
use tokio::sync::{Semaphore, watch};

use super::{
    Access, Backend, Bell, Connect, Devices, FleetDoor, Notices, Notified, Rights, Secrets, SignIn, StaffDoor,
    alexa::{self, Alexa},
};

mod access;
mod admissions;
mod audit;
pub(super) mod body;
mod calls;
mod connect;
mod console;
mod credentials;
mod device;
mod fleet;
mod fleet_staff;
mod headers;
mod health;
mod listen;
mod me;
mod metrics;
mod notices;
mod notified;
mod openapi;
mod origin;
mod page;
mod patient;
pub(super) mod refusal;
mod renewals;
mod secrets;
mod session;
mod sign_in;
mod staff;
mod stream;
pub(super) mod turns;

pub use headers::SERVER_HEADERS;
pub use listen::{Drained, ListenError, Listener, Wire};
pub use refusal::Refusal;
pub use stream::StreamLimits;

/// What one request, one connection and the whole door may take. The defaults suit one hospital server.
#[derive(Debug, Clone)]
pub struct Limits {
    /// A JSON body, in bytes.
    pub json_bytes: usize,
    /// A WAV body, in bytes: five and a half minutes of 48 kHz stereo 16-bit are 63.4 MB.
    pub wav_bytes: usize,
    /// What all large bodies together may hold in memory, in bytes. The first [`Limits::small_bytes`] of every
    /// body do not count, so that long recordings never crowd out a short cry for help.
    pub bodies_bytes: usize,
    /// Bytes of a body that never wait for room: 16 seconds of 16 kHz mono.
    pub small_bytes: usize,
    /// Between two pieces of a body.
    pub body_pause: Duration,
    /// For a whole body.
    pub body_total: Duration,
    /// For the head of a request, and between two requests on a connection.
    pub head: Duration,
    /// For a TLS handshake.
    pub handshake: Duration,
    /// A connection on which nothing moves either way is closed after this; longer than the longest turn.
    pub idle: Duration,
    /// Connections at once; one more is closed at once.
    pub connections: usize,
    /// For turns in progress when the server is told to stop.
    pub drain: Duration,
    /// What a device's own connection may take.
    pub stream: StreamLimits,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            json_bytes: 64 * 1024,
            wav_bytes: 64_000_000,
            bodies_bytes: 256 * 1024 * 1024,
            small_bytes: 512 * 1024,
            body_pause: Duration::from_secs(10),
            body_total: Duration::from_secs(120),
            head: Duration::from_secs(30),
            handshake: Duration::from_secs(10),
            idle: Duration::from_secs(120),
            connections: 8192,
            drain: Duration::from_secs(30),
            stream: StreamLimits::default(),
        }
    }
}

/// Everything a handler can reach.
#[derive(Clone)]
pub struct Doors {
    pub(super) backend: Arc<dyn Backend>,
    pub(super) metrics: Arc<metrics::Metrics>,
    /// The desk for a person's own page, where there is one.
    pub(super) rights: Option<Arc<dyn Rights>>,
    /// The door for skills, where there is one.
    pub(super) alexa: Option<Arc<Alexa>>,
    /// Signing in at a provider, where that is configured.
    sign_in: Option<Arc<dyn SignIn>>,
    /// The staff's side, where they can sign in.
    staff: Option<Arc<dyn StaffDoor>>,
    /// Whoever knows how many alerts there were.
    alerts: Option<Arc<dyn StaffDoor>>,
    /// Reminders, where devices ring.
    bell: Option<Arc<dyn Bell>>,
    /// Codes and PINs, where people have pages of their own.
    secrets: Option<Arc<dyn Secrets>>,
    /// Signing up, where letters can be sent.
    access: Option<Arc<dyn Access>>,
    /// Connecting records of other organizations, where any is configured.
    connect: Option<Arc<dyn Connect>>,
    /// News on a person's own page, where they have one.
    notices: Option<Arc<dyn Notices>>,
    /// Hearing record servers, where any is asked to say what changes.
    notified: Option<Arc<dyn Notified>>,
    /// The fleet, where devices have certificates of their own.
    fleet: Option<Arc<dyn FleetDoor>>,
    /// Devices and what waits for them, where they connect.
    devices: Option<Arc<dyn Devices>>,
    /// Which of them are connected.
    streams: Arc<stream::Streams>,
    limits: Arc<Limits>,
    /// Host names, besides the listening address, under which the door may be addressed; lower case.
    hosts: Arc<[String]>,
    /// Room for large bodies, in units of [`body::UNIT`].
    room: Arc<Semaphore>,
    /// Turns that are being taken.
    busy: Arc<watch::Sender<usize>>,
    /// Set once the server has been told to stop.
    stopping: Arc<watch::Sender<bool>>,
}

impl Doors {
    /// Doors in front of a program.
    #[must_use]
    pub fn new(backend: Arc<dyn Backend>, hosts: &[String], limits: Limits) -> Self {
        let units = limits.bodies_bytes / body::UNIT;
        Self {
            backend,
            metrics: Arc::new(metrics::Metrics::new()),
            rights: None,
            alexa: None,
            sign_in: None,
            staff: None,
            alerts: None,
            bell: None,
            secrets: None,
            access: None,
            connect: None,
            notices: None,
            notified: None,
            fleet: None,
            devices: None,
            streams: Arc::default(),
            limits: Arc::new(limits),
            hosts: hosts.iter().map(|h| h.trim_end_matches('.').to_ascii_lowercase()).collect(),
            room: Arc::new(Semaphore::new(units.min(Semaphore::MAX_PERMITS))),
            busy: Arc::new(watch::Sender::new(0)),
            stopping: Arc::new(watch::Sender::new(false)),
        }
    }

    /// With a door for skills, too.
    #[must_use]
    pub fn with_alexa(self, alexa: Alexa) -> Self {
        Self { alexa: Some(Arc::new(alexa)), ..self }
    }

    /// With reminders, too.
    #[must_use]
    pub fn with_bell(self, bell: Arc<dyn Bell>) -> Self {
        Self { bell: Some(bell), ..self }
    }

    /// With codes and PINs, too.
    #[must_use]
    pub fn with_secrets(self, secrets: Arc<dyn Secrets>) -> Self {
        Self { secrets: Some(secrets), ..self }
    }

    /// With signing up, too.
    #[must_use]
    pub fn with_access(self, access: Arc<dyn Access>) -> Self {
        Self { access: Some(access), ..self }
    }

    /// With connecting records of other organizations, where there is any, too.
    #[must_use]
    pub fn with_connect(self, connect: Arc<dyn Connect>) -> Self {
        let connect = connect.offers_records().then_some(connect);
        Self { connect, ..self }
    }

    /// With news on a person's own page, too.
    #[must_use]
    pub fn with_notices(self, notices: Arc<dyn Notices>) -> Self {
        Self { notices: Some(notices), ..self }
    }

    /// With hearing record servers, too.
    #[must_use]
    pub fn with_notified(self, notified: Arc<dyn Notified>) -> Self {
        Self { notified: Some(notified), ..self }
    }

    /// With devices that have certificates of their own, too.
    #[must_use]
    pub fn with_fleet(self, fleet: Arc<dyn FleetDoor>) -> Self {
        Self { fleet: Some(fleet), ..self }
    }

    /// With other limits; what is shared between doors stays shared.
    #[must_use]
    pub fn within(self, limits: Limits) -> Self {
        Self { limits: Arc::new(limits), ..self }
    }

    /// With connections of devices, too.
    #[must_use]
    pub fn with_devices(self, devices: Arc<dyn Devices>) -> Self {
        Self { devices: Some(devices), ..self }
    }

    /// With signing in at a provider, too.
    #[must_use]
    pub fn with_sign_in(self, sign_in: Arc<dyn SignIn>) -> Self {
        Self { sign_in: Some(sign_in), ..self }
    }

    /// With alerts among the metrics, too.
    #[must_use]
    pub fn with_alerts(self, alerts: Arc<dyn StaffDoor>) -> Self {
        Self { alerts: Some(alerts), ..self }
    }

    /// With the staff's side, too.
    #[must_use]
    pub fn with_staff(self, staff: Arc<dyn StaffDoor>) -> Self {
        Self { staff: Some(staff), ..self }
    }

    /// With a person's rights over what is known about them, too.
    #[must_use]
    pub fn with_rights(self, rights: Arc<dyn Rights>) -> Self {
        Self { rights: Some(rights), ..self }
    }

    /// The routes. They expect [`Wire`] among a request's extensions, as [`Listener::serve`] puts it there.
    pub fn router(&self) -> Router {
        let skills = self.alexa.as_ref().map(|_| Router::new().route("/v1/alexa", post(alexa::take)));
        let staff = self.staff.as_ref().map(|_| {
            staff::routes()
                .merge(audit::routes())
                .merge(fleet_staff::routes())
                .merge(admissions::routes())
                .merge(renewals::routes())
                .merge(calls::routes())
                .merge(console::routes())
                .merge(page::console())
        });
        let connect = self.connect.as_ref().map(|_| connect::routes().merge(page::connect()));
        let routes = Router::new()
            .merge(connect.unwrap_or_default())
            .merge(skills.unwrap_or_default())
            .merge(self.notified.as_ref().map(|_| notified::routes()).unwrap_or_default())
            .merge(staff.unwrap_or_default())
            .merge(self.access.as_ref().map(|_| access::routes().merge(page::join())).unwrap_or_default())
            .route("/v1/sign-in", get(sign_in::show).post(sign_in::begin))
            .route("/sign-in/back", get(sign_in::back))
            .merge(self.for_devices())
            .merge(self.fleet.as_ref().map(|_| fleet::enrolment()).unwrap_or_default())
            .route("/v1/session", get(session::show).post(session::open).delete(session::close))
            .route("/metrics", get(metrics::show))
            .route("/livez", get(health::live))
            .route("/readyz", get(health::ready))
            .route("/openapi.json", get(openapi::show))
            .merge(me::routes())
            .merge(self.notices.as_ref().map(|_| notices::routes()).unwrap_or_default())
            .merge(secrets::routes())
            .merge(page::routes());
        self.guarded(routes)
    }

    /// The routes of the devices' door: what a device needs, and nothing besides.
    pub fn device_router(&self) -> Router {
        self.guarded(self.for_devices().merge(fleet::routes()).route("/livez", get(health::live)))
    }

    /// What a device needs, at whichever door it comes.
    fn for_devices(&self) -> Router<Self> {
        let streams = self.devices.as_ref().map(|_| stream::routes()).unwrap_or_default();
        Router::new().route("/v1/turns", post(turns::take)).merge(device::routes()).merge(streams)
    }

    fn guarded(&self, routes: Router<Self>) -> Router {
        routes
            .fallback(refusal::no_such_page)
            .method_not_allowed_fallback(refusal::no_such_method)
            .layer(middleware::from_fn_with_state(self.clone(), origin::check))
            .layer(middleware::from_fn_with_state(self.clone(), metrics::observe))
            .layer(middleware::from_fn(headers::harden))
            .with_state(self.clone())
    }
}
