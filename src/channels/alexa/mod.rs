//! `POST /v1/alexa`: skills of the Alexa platform.
//!
//! Invariants: nothing is answered that Amazon did not sign for a skill that the configuration declares. Such a call is
//! a third party's: public answers only, nothing kept. It is first-party only where the skill is declared as the
//! organization's own Smart Properties skill, under an agreement, and the unit it comes from is registered to a room.
//! Accounts, devices, access tokens and addresses in a request are not even read.

use std::{collections::BTreeMap, sync::Arc};

use axum::{
    Json,
    extract::{Request, State},
    http::HeaderMap,
    response::{IntoResponse as _, Response},
};
use jiff::Timestamp;

use super::{
    Backend,
    http::{Doors, Refusal, body, refusal::ErrorBody, turns::finish},
};
use crate::{
    config::AlexaConfig,
    policy::{Caller, CredentialId, Proof, Surface, Trust},
    turn::{Input, Intended, TurnRequest, TurnResult},
};

mod address;
mod chain;
mod names;
mod reply;
mod request;
mod signature;

pub use address::BadAddress;
pub use chain::{NoChain, RootsError};
pub use signature::{NotSigned, Verifier};

use reply::Reply;
use request::{Asked, Kind};

/// Largest request, in bytes. Amazon's are some kilobytes, with a skill's own attributes in them more.
const LARGEST: usize = 256 * 1024;

/// Why a request is not let in. Says nothing of what stands in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
enum NotAdmitted {
    #[error("it is for a skill that the configuration does not declare")]
    Skill,
    #[error("it is older or newer than a request may be")]
    Time,
    #[error(transparent)]
    Signature(#[from] NotSigned),
}

/// What the door knows: how signatures are checked, and the declared skills.
pub struct Alexa {
    verifier: Verifier,
    /// By application id; true for the organization's own Smart Properties skill.
    skills: BTreeMap<String, bool>,
}

impl Alexa {
    /// As configured. Nothing is fetched yet.
    ///
    /// # Errors
    /// When a file of authorities cannot be used.
    pub fn new(config: &AlexaConfig) -> Result<Self, RootsError> {
        let skills = config.skills.iter().map(|s| (s.id.clone(), s.smart_properties.is_some())).collect();
        Ok(Self { verifier: Verifier::new(config)?, skills })
    }

    /// Lets a request in. What costs nothing is looked at first, so that a stranger does not make this server fetch.
    async fn admit(&self, headers: &HeaderMap, bytes: &[u8], asked: &Asked, now: Timestamp) -> Result<(), NotAdmitted> {
        if !asked.skill.as_ref().is_some_and(|skill| self.skills.contains_key(skill)) {
            return Err(NotAdmitted::Skill);
        }
        if !asked.fresh(now) {
            return Err(NotAdmitted::Time);
        }
        Ok(self.verifier.verify(headers, bytes, now).await?)
    }

    /// Who calls: a registered unit of the organization's own skill, else somebody on a platform of somebody else's.
    async fn caller(&self, backend: &dyn Backend, asked: &Asked) -> Result<Caller, Refusal> {
        if let Some(skill) = asked.skill.as_deref().filter(|skill| self.skills.get(*skill) == Some(&true)) {
            for unit in &asked.units {
                match backend.unit(skill, unit).await {
                    Ok(Some(caller)) if caller.surface.room().is_some() => return Ok(caller),
                    Ok(_) => {}
                    // An emergency is answered all the same; nothing else will be.
                    Err(_) => break,
                }
            }
        }
        let credential = CredentialId::parse("alexa").map_err(|_| Refusal::Broken)?;
        Ok(Caller {
            surface: Surface::ThirdParty,
            credential,
            person: None,
            stay: None,
            proof: Proof::None,
            house: None,
        })
    }
}

/// Takes one request of a skill.
#[utoipa::path(
    post,
    path = "/v1/alexa",
    tag = "alexa",
    summary = "Answer a request of an Alexa skill",
    description = "Speaks the JSON of the Alexa Skills Kit, version 1.0. The request must be signed by Amazon, not older than \
        150 seconds (an hour for skill events) and for a skill that the configuration declares. The address is there only \
        where the configuration has a section `alexa`.",
    params(
        ("SignatureCertChainUrl" = String, Header, description = "Where Amazon's signing certificate is."),
    ),
    request_body(content = Object, content_type = "application/json", description = "A request envelope of the Alexa Skills Kit"),
    responses(
        (status = 200, description = "A response envelope of the Alexa Skills Kit", body = Object),
        (status = 400, description = "Not signed by Amazon for a declared skill, or no such request", body = ErrorBody),
        (status = 408, description = "The body came too slowly", body = ErrorBody),
        (status = 413, description = "The body is too large", body = ErrorBody),
        (status = 421, description = "Addressed to another host", body = ErrorBody),
        (status = 503, description = "The certificate cannot be fetched at the moment, or stopping", body = ErrorBody),
    ),
    security(("alexa" = [])),
)]
pub async fn take(State(doors): State<Doors>, request: Request) -> Result<Response, Refusal> {
    let Some(alexa) = doors.alexa.clone() else { return Err(Refusal::NotFound) };
    let (parts, body) = request.into_parts();
    if parts.uri.query().is_some() {
        return Err(Refusal::Query);
    }
    let held = body::read(&doors, &parts.headers, body, LARGEST).await?;
    let asked = Asked::read(&held.bytes)?;
    alexa.admit(&parts.headers, &held.bytes, &asked, doors.backend.now()).await.map_err(refused)?;
    drop(held);
    Ok(Json(answer(&doors, &alexa, asked).await?).into_response())
}

/// The reason goes to the log, for whoever sets a skill up; outside all reasons look alike.
fn refused(why: NotAdmitted) -> Refusal {
    tracing::warn!(%why, "a request of a skill was refused");
    match why {
        NotAdmitted::Signature(NotSigned::Chain(NoChain::Unreachable)) => Refusal::Unavailable,
        NotAdmitted::Skill | NotAdmitted::Time | NotAdmitted::Signature(_) => Refusal::NotSigned,
    }
}

async fn answer(doors: &Doors, alexa: &Arc<Alexa>, asked: Asked) -> Result<Reply, Refusal> {
    let said = match &asked.kind {
        Kind::Launch => Intended::named("dialogue.greet"),
        Kind::Intent { intended, .. } => intended.clone(),
        Kind::CanFulfill(intended) => {
            let caller = alexa.caller(&*doors.backend, &asked).await?;
            return Ok(Reply::could(&doors.backend.could(&caller.surface, intended)));
        }
        Kind::Ended { fault } => {
            if let Some(fault) = fault {
                tracing::warn!(fault, "a skill's session ended by a fault");
            }
            return Ok(Reply::nothing());
        }
        Kind::Silent => return Ok(Reply::nothing()),
    };
    let caller = alexa.caller(&*doors.backend, &asked).await?;
    let (surface, first_party) = (caller.surface.name(), caller.surface.trust() == Trust::FirstParty);
    // Nothing of a third party's conversation is kept, so it needs no name.
    let (session, turn) = if first_party { names::of(&asked) } else { (None, None) };
    let request = TurnRequest { caller, session, turn, input: Input::Intent(said), speak: false };
    let result: TurnResult = finish(doors, request).await?;
    doors.metrics.turn(surface, &result);
    tracing::info!(channel = surface, state = result.state.name(), ms = result.timings_ms.total, "turn");
    Ok(Reply::to(&asked.kind, &result))
}
