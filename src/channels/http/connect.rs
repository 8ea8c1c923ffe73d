//! `/v1/me/records`: connecting records of other organizations, and the way back from one.
//!
//! Invariants: a handler takes [`Connecting`], which is a page that somebody signed in to, or one that their code was typed
//! into; the way back answers with a redirect to this server's own page and one word of a closed set, so that nothing that
//! the organization sent stays in an address, a history or a referrer.

use std::sync::Arc;

use axum::{
    Json, Router,
    extract::{FromRequestParts, Request, State},
    http::{HeaderValue, StatusCode, header, request::Parts},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    Doors, Refusal, Wire,
    credentials::{Speaker, named_cookie},
    me::read,
    refusal::ErrorBody,
};
use crate::{
    channels::{CodeTyped, Connect, ConnectCameBack as CameBack, ConnectDenied, NotConnected, Shown, Visitor},
    oidc::Answer,
    policy::Surface,
};

/// Longest query an organization comes back with, in bytes.
const LONGEST: usize = 8 * 1024;

/// Before the flow's cookie, where it began on a page that a code was typed into.
const BY_CODE: &str = "code.";

/// A page on which records can be connected.
pub struct Connecting {
    desk: Arc<dyn Connect>,
    visitor: Visitor,
}

impl FromRequestParts<Doors> for Connecting {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, doors: &Doors) -> Result<Self, Refusal> {
        let by_code = named_cookie(&parts.headers, page_name(secure(parts))).map(str::to_owned);
        let speaker = Speaker::from_request_parts(parts, doors).await;
        if parts.uri.query().is_some() {
            return Err(Refusal::Query);
        }
        let desk = doors.connect.clone().ok_or(Refusal::NotFound)?;
        let refused = match speaker {
            Ok(Speaker(caller)) if caller.surface == Surface::Chat && caller.person.is_some() => {
                return Ok(Self { desk, visitor: Visitor { caller, by_code: false, named: None } });
            }
            Ok(_) => Refusal::NotMeant,
            Err(refused) => refused,
        };
        let token = by_code.filter(|_| !parts.headers.contains_key(header::AUTHORIZATION)).ok_or(refused.clone())?;
        let visitor = desk.paired(&token).await?.ok_or(refused)?;
        Ok(Self { desk, visitor })
    }
}

impl From<ConnectDenied> for Refusal {
    fn from(denied: ConnectDenied) -> Self {
        match denied {
            ConnectDenied::NotTheirs => Self::NotMeant,
            ConnectDenied::NoOrganization => {
                Self::WrongField { field: "organization", expected: "one that is offered" }
            }
            ConnectDenied::Nameless => Self::Nameless,
            ConnectDenied::NoConnection => Self::WrongField { field: "connection", expected: "one of yours" },
            ConnectDenied::Organization(error) => {
                tracing::warn!(%error, "an organization could not be asked");
                Self::NoProvider
            }
            ConnectDenied::Store(_) | ConnectDenied::Journal(_) | ConnectDenied::WrongSubject(_) => {
                tracing::error!(error = %denied, "a connection could not be looked after");
                Self::Unavailable
            }
        }
    }
}

/// The routes.
pub fn routes() -> Router<Doors> {
    Router::new()
        .route("/v1/me/records", get(show).post(begin))
        .route("/v1/me/records/code", post(code))
        .route("/v1/me/records/disconnect", post(disconnect))
        .route("/connect/back", get(back))
}

/// What can be connected.
#[utoipa::path(
    get,
    path = "/v1/me/records",
    tag = "me",
    summary = "Records of other organizations: what can be connected, and what is",
    responses(
        (status = 200, description = "Organizations, and connections with how far each is", body = Shown),
        (status = 400, description = "A query string", body = ErrorBody),
        (status = 401, description = "No good credential", body = ErrorBody),
        (status = 403, description = "Not a page of a person's own", body = ErrorBody),
        (status = 404, description = "Nothing can be connected here", body = ErrorBody),
        (status = 503, description = "No store", body = ErrorBody),
    ),
    security(("bearer" = []), ("page" = [])),
)]
pub async fn show(Connecting { desk, visitor }: Connecting) -> Result<Json<Shown>, Refusal> {
    Ok(Json(desk.records(&visitor).await?))
}

/// Which organization.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Which {
    /// The id of one that is offered.
    pub organization: String,
}

/// Where to go.
#[derive(Serialize, ToSchema)]
pub struct GoThere {
    /// The organization's own page to sign in at.
    pub go: String,
}

