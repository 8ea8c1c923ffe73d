//! Doses that were taken, reminders, the chosen pharmacy: sealed, read back, rung once however many devices ask.

use jiff::civil::{date, time};
use wellspoken::{
    actions::{Change, Every, Reminder, Rhythm, TakenDose},
    policy::PersonId,
    records::Pharmacy,
    store::{ReadBack, Store},
};

use super::place::{Place, admitted, at, commit, permit};

super::on_both!(
    what_is_noted_is_read_back_and_only_by_its_person,
    a_time_is_rung_once_however_many_ask,
    one_that_was_ended_stays_and_rings_no_more,
);

fn remind(medicine: &str) -> Change {
    Change::Remind {
        reminder: Reminder {
            id: String::new(),
            prescription: Some("rx-1".into()),
            medicine: Some(medicine.into()),
            rhythm: Rhythm { at: time(8, 0, 0, 0), from: date(2026, 12, 1), every: Every::Days(1) },
            zone: "UTC".into(),
            made: at(0),
            rung: None,
            ended: None,
        },
    }
}

fn taken(seconds: i64) -> Change {
    let dose = TakenDose { prescription: "rx-1".into(), medicine: "fluorozepamol".into() };
    Change::Taken { doses: vec![dose], at: at(seconds), part: Some("in the morning".into()) }
}

async fn theirs(store: &Store, person: &PersonId) -> Vec<Reminder> {
    store.reminders(person).await.expect("read").reveal(&permit(store, person).await).expect("theirs")
}

async fn what_is_noted_is_read_back_and_only_by_its_person(place: Place) {
    let store = place.open().await;
    let person = admitted(&store, None).await;
    let before = store.read_back(&person, &store, "uid 7", at(40)).await.expect("opens");
    let chosen = Pharmacy { name: "Dr. Wombat's".into(), street: None, phone: None };
    let changes =
        vec![taken(1), taken(5), remind("fluorozepamol"), Change::ChoosePharmacy { pharmacy: chosen.clone() }];
    store.commit(commit("t1", &person, changes)).await.expect("durable");
    let notes = store.taken(&person, None).await.expect("read").reveal(&permit(&store, &person).await).expect("theirs");
    assert_eq!(notes.iter().map(|n| (n.at, n.noted)).collect::<Vec<_>>(), [(at(1), at(10)), (at(5), at(10))]);
    let long_after = at(10) + jiff::SignedDuration::from_hours(36 * 24);
    let recent = store.taken(&person, Some(long_after)).await.expect("read");
    assert!(recent.reveal(&permit(&store, &person).await).expect("theirs").is_empty(), "five weeks are enough");
    assert_eq!(theirs(&store, &person).await.len(), 1);
    let pharmacy = store.chosen_pharmacy(&person).await.expect("read");
    assert_eq!(pharmacy.reveal(&permit(&store, &person).await).expect("theirs"), Some(chosen));
    let after = store.read_back(&person, &store, "uid 7", at(41)).await.expect("opens");
    let (ReadBack::Opened(before), ReadBack::Opened(after)) = (before, after) else { panic!("the key is there") };
    // Two notes, a reminder, a pharmacy, and the turn with its conversation.
    assert_eq!(after - before, 6, "the drill opens each of them");
    if place.is_sqlite() {
        for file in std::fs::read_dir(place.dir.path().join("data")).expect("a folder") {
            let bytes = std::fs::read(file.expect("a file").path()).expect("read");
            for word in ["fluorozepamol", "Dr. Wombat", "in the morning"] {
                assert!(!bytes.windows(word.len()).any(|w| w == word.as_bytes()), "{word}");
            }
        }
    }
    assert!(store.destroy_person(&person, "uid 7", at(50)).await.expect("destroyed"));
    assert!(store.taken(&person, None).await.is_err() && store.reminders(&person).await.is_err());
    assert!(store.due_reminders(&person, at(9), |_, _, _| Some(at(9))).await.expect("asked").is_empty());
}

async fn a_time_is_rung_once_however_many_ask(place: Place) {
    let stores = [place.open().await, place.open().await];
    let person = admitted(&stores[0], None).await;
    stores[0].commit(commit("t1", &person, vec![remind("x")])).await.expect("durable");
    let id = theirs(&stores[0], &person).await[0].id.clone();
    let tries: Vec<_> = (0..16)
        .map(|n| {
            let (store, person, id) = (stores[n % 2].clone(), person.clone(), id.clone());
            tokio::spawn(async move { store.rung(&person, &id, at(100)).await.expect("asked") })
        })
        .collect();
    let mut rang = 0;
    for one in tries {
        rang += usize::from(one.await.expect("ran"));
    }
    assert_eq!(rang, 1);
    assert!(!stores[0].rung(&person, &id, at(99)).await.expect("asked"), "an earlier one is over");
    assert!(!stores[0].rung(&person, "none", at(200)).await.expect("asked"));
    let other = PersonId::parse("0192f0c1-9e4b-7c3a-b1a2-000102030405").expect("fits");
    assert!(!stores[0].rung(&other, &id, at(200)).await.unwrap_or(false), "not by somebody else");
    assert!(stores[1].rung(&person, &id, at(200)).await.expect("asked"), "the next time rings again");
}

async fn one_that_was_ended_stays_and_rings_no_more(place: Place) {
    let store = place.open().await;
    let person = admitted(&store, None).await;
    store.commit(commit("t1", &person, vec![remind("a"), remind("b")])).await.expect("durable");
    let all = theirs(&store, &person).await;
    let ids = vec![all[0].id.clone(), "none".into()];
    store.commit(commit("t2", &person, vec![Change::CancelReminders { ids: ids.clone() }])).await.expect("durable");
    assert_eq!(theirs(&store, &person).await.len(), 1);
    assert!(!store.rung(&person, &ids[0], at(300)).await.expect("asked"));
    assert_eq!(
        store.due_reminders(&person, at(9), |r, _, _| r.ended.is_none().then(|| at(9))).await.expect("asked").len(),
        1
    );
    store.commit(commit("t3", &person, vec![Change::CancelReminders { ids }])).await.expect("once more is no error");
}
