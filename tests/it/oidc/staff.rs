//! Staff: how they sign in, whom they see, glass they break, and who looks into it.

use std::sync::{Arc, Mutex};

use jiff::{SignedDuration, Timestamp};
use reqwest::Method;
use serde_json::{Value, json};
use wellspoken::{
    config::AlertsConfig,
    policy::{
        CredentialId, Event, Journal, PersonId, RoomId,
        staff::{Role, StaffMember},
        staff_row,
    },
    staff::{Alerts, Ask, Desk, NotTold, Told, Whom},
    store::{NewStaffSession, ReviewRule, Store, verify_export},
};

use super::stage::Stage;
use crate::support::{self, now};

const REASON: &str = "Called to a fall in the corridor of another unit";

pub fn member(name: &str, role: Role) -> StaffMember {
    let rooms = vec![RoomId::parse("room-7").expect("fits"), RoomId::parse("room-8").expect("fits")];
    StaffMember { member: CredentialId::parse(name).expect("fits"), roles: vec![role], rooms }
}

fn desk(store: &Store) -> Desk {
    let alerts = Arc::new(Alerts::new(&AlertsConfig::default()).expect("nothing to read"));
    Desk::new(store.clone(), alerts, SignedDuration::from_mins(60))
}

fn later(minutes: i64) -> Timestamp {
    now() + SignedDuration::from_mins(minutes)
}

