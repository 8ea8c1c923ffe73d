//! How a turn's result looks on the wire, for the API's description. A test holds it against the real thing.

use std::collections::BTreeMap;

use serde::Serialize;
use utoipa::ToSchema;

/// The answer to one turn.
#[derive(Serialize, ToSchema)]
#[schema(as = TurnResult)]
pub struct TurnBody {
    /// The turn's name.
    pub turn_id: String,
    /// The conversation's name; send it with the next turn.
    pub session: String,
    /// What was heard or typed; null where nothing was.
    pub heard: Option<HeardBody>,
    /// What was understood; `dialogue.none` is out of scope.
    pub intent: String,
    /// The slots that were filled, by name.
    pub slots: BTreeMap<String, SlotBody>,
    /// A second request in the same sentence, where it was answered in this turn, too.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub also: Option<RequestBody>,
    /// The emergency it cried for, if it did.
    pub triage: Option<TriageBody>,
    /// How it ended: `asks` and `confirms` wait for an answer.
    pub state: StateBody,
    /// The answer in plain text.
    pub reply: String,
    /// The answer as SSML.
    pub ssml: String,
    /// How long the microphone may listen for an answer without a wake word, once this has been said, in
    /// milliseconds; 0 where nothing was asked.
    pub follow_up_ms: u32,
    /// The slot that the answer asks for, where it asks for one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub asks_for: Option<AsksForBody>,
    /// Whether the device is to speak `up` or `down` from now on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub volume: Option<String>,
    /// Milliseconds each stage took.
    pub timings_ms: TimingsBody,
    /// The answer as a WAV file in base64, where it was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub audio: Option<String>,
}

/// A slot that is asked for.
#[derive(Serialize, ToSchema)]
#[schema(as = AsksFor)]
pub struct AsksForBody {
    /// The intent that waits for it.
    pub intent: String,
    /// The slot.
    pub slot: String,
}

/// What was heard.
#[derive(Serialize, ToSchema)]
#[schema(as = Heard)]
pub struct HeardBody {
    /// The words; a spoken PIN is masked.
    pub text: String,
    /// Mean word probability, 0 to 1; 1 for typed text.
    pub confidence: f32,
    /// Probability that nobody spoke, 0 to 1; 0 for typed text.
    pub no_speech: f32,
}

/// A request.
#[derive(Serialize, ToSchema)]
#[schema(as = Request)]
pub struct RequestBody {
    /// What was understood.
    pub intent: String,
    /// The slots that were filled, by name.
    pub slots: BTreeMap<String, SlotBody>,
}

/// One filled slot.
#[derive(Serialize, ToSchema)]
#[schema(as = Slot)]
pub struct SlotBody {
    /// The words it came from.
    pub spoken: String,
    /// What they mean: text, a number, or days and times.
    #[schema(value_type = Object)]
    pub value: serde_json::Value,
    /// 0 to 1.
    pub confidence: f32,
}

/// An emergency.
#[derive(Serialize, ToSchema)]
#[schema(as = Triage)]
pub struct TriageBody {
    /// What kind of emergency.
    pub kind: String,
    /// How pressing it is.
    pub level: String,
}

/// How a turn ended.
#[derive(Serialize, ToSchema)]
#[schema(as = State)]
#[serde(rename_all = "snake_case")]
#[expect(dead_code, reason = "named only in the description")]
pub enum StateBody {
    /// An answer was given; nothing changed.
    Answered,
    /// A question is open.
    Asks,
    /// A read-back waits for a yes.
    Confirms,
    /// Something was changed, and the change is durable.
    Done,
    /// Not allowed.
    Refused,
    /// People were called, or the caller was sent to them.
    Escalated,
    /// Nothing could be made of it.
    Rejected,
}

/// Milliseconds by stage.
#[derive(Serialize, ToSchema)]
#[schema(as = Timings)]
pub struct TimingsBody {
    /// Hearing, waiting in the queue included.
    pub asr: f64,
    /// Understanding.
    pub nlu: f64,
    /// Deciding, the opening audit row included.
    pub policy: f64,
    /// The action itself.
    pub action: f64,
    /// Making state, answer and audit durable.
    pub store: f64,
    /// Wording the answer and, where asked for, speaking it.
    pub speech: f64,
    /// From the request to the result.
    pub total: f64,
}
