//! `/v1/sign-in` and the way back from an OpenID provider.
//!
//! The way back is no address of the API: the browser comes there from the provider's page. It answers with a redirect
//! to one of this server's own pages and one word of a closed set, so nothing that the provider sent stays in an address, a
//! history or a referrer. The session's cookie is `SameSite=Strict`, so the first thing it comes along with is what that
//! page itself asks for.

use axum::{
    Json,
    extract::State,
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header, request::Parts},
    response::{IntoResponse, Response},
};
use serde::Serialize;
use utoipa::ToSchema;

use super::{Doors, Refusal, Wire, credentials, refusal::ErrorBody, session};
use crate::channels::{CameBack, NotSignedIn, Side, SignIn};

/// Longest query a provider comes back with, in bytes.
const LONGEST: usize = 8 * 1024;

/// What signing in here means.
#[derive(Serialize, ToSchema)]
pub struct Offered {
    /// Whether people can sign in here.
    pub offered: bool,
    /// Where to sign out at the provider, too, once the session here has ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sign_out: Option<String>,
}

/// A sign-in that began.
#[derive(Serialize, ToSchema)]
pub struct Go {
    /// Where to send the browser.
    pub go: String,
}

/// Tells a page that people can sign in here.
#[utoipa::path(
    get,
    path = "/v1/sign-in",
    tag = "session",
    summary = "Whether people can sign in at a provider",
    responses(
        (status = 200, description = "Whether they can", body = Offered),
        (status = 403, description = "A page of another origin", body = ErrorBody),
    ),
    security(()),
)]
pub async fn show(State(doors): State<Doors>) -> Json<Offered> {
    Json(offered(&doors, Side::People).await)
}

/// Begins a sign-in.
#[utoipa::path(
    post,
    path = "/v1/sign-in",
    tag = "session",
    summary = "Begin to sign in at the provider",
    description = "Sets a cookie that the way back needs, for ten minutes.",
    responses(
        (status = 200, description = "Send the browser there", body = Go),
        (status = 403, description = "Nobody can sign in here; or a page of another origin", body = ErrorBody),
        (status = 503, description = "The provider does not answer", body = ErrorBody),
    ),
    security(()),
)]
pub async fn begin(State(doors): State<Doors>, parts: Parts) -> Result<Response, Refusal> {
    began(&doors, Side::People, &parts).await
}

/// Where the provider sends people back to.
pub async fn back(State(doors): State<Doors>, parts: Parts) -> Response {
    came_back(&doors, Side::People, &parts).await
}

fn door(doors: &Doors, side: Side) -> Result<&dyn SignIn, Refusal> {
    doors.sign_in.as_deref().filter(|door| door.offers(side)).ok_or(Refusal::NoSignIn)
}

pub(super) async fn offered(doors: &Doors, side: Side) -> Offered {
    match door(doors, side) {
        Ok(door) => Offered { offered: true, sign_out: door.sign_out(side).await },
        Err(_) => Offered { offered: false, sign_out: None },
    }
}

pub(super) async fn began(doors: &Doors, side: Side, parts: &Parts) -> Result<Response, Refusal> {
    if parts.uri.query().is_some() {
        return Err(Refusal::Query);
    }
    let begun = door(doors, side)?.begin(side).await.map_err(|_| Refusal::NoProvider)?;
    let cookie = flow_cookie(side, &begun.cookie, secure(parts)).ok_or(Refusal::Broken)?;
    Ok(([(header::SET_COOKIE, cookie)], Json(Go { go: begun.go })).into_response())
}

/// The session's cookie and a page that is our own, whatever the query said; the sign-in's own cookie goes either way.
pub(super) async fn came_back(doors: &Doors, side: Side, parts: &Parts) -> Response {
    let secure = secure(parts);
    let Ok(door) = door(doors, side) else { return Refusal::NoSignIn.into_response() };
    let brought = read(parts.uri.query().unwrap_or_default(), cookie_of(side, &parts.headers, secure));
    let ended = door.finish(side, brought).await;
    let mut headers = vec![(header::SET_COOKIE, flow_cookie(side, "", secure))];
    let word = match &ended {
        Ok(opened) => {
            headers.push((header::SET_COOKIE, session_cookie(side, &opened.token, secure)));
            "done"
        }
        Err(NotSignedIn::Stale) => "stale",
        Err(NotSignedIn::Refused) => "refused",
        Err(NotSignedIn::Unavailable) => "unavailable",
    };
    let page = match side {
        Side::People => "/",
        Side::Staff => "/console",
    };
    headers.push((header::LOCATION, HeaderValue::try_from(format!("{page}#sign-in={word}")).ok()));
    answer(headers)
}

