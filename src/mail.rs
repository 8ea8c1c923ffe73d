//! Letters by e-mail: that there is something, and where to read it. Never what it is.
//!
//! Invariants: a letter is one of a few fixed texts with a code or an address of this server in it, nothing that
//! anybody said and nothing of a record, not even the organization's name (it may tell what somebody is treated for); it
//! goes out over TLS, or within this machine, to the configured server alone.

mod address;
mod letter;
mod smtp;

use std::{os::unix::fs::PermissionsExt as _, path::PathBuf, time::Duration};

use jiff::Timestamp;
use lettre::transport::smtp::{
    authentication::Credentials,
    client::{Certificate, CertificateStore, TlsParameters},
};
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
    /// The TLS library refuses what it was given.
    #[error("mail: TLS cannot be set up for this host")]
    Tls,
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
            trust: trust(config)?,
            login: config
                .user
                .clone()
                .zip(password)
                .map(|(user, password)| Credentials::new(user, (*password).clone())),
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
    pub async fn send(&self, to: &Address, letter: &Letter, id: &str, at: Timestamp) -> Result<(), Unsent> {
        let message = letter.message(&self.from, to, &self.page, id, at).ok_or(Unsent::Never)?;
        self.server.deliver(&message).await
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

fn trust(config: &MailConfig) -> Result<TlsParameters, MailError> {
    const SETTING: &str = "mail.ca";
    let mut trust = TlsParameters::builder(config.host.clone()).certificate_store(CertificateStore::WebpkiRoots);
    if let Some(path) = &config.ca {
        let pem =
            std::fs::read(path).map_err(|source| MailError::Read { setting: SETTING, path: path.clone(), source })?;
        trust = trust.certificate_store(CertificateStore::None);
        let mut any = false;
        for found in CertificateDer::pem_slice_iter(&pem).flatten() {
            trust = trust.add_root_certificate(Certificate::from_der(found.to_vec()).map_err(|_| MailError::Tls)?);
            any = true;
        }
        if !any {
            let why = "there is no PEM certificate in it";
            return Err(MailError::NoGood { setting: SETTING, path: path.clone(), why });
        }
    }
    trust.build().map_err(|_| MailError::Tls)
}
