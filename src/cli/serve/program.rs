//! The running program as its doors see it.

use std::sync::Arc;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use jiff::{SignedDuration, Timestamp};

use crate::{
    app::App,
    channels::{Backend, Holder, OnTheirWay, Opened, Part, Soon, Unavailable},
    cli::credential::OPERATOR,
    connect,
    fleet::nurse::RouteError,
    mail::{MailError, Post},
    oidc::OidcError,
    policy::{Caller, Surface},
    staff::AlertsError,
    store::{Grant, StoreError},
    turn::{Could, Early, Expected, Intended, TurnRequest, TurnResult},
};

use super::{connect::Connections, fleet::FleetSide, letters::Letters, sign_in::SignInDoors, staff::StaffSide};

/// How long a page session lasts at least; longer where its link would have.
const PAGE_SESSION: SignedDuration = SignedDuration::from_hours(12);

/// Seconds after which a change that has not arrived is something to look into.
const OUTBOX_LATE: i64 = 900;

/// Why people or staff cannot sign in as configured.
#[derive(Debug, thiserror::Error)]
pub enum SetUpError {
    /// A file of a provider's.
    #[error(transparent)]
    Oidc(#[from] OidcError),
    /// A file of the webhook's.
    #[error(transparent)]
    Alerts(#[from] AlertsError),
    /// Who is told of which need.
    #[error(transparent)]
    Routes(#[from] RouteError),
    /// An organization whose records can be connected.
    #[error(transparent)]
    Connect(#[from] connect::SetUp),
}

/// The running program.
pub struct Program {
    app: App,
    pub(super) doors: SignInDoors,
    pub(super) staff: Option<StaffSide>,
    pub(super) letters: Option<Letters>,
    pub(super) connections: Option<Connections>,
    pub(super) fleet: FleetSide,
}

impl Program {
    /// The program behind its doors; nobody can sign in at a provider.
    pub fn new(app: App) -> Self {
        let fleet = FleetSide::new(app.store());
        Self { app, doors: SignInDoors::default(), staff: None, letters: None, connections: None, fleet }
    }

    /// With the providers that the configuration names, and the staff's side.
    ///
    /// # Errors
    /// When a file that these need cannot be used.
    pub fn with_sign_in(self) -> Result<Self, SetUpError> {
        let doors = SignInDoors::new(self.app.config().sign_in.as_ref())?;
        let staff = Some(StaffSide::new(&self.app)?);
        Ok(Self { doors, staff, ..self })
    }

    /// With letters by e-mail, where they are configured.
    ///
    /// # Errors
    /// When a file that these need cannot be used.
    pub fn with_mail(self) -> Result<Self, MailError> {
        let post = self.app.config().mail.as_ref().map(Post::new).transpose()?;
        Ok(Self { letters: post.map(Letters::new), ..self })
    }

    /// With the organizations that the configuration names.
    ///
    /// # Errors
    /// When a file that these need cannot be used.
    pub fn with_connect(self) -> Result<Self, SetUpError> {
        Ok(Self { connections: Connections::new(&self.app)?, ..self })
    }

    /// What runs.
    pub const fn app(&self) -> &App {
        &self.app
    }

    async fn outbox_counted(&self) -> Option<OnTheirWay> {
        let counts = self.app.store().outbox_counts().await.ok()?;
        let age = |oldest| self.app.ambient().now().duration_since(oldest).as_secs();
        Some(OnTheirWay {
            waiting: counts.waiting,
            sending: counts.sending,
            refused: counts.refused,
            oldest_seconds: counts.oldest.map_or(0, age),
        })
    }

    /// Whether changes reach their servers; nothing where there is no server.
    async fn outbox_part(&self) -> Option<Part> {
        if self.app.config().records.server.is_empty() {
            return None;
        }
        let OnTheirWay { waiting, sending, oldest_seconds, .. } = self.outbox_counted().await?;
        let late = (oldest_seconds > OUTBOX_LATE).then(|| {
            format!("{} changes wait for their record server; see: wellspoken outbox status", waiting + sending)
        });
        Some(Part { name: "outbox", problem: late, optional: true })
    }

    /// Whether the webhook takes alerts; nothing where there is none.
    async fn alerts_part(&self) -> Option<Part> {
        self.app.config().alerts.webhook.as_ref()?;
        let given_up = self.app.store().alerts_given_up(self.app.ambient().now()).await.ok()?;
        let problem = (given_up > 0).then(|| {
            format!("the webhook took no {given_up} alerts of the last seven days; see the reviews, and alerts.webhook")
        });
        Some(Part { name: "alerts", problem, optional: true })
    }

    /// Whether the MQTT broker is connected; nothing where there is none.
    fn mqtt_part(&self) -> Option<Part> {
        let gone = !self.app.mqtt()?.connected();
        let problem = gone.then(|| "the MQTT broker is not connected; see the log, and mqtt.broker".to_owned());
        Some(Part { name: "mqtt", problem, optional: true })
    }

    /// Closes the database.
    pub async fn close(self) {
        self.app.close().await;
    }
}

/// A token nobody can guess: 256 random bits.
pub fn fresh_token(app: &App) -> String {
    format!("wsp_{}", URL_SAFE_NO_PAD.encode(app.ambient().random::<32>()))
}

/// What failed goes to the log without the token or whose it is; outside it only says that it failed.
pub(super) fn unavailable(error: &StoreError) -> Unavailable {
    tracing::error!(%error, "a credential could not be checked");
    Unavailable
}

impl Backend for Program {
    fn turn(&self, request: TurnRequest) -> Soon<'_, TurnResult> {
        Box::pin(self.app.turn(request))
    }

    fn has_room(&self) -> bool {
        self.app.has_room()
    }

    fn ahead(&self, sound: Arc<[f32]>, expected: Expected) -> Soon<'_, Option<Early>> {
        Box::pin(self.app.ahead(sound, expected))
    }

    fn authenticate<'a>(&'a self, token: &'a str) -> Soon<'a, Result<Option<Holder>, Unavailable>> {
        Box::pin(async move {
            let (store, now) = (self.app.store(), self.app.ambient().now());
            let found = if token.starts_with(OPERATOR) {
                store.operator(token, now).await.map(|known| known.then_some(Holder::Operator))
            } else {
                store.authenticate(token, now).await.map(|caller| caller.map(Holder::Speaker))
            };
            found.map_err(|e| unavailable(&e))
        })
    }

    fn recognize<'a>(&'a self, token: &'a str) -> Soon<'a, Result<Option<Holder>, Unavailable>> {
        Box::pin(async move {
            if token.starts_with(OPERATOR) {
                return self.authenticate(token).await;
            }
            let found = self.app.store().recognize(token, self.app.ambient().now()).await;
            found.map(|caller| caller.map(Holder::Speaker)).map_err(|e| unavailable(&e))
        })
    }

    fn redeem<'a>(&'a self, link: &'a str) -> Soon<'a, Result<Option<Opened>, Unavailable>> {
        Box::pin(async move {
            let now = self.app.ambient().now();
            let store = self.app.store();
            let Some(grant) = store.redeem(link, now).await.map_err(|e| unavailable(&e))? else { return Ok(None) };
            let token = fresh_token(&self.app);
            let session = Grant { one_time: false, expires: lasts(now, grant.expires), ..grant };
            store.issue_page(&session, &token, page_idle(&self.app), now).await.map_err(|e| unavailable(&e))?;
            Ok(Some(Opened { token, surface: session.surface, expires: session.expires }))
        })
    }

    fn close<'a>(&'a self, token: &'a str) -> Soon<'a, Result<(), Unavailable>> {
        Box::pin(async move {
            let now = self.app.ambient().now();
            let store = self.app.store();
            if let Some(caller) = store.authenticate(token, now).await.map_err(|e| unavailable(&e))? {
                store.revoke(&caller.credential, now).await.map_err(|e| unavailable(&e))?;
            }
            Ok(())
        })
    }

    fn readiness(&self) -> Soon<'_, Vec<Part>> {
        Box::pin(async move {
            let ready = self.app.ready().await;
            let outbox = self.outbox_part().await;
            let part = |name, works: bool, problem: &str, optional| Part {
                name,
                problem: (!works).then(|| problem.to_owned()),
                optional,
            };
            let mut parts = vec![
                part("store", ready.store, "the database does not answer; see the log", false),
                part("hearing", ready.ears, "the hearing model is not loaded; run: wellspoken models get", true),
                part("voice", ready.voice, "the voice is not loaded; run: wellspoken models get", true),
                part(
                    "meaning",
                    ready.meaning,
                    "the sentence network is not loaded, understanding goes by words alone; run: wellspoken models get",
                    true,
                ),
            ];
            parts.extend(outbox);
            parts.extend(self.alerts_part().await);
            parts.extend(self.mqtt_part());
            parts
        })
    }

    fn unit<'a>(&'a self, skill: &'a str, unit: &'a str) -> Soon<'a, Result<Option<Caller>, Unavailable>> {
        Box::pin(async move {
            let now = self.app.ambient().now();
            self.app.store().unit(skill, unit, now).await.map_err(|e| unavailable(&e))
        })
    }

    fn could(&self, surface: &Surface, asked: &Intended) -> Could {
        self.app.core().could(surface, asked)
    }

    fn now(&self) -> Timestamp {
        self.app.ambient().now()
    }

    fn on_their_way(&self) -> Soon<'_, Option<OnTheirWay>> {
        Box::pin(self.outbox_counted())
    }

    fn waiting(&self) -> usize {
        self.app.ears().map_or(0, |ears| ears.load_now().waiting)
    }
}

/// How long a person's page may be idle.
pub(super) fn page_idle(app: &App) -> SignedDuration {
    SignedDuration::from_mins(i64::from(app.config().http.page_idle_minutes))
}

fn lasts(now: Timestamp, link: Timestamp) -> Timestamp {
    now.checked_add(PAGE_SESSION).map_or(link, |least| least.max(link))
}
