//! Several sources of one person's records: where each fact came from, and that none is counted twice.

use std::collections::{BTreeMap, HashSet};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{Records, RecordsError, sensitive};
use crate::{
    policy::{PersonId, Phi},
    store::{ConnectionState, NOT_GRANTED, REFUSED},
};

/// Which of the person's sources a fact was fetched from, and what it is called wherever it is kept.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin {
    /// Its business identifiers, each as `system|value`. Two facts with one in common are the same fact.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub identifiers: Vec<String>,
    /// The organization whose records the person connected; `None` for what this organization keeps itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub organization: Option<String>,
    /// When it was fetched from there; `None` for what this organization keeps itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fetched: Option<Timestamp>,
    /// That organization lets it be read no longer, so there is no news of it.
    #[serde(default, skip_serializing_if = "is_false")]
    pub lapsed: bool,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde asks for it so")]
const fn is_false(flag: &bool) -> bool {
    !*flag
}

impl Origin {
    /// Whether it came from another organization, so that nothing can be changed about it here.
    #[must_use]
    pub const fn elsewhere(&self) -> bool {
        self.organization.is_some()
    }
}

/// An organization whose records the person connected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Connected {
    /// What it is called.
    pub name: String,
    /// `importing`, `ready` or `lapsed`.
    pub state: &'static str,
    /// When what is there was fetched.
    pub fetched: Option<Timestamp>,
    /// The kinds of resources of which something is used.
    pub used: Vec<String>,
    /// The kinds of resources that it did not let be read, by what was granted or by its own refusal.
    pub unread: Vec<String>,
}

impl Records {
    /// The organizations whose records the person connected and did not take back. One that may not be named where others
    /// hear it is not among them there.
    ///
    /// # Errors
    /// As [`Records::prescriptions`].
    pub async fn connections(&self, person: &PersonId) -> Result<Phi<Vec<Connected>>, RecordsError> {
        let told = |name: &str| self.hush().lets(|| sensitive::of_care(std::iter::once(name)), std::iter::once(name));
        let all = self.store().connections(person).await?.into_iter();
        let connected = all.filter(|one| told(&one.details.name)).filter_map(|one| {
            let state = match one.state {
                ConnectionState::Importing => "importing",
                ConnectionState::Ready => "ready",
                ConnectionState::Lapsed => "lapsed",
                ConnectionState::Ended | ConnectionState::Leaving => return None,
            };
            let used = one.details.used.into_iter().filter(|(_, many)| *many > 0).map(|(kind, _)| kind).collect();
            let unread = unread(&one.details.skipped);
            Some(Connected { name: one.details.name, state, fetched: one.details.fetched, used, unread })
        });
        Ok(Phi::new(person.clone(), connected.collect()))
    }

    /// What the organizations are called that the person connected and that did not let resources of that kind be read: there may
    /// be some there.
    ///
    /// # Errors
    /// As [`Records::prescriptions`].
    pub async fn unread(&self, person: &PersonId, kind: &str) -> Result<Phi<Vec<String>>, RecordsError> {
        let all = self.connections(person).await?;
        let without = |one: &Connected| one.unread.iter().any(|other| other == kind);
        Ok(all.map(|all| all.into_iter().filter(without).map(|one| one.name).collect()))
    }
}

/// The kinds that were not let be read, of what was skipped.
fn unread(skipped: &BTreeMap<String, usize>) -> Vec<String> {
    let kind =
        |why: &String| Some(why.split_once(": ").filter(|(_, why)| [REFUSED, NOT_GRANTED].contains(why))?.0.to_owned());
    skipped.keys().filter_map(kind).collect()
}

/// Facts from a source that lets nothing be read any more, marked so.
#[must_use]
pub fn without_news(facts: Vec<Value>) -> Vec<Value> {
    let marked = facts.into_iter().map(|mut fact| {
        if let Some(Value::Object(origin)) = fact.get_mut("origin") {
            origin.insert("lapsed".into(), true.into());
        }
        fact
    });
    marked.collect()
}

/// Facts of one part of a chart, marked as fetched from a source of that id and name. Their own ids get the source's in
/// front: two sources may both call something "1".
#[must_use]
pub fn from_source(facts: Vec<Value>, source: &str, organization: &str, fetched: Timestamp) -> Vec<Value> {
    let marked = facts.into_iter().map(|mut fact| {
        if let Value::Object(fields) = &mut fact {
            if let Some(id) = fields.get("id").and_then(Value::as_str) {
                let id = format!("{source}/{id}");
                fields.insert("id".into(), id.into());
            }
            let identifiers =
                fields.get("origin").and_then(|o| o.get("identifiers")).cloned().unwrap_or_else(|| json!([]));
            let origin = json!({ "identifiers": identifiers, "organization": organization, "fetched": fetched });
            fields.insert("origin".into(), origin);
        }
        fact
    });
    marked.collect()
}

