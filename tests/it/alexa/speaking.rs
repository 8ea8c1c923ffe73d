//! What somebody hears who calls from a platform of somebody else's.

use serde_json::{Value, json};

use super::stage::{SKILL, Stage, intent, open, said};

#[tokio::test]
async fn a_session_opens_helps_answers_what_is_public_and_ends() {
    let stage = Stage::empty().await;
    let launch = stage.ask(&stage.envelope(SKILL, None, json!({ "type": "LaunchRequest" }))).await;
    assert!(said(&launch).starts_with("Hello") && open(&launch), "{launch}");
    let help = stage.intent(SKILL, None, "AMAZON.HelpIntent", &[]).await;
    assert!(open(&help), "{help}");
    for own in ["your medicines", "your visits", "results"] {
        assert!(!said(&help).contains(own), "what cannot be had here is not offered: {help}");
    }
    let public = stage.intent(SKILL, None, "PrivacyHowProtected", &[]).await;
    assert!(!said(&public).is_empty() && !open(&public), "{public}");
    let fallback = stage.intent(SKILL, None, "AMAZON.FallbackIntent", &[]).await;
    assert!(open(&fallback) && said(&fallback).contains("own device or page"), "{fallback}");
    let guessed = stage.intent(SKILL, None, "NobodyKnowsThisIntent", &[("toiletries", "towel")]).await;
    assert!(!said(&guessed).contains('?'), "nothing is asked whose answer would find no question: {guessed}");
    for (name, ends) in [
        ("AMAZON.YesIntent", true),
        ("AMAZON.NoIntent", true),
        ("AMAZON.RepeatIntent", true),
        ("AMAZON.CancelIntent", true),
        ("AMAZON.StopIntent", true),
        ("AMAZON.NavigateHomeIntent", true),
        ("AMAZON.PauseIntent", false),
        ("NobodyKnowsThisIntent", false),
    ] {
        let answer = stage.intent(SKILL, None, name, &[]).await;
        assert_eq!(open(&answer), !ends, "{name}: {answer}");
        assert!(!said(&answer).is_empty());
    }
    let words = stage.intent(SKILL, None, "SayAnythingIntent", &[("query", "who can hear this")]).await;
    assert_eq!(said(&words), said(&public), "words of an intent nobody knows are understood as words");
}

#[tokio::test]
async fn whatever_is_somebodys_is_refused_in_the_same_words_whether_it_exists_or_not() {
    let (stage, _) = Stage::with_rosa().await;
    let mut answers = vec![];
    for (name, slots) in [
        ("PrescriptionStatus", &[("medicine", "lisinopril")][..]),
        ("PrescriptionStatus", &[("medicine", "zubsolv")]),
        ("PrescriptionRenew", &[("medicine", "metformin")]),
        ("PrescriptionRenew", &[]),
        ("PrescriptionList", &[]),
        ("AppointmentNext", &[]),
        ("AppointmentBook", &[("date", "2026-12-03")]),
        ("NurseRequest", &[("need", "some water")]),
        ("prescription.list", &[]),
        ("SayAnythingIntent", &[("query", "is my lisinopril ready")]),
    ] {
        let answer = stage.intent(SKILL, None, name, slots).await;
        assert!(!open(&answer), "{name}: {answer}");
        assert!(answer["response"]["directives"].is_null(), "{answer}");
        answers.push(said(&answer));
    }
    answers.dedup();
    assert_eq!(answers.len(), 1, "{answers:?}");
    assert!(answers[0].contains("own device or page"), "it says which way there is: {answers:?}");
}

#[tokio::test]
async fn an_emergency_comes_first_here_too() {
    let stage = Stage::empty().await;
    for (name, slots) in [
        ("SayAnythingIntent", &[("query", "I have crushing chest pain and I can't breathe")][..]),
        ("PrescriptionRenew", &[("medicine", "metformin"), ("note", "help my husband is not breathing")]),
        ("AMAZON.FallbackIntent", &[("words", "I took all my pills at once I want to die")]),
        ("EmergencyHelp", &[]),
    ] {
        let answer = stage.intent(SKILL, None, name, slots).await;
        let told = said(&answer);
        assert!(told.contains("911") && told.contains("can't call"), "{name}: {told}");
        assert!(!open(&answer));
    }
    let long = format!("{} I can't breathe", "and then ".repeat(400));
    let answer = stage.intent(SKILL, None, "SayAnythingIntent", &[("query", &long)]).await;
    assert!(said(&answer).contains("911"), "too long to understand is read for emergencies all the same");
    let told = said(&stage.intent(SKILL, None, "SayAnythingIntent", &[("query", "I want to kill myself")]).await);
    assert!(told.contains("988"), "{told}");
}

