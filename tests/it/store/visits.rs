//! Free times are held for one and taken by one; a visit is moved or called off as it was read, and once.

use std::collections::BTreeSet;

use jiff::Timestamp;
use wellspoken::{
    actions::{Change, Conflict},
    policy::PersonId,
    records::{Chart, OpenSlot, SlotQuery, Visit},
    store::{CommitError, ImportOptions, Store, TurnCommit},
};

use super::place::{Place, at, chart, commit, permit, session, slot};

super::on_both!(
    of_many_who_are_asked_one_has_it,
    a_held_time_is_offered_to_nobody_else,
    what_is_held_ends,
    a_visit_is_moved_once_and_leaves_its_time,
    a_visit_of_the_chart_is_called_off_once,
    of_two_changes_of_a_visit_one_holds,
);

/// People with nothing in common but the schedules.
async fn people(store: &Store, count: usize, visits: &[Visit]) -> Vec<PersonId> {
    let mut people = Vec::with_capacity(count);
    for n in 0..count {
        let chart =
            Chart { identifiers: vec![format!("urn:test|{n}")], visits: visits.to_vec(), ..chart("fluorozepamol") };
        people.push(store.import(&chart, ImportOptions::default(), at(0)).await.expect("imported"));
    }
    people
}

fn turn(name: &str, person: &PersonId, when: Timestamp, change: Change) -> TurnCommit {
    TurnCommit { session: session(name), at: when, ..commit(name, person, vec![change]) }
}

fn hold(n: i64, until: Timestamp) -> Change {
    Change::HoldSlot { slot: slot(n), until, again: false }
}

fn book(n: i64) -> Change {
    Change::Book { slot: slot(n), reason: None }
}

async fn offered(store: &Store, person: &PersonId, when: Timestamp) -> Vec<String> {
    let held_for = Some((person.clone(), when));
    let query = SlotQuery {
        from: Timestamp::MIN,
        until: Timestamp::MAX,
        provider: None,
        specialty: None,
        limit: 100,
        held_for,
    };
    store.free_slots(&query).await.expect("read").into_iter().map(|slot| slot.id).collect()
}

async fn theirs(store: &Store, person: &PersonId) -> Vec<Visit> {
    let visits = store.booked_visits(person).await.expect("read");
    visits.reveal(&permit(store, person).await).expect("theirs")
}

fn taken(outcome: Result<impl Sized, CommitError>) -> bool {
    matches!(outcome, Err(CommitError::Conflict(Conflict::SlotTaken)))
}

async fn of_many_who_are_asked_one_has_it(place: Place) {
    let stores = [place.open().await, place.open().await];
    let people = people(&stores[0], 16, &[]).await;
    for (round, change) in [("hold", hold(1, at(200))), ("book", book(1))] {
        let tries: Vec<_> = people
            .iter()
            .enumerate()
            .map(|(n, person)| {
                let (store, person, change) = (stores[n % 2].clone(), person.clone(), change.clone());
                tokio::spawn(async move { store.commit(turn(&format!("{round}{n}"), &person, at(10), change)).await })
            })
            .collect();
        let mut got = 0;
        for task in tries {
            match task.await.expect("ran") {
                Ok(_) => got += 1,
                Err(CommitError::Conflict(Conflict::SlotTaken)) => {}
                Err(e) => panic!("{e}"),
            }
        }
        assert_eq!(got, 1, "{round}");
    }
    let mut visits = 0;
    for person in &people {
        visits += theirs(&stores[0], person).await.len();
    }
    assert_eq!(visits, 1);
    assert!(stores[0].audit_verify().await.expect("read").whole());
}

