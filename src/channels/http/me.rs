//! `/v1/me`: what a person may see and change of what is known about them, on a page of their own.
//!
//! Invariant: a handler takes [`Own`], so one that asks nobody's leave cannot be written; who it is comes from the
//! credential alone, and what it may is decided behind the door, where the audit row is.

use std::sync::Arc;

use axum::{
    Json, Router,
    extract::{FromRequestParts, Request, State},
    http::{HeaderValue, StatusCode, header, request::Parts},
    response::{IntoResponse, Response},
    routing::{get, post, put},
};
use serde::{Deserialize, de::DeserializeOwned};
use utoipa::ToSchema;

use super::{Doors, Refusal, body, credentials::Speaker, refusal::ErrorBody};
use crate::{
    channels::Rights,
    policy::Caller,
    rights::{AccessList, Agreement, Denied, Gone, Me, OwnName, Which},
};

/// Longest body, in bytes.
const MAX_BODY: usize = 4 * 1024;

/// Somebody with a credential, and the desk they come to.
pub struct Own {
    desk: Arc<dyn Rights>,
    caller: Caller,
    connects: bool,
}

impl FromRequestParts<Doors> for Own {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, doors: &Doors) -> Result<Self, Refusal> {
        let Speaker(caller) = Speaker::from_request_parts(parts, doors).await?;
        if parts.uri.query().is_some() {
            return Err(Refusal::Query);
        }
        let desk = doors.rights.clone().ok_or(Refusal::NotFound)?;
        Ok(Self { desk, caller, connects: doors.connect.is_some() })
    }
}

impl From<Denied> for Refusal {
    fn from(denied: Denied) -> Self {
        match denied {
            Denied::NotTheirs => Self::NotMeant,
            Denied::Outdated => Self::Outdated,
            Denied::Held => Self::Held,
            Denied::NoSuchUse => Self::WrongField { field: "uses", expected: "names of what can be agreed to" },
            Denied::NoName { field, expected } => Self::WrongField { field, expected },
            Denied::Known => Self::Known,
            Denied::NoDays => Self::WrongField { field: "from", expected: "a day that is not after `to`" },
            Denied::Store(_) | Denied::Journal(_) | Denied::WrongSubject(_) => {
                // None of these says whose it was.
                tracing::error!(error = %denied, "a right could not be exercised");
                Self::Unavailable
            }
        }
    }
}

/// The routes.
pub fn routes() -> Router<Doors> {
    Router::new()
        .route("/v1/me", get(show))
        .route("/v1/me/name", put(name))
        .route("/v1/me/access", get(access))
        .route("/v1/me/consent", get(consent).put(agree))
        .route("/v1/me/forget", post(forget))
        .route("/v1/me/export", post(export))
}

/// How much is kept.
#[utoipa::path(
    get,
    path = "/v1/me",
    tag = "me",
    summary = "How much is kept of the person, and for how long",
    responses(
        (status = 200, description = "Counts, never contents", body = Me),
        (status = 400, description = "A query string", body = ErrorBody),
        (status = 401, description = "No good credential", body = ErrorBody),
        (status = 403, description = "Not a page that a person signed in to", body = ErrorBody),
        (status = 503, description = "No store", body = ErrorBody),
    ),
    security(("bearer" = []), ("page" = [])),
)]
pub async fn show(own: Own) -> Result<Json<Me>, Refusal> {
    let me = own.desk.me(&own.caller).await?;
    Ok(Json(Me { connects: own.connects, ..me }))
}

/// Says who they are.
#[utoipa::path(
    put,
    path = "/v1/me/name",
    tag = "me",
    summary = "Say what one is called and when one was born",
    description = "For whoever signed up by themselves, as long as nothing is connected. Only records of the same name and date of birth can be connected.",
    request_body = OwnName,
    responses(
        (status = 204, description = "Kept"),
        (status = 400, description = "No name, or no day that one can be born on", body = ErrorBody),
        (status = 401, description = "No good credential", body = ErrorBody),
        (status = 403, description = "Not a page that a person signed in to, or a page of another origin", body = ErrorBody),
        (status = 409, description = "Who they are is known, or something is connected already", body = ErrorBody),
        (status = 413, description = "Too large", body = ErrorBody),
        (status = 415, description = "Not JSON", body = ErrorBody),
        (status = 503, description = "No store", body = ErrorBody),
    ),
    security(("bearer" = []), ("page" = [])),
)]
pub async fn name(State(doors): State<Doors>, own: Own, request: Request) -> Result<StatusCode, Refusal> {
    let expected = "a name, with `family` and `birth` as YYYY-MM-DD";
    let who: OwnName = read(&doors, request, "given", expected).await?;
    own.desk.call_me(&own.caller, &who).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Who looked.
#[utoipa::path(
    get,
    path = "/v1/me/access",
    tag = "me",
    summary = "Who looked, and everything else the audit trail tells about the person",
    description = "Newest first. That somebody asked is in the trail as well.",
    responses(
        (status = 200, description = "Entries of the trail", body = AccessList),
        (status = 400, description = "A query string", body = ErrorBody),
        (status = 401, description = "No good credential", body = ErrorBody),
        (status = 403, description = "Not a page that a person signed in to", body = ErrorBody),
        (status = 503, description = "No store", body = ErrorBody),
    ),
    security(("bearer" = []), ("page" = [])),
)]
pub async fn access(own: Own) -> Result<Json<AccessList>, Refusal> {
    Ok(Json(own.desk.access(&own.caller).await?))
}

