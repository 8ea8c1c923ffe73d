//! Every fault at every step, then the hours after: nothing is lost, nothing is there twice.

use std::collections::BTreeMap;

use wellspoken::{
    records::outgoing::Trouble,
    store::{How, OutboxCounts},
};

use super::{
    proxy::{FAULTS, HASTY, PATIENT, Seen},
    stage::{Case, MANY, Stage, ambient, book, found_wrong},
};
use crate::support::now;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_fails_at_whatever_step_each_change_is_there_once() {
    every_fault(&Stage::new().await, 4).await;
}

/// The same at a server that lets in only whoever shows a signed assertion: finding out where to show it, and being given
/// a token, can go wrong, too.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn at_a_server_with_tokens_each_change_is_there_once() {
    every_fault(&Stage::sekmet().await, 6).await;
}

async fn every_fault(stage: &Stage, steps: usize) {
    let mut table: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let (mut lost, mut doubled, mut wrong, mut many) = (0, 0, 0, 0);
    for (n, fault) in FAULTS.into_iter().enumerate() {
        for step in 0..steps {
            for case in stage.changes(n * steps + step).await {
                let id = stage.says(case.change.clone()).await;
                stage.proxy.fails(step, fault);
                let courier = stage.hasty(HASTY);
                let tried = courier.at_once(&[&id], now(), &ambient(now())).await;
                let how = tried[0].how();
                if matches!(how, How::Delivered) && stage.clinic.there(&case, &id).await != 1 {
                    wrong += 1;
                }
                courier.settle(tried, None, now()).await.expect("written down");
                stage.proxy.heals();
                stage.hours_pass(&stage.hasty(PATIENT)).await;
                let there = stage.clinic.there(&case, &id).await;
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
                let cell = format!("{}: {told} -> {there}", case.name);
                table.entry(format!("{fault:?} at request {step}")).or_default().push(cell);
            }
        }
    }
    for (fault, cells) in &table {
        println!("{fault:<28} {}", cells.join(", "));
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
    let cases = stage.changes(1).await;
    let before = stage.proxy.asked();
    let requests: usize = cases.iter().map(|case| case.requests).sum();
    for case in cases {
        let Case { name, .. } = case;
        let id = stage.says(case.change.clone()).await;
        let tried = courier.at_once(&[&id], now(), &ambient(now())).await;
        assert_eq!(tried[0].how(), How::Delivered, "{name}");
        courier.settle(tried, None, now()).await.expect("written down");
        let made = stage.clinic.made_by(&case, &id).await;
        all.extend(made.clone());
        let made = &made[0];
        match name {
            "refill" => assert_eq!(made["focus"]["reference"], "MedicationRequest/order-1"),
            "renewal" => assert_eq!(made["intent"], "proposal"),
            "cancelling" => {
                assert_eq!(
                    (&made["status"], &made["extension"][0]["valueString"]),
                    (&"cancelled".into(), &"blue".into())
                );
                assert_eq!(made["cancelationReason"]["coding"][0]["code"], "pat");
            }
            "arriving" => {
                assert_eq!((&made["status"], &made["extension"][0]["valueString"]), (&"arrived".into(), &"blue".into()))
            }
            "moving" => assert_eq!(
                (&made["status"], &made["slot"][0]["reference"]),
                (&"booked".into(), &format!("Slot/free-{}", 1 + MANY / 2).into())
            ),
            "reading" => {
                assert_eq!(made["component"][1]["valueQuantity"]["value"], 82);
                assert_eq!(made["performer"][0]["reference"], "Patient/quetzalina");
            }
            "correction" => {
                assert_eq!((&made["status"], &made["valueQuantity"]["value"]), (&"corrected".into(), &166.into()));
            }
            "doses" => assert_eq!(made["basedOn"][0]["reference"], "MedicationRequest/order-1"),
            "message" => {
                let words = made["payload"][0]["contentString"].as_str().expect("words");
                assert!(words.contains("potassium 1") && !words.contains("6.9"), "{words}");
            }
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
    assert!(stage.proxy.asked() - before <= requests + 1, "{} requests", stage.proxy.asked());
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
    let (mut cases, mut said) = (Vec::new(), Vec::new());
    for n in 0..4 {
        cases.extend(stage.changes(n).await);
    }
    for case in cases {
        said.push((stage.says(case.change.clone()).await, case));
    }
    let noted = stage.store.outbox_counts().await.expect("read").delivered;
    let many = i64::try_from(said.len()).expect("few");
    let ids: Vec<&str> = said.iter().map(|(id, _)| id.as_str()).collect();
    let tried = nobody.at_once(&ids, now(), &ambient(now())).await;
    assert!(tried.iter().all(|one| matches!(one.how(), How::Later(Trouble::Unreachable, _))));
    nobody.settle(tried, None, now()).await.expect("written down");
    stage.hours_pass(&nobody).await;
    assert_eq!(stage.store.outbox_counts().await.expect("read").waiting, many);
    let courier = stage.courier();
    let later = now() + jiff::SignedDuration::from_hours(9);
    courier.send_due(&ambient(later)).await.expect("it works");
    let news = said.iter().filter(|(_, case)| case.is_told()).count();
    for (id, case) in &said {
        assert_eq!(stage.clinic.there(case, id).await, 1, "{}", case.name);
    }
    assert_eq!(stage.store.outbox_counts().await.expect("read").delivered, noted + many);
    assert_eq!(stage.store.waiting_news(&stage.person).await.expect("read").len(), news, "each is told");
}

/// The server's process is killed when a change's last request has come to it and when it has done it and not answered yet;
/// it stays away for an hour and comes back with what is on its disk.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_is_killed_has_each_change_once_when_it_is_back() {
    let mut stage = Stage::sekmet().await;
    let mut table = Vec::new();
    for (n, done) in [false, true].into_iter().enumerate() {
        for case in stage.changes(n).await {
            // Where to be let in, and a token, come before what the change itself asks.
            let step = case.requests + 1;
            let seen = if done { Seen::Done(step) } else { Seen::Came(step) };
            let id = stage.says(case.change.clone()).await;
            let courier = stage.hasty(HASTY);
            let mut watch = stage.proxy.stops_at(seen);
            let ids = [id.as_str()];
            let ambient = ambient(now());
            let mut trying = std::pin::pin!(courier.at_once(&ids, now(), &ambient));
            tokio::select! {
                _ = watch.recv() => stage.clinic.killed().await,
                _ = &mut trying => panic!("{}: it never came to {seen:?}", case.name),
            }
            let tried = trying.await;
            let how = tried[0].how();
            assert!(matches!(how, How::Later(..)), "{}: {seen:?}: {how:?}", case.name);
            courier.settle(tried, None, now()).await.expect("written down");
            stage.proxy.goes_on();
            let within_the_hour = now() + jiff::SignedDuration::from_mins(30);
            stage.hasty(HASTY).send_due(&super::stage::ambient(within_the_hour)).await.expect("it works");
            stage.clinic.again().await;
            let killed = stage.clinic.there(&case, &id).await;
            stage.hours_pass(&stage.hasty(PATIENT)).await;
            let there = stage.clinic.there(&case, &id).await;
            table.push(format!("{:<12} killed at {seen:?}: {killed} when it came back, {there} after", case.name));
            assert_eq!((killed, there), (usize::from(done), 1), "{}", table.join("\n"));
        }
    }
    println!("{}", table.join("\n"));
    let OutboxCounts { waiting, sending, .. } = stage.store.outbox_counts().await.expect("read");
    assert_eq!((waiting, sending), (0, 0));
    assert!(stage.store.audit_verify().await.expect("read").whole());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_never_arrives_is_given_up_and_told() {
    let stage = Stage::new().await;
    let nobody = super::stage::courier(&stage.store, "http://127.0.0.1:9");
    stage.says(book(0)).await;
    let days = now() + jiff::SignedDuration::from_hours(80);
    nobody.send_due(&ambient(days)).await.expect("it works");
    let rows = stage.store.outbox_rows(false).await.expect("read");
    assert_eq!((rows[0].state.as_str(), rows[0].reason.as_deref()), ("refused", Some("gave_up")));
    assert_eq!(stage.store.waiting_news(&stage.person).await.expect("read").len(), 1);
}
