//! What the model makes of sound in which nobody speaks: the ends of films and videos that it learned from.
//!
//! Sources: Barański and others, "Investigation of Whisper ASR hallucinations induced by non-speech audio" (ICASSP 2025), whose
//! commonest are here; Koenecke and others, "Careless Whisper" (FAccT 2024); and what kitchens, music and hum became in
//! `wellspoken bench ghosts --part tune`.
//!
//! Invariant: people say some of these, too. One alone is no reason to reject anything; [`super::judge`] asks the sound besides.
//! No cry, no yes and no no is among them.

/// The whole of what was heard, in letters and digits alone.
const WHOLE: &[&str] = &[
    "ah",
    "applause",
    "be right back",
    "beep",
    "bye",
    "bye bye",
    "bye bye bye",
    "bzz",
    "good night",
    "goodbye",
    "hmm",
    "huh",
    "i dont know",
    "i love you",
    "ill be right back",
    "ill see you in the next video",
    "ill see you next time",
    "im sorry",
    "like and subscribe",
    "mm",
    "mmm",
    "music",
    "oh",
    "oh my god",
    "please subscribe",
    "please subscribe to my channel",
    "see you",
    "see you in the next video",
    "see you next time",
    "silence",
    "so",
    "thank you",
    "thank you bye",
    "thank you for watching",
    "thank you for watching this video",
    "thank you so much",
    "thank you thank you",
    "thank you very much",
    "thanks",
    "thanks for listening",
    "thanks for watching",
    "thanks for watching bye",
    "thats it",
    "the",
    "the end",
    "uh",
    "well be right back",
    "wow",
    "you",
];

/// How credits begin or what they name.
const CREDITS: &[&str] = &[
    "subtitles by",
    "subtitled by",
    "captions by",
    "captioned by",
    "transcription by",
    "transcribed by",
    "amaraorg",
    "copyright",
];

/// Whether it is one of them.
#[must_use]
pub fn is_one(text: &str) -> bool {
    let letters: String =
        text.chars().map(|c| if c == '-' { ' ' } else { c }).filter(|c| c.is_alphanumeric() || *c == ' ').collect();
    let plain = letters.to_lowercase().split_whitespace().collect::<Vec<_>>().join(" ");
    WHOLE.binary_search(&plain.as_str()).is_ok() || CREDITS.iter().any(|credit| plain.contains(credit))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ends_of_videos_are_told_from_what_people_want() {
        assert!(WHOLE.is_sorted(), "they are looked for by halves");
        for (text, expected) in [
            ("Thank you.", true),
            (" Thanks for watching!", true),
            ("you", true),
            ("I'm sorry.", true),
            ("Subtitles by the Amara.org community", true),
            ("Bye-bye.", true),
            ("Bye, bye.", true),
            ("Thank you, nurse.", false),
            ("Help!", false),
            ("Yes.", false),
            ("No.", false),
            ("Okay.", false),
            ("Stop.", false),
            ("", false),
        ] {
            assert_eq!(is_one(text), expected, "{text}");
        }
    }
}
