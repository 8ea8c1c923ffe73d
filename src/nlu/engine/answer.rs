//! A bare answer to the open question: a value, or a pick from what was offered.

use super::find::{Finder, fits, share_time};
use crate::nlu::{
    Pending, Slot, SlotValue, Slots,
    catalogue::{IntentDef, SlotDef, SlotKind},
    numbers,
    when::{self, Reading},
};

/// Where a pick goes while no slot is named.
pub const CHOICE: &str = "choice";

/// A pick of the one that was not picked before.
pub const OTHER: f64 = 0.0;

/// A name is so sure at least that answers what was not asked.
const A_NAME: f32 = 0.9;

/// Words an answer is wrapped in.
fn glue(word: &str) -> bool {
    matches!(
        word,
        "the"
            | "a"
            | "an"
            | "my"
            | "it"
            | "is"
            | "was"
            | "its"
            | "for"
            | "with"
            | "on"
            | "at"
            | "in"
            | "of"
            | "to"
            | "please"
            | "um"
            | "uh"
            | "er"
            | "hmm"
            | "well"
            | "so"
            | "oh"
            | "i"
            | "would"
            | "will"
            | "like"
            | "want"
            | "need"
            | "think"
            | "guess"
            | "maybe"
            | "that"
            | "this"
            | "be"
            | "works"
            | "good"
            | "fine"
            | "great"
            | "best"
            | "one"
            | "ones"
            | "and"
            | "how"
            | "about"
            | "say"
            | "let"
            | "us"
            | "ok"
            | "yes"
            | "yeah"
            | "sure"
            | "am"
            | "mean"
            | "actually"
            | "just"
            | "some"
            | "take"
            | "prefer"
            | "rather"
            | "have"
            | "go"
            | "pick"
            | "choose"
            | "make"
            | "do"
            | "me"
            | "thanks"
            | "thank"
            | "you"
            | "prescription"
            | "appointment"
            | "medicine"
            | "any"
            | "probably"
            | "could"
            | "can"
            | "we"
            | "see"
            | "doctor"
            | "pills"
            | "time"
            | "day"
            | "there"
            | "no"
            | "but"
            | "instead"
            | "said"
            | "meant"
            | "what"
            | "then"
            | "wait"
            | "sorry"
            | "oops"
    )
}

/// Whether "no one" is said, which is no time; "no, one" is.
fn nobody(finder: &Finder<'_>, words: &[&str]) -> bool {
    let said = (1..words.len()).filter(|&i| words.get(i - 1..=i) == Some(&["no", "one"]));
    said.map(|i| finder.spoken(i - 1, i + 1)).any(|spoken| !spoken.contains([',', '.']))
}

