//! A sound that there is news: once, for nobody by name, and only where and when it may be.

use jiff::{SignedDuration, Timestamp};
use wellspoken::{
    actions::{Change, Facts, Notice, NoticeKind},
    policy::{Caller, Mode, PersonId, PlaceRules, RoomId, Scope, Surface, quiet::Quiet},
    store::{Grant, NewNotice, membership},
    turn::Sound,
};

use crate::{
    store::commit_for,
    support::{Scratch, Speaker, add_demo, add_demo_with_pin, empty, now},
};

async fn news(scratch: &Scratch, person: &PersonId, id: &str, minutes: i64) -> Timestamp {
    let facts = Facts::new("notice_ready").with("medicine", "sertraline").with("pharmacy", "Quibble Pharmacy");
    let notice =
        Notice { kind: NoticeKind::RecordChanged, topic: Scope::Medicines, sensitive: true, facts, next: None };
    let at = now() - SignedDuration::from_mins(minutes);
    scratch.app.store().keep_news(person, &NewNotice { id: id.into(), notice }, at).await.expect("kept");
    at
}

async fn device(scratch: &Scratch, token: &str, surface: Surface, person: Option<&PersonId>) -> Caller {
    let expires = now() + SignedDuration::from_hours(12);
    let grant = Grant { surface, person: person.cloned(), label: String::new(), one_time: false, expires };
    scratch.app.store().issue(&grant, token, now()).await.expect("issued");
    scratch.app.store().authenticate(token, now()).await.expect("asked").expect("known")
}

fn home(name: &str) -> Surface {
    Surface::Home(RoomId::parse(name).expect("fits"))
}

/// The words and time of what rings.
async fn rings(scratch: &Scratch, caller: &Caller) -> Vec<(String, Timestamp)> {
    let due = scratch.app.core().due(caller).await.expect("asked");
    assert!(due.iter().all(|ring| ring.sound == Sound::News && ring.id == "news"));
    due.into_iter().map(|ring| (ring.text, ring.at)).collect()
}

#[tokio::test]
async fn news_sounds_once_and_is_told_to_whoever_may_hear_it() {
    let scratch = empty().await;
    let rosa = add_demo_with_pin(&scratch, "rosa-delgado.json", "all", "4077").await;
    let milo = add_demo(&scratch, "milo-tran.json", "all", None).await;
    let (kitchen, page) = (
        device(&scratch, "wsp_kitchen", home("kitchen"), Some(&rosa)).await,
        device(&scratch, "wsp_page", Surface::Chat, Some(&rosa)).await,
    );
    let member = membership(milo.clone(), "added", now());
    scratch.app.store().add_member(&kitchen.credential, &member).await.expect("added");
    assert!(rings(&scratch, &kitchen).await.is_empty());
    news(&scratch, &rosa, "n1", 3).await;
    let newest = news(&scratch, &milo, "n2", 2).await;
    let said = [("There is something new.".to_owned(), newest)];
    assert_eq!(rings(&scratch, &kitchen).await, said, "one sound for both, and nobody's name");
    let core = scratch.app.core();
    assert!(core.rang(&kitchen, "news", newest).await.expect("asked"));
    assert!(!core.rang(&kitchen, "news", newest).await.expect("asked"), "once");
    assert!(!core.rang(&page, "news", newest).await.expect("asked"), "and nowhere else");
    assert!(rings(&scratch, &kitchen).await.is_empty() && rings(&scratch, &page).await.is_empty());

    // Asked at the shared device, nobody is told what it is before it is clear who asks.
    let mut there = Speaker { app: &scratch.app, caller: kitchen.clone(), session: None };
    let asked = there.says("what are my notifications").await;
    assert!(!asked.reply.contains("sertraline") && !asked.reply.contains("ready"), "{}", asked.reply);
    let mut own = Speaker { app: &scratch.app, caller: page.clone(), session: None };
    let told = own.says("what was that beep").await;
    assert!(told.reply.contains("your sertraline is ready"), "{}", told.reply);

    // What comes later sounds again, up to when it was asked.
    let third = news(&scratch, &rosa, "n3", 1).await;
    let fourth = news(&scratch, &rosa, "n4", 0).await;
    assert!(core.rang(&page, "news", third).await.expect("asked"));
    assert_eq!(rings(&scratch, &page).await[0].1, fourth, "the newer one was not heard yet");
}

#[tokio::test]
async fn where_and_when_nothing_sounds() {
    let scratch = empty().await;
    let rosa = add_demo(&scratch, "rosa-delgado.json", "all", None).await;
    let kitchen = device(&scratch, "wsp_kitchen", home("kitchen"), Some(&rosa)).await;
    let at = news(&scratch, &rosa, "n1", 1).await;
    let store = scratch.app.store();
    let place = RoomId::parse("kitchen").expect("fits");
    let rules = |always| PlaceRules { always, ..PlaceRules::default() };
    for (mode, sounds) in [
        (Mode::Aloud, true),
        (Mode::AskFirst, true),
        (Mode::Headline, true),
        (Mode::Screen, false),
        (Mode::Aloud, true),
    ] {
        store.set_place(&place, &rules(mode), "uid 7", now()).await.expect("set");
        assert_eq!(!rings(&scratch, &kitchen).await.is_empty(), sounds, "{mode:?}");
    }
    let quiet = |quiet| Change::Quiet { quiet };
    let hour = SignedDuration::from_hours(1);
    commit_for(store, &rosa, vec![quiet(Quiet { until: Some(now() + hour), ..Quiet::default() })]).await;
    assert!(rings(&scratch, &kitchen).await.is_empty(), "not before that time");
    assert!(!scratch.app.core().rang(&kitchen, "news", at).await.expect("asked"), "and it is not used up");
    let quiet_now = scratch.app.store().quiet(&rosa).await.expect("read");
    assert!(quiet_now.until.is_some());

    // Somebody says that a visitor is there.
    let milo = add_demo(&scratch, "milo-tran.json", "all", None).await;
    let den = device(&scratch, "wsp_den", home("den"), Some(&milo)).await;
    news(&scratch, &milo, "n2", 1).await;
    let mut there = Speaker { app: &scratch.app, caller: den.clone(), session: None };
    assert!(!rings(&scratch, &den).await.is_empty());
    there.says("I have a visitor").await;
    assert!(rings(&scratch, &den).await.is_empty(), "not while a visitor is there");
    there.says("my visitor left").await;
    assert!(!rings(&scratch, &den).await.is_empty());

    // Without an agreement there is nothing to tell; in a hospital bed nothing sounds, anywhere.
    let june = add_demo(&scratch, "empty-chart.json", "none", None).await;
    let hall = device(&scratch, "wsp_hall", home("hall"), Some(&june)).await;
    news(&scratch, &june, "n3", 1).await;
    assert!(rings(&scratch, &hall).await.is_empty());
    add_demo(&scratch, "milo-tran.json", "all", Some("room-7")).await;
    let bed = device(&scratch, "wsp_bed", Surface::Room(RoomId::parse("room-7").expect("fits")), None).await;
    assert!(rings(&scratch, &den).await.is_empty() && rings(&scratch, &bed).await.is_empty());
}
