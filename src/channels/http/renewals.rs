//! `/v1/staff/renewals` and `/v1/staff/fills`: what waits for a prescriber's word, and what a pharmacy works on.

use axum::{
    Router,
    extract::State,
    http::request::Parts,
    response::Response,
    routing::{get, post},
};
use jiff::civil::Date;
use serde::Deserialize;
use utoipa::{OpenApi, ToSchema};

use super::{
    Doors, Refusal,
    refusal::ErrorBody,
    staff::{Asked, answered},
};
use crate::staff::{Ask, DoneView, Moved, RenewalState, RenewalsView};

/// What is there only where staff can sign in.
#[derive(OpenApi)]
#[openapi(paths(renewals, approve, deny, fills, fill))]
pub struct RenewalsApi;

/// A route for each question.
pub fn routes() -> Router<Doors> {
    Router::new()
        .route("/v1/staff/renewals", get(renewals))
        .route("/v1/staff/renewals/approve", post(approve))
        .route("/v1/staff/renewals/deny", post(deny))
        .route("/v1/staff/fills", get(fills))
        .route("/v1/staff/fills/move", post(fill))
}

/// A renewal.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RenewalBody {
    /// Its id.
    id: String,
}

/// A no to a renewal.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DenyBody {
    /// The renewal.
    id: String,
    /// Why not, in 3 to 200 characters. The person is told these words.
    reason: String,
}

/// A step of a renewal at the pharmacy.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct FillBody {
    /// The renewal.
    id: String,
    /// `prescriber_asked`, `filled`, `ready`, `shipped`, `delivered`, `picked_up` or `denied`.
    to: String,
    /// Why not, in 3 to 200 characters that the person is told; for `denied`.
    #[serde(default)]
    reason: Option<String>,
    /// Who brings it, in 2 to 40 letters and digits; for `shipped`.
    #[serde(default)]
    carrier: Option<String>,
    /// The day it is to arrive; for `shipped`.
    #[serde(default)]
    #[schema(value_type = Option<String>, format = Date)]
    due: Option<Date>,
}

/// Shows the prescriber's inbox.
#[utoipa::path(get, path = "/v1/staff/renewals", tag = "staff", summary = "The renewals that wait for one's word",
    description = "Those put to one by name, to nobody by name, or asked for by people in one's units' rooms. Each is audited first.",
    responses(
        (status = 200, description = "At most 50, oldest first", body = RenewalsView),
        (status = 401, description = "Not signed in", body = ErrorBody),
        (status = 403, description = "No role of theirs allows it", body = ErrorBody),
    ), security(("staff" = [])))]
pub async fn renewals(State(doors): State<Doors>, parts: Parts) -> Result<Response, Refusal> {
    answered(&doors, &parts, Ask::Renewals).await
}

/// Says yes.
#[utoipa::path(post, path = "/v1/staff/renewals/approve", tag = "staff", summary = "Agree to a renewal",
    request_body = RenewalBody,
    responses(
        (status = 200, description = "Agreed; the pharmacy has it", body = DoneView),
        (status = 401, description = "Not signed in", body = ErrorBody),
        (status = 403, description = "No role of theirs allows it", body = ErrorBody),
        (status = 404, description = "None of that id waits for their word", body = ErrorBody),
    ), security(("staff" = [])))]
pub async fn approve(State(doors): State<Doors>, asked: Asked<RenewalBody>) -> Result<Response, Refusal> {
    let yes = Moved::from(RenewalState::Approved);
    answered(&doors, &asked.parts, Ask::Decide(asked.body.id, yes)).await
}

/// Says no.
#[utoipa::path(post, path = "/v1/staff/renewals/deny", tag = "staff", summary = "Refuse a renewal, with a reason",
    description = "The person is told who said no, and the reason word for word.",
    request_body = DenyBody,
    responses(
        (status = 200, description = "Refused", body = DoneView),
        (status = 400, description = "The reason says nothing, or too much", body = ErrorBody),
        (status = 401, description = "Not signed in", body = ErrorBody),
        (status = 403, description = "No role of theirs allows it", body = ErrorBody),
        (status = 404, description = "None of that id waits for their word", body = ErrorBody),
    ), security(("staff" = [])))]
pub async fn deny(State(doors): State<Doors>, asked: Asked<DenyBody>) -> Result<Response, Refusal> {
    let no = Moved { reason: Some(asked.body.reason), ..RenewalState::Denied.into() };
    answered(&doors, &asked.parts, Ask::Decide(asked.body.id, no)).await
}

/// Shows what the pharmacy works on.
#[utoipa::path(get, path = "/v1/staff/fills", tag = "staff", summary = "The renewals that a pharmacy works on",
    responses(
        (status = 200, description = "At most 50, oldest first", body = RenewalsView),
        (status = 401, description = "Not signed in", body = ErrorBody),
        (status = 403, description = "No role of theirs allows it", body = ErrorBody),
    ), security(("staff" = [])))]
pub async fn fills(State(doors): State<Doors>, parts: Parts) -> Result<Response, Refusal> {
    answered(&doors, &parts, Ask::Fills).await
}

/// Moves one of those on.
#[utoipa::path(post, path = "/v1/staff/fills/move", tag = "staff", summary = "Say how far a renewal is at the pharmacy",
    request_body = FillBody,
    responses(
        (status = 200, description = "Noted", body = DoneView),
        (status = 400, description = "A reason or carrier that nobody could be told", body = ErrorBody),
        (status = 401, description = "Not signed in", body = ErrorBody),
        (status = 403, description = "No role of theirs allows it", body = ErrorBody),
        (status = 404, description = "None of that id can go there from where it is", body = ErrorBody),
    ), security(("staff" = [])))]
pub async fn fill(State(doors): State<Doors>, asked: Asked<FillBody>) -> Result<Response, Refusal> {
    let FillBody { id, to, reason, carrier, due } = asked.body;
    let wrong = Refusal::WrongField { field: "to", expected: "a state of a renewal, as filled or shipped" };
    let to = RenewalState::named(&to).ok_or(wrong)?;
    answered(&doors, &asked.parts, Ask::Fill(id, Moved { to, reason, carrier, due })).await
}
