//! `/v1/access`: signing up by whoever has no credential yet.
//!
//! Invariant: the answer is the same for every address, known or not; no address stands in a log, an error or a URL.

use std::sync::Arc;

use axum::{
    Json, Router,
    extract::{Request, State},
    http::StatusCode,
    routing::post,
};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use utoipa::{OpenApi, ToSchema};

use super::{Doors, Refusal, body, refusal::ErrorBody};
use crate::channels::{Access, Confirmed, Joined};

/// Longest body, in bytes.
const MAX_BODY: usize = 1024;

/// What is there only where letters can be sent.
#[derive(OpenApi)]
#[openapi(paths(join, confirm), tags((name = "access", description = "Signing up")))]
pub struct AccessApi;

/// The routes.
pub fn routes() -> Router<Doors> {
    Router::new().route("/v1/access", post(join)).route("/v1/access/confirm", post(confirm))
}

/// Who wants to come in.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct JoinBody {
    /// Their e-mail address.
    email: String,
}

/// That an address is theirs.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ConfirmBody {
    /// The address.
    email: String,
    /// The code that was sent there.
    code: String,
}

/// Where they stand.
#[derive(Serialize, ToSchema)]
pub struct PlaceBody {
    /// Their place in the list, from 1.
    place: i64,
}

/// Signs up.
#[utoipa::path(
    post,
    path = "/v1/access",
    tag = "access",
    summary = "Want to come in: a code is sent to the address",
    description = "The answer is the same whether or not the address is known. One code in ten minutes.",
    request_body = JoinBody,
    responses(
        (status = 202, description = "Noted"),
        (status = 400, description = "No e-mail address, or a query string", body = ErrorBody),
        (status = 404, description = "Nobody can sign up here", body = ErrorBody),
        (status = 429, description = "Too many at the moment", body = ErrorBody),
        (status = 503, description = "No store", body = ErrorBody),
    ),
    security(()),
)]
pub async fn join(State(doors): State<Doors>, request: Request) -> Result<StatusCode, Refusal> {
    let (access, told) = asked::<JoinBody>(&doors, request, "email", "an e-mail address").await?;
    match access.join(&told.email).await? {
        Joined::Noted => Ok(StatusCode::ACCEPTED),
        Joined::NoAddress => Err(Refusal::WrongField { field: "email", expected: "an e-mail address" }),
        Joined::TooMany => Err(Refusal::TooMany),
    }
}

/// Shows that an address is theirs.
#[utoipa::path(
    post,
    path = "/v1/access/confirm",
    tag = "access",
    summary = "Show with the code that the address is one's own",
    description = "From then on they wait to be let in; a letter says when they are. Five tries at a code, within an hour.",
    request_body = ConfirmBody,
    responses(
        (status = 200, description = "They wait", body = PlaceBody),
        (status = 400, description = "Not an address and a code, or a query string", body = ErrorBody),
        (status = 403, description = "Not this code, or not any more", body = ErrorBody),
        (status = 404, description = "Nobody can sign up here", body = ErrorBody),
        (status = 429, description = "Too many at the moment", body = ErrorBody),
        (status = 503, description = "No store", body = ErrorBody),
    ),
    security(()),
)]
pub async fn confirm(State(doors): State<Doors>, request: Request) -> Result<Json<PlaceBody>, Refusal> {
    let (access, told) = asked::<ConfirmBody>(&doors, request, "code", "the code, beside `email`").await?;
    match access.confirm(&told.email, &told.code).await? {
        Confirmed::Yes(place) => Ok(Json(PlaceBody { place })),
        Confirmed::No => Err(Refusal::WrongCode),
        Confirmed::TooMany => Err(Refusal::TooMany),
    }
}

async fn asked<T: DeserializeOwned>(
    doors: &Doors,
    request: Request,
    field: &'static str,
    expected: &'static str,
) -> Result<(Arc<dyn Access>, T), Refusal> {
    let access = doors.access.clone().ok_or(Refusal::NotFound)?;
    let (parts, body) = request.into_parts();
    if parts.uri.query().is_some() {
        return Err(Refusal::Query);
    }
    let held = body::read(doors, &parts.headers, body, MAX_BODY).await?;
    let told = serde_json::from_slice(&held.bytes).map_err(|_| Refusal::WrongField { field, expected })?;
    Ok((access, told))
}
