//! `/v1/session`: a one-time link becomes a page session, kept in a cookie that no script can read.

use axum::{
    Json,
    extract::{Request, State},
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    Doors, Refusal, Wire, body,
    credentials::{Speaker, cookie_name, presented},
    refusal::ErrorBody,
};
use crate::policy::Surface;

/// Longest body, in bytes: a link's secret has some forty characters.
const MAX_BODY: usize = 1024;

/// A one-time link's secret, the part after `#`.
#[derive(Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Link {
    /// The secret.
    pub link: String,
}

/// A page session.
#[derive(Serialize, ToSchema)]
pub struct SessionBody {
    /// What the page stands for: `room`, `home`, `chat` or `third-party`.
    pub channel: &'static str,
    /// When the session ends; absent where it is not known.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub expires: Option<Timestamp>,
}

impl SessionBody {
    const fn of(surface: &Surface, expires: Option<Timestamp>) -> Self {
        Self { channel: surface.name(), expires }
    }
}

/// Redeems a one-time link.
#[utoipa::path(
    post,
    path = "/v1/session",
    tag = "session",
    summary = "Redeem a one-time link",
    description = "Sets the page session's cookie (HttpOnly, SameSite=Strict; Secure under TLS). A second use is refused.",
    request_body = Link,
    responses(
        (status = 200, description = "The page may speak now", body = SessionBody),
        (status = 400, description = "Not a link", body = ErrorBody),
        (status = 403, description = "Used already, expired or unknown; or a page of another origin", body = ErrorBody),
        (status = 413, description = "Too large", body = ErrorBody),
        (status = 415, description = "Not JSON", body = ErrorBody),
        (status = 503, description = "No store", body = ErrorBody),
    ),
    security(()),
)]
pub async fn open(State(doors): State<Doors>, request: Request) -> Result<Response, Refusal> {
    let (parts, body) = request.into_parts();
    if parts.uri.query().is_some() {
        return Err(Refusal::Query);
    }
    if !body::is_json(&parts.headers) {
        return Err(Refusal::WrongType("application/json"));
    }
    let held = body::read(&doors, &parts.headers, body, MAX_BODY).await?;
    let Link { link } = serde_json::from_slice(&held.bytes)
        .map_err(|_| Refusal::WrongField { field: "link", expected: "the only field, a string" })?;
    let opened = doors.backend.redeem(&link).await?.ok_or(Refusal::Spent)?;
    let secure = parts.extensions.get::<Wire>().is_some_and(|w| w.secure);
    let cookie = cookie(&opened.token, secure).ok_or(Refusal::Broken)?;
    let body = SessionBody::of(&opened.surface, Some(opened.expires));
    Ok(([(header::SET_COOKIE, cookie)], Json(body)).into_response())
}

/// Tells a page what it stands for.
#[utoipa::path(
    get,
    path = "/v1/session",
    tag = "session",
    summary = "What this credential stands for",
    responses(
        (status = 200, description = "A good credential", body = SessionBody),
        (status = 401, description = "No good credential", body = ErrorBody),
        (status = 403, description = "An operator's credential, or a page of another origin", body = ErrorBody),
    ),
    security(("bearer" = []), ("page" = [])),
)]
pub async fn show(Speaker(caller): Speaker) -> Json<SessionBody> {
    Json(SessionBody::of(&caller.surface, None))
}

/// Ends a page session.
#[utoipa::path(
    delete,
    path = "/v1/session",
    tag = "session",
    summary = "End this page session",
    responses(
        (status = 204, description = "Ended; the cookie is gone"),
        (status = 401, description = "No good credential", body = ErrorBody),
        (status = 403, description = "A device's token, or a page of another origin", body = ErrorBody),
    ),
    security(("page" = [])),
)]
pub async fn close(State(doors): State<Doors>, _speaker: Speaker, request: Request) -> Result<Response, Refusal> {
    let headers = request.headers();
    let secure = request.extensions().get::<Wire>().is_some_and(|w| w.secure);
    if headers.contains_key(header::AUTHORIZATION) {
        // A device's token is revoked by its operator, not by the device.
        return Err(Refusal::NotMeant);
    }
    let token = presented(headers, secure).ok_or(Refusal::Unauthenticated)?;
    doors.backend.close(token).await?;
    let gone = expired(secure).ok_or(Refusal::Broken)?;
    Ok((StatusCode::NO_CONTENT, [(header::SET_COOKIE, gone)]).into_response())
}

/// A cookie for as long as the browser runs; the credential behind it expires by itself.
pub(super) fn cookie(token: &str, secure: bool) -> Option<HeaderValue> {
    let mut value = HeaderValue::try_from(format!(
        "{}={token}; Path=/; HttpOnly; SameSite=Strict{}",
        cookie_name(secure),
        flag(secure)
    ))
    .ok()?;
    value.set_sensitive(true);
    Some(value)
}

fn expired(secure: bool) -> Option<HeaderValue> {
    let text = format!("{}=; Path=/; HttpOnly; SameSite=Strict; Max-Age=0{}", cookie_name(secure), flag(secure));
    HeaderValue::try_from(text).ok()
}

const fn flag(secure: bool) -> &'static str {
    if secure { "; Secure" } else { "" }
}
