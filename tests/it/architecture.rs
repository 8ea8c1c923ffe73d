//! The shape of the program, checked on its source: which way modules depend on each other, where SQL, native
//! code and the clock may be, and who takes health data out of its wrapper.
//!
//! A rule is one row of a table. Where the code finds a better shape, the row changes and says why.

mod source;

use std::collections::BTreeSet;

use source::Source;

/// Who may use whom. The longest entry that fits a file counts; a module may always use itself.
/// `app`, `cli` and `main` compose the rest and may use everything.
const DIRECTIONS: &[(&str, &[&str])] = &[
    // Nothing local: what is decided cannot hang on what a model, a channel or a database believes.
    ("policy", &[]),
    ("config", &[]),
    // How calls are made, whoever makes them.
    ("outgoing", &[]),
    // The clock and the generator, as a value that tests fix.
    ("ambient", &[]),
    // What devices are told: values, and who is woken.
    ("device", &["policy"]),
    ("asr", &["config", "outgoing"]),
    // What is sent to whom is not decided there.
    ("mail", &["config"]),
    // Counts and noise; which words are numbers.
    ("patterns", &["config", "nlu::numbers"]),
    ("nlu", &["policy"]),
    // Whom a subject stands for is not known there.
    ("oidc", &["config", "outgoing"]),
    // How another organization is asked; whose records they are is not known there.
    ("smart", &["config", "oidc", "fhir"]),
    // Resources and tokens; whose they are is not known there.
    ("fhir", &["config", "outgoing"]),
    // Facts become words; catalogue replies are data.
    ("speech", &["policy", "nlu::catalogue", "actions::Facts"]),
    ("actions", &["policy", "nlu", "records", "fleet::nurse"]),
    ("dialogue", &["policy", "nlu", "actions", "records"]),
    // Implements what the actions ask for, out of the store.
    ("records", &["policy", "actions", "store", "config", "fhir"]),
    ("store", &["policy", "actions", "records", "config", "mail", "outgoing", "patterns", "fleet", "device"]),
    // Messages of the admission system: kept, decided, done. Devices: let in.
    // Calls: told to others, a FHIR server among them.
    ("fleet", &["policy", "ambient", "store", "config", "device", "outgoing", "fhir"]),
    // Places, devices and their settings, of values alone.
    ("fleet::tree", &["policy"]),
    ("fleet::announce", &["policy", "device"]),
    ("fleet::device", &["policy"]),
    ("fleet::settings", &["policy"]),
    ("fleet::presence", &["policy"]),
    ("fleet::csv", &[]),
    ("fleet::roster", &["policy"]),
    ("fleet::authority", &["policy"]),
    // Does what an action ordered, by topics that the action does not know.
    ("fleet::room", &["policy", "config", "actions::room", "records", "store"]),
    // What a message tells and what becomes of it, of values alone.
    ("fleet::adt", &["policy"]),
    // Words, tables and times: who is told of a call, and who next.
    ("fleet::nurse", &["policy"]),
    // Takes changes out of the store to a server, and what came of them back.
    ("outbox", &["policy", "ambient", "config", "actions", "records", "store", "fhir"]),
    // Asks record servers to say what changes, hears them, and looks.
    ("watch", &["policy", "records", "store", "fhir"]),
    (
        "turn",
        &[
            "policy",
            "ambient",
            "asr",
            "config",
            "nlu",
            "dialogue",
            "actions",
            "patterns",
            "records",
            "speech",
            "store",
            "outbox",
            "fleet::room",
            "fleet::nurse",
        ],
    ),
    // The page's own requests: permits, rows and FHIR, no HTTP.
    ("rights", &["policy", "ambient", "actions", "mail", "records", "store", "turn"]),
    // What staff ask for and are answered; a record comes out there against a permit of theirs.
    ("staff", &["policy", "actions", "records", "store", "config", "outgoing", "device", "fleet"]),
    // A person's records elsewhere: permits, rows, and the two clients of an organization.
    ("connect", &["policy", "ambient", "config", "oidc", "smart", "fhir", "records", "store"]),
    // Never the store, never the records: a channel knows turns, what staff ask, credentials and readiness.
    ("channels", &["policy", "turn", "staff", "rights", "connect", "oidc::Answer", "app", "config", "device", "fleet"]),
    // Where somebody stops speaking.
    ("channels::http::stream", &["policy", "turn", "channels", "device", "asr::endpoint"]),
    // Which names of a skill's are which of ours.
    ("channels::alexa", &["policy", "turn", "config", "nlu::alexa", "outgoing"]),
];

