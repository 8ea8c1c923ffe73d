//! `/v1/device/…`: what a device, or a page that stays open, asks for by itself. It rings; what may be said with it is decided
//! behind the door.
//!
//! Invariants: only a first party's; asking by itself is no use, so a page that nobody uses is signed out all the same. A room gets
//! nothing that rings, because nurses give the medicines there.

use std::sync::Arc;

use axum::{
    Json, Router,
    extract::{FromRequestParts, Request, State},
    http::{StatusCode, request::Parts},
    routing::{get, post},
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::{OpenApi, ToSchema};

use super::{Doors, Refusal, body, credentials::FirstParty, refusal::ErrorBody};
use crate::{channels::Bell, policy::Caller};

/// Longest body, in bytes.
const MAX_BODY: usize = 1024;

/// What is there only where devices ring.
#[derive(OpenApi)]
#[openapi(paths(due, rang), tags((name = "device", description = "What a device asks for by itself")))]
pub struct DeviceApi;

/// The routes.
pub fn routes() -> Router<Doors> {
    Router::new().route("/v1/device/due", get(due)).route("/v1/device/rang", post(rang))
}

/// A device of a first party's.
pub struct OnDevice {
    bell: Arc<dyn Bell>,
    caller: Caller,
}

impl FromRequestParts<Doors> for OnDevice {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, doors: &Doors) -> Result<Self, Refusal> {
        let FirstParty(caller) = FirstParty::from_request_parts(parts, doors).await?;
        let bell = doors.bell.clone().ok_or(Refusal::NotFound)?;
        Ok(Self { bell, caller })
    }
}

/// What is due.
#[derive(Serialize, ToSchema)]
pub struct DueBody {
    /// Each of it; empty where nothing is.
    due: Vec<RingBody>,
}

/// One thing that is due.
#[derive(Serialize, ToSchema)]
pub struct RingBody {
    /// The reminder; `news` where there is news.
    id: String,
    /// Which of its times, or up to when news came; to be sent back when it has rung.
    #[schema(value_type = String, format = DateTime)]
    at: Timestamp,
    /// The sound: `reminder` or `news`.
    chime: &'static str,
    /// What may be said with a reminder. For news it is for a screen: that there is something, for nobody by name.
    text: String,
    /// The same, for a voice.
    ssml: String,
}

/// What was rung.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RangBody {
    /// As it was given.
    id: String,
    /// As it was given.
    #[schema(value_type = String, format = DateTime)]
    at: Timestamp,
}

/// Whether it was noted.
#[derive(Serialize, ToSchema)]
pub struct NotedBody {
    /// False where another device rang it before, or it is none of theirs: then it need not ring here.
    noted: bool,
}

/// Tells what is due.
#[utoipa::path(get, path = "/v1/device/due", tag = "device", summary = "What is due on this device now",
    description = "Ask every half minute or so. Each time of a reminder is told until it is said to have rung, for an hour at most. Where it is not clear who is there, or others may hear it, the words are only that there is a reminder. News makes one sound, `news`, and says neither what nor whose it is: whoever asks is told, once they are known.",
    responses(
        (status = 200, description = "What is due; nothing in a hospital room", body = DueBody),
        (status = 401, description = "No good credential", body = ErrorBody),
        (status = 403, description = "A channel of somebody else's, or an operator's credential", body = ErrorBody),
        (status = 503, description = "No store", body = ErrorBody),
    ), security(("bearer" = []), ("page" = [])))]
pub async fn due(OnDevice { bell, caller }: OnDevice) -> Result<Json<DueBody>, Refusal> {
    let due = bell.due(&caller).await?;
    let ring =
        |r: crate::turn::Ring| RingBody { id: r.id, at: r.at, chime: r.sound.name(), text: r.text, ssml: r.ssml };
    Ok(Json(DueBody { due: due.into_iter().map(ring).collect() }))
}

/// Notes that it rang.
#[utoipa::path(post, path = "/v1/device/rang", tag = "device", summary = "Say that something has rung",
    description = "Send it before the sound begins: of several devices, the one that is told `noted` rings.",
    request_body = RangBody,
    responses(
        (status = 200, description = "Whether this device is to ring it", body = NotedBody),
        (status = 400, description = "Not such an object", body = ErrorBody),
        (status = 401, description = "No good credential", body = ErrorBody),
        (status = 403, description = "A channel of somebody else's, or an operator's credential", body = ErrorBody),
        (status = 413, description = "Too large", body = ErrorBody),
        (status = 415, description = "Not JSON", body = ErrorBody),
        (status = 503, description = "No store", body = ErrorBody),
    ), security(("bearer" = []), ("page" = [])))]
pub async fn rang(State(doors): State<Doors>, request: Request) -> Result<(StatusCode, Json<NotedBody>), Refusal> {
    let (mut parts, body) = request.into_parts();
    let OnDevice { bell, caller } = OnDevice::from_request_parts(&mut parts, &doors).await?;
    if !body::is_json(&parts.headers) {
        return Err(Refusal::WrongType("application/json"));
    }
    let held = body::read(&doors, &parts.headers, body, MAX_BODY).await?;
    let RangBody { id, at } = serde_json::from_slice(&held.bytes).map_err(|_| Refusal::WrongField {
        field: "body",
        expected: "an object of `id` and `at`, as they were given",
    })?;
    let noted = bell.rang(&caller, &id, at).await?;
    Ok((StatusCode::OK, Json(NotedBody { noted })))
}
