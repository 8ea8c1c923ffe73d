//! The master key in a real key service: what it wraps, a new version of it, and what happens when it is sealed,
//! silent, or no longer lets this program in.

use std::{
    fs,
    time::{Duration, Instant},
};

use wellspoken::{
    config::{KeysConfig, Provider},
    policy::PersonId,
    records::Prescription,
    store::{
        ChartKind, PinTried, Store, StoreError, StoreOptions,
        keys::{KeyError, Trouble},
    },
};

use super::place::{Place, admitted, at};
use crate::openbao::OpenBao;

fn options(place: &Place, keys: &KeysConfig) -> StoreOptions {
    StoreOptions { keys: keys.clone(), ..place.options() }
}

async fn read(store: &Store, person: &PersonId) -> Result<(), StoreError> {
    store.chart_rows::<Prescription>(person, ChartKind::Prescriptions).await.map(|_| ())
}

async fn trouble(store: &Store, person: &PersonId) -> Trouble {
    match read(store, person).await {
        Err(StoreError::Key(error)) => match &*error {
            KeyError::Service { trouble, .. } => trouble.clone(),
            other => panic!("{other}"),
        },
        other => panic!("{other:?}"),
    }
}

/// What is unwrapped is forgotten after a second.
async fn forget() {
    tokio::time::sleep(Duration::from_millis(1100)).await;
}

