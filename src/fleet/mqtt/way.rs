//! How the broker is reached: its address, its authorities, and who we are to it.
//!
//! Invariant: name, password and everything else go over TLS, or within this machine alone.

use std::{os::unix::fs::PermissionsExt as _, path::PathBuf, sync::Arc, time::Duration};

use rustls::{
    ClientConfig, RootCertStore,
    crypto::ring,
    version::{TLS12, TLS13},
};
use rustls_pki_types::{CertificateDer, ServerName, pem::PemObject as _};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
    time::timeout,
};
use tokio_rustls::TlsConnector;
use zeroize::Zeroizing;

use super::{MqttError, Trouble};
use crate::config::{BrokerAddress, MqttConfig};

/// How long connecting may take, TLS included.
const PATIENCE: Duration = Duration::from_secs(10);

/// A connection, over TLS or not.
pub(super) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// The way to a broker.
pub(super) struct Way {
    address: BrokerAddress,
    tls: Option<(TlsConnector, ServerName<'static>)>,
    user: Option<String>,
    password_file: Option<PathBuf>,
}

impl Way {
    /// As configured. Files are read, and nothing is connected.
    pub(super) fn new(config: &MqttConfig) -> Result<Self, MqttError> {
        let address = config.address().ok_or(MqttError::Address)?;
        let tls = if address.tls {
            let name = ServerName::try_from(address.host.clone()).map_err(|_| MqttError::Address)?;
            Some((connector(config.ca.as_ref())?, name))
        } else {
            None
        };
        let way = Self { address, tls, user: config.user.clone(), password_file: config.password_file.clone() };
        way.login()?;
        Ok(way)
    }

    /// A connection to it, not yet greeted.
    pub(super) async fn connect(&self) -> Result<Box<dyn Stream>, Trouble> {
        timeout(PATIENCE, self.reach()).await.map_err(|_| Trouble::NotInTime)?
    }

    async fn reach(&self) -> Result<Box<dyn Stream>, Trouble> {
        let at = (self.address.host.as_str(), self.address.port);
        let stream = TcpStream::connect(at).await.map_err(|_| Trouble::NobodyThere)?;
        // Small packets that somebody waits for.
        let _ = stream.set_nodelay(true);
        match &self.tls {
            None => Ok(Box::new(stream)),
            Some((connector, name)) => {
                let secured = connector.connect(name.clone(), stream).await.map_err(|_| Trouble::NotTrusted)?;
                Ok(Box::new(secured))
            }
        }
    }

    /// Name and password; the file is read anew each time, so that a password can be replaced while the program runs.
    pub(super) fn login(&self) -> Result<Option<(String, Zeroizing<String>)>, MqttError> {
        let (Some(user), Some(path)) = (&self.user, &self.password_file) else { return Ok(None) };
        let read = |source| MqttError::Read { setting: "mqtt.password_file", path: path.clone(), source };
        let wrong = |why| MqttError::NoGood { setting: "mqtt.password_file", path: path.clone(), why };
        if std::fs::metadata(path).map_err(read)?.permissions().mode() & 0o077 != 0 {
            return Err(wrong("others may read it; chmod 600"));
        }
        let text = Zeroizing::new(std::fs::read_to_string(path).map_err(read)?);
        let password = Zeroizing::new(text.trim_end_matches(['\r', '\n']).to_owned());
        if password.is_empty() || password.len() > 1024 {
            return Err(wrong("must hold a password of 1 to 1024 bytes"));
        }
        Ok(Some((user.clone(), password)))
    }
}

fn connector(ca: Option<&PathBuf>) -> Result<TlsConnector, MqttError> {
    let mut roots = RootCertStore::empty();
    match ca {
        None => roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned()),
        Some(path) => {
            let setting = "mqtt.ca";
            let pem = std::fs::read(path).map_err(|source| MqttError::Read { setting, path: path.clone(), source })?;
            let (taken, _) = roots.add_parsable_certificates(CertificateDer::pem_slice_iter(&pem).flatten());
            if taken == 0 {
                return Err(MqttError::NoGood {
                    setting,
                    path: path.clone(),
                    why: "there is no PEM certificate in it",
                });
            }
        }
    }
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_protocol_versions(&[&TLS13, &TLS12])
        .map_err(|_| MqttError::Tls)?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(TlsConnector::from(Arc::new(config)))
}
