//! Another domain's catalogue, with the same program: nothing of it is known in Rust.

use std::{path::Path, sync::Arc};

use jiff::{Timestamp, tz::TimeZone};
use wellspoken::{
    nlu::{Context, Engine, alexa, catalogue::Catalogue},
    policy::NameLists,
};

fn catalogue() -> Catalogue {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/barista");
    Catalogue::load(&folder).map_err(|e| e.to_string()).expect("loads")
}

#[test]
fn another_domain_is_checked_and_understood() {
    let catalogue = Arc::new(catalogue());
    let told: Vec<String> = catalogue.lint().iter().map(ToString::to_string).collect();
    assert!(told.is_empty(), "{told:#?}");
    let engine = Engine::lexical(Arc::clone(&catalogue)).expect("trains");
    let (lists, zone) = (NameLists::default(), TimeZone::UTC);
    let mut wrong = Vec::new();
    for test in catalogue.tests() {
        let ctx = Context { channel: "home", pending: None, lists: &lists, now: Timestamp::UNIX_EPOCH, zone: &zone };
        let got = engine.understand(&test.say, &ctx);
        let slots = test.slots.iter().all(|(name, want)| got.slots.get(name).is_some_and(|s| s.value.told() == *want));
        if got.intent != test.intent || !slots {
            let slots: Vec<String> = got.slots.iter().map(|(n, s)| format!("{n}={}", s.value.told())).collect();
            wrong.push(format!("{}: {} {}", test.say, got.intent, slots.join(", ")));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn another_domain_goes_to_alexa_and_back() {
    let json = serde_json::to_string(&alexa::export(&catalogue(), "corner coffee").expect("exports")).expect("JSON");
    let imported = alexa::import(&json).expect("imports");
    let files = imported.files.iter().map(|(p, t)| (p.as_str(), t.as_str()));
    let back = Catalogue::from_files(files).map_err(|e| e.to_string()).expect("loads");
    let drink = back.intent("order.drink").and_then(|d| d.slots.iter().find(|s| s.name == "coffee_drink"));
    assert!(drink.is_some(), "slots go by small letters here");
}
