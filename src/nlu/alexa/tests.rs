use std::sync::Arc;

use jiff::{Timestamp, tz::TimeZone};

use super::*;
use crate::{
    nlu::{
        By, Context, Engine,
        catalogue::{Catalogue, Sampler},
    },
    policy::NameLists,
};

fn load(imported: &Imported) -> Catalogue {
    Catalogue::from_files(imported.files.iter().map(|(p, t)| (p.as_str(), t.as_str()))).expect("loads")
}

fn understood(engine: &Engine, said: &str) -> (String, By) {
    let (lists, zone) = (NameLists::default(), TimeZone::UTC);
    let now = "2026-11-23T10:00:00Z".parse::<Timestamp>().expect("RFC 3339");
    let ctx = Context { channel: "home", pending: None, lists: &lists, now, zone: &zone };
    let got = engine.understand(said, &ctx);
    (got.intent, got.by)
}

#[test]
fn what_goes_there_comes_back() {
    let ours = Catalogue::builtin().expect("loads");
    let there = export(&ours, "Well Spoken").expect("exports");
    let json = serde_json::to_string(&there).expect("JSON");
    let imported = import(&json).expect("imports");
    let back = load(&imported);
    for def in ours.intents() {
        assert!(back.intent(&def.name).is_some(), "{} is lost", def.name);
        for slot in def.slots.iter().filter(|s| s.required) {
            // Slots have no digits there.
            let name = slot.name.replace('2', "_two");
            let again = back.intent(&def.name).and_then(|d| d.slot(&name));
            assert!(again.is_some_and(|s| s.required && s.kind == slot.kind), "{}.{}", def.name, slot.name);
        }
    }
    let (ours, back) = (Arc::new(ours), Arc::new(back));
    let engine = Engine::lexical(Arc::clone(&ours)).expect("trains");
    let again = Engine::lexical(Arc::clone(&back)).expect("trains");
    let mut drawn = Sampler::new(&back, 9);
    let (mut asked, mut lost) = (0, Vec::new());
    for def in back.intents().iter().filter(|d| !d.name.starts_with("dialogue.")) {
        for said in drawn.intent(&def.name, 12) {
            let (first, by) = understood(&engine, &said);
            // Examples are only learned from here; there, every sample is a sentence.
            if by == By::Sentence {
                asked += 1;
                let second = understood(&again, &said).0;
                if first != second {
                    lost.push(format!("{said}: {first}, then {second}"));
                }
            }
        }
    }
    assert!(asked > 50, "{asked}");
    assert!(lost.len() * 50 <= asked, "{} of {asked}:\n{}", lost.len(), lost.join("\n"));
}

#[test]
fn an_exported_model_keeps_amazons_rules() {
    let ours = Catalogue::builtin().expect("loads");
    let model = export(&ours, "well spoken").expect("exports").interaction_model;
    let language = &model.language_model;
    let name_fits = |n: &str| {
        let bare = n.strip_prefix("AMAZON.").unwrap_or(n);
        bare.starts_with(|c: char| c.is_ascii_alphabetic()) && bare.chars().all(|c| c.is_ascii_alphabetic() || c == '_')
    };
    let mut seen = std::collections::BTreeSet::new();
    assert!(language.intents.len() <= 250);
    for intent in &language.intents {
        assert!(name_fits(&intent.name), "{}", intent.name);
        assert!(intent.samples.len() <= 200);
        for slot in &intent.slots {
            assert!(name_fits(&slot.name));
            assert!(
                slot.kind.starts_with("AMAZON.") || language.types.iter().any(|t| t.name == slot.kind),
                "{}",
                slot.kind
            );
        }
        for sample in &intent.samples {
            let plain = |c: char| c.is_alphabetic() || matches!(c, ' ' | '.' | '_' | '\'' | '-' | '{' | '}');
            assert!(sample.chars().all(plain), "{sample}");
            assert!(seen.insert(sample.clone()), "{sample} twice");
            let free = intent.slots.iter().filter(|s| s.kind == "AMAZON.SearchQuery");
            for slot in free {
                let marked = format!("{{{}}}", slot.name);
                assert!(
                    !sample.contains(&marked) || (sample.matches('{').count() == 1 && *sample != marked),
                    "{sample}"
                );
            }
        }
    }
    for must in ["AMAZON.CancelIntent", "AMAZON.StopIntent", "AMAZON.HelpIntent"] {
        assert!(language.intents.iter().any(|i| i.name == must), "{must}");
    }
    for of in &language.types {
        assert!(name_fits(&of.name), "{}", of.name);
        assert!(!of.values.is_empty(), "{}", of.name);
        assert!(of.values.iter().all(|v| !v.name.value.is_empty() && v.name.value.chars().count() <= 140));
    }
    for asked in model.dialog.iter().flat_map(|d| &d.intents).flat_map(|i| &i.slots) {
        let known = |id: &String| model.prompts.iter().any(|p| p.id == *id && !p.variations.is_empty());
        assert!(asked.prompts.elicitation.as_ref().is_none_or(known));
    }
    for bad in ["wellspoken", "alexa clinic", "my clinic 24", "", "my skill"] {
        assert!(export(&ours, bad).is_err(), "{bad}");
    }
}

