//! Several people at one device at home: who is known, and what never passes from one to the other.

use jiff::SignedDuration;
use wellspoken::{
    ambient::Ambient,
    policy::{CredentialId, PersonId, Surface},
    store::{ImportOptions, membership},
    turn::{State, TurnResult},
};

use crate::support::{Scratch, Speaker, add_demo, add_demo_with_pin, empty, home, now, places, room};

const ROSA: &str = "rosa-delgado.json";
const MILO: &str = "milo-tran.json";
const PIN: &str = "4077";

async fn share(scratch: &Scratch, device: &str, people: &[&PersonId]) {
    let device = CredentialId::parse(device).expect("fits");
    for person in people {
        let row = membership((*person).clone(), "added", now());
        scratch.app.store().add_member(&device, &row).await.expect("added");
    }
}

/// Rosa, who has a PIN, and Milo, who has none, at one device.
async fn household() -> (Scratch, PersonId, PersonId) {
    let scratch = empty().await;
    let rosa = add_demo_with_pin(&scratch, ROSA, "all", PIN).await;
    let milo = add_demo(&scratch, MILO, "all", None).await;
    share(&scratch, "test", &[&rosa, &milo]).await;
    (scratch, rosa, milo)
}

/// At another device of the same people, with failures of its own.
async fn at<'a>(scratch: &'a Scratch, device: &str, people: &[&PersonId]) -> Speaker<'a> {
    share(scratch, device, people).await;
    let mut speaker = Speaker::new(&scratch.app, home(), None);
    speaker.caller.credential = CredentialId::parse(device).expect("fits");
    speaker
}

fn rosas(result: &TurnResult) -> bool {
    let told = format!("{} {}", result.reply, result.ssml).to_lowercase();
    ["lisinopril", "metformin", "atorvastatin", "patel", "okafor"].iter().any(|word| told.contains(word))
}

fn milos(result: &TurnResult) -> bool {
    let told = format!("{} {}", result.reply, result.ssml).to_lowercase();
    ["albuterol", "fluticasone", "fischer"].iter().any(|word| told.contains(word))
}

#[tokio::test]
async fn nobody_is_known_until_they_say_who_they_are_and_what_was_asked_goes_on() {
    let (scratch, _, _) = household().await;
    for named in ["Milo", "this is Milo", "it's Milo Tran speaking", "um, Mr. Tran"] {
        let mut speaker = Speaker::new(&scratch.app, home(), None);
        let asked = speaker.says("what medicines am I on").await;
        assert_eq!((asked.intent.as_str(), asked.state), ("prescription.list", State::Asks), "{}", asked.reply);
        assert!(asked.reply.contains("Who is speaking") && !rosas(&asked) && !milos(&asked), "{}", asked.reply);
        let told = speaker.says(named).await;
        assert_eq!(told.state, State::Answered, "{named}: {}", told.reply);
        assert!(milos(&told) && !rosas(&told), "{named}: {}", told.reply);
    }
    let mut speaker = Speaker::new(&scratch.app, home(), None);
    speaker.says("what medicines am I on").await;
    let asked = speaker.says("Rosa").await;
    assert_eq!(asked.state, State::Asks, "{}", asked.reply);
    assert!(asked.reply.contains("PIN") && !rosas(&asked), "{}", asked.reply);
    let told = speaker.says(PIN).await;
    assert!(rosas(&told) && !milos(&told), "{}", told.reply);
}

#[tokio::test]
async fn nothing_passes_from_one_to_the_other() {
    let (scratch, _, _) = household().await;
    let mut speaker = Speaker::new(&scratch.app, home(), None);
    speaker.says("this is Rosa").await;
    speaker.says("what medicines am I on").await;
    assert!(rosas(&speaker.says(PIN).await));
    let hers = speaker.says("refill my metformin").await;
    assert_eq!(hers.state, State::Confirms, "{}", hers.reply);
    let now_milo = speaker.says("this is Milo").await;
    assert!(!rosas(&now_milo), "{}", now_milo.reply);
    for said in ["say that again", "yes", "and my lisinopril", "go back", "slower please", "what medicines am I on"] {
        let told = speaker.says(said).await;
        assert!(!rosas(&told), "{said}: {}", told.reply);
        assert_ne!(told.state, State::Done, "{said}: {}", told.reply);
    }
    let back = speaker.says("this is Rosa again").await;
    assert!(!milos(&back), "{}", back.reply);
    let asked = speaker.says("what medicines am I on").await;
    assert!(asked.state == State::Asks && asked.reply.contains("PIN"), "what she showed is over: {}", asked.reply);
    assert!(!milos(&asked), "{}", asked.reply);
}

