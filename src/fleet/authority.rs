//! The fleet's own authority: who says that a key is a device's.
//!
//! Invariants: of what a device sends only its public key is taken, never a name or a use; a certificate names one device, is good for
//! showing oneself to this server and for nothing else, and only for days. The private key leaves here sealed or not at all.

use std::time::Duration;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use jiff::Timestamp;
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, PKCS_ECDSA_P256_SHA256, PKCS_ED25519, PublicKeyData, SanType, SerialNumber, SignatureAlgorithm,
};
use ring::digest::{SHA256, digest};
use rustls_pki_types::{PrivatePkcs8KeyDer, SubjectPublicKeyInfoDer, pem::PemObject as _};
use zeroize::Zeroizing;

use crate::policy::DeviceId;

/// How long the authority itself is good for.
const AUTHORITY_LASTS: Duration = Duration::from_secs(10 * 365 * 24 * 3600);
/// Clocks of devices may be wrong by so much.
const SKEW: Duration = Duration::from_secs(300);
/// Longest key that is looked at, in bytes of PEM.
const LONGEST_KEY: usize = 1024;

/// What stands before the point of a P-256 key (RFC 5480 §2).
const P256: [u8; 26] = [
    0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce,
    0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00,
];
/// What stands before an Ed25519 key (RFC 8410 §4).
const ED25519: [u8; 12] = [0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];

/// Why nothing can be certified.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AuthorityError {
    /// Not a key that is taken.
    #[error("the key must be an EC P-256 or Ed25519 public key in PEM (BEGIN PUBLIC KEY)")]
    BadKey,
    /// The library refused.
    #[error("a certificate cannot be made: {0}")]
    Refused(String),
    /// A time before 1970.
    #[error("the clock is wrong: it is before 1970")]
    Clock,
}

/// Who certifies devices.
pub struct Authority {
    certificate: Vec<u8>,
    issuer: Issuer<'static, KeyPair>,
}

/// An authority that was just made, to be kept.
pub struct NewAuthority {
    /// Its certificate, in DER, which is no secret.
    pub certificate: Vec<u8>,
    /// Its private key, PKCS#8.
    pub key: Zeroizing<Vec<u8>>,
    /// Until when it is good.
    pub expires: Timestamp,
}

/// A device's public key.
pub struct DeviceKey {
    algorithm: &'static SignatureAlgorithm,
    bytes: Vec<u8>,
}

impl DeviceKey {
    /// Reads PEM.
    ///
    /// # Errors
    /// [`AuthorityError::BadKey`] for anything but a P-256 or Ed25519 key.
    pub fn parse(pem: &str) -> Result<Self, AuthorityError> {
        if pem.len() > LONGEST_KEY {
            return Err(AuthorityError::BadKey);
        }
        let der = SubjectPublicKeyInfoDer::from_pem_slice(pem.as_bytes()).map_err(|_| AuthorityError::BadKey)?;
        let der: &[u8] = der.as_ref();
        let found = match (der.strip_prefix(&P256), der.strip_prefix(&ED25519)) {
            (Some(point), _) if point.len() == 65 && point.first() == Some(&4) => (&PKCS_ECDSA_P256_SHA256, point),
            (_, Some(key)) if key.len() == 32 => (&PKCS_ED25519, key),
            _ => return Err(AuthorityError::BadKey),
        };
        Ok(Self { algorithm: found.0, bytes: found.1.to_vec() })
    }
}

impl PublicKeyData for DeviceKey {
    fn der_bytes(&self) -> &[u8] {
        &self.bytes
    }

    fn algorithm(&self) -> &'static SignatureAlgorithm {
        self.algorithm
    }
}

impl Authority {
    /// Makes one of that name.
    ///
    /// # Errors
    /// When the system has no randomness.
    pub fn make(name: &str, at: Timestamp) -> Result<NewAuthority, AuthorityError> {
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).map_err(refused)?;
        let mut params = named(name);
        let expires = at.checked_add(AUTHORITY_LASTS).map_err(|_| AuthorityError::Clock)?;
        good(&mut params, at, expires)?;
        let certificate = params.self_signed(&key).map_err(refused)?;
        let key = Zeroizing::new(key.serialize_der());
        Ok(NewAuthority { certificate: certificate.der().to_vec(), key, expires })
    }

    /// One that was made before, under the name it was made with.
    ///
    /// # Errors
    /// When the key is none.
    pub fn of(name: &str, certificate: Vec<u8>, key: &[u8]) -> Result<Self, AuthorityError> {
        let key = PrivatePkcs8KeyDer::from(key);
        let key = KeyPair::from_pkcs8_der_and_sign_algo(&key, &PKCS_ECDSA_P256_SHA256).map_err(refused)?;
        Ok(Self { certificate, issuer: Issuer::new(named(name), key) })
    }

    /// Its certificate, in PEM.
    #[must_use]
    pub fn pem(&self) -> String {
        pem(&self.certificate)
    }

    /// Says that a key is a device's, from now until then; `serial` is the certificate's number.
    ///
    /// # Errors
    /// When the library refuses.
    pub fn certify(
        &self,
        key: &DeviceKey,
        device: &DeviceId,
        mut serial: [u8; 16],
        (from, until): (Timestamp, Timestamp),
    ) -> Result<Vec<u8>, AuthorityError> {
        // A number is positive and has no zeros in front.
        serial[0] = serial[0] & 0x7f | 0x40;
        let mut params = CertificateParams::default();
        params.distinguished_name = common_name(device.as_str());
        params.serial_number = Some(SerialNumber::from_slice(&serial));
        good(&mut params, from, until)?;
        params.is_ca = IsCa::ExplicitNoCa;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        params.use_authority_key_identifier_extension = true;
        params.subject_alt_names = vec![SanType::URI(urn(device).try_into().map_err(refused)?)];
        Ok(params.signed_by(key, &self.issuer).map_err(refused)?.der().to_vec())
    }
}

