//! `/v1/staff/…`: the staff's side. Each address is a question for the desk; which right it needs is decided there.
//!
//! Invariant: staff come with the cookie of their own sign-in and with nothing else. A device's token, a person's page or a
//! skill's unit is nobody here.

use axum::{
    Json, Router,
    extract::{FromRequest, Request, State},
    http::{StatusCode, header, request::Parts},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use serde::{Deserialize, de::DeserializeOwned};
use utoipa::{OpenApi, ToSchema};

use super::{
    Doors, Refusal, Wire, body, credentials,
    refusal::ErrorBody,
    sign_in::{self, Go, Offered},
};
use crate::{
    channels::{Side, StaffDoor},
    policy::{PersonId, staff::StaffMember},
    staff::{
        Ask, AuditView, BoardView, DoneView, GlassView, MeView, NotTold, PeopleView, RecordView, ResultsView,
        ReviewsView, Whom,
    },
};

/// Longest body, in bytes: a reason has 500 characters.
const MAX_BODY: usize = 8 * 1024;

/// What is there only where staff can sign in.
#[derive(OpenApi)]
#[openapi(
    paths(
        show_sign_in, begin, leave, me, here, board, acknowledge, complete, results, told_result, people, record, break_glass, shut_glass,
        reviews, all_reviews, settle, audit,
    ),
    tags((name = "staff", description = "The staff's side; every session has roles, and they decide")),
)]
pub struct StaffApi;

/// A route for each question.
pub fn routes() -> Router<Doors> {
    Router::new()
        .route("/console/back", get(back))
        .route("/v1/staff/sign-in", get(show_sign_in).post(begin))
        .route("/v1/staff/session", axum::routing::delete(leave))
        .route("/v1/staff/me", get(me).post(here))
        .route("/v1/staff/requests", get(board))
        .route("/v1/staff/requests/acknowledge", post(acknowledge))
        .route("/v1/staff/requests/complete", post(complete))
        .route("/v1/staff/results", get(results))
        .route("/v1/staff/results/told", post(told_result))
        .route("/v1/staff/people", get(people))
        .route("/v1/staff/record", post(record))
        .route("/v1/staff/break-glass", post(break_glass))
        .route("/v1/staff/break-glass/shut", post(shut_glass))
        .route("/v1/staff/reviews", get(reviews))
        .route("/v1/staff/reviews/all", get(all_reviews))
        .route("/v1/staff/reviews/settle", post(settle))
        .route("/v1/staff/audit", get(audit))
}

/// A call on the board, or another row.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CallBody {
    /// Its id.
    pub(super) id: String,
}

/// A result that somebody was told.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ToldBody {
    /// The row.
    id: String,
    /// What was said, in 10 to 500 characters.
    words: String,
}

/// A person.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PersonBody {
    /// Their id, as the list of people shows it.
    person: String,
}

/// Whose record somebody wants to see, and why.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct BreakGlassBody {
    /// Their id; or …
    #[serde(default)]
    person: Option<String>,
    /// … a medical record number or the like, `system|value`.
    #[serde(default)]
    identifier: Option<String>,
    /// Why, in 10 to 500 characters.
    reason: String,
}

/// What came of looking into something.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SettleBody {
    /// The review.
    id: String,
    /// What came of it, in 10 to 500 characters.
    finding: String,
}

/// Tells whether staff can sign in.
#[utoipa::path(get, path = "/v1/staff/sign-in", tag = "staff", summary = "Whether staff can sign in at a provider",
    responses((status = 200, description = "Whether they can", body = Offered)), security(()))]
pub async fn show_sign_in(State(doors): State<Doors>) -> Json<Offered> {
    Json(sign_in::offered(&doors, Side::Staff).await)
}

/// Begins a sign-in.
#[utoipa::path(post, path = "/v1/staff/sign-in", tag = "staff", summary = "Begin to sign in at the staff's provider",
    responses(
        (status = 200, description = "Send the browser there", body = Go),
        (status = 503, description = "The provider does not answer", body = ErrorBody),
    ), security(()))]
