//! `/v1/staff/audit/…`: the audit trail, for those who watch over who looked at what: signed as a whole, and rows that are looked for.
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
    staff::{Asked, answered, id, member},
};
use crate::{
    channels::Trail,
    policy::{Event, RoomId},
    staff::{Ask, TrailAsk, TrailView, Whom},
};

/// Bytes that are handed on at once.
const PIECE: usize = 16 * 1024;

/// What is there only where staff can sign in.
#[derive(OpenApi)]
#[openapi(paths(export, search))]
pub struct AuditApi;

/// The route.
pub fn routes() -> Router<Doors> {
    Router::new().route("/v1/staff/audit/export", post(export)).route("/v1/staff/audit/search", post(search))
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

/// What is looked for; what is absent does not narrow it.
#[derive(Default, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct SearchBody {
    /// From the first row at or after this time.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub(super) from: Option<Timestamp>,
    /// To the last row before this time.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub(super) to: Option<Timestamp>,
    /// The kind: `opened`, `refused`, `glass-broken`, …
    pub(super) event: Option<String>,
    /// How it ended: `answered`, `done`, `no_right`, …
    pub(super) outcome: Option<String>,
    /// Through a device of this room, or about one of its devices or places.
    pub(super) room: Option<String>,
    /// The same for all rooms of a unit.
    pub(super) unit: Option<String>,
    /// By this member of staff: their whole name.
    pub(super) staff: Option<String>,
    /// About this person, by their id; or …
    pub(super) person: Option<String>,
    /// … by a medical record number or the like, `system|value`.
    pub(super) identifier: Option<String>,
    /// Only rows before this one; for going on.
    pub(super) before: Option<i64>,
}

impl SearchBody {
    /// As the desk takes it.
    pub(super) fn ask(self) -> Result<TrailAsk, Refusal> {
        let event = self.event.map(|name| {
            Event::named(&name).ok_or(Refusal::WrongField { field: "event", expected: "a kind that the trail has" })
        });
        let expected = "1 to 64 letters, digits or `-_.:`";
        let room =
            self.room.map(|room| RoomId::parse(&room).map_err(|_| Refusal::WrongField { field: "room", expected }));
        let whom = match (self.person, self.identifier) {
            (None, None) => None,
            (Some(person), None) => Some(Whom::Person(id(&person)?)),
            (None, Some(identifier)) => Some(Whom::Identifier(identifier)),
            (Some(_), Some(_)) => {
                return Err(Refusal::WrongField { field: "person", expected: "there, or `identifier`, and not both" });
            }
        };
        Ok(TrailAsk {
            from: self.from,
            to: self.to,
            event: event.transpose()?,
            outcome: self.outcome,
            room: room.transpose()?,
            unit: self.unit,
            staff: self.staff,
            whom,
            before: self.before,
        })
    }
}

/// Looks for rows.
#[utoipa::path(post, path = "/v1/staff/audit/search", tag = "staff", summary = "Rows of the audit trail",
    description = "The newest first, fifty at most; `next` is the `before` of the next fifty. That somebody looks is in the trail first, and in that of the person whose rows are looked for. Nobody is found by their name, and of what somebody asked their own assistant for it is told that they asked, not what.",
    request_body = SearchBody,
    responses(
        (status = 200, description = "The rows", body = TrailView),
        (status = 400, description = "Nothing that can be looked for", body = ErrorBody),
        (status = 401, description = "Not signed in", body = ErrorBody),
        (status = 403, description = "No role of theirs allows it", body = ErrorBody),
        (status = 404, description = "Nobody of that id or number", body = ErrorBody),
        (status = 503, description = "No store", body = ErrorBody),
    ), security(("staff" = [])))]
pub async fn search(State(doors): State<Doors>, asked: Asked<SearchBody>) -> Result<Response, Refusal> {
    answered(&doors, &asked.parts, Ask::SearchAudit(asked.body.ask()?)).await
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
