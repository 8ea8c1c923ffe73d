//! Changes on their way: written with the turn, held by one, taken over from the dead, settled once, told once.

use jiff::SignedDuration;
use wellspoken::{
    actions::{Change, Facts, Notice, NoticeKind, RenewalState},
    policy::{EntryId, PersonId, Scope},
    records::outgoing::{Outgoing, Trouble},
    store::{
        Amended, Attempted, Claimed, CommitError, How, NewNotice, OutboxCounts, Store, StoreError, Told, TurnCommit,
        Which,
    },
};

use super::place::{Place, admitted, at, commit, credential, opening, permit, renew, session, slot, turn};

super::on_both!(
    a_change_goes_on_its_way_with_its_turn_or_not_at_all,
    one_of_many_gets_a_row_and_the_dead_are_taken_over_from,
    changes_of_one_thing_go_in_order,
    a_refusal_is_undone_and_told_in_one_commit,
    the_answer_is_what_is_true_by_then,
    news_is_told_once,
    a_destroyed_key_ends_what_is_on_its_way,
    staff_try_again_and_give_up,
    retention_takes_what_arrived_and_never_what_has_not,
);

const LEASE: SignedDuration = SignedDuration::from_secs(60);

fn sending(name: &str, person: &PersonId, changes: Vec<Change>) -> TurnCommit {
    TurnCommit { sends: true, ..commit(name, person, changes) }
}

fn book(n: i64) -> Change {
    Change::Book { slot: slot(n), reason: None }
}

async fn going(store: &Store, turn: TurnCommit) -> Vec<String> {
    store.commit(turn).await.expect("durable").going.into_iter().map(|(_, id)| id).collect()
}

async fn claimed(store: &Store, now: i64) -> Option<Claimed> {
    store.claim(Which::Due, LEASE, at(now)).await.expect("asked")
}

/// What somebody who sent it writes down.
async fn ended(store: &Store, claimed: Claimed, how: How, notice: Option<NewNotice>) -> Attempted {
    let permit = permit(store, &claimed.row.person).await;
    let change = claimed.change.reveal(&permit).expect("theirs");
    Attempted { row: claimed.row, change, opened: permit.entry(), how, notice }
}

fn notice(topic: Scope) -> Notice {
    let facts = Facts::new("notice_renew_sent").with("medicine", "fluorozepamol").with("saved", at(10));
    Notice { kind: NoticeKind::ChangeSent, topic, sensitive: false, facts, next: None }
}

async fn counts(store: &Store) -> (i64, i64, i64, i64) {
    let OutboxCounts { waiting, sending, delivered, refused, .. } = store.outbox_counts().await.expect("read");
    (waiting, sending, delivered, refused)
}

async fn a_change_goes_on_its_way_with_its_turn_or_not_at_all(place: Place) {
    let store = place.open().await;
    let person = admitted(&store, None).await;
    assert!(going(&store, commit("t0", &person, vec![renew("rx-0")])).await.is_empty(), "no server, no row");
    let call = Change::PatientSaysCancel { room: super::place::room("412") };
    let ids = going(&store, sending("t1", &person, vec![renew("rx-1"), call, book(1)])).await;
    assert_eq!(ids.len(), 2, "what is nobody's business elsewhere stays");
    assert_eq!(counts(&store).await, (2, 0, 0, 0));
    // The same turn once more, and one whose change no longer fits: no row more.
    let again = store.commit(sending("t1", &person, vec![renew("rx-2")])).await;
    assert!(matches!(again, Err(CommitError::AlreadyAnswered(_))));
    let taken = store.commit(sending("t2", &person, vec![renew("rx-3"), book(1)])).await;
    assert!(matches!(taken, Err(CommitError::Conflict(_))));
    assert_eq!(counts(&store).await, (2, 0, 0, 0));
    let one = store.claim(Which::This(&ids[0]), LEASE, at(20)).await.expect("asked").expect("free");
    assert_eq!((one.row.id.as_str(), one.row.attempts, one.row.created), (ids[0].as_str(), 1, at(10)));
    let change = one.change.reveal(&permit(&store, &person).await).expect("theirs");
    assert!(matches!(change, Outgoing::Renew { prescription, .. } if prescription == "rx-1"));
    // A time that only a server knows can be taken too, and once.
    let ids = going(&store, sending("t4", &person, vec![book(77)])).await;
    assert_eq!(ids.len(), 1);
    assert!(matches!(store.commit(sending("t5", &person, vec![book(77)])).await, Err(CommitError::Conflict(_))));
}

