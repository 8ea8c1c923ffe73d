//! `record.connections`: which organizations' records the person connected, how far each is and what is read there; and which
//! of them a medicine is from.

use super::{ActionError, Facts, Outcome, Pass, Setting, connect::telling, of_a_person, permit, text, words};
use crate::{
    nlu::Slots,
    policy::{Effect, Floor, Scope},
    records::{Connected, Prescription},
};

/// Reads what the person's answers come from.
pub const FLOOR: Floor = of_a_person(Effect::Read, Scope::Records);

/// Kinds of resources, and what of them is told.
const TOLD: [(&str, &str); 9] = [
    ("MedicationRequest", "medicines"),
    ("Observation", "results"),
    ("DiagnosticReport", "results"),
    ("Condition", "conditions"),
    ("AllergyIntolerance", "allergies"),
    ("Immunization", "vaccines"),
    ("Appointment", "visits"),
    ("Encounter", "visits"),
    ("DocumentReference", "notes"),
];

pub async fn run(pass: Pass, slots: &Slots, setting: &Setting<'_>) -> Result<Outcome, ActionError> {
    let permit = permit(pass)?;
    if let Some(medicine) = text(slots, "medicine")
        && setting.agreed.uses.answer().contains(&Scope::Medicines)
    {
        let all = setting.records.prescriptions(permit.subject()).await?.reveal(&permit)?;
        return Ok(Outcome::Answer(whence(&all, medicine)));
    }
    let connected = setting.records.connections(permit.subject()).await?.reveal(&permit)?;
    Ok(Outcome::Answer(decide(&connected, text(slots, "organization"))))
}

/// Where a medicine is from. Replies: `whence` (medicine, from, prescriber), `not_listed` (medicine).
fn whence(all: &[Prescription], said: &str) -> Facts {
    let said_words = words(said);
    let is = |p: &&Prescription| std::iter::once(&p.medicine).chain(&p.aliases).any(|name| words(name) == said_words);
    let mut found: Vec<&Prescription> = all.iter().filter(is).collect();
    found.sort_by_key(|p| !p.active);
    match found.first() {
        Some(p) => Facts::new("whence")
            .with("medicine", &p.medicine)
            .with("from", &p.origin.organization)
            .with("prescriber", &p.prescriber),
        None => Facts::new("not_listed").with("medicine", said),
    }
}

/// Replies: `none`; `unknown` (names); `told` (places, each with its name, state, fetched, parts and unread).
fn decide(connected: &[Connected], said: Option<&str>) -> Facts {
    if connected.is_empty() {
        return Facts::new("none");
    }
    let said_words = said.map(telling).unwrap_or_default();
    let fits = |one: &&Connected| {
        let name = words(&one.name);
        said_words.iter().all(|word| name.contains(word))
    };
    let meant: Vec<&Connected> = connected.iter().filter(fits).collect();
    if meant.is_empty() {
        let names: Vec<&str> = connected.iter().map(|one| one.name.as_str()).collect();
        return Facts::new("unknown").with("names", names);
    }
    let places: Vec<serde_json::Value> = meant.into_iter().map(place).collect();
    Facts::new("told").with("places", places)
}

fn place(one: &Connected) -> serde_json::Value {
    let mut parts: Vec<&str> = Vec::new();
    for (kind, part) in TOLD {
        if one.used.iter().any(|used| used == kind) && !parts.contains(&part) {
            parts.push(part);
        }
    }
    let mut unread: Vec<&str> = Vec::new();
    for (kind, part) in TOLD {
        if one.unread.iter().any(|other| other == kind) && !unread.contains(&part) {
            unread.push(part);
        }
    }
    let (name, state, fetched) = (&one.name, one.state, one.fetched);
    serde_json::json!({ "name": name, "state": state, "fetched": fetched, "parts": parts, "unread": unread })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn connected(name: &str, state: &'static str, used: &[&str]) -> Connected {
        let used = used.iter().map(|kind| (*kind).to_owned()).collect();
        Connected { name: name.into(), state, fetched: None, used, unread: vec!["Condition".into(), "Patient".into()] }
    }

    #[test]
    fn all_of_them_or_the_one_that_was_named() {
        let all = [
            connected("Mercy Hospital", "ready", &["DiagnosticReport", "MedicationRequest", "Observation", "Patient"]),
            connected("Lake Clinic", "importing", &[]),
        ];
        let names = |said| {
            let facts = decide(&all, said);
            let places = facts.values.get("places").and_then(|places| places.as_array().cloned()).unwrap_or_default();
            let names: Vec<String> =
                places.iter().filter_map(|place| place["name"].as_str()).map(str::to_owned).collect();
            (facts.reply, names.join(" "))
        };
        for (said, reply, wanted) in [
            (None, "told", "Mercy Hospital Lake Clinic"),
            (Some("the hospital"), "told", "Mercy Hospital Lake Clinic"),
            (Some("lake"), "told", "Lake Clinic"),
            (Some("Denver"), "unknown", ""),
        ] {
            assert_eq!(names(said), (reply.to_owned(), wanted.to_owned()), "{said:?}");
        }
        assert_eq!(decide(&[], None).reply, "none");
        assert_eq!(place(&all[0])["parts"], serde_json::json!(["medicines", "results"]));
        assert_eq!(place(&all[0])["unread"], serde_json::json!(["conditions"]));
    }
}
