//! `/v1/records/changed/{address}`: where a record server says that somebody's records changed (FHIR Subscriptions, rest-hook).
//!
//! Invariant: who shows no secret of that address is answered the same whether or not there is one, before a byte of the body
//! is read; nothing in the body is believed.

use std::sync::Arc;

use axum::{
    Router,
    body::Body,
    extract::{Request, State},
    http::{StatusCode, request::Parts},
    routing::post,
};
use utoipa::OpenApi;

use super::{Doors, Refusal, body, credentials, refusal::ErrorBody};
use crate::channels::{Noted, Notified};

/// Longest body, in bytes. What this program asks for has none.
const MAX_BODY: usize = 256 * 1024;
/// Where the routes begin.
const PATH: &str = "/v1/records/changed/";

/// What is there only where record servers are asked to say what changes.
#[derive(OpenApi)]
#[openapi(paths(changed), tags((name = "records", description = "For record servers")))]
pub struct NotifiedApi;

/// The routes. With a payload, R4 servers name the resource in the address.
pub fn routes() -> Router<Doors> {
    let changed = || post(changed).put(changed);
    Router::new()
        .route("/v1/records/changed/{address}", changed())
        .route("/v1/records/changed/{address}/{kind}/{id}", changed())
}

/// Hears that something changed.
#[utoipa::path(
    post,
    path = "/v1/records/changed/{address}",
    tag = "records",
    summary = "Say that somebody's records changed",
    description = "For the record server that was asked to, with the `Authorization` header it was given. The body may be empty, a resource, or a notification Bundle of Subscriptions R4 Backport; it is a hint only, and what changed is read from the server. Saying it twice changes nothing. `PUT`, and `/{type}/{id}` behind the address, mean the same.",
    params(("address" = String, Path, description = "As it stands in the Subscription")),
    responses(
        (status = 204, description = "It is looked into"),
        (status = 400, description = "No JSON object, or it broke off", body = ErrorBody),
        (status = 401, description = "Not the secret of this address", body = ErrorBody),
        (status = 403, description = "About another Subscription", body = ErrorBody),
        (status = 404, description = "Nothing is watched there any more", body = ErrorBody),
        (status = 413, description = "Too large", body = ErrorBody),
        (status = 503, description = "No store; say it again", body = ErrorBody),
    ),
    security(("bearer" = [])),
)]
pub async fn changed(State(doors): State<Doors>, request: Request) -> Result<StatusCode, Refusal> {
    let (parts, body) = request.into_parts();
    let (notified, address) = known(&doors, &parts)?;
    let bytes = sent(&doors, &parts, body).await?;
    match notified.hears(&address, &bytes).await? {
        Noted::Yes => Ok(StatusCode::NO_CONTENT),
        Noted::Gone => Err(Refusal::NotFound),
        Noted::NotOurs => Err(Refusal::NotMeant),
        Noted::Unreadable => Err(Refusal::WrongField { field: "body", expected: "empty, or a FHIR resource in JSON" }),
    }
}

/// Whose address it is, once the secret of it was shown.
fn known(doors: &Doors, parts: &Parts) -> Result<(Arc<dyn Notified>, String), Refusal> {
    let notified = doors.notified.clone().ok_or(Refusal::NotFound)?;
    if credentials::by_cookie(&parts.headers) {
        return Err(Refusal::Unauthenticated);
    }
    let address = parts.uri.path().strip_prefix(PATH).and_then(|rest| rest.split('/').next()).unwrap_or_default();
    let secret = credentials::presented(&parts.headers, false).ok_or(Refusal::Unauthenticated)?;
    if !notified.knows(address, secret) {
        return Err(Refusal::Unauthenticated);
    }
    if parts.uri.query().is_some() {
        return Err(Refusal::Query);
    }
    Ok((notified, address.to_owned()))
}

async fn sent(doors: &Doors, parts: &Parts, sent: Body) -> Result<Vec<u8>, Refusal> {
    match body::read(doors, &parts.headers, sent, MAX_BODY).await {
        Ok(held) => Ok(held.bytes),
        Err(Refusal::Empty) => Ok(Vec::new()),
        Err(refusal) => Err(refusal),
    }
}