async fn one_of_many_gets_a_row_and_the_dead_are_taken_over_from(place: Place) {
    // Two stores are two writers, as two processes are.
    let stores = [place.open().await, place.open().await];
    let person = admitted(&stores[0], None).await;
    for n in 0..6 {
        going(&stores[0], sending(&format!("t{n}"), &person, vec![renew(&format!("rx-{n}"))])).await;
    }
    let tries: Vec<_> = (0..24)
        .map(|n| {
            let store = stores[n % 2].clone();
            tokio::spawn(async move { claimed(&store, 20).await.map(|c| c.row.id) })
        })
        .collect();
    let mut taken = Vec::new();
    for task in tries {
        taken.extend(task.await.expect("ran"));
    }
    taken.sort();
    let many = taken.len();
    taken.dedup();
    assert_eq!((many, taken.len()), (6, 6), "each row once");
    assert!(claimed(&stores[1], 79).await.is_none(), "nothing is free before the leases run out");
    let late = claimed(&stores[1], 80).await.expect("whoever died is taken over from");
    assert_eq!(late.row.attempts, 2);
    // Whoever lost the lease writes nothing.
    let first = claimed(&stores[0], 80).await.expect("another");
    let second = stores[1].claim(Which::This(&first.row.id), LEASE, at(200)).await.expect("asked").expect("taken over");
    let lost = ended(&stores[0], first, How::Refused(Trouble::Invalid), None).await;
    assert!(matches!(stores[0].attempted(vec![lost], None, at(201)).await, Err(StoreError::NotPossible)));
    let done = ended(&stores[1], second, How::Delivered, None).await;
    stores[1].attempted(vec![done], None, at(202)).await.expect("written");
    let renewals =
        stores[1].renewals(&person).await.expect("read").reveal(&permit(&stores[1], &person).await).expect("theirs");
    assert_eq!(renewals.len(), 6, "nothing was undone by whoever came too late");
    assert!(stores[0].audit_verify().await.expect("read").whole());
}

async fn changes_of_one_thing_go_in_order(place: Place) {
    let store = place.open().await;
    let person = admitted(&store, None).await;
    let first = going(&store, sending("t1", &person, vec![renew("rx-1")])).await.remove(0);
    // It was denied here at once, so that another may be asked for; the first has not left yet.
    store.advance_renewal(&person, &first, RenewalState::Denied, "Dr. Wombat", at(11)).await.expect("denied");
    let second = going(&store, sending("t2", &person, vec![renew("rx-1")])).await.remove(0);
    let other = going(&store, sending("t3", &person, vec![renew("rx-2")])).await.remove(0);
    assert!(store.claim(Which::This(&second), LEASE, at(20)).await.expect("asked").is_none(), "it waits");
    let one = claimed(&store, 20).await.expect("the first");
    assert_eq!(one.row.id, first);
    assert_eq!(claimed(&store, 20).await.expect("of another thing").row.id, other);
    let due = at(500);
    let later = ended(&store, one, How::Later(Trouble::Busy, due), None).await;
    store.attempted(vec![later], None, at(21)).await.expect("written");
    assert!(claimed(&store, 22).await.is_none(), "the second waits for the first");
    assert_eq!(store.outbox_due().await.expect("read"), Some(at(80)), "the other one's lease; the second has to wait");
    let one = store.claim(Which::This(&first), LEASE, due).await.expect("asked").expect("due again");
    assert_eq!((one.row.id.as_str(), one.row.attempts), (first.as_str(), 2));
    let done = ended(&store, one, How::Delivered, None).await;
    store.attempted(vec![done], None, at(501)).await.expect("written");
    assert_eq!(store.claim(Which::This(&second), LEASE, at(501)).await.expect("asked").expect("free").row.id, second);
}

