//! Sealing: AES-256-GCM bound to its place, keyed hashes for looking up, Argon2id for PINs.
//!
//! Invariants: every sealed value carries a fresh random nonce and is bound to its table, column, row and
//! owner, so that a value moved elsewhere does not open. What is looked up is a keyed hash (HMAC-SHA-256), so
//! that the database alone does not tell whether a given number or token is in it. Deliberately absent:
//! `Debug` on anything that holds a key.

use std::sync::Arc;

use aes_gcm::{
    Aes256Gcm, Key, KeyInit, Nonce,
    aead::{Aead, Payload},
};
use argon2::{
    Algorithm, Argon2, Params, Version,
    password_hash::{PasswordVerifier, phc::PasswordHash},
};
use hkdf::Hkdf;
use hmac::{Hmac, Mac};
use sha2::Sha256;
use zeroize::Zeroizing;

/// Bytes of a nonce (NIST SP 800-38D §8.2.2: 96 random bits).
const NONCE: usize = 12;
/// Bytes of an authentication tag.
const TAG: usize = 16;

/// Why something could not be sealed or opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    /// The operating system gave no random bytes.
    #[error("the operating system gives no random numbers")]
    NoEntropy,
    /// The bytes were not sealed here, under this key, or were changed.
    #[error("sealed data does not open: it was changed, moved, or belongs to another key")]
    DoesNotOpen,
}

/// Where random bytes come from: the operating system, or a seeded generator in tests.
#[derive(Clone)]
pub struct Entropy(Arc<Fill>);

/// Fills a buffer with random bytes, or says that there are none.
type Fill = dyn Fn(&mut [u8]) -> Result<(), SealError> + Send + Sync;

impl Entropy {
    /// The operating system's generator.
    #[must_use]
    pub fn system() -> Self {
        Self::new(|bytes| getrandom::fill(bytes).map_err(|_| SealError::NoEntropy))
    }

    /// A generator of one's own. Outside tests it must be a cryptographic one: nonces and keys come from it.
    pub fn new(fill: impl Fn(&mut [u8]) -> Result<(), SealError> + Send + Sync + 'static) -> Self {
        Self(Arc::new(fill))
    }

    /// Fills a buffer with random bytes.
    ///
    /// # Errors
    /// When the source has none.
    pub fn fill(&self, bytes: &mut [u8]) -> Result<(), SealError> {
        (self.0)(bytes)
    }

    /// Random bytes.
    ///
    /// # Errors
    /// When the source has none.
    pub fn bytes<const N: usize>(&self) -> Result<[u8; N], SealError> {
        let mut bytes = [0; N];
        (self.0)(&mut bytes)?;
        Ok(bytes)
    }
}

/// Where a sealed value stands. Authenticated with it, so that a copy elsewhere does not open.
#[derive(Clone, Copy)]
pub(super) struct Place<'a> {
    pub table: &'static str,
    pub column: &'static str,
    pub row: &'a str,
    pub owner: &'a str,
}

impl Place<'_> {
    fn bytes(&self) -> Vec<u8> {
        let mut bytes = b"wellspoken sealed 1".to_vec();
        for part in [self.table, self.column, self.row, self.owner] {
            bytes.extend((part.len() as u32).to_be_bytes());
            bytes.extend(part.as_bytes());
        }
        bytes
    }
}

/// The key of one owner's data.
pub(super) struct DataKey(Zeroizing<[u8; 32]>);

impl DataKey {
    pub const fn new(bytes: Zeroizing<[u8; 32]>) -> Self {
        Self(bytes)
    }

    /// Nonce, ciphertext and tag in one.
    pub fn seal(&self, place: Place<'_>, plain: &[u8], entropy: &Entropy) -> Result<Vec<u8>, SealError> {
        seal(&self.0, &place.bytes(), plain, entropy)
    }

    pub fn open(&self, place: Place<'_>, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, SealError> {
        open(&self.0, &place.bytes(), sealed)
    }
}

fn seal(key: &[u8; 32], bound_to: &[u8], plain: &[u8], entropy: &Entropy) -> Result<Vec<u8>, SealError> {
    let nonce: [u8; NONCE] = entropy.bytes()?;
    let cipher = Aes256Gcm::new(&Key::<Aes256Gcm>::from(*key));
    let text = cipher
        .encrypt(&Nonce::from(nonce), Payload { msg: plain, aad: bound_to })
        .map_err(|_| SealError::DoesNotOpen)?;
    let mut sealed = Vec::with_capacity(NONCE + text.len());
    sealed.extend(nonce);
    sealed.extend(text);
    Ok(sealed)
}

