//! How much is said aloud where others may hear: asked first, a headline, or nothing, by place, time, roommate, visitor.

use jiff::{SignedDuration, civil::time};
use wellspoken::{
    ambient::Ambient,
    policy::{Mode, PersonId, PlaceRules, RoomId, Surface, Window},
    turn::{State, TurnResult},
};

use crate::support::{Scratch, Speaker, add_demo, add_demo_with_pin, empty, home, now, places, room, with_demo};

const ROSA: &str = "rosa-delgado.json";

async fn set(scratch: &Scratch, room: &str, rules: PlaceRules) {
    let room = RoomId::parse(room).expect("fits");
    scratch.app.store().set_place(&room, &rules, "uid 7", now()).await.expect("set");
}

fn always(mode: Mode) -> PlaceRules {
    PlaceRules { always: mode, ..PlaceRules::default() }
}

/// Rosa at home and in a hospital room, both with these rules.
async fn in_mode(mode: Mode) -> (Scratch, PersonId) {
    let (scratch, rosa) = with_demo(ROSA, "all", None).await;
    for place in ["kitchen", "room-7"] {
        set(&scratch, place, always(mode)).await;
    }
    (scratch, rosa)
}

fn told(result: &TurnResult) -> bool {
    let words = format!("{} {}", result.reply, result.ssml).to_lowercase();
    let secrets = [
        "potassium",
        "lisinopril",
        "atorvastatin",
        "zolpidem",
        "patel",
        "okafor",
        "cholesterol",
        "december",
        "tablet",
        "bedtime",
    ];
    secrets.iter().any(|word| words.contains(word))
}

const ASKED: [&str; 6] = [
    "what medicines am I on",
    "when is my next appointment",
    "what are my lab results",
    "is my lisinopril ready",
    "how do I take my lisinopril",
    "refill my atorvastatin",
];

#[tokio::test]
async fn asked_first_and_then_said_until_the_pause() {
    let (mut scratch, rosa) = in_mode(Mode::AskFirst).await;
    for surface in [home(), room()] {
        for words in ASKED {
            let mut speaker = Speaker::new(&scratch.app, surface.clone(), Some(&rosa));
            let asked = speaker.says(words).await;
            assert_eq!(asked.state, State::Asks, "{words}: {}", asked.reply);
            assert!(asked.reply.contains("all right to say it aloud") && !told(&asked), "{words}: {}", asked.reply);
            let no = speaker.says("no").await;
            assert!(no.reply.contains("your own page") && !told(&no), "{words}: {}", no.reply);
            assert!(!told(&speaker.says("say that again").await), "{words}");
            assert_eq!(speaker.says(words).await.state, State::Asks, "{words}: a no is not for ever, nor a yes");
            let yes = speaker.says("yes").await;
            assert!(matches!(yes.state, State::Answered | State::Confirms), "{words}: {}", yes.reply);
            assert!(told(&yes), "{words}: {}", yes.reply);
        }
    }
    let session = {
        let mut speaker = Speaker::new(&scratch.app, home(), Some(&rosa));
        speaker.says("what medicines am I on").await;
        assert!(told(&speaker.says("yes").await));
        assert!(told(&speaker.says("when is my next appointment").await), "once is enough for a conversation");
        assert!(told(&speaker.says("say that again").await));
        speaker.session
    };
    let places = places(scratch.dir.path());
    scratch.app.move_to(&places, Ambient::fixed(now() + SignedDuration::from_mins(4), 9)).await.expect("moved");
    let mut speaker = Speaker::new(&scratch.app, home(), Some(&rosa));
    speaker.session = session;
    assert!(!told(&speaker.says("say that again").await), "the first pause ends it");
    assert_eq!(speaker.says("what medicines am I on").await.state, State::Asks);
}

