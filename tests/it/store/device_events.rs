//! What devices are to be told, on both databases: nothing lost, nothing twice, and nothing left in a room that changed hands.

use std::time::Duration;

use jiff::SignedDuration;
use sqlx::{AssertSqlSafe, Row as _};
use wellspoken::{
    device::{Chime, DeviceEvent, Priority, QueuedEvent},
    policy::{CredentialId, PersonId, Surface},
    records::Chart,
    store::{Grant, ImportOptions, NewEvent, Store, To, Whose},
};

use super::place::{self, CANARIES, Place, at, room};

super::on_both!(
    an_event_comes_again_until_the_device_has_it,
    the_same_event_is_queued_once,
    every_device_of_a_room_is_told_and_woken,
    words_for_whoever_lies_there_leave_with_them,
    what_a_hold_is_on_stays_and_is_told_to_nobody,
    a_credential_that_ends_takes_its_queue_along,
    another_process_wakes_at_the_next_look,
    many_at_once_get_a_number_each,
    nothing_of_it_is_in_clear,
);

async fn device(store: &Store, token: &str, name: &str) -> CredentialId {
    let grant = Grant {
        surface: Surface::Room(room(name)),
        person: None,
        label: "bedside".into(),
        one_time: false,
        expires: at(100_000),
    };
    store.issue(&grant, token, at(0)).await.expect("issued")
}

fn say(text: &str) -> DeviceEvent {
    DeviceEvent::Say { text: text.into() }
}

async fn push(store: &Store, to: To<'_>, name: &str, event: &DeviceEvent, whose: Whose) -> usize {
    let new = NewEvent { name, event, whose, until: at(1000) };
    store.push_event(&[to], &new, at(10)).await.expect("queued")
}

async fn waiting(store: &Store, device: &CredentialId, seq: i64, seconds: i64) -> Vec<QueuedEvent> {
    store.events_after(device, seq, at(seconds)).await.expect("read")
}

fn texts(events: &[QueuedEvent]) -> Vec<String> {
    events.iter().map(|queued| queued.event.words().unwrap_or(queued.event.kind()).to_owned()).collect()
}

/// Somebody of that number, who lies in that room from now on.
async fn lies_in(store: &Store, number: &str, name: &str) -> PersonId {
    let chart = Chart { identifiers: vec![format!("urn:hospital|{number}")], ..place::chart("fluorozepamol") };
    let options = ImportOptions { pin: None, consent: None, room: Some(room(name)), ..ImportOptions::default() };
    store.import(&chart, options, at(5)).await.expect("imported")
}

async fn woken(wake: &wellspoken::device::Wake) -> bool {
    tokio::time::timeout(Duration::from_millis(50), wake.woken()).await.is_ok()
}

async fn an_event_comes_again_until_the_device_has_it(place: Place) {
    let store = place.open().await;
    let bed = device(&store, "wsp_bed", "r7").await;
    for (name, event) in [("a", say("one")), ("b", DeviceEvent::Chime { sound: Chime::News }), ("c", say("three"))] {
        assert_eq!(push(&store, To::Device(&bed), name, &event, Whose::House).await, 1);
    }
    let events = waiting(&store, &bed, 0, 20).await;
    assert_eq!(texts(&events), ["one", "chime", "three"]);
    assert!(events[0].seq < events[1].seq && events[1].seq < events[2].seq);
    assert_eq!(texts(&waiting(&store, &bed, events[0].seq, 20).await), ["chime", "three"], "what comes after");
    assert_eq!(waiting(&store, &bed, 0, 20).await.len(), 3, "asking is not having");
    store.events_acked(&bed, events[1].seq, at(21)).await.expect("noted");
    store.close().await;

    let store = place.open().await;
    assert_eq!(texts(&waiting(&store, &bed, 0, 22).await), ["three"], "after a new start, too");
    store.events_acked(&bed, events[0].seq, at(23)).await.expect("noted");
    assert_eq!(texts(&waiting(&store, &bed, 0, 22).await), ["three"], "an older number takes nothing back");
    assert!(waiting(&store, &bed, 0, 1000).await.is_empty(), "its time is over");
    assert_eq!(store.forget_events(at(999)).await.expect("swept"), 0);
    assert_eq!(store.forget_events(at(1000)).await.expect("swept"), 3);
    assert_eq!(store.forget_events(at(1000)).await.expect("swept"), 0);
    let new = NewEvent { name: "d", event: &say("four"), whose: Whose::House, until: at(3000) };
    store.push_event(&[To::Device(&bed)], &new, at(1001)).await.expect("queued");
    assert!(waiting(&store, &bed, 0, 1002).await[0].seq > events[2].seq, "numbers are never given again");
}

