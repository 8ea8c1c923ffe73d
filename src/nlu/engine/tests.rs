use jiff::{Timestamp, tz::TimeZone};

use super::*;
use crate::{nlu::SlotValue, policy::NameLists};

/// A catalogue with every kind of slot and every part of the template language.
const ONE: &str = r#"
domain: a
rules:
  please: "(please|kindly)"
  ask: "(ask|tell) (my doctor|the nurse)"
  at_night: "{hour}"
lists:
  cup: { values: [{ in: "(tiny|little) cup", out: small }, "mug", { in: [jug, "big jug"], out: 2 }] }
  level: { range: { from: 0, to: 100, step: 10 } }
  dose: { range: { from: 0.5, to: 4, fractions: halves, multiplier: 10 } }
  anything: { wildcard: true }
intents:
  a.log:
    action: x
    data: public
    effect: read
    slots:
      value: { type: reading }
      often: { type: recurrence }
      long: { type: duration }
      stretch: { type: period, sense: behind }
    sentences:
      - "my pressure (is|was) {value}"
      - "i take it {often}"
      - "it has hurt for {long}"
      - "it has hurt {long}"
      - "show my readings [for|from] {stretch}"
  a.code:
    action: x
    data: public
    effect: read
    slots: { pin: { type: digits }, which: { type: ordinal } }
    sentences: [ "my code is {pin}", "cancel {which}" ]
  a.tell:
    action: x
    data: public
    effect: read
    slots: { message: { type: text }, when: { type: time }, hour: { type: time } }
    sentences: [ "<ask> {message}", "<ask> {message} <at_night>", "write {anything:message} down", "(now;(wake|get) me up) soon" ]
    examples: [ "let somebody know something for me", "i have a question for the doctor that somebody should pass on" ]
  a.pour:
    action: x
    data: public
    effect: read
    slots: { size: { type: cup }, level: { type: level }, dose: { type: dose }, kind: { type: text } }
    sentences:
      - "pour a {size}"
      - "fill it to {level} [percent]"
      - "take {dose} tablets"
      - { say: ["pour water", "some <wet>"], slots: { kind: water }, rules: { wet: "(water|aqua)" } }
      - { say: "pour {drink:kind}", lists: { drink: { values: [tea] } } }
  a.light:
    action: x
    data: public
    effect: read
    sentences:
      - { say: "lights", requires: { channel: room } }
      - { say: "the other", requires_context: { pending: [a.pour/size, a.code] } }
      - { say: "quiet", excludes: { channel: [chat, third-party] } }
"#;

fn engine() -> Engine {
    let catalogue = Catalogue::from_files([("en/a.yaml", ONE)]).map_err(|e| e.to_string()).expect("loads");
    Engine::lexical(Arc::new(catalogue)).expect("trains")
}

fn told(engine: &Engine, said: &str, channel: &str, pending: Option<Pending<'_>>) -> String {
    let (lists, zone) = (NameLists::default(), TimeZone::UTC);
    let now = "2026-11-23T10:00:00Z".parse::<Timestamp>().expect("RFC 3339");
    let got = engine.understand(said, &Context { channel, pending, lists: &lists, now, zone: &zone });
    let slots: Vec<String> = got.slots.iter().map(|(name, s)| format!("{name}={}", s.value.told())).collect();
    [vec![got.intent], slots].concat().join(" ")
}

use crate::nlu::Pending;

