//! Looking for rows of the audit trail: who may, what is found, what is not told, and that every look is itself a row.

use jiff::{SignedDuration, Timestamp};
use reqwest::Method;
use serde_json::{Value, json};
use wellspoken::{
    policy::{CredentialId, Event, Journal, JournalEntry, PersonId, RoomId, Surface, staff::Role, staff_row},
    store::{Grant, NewStaffSession},
};

use super::stage::Stage;
use crate::support::now;

async fn signed_in(stage: &Stage, role: Role, name: &str) -> CredentialId {
    let (roles, rooms) = ([role], [RoomId::parse("room-7").expect("fits")]);
    let expires = now() + SignedDuration::from_hours(1);
    let new = NewStaffSession { issuer: "i", subject: name, name, roles: &roles, rooms: &rooms, expires };
    stage.store().open_staff_session(&new, role.name(), now()).await.expect("opened")
}

async fn search(stage: &Stage, role: Role, body: Value) -> (u16, Value) {
    let answer = stage.ask(role.name(), Method::POST, "/v1/staff/audit/search", &body).send().await.expect("an answer");
    (answer.status().as_u16(), answer.json().await.expect("JSON"))
}

fn all<'a>(told: &'a Value, field: &str) -> Vec<&'a str> {
    let rows = told["rows"].as_array().expect("rows");
    rows.iter().map(|row| row[field].as_str().unwrap_or_default()).collect()
}

