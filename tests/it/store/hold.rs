//! Legal holds: what is held stays, whoever wants it gone, and goes once the hold is lifted.

use wellspoken::{
    config::RetentionConfig,
    policy::{PersonId, StayId},
    records::Prescription,
    store::{ChartKind, HoldError, ImportOptions, KeyOwner, Store, StoreError, TurnCommit},
};

use super::place::{self, Place, admitted, at, chart, commit, credential, opening, room, session, turn};

super::on_both!(
    what_is_held_outlives_the_sweep_until_the_hold_is_lifted,
    a_held_persons_key_is_not_destroyed,
    what_was_said_in_a_held_persons_room_is_kept_and_nobody_finds_it,
    holds_are_by_person_and_told_with_their_reasons,
);

const HOUR: i64 = 3600;
const REASON: &str = "matter 26-1177 Oglethorpe v. Xylander";

fn rule() -> RetentionConfig {
    RetentionConfig { conversation_hours: 1, answer_hours: 1, expired_credential_days: 0 }
}

async fn kept(store: &Store, name: &str) -> bool {
    let (s, t, c) = (session("s1"), turn(name), credential("cred"));
    let found = store.opening(&opening(Some(&s), &t, &c, None)).await.expect("read");
    assert_eq!(found.session.is_some(), found.answered.is_some());
    found.session.is_some()
}

async fn somebody_else(store: &Store, where_to: Option<&str>) -> PersonId {
    let mut other = chart("x");
    other.identifiers = vec!["urn:hospital|other".into()];
    let options = ImportOptions { room: where_to.map(room), ..ImportOptions::default() };
    store.import(&other, options, at(1)).await.expect("imported")
}

async fn what_is_held_outlives_the_sweep_until_the_hold_is_lifted(place: Place) {
    let store = place.open().await;
    let (held, other) = (admitted(&store, None).await, somebody_else(&store, None).await);
    store.commit(commit("t1", &held, vec![])).await.expect("committed");
    let mut theirs = commit("t2", &other, vec![]);
    theirs.session = session("s2");
    store.commit(theirs).await.expect("committed");
    store.place_hold(&held, REASON, "uid 7", at(12)).await.expect("placed");
    assert!(store.held(&held).await.expect("read") && !store.held(&other).await.expect("read"));
    let swept = store.forget(&rule(), at(11 + HOUR)).await.expect("done");
    assert_eq!((swept.conversations, swept.answers, swept.held), (1, 1, 2));
    assert!(kept(&store, "t1").await);
    let again = store.forget(&rule(), at(11 + HOUR)).await.expect("done");
    assert!(!again.any() && again.held == 2, "and nothing more is written of it: {again:?}");
    store.lift_hold(&held, None, "settled", "uid 7", at(13)).await.expect("lifted");
    let swept = store.forget(&rule(), at(12 + HOUR)).await.expect("done");
    assert_eq!((swept.conversations, swept.answers, swept.held), (1, 1, 0));
    assert!(!kept(&store, "t1").await);
    assert!(store.audit_verify().await.expect("read").whole());
}

async fn a_held_persons_key_is_not_destroyed(place: Place) {
    let store = place.open().await;
    let person = admitted(&store, Some("room-1")).await;
    let stay: StayId = store.occupant(&room("room-1")).await.expect("read").expect("there").stay;
    let first = store.place_hold(&person, REASON, "uid 7", at(2)).await.expect("placed");
    let second = store.place_hold(&person, "an audit", "uid 7", at(3)).await.expect("placed");
    let entries = store.audit_verify().await.expect("read").entries;
    assert!(matches!(store.destroy_person(&person, "uid 7", at(4)).await, Err(StoreError::Held)));
    assert!(matches!(store.destroy_stay(&stay, "uid 7", at(4)).await, Err(StoreError::Held)));
    assert_eq!(store.audit_verify().await.expect("read").entries, entries, "nothing was announced");
    let rows = store.chart_rows::<Prescription>(&person, ChartKind::Prescriptions).await.expect("still readable");
    assert!(rows.reveal(&place::permit(&store, &person).await).is_ok());
    let lift = async |hold: Option<&str>| store.lift_hold(&person, hold, "done", "uid 7", at(5)).await;
    assert!(matches!(lift(None).await, Err(HoldError::Several(2))));
    lift(Some(&first)).await.expect("lifted");
    assert!(matches!(lift(Some(&first)).await, Err(HoldError::NotHeld)), "once");
    assert!(matches!(store.destroy_person(&person, "uid 7", at(6)).await, Err(StoreError::Held)), "the other holds");
    lift(Some(&second)).await.expect("lifted");
    assert!(store.destroy_person(&person, "uid 7", at(7)).await.expect("destroyed"));
    assert_eq!(store.holds(None).await.expect("still told").len(), 2);
}

