//! A person's health records, as the actions need them: plain types that know neither FHIR JSON nor SQL.
//!
//! Invariant: what concerns a person comes out only as [`crate::policy::Phi`].

pub mod alike;
mod brands;
pub mod called;
pub mod care_directory;
mod care_place;
pub mod changed;
pub mod contact;
mod controlled;
pub mod demo;
pub mod diet;
mod facility;
pub mod fhir_bundle;
pub mod fhir_write;
mod first_told;
mod fresh;
pub mod history;
pub mod lab_name;
mod local;
pub mod measure;
mod medicine_name;
mod menu;
mod name_lists;
pub mod outgoing;
pub mod rights;
mod room_thing;
pub mod sensitive;
mod server;
mod sources;
pub mod specialty;
mod stay;
mod timing;
pub mod vaccine;
mod visit;
pub mod visit_kind;

use std::collections::BTreeMap;

use jiff::{Timestamp, civil::Date};
use serde::{Deserialize, Serialize};

pub use crate::store::{RoomCall, SaidBack};
use crate::{actions::RenewalState, store::ChartKind};
pub use care_directory::Directory;
pub use care_place::{CarePlace, Closed, Hours, Opening, Position, Wait};
pub use contact::{Contact, Number, meant};
pub use diet::{DietOrder, Eating};
pub use facility::{Facility, FacilityError, LIST as FACILITY};
pub use fresh::Budget;
pub use history::{Condition, ConditionStatus, History, Immunization, Reading, VisitNote, Vital};
pub use local::{Records, RecordsError};
pub use measure::{Amount, Decimal, Measure, Unit};
pub use menu::{Dish, LIST as MENU, Menu, MenuError, Serving, no_allergy};
pub use room_thing::{LevelUnit, RoomThing, Span, Thing};
pub use server::Servers;
pub use sources::{Connected, Origin, from_source, merged, without_news};
pub use timing::{DayMoment, Dosing, PeriodUnit, Timing};
pub use visit::{Arrival, KeptVisit, OpenSlot, SlotQuery, Visit, VisitMode};

/// Everything a bundle tells about one person, and the free times it brings along (which are nobody's).
///
/// Not `Debug`: it is the whole chart.
#[derive(Clone, Serialize, Deserialize)]
pub struct Chart {
    /// Who it is.
    pub profile: Profile,
    /// What tells this person from every other: `system|value` of each business identifier that one place gives to one
    /// person, and the id of the Patient resource bound to name and date of birth. Two charts with one in common are the same
    /// person's, unless name or date of birth say otherwise ([`alike::unlike`]). Never empty.
    pub identifiers: Vec<String>,
    /// Medicines ordered, ended ones too.
    pub prescriptions: Vec<Prescription>,
    /// What became of renewals that were asked for from here.
    #[serde(default)]
    pub answers: Vec<RenewalAnswer>,
    /// Visits past and to come.
    pub visits: Vec<Visit>,
    /// Laboratory results, newest first.
    pub results: Vec<LabResult>,
    /// Who treats the person.
    pub providers: Vec<Provider>,
    /// Allergies and intolerances on record.
    pub allergies: Vec<Allergy>,
    /// Measurements, conditions, vaccinations and what was written about visits.
    #[serde(default)]
    pub history: History,
    /// Orders for what the person eats.
    #[serde(default)]
    pub diet: Vec<DietOrder>,
    /// Free times in providers' schedules.
    pub slots: Vec<OpenSlot>,
    /// Pharmacies that are told of.
    #[serde(default)]
    pub pharmacies: Vec<Pharmacy>,
    /// The person's entries of the bundle as they came, each as JSON text, for giving them back.
    #[serde(default)]
    pub source: Vec<String>,
    /// Resources that the bundle says are deleted, as `Type/id`.
    #[serde(default)]
    pub removed: Vec<String>,
    /// Parts that the server it was read from does not keep at all: that they are empty means nothing.
    #[serde(skip)]
    pub lacking: Vec<ChartKind>,
    /// What was read and what was left out.
    pub summary: Summary,
}

/// What a record server says about a renewal that was asked for from here.
#[derive(Clone, Serialize, Deserialize)]
pub struct RenewalAnswer {
    /// The change that asked, by its own name.
    pub change: String,
    /// How far it is.
    pub state: RenewalState,
    /// Why not, in words that the person is told.
    pub reason: Option<String>,
}

/// What became of the resources of a bundle. Counts and kinds only, so it may be printed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Summary {
    /// Resources used, by type.
    pub read: BTreeMap<String, usize>,
    /// Resources of types that are not used here.
    pub skipped: BTreeMap<String, usize>,
    /// Resources of known types that could not be used: `type: reason` and how many.
    pub unusable: BTreeMap<String, usize>,
}

/// An allergy or intolerance on record.
#[derive(Clone, Serialize, Deserialize)]
pub struct Allergy {
    /// What it is to, as written: "penicillin".
    pub substance: String,
    /// What happens, as written: "hives".
    pub reactions: Vec<String>,
    /// What kind of thing it is, by FHIR's codes: `food`, `medication`, `environment`, `biologic`. Empty where nobody said.
    #[serde(default)]
    pub category: Vec<String>,
    /// Recorded as a danger to life, or with a severe reaction.
    #[serde(default)]
    pub severe: bool,
    /// Refuted or resolved on record; kept so that it is not taken for unknown.
    pub active: bool,
    /// Which of the person's sources it was fetched from.
    #[serde(default)]
    pub origin: Origin,
}

