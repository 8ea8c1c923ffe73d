//! Triage in whole turns: who is told before anything is said, what is asked, and what comes of the answer; and
//! that no ordinary request of the catalogue sets it off.

use wellspoken::{
    nlu::catalogue::{Catalogue, Sampler},
    policy::{
        RoomId, Surface,
        triage::{Level, Utterance, triage},
    },
    turn::State,
};

use crate::support::{Scratch, Speaker, empty, room, with_demo};

const ROSA: &str = "rosa-delgado.json";
/// Something is the matter, and nobody can tell from the words what.
const VAGUE: &str = "something isn't right";

/// Requests on the room's board: all of them, and those that are emergencies.
async fn board(scratch: &Scratch) -> (usize, usize) {
    let seven = RoomId::parse("room-7").expect("fits");
    let open = scratch.app.store().board(Some(&seven)).await.expect("readable");
    (open.len(), open.iter().filter(|request| request.emergency).count())
}

#[tokio::test]
async fn an_unsure_cry_in_a_room_alerts_staff_and_then_asks() {
    let scratch = empty().await;
    let mut speaker = Speaker::new(&scratch.app, room(), None);
    let asked = speaker.says(VAGUE).await;
    assert_eq!(asked.triage.map(|t| t.level), Some(Level::Unsure));
    assert_eq!(board(&scratch).await, (1, 0), "staff know before the question is answered");
    assert_eq!(asked.state, State::Asks);
    assert!(asked.reply.contains("Do you need emergency help right now?"), "{}", asked.reply);
    assert!(asked.follow_up_ms > 0, "the microphone listens for the answer");

    let yes = speaker.says("yes").await;
    assert_eq!(yes.state, State::Escalated, "{}", yes.reply);
    assert_eq!(board(&scratch).await, (2, 1));
}

#[tokio::test]
async fn a_no_stands_down_and_the_staff_alert_stays() {
    let scratch = empty().await;
    let mut speaker = Speaker::new(&scratch.app, room(), None);
    speaker.says(VAGUE).await;
    let no = speaker.says("no").await;
    assert_eq!(no.state, State::Answered, "{}", no.reply);
    assert!(no.reply.contains("still on the nurses' board"), "{}", no.reply);
    assert_eq!(board(&scratch).await, (1, 0));
    let late = speaker.says("yes").await;
    assert_ne!(late.state, State::Escalated, "nothing is asked any more: {}", late.reply);
}

#[tokio::test]
async fn no_answer_is_asked_for_once_more_and_then_taken_for_a_yes() {
    for mumble in ["", "purple elephants on a bicycle", VAGUE] {
        let scratch = empty().await;
        let mut speaker = Speaker::new(&scratch.app, room(), None);
        speaker.says(VAGUE).await;
        let again = speaker.says(mumble).await;
        assert!(again.reply.contains("Do you need emergency help right now?"), "{mumble:?}: {}", again.reply);
        assert_eq!(board(&scratch).await, (1, 0), "{mumble:?}: told once");
        let taken = speaker.says(mumble).await;
        assert_eq!(taken.state, State::Escalated, "{mumble:?}: {}", taken.reply);
        assert_eq!(board(&scratch).await, (2, 1), "{mumble:?}");
    }
}

#[tokio::test]
async fn at_home_it_is_asked_at_once_and_nobody_is_said_to_be_called() {
    let (scratch, rosa) = with_demo(ROSA, "all", None).await;
    for (answer, words) in [("yes", "Call 9"), ("no", "All right")] {
        let mut speaker = Speaker::new(&scratch.app, Surface::Chat, Some(&rosa));
        let asked = speaker.says(VAGUE).await;
        assert_eq!((asked.state, asked.intent.as_str()), (State::Asks, "emergency.help"), "{}", asked.reply);
        assert!(asked.reply.ends_with("Do you need emergency help right now?"), "{}", asked.reply);
        let then = speaker.says(answer).await;
        assert!(then.reply.starts_with(words), "{answer}: {}", then.reply);
        assert!(then.reply.contains("I can't call for you"), "{answer}: {}", then.reply);
    }
}

#[tokio::test]
async fn whoever_asks_for_something_else_gets_it_and_is_asked_once_more() {
    let (scratch, rosa) = with_demo(ROSA, "all", None).await;
    let mut speaker = Speaker::new(&scratch.app, Surface::Chat, Some(&rosa));
    speaker.says(VAGUE).await;
    let other = speaker.says("when is my next appointment").await;
    assert!(other.reply.ends_with("Do you need emergency help right now?"), "{}", other.reply);
    let more = speaker.says("when is my next appointment").await;
    assert!(!more.reply.contains("emergency help"), "believed by now: {}", more.reply);
}

#[tokio::test]
async fn where_no_conversation_is_kept_both_cases_are_told_at_once() {
    let scratch = empty().await;
    for surface in [Surface::ThirdParty, Surface::Chat] {
        let told = Speaker::new(&scratch.app, surface, None).says(VAGUE).await;
        assert!(told.reply.starts_with("If you need emergency help, call 9"), "{}", told.reply);
        assert_eq!(told.follow_up_ms, 0);
    }
}

#[tokio::test]
async fn who_may_want_to_die_hears_of_988_and_no_kind_is_ever_named() {
    let (scratch, rosa) = with_demo(ROSA, "all", None).await;
    for words in ["I want to kill myself", "I can't do this anymore", "quiero morir"] {
        let told = Speaker::new(&scratch.app, Surface::Chat, Some(&rosa)).says(words).await;
        assert!(told.reply.contains("988"), "{words}: {}", told.reply);
        for named in ["suicid", "kill", "die"] {
            assert!(!told.reply.to_lowercase().contains(named), "somebody may overhear it: {}", told.reply);
        }
    }
}

#[tokio::test]
async fn an_unsure_cry_that_cannot_be_recorded_never_says_that_somebody_knows() {
    use sqlx::Connection as _;
    let scratch = empty().await;
    let database = wellspoken::store::sqlite_path(&scratch.dir.path().join("data"));
    let mut other = sqlx::SqliteConnection::connect(&database.to_string_lossy()).await.expect("there");
    sqlx::query("BEGIN IMMEDIATE").execute(&mut other).await.expect("nobody else writes");
    let told = Speaker::new(&scratch.app, room(), None).says(VAGUE).await;
    assert_eq!(told.state, State::Escalated, "{}", told.reply);
    assert!(told.reply.contains("Press your call button now"), "{}", told.reply);
}

/// Ordinary requests are no cries. A call for the nurse may be told with urgency: it comes to the same call.
#[test]
fn no_sentence_of_the_catalogue_sets_it_off() {
    let catalogue = Catalogue::builtin().expect("reads");
    let mut sampler = Sampler::new(&catalogue, 20);
    let mut alarms = vec![];
    let mut tried = 0;
    for def in catalogue.intents().iter().filter(|def| !def.name.starts_with("emergency.")) {
        let may = if def.name == "nurse.request" { Some(Level::Urgent) } else { None };
        for sentence in sampler.intent(&def.name, 100) {
            tried += 1;
            let found = triage(&Utterance::typed(&sentence)).filter(|found| Some(found.level) > may);
            alarms.extend(found.map(|found| format!("{}: {sentence}: {found:?}", def.name)));
        }
    }
    assert!(tried > 5_000, "{tried} sentences");
    // Told for a chart or a clinic, and yet signs that somebody should look at: at most one in two hundred.
    assert!(alarms.len() * 200 <= tried, "{} of {tried}:\n{}", alarms.len(), alarms.join("\n"));
}