/// A model as the developer console writes one.
const SKILL: &str = r#"{ "interactionModel": { "languageModel": { "invocationName": "green lake clinic",
  "intents": [
    { "name": "AMAZON.CancelIntent", "samples": ["forget about all that"] },
    { "name": "AMAZON.PauseIntent", "samples": [] },
    { "name": "BookVisitIntent", "samples": ["book a visit with {doctor} on {day}", "i want to see {doctor}", "see {doctor} (now)", "{day}"],
      "slots": [
        { "name": "doctor", "type": "DOCTOR_NAME", "samples": ["with {doctor}", "{doctor} please"] },
        { "name": "day", "type": "AMAZON.DATE" } ] },
    { "name": "LeaveMessage", "samples": ["tell them {what}", "{what}"], "slots": [ { "name": "what", "type": "AMAZON.SearchQuery" } ] },
    { "name": "Where", "samples": [] },
    { "name": "RatePlace", "samples": ["rate {place}"], "slots": [ { "name": "place", "type": "AMAZON.LocalBusiness" } ] } ],
  "types": [ { "name": "DOCTOR_NAME", "values": [
    { "id": "1", "name": { "value": "Lena Moss", "synonyms": ["moss", "doctor \"m\""] } }, { "name": { "value": "Ivo Hart" } } ] } ] },
  "dialog": { "intents": [ { "name": "BookVisitIntent", "confirmationRequired": false, "prompts": {}, "slots": [
    { "name": "doctor", "type": "DOCTOR_NAME", "elicitationRequired": true, "confirmationRequired": false, "prompts": { "elicitation": "E.1" } } ] } ] },
  "prompts": [ { "id": "E.1", "variations": [ { "type": "SSML", "value": "<speak>Who do you want to see{{ now }}?</speak>" } ] } ] } }"#;

#[test]
fn a_skill_moves_in() {
    let imported = import(SKILL).expect("imports");
    let catalogue = load(&imported);
    let visit = catalogue.intent("book.visit").expect("there");
    let doctor = visit.slot("doctor").expect("there");
    assert!(doctor.required && doctor.prompt.as_deref() == Some("Who do you want to see now ?"), "{:?}", doctor.prompt);
    assert_eq!(visit.action, None);
    let told: Vec<String> = catalogue.lint().iter().map(ToString::to_string).collect();
    assert!(told.is_empty(), "{told:#?}");
    assert!(imported.notes.iter().any(|n| n.contains("AMAZON.PauseIntent")), "{:?}", imported.notes);
    assert!(imported.notes.iter().any(|n| n.contains("AMAZON.LocalBusiness")));
    let engine = Engine::lexical(Arc::new(catalogue)).expect("trains");
    for (said, meant) in [
        ("book a visit with moss on friday", "book.visit"),
        ("see ivo hart now", "book.visit"),
        ("tell them I will be late", "leave.message"),
        ("forget about all that", "dialogue.cancel"),
        ("skill where", "skill.where"),
    ] {
        assert_eq!(understood(&engine, said), (meant.to_owned(), By::Sentence), "{said}");
    }
}

#[test]
fn hostile_models_are_refused_or_tamed() {
    for bad in ["", "{}", "[]", "null", "{\"interactionModel\":{}}", "{\"languageModel\":{\"intents\":[]}}"] {
        assert!(import(bad).is_err(), "{bad}");
    }
    assert!(import(&"[".repeat(100_000)).is_err());
    assert!(matches!(import(&" ".repeat(5 << 20)), Err(BadModel::TooLarge)));
    let with = |name: &str, sample: &str, slot: &str, value: &str| {
        serde_json::json!({ "languageModel": { "invocationName": "x",
            "intents": [ { "name": name, "samples": [sample, "see {a}"], "slots": [ { "name": "a", "type": slot } ] } ],
            "types": [ { "name": "T", "values": [ { "name": { "value": value, "synonyms": [value, sample] } } ] } ] } })
        .to_string()
    };
    for hostile in [
        "a\nb: [c]\n  - d",
        "{{a}}",
        "{a",
        "a}",
        "<rule>",
        "((((",
        "\u{0}\u{7}",
        "[a|b];",
        "a: &x *x",
        "# no",
        "- - -",
        "\"'\"",
        "\\",
        "../../etc/passwd",
        "%x",
        "!!python/object",
        "{%x%}",
        "🍵 тест",
    ] {
        for json in [
            with("Read", hostile, "T", "tea"),
            with(hostile, "a", "T", "tea"),
            with("Read", "a", hostile, "tea"),
            with("Read", "a", "T", hostile),
        ] {
            if let Ok(imported) = import(&json) {
                load(&imported);
                assert!(
                    imported.files.iter().all(|(path, _)| !path.contains("..") && path.matches('/').count() <= 2),
                    "{hostile}"
                );
            }
        }
    }
}
