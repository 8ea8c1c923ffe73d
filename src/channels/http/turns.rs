//! `POST /v1/turns`: one thing said, typed or recorded, and its answer.

use axum::{
    Json,
    body::Body,
    extract::{Request, State},
    http::{HeaderMap, HeaderValue, header},
    response::{IntoResponse, Response},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde::Serialize;
use tokio::sync::watch;

use super::{Doors, Refusal, body, credentials::Speaker, refusal::ErrorBody};
use crate::{
    policy::{Caller, SessionId, TurnId},
    turn::{Input, TurnRequest, TurnResult},
};

mod answer;
mod fields;

pub use answer::TurnBody;
pub use fields::{TextTurn, not_read};

/// The header with a session's name.
const SESSION: &str = "wellspoken-session";
/// The header with a turn's name.
const TURN: &str = "wellspoken-turn";

/// Takes one turn.
#[utoipa::path(
    post,
    path = "/v1/turns",
    tag = "turns",
    summary = "Say something and be answered",
    description = "Typed text as JSON, or a recording as WAV (8 to 48 kHz, mono or stereo; 16 kHz mono is enough). Who speaks, \
        and through which channel, comes from the credential alone. Repeating a turn id repeats the answer and \
        never acts twice. With `Accept: audio/wav` the answer is speech, with its session and turn in the \
        Wellspoken-… headers; where there is no voice it is JSON all the same.",
    params(
        ("Wellspoken-Session" = Option<String>, Header, description = "The conversation it belongs to, for recordings; JSON may name it in the body."),
        ("Wellspoken-Turn" = Option<String>, Header, description = "The client's own name for this turn, for recordings; JSON may name it in the body."),
        ("Accept" = Option<String>, Header,
            description = "`application/json` (default), `application/json; audio=wav` to have the speech inside as base64, or `audio/wav`."),
    ),
    request_body(content(
        (TextTurn = "application/json"),
        (Vec<u8> = "audio/wav"),
    )),
    responses(
        (status = 200, description = "The answer; also for what was not understood or not allowed", content(
            (TurnBody = "application/json"),
            (Vec<u8> = "audio/wav"),
        )),
        (status = 400, description = "The request is not one turn", body = ErrorBody),
        (status = 401, description = "No good credential", body = ErrorBody),
        (status = 403, description = "A credential of another kind, or a page of another origin", body = ErrorBody),
        (status = 408, description = "The body came too slowly", body = ErrorBody),
        (status = 413, description = "The body is too large", body = ErrorBody),
        (status = 415, description = "Neither JSON nor WAV", body = ErrorBody),
        (status = 421, description = "Addressed to another host", body = ErrorBody),
        (status = 503, description = "Too much at once, stopping, or no store", body = ErrorBody),
    ),
    security(("bearer" = []), ("page" = [])),
)]
pub async fn take(State(doors): State<Doors>, Speaker(caller): Speaker, request: Request) -> Result<Response, Refusal> {
    let (parts, body) = request.into_parts();
    if parts.uri.query().is_some() {
        return Err(Refusal::Query);
    }
    let (turn, form, held) = understood(&doors, caller, &parts.headers, body).await?;
    let surface = turn.caller.surface.name();
    let result = finish(&doors, turn).await?;
    drop(held);
    doors.metrics.turn(surface, &result);
    tracing::info!(channel = surface, state = result.state.name(), ms = result.timings_ms.total, "turn");
    Ok(form.respond(result))
}

/// How the answer is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    Json,
    JsonWithSound,
    Sound,
}

/// Reads a request as one turn.
async fn understood(
    doors: &Doors,
    caller: Caller,
    headers: &HeaderMap,
    body: Body,
) -> Result<(TurnRequest, Form, body::Held), Refusal> {
    let content = content(headers)?;
    ours(headers)?;
    let session = id(headers, SESSION, "Wellspoken-Session", SessionId::parse)?;
    let turn = id(headers, TURN, "Wellspoken-Turn", TurnId::parse)?;
    match content {
        Content::Json => {
            let mut held = body::read(doors, headers, body, doors.limits.json_bytes).await?;
            let said = fields::parse(&std::mem::take(&mut held.bytes))?;
            let form = Form::wanted(headers, said.speak);
            let turn = TurnRequest {
                caller,
                session: agreed("session", said.session, session)?,
                turn: agreed("turn_id", said.turn, turn)?,
                input: Input::Text(said.text),
                speak: form != Form::Json,
            };
            Ok((turn, form, held))
        }
        Content::Wav => {
            let form = Form::wanted(headers, false);
            let mut held = body::read(doors, headers, body, doors.limits.wav_bytes).await?;
            let input = Input::Audio(std::mem::take(&mut held.bytes));
            Ok((TurnRequest { caller, session, turn, input, speak: form != Form::Json }, form, held))
        }
    }
}

/// One name that may stand in the body or in a header: the same in both, or in one.
fn agreed<T: PartialEq>(field: &'static str, body: Option<T>, header: Option<T>) -> Result<Option<T>, Refusal> {
    match (body, header) {
        (Some(a), Some(b)) if a != b => Err(Refusal::Disagree(field)),
        (body, header) => Ok(body.or(header)),
    }
}

