//! Names as a recognizer mangles them: matched by their letters, then by letters and sound together.
//!
//! "war for in" is warfarin, "doctor win" is Dr. Nguyen. Margins are thin, so a match that is not letter for
//! letter has a confidence below 1 and is read back before anything is changed.

use std::collections::{HashMap, HashSet};

use rphonetic::{DoubleMetaphone, Encoder};

use super::words;

/// A list of names made ready for matching.
#[derive(Debug, Default)]
pub struct Names {
    exact: HashMap<String, usize>,
    /// First words of the names: most words begin none.
    starts: HashSet<String>,
    sounds: Vec<(usize, Sound)>,
    /// The names of `sounds` as normalized words.
    spelled: Vec<String>,
    /// Words of the longest name.
    longest: usize,
}

/// What a spoken name matched.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Hit {
    /// The entry, as numbered when the list was made.
    pub entry: usize,
    /// 1 for letter for letter, less where letters or sounds were compared.
    pub confidence: f32,
}

/// Words that may be a misheard name.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Spot {
    /// The entry, as numbered when the list was made.
    pub entry: usize,
    /// Which of all names, for [`Names::spelled`].
    pub sound: usize,
    /// The first word, counted from 0.
    pub from: usize,
    /// One past the last word.
    pub to: usize,
    /// How like the name they are, 0 to 1.
    pub likeness: f32,
}

/// A name without blanks, and how it sounds (Double Metaphone).
#[derive(Debug)]
struct Sound {
    letters: String,
    code: String,
}

/// Longest name that is compared by sound, in letters.
const LONGEST: usize = 40;
/// Below this likeness two names are not the same. Measured on garbled medicine and family names.
const ALIKE: f32 = 0.75;
/// Two entries closer than this are hard to tell apart by ear.
const MARGIN: f32 = 0.04;

impl Names {
    /// Makes a list ready. An entry may go by several names.
    pub fn new<'a>(names: impl IntoIterator<Item = (usize, &'a str)>) -> Self {
        let mut list = Self::default();
        for (entry, name) in names {
            let key = key(name);
            if key.is_empty() {
                continue;
            }
            list.starts.extend(key.split(' ').next().map(str::to_owned));
            list.longest = list.longest.max(key.split(' ').count());
            if let Some(sound) = Sound::of(&key) {
                list.sounds.push((entry, sound));
                list.spelled.push(key.clone());
            }
            list.exact.entry(key).or_insert(entry);
        }
        list
    }

    /// Words of the longest name.
    #[must_use]
    pub const fn longest(&self) -> usize {
        self.longest
    }

    /// The entry of exactly this name, given as normalized words.
    #[must_use]
    pub fn exact(&self, words: &[&str]) -> Option<usize> {
        let begins = words.iter().find(|w| !title(w)).is_some_and(|w| self.starts.contains(*w));
        if words.len() > self.longest + 1 || !begins {
            return None;
        }
        self.exact.get(&joined(words)).copied()
    }

    /// The entry most like these words, if one is like them at all.
    #[must_use]
    pub fn like(&self, words: &[&str]) -> Option<Hit> {
        if let Some(entry) = self.exact(words) {
            return Some(Hit { entry, confidence: 1.0 });
        }
        let said = Sound::of(&joined(words))?;
        let (mut best, mut second) = (None::<(f32, usize)>, 0.0_f32);
        for (entry, sound) in self.sounds.iter().filter(|(_, s)| s.worth_comparing(&said)) {
            let likeness = said.likeness(sound);
            match best {
                Some((top, of)) if likeness <= top => {
                    if of != *entry {
                        second = second.max(likeness);
                    }
                }
                Some((top, of)) => {
                    if of != *entry {
                        second = second.max(top);
                    }
                    best = Some((likeness, *entry));
                }
                None => best = Some((likeness, *entry)),
            }
        }
        let (likeness, entry) = best.filter(|(likeness, _)| *likeness >= ALIKE)?;
        let apart = if likeness - second < MARGIN { 0.7 } else { 1.0 };
        Some(Hit { entry, confidence: likeness * 0.95 * apart })
    }
}

/// Two names this like each other are near-homophones.
const NEAR: f32 = 0.8;

/// Whether two names sound nearly the same, so that by ear one of them is asked about although it was heard exactly.
/// "lisinopril 10 mg tablet" goes by its first words.
#[must_use]
pub fn sound_alike(a: &str, b: &str) -> bool {
    let head = |name: &str| Sound::of(&key(name.split(|c: char| c.is_ascii_digit()).next().unwrap_or_default()));
    matches!((head(a), head(b)), (Some(a), Some(b)) if a.likeness(&b) >= NEAR)
}

/// Most words that one name is misheard as: "live on a pill".
const SPAN: usize = 5;

impl Names {
    /// Where each name may stand among the words, the likest first; a name has at most two places.
    ///
    /// `alike_alone`: only words that begin like the name and are about as long are compared, which many names need.
    #[must_use]
    pub fn spots(&self, words: &[&str], alike_alone: bool) -> Vec<Spot> {
        let mut spans: Vec<(usize, usize, Sound)> = Vec::new();
        for from in 0..words.len() {
            for to in from + 1..=words.len().min(from + SPAN) {
                spans.extend(Sound::of(&joined(words.get(from..to).unwrap_or_default())).map(|s| (from, to, s)));
            }
        }
        let mut out: Vec<Spot> = Vec::new();
        for (sound, (entry, name)) in self.sounds.iter().enumerate() {
            let compared = spans.iter().filter(|(.., said)| !alike_alone || name.worth_comparing(said));
            let mut found: Vec<Spot> = compared
                .map(|&(from, to, ref said)| Spot { entry: *entry, sound, from, to, likeness: said.likeness(name) })
                .collect();
            found.sort_by(|a, b| b.likeness.total_cmp(&a.likeness));
            out.extend(found.into_iter().take(2));
        }
        out.sort_by(|a, b| b.likeness.total_cmp(&a.likeness));
        out
    }

