//! A server that says no: what was changed here is as it was before, and the person hears of it.

use jiff::SignedDuration;
use wellspoken::{
    actions::Change,
    records::{Records, SlotQuery, Visit, sensitive::Hush},
    store::How,
};

use super::{
    proxy::Fault,
    stage::{Stage, ambient, book, slot, visit},
};
use crate::support::now;

/// The person's visits at these times, as an action reads them: when each is, and whether it is on.
async fn visits(stage: &Stage) -> Vec<Visit> {
    let records = Records::new(stage.store.clone()).hushed(Hush { aloud: false, named: vec![] }, now());
    let permit = crate::store::place::permit(&stage.store, &stage.person).await;
    records.visits(&stage.person).await.expect("read").reveal(&permit).expect("theirs")
}

fn told(visits: &[Visit], id: &str) -> Option<(jiff::Timestamp, bool)> {
    visits.iter().find(|visit| visit.id == id).map(|visit| (visit.start, visit.booked))
}

async fn is_free(stage: &Stage, slot: &str) -> bool {
    let query = SlotQuery {
        from: now(),
        until: now() + SignedDuration::from_hours(24 * 100),
        provider: None,
        specialty: None,
        limit: 1000,
        held_for: None,
    };
    stage.store.free_slots(&query).await.expect("read").iter().any(|free| free.id == slot)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_visit_whose_change_is_refused_is_as_it_was_and_the_person_is_told() {
    let stage = Stage::new().await;
    let mut news = 0;
    for (n, status) in [409, 412, 422, 403].into_iter().enumerate() {
        // One that the chart tells of, and one that was booked here.
        let own = stage.says(book(n)).await;
        let courier = stage.courier();
        let tried = courier.at_once(&[&own], now(), &ambient(now())).await;
        assert_eq!(tried[0].how(), How::Delivered);
        courier.settle(tried, None, now()).await.expect("written down");
        news += 1;
        for (m, charted) in [true, false].into_iter().enumerate() {
            let id = if charted { visit(n).id } else { own.clone() };
            let known = visits(&stage).await.into_iter().find(|visit| visit.id == id).expect("known");
            let before = told(std::slice::from_ref(&known), &id);
            let (given_back, to) = (known.slot.clone().expect("known"), slot(40 + 4 * n + m));
            let there = stage.clinic.read(&format!("Slot/{given_back}")).await;
            for cancels in [true, false] {
                // As it is read now: that a change was taken back counts as one.
                let read = visits(&stage).await.into_iter().find(|visit| visit.id == id).expect("known");
                let change = match cancels {
                    true => Change::Cancel { visit: read },
                    false => Change::Reschedule { visit: read, to: to.clone() },
                };
                let going = stage.says(change).await;
                assert_ne!(told(&visits(&stage).await, &id), before, "it is changed here");
                stage.proxy.fails(0, Fault::Refuses(status));
                let courier = stage.courier();
                let tried = courier.at_once(&[&going], now(), &ambient(now())).await;
                let how = tried[0].how();
                assert!(matches!(how, How::Refused(_)), "{status} {charted}: {how:?}");
                courier.settle(tried, None, now()).await.expect("written down");
                stage.proxy.heals();
                news += 1;
                assert_eq!(told(&visits(&stage).await, &id), before, "{status} {charted}: as it was");
                assert!(!is_free(&stage, &given_back).await, "its time is not offered to others");
                let waiting = stage.store.waiting_news(&stage.person).await.expect("read").len();
                assert_eq!(waiting, news, "and the person is told");
                assert_eq!(stage.clinic.read(&format!("Slot/{given_back}")).await, there, "nothing of it is there");
                assert_eq!(stage.clinic.read(&format!("Slot/{}", to.id)).await["status"], "free");
            }
        }
    }
}
