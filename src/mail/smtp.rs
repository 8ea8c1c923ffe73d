//! Handing one letter in by SMTP, over TLS from the first byte or from STARTTLS on (RFC 3207).
//!
//! Invariants: name, password and letter are sent over TLS or within this machine alone; what a server sent before TLS is not
//! believed after it, because nothing is read ahead of TLS; every step ends in time.

use std::{
    fmt, io,
    net::SocketAddr,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, ready},
    time::Duration,
};

use lettre::{
    Message,
    transport::smtp::{
        Error,
        authentication::{Credentials, Mechanism},
        client::{AsyncSmtpConnection, AsyncTokioStream, TlsParameters},
        extension::ClientId,
    },
};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
    time::timeout,
};

use super::Unsent;
use crate::config::MailTls;

/// What this program calls itself in greeting: no name of a machine leaves it.
const SELF: &str = "wellspoken.invalid";
const NO_CONNECTION: Unsent = Unsent::Later("no connection");

/// Where letters are handed in.
pub struct Server {
    pub host: String,
    pub port: u16,
    pub tls: MailTls,
    pub trust: TlsParameters,
    pub login: Option<Credentials>,
    pub patience: Duration,
}

impl Server {
    /// Hands a letter in.
    pub async fn deliver(&self, letter: &Message) -> Result<(), Unsent> {
        let mut talk = self.introduced().await?;
        if let Some(login) = &self.login {
            let unknown = Unsent::Later("the mail server does not know us");
            self.step(talk.auth(&[Mechanism::Plain], login), |_| unknown).await?;
        }
        self.step(talk.send(letter.envelope(), &letter.formatted()), |error| match error.is_permanent() {
            // Of the letter itself: what is refused with 5.. stays refused.
            true => Unsent::Never,
            false => Unsent::Later("the mail server does not take it now"),
        })
        .await?;
        // It is taken; how the server parts changes nothing.
        let _ = timeout(self.patience, talk.quit()).await;
        Ok(())
    }

    /// Connected, over TLS where that is wanted.
    async fn introduced(&self) -> Result<AsyncSmtpConnection, Unsent> {
        let (own, at) = (ClientId::Domain(SELF.to_owned()), (self.host.as_str(), self.port));
        let out_of_order = |_: &Error| Unsent::Later("the mail server is out of order");
        if self.tls == MailTls::Tls {
            let trust = Some(self.trust.clone());
            let connecting = AsyncSmtpConnection::connect_tokio1(at, Some(self.patience), &own, trust, None);
            return self.step(connecting, |_| Unsent::Later("no connection, or its certificate is not trusted")).await;
        }
        let stream = timeout(self.patience, TcpStream::connect(at)).await.map_err(|_| NO_CONNECTION)?;
        let whole = Arc::new(AtomicBool::new(false));
        let stream = Sparing { stream: stream.map_err(|_| NO_CONNECTION)?, whole: Arc::clone(&whole) };
        let connecting = AsyncSmtpConnection::connect_with_transport(Box::new(stream), &own);
        let mut talk = self.step(connecting, out_of_order).await?;
        if self.tls == MailTls::Starttls {
            if !talk.can_starttls() {
                return Err(Unsent::Later("the mail server offers no TLS"));
            }
            let securing = talk.starttls(self.trust.clone(), &own);
            self.step(securing, |_| Unsent::Later("its certificate is not trusted")).await?;
        }
        whole.store(true, Ordering::Relaxed);
        Ok(talk)
    }

    /// One step with the server, in time. What went wrong is told without what the server said: it may quote an address.
    async fn step<T>(
        &self,
        doing: impl Future<Output = Result<T, Error>>,
        why: impl FnOnce(&Error) -> Unsent,
    ) -> Result<T, Unsent> {
        match timeout(self.patience, doing).await {
            Ok(done) => done.map_err(|error| why(&error)),
            Err(_) => Err(Unsent::Later("the mail server did not answer in time")),
        }
    }
}

/// A connection that is read byte by byte until it is said to be secured: whatever a server (or somebody in between) sends
/// behind its word that TLS may begin is then a part of the handshake and breaks it, and is never taken for an answer.
struct Sparing {
    stream: TcpStream,
    whole: Arc<AtomicBool>,
}

