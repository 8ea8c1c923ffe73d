//! What is new, what is told unasked, and where one signs up.

use jiff::civil::time;
use wellspoken::{
    actions::{Facts, Notice, NoticeKind},
    nlu::{SlotValue, When},
    policy::{Scope, quiet::Part},
    store::NewNotice,
};

use super::{ROSA, stage::Stage, text};

/// Every line.
pub async fn all(stage: &Stage) {
    signing_up(stage).await;
    what_is_new(stage).await;
    what_is_told_unasked(stage).await;
}

async fn signing_up(stage: &Stage) {
    let said = stage.ask(ROSA, "access.join", &[]).await;
    assert_eq!(said.rendered.text, "Nobody can sign up here by themselves. Please ask the staff.");
    *stage.sign_up.lock().expect("sign up") = Some("voice.clinic.example");
    let said = stage.ask(ROSA, "access.join", &[]).await;
    assert_eq!(
        said.rendered.text,
        "You sign up on the web, not aloud: open voice.clinic.example, then slash join. \
         Give an e-mail address there, and you get a letter when it is your turn."
    );
}

async fn what_is_new(stage: &Stage) {
    assert_eq!(stage.ask(ROSA, "notification.list", &[]).await.rendered.text, "There is nothing new for you.");
    let facts = Facts::new("notice_renew_sent").with("medicine", "lisinopril").with("saved", stage.now);
    let notice = Notice { kind: NoticeKind::ChangeSent, topic: Scope::Medicines, sensitive: false, facts, next: None };
    let news = NewNotice { id: "n-list".into(), notice };
    stage.store.keep_news(&stage.person(ROSA), &news, stage.now).await.expect("kept");
    let said = stage.ask(ROSA, "notification.list", &[]).await;
    assert_eq!(said.rendered.text, "You have 1 new message.");
}

async fn what_is_told_unasked(stage: &Stage) {
    let nine = || {
        let nine = Some(time(9, 0, 0, 0));
        SlotValue::When(When { from: None, to: None, after: nine, before: nine })
    };
    #[rustfmt::skip]
    let rows: Vec<(Vec<(&str, SlotValue)>, &str, &str)> = vec![
        (vec![("topic", text("everything")), ("change", text("off")), ("time", nine())],
            "I'll bring up no news until 9 AM, tomorrow. Is that right?", "All right, no news until 9 AM, tomorrow. Ask for your notifications at any time."),
        (vec![("topic", text("everything")), ("change", text("off"))],
            "I'll no longer bring up any news by myself. Is that right?", "All right, no more news unless you ask. Ask for your notifications at any time."),
        (vec![("topic", text("everything")), ("change", text("on"))],
            "I'll tell you all news by myself again. Is that right?", "All right, I'll tell you all news. Ask for your notifications at any time."),
        (vec![("topic", text("shipping")), ("change", text("off"))],
            "I'll no longer bring up news about your medicines by myself. Is that right?", "All right, no more news about your medicines unless you ask. Ask for your notifications at any time."),
        (vec![("topic", text("results")), ("change", text("on"))],
            "I'll tell you news about your results by myself. Is that right?", "All right, I'll tell you news about your results. Ask for your notifications at any time."),
    ];
    for (slots, asks, done) in rows {
        let said = stage.ask(ROSA, "notification.settings", &slots).await;
        assert_eq!((said.kind, said.rendered.text.as_str()), ("confirm", asks));
        assert_eq!(stage.agreed(ROSA, "notification.settings", &slots).await, done);
    }
    let off = [("topic", text("shipping")), ("change", text("off"))];
    stage.agreed(ROSA, "notification.settings", &off).await;
    let kept = stage.store.quiet(&stage.person(ROSA)).await.expect("read");
    assert!(
        kept.parts == [Part::Medicines] && kept.lets(Scope::Visits, stage.now, &jiff::tz::TimeZone::UTC),
        "durable, and only that"
    );
    let claims = [("topic", text("claims")), ("change", text("on"))];
    let said = stage.ask(ROSA, "notification.settings", &claims).await;
    assert_eq!(said.rendered.text, "I send no news about that, so there is nothing to change.");
}
