//! What is in clear (nothing of anybody), and what a missing, wrong or destroyed key means.

use std::{collections::BTreeSet, fs, os::unix::fs::PermissionsExt, path::Path};

use sqlx::{AssertSqlSafe, Connection, Row};
use wellspoken::{
    actions::Change,
    policy::Event,
    records::Prescription,
    store::{ChartKind, Grant, KeyOwner, Store, StoreError, StoreOptions, TurnCommit, keys::KeyError},
};

use super::place::{CANARIES, Place, admitted, at, commit, entry, permit, renew, room, slot};

super::on_both!(
    nothing_personal_is_in_clear,
    a_destroyed_key_is_gone,
    a_missing_wrong_short_or_open_key_file_is_named_and_changes_nothing,
    a_value_moved_to_another_row_does_not_open,
);

async fn fill(store: &Store) -> wellspoken::policy::PersonId {
    let person = admitted(store, Some("412")).await;
    let stay = store.occupant(&room("412")).await.expect("read").expect("somebody").stay;
    let changes = vec![
        renew("rx-1"),
        Change::Book { slot: slot(1), reason: Some("my secret need".into()) },
        Change::CallNurse { room: room("412"), need: "my secret need".into(), emergency: false },
    ];
    let said = TurnCommit {
        owner: KeyOwner::Stay(stay),
        session_state: CANARIES.join(" ").into_bytes(),
        answer: CANARIES.join(" ").into_bytes(),
        ..commit("t1", &person, changes)
    };
    store.commit(said).await.expect("committed");
    let grant = Grant {
        surface: wellspoken::policy::Surface::Chat,
        person: Some(person.clone()),
        label: "Quetzalina".into(),
        one_time: false,
        expires: at(100),
    };
    store.issue(&grant, "the-token-itself", at(0)).await.expect("issued");
    let id = store.board(None).await.expect("read")[0].id.clone();
    store.acknowledge(&id, "Dr. Wombat", at(20)).await.expect("acknowledged");
    wellspoken::policy::Journal::append(store, entry(Event::Opened, Some(&person), 3)).await.expect("durable");
    person
}

async fn nothing_personal_is_in_clear(place: Place) {
    let store = place.open().await;
    let person = fill(&store).await;
    let mut bytes = dump(&place).await;
    for file in fs::read_dir(place.key_store()).expect("a folder") {
        let file = file.expect("a file");
        bytes.extend(file.file_name().as_encoded_bytes());
        bytes.extend(fs::read(file.path()).expect("read"));
        assert_eq!(file.metadata().expect("there").permissions().mode() & 0o777, 0o600);
    }
    assert!(find(&bytes, b"slot-1"), "the dump holds what is in clear");
    for canary in CANARIES.iter().copied().chain(["the-token-itself", "prescription.status", "rx-1"]) {
        assert!(!find(&bytes, canary.as_bytes()), "{canary}");
    }
    assert!(!find(&fs::read(place.key_file()).expect("read"), person.as_str().as_bytes()));
    if place.is_sqlite() {
        for end in ["", "-wal", "-shm"] {
            let mode = fs::metadata(format!("{}{end}", place.url)).expect("there").permissions().mode();
            assert_eq!(mode & 0o777, 0o600, "{end}");
        }
    }
}

/// Everything the database keeps.
pub(super) async fn dump(place: &Place) -> Vec<u8> {
    let mut bytes = vec![];
    if place.is_sqlite() {
        for end in ["", "-wal"] {
            bytes.extend(fs::read(format!("{}{end}", place.url)).expect("read"));
        }
        return bytes;
    }
    let mut raw = place.raw().await;
    let tables = sqlx::query("SELECT CAST(tablename AS TEXT) FROM pg_tables WHERE schemaname = 'public'");
    for table in tables.fetch_all(&mut raw).await.expect("read") {
        let table: String = table.get(0);
        // Text of each row, and the bytes of binary columns, which a row's text shows as hexadecimal digits.
        let rows = sqlx::query(AssertSqlSafe(format!("SELECT CAST(t AS TEXT) FROM {table} t")));
        for row in rows.fetch_all(&mut raw).await.expect("read") {
            let text: String = row.get(0);
            bytes.extend(text.split("\\x").skip(1).flat_map(|part| {
                let digits: String = part.chars().take_while(char::is_ascii_hexdigit).collect();
                hex::decode(&digits[..digits.len() / 2 * 2]).unwrap_or_default()
            }));
            bytes.extend(text.into_bytes());
        }
    }
    bytes
}

