//! A call as a FHIR R4 Task: what is sent, and what is changed in one that is there. Pure.
//!
//! Invariants: nobody and no word is in it, whatever the call holds: a room, a kind of need out of the program's own table, a
//! role, times. Who lies in the room, and what they said, is for those who may see the board; a Task is seen by whoever may see
//! Tasks there, is copied into lists and logs, and stays when the stay is over. What a server or anybody else put into a Task stays
//! as it is. The same call gives the same Task, so that telling it again changes nothing.

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::{
    ladder::Rung,
    need::Need,
    route::{Priority, Route},
};

/// What a call's own name is a name in.
pub const SYSTEM: &str = "urn:wellspoken:call";
const NEED: &str = "urn:wellspoken:need";
const ROLE: &str = "urn:wellspoken:role";
const ROOM: &str = "urn:wellspoken:room";
const STATE: &str = "urn:wellspoken:call-state";

/// A call, as far as others may know it.
#[derive(Debug, Clone, Copy)]
pub struct CallNow<'a> {
    /// Its name.
    pub id: &'a str,
    /// Its room.
    pub room: &'a str,
    /// The kind of need; `None` where nobody can tell any more.
    pub need: Option<Need>,
    /// Who is told, and how soon.
    pub route: Route,
    /// The last step that was told since it was asked for last.
    pub rung: Option<Rung>,
    /// When that was.
    pub told: Option<Timestamp>,
    /// When it was asked for.
    pub requested: Timestamp,
    /// When it was asked for last.
    pub asked_last: Option<Timestamp>,
    /// When somebody saw it.
    pub acknowledged: Option<Timestamp>,
    /// Since when its room says that it is no longer needed.
    pub cancelled: Option<Timestamp>,
    /// Whether whoever made it has gone.
    pub stay_over: bool,
    /// When staff ended it.
    pub closed: Option<Timestamp>,
}

impl CallNow<'_> {
    /// Asked for and not seen since.
    fn waits(&self) -> bool {
        self.acknowledged.is_none_or(|seen| self.asked_last.is_some_and(|asked| asked > seen))
    }

    /// `completed` and `cancelled` are staff's alone: a call that its own room no longer needs stays open until they close it.
    fn status(&self) -> &'static str {
        match (self.closed, self.cancelled) {
            (Some(_), Some(_)) => "cancelled",
            (Some(_), None) => "completed",
            (None, _) if self.waits() => "requested",
            (None, _) => "accepted",
        }
    }

    fn state(&self) -> &'static str {
        match self {
            Self { closed: Some(_), .. } => "closed",
            Self { cancelled: Some(_), .. } => "cancelled-by-patient",
            call if !call.waits() => "answered",
            Self { rung: Some(rung), .. } => rung.name(),
            Self { acknowledged: Some(_), .. } => "asked-again",
            _ => "waiting",
        }
    }

    /// One sooner for each step beyond the first. `stat` is for emergencies alone, which are it from the beginning.
    fn priority(&self) -> &'static str {
        let climbed = self.rung.filter(|_| self.waits()).map_or(0, |rung| rung as u32);
        match self.route.priority.raised(climbed) {
            Priority::Emergency => "stat",
            Priority::Urgent => "asap",
            Priority::Soon => "urgent",
            Priority::Routine => "routine",
        }
    }

    fn need(&self) -> &'static str {
        self.need.unwrap_or(Need::Other).name()
    }

    /// When it changed last.
    fn changed(&self) -> Timestamp {
        let times = [self.asked_last, self.told, self.acknowledged, self.cancelled, self.closed];
        times.into_iter().flatten().fold(self.requested, Timestamp::max)
    }
}

/// The search that finds a call's Task: for `If-None-Exist`.
#[must_use]
pub fn query(id: &str) -> String {
    format!("identifier={SYSTEM}|{id}")
}

/// The Task of a call, where the server has none yet.
#[must_use]
pub fn made(call: &CallNow<'_>) -> Value {
    let mut task = json!({
        "resourceType": "Task",
        "identifier": [{ "system": SYSTEM, "value": call.id }],
        "status": call.status(),
        "businessStatus": state(call),
        "intent": "order",
        "priority": call.priority(),
        "code": { "coding": [coding(NEED, call.need())] },
        "description": format!("Call of room {}: {}", call.room, call.need()),
        "authoredOn": time(call.requested),
        "lastModified": time(call.changed()),
        "performerType": [{ "coding": [coding(ROLE, call.route.role.name())] }],
        "location": location(call),
    });
    if let Some(period) = period(call) {
        task["executionPeriod"] = period;
    }
    task
}

