//! A provider's signing keys (RFC 7517) and checking a signature with the one that fits (RFC 7518, RFC 8037).
//!
//! Invariant: the key decides the family of the algorithm, never the token alone, so a public key is never taken for a
//! secret of an HMAC.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use ring::signature::{
    self, ECDSA_P256_SHA256_FIXED, ECDSA_P384_SHA384_FIXED, ED25519, RSA_PKCS1_2048_8192_SHA256,
    RSA_PKCS1_2048_8192_SHA384, RSA_PKCS1_2048_8192_SHA512, RSA_PSS_2048_8192_SHA256, RSA_PSS_2048_8192_SHA384,
    RSA_PSS_2048_8192_SHA512, RsaPublicKeyComponents, UnparsedPublicKey,
};
use serde::Deserialize;

use super::{OidcError, token::Signed};

/// Keys of a provider that are looked at.
const MOST: usize = 64;

/// Ways to sign that are taken. `none` and HMAC are no ways.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    Rs(Size),
    Ps(Size),
    Es256,
    Es384,
    Ed,
}

/// The length of a hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Size {
    S256,
    S384,
    S512,
}

impl Way {
    pub fn named(name: &str) -> Option<Self> {
        Some(match name {
            "RS256" => Self::Rs(Size::S256),
            "RS384" => Self::Rs(Size::S384),
            "RS512" => Self::Rs(Size::S512),
            "PS256" => Self::Ps(Size::S256),
            "PS384" => Self::Ps(Size::S384),
            "PS512" => Self::Ps(Size::S512),
            "ES256" => Self::Es256,
            "ES384" => Self::Es384,
            "EdDSA" | "Ed25519" => Self::Ed,
            _ => return None,
        })
    }
}

#[derive(Clone)]
pub(super) struct Keys(Vec<Key>);

#[derive(Clone)]
struct Key {
    id: Option<String>,
    way: Option<Way>,
    material: Material,
}

#[derive(Clone)]
enum Material {
    Rsa { n: Vec<u8>, e: Vec<u8> },
    P256(Vec<u8>),
    P384(Vec<u8>),
    Ed(Vec<u8>),
}

#[derive(Deserialize)]
struct Document {
    keys: Vec<serde_json::Value>,
}

#[derive(Deserialize)]
struct Jwk {
    kty: String,
    #[serde(default)]
    kid: Option<String>,
    #[serde(default, rename = "use")]
    purpose: Option<String>,
    #[serde(default)]
    alg: Option<String>,
    #[serde(default)]
    crv: String,
    #[serde(default)]
    n: String,
    #[serde(default)]
    e: String,
    #[serde(default)]
    x: String,
    #[serde(default)]
    y: String,
}

impl Keys {
    /// Keys of kinds that are not known are left out, as is what is not for signing.
    pub fn read(text: &[u8]) -> Result<Self, OidcError> {
        let document: Document =
            serde_json::from_slice(text).map_err(|_| OidcError::Wrong("signing keys cannot be read"))?;
        let read = document.keys.into_iter().take(MOST).filter_map(|key| serde_json::from_value(key).ok());
        Ok(Self(read.filter_map(Key::of).collect()))
    }

    /// The key that a token names, or the only one that fits where it names none.
    pub fn fits(&self, signed: &Signed) -> Option<usize> {
        let fits =
            |key: &Key| key.takes(signed.way) && (signed.key.is_none() || key.id.as_deref() == signed.key.as_deref());
        let mut all = self.0.iter().enumerate().filter(|(_, key)| fits(key));
        match (all.next(), all.next()) {
            (Some((n, _)), None) => Some(n),
            _ => None,
        }
    }

    /// Whether that key made the signature.
    pub fn verify(&self, key: usize, signed: &Signed) -> bool {
        self.0.get(key).is_some_and(|key| key.verify(signed))
    }
}

impl Key {
    fn of(jwk: Jwk) -> Option<Self> {
        if jwk.purpose.is_some_and(|purpose| purpose != "sig") {
            return None;
        }
        let bytes = |text: &str| URL_SAFE_NO_PAD.decode(text).ok().filter(|b| !b.is_empty());
        let point = |size: usize| {
            let (x, y) = (bytes(&jwk.x)?, bytes(&jwk.y)?);
            (x.len() == size && y.len() == size).then(|| [vec![4], x, y].concat())
        };
        let material = match (jwk.kty.as_str(), jwk.crv.as_str()) {
            ("RSA", _) => {
                // Leading zeros are an encoding's, not the number's.
                let number = |text: &str| bytes(text).map(|b| b.into_iter().skip_while(|b| *b == 0).collect());
                Material::Rsa { n: number(&jwk.n)?, e: number(&jwk.e)? }
            }
            ("EC", "P-256") => Material::P256(point(32)?),
            ("EC", "P-384") => Material::P384(point(48)?),
            ("OKP", "Ed25519") => Material::Ed(bytes(&jwk.x).filter(|x| x.len() == 32)?),
            _ => return None,
        };
        let way = match jwk.alg.as_deref() {
            None => None,
            Some(name) => Some(Way::named(name)?),
        };
        Some(Self { id: jwk.kid, way, material })
    }

    fn takes(&self, way: Way) -> bool {
        let family = matches!(
            (&self.material, way),
            (Material::Rsa { .. }, Way::Rs(_) | Way::Ps(_))
                | (Material::P256(_), Way::Es256)
                | (Material::P384(_), Way::Es384)
                | (Material::Ed(_), Way::Ed)
        );
        family && self.way.is_none_or(|own| own == way)
    }

    fn verify(&self, signed: &Signed) -> bool {
        let (message, signature) = (signed.message.as_bytes(), signed.signature.as_slice());
        let plain = |algorithm: &'static dyn signature::VerificationAlgorithm, key: &[u8]| {
            UnparsedPublicKey::new(algorithm, key).verify(message, signature).is_ok()
        };
        match (&self.material, signed.way) {
            (Material::Rsa { n, e }, Way::Rs(_) | Way::Ps(_)) => {
                let rsa = RsaPublicKeyComponents { n, e };
                let algorithm = match signed.way {
                    Way::Rs(Size::S256) => &RSA_PKCS1_2048_8192_SHA256,
                    Way::Rs(Size::S384) => &RSA_PKCS1_2048_8192_SHA384,
                    Way::Rs(Size::S512) => &RSA_PKCS1_2048_8192_SHA512,
                    Way::Ps(Size::S256) => &RSA_PSS_2048_8192_SHA256,
                    Way::Ps(Size::S384) => &RSA_PSS_2048_8192_SHA384,
                    Way::Ps(Size::S512) => &RSA_PSS_2048_8192_SHA512,
                    Way::Es256 | Way::Es384 | Way::Ed => return false,
                };
                rsa.verify(algorithm, message, signature).is_ok()
            }
            (Material::P256(key), Way::Es256) => plain(&ECDSA_P256_SHA256_FIXED, key),
            (Material::P384(key), Way::Es384) => plain(&ECDSA_P384_SHA384_FIXED, key),
            (Material::Ed(key), Way::Ed) => plain(&ED25519, key),
            _ => false,
        }
    }
}
