//! Laboratory Observations become results; DiagnosticReports say which panel they belong to and what a
//! clinician concluded.

use std::collections::HashMap;

use super::{
    Book, dates, history, lab_range, people,
    resources::{Component, Concept, DiagnosticReport, Observation, Quantity, Ratio, Reference, Resource},
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
            Ok(all) => {
                book.read("Observation");
                let origin = book.origin(resource);
                found.extend(all.into_iter().map(|r| LabResult { origin: origin.clone(), ..r }));
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

/// The result of a test; of a test of several parts, that of each.
fn result(book: &Book<'_>, observation: &Observation, panel: Option<&Panel>) -> Result<Vec<LabResult>, &'static str> {
    if !book.concerns_patient(observation.subject.as_ref()) {
        return Err("about somebody else");
    }
    let preliminary = match observation.status.as_deref() {
        Some("final" | "amended" | "corrected") => false,
        Some("preliminary") => true,
        Some("entered-in-error") => return Err("entered in error"),
        _ => return Err("no result yet"),
    };
    let name = lab_name::of(observation.code.words().ok_or("no test named")?, loinc(&observation.code));
    let period = observation.effective_period.as_ref().and_then(|p| p.end.as_deref());
    let taken = [observation.effective_date_time.as_deref(), observation.effective_instant.as_deref(), period]
        .into_iter()
        .flatten()
        .find_map(dates::moment)
        .or_else(|| observation.issued.as_deref().and_then(dates::moment))
        .ok_or("no date")?;
    let read = value(observation);
    if read.is_none() && observation.component.is_empty() {
        return Err("no value");
    }
    let (value, unit) = read.clone().unwrap_or_default();
    let whose = lab_range::Whose::of(book, taken);
    let range = lab_range::of(&observation.reference_range, &whose, unit.as_deref());
    let note = observation.note.iter().find(|n| n.text.as_deref().is_some_and(|t| !t.trim().is_empty()));
    let noted = note.and_then(|n| n.text.as_deref()).map(|t| t.trim().to_owned());
    let by = note.and_then(|n| {
        n.author_string.clone().or_else(|| n.author_reference.as_ref().and_then(|r| people::name_of(book, r)))
    });
    let concluded = panel.and_then(|p| p.conclusion.clone());
    let whole = LabResult {
        review: crate::records::Review::default(),
        test: name.spoken,
        aliases: name.aliases,
        loinc: loinc(&observation.code).map(str::to_owned),
        panel: panel.and_then(|p| p.name.clone()),
        commenter: if noted.is_some() { by } else { concluded.as_ref().and_then(|_| panel.and_then(|p| p.by.clone())) },
        comment: noted.or(concluded),
        value,
        unit,
        low: range.low,
        high: range.high,
        range: range.words,
        flag: observation.interpretation.iter().filter_map(flag).max_by_key(|f| severity(*f)),
        taken,
        preliminary,
        corrected: observation.status.as_deref() == Some("corrected"),
        source: observation.performer.iter().find_map(|r| match book.find(r) {
            Some(Resource::Organization(o)) => o.name.clone(),
            _ => None,
        }),
        origin: Origin::default(),
    };
    let parts = observation.component.iter().filter_map(|part| component(part, &whole, &whose));
    let whole_panel = whole.panel.clone().or_else(|| observation.code.words().map(lab_name::panel));
    let parts = parts.map(|r| LabResult { panel: whole_panel.clone(), ..r }).collect::<Vec<_>>();
    match (read, parts.is_empty()) {
        (Some(_), _) => Ok(std::iter::once(whole).chain(parts).collect()),
        (None, false) => Ok(parts),
        (None, true) => Err("no value"),
    }
}

fn loinc(code: &Concept) -> Option<&str> {
    code.coding.iter().find(|c| c.system.as_deref() == Some("http://loinc.org")).and_then(|c| c.code.as_deref())
}

/// One part of a test of several.
fn component(part: &Component, whole: &LabResult, whose: &lab_range::Whose) -> Option<LabResult> {
    let name = lab_name::of(part.code.words()?, loinc(&part.code));
    let (value, unit) = part
        .value_quantity
        .as_ref()
        .and_then(quantity)
        .or_else(|| worded(part.value_codeable_concept.as_ref(), part.value_string.as_deref()))?;
    let range = lab_range::of(&part.reference_range, whose, unit.as_deref());
    Some(LabResult {
        test: name.spoken,
        aliases: name.aliases,
        loinc: loinc(&part.code).map(str::to_owned),
        value,
        unit,
        low: range.low,
        high: range.high,
        range: range.words,
        flag: part.interpretation.iter().filter_map(flag).max_by_key(|f| severity(*f)),
        ..whole.clone()
    })
}

fn value(observation: &Observation) -> Option<(String, Option<String>)> {
    observation
        .value_quantity
        .as_ref()
        .and_then(quantity)
        .or_else(|| worded(observation.value_codeable_concept.as_ref(), observation.value_string.as_deref()))
        .or_else(|| observation.value_integer.map(|n| (n.to_string(), None)))
        .or_else(|| observation.value_boolean.map(|yes| (if yes { "yes" } else { "no" }.to_owned(), None)))
        .or_else(|| ratio(observation.value_ratio.as_ref()?))
        .or_else(|| {
            let span = observation.value_range.as_ref()?;
            let (low, unit) = quantity(span.low.as_ref()?)?;
            let (high, _) = quantity(span.high.as_ref()?)?;
            Some((format!("{low} to {high}"), unit))
        })
}

fn quantity(q: &Quantity) -> Option<(String, Option<String>)> {
    let number = q.value.as_ref()?;
    let compared = q.comparator.as_deref().unwrap_or_default();
    let unit = q.unit.clone().or_else(|| q.code.clone()).filter(|u| !matches!(u.as_str(), "1" | "{ratio}" | ""));
    Some((format!("{compared}{number}"), unit))
}

/// "1 to 80", as titers are.
fn ratio(ratio: &Ratio) -> Option<(String, Option<String>)> {
    let part = |q: &Option<Quantity>| quantity(q.as_ref()?);
    let ((over, unit), (under, per)) = (part(&ratio.numerator)?, part(&ratio.denominator)?);
    let plain = unit.is_none() && per.is_none();
    Some(if plain {
        (format!("{over} to {under}"), None)
    } else {
        let said = |n: &str, unit: Option<String>| unit.map_or_else(|| n.to_owned(), |unit| format!("{n} {unit}"));
        (format!("{} per {}", said(&over, unit), said(&under, per)), None)
    })
}

/// Words without what a terminology adds: "Negative (qualifier value)".
fn worded(concept: Option<&Concept>, text: Option<&str>) -> Option<(String, Option<String>)> {
    const ADDED: [&str; 6] =
        ["(qualifier value)", "(finding)", "(organism)", "(substance)", "(disorder)", "(morphologic abnormality)"];
    let words = concept.and_then(Concept::words).or(text).map(str::trim).filter(|t| !t.is_empty())?;
    let plain = ADDED.iter().find_map(|tag| words.strip_suffix(tag)).map_or(words, str::trim);
    Some((plain.to_owned(), None))
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