#[tokio::test]
async fn one_members_pin_opens_nothing_of_the_other() {
    let scratch = empty().await;
    let rosa = add_demo_with_pin(&scratch, ROSA, "all", PIN).await;
    let milo = add_demo_with_pin(&scratch, MILO, "all", "8812").await;
    share(&scratch, "test", &[&rosa, &milo]).await;
    let mut speaker = Speaker::new(&scratch.app, home(), None);
    speaker.says("what medicines am I on").await;
    speaker.says("Milo").await;
    let wrong = speaker.says(PIN).await;
    assert!(wrong.state == State::Asks && !rosas(&wrong) && !milos(&wrong), "{}", wrong.reply);
    let right = speaker.says("8812").await;
    assert!(milos(&right) && !rosas(&right), "{}", right.reply);
}

#[tokio::test]
async fn a_name_that_is_nobodys_is_answered_like_one_with_a_pin() {
    let (scratch, rosa, milo) = household().await;
    let people = [&rosa, &milo];
    let (mut hers, mut nobodys) = (at(&scratch, "one", &people).await, at(&scratch, "two", &people).await);
    let script = [
        ("this is Rosa", "this is Zoe"),
        ("what medicines am I on", "what medicines am I on"),
        ("12", "12"),
        ("1111", "1111"),
        ("2222", "2222"),
        ("3333", "3333"),
        ("4444", "4444"),
        ("what medicines am I on", "what medicines am I on"),
        ("5555", "5555"),
    ];
    for (one, other) in script {
        let (one, other) = (hers.says(one).await, nobodys.says(other).await);
        assert_eq!((&one.reply, one.state, &one.intent), (&other.reply, other.state, &other.intent));
    }
    let (mut hers, mut nobodys) = (at(&scratch, "three", &people).await, at(&scratch, "four", &people).await);
    for (one, other) in [("refill my metformin", "refill my metformin"), ("Rosa", "Zelphine")] {
        let (one, other) = (hers.says(one).await, nobodys.says(other).await);
        assert_eq!((&one.reply, one.state), (&other.reply, other.state));
    }
    // Words that only begin like it are no name.
    let mut milos_turn = at(&scratch, "five", &people).await;
    milos_turn.says("this is Milo").await;
    for said in ["I am tired", "this is nice", "it is okay"] {
        milos_turn.says(said).await;
    }
    assert!(milos(&milos_turn.says("what medicines am I on").await));
    // Whoever was misheard says their name again.
    let told = nobodys.says("no, this is Milo").await;
    assert!(told.reply.contains("I don't see metformin on your list"), "what was asked goes on: {}", told.reply);
}

#[tokio::test]
async fn two_of_one_name_are_told_apart_by_their_family_name_or_the_pin() {
    let scratch = empty().await;
    let zone = jiff::tz::TimeZone::get("America/New_York").expect("known");
    let mut ids = Vec::new();
    for (n, (given, family, pin)) in
        [("Maria", "Lopez", "1234"), ("Maria", "Stone", "5678"), ("Maria", "Lopez", "9753")].into_iter().enumerate()
    {
        let mut chart = wellspoken::records::demo::all(now(), &zone).expect("demo people").remove(0).1;
        (chart.profile.given, chart.profile.family) = (given.into(), family.into());
        chart.identifiers = vec![format!("urn:hospital|{n}")];
        chart.prescriptions.truncate(1);
        chart.prescriptions[0].medicine = ["lisinopril", "metformin", "atorvastatin"][n].into();
        chart.prescriptions[0].aliases = vec![];
        let options = ImportOptions {
            pin: Some(pin),
            consent: Some(wellspoken::policy::Scope::ALL.to_vec()),
            ..ImportOptions::default()
        };
        ids.push(scratch.app.store().import(&chart, options, now()).await.expect("imported"));
    }
    let all: Vec<&PersonId> = ids.iter().collect();
    for (device, names, pin, medicine) in [
        ("one", &["Maria", "Stone"][..], "5678", "metformin"),
        ("two", &["Maria", "Maria Stone"], "5678", "metformin"),
        ("three", &["Maria Stone"], "5678", "metformin"),
        ("four", &["Maria", "Lopez"], "1234", "lisinopril"),
        ("five", &["Maria Lopez", "Maria Lopez"], "9753", "atorvastatin"),
    ] {
        let mut speaker = at(&scratch, device, &all).await;
        speaker.says("what medicines am I on").await;
        for name in names {
            let asked = speaker.says(name).await;
            assert_eq!(asked.state, State::Asks, "{device} {name}: {}", asked.reply);
        }
        let told = speaker.says(pin).await;
        assert_eq!(told.state, State::Answered, "{device}: {}", told.reply);
        assert!(told.reply.contains(medicine), "{device}: {}", told.reply);
        let others = ["lisinopril", "metformin", "atorvastatin"].into_iter().filter(|m| *m != medicine);
        for other in others {
            assert!(!told.reply.contains(other), "{device}: {}", told.reply);
        }
    }
}

