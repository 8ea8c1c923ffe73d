//! Signing up and the letters of it: codes, the list, letting in, and a queue that loses and doubles nothing.

use jiff::{SignedDuration, civil::date};
use wellspoken::{
    mail::{Address, Letter},
    policy::{Event, PersonId, Surface},
    records::Profile,
    store::{DueLetter, Store},
};

use super::place::{Place, admitted, at, entry};

super::on_both!(
    an_address_waits_once_it_is_confirmed_and_is_let_in_once,
    a_code_is_tried_five_times_for_an_hour_and_counted_before_it_is_looked_at,
    a_letter_is_held_by_one_and_sent_again_when_they_die_over_it,
    whoever_is_let_in_becomes_somebody_who_finds_back_until_they_are_forgotten,
    whoever_waits_has_a_place_and_staff_see_whose_letters_are_refused,
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
    store.wants_in(&address(ROSA), "11112222", "wsp_unused", at(0)).await.expect("noted");
    store
        .wants_in(&address("Rosa.Quibble@EXAMPLE.org"), "33334444", "wsp_unused", at(5))
        .await
        .expect("somebody else's capitals");
    assert_eq!(store.waiting().await.expect("read").len(), 2, "names before the @ may differ by capitals");
    let rosa = store.waiting().await.expect("read").remove(0);
    assert_eq!((rosa.address.as_str(), rosa.confirmed), (ROSA, None));
    assert!(!store.enable(&rosa.id, "wsp_early", "admin", at(6)).await.expect("asked"), "not confirmed");
    store.wants_in(&address(ROSA), "55556666", "wsp_unused", at(7)).await.expect("noted");
    assert!(
        store.confirms(&address(ROSA), "55556666", at(8)).await.expect("asked").is_none(),
        "no second code at once"
    );
    assert!(store.confirms(&address(ROSA), "11112222", at(9)).await.expect("asked").is_some());
    assert!(store.confirms(&address(ROSA), "11112222", at(9)).await.expect("asked").is_none(), "once");
    while let Some(letter) = store.due_letters(at(10)).await.expect("read").pop() {
        store.letter_done(&letter).await.expect("done");
    }
    assert!(store.enable(&rosa.id, "wsp_in", "admin", at(11)).await.expect("let in"));
    assert!(!store.enable(&rosa.id, "wsp_again", "admin", at(12)).await.expect("asked"), "once");
    let letter = one(&store, 13).await.expect("a letter");
    assert!(letter.letter == Letter::Enabled { secret: "wsp_in".into(), days: 7 } && letter.to == address(ROSA));
    store.letter_done(&letter).await.expect("out");
    let grant = store.redeem("wsp_in", at(14)).await.expect("asked").expect("the link works");
    let person = grant.person.expect("somebody");
    assert!(grant.surface == Surface::Chat && store.person_exists(&person).await.expect("asked"));
    assert!(store.consent(&person).await.expect("read").is_empty(), "they have agreed to nothing");
    store.wants_in(&address(ROSA), "77778888", "wsp_back", at(5000)).await.expect("noted");
    let letter = one(&store, 5001).await.expect("a letter");
    assert!(letter.letter == Letter::Back { secret: "wsp_back".into(), minutes: 60 }, "whoever is in gets no code");
    store.letter_done(&letter).await.expect("out");

    let bytes = super::keys::dump(&place).await;
    for secret in ["quibble", "11112222", "wsp_in", "wsp_back"] {
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
    store.wants_in(&address(ROSA), "11112222", "wsp_unused", at(0)).await.expect("noted");
    for n in 0..5 {
        assert!(store.confirms(&address(ROSA), "99990000", at(n)).await.expect("asked").is_none());
    }
    assert!(
        store.confirms(&address(ROSA), "11112222", at(6)).await.expect("asked").is_none(),
        "the right one comes too late"
    );
    store.wants_in(&address(ROSA), "33334444", "wsp_unused", at(601)).await.expect("noted");
    assert!(store.confirms(&address(ROSA), "11112222", at(602)).await.expect("asked").is_none(), "the old one is gone");
    assert!(
        store.confirms(&address("milo@example.org"), "33334444", at(603)).await.expect("asked").is_none(),
        "somebody else's"
    );
    assert!(
        store.confirms(&address(ROSA), "33334444", at(601 + 3601)).await.expect("asked").is_none(),
        "an hour is over"
    );
    store.wants_in(&address(ROSA), "55556666", "wsp_unused", at(5000)).await.expect("noted");
    assert!(store.confirms(&address(ROSA), "55556666", at(5001)).await.expect("asked").is_some());
}

async fn a_letter_is_held_by_one_and_sent_again_when_they_die_over_it(place: Place) {
    let store = place.open().await;
    store.wants_in(&address(ROSA), "11112222", "wsp_unused", at(0)).await.expect("noted");
    let first = one(&store, 1).await.expect("due at once");
    assert!(one(&store, 2).await.is_none(), "somebody has it");
    let again = one(&store, 1 + 60).await.expect("who had it never said that it is out");
    assert_eq!(first.name, again.name, "it is the same letter");
    assert!(one(&store, 1 + 60 + 61).await.is_none(), "the second pause is longer");
    store.letter_done(&first).await.expect("too late");
    assert!(one(&store, 1 + 60 + 120).await.is_some(), "only whoever has it ends it");
    store.wants_in(&address(ROSA), "33334444", "wsp_unused", at(700)).await.expect("noted");
    let new = one(&store, 700).await.expect("due");
    assert!(new.letter == Letter::Confirm { code: "33334444".into() }, "another code takes the old one's place");
    store.letter_done(&new).await.expect("out");
    assert!(one(&store, 5000).await.is_none());
    store.wants_in(&address(ROSA), "55556666", "wsp_unused", at(6000)).await.expect("noted");
    assert!(one(&store, 6000 + 3601).await.is_none(), "a code that no longer works is sent to nobody");
}

async fn whoever_is_let_in_becomes_somebody_who_finds_back_until_they_are_forgotten(place: Place) {
    let store = place.open().await;
    for (n, who) in [(0, ROSA), (1, "milo@example.org")] {
        store.wants_in(&address(who), "11112222", "wsp_unused", at(n)).await.expect("noted");
        assert!(store.confirms(&address(who), "11112222", at(2)).await.expect("asked").is_some());
        let waits = store.waiting().await.expect("read").into_iter().find(|one| one.address == who).expect("waits");
        assert!(store.enable(&waits.id, &format!("wsp_{n}"), "admin", at(3)).await.expect("let in"));
    }
    let mut people = Vec::new();
    for secret in ["wsp_0", "wsp_1"] {
        people.push(store.redeem(secret, at(4)).await.expect("asked").expect("works").person.expect("somebody"));
    }
    let [rosa, milo] = people.as_slice() else { panic!("two people") };
    assert_ne!(rosa, milo);
    while let Some(letter) = store.due_letters(at(5)).await.expect("read").pop() {
        store.letter_done(&letter).await.expect("done");
    }
    // The list forgets them after a month; the way back does not.
    let later = |seconds: i64| 32 * 24 * 3600 + seconds;
    assert_eq!(store.forget_waiting(at(later(0))).await.expect("swept"), 2);
    store.wants_in(&address(ROSA), "33334444", "wsp_back", at(later(1))).await.expect("noted");
    store.wants_in(&address(ROSA), "33334444", "wsp_more", at(later(2))).await.expect("noted");
    let letter = one(&store, later(3)).await.expect("a letter");
    assert!(letter.letter == Letter::Back { secret: "wsp_back".into(), minutes: 60 } && letter.to == address(ROSA));
    store.letter_done(&letter).await.expect("out");
    assert!(store.redeem("wsp_more", at(later(3))).await.expect("asked").is_none(), "one in ten minutes");
    assert!(store.redeem("wsp_back", at(later(3602))).await.expect("asked").is_none(), "for an hour");
    assert!(store.waiting().await.expect("read").is_empty(), "whoever is in waits no more");
    store.wants_in(&address(ROSA), "33334444", "wsp_third", at(later(4000))).await.expect("noted");
    let again = store.redeem("wsp_third", at(later(4001))).await.expect("asked").expect("works");
    assert_eq!(again.person.as_ref(), Some(rosa));

    // Who they are they say themselves; whoever came otherwise does not.
    let profile =
        Profile { given: "Rosa".into(), family: "Quibble".into(), birth: Some(date(1970, 1, 2)), called: vec![] };
    let row = entry(Event::Closed, Some(rosa), later(4002));
    assert!(store.names_themselves(rosa).await.expect("asked"));
    assert!(store.name_themselves(rosa, &profile, &row).await.expect("kept"));
    let other = admitted(&store, None).await;
    assert!(!store.names_themselves(&other).await.expect("asked"));
    let others = entry(Event::Closed, Some(&other), later(4003));
    assert!(!store.name_themselves(&other, &profile, &others).await.expect("asked"), "their record tells");

    assert!(store.destroy_person(rosa, "admin", at(later(4010))).await.expect("destroyed"));
    assert!(!store.name_themselves(rosa, &profile, &row).await.is_ok_and(|done| done), "they are nobody");
    store.wants_in(&address(ROSA), "55556666", "wsp_none", at(later(5000))).await.expect("noted");
    let letter = store.due_letters(at(later(5001))).await.expect("read").pop().expect("a letter");
    assert!(letter.letter == Letter::Confirm { code: "55556666".into() }, "whoever was forgotten comes anew");
    assert_eq!(store.waiting().await.expect("read").len(), 1);
    assert!(store.audit_verify().await.expect("read").whole());
}

async fn whoever_waits_has_a_place_and_staff_see_whose_letters_are_refused(place: Place) {
    let store = place.open().await;
    let all = ["a@example.org", "b@example.org", "c@example.org", "d@example.org"];
    for (n, who) in (0..).zip(all) {
        store.wants_in(&address(who), "11112222", "wsp_unused", at(n)).await.expect("noted");
    }
    // Whoever came later may show sooner that the address is theirs; the one who never does is not counted.
    let mut places = Vec::new();
    for (n, who) in [(10, all[2]), (11, all[0]), (12, all[3])] {
        places.push(store.confirms(&address(who), "11112222", at(n)).await.expect("asked"));
    }
    assert_eq!(places, [Some(1), Some(1), Some(3)]);
    let first = store.waiting().await.expect("read").remove(0);
    assert!(first.person.is_none() && store.enable(&first.id, "wsp_in", "admin", at(20)).await.expect("let in"));
    let listed = store.waiting().await.expect("read").remove(0);
    let grant = store.redeem("wsp_in", at(21)).await.expect("asked").expect("works");
    assert_eq!(listed.person.as_deref(), grant.person.as_ref().map(PersonId::as_str), "staff see who they became");

    let refused = async || -> Vec<bool> {
        store.waiting().await.expect("read").iter().map(|one| one.refused.is_some()).collect()
    };
    assert_eq!(refused().await, [false; 4]);
    let due = store.due_letters(at(30)).await.expect("read");
    let letter = due.iter().find(|one| one.to == address(all[1])).expect("a code");
    store.letter_refused(letter, at(31)).await.expect("noted");
    assert_eq!(refused().await, [false, true, false, false]);
    assert!(store.due_letters(at(1000)).await.expect("read").iter().all(|one| one.to != address(all[1])), "it is gone");
    store.wants_in(&address(all[1]), "33334444", "wsp_unused", at(1001)).await.expect("noted");
    assert_eq!(refused().await, [false; 4], "another one is on its way");
}
