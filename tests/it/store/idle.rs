//! A person's page that nobody uses is signed out; a device's token is not.

use jiff::SignedDuration;
use wellspoken::{
    policy::{RoomId, Surface},
    store::{Grant, ImportOptions},
};

use super::place::{Place, at, chart};

super::on_both!(a_page_ends_when_it_is_idle_and_not_while_it_is_used,);

async fn a_page_ends_when_it_is_idle_and_not_while_it_is_used(place: Place) {
    let store = place.open().await;
    let person = store.import(&chart("x"), ImportOptions::default(), at(0)).await.expect("imported");
    let idle = SignedDuration::from_mins(15);
    let grant = |surface: Surface| Grant {
        surface,
        person: Some(person.clone()),
        label: "page".into(),
        one_time: false,
        expires: at(0) + SignedDuration::from_hours(12),
    };
    let home = Surface::Home(RoomId::parse("kitchen").expect("fits"));
    store.issue_page(&grant(Surface::Chat), "page-token", idle, at(0)).await.expect("issued");
    store.issue_page(&grant(home), "tablet-token", idle, at(0)).await.expect("issued");
    store.issue(&grant(Surface::Chat), "app-token", at(0)).await.expect("issued");
    let known = async |token: &str, minutes: i64| {
        store.authenticate(token, at(0) + SignedDuration::from_mins(minutes)).await.expect("asked").is_some()
    };
    for minutes in [0, 10, 20, 34, 48] {
        assert!(known("page-token", minutes).await, "in use after {minutes} minutes");
    }
    for minutes in [50, 60, 62] {
        let by_itself = store.recognize("page-token", at(0) + SignedDuration::from_mins(minutes)).await.expect("asked");
        assert!(by_itself.is_some(), "signed in still");
    }
    assert!(!known("page-token", 63).await, "idle for fifteen: asking by itself is no use of it");
    assert!(store.recognize("page-token", at(0) + SignedDuration::from_mins(63)).await.expect("asked").is_none());
    assert!(!known("page-token", 64).await && !known("page-token", 700).await, "it stays so");
    assert!(known("tablet-token", 300).await && known("app-token", 300).await, "nobody's own page");
}
