//! What can be worked in rooms, and what is said of the house: replaced whole, and nobody's.

use wellspoken::records::{FACILITY, Facility, LevelUnit, RoomThing, Span, Thing};

use super::place::{Place, at, room};

super::on_both!(what_a_room_has_is_replaced_and_is_that_rooms_alone, what_is_said_of_the_house_has_its_age);

fn lamp(id: &str) -> (RoomThing, String) {
    let level = Some(Span { least: 0.0, most: 100.0, step: 1.0, unit: LevelUnit::Percent });
    (RoomThing { id: id.into(), thing: Thing::Light, switch: true, level, cover: false }, format!("wiring of {id}"))
}

async fn what_a_room_has_is_replaced_and_is_that_rooms_alone(place: Place) {
    let store = place.open().await;
    let (here, there) = (room("room-7"), room("room-8"));
    assert!(store.room_things(&here).await.expect("read").is_empty());
    store.set_room_things(&here, &[lamp("b"), lamp("a")], "tester", at(1)).await.expect("kept");
    store.set_room_things(&there, &[lamp("a")], "tester", at(1)).await.expect("kept");
    assert_eq!(store.room_things(&here).await.expect("read"), [lamp("a").0, lamp("b").0]);
    assert_eq!(store.room_wiring(&here, "a").await.expect("read").as_deref(), Some("wiring of a"));
    store.set_room_things(&here, &[lamp("c")], "tester", at(2)).await.expect("kept");
    assert_eq!(store.room_things(&here).await.expect("read"), [lamp("c").0]);
    assert_eq!(store.room_wiring(&here, "a").await.expect("read"), None, "gone, though the room next door has one");
    assert_eq!(store.room_things(&there).await.expect("read"), [lamp("a").0]);
    assert!(store.audit_verify().await.expect("read").whole());
}

async fn what_is_said_of_the_house_has_its_age(place: Place) {
    let store = place.open().await;
    assert!(store.house_list::<Facility>(FACILITY).await.expect("read").is_none());
    for (text, second) in [("wifi = \"Ask.\"", 1), ("wifi = \"Ask at the desk.\"", 2)] {
        let told = Facility::read(text, &["wifi".to_owned()]).expect("fits");
        store.set_house_list(FACILITY, &told, "tester", at(second)).await.expect("kept");
        assert_eq!(store.house_list(FACILITY).await.expect("read"), Some((told, at(second))));
    }
}
