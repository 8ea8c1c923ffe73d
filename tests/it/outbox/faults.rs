//! Every fault at every step, then the hours after: nothing is lost, nothing is there twice.

use std::collections::BTreeMap;

use wellspoken::{
    records::outgoing::Trouble,
    store::{How, OutboxCounts},
};

use super::{
    proxy::Fault,
    stage::{Stage, ambient, book, changes, found_wrong},
};
use crate::support::now;

const FAULTS: [Fault; 10] = [
    Fault::ResetBefore,
    Fault::ResetAfter,
    Fault::SilentBefore,
    Fault::SilentAfter,
    Fault::Status(500),
    Fault::StatusAfter(500),
    Fault::Status(409),
    Fault::Status(412),
    Fault::Status(429),
    Fault::Status(503),
];

/// A time limit of the client's is waited for in earnest where nothing answers.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_fails_at_whatever_step_each_change_is_there_once() {
    let stage = Stage::new().await;
    let mut table: BTreeMap<String, [String; 3]> = BTreeMap::new();
    let (mut lost, mut doubled, mut wrong, mut many) = (0, 0, 0, 0);
    for (n, fault) in FAULTS.into_iter().enumerate() {
        for step in 0..3 {
            for (which, (change, kind)) in changes(n * 3 + step).into_iter().enumerate() {
                stage.proxy.fails(step, fault);
                let id = stage.says(change).await;
                let courier = stage.courier();
                let tried = courier.at_once(&[&id], now(), &ambient(now())).await;
                let how = tried[0].how();
                if matches!(how, How::Delivered) && stage.clinic.made(kind, &id).await.len() != 1 {
                    wrong += 1;
                }
                courier.settle(tried, None, now()).await.expect("written down");
                stage.proxy.heals();
                let courier = stage.courier();
                stage.hours_pass(&courier).await;
                let there = stage.clinic.made(kind, &id).await.len();
                let refused = matches!(how, How::Refused(_));
                // What was refused at once was told so, and must not be there; all else must be, once.
                match (refused, there) {
                    (false, 1) | (true, 0) => {}
                    (false, 0) => lost += 1,
                    _ => doubled += 1,
                }
                many += 1;
                let told = match how {
                    How::Delivered => "done".to_owned(),
                    How::Refused(why) => format!("refused: {}", why.name()),
                    How::Later(why, _) => format!("saved ({})", why.name()),
                };
                table.entry(format!("{fault:?} at request {step}")).or_default()[which] = format!("{told} -> {there}");
            }
        }
    }
    println!(
        "{:<30} {:<32} {:<32} {:<32}",
        "fault", "refill: Task", "renewal: MedicationRequest", "visit: Appointment"
    );
    for (fault, [refill, renewal, visit]) in &table {
        println!("{fault:<30} {refill:<32} {renewal:<32} {visit:<32}");
    }
    println!("{many} changes: lost {lost}, doubled {doubled}, called done and not there {wrong}");
    let OutboxCounts { waiting, sending, .. } = stage.store.outbox_counts().await.expect("read");
    assert_eq!((lost, doubled, wrong, waiting, sending), (0, 0, 0, 0, 0));
    assert!(stage.store.audit_verify().await.expect("read").whole());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_server_keeps_is_as_it_should_be() {
    let stage = Stage::new().await;
    let courier = stage.courier();
    let mut all = Vec::new();
    for (change, kind) in changes(1) {
        let id = stage.says(change).await;
        let tried = courier.at_once(&[&id], now(), &ambient(now())).await;
        assert_eq!(tried[0].how(), How::Delivered, "{kind}");
        courier.settle(tried, None, now()).await.expect("written down");
        let made = stage.clinic.made(kind, &id).await.remove(0);
        all.push(made.clone());
        match kind {
            "Task" => assert_eq!(made["focus"]["reference"], "MedicationRequest/order-1"),
            "MedicationRequest" => assert_eq!(made["intent"], "proposal"),
            _ => {
                assert_eq!((&made["status"], &made["slot"][0]["reference"]), (&"booked".into(), &"Slot/free-1".into()));
                let actors: Vec<_> =
                    made["participant"].as_array().expect("some").iter().map(|p| &p["actor"]["reference"]).collect();
                assert_eq!(actors, ["Patient/quetzalina", "Practitioner/wombat"]);
                let slot = stage.clinic.read("Slot/free-1").await;
                assert_eq!((&slot["status"], &slot["extension"][0]["valueString"]), (&"busy".into(), &"blue".into()));
                all.push(slot);
            }
        }
    }
    assert_eq!(found_wrong(&stage, &all), "");
    assert!(stage.proxy.asked() <= 7, "{} requests for three changes", stage.proxy.asked());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_time_that_somebody_else_took_is_refused_and_undone() {
    let stage = Stage::new().await;
    stage.clinic.somebody_takes(5).await;
    let id = stage.says(book(5)).await;
    let courier = stage.courier();
    let tried = courier.at_once(&[&id], now(), &ambient(now())).await;
    assert_eq!(tried[0].how(), How::Refused(Trouble::Taken));
    courier.settle(tried, None, now()).await.expect("written down");
    assert!(stage.clinic.made("Appointment", &id).await.is_empty());
    let visits = stage.store.booked_visits(&stage.person).await.expect("read");
    let permit = crate::store::place::permit(&stage.store, &stage.person).await;
    assert!(visits.reveal(&permit).expect("theirs").is_empty());
    assert_eq!(stage.store.waiting_news(&stage.person).await.expect("read").len(), 1);
}

/// The server is not there at all for hours; then it is.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_is_down_gets_all_of_it_later() {
    let stage = Stage::new().await;
    let nobody = super::stage::courier(&stage.store, "http://127.0.0.1:9");
    let mut said = Vec::new();
    for n in 0..4 {
        for (change, kind) in changes(n) {
            said.push((stage.says(change).await, kind));
        }
    }
    let ids: Vec<&str> = said.iter().map(|(id, _)| id.as_str()).collect();
    let tried = nobody.at_once(&ids, now(), &ambient(now())).await;
    assert!(tried.iter().all(|one| matches!(one.how(), How::Later(Trouble::Unreachable, _))));
    nobody.settle(tried, None, now()).await.expect("written down");
    stage.hours_pass(&nobody).await;
    assert_eq!(stage.store.outbox_counts().await.expect("read").waiting, 12);
    let courier = stage.courier();
    let later = now() + jiff::SignedDuration::from_hours(9);
    courier.send_due(&ambient(later)).await.expect("it works");
    for (id, kind) in &said {
        assert_eq!(stage.clinic.made(kind, id).await.len(), 1, "{kind}");
    }
    assert_eq!(stage.store.outbox_counts().await.expect("read").delivered, 12);
    assert_eq!(stage.store.waiting_news(&stage.person).await.expect("read").len(), 12, "each is told");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_never_arrives_is_given_up_and_told() {
    let stage = Stage::new().await;
    let nobody = super::stage::courier(&stage.store, "http://127.0.0.1:9");
    stage.says(changes(0)[0].0.clone()).await;
    let days = now() + jiff::SignedDuration::from_hours(80);
    nobody.send_due(&ambient(days)).await.expect("it works");
    let rows = stage.store.outbox_rows(false).await.expect("read");
    assert_eq!((rows[0].state.as_str(), rows[0].reason.as_deref()), ("refused", Some("gave_up")));
    assert_eq!(stage.store.waiting_news(&stage.person).await.expect("read").len(), 1);
}