/// The Task that a server has, brought to what the call is now; `None` where it is that already.
#[must_use]
pub fn brought(found: &Value, call: &CallNow<'_>) -> Option<Value> {
    let mut task = found.clone();
    if !goes_further(&found["status"], call.status()) {
        task["status"] = call.status().into();
    }
    task["businessStatus"] = recoded(&found["businessStatus"], STATE, &state(call));
    // What is not known any more stays as it was told.
    if call.need.is_some() {
        task["priority"] = call.priority().into();
        task["code"] = recoded(&found["code"], NEED, &json!({ "coding": [coding(NEED, call.need())] }));
        task["performerType"] = performers(&found["performerType"], call);
    }
    if found.pointer("/location/identifier/value").and_then(Value::as_str) != Some(call.room) {
        task["location"] = location(call);
    }
    if let Some(Value::Object(period)) = period(call) {
        let mut whole = found["executionPeriod"].as_object().cloned().unwrap_or_default();
        whole.extend(period);
        task["executionPeriod"] = whole.into();
    }
    if task == *found {
        return None;
    }
    let (theirs, ours) = (found["lastModified"].as_str().and_then(|text| text.parse().ok()), call.changed());
    task["lastModified"] = time(ours.max(theirs.unwrap_or(ours))).into();
    Some(task)
}

/// Whether whoever works with the Task has taken it on from there: that is theirs to say, as long as the call is open.
fn goes_further(theirs: &Value, ours: &str) -> bool {
    match ours {
        "requested" => theirs == "received",
        "accepted" => matches!(theirs.as_str(), Some("ready" | "in-progress" | "on-hold")),
        _ => false,
    }
}

fn coding(system: &str, code: &str) -> Value {
    json!({ "system": system, "code": code })
}

fn state(call: &CallNow<'_>) -> Value {
    let mut codings = vec![coding(STATE, call.state())];
    if call.stay_over {
        codings.push(coding(STATE, "stay-over"));
    }
    json!({ "coding": codings })
}

fn location(call: &CallNow<'_>) -> Value {
    json!({ "identifier": { "system": ROOM, "value": call.room }, "display": format!("Room {}", call.room) })
}

fn period(call: &CallNow<'_>) -> Option<Value> {
    let mut period = Map::new();
    for (name, at) in [("start", call.acknowledged), ("end", call.closed)] {
        if let Some(at) = at {
            period.insert(name.into(), time(at).into());
        }
    }
    (!period.is_empty()).then(|| period.into())
}

/// A concept with our codings instead of those that were ours; everybody else's stay.
fn recoded(found: &Value, system: &str, ours: &Value) -> Value {
    let mut concept = found.as_object().cloned().unwrap_or_default();
    let theirs = found["coding"].as_array().into_iter().flatten().filter(|coding| coding["system"] != system);
    let codings: Vec<Value> = ours["coding"].as_array().into_iter().flatten().chain(theirs).cloned().collect();
    concept.insert("coding".into(), codings.into());
    concept.into()
}

fn performers(found: &Value, call: &CallNow<'_>) -> Value {
    let ours = json!({ "coding": [coding(ROLE, call.route.role.name())] });
    let mut all = found.as_array().cloned().unwrap_or_default();
    let is_ours = |concept: &Value| {
        concept["coding"].as_array().is_some_and(|codings| codings.iter().any(|coding| coding["system"] == ROLE))
    };
    match all.iter_mut().find(|concept| is_ours(concept)) {
        Some(concept) => *concept = recoded(concept, ROLE, &ours),
        None => all.push(ours),
    }
    all.into()
}

