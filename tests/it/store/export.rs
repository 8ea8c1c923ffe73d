//! An export of the audit chain: FHIR AuditEvents that anybody with the public key can check. Bytes are flipped,
//! lines swapped, dropped, added and cut off; what is caught is counted.

use sha2::{Digest, Sha256};
use sqlx::{AssertSqlSafe, Connection, Row};
use wellspoken::{
    policy::{Event, Journal, JournalEntry},
    store::{AuditReader, Break, Broken, ExportOptions, ExportReport, Misfit, PublicKey, Store, verify_export},
};

use super::{
    audit::tamper,
    place::{Place, admitted, at, credential, entry},
};

super::on_both!(
    an_export_verifies_with_the_public_key_alone,
    rows_made_to_fit_again_are_not_what_was_signed,
    an_end_cut_off_before_a_signed_head_is_found,
    a_thousand_rows_are_signed_without_being_asked,
    signed_heads_are_neither_changed_nor_deleted,
    a_part_of_the_chain_is_exported_by_time,
    what_a_destroyed_key_sealed_is_exported_without_it,
);

async fn filled(place: &Place, entries: i64) -> Store {
    let store = place.open().await;
    let person = admitted(&store, None).await;
    for n in 1..entries {
        store.append(entry(Event::Opened, Some(&person), n)).await.expect("durable");
    }
    store
}

fn options(bundle: bool) -> ExportOptions {
    let (by, organization) = ("uid 7".into(), "the ward".into());
    ExportOptions { from: None, to: None, bundle, by, organization, at: at(1000) }
}

async fn exported(store: &Store, options: &ExportOptions) -> Vec<u8> {
    let mut out = vec![];
    store.audit_export(options, &mut out).await.expect("exported");
    out
}

fn checked(export: &[u8], key: &PublicKey) -> ExportReport {
    verify_export(export, key).expect("read from memory")
}

async fn an_export_verifies_with_the_public_key_alone(place: Place) {
    let store = filled(&place, 12).await;
    let key = PublicKey::parse(&store.audit_public_key().pem()).expect("what it printed");
    for bundle in [false, true] {
        let export = exported(&store, &options(bundle)).await;
        let report = checked(&export, &key);
        let entries = if bundle { 14 } else { 13 };
        assert_eq!((report.first, report.last, report.broken), (1, entries, None), "its own row is in it");
        assert!(report.checkpoints >= 1, "the head is signed");
        assert_eq!(report.head, store.audit_verify().await.expect("read").head);
    }
    let (elsewhere, _dir) = {
        let other = Place::sqlite();
        (other.open().await.audit_public_key(), other.dir)
    };
    let export = exported(&store, &options(false)).await;
    assert_eq!(checked(&export, &elsewhere).broken, Some(Misfit::Changed(1)), "another installation's key");
    let reader = AuditReader::open(&place.url).await.expect("opened");
    assert!(reader.verify(None, Some(&key)).await.expect("read").whole());
    assert!(!reader.verify(None, Some(&elsewhere)).await.expect("read").whole());
}