/// A row of something that a person asked for themself.
fn asked(person: &PersonId, actor: &CredentialId, at: Timestamp) -> JournalEntry {
    JournalEntry {
        event: Event::Opened,
        subject: Some(person.clone()),
        actor: Some(actor.clone()),
        intent: Some("record.lab_result".into()),
        channel: "room",
        session: None,
        turn: None,
        closes: None,
        outcome: Some("answered"),
        at,
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_look_finds_what_fits_tells_no_more_than_it_must_and_is_a_row_itself() {
    let stage = Stage::open().await;
    let ada = signed_in(&stage, Role::Nurse, "Ada Quillfeather").await;
    signed_in(&stage, Role::PrivacyOfficer, "Dana Reed").await;
    let later = now() + SignedDuration::from_hours(1);
    let room = RoomId::parse("room-7").expect("fits");
    let grant =
        Grant { surface: Surface::Room(room), person: None, label: "x".into(), one_time: false, expires: later };
    let device = stage.store().issue(&grant, "wsp_room_7", now()).await.expect("issued");
    let rosa = stage.rosa.clone();
    let looked = staff_row(Event::Opened, &ada, Some(&rosa), "staff.record", None, Some("answered"), now());
    stage.store().append(looked).await.expect("written");
    stage.store().append(asked(&rosa, &device, now())).await.expect("written");
    let refused = staff_row(Event::Refused, &ada, None, "reviews", None, Some("no_right"), now());
    stage.store().append(refused).await.expect("written");

    for (body, found) in [
        (json!({ "staff": "ada quillfeather", "event": "opened" }), 1),
        (json!({ "staff": "Ada" }), 0),
        (json!({ "staff": "Ada Quillfeather", "outcome": "no_right" }), 1),
        (json!({ "event": "refused" }), 1),
        (json!({ "room": "room-7", "event": "opened" }), 1),
        (json!({ "unit": "4-west", "event": "opened" }), 1),
        (json!({ "room": "room-8" }), 0),
        (json!({ "unit": "no-such-unit" }), 0),
        (json!({ "person": rosa.as_str(), "event": "opened" }), 2),
        (json!({ "event": "opened", "to": "2000-01-01T00:00:00Z" }), 0),
        (json!({ "event": "opened", "from": "2000-01-01T00:00:00Z", "to": later.to_string() }), 2),
    ] {
        let (status, told) = search(&stage, Role::PrivacyOfficer, body.clone()).await;
        assert_eq!(status, 200, "{body}: {told}");
        assert_eq!(told["rows"].as_array().map(Vec::len), Some(found), "{body}: {told}");
    }
    let (_, told) = search(&stage, Role::PrivacyOfficer, json!({ "person": rosa.as_str(), "event": "opened" })).await;
    assert_eq!(all(&told, "who"), ["", "Ada Quillfeather"]);
    assert_eq!(all(&told, "room"), ["room-7", ""]);
    assert_eq!(all(&told, "what"), ["", "staff.record"], "what somebody asked for themself is not told");
    assert!(!told.to_string().contains("lab_result") && !told.to_string().contains("Rosa"));
    // Each look is a row with who looked, and in the trail of whom it was about.
    let (_, told) =
        search(&stage, Role::PrivacyOfficer, json!({ "event": "audit-read", "person": rosa.as_str() })).await;
    assert_eq!(all(&told, "who")[..2], ["Dana Reed", "Dana Reed"]);
    let entries = stage.store().audit_verify().await.expect("read").entries;
    search(&stage, Role::PrivacyOfficer, json!({})).await;
    assert_eq!(stage.store().audit_verify().await.expect("read").entries, entries + 1);

    for (role, body, status) in [
        (Role::Nurse, json!({}), 403),
        (Role::PrivacyOfficer, json!({ "event": "everything" }), 400),
        (Role::PrivacyOfficer, json!({ "room": "a b" }), 400),
        (Role::PrivacyOfficer, json!({ "name": "Rosa Delgado" }), 400),
        (Role::PrivacyOfficer, json!({ "person": rosa.as_str(), "identifier": "x|1" }), 400),
        (Role::PrivacyOfficer, json!({ "identifier": "nowhere|1" }), 404),
    ] {
        let (got, told) = search(&stage, role, body.clone()).await;
        assert_eq!(got, status, "{body}: {told}");
    }
    let (_, told) = search(&stage, Role::PrivacyOfficer, json!({ "outcome": "nobody" })).await;
    assert_eq!(all(&told, "event"), ["audit-read"], "that nobody was found is a row, too");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn somebody_is_found_by_their_number_as_long_as_they_are_known_and_pages_follow_each_other() {
    let stage = Stage::open().await;
    signed_in(&stage, Role::PrivacyOfficer, "Dana Reed").await;
    let number = "https://lakeside.example/mrn|LK-204417";
    let actor = CredentialId::parse("somebody").expect("fits");
    for n in 0..120 {
        let at = now() + SignedDuration::from_secs(n);
        stage.store().append(asked(&stage.rosa, &actor, at)).await.expect("written");
    }
    let (mut seen, mut before) = (vec![], None);
    loop {
        let mut body = json!({ "identifier": number, "event": "opened" });
        if let Some(before) = before.take() {
            body["before"] = before;
        }
        let (status, told) = search(&stage, Role::PrivacyOfficer, body).await;
        assert_eq!(status, 200, "{told}");
        seen.extend(told["rows"].as_array().expect("rows").iter().map(|row| row["entry"].as_i64().expect("a number")));
        match told.get("next") {
            Some(next) => before = Some(next.clone()),
            None => break,
        }
    }
    assert_eq!(seen.len(), 120);
    assert!(seen.windows(2).all(|pair| pair[0] > pair[1]), "each once, the newest first");

    assert!(stage.store().destroy_person(&stage.rosa, "uid 7", now()).await.expect("destroyed"));
    let (status, told) = search(&stage, Role::PrivacyOfficer, json!({ "event": "opened" })).await;
    assert_eq!(status, 200, "{told}");
    let row = &told["rows"][0];
    assert_eq!((&row["readable"], row.get("person"), row.get("room")), (&json!(false), None, None));
    let (_, told) = search(&stage, Role::PrivacyOfficer, json!({ "event": "opened", "staff": "Dana Reed" })).await;
    assert_eq!((told["rows"].as_array().map(Vec::len), &told["unreadable"]), (Some(0), &json!(120)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_page_is_for_whoever_has_the_right() {
    let stage = Stage::open().await;
    signed_in(&stage, Role::Nurse, "Ada Quillfeather").await;
    signed_in(&stage, Role::PrivacyOfficer, "Dana Reed").await;
    let page = async |role: Role, form: Option<&'static str>| {
        let method = if form.is_some() { Method::POST } else { Method::GET };
        let request = stage.ask(role.name(), method, "/console/audit", &Value::Null);
        let request = match form {
            Some(form) => request.header("content-type", "application/x-www-form-urlencoded").body(form),
            None => request,
        };
        let answer = request.send().await.expect("an answer");
        (answer.status().as_u16(), answer.text().await.expect("a page"))
    };
    assert_eq!(page(Role::PrivacyOfficer, None).await.0, 200);
    assert_eq!(page(Role::Nurse, None).await.0, 403);
    assert_eq!(page(Role::Nurse, Some("event=refused")).await.0, 403);
    let (status, text) = page(Role::PrivacyOfficer, Some("event=refused&from=2000-01-01T00%3A00")).await;
    assert_eq!(status, 200, "{text}");
    assert!(text.contains("Ada Quillfeather") && text.contains("search-audit"), "{text}");
    for (form, says) in [
        ("event=nothing", "a kind that the trail has"),
        ("from=yesterday", "a day and a time"),
        ("identifier=a%7Cb", "nobody here"),
    ] {
        let (status, text) = page(Role::PrivacyOfficer, Some(form)).await;
        assert_eq!(status, 409, "{form}");
        assert!(text.contains(says), "{form}: {text}");
    }
}
