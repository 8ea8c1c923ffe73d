//! What a record server sends when something changed. Pure.
//!
//! Invariant: a notification is a reason to look, and nothing of it is believed. So little of it is read: whether it is JSON at
//! all where it says so, of which Subscription it speaks, and whether it only says that the server is there.

use serde::Deserialize;
use serde_json::value::RawValue;

/// What a notification comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Heard {
    /// Something changed.
    Changed,
    /// Nothing did: a handshake or a heartbeat (Subscriptions R4 Backport).
    There,
    /// It is about a Subscription of somebody else's, or of another server.
    NotOurs,
    /// It is no JSON object, or breaks off.
    Unreadable,
}

/// A resource, as far as it is looked at.
#[derive(Deserialize)]
struct Sent<'a> {
    #[serde(rename = "resourceType")]
    kind: Option<String>,
    #[serde(rename = "type")]
    what: Option<String>,
    /// Of `SubscriptionStatus` (R4B).
    subscription: Option<Reference>,
    #[serde(default, borrow)]
    entry: Vec<Entry<'a>>,
    #[serde(default)]
    parameter: Vec<Parameter>,
}

#[derive(Deserialize)]
struct Entry<'a> {
    #[serde(borrow)]
    resource: Option<&'a RawValue>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Parameter {
    name: Option<String>,
    value_code: Option<String>,
    value_reference: Option<Reference>,
}

#[derive(Deserialize)]
struct Reference {
    reference: Option<String>,
}

/// Reads a notification for the Subscription of that id at the server of that base address; `None` where the server has not told
/// the id yet. Nothing at all (R4, without payload) and a resource (R4, with one) say the same: something changed.
#[must_use]
pub fn heard(body: &[u8], base: &str, subscription: Option<&str>) -> Heard {
    if body.is_empty() {
        return Heard::Changed;
    }
    let Ok(sent) = serde_json::from_slice::<Sent<'_>>(body) else { return Heard::Unreadable };
    if sent.kind.as_deref() != Some("Bundle") {
        return Heard::Changed;
    }
    // The first entry tells of the Subscription, as Parameters (R4) or as a SubscriptionStatus (R4B).
    let first = sent.entry.first().and_then(|entry| entry.resource).map(RawValue::get);
    let Some(Ok(status)) = first.map(serde_json::from_str::<Sent<'_>>) else { return Heard::Changed };
    let (what, about) = match status.kind.as_deref() {
        Some("Parameters") => {
            let of = |name: &str| status.parameter.iter().find(|p| p.name.as_deref() == Some(name));
            let reference = of("subscription").and_then(|p| p.value_reference.as_ref());
            (of("type").and_then(|p| p.value_code.clone()), reference)
        }
        Some("SubscriptionStatus") => (status.what.clone(), status.subscription.as_ref()),
        _ => return Heard::Changed,
    };
    let about = about.and_then(|reference| reference.reference.as_deref());
    if about.is_some_and(|about| !is_of(about, base, subscription)) {
        return Heard::NotOurs;
    }
    match what.as_deref() {
        Some("handshake" | "heartbeat") => Heard::There,
        _ => Heard::Changed,
    }
}

/// Whether a reference names the Subscription: relative, or at this server.
fn is_of(reference: &str, base: &str, subscription: Option<&str>) -> bool {
    let own = reference.strip_prefix(base).and_then(|rest| rest.strip_prefix('/')).unwrap_or(reference);
    let own = own.split("/_history/").next().unwrap_or(own);
    own.strip_prefix("Subscription/").is_some_and(|id| subscription.is_none_or(|known| id == known))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    const BASE: &str = "https://fhir.example.org/r4";

    fn status(what: &str, about: &str) -> Value {
        json!({ "resourceType": "Bundle", "type": "history", "entry": [{ "resource": { "resourceType": "Parameters", "parameter": [
            { "name": "subscription", "valueReference": { "reference": about } },
            { "name": "type", "valueCode": what },
            { "name": "notification-event", "part": [{ "name": "event-number", "valueString": "2" }] },
        ] } }] })
    }

    #[test]
    fn what_a_notification_comes_to() {
        use Heard::{Changed, NotOurs, There, Unreadable};
        let newer = json!({ "resourceType": "Bundle", "type": "subscription-notification", "entry": [{ "resource": {
            "resourceType": "SubscriptionStatus", "type": "heartbeat", "subscription": { "reference": "Subscription/s1" } } }] });
        let table: Vec<(String, Heard)> = vec![
            (String::new(), Changed),
            (json!({ "resourceType": "Appointment", "id": "a1" }).to_string(), Changed),
            (json!({ "resourceType": "Appointment", "type": 7 }).to_string(), Unreadable),
            (json!({ "resourceType": "Bundle", "type": "history" }).to_string(), Changed),
            (status("event-notification", "Subscription/s1").to_string(), Changed),
            (status("event-notification", &format!("{BASE}/Subscription/s1")).to_string(), Changed),
            (status("event-notification", &format!("{BASE}/Subscription/s1/_history/3")).to_string(), Changed),
            (status("something-new", "Subscription/s1").to_string(), Changed),
            (status("heartbeat", "Subscription/s1").to_string(), There),
            (status("handshake", "Subscription/s1").to_string(), There),
            (newer.to_string(), There),
            (status("heartbeat", "Subscription/s2").to_string(), NotOurs),
            (status("event-notification", "Subscription/s2").to_string(), NotOurs),
            (status("event-notification", "https://elsewhere.example/r4/Subscription/s1").to_string(), NotOurs),
            (status("event-notification", "Patient/s1").to_string(), NotOurs),
            ("{\"resourceType\": \"Bun".into(), Unreadable),
            ("[]".into(), Unreadable),
            ("\"Bundle\"".into(), Unreadable),
            ("<Bundle/>".into(), Unreadable),
            ("\u{0}\u{1}".into(), Unreadable),
            ("{\"a\":".repeat(10_000), Unreadable),
        ];
        for (body, wanted) in table {
            assert_eq!(heard(body.as_bytes(), BASE, Some("s1")), wanted, "{}", body.get(..200).unwrap_or(&body));
        }
        let early = status("handshake", "Subscription/s9").to_string();
        assert_eq!(heard(early.as_bytes(), BASE, None), There, "before the server has told its id");
    }
}
