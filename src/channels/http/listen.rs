//! Listening: a socket, TLS where there is some, a bounded number of connections, and an orderly end.
//!
//! Invariant: plain HTTP is spoken on loopback only, whatever the configuration said.

use std::{
    future::{Future, poll_fn},
    io,
    net::{IpAddr, SocketAddr},
    pin::{Pin, pin},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use axum::{Router, extract::Request, response::Response};
use bytes::Bytes;
use hyper::{
    body::Incoming,
    server::conn::{http1, http2},
    service::service_fn,
};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    sync::{Semaphore, watch},
    task::JoinSet,
    time::{sleep, timeout},
};
use tokio_rustls::TlsAcceptor;
use tower::ServiceExt as _;

use super::{Doors, Limits, patient::Patient};
use crate::{
    channels::{
        Fingerprint,
        tls::{self, TlsError},
    },
    config::{FleetConfig, HttpConfig},
};

/// Bytes of a request's head, all headers together.
const MAX_HEAD: usize = 32 * 1024;
/// Headers of one request.
const MAX_HEADERS: usize = 64;
/// HTTP/2 requests at once on one connection.
const MAX_STREAMS: u32 = 32;
/// After an early answer, how long the rest of what a client is still sending is read and thrown away, so that
/// the answer reaches it instead of a reset.
const LINGER: Duration = Duration::from_secs(2);
/// And at most how much of it, in bytes.
const LINGER_BYTES: usize = 8 * 1024 * 1024;

/// How a request came in.
#[derive(Debug, Clone, Copy)]
pub struct Wire {
    /// The address the client connected to.
    pub local: SocketAddr,
    /// The client's own address, or that of a proxy before this server.
    pub peer: IpAddr,
    /// Whether TLS ends here.
    pub secure: bool,
}

/// A connection that is no longer HTTP's.
pub(super) type Carrier = Box<dyn Carries>;

/// What a connection is made of.
pub(super) trait Carries: AsyncRead + AsyncWrite + Unpin + Send {}

impl<T: AsyncRead + AsyncWrite + Unpin + Send> Carries for T {}

/// What goes on with a connection after HTTP, and what was read of it already.
type After = Box<dyn FnOnce(Carrier, Bytes) -> Pin<Box<dyn Future<Output = ()> + Send>> + Send>;

/// The place among a request's extensions where a handler puts what goes on after its answer, which is `101`.
#[derive(Clone, Default)]
pub(super) struct Upgrade(Arc<Mutex<Option<After>>>);

impl Upgrade {
    pub fn then(&self, after: After) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(after);
    }

    fn take(&self) -> Option<After> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// Why the door could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum ListenError {
    /// The address is none.
    #[error("http.listen: `{0}` is not an address and port such as 127.0.0.1:8770")]
    Address(String),
    /// Other machines could listen in.
    #[error(
        "http.listen: {0} is reachable from other machines, so it needs tls_cert and tls_key; plain HTTP is for loopback only"
    )]
    Exposed(SocketAddr),
    /// The operating system said no to the devices' door.
    #[error("fleet.listen: cannot listen on {address}: {source}")]
    BindDevices {
        /// The address.
        address: SocketAddr,
        /// What the operating system said.
        source: io::Error,
    },
    /// The certificate or key is wrong.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// The operating system said no.
    #[error("http.listen: cannot listen on {address}: {source}")]
    Bind {
        /// The address.
        address: SocketAddr,
        /// What the operating system said.
        source: io::Error,
    },
}

/// An open door nobody has come through yet.
pub struct Listener {
    socket: TcpListener,
    address: SocketAddr,
    tls: Option<TlsAcceptor>,
    /// Whoever comes is a device that has shown its certificate.
    devices: bool,
}

/// How an orderly end went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Drained {
    /// Turns that were still being taken when patience ran out.
    pub turns_left: usize,
}

