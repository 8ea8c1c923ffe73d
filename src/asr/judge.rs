//! What a decoded clip is worth: words to act on, or the reason to ask again. Pure; the thresholds are here.

use super::{
    outcome::{Rejection, RejectionReason, Transcript, Word},
    whisper::{Decoded, Piece, Segment},
};

/// Above this the model thinks that nobody spoke.
const NO_SPEECH: f32 = 0.6;

/// Below this the words are guesses.
const UNCLEAR: f32 = 0.4;

/// Turns what the windows of a clip gave into words, or a rejection that still carries them. Windows of noise or
/// silence between others are left out of the words.
///
/// # Errors
/// When there is nothing to act on.
pub fn judge(windows: &[Decoded]) -> Result<Transcript, Rejection> {
    let (speech, rest): (Vec<&Decoded>, Vec<&Decoded>) = windows.iter().partition(|w| is_speech(w));
    let considered = if speech.is_empty() { &rest } else { &speech };
    let segments = || considered.iter().flat_map(|w| &w.segments);
    let text: Vec<Word> = spoken(&words(segments())).collect();
    let confidence = mean(segments().flat_map(|s| &s.pieces));
    let no_speech = segments().filter(|s| !s.pieces.is_empty()).map(|s| s.no_speech).reduce(f32::min);
    let reject =
        |reason| Err(heard(windows).rejected(Rejection { confidence, no_speech, ..Rejection::unheard(reason) }));
    let Some(no_speech) = no_speech else { return reject(RejectionReason::Silence) };
    if speech.is_empty() {
        return reject(RejectionReason::Noise);
    }
    if confidence < UNCLEAR || speech.iter().any(|w| w.cut_off) || is_loop(&text) {
        return reject(RejectionReason::Unclear);
    }
    let All(all) = heard(windows);
    Ok(Transcript {
        text: join(&text),
        heard: join(&all),
        heard_confidence: all.iter().map(|w| w.confidence).collect(),
        confidence,
        words: text,
        no_speech,
    })
}

/// All that was heard, remarks included.
pub struct All(Vec<Word>);

/// All that was heard, remarks included.
#[must_use]
pub fn heard(windows: &[Decoded]) -> All {
    All(words(windows.iter().flat_map(|w| &w.segments)))
}

impl All {
    /// A rejection that carries it.
    #[must_use]
    pub fn rejected(self, rejection: Rejection) -> Rejection {
        let Self(words) = self;
        Rejection {
            heard: (!words.is_empty()).then(|| join(&words)),
            heard_confidence: words.iter().map(|w| w.confidence).collect(),
            ..rejection
        }
    }
}

fn is_speech(window: &Decoded) -> bool {
    let no_speech = window.segments.iter().map(|s| s.no_speech).fold(0.0, f32::max);
    no_speech <= NO_SPEECH && spoken(&words(&window.segments)).next().is_some()
}

/// Whether another pass with the full context may do better: the text was cut off or repeats a sentence.
#[must_use]
pub fn is_suspect(decoded: &Decoded) -> bool {
    decoded.cut_off || repeats_a_sentence(&words(&decoded.segments))
}

fn words<'a>(segments: impl IntoIterator<Item = &'a Segment>) -> Vec<Word> {
    let mut words: Vec<Vec<Piece>> = Vec::new();
    for segment in segments {
        for (i, piece) in segment.pieces.iter().enumerate() {
            match words.last_mut() {
                Some(word) if i > 0 && !piece.bytes.starts_with(b" ") => word.push(piece.clone()),
                _ => words.push(vec![piece.clone()]),
            }
        }
    }
    words
        .iter()
        .map(|pieces| {
            let bytes: Vec<u8> = pieces.iter().flat_map(|p| p.bytes.iter().copied()).collect();
            Word { text: String::from_utf8_lossy(&bytes).trim().to_owned(), confidence: mean(pieces) }
        })
        .filter(|word| !word.text.is_empty())
        .collect()
}

/// Drops remarks about sounds: `[BLANK_AUDIO]`, `(door slams)`, `*sighs*`, `♪`. A number in brackets is speech.
fn spoken(words: &[Word]) -> impl Iterator<Item = Word> {
    let mut closing = None;
    words
        .iter()
        .filter(move |word| {
            let text = word.text.as_str();
            if text.chars().all(|c| matches!(c, '♪' | '♫' | '-' | '.' | '…' | '>')) {
                return false;
            }
            if closing.is_none() {
                closing = match text.chars().next() {
                    Some('[') => Some(']'),
                    Some('(') if !text.contains(|c: char| c.is_ascii_digit()) => Some(')'),
                    Some('*') => Some('*'),
                    _ => return true,
                };
                if text.chars().skip(1).any(|c| Some(c) == closing) {
                    closing = None;
                }
            } else if text.chars().any(|c| Some(c) == closing) {
                closing = None;
            }
            false
        })
        .cloned()
}

/// The same sentence of two or more words twice in a row.
fn repeats_a_sentence(words: &[Word]) -> bool {
    let mut sentences: Vec<String> = vec![String::new()];
    for word in words {
        let plain: String = word.text.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect();
        if let Some(sentence) = sentences.last_mut() {
            sentence.push_str(&plain);
            sentence.push(' ');
        }
        if word.text.ends_with(['.', '?', '!', ',']) {
            sentences.push(String::new());
        }
    }
    sentences.windows(2).any(|pair| pair[0] == pair[1] && pair[0].split_whitespace().count() > 1)
}

