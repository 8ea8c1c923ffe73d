//! A way to a server on which things go wrong as told.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicUsize, Ordering},
};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    sync::mpsc,
};

/// What goes wrong, from one request on until it is healed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The connection ends before the request is read.
    ResetBefore,
    /// The server does it, and the connection ends before the answer.
    ResetAfter,
    /// Nothing is passed on, and nothing answered.
    SilentBefore,
    /// The server does it, and nothing is answered.
    SilentAfter,
    /// This status, and nothing is passed on.
    Status(u16),
    /// This status for each transaction; all else is passed on.
    Refuses(u16),
    /// The server does it, and this status is answered.
    StatusAfter(u16),
}

/// What a change must live through at every step.
pub const FAULTS: [Fault; 10] = [
    Fault::ResetBefore,
    Fault::ResetAfter,
    Fault::SilentBefore,
    Fault::SilentAfter,
    Fault::Status(500),
    Fault::StatusAfter(500),
    Fault::Status(409),
    Fault::Status(412),
    Fault::Status(429),
    Fault::Status(503),
];

/// Milliseconds that an answer is waited for where something goes wrong, and where nothing does.
pub const HASTY: u64 = 400;
pub const PATIENT: u64 = 20_000;

/// What somebody who watches is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Seen {
    /// This request came.
    Came(usize),
    /// The server has done it; the answer has not left.
    Done(usize),
}

#[derive(Default)]
struct State {
    upstream: Mutex<String>,
    fault: Mutex<Option<(usize, Fault)>>,
    asked: AtomicUsize,
    watch: Mutex<Option<(mpsc::UnboundedSender<Seen>, Seen)>>,
}

/// A running one.
#[derive(Clone)]
pub struct Proxy {
    state: Arc<State>,
    pub origin: String,
}

impl Proxy {
    /// To the server at that origin.
    pub async fn to(upstream: &str) -> Self {
        let state = Arc::new(State::default());
        *state.upstream.lock().expect("whole") = upstream.to_owned();
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let origin = format!("http://{}", listener.local_addr().expect("bound"));
        let shared = state.clone();
        tokio::spawn(async move {
            let client = crate::http::door::client();
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(connection(stream, shared.clone(), client.clone()));
            }
        });
        Self { state, origin }
    }

    /// From the request of that number on (counted from now, from 0) this goes wrong.
    pub fn fails(&self, from: usize, fault: Fault) {
        self.state.asked.store(0, Ordering::SeqCst);
        *self.state.fault.lock().expect("whole") = Some((from, fault));
    }

    /// All goes well again.
    pub fn heals(&self) {
        *self.state.fault.lock().expect("whole") = None;
        self.state.asked.store(0, Ordering::SeqCst);
    }

    /// How many requests came since it last failed or healed.
    pub fn asked(&self) -> usize {
        self.state.asked.load(Ordering::SeqCst)
    }

    /// Tells when this happens, and holds it there for ever.
    pub fn stops_at(&self, seen: Seen) -> mpsc::UnboundedReceiver<Seen> {
        let (tell, told) = mpsc::unbounded_channel();
        self.state.asked.store(0, Ordering::SeqCst);
        *self.state.watch.lock().expect("whole") = Some((tell, seen));
        told
    }

    /// Nothing is held any more.
    pub fn goes_on(&self) {
        *self.state.watch.lock().expect("whole") = None;
    }
}

impl State {
    /// Whether it is to be held here.
    fn holds(&self, seen: Seen) -> bool {
        let watch = self.watch.lock().expect("whole");
        match &*watch {
            Some((tell, at)) if *at == seen => {
                let _ = tell.send(seen);
                true
            }
            _ => false,
        }
    }
}

