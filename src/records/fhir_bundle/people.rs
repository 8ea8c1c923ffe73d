//! Patient, practitioners, care team, allergies.

use super::{
    Book, BundleError, dates,
    resources::{Concept, HumanName, Identifier, Patient, Reference, Resource},
};
use crate::records::{Allergy, Origin, Prescription, Profile, Provider, Visit, specialty};

/// Identifier types that a family or an account may share; they tell nobody apart.
const SHARED: [&str; 6] = ["MB", "SN", "FI", "AN", "VN", "PNT"];

/// The patient, and what tells them from everybody else.
pub fn patient(book: &Book<'_>) -> Result<(Profile, Vec<String>), BundleError> {
    let found = book.resources().find_map(|r| match r {
        Resource::Patient(p) => Some(p),
        _ => None,
    });
    let Some(patient) = found else { return Err(BundleError::NoPatient) };
    let name = best_name(&patient.name).ok_or(BundleError::Anonymous { missing: "no name" })?;
    let (given, family) = parts(name);
    if given.is_empty() && family.is_empty() {
        return Err(BundleError::Anonymous { missing: "no name" });
    }
    let birth = patient.birth_date.as_deref().filter(|d| d.len() == 10).and_then(dates::day);
    let nicknames = patient.name.iter().filter(|n| n.usage.as_deref() == Some("nickname"));
    let called = nicknames.map(|n| parts(n).0).filter(|name| !name.is_empty() && *name != given).collect();
    let profile = Profile { given, family, birth, called };
    let identifiers = identifiers(patient, &profile);
    if identifiers.is_empty() {
        return Err(BundleError::Anonymous { missing: "neither an identifier nor an id" });
    }
    Ok((profile, identifiers))
}

fn identifiers(patient: &Patient, profile: &Profile) -> Vec<String> {
    let usable = |i: &Identifier| {
        !matches!(i.usage.as_deref(), Some("old" | "temp" | "secondary"))
            && !i.kind.as_ref().is_some_and(|k| SHARED.iter().any(|code| k.has(code)))
    };
    let mut found: Vec<String> = patient
        .identifier
        .iter()
        .filter(|i| usable(i))
        .filter_map(|i| Some(format!("{}|{}", i.system.as_deref()?.trim(), i.value.as_deref()?.trim())))
        .filter(|text| !text.starts_with('|') && !text.ends_with('|'))
        .collect();
    // Two systems may both call somebody "1": an id counts only together with who it is.
    if let Some(id) = &patient.id {
        let birth = profile.birth.map(|d| d.to_string()).unwrap_or_default();
        found.push(format!("Patient/{id}|{}|{birth}", profile.family.to_lowercase()));
    }
    found.sort();
    found.dedup();
    found
}

/// The name to use: the usual or official one, never an old one.
fn best_name(names: &[HumanName]) -> Option<&HumanName> {
    let rank = |n: &HumanName| match n.usage.as_deref() {
        Some("usual") => 0,
        Some("official") => 1,
        None => 2,
        Some("nickname") => 3,
        Some(_) => 4,
    };
    names.iter().filter(|n| n.usage.as_deref() != Some("old")).min_by_key(|n| rank(n))
}

fn parts(name: &HumanName) -> (String, String) {
    let given = name.given.first().map(|g| g.trim().to_owned()).unwrap_or_default();
    let family = name.family.as_deref().map(|f| f.trim().to_owned()).unwrap_or_default();
    match (&name.text, given.is_empty() && family.is_empty()) {
        (Some(text), true) => match text.trim().rsplit_once(' ') {
            Some((given, family)) => (given.trim().to_owned(), family.to_owned()),
            None => (text.trim().to_owned(), String::new()),
        },
        _ => (given, family),
    }
}

/// "Dr. Anita Patel".
fn full_name(names: &[HumanName]) -> Option<String> {
    let name = best_name(names)?;
    let (given, family) = parts(name);
    let words = [name.prefix.first().map(|p| p.trim()), Some(given.as_str()), Some(family.as_str())];
    let text = words.into_iter().flatten().filter(|w| !w.is_empty()).collect::<Vec<_>>().join(" ");
    (!text.is_empty()).then_some(text)
}

/// What a practitioner, organization or place is called.
pub fn name_of(book: &Book<'_>, reference: &Reference) -> Option<String> {
    let display = || reference.display.as_deref().map(str::trim).filter(|d| !d.is_empty()).map(str::to_owned);
    match book.find(reference) {
        Some(Resource::Practitioner(p)) => full_name(&p.name).or_else(display),
        Some(Resource::PractitionerRole(r)) => r.practitioner.as_ref().and_then(|p| name_of(book, p)).or_else(display),
        Some(Resource::Organization(o)) => o.name.clone().or_else(display),
        Some(Resource::Location(l)) => l.name.clone().or_else(display),
        Some(Resource::HealthcareService(s)) => s.name.clone().or_else(display),
        Some(_) => None,
        None => display(),
    }
}

