//! One connection to `GET /v1/stream`, as a device has it.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use bytes::Bytes;
use futures_util::{SinkExt as _, StreamExt as _};
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, ServerName, pem::PemObject as _};
use serde_json::Value;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
    time::timeout,
};
use tokio_rustls::TlsConnector;
use tokio_tungstenite::{
    WebSocketStream, client_async_with_config,
    tungstenite::{self, ClientRequestBuilder, Message, http::Uri, protocol::WebSocketConfig},
};

use crate::device::{
    QueuedEvent,
    message::{Down, PROTOCOL, Up},
};

/// For the connection and its handshake.
const PATIENCE: Duration = Duration::from_secs(10);
/// Largest message that is taken, in bytes.
const LONGEST: usize = 1 << 20;
/// What the socket reads at once, in bytes.
const READ_BYTES: usize = 4096;

/// Why there is no connection, or none any more.
#[derive(Debug, thiserror::Error)]
pub enum LineError {
    /// Not the address of a server.
    #[error("{0} is not an address such as https://voice.clinic.example:8770")]
    Address(String),
    /// A certificate or key cannot be used.
    #[error("{file}: {what}")]
    Tls {
        /// The file.
        file: String,
        /// What is wrong with it.
        what: String,
    },
    /// The server does not let it in, for good.
    #[error("the server answered {0} instead of opening the connection")]
    Refused(u16),
    /// The server ended it, and why.
    #[error("the server closed the connection: {0} {1}")]
    Closed(u16, String),
    /// The link is gone.
    #[error("the connection was lost: {0}")]
    Lost(String),
    /// The server says something that a server does not say.
    #[error("the server sent a message that is none")]
    NoMessage,
}

impl LineError {
    /// Whether it is worth connecting again.
    #[must_use]
    pub const fn passes(&self) -> bool {
        match self {
            Self::Address(_) | Self::Tls { .. } | Self::NoMessage => false,
            Self::Refused(status) => *status >= 500,
            // Not let in any more; another connection took over.
            Self::Closed(code, _) => !matches!(*code, 4401 | 4409),
            Self::Lost(_) => true,
        }
    }
}

/// Where a device connects, and as whom.
#[derive(Clone)]
pub struct Target {
    uri: Uri,
    host: String,
    port: u16,
    token: Option<String>,
    tls: Option<TlsConnector>,
}

/// The files of a device's certificate.
#[derive(Debug, Clone, Default)]
pub struct Identity {
    /// The device's certificate, PEM.
    pub cert: Option<PathBuf>,
    /// Its key, PEM.
    pub key: Option<PathBuf>,
    /// Whose certificate the server must have, PEM; the usual authorities otherwise.
    pub ca: Option<PathBuf>,
}

/// What comes from the server.
pub enum Told {
    /// A message.
    Message(Down),
    /// An event from the device's queue.
    Event(QueuedEvent),
    /// Sound.
    Sound(Bytes),
}

/// What a connection is made of.
trait Carries: AsyncRead + AsyncWrite + Unpin + Send {}

impl<T: AsyncRead + AsyncWrite + Unpin + Send> Carries for T {}

/// An open connection.
pub struct Line {
    socket: WebSocketStream<Box<dyn Carries>>,
}

impl Target {
    /// A server's address, such as `http://127.0.0.1:8770`, with what the device shows there.
    ///
    /// # Errors
    /// When the address is none, or a file cannot be used.
    pub fn new(address: &str, token: Option<String>, identity: &Identity) -> Result<Self, LineError> {
        let wrong = || LineError::Address(address.to_owned());
        let given: Uri = address.trim_end_matches('/').parse().map_err(|_| wrong())?;
        let secure = match given.scheme_str() {
            Some("https" | "wss") => true,
            Some("http" | "ws") => false,
            _ => return Err(wrong()),
        };
        let authority = given.authority().ok_or_else(wrong)?;
        let host = authority.host().trim_start_matches('[').trim_end_matches(']').to_owned();
        let port = authority.port_u16().unwrap_or(if secure { 443 } else { 80 });
        let scheme = if secure { "wss" } else { "ws" };
        let uri = format!("{scheme}://{authority}/v1/stream").parse().map_err(|_| wrong())?;
        let tls = if secure { Some(identity.connector()?) } else { None };
        Ok(Self { uri, host, port, token, tls })
    }
}

impl Identity {
    fn connector(&self) -> Result<TlsConnector, LineError> {
        let mut roots = RootCertStore::empty();
        match &self.ca {
            Some(file) => {
                for cert in certs(file)? {
                    roots.add(cert).map_err(|error| unusable(file, &error))?;
                }
            }
            None => roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned()),
        }
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let versions = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
        let builder = versions.map_err(|error| LineError::Lost(error.to_string()))?.with_root_certificates(roots);
        let config = match (&self.cert, &self.key) {
            (Some(cert), Some(key)) => {
                let own = PrivateKeyDer::from_pem_file(key).map_err(|error| unusable(key, &error))?;
                builder.with_client_auth_cert(certs(cert)?, own).map_err(|error| unusable(cert, &error))?
            }
            _ => builder.with_no_client_auth(),
        };
        Ok(TlsConnector::from(Arc::new(config)))
    }
}

fn certs(file: &Path) -> Result<Vec<CertificateDer<'static>>, LineError> {
    let all = CertificateDer::pem_file_iter(file).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    all.map_err(|error| unusable(file, &error))
}

