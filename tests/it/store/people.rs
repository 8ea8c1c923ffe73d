//! Who is known, what they agreed to, where they lie, and who may come in.

use std::collections::HashSet;

use wellspoken::{
    policy::{Agreements, Event, PersonId, Scope, Surface, Use},
    records::{Chart, Prescription, Profile},
    store::{ChartKind, Grant, ImportOptions, ImportState, KeyOwner, Lot, PinTried, StoreError, TurnCommit},
};

use super::place::{self, Place, admitted, at, chart, commit, credential, entry, room, session, turn};

super::on_both!(
    a_chart_comes_back_to_whom_it_belongs,
    the_same_identifiers_are_the_same_person,
    one_chart_never_joins_two_people,
    a_number_of_somebody_else_is_refused,
    nothing_is_agreed_until_it_is,
    pins_fit_themselves,
    wrong_pins_are_few,
    a_room_forgets,
    tokens_let_in_whom_they_were_issued_for,
    a_one_time_token_is_spent_once,
);

async fn a_chart_comes_back_to_whom_it_belongs(place: Place) {
    let store = place.open().await;
    let person = admitted(&store, None).await;
    let rows = store.chart_rows::<Prescription>(&person, ChartKind::Prescriptions).await.expect("read");
    let rows = rows.reveal(&place::permit(&store, &person).await).expect("theirs");
    assert_eq!(rows[0].medicine, "fluorozepamol");
    let profile = store.chart_rows::<Profile>(&person, ChartKind::Profile).await.expect("read");
    let profile = profile.reveal(&place::permit(&store, &person).await).expect("theirs");
    assert_eq!(profile[0].given, "Quetzalina");

    let mut other = chart("other");
    other.identifiers = vec!["urn:hospital|other".into()];
    let other = store.import(&other, ImportOptions::default(), at(1)).await.expect("imported");
    let rows = store.chart_rows::<Prescription>(&person, ChartKind::Prescriptions).await.expect("read");
    assert!(rows.reveal(&place::permit(&store, &other).await).is_err());
    let nobody = PersonId::parse("nobody").expect("fits");
    assert!(store.chart_rows::<Prescription>(&nobody, ChartKind::Prescriptions).await.is_err());
    assert!(!store.person_exists(&nobody).await.expect("read"));
}

async fn the_same_identifiers_are_the_same_person(place: Place) {
    let store = place.open().await;
    let first = admitted(&store, None).await;
    let mut again = chart("metformin");
    again.identifiers.push("urn:insurer|99".into());
    assert_eq!(store.import(&again, ImportOptions::default(), at(1)).await.expect("imported"), first);
    let rows = store.chart_rows::<Prescription>(&first, ChartKind::Prescriptions).await.expect("read");
    let rows = rows.reveal(&place::permit(&store, &first).await).expect("theirs");
    assert_eq!((rows.len(), rows[0].medicine.as_str()), (1, "metformin"), "the chart is replaced");
    assert_eq!(store.consent(&first).await.expect("read").len(), 3, "consent stays");
    again.identifiers.remove(0);
    assert_eq!(store.import(&again, ImportOptions::default(), at(2)).await.expect("imported"), first);

    let concurrent: Vec<_> = (0..8)
        .map(|_| {
            let store = store.clone();
            let mut chart = chart("x");
            chart.identifiers = vec!["urn:hospital|new".into()];
            tokio::spawn(async move { store.import(&chart, ImportOptions::default(), at(3)).await.expect("imported") })
        })
        .collect();
    let mut people = vec![];
    for task in concurrent {
        people.push(task.await.expect("ran"));
    }
    assert!(people.iter().all(|p| *p == people[0]), "imported at once, still one person");
}

async fn one_chart_never_joins_two_people(place: Place) {
    let store = place.open().await;
    admitted(&store, None).await;
    let mut other = chart("x");
    other.identifiers = vec!["urn:hospital|2".into()];
    store.import(&other, ImportOptions::default(), at(1)).await.expect("imported");
    let before = store.audit_verify().await.expect("read").entries;
    other.identifiers.push("urn:hospital|MRN-77123".into());
    let refused = store.import(&other, ImportOptions::default(), at(2)).await;
    assert!(matches!(refused, Err(StoreError::TwoPeople)));
    assert_eq!(store.audit_verify().await.expect("read").entries, before, "nothing was written");
}

