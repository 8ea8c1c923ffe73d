//! Whole turns on a real database: what is allowed, done, kept and said.

use std::path::Path;

use sqlx::{Connection as _, SqliteConnection};
use wellspoken::{
    ambient::Ambient,
    app::{App, Places, Senses},
    config::Config,
    policy::{RoomId, Surface},
    turn::State,
};

use crate::support::{self, Speaker, empty, room, with_demo};

const ROSA: &str = "rosa-delgado.json";

#[tokio::test]
async fn a_change_is_read_back_and_happens_once_at_yes() {
    let (scratch, rosa) = with_demo(ROSA, "all", None).await;
    let mut speaker = Speaker::new(&scratch.app, Surface::Chat, Some(&rosa));
    let asked = speaker.says("I need a refill of my metformin").await;
    assert_eq!(asked.intent, "prescription.renew");
    assert_eq!(asked.state, State::Confirms, "{}", asked.reply);
    assert!(asked.reply.to_lowercase().contains("metformin"), "the read-back names the medicine: {}", asked.reply);
    assert_eq!(open_renewals(&scratch, &rosa).await, 0, "nothing happens before the yes");

    let done = speaker.says_as("yes please", Some("turn-yes")).await;
    assert_eq!(done.state, State::Done, "{}", done.reply);
    assert_eq!(open_renewals(&scratch, &rosa).await, 1);

    let again = speaker.says_as("yes please", Some("turn-yes")).await;
    assert_eq!(again.reply, done.reply, "the same turn gets the same answer");
    assert_eq!(again.state, State::Done);
    let other_body = speaker.says_as("no", Some("turn-yes")).await;
    assert_eq!(other_body.state, State::Refused, "the same name for another turn is refused");
    assert_eq!(open_renewals(&scratch, &rosa).await, 1, "and never acts twice");
}

#[tokio::test]
async fn a_first_turn_whose_answer_was_lost_may_be_repeated() {
    let (scratch, rosa) = with_demo(ROSA, "all", None).await;
    let first =
        Speaker::new(&scratch.app, Surface::Chat, Some(&rosa)).says_as("refill my metformin", Some("one")).await;
    let again =
        Speaker::new(&scratch.app, Surface::Chat, Some(&rosa)).says_as("refill my metformin", Some("one")).await;
    assert_eq!((again.reply, again.session, again.state), (first.reply, first.session, State::Confirms));
}

#[tokio::test]
async fn no_and_never_mind_leave_everything_as_it_was() {
    for way_out in ["no", "never mind"] {
        let (scratch, rosa) = with_demo(ROSA, "all", None).await;
        let mut speaker = Speaker::new(&scratch.app, Surface::Chat, Some(&rosa));
        speaker.says("refill my metformin").await;
        speaker.says(way_out).await;
        let late_yes = speaker.says("yes").await;
        assert_ne!(late_yes.state, State::Done, "after {way_out:?} a yes has nothing to agree to");
        assert_eq!(open_renewals(&scratch, &rosa).await, 0);
    }
}

#[tokio::test]
async fn an_answer_that_is_not_understood_is_asked_for_once_more_and_then_a_person_is_offered() {
    let (scratch, rosa) = with_demo(ROSA, "all", None).await;
    let mut speaker = Speaker::new(&scratch.app, Surface::Chat, Some(&rosa));
    let first = speaker.says("refill my metformin").await;
    let second = speaker.says("purple elephants on a bicycle").await;
    assert_eq!(second.state, State::Confirms);
    assert_eq!(second.reply, first.reply, "the read-back is said again");
    let third = speaker.says("purple elephants on a bicycle").await;
    assert_eq!(third.state, State::Asks, "a person is offered: {}", third.reply);
    assert_eq!(speaker.says("yes").await.intent, "human.talk");
    assert_eq!(open_renewals(&scratch, &rosa).await, 0);
}

