//! Urgent care places by name: "book me at Harbor urgent care", "how far is Hillside".
//!
//! What was said is read as if the kind of place had been said instead of its name, so that the catalogue's sentences need
//! no name of any place.
//!
//! Invariant: pure, and over the words alone. A word that also means something else ("my *first* visit" where there is a
//! First Care) names a place for certain only together with what such a place is called.

use super::words::{self, Word};

/// What names a kind of place, and no place.
const KIND: &str = "urgent care center centre clinic clinics place walk walkin immediate express minute quick after hours \
    emergency room department er hospital medical health healthcare office the of at and for a";
/// What follows a name that was certainly meant as a place's.
const CALLED: [&str; 17] = [
    "urgent care",
    "urgent",
    "care",
    "clinic",
    "center",
    "centre",
    "walk in",
    "walkin",
    "immediate care",
    "express care",
    "medical",
    "health",
    "hospital",
    "emergency",
    "er",
    "e r",
    "place",
];
/// What may come with a name when nothing but the place is told: "and what about Hillside".
const ASIDE: &str = "and or what how about is it the at for in one then ok so well to that than";

/// A place that can be named.
#[derive(Debug, Clone)]
pub struct Named {
    /// Its name, in full.
    pub name: String,
    /// An emergency room.
    pub emergency: bool,
    /// What tells it from others of its kind; never empty.
    own: Vec<String>,
}

impl Named {
    /// `None` for a place whose name says only of what kind it is.
    #[must_use]
    pub fn new(name: &str, emergency: bool) -> Option<Self> {
        let all: Vec<String> = words::words(name).into_iter().map(|word| plain(&word.text).to_owned()).collect();
        let of_kind = |at: usize| is(KIND, &all[at]) || (all[at] == "in" && at > 0 && all[at - 1] == "walk");
        let own: Vec<String> = (0..all.len()).filter(|at| !of_kind(*at)).map(|at| all[at].clone()).collect();
        (!own.is_empty()).then(|| Self { name: name.to_owned(), emergency, own })
    }
}

/// A place that was named.
#[derive(Debug, PartialEq, Eq)]
pub struct Mention {
    /// What was said with the kind of place instead of its name.
    pub put_back: String,
    /// The words that tell it from others: "harbor".
    pub said: String,
    /// The full name, where only one place goes by it.
    pub name: Option<String>,
    /// That a place is meant goes without doubt.
    pub certain: bool,
    /// Nothing was said besides, but for "and what about".
    pub alone: bool,
}

/// The first place that is named, by some or all of the words of its name.
#[must_use]
pub fn mention(text: &str, places: &[Named]) -> Option<Mention> {
    let words = words::words(text);
    (0..words.len()).find_map(|at| from(text, &words, at, places))
}

fn from(text: &str, words: &[Word], at: usize, places: &[Named]) -> Option<Mention> {
    let run = |place: &Named| {
        let next = |at: usize| words.get(at).map(|word| plain(&word.text));
        (at..words.len()).take_while(|n| next(*n).is_some_and(|word| place.own.iter().any(|own| own == word))).count()
    };
    let longest = places.iter().map(run).max().filter(|long| *long > 0)?;
    let called: Vec<&Named> = places.iter().filter(|place| run(place) == longest).collect();
    let mut end = at + longest;
    let tail = words.get(end..).unwrap_or_default();
    let follows = |called: &&&str| {
        called.split(' ').enumerate().all(|(n, part)| tail.get(n).is_some_and(|word| word.text == part))
    };
    let kind = CALLED.iter().find(follows);
    // The rest of what it is called: "walk-in clinic", "emergency room".
    if kind.is_some() {
        end += words.get(end..)?.iter().take_while(|word| is(KIND_SAID, &word.text)).count();
    }
    let said_er = words.get(at + longest..end)?.iter().any(|word| is("emergency er hospital", &word.text))
        || words.get(at + longest..end)?.windows(2).any(|pair| pair[0].text == "e" && pair[1].text == "r");
    let fitting: Vec<&&Named> = called.iter().filter(|place| place.emergency == said_er).collect();
    let fitting: Vec<&Named> =
        if kind.is_none() || fitting.is_empty() { called.clone() } else { fitting.into_iter().copied().collect() };
    let emergency = said_er || fitting.iter().all(|place| place.emergency);
    let (start, last) = (words.get(at)?.start, words.get(end.checked_sub(1)?)?.end);
    let generic = if emergency { "emergency room" } else { "urgent care" };
    let put_back = format!("{}{generic}{}", text.get(..start)?, text.get(last..)?);
    let whole = fitting.iter().any(|place| place.own.len() == longest && longest > 1);
    let besides = words.iter().enumerate().filter(|(n, _)| !(at..end).contains(n));
    Some(Mention {
        put_back,
        said: words.get(at..at + longest)?.iter().map(|word| plain(&word.text)).collect::<Vec<_>>().join(" "),
        name: match fitting.as_slice() {
            [one] => Some(one.name.clone()),
            _ => None,
        },
        certain: kind.is_some() || whole,
        alone: besides.into_iter().all(|(_, word)| is(ASIDE, &word.text)),
    })
}