async fn a_refusal_is_undone_and_told_in_one_commit(place: Place) {
    let store = place.open().await;
    let person = admitted(&store, None).await;
    going(&store, sending("t1", &person, vec![book(1)])).await;
    going(&store, sending("t2", &person, vec![book(2)])).await;
    for (why, free) in [(Trouble::Taken, 1), (Trouble::Invalid, 2)] {
        let row = claimed(&store, 20).await.expect("due");
        let news = NewNotice { id: row.row.id.clone(), notice: notice(Scope::Visits) };
        let end = ended(&store, row, How::Refused(why), Some(news)).await;
        store.attempted(vec![end], None, at(21)).await.expect("written");
        let all = wellspoken::records::SlotQuery {
            from: jiff::Timestamp::MIN,
            until: jiff::Timestamp::MAX,
            provider: None,
            specialty: None,
            limit: 100,
            held_for: None,
        };
        assert_eq!(
            store.free_slots(&all).await.expect("read").len(),
            free,
            "what somebody else has is not offered again"
        );
    }
    let visits =
        store.booked_visits(&person).await.expect("read").reveal(&permit(&store, &person).await).expect("theirs");
    assert!(visits.is_empty());
    assert_eq!(counts(&store).await, (0, 0, 0, 2));
    assert_eq!(store.waiting_news(&person).await.expect("read").len(), 2);
    // What no prescriber was asked for may be asked for again.
    for turn in ["t3", "t4"] {
        going(&store, sending(turn, &person, vec![renew("rx-1")])).await;
        let row = claimed(&store, 20).await.expect("due");
        let end = ended(&store, row, How::Refused(Trouble::Invalid), None).await;
        store.attempted(vec![end], None, at(21)).await.expect("written");
        assert!(store.renewal_states(&person).await.expect("read").is_empty());
    }
    let rows = store.outbox_rows(false).await.expect("read");
    assert_eq!(rows[0].reason.as_deref(), Some("taken"));
    assert_eq!((rows[0].kind.as_str(), rows[0].due), ("book", None));
}

async fn the_answer_is_what_is_true_by_then(place: Place) {
    let store = place.open().await;
    let person = admitted(&store, None).await;
    let told = sending("t1", &person, vec![renew("rx-1")]);
    going(&store, sending("t1", &person, vec![renew("rx-1")])).await;
    let row = claimed(&store, 20).await.expect("due");
    let end = ended(&store, row, How::Delivered, None).await;
    let now = TurnCommit { answer: b"done".to_vec(), session_state: b"later".to_vec(), ..told };
    store.attempted(vec![end], Some(Amended { turn: &now }), at(21)).await.expect("written");
    let (s, t, c) = (session("s1"), turn("t1"), credential("cred"));
    let found = store.opening(&opening(Some(&s), &t, &c, Some(&person))).await.expect("read");
    assert_eq!(found.answered.expect("kept").answer, b"done");
    assert_eq!(found.session.expect("kept").state, b"later");
    // A conversation that went on meanwhile stays as it is.
    going(&store, sending("t2", &person, vec![renew("rx-2")])).await;
    let row = claimed(&store, 22).await.expect("due");
    let newer = TurnCommit { at: at(30), ..commit("t3", &person, vec![]) };
    store.commit(newer).await.expect("durable");
    let end = ended(&store, row, How::Delivered, None).await;
    let now = TurnCommit { answer: b"done".to_vec(), session_state: b"old".to_vec(), ..sending("t2", &person, vec![]) };
    store.attempted(vec![end], Some(Amended { turn: &now }), at(31)).await.expect("written");
    let found = store.opening(&opening(Some(&s), &t, &c, Some(&person))).await.expect("read");
    assert_eq!(found.session.expect("kept").state, b"state after t3");
}

async fn news_is_told_once(place: Place) {
    let store = place.open().await;
    let person = admitted(&store, None).await;
    going(&store, sending("t1", &person, vec![renew("rx-1")])).await;
    let row = claimed(&store, 20).await.expect("due");
    let news = NewNotice { id: "n1".into(), notice: notice(Scope::Medicines) };
    let end = ended(&store, row, How::Delivered, Some(news)).await;
    store.attempted(vec![end], None, at(21)).await.expect("written");
    let waiting = store.waiting_news(&person).await.expect("read");
    assert_eq!((waiting[0].id.as_str(), waiting[0].topic, waiting[0].hinted), ("n1", Scope::Medicines, false));
    let untold = store.untold(&person).await.expect("read").reveal(&permit(&store, &person).await).expect("theirs");
    assert_eq!(untold[0].notice.facts.reply, "notice_renew_sent");
    let tell = |name: &str, told| TurnCommit { told: vec![told], ..commit(name, &person, vec![]) };
    store.commit(tell("t2", Told::Hint("n1".into()))).await.expect("durable");
    assert!(store.waiting_news(&person).await.expect("read")[0].hinted);
    let whole = || Told::Whole("n1".into());
    let tries: Vec<_> = (0..8)
        .map(|n| {
            let (store, turn) = (store.clone(), tell(&format!("many{n}"), whole()));
            tokio::spawn(async move { store.commit(turn).await })
        })
        .collect();
    let mut told = 0;
    for task in tries {
        match task.await.expect("ran") {
            Ok(_) => told += 1,
            Err(CommitError::Told) => {}
            Err(error) => panic!("{error}"),
        }
    }
    assert_eq!(told, 1);
    assert!(store.waiting_news(&person).await.expect("read").is_empty());
}

