//! When doses are due, as far as an order says so in a structured way (FHIR `Dosage` and `Timing.repeat`).
//!
//! Invariant: nothing here is worked out from prose, and no clock time is made up: what an order leaves open stays open.

use jiff::civil::{Date, Time};
use serde::{Deserialize, Serialize};

/// One line of an order's directions, as far as it is structured.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dosing {
    /// How much of it at a time, in the order's own number and unit: "1 tablet".
    pub amount: Option<String>,
    /// Only when it is needed.
    pub as_needed: bool,
    /// When; `None` where the order does not say it in a structured way, or says more than is understood here.
    pub timing: Option<Timing>,
}

/// When a dose is due.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Timing {
    /// So many times in each period; at least 1.
    pub frequency: u32,
    /// So many units long is a period; at least 1.
    pub period: u32,
    /// The unit.
    pub unit: PeriodUnit,
    /// At these times of day, by the clock on the wall.
    pub times: Vec<Time>,
    /// At these moments of the day.
    pub moments: Vec<DayMoment>,
    /// On these days of the week alone, 1 for Monday to 7 for Sunday; empty for every day.
    pub days: Vec<i8>,
    /// The first day.
    pub from: Option<Date>,
    /// The last day.
    pub until: Option<Date>,
}

/// What a period is counted in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the four units")]
pub enum PeriodUnit {
    Hour,
    #[default]
    Day,
    Week,
    Month,
}

/// A moment of the day that an order names in place of a clock time (HL7 `EventTiming`, v3 `TimingEvent`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "moments of a day")]
pub enum DayMoment {
    Waking,
    Morning,
    BeforeBreakfast,
    Breakfast,
    AfterBreakfast,
    Noon,
    BeforeLunch,
    Lunch,
    AfterLunch,
    Afternoon,
    BeforeDinner,
    Dinner,
    AfterDinner,
    Evening,
    Bedtime,
    Night,
}

impl DayMoment {
    /// The moment of a code; `None` for one that names no part of the day (a meal, whichever it is).
    #[must_use]
    pub fn of_code(code: &str) -> Option<Self> {
        Some(match code {
            "WAKE" => Self::Waking,
            "MORN" | "MORN.early" | "MORN.late" => Self::Morning,
            "ACM" => Self::BeforeBreakfast,
            "CM" => Self::Breakfast,
            "PCM" => Self::AfterBreakfast,
            "NOON" => Self::Noon,
            "ACD" => Self::BeforeLunch,
            "CD" => Self::Lunch,
            "PCD" => Self::AfterLunch,
            "AFT" | "AFT.early" | "AFT.late" => Self::Afternoon,
            "ACV" => Self::BeforeDinner,
            "CV" => Self::Dinner,
            "PCV" => Self::AfterDinner,
            "EVE" | "EVE.early" | "EVE.late" => Self::Evening,
            "HS" => Self::Bedtime,
            "NIGHT" => Self::Night,
            _ => return None,
        })
    }

    /// As it is said: "in the morning".
    #[must_use]
    pub const fn spoken(self) -> &'static str {
        match self {
            Self::Waking => "when you wake up",
            Self::Morning => "in the morning",
            Self::BeforeBreakfast => "before breakfast",
            Self::Breakfast => "with breakfast",
            Self::AfterBreakfast => "after breakfast",
            Self::Noon => "at noon",
            Self::BeforeLunch => "before lunch",
            Self::Lunch => "with lunch",
            Self::AfterLunch => "after lunch",
            Self::Afternoon => "in the afternoon",
            Self::BeforeDinner => "before dinner",
            Self::Dinner => "with dinner",
            Self::AfterDinner => "after dinner",
            Self::Evening => "in the evening",
            Self::Bedtime => "at bedtime",
            Self::Night => "at night",
        }
    }

    /// The hours of the day it falls in, the second not included; only for telling whether it is about now.
    #[must_use]
    pub const fn hours(self) -> (i8, i8) {
        match self {
            Self::Waking | Self::Morning | Self::BeforeBreakfast | Self::Breakfast | Self::AfterBreakfast => (5, 12),
            Self::Noon | Self::BeforeLunch | Self::Lunch | Self::AfterLunch => (11, 15),
            Self::Afternoon => (12, 17),
            Self::BeforeDinner | Self::Dinner | Self::AfterDinner | Self::Evening => (16, 21),
            Self::Bedtime | Self::Night => (20, 24),
        }
    }
}
