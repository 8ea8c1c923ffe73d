//! A copy of everything that is kept of a person: a FHIR R4 Bundle (collection).
//!
//! What was imported is given back to the letter, extensions nobody here knows included. What came about here is told in
//! FHIR's terms: requests as Task and Appointment, what was said as Communication, what was agreed to as Consent, who
//! looked as AuditEvent.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Value, json, value::RawValue};

use super::{Denied, Desk, Visit, consent::consents, own};
use crate::{
    policy::{Permit, PersonId},
    records::{
        Allergy, Condition, Immunization, LabResult, Prescription, Profile, Provider, Records, VisitNote, Vital,
    },
    store::{ChartKind, Store},
};

/// A copy, ready to be handed over.
pub struct Copied {
    /// The Bundle as JSON text.
    pub json: String,
    /// Resources in it.
    pub resources: usize,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Bundle {
    resource_type: &'static str,
    r#type: &'static str,
    timestamp: jiff::Timestamp,
    entry: Vec<Box<RawValue>>,
}

impl Desk<'_> {
    pub(super) async fn copy_of(&self, visit: &Visit) -> Result<Copied, Denied> {
        let (person, permit, store) = (visit.person(), &visit.permit, self.store);
        let records = Records::new(store.clone());
        let source: Vec<String> = store.chart_rows(person, ChartKind::Source).await?.reveal(permit)?;
        let patient = patient(person, &source);
        let mut entry: Vec<Box<RawValue>> =
            source.into_iter().filter_map(|text| RawValue::from_string(text).ok()).collect();
        let mut more: Vec<Value> = Vec::new();
        if entry.is_empty() {
            more.push(self.as_known(person, permit, &patient).await?);
        }
        let renewals = records.renewals(person).await?.reveal(permit)?;
        more.extend(renewals.iter().map(|one| own::renewal(one, &patient)));
        let visits = store.booked_visits(person).await?.reveal(permit)?;
        more.extend(visits.iter().map(|one| own::visit(one, &patient)));
        let waiting = records.waiting(person).await?.reveal(permit)?;
        more.extend(waiting.iter().map(|one| own::waiting(one, &patient)));
        let readings = records.readings(person).await?.reveal(permit)?;
        more.extend(readings.iter().map(|one| own::reading(one, &patient, self.zone)));
        let contacts = records.contacts(person).await?.reveal(permit)?;
        more.extend(contacts.iter().enumerate().map(|(n, one)| own::contact(one, n + 1, &patient)));
        let notes = store.taken(person, None).await?.reveal(permit)?;
        more.extend(notes.iter().enumerate().map(|(n, one)| own::taken(one, n + 1, &patient)));
        let reminders = records.reminders(person).await?.reveal(permit)?;
        more.extend(reminders.iter().map(|one| own::reminder(one, &patient)));
        if let Some(pharmacy) = records.chosen_pharmacy(person).await?.reveal(permit)? {
            more.push(own::pharmacy(&pharmacy));
        }
        let calls = records.calls(person).await?.reveal(permit)?;
        let written = store.clinicians_words(person).await?.reveal(permit)?;
        more.extend(calls.iter().map(|one| own::call(one, written.get(&one.id), &patient)));
        let turns = store.kept_turns(person).await?.reveal(permit)?;
        let said = turns.iter().enumerate().flat_map(|(n, one)| own::turn(one, n + 1, &patient, self.organization));
        more.extend(said);
        more.extend(consents(&store.consent_versions(person).await?, &patient, self.organization));
        more.extend(store.audit_events_about(person, self.organization).await?.reveal(permit)?);
        for resource in more {
            let entry_of = json!({ "resource": resource });
            entry.extend(RawValue::from_string(entry_of.to_string()).ok());
        }
        let resources = entry.len();
        let bundle = Bundle { resource_type: "Bundle", r#type: "collection", timestamp: self.now(), entry };
        Ok(Copied { json: serde_json::to_string(&bundle).unwrap_or_default(), resources })
    }

    /// Records that came before their text was kept: as the assistant knows them, in one document.
    async fn as_known(&self, person: &PersonId, permit: &Permit, patient: &Value) -> Result<Value, Denied> {
        let store = self.store;
        let known = json!({
            "profile": part::<Profile>(store, person, ChartKind::Profile, permit).await?,
            "prescriptions": part::<Prescription>(store, person, ChartKind::Prescriptions, permit).await?,
            "visits": part::<crate::records::Visit>(store, person, ChartKind::Visits, permit).await?,
            "results": part::<LabResult>(store, person, ChartKind::Results, permit).await?,
            "providers": part::<Provider>(store, person, ChartKind::Providers, permit).await?,
            "allergies": part::<Allergy>(store, person, ChartKind::Allergies, permit).await?,
            "vitals": part::<Vital>(store, person, ChartKind::Vitals, permit).await?,
            "conditions": part::<Condition>(store, person, ChartKind::Conditions, permit).await?,
            "immunizations": part::<Immunization>(store, person, ChartKind::Immunizations, permit).await?,
            "notes": part::<VisitNote>(store, person, ChartKind::Notes, permit).await?,
            "diet": part::<crate::records::DietOrder>(store, person, ChartKind::Diet, permit).await?,
        });
        Ok(json!({
            "resourceType": "DocumentReference",
            "id": "as-known",
            "status": "current",
            "description": "the record as the assistant knows it; it was imported before its own text was kept",
            "subject": patient,
            "content": [{ "attachment": {
                "contentType": "application/json",
                "data": STANDARD.encode(known.to_string()),
            } }],
        }))
    }
}

async fn part<T: DeserializeOwned + Serialize>(
    store: &Store,
    person: &PersonId,
    kind: ChartKind,
    permit: &Permit,
) -> Result<Vec<T>, Denied> {
    Ok(store.chart_rows(person, kind).await?.reveal(permit)?)
}

/// The reference to the person: by the id their own records give them, where they have one, and by ours.
fn patient(person: &PersonId, source: &[String]) -> Value {
    let imported = source.iter().find_map(|text| {
        let entry: Value = serde_json::from_str(text).ok()?;
        let patient = entry.get("resource").filter(|r| r["resourceType"] == "Patient")?;
        Some(patient.get("id")?.as_str()?.to_owned())
    });
    let id = imported.unwrap_or_else(|| person.as_str().to_owned());
    json!({
        "reference": format!("Patient/{id}"),
        "identifier": { "system": "urn:wellspoken:person", "value": person.as_str() },
    })
}