pub(super) fn find(bytes: &[u8], what: &[u8]) -> bool {
    bytes.windows(what.len()).any(|window| window == what)
}

async fn a_destroyed_key_is_gone(place: Place) {
    let store = place.open().await;
    let person = fill(&store).await;
    let other = place.open().await;
    let read = || other.chart_rows::<Prescription>(&person, ChartKind::Prescriptions);
    assert!(read().await.is_ok());
    let stay = store.occupant(&room("412")).await.expect("read").expect("somebody").stay;
    let backup = backup(&place).await;
    let restored = Store::open(StoreOptions { url: backup.clone(), ..place.options() }).await.expect("opens");
    assert_eq!(unreadable(&restored, &backup, &place, &person).await, BTreeSet::new(), "until then it can be read");
    restored.close().await;
    assert!(store.destroy_person(&person, "test", at(50)).await.expect("destroyed"));
    assert!(!store.destroy_person(&person, "test", at(50)).await.expect("once"));
    assert!(!store.destroy_stay(&stay, "test", at(50)).await.expect("the stay went with it"));
    assert!(matches!(read().await.err(), Some(StoreError::Key(e)) if matches!(*e, KeyError::Gone)), "the cache too");
    assert!(other.renewals(&person).await.is_err() && other.booked_visits(&person).await.is_err());
    assert!(other.consent(&person).await.is_err());
    assert!(other.audit_verify().await.expect("needs no key").whole());
    let restored = Store::open(StoreOptions { url: backup.clone(), ..place.options() }).await.expect("opens");
    assert!(restored.person_exists(&person).await.expect("the row is in the backup"));
    let gone = unreadable(&restored, &backup, &place, &person).await;
    let all = ["audit", "chart", "person", "renewal", "request", "room", "session", "turn", "visit"];
    assert_eq!(gone.iter().map(String::as_str).collect::<Vec<_>>(), all, "everything of theirs");
    assert!(restored.audit_verify().await.expect("read").whole());
    // And the room takes in the next one.
    let mut next = super::place::chart("metformin");
    next.identifiers = vec!["urn:hospital|next".into()];
    let options = wellspoken::store::ImportOptions { room: Some(room("412")), ..Default::default() };
    restored.import(&next, options, at(60)).await.expect("imported");
}

/// The tables that hold something of the person's, in this copy, whose key is not there.
async fn unreadable(
    store: &Store,
    url: &str,
    place: &Place,
    person: &wellspoken::policy::PersonId,
) -> BTreeSet<String> {
    let read = store.chart_rows::<Prescription>(person, ChartKind::Prescriptions).await;
    let gone = matches!(&read, Err(StoreError::Key(e)) if matches!(**e, KeyError::Gone));
    assert_eq!(read.is_err(), gone);
    for failed in [
        store.consent(person).await.is_err(),
        store.renewals(person).await.is_err(),
        store.booked_visits(person).await.is_err(),
        store
            .try_pin(
                person,
                "47118842",
                &super::place::entry(wellspoken::policy::Event::Identified, Some(person), 9),
                super::place::at(9),
            )
            .await
            .is_err(),
        store.occupant(&room("412")).await.expect("read").is_none(),
    ] {
        assert_eq!(failed, gone);
    }
    sqlx::any::install_default_drivers();
    let address = if place.is_sqlite() { format!("sqlite://{url}") } else { url.to_owned() };
    let mut raw = sqlx::AnyConnection::connect(&address).await.expect("the database answers");
    let mut tables = BTreeSet::new();
    for table in ["audit", "chart", "person", "renewal", "request", "room", "session", "turn", "visit", "credential"] {
        let rows = sqlx::query(AssertSqlSafe(format!("SELECT owner FROM {table}"))).fetch_all(&mut raw).await;
        for row in rows.expect("read") {
            let owner: String = row.get(0);
            if !place.key_store().join(format!("{owner}.key")).exists() && tables.insert(table.to_owned()) {
                assert!(gone, "{table}");
            }
        }
    }
    tables.remove("credential");
    tables
}

