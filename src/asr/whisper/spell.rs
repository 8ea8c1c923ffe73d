//! What a clip is if nothing but digits is said in it: the decoder is led along the most probable digits, and what it makes
//! of every other word is left aside.
//!
//! Nothing is written between digits: where the model may write commas, it goes on with them and repeats the last digit.
//! The clip is not encoded again, so a digit costs what writing down one or two tokens costs. However the model would write
//! a digit ("4", "four", "for", the beginning of "47"), it counts for that digit.

use std::collections::HashMap;

use super::{Decoder, Stop, Whisper, WhisperError};
use crate::asr::weigh::Spelled;

/// What is looked for is not longer than this, in digits.
const MOST: usize = 16;
/// Nobody says more digits a second.
const A_SECOND: f32 = 6.0;

/// Each digit as it is written, and as the model writes it down where it hears something else in its place.
const WAYS: [&[&str]; 10] = [
    &["zero", "oh", "o", "owe", "nought"],
    &["one", "won", "wun"],
    &["two", "to", "too"],
    &["three", "tree", "free"],
    &["four", "for", "fore"],
    &["five", "fife"],
    &["six", "sex", "sicks"],
    &["seven"],
    &["eight", "ate"],
    &["nine", "nein"],
];

/// What one token stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sort {
    /// This digit, or a number that begins with it.
    Digit(u8),
    /// The text is over.
    End,
    /// Any other word.
    Other,
}

/// The tokens of a vocabulary, by what they stand for.
#[derive(Debug, Default)]
pub(super) struct Tokens {
    sorts: Vec<Sort>,
    /// The tokens of each digit that stand for that digit alone, homophones left aside.
    plain: [Vec<i32>; 10],
}

/// How probable each of them is to come next, as natural logarithms.
struct Next {
    digits: [f32; 10],
    end: f32,
}

impl Tokens {
    /// Of a vocabulary of so many tokens, the text of each and where text ends.
    pub(super) fn new(count: i32, end_of_text: i32, timestamps: i32, text: impl Fn(i32) -> Option<String>) -> Self {
        let ways: HashMap<&str, u8> =
            (0_u8..).zip(WAYS).flat_map(|(digit, ways)| ways.iter().map(move |way| (*way, digit))).collect();
        let mut tokens = Self::default();
        for token in 0..count {
            let sort = if token == end_of_text || token >= timestamps {
                Sort::End
            } else if token > end_of_text {
                Sort::Other
            } else {
                let text = text(token).unwrap_or_default();
                let sort = sort_of(&text, &ways);
                if let Sort::Digit(digit) = sort
                    && is_plain(text.trim(), digit)
                {
                    tokens.plain[usize::from(digit)].push(token);
                }
                sort
            };
            tokens.sorts.push(sort);
        }
        tokens
    }

    /// What comes next, by the logits of all tokens.
    #[expect(clippy::cast_possible_truncation, reason = "a logarithm keeps its worth")]
    fn next(&self, logits: &[f32]) -> Next {
        let highest = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        let (mut all, mut digits, mut end) = (0.0_f64, [0.0_f64; 10], 0.0_f64);
        for (sort, logit) in self.sorts.iter().zip(logits) {
            let weight = f64::from(logit - highest).exp();
            all += weight;
            match sort {
                Sort::Digit(digit) => digits[usize::from(*digit)] += weight,
                Sort::End => end += weight,
                Sort::Other => {}
            }
        }
        let log = |part: f64| (part / all).max(1e-30).ln() as f32;
        Next { digits: digits.map(log), end: log(end) }
    }

    /// The most probable token that writes this digit and no more.
    fn writes(&self, digit: usize, logits: &[f32]) -> Option<i32> {
        let logit = |token: i32| usize::try_from(token).ok().and_then(|at| logits.get(at)).copied();
        let plain = self.plain.get(digit)?.iter().copied();
        plain.max_by(|a, b| logit(*a).unwrap_or(f32::MIN).total_cmp(&logit(*b).unwrap_or(f32::MIN)))
    }
}

fn sort_of(text: &str, ways: &HashMap<&str, u8>) -> Sort {
    let plain = text.trim().to_lowercase();
    if let Some(first) = plain.bytes().next().filter(|_| plain.bytes().all(|b| b.is_ascii_digit())) {
        return Sort::Digit(first - b'0');
    }
    // A part of a longer word is none of them.
    let whole = text.starts_with(' ') || text.starts_with(char::is_uppercase);
    ways.get(plain.as_str()).filter(|_| whole).map_or(Sort::Other, |digit| Sort::Digit(*digit))
}

