//! Calls on both databases: asking again, climbing, two processes, clocks that jump, and what is left of words.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use sqlx::Row as _;
use wellspoken::{
    actions::Change,
    fleet::{
        Calls,
        nurse::{Routes, Units, Waits},
    },
    store::{ImportOptions, KeyOwner, Store, TurnCommit},
};

use super::place::{self, CANARIES, Place, admitted, at, commit, room};

super::on_both!(
    the_same_need_is_one_call,
    an_emergency_stands_alone,
    many_at_once_are_one_call,
    what_stays_open_after_a_stay_is_another_call,
    whoever_lies_there_next_hears_nothing_of_calls_before,
    nobody_answers,
    nobody_is_on_duty,
    an_answer_ends_the_climb_and_asking_again_begins_anew,
    asking_again_makes_the_next_step_sooner,
    what_is_no_longer_needed_climbs_no_further,
    two_processes_tell_each_step_once,
    a_clock_put_back_makes_nothing_late,
    a_clock_put_back_while_nobody_looked_tells_at_once,
    a_clock_put_forward_tells_one_step_at_a_time,
    nothing_of_calls_is_in_clear,
    one_process_at_a_time_has_a_call,
    a_call_is_known_open_and_closed,
);

/// A house with one unit, and somebody in it who asks.
struct House {
    store: Store,
    person: wellspoken::policy::PersonId,
    turns: std::cell::Cell<u32>,
}

impl House {
    async fn open(place: &Place) -> Self {
        let store = place.open().await;
        let person = admitted(&store, None).await;
        Self { store, person, turns: 0.into() }
    }

    async fn asks(&self, need: &str, emergency: bool, seconds: i64) {
        let change = Change::CallNurse { room: room("412"), need: need.into(), emergency };
        self.does(change, at(seconds)).await;
    }

    async fn does(&self, change: Change, when: Timestamp) {
        let n = self.turns.replace(self.turns.get() + 1);
        let turn = TurnCommit { at: when, ..commit(&format!("t{n}"), &self.person, vec![change]) };
        self.store.commit(turn).await.expect("durable");
    }

    async fn duty(&self, unit: &str, role: &'static str, who: &str) {
        let time = (at(-7200), at(400_000));
        self.store.put_on_duty((unit, role, who), time, "Chris", at(0)).await.expect("on duty");
    }

    async fn all_on_duty(&self) {
        for (unit, role, who) in [
            ("4-west", "nurse", "Maria"),
            ("4-west", "assistant", "Ann"),
            ("4-west", "charge", "Chris"),
            ("house", "supervisor", "Sam"),
        ] {
            self.duty(unit, role, who).await;
        }
    }

    /// Every step told: which, when, to whom.
    async fn told(&self) -> Vec<(String, i64, String)> {
        let board = self.store.board(None).await.expect("read");
        let steps = board.into_iter().flat_map(|row| row.told);
        let seconds = |told: Timestamp| told.duration_since(at(0)).as_secs();
        steps.map(|step| (step.step, seconds(step.at), step.whom.join(", "))).collect()
    }
}

fn calls(store: &Store) -> Calls {
    let rooms = [("4-west".to_owned(), vec!["412".to_owned()])];
    let units = Units::new(rooms.iter().map(|(unit, rooms)| (unit, rooms)));
    Calls::new(store.clone(), Routes::default(), Waits::default(), units)
}

/// Looks each second, as a clock that goes right does.
async fn look_through(calls: &mut Calls, seconds: std::ops::RangeInclusive<i64>) -> usize {
    let mut told = 0;
    for n in seconds {
        told += calls.look(at(n), Duration::from_secs(n.unsigned_abs())).await.expect("looked").told;
    }
    told
}

fn step(step: &str, seconds: i64, whom: &str) -> (String, i64, String) {
    (step.to_owned(), seconds, whom.to_owned())
}