pub async fn begin(State(doors): State<Doors>, parts: Parts) -> Result<Response, Refusal> {
    sign_in::began(&doors, Side::Staff, &parts).await
}

/// Where the provider sends staff back to.
async fn back(State(doors): State<Doors>, parts: Parts) -> Response {
    sign_in::came_back(&doors, Side::Staff, &parts).await
}

/// Ends the session.
#[utoipa::path(delete, path = "/v1/staff/session", tag = "staff", summary = "Sign out here",
    responses(
        (status = 204, description = "Ended; the cookie is gone"),
        (status = 401, description = "Not signed in", body = ErrorBody),
    ), security(("staff" = [])))]
pub async fn leave(State(doors): State<Doors>, parts: Parts) -> Result<Response, Refusal> {
    let (door, token) = presented(&doors, &parts)?;
    let staff = door.staff(token, false).await?.ok_or(Refusal::Unauthenticated)?;
    door.leave(token, &staff).await?;
    let gone = sign_in::session_cookie(Side::Staff, "", secure(&parts)).ok_or(Refusal::Broken)?;
    Ok((StatusCode::NO_CONTENT, [(header::SET_COOKIE, gone)]).into_response())
}

/// Tells who is signed in.
#[utoipa::path(get, path = "/v1/staff/me", tag = "staff", summary = "Who is signed in, and what they may do",
    responses(
        (status = 200, description = "This is who", body = MeView),
        (status = 401, description = "Not signed in", body = ErrorBody),
    ), security(("staff" = [])))]
pub async fn me(State(doors): State<Doors>, parts: Parts) -> Result<Response, Refusal> {
    answered(&doors, &parts, Ask::Me).await
}

/// Says that somebody is still there.
#[utoipa::path(post, path = "/v1/staff/me", tag = "staff", summary = "Stay signed in",
    description = "Pages look again by themselves; that keeps no session alive. This, and every act, does.",
    responses(
        (status = 200, description = "This is who", body = MeView),
        (status = 401, description = "Not signed in", body = ErrorBody),
    ), security(("staff" = [])))]
pub async fn here(State(doors): State<Doors>, parts: Parts) -> Result<Response, Refusal> {
    answered(&doors, &parts, Ask::Here).await
}

/// Shows the board.
#[utoipa::path(get, path = "/v1/staff/requests", tag = "staff", summary = "The open calls of one's units",
    responses(
        (status = 200, description = "The calls, what is most pressing first", body = BoardView),
        (status = 401, description = "Not signed in", body = ErrorBody),
        (status = 403, description = "No role of theirs allows it", body = ErrorBody),
    ), security(("staff" = [])))]
pub async fn board(State(doors): State<Doors>, parts: Parts) -> Result<Response, Refusal> {
    answered(&doors, &parts, Ask::Board).await
}

/// Acknowledges a call.
#[utoipa::path(post, path = "/v1/staff/requests/acknowledge", tag = "staff", summary = "Say that one has seen a call",
    request_body = CallBody,
    responses(
        (status = 200, description = "Noted", body = DoneView),
        (status = 401, description = "Not signed in", body = ErrorBody),
        (status = 403, description = "No role of theirs allows it", body = ErrorBody),
        (status = 404, description = "No such open call in their units, or acknowledged already", body = ErrorBody),
    ), security(("staff" = [])))]
pub async fn acknowledge(State(doors): State<Doors>, asked: Asked<CallBody>) -> Result<Response, Refusal> {
    answered(&doors, &asked.parts, Ask::Acknowledge(asked.body.id)).await
}

/// Ends a call.
#[utoipa::path(post, path = "/v1/staff/requests/complete", tag = "staff", summary = "End a call",
    request_body = CallBody,
    responses(
        (status = 200, description = "Ended", body = DoneView),
        (status = 401, description = "Not signed in", body = ErrorBody),
        (status = 403, description = "No role of theirs allows it", body = ErrorBody),
        (status = 404, description = "No such open call in their units", body = ErrorBody),
    ), security(("staff" = [])))]
