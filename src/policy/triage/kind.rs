//! What an utterance may cry for, and how pressing it is.

use serde::Serialize;

/// What an utterance cries for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, serde::Deserialize)]
pub struct Triage {
    /// The kind of emergency.
    pub kind: Kind,
    /// How urgent.
    pub level: Level,
}

/// How urgent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// It may be an emergency: staff look in, and the speaker is asked.
    Unsure,
    /// Somebody must look soon: a call to the nurse.
    Urgent,
    /// Life may be at stake.
    Emergency,
}

/// Kinds of emergency, the first to be answered first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, serde::Deserialize)]
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
    /// A birth that has begun or goes wrong, or a sign of danger in pregnancy and after it.
    Obstetric,
    /// Blood sugar far too low or far too high.
    Diabetic,
    /// An infection that overwhelms the body.
    Sepsis,
    /// Wants to die.
    Suicidal,
    /// Hurts themselves, or is about to.
    SelfHarm,
    /// Fire, smoke or gas.
    Fire,
    /// A child that is lost, locked in, drowning or left alone.
    ChildInDanger,
    /// Hurt, threatened or kept by somebody.
    Abuse,
    /// Fell, or cannot get up.
    Fall,
    /// Pain that cannot be borne.
    Pain,
    /// A cry for help without a reason.
    Help,
}

impl Kind {
    /// Every kind, the first to be answered first.
    pub const ALL: [Self; 20] = [
        Self::Choking,
        Self::AllergicReaction,
        Self::Breathing,
        Self::Unconscious,
        Self::Seizure,
        Self::ChestPain,
        Self::Stroke,
        Self::Bleeding,
        Self::Overdose,
        Self::Obstetric,
        Self::Diabetic,
        Self::Sepsis,
        Self::Suicidal,
        Self::SelfHarm,
        Self::Fire,
        Self::ChildInDanger,
        Self::Abuse,
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
            Self::Obstetric => "obstetric",
            Self::Diabetic => "diabetic",
            Self::Sepsis => "sepsis",
            Self::Suicidal => "suicidal",
            Self::SelfHarm => "self_harm",
            Self::Fire => "fire",
            Self::ChildInDanger => "child_in_danger",
            Self::Abuse => "abuse",
            Self::Fall => "fall",
            Self::Pain => "pain",
            Self::Help => "help",
        }
    }

    /// The kind of that name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}
