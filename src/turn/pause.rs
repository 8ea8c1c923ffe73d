//! How long somebody must be quiet until it is over, by what they said so far and what they were asked.
//!
//! Invariant: pure. It decides how long is waited, never what was meant; what somebody says after that is heard by itself.

use std::time::Duration;

use crate::{
    dialogue::{Open, Wait},
    nlu::{By, Context, Engine, Interpretation, Pending, digits},
    policy::{Effect, NameLists, SHORTEST_PIN},
};

/// What was asked before, as far as it matters to hearing the answer.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Expected {
    /// Nothing: anything may be said.
    #[default]
    Anything,
    /// A yes or a no.
    YesNo,
    /// A PIN or a code.
    Digits,
    /// A value for what this intent asked.
    Value {
        /// The intent.
        intent: String,
        /// The slot.
        slot: String,
    },
}

impl Expected {
    /// How long nobody must speak until it is worth hearing what was said so far, where that lasted so long without its pauses.
    #[must_use]
    pub fn worth_hearing_after(&self, spoken: Duration) -> Duration {
        match self {
            Self::Digits if spoken >= LEAST_CODE => WORTH_HEARING_DIGITS,
            Self::Digits | Self::Anything | Self::YesNo | Self::Value { .. } => WORTH_HEARING,
        }
    }
}

impl From<&Open> for Expected {
    fn from(open: &Open) -> Self {
        match &open.wait {
            Wait::Confirm { .. }
            | Wait::Meant
            | Wait::Resume
            | Wait::Person
            | Wait::Emergency
            | Wait::Join
            | Wait::Aloud { .. }
            | Wait::Consent { .. } => Self::YesNo,
            Wait::Pin { .. } => Self::Digits,
            Wait::Slot { slot, .. } => Self::Value { intent: open.intent.clone(), slot: slot.clone() },
            // A name of anybody, which only the people of the device tell.
            Wait::Who { .. } => Self::Anything,
        }
    }
}

/// So long nobody must speak until it is worth hearing what was said. Twice as much would be longer than most stops inside a word; of
/// recorded commands of 4.6 s, 2.0 instead of 1.3 pauses are that long.
const WORTH_HEARING: Duration = Duration::from_millis(60);
/// The same between digits: few words, said apart, and a try of the next is short.
const WORTH_HEARING_DIGITS: Duration = Duration::from_millis(20);
/// Nobody says a whole code in less: of the digits of the Free Spoken Digit Dataset nineteen in twenty are longer than a quarter of it.
const LEAST_CODE: Duration = Duration::from_millis(600);
/// There is no more to say.
const DONE: Duration = Duration::from_millis(80);
/// Nobody has more to say.
pub const AT_ONCE: Duration = Duration::from_millis(160);
/// An answer that some go on after, or a call that must not be kept waiting.
const SOON: Duration = Duration::from_millis(500);
/// Nothing was heard that speaks for it or against it. Shorter cuts into thinking, longer makes everybody wait.
pub const USUAL: Duration = Duration::from_millis(800);
/// Nothing says that it is all: somebody thinks, or looks for a word.
const UNFINISHED: Duration = Duration::from_millis(1600);

/// How much it speaks for an end that sentences end so and how many words there are, by the logarithms of that, and that it was
/// understood, by how surely; and how much there must be of all. Logistic regression over 6,384 beginnings and whole sentences of
/// the catalogue's own tests, every second one, those that are held out left aside.
const WEIGHTS: [f32; 4] = [1.05, 0.92, 11.1, -9.1];
/// By that measure nobody has more to say. Of beginnings of those sentences 1.4 in 100 reach it, of whole ones 61. Not even a whole
/// request below it is answered sooner than somebody may think: to wait a second there cut off three times as many, and all were
/// answered 0.1 seconds sooner on average.
const WHOLE: f32 = 2.8;
/// So many digits are looked at, at least: no code has more.
const LONGEST_CODE: usize = 8;

/// How long is waited after these words. `pin_digits` is how many digits every PIN has, where that is known.
#[must_use]
pub fn after(
    words: &str,
    expected: &Expected,
    pin_digits: Option<usize>,
    engine: &Engine,
    now: jiff::Timestamp,
    zone: &jiff::tz::TimeZone,
) -> Duration {
    if trails_off(words) {
        return UNFINISHED;
    }
    if *expected == Expected::Digits && !digits::runs(words, 1).is_empty() {
        return digits_pause(words, pin_digits);
    }
    let pending = match expected {
        Expected::Value { intent, slot } => Some(Pending { intent, slot: Some(slot) }),
        Expected::Anything | Expected::YesNo | Expected::Digits => None,
    };
    let lists = NameLists::default();
    let context = Context { channel: "", pending, lists: &lists, now, zone };
    let understood = engine.understand(words, &context);
    match expected {
        Expected::YesNo if matches!(understood.intent.as_str(), "dialogue.yes" | "dialogue.no") => AT_ONCE,
        Expected::Value { .. } if understood.by == By::Answer => SOON,
        Expected::Anything | Expected::YesNo | Expected::Digits | Expected::Value { .. } => {
            let pause = sentence_pause(words, &understood, engine.ends(words, &context));
            let effect = engine.catalogue().intent(&understood.intent).map(|def| def.effect);
            match understood.by {
                // Whoever needs somebody is not kept waiting for more words.
                By::Sentence if effect == Some(Effect::Urgent) => pause.min(SOON),
                By::Sentence | By::Classifier | By::Unsure | By::Answer | By::Nothing => pause,
            }
        }
    }
}

