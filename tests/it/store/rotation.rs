//! A new master key while the program runs, one broken off in the middle, and installations made before the
//! secret of the lookups was a key of its own.

use std::{
    fs,
    io::{BufRead, BufReader},
    os::unix::fs::PermissionsExt,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
};

use wellspoken::{
    config::KeysConfig,
    policy::{Event, PersonId},
    records::Prescription,
    store::{ChartKind, ImportOptions, PinTried, Store, StoreError, StoreOptions, keys::KeyError},
};

use super::{
    child::{child_after, opened_by_parent},
    place::{Place, admitted, at, chart, entry, permit},
};

/// Reads every key anew, as a process does whose memory has no room.
fn forgetful(place: &Place) -> StoreOptions {
    StoreOptions { keys: KeysConfig { cache_seconds: 1, ..KeysConfig::default() }, ..place.options() }
}

async fn medicine(store: &Store, person: &PersonId) -> String {
    let rows = store.chart_rows::<Prescription>(person, ChartKind::Prescriptions).await.expect("read");
    rows.reveal(&permit(store, person).await).expect("theirs")[0].medicine.clone()
}

async fn another(store: &Store, n: usize) -> PersonId {
    let mut chart = chart(&format!("medicine-{n}"));
    chart.identifiers = vec![format!("urn:hospital|{n}")];
    store.import(&chart, ImportOptions::default(), at(1)).await.expect("imported")
}

