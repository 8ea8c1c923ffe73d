//! What a decoded clip is worth: words to act on, or the reason to ask again. Pure; the thresholds are here.

use super::{
    inventions,
    outcome::{Rejection, RejectionReason, Transcript, Word},
    whisper::{Decoded, Piece, Segment},
};

/// Above this the model thinks that nobody spoke.
const NO_SPEECH: f32 = 0.6;

/// Above this it doubts that somebody spoke; enough to doubt what it likes to invent.
const DOUBTS_SPEECH: f32 = 0.3;

/// Below this it doubts the words; likewise.
const DOUBTS_WORDS: f32 = 0.7;

/// Below this the words are guesses.
const UNCLEAR: f32 = 0.4;

/// Turns what the windows of a clip gave into words, or a rejection that still carries them. Windows of noise or
/// silence between others are left out of the words. `voice` tells whether somebody speaks in a window beyond doubt; it is asked
/// where the words are of those that the model likes to invent.
///
/// # Errors
/// When there is nothing to act on.
pub fn judge(windows: &[Decoded], voice: impl Fn(usize) -> bool) -> Result<Transcript, Rejection> {
    let (mut speech, mut rest): (Vec<&Decoded>, Vec<&Decoded>) = (vec![], vec![]);
    for (n, window) in windows.iter().enumerate() {
        let into = if is_speech(window) && !is_invented(window, || voice(n)) { &mut speech } else { &mut rest };
        into.push(window);
    }
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
        weighed: Vec::new(),
        spelled: None,
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

/// Words that the model likes to invent, and nothing in the sound that speaks for them.
fn is_invented(window: &Decoded, voice: impl Fn() -> bool) -> bool {
    let text: Vec<Word> = spoken(&words(&window.segments)).collect();
    let no_speech = window.segments.iter().map(|s| s.no_speech).fold(0.0, f32::max);
    let confidence = mean(window.segments.iter().flat_map(|s| &s.pieces));
    inventions::is_one(&join(&text)) && (no_speech > DOUBTS_SPEECH || confidence < DOUBTS_WORDS || !voice())
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

    fn judged(windows: &[Decoded]) -> Result<Transcript, Rejection> {
        judge(windows, |_| true)
    }

    fn decoded(text: &str, probability: f32, no_speech: f32) -> Decoded {
        let pieces = text
            .split_inclusive(' ')
            .map(|w| Piece { bytes: format!(" {}", w.trim()).into_bytes(), log_probability: probability.ln() })
            .collect();
        Decoded { segments: vec![Segment { pieces, no_speech }], cut_off: false }
    }

    #[test]
    fn clear_words_are_a_transcript() {
        let t = judged(&[decoded("Refill my metformin.", 0.9, 0.1)]).unwrap();
        assert_eq!(t.text, "Refill my metformin.");
        assert_eq!(t.words.len(), 3);
        assert!((t.confidence - 0.9).abs() < 1e-5);
    }

    #[test]
    fn a_word_is_as_sure_as_its_pieces() {
        let piece = |s: &str, p: f32| Piece { bytes: s.as_bytes().to_vec(), log_probability: p.ln() };
        let pieces =
            vec![piece(" met", 0.9), piece("for", 0.4), piece("min", 0.9), piece(" caf", 0.9), piece("\u{e9}", 0.9)];
        let t = judged(&[Decoded { segments: vec![Segment { pieces, no_speech: 0.0 }], cut_off: false }]).unwrap();
        assert_eq!(t.text, "metformin café");
        assert!((t.words[0].confidence - (0.9_f32 * 0.4 * 0.9).cbrt()).abs() < 1e-5);
    }

    #[test]
    fn remarks_are_not_words_but_are_kept_for_triage() {
        let r = judged(&[decoded("[screaming]", 0.9, 0.1)]).unwrap_err();
        assert_eq!((r.reason, r.heard.as_deref()), (RejectionReason::Noise, Some("[screaming]")));
        let t = judged(&[decoded("(door slams) Help me. [loud music playing] *sighs* ♪ Now!", 0.9, 0.1)]).unwrap();
        assert_eq!(t.text, "Help me. Now!");
        assert_eq!(t.heard, "(door slams) Help me. [loud music playing] *sighs* ♪ Now!");
        assert_eq!(judged(&[decoded("Call (555) 0100.", 0.9, 0.1)]).unwrap().text, "Call (555) 0100.");
    }

    #[test]
    fn doubt_is_a_rejection_that_says_what_was_heard() {
        let noise = judged(&[decoded("Thank you.", 0.9, 0.61)]).unwrap_err();
        assert_eq!((noise.reason, noise.heard.as_deref()), (RejectionReason::Noise, Some("Thank you.")));
        assert_eq!(judged(&[decoded("I'm a the", 0.3, 0.1)]).unwrap_err().reason, RejectionReason::Unclear);
        assert_eq!(judged(&[]).unwrap_err().reason, RejectionReason::Silence);
        let cut = Decoded { cut_off: true, ..decoded("and so on and", 0.9, 0.1) };
        assert_eq!(judged(&[cut]).unwrap_err().reason, RejectionReason::Unclear);
    }

    #[test]
    fn a_window_of_noise_in_a_long_clip_is_left_out_but_heard() {
        let speech = || decoded("I need my refill.", 0.9, 0.1);
        let t = judged(&[speech(), decoded("Thank you.", 0.9, 0.8), decoded("[phone ringing]", 0.9, 0.2), speech()])
            .unwrap();
        assert_eq!(t.text, "I need my refill. I need my refill.");
        assert_eq!(t.heard, "I need my refill. Thank you. [phone ringing] I need my refill.");
        assert!((t.no_speech - 0.1).abs() < 1e-6);
    }

    #[test]
    fn loops_are_refused_and_cries_are_not() {
        assert!(judged(&[decoded("Help! Help! Help me! Help me! Please help!", 0.8, 0.1)]).is_ok());
        let lap = "I'm sorry. ".repeat(12);
        assert_eq!(judged(&[decoded(lap.trim(), 0.9, 0.1)]).unwrap_err().reason, RejectionReason::Unclear);
        assert!(is_suspect(&decoded("Call the nurse. Call the nurse.", 0.9, 0.1)));
        assert!(!is_suspect(&decoded("Help! Help! Call the nurse.", 0.9, 0.1)));
    }

    #[test]
    fn what_it_likes_to_invent_is_believed_where_somebody_clearly_said_it() {
        // The words, their confidence, the doubt that somebody spoke, whether there is a voice, whether it counts.
        for (text, confidence, no_speech, voice, counts) in [
            ("Thank you.", 0.9, 0.05, true, true),
            ("Thank you.", 0.9, 0.05, false, false),
            ("Thank you.", 0.9, 0.35, true, false),
            ("Thank you.", 0.6, 0.05, true, false),
            ("Thanks for watching!", 0.9, 0.05, false, false),
            ("Thank you, I need the nurse.", 0.6, 0.35, false, true),
            ("Help!", 0.6, 0.35, false, true),
            ("Yes.", 0.6, 0.35, false, true),
        ] {
            let judged = judge(&[decoded(text, confidence, no_speech)], |_| voice);
            assert_eq!(judged.is_ok(), counts, "{text} {confidence} {no_speech} {voice}");
            if let Err(rejection) = judged {
                assert_eq!((rejection.reason, rejection.heard.as_deref()), (RejectionReason::Noise, Some(text)));
            }
        }
        let both = [decoded("I need my refill.", 0.9, 0.1), decoded("Thank you.", 0.9, 0.1)];
        assert_eq!(judge(&both, |n| n == 0).unwrap().text, "I need my refill.");
        assert_eq!(judge(&both, |_| true).unwrap().text, "I need my refill. Thank you.");
    }
}
