//! From audio to words, and a second listen where a name was missed.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use super::{Heard, Input, Turn, millis};
use crate::{
    asr::{
        RejectionReason, Transcript,
        pool::{HearRequest, Priority},
        wav,
    },
    nlu::{By, Intended, Interpretation, NONE, SlotValue},
    policy::NameLists,
};

/// The longest typed text, in characters; nobody says more in one breath.
const LONGEST_TEXT: usize = 2_000;

/// Names that help a second listen; more would drown the words.
const NAMES: usize = 16;

/// A slot matched by sound or not at all is worth a second listen.
const SURE: f32 = 0.9;

/// What came of hearing.
pub(super) enum Hearing {
    /// Words to act on, and the clip they came from.
    Words {
        /// What was said.
        text: String,
        /// All that was heard, remarks such as "[screaming]" included.
        raw: String,
        /// 16 kHz samples; `None` for typed text.
        clip: Option<Arc<[f32]>>,
    },
    /// What a platform understood.
    Meant {
        /// Its intent and slots.
        asked: Intended,
        /// What was said for the slots; triage reads it.
        raw: String,
    },
    /// Nothing to act on.
    Nothing {
        /// What was heard all the same; triage reads it.
        raw: String,
        /// The reply that says so.
        reply: &'static str,
        /// What staff are told when it came from a room.
        staff: Option<&'static str>,
    },
}

impl Hearing {
    /// What understanding reads.
    pub(super) fn words(&self) -> &str {
        match self {
            Self::Words { text, .. } => text,
            Self::Meant { raw, .. } => raw,
            Self::Nothing { .. } => "",
        }
    }

    /// What triage reads: all of it, rejected or not.
    pub(super) fn raw(&self) -> &str {
        match self {
            Self::Words { raw, .. } | Self::Meant { raw, .. } | Self::Nothing { raw, .. } => raw,
        }
    }

    fn nothing(reply: &'static str) -> Self {
        Self::Nothing { raw: String::new(), reply, staff: None }
    }

    /// The clip, where hearing it again with the person's names in mind may help.
    pub(super) fn worth_another_listen(&self, first: &Interpretation, names: &NameLists) -> Option<Arc<[f32]>> {
        let Self::Words { clip: Some(clip), .. } = self else { return None };
        let some_names = !names.medicines.is_empty() || !names.providers.is_empty();
        let missed = first.slots.iter().any(|(name, slot)| {
            matches!(name.as_str(), "medicine" | "provider")
                && matches!(slot.value, SlotValue::Text(_))
                && slot.confidence < SURE
        });
        let lost = first.by == By::Unsure || first.intent == NONE;
        (some_names && (missed || lost)).then(|| Arc::clone(clip))
    }
}

/// Whether the second listen understood more than the first. A name it brought into being is read back before
/// anything happens, like every name.
pub(super) fn better(second: &Interpretation, first: &Interpretation) -> bool {
    let sureness = |i: &Interpretation| i.slots.values().map(|s| s.confidence).fold(1.0_f32, f32::min);
    match (first.intent == NONE, second.intent == NONE) {
        (_, true) => false,
        (true, false) => true,
        (false, false) => {
            second.intent == first.intent && sureness(second) > sureness(first)
                || first.by == By::Unsure && second.by != By::Unsure
        }
    }
}

