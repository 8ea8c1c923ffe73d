//! A person's rights over what is known about them, by voice: who looked, what is kept, deleting it, a copy.

mod news;
mod page;

use jiff::{SignedDuration, Timestamp};
use wellspoken::{
    actions::Words,
    policy::{Event, JournalEntry, PersonId, RoomId, Surface},
    turn::State,
};

use crate::support::{Scratch, Speaker, add_demo, add_demo_with_pin, empty, home, now, with_demo};

const ROSA: &str = "rosa-delgado.json";
const JUNE: &str = "empty-chart.json";

async fn said(scratch: &Scratch, person: &PersonId) -> i64 {
    scratch.app.store().spoken(person, Words::Everything).await.expect("counted").answers
}

#[tokio::test]
async fn a_right_rests_on_no_agreement_but_on_the_pin() {
    let scratch = empty().await;
    let rosa = add_demo_with_pin(&scratch, ROSA, "none", "4077").await;
    for (words, intent) in [
        ("who has looked at my records", "privacy.who_accessed"),
        ("what do you know about me", "privacy.what_stored"),
        ("delete what I said today", "privacy.forget"),
        ("send me a copy of my data", "privacy.export"),
    ] {
        let mut speaker = Speaker::new(&scratch.app, home(), Some(&rosa));
        let asked = speaker.says(words).await;
        assert_eq!((asked.intent.as_str(), asked.state), (intent, State::Asks), "{words}: {}", asked.reply);
        assert!(asked.reply.contains("PIN"), "{words}: {}", asked.reply);
        let told = speaker.says("4077").await;
        assert!(matches!(told.state, State::Answered | State::Confirms), "{words}: {}", told.reply);
        let third = Speaker::new(&scratch.app, Surface::ThirdParty, Some(&rosa)).says(words).await;
        assert_eq!(third.state, State::Refused, "{words}: {}", third.reply);
    }
}

#[tokio::test]
async fn who_looked_is_told_and_is_a_look_itself() {
    let (scratch, rosa) = with_demo(ROSA, "all", None).await;
    let store = scratch.app.store();
    let mut speaker = Speaker::new(&scratch.app, home(), Some(&rosa));
    speaker.says("what medicines am I on").await;
    let mut page = Speaker::new(&scratch.app, Surface::Chat, Some(&rosa));
    page.says("when is my next appointment").await;
    let first = speaker.says("who has looked at my records").await;
    assert_eq!(first.state, State::Answered, "{}", first.reply);
    assert!(first.reply.contains("opened 2 times: 1 on your page and 1 at home. Nobody else"), "{}", first.reply);
    let again = speaker.says("who has looked at my records").await;
    assert!(again.reply.contains("opened 3 times"), "that they asked is in the trail: {}", again.reply);
    // Somebody else's rows, of the staff, are nobody's own.
    let nurse = wellspoken::store::NewStaffSession {
        issuer: "https://hospital.example",
        subject: "4711",
        name: "Lee Park, nurse",
        roles: &[],
        rooms: &[],
        expires: now() + SignedDuration::from_hours(1),
    };
    let nurse = store.open_staff_session(&nurse, "a-token-of-a-nurse", now()).await.expect("opened");
    let entry = JournalEntry {
        event: Event::Opened,
        subject: Some(rosa.clone()),
        actor: Some(nurse),
        intent: Some("staff.record".into()),
        channel: "console",
        session: None,
        turn: None,
        closes: None,
        outcome: None,
        at: now(),
    };
    wellspoken::policy::Journal::append(store, entry.clone()).await.expect("written");
    let told = speaker.says("who has looked at my records today").await;
    assert!(told.reply.starts_with("Today your record was opened"), "{}", told.reply);
    assert!(told.reply.contains("1 by somebody else. That was Lee Park, nurse today."), "{}", told.reply);
    // A name that tells of something protected is for their own page.
    let doctor = wellspoken::store::NewStaffSession {
        issuer: "https://hospital.example",
        subject: "4712",
        name: "Dr. Quill Freud, psychiatry",
        roles: &[],
        rooms: &[],
        expires: now() + SignedDuration::from_hours(1),
    };
    let doctor = store.open_staff_session(&doctor, "a-token-of-a-doctor", now()).await.expect("opened");
    let look = JournalEntry { actor: Some(doctor), ..entry };
    wellspoken::policy::Journal::append(store, look).await.expect("written");
    let aloud = speaker.says("who has looked at my records today").await;
    assert!(
        aloud.reply.contains("2 by somebody else. That was one of the staff today and Lee Park"),
        "{}",
        aloud.reply
    );
    let shown = page.says("who has looked at my records today").await;
    assert!(shown.reply.contains("Dr. Quill Freud, psychiatry"), "{}", shown.reply);
    // Another person's trail is not theirs.
    let june = add_demo(&scratch, JUNE, "all", None).await;
    let hers = Speaker::new(&scratch.app, home(), Some(&june)).says("who has looked at my records").await;
    assert!(hers.reply.contains("nobody opened your record"), "{}", hers.reply);
}