/// One to four words over and over, more often than anybody calls for help.
fn is_loop(words: &[Word]) -> bool {
    const TIMES: usize = 8;
    let plain: Vec<String> = words.iter().map(|w| w.text.to_lowercase()).collect();
    (1..=4).any(|n| plain.windows(n * TIMES).any(|run| run.chunks(n).all(|part| part == &run[..n])))
}

fn mean<'a>(pieces: impl IntoIterator<Item = &'a Piece>) -> f32 {
    let (mut sum, mut n) = (0.0, 0.0);
    for piece in pieces {
        sum += piece.log_probability;
        n += 1.0;
    }
    if n > 0.0 { (sum / n).exp() } else { 0.0 }
}

fn join(words: &[Word]) -> String {
    words.iter().map(|w| w.text.as_str()).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decoded(text: &str, probability: f32, no_speech: f32) -> Decoded {
        let pieces = text
            .split_inclusive(' ')
            .map(|w| Piece { bytes: format!(" {}", w.trim()).into_bytes(), log_probability: probability.ln() })
            .collect();
        Decoded { segments: vec![Segment { pieces, no_speech }], cut_off: false }
    }

    #[test]
    fn clear_words_are_a_transcript() {
        let t = judge(&[decoded("Refill my metformin.", 0.9, 0.1)]).unwrap();
        assert_eq!(t.text, "Refill my metformin.");
        assert_eq!(t.words.len(), 3);
        assert!((t.confidence - 0.9).abs() < 1e-5);
    }

    #[test]
    fn a_word_is_as_sure_as_its_pieces() {
        let piece = |s: &str, p: f32| Piece { bytes: s.as_bytes().to_vec(), log_probability: p.ln() };
        let pieces =
            vec![piece(" met", 0.9), piece("for", 0.4), piece("min", 0.9), piece(" caf", 0.9), piece("\u{e9}", 0.9)];
        let t = judge(&[Decoded { segments: vec![Segment { pieces, no_speech: 0.0 }], cut_off: false }]).unwrap();
        assert_eq!(t.text, "metformin café");
        assert!((t.words[0].confidence - (0.9_f32 * 0.4 * 0.9).cbrt()).abs() < 1e-5);
    }

    #[test]
    fn remarks_are_not_words_but_are_kept_for_triage() {
        let r = judge(&[decoded("[screaming]", 0.9, 0.1)]).unwrap_err();
        assert_eq!((r.reason, r.heard.as_deref()), (RejectionReason::Noise, Some("[screaming]")));
        let t = judge(&[decoded("(door slams) Help me. [loud music playing] *sighs* ♪ Now!", 0.9, 0.1)]).unwrap();
        assert_eq!(t.text, "Help me. Now!");
        assert_eq!(t.heard, "(door slams) Help me. [loud music playing] *sighs* ♪ Now!");
        assert_eq!(judge(&[decoded("Call (555) 0100.", 0.9, 0.1)]).unwrap().text, "Call (555) 0100.");
    }

    #[test]
    fn doubt_is_a_rejection_that_says_what_was_heard() {
        let noise = judge(&[decoded("Thank you.", 0.9, 0.61)]).unwrap_err();
        assert_eq!((noise.reason, noise.heard.as_deref()), (RejectionReason::Noise, Some("Thank you.")));
        assert_eq!(judge(&[decoded("I'm a the", 0.3, 0.1)]).unwrap_err().reason, RejectionReason::Unclear);
        assert_eq!(judge(&[]).unwrap_err().reason, RejectionReason::Silence);
        let cut = Decoded { cut_off: true, ..decoded("and so on and", 0.9, 0.1) };
        assert_eq!(judge(&[cut]).unwrap_err().reason, RejectionReason::Unclear);
    }

    #[test]
    fn a_window_of_noise_in_a_long_clip_is_left_out_but_heard() {
        let speech = || decoded("I need my refill.", 0.9, 0.1);
        let t = judge(&[speech(), decoded("Thank you.", 0.9, 0.8), decoded("[phone ringing]", 0.9, 0.2), speech()])
            .unwrap();
        assert_eq!(t.text, "I need my refill. I need my refill.");
        assert_eq!(t.heard, "I need my refill. Thank you. [phone ringing] I need my refill.");
        assert!((t.no_speech - 0.1).abs() < 1e-6);
    }

    #[test]
    fn loops_are_refused_and_cries_are_not() {
        assert!(judge(&[decoded("Help! Help! Help me! Help me! Please help!", 0.8, 0.1)]).is_ok());
        let lap = "I'm sorry. ".repeat(12);
        assert_eq!(judge(&[decoded(lap.trim(), 0.9, 0.1)]).unwrap_err().reason, RejectionReason::Unclear);
        assert!(is_suspect(&decoded("Call the nurse. Call the nurse.", 0.9, 0.1)));
        assert!(!is_suspect(&decoded("Help! Help! Call the nurse.", 0.9, 0.1)));
    }
}
