//! Bundles that are sent and answered: batches of questions, transactions, pages of a search.
//!
//! A found resource stays the text it was written as: unknown fields, extensions and the zeros behind a decimal point are
//! kept.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json, value::RawValue};

use super::{
    FhirError, Version,
    headers::{self, Link},
};

/// A question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ask {
    /// One resource.
    Read {
        /// Its type.
        kind: &'static str,
        /// Its logical id.
        id: String,
    },
    /// Those that fit.
    Search {
        /// Their type.
        kind: &'static str,
        /// By what: names and values as FHIR search has them, not encoded.
        by: Vec<(&'static str, String)>,
    },
}

impl Ask {
    /// Whether it can be asked at all: an id that is none finds nothing.
    pub(super) fn sound(&self) -> bool {
        match self {
            Self::Read { kind, id } => headers::is_kind(kind) && headers::is_id(id),
            Self::Search { kind, .. } => headers::is_kind(kind),
        }
    }

    fn address(&self) -> String {
        match self {
            Self::Read { kind, id } => format!("{kind}/{id}"),
            Self::Search { kind, by } => format!("{kind}?{}", form_of(by)),
        }
    }
}

pub(super) fn form_of(by: &[(&'static str, String)]) -> String {
    headers::form(&by.iter().map(|(name, value)| (*name, value.as_str())).collect::<Vec<_>>())
}

/// A batch of questions. Its addresses stand in the body, so that what is searched by is in no log of addresses.
pub(super) fn batch_of<'a>(asks: impl Iterator<Item = &'a Ask>) -> Vec<u8> {
    let entries: Vec<Value> = asks.map(|ask| json!({ "request": { "method": "GET", "url": ask.address() } })).collect();
    json!({ "resourceType": "Bundle", "type": "batch", "entry": entries }).to_string().into_bytes()
}

/// A change, in a transaction.
pub enum Write {
    /// A new resource.
    Create {
        /// Its name within the transaction, such as `urn:uuid:…`, by which others refer to it.
        full_url: Option<String>,
        /// The resource.
        resource: Value,
        /// Not if something fits this already: `identifier=system|value`.
        if_none_exist: Option<String>,
    },
    /// A resource that is there, changed.
    Update {
        /// The resource, with its id.
        resource: Value,
        /// Only if it is this version still.
        version: Option<Version>,
    },
}

/// What became of a change.
pub struct Written {
    /// 201 made, 200 changed or there already.
    pub status: u16,
    /// Type and id.
    pub reference: Option<String>,
    /// Its version now.
    pub version: Option<Version>,
    /// As the server has it now, where it tells.
    pub resource: Option<Value>,
}

#[derive(Serialize)]
struct Sent<'a> {
    #[serde(rename = "resourceType")]
    kind: &'static str,
    #[serde(rename = "type")]
    what: &'static str,
    entry: Vec<SentEntry<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct SentEntry<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    full_url: Option<&'a str>,
    resource: &'a Value,
    request: Request<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Request<'a> {
    method: &'static str,
    url: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    if_none_exist: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    if_match: Option<String>,
}

pub(super) fn transaction_of(writes: &[Write]) -> Result<Vec<u8>, FhirError> {
    let entry = writes.iter().map(sent).collect::<Result<_, _>>()?;
    serde_json::to_vec(&Sent { kind: "Bundle", what: "transaction", entry }).map_err(|_| unfit())
}

fn sent(write: &Write) -> Result<SentEntry<'_>, FhirError> {
    Ok(match write {
        Write::Create { full_url, resource, if_none_exist } => SentEntry {
            full_url: full_url.as_deref(),
            request: Request {
                method: "POST",
                url: kind_of(resource)?.to_owned(),
                if_none_exist: if_none_exist.as_deref(),
                if_match: None,
            },
            resource,
        },
        Write::Update { resource, version } => SentEntry {
            full_url: None,
            request: Request {
                method: "PUT",
                url: reference_of(resource)?,
                if_none_exist: None,
                if_match: version.as_ref().map(Version::etag),
            },
            resource,
        },
    })
}

