//! Conversations, as people hold them: asides, corrections, doubts, two things at once, an emergency in between.

use wellspoken::{
    policy::{RoomId, Surface},
    turn::{State, TurnResult},
};

use crate::support::{self, Speaker, room, with_demo};

const ROSA: &str = "rosa-delgado.json";

async fn renewals(scratch: &support::Scratch, person: &wellspoken::policy::PersonId) -> usize {
    scratch.app.store().renewal_states(person).await.expect("readable").len()
}

fn ends_with_the_question(answer: &TurnResult, question: &TurnResult) -> bool {
    answer.reply.ends_with(&question.reply)
}

#[tokio::test]
async fn a_question_in_the_middle_is_answered_and_the_open_one_asked_again() {
    let (scratch, rosa) = with_demo(ROSA, "all", None).await;
    let mut speaker = Speaker::new(&scratch.app, Surface::Chat, Some(&rosa));
    let asked = speaker.says("refill my metformin").await;
    let aside = speaker.says("when is my next appointment").await;
    assert_eq!(aside.intent, "appointment.next");
    assert_eq!(aside.state, State::Confirms, "{}", aside.reply);
    assert!(ends_with_the_question(&aside, &asked), "{}", aside.reply);
    let done = speaker.says("yes").await;
    assert_eq!((done.intent.as_str(), done.state), ("prescription.renew", State::Done), "{}", done.reply);
}

#[tokio::test]
async fn another_change_comes_first_and_going_on_with_the_open_one_is_offered() {
    let (scratch, rosa) = with_demo(ROSA, "all", None).await;
    let mut speaker = Speaker::new(&scratch.app, Surface::Chat, Some(&rosa));
    speaker.says("book me with doctor Okafor").await;
    let other = speaker.says("refill my metformin").await;
    assert_eq!((other.intent.as_str(), other.state), ("prescription.renew", State::Confirms), "{}", other.reply);
    let done = speaker.says("yes").await;
    assert_eq!(done.state, State::Asks, "{}", done.reply);
    assert!(done.reply.ends_with("go on with what we were doing before?"), "{}", done.reply);
    let back = speaker.says("yes please").await;
    assert!(matches!(back.state, State::Asks | State::Confirms), "{}", back.reply);
    assert!(!back.reply.to_lowercase().contains("metformin"), "the booking goes on: {}", back.reply);
}

#[tokio::test]
async fn a_doubtful_yes_changes_nothing_and_is_asked_again() {
    let (scratch, rosa) = with_demo(ROSA, "all", None).await;
    for doubt in ["I guess so", "yes?", "um maybe"] {
        let mut speaker = Speaker::new(&scratch.app, Surface::Chat, Some(&rosa));
        let asked = speaker.says("refill my metformin").await;
        let again = speaker.says(doubt).await;
        assert_eq!(again.state, State::Confirms, "{doubt}: {}", again.reply);
        assert!(ends_with_the_question(&again, &asked), "{doubt}: {}", again.reply);
        assert_eq!(renewals(&scratch, &rosa).await, 0, "{doubt}");
    }
    let mut speaker = Speaker::new(&scratch.app, Surface::Chat, Some(&rosa));
    speaker.says("refill my metformin").await;
    speaker.says("I suppose").await;
    assert_eq!(speaker.says("yes").await.state, State::Done);
}

