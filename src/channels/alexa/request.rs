//! A request envelope of the Alexa Skills Kit: what is read of it, and nothing else.
//!
//! Fields that are not named here are skipped unread: the user, the device, the person, access tokens, coordinates.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp, civil::DateTime, tz::TimeZone};
use serde::Deserialize;
use serde_json::Value;

use crate::{
    channels::http::{Refusal, turns::not_read},
    turn::{Intended, SlotSaid},
};

/// How far a request's time may be from ours, in either direction: Amazon's own limit.
const WINDOW: SignedDuration = SignedDuration::from_secs(150);
/// How old a skill event may be: Amazon sends it again for an hour.
const EVENT_WINDOW: SignedDuration = SignedDuration::from_secs(3600);
/// What the kinds of skill events begin with.
const EVENT: &str = "AlexaSkillEvent.";
/// Most slots of one intent.
const MOST_SLOTS: usize = 64;

/// A request, read.
pub(super) struct Asked {
    /// The application id; `None` where it names none, or two.
    pub skill: Option<String>,
    /// The session's name.
    pub session: Option<String>,
    /// The request's name.
    pub request: Option<String>,
    /// The unit it comes from, by its lasting name first.
    pub units: Vec<String>,
    /// What it is.
    pub kind: Kind,
    stamp: Option<Timestamp>,
    event: bool,
}

/// What a request is.
pub(super) enum Kind {
    /// The skill was opened.
    Launch,
    /// Something was asked for.
    Intent {
        /// What.
        intended: Intended,
        /// The platform asks for slots itself, by its model of the dialog.
        dialog: bool,
        /// All slots the intent has there, filled or not.
        slots: Vec<String>,
    },
    /// Whether something could be answered.
    CanFulfill(Intended),
    /// The session is over; no answer can be given.
    Ended {
        /// The kind of fault that ended it, if one did.
        fault: Option<&'static str>,
    },
    /// A skill event, or something that no answer belongs to.
    Silent,
}