/// How long is waited where no words were made of it, which is so of a first word alone more often than of a sentence. What may be a cry, as
/// `urgent` tells, is not kept waiting for more.
#[must_use]
pub const fn after_nothing(expected: &Expected, urgent: bool) -> Duration {
    match expected {
        Expected::YesNo => USUAL,
        Expected::Anything | Expected::Digits | Expected::Value { .. } if urgent => USUAL,
        Expected::Anything | Expected::Digits | Expected::Value { .. } => UNFINISHED,
    }
}

fn digits_pause(words: &str, pin_digits: Option<usize>) -> Duration {
    let count: usize = digits::runs(words, 1).iter().map(|(_, digits)| digits.len()).sum();
    match count {
        all if pin_digits == Some(all) => DONE,
        some if pin_digits.is_some_and(|all| some < all) => UNFINISHED,
        // Somebody looks for the next one.
        ..SHORTEST_PIN => UNFINISHED,
        // Most have four digits, some have more: the next one comes sooner than that.
        SHORTEST_PIN..LONGEST_CODE => SOON,
        LONGEST_CODE.. => AT_ONCE,
    }
}

fn sentence_pause(words: &str, understood: &Interpretation, ends: f32) -> Duration {
    let sure = if understood.by == By::Nothing { 0.0 } else { understood.confidence };
    let many = words.split_whitespace().count().max(1) as f32;
    let [by_ends, by_many, by_sure, least] = WEIGHTS;
    // What was never seen to end so may still be the first of its kind.
    let measure = by_ends * (ends + 0.005).ln() + by_many * many.ln() + by_sure * sure + least;
    if measure >= WHOLE { AT_ONCE } else { UNFINISHED }
}

/// The transcript itself says that it goes on.
fn trails_off(words: &str) -> bool {
    words.trim_end().ends_with(['…', ',', '-', '–', '—']) || words.trim_end().ends_with("...")
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::nlu::catalogue::Catalogue;

    #[test]
    fn a_pause_is_as_long_as_the_words_leave_open() {
        let engine = Engine::lexical(Arc::new(Catalogue::builtin().expect("loads"))).expect("trains");
        let (now, zone) = (jiff::Timestamp::UNIX_EPOCH, jiff::tz::TimeZone::UTC);
        let value = || Expected::Value { intent: "prescription.renew".into(), slot: "medicine".into() };
        let (anything, yes, digits) = (Expected::Anything, Expected::YesNo, Expected::Digits);
        for (words, expected, least, most) in [
            ("Call the nurse.", anything.clone(), AT_ONCE, SOON),
            ("Is my prescription ready?", anything.clone(), AT_ONCE, UNFINISHED),
            ("When is my next appointment?", anything.clone(), AT_ONCE, UNFINISHED),
            ("Is my", anything.clone(), UNFINISHED, UNFINISHED),
            ("I would like to", anything.clone(), UNFINISHED, UNFINISHED),
            ("Can you tell the nurse that my", anything.clone(), USUAL, UNFINISHED),
            ("Call the nurse...", anything.clone(), UNFINISHED, UNFINISHED),
            ("Refill my metformin and,", anything.clone(), UNFINISHED, UNFINISHED),
            ("Yes.", yes.clone(), AT_ONCE, AT_ONCE),
            ("No.", yes.clone(), AT_ONCE, AT_ONCE),
            ("I would like to", yes, UNFINISHED, UNFINISHED),
            ("4", digits.clone(), UNFINISHED, UNFINISHED),
            ("four seven one", digits.clone(), UNFINISHED, UNFINISHED),
            ("4 0 7 1.", digits.clone(), SOON, SOON),
            ("4071 2290", digits.clone(), AT_ONCE, AT_ONCE),
            ("I would like to", digits, UNFINISHED, UNFINISHED),
            ("Metformin.", value(), SOON, SOON),
        ] {
            let got = after(words, &expected, None, &engine, now, &zone);
            assert!((least..=most).contains(&got), "{words} ({expected:?}): {got:?}");
        }
        let (short, long) = (LEAST_CODE - Duration::from_millis(1), LEAST_CODE);
        for (expected, spoken, after) in [
            (Expected::Digits, short, WORTH_HEARING),
            (Expected::Digits, long, WORTH_HEARING_DIGITS),
            (Expected::YesNo, long, WORTH_HEARING),
        ] {
            assert_eq!(expected.worth_hearing_after(spoken), after, "{expected:?}");
        }
        for (expected, urgent, pause) in [
            (Expected::Anything, false, UNFINISHED),
            (Expected::Anything, true, USUAL),
            (value(), false, UNFINISHED),
            (Expected::YesNo, false, USUAL),
        ] {
            assert_eq!(after_nothing(&expected, urgent), pause, "{expected:?}");
        }
        // Where every PIN has so many digits.
        for (words, pin_digits, pause) in [
            ("4 0 7 1", 4, DONE),
            ("4 0 7", 4, UNFINISHED),
            ("4 0 7 1", 6, UNFINISHED),
            ("4 0 7 1 2 2", 6, DONE),
            // A code in place of the PIN has more.
            ("4 0 7 1 2", 4, SOON),
            ("4071 2290", 4, AT_ONCE),
        ] {
            let got = after(words, &Expected::Digits, Some(pin_digits), &engine, now, &zone);
            assert_eq!(got, pause, "{words} of {pin_digits}");
        }
    }
}