async fn a_held_time_is_offered_to_nobody_else(place: Place) {
    let store = place.open().await;
    let people = people(&store, 2, &[]).await;
    let (a, b) = (&people[0], &people[1]);
    store.commit(turn("a1", a, at(10), hold(1, at(190)))).await.expect("held");
    assert_eq!(offered(&store, a, at(20)).await, ["slot-0", "slot-1", "slot-2"], "their own second try still works");
    assert_eq!(offered(&store, b, at(20)).await, ["slot-0", "slot-2"]);
    assert!(taken(store.commit(turn("b1", b, at(20), book(1))).await), "a yes to an old read-back");
    assert!(taken(store.commit(turn("b2", b, at(20), hold(1, at(200)))).await));
    store.commit(turn("a2", a, at(30), hold(1, at(210)))).await.expect("asked on another device");
    store.commit(turn("a3", a, at(40), book(1))).await.expect("booked");
    assert!(taken(store.commit(turn("b3", b, at(50), hold(1, at(230)))).await), "it is not free any more");
    // Nothing of who held it is left, and two holds of one person have nothing in common.
    store.commit(turn("a4", a, at(50), hold(0, at(230)))).await.expect("held");
    store.commit(turn("a5", a, at(50), hold(2, at(230)))).await.expect("held");
    let mut raw = place.raw().await;
    let rows: Vec<(String, String)> =
        sqlx::query_as("SELECT slot, holder FROM slot_hold ORDER BY slot").fetch_all(&mut raw).await.expect("read");
    assert_eq!(rows.iter().map(|(slot, _)| slot.as_str()).collect::<Vec<_>>(), ["slot-0", "slot-2"]);
    assert_ne!(rows[0].1, rows[1].1);
    assert!(!rows.iter().any(|(_, holder)| holder.contains(a.as_str())));
}

async fn what_is_held_ends(place: Place) {
    let store = place.open().await;
    let people = people(&store, 2, &[]).await;
    let (a, b) = (&people[0], &people[1]);
    store.commit(turn("a1", a, at(10), hold(1, at(190)))).await.expect("held");
    let other = Change::ReleaseSlot { slot: slot(1).id };
    store.commit(turn("b1", b, at(20), other.clone())).await.expect("nothing of theirs");
    assert_eq!(offered(&store, b, at(20)).await.len(), 2, "nobody lets go of what is somebody else's");
    store.commit(turn("a2", a, at(30), other)).await.expect("let go");
    assert_eq!(offered(&store, b, at(30)).await.len(), 3);
    store.commit(turn("a3", a, at(40), hold(1, at(220)))).await.expect("held again");
    assert_eq!(offered(&store, b, at(219)).await.len(), 2);
    assert_eq!(offered(&store, b, at(220)).await.len(), 3, "silence");
    let again = Change::HoldSlot { slot: slot(1), until: at(400), again: true };
    store.commit(turn("a4", a, at(215), again.clone())).await.expect("longer");
    assert_eq!(offered(&store, b, at(220)).await.len(), 2);
    store.commit(turn("b2", b, at(400), book(1))).await.expect("too late to say yes now");
    assert!(taken(store.commit(turn("a5", a, at(401), book(1))).await));
    store.commit(turn("a6", a, at(402), again)).await.expect("what is gone is not held longer, and refuses nothing");
}

fn charted() -> Visit {
    Visit {
        id: "appointment-1".into(),
        start: at(200_000),
        end: Some(at(201_800)),
        provider: Some("Dr. Anita Patel".into()),
        booked: true,
        slot: Some("slot-busy".into()),
        ..Visit::default()
    }
}

