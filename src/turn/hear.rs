//! From audio to words.

use std::{sync::Arc, time::Instant};

use super::{Early, Heard, Input, Turn, mask::MASK, millis, pause::Expected};
use crate::{
    asr::{Rejection, RejectionReason, Transcript, pool::HearRequest, spotter::Spotted, vad, wav, weigh::Retell},
    dialogue::Wait,
    nlu::{Intended, words},
    policy::{
        NameLists,
        triage::{Remarks, Utterance},
    },
};

/// Whisper makes so many words of a cry.
const FEW: usize = 2;

/// The longest typed text, in characters; nobody says more in one breath.
const LONGEST_TEXT: usize = 2_000;

/// All that was heard, rejected or not, and how surely. Triage reads it.
pub(super) struct Raw {
    text: String,
    /// The same without secret digits: all that may be kept or shown of it.
    shown: String,
    /// Of the whole, 0 to 1.
    sureness: f32,
    /// Of each word, where hearing told.
    words: Vec<f32>,
    /// What remarks about sounds in it are worth.
    remarks: Remarks,
}

impl Raw {
    const fn new(text: String, sureness: f32, words: Vec<f32>) -> Self {
        Self { text, shown: String::new(), sureness, words, remarks: Remarks::Written }
    }

    /// Heard in these samples, where `spotted` tells what they may hold.
    fn of_sound(self, samples: &[f32], spotted: Spotted) -> Self {
        let remarked = self.text.contains(['[', '(', '*']);
        // A cat is often somebody, perhaps, and never clearly.
        let voiced = remarked && (spotted.urgent() || vad::somebody_speaks_clearly(samples));
        Self { remarks: if voiced { Remarks::Voiced } else { Remarks::Unvoiced }, ..self }
    }

    /// Typed text leaves no doubt.
    fn typed(text: &str) -> Self {
        Self::new(text.to_owned(), 1.0, Vec::new())
    }

    /// Heard by somebody who does not tell how surely, so a denial in it counts for nothing.
    fn unsure(text: String) -> Self {
        Self::new(text, 0.0, Vec::new())
    }

    pub(super) fn nothing() -> Self {
        Self::typed("")
    }

    /// As triage reads it.
    pub(super) fn utterance(&self) -> Utterance<'_> {
        Utterance::heard(&self.text, self.sureness, &self.words, self.remarks)
    }

    /// As it may be put on the board, kept and shown.
    pub(super) fn shown(&self) -> &str {
        &self.shown
    }
}

/// What came of hearing.
pub(super) enum Hearing {
    /// Words to act on, and the clip they came from.
    Words {
        /// What was said.
        text: String,
        /// All that was heard, remarks such as "[screaming]" included.
        raw: Raw,
        /// 16 kHz samples; `None` for typed text.
        clip: Option<Arc<[f32]>>,
    },
    /// What a platform understood.
    Meant {
        /// Its intent and slots.
        asked: Intended,
        /// What was said for the slots; triage reads it.
        raw: Raw,
    },
    /// Nothing to act on.
    Nothing {
        /// What was heard all the same; triage reads it.
        raw: Raw,
        /// The reply that says so.
        reply: &'static str,
        /// What staff are told when it came from a room.
        staff: Option<Unheard>,
        /// 16 kHz samples, where somebody spoke: another listen may tell.
        clip: Option<Arc<[f32]>>,
        /// Whether there are words that are too doubtful to act on.
        doubtful: bool,
    },
}

/// What staff of a room are told where nobody understood.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Unheard {
    /// In the words of the board.
    pub(super) need: &'static str,
    /// Somebody seems to have cried for help.
    pub(super) emergency: bool,
}

impl Hearing {
    /// What understanding reads.
    pub(super) fn words(&self) -> &str {
        match self {
            Self::Words { text, .. } => text,
            Self::Meant { raw, .. } => &raw.text,
            Self::Nothing { .. } => "",
        }
    }

    /// What triage reads: all of it, rejected or not.
    pub(super) fn raw(&self) -> &Raw {
        match self {
            Self::Words { raw, .. } | Self::Meant { raw, .. } | Self::Nothing { raw, .. } => raw,
        }
    }

    /// The same, with what may be shown of it.
    fn covered(mut self, cover: impl Fn(&str) -> String) -> Self {
        let (Self::Words { raw, .. } | Self::Meant { raw, .. } | Self::Nothing { raw, .. }) = &mut self;
        if raw.shown.is_empty() {
            raw.shown = cover(&raw.text);
        }
        self
    }

