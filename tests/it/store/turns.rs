//! A turn happens once, whole, and its answer is kept for its repeat.

use wellspoken::{
    actions::Conflict,
    config::RetentionConfig,
    policy::Event,
    store::{CommitError, TurnCommit},
};

use super::place::{Place, admitted, at, commit, credential, entry, opening, renew, session, turn};

super::on_both!(
    a_turn_leaves_its_session_answer_and_audit_row,
    a_repeat_is_told_from_another_turn,
    concurrent_repeats_act_once,
    a_refused_change_leaves_nothing,
    concurrent_turns_share_commits,
    what_is_old_is_forgotten,
);

async fn a_turn_leaves_its_session_answer_and_audit_row(place: Place) {
    let store = place.open().await;
    let person = admitted(&store, None).await;
    let before = store.audit_verify().await.expect("read").entries;
    let done = store.commit(commit("t1", &person, vec![renew("rx-1")])).await.expect("committed");
    assert_eq!(done.closing.0, before + 1);
    // Another process finds it all.
    let store = place.open().await;
    let (s, t, c) = (session("s1"), turn("t1"), credential("cred"));
    let found = store.opening(&opening(Some(&s), &t, &c, Some(&person))).await.expect("read");
    let saved = found.session.expect("kept");
    assert_eq!(saved.state, b"state after t1");
    assert_eq!((saved.person, saved.credential, saved.last), (Some(person.clone()), c.clone(), at(10)));
    assert_eq!(found.answered.expect("kept").answer, b"answer to t1");
    assert_eq!(found.agreed.uses.answer().len(), 3);
    store.commit(commit("t2", &person, vec![])).await.expect("committed");
    let t2 = turn("t2");
    let found = store.opening(&opening(Some(&s), &t2, &c, Some(&person))).await.expect("read");
    assert_eq!(found.session.expect("kept").state, b"state after t2");
}

async fn a_repeat_is_told_from_another_turn(place: Place) {
    let store = place.open().await;
    let person = admitted(&store, None).await;
    store.commit(commit("t1", &person, vec![])).await.expect("committed");
    let (s, other, t, c) = (session("s1"), session("s2"), turn("t1"), credential("cred"));
    let same = store.opening(&opening(Some(&s), &t, &c, None)).await.expect("read").answered.expect("kept");
    assert!(same.body_matches && same.session_matches);
    let none = store.opening(&opening(None, &t, &c, None)).await.expect("read").answered.expect("kept");
    assert!(none.session_matches, "a first turn is repeated without a session");
    let moved = store.opening(&opening(Some(&other), &t, &c, None)).await.expect("read").answered.expect("kept");
    assert!(!moved.session_matches);
    let mut query = opening(Some(&s), &t, &c, None);
    query.body_hash = [8; 32];
    assert!(!store.opening(&query).await.expect("read").answered.expect("kept").body_matches);
    let stranger = credential("stranger");
    let found = store.opening(&opening(Some(&s), &t, &stranger, None)).await.expect("read");
    assert!(found.answered.is_none(), "another credential never sees the answer");
}

async fn concurrent_repeats_act_once(place: Place) {
    let stores = [place.open().await, place.open().await];
    let person = admitted(&stores[0], None).await;
    for round in 0..5 {
        let repeats: Vec<_> = (0..8)
            .map(|n| {
                let (store, person) = (stores[n % 2].clone(), person.clone());
                tokio::spawn(async move {
                    store.commit(commit(&format!("t{round}"), &person, vec![renew(&format!("rx-{round}"))])).await
                })
            })
            .collect();
        let mut acted = 0;
        for task in repeats {
            match task.await.expect("ran") {
                Ok(_) => acted += 1,
                Err(CommitError::AlreadyAnswered(answered)) => {
                    assert_eq!(answered.answer, format!("answer to t{round}").as_bytes());
                    assert!(answered.body_matches && answered.session_matches);
                }
                Err(e) => panic!("{e}"),
            }
        }
        assert_eq!(acted, 1);
    }
}

async fn a_refused_change_leaves_nothing(place: Place) {
    let store = place.open().await;
    let person = admitted(&store, None).await;
    store.commit(commit("t1", &person, vec![renew("rx-1")])).await.expect("committed");
    let before = store.audit_verify().await.expect("read").entries;
    let refused = store.commit(commit("t2", &person, vec![renew("rx-2"), renew("rx-1")])).await;
    assert!(matches!(refused, Err(CommitError::Conflict(Conflict::AlreadyOpen))));
    let (s, t, c) = (session("s1"), turn("t2"), credential("cred"));
    let found = store.opening(&opening(Some(&s), &t, &c, None)).await.expect("read");
    assert!(found.answered.is_none());
    assert_eq!(found.session.expect("kept").state, b"state after t1");
    assert_eq!(store.audit_verify().await.expect("read").entries, before);
    store.commit(commit("t3", &person, vec![renew("rx-2")])).await.expect("rx-2 was not opened by the refused turn");
}

async fn concurrent_turns_share_commits(place: Place) {
    use wellspoken::policy::Journal;
    let store = place.open().await;
    let person = admitted(&store, None).await;
    let (entries, commits) = (store.audit_verify().await.expect("read").entries, store.commits());
    let all: Vec<_> = (0..16)
        .map(|n| {
            let (store, person) = (store.clone(), person.clone());
            tokio::spawn(async move {
                let mut refused = 0;
                for k in 0..10 {
                    let opened = store.append(entry(Event::Opened, Some(&person), k)).await.expect("durable");
                    let mut turn: TurnCommit = commit(&format!("t{n}-{k}"), &person, vec![renew(&format!("rx-{k}"))]);
                    turn.session = session(&format!("s{n}"));
                    turn.closing.closes = Some(opened);
                    match store.commit(turn).await {
                        Ok(_) => {}
                        Err(CommitError::Conflict(Conflict::AlreadyOpen)) => refused += 1,
                        Err(e) => panic!("{e}"),
                    }
                }
                refused
            })
        })
        .collect();
    let mut refused = 0;
    for task in all {
        refused += task.await.expect("ran");
    }
    assert_eq!(refused, 150, "one of sixteen opens each renewal, and the others' refusals harm nobody");
    let report = store.audit_verify().await.expect("read");
    assert!(report.whole());
    assert_eq!(report.entries - entries, 160 + 10);
    let commits = store.commits() - commits;
    assert!(commits < 250, "320 jobs took {commits} commits");
}

async fn what_is_old_is_forgotten(place: Place) {
    let store = place.open().await;
    let person = admitted(&store, None).await;
    store.commit(commit("t1", &person, vec![])).await.expect("committed");
    let (s, t, c) = (session("s1"), turn("t1"), credential("cred"));
    let rule = RetentionConfig { conversation_hours: 1, answer_hours: 1, expired_credential_days: 0 };
    let hour = 3600;
    let before = store.audit_verify().await.expect("read").entries;
    assert!(!store.forget(&rule, at(10 + hour)).await.expect("done").any());
    assert_eq!(store.audit_verify().await.expect("read").entries, before, "nothing to tell of");
    let found = store.opening(&opening(Some(&s), &t, &c, None)).await.expect("read");
    assert!(found.session.is_some() && found.answered.is_some());
    let gone = store.forget(&rule, at(11 + hour)).await.expect("done");
    assert_eq!((gone.conversations, gone.answers), (1, 1));
    assert_eq!(store.audit_verify().await.expect("read").entries, before + 1, "a proof is left");
    let found = store.opening(&opening(Some(&s), &t, &c, None)).await.expect("read");
    assert!(found.session.is_none() && found.answered.is_none());
}
