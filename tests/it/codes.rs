//! One-time codes, as a person meets them: made on their page, said at a device, and gone.

use jiff::SignedDuration;
use wellspoken::{
    ambient::Ambient,
    policy::{CredentialId, Event, JournalEntry, PersonId, Surface},
    store::membership,
    turn::{State, TurnResult},
};

use crate::support::{Scratch, Speaker, add_demo, add_demo_with_pin, empty, home, now, places, room, shown};

const ROSA: &str = "rosa-delgado.json";
const MILO: &str = "milo-tran.json";

async fn code(scratch: &Scratch, person: &PersonId) -> String {
    let row = JournalEntry {
        event: Event::Identified,
        subject: Some(person.clone()),
        actor: CredentialId::parse("page").ok(),
        intent: None,
        channel: "chat",
        session: None,
        turn: None,
        closes: None,
        outcome: None,
        at: now(),
    };
    scratch.app.store().make_code(&row, now()).await.expect("made").to_string()
}

fn spaced(code: &str) -> String {
    code.chars().map(|c| c.to_string()).collect::<Vec<_>>().join(" ")
}

/// No answer holds the code.
fn unspoken(result: &TurnResult, code: &str) {
    let shown = shown(result);
    let (one, two) = code.split_at(4);
    for digits in [code, &spaced(code), &format!("{one} {two}"), one, two] {
        assert!(!shown.contains(digits), "{digits}: {shown}");
    }
}

fn rosas(result: &TurnResult) -> bool {
    ["lisinopril", "metformin", "atorvastatin"].iter().any(|word| result.reply.to_lowercase().contains(word))
}

#[tokio::test]
async fn a_code_shows_who_it_is_and_what_was_asked_goes_on() {
    let scratch = empty().await;
    let rosa = add_demo_with_pin(&scratch, ROSA, "all", "4077").await;
    for surface in [room(), home()] {
        let code = code(&scratch, &rosa).await;
        let mut speaker = Speaker::new(&scratch.app, surface, Some(&rosa));
        let asked = speaker.says("what medicines am I on").await;
        assert!(asked.reply.contains("PIN"), "{}", asked.reply);
        let told = speaker.says(&format!("my code is {}", spaced(&code))).await;
        assert!(told.state == State::Answered && rosas(&told), "{}", told.reply);
        unspoken(&told, &code);
        assert!(rosas(&speaker.says("what medicines am I on").await), "what was shown holds for a while");
        let mut again = Speaker::new(&scratch.app, home(), Some(&rosa));
        let spent = again.says(&format!("my code is {code}")).await;
        assert!(spent.reply.contains("isn't a code I know"), "once: {}", spent.reply);
        unspoken(&spent, &code);
        assert!(!rosas(&again.says("what medicines am I on").await));
    }
    let mut how = Speaker::new(&scratch.app, home(), Some(&rosa));
    let told = how.says("sign me in").await;
    assert!(told.state == State::Asks && told.reply.contains("own page"), "{}", told.reply);
    let code = code(&scratch, &rosa).await;
    let right = how.says(&code).await;
    assert_eq!((right.intent.as_str(), right.state), ("account.link", State::Answered), "{}", right.reply);
    unspoken(&right, &code);
}

#[tokio::test]
async fn a_new_code_ends_the_old_one_and_ten_minutes_end_any() {
    let mut scratch = empty().await;
    let rosa = add_demo_with_pin(&scratch, ROSA, "all", "4077").await;
    let (old, new) = (code(&scratch, &rosa).await, code(&scratch, &rosa).await);
    let mut speaker = Speaker::new(&scratch.app, home(), Some(&rosa));
    assert!(speaker.says(&format!("my code is {old}")).await.reply.contains("isn't a code I know"));
    let places = places(scratch.dir.path());
    scratch.app.move_to(&places, Ambient::fixed(now() + SignedDuration::from_mins(10), 9)).await.expect("moved");
    let mut speaker = Speaker::new(&scratch.app, home(), Some(&rosa));
    assert!(speaker.says(&format!("my code is {new}")).await.reply.contains("isn't a code I know"));
}