/// Crates that belong to one place.
const PLACES: &[(&str, &[&str])] = &[
    ("whisper_rs", &["asr::whisper"]),
    ("sqlx", &["store"]),
    // It panics on some escapes; what is taken from it there avoids them.
    ("hl7kit", &["fleet::adt"]),
    // Packets of MQTT; whoever publishes does not know them.
    ("rumqttc", &["fleet::mqtt"]),
    ("axum", &["channels"]),
    ("tokio_tungstenite", &["channels::http", "cli::device", "cli::bench::fleet"]),
    // Who certifies devices.
    ("rcgen", &["fleet::authority"]),
    ("anyhow", &["cli"]),
    ("clap", &["cli", "main"]),
    // A signature's own randomness is ring's business.
    ("rand", &["ambient", "fhir::key"]),
    // Where calls may go, by which certificates and for how long is decided once.
    ("ureq", &["outgoing", "config"]),
    // Nonces and keys: `Entropy::system`, which tests replace by a seeded generator.
    ("getrandom", &["ambient", "cli", "store::seal"]),
];

/// Calls that belong to one place, as tokens.
const CALLS: &[(&[&str], &[&str])] = &[
    (&["Timestamp", ":", ":", "now"], &["ambient", "cli"]),
    (&["Zoned", ":", ":", "now"], &["ambient", "cli"]),
    (&["SystemTime", ":", ":", "now"], &["ambient", "cli"]),
    (&["Utc", ":", ":", "now"], &["ambient", "cli"]),
    (&["unsafe"], &["asr::whisper"]),
    (&[".", "unwrap", "()"], &[]),
    (&["panic", "!"], &[]),
    (&["todo", "!"], &[]),
    (&["unimplemented", "!"], &[]),
    (&["dbg", "!"], &[]),
    (&["println", "!"], &["cli"]),
    (&["print", "!"], &["cli"]),
    (&["eprintln", "!"], &["cli"]),
    (&["eprint", "!"], &["cli"]),
];

/// Lines of code before the tests. Files longer than this have more than one reason to change.
const LONGEST: usize = 500;

#[test]
fn dependencies_point_one_way() {
    check(source::all().iter().flat_map(wrong_directions));
}

#[test]
fn crates_stay_in_their_place() {
    check(source::all().iter().flat_map(|file| {
        PLACES.iter().flat_map(|(name, places)| misplaced(file, &[name, ":", ":"], places)).collect::<Vec<_>>()
    }));
}

#[test]
fn calls_stay_in_their_place() {
    check(
        source::all()
            .iter()
            .flat_map(|file| CALLS.iter().flat_map(|(call, places)| misplaced(file, call, places)).collect::<Vec<_>>()),
    );
}

#[test]
fn sql_stays_in_the_store() {
    check(source::all().iter().filter(|f| !f.within("store")).flat_map(sql));
}

#[test]
fn health_data_leaves_its_wrapper_only_where_listed() {
    let listed: BTreeSet<String> = include_str!("../reveal.txt")
        .lines()
        .map(str::trim)
        .filter(|l| !l.is_empty() && !l.starts_with('#'))
        .map(str::to_owned)
        .collect();
    let revealing: BTreeSet<String> = source::all().iter().filter(|f| reveals(f)).map(|f| f.path.clone()).collect();
    let new: Vec<_> = revealing.difference(&listed).collect();
    assert!(new.is_empty(), "calls reveal() and is not in tests/reveal.txt: {new:?}. Can an action do it instead?");
    let gone: Vec<_> = listed.difference(&revealing).collect();
    assert!(gone.is_empty(), "no longer calls reveal(); take it off tests/reveal.txt: {gone:?}");
}

