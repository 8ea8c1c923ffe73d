//! A small web server on loopback that behaves, or misbehaves, as a test says.

use std::{
    io::{BufRead, BufReader, Write},
    net::{TcpListener, TcpStream},
    sync::{Arc, Mutex},
};

pub struct Server {
    /// `http://127.0.0.1:PORT`
    pub address: String,
    ranges: Arc<Mutex<Vec<Option<u64>>>>,
}

/// What to send.
pub struct Reply {
    status: u16,
    headers: String,
    body: Vec<u8>,
    cut: Option<usize>,
}

impl Server {
    /// Asks `behaviour` about each request: its number from 0, and the first byte of the range it wants.
    pub fn start(behaviour: impl Fn(usize, Option<u64>) -> Reply + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let ranges = Arc::new(Mutex::new(vec![]));
        let seen = Arc::clone(&ranges);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let stream = stream.unwrap();
                let range = wanted(&stream);
                let n = seen.lock().unwrap().len();
                seen.lock().unwrap().push(range);
                behaviour(n, range).send(stream);
            }
        });
        Self { address, ranges }
    }

    /// The first byte each request wanted, where it wanted a range.
    pub fn requests(&self) -> Vec<Option<u64>> {
        self.ranges.lock().unwrap().clone()
    }
}

impl Reply {
    pub fn whole(body: Vec<u8>) -> Self {
        Self { status: 200, headers: String::new(), body, cut: None }
    }

    pub fn status(status: u16) -> Self {
        Self { status, headers: String::new(), body: vec![], cut: None }
    }

    pub fn redirect(to: &str) -> Self {
        Self { status: 302, headers: format!("Location: {to}\r\n"), body: vec![], cut: None }
    }

    /// The bytes from `from` on, or all of them.
    pub fn range(body: Vec<u8>, from: Option<u64>) -> Self {
        let Some(from) = from else { return Self::whole(body) };
        let (last, total) = (body.len() - 1, body.len());
        let headers = format!("Content-Range: bytes {from}-{last}/{total}\r\n");
        Self { status: 206, headers, body: body[usize::try_from(from).unwrap()..].to_vec(), cut: None }
    }

    /// Promises everything and hangs up after so many bytes.
    pub fn cut_after(self, bytes: usize) -> Self {
        Self { cut: Some(bytes), ..self }
    }

    fn send(self, mut stream: TcpStream) {
        let length = self.body.len();
        let sent = &self.body[..self.cut.unwrap_or(length).min(length)];
        let head = format!(
            "HTTP/1.1 {} -\r\nContent-Length: {length}\r\n{}Connection: close\r\n\r\n",
            self.status, self.headers
        );
        let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(sent)); // the client may have had enough
    }
}

/// Reads a request to its empty line; the first byte of the range it asks for.
fn wanted(stream: &TcpStream) -> Option<u64> {
    let lines = BufReader::new(stream).lines().map(Result::unwrap).take_while(|l| !l.is_empty());
    let range = lines.filter_map(|l| Some(l.to_ascii_lowercase().strip_prefix("range: bytes=")?.to_owned())).last()?;
    range.strip_suffix('-')?.parse().ok()
}