async fn what_was_said_in_a_held_persons_room_is_kept_and_nobody_finds_it(place: Place) {
    let store = place.open().await;
    let person = admitted(&store, Some("room-1")).await;
    let stay = store.occupant(&room("room-1")).await.expect("read").expect("there").stay;
    let said = TurnCommit { owner: KeyOwner::Stay(stay.clone()), ..commit("t1", &person, vec![]) };
    store.commit(said).await.expect("committed");
    store.place_hold(&person, REASON, "uid 7", at(2)).await.expect("placed");
    let keys = || std::fs::read_dir(place.key_store()).expect("a folder").count();
    let before = keys();
    somebody_else(&store, Some("room-1")).await;
    assert!(!kept(&store, "t1").await, "the next patient's device finds nothing of it");
    assert_eq!(keys(), before + 2, "the new patient and their stay have keys, and the old stay keeps its own");
    let swept = store.forget(&rule(), at(11 + HOUR)).await.expect("done");
    assert_eq!((swept.conversations, swept.answers, swept.held), (0, 0, 2));
    assert!(matches!(store.destroy_stay(&stay, "uid 7", at(4)).await, Err(StoreError::Held)));
    store.lift_hold(&person, None, "settled", "uid 7", at(3)).await.expect("lifted");
    store.forget(&rule(), at(11 + HOUR)).await.expect("done");
    assert_eq!(keys(), before + 1, "the old stay's key went with what it sealed");
    assert_eq!(store.forget(&rule(), at(11 + HOUR)).await.expect("done").held, 0);
}

async fn holds_are_by_person_and_told_with_their_reasons(place: Place) {
    let store = place.open().await;
    let person = admitted(&store, None).await;
    let nobody = PersonId::parse("nobody").expect("fits");
    let placed = store.place_hold(&nobody, REASON, "uid 7", at(2)).await;
    assert!(matches!(placed, Err(HoldError::Store(StoreError::UnknownPerson))));
    for bad in ["", "  ", &"x".repeat(2001)] {
        assert!(matches!(store.place_hold(&person, bad, "uid 7", at(2)).await, Err(HoldError::Reason)));
    }
    assert!(matches!(store.lift_hold(&person, None, "x", "uid 7", at(2)).await, Err(HoldError::NotHeld)));
    store.place_hold(&person, REASON, "uid 7", at(2)).await.expect("placed");
    store.lift_hold(&person, None, "settled", "uid 8", at(3)).await.expect("lifted");
    let holds = store.holds(Some(&person)).await.expect("read");
    assert_eq!(holds.len(), 1);
    assert_eq!((holds[0].reason.as_str(), holds[0].by.as_str(), holds[0].placed), (REASON, "uid 7", at(2)));
    assert_eq!(holds[0].lifted_because, Some(("uid 8".into(), "settled".into())));
    assert!(store.holds(Some(&nobody)).await.expect("read").is_empty());
    if place.is_sqlite() {
        store.close().await;
        let mut files = vec![];
        for name in ["wellspoken.db", "wellspoken.db-wal"] {
            files.extend(std::fs::read(place.dir.path().join("data").join(name)).unwrap_or_default());
        }
        for word in ["Oglethorpe", person.as_str()] {
            let clear = files.windows(word.len()).any(|window| window == word.as_bytes());
            assert_eq!(clear, word == person.as_str(), "the reason is sealed; ids of people are not a secret: {word}");
        }
    }
}