fn open(key: &[u8; 32], bound_to: &[u8], sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, SealError> {
    let Some((nonce, text)) = sealed.split_first_chunk::<NONCE>() else { return Err(SealError::DoesNotOpen) };
    if text.len() < TAG {
        return Err(SealError::DoesNotOpen);
    }
    let cipher = Aes256Gcm::new(&Key::<Aes256Gcm>::from(*key));
    cipher
        .decrypt(&Nonce::from(*nonce), Payload { msg: text, aad: bound_to })
        .map(Zeroizing::new)
        .map_err(|_| SealError::DoesNotOpen)
}

/// What stays the same for the life of an installation, whatever becomes of its master key: the hashes for looking
/// up, the pepper, and what the database remembers it by. The secret it comes from is not kept.
pub(super) struct Root {
    lookup: Zeroizing<[u8; 64]>,
    pepper: Zeroizing<[u8; 32]>,
    fingerprint: String,
}

impl Root {
    pub fn new(secret: &[u8; 32]) -> Self {
        let mut lookup = Zeroizing::new([0; 64]);
        let mut pepper = Zeroizing::new([0; 32]);
        let mut fingerprint = [0; 16];
        expand(
            secret,
            &mut [
                ("wellspoken lookup 1", lookup.as_mut_slice()),
                ("wellspoken pepper 1", pepper.as_mut_slice()),
                ("wellspoken fingerprint 1", fingerprint.as_mut_slice()),
            ],
        );
        Self { lookup, pepper, fingerprint: hex::encode(fingerprint) }
    }

    /// What the database remembers of the secret: derived one way, so that it tells nothing about it.
    pub fn fingerprint(&self) -> &str {
        &self.fingerprint
    }

    /// A keyed hash of these parts, for looking up: 128 bits as hexadecimal digits.
    pub fn hash(&self, purpose: &'static str, parts: &[&[u8]]) -> String {
        let mut mac = <Hmac<Sha256> as hmac::KeyInit>::new((&*self.lookup).into());
        for part in std::iter::once(purpose.as_bytes()).chain(parts.iter().copied()) {
            mac.update(&(part.len() as u64).to_be_bytes());
            mac.update(part);
        }
        hex::encode(&mac.finalize().into_bytes()[..16])
    }

    /// A PIN as the store keeps it: Argon2id (19 MiB, two passes) with a pepper. Takes some 20 ms of one core.
    pub fn pin_hash(&self, pin: &str, entropy: &Entropy) -> Result<String, SealError> {
        use argon2::password_hash::PasswordHasher;
        let salt: [u8; 16] = entropy.bytes()?;
        let hash = self.argon2()?.hash_password_with_salt(pin.as_bytes(), &salt).map_err(|_| SealError::NoEntropy)?;
        Ok(hash.to_string())
    }

    /// Whether this is that PIN.
    pub fn pin_fits(&self, pin: &str, hash: &str) -> Result<bool, SealError> {
        let hash = PasswordHash::new(hash).map_err(|_| SealError::DoesNotOpen)?;
        Ok(self.argon2()?.verify_password(pin.as_bytes(), &hash).is_ok())
    }

    fn argon2(&self) -> Result<Argon2<'_>, SealError> {
        Argon2::new_with_secret(&*self.pepper, Algorithm::Argon2id, Version::V0x13, Params::default())
            .map_err(|_| SealError::NoEntropy)
    }
}

/// Wraps keys under a master key that this machine holds. The master key itself is not kept.
pub(super) struct Wrapping(Zeroizing<[u8; 32]>);

impl Wrapping {
    pub fn new(master: &[u8; 32]) -> Self {
        let mut wrap = Zeroizing::new([0; 32]);
        expand(master, &mut [("wellspoken wrap 1", wrap.as_mut_slice())]);
        Self(wrap)
    }

    /// A key as the key store keeps it.
    pub fn wrap(&self, name: &str, key: &[u8; 32], entropy: &Entropy) -> Result<Vec<u8>, SealError> {
        seal(&self.0, &wrapped_as(name), key, entropy)
    }

