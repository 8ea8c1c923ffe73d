//! One letter by SMTP (RFC 5321), over TLS from the first byte or from STARTTLS on (RFC 3207), with AUTH PLAIN where a
//! user is configured.
//!
//! Invariants: name, password and letter are sent over TLS or within this machine alone; what a server sent before TLS
//! is not believed after it; every wait ends in time and every answer has a limit.

use std::{
    io::{Read, Write},
    net::{TcpStream, ToSocketAddrs as _},
    sync::Arc,
    time::Duration,
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use rustls::{ClientConfig, ClientConnection, StreamOwned};
use rustls_pki_types::ServerName;
use zeroize::Zeroizing;

use super::{Address, Unsent};
use crate::config::MailTls;

/// Longest line of an answer, in bytes.
const LONGEST_LINE: usize = 1024;
/// Most lines of an answer.
const MOST_LINES: usize = 64;
/// What this program calls itself in greeting: no name of a machine leaves it.
const SELF: &str = "wellspoken.invalid";

/// Where letters are handed in.
pub struct Server {
    pub host: String,
    pub port: u16,
    pub tls: MailTls,
    pub roots: Arc<ClientConfig>,
    pub login: Option<(String, Zeroizing<String>)>,
    pub patience: Duration,
}

trait Stream: Read + Write {}
impl<T: Read + Write> Stream for T {}

struct Talk(Box<dyn Stream>);

struct Said {
    code: u16,
    lines: Vec<String>,
}

impl Server {
    /// Hands a letter in.
    pub fn deliver(&self, from: &Address, to: &Address, text: &str) -> Result<(), Unsent> {
        let mut talk = self.greeted()?;
        talk.says(&format!("MAIL FROM:<{}>", from.as_str()))?.taken()?;
        talk.says(&format!("RCPT TO:<{}>", to.as_str()))?.taken()?;
        talk.says("DATA")?.taken()?;
        // A line that begins with a dot gets a second one (RFC 5321 §4.5.2).
        let stuffed = text.replace("\r\n.", "\r\n..");
        talk.says(&format!("{}\r\n.", stuffed.trim_end_matches("\r\n")))?.taken()?;
        // It is taken; how the server parts changes nothing.
        let _ = talk.says("QUIT");
        Ok(())
    }

    fn greeted(&self) -> Result<Talk, Unsent> {
        let stream = self.reached()?;
        let mut talk = match self.tls {
            MailTls::Tls => Talk(Box::new(self.secured(stream)?)),
            MailTls::None => Talk(Box::new(stream)),
            MailTls::Starttls => {
                let mut plain = Talk(Box::new(stream.try_clone().map_err(|_| NO_CONNECTION)?));
                plain.hears()?.expects(220)?;
                let offer = plain.says(&format!("EHLO {SELF}"))?;
                offer.expects(250)?;
                if !offer.lines.iter().any(|line| line.eq_ignore_ascii_case("STARTTLS")) {
                    return Err(Unsent::Later("the mail server offers no TLS"));
                }
                plain.says("STARTTLS")?.expects(220)?;
                // Nothing was read ahead, so whatever came before TLS breaks the handshake instead of being believed.
                let mut talk = Talk(Box::new(self.secured(stream)?));
                self.introduced(&mut talk)?;
                return Ok(talk);
            }
        };
        talk.hears()?.expects(220)?;
        self.introduced(&mut talk)?;
        Ok(talk)
    }

    fn introduced(&self, talk: &mut Talk) -> Result<(), Unsent> {
        talk.says(&format!("EHLO {SELF}"))?.expects(250)?;
        let Some((user, password)) = &self.login else { return Ok(()) };
        let plain = Zeroizing::new(format!("\0{user}\0{}", password.as_str()));
        let line = Zeroizing::new(format!("AUTH PLAIN {}", STANDARD.encode(plain.as_bytes())));
        match talk.says(&line)?.code {
            235 => Ok(()),
            _ => Err(Unsent::Later("the mail server does not know us")),
        }
    }

    fn reached(&self) -> Result<TcpStream, Unsent> {
        let found = (self.host.as_str(), self.port).to_socket_addrs().map_err(|_| Unsent::Later("no such host"))?;
        for at in found {
            let Ok(stream) = TcpStream::connect_timeout(&at, self.patience) else { continue };
            let timed = stream.set_read_timeout(Some(self.patience));
            timed.and_then(|()| stream.set_write_timeout(Some(self.patience))).map_err(|_| NO_CONNECTION)?;
            return Ok(stream);
        }
        Err(NO_CONNECTION)
    }

    fn secured(&self, mut stream: TcpStream) -> Result<StreamOwned<ClientConnection, TcpStream>, Unsent> {
        const UNTRUSTED: Unsent = Unsent::Later("its certificate is not trusted");
        let name = ServerName::try_from(self.host.clone()).map_err(|_| UNTRUSTED)?;
        let mut connection = ClientConnection::new(Arc::clone(&self.roots), name).map_err(|_| UNTRUSTED)?;
        while connection.is_handshaking() {
            connection.complete_io(&mut stream).map_err(|_| UNTRUSTED)?;
        }
        Ok(StreamOwned::new(connection, stream))
    }
}

const NO_CONNECTION: Unsent = Unsent::Later("no connection");
const ODD: Unsent = Unsent::Later("the mail server says something odd");

impl Talk {
    fn says(&mut self, line: &str) -> Result<Said, Unsent> {
        let sent = self.0.write_all(line.as_bytes()).and_then(|()| self.0.write_all(b"\r\n"));
        sent.and_then(|()| self.0.flush()).map_err(|_| NO_CONNECTION)?;
        self.hears()
    }

    fn hears(&mut self) -> Result<Said, Unsent> {
        let mut lines = Vec::new();
        while lines.len() < MOST_LINES {
            let line = self.line()?;
            let code = line.get(..3).and_then(|code| code.parse().ok()).ok_or(ODD)?;
            let more = line.as_bytes().get(3) == Some(&b'-');
            lines.push(line.get(4..).unwrap_or_default().to_owned());
            if !more {
                return Ok(Said { code, lines });
            }
        }
        Err(ODD)
    }

    /// Byte by byte, so that nothing behind the line is read: answers are short.
    fn line(&mut self) -> Result<String, Unsent> {
        let mut line = Vec::new();
        let mut byte = [0];
        while line.len() < LONGEST_LINE {
            self.0.read_exact(&mut byte).map_err(|_| NO_CONNECTION)?;
            match byte[0] {
                b'\n' => return String::from_utf8(line).map_err(|_| ODD),
                b'\r' => {}
                other => line.push(other),
            }
        }
        Err(ODD)
    }
}

impl Said {
    fn expects(&self, code: u16) -> Result<(), Unsent> {
        if self.code == code { Ok(()) } else { Err(Unsent::Later("the mail server is out of order")) }
    }

    /// Of the letter itself: what is refused with 5.. stays refused.
    fn taken(&self) -> Result<(), Unsent> {
        match self.code {
            200..=399 => Ok(()),
            500..=599 => Err(Unsent::Never),
            _ => Err(Unsent::Later("the mail server does not take it now")),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{
        io::{BufRead as _, BufReader},
        net::TcpListener,
    };

    use super::*;
    use crate::{
        config::MailConfig,
        mail::{Letter, Post},
    };

    /// A server that answers each line with the next of these; gives back what it heard.
    fn answering(answers: &'static [&'static str]) -> (u16, std::thread::JoinHandle<Vec<String>>) {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let heard = std::thread::spawn(move || {
            let (stream, _) = listener.accept().expect("a connection");
            let mut lines = BufReader::new(stream.try_clone().expect("a second one")).lines();
            let mut heard = Vec::new();
            let mut stream = stream;
            for answer in answers {
                write!(stream, "{answer}\r\n").expect("written");
                let in_letter = heard.last().is_some_and(|line| line == "DATA");
                while let Some(Ok(line)) = lines.next() {
                    let ends = !in_letter || line == ".";
                    heard.push(line);
                    if ends {
                        break;
                    }
                }
            }
            heard
        });
        (port, heard)
    }

    fn sent(port: u16, tls: MailTls) -> Result<(), Unsent> {
        let config = MailConfig { host: "127.0.0.1".into(), port, tls, timeout_ms: 2000, ..MailConfig::example() };
        let to = Address::parse("rosa@example.org").expect("an address");
        let post = Post::new(&config).expect("usable");
        post.send(&to, &Letter::Confirm { code: "48291357".into() }, "id1", jiff::Timestamp::UNIX_EPOCH)
    }

    #[test]
    fn a_letter_is_handed_in() {
        let (port, heard) =
            answering(&["220 hi", "250-hi\r\n250 SIZE 9", "250 ok", "250 ok", "354 go on", "250 taken", "221 bye"]);
        assert_eq!(sent(port, MailTls::None), Ok(()));
        let heard = heard.join().expect("heard");
        assert_eq!(heard[1], "MAIL FROM:<assistant@clinic.example>");
        assert_eq!(heard[2], "RCPT TO:<rosa@example.org>");
        assert!(heard.iter().any(|line| line == "Subject: Your code"), "{heard:?}");
        assert!(heard.iter().any(|line| line == "."), "{heard:?}");
    }

    #[test]
    fn what_a_server_refuses_is_for_later_or_for_good() {
        let later = |result| matches!(result, Err(Unsent::Later(_)));
        let cases: [(&[&str], fn(Result<(), Unsent>) -> bool); 5] = [
            (&["220 hi", "250 hi", "250 ok", "550 nobody of that name"], |r| r == Err(Unsent::Never)),
            (&["220 hi", "250 hi", "250 ok", "451 try later"], |r| matches!(r, Err(Unsent::Later(_)))),
            (&["220 hi", "250 hi", "250 ok", "250 ok", "354 go on", "552 too much"], |r| r == Err(Unsent::Never)),
            (&["554 not now"], |r| matches!(r, Err(Unsent::Later(_)))),
            (&["hello there"], |r| matches!(r, Err(Unsent::Later(_)))),
        ];
        for (answers, fits) in cases {
            let (port, _) = answering(answers);
            assert!(fits(sent(port, MailTls::None)), "{answers:?}");
        }
        let closed = TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("an address").port();
        assert!(later(sent(closed, MailTls::None)), "nobody there");
    }

    #[test]
    fn without_tls_nothing_is_handed_in() {
        let (port, heard) = answering(&["220 hi", "250 no TLS here"]);
        assert_eq!(sent(port, MailTls::Starttls), Err(Unsent::Later("the mail server offers no TLS")));
        assert_eq!(heard.join().expect("heard").len(), 1, "no address was told");
    }
}
