//! Whether a request was signed by Amazon, as Amazon prescribes.
//!
//! The signature in `Signature-256` must be of the body as it came, by the certificate at `SignatureCertChainUrl`. The
//! older SHA-1 signature is not looked at.

use axum::http::HeaderMap;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use jiff::Timestamp;

use super::{
    address::{self, BadAddress},
    chain::{Chains, NoChain, RootsError},
};
use crate::config::AlexaConfig;

/// Where the certificate chain is.
const CHAIN: &str = "signaturecertchainurl";
/// The signature.
const SIGNATURE: &str = "signature-256";
/// Longest signature, in bytes of base64: an RSA key of 8192 bits.
const LONGEST: usize = 1368;

/// Why a request is not taken for Amazon's. Says nothing of what stands in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotSigned {
    /// A header is missing, stands there twice, or is no text.
    #[error("it has not exactly one header {0}")]
    Header(&'static str),
    /// The signature is no base64.
    #[error("its signature is no base64")]
    Encoding,
    /// The certificate must not be fetched from there.
    #[error(transparent)]
    Address(#[from] BadAddress),
    /// There is no good certificate there.
    #[error(transparent)]
    Chain(#[from] NoChain),
    /// Of another body, or by another key.
    #[error("its signature does not fit its body")]
    Signature,
}

/// Checks signatures.
pub struct Verifier {
    chains: Chains,
}

impl Verifier {
    /// As configured.
    ///
    /// # Errors
    /// When a file of authorities cannot be used.
    pub fn new(config: &AlexaConfig) -> Result<Self, RootsError> {
        Ok(Self { chains: Chains::new(config)? })
    }

    /// Checks that Amazon signed a body.
    ///
    /// # Errors
    /// When it did not, or when that cannot be found out.
    pub async fn verify(&self, headers: &HeaderMap, body: &[u8], now: Timestamp) -> Result<(), NotSigned> {
        let path = address::path(one(headers, CHAIN, "SignatureCertChainUrl")?)?;
        let written = one(headers, SIGNATURE, "Signature-256")?;
        let signature = if written.len() > LONGEST { None } else { STANDARD.decode(written).ok() };
        let signature = signature.ok_or(NotSigned::Encoding)?;
        let chain = self.chains.at(path, now).await?;
        if chain.signed(body, &signature) { Ok(()) } else { Err(NotSigned::Signature) }
    }
}

fn one<'a>(headers: &'a HeaderMap, name: &str, shown: &'static str) -> Result<&'a str, NotSigned> {
    let mut all = headers.get_all(name).iter();
    match (all.next(), all.next()) {
        (Some(value), None) => value.to_str().map_err(|_| NotSigned::Header(shown)),
        _ => Err(NotSigned::Header(shown)),
    }
}
