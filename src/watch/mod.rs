//! Record servers that say when somebody's records change (FHIR Subscriptions, rest-hook): asking them to, hearing them, and
//! looking what it was.
//!
//! Invariants: whoever says it shows a secret of that one Subscription's; a notification only makes this program look, with its
//! own right to, and nothing in it is believed; what was seen, the news that came of it, and that it was looked at are one commit,
//! so a notification that comes twice, late or out of order makes no news twice. Nobody's records are looked at for news who
//! has not agreed to be answered with them.

mod notification;
mod subscription;

use std::sync::Arc;

use jiff::Timestamp;
use subtle::ConstantTimeEq as _;

pub use notification::{Heard, heard};
pub use subscription::{LASTS, Wish};

use crate::{
    fhir::{FhirError, Server, Version},
    policy::PersonId,
    records::{Chart, Servers, changed::Watched},
    store::{Source, Store, StoreError, Watch},
};

/// Where a server says that something changed, on this program's own address.
pub const PATH: &str = "/v1/records/changed/";

/// Why a server was not asked, or could not be.
#[derive(Debug, thiserror::Error)]
pub enum WatchError {
    /// The configuration names no such server, or no `notify` for it.
    #[error(
        "records.server {0}: it is not configured, or has no `notify`: this program's address as the server reaches it"
    )]
    NotAsked(String),
    /// The server did not take it.
    #[error(transparent)]
    Server(#[from] FhirError),
    /// The server took the Subscription and says that it is in error.
    #[error("the record server took the Subscription and will not act on it (status `error`); its own log says why")]
    Refused,
    /// The database or a key.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Asks servers, hears them, and looks.
#[derive(Clone)]
pub struct Watcher {
    store: Store,
    servers: Arc<Servers>,
}

/// What became of a round.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Round {
    /// Subscriptions made or renewed.
    pub asked: usize,
    /// Those that could not be.
    pub failed: usize,
}

impl Watcher {
    /// Between this store and these servers.
    #[must_use]
    pub const fn new(store: Store, servers: Arc<Servers>) -> Self {
        Self { store, servers }
    }

    /// Whether any server is to be asked.
    #[must_use]
    pub fn asks(&self) -> bool {
        self.servers.all().iter().any(|server| server.config().notify.is_some())
    }

    /// Whether this secret is that of the address: compared in a time that tells nothing of it, whether or not there is such an
    /// address.
    #[must_use]
    pub fn knows(&self, id: &str, secret: &str) -> bool {
        self.store.watch_secret(id).as_bytes().ct_eq(secret.as_bytes()).into()
    }

    /// Hears a server. `None` where nothing is watched under that address any more.
    ///
    /// # Errors
    /// When the database or a key fails; the server has to say it again then.
    pub async fn hears(&self, id: &str, body: &[u8], now: Timestamp) -> Result<Option<Heard>, StoreError> {
        let Some(watch) = self.store.watch(id).await? else { return Ok(None) };
        let Some(server) = self.servers.named(&watch.server) else { return Ok(None) };
        let heard = heard(body, server.base(), watch.subscription.as_deref());
        if heard == Heard::Changed && !self.store.watch_told(&watch, now).await? {
            return Ok(None);
        }
        Ok(Some(heard))
    }

    /// Looks at everything that is due: what a server said something about, and now and then the rest. How much was looked
    /// at.
    ///
    /// # Errors
    /// When the database or a key fails.
    pub async fn look(&self, now: Timestamp) -> Result<usize, StoreError> {
        let due = self.store.due_watches(now).await?;
        for watch in &due {
            match self.looked(watch, now).await {
                Ok(0) => {}
                Ok(news) => tracing::info!(news, "something changed at a record server; the person is told"),
                Err(WatchError::Store(error)) => return Err(error),
                Err(error) => {
                    tracing::warn!(server = watch.server, %error, "what changed could not be read; it is tried again");
                }
            }
        }
        Ok(due.len())
    }

    async fn looked(&self, watch: &Watch, now: Timestamp) -> Result<usize, WatchError> {
        let Some((server, source)) = self.place(watch).await? else {
            self.store.drop_watch(&watch.id).await?;
            return Ok(0);
        };
        let agreed = self.store.standing(&watch.person).await?;
        if !agreed.is_some_and(|(agreed, _)| agreed.uses.answer().contains(&watch.what.scope())) {
            return Ok(self.store.watch_looked(watch, None, vec![], now).await?);
        }
        let parts = watch.what.parts();
        let chart: Chart = self.servers.fetch(server, &watch.patient, parts, None).await?;
        // That there are none of them any more would be no news of each.
        if !chart.lacking.is_empty() {
            return Err(FhirError::NotFound.into());
        }
        self.store.keep_copy(&watch.person, source, &chart, parts, now).await?;
        let news = watch.seen.as_ref().map(|before| watch.what.news(before, &chart, now)).unwrap_or_default();
        Ok(self.store.watch_looked(watch, Some(watch.what.seen(&chart)), news, now).await?)
    }

