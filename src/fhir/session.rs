//! What can be asked of a server, and how often it is asked again.

use std::{
    collections::BTreeSet,
    time::{Duration, Instant},
};

use futures_util::future;
use serde_json::{Value, value::RawValue};
use zeroize::Zeroizing;

use super::{
    Ask, FhirError, LEFT_ALONE, Server, Version, Write, Written,
    bundle::{self, Page},
    capability,
    headers::{self, Link},
    wire::{Call, FHIR, FORM, Reply},
};

/// Times that something is tried.
const TRIES: usize = 3;
/// How long is waited before each further try, where the server does not say.
const PAUSES: [Duration; TRIES] = [Duration::from_millis(50), Duration::from_millis(200), Duration::from_millis(800)];
/// Pages of one search that are read.
const MOST_PAGES: usize = 50;
/// With less than this left nothing is begun: it could not end in time, and would tell nothing of the server's health.
const LEAST: Duration = Duration::from_millis(50);
/// Resources of one search that are taken.
const MOST_FOUND: usize = 20_000;

/// A server, and how to show it who asks.
#[derive(Clone)]
pub struct Session {
    server: Server,
    /// The caller's own; otherwise this program's.
    token: Option<Zeroizing<String>>,
    /// When whoever asks wants no answer any more, however many requests that takes.
    until: Option<Instant>,
}

/// A resource as the server has it. Unknown fields and extensions are in `value`: whoever writes it back changes that one.
#[derive(Clone)]
pub struct Resource {
    /// The resource.
    pub value: Value,
    /// Its version.
    pub version: Option<Version>,
    /// It was made just now, and was not there before.
    pub created: bool,
}

/// When something may be sent again.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Again {
    /// Doing it twice is doing it once.
    Always,
    /// Only where it was not done for certain.
    Unsent,
}

impl Session {
    pub(super) const fn new(server: Server, token: Option<Zeroizing<String>>) -> Self {
        Self { server, token, until: None }
    }

    /// The same, until then: all its requests together, those for tokens, tries again and pauses included.
    #[must_use]
    pub fn until(self, until: Option<Instant>) -> Self {
        Self { until, ..self }
    }

    /// The server it is with.
    #[must_use]
    pub const fn server(&self) -> &Server {
        &self.server
    }

    /// One resource. Its id stands in the address, so a patient is read by [`Session::batch`] instead.
    ///
    /// # Errors
    /// When there is none, it was deleted, it may not be read, or the server does not answer; so for all functions here.
    pub async fn read(&self, kind: &str, id: &str) -> Result<Resource, FhirError> {
        if !headers::is_kind(kind) || !headers::is_id(id) {
            return Err(FhirError::NotFound);
        }
        let call = Call::get(format!("{}/{kind}/{id}", self.server.base()));
        let reply = self.exchange(call, Again::Always).await?;
        resource(&reply, Some(kind))
    }

    /// The kinds of resources that the server says it has; `None` where it does not tell.
    ///
    /// # Errors
    /// As [`Session::read`].
    pub async fn kinds(&self) -> Result<Option<BTreeSet<String>>, FhirError> {
        let reply = self.exchange(Call::get(format!("{}/metadata", self.server.base())), Again::Always).await?;
        Ok(capability::kinds(&reply.body))
    }