async fn the_same_need_is_one_call(place: Place) {
    let house = House::open(&place).await;
    house.asks("some water", false, 1).await;
    house.asks("a blanket", false, 2).await;
    house.asks("I'm so thirsty", false, 3).await;
    house.asks("water with ice please", false, 4).await;
    let board = house.store.board(None).await.expect("read");
    assert_eq!(board.len(), 2);
    let water = &board[0];
    assert_eq!((water.need.as_deref(), water.repeats, water.asked_last), (Some("some water"), 2, Some(at(4))));
    let again: Vec<_> = water.again.iter().map(|again| (again.at, again.words.as_deref())).collect();
    assert_eq!(again, [(at(3), Some("I'm so thirsty")), (at(4), Some("water with ice please"))]);
    assert_eq!((board[1].repeats, board[1].again.len()), (0, 0));
    house.store.close_request(&water.id, "Ann", at(5)).await.expect("closed");
    house.asks("water", false, 6).await;
    let board = house.store.board(None).await.expect("read");
    assert_eq!(board.len(), 2, "what was brought is asked for anew");
}

async fn an_emergency_stands_alone(place: Place) {
    let house = House::open(&place).await;
    house.asks("water", false, 1).await;
    house.asks("water", true, 2).await;
    house.asks("water", true, 3).await;
    let board = house.store.board(None).await.expect("read");
    assert_eq!(board.iter().map(|row| row.emergency).collect::<Vec<_>>(), [false, true, true]);
}

async fn many_at_once_are_one_call(place: Place) {
    let stores = [place.open().await, place.open().await];
    let person = admitted(&stores[0], None).await;
    let asking: Vec<_> = (0..24)
        .map(|n| {
            let (store, person) = (stores[n % 2].clone(), person.clone());
            tokio::spawn(async move {
                let change = Change::CallNurse { room: room("412"), need: format!("water {n}"), emergency: false };
                store.commit(commit(&format!("t{n}"), &person, vec![change])).await
            })
        })
        .collect();
    for task in asking {
        task.await.expect("ran").expect("durable");
    }
    let board = stores[0].board(None).await.expect("read");
    assert_eq!((board.len(), board[0].repeats, board[0].again.len()), (1, 23, 23));
    assert!(stores[1].audit_verify().await.expect("read").whole());
}

async fn what_stays_open_after_a_stay_is_another_call(place: Place) {
    let store = place.open().await;
    let person = admitted(&store, Some("412")).await;
    let stay = || async { store.occupant(&room("412")).await.expect("read").expect("somebody").stay };
    let ask = |n: i64, stay| {
        let change = Change::CallNurse { room: room("412"), need: "my secret need".into(), emergency: false };
        let turn = commit(&format!("t{n}"), &person, vec![change]);
        TurnCommit { owner: KeyOwner::Stay(stay), person: None, room: Some(room("412")), at: at(n), ..turn }
    };
    for n in [1, 2] {
        store.commit(ask(n, stay().await)).await.expect("durable");
    }
    let other = wellspoken::records::Chart { identifiers: vec!["urn:hospital|MRN-2".into()], ..place::chart("x") };
    let there = ImportOptions { pin: None, consent: None, room: Some(room("412")), ..ImportOptions::default() };
    store.import(&other, there, at(10)).await.expect("somebody else lies there");
    store.finish_stays(at(11)).await.expect("the key is gone");
    store.commit(ask(12, stay().await)).await.expect("durable");
    let board = store.board(None).await.expect("read");
    assert_eq!(board.len(), 2, "what somebody else asked for is a call of its own");
    assert!(board[0].stay_over.is_some() && board[0].repeats == 1 && board[1].repeats == 0);
    assert_eq!(board[0].again[0].words.as_deref(), Some("my secret need"), "staff go on seeing what it is");
}

