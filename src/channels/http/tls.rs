//! TLS: a certificate and key in, an acceptor out, with errors that say which file to mend.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use rustls::{
    ServerConfig,
    crypto::ring,
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
        /// `http.tls_cert` or `http.tls_key`.
        setting: &'static str,
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        source: std::io::Error,
    },
    /// A file is not PEM.
    #[error("{setting} {path}: is not PEM: {reason}")]
    NotPem {
        /// `http.tls_cert` or `http.tls_key`.
        setting: &'static str,
        /// The file.
        path: PathBuf,
        /// What the parser said.
        reason: String,
    },
    /// The certificate file has none.
    #[error("http.tls_cert {0}: holds no certificate; it needs the server's own first, then its issuers'")]
    NoCertificate(PathBuf),
    /// The key file has none.
    #[error(
        "http.tls_key {0}: holds no private key (PKCS#8, PKCS#1 or SEC1 in PEM); a key with a password cannot be used"
    )]
    NoKey(PathBuf),
    /// Both are there but do not go together, or are of a kind that is not supported.
    #[error("http.tls_cert {cert} and http.tls_key {key} cannot be used together: {reason}")]
    Unusable {
        /// The certificate file.
        cert: PathBuf,
        /// The key file.
        key: PathBuf,
        /// What the TLS library said.
        reason: String,
    },
}

/// An acceptor for TLS 1.2 and 1.3, HTTP/2 and HTTP/1.1.
///
/// # Errors
/// Which file is wrong, and how.
pub fn acceptor(cert: &Path, key: &Path) -> Result<TlsAcceptor, TlsError> {
    let chain = chain(cert)?;
    let secret = secret(key)?;
    let unusable = |e: rustls::Error| TlsError::Unusable {
        cert: cert.to_owned(),
        key: key.to_owned(),
        reason: match e {
            rustls::Error::InconsistentKeys(_) => "the key does not belong to the certificate".into(),
            other => other.to_string(),
        },
    };
    let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_protocol_versions(&[&TLS13, &TLS12])
        .map_err(unusable)?
        .with_no_client_auth()
        .with_single_cert(chain, secret)
        .map_err(unusable)?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(TlsAcceptor::from(Arc::new(config)))
}

fn chain(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let all: Result<Vec<_>, _> = CertificateDer::pem_file_iter(path).and_then(Iterator::collect);
    match all {
        Ok(chain) if chain.is_empty() => Err(TlsError::NoCertificate(path.to_owned())),
        Ok(chain) => Ok(chain),
        Err(e) => Err(wrong("http.tls_cert", path, e)),
    }
}

fn secret(path: &Path) -> Result<PrivateKeyDer<'static>, TlsError> {
    PrivateKeyDer::from_pem_file(path).map_err(|e| match e {
        pem::Error::NoItemsFound => TlsError::NoKey(path.to_owned()),
        other => wrong("http.tls_key", path, other),
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
        assert!(acceptor(&cert, &key).is_ok());
        let told = |c: &Path, k: &Path| acceptor(c, k).map(|_| ()).expect_err("must be refused").to_string();
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