/// The type of a resource that is to be written.
pub(super) fn kind_of(resource: &Value) -> Result<&str, FhirError> {
    let kind = resource.get("resourceType").and_then(Value::as_str).filter(|kind| headers::is_kind(kind));
    kind.ok_or_else(unfit)
}

/// Type and id of a resource that is to be written.
pub(super) fn reference_of(resource: &Value) -> Result<String, FhirError> {
    let id = resource.get("id").and_then(Value::as_str).filter(|id| headers::is_id(id)).ok_or_else(unfit)?;
    Ok(format!("{}/{id}", kind_of(resource)?))
}

fn unfit() -> FhirError {
    FhirError::Unprocessable { status: 400, issues: super::Issues::default() }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Answer<'a> {
    resource_type: String,
    #[serde(borrow, default)]
    entry: Vec<AnswerEntry<'a>>,
    #[serde(default)]
    link: Vec<LinkPart>,
    total: Option<u64>,
}

#[derive(Deserialize)]
struct AnswerEntry<'a> {
    #[serde(borrow)]
    resource: Option<&'a RawValue>,
    response: Option<Response>,
    search: Option<Mode>,
}

#[derive(Deserialize)]
struct Response {
    status: String,
    location: Option<String>,
    etag: Option<String>,
    outcome: Option<Value>,
}

#[derive(Deserialize)]
struct Mode {
    mode: Option<String>,
}

#[derive(Deserialize)]
struct LinkPart {
    relation: String,
    url: String,
}

/// A page of a search.
pub(super) struct Page {
    pub found: Vec<Box<RawValue>>,
    pub next: Option<Link>,
    /// How many there are on all pages, where the server tells.
    pub total: Option<u64>,
}

/// A resource's type, where it says one.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Typed {
    resource_type: String,
}

fn answer(text: &[u8]) -> Result<Answer<'_>, FhirError> {
    let wrong = FhirError::Wrong("is no FHIR bundle");
    let answer: Answer<'_> = serde_json::from_slice(text).map_err(|_| wrong.clone())?;
    if answer.resource_type == "Bundle" { Ok(answer) } else { Err(wrong) }
}

/// Reads a page. One that goes on at another place is no answer: half a list of medicines is a wrong one.
pub(super) fn page(base: &str, text: &[u8]) -> Result<Page, FhirError> {
    let answer = answer(text)?;
    let next = match answer.link.iter().find(|link| link.relation == "next") {
        None => None,
        Some(link) => Some(headers::link(base, &link.url).ok_or(FhirError::Wrong("goes on at another place"))?),
    };
    let told =
        |entry: &AnswerEntry<'_>| entry.search.as_ref().and_then(|search| search.mode.as_deref()) != Some("outcome");
    let found = answer.entry.iter().filter(|entry| told(entry)).filter_map(|entry| entry.resource);
    Ok(Page { found: found.map(RawValue::to_owned).collect(), next, total: answer.total })
}

/// The answers of a batch, one for each question, in their order.
pub(super) fn batch_answers(base: &str, text: &[u8], asks: &[&Ask]) -> Result<Vec<Result<Page, FhirError>>, FhirError> {
    let answer = answer(text)?;
    if answer.entry.len() != asks.len() {
        return Err(FhirError::Wrong("has another number of entries than was asked for"));
    }
    Ok(asks.iter().zip(answer.entry).map(|(ask, entry)| one(base, ask, &entry)).collect())
}

