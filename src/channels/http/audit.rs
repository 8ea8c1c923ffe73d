//! `/v1/staff/audit/export`: the signed audit trail, for those who watch over who looked at what.
//!
//! Invariant: what breaks off on the way is no whole answer, on the wire and in what was received of it: the last line, which says
//! what the export holds, is missing, and the connection ends before the body does.

use std::io;

use axum::{
    Router,
    body::Body,
    extract::State,
    http::header,
    response::{IntoResponse, Response},
    routing::post,
};
use bytes::Bytes;
use futures_util::stream;
use jiff::Timestamp;
use serde::Deserialize;
use tokio::io::AsyncReadExt as _;
use utoipa::{OpenApi, ToSchema};

use super::{
    Doors, Refusal,
    refusal::ErrorBody,
    staff::{Asked, member},
};
use crate::channels::Trail;

/// Bytes that are handed on at once.
const PIECE: usize = 16 * 1024;

/// What is there only where staff can sign in.
#[derive(OpenApi)]
#[openapi(paths(export))]
pub struct AuditApi;

/// The route.
pub fn routes() -> Router<Doors> {
    Router::new().route("/v1/staff/audit/export", post(export))
}

/// Which part of the trail.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SpanBody {
    /// From the first entry at or after this time; absent: from the beginning.
    #[serde(default)]
    #[schema(value_type = Option<String>, format = DateTime)]
    from: Option<Timestamp>,
    /// To the last entry before this time; absent: to the end.
    #[serde(default)]
    #[schema(value_type = Option<String>, format = DateTime)]
    to: Option<Timestamp>,
}

/// Gives out the audit trail.
#[utoipa::path(post, path = "/v1/staff/audit/export", tag = "staff", summary = "The audit trail as signed FHIR AuditEvents, one a line",
    description = "As `wellspoken audit export` writes it; `wellspoken audit verify --export FILE --public-key FILE` checks it anywhere. That it was asked for, and by whom, is in it.",
    request_body = SpanBody,
    responses(
        (status = 200, description = "The trail", content_type = "application/fhir+ndjson", body = String),
        (status = 400, description = "No times", body = ErrorBody),
        (status = 401, description = "Not signed in", body = ErrorBody),
        (status = 403, description = "No role of theirs allows it", body = ErrorBody),
        (status = 503, description = "No store", body = ErrorBody),
    ), security(("staff" = [])))]
pub async fn export(State(doors): State<Doors>, asked: Asked<SpanBody>) -> Result<Response, Refusal> {
    let (door, staff) = member(&doors, &asked.parts, true).await?;
    let trail = door.export(&staff, (asked.body.from, asked.body.to)).await.map_err(Refusal::NotTold)?;
    let headers = [
        (header::CONTENT_TYPE, "application/fhir+ndjson"),
        (header::CONTENT_DISPOSITION, "attachment; filename=\"audit.ndjson\""),
        (header::CACHE_CONTROL, "no-store"),
    ];
    Ok((headers, Body::from_stream(stream::try_unfold(Some(trail), piece))).into_response())
}

/// The next piece; an error where the trail was not written whole.
async fn piece(trail: Option<Trail>) -> Result<Option<(Bytes, Option<Trail>)>, io::Error> {
    let Some(mut trail) = trail else { return Ok(None) };
    let mut bytes = vec![0; PIECE];
    let read = trail.lines.read(&mut bytes).await?;
    if read > 0 {
        bytes.truncate(read);
        return Ok(Some((bytes.into(), Some(trail))));
    }
    match trail.whole.await {
        Ok(true) => Ok(None),
        _ => Err(io::Error::other("the export broke off")),
    }
}
