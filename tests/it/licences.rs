//! Everything that is linked has a licence that deny.toml allows, and nothing that it bans is linked.

use std::{collections::BTreeSet, process::Command};

use serde_json::Value;

#[test]
fn every_linked_crate_has_an_allowed_licence() {
    let rules = rules();
    let allowed = strings(&rules["licenses"]["allow"]);
    let clarified = |name: &str| {
        let entry = rules["licenses"]["clarify"].as_array()?.iter().find(|c| c["crate"].as_str() == Some(name))?;
        entry["expression"].as_str().map(str::to_owned)
    };
    let excepted = |name: &str| {
        let all = rules["licenses"]["exceptions"].as_array().into_iter().flatten();
        all.filter(|e| e["crate"].as_str() == Some(name)).flat_map(|e| strings(&e["allow"])).collect::<BTreeSet<_>>()
    };
    let mut wrong = vec![];
    for package in linked() {
        let name = package["name"].as_str().expect("a name").to_owned();
        let licence = package["license"].as_str().map(str::to_owned).or_else(|| clarified(&name));
        let here: BTreeSet<String> = allowed.union(&excepted(&name)).cloned().collect();
        if !licence.as_deref().is_some_and(|l| permits(l, &here)) {
            wrong.push(format!("{name}: {}", licence.as_deref().unwrap_or("no licence named")));
        }
    }
    assert!(wrong.is_empty(), "not allowed by deny.toml:\n{}", wrong.join("\n"));
}

#[test]
fn no_banned_crate_is_linked() {
    let banned: BTreeSet<String> = rules()["bans"]["deny"]
        .as_array()
        .expect("bans.deny is a list")
        .iter()
        .map(|b| b["crate"].as_str().expect("a crate's name").to_owned())
        .collect();
    let linked: BTreeSet<String> = linked().iter().filter_map(|p| p["name"].as_str().map(str::to_owned)).collect();
    assert!(linked.len() > 100, "the dependency graph was not read: {} crates", linked.len());
    let both: Vec<_> = banned.intersection(&linked).collect();
    assert!(both.is_empty(), "banned by deny.toml: {both:?}");
}

#[test]
fn licence_expressions_are_read_as_spdx_means_them() {
    let allowed: BTreeSet<String> = ["MIT", "ISC", "Unicode-3.0"].map(str::to_owned).into();
    for (expression, want) in [
        ("MIT", true),
        ("GPL-3.0", false),
        ("GPL-3.0 OR MIT", true),
        ("GPL-3.0/MIT", true),
        ("GPL-3.0 AND MIT", false),
        ("ISC AND MIT", true),
        ("(MIT OR GPL-3.0) AND Unicode-3.0", true),
        ("(MIT OR ISC) AND GPL-3.0", false),
        ("MIT WITH some-exception", false),
        ("", false),
    ] {
        assert_eq!(permits(expression, &allowed), want, "{expression}");
    }
}

/// Whether an SPDX expression can be satisfied with the allowed licences alone. `AND` binds tighter than `OR`;
/// `X WITH Y` is one name.
fn permits(expression: &str, allowed: &BTreeSet<String>) -> bool {
    let spaced = expression.replace('(', " ( ").replace(')', " ) ").replace('/', " OR ");
    let words: Vec<&str> = spaced.split_whitespace().collect();
    let mut at = 0;
    let permitted = either(&words, &mut at, allowed);
    permitted && at == words.len()
}

fn either(words: &[&str], at: &mut usize, allowed: &BTreeSet<String>) -> bool {
    let mut any = both(words, at, allowed);
    while words.get(*at) == Some(&"OR") {
        *at += 1;
        any |= both(words, at, allowed);
    }
    any
}

fn both(words: &[&str], at: &mut usize, allowed: &BTreeSet<String>) -> bool {
    let mut all = one(words, at, allowed);
    while words.get(*at) == Some(&"AND") {
        *at += 1;
        all &= one(words, at, allowed);
    }
    all
}

fn one(words: &[&str], at: &mut usize, allowed: &BTreeSet<String>) -> bool {
    let Some(word) = words.get(*at) else { return false };
    *at += 1;
    if *word == "(" {
        let inside = either(words, at, allowed);
        *at += 1; // the closing bracket
        return inside;
    }
    let mut name = (*word).to_owned();
    if words.get(*at) == Some(&"WITH") {
        name = format!("{name} WITH {}", words.get(*at + 1).copied().unwrap_or_default());
        *at += 2;
    }
    allowed.contains(&name)
}

fn rules() -> Value {
    let text = include_str!("../../deny.toml");
    serde_json::to_value(toml::from_str::<toml::Table>(text).expect("deny.toml is TOML")).expect("TOML fits JSON")
}

fn strings(list: &Value) -> BTreeSet<String> {
    list.as_array().into_iter().flatten().filter_map(|v| v.as_str().map(str::to_owned)).collect()
}

/// Every package that ends up in the program or builds it; what only tests use is left out.
fn linked() -> Vec<Value> {
    let host = std::env::consts::ARCH;
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--locked", "--offline"])
        .args(["--filter-platform", &format!("{host}-unknown-linux-gnu")])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .expect("cargo runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: Value = serde_json::from_slice(&output.stdout).expect("cargo metadata is JSON");
    let nodes = metadata["resolve"]["nodes"].as_array().expect("nodes");
    let mut seen = BTreeSet::new();
    let mut open = vec![metadata["resolve"]["root"].as_str().expect("a root").to_owned()];
    while let Some(id) = open.pop() {
        let node = nodes.iter().find(|n| n["id"] == id.as_str()).expect("every id has a node");
        for dependency in node["deps"].as_array().into_iter().flatten() {
            let kinds = dependency["dep_kinds"].as_array().into_iter().flatten();
            let next = dependency["pkg"].as_str().expect("an id").to_owned();
            if kinds.into_iter().any(|k| k["kind"] != "dev") && seen.insert(next.clone()) {
                open.push(next);
            }
        }
    }
    let packages = metadata["packages"].as_array().expect("packages");
    packages.iter().filter(|p| p["id"].as_str().is_some_and(|id| seen.contains(id))).cloned().collect()
}
