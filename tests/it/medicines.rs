//! Reminders ring on the right device, at the right time, once, and say no more than may be heard there. And what is kept back
//! is neither told nor hinted at by what is due, was taken or is reminded of.

use jiff::{SignedDuration, Timestamp, civil::date, tz::TimeZone};
use wellspoken::{
    actions::{Change, Every, Reminder, Rhythm, TakenDose},
    ambient::Ambient,
    policy::{Caller, Mode, PersonId, PlaceRules, RoomId, Scope, Surface},
    records::{DayMoment, Dosing, Timing, demo},
    store::{Grant, ImportOptions, membership},
    turn::State,
};

use crate::{
    store::commit_for,
    support::{Scratch, Speaker, add_demo, add_demo_with_pin, empty, home, now, places, with_demo},
};

const ROSA: &str = "rosa-delgado.json";

async fn device(scratch: &Scratch, token: &str, surface: Surface, person: &PersonId) -> Caller {
    let expires = now() + SignedDuration::from_hours(24 * 365);
    let grant = Grant { surface, person: Some(person.clone()), label: "x".into(), one_time: false, expires };
    scratch.app.store().issue(&grant, token, now()).await.expect("issued");
    scratch.app.store().authenticate(token, now()).await.expect("asked").expect("known")
}

async fn texts(scratch: &Scratch, caller: &Caller) -> Vec<String> {
    let due = scratch.app.core().due(caller).await.expect("asked");
    let mut texts: Vec<String> = due.into_iter().map(|ring| ring.text).collect();
    texts.sort();
    texts
}

/// Every day at eleven, an hour from now.
fn at_eleven(medicine: Option<&str>) -> Change {
    let rhythm = Rhythm { at: jiff::civil::time(11, 0, 0, 0), from: date(2026, 12, 1), every: Every::Days(1) };
    Change::Remind {
        reminder: Reminder {
            id: String::new(),
            prescription: None,
            medicine: medicine.map(str::to_owned),
            rhythm,
            zone: "America/New_York".into(),
            made: now(),
            rung: None,
            ended: None,
        },
    }
}

async fn later(scratch: &mut Scratch, minutes: i64) -> Timestamp {
    let at = now() + SignedDuration::from_mins(minutes);
    scratch.app.move_to(&places(scratch.dir.path()), Ambient::fixed(at, 9)).await.expect("moved");
    at
}

#[tokio::test]
async fn it_rings_at_its_time_once_whatever_stops_meanwhile() {
    let (mut scratch, rosa) = with_demo(ROSA, "all", None).await;
    let mut speaker = Speaker::new(&scratch.app, home(), Some(&rosa));
    let asked = speaker.says("remind me at eleven to take my metformin").await;
    assert_eq!(asked.reply, "A reminder for metformin, today at 11 AM. Shall I set it?");
    assert_eq!(speaker.says("yes").await.state, State::Done);
    let kitchen = device(&scratch, "wsp_kitchen", home(), &rosa).await;
    let bedroom = device(&scratch, "wsp_bed", Surface::Home(RoomId::parse("bed").expect("fits")), &rosa).await;
    assert!(texts(&scratch, &kitchen).await.is_empty(), "not before");
    later(&mut scratch, 59).await;
    assert!(texts(&scratch, &kitchen).await.is_empty());
    later(&mut scratch, 60).await;
    let entries = async |s: &Scratch| s.app.store().audit_verify().await.expect("read").entries;
    let before = entries(&scratch).await;
    assert_eq!(texts(&scratch, &kitchen).await, ["It's time for your metformin."]);
    assert_eq!(entries(&scratch).await, before + 2, "what names a medicine opens and closes a row");
    // Down for a while, and late rather than never.
    later(&mut scratch, 90).await;
    let rings = scratch.app.core().due(&kitchen).await.expect("asked");
    let ring = &rings[0];
    assert_eq!(ring.text, "It's time for your metformin.");
    let core = scratch.app.core();
    assert!(core.rang(&bedroom, &ring.id, ring.at).await.expect("noted"), "the first one rings");
    assert!(!core.rang(&kitchen, &ring.id, ring.at).await.expect("asked"), "and no other");
    assert!(texts(&scratch, &kitchen).await.is_empty() && texts(&scratch, &bedroom).await.is_empty());
    later(&mut scratch, 24 * 60 + 60).await;
    assert!(texts(&scratch, &kitchen).await.is_empty(), "it was for once");
}

