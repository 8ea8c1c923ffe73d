//! `/v1/me/code` and `/v1/me/pin`: how a person shows who they are elsewhere, made on a page of their own.
//!
//! Invariant: only a page that somebody signed in to; neither a code nor a PIN stands in a log, an error or an address.

use std::sync::Arc;

use axum::{
    Json, Router,
    extract::{FromRequestParts, Request, State},
    http::{HeaderValue, StatusCode, header, request::Parts},
    response::{IntoResponse, Response},
    routing::{post, put},
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use zeroize::Zeroizing;

use super::{Doors, Refusal, body, credentials::OwnPage, refusal::ErrorBody};
use crate::{
    channels::{PinChange, Secrets},
    policy::Caller,
};

/// Longest body, in bytes.
const MAX_BODY: usize = 1024;

/// Somebody on a page of their own.
pub struct OnPage {
    desk: Arc<dyn Secrets>,
    caller: Caller,
}

impl FromRequestParts<Doors> for OnPage {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, doors: &Doors) -> Result<Self, Refusal> {
        let OwnPage(caller) = OwnPage::from_request_parts(parts, doors).await?;
        let desk = doors.secrets.clone().ok_or(Refusal::NotFound)?;
        Ok(Self { desk, caller })
    }
}

/// The routes.
pub fn routes() -> Router<Doors> {
    Router::new().route("/v1/me/code", post(code)).route("/v1/me/pin", put(pin))
}

/// A one-time code, shown this once.
#[derive(Serialize, ToSchema)]
pub struct CodeBody {
    /// Eight digits.
    #[schema(example = "48291357")]
    pub code: String,
    /// Until when it works.
    #[schema(value_type = String, format = DateTime)]
    pub expires: Timestamp,
}

/// A new PIN.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PinBody {
    /// The one that is set, where one is.
    #[serde(default)]
    pub current: Option<String>,
    /// The new one: 4 to 12 digits.
    pub new: String,
}

/// Makes a one-time code.
#[utoipa::path(
    post,
    path = "/v1/me/code",
    tag = "me",
    summary = "A code to say at a device, which then knows who speaks",
    description = "Works once, for ten minutes. The one made before it no longer works.",
    responses(
        (status = 200, description = "The code; it is shown this once", body = CodeBody),
        (status = 401, description = "No good credential", body = ErrorBody),
        (status = 403, description = "Not a page that somebody signed in to", body = ErrorBody),
        (status = 503, description = "No store", body = ErrorBody),
    ),
    security(("bearer" = []), ("page" = [])),
)]
pub async fn code(OnPage { desk, caller }: OnPage) -> Result<Response, Refusal> {
    let (code, expires) = desk.make_code(&caller).await?;
    let body = Json(CodeBody { code: code.to_string(), expires });
    Ok(([(header::CACHE_CONTROL, HeaderValue::from_static("no-store"))], body).into_response())
}

/// Sets a PIN.
#[utoipa::path(
    put,
    path = "/v1/me/pin",
    tag = "me",
    summary = "Set a PIN, or another one",
    description = "Wrong ones count as tries at it. Not the same digit over and over, not digits in their order, not the year of birth.",
    request_body = PinBody,
    responses(
        (status = 204, description = "Set; it counts from now on"),
        (status = 400, description = "These digits are no PIN", body = ErrorBody),
        (status = 401, description = "No good credential", body = ErrorBody),
        (status = 403, description = "Not the PIN that is set; or not a page that somebody signed in to", body = ErrorBody),
        (status = 429, description = "Wrong too often", body = ErrorBody),
        (status = 503, description = "No store", body = ErrorBody),
    ),
    security(("bearer" = []), ("page" = [])),
)]
pub async fn pin(
    OnPage { desk, caller }: OnPage,
    State(doors): State<Doors>,
    request: Request,
) -> Result<StatusCode, Refusal> {
    let (parts, body) = request.into_parts();
    let held = body::read(&doors, &parts.headers, body, MAX_BODY).await?;
    let expected = "digits, with `current` where a PIN is set";
    let told: PinBody =
        serde_json::from_slice(&held.bytes).map_err(|_| Refusal::WrongField { field: "new", expected })?;
    let (current, new) = (told.current.map(Zeroizing::new), Zeroizing::new(told.new));
    match desk.set_pin(&caller, current.as_deref().map(String::as_str), &new).await? {
        PinChange::Done => Ok(StatusCode::NO_CONTENT),
        PinChange::Weak(why) => Err(Refusal::NoPin(why)),
        PinChange::Wrong => Err(Refusal::WrongPin),
        PinChange::Locked => Err(Refusal::PinLocked),
    }
}
