//! Places and devices on both databases: what is made, let in, heard of, moved and shut out.

use jiff::SignedDuration;
use wellspoken::{
    device::Priority,
    fleet::{
        adt::Location,
        device::{Channel, Deed, DeviceState},
        presence::{Heard, Told},
        roster::{self, Within},
        settings::Settings,
        tree::{NewNode, NodeKind},
    },
    policy::{NodeId, RoomId},
    store::{Announcement, By, NewCertificate},
};

use super::{
    on_both,
    place::{Place, at},
};

const BY: By<'static> = By::Operator("a test");

on_both!(a_device_from_its_code_to_its_end, a_table_and_an_announcement);

async fn a_device_from_its_code_to_its_end(place: Place) {
    let store = place.open().await;
    let new = |parent: Option<&NodeId>, kind, name: &str, room: Option<&str>| NewNode {
        parent: parent.cloned(),
        kind,
        name: name.into(),
        room: room.map(|room| RoomId::parse(room).expect("fits")),
        location: room.and_then(|room| Location::parse(&format!("4W^{room}"))),
    };
    let property = store.add_place(&new(None, NodeKind::Property, "Mercy", None), BY, at(0)).await.expect("made");
    let room = async |name: &str| {
        store.add_place(&new(Some(&property), NodeKind::Room, name, Some(name)), BY, at(0)).await.expect("made")
    };
    let (first, second) = (room("r1").await, room("r2").await);
    assert_eq!(store.beds().await.expect("read").len(), 2, "the admission system's beds are mapped");
    assert!(store.add_place(&new(Some(&property), NodeKind::Room, "x", Some("r1")), BY, at(0)).await.is_err());

    let (id, code) = store.add_device("SN-1", &first, Channel::Room, BY, at(0)).await.expect("made");
    assert!(store.add_device("SN-1", &second, Channel::Room, BY, at(0)).await.is_err(), "one of a number");
    assert_eq!(store.try_device_code("SN-1", "AAAA-AAAA", at(1)).await.expect("asked"), None);
    assert_eq!(store.try_device_code("SN-1", &code, at(1)).await.expect("asked"), Some(id.clone()));
    let certificate = |n: u8| NewCertificate { fingerprint: [n; 32], expires: at(1000) };
    assert!(store.device_enrolled(&id, &code, &certificate(1), at(2)).await.expect("asked"));
    assert!(!store.device_enrolled(&id, &code, &certificate(2), at(2)).await.expect("asked"), "once");
    let lets_in =
        async |n: u8, seconds| store.device_caller(&[n; 32], true, at(seconds)).await.expect("asked").is_some();
    assert!(lets_in(1, 3).await && !lets_in(2, 3).await && !lets_in(1, 1000).await);
    assert!(store.device_renewed(&id, &[1; 32], &certificate(3), at(4)).await.expect("asked"));
    assert!(!store.device_renewed(&id, &[9; 32], &certificate(4), at(4)).await.expect("asked"), "of nobody's");
    assert!(lets_in(1, 5).await && lets_in(3, 5).await);

    let told = Told { firmware: Some("2.1".into()), battery: Some(80), acked: Some(7) };
    let nothing = Told::default();
    for (told, seconds) in [(told, 6), (nothing, 7)] {
        let heard = Heard { device: id.clone(), at: at(seconds), told };
        store.devices_heard(&[heard]).await.expect("written");
    }
    let device = store.device(&id).await.expect("read").expect("there");
    assert_eq!(
        (device.firmware.as_str(), device.battery, device.acked, device.seen),
        ("2.1", Some(80), 7, Some(at(7)))
    );
    store.set_settings(&property, Settings { volume: Some(40), ..Settings::default() }, BY, at(8)).await.expect("set");
    assert_eq!(store.fleet_version().await.expect("read"), at(8).as_microsecond());
    assert_eq!(device.meant(&store.tree().await.expect("read")).1.volume, Some(40));

    store.move_device(&id, &second, BY, at(9)).await.expect("moved");
    assert!(lets_in(3, 10).await);
    assert!(store.retire_place(&second, BY, at(10)).await.is_err(), "something is in it");
    store.end_device(&id, Deed::Lose, BY, at(11)).await.expect("lost");
    assert!(!lets_in(1, 12).await && !lets_in(3, 12).await);
    assert_eq!(store.device(&id).await.expect("read").expect("there").state, DeviceState::Lost);
    store.end_device(&id, Deed::Retire, BY, at(13)).await.expect("retired");
    store.add_device("SN-1", &first, Channel::Room, BY, at(14)).await.expect("its number is free again");
    store.retire_place(&second, BY, at(15)).await.expect("retired");
    assert_eq!(store.beds().await.expect("read").len(), 1);
    let authority = store.fleet_authority(at(16)).await.expect("made");
    assert_eq!(store.fleet_authority(at(17)).await.expect("the same").certificate, authority.certificate);
    assert_eq!(store.audit_verify().await.expect("read").broken, None);
}

async fn a_table_and_an_announcement(place: Place) {
    let store = place.open().await;
    let rows: String = (0..300).map(|n| format!("Mercy,{} West,{n},4W^{n},SN-{n}\n", n / 20)).collect();
    let text = format!("property,unit,room,adt,serial\n{rows}");
    let mut next = 0;
    let read = roster::read(&text, &store.tree().await.expect("read"), &[], &Within::EVERYWHERE, || {
        next += 1;
        NodeId::parse(&format!("n{next}")).expect("fits")
    });
    assert_eq!(read.wrong, []);
    let codes = store.make_roster(&read, BY, at(0), |_, _| {}).await.expect("made");
    assert_eq!((codes.len(), store.devices().await.expect("read").len()), (300, 300));
    let (devices, tree) = (store.devices().await.expect("read"), store.tree().await.expect("read"));
    let again = roster::read(&text, &tree, &devices, &Within::EVERYWHERE, || NodeId::parse("never").expect("fits"));
    assert_eq!((again.wrong.len(), again.places.len(), again.devices.len(), again.waiting.len()), (0, 0, 0, 300));
    store.make_roster(&again, BY, at(1), |_, _| {}).await.expect("fresh codes");
    assert_eq!(store.try_device_code("SN-7", &codes[7].1, at(2)).await.expect("asked"), None, "the old one");

    let node = tree.all()[0].id.clone();
    let words = "Zephyrantha is late";
    let new = Announcement {
        id: String::new(),
        node,
        priority: Priority::Routine,
        text: words.into(),
        starts: at(0),
        ends: at(100),
    };
    let id = store.announce(&new, BY, at(3)).await.expect("kept");
    assert_eq!(store.announcements(at(4)).await.expect("read")[0].text, words);
    let room = RoomId::parse("mercy-0-west-1").expect("fits");
    for _ in 0..2 {
        store.now_announced(&id, std::slice::from_ref(&room), at(5)).await.expect("noted");
    }
    assert_eq!(store.announced(&id).await.expect("read").len(), 1);
    assert!(store.announcements(at(100)).await.expect("read").is_empty());
    let mut raw = place.raw().await;
    use sqlx::Row as _;
    let sealed = sqlx::query("SELECT sealed FROM announcement").fetch_one(&mut raw).await.expect("read");
    let sealed: Vec<u8> = sealed.try_get("sealed").expect("bytes");
    assert!(!sealed.windows(words.len()).any(|window| window == words.as_bytes()), "the words are sealed");
    let day = SignedDuration::from_hours(25);
    assert_eq!(store.forget_announcements(at(100) + day).await.expect("deleted"), 1);
}