#[derive(Deserialize)]
struct Envelope {
    session: Option<Session>,
    context: Option<Context>,
    request: Body,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Session {
    session_id: Option<String>,
    application: Option<Application>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Application {
    application_id: Option<String>,
}

#[derive(Deserialize)]
struct Context {
    #[serde(rename = "System")]
    system: Option<System>,
}

#[derive(Deserialize)]
struct System {
    application: Option<Application>,
    unit: Option<Unit>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Unit {
    unit_id: Option<String>,
    persistent_unit_id: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Body {
    r#type: String,
    request_id: Option<String>,
    timestamp: Option<Value>,
    dialog_state: Option<Value>,
    intent: Option<Value>,
    error: Option<Value>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Intent {
    name: String,
    confirmation_status: Option<String>,
    slots: Option<BTreeMap<String, Slot>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Slot {
    value: Option<String>,
    confirmation_status: Option<String>,
    resolutions: Option<Resolutions>,
    slot_value: Option<SlotValue>,
}

#[derive(Deserialize)]
#[serde(tag = "type")]
enum SlotValue {
    Simple {
        value: Option<String>,
        resolutions: Option<Resolutions>,
    },
    List {
        values: Vec<SlotValue>,
    },
    #[serde(other)]
    Other,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Resolutions {
    resolutions_per_authority: Option<Vec<Authority>>,
}

#[derive(Deserialize)]
struct Authority {
    status: Option<Status>,
    values: Option<Vec<Resolved>>,
}

#[derive(Deserialize)]
struct Status {
    code: Option<String>,
}

#[derive(Deserialize)]
struct Resolved {
    value: Option<ResolvedValue>,
}

#[derive(Deserialize)]
struct ResolvedValue {
    name: Option<String>,
}

impl Asked {
    /// Reads a request. It has not been let in yet.
    pub fn read(bytes: &[u8]) -> Result<Self, Refusal> {
        let text = std::str::from_utf8(bytes).map_err(|_| Refusal::NotUtf8)?;
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let Envelope { session, context, request } = serde_json::from_str(text).map_err(|e| not_read(&e))?;
        let (said, session) = session.map_or((None, None), |s| (s.application, s.session_id));
        let system = context.and_then(|context| context.system);
        let (known, unit) = system.map_or((None, None), |system| (system.application, system.unit));
        let id = |application: Option<Application>| application.and_then(|a| a.application_id);
        let skill = match (id(known), id(said)) {
            (Some(a), Some(b)) if a != b => None,
            (a, b) => a.or(b),
        };
        let units = unit.map(|unit| [unit.persistent_unit_id, unit.unit_id].into_iter().flatten().collect());
        Ok(Self {
            skill,
            session,
            units: units.unwrap_or_default(),
            stamp: request.timestamp.as_ref().and_then(stamp),
            event: request.r#type.starts_with(EVENT),
            request: request.request_id.clone(),
            kind: kind(request)?,
        })
    }

    /// Whether it was made just now.
    pub fn fresh(&self, now: Timestamp) -> bool {
        let window = if self.event { EVENT_WINDOW } else { WINDOW };
        self.stamp.is_some_and(|stamp| {
            let age = now.duration_since(stamp);
            age <= window && age >= -WINDOW
        })
    }
}

/// RFC 3339, without a zone for UTC, or milliseconds since 1970.
fn stamp(value: &Value) -> Option<Timestamp> {
    match value {
        Value::String(text) => {
            let in_utc = || text.parse::<DateTime>().ok()?.to_zoned(TimeZone::UTC).ok();
            text.parse().ok().or_else(|| in_utc().map(|at| at.timestamp()))
        }
        Value::Number(number) => Timestamp::from_millisecond(number.as_i64()?).ok(),
        _ => None,
    }
}

fn kind(request: Body) -> Result<Kind, Refusal> {
    let intent = |value: Option<Value>| -> Result<Intent, Refusal> {
        let value = value.ok_or(Refusal::WrongField { field: "request.intent", expected: "there" })?;
        serde_json::from_value(value)
            .map_err(|_| Refusal::WrongField { field: "request.intent", expected: "an intent with its slots" })
    };
    Ok(match request.r#type.as_str() {
        "LaunchRequest" => Kind::Launch,
        "IntentRequest" => {
            let intent = intent(request.intent)?;
            let slots = intent.slots.iter().flat_map(BTreeMap::keys).take(MOST_SLOTS).cloned().collect();
            let dialog = request.dialog_state.is_some_and(|state| state.is_string());
            Kind::Intent { intended: intended(intent), dialog, slots }
        }
        "CanFulfillIntentRequest" => Kind::CanFulfill(intended(intent(request.intent)?)),
        "SessionEndedRequest" => {
            let fault = request.error.as_ref().and_then(|error| error.get("type")).and_then(Value::as_str);
            Kind::Ended { fault: fault.map(known_fault) }
        }
        _ => Kind::Silent,
    })
}

/// Faults by name, from a fixed list: what comes from outside is not logged.
fn known_fault(kind: &str) -> &'static str {
    const KNOWN: [&str; 4] =
        ["INVALID_RESPONSE", "DEVICE_COMMUNICATION_ERROR", "INTERNAL_SERVICE_ERROR", "ENDPOINT_TIMEOUT"];
    KNOWN.into_iter().find(|known| *known == kind).unwrap_or("another")
}

fn intended(intent: Intent) -> Intended {
    let confirmed = match intent.confirmation_status.as_deref() {
        Some("CONFIRMED") => Some(true),
        Some("DENIED") => Some(false),
        _ => None,
    };
    let slots = intent.slots.into_iter().flatten().take(MOST_SLOTS);
    Intended { name: intent.name, slots: slots.flat_map(|(name, slot)| slot.said(&name)).collect(), confirmed }
}

impl Slot {
    /// What was said for it, unless the person took it back. Of several values each.
    fn said(self, name: &str) -> Vec<SlotSaid> {
        if self.confirmation_status.as_deref() == Some("DENIED") {
            return Vec::new();
        }
        let simple = SlotValue::Simple { value: self.value, resolutions: self.resolutions };
        let mut all = Vec::new();
        simple.say(name, &mut all);
        if all.is_empty()
            && let Some(value) = self.slot_value
        {
            value.say(name, &mut all);
        }
        all
    }
}

impl SlotValue {
    fn say(self, name: &str, all: &mut Vec<SlotSaid>) {
        match self {
            Self::Simple { value: Some(words), resolutions } if !words.trim().is_empty() && all.len() < MOST_SLOTS => {
                let likely = resolutions.and_then(Resolutions::likeliest);
                all.push(SlotSaid { slot: name.to_owned(), words, likely });
            }
            Self::List { values } => values.into_iter().for_each(|value| value.say(name, all)),
            Self::Simple { .. } | Self::Other => {}
        }
    }
}

impl Resolutions {
    /// The first value of the first authority that knows one.
    fn likeliest(self) -> Option<String> {
        let fits = |a: &Authority| a.status.as_ref().and_then(|s| s.code.as_deref()) == Some("ER_SUCCESS_MATCH");
        let known = self.resolutions_per_authority?.into_iter().find(fits)?;
        known.values?.into_iter().next()?.value?.name
    }
}

#[cfg(test)]
mod tests;