async fn a_number_of_somebody_else_is_refused(place: Place) {
    let store = place.open().await;
    let mut own = chart("fluorozepamol");
    own.profile.birth = Some(jiff::civil::date(1960, 2, 3));
    let person = admitted(&store, None).await;
    assert_eq!(store.import(&own, ImportOptions::default(), at(1)).await.expect("imported"), person);
    let before = store.audit_verify().await.expect("read").entries;
    let born = |chart: &mut Chart| chart.profile.birth = Some(jiff::civil::date(1901, 1, 1));
    let named = |chart: &mut Chart| (chart.profile.given, chart.profile.family) = ("Bob".into(), "Reed".into());
    for (change, why) in [
        (&born as &dyn Fn(&mut Chart), "the date of birth differs"),
        (&named as &dyn Fn(&mut Chart), "the name differs"),
    ] {
        let mut other = chart("x");
        change(&mut other);
        let refused = store.import(&other, ImportOptions::default(), at(1)).await;
        assert!(matches!(refused, Err(StoreError::AnotherPerson(told)) if told == why), "{refused:?}");
        let lot = Lot {
            import: why,
            done: 0,
            charts: &[other],
            consent: None,
            replace: false,
            removed: &HashSet::new(),
            at: at(1),
        };
        let tried = store.import_lot(lot, |tried| ImportState { done: tried.len() as u64, counted: vec![] }).await;
        let tried = tried.expect("the others go on");
        assert!(matches!(tried[..], [Err(StoreError::AnotherPerson(told))] if told == why), "{tried:?}");
    }
    assert_eq!(store.audit_verify().await.expect("read").entries, before, "nothing was written");
    let rows = store.chart_rows::<Prescription>(&person, ChartKind::Prescriptions).await.expect("read");
    let rows = rows.reveal(&place::permit(&store, &person).await).expect("theirs");
    assert_eq!(rows[0].medicine, "fluorozepamol", "nobody's chart is touched");
}

async fn nothing_is_agreed_until_it_is(place: Place) {
    let store = place.open().await;
    let person = store.import(&chart("x"), ImportOptions::default(), at(0)).await.expect("imported");
    assert!(store.consent(&person).await.expect("read").is_empty());
    let changed = entry(Event::ConsentChanged, Some(&person), 1);
    store.set_consent(&person, &Agreements::to_answer(&[Scope::Visits]), Some(0), &changed).await.expect("set");
    assert_eq!(store.consent(&person).await.expect("read"), vec![Scope::Visits]);
    let improve = Agreements::default().with([Use::Improve]);
    let late = store.set_consent(&person, &improve, Some(0), &changed).await;
    assert!(matches!(late, Err(StoreError::Outdated)), "nobody changes what they have not seen");
    assert!(!store.improves(&person).await.expect("read"), "answering is not improving");
    store.set_consent(&person, &improve, Some(1), &entry(Event::ConsentChanged, Some(&person), 2)).await.expect("set");
    assert!(store.improves(&person).await.expect("read"));
    assert!(store.consent(&person).await.expect("read").is_empty(), "improving is not answering");
    let third = entry(Event::ConsentChanged, Some(&person), 3);
    store.set_consent(&person, &Agreements::default(), None, &third).await.expect("set");
    assert!(!store.improves(&person).await.expect("read"));
    assert!(store.consent(&person).await.expect("read").is_empty(), "taken back at once");
    let versions = store.consent_versions(&person).await.expect("read");
    let told: Vec<_> = versions.iter().map(|version| (version.number, version.uses.written())).collect();
    let want = [(1, "answer.visits,recognize.visits"), (2, "improve"), (3, "")];
    assert_eq!(told, want.map(|(n, uses)| (n, uses.to_owned())));
    assert_eq!(store.agreed(&person).await.expect("read").version, 3);
    let nobody = PersonId::parse("nobody").expect("fits");
    assert!(matches!(
        store.set_consent(&nobody, &Agreements::default(), None, &entry(Event::ConsentChanged, Some(&nobody), 3)).await,
        Err(StoreError::UnknownPerson)
    ));
    assert!(store.consent(&nobody).await.expect("read").is_empty());
}

