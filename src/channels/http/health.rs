//! `/livez` and `/readyz`: whether the process runs, and whether each part of it works.

use axum::{Json, extract::State, http::StatusCode};
use serde::Serialize;
use utoipa::ToSchema;

use super::Doors;
use crate::channels::Part;

/// Whether turns can be taken.
#[derive(Serialize, ToSchema)]
pub struct ReadyBody {
    /// Whether turns can be taken.
    pub ready: bool,
    /// The server is finishing what it has and takes nothing new.
    pub stopping: bool,
    /// The parts, and what is wrong with each.
    pub parts: Vec<Part>,
}

/// Answers as long as the process runs.
#[utoipa::path(
    get,
    path = "/livez",
    tag = "operation",
    summary = "Whether the process runs",
    responses((status = 200, description = "It does", body = String, content_type = "text/plain")),
    security(()),
)]
pub async fn live() -> &'static str {
    "ok\n"
}

/// Says which part is not ready.
#[utoipa::path(
    get,
    path = "/readyz",
    tag = "operation",
    summary = "Whether turns can be taken, and which part is missing",
    responses(
        (status = 200, description = "Ready", body = ReadyBody),
        (status = 503, description = "Not ready", body = ReadyBody),
    ),
    security(()),
)]
pub async fn ready(State(doors): State<Doors>) -> (StatusCode, Json<ReadyBody>) {
    let parts = doors.backend.readiness().await;
    let stopping = *doors.stopping.borrow();
    let ready = !stopping && parts.iter().all(|p| p.optional || p.problem.is_none());
    let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(ReadyBody { ready, stopping, parts }))
}
