//! Patterns from the outside: nothing that identifies anybody in an export, nothing told twice though the program is
//! killed, nothing counted of a channel or a person that is not to be.

use std::{
    collections::BTreeSet,
    fs,
    io::Read as _,
    path::Path,
    process::{Command, Stdio},
    time::Duration,
};

use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;
use serde_json::Value;
use wellspoken::{
    actions::Words,
    app::vocabulary::Vocabulary,
    config::{KeysConfig, PatternsConfig},
    nlu::catalogue::Catalogue,
    patterns::{Dice, Item, NoRandomness, Rule, phrases, release},
    policy::{Agreements, Event, JournalEntry, PersonId, Surface, Use},
    records::demo,
    store::{ImportOptions, Store, StoreOptions},
};

use crate::{
    residue,
    support::{self, Speaker, add_demo},
};

fn dice() -> Dice<'static> {
    Dice::new(|bytes| getrandom::fill(bytes).map_err(|_| NoRandomness))
}

/// The eighteen identifiers of Safe Harbor, 45 CFR 164.514(b)(2)(i)(A) to (R), each as somebody might say it to a machine
/// that does not understand, and the pieces that must not be found again.
const IDENTIFIERS: [(&str, &str, &[&str]); 18] = [
    (
        "names",
        "my name is Quillon Zephyrantha and Rosa Delgado is my daughter",
        &["quillon", "zephyrantha", "rosa", "delgado"],
    ),
    (
        "geographic subdivisions",
        "I live on Thistlewhim Lane in Umberfjord zip 12399",
        &["thistlewhim", "umberfjord", "12399"],
    ),
    (
        "dates",
        "I was born on September twenty sixth nineteen fifty one and admitted 11/22/2026",
        &["september", "twenty", "sixth", "fifty", "1951", "2026"],
    ),
    (
        "telephone numbers",
        "call me at 555-0142-7719 or five five five oh one four two",
        &["555", "five", "four", "7719"],
    ),
    ("fax numbers", "fax it to (555) 014-8800", &["8800", "014"]),
    ("electronic mail addresses", "write to quillon.z@umberfjord.example please", &["quillon", "@", "example"]),
    ("social security numbers", "my social is 078-05-1120", &["078", "1120"]),
    ("medical record numbers", "my record number is QZ-77190425", &["qz", "77190425"]),
    ("health plan beneficiary numbers", "member id XPL99120H", &["xpl", "99120"]),
    ("account numbers", "account 4417 1234 5678 9113", &["4417", "9113"]),
    ("certificate or license numbers", "license D12-3456-7890", &["d12", "7890"]),
    ("vehicle identifiers and plates", "my plate is KRELVANE and the VIN 1HGCM82633A004352", &["krelvane", "1hgcm"]),
    ("device identifiers and serial numbers", "pump serial SN-0042-AZ stopped", &["0042", "az"]),
    ("web addresses", "see https://gloamwick.example/me or www.gloamwick.example", &["gloamwick", "https", "www"]),
    ("internet addresses", "from 192.0.2.44 and 2001:db8::44", &["192", "2001", "db8"]),
    ("biometric identifiers", "my voice print is VP7:ombrelith", &["vp7", "ombrelith"]),
    ("full-face photographs", "my picture is IMG_2041.jpg", &["img", "2041", "jpg"]),
    ("any other unique number, characteristic or code", "study code Merrowdown-7", &["merrowdown"]),
];

