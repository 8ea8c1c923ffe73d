//! MedicationRequest, Medication and MedicationDispense become prescriptions.

use super::{
    Book, dates, people,
    resources::{Concept, MedicationDispense, MedicationRequest, Performer, Quantity, Reference, Resource},
    timing::{Dosage, dosing},
};
use crate::records::{Dispense, DispenseStage, Origin, Prescription, controlled, medicine_name::MedicineName};

pub fn prescriptions(book: &mut Book<'_>) -> Vec<Prescription> {
    let mut found: Vec<Prescription> = Vec::new();
    let mut orders: Vec<&Resource> = Vec::new();
    for resource in book.resources() {
        let Resource::MedicationRequest(request) = resource else { continue };
        match prescription(book, request, found.len()) {
            Ok(p) => {
                book.read("MedicationRequest");
                orders.push(resource);
                found.push(Prescription { origin: book.origin(resource), ..p });
            }
            Err(reason) => book.unusable("MedicationRequest", reason),
        }
    }
    for resource in book.resources() {
        match resource {
            Resource::Medication(_) => book.read("Medication"),
            // Those of an order were looked at with it.
            Resource::MedicationDispense(dispense) => {
                let of = |order: &Reference| {
                    book.find(order).is_some_and(|o| orders.iter().any(|known| std::ptr::eq(*known, o)))
                };
                if !dispense.authorizing_prescription.iter().any(of) {
                    book.unusable("MedicationDispense", "of no order that is read here");
                }
            }
            _ => {}
        }
    }
    found
}

