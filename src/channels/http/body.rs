//! Reading a body: never more than allowed, never for longer than allowed, never more than there is room for.

use std::time::Duration;

use axum::{
    body::Body,
    http::{HeaderMap, header},
};
use bytes::Bytes;
use http_body_util::BodyExt as _;
use tokio::{
    sync::OwnedSemaphorePermit,
    time::{Instant, timeout_at},
};

use super::{Doors, Refusal};

/// The unit in which room for large bodies is counted, in bytes.
pub const UNIT: usize = 64 * 1024;

/// A whole body, and its claim to room until it is dropped.
pub struct Held {
    /// What was sent; never empty.
    pub bytes: Vec<u8>,
    _room: Option<OwnedSemaphorePermit>,
}

/// Reads a body of at most `limit` bytes.
///
/// # Errors
/// When it is empty, too large, too slow, cut off, or when too many large bodies are being held already.
pub async fn read(doors: &Doors, headers: &HeaderMap, mut body: Body, limit: usize) -> Result<Held, Refusal> {
    let announced = announced(headers);
    if announced.is_some_and(|n| n > limit as u64) {
        return Err(Refusal::TooLarge(limit));
    }
    let end = Instant::now() + doors.limits.body_total;
    let mut bytes = Vec::with_capacity(announced.and_then(|n| usize::try_from(n).ok()).unwrap_or(0).min(UNIT));
    let mut room: Option<OwnedSemaphorePermit> = None;
    while let Some(piece) = piece(&mut body, end, doors.limits.body_pause).await? {
        if bytes.len() + piece.len() > limit {
            return Err(Refusal::TooLarge(limit));
        }
        claim(doors, &mut room, bytes.len() + piece.len())?;
        bytes.extend_from_slice(&piece);
    }
    if bytes.is_empty() { Err(Refusal::Empty) } else { Ok(Held { bytes, _room: room }) }
}

fn announced(headers: &HeaderMap) -> Option<u64> {
    headers.get(header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

async fn piece(body: &mut Body, end: Instant, pause: Duration) -> Result<Option<Bytes>, Refusal> {
    loop {
        let until = end.min(Instant::now() + pause);
        match timeout_at(until, body.frame()).await {
            Err(_) => return Err(Refusal::TooSlow),
            Ok(None) => return Ok(None),
            Ok(Some(Err(_))) => return Err(Refusal::Truncated),
            Ok(Some(Ok(frame))) => {
                if let Ok(data) = frame.into_data() {
                    return Ok(Some(data));
                }
            }
        }
    }
}

/// Whether a body says that it is JSON.
pub fn is_json(headers: &HeaderMap) -> bool {
    is(headers, "application/json")
}

/// Whether a body says that it is of that type.
pub fn is(headers: &HeaderMap, kind: &str) -> bool {
    let essence = |value: &str| value.split(';').next().unwrap_or("").trim().eq_ignore_ascii_case(kind);
    headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).is_some_and(essence)
}

/// Makes sure that a body of this size has the room it needs.
pub fn claim(doors: &Doors, room: &mut Option<OwnedSemaphorePermit>, size: usize) -> Result<(), Refusal> {
    let needed = size.saturating_sub(doors.limits.small_bytes).div_ceil(UNIT);
    let missing = needed.saturating_sub(room.as_ref().map_or(0, OwnedSemaphorePermit::num_permits));
    if missing == 0 {
        return Ok(());
    }
    let count = u32::try_from(missing).map_err(|_| Refusal::Busy)?;
    let more = doors.room.clone().try_acquire_many_owned(count).map_err(|_| Refusal::Busy)?;
    match room {
        Some(held) => held.merge(more),
        None => *room = Some(more),
    }
    Ok(())
}