async fn the_same_event_is_queued_once(place: Place) {
    let store = place.open().await;
    let bed = device(&store, "wsp_bed", "r7").await;
    for _ in 0..3 {
        push(&store, To::Device(&bed), "call 7", &say("Maria is on her way"), Whose::House).await;
    }
    let events = waiting(&store, &bed, 0, 20).await;
    assert_eq!(events.len(), 1);
    store.events_acked(&bed, events[0].seq, at(21)).await.expect("noted");
    push(&store, To::Device(&bed), "call 7", &say("Maria is on her way"), Whose::House).await;
    assert!(waiting(&store, &bed, 0, 22).await.is_empty(), "it has it already");
}

async fn every_device_of_a_room_is_told_and_woken(place: Place) {
    let store = place.open().await;
    let (bed, door) = (device(&store, "wsp_bed", "r7").await, device(&store, "wsp_door", "r7").await);
    let other = device(&store, "wsp_other", "r8").await;
    let (ours, theirs) =
        (store.wakes().listen(&bed, Some(&room("r7"))), store.wakes().listen(&other, Some(&room("r8"))));
    let fire = DeviceEvent::Announce { id: "f".into(), priority: Priority::Emergency, text: "Fire drill".into() };
    assert_eq!(push(&store, To::Room(&room("r7")), "f", &fire, Whose::House).await, 2);
    assert!(woken(&ours).await && !woken(&theirs).await);
    for (device, many) in [(&bed, 1), (&door, 1), (&other, 0)] {
        assert_eq!(waiting(&store, device, 0, 20).await.len(), many);
    }
    assert_eq!(push(&store, To::Room(&room("r9")), "f", &fire, Whose::House).await, 0, "nobody is told");
    let all = [To::Room(&room("r7")), To::Device(&other)];
    let new = NewEvent { name: "g", event: &fire, whose: Whose::House, until: at(1000) };
    assert_eq!(store.push_event(&all, &new, at(11)).await.expect("queued"), 3);
    let expired = NewEvent { name: "h", event: &fire, whose: Whose::House, until: at(200_000) };
    assert_eq!(store.push_event(&all, &expired, at(100_000)).await.expect("queued"), 0, "their credentials have ended");
}

async fn words_for_whoever_lies_there_leave_with_them(place: Place) {
    let store = place.open().await;
    let bed = device(&store, "wsp_bed", "r7").await;
    push(&store, To::Room(&room("r7")), "nobody", &say("to nobody known"), Whose::There).await;
    assert_eq!(texts(&waiting(&store, &bed, 0, 20).await), ["to nobody known"]);
    lies_in(&store, "MRN-1", "r7").await;
    assert!(waiting(&store, &bed, 0, 20).await.is_empty(), "somebody came");
    push(&store, To::Room(&room("r7")), "first", &say("for the first"), Whose::There).await;
    push(&store, To::Room(&room("r7")), "house", &say("for everybody"), Whose::House).await;
    assert_eq!(texts(&waiting(&store, &bed, 0, 20).await), ["for the first", "for everybody"]);
    lies_in(&store, "MRN-2", "r7").await;
    assert_eq!(texts(&waiting(&store, &bed, 0, 20).await), ["for everybody"]);
    let mut raw = place.raw().await;
    let row = sqlx::query("SELECT CAST(COUNT(*) AS BIGINT) AS many FROM device_event").fetch_one(&mut raw).await;
    assert_eq!(row.expect("read").get::<i64, _>("many"), 1, "the rows are gone, not only their key");
}

async fn what_a_hold_is_on_stays_and_is_told_to_nobody(place: Place) {
    let store = place.open().await;
    let bed = device(&store, "wsp_bed", "r7").await;
    let person = lies_in(&store, "MRN-1", "r7").await;
    push(&store, To::Room(&room("r7")), "a", &say("for the first"), Whose::There).await;
    store.place_hold(&person, "a lawsuit", "lawyer", at(12)).await.expect("placed");
    lies_in(&store, "MRN-2", "r7").await;
    assert!(waiting(&store, &bed, 0, 20).await.is_empty());
    assert_eq!(store.forget_events(at(2000)).await.expect("swept"), 0, "it is held");
    store.lift_hold(&person, None, "it is over", "lawyer", at(2001)).await.expect("lifted");
    store.forget(&Default::default(), at(2002)).await.expect("swept");
    assert_eq!(store.forget_events(at(2003)).await.expect("swept"), 0, "it went with the hold");
    let mut raw = place.raw().await;
    let row = sqlx::query("SELECT CAST(COUNT(*) AS BIGINT) AS many FROM device_event").fetch_one(&mut raw).await;
    assert_eq!(row.expect("read").get::<i64, _>("many"), 0);
}

