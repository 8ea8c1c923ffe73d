//! Who speaks through a device at home: as it was added, and gone with whoever is forgotten.

use jiff::SignedDuration;
use wellspoken::{
    policy::{CredentialId, PersonId, RoomId, Surface},
    store::{Grant, ImportOptions, Store, membership},
};

use super::place::{Place, at, chart};

super::on_both!(
    a_device_of_several_people_says_of_nobody_that_they_speak,
    a_member_who_is_forgotten_is_gone_from_the_device,
    whose_name_it_is_comes_out_and_no_name,
);

async fn person(store: &Store, number: &str, given: &str, family: &str) -> PersonId {
    let mut theirs = chart("x");
    theirs.identifiers = vec![format!("urn:hospital|{number}")];
    (theirs.profile.given, theirs.profile.family) = (given.into(), family.into());
    store.import(&theirs, ImportOptions::default(), at(0)).await.expect("imported")
}

async fn device(store: &Store, person: Option<&PersonId>) -> CredentialId {
    let grant = Grant {
        surface: Surface::Home(RoomId::parse("kitchen").expect("fits")),
        person: person.cloned(),
        label: "kitchen".into(),
        one_time: false,
        expires: at(0) + SignedDuration::from_hours(10),
    };
    store.issue(&grant, "kitchen-token", at(0)).await.expect("issued")
}

async fn speaks(store: &Store) -> Option<PersonId> {
    store.authenticate("kitchen-token", at(1)).await.expect("asked").expect("known").person
}

async fn add(store: &Store, device: &CredentialId, person: &PersonId) {
    store.add_member(device, &membership(person.clone(), "added", at(1))).await.expect("added");
}

async fn a_device_of_several_people_says_of_nobody_that_they_speak(place: Place) {
    let store = place.open().await;
    let (one, two) = (person(&store, "1", "Ann", "Moss").await, person(&store, "2", "Bob", "Moss").await);
    let kitchen = device(&store, Some(&one)).await;
    assert_eq!(speaks(&store).await, Some(one.clone()));
    add(&store, &kitchen, &one).await;
    assert_eq!(speaks(&store).await, Some(one.clone()), "added twice is one person");
    add(&store, &kitchen, &two).await;
    add(&store, &kitchen, &two).await;
    assert_eq!(speaks(&store).await, None);
    assert_eq!(store.household(&kitchen).await.expect("read"), [one.clone(), two.clone()]);
    assert!(store.remove_member(&kitchen, &membership(two.clone(), "removed", at(2))).await.expect("asked"));
    assert!(!store.remove_member(&kitchen, &membership(two, "removed", at(2))).await.expect("asked"));
    assert_eq!(speaks(&store).await, Some(one.clone()));
    let nobody = PersonId::parse("nobody").expect("fits");
    assert!(store.add_member(&kitchen, &membership(nobody, "added", at(2))).await.is_err());
    add(&store, &kitchen, &one).await;
    assert!(store.revoke(&kitchen, at(3)).await.expect("asked"));
    assert!(store.household(&kitchen).await.expect("read").is_empty(), "with the device go those who belong to it");
    assert!(store.audit_verify().await.expect("read").whole());
}

async fn a_member_who_is_forgotten_is_gone_from_the_device(place: Place) {
    let store = place.open().await;
    let (one, two) = (person(&store, "1", "Ann", "Moss").await, person(&store, "2", "Bob", "Moss").await);
    let kitchen = device(&store, None).await;
    add(&store, &kitchen, &one).await;
    add(&store, &kitchen, &two).await;
    store.destroy_person(&one, "uid 7", at(2)).await.expect("destroyed");
    assert_eq!(store.household(&kitchen).await.expect("read"), std::slice::from_ref(&two));
    assert_eq!(store.standing(&one).await.expect("read"), None);
    assert!(store.called(&[one, two.clone()], "Ann").await.expect("read").is_empty());
    assert_eq!(speaks(&store).await, Some(two));
}

async fn whose_name_it_is_comes_out_and_no_name(place: Place) {
    let store = place.open().await;
    let ann = person(&store, "1", "Ann", "Moss").await;
    let other = person(&store, "2", "Ann", "Stone").await;
    let all = [ann.clone(), other.clone()];
    for (said, whose) in [
        ("ann", vec![ann.clone(), other.clone()]),
        ("Ann Moss", vec![ann.clone()]),
        ("stone", vec![other.clone()]),
        ("Anna", vec![]),
        ("Moss Stone", vec![]),
    ] {
        assert_eq!(store.called(&all, said).await.expect("read"), whose, "{said}");
    }
}