#[tokio::test]
async fn a_corrected_medicine_is_not_ordered() {
    let (scratch, rosa) = with_demo(ROSA, "all", None).await;
    for said in
        ["no wait, levothyroxine", "wait, make that lisinopril", "I said the wrong medicine", "that's the wrong pill"]
    {
        let mut speaker = Speaker::new(&scratch.app, Surface::Chat, Some(&rosa));
        assert_eq!(speaker.says("refill my metformin").await.state, State::Confirms);
        let corrected = speaker.says(said).await;
        assert!(!corrected.reply.to_lowercase().contains("metformin"), "{said}: {}", corrected.reply);
        assert_ne!(speaker.says("yes").await.state, State::Done, "{said}");
        assert_eq!(renewals(&scratch, &rosa).await, 0, "{said}");
    }
    let mut speaker = Speaker::new(&scratch.app, Surface::Chat, Some(&rosa));
    speaker.says("refill my lisinopril").await;
    speaker.says("refill my metformin").await;
    let asked = speaker.says("I said the wrong medicine").await;
    assert!(asked.state == State::Asks && asked.reply.contains("What should it be instead?"), "{}", asked.reply);
    let named = speaker.says("lisinopril").await;
    assert_eq!(named.intent, "prescription.renew", "{}", named.reply);
    assert!(named.reply.to_lowercase().contains("lisinopril"), "{}", named.reply);
}

#[tokio::test]
async fn two_requests_in_one_sentence_are_handled_in_order() {
    let (scratch, rosa) = with_demo(ROSA, "all", None).await;
    let mut speaker = Speaker::new(&scratch.app, Surface::Chat, Some(&rosa));
    let both = speaker.says("is my lisinopril ready and when is my next appointment").await;
    assert_eq!(both.intent, "prescription.status", "{}", both.reply);
    assert_eq!(both.also.as_ref().map(|also| also.intent.as_str()), Some("appointment.next"), "{}", both.reply);
    let at = |words: &str| both.reply.to_lowercase().find(words);
    assert!(at("lisinopril") < at("visit").or_else(|| at("appointment")), "{}", both.reply);

    let first = speaker.says("refill my metformin. And when is my next appointment?").await;
    assert_eq!((first.intent.as_str(), first.state), ("prescription.renew", State::Confirms), "{}", first.reply);
    let done = speaker.says("yes").await;
    assert_eq!(done.state, State::Done, "{}", done.reply);
    assert_eq!(done.also.map(|also| also.intent).as_deref(), Some("appointment.next"), "{}", done.reply);
}

#[tokio::test]
async fn the_same_request_for_two_medicines() {
    let (scratch, rosa) = with_demo(ROSA, "all", None).await;
    let mut speaker = Speaker::new(&scratch.app, Surface::Chat, Some(&rosa));
    let both = speaker.says("is my metformin ready and my lisinopril").await;
    let reply = both.reply.to_lowercase();
    assert!(reply.contains("metformin") && reply.contains("lisinopril"), "{reply}");
    let then = speaker.says("and my atorvastatin?").await;
    assert_eq!(then.intent, "prescription.status", "{}", then.reply);
    assert!(then.reply.to_lowercase().contains("atorvastatin"), "{}", then.reply);
}

#[tokio::test]
async fn the_nurse_is_called_before_anything_else_in_the_sentence() {
    let (scratch, rosa) = with_demo(ROSA, "all", Some("room-7")).await;
    let mut speaker = Speaker::new(&scratch.app, room(), Some(&rosa));
    let both = speaker.says("when is my next appointment and I need the nurse").await;
    assert_eq!(both.intent, "nurse.request", "{}", both.reply);
    let seven = RoomId::parse("room-7").expect("fits");
    assert_eq!(scratch.app.store().board(Some(&seven)).await.expect("readable").len(), 1);
}

#[tokio::test]
async fn a_correction_changes_what_was_asked() {
    let (scratch, rosa) = with_demo(ROSA, "all", None).await;
    let mut speaker = Speaker::new(&scratch.app, Surface::Chat, Some(&rosa));
    speaker.says("is my metformin ready").await;
    let corrected = speaker.says("no, I said lisinopril").await;
    assert_eq!(corrected.intent, "prescription.status", "{}", corrected.reply);
    assert!(corrected.reply.to_lowercase().contains("lisinopril"), "{}", corrected.reply);

    speaker.says("refill my metformin").await;
    let other = speaker.says("no, I meant atorvastatin").await;
    assert_eq!(other.intent, "prescription.renew", "{}", other.reply);
    assert!(other.reply.to_lowercase().contains("atorvastatin"), "{}", other.reply);
    assert_eq!(renewals(&scratch, &rosa).await, 0);
}