    /// The same, with the sound of somebody, whose words may be there and doubtful. A cry waits for no other listen.
    fn with(mut self, sound: Option<Arc<[f32]>>, words: bool) -> Self {
        if let Self::Nothing { clip, doubtful, staff, .. } = &mut self
            && staff.is_none_or(|staff| !staff.emergency)
        {
            (*clip, *doubtful) = (sound, words);
        }
        self
    }

    /// What was said in another language: nothing to act on, for triage to read.
    pub(super) fn foreign(text: String, confidence: f32, cover: impl Fn(&str) -> String) -> Self {
        let raw = Raw { remarks: Remarks::Unvoiced, ..Raw::new(text, confidence, Vec::new()) };
        Self::nothing("other_language", raw).covered(cover)
    }

    /// 16 kHz samples, where there are any.
    pub(super) fn clip(&self) -> Option<Arc<[f32]>> {
        match self {
            Self::Words { clip, .. } | Self::Nothing { clip, .. } => clip.clone(),
            Self::Meant { .. } => None,
        }
    }

    /// The same, with words that are too doubtful to act on.
    pub(super) fn doubtful_words(&self) -> &str {
        match self {
            Self::Words { text, .. } => text,
            Self::Meant { raw, .. } | Self::Nothing { raw, .. } => &raw.text,
        }
    }

    fn nothing(reply: &'static str, raw: Raw) -> Self {
        Self::Nothing { raw, reply, staff: None, clip: None, doubtful: false }
    }
}

impl Turn<'_> {
    /// From what came in to words. Secret digits are masked in all that may be kept or shown of them from here on.
    pub(super) async fn hear(&mut self, input: Input) -> Hearing {
        let mut hearing = self.words_of(input).await;
        if let Hearing::Words { text, clip: Some(_), .. } = &mut hearing
            && let Some(digits) = self.digits_by_ear(text)
        {
            // Triage reads the words as they were.
            if let Some(heard) = &mut self.heard {
                heard.text.clone_from(&digits);
            }
            *text = digits;
        }
        self.mask_heard();
        hearing.covered(|text| self.for_the_board(text))
    }

    async fn words_of(&mut self, input: Input) -> Hearing {
        match input {
            Input::Text(text) => self.read(&text),
            Input::Intent(asked) => Self::meant(asked),
            Input::Silence => Hearing::nothing("not_heard", Raw::nothing()),
            Input::Audio(bytes) => self.listen(bytes, None).await,
            Input::Streamed(bytes, early) => self.listen(bytes, Some(early).filter(Early::counts)).await,
        }
    }

    fn read(&mut self, text: &str) -> Hearing {
        let text = text.trim();
        if text.is_empty() {
            return Hearing::nothing("not_heard", Raw::nothing());
        }
        if text.chars().count() > LONGEST_TEXT {
            return Hearing::nothing("too_long", Raw::typed(text));
        }
        self.typed(text);
        Hearing::Words { text: text.to_owned(), raw: Raw::typed(text), clip: None }
    }

    /// What a platform understood is taken as it is, but for its length.
    fn meant(asked: Intended) -> Hearing {
        let raw = asked.words();
        if raw.chars().count() > LONGEST_TEXT {
            return Hearing::nothing("too_long", Raw::unsure(raw));
        }
        Hearing::Meant { asked, raw: Raw::unsure(raw) }
    }

    async fn listen(&mut self, bytes: Vec<u8>, early: Option<Early>) -> Hearing {
        let clock = Instant::now();
        let hearing = self.heard_in(bytes, early).await;
        self.timings.asr += millis(clock);
        hearing
    }

    /// `early`: what was heard of it already.
    async fn heard_in(&mut self, bytes: Vec<u8>, early: Option<Early>) -> Hearing {
        let spotter = self.core.spotter.clone().filter(|_| early.is_none());
        let decoded = tokio::task::spawn_blocking(move || {
            wav::decode(&bytes).map(|samples| {
                let spotted = spotter.map_or_else(Spotted::default, |spotter| spotter.spot(&samples));
                (samples, spotted)
            })
        });
        let nobody = |reason| rejected(reason, Raw::nothing(), None);
        let (samples, spotted): (Arc<[f32]>, _) = match decoded.await {
            Ok(Ok((samples, spotted))) => (samples.into(), spotted),
            Ok(Err(bad)) => return nobody(RejectionReason::BadAudio(bad)),
            Err(_) => return nobody(RejectionReason::Failed),
        };
        let spotted = early.as_ref().map_or(spotted, |early| early.spotted);
        let expected = self.expected();
        let decoded = match early {
            Some(early) => early.heard.outcome,
            None => self.core.listen(Arc::clone(&samples), spotted, &expected).await.outcome,
        };
        let first = decoded.as_ref().map(|transcript| transcript.text.clone()).unwrap_or_default();
        match self.core.as_answer(decoded, &expected).map_err(unheard) {
            Ok(transcript) => {
                self.heard = Some(heard(&transcript));
                let mut raw = Raw::new(transcript.heard, transcript.confidence, transcript.heard_confidence);
                if transcript.spelled.is_some() && transcript.text != first {
                    // Words that may be digits misheard say what those are.
                    MASK.clone_into(&mut raw.shown);
                }
                let raw = raw.of_sound(&samples, spotted);
                if self.cries_rather(spotted, &expected, &transcript.text) {
                    return rejected(RejectionReason::Unclear, raw, Some(spotted));
                }
                Hearing::Words { text: transcript.text, raw, clip: Some(samples) }
            }
            Err((reason, raw, unheard)) => {
                self.heard = unheard;
                let doubtful = reason == RejectionReason::Unclear && !raw.text.is_empty();
                // What was written down of another language is often nothing.
                let foreign = self.core.tongues.is_some() && reason == RejectionReason::Noise;
                let clip = (doubtful || foreign).then(|| Arc::clone(&samples));
                let hearing = rejected(reason, raw.of_sound(&samples, spotted), self.in_room().then_some(spotted));
                hearing.with(clip, doubtful)
            }
        }
    }

    /// Whether a room's clip is a cry rather than the word or two that were made of it ("Helping."), where they answer nothing and call
    /// nobody themselves. Triage reads them all the same.
    fn cries_rather(&self, spotted: Spotted, expected: &Expected, text: &str) -> bool {
        self.in_room()
            && spotted.cried()
            && *expected == Expected::Anything
            && self.state.open.is_none()
            && words::words(text).len() <= FEW
            && !self.urgent(&self.read_as(text, &NameLists::default(), None).intent)
    }

    /// What the words of this turn answer. Whether there is an emergency is answered by what was heard, and nothing else.
    fn expected(&self) -> Expected {
        let open = self.state.open.as_ref().filter(|open| !matches!(open.wait, Wait::Emergency));
        open.map_or(Expected::Anything, Expected::from)
    }

    pub(super) async fn decode(
        &self,
        samples: &Arc<[f32]>,
        names: Vec<String>,
        retell: Option<Retell>,
        spotted: Spotted,
    ) -> Result<Transcript, (RejectionReason, Raw, Option<Heard>)> {
        let Some(ears) = &self.core.ears else { return Err((RejectionReason::Failed, Raw::nothing(), None)) };
        let request = HearRequest { retell, ..self.core.hear_request(Arc::clone(samples), spotted, names) };
        ears.hear(request).await.outcome.map_err(unheard)
    }
}

