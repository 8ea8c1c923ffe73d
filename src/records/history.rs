//! The parts of a chart that tell of what was measured, found, given and written at visits.

use jiff::{Timestamp, civil::Date};
use serde::{Deserialize, Serialize};

use super::{
    Origin,
    measure::{Amount, Measure},
};

/// What a chart tells besides medicines, visits and laboratory results.
#[derive(Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct History {
    /// Measurements taken at visits, newest first.
    pub vitals: Vec<Vital>,
    /// Conditions on record, resolved ones too.
    pub conditions: Vec<Condition>,
    /// Vaccinations given, newest first.
    pub immunizations: Vec<Immunization>,
    /// Visits that have been, with what the clinic wrote for the person, newest first.
    pub notes: Vec<VisitNote>,
}

/// A measurement that a clinic took.
#[derive(Clone, Serialize, Deserialize)]
pub struct Vital {
    /// What was measured.
    pub measure: Measure,
    /// What came of it.
    pub amount: Amount,
    /// When.
    pub taken: Timestamp,
    /// Where it came from, for saying so.
    pub source: Option<String>,
    /// Which of the person's sources it was fetched from.
    #[serde(default)]
    pub origin: Origin,
}

/// A code of a terminology.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Code {
    /// Of which terminology.
    pub system: Terminology,
    /// The code.
    pub code: String,
}

/// The terminologies that are told apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Terminology {
    /// ICD-10-CM.
    Icd10Cm,
    /// SNOMED CT.
    Snomed,
    /// CVX, the CDC's codes of vaccines.
    Cvx,
}

/// How a condition stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ConditionStatus {
    /// There now, or back again.
    Active,
    /// Quiet at the moment.
    Remission,
    /// Over, as recorded.
    Resolved,
}

/// A condition on record.
#[derive(Clone, Serialize, Deserialize)]
pub struct Condition {
    /// As written, without what a terminology adds: "type 2 diabetes".
    pub name: String,
    /// Other names.
    pub aliases: Vec<String>,
    /// Its codes.
    pub codes: Vec<Code>,
    /// How it stands.
    pub status: ConditionStatus,
    /// A clinician has confirmed it. One that is only suspected is not said.
    pub confirmed: bool,
    /// Since when; the first day that a year or month can mean.
    pub onset: Option<Date>,
    /// Which of the person's sources it was fetched from.
    #[serde(default)]
    pub origin: Origin,
}

/// A vaccination that was given.
#[derive(Clone, Serialize, Deserialize)]
pub struct Immunization {
    /// As written: "Tdap".
    pub vaccine: String,
    /// Its codes.
    pub codes: Vec<Code>,
    /// The day.
    pub given: Date,
    /// Where it came from, for saying so.
    pub source: Option<String>,
    /// Which of the person's sources it was fetched from.
    #[serde(default)]
    pub origin: Origin,
}

/// A visit that has been, and what the clinic wrote about it for the person.
#[derive(Clone, Serialize, Deserialize)]
pub struct VisitNote {
    /// When it began.
    pub at: Timestamp,
    /// Whom it was with.
    pub provider: Option<String>,
    /// Where.
    pub place: Option<String>,
    /// What for.
    pub reason: Option<String>,
    /// What the clinic wrote for the person, whole; paragraphs are lines.
    pub words: Option<String>,
    /// Who wrote it.
    pub by: Option<String>,
    /// There are notes that clinicians wrote for one another.
    pub others: bool,
    /// Which of the person's sources it was fetched from.
    #[serde(default)]
    pub origin: Origin,
}

/// What a person measured themselves and had noted.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reading {
    /// Its identifier; empty before it is kept.
    #[serde(default)]
    pub id: String,
    /// What was measured.
    pub measure: Measure,
    /// What came of it, digits and unit as they were read back.
    pub amount: Amount,
    /// When it was measured.
    pub at: Timestamp,
    /// The time of day is known, too, and not only the day.
    pub timed: bool,
}