async fn a_visit_is_moved_once_and_leaves_its_time(place: Place) {
    let store = place.open().await;
    let people = people(&store, 1, &[]).await;
    let a = &people[0];
    store.commit(turn("a1", a, at(10), book(0))).await.expect("booked");
    let visit = theirs(&store, a).await.remove(0);
    // Three devices at once: one move goes through, and exactly one time is taken.
    let tries: Vec<_> = (1..3)
        .map(|n| {
            let (store, a, visit) = (store.clone(), a.clone(), visit.clone());
            let change = Change::Reschedule { visit, to: slot(n) };
            tokio::spawn(async move { store.commit(turn(&format!("m{n}"), &a, at(20), change)).await })
        })
        .collect();
    let mut moved = 0;
    for task in tries {
        match task.await.expect("ran") {
            Ok(_) => moved += 1,
            Err(CommitError::Conflict(Conflict::VisitChanged)) => {}
            Err(e) => panic!("{e}"),
        }
    }
    assert_eq!(moved, 1);
    let visits = theirs(&store, a).await;
    let free: BTreeSet<String> = offered(&store, a, at(20)).await.into_iter().collect();
    assert_eq!((visits.len(), free.len()), (1, 2));
    let slot_now = visits[0].slot.clone().expect("in a slot");
    assert!(free.contains("slot-0") && !free.contains(&slot_now), "{slot_now} of {free:?}");
    assert_eq!((visits[0].id.as_str(), visits[0].was), (visit.id.as_str(), Some(visit.start)));
    // The new time is gone: the visit stays where it is, and nothing is freed.
    let elsewhere = OpenSlot { id: "gone".into(), ..slot(2) };
    let refused =
        store.commit(turn("m9", a, at(30), Change::Reschedule { visit: visits[0].clone(), to: elsewhere })).await;
    assert!(taken(refused));
    assert_eq!(theirs(&store, a).await[0].slot, Some(slot_now));
    assert_eq!(offered(&store, a, at(30)).await.len(), 2);
}

async fn a_visit_of_the_chart_is_called_off_once(place: Place) {
    let store = place.open().await;
    let people = people(&store, 2, &[charted()]).await;
    let (a, b) = (&people[0], &people[1]);
    store.commit(turn("a1", a, at(10), Change::Cancel { visit: charted() })).await.expect("called off");
    let again = store.commit(turn("a2", a, at(20), Change::Cancel { visit: charted() })).await;
    assert!(matches!(again, Err(CommitError::Conflict(Conflict::VisitChanged))));
    assert!(offered(&store, b, at(20)).await.contains(&"slot-busy".to_owned()), "its time is free");
    let off = theirs(&store, a).await;
    assert_eq!((off.len(), off[0].id.as_str(), off[0].booked), (1, "appointment-1", false));
    // What a stale chart still claims is not taken away from whoever has it now.
    let freed = OpenSlot { id: "slot-busy".into(), start: charted().start, ..slot(0) };
    store.commit(turn("b1", b, at(30), Change::Book { slot: freed, reason: None })).await.expect("booked");
    let stale = Visit { id: "appointment-2".into(), ..charted() };
    store.commit(turn("a3", a, at(40), Change::Cancel { visit: stale })).await.expect("called off");
    assert!(!offered(&store, a, at(40)).await.contains(&"slot-busy".to_owned()));
    // A time that is over frees nothing.
    let over = Visit { id: "appointment-3".into(), slot: Some("slot-over".into()), start: at(5), ..charted() };
    store.commit(turn("a4", a, at(50), Change::Cancel { visit: over })).await.expect("called off");
    assert!(!offered(&store, a, at(50)).await.contains(&"slot-over".to_owned()));
}

async fn of_two_changes_of_a_visit_one_holds(place: Place) {
    let store = place.open().await;
    let people = people(&store, 1, &[]).await;
    let a = &people[0];
    store.commit(turn("a1", a, at(10), book(0))).await.expect("booked");
    let visit = theirs(&store, a).await.remove(0);
    store.commit(turn("a2", a, at(20), Change::Reschedule { visit: visit.clone(), to: slot(1) })).await.expect("moved");
    let crossed = store.commit(turn("a3", a, at(30), Change::Cancel { visit })).await;
    assert!(matches!(crossed, Err(CommitError::Conflict(Conflict::VisitChanged))), "it is no longer as it was read");
    let now = theirs(&store, a).await.remove(0);
    assert!(now.booked && now.slot.as_deref() == Some("slot-1"));
    store.commit(turn("a4", a, at(40), Change::Cancel { visit: now })).await.expect("called off");
    assert_eq!(offered(&store, a, at(40)).await.len(), 3);
    assert!(!theirs(&store, a).await[0].booked);
}
