//! Whom somebody may have called: one list a person, sealed, gone with their key.

use sqlx::Row as _;
use wellspoken::{
    policy::PersonId,
    records::contact,
    store::{Store, StoreError},
};

use super::place::{Place, admitted, at};

super::on_both!(a_list_is_replaced_whole_and_goes_with_the_key, nobody_and_no_number_stands_in_clear);

async fn keeps(store: &Store, person: &PersonId, names: &[&str]) {
    let list: String =
        names.iter().map(|name| format!("[[contact]]\nname = \"{name}\"\nnumber = \"+1 555 010 4433\"\n")).collect();
    let list = contact::read(&list, &[]).unwrap_or_else(|error| panic!("{error}"));
    store.set_contacts(person, &list, "tester", at(1)).await.expect("kept");
}

async fn a_list_is_replaced_whole_and_goes_with_the_key(place: Place) {
    let store = place.open().await;
    let person = admitted(&store, None).await;
    let kept = async || {
        let row = sqlx::query("SELECT CAST(COUNT(*) AS BIGINT) AS many FROM contact");
        row.fetch_one(&mut place.raw().await).await.expect("read").get::<i64, _>("many")
    };
    assert!(store.contacts(&person).await.is_ok(), "nobody yet");
    keeps(&store, &person, &["Marguerite", "Bartholomew"]).await;
    assert_eq!(kept().await, 2);
    keeps(&store, &person, &["Bartholomew"]).await;
    assert_eq!(kept().await, 1);
    store.place_hold(&person, "a lawsuit", "lawyer", at(2)).await.expect("placed");
    assert!(store.set_contacts(&person, &[], "tester", at(3)).await.is_err(), "it is held as it was");
    assert_eq!(kept().await, 1);
    store.lift_hold(&person, None, "it is over", "lawyer", at(4)).await.expect("lifted");
    assert!(store.destroy_person(&person, "tester", at(5)).await.expect("destroyed"));
    assert!(store.contacts(&person).await.is_err(), "nobody can read it any more");
    let nobody = PersonId::parse("nobody").expect("fits");
    assert!(matches!(store.set_contacts(&nobody, &[], "tester", at(6)).await, Err(StoreError::UnknownPerson)));
}

async fn nobody_and_no_number_stands_in_clear(place: Place) {
    let store = place.open().await;
    let person = admitted(&store, None).await;
    keeps(&store, &person, &["Marguerite"]).await;
    let mut raw = place.raw().await;
    let row = sqlx::query("SELECT id || owner AS shown, sealed FROM contact").fetch_one(&mut raw).await.expect("one");
    let sealed = String::from_utf8_lossy(&row.get::<Vec<u8>, _>("sealed")).into_owned();
    let seen = format!("{}{sealed}", row.get::<String, _>("shown"));
    for word in ["Marguerite", "5550104433", "555 010"] {
        assert!(!seen.contains(word), "{word}");
    }
}