/// Takes the turn to its end even if the caller hangs up half way: a call for help must not depend on
/// somebody waiting for the answer.
pub async fn finish(doors: &Doors, turn: TurnRequest) -> Result<TurnResult, Refusal> {
    if *doors.stopping.borrow() {
        return Err(Refusal::Stopping);
    }
    let busy = Busy::enter(&doors.busy);
    let backend = doors.backend.clone();
    let task = tokio::spawn(async move {
        let _busy = busy;
        backend.turn(turn).await
    });
    task.await.map_err(|_| Refusal::Broken)
}

/// Counts one turn in progress.
struct Busy(std::sync::Arc<watch::Sender<usize>>);

impl Busy {
    fn enter(count: &std::sync::Arc<watch::Sender<usize>>) -> Self {
        count.send_modify(|n| *n += 1);
        Self(count.clone())
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.send_modify(|n| *n = n.saturating_sub(1));
    }
}

enum Content {
    Json,
    Wav,
}

fn content(headers: &HeaderMap) -> Result<Content, Refusal> {
    const WANTED: &str = "application/json or audio/wav";
    let mut types = headers.get_all(header::CONTENT_TYPE).iter();
    let (Some(value), None) = (types.next(), types.next()) else { return Err(Refusal::WrongType(WANTED)) };
    let essence = value.to_str().unwrap_or("").split(';').next().unwrap_or("").trim().to_ascii_lowercase();
    match essence.as_str() {
        "application/json" => Ok(Content::Json),
        "audio/wav" | "audio/wave" | "audio/x-wav" | "audio/vnd.wave" => Ok(Content::Wav),
        _ => Err(Refusal::WrongType(WANTED)),
    }
}

/// Refuses headers of ours that do not exist, above all those by which a request would say who it is.
fn ours(headers: &HeaderMap) -> Result<(), Refusal> {
    for name in headers.keys().map(axum::http::HeaderName::as_str) {
        let Some(rest) = name.strip_prefix("wellspoken-") else { continue };
        if let Some(own) = fields::impersonation(rest) {
            return Err(Refusal::Impersonation(own));
        }
        if name != SESSION && name != TURN {
            return Err(Refusal::UnknownHeader(fields::quoted(name)));
        }
    }
    Ok(())
}

fn id<T, E>(
    headers: &HeaderMap,
    name: &str,
    shown: &'static str,
    parse: impl Fn(&str) -> Result<T, E>,
) -> Result<Option<T>, Refusal> {
    let wrong = Refusal::WrongField { field: shown, expected: fields::ID };
    let mut all = headers.get_all(name).iter();
    match (all.next(), all.next()) {
        (None, _) => Ok(None),
        (Some(value), None) => value.to_str().ok().and_then(|v| parse(v).ok()).map(Some).ok_or(wrong),
        (Some(_), Some(_)) => Err(wrong),
    }
}

impl Form {
    fn wanted(headers: &HeaderMap, speak: bool) -> Self {
        let ranges = headers.get_all(header::ACCEPT).iter().filter_map(|v| v.to_str().ok());
        for range in ranges.flat_map(|v| v.split(',')) {
            let mut parts = range.split(';').map(|p| p.trim().to_ascii_lowercase());
            let essence = parts.next().unwrap_or_default();
            if essence == "audio/wav" {
                return Self::Sound;
            }
            if essence == "application/json" && parts.any(|p| p == "audio=wav") {
                return Self::JsonWithSound;
            }
        }
        if speak { Self::JsonWithSound } else { Self::Json }
    }

    fn respond(self, mut result: TurnResult) -> Response {
        #[derive(Serialize)]
        struct Told<'a> {
            #[serde(flatten)]
            result: &'a TurnResult,
            #[serde(skip_serializing_if = "Option::is_none")]
            audio: Option<String>,
        }
        match (self, result.audio.take()) {
            (Self::Sound, Some(wav)) => {
                let mut response = ([(header::CONTENT_TYPE, "audio/wav")], wav).into_response();
                for (name, value) in [(SESSION, &result.session), (TURN, &result.turn_id)] {
                    if let Ok(value) = HeaderValue::from_str(value) {
                        response.headers_mut().insert(name, value);
                    }
                }
                response
            }
            (Self::JsonWithSound, Some(wav)) => {
                Json(Told { result: &result, audio: Some(STANDARD.encode(wav)) }).into_response()
            }
            // Without a voice the answer still goes out: the turn has been taken.
            _ => Json(Told { result: &result, audio: None }).into_response(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_form_of_the_answer_follows_accept() {
        for (accept, speak, expected) in [
            ("", false, Form::Json),
            ("*/*", false, Form::Json),
            ("application/json", true, Form::JsonWithSound),
            ("application/json; audio=wav", false, Form::JsonWithSound),
            ("audio/wav", false, Form::Sound),
            ("text/html, Audio/WAV;q=0.9", false, Form::Sound),
        ] {
            let mut headers = HeaderMap::new();
            if !accept.is_empty() {
                headers.insert(header::ACCEPT, accept.parse().expect("value"));
            }
            assert_eq!(Form::wanted(&headers, speak), expected, "{accept:?}");
        }
    }
}
