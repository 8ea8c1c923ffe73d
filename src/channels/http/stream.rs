//! `GET /v1/stream`: a device's own connection, a WebSocket (RFC 6455). Sound and wishes up; answers, speech and events down. The
//! messages are in docs/STREAM.md.
//!
//! Invariants: only a first party's devices, let in as at every other door and asked again with every utterance, every answer and
//! whenever something changed; sound counts after `listen` alone; a turn is the turn of `POST /v1/turns`.

use std::{sync::Arc, time::Duration};

use axum::{
    Router,
    body::Body,
    extract::{FromRequestParts, Request, State},
    http::{HeaderMap, HeaderValue, StatusCode, Version, header, request::Parts},
    response::Response,
    routing::get,
};
use tokio_tungstenite::{
    WebSocketStream,
    tungstenite::{
        handshake::derive_accept_key,
        protocol::{Role, WebSocketConfig},
    },
};
use utoipa::OpenApi;

use super::{
    Doors, Refusal,
    credentials::FirstParty,
    listen::{Carrier, Upgrade},
    refusal::ErrorBody,
};
use crate::{channels::Devices, device::message::PROTOCOL, policy::Caller};

mod ear;
mod link;
mod mouth;
mod streams;

pub use streams::Streams;

/// Longest frame of sound and longest message, in bytes: two seconds.
const FRAME_BYTES: usize = 64_000;
/// What the socket reads at once, in bytes. Every open connection holds so much.
const READ_BYTES: usize = 4096;

/// How long a connection of a device's may take for what.
#[derive(Debug, Clone)]
pub struct StreamLimits {
    /// For the first message.
    pub hello: Duration,
    /// Between two questions whether it is there.
    pub ping: Duration,
    /// Nothing came, not even an answer to that: it is closed.
    pub idle: Duration,
    /// Between two frames of an utterance.
    pub sound: Duration,
    /// For a device to take a message.
    pub send: Duration,
    /// After which it is told that the answer takes a moment.
    pub slow: Duration,
    /// Between two looks at what is due.
    pub ring: Duration,
}

impl Default for StreamLimits {
    fn default() -> Self {
        Self {
            hello: Duration::from_secs(10),
            ping: Duration::from_secs(30),
            idle: Duration::from_secs(75),
            sound: Duration::from_secs(10),
            send: Duration::from_secs(10),
            slow: Duration::from_millis(1500),
            ring: Duration::from_secs(30),
        }
    }
}

/// What is there only where devices may connect.
#[derive(OpenApi)]
#[openapi(paths(open))]
pub struct StreamApi;

/// The route.
pub fn routes() -> Router<Doors> {
    Router::new().route("/v1/stream", get(open))
}

/// A device that may connect.
struct OnStream {
    devices: Arc<dyn Devices>,
    caller: Caller,
}

impl FromRequestParts<Doors> for OnStream {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, doors: &Doors) -> Result<Self, Refusal> {
        let FirstParty(caller) = FirstParty::from_request_parts(parts, doors).await?;
        let devices = doors.devices.clone().ok_or(Refusal::NotFound)?;
        Ok(Self { devices, caller })
    }
}

/// Opens a device's connection.
#[utoipa::path(get, path = "/v1/stream", tag = "device", summary = "A device's own connection (WebSocket, subprotocol wellspoken.1)",
    description = "Texts are JSON, binary frames 16-bit little-endian samples at 16 kHz, one channel. The messages, the order they come in and the close codes are in docs/STREAM.md.",
    responses(
        (status = 101, description = "The connection is a WebSocket from here on"),
        (status = 400, description = "No WebSocket of version 13 that offers the subprotocol", body = ErrorBody),
        (status = 401, description = "No good credential", body = ErrorBody),
        (status = 403, description = "A channel of somebody else's, an operator's credential, or a page of another origin", body = ErrorBody),
        (status = 503, description = "No store, or stopping", body = ErrorBody),
    ), security(("bearer" = []), ("page" = [])))]
pub async fn open(State(doors): State<Doors>, request: Request) -> Result<Response, Refusal> {
    let (mut parts, _) = request.into_parts();
    let device = OnStream::from_request_parts(&mut parts, &doors).await?;
    if *doors.stopping.borrow() {
        return Err(Refusal::Stopping);
    }
    let accept = handshake(&parts).ok_or(Refusal::NotAStream)?;
    let upgrade = parts.extensions.get::<Upgrade>().cloned().ok_or(Refusal::NotAStream)?;
    upgrade.then(Box::new(move |carrier, read| Box::pin(serve(carrier, read, doors, device, parts))));
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    let headers = response.headers_mut();
    headers.insert(header::CONNECTION, HeaderValue::from_static("Upgrade"));
    headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
    headers.insert(header::SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static(PROTOCOL));
    headers.insert(header::SEC_WEBSOCKET_ACCEPT, accept);
    Ok(response)
}

async fn serve(carrier: Carrier, read: bytes::Bytes, doors: Doors, device: OnStream, parts: Parts) {
    let config = WebSocketConfig::default()
        .read_buffer_size(READ_BYTES)
        .write_buffer_size(0)
        .max_write_buffer_size(1 << 20)
        .max_message_size(Some(FRAME_BYTES))
        .max_frame_size(Some(FRAME_BYTES));
    let socket = WebSocketStream::from_partially_read(carrier, read.to_vec(), Role::Server, Some(config)).await;
    link::Link::new(doors, device.devices, device.caller, parts, socket).run().await;
}

/// The answer to a client's key; `None` where it asks for something else than this (RFC 6455 §4.2.1).
fn handshake(parts: &Parts) -> Option<HeaderValue> {
    let headers = &parts.headers;
    let one = |name| headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok());
    let key = one(header::SEC_WEBSOCKET_KEY)?;
    let asks = parts.version == Version::HTTP_11
        && names(headers, header::CONNECTION, "upgrade")
        && names(headers, header::UPGRADE, "websocket")
        && one(header::SEC_WEBSOCKET_VERSION) == Some("13")
        && names(headers, header::SEC_WEBSOCKET_PROTOCOL, PROTOCOL)
        && key.len() == 24
        && key.ends_with("==");
    if asks { HeaderValue::from_str(&derive_accept_key(key.as_bytes())).ok() } else { None }
}

/// Whether a list in a header has this word in it.
fn names(headers: &HeaderMap, name: header::HeaderName, word: &str) -> bool {
    let values = headers.get_all(name).into_iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).any(|one| one.trim().eq_ignore_ascii_case(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_whole_handshake_is_one() {
        let good = [
            ("connection", "keep-alive, Upgrade"),
            ("upgrade", "WebSocket"),
            ("sec-websocket-version", "13"),
            ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
            ("sec-websocket-protocol", "other, wellspoken.1"),
        ];
        let answer = |headers: &[(&str, &str)]| {
            let request =
                headers.iter().fold(axum::http::Request::builder(), |r, (name, value)| r.header(*name, *value));
            handshake(&request.body(()).expect("a request").into_parts().0)
        };
        // RFC 6455 §1.3.
        assert_eq!(answer(&good).expect("an answer"), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
        for n in 0..good.len() {
            let mut bad = good.to_vec();
            bad.remove(n);
            assert!(answer(&bad).is_none(), "without {}", good[n].0);
        }
        for (n, other) in [(0, "close"), (1, "h2c"), (2, "8"), (3, "short"), (4, "wellspoken.2")] {
            let mut bad = good;
            bad[n].1 = other;
            assert!(answer(&bad).is_none(), "{other}");
        }
    }
}