#[tokio::test]
async fn a_bell_says_no_more_than_may_be_heard() {
    let mut scratch = empty().await;
    let rosa = add_demo(&scratch, ROSA, "all", None).await;
    commit_for(
        scratch.app.store(),
        &rosa,
        vec![at_eleven(Some("metformin")), at_eleven(Some("sertraline")), at_eleven(None)],
    )
    .await;
    let kitchen = device(&scratch, "wsp_kitchen", home(), &rosa).await;
    let page = device(&scratch, "wsp_page", Surface::Chat, &rosa).await;
    let bed = device(&scratch, "wsp_room", Surface::Room(RoomId::parse("room-7").expect("fits")), &rosa).await;
    later(&mut scratch, 61).await;
    let (plain, all) = ("You have a reminder.", "It's time for your medicines.");
    let (metformin, sertraline) = ("It's time for your metformin.", "It's time for your sertraline.");
    assert_eq!(texts(&scratch, &kitchen).await, [all, metformin, plain], "sertraline is not said aloud");
    let own = [all, metformin, sertraline];
    assert_eq!(texts(&scratch, &page).await, own, "on their own page it is");
    assert!(texts(&scratch, &bed).await.is_empty(), "nurses give them there");
    let kitchen_room = RoomId::parse("kitchen").expect("fits");
    for mode in [Mode::AskFirst, Mode::Headline, Mode::Screen] {
        let rules = PlaceRules { always: mode, ..PlaceRules::default() };
        scratch.app.store().set_place(&kitchen_room, &rules, "uid 7", now()).await.expect("set");
        assert_eq!(texts(&scratch, &kitchen).await, [plain; 3], "{mode:?}");
    }
    scratch.app.store().set_place(&kitchen_room, &PlaceRules::default(), "uid 7", now()).await.expect("set");

    // Somebody with a PIN; somebody who agreed to nothing; a device of two.
    let milo = add_demo_with_pin(&scratch, "milo-tran.json", "all", "4077").await;
    commit_for(scratch.app.store(), &milo, vec![at_eleven(Some("albuterol"))]).await;
    let hall = device(&scratch, "wsp_hall", Surface::Home(RoomId::parse("hall").expect("fits")), &milo).await;
    assert_eq!(texts(&scratch, &hall).await, [plain], "nobody said a PIN");
    let june = add_demo(&scratch, "empty-chart.json", "none", None).await;
    commit_for(scratch.app.store(), &june, vec![at_eleven(Some("metformin"))]).await;
    let den = device(&scratch, "wsp_den", Surface::Home(RoomId::parse("den").expect("fits")), &june).await;
    assert_eq!(texts(&scratch, &den).await, [plain], "without an agreement");
    let entry = membership(june.clone(), "added", now());
    scratch.app.store().add_member(&kitchen.credential, &entry).await.expect("added");
    assert_eq!(texts(&scratch, &kitchen).await, [plain; 4], "who is there?");

    // A stranger's device rings nothing of theirs, and ends nothing.
    let ring = &scratch.app.core().due(&hall).await.expect("asked")[0];
    assert!(!scratch.app.core().rang(&den, &ring.id, ring.at).await.expect("asked"));
    assert_eq!(texts(&scratch, &hall).await, [plain]);
    // Whoever lies in the hospital is given them there.
    let admitted = add_demo(&scratch, ROSA, "all", Some("room-7")).await;
    assert_eq!(admitted, rosa);
    assert!(texts(&scratch, &page).await.is_empty());
    scratch.app.store().destroy_person(&june, "uid 7", now()).await.expect("destroyed");
    assert!(texts(&scratch, &den).await.is_empty());
}

/// Rosa, and somebody with her chart and one protected medicine more, of which there is everything there can be.
async fn with_a_secret(scratch: &Scratch) -> (PersonId, PersonId) {
    let rosa = add_demo(scratch, ROSA, "all", None).await;
    let zone = TimeZone::get("America/New_York").expect("known");
    let mut chart = demo::all(now(), &zone).expect("demo people").remove(0).1;
    chart.identifiers = vec!["urn:hospital|with".into()];
    let mut secret = chart.prescriptions[0].clone();
    (secret.id, secret.medicine, secret.aliases) = ("secret".into(), "sertraline".into(), vec![]);
    let timing = Timing { frequency: 1, period: 1, moments: vec![DayMoment::Morning], ..Timing::default() };
    secret.dosing = vec![Dosing { amount: Some("1 tablet".into()), as_needed: false, timing: Some(timing) }];
    chart.prescriptions.push(secret);
    let options = ImportOptions { consent: Some(Scope::ALL.to_vec()), ..ImportOptions::default() };
    let with = scratch.app.store().import(&chart, options, now()).await.expect("imported");
    let dose = TakenDose { prescription: "secret".into(), medicine: "sertraline".into() };
    let mut reminder = at_eleven(Some("sertraline"));
    if let Change::Remind { reminder } = &mut reminder {
        reminder.prescription = Some("secret".into());
    }
    let taken = Change::Taken { doses: vec![dose], at: now() - SignedDuration::from_mins(30), part: None };
    commit_for(scratch.app.store(), &with, vec![taken, reminder, at_eleven(Some("lithium"))]).await;
    (rosa, with)
}

#[tokio::test]
async fn what_is_kept_back_is_neither_told_nor_hinted_at() {
    for mode in [Mode::Aloud, Mode::Headline] {
        let scratch = empty().await;
        let (rosa, with) = with_a_secret(&scratch).await;
        let kitchen = RoomId::parse("kitchen").expect("fits");
        let rules = PlaceRules { always: mode, ..PlaceRules::default() };
        scratch.app.store().set_place(&kitchen, &rules, "uid 7", now()).await.expect("set");
        for words in [
            "what should I take now",
            "did I take my pills today",
            "what reminders do I have",
            "cancel all my reminders",
            "I took my pills",
            "which pharmacy do I use",
            "I missed a dose",
            "when is my next dose of sertraline",
            "did I take my sertraline today",
            "remind me to take my sertraline at eight",
            "stop reminding me about sertraline",
            "I took my sertraline",
        ] {
            let one = Speaker::new(&scratch.app, home(), Some(&with)).says(words).await;
            let other = Speaker::new(&scratch.app, home(), Some(&rosa)).says(words).await;
            assert!(!one.reply.contains("sertraline") || words.contains("sertraline"), "{words}: {}", one.reply);
            assert_eq!(
                (one.reply, one.state, one.intent),
                (other.reply, other.state, other.intent),
                "{mode:?}: {words}"
            );
        }
        let mut page = Speaker::new(&scratch.app, Surface::Chat, Some(&with));
        let told = page.says("what reminders do I have").await;
        assert!(told.reply.contains("sertraline"), "their own page keeps nothing back: {}", told.reply);
        let told = page.says("did I take my sertraline today").await;
        assert!(told.reply.contains("9:30 AM"), "{}", told.reply);
    }
}
