//! Organizations that are pharmacies, by their type or because an order names them.

use serde::Deserialize;

use super::{
    Book,
    resources::{Concept, Organization, Resource},
};
use crate::records::Pharmacy;

/// `Address`, as far as a street goes.
#[derive(Deserialize)]
pub struct Address {
    #[serde(default)]
    line: Vec<String>,
}

/// `ContactPoint`.
#[derive(Deserialize)]
pub struct Telecom {
    system: Option<String>,
    value: Option<String>,
}

/// The pharmacies of a bundle, each name once.
pub fn pharmacies(book: &Book<'_>) -> Vec<Pharmacy> {
    let ordered = |organization: &Organization| {
        book.resources().any(|resource| match resource {
            Resource::MedicationRequest(request) => {
                let performer = request.dispense_request.as_ref().and_then(|d| d.performer.as_ref());
                matches!(performer.and_then(|r| book.find(r)), Some(Resource::Organization(o)) if o.id == organization.id)
            }
            _ => false,
        })
    };
    let typed =
        |o: &Organization| o.kinds.iter().filter_map(Concept::words).any(|w| w.to_lowercase().contains("pharmacy"));
    let mut found: Vec<Pharmacy> = Vec::new();
    for resource in book.resources() {
        let Resource::Organization(organization) = resource else { continue };
        let Some(name) = organization.name.as_deref().map(str::trim).filter(|n| !n.is_empty()) else { continue };
        if (typed(organization) || ordered(organization)) && found.iter().all(|p| p.name != name) {
            let street = organization.address.iter().find_map(|a| a.line.first());
            let phone = organization.telecom.iter().find(|t| t.system.as_deref() == Some("phone"));
            found.push(Pharmacy {
                name: name.to_owned(),
                street: street.map(|s| s.trim().to_owned()).filter(|s| !s.is_empty()),
                phone: phone.and_then(|t| t.value.clone()),
            });
        }
    }
    found
}
