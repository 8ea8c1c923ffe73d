//! The organization's own Smart Properties skill: first-party only where signature, declared skill and registered unit
//! all fit.

use serde_json::{Value, json};
use wellspoken::policy::{PersonId, RoomId};

use super::stage::{OWN, SKILL, Stage, UNIT, intent, open, said};

async fn renewals(stage: &Stage, person: &PersonId) -> usize {
    let mut count = 0;
    stage.program.app().store().renewals(person).await.expect("readable").map(|all| count = all.len());
    count
}

async fn board(stage: &Stage) -> usize {
    let room = RoomId::parse("room-7").expect("fits");
    stage.program.app().store().board(Some(&room)).await.expect("readable").len()
}

#[tokio::test]
async fn only_skill_and_unit_together_are_first_party() {
    let (stage, _) = Stage::with_rosa().await;
    stage.register(UNIT, "room-7").await;
    stage.register("amzn1.ask.unit.other", "room-8").await;
    let ask = async |skill: &str, unit: Option<&str>| said(&stage.intent(skill, unit, "PrescriptionList", &[]).await);
    assert!(ask(OWN, Some(UNIT)).await.contains("lisinopril"));
    for (skill, unit) in
        [(SKILL, Some(UNIT)), (SKILL, None), (OWN, None), (OWN, Some("amzn1.alexa.unit.did.NOBODYS")), (OWN, Some(""))]
    {
        let told = ask(skill, unit).await;
        assert!(told.contains("own device or page"), "{skill} {unit:?}: {told}");
    }
    let told = ask(OWN, Some("amzn1.ask.unit.other")).await;
    assert!(told.contains("don't know who is speaking"), "a room in which nobody lies: {told}");
    let mut by_changing_name = stage.envelope(OWN, None, intent("PrescriptionList", &[]));
    by_changing_name["context"]["System"]["unit"] = json!({ "unitId": UNIT });
    assert!(
        said(&stage.ask(&by_changing_name).await).contains("lisinopril"),
        "either name of a unit may be registered"
    );
}

#[tokio::test]
async fn a_units_name_is_no_token_and_its_registration_ends_at_once() {
    let (stage, _) = Stage::with_rosa().await;
    stage.register(UNIT, "room-7").await;
    for token in [UNIT.to_owned(), format!("{OWN}{UNIT}"), format!("{OWN}:{UNIT}"), format!("alexa:{UNIT}")] {
        let turn = stage.client.post(format!("{}/v1/turns", stage.url)).bearer_auth(token);
        let turn = turn.json(&json!({ "text": "what medicines am i on" })).send().await.expect("an answer");
        assert_eq!(turn.status(), 401);
    }
    let store = stage.program.app().store();
    let listed = store.credentials().await.expect("readable");
    let unit = listed.iter().find(|c| c.label == "by the window").expect("it is listed");
    assert!(store.revoke(&unit.id, crate::support::now()).await.expect("revoked"));
    let told = said(&stage.intent(OWN, Some(UNIT), "PrescriptionList", &[]).await);
    assert!(told.contains("own device or page"), "{told}");
}

#[tokio::test]
async fn a_change_is_asked_for_read_back_and_done_once() {
    let (stage, rosa) = Stage::with_rosa().await;
    stage.register(UNIT, "room-7").await;
    let mut bare = intent("PrescriptionRenew", &[]);
    bare["dialogState"] = "STARTED".into();
    bare["intent"]["slots"] = json!({ "medicine": { "name": "medicine", "confirmationStatus": "NONE" } });
    let asked = stage.ask(&stage.envelope(OWN, Some(UNIT), bare.clone())).await;
    assert!(open(&asked), "{asked}");
    let elicit = json!([{ "type": "Dialog.ElicitSlot", "slotToElicit": "medicine" }]);
    assert_eq!(asked["response"]["directives"], elicit, "the platform is told what is asked for");

    bare["dialogState"] = "IN_PROGRESS".into();
    bare["intent"]["slots"]["medicine"]["value"] = "metformin".into();
    let confirms = stage.ask(&stage.envelope(OWN, Some(UNIT), bare.clone())).await;
    assert!(open(&confirms) && said(&confirms).contains("Metformin"), "{confirms}");
    assert!(confirms["response"]["directives"].is_null());
    assert_eq!(renewals(&stage, &rosa).await, 0, "nothing happens before the yes");

    let yes = stage.envelope(OWN, Some(UNIT), intent("AMAZON.YesIntent", &[]));
    let done = stage.ask(&yes).await;
    assert!(!open(&done), "{done}");
    assert_eq!(renewals(&stage, &rosa).await, 1);
    assert_eq!(stage.ask(&yes).await, done, "the same request again gets the same answer");
    assert_eq!(renewals(&stage, &rosa).await, 1, "and never acts twice");
}