#[tokio::test]
async fn in_a_hospital_room_it_is_whoever_stays_there_or_nobody() {
    let scratch = empty().await;
    let rosa = add_demo(&scratch, ROSA, "all", None).await;
    let milo = add_demo(&scratch, MILO, "all", None).await;
    let code = code(&scratch, &rosa).await;
    for there in [Some(&milo), None] {
        let mut bed = Speaker::new(&scratch.app, room(), there);
        let wrong = bed.says(&format!("my code is {code}")).await;
        assert!(wrong.reply.contains("isn't a code I know"), "{}", wrong.reply);
        assert!(!rosas(&bed.says("what medicines am I on").await));
    }
    let mut elsewhere = Speaker::new(&scratch.app, Surface::ThirdParty, None);
    let refused = elsewhere.says(&format!("my code is {code}")).await;
    assert_eq!(refused.state, State::Refused, "{}", refused.reply);
    unspoken(&refused, &code);
}

#[tokio::test]
async fn at_home_it_makes_known_whose_it_is_and_asks_before_it_stays_so() {
    let scratch = empty().await;
    let rosa = add_demo(&scratch, ROSA, "all", None).await;
    let milo = add_demo(&scratch, MILO, "all", None).await;
    let device = CredentialId::parse("test").expect("fits");
    let row = membership(milo.clone(), "added", now());
    scratch.app.store().add_member(&device, &row).await.expect("added");
    for (answer, stays) in [("no", false), ("yes", true)] {
        let code = code(&scratch, &rosa).await;
        let mut speaker = Speaker::new(&scratch.app, home(), None);
        let asked = speaker.says(&format!("my code is {code}")).await;
        assert!(asked.state == State::Confirms && asked.reply.contains("May I know you here"), "{}", asked.reply);
        unspoken(&asked, &code);
        let settled = speaker.says(answer).await;
        assert_eq!(settled.state == State::Done, stays, "{}", settled.reply);
        assert!(rosas(&speaker.says("what medicines am I on").await), "known for this conversation either way");
        let people = scratch.app.store().household(&device).await.expect("read");
        assert_eq!(people.contains(&rosa), stays);
        assert!(people.contains(&milo));
    }
    let mut later = Speaker::new(&scratch.app, home(), None);
    later.says("what medicines am I on").await;
    assert!(rosas(&later.says("Rosa").await), "and from now on by name");
}

#[tokio::test]
async fn a_device_has_a_dozen_tries_an_hour_and_a_pin_and_a_code_share_them() {
    let scratch = empty().await;
    let rosa = add_demo_with_pin(&scratch, ROSA, "all", "4077").await;
    let code = code(&scratch, &rosa).await;
    let mut speaker = Speaker::new(&scratch.app, home(), Some(&rosa));
    let mut tried = 0;
    while tried < 40 {
        let result = speaker.says(&format!("my code is {}", 10_000_000 + tried)).await;
        if result.state == State::Refused {
            break;
        }
        tried += 1;
    }
    assert_eq!(tried, 10, "then it waits");
    let closed = speaker.says(&format!("my code is {code}")).await;
    assert!(closed.state == State::Refused && closed.reply.contains("minute"), "{}", closed.reply);
    unspoken(&closed, &code);
    assert!(!rosas(&speaker.says("what medicines am I on").await));
    let pin = speaker.says("4077").await;
    assert_eq!(pin.state, State::Refused, "nor a PIN: {}", pin.reply);
}

#[tokio::test]
async fn a_new_pin_is_never_taken_aloud() {
    let scratch = empty().await;
    let rosa = add_demo_with_pin(&scratch, ROSA, "all", "4077").await;
    for surface in [room(), home()] {
        let mut speaker = Speaker::new(&scratch.app, surface, Some(&rosa));
        let told = speaker.says("change my PIN").await;
        assert_eq!((told.intent.as_str(), told.state), ("account.pin", State::Answered), "{}", told.reply);
        assert!(told.reply.contains("own page"), "{}", told.reply);
    }
}
