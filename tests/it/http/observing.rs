//! What an operator sees: counts and times, never a person.

use super::door::{CANARY, Door};

#[tokio::test]
async fn metrics_count_turns_by_channel_and_state_and_name_nobody() {
    let door = Door::open().await;
    for token in ["room-token", "room-token", "stranger-token"] {
        let body =
            serde_json::json!({ "text": CANARY, "session": "session-of-somebody", "turn_id": "turn-of-somebody" });
        let response = door.turn(token).json(&body).send().await.expect("an answer");
        assert_eq!(response.status(), 200);
    }
    let odd = "/somebody/was/here?name=somebody";
    door.request(reqwest::Method::GET, odd).send().await.expect("an answer");
    let brew = "BREW".parse().expect("a method");
    door.request(brew, "/livez").send().await.expect("an answer");

    let response = door.request(reqwest::Method::GET, "/metrics").bearer_auth("operator-token").send().await;
    let response = response.expect("an answer");
    assert!(response.headers()["content-type"].to_str().expect("ASCII").starts_with("application/openmetrics-text"));
    let text = response.text().await.expect("a body");
    for line in [
        r#"wellspoken_turns_total{channel="room",state="answered"} 2"#,
        r#"wellspoken_turns_total{channel="third-party",state="answered"} 1"#,
        r#"wellspoken_turn_stage_seconds_count{stage="asr"} 3"#,
        r#"wellspoken_turn_stage_seconds_bucket{le="0.001",stage="asr"} 3"#,
        r#"wellspoken_http_requests_total{method="POST",route="/v1/turns",status="200"} 3"#,
        r#"wellspoken_http_requests_total{method="GET",route="none",status="404"} 1"#,
        r#"wellspoken_http_requests_total{method="other",route="/livez",status="405"} 1"#,
        "wellspoken_recordings_waiting 3",
        "wellspoken_turns_in_progress 0",
        "# EOF",
    ] {
        assert!(text.contains(line), "no line {line} in:\n{text}");
    }
    for word in ["marmalade", "somebody", "room-7", "kitchen", "session-1", "token", "dialogue.repeat", "BREW"] {
        assert!(!text.contains(word), "{word} in the metrics:\n{text}");
    }
}