async fn whoever_lies_there_next_hears_nothing_of_calls_before(place: Place) {
    let store = place.open().await;
    let person = admitted(&store, Some("412")).await;
    let stay = store.occupant(&room("412")).await.expect("read").expect("somebody").stay;
    let change = Change::CallNurse { room: room("412"), need: "water".into(), emergency: false };
    let turn = commit("t1", &person, vec![change]);
    let turn = TurnCommit { owner: KeyOwner::Stay(stay), person: None, room: Some(room("412")), at: at(1), ..turn };
    store.commit(turn).await.expect("durable");
    let id = store.board(None).await.expect("read")[0].id.clone();
    // No device of the room is there, so it waits.
    store.say_back(&id, "I am on my way", "Maria", at(2)).await.expect("said");
    assert_eq!(store.speak_replies(at(3)).await.expect("looked"), 0);
    assert_eq!(store.room_calls(&room("412")).await.expect("read").len(), 1);

    let other = wellspoken::records::Chart { identifiers: vec!["urn:hospital|MRN-2".into()], ..place::chart("x") };
    let there = ImportOptions { pin: None, consent: None, room: Some(room("412")), ..ImportOptions::default() };
    store.import(&other, there, at(10)).await.expect("somebody else lies there");
    let surface = wellspoken::policy::Surface::Room(room("412"));
    let grant =
        wellspoken::store::Grant { surface, person: None, label: "bed".into(), one_time: false, expires: at(1000) };
    store.issue(&grant, "wsp_bed", at(11)).await.expect("a device");
    assert_eq!(store.speak_replies(at(12)).await.expect("looked"), 0, "it was said to somebody else");
    assert!(store.room_calls(&room("412")).await.expect("read").is_empty(), "it was somebody else's");
    let board = store.board(None).await.expect("read");
    assert_eq!(board[0].said[0].words.as_deref(), Some("I am on my way"), "staff go on seeing what was said");
}

async fn nobody_answers(place: Place) {
    let house = House::open(&place).await;
    house.all_on_duty().await;
    house.asks("the bathroom", false, 0).await;
    let mut calls = calls(&house.store);
    assert_eq!(look_through(&mut calls, 0..=1600).await, 5);
    let wanted = [
        step("assigned", 0, "Ann"),
        step("charge", 300, "Chris"),
        step("supervisor", 600, "Sam"),
        step("pager", 900, "Sam"),
        step("pager", 1500, "Sam"),
    ];
    assert_eq!(house.told().await, wanted);
    assert!(house.store.audit_verify().await.expect("read").whole());
}

async fn nobody_is_on_duty(place: Place) {
    let house = House::open(&place).await;
    house.duty("4-west", "nurse", "Maria").await;
    house.asks("the trash is full", false, 0).await;
    let mut calls = calls(&house.store);
    look_through(&mut calls, 0..=1).await;
    assert_eq!(house.told().await, [step("assigned", 0, "Maria")], "what nobody is on duty for is the nurse's");
    house
        .store
        .take_off_duty(&house.store.duties(at(1)).await.expect("read")[0].id, "Chris", at(1))
        .await
        .expect("off");
    house.asks("a blanket", false, 2).await;
    look_through(&mut calls, 2..=10).await;
    let told: Vec<_> = house.told().await.into_iter().skip(1).collect();
    let wanted = [step("assigned", 2, ""), step("charge", 3, ""), step("supervisor", 4, ""), step("pager", 5, "")];
    assert_eq!(told, wanted, "one after another, each of them told, and none twice");
}

async fn an_answer_ends_the_climb_and_asking_again_begins_anew(place: Place) {
    let house = House::open(&place).await;
    house.all_on_duty().await;
    house.asks("the bathroom", false, 0).await;
    let mut calls = calls(&house.store);
    look_through(&mut calls, 0..=10).await;
    let id = house.store.board(None).await.expect("read")[0].id.clone();
    house.store.acknowledge(&id, "Ann", at(11)).await.expect("acknowledged");
    assert_eq!(look_through(&mut calls, 11..=2000).await, 0, "whoever has answered is not called again");
    house.asks("the bathroom, quickly", false, 2001).await;
    assert!(!house.store.board(None).await.expect("read")[0].answered());
    // Asked for the second time it is urgent.
    look_through(&mut calls, 2001..=2200).await;
    let told = house.told().await;
    assert_eq!(told[1..], [step("assigned", 2001, "Ann"), step("charge", 2121, "Chris")]);
    house.store.acknowledge(&id, "Chris", at(2201)).await.expect("the second answer counts, too");
    assert!(house.store.acknowledge(&id, "Lee", at(2202)).await.is_err());
    assert_eq!(look_through(&mut calls, 2202..=4000).await, 0);
}

async fn asking_again_makes_the_next_step_sooner(place: Place) {
    let house = House::open(&place).await;
    house.all_on_duty().await;
    house.asks("a blanket", false, 0).await;
    let mut calls = calls(&house.store);
    look_through(&mut calls, 0..=100).await;
    house.asks("that blanket", false, 101).await;
    look_through(&mut calls, 101..=310).await;
    assert_eq!(
        house.told().await,
        [step("assigned", 0, "Ann"), step("charge", 300, "Chris")],
        "300 seconds instead of 900"
    );
    house.asks("the blanket!", false, 311).await;
    look_through(&mut calls, 311..=430).await;
    assert_eq!(house.told().await[2..], [step("supervisor", 420, "Sam")], "and then 120");
}