fn unusable(file: &Path, what: &dyn std::fmt::Display) -> LineError {
    LineError::Tls { file: file.display().to_string(), what: what.to_string() }
}

impl Line {
    /// Connects.
    ///
    /// # Errors
    /// When the server is not reached, or does not let the device in.
    pub async fn open(target: &Target) -> Result<Self, LineError> {
        let opening = timeout(PATIENCE, Self::handshake(target));
        opening.await.map_err(|_| LineError::Lost("it took too long".into()))?
    }

    async fn handshake(target: &Target) -> Result<Self, LineError> {
        let lost = |error: std::io::Error| LineError::Lost(error.to_string());
        let stream = TcpStream::connect((target.host.as_str(), target.port)).await.map_err(lost)?;
        let _ = stream.set_nodelay(true);
        let carrier: Box<dyn Carries> = match &target.tls {
            Some(tls) => {
                let name = ServerName::try_from(target.host.clone());
                let name = name.map_err(|_| LineError::Address(target.host.clone()))?;
                Box::new(tls.connect(name, stream).await.map_err(lost)?)
            }
            None => Box::new(stream),
        };
        let mut request = ClientRequestBuilder::new(target.uri.clone()).with_sub_protocol(PROTOCOL);
        if let Some(token) = &target.token {
            request = request.with_header("authorization", format!("Bearer {token}"));
        }
        let config = WebSocketConfig::default()
            .read_buffer_size(READ_BYTES)
            .write_buffer_size(0)
            .max_message_size(Some(LONGEST))
            .max_frame_size(Some(LONGEST));
        match client_async_with_config(request, carrier, Some(config)).await {
            Ok((socket, _)) => Ok(Self { socket }),
            Err(tungstenite::Error::Http(response)) => Err(LineError::Refused(response.status().as_u16())),
            Err(error) => Err(LineError::Lost(error.to_string())),
        }
    }

    /// Says something.
    ///
    /// # Errors
    /// When the link is gone.
    pub async fn tell(&mut self, message: &Up) -> Result<(), LineError> {
        let text = serde_json::to_string(message).map_err(|_| LineError::NoMessage)?;
        self.send(Message::text(text)).await
    }

    /// Sends sound.
    ///
    /// # Errors
    /// When the link is gone.
    pub async fn sound(&mut self, samples: &[i16]) -> Result<(), LineError> {
        let bytes: Bytes = samples.iter().flat_map(|sample| sample.to_le_bytes()).collect();
        self.send(Message::Binary(bytes)).await
    }

    /// Sends a frame as it is.
    ///
    /// # Errors
    /// When the link is gone.
    pub async fn send(&mut self, frame: Message) -> Result<(), LineError> {
        self.socket.send(frame).await.map_err(|error| LineError::Lost(error.to_string()))
    }

    /// What comes next. Not losing anything when it is given up in between.
    ///
    /// # Errors
    /// When the server closed the connection, the link is gone, or what came is no message.
    pub async fn next(&mut self) -> Result<Told, LineError> {
        loop {
            match self.socket.next().await {
                Some(Ok(Message::Text(text))) => return read(&text),
                Some(Ok(Message::Binary(sound))) => return Ok(Told::Sound(sound)),
                Some(Ok(Message::Close(Some(why)))) => {
                    return Err(LineError::Closed(why.code.into(), why.reason.as_str().to_owned()));
                }
                Some(Ok(Message::Close(None))) | None => return Err(LineError::Lost("it ended".into())),
                Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_))) => {}
                Some(Err(error)) => return Err(LineError::Lost(error.to_string())),
            }
        }
    }

    /// Says goodbye.
    pub async fn close(mut self) {
        let _ = timeout(Duration::from_secs(2), self.socket.close(None)).await;
    }
}

fn read(text: &str) -> Result<Told, LineError> {
    let value: Value = serde_json::from_str(text).map_err(|_| LineError::NoMessage)?;
    if value.get("seq").is_some() {
        return serde_json::from_value(value).map(Told::Event).map_err(|_| LineError::NoMessage);
    }
    serde_json::from_value(value).map(Told::Message).map_err(|_| LineError::NoMessage)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_told_from_what_is_none() {
        for (address, expected) in [
            ("http://127.0.0.1:8770", Some(("127.0.0.1", 8770, "ws://127.0.0.1:8770/v1/stream"))),
            ("http://[::1]:8770/", Some(("::1", 8770, "ws://[::1]:8770/v1/stream"))),
            (
                "https://voice.clinic.example",
                Some(("voice.clinic.example", 443, "wss://voice.clinic.example/v1/stream")),
            ),
            ("voice.clinic.example", None),
            ("ftp://voice.clinic.example", None),
            ("", None),
        ] {
            let target = Target::new(address, None, &Identity::default()).ok();
            let got = target.as_ref().map(|t| (t.host.as_str(), t.port, t.uri.to_string()));
            assert_eq!(got, expected.map(|(host, port, uri)| (host, port, uri.to_owned())), "{address}");
        }
    }

    #[test]
    fn only_what_passes_is_tried_again() {
        for (error, again) in [
            (LineError::Refused(401), false),
            (LineError::Refused(503), true),
            (LineError::Closed(4401, String::new()), false),
            (LineError::Closed(4409, String::new()), false),
            (LineError::Closed(4410, String::new()), true),
            (LineError::Closed(1012, String::new()), true),
            (LineError::Lost(String::new()), true),
            (LineError::NoMessage, false),
        ] {
            assert_eq!(error.passes(), again, "{error}");
        }
    }
}
