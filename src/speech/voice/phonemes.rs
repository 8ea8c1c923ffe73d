//! Spoken words to phonemes, none lost.
//!
//! Three readers, the surest first: the pronunciation list, the dictionary (which also knows that "read" and
//! "the" change with their neighbours), the network for unknown words. What none of them can read is spelled,
//! letter by letter, and what has no letter name is said to be unreadable: a silent gap in an answer about
//! medicines would be worse than a clumsy word.

use std::{collections::HashMap, ops::Range, path::Path, sync::Arc};

use misaki_rs::{Fallback, G2P, Language, fallback::FallbackError};
use rten::ThreadPool;

use super::{
    VoiceError,
    lexicon::{ALPHABET, Lexicon},
    normalize::{Sentence, Spoken},
    oov::Oov,
};

/// Said in place of a word in a script that cannot be read aloud in English: "a word I cannot pronounce".
const UNREADABLE: &str = "ɐ wˈɜɹd ˌI kænˌɑt pɹənˈWns";

/// Most phonemes synthesized at once (some 25 seconds of speech): bounds memory, and time to the first sound.
pub const MOST_PHONEMES: usize = 400;

/// Where a voice pauses inside a sentence.
const PAUSES: [char; 5] = [',', ';', ':', '—', '…'];

/// Fewest phonemes of a first piece of a sentence (some 0.5 seconds of speech: longer than it takes to make the rest), and of what is
/// left of it.
const FEWEST_PHONEMES: usize = 8;

/// Turns sentences into phonemes.
pub struct Phonemizer {
    dictionary: G2P,
    readers: Arc<Readers>,
}

/// The readers of single words.
struct Readers {
    lexicon: Lexicon,
    oov: Oov,
}

/// The dictionary asks its fallback while it reads, so that "the" before an unknown word sounds right.
struct Unknown(Arc<Readers>);

impl Fallback for Unknown {
    fn phonemize(&self, word: &str) -> Result<String, FallbackError> {
        Ok(self.0.read(word).unwrap_or_default())
    }
}

impl Phonemizer {
    /// Builds the dictionary (it is part of the program) and loads the network for unknown words.
    pub fn load(dir: &Path, lexicon: Lexicon, thread: Arc<ThreadPool>) -> Result<Self, VoiceError> {
        let readers = Arc::new(Readers { lexicon, oov: Oov::load(dir, thread)? });
        let dictionary = G2P::with_fallback(Language::EnglishUS, Some(Box::new(Unknown(Arc::clone(&readers)))));
        Ok(Self { dictionary, readers })
    }

    /// The phonemes of a sentence, in runs short enough to synthesize at once.
    pub fn phonemes(&self, sentence: &Sentence) -> Result<Vec<String>, VoiceError> {
        let (line, places) = write_out(sentence);
        let mut dictionary = self.look_up(&line);
        let mut runs = vec![String::new()];
        for (spoken, place) in sentence.iter().zip(places) {
            match spoken {
                Spoken::Pause(mark) => {
                    let run = runs.last_mut();
                    if let Some(run) = run.filter(|r| !r.is_empty()) {
                        run.push(*mark);
                    }
                }
                Spoken::Letter(letter) => append(&mut runs, letter_name(*letter).unwrap_or(UNREADABLE)),
                Spoken::Word(word) => {
                    let listed = self.readers.lexicon.get(word);
                    let found = listed.or_else(|| dictionary.remove(&place.start)).filter(|p| audible(p));
                    let phonemes = match found {
                        Some(phonemes) => phonemes,
                        None => self.readers.read(word)?,
                    };
                    append(&mut runs, &phonemes);
                }
            }
        }
        runs.retain(|run| audible(run));
        Ok(runs)
    }

    /// What the dictionary says of each word of a line, by the byte where the word starts. Empty when the
    /// dictionary's words cannot be matched with the line's; each word is then read alone.
    fn look_up(&self, line: &str) -> HashMap<usize, String> {
        let Ok((_, tokens)) = self.dictionary.g2p(line) else { return HashMap::new() };
        let mut words: HashMap<usize, String> = HashMap::new();
        let mut at = 0;
        let mut word_start = 0;
        let mut lost = false;
        for token in tokens {
            if !line.get(at..).is_some_and(|rest| rest.starts_with(&token.text)) {
                return HashMap::new();
            }
            let continues = at > 0 && line.as_bytes().get(at - 1).is_some_and(|b| *b != b' ') && !is_mark(&token.text);
            if !continues {
                word_start = at;
                lost = false;
            }
            at += token.text.len() + token.whitespace.len();
            match token.phonemes.map(|p| clean(&p)).filter(|p| audible(p)) {
                Some(phonemes) if !lost => words.entry(word_start).or_default().push_str(&phonemes),
                _ if is_mark(&token.text) => {}
                // One part of this word has no sound: the whole word goes to another reader.
                _ => {
                    lost = true;
                    words.remove(&word_start);
                }
            }
        }
        words
    }
}

/// The first sentence of an answer ends its first run at a pause that it has anyway: the sooner that is made, the sooner somebody
/// hears that they are answered.
pub fn breathe_early(mut runs: Vec<String>) -> Vec<String> {
    let Some(first) = runs.first() else { return runs };
    let many = first.chars().count();
    let pauses = first.char_indices().enumerate().filter(|(_, (_, c))| PAUSES.contains(c));
    let pause = pauses
        .map(|(n, (at, c))| (n, at + c.len_utf8()))
        .find(|(n, _)| *n >= FEWEST_PHONEMES && many - n > FEWEST_PHONEMES);
    if let Some((_, at)) = pause {
        let rest = runs[0].split_off(at);
        runs.insert(1, rest.trim_start().to_owned());
    }
    runs
}