/// What a certificate calls its device.
#[must_use]
pub fn urn(device: &DeviceId) -> String {
    format!("urn:wellspoken:device:{}", device.as_str())
}

/// The SHA-256 of a certificate.
#[must_use]
pub fn fingerprint(certificate: &[u8]) -> [u8; 32] {
    let mut found = [0; 32];
    found.copy_from_slice(digest(&SHA256, certificate).as_ref());
    found
}

/// A certificate in PEM.
#[must_use]
pub fn pem(certificate: &[u8]) -> String {
    let text = STANDARD.encode(certificate);
    let lines: String = text.as_bytes().chunks(64).map(|line| format!("{}\n", String::from_utf8_lossy(line))).collect();
    format!("-----BEGIN CERTIFICATE-----\n{lines}-----END CERTIFICATE-----\n")
}

fn named(name: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = common_name(&format!("Wellspoken fleet {name}"));
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params
}

fn common_name(name: &str) -> DistinguishedName {
    let mut names = DistinguishedName::new();
    names.push(DnType::CommonName, name);
    names
}

/// From when and until when it is good.
fn good(params: &mut CertificateParams, from: Timestamp, until: Timestamp) -> Result<(), AuthorityError> {
    let since_1970 = |at: Timestamp| u64::try_from(at.as_second()).map(Duration::from_secs);
    let epoch = rcgen::date_time_ymd(1970, 1, 1);
    params.not_before = epoch + since_1970(from).map_err(|_| AuthorityError::Clock)?.saturating_sub(SKEW);
    params.not_after = epoch + since_1970(until).map_err(|_| AuthorityError::Clock)?;
    Ok(())
}

fn refused(error: rcgen::Error) -> AuthorityError {
    AuthorityError::Refused(error.to_string())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use rustls::{RootCertStore, crypto::ring, server::WebPkiClientVerifier};
    use rustls_pki_types::{CertificateDer, UnixTime};

    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + seconds).expect("in range")
    }

    fn authority(name: &str) -> Authority {
        let made = Authority::make(name, at(0)).expect("made");
        Authority::of(name, made.certificate, &made.key).expect("read")
    }

    fn accepted(by: &Authority, certificate: &[u8], when: Timestamp) -> bool {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from(by.certificate.clone())).expect("a root");
        let provider = Arc::new(ring::default_provider());
        let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build().expect("built");
        let now = UnixTime::since_unix_epoch(Duration::from_secs(when.as_second().unsigned_abs()));
        verifier.verify_client_cert(&CertificateDer::from(certificate), &[], now).is_ok()
    }

    #[test]
    fn a_device_is_certified_for_its_time_by_its_authority_alone() {
        let (ours, others) = (authority("a"), authority("b"));
        let device = DeviceId::parse("d-1").expect("fits");
        for algorithm in [&PKCS_ECDSA_P256_SHA256, &PKCS_ED25519] {
            let pair = KeyPair::generate_for(algorithm).expect("a key");
            let key = DeviceKey::parse(&pair.public_key_pem()).expect("taken");
            assert_eq!(key.subject_public_key_info(), pair.subject_public_key_info());
            let made = ours.certify(&key, &device, [0xff; 16], (at(0), at(1000))).expect("made");
            assert!(accepted(&ours, &made, at(-299)) && accepted(&ours, &made, at(1000)));
            assert!(!accepted(&ours, &made, at(-301)), "too early");
            assert!(!accepted(&ours, &made, at(1001)), "too late");
            assert!(!accepted(&others, &made, at(10)), "somebody else's");
            let text = String::from_utf8_lossy(&made).into_owned();
            assert!(text.contains(&urn(&device)), "it names its device");
        }
    }

    #[test]
    fn only_keys_of_two_kinds_are_taken() {
        let rsa_like = "-----BEGIN PUBLIC KEY-----\nMFwwDQYJKoZIhvcNAQEBBQADSwAwSAJBAL\n-----END PUBLIC KEY-----\n";
        let p384 = KeyPair::generate_for(&rcgen::PKCS_ECDSA_P384_SHA384).expect("a key").public_key_pem();
        let secret = KeyPair::generate().expect("a key").serialize_pem();
        let certificate = pem(&authority("a").certificate);
        for bad in ["", "key", rsa_like, &p384, &secret, &certificate, &"x".repeat(5000)] {
            assert_eq!(DeviceKey::parse(bad).err(), Some(AuthorityError::BadKey), "{bad}");
        }
    }
}