async fn a_credential_that_ends_takes_its_queue_along(place: Place) {
    let store = place.open().await;
    let bed = device(&store, "wsp_bed", "r7").await;
    push(&store, To::Device(&bed), "a", &say("one"), Whose::House).await;
    let wake = store.wakes().listen(&bed, None);
    assert!(store.revoke(&bed, at(12)).await.expect("revoked"));
    assert!(woken(&wake).await, "its connection ends at once");
    assert!(waiting(&store, &bed, 0, 20).await.is_empty());
    assert_eq!(push(&store, To::Device(&bed), "b", &say("two"), Whose::House).await, 0);
}

async fn another_process_wakes_at_the_next_look(place: Place) {
    let (here, there) = (place.open().await, place.open().await);
    let bed = device(&here, "wsp_bed", "r7").await;
    here.look_for_wakes(at(10)).await.expect("nobody listens");
    let wake = here.wakes().listen(&bed, Some(&room("r7")));
    here.look_for_wakes(at(10)).await.expect("looked");
    assert!(woken(&wake).await, "whoever is new looks once");
    here.look_for_wakes(at(10)).await.expect("looked");
    assert!(!woken(&wake).await, "nothing changed");
    push(&there, To::Device(&bed), "a", &say("one"), Whose::House).await;
    assert!(!woken(&wake).await, "that was another process");
    here.look_for_wakes(at(11)).await.expect("looked");
    assert!(woken(&wake).await);
    lies_in(&there, "MRN-1", "r7").await;
    here.look_for_wakes(at(12)).await.expect("looked");
    assert!(woken(&wake).await, "somebody lies there now");
    there.revoke(&bed, at(13)).await.expect("revoked");
    here.look_for_wakes(at(14)).await.expect("looked");
    assert!(woken(&wake).await, "it may not come in any more");
}

async fn many_at_once_get_a_number_each(place: Place) {
    let (here, there) = (place.open().await, place.open().await);
    let bed = device(&here, "wsp_bed", "r7").await;
    let pushes = (0..20).map(|n| {
        let (store, bed) = (if n % 2 == 0 { here.clone() } else { there.clone() }, bed.clone());
        tokio::spawn(async move { push(&store, To::Device(&bed), &format!("{n}"), &say("x"), Whose::House).await })
    });
    for pushed in pushes.collect::<Vec<_>>() {
        assert_eq!(pushed.await.expect("no panic"), 1);
    }
    let events = waiting(&here, &bed, 0, 20).await;
    let numbers: std::collections::BTreeSet<i64> = events.iter().map(|queued| queued.seq).collect();
    assert_eq!((events.len(), numbers.len()), (20, 20), "none lost, none twice");
}

async fn nothing_of_it_is_in_clear(place: Place) {
    let store = place.open().await;
    device(&store, "wsp_bed", "r7").await;
    lies_in(&store, "MRN-77123", "r7").await;
    push(&store, To::Room(&room("r7")), "my secret need", &say("Quetzalina, Dr. Wombat comes"), Whose::There).await;
    let mut raw = place.raw().await;
    for table in ["device_event", "device_queue"] {
        let all = sqlx::query(AssertSqlSafe(format!("SELECT * FROM {table}"))).fetch_all(&mut raw).await.expect("read");
        assert_eq!(all.len(), 1);
        for cell in (0..all[0].len()).map(|cell| {
            let bytes = all[0].try_get::<Vec<u8>, _>(cell);
            bytes.or_else(|_| all[0].try_get::<String, _>(cell).map(String::into_bytes)).unwrap_or_default()
        }) {
            let text = String::from_utf8_lossy(&cell);
            assert!(CANARIES.iter().all(|canary| !text.contains(canary)), "{table}");
        }
    }
    let week = SignedDuration::from_hours(7 * 24);
    let late = NewEvent { name: "late", event: &say("later"), whose: Whose::There, until: at(10) + week };
    assert_eq!(store.push_event(&[To::Room(&room("r7"))], &late, at(11)).await.expect("queued"), 1);
}