pub async fn complete(State(doors): State<Doors>, asked: Asked<CallBody>) -> Result<Response, Refusal> {
    answered(&doors, &asked.parts, Ask::Complete(asked.body.id)).await
}

/// Shows what a clinician tells first.
#[utoipa::path(get, path = "/v1/staff/results", tag = "staff", summary = "Results that a clinician tells first",
    description = "Of people in one's units' rooms; of people in none where the unit has the room `outpatients`. Whose, which \
        test and when, never the value. The first look at each is in that person's trail.",
    responses(
        (status = 200, description = "The results, oldest first", body = ResultsView),
        (status = 401, description = "Not signed in", body = ErrorBody),
        (status = 403, description = "No role of theirs allows it", body = ErrorBody),
    ), security(("staff" = [])))]
pub async fn results(State(doors): State<Doors>, parts: Parts) -> Result<Response, Refusal> {
    answered(&doors, &parts, Ask::Results).await
}

/// Notes that somebody was told.
#[utoipa::path(post, path = "/v1/staff/results/told", tag = "staff", summary = "Say that one has talked with the person",
    description = "From then on the assistant may tell the result. The words are sealed and in the person's own copy.",
    request_body = ToldBody,
    responses(
        (status = 200, description = "Noted", body = DoneView),
        (status = 400, description = "The words say nothing", body = ErrorBody),
        (status = 401, description = "Not signed in", body = ErrorBody),
        (status = 403, description = "No role of theirs allows it", body = ErrorBody),
        (status = 404, description = "No such open row in their units", body = ErrorBody),
    ), security(("staff" = [])))]
pub async fn told_result(State(doors): State<Doors>, asked: Asked<ToldBody>) -> Result<Response, Refusal> {
    answered(&doors, &asked.parts, Ask::ToldResult(asked.body.id, asked.body.words)).await
}

/// Shows which rooms are occupied.
#[utoipa::path(get, path = "/v1/staff/people", tag = "staff", summary = "The occupied rooms of one's units",
    description = "Without names: only a record tells who it is, and that is audited.",
    responses(
        (status = 200, description = "The rooms", body = PeopleView),
        (status = 401, description = "Not signed in", body = ErrorBody),
        (status = 403, description = "No role of theirs allows it", body = ErrorBody),
    ), security(("staff" = [])))]
pub async fn people(State(doors): State<Doors>, parts: Parts) -> Result<Response, Refusal> {
    answered(&doors, &parts, Ask::People).await
}

/// Shows a record.
#[utoipa::path(post, path = "/v1/staff/record", tag = "staff", summary = "A person's record",
    description = "Of somebody in one's units' rooms, or under glass that one broke. Audited first.",
    request_body = PersonBody,
    responses(
        (status = 200, description = "The record", body = RecordView),
        (status = 401, description = "Not signed in", body = ErrorBody),
        (status = 403, description = "No role of theirs allows it, or not without breaking glass", body = ErrorBody),
        (status = 404, description = "Nobody of that id", body = ErrorBody),
    ), security(("staff" = [])))]
pub async fn record(State(doors): State<Doors>, asked: Asked<PersonBody>) -> Result<Response, Refusal> {
    let person = id(&asked.body.person)?;
    answered(&doors, &asked.parts, Ask::Record(person)).await
}

/// Breaks glass.
#[utoipa::path(post, path = "/v1/staff/break-glass", tag = "staff", summary = "Open somebody else's record, for a while",
    description = "Audited, alerted and put before the privacy officers at once, with the reason.",
    request_body = BreakGlassBody,
    responses(
        (status = 200, description = "Open until then", body = GlassView),
        (status = 400, description = "The reason says nothing", body = ErrorBody),
        (status = 401, description = "Not signed in", body = ErrorBody),
        (status = 403, description = "No role of theirs allows it", body = ErrorBody),
        (status = 404, description = "Nobody of that id", body = ErrorBody),
        (status = 409, description = "They look after that person anyway", body = ErrorBody),
    ), security(("staff" = [])))]
