//! Accounts, sessions of staff, broken glass and reviews, on both databases.

use jiff::SignedDuration;
use sqlx::Executor as _;
use wellspoken::{
    policy::{
        StaffVerdict, admit_staff,
        staff::{Role, StaffMember},
    },
    store::{ExportOptions, Grant, ImportOptions, NewStaffSession, ReviewRule, Settled, StoreError},
};

use super::place::{Place, at, chart, credential, room};

super::on_both!(
    an_account_stands_for_one_person_and_a_sign_in_comes_back_once,
    staff_and_glass_are_kept_and_an_open_review_is_never_deleted,
);

const REASON: &str = "called to a quibblefall in another unit";

async fn an_account_stands_for_one_person_and_a_sign_in_comes_back_once(place: Place) {
    let store = place.open().await;
    let person = store.import(&chart("x"), ImportOptions::default(), at(0)).await.expect("imported");
    let id = store.bind("https://id.example", "sub-1", &person, "portal", at(1)).await.expect("bound");
    let again = store.bind("https://id.example", "sub-1", &person, "portal", at(1)).await;
    assert!(matches!(again, Err(StoreError::NotPossible)));
    assert!(store.bound("https://id.example", "sub-2").await.expect("asked").is_none());
    // Where one ends and the other begins makes a difference.
    assert!(store.bound("https://id.examples", "ub-1").await.expect("asked").is_none());
    let bound = store.bound("https://id.example", "sub-1").await.expect("asked").expect("bound");
    assert_eq!((bound.person.as_ref(), bound.label.as_str()), (Some(&person), "portal"));

    let cookie = store.flow_cookie("people", [7; 32], at(2));
    let words = store.flow_words("people", &cookie, at(3)).expect("begun here");
    assert_eq!(words.verifier.len(), 64);
    assert!(store.flow_words("staff", &cookie, at(3)).is_none(), "the other side's");
    assert!(store.flow_words("people", &cookie, at(2 + 600)).is_none(), "too late");
    for bad in ["", ".", "..", "1.2.3", "9999999999999999999.a.b", &cookie[1..], &format!("{cookie}.")] {
        assert!(store.flow_words("people", bad, at(3)).is_none(), "{bad}");
    }
    assert!(store.spend_flow(&words, at(3)).await.expect("asked"));
    assert!(!store.spend_flow(&words, at(4)).await.expect("asked"), "once");

    let surface = wellspoken::policy::Surface::Chat;
    let grant = Grant { surface, person: Some(person), label: "portal".into(), one_time: false, expires: at(9000) };
    let idle = SignedDuration::from_mins(15);
    assert!(store.issue_signed_in(&id, &grant, "page-1", idle, at(5)).await.expect("issued"));
    assert!(store.authenticate("page-1", at(6)).await.expect("asked").is_some());
    assert!(store.unbind(&id, at(7)).await.expect("asked"));
    assert!(store.authenticate("page-1", at(8)).await.expect("asked").is_none(), "it ends with the binding");
    assert!(!store.issue_signed_in(&id, &grant, "page-2", idle, at(9)).await.expect("asked"), "taken back in between");
    assert!(store.authenticate("page-2", at(9)).await.expect("asked").is_none());
    assert!(store.audit_verify().await.expect("read").whole());
}

async fn staff_and_glass_are_kept_and_an_open_review_is_never_deleted(place: Place) {
    let store = place.open().await;
    let person = store.import(&chart("x"), ImportOptions::default(), at(0)).await.expect("imported");
    let (roles, rooms) = ([Role::Nurse, Role::PrivacyOfficer], [room("room-7")]);
    let new = |subject| NewStaffSession {
        issuer: "https://id.example",
        subject,
        name: "Ada Quill",
        roles: &roles,
        rooms: &rooms,
        expires: at(36_000),
    };
    store.open_staff_session(&new("ada"), "token-1", at(1)).await.expect("opened");
    assert!(store.open_staff_session(&new("ada"), "token-1", at(1)).await.is_err(), "a token is used once");
    let idle = SignedDuration::from_mins(15);
    let ada = store.staff_session("token-1", idle, true, at(60)).await.expect("asked").expect("signed in");
    assert_eq!((ada.roles.as_slice(), ada.rooms.as_slice()), (&roles[..], &rooms[..]));
    assert_eq!(store.staff_names().await.expect("names")[ada.member.as_str()], "Ada Quill");

    let glass = store.break_glass(&ada, &person, REASON, at(3700), at(100)).await.expect("broken");
    let open = async |seconds| store.open_glass(&ada.member, &person, at(seconds)).await.expect("asked");
    assert_eq!(open(101).await.expect("open").id, glass.id);
    assert!(open(3700).await.is_none() && open(99).await.is_none());
    let open = open(200).await;
    let verdict = admit_staff(&ada, &person, None, open.as_ref(), at(200), &store).await.expect("written");
    let StaffVerdict::Allow(permit, under) = verdict else { panic!("not allowed") };
    assert_eq!((permit.subject(), under.as_ref()), (&person, Some(&glass.id)));

    let export = ExportOptions {
        from: None,
        to: None,
        bundle: false,
        by: "uid 7".into(),
        organization: "the ward".into(),
        at: at(300),
    };
    let mut out = vec![];
    store.audit_export(&export, &mut out).await.expect("exported");
    let lines: Vec<serde_json::Value> =
        String::from_utf8(out).expect("text").lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
    let text: Vec<String> = lines.iter().map(ToString::to_string).filter(|l| l.contains(glass.id.as_str())).collect();
    assert_eq!(text.len(), 3, "broken, put before the officers, looked at");
    let look = text.iter().find(|line| line.contains("staff.record.break-glass")).expect("the look");
    assert!(look.contains("\"BTG\"") && look.contains(ada.member.as_str()) && !look.contains("PATRQT"), "{look}");
    assert!(text.iter().any(|line| line.contains("Emergency Override Started")));

    let dana = StaffMember { member: credential("dana"), ..ada.clone() };
    let queue = store.reviews(&dana, false, at(400)).await.expect("read");
    assert_eq!((queue.len(), queue[0].reason.as_deref()), (1, Some(REASON)));
    assert_eq!(queue[0].name.as_deref(), Some("Ada Quill"));
    let mut raw = place.raw().await;
    assert!(raw.execute("DELETE FROM review").await.is_err(), "an open one is never deleted");
    let settle = async |who: &StaffMember| {
        store.settle_review(who, &queue[0].id, "asked her, and it was needed", at(500)).await.expect("asked")
    };
    assert_eq!(settle(&ada).await, Settled::OwnCase);
    assert_eq!(settle(&dana).await, Settled::Done);
    assert_eq!(settle(&dana).await, Settled::NotThere);
    assert!(store.reviews(&dana, false, at(501)).await.expect("read").is_empty());
    assert_eq!(store.reviews(&dana, true, at(501)).await.expect("read").len(), 1);

    let rule = ReviewRule { people: 2, window: idle, known: idle };
    assert_eq!(store.raise_strangers(rule, at(600)).await.expect("looked"), 0);
    assert_eq!(store.raise_strangers(rule, at(700)).await.expect("looked"), 0);
    assert!(store.shut_glass(&ada, &person, at(800)).await.expect("asked"));
    assert!(!store.shut_glass(&ada, &person, at(801)).await.expect("asked"));
    assert_eq!(store.end_staff_sessions("uid 7", at(900)).await.expect("ended"), 1);
    assert!(store.staff_session("token-1", idle, true, at(901)).await.expect("asked").is_none());
    assert!(store.audit_verify().await.expect("read").whole());
}
