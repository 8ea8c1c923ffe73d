//! The checks of an ID token (OpenID Connect Core 1.0 §3.1.3.7, RFC 8725). Pure.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::keys::{Keys, Way};

/// Seconds that two clocks may differ.
const LEEWAY: i64 = 60;
/// Longest token looked at, in bytes.
const LONGEST: usize = 32 * 1024;
/// Longest subject, in bytes (Core §2 has 255 ASCII characters).
const LONGEST_SUBJECT: usize = 255;

/// What does not fit about an ID token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Misfit {
    /// Not three parts of base64 with JSON in them, or too long.
    #[error("cannot be read")]
    Unreadable,
    /// Not signed, or in a way that is not taken.
    #[error("is not signed in a way that is taken here")]
    Way,
    /// It names something that must be understood and is not.
    #[error("has critical headers")]
    Critical,
    /// No key of the provider's has that name, or more than one fits.
    #[error("is signed with a key that the provider does not have")]
    Key,
    /// The signature is somebody else's.
    #[error("has a wrong signature")]
    Signature,
    /// Made by somebody else.
    #[error("names another issuer")]
    Issuer,
    /// Made for somebody else.
    #[error("is meant for another client")]
    Audience,
    /// Too old.
    #[error("has expired")]
    Expired,
    /// From the future.
    #[error("is not valid yet")]
    Early,
    /// Asked for in another sign-in.
    #[error("was asked for in another sign-in")]
    Nonce,
    /// It names nobody.
    #[error("names no subject")]
    Subject,
}

/// A token as it came, taken apart and not believed.
pub(super) struct Signed {
    pub way: Way,
    pub key: Option<String>,
    pub message: String,
    pub signature: Vec<u8>,
    payload: Vec<u8>,
}

/// What must be true of it.
pub(super) struct Wanted<'a> {
    pub issuer: &'a str,
    pub client: &'a str,
    pub nonce: &'a str,
    pub now: Timestamp,
}

/// What a provider says of somebody, checked.
///
/// Not `Debug`: it tells who it is.
#[derive(Clone)]
pub struct Claims {
    /// The provider's name for them; never empty.
    pub subject: String,
    /// Everything that was said.
    pub all: Map<String, Value>,
}

impl Claims {
    /// The texts of a claim: a text alone, or a list of them. Nothing where it is neither.
    #[must_use]
    pub fn texts(&self, claim: &str) -> Vec<&str> {
        match self.all.get(claim) {
            Some(Value::String(text)) => vec![text],
            Some(Value::Array(all)) => all.iter().filter_map(Value::as_str).collect(),
            _ => vec![],
        }
    }
}

#[derive(Deserialize)]
struct Header {
    alg: String,
    #[serde(default)]
    kid: Option<String>,
    #[serde(default)]
    crit: Option<Value>,
}

/// Takes a token apart.
pub(super) fn read(token: &str) -> Result<Signed, Misfit> {
    if token.len() > LONGEST {
        return Err(Misfit::Unreadable);
    }
    let (message, signature) = token.rsplit_once('.').ok_or(Misfit::Unreadable)?;
    let (header, payload) = message.split_once('.').ok_or(Misfit::Unreadable)?;
    let bytes = |text: &str| URL_SAFE_NO_PAD.decode(text).map_err(|_| Misfit::Unreadable);
    let header: Header = serde_json::from_slice(&bytes(header)?).map_err(|_| Misfit::Unreadable)?;
    let way = Way::named(&header.alg).ok_or(Misfit::Way)?;
    if header.crit.is_some() {
        return Err(Misfit::Critical);
    }
    Ok(Signed {
        way,
        key: header.kid,
        message: message.to_owned(),
        signature: bytes(signature)?,
        payload: bytes(payload)?,
    })
}

/// Believes a token, or says why not. Nothing in it is read before its signature is checked.
pub(super) fn check(signed: &Signed, keys: &Keys, wanted: &Wanted<'_>) -> Result<Claims, Misfit> {
    let key = keys.fits(signed).ok_or(Misfit::Key)?;
    if !keys.verify(key, signed) {
        return Err(Misfit::Signature);
    }
    let all: Map<String, Value> = serde_json::from_slice(&signed.payload).map_err(|_| Misfit::Unreadable)?;
    let text = |name: &str| all.get(name).and_then(Value::as_str);
    if text("iss") != Some(wanted.issuer) {
        return Err(Misfit::Issuer);
    }
    let (ours, others) = match all.get("aud") {
        Some(Value::String(aud)) => (aud == wanted.client, false),
        Some(Value::Array(aud)) => (aud.iter().any(|a| a == wanted.client), aud.len() > 1),
        _ => (false, false),
    };
    let azp = all.get("azp");
    if !ours || azp.is_some_and(|azp| azp != wanted.client) || (others && azp.is_none()) {
        return Err(Misfit::Audience);
    }
    let now = wanted.now.as_second();
    let time = |name: &str| all.get(name).map(|v| v.as_f64().ok_or(Misfit::Unreadable)).transpose();
    #[expect(clippy::cast_precision_loss, reason = "seconds since 1970 fit")]
    let (earliest, latest) = ((now - LEEWAY) as f64, (now + LEEWAY) as f64);
    if time("exp")?.is_none_or(|exp| exp <= earliest) {
        return Err(Misfit::Expired);
    }
    if time("iat")?.is_none_or(|iat| iat > latest) || time("nbf")?.is_some_and(|nbf| nbf > latest) {
        return Err(Misfit::Early);
    }
    if !text("nonce").is_some_and(|nonce| same(nonce, wanted.nonce)) {
        return Err(Misfit::Nonce);
    }
    let subject = text("sub").filter(|sub| (1..=LONGEST_SUBJECT).contains(&sub.len())).ok_or(Misfit::Subject)?;
    Ok(Claims { subject: subject.to_owned(), all })
}

/// Compares without telling by the time it takes where two texts part.
fn same(a: &str, b: &str) -> bool {
    a.len() == b.len() && a.bytes().zip(b.bytes()).fold(0, |d, (a, b)| d | (a ^ b)) == 0
}