impl Listener {
    /// Opens the door.
    ///
    /// # Errors
    /// When the address cannot be used, or TLS is needed and cannot be offered.
    pub async fn bind(config: &HttpConfig) -> Result<Self, ListenError> {
        let address: SocketAddr = config.listen.parse().map_err(|_| ListenError::Address(config.listen.clone()))?;
        let tls = match (&config.tls_cert, &config.tls_key) {
            (Some(cert), Some(key)) => {
                let files = tls::Files { cert: ("http.tls_cert", cert), key: ("http.tls_key", key), clients: None };
                Some(tls::acceptor(files, &[b"h2", b"http/1.1"])?)
            }
            _ if address.ip().is_loopback() => None,
            _ => return Err(ListenError::Exposed(address)),
        };
        let bind = |source| ListenError::Bind { address, source };
        let socket = TcpListener::bind(address).await.map_err(bind)?;
        let address = socket.local_addr().map_err(bind)?;
        Ok(Self { socket, address, tls, devices: false })
    }

    /// Opens the door for devices: whoever comes must show a certificate of one of these authorities, in DER.
    ///
    /// # Errors
    /// When the address cannot be used, or TLS cannot be offered.
    pub async fn bind_devices(config: &FleetConfig, authorities: Vec<Vec<u8>>) -> Result<Self, ListenError> {
        let files = tls::Files {
            cert: ("fleet.tls_cert", &config.tls_cert),
            key: ("fleet.tls_key", &config.tls_key),
            clients: None,
        };
        let tls = Some(tls::acceptor_for(files, authorities, &[b"h2", b"http/1.1"])?);
        let bind = |source| ListenError::BindDevices { address: config.listen, source };
        let socket = TcpListener::bind(config.listen).await.map_err(bind)?;
        let address = socket.local_addr().map_err(bind)?;
        Ok(Self { socket, address, tls, devices: true })
    }

    /// The address of the door, such as `http://127.0.0.1:8770`, without a slash at the end.
    #[must_use]
    pub fn url(&self) -> String {
        format!("{}://{}", if self.tls.is_some() { "https" } else { "http" }, self.address)
    }

    /// Lets requests in until `stop` is done; then refuses new ones, finishes those in progress, and gives up
    /// on them after [`Limits::drain`].
    pub async fn serve(self, doors: Doors, stop: impl Future<Output = ()>) -> Drained {
        let router = if self.devices { doors.device_router() } else { doors.router() };
        let places = Arc::new(Semaphore::new(doors.limits.connections));
        let mut connections = JoinSet::new();
        let mut stop = pin!(stop);
        loop {
            tokio::select! {
                () = &mut stop => break,
                Some(_) = connections.join_next(), if !connections.is_empty() => {}
                accepted = self.socket.accept() => match accepted {
                    Ok((stream, _)) => {
                        // One too many is closed at once: an answer would cost what the limit is there to save.
                        let Ok(place) = places.clone().try_acquire_owned() else { continue };
                        let connection = Connection {
                            router: router.clone(),
                            limits: doors.limits.clone(),
                            stopping: doors.stopping.subscribe(),
                        };
                        let tls = self.tls.clone();
                        let counted = doors.metrics.connection();
                        connections.spawn(async move {
                            let _held = (place, counted);
                            connection.run(stream, tls).await;
                        });
                    }
                    // Out of file handles, or a connection gone before it was accepted: neither ends the server.
                    Err(_) => sleep(Duration::from_millis(50)).await,
                },
            }
        }
        drop(self.socket);
        doors.stopping.send_replace(true);
        let mut busy = doors.busy.subscribe();
        let finished = async {
            while connections.join_next().await.is_some() {}
            // A turn goes on after its caller has hung up.
            let _ = busy.wait_for(|n| *n == 0).await;
        };
        let in_time = timeout(doors.limits.drain, finished).await.is_ok();
        Drained { turns_left: if in_time { 0 } else { *doors.busy.borrow() } }
    }
}

/// What one connection needs.
struct Connection {
    router: Router,
    limits: Arc<Limits>,
    stopping: watch::Receiver<bool>,
}

