//! Letters by e-mail: that there is something, and where to read it. Never what it is.
//!
//! Invariants: a letter is one of a few fixed texts with a code or an address of this server in it, nothing that
//! anybody said and nothing of a record, not even the organization's name (it may tell what somebody is treated for); it
//! goes out over TLS, or within this machine, to the configured server alone. Calls block.

mod address;
mod letter;
mod smtp;

use std::{os::unix::fs::PermissionsExt as _, path::PathBuf, sync::Arc, time::Duration};

use jiff::Timestamp;
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::{CertificateDer, pem::PemObject as _};
use zeroize::Zeroizing;

pub use address::Address;
pub use letter::Letter;

use crate::config::MailConfig;

/// Why letters cannot be sent as configured.
#[derive(Debug, thiserror::Error)]
pub enum MailError {
    /// A file cannot be read.
    #[error("{setting}: cannot read {path}: {source}")]
    Read {
        /// The setting that names it.
        setting: &'static str,
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        source: std::io::Error,
    },
    /// A file can be read and is no good.
    #[error("{setting}: {path}: {why}")]
    NoGood {
        /// The setting that names it.
        setting: &'static str,
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: &'static str,
    },
    /// The address that letters come from is none.
    #[error("mail.from: not an e-mail address")]
    From,
    /// The TLS library refuses its own defaults.
    #[error("TLS cannot be set up: {0}")]
    Tls(#[from] rustls::Error),
}

/// Why a letter did not go out. Holds no address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unsent {
    /// Trying again later may help.
    #[error("{0}")]
    Later(&'static str),
    /// The server takes nothing for this address.
    #[error("the mail server refuses this letter for good")]
    Never,
}

/// Whoever sends letters.
pub struct Post {
    server: smtp::Server,
    from: Address,
    page: String,
}

impl Post {
    /// As configured. Nothing is sent yet.
    ///
    /// # Errors
    /// When a file it needs cannot be used.
    pub fn new(config: &MailConfig) -> Result<Self, MailError> {
        let from = Address::parse(&config.from).ok_or(MailError::From)?;
        let password = config.password_file.as_ref().map(password).transpose()?;
        let server = smtp::Server {
            host: config.host.clone(),
            port: config.port,
            tls: config.tls,
            roots: Arc::new(trust(config)?),
            login: config.user.clone().zip(password),
            patience: Duration::from_millis(config.timeout_ms),
        };
        Ok(Self { server, from, page: config.page.trim_end_matches('/').to_owned() })
    }

    /// Where people read what a letter tells of.
    #[must_use]
    pub fn page(&self) -> &str {
        &self.page
    }

    /// Sends a letter. `id` tells it from every other, also when it is sent once more.
    ///
    /// # Errors
    /// Why it did not go out.
    pub fn send(&self, to: &Address, letter: &Letter, id: &str, at: Timestamp) -> Result<(), Unsent> {
        let text = letter.text(&self.from, to, &self.page, id, at);
        self.server.deliver(&self.from, to, &text)
    }
}

fn password(path: &PathBuf) -> Result<Zeroizing<String>, MailError> {
    const SETTING: &str = "mail.password_file";
    let read = |source| MailError::Read { setting: SETTING, path: path.clone(), source };
    let wrong = |why| MailError::NoGood { setting: SETTING, path: path.clone(), why };
    let mode = std::fs::metadata(path).map_err(read)?.permissions().mode();
    if mode & 0o077 != 0 {
        return Err(wrong("others may read it; chmod 600"));
    }
    let text = Zeroizing::new(std::fs::read_to_string(path).map_err(read)?);
    let text = Zeroizing::new(text.trim().to_owned());
    if text.is_empty() { Err(wrong("it is empty")) } else { Ok(text) }
}

fn trust(config: &MailConfig) -> Result<ClientConfig, MailError> {
    const SETTING: &str = "mail.ca";
    let mut roots = RootCertStore::empty();
    match &config.ca {
        Some(path) => {
            let pem = std::fs::read(path).map_err(|source| MailError::Read {
                setting: SETTING,
                path: path.clone(),
                source,
            })?;
            let read = CertificateDer::pem_slice_iter(&pem).flatten();
            if roots.add_parsable_certificates(read).0 == 0 {
                let why = "there is no PEM certificate in it";
                return Err(MailError::NoGood { setting: SETTING, path: path.clone(), why });
            }
        }
        None => roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned()),
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let versions = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
    Ok(versions.with_root_certificates(roots).with_no_client_auth())
}
