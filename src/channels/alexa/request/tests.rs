use serde_json::json;

use super::*;

fn read(value: &Value) -> Asked {
    Asked::read(value.to_string().as_bytes()).map_err(|e| e.to_string()).expect("it is read")
}

fn envelope(request: Value) -> Value {
    json!({ "version": "1.0", "context": { "System": { "application": { "applicationId": "amzn1.ask.skill.a" } } }, "request": request })
}

#[test]
fn an_intent_is_read_with_what_was_said_for_its_slots() {
    let matched = |name: &str| {
        json!({ "resolutionsPerAuthority": [
        { "authority": "a", "status": { "code": "ER_SUCCESS_NO_MATCH" } },
        { "authority": "b", "status": { "code": "ER_SUCCESS_MATCH" }, "values": [{ "value": { "name": name, "id": "X" } }] },
    ] })
    };
    let asked = read(&envelope(json!({
        "type": "IntentRequest", "requestId": "r", "timestamp": "2026-12-01T15:00:00Z", "dialogState": "IN_PROGRESS",
        "intent": { "name": "RefillIntent", "confirmationStatus": "CONFIRMED", "slots": {
            "medicine": { "name": "medicine", "value": "glucophage", "confirmationStatus": "NONE", "resolutions": matched("metformin"), "source": "USER" },
            "amount": { "name": "amount", "confirmationStatus": "NONE" },
            "day": { "name": "day", "value": "2026-12-02", "confirmationStatus": "DENIED" },
            "toppings": { "name": "toppings", "slotValue": { "type": "List", "values": [
                { "type": "Simple", "value": "olives", "resolutions": matched("black olives") },
                { "type": "Simple", "value": "ham" },
                { "type": "Novel", "value": "x" },
            ] } },
        } },
        "future": { "deep": [1, 2, 3] },
    })));
    let Kind::Intent { intended, dialog, slots } = &asked.kind else { panic!("an intent") };
    assert_eq!(
        (intended.name.as_str(), intended.confirmed, *dialog, slots.len()),
        ("RefillIntent", Some(true), true, 4)
    );
    let said: Vec<_> =
        intended.slots.iter().map(|s| (s.slot.as_str(), s.words.as_str(), s.likely.as_deref())).collect();
    assert_eq!(
        said,
        [
            ("medicine", "glucophage", Some("metformin")),
            ("toppings", "olives", Some("black olives")),
            ("toppings", "ham", None)
        ]
    );
    assert_eq!(asked.skill.as_deref(), Some("amzn1.ask.skill.a"));
}

#[test]
fn units_and_skills_are_where_the_platform_puts_them() {
    let request = json!({ "type": "LaunchRequest" });
    let both = json!({ "session": { "sessionId": "s", "application": { "applicationId": "a" } },
        "context": { "System": { "application": { "applicationId": "a" }, "unit": { "unitId": "u", "persistentUnitId": "p" } } }, "request": request });
    let asked = read(&both);
    assert_eq!((asked.skill.as_deref(), asked.session.as_deref()), (Some("a"), Some("s")));
    assert_eq!(asked.units, ["p", "u"]);
    let two = json!({ "session": { "application": { "applicationId": "a" } }, "context": { "System": { "application": { "applicationId": "b" } } }, "request": request });
    assert_eq!(read(&two).skill, None, "two different skills are none");
    assert_eq!(
        read(&json!({ "session": { "application": { "applicationId": "a" } }, "request": request })).skill.as_deref(),
        Some("a")
    );
    assert_eq!(read(&json!({ "session": null, "context": null, "request": request })).skill, None);
}

