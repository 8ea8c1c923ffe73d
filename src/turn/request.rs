//! What goes into a turn and what comes out of it.

use serde::{Deserialize, Serialize};

use super::{Early, Expected};
use crate::{
    dialogue::{Request, Volume},
    nlu::{Intended, Slots},
    policy::{Caller, SessionId, TurnId, triage::Triage},
};

/// One thing said, by whom, through what.
pub struct TurnRequest {
    /// The verified caller.
    pub caller: Caller,
    /// The conversation it belongs to; `None` starts one.
    pub session: Option<SessionId>,
    /// The client's name for this turn; repeating it never acts twice. `None` takes a fresh one.
    pub turn: Option<TurnId>,
    /// What was said.
    pub input: Input,
    /// Whether the answer is wanted as sound, too.
    pub speak: bool,
}

/// What was said.
pub enum Input {
    /// Typed.
    Text(String),
    /// Spoken, as the bytes of a WAV file.
    Audio(Vec<u8>),
    /// The same, and what was heard of it before it was known to be all; nobody spoke after that.
    Streamed(Vec<u8>, Early),
    /// Understood by a platform: an intent and what was said for its slots.
    Intent(Intended),
    /// Nobody spoke before the device stopped waiting.
    Silence,
}

/// What became of a turn. The wire form is the contract of the command line and `POST /v1/turns` alike.
#[derive(Clone, Serialize, Deserialize)]
pub struct TurnResult {
    /// The turn's name.
    pub turn_id: String,
    /// The conversation's name.
    pub session: String,
    /// What was heard or typed.
    pub heard: Option<Heard>,
    /// What was understood.
    pub intent: String,
    /// The slots that were filled.
    pub slots: Slots,
    /// A second request in the same sentence, where it was answered in this turn, too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub also: Option<Request>,
    /// The emergency it cried for, if it did.
    pub triage: Option<Triage>,
    /// How it ended.
    pub state: State,
    /// The answer in plain text.
    pub reply: String,
    /// The answer as SSML.
    pub ssml: String,
    /// How long the microphone may listen for an answer without a wake word, once this has been said, in
    /// milliseconds; 0 where nothing was asked.
    #[serde(default)]
    pub follow_up_ms: u32,
    /// The slot that the answer asks for, where it asks for one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asks_for: Option<AsksFor>,
    /// Whether the device is to speak up or down from now on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub volume: Option<Volume>,
    /// Milliseconds each stage took.
    pub timings_ms: Timings,
    /// What is expected to be said next.
    #[serde(skip)]
    pub expects: Expected,
    /// Whether it is to be spoken slowly.
    #[serde(skip)]
    pub slowly: bool,
    /// The answer as a WAV file, where sound was asked for.
    #[serde(skip)]
    pub audio: Option<Vec<u8>>,
}

/// A slot that is asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AsksFor {
    /// The intent that waits for it.
    pub intent: String,
    /// The slot.
    pub slot: String,
}

/// Whether a platform's request could be answered, told without answering it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Could {
    /// Something here answers it, and may on that channel.
    pub answer: bool,
    /// Each slot it came with, as the platform names it, and whether its value is understood.
    pub slots: Vec<(String, bool)>,
}

/// What was heard.
#[derive(Clone, Serialize, Deserialize)]
pub struct Heard {
    /// The words.
    pub text: String,
    /// Mean word probability, 0 to 1; 1 for typed text.
    pub confidence: f32,
    /// Probability that nobody spoke, 0 to 1; 0 for typed text.
    pub no_speech: f32,
}

/// How a turn ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
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

impl State {
    /// How long the microphone stays open for an answer, in milliseconds: long enough to think of a day or look
    /// for a bottle, short enough not to overhear the next conversation.
    #[must_use]
    pub const fn follow_up_ms(self) -> u32 {
        match self {
            Self::Asks | Self::Confirms => 8_000,
            Self::Answered | Self::Done | Self::Refused | Self::Escalated | Self::Rejected => 0,
        }
    }

    /// The word in results, audit rows and metrics.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Answered => "answered",
            Self::Asks => "asks",
            Self::Confirms => "confirms",
            Self::Done => "done",
            Self::Refused => "refused",
            Self::Escalated => "escalated",
            Self::Rejected => "rejected",
        }
    }
}

/// Milliseconds by stage.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Timings {
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