    /// All that fit, whatever number of pages the server gives them in.
    ///
    /// # Errors
    /// As [`Session::read`], and when there is no end of pages, or they go on at another server.
    pub async fn search(
        &self,
        kind: &'static str,
        by: Vec<(&'static str, String)>,
    ) -> Result<Vec<Box<RawValue>>, FhirError> {
        self.ask(&Ask::Search { kind, by }).await
    }

    /// Several questions in one request (or, where the server takes no batch, each in one of its own, all at once). The
    /// answers are in their order; one that fails leaves the others.
    ///
    /// # Errors
    /// As [`Session::read`], when the request as a whole fails.
    pub async fn batch(&self, asks: &[Ask]) -> Result<Vec<Result<Vec<Box<RawValue>>, FhirError>>, FhirError> {
        if !self.server.config().batch {
            return Ok(future::join_all(asks.iter().map(|ask| self.ask(ask))).await);
        }
        let sound: Vec<&Ask> = asks.iter().filter(|ask| ask.sound()).collect();
        let mut answers = Vec::new().into_iter();
        if !sound.is_empty() {
            let body = bundle::batch_of(sound.iter().copied());
            let reply = self.exchange(Call::post(self.server.base().to_owned(), FHIR, body), Again::Always).await?;
            answers = bundle::batch_answers(self.server.base(), &reply.body, &sound)?.into_iter();
        }
        let mut all = Vec::with_capacity(asks.len());
        for ask in asks {
            let answer = if ask.sound() { answers.next() } else { None };
            all.push(match answer {
                Some(Ok(page)) => self.rest(page).await,
                Some(Err(error)) => Err(error),
                None => Err(FhirError::NotFound),
            });
        }
        Ok(all)
    }

    /// Makes a resource, unless one fits `if_none_exist` (`identifier=system|value`) already: then that one is given. So it
    /// is made once, however often it is sent.
    ///
    /// # Errors
    /// As [`Session::read`]; when several fit, [`FhirError::Stale`]; when the server does not take it.
    pub async fn create(&self, resource_: &Value, if_none_exist: &str) -> Result<Resource, FhirError> {
        let kind = bundle::kind_of(resource_)?;
        let call = Call::post(format!("{}/{kind}", self.server.base()), FHIR, resource_.to_string().into_bytes())
            .with("If-None-Exist", if_none_exist)
            .with("Prefer", "return=representation");
        let reply = self.exchange(call, Again::Always).await?;
        self.whole(reply, resource_).await
    }

    /// Writes a resource back, if it is that version still.
    ///
    /// # Errors
    /// As [`Session::read`]; when it is another version by now, [`FhirError::Stale`].
    pub async fn update(&self, resource_: &Value, version: &Version) -> Result<Resource, FhirError> {
        let at = format!("{}/{}", self.server.base(), bundle::reference_of(resource_)?);
        let call = Call::put(at, resource_.to_string().into_bytes())
            .with("If-Match", &version.etag())
            .with("Prefer", "return=representation");
        let reply = self.exchange(call, Again::Unsent).await?;
        self.whole(reply, resource_).await
    }

    /// Deletes a resource. One that is not there is no error.
    ///
    /// # Errors
    /// As [`Session::read`].
    pub async fn delete(&self, kind: &str, id: &str) -> Result<(), FhirError> {
        if !headers::is_kind(kind) || !headers::is_id(id) {
            return Err(FhirError::NotFound);
        }
        let call = Call::delete(format!("{}/{kind}/{id}", self.server.base()));
        match self.exchange(call, Again::Always).await {
            Ok(_) | Err(FhirError::NotFound | FhirError::Gone) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Several changes, all or none.
    ///
    /// # Errors
    /// As [`Session::update`]. Nothing was changed, unless [`FhirError::done`] says that this is unknown.
    pub async fn transaction(&self, writes: &[Write]) -> Result<Vec<Written>, FhirError> {
        let body = bundle::transaction_of(writes)?;
        let call = Call::post(self.server.base().to_owned(), FHIR, body).with("Prefer", "return=representation");
        let reply = self.exchange(call, Again::Unsent).await?;
        bundle::written(&reply.body, writes.len())
    }

    /// A resource that was written: as the answer has it, or, where the server tells only where it is, as it was sent.
    async fn whole(&self, reply: Reply, sent: &Value) -> Result<Resource, FhirError> {
        let created = reply.status == 201;
        if !reply.body.is_empty() {
            return resource(&reply, None).map(|found| Resource { created, ..found });
        }
        let reference = reply.location.as_deref().and_then(bundle::located);
        let reference = reference.or_else(|| bundle::reference_of(sent).ok());
        let (kind, id) = reference
            .as_deref()
            .and_then(|r| r.split_once('/'))
            .ok_or(FhirError::Wrong("does not tell what was written"))?;
        self.read(kind, id).await.map(|found| Resource { created, ..found })
    }

    async fn ask(&self, ask: &Ask) -> Result<Vec<Box<RawValue>>, FhirError> {
        if !ask.sound() {
            return Err(FhirError::NotFound);
        }
        let (kind, form) = match ask {
            Ask::Search { kind, by } => (kind, bundle::form_of(by)),
            // By a search, so that the id stands in the body.
            Ask::Read { kind, id } => (kind, headers::form(&[("_id", id)])),
        };
        let first = self.page(&Link::Search { kind: (*kind).to_owned(), form }).await?;
        let found = self.rest(first).await?;
        match ask {
            Ask::Read { .. } if found.is_empty() => Err(FhirError::NotFound),
            _ => Ok(found),
        }
    }

    /// A page and all that come after it.
    async fn rest(&self, first: Page) -> Result<Vec<Box<RawValue>>, FhirError> {
        let Page { mut found, mut next, total } = first;
        let mut seen = BTreeSet::new();
        while let Some(link) = next.take() {
            if seen.len() >= MOST_PAGES || found.len() > MOST_FOUND || !seen.insert(format!("{link:?}")) {
                return Err(FhirError::Wrong("has no end"));
            }
            let page = self.page(&link).await?;
            found.extend(page.found);
            next = page.next;
        }
        // A server may end early without a link to go on by.
        if total.is_some_and(|total| (found.len() as u64) < total) {
            return Err(FhirError::Wrong("is not whole"));
        }
        Ok(found)
    }

    async fn page(&self, link: &Link) -> Result<Page, FhirError> {
        let base = self.server.base();
        let call = match link {
            Link::Search { kind, form } => {
                Call::post(format!("{base}/{kind}/_search"), FORM, form.clone().into_bytes())
            }
            Link::Page(at) => Call::get(at.clone()),
        };
        let reply = self.exchange(call, Again::Always).await?;
        bundle::page(base, &reply.body)
    }

    /// Sends a request until it is answered, it may not be sent again, or its time is up.
    async fn exchange(&self, call: Call, again: Again) -> Result<Reply, FhirError> {
        let begun = Instant::now();
        let until = self.until.map_or(begun + self.server.timeout(), |until| until.min(begun + self.server.timeout()));
        if until.saturating_duration_since(begun) < LEAST {
            return Err(FhirError::Unreachable("no time is left to ask it"));
        }
        let (mut renewed, mut tries) = (false, 0);
        loop {
            let token = match &self.token {
                Some(token) => Some(token.clone()),
                None => self.server.own_token(until).await?,
            };
            let error = match self.server.send(call.clone(), token.clone(), until).await {
                Ok(reply) => match judged(&self.server, reply) {
                    Ok(reply) => return Ok(reply),
                    Err(error) => error,
                },
                Err(error) => error,
            };
            if error == FhirError::Unauthorized
                && self.token.is_none()
                && !renewed
                && let Some(token) = token
            {
                renewed = true;
                self.server.drop_token(&token, until).await;
                continue;
            }
            let pause = error.pause().unwrap_or(PAUSES[tries]);
            tries += 1;
            let in_time = Instant::now() + pause < until;
            if !in_time || tries >= TRIES || !repeatable(&error, again) {
                return Err(error);
            }
            tokio::time::sleep(pause).await;
        }
    }
}

fn repeatable(error: &FhirError, again: Again) -> bool {
    match error {
        FhirError::Unreachable(why) => *why != LEFT_ALONE,
        FhirError::Busy { .. } => true,
        error => again == Again::Always && error.passing(),
    }
}

/// A yes that says it is JSON, or nothing; otherwise what is wrong.
fn judged(server: &Server, reply: Reply) -> Result<Reply, FhirError> {
    match reply.status {
        200..=299 if reply.json || reply.body.is_empty() => Ok(reply),
        200..=299 => Err(FhirError::Wrong("is not FHIR JSON")),
        status => {
            let pause = reply.retry_after.as_deref().and_then(|text| headers::retry_after(text, server.clock()));
            Err(FhirError::of(status, &reply.body, pause))
        }
    }
}

fn resource(reply: &Reply, kind: Option<&str>) -> Result<Resource, FhirError> {
    let value: Value = serde_json::from_slice(&reply.body).map_err(|_| FhirError::Wrong("is not FHIR JSON"))?;
    let typed = bundle::kind_of(&value).map_err(|_| FhirError::Wrong("is no resource"))?;
    if kind.is_some_and(|kind| kind != typed) {
        return Err(FhirError::Wrong("is of another type than was asked for"));
    }
    let version = reply.etag.as_deref().and_then(Version::of_etag).or_else(|| bundle::version_of(&value));
    Ok(Resource { value, version, created: false })
}
