//! The resources of visits and schedules, as [`super::resources`] reads them.

use serde::Deserialize;

use super::resources::{Concept, Reference};

/// `Appointment`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Appointment {
    pub id: Option<String>,
    pub status: Option<String>,
    #[serde(default)]
    pub specialty: Vec<Concept>,
    #[serde(default)]
    pub service_type: Vec<Concept>,
    #[serde(default)]
    pub reason_code: Vec<Concept>,
    pub description: Option<String>,
    pub start: Option<String>,
    pub end: Option<String>,
    pub patient_instruction: Option<String>,
    #[serde(default)]
    pub participant: Vec<Participant>,
    pub appointment_type: Option<Concept>,
    #[serde(default)]
    pub slot: Vec<Reference>,
    pub meta: Option<Meta>,
}

/// `Appointment.participant`.
#[derive(Deserialize)]
pub struct Participant {
    pub actor: Option<Reference>,
}

/// `Schedule`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Schedule {
    pub id: Option<String>,
    #[serde(default)]
    pub specialty: Vec<Concept>,
    #[serde(default)]
    pub service_type: Vec<Concept>,
    #[serde(default)]
    pub actor: Vec<Reference>,
}

/// `Slot`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Slot {
    pub id: Option<String>,
    pub schedule: Option<Reference>,
    pub status: Option<String>,
    #[serde(default)]
    pub specialty: Vec<Concept>,
    #[serde(default)]
    pub service_type: Vec<Concept>,
    pub appointment_type: Option<Concept>,
    pub start: Option<String>,
    pub end: Option<String>,
    pub meta: Option<Meta>,
}

/// `Location`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Location {
    pub id: Option<String>,
    pub name: Option<String>,
    pub physical_type: Option<Concept>,
    #[serde(default)]
    pub extension: Vec<Extension>,
}

/// `HealthcareService`.
#[derive(Deserialize)]
pub struct HealthcareService {
    pub id: Option<String>,
    pub name: Option<String>,
    #[serde(default)]
    pub specialty: Vec<Concept>,
    #[serde(default)]
    pub location: Vec<Reference>,
}

/// `Meta`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Meta {
    pub version_id: Option<String>,
}

/// `Extension`, where its value is a code.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Extension {
    #[serde(default)]
    pub url: String,
    pub value_code: Option<String>,
}