#[test]
fn permits_cannot_be_copied_defaulted_or_read_from_outside() {
    let files = source::all();
    let permit = files.iter().find(|f| f.path == "src/policy/permit.rs").expect("src/policy/permit.rs");
    for name in ["Permit", "RecognitionPermit", "RoomPass"] {
        assert_eq!(permit.sequences(&["pub", "struct", name]).len(), 1, "{name} moved; move this test with it");
        for way in ["Clone", "Copy", "Default", "Deserialize", "Serialize", "From", "Debug"] {
            for file in &files {
                let found = file.sequences(&[way, "for", name]);
                assert!(found.is_empty(), "{}:{}: {way} for {name} is a way round the audit row", file.path, found[0]);
            }
        }
    }
    // A derive stands above the struct; only enums and plain data in this file may have one.
    for name in ["Permit", "RecognitionPermit", "RoomPass"] {
        let text = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/src/policy/permit.rs")).expect("read");
        let before = text.split(&format!("pub struct {name} {{")).next().expect("a part");
        let attributes = before.rsplit("\n\n").next().expect("a paragraph");
        assert!(!attributes.contains("derive"), "{name} derives something");
    }
}

#[test]
fn what_holds_a_key_cannot_be_printed_and_wipes_itself() {
    let files = source::all();
    let holders = [
        ("src/store/seal.rs", "DataKey", "Zeroizing"),
        ("src/store/seal.rs", "Root", "Zeroizing"),
        ("src/store/seal.rs", "Wrapping", "Zeroizing"),
        ("src/store/keys.rs", "KeyStore", "Root"),
        ("src/store/keys.rs", "Masters", "Master"),
        ("src/store/keys.rs", "Cache", "DataKey"),
        ("src/store/keys/transit.rs", "Transit", "Agent"),
        ("src/store/keys/unlock.rs", "Unlocked", "Root"),
        ("src/store/audit/sign.rs", "Signer", "Zeroizing"),
        ("src/fhir/key.rs", "ClientKey", "Zeroizing"),
        ("src/fleet/authority.rs", "Authority", "KeyPair"),
        ("src/store/authority.rs", "KeptAuthority", "Zeroizing"),
        ("src/fhir/smart.rs", "Token", "Zeroizing"),
    ];
    for (path, name, holds) in holders {
        let text = std::fs::read_to_string(format!("{}/{path}", env!("CARGO_MANIFEST_DIR"))).expect("read");
        let (before, after) =
            text.split_once(&format!("struct {name}")).unwrap_or_else(|| panic!("{path}: {name} moved"));
        let attributes = before.rsplit("\n\n").next().expect("a paragraph");
        assert!(!attributes.contains("derive"), "{path}: {name} derives something, and it holds a key");
        let body = after.split(['}', ';']).next().expect("a body");
        assert!(body.contains(holds), "{path}: {name} no longer holds {holds}; move this test with it");
        for way in ["Debug", "Display", "Serialize", "LowerHex"] {
            for file in &files {
                let found = file.sequences(&[way, "for", name]);
                assert!(found.is_empty(), "{}:{}: {way} for {name} would print a key", file.path, found[0]);
            }
        }
    }
}

#[test]
fn files_stay_small() {
    let long = source::all().into_iter().filter(|f| f.lines > LONGEST);
    check(
        long.map(|f| {
            format!("{}: {} lines before its tests (at most {LONGEST}); what are its parts?", f.path, f.lines)
        }),
    );
}

