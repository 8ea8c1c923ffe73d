//! The console's fleet pages as a browser without a script sees them: who is shown what, what is done, and what is asked about first.

use reqwest::{Method, RequestBuilder};
use serde_json::json;
use wellspoken::{
    fleet::{
        device::{Channel, DeviceState},
        tree::{NewNode, NodeKind},
    },
    policy::{NodeId, RoomId, staff::Role},
};

use super::{
    staff::{ask, signed_in},
    stage::{BY, Stage},
};

/// A page, or what a form brings; empty `fields` only look.
async fn page(stage: &Stage, role: Role, path: &str, fields: &[(&str, &str)]) -> (u16, String) {
    let method = if fields.is_empty() { Method::GET } else { Method::POST };
    let request = stage.client.request(method, format!("{}/console/{path}", stage.url));
    let request = request.header("origin", &stage.url).header("cookie", format!("wellspoken-staff={}", role.name()));
    let request = if fields.is_empty() { request } else { form(request, fields) };
    let answer = request.send().await.expect("an answer");
    (answer.status().as_u16(), answer.text().await.expect("a page"))
}

fn form(request: RequestBuilder, fields: &[(&str, &str)]) -> RequestBuilder {
    let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
    request.header("content-type", "application/x-www-form-urlencoded").body(body)
}