    /// A name of the list as normalized words.
    #[must_use]
    pub fn spelled(&self, sound: usize) -> Option<&str> {
        self.spelled.get(sound).map(String::as_str)
    }
}

/// The form names are compared in: normalized words, titles gone.
fn key(name: &str) -> String {
    let words = words::words(name);
    let words: Vec<&str> = words.iter().map(|w| w.text.as_str()).collect();
    joined(&words)
}

fn joined(words: &[&str]) -> String {
    let kept: Vec<&str> = words.iter().copied().filter(|w| !title(w)).collect();
    kept.join(" ")
}

fn title(word: &str) -> bool {
    matches!(word, "doctor" | "mr" | "mrs" | "ms" | "md")
}

impl Sound {
    fn of(name: &str) -> Option<Self> {
        let letters: String = name.chars().filter(char::is_ascii_alphanumeric).collect();
        if letters.len() < 3 || letters.len() > LONGEST {
            return None;
        }
        let code = DoubleMetaphone::new(Some(12)).encode(&letters);
        Some(Self { letters, code })
    }

    /// A cheap look first: about as long, and beginning alike by letter or by sound.
    fn worth_comparing(&self, other: &Self) -> bool {
        let (a, b) = (self.letters.len(), other.letters.len());
        let begins_alike = self.letters.as_bytes().first() == other.letters.as_bytes().first()
            || self.code.as_bytes().first() == other.code.as_bytes().first();
        begins_alike && a * 2 >= b && b * 2 >= a
    }

    /// 0 to 1: half letters, half sound.
    #[expect(clippy::cast_possible_truncation, reason = "a ratio between 0 and 1")]
    fn likeness(&self, other: &Self) -> f32 {
        let letters = strsim::jaro_winkler(&self.letters, &other.letters);
        let edits = strsim::normalized_damerau_levenshtein(&self.letters, &other.letters);
        let sound = strsim::jaro_winkler(&self.code, &other.code);
        (0.25 * letters + 0.25 * edits + 0.5 * sound) as f32
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const LIST: [&str; 14] = [
        "lisinopril",
        "metformin",
        "atorvastatin",
        "amlodipine",
        "omeprazole",
        "sertraline",
        "losartan",
        "warfarin",
        "clopidogrel",
        "furosemide",
        "Dr. Anita Patel",
        "Dr. Kim Nguyen",
        "Dr. Jan Kowalski",
        "insulin glargine",
    ];

    fn list() -> Names {
        let surnames = LIST.iter().map(|n| n.rsplit(' ').next().unwrap_or(n));
        Names::new(LIST.iter().copied().enumerate().chain(surnames.enumerate()))
    }

    fn hit(said: &str) -> Option<Hit> {
        let normal = words::normal(said);
        list().like(&normal.split(' ').collect::<Vec<_>>())
    }

    #[test]
    fn garbled_names_find_their_entry() {
        let mut wrong = Vec::new();
        for (said, meant) in [
            ("listen a pril", "lisinopril"),
            ("lisin opril", "lisinopril"),
            ("met formin", "metformin"),
            ("metforeman", "metformin"),
            ("a torva statin", "atorvastatin"),
            ("amlo di peen", "amlodipine"),
            ("omep razole", "omeprazole"),
            ("certraline", "sertraline"),
            ("low sartan", "losartan"),
            ("war farin", "warfarin"),
            ("clopi dogrel", "clopidogrel"),
            ("few rosemide", "furosemide"),
            ("furo so mide", "furosemide"),
            ("doctor patell", "Dr. Anita Patel"),
            ("doctor kovalski", "Dr. Jan Kowalski"),
            ("insulin glarjine", "insulin glargine"),
        ] {
            let got = hit(said).map(|h| LIST[h.entry]);
            if got != Some(meant) {
                wrong.push(format!("{said}: {got:?}"));
            }
        }
        assert!(wrong.is_empty(), "{wrong:?}");
    }

    #[test]
    fn other_words_find_nothing() {
        for said in ["the thing for my blood", "cheese", "dinner", "tylenol", "it", "my order", "tomorrow", "", "x"] {
            assert_eq!(hit(said), None, "{said}");
        }
    }

    #[test]
    fn only_letter_for_letter_is_certain() {
        assert_eq!(hit("Lisinopril"), Some(Hit { entry: 0, confidence: 1.0 }));
        assert_eq!(hit("doctor patel").map(|h| h.confidence), Some(1.0));
        assert!(hit("lisinoprel").is_some_and(|h| h.entry == 0 && h.confidence < 0.96));
        // Two that sound alike are a worse match for either.
        let close = Names::new([(0, "sterling"), (1, "stirling")]);
        assert!(close.like(&["starling"]).is_some_and(|h| h.confidence < 0.8));
    }

    proptest! {
        #[test]
        fn any_words_are_compared_without_a_panic(said in "\\PC{0,60}") {
            let normal = words::normal(&said);
            let _ = list().like(&normal.split(' ').collect::<Vec<_>>());
        }
    }
}