    /// Where a row's records are; `None` where they are there no more.
    async fn place(&self, watch: &Watch) -> Result<Option<(&Server, Source)>, StoreError> {
        let source = self.store.source(&watch.person).await?;
        let source = source.filter(|source| source.server == watch.server && source.patient == watch.patient);
        Ok(self.servers.named(&watch.server).zip(source))
    }

    /// Asks for everybody whose records are at a server that is to be asked: what is missing is made, and what ends soon is
    /// renewed.
    ///
    /// # Errors
    /// When the database or a key fails.
    pub async fn tend(&self, now: Timestamp) -> Result<Round, StoreError> {
        let mut round = Round::default();
        for sourced in self.store.sources().await? {
            let asked = self.servers.named(&sourced.server).is_some_and(|server| server.config().notify.is_some());
            let Some(person) = PersonId::parse(&sourced.person).ok().filter(|_| asked) else { continue };
            match self.subscribe(&person, now).await {
                Ok(asked) => round.asked += asked,
                Err(WatchError::Store(error)) => return Err(error),
                Err(error) => {
                    round.failed += 1;
                    tracing::warn!(server = sourced.server, %error, "a record server was not asked to say what changes");
                }
            }
        }
        Ok(round)
    }

    /// Asks a person's server to say what changes, where it was not asked yet or that ends soon. How much was asked.
    ///
    /// # Errors
    /// When the server is not to be asked, or does not take it, or the database or a key fails.
    pub async fn subscribe(&self, person: &PersonId, now: Timestamp) -> Result<usize, WatchError> {
        let source = self.store.source(person).await?.ok_or_else(|| WatchError::NotAsked("(none)".to_owned()))?;
        let unknown = || WatchError::NotAsked(source.server.clone());
        let server = self.servers.named(&source.server).ok_or_else(unknown)?;
        let notify = server.config().notify.as_deref().ok_or_else(unknown)?;
        let mut known = self.store.watches(person).await?;
        known.retain(|watch| watch.server == source.server && watch.patient == source.patient);
        let mut asked = 0;
        for what in Watched::ALL {
            let mut watch = match known.iter().position(|watch| watch.what == what) {
                Some(n) => known.swap_remove(n),
                None => self.store.new_watch(person, (&source.server, &source.patient), what, now).await?,
            };
            let lasts = |ends: Timestamp| ends.duration_since(now) > subscription::RENEWED;
            if watch.subscription.is_some() && watch.ends.is_some_and(lasts) {
                continue;
            }
            self.ask(server, notify, &mut watch, now).await?;
            asked += 1;
        }
        Ok(asked)
    }

    async fn ask(&self, server: &Server, notify: &str, watch: &mut Watch, now: Timestamp) -> Result<(), WatchError> {
        let endpoint = format!("{notify}{PATH}{}", watch.id);
        let secret = self.store.watch_secret(&watch.id);
        let ends = now.checked_add(LASTS).unwrap_or(Timestamp::MAX);
        let topic = server.config().topics.get(watch.what.name()).map(String::as_str);
        let wish =
            Wish { what: watch.what, patient: &watch.patient, topic, endpoint: &endpoint, secret: &secret, ends };
        let session = server.backend();
        let mut resource = wish.resource();
        // Its address is nobody else's, so it is made once, however often it is asked for.
        let mut there = session.create(&resource, &format!("url={endpoint}")).await?;
        if !there.created {
            let id = there.value["id"].clone();
            let version =
                there.version.clone().or_else(|| there.value["meta"]["versionId"].as_str().and_then(Version::parse));
            let version = version.ok_or(FhirError::Wrong("tells no version of a Subscription"))?;
            resource["id"] = id;
            there = session.update(&resource, &version).await?;
        }
        let id = there.value["id"].as_str().ok_or(FhirError::Wrong("tells no id of a Subscription"))?;
        self.store.watch_made(watch, id, ends).await?;
        if there.value["status"] == "error" { Err(WatchError::Refused) } else { Ok(()) }
    }

    /// Tells a person's server that it need not say anything any more. How much it was asked before.
    ///
    /// # Errors
    /// When the server cannot be told; its Subscriptions end by themselves, and what it says meanwhile leads nowhere.
    pub async fn unsubscribe(&self, person: &PersonId) -> Result<usize, WatchError> {
        let known = self.store.watches(person).await?;
        let mut failed = None;
        for watch in &known {
            // Nothing is heard from it from now on, whether or not it can be told.
            self.store.drop_watch(&watch.id).await?;
            let (Some(server), Some(id)) = (self.servers.named(&watch.server), &watch.subscription) else { continue };
            if let Err(error) = server.backend().delete("Subscription", id).await {
                failed = Some(error);
            }
        }
        failed.map_or(Ok(known.len()), |error| Err(error.into()))
    }
}
