//! Laboratory Observations become results; DiagnosticReports say which panel they belong to and what a
//! clinician concluded.

use std::collections::HashMap;

use super::{
    Book, dates, history, people,
    resources::{Concept, DiagnosticReport, Observation, Quantity, Reference, Resource},
};
use crate::records::{LabFlag, LabResult, Origin, lab_name};

/// What a report adds to each of its results.
struct Panel {
    name: Option<String>,
    conclusion: Option<String>,
    by: Option<String>,
}

pub fn results(book: &mut Book<'_>) -> Vec<LabResult> {
    let panels = panels(book);
    let mut found: Vec<LabResult> = Vec::new();
    for resource in book.resources() {
        let Resource::Observation(observation) = resource else { continue };
        if !laboratory(&observation.category) {
            if !history::is_vital(observation) {
                book.unusable("Observation", "neither a laboratory result nor a vital sign");
            }
            continue;
        }
        // Some exports call a measurement by both names.
        if history::is_vital(observation) {
            continue;
        }
        if book.is_ours(resource) {
            book.unusable("Observation", "noted here already");
            continue;
        }
        let key: *const Observation = &raw const **observation;
        match result(book, observation, panels.get(&key)) {
            Ok(r) => {
                book.read("Observation");
                found.push(LabResult { origin: book.origin(resource), ..r });
            }
            Err(reason) => book.unusable("Observation", reason),
        }
    }
    found.sort_by_key(|r| std::cmp::Reverse(r.taken));
    found
}

fn laboratory(category: &[Concept]) -> bool {
    category.iter().any(|c| {
        c.has("laboratory") || c.has("LAB") || c.text.as_deref().is_some_and(|t| t.eq_ignore_ascii_case("laboratory"))
    })
}

fn panels(book: &mut Book<'_>) -> HashMap<*const Observation, Panel> {
    let mut found = HashMap::new();
    for resource in book.resources() {
        let Resource::DiagnosticReport(report) = resource else { continue };
        if !book.concerns_patient(report.subject.as_ref()) {
            book.unusable("DiagnosticReport", "about somebody else");
            continue;
        }
        if !laboratory(&report.category) || matches!(report.status.as_deref(), Some("entered-in-error" | "cancelled")) {
            book.unusable("DiagnosticReport", "not a laboratory report");
            continue;
        }
        book.read("DiagnosticReport");
        for reference in &report.result {
            if let Some(Resource::Observation(o)) = book.find(reference) {
                found.insert(&raw const **o, panel(book, report));
            }
        }
    }
    found
}

fn panel(book: &Book<'_>, report: &DiagnosticReport) -> Panel {
    Panel {
        name: report.code.words().map(lab_name::panel),
        conclusion: report.conclusion.as_deref().map(str::trim).filter(|t| !t.is_empty()).map(str::to_owned),
        by: first_person(book, &report.results_interpreter).or_else(|| first_person(book, &report.performer)),
    }
}

fn first_person(book: &Book<'_>, references: &[Reference]) -> Option<String> {
    references.iter().find(|r| people::is_person(book, r)).and_then(|r| people::name_of(book, r))
}

fn result(book: &Book<'_>, observation: &Observation, panel: Option<&Panel>) -> Result<LabResult, &'static str> {
    if !book.concerns_patient(observation.subject.as_ref()) {
        return Err("about somebody else");
    }
    let preliminary = match observation.status.as_deref() {
        Some("final" | "amended" | "corrected") => false,
        Some("preliminary") => true,
        Some("entered-in-error") => return Err("entered in error"),
        _ => return Err("no result yet"),
    };
    let name = lab_name::of(
        observation.code.words().ok_or("no test named")?,
        observation
            .code
            .coding
            .iter()
            .find(|c| c.system.as_deref() == Some("http://loinc.org"))
            .and_then(|c| c.code.as_deref()),
    );
    let period = observation.effective_period.as_ref().and_then(|p| p.end.as_deref());
    let taken = [observation.effective_date_time.as_deref(), observation.effective_instant.as_deref(), period]
        .into_iter()
        .flatten()
        .find_map(dates::moment)
        .or_else(|| observation.issued.as_deref().and_then(dates::moment))
        .ok_or("no date")?;
    let (value, unit) = value(observation).ok_or("no value")?;
    let range = observation.reference_range.iter().find(|r| r.kind.as_ref().is_none_or(|k| k.has("normal")));
    let number = |q: Option<&Quantity>| q.and_then(|q| q.value.as_ref()).and_then(serde_json::Number::as_f64);
    let note = observation.note.iter().find(|n| n.text.as_deref().is_some_and(|t| !t.trim().is_empty()));
    let noted = note.and_then(|n| n.text.as_deref()).map(|t| t.trim().to_owned());
    let by = note.and_then(|n| {
        n.author_string.clone().or_else(|| n.author_reference.as_ref().and_then(|r| people::name_of(book, r)))
    });
    let concluded = panel.and_then(|p| p.conclusion.clone());
    Ok(LabResult {
        review: crate::records::Review::default(),
        test: name.spoken,
        aliases: name.aliases,
        panel: panel.and_then(|p| p.name.clone()),
        commenter: if noted.is_some() { by } else { concluded.as_ref().and_then(|_| panel.and_then(|p| p.by.clone())) },
        comment: noted.or(concluded),
        value,
        unit,
        low: range.and_then(|r| number(r.low.as_ref())),
        high: range.and_then(|r| number(r.high.as_ref())),
        flag: observation.interpretation.iter().filter_map(flag).max_by_key(|f| severity(*f)),
        taken,
        preliminary,
        source: observation.performer.iter().find_map(|r| match book.find(r) {
            Some(Resource::Organization(o)) => o.name.clone(),
            _ => None,
        }),
        origin: Origin::default(),
    })
}

fn value(observation: &Observation) -> Option<(String, Option<String>)> {
    if let Some(q) = &observation.value_quantity
        && let Some(number) = &q.value
    {
        let compared = q.comparator.as_deref().unwrap_or_default();
        let unit = q.unit.clone().or_else(|| q.code.clone()).filter(|u| !matches!(u.as_str(), "1" | "{ratio}" | ""));
        return Some((format!("{compared}{number}"), unit));
    }
    if let Some(words) = observation.value_codeable_concept.as_ref().and_then(Concept::words) {
        return Some((words.to_owned(), None));
    }
    if let Some(text) = observation.value_string.as_deref().map(str::trim).filter(|t| !t.is_empty()) {
        return Some((text.to_owned(), None));
    }
    observation.value_integer.map(|n| (n.to_string(), None))
}

/// HL7 ObservationInterpretation (v3, and v2 table 0078, which share these codes).
fn flag(concept: &Concept) -> Option<LabFlag> {
    concept.coding.iter().find_map(|c| match c.code.as_deref()? {
        "N" => Some(LabFlag::Normal),
        "L" => Some(LabFlag::Low),
        "H" => Some(LabFlag::High),
        "A" => Some(LabFlag::Abnormal),
        "HH" | "LL" | "AA" | "HU" | "LU" | "<" | ">" => Some(LabFlag::Critical),
        _ => None,
    })
}

const fn severity(flag: LabFlag) -> u8 {
    match flag {
        LabFlag::Normal => 0,
        LabFlag::Low | LabFlag::High | LabFlag::Abnormal => 1,
        LabFlag::Critical => 2,
    }
}
