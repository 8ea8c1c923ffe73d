//! `/v1/staff/requests/say`, `/v1/staff/requests/live` and `/v1/staff/duty`: answering in the room, watching the board, who is on
//! duty.
//!
//! Invariant: a watched board shows no more than one that is asked for, and ends with the session or with the server.

use std::{collections::VecDeque, convert::Infallible, sync::Arc, time::Duration};

use axum::{
    Router,
    extract::State,
    http::request::Parts,
    response::{
        IntoResponse, Response,
        sse::{Event, KeepAlive, Sse},
    },
    routing::{get, post},
};
use futures_util::Stream;
use jiff::Timestamp;
use serde::Deserialize;
use utoipa::{OpenApi, ToSchema};

use super::{
    Doors, Refusal,
    refusal::ErrorBody,
    staff::{Asked, CallBody, answered, presented},
};
use crate::{
    channels::StaffDoor,
    policy::staff::StaffMember,
    staff::{Ask, DoneView, DutiesView, LiveEvent, LiveView, OnDuty, Told},
};

/// How often a watched board is looked at.
const LOOK: Duration = Duration::from_millis(300);
/// After how many looks the session is asked for again.
const SESSION: u32 = 10;
/// How often something is sent where nothing happens, so that a line that broke is noticed.
const ALIVE: Duration = Duration::from_secs(15);

/// What is there only where staff can sign in.
#[derive(OpenApi)]
#[openapi(paths(say, live, duties, put_on_duty, take_off_duty), components(schemas(LiveEvent)))]
pub struct CallsApi;

/// A route for each question.
pub fn routes() -> Router<Doors> {
    Router::new()
        .route("/v1/staff/requests/say", post(say))
        .route("/v1/staff/requests/live", get(live))
        .route("/v1/staff/duty", get(duties).post(put_on_duty))
        .route("/v1/staff/duty/end", post(take_off_duty))
}

/// Something to be said in the room of a call.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SayBody {
    /// The call.
    id: String,
    /// What is said, as staff's own words: 2 to 200 characters in one line.
    words: String,
}

/// Somebody who is to be on duty.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DutyBody {
    /// The unit.
    unit: String,
    /// `nurse`, `assistant`, `housekeeping`, `dietary`, `interpreter`, `chaplain`, `it`, `equipment`, `charge` or `supervisor`.
    role: String,
    /// What people call them, in 1 to 80 characters.
    who: String,
    /// From when; now, where that is left out.
    #[serde(default)]
    #[schema(value_type = Option<String>, format = DateTime)]
    since: Option<Timestamp>,
    /// Until when, 48 hours later at most.
    #[schema(value_type = String, format = DateTime)]
    until: Timestamp,
}

/// Has something said in a room.
#[utoipa::path(post, path = "/v1/staff/requests/say", tag = "staff", summary = "Say something to the room of a call",
    description = "The room hears it as staff's own words, with the name of whoever says it. It counts as having seen the call.",
    request_body = SayBody,
    responses(
        (status = 200, description = "Kept, and said as soon as the room can be reached", body = DoneView),
        (status = 400, description = "Words that cannot be said", body = ErrorBody),
        (status = 401, description = "Not signed in", body = ErrorBody),
        (status = 403, description = "No role of theirs allows it", body = ErrorBody),
        (status = 404, description = "No such open call in their units", body = ErrorBody),
    ), security(("staff" = [])))]
pub async fn say(State(doors): State<Doors>, asked: Asked<SayBody>) -> Result<Response, Refusal> {
    answered(&doors, &asked.parts, Ask::SayBack(asked.body.id, asked.body.words)).await
}

/// Shows who is on duty.
#[utoipa::path(get, path = "/v1/staff/duty", tag = "staff", summary = "Who is or will be on duty in one's units",
    responses(
        (status = 200, description = "The times, by unit and role", body = DutiesView),
        (status = 401, description = "Not signed in", body = ErrorBody),
        (status = 403, description = "No role of theirs allows it", body = ErrorBody),
    ), security(("staff" = [])))]
pub async fn duties(State(doors): State<Doors>, parts: Parts) -> Result<Response, Refusal> {
    answered(&doors, &parts, Ask::Duties).await
}

/// Puts somebody on duty.
#[utoipa::path(post, path = "/v1/staff/duty", tag = "staff", summary = "Put somebody on duty",
    request_body = DutyBody,
    responses(
        (status = 200, description = "On duty", body = DoneView),
        (status = 400, description = "No name, or times that cannot be", body = ErrorBody),
        (status = 401, description = "Not signed in", body = ErrorBody),
        (status = 403, description = "No role of theirs allows it", body = ErrorBody),
        (status = 404, description = "No such unit of theirs", body = ErrorBody),
    ), security(("staff" = [])))]