#[tokio::test]
async fn a_third_party_hears_nothing_and_leaves_nothing() {
    let (scratch, rosa) = with_demo(ROSA, "all", None).await;
    let before = audit_rows(&scratch).await;
    let mut speaker = Speaker::new(&scratch.app, Surface::ThirdParty, Some(&rosa));
    let refused = speaker.says("is my lisinopril ready").await;
    assert_eq!(refused.state, State::Refused);
    assert!(!refused.reply.to_lowercase().contains("lisinopril"), "{}", refused.reply);
    let public = speaker.says("is this private").await;
    assert_eq!(public.state, State::Answered);
    let rows = audit_rows(&scratch).await;
    assert_eq!(rows.len(), before.len() + 1, "one refusal, no more");
    let refusal = rows.last().expect("one row");
    assert!(!refusal.contains("prescription"), "a refusal's row carries no intent: {refusal}");
    assert!(!refusal.contains(rosa.as_str()), "and nobody's id: {refusal}");
}

#[tokio::test]
async fn nobody_known_or_nothing_agreed_to_hears_nothing() {
    let (scratch, rosa) = with_demo(ROSA, "visits", None).await;
    for (person, state) in [(None, State::Refused), (Some(&rosa), State::Asks)] {
        let mut speaker = Speaker::new(&scratch.app, Surface::Chat, person);
        let refused = speaker.says("what medicines am I on").await;
        assert_eq!(refused.state, state, "{}", refused.reply);
        for medicine in ["lisinopril", "metformin", "atorvastatin"] {
            assert!(!refused.reply.contains(medicine), "{}", refused.reply);
        }
    }
    let mut rosa_speaks = Speaker::new(&scratch.app, Surface::Chat, Some(&rosa));
    assert_eq!(rosa_speaks.says("when is my next appointment").await.state, State::Answered, "visits were agreed to");
}

#[tokio::test]
async fn an_emergency_needs_nobody_and_ends_only_by_staff() {
    let scratch = empty().await;
    let mut speaker = Speaker::new(&scratch.app, room(), None);
    let cry = speaker.says("help I can't breathe").await;
    assert_eq!(cry.state, State::Escalated);
    assert!(cry.triage.is_some());
    let promise = cry.reply.to_lowercase();
    for lie in ["on the way", "is coming", "on their way"] {
        assert!(!promise.contains(lie), "nobody has acknowledged yet: {}", cry.reply);
    }
    let seven = RoomId::parse("room-7").expect("fits");
    assert_eq!(scratch.app.store().board(Some(&seven)).await.expect("readable").len(), 1);
    for words in ["never mind", "false alarm I'm okay"] {
        let reply = speaker.says(words).await.reply;
        assert!(reply.to_lowercase().contains("staff"), "it says who closes a call: {reply}");
        let board = scratch.app.store().board(Some(&seven)).await.expect("readable");
        assert_eq!(board.len(), 1, "{words:?} must not close it");
    }
}

#[tokio::test]
async fn an_emergency_that_cannot_be_recorded_never_says_that_somebody_knows() {
    let scratch = empty().await;
    // Another process keeps the database locked for longer than anybody waits.
    let database = wellspoken::store::sqlite_path(&scratch.dir.path().join("data"));
    let mut other = SqliteConnection::connect(&database.to_string_lossy()).await.expect("the database is there");
    sqlx::query("BEGIN IMMEDIATE").execute(&mut other).await.expect("nobody else writes");
    let cry = Speaker::new(&scratch.app, room(), None).says("help help I fell down").await;
    assert_eq!(cry.state, State::Escalated);
    assert!(cry.reply.to_lowercase().contains("button"), "it must say what to do instead: {}", cry.reply);
    let question = Speaker::new(&scratch.app, room(), None).says("can I get some water").await;
    assert_ne!(question.state, State::Done, "nothing is claimed that is not durable: {}", question.reply);
}