fn is_plain(text: &str, digit: u8) -> bool {
    text == digit.to_string() || WAYS[usize::from(digit)].first().is_some_and(|way| text.eq_ignore_ascii_case(way))
}

impl Whisper {
    /// The digits that fit best the clip of so many seconds that this decoder decoded last. `None` where there are too many.
    ///
    /// # Errors
    /// When it is told to stop, or the decoder fails.
    pub fn spell(
        &self,
        decoder: &mut Decoder,
        seconds: f32,
        threads: usize,
        stop: &Stop<'_>,
    ) -> Result<Option<Spelled>, WhisperError> {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a clip has few seconds, none below 0"
        )]
        let most = ((seconds * A_SECOND).ceil() as usize).min(MOST);
        let tokens = self.tokens();
        let mut path = self.path(decoder, threads);
        path.start()?;
        let (mut digits, mut so_far, mut margin) = (String::new(), 0.0_f32, f32::INFINITY);
        while digits.len() <= most {
            if stop.requested() {
                return Err(WhisperError::Stopped);
            }
            let logits = path.logits();
            let next = tokens.next(logits);
            let ((digit, p), (_, second)) = best_two(&next.digits);
            if !digits.is_empty() {
                if next.end > p {
                    let log_probability = so_far + next.end;
                    margin = margin.min(next.end - p);
                    return Ok(Some(Spelled { digits, log_probability, margin }));
                }
                margin = margin.min(p - next.end);
            }
            margin = margin.min(p - second);
            so_far += p;
            digits.push_str(&digit.to_string());
            let Some(token) = tokens.writes(digit, logits) else { return Ok(None) };
            path.step(token, f32::NEG_INFINITY)?;
        }
        Ok(None)
    }
}

/// The most probable and the next one.
fn best_two(digits: &[f32; 10]) -> ((usize, f32), (usize, f32)) {
    let mut order: Vec<(usize, f32)> = digits.iter().copied().enumerate().collect();
    order.sort_by(|a, b| b.1.total_cmp(&a.1));
    (order[0], order[1])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_told_apart() {
        let ways: HashMap<&str, u8> =
            (0_u8..).zip(WAYS).flat_map(|(digit, ways)| ways.iter().map(move |way| (*way, digit))).collect();
        for (text, sort) in [
            (" 4", Sort::Digit(4)),
            ("47", Sort::Digit(4)),
            (" four", Sort::Digit(4)),
            (" For", Sort::Digit(4)),
            ("Four", Sort::Digit(4)),
            (" oh", Sort::Digit(0)),
            (",", Sort::Other),
            // In "forty", "often", "bone".
            ("for", Sort::Other),
            ("one", Sort::Other),
            (" fort", Sort::Other),
            (" help", Sort::Other),
            (" ", Sort::Other),
            ("?", Sort::Other),
        ] {
            assert_eq!(sort_of(text, &ways), sort, "{text:?}");
        }
    }

    #[test]
    fn all_ways_to_write_a_digit_count_for_it() {
        let texts = [" 4", " four", " for", " 1", " the", ","];
        let tokens = Tokens::new(8, 6, 7, |t| texts.get(usize::try_from(t).ok()?).map(|t| (*t).to_owned()));
        let logits = [1.0, 1.0, 1.0, 1.5, 3.0, 0.0, 0.5, 0.5];
        let next = tokens.next(&logits);
        let share = |logits: &[f32]| {
            let sum = |l: &[f32]| l.iter().map(|l| l.exp()).sum::<f32>();
            (sum(logits) / sum(&[1.0, 1.0, 1.0, 1.5, 3.0, 0.0, 0.5, 0.5])).ln()
        };
        assert!((next.digits[4] - share(&[1.0, 1.0, 1.0])).abs() < 1e-4);
        assert!((next.end - share(&[0.5, 0.5])).abs() < 1e-4);
        assert_eq!(best_two(&next.digits).0.0, 4);
        // It is not written as what only sounds like it.
        assert_eq!(tokens.writes(4, &[0.0, 0.0, 9.0, 0.0, 0.0, 0.0, 0.0, 0.0]).map(|t| t < 2), Some(true));
    }
}