/// Begins.
#[utoipa::path(
    post,
    path = "/v1/me/records",
    tag = "me",
    summary = "Begin to connect an organization's records",
    description = "SMART App Launch with PKCE at the organization's own authorization server. Sets a cookie that the way back needs, for ten minutes.",
    request_body = Which,
    responses(
        (status = 200, description = "Send the browser there", body = GoThere),
        (status = 400, description = "Not an organization that is offered", body = ErrorBody),
        (status = 401, description = "No good credential", body = ErrorBody),
        (status = 403, description = "Not a page of a person's own, or a page of another origin", body = ErrorBody),
        (status = 404, description = "Nothing can be connected here", body = ErrorBody),
        (status = 409, description = "It is not known yet who they are", body = ErrorBody),
        (status = 413, description = "Too large", body = ErrorBody),
        (status = 415, description = "Not JSON", body = ErrorBody),
        (status = 503, description = "The organization does not answer, or no store", body = ErrorBody),
    ),
    security(("bearer" = []), ("page" = [])),
)]
pub async fn begin(
    State(doors): State<Doors>,
    Connecting { desk, visitor }: Connecting,
    request: Request,
) -> Result<Response, Refusal> {
    let secure = request.extensions().get::<Wire>().is_some_and(|w| w.secure);
    let Which { organization } = read(&doors, request, "organization", "one that is offered").await?;
    let begun = desk.connect(&visitor, &organization).await?;
    let kept = format!("{}{}", if visitor.by_code { BY_CODE } else { "" }, begun.cookie);
    let cookie = cookie(flow_name(secure), &kept, "Lax", 600, secure).ok_or(Refusal::Broken)?;
    Ok(([(header::SET_COOKIE, cookie)], Json(GoThere { go: begun.go })).into_response())
}

/// A code that was said aloud.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Code {
    /// Its eight digits.
    pub code: String,
}

/// Types a code in.
#[utoipa::path(
    post,
    path = "/v1/me/records/code",
    tag = "me",
    summary = "Type in the code that was said, to connect records on this page",
    description = "Sets a cookie with which this page can begin connections and see how far they are, for half an hour, and nothing else.",
    request_body = Code,
    responses(
        (status = 204, description = "The page can begin connections"),
        (status = 400, description = "Not a code", body = ErrorBody),
        (status = 403, description = "Nobody's code, or an old one; or a page of another origin", body = ErrorBody),
        (status = 404, description = "Nothing can be connected here", body = ErrorBody),
        (status = 413, description = "Too large", body = ErrorBody),
        (status = 415, description = "Not JSON", body = ErrorBody),
        (status = 429, description = "Wrong too often from there", body = ErrorBody),
        (status = 503, description = "No store", body = ErrorBody),
    ),
    security(()),
)]
pub async fn code(State(doors): State<Doors>, request: Request) -> Result<Response, Refusal> {
    if request.uri().query().is_some() {
        return Err(Refusal::Query);
    }
    let desk = doors.connect.clone().ok_or(Refusal::NotFound)?;
    let wire = request.extensions().get::<Wire>().copied().ok_or(Refusal::Broken)?;
    let Code { code } = read(&doors, request, "code", "eight digits").await?;
    let digits: String = code.chars().filter(|c| !c.is_whitespace() && *c != '-').collect();
    match desk.pair(&digits, &wire.peer.to_string()).await? {
        CodeTyped::Fits(token) => {
            let cookie = cookie(page_name(wire.secure), &token, "Strict", 1800, wire.secure).ok_or(Refusal::Broken)?;
            Ok((StatusCode::NO_CONTENT, [(header::SET_COOKIE, cookie)]).into_response())
        }
        CodeTyped::Wrong => Err(Refusal::Spent),
        CodeTyped::Locked => Err(Refusal::PinLocked),
    }
}

/// Which connection.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Gone {
    /// The id of one of the person's own.
    pub connection: String,
}

/// What became of it.
#[derive(Serialize, ToSchema)]
pub struct Ended {
    /// A legal hold keeps what was fetched; the connection is over all the same.
    pub kept: bool,
}

/// Ends one.
#[utoipa::path(
    post,
    path = "/v1/me/records/disconnect",
    tag = "me",
    summary = "Disconnect an organization, and delete what came from it",
    request_body = Gone,
    responses(
        (status = 200, description = "It is over", body = Ended),
        (status = 400, description = "No such connection", body = ErrorBody),
        (status = 401, description = "No good credential", body = ErrorBody),
        (status = 403, description = "Not a page that a person signed in to, or a page of another origin", body = ErrorBody),
        (status = 404, description = "Nothing can be connected here", body = ErrorBody),
        (status = 413, description = "Too large", body = ErrorBody),
        (status = 415, description = "Not JSON", body = ErrorBody),
        (status = 503, description = "No store", body = ErrorBody),
    ),
    security(("bearer" = []), ("page" = [])),
)]
pub async fn disconnect(
    State(doors): State<Doors>,
    Connecting { desk, visitor }: Connecting,
    request: Request,
) -> Result<Json<Ended>, Refusal> {
    let Gone { connection } = read(&doors, request, "connection", "one of yours").await?;
    Ok(Json(Ended { kept: desk.disconnect(&visitor, &connection).await? }))
}