/// What is agreed to.
#[utoipa::path(
    get,
    path = "/v1/me/consent",
    tag = "me",
    summary = "What the person agrees to, by purpose, and every version of it",
    responses(
        (status = 200, description = "The version in force and those before", body = Agreement),
        (status = 400, description = "A query string", body = ErrorBody),
        (status = 401, description = "No good credential", body = ErrorBody),
        (status = 403, description = "Not a page that a person signed in to", body = ErrorBody),
        (status = 503, description = "No store", body = ErrorBody),
    ),
    security(("bearer" = []), ("page" = [])),
)]
pub async fn consent(own: Own) -> Result<Json<Agreement>, Refusal> {
    Ok(Json(own.desk.agreement(&own.caller).await?))
}

/// All that the person agrees to from now on.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Wish {
    /// The version that was shown.
    pub version: u64,
    /// What is agreed to, by name; anything else no longer is.
    pub uses: Vec<String>,
}

/// Agrees, or takes it back.
#[utoipa::path(
    put,
    path = "/v1/me/consent",
    tag = "me",
    summary = "Replace what the person agrees to",
    description = "Takes effect at once, in the middle of a conversation too. Refused where another version was made meanwhile.",
    request_body = Wish,
    responses(
        (status = 200, description = "The version in force now", body = Agreement),
        (status = 400, description = "Not a wish", body = ErrorBody),
        (status = 401, description = "No good credential", body = ErrorBody),
        (status = 403, description = "Not a page that a person signed in to, or a page of another origin", body = ErrorBody),
        (status = 409, description = "Changed elsewhere meanwhile", body = ErrorBody),
        (status = 413, description = "Too large", body = ErrorBody),
        (status = 415, description = "Not JSON", body = ErrorBody),
        (status = 503, description = "No store", body = ErrorBody),
    ),
    security(("bearer" = []), ("page" = [])),
)]
pub async fn agree(State(doors): State<Doors>, own: Own, request: Request) -> Result<Json<Agreement>, Refusal> {
    let Wish { version, uses } = read(&doors, request, "version", "a number, with `uses`, a list of names").await?;
    Ok(Json(own.desk.agree(&own.caller, &uses, version).await?))
}

/// Deletes.
#[utoipa::path(
    post,
    path = "/v1/me/forget",
    tag = "me",
    summary = "Delete what the person said",
    description = "The words of conversations and kept answers, of all time or of some days. Not the record, nor requests, nor the audit trail. Cannot be undone.",
    request_body = Which,
    responses(
        (status = 200, description = "Deleted", body = Gone),
        (status = 400, description = "Neither everything nor days", body = ErrorBody),
        (status = 401, description = "No good credential", body = ErrorBody),
        (status = 403, description = "Not a page that a person signed in to, or a page of another origin", body = ErrorBody),
        (status = 413, description = "Too large", body = ErrorBody),
        (status = 415, description = "Not JSON", body = ErrorBody),
        (status = 451, description = "A legal hold keeps it", body = ErrorBody),
        (status = 503, description = "No store", body = ErrorBody),
    ),
    security(("bearer" = []), ("page" = [])),
)]
pub async fn forget(State(doors): State<Doors>, own: Own, request: Request) -> Result<Json<Gone>, Refusal> {
    let which =
        read(&doors, request, "what", "`today`, `everything`, or `days` with `from` and `to` as YYYY-MM-DD").await?;
    Ok(Json(own.desk.forget(&own.caller, which).await?))
}

/// A copy.
#[utoipa::path(
    post,
    path = "/v1/me/export",
    tag = "me",
    summary = "A copy of everything that is kept of the person",
    description = "A FHIR R4 Bundle of type collection: the record as it was imported, requests, what was said, agreements and the audit trail.",
    responses(
        (status = 200, description = "The Bundle", content_type = "application/fhir+json", body = Object),
        (status = 400, description = "A query string", body = ErrorBody),
        (status = 401, description = "No good credential", body = ErrorBody),
        (status = 403, description = "Not a page that a person signed in to, or a page of another origin", body = ErrorBody),
        (status = 503, description = "No store", body = ErrorBody),
    ),
    security(("bearer" = []), ("page" = [])),
)]
pub async fn export(own: Own) -> Result<Response, Refusal> {
    let copied = own.desk.copy(&own.caller).await?;
    tracing::info!(resources = copied.resources, bytes = copied.json.len(), "a copy was made");
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("application/fhir+json; charset=utf-8")),
        (header::CONTENT_DISPOSITION, HeaderValue::from_static("attachment; filename=\"my-data.json\"")),
    ];
    Ok((headers, copied.json).into_response())
}

/// A JSON body of one shape. What is wrong is told without what was sent.
pub(super) async fn read<T: DeserializeOwned>(
    doors: &Doors,
    request: Request,
    field: &'static str,
    expected: &'static str,
) -> Result<T, Refusal> {
    let (parts, body) = request.into_parts();
    if !body::is_json(&parts.headers) {
        return Err(Refusal::WrongType("application/json"));
    }
    let held = body::read(doors, &parts.headers, body, MAX_BODY).await?;
    serde_json::from_slice(&held.bytes).map_err(|_| Refusal::WrongField { field, expected })
}
