//! Codes and PINs in the store: sealed, once, counted.

use jiff::SignedDuration;
use wellspoken::{
    policy::{CredentialId, Event, JournalEntry, PersonId},
    store::{CodeTried, ImportOptions, PinTried, Store},
};

use super::place::{Place, at, chart, credential};

super::on_both!(
    a_code_is_one_persons_once_and_stands_nowhere,
    many_at_once_use_a_code_once,
    a_forgotten_persons_code_is_nobodys,
    a_pin_is_set_by_whoever_knows_the_one_before,
    wrong_ones_for_a_new_pin_are_tries,
);

fn row(person: Option<&PersonId>, device: &CredentialId) -> JournalEntry {
    JournalEntry {
        event: Event::Identified,
        subject: person.cloned(),
        actor: Some(device.clone()),
        intent: None,
        channel: "chat",
        session: None,
        turn: None,
        closes: None,
        outcome: None,
        at: at(1),
    }
}

async fn somebody(store: &Store, pin: Option<&str>) -> PersonId {
    let options = ImportOptions { pin, ..ImportOptions::default() };
    store.import(&chart("x"), options, at(0)).await.expect("imported")
}

async fn a_code_is_one_persons_once_and_stands_nowhere(place: Place) {
    let store = place.open().await;
    let (person, device) = (somebody(&store, None).await, credential("kitchen"));
    let code = store.make_code(&row(Some(&person), &credential("page")), at(1)).await.expect("made");
    assert!(code.len() == 8 && code.bytes().all(|b| b.is_ascii_digit()));
    let tried = |digits: String, seconds| {
        let (store, device) = (store.clone(), device.clone());
        async move { store.try_code(&digits, None, &row(None, &device), at(seconds)).await.expect("tried") }
    };
    assert_eq!(tried("123".into(), 2).await, CodeTried::NoCode);
    assert_eq!(tried("00000000".into(), 2).await, CodeTried::Wrong);
    let other = PersonId::parse("somebody-else").expect("fits");
    let only = store.try_code(&code, Some(&other), &row(None, &device), at(2)).await.expect("tried");
    assert_eq!(only, CodeTried::Wrong, "where only somebody else may use one");
    assert_eq!(tried(code.to_string(), 601).await, CodeTried::Wrong, "ten minutes");
    assert_eq!(tried(code.to_string(), 600).await, CodeTried::Fits(person.clone()));
    assert_eq!(tried(code.to_string(), 600).await, CodeTried::Wrong, "once");
    if place.is_sqlite() {
        let code = store.make_code(&row(Some(&person), &credential("page")), at(1)).await.expect("made");
        let folder = place.dir.path().join("data");
        for file in std::fs::read_dir(folder).expect("a folder") {
            let bytes = std::fs::read(file.expect("a file").path()).expect("read");
            assert!(!bytes.windows(8).any(|w| w == code.as_bytes()), "the code stands in a file");
        }
    }
    assert!(store.audit_verify().await.expect("read").whole());
}

async fn many_at_once_use_a_code_once(place: Place) {
    let store = place.open().await;
    let person = somebody(&store, None).await;
    let code = store.make_code(&row(Some(&person), &credential("page")), at(1)).await.expect("made").to_string();
    let tries = (0..6).map(|n| {
        let (store, code) = (store.clone(), code.clone());
        tokio::spawn(async move {
            let device = credential(&format!("device-{n}"));
            store.try_code(&code, None, &row(None, &device), at(2)).await.expect("tried")
        })
    });
    let mut fits = 0;
    for tried in tries.collect::<Vec<_>>() {
        fits += usize::from(matches!(tried.await.expect("ran"), CodeTried::Fits(_)));
    }
    assert_eq!(fits, 1);
}

async fn a_forgotten_persons_code_is_nobodys(place: Place) {
    let store = place.open().await;
    let person = somebody(&store, None).await;
    let code = store.make_code(&row(Some(&person), &credential("page")), at(1)).await.expect("made");
    store.destroy_person(&person, "uid 7", at(2)).await.expect("destroyed");
    let tried = store.try_code(&code, None, &row(None, &credential("kitchen")), at(3)).await.expect("tried");
    assert_eq!(tried, CodeTried::Wrong);
}

async fn set(store: &Store, person: &PersonId, current: Option<&str>, new: &str) -> PinTried {
    store.set_pin(person, current, new, &row(Some(person), &credential("page")), at(5)).await.expect("asked")
}

async fn fits(store: &Store, person: &PersonId, pin: &str) -> bool {
    let tried = store.try_pin(person, pin, &row(Some(person), &credential("kitchen")), at(5)).await.expect("tried");
    tried == PinTried::Fits
}

async fn a_pin_is_set_by_whoever_knows_the_one_before(place: Place) {
    let store = place.open().await;
    let person = somebody(&store, None).await;
    assert_eq!(set(&store, &person, None, "4077").await, PinTried::Fits, "the first one");
    assert!(fits(&store, &person, "4077").await);
    assert_eq!(set(&store, &person, None, "5188").await, PinTried::Wrong, "not without the one before");
    assert_eq!(set(&store, &person, Some("4078"), "5188").await, PinTried::Wrong);
    assert!(fits(&store, &person, "4077").await);
    assert_eq!(set(&store, &person, Some("4077"), "5188").await, PinTried::Fits);
    assert!(fits(&store, &person, "5188").await && !fits(&store, &person, "4077").await);
    assert!(store.audit_verify().await.expect("read").whole());
}

async fn wrong_ones_for_a_new_pin_are_tries(place: Place) {
    let store = place.open().await;
    let person = somebody(&store, Some("4077")).await;
    for _ in 0..3 {
        assert_eq!(set(&store, &person, Some("4078"), "5188").await, PinTried::Wrong);
    }
    assert!(matches!(set(&store, &person, Some("4077"), "5188").await, PinTried::Locked(_)));
    let tried =
        store.try_pin(&person, "4077", &row(Some(&person), &credential("kitchen")), at(6)).await.expect("tried");
    assert!(matches!(tried, PinTried::Locked(_)), "by voice as well");
    let later = at(6) + SignedDuration::from_mins(6);
    let page = row(Some(&person), &credential("page"));
    assert_eq!(store.set_pin(&person, Some("4077"), "5188", &page, later).await.expect("asked"), PinTried::Fits);
}