fn one(base: &str, ask: &Ask, entry: &AnswerEntry<'_>) -> Result<Page, FhirError> {
    let status = entry.response.as_ref().and_then(|response| status_of(&response.status));
    let status = status.ok_or(FhirError::Wrong("has an entry without a status"))?;
    if !(200..300).contains(&status) {
        let outcome = entry.response.as_ref().and_then(|r| r.outcome.as_ref()).map(ToString::to_string);
        let outcome = outcome.or_else(|| entry.resource.map(|raw| raw.get().to_owned())).unwrap_or_default();
        return Err(FhirError::of(status, outcome.as_bytes(), None));
    }
    let resource = entry.resource.ok_or(FhirError::Wrong("has an entry without a resource"))?;
    match ask {
        Ask::Search { .. } => page(base, resource.get().as_bytes()),
        Ask::Read { kind, .. } => {
            let typed = serde_json::from_str::<Typed>(resource.get()).map(|typed| typed.resource_type);
            if typed.is_ok_and(|typed| typed == *kind) {
                Ok(Page { found: vec![resource.to_owned()], next: None, total: None })
            } else {
                Err(FhirError::Wrong("is of another type than was asked for"))
            }
        }
    }
}

/// `201 Created` → 201.
fn status_of(text: &str) -> Option<u16> {
    text.split_whitespace().next()?.parse().ok().filter(|status| (100..600).contains(status))
}

/// What became of a transaction's changes, in their order.
pub(super) fn written(text: &[u8], count: usize) -> Result<Vec<Written>, FhirError> {
    let answer = answer(text)?;
    if answer.entry.len() != count {
        return Err(FhirError::Wrong("has another number of entries than was asked for"));
    }
    let one = |entry: AnswerEntry<'_>| {
        let resource: Option<Value> = entry.resource.and_then(|raw| serde_json::from_str(raw.get()).ok());
        let response = entry.response.as_ref();
        let status = response.and_then(|response| status_of(&response.status));
        let etag = response.and_then(|response| Version::of_etag(response.etag.as_deref()?));
        Ok(Written {
            status: status.ok_or(FhirError::Wrong("has an entry without a status"))?,
            reference: response
                .and_then(|response| located(response.location.as_deref()?))
                .or_else(|| reference_of(resource.as_ref()?).ok()),
            version: etag.or_else(|| version_of(resource.as_ref()?)),
            resource,
        })
    };
    answer.entry.into_iter().map(one).collect()
}

/// `Type/id` of a location.
pub(super) fn located(location: &str) -> Option<String> {
    let path = location.split("/_history").next()?.trim_end_matches('/');
    let mut parts = path.rsplit('/');
    let (id, kind) = (parts.next()?, parts.next()?);
    (headers::is_kind(kind) && headers::is_id(id)).then(|| format!("{kind}/{id}"))
}