async fn another_unit(stage: &Stage) -> (NodeId, NodeId) {
    let add = async |parent: &NodeId, kind, name: &str, room: Option<&str>| {
        let room = room.map(|room| RoomId::parse(room).expect("fits"));
        let new = NewNode { parent: Some(parent.clone()), kind, name: name.into(), room, location: None };
        stage.store().add_place(&new, BY, stage.now()).await.expect("made")
    };
    let unit = add(&stage.property, NodeKind::Unit, "<b>5 West", None).await;
    let room = add(&unit, NodeKind::Room, "201", Some("room-201")).await;
    (unit, room)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_page_shows_and_does_what_the_role_and_the_unit_allow_and_no_more() {
    let stage = Stage::open().await;
    signed_in(&stage, Role::UnitManager, &["room-136", "room-137"]).await;
    signed_in(&stage, Role::Nurse, &["room-136", "room-137"]).await;
    signed_in(&stage, Role::Operator, &[]).await;
    signed_in(&stage, Role::Clinician, &["room-136"]).await;
    let (unit, room) = another_unit(&stage).await;
    let stranger = stage.store().add_device("SN-9", &room, Channel::Room, BY, stage.now()).await.expect("made").0;
    let own = stage.waiting("SN-1").await.0;
    let of = |kind: &str, id: &str| format!("fleet/{kind}/{id}");
    let (place, device) = (of("places", stage.unit.as_str()), of("devices", own.as_str()));

    let (status, text) = page(&stage, Role::UnitManager, "fleet", &[]).await;
    assert_eq!(status, 200, "{text}");
    assert!(text.contains("4 West") && text.contains("SN-1") && text.contains("waits for its code"), "{text}");
    assert!(!text.contains("5 West") && !text.contains("SN-9"), "what is another's is not there");
    let (_, text) = page(&stage, Role::Operator, "fleet", &[]).await;
    assert!(text.contains("SN-9") && text.contains("&lt;b&gt;5 West") && !text.contains("<b>5"), "escaped: {text}");

    // Another unit's place and device: neither seen nor changed.
    for (path, fields) in [
        (of("places", unit.as_str()), vec![]),
        (of("places", unit.as_str()), vec![("do", "set"), ("volume", "30")]),
        (of("places", room.as_str()), vec![("do", "add-device"), ("serial", "SN-3"), ("channel", "room")]),
        (of("devices", stranger.as_str()), vec![]),
        (of("devices", stranger.as_str()), vec![("do", "code"), ("sure", "yes")]),
        (of("devices", stranger.as_str()), vec![("do", "retired"), ("sure", "yes")]),
        (of("devices", own.as_str()), vec![("do", "move"), ("to", room.as_str())]),
    ] {
        let (status, text) = page(&stage, Role::UnitManager, &path, &fields).await;
        assert_eq!(status, 404, "{path} {fields:?}: {text}");
    }
    // What a role may not do, its pages do not offer, and do not do.
    for (role, path, fields) in [
        (Role::Nurse, &device, vec![("do", "code"), ("sure", "yes")]),
        (Role::Nurse, &place, vec![("do", "set"), ("volume", "30")]),
        (Role::UnitManager, &place, vec![("do", "add-place"), ("kind", "room"), ("name", "138")]),
        (Role::UnitManager, &place, vec![("do", "retire-place"), ("sure", "yes")]),
        (Role::Clinician, &"fleet".to_owned(), vec![]),
        (Role::Clinician, &"fleet/table".to_owned(), vec![]),
        (Role::Nurse, &"fleet/table".to_owned(), vec![("do", "make"), ("table", "property,room,serial")]),
    ] {
        let (status, text) = page(&stage, role, path, &fields).await;
        assert_eq!(status, 403, "{role:?} {path}: {text}");
    }
    let (_, text) = page(&stage, Role::Nurse, &device, &[]).await;
    assert!(text.contains("SN-1") && !text.contains("<form"), "{text}");
    assert_eq!(stage.store().device(&stranger).await.expect("read").expect("there").state, DeviceState::Waiting);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_form_counts_only_from_a_page_of_this_server() {
    let stage = Stage::open().await;
    signed_in(&stage, Role::Operator, &[]).await;
    let id = stage.waiting("SN-1").await.0;
    let address = format!("{}/console/fleet/devices/{}", stage.url, id.as_str());
    let lost = || form(stage.client.post(&address), &[("do", "lost"), ("sure", "yes")]);
    let cookie = "wellspoken-staff=operator";
    for (how, request, status) in [
        ("another page's", lost().header("cookie", cookie).header("origin", "http://evil.example"), 403),
        ("one that does not say whose", lost().header("cookie", cookie), 403),
        ("another site's", lost().header("cookie", cookie).header("sec-fetch-site", "cross-site"), 403),
        ("nobody's", lost().header("origin", &stage.url), 401),
        ("a device's", lost().header("origin", &stage.url).header("cookie", "wellspoken=operator"), 401),
        (
            "a foreign look",
            stage.client.get(&address).header("cookie", cookie).header("sec-fetch-site", "cross-site"),
            403,
        ),
    ] {
        assert_eq!(request.send().await.expect("an answer").status(), status, "{how}");
    }
    assert_eq!(stage.store().device(&id).await.expect("read").expect("there").state, DeviceState::Waiting);
    let json = stage.client.post(&address).header("origin", &stage.url).header("cookie", cookie).json(&json!({}));
    assert_eq!(json.send().await.expect("an answer").status(), 415);
    let own = lost().header("origin", &stage.url).header("cookie", cookie).send().await.expect("an answer");
    assert_eq!(own.status(), 200);
    let policy = own.headers()["content-security-policy"].to_str().expect("ASCII");
    assert!(policy.contains("form-action 'self'") && policy.contains("script-src 'self'"), "{policy}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_grave_is_asked_about_first_and_every_change_has_its_row() {
    let stage = Stage::open().await;
    signed_in(&stage, Role::UnitManager, &["room-136", "room-137"]).await;
    let id = stage.device("SN-1").await.id;
    let path = format!("fleet/devices/{}", id.as_str());
    let state = async || stage.store().device(&id).await.expect("read").expect("there").state;
    let entries = async || stage.store().audit_verify().await.expect("read").entries;
    for what in ["lost", "revoked", "retired", "code"] {
        let before = entries().await;
        let (status, text) = page(&stage, Role::UnitManager, &path, &[("do", what)]).await;
        assert_eq!(status, 200);
        assert!(text.contains("Yes, I am sure"), "{text}");
        assert_eq!((state().await, entries().await), (DeviceState::Active, before), "{what}: nothing was done");
    }
    for (fields, says, wanted) in [
        (vec![("do", "move"), ("to", stage.rooms[1].as_str())], "It is moved", DeviceState::Active),
        (vec![("do", "lost"), ("sure", "yes")], "shut out", DeviceState::Lost),
        (vec![("do", "code"), ("sure", "yes")], "shown this once", DeviceState::Waiting),
        (vec![("do", "retired"), ("sure", "yes")], "Places", DeviceState::Retired),
    ] {
        let before = entries().await;
        let (status, text) = page(&stage, Role::UnitManager, &path, &fields).await;
        assert_eq!(status, 200, "{text}");
        assert!(text.contains(says), "{fields:?}: {text}");
        assert_eq!(state().await, wanted);
        assert!(entries().await > before, "{fields:?} has no row");
    }
    let place = format!("fleet/places/{}", stage.unit.as_str());
    let settings = [("do", "set"), ("volume", "30"), ("quiet", "21:00"), ("quiet_until", "07:00"), ("drop_in", "true")];
    let (status, text) = page(&stage, Role::UnitManager, &place, &settings).await;
    assert_eq!(status, 200, "{text}");
    let room = format!("fleet/places/{}", stage.rooms[0].as_str());
    let (_, text) = page(&stage, Role::UnitManager, &room, &[]).await;
    for from_above in
        ["from Mercy &#x2f; 4 West: 30", "from Mercy &#x2f; 4 West: 21:00 to 07:00", "from Mercy &#x2f; 4 West: yes"]
    {
        assert!(text.contains(from_above), "{from_above}: {text}");
    }
    for wrong in
        [[("do", "set"), ("volume", "101")], [("do", "set"), ("volume", "loud")], [("do", "set"), ("quiet", "21:00")]]
    {
        let (status, text) = page(&stage, Role::UnitManager, &place, &wrong).await;
        assert_eq!(status, 409, "{wrong:?}");
        assert!(text.contains("That was not done"), "{text}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_table_is_said_before_it_is_made_and_makes_nothing_that_is_not_theirs() {
    let stage = Stage::open().await;
    signed_in(&stage, Role::UnitManager, &["room-136", "room-137"]).await;
    signed_in(&stage, Role::Operator, &[]).await;
    let (_, room) = another_unit(&stage).await;
    stage.store().add_device("SN-9", &room, Channel::Room, BY, stage.now()).await.expect("made");
    let count = async || stage.store().devices().await.expect("read").len();
    let head = "property,unit,room,serial\n";
    let own = format!("{head}Mercy,4 West,136,SN-1\nMercy,4 West,137,SN-2\n");

    let (status, text) = page(&stage, Role::UnitManager, "fleet/table", &[("do", "try"), ("table", &own)]).await;
    assert_eq!((status, count().await), (200, 1), "{text}");
    assert!(text.contains("0 places, 2 devices") && text.contains("Make all of it"), "{text}");
    for (row, line, says) in [
        ("Mercy,<b>5 West,201,SN-3", 2, "no place of yours"),
        ("Mercy,6 West,1,SN-3", 2, "no place of yours"),
        ("Mercy,4 West,138,SN-3", 2, "no place of yours"),
        ("Mercy,4 West,136,SN-9", 2, "not yours"),
        ("Mercy,4 West,136,S N", 2, "1 to 64"),
    ] {
        let table = format!("{head}{row}\n");
        let (status, text) = page(&stage, Role::UnitManager, "fleet/table", &[("do", "make"), ("table", &table)]).await;
        assert_eq!(status, 409, "{row}: {text}");
        assert!(text.contains(says) && text.contains(&format!("<th scope=\"row\">{line}</th>")), "{row}: {text}");
        assert!(!text.contains("stands in"), "where another's device stands is not told: {text}");
    }
    assert_eq!(count().await, 1, "with anything wrong nothing is made");
    let (status, text) = page(&stage, Role::UnitManager, "fleet/table", &[("do", "make"), ("table", &own)]).await;
    assert_eq!((status, count().await), (200, 3), "{text}");
    assert!(text.contains("SN-1,") && text.contains("SN-2,"), "the codes: {text}");

    // The same over the API, where whoever may make places makes them.
    let new = json!({ "table": format!("{head}Mercy,6 West,1,SN-4\n") });
    let (status, told) = ask(&stage, Role::Operator, "import", new.clone()).await;
    assert_eq!((status, &told["made"], &told["places"], &told["devices"]), (200, &json!(false), &json!(2), &json!(1)));
    assert_eq!(count().await, 3);
    let made = json!({ "table": new["table"], "make": true });
    let (status, told) = ask(&stage, Role::UnitManager, "import", made.clone()).await;
    assert_eq!((status, &told["made"], &told["wrong"][0]["line"]), (200, &json!(false), &json!(2)));
    let (status, told) = ask(&stage, Role::Operator, "import", made).await;
    assert_eq!((status, &told["made"], told["codes"].as_array().map(Vec::len)), (200, &json!(true), Some(1)));
    assert_eq!(count().await, 4);
}
