//! An organization that can be told to lie: its authorization server and its FHIR server in one.

use std::{
    collections::{BTreeMap, HashSet},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
};

use axum::{
    Form, Json, Router,
    extract::{Path, State},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use serde_json::{Value, json};

/// Words that must never be seen in clear.
pub const ACCESS: &str = "canary-access-token-7f3a9c21";
pub const REFRESH: &str = "canary-refresh-token-b85d04e6";

type Fields = Vec<(String, String)>;

pub struct Shared {
    pub url: Mutex<String>,
    /// Members of the token answer that are otherwise.
    pub token: Mutex<Value>,
    /// Members of the smart-configuration that are otherwise.
    pub document: Mutex<Value>,
    /// What is on record, by kind.
    pub records: Mutex<BTreeMap<String, Vec<Value>>>,
    /// The token endpoint's status.
    pub token_status: AtomicUsize,
    /// Requests that the FHIR server answers before it breaks off; those after are out of order.
    pub answers: AtomicUsize,
    /// Kinds that the FHIR server gives only where this is asked for, too; with an empty name, not at all.
    pub strict: Mutex<BTreeMap<&'static str, &'static str>>,
    /// The FHIR server takes no token.
    pub shut: AtomicBool,
    pub exchanges: AtomicUsize,
    pub refreshes: AtomicUsize,
    /// How often tokens were given back, whether or not it took them.
    pub revoked: AtomicUsize,
    /// The revocation endpoint's status.
    pub revoke_status: AtomicUsize,
    /// The tokens that it took back.
    pub given_back: Mutex<Vec<String>>,
    /// Refresh tokens that were shown: each works once.
    spent: Mutex<HashSet<String>>,
    /// What the FHIR server was asked for.
    pub asked: Mutex<Vec<String>>,
    /// The form of the last exchange.
    pub form: Mutex<Fields>,
}

#[derive(Clone)]
pub struct Organization(pub Arc<Shared>);

impl Organization {
    pub async fn start() -> Self {
        let shared = Shared {
            url: Mutex::default(),
            token: Mutex::new(json!({})),
            document: Mutex::new(json!({})),
            records: Mutex::default(),
            token_status: AtomicUsize::new(200),
            answers: AtomicUsize::new(usize::MAX),
            strict: Mutex::default(),
            shut: AtomicBool::new(false),
            exchanges: AtomicUsize::new(0),
            refreshes: AtomicUsize::new(0),
            revoked: AtomicUsize::new(0),
            revoke_status: AtomicUsize::new(200),
            given_back: Mutex::default(),
            spent: Mutex::default(),
            asked: Mutex::default(),
            form: Mutex::default(),
        };
        let organization = Self(Arc::new(shared));
        let router = Router::new()
            .route("/fhir/.well-known/smart-configuration", get(smart))
            .route("/token", post(token))
            .route("/revoke", post(revoke))
            .route("/fhir/{kind}/_search", post(search))
            .with_state(organization.clone());
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        *organization.0.url.lock().expect("whole") = url;
        tokio::spawn(async move { axum::serve(listener, router).await });
        organization.has("Patient", vec![june()]);
        organization
    }

    pub fn url(&self) -> String {
        self.0.url.lock().expect("whole").clone()
    }

    /// What is on record of a kind from now on.
    pub fn has(&self, kind: &str, all: Vec<Value>) {
        self.0.records.lock().expect("whole").insert(kind.to_owned(), all);
    }

    /// How often the FHIR server was asked for a kind.
    pub fn asked_for(&self, kind: &str) -> usize {
        self.0.asked.lock().expect("whole").iter().filter(|asked| *asked == kind).count()
    }
}

/// The Patient of the person that the tests connect.
pub fn june() -> Value {
    patient("p-1", "June", "Whitlock", "1984-08-09")
}

pub fn patient(id: &str, given: &str, family: &str, birth: &str) -> Value {
    json!({ "resourceType": "Patient", "id": id, "birthDate": birth, "name": [{ "family": family, "given": [given] }] })
}

pub fn medicine(id: &str, name: &str, identifier: &str) -> Value {
    json!({
        "resourceType": "MedicationRequest", "id": id, "status": "active", "intent": "order", "authoredOn": "2026-03-02",
        "identifier": [{ "system": "https://rx.example", "value": identifier }],
        "medicationCodeableConcept": { "text": name }, "subject": { "reference": "Patient/p-1" },
    })
}

async fn smart(State(organization): State<Organization>) -> Json<Value> {
    let url = organization.url();
    let mut document = json!({
        "issuer": url,
        "authorization_endpoint": format!("{url}/auth"),
        "token_endpoint": format!("{url}/token"),
        "revocation_endpoint": format!("{url}/revoke"),
        "code_challenge_methods_supported": ["S256"],
        "capabilities": ["launch-standalone"],
    });
    overlaid(&mut document, &organization.0.document);
    Json(document)
}

fn overlaid(document: &mut Value, more: &Mutex<Value>) {
    for (name, value) in more.lock().expect("whole").as_object().expect("an object") {
        document[name] = value.clone();
    }
}

async fn token(State(organization): State<Organization>, Form(form): Form<Fields>) -> Response {
    let shared = &organization.0;
    let field = |name: &str| form.iter().find(|(n, _)| n == name).map(|(_, v)| v.clone()).unwrap_or_default();
    let (kind, shown) = (field("grant_type"), field("refresh_token"));
    *shared.form.lock().expect("whole") = form;
    let n = match kind.as_str() {
        "authorization_code" => shared.exchanges.fetch_add(1, Ordering::Relaxed),
        _ => {
            let n = shared.refreshes.fetch_add(1, Ordering::Relaxed) + 1;
            if !shared.spent.lock().expect("whole").insert(shown) {
                return (StatusCode::BAD_REQUEST, Json(json!({ "error": "invalid_grant" }))).into_response();
            }
            n
        }
    };
    let status = shared.token_status.load(Ordering::Relaxed);
    if status != 200 {
        let status = StatusCode::from_u16(status.try_into().expect("a status")).expect("a status");
        return (status, Json(json!({ "error": "invalid_grant" }))).into_response();
    }
    let mut given = json!({
        "access_token": format!("{ACCESS}-{n}"), "token_type": "Bearer", "expires_in": 3600,
        "refresh_token": format!("{REFRESH}-{kind}-{n}"), "patient": "p-1",
        "scope": "launch/patient offline_access patient/Patient.rs patient/MedicationRequest.rs patient/Observation.rs",
    });
    overlaid(&mut given, &shared.token);
    Json(given).into_response()
}

async fn revoke(State(organization): State<Organization>, Form(form): Form<Fields>) -> StatusCode {
    organization.0.revoked.fetch_add(1, Ordering::Relaxed);
    let status = organization.0.revoke_status.load(Ordering::Relaxed);
    if status == 200 {
        let token = form.into_iter().find(|(name, _)| name == "token").expect("a token").1;
        organization.0.given_back.lock().expect("whole").push(token);
    }
    StatusCode::from_u16(status.try_into().expect("a status")).expect("a status")
}

async fn search(
    State(organization): State<Organization>,
    Path(kind): Path<String>,
    headers: HeaderMap,
    Form(form): Form<Fields>,
) -> Response {
    let shared = &organization.0;
    let shown = headers.get("authorization").and_then(|v| v.to_str().ok()).unwrap_or_default();
    if shared.shut.load(Ordering::Relaxed) || !shown.starts_with(&format!("Bearer {ACCESS}")) {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    if shared.answers.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |n| n.checked_sub(1)).is_err() {
        return StatusCode::BAD_GATEWAY.into_response();
    }
    assert!(
        form.iter().any(|(name, value)| matches!(
            (name.as_str(), value.as_str()),
            ("_id", "p-1") | ("patient", "Patient/p-1")
        )),
        "whose"
    );
    shared.asked.lock().expect("whole").push(kind.clone());
    if let Some(wanted) = shared.strict.lock().expect("whole").get(kind.as_str())
        && !form.iter().any(|(name, _)| name.as_str() == *wanted)
    {
        let issue = json!([{ "severity": "error", "code": "required" }]);
        let outcome = json!({ "resourceType": "OperationOutcome", "issue": issue });
        return (StatusCode::BAD_REQUEST, Json(outcome)).into_response();
    }
    let found = shared.records.lock().expect("whole").get(&kind).cloned().unwrap_or_default();
    let entry: Vec<Value> = found.into_iter().map(|resource| json!({ "resource": resource })).collect();
    Json(json!({ "resourceType": "Bundle", "type": "searchset", "entry": entry })).into_response()
}