async fn told(stage: &Stage, session: &str, method: Method, path: &str, body: Value) -> (u16, Value) {
    let response = stage.ask(session, method, path, &body).send().await.expect("an answer");
    (response.status().as_u16(), response.json().await.expect("JSON"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn claims_become_roles_and_rooms_and_nothing_becomes_nothing() {
    let stage = Stage::open().await;
    for (claims, why) in [
        (json!({}), "no claim"),
        (json!({ "groups": "visitors" }), "a value nobody mapped"),
        (json!({ "groups": ["visitors", "RN"] }), "another case"),
        (json!({ "groups": { "rn": true } }), "neither a text nor a list"),
        (json!({ "groups": "nurse" }), "the role's own name is no value"),
        (json!({ "roles": ["rn"] }), "another claim"),
    ] {
        let ended = stage.staff_signs_in("ada-1", claims).await;
        assert_eq!((ended.to.as_str(), ended.session), ("/console#sign-in=refused", None), "{why}");
    }
    let claims = json!({ "groups": ["rn", "visitors"], "units": ["4-west", "nowhere"], "name": "Ada Quillfeather" });
    let ended = stage.staff_signs_in("ada-1", claims).await;
    assert_eq!(ended.to, "/console#sign-in=done");
    let session = ended.session.expect("a session");
    let (status, me) = told(&stage, &session, Method::GET, "/v1/staff/me", Value::Null).await;
    assert_eq!(status, 200);
    let rights =
        json!(["board", "acknowledge", "complete", "say-back", "duty", "people", "record", "break-glass", "fleet"]);
    let wanted =
        json!({ "name": "Ada Quillfeather", "roles": ["nurse"], "rights": rights, "rooms": ["room-7", "room-8"] });
    assert_eq!(me, wanted);
    let left = stage.ask(&session, Method::DELETE, "/v1/staff/session", &Value::Null).send().await.expect("an answer");
    assert_eq!(left.status(), 204);
    assert_eq!(told(&stage, &session, Method::GET, "/v1/staff/me", Value::Null).await.0, 401);
    // A count of alerts is there for operators, and names nobody.
    stage.store().issue_operator("x", "wso_watch", later(60), now()).await.expect("issued");
    let metrics = stage.request(Method::GET, "/metrics").bearer_auth("wso_watch").send().await.expect("an answer");
    let metrics = metrics.text().await.expect("a body");
    assert!(metrics.contains("wellspoken_alerts{kind=\"break-glass\"} 0"), "{metrics}");
    for file in std::fs::read_dir(stage.dir.path().join("data")).expect("a folder").flatten() {
        let bytes = std::fs::read(file.path()).unwrap_or_default();
        for word in ["Quillfeather", "ada-1", "room-8"] {
            let found = bytes.windows(word.len()).any(|w| w == word.as_bytes());
            assert!(!found, "{word:?} in {}", file.path().display());
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_idle_session_loses_its_rights_and_a_page_that_looks_again_keeps_none_alive() {
    let scratch = support::empty().await;
    let store = scratch.app.store();
    let (roles, rooms, idle) = ([Role::Nurse], [], SignedDuration::from_mins(15));
    let new = wellspoken::store::NewStaffSession {
        issuer: "i",
        subject: "s",
        name: "Ada",
        roles: &roles,
        rooms: &rooms,
        expires: later(60),
    };
    for token in ["idle", "busy", "looking"] {
        store.open_staff_session(&new, token, now()).await.expect("opened");
    }
    let known = |token: &'static str, renew, at| async move {
        store.staff_session(token, idle, renew, at).await.expect("asked").is_some()
    };
    for minute in 1..60 {
        if minute % 5 == 0 {
            assert!(known("busy", true, later(minute)).await, "{minute}");
            assert_eq!(known("looking", false, later(minute)).await, minute < 15, "{minute}");
        }
    }
    assert!(!known("busy", true, later(60)).await, "whatever is done, it ends");
    assert!(known("idle", true, later(14)).await);
    assert!(!known("idle", true, later(29)).await);
    assert!(!known("never", true, now()).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn staff_see_their_own_rooms_and_whoever_else_only_under_glass() {
    let scratch = support::empty().await;
    let store = scratch.app.store();
    let rosa = support::add_demo(&scratch, "rosa-delgado.json", "none", Some("room-7")).await;
    let other = support::add_demo(&scratch, "milo-tran.json", "none", Some("room-99")).await;
    let (desk, nurse) = (desk(store), member("ada", Role::Nurse));
    let ask = |ask, at| desk.answer(&nurse, ask, at);
    let Ok(Told::People(people)) = ask(Ask::People, now()).await else { panic!("people") };
    assert_eq!(people.people.iter().map(|p| p.room.as_str()).collect::<Vec<_>>(), ["room-7"]);
    let Ok(Told::Record(record)) = ask(Ask::Record(rosa.clone()), now()).await else { panic!("a record") };
    assert_eq!(record.name.as_deref(), Some("Rosa Delgado"));
    assert!(record.until.is_none() && record.medicines.iter().any(|m| m.medicine == "lisinopril"));
    assert!(record.copied.is_none(), "it is kept here");
    assert!(
        record
            .vitals
            .iter()
            .any(|v| (v.measure, v.value.as_str(), v.unit) == ("blood pressure", "138 over 86", "mm[Hg]"))
    );
    assert!(record.conditions.iter().any(|c| c.name == "type 2 diabetes" && c.status == "active" && c.confirmed));
    assert!(record.immunizations.iter().any(|i| i.vaccine.contains("Tdap")));

    let refused = |told: Result<Told, NotTold>| told.err();
    let record = || Ask::Record(other.clone());
    assert_eq!(refused(ask(record(), now()).await), Some(NotTold::BreakGlass));
    let nobody = PersonId::parse("0192f0c1-9e4b-7c3a-b1a2-000102030405").expect("fits");
    assert_eq!(refused(ask(Ask::Record(nobody.clone()), now()).await), Some(NotTold::NotThere));
    let break_glass = |whom: &PersonId, why: &str| Ask::BreakGlass(Whom::Person(whom.clone()), why.into());
    for why in ["", "work", "1234567890", &"x".repeat(600)] {
        assert_eq!(refused(ask(break_glass(&other, why), now()).await), Some(NotTold::BadReason), "{why}");
    }
    assert_eq!(refused(ask(break_glass(&rosa, REASON), now()).await), Some(NotTold::NoNeed));
    assert_eq!(refused(ask(break_glass(&nobody, REASON), now()).await), Some(NotTold::NotThere));
    assert_eq!(store.open_reviews().await.expect("asked"), 0);

    let before = store.audit_verify().await.expect("read").entries;
    let Ok(Told::Glass(glass)) = ask(break_glass(&other, REASON), now()).await else { panic!("glass") };
    assert_eq!(glass.until, later(60));
    assert_eq!(store.open_reviews().await.expect("asked"), 1, "in the queue at once");
    assert_eq!(store.audit_verify().await.expect("read").entries, before + 2, "audited before anything is shown");
    let Ok(Told::Record(shown)) = ask(record(), later(59)).await else { panic!("a record") };
    assert_eq!((shown.name.as_deref(), shown.until), (Some("Milo Tran"), Some(later(60))));
    assert_eq!(store.audit_verify().await.expect("read").entries, before + 4, "each look opens and closes a row");
    // It is one person's, one member's, and for an hour.
    assert_eq!(refused(ask(record(), later(60)).await), Some(NotTold::BreakGlass));
    let (bob, manager) = (member("bob", Role::Nurse), member("ada", Role::UnitManager));
    assert_eq!(refused(desk.answer(&bob, record(), later(1)).await), Some(NotTold::BreakGlass));
    assert_eq!(refused(desk.answer(&manager, record(), later(1)).await), Some(NotTold::NoRight));
    assert!(matches!(ask(Ask::ShutGlass(other.clone()), later(5)).await, Ok(Told::Done(_))));
    assert_eq!(refused(ask(record(), later(6)).await), Some(NotTold::BreakGlass), "shut before its time");
    assert_eq!(refused(ask(Ask::ShutGlass(other.clone()), later(6)).await), Some(NotTold::NotThere));
    assert!(store.audit_verify().await.expect("read").whole());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_officer_looks_into_it_and_nothing_of_it_is_in_clear() {
    let scratch = support::empty().await;
    let store = scratch.app.store();
    let other = support::add_demo(&scratch, "milo-tran.json", "none", None).await;
    let desk = desk(store);
    // Somebody who is a nurse and an officer at once.
    let mut both = member("cleo", Role::Nurse);
    both.roles.push(Role::PrivacyOfficer);
    let officer = member("dana", Role::PrivacyOfficer);
    let ask = Ask::BreakGlass(Whom::Person(other.clone()), REASON.into());
    assert!(desk.answer(&both, ask, now()).await.is_ok());
    let Ok(Told::Reviews(queue)) = desk.answer(&officer, Ask::Reviews(false), later(1)).await else { panic!("queue") };
    let [review] = &queue.reviews[..] else { panic!("{} reviews", queue.reviews.len()) };
    assert_eq!((review.kind.as_str(), review.who.as_str()), ("break-glass", "cleo"));
    assert_eq!((review.reason.as_deref(), review.until), (Some(REASON), Some(later(60))));
    assert_eq!(review.person.as_deref(), Some(other.as_str()));
    let settle = |finding: &str| Ask::Settle(review.id.clone(), finding.into());
    let finding = "Spoke with the charge nurse: justified, no more to do";
    assert_eq!(desk.answer(&both, settle(finding), later(2)).await.err(), Some(NotTold::OwnCase));
    assert_eq!(desk.answer(&officer, settle("ok"), later(2)).await.err(), Some(NotTold::BadReason));
    assert!(desk.answer(&officer, settle(finding), later(2)).await.is_ok());
    assert_eq!(desk.answer(&officer, settle(finding), later(2)).await.err(), Some(NotTold::NotThere), "once");
    let Ok(Told::Reviews(open)) = desk.answer(&officer, Ask::Reviews(false), later(3)).await else { panic!("queue") };
    assert!(open.reviews.is_empty());
    let Ok(Told::Reviews(all)) = desk.answer(&officer, Ask::Reviews(true), later(3)).await else { panic!("queue") };
    assert_eq!(all.reviews[0].finding.as_deref(), Some(finding));
    for file in std::fs::read_dir(scratch.dir.path().join("data")).expect("a folder").flatten() {
        let bytes = std::fs::read(file.path()).unwrap_or_default();
        for word in ["fall in the corridor", "charge nurse", "cleo", "dana"] {
            let found = bytes.windows(word.len()).any(|w| w == word.as_bytes());
            assert!(!found, "{word:?} in {}", file.path().display());
        }
    }
    // The person's key goes, the review stays, and no longer says why.
    assert!(store.destroy_person(&other, "uid 7", later(4)).await.expect("destroyed"));
    let Ok(Told::Reviews(all)) = desk.answer(&officer, Ask::Reviews(true), later(5)).await else { panic!("queue") };
    assert_eq!((all.reviews.len(), all.reviews[0].reason.as_deref()), (1, None));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_board_is_that_of_ones_own_rooms() {
    let stage = Stage::open().await;
    let store = stage.store();
    for room in ["room-7", "room-99"] {
        let surface = wellspoken::policy::Surface::Room(RoomId::parse(room).expect("fits"));
        let mut speaker = support::Speaker::new(stage.program.app(), surface, None);
        speaker.says("can I get some water").await;
    }
    let (desk, nurse) = (desk(store), member("ada", Role::Nurse));
    let before = store.audit_verify().await.expect("read").entries;
    let board = || async {
        let Ok(Told::Board(board)) = desk.answer(&nurse, Ask::Board, now()).await else { panic!("a board") };
        board.requests
    };
    let requests = board().await;
    assert_eq!(requests.iter().map(|r| r.room.as_str()).collect::<Vec<_>>(), ["room-7"]);
    board().await;
    let after = store.audit_verify().await.expect("read").entries;
    assert_eq!(after, before + 1, "the first look at a call is audited, a page that looks again is not");
    let elsewhere = store.board(Some(&RoomId::parse("room-99").expect("fits"))).await.expect("a board");
    for ask in [Ask::Acknowledge(elsewhere[0].id.clone()), Ask::Complete(elsewhere[0].id.clone())] {
        assert_eq!(desk.answer(&nurse, ask, now()).await.err(), Some(NotTold::NotThere));
    }
    assert!(desk.answer(&nurse, Ask::Acknowledge(requests[0].id.clone()), now()).await.is_ok());
    assert!(board().await[0].acknowledged.is_some());
    assert!(desk.answer(&nurse, Ask::Complete(requests[0].id.clone()), now()).await.is_ok());
    assert!(board().await.is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_clinician_tells_results_of_their_own_people_and_says_what_was_told() {
    let stage = Stage::open().await;
    let store = stage.store();
    let waiting = store.for_clinician().await.expect("read");
    let [row] = waiting.as_slice() else { panic!("{} rows", waiting.len()) };
    let person = row.person.clone().expect("known");
    let desk = desk(store);
    let with_rooms = |rooms: &[&str]| StaffMember {
        rooms: rooms.iter().map(|room| RoomId::parse(room).expect("fits")).collect(),
        ..member("eve", Role::Clinician)
    };
    let room = if row.room.is_empty() { "outpatients" } else { row.room.as_str() };
    let (theirs, elsewhere) = (with_rooms(&[room]), with_rooms(&["room-99"]));
    let shown = |staff: StaffMember| {
        let desk = &desk;
        async move {
            let Ok(Told::Results(view)) = desk.answer(&staff, Ask::Results, now()).await else { panic!("results") };
            view.results
        }
    };
    assert!(shown(elsewhere.clone()).await.is_empty(), "of one's own units alone");
    let trail = async || {
        let mut looks = 0;
        let about = store.audit_about(&person, None, None).await.expect("read");
        let _counted = about.map(|all| looks = all.len());
        looks
    };
    let before = trail().await;
    for _ in 0..2 {
        let told = shown(theirs.clone()).await;
        assert!(told[0].about.as_deref().is_some_and(|about| about.contains("potassium")));
    }
    assert_eq!(trail().await, before + 1, "the first look is in the person's own trail, once");
    let say = |words: &str| Ask::ToldResult(row.id.clone(), words.into());
    let words = "Told her that it is high and drawn again tonight";
    assert_eq!(desk.answer(&member("ada", Role::Nurse), say(words), now()).await.err(), Some(NotTold::NoRight));
    assert_eq!(desk.answer(&elsewhere, say(words), now()).await.err(), Some(NotTold::NotThere));
    assert_eq!(desk.answer(&theirs, say("told"), now()).await.err(), Some(NotTold::BadReason));
    assert_eq!(store.for_clinician().await.expect("read").len(), 1, "nothing of that ended it");
    assert!(desk.answer(&theirs, say(words), now()).await.is_ok());
    assert_eq!(desk.answer(&theirs, say(words), now()).await.err(), Some(NotTold::NotThere), "once");
    assert!(store.for_clinician().await.expect("read").is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn planted_snooping_is_raised_by_itself_and_once() {
    let scratch = support::empty().await;
    let store = scratch.app.store();
    let rosa = support::add_demo(&scratch, "rosa-delgado.json", "none", Some("room-7")).await;
    let milo = support::add_demo(&scratch, "milo-tran.json", "none", None).await;
    let rule =
        ReviewRule { people: 2, window: SignedDuration::from_mins(60), known: SignedDuration::from_hours(24 * 30) };
    let look = |who: &'static str, whom: PersonId, intent: &'static str, event, minute| async move {
        let id = CredentialId::parse(who).expect("fits");
        store.append(staff_row(event, &id, Some(&whom), intent, None, None, later(minute))).await.expect("written");
    };
    // Work in one's own unit is none, however many.
    look("ada", rosa.clone(), "staff.record", Event::Opened, 0).await;
    look("ada", milo.clone(), "staff.record", Event::Opened, 1).await;
    assert_eq!(store.raise_strangers(rule, later(2)).await.expect("looked"), 0);
    // Trying doors that are shut is.
    look("eve", rosa.clone(), "staff.record", Event::Refused, 3).await;
    look("eve", milo.clone(), "staff.record.break-glass", Event::Opened, 4).await;
    assert_eq!(store.raise_strangers(rule, later(5)).await.expect("looked"), 1);
    for minute in 6..9 {
        assert_eq!(store.raise_strangers(rule, later(minute)).await.expect("looked"), 0, "once");
    }
    // More of the same hour is the same case.
    look("eve", rosa.clone(), "staff.record", Event::Refused, 9).await;
    assert_eq!(store.raise_strangers(rule, later(10)).await.expect("looked"), 0);
    let officer = member("dana", Role::PrivacyOfficer);
    let queue = store.reviews(&officer, false, later(11)).await.expect("read");
    assert_eq!(queue.len(), 1);
    assert_eq!((queue[0].kind.as_str(), queue[0].who.as_str(), queue[0].people), ("many-strangers", "eve", Some(2)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_server_looks_by_itself_and_an_officer_finds_it_in_the_queue() {
    let stage = Stage::open().await;
    let bundle = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("demo/milo-tran.json");
    let imported = wellspoken::cli::import::import_into(stage.store(), &bundle, None, None, None, now()).await;
    let milo = imported.expect("the demo bundle imports");
    let claims = json!({ "groups": "rn", "units": "4-west", "name": "Eve Stone" });
    let eve = stage.staff_signs_in("eve", claims).await.session.expect("a session");
    for person in [&stage.rosa, &milo] {
        let body = json!({ "person": person.as_str() });
        let (status, answer) = told(&stage, &eve, Method::POST, "/v1/staff/record", body).await;
        assert_eq!((status, &answer["error"]["code"]), (403, &json!("break_glass")));
    }
    assert_eq!(stage.program.look_for_strangers().await.expect("looked"), 1);
    assert_eq!(stage.program.look_for_strangers().await.expect("looked"), 0);
    let officer = stage.staff_signs_in("dana", json!({ "groups": "privacy" })).await.session.expect("a session");
    let (status, queue) = told(&stage, &officer, Method::GET, "/v1/staff/reviews", Value::Null).await;
    assert_eq!(status, 200);
    let review = &queue["reviews"][0];
    assert_eq!(
        (&review["kind"], &review["name"], &review["people"]),
        (&json!("many-strangers"), &json!("Eve Stone"), &json!(2))
    );
    let body = json!({ "id": review["id"], "finding": "asked her, and she had mistaken the unit" });
    assert_eq!(told(&stage, &officer, Method::POST, "/v1/staff/reviews/settle", body).await.0, 200);
    stage.store().issue_operator("x", "wso_watch", later(60), now()).await.expect("issued");
    let metrics = stage.request(Method::GET, "/metrics").bearer_auth("wso_watch").send().await.expect("an answer");
    let metrics = metrics.text().await.expect("a body");
    assert!(metrics.contains("wellspoken_alerts{kind=\"many-strangers\"} 1"), "{metrics}");
    assert!(!metrics.contains("Eve"), "{metrics}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_alert_says_that_and_nothing_of_whom() {
    let taken: Arc<Mutex<Vec<String>>> = Arc::default();
    let kept = taken.clone();
    let hook = axum::Router::new().route(
        "/alerts",
        axum::routing::post(move |body: String| {
            let kept = kept.clone();
            async move { kept.lock().expect("whole").push(body) }
        }),
    );
    let socket = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let webhook = Some(format!("http://{}/alerts", socket.local_addr().expect("bound")));
    tokio::spawn(async move { axum::serve(socket, hook).await });
    let scratch = support::empty().await;
    let other = support::add_demo(&scratch, "milo-tran.json", "none", None).await;
    let config = AlertsConfig { webhook, ..AlertsConfig::default() };
    let alerts = Arc::new(Alerts::new(&config).expect("nothing to read"));
    let desk = Desk::new(scratch.app.store().clone(), alerts.clone(), SignedDuration::from_mins(60));
    let ask = Ask::BreakGlass(Whom::Person(other), REASON.into());
    assert!(desk.answer(&member("ada", Role::Nurse), ask, now()).await.is_ok());
    let store = scratch.app.store();
    assert_eq!(alerts.deliver(store, now()).await.expect("told").taken, 1);
    assert_eq!(alerts.deliver(store, now()).await.expect("told").taken, 0, "once");
    let sent: Vec<Value> =
        taken.lock().expect("whole").iter().map(|body| serde_json::from_str(body).expect("JSON")).collect();
    let id = sent[0]["id"].clone();
    assert!(id.as_str().is_some_and(|id| id.len() == 32));
    assert_eq!(sent, [json!({ "id": id, "alert": "break-glass", "many": 1, "at": now() })]);
    assert_eq!(alerts.raised(), [("break-glass", 1), ("many-strangers", 0)]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_privacy_officer_is_given_the_trail_and_it_verifies_without_us() {
    let stage = Stage::open().await;
    let expires = now() + SignedDuration::from_hours(1);
    for (role, token) in [(Role::PrivacyOfficer, "an-officers"), (Role::Operator, "an-operators")] {
        let new = NewStaffSession { issuer: "i", subject: token, name: "Quincy", roles: &[role], rooms: &[], expires };
        stage.store().open_staff_session(&new, token, now()).await.expect("opened");
    }
    let path = "/v1/staff/audit/export";
    let response = stage.ask("an-officers", Method::POST, path, &json!({})).send().await.expect("an answer");
    assert_eq!(response.status(), 200);
    assert_eq!(response.headers()["content-type"], "application/fhir+ndjson");
    assert_eq!(response.headers()["cache-control"], "no-store");
    let export = response.bytes().await.expect("whole");
    let report = verify_export(export.as_ref(), &stage.store().audit_public_key()).expect("read from memory");
    assert!(report.broken.is_none(), "it verifies with the public key alone");
    let text = String::from_utf8(export.to_vec()).expect("text");
    assert!(text.contains("exported") && text.contains("staff "), "that it was asked for, and by whom, is in it");
    let cut = text.lines().take(text.lines().count() - 1).collect::<Vec<_>>().join("\n");
    let cut = verify_export(cut.as_bytes(), &stage.store().audit_public_key()).expect("read from memory");
    assert!(cut.broken.is_some(), "and one that broke off does not");
    for (token, body, wanted) in [
        ("an-operators", json!({}), 403),
        ("nobodys", json!({}), 401),
        ("an-officers", json!({ "from": "yesterday" }), 400),
        ("an-officers", json!({ "person": "somebody" }), 400),
    ] {
        let answer = stage.ask(token, Method::POST, path, &body).send().await.expect("an answer");
        assert_eq!(answer.status(), wanted, "{token} {body}");
    }
}
