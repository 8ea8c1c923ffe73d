//! Messages of the admission system that wait for somebody: who sees which, reads which, and what becomes of them.

use std::collections::BTreeMap;

use jiff::{SignedDuration, tz::TimeZone};
use reqwest::Method;
use serde_json::{Value, json};
use wellspoken::{
    ambient::Ambient,
    fleet::{
        Admissions,
        adt::{Customs, Location},
    },
    policy::{RoomId, staff::Role},
    store::{ExportOptions, NewStaffSession},
};

use super::stage::Stage;
use crate::support::now;

/// A stage with sessions of somebody who runs the unit of room-7, and of somebody who looks after the machine.
struct House {
    stage: Stage,
    admissions: Admissions,
}

const MANAGER: &str = "session-of-the-manager";
const OPERATOR: &str = "session-of-the-operator";

impl House {
    async fn open() -> Self {
        let stage = Stage::open().await;
        let expires = now() + SignedDuration::from_hours(1);
        for (token, role) in [(MANAGER, Role::UnitManager), (OPERATOR, Role::Operator)] {
            let (roles, rooms) = ([role], [room("room-7")]);
            let subject = role.name();
            let new = NewStaffSession { issuer: "i", subject, name: "n", roles: &roles, rooms: &rooms, expires };
            stage.store().open_staff_session(&new, token, now()).await.expect("opened");
        }
        let customs = Customs { zone: TimeZone::UTC, systems: BTreeMap::new() };
        let admissions = Admissions::new(stage.store().clone(), customs);
        Self { stage, admissions }
    }

    /// A message about somebody with that number, in that bed.
    async fn comes(&self, control: &str, number: &str, bed: &str) {
        let when = now().strftime("%Y%m%d%H%M%S+0000");
        let message = format!(
            "MSH|^~\\&|ADT|MERCY|WS|MERCY|{when}||ADT^A01|{control}|P|2.5.1\rEVN|A01|{when}\r\
             PID|1||{number}^^^MERCY^MR||Zephyrantha^Quillon\rPV1|1|I|{bed}\r"
        );
        self.admissions.receive(message.as_bytes(), &Ambient::fixed(now(), 7)).await;
    }

    async fn asks(&self, session: &str, path: &str, body: Value) -> (u16, Value) {
        let path = format!("/v1/staff/admissions{path}");
        let method = if body.is_null() { Method::GET } else { Method::POST };
        let response = self.stage.ask(session, method, &path, &body).send().await.expect("an answer");
        (response.status().as_u16(), response.json().await.expect("JSON"))
    }

    /// What waits, as a table.
    async fn waits(&self, session: &str) -> Vec<Value> {
        let (status, told) = self.asks(session, "", Value::Null).await;
        assert_eq!(status, 200, "{told}");
        assert!(!told.to_string().contains("Zephyrantha") && !told.to_string().contains("QZ-"), "{told}");
        told["messages"].as_array().expect("a list").clone()
    }

    async fn maps(&self, bed: &str, name: &str) {
        let bed = Location::parse(bed).expect("a bed");
        self.stage.store().map_bed(&bed, Some(&room(name)), "operator", now()).await.expect("mapped");
    }

    /// The lines of the audit trail that say so.
    async fn audited(&self, what: &str) -> Vec<String> {
        let options = ExportOptions {
            from: None,
            to: None,
            bundle: false,
            by: "uid 7".into(),
            organization: "the ward".into(),
            at: now(),
        };
        let mut out = vec![];
        self.stage.store().audit_export(&options, &mut out).await.expect("exported");
        let text = String::from_utf8(out).expect("text");
        text.lines().filter(|line| line.contains(what)).map(str::to_owned).collect()
    }
}

