//! A provider that can be told to lie.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicBool, AtomicUsize, Ordering},
};

use axum::{
    Form, Json, Router,
    extract::State,
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD as B64};
use hmac::{Hmac, Mac as _};
use ring::{
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _},
};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::support::now;

pub const CLIENT: &str = "wellspoken";

/// How a token is signed.
#[derive(Clone, Debug, PartialEq)]
pub enum Sign {
    /// As it should be, with the newest key.
    Well,
    /// Not at all.
    None,
    /// With the public key as the secret of an HMAC.
    PublicKeyAsSecret,
    /// With a key of somebody else's, under the name of the provider's.
    Stranger,
    /// With the provider's key, under a name nobody knows.
    UnknownKey,
    /// Well, and then a claim is changed.
    Altered,
    /// With a header that must be understood.
    Critical,
}

/// What comes of the next exchange.
#[derive(Clone)]
pub struct Next {
    pub claims: Value,
    pub sign: Sign,
}

type Fields = Vec<(String, String)>;

pub struct Shared {
    pub url: Mutex<String>,
    pub next: Mutex<Option<Next>>,
    keys: Mutex<Vec<(String, Arc<EcdsaKeyPair>)>>,
    /// Answers nothing at all.
    pub hangs: AtomicBool,
    /// Answers that it is out of order.
    pub broken: AtomicBool,
    pub exchanges: AtomicUsize,
    /// The form of the last exchange, and its `Authorization`.
    pub asked: Mutex<Option<(Fields, Option<String>)>>,
    /// What it says of itself besides.
    pub document: Mutex<Value>,
}

#[derive(Clone)]
pub struct Provider(pub Arc<Shared>);

impl Provider {
    pub async fn start() -> Self {
        let shared = Shared {
            url: Mutex::default(),
            next: Mutex::default(),
            keys: Mutex::new(vec![("first".into(), Arc::new(key()))]),
            hangs: AtomicBool::new(false),
            broken: AtomicBool::new(false),
            exchanges: AtomicUsize::new(0),
            asked: Mutex::default(),
            document: Mutex::new(json!({})),
        };
        let provider = Self(Arc::new(shared));
        let router = Router::new()
            .route("/.well-known/openid-configuration", get(discovery))
            .route("/jwks", get(jwks))
            .route("/token", post(exchange))
            .with_state(provider.clone());
        let socket = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        *provider.0.url.lock().expect("whole") = format!("http://{}", socket.local_addr().expect("bound"));
        tokio::spawn(async move { axum::serve(socket, router).await });
        provider
    }

    pub fn url(&self) -> String {
        self.0.url.lock().expect("whole").clone()
    }

    /// The claims of a good token.
    pub fn claims(&self, subject: &str, nonce: &str) -> Value {
        let now = now().as_second();
        json!({
            "iss": self.url(), "sub": subject, "aud": CLIENT, "nonce": nonce, "iat": now, "exp": now + 300,
        })
    }

    pub fn will_say(&self, claims: Value, sign: Sign) {
        *self.0.next.lock().expect("whole") = Some(Next { claims, sign });
    }

    /// Signs with a new key from now on; the old one is forgotten.
    pub fn rotate(&self, name: &str) {
        *self.0.keys.lock().expect("whole") = vec![(name.into(), Arc::new(key()))];
    }