async fn what_is_no_longer_needed_climbs_no_further(place: Place) {
    let house = House::open(&place).await;
    house.all_on_duty().await;
    house.asks("the bathroom", false, 0).await;
    house.asks("help", true, 0).await;
    let mut calls = calls(&house.store);
    look_through(&mut calls, 0..=5).await;
    house.does(Change::PatientSaysCancel { room: room("412") }, at(6)).await;
    look_through(&mut calls, 6..=400).await;
    let told = house.told().await;
    assert!(!told.iter().any(|(step, seconds, _)| step == "charge" && *seconds == 300), "{told:?}");
    assert!(told.contains(&step("charge", 30, "Chris")), "an emergency climbs until somebody has seen it: {told:?}");
    assert_eq!(house.store.board(None).await.expect("read").len(), 2, "staff close both");
    house.asks("the bathroom after all", false, 401).await;
    look_through(&mut calls, 401..=402).await;
    assert!(house.told().await.contains(&step("assigned", 401, "Ann")), "it is a call of its own");
}

async fn two_processes_tell_each_step_once(place: Place) {
    let stores = [place.open().await, place.open().await];
    let house = House { person: admitted(&stores[0], None).await, store: stores[0].clone(), turns: 0.into() };
    for n in 0..5 {
        let change = Change::CallNurse { room: room(&format!("r{n}")), need: "pain".into(), emergency: false };
        house.does(change, at(0)).await;
    }
    let looking: Vec<_> = (0..6)
        .map(|n| {
            let mut calls = calls(&stores[n % 2]);
            tokio::spawn(async move {
                let mut told = 0;
                for second in 0..20_u32 {
                    let (now, running) = (at(i64::from(second)), Duration::from_secs(second.into()));
                    told += calls.look(now, running).await.expect("looked").told;
                }
                told
            })
        })
        .collect();
    let mut told = 0;
    for task in looking {
        told += task.await.expect("ran");
    }
    // Nobody is on duty, so all four steps were told; the next is due after five minutes.
    assert_eq!(told, 20);
    let (mut raw, mut steps) = (place.raw().await, std::collections::BTreeMap::new());
    let rows = sqlx::query("SELECT request, climb FROM call_told ORDER BY request, climb").fetch_all(&mut raw).await;
    for row in rows.expect("read") {
        steps.entry(row.get::<String, _>("request")).or_insert_with(Vec::new).push(row.get::<i64, _>("climb"));
    }
    assert!(steps.len() == 5 && steps.values().all(|told| *told == [0, 1, 2, 3]), "{steps:?}");
}

async fn a_clock_put_back_makes_nothing_late(place: Place) {
    let house = House::open(&place).await;
    house.all_on_duty().await;
    house.asks("help", true, 0).await;
    // Two processes notice it; what is due moves once.
    let mut both = [calls(&house.store), calls(&house.store)];
    let hour = SignedDuration::from_hours(1);
    for n in 0..=40_i64 {
        let now = if n < 10 { at(n) } else { at(n) - hour };
        for calls in &mut both {
            calls.look(now, Duration::from_secs(n.unsigned_abs())).await.expect("looked");
        }
    }
    assert_eq!(
        house.told().await[1..],
        [step("charge", 30 - 3600, "Chris")],
        "thirty seconds after the first, by a clock on the wall"
    );
}

async fn a_clock_put_back_while_nobody_looked_tells_at_once(place: Place) {
    let house = House::open(&place).await;
    house.all_on_duty().await;
    house.asks("help", true, 0).await;
    look_through(&mut calls(&house.store), 0..=5).await;
    let mut again = calls(&house.store);
    let now = at(7) - SignedDuration::from_hours(1);
    for n in 0..=3 {
        again.look(now + SignedDuration::from_secs(n), Duration::from_secs(n.unsigned_abs())).await.expect("looked");
    }
    let told = house.told().await;
    assert_eq!(told.len(), 2, "one step, at once, and no more: {told:?}");
    assert_eq!(told[1], step("charge", 7 - 3600, "Chris"));
}

