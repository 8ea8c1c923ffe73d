//! `/v1/staff/admissions…`: messages of the admission system that wait for somebody. Each address is a question for the desk, which
//! decides what somebody may and how far they reach.

use axum::{
    Router,
    extract::State,
    http::request::Parts,
    response::Response,
    routing::{get, post},
};
use serde::Deserialize;
use utoipa::{OpenApi, ToSchema};

use super::{
    Doors, Refusal,
    refusal::ErrorBody,
    staff::{Asked, CallBody, answered},
};
use crate::{
    fleet::adt::Location,
    policy::RoomId,
    staff::{AdmissionAsk, AdmissionText, AdmissionsView, Ask, DoneView},
};

/// What is there only where staff can sign in.
#[derive(OpenApi)]
#[openapi(paths(waiting, read, settle, again, map))]
pub struct AdmissionsApi;

/// A route for each question.
pub fn routes() -> Router<Doors> {
    Router::new()
        .route("/v1/staff/admissions", get(waiting))
        .route("/v1/staff/admissions/read", post(read))
        .route("/v1/staff/admissions/settle", post(settle))
        .route("/v1/staff/admissions/again", post(again))
        .route("/v1/staff/admissions/map", post(map))
}

/// Which room a bed is.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct BedBody {
    /// The bed as PV1-3 has it, such as `4E^136^B^MERCY`.
    bed: String,
    /// The room as its devices know it.
    room: String,
}

/// Shows what waits.
#[utoipa::path(get, path = "/v1/staff/admissions", tag = "staff",
    summary = "Messages of the admission system that wait for somebody, and why; nothing of whom they are about",
    responses(
        (status = 200, description = "The oldest first", body = AdmissionsView),
        (status = 401, description = "Not signed in", body = ErrorBody),
        (status = 403, description = "No role of theirs allows it", body = ErrorBody),
    ), security(("staff" = [])))]
pub async fn waiting(State(doors): State<Doors>, parts: Parts) -> Result<Response, Refusal> {
    answered(&doors, &parts, Ask::Admissions(AdmissionAsk::Waiting)).await
}

/// Shows one.
#[utoipa::path(post, path = "/v1/staff/admissions/read", tag = "staff", summary = "A message as it came; audited",
    description = "Only one about a room of their units, or about no room here.", request_body = CallBody,
    responses(
        (status = 200, description = "It says who somebody is", body = AdmissionText),
        (status = 401, description = "Not signed in", body = ErrorBody),
        (status = 403, description = "No role of theirs allows it", body = ErrorBody),
        (status = 404, description = "No such message of theirs", body = ErrorBody),
    ), security(("staff" = [])))]
pub async fn read(State(doors): State<Doors>, asked: Asked<CallBody>) -> Result<Response, Refusal> {
    answered(&doors, &asked.parts, Ask::Admissions(AdmissionAsk::Read(asked.body.id))).await
}

/// Settles one.
#[utoipa::path(post, path = "/v1/staff/admissions/settle", tag = "staff",
    summary = "Say that one was looked at, and nothing more comes of it; audited", request_body = CallBody,
    responses(
        (status = 200, description = "It waits no more", body = DoneView),
        (status = 401, description = "Not signed in", body = ErrorBody),
        (status = 403, description = "No role of theirs allows it", body = ErrorBody),
        (status = 404, description = "No such message of theirs waits", body = ErrorBody),
    ), security(("staff" = [])))]
pub async fn settle(State(doors): State<Doors>, asked: Asked<CallBody>) -> Result<Response, Refusal> {
    answered(&doors, &asked.parts, Ask::Admissions(AdmissionAsk::Settle(asked.body.id))).await
}

/// Has one done again.
#[utoipa::path(post, path = "/v1/staff/admissions/again", tag = "staff",
    summary = "Have a message done again that waits for a bed, or that failed; audited", request_body = CallBody,
    responses(
        (status = 200, description = "It is done again, in its order", body = DoneView),
        (status = 401, description = "Not signed in", body = ErrorBody),
        (status = 403, description = "No role of theirs allows it", body = ErrorBody),
        (status = 404, description = "No such message of theirs can be done again", body = ErrorBody),
    ), security(("staff" = [])))]
pub async fn again(State(doors): State<Doors>, asked: Asked<CallBody>) -> Result<Response, Refusal> {
    answered(&doors, &asked.parts, Ask::Admissions(AdmissionAsk::Again(asked.body.id))).await
}

/// Says which room a bed is.
#[utoipa::path(post, path = "/v1/staff/admissions/map", tag = "staff",
    summary = "Say which room a bed is; what waited for it is done again; audited", request_body = BedBody,
    responses(
        (status = 200, description = "It is that room from now on", body = DoneView),
        (status = 401, description = "Not signed in", body = ErrorBody),
        (status = 403, description = "No role of theirs allows it", body = ErrorBody),
        (status = 404, description = "The room is none of theirs, or the bed is somebody else's room", body = ErrorBody),
    ), security(("staff" = [])))]
pub async fn map(State(doors): State<Doors>, asked: Asked<BedBody>) -> Result<Response, Refusal> {
    let expected = "as PV1-3 has it, such as 4E^136^B^MERCY";
    let bed = Location::parse(&asked.body.bed).ok_or(Refusal::WrongField { field: "bed", expected })?;
    let expected = "1 to 64 letters, digits or `-_.:`";
    let room = RoomId::parse(&asked.body.room).map_err(|_| Refusal::WrongField { field: "room", expected })?;
    answered(&doors, &asked.parts, Ask::Admissions(AdmissionAsk::Map(bed, room))).await
}
