//! Renewals move by their states, a free time is taken once, and only staff end a request.

use jiff::Timestamp;
use wellspoken::{
    actions::{Change, Conflict, RenewalState},
    policy::Scope,
    records::SlotQuery,
    store::{CommitError, StoreError, TurnCommit},
};

use super::place::{Place, admitted, at, commit, permit, renew, room, session, slot};

super::on_both!(
    a_free_time_is_taken_once,
    free_times_are_found,
    one_renewal_is_open_for_each_prescription,
    only_staff_end_a_request,
);

async fn a_free_time_is_taken_once(place: Place) {
    // Two stores are two writers, as two processes are.
    let stores = [place.open().await, place.open().await];
    let person = admitted(&stores[0], None).await;
    let tries: Vec<_> = (0..32)
        .map(|n| {
            let (store, person) = (stores[n % 2].clone(), person.clone());
            tokio::spawn(async move {
                let change = Change::Book { slot: slot(1), reason: Some(format!("try {n}")) };
                let turn = TurnCommit {
                    session: session(&format!("s{n}")),
                    ..commit(&format!("t{n}"), &person, vec![change])
                };
                store.commit(turn).await
            })
        })
        .collect();
    let mut booked = 0;
    for task in tries {
        match task.await.expect("ran") {
            Ok(_) => booked += 1,
            Err(CommitError::Conflict(Conflict::SlotTaken)) => {}
            Err(e) => panic!("{e}"),
        }
    }
    assert_eq!(booked, 1);
    let store = &stores[0];
    let visits = store.booked_visits(&person).await.expect("read");
    let visits = visits.reveal(&permit(store, &person).await).expect("theirs");
    assert_eq!(visits.len(), 1);
    assert_eq!((visits[0].start, visits[0].booked), (slot(1).start, true));
    admitted(store, None).await;
    let free = store.free_slots(&all_slots()).await.expect("read");
    assert_eq!(free.len(), 2, "a chart that comes again does not free what was taken");
    assert!(store.audit_verify().await.expect("read").whole());
}

fn all_slots() -> SlotQuery {
    SlotQuery {
        from: Timestamp::MIN,
        until: Timestamp::MAX,
        provider: None,
        specialty: None,
        limit: 100,
        held_for: None,
    }
}

async fn free_times_are_found(place: Place) {
    let store = place.open().await;
    admitted(&store, None).await;
    let found = |query: SlotQuery| {
        let store = store.clone();
        async move {
            let found = store.free_slots(&query).await.expect("read");
            found.into_iter().map(|slot| slot.id).collect::<Vec<_>>()
        }
    };
    assert_eq!(found(all_slots()).await, ["slot-0", "slot-1", "slot-2"]);
    assert_eq!(found(SlotQuery { limit: 2, ..all_slots() }).await.len(), 2);
    assert_eq!(found(SlotQuery { from: slot(1).start, ..all_slots() }).await, ["slot-1", "slot-2"]);
    assert_eq!(found(SlotQuery { until: slot(1).start, ..all_slots() }).await, ["slot-0"]);
    assert!(found(SlotQuery { provider: Some("Dr. Other".into()), ..all_slots() }).await.is_empty());
    assert_eq!(found(SlotQuery { specialty: Some("cardiology".into()), ..all_slots() }).await.len(), 3);
}

async fn one_renewal_is_open_for_each_prescription(place: Place) {
    let store = place.open().await;
    let person = admitted(&store, None).await;
    store.commit(commit("t1", &person, vec![renew("rx-1")])).await.expect("opened");
    let again = store.commit(commit("t2", &person, vec![renew("rx-1")])).await;
    assert!(matches!(again, Err(CommitError::Conflict(Conflict::AlreadyOpen))));
    let renewals = store.renewals(&person).await.expect("read");
    let renewals = renewals.reveal(&permit(&store, &person).await).expect("theirs");
    let (id, state) = (renewals[0].id.clone(), renewals[0].state);
    assert_eq!(
        (renewals.len(), renewals[0].medicine.as_str(), state),
        (1, "fluorozepamol", RenewalState::PrescriberAsked)
    );
    let to = |state| store.advance_renewal(&person, &id, state, "Dr. Wombat", at(20));
    assert!(matches!(to(RenewalState::PickedUp).await, Err(StoreError::NotPossible)));
    assert!(store.waiting_news(&person).await.expect("read").is_empty(), "what did not happen is no news");
    to(RenewalState::Approved).await.expect("approved");
    to(RenewalState::Denied).await.expect("denied");
    let waiting = store.waiting_news(&person).await.expect("read");
    assert_eq!(waiting.len(), 1, "the later step in place of the earlier");
    assert_eq!((waiting[0].topic, waiting[0].created), (Scope::Medicines, at(20)));
    assert!(matches!(to(RenewalState::Approved).await, Err(StoreError::NotPossible)));
    store.commit(commit("t3", &person, vec![renew("rx-1")])).await.expect("a closed one leaves room");
    assert!(store.advance_renewal(&person, "none", RenewalState::Denied, "x", at(20)).await.is_err());
}

async fn only_staff_end_a_request(place: Place) {
    let store = place.open().await;
    let person = admitted(&store, None).await;
    let call = Change::CallNurse { room: room("412"), need: "my secret need".into(), emergency: false };
    store.commit(commit("t1", &person, vec![call])).await.expect("durable");
    let cancel = Change::PatientSaysCancel { room: room("412") };
    store.commit(commit("t2", &person, vec![cancel])).await.expect("durable");
    let board = store.board(None).await.expect("read");
    assert_eq!(board.len(), 1, "the person's cancel does not end it");
    assert_eq!(board[0].need.as_deref(), Some("my secret need"));
    assert_eq!(board[0].patient_says_cancel, Some(at(10)));
    assert!(store.board(Some(&room("413"))).await.expect("read").is_empty());

    let id = board[0].id.clone();
    store.acknowledge(&id, "Kim", at(30)).await.expect("acknowledged");
    assert!(store.acknowledge(&id, "Lee", at(31)).await.is_err(), "the first one stays");
    let board = store.board(Some(&room("412"))).await.expect("read");
    assert_eq!((board[0].acknowledged, board[0].acknowledged_by.as_deref()), (Some(at(30)), Some("Kim")));
    let mut raw = place.raw().await;
    let deleted = sqlx::query("DELETE FROM request").execute(&mut raw).await;
    assert!(deleted.is_err(), "not even by SQL while it is open");
    store.close_request(&id, "Kim", at(40)).await.expect("closed");
    assert!(store.board(None).await.expect("read").is_empty());
    assert!(store.close_request(&id, "Kim", at(41)).await.is_err());
}