pub async fn break_glass(State(doors): State<Doors>, asked: Asked<BreakGlassBody>) -> Result<Response, Refusal> {
    let whom = match (&asked.body.person, asked.body.identifier) {
        (Some(person), None) => Whom::Person(id(person)?),
        (None, Some(identifier)) => Whom::Identifier(identifier),
        _ => return Err(Refusal::WrongField { field: "person", expected: "there, or `identifier`, and not both" }),
    };
    answered(&doors, &asked.parts, Ask::BreakGlass(whom, asked.body.reason)).await
}

/// Shuts glass.
#[utoipa::path(post, path = "/v1/staff/break-glass/shut", tag = "staff", summary = "Shut what one opened, before its time",
    request_body = PersonBody,
    responses(
        (status = 200, description = "Shut", body = DoneView),
        (status = 401, description = "Not signed in", body = ErrorBody),
        (status = 403, description = "No role of theirs allows it", body = ErrorBody),
        (status = 404, description = "No open glass of theirs", body = ErrorBody),
    ), security(("staff" = [])))]
pub async fn shut_glass(State(doors): State<Doors>, asked: Asked<PersonBody>) -> Result<Response, Refusal> {
    let person = id(&asked.body.person)?;
    answered(&doors, &asked.parts, Ask::ShutGlass(person)).await
}

/// Shows what is to be looked into.
#[utoipa::path(get, path = "/v1/staff/reviews", tag = "staff", summary = "What is to be looked into",
    responses(
        (status = 200, description = "Open reviews, oldest first", body = ReviewsView),
        (status = 401, description = "Not signed in", body = ErrorBody),
        (status = 403, description = "No role of theirs allows it", body = ErrorBody),
    ), security(("staff" = [])))]
pub async fn reviews(State(doors): State<Doors>, parts: Parts) -> Result<Response, Refusal> {
    answered(&doors, &parts, Ask::Reviews(false)).await
}

/// Shows what was looked into, too.
#[utoipa::path(get, path = "/v1/staff/reviews/all", tag = "staff", summary = "All reviews, settled ones too",
    responses(
        (status = 200, description = "Reviews, oldest first", body = ReviewsView),
        (status = 401, description = "Not signed in", body = ErrorBody),
        (status = 403, description = "No role of theirs allows it", body = ErrorBody),
    ), security(("staff" = [])))]
pub async fn all_reviews(State(doors): State<Doors>, parts: Parts) -> Result<Response, Refusal> {
    answered(&doors, &parts, Ask::Reviews(true)).await
}

/// Settles a review.
#[utoipa::path(post, path = "/v1/staff/reviews/settle", tag = "staff", summary = "Settle a review with a finding",
    request_body = SettleBody,
    responses(
        (status = 200, description = "Settled", body = DoneView),
        (status = 400, description = "The finding says nothing", body = ErrorBody),
        (status = 401, description = "Not signed in", body = ErrorBody),
        (status = 403, description = "No role of theirs allows it, or it is their own case", body = ErrorBody),
        (status = 404, description = "No such open review", body = ErrorBody),
    ), security(("staff" = [])))]
pub async fn settle(State(doors): State<Doors>, asked: Asked<SettleBody>) -> Result<Response, Refusal> {
    answered(&doors, &asked.parts, Ask::Settle(asked.body.id, asked.body.finding)).await
}

/// Checks the audit chain.
#[utoipa::path(get, path = "/v1/staff/audit", tag = "staff", summary = "Whether the audit chain is whole",
    responses(
        (status = 200, description = "What was found", body = AuditView),
        (status = 401, description = "Not signed in", body = ErrorBody),
        (status = 403, description = "No role of theirs allows it", body = ErrorBody),
    ), security(("staff" = [])))]
pub async fn audit(State(doors): State<Doors>, parts: Parts) -> Result<Response, Refusal> {
    answered(&doors, &parts, Ask::CheckAudit).await
}

