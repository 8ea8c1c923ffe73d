//! Whose records are at a server: one patient for one person, each part with its own age, and gone with what was copied.

use jiff::SignedDuration;
use wellspoken::{
    policy::PersonId,
    records::{OpenSlot, Prescription, SlotQuery},
    store::{ChartKind, ImportOptions, SourceError, Store},
};

use super::place::{Place, at, chart};

super::on_both!(
    one_patient_stands_for_one_person,
    each_part_is_as_old_as_it_was_read,
    what_was_copied_goes_with_the_source_unless_it_is_held,
    free_times_that_are_gone_at_the_server_are_gone_here,
);

const SERVER: &str = "Lakeside Clinic";

async fn person(store: &Store, number: &str) -> PersonId {
    let mut theirs = chart("x");
    theirs.identifiers = vec![format!("urn:hospital|{number}")];
    store.import(&theirs, ImportOptions::default(), at(0)).await.expect("imported")
}

async fn bind(store: &Store, who: &PersonId, patient: &str, number: &str) -> Result<(), SourceError> {
    let mut theirs = chart("y");
    theirs.identifiers = vec![format!("urn:hospital|{number}")];
    store.bind_source(who, (SERVER, patient), &theirs, "tester", at(1)).await
}

async fn one_patient_stands_for_one_person(place: Place) {
    let store = place.open().await;
    let (one, two) = (person(&store, "1").await, person(&store, "2").await);
    assert!(matches!(bind(&store, &one, "p1", "2").await, Err(SourceError::Unlike)), "somebody else's number");
    assert!(matches!(bind(&store, &one, "p1", "3").await, Err(SourceError::Unlike)), "nobody's number");
    bind(&store, &one, "p1", "1").await.expect("bound");
    assert!(matches!(bind(&store, &two, "p1", "2").await, Err(SourceError::Taken)), "the same patient");
    assert!(matches!(bind(&store, &one, "p2", "1").await, Err(SourceError::Taken)), "a second source");
    bind(&store, &two, "p2", "2").await.expect("bound");
    let nobody = PersonId::parse("nobody").expect("fits");
    assert!(bind(&store, &nobody, "p3", "1").await.is_err());
    let all = store.sources().await.expect("read");
    assert_eq!(all.len(), 2);
    assert!(store.destroy_person(&two, "tester", at(2)).await.expect("destroyed"));
    assert_eq!(store.sources().await.expect("read").len(), 1, "whoever is forgotten is gone from there");
    assert!(store.audit_verify().await.expect("read").whole());
}

async fn each_part_is_as_old_as_it_was_read(place: Place) {
    let store = place.open().await;
    let one = person(&store, "1").await;
    assert!(store.source(&one).await.expect("read").is_none());
    bind(&store, &one, "p1", "1").await.expect("bound");
    let source = store.source(&one).await.expect("read").expect("bound");
    assert_eq!((source.server.as_str(), source.patient.as_str()), (SERVER, "p1"));
    assert!(ChartKind::ALL.into_iter().all(|kind| source.read(kind) == Some(at(1))));
    store.keep_copy(&one, source, &chart("z"), &[ChartKind::Visits], at(9)).await.expect("kept");
    let source = store.source(&one).await.expect("read").expect("bound");
    assert_eq!((source.read(ChartKind::Visits), source.read(ChartKind::Results)), (Some(at(9)), Some(at(1))));
    store.forget_copy(&one).await.expect("forgotten");
    let source = store.source(&one).await.expect("read").expect("bound");
    assert_eq!(source.read(ChartKind::Visits), None);
}

async fn what_was_copied_goes_with_the_source_unless_it_is_held(place: Place) {
    let store = place.open().await;
    let one = person(&store, "1").await;
    assert!(matches!(store.remove_source(&one, "tester", at(2)).await, Err(SourceError::None)));
    bind(&store, &one, "p1", "1").await.expect("bound");
    let hold = store.place_hold(&one, "a lawsuit", "legal", at(2)).await.expect("placed");
    assert!(store.remove_source(&one, "tester", at(3)).await.is_err(), "held");
    assert!(store.forget_copy(&one).await.is_err(), "held");
    assert!(store.source(&one).await.expect("read").is_some());
    store.lift_hold(&one, Some(&hold), "settled", "legal", at(4)).await.expect("lifted");
    let rows = |store: &Store| {
        let (store, one) = (store.clone(), one.clone());
        async move { store.chart_rows::<Prescription>(&one, ChartKind::Prescriptions).await.expect("read") }
    };
    let mut before = 0;
    let _ = rows(&store).await.map(|all| before = all.len());
    store.remove_source(&one, "tester", at(5)).await.expect("removed");
    let mut after = 0;
    let _ = rows(&store).await.map(|all| after = all.len());
    assert!(before > 0 && after == 0, "{before}, {after}");
    bind(&store, &one, "p1", "1").await.expect("and once more");
}

async fn free_times_that_are_gone_at_the_server_are_gone_here(place: Place) {
    let store = place.open().await;
    let slot = |id: &str, hour| OpenSlot {
        id: id.into(),
        start: at(0) + SignedDuration::from_hours(hour),
        end: at(0) + SignedDuration::from_hours(hour + 1),
        provider: "Dr. Anita Patel".into(),
        specialty: None,
        place: None,
        mode: Default::default(),
        zone: None,
        version: None,
        actors: vec![],
    };
    let until = at(0) + SignedDuration::from_hours(100);
    let free = async || {
        let query = SlotQuery { from: at(0), until, provider: None, specialty: None, limit: 10, held_for: None };
        let all = store.free_slots(&query).await.expect("read");
        all.into_iter().map(|slot| slot.id).collect::<Vec<_>>()
    };
    let keep = async |slots: &[OpenSlot], when| {
        store.keep_slots(SERVER, (at(0), until), slots, at(when)).await.expect("kept");
    };
    store.keep_slots("Another", (at(0), until), &[slot("other", 5)], at(1)).await.expect("kept");
    keep(&[slot("a", 1), slot("b", 2)], 1).await;
    assert_eq!(free().await, ["a", "b", "other"]);
    keep(&[slot("b", 2), slot("c", 3)], 2).await;
    assert_eq!(free().await, ["b", "c", "other"], "another server's stay");
    keep(&[slot("a", 1), slot("b", 2), slot("c", 3)], 3).await;
    assert_eq!(free().await, ["a", "b", "c", "other"], "free again");
}