#[test]
fn the_rules_notice_what_they_forbid() {
    let at = |path: &str, text: &str| Source::parse(path, text);
    let directions = [
        ("src/policy/x.rs", "use crate::{policy::Phi, store::Store};", true),
        ("src/policy/x.rs", "fn f() { let x = crate::config::Config::default(); }", true),
        ("src/policy.rs", "use super::nlu::Engine;", true),
        ("src/policy/x.rs", "use super::super::nlu::Engine;", true),
        ("src/policy/x.rs", "mod inner { use super::super::super::nlu::Engine; }", true),
        ("src/policy/x.rs", "mod inner { use super::super::Phi; }", false),
        ("src/policy/x.rs", "macro_rules! m { () => { $crate::store::open() } }", true),
        ("src/policy/x.rs", "// use crate::store::Store;\nfn f() { g(\"crate::store::Store\") }", false),
        ("src/policy/x.rs", "#[cfg(test)]\nmod tests { use crate::store::Store; }", false),
        ("src/speech/x.rs", "use crate::actions::{Facts, Plan};", true),
        ("src/speech/x.rs", "use crate::{actions::Facts, nlu::catalogue::Catalogue};", false),
        ("src/channels/http/x.rs", "use crate::records::Records;", true),
        ("src/cli/x.rs", "use crate::records::Records;", false),
        ("src/nowhere/x.rs", "use crate::policy::Phi;", true),
    ];
    for (path, text, wrong) in directions {
        assert_eq!(!wrong_directions(&at(path, text)).is_empty(), wrong, "{path}: {text}");
    }
    let unwrap = at(
        "src/nlu/x.rs",
        "fn f() { g().unwrap(); key.unwrap(name); }\n#[cfg(test)]\nmod t { fn f() { g().unwrap(); } }",
    );
    assert_eq!(misplaced(&unwrap, &[".", "unwrap", "()"], &[]).len(), 1);
    assert_eq!(unwrap.lines, 1);
    assert!(misplaced(&at("src/asr/whisper.rs", "unsafe {}"), &["unsafe"], &["asr::whisper"]).is_empty());
    assert_eq!(sql(&at("src/nlu/x.rs", "const Q: &str = \"SELECT a FROM b\";")).len(), 1);
    assert!(sql(&at("src/nlu/x.rs", "/// SELECT a FROM b\nconst Q: &str = \"please select from these\";")).is_empty());
    assert!(reveals(&at("src/turn.rs", "fn f() { phi.reveal(&permit); }")));
    assert!(reveals(&at("src/turn.rs", "fn f() { phi.map(Phi::reveal); }")));
    assert!(!reveals(&at("src/turn.rs", "/// reveal(x)\nfn f() {}")));
}

fn check(wrong: impl Iterator<Item = String>) {
    let wrong: Vec<String> = wrong.collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn wrong_directions(file: &Source) -> Vec<String> {
    let Some(home) = file.module.first() else { return vec![] };
    if matches!(home.as_str(), "app" | "cli" | "main") {
        return vec![];
    }
    let rule = DIRECTIONS.iter().filter(|(from, _)| file.within(from)).max_by_key(|(from, _)| from.len());
    let Some((_, may)) = rule else {
        return vec![format!("{}: module `{home}` has no row in DIRECTIONS", file.path)];
    };
    let allowed = |path: &[String]| {
        path.first().is_none_or(|top| top == home)
            || may.iter().any(|m| {
                let wanted: Vec<&str> = m.split("::").collect();
                path.len() >= wanted.len() && path.iter().zip(&wanted).all(|(a, b)| a == b)
            })
    };
    let paths = file.local_paths();
    let wrong = paths.iter().filter(|p| !allowed(&p.what));
    wrong.map(|p| format!("{}:{}: `{home}` may not use crate::{}", file.path, p.line, p.what.join("::"))).collect()
}

fn misplaced(file: &Source, tokens: &[&str], places: &[&str]) -> Vec<String> {
    if places.iter().any(|p| file.within(p)) {
        return vec![];
    }
    let name = tokens.concat();
    let allowed = if places.is_empty() { "nowhere but tests".to_owned() } else { places.join(", ") };
    let lines = file.sequences(tokens).into_iter();
    lines.map(|line| format!("{}:{line}: `{name}` belongs in: {allowed}", file.path)).collect()
}

fn sql(file: &Source) -> Vec<String> {
    const STATEMENTS: &[(&str, &str)] = &[
        ("SELECT ", " FROM "),
        ("INSERT INTO ", ""),
        ("UPDATE ", " SET "),
        ("DELETE FROM ", ""),
        ("CREATE TABLE ", ""),
        ("PRAGMA ", ""),
    ];
    let strings = file.strings();
    let wrong = strings.iter().filter(|s| STATEMENTS.iter().any(|(a, b)| s.what.contains(a) && s.what.contains(b)));
    wrong.map(|s| format!("{}:{}: SQL outside src/store", file.path, s.line)).collect()
}

fn reveals(file: &Source) -> bool {
    let ways: [&[&str]; 2] = [&[".", "reveal"], &["Phi", ":", ":", "reveal"]];
    ways.iter().any(|w| !file.sequences(w).is_empty())
}
