//! Signing in at an OpenID provider, as the doors see it: who a subject stands for comes from the store, what is true of it
//! from the provider.

use jiff::SignedDuration;

use super::program::{Program, fresh_token, page_idle};
use crate::{
    channels::{Begun, CameBack, NotSignedIn, Side, SignIn, SignedIn, Soon},
    config::{SignInConfig, StaffConfig},
    oidc::{Answer, Claims, Client, Flow, OidcError},
    policy::{RoomId, STAFF, Surface, staff::Role},
    store::{FlowWords, Grant, NewStaffSession, StoreError},
};

/// The providers that are relied on.
#[derive(Default)]
pub struct SignInDoors {
    public_url: String,
    people: Option<(Client, SignedDuration)>,
    staff: Option<(Client, SignedDuration)>,
    /// What the claims of staff mean here.
    meaning: Option<StaffConfig>,
}

impl SignInDoors {
    pub fn new(config: Option<&SignInConfig>) -> Result<Self, OidcError> {
        let Some(config) = config else { return Ok(Self::default()) };
        let client = |provider: &crate::config::ProviderConfig| {
            let lasts = SignedDuration::from_hours(i64::from(provider.session_hours));
            Ok::<_, OidcError>((Client::new(provider)?, lasts))
        };
        Ok(Self {
            public_url: config.public_url.clone(),
            people: config.people.as_ref().map(client).transpose()?,
            staff: config.staff.as_ref().map(|staff| client(&staff.provider)).transpose()?,
            meaning: config.staff.clone(),
        })
    }

    fn client(&self, side: Side) -> Option<&(Client, SignedDuration)> {
        match side {
            Side::People => self.people.as_ref(),
            Side::Staff => self.staff.as_ref(),
        }
    }

    /// Where the provider sends the browser back to.
    fn back(&self, side: Side) -> String {
        let path = match side {
            Side::People => "sign-in/back",
            Side::Staff => "console/back",
        };
        format!("{}/{path}", self.public_url)
    }

    /// The page it ends up at after signing out.
    fn page(&self, side: Side) -> String {
        let path = match side {
            Side::People => "",
            Side::Staff => "console",
        };
        format!("{}/{path}", self.public_url)
    }
}

const fn name(side: Side) -> &'static str {
    match side {
        Side::People => "people",
        Side::Staff => "staff",
    }
}

const fn channel(side: Side) -> &'static str {
    match side {
        Side::People => "chat",
        Side::Staff => STAFF,
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
            Side::Staff => self.staff_signs_in(client.issuer(), &claims, expires).await?,
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

    /// A session for a member of staff, with the roles and rooms that their claims give them here. No role, no session.
    async fn staff_signs_in(
        &self,
        issuer: &str,
        claims: &Claims,
        expires: jiff::Timestamp,
    ) -> Result<String, NotSignedIn> {
        let meaning = self.doors.meaning.as_ref().ok_or(NotSignedIn::Refused)?;
        let (roles, mut rooms) = (roles(meaning, claims), rooms(meaning, claims));
        // A unit's rooms are those that the configuration names, and those that lie in the fleet's unit of that name.
        let tree = self.app().store().tree().await.map_err(|e| lost(&e))?;
        rooms.extend(claims.texts(&meaning.unit_claim).into_iter().flat_map(|unit| tree.rooms_of_unit(unit)));
        rooms.sort();
        rooms.dedup();
        if roles.is_empty() {
            tracing::warn!("a member of staff signed in whose claims give no role here");
            return Err(NotSignedIn::Refused);
        }
        let name = claims.texts(&meaning.name_claim).first().copied().unwrap_or(&claims.subject);
        let token = format!("wss_{}", fresh_token(self.app()).trim_start_matches("wsp_"));
        let (subject, now) = (claims.subject.as_str(), self.app().ambient().now());
        let new = NewStaffSession { issuer, subject, name, roles: &roles, rooms: &rooms, expires };
        self.app().store().open_staff_session(&new, &token, now).await.map_err(|e| lost(&e))?;
        Ok(token)
    }
}

/// The roles whose values stand in the claim. Values are compared letter for letter.
fn roles(meaning: &StaffConfig, claims: &Claims) -> Vec<Role> {
    let values = claims.texts(&meaning.role_claim);
    let given = |wanted: &[String]| wanted.iter().any(|w| values.contains(&w.as_str()));
    meaning.roles.iter().filter(|(_, wanted)| given(wanted)).filter_map(|(role, _)| Role::named(role)).collect()
}

/// The rooms of the units that stand in the claim.
fn rooms(meaning: &StaffConfig, claims: &Claims) -> Vec<RoomId> {
    let units = claims.texts(&meaning.unit_claim);
    let mut rooms: Vec<RoomId> = units
        .into_iter()
        .filter_map(|unit| meaning.units.get(unit))
        .flatten()
        .filter_map(|room| RoomId::parse(room).ok())
        .collect();
    rooms.sort();
    rooms.dedup();
    rooms
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