pub(super) fn version_of(resource: &Value) -> Option<Version> {
    Version::parse(resource.pointer("/meta/versionId")?.as_str()?)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const BASE: &str = "https://fhir.example.org/r4";

    fn reads() -> Vec<Ask> {
        vec![
            Ask::Search { kind: "Observation", by: vec![("patient", "Patient/1".into()), ("code", "a|b,c&d".into())] },
            Ask::Read { kind: "Patient", id: "1".into() },
        ]
    }

    #[test]
    fn a_batch_asks_in_its_body_and_is_answered_in_order() {
        let asks = reads();
        let sent: Value = serde_json::from_slice(&batch_of(asks.iter())).expect("JSON");
        assert_eq!(sent["entry"][0]["request"]["url"], "Observation?patient=Patient%2F1&code=a%7Cb%2Cc%26d");
        assert_eq!(sent["entry"][1]["request"]["url"], "Patient/1");
        let asks: Vec<&Ask> = asks.iter().collect();
        let whole = r#"{"resourceType":"Bundle","type":"batch-response","entry":[
            {"response":{"status":"200 OK"},"resource":{"resourceType":"Bundle","type":"searchset",
             "link":[{"relation":"next","url":"https://fhir.example.org/r4/Observation?x=1"}],
             "entry":[{"resource":{"resourceType":"Observation","valueQuantity":{"value":7.0}}},
                      {"search":{"mode":"outcome"},"resource":{"resourceType":"OperationOutcome"}}]}},
            {"response":{"status":"404"},"resource":{"resourceType":"OperationOutcome"}}]}"#;
        let found = batch_answers(BASE, whole.as_bytes(), &asks).expect("read");
        let Ok(first) = &found[0] else { panic!("found") };
        assert_eq!(first.found.len(), 1);
        assert!(first.found[0].get().contains("7.0"), "digits as written");
        assert_eq!(first.next, Some(Link::Search { kind: "Observation".into(), form: "x=1".into() }));
        assert_eq!(found[1].as_ref().err(), Some(&FhirError::NotFound));
        for (change, with) in
            [("\"status\":\"200 OK\"", "\"status\":\"fine\""), ("fhir.example.org/r4/Obs", "evil.example.org/r4/Obs")]
        {
            let found = batch_answers(BASE, whole.replace(change, with).as_bytes(), &asks).expect("read");
            assert!(matches!(&found[0], Err(FhirError::Wrong(_))), "{with}");
        }
        assert!(batch_answers(BASE, whole.as_bytes(), &asks[..1]).is_err(), "another number");
        assert!(batch_answers(BASE, b"{\"resourceType\":\"Patient\"}", &asks).is_err());
    }

    #[test]
    fn what_was_written_is_told_by_location_or_resource() {
        let text = r#"{"resourceType":"Bundle","entry":[
            {"response":{"status":"201 Created","location":"https://x/r4/Task/7/_history/2","etag":"W/\"2\""}},
            {"response":{"status":"200"},"resource":{"resourceType":"Slot","id":"s","meta":{"versionId":"5"}}}]}"#;
        let all = written(text.as_bytes(), 2).expect("read");
        let told: Vec<_> =
            all.iter().map(|w| (w.status, w.reference.as_deref(), w.version.as_ref().map(Version::as_str))).collect();
        assert_eq!(told, [(201, Some("Task/7"), Some("2")), (200, Some("Slot/s"), Some("5"))]);
        assert!(written(text.as_bytes(), 3).is_err());
    }

    #[test]
    fn a_transaction_carries_its_conditions() {
        let writes = [
            Write::Create {
                full_url: Some("urn:uuid:1".into()),
                resource: json!({"resourceType": "Task", "extension": [{"url": "urn:own"}]}),
                if_none_exist: Some("identifier=a|b".into()),
            },
            Write::Update { resource: json!({"resourceType": "Slot", "id": "s"}), version: Version::parse("4") },
        ];
        let sent: Value = serde_json::from_slice(&transaction_of(&writes).expect("fits")).expect("JSON");
        assert_eq!(
            sent["entry"][0]["request"],
            json!({"method": "POST", "url": "Task", "ifNoneExist": "identifier=a|b"})
        );
        assert_eq!(sent["entry"][0]["resource"]["extension"][0]["url"], "urn:own");
        assert_eq!(sent["entry"][1]["request"], json!({"method": "PUT", "url": "Slot/s", "ifMatch": "W/\"4\""}));
        for unfit in [json!({}), json!({"resourceType": "slot"}), json!({"resourceType": "Slot", "id": "../x"})] {
            assert!(transaction_of(&[Write::Update { resource: unfit, version: None }]).is_err());
        }
    }

    proptest! {
        #[test]
        fn nothing_a_server_answers_makes_reading_fail(text in ".{0,300}", url in ".{0,80}", status in ".{0,20}") {
            let asks = reads();
            let asks: Vec<&Ask> = asks.iter().collect();
            let _ = (page(BASE, text.as_bytes()), written(text.as_bytes(), 1), located(&text));
            let odd = json!({"resourceType": "Bundle", "link": [{"relation": "next", "url": url}],
                "entry": [{"response": {"status": status, "location": text}, "resource": {"a": text}}, {}]}).to_string();
            let _ = (page(BASE, odd.as_bytes()), written(odd.as_bytes(), 2), batch_answers(BASE, odd.as_bytes(), &asks));
        }
    }
}