/// The wrapped keys as they lie in the key store.
fn wrapped(place: &Place) -> Vec<(String, String)> {
    let files = fs::read_dir(place.key_store()).expect("read").map(|f| f.expect("a file").path());
    files
        .filter(|path| path.extension().is_some_and(|e| e == "key"))
        .map(|path| {
            let name = path.file_stem().expect("a name").to_str().expect("text").to_owned();
            (name, String::from_utf8(fs::read(&path).expect("read")).unwrap_or_default())
        })
        .collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_service_wraps_every_key_and_a_new_version_takes_over() {
    let (bao, place) = (OpenBao::start(), Place::sqlite());
    let store = Store::open(options(&place, &bao.config())).await.expect("opens");
    let rosa = admitted(&store, Some("412")).await;
    store.make_keys(300, |_| {}).await.expect("made");
    assert!(!place.key_file().exists(), "no master key on this machine");
    assert!(wrapped(&place).iter().all(|(_, text)| text.starts_with("vault:v1:")));
    let before = wrapped(&place);

    let running = Store::open(options(&place, &bao.config())).await.expect("opens");
    let rotated = store.rotate_keys("test", at(3), |_, _| {}).await.expect("rotated");
    assert_eq!(
        (rotated.rewrapped as usize, rotated.rotations),
        (wrapped(&place).len() - 1, 1),
        "all but the root, which is last"
    );
    assert!(wrapped(&place).iter().all(|(_, text)| text.starts_with("vault:v2:")));
    bao.bao(&["write", "transit/keys/records/config", "min_decryption_version=2"]);
    forget().await;
    for store in [&running, &Store::open(options(&place, &bao.config())).await.expect("opens")] {
        read(store, &rosa).await.expect("read");
        assert_eq!(
            store
                .try_pin(
                    &rosa,
                    "47118842",
                    &super::place::entry(wellspoken::policy::Event::Identified, Some(&rosa), 9),
                    super::place::at(9)
                )
                .await
                .expect("read"),
            PinTried::Fits
        );
        assert_eq!(admitted(store, None).await, rosa, "lookups find who was known before");
        let status = store.key_status().await.expect("read");
        assert_eq!(status.versions.into_iter().collect::<Vec<_>>(), [(2, wrapped(&place).len() as u64)]);
        assert!(!status.unfinished);
    }

    // An older copy of the key store is of no use once its version is retired, and says so.
    for (name, text) in &before {
        fs::write(place.key_store().join(format!("{name}.key")), text).expect("written");
    }
    forget().await;
    assert_eq!(trouble(&running, &rosa).await, Trouble::Retired);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_moved_to_another_name_or_changed_does_not_open() {
    let (bao, place) = (OpenBao::start(), Place::sqlite());
    let store = Store::open(options(&place, &bao.config())).await.expect("opens");
    let rosa = admitted(&store, None).await;
    store.make_keys(1, |_| {}).await.expect("made");
    let keys = wrapped(&place);
    let contents = |n: usize| keys[(n + 1) % keys.len()].1.clone();
    for (n, (name, _)) in keys.iter().enumerate() {
        fs::write(place.key_store().join(format!("{name}.key")), contents(n)).expect("written");
    }
    forget().await;
    assert!(read(&store, &rosa).await.is_err(), "another key's file");
    for (name, text) in &keys {
        let mut text = text.clone().into_bytes();
        let last = text.len() - 12;
        text[last] = if text[last] == b'A' { b'B' } else { b'A' };
        fs::write(place.key_store().join(format!("{name}.key")), text).expect("written");
    }
    assert!(read(&store, &rosa).await.is_err(), "a changed file");
    for (name, text) in &keys {
        fs::write(place.key_store().join(format!("{name}.key")), text).expect("written");
    }
    read(&store, &rosa).await.expect("as it was");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_service_that_is_shut_cuts_access_and_one_that_opens_gives_it_back() {
    let (bao, place) = (OpenBao::start(), Place::sqlite());
    let store = Store::open(options(&place, &bao.config())).await.expect("opens");
    let rosa = admitted(&store, None).await;

    bao.seal();
    forget().await;
    assert_eq!(trouble(&store, &rosa).await, Trouble::Sealed);
    assert!(
        Store::open(options(&place, &bao.config())).await.err().expect("refused").to_string().contains("is sealed")
    );
    bao.unseal();
    read(&store, &rosa).await.expect("nothing is restarted");

    let token = bao.token();
    bao.bao(&["token", "revoke", &token]);
    forget().await;
    assert!(matches!(trouble(&store, &rosa).await, Trouble::Denied { .. }));
    let error = read(&store, &rosa).await.expect_err("refused").to_string();
    assert!(error.contains("transit/decrypt/records") && !error.contains(&token), "{error}");
    bao.give_token(&bao.new_token());
    read(&store, &rosa).await.expect("the file is read anew");

    bao.signal("STOP");
    forget().await;
    let began = Instant::now();
    assert!(matches!(trouble(&store, &rosa).await, Trouble::Unreachable(_)));
    assert!(began.elapsed() < Duration::from_millis(1500), "it gives up in time: {:?}", began.elapsed());
    let began = Instant::now();
    assert!(matches!(trouble(&store, &rosa).await, Trouble::Unreachable(_)));
    assert!(began.elapsed() < Duration::from_millis(200), "and does not wait for each turn: {:?}", began.elapsed());
    bao.signal("CONT");
    forget().await;
    read(&store, &rosa).await.expect("it answers again");

    fs::remove_file(bao.token_file()).expect("removed");
    forget().await;
    assert!(read(&store, &rosa).await.expect_err("refused").to_string().contains("token"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_configured_wrongly_is_named_before_anything_is_made() {
    let (bao, place) = (OpenBao::start(), Place::sqlite());
    let with = |change: &dyn Fn(&mut wellspoken::config::TransitConfig)| {
        let mut keys = bao.config();
        change(keys.transit.as_mut().expect("configured"));
        options(&place, &keys)
    };
    bao.give_token("root");
    let refused = async |options: StoreOptions, said: &str| {
        let error = Store::open(options).await.err().unwrap_or_else(|| panic!("{said}: opened")).to_string();
        assert!(error.contains(said), "{error}");
        assert!(!error.contains("root"), "no token in an error: {error}");
    };
    refused(with(&|t| t.mount = "elsewhere".into()), "keys.transit.mount").await;
    refused(with(&|t| t.address = "http://127.0.0.1:9".into()), "does not answer").await;
    let store = Store::open(with(&|_| {})).await.expect("opens");
    admitted(&store, None).await;
    store.close().await;
    refused(with(&|t| t.key = "recrods".into()), "no transit key `recrods`").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_keys_move_from_a_file_to_a_service_and_back() {
    let (bao, place) = (OpenBao::start(), Place::sqlite());
    let store = place.open().await;
    let rosa = admitted(&store, None).await;
    store.make_keys(300, |_| {}).await.expect("made");
    store.close().await;

    let moving = KeysConfig { provider: Provider::File, next: Some(Provider::Transit), ..bao.config() };
    let store = Store::open(options(&place, &moving)).await.expect("opens");
    read(&store, &rosa).await.expect("still by the file");
    store.rotate_keys("test", at(3), |_, _| {}).await.expect("moved");
    assert!(wrapped(&place).iter().all(|(_, text)| text.starts_with("vault:v1:")));
    read(&store, &rosa).await.expect("by the service");
    store.close().await;
    fs::remove_file(place.key_file()).expect("removed");
    let store = Store::open(options(&place, &bao.config())).await.expect("opens without the file");
    assert_eq!(admitted(&store, None).await, rosa);
    store.close().await;

    let back = KeysConfig { next: Some(Provider::File), ..bao.config() };
    let store = Store::open(options(&place, &back)).await.expect("opens");
    store.rotate_keys("test", at(4), |_, _| {}).await.expect("moved");
    store.close().await;
    bao.seal();
    let store = place.open().await;
    read(&store, &rosa).await.expect("by the file alone");
    assert_eq!(admitted(&store, None).await, rosa);
}
