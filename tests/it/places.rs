//! Urgent care places by name, in conversation: asked about, booked, called off and moved.

use jiff::tz::TimeZone;
use wellspoken::{
    policy::{PersonId, Surface},
    records::demo,
};

use crate::support::{self, Scratch, Speaker, with_demo};

/// With the operator's list, at ten in the morning of a Tuesday.
async fn listed() -> (Scratch, PersonId) {
    let (scratch, rosa) = with_demo("rosa-delgado.json", "all", None).await;
    let zone = TimeZone::get("America/New_York").expect("known");
    let places = demo::places(support::now(), &zone).expect("the demo list");
    scratch.app.store().set_care_places(&places, "tester", support::now()).await.expect("kept");
    scratch.app.store().set_wait("harbor-urgent-care", 25, "tester", support::now()).await.expect("kept");
    (scratch, rosa)
}

#[tokio::test]
async fn a_place_is_asked_about_by_its_name() {
    let (scratch, rosa) = listed().await;
    for (said, want) in [
        ("how far is hillside", "Hillside Walk-In Clinic is at 40 Hill Road"),
        ("where is Northgate Night Care", "Northgate Night Care is at"),
        ("is the harbor clinic open at seven", "so 7 PM is fine"),
        (
            "is Harbor urgent care open at seven am",
            "Tomorrow, Harbor Urgent Care is open from 8 AM to 8 PM, so 7 AM is not",
        ),
        ("what time does hillside close", "Hillside Walk-In Clinic is"),
        ("how long is the wait at harbor urgent care", "At Harbor Urgent Care the wait was 25 minutes"),
        ("what's the wait at the lakeside hospital ER", "the wait at Lakeside Hospital Emergency Room is"),
        ("how busy is harbor", "At Harbor Urgent Care"),
    ] {
        let mut speaker = Speaker::new(&scratch.app, Surface::Chat, Some(&rosa));
        let answer = speaker.says(said).await;
        assert!(answer.reply.contains(want), "{said}: {} {}", answer.intent, answer.reply);
    }
    let mut speaker = Speaker::new(&scratch.app, Surface::Chat, Some(&rosa));
    speaker.says("is the harbor clinic open tomorrow").await;
    let other = speaker.says("what about Hillside?").await;
    assert!(other.reply.contains("Tomorrow, Hillside Walk-In Clinic is open"), "{}", other.reply);
}

#[tokio::test]
async fn a_time_at_a_place_is_booked_called_off_and_moved() {
    let (scratch, rosa) = listed().await;
    let mut speaker = Speaker::new(&scratch.app, Surface::Chat, Some(&rosa));
    let asked = speaker.says("book me at harbor urgent care at seven").await;
    assert!(asked.reply.contains("at 7 PM at Harbor Urgent Care"), "{}", asked.reply);
    let done = speaker.says("yes").await;
    assert!(done.reply.contains("You have a time at Harbor Urgent Care today at 7 PM"), "{}", done.reply);
    let next = speaker.says("when is my appointment at harbor urgent care").await;
    assert!(next.reply.contains("today at 7 PM with Harbor Urgent Care"), "{}", next.reply);
    let off = speaker.says("cancel my appointment at the harbor clinic").await;
    assert!(off.reply.contains("Your visit with Harbor Urgent Care"), "{}", off.reply);
    speaker.says("no").await;
    let off = speaker.says("cancel my urgent care appointment").await;
    assert!(off.reply.contains("Your visit with Harbor Urgent Care"), "{}", off.reply);
    speaker.says("no").await;
    let moved = speaker.says("move my urgent care visit to tomorrow").await;
    assert!(moved.reply.contains("Harbor Urgent Care has"), "{}", moved.reply);
}

/// A word that is a place's name, too, is no place where something else is said.
#[tokio::test]
async fn what_is_no_place_stays_what_it_is() {
    let (scratch, rosa) = listed().await;
    for (said, want) in [
        ("when is my next visit", "appointment.next"),
        ("what medicines am I on", "prescription.list"),
        ("book me with doctor Patel on friday", "appointment.book"),
    ] {
        let mut speaker = Speaker::new(&scratch.app, Surface::Chat, Some(&rosa));
        assert_eq!(speaker.says(said).await.intent, want, "{said}");
    }
}
