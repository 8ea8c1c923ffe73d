//! Planted snooping is reported, ordinary work is not.

use jiff::SignedDuration;
use wellspoken::{
    policy::{Event, Journal, JournalEntry, PersonId},
    store::{ImportOptions, ReviewRule, Store},
};

use super::place::{Place, at, chart, credential, entry};

super::on_both!(who_opens_many_strangers_is_reported_and_who_works_is_not);

const RULE: ReviewRule =
    ReviewRule { people: 10, window: SignedDuration::from_mins(60), known: SignedDuration::from_hours(24 * 30) };
const HOUR: i64 = 3600;

async fn people(store: &Store, count: usize) -> Vec<PersonId> {
    let mut people = vec![];
    for n in 0..count {
        let mut chart = chart("x");
        chart.identifiers = vec![format!("urn:hospital|{n}")];
        people.push(store.import(&chart, ImportOptions::default(), at(0)).await.expect("imported"));
    }
    people
}

async fn look(store: &Store, who: &str, whom: &PersonId, event: Event, seconds: i64) {
    let look = JournalEntry { actor: Some(credential(who)), at: at(seconds), ..entry(event, Some(whom), 1) };
    store.append(look).await.expect("durable");
}

async fn who_opens_many_strangers_is_reported_and_who_works_is_not(place: Place) {
    let store = place.open().await;
    let people = people(&store, 30).await;
    // A nurse with eight patients, all day, every day; a ninth and tenth on the third.
    for day in 0..3 {
        for (n, person) in people.iter().take(8 + day).enumerate() {
            for hour in 8..11 {
                look(&store, "nurse", person, Event::Opened, (24 * day as i64 + hour) * HOUR + n as i64 * 60).await;
            }
        }
    }
    // A device in a room: one person after another, days apart.
    for (n, person) in people.iter().enumerate() {
        look(&store, "room", person, Event::Opened, 50 * HOUR * n as i64).await;
    }
    // The snoop: twelve people in forty minutes, two of them refused; and one who is destroyed afterwards.
    for (n, person) in people[10..22].iter().enumerate() {
        let event = if n < 2 { Event::Refused } else { Event::Opened };
        look(&store, "snoop", person, event, 30 * HOUR + n as i64 * 200).await;
    }
    // One below the rule.
    for (n, person) in people[..9].iter().enumerate() {
        look(&store, "curious", person, Event::Opened, 40 * HOUR + n as i64 * 60).await;
    }
    let review = store.audit_review(RULE, None, None, "uid 7", at(99 * HOUR)).await.expect("reviewed");
    let found: Vec<_> = review.findings.iter().map(|f| (f.who.as_str(), f.people, f.refused)).collect();
    assert_eq!(found, [("snoop", 12, 2)]);
    let finding = &review.findings[0];
    assert_eq!((finding.from, finding.to), (at(30 * HOUR), at(30 * HOUR + 11 * 200)));
    assert_eq!(finding.entries.len(), 12);
    assert_eq!(review.unreadable, 0);
    let mut told = vec![];
    review.tell(&mut told).expect("written");
    let told = String::from_utf8(told).expect("text");
    assert!(told.contains("snoop: 12 people new to them, 2 of them refused"), "{told}");
    assert!(people.iter().all(|person| !told.contains(person.as_str())), "who was looked at is not repeated");

    let before = store.audit_review(RULE, None, Some(at(30 * HOUR)), "uid 7", at(99 * HOUR)).await.expect("reviewed");
    assert!(before.findings.is_empty(), "{before:?}");
    let stricter = ReviewRule { people: 9, ..RULE };
    let more = store.audit_review(stricter, None, None, "uid 7", at(99 * HOUR)).await.expect("reviewed");
    assert_eq!(more.findings.iter().map(|f| f.who.as_str()).collect::<Vec<_>>(), ["snoop", "curious"]);

    assert!(store.destroy_person(&people[12], "uid 7", at(99 * HOUR)).await.expect("destroyed"));
    let after = store.audit_review(RULE, None, None, "uid 7", at(99 * HOUR)).await.expect("reviewed");
    assert_eq!(after.findings[0].people, 11, "whose key is gone cannot be told to be looked at by whom");
    assert!(after.unreadable >= 2, "and that is said");
    assert!(store.audit_verify().await.expect("read").whole());
}