/// The slots an utterance fills as an answer; `None` when it is none.
///
/// `other`: the classifier is sure of another intent, so free words are not taken for an answer.
pub(super) fn slots(
    def: Option<&IntentDef>,
    pending: Pending<'_>,
    finder: &mut Finder<'_>,
    other: bool,
) -> Option<Slots> {
    let words = finder.words();
    let asked = pending.slot.and_then(|name| def?.slot(name)).cloned();
    let name = pending.slot.unwrap_or(CHOICE).to_owned();
    let whole = |value: SlotValue, confidence: f32| {
        let spoken = finder.spoken(0, words.len()).to_owned();
        Some(Slots::from([(name.clone(), Slot::new(spoken, value, confidence))]))
    };
    if let Some(slots) = def.and_then(|def| compared(def, &words, finder)) {
        return Some(slots);
    }
    // Where a day is asked for, "how about the third" is one.
    let proposes = words.first() == Some(&"how") && !words.contains(&"one");
    let a_day = proposes && asked.as_ref().is_some_and(|asked| asked.kind == SlotKind::Date);
    if let Some(pick) = pick(&words).filter(|_| !a_day) {
        return whole(SlotValue::Number(pick), 1.0);
    }
    let def = def?;
    if asked.is_none()
        && let Some(name) = pending.slot
        && let Some(answer) = hour_or_place(def, name, finder)
    {
        return Some(answer);
    }
    let about_time = asked.as_ref().is_some_and(|asked| matches!(asked.kind, SlotKind::Date | SlotKind::Time));
    if about_time && nobody(finder, &words) {
        return None;
    }
    if let Some(asked) = asked.as_ref().filter(|_| about_time)
        && let Some(answer) = bare_when(asked, finder)
    {
        // A date that does not exist is an answer without a value: it is asked for again.
        let Some(slot) = answer else { return Some(Slots::new()) };
        let mut slots = Slots::from([(slot_for(def, asked, &slot.value), slot)]);
        share_time(def, &mut slots);
        return Some(slots);
    }
    // Every value of the intent that is there; what is left must be glue.
    let mut taken = vec![false; words.len()];
    let mut slots = Slots::new();
    let asked_first = asked.iter().chain(def.slots.iter().filter(|s| Some(&s.name) != asked.as_ref().map(|a| &a.name)));
    for slot in asked_first {
        if let Some((start, end, value)) = finder.find(slot, &taken) {
            // "Someday" is a little like a medicine, and none where nobody asked for one.
            let unasked = asked.as_ref().is_some_and(|asked| asked.name != slot.name);
            let guessed = matches!(slot.kind, SlotKind::Medicine | SlotKind::Provider | SlotKind::List(_));
            if unasked && guessed && value.confidence < A_NAME {
                continue;
            }
            taken.iter_mut().take(end).skip(start).for_each(|t| *t = true);
            slots.insert(slot.name.clone(), value);
        }
    }
    let rest: Vec<usize> = (0..words.len()).filter(|&i| !taken.get(i).copied().unwrap_or(true)).collect();
    let only_glue = rest.iter().all(|&i| words.get(i).is_some_and(|w| glue(w)));
    if only_glue && !slots.is_empty() {
        share_time(def, &mut slots);
        return Some(slots);
    }
    let asked = asked.filter(|_| !other)?;
    match asked.kind {
        SlotKind::Text => whole(SlotValue::Text(finder.spoken(0, words.len()).to_owned()), 0.9),
        // A name of no list, said alone: "the zubsolv".
        SlotKind::Medicine | SlotKind::Provider if !slots.contains_key(&asked.name) => {
            let named: Vec<usize> = (0..words.len()).filter(|&i| words.get(i).is_some_and(|w| !glue(w))).collect();
            let (&first, &last) = (named.first()?, named.last()?);
            let unknown = |w: &&str| !finder.in_vocabulary(w);
            let span = words.get(first..=last)?;
            if span.len() > 3 || words.len() > 6 || !span.iter().any(unknown) {
                return None;
            }
            let slot = finder.value(&asked.kind, asked.sense, first, last + 1)?;
            Some(Slots::from([(asked.name, slot)]))
        }
        SlotKind::Number => {
            let kept = words.iter().copied().filter(|w| (!glue(w) || *w == "one") && !is_unit(w));
            let kept: Vec<&str> = kept.collect();
            let (value, used) = numbers::number(&kept)?;
            if used == kept.len() { whole(SlotValue::Number(value), 1.0) } else { None }
        }
        _ => None,
    }
}

/// "Earlier", "later please": where a list of the intent has that, it is sought beyond all that was offered. With a noun it is one
/// of those: "the later one".
fn compared(def: &IntentDef, words: &[&str], finder: &Finder<'_>) -> Option<Slots> {
    let mut kept = (0..words.len()).filter(|&i| words.get(i).is_some_and(|w| *w == "the" || !glue(w)));
    let (Some(at), None) = (kept.next(), kept.next()) else { return None };
    let word = words.get(at).filter(|word| word.ends_with("er") && **word != "another")?;
    def.slots.iter().find_map(|slot| {
        let SlotKind::List(list) = &slot.kind else { return None };
        finder.catalogue().list(list)?.names.exact(&[word])?;
        let value = finder.value(&slot.kind, slot.sense, at, at + 1)?;
        Some(Slots::from([(slot.name.clone(), value)]))
    })
}

/// A number alone, where one of a few is to be picked: "two" is the second, "eleven" the one at eleven.
fn hour_or_place(def: &IntentDef, name: &str, finder: &Finder<'_>) -> Option<Slots> {
    let words = finder.words();
    let kept: Vec<&str> = words.iter().copied().filter(|w| !glue(w)).collect();
    if let Some((place, used)) = numbers::below_hundred(&kept)
        && used == kept.len()
        && (1..=3).contains(&place)
    {
        let value = SlotValue::Number(f64::from(place));
        return Some(Slots::from([(name.to_owned(), Slot::new(finder.spoken(0, words.len()), value, 1.0))]));
    }
    let time = def.slots.iter().find(|slot| slot.kind == SlotKind::Time)?;
    let slot = bare_when(time, finder)??;
    let SlotValue::When(when) = &slot.value else { return None };
    fits(&SlotKind::Time, when).then(|| Slots::from([(time.name.clone(), slot)]))
}

/// What a bare number of something in the room is of; the question says it already.
fn is_unit(word: &str) -> bool {
    matches!(word, "degree" | "degrees" | "percent")
}