#[tokio::test]
async fn who_it_is_ends_with_the_pause() {
    let (mut scratch, _, _) = household().await;
    let session = {
        let mut speaker = Speaker::new(&scratch.app, home(), None);
        speaker.says("this is Milo").await;
        assert!(milos(&speaker.says("what medicines am I on").await));
        speaker.session
    };
    let places = places(scratch.dir.path());
    scratch.app.move_to(&places, Ambient::fixed(now() + SignedDuration::from_mins(4), 9)).await.expect("moved");
    let mut speaker = Speaker::new(&scratch.app, home(), None);
    speaker.session = session;
    for said in ["say that again", "what medicines am I on"] {
        let asked = speaker.says(said).await;
        assert!(!milos(&asked), "{said}: {}", asked.reply);
    }
}

#[tokio::test]
async fn a_member_who_is_taken_off_the_device_is_nobody_there_at_once() {
    let (scratch, rosa, milo) = household().await;
    let third = add_demo(&scratch, "empty-chart.json", "all", None).await;
    share(&scratch, "test", &[&third]).await;
    let mut speaker = Speaker::new(&scratch.app, home(), None);
    speaker.says("this is Milo").await;
    assert!(milos(&speaker.says("what medicines am I on").await));
    let device = CredentialId::parse("test").expect("fits");
    let row = membership(milo, "removed", now());
    assert!(scratch.app.store().remove_member(&device, &row).await.expect("removed"));
    let asked = speaker.says("what medicines am I on").await;
    assert!(asked.state == State::Asks && !milos(&asked), "{}", asked.reply);
    let _ = rosa;
}

#[tokio::test]
async fn other_things_go_on_while_nobody_is_known() {
    let (scratch, _, _) = household().await;
    let mut speaker = Speaker::new(&scratch.app, home(), None);
    assert_eq!(speaker.says("what medicines am I on").await.state, State::Asks);
    let cry = speaker.says("help I can't breathe").await;
    assert_eq!(cry.state, State::Escalated, "{}", cry.reply);
    speaker.says("what medicines am I on").await;
    let left = speaker.says("never mind").await;
    assert_eq!(left.intent, "dialogue.cancel", "{}", left.reply);
    speaker.says("what medicines am I on").await;
    assert_eq!(speaker.says("help").await.state, State::Escalated);
}

#[tokio::test]
async fn in_a_hospital_room_and_on_a_device_of_one_a_name_changes_nobody() {
    let scratch = empty().await;
    let rosa = add_demo(&scratch, ROSA, "all", None).await;
    let milo = add_demo(&scratch, MILO, "all", None).await;
    share(&scratch, "test", &[&rosa, &milo]).await;
    for surface in [room(), home()] {
        let mut speaker = Speaker::new(&scratch.app, surface, Some(&rosa));
        let said = speaker.says("this is Maria").await;
        assert_eq!((said.intent.as_str(), said.state), ("account.switch", State::Answered), "{}", said.reply);
        let told = speaker.says("what medicines am I on").await;
        assert!(rosas(&told) && !milos(&told), "{}", told.reply);
        assert!(!milos(&speaker.says("this is Milo").await));
        assert!(!milos(&speaker.says("what medicines am I on").await));
    }
    let mut elsewhere = Speaker::new(&scratch.app, Surface::ThirdParty, None);
    assert_eq!(elsewhere.says("this is Maria").await.state, State::Refused);
}