/// Where each line of an export begins, and the entry whose place it is.
fn lines(export: &[u8], bundle: bool) -> Vec<(usize, i64)> {
    let mut starts = vec![0];
    starts.extend(export.iter().enumerate().filter(|(_, b)| **b == b'\n').map(|(n, _)| n + 1));
    let first = i64::from(!bundle);
    // The frame of a Bundle stands before the first entry and behind the last.
    starts.into_iter().enumerate().map(|(n, start)| (start, (n as i64 + first).max(1))).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_flipped_byte_is_caught_and_its_entry_named() {
    let place = Place::sqlite();
    let store = filled(&place, 2).await;
    let key = store.audit_public_key();
    let (mut flipped, mut caught, mut named) = (0, 0, 0);
    for bundle in [false, true] {
        let export = exported(&store, &options(bundle)).await;
        assert_eq!(checked(&export, &key).broken, None);
        let lines = lines(&export, bundle);
        let last = lines.len() as i64;
        for n in 0..export.len() {
            let (_, place) = lines[lines.partition_point(|(start, _)| *start <= n) - 1];
            for bit in if bundle { &[0x01][..] } else { &[0x01, 0x20][..] } {
                let mut changed = export.clone();
                changed[n] ^= bit;
                flipped += 1;
                let Some(misfit) = checked(&changed, &key).broken else { continue };
                caught += 1;
                named += usize::from(match misfit {
                    // The end of the line before is the place of the next entry only once that line is done.
                    Misfit::Changed(entry) => entry == place || place >= last - 2,
                    Misfit::Added(_) | Misfit::CutOff(_) => place >= last - 2,
                    Misfit::Missing(_) | Misfit::NotAsSigned(_) => false,
                });
            }
        }
    }
    assert_eq!((caught, named), (flipped, flipped), "of {flipped} flipped bits");
    assert!(flipped > 15_000, "{flipped}");
    println!("flipped {flipped}, caught {caught}, named {named}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn swapped_dropped_repeated_and_cut_off_lines_are_caught_and_named() {
    let place = Place::sqlite();
    let store = filled(&place, 20).await;
    let key = store.audit_public_key();
    let export = String::from_utf8(exported(&store, &options(false)).await).expect("text");
    let all: Vec<&str> = export.lines().collect();
    let (entries, end) = (all.len() - 1, all.len() as i64 - 1);
    let broken = |lines: &[&str]| checked((lines.join("\n") + "\n").as_bytes(), &key).broken;
    assert_eq!(broken(&all), None);
    let mut tried = 0;
    for a in 0..entries {
        for b in a + 1..entries {
            let mut lines = all.clone();
            lines.swap(a, b);
            // A later entry in the first place looks like the beginning of a later export, until the next line.
            let place = if a == 0 { b as i64 + 2 } else { a as i64 + 1 };
            let found = broken(&lines);
            assert!(matches!(found, Some(Misfit::Missing(n)) if n == place), "{a} and {b}: {found:?}");
            tried += 1;
        }
        let mut dropped = all.clone();
        dropped.remove(a);
        assert_eq!(broken(&dropped), Some(Misfit::Missing(a as i64 + 1)));
        let mut repeated = all.clone();
        repeated.insert(a, all[a]);
        assert_eq!(broken(&repeated), Some(Misfit::Missing(a as i64 + 2)));
        let before: String = all[..a].iter().map(|line| format!("{line}\n")).collect();
        assert_eq!(checked(before.as_bytes(), &key).broken, Some(Misfit::CutOff(a as i64)));
        let mut cut = all[..a].to_vec();
        cut.push(all[entries]);
        assert_eq!(broken(&cut), Some(Misfit::Missing(a as i64 + 1)), "with the last line kept");
        tried += 4;
    }
    assert_eq!(broken(&[&all[..], &all[entries..]].concat()), Some(Misfit::Added(end)));
    assert_eq!(broken(&[&all[..], &all[..1]].concat()), Some(Misfit::Added(end)));
    let bytes = export.as_bytes();
    for cut in (0..bytes.len()).step_by(23) {
        assert!(checked(&bytes[..cut], &key).broken.is_some(), "cut at byte {cut} of {}", bytes.len());
    }
    println!("swapped, dropped, repeated, cut: {tried} tried and caught, and {} cuts in a line", bytes.len() / 23);
}

/// A hash as the chain makes it, so that a test can do what an attacker can.
fn hash_of(row: &sqlx::any::AnyRow, outcome: &str, before: &[u8]) -> Vec<u8> {
    let mut hash = Sha256::new();
    let mut part = |bytes: &[u8]| {
        hash.update((bytes.len() as u64).to_be_bytes());
        hash.update(bytes);
    };
    part(b"wellspoken audit 1");
    part(before);
    part(&row.get::<i64, _>("seq").to_be_bytes());
    part(&row.get::<i64, _>("at").to_be_bytes());
    part(row.get::<String, _>("event").as_bytes());
    part(row.get::<String, _>("channel").as_bytes());
    part(&row.get::<Option<i64>, _>("closes").map_or(vec![], |n| n.to_be_bytes().to_vec()));
    hash.update([1]);
    let mut part = |bytes: &[u8]| {
        hash.update((bytes.len() as u64).to_be_bytes());
        hash.update(bytes);
    };
    part(outcome.as_bytes());
    part(row.get::<String, _>("owner").as_bytes());
    part(&row.get::<Vec<u8>, _>("sealed"));
    hash.finalize().to_vec()
}

async fn rows_made_to_fit_again_are_not_what_was_signed(place: Place) {
    let store = filled(&place, 9).await;
    let key = store.audit_public_key();
    exported(&store, &options(false)).await;
    let mut raw = place.raw().await;
    let rows = sqlx::query("SELECT * FROM audit ORDER BY seq").fetch_all(&mut raw).await.expect("read");
    raw.close().await.expect("closed");
    // From entry 5 on another outcome, and every hash made anew.
    let mut before: Vec<u8> = rows[3].get("hash");
    let mut changes = vec![];
    for row in &rows[4..] {
        let seq: i64 = row.get("seq");
        let hash = hash_of(row, "nothing", &before);
        let literal = if place.is_sqlite() {
            format!("X'{}'", hex::encode(&hash))
        } else {
            format!("'\\x{}'", hex::encode(&hash))
        };
        changes.push(format!("UPDATE audit SET outcome = 'nothing', hash = {literal} WHERE seq = {seq}"));
        before = hash;
    }
    tamper(&place, &changes.iter().map(String::as_str).collect::<Vec<_>>()).await;
    let report = store.audit_verify().await.expect("read");
    assert_eq!(
        report.broken,
        Some(Broken { entry: 10, how: Break::NotAsSigned }),
        "the hashes fit, the signature does not"
    );
    let mut out = vec![];
    let error = store.audit_export(&options(false), &mut out).await.expect_err("not exported");
    assert!(error.to_string().contains("broken at entry"), "{error}");
    assert!(checked(&out, &key).broken.is_some(), "what was written so far is no export");
}

async fn an_end_cut_off_before_a_signed_head_is_found(place: Place) {
    let store = filled(&place, 9).await;
    store.close().await;
    tamper(&place, &["DELETE FROM audit WHERE seq >= 7"]).await;
    let reader = AuditReader::open(&place.url).await.expect("opened");
    let report = reader.verify(None, None).await.expect("read");
    assert_eq!(report.broken, Some(Broken { entry: 7, how: Break::Missing }), "without a noted head");
}

async fn a_thousand_rows_are_signed_without_being_asked(place: Place) {
    let store = place.open().await;
    let person = admitted(&store, None).await;
    let tasks: Vec<_> = (0..20)
        .map(|_| {
            let (store, person) = (store.clone(), person.clone());
            tokio::spawn(async move {
                for n in 0..51 {
                    store.append(entry(Event::Opened, Some(&person), n)).await.expect("durable");
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.expect("ran");
    }
    store.append(entry(Event::Opened, Some(&person), 1)).await.expect("and the writer is through with them");
    let report = store.audit_verify().await.expect("read");
    assert!(report.whole() && report.checkpoints == 1, "{report:?}");
}

async fn signed_heads_are_neither_changed_nor_deleted(place: Place) {
    filled(&place, 3).await.close().await;
    let mut raw = place.raw().await;
    let count = sqlx::query("SELECT seq FROM checkpoint").fetch_all(&mut raw).await.expect("read").len();
    assert_eq!(count, 1, "the end is signed when the program ends");
    for sql in ["UPDATE checkpoint SET seq = 9", "DELETE FROM checkpoint"] {
        assert!(sqlx::query(AssertSqlSafe(sql)).execute(&mut raw).await.is_err(), "{sql}");
    }
}

async fn a_part_of_the_chain_is_exported_by_time(place: Place) {
    let store = filled(&place, 12).await;
    let key = store.audit_public_key();
    let part = ExportOptions { from: Some(at(4)), to: Some(at(8)), ..options(false) };
    let report = checked(&exported(&store, &part).await, &key);
    // Entry n + 1 is of second n.
    assert_eq!((report.first, report.last, report.broken), (5, 8, None));
    let none = ExportOptions { from: Some(at(5000)), ..options(false) };
    let report = checked(&exported(&store, &none).await, &key);
    assert_eq!((report.first, report.last, report.broken), (0, 0, None));
    let text = String::from_utf8(exported(&store, &part).await).expect("text");
    let kept: Vec<&str> = text.lines().skip(1).collect();
    let report = checked((kept.join("\n") + "\n").as_bytes(), &key);
    assert_eq!(report.broken, Some(Misfit::Missing(5)), "its first entry was taken out");
}

async fn what_a_destroyed_key_sealed_is_exported_without_it(place: Place) {
    let store = filled(&place, 5).await;
    let person = admitted(&store, None).await;
    assert!(store.destroy_person(&person, "uid 7", at(60)).await.expect("destroyed"));
    let text = String::from_utf8(exported(&store, &options(false)).await).expect("text");
    assert_eq!(checked(text.as_bytes(), &store.audit_public_key()).broken, None);
    assert!(!text.contains(person.as_str()) && !text.contains("prescription.status"), "unreadable is unreadable");
    assert_eq!(text.matches("unreadable: the key was destroyed").count(), 6 * 2, "as agent and as entity");
    assert!(text.contains("destroying") && text.contains("\"outcomeDesc\":\"destroyed\"") && text.contains("uid 7"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn entries_follow_the_basic_audit_log_patterns() {
    let place = Place::sqlite();
    let store = place.open().await;
    let person = admitted(&store, None).await;
    let events = [
        (Event::Opened, "110106", "R"),
        (Event::Recognized, "110106", "R"),
        (Event::Closed, "110110", "R"),
        (Event::Refused, "110113", "E"),
        (Event::Urgent, "110110", "C"),
        (Event::Imported, "110107", "C"),
        (Event::ConsentChanged, "110110", "U"),
        (Event::Credential, "110113", "E"),
        (Event::Progressed, "110110", "U"),
        (Event::Keys, "110113", "E"),
        (Event::AuditRead, "110101", "R"),
    ];
    for (n, (event, ..)) in events.iter().enumerate() {
        store.append(entry(*event, Some(&person), n as i64)).await.expect("durable");
    }
    store
        .append(JournalEntry { outcome: Some("done"), ..entry(Event::Closed, Some(&person), 1) })
        .await
        .expect("durable");
    store.append(entry(Event::Credential, None, 1)).await.expect("durable");
    let bundle: serde_json::Value = serde_json::from_slice(&exported(&store, &options(true)).await).expect("JSON");
    assert_eq!((&bundle["resourceType"], &bundle["type"]), (&"Bundle".into(), &"collection".into()));
    let all: Vec<_> = bundle["entry"].as_array().expect("a list").iter().map(|e| &e["resource"]).collect();
    for event in &all {
        // What FHIR R4 requires of an AuditEvent.
        assert_eq!(event["resourceType"], "AuditEvent");
        assert!(event["type"]["code"].is_string() && event["source"]["observer"].is_object());
        assert!(event["recorded"].as_str().expect("a time").parse::<jiff::Timestamp>().is_ok());
        let agents = event["agent"].as_array().expect("agents");
        assert!(!agents.is_empty() && agents.iter().all(|agent| agent["requestor"].is_boolean()));
        assert_eq!(agents.iter().filter(|agent| agent["requestor"] == true).count(), 1, "one asked");
        for entity in event["entity"].as_array().unwrap_or(&vec![]) {
            assert!(entity["name"].is_null() || entity["query"].is_null());
        }
    }
    for (event, (kind, code, action)) in all[1..].iter().zip(events) {
        assert_eq!((&event["type"]["code"], &event["action"]), (&code.into(), &action.into()), "{}", kind.name());
        assert_eq!(event["outcome"], if kind == Event::Refused { "8" } else { "0" });
        assert!(event["purposeOfEvent"][0]["coding"][0]["code"].is_string());
        let patient = event["entity"].as_array().expect("a list").iter().find(|e| e["role"]["code"] == "1");
        assert_eq!(patient.expect("the patient")["what"]["reference"], format!("Patient/{}", person.as_str()));
        if code != "110106" {
            continue;
        }
        // A Privacy Disclosure at its source, as it says it is.
        assert!(event["meta"]["profile"][0].as_str().expect("a profile").ends_with("PrivacyDisclosure.Source"));
        assert_eq!(event["subtype"][0]["code"], "disclose");
        let agent = |code: &str| {
            let of_code = |a: &&serde_json::Value| a["type"]["coding"][0]["code"] == code;
            event["agent"].as_array().expect("a list").iter().find(of_code).expect("an agent").clone()
        };
        assert_eq!(agent("110153")["who"], event["source"]["observer"], "the source is who recorded it");
        assert!(agent("110153")["network"]["address"].is_string() && agent("110152")["network"]["address"].is_string());
        assert_eq!(agent("110152")["who"]["identifier"]["value"], credential("cred").as_str());
        assert!(event["entity"].as_array().expect("a list").len() >= 2, "the patient and what it was about");
        assert_eq!(event["entity"][1]["what"]["display"], "prescription.status");
    }
    let updated = all.iter().find(|e| e["outcomeDesc"] == "done").expect("there");
    assert_eq!(updated["action"], "U");
}