/// Why there is nothing to act on, what was heard all the same, and how that is told.
fn unheard(rejection: Rejection) -> (RejectionReason, Raw, Option<Heard>) {
    let text = rejection.heard.unwrap_or_default();
    let unheard =
        rejection.no_speech.map(|no_speech| Heard { text: text.clone(), confidence: rejection.confidence, no_speech });
    let raw = Raw::new(text, rejection.confidence, rejection.heard_confidence);
    (rejection.reason, raw, unheard)
}

pub(super) fn heard(transcript: &Transcript) -> Heard {
    Heard { text: transcript.text.clone(), confidence: transcript.confidence, no_speech: transcript.no_speech }
}

/// What is said, and what staff of a room are told, when nothing could be heard. `spotted` is what a room's clip may hold.
fn rejected(reason: RejectionReason, raw: Raw, spotted: Option<Spotted>) -> Hearing {
    use crate::asr::BadAudio;
    let cried = spotted.is_some_and(Spotted::cried);
    let tell = |need| Some(Unheard { need, emergency: false });
    let (reply, staff) = match reason {
        RejectionReason::TooShort => ("not_heard", None),
        RejectionReason::BadAudio(BadAudio::TooLong) => ("too_long", None),
        RejectionReason::BadAudio(_) => ("bad_audio", None),
        _ if cried => ("cried_room", Some(Unheard { need: CRIED, emergency: true })),
        RejectionReason::Silence | RejectionReason::NoVoice => ("not_heard", None),
        // It is said again by whoever can.
        RejectionReason::Noise | RejectionReason::Unclear if spotted.is_some_and(Spotted::urgent) => {
            ("unclear_room", tell("Somebody spoke and was not understood. It may have been a call for help."))
        }
        RejectionReason::Noise | RejectionReason::Unclear => ("unclear", None),
        RejectionReason::Overloaded | RejectionReason::DeadlinePassed => {
            let reply = if spotted.is_some() { "overloaded_room" } else { "overloaded" };
            (reply, tell("Somebody spoke and was not understood: the assistant was too busy."))
        }
        RejectionReason::Failed => {
            ("failed", tell("Somebody spoke and was not understood: the assistant could not hear."))
        }
    };
    Hearing::Nothing { raw, reply, staff, clip: None, doubtful: false }
}

