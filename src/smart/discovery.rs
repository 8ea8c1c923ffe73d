//! What connecting demands of what an organization says of itself (SMART App Launch 2.2, patient standalone launch).

use super::{SmartError, Web};
use crate::fhir::{Smart, Unusable};

/// An organization that people can connect.
#[derive(Clone)]
pub(super) struct Discovered {
    /// Where people sign in.
    pub authorization: String,
    /// All that it says.
    pub smart: Smart,
}

impl Discovered {
    /// It takes the client's secret in the body alone.
    pub fn secret_in_body(&self) -> bool {
        self.takes("client_secret_post") && !self.takes("client_secret_basic")
    }

    /// Whether it says that clients may show it who they are that way.
    fn takes(&self, method: &str) -> bool {
        self.smart.methods.iter().any(|one| one == method)
    }
}

/// `signs`: this program shows who it is by a signed assertion.
pub(super) fn discover(web: &Web, fhir: &str, signs: bool) -> Result<Discovered, SmartError> {
    read(&web.get(&Smart::address(fhir))?, signs)
}

fn read(text: &[u8], signs: bool) -> Result<Discovered, SmartError> {
    let smart = Smart::read(text).map_err(|unusable| match unusable {
        Unusable::Unreadable => SmartError::Wrong("description of itself cannot be read"),
        Unusable::Insecure => SmartError::Wrong("addresses are not https"),
    })?;
    let Some(authorization) = smart.authorization.clone() else {
        return Err(SmartError::Wrong("description names no place where people sign in"));
    };
    // The standard demands both; a server that tells neither cannot be told from one that has neither.
    if !smart.s256 {
        return Err(SmartError::Wrong("code challenges do not include S256"));
    }
    if !smart.capabilities.is_empty() && !smart.capabilities.iter().any(|c| c == "launch-standalone") {
        return Err(SmartError::Wrong("server does not let people connect by themselves"));
    }
    let found = Discovered { authorization, smart };
    if signs && !found.smart.methods.is_empty() && !found.takes("private_key_jwt") {
        return Err(SmartError::Wrong("server takes no signed assertions (private_key_jwt)"));
    }
    Ok(found)
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
        assert!(read(&document(|_| {}), true).is_ok());
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
            let Err(told) = read(&document(change), false) else { panic!("{says}: taken") };
            assert!(told.to_string().contains(says), "{told}");
        }
        for text in ["", "[]", "{", "<html>"] {
            assert!(read(text.as_bytes(), false).is_err(), "{text:?}");
        }
    }

    #[test]
    fn how_a_client_shows_who_it_is() {
        let methods = |all: &[&str]| {
            let all = serde_json::json!(all);
            document(|d| d["token_endpoint_auth_methods_supported"] = all)
        };
        for (all, in_body, signed) in [
            (&["client_secret_post"][..], true, false),
            (&["client_secret_basic", "client_secret_post"], false, false),
            (&["private_key_jwt"], false, true),
            (&[], false, true),
        ] {
            let found = read(&methods(all), false).expect("usable");
            assert_eq!((found.secret_in_body(), read(&methods(all), true).is_ok()), (in_body, signed), "{all:?}");
        }
    }
}
