//! Emergencies, by rules on the raw transcript, before intent or identity. Never by a model.
//!
//! Rules are data (`triage/rules.txt`): phrases in the words frightened people use, as hearing spells them. A
//! phrase that was denied, belongs to the past, is only supposed or is somebody else's story does not count
//! (`triage/guards.rs`). Written for recall first: what a person says of themselves, now, always counts.
//!
//! Deliberately absent: scores. A phrase fits or it does not, so that every alarm, and every silence, can be
//! explained by one line of a table.

mod guards;
mod pattern;
mod rules;
#[cfg(test)]
mod tests;
mod words;

use serde::Serialize;

use rules::{Claim, RULES};
use words::Sentence;

/// What an utterance cries for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, serde::Deserialize)]
pub struct Triage {
    /// The kind of emergency.
    pub kind: Kind,
    /// How urgent.
    pub level: Level,
}

/// Kinds of emergency.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Something blocks the airway.
    Choking,
    /// A severe allergic reaction.
    AllergicReaction,
    /// Cannot breathe, or hardly.
    Breathing,
    /// Cannot be woken, has fainted or is about to.
    Unconscious,
    /// A seizure.
    Seizure,
    /// Pain or pressure in the chest, or a heart attack by name.
    ChestPain,
    /// A face that droops, an arm that will not move, words that do not come.
    Stroke,
    /// Blood that should not be there.
    Bleeding,
    /// Too much of a medicine, or something that is none.
    Overdose,
    /// Wants to die.
    Suicidal,
    /// Hurts themselves, or is about to.
    SelfHarm,
    /// Fire, smoke or gas.
    Fire,
    /// Fell, or cannot get up.
    Fall,
    /// Pain that cannot be borne.
    Pain,
    /// A cry for help without a reason.
    Help,
}

impl Kind {
    /// Every kind, the first to be answered first.
    pub const ALL: [Self; 15] = [
        Self::Choking,
        Self::AllergicReaction,
        Self::Breathing,
        Self::Unconscious,
        Self::Seizure,
        Self::ChestPain,
        Self::Stroke,
        Self::Bleeding,
        Self::Overdose,
        Self::Suicidal,
        Self::SelfHarm,
        Self::Fire,
        Self::Fall,
        Self::Pain,
        Self::Help,
    ];

    /// Its name in results, replies and the nurses' board.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Choking => "choking",
            Self::AllergicReaction => "allergic_reaction",
            Self::Breathing => "breathing",
            Self::Unconscious => "unconscious",
            Self::Seizure => "seizure",
            Self::ChestPain => "chest_pain",
            Self::Stroke => "stroke",
            Self::Bleeding => "bleeding",
            Self::Overdose => "overdose",
            Self::Suicidal => "suicidal",
            Self::SelfHarm => "self_harm",
            Self::Fire => "fire",
            Self::Fall => "fall",
            Self::Pain => "pain",
            Self::Help => "help",
        }
    }
}

/// How urgent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// Somebody must look soon: a call to the nurse.
    Urgent,
    /// Life may be at stake.
    Emergency,
}

/// Reads a raw transcript, a rejected one too. Takes time in proportion to its length and never fails.
///
/// Of several emergencies the most urgent counts, and among those the one that stands first in [`Kind`].
#[must_use]
pub fn triage(heard: &str) -> Option<Triage> {
    let sentences = words::sentences(heard);
    let withdrawn = sentences.iter().any(guards::withdraws);
    let cries = sentences.iter().flat_map(cries).filter(|cry| !(withdrawn && cry.kind == Kind::Help));
    cries.max_by_key(|cry| (cry.level, std::cmp::Reverse(cry.kind)))
}

/// Everything one sentence cries for.
fn cries(sentence: &Sentence) -> Vec<Triage> {
    let words = &sentence.words;
    let mut found: Vec<Triage> = vec![];
    if sentence.sound {
        let heard = |stem: &str| words.iter().any(|w| w.text.starts_with(stem));
        let sounds = RULES.sounds.iter().filter(|(stem, ..)| heard(stem));
        found.extend(sounds.map(|&(_, kind, level)| Triage { kind, level }));
    }
    for (start, word) in words.iter().enumerate() {
        for rule in RULES.starting_with(&word.text) {
            let cry = Triage { kind: rule.kind, level: rule.level };
            if let Some(end) = rule.pattern.fits(sentence, start)
                && !found.contains(&cry)
                && counts(rule.claim, sentence, start, end)
            {
                found.push(cry);
            }
        }
    }
    found
}

fn counts(claim: Claim, sentence: &Sentence, start: usize, end: usize) -> bool {
    match claim {
        Claim::Cry => true,
        Claim::Stated => guards::is_meant(sentence, start, end),
        Claim::Named => guards::is_meant(sentence, start, end) && guards::stands_alone(sentence, start, end),
    }
}
