//! A letter that there is news: only where somebody showed that the address is theirs, once in a while, and made for certain.

use jiff::{SignedDuration, tz::TimeZone};
use wellspoken::{
    actions::{Change, Facts, Notice, NoticeKind},
    mail::{Address, Letter},
    policy::{Event, PersonId, Scope, quiet::Quiet},
    store::{NewNotice, Store},
};

use super::place::{Place, admitted, at, commit, entry};

super::on_both!(
    no_letter_before_the_code_came_back,
    one_letter_in_a_while_and_none_that_is_not_wanted,
    a_letter_that_was_made_goes_out_whatever_happens,
);

const CODE: &str = "48291357";

fn address() -> Address {
    Address::parse("quetzalina@example.org").expect("an address")
}

async fn asked(store: &Store, person: &PersonId, seconds: i64) -> bool {
    store.want_letters(person, &address(), CODE, &entry(Event::Closed, Some(person), seconds)).await.expect("asked")
}

async fn confirmed(store: &Store, person: &PersonId, code: &str, seconds: i64) -> bool {
    store.confirm_letters(person, code, &entry(Event::Closed, Some(person), seconds)).await.expect("asked")
}

async fn news(store: &Store, person: &PersonId, id: &str, seconds: i64) {
    let facts = Facts::new("notice_ready").with("medicine", "fluorozepamol");
    let notice =
        Notice { kind: NoticeKind::RecordChanged, topic: Scope::Medicines, sensitive: true, facts, next: None };
    store.keep_news(person, &NewNotice { id: id.into(), notice }, at(seconds)).await.expect("kept");
}

/// Letters that were made, a minute at a time.
async fn written(store: &Store, seconds: i64) -> usize {
    store.write_letters(SignedDuration::from_hours(24), &TimeZone::UTC, at(seconds)).await.expect("looked")
}

async fn no_letter_before_the_code_came_back(place: Place) {
    let store = place.open().await;
    let person = admitted(&store, None).await;
    assert!(store.mailbox(&person).await.expect("read").is_none());
    assert!(asked(&store, &person, 0).await);
    assert!(!asked(&store, &person, 60).await, "one code in ten minutes");
    news(&store, &person, "n1", 10).await;
    assert_eq!(written(&store, 1000).await, 0, "the address may be anybody's");
    let due = store.due_letters(at(5)).await.expect("read");
    assert!(due.len() == 1 && matches!(&due[0].letter, Letter::Confirm { code } if code == CODE), "the code");
    for _ in 0..4 {
        assert!(!confirmed(&store, &person, "00000000", 20).await);
    }
    assert!(confirmed(&store, &person, CODE, 30).await);
    assert!(!confirmed(&store, &person, CODE, 31).await, "once");
    assert!(store.mailbox(&person).await.expect("read").is_some_and(|mailbox| mailbox.confirmed));

    // Another address begins from the start; five tries, and an hour.
    assert!(asked(&store, &person, 700).await);
    assert!(store.mailbox(&person).await.expect("read").is_some_and(|mailbox| !mailbox.confirmed));
    for _ in 0..5 {
        assert!(!confirmed(&store, &person, "00000000", 710).await);
    }
    assert!(!confirmed(&store, &person, CODE, 720).await, "tried too often");
    assert!(asked(&store, &person, 1400).await);
    assert!(!confirmed(&store, &person, CODE, 1400 + 3601).await, "too late");

    let mut raw = place.raw().await;
    let row = sqlx::query("SELECT sealed FROM mailbox").fetch_one(&mut raw).await.expect("one");
    let sealed: Vec<u8> = sqlx::Row::try_get(&row, "sealed").expect("bytes");
    assert!(!sealed.windows(7).any(|part| part == b"example"), "sealed");
    store.no_letters(&person, &entry(Event::Closed, Some(&person), 9000)).await.expect("gone");
    assert!(store.mailbox(&person).await.expect("read").is_none());
}

async fn one_letter_in_a_while_and_none_that_is_not_wanted(place: Place) {
    let store = place.open().await;
    let person = admitted(&store, None).await;
    assert!(asked(&store, &person, 0).await && confirmed(&store, &person, CODE, 1).await);
    store.letter_done(&store.due_letters(at(2)).await.expect("read")[0]).await.expect("out");
    news(&store, &person, "n1", 10).await;
    assert_eq!(written(&store, 60).await, 0, "they may be speaking just now");
    assert_eq!(written(&store, 400).await, 1);
    assert_eq!(written(&store, 460).await, 0);
    let due = store.due_letters(at(401)).await.expect("read");
    assert!(matches!(due[0].letter, Letter::News) && due[0].to.as_str() == "quetzalina@example.org");
    store.letter_done(&due[0]).await.expect("out");
    news(&store, &person, "n2", 500).await;
    assert_eq!(written(&store, 3600).await, 0, "one a day");
    assert_eq!(written(&store, 400 + 86_400).await, 1);
    store.letter_done(&store.due_letters(at(400 + 86_400)).await.expect("read")[0]).await.expect("out");
    let day = |n: i64| 500 + n * 86_400;
    assert_eq!(written(&store, day(2)).await, 0, "nothing came since");

    // Whoever wants quiet has it; what was told is no news.
    let quiet = |quiet| commit("t-quiet", &person, vec![Change::Quiet { quiet }]);
    store.commit(quiet(Quiet { everything: true, ..Quiet::default() })).await.expect("durable");
    news(&store, &person, "n3", day(3)).await;
    assert_eq!(written(&store, day(4)).await, 0);
    let loud = wellspoken::store::TurnCommit { turn: super::place::turn("t-loud"), ..quiet(Quiet::default()) };
    store.commit(loud).await.expect("durable");
    store.read_news(&person, &["n3".into()], &entry(Event::Closed, Some(&person), day(4))).await.expect("read");
    assert_eq!(written(&store, day(4)).await, 0);
    news(&store, &person, "n4", day(4)).await;
    assert!(store.destroy_person(&person, "uid 7", at(day(5))).await.expect("destroyed"));
    assert_eq!(written(&store, day(6)).await, 0);
}

async fn a_letter_that_was_made_goes_out_whatever_happens(place: Place) {
    let store = place.open().await;
    let person = admitted(&store, None).await;
    assert!(asked(&store, &person, 0).await && confirmed(&store, &person, CODE, 1).await);
    store.letter_done(&store.due_letters(at(2)).await.expect("read")[0]).await.expect("out");
    news(&store, &person, "n1", 10).await;
    let again = place.open().await;
    let (one, two) = tokio::join!(written(&store, 400), written(&again, 400));
    assert_eq!(one + two, 1, "two programs make one");
    let taken = again.due_letters(at(401)).await.expect("read").pop().expect("due");
    let name = taken.name.clone();
    drop((again, taken));
    // It died over it: another one sends it under the same name, after a restart as well.
    store.close().await;
    let store = place.open().await;
    assert!(store.due_letters(at(430)).await.expect("read").is_empty(), "somebody has it still");
    let due = store.due_letters(at(401 + 61)).await.expect("read").pop().expect("due again");
    assert_eq!(due.name, name);
}
