//! Certificate chains: fetched over HTTPS, held to the trusted authorities, kept while they are valid.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use jiff::Timestamp;
use rustls_pki_types::{
    CertificateDer, ServerName, TrustAnchor, UnixTime,
    pem::{self, PemObject as _},
};
use tokio::sync::Semaphore;
use webpki::{ALL_VERIFICATION_ALGS, EndEntityCert, KeyUsage};

use crate::{
    config::AlexaConfig,
    outgoing::{self, Agent, BodyError, Way, WayError},
};

/// The name that Amazon's signing certificate is for.
const SIGNER: &str = "echo-api.amazon.com";
/// Where certificates come from.
const AMAZON: &str = "https://s3.amazonaws.com";
/// For a whole fetch. Alexa gives an answer eight seconds in all.
const PATIENCE: Duration = Duration::from_secs(4);
/// Largest chain, in bytes. Amazon's has some seven thousand.
const LARGEST: u64 = 64 * 1024;
/// Most certificates in a chain.
const MOST: usize = 8;
/// Chains kept at once; Amazon uses one, and a second while it changes over.
const KEPT: usize = 8;
/// Fetches at once: the address comes from whoever calls.
const FETCHES: usize = 4;

/// Why the door for skills cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum RootsError {
    /// A file cannot be read.
    #[error("{setting}: cannot read {path}: {source}")]
    Read {
        /// The setting that names the file.
        setting: &'static str,
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        source: std::io::Error,
    },
    /// A file holds no certificates, or something else.
    #[error("{setting}: {path} must hold the certificates of authorities as PEM")]
    NotRoots {
        /// The setting that names the file.
        setting: &'static str,
        /// The file.
        path: PathBuf,
    },
}

/// Why there is no chain to check a signature with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NoChain {
    /// Amazon's host, or the mirror, does not have it.
    #[error("there is no certificate at its address")]
    NotThere,
    /// Not PEM, or too much of it.
    #[error("what is at its certificate's address is no chain of certificates")]
    NotAChain,
    /// The chain leads to no trusted authority, or a certificate in it is not valid now.
    #[error("its certificate comes from no trusted authority, or is not valid now")]
    NotTrusted,
    /// A good certificate of somebody else.
    #[error("its certificate is not Amazon's for skills")]
    NotAmazons,
    /// The host cannot be reached, or too many ask at once. Trying again may help.
    #[error("its certificate cannot be fetched at the moment")]
    Unreachable,
}

