//! Vital signs, Conditions, Immunizations, and Encounters with what was written for the patient.
//!
//! What is read of the notes: a DocumentReference of a kind that is written for the patient (instructions, discharge
//! instructions, a patient summary), in plain text within the bundle. Progress notes and other clinicians' notes are
//! noticed and not read aloud: they were not written to be heard by the patient, and often end in nobody's explanation.

use std::collections::HashMap;

use base64::{Engine as _, engine::general_purpose::STANDARD};

use super::{
    Book, dates, people,
    resources::{Component, Concept, Condition as Problem, DocumentReference, Encounter, Immunization as Shot},
    resources::{Observation, Quantity, Reference, Resource},
};
use crate::records::{
    Origin,
    history::{Code, Condition, ConditionStatus, History, Immunization, Terminology, VisitNote, Vital},
    measure::{Amount, Decimal, Measure, Unit},
};

/// LOINC codes of vital signs, US Core's and those that real exports use in their place.
const VITALS: [(&[&str], Measure); 8] = [
    (&["85354-9", "55284-4"], Measure::BloodPressure),
    (&["8867-4"], Measure::HeartRate),
    (&["8310-5", "8331-1"], Measure::Temperature),
    (&["29463-7", "3141-9"], Measure::Weight),
    (&["8302-2"], Measure::Height),
    (&["59408-5", "2708-6"], Measure::Oxygen),
    (&["39156-5"], Measure::Bmi),
    (&["9279-1"], Measure::BreathingRate),
];

/// LOINC codes of documents that are written for the patient: instructions, hospital discharge instructions, discharge
/// instructions, patient summary.
const FOR_THE_PATIENT: [&str; 4] = ["69730-0", "8653-8", "74213-0", "60591-5"];

/// The longest note that is kept for reading aloud, in bytes. Longer ones are on the page.
const LONGEST_NOTE: usize = 64 << 10;

pub fn history(book: &mut Book<'_>) -> History {
    History {
        vitals: vitals(book),
        conditions: conditions(book),
        immunizations: immunizations(book),
        notes: notes(book),
    }
}

/// Whether an Observation is of the vital signs.
pub fn is_vital(observation: &Observation) -> bool {
    observation.category.iter().any(|c| c.has("vital-signs"))
}

fn vitals(book: &mut Book<'_>) -> Vec<Vital> {
    let mut found: Vec<Vital> = Vec::new();
    for resource in book.resources() {
        let Resource::Observation(observation) = resource else { continue };
        if !is_vital(observation) {
            continue;
        }
        if book.is_ours(resource) {
            book.unusable("Observation", "noted here already");
            continue;
        }
        match vital(book, observation) {
            Ok(v) => {
                book.read("Observation");
                found.push(Vital { origin: book.origin(resource), ..v });
            }
            Err(reason) => book.unusable("Observation", reason),
        }
    }
    found.sort_by_key(|v| std::cmp::Reverse(v.taken));
    found
}