fn answer(headers: Vec<(HeaderName, Option<HeaderValue>)>) -> Response {
    let mut response = StatusCode::SEE_OTHER.into_response();
    for (name, value) in headers {
        let Some(value) = value else { return Refusal::Broken.into_response() };
        response.headers_mut().append(name, value);
    }
    response
}

fn secure(parts: &Parts) -> bool {
    parts.extensions.get::<Wire>().is_some_and(|w| w.secure)
}

/// What came back. A parameter that stands there twice was not put there by a provider.
fn read(query: &str, cookie: Option<String>) -> CameBack {
    let mut back = CameBack { cookie, ..CameBack::default() };
    if query.len() > LONGEST {
        return back;
    }
    for (name, value) in form_urlencoded::parse(query.as_bytes()) {
        let twice = match &*name {
            "state" => back.state.replace(value.into_owned()).is_some(),
            "code" => back.code.replace(value.into_owned()).is_some(),
            "iss" => back.iss.replace(value.into_owned()).is_some(),
            "error" => std::mem::replace(&mut back.error, true),
            _ => false,
        };
        if twice {
            return CameBack { cookie: back.cookie, ..CameBack::default() };
        }
    }
    back
}

/// `SameSite=Lax`, for the browser comes back from the provider's page.
fn flow_cookie(side: Side, value: &str, secure: bool) -> Option<HeaderValue> {
    let (name, flag) = (flow_name(side, secure), if secure { "; Secure" } else { "" });
    let age = if value.is_empty() { 0 } else { 600 };
    let text = format!("{name}={value}; Path=/; HttpOnly; SameSite=Lax; Max-Age={age}{flag}");
    let mut value = HeaderValue::try_from(text).ok()?;
    value.set_sensitive(true);
    Some(value)
}

/// The cookie of a session; without a token, its end.
pub(super) fn session_cookie(side: Side, token: &str, secure: bool) -> Option<HeaderValue> {
    let (flag, age) = (if secure { "; Secure" } else { "" }, if token.is_empty() { "; Max-Age=0" } else { "" });
    match side {
        Side::People => session::cookie(token, secure),
        Side::Staff => {
            let text = format!("{}={token}; Path=/; HttpOnly; SameSite=Strict{age}{flag}", staff_cookie(secure));
            let mut value = HeaderValue::try_from(text).ok()?;
            value.set_sensitive(true);
            Some(value)
        }
    }
}

/// The name of the staff's cookie, which is not that of people's pages.
pub(super) const fn staff_cookie(secure: bool) -> &'static str {
    if secure { "__Host-wellspoken-staff" } else { "wellspoken-staff" }
}

fn cookie_of(side: Side, headers: &HeaderMap, secure: bool) -> Option<String> {
    credentials::named_cookie(headers, flow_name(side, secure)).map(str::to_owned)
}

const fn flow_name(side: Side, secure: bool) -> &'static str {
    match (side, secure) {
        (Side::People, true) => "__Host-wellspoken-sign-in",
        (Side::People, false) => "wellspoken-sign-in",
        (Side::Staff, true) => "__Host-wellspoken-staff-sign-in",
        (Side::Staff, false) => "wellspoken-staff-sign-in",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_twice_is_not_believed() {
        let back = read("code=a%2Fb&state=s&iss=https%3A%2F%2Fid.example&x=y", None);
        assert_eq!(back.code.as_deref(), Some("a/b"));
        assert_eq!(back.iss.as_deref(), Some("https://id.example"));
        for query in ["code=a&state=s&code=b", "state=s&state=s&code=a", "iss=a&iss=b&code=a&state=s"] {
            let back = read(query, None);
            assert!(back.code.is_none() && back.state.is_none(), "{query}");
        }
        assert!(read(&format!("state=s&code={}", "x".repeat(LONGEST)), None).state.is_none());
    }
}
