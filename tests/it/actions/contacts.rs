//! Who may be called from a room, and what is said of a call.

use wellspoken::{
    actions::{
        Outcome, Plan,
        room::{Called, call},
    },
    policy::{RoomId, Surface},
    records::contact,
};

use super::{JUNE, ROSA, stage::Stage, text};

const LIST: &str = r#"
    [[contact]]
    name = "Ana"
    relation = "daughter"
    number = "+1 555 010 4411"
    [[contact]]
    name = "Eve"
    relation = "daughter"
    number = "+1 555 010 4422"
    [[contact]]
    name = "Bob"
    relation = "son"
    number = "+1 555 010 4433"
"#;
const NOBODY: &str =
    "That's nobody on the list of people I may call for you, so I call nobody. Your nurse can have the list changed.";

async fn lists(stage: &Stage, file: &str) {
    let list = contact::read(file, &["daughter".to_owned(), "son".to_owned()]).unwrap_or_else(|e| panic!("{e}"));
    stage.store.set_contacts(&stage.person(ROSA), &list, "tester", stage.now).await.expect("kept");
}

pub async fn all(stage: &Stage) {
    let room = RoomId::parse("room-12").expect("fits");
    *stage.room.lock().expect("room") = Some(Box::leak(Box::new(room.clone())));
    let here = || Surface::Room(room.clone());
    let ask = async |who: &'static str, whom: &str| {
        stage.ask_at(here(), who, "call.contact", &[("contact", text(whom))]).await
    };
    let empty = "There is nobody on the list of people I may call for you, so I call nobody. Your nurse can have the list made.";
    assert_eq!(ask(ROSA, "daughter").await.rendered.text, empty);
    lists(stage, LIST).await;
    for (who, whom, kind, words) in [
        (ROSA, "son", "confirm", "Call your son Bob?"),
        (ROSA, "bob", "confirm", "Call your son Bob?"),
        (ROSA, "daughter", "ask", "Whom do you mean? Your daughter Ana or your daughter Eve."),
        (ROSA, "your daughter Eve", "confirm", "Call your daughter Eve?"),
        (ROSA, "wife", "answer", NOBODY),
        (ROSA, "bob smith", "answer", NOBODY),
        (ROSA, "5550104411", "answer", NOBODY),
        (JUNE, "son", "answer", empty),
    ] {
        let said = ask(who, whom).await;
        assert_eq!((said.kind, said.rendered.text.as_str()), (kind, words), "{whom}");
    }
    let Outcome::Confirm { plan, .. } = ask(ROSA, "son").await.outcome else { panic!("read back") };
    assert!(!serde_json::to_string(&plan).expect("JSON").contains("4433"), "no number waits with the question");
    let Outcome::Call(dial) = stage.perform(ROSA, "call.contact", plan.clone()).await.outcome else { panic!("a call") };
    assert_eq!(
        (dial.room.as_str(), dial.number.dialled(), dial.who.as_str()),
        ("room-12", "+15550104433", "your son Bob")
    );
    for (called, words) in [
        (Called::Calling, "The telephone says that it's calling your son Bob."),
        (
            Called::Refused,
            "The telephone doesn't make that call, so your son Bob isn't being called. Please ask your nurse.",
        ),
        (
            Called::NoAnswer,
            "I passed the call on, but the telephone didn't answer me, so I can't say that your son Bob is being called. Please use the phone, or ask your nurse.",
        ),
        (
            Called::NotSent,
            "I can't reach a telephone from here, so nobody is being called. Please use the phone, or ask your nurse.",
        ),
    ] {
        assert_eq!(stage.render("call.contact", &call::told(&dial.who, called)).text, words);
    }
    // Taken off the list between the question and the yes; and somebody else's yes.
    assert_eq!(stage.perform(JUNE, "call.contact", plan.clone()).await.rendered.text, NOBODY);
    lists(stage, "").await;
    assert_eq!(stage.perform(ROSA, "call.contact", plan).await.rendered.text, NOBODY);
    let gone = Plan::Call { who: "your son Bob".into() };
    *stage.room.lock().expect("room") = None;
    let elsewhere = "I can have somebody called from a hospital room only.";
    assert_eq!(stage.perform(ROSA, "call.contact", gone).await.rendered.text, elsewhere);
    assert_eq!(stage.ask(ROSA, "call.contact", &[("contact", text("son"))]).await.rendered.text, elsewhere);
}

#[tokio::test]
async fn somebody_on_the_list_is_called_and_nobody_else() {
    for stage in Stage::both().await {
        all(&stage).await;
    }
}