fn set(place: &Place, bytes: &[u8]) {
    fs::create_dir_all(place.key_file().parent().expect("a folder")).expect("made");
    fs::write(place.key_file(), bytes).expect("written");
    fs::set_permissions(place.key_file(), fs::Permissions::from_mode(0o600)).expect("set");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_master_key_is_put_in_place_while_the_program_runs() {
    let place = Place::sqlite();
    let admin = place.open().await;
    let rosa = admitted(&admin, Some("412")).await;
    admin.make_keys(3000, |_| {}).await.expect("made");
    let old = fs::read(place.key_file()).expect("read");
    let running = Store::open(forgetful(&place)).await.expect("opens");
    let (stop, turns) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    // What a server does: reads, makes people known, and destroys keys, all through.
    let server = tokio::spawn({
        let (store, rosa, stop, turns) = (running.clone(), rosa.clone(), stop.clone(), turns.clone());
        async move {
            let mut made = vec![];
            let mut gone = vec![];
            while !stop.load(Ordering::Relaxed) {
                let n = turns.fetch_add(1, Ordering::Relaxed);
                assert_eq!(medicine(&store, &rosa).await, "fluorozepamol");
                made.push(another(&store, n).await);
                if n % 5 == 4 {
                    let last = made.pop().expect("made");
                    assert!(store.destroy_person(&last, "test", at(2)).await.expect("destroyed"));
                    gone.push(last);
                }
            }
            (made, gone)
        }
    });
    while turns.load(Ordering::Relaxed) < 3 {
        tokio::task::yield_now().await;
    }
    let before = turns.load(Ordering::Relaxed);
    let mut rotations = 0;
    // Long enough for the running store to forget what it knew and meet both master keys.
    while rotations < 3 || turns.load(Ordering::Relaxed) < before + 20 {
        rotations += 1;
        let rotated = admin.rotate_keys("test", at(3), |_, _| {}).await.expect("rotated");
        assert_eq!((rotated.rotations, rotated.already), (rotations, 0));
        assert!(rotated.rewrapped > 3000, "{rotated:?}");
        tokio::time::sleep(std::time::Duration::from_millis(400)).await;
    }
    stop.store(true, Ordering::Relaxed);
    let (made, gone) = server.await.expect("no turn failed");
    assert!(made.len() > 10 && gone.len() > 2);

    let status = admin.key_status().await.expect("read");
    assert_eq!((status.under_another, status.unreadable, status.unfinished), (0, 0, false), "{status:?}");
    for store in [running, admin, place.open().await] {
        assert_eq!(medicine(&store, &rosa).await, "fluorozepamol");
        assert_eq!(
            store.try_pin(&rosa, "47118842", &entry(Event::Identified, Some(&rosa), 9), at(9)).await.expect("read"),
            PinTried::Fits,
            "the pepper stays"
        );
        assert_eq!(admitted(&store, None).await, rosa, "lookups find who was known before");
        for person in &made {
            assert!(medicine(&store, person).await.starts_with("medicine-"));
        }
        for person in &gone {
            let read = store.chart_rows::<Prescription>(person, ChartKind::Prescriptions).await;
            assert!(matches!(read.err(), Some(StoreError::Key(e)) if matches!(*e, KeyError::Gone)), "stays destroyed");
        }
        assert!(store.audit_verify().await.expect("read").whole());
        store.close().await;
    }
    let folder = place.key_file().parent().expect("a folder").to_owned();
    let mut beside: Vec<_> = fs::read_dir(&folder)
        .expect("read")
        .map(|f| f.expect("a file").file_name().into_string().expect("text"))
        .collect();
    beside.sort();
    assert_eq!(beside, ["master.key", "master.key.d"], "neither the next nor the old master key lies about");
    assert_ne!(fs::read(place.key_file()).expect("read"), old);
    set(&place, &old);
    let error = Store::open(place.options()).await.err().expect("the old master key opens nothing");
    assert!(error.to_string().contains("not the one this database was made with"), "{error}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rotation_that_is_killed_goes_on_where_it_was() {
    let place = Place::sqlite();
    let store = place.open().await;
    let rosa = admitted(&store, None).await;
    store.make_keys(4000, |_| {}).await.expect("made");
    let mut broken_off = 0;
    for round in 0..6 {
        let mut process = child_after("", "store::rotation::rotates_until_killed", &place).spawn().expect("started");
        let mut lines = BufReader::new(process.stdout.take().expect("a pipe")).lines();
        // In another part of the work each round: before the first lot, after it, …
        for _ in 0..=round {
            if lines.find(|line| line.as_ref().is_ok_and(|line| line.starts_with("lot "))).is_none() {
                break;
            }
        }
        process.kill().expect("killed");
        process.wait().expect("ended");
        let running = place.open().await;
        assert_eq!(medicine(&running, &rosa).await, "fluorozepamol", "both master keys are read");
        let status = running.key_status().await.expect("read");
        assert_eq!(status.unreadable, 0);
        broken_off += usize::from(status.unfinished);
        another(&running, round).await;
        running.close().await;
    }
    assert!(broken_off >= 3, "{broken_off} rounds were broken off in the middle");
    let rotated = store.rotate_keys("test", at(5), |_, _| {}).await.expect("rotated");
    assert_eq!(rotated.rewrapped + rotated.already, 4000 + 1 + 6 + 2, "people, the house, and what signs the chain");
    let status = store.key_status().await.expect("read");
    assert_eq!((status.under_another, status.unfinished), (0, false), "{status:?}");
    assert_eq!(medicine(&place.open().await, &rosa).await, "fluorozepamol");
    let drafts = fs::read_dir(place.key_store()).expect("read").filter(|f| {
        let name = f.as_ref().expect("a file").file_name();
        name.to_string_lossy().ends_with(".rewrap") || name.to_string_lossy().ends_with(".new")
    });
    assert_eq!(drafts.count(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "run by a_rotation_that_is_killed_goes_on_where_it_was"]
async fn rotates_until_killed() {
    let store = opened_by_parent().await;
    let say = |line: String| std::io::Write::write_all(&mut std::io::stdout(), line.as_bytes()).expect("said");
    say("lot 0\n".into());
    let done = store.rotate_keys("test", at(4), move |done, all| {
        say(format!("lot {done} of {all}\n"));
        // So that the parent's signal arrives before the next lot.
        std::thread::sleep(std::time::Duration::from_millis(40));
    });
    done.await.expect("rotated");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_installation_made_before_is_taken_over() {
    let place = Place::sqlite();
    // Before, the master key itself was what lookups hang on: with a key there already, it still is.
    set(&place, &[7; 32]);
    fs::create_dir_all(place.key_store()).expect("made");
    fs::write(place.key_store().join("before.key"), [0; 60]).expect("written");
    let store = place.open().await;
    let rosa = admitted(&store, None).await;
    store.close().await;
    for file in ["before.key", "root.key", "signing.key"] {
        let _ = fs::remove_file(place.key_store().join(file));
    }
    let store = place.open().await;
    assert!(place.key_store().join("root.key").exists(), "it has a key of its own now");
    assert_eq!(admitted(&store, None).await, rosa, "lookups find who was known before");
    assert_eq!(
        store.try_pin(&rosa, "47118842", &entry(Event::Identified, Some(&rosa), 9), at(9)).await.expect("read"),
        PinTried::Fits
    );
    store.rotate_keys("test", at(3), |_, _| {}).await.expect("rotated");
    store.close().await;
    let store = place.open().await;
    assert_eq!(admitted(&store, None).await, rosa);
    assert_eq!(medicine(&store, &rosa).await, "fluorozepamol");
    store.close().await;

    let lost = fs::read(place.key_store().join("root.key")).expect("read");
    fs::remove_file(place.key_store().join("root.key")).expect("removed");
    let error = Store::open(place.options()).await.err().expect("refused");
    assert!(error.to_string().contains("restore both"), "{error}");
    fs::write(place.key_store().join("root.key"), lost).expect("restored");
    assert_eq!(medicine(&place.open().await, &rosa).await, "fluorozepamol");
}
