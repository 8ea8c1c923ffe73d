//! Readings through whole turns: noted once and only after a yes, corrected, given back in a copy; a dangerous one is
//! answered whatever stands before it; what is protected is kept back aloud.

use wellspoken::{
    policy::{PersonId, RoomId, Scope},
    records::demo,
    store::{ImportOptions, ReadBack},
    turn::State,
};

use crate::support::{Scratch, Speaker, empty, home, now, room};

async fn rosa(scratch: &Scratch, consent: &[Scope], pin: Option<&str>, place: Option<&str>) -> PersonId {
    let zone = jiff::tz::TimeZone::get("America/New_York").expect("known");
    let chart = demo::all(now(), &zone).expect("demo people").remove(0).1;
    let room = place.map(|place| RoomId::parse(place).expect("fits"));
    let options = ImportOptions { consent: Some(consent.to_vec()), pin, room, ..ImportOptions::default() };
    scratch.app.store().import(&chart, options, now()).await.expect("imported")
}

/// Every sealed row of somebody opens, the readings' too.
async fn opens(scratch: &Scratch, person: &PersonId) -> ReadBack {
    let store = scratch.app.store();
    store.read_back(person, store, "a test", now()).await.expect("every row opens")
}

#[tokio::test]
async fn a_reading_is_kept_once_after_a_yes_and_every_row_of_it_opens() {
    let scratch = empty().await;
    let rosa = rosa(&scratch, &Scope::ALL, None, None).await;
    let mut at_home = Speaker::new(&scratch.app, home(), Some(&rosa));
    let asked = at_home.says("my blood pressure is one twenty eight over eighty two").await;
    assert_eq!(asked.state, State::Confirms, "{}", asked.reply);
    let none = at_home.says("no").await;
    assert!(!none.reply.contains("noted"), "{}", none.reply);
    at_home.says("my blood pressure is one twenty eight over eighty two").await;
    let done = at_home.says("yes").await;
    assert_eq!(done.state, State::Done, "{}", done.reply);
    let told = at_home.says("what was my last blood pressure").await;
    assert!(told.reply.contains("128 over 82") && told.reply.contains("as you told me"), "{}", told.reply);
    let store = scratch.app.store();
    let ReadBack::Opened(with) = opens(&scratch, &rosa).await else { panic!("the key is there") };
    let entry = wellspoken::store::membership(rosa.clone(), "done", now());
    assert_eq!(store.forget_readings(&rosa, &entry).await.expect("no hold"), 1);
    let ReadBack::Opened(without) = opens(&scratch, &rosa).await else { panic!("the key is there") };
    assert_eq!(with, without + 1);
}

#[tokio::test]
async fn a_dangerous_value_waits_for_no_agreement_and_no_pin() {
    for (consent, pin) in [(vec![], None), (vec![], Some("482913"))] {
        let scratch = empty().await;
        let rosa = rosa(&scratch, &consent, pin, Some("room-7")).await;
        let mut bed = Speaker::new(&scratch.app, room(), Some(&rosa));
        let told = bed.says("my heart rate is one fifty").await;
        assert!(told.reply.contains("That needs somebody now"), "{}", told.reply);
        let board = scratch.app.store().board(None).await.expect("read");
        assert_eq!(board.len(), 1, "{}", told.reply);
        assert!(board[0].emergency && board[0].need.as_deref().is_some_and(|need| need.contains("150")));
        let at_home = Speaker::new(&scratch.app, home(), Some(&rosa)).says("my heart rate is one fifty").await;
        assert!(at_home.reply.contains("911"), "{}", at_home.reply);
    }
}

#[tokio::test]
async fn a_dangerous_value_is_on_the_board_before_anybody_says_yes() {
    let scratch = empty().await;
    let rosa = rosa(&scratch, &Scope::ALL, None, Some("room-7")).await;
    let mut bed = Speaker::new(&scratch.app, room(), Some(&rosa));
    let told = bed.says("my heart rate is one fifty").await;
    assert_eq!(told.state, State::Confirms, "{}", told.reply);
    assert_eq!(scratch.app.store().board(None).await.expect("read").len(), 1);
    bed.says("no").await;
    assert_eq!(scratch.app.store().board(None).await.expect("read").len(), 1, "only staff end it");
}

/// A value that is a cry by its words: what to do comes first, then whether to note it.
#[tokio::test]
async fn a_value_that_was_cried_out_is_noted_after_the_alarm() {
    let scratch = empty().await;
    let rosa = rosa(&scratch, &Scope::ALL, None, Some("room-7")).await;
    let mut at_home = Speaker::new(&scratch.app, home(), Some(&rosa));
    let told = at_home.says("my blood sugar is forty eight").await;
    let (alarm, noting) = (told.reply.find("9 1 1").or(told.reply.find("911")), told.reply.find("Shall I note that?"));
    assert!(alarm.is_some() && alarm < noting, "{}", told.reply);
    assert_eq!(told.reply.matches("48").count(), 1, "{}", told.reply);
    assert_eq!(at_home.says("yes").await.state, State::Done);
    let last = at_home.says("what was my last blood sugar").await;
    assert!(last.reply.contains("48 mg/dL"), "{}", last.reply);
    let mut bed = Speaker::new(&scratch.app, room(), Some(&rosa));
    let told = bed.says("my blood sugar is forty eight").await;
    assert!(told.reply.contains("Shall I note that?"), "{}", told.reply);
    assert_eq!(scratch.app.store().board(None).await.expect("read").len(), 1, "staff are told once");
}

/// Nobody who cries is asked for a PIN or an agreement so that a number can be noted.
#[tokio::test]
async fn a_value_that_was_cried_out_asks_for_nothing_else() {
    for pin in [None, Some("482913")] {
        let scratch = empty().await;
        let rosa = rosa(&scratch, &[], pin, None).await;
        let told = Speaker::new(&scratch.app, home(), Some(&rosa)).says("my blood sugar is forty eight").await;
        assert_eq!(told.state, State::Escalated, "{}", told.reply);
        assert!(!told.reply.contains("PIN") && !told.reply.contains("note"), "{}", told.reply);
    }
}

#[tokio::test]
async fn protected_conditions_are_kept_back_aloud_and_the_list_ends_the_same() {
    let scratch = empty().await;
    let rosa = rosa(&scratch, &Scope::ALL, None, None).await;
    let aloud = Speaker::new(&scratch.app, home(), Some(&rosa)).says("what am I diagnosed with").await;
    assert!(aloud.reply.contains("type 2 diabetes") && !aloud.reply.contains("anxiety"), "{}", aloud.reply);
    assert!(aloud.reply.starts_with("2 conditions") && aloud.reply.ends_with("Your full list is on your page."));
    let page = Speaker::new(&scratch.app, wellspoken::policy::Surface::Chat, Some(&rosa))
        .says("what am I diagnosed with")
        .await;
    assert!(
        page.reply.contains("anxiety") && page.reply.ends_with("Your full list is on your page."),
        "{}",
        page.reply
    );
}