/// A chain of certificates, the signer's own first. Good only together with a time.
pub(super) struct Chain(Vec<CertificateDer<'static>>);

/// The chains that are known, and how to get others.
pub(super) struct Chains {
    roots: Vec<TrustAnchor<'static>>,
    agent: Agent,
    base: String,
    known: Mutex<BTreeMap<String, Arc<Chain>>>,
    fetches: Semaphore,
}

impl Chains {
    /// As configured. Nothing is fetched yet.
    pub fn new(config: &AlexaConfig) -> Result<Self, RootsError> {
        let roots = match &config.signing_roots {
            Some(path) => anchors(path)?,
            None => webpki_roots::TLS_SERVER_ROOTS.to_vec(),
        };
        let way = Way::direct(config.fetch_roots.as_deref(), PATIENCE).through_proxies();
        let agent = way.agent().map_err(|error| match error {
            WayError::Read { path, source } => RootsError::Read { setting: "alexa.fetch_roots", path, source },
            WayError::NoCertificate { path } => RootsError::NotRoots { setting: "alexa.fetch_roots", path },
        })?;
        let base = config.fetch_from.clone().unwrap_or_else(|| AMAZON.to_owned());
        Ok(Self { roots, agent, base, known: Mutex::default(), fetches: Semaphore::new(FETCHES) })
    }

    /// The chain at a path, trusted and valid now: the one that is known, else fetched.
    pub async fn at(&self, path: String, now: Timestamp) -> Result<Arc<Chain>, NoChain> {
        let known = self.lock().get(&path).cloned();
        // Looked at again each time, so that a chain is never used beyond its own end.
        if let Some(chain) = known
            && chain.trusted(&self.roots, now).is_ok()
        {
            return Ok(chain);
        }
        let chain = Arc::new(self.fetched(&path).await?);
        chain.trusted(&self.roots, now)?;
        let mut known = self.lock();
        while known.len() >= KEPT {
            known.pop_first();
        }
        known.insert(path, Arc::clone(&chain));
        Ok(chain)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<String, Arc<Chain>>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn fetched(&self, path: &str) -> Result<Chain, NoChain> {
        let _place = self.fetches.try_acquire().map_err(|_| NoChain::Unreachable)?;
        let (agent, address) = (self.agent.clone(), format!("{}{path}", self.base));
        let fetched = tokio::task::spawn_blocking(move || fetch(&agent, &address)).await;
        Chain::from_pem(&fetched.map_err(|_| NoChain::Unreachable)??)
    }
}

fn fetch(agent: &Agent, address: &str) -> Result<Vec<u8>, NoChain> {
    let response = agent.get(address).call().map_err(|_| NoChain::Unreachable)?;
    match response.status().as_u16() {
        200 => {}
        429 | 500..=599 => return Err(NoChain::Unreachable),
        _ => return Err(NoChain::NotThere),
    }
    outgoing::body(response, LARGEST).map_err(|error| match error {
        BodyError::TooLong => NoChain::NotAChain,
        BodyError::BrokeOff | BodyError::Late => NoChain::Unreachable,
    })
}

impl Chain {
    fn from_pem(pem: &[u8]) -> Result<Self, NoChain> {
        let read = CertificateDer::pem_slice_iter(pem).collect::<Result<Vec<_>, pem::Error>>();
        match read {
            Ok(chain) if (1..=MOST).contains(&chain.len()) => Ok(Self(chain)),
            _ => Err(NoChain::NotAChain),
        }
    }

    /// Whether it leads from Amazon's signer to a trusted authority, every certificate valid now.
    fn trusted(&self, roots: &[TrustAnchor<'static>], now: Timestamp) -> Result<(), NoChain> {
        let signer = self.signer()?;
        let seconds = u64::try_from(now.as_second()).map_err(|_| NoChain::NotTrusted)?;
        let time = UnixTime::since_unix_epoch(Duration::from_secs(seconds));
        let others = self.0.get(1..).unwrap_or_default();
        let usage = KeyUsage::server_auth();
        signer
            .verify_for_usage(ALL_VERIFICATION_ALGS, roots, others, time, usage, None, None)
            .map_err(|_| NoChain::NotTrusted)?;
        let name = ServerName::try_from(SIGNER).map_err(|_| NoChain::NotAmazons)?;
        signer.verify_is_valid_for_subject_name(&name).map_err(|_| NoChain::NotAmazons)
    }

    fn signer(&self) -> Result<EndEntityCert<'_>, NoChain> {
        let own = self.0.first().ok_or(NoChain::NotAChain)?;
        EndEntityCert::try_from(own).map_err(|_| NoChain::NotAChain)
    }

    /// Whether its signer signed these bytes: RSA, PKCS #1 v1.5, SHA-256.
    pub fn signed(&self, bytes: &[u8], signature: &[u8]) -> bool {
        let algorithm = webpki::ring::RSA_PKCS1_2048_8192_SHA256;
        self.signer().is_ok_and(|signer| signer.verify_signature(algorithm, bytes, signature).is_ok())
    }
}

fn anchors(path: &Path) -> Result<Vec<TrustAnchor<'static>>, RootsError> {
    const SETTING: &str = "alexa.signing_roots";
    let not_roots = || RootsError::NotRoots { setting: SETTING, path: path.to_owned() };
    let pem =
        std::fs::read(path).map_err(|source| RootsError::Read { setting: SETTING, path: path.to_owned(), source })?;
    let read = CertificateDer::pem_slice_iter(&pem).collect::<Result<Vec<_>, _>>().unwrap_or_default();
    if read.is_empty() {
        return Err(not_roots());
    }
    let anchor = |der| webpki::anchor_from_trusted_cert(der).map(|anchor| anchor.to_owned());
    read.iter().map(anchor).collect::<Result<Vec<_>, _>>().map_err(|_| not_roots())
}