    pub fn unwrap(&self, name: &str, wrapped: &[u8]) -> Result<Zeroizing<[u8; 32]>, SealError> {
        let plain = open(&self.0, &wrapped_as(name), wrapped)?;
        let bytes: [u8; 32] = plain.as_slice().try_into().map_err(|_| SealError::DoesNotOpen)?;
        Ok(Zeroizing::new(bytes))
    }

    /// Whether both are of one master key.
    pub fn same(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}

/// What a key's wrapping is bound to, so that one key's file cannot stand in for another's.
pub(super) fn wrapped_as(name: &str) -> Vec<u8> {
    format!("wellspoken data key 1 {name}").into_bytes()
}

fn expand(secret: &[u8; 32], keys: &mut [(&str, &mut [u8])]) {
    let derive = Hkdf::<Sha256>::new(None, secret);
    for (purpose, key) in keys {
        // Fails only for more than 255 hashes' worth of bytes.
        let _ = derive.expand(purpose.as_bytes(), key);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLACE: Place<'static> = Place { table: "t", column: "c", row: "1", owner: "o" };

    #[test]
    fn opens_only_in_its_place_under_its_key_and_whole() {
        let entropy = Entropy::system();
        let key = DataKey::new(Zeroizing::new([7; 32]));
        let sealed = key.seal(PLACE, b"lisinopril", &entropy).expect("seals");
        assert_eq!(key.open(PLACE, &sealed).expect("opens").as_slice(), b"lisinopril");
        for other in [
            Place { table: "u", ..PLACE },
            Place { column: "d", ..PLACE },
            Place { row: "2", ..PLACE },
            Place { owner: "p", ..PLACE },
            Place { table: "tc", column: "", ..PLACE },
        ] {
            assert_eq!(key.open(other, &sealed).err(), Some(SealError::DoesNotOpen));
        }
        assert_eq!(DataKey::new(Zeroizing::new([8; 32])).open(PLACE, &sealed).err(), Some(SealError::DoesNotOpen));
        for n in 0..sealed.len() {
            let mut flipped = sealed.clone();
            flipped[n] ^= 1;
            assert!(key.open(PLACE, &flipped).is_err(), "byte {n}");
            assert!(key.open(PLACE, &sealed[..n]).is_err(), "cut at {n}");
        }
    }

    #[test]
    fn the_same_text_never_looks_the_same() {
        let entropy = Entropy::system();
        let key = DataKey::new(Zeroizing::new([7; 32]));
        let one = key.seal(PLACE, b"same", &entropy).expect("seals");
        assert_ne!(one, key.seal(PLACE, b"same", &entropy).expect("seals"));
    }

    #[test]
    fn keyed_hashes_depend_on_key_purpose_and_where_parts_end() {
        let (a, b) = (Root::new(&[1; 32]), Root::new(&[2; 32]));
        assert_eq!(a.hash("x", &[b"1", b"2"]), a.hash("x", &[b"1", b"2"]));
        assert_ne!(a.hash("x", &[b"1", b"2"]), b.hash("x", &[b"1", b"2"]));
        assert_ne!(a.hash("x", &[b"1", b"2"]), a.hash("y", &[b"1", b"2"]));
        assert_ne!(a.hash("x", &[b"1", b"2"]), a.hash("x", &[b"12", b""]));
        assert_ne!(a.fingerprint(), b.fingerprint());
    }

    #[test]
    fn a_pin_fits_itself_and_only_under_its_secret() {
        let entropy = Entropy::system();
        let (a, b) = (Root::new(&[1; 32]), Root::new(&[2; 32]));
        let hash = a.pin_hash("4711", &entropy).expect("hashes");
        assert_eq!(a.pin_fits("4711", &hash), Ok(true));
        assert_eq!(a.pin_fits("4712", &hash), Ok(false));
        assert_eq!(b.pin_fits("4711", &hash), Ok(false));
    }

    #[test]
    fn a_wrapped_key_opens_only_under_its_name() {
        let entropy = Entropy::system();
        let master = Wrapping::new(&[1; 32]);
        let wrapped = master.wrap("n", &[9; 32], &entropy).expect("wraps");
        assert!(master.unwrap("n", &wrapped).is_ok());
        assert!(master.unwrap("m", &wrapped).is_err());
        assert!(Wrapping::new(&[2; 32]).unwrap("n", &wrapped).is_err());
    }
}
