//! A FHIR server as somewhere to deliver to.

use serde_json::{Value, value::RawValue};

use super::clinic::{Clinic, Fault, Write};
use crate::{
    fhir::{self, FhirError, Session, Version},
    records::outgoing::Trouble,
};

impl Clinic for Session {
    async fn read(&self, kind: &'static str, id: &str) -> Result<Value, Fault> {
        Ok(Self::read(self, kind, id).await.map_err(looking)?.value)
    }

    async fn search(&self, kind: &'static str, params: &[(&'static str, &str)]) -> Result<Vec<Value>, Fault> {
        let by = params.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
        let found = Self::search(self, kind, by).await.map_err(looking)?;
        let read = |text: &RawValue| serde_json::from_str(text.get()).ok();
        found.iter().map(|text| read(text).ok_or(Fault::Later(Trouble::Broken, None))).collect()
    }

    async fn create(&self, resource: &Value, unless: &str) -> Result<(), Fault> {
        Self::create(self, resource, unless).await?;
        Ok(())
    }

    async fn together(&self, writes: Vec<Write>) -> Result<(), Fault> {
        let writes = writes.into_iter().map(fhir_write).collect::<Result<Vec<_>, _>>()?;
        self.transaction(&writes).await?;
        Ok(())
    }
}

/// What looking came to. Nobody can be first at looking: whoever says so is out of order.
fn looking(error: FhirError) -> Fault {
    match Fault::from(error) {
        Fault::Stale => Fault::Later(Trouble::Broken, None),
        fault => fault,
    }
}

fn fhir_write(write: Write) -> Result<fhir::Write, Fault> {
    Ok(match write {
        Write::Create(resource, unless) => {
            fhir::Write::Create { full_url: None, resource, if_none_exist: Some(unless) }
        }
        Write::Update(resource) => fhir::Write::Update { version: Some(version(&resource)?), resource },
    })
}

/// The version that a resource was read as. A server that tells none cannot be written to safely.
fn version(resource: &Value) -> Result<Version, Fault> {
    let told = resource.pointer("/meta/versionId").and_then(Value::as_str);
    told.and_then(|id| Version::of_etag(&format!("W/\"{id}\""))).ok_or(Fault::Never(Trouble::Invalid))
}

impl From<FhirError> for Fault {
    fn from(error: FhirError) -> Self {
        match error {
            FhirError::Unreachable(_) => Self::Later(Trouble::Unreachable, None),
            FhirError::Unanswered(_) => Self::Later(Trouble::Unanswered, None),
            FhirError::Busy { retry_after } => Self::Later(Trouble::Busy, retry_after),
            FhirError::Broken { .. } | FhirError::Wrong(_) => Self::Later(Trouble::Broken, None),
            // Mended by whoever looks after the machine, and nothing of the person's doing.
            FhirError::Unauthorized | FhirError::Token(_) | FhirError::Setting { .. } => {
                Self::Later(Trouble::NotAllowed, None)
            }
            // It knows who asks, and says no to this: a visit that is not called off must not be taken for one for days.
            FhirError::Forbidden => Self::Never(Trouble::NotAllowed),
            FhirError::NotFound | FhirError::Gone => Self::Missing,
            FhirError::Conflict(_) | FhirError::Stale => Self::Stale,
            FhirError::Unprocessable { .. } | FhirError::Refused { .. } => Self::Never(Trouble::Invalid),
        }
    }
}
