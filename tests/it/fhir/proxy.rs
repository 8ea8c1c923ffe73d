//! Between the program and a record server: notes what is asked, and does to the answers whatever may happen to them.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex},
    time::Duration,
};

use serde_json::Value;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};

/// What happens to one request.
#[derive(Clone)]
pub enum Fault {
    /// Passed on.
    None,
    /// The connection is reset before anything is answered.
    Reset,
    /// Nothing is ever answered.
    Silence,
    /// The server's answer, cut off in the middle.
    Truncate,
    /// This, whatever was asked: status, further header lines, media type, body.
    Answer(u16, &'static str, &'static str, String),
    /// The server's answer, changed.
    Edit(fn(&mut Value)),
}

/// A request as it came.
#[derive(Clone)]
pub struct Seen {
    /// Method and address.
    pub line: String,
    pub body: String,
}

#[derive(Clone)]
pub struct Proxy {
    pub base: String,
    shared: Arc<Shared>,
}

struct Shared {
    upstream: String,
    next: Mutex<VecDeque<Fault>>,
    always: Mutex<Option<Fault>>,
    seen: Mutex<Vec<Seen>>,
}

impl Proxy {
    /// In front of the server at `upstream`.
    pub async fn start(upstream: &str) -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let (_, path) = upstream.split_at(upstream.find("/fhir").expect("a path"));
        let base = format!("http://{}{path}", listener.local_addr().expect("bound"));
        let shared = Arc::new(Shared {
            upstream: upstream.strip_suffix(path).expect("a path").to_owned(),
            next: Mutex::default(),
            always: Mutex::default(),
            seen: Mutex::default(),
        });
        let (own, serving) = (base.clone(), Arc::clone(&shared));
        tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                tokio::spawn(serve(socket, Arc::clone(&serving), own.clone()));
            }
        });
        Self { base, shared }
    }

    /// What happens to the next requests, one after the other; those after them are passed on.
    pub fn next(&self, faults: impl IntoIterator<Item = Fault>) {
        *self.shared.next.lock().expect("whole") = faults.into_iter().collect();
    }

    /// What happens to every request from now on.
    pub fn always(&self, fault: Option<Fault>) {
        *self.shared.always.lock().expect("whole") = fault;
    }

    /// What was asked since this was asked last.
    pub fn seen(&self) -> Vec<Seen> {
        std::mem::take(&mut self.shared.seen.lock().expect("whole"))
    }
}

async fn serve(mut socket: TcpStream, shared: Arc<Shared>, own: String) {
    while let Some((line, headers, body)) = request(&mut socket).await {
        shared.seen.lock().expect("whole").push(Seen { line: line.clone(), body: body.clone() });
        let always = shared.always.lock().expect("whole").clone();
        let next = shared.next.lock().expect("whole").pop_front();
        let fault = always.or(next).unwrap_or(Fault::None);
        match fault {
            Fault::Reset => {
                let _ = socket.set_zero_linger();
                return;
            }
            Fault::Silence => {
                // Until the other side gives up.
                let _ = socket.read(&mut [0; 16]).await;
                return;
            }
            Fault::Answer(status, more, media, body) => {
                answer(&mut socket, status, more, media, body.as_bytes(), body.len()).await;
            }
            Fault::None | Fault::Truncate | Fault::Edit(_) => {
                let (status, text, more) = forward(&shared.upstream, &line, &headers, body).await;
                // The server names itself in its links; whoever asks knows it under this address.
                let mut text = text.replace(&shared.upstream, own.split_at(own.find("/fhir").expect("a path")).0);
                if let Fault::Edit(change) = &fault {
                    let mut value: Value = serde_json::from_str(&text).expect("JSON");
                    change(&mut value);
                    text = value.to_string();
                }
                let cut = matches!(fault, Fault::Truncate);
                let shown = if cut { text.len() / 2 } else { text.len() };
                answer(&mut socket, status, &more, "application/fhir+json", &text.as_bytes()[..shown], text.len())
                    .await;
                if cut {
                    return;
                }
            }
        }
    }
}

async fn request(socket: &mut TcpStream) -> Option<(String, Vec<(String, String)>, String)> {
    let mut bytes = Vec::new();
    let head = loop {
        let mut chunk = [0; 4096];
        let n = socket.read(&mut chunk).await.ok().filter(|n| *n > 0)?;
        bytes.extend_from_slice(&chunk[..n]);
        if let Some(at) = bytes.windows(4).position(|w| w == b"\r\n\r\n") {
            break at;
        }
    };
    let text = String::from_utf8(bytes[..head].to_vec()).ok()?;
    let mut lines = text.lines();
    let line = lines.next()?.trim_end_matches(" HTTP/1.1").to_owned();
    let headers: Vec<(String, String)> =
        lines.filter_map(|l| l.split_once(": ")).map(|(n, v)| (n.to_ascii_lowercase(), v.to_owned())).collect();
    let length = headers.iter().find(|(n, _)| n == "content-length").map_or(0, |(_, v)| v.parse().unwrap_or(0));
    let mut body = bytes[head + 4..].to_vec();
    while body.len() < length {
        let mut chunk = [0; 4096];
        let n = socket.read(&mut chunk).await.ok().filter(|n| *n > 0)?;
        body.extend_from_slice(&chunk[..n]);
    }
    Some((line, headers, String::from_utf8(body).ok()?))
}

async fn forward(upstream: &str, line: &str, headers: &[(String, String)], body: String) -> (u16, String, String) {
    let (method, path) = line.split_once(' ').expect("a request line");
    let method = reqwest::Method::from_bytes(method.as_bytes()).expect("a method");
    let client = reqwest::Client::builder()
        .timeout(Duration::from_secs(30))
        .pool_max_idle_per_host(0)
        .build()
        .expect("a client");
    let mut sent = client.request(method, format!("{upstream}{path}"));
    for (name, value) in headers.iter().filter(|(n, _)| !matches!(n.as_str(), "host" | "content-length" | "connection"))
    {
        sent = sent.header(name, value);
    }
    let answer = sent.body(body).send().await.expect("the real server answers");
    let kept = |name: &str| {
        let value = answer.headers().get(name).and_then(|v| v.to_str().ok());
        value.map(|value| format!("{name}: {value}\r\n")).unwrap_or_default()
    };
    let more = format!("{}{}", kept("etag"), kept("location"));
    (answer.status().as_u16(), answer.text().await.expect("a body"), more)
}

async fn answer(socket: &mut TcpStream, status: u16, more: &str, media: &str, body: &[u8], length: usize) {
    let head = format!("HTTP/1.1 {status} X\r\ncontent-type: {media}\r\ncontent-length: {length}\r\n{more}\r\n");
    let _ = socket.write_all(head.as_bytes()).await;
    let _ = socket.write_all(body).await;
    let _ = socket.flush().await;
}