#[test]
fn every_kind_of_slot_and_every_part_of_the_language() {
    let engine = engine();
    let mut wrong = Vec::new();
    for (said, meant) in [
        ("my pressure is one twenty over eighty", "a.log value=120/80"),
        ("I take it every other day", "a.log often=every 2 days"),
        ("it has hurt for a week and a half", "a.log long=1.5 weeks"),
        ("it has hurt since friday", "a.log long=3 days"),
        ("show my readings from the last three months", "a.log stretch=2026-08-23..2026-11-23"),
        ("my code is four oh double seven", "a.code pin=4077"),
        ("cancel the second one", "a.code which=2"),
        ("cancel the last one", "a.code which=-1"),
        ("ask my doctor if I can stop the antibiotic", "a.tell message=if I can stop the antibiotic"),
        ("tell the nurse my leg is numb at nine", "a.tell hour=09:00 message=my leg is numb"),
        ("write that my knee is worse, please, down", "a.tell message=that my knee is worse, please"),
        ("now get me up soon", "a.tell"),
        ("wake me up now soon", "a.tell"),
        ("pour a tiny cup", "a.pour size=small"),
        ("pour a mug", "a.pour size=mug"),
        ("pour a big jug", "a.pour size=2"),
        ("fill it to forty percent", "a.pour level=40"),
        ("take one and a half tablets", "a.pour dose=15"),
        ("pour water", "a.pour kind=water"),
        ("some aqua", "a.pour kind=water"),
        ("pour tea", "a.pour kind=tea"),
    ] {
        let got = told(&engine, said, "home", None);
        if got != meant {
            wrong.push(format!("{said}: wanted {meant}, got {got}"));
        }
    }
    for not in ["fill it to forty five percent", "take one and a quarter tablets", "pour a cup"] {
        let (lists, zone) = (NameLists::default(), TimeZone::UTC);
        let ctx = Context { channel: "home", pending: None, lists: &lists, now: Timestamp::UNIX_EPOCH, zone: &zone };
        if engine.understand(not, &ctx).by == By::Sentence {
            wrong.push(format!("{not}: fits"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_long_message_is_kept_whole_and_found_behind_other_words() {
    let engine = engine();
    let long = "whether the swelling in my left ankle that began after the second dose is something ".repeat(6);
    let said = format!("ask my doctor {}", long.trim());
    assert_eq!(told(&engine, &said, "home", None), format!("a.tell message={}", long.trim()));
    let catalogue = engine.catalogue();
    let def = catalogue.intent("a.tell").expect("there");
    let (lists, zone) = (NameLists::default(), TimeZone::UTC);
    let ctx = Context { channel: "home", pending: None, lists: &lists, now: Timestamp::UNIX_EPOCH, zone: &zone };
    let text = "so anyway somebody should maybe ask my doctor if I can stop the antibiotic";
    let slots = Finder::new(catalogue, text, words::words(text), &ctx).slots_of(def);
    let message = slots.get("message").map(|s| s.value.told());
    assert_eq!(message.as_deref(), Some("if I can stop the antibiotic"));
}

#[test]
fn sentences_hold_where_they_say() {
    let engine = engine();
    let by_sentence = |said: &str, channel: &str, pending: Option<Pending<'_>>| {
        let (lists, zone) = (NameLists::default(), TimeZone::UTC);
        let ctx = Context { channel, pending, lists: &lists, now: Timestamp::UNIX_EPOCH, zone: &zone };
        engine.understand(said, &ctx).by == By::Sentence
    };
    assert!(by_sentence("lights", "room", None));
    assert!(!by_sentence("lights", "home", None));
    assert!(by_sentence("quiet", "home", None));
    assert!(!by_sentence("quiet", "chat", None));
    assert!(!by_sentence("the other", "home", None));
    let open = |intent, slot| Some(Pending { intent, slot });
    assert!(by_sentence("the other", "home", open("a.pour", Some("size"))));
    assert!(!by_sentence("the other", "home", open("a.pour", Some("level"))));
    assert!(by_sentence("the other", "home", open("a.code", None)));
}

#[test]
fn numbers_that_sound_alike_carry_the_doubt_where_they_were_heard() {
    let engine = engine();
    let slot = |channel: &str| {
        let (lists, zone) = (NameLists::default(), TimeZone::UTC);
        let ctx = Context { channel, pending: None, lists: &lists, now: Timestamp::UNIX_EPOCH, zone: &zone };
        engine.understand("my pressure was one fifty", &ctx).slots.remove("value").expect("a value")
    };
    let heard = slot("home");
    assert_eq!(heard.alike.iter().map(SlotValue::told).collect::<Vec<_>>(), ["115"]);
    assert!(heard.confidence < 0.9);
    assert!(slot("chat").alike.is_empty());
}

#[test]
fn medicines_that_are_taken_for_one_another_carry_the_doubt() {
    let engine = Engine::lexical(Arc::new(Catalogue::builtin().expect("loads"))).expect("trains");
    let named = |name: &str| crate::policy::Named { name: name.into(), aliases: vec![] };
    let lists =
        NameLists { medicines: vec![named("hydralazine"), named("lisinopril 10 mg tablet")], providers: vec![] };
    let zone = TimeZone::UTC;
    let ctx = Context { channel: "home", pending: None, lists: &lists, now: Timestamp::UNIX_EPOCH, zone: &zone };
    for (said, value, alike) in [
        ("renew my hydroxyzine", "hydroxyzine", &["hydralazine", "hydrochlorothiazide"][..]),
        ("renew my hydralazine", "hydralazine", &["hydrochlorothiazide", "hydroxyzine"]),
        ("renew my celebrex", "celecoxib", &["citalopram", "fosphenytoin"]),
        ("renew my lisinopril", "lisinopril 10 mg tablet", &[]),
    ] {
        let got = engine.understand(said, &ctx);
        let slot = got.slots.get("medicine").expect(said);
        assert_eq!(slot.value.told(), value, "{said}");
        let told: Vec<String> = slot.alike.iter().map(SlotValue::told).collect();
        assert!(
            alike.iter().all(|a| told.iter().any(|t| t == a)) && told.is_empty() == alike.is_empty(),
            "{said}: {told:?}"
        );
        assert_eq!(slot.confidence < 0.9, !alike.is_empty(), "{said}");
    }
}

#[test]
fn a_name_that_was_not_asked_for_answers_only_where_it_is_sure() {
    let engine = Engine::lexical(Arc::new(Catalogue::builtin().expect("loads"))).expect("trains");
    for (said, pending, medicine) in [
        ("Someday", "time", None),
        ("carisoprodol", "time", Some("carisoprodol")),
        ("Someday", "medicine", Some("carisoprodol")),
    ] {
        let lists = NameLists::default();
        let asked = Some(Pending { intent: "medicine.remind", slot: Some(pending) });
        let now = Timestamp::UNIX_EPOCH;
        let ctx = Context { channel: "home", pending: asked, lists: &lists, now, zone: &TimeZone::UTC };
        let got = engine.understand(said, &ctx);
        let found = got.slots.get("medicine").map(|slot| slot.value.told());
        assert_eq!(found.as_deref(), medicine, "{said} where {pending} is asked");
    }
}

#[test]
fn nobody_is_no_time() {
    let engine = Engine::lexical(Arc::new(Catalogue::builtin().expect("loads"))).expect("trains");
    for (said, asked, answers) in [
        ("No one.", "time", false),
        ("No one", "date", false),
        ("No, one.", "time", true),
        ("One.", "time", true),
        ("No, at one.", "time", true),
    ] {
        let lists = NameLists::default();
        let pending = Some(Pending { intent: "appointment.book", slot: Some(asked) });
        let now = Timestamp::UNIX_EPOCH;
        let ctx = Context { channel: "home", pending, lists: &lists, now, zone: &TimeZone::UTC };
        let got = engine.understand(said, &ctx);
        let when = got.slots.values().any(|slot| matches!(slot.value, SlotValue::When(_)));
        assert_eq!(when, answers, "{said}");
    }
}

#[test]
fn no_listed_pair_of_medicines_is_turned_into_another() {
    // The sentences decide, so what the classifier learned does not matter.
    let catalogue = Catalogue::builtin().map_err(|e| e.to_string()).expect("loads");
    let engine = Engine { catalogue: Arc::new(catalogue), ..engine() };
    let list: toml::Table = toml::from_str(include_str!("../../actions/medicine/interactions.toml")).expect("it reads");
    let names = |pair: &toml::Value, side: &str| -> Vec<String> {
        pair[side].as_array().expect("names").iter().map(|n| n.as_str().expect("a name").to_owned()).collect()
    };
    let (lists, zone) = (NameLists::default(), TimeZone::UTC);
    let ctx = Context { channel: "room", pending: None, lists: &lists, now: Timestamp::UNIX_EPOCH, zone: &zone };
    let read = |said: &str| {
        let found = engine.understand(said, &ctx);
        let told = |slot: &str| found.slots.get(slot).map(|s| (s.value.told(), s.confidence >= 0.8));
        (found.intent.clone(), told("medicine"), told("medicine2"))
    };
    let (mut wrong, mut pairs) = (Vec::new(), 0);
    for pair in list["pair"].as_array().expect("pairs") {
        for a in names(pair, "a") {
            for b in names(pair, "b") {
                pairs += 1;
                let said = format!("can I take {a} with {b}");
                let want = ("medicine.interaction".to_owned(), Some((a.clone(), true)), Some((b.clone(), true)));
                let got = read(&said);
                if got != want {
                    wrong.push(format!("{said}: {got:?}"));
                }
            }
        }
    }
    assert!(pairs > 390 && wrong.is_empty(), "{} of {pairs}: {wrong:?}", wrong.len());
    for (said, one, other) in [
        ("can I take zoloft and nardil together", "sertraline", "phenelzine"),
        ("can I take marplan with norvir", "isocarboxazid", "ritonavir"),
        ("is it safe to take saint john's wort with rifadin", "st john's wort", "rifampin"),
        // Known, and on no list here.
        ("can I take abemaciclib with verzenio", "abemaciclib", "abemaciclib"),
        ("can I take glargine with fiasp", "insulin glargine", "insulin aspart"),
        ("can I take ibuprofen with my blood thinners", "ibuprofen", "blood thinner"),
        ("can I take my cholesterol pill with my water pill", "cholesterol medicine", "water pill"),
    ] {
        let (_, a, b) = read(said);
        assert_eq!((a, b), (Some((one.to_owned(), true)), Some((other.to_owned(), true))), "{said}");
    }
}
