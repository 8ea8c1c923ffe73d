//! Hearing in the light of what was asked: where the words mean nothing as an answer, what would be one is weighed against
//! the sound.
//!
//! Invariants: what is a clean answer as it was heard is left as it is, and so is what is clearly something else; triage
//! reads what was heard, not this. A yes that comes out of it is a doubtful one, for which nothing is changed before it is
//! asked again. Digits, days, times and readings come out of it only where none other fits nearly as well. Whether there is an emergency is never
//! answered by it.

use std::sync::{Arc, LazyLock};

use super::{Core, pause::Expected};
use crate::{
    asr::{
        self, Rejection, RejectionReason, Transcript,
        pool::HearRequest,
        spotter::Spotted,
        weigh::{Likely, Spelled, Texts, What},
    },
    nlu::{By, Context, Pending, catalogue::SlotKind, digits, words},
    policy::{LONGEST_PIN, NameLists, SHORTEST_PIN},
};

mod values;

/// How people say yes and no in a word. More words are heard well enough without it.
const YES: [&str; 6] = ["Yes.", "Yeah.", "Yep.", "Okay.", "Sure.", "Correct."];
const NO: [&str; 3] = ["No.", "Nope.", "Nah."];
/// More words than this are no misheard yes or no.
const MOST_WORDS: usize = 3;

/// The values below are natural logarithms of probabilities, and were found on speakers and noise that no figure is
/// reported on. A no is taken that is as probable as this…
const LEAST_NO: f32 = -4.5;
/// …and by so much more so than any yes.
const NO_OVER_YES: f32 = 3.0;
/// A wrong yes is worse than a wrong no, and a yes is asked about even then.
const LEAST_YES: f32 = -5.0;
const YES_OVER_NO: f32 = 4.0;
/// Either may be less probable than what was heard by this.
const UNDER_HEARD: f32 = 3.0;

/// What is less probable than this is none of them.
const FLOOR: f32 = LEAST_YES - YES_OVER_NO;

/// Each digit must be more probable than the next best, and than that it is over, by this…
const APART: f32 = 1.0;
/// …and a digit is as probable as this among all words, on the mean.
const LEAST_DIGIT: f32 = -1.0;

/// The kinds of answer that are looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    YesNo,
    Digits,
    Value(values::Kind),
}

static YES_OR_NO: LazyLock<Arc<Texts>> = LazyLock::new(|| {
    let texts = YES.iter().chain(&NO).map(|text| (*text).to_owned());
    Arc::new(Texts::marked(texts.collect()))
});

impl Core {
    /// What is looked for in a clip that answers this.
    pub(super) fn likely(&self, expected: &Expected, spotted: Spotted) -> Option<Likely> {
        // What may be a cry is no answer to anything.
        let kind = self.kind(expected).filter(|_| !spotted.urgent())?;
        let kind = match kind {
            Kind::YesNo => {
                return Some(Likely {
                    worth: Arc::new(|heard| words::words(heard).len() <= MOST_WORDS && !means_yes_or_no(heard)),
                    unvoiced: false,
                    what: What::Texts(Arc::clone(&YES_OR_NO), FLOOR),
                });
            }
            Kind::Digits => {
                let worth = Arc::new(|heard: &str| !is_clean_code(heard));
                return Some(Likely { worth, unvoiced: true, what: What::Digits });
            }
            Kind::Value(kind) => kind,
        };
        let texts = match kind {
            values::Kind::When => Arc::clone(&values::WHEN),
            values::Kind::Reading => Arc::clone(&values::READINGS),
        };
        let (engine, expected) = (Arc::clone(&self.engine), expected.clone());
        let (now, zone) = (self.ambient.now(), self.zone.clone());
        Some(Likely {
            worth: Arc::new(move |heard| {
                let lists = NameLists::default();
                let context = Context { channel: "", pending: pending(&expected), lists: &lists, now, zone: &zone };
                words::words(heard).len() <= values::MOST_WORDS && values::is_none(&engine, heard, &context)
            }),
            unvoiced: kind == values::Kind::Reading,
            what: What::Texts(texts, values::limits(kind).least),
        })
    }

    fn kind(&self, expected: &Expected) -> Option<Kind> {
        match expected {
            Expected::YesNo => Some(Kind::YesNo),
            Expected::Digits => Some(Kind::Digits),
            Expected::Value { intent, slot } => {
                let def = self.catalogue.intent(intent).and_then(|def| def.slot(slot));
                match def?.kind {
                    SlotKind::Digits => Some(Kind::Digits),
                    SlotKind::Date | SlotKind::Time => Some(Kind::Value(values::Kind::When)),
                    SlotKind::Reading => Some(Kind::Value(values::Kind::Reading)),
                    _ => None,
                }
            }
            Expected::Anything => None,
        }
    }

