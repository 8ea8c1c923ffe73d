//! `/metrics`: counts and times for an operator. No label names a person, a room, a session or an intent.

use std::time::Instant;

use axum::{
    extract::{MatchedPath, Request, State},
    http::{StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use prometheus_client::{
    encoding::{EncodeLabelSet, text},
    metrics::{counter::Counter, family::Family, gauge::Gauge, histogram::Histogram},
    registry::Registry,
};

use super::{Doors, Refusal, credentials::Operator, refusal::ErrorBody};
use crate::{
    channels::OnTheirWay,
    turn::{Timings, TurnResult},
};

/// Upper ends of the buckets, in seconds: from a store commit to a long recording.
const BUCKETS: [f64; 14] = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 15.0];

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct TurnLabels {
    channel: &'static str,
    state: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct StageLabels {
    stage: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RequestLabels {
    method: &'static str,
    route: String,
    status: u16,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct AlertLabels {
    kind: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OutboxLabels {
    state: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct CodeLabels {
    code: &'static str,
}

type Stages = Family<StageLabels, Histogram, fn() -> Histogram>;

/// What is counted.
pub struct Metrics {
    registry: Registry,
    turns: Family<TurnLabels, Counter>,
    stages: Stages,
    requests: Family<RequestLabels, Counter>,
    busy: Gauge,
    waiting: Gauge,
    connections: Gauge,
    alerts: Family<AlertLabels, Gauge>,
    outbox: Family<OutboxLabels, Gauge>,
    outbox_oldest: Gauge,
    streams: Gauge,
    stream_refused: Family<CodeLabels, Counter>,
    sound_dropped: Counter,
}

impl Metrics {
    /// Everything at zero.
    pub fn new() -> Self {
        let mut registry = Registry::with_prefix("wellspoken");
        let turns = Family::default();
        let stages: Stages = Family::new_with_constructor(|| Histogram::new(BUCKETS));
        let requests = Family::default();
        let (busy, waiting, connections) = (Gauge::default(), Gauge::default(), Gauge::default());
        registry.register("turns", "Turns taken, by channel and how they ended", turns.clone());
        registry.register("turn_stage_seconds", "Time each stage of a turn took", stages.clone());
        registry.register("http_requests", "Requests, by route and status", requests.clone());
        registry.register("turns_in_progress", "Turns being taken", busy.clone());
        registry.register("recordings_waiting", "Recordings waiting to be heard", waiting.clone());
        registry.register("connections", "Open connections", connections.clone());
        let alerts = Family::default();
        registry.register("alerts", "Alerts since the start, by kind", alerts.clone());
        let (outbox, outbox_oldest) = (Family::default(), Gauge::default());
        registry.register("outbox", "Changes on their way to record servers, by state", outbox.clone());
        registry.register(
            "outbox_oldest_seconds",
            "Age of the oldest change that has not arrived",
            outbox_oldest.clone(),
        );
        let (streams, stream_refused, sound_dropped) = (Gauge::default(), Family::default(), Counter::default());
        registry.register("streams", "Devices that are connected", streams.clone());
        registry.register("stream_refused", "What devices were refused, by why", stream_refused.clone());
        registry.register("stream_sound_dropped", "Frames of sound that nobody was called by", sound_dropped.clone());
        Self {
            registry,
            turns,
            stages,
            requests,
            busy,
            waiting,
            connections,
            alerts,
            outbox,
            outbox_oldest,
            streams,
            stream_refused,
            sound_dropped,
        }
    }

    /// Counts a turn.
    pub fn turn(&self, channel: &'static str, result: &TurnResult) {
        self.turns.get_or_create(&TurnLabels { channel, state: result.state.name() }).inc();
        let Timings { asr, nlu, policy, action, store, speech, total } = result.timings_ms;
        let stages = [
            ("asr", asr),
            ("nlu", nlu),
            ("policy", policy),
            ("action", action),
            ("store", store),
            ("speech", speech),
            ("total", total),
        ];
        for (stage, ms) in stages {
            self.stages.get_or_create(&StageLabels { stage }).observe(ms / 1000.0);
        }
    }

    fn on_their_way(&self, counts: OnTheirWay) {
        let OnTheirWay { waiting, sending, refused, oldest_seconds } = counts;
        for (state, many) in [("waiting", waiting), ("sending", sending), ("refused", refused)] {
            self.outbox.get_or_create(&OutboxLabels { state }).set(many);
        }
        self.outbox_oldest.set(oldest_seconds);
    }

    /// Counts a device that is connected until the guard is dropped.
    pub fn stream(&self) -> Connected {
        self.streams.inc();
        Connected(self.streams.clone())
    }

    /// Counts what a device was refused.
    pub fn stream_refused(&self, code: &'static str) {
        self.stream_refused.get_or_create(&CodeLabels { code }).inc();
    }

    /// Counts a frame of sound that came without being asked for.
    pub fn sound_dropped(&self) {
        self.sound_dropped.inc();
    }

    /// Counts a connection until the guard is dropped.
    pub fn connection(&self) -> Connected {
        self.connections.inc();
        Connected(self.connections.clone())
    }
}

/// One open connection.
pub struct Connected(Gauge);

impl Drop for Connected {
    fn drop(&mut self) {
        self.0.dec();
    }
}

/// Counts a request and writes its log line: method, route, status and time, nothing of what was in it.
pub async fn observe(State(doors): State<Doors>, request: Request, next: Next) -> Response {
    let started = Instant::now();
    let method = known(request.method());
    let route = request.extensions().get::<MatchedPath>().map_or("none", MatchedPath::as_str).to_owned();
    let response = next.run(request).await;
    let status = response.status();
    if status.is_server_error() || (route != "/livez" && route != "/readyz") {
        let ms = started.elapsed().as_secs_f64() * 1000.0;
        tracing::info!(method, route, status = status.as_u16(), ms, "request");
    }
    doors.metrics.requests.get_or_create(&RequestLabels { method, route, status: status.as_u16() }).inc();
    response
}

/// A method's name, from a fixed list: a label must not be the caller's to invent.
fn known(method: &axum::http::Method) -> &'static str {
    match method.as_str() {
        "GET" => "GET",
        "HEAD" => "HEAD",
        "POST" => "POST",
        "PUT" => "PUT",
        "DELETE" => "DELETE",
        "OPTIONS" => "OPTIONS",
        "PATCH" => "PATCH",
        _ => "other",
    }
}

/// Shows the counts.
#[utoipa::path(
    get,
    path = "/metrics",
    tag = "operation",
    summary = "Counts and times, in the OpenMetrics text format",
    responses(
        (status = 200, description = "The counts", body = String, content_type = "application/openmetrics-text"),
        (status = 401, description = "No good credential", body = ErrorBody),
        (status = 403, description = "A credential of a speaker", body = ErrorBody),
    ),
    security(("bearer" = [])),
)]
pub async fn show(State(doors): State<Doors>, _operator: Operator) -> Result<Response, Refusal> {
    let count = |n: usize| i64::try_from(n).unwrap_or(i64::MAX);
    doors.metrics.busy.set(count(*doors.busy.borrow()));
    doors.metrics.waiting.set(count(doors.backend.waiting()));
    for (kind, many) in doors.alerts.iter().flat_map(|door| door.alerts()) {
        let many = i64::try_from(many).unwrap_or(i64::MAX);
        doors.metrics.alerts.get_or_create(&AlertLabels { kind }).set(many);
    }
    if let Some(counts) = doors.backend.on_their_way().await {
        doors.metrics.on_their_way(counts);
    }
    let mut body = String::new();
    text::encode(&mut body, &doors.metrics.registry).map_err(|_| Refusal::Broken)?;
    let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    Ok((StatusCode::OK, [(header::CONTENT_TYPE, kind)], body).into_response())
}
