//! Ed25519 signatures over heads of the chain and over exported lines.
//!
//! Invariant: the signing key is in the key store, under the master key, and nowhere else; who changes the database
//! without it cannot make a checkpoint that fits. Every kind of message begins with its name, so that one is never
//! taken for another.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use ring::signature::{ED25519, Ed25519KeyPair, KeyPair as _, UnparsedPublicKey};
use sqlx::Row;
use zeroize::Zeroizing;

use super::{
    super::{
        database::{Database, Statement},
        error::StoreError,
    },
    Head,
};

/// DER before the 32 bytes of an Ed25519 public key (RFC 8410).
const SPKI: [u8; 12] = [0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];

/// Signs. ring does not overwrite its own copy of the key, so that is made for each signature and dropped after.
pub struct Signer {
    seed: Zeroizing<[u8; 32]>,
    public: PublicKey,
}

impl Signer {
    pub fn new(seed: Zeroizing<[u8; 32]>) -> Result<Self, StoreError> {
        let public = pair(&seed)?.public_key().as_ref().try_into().map_err(|_| unusable())?;
        Ok(Self { seed, public: PublicKey(public) })
    }

    pub const fn public(&self) -> PublicKey {
        self.public
    }

    /// The statement that keeps a signed head; one that is there already stays.
    pub fn checkpoint(&self, head: &Head) -> Result<Statement, StoreError> {
        let signature = self.sign(&of_head(head))?;
        Ok(Statement::new(
            "INSERT INTO checkpoint (seq, hash, signer, signature) VALUES ($1, $2, $3, $4) ON CONFLICT (seq) DO NOTHING",
            vec![head.seq.into(), head.hash.to_vec().into(), self.public.hex().into(), signature.to_vec().into()],
        ))
    }

    /// Signs an exported line.
    pub fn sign_line(&self, line: &[u8]) -> Result<[u8; 64], StoreError> {
        self.sign(&of_line(line))
    }

    /// Signs what a backup says of itself.
    pub fn sign_manifest(&self, text: &[u8]) -> Result<[u8; 64], StoreError> {
        self.sign(&of_manifest(text))
    }

    fn sign(&self, message: &[u8]) -> Result<[u8; 64], StoreError> {
        pair(&self.seed)?.sign(message).as_ref().try_into().map_err(|_| unusable())
    }
}

fn pair(seed: &[u8; 32]) -> Result<Ed25519KeyPair, StoreError> {
    Ed25519KeyPair::from_seed_unchecked(seed).map_err(|_| unusable())
}

fn unusable() -> StoreError {
    StoreError::Damaged("the key that signs the audit chain cannot be used".into())
}

/// What verifies signatures; no secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PublicKey([u8; 32]);

/// Why a text is not a public key.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("that is no Ed25519 public key. Give the file that `wellspoken audit public-key` printed")]
pub struct BadPublicKey;

impl PublicKey {
    /// As PEM, which other programs read too.
    #[must_use]
    pub fn pem(&self) -> String {
        let der = [SPKI.as_slice(), &self.0].concat();
        format!("-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n", STANDARD.encode(der))
    }

    /// Reads PEM, or 64 hexadecimal digits.
    ///
    /// # Errors
    /// When it is neither.
    pub fn parse(text: &str) -> Result<Self, BadPublicKey> {
        let text = text.trim();
        if let Some(bytes) = hex::decode(text).ok().and_then(|bytes| bytes.try_into().ok()) {
            return Ok(Self(bytes));
        }
        let inner =
            text.strip_prefix("-----BEGIN PUBLIC KEY-----").and_then(|t| t.strip_suffix("-----END PUBLIC KEY-----"));
        let der = inner.and_then(|inner| STANDARD.decode(inner.split_whitespace().collect::<String>()).ok());
        let bytes = der.as_ref().and_then(|der| der.strip_prefix(&SPKI)).and_then(|key| key.try_into().ok());
        bytes.map(Self).ok_or(BadPublicKey)
    }

