//! Backups: what comes back is what was there; anything else is refused and named, and leaves nothing.

use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
};

use wellspoken::{
    actions::Change,
    policy::PersonId,
    store::{BackupError, BackupOptions, Manifest, PublicKey, ReadBack, RestoreOptions, Store, StoreOptions, restore},
};

use super::place::{Place, admitted, at, commit, room};
use crate::postgres as server;

super::on_both!(
    what_comes_back_is_what_was_there,
    a_backup_that_is_not_what_was_made_is_refused_and_named,
    nothing_is_ever_written_over,
    a_key_destroyed_after_the_backup_stays_destroyed,
    a_broken_chain_is_not_backed_up,
);

fn entries(folder: &Path) -> Vec<PathBuf> {
    let mut all: Vec<_> = fs::read_dir(folder).expect("a folder").map(|e| e.expect("an entry").path()).collect();
    all.sort();
    all
}

async fn backup(place: &Place, store: &Store, name: &str) -> Result<(PathBuf, Manifest), BackupError> {
    let folder = place.dir.path().join("backups");
    fs::create_dir_all(&folder).expect("made");
    let to = folder.join(name);
    let made = store.back_up(BackupOptions { to: &to, by: "uid 7", at: at(50), tools: None }).await;
    made.map(|manifest| (to, manifest))
}

/// A place to restore to, of the same kind, under the same keys.
async fn elsewhere(place: &Place, name: &str) -> StoreOptions {
    let url = if place.is_sqlite() {
        place.dir.path().join(name).join("restored.db").display().to_string()
    } else {
        server::database().await
    };
    StoreOptions { url, ..place.options() }
}

fn plan(from: &Path, into: &StoreOptions) -> RestoreOptions {
    RestoreOptions { from: from.to_owned(), into: into.clone(), public_key: None, tools: None }
}

async fn filled(place: &Place) -> (Store, PersonId) {
    let store = place.open().await;
    let person = admitted(&store, None).await;
    for n in 0..20 {
        store.commit(commit(&format!("t{n}"), &person, vec![])).await.expect("committed");
    }
    // Rows that are sealed on ways of their own.
    let asks = |need: &str| Change::CallNurse { room: room("412"), need: need.into(), emergency: false };
    let quiet = Change::Quiet { quiet: Default::default() };
    for (turn, changes) in [("asks", vec![asks("water")]), ("again", vec![asks("water"), quiet])] {
        store.commit(commit(turn, &person, changes)).await.expect("committed");
    }
    let call = store.board(None).await.expect("read")[0].id.clone();
    store.say_back(&call, "I am on my way", "Maria", at(20)).await.expect("said");
    (store, person)
}

async fn what_comes_back_is_what_was_there(place: Place) {
    let (store, person) = filled(&place).await;
    let live_before = store.audit_verify().await.expect("read").entries;
    let before = store.read_back(&person, &store, "uid 7", at(40)).await.expect("the running one opens, too");
    let live_before = live_before + 1;
    let (file, manifest) = backup(&place, &store, "one").await.expect("made");
    assert_eq!(manifest.entries, live_before + 1, "that it was begun is in it");
    assert_eq!(manifest.rows["turn"], 22);
    assert_eq!(fs::metadata(&file).expect("there").permissions().mode() & 0o777, 0o600);
    assert_eq!(entries(file.parent().expect("a folder")), std::slice::from_ref(&file), "and nothing beside it");
    store.commit(commit("later", &person, vec![])).await.expect("committed");

    let into = elsewhere(&place, "new/data").await;
    assert_eq!(restore(&plan(&file, &into)).await.expect("restored"), manifest);
    let restored = Store::open(into.clone()).await.expect("it opens with the keys");
    let report = restored.audit_verify().await.expect("read");
    assert!(report.whole() && report.head == manifest.head);
    let read = restored.read_back(&person, &store, "uid 7", at(60)).await.expect("read");
    assert!(matches!(read, ReadBack::Opened(rows) if rows > 20) && read == before, "{read:?} {before:?}");
    let trail = store.audit_verify().await.expect("read").entries;
    assert_eq!(trail, live_before + 2 + 1 + 1, "begun, done, a turn, and that the rows were read");
    restored.commit(commit("afterwards", &person, vec![])).await.expect("and it goes on");
    restored.close().await;

    // With the public key alone: the database comes back, nobody's rows do.
    let into = StoreOptions { key_file: place.dir.path().join("none/master.key"), ..elsewhere(&place, "alone").await };
    assert!(matches!(restore(&plan(&file, &into)).await, Err(BackupError::NoKeys(_))));
    let alone = RestoreOptions { public_key: Some(store.audit_public_key()), ..plan(&file, &into) };
    restore(&alone).await.expect("restored");
    assert!(!place.dir.path().join("none").exists());
    assert!(Store::open(into).await.is_err(), "without its keys it does not open");
}