pub async fn put_on_duty(State(doors): State<Doors>, asked: Asked<DutyBody>) -> Result<Response, Refusal> {
    let DutyBody { unit, role, who, since, until } = asked.body;
    answered(&doors, &asked.parts, Ask::PutOnDuty(OnDuty { unit, role, who, since, until })).await
}

/// Takes somebody off duty.
#[utoipa::path(post, path = "/v1/staff/duty/end", tag = "staff", summary = "Take somebody off duty",
    request_body = CallBody,
    responses(
        (status = 200, description = "Off duty", body = DoneView),
        (status = 401, description = "Not signed in", body = ErrorBody),
        (status = 403, description = "No role of theirs allows it", body = ErrorBody),
        (status = 404, description = "No such time in their units", body = ErrorBody),
    ), security(("staff" = [])))]
pub async fn take_off_duty(State(doors): State<Doors>, asked: Asked<CallBody>) -> Result<Response, Refusal> {
    answered(&doors, &asked.parts, Ask::TakeOffDuty(asked.body.id)).await
}

/// Watches the board.
#[utoipa::path(get, path = "/v1/staff/requests/live", tag = "staff", summary = "The board, as it happens",
    description = "Server-sent events: `new`, `changed`, `assigned`, `escalated`, `paged`, `acknowledged`, `said`, `cancelled-by-patient` and \
        `completed`, each with the call as it is now; first `begin`, from which on one has to look at the board once. With \
        `Last-Event-ID` it goes on after that event. It ends when the session does. Watching keeps no session alive.",
    params(("Last-Event-ID" = Option<i64>, Header, description = "The last event that was seen")),
    responses(
        (status = 200, description = "Events", content_type = "text/event-stream", body = LiveEvent),
        (status = 401, description = "Not signed in", body = ErrorBody),
        (status = 403, description = "No role of theirs allows it", body = ErrorBody),
    ), security(("staff" = [])))]
pub async fn live(State(doors): State<Doors>, parts: Parts) -> Result<Response, Refusal> {
    let (_, token) = presented(&doors, &parts)?;
    let door = doors.staff.clone().ok_or(Refusal::NotFound)?;
    let staff = door.staff(token, false).await?.ok_or(Refusal::Unauthenticated)?;
    let last = parts.headers.get("last-event-id").and_then(|id| id.to_str().ok()?.parse().ok()).filter(|id| *id >= 0);
    let mut watch = Watch { door, token: token.to_owned(), staff, seen: last, looks: 0, ready: VecDeque::new() };
    watch.look().await?;
    if last.is_none() {
        watch.ready.push_back(Event::default().event("begin").id(watch.seen.unwrap_or(0).to_string()).data("{}"));
    }
    let stopping = doors.stopping.subscribe();
    Ok(Sse::new(watch.events(stopping)).keep_alive(KeepAlive::new().interval(ALIVE)).into_response())
}

/// Somebody who watches.
struct Watch {
    door: Arc<dyn StaffDoor>,
    token: String,
    staff: StaffMember,
    seen: Option<i64>,
    looks: u32,
    ready: VecDeque<Event>,
}

impl Watch {
    /// Looks for what happened.
    async fn look(&mut self) -> Result<(), Refusal> {
        let told = self.door.answer(&self.staff, Ask::Live(self.seen)).await.map_err(Refusal::NotTold)?;
        let Told::Live(LiveView { events, seen }) = told else { return Err(Refusal::Broken) };
        self.seen = Some(seen);
        let shown = events
            .iter()
            .filter_map(|one| Event::default().id(one.seq.to_string()).event(&one.what).json_data(one).ok());
        self.ready.extend(shown);
        Ok(())
    }

    /// Whether the session is still there.
    async fn signed_in(&mut self) -> bool {
        self.looks += 1;
        if !self.looks.is_multiple_of(SESSION) {
            return true;
        }
        match self.door.staff(&self.token, false).await {
            Ok(Some(staff)) => {
                self.staff = staff;
                true
            }
            // A store that does not answer for a moment ends no session.
            Err(_) => true,
            Ok(None) => false,
        }
    }

    fn events(self, stopping: tokio::sync::watch::Receiver<bool>) -> impl Stream<Item = Result<Event, Infallible>> {
        futures_util::stream::unfold((self, stopping), |(mut watch, mut stopping)| async move {
            loop {
                if let Some(event) = watch.ready.pop_front() {
                    return Some((Ok(event), (watch, stopping)));
                }
                tokio::select! {
                    () = tokio::time::sleep(LOOK) => {}
                    _ = stopping.wait_for(|stop| *stop) => return None,
                }
                if !watch.signed_in().await {
                    return None;
                }
                // What cannot be looked at now is looked at the next time.
                let _ = watch.look().await;
            }
        })
    }
}
