//! Calls that the program makes: to a key service, a provider, a health-record server, a webhook.
//!
//! Invariant: a call goes to the address that was asked for and nowhere else (no redirect is followed, and no proxy
//! used but where [`Way::through_proxies`] says so), its partner is held to the authorities that were named, and it
//! ends in time. Calls block; whoever waits for one does so off the asynchronous threads.

use std::{
    io,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

pub use ureq::{Agent, Body, Error, RequestBuilder, Timeout, http};
use ureq::{
    config::Config,
    http::Response,
    tls::{Certificate, PemItem, RootCerts, TlsConfig, parse_pem},
};

/// What every call says of its caller.
const CALLER: &str = concat!("wellspoken/", env!("CARGO_PKG_VERSION"));

/// The authorities that a partner's certificate must come from cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum WayError {
    /// The file cannot be read.
    #[error("the authorities {path} cannot be read: {source}")]
    Read {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// The file holds something else.
    #[error("the authorities {path} cannot be used: there is no PEM certificate in it")]
    NoCertificate {
        /// The file.
        path: PathBuf,
    },
}

impl WayError {
    /// Which file, and what is wrong with it.
    #[must_use]
    pub fn parts(self) -> (PathBuf, String) {
        match self {
            Self::Read { path, source } => (path, source.to_string()),
            Self::NoCertificate { path } => (path, "there is no PEM certificate in it".to_owned()),
        }
    }
}

/// Why there is no whole answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BodyError {
    /// More than was allowed.
    #[error("its answer is too long")]
    TooLong,
    /// The connection ended.
    #[error("its answer broke off")]
    BrokeOff,
    /// Not all of it came in time.
    #[error("its answer did not come in time")]
    Late,
}

/// How calls are made.
#[derive(Debug, Clone, Copy)]
pub struct Way<'a> {
    authorities: Option<&'a Path>,
    patience: Duration,
    proxies: bool,
    kept: Option<usize>,
}

impl<'a> Way<'a> {
    /// Straight to the partner, whose certificate comes from the authorities in a PEM file, or from those that browsers
    /// trust. `patience` is for a whole call, from looking up the name to the last byte.
    #[must_use]
    pub const fn direct(authorities: Option<&'a Path>, patience: Duration) -> Self {
        Self { authorities, patience, proxies: false, kept: None }
    }

    /// The same, by a proxy where the environment names one (`HTTPS_PROXY` and the like).
    #[must_use]
    pub const fn through_proxies(mut self) -> Self {
        self.proxies = true;
        self
    }

    /// The same, with so many connections to one partner kept for the next calls.
    #[must_use]
    pub const fn keeping(mut self, connections: usize) -> Self {
        self.kept = Some(connections);
        self
    }

    /// Whatever makes the calls. An answer with a status that tells of an error is an answer, no error.
    ///
    /// # Errors
    /// When the authorities cannot be read.
    pub fn agent(self) -> Result<Agent, WayError> {
        let mut tls = TlsConfig::builder();
        if let Some(path) = self.authorities {
            tls = tls.root_certs(RootCerts::Specific(Arc::new(certificates(path)?)));
        }
        let mut calls = Config::builder()
            .tls_config(tls.build())
            .max_redirects(0)
            .http_status_as_error(false)
            .timeout_global(Some(self.patience))
            .user_agent(CALLER);
        if let Some(kept) = self.kept {
            calls = calls.max_idle_connections(kept).max_idle_connections_per_host(kept);
        }
        if !self.proxies {
            calls = calls.proxy(None);
        }
        Ok(calls.build().into())
    }
}

/// Fetches large files, whose bytes the caller checks: follows redirects, uses the environment's proxies, and may take as
/// long as a slow line needs; only a partner that falls silent is left. Over TLS alone, unless `plain`.
#[must_use]
pub fn downloads(plain: bool) -> Agent {
    Config::builder()
        .https_only(!plain)
        .http_status_as_error(false)
        .timeout_connect(Some(Duration::from_secs(15)))
        .timeout_recv_response(Some(Duration::from_secs(30)))
        .timeout_per_read(Some(Duration::from_secs(30)))
        .accept_encoding("identity")
        .user_agent(CALLER)
        .build()
        .into()
}