    /// As 64 hexadecimal digits.
    #[must_use]
    pub fn hex(&self) -> String {
        hex::encode(self.0)
    }

    pub(super) fn signed_line(&self, line: &[u8], signature: &[u8]) -> bool {
        self.signed(&of_line(line), signature)
    }

    pub(super) fn signed_head(&self, head: &Head, signature: &[u8]) -> bool {
        self.signed(&of_head(head), signature)
    }

    pub(in crate::store) fn signed_manifest(&self, text: &[u8], signature: &[u8]) -> bool {
        self.signed(&of_manifest(text), signature)
    }

    fn signed(&self, message: &[u8], signature: &[u8]) -> bool {
        UnparsedPublicKey::new(&ED25519, self.0).verify(message, signature).is_ok()
    }
}

/// A signed head, as the database keeps it.
pub struct Checkpoint {
    pub head: Head,
    pub signer: String,
    pub signature: Vec<u8>,
}

impl Checkpoint {
    pub async fn all(database: &Database) -> Result<Vec<Self>, StoreError> {
        // A database that an older version made, and that is only read, has none yet.
        if !database.has_table("checkpoint").await? {
            return Ok(vec![]);
        }
        let all = "SELECT seq, hash, signer, signature FROM checkpoint ORDER BY seq";
        let rows = database.ask(all, &[]).await?;
        rows.iter()
            .map(|row| {
                Ok(Self {
                    head: Head::read(row)?,
                    signer: row.try_get("signer")?,
                    signature: row.try_get("signature")?,
                })
            })
            .collect()
    }

    /// Whether it signs this head: by this key, or by the one it names where none is given.
    pub fn fits(&self, head: &Head, by: Option<&PublicKey>) -> bool {
        let named = PublicKey::parse(&self.signer).ok();
        let signer = by.copied().or(named);
        self.head.hash == head.hash && signer.is_some_and(|key| key.signed_head(head, &self.signature))
    }
}

fn of_head(head: &Head) -> Vec<u8> {
    let mut message = b"wellspoken audit checkpoint 1\0".to_vec();
    message.extend(head.seq.to_be_bytes());
    message.extend(head.hash);
    message
}

fn of_line(line: &[u8]) -> Vec<u8> {
    [b"wellspoken audit line 1\0".as_slice(), line].concat()
}

fn of_manifest(text: &[u8]) -> Vec<u8> {
    [b"wellspoken backup 1\0".as_slice(), text].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_public_key_is_read_as_it_is_printed() {
        let key = Signer::new(Zeroizing::new([3; 32])).expect("a key").public();
        assert_eq!(PublicKey::parse(&key.pem()), Ok(key));
        assert_eq!(PublicKey::parse(&format!("{}\n", key.hex())), Ok(key));
        for bad in ["", "00", &key.hex()[1..], "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----"] {
            assert_eq!(PublicKey::parse(bad), Err(BadPublicKey), "{bad}");
        }
    }

    #[test]
    fn a_signature_is_for_one_message_of_one_kind_by_one_key() {
        let (one, two) = (
            Signer::new(Zeroizing::new([3; 32])).expect("a key"),
            Signer::new(Zeroizing::new([4; 32])).expect("a key"),
        );
        let signature = one.sign_line(b"a line").expect("signed");
        assert!(one.public().signed_line(b"a line", &signature));
        assert!(!one.public().signed_line(b"A line", &signature));
        assert!(!two.public().signed_line(b"a line", &signature));
        let head = Head { seq: 7, hash: [1; 32] };
        let message = of_head(&head);
        assert!(!one.public().signed_head(&head, &one.sign_line(&message).expect("signed")));
        let signature = one.sign(&message).expect("signed");
        assert!(one.public().signed_head(&head, &signature));
        assert!(!one.public().signed_head(&Head { seq: 8, ..head }, &signature));
        assert!(!one.public().signed_head(&Head { hash: [2; 32], ..head }, &signature));
    }
}
