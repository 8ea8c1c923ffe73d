//! Who waits for an earlier time: once for each thing, told once of each time, and not of one that is gone.

use wellspoken::{
    actions::{Change, Conflict, Waiting},
    policy::PersonId,
    records::{OpenSlot, Visit},
    store::{CommitError, ImportOptions, Store, TurnCommit},
};

use super::place::{Place, at, chart, commit, permit, session, slot};

super::on_both!(
    who_waits_is_told_once_of_each_time,
    a_time_that_is_gone_is_not_told,
    one_waits_once_and_until_the_visit_changes,
    what_is_waited_for_is_sealed,
);

const DAY: i64 = 24 * 3_600;

async fn person(store: &Store, name: &str) -> PersonId {
    let chart = wellspoken::records::Chart {
        identifiers: vec![format!("urn:test|{name}")],
        slots: vec![],
        ..chart("fluorozepamol")
    };
    store.import(&chart, ImportOptions::default(), at(0)).await.expect("imported")
}

/// The doctor's time so many days on.
fn time(day: i64) -> OpenSlot {
    OpenSlot { start: at(day * DAY), end: at(day * DAY + 1_800), ..slot(day) }
}

fn visit() -> Visit {
    let of = time(20);
    Visit { id: "v".into(), start: of.start, provider: Some(of.provider), booked: true, ..Visit::default() }
}

fn waiting() -> Waiting {
    let visit = visit();
    Waiting {
        id: String::new(),
        visit: Some(visit.id),
        provider: visit.provider,
        specialty: None,
        mode: None,
        before: visit.start,
        zone: None,
        since: at(1),
    }
}

async fn change(store: &Store, name: &str, person: &PersonId, change: Change) -> Result<(), CommitError> {
    let turn = TurnCommit { session: session(name), at: at(10), ..commit(name, person, vec![change]) };
    store.commit(turn).await.map(drop)
}

async fn joined(store: &Store, name: &str, person: &PersonId) {
    change(store, name, person, Change::JoinWaitlist { waiting: waiting() }).await.expect("they wait");
}

async fn untold(store: &Store, person: &PersonId) -> Vec<String> {
    store.waiting_news(person).await.expect("read").into_iter().map(|news| news.id).collect()
}

async fn waits(store: &Store, person: &PersonId) -> usize {
    let all = store.waited_for(person).await.expect("read");
    all.reveal(&permit(store, person).await).expect("theirs").len()
}

async fn who_waits_is_told_once_of_each_time(place: Place) {
    let store = place.open().await;
    let (rosa, june) = (person(&store, "rosa").await, person(&store, "june").await);
    assert!(!store.anybody_waits().await.expect("read"));
    joined(&store, "a", &rosa).await;
    joined(&store, "b", &june).await;
    assert!(store.anybody_waits().await.expect("read"));
    let tell = async |free: &[OpenSlot], now| store.tell_who_waits(free, at(now)).await.expect("told");
    assert_eq!(tell(&[], 20).await, 0);
    // After their visits is not earlier.
    assert_eq!(tell(&[time(21)], 21).await, 0);
    assert_eq!(tell(&[time(9), time(5)], 22).await, 2, "both are told of the earliest");
    assert_eq!(tell(&[time(9), time(5)], 23).await, 0, "once");
    assert_eq!((untold(&store, &rosa).await.len(), untold(&store, &june).await.len()), (1, 1));
    // Another comes free that is earlier still: it takes the place of what was not told yet.
    let before = untold(&store, &rosa).await;
    assert_eq!(tell(&[time(9), time(5), time(4)], 24).await, 2);
    let after = untold(&store, &rosa).await;
    assert!(after.len() == 1 && after != before);
    // A visit that is over is waited for no more.
    assert_eq!(tell(&[time(9)], 20 * DAY).await, 0);
    assert!(!store.anybody_waits().await.expect("read"));
    assert!(untold(&store, &rosa).await.is_empty(), "and nothing is told of it");
}