async fn a_backup_that_is_not_what_was_made_is_refused_and_named(place: Place) {
    let (store, _) = filled(&place).await;
    let (file, manifest) = backup(&place, &store, "one").await.expect("made");
    let whole = fs::read(&file).expect("read");
    let bad = place.dir.path().join("bad.backup");
    let into = elsewhere(&place, "target").await;
    let refused = async |bytes: &[u8]| {
        fs::write(&bad, bytes).expect("written");
        let error = restore(&plan(&bad, &into)).await.expect_err("refused");
        assert!(error.to_string().contains(&bad.display().to_string()), "{error}");
        assert!(!place.dir.path().join("target").exists(), "nothing is left: {error}");
        error
    };
    for length in [0, 1, 5, 100, whole.len() / 2, whole.len() - 1] {
        let error = refused(&whole[..length]).await;
        let named = if length < 5 { "is no backup" } else { "is cut off" };
        assert!(error.to_string().contains(named), "{length}: {error}");
    }
    // Parts of the copy, every byte of what stands behind it.
    let copy = usize::try_from(manifest.bytes).expect("fits");
    let (steps, trailer) = ((0..copy).step_by(copy / 24 + 1), (copy..whole.len()).step_by(7));
    for n in steps.chain(trailer) {
        let mut flipped = whole.clone();
        flipped[n] ^= 4;
        let error = refused(&flipped).await;
        let told = matches!(
            error,
            BackupError::Changed { .. } | BackupError::CutOff(_) | BackupError::NotABackup(_) | BackupError::Foreign(_)
        );
        assert!(told, "byte {n}: {error}");
    }
    assert!(matches!(refused(&[whole.as_slice(), b"x"].concat()).await, BackupError::CutOff(_)));
    assert!(matches!(refused(&[b"x", whole.as_slice()].concat()).await, BackupError::Changed { .. }));

    // Of another installation: its keys are not these, though all of it fits together.
    let other = if place.is_sqlite() { Place::sqlite() } else { Place::postgres().await };
    let (stranger, _) = filled(&other).await;
    let (foreign, _) = backup(&other, &stranger, "foreign").await.expect("made");
    assert!(matches!(refused(&fs::read(&foreign).expect("read")).await, BackupError::Foreign(_)));
    let lent = |key: PublicKey| RestoreOptions { public_key: Some(key), ..plan(&foreign, &into) };
    let wrong = restore(&lent(store.audit_public_key())).await;
    assert!(matches!(wrong, Err(BackupError::Foreign(_))), "another signed it");
    // Of the other kind of database.
    let kind =
        if place.is_sqlite() { server::database().await } else { bad.with_extension("db").display().to_string() };
    let elsewhere = StoreOptions { url: kind, ..place.options() };
    assert!(matches!(restore(&plan(&file, &elsewhere)).await, Err(BackupError::OtherDatabase(_))));
    restore(&plan(&file, &into)).await.expect("the untouched one still fits, in the place all others left empty");
}

async fn nothing_is_ever_written_over(place: Place) {
    let (store, _) = filled(&place).await;
    let (file, _) = backup(&place, &store, "one").await.expect("made");
    let before = fs::read(&file).expect("read");
    assert!(matches!(backup(&place, &store, "one").await, Err(BackupError::Exists(path)) if path == file));
    assert_eq!(fs::read(&file).expect("read"), before);
    let onto = restore(&plan(&file, &place.options())).await.expect_err("the running one is there");
    assert!(matches!(onto, BackupError::Exists(_) | BackupError::NotEmpty), "{onto}");
    assert!(store.audit_verify().await.expect("read").whole());
    // What a killed one left is no obstacle.
    fs::write(place.dir.path().join("backups/.two.part"), b"half").expect("written");
    let (file, _) = backup(&place, &store, "two").await.expect("made");
    assert_eq!(entries(file.parent().expect("a folder")).len(), 2);
    let into = elsewhere(&place, "back").await;
    restore(&plan(&file, &into)).await.expect("restored");
    assert!(restore(&plan(&file, &into)).await.is_err(), "once");
}

async fn a_key_destroyed_after_the_backup_stays_destroyed(place: Place) {
    let (store, person) = filled(&place).await;
    let (file, _) = backup(&place, &store, "one").await.expect("made");
    assert!(store.destroy_person(&person, "uid 7", at(70)).await.expect("destroyed"));
    let into = elsewhere(&place, "back").await;
    restore(&plan(&file, &into)).await.expect("restored");
    let restored = Store::open(into).await.expect("opens");
    assert_eq!(restored.some_people(9).await.expect("read"), std::slice::from_ref(&person));
    let read = restored.read_back(&person, &store, "uid 7", at(80)).await.expect("looked");
    assert!(matches!(read, ReadBack::Gone(rows) if rows > 20), "{read:?}");
}

async fn a_broken_chain_is_not_backed_up(place: Place) {
    let (store, _) = filled(&place).await;
    let mut raw = place.raw().await;
    if place.is_sqlite() {
        sqlx::query("DROP TRIGGER audit_is_never_changed").execute(&mut raw).await.expect("dropped");
    } else {
        sqlx::query("ALTER TABLE audit DISABLE TRIGGER ALL").execute(&mut raw).await.expect("disabled");
    }
    sqlx::query("UPDATE audit SET at = at + 1 WHERE seq = 3").execute(&mut raw).await.expect("changed");
    let error = backup(&place, &store, "one").await.expect_err("refused");
    assert!(error.to_string().contains("entry 3"), "{error}");
    assert!(entries(&place.dir.path().join("backups")).is_empty(), "nothing is left");
}
