//! Kinds of resources that a server does not have at all.
//!
//! Invariant: a kind is taken for lacking only where the server refused it and does not name it among those it has, or, where
//! it names none, says that it is not supported. Anything else that goes wrong stays an error.

use std::{
    collections::HashMap,
    sync::{MutexGuard, PoisonError},
    time::Instant,
};

use super::{SHARED_FOR, Servers, Wanted, searches};
use crate::{
    fhir::{FhirError, Session},
    store::ChartKind,
};

impl Servers {
    fn lacking(&self) -> MutexGuard<'_, HashMap<(String, &'static str), Instant>> {
        self.lacking.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether an error means that the server has nothing of that kind, nor ever had.
    pub(in super::super) async fn has_no(&self, session: &Session, kind: &'static str, error: &FhirError) -> bool {
        let unsupported = match error {
            FhirError::NotFound => false,
            FhirError::Unprocessable { issues, .. } | FhirError::Refused { issues, .. } => {
                issues.codes().contains(&"not-supported")
            }
            _ => return false,
        };
        let place = (session.server().name().to_owned(), kind);
        let known = |at: &Instant| at.elapsed() < SHARED_FOR;
        if self.lacking().get(&place).is_some_and(known) {
            return true;
        }
        let lacks = match session.kinds().await {
            Ok(Some(kinds)) => !kinds.contains(kind),
            Ok(None) | Err(_) => unsupported,
        };
        if lacks {
            tracing::info!(server = place.0, kind, "a record server keeps nothing of a kind");
            self.lacking().insert(place, Instant::now());
        }
        lacks
    }
}

/// The parts of a chart that nothing can be told of where these kinds are lacking.
pub(super) fn parts(kinds: &[ChartKind], lacking: &[&'static str]) -> Vec<ChartKind> {
    let lacks = |want: &Wanted| lacking.contains(&want.kind);
    let empty = |part: &ChartKind| match part {
        // Always there, or told by what there is of it.
        ChartKind::Profile | ChartKind::Providers | ChartKind::Diet | ChartKind::Source => false,
        ChartKind::Notes => searches(*part).iter().all(lacks),
        // What the others say is said of the first.
        _ => searches(*part).first().is_some_and(lacks),
    };
    kinds.iter().copied().filter(empty).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_is_lacking_with_what_it_is_made_of() {
        use ChartKind::{Notes, Prescriptions, Providers, Results, Visits};
        let all = [Prescriptions, Visits, Providers, Results, Notes];
        for (lacking, want) in [
            (&["Appointment"][..], &[Visits][..]),
            (&["MedicationDispense", "Task"], &[]),
            (&["MedicationRequest", "Observation"], &[Prescriptions, Results]),
            (&["Encounter"], &[]),
            (&["Encounter", "DocumentReference"], &[Notes]),
            (&[], &[]),
        ] {
            assert_eq!(parts(&all, lacking), want, "{lacking:?}");
        }
    }
}