/// An instant with seconds, as servers of every kind take it.
fn time(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{super::route::Routes, *};

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).expect("in range")
    }

    fn call(words: &str, emergency: bool) -> CallNow<'static> {
        CallNow {
            id: "0193-c1",
            room: "412",
            need: Some(Need::of(words)),
            route: Routes::default().of(Some(words), emergency, 0),
            rung: None,
            told: None,
            requested: at(100),
            asked_last: None,
            acknowledged: None,
            cancelled: None,
            stay_over: false,
            closed: None,
        }
    }

    #[test]
    fn what_a_call_is_says_what_its_task_is() {
        let water = call("some water", false);
        let seen = CallNow { acknowledged: Some(at(200)), ..water };
        let again = CallNow { asked_last: Some(at(300)), ..seen };
        let climbs = |rung| CallNow { rung: Some(rung), ..water };
        let never_mind = CallNow { cancelled: Some(at(150)), ..water };
        #[rustfmt::skip]
        let table = [
            // call, status, state, priority
            (water,                                          "requested", "waiting",              "routine"),
            (call("my hip hurts", false),                    "requested", "waiting",              "asap"),
            (call("the bathroom", false),                    "requested", "waiting",              "urgent"),
            (call("help", true),                             "requested", "waiting",              "stat"),
            (climbs(Rung::Assigned),                         "requested", "assigned",             "routine"),
            (climbs(Rung::Charge),                           "requested", "charge",               "urgent"),
            (climbs(Rung::Supervisor),                       "requested", "supervisor",           "asap"),
            (climbs(Rung::Pager),                            "requested", "pager",                "asap"),
            (CallNow { rung: Some(Rung::Pager), ..call("help", true) }, "requested", "pager",     "stat"),
            (seen,                                           "accepted",  "answered",             "routine"),
            (CallNow { rung: Some(Rung::Charge), ..seen },   "accepted",  "answered",             "routine"),
            (again,                                          "requested", "asked-again",          "routine"),
            (CallNow { acknowledged: Some(at(300)), ..again }, "accepted", "answered",            "routine"),
            (never_mind,                                     "requested", "cancelled-by-patient", "routine"),
            (CallNow { closed: Some(at(400)), ..seen },      "completed", "closed",               "routine"),
            (CallNow { closed: Some(at(400)), ..never_mind }, "cancelled", "closed",              "routine"),
        ];
        for (n, (call, status, state, priority)) in table.into_iter().enumerate() {
            let task = made(&call);
            let told = [&task["status"], &task["businessStatus"]["coding"][0]["code"], &task["priority"]];
            assert_eq!(told, [status, state, priority], "line {n}");
            assert_eq!(brought(&task, &call), None, "line {n}: told once more it is the same");
        }
    }

    #[test]
    fn what_others_wrote_stays() {
        let water = call("some water", false);
        let mut task = made(&water);
        task["id"] = "t1".into();
        task["extension"] = json!([{ "url": "urn:ward:shelf", "valueString": "blue" }]);
        task["owner"] = json!({ "reference": "PractitionerRole/7" });
        task["note"] = json!([{ "text": "on my way" }]);
        task["location"]["reference"] = "Location/9".into();
        task["code"]["text"] = "Water".into();
        task["code"]["coding"].as_array_mut().expect("some").push(coding("urn:ward:codes", "H2O"));
        task["performerType"].as_array_mut().expect("some").insert(0, json!({ "text": "anybody" }));
        task["executionPeriod"] = json!({ "extension": [{ "url": "urn:x", "valueBoolean": true }] });
        task["lastModified"] = "2030-01-01T00:00:00Z".into();
        assert_eq!(brought(&task, &water), None);

        let mut wanted = task.clone();
        wanted["status"] = "accepted".into();
        wanted["businessStatus"]["coding"][0]["code"] = "answered".into();
        wanted["executionPeriod"]["start"] = "1970-01-01T00:03:20Z".into();
        let seen = CallNow { acknowledged: Some(at(200)), ..water };
        assert_eq!(brought(&task, &seen), Some(wanted));
        for (theirs, ours, stays) in [
            ("in-progress", seen, true),
            ("received", water, true),
            ("received", seen, false),
            // Whoever ends a Task elsewhere ends no call: it is open here, and shows.
            ("completed", water, false),
            ("completed", seen, false),
            ("in-progress", CallNow { closed: Some(at(400)), ..seen }, false),
        ] {
            let mut task = made(&ours);
            task["status"] = theirs.into();
            assert_eq!(brought(&task, &ours).is_none(), stays, "{theirs} {}", ours.status());
        }
    }

    #[test]
    fn what_is_not_known_any_more_stays_as_it_was_told() {
        let hip = call("my hip hurts", false);
        let task = made(&hip);
        let gone = CallNow { need: None, route: Routes::default().of(None, false, 0), closed: Some(at(500)), ..hip };
        let after = brought(&task, &gone).expect("changed");
        for field in ["code", "priority", "performerType"] {
            assert_eq!(after[field], task[field], "{field}");
        }
        assert_eq!((&after["status"], &after["lastModified"]), (&"completed".into(), &"1970-01-01T00:08:20Z".into()));
        assert_eq!(made(&gone)["code"]["coding"][0]["code"], "other");
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn no_word_is_in_a_task(word in "q[a-z]{9}", emergency: bool, repeats in 0u32..9) {
            let words = format!("{word} water please");
            let route = Routes::default().of(Some(&words), emergency, repeats);
            let task = made(&CallNow { need: Some(Need::of(&words)), route, ..call("", false) });
            prop_assert!(!task.to_string().contains(&word), "{}", task);
        }

        #[test]
        fn nothing_a_server_writes_makes_it_fail(field in "[a-zA-Z]{1,12}", text in ".{0,20}") {
            let call = call("some water", false);
            for odd in [json!(text), json!([text]), json!({ &field: text }), json!({ "coding": text }), Value::Null] {
                for name in ["status", "businessStatus", "code", "performerType", "location", "executionPeriod", field.as_str()] {
                    let mut task = made(&call);
                    task[name] = odd.clone();
                    let once = brought(&task, &call).unwrap_or(task);
                    prop_assert_eq!(brought(&once, &call), None);
                }
            }
        }
    }
}
