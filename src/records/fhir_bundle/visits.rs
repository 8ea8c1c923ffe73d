//! Appointment becomes a visit, Slot a free time.

use jiff::tz::TimeZone;

use super::{
    Book, dates, people,
    resources::{Appointment, Concept, Reference, Resource, Slot},
};
use crate::records::{Arrival, OpenSlot, Origin, Visit, VisitMode, specialty};

pub fn visits(book: &mut Book<'_>) -> Vec<Visit> {
    let mut found: Vec<Visit> = Vec::new();
    for resource in book.resources() {
        let Resource::Appointment(appointment) = resource else { continue };
        match visit(book, appointment, found.len()) {
            Ok(v) => {
                book.read("Appointment");
                found.push(Visit { origin: book.origin(resource), ..v });
            }
            Err(reason) => book.unusable("Appointment", reason),
        }
    }
    found.sort_by_key(|v| v.start);
    found
}

fn visit(book: &Book<'_>, appointment: &Appointment, n: usize) -> Result<Visit, &'static str> {
    let actors: Vec<&Reference> = appointment.participant.iter().filter_map(|p| p.actor.as_ref()).collect();
    if !actors.iter().any(|a| book.concerns_patient(Some(a))) {
        return Err("about somebody else");
    }
    let booked = match appointment.status.as_deref() {
        Some("booked" | "arrived" | "checked-in" | "fulfilled") => true,
        Some("cancelled" | "noshow") => false,
        Some("proposed" | "pending" | "waitlist") => return Err("not booked yet"),
        Some("entered-in-error") => return Err("entered in error"),
        _ => return Err("status unknown"),
    };
    let start = appointment.start.as_deref().and_then(dates::moment).ok_or("no start")?;
    let provider = actors.iter().find(|a| people::is_person(book, a)).and_then(|a| people::name_of(book, a));
    let place = actors.iter().find_map(|a| match book.find(a) {
        Some(Resource::Location(_)) => people::name_of(book, a),
        _ => None,
    });
    let said = |concepts: &[Concept]| concepts.iter().find_map(Concept::words).map(str::to_owned);
    let own = appointment.specialty.iter().find_map(Concept::words).map(specialty::spoken);
    let mode = mode(book, appointment.service_type.iter().chain(&appointment.appointment_type), actors.iter().copied());
    Ok(Visit {
        id: appointment.id.clone().unwrap_or_else(|| format!("appointment-{n}")),
        start,
        end: appointment.end.as_deref().and_then(dates::moment),
        specialty: own.or_else(|| provider.as_ref().and_then(|p| people::specialty_of(book, p))),
        provider,
        place,
        reason: said(&appointment.reason_code)
            .or_else(|| appointment.description.clone())
            .or_else(|| said(&appointment.service_type)),
        prepare: appointment.patient_instruction.clone().map(|t| t.trim().to_owned()).filter(|t| !t.is_empty()),
        booked,
        origin: Origin::default(),
        mode,
        zone: zone(book, actors.iter().copied()),
        slot: appointment.slot.iter().find_map(|s| Some(s.target()?.rsplit('/').next()?.to_owned())),
        arrival: matches!(appointment.status.as_deref(), Some("arrived" | "checked-in")).then_some(Arrival {
            here: true,
            minutes: None,
            at: None,
        }),
        version: appointment.meta.as_ref().and_then(|m| m.version_id.clone()),
        was: None,
        kept: None,
    })
}

/// How a visit takes place, by its kind of service or appointment, or by where it is.
fn mode<'r>(
    book: &Book<'_>,
    kinds: impl Iterator<Item = &'r Concept>,
    mut actors: impl Iterator<Item = &'r Reference>,
) -> VisitMode {
    kinds.filter_map(said_mode).next().unwrap_or_else(|| {
        // https://terminology.hl7.org/CodeSystem-location-physical-type.html: vi, virtual.
        let virtual_place = |r: &Reference| {
            matches!(book.find(r), Some(Resource::Location(l)) if l.physical_type.as_ref().is_some_and(|t| t.has("vi")))
        };
        if actors.any(virtual_place) { VisitMode::Video } else { VisitMode::InPerson }
    })
}

