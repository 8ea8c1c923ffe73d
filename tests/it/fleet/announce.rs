//! What is announced sounds where it may, once; settings reach the rooms they are meant for.

use jiff::{SignedDuration, tz::TimeZone};
use wellspoken::{
    device::{Chime, DeviceEvent, Priority},
    fleet::{Crier, DropInError, ToldSettings, announce::NotSaid, settings::Settings},
    store::Announcement,
};

use super::stage::{BY, Known, Stage};

/// What a device is told after that number, as words of a test.
async fn told(stage: &Stage, device: &Known, after: i64) -> Vec<(i64, String)> {
    let kept = stage.store().device(&device.id).await.expect("read").expect("there");
    let credential = kept.credential.expect("let in");
    let events = stage.store().events_after(&credential, after, stage.now()).await.expect("read");
    let word = |event: DeviceEvent| match event {
        DeviceEvent::Announce { text, .. } => format!("announce {text}"),
        DeviceEvent::Say { text } => format!("say {text}"),
        DeviceEvent::Chime { sound: Chime::Presence } => "tone".to_owned(),
        DeviceEvent::Settings { settings, .. } => format!("settings {settings}"),
        other => other.kind().to_owned(),
    };
    events.into_iter().map(|queued| (queued.seq, word(queued.event))).collect()
}

async fn words(stage: &Stage, device: &Known) -> Vec<String> {
    told(stage, device, 0).await.into_iter().map(|(_, word)| word).collect()
}

fn new(stage: &Stage, priority: Priority, text: &str) -> Announcement {
    let (starts, ends) = (stage.now(), stage.now() + SignedDuration::from_hours(1));
    Announcement { id: String::new(), node: stage.property.clone(), priority, text: text.into(), starts, ends }
}

/// Devices in both rooms.
async fn two(stage: &Stage) -> [Known; 2] {
    let (first, second) = (stage.device("SN-1").await, stage.device("SN-2").await);
    stage.store().move_device(&second.id, &stage.rooms[1], BY, stage.now()).await.expect("moved");
    [first, second]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_announcement_sounds_once_in_each_room_and_waits_where_nobody_is_to_be_disturbed() {
    let stage = Stage::open().await;
    let [asleep, awake] = two(&stage).await;
    let crier = Crier::new(stage.store().clone(), TimeZone::UTC);
    let never = Settings { do_not_disturb: Some(true), ..Settings::default() };
    stage.store().set_settings(&stage.rooms[0], never, BY, stage.now()).await.expect("set");
    let announce = async |priority, text| {
        stage.store().announce(&new(&stage, priority, text), BY, stage.now()).await.expect("kept")
    };
    announce(Priority::Important, "Visiting hours end at eight").await;
    assert_eq!(crier.cry(stage.now()).await.expect("handed out"), 1);
    announce(Priority::Emergency, "Please stay in your rooms").await;
    assert_eq!(crier.cry(stage.now()).await.expect("handed out"), 2);
    assert_eq!(crier.cry(stage.now()).await.expect("handed out"), 0, "once");
    assert_eq!(words(&stage, &asleep).await, ["announce Please stay in your rooms"]);
    let both = ["announce Visiting hours end at eight", "announce Please stay in your rooms"];
    assert_eq!(words(&stage, &awake).await, both);
    // Quiet is over before the announcement is: it is said late.
    stage.store().set_settings(&stage.rooms[0], Settings::default(), BY, stage.now()).await.expect("set");
    assert_eq!(crier.cry(stage.now()).await.expect("handed out"), 1);
    assert_eq!(words(&stage, &asleep).await.len(), 2);
    // What was taken back, is over, or has not begun, is not said.
    let taken = announce(Priority::Routine, "Lunch is late").await;
    stage.store().end_announcement(&taken, BY, stage.now()).await.expect("ended");
    assert!(stage.store().end_announcement(&taken, BY, stage.now()).await.is_err(), "once");
    let later = Announcement {
        starts: stage.now() + SignedDuration::from_mins(30),
        ..new(&stage, Priority::Emergency, "Later")
    };
    stage.store().announce(&later, BY, stage.now()).await.expect("kept");
    assert_eq!(crier.cry(stage.now()).await.expect("handed out"), 0);
    assert_eq!(crier.cry(stage.now() + SignedDuration::from_mins(31)).await.expect("handed out"), 2);
    let tomorrow = stage.now() + SignedDuration::from_hours(30);
    assert_eq!(crier.cry(tomorrow).await.expect("handed out"), 0);
    assert_eq!(stage.store().forget_announcements(tomorrow).await.expect("deleted"), 4);
    assert!(stage.store().announcements(stage.now()).await.expect("read").is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn staff_speak_into_a_room_that_agreed_after_a_tone() {
    let stage = Stage::open().await;
    let [device, other] = two(&stage).await;
    let crier = Crier::new(stage.store().clone(), TimeZone::UTC);
    let room = wellspoken::policy::RoomId::parse("room-136").expect("fits");
    let drop_in = async |name: &str| {
        let tree = stage.store().tree().await.expect("read");
        crier.drop_in(&tree, (&stage.rooms[0], &room), (name, "Maria here"), stage.now()).await
    };
    assert!(matches!(drop_in("a").await, Err(DropInError::NotSaid(NotSaid::NoConsent))));
    let agreed = Settings { drop_in: Some(true), do_not_disturb: Some(true), ..Settings::default() };
    stage.store().set_settings(&stage.rooms[0], agreed.clone(), BY, stage.now()).await.expect("set");
    assert!(matches!(drop_in("b").await, Err(DropInError::NotSaid(NotSaid::Quiet))));
    assert!(words(&stage, &device).await.is_empty(), "not even a tone");
    let agreed = Settings { do_not_disturb: None, ..agreed };
    stage.store().set_settings(&stage.rooms[0], agreed, BY, stage.now()).await.expect("set");
    drop_in("c").await.expect("said");
    assert_eq!(words(&stage, &device).await, ["tone", "say Maria here"]);
    assert!(words(&stage, &other).await.is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn settings_that_change_are_pushed_to_the_rooms_below() {
    let stage = Stage::open().await;
    let [first, second] = two(&stage).await;
    let crier = Crier::new(stage.store().clone(), TimeZone::UTC);
    let mut known = ToldSettings::default();
    let mut push = async || crier.push_settings(&mut known, stage.now()).await.expect("pushed");
    assert_eq!(push().await, 0, "what was so before needs no push");
    let loud = Settings { volume: Some(40), ..Settings::default() };
    stage.store().set_settings(&stage.property, loud, BY, stage.now()).await.expect("set");
    assert_eq!((push().await, push().await), (2, 0));
    let soft = Settings { volume: Some(10), ..Settings::default() };
    stage.store().set_settings(&stage.rooms[0], soft, BY, stage.now()).await.expect("set");
    assert_eq!(push().await, 1);
    assert_eq!(words(&stage, &first).await, [r#"settings {"volume":40}"#, r#"settings {"volume":10}"#]);
    assert_eq!(words(&stage, &second).await, [r#"settings {"volume":40}"#]);
    let kept = stage.store().device(&first.id).await.expect("read").expect("there");
    let (version, _) = kept.meant(&stage.store().tree().await.expect("read"));
    stage.store().settings_acked(&kept.credential.expect("let in"), version).await.expect("noted");
    assert_eq!(stage.store().device(&first.id).await.expect("read").expect("there").acked, version);
}
