//! The fleet for staff: whoever looks after a unit reaches that unit, and every change has its row in the audit trail.

use jiff::SignedDuration;
use reqwest::Method;
use serde_json::{Value, json};
use wellspoken::{
    fleet::{
        device::Channel,
        tree::{NewNode, NodeKind},
    },
    policy::{RoomId, staff::Role},
    store::NewStaffSession,
};

use super::stage::{BY, Stage};

pub async fn signed_in(stage: &Stage, role: Role, rooms: &[&str]) {
    let rooms: Vec<RoomId> = rooms.iter().map(|room| RoomId::parse(room).expect("fits")).collect();
    let expires = stage.now() + SignedDuration::from_hours(1);
    let new =
        NewStaffSession { issuer: "i", subject: role.name(), name: "Ada", roles: &[role], rooms: &rooms, expires };
    stage.store().open_staff_session(&new, role.name(), stage.now()).await.expect("opened");
}

pub async fn ask(stage: &Stage, role: Role, path: &str, body: Value) -> (u16, Value) {
    let method = if body.is_null() { Method::GET } else { Method::POST };
    let request = stage.client.request(method, format!("{}/v1/fleet/{path}", stage.url));
    let request = request.header("origin", &stage.url).header("cookie", format!("wellspoken-staff={}", role.name()));
    let request = if body.is_null() { request } else { request.json(&body) };
    let answer = request.send().await.expect("an answer");
    (answer.status().as_u16(), answer.json().await.expect("JSON"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_runs_a_unit_reaches_that_unit_and_nothing_besides() {
    let stage = Stage::open().await;
    signed_in(&stage, Role::UnitManager, &["room-136", "room-137"]).await;
    signed_in(&stage, Role::Nurse, &["room-137"]).await;
    signed_in(&stage, Role::Operator, &[]).await;
    let add = async |parent: &wellspoken::policy::NodeId, kind, name: &str, room: Option<&str>| {
        let room = room.map(|room| RoomId::parse(room).expect("fits"));
        let new = NewNode { parent: Some(parent.clone()), kind, name: name.into(), room, location: None };
        stage.store().add_place(&new, BY, stage.now()).await.expect("made")
    };
    let other_unit = add(&stage.property, NodeKind::Unit, "5 West", None).await;
    let other_room = add(&other_unit, NodeKind::Room, "201", Some("room-201")).await;
    let stranger = stage.store().add_device("SN-9", &other_room, Channel::Room, BY, stage.now()).await.expect("made").0;
    let device = stage.device("SN-1").await;

    let names = |told: &Value, list: &str, field: &str| -> Vec<String> {
        let all = told[list].as_array().expect("a list");
        all.iter().map(|row| row[field].as_str().expect("text").to_owned()).collect()
    };
    let (_, told) = ask(&stage, Role::UnitManager, "places", Value::Null).await;
    assert_eq!(names(&told, "places", "name"), ["4 West", "136", "137"]);
    let (_, told) = ask(&stage, Role::UnitManager, "devices", Value::Null).await;
    assert_eq!(names(&told, "devices", "serial"), ["SN-1"]);
    let (_, told) = ask(&stage, Role::Nurse, "places", Value::Null).await;
    assert_eq!(names(&told, "places", "name"), ["137"], "a part of a unit is not the unit");
    let (_, told) = ask(&stage, Role::Nurse, "devices", Value::Null).await;
    assert!(names(&told, "devices", "serial").is_empty());
    let (_, told) = ask(&stage, Role::Operator, "places", Value::Null).await;
    assert_eq!(names(&told, "places", "name"), ["Mercy", "4 West", "136", "137", "5 West", "201"]);
    let (_, told) = ask(&stage, Role::Operator, "devices", Value::Null).await;
    assert_eq!(names(&told, "devices", "serial"), ["SN-1", "SN-9"]);

    let ends = (stage.now() + SignedDuration::from_hours(1)).to_string();
    let (own, room) = (stage.unit.as_str(), stage.rooms[1].as_str());
    let far = [stage.property.as_str(), other_unit.as_str(), other_room.as_str(), "none"];
    let entries = async || stage.store().audit_verify().await.expect("read").entries;
    let id = device.id.as_str();
    for (path, body, status) in [
        ("places/settings", json!({ "id": own, "settings": { "volume": 30 } }), 200),
        ("places/settings", json!({ "id": own, "settings": { "volume": 101 } }), 409),
        ("announcements", json!({ "place": own, "priority": "routine", "text": "Lunch", "ends": ends }), 200),
        ("announcements", json!({ "place": own, "priority": "routine", "text": "", "ends": ends }), 409),
        (
            "announcements",
            json!({ "place": own, "priority": "routine", "text": "x", "ends": "2020-01-01T00:00:00Z" }),
            409,
        ),
        ("announcements", json!({ "place": own, "priority": "loud", "text": "x", "ends": ends }), 400),
        ("drop-in", json!({ "place": room, "text": "Hello" }), 409),
        ("devices", json!({ "serial": "SN-2", "place": room }), 200),
        ("devices", json!({ "serial": "SN-2", "place": room }), 409),
        ("devices/move", json!({ "id": id, "to": room }), 200),
        ("devices/end", json!({ "id": id, "how": "lost" }), 200),
        ("devices/end", json!({ "id": id, "how": "lost" }), 409),
        ("devices/code", json!({ "id": id }), 200),
        ("places", json!({ "parent": own, "kind": "room", "name": "138" }), 403),
        ("places/retire", json!({ "id": room }), 403),
    ] {
        let before = entries().await;
        let (got, told) = ask(&stage, Role::UnitManager, path, body.clone()).await;
        assert_eq!(got, status, "{path} {body}: {told}");
        let rows = entries().await - before;
        assert!(if status == 200 { rows > 0 } else { rows <= 1 }, "{path} {body}: {rows} rows");
        assert!(!told.to_string().contains("SN-9"));
    }
    // What is another's is not there.
    for place in far {
        for (path, body) in [
            ("places/settings", json!({ "id": place, "settings": {} })),
            ("announcements", json!({ "place": place, "priority": "emergency", "text": "Out", "ends": ends })),
            ("drop-in", json!({ "place": place, "text": "Hello" })),
            ("devices", json!({ "serial": "SN-3", "place": place })),
            ("devices/move", json!({ "id": id, "to": place })),
        ] {
            let (got, told) = ask(&stage, Role::UnitManager, path, body).await;
            assert_eq!(got, 404, "{path} {place}: {told}");
        }
    }
    for path in ["devices/code", "devices/end", "devices/move"] {
        let body = match path {
            "devices/code" => json!({ "id": stranger.as_str() }),
            "devices/end" => json!({ "id": stranger.as_str(), "how": "retired" }),
            _ => json!({ "id": stranger.as_str(), "to": room }),
        };
        assert_eq!(ask(&stage, Role::UnitManager, path, body).await.0, 404, "{path}");
    }
    let everywhere = json!({ "place": stage.property.as_str(), "priority": "emergency", "text": "Out", "ends": ends });
    let (got, told) = ask(&stage, Role::Operator, "announcements", everywhere).await;
    assert_eq!(got, 200, "{told}");
    let (_, told) = ask(&stage, Role::UnitManager, "announcements", Value::Null).await;
    assert_eq!(names(&told, "announcements", "text"), ["Lunch"], "only what is theirs");
    assert_eq!(stage.store().audit_verify().await.expect("read").broken, None);
}
