//! TLS of the doors: certificates and key in, an acceptor out, with errors that say which setting and file to mend.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use rustls::{
    RootCertStore, ServerConfig,
    crypto::ring,
    server::WebPkiClientVerifier,
    version::{TLS12, TLS13},
};
use rustls_pki_types::{
    CertificateDer, PrivateKeyDer,
    pem::{self, PemObject as _},
};
use tokio_rustls::TlsAcceptor;

/// Why TLS cannot be offered.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file could not be read.
    #[error("{setting} {path}: cannot be read: {source}")]
    Read {
        /// The setting that names the file.
        setting: &'static str,
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        source: std::io::Error,
    },
    /// A file is not PEM.
    #[error("{setting} {path}: is not PEM: {reason}")]
    NotPem {
        /// The setting that names the file.
        setting: &'static str,
        /// The file.
        path: PathBuf,
        /// What the parser said.
        reason: String,
    },
    /// A certificate file has none.
    #[error("{setting} {path}: holds no certificate; a server's own comes first, then its issuers'")]
    NoCertificate {
        /// The setting that names the file.
        setting: &'static str,
        /// The file.
        path: PathBuf,
    },
    /// The key file has none.
    #[error(
        "{setting} {path}: holds no private key (PKCS#8, PKCS#1 or SEC1 in PEM); a key with a password cannot be used"
    )]
    NoKey {
        /// The setting that names the file.
        setting: &'static str,
        /// The file.
        path: PathBuf,
    },
    /// All are there but do not go together, or are of a kind that is not supported.
    #[error("{setting}: what it and the settings beside it name cannot be used together: {reason}")]
    Unusable {
        /// The setting that names the certificate.
        setting: &'static str,
        /// What the TLS library said.
        reason: String,
    },
}

/// The files of a door, each with the setting that names it.
#[derive(Debug, Clone, Copy)]
pub struct Files<'a> {
    /// The server's certificate, then its issuers'.
    pub cert: (&'static str, &'a Path),
    /// Its private key.
    pub key: (&'static str, &'a Path),
    /// Whoever comes must show a certificate of one of these authorities; `None`: nobody is asked for one.
    pub clients: Option<(&'static str, &'a Path)>,
}

/// An acceptor for TLS 1.2 and 1.3. `protocols` are those offered by name (ALPN), best first.
///
/// # Errors
/// Which file is wrong, and how.
pub fn acceptor(files: Files<'_>, protocols: &[&[u8]]) -> Result<TlsAcceptor, TlsError> {
    let authorities = files.clients.map(chain).transpose()?;
    acceptor_of(files, authorities, protocols)
}

/// The same where whoever comes must show a certificate of one of these authorities, in DER.
///
/// # Errors
/// Which file is wrong, and how.
pub fn acceptor_for(files: Files<'_>, authorities: Vec<Vec<u8>>, protocols: &[&[u8]]) -> Result<TlsAcceptor, TlsError> {
    let authorities = authorities.into_iter().map(CertificateDer::from).collect();
    acceptor_of(files, Some(authorities), protocols)
}

fn acceptor_of(
    files: Files<'_>,
    authorities: Option<Vec<CertificateDer<'static>>>,
    protocols: &[&[u8]],
) -> Result<TlsAcceptor, TlsError> {
    let chain = chain(files.cert)?;
    let secret = secret(files.key)?;
    let unusable = |reason: String| TlsError::Unusable { setting: files.cert.0, reason };
    let provider = Arc::new(ring::default_provider());
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_protocol_versions(&[&TLS13, &TLS12])
        .map_err(|error| unusable(error.to_string()))?;
    let builder = match authorities {
        None => builder.with_no_client_auth(),
        Some(authorities) => {
            let mut roots = RootCertStore::empty();
            for authority in authorities {
                roots.add(authority).map_err(|error| unusable(error.to_string()))?;
            }
            let asked = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build();
            builder.with_client_cert_verifier(asked.map_err(|error| unusable(error.to_string()))?)
        }
    };
    let mut config = builder.with_single_cert(chain, secret).map_err(|error| match error {
        rustls::Error::InconsistentKeys(_) => unusable("the key does not belong to the certificate".into()),
        other => unusable(other.to_string()),
    })?;
    config.alpn_protocols = protocols.iter().map(|name| name.to_vec()).collect();
    Ok(TlsAcceptor::from(Arc::new(config)))
}

fn chain((setting, path): (&'static str, &Path)) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let all: Result<Vec<_>, _> = CertificateDer::pem_file_iter(path).and_then(Iterator::collect);
    match all {
        Ok(chain) if chain.is_empty() => Err(TlsError::NoCertificate { setting, path: path.to_owned() }),
        Ok(chain) => Ok(chain),
        Err(e) => Err(wrong(setting, path, e)),
    }
}

fn secret((setting, path): (&'static str, &Path)) -> Result<PrivateKeyDer<'static>, TlsError> {
    PrivateKeyDer::from_pem_file(path).map_err(|e| match e {
        pem::Error::NoItemsFound => TlsError::NoKey { setting, path: path.to_owned() },
        other => wrong(setting, path, other),
    })
}

fn wrong(setting: &'static str, path: &Path, error: pem::Error) -> TlsError {
    match error {
        pem::Error::Io(source) => TlsError::Read { setting, path: path.to_owned(), source },
        other => TlsError::NotPem { setting, path: path.to_owned(), reason: other.to_string() },
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn every_wrong_file_is_named_with_its_mistake() {
        let dir = tempfile::tempdir().expect("a folder");
        let file = |name: &str, contents: &str| {
            let path = dir.path().join(name);
            fs::write(&path, contents).expect("written");
            path
        };
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("a certificate");
        let other = rcgen::KeyPair::generate().expect("a key");
        let cert = file("cert.pem", &made.cert.pem());
        let key = file("key.pem", &made.signing_key.serialize_pem());
        let stranger = file("stranger.pem", &other.serialize_pem());
        let empty = file("empty.pem", "");
        fn files<'a>(cert: &'a Path, key: &'a Path) -> Files<'a> {
            Files { cert: ("http.tls_cert", cert), key: ("http.tls_key", key), clients: None }
        }
        assert!(acceptor(files(&cert, &key), &[]).is_ok());
        let asked = Files { clients: Some(("adt.client_ca", &cert)), ..files(&cert, &key) };
        assert!(acceptor(asked, &[]).is_ok());
        let asked = Files { clients: Some(("adt.client_ca", &empty)), ..files(&cert, &key) };
        let refused = acceptor(asked, &[]).map(|_| ()).expect_err("must be refused").to_string();
        assert!(refused.contains("adt.client_ca"), "{refused}");
        let told =
            |c: &Path, k: &Path| acceptor(files(c, k), &[]).map(|_| ()).expect_err("must be refused").to_string();
        for (cert, key, says) in [
            (dir.path().join("absent.pem"), key.clone(), "http.tls_cert"),
            (cert.clone(), dir.path().join("absent.pem"), "http.tls_key"),
            (empty.clone(), key.clone(), "holds no certificate"),
            (cert.clone(), empty, "holds no private key"),
            (key.clone(), key, "holds no certificate"),
            (cert.clone(), cert.clone(), "holds no private key"),
            (cert, stranger, "does not belong to the certificate"),
        ] {
            let told = told(&cert, &key);
            assert!(told.contains(says), "{told}");
        }
    }
}
