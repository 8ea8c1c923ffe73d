//! Hearing what may be all that was said, while nobody knows yet whether it is.
//!
//! Invariant: nothing comes of it but words in memory: no audit row, no store, no dialogue, no action. A turn that takes them goes the
//! whole way all the same.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use super::{
    Core,
    pause::{self, Expected},
};
use crate::{
    asr::{
        self, RejectionReason,
        pool::{HearRequest, Pool, Priority},
        spotter::Spotted,
    },
    nlu::digits,
};

/// What stands for digits in words of which nobody knows yet what they answer.
const MASK: &str = "…";

/// What was heard of an utterance before it was over. Not `Debug`: it holds what was said.
pub struct Early {
    pub(super) spotted: Spotted,
    /// As hearing gave it; whose turn it is reads it in the light of what is asked then.
    pub(super) heard: asr::Heard,
    /// The words in the light of what was asked when it began.
    answer: Option<String>,
    pause: Duration,
}

impl Early {
    /// The words so far, as they may be shown: each digit is masked, since it may be of a secret. `None` where there are none.
    #[must_use]
    pub fn shown(&self) -> Option<String> {
        let text = self.answer.as_ref()?;
        Some(digits::masked(text, &digits::runs(text, 1), MASK))
    }

    /// How long somebody must be quiet after it until it was all.
    #[must_use]
    pub const fn pause(&self) -> Duration {
        self.pause
    }

    /// Why there are no words, where there are none.
    #[must_use]
    pub fn rejected(&self) -> Option<RejectionReason> {
        self.heard.outcome.as_ref().err().map(|rejection| rejection.reason)
    }

    /// Whether it says what was said. What there was no time for is heard once more.
    pub(super) const fn counts(&self) -> bool {
        !matches!(
            &self.heard.outcome,
            Err(asr::Rejection {
                reason: RejectionReason::Overloaded | RejectionReason::DeadlinePassed | RejectionReason::Failed,
                ..
            })
        )
    }
}

impl Core {
    /// Whether a decoder is free for what may be in vain.
    #[must_use]
    pub fn has_room(&self) -> bool {
        self.ears.as_ref().is_some_and(Pool::has_room)
    }

    /// Hears sound (16 kHz, -1 to 1) that may go on. `None` where no decoder is free for what may be in vain.
    pub async fn ahead(&self, samples: Arc<[f32]>, expected: Expected) -> Option<Early> {
        // Under load nothing is heard that may be in vain, and no cry is looked for twice.
        let ears = self.ears.as_ref().filter(|ears| ears.has_room())?;
        let spotter = self.spotter.clone();
        let sound = Arc::clone(&samples);
        let spotted =
            tokio::task::spawn_blocking(move || spotter.map_or_else(Spotted::default, |spotter| spotter.spot(&sound)));
        let spotted = spotted.await.ok()?;
        let likely = self.likely(&expected, spotted);
        let heard = ears.hear(HearRequest { likely, ..self.hear_request(samples, spotted, Vec::new()) }).await;
        let answer = self.as_answer(heard.outcome.clone(), &expected).ok().map(|words| words.text);
        let mut early = Early { spotted, heard, answer, pause: pause::USUAL };
        if early.counts() {
            early.pause = match &early.answer {
                Some(words) => {
                    pause::after(words, &expected, self.pin_digits, &self.engine, self.ambient.now(), &self.zone)
                }
                None => pause::after_nothing(&expected, spotted.urgent()),
            };
        }
        Some(early)
    }

    /// What the pool is asked for somebody who waits for an answer.
    pub(super) fn hear_request(&self, samples: Arc<[f32]>, spotted: Spotted, names: Vec<String>) -> HearRequest {
        HearRequest {
            samples,
            priority: if spotted.urgent() { Priority::Urgent } else { Priority::Interactive },
            deadline: Instant::now() + self.hear_deadline.max(Duration::from_millis(100)),
            names,
            retell: None,
            likely: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn heard(outcome: Result<asr::Transcript, asr::Rejection>) -> Early {
        let heard = asr::Heard { outcome, timings: asr::Timings::default() };
        let answer = heard.outcome.as_ref().ok().map(|words| words.text.clone());
        Early { spotted: Spotted::default(), heard, answer, pause: pause::USUAL }
    }

    #[test]
    fn digits_are_not_shown_and_what_there_was_no_time_for_does_not_count() {
        let words = |text: &str| {
            heard(Ok(asr::Transcript {
                text: text.into(),
                heard: text.into(),
                heard_confidence: vec![],
                confidence: 0.9,
                words: vec![],
                weighed: vec![],
                spelled: None,
                no_speech: 0.0,
            }))
        };
        for (said, shown) in [
            ("Is my prescription ready?", "Is my prescription ready?"),
            ("four seven one", "…"),
            ("My pin is 40 77.", "My pin is …."),
            ("I took two pills", "I took … pills"),
        ] {
            assert_eq!(words(said).shown().as_deref(), Some(shown), "{said}");
            assert!(words(said).counts());
        }
        use RejectionReason::{DeadlinePassed, Failed, Noise, Overloaded, Silence, Unclear};
        for (reason, counts) in [
            (Overloaded, false),
            (DeadlinePassed, false),
            (Failed, false),
            (Noise, true),
            (Silence, true),
            (Unclear, true),
        ] {
            let early = heard(Err(asr::Rejection::unheard(reason)));
            assert!(early.counts() == counts && early.shown().is_none(), "{reason:?}");
        }
    }
}