async fn a_destroyed_key_ends_what_is_on_its_way(place: Place) {
    let store = place.open().await;
    let person = admitted(&store, None).await;
    going(&store, sending("t1", &person, vec![renew("rx-1")])).await;
    let hold = store.place_hold(&person, "a court", "Kim", at(11)).await.expect("held");
    assert!(matches!(store.destroy_person(&person, "Kim", at(12)).await, Err(StoreError::Held)));
    store.lift_hold(&person, Some(&hold), "over", "Kim", at(13)).await.expect("lifted");
    let sent_now = claimed(&store, 20).await.expect("due");
    assert!(store.destroy_person(&person, "Kim", at(21)).await.expect("destroyed"));
    assert_eq!(counts(&store).await, (0, 0, 0, 0));
    let change = Outgoing::Renew {
        prescription: "rx-1".into(),
        medicine: "x".into(),
        pharmacy: None,
        route: wellspoken::actions::Route::Pharmacy,
    };
    let late = Attempted { row: sent_now.row, change, opened: EntryId(1), how: How::Delivered, notice: None };
    assert!(store.attempted(vec![late], None, at(22)).await.is_err(), "there is nothing to write it down to");
    assert!(claimed(&store, 1000).await.is_none());
}

async fn staff_try_again_and_give_up(place: Place) {
    let store = place.open().await;
    let person = admitted(&store, None).await;
    let id = going(&store, sending("t1", &person, vec![renew("rx-1")])).await.remove(0);
    assert!(store.outbox_drop(&id, "Kim", at(11)).await.is_err(), "what may still arrive is not given up");
    let row = claimed(&store, 20).await.expect("due");
    assert!(store.outbox_retry(&id, "Kim", at(20)).await.is_err(), "it is being sent");
    let end = ended(&store, row, How::Refused(Trouble::Invalid), None).await;
    store.attempted(vec![end], None, at(21)).await.expect("written");
    store.outbox_retry(&id, "Kim", at(22)).await.expect("tried again");
    let row = claimed(&store, 22).await.expect("due at once");
    let end = ended(&store, row, How::Refused(Trouble::Invalid), None).await;
    store.attempted(vec![end], None, at(23)).await.expect("written");
    let hold = store.place_hold(&person, "a court", "Kim", at(24)).await.expect("held");
    assert!(matches!(store.outbox_drop(&id, "Kim", at(25)).await, Err(StoreError::Held)));
    store.lift_hold(&person, Some(&hold), "over", "Kim", at(26)).await.expect("lifted");
    store.outbox_drop(&id, "Kim", at(27)).await.expect("given up");
    assert!(store.outbox_rows(true).await.expect("read").is_empty());
    assert!(store.audit_verify().await.expect("read").whole());
}

async fn retention_takes_what_arrived_and_never_what_has_not(place: Place) {
    let store = place.open().await;
    let person = admitted(&store, None).await;
    for n in 0..4 {
        going(&store, sending(&format!("t{n}"), &person, vec![renew(&format!("rx-{n}"))])).await;
    }
    for how in [How::Delivered, How::Refused(Trouble::Invalid)] {
        let row = claimed(&store, 20).await.expect("due");
        let news = NewNotice { id: row.row.id.clone(), notice: notice(Scope::Medicines) };
        let end = ended(&store, row, how, Some(news)).await;
        store.attempted(vec![end], None, at(21)).await.expect("written");
    }
    let _sending = claimed(&store, 20).await.expect("due");
    let told = Told::Whole(store.waiting_news(&person).await.expect("read")[0].id.clone());
    let tell = TurnCommit { told: vec![told], ..commit("t9", &person, vec![]) };
    store.commit(tell).await.expect("durable");
    let rule = wellspoken::config::RetentionConfig::default();
    let late = at(400 * 24 * 3600);
    let hold = store.place_hold(&person, "a court", "Kim", at(24)).await.expect("held");
    store.forget(&rule, late).await.expect("swept");
    assert_eq!(counts(&store).await, (1, 1, 1, 1), "a hold keeps all of it");
    store.lift_hold(&person, Some(&hold), "over", "Kim", at(26)).await.expect("lifted");
    assert_eq!(store.forget(&rule, late).await.expect("swept").settled, 2);
    assert_eq!(counts(&store).await, (1, 1, 0, 1));
    assert_eq!(store.waiting_news(&person).await.expect("read").len(), 1, "what was not told waits");
}
