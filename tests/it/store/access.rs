//! Signing up and the letters of it: codes, the list, letting in, and a queue that loses and doubles nothing.

use jiff::SignedDuration;
use wellspoken::{
    mail::{Address, Letter},
    policy::Surface,
    store::{DueLetter, Store},
};

use super::place::{Place, at};

super::on_both!(
    an_address_waits_once_it_is_confirmed_and_is_let_in_once,
    a_code_is_tried_five_times_for_an_hour_and_counted_before_it_is_looked_at,
    a_letter_is_held_by_one_and_sent_again_when_they_die_over_it,
);

const ROSA: &str = "rosa.quibble@example.org";

fn address(text: &str) -> Address {
    Address::parse(text).expect("an address")
}

async fn one(store: &Store, seconds: i64) -> Option<DueLetter> {
    let mut due = store.due_letters(at(seconds)).await.expect("read");
    assert!(due.len() <= 1, "{} letters", due.len());
    due.pop()
}

async fn an_address_waits_once_it_is_confirmed_and_is_let_in_once(place: Place) {
    let store = place.open().await;
    store.wants_in(&address(ROSA), "11112222", at(0)).await.expect("noted");
    store.wants_in(&address("Rosa.Quibble@EXAMPLE.org"), "33334444", at(5)).await.expect("somebody else's capitals");
    assert_eq!(store.waiting().await.expect("read").len(), 2, "names before the @ may differ by capitals");
    let rosa = store.waiting().await.expect("read").remove(0);
    assert_eq!((rosa.address.as_str(), rosa.confirmed), (ROSA, None));
    assert!(!store.enable(&rosa.id, "wsp_early", "admin", at(6)).await.expect("asked"), "not confirmed");
    store.wants_in(&address(ROSA), "55556666", at(7)).await.expect("noted");
    assert!(!store.confirms(&address(ROSA), "55556666", at(8)).await.expect("asked"), "no second code at once");
    assert!(store.confirms(&address(ROSA), "11112222", at(9)).await.expect("asked"));
    assert!(!store.confirms(&address(ROSA), "11112222", at(9)).await.expect("asked"), "once");
    while let Some(letter) = store.due_letters(at(10)).await.expect("read").pop() {
        store.letter_done(&letter).await.expect("done");
    }
    assert!(store.enable(&rosa.id, "wsp_in", "admin", at(11)).await.expect("let in"));
    assert!(!store.enable(&rosa.id, "wsp_again", "admin", at(12)).await.expect("asked"), "once");
    let letter = one(&store, 13).await.expect("a letter");
    assert!(letter.letter == Letter::Enabled { secret: "wsp_in".into(), days: 7 } && letter.to == address(ROSA));
    store.letter_done(&letter).await.expect("out");
    let grant = store.redeem("wsp_in", at(14)).await.expect("asked").expect("the link works");
    assert!(grant.surface == Surface::Chat && grant.person.is_none(), "nobody's record comes with it");
    store.wants_in(&address(ROSA), "77778888", at(5000)).await.expect("noted");
    assert!(one(&store, 5001).await.is_none_or(|due| due.to != address(ROSA)), "whoever is in gets no code");

    let bytes = super::keys::dump(&place).await;
    for secret in ["quibble", "11112222", "wsp_in"] {
        assert!(!super::keys::find(&bytes, secret.as_bytes()), "{secret} is in clear");
    }
    let gone = store.forget_waiting(at(0) + SignedDuration::from_hours(25)).await.expect("swept");
    assert_eq!((gone, store.waiting().await.expect("read").len()), (1, 1), "whoever did not confirm is forgotten");
    let gone = store.forget_waiting(at(0) + SignedDuration::from_hours(31 * 24)).await.expect("swept");
    assert_eq!((gone, store.waiting().await.expect("read").len()), (1, 0), "and later whoever was let in");
    assert!(store.audit_verify().await.expect("read").whole());
}

async fn a_code_is_tried_five_times_for_an_hour_and_counted_before_it_is_looked_at(place: Place) {
    let store = place.open().await;
    store.wants_in(&address(ROSA), "11112222", at(0)).await.expect("noted");
    for n in 0..5 {
        assert!(!store.confirms(&address(ROSA), "99990000", at(n)).await.expect("asked"));
    }
    assert!(!store.confirms(&address(ROSA), "11112222", at(6)).await.expect("asked"), "the right one comes too late");
    store.wants_in(&address(ROSA), "33334444", at(601)).await.expect("noted");
    assert!(!store.confirms(&address(ROSA), "11112222", at(602)).await.expect("asked"), "the old one is gone");
    assert!(
        !store.confirms(&address("milo@example.org"), "33334444", at(603)).await.expect("asked"),
        "somebody else's"
    );
    assert!(!store.confirms(&address(ROSA), "33334444", at(601 + 3601)).await.expect("asked"), "an hour is over");
    store.wants_in(&address(ROSA), "55556666", at(5000)).await.expect("noted");
    assert!(store.confirms(&address(ROSA), "55556666", at(5001)).await.expect("asked"));
}

async fn a_letter_is_held_by_one_and_sent_again_when_they_die_over_it(place: Place) {
    let store = place.open().await;
    store.wants_in(&address(ROSA), "11112222", at(0)).await.expect("noted");
    let first = one(&store, 1).await.expect("due at once");
    assert!(one(&store, 2).await.is_none(), "somebody has it");
    let again = one(&store, 1 + 60).await.expect("who had it never said that it is out");
    assert_eq!(first.name, again.name, "it is the same letter");
    assert!(one(&store, 1 + 60 + 61).await.is_none(), "the second pause is longer");
    store.letter_done(&first).await.expect("too late");
    assert!(one(&store, 1 + 60 + 120).await.is_some(), "only whoever has it ends it");
    store.wants_in(&address(ROSA), "33334444", at(700)).await.expect("noted");
    let new = one(&store, 700).await.expect("due");
    assert!(new.letter == Letter::Confirm { code: "33334444".into() }, "another code takes the old one's place");
    store.letter_done(&new).await.expect("out");
    assert!(one(&store, 5000).await.is_none());
    store.wants_in(&address(ROSA), "55556666", at(6000)).await.expect("noted");
    assert!(one(&store, 6000 + 3601).await.is_none(), "a code that no longer works is sent to nobody");
}