fn room(name: &str) -> RoomId {
    RoomId::parse(name).expect("fits")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bed_that_nobody_mapped_is_mapped_by_whoever_runs_its_unit() {
    let house = House::open().await;
    house.comes("1", "QZ-1", "4E^136^B").await;
    let waits = house.waits(MANAGER).await;
    assert_eq!(waits, house.waits(OPERATOR).await);
    let [message] = waits.as_slice() else { panic!("{waits:?}") };
    assert_eq!(
        (&message["kind"], &message["state"], &message["bed"], &message["again"]),
        (&json!("A01"), &json!("waiting"), &json!("4E^136^B"), &json!(true))
    );
    let id = json!({ "id": message["id"] });

    // What it says is told to whoever may know, and was written down before.
    assert_eq!(house.asks(OPERATOR, "/read", id.clone()).await.0, 403);
    assert!(house.audited("message-read").await.is_empty());
    let (status, read) = house.asks(MANAGER, "/read", id.clone()).await;
    assert_eq!((status, read["segments"].as_array().map(Vec::len)), (200, Some(4)));
    assert!(read["segments"][2].as_str().is_some_and(|pid| pid.contains("Zephyrantha")), "{read}");
    assert_eq!(house.audited("message-read").await.len(), 1);

    let map = |name: &str| json!({ "bed": "4e^136^b", "room": name });
    assert_eq!(house.asks(MANAGER, "/map", map("room-99")).await.0, 404, "a room of nobody's there");
    assert_eq!(house.asks(MANAGER, "/map", json!({ "bed": "^^^", "room": "room-7" })).await.0, 400);
    assert_eq!(house.asks(MANAGER, "/map", map("room-7")).await.0, 200);
    assert!(house.waits(MANAGER).await.is_empty(), "it is done again");
    house.admissions.work_off(&Ambient::fixed(now(), 7)).await.expect("worked off");
    assert!(house.stage.store().occupant(&room("room-7")).await.expect("read").is_some());
    assert_eq!(house.audited("bed-mapped").await.len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_about_others_rooms_is_not_there() {
    let house = House::open().await;
    house.maps("ICU^1^1", "room-99").await;
    house.comes("1", "QZ-1", "ICU^1^1").await;
    house.comes("2", "QZ-2", "ICU^1^1").await;
    let waits = house.waits(MANAGER).await;
    let [message] = waits.as_slice() else { panic!("{waits:?}") };
    assert_eq!((&message["state"], &message["again"]), (&json!("review"), &json!(false)));
    let id = json!({ "id": message["id"] });
    for path in ["/read", "/settle", "/again"] {
        assert_eq!(house.asks(MANAGER, path, id.clone()).await.0, 404, "{path}");
    }
    let map = json!({ "bed": "ICU^1^1", "room": "room-7" });
    assert_eq!(house.asks(MANAGER, "/map", map).await.0, 404, "the bed is somebody else's room");
    assert!(house.audited("message-read").await.is_empty());
    // What changed something is not done again; whoever looks after the machine settles it unread.
    assert_eq!(house.asks(OPERATOR, "/again", id.clone()).await.0, 404);
    assert_eq!(house.asks(OPERATOR, "/settle", id.clone()).await.0, 200);
    assert_eq!(house.asks(OPERATOR, "/settle", id).await.0, 404, "once");
    assert!(house.waits(OPERATOR).await.is_empty());

    // One that waits is done again, and waits again as long as nobody mapped its bed.
    house.comes("3", "QZ-3", "4E^9^9").await;
    let waits = house.waits(MANAGER).await;
    assert_eq!(house.asks(MANAGER, "/again", json!({ "id": waits[0]["id"] })).await.0, 200);
    assert!(house.waits(MANAGER).await.is_empty());
    house.admissions.work_off(&Ambient::fixed(now(), 7)).await.expect("worked off");
    assert_eq!(house.waits(MANAGER).await, waits);
    assert_eq!(house.audited("message-again").await.len(), 1);

    house.admissions.receive(b"Zephyrantha, in no form at all", &Ambient::fixed(now(), 7)).await;
    let waits = house.waits(MANAGER).await;
    let garbled = waits.iter().find(|message| message["state"] == "unreadable").expect("kept");
    assert_eq!(garbled["reason"], "not an HL7 version 2 message");
    let (status, read) = house.asks(MANAGER, "/read", json!({ "id": garbled["id"] })).await;
    assert_eq!((status, &read["segments"][0]), (200, &json!("Zephyrantha, in no form at all")));
    assert_eq!(house.asks(MANAGER, "/settle", json!({ "id": garbled["id"] })).await.0, 200);
}