/// Lets whoever is signed in ask the desk.
pub(super) async fn answered(doors: &Doors, parts: &Parts, ask: Ask) -> Result<Response, Refusal> {
    let (door, staff) = member(doors, parts, ask.renews()).await?;
    let told = door.answer(&staff, ask).await.map_err(Refusal::NotTold)?;
    Ok(Json(told).into_response())
}

/// Who is signed in, and whom they ask. `renew` says that somebody is there, and not only their page.
pub(super) async fn member<'a>(
    doors: &'a Doors,
    parts: &'a Parts,
    renew: bool,
) -> Result<(&'a dyn StaffDoor, StaffMember), Refusal> {
    let (door, token) = presented(doors, parts)?;
    let staff = door.staff(token, renew).await?.ok_or(Refusal::Unauthenticated)?;
    Ok((door, staff))
}

/// The staff's own cookie. Whoever comes with another credential besides is not meant.
pub(super) fn presented<'a>(doors: &'a Doors, parts: &'a Parts) -> Result<(&'a dyn StaffDoor, &'a str), Refusal> {
    let door = doors.staff.as_deref().ok_or(Refusal::NotFound)?;
    if parts.headers.contains_key(header::AUTHORIZATION) {
        return Err(Refusal::Unauthenticated);
    }
    let cookie = credentials::named_cookie(&parts.headers, sign_in::staff_cookie(secure(parts)));
    let token = cookie.filter(|t| (1..=256).contains(&t.len())).ok_or(Refusal::Unauthenticated)?;
    if parts.uri.query().is_some() {
        return Err(Refusal::Query);
    }
    Ok((door, token))
}

fn secure(parts: &Parts) -> bool {
    parts.extensions.get::<Wire>().is_some_and(|w| w.secure)
}

pub(super) fn id(text: &str) -> Result<PersonId, Refusal> {
    PersonId::parse(text).map_err(|_| Refusal::WrongField { field: "person", expected: "an id" })
}

/// A question with a body of at most `MAX` bytes.
pub struct Asked<T, const MAX: usize = MAX_BODY> {
    pub(super) parts: Parts,
    pub(super) body: T,
}

impl<T: DeserializeOwned, const MAX: usize> FromRequest<Doors> for Asked<T, MAX> {
    type Rejection = Refusal;

    async fn from_request(request: Request, doors: &Doors) -> Result<Self, Refusal> {
        let (parts, body) = request.into_parts();
        presented(doors, &parts)?;
        if !body::is_json(&parts.headers) {
            return Err(Refusal::WrongType("application/json"));
        }
        let held = body::read(doors, &parts.headers, body, MAX).await?;
        let body = serde_json::from_slice(&held.bytes)
            .map_err(|_| Refusal::WrongField { field: "body", expected: "an object of the fields in /openapi.json" })?;
        Ok(Self { parts, body })
    }
}

/// Status and stable name of what the desk says.
pub(super) const fn not_told(why: NotTold) -> (StatusCode, &'static str) {
    match why {
        NotTold::NoRight => (StatusCode::FORBIDDEN, "no_right"),
        NotTold::NotThere => (StatusCode::NOT_FOUND, "not_there"),
        NotTold::BreakGlass => (StatusCode::FORBIDDEN, "break_glass"),
        NotTold::NoNeed => (StatusCode::CONFLICT, "no_need"),
        NotTold::BadReason => (StatusCode::BAD_REQUEST, "bad_reason"),
        NotTold::Unsayable(_) => (StatusCode::BAD_REQUEST, "unsayable"),
        NotTold::Unspeakable => (StatusCode::BAD_REQUEST, "unspeakable"),
        NotTold::BadDuty => (StatusCode::BAD_REQUEST, "bad_duty"),
        NotTold::OwnCase => (StatusCode::FORBIDDEN, "own_case"),
        NotTold::Fleet(_) => (StatusCode::CONFLICT, "not_possible"),
        NotTold::Unavailable => (StatusCode::SERVICE_UNAVAILABLE, "unavailable"),
    }
}