fn prescription(book: &mut Book<'_>, request: &MedicationRequest, n: usize) -> Result<Prescription, &'static str> {
    if !book.concerns_patient(request.subject.as_ref()) {
        return Err("about somebody else");
    }
    let (active, on_hold) = match request.status.as_deref() {
        Some("active") => (true, false),
        Some("on-hold") => (false, true),
        Some("stopped" | "cancelled" | "completed") => (false, false),
        Some("draft") => return Err("only a draft"),
        Some("entered-in-error") => return Err("entered in error"),
        _ => return Err("status unknown"),
    };
    if matches!(request.intent.as_deref(), Some("proposal" | "plan" | "option")) {
        return Err("not an order");
    }
    if request.do_not_perform == Some(true) {
        return Err("an order not to give it");
    }
    if in_hospital_alone(&request.category) {
        return Err("given in the hospital, not taken at home");
    }
    let called = medication(book, request);
    let name = MedicineName::of_all(&called).ok_or("no medicine named")?;
    let dispenses = dispenses(book, request);
    let order = request.dispense_request.as_ref();
    let filled = dispenses.iter().filter(|d| d.stage != DispenseStage::Cancelled).count();
    let refills_left = order.and_then(|d| d.number_of_repeats_allowed).map(|repeats| {
        // The first filling is not a repeat.
        let used = u32::try_from(filled.saturating_sub(1)).unwrap_or(u32::MAX);
        repeats.saturating_sub(used)
    });
    Ok(Prescription {
        id: request.id.clone().unwrap_or_else(|| format!("medication-request-{n}")),
        controlled: std::iter::once(&name.spoken).chain(&name.aliases).chain(&called).any(|n| controlled::is(n)),
        medicine: name.spoken,
        aliases: name.aliases,
        strength: name.strength,
        active,
        on_hold,
        written: request.authored_on.as_deref().and_then(dates::day),
        instructions: instructions(&request.dosage_instruction),
        prescriber: request.requester.as_ref().and_then(|r| people::name_of(book, r)),
        refills_left,
        days_supply: order.and_then(|d| d.expected_supply_duration.as_ref()).and_then(days),
        valid_until: order.and_then(|d| d.validity_period.as_ref()).and_then(|p| p.end.as_deref()).and_then(dates::day),
        dispenses,
        dosing: request.dosage_instruction.iter().map(dosing).collect(),
        pharmacy: order.and_then(|d| d.performer.as_ref()).and_then(|r| people::name_of(book, r)),
        source: order.and_then(|d| d.performer.as_ref()).and_then(|r| people::name_of(book, r)),
        origin: Origin::default(),
    })
}

/// Whether an order is for what is given in a hospital alone: R4's medicationrequest-category `inpatient`, and no other of
/// its codes beside it.
fn in_hospital_alone(categories: &[Concept]) -> bool {
    let any = |code: &str| categories.iter().any(|c| c.has(code));
    any("inpatient") && !["outpatient", "community", "discharge"].into_iter().any(any)
}

/// The medicine as written, in the request, in a contained Medication, or in another entry; then what its codes call it.
fn medication(book: &Book<'_>, request: &MedicationRequest) -> Vec<String> {
    let names = |c: &Concept| c.names().map(str::to_owned).collect::<Vec<_>>();
    let found = request.medication_codeable_concept.as_ref().map(names).unwrap_or_default();
    if !found.is_empty() {
        return found;
    }
    let Some(reference) = request.medication_reference.as_ref() else { return found };
    let contained = reference
        .target()
        .and_then(|t| t.strip_prefix('#'))
        .and_then(|id| request.contained.iter().find(|r| r.id().is_some_and(|own| own.trim_start_matches('#') == id)));
    let found = match contained.or_else(|| book.find(reference)) {
        Some(Resource::Medication(m)) => m.code.as_ref().map(names).unwrap_or_default(),
        _ => Vec::new(),
    };
    if found.is_empty() { reference.display.clone().into_iter().collect() } else { found }
}

/// The prescriber's own words, and nothing composed from codes.
fn instructions(dosages: &[Dosage]) -> Option<String> {
    let mut said: Vec<&str> = Vec::new();
    for dosage in dosages {
        let more = dosage.additional_instruction.iter().filter_map(Concept::words);
        for words in dosage.text.as_deref().into_iter().chain(more).chain(dosage.patient_instruction.as_deref()) {
            let words = words.trim();
            let known = said.iter().any(|s| s.eq_ignore_ascii_case(words));
            if !words.is_empty() && !known {
                said.push(words);
            }
        }
    }
    let ended = said.iter().map(|s| if s.ends_with(['.', '!', '?']) { (*s).to_owned() } else { format!("{s}.") });
    let text = ended.collect::<Vec<_>>().join(" ");
    (!text.is_empty()).then_some(text)
}

/// Whole days of a duration; `None` for a unit that is no duration.
fn days(quantity: &Quantity) -> Option<u32> {
    let value = quantity.value.as_ref()?.as_f64().filter(|v| (0.0..100_000.0).contains(v))?;
    let unit = quantity.code.as_deref().or(quantity.unit.as_deref())?;
    let days = match unit.to_ascii_lowercase().as_str() {
        "d" | "day" | "days" => value,
        "wk" | "week" | "weeks" => value * 7.0,
        "mo" | "month" | "months" => value * 30.0,
        _ => return None,
    };
    Some(days as u32)
}

/// The fillings of a prescription, newest first.
fn dispenses(book: &mut Book<'_>, request: &MedicationRequest) -> Vec<Dispense> {
    let mut found = Vec::new();
    for resource in book.resources() {
        let Resource::MedicationDispense(dispense) = resource else { continue };
        let of_this = |r: &Reference| match book.find(r) {
            Some(Resource::MedicationRequest(m)) => std::ptr::eq(&raw const **m, request),
            _ => false,
        };
        if !dispense.authorizing_prescription.iter().any(of_this) {
            continue;
        }
        if !book.concerns_patient(dispense.subject.as_ref()) {
            book.unusable("MedicationDispense", "about somebody else");
            continue;
        }
        match filling(book, dispense) {
            Some(d) => {
                book.read("MedicationDispense");
                found.push(d);
            }
            None => book.unusable("MedicationDispense", "status unknown or in error"),
        }
    }
    found.sort_by_key(|d| std::cmp::Reverse(d.at));
    found
}

/// What R4 has no element for: who brings a filling is a performer of this function, and the day it is to arrive stands in
/// an extension of this address.
const CARRIER: &str = "carrier";
const EXPECTED: &str = "urn:wellspoken:expected-delivery";

/// R4 has no status for "ready" or "shipped": a filling that is prepared and not handed over waits at the
/// counter, or, with a destination, is on its way there.
fn filling(book: &Book<'_>, dispense: &MedicationDispense) -> Option<Dispense> {
    let prepared = dispense.when_prepared.as_deref().and_then(dates::moment);
    let handed_over = dispense.when_handed_over.as_deref().and_then(dates::moment);
    let waiting = || match (prepared, &dispense.destination) {
        (None, _) => DispenseStage::InProgress,
        (Some(_), None) => DispenseStage::Ready,
        (Some(_), Some(_)) => DispenseStage::Shipped,
    };
    let stage = match dispense.status.as_deref()? {
        "preparation" | "in-progress" if handed_over.is_some() => DispenseStage::PickedUp,
        "preparation" | "in-progress" => waiting(),
        "on-hold" => DispenseStage::OnHold,
        "completed" if handed_over.is_none() && dispense.destination.is_some() => DispenseStage::Shipped,
        "completed" if dispense.destination.is_some() => DispenseStage::Delivered,
        "completed" => DispenseStage::PickedUp,
        "cancelled" | "stopped" | "declined" => DispenseStage::Cancelled,
        _ => return None,
    };
    let arrived = matches!(stage, DispenseStage::PickedUp | DispenseStage::Delivered);
    let at = if arrived { handed_over.or(prepared) } else { prepared };
    let carries =
        |p: &&Performer| p.function.as_ref().and_then(Concept::words).is_some_and(|f| f.eq_ignore_ascii_case(CARRIER));
    let carrier = dispense.performer.iter().find(carries).and_then(|p| p.actor.as_ref());
    let due = dispense.extension.iter().find(|e| e.url.as_deref() == Some(EXPECTED));
    let place = dispense.location.as_ref().and_then(|r| people::name_of(book, r));
    let pharmacy = dispense.performer.iter().filter(|p| !carries(p)).filter_map(|p| p.actor.as_ref()).find_map(|r| {
        match book.find(r) {
            Some(Resource::Organization(o)) => o.name.clone(),
            _ => None,
        }
    });
    Some(Dispense {
        stage,
        at,
        days_supply: dispense.days_supply.as_ref().and_then(days),
        pharmacy: place.or(pharmacy),
        carrier: carrier.and_then(|r| r.display.clone().or_else(|| people::name_of(book, r))),
        due: due.and_then(|e| e.value_date.as_deref()).and_then(dates::day),
    })
}
