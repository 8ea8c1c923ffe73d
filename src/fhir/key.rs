//! The key that shows a server who this program is, and what it signs (RFC 7523, SMART App Launch §backend services).
//!
//! Invariant: the key leaves this file only inside a signature.

use std::{os::unix::fs::PermissionsExt as _, path::PathBuf};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use jiff::Timestamp;
use ring::{
    rand::{SecureRandom as _, SystemRandom},
    rsa,
    signature::{ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair, RSA_PKCS1_SHA384},
};
use rustls_pki_types::{PrivatePkcs8KeyDer, pem::PemObject as _};
use serde_json::json;
use zeroize::Zeroizing;

use super::FhirError;
use crate::config::{Algorithm, KeyConfig};

/// Seconds that an assertion is good for; servers take at most 300.
const LASTS: i64 = 240;

/// A private key. ring does not overwrite its own copy, so that is made for each signature and dropped after.
pub struct ClientKey {
    pkcs8: Zeroizing<Vec<u8>>,
    algorithm: Algorithm,
    id: Option<String>,
}

impl ClientKey {
    /// Reads the key, and tries it: a key that cannot sign is found at start. `server` is whom it is shown to, for saying
    /// whose key is wrong.
    ///
    /// # Errors
    /// When it is not there, others may read it, or it is none for the algorithm.
    pub fn read(config: &KeyConfig, server: &str) -> Result<Self, FhirError> {
        let what = match (&config.key_file, &config.key_env) {
            (Some(path), _) => path.clone(),
            (None, name) => PathBuf::from(format!("${}", name.as_deref().unwrap_or_default())),
        };
        let wrong = |why: String| FhirError::Setting { server: server.to_owned(), what: what.clone(), why };
        let pem = match (&config.key_file, &config.key_env) {
            (Some(path), _) => {
                let mode = std::fs::metadata(path).map_err(|e| wrong(e.to_string()))?.permissions().mode();
                if mode & 0o077 != 0 {
                    return Err(wrong("others may read it; chmod 600".into()));
                }
                Zeroizing::new(std::fs::read(path).map_err(|e| wrong(e.to_string()))?)
            }
            (None, name) => {
                let value = std::env::var(name.as_deref().unwrap_or_default());
                Zeroizing::new(value.map_err(|_| wrong("it is not set".into()))?.into_bytes())
            }
        };
        let der = PrivatePkcs8KeyDer::from_pem_slice(&pem)
            .map_err(|_| wrong("there is no PKCS#8 private key in it (BEGIN PRIVATE KEY)".into()))?;
        let pkcs8 = Zeroizing::new(der.secret_pkcs8_der().to_vec());
        let key = Self { pkcs8, algorithm: config.algorithm, id: config.key_id.clone() };
        key.sign(b"").ok_or_else(|| wrong(format!("it is no key for {}", key.name())))?;
        Ok(key)
    }

    const fn name(&self) -> &'static str {
        match self.algorithm {
            Algorithm::Es384 => "ES384",
            Algorithm::Rs384 => "RS384",
        }
    }

    /// A fresh assertion that this is the client, for one endpoint. The number that makes it unlike any other comes from
    /// the operating system, as the signature's own does. `None` where that gives none.
    #[must_use]
    pub fn assertion(&self, client: &str, endpoint: &str, now: Timestamp) -> Option<Zeroizing<String>> {
        let mut once = [0; 16];
        SystemRandom::new().fill(&mut once).ok()?;
        let mut header = json!({ "alg": self.name(), "typ": "JWT" });
        if let Some(id) = &self.id {
            header["kid"] = id.as_str().into();
        }
        let now = now.as_second();
        let claims = json!({
            "iss": client, "sub": client, "aud": endpoint, "jti": hex::encode(once), "iat": now, "exp": now + LASTS,
        });
        let part = |value: serde_json::Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let message = format!("{}.{}", part(header), part(claims));
        let signature = self.sign(message.as_bytes())?;
        Some(Zeroizing::new(format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature))))
    }

    fn sign(&self, message: &[u8]) -> Option<Vec<u8>> {
        let random = SystemRandom::new();
        match self.algorithm {
            Algorithm::Es384 => {
                let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P384_SHA384_FIXED_SIGNING, &self.pkcs8, &random).ok()?;
                Some(pair.sign(&random, message).ok()?.as_ref().to_vec())
            }
            Algorithm::Rs384 => {
                let pair = rsa::KeyPair::from_pkcs8(&self.pkcs8).ok()?;
                let mut signature = vec![0; pair.public().modulus_len()];
                pair.sign(&RSA_PKCS1_SHA384, &random, message, &mut signature).ok()?;
                Some(signature)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use ring::signature::{ECDSA_P384_SHA384_FIXED, KeyPair as _, UnparsedPublicKey};
    use serde_json::Value;

    use super::*;

    #[test]
    fn an_assertion_is_signed_fresh_and_for_one_endpoint() {
        let random = SystemRandom::new();
        let pkcs8 = EcdsaKeyPair::generate_pkcs8(&ECDSA_P384_SHA384_FIXED_SIGNING, &random).expect("a key");
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P384_SHA384_FIXED_SIGNING, pkcs8.as_ref(), &random).expect("a key");
        let key = ClientKey {
            pkcs8: Zeroizing::new(pkcs8.as_ref().to_vec()),
            algorithm: Algorithm::Es384,
            id: Some("2026".into()),
        };
        let now: Timestamp = "2026-12-01T15:00:00Z".parse().expect("a time");
        let first = key.assertion("wellspoken", "https://a.example/token", now).expect("signed");
        let second = key.assertion("wellspoken", "https://a.example/token", now).expect("signed");
        let parts: Vec<&str> = first.split('.').collect();
        let read = |part: &str| -> Value {
            serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).expect("base64")).expect("JSON")
        };
        let (header, claims) = (read(parts[0]), read(parts[1]));
        assert_eq!(header, json!({"alg": "ES384", "typ": "JWT", "kid": "2026"}));
        assert_eq!((&claims["iss"], &claims["sub"]), (&json!("wellspoken"), &json!("wellspoken")));
        assert_eq!(claims["aud"], "https://a.example/token");
        assert_eq!(claims["exp"].as_i64().expect("a time") - now.as_second(), LASTS);
        assert_ne!(claims["jti"], read(second.split('.').nth(1).expect("claims"))["jti"]);
        let signature = URL_SAFE_NO_PAD.decode(parts[2]).expect("base64");
        let message = format!("{}.{}", parts[0], parts[1]);
        UnparsedPublicKey::new(&ECDSA_P384_SHA384_FIXED, pair.public_key().as_ref())
            .verify(message.as_bytes(), &signature)
            .expect("the signature fits");
    }
}
