//! The few fields of FHIR R4 that are read, as plain structs. Everything is optional, as in real exports;
//! unknown fields are ignored.

mod history;

use serde::{Deserialize, Deserializer, de::Error as _};
use serde_json::Value;

pub use super::diet::NutritionOrder;
pub use super::schedule::{Appointment, HealthcareService, Location, Schedule, Slot};
use super::{
    BundleError,
    entry::Entry,
    pharmacies::{Address, Telecom},
    timing::Dosage,
};
pub use history::{AllergyIntolerance, Component, Condition, DocumentReference, Encounter, Immunization};

macro_rules! resources {
    ($($name:ident),+ $(,)?) => {
        /// A resource of a type that is read, or the name of another.
        pub enum Resource {
            $($name(Box<$name>),)+
            Other { kind: String },
        }

        impl Resource {
            pub fn kind(&self) -> &str {
                match self {
                    $(Self::$name(_) => stringify!($name),)+
                    Self::Other { kind } => kind,
                }
            }

            pub fn id(&self) -> Option<&str> {
                match self {
                    $(Self::$name(r) => r.id.as_deref(),)+
                    Self::Other { .. } => None,
                }
            }

            fn of(kind: &str, value: Value) -> Result<Self, serde_json::Error> {
                Ok(match kind {
                    $(stringify!($name) => Self::$name(serde_json::from_value(value)?),)+
                    other => Self::Other { kind: word(other) },
                })
            }
        }
    };
}

resources!(
    Patient,
    MedicationRequest,
    Medication,
    MedicationDispense,
    Appointment,
    Schedule,
    Slot,
    Practitioner,
    PractitionerRole,
    CareTeam,
    Observation,
    DiagnosticReport,
    AllergyIntolerance,
    Organization,
    Location,
    Condition,
    Immunization,
    Encounter,
    DocumentReference,
    HealthcareService,
    NutritionOrder,
);

impl<'de> Deserialize<'de> for Resource {
    /// Through a `Value`, one resource at a time: what is not read is dropped at once.
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let value = Value::deserialize(d)?;
        let kind = value.get("resourceType").and_then(Value::as_str).unwrap_or("resource without a type").to_owned();
        Self::of(&kind, value).map_err(D::Error::custom)
    }
}

/// Finds the entry at fault after the bundle as a whole did not fit, for an error that names it.
pub fn first_fault(text: &str) -> Option<BundleError> {
    let value: Value = serde_json::from_str(text).ok()?;
    let kind = value.get("resourceType").and_then(Value::as_str);
    if kind != Some("Bundle") {
        let found = kind.map_or_else(|| "missing".to_owned(), |k| format!("`{}`", word(k)));
        return Some(BundleError::NotABundle { found });
    }
    let Some(entries) = value.get("entry")?.as_array() else {
        return Some(BundleError::Malformed { place: "Bundle.entry".into(), reason: "must be a list".into() });
    };
    entries.iter().enumerate().find_map(|(n, entry)| {
        let e = Entry::deserialize(entry).err()?;
        let kind = entry.pointer("/resource/resourceType").and_then(Value::as_str).unwrap_or("no resource");
        let place = format!("entry {n} ({})", word(kind));
        Some(BundleError::Malformed { place, reason: without_content(&e.to_string()) })
    })
}

/// serde's message without the value it quotes: `invalid type: string "…", expected a map` keeps only types.
pub fn without_content(message: &str) -> String {
    let mut out = String::with_capacity(message.len());
    let mut quoted = None;
    for c in message.chars() {
        match (quoted, c) {
            (None, '"' | '`') => {
                quoted = Some(c);
                out.push('…');
            }
            (Some(q), c) if c == q => quoted = None,
            (Some(_), _) => {}
            (None, c) if c.is_ascii_digit() => {}
            (None, c) => out.push(c),
        }
    }
    out.chars().take(160).collect()
}