fn vital(book: &Book<'_>, observation: &Observation) -> Result<Vital, &'static str> {
    if !book.concerns_patient(observation.subject.as_ref()) {
        return Err("about somebody else");
    }
    match observation.status.as_deref() {
        Some("final" | "amended" | "corrected") => {}
        Some("entered-in-error") => return Err("entered in error"),
        _ => return Err("no result yet"),
    }
    let measure = measure_of(&observation.code).ok_or("a vital sign that is not used here")?;
    let period = observation.effective_period.as_ref().and_then(|p| p.end.as_deref());
    let taken = [observation.effective_date_time.as_deref(), observation.effective_instant.as_deref(), period]
        .into_iter()
        .flatten()
        .find_map(dates::moment)
        .ok_or("no date")?;
    let amount = match measure {
        Measure::BloodPressure => pressure(&observation.component),
        _ => observation.value_quantity.as_ref().and_then(amount),
    };
    Ok(Vital {
        measure,
        amount: amount.filter(|a| fits(measure, a.unit)).ok_or("no value in a unit that is known")?,
        taken,
        source: observation.performer.iter().find_map(|r| people::name_of(book, r)),
        origin: Origin::default(),
    })
}

fn measure_of(code: &Concept) -> Option<Measure> {
    VITALS.iter().find(|(codes, _)| codes.iter().any(|c| code.has(c))).map(|(_, measure)| *measure)
}

fn fits(measure: Measure, unit: Unit) -> bool {
    match measure {
        Measure::BloodPressure => unit == Unit::MmHg,
        Measure::BloodSugar => matches!(unit, Unit::MgPerDl | Unit::MmolPerL),
        Measure::HeartRate | Measure::BreathingRate => unit == Unit::PerMinute,
        Measure::Temperature => matches!(unit, Unit::Fahrenheit | Unit::Celsius),
        Measure::Weight => matches!(unit, Unit::Pound | Unit::Kilogram),
        Measure::Height => matches!(unit, Unit::Inch | Unit::Centimeter),
        Measure::Oxygen => unit == Unit::Percent,
        Measure::Bmi => unit == Unit::KgPerM2,
    }
}

/// A quantity that is one number: "<70" is none. Machines write more places than anybody says; they are rounded to one.
fn amount(quantity: &Quantity) -> Option<Amount> {
    let unit = [&quantity.code, &quantity.unit].into_iter().flatten().find_map(|text| Unit::read(text))?;
    let text = quantity.value.as_ref().filter(|_| quantity.comparator.is_none())?.to_string();
    let value =
        Decimal::read(&text).or_else(|| Decimal::near(text.parse().ok()?).map(|near| near.exact().rounded(1)))?;
    let places = text.split_once('.').map_or(0, |(_, part)| part.len());
    Some(Amount::of(if places > 2 { value.exact().rounded(1) } else { value }, unit))
}

fn pressure(components: &[Component]) -> Option<Amount> {
    let of = |code: &str| components.iter().find(|c| c.code.has(code)).and_then(|c| c.value_quantity.as_ref());
    let (upper, lower) = (amount(of("8480-6")?)?, amount(of("8462-4")?)?);
    (upper.unit == Unit::MmHg && lower.unit == Unit::MmHg).then_some(Amount {
        value: upper.value.exact().rounded(0),
        lower: Some(lower.value.exact().rounded(0)),
        unit: Unit::MmHg,
    })
}

fn codes(concept: &Concept) -> Vec<Code> {
    let system = |s: &str| match s {
        "http://hl7.org/fhir/sid/icd-10-cm" | "http://hl7.org/fhir/sid/icd-10" => Some(Terminology::Icd10Cm),
        "http://snomed.info/sct" => Some(Terminology::Snomed),
        "http://hl7.org/fhir/sid/cvx" => Some(Terminology::Cvx),
        _ => None,
    };
    let code = |c: &super::resources::Coding| {
        Some(Code { system: system(c.system.as_deref()?)?, code: c.code.as_deref()?.trim().to_owned() })
    };
    concept.coding.iter().filter_map(code).collect()
}

/// "Acute bronchitis (disorder)" → "acute bronchitis"; abbreviations stay.
fn plain(written: &str) -> String {
    let kind = written.trim_end().ends_with(')').then(|| written.rfind(" (")).flatten();
    let text = kind.map_or(written, |at| &written[..at]).trim();
    let text = text.strip_suffix(", unspecified").unwrap_or(text);
    let mut chars = text.chars();
    match (chars.next(), text.chars().nth(1)) {
        (Some(first), Some(second)) if second.is_lowercase() => first.to_lowercase().chain(chars).collect(),
        _ => text.to_owned(),
    }
}

fn conditions(book: &mut Book<'_>) -> Vec<Condition> {
    let mut found: Vec<Condition> = Vec::new();
    for resource in book.resources() {
        let Resource::Condition(problem) = resource else { continue };
        match condition(book, problem) {
            Ok(c) => {
                book.read("Condition");
                found.push(Condition { origin: book.origin(resource), ..c });
            }
            Err(reason) => book.unusable("Condition", reason),
        }
    }
    found
}

fn condition(book: &Book<'_>, problem: &Problem) -> Result<Condition, &'static str> {
    let verified = |code: &str| problem.verification_status.as_ref().is_some_and(|c| c.has(code));
    let clinical = |code: &str| problem.clinical_status.as_ref().is_some_and(|c| c.has(code));
    if !book.concerns_patient(problem.subject.as_ref()) {
        return Err("about somebody else");
    }
    if verified("entered-in-error") {
        return Err("entered in error");
    }
    if verified("refuted") {
        return Err("ruled out");
    }
    let only = |code: &str| !problem.category.is_empty() && problem.category.iter().all(|c| c.has(code));
    if only("health-concern") || only("sdoh") {
        return Err("a concern and no diagnosis");
    }
    let code = problem.code.as_ref().ok_or("no condition named")?;
    let name = plain(code.words().ok_or("no condition named")?);
    let others = code.coding.iter().filter_map(|c| c.display.as_deref()).map(plain);
    let abated = problem.abatement_date_time.is_some() || clinical("resolved") || clinical("inactive");
    Ok(Condition {
        aliases: others.filter(|other| *other != name).collect(),
        codes: codes(code),
        status: match () {
            () if clinical("remission") => ConditionStatus::Remission,
            () if abated => ConditionStatus::Resolved,
            () => ConditionStatus::Active,
        },
        confirmed: !(verified("unconfirmed") || verified("provisional") || verified("differential")),
        onset: problem
            .onset_date_time
            .as_deref()
            .or_else(|| problem.onset_period.as_ref().and_then(|p| p.start.as_deref()))
            .and_then(dates::day),
        origin: Origin::default(),
        name,
    })
}

fn immunizations(book: &mut Book<'_>) -> Vec<Immunization> {
    let mut found: Vec<Immunization> = Vec::new();
    for resource in book.resources() {
        let Resource::Immunization(shot) = resource else { continue };
        match immunization(book, shot) {
            Ok(i) => {
                book.read("Immunization");
                found.push(Immunization { origin: book.origin(resource), ..i });
            }
            Err(reason) => book.unusable("Immunization", reason),
        }
    }
    found.sort_by_key(|i| std::cmp::Reverse(i.given));
    found
}

fn immunization(book: &Book<'_>, shot: &Shot) -> Result<Immunization, &'static str> {
    if !book.concerns_patient(shot.patient.as_ref()) {
        return Err("about somebody else");
    }
    match shot.status.as_deref() {
        Some("completed") => {}
        Some("entered-in-error") => return Err("entered in error"),
        _ => return Err("not given"),
    }
    let performer = shot.performer.iter().filter_map(|p| p.actor.as_ref());
    let organization = |r: &&Reference| matches!(book.find(r), Some(Resource::Organization(_)));
    Ok(Immunization {
        vaccine: shot.vaccine_code.words().ok_or("no vaccine named")?.to_owned(),
        codes: codes(&shot.vaccine_code),
        given: shot.occurrence_date_time.as_deref().and_then(dates::day).ok_or("no date")?,
        source: performer.into_iter().find(organization).and_then(|r| people::name_of(book, r)),
        origin: Origin::default(),
    })
}

/// The words of a document and who wrote them.
struct Document {
    words: String,
    by: Option<String>,
}

fn notes(book: &mut Book<'_>) -> Vec<VisitNote> {
    let (mut of_visit, mut loose) = (HashMap::<String, Vec<Document>>::new(), Vec::new());
    let mut others: Vec<String> = Vec::new();
    for resource in book.resources() {
        let Resource::DocumentReference(document) = resource else { continue };
        let visit = document.context.iter().flat_map(|c| &c.encounter).find_map(Reference::target);
        match written(book, document) {
            Ok(read) => {
                book.read("DocumentReference");
                match visit {
                    Some(visit) => of_visit.entry(visit.to_owned()).or_default().push(read),
                    None => loose.push((document.date.as_deref().and_then(dates::moment), read)),
                }
            }
            Err(reason) => {
                book.unusable("DocumentReference", reason);
                others.extend(visit.filter(|_| reason == NOT_FOR_THE_PATIENT).map(str::to_owned));
            }
        }
    }
    let mut found: Vec<VisitNote> = Vec::new();
    for entry in book.entries {
        let Some(resource @ Resource::Encounter(encounter)) = &entry.resource else { continue };
        let names: Vec<String> =
            entry.full_url.iter().cloned().chain(encounter.id.iter().map(|id| format!("Encounter/{id}"))).collect();
        match visited(book, encounter) {
            Ok(mut note) => {
                book.read("Encounter");
                let documents = names.iter().filter_map(|name| of_visit.remove(name)).flatten();
                for document in documents {
                    note.by = note.by.or(document.by);
                    note.words = Some(match note.words {
                        Some(before) => format!("{before}\n{}", document.words),
                        None => document.words,
                    });
                }
                note.others = names.iter().any(|name| others.contains(name));
                note.origin = book.origin(resource);
                found.push(note);
            }
            Err(reason) => book.unusable("Encounter", reason),
        }
    }
    // A document whose visit is not in the bundle still has a day and an author.
    found.extend(loose.into_iter().filter_map(|(at, document)| {
        let (at, by) = (at?, document.by);
        let provider = by.clone();
        let words = Some(document.words);
        let origin = Origin::default();
        Some(VisitNote { at, provider, place: None, reason: None, words, by, others: false, origin })
    }));
    found.sort_by_key(|n| std::cmp::Reverse(n.at));
    found
}

/// Why a document is not read aloud although it is about the patient.
const NOT_FOR_THE_PATIENT: &str = "not written for the patient";

fn written(book: &Book<'_>, document: &DocumentReference) -> Result<Document, &'static str> {
    if !book.concerns_patient(document.subject.as_ref()) {
        return Err("about somebody else");
    }
    if document.status.as_deref() != Some("current")
        || matches!(document.doc_status.as_deref(), Some("preliminary" | "entered-in-error"))
    {
        return Err("not in force");
    }
    if !document.kind.as_ref().is_some_and(|kind| FOR_THE_PATIENT.iter().any(|code| kind.has(code))) {
        return Err(NOT_FOR_THE_PATIENT);
    }
    let attachments = document.content.iter().filter_map(|c| c.attachment.as_ref());
    let text =
        |kind: &Option<String>| kind.as_deref().is_some_and(|k| k.trim().to_lowercase().starts_with("text/plain"));
    let data = attachments.into_iter().find(|a| text(&a.content_type)).and_then(|a| a.data.as_deref());
    let data = data.filter(|data| data.len() <= LONGEST_NOTE * 4 / 3 + 4).ok_or("no plain text in it")?;
    let bytes = STANDARD.decode(data.trim()).map_err(|_| "its text does not read")?;
    let words = String::from_utf8(bytes).map_err(|_| "its text does not read")?;
    let lines: Vec<&str> = words.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    if lines.is_empty() {
        return Err("no plain text in it");
    }
    Ok(Document { words: lines.join("\n"), by: document.author.iter().find_map(|r| people::name_of(book, r)) })
}

fn visited(book: &Book<'_>, encounter: &Encounter) -> Result<VisitNote, &'static str> {
    if !book.concerns_patient(encounter.subject.as_ref()) {
        return Err("about somebody else");
    }
    match encounter.status.as_deref() {
        Some("finished" | "in-progress" | "onleave" | "arrived" | "triaged") => {}
        Some("entered-in-error") => return Err("entered in error"),
        _ => return Err("has not been"),
    }
    let start = encounter.period.as_ref().and_then(|p| p.start.as_deref());
    let individuals: Vec<&Reference> = encounter.participant.iter().filter_map(|p| p.individual.as_ref()).collect();
    let location = encounter.location.iter().filter_map(|l| l.location.as_ref()).find_map(|r| people::name_of(book, r));
    Ok(VisitNote {
        at: start.and_then(dates::moment).ok_or("no start")?,
        provider: individuals.iter().find(|r| people::is_person(book, r)).and_then(|r| people::name_of(book, r)),
        place: location.or_else(|| encounter.service_provider.as_ref().and_then(|r| people::name_of(book, r))),
        reason: encounter.reason_code.iter().find_map(Concept::words).map(plain),
        words: None,
        by: None,
        others: false,
        origin: Origin::default(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conditions_are_said_without_what_a_terminology_adds() {
        for (written, want) in [
            ("Acute bronchitis (disorder)", "acute bronchitis"),
            ("COPD", "COPD"),
            ("Chronic obstructive pulmonary disease, unspecified", "chronic obstructive pulmonary disease"),
            ("Body mass index 30+ - obesity (finding)", "body mass index 30+ - obesity"),
            ("diabetes (type 2) mellitus", "diabetes (type 2) mellitus"),
            ("", ""),
        ] {
            assert_eq!(plain(written), want);
        }
    }
}