/// A day said where a time was asked goes to the day's slot, and the other way round.
fn slot_for(def: &IntentDef, asked: &SlotDef, value: &SlotValue) -> String {
    let SlotValue::When(when) = value else { return asked.name.clone() };
    let kind = if when.from.is_some() { SlotKind::Date } else { SlotKind::Time };
    if asked.kind == kind {
        return asked.name.clone();
    }
    def.slots.iter().find(|s| s.kind == kind).map_or_else(|| asked.name.clone(), |s| s.name.clone())
}

/// "three", "the fifteenth", "maybe tuesday": a time where a time was asked for; `Some(None)` for an impossible one.
#[expect(clippy::option_option, reason = "no answer is not the same as an answer without a value")]
fn bare_when(asked: &SlotDef, finder: &Finder<'_>) -> Option<Option<Slot>> {
    let words = finder.words();
    if words.len() > 16 {
        return None;
    }
    let read = |from: usize, to: usize| {
        let span = words.get(from..to).filter(|s| !s.is_empty())?;
        match when::parse(span, finder.now(), finder.sense(asked.sense), true)? {
            Reading::Is(when, confidence) => {
                let says_something = fits(&SlotKind::Date, &when) || fits(&SlotKind::Time, &when);
                let spoken = finder.spoken(from, to).to_owned();
                says_something.then_some(Some(Slot::new(spoken, SlotValue::When(when), confidence)))
            }
            Reading::Impossible => Some(None),
        }
    };
    let meant = |w: &&str| !glue(w) || *w == "one";
    let first = words.iter().position(&meant).unwrap_or(0);
    let last = words.iter().rposition(&meant).unwrap_or(words.len().saturating_sub(1));
    read(0, words.len()).or_else(|| (0..=first).rev().find_map(|from| read(from, last + 1)))
}

/// "the second one", "the later one", "number two", "the last": 1, 2, 3 … counted from the first, −1 for the last,
/// [`OTHER`] for "the other one".
pub(super) fn pick(words: &[&str]) -> Option<f64> {
    let wrap = |w: &&&str| {
        matches!(
            **w,
            "i" | "will"
                | "would"
                | "take"
                | "like"
                | "want"
                | "prefer"
                | "please"
                | "the"
                | "let"
                | "us"
                | "do"
                | "go"
                | "with"
                | "give"
                | "me"
                | "um"
                | "uh"
                | "ok"
                | "yes"
                | "yeah"
                | "think"
                | "that"
                | "is"
                | "pick"
                | "choose"
                | "guess"
                | "make"
                | "it"
                | "then"
                | "maybe"
                | "of"
                | "them"
                | "those"
                | "sure"
                | "no"
                | "wait"
                | "sorry"
                | "actually"
                | "rather"
                | "instead"
                | "how"
                | "about"
        )
    };
    let kept: Vec<&str> = words.iter().filter(|w| !wrap(w)).copied().collect();
    let noun = |w: &str| {
        matches!(w, "one" | "option" | "choice" | "time" | "slot" | "appointment" | "opening" | "offer" | "doctor")
    };
    match kept.as_slice() {
        ["other" | "different", rest @ ..] if rest.iter().all(|w| noun(w)) => Some(OTHER),
        ["last" | "latest" | "later", rest @ ..] if rest.iter().all(|w| noun(w)) => Some(-1.0),
        ["earliest" | "earlier" | "soonest" | "former", rest @ ..] if rest.iter().all(|w| noun(w)) => Some(1.0),
        ["number" | "option" | "choice", rest @ ..] => {
            let (n, used) = numbers::below_hundred(rest)?;
            (used == rest.len() && n > 0).then_some(f64::from(n))
        }
        [ordinal, rest @ ..] if rest.iter().all(|w| noun(w)) => {
            let (n, _) = numbers::ordinal(&[ordinal])?;
            // "the fifteenth" alone is a day; nobody is offered that many.
            (n <= 3 || (!rest.is_empty() && n <= 10)).then_some(f64::from(n))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn picks() {
        for (said, number) in [
            ("the second one", Some(2.0)),
            ("the first", Some(1.0)),
            ("i will take the third option please", Some(3.0)),
            ("the later one", Some(-1.0)),
            ("the last one", Some(-1.0)),
            ("the earlier time", Some(1.0)),
            ("number two", Some(2.0)),
            ("the other one", Some(OTHER)),
            ("the other doctor please", Some(OTHER)),
            ("the fifteenth", None),
            ("second opinion", None),
            ("tuesday", None),
            ("one", None),
            ("", None),
        ] {
            assert_eq!(pick(&said.split_whitespace().collect::<Vec<_>>()), number, "{said}");
        }
    }
}
