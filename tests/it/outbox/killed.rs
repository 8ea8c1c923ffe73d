//! Programs that are killed at every step, and two that race: what was saved is there once.

use std::process::Child;

use super::{
    proxy::Seen,
    stage::{MANY, Stage, ambient, courier},
};
use crate::{
    store::child::{self, opened_by_parent, set},
    support::now,
};

/// Sends what is due in a process of its own.
fn sender(stage: &Stage, hours: i64) -> Child {
    child::child("outbox::killed::sends_what_is_due", &stage.place)
        .env("WELLSPOKEN_TEST_SERVER", &stage.proxy.origin)
        .env("WELLSPOKEN_TEST_HOURS", hours.to_string())
        .spawn()
        .expect("started")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "run by the tests below in processes of their own"]
async fn sends_what_is_due() {
    let store = opened_by_parent().await;
    let hours: i64 = set("WELLSPOKEN_TEST_HOURS").parse().expect("a number");
    let later = now() + jiff::SignedDuration::from_hours(hours);
    courier(&store, &set("WELLSPOKEN_TEST_SERVER")).send_due(&ambient(later)).await.expect("it works");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_at_any_step_nothing_is_lost_and_nothing_there_twice() {
    let stage = Stage::new().await;
    let mut hours = 0;
    let mut table = Vec::new();
    let (mut news, mut noted) = (0, 0);
    for (n, step) in (0..4).enumerate() {
        for (m, seen) in [Seen::Came(step), Seen::Done(step)].into_iter().enumerate() {
            noted += 1;
            for case in stage.changes(2 * n + m).await.into_iter().filter(|case| step < case.requests) {
                let id = stage.says(case.change.clone()).await;
                let mut watch = stage.proxy.stops_at(seen);
                hours += 1;
                let mut process = sender(&stage, hours);
                let ended = tokio::select! {
                    _ = watch.recv() => false,
                    // Fewer requests than that: it was done before.
                    _ = wait(&mut process) => true,
                };
                process.kill().expect("killed");
                process.wait().expect("ended");
                stage.proxy.goes_on();
                let killed = stage.clinic.there(&case, &id).await;
                hours += 1;
                let mut process = sender(&stage, hours);
                assert!(process.wait().expect("ended").success());
                let there = stage.clinic.there(&case, &id).await;
                table.push(format!("{:<12} {seen:?}, ended {ended}: {killed} when killed, {there} after", case.name));
                news += usize::from(case.is_told());
                assert_eq!(there, 1, "{}", table.join("\n"));
            }
        }
    }
    println!("{}", table.join("\n"));
    let counts = stage.store.outbox_counts().await.expect("read");
    let many = table.len();
    assert_eq!((counts.delivered, counts.waiting, counts.sending), (i64::try_from(many + noted).expect("few"), 0, 0));
    assert_eq!(stage.store.waiting_news(&stage.person).await.expect("read").len(), news, "each is told once");
    assert!(stage.store.audit_verify().await.expect("read").whole());
}

async fn wait(process: &mut Child) {
    while process.try_wait().expect("a child").is_none() {
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_processes_that_race_send_each_change_once() {
    let stage = Stage::new().await;
    let (mut cases, mut said) = (Vec::new(), Vec::new());
    for n in 0..MANY / 8 {
        cases.extend(stage.changes(n).await);
    }
    for case in cases {
        said.push((stage.says(case.change.clone()).await, case));
    }
    let mut both = [sender(&stage, 1), sender(&stage, 1)];
    for process in &mut both {
        assert!(process.wait().expect("ended").success());
    }
    for (id, case) in &said {
        assert_eq!(stage.clinic.there(case, id).await, 1, "{}", case.name);
    }
    let rows = stage.store.outbox_rows(true).await.expect("read");
    assert!(rows.iter().all(|row| row.attempts == 1), "nobody sent what the other one had");
    assert_eq!(
        stage.store.waiting_news(&stage.person).await.expect("read").len(),
        said.iter().filter(|(_, case)| case.is_told()).count()
    );
}
