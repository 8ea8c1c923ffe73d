//! A person's health records, as the actions need them: plain types that know neither FHIR JSON nor SQL.
//!
//! Invariant: what concerns a person comes out only as [`crate::policy::Phi`].

use jiff::{Timestamp, civil::Date};
use serde::{Deserialize, Serialize};

/// A person, as far as speaking to them needs.
#[derive(Clone, Serialize, Deserialize)]
pub struct Profile {
    /// What they are called: "Rosa".
    pub given: String,
    /// Family name.
    pub family: String,
    /// Date of birth.
    pub birth: Option<Date>,
}

/// A prescription with what became of it.
#[derive(Clone, Serialize, Deserialize)]
pub struct Prescription {
    /// Its identifier in the source it came from.
    pub id: String,
    /// The name that is spoken: "lisinopril".
    pub medicine: String,
    /// Other names: brand, generic, the text as written.
    pub aliases: Vec<String>,
    /// "10 mg tablet".
    pub strength: Option<String>,
    /// Still to be taken.
    pub active: bool,
    /// How to take it, in the prescriber's own words.
    pub instructions: Option<String>,
    /// Who prescribed it.
    pub prescriber: Option<String>,
    /// Repeats the prescriber allowed, and how many are left.
    pub refills_left: Option<u32>,
    /// Days one dispense lasts.
    pub days_supply: Option<u32>,
    /// Until when the prescription is valid.
    pub valid_until: Option<Date>,
    /// Controlled substance: a renewal always needs the prescriber.
    pub controlled: bool,
    /// Dispenses, newest first.
    pub dispenses: Vec<Dispense>,
    /// Where it came from, for saying so: "Lakeside Clinic".
    pub source: Option<String>,
}

/// One filling of a prescription.
#[derive(Clone, Serialize, Deserialize)]
pub struct Dispense {
    /// How far it is.
    pub stage: DispenseStage,
    /// When it reached that stage.
    pub at: Option<Timestamp>,
    /// The pharmacy.
    pub pharmacy: Option<String>,
}

/// How far a dispense is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DispenseStage {
    /// The pharmacy is working on it.
    InProgress,
    /// Waiting at the counter.
    Ready,
    /// On its way.
    Shipped,
    /// In the person's hands.
    PickedUp,
    /// It will not come.
    Cancelled,
}

/// A visit past or to come.
#[derive(Clone, Serialize, Deserialize)]
pub struct Visit {
    /// Its identifier.
    pub id: String,
    /// When it starts.
    pub start: Timestamp,
    /// When it ends, where known.
    pub end: Option<Timestamp>,
    /// Whom it is with.
    pub provider: Option<String>,
    /// Their specialty.
    pub specialty: Option<String>,
    /// Where.
    pub place: Option<String>,
    /// What for.
    pub reason: Option<String>,
    /// What to do before it, in the clinic's words.
    pub prepare: Option<String>,
    /// Still on.
    pub booked: bool,
}

/// A free time in a provider's schedule. Nobody's data.
#[derive(Clone, Serialize, Deserialize)]
pub struct OpenSlot {
    /// Its identifier.
    pub id: String,
    /// When it starts.
    pub start: Timestamp,
    /// When it ends.
    pub end: Timestamp,
    /// Whose time it is.
    pub provider: String,
    /// Their specialty.
    pub specialty: Option<String>,
    /// Where.
    pub place: Option<String>,
}

/// One result of one test.
#[derive(Clone, Serialize, Deserialize)]
pub struct LabResult {
    /// The test as it is spoken: "LDL cholesterol".
    pub test: String,
    /// Other names, and the panel it belongs to.
    pub aliases: Vec<String>,
    /// The value as text: "131", "positive".
    pub value: String,
    /// Its unit.
    pub unit: Option<String>,
    /// Lower end of the laboratory's own range.
    pub low: Option<f64>,
    /// Upper end of the laboratory's own range.
    pub high: Option<f64>,
    /// The laboratory's own judgement.
    pub flag: Option<LabFlag>,
    /// When the sample was taken.
    pub taken: Timestamp,
    /// A clinician's words about it.
    pub comment: Option<String>,
    /// Who said them.
    pub commenter: Option<String>,
    /// Where it came from.
    pub source: Option<String>,
}

/// A laboratory's judgement of a value against its own range (HL7 ObservationInterpretation).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LabFlag {
    /// Within range.
    Normal,
    /// Below range.
    Low,
    /// Above range.
    High,
    /// Far out of range: HH, LL, AA. Never read first by a machine.
    Critical,
}

/// Somebody who treats the person.
#[derive(Clone, Serialize, Deserialize)]
pub struct Provider {
    /// "Dr. Anita Patel".
    pub name: String,
    /// "cardiology".
    pub specialty: Option<String>,
    /// "primary care".
    pub role: Option<String>,
}