/// A pharmacy. Nobody's data.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pharmacy {
    /// Its name.
    pub name: String,
    /// Its street: "3 Harbor Street".
    pub street: Option<String>,
    /// Its telephone.
    pub phone: Option<String>,
}

/// Somebody of the staff who is on duty now.
#[derive(Clone, PartialEq, Eq)]
pub struct OnDuty {
    /// For what: `nurse`, `assistant`, `chaplain`.
    pub role: String,
    /// As people call them.
    pub who: String,
}

/// A list that the house gives, and when it gave it. Nobody's data.
#[derive(Debug, Clone, PartialEq)]
pub struct Known<T> {
    /// The list.
    pub told: T,
    /// When it was given.
    pub at: Timestamp,
}

/// A person, as far as speaking to them needs.
#[derive(Clone, Serialize, Deserialize)]
pub struct Profile {
    /// What they are called: "Rosa".
    pub given: String,
    /// Family name.
    pub family: String,
    /// Date of birth.
    pub birth: Option<Date>,
    /// Other names they go by: "Rosie".
    #[serde(default)]
    pub called: Vec<String>,
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
    /// Paused by the prescriber; then it is not `active` either.
    pub on_hold: bool,
    /// The day it was written.
    pub written: Option<Date>,
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
    /// When it is due and how much of it, as far as the order says so in a structured way; a line each.
    #[serde(default)]
    pub dosing: Vec<Dosing>,
    /// The pharmacy the order names.
    #[serde(default)]
    pub pharmacy: Option<String>,
    /// Where it came from, for saying so: "Lakeside Clinic".
    pub source: Option<String>,
    /// Which of the person's sources it was fetched from.
    #[serde(default)]
    pub origin: Origin,
}

/// One filling of a prescription.
#[derive(Clone, Serialize, Deserialize)]
pub struct Dispense {
    /// How far it is.
    pub stage: DispenseStage,
    /// When it reached that stage.
    pub at: Option<Timestamp>,
    /// Days this filling lasts, where it says so itself.
    pub days_supply: Option<u32>,
    /// The pharmacy.
    pub pharmacy: Option<String>,
    /// Who brings it: "UPS".
    #[serde(default)]
    pub carrier: Option<String>,
    /// The day it is to arrive.
    #[serde(default)]
    pub due: Option<Date>,
}

/// How far a dispense is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DispenseStage {
    /// The pharmacy is working on it.
    InProgress,
    /// The pharmacy has paused it.
    OnHold,
    /// Waiting at the counter.
    Ready,
    /// On its way.
    Shipped,
    /// Brought to the person.
    Delivered,
    /// In the person's hands.
    PickedUp,
    /// It will not come.
    Cancelled,
}

/// One result of one test.
#[derive(Clone, Serialize, Deserialize)]
pub struct LabResult {
    /// The test as it is spoken: "LDL cholesterol".
    pub test: String,
    /// Other names.
    pub aliases: Vec<String>,
    /// Its LOINC code, where it has one.
    #[serde(default)]
    pub loinc: Option<String>,
    /// The panel it was part of: "lipid panel".
    pub panel: Option<String>,
    /// The value as text: "131", "positive".
    pub value: String,
    /// Its unit.
    pub unit: Option<String>,
    /// Lower end of the laboratory's own range.
    pub low: Option<f64>,
    /// Upper end of the laboratory's own range.
    pub high: Option<f64>,
    /// The laboratory's own range in words, where it is not two numbers in the unit of the value.
    #[serde(default)]
    pub range: Option<String>,
    /// The laboratory's own judgement.
    pub flag: Option<LabFlag>,
    /// When the sample was taken.
    pub taken: Timestamp,
    /// Not final yet.
    pub preliminary: bool,
    /// The laboratory has changed it since.
    #[serde(default)]
    pub corrected: bool,
    /// A clinician's words about it.
    pub comment: Option<String>,
    /// Who said them.
    pub commenter: Option<String>,
    /// Where it came from.
    pub source: Option<String>,
    /// Which of the person's sources it was fetched from.
    #[serde(default)]
    pub origin: Origin,
    /// What came of it where a clinician tells it first; looked up, never kept with the chart.
    #[serde(skip)]
    pub review: Review,
}

/// How far a result is that a clinician tells first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Review {
    /// No clinician was asked yet.
    #[default]
    None,
    /// It waits on the board.
    Asked,
    /// Staff closed it: they have talked about it.
    Told,
}

impl LabResult {
    /// Whether a machine must not be the first to tell it: critical, or of tissue or an infection, with no words of a
    /// clinician.
    #[must_use]
    pub fn waits_for_clinician(&self) -> bool {
        self.comment.is_none() && first_told::is_first_told_by_a_clinician(self)
    }
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
    /// Out of the ordinary in a way that has no direction.
    Abnormal,
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
    /// Which of the person's sources it was fetched from.
    #[serde(default)]
    pub origin: Origin,
}