/// One part of a chart from several sources, each fact once: the first source that tells it counts. The person's own
/// chart comes first, so that what can be changed here stays what is found.
#[must_use]
pub fn merged(sources: Vec<Vec<Value>>) -> Vec<Value> {
    let mut known: HashSet<String> = HashSet::new();
    let mut all: Vec<Value> = Vec::new();
    for facts in sources {
        // Within one source two facts may share an identifier, as a group of results does, or read alike.
        let mut fresh: Vec<String> = Vec::new();
        for fact in facts {
            let names = names(&fact);
            if names.iter().any(|name| known.contains(name)) {
                continue;
            }
            fresh.extend(names);
            all.push(fact);
        }
        known.extend(fresh);
    }
    all
}

/// What a fact is told apart by: its identifiers, and all it tells but where it came from and what it is called there.
fn names(fact: &Value) -> Vec<String> {
    let identifiers = fact.pointer("/origin/identifiers").and_then(Value::as_array);
    let identifiers = identifiers.into_iter().flatten().filter_map(Value::as_str).map(str::to_owned);
    let mut bare = fact.clone();
    if let Value::Object(fields) = &mut bare {
        fields.remove("origin");
        fields.remove("id");
    }
    identifiers.chain([bare.to_string()]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fact(id: &str, identifiers: &[&str]) -> Value {
        json!({ "id": id, "medicine": format!("{identifiers:?} {}", id.len()), "origin": { "identifiers": identifiers } })
    }

    fn ids(facts: &[Value]) -> Vec<&str> {
        facts.iter().filter_map(|fact| fact["id"].as_str()).collect()
    }

    #[test]
    fn the_same_fact_counts_once_and_what_only_looks_alike_twice() {
        let own =
            || vec![fact("1", &["urn:rx|7"]), fact("2", &[]), fact("3", &["urn:group|g"]), fact("4", &["urn:group|g"])];
        for (name, other, want) in [
            ("another source's own", vec![fact("m/1", &["urn:rx|8"])], vec!["1", "2", "3", "4", "m/1"]),
            ("the same identifier", vec![fact("m/1", &["urn:x|1", "urn:rx|7"])], vec!["1", "2", "3", "4"]),
            ("no identifier", vec![fact("m/2", &[])], vec!["1", "2", "3", "4", "m/2"]),
            ("all the same but its id", vec![fact("9", &[])], vec!["1", "2", "3", "4"]),
            ("a value of another system", vec![fact("m/1", &["urn:y|7"])], vec!["1", "2", "3", "4", "m/1"]),
        ] {
            assert_eq!(ids(&merged(vec![own(), other])), want, "{name}");
        }
        let provider = json!({ "name": "Dr. Anita Patel", "specialty": "cardiology", "role": null });
        let at_mercy = from_source(vec![provider.clone()], "c1", "Mercy Hospital", Timestamp::UNIX_EPOCH);
        assert_eq!(merged(vec![vec![provider], at_mercy]).len(), 1, "somebody who treats them at both places");
    }

    #[test]
    fn what_was_not_let_be_read_is_told_apart_from_what_was_not_used() {
        let skipped = ["AllergyIntolerance: not granted", "Observation: refused there", "Condition: no code", "Binary"];
        let skipped = skipped.into_iter().map(|why| (why.to_owned(), 0)).collect();
        assert_eq!(unread(&skipped), ["AllergyIntolerance", "Observation"]);
        let at = Timestamp::UNIX_EPOCH;
        let marked = without_news(from_source(vec![fact("1", &[]), json!("text")], "c1", "Mercy Hospital", at));
        let origin: Origin = serde_json::from_value(marked[0]["origin"].clone()).expect("an origin");
        assert!(origin.lapsed && origin.elsewhere() && marked[1] == "text");
        assert!(!serde_json::to_string(&Origin::default()).expect("JSON").contains("lapsed"));
    }

    #[test]
    fn a_fact_is_marked_with_its_source_and_keeps_its_identifiers() {
        let at: Timestamp = "2026-03-01T10:00:00Z".parse().expect("a time");
        let marked = from_source(vec![fact("1", &["urn:rx|7"]), json!("text")], "c1", "Mercy Hospital", at);
        let origin: Origin = serde_json::from_value(marked[0]["origin"].clone()).expect("an origin");
        assert_eq!((origin.identifiers.as_slice(), origin.fetched), (&["urn:rx|7".to_owned()][..], Some(at)));
        assert_eq!((origin.organization.as_deref(), marked[0]["id"].as_str()), (Some("Mercy Hospital"), Some("c1/1")));
        assert!(origin.elsewhere() && !Origin::default().elsewhere());
        assert_eq!(marked[1], "text");
    }
}