#[tokio::test]
async fn what_is_not_connected_says_so() {
    // Not searched afterwards: a copy of the catalogue names every medicine.
    let dir = tempfile::tempdir().expect("a folder");
    let ours = Path::new(env!("CARGO_MANIFEST_DIR")).join("intents");
    for folder in ["en", "lists"] {
        let to = dir.path().join("intents").join(folder);
        std::fs::create_dir_all(&to).expect("made");
        for entry in std::fs::read_dir(ours.join(folder)).expect("readable").flatten() {
            std::fs::copy(entry.path(), to.join(entry.file_name())).expect("copied");
        }
    }
    let intent = "domain: bill\nintents:\n  bill.status:\n    action: none\n    why: no billing system is connected\n    \
        data: public\n    effect: read\n    sentences: [\"what do i owe the hospital\"]\n";
    std::fs::write(dir.path().join("intents/en/bill.yaml"), intent).expect("written");
    let places = Places { intents_dir: Some(dir.path().join("intents")), ..support::places(dir.path()) };
    let senses = Senses { ears: false, voice: false };
    let app = App::build(Config::default(), places, Ambient::fixed(support::now(), 7), senses).await.expect("starts");
    let answer = Speaker::new(&app, Surface::Chat, None).says("what do I owe the hospital").await;
    assert_eq!((answer.intent.as_str(), answer.state), ("bill.status", State::Answered));
    assert!(answer.reply.contains("isn't connected"), "{}", answer.reply);
}

#[tokio::test]
async fn saying_it_again_is_a_disclosure_again() {
    let (scratch, rosa) = with_demo(ROSA, "all", None).await;
    let mut speaker = Speaker::new(&scratch.app, Surface::Chat, Some(&rosa));
    let first = speaker.says("what medicines am I on").await;
    let opened = opened_rows(&scratch).await;
    let again = speaker.says("say that again").await;
    assert_eq!(again.reply, first.reply);
    assert_eq!(opened_rows(&scratch).await, opened + 1);
}

#[tokio::test]
async fn somebody_elses_conversation_is_not_gone_on_with() {
    let (scratch, rosa) = with_demo(ROSA, "all", None).await;
    let mut speaker = Speaker::new(&scratch.app, Surface::Chat, Some(&rosa));
    speaker.says("refill my metformin").await;
    let mut intruder = Speaker::new(&scratch.app, Surface::Chat, None);
    intruder.session.clone_from(&speaker.session);
    let yes = intruder.says("yes").await;
    assert_ne!(yes.state, State::Done);
    assert_eq!(open_renewals(&scratch, &rosa).await, 0);
}

#[tokio::test]
async fn every_turn_leaves_a_chain_that_verifies() {
    let (scratch, rosa) = with_demo(ROSA, "all", None).await;
    let mut speaker = Speaker::new(&scratch.app, Surface::Chat, Some(&rosa));
    for words in
        ["what medicines am I on", "how do I take my atorvastatin", "when do I see the doctor", "", "asdf qwer"]
    {
        speaker.says(words).await;
    }
    let report = scratch.app.store().audit_verify().await.expect("readable");
    assert!(report.broken.is_none());
}

async fn open_renewals(scratch: &crate::support::Scratch, person: &wellspoken::policy::PersonId) -> usize {
    let mut count = 0;
    scratch.app.store().renewals(person).await.expect("readable").map(|renewals| count = renewals.len());
    count
}

async fn audit_rows(scratch: &crate::support::Scratch) -> Vec<String> {
    let mut out = Vec::new();
    let database = wellspoken::store::sqlite_path(&scratch.dir.path().join("data"));
    let reader = wellspoken::store::AuditReader::open(database.to_str().expect("plain path")).await.expect("opens");
    reader.outline(&mut out).await.expect("readable");
    String::from_utf8(out).expect("JSON lines").lines().map(str::to_owned).collect()
}

async fn opened_rows(scratch: &crate::support::Scratch) -> usize {
    audit_rows(scratch).await.iter().filter(|row| row.contains("\"opened\"")).count()
}