async fn pins_fit_themselves(place: Place) {
    let store = place.open().await;
    let person = admitted(&store, None).await;
    assert_eq!(
        store.try_pin(&person, "47118842", &entry(Event::Identified, Some(&person), 3), at(3)).await.expect("tried"),
        PinTried::Fits
    );
    assert_eq!(
        store.try_pin(&person, "4712", &entry(Event::Identified, Some(&person), 3), at(3)).await.expect("tried"),
        PinTried::Wrong
    );
    for bad in ["123", "12a4", "", "1234567890123"] {
        let options = ImportOptions { pin: Some(bad), ..ImportOptions::default() };
        assert!(matches!(store.import(&chart("x"), options, at(1)).await, Err(StoreError::BadPin)), "{bad}");
    }
    let mut other = chart("x");
    other.identifiers = vec!["urn:hospital|2".into()];
    let other = store.import(&other, ImportOptions::default(), at(2)).await.expect("imported");
    assert_eq!(
        store.try_pin(&other, "47118842", &entry(Event::Identified, Some(&other), 3), at(3)).await.expect("tried"),
        PinTried::NoneSet
    );
}

async fn wrong_pins_are_few(place: Place) {
    let store = place.open().await;
    let person = admitted(&store, None).await;
    let attempt = |pin: &'static str, minute: i64| {
        let (store, person) = (store.clone(), person.clone());
        let now = at(0) + jiff::SignedDuration::from_mins(minute);
        async move { store.try_pin(&person, pin, &entry(Event::Identified, Some(&person), 3), now).await.expect("tried") }
    };
    for _ in 0..3 {
        assert_eq!(attempt("0000", 0).await, PinTried::Wrong);
    }
    assert!(matches!(attempt("47118842", 1).await, PinTried::Locked(_)), "not even the right one");
    assert_eq!(attempt("47118842", 6).await, PinTried::Fits);
    for _ in 0..2 {
        assert_eq!(attempt("0000", 7).await, PinTried::Wrong);
    }
    assert_eq!(attempt("47118842", 7).await, PinTried::Fits, "the right one ends what was wrong before");
    assert_eq!(attempt("123", 7).await, PinTried::NoPin);
    // Many at once: no more are looked at than one after the other.
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..12 {
        tasks.spawn(attempt("0000", 8));
    }
    let told = tasks.join_all().await;
    let wrong = told.iter().filter(|t| **t == PinTried::Wrong).count();
    assert_eq!(wrong, 3, "{told:?}");
    // A new PIN opens what was shut.
    let options = ImportOptions { pin: Some("2468"), ..ImportOptions::default() };
    store.import(&chart("x"), options, at(2)).await.expect("imported");
    assert_eq!(attempt("2468", 9).await, PinTried::Fits);
}