/// A copy of the database, made as backups are: without the key store.
async fn backup(place: &Place) -> String {
    if !place.is_sqlite() {
        return crate::postgres::copy(&place.url).await;
    }
    let copy = place.dir.path().join("backup.db");
    for end in ["", "-wal"] {
        fs::copy(format!("{}{end}", place.url), format!("{}{end}", copy.display())).expect("copied");
    }
    copy.to_str().expect("plain path").to_owned()
}

async fn a_missing_wrong_short_or_open_key_file_is_named_and_changes_nothing(place: Place) {
    let store = place.open().await;
    let person = fill(&store).await;
    let head = store.audit_verify().await.expect("read");
    store.close().await;
    let key = fs::read(place.key_file()).expect("read");
    let write = |bytes: &[u8]| {
        fs::write(place.key_file(), bytes).expect("written");
        fs::set_permissions(place.key_file(), fs::Permissions::from_mode(0o600)).expect("set");
    };
    let refused = async |said: &'static str| {
        let error = Store::open(place.options()).await.err().unwrap_or_else(|| panic!("{said}: opened"));
        assert!(error.to_string().contains(said), "{error}");
        assert!(error.to_string().contains("master.key"), "{error}");
    };
    fs::remove_file(place.key_file()).expect("removed");
    refused("is missing").await;
    assert!(!place.key_file().exists(), "no new key beside an old database");
    write(&[9; 32]);
    refused("not the one this database was made with").await;
    write(&key[..31]);
    refused("31 bytes").await;
    write(&key);
    fs::set_permissions(place.key_file(), fs::Permissions::from_mode(0o644)).expect("set");
    refused("chmod 600").await;
    write(&key);
    let store = place.open().await;
    assert_eq!(store.audit_verify().await.expect("read").head, head.head, "nothing was changed");
    let rows = store.chart_rows::<Prescription>(&person, ChartKind::Prescriptions).await.expect("read");
    assert_eq!(rows.reveal(&permit(&store, &person).await).expect("theirs").len(), 1);
    if place.is_sqlite() {
        let fresh = StoreOptions {
            url: place.dir.path().join("fresh.db").to_str().expect("plain path").to_owned(),
            key_file: place.dir.path().join("short.key"),
            ..place.options()
        };
        fs::write(&fresh.key_file, b"short").expect("written");
        fs::set_permissions(&fresh.key_file, fs::Permissions::from_mode(0o600)).expect("set");
        assert!(Store::open(fresh.clone()).await.is_err());
        assert!(!Path::new(&fresh.url).exists(), "no empty database is left behind");
    }
}

async fn a_value_moved_to_another_row_does_not_open(place: Place) {
    let store = place.open().await;
    let person = fill(&store).await;
    let mut raw = place.raw().await;
    let moved = "UPDATE chart SET sealed = (SELECT c.sealed FROM chart c WHERE c.kind = 'providers' AND c.owner = chart.owner) \
                 WHERE kind = 'prescriptions'";
    assert_eq!(sqlx::query(moved).execute(&mut raw).await.expect("moved").rows_affected(), 1);
    raw.close().await.expect("closed");
    let read = store.chart_rows::<Prescription>(&person, ChartKind::Prescriptions).await;
    assert!(matches!(read.err(), Some(StoreError::Damaged(_))));
}