async fn connection(mut stream: TcpStream, state: Arc<State>, client: reqwest::Client) {
    loop {
        let mut first = [0; 1];
        // A connection that is kept and not used is no request.
        if stream.peek(&mut first).await.unwrap_or(0) == 0 {
            return;
        }
        let n = state.asked.fetch_add(1, Ordering::SeqCst);
        let fault = *state.fault.lock().expect("whole");
        // A conflict is one answer; what is out of order stays so.
        let once = |fault| matches!(fault, Fault::Status(409 | 412));
        let fault = fault.filter(|(from, fault)| n == *from || (n > *from && !once(*fault))).map(|(_, fault)| fault);
        if fault == Some(Fault::ResetBefore) {
            return;
        }
        let Some((head, body)) = request(&mut stream).await else { return };
        if state.holds(Seen::Came(n)) || fault == Some(Fault::SilentBefore) {
            std::future::pending::<()>().await;
        }
        let writes = head.lines().next().is_some_and(|line| line.starts_with("POST /fhir/R4 "));
        let status = match fault {
            Some(Fault::Status(status)) => Some(status),
            Some(Fault::Refuses(status)) if writes => Some(status),
            _ => None,
        };
        if let Some(status) = status {
            if answer(&mut stream, status, "", b"").await.is_none() {
                return;
            }
            continue;
        }
        let Some((status, etag, answered)) = forward(&state, &client, &head, body).await else { return };
        if state.holds(Seen::Done(n)) || fault == Some(Fault::SilentAfter) {
            std::future::pending::<()>().await;
        }
        let sent = match fault {
            Some(Fault::ResetAfter) => return,
            Some(Fault::StatusAfter(status)) => answer(&mut stream, status, "", b"").await,
            _ => answer(&mut stream, status, &etag, &answered).await,
        };
        if sent.is_none() {
            return;
        }
    }
}

async fn request(stream: &mut TcpStream) -> Option<(String, Vec<u8>)> {
    let mut bytes = Vec::new();
    let end = loop {
        if let Some(at) = bytes.windows(4).position(|w| w == b"\r\n\r\n") {
            break at + 4;
        }
        let mut more = [0; 8192];
        let n = stream.read(&mut more).await.ok().filter(|n| *n > 0)?;
        bytes.extend(&more[..n]);
    };
    let head = String::from_utf8(bytes[..end].to_vec()).ok()?;
    let mut body = bytes[end..].to_vec();
    let length = header(&head, "content-length").and_then(|l| l.parse().ok()).unwrap_or(0);
    while body.len() < length {
        let mut more = [0; 8192];
        let n = stream.read(&mut more).await.ok().filter(|n| *n > 0)?;
        body.extend(&more[..n]);
    }
    Some((head, body))
}

fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    let lines = head.lines().skip(1).filter_map(|line| line.split_once(':'));
    let mut found = lines.filter(|(n, _)| n.eq_ignore_ascii_case(name));
    found.next().map(|(_, value)| value.trim())
}

async fn forward(state: &State, client: &reqwest::Client, head: &str, body: Vec<u8>) -> Option<(u16, String, Vec<u8>)> {
    let mut words = head.lines().next()?.split(' ');
    let (method, path) = (words.next()?.parse().ok()?, words.next()?);
    let upstream = state.upstream.lock().expect("whole").clone();
    let mut request = client.request(method, format!("{upstream}{path}")).body(body);
    for name in ["content-type", "accept", "if-match", "if-none-exist", "prefer", "authorization"] {
        if let Some(value) = header(head, name) {
            request = request.header(name, value);
        }
    }
    let response = request.send().await.ok()?;
    let etag = response.headers().get("etag").and_then(|e| e.to_str().ok()).unwrap_or_default().to_owned();
    Some((response.status().as_u16(), etag, response.bytes().await.ok()?.to_vec()))
}

async fn answer(stream: &mut TcpStream, status: u16, etag: &str, body: &[u8]) -> Option<()> {
    let etag = if etag.is_empty() { String::new() } else { format!("etag: {etag}\r\n") };
    let after = if status == 429 { "retry-after: 60\r\n" } else { "" };
    let head = format!(
        "HTTP/1.1 {status} x\r\ncontent-type: application/fhir+json\r\n{etag}{after}content-length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).await.ok()?;
    stream.write_all(body).await.ok()
}
