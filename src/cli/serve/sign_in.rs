//! Signing in at an OpenID provider, as the doors see it: who a subject stands for comes from the store, what is true of it
//! from the provider.

use jiff::SignedDuration;

use super::program::{Program, fresh_token, page_idle};
use crate::{
    channels::{Begun, CameBack, NotSignedIn, Side, SignIn, SignedIn, Soon},
    config::SignInConfig,
    oidc::{Answer, Claims, Client, Flow, OidcError},
    policy::Surface,
    store::{FlowWords, Grant, StoreError},
};

/// The providers that are relied on.
#[derive(Default)]
pub struct SignInDoors {
    public_url: String,
    people: Option<(Client, SignedDuration)>,
}

impl SignInDoors {
    pub fn new(config: Option<&SignInConfig>) -> Result<Self, OidcError> {
        let Some(config) = config else { return Ok(Self::default()) };
        let client = |provider: &crate::config::ProviderConfig| {
            let lasts = SignedDuration::from_hours(i64::from(provider.session_hours));
            Ok::<_, OidcError>((Client::new(provider)?, lasts))
        };
        Ok(Self { public_url: config.public_url.clone(), people: config.people.as_ref().map(client).transpose()? })
    }

    fn client(&self, side: Side) -> Option<&(Client, SignedDuration)> {
        match side {
            Side::People => self.people.as_ref(),
        }
    }

    /// Where the provider sends the browser back to.
    fn back(&self, side: Side) -> String {
        let path = match side {
            Side::People => "sign-in/back",
        };
        format!("{}/{path}", self.public_url)
    }

    /// The page it ends up at after signing out.
    fn page(&self, side: Side) -> String {
        let path = match side {
            Side::People => "",
        };
        format!("{}/{path}", self.public_url)
    }
}

const fn name(side: Side) -> &'static str {
    match side {
        Side::People => "people",
    }
}

const fn channel(side: Side) -> &'static str {
    match side {
        Side::People => "chat",
    }
}

impl SignIn for Program {
    fn offers(&self, side: Side) -> bool {
        self.doors.client(side).is_some()
    }

    fn begin(&self, side: Side) -> Soon<'_, Result<Begun, NotSignedIn>> {
        Box::pin(async move {
            let (client, _) = self.doors.client(side).ok_or(NotSignedIn::Refused)?;
            let (store, now) = (self.app().store(), self.app().ambient().now());
            let cookie = store.flow_cookie(name(side), self.app().ambient().random(), now);
            let words = store.flow_words(name(side), &cookie, now).ok_or(NotSignedIn::Stale)?;
            let go = client.begin(&flow(words), &self.doors.back(side)).await.map_err(|e| told(&e))?;
            Ok(Begun { go, cookie })
        })
    }

    fn finish(&self, side: Side, back: CameBack) -> Soon<'_, Result<SignedIn, NotSignedIn>> {
        Box::pin(async move {
            let ended = self.finished(side, back).await;
            if ended.as_ref().is_err_and(|e| *e == NotSignedIn::Refused) {
                let (store, now) = (self.app().store(), self.app().ambient().now());
                store.sign_in_refused(channel(side), now).await.map_err(|e| lost(&e))?;
            }
            ended
        })
    }

    fn sign_out(&self, side: Side) -> Soon<'_, Option<String>> {
        Box::pin(async move { self.doors.client(side)?.0.sign_out(&self.doors.page(side)).await })
    }
}

impl Program {
    async fn finished(&self, side: Side, back: CameBack) -> Result<SignedIn, NotSignedIn> {
        let (client, lasts) = self.doors.client(side).ok_or(NotSignedIn::Refused)?;
        let (store, now) = (self.app().store(), self.app().ambient().now());
        let (Some(cookie), Some(state)) = (back.cookie, back.state) else { return Err(NotSignedIn::Stale) };
        let words = store.flow_words(name(side), &cookie, now).filter(|w| w.state == state);
        let words = words.ok_or(NotSignedIn::Stale)?;
        // Spent before anything is asked: what comes back twice is refused even while the first is still looked at.
        if !store.spend_flow(&words, now).await.map_err(|e| lost(&e))? {
            return Err(NotSignedIn::Stale);
        }
        let answer = Answer { code: back.code, iss: back.iss, error: back.error };
        let claims = client.finish(&flow(words), &self.doors.back(side), &answer, now).await.map_err(|e| told(&e))?;
        let expires = now.checked_add(*lasts).map_err(|_| NotSignedIn::Unavailable)?;
        let token = match side {
            Side::People => self.person_signs_in(client.issuer(), &claims, expires).await?,
        };
        Ok(SignedIn { token, expires })
    }

    /// A page session for the person that a subject stands for.
    async fn person_signs_in(
        &self,
        issuer: &str,
        claims: &Claims,
        expires: jiff::Timestamp,
    ) -> Result<String, NotSignedIn> {
        let (store, now) = (self.app().store(), self.app().ambient().now());
        let bound = store.bound(issuer, &claims.subject).await.map_err(|e| lost(&e))?.ok_or(NotSignedIn::Refused)?;
        let person = bound.person.ok_or(NotSignedIn::Refused)?;
        let grant =
            Grant { surface: Surface::Chat, person: Some(person), label: bound.label, one_time: false, expires };
        let token = fresh_token(self.app());
        let issued =
            store.issue_signed_in(&bound.id, &grant, &token, page_idle(self.app()), now).await.map_err(|e| lost(&e))?;
        issued.then_some(token).ok_or(NotSignedIn::Refused)
    }
}

fn flow(words: FlowWords) -> Flow {
    Flow { state: words.state, nonce: words.nonce, verifier: words.verifier }
}

/// Why a sign-in failed goes to the log, which tells nothing of who it was; outside it only says that it failed.
fn told(error: &OidcError) -> NotSignedIn {
    tracing::warn!(%error, "a sign-in failed");
    if error.passing() { NotSignedIn::Unavailable } else { NotSignedIn::Refused }
}

fn lost(error: &StoreError) -> NotSignedIn {
    tracing::error!(%error, "a sign-in could not be kept");
    NotSignedIn::Unavailable
}
