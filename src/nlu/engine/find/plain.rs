//! Words that make no name, beside one or alone.

use super::Known;
use crate::nlu::numbers;

/// Words that are no name and begin or end none.
pub(super) fn plain(word: &str) -> bool {
    matches!(
        word,
        "the"
            | "a"
            | "an"
            | "my"
            | "our"
            | "your"
            | "his"
            | "her"
            | "its"
            | "their"
            | "it"
            | "this"
            | "that"
            | "these"
            | "those"
            | "is"
            | "are"
            | "was"
            | "am"
            | "be"
            | "of"
            | "for"
            | "to"
            | "in"
            | "on"
            | "at"
            | "with"
            | "from"
            | "and"
            | "or"
            | "i"
            | "you"
            | "me"
            | "we"
            | "he"
            | "she"
            | "they"
            | "do"
            | "does"
            | "did"
            | "not"
            | "any"
            | "some"
            | "somebody"
            | "someone"
            | "anybody"
            | "anyone"
            | "more"
            | "all"
            | "one"
            | "ones"
            | "please"
            | "about"
            | "what"
            | "when"
            | "how"
            | "where"
            | "who"
            | "which"
            | "can"
            | "could"
            | "will"
            | "would"
            | "should"
            | "have"
            | "has"
            | "had"
            | "so"
            | "if"
            | "left"
            | "yet"
            | "now"
            | "today"
            | "tomorrow"
            | "new"
            | "another"
            | "other"
            | "something"
            | "anything"
            | "them"
            | "next"
            | "last"
            | "up"
            | "out"
            | "get"
            | "take"
            | "need"
            | "want"
    )
}

/// A known name with words beside it that belong to none: "metformin cheapest" is no medicine.
pub(super) fn known_and_more(known: &Known<'_>, name: &[&str]) -> bool {
    let of_a_dose = |w: &&str| {
        numbers::number(&[w]).is_some()
            || matches!(
                *w,
                "mg" | "milligram"
                    | "milligrams"
                    | "mcg"
                    | "micrograms"
                    | "units"
                    | "tablet"
                    | "tablets"
                    | "pill"
                    | "pills"
                    | "capsule"
                    | "capsules"
                    | "er"
                    | "xr"
                    | "xl"
                    | "hcl"
            )
    };
    (1..name.len()).any(|n| {
        name.windows(n).enumerate().any(|(at, part)| {
            let beside = name.iter().take(at).chain(name.iter().skip(at + n));
            known.knows(part) && !beside.copied().all(|w| of_a_dose(&w))
        })
    })
}
