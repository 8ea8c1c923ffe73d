//! What a provider says of itself (OpenID Connect Discovery 1.0).

use serde::Deserialize;

use super::{OidcError, web::Web};
use crate::config::reachable;

/// What is used of it.
#[derive(Clone)]
pub(super) struct Discovered {
    pub authorization: String,
    pub token: String,
    pub keys: String,
    pub end_session: Option<String>,
    /// It names itself in its answers (RFC 9207), so one without a name is not its.
    pub says_iss: bool,
    /// It takes the client's secret in the body alone.
    pub secret_in_body: bool,
}

#[derive(Deserialize)]
struct Document {
    issuer: String,
    authorization_endpoint: String,
    token_endpoint: String,
    jwks_uri: String,
    #[serde(default)]
    end_session_endpoint: Option<String>,
    #[serde(default)]
    authorization_response_iss_parameter_supported: bool,
    #[serde(default)]
    token_endpoint_auth_methods_supported: Vec<String>,
    #[serde(default)]
    code_challenge_methods_supported: Option<Vec<String>>,
}

pub(super) fn discover(web: &Web, issuer: &str) -> Result<Discovered, OidcError> {
    let at = format!("{}/.well-known/openid-configuration", issuer.trim_end_matches('/'));
    read(&web.get(&at)?, issuer)
}

fn read(text: &[u8], issuer: &str) -> Result<Discovered, OidcError> {
    let document: Document =
        serde_json::from_slice(text).map_err(|_| OidcError::Wrong("description of itself cannot be read"))?;
    if document.issuer != issuer {
        return Err(OidcError::Wrong("description of itself names another issuer"));
    }
    if document.code_challenge_methods_supported.is_some_and(|all| !all.iter().any(|m| m == "S256")) {
        return Err(OidcError::Wrong("code challenges do not include S256"));
    }
    let endpoints = [&document.authorization_endpoint, &document.token_endpoint, &document.jwks_uri];
    if !endpoints.into_iter().chain(&document.end_session_endpoint).all(|at| reachable(at)) {
        return Err(OidcError::Wrong("addresses are not https"));
    }
    let methods = document.token_endpoint_auth_methods_supported;
    let takes = |name: &str| methods.iter().any(|m| m == name);
    Ok(Discovered {
        authorization: document.authorization_endpoint,
        token: document.token_endpoint,
        keys: document.jwks_uri,
        end_session: document.end_session_endpoint,
        says_iss: document.authorization_response_iss_parameter_supported,
        secret_in_body: takes("client_secret_post") && !takes("client_secret_basic"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const ISSUER: &str = "https://id.clinic.example";

    fn document(change: impl FnOnce(&mut serde_json::Value)) -> Vec<u8> {
        let mut document = serde_json::json!({
            "issuer": ISSUER,
            "authorization_endpoint": "https://id.clinic.example/auth",
            "token_endpoint": "https://id.clinic.example/token",
            "jwks_uri": "https://id.clinic.example/jwks",
        });
        change(&mut document);
        serde_json::to_vec(&document).expect("JSON")
    }

    #[test]
    fn a_provider_that_cannot_be_relied_on_is_told_apart() {
        assert!(read(&document(|_| {}), ISSUER).is_ok());
        type Change = fn(&mut serde_json::Value);
        let wrong: [(&str, Change); 6] = [
            ("another issuer", |d| d["issuer"] = "https://evil.example".into()),
            ("another issuer", |d| d["issuer"] = "https://id.clinic.example/".into()),
            ("https", |d| d["token_endpoint"] = "http://id.clinic.example/token".into()),
            ("https", |d| d["end_session_endpoint"] = "javascript:alert(1)".into()),
            ("S256", |d| d["code_challenge_methods_supported"] = serde_json::json!(["plain"])),
            ("cannot be read", |d| d["jwks_uri"] = 7.into()),
        ];
        for (says, change) in wrong {
            let Err(told) = read(&document(change), ISSUER) else { panic!("{says}: taken") };
            assert!(told.to_string().contains(says), "{told}");
        }
        for text in ["", "[]", "{", "<html>"] {
            assert!(read(text.as_bytes(), ISSUER).is_err(), "{text:?}");
        }
    }
}
