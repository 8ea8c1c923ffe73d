//! The chain shows every change to it, and names the entry.

use sqlx::{AssertSqlSafe, Connection};
use wellspoken::{
    policy::{Event, Journal},
    store::{AuditReader, Break, Broken, Store},
};

use super::place::{Place, admitted, entry};

super::on_both!(
    a_whole_chain_is_whole_and_needs_no_key,
    every_changed_column_is_named,
    a_missing_entry_is_named,
    swapped_entries_are_named,
    a_cut_off_end_is_found_by_a_noted_head,
    rows_are_neither_changed_nor_deleted,
    two_writers_make_one_chain,
    an_export_tells_nothing_personal,
);

async fn filled(place: &Place, entries: i64) -> Store {
    let store = place.open().await;
    let person = admitted(&store, None).await;
    for n in 1..entries {
        let id = store.append(entry(Event::Opened, Some(&person), n)).await.expect("durable");
        assert_eq!(id.0, n + 1, "places in the chain follow each other");
    }
    store
}

/// Goes around the triggers, as somebody with the file in their hands can.
pub async fn tamper(place: &Place, statements: &[&str]) {
    let mut raw = place.raw().await;
    let disarm: &[&str] = if place.is_sqlite() {
        &["DROP TRIGGER audit_is_never_changed", "DROP TRIGGER audit_is_never_deleted"]
    } else {
        &["ALTER TABLE audit DISABLE TRIGGER USER"]
    };
    let again = ["DROP TRIGGER IF EXISTS nothing_on_audit"];
    for sql in disarm.iter().chain(statements).chain(if place.is_sqlite() { &again[..] } else { &[] }) {
        let done = sqlx::query(AssertSqlSafe(sql.to_string())).execute(&mut raw).await;
        // The triggers are gone after the first time.
        assert!(done.is_ok() || sql.starts_with("DROP"), "{sql}: {done:?}");
    }
    raw.close().await.expect("closed");
}

async fn a_whole_chain_is_whole_and_needs_no_key(place: Place) {
    let store = filled(&place, 20).await;
    let report = store.audit_verify().await.expect("read");
    assert!(report.whole());
    assert_eq!(report.entries, 20);
    std::fs::remove_file(place.key_file()).expect("removed");
    let reader = AuditReader::open(&place.url).await.expect("opened without a key");
    assert_eq!(reader.verify(None, None).await.expect("read"), report);
}

async fn every_changed_column_is_named(place: Place) {
    let store = filled(&place, 12).await;
    let flipped = if place.is_sqlite() {
        "CAST(X'00' || substr(sealed, 2) AS BLOB)"
    } else {
        "set_byte(sealed, 5, (get_byte(sealed, 5) + 1) % 256)"
    };
    let flip_sealed = format!("sealed = {flipped}");
    let flip_hash = flip_sealed.replace("sealed", "hash");
    let mut n = 12;
    for change in [
        "at = at + 1",
        "event = 'closed'",
        "channel = 'chat'",
        "closes = 1",
        "outcome = NULL",
        "owner = 'x'",
        &flip_sealed,
        &flip_hash,
    ] {
        // From the end, so that the entry changed last is always the first that breaks.
        n -= 1;
        tamper(&place, &[&format!("UPDATE audit SET {change} WHERE seq = {n}")]).await;
        let report = store.audit_verify().await.expect("read");
        assert_eq!(report.broken, Some(Broken { entry: n, how: Break::Changed }), "{change}");
        assert_eq!(report.entries, n - 1);
    }
}

async fn a_missing_entry_is_named(place: Place) {
    let store = filled(&place, 9).await;
    tamper(&place, &["DELETE FROM audit WHERE seq = 7"]).await;
    let report = store.audit_verify().await.expect("read");
    assert_eq!(report.broken, Some(Broken { entry: 7, how: Break::Missing }));
    tamper(&place, &["UPDATE audit SET seq = seq - 1 WHERE seq = 8", "UPDATE audit SET seq = 8 WHERE seq = 9"]).await;
    let report = store.audit_verify().await.expect("read");
    assert_eq!(report.broken, Some(Broken { entry: 7, how: Break::Changed }), "closing the gap does not help");
    tamper(&place, &["DELETE FROM audit WHERE seq = 1"]).await;
    let report = store.audit_verify().await.expect("read");
    assert_eq!(report.broken, Some(Broken { entry: 1, how: Break::Missing }));
}

async fn swapped_entries_are_named(place: Place) {
    let store = filled(&place, 9).await;
    tamper(
        &place,
        &[
            "UPDATE audit SET seq = 100 WHERE seq = 4",
            "UPDATE audit SET seq = 4 WHERE seq = 5",
            "UPDATE audit SET seq = 5 WHERE seq = 100",
        ],
    )
    .await;
    let report = store.audit_verify().await.expect("read");
    assert_eq!(report.broken, Some(Broken { entry: 4, how: Break::Changed }));
}

async fn a_cut_off_end_is_found_by_a_noted_head(place: Place) {
    let store = filled(&place, 9).await;
    let noted: [u8; 32] =
        hex::decode(store.audit_verify().await.expect("read").head).expect("hexadecimal").try_into().expect("a hash");
    let reader = AuditReader::open(&place.url).await.expect("opened");
    assert!(reader.verify(Some(noted), None).await.expect("read").whole());
    store.append(entry(Event::Opened, None, 1)).await.expect("durable");
    assert!(reader.verify(Some(noted), None).await.expect("read").whole(), "a chain that grew still holds it");
    tamper(&place, &["DELETE FROM audit WHERE seq >= 9"]).await;
    let report = reader.verify(Some(noted), None).await.expect("read");
    assert!(report.broken.is_none() && !report.whole());
}

async fn rows_are_neither_changed_nor_deleted(place: Place) {
    filled(&place, 3).await;
    let mut raw = place.raw().await;
    let mut refused = vec!["UPDATE audit SET outcome = 'x'", "DELETE FROM audit", "DELETE FROM audit WHERE seq = 3"];
    if !place.is_sqlite() {
        refused.push("TRUNCATE audit");
    }
    for sql in refused {
        assert!(sqlx::query(sql).execute(&mut raw).await.is_err(), "{sql}");
    }
}

async fn two_writers_make_one_chain(place: Place) {
    let stores = [place.open().await, place.open().await, place.open().await];
    let person = admitted(&stores[0], None).await;
    let all: Vec<_> = (0..24)
        .map(|n| {
            let (store, person) = (stores[n % 3].clone(), person.clone());
            tokio::spawn(async move {
                for k in 0..10 {
                    store.append(entry(Event::Opened, Some(&person), k)).await.expect("durable");
                }
            })
        })
        .collect();
    for task in all {
        task.await.expect("ran");
    }
    let report = stores[1].audit_verify().await.expect("read");
    assert!(report.whole(), "{report:?}");
    assert_eq!(report.entries, 241);
}

async fn an_export_tells_nothing_personal(place: Place) {
    let _store = filled(&place, 5).await;
    let mut lines = vec![];
    let reader = AuditReader::open(&place.url).await.expect("opened without a key");
    assert_eq!(reader.outline(&mut lines).await.expect("written"), 5);
    let text = String::from_utf8(lines).expect("text");
    for line in text.lines() {
        let line: serde_json::Value = serde_json::from_str(line).expect("JSON");
        let mut fields: Vec<_> = line.as_object().expect("an object").keys().map(String::as_str).collect();
        fields.retain(|f| !["closes", "outcome"].contains(f));
        assert_eq!(fields, ["at", "channel", "entry", "event", "hash"]);
    }
    assert!(!text.contains("prescription.status"));
}