async fn a_clock_put_forward_tells_one_step_at_a_time(place: Place) {
    let house = House::open(&place).await;
    house.all_on_duty().await;
    house.asks("help", true, 0).await;
    let mut calls = calls(&house.store);
    look_through(&mut calls, 0..=1).await;
    let day = SignedDuration::from_hours(24);
    for n in 2..=20_i64 {
        calls.look(at(n) + day, Duration::from_secs(n.unsigned_abs())).await.expect("looked");
    }
    assert_eq!(house.told().await, [step("assigned", 0, "Maria"), step("charge", 86_402, "Chris")]);
}

async fn nothing_of_calls_is_in_clear(place: Place) {
    let house = House::open(&place).await;
    house.duty("4-west", "nurse", "Dr. Wombat").await;
    house.asks("my secret need", false, 0).await;
    house.asks("my secret need", false, 1).await;
    look_through(&mut calls(&house.store), 0..=3).await;
    assert_eq!(house.told().await[0].2, "Dr. Wombat");
    let mut raw = place.raw().await;
    for (table, columns) in [
        ("request", "id || room || thing || owner"),
        ("call_said", "id || request || owner"),
        ("call_told", "request || step"),
        ("call_event", "request || room || what"),
        ("duty", "id || unit || role || owner"),
    ] {
        let text = format!("SELECT {columns} AS shown FROM {table}");
        for row in sqlx::query(sqlx::AssertSqlSafe(text)).fetch_all(&mut raw).await.expect("read") {
            let shown: String = row.get("shown");
            assert!(!CANARIES.iter().any(|canary| shown.contains(canary)), "{table}: {shown}");
        }
    }
    for (table, column) in [("call_said", "sealed"), ("call_told", "whom"), ("duty", "sealed")] {
        let text = format!("SELECT {column} AS shown FROM {table}");
        let rows = sqlx::query(sqlx::AssertSqlSafe(text)).fetch_all(&mut raw).await.expect("read");
        assert!(!rows.is_empty(), "{table}");
        for row in rows {
            let shown = String::from_utf8_lossy(&row.get::<Vec<u8>, _>("shown")).into_owned();
            assert!(!CANARIES.iter().any(|canary| shown.contains(canary)), "{table}");
        }
    }
}

async fn one_process_at_a_time_has_a_call(place: Place) {
    let house = House::open(&place).await;
    house.asks("water", false, 0).await;
    let id = house.store.board(None).await.expect("read")[0].id.clone();
    let hold = async |until, now| house.store.hold_call("task hold", &id, at(until), at(now)).await.expect("asked");
    assert!(hold(30, 1).await);
    assert!(!hold(40, 29).await, "somebody has it");
    assert!(house.store.hold_call("another", &id, at(30), at(2)).await.expect("asked"), "each under its own name");
    assert!(hold(60, 30).await, "its time is up");
    house.store.let_call_go("task hold", &id).await.expect("let go");
    assert!(hold(70, 31).await);
    assert!(!house.store.hold_call("task hold", "no such call", at(99), at(32)).await.expect("asked"));
    let (one, two) = tokio::join!(hold(200, 100), hold(200, 100));
    assert!(one != two, "one of two at once");
}

async fn a_call_is_known_open_and_closed(place: Place) {
    let house = House::open(&place).await;
    house.asks("water", false, 0).await;
    house.asks("water", false, 5).await;
    let id = house.store.board(None).await.expect("read")[0].id.clone();
    look_through(&mut calls(&house.store), 6..=6).await;
    house.store.acknowledge(&id, "Maria", at(7)).await.expect("acknowledged");
    house.store.close_request(&id, "Maria", at(8)).await.expect("closed");
    let call = house.store.call_state(&id).await.expect("read").expect("there");
    assert_eq!((call.room.as_str(), call.words.as_deref(), call.repeats), ("412", Some("water"), 1));
    assert_eq!(
        (call.requested, call.asked_last, call.acknowledged, call.closed),
        (at(0), Some(at(5)), Some(at(7)), Some(at(8)))
    );
    assert_eq!(call.step.map(|(step, _)| step).as_deref(), Some("assigned"));
    assert!(house.store.call_state("no such call").await.expect("read").is_none());
}