/// A type name from outside, fit to be printed.
pub fn word(text: &str) -> String {
    let fits =
        (1..=40).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b' ' || b == b'-');
    if fits { text.to_owned() } else { "unreadable".to_owned() }
}

/// `Reference`.
#[derive(Deserialize, Default)]
pub struct Reference {
    pub reference: Option<String>,
    pub display: Option<String>,
}

impl Reference {
    /// What it points at, without a version.
    pub fn target(&self) -> Option<&str> {
        let text = self.reference.as_deref()?;
        Some(text.split_once("/_history/").map_or(text, |(head, _)| head))
    }
}

/// `CodeableConcept`.
#[derive(Deserialize, Default)]
pub struct Concept {
    #[serde(default)]
    pub coding: Vec<Coding>,
    pub text: Option<String>,
}

impl Concept {
    /// The words of a concept: its own text, else the first display.
    pub fn words(&self) -> Option<&str> {
        let display = || self.coding.iter().find_map(|c| c.display.as_deref());
        self.text.as_deref().or_else(display).map(str::trim).filter(|t| !t.is_empty())
    }

    /// Everything it is called: by its text and by each of its codes.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        let displays = self.coding.iter().filter_map(|c| c.display.as_deref());
        self.text.as_deref().into_iter().chain(displays).map(str::trim).filter(|t| !t.is_empty())
    }

    pub fn has(&self, code: &str) -> bool {
        self.coding.iter().any(|c| c.code.as_deref() == Some(code))
    }
}

/// `Coding`.
#[derive(Deserialize, Default)]
pub struct Coding {
    pub system: Option<String>,
    pub code: Option<String>,
    pub display: Option<String>,
}

/// `Identifier`.
#[derive(Deserialize)]
pub struct Identifier {
    pub system: Option<String>,
    pub value: Option<String>,
    #[serde(rename = "use")]
    pub usage: Option<String>,
    #[serde(rename = "type")]
    pub kind: Option<Concept>,
}

/// `HumanName`.
#[derive(Deserialize)]
pub struct HumanName {
    #[serde(rename = "use")]
    pub usage: Option<String>,
    pub text: Option<String>,
    pub family: Option<String>,
    #[serde(default)]
    pub given: Vec<String>,
    #[serde(default)]
    pub prefix: Vec<String>,
}

/// `Period`.
#[derive(Deserialize)]
pub struct Period {
    pub start: Option<String>,
    pub end: Option<String>,
}

/// `Quantity`.
#[derive(Deserialize)]
pub struct Quantity {
    pub value: Option<serde_json::Number>,
    pub comparator: Option<String>,
    pub unit: Option<String>,
    pub code: Option<String>,
}

/// `Annotation`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Annotation {
    pub text: Option<String>,
    pub author_string: Option<String>,
    pub author_reference: Option<Reference>,
}

/// `Patient`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Patient {
    pub id: Option<String>,
    #[serde(default)]
    pub identifier: Vec<Identifier>,
    #[serde(default)]
    pub name: Vec<HumanName>,
    pub birth_date: Option<String>,
}

/// `MedicationRequest`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MedicationRequest {
    pub id: Option<String>,
    #[serde(default)]
    pub contained: Vec<Resource>,
    pub status: Option<String>,
    pub intent: Option<String>,
    /// `true`: an order *not* to give it.
    pub do_not_perform: Option<bool>,
    #[serde(default)]
    pub category: Vec<Concept>,
    pub medication_codeable_concept: Option<Concept>,
    pub medication_reference: Option<Reference>,
    pub subject: Option<Reference>,
    pub authored_on: Option<String>,
    pub requester: Option<Reference>,
    #[serde(default)]
    pub dosage_instruction: Vec<Dosage>,
    pub dispense_request: Option<DispenseRequest>,
}

/// `MedicationRequest.dispenseRequest`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DispenseRequest {
    pub validity_period: Option<Period>,
    pub number_of_repeats_allowed: Option<u32>,
    pub expected_supply_duration: Option<Quantity>,
    pub performer: Option<Reference>,
}

