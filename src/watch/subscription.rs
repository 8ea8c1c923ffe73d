//! The Subscription by which a server is asked to say when something changes. Pure.
//!
//! Without a payload: what is sent is only that something changed, and what it is, is read with this program's own right to. Where a
//! server knows topics alone, the same is asked for by topic (Subscriptions R4 Backport 1.1, content `empty`).

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::records::changed::Watched;

/// How long a Subscription lasts at a server.
pub const LASTS: SignedDuration = SignedDuration::from_hours(30 * 24);
/// How long before its end it is renewed.
pub const RENEWED: SignedDuration = SignedDuration::from_hours(7 * 24);

const BACKPORT: &str = "http://hl7.org/fhir/uv/subscriptions-backport/StructureDefinition";

/// What a Subscription is made of.
pub struct Wish<'a> {
    /// What is watched.
    pub what: Watched,
    /// The id of the server's Patient.
    pub patient: &'a str,
    /// The topic, where it is asked for by one.
    pub topic: Option<&'a str>,
    /// Where the server says it.
    pub endpoint: &'a str,
    /// What it shows there.
    pub secret: &'a str,
    /// When it ends.
    pub ends: Timestamp,
}

impl Wish<'_> {
    /// The resource.
    #[must_use]
    pub fn resource(&self) -> Value {
        let (kind, more) = self.what.resource();
        let filter = format!("{kind}?patient=Patient/{}{more}", self.patient);
        let mut subscription = json!({
            "resourceType": "Subscription",
            "status": "requested",
            "reason": "The patient's voice assistant reads what changed.",
            "criteria": filter,
            "end": self.ends.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
            "channel": {
                "type": "rest-hook",
                "endpoint": self.endpoint,
                "header": [format!("Authorization: Bearer {}", self.secret)],
            },
        });
        if let Some(topic) = self.topic {
            subscription["meta"] = json!({ "profile": [format!("{BACKPORT}/backport-subscription")] });
            subscription["criteria"] = topic.into();
            subscription["_criteria"] = json!({ "extension": [{ "url": format!("{BACKPORT}/backport-filter-criteria"), "valueString": filter }] });
            subscription["channel"]["payload"] = "application/fhir+json".into();
            subscription["channel"]["_payload"] = json!({ "extension": [{ "url": format!("{BACKPORT}/backport-payload-content"), "valueCode": "empty" }] });
        }
        subscription
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_of_anybody_is_asked_to_be_sent() {
        let wish = |topic| Wish {
            what: Watched::Results,
            patient: "p1",
            topic,
            endpoint: "https://voice.example.org/v1/records/changed/ab",
            secret: "wsn_x",
            ends: "2026-06-03T10:00:00Z".parse().expect("a time"),
        };
        let plain = wish(None).resource();
        assert_eq!(plain["criteria"], "Observation?patient=Patient/p1&category=laboratory");
        assert_eq!(plain["channel"]["header"][0], "Authorization: Bearer wsn_x");
        assert_eq!(
            (plain["end"].as_str(), plain["status"].as_str()),
            (Some("2026-06-03T10:00:00Z"), Some("requested"))
        );
        assert!(plain["channel"].get("payload").is_none(), "without a payload nothing but the fact is sent");
        let by_topic = wish(Some("http://topics.example/labs")).resource();
        assert_eq!(by_topic["criteria"], "http://topics.example/labs");
        assert_eq!(by_topic["_criteria"]["extension"][0]["valueString"], plain["criteria"]);
        assert_eq!(by_topic["channel"]["_payload"]["extension"][0]["valueCode"], "empty");
    }
}
