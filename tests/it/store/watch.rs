//! What is watched at record servers: sealed, held by one at a time, and gone with the person.

use std::collections::BTreeMap;

use wellspoken::{
    actions::{Facts, Notice, NoticeKind},
    policy::Scope,
    records::changed::{News, Watched},
    store::{ReadBack, Store},
};

use super::place::{Place, admitted, at};

super::on_both!(a_row_is_held_by_one_and_kept_whole, news_and_what_was_seen_are_one_commit);

fn news(name: &str, instead_of: Option<&str>) -> News {
    let facts = Facts::new("notice_ready").with("medicine", "fluorozepamol");
    let notice =
        Notice { kind: NoticeKind::RecordChanged, topic: Scope::Medicines, sensitive: true, facts, next: None };
    News { name: name.into(), instead_of: instead_of.map(str::to_owned), notice, visit: None }
}

async fn a_row_is_held_by_one_and_kept_whole(place: Place) {
    let store = place.open().await;
    let person = admitted(&store, None).await;
    let before = store.read_back(&person, &store, "uid 7", at(0)).await.expect("opens");
    let watch =
        store.new_watch(&person, ("Quibble Clinic", "quetzalina"), Watched::Fillings, at(0)).await.expect("made");
    let again: Store = place.open().await;
    assert_eq!(
        store.watch_secret(&watch.id).as_str(),
        again.watch_secret(&watch.id).as_str(),
        "it follows from the root"
    );
    assert_ne!(store.watch_secret(&watch.id).as_str(), store.watch_secret("other").as_str());
    let (one, two) = tokio::join!(store.due_watches(at(1)), again.due_watches(at(1)));
    assert_eq!(one.expect("read").len() + two.expect("read").len(), 1, "held by one");
    assert_eq!(store.due_watches(at(14)).await.expect("read").len(), 0);
    assert_eq!(store.due_watches(at(17)).await.expect("read").len(), 1, "and by the next, where the first one died");
    assert!(store.watch_told(&watch, at(18)).await.expect("kept"));
    assert_eq!(again.due_watches(at(18)).await.expect("read").len(), 1, "what a server says is looked at at once");
    let opened = store.read_back(&person, &store, "uid 7", at(19)).await.expect("opens");
    assert!(
        matches!((before, opened), (ReadBack::Opened(before), ReadBack::Opened(now)) if now == before + 1),
        "sealed under their key"
    );
    let mut raw = place.raw().await;
    let row = sqlx::query("SELECT sealed FROM watch").fetch_one(&mut raw).await.expect("one");
    let sealed: Vec<u8> = sqlx::Row::try_get(&row, "sealed").expect("bytes");
    for word in ["quetzalina", "Quibble", "fillings"] {
        assert!(!sealed.windows(word.len()).any(|part| part == word.as_bytes()), "{word}");
    }
    assert!(store.destroy_person(&person, "uid 7", at(20)).await.expect("destroyed"));
    assert!(store.watch(&watch.id).await.expect("read").is_none());
}

async fn news_and_what_was_seen_are_one_commit(place: Place) {
    let store = place.open().await;
    let person = admitted(&store, None).await;
    store.new_watch(&person, ("Quibble Clinic", "quetzalina"), Watched::Fillings, at(0)).await.expect("made");
    let held = store.due_watches(at(0)).await.expect("read").pop().expect("due");
    let seen = |stage: &str| Some(BTreeMap::from([("rx-1".to_owned(), stage.to_owned())]));
    assert_eq!(
        store.watch_looked(&held, seen("Ready"), vec![news("fillings rx-1 Ready", None)], at(1)).await.expect("kept"),
        1
    );
    let late = store.watch_looked(&held, seen("Ready"), vec![news("fillings rx-1 Shipped", None)], at(1)).await;
    assert!(late.is_err(), "who looked at an older row keeps nothing");
    assert_eq!(store.waiting_news(&person).await.expect("read").len(), 1);
    // Said again while somebody looks: it is looked at once more, and the same news is kept once.
    store.watch_told(&held, at(2)).await.expect("kept");
    let held = store.due_watches(at(2)).await.expect("read").pop().expect("due");
    store.watch_told(&held, at(3)).await.expect("kept");
    store.watch_looked(&held, seen("Ready"), vec![news("fillings rx-1 Ready", None)], at(4)).await.expect("kept");
    assert_eq!(store.waiting_news(&person).await.expect("read").len(), 1);
    let held = store.due_watches(at(4)).await.expect("read").pop().expect("due again");
    assert_eq!(held.seen, seen("Ready"));
    // What is true no more is not told.
    let next = vec![news("fillings rx-1 Cancelled", Some("fillings rx-1 Ready"))];
    store.watch_looked(&held, seen("Cancelled"), next, at(5)).await.expect("kept");
    let waiting = store.waiting_news(&person).await.expect("read");
    assert_eq!(waiting.len(), 1, "the one instead of the other");
    assert_eq!(store.due_watches(at(6)).await.expect("read").len(), 0, "tomorrow");
}