impl Turn<'_> {
    /// From what came in to words.
    pub(super) async fn hear(&mut self, input: Input) -> Hearing {
        match input {
            Input::Text(text) => self.read(&text),
            Input::Intent(asked) => Self::meant(asked),
            Input::Silence => Hearing::nothing("not_heard"),
            Input::Audio(bytes) => {
                let clock = Instant::now();
                let hearing = self.listen(bytes).await;
                self.timings.asr += millis(clock);
                hearing
            }
        }
    }

    fn read(&mut self, text: &str) -> Hearing {
        let text = text.trim();
        if text.is_empty() {
            return Hearing::nothing("not_heard");
        }
        if text.chars().count() > LONGEST_TEXT {
            return Hearing::Nothing { raw: text.to_owned(), reply: "too_long", staff: None };
        }
        self.typed(text);
        Hearing::Words { text: text.to_owned(), raw: text.to_owned(), clip: None }
    }

    /// What a platform understood is taken as it is, but for its length.
    fn meant(asked: Intended) -> Hearing {
        let raw = asked.words();
        if raw.chars().count() > LONGEST_TEXT {
            return Hearing::Nothing { raw, reply: "too_long", staff: None };
        }
        Hearing::Meant { asked, raw }
    }

    async fn listen(&mut self, bytes: Vec<u8>) -> Hearing {
        let decoded = tokio::task::spawn_blocking(move || wav::decode(&bytes)).await;
        let samples: Arc<[f32]> = match decoded {
            Ok(Ok(samples)) => samples.into(),
            Ok(Err(bad)) => return rejected(RejectionReason::BadAudio(bad), String::new()),
            Err(_) => return rejected(RejectionReason::Failed, String::new()),
        };
        match self.decode(&samples, Vec::new()).await {
            Ok(transcript) => {
                self.heard = Some(heard(&transcript));
                Hearing::Words { text: transcript.text, raw: transcript.heard, clip: Some(samples) }
            }
            Err((reason, raw, unheard)) => {
                self.heard = unheard;
                rejected(reason, raw)
            }
        }
    }

    /// Listens once more with the person's names in mind.
    pub(super) async fn hear_again(&mut self, clip: Arc<[f32]>, names: &NameLists) -> Option<Heard> {
        let clock = Instant::now();
        let likely = names.medicines.iter().chain(&names.providers).map(|n| n.name.clone()).take(NAMES).collect();
        let again = self.decode(&clip, likely).await.ok().map(|transcript| heard(&transcript));
        self.timings.asr += millis(clock);
        again
    }

    async fn decode(
        &self,
        samples: &Arc<[f32]>,
        names: Vec<String>,
    ) -> Result<Transcript, (RejectionReason, String, Option<Heard>)> {
        let Some(ears) = &self.core.ears else { return Err((RejectionReason::Failed, String::new(), None)) };
        let request = HearRequest {
            samples: Arc::clone(samples),
            priority: Priority::Interactive,
            deadline: Instant::now() + self.core.hear_deadline.max(Duration::from_millis(100)),
            names,
        };
        ears.hear(request).await.outcome.map_err(|rejection| {
            let raw = rejection.heard.unwrap_or_default();
            let unheard = rejection.no_speech.map(|no_speech| Heard {
                text: raw.clone(),
                confidence: rejection.confidence,
                no_speech,
            });
            (rejection.reason, raw, unheard)
        })
    }
}

fn heard(transcript: &Transcript) -> Heard {
    Heard { text: transcript.text.clone(), confidence: transcript.confidence, no_speech: transcript.no_speech }
}

/// What is said, and what staff of a room are told, when nothing could be heard.
fn rejected(reason: RejectionReason, raw: String) -> Hearing {
    use crate::asr::BadAudio;
    let (reply, staff) = match reason {
        RejectionReason::Silence | RejectionReason::TooShort => ("not_heard", None),
        RejectionReason::Noise | RejectionReason::Unclear => ("unclear", None),
        RejectionReason::Overloaded | RejectionReason::DeadlinePassed => {
            ("overloaded", Some("Somebody spoke and was not understood: the assistant was too busy."))
        }
        RejectionReason::Failed => {
            ("failed", Some("Somebody spoke and was not understood: the assistant could not hear."))
        }
        RejectionReason::BadAudio(BadAudio::TooLong) => ("too_long", None),
        RejectionReason::BadAudio(_) => ("bad_audio", None),
    };
    Hearing::Nothing { raw, reply, staff }
}