impl fmt::Debug for Sparing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sparing")
    }
}

impl AsyncTokioStream for Sparing {
    fn peer_addr(&self) -> io::Result<SocketAddr> {
        self.stream.peer_addr()
    }
}

impl AsyncRead for Sparing {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, to: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if self.whole.load(Ordering::Relaxed) || to.remaining() == 0 {
            return Pin::new(&mut self.stream).poll_read(cx, to);
        }
        let mut byte = [0];
        let mut one = ReadBuf::new(&mut byte);
        ready!(Pin::new(&mut self.stream).poll_read(cx, &mut one))?;
        to.put_slice(one.filled());
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Sparing {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use std::{
        io::{BufRead as _, BufReader, Write as _},
        net::TcpListener,
    };

    use super::*;
    use crate::{
        config::MailConfig,
        mail::{Address, Letter, Post},
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
                // In one piece: who is told enough by the first may be gone before the second.
                stream.write_all(format!("{answer}\r\n").as_bytes()).expect("written");
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

    async fn sent(port: u16, tls: MailTls) -> Result<(), Unsent> {
        let config = MailConfig { host: "127.0.0.1".into(), port, tls, timeout_ms: 2000, ..MailConfig::example() };
        let to = Address::parse("rosa@example.org").expect("an address");
        let post = Post::new(&config).expect("usable");
        post.send(&to, &Letter::Confirm { code: "48291357".into() }, "id1", jiff::Timestamp::UNIX_EPOCH).await
    }

    #[tokio::test]
    async fn a_letter_is_handed_in() {
        let (port, heard) =
            answering(&["220 hi", "250-hi\r\n250 SIZE 9", "250 ok", "250 ok", "354 go on", "250 taken", "221 bye"]);
        assert_eq!(sent(port, MailTls::None).await, Ok(()));
        let heard = heard.join().expect("heard");
        assert_eq!(heard[1], "MAIL FROM:<assistant@clinic.example>");
        assert_eq!(heard[2], "RCPT TO:<rosa@example.org>");
        assert!(heard.iter().any(|line| line == "Subject: Your code"), "{heard:?}");
        assert!(heard.iter().any(|line| line == "."), "{heard:?}");
    }

    #[tokio::test]
    async fn what_a_server_refuses_is_for_later_or_for_good() {
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
            assert!(fits(sent(port, MailTls::None).await), "{answers:?}");
        }
        let closed = TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("an address").port();
        assert!(later(sent(closed, MailTls::None).await), "nobody there");
    }

    #[tokio::test]
    async fn without_tls_nothing_is_handed_in() {
        let (port, heard) = answering(&["220 hi", "250 no TLS here"]);
        assert_eq!(sent(port, MailTls::Starttls).await, Err(Unsent::Later("the mail server offers no TLS")));
        assert_eq!(heard.join().expect("heard").len(), 1, "no address was told");
    }

    #[tokio::test]
    async fn what_comes_before_tls_is_not_taken_for_an_answer_after_it() {
        // Somebody in between adds all the answers there could be behind the server's word that TLS may begin.
        let (port, heard) = answering(&[
            "220 hi",
            "250-hi\r\n250 STARTTLS",
            "220 go on\r\n250 hi\r\n250 ok\r\n250 ok\r\n354 go on\r\n250 taken\r\n221 bye",
        ]);
        assert!(matches!(sent(port, MailTls::Starttls).await, Err(Unsent::Later(_))), "it is not out");
        let heard = heard.join().expect("heard");
        assert_eq!(heard.first().map(String::as_str), Some("EHLO wellspoken.invalid"));
        assert!(!heard.iter().any(|line| line.contains("rosa")), "no address was told: {heard:?}");
    }

    #[tokio::test]
    async fn a_server_that_says_nothing_is_not_waited_for_long() {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let began = std::time::Instant::now();
        assert_eq!(sent(port, MailTls::None).await, Err(Unsent::Later("the mail server did not answer in time")));
        assert!(began.elapsed() < Duration::from_secs(10));
        drop(listener);
    }
}