#[test]
fn a_time_is_read_in_every_form_and_held_to_its_window() {
    let now: Timestamp = "2026-12-01T15:00:00Z".parse().expect("valid");
    let fresh = |kind: &str, stamp: Value| read(&envelope(json!({ "type": kind, "timestamp": stamp }))).fresh(now);
    let ms = now.as_millisecond();
    for (kind, stamp, want) in [
        ("LaunchRequest", json!("2026-12-01T15:00:00Z"), true),
        ("LaunchRequest", json!("2026-12-01T15:00:00"), true),
        ("LaunchRequest", json!("2026-12-01T10:00:00-05:00"), true),
        ("LaunchRequest", json!(ms), true),
        ("LaunchRequest", json!("2026-12-01T14:57:30Z"), true),
        ("LaunchRequest", json!("2026-12-01T14:57:29Z"), false),
        ("LaunchRequest", json!("2026-12-01T15:02:30Z"), true),
        ("LaunchRequest", json!("2026-12-01T15:02:31Z"), false),
        ("LaunchRequest", json!(ms - 151_000), false),
        ("AlexaSkillEvent.SkillEnabled", json!("2026-12-01T14:00:00Z"), true),
        ("AlexaSkillEvent.SkillEnabled", json!("2026-12-01T13:59:59Z"), false),
        ("AlexaSkillEvent.SkillEnabled", json!("2026-12-01T15:02:31Z"), false),
        ("LaunchRequest", json!("yesterday"), false),
        ("LaunchRequest", json!(1.5), false),
        ("LaunchRequest", Value::Null, false),
    ] {
        assert_eq!(fresh(kind, stamp.clone()), want, "{kind} {stamp}");
    }
}

#[test]
fn every_kind_is_known_or_passed_over() {
    let kind = |request: Value| match read(&envelope(request)).kind {
        Kind::Launch => "launch".to_owned(),
        Kind::Intent { intended, .. } => format!("intent {}", intended.name),
        Kind::CanFulfill(intended) => format!("can {}", intended.name),
        Kind::Ended { fault } => format!("ended {fault:?}"),
        Kind::Silent => "silent".to_owned(),
    };
    for (request, want) in [
        (json!({ "type": "LaunchRequest", "task": { "name": "AMAZON.PrintPDF" } }), "launch"),
        (
            json!({ "type": "IntentRequest", "intent": { "name": "AMAZON.HelpIntent", "slots": null } }),
            "intent AMAZON.HelpIntent",
        ),
        (json!({ "type": "CanFulfillIntentRequest", "intent": { "name": "PlaySound", "slots": {} } }), "can PlaySound"),
        (json!({ "type": "SessionEndedRequest", "reason": "USER_INITIATED" }), "ended None"),
        (
            json!({ "type": "SessionEndedRequest", "reason": "ERROR", "error": { "type": "INVALID_RESPONSE", "message": "m" } }),
            "ended Some(\"INVALID_RESPONSE\")",
        ),
        (json!({ "type": "SessionEndedRequest", "error": { "type": "velmoradine" } }), "ended Some(\"another\")"),
        (json!({ "type": "AlexaSkillEvent.SkillAccountLinked", "body": { "accessToken": "t" } }), "silent"),
        (json!({ "type": "Connections.Response", "intent": "not an intent" }), "silent"),
        (json!({ "type": "Brand.New" }), "silent"),
    ] {
        assert_eq!(kind(request.clone()), want, "{request}");
    }
}

#[test]
fn what_is_no_request_is_refused_without_a_word_of_it() {
    let deep =
        format!("{{\"request\":{{\"type\":\"IntentRequest\",\"intent\":{}1{}}}}}", "[".repeat(5000), "]".repeat(5000));
    for body in [
        &b""[..],
        b"velmoradine",
        b"[]",
        b"{}",
        b"{\"request\":{}}",
        b"{\"request\":{\"type\":7}}",
        b"\xff\xfe",
        b"{\"request\":{\"type\":\"IntentRequest\"}}",
        b"{\"request\":{\"type\":\"IntentRequest\",\"intent\":\"velmoradine\"}}",
        b"{\"request\":{\"type\":\"IntentRequest\",\"intent\":{\"name\":\"velmoradine\",\"slots\":[]}}}",
        b"{\"request\":{\"type\":\"LaunchRequest\",\"type\":\"IntentRequest\"}}",
        deep.as_bytes(),
    ] {
        let told = Asked::read(body).map(|_| ()).expect_err("refused").to_string();
        assert!(!told.contains("velmoradine"), "{told}");
    }
    // Amazon's own examples begin with a byte order mark.
    assert!(Asked::read("\u{feff}{\"request\":{\"type\":\"LaunchRequest\"}}".as_bytes()).is_ok());
}
