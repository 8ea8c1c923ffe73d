//! The fields of what tells a history: conditions, vaccinations, visits that have been, and documents.

use serde::Deserialize;

use super::{Concept, Performer, Period, Quantity, Reference};

/// `Observation.component`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Component {
    #[serde(default)]
    pub code: Concept,
    pub value_quantity: Option<Quantity>,
    pub value_codeable_concept: Option<Concept>,
    pub value_string: Option<String>,
    #[serde(default)]
    pub interpretation: Vec<Concept>,
    #[serde(default)]
    pub reference_range: Vec<super::Range>,
}

/// `Condition`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Condition {
    pub id: Option<String>,
    pub clinical_status: Option<Concept>,
    pub verification_status: Option<Concept>,
    #[serde(default)]
    pub category: Vec<Concept>,
    pub code: Option<Concept>,
    pub subject: Option<Reference>,
    pub onset_date_time: Option<String>,
    pub onset_period: Option<Period>,
    pub abatement_date_time: Option<String>,
}

/// `Immunization`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Immunization {
    pub id: Option<String>,
    pub status: Option<String>,
    #[serde(default)]
    pub vaccine_code: Concept,
    pub patient: Option<Reference>,
    pub occurrence_date_time: Option<String>,
    #[serde(default)]
    pub performer: Vec<Performer>,
}

/// `Encounter`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Encounter {
    pub id: Option<String>,
    pub status: Option<String>,
    pub subject: Option<Reference>,
    #[serde(default)]
    pub participant: Vec<Attendant>,
    pub period: Option<Period>,
    #[serde(default)]
    pub reason_code: Vec<Concept>,
    #[serde(default)]
    pub location: Vec<Stay>,
    pub service_provider: Option<Reference>,
}

/// `Encounter.participant`.
#[derive(Deserialize)]
pub struct Attendant {
    pub individual: Option<Reference>,
}

/// `Encounter.location`.
#[derive(Deserialize)]
pub struct Stay {
    pub location: Option<Reference>,
}

/// `DocumentReference`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DocumentReference {
    pub id: Option<String>,
    pub status: Option<String>,
    pub doc_status: Option<String>,
    #[serde(rename = "type")]
    pub kind: Option<Concept>,
    pub subject: Option<Reference>,
    pub date: Option<String>,
    #[serde(default)]
    pub author: Vec<Reference>,
    #[serde(default)]
    pub content: Vec<Content>,
    pub context: Option<Context>,
}

/// `DocumentReference.content`.
#[derive(Deserialize)]
pub struct Content {
    pub attachment: Option<Attachment>,
}

/// `Attachment`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Attachment {
    pub content_type: Option<String>,
    pub data: Option<String>,
}

/// `DocumentReference.context`.
#[derive(Deserialize)]
pub struct Context {
    #[serde(default)]
    pub encounter: Vec<Reference>,
}

/// `AllergyIntolerance`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AllergyIntolerance {
    pub id: Option<String>,
    pub clinical_status: Option<Concept>,
    pub verification_status: Option<Concept>,
    #[serde(default)]
    pub category: Vec<String>,
    pub criticality: Option<String>,
    #[serde(default)]
    pub code: Concept,
    pub patient: Option<Reference>,
    #[serde(default)]
    pub reaction: Vec<Reaction>,
}

/// `AllergyIntolerance.reaction`.
#[derive(Deserialize)]
pub struct Reaction {
    #[serde(default)]
    pub manifestation: Vec<Concept>,
    pub severity: Option<String>,
}