/// Whether a reference leads to somebody who treats people.
pub fn is_person(book: &Book<'_>, reference: &Reference) -> bool {
    match book.find(reference) {
        Some(Resource::Practitioner(_) | Resource::PractitionerRole(_)) => true,
        Some(_) => false,
        None => reference.target().is_some_and(|t| t.contains("Practitioner")),
    }
}

/// A practitioner's specialty, as the bundle's roles tell it: "cardiology".
pub fn specialty_of(book: &Book<'_>, name: &str) -> Option<String> {
    book.resources().find_map(|r| match r {
        Resource::PractitionerRole(role)
            if role.practitioner.as_ref().and_then(|p| name_of(book, p)).as_deref() == Some(name) =>
        {
            role.specialty.iter().chain(&role.code).find_map(Concept::words).map(specialty::spoken)
        }
        _ => None,
    })
}

/// Everybody who treats the person: the active care teams first, then prescribers and whom visits are with.
pub fn providers(book: &mut Book<'_>, prescriptions: &[Prescription], visits: &[Visit]) -> Vec<Provider> {
    let mut found: Vec<Provider> = Vec::new();
    for resource in book.resources() {
        match resource {
            Resource::CareTeam(team) => {
                if !book.concerns_patient(team.subject.as_ref()) {
                    book.unusable("CareTeam", "about somebody else");
                    continue;
                }
                book.read("CareTeam");
                if matches!(team.status.as_deref(), Some("inactive" | "suspended" | "entered-in-error" | "proposed")) {
                    continue;
                }
                for member in &team.participant {
                    let Some(reference) = member.member.as_ref().filter(|m| is_person(book, m)) else { continue };
                    let role = member.role.iter().find_map(Concept::words).map(specialty::role);
                    add(book, &mut found, name_of(book, reference), role);
                }
            }
            Resource::Practitioner(_) | Resource::PractitionerRole(_) => book.read(resource.kind()),
            Resource::Organization(_) | Resource::Location(_) | Resource::HealthcareService(_) => {
                book.read(resource.kind())
            }
            _ => {}
        }
    }
    // Prescribers of what is still taken, and whom visits are with; who signed something decades ago is not
    // on the care team.
    let prescribers = prescriptions.iter().filter(|p| p.active).map(|p| p.prescriber.clone());
    for name in prescribers.chain(visits.iter().map(|v| v.provider.clone())) {
        add(book, &mut found, name, None);
    }
    found
}

fn add(book: &Book<'_>, found: &mut Vec<Provider>, name: Option<String>, role: Option<String>) {
    let Some(name) = name else { return };
    if let Some(known) = found.iter_mut().find(|p| p.name == name) {
        if known.role.is_none() {
            known.role = role;
        }
        return;
    }
    let specialty = specialty_of(book, &name);
    found.push(Provider { name, specialty, role, origin: Origin::default() });
}

/// Allergies that are on record; entered in error is not on record.
pub fn allergies(book: &mut Book<'_>) -> Vec<Allergy> {
    let mut found: Vec<Allergy> = Vec::new();
    for resource in book.resources() {
        let Resource::AllergyIntolerance(allergy) = resource else { continue };
        let status = |code: &str| allergy.verification_status.as_ref().is_some_and(|c| c.has(code));
        let reason = match allergy.code.words() {
            _ if !book.concerns_patient(allergy.patient.as_ref()) => Err("about somebody else"),
            _ if status("entered-in-error") => Err("entered in error"),
            None => Err("no substance named"),
            Some(words) => Ok(words),
        };
        match reason {
            Ok(words) => {
                book.read("AllergyIntolerance");
                let resolved = allergy.clinical_status.as_ref().is_some_and(|c| c.has("resolved") || c.has("inactive"));
                let severe = allergy.criticality.as_deref() == Some("high")
                    || allergy.reaction.iter().any(|r| r.severity.as_deref() == Some("severe"));
                let reactions = allergy.reaction.iter().flat_map(|r| &r.manifestation);
                found.push(Allergy {
                    substance: words.to_owned(),
                    reactions: reactions.filter_map(Concept::words).map(str::to_owned).collect(),
                    category: allergy.category.clone(),
                    severe,
                    active: !resolved && !status("refuted"),
                    origin: book.origin(resource),
                });
            }
            Err(reason) => book.unusable("AllergyIntolerance", reason),
        }
    }
    found
}
