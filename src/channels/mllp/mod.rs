//! The door of the admission system: HL7 messages over MLLP, with TLS or without.
//!
//! Invariants: messages of one connection are answered one after the other, in the order in which they came; an answer says that
//! its message is kept. Other machines are let in only with a certificate of a named authority or, without TLS, from a named
//! address. Deliberately absent: what a message means.

mod frame;

use std::{
    future::Future,
    io,
    net::{IpAddr, SocketAddr},
    pin::pin,
    sync::Arc,
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    sync::{Semaphore, watch},
    task::JoinSet,
    time::{sleep, timeout},
};
use tokio_rustls::TlsAcceptor;

pub use frame::{Frames, LONGEST, TooLong, framed};

use super::{
    Soon,
    tls::{self, TlsError},
};
use crate::config::AdtConfig;

/// Senders at once.
const CONNECTIONS: usize = 64;
/// How long a handshake may take.
const HANDSHAKE: Duration = Duration::from_secs(10);
/// How long the rest of a message may be on its way, and an answer on its way out.
const UNDERWAY: Duration = Duration::from_secs(30);
/// How long messages that are being taken may take at the end.
const DRAIN: Duration = Duration::from_secs(10);

/// What takes the messages.
pub trait Inbox: Send + Sync + 'static {
    /// Takes one and gives its answers, in order; mostly one.
    fn message<'a>(&'a self, message: &'a [u8]) -> Soon<'a, Vec<Vec<u8>>>;
}

/// Why the door could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum MllpError {
    /// A certificate or key is wrong.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// The operating system said no.
    #[error("adt.listen: cannot listen on {address}: {source}")]
    Bind {
        /// The address.
        address: SocketAddr,
        /// What the operating system said.
        source: io::Error,
    },
}

/// An open door nobody has come through yet.
pub struct MllpListener {
    socket: TcpListener,
    address: SocketAddr,
    tls: Option<TlsAcceptor>,
    from: Arc<[IpAddr]>,
}

impl MllpListener {
    /// Opens the door.
    ///
    /// # Errors
    /// When the address or a file cannot be used.
    pub async fn bind(config: &AdtConfig) -> Result<Self, MllpError> {
        let tls = match (&config.tls_cert, &config.tls_key) {
            (Some(cert), Some(key)) => {
                let clients = config.client_ca.as_deref().map(|ca| ("adt.client_ca", ca));
                let files = tls::Files { cert: ("adt.tls_cert", cert), key: ("adt.tls_key", key), clients };
                Some(tls::acceptor(files, &[])?)
            }
            _ => None,
        };
        let address = config.address;
        let bind = |source| MllpError::Bind { address, source };
        let socket = TcpListener::bind(address).await.map_err(bind)?;
        let address = socket.local_addr().map_err(bind)?;
        Ok(Self { socket, address, tls, from: config.from.clone().into() })
    }

    /// Where it listens.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Takes messages until `stop` is done, then finishes those that came whole.
    pub async fn serve(self, inbox: Arc<dyn Inbox>, stop: impl Future<Output = ()>) {
        let places = Arc::new(Semaphore::new(CONNECTIONS));
        let (stopping, stopped) = watch::channel(false);
        let mut connections = JoinSet::new();
        let mut stop = pin!(stop);
        loop {
            tokio::select! {
                () = &mut stop => break,
                Some(_) = connections.join_next(), if !connections.is_empty() => {}
                accepted = self.socket.accept() => match accepted {
                    Ok((stream, peer)) => {
                        let peer = peer.ip().to_canonical();
                        if self.tls.is_none() && !peer.is_loopback() && !self.from.contains(&peer) {
                            tracing::warn!(%peer, "a connection to adt.listen was closed: adt.from does not name this address");
                            continue;
                        }
                        let Ok(place) = places.clone().try_acquire_owned() else {
                            tracing::warn!(connections = CONNECTIONS, "a connection to adt.listen was closed: there are too many");
                            continue;
                        };
                        let (tls, inbox, stopped) = (self.tls.clone(), Arc::clone(&inbox), stopped.clone());
                        connections.spawn(async move {
                            let _held = place;
                            let_in(stream, tls, inbox.as_ref(), stopped).await;
                        });
                    }
                    Err(_) => sleep(Duration::from_millis(50)).await,
                },
            }
        }
        drop(self.socket);
        stopping.send_replace(true);
        let _ = timeout(DRAIN, async { while connections.join_next().await.is_some() {} }).await;
    }
}

async fn let_in(stream: TcpStream, tls: Option<TlsAcceptor>, inbox: &dyn Inbox, stopped: watch::Receiver<bool>) {
    // Answers are small, and whoever waits for one sends nothing before it.
    let _ = stream.set_nodelay(true);
    match tls {
        None => converse(stream, inbox, stopped).await,
        Some(tls) => {
            let Ok(Ok(stream)) = timeout(HANDSHAKE, tls.accept(stream)).await else { return };
            converse(stream, inbox, stopped).await;
        }
    }
}

/// Serves one sender. Between messages they may be silent for as long as they like: an interface engine keeps its connection.
async fn converse(
    mut stream: impl AsyncRead + AsyncWrite + Unpin,
    inbox: &dyn Inbox,
    mut stopped: watch::Receiver<bool>,
) {
    let mut frames = Frames::default();
    let mut buffer = vec![0; 16 * 1024];
    loop {
        let patience = if frames.within() { UNDERWAY } else { Duration::MAX };
        let read = tokio::select! {
            _ = stopped.wait_for(|stopped| *stopped) => return,
            read = timeout(patience, stream.read(&mut buffer)) => read,
        };
        let Ok(Ok(many @ 1..)) = read else { return };
        let Ok(messages) = frames.take(buffer.get(..many).unwrap_or_default()) else {
            tracing::warn!(
                longest = LONGEST,
                "a message of the admission system is too long; its connection was closed"
            );
            return;
        };
        for message in messages {
            let answers = inbox.message(&message).await;
            let answer: Vec<u8> = answers.iter().flat_map(|answer| framed(answer)).collect();
            if !matches!(timeout(UNDERWAY, stream.write_all(&answer)).await, Ok(Ok(()))) {
                return;
            }
        }
    }
}