/// The whole answer, of at most `most` bytes.
///
/// # Errors
/// When it is longer, or breaks off.
pub fn body(response: Response<Body>, most: u64) -> Result<Vec<u8>, BodyError> {
    // The limit is reached with the byte that would be too many, not with the last one allowed.
    response.into_body().into_with_config().limit(most.saturating_add(1)).read_to_vec().map_err(|error| match error {
        Error::BodyExceedsLimit(_) => BodyError::TooLong,
        Error::Timeout(_) => BodyError::Late,
        Error::Io(e) if matches!(e.kind(), io::ErrorKind::TimedOut | io::ErrorKind::WouldBlock) => BodyError::Late,
        _ => BodyError::BrokeOff,
    })
}

/// Why there was no answer at all, without the error's own text: it may quote an address.
#[must_use]
pub const fn why(error: &Error) -> &'static str {
    match error {
        Error::Timeout(_) => "not in time",
        Error::Tls(_) | Error::Rustls(_) => "its certificate is not trusted",
        Error::HostNotFound => "no such host",
        _ => "no connection",
    }
}

fn certificates(path: &Path) -> Result<Vec<Certificate<'static>>, WayError> {
    let pem = std::fs::read(path).map_err(|source| WayError::Read { path: path.to_owned(), source })?;
    let items = parse_pem(&pem).filter_map(|item| match item {
        Ok(PemItem::Certificate(certificate)) => Some(certificate),
        _ => None,
    });
    let read: Vec<_> = items.collect();
    if read.is_empty() { Err(WayError::NoCertificate { path: path.to_owned() }) } else { Ok(read) }
}

#[cfg(test)]
mod tests {
    use std::{
        io::{Read as _, Write as _},
        net::TcpListener,
    };

    use super::*;

    /// Answers each connection with the same bytes, as often as there are answers wanted.
    fn answering(answer: &'static str, times: usize) -> (String, std::thread::JoinHandle<usize>) {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let at = format!("http://{}/", listener.local_addr().expect("an address"));
        let serve = std::thread::spawn(move || {
            for stream in listener.incoming().take(times) {
                let mut stream = stream.expect("a connection");
                let _ = stream.read(&mut [0; 4096]).expect("a request");
                stream.write_all(answer.as_bytes()).expect("written");
            }
            times
        });
        (at, serve)
    }

    fn way() -> Agent {
        Way::direct(None, Duration::from_secs(5)).agent().expect("an agent")
    }

    #[test]
    fn a_redirect_is_an_answer_and_is_not_followed() {
        let answer = "HTTP/1.1 302 Found\r\nlocation: /elsewhere\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
        let (at, serve) = answering(answer, 1);
        assert_eq!(way().get(&at).call().expect("an answer").status().as_u16(), 302);
        assert_eq!(serve.join().expect("served"), 1);
    }

    #[test]
    fn an_answer_is_read_up_to_its_limit() {
        let answer = "HTTP/1.1 500 No\r\ncontent-length: 5\r\nconnection: close\r\n\r\n12345";
        let (at, serve) = answering(answer, 2);
        let read = |most| body(way().get(&at).call().expect("an answer"), most);
        assert_eq!(read(5), Ok(b"12345".to_vec()));
        assert_eq!(read(4), Err(BodyError::TooLong));
        serve.join().expect("served");
        let (at, serve) = answering("HTTP/1.1 200 OK\r\ncontent-length: 9\r\nconnection: close\r\n\r\n12345", 1);
        assert_eq!(body(way().get(&at).call().expect("an answer"), 99), Err(BodyError::BrokeOff));
        serve.join().expect("served");
    }

    #[test]
    fn authorities_that_are_none_are_named() {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("ca.pem");
        let told =
            |path| Way::direct(Some(path), Duration::from_secs(1)).agent().map(|_| ()).map_err(|e| e.to_string());
        assert!(told(&path).expect_err("no file").contains("ca.pem cannot be read"));
        std::fs::write(&path, "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n").expect("written");
        assert!(told(&path).expect_err("no certificate").contains("no PEM certificate"));
    }

    #[test]
    fn nobody_there_is_told_without_an_address() {
        let closed = TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("an address");
        let error = way().get(format!("http://{closed}/secret")).call().expect_err("nobody there");
        assert_eq!(why(&error), "no connection");
    }
}