async fn a_time_that_is_gone_is_not_told(place: Place) {
    let store = place.open().await;
    let rosa = person(&store, "rosa").await;
    joined(&store, "a", &rosa).await;
    assert_eq!(store.tell_who_waits(&[time(5)], at(20)).await.expect("told"), 1);
    assert_eq!(store.tell_who_waits(&[], at(21)).await.expect("told"), 0);
    assert!(untold(&store, &rosa).await.is_empty());
    assert_eq!(store.tell_who_waits(&[time(5)], at(22)).await.expect("told"), 1, "free again");
    // One that is kept for somebody who was just asked about it is not free.
    let june = person(&store, "june").await;
    let hold = Change::HoldSlot { slot: time(4), until: at(10_000), again: false };
    change(&store, "hold", &june, hold).await.expect("held");
    assert_eq!(store.tell_who_waits(&[time(4), time(5)], at(23)).await.expect("told"), 0);
}

async fn one_waits_once_and_until_the_visit_changes(place: Place) {
    let store = place.open().await;
    let rosa = person(&store, "rosa").await;
    joined(&store, "a", &rosa).await;
    let twice = change(&store, "b", &rosa, Change::JoinWaitlist { waiting: waiting() }).await;
    assert!(matches!(twice, Err(CommitError::Conflict(Conflict::AlreadyWaiting))));
    store.tell_who_waits(&[time(5)], at(20)).await.expect("told");
    change(&store, "off", &rosa, Change::Cancel { visit: visit() }).await.expect("called off");
    assert_eq!((waits(&store, &rosa).await, untold(&store, &rosa).await.len()), (0, 0));

    // Without a visit: until one is booked with that doctor.
    let any = Waiting { visit: None, ..waiting() };
    change(&store, "c", &rosa, Change::JoinWaitlist { waiting: any.clone() }).await.expect("they wait");
    change(&store, "d", &rosa, Change::Book { slot: slot(1), reason: None }).await.expect_err("no such time");
    assert_eq!(waits(&store, &rosa).await, 1);
    store.import(&chart_with(time(3)), ImportOptions::default(), at(1)).await.expect("imported");
    change(&store, "e", &rosa, Change::Book { slot: time(3), reason: None }).await.expect("booked");
    assert_eq!(waits(&store, &rosa).await, 0);

    change(&store, "f", &rosa, Change::JoinWaitlist { waiting: any }).await.expect("they wait again");
    let all = store.waited_for(&rosa).await.expect("read").reveal(&permit(&store, &rosa).await).expect("theirs");
    let ids = vec![all[0].id.clone()];
    let june = person(&store, "june").await;
    change(&store, "g", &june, Change::LeaveWaitlist { ids: ids.clone() }).await.expect("nothing of hers");
    assert_eq!(waits(&store, &rosa).await, 1, "nobody else takes them off");
    change(&store, "h", &rosa, Change::LeaveWaitlist { ids }).await.expect("left");
    assert_eq!(waits(&store, &rosa).await, 0);
}

fn chart_with(slot: OpenSlot) -> wellspoken::records::Chart {
    wellspoken::records::Chart {
        identifiers: vec!["urn:test|schedules".into()],
        slots: vec![slot],
        ..chart("fluorozepamol")
    }
}

async fn what_is_waited_for_is_sealed(place: Place) {
    let store = place.open().await;
    let rosa = person(&store, "rosa").await;
    joined(&store, "a", &rosa).await;
    let mut raw = place.raw().await;
    let row = sqlx::query("SELECT thing, sealed FROM waitlist").fetch_one(&mut raw).await.expect("a row");
    let (thing, sealed): (String, Vec<u8>) =
        (sqlx::Row::try_get(&row, "thing").expect("a text"), sqlx::Row::try_get(&row, "sealed").expect("bytes"));
    let provider = time(1).provider;
    assert!(!thing.contains("visit") && !String::from_utf8_lossy(&sealed).contains(&provider));
}