#[tokio::test]
async fn what_is_kept_is_counted_and_never_said() {
    let (scratch, rosa) = with_demo(ROSA, "all", None).await;
    let mut speaker = Speaker::new(&scratch.app, home(), Some(&rosa));
    speaker.says("what medicines am I on").await;
    let told = speaker.says("what do you know about me").await;
    assert!(told.reply.contains("5 medicines") || told.reply.contains("6 medicines"), "{}", told.reply);
    assert!(told.reply.contains("1 answer, the oldest from today; they go after 24 hours"), "{}", told.reply);
    for secret in ["lisinopril", "metformin", "Patel", "Delgado"] {
        assert!(!told.reply.contains(secret), "{secret}: {}", told.reply);
    }
}

#[tokio::test]
async fn what_was_said_today_is_deleted_at_yes_and_what_stays_is_said() {
    let (scratch, rosa) = with_demo(ROSA, "all", None).await;
    let store = scratch.app.store();
    let mut before = Speaker::new(&scratch.app, home(), Some(&rosa));
    before.says_as("I talked to my brother about the money", Some("secret-turn")).await;
    assert_eq!(before.says("refill my metformin").await.state, State::Confirms);
    assert_eq!(before.says("yes").await.state, State::Done);
    let june = add_demo(&scratch, JUNE, "all", None).await;
    Speaker::new(&scratch.app, home(), Some(&june)).says("what medicines am I on").await;
    let (hers, others) = (said(&scratch, &rosa).await, said(&scratch, &june).await);
    assert!(hers >= 3 && others == 1);

    let mut speaker = Speaker::new(&scratch.app, home(), Some(&rosa));
    let sure = speaker.says("delete what I said today").await;
    assert_eq!((sure.intent.as_str(), sure.state), ("privacy.forget", State::Confirms), "{}", sure.reply);
    assert!(said(&scratch, &rosa).await > hers, "nothing is deleted before a yes");
    let done = speaker.says("yes").await;
    assert_eq!(done.state, State::Done, "{}", done.reply);
    assert!(done.reply.contains("What stays is what you asked me to do"), "{}", done.reply);
    assert_eq!(said(&scratch, &rosa).await, 1, "only this answer is left");
    assert_eq!(said(&scratch, &june).await, 1, "nobody else's");
    assert_eq!(store.renewal_states(&rosa).await.expect("read").len(), 1, "what was asked for stays asked for");

    // The conversation before is gone, and a repeat of its turn neither answers nor acts again.
    let again = before.says_as("I talked to my brother about the money", Some("secret-turn")).await;
    assert_eq!(again.state, State::Refused, "{}", again.reply);
    let later = before.says("say that again").await;
    assert!(!later.reply.to_lowercase().contains("metformin"), "{}", later.reply);
    // The proof is in the trail, with how much it was.
    let mut lines = Vec::new();
    wellspoken::store::AuditReader::open(
        &wellspoken::store::sqlite_path(&scratch.dir.path().join("data")).display().to_string(),
    )
    .await
    .expect("opens")
    .outline(&mut lines)
    .await
    .expect("read");
    assert_eq!(String::from_utf8_lossy(&lines).matches("\"forgotten\"").count(), 1);
}

#[tokio::test]
async fn this_conversation_alone_is_deleted_and_the_rest_stays() {
    let (scratch, rosa) = with_demo(ROSA, "all", None).await;
    Speaker::new(&scratch.app, home(), Some(&rosa)).says("what medicines am I on").await;
    let mut speaker = Speaker::new(&scratch.app, home(), Some(&rosa));
    speaker.says("when is my next appointment").await;
    let which = speaker.says("delete what I said").await;
    assert_eq!(which.state, State::Asks, "{}", which.reply);
    let sure = speaker.says("just this conversation").await;
    assert_eq!(sure.state, State::Confirms, "{}", sure.reply);
    assert_eq!(speaker.says("yes").await.state, State::Done);
    assert_eq!(said(&scratch, &rosa).await, 2, "the other conversation, and this answer");
}

