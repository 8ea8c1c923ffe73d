//! What is here of somebody and what an import brings become one chart, resource by resource.
//!
//! Invariants: nothing that was here goes unless it is named as deleted, so that an export of what changed since the last one
//! takes no allergy away; of the same resource (type and id) the newer is kept, by `meta.lastUpdated`, and the one that comes
//! where either does not say; what cannot be told apart is refused and not mixed.

use std::collections::{HashMap, HashSet};

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, value::RawValue};

use super::{BundleError, MAX_BYTES, entry::Bundle, whole};
use crate::records::Chart;

/// Why two cannot become one chart.
#[derive(Debug, Clone, thiserror::Error, PartialEq, Eq)]
pub enum MergeError {
    /// The Patient has no id that is known.
    #[error(
        "the Patient has no id, so it cannot be told what of this is here already; put it in the place of what is here with \
         --replace"
    )]
    NoIds,
    /// Ids of one server stand for other things on another.
    #[error(
        "what is here of this person came from another server that gives the same ids to other things; put this in its place \
         with --replace"
    )]
    AnotherServer,
    /// Together they are not a bundle.
    #[error("together with what is here: {0}")]
    Bundle(BundleError),
}

/// An entry, as far as it tells what it is.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Peek<'a> {
    full_url: Option<String>,
    #[serde(borrow)]
    resource: Option<&'a RawValue>,
}

struct Piece<'a> {
    text: &'a str,
    /// `Type/id`; where there is no id, the address; where there is none either, all of it.
    key: String,
    has_id: bool,
    patient: bool,
    owner: Option<String>,
    updated: Option<Timestamp>,
    resource: &'a str,
}

fn piece(text: &str) -> Option<Piece<'_>> {
    let peek: Peek<'_> = serde_json::from_str(text).ok()?;
    let resource = peek.resource?.get();
    let value: Value = serde_json::from_str(resource).ok()?;
    let kind = value.get("resourceType").and_then(Value::as_str).unwrap_or_default();
    let id = value.get("id").and_then(Value::as_str);
    let updated = value.pointer("/meta/lastUpdated").and_then(Value::as_str).and_then(|at| at.parse().ok());
    let address = || peek.full_url.clone().unwrap_or_else(|| text.to_owned());
    Some(Piece {
        text,
        key: id.map_or_else(address, |id| format!("{kind}/{id}")),
        has_id: id.is_some(),
        patient: kind == "Patient",
        owner: whole::owner(&value),
        updated,
        resource,
    })
}