#[tokio::test]
async fn a_headline_names_nothing_and_nothing_is_read_back() {
    let (scratch, rosa) = in_mode(Mode::Headline).await;
    for surface in [home(), room()] {
        for words in ASKED {
            let mut speaker = Speaker::new(&scratch.app, surface.clone(), Some(&rosa));
            for said in [words, "say that again", "yes", "slower please"] {
                let answer = speaker.says(said).await;
                assert!(!told(&answer), "{words}, {said}: {}", answer.reply);
            }
        }
        let mut speaker = Speaker::new(&scratch.app, surface, Some(&rosa));
        let list = speaker.says("what medicines am I on").await;
        assert!(list.reply.contains("5 medicines") && list.reply.contains("your page"), "{}", list.reply);
        let refill = speaker.says("refill my lisinopril").await;
        assert_eq!(refill.state, State::Refused, "a change has no headline: {}", refill.reply);
    }
    assert!(scratch.app.store().renewal_states(&rosa).await.expect("read").is_empty());
    let mut page = Speaker::new(&scratch.app, Surface::Chat, Some(&rosa));
    assert!(told(&page.says("what medicines am I on").await), "their own page keeps nothing back");
}

#[tokio::test]
async fn a_headline_does_not_tell_that_something_protected_is_there() {
    let (scratch, rosa) = in_mode(Mode::Headline).await;
    let zone = jiff::tz::TimeZone::get("America/New_York").expect("known");
    let mut chart = wellspoken::records::demo::all(now(), &zone).expect("demo people").remove(0).1;
    chart.identifiers = vec!["urn:hospital|with".into()];
    let mut secret = chart.prescriptions[0].clone();
    (secret.id, secret.medicine, secret.aliases) = ("secret".into(), "sertraline".into(), vec![]);
    chart.prescriptions.push(secret);
    let options = wellspoken::store::ImportOptions {
        consent: Some(wellspoken::policy::Scope::ALL.to_vec()),
        ..wellspoken::store::ImportOptions::default()
    };
    let with = scratch.app.store().import(&chart, options, now()).await.expect("imported");
    for words in ["what medicines am I on", "how do I take my sertraline", "is my sertraline ready"] {
        let one = Speaker::new(&scratch.app, home(), Some(&with)).says(words).await;
        let other = Speaker::new(&scratch.app, home(), Some(&rosa)).says(words).await;
        assert_eq!((one.reply, one.state), (other.reply, other.state), "{words}");
    }
}

#[tokio::test]
async fn on_the_screen_alone_nothing_is_said_and_no_pin_is_asked_for() {
    let scratch = empty().await;
    let rosa = add_demo_with_pin(&scratch, ROSA, "all", "4077").await;
    set(&scratch, "kitchen", always(Mode::Screen)).await;
    let mut speaker = Speaker::new(&scratch.app, home(), Some(&rosa));
    for words in ASKED {
        let answer = speaker.says(words).await;
        assert_eq!(answer.state, State::Refused, "{words}: {}", answer.reply);
        assert!(answer.reply.contains("your own page") && !told(&answer), "{words}: {}", answer.reply);
    }
    let taken_back = speaker.says("stop using my medicines").await;
    assert!(taken_back.reply.contains("PIN"), "what touches no record goes on: {}", taken_back.reply);
    let cry = speaker.says("I can't breathe").await;
    assert_eq!(cry.state, State::Escalated, "{}", cry.reply);
    let mut bed = Speaker::new(&scratch.app, room(), Some(&rosa));
    set(&scratch, "room-7", always(Mode::Screen)).await;
    let nurse = bed.says("can I get some water").await;
    assert_eq!(
        scratch.app.store().board(None).await.expect("read").len(),
        1,
        "the room's own goes on: {}",
        nurse.reply
    );
}

#[tokio::test]
async fn a_visitor_makes_it_stricter_until_they_leave_or_are_forgotten() {
    let (mut scratch, rosa) = with_demo(ROSA, "all", None).await;
    let mut speaker = Speaker::new(&scratch.app, home(), Some(&rosa));
    assert!(told(&speaker.says("what medicines am I on").await));
    let noted = speaker.says("I have a visitor").await;
    assert_eq!((noted.intent.as_str(), noted.state), ("room.visitor", State::Done), "{}", noted.reply);
    assert!(!told(&speaker.says("say that again").await));
    let asked = speaker.says("what medicines am I on").await;
    assert!(asked.state == State::Asks && !told(&asked), "{}", asked.reply);
    assert!(told(&speaker.says("yes").await));
    speaker.says("I have a visitor").await;
    assert!(!told(&speaker.says("what medicines am I on").await), "another visitor, another question");
    speaker.says("never mind").await;
    assert_eq!(speaker.says("my visitor left").await.intent, "room.visitor_gone");
    assert!(told(&speaker.says("what medicines am I on").await));
    let both = speaker.says("I have a visitor and what medicines am I on").await;
    assert!(!told(&both), "in the same breath: {}", both.reply);
    let places = places(scratch.dir.path());
    scratch.app.move_to(&places, Ambient::fixed(now() + SignedDuration::from_mins(121), 9)).await.expect("moved");
    let mut later = Speaker::new(&scratch.app, home(), Some(&rosa));
    assert!(told(&later.says("what medicines am I on").await), "two hours are the end of it");
}