    /// What was heard, as the answer that was expected. What was only looked for, and is none, was not heard.
    pub(crate) fn as_answer(
        &self,
        heard: Result<Transcript, Rejection>,
        expected: &Expected,
    ) -> Result<Transcript, Rejection> {
        let transcript = heard?;
        let answer = self.kind(expected).and_then(|kind| match kind {
            Kind::YesNo => yes_or_no(&transcript),
            Kind::Digits => transcript.spelled.as_ref().and_then(code),
            Kind::Value(kind) => self.value(&transcript, kind, expected),
        });
        match answer.filter(|_| !self.means_something_else(&transcript)) {
            Some(text) => Ok(Transcript { text, words: Vec::new(), ..transcript }),
            // Only words that cannot be trusted leave no text.
            None if transcript.text.is_empty() => Err(Rejection {
                reason: RejectionReason::Unclear,
                heard: (!transcript.heard.is_empty()).then_some(transcript.heard),
                heard_confidence: transcript.heard_confidence,
                confidence: transcript.confidence,
                no_speech: Some(transcript.no_speech),
            }),
            None => Ok(transcript),
        }
    }

    /// The day, the time or the reading that fits, as it is to be read.
    fn value(&self, transcript: &Transcript, kind: values::Kind, expected: &Expected) -> Option<String> {
        let lists = NameLists::default();
        let now = self.ambient.now();
        let context = Context { channel: "", pending: pending(expected), lists: &lists, now, zone: &self.zone };
        values::best(&transcript.weighed, values::limits(kind), |text| values::of(kind, &self.engine, text, &context))
    }

    /// Whether the words were heard well enough and are something by themselves.
    fn means_something_else(&self, transcript: &Transcript) -> bool {
        let lists = NameLists::default();
        let now = self.ambient.now();
        let context = Context { channel: "", pending: None, lists: &lists, now, zone: &self.zone };
        let meaning = self.engine.understand(&transcript.text, &context);
        matches!(meaning.by, By::Sentence | By::Classifier | By::Answer)
    }

    /// Hears one clip in the light of what is expected.
    pub(crate) async fn listen(&self, samples: Arc<[f32]>, spotted: Spotted, expected: &Expected) -> asr::Heard {
        let Some(ears) = &self.ears else {
            let outcome = Err(Rejection::unheard(RejectionReason::Failed));
            return asr::Heard { outcome, timings: asr::Timings::default() };
        };
        let likely = self.likely(expected, spotted);
        ears.hear(HearRequest { likely, ..self.hear_request(samples, spotted, Vec::new()) }).await
    }
}

/// What the understanding of an answer goes by.
fn pending(expected: &Expected) -> Option<Pending<'_>> {
    match expected {
        Expected::Value { intent, slot } => Some(Pending { intent, slot: Some(slot) }),
        Expected::Anything | Expected::YesNo | Expected::Digits => None,
    }
}

/// Words that are a yes or a no as they stand.
fn means_yes_or_no(heard: &str) -> bool {
    const PLAIN: [&str; 12] =
        ["yes", "yeah", "yep", "yup", "okay", "ok", "sure", "correct", "no", "nope", "nah", "right"];
    words::words(heard).first().is_some_and(|word| PLAIN.contains(&word.text.as_str()))
}

/// Digits and nothing else, as many as a PIN has. What ends in the same digit twice, or says all of it twice, may be the
/// model repeating itself.
fn is_clean_code(heard: &str) -> bool {
    let runs = digits::runs(heard, 1);
    let code: String = runs.iter().map(|(_, digits)| digits.as_str()).collect();
    let (first, second) = code.split_at(code.len() / 2);
    let mut backwards = code.bytes().rev();
    let repeats = first == second || backwards.next() == backwards.next();
    let beside = digits::masked(heard, &runs, " ");
    (SHORTEST_PIN..=LONGEST_PIN).contains(&code.len()) && !repeats && words::words(&beside).is_empty()
}