/// What belongs to what a place is called, behind its name.
const KIND_SAID: &str = "urgent care center centre clinic walk in walkin immediate express emergency room department er e r \
    hospital medical health place";

fn is(list: &str, word: &str) -> bool {
    list.split_whitespace().any(|known| known == word)
}

/// "St. Mary's" and "Saint Mary".
fn plain(word: &str) -> &str {
    if word == "saint" { "st" } else { word }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn places() -> Vec<Named> {
        [
            ("Harbor Urgent Care", false),
            ("Hillside Walk-In Clinic", false),
            ("Saint Mary's Hospital Emergency Room", true),
            ("Lakeside Emergency Room", true),
            ("Lakeside Urgent Care", false),
            ("First Care Clinic", false),
            ("North Gate Night Care", false),
            ("Urgent Care", false),
        ]
        .into_iter()
        .filter_map(|(name, emergency)| Named::new(name, emergency))
        .collect()
    }

    #[test]
    fn a_place_is_put_back_to_its_kind() {
        assert_eq!(places().len(), 7, "a name that tells only the kind names no place");
        #[rustfmt::skip]
        let table = [
            ("Book me at Harbor urgent care at seven", "Book me at urgent care at seven", "harbor", Some("Harbor Urgent Care"), true),
            ("is the harbor clinic open at 7?", "is the urgent care open at 7?", "harbor", Some("Harbor Urgent Care"), true),
            ("how far is Hillside", "how far is urgent care", "hillside", Some("Hillside Walk-In Clinic"), false),
            ("when does the hillside walk-in clinic close", "when does the urgent care close", "hillside", Some("Hillside Walk-In Clinic"), true),
            ("what's the wait at lakeside ER", "what's the wait at emergency room", "lakeside", Some("Lakeside Emergency Room"), true),
            ("the wait at Lakeside urgent care today", "the wait at urgent care today", "lakeside", Some("Lakeside Urgent Care"), true),
            ("how far is lakeside", "how far is urgent care", "lakeside", None, false),
            ("how far is st mary's", "how far is emergency room", "st mary", Some("Saint Mary's Hospital Emergency Room"), true),
            ("the line at Saint Mary's emergency room", "the line at emergency room", "st mary", Some("Saint Mary's Hospital Emergency Room"), true),
            ("when is my first visit", "when is my urgent care visit", "first", Some("First Care Clinic"), false),
            ("is north gate open tomorrow", "is urgent care open tomorrow", "north gate", Some("North Gate Night Care"), false),
        ];
        for (text, put_back, said, name, certain) in table {
            let mention = mention(text, &places()).unwrap_or_else(|| panic!("{text}"));
            let got = (mention.put_back.as_str(), mention.said.as_str(), mention.name.as_deref(), mention.certain);
            assert_eq!(got, (put_back, said, name, certain), "{text}");
        }
        for text in ["", "book me at urgent care", "the walk-in clinic on main street", "is the emergency room full"] {
            assert_eq!(mention(text, &places()), None, "{text}");
        }
        for (text, alone) in [
            ("and what about Hillside?", true),
            ("the harbor clinic", true),
            ("how about the one at hillside", true),
            ("book hillside", false),
        ] {
            assert_eq!(mention(text, &places()).map(|m| m.alone), Some(alone), "{text}");
        }
    }

    proptest! {
        #[test]
        fn nothing_said_breaks_it(text in "(?s).{0,80}", word in "[hH]arbor|LAKESIDE|İ|st|saint mary’s") {
            for text in [text.clone(), format!("{text}{word}{text}"), format!("{text} {word} e r")] {
                if let Some(mention) = mention(&text, &places()) {
                    prop_assert!(!mention.said.is_empty());
                    prop_assert!(mention.put_back.contains("urgent care") || mention.put_back.contains("emergency room"));
                }
            }
        }
    }
}