#[tokio::test]
async fn what_could_be_answered_is_told_without_answering() {
    let (stage, _) = Stage::with_rosa().await;
    let can = async |name: &str, slots: &[(&str, &str)]| {
        let mut request = intent(name, slots);
        request["type"] = "CanFulfillIntentRequest".into();
        let answer = stage.ask(&stage.envelope(SKILL, None, request)).await;
        assert!(answer["response"]["outputSpeech"].is_null() && answer["response"]["shouldEndSession"].is_null());
        answer["response"]["canFulfillIntent"].clone()
    };
    assert_eq!(can("PrivacyHowProtected", &[]).await, json!({ "canFulfill": "YES", "slots": {} }));
    let slots = json!({ "medicine": { "canUnderstand": "YES", "canFulfill": "NO" } });
    let asked = can("PrescriptionStatus", &[("medicine", "lisinopril")]).await;
    assert_eq!(asked, json!({ "canFulfill": "NO", "slots": slots }), "a person's own is not fulfilled here");
    let slots = json!({ "sound": { "canUnderstand": "NO", "canFulfill": "NO" } });
    assert_eq!(can("PlaySound", &[("sound", "crickets")]).await, json!({ "canFulfill": "NO", "slots": slots }));
}

#[tokio::test]
async fn where_no_answer_belongs_nothing_is_said() {
    let stage = Stage::empty().await;
    let body = json!({ "accessToken": "a-token", "acceptedPermissions": [{ "scope": "s" }] });
    let hour = "2026-12-01T14:10:00Z";
    for request in [
        json!({ "type": "SessionEndedRequest", "reason": "USER_INITIATED" }),
        json!({ "type": "SessionEndedRequest", "reason": "ERROR", "error": { "type": "INVALID_RESPONSE", "message": "m" } }),
        json!({ "type": "AlexaSkillEvent.SkillEnabled", "timestamp": hour }),
        json!({ "type": "AlexaSkillEvent.SkillDisabled", "timestamp": hour, "body": { "userInformationPersistenceStatus": "NOT_PERSISTED" } }),
        json!({ "type": "AlexaSkillEvent.SkillAccountLinked", "timestamp": hour, "body": body }),
        json!({ "type": "AlexaSkillEvent.SkillPermissionAccepted", "timestamp": hour, "eventCreationTime": hour, "body": body }),
        json!({ "type": "AlexaSkillEvent.SkillPermissionChanged", "timestamp": hour, "body": body }),
        json!({ "type": "AudioPlayer.PlaybackStarted", "token": "t", "offsetInMilliseconds": 0 }),
        json!({ "type": "System.ExceptionEncountered", "error": { "type": "INVALID_RESPONSE" }, "cause": { "requestId": "r" } }),
        json!({ "type": "SessionResumedRequest", "cause": { "type": "ConnectionCompleted" } }),
        json!({ "type": "Connections.Response", "name": "AskFor", "status": { "code": "200" }, "payload": {} }),
        json!({ "type": "Something.Quite.New", "intent": [1, 2], "error": 7, "dialogState": {} }),
    ] {
        let mut envelope = stage.envelope(SKILL, None, request);
        if envelope["request"]["type"].as_str().expect("a type").starts_with("AlexaSkillEvent") {
            envelope.as_object_mut().expect("an object").remove("session");
        }
        let answer = stage.ask(&envelope).await;
        assert_eq!(answer["response"], json!({}), "{envelope}");
    }
}

#[tokio::test]
async fn a_conversation_is_not_kept_for_a_third_party() {
    let stage = Stage::empty().await;
    let envelope = stage.envelope(SKILL, None, intent("PrivacyHowProtected", &[]));
    let first = stage.ask(&envelope).await;
    assert_eq!(stage.ask(&envelope).await, first, "the same request again gets the same answer, made again");
    let again: Value = stage.intent(SKILL, None, "AMAZON.RepeatIntent", &[]).await;
    assert!(said(&again).contains("haven't said anything"), "{again}");
}
