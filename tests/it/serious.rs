//! A result that a clinician tells first: on the board once, and told only once staff have closed that.

use jiff::SignedDuration;
use wellspoken::{
    ambient::Ambient,
    policy::{PersonId, Scope},
    records::{Chart, LabFlag, demo},
    store::ImportOptions,
    turn::{State, TurnResult},
};

use crate::support::{Scratch, Speaker, empty, home, now, places, room};

/// Rosa, whose potassium of yesterday is far out of range, without a clinician's words.
fn chart() -> Chart {
    let zone = jiff::tz::TimeZone::get("America/New_York").expect("known");
    demo::all(now(), &zone).expect("demo people").remove(0).1
}

async fn import(scratch: &Scratch, chart: &Chart, room: Option<&str>) -> PersonId {
    let options = ImportOptions {
        consent: Some(Scope::ALL.to_vec()),
        room: room.map(|room| wellspoken::policy::RoomId::parse(room).expect("fits")),
        // What is changed here is the chart, and not the resources that it was read from.
        replace: true,
        ..ImportOptions::default()
    };
    scratch.app.store().import(chart, options, now()).await.expect("imported")
}

async fn queue(scratch: &Scratch) -> Vec<wellspoken::store::ClinicianRow> {
    scratch.app.store().for_clinician().await.expect("read")
}

fn value(chart: &Chart) -> String {
    chart.results.iter().find(|r| r.flag == Some(LabFlag::Critical)).expect("one").value.clone()
}

async fn ask(scratch: &Scratch, person: &PersonId) -> TurnResult {
    Speaker::new(&scratch.app, home(), Some(person)).says("what is my potassium result").await
}

#[tokio::test]
async fn it_comes_to_the_clinician_once_and_is_told_when_staff_have_closed_it() {
    let mut scratch = empty().await;
    let chart = chart();
    let rosa = import(&scratch, &chart, None).await;
    for _ in 0..2 {
        assert_eq!(import(&scratch, &chart, None).await, rosa);
    }
    let there = places(scratch.dir.path());
    scratch.app.move_to(&there, Ambient::fixed(now(), 9)).await.expect("started again");
    assert_eq!(import(&scratch, &chart, None).await, rosa);
    let rows = queue(&scratch).await;
    assert_eq!(rows.len(), 1, "imported again, and after a restart: still one");
    let about = rows[0].about.clone().expect("readable");
    assert!(about.contains("Rosa Delgado") && about.contains("potassium"), "{about}");
    assert!(!about.contains(&value(&chart)), "the value is for the chart: {about}");
    assert!(scratch.app.store().board(None).await.expect("read").is_empty(), "no call of a room");
    for _ in 0..2 {
        let told = ask(&scratch, &rosa).await;
        assert_eq!(told.state, State::Answered, "{}", told.reply);
        assert!(told.reply.contains("I've asked your care team"), "{}", told.reply);
        for never in [value(&chart).as_str(), "serious", "critical", "high", "low"] {
            assert!(!told.reply.to_lowercase().contains(never), "{never}: {}", told.reply);
        }
    }
    assert_eq!(queue(&scratch).await.len(), 1, "asking adds none");
    let store = scratch.app.store();
    store.acknowledge(&rows[0].id, "Dr. Okafor", now()).await.expect("seen");
    assert!(!ask(&scratch, &rosa).await.reply.contains(&value(&chart)), "seen is not talked about");
    store.close_request(&rows[0].id, "Dr. Okafor", now()).await.expect("closed");
    let told = ask(&scratch, &rosa).await;
    assert!(told.reply.contains(&value(&chart)), "{}", told.reply);
    import(&scratch, &chart, None).await;
    assert!(queue(&scratch).await.is_empty(), "nor does the same result come back");
    let mut corrected = chart.clone();
    corrected.results.iter_mut().filter(|r| r.flag == Some(LabFlag::Critical)).for_each(|r| r.value = "7.1".into());
    import(&scratch, &corrected, None).await;
    assert_eq!(queue(&scratch).await.len(), 1, "a corrected one is another one");
    let told = ask(&scratch, &rosa).await;
    assert!(!told.reply.contains("7.1"), "{}", told.reply);
}

#[tokio::test]
async fn an_old_one_comes_to_the_clinician_when_it_is_asked_for() {
    let scratch = empty().await;
    let mut chart = chart();
    let old = now() - SignedDuration::from_hours(60 * 24);
    chart.results.iter_mut().filter(|r| r.flag == Some(LabFlag::Critical)).for_each(|r| r.taken = old);
    let rosa = import(&scratch, &chart, None).await;
    assert!(queue(&scratch).await.is_empty(), "no news");
    for n in 0..3 {
        let told = ask(&scratch, &rosa).await;
        assert!(told.reply.contains("I've asked your care team"), "{n}: {}", told.reply);
        assert!(!told.reply.contains(&value(&chart)), "{}", told.reply);
        assert_eq!(queue(&scratch).await.len(), 1);
    }
    let row = queue(&scratch).await.remove(0);
    scratch.app.store().close_request(&row.id, "Dr. Okafor", now()).await.expect("closed");
    assert!(ask(&scratch, &rosa).await.reply.contains(&value(&chart)));
}

#[tokio::test]
async fn it_names_the_room_and_nothing_said_there_takes_it_back() {
    let scratch = empty().await;
    let rosa = import(&scratch, &chart(), Some("room-7")).await;
    let rows = queue(&scratch).await;
    assert_eq!((rows.len(), rows[0].room.as_str()), (1, "room-7"));
    let mut bed = Speaker::new(&scratch.app, room(), Some(&rosa));
    for said in ["I need the nurse", "false alarm, I'm okay", "never mind the nurse"] {
        bed.says(said).await;
    }
    assert_eq!(queue(&scratch).await.len(), 1);
    let told = ask(&scratch, &rosa).await;
    assert!(told.reply.contains("I've asked your care team"), "{}", told.reply);
}

#[tokio::test]
async fn a_clinicians_words_need_no_row() {
    let scratch = empty().await;
    let mut chart = chart();
    let critical = chart.results.iter_mut().filter(|r| r.flag == Some(LabFlag::Critical));
    critical.for_each(|r| r.comment = Some("We have spoken about this.".into()));
    let rosa = import(&scratch, &chart, None).await;
    assert!(queue(&scratch).await.is_empty());
    assert!(ask(&scratch, &rosa).await.reply.contains("We have spoken"));
}

#[tokio::test]
async fn what_is_protected_comes_to_the_clinician_and_is_not_spoken_of() {
    let scratch = empty().await;
    let mut chart = chart();
    let mut secret = chart.results[0].clone();
    (secret.test, secret.aliases, secret.panel, secret.taken) = ("HIV antibody".into(), vec![], None, now());
    (secret.flag, secret.comment) = (Some(LabFlag::Critical), None);
    chart.results = vec![secret];
    let rosa = import(&scratch, &chart, None).await;
    assert_eq!(queue(&scratch).await.len(), 1);
    let told = Speaker::new(&scratch.app, home(), Some(&rosa)).says("what are my lab results").await;
    assert!(!told.reply.contains("HIV") && !told.reply.contains("care team to go over"), "{}", told.reply);
}