#[tokio::test]
async fn a_roommate_and_the_night_make_it_stricter_while_they_last() {
    let scratch = empty().await;
    let rosa = add_demo(&scratch, ROSA, "all", Some("room-7")).await;
    set(&scratch, "room-7", PlaceRules { shares: vec!["room-7b".into()], ..PlaceRules::default() }).await;
    let ask =
        async |scratch: &Scratch| Speaker::new(&scratch.app, room(), Some(&rosa)).says("what medicines am I on").await;
    assert!(told(&ask(&scratch).await), "alone in the room");
    add_demo(&scratch, "milo-tran.json", "all", Some("room-7b")).await;
    let asked = ask(&scratch).await;
    assert!(asked.state == State::Asks && !told(&asked), "{}", asked.reply);
    // Ten in the morning in New York is within these hours and not within those.
    for (from, to, mode, quiet) in
        [(21, 7, Mode::Screen, false), (9, 11, Mode::Screen, true), (22, 11, Mode::Headline, true)]
    {
        let window = Window { from: time(from, 0, 0, 0), to: time(to, 0, 0, 0), mode };
        set(&scratch, "room-7", PlaceRules { windows: vec![window], ..PlaceRules::default() }).await;
        assert_eq!(told(&ask(&scratch).await), !quiet, "{from} to {to}");
    }
}

#[tokio::test]
async fn a_repeated_turn_obeys_what_holds_now() {
    let (scratch, rosa) = with_demo(ROSA, "all", None).await;
    let mut speaker = Speaker::new(&scratch.app, home(), Some(&rosa));
    assert!(told(&speaker.says_as("what medicines am I on", Some("t1")).await));
    assert!(told(&speaker.says_as("what medicines am I on", Some("t1")).await));
    for mode in [Mode::AskFirst, Mode::Headline, Mode::Screen] {
        set(&scratch, "kitchen", always(mode)).await;
        let again = speaker.says_as("what medicines am I on", Some("t1")).await;
        assert!(again.state == State::Refused && !told(&again), "{mode:?}: {}", again.reply);
    }
    set(&scratch, "kitchen", always(Mode::Headline)).await;
    let headline = speaker.says_as("what medicines am I on", Some("t2")).await;
    let again = speaker.says_as("what medicines am I on", Some("t2")).await;
    assert_eq!(headline.reply, again.reply);
    set(&scratch, "kitchen", always(Mode::Screen)).await;
    assert_eq!(speaker.says_as("what medicines am I on", Some("t2")).await.state, State::Refused);
}

#[tokio::test]
async fn a_read_back_that_was_open_is_asked_about_anew() {
    let (scratch, rosa) = with_demo(ROSA, "all", None).await;
    let mut speaker = Speaker::new(&scratch.app, home(), Some(&rosa));
    let open = speaker.says("refill my atorvastatin").await;
    assert_eq!(open.state, State::Confirms, "{}", open.reply);
    set(&scratch, "kitchen", always(Mode::AskFirst)).await;
    assert!(!told(&speaker.says("say that again").await));
    speaker.says("refill my atorvastatin").await;
    speaker.says("yes").await;
    set(&scratch, "kitchen", always(Mode::Screen)).await;
    let refused = speaker.says("yes").await;
    assert!(refused.state == State::Refused && !told(&refused), "{}", refused.reply);
    assert!(scratch.app.store().renewal_states(&rosa).await.expect("read").is_empty());
}