/// What the board says of a cry without words.
const CRIED: &str = "Somebody may have cried for help. The assistant could not make out any words.";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_remark_is_believed_where_the_sound_speaks_for_it() {
        let file = concat!(env!("CARGO_MANIFEST_DIR"), "/audio-fixtures/next-visit.wav");
        let voice = wav::decode(&std::fs::read(file).expect("a recording")).expect("sound");
        let hum: Vec<f32> = (0..voice.len()).map(|i| (i as f32 * 0.05).sin() * 0.2).collect();
        let (calm, cry) = (Spotted::default(), Spotted { cry: 0.6, nurse: 0.0 });
        for (what, sound, spotted, text, alarm) in [
            ("somebody speaks", &voice, calm, "[screaming]", true),
            ("nobody does", &hum, calm, "[screaming]", false),
            ("it may be a cry", &hum, cry, "[screaming]", true),
            ("a sound that no voice is", &voice, cry, "(gunshots)", false),
            ("words, not a remark", &hum, calm, "I can't breathe", true),
        ] {
            let raw = Raw::new(text.to_owned(), 0.9, Vec::new()).of_sound(sound, spotted);
            assert_eq!(crate::policy::triage::triage(&raw.utterance()).is_some(), alarm, "{what}: {text}");
        }
        assert!(crate::policy::triage::triage(&Raw::typed("(gunshots)").utterance()).is_some(), "somebody wrote it");
    }

    #[test]
    fn what_staff_and_the_room_are_told_where_nothing_was_understood() {
        use RejectionReason::{
            BadAudio, DeadlinePassed, Failed, NoVoice, Noise, Overloaded, Silence, TooShort, Unclear,
        };
        let (calm, cry) = (Spotted::default(), Spotted { cry: 0.99, nurse: 0.0 });
        let perhaps = Spotted { cry: 0.6, nurse: 0.0 };
        // The reason, what a room's clip may hold, what is said, whether staff are told and whether as an emergency.
        let cases = [
            (Overloaded, Some(calm), "overloaded_room", Some(false)),
            (DeadlinePassed, Some(calm), "overloaded_room", Some(false)),
            (Overloaded, None, "overloaded", Some(false)),
            (Failed, Some(calm), "failed", Some(false)),
            (Noise, Some(calm), "unclear", None),
            (Noise, Some(perhaps), "unclear_room", Some(false)),
            (Unclear, Some(perhaps), "unclear_room", Some(false)),
            (Unclear, None, "unclear", None),
            (Silence, Some(perhaps), "not_heard", None),
            (Unclear, Some(calm), "unclear", None),
            (Silence, Some(calm), "not_heard", None),
            (NoVoice, Some(calm), "not_heard", None),
            (NoVoice, Some(cry), "cried_room", Some(true)),
            (Overloaded, Some(cry), "cried_room", Some(true)),
            (DeadlinePassed, Some(cry), "cried_room", Some(true)),
            (Failed, Some(cry), "cried_room", Some(true)),
            (Noise, Some(cry), "cried_room", Some(true)),
            (Unclear, Some(cry), "cried_room", Some(true)),
            (TooShort, Some(cry), "not_heard", None),
            (BadAudio(crate::asr::BadAudio::NotWav), None, "bad_audio", None),
        ];
        for (reason, spotted, says, emergency) in cases {
            let sound: Arc<[f32]> = [0.0].into();
            let hearing = rejected(reason, Raw::nothing(), spotted).with(Some(sound), true);
            assert_eq!(
                hearing.clip().is_none(),
                emergency == Some(true),
                "a cry waits for no other listen: {reason:?}"
            );
            let Hearing::Nothing { reply, staff, .. } = hearing else { panic!("nothing was heard") };
            assert_eq!((reply, staff.map(|s| s.emergency)), (says, emergency), "{reason:?} {spotted:?}");
        }
    }
}