/// What a code or its words tell of how a visit takes place; nothing where they tell only what it is for.
fn said_mode(kind: &Concept) -> Option<VisitMode> {
    // SNOMED CT 185317003, telephone encounter; 448337001, telemedicine consultation with patient. ActCode VR, virtual
    // (https://terminology.hl7.org/CodeSystem-v3-ActCode.html).
    if kind.has("185317003") {
        return Some(VisitMode::Phone);
    }
    if kind.has("448337001") || kind.has("VR") {
        return Some(VisitMode::Video);
    }
    let words = kind.words()?.to_lowercase();
    let any = |parts: &[&str]| parts.iter().any(|part| words.contains(part));
    if any(&["phone", "audio only"]) {
        Some(VisitMode::Phone)
    } else if any(&["video", "virtual", "telehealth", "telemedicine"]) {
        Some(VisitMode::Video)
    } else {
        None
    }
}

/// The IANA zone of the first place that tells one (https://hl7.org/fhir/extensions/StructureDefinition-timezone.html).
fn zone<'r>(book: &Book<'_>, mut actors: impl Iterator<Item = &'r Reference>) -> Option<String> {
    actors.find_map(|actor| {
        let Some(Resource::Location(place)) = book.find(actor) else { return None };
        let told = place.extension.iter().find(|e| e.url == "http://hl7.org/fhir/StructureDefinition/timezone")?;
        told.value_code.clone().filter(|name| TimeZone::get(name).is_ok())
    })
}

pub fn open_slots(book: &mut Book<'_>) -> Vec<OpenSlot> {
    let mut found: Vec<OpenSlot> = Vec::new();
    for resource in book.resources() {
        match resource {
            Resource::Slot(slot) => match open_slot(book, slot) {
                Ok(open) => {
                    book.read("Slot");
                    found.extend(open);
                }
                Err(reason) => book.unusable("Slot", reason),
            },
            Resource::Schedule(_) => book.read("Schedule"),
            _ => {}
        }
    }
    found.sort_by(|a, b| (a.start, &a.provider).cmp(&(b.start, &b.provider)));
    found
}

/// A free slot; nothing for one that is taken.
fn open_slot(book: &Book<'_>, slot: &Slot) -> Result<Option<OpenSlot>, &'static str> {
    if slot.status.as_deref() != Some("free") {
        return Ok(None);
    }
    // Booking names the slot, so one without an id could be taken twice.
    let id = slot.id.clone().ok_or("no id")?;
    let start = slot.start.as_deref().and_then(dates::moment).ok_or("no start")?;
    let end = slot.end.as_deref().and_then(dates::moment).filter(|end| *end > start).ok_or("no end")?;
    let schedule = slot.schedule.as_ref().and_then(|r| book.find(r));
    let Some(Resource::Schedule(schedule)) = schedule else { return Err("no schedule") };
    let person = schedule.actor.iter().find(|a| people::is_person(book, a));
    // A place that anybody there may be seen at goes by its own name.
    let service = || schedule.actor.iter().find(|a| matches!(book.find(a), Some(Resource::HealthcareService(_))));
    let whose = person.or_else(service);
    let provider = whose.and_then(|a| people::name_of(book, a)).ok_or("no provider")?;
    let of_service = match whose.and_then(|a| book.find(a)) {
        Some(Resource::HealthcareService(s)) => s.specialty.iter().find_map(Concept::words).map(specialty::spoken),
        _ => None,
    };
    let own = slot.specialty.iter().chain(&schedule.specialty).find_map(Concept::words).map(specialty::spoken);
    let place = schedule.actor.iter().find_map(|a| match book.find(a) {
        Some(Resource::Location(_)) => people::name_of(book, a),
        Some(Resource::PractitionerRole(role)) => role.location.iter().find_map(|l| people::name_of(book, l)),
        Some(Resource::HealthcareService(service)) => service.location.iter().find_map(|l| people::name_of(book, l)),
        _ => None,
    });
    let kinds = slot.service_type.iter().chain(&slot.appointment_type).chain(&schedule.service_type);
    Ok(Some(OpenSlot {
        id,
        start,
        end,
        specialty: own.or(of_service).or_else(|| people::specialty_of(book, &provider)),
        provider,
        place,
        mode: mode(book, kinds, schedule.actor.iter()),
        zone: zone(book, schedule.actor.iter()),
        version: slot.meta.as_ref().and_then(|m| m.version_id.clone()),
        actors: schedule.actor.iter().filter_map(Reference::target).map(str::to_owned).collect(),
    }))
}