/// `Medication`.
#[derive(Deserialize)]
pub struct Medication {
    pub id: Option<String>,
    pub code: Option<Concept>,
}

/// `MedicationDispense`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MedicationDispense {
    pub id: Option<String>,
    pub status: Option<String>,
    pub subject: Option<Reference>,
    #[serde(default)]
    pub performer: Vec<Performer>,
    pub location: Option<Reference>,
    #[serde(default)]
    pub authorizing_prescription: Vec<Reference>,
    pub days_supply: Option<Quantity>,
    pub when_prepared: Option<String>,
    pub when_handed_over: Option<String>,
    pub destination: Option<Reference>,
    #[serde(default)]
    pub extension: Vec<Extension>,
}

/// An extension with a day in it.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Extension {
    pub url: Option<String>,
    pub value_date: Option<String>,
}

/// `MedicationDispense.performer`.
#[derive(Deserialize)]
pub struct Performer {
    pub function: Option<Concept>,
    pub actor: Option<Reference>,
}

/// `Practitioner`.
#[derive(Deserialize)]
pub struct Practitioner {
    pub id: Option<String>,
    #[serde(default)]
    pub name: Vec<HumanName>,
}

/// `PractitionerRole`.
#[derive(Deserialize)]
pub struct PractitionerRole {
    pub id: Option<String>,
    pub practitioner: Option<Reference>,
    #[serde(default)]
    pub code: Vec<Concept>,
    #[serde(default)]
    pub specialty: Vec<Concept>,
    #[serde(default)]
    pub location: Vec<Reference>,
}

/// `CareTeam`.
#[derive(Deserialize)]
pub struct CareTeam {
    pub id: Option<String>,
    pub status: Option<String>,
    pub subject: Option<Reference>,
    #[serde(default)]
    pub participant: Vec<Member>,
}

/// `CareTeam.participant`.
#[derive(Deserialize)]
pub struct Member {
    #[serde(default)]
    pub role: Vec<Concept>,
    pub member: Option<Reference>,
}

/// `Observation`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Observation {
    pub id: Option<String>,
    pub status: Option<String>,
    #[serde(default)]
    pub category: Vec<Concept>,
    #[serde(default)]
    pub code: Concept,
    pub subject: Option<Reference>,
    pub effective_date_time: Option<String>,
    pub effective_instant: Option<String>,
    pub effective_period: Option<Period>,
    pub issued: Option<String>,
    #[serde(default)]
    pub performer: Vec<Reference>,
    pub value_quantity: Option<Quantity>,
    pub value_codeable_concept: Option<Concept>,
    pub value_string: Option<String>,
    pub value_integer: Option<i64>,
    #[serde(default)]
    pub component: Vec<Component>,
    #[serde(default)]
    pub interpretation: Vec<Concept>,
    #[serde(default)]
    pub note: Vec<Annotation>,
    #[serde(default)]
    pub reference_range: Vec<Range>,
}

/// `Observation.referenceRange`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Range {
    pub low: Option<Quantity>,
    pub high: Option<Quantity>,
    #[serde(rename = "type")]
    pub kind: Option<Concept>,
}

/// `DiagnosticReport`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DiagnosticReport {
    pub id: Option<String>,
    pub status: Option<String>,
    #[serde(default)]
    pub category: Vec<Concept>,
    #[serde(default)]
    pub code: Concept,
    pub subject: Option<Reference>,
    #[serde(default)]
    pub performer: Vec<Reference>,
    #[serde(default)]
    pub results_interpreter: Vec<Reference>,
    #[serde(default)]
    pub result: Vec<Reference>,
    pub conclusion: Option<String>,
}

/// `Organization`.
#[derive(Deserialize)]
pub struct Organization {
    pub id: Option<String>,
    pub name: Option<String>,
    #[serde(default, rename = "type")]
    pub kinds: Vec<Concept>,
    #[serde(default)]
    pub address: Vec<Address>,
    #[serde(default)]
    pub telecom: Vec<Telecom>,
}