#[tokio::test]
async fn the_platforms_own_confirmation_counts_only_for_what_was_read_back_here() {
    let (stage, rosa) = Stage::with_rosa().await;
    stage.register(UNIT, "room-7").await;
    let mut settled = intent("PrescriptionRenew", &[("medicine", "metformin")]);
    settled["dialogState"] = "COMPLETED".into();
    settled["intent"]["confirmationStatus"] = "CONFIRMED".into();
    let first = stage.ask(&stage.envelope(OWN, Some(UNIT), settled.clone())).await;
    assert!(open(&first) && said(&first).contains("Metformin"), "read back first: {first}");
    assert_eq!(renewals(&stage, &rosa).await, 0);
    let mut no = settled.clone();
    no["intent"]["confirmationStatus"] = "DENIED".into();
    stage.ask(&stage.envelope(OWN, Some(UNIT), no)).await;
    let late = stage.intent(OWN, Some(UNIT), "AMAZON.YesIntent", &[]).await;
    assert!(said(&late).contains("haven't asked"), "{late}");
    assert_eq!(renewals(&stage, &rosa).await, 0);
    stage.ask(&stage.envelope(OWN, Some(UNIT), settled.clone())).await;
    let mut other = settled.clone();
    other["intent"]["slots"]["medicine"]["value"] = "atorvastatin".into();
    let other = stage.ask(&stage.envelope(OWN, Some(UNIT), other)).await;
    assert!(open(&other) && said(&other).contains("Atorvastatin"), "another value is read back first: {other}");
    assert_eq!(renewals(&stage, &rosa).await, 0, "a yes to one medicine is none to another");
    stage.ask(&stage.envelope(OWN, Some(UNIT), settled.clone())).await;
    stage.ask(&stage.envelope(OWN, Some(UNIT), settled)).await;
    assert_eq!(renewals(&stage, &rosa).await, 1, "confirmed after it was read back here");
}

#[tokio::test]
async fn two_values_for_a_slot_are_two_requests() {
    let (stage, rosa) = Stage::with_rosa().await;
    stage.register(UNIT, "room-7").await;
    let mut both = intent("PrescriptionRenew", &[]);
    let value = |value: &str| json!({ "type": "Simple", "value": value });
    let values = json!({ "type": "List", "values": [value("metformin"), value("atorvastatin")] });
    both["intent"]["slots"] = json!({ "medicine": { "name": "medicine", "slotValue": values } });
    let first = stage.ask(&stage.envelope(OWN, Some(UNIT), both)).await;
    assert!(said(&first).contains("Metformin"), "{first}");
    let second = stage.intent(OWN, Some(UNIT), "AMAZON.YesIntent", &[]).await;
    assert!(open(&second) && said(&second).contains("Atorvastatin"), "{second}");
    stage.intent(OWN, Some(UNIT), "AMAZON.YesIntent", &[]).await;
    assert_eq!(renewals(&stage, &rosa).await, 2);
}

#[tokio::test]
async fn a_call_for_help_from_a_room_is_on_the_board() {
    let (stage, _) = Stage::with_rosa().await;
    stage.register(UNIT, "room-7").await;
    let water = stage.intent(OWN, Some(UNIT), "NurseRequest", &[("need", "some water")]).await;
    assert!(said(&water).contains("nurses' board"), "{water}");
    let cry = stage.intent(OWN, Some(UNIT), "SayAnything", &[("query", "help I can't breathe")]).await;
    assert!(said(&cry).contains("nurses' board as an emergency"), "{cry}");
    assert_eq!(board(&stage).await, 2);
}

#[tokio::test]
async fn what_a_list_offers_can_be_picked() {
    let (stage, _) = Stage::with_rosa().await;
    stage.register(UNIT, "room-7").await;
    let mut book = intent("AppointmentBook", &[]);
    let mut answer: Value = stage.ask(&stage.envelope(OWN, Some(UNIT), book.clone())).await;
    assert!(open(&answer), "{answer}");
    book["intent"]["slots"] = json!({ "date": { "name": "date", "value": "PRESENT_REF" } });
    answer = stage.ask(&stage.envelope(OWN, Some(UNIT), book)).await;
    assert!(!said(&answer).is_empty());
}