    fn sign(&self, next: &Next) -> String {
        let (name, pair) = self.0.keys.lock().expect("whole").last().cloned().expect("a key");
        let part = |value: &Value| B64.encode(serde_json::to_vec(value).expect("JSON"));
        let header = match next.sign {
            Sign::None => json!({ "alg": "none" }),
            Sign::PublicKeyAsSecret => json!({ "alg": "HS256", "kid": name }),
            Sign::UnknownKey => json!({ "alg": "ES256", "kid": "nobody-knows" }),
            Sign::Critical => json!({ "alg": "ES256", "kid": name, "crit": ["b64"], "b64": true }),
            Sign::Well | Sign::Stranger | Sign::Altered => json!({ "alg": "ES256", "kid": name }),
        };
        let message = format!("{}.{}", part(&header), part(&next.claims));
        let es256 = |pair: &EcdsaKeyPair| {
            B64.encode(pair.sign(&SystemRandom::new(), message.as_bytes()).expect("signed").as_ref())
        };
        match next.sign {
            Sign::None => format!("{message}."),
            Sign::PublicKeyAsSecret => {
                let mut mac =
                    <Hmac<Sha256> as hmac::KeyInit>::new_from_slice(pair.public_key().as_ref()).expect("any length");
                mac.update(message.as_bytes());
                format!("{message}.{}", B64.encode(mac.finalize().into_bytes()))
            }
            Sign::Stranger => format!("{message}.{}", es256(&key())),
            Sign::Altered => {
                let mut claims = next.claims.clone();
                claims["sub"] = super::stage::SUBJECT.into();
                format!("{}.{}.{}", part(&header), part(&claims), es256(&pair))
            }
            Sign::Well | Sign::UnknownKey | Sign::Critical => format!("{message}.{}", es256(&pair)),
        }
    }
}

fn key() -> EcdsaKeyPair {
    let random = SystemRandom::new();
    let document = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).expect("a key");
    EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, document.as_ref(), &random).expect("a key")
}

async fn out_of_order(provider: &Provider) -> Option<Response> {
    if provider.0.hangs.load(Ordering::Relaxed) {
        std::future::pending::<()>().await;
    }
    provider.0.broken.load(Ordering::Relaxed).then(|| StatusCode::BAD_GATEWAY.into_response())
}

async fn discovery(State(provider): State<Provider>) -> Response {
    if let Some(down) = out_of_order(&provider).await {
        return down;
    }
    let url = provider.url();
    let mut document = json!({
        "issuer": url,
        "authorization_endpoint": format!("{url}/auth"),
        "token_endpoint": format!("{url}/token"),
        "jwks_uri": format!("{url}/jwks"),
        "end_session_endpoint": format!("{url}/end"),
    });
    let more = provider.0.document.lock().expect("whole").clone();
    for (name, value) in more.as_object().expect("an object") {
        document[name] = value.clone();
    }
    Json(document).into_response()
}

async fn jwks(State(provider): State<Provider>) -> Response {
    if let Some(down) = out_of_order(&provider).await {
        return down;
    }
    let keys = provider.0.keys.lock().expect("whole").clone();
    let keys: Vec<Value> = keys
        .iter()
        .map(|(name, pair)| {
            let point = pair.public_key().as_ref();
            json!({
                "kty": "EC", "crv": "P-256", "use": "sig", "alg": "ES256", "kid": name,
                "x": B64.encode(&point[1..33]), "y": B64.encode(&point[33..]),
            })
        })
        .collect();
    Json(json!({ "keys": keys })).into_response()
}

async fn exchange(State(provider): State<Provider>, headers: HeaderMap, Form(form): Form<Fields>) -> Response {
    if let Some(down) = out_of_order(&provider).await {
        return down;
    }
    provider.0.exchanges.fetch_add(1, Ordering::Relaxed);
    let basic = headers.get("authorization").map(|v| v.to_str().expect("ASCII").to_owned());
    *provider.0.asked.lock().expect("whole") = Some((form, basic));
    let next = provider.0.next.lock().expect("whole").clone();
    match next {
        Some(next) => Json(json!({
            "access_token": "unread", "token_type": "Bearer", "id_token": provider.sign(&next),
        }))
        .into_response(),
        None => (StatusCode::BAD_REQUEST, Json(json!({ "error": "invalid_grant" }))).into_response(),
    }
}

/// The challenge of a verifier (RFC 7636 §4.2).
pub fn challenge(verifier: &str) -> String {
    B64.encode(Sha256::digest(verifier.as_bytes()))
}
