//! Emergencies, by rules on the raw transcript, before intent or identity. Never by a model.
//!
//! Rules are data (`triage/rules.txt`, `triage/rules_own_words.txt` for signs told loosely, `triage/rules_world.txt` for
//! other languages than English): phrases in the words frightened people use, as hearing spells them. A phrase that was denied, belongs to the past, is only
//! supposed or is somebody else's story does not count (`triage/guards.rs`). Written for recall first: what a person
//! says of themselves or of somebody beside them, now, always counts; a denial only where it was heard clearly.
//!
//! What hearing calls a sound ("[screaming]") is its guess at the sound: it counts only where somebody can be heard in that.
//!
//! Deliberately absent: scores. A phrase fits or it does not, so that every alarm, and every silence, can be
//! explained by one line of a table.

mod guards;
mod kind;
mod pattern;
pub mod phrases;
mod rules;
#[cfg(test)]
mod tests;
mod vocabulary;
mod words;

pub use kind::{Kind, Level, Triage};

use guards::{SURE, Scene, Verdict};
use rules::{Claim, RULES};
use words::Sentence;

/// What was heard, and how surely.
#[derive(Debug, Clone, Copy)]
pub struct Utterance<'a> {
    /// All that was heard, rejected or not.
    pub text: &'a str,
    /// How surely the whole was heard, 0 to 1.
    pub sureness: f32,
    /// How surely each word was heard, 0 to 1: one for each word of `text` between blanks, else they are not used.
    pub words: &'a [f32],
    /// What remarks in brackets are worth.
    pub remarks: Remarks,
}

/// What a remark in brackets is worth: "[screaming]", "(gunshots)". Whisper writes such for any sound, "(gunshots)" for a cat.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Remarks {
    /// Somebody wrote it: it is read as all else.
    Written,
    /// Hearing calls a sound so in which somebody can be heard: it counts, unless it names something that is no person.
    Voiced,
    /// Hearing calls a sound so in which nobody can be heard: it counts for nothing.
    Unvoiced,
}

impl<'a> Utterance<'a> {
    /// Typed, so beyond doubt.
    #[must_use]
    pub const fn typed(text: &'a str) -> Self {
        Self { text, sureness: 1.0, words: &[], remarks: Remarks::Written }
    }

    /// Heard, each word as surely as told.
    #[must_use]
    pub const fn heard(text: &'a str, sureness: f32, words: &'a [f32], remarks: Remarks) -> Self {
        Self { text, sureness, words, remarks }
    }
}

impl Remarks {
    /// Whether what begins at this word counts.
    fn count(self, sentence: &Sentence, place: usize) -> bool {
        match self {
            _ if !sentence.remark => true,
            Self::Written => true,
            Self::Voiced => !of_a_thing(sentence, place),
            Self::Unvoiced => false,
        }
    }
}

/// Reads a raw transcript, a rejected one too. Takes time in proportion to its length and never fails.
///
/// Of several emergencies the most urgent counts, and among those the one that stands first in [`Kind`].
#[must_use]
pub fn triage(heard: &Utterance<'_>) -> Option<Triage> {
    reasons(heard).into_iter().map(|(cry, _)| cry).max_by_key(|cry| (cry.level, std::cmp::Reverse(cry.kind)))
}

/// Everything it cries for, each with the line of the table that says so.
#[must_use]
pub fn reasons(heard: &Utterance<'_>) -> Vec<(Triage, &'static str)> {
    let sentences = words::sentences(heard, &RULES.vocabulary);
    let mut found: Vec<(Triage, &'static str)> = sentences.iter().flat_map(|s| cries(s, heard.remarks)).collect();
    if found.iter().any(|(cry, _)| cry.kind == Kind::Help)
        && sentences.iter().any(|sentence| Scene::of(sentence, &RULES).withdraws())
    {
        found.retain(|(cry, _)| cry.kind != Kind::Help);
    }
    found
}

/// Everything one sentence cries for.
fn cries(sentence: &Sentence, remarks: Remarks) -> Vec<(Triage, &'static str)> {
    let mut cries = vec![];
    let counts = |place| remarks.count(sentence, place);
    if sentence.sound {
        let words = sentence.words.iter().enumerate();
        let heard = |stem: &str| words.clone().any(|(place, w)| w.text.starts_with(stem) && counts(place));
        let sounds = RULES.sounds.iter().filter(|(stem, ..)| heard(stem));
        cries.extend(sounds.map(|&(stem, kind, level)| (Triage { kind, level }, stem)));
    }
    let mut phrases = RULES.cries.found(sentence, &RULES.shared);
    phrases.retain(|phrase| counts(phrase.start));
    if phrases.is_empty() {
        return cries;
    }
    let scene = Scene::of(sentence, &RULES);
    for phrase in phrases {
        let (start, end, kind) = (phrase.start, phrase.end, phrase.what.kind);
        let level = match phrase.what.claim {
            Claim::Cry => Some(phrase.what.level),
            Claim::Misheard => {
                let doubtful = sentence.words[start..end].iter().any(|word| word.sureness < SURE)
                    && scene.meant(kind, start, end) != Verdict::Not;
                doubtful.then_some(phrase.what.level)
            }
            Claim::Stated | Claim::Named => match scene.meant(kind, start, end) {
                Verdict::Not => None,
                _ if phrase.what.claim == Claim::Named && !scene.stands_alone(start, end) => None,
                Verdict::Meant => Some(phrase.what.level),
                Verdict::Doubtful => Some(Level::Unsure),
            },
        };
        cries.extend(level.map(|level| (Triage { kind, level }, phrase.line)));
    }
    cries
}

/// Whether the part of a remark around this word names a thing or an animal: "door slams, man screaming" has a part without.
fn of_a_thing(sentence: &Sentence, place: usize) -> bool {
    let begins = |place: usize| sentence.words.get(place).is_some_and(|w| w.after_comma || w.text == "and");
    let from = (1..=place).rev().find(|place| begins(*place)).unwrap_or(0);
    let to = (place + 1..sentence.words.len()).find(|place| begins(*place)).unwrap_or(sentence.words.len());
    (from..to).any(|place| RULES.things.has(sentence.terms(place)))
}