#[tokio::test]
async fn an_emergency_suspends_the_question_and_going_on_is_offered() {
    let (scratch, rosa) = with_demo(ROSA, "all", Some("room-7")).await;
    let mut speaker = Speaker::new(&scratch.app, room(), Some(&rosa));
    let asked = speaker.says("refill my metformin").await;
    assert_eq!(asked.state, State::Confirms, "{}", asked.reply);
    let cry = speaker.says("help I can't breathe").await;
    assert_eq!(cry.state, State::Escalated);
    assert_eq!(cry.follow_up_ms, 0);
    let late = speaker.says("false alarm, I'm okay").await;
    assert_eq!(late.intent, "emergency.cancel", "{}", late.reply);
    assert!(late.reply.ends_with("go on with what we were doing before?"), "{}", late.reply);
    assert_eq!(renewals(&scratch, &rosa).await, 0, "nothing was agreed to");
    let back = speaker.says("yes").await;
    assert_eq!((back.reply, back.state), (asked.reply, State::Confirms));
    assert_eq!(speaker.says("yes").await.state, State::Done);
}

#[tokio::test]
async fn after_two_misunderstandings_a_person_is_offered() {
    let (scratch, rosa) = with_demo(ROSA, "all", Some("room-7")).await;
    let mut speaker = Speaker::new(&scratch.app, room(), Some(&rosa));
    let first = speaker.says("purple elephants on a bicycle").await;
    assert_eq!((first.intent.as_str(), first.state), ("dialogue.none", State::Answered));
    let second = speaker.says("the moon tastes of violin").await;
    assert_eq!(second.state, State::Asks, "{}", second.reply);
    let yes = speaker.says("yes").await;
    assert_eq!(yes.intent, "human.talk", "{}", yes.reply);
    let seven = RoomId::parse("room-7").expect("fits");
    assert_eq!(scratch.app.store().board(Some(&seven)).await.expect("readable").len(), 1, "staff were asked");

    let mut speaker = Speaker::new(&scratch.app, Surface::Chat, Some(&rosa));
    speaker.says("purple elephants on a bicycle").await;
    speaker.says("is my metformin ready").await;
    let third = speaker.says("the moon tastes of violin").await;
    assert_eq!(third.state, State::Answered, "being understood in between counts: {}", third.reply);
}

#[tokio::test]
async fn help_names_what_can_be_said_now_and_the_window_is_open_only_for_an_answer() {
    let (scratch, rosa) = with_demo(ROSA, "all", None).await;
    let mut speaker = Speaker::new(&scratch.app, Surface::Chat, Some(&rosa));
    let general = speaker.says("what can I say").await;
    assert_eq!(general.follow_up_ms, 0);
    let asked = speaker.says("refill my metformin").await;
    assert!(asked.follow_up_ms > 0);
    let help = speaker.says("help me what can I say").await;
    assert!(help.reply.contains("yes, no"), "{}", help.reply);
    assert!(ends_with_the_question(&help, &asked), "{}", help.reply);
    let done = speaker.says("yes").await;
    assert_eq!((done.state, done.follow_up_ms), (State::Done, 0));
}

#[tokio::test]
async fn slower_and_louder() {
    let (scratch, rosa) = with_demo(ROSA, "all", None).await;
    let mut speaker = Speaker::new(&scratch.app, Surface::Chat, Some(&rosa));
    let first = speaker.says("is my metformin ready").await;
    let slow = speaker.says("please speak more slowly").await;
    assert!(slow.reply.ends_with(&first.reply), "{}", slow.reply);
    assert!(slow.ssml.starts_with("<speak><prosody rate=\"slow\">"), "{}", slow.ssml);
    let later = speaker.says("is my lisinopril ready").await;
    assert!(later.ssml.contains("rate=\"slow\""), "it stays slow: {}", later.ssml);
    let louder = speaker.says("speak up please").await;
    assert_eq!(serde_json::to_value(louder.volume).expect("json"), "up");
}
