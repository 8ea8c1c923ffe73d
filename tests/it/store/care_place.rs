//! The list of places: replaced as a whole, with the waits of those that stay; where a home is, is sealed.

use jiff::tz::TimeZone;
use sqlx::Row as _;
use wellspoken::{
    records::{Position, Wait, demo},
    store::StoreError,
};

use super::place::{Place, at, room};

super::on_both!(a_list_is_replaced_and_its_waits_stay, where_a_home_is_stands_nowhere_in_clear);

async fn a_list_is_replaced_and_its_waits_stay(place: Place) {
    let store = place.open().await;
    assert!(store.care_places().await.expect("read").is_empty());
    let mut list = demo::places(at(0), &TimeZone::UTC).expect("the demo places");
    store.set_care_places(&list, "tester", at(1)).await.expect("kept");
    let kept = store.care_places().await.expect("read");
    assert_eq!(kept, list.places, "as they were listed, in their order");

    for (id, minutes) in [("harbor-urgent-care", 25), ("hillside-walk-in", 40)] {
        store.set_wait(id, minutes, "tester", at(2)).await.expect("kept");
    }
    assert!(matches!(store.set_wait("nowhere", 5, "tester", at(2)).await, Err(StoreError::NotPossible)));
    list.places.retain(|place| place.id != "hillside-walk-in");
    list.places.reverse();
    store.set_care_places(&list, "tester", at(3)).await.expect("kept");
    let waits: Vec<_> = store.care_places().await.expect("read").into_iter().map(|p| (p.id, p.wait)).collect();
    let want: Vec<_> = list
        .places
        .iter()
        .map(|p| (p.id.clone(), (p.id == "harbor-urgent-care").then_some(Wait { minutes: 25, at: at(2) })))
        .collect();
    assert_eq!(waits, want);
    assert!(store.audit_verify().await.expect("read").whole());
}

async fn where_a_home_is_stands_nowhere_in_clear(place: Place) {
    let store = place.open().await;
    let (home, here) = (room("home-7"), Position::new(42.360_149, -71.058_951).expect("a point"));
    assert_eq!(store.position(&home).await.expect("read"), None);
    store.set_position(&home, Some(here), "tester", at(1)).await.expect("kept");
    assert_eq!(store.position(&home).await.expect("read"), Some(here.coarse()), "no nearer than some hundred meters");
    let mut raw = place.raw().await;
    let row = sqlx::query("SELECT sealed FROM room_position").fetch_one(&mut raw).await.expect("a row");
    let sealed: Vec<u8> = row.try_get("sealed").expect("bytes");
    assert!(!String::from_utf8_lossy(&sealed).contains("42.36"), "sealed");
    store.set_position(&home, None, "tester", at(2)).await.expect("forgotten");
    assert_eq!(store.position(&home).await.expect("read"), None);
}