/// Where an organization sends people back to.
pub async fn back(State(doors): State<Doors>, parts: Parts) -> Result<Response, Refusal> {
    let secure = secure(&parts);
    let desk = doors.connect.clone().ok_or(Refusal::NotFound)?;
    let kept = named_cookie(&parts.headers, flow_name(secure)).map(str::to_owned);
    // A page's own cookie does not come along from elsewhere, so the flow's says which page it was.
    let by_code = kept.as_deref().is_some_and(|kept| kept.starts_with(BY_CODE));
    let kept = kept.map(|kept| kept.trim_start_matches(BY_CODE).to_owned());
    let word = match desk.connected(brought(parts.uri.query().unwrap_or_default(), kept)).await {
        Ok(()) => "done",
        Err(NotConnected::Stale) => "stale",
        Err(NotConnected::Refused) => "refused",
        Err(NotConnected::AnotherPerson | NotConnected::Nobody) => "person",
        Err(NotConnected::Wrong(_)) => "wrong",
        Err(_) => "unavailable",
    };
    let page = if by_code { "/connect" } else { "/me" };
    let to = HeaderValue::try_from(format!("{page}#records={word}")).map_err(|_| Refusal::Broken)?;
    let gone = cookie(flow_name(secure), "", "Lax", 0, secure).ok_or(Refusal::Broken)?;
    Ok((StatusCode::SEE_OTHER, [(header::LOCATION, to), (header::SET_COOKIE, gone)]).into_response())
}

/// What came back. A parameter that stands there twice was not put there by an organization.
fn brought(query: &str, cookie: Option<String>) -> CameBack {
    let mut back = CameBack { cookie, state: None, answer: Answer::default() };
    if query.len() > LONGEST {
        return back;
    }
    for (name, value) in form_urlencoded::parse(query.as_bytes()) {
        let twice = match &*name {
            "state" => back.state.replace(value.into_owned()).is_some(),
            "code" => back.answer.code.replace(value.into_owned()).is_some(),
            "iss" => back.answer.iss.replace(value.into_owned()).is_some(),
            "error" => std::mem::replace(&mut back.answer.error, true),
            _ => false,
        };
        if twice {
            return CameBack { cookie: back.cookie, ..CameBack::default() };
        }
    }
    back
}

fn secure(parts: &Parts) -> bool {
    parts.extensions.get::<Wire>().is_some_and(|w| w.secure)
}

/// The flow's cookie is `Lax`, for the browser comes back from the organization's page; a page's own is `Strict`.
fn cookie(name: &str, value: &str, same_site: &str, seconds: u32, secure: bool) -> Option<HeaderValue> {
    let flag = if secure { "; Secure" } else { "" };
    let text = format!("{name}={value}; Path=/; HttpOnly; SameSite={same_site}; Max-Age={seconds}{flag}");
    let mut value = HeaderValue::try_from(text).ok()?;
    value.set_sensitive(true);
    Some(value)
}

const fn flow_name(secure: bool) -> &'static str {
    if secure { "__Host-wellspoken-connect" } else { "wellspoken-connect" }
}

const fn page_name(secure: bool) -> &'static str {
    if secure { "__Host-wellspoken-code" } else { "wellspoken-code" }
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderMap;

    use super::*;

    #[test]
    fn what_stands_there_twice_is_not_believed() {
        let read = |query: &str| brought(query, Some("c".into()));
        let good = read("code=a&state=b&iss=https%3A%2F%2Fx");
        assert_eq!((good.state.as_deref(), good.answer.code.as_deref()), (Some("b"), Some("a")));
        assert_eq!(good.answer.iss.as_deref(), Some("https://x"));
        assert!(read("error=access_denied&state=b").answer.error);
        for query in ["code=a&code=b&state=c", "state=a&state=b", "error=a&error=b&state=c", &"x".repeat(LONGEST + 1)] {
            let back = read(query);
            assert!(back.state.is_none() && back.answer.code.is_none() && back.cookie.is_some(), "{query}");
        }
    }

    #[test]
    fn nothing_of_the_page_can_read_a_cookie() {
        let headers: HeaderMap = HeaderMap::new();
        assert!(named_cookie(&headers, flow_name(true)).is_none());
        let told = cookie(flow_name(true), "v", "Lax", 600, true).expect("a header");
        assert!(told.is_sensitive());
        let text = told.to_str().expect("ASCII");
        for part in ["__Host-wellspoken-connect=v", "HttpOnly", "SameSite=Lax", "Secure", "Path=/"] {
            assert!(text.contains(part), "{part} is missing in {text}");
        }
    }
}
