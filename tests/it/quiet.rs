//! News as somebody hears it: unasked after an answer, not while they want quiet, and always when they ask.

use wellspoken::{
    actions::{Facts, Notice, NoticeKind},
    policy::{PersonId, Scope},
    store::NewNotice,
    turn::State,
};

use crate::support::{Scratch, Speaker, add_demo_with_pin, empty, home, now, with_demo};

async fn news(scratch: &Scratch, person: &PersonId, id: &str, topic: Scope) {
    let facts = Facts::new("notice_renew_sent").with("medicine", "atorvastatin").with("saved", now());
    let notice = Notice { kind: NoticeKind::ChangeSent, topic, sensitive: false, facts, next: None };
    scratch.app.store().keep_news(person, &NewNotice { id: id.into(), notice }, now()).await.expect("kept");
}

#[tokio::test]
async fn nobody_who_wants_quiet_is_told_unasked_and_whoever_asks_is() {
    let (scratch, rosa) = with_demo("rosa-delgado.json", "all", None).await;
    let mut speaker = Speaker::new(&scratch.app, home(), Some(&rosa));
    let waiting = async || scratch.app.store().waiting_news(&rosa).await.expect("read").len();

    let asked = speaker.says("don't disturb me until nine").await;
    assert_eq!((asked.intent.as_str(), asked.state), ("notification.settings", State::Confirms), "{}", asked.reply);
    news(&scratch, &rosa, "n1", Scope::Medicines).await;
    let done = speaker.says("yes").await;
    assert!(done.state == State::Done && done.reply.contains("no news until"), "{}", done.reply);
    assert!(!done.reply.contains("atorvastatin"), "it counts at once: {}", done.reply);
    let told = speaker.says("when is my next appointment").await;
    assert!(told.state == State::Answered && !told.reply.contains("atorvastatin"), "{}", told.reply);
    assert_eq!(waiting().await, 1);
    let listed = speaker.says("what are my notifications").await;
    assert_eq!(listed.intent, "notification.list", "{}", listed.reply);
    assert!(listed.reply.contains("1 new message") && listed.reply.contains("atorvastatin"), "{}", listed.reply);
    assert_eq!(waiting().await, 0);
    let none = speaker.says("what are my notifications").await;
    assert!(none.reply.contains("nothing new"), "{}", none.reply);

    speaker.says("you can notify me again").await;
    assert_eq!(speaker.says("yes").await.state, State::Done);
    news(&scratch, &rosa, "n2", Scope::Medicines).await;
    let told = speaker.says("when is my next appointment").await;
    assert!(told.reply.contains("atorvastatin"), "unasked again: {}", told.reply);
}

#[tokio::test]
async fn news_waits_for_the_pin() {
    let scratch = empty().await;
    let rosa = add_demo_with_pin(&scratch, "rosa-delgado.json", "all", "4077").await;
    news(&scratch, &rosa, "n1", Scope::Medicines).await;
    let mut speaker = Speaker::new(&scratch.app, home(), Some(&rosa));
    let hinted = speaker.says("when is my next appointment").await;
    assert!(hinted.reply.contains("there is news for you"), "{}", hinted.reply);
    assert!(!hinted.reply.contains("atorvastatin"), "{}", hinted.reply);
    let again = speaker.says("when is my next appointment").await;
    assert!(!again.reply.contains("news"), "once: {}", again.reply);
    let asked = speaker.says("what was that beep").await;
    assert_eq!((asked.state, asked.reply.as_str()), (State::Asks, "Please say your PIN."));
    let told = speaker.says("4077").await;
    assert!(told.reply.contains("1 new message") && told.reply.contains("atorvastatin"), "{}", told.reply);
    news(&scratch, &rosa, "n2", Scope::Medicines).await;
    let told = speaker.says("when is my next appointment").await;
    assert!(told.reply.contains("atorvastatin"), "unasked, too, once it is known who asks: {}", told.reply);
}

#[tokio::test]
async fn what_an_answer_says_is_no_news_after_it() {
    let (scratch, rosa) = with_demo("rosa-delgado.json", "all", None).await;
    let facts = Facts::new("notice_ready").with("medicine", "lisinopril").with("pharmacy", "Lakeside Pharmacy");
    let notice =
        Notice { kind: NoticeKind::RenewalMoved, topic: Scope::Medicines, sensitive: false, facts, next: None };
    scratch.app.store().keep_news(&rosa, &NewNotice { id: "n1".into(), notice }, now()).await.expect("kept");
    let mut speaker = Speaker::new(&scratch.app, home(), Some(&rosa));
    let told = speaker.says("is my lisinopril ready").await;
    assert!(told.reply.contains("is ready") && !told.reply.contains("By the way"), "{}", told.reply);
    assert!(scratch.app.store().waiting_news(&rosa).await.expect("read").is_empty(), "and it is told");
}