impl Readers {
    /// A word alone: listed, read by the network, or spelled. Never empty.
    fn read(&self, word: &str) -> Result<String, VoiceError> {
        if let Some(phonemes) = self.lexicon.get(word) {
            return Ok(phonemes);
        }
        let readable = word.chars().filter(|c| c.is_alphabetic()).count();
        let known: String = clean(&self.oov.read(&word.to_lowercase())?);
        let vowels = known.chars().filter(|c| VOWELS.contains(*c)).count();
        if readable > 0 && vowels > 0 {
            return Ok(known);
        }
        let names: Vec<&str> = word.chars().filter_map(|c| letter_name(c.to_ascii_uppercase())).collect();
        Ok(if names.is_empty() { UNREADABLE.into() } else { names.join(" ") })
    }
}

const VOWELS: &str = "AIOWYaiuæɑɐɔəɛɜɪʊʌᵊᵻ";

/// Only phonemes the voice has; the network's stand-ins for two rare sounds are replaced.
fn clean(phonemes: &str) -> String {
    let replaced = phonemes.chars().map(|c| match c {
        'ʀ' => 'ɹ',
        'ɾ' => 'T',
        'ʔ' => 't',
        c => c,
    });
    replaced.filter(|c| ALPHABET.contains(*c)).collect::<String>().trim().to_owned()
}

fn audible(phonemes: &str) -> bool {
    phonemes.chars().any(|c| c.is_alphabetic() && !matches!(c, 'ˈ' | 'ˌ'))
}

fn is_mark(text: &str) -> bool {
    !text.chars().any(char::is_alphanumeric)
}

/// The sentence as a line for the dictionary, and where each spoken thing stands in it.
fn write_out(sentence: &Sentence) -> (String, Vec<Range<usize>>) {
    let mut line = String::new();
    let mut places = Vec::with_capacity(sentence.len());
    for spoken in sentence {
        if !line.is_empty() && !matches!(spoken, Spoken::Pause(_)) {
            line.push(' ');
        }
        let start = line.len();
        match spoken {
            Spoken::Word(word) => line.push_str(word),
            Spoken::Letter(letter) => line.push(*letter),
            Spoken::Pause(mark) => line.push(*mark),
        }
        places.push(start..line.len());
    }
    (line, places)
}

/// Adds a word to the last run, or starts another where the last is full: at a pause if it can.
fn append(runs: &mut Vec<String>, phonemes: &str) {
    let room = |run: &String| run.chars().count() + 1 + phonemes.chars().count();
    let at_pause = |run: &String| run.ends_with(PAUSES);
    let full = runs.last().is_some_and(|run| {
        let length = room(run);
        length > MOST_PHONEMES || (at_pause(run) && length > MOST_PHONEMES * 2 / 3)
    });
    if full {
        runs.push(String::new());
    }
    let mut rest = phonemes;
    if let Some(run) = runs.last_mut() {
        if !run.is_empty() {
            run.push(' ');
        }
        // One word alone can be longer than a run.
        let cut = rest.char_indices().nth(MOST_PHONEMES).map_or(rest.len(), |(i, _)| i);
        run.push_str(&rest[..cut]);
        rest = &rest[cut..];
    }
    if !rest.is_empty() {
        runs.push(String::new());
        append(runs, rest);
    }
}

fn letter_name(letter: char) -> Option<&'static str> {
    Some(match letter {
        'A' => "ˈA",
        'B' => "bˈi",
        'C' => "sˈi",
        'D' => "dˈi",
        'E' => "ˈi",
        'F' => "ˈɛf",
        'G' => "ʤˈi",
        'H' => "ˈAʧ",
        'I' => "ˈI",
        'J' => "ʤˈA",
        'K' => "kˈA",
        'L' => "ˈɛl",
        'M' => "ˈɛm",
        'N' => "ˈɛn",
        'O' => "ˈO",
        'P' => "pˈi",
        'Q' => "kjˈu",
        'R' => "ˈɑɹ",
        'S' => "ˈɛs",
        'T' => "tˈi",
        'U' => "jˈu",
        'V' => "vˈi",
        'W' => "dˈʌbᵊlju",
        'X' => "ˈɛks",
        'Y' => "wˈI",
        'Z' => "zˈi",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_first_piece_ends_at_the_first_pause_that_leaves_enough() {
        for (run, pieces) in [
            ("mɛtfˈɔɹmən, fˈaɪv hˈʌndɹəd.", vec!["mɛtfˈɔɹmən,", "fˈaɪv hˈʌndɹəd."]),
            ("jɛs, ðæt ɪz ɔl ðɛɹ ɪz, fɹˈɛnd əv mIn.", vec!["jɛs, ðæt ɪz ɔl ðɛɹ ɪz,", "fɹˈɛnd əv mIn."]),
            ("hɪɹ ɪz wˌʌt ðə klˈɪnɪk sˈɛz: nˈO.", vec!["hɪɹ ɪz wˌʌt ðə klˈɪnɪk sˈɛz: nˈO."]),
            ("nˈO pˈɔzɪz æt ɔl ɪn hˈɪɹ.", vec!["nˈO pˈɔzɪz æt ɔl ɪn hˈɪɹ."]),
        ] {
            assert_eq!(
                breathe_early(vec![run.to_owned(), "ənˈʌðəɹ, wˈɪʧ ɪz lˈɔŋ ɪnˈʌf.".to_owned()])[..pieces.len()],
                pieces
            );
        }
        assert!(breathe_early(vec![]).is_empty());
    }
}