#[test]
fn none_of_the_eighteen_identifiers_is_ever_told_however_many_say_it() {
    let catalogue = Catalogue::builtin().map_err(|e| e.to_string()).expect("loads");
    let vocabulary = Vocabulary::load(&catalogue);
    // Everybody counts with all they say, so that nothing is left out by chance.
    let rule = Rule { items: 32, epsilon_milli: 100_000, ..Rule::of(&PatternsConfig::default()) };
    for (kind, said, never) in IDENTIFIERS {
        let said = format!("{said} but my refill hurts");
        let items: BTreeSet<Item> = phrases(&said, [])
            .into_iter()
            .map(|words| Item::Phrase { failure: "not-understood".into(), words })
            .collect();
        let people = vec![items; 400];
        let told = release(&people, Some(&rule), &|word| vocabulary.ordinary(word), &mut dice()).expect("bytes");
        let export = serde_json::to_string(&told).expect("JSON").to_lowercase();
        let words: BTreeSet<&str> = told
            .iter()
            .filter_map(|t| match &t.item {
                Item::Phrase { words, .. } => Some(words.split(' ')),
                Item::Turn { .. } => None,
            })
            .flatten()
            .collect();
        for word in never {
            assert!(!words.iter().any(|told| told.contains(word)), "{kind}: {word} in {export}");
        }
        assert!(words.contains("hurts") && words.contains("refill"), "{kind}: the rest is told: {export}");
        // Without the dictionary, a name would be told: so the test can tell.
        let all = release(&people, Some(&rule), &|_| true, &mut dice()).expect("bytes");
        if kind == "names" {
            assert!(serde_json::to_string(&all).expect("JSON").contains("zephyrantha"));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, ..ProptestConfig::default() })]

    #[test]
    fn no_word_of_fewer_than_k_people_ever_leaves(
        people in prop::collection::vec(prop::collection::btree_set(0_u8..12, 0..12), 0..60),
        k in 11_u32..30, items in 1_u32..8, epsilon_milli in 10_u32..50_000,
        // With the second there is hardly a threshold, so that `k` alone holds things back.
        delta in prop_oneof![Just(1e-6), Just(0.9)],
    ) {
        let rule = Rule { people: k, items, epsilon_milli, delta };
        let item = |n: &u8| Item::Phrase { failure: "missed".into(), words: format!("word{n}") };
        let people: Vec<BTreeSet<Item>> = people.iter().map(|words| words.iter().map(item).collect()).collect();
        for told in release(&people, Some(&rule), &|_| true, &mut dice()).expect("bytes") {
            let had = people.iter().filter(|words| words.contains(&told.item)).count();
            prop_assert!(had >= k as usize, "{had} of {k}");
            prop_assert!(told.people >= rule.threshold());
        }
    }

    #[test]
    fn any_words_make_phrases_without_digits_or_signs(text in "\\PC{0,80}", spoken in "\\PC{0,20}") {
        for phrase in phrases(&text, [(spoken.as_str(), "text")]) {
            let plain = phrase.replace("{text}", "");
            prop_assert!(!plain.chars().any(|c| c.is_numeric() && c.is_ascii() || "@/:._-".contains(c)), "{phrase}");
            prop_assert!(phrase.split(' ').count() <= 3);
        }
    }
}

const SAID: &str = "2026-10-01T12:00:00Z";
const OVER: &str = "2026-12-01T12:00:00Z";

fn program(dir: &Path, now: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_wellspoken"));
    command
        .arg("--data-dir")
        .arg(dir.join("data"))
        .arg("--key-file")
        .arg(dir.join("keys/master.key"))
        .args(["--config".as_ref(), dir.join("config.toml").as_os_str()])
        .args(["--now", now]);
    command
}

