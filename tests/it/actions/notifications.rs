//! What is new, what is told unasked, and where one signs up.

use jiff::civil::time;
use wellspoken::{
    actions::{Facts, Notice, NoticeKind},
    nlu::{Lasting, SlotValue, TimeUnit, When},
    policy::{Scope, quiet::Part},
    store::NewNotice,
};

use super::{JUNE, ROSA, stage::Stage, text};

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
        "You sign up on the web, not aloud: open voice.clinic.example/join. \
         Give an e-mail address there, and you get a letter when it is your turn."
    );
}

async fn what_is_new(stage: &Stage) {
    assert_eq!(stage.ask(JUNE, "notification.list", &[]).await.rendered.text, "There is nothing new for you.");
    let facts = Facts::new("notice_renew_sent").with("medicine", "lisinopril").with("saved", stage.now);
    let notice = Notice { kind: NoticeKind::ChangeSent, topic: Scope::Medicines, sensitive: false, facts, next: None };
    let news = NewNotice { id: "n-list".into(), notice };
    stage.store.keep_news(&stage.person(JUNE), &news, stage.now).await.expect("kept");
    let said = stage.ask(JUNE, "notification.list", &[]).await;
    assert_eq!(said.rendered.text, "You have 1 new message.");
}

async fn what_is_told_unasked(stage: &Stage) {
    let clock = |hour: i8| Some(time(hour, 0, 0, 0));
    let time = |after, before| SlotValue::When(When { from: None, to: None, after, before });
    let nine = || time(None, clock(9));
    let everything =
        |more: (&'static str, SlotValue)| vec![("topic", text("everything")), ("change", text("off")), more];
    let night = "I'll bring up no news between 10 PM and 7 AM on any day. Is that right?";
    let by_night = "All right, no news between 10 PM and 7 AM. Ask for your notifications at any time.";
    let hour = SlotValue::Lasting(Lasting { lasts: 1.0, to: None, unit: TimeUnit::Hour });
    #[rustfmt::skip]
    let rows: Vec<(Vec<(&str, SlotValue)>, &str, &str)> = vec![
        (vec![("topic", text("everything")), ("change", text("off")), ("time", nine())],
            "I'll bring up no news until 9 AM, tomorrow. Is that right?", "All right, no news until 9 AM, tomorrow. Ask for your notifications at any time."),
        (everything(("time", time(clock(22), None))), night, by_night),
        (everything(("time", time(clock(10), None))), night, by_night),
        (everything(("time", time(clock(22), clock(7)))), night, by_night),
        (everything(("span", text("night"))), night, by_night),
        (everything(("span", text("tonight"))),
            "I'll bring up no news until 7 AM, tomorrow. Is that right?", "All right, no news until 7 AM, tomorrow. Ask for your notifications at any time."),
        (everything(("length", hour)),
            "I'll bring up no news until 11 AM, today. Is that right?", "All right, no news until 11 AM, today. Ask for your notifications at any time."),
        (vec![("topic", text("everything")), ("change", text("off"))],
            "I'll no longer bring up any news by myself. Is that right?", "All right, no more news unless you ask. Ask for your notifications at any time."),
        (vec![("topic", text("everything")), ("change", text("on"))],
            "I'll tell you all news by myself again. Is that right?", "All right, I'll tell you all news. Ask for your notifications at any time."),
        (vec![("topic", text("shipping")), ("change", text("off"))],
            "I'll no longer bring up news about your medicines by myself. Is that right?", "All right, no more news about your medicines unless you ask. Ask for your notifications at any time."),
        (vec![("topic", text("results")), ("change", text("on"))],
            "I'll tell you news about your results by myself. Is that right?", "All right, I'll tell you news about your results when you talk to me. Ask for your notifications at any time."),
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
    let now = [("topic", text("everything")), ("change", text("ask"))];
    assert_eq!(
        stage.ask(ROSA, "notification.settings", &now).await.rendered.text,
        "I bring up no news about your medicines unless you ask. Ask for your notifications at any time."
    );
    stage.agreed(ROSA, "notification.settings", &everything(("span", text("night")))).await;
    assert_eq!(
        stage.ask(ROSA, "notification.settings", &now).await.rendered.text,
        "I bring up no news about your medicines unless you ask, and none between 10 PM and 7 AM on any day. \
         Ask for your notifications at any time."
    );
    for (topic, change, words) in [
        (
            "shipping",
            "email",
            "I can't e-mail you what is new. On your own page you can ask for an e-mail that says only that there is something. I tell you what is new when you talk to me.",
        ),
        ("shipping", "text", "I can't send texts. I tell you what is new when you talk to me."),
        ("results", "call", "I can't call you. I tell you what is new when you talk to me."),
        (
            "shipping",
            "somebody else",
            "I tell your news to nobody but you, so I can't let them know. I tell you when you talk to me, and you can pass it on.",
        ),
        (
            "visit reminder",
            "on",
            "I can't remind you of a visit by myself. You can ask me at any time when your next visit is.",
        ),
    ] {
        let said = stage.ask(ROSA, "notification.settings", &[("topic", text(topic)), ("change", text(change))]).await;
        assert_eq!((said.kind, said.rendered.text.as_str()), ("answer", words));
    }
}