#[tokio::test]
async fn what_is_open_in_another_conversation_goes_too() {
    let (scratch, rosa) = with_demo(ROSA, "all", None).await;
    let mut open = Speaker::new(&scratch.app, home(), Some(&rosa));
    assert_eq!(open.says("refill my metformin").await.state, State::Confirms);
    let mut page = Speaker::new(&scratch.app, Surface::Chat, Some(&rosa));
    page.says("forget everything I told you").await;
    assert_eq!(page.says("yes").await.state, State::Done);
    let late = open.says("yes").await;
    assert_ne!(late.state, State::Done, "{}", late.reply);
    assert!(scratch.app.store().renewal_states(&rosa).await.expect("read").is_empty());
}

#[tokio::test]
async fn words_of_a_stay_are_the_patients_too() {
    let (scratch, rosa) = with_demo(ROSA, "all", Some("room-7")).await;
    let room = RoomId::parse("room-7").expect("fits");
    let stay = scratch.app.store().occupant(&room).await.expect("read").expect("admitted").stay;
    let mut bed = Speaker::new(&scratch.app, Surface::Room(room), Some(&rosa));
    bed.caller.stay = Some(stay);
    bed.says("what medicines am I on").await;
    assert_eq!(said(&scratch, &rosa).await, 1);
    bed.says("forget everything I told you").await;
    assert_eq!(bed.says("yes").await.state, State::Done);
    assert_eq!(said(&scratch, &rosa).await, 1);
}

#[tokio::test]
async fn nothing_is_deleted_under_a_legal_hold_and_that_is_said() {
    let (scratch, rosa) = with_demo(ROSA, "all", None).await;
    let store = scratch.app.store();
    let mut speaker = Speaker::new(&scratch.app, home(), Some(&rosa));
    speaker.says("what medicines am I on").await;
    assert_eq!(speaker.says("forget everything I told you").await.state, State::Confirms);
    let hold = store.place_hold(&rosa, "a lawsuit", "legal", now()).await.expect("placed");
    let held = speaker.says("yes").await;
    assert!(held.reply.contains("nothing of yours is deleted"), "{}", held.reply);
    let before = said(&scratch, &rosa).await;
    let told = speaker.says("delete what I said today").await;
    assert!(told.reply.contains("nothing of yours is deleted"), "{}", told.reply);
    assert!(said(&scratch, &rosa).await >= before);
    let entry = JournalEntry {
        event: Event::Closed,
        subject: Some(rosa.clone()),
        actor: None,
        intent: None,
        channel: "chat",
        session: None,
        turn: None,
        closes: None,
        outcome: Some("done"),
        at: now(),
    };
    let refused = store.forget_said(&rosa, Words::Everything, &entry).await;
    assert!(matches!(refused, Err(wellspoken::store::StoreError::Held)), "the store itself refuses");
    store.lift_hold(&rosa, Some(&hold), "over", "legal", now()).await.expect("lifted");
    assert!(store.forget_said(&rosa, Words::Everything, &entry).await.is_ok());
    assert_eq!(said(&scratch, &rosa).await, 0);
}

#[tokio::test]
async fn only_the_days_named_are_deleted() {
    let (scratch, rosa) = with_demo(ROSA, "all", None).await;
    Speaker::new(&scratch.app, home(), Some(&rosa)).says("what medicines am I on").await;
    let store = scratch.app.store();
    let day = |days: i64| now() - SignedDuration::from_hours(24 * days);
    let between = |from: Timestamp, until: Timestamp| Words::Between { from, until };
    assert!(!store.spoken(&rosa, between(day(2), day(1))).await.expect("counted").any());
    assert!(store.spoken(&rosa, between(day(1), day(-1))).await.expect("counted").any());
    let mut speaker = Speaker::new(&scratch.app, home(), Some(&rosa));
    let none = speaker.says("delete what I said yesterday").await;
    assert_eq!(none.state, State::Answered, "{}", none.reply);
    assert!(none.reply.contains("nothing of that"), "{}", none.reply);
}

#[tokio::test]
async fn a_copy_waits_on_the_page_and_is_never_read_out() {
    let (scratch, rosa) = with_demo(ROSA, "all", None).await;
    let mut speaker = Speaker::new(&scratch.app, home(), Some(&rosa));
    let sure = speaker.says("send me a copy of my data").await;
    assert_eq!((sure.intent.as_str(), sure.state), ("privacy.export", State::Confirms), "{}", sure.reply);
    let done = speaker.says("yes").await;
    assert_eq!(done.state, State::Done, "{}", done.reply);
    assert!(!done.reply.contains("lisinopril"));
}
