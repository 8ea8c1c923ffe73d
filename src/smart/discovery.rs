//! What an organization says of itself (SMART App Launch 2.2, `.well-known/smart-configuration`).

use serde::Deserialize;

use super::{SmartError, Web};
use crate::config::reachable;

/// What is used of it.
#[derive(Clone)]
pub(super) struct Discovered {
    /// Who it says it is, where it says so.
    pub issuer: Option<String>,
    pub authorization: String,
    pub token: String,
    pub revocation: Option<String>,
    /// It names itself in its answers (RFC 9207), so one without a name is not its.
    pub says_iss: bool,
    /// It takes the client's secret in the body alone.
    pub secret_in_body: bool,
}

#[derive(Deserialize)]
struct Document {
    #[serde(default)]
    issuer: Option<String>,
    #[serde(default)]
    authorization_endpoint: Option<String>,
    token_endpoint: String,
    #[serde(default)]
    revocation_endpoint: Option<String>,
    #[serde(default)]
    authorization_response_iss_parameter_supported: bool,
    #[serde(default)]
    token_endpoint_auth_methods_supported: Vec<String>,
    #[serde(default)]
    code_challenge_methods_supported: Vec<String>,
    #[serde(default)]
    capabilities: Vec<String>,
}

pub(super) fn discover(web: &Web, fhir: &str) -> Result<Discovered, SmartError> {
    let at = format!("{}/.well-known/smart-configuration", fhir.trim_end_matches('/'));
    read(&web.get(&at)?)
}

fn read(text: &[u8]) -> Result<Discovered, SmartError> {
    let document: Document =
        serde_json::from_slice(text).map_err(|_| SmartError::Wrong("description of itself cannot be read"))?;
    let Some(authorization) = document.authorization_endpoint else {
        return Err(SmartError::Wrong("description names no place where people sign in"));
    };
    // The standard demands both; a server that tells neither cannot be told from one that has neither.
    if !document.code_challenge_methods_supported.iter().any(|m| m == "S256") {
        return Err(SmartError::Wrong("code challenges do not include S256"));
    }
    if !document.capabilities.is_empty() && !document.capabilities.iter().any(|c| c == "launch-standalone") {
        return Err(SmartError::Wrong("server does not let people connect by themselves"));
    }
    let endpoints = [&authorization, &document.token_endpoint];
    if !endpoints.into_iter().chain(&document.revocation_endpoint).all(|at| reachable(at)) {
        return Err(SmartError::Wrong("addresses are not https"));
    }
    let methods = document.token_endpoint_auth_methods_supported;
    let takes = |name: &str| methods.iter().any(|m| m == name);
    Ok(Discovered {
        says_iss: document.authorization_response_iss_parameter_supported && document.issuer.is_some(),
        issuer: document.issuer,
        authorization,
        token: document.token_endpoint,
        revocation: document.revocation_endpoint,
        secret_in_body: takes("client_secret_post") && !takes("client_secret_basic"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn document(change: impl FnOnce(&mut serde_json::Value)) -> Vec<u8> {
        let mut document = serde_json::json!({
            "authorization_endpoint": "https://id.mercy.example/auth",
            "token_endpoint": "https://id.mercy.example/token",
            "code_challenge_methods_supported": ["S256"],
            "capabilities": ["launch-standalone", "permission-v2"],
        });
        change(&mut document);
        serde_json::to_vec(&document).expect("JSON")
    }

    #[test]
    fn an_organization_that_cannot_be_relied_on_is_told_apart() {
        assert!(read(&document(|_| {})).is_ok());
        type Change = fn(&mut serde_json::Value);
        let wrong: [(&str, Change); 8] = [
            ("https", |d| d["token_endpoint"] = "http://id.mercy.example/token".into()),
            ("https", |d| d["authorization_endpoint"] = "javascript:alert(1)".into()),
            ("https", |d| d["revocation_endpoint"] = "http://id.mercy.example/revoke".into()),
            ("S256", |d| d["code_challenge_methods_supported"] = serde_json::json!(["plain"])),
            ("S256", |d| d["code_challenge_methods_supported"] = serde_json::json!([])),
            ("by themselves", |d| d["capabilities"] = serde_json::json!(["launch-ehr"])),
            ("where people sign in", |d| d["authorization_endpoint"] = serde_json::Value::Null),
            ("cannot be read", |d| d["token_endpoint"] = 7.into()),
        ];
        for (says, change) in wrong {
            let Err(told) = read(&document(change)) else { panic!("{says}: taken") };
            assert!(told.to_string().contains(says), "{told}");
        }
        for text in ["", "[]", "{", "<html>"] {
            assert!(read(text.as_bytes()).is_err(), "{text:?}");
        }
    }
}