/// The chart of what is here (`kept`: entries as they came) and of what comes, without what is `removed` (`Type/id`). Free
/// times and what is counted are those of what comes.
///
/// # Errors
/// [`MergeError`]; nothing is half merged.
pub fn merged(kept: &[String], new: &Chart, removed: &HashSet<String>) -> Result<Chart, MergeError> {
    let old: Vec<Piece<'_>> = kept.iter().filter_map(|text| piece(text)).collect();
    let come: Vec<Piece<'_>> = new.source.iter().filter_map(|text| piece(text)).collect();
    let patients: HashSet<&str> = old.iter().filter(|p| p.patient).map(|p| p.key.as_str()).collect();
    let strangers = || come.iter().filter(|p| p.patient && !patients.contains(p.key.as_str()));
    if strangers().any(|p| !p.has_id) {
        return Err(MergeError::NoIds);
    }
    let several = patients.len() + strangers().count() > 1;
    let places: HashMap<&str, usize> = old.iter().enumerate().map(|(n, p)| (p.key.as_str(), n)).collect();
    let mut all: Vec<Option<&Piece<'_>>> = old
        .iter()
        .map(|p| Some(p).filter(|p| p.patient || !(removed.contains(&p.key) || new.removed.contains(&p.key))))
        .collect();
    let mut more = Vec::new();
    for piece in &come {
        let Some(place) = places.get(piece.key.as_str()).copied() else {
            more.push(piece);
            continue;
        };
        let there = &old[place];
        let other = there.owner != piece.owner || (there.owner.is_none() && there.resource != piece.resource);
        if several && !piece.patient && other {
            return Err(MergeError::AnotherServer);
        }
        if there.updated.zip(piece.updated).is_none_or(|(there, new)| there <= new) {
            all[place] = Some(piece);
        }
    }
    // Who somebody is, is told by the Patient that comes first: the one that came last.
    let all: Vec<&Piece<'_>> = all.into_iter().flatten().chain(more).collect();
    let last = come.iter().find(|p| p.patient).map(|p| p.key.as_str());
    let (first, rest): (Vec<&Piece<'_>>, Vec<&Piece<'_>>) =
        all.into_iter().partition(|p| p.patient && Some(p.key.as_str()) == last);
    let entries: Vec<&str> = first.into_iter().chain(rest).map(|p| p.text).collect();
    let text = format!(r#"{{"resourceType":"Bundle","type":"collection","entry":[{}]}}"#, entries.join(","));
    if text.len() > MAX_BYTES {
        return Err(MergeError::Bundle(BundleError::TooLarge));
    }
    let read = Bundle::read(&text).map_err(|e| super::explain(&e, &text));
    let chart = read.and_then(|bundle| super::of_one(&bundle, &text)).map_err(MergeError::Bundle)?;
    Ok(Chart {
        identifiers: new.identifiers.clone(),
        slots: new.slots.clone(),
        summary: new.summary.clone(),
        removed: vec![],
        ..chart
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::records::fhir_bundle::parse;

    fn chart(entries: &[Value]) -> Chart {
        let entries: Vec<Value> = entries
            .iter()
            .map(|entry| match entry.get("resourceType") {
                Some(_) => json!({ "resource": entry }),
                None => entry.clone(),
            })
            .collect();
        let bundle = json!({ "resourceType": "Bundle", "type": "collection", "entry": entries });
        parse(bundle.to_string().as_bytes()).unwrap_or_else(|e| panic!("{e}"))
    }

    fn patient(id: &str, given: &str) -> Value {
        json!({ "resourceType": "Patient", "id": id, "identifier": [{ "system": "urn:mrn", "value": "7" }],
            "name": [{ "family": "Moss", "given": [given] }] })
    }

    fn allergy(id: &str, of: &str, to: &str, updated: Option<&str>) -> Value {
        json!({ "resourceType": "AllergyIntolerance", "id": id, "meta": { "lastUpdated": updated },
            "patient": { "reference": format!("Patient/{of}") }, "code": { "text": to } })
    }

    fn condition(id: &str, of: &str) -> Value {
        json!({ "resourceType": "Condition", "id": id, "subject": { "reference": format!("Patient/{of}") }, "code": { "text": "Gout" } })
    }

    fn substances(chart: &Chart) -> Vec<&str> {
        chart.allergies.iter().map(|a| a.substance.as_str()).collect()
    }

    #[test]
    fn an_increment_takes_nothing_away_but_what_it_names() {
        let first = chart(&[
            patient("p", "Ann"),
            allergy("a", "p", "penicillin", Some("2026-01-02T00:00:00Z")),
            allergy("b", "p", "latex", Some("2026-01-02T00:00:00Z")),
            allergy("c", "p", "nuts", None),
        ]);
        let next = chart(&[
            patient("p", "Anne"),
            condition("g", "p"),
            allergy("b", "p", "nothing", Some("2025-01-02T00:00:00Z")),
            allergy("c", "p", "peanuts", None),
            json!({ "request": { "method": "DELETE", "url": "AllergyIntolerance/a" } }),
        ]);
        assert_eq!(next.removed, ["AllergyIntolerance/a"]);
        let kept = Chart { removed: vec![], ..next.clone() };
        let both = merged(&first.source, &kept, &HashSet::new()).unwrap_or_else(|e| panic!("{e}"));
        assert_eq!(substances(&both), ["penicillin", "latex", "peanuts"], "older does not win");
        assert_eq!((both.profile.given.as_str(), both.history.conditions.len(), both.source.len()), ("Anne", 1, 5));
        let both = merged(&first.source, &next, &HashSet::from(["AllergyIntolerance/b".into(), "Patient/p".into()]));
        let both = both.unwrap_or_else(|e| panic!("{e}"));
        assert_eq!(substances(&both), ["peanuts"]);
        let again = merged(&both.source, &next, &HashSet::new()).unwrap_or_else(|e| panic!("{e}"));
        assert_eq!(substances(&again), ["peanuts", "nothing"], "what comes again is there again");
    }

    #[test]
    fn another_servers_records_stand_beside_where_ids_do_not_clash() {
        let first = chart(&[patient("p", "Ann"), allergy("a", "p", "penicillin", None)]);
        let other = chart(&[patient("q", "Ann"), allergy("b", "q", "latex", None)]);
        let both = merged(&first.source, &other, &HashSet::new()).unwrap_or_else(|e| panic!("{e}"));
        assert_eq!(substances(&both), ["penicillin", "latex"]);
        let more = chart(&[patient("q", "Ann"), allergy("b", "q", "soy", None)]);
        let more = merged(&both.source, &more, &HashSet::new()).unwrap_or_else(|e| panic!("{e}"));
        assert_eq!(substances(&more), ["penicillin", "soy"]);
        let clash = chart(&[patient("q", "Ann"), allergy("a", "q", "latex", None)]);
        assert_eq!(merged(&first.source, &clash, &HashSet::new()).err(), Some(MergeError::AnotherServer));
    }

    #[test]
    fn without_ids_nothing_is_mixed() {
        let first = chart(&[patient("p", "Ann"), allergy("a", "p", "penicillin", None)]);
        let mut nameless = patient("p", "Ann");
        nameless["id"] = Value::Null;
        let nameless = chart(&[json!({ "fullUrl": "urn:uuid:1", "resource": nameless })]);
        assert_eq!(merged(&first.source, &nameless, &HashSet::new()).err(), Some(MergeError::NoIds));
        assert!(merged(&nameless.source, &nameless, &HashSet::new()).is_ok(), "by its address it is the same");
    }
}