async fn a_room_forgets(place: Place) {
    let store = place.open().await;
    let first = admitted(&store, Some("412")).await;
    let there = store.occupant(&room("412")).await.expect("read").expect("somebody");
    assert_eq!(there.person, first);
    let said = |stay| TurnCommit {
        owner: KeyOwner::Stay(stay),
        person: None,
        changes: vec![wellspoken::actions::Change::CallNurse {
            room: room("412"),
            need: "my secret need".into(),
            emergency: true,
        }],
        ..commit("t1", &first, vec![])
    };
    store.commit(said(there.stay.clone())).await.expect("committed");
    let (session, turn, cred) = (session("s1"), turn("t1"), credential("cred"));
    let look = async || store.opening(&place::opening(Some(&session), &turn, &cred, None)).await;
    assert!(look().await.expect("read").session.is_some());
    let again = admitted(&store, Some("412")).await;
    assert_eq!(again, first);
    assert_eq!(store.occupant(&room("412")).await.expect("read"), Some(there.clone()), "the same stay goes on");

    let mut next = chart("x");
    next.identifiers = vec!["urn:hospital|next".into()];
    let options = ImportOptions { room: Some(room("412")), ..ImportOptions::default() };
    let next = store.import(&next, options, at(20)).await.expect("imported");
    let now = store.occupant(&room("412")).await.expect("read").expect("somebody");
    assert_eq!(now.person, next);
    assert!(now.stay != there.stay);
    let found = look().await.expect("read");
    assert!(found.session.is_none() && found.answered.is_none(), "nothing carries over");
    let board = store.board(Some(&room("412"))).await.expect("read");
    assert_eq!(board.len(), 1, "an open request stays");
    assert!(board[0].emergency && board[0].stay_over.is_some(), "flagged");
    assert_eq!(
        board[0].need.as_deref(),
        Some("my secret need"),
        "staff must know what it is, though the stay's key is gone"
    );
    store.close_request(&board[0].id, "Maria", at(30)).await.expect("closed");
    assert!(store.board(None).await.expect("read").is_empty());
    let late = store.commit(TurnCommit { turn: place::turn("t2"), ..said(there.stay) }).await;
    assert!(late.is_err(), "an ended stay takes nothing any more");

    // The first person, moved elsewhere, leaves no second bed behind.
    admitted(&store, Some("500")).await;
    admitted(&store, Some("501")).await;
    assert!(store.occupant(&room("500")).await.expect("read").is_none());
}

async fn tokens_let_in_whom_they_were_issued_for(place: Place) {
    let store = place.open().await;
    let person = admitted(&store, Some("412")).await;
    let grant = |surface, person| Grant { surface, person, label: "Bed 2".into(), one_time: false, expires: at(100) };
    let bed = store.issue(&grant(Surface::Room(room("412")), None), "token-bed", at(0)).await.expect("issued");
    store.issue(&grant(Surface::Chat, Some(person.clone())), "token-own", at(0)).await.expect("issued");
    store.issue(&grant(Surface::ThirdParty, None), "token-third", at(0)).await.expect("issued");
    assert!(store.issue(&grant(Surface::Chat, None), "token-own", at(0)).await.is_err(), "never twice");

    let caller = store.authenticate("token-bed", at(1)).await.expect("read").expect("let in");
    assert_eq!((caller.surface, caller.person), (Surface::Room(room("412")), Some(person.clone())));
    assert!(caller.stay.is_some() && caller.credential == bed);
    let caller = store.authenticate("token-own", at(1)).await.expect("read").expect("let in");
    assert_eq!((caller.surface, caller.person), (Surface::Chat, Some(person.clone())));
    let caller = store.authenticate("token-third", at(1)).await.expect("read").expect("let in");
    assert_eq!((caller.surface, caller.person), (Surface::ThirdParty, None));
    assert!(store.authenticate("token-other", at(1)).await.expect("read").is_none());
    assert!(store.authenticate("token-own", at(100)).await.expect("read").is_none(), "too old");
    assert!(store.revoke(&bed, at(2)).await.expect("revoked"));
    assert!(store.authenticate("token-bed", at(3)).await.expect("read").is_none());
    assert!(!store.revoke(&bed, at(4)).await.expect("nothing there"));
    assert!(store.destroy_person(&person, "test", at(50)).await.expect("destroyed"));
    assert!(store.authenticate("token-own", at(1)).await.expect("read").is_none());
}

async fn a_one_time_token_is_spent_once(place: Place) {
    let store = place.open().await;
    let grant =
        Grant { surface: Surface::Chat, person: None, label: "talk page".into(), one_time: true, expires: at(100) };
    store.issue(&grant, "once", at(0)).await.expect("issued");
    assert!(store.authenticate("once", at(1)).await.expect("read").is_none(), "only to be redeemed");
    assert!(store.redeem("once", at(100)).await.expect("read").is_none(), "too old");
    let tries: Vec<_> = (0..8)
        .map(|_| {
            let store = store.clone();
            tokio::spawn(async move { store.redeem("once", at(1)).await.expect("tried") })
        })
        .collect();
    let mut granted = 0;
    for task in tries {
        if let Some(got) = task.await.expect("ran") {
            assert_eq!(got, grant);
            granted += 1;
        }
    }
    assert_eq!(granted, 1);
}