impl Connection {
    /// Serves a connection to its end. What goes wrong on the wire is the client's affair and not logged.
    async fn run(self, stream: TcpStream, tls: Option<TlsAcceptor>) {
        let (Ok(local), Ok(peer)) = (stream.local_addr(), stream.peer_addr()) else { return };
        let peer = peer.ip().to_canonical();
        // Small answers leave at once.
        let _ = stream.set_nodelay(true);
        let idle = self.limits.idle;
        let Some(tls) = tls else {
            let way = Way { wire: Wire { local, peer, secure: false }, shown: None };
            return self.http1(Patient::new(stream, idle), way).await;
        };
        let Ok(Ok(stream)) = timeout(self.limits.handshake, tls.accept(stream)).await else { return };
        let shown = stream.get_ref().1.peer_certificates().and_then(<[_]>::first);
        let shown = shown.map(|certificate| Fingerprint::of(certificate));
        let way = Way { wire: Wire { local, peer, secure: true }, shown };
        if stream.get_ref().1.alpn_protocol() == Some(b"h2") {
            self.http2(Patient::new(stream, idle), way).await;
        } else {
            self.http1(Patient::new(stream, idle), way).await;
        }
    }

    async fn http1(mut self, io: impl AsyncRead + AsyncWrite + Unpin + Send + 'static, way: Way) {
        let upgrade = Upgrade::default();
        let service = service_fn(handler(self.router.clone(), way, Some(upgrade.clone())));
        let mut connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(self.limits.head)
            .max_buf_size(MAX_HEAD)
            .max_headers(MAX_HEADERS)
            .serve_connection(TokioIo::new(io), service);
        let mut told = false;
        loop {
            tokio::select! {
                _ = poll_fn(|cx| connection.poll_without_shutdown(cx)) => break,
                () = stopped(&mut self.stopping), if !told => {
                    told = true;
                    Pin::new(&mut connection).graceful_shutdown();
                }
            }
        }
        let parts = connection.into_parts();
        match upgrade.take() {
            Some(after) => after(Box::new(parts.io.into_inner()), parts.read_buf).await,
            None => linger(parts.io.into_inner()).await,
        }
    }

    async fn http2(mut self, io: impl AsyncRead + AsyncWrite + Unpin + Send + 'static, way: Way) {
        let service = service_fn(handler(self.router.clone(), way, None));
        let connection = http2::Builder::new(TokioExecutor::new())
            .timer(TokioTimer::new())
            .max_concurrent_streams(MAX_STREAMS)
            .max_header_list_size(u32::try_from(MAX_HEAD).unwrap_or(u32::MAX))
            .serve_connection(TokioIo::new(io), service);
        let mut connection = pin!(connection);
        let mut told = false;
        loop {
            tokio::select! {
                _ = connection.as_mut() => break,
                () = stopped(&mut self.stopping), if !told => {
                    told = true;
                    connection.as_mut().graceful_shutdown();
                }
            }
        }
    }
}

type Answer = Pin<Box<dyn Future<Output = Result<Response, std::convert::Infallible>> + Send>>;

/// What a connection tells each of its requests.
#[derive(Clone, Copy)]
struct Way {
    wire: Wire,
    shown: Option<Fingerprint>,
}

fn handler(router: Router, way: Way, upgrade: Option<Upgrade>) -> impl Fn(Request<Incoming>) -> Answer {
    move |mut request| {
        request.extensions_mut().insert(way.wire);
        if let Some(shown) = way.shown {
            request.extensions_mut().insert(shown);
        }
        if let Some(upgrade) = &upgrade {
            request.extensions_mut().insert(upgrade.clone());
        }
        Box::pin(router.clone().oneshot(request))
    }
}

pub(super) async fn stopped(stopping: &mut watch::Receiver<bool>) {
    // An error means that the server is gone, which is a stop, too.
    let _ = stopping.wait_for(|s| *s).await;
}

/// Says goodbye: no more from here, and for a moment ears for what is still on its way.
async fn linger(mut io: impl AsyncRead + AsyncWrite + Unpin) {
    let goodbye = async {
        io.shutdown().await?;
        let mut sink = vec![0; 16 * 1024];
        let mut left = LINGER_BYTES;
        while left > 0 {
            match io.read(&mut sink).await? {
                0 => break,
                n => left = left.saturating_sub(n),
            }
        }
        Ok::<_, io::Error>(())
    };
    let _ = timeout(LINGER, goodbye).await;
}