/// The yes or the no that fits, as it is to be read: a yes that was found so is never a sure one.
fn yes_or_no(transcript: &Transcript) -> Option<String> {
    let among = |texts: &[&str]| {
        let theirs = transcript.weighed.iter().filter(|w| texts.contains(&w.text.as_str()));
        theirs.map(|w| w.log_probability).fold(f32::NEG_INFINITY, f32::max)
    };
    let (yes, no) = (among(&YES), among(&NO));
    let heard = transcript.weighed.last().map_or(f32::NEG_INFINITY, |w| w.log_probability);
    if no >= LEAST_NO && no >= yes + NO_OVER_YES && no >= heard - UNDER_HEARD {
        return Some("No.".to_owned());
    }
    if yes >= LEAST_YES && yes >= no + YES_OVER_NO && yes >= heard - UNDER_HEARD {
        return Some("Yes?".to_owned());
    }
    None
}

/// The digits, where there are enough of them and none is in doubt.
fn code(spelled: &Spelled) -> Option<String> {
    let count = spelled.digits.len();
    let fits = spelled.log_probability >= LEAST_DIGIT * (count + 1) as f32;
    let long = (digits::FEWEST..=LONGEST_PIN).contains(&count);
    (long && fits && spelled.margin >= APART)
        .then(|| spelled.digits.chars().map(String::from).collect::<Vec<_>>().join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::asr::weigh::Weighed;

    fn weighed(heard: f32, yes: f32, no: f32) -> Transcript {
        let texts = [("Yes.", yes), ("Sure.", -20.0), ("No.", no), ("Nah.", f32::NEG_INFINITY), ("Number.", heard)];
        let weighed = texts.map(|(text, log_probability)| Weighed { text: text.to_owned(), log_probability });
        Transcript {
            text: "Number.".into(),
            heard: "Number.".into(),
            heard_confidence: vec![],
            confidence: 0.5,
            words: vec![],
            weighed: weighed.to_vec(),
            spelled: None,
            no_speech: 0.0,
        }
    }

    #[test]
    fn a_no_is_taken_where_it_fits_and_a_yes_is_asked_about() {
        // What was heard, the best yes, the best no.
        for (heard, yes, no, taken) in [
            (-2.0, -9.0, -3.0, Some("No.")),
            (-2.0, -9.0, -4.4, Some("No.")),
            // Improbable, or much less probable than what was heard, or a yes nearly as good.
            (-2.0, -9.0, -4.6, None),
            (-0.4, -9.0, -3.9, None),
            (-2.0, -4.5, -2.0, None),
            (-2.0, -3.0, -9.0, Some("Yes?")),
            (-2.0, -4.9, -9.0, Some("Yes?")),
            (-2.0, -5.1, -9.5, None),
            (-2.0, -3.0, -6.5, None),
            (-0.4, -3.5, -9.0, None),
            // What was heard came out below what is looked at.
            (f32::NEG_INFINITY, -3.0, -9.0, Some("Yes?")),
            (-2.0, f32::NEG_INFINITY, f32::NEG_INFINITY, None),
        ] {
            assert_eq!(yes_or_no(&weighed(heard, yes, no)).as_deref(), taken, "{heard} {yes} {no}");
        }
    }

    #[test]
    fn digits_are_taken_where_none_is_in_doubt() {
        for (digits, log_probability, margin, taken) in [
            ("4077", -3.0, 1.5, Some("4 0 7 7")),
            ("407", -3.0, 1.5, Some("4 0 7")),
            // Two digits that fit, words that are no digits, too few and too many.
            ("4077", -3.0, 0.9, None),
            ("4077", -5.1, 1.5, None),
            ("40", -2.0, 1.5, None),
            ("4077229040772", -3.0, 1.5, None),
        ] {
            let spelled = Spelled { digits: digits.into(), log_probability, margin };
            assert_eq!(code(&spelled).as_deref(), taken, "{digits} {log_probability} {margin}");
        }
    }

    #[test]
    fn a_clean_answer_is_not_looked_at_again() {
        for (heard, clean) in [
            ("4 0 7 1", true),
            ("Four oh double seven two.", true),
            ("4071", true),
            // Too few and too many, and what may be repeated.
            ("4 0 7", false),
            ("4 0 7 1 4 0 7 1 4 0 7 1 1", false),
            ("4 0 7 7", false),
            ("4 0 7 1 4 0 7 1", false),
            ("1 8 by 2", false),
            ("for oh seven won", false),
            ("I forgot my PIN", false),
            ("", false),
        ] {
            assert_eq!(is_clean_code(heard), clean, "{heard}");
        }
        for (heard, clean) in [("Yes.", true), ("No, no.", true), ("Number.", false), ("Now?", false), ("", false)] {
            assert_eq!(means_yes_or_no(heard), clean, "{heard}");
        }
    }
}