async fn agreeing(store: &Store, n: usize, at: Timestamp) -> PersonId {
    let all = demo::all(at, &jiff::tz::TimeZone::UTC).expect("demo");
    let mut chart = all.into_iter().next().expect("somebody").1;
    chart.slots.clear();
    chart.identifiers = vec![format!("patterns|{n}")];
    let person = store.import(&chart, ImportOptions::default(), at).await.expect("imported");
    let entry = JournalEntry {
        event: Event::ConsentChanged,
        subject: Some(person.clone()),
        actor: None,
        intent: None,
        channel: "test",
        session: None,
        turn: None,
        closes: None,
        outcome: None,
        at,
    };
    let uses: Agreements = [Use::Improve].into_iter().collect();
    store.set_consent(&person, &uses, None, &entry).await.expect("agreed");
    person
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_at_any_moment_a_release_is_spent_before_it_is_shown_and_never_made_twice() {
    let dir = residue::folder();
    let config = "[patterns]\nepsilon = 10.0\nitems = 2\nbudget = 50.0\n";
    fs::write(dir.path().join("config.toml"), config).expect("written");
    let options = StoreOptions {
        url: dir.path().join("data/wellspoken.db").display().to_string(),
        key_file: dir.path().join("keys/master.key"),
        keys: KeysConfig::default(),
    };
    let said: Timestamp = SAID.parse().expect("a time");
    let store = Store::open(options.clone()).await.expect("opens");
    for n in 0..30 {
        let person = agreeing(&store, n, said).await;
        for period in 0..4 {
            let at = said - SignedDuration::from_hours(24 * 28 * period);
            let words = Item::Phrase { failure: "missed".into(), words: "refill scripts".into() };
            let other = Item::Phrase { failure: "missed".into(), words: "refill".into() };
            store.collect(&person, [words, other], at, 28);
        }
    }
    store.settle_patterns().await;
    let before = store.patterns_status(&PatternsConfig::default(), OVER.parse().expect("a time")).await.expect("read");
    assert_eq!(before.waiting.len(), 4);
    store.close().await;

    let mut shown: Vec<Value> = vec![];
    let mut killed = 0;
    for round in 0..30_u64 {
        let mut child = program(dir.path(), OVER)
            .args(["patterns", "release", "--json"])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("it starts");
        // The last ones may end by themselves.
        if round < 25 {
            std::thread::sleep(Duration::from_millis(15 + round * 55));
            let _ = child.kill();
        }
        let ended = child.wait().expect("it ends");
        killed += u32::from(!ended.success());
        let mut text = String::new();
        child.stdout.take().expect("a pipe").read_to_string(&mut text).expect("text");
        shown.extend(serde_json::from_str::<Value>(text.trim()).ok().map(|whole| whole["release"].clone()));

        let store = Store::open(options.clone()).await.expect("opens");
        let releases = store.pattern_releases().await.expect("read");
        let now = OVER.parse().expect("a time");
        let status = store.patterns_status(&PatternsConfig::default(), now).await.expect("read");
        assert_eq!(releases.len() + status.waiting.len(), 4, "each period waits, or was released: never both or none");
        assert!((status.spent - 10.0 * releases.len() as f64).abs() < 1e-9, "and each was paid for once");
        let kept: Vec<Value> = releases.iter().map(|r| serde_json::to_value(r).expect("JSON")).collect();
        for one in &shown {
            assert!(kept.contains(one), "what was shown is what was spent for: {one}");
        }
        store.close().await;
        if releases.len() == 4 {
            break;
        }
    }
    assert!(killed > 0, "some were killed");
    let export = program(dir.path(), OVER).args(["patterns", "export"]).output().expect("it runs");
    let export: Value = serde_json::from_slice(&export.stdout).expect("JSON");
    assert_eq!(export["releases"].as_array().expect("releases").len(), 4);
    assert!(export.to_string().contains("refill"), "{export}");
    let csv = program(dir.path(), OVER).args(["patterns", "export", "--format", "csv"]).output().expect("it runs");
    let csv = String::from_utf8(csv.stdout).expect("UTF-8");
    let columns: BTreeSet<usize> = csv.lines().map(|line| line.split(',').count()).collect();
    assert_eq!(columns.len(), 1, "{csv}");
    let again = program(dir.path(), OVER).args(["patterns", "release"]).output().expect("it runs");
    assert!(!again.status.success(), "nothing is left to release");
}

#[test]
fn the_attack_prints_both_figures() {
    let dir = residue::folder();
    fs::write(dir.path().join("config.toml"), "").expect("written");
    let out = program(dir.path(), OVER).args(["patterns", "attack", "--trials", "400", "--json"]).output();
    let out = out.expect("it runs");
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    let told: Value = serde_json::from_slice(&out.stdout).expect("JSON");
    for one in told["outcomes"].as_array().expect("outcomes") {
        let accuracy = one["accuracy"].as_f64().expect("a number");
        let (on, bound) = (one["protected"].as_bool().expect("a bool"), one["allowed"].as_f64().expect("a number"));
        assert!(if on { accuracy < bound + 0.1 } else { accuracy > 0.95 }, "{one}");
    }
    assert!(!dir.path().join("data").exists(), "it touches no installation");
    let lowered = "[patterns]\npeople = 5\n";
    fs::write(dir.path().join("config.toml"), lowered).expect("written");
    let out = program(dir.path(), OVER).args(["patterns", "attack"]).output().expect("it runs");
    assert!(!out.status.success() && String::from_utf8_lossy(&out.stderr).contains("patterns.people"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn turns_of_people_who_agreed_are_counted_and_no_others() {
    let scratch = support::empty().await;
    let store = scratch.app.store();
    let rosa = add_demo(&scratch, "rosa-delgado.json", "all", None).await;
    let waiting = async || {
        store.settle_patterns().await;
        let later = support::now() + SignedDuration::from_hours(24 * 60);
        store.patterns_status(&PatternsConfig::default(), later).await.expect("read").waiting.len()
    };
    let mut page = Speaker::new(&scratch.app, Surface::Chat, Some(&rosa));
    page.says("fribble the wumpus sideways").await;
    page.says("what medicines am I on").await;
    assert_eq!(waiting().await, 0, "nothing was agreed to");
    let said = page.says("you can learn from what I say").await;
    let said = format!("{} / {}", said.reply, page.says("yes").await.reply);
    assert!(store.improves(&rosa).await.expect("read"), "{said}");
    Speaker::new(&scratch.app, Surface::ThirdParty, Some(&rosa)).says("fribble the wumpus").await;
    Speaker::new(&scratch.app, Surface::Chat, Some(&rosa)).says("help I can't breathe").await;
    Speaker::new(&scratch.app, Surface::Chat, None).says("fribble the wumpus").await;
    assert_eq!(waiting().await, 0, "nor of a third party's channel, an emergency, or nobody");
    page.says("fribble the wumpus sideways").await;
    assert_eq!(waiting().await, 1);
    let closing = JournalEntry {
        event: Event::Closed,
        subject: Some(rosa.clone()),
        actor: None,
        intent: None,
        channel: "chat",
        session: None,
        turn: None,
        closes: None,
        outcome: Some("done"),
        at: support::now(),
    };
    store.forget_said(&rosa, Words::Everything, &closing).await.expect("deleted");
    assert_eq!(waiting().await, 0, "and it is gone with what was said");
    page.says("fribble the wumpus sideways").await;
    assert_eq!(waiting().await, 1);
    page.says("stop learning from me").await;
    page.says("yes").await;
    assert!(!store.improves(&rosa).await.expect("read"));
    assert_eq!(waiting().await, 0, "and it is gone with the agreement");
}
