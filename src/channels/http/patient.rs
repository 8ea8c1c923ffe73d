//! A connection that is closed when nothing has moved on it for a while, in either direction.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::{Instant, Sleep, sleep_until},
};

/// A stream with an end to its patience.
pub struct Patient<T> {
    inner: T,
    limit: Duration,
    last: Instant,
    alarm: Pin<Box<Sleep>>,
}

impl<T> Patient<T> {
    /// Wraps a stream that fails with `TimedOut` when it has been waited on for `limit` without a byte moving.
    pub fn new(inner: T, limit: Duration) -> Self {
        let last = Instant::now();
        Self { inner, limit, last, alarm: Box::pin(sleep_until(last + limit)) }
    }

    fn moved(&mut self) {
        self.last = Instant::now();
    }

    /// The alarm is moved only when it rings, so that busy connections pay nothing for it.
    fn waiting<R>(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<R>> {
        loop {
            if self.alarm.as_mut().poll(cx).is_pending() {
                return Poll::Pending;
            }
            let due = self.last + self.limit;
            if due <= Instant::now() {
                return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
            }
            self.alarm.as_mut().reset(due);
        }
    }

    fn watch<R>(&mut self, cx: &mut Context<'_>, polled: Poll<io::Result<R>>) -> Poll<io::Result<R>> {
        match polled {
            Poll::Ready(result) => {
                self.moved();
                Poll::Ready(result)
            }
            Poll::Pending => self.waiting(cx),
        }
    }
}

impl<T: AsyncRead + Unpin> AsyncRead for Patient<T> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let polled = Pin::new(&mut this.inner).poll_read(cx, buf);
        this.watch(cx, polled)
    }
}

impl<T: AsyncWrite + Unpin> AsyncWrite for Patient<T> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let polled = Pin::new(&mut this.inner).poll_write(cx, buf);
        this.watch(cx, polled)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let polled = Pin::new(&mut this.inner).poll_flush(cx);
        this.watch(cx, polled)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let polled = Pin::new(&mut this.inner).poll_shutdown(cx);
        this.watch(cx, polled)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    use super::*;

    #[tokio::test]
    async fn silence_ends_a_connection_and_a_byte_renews_it() {
        let (mut ours, theirs) = tokio::io::duplex(64);
        let mut patient = Patient::new(theirs, Duration::from_millis(400));
        let mut one = [0];
        for _ in 0..3 {
            tokio::time::sleep(Duration::from_millis(200)).await;
            ours.write_all(b"x").await.expect("the other end is open");
            patient.read_exact(&mut one).await.expect("a byte in time");
        }
        let silence = patient.read_exact(&mut one).await.expect_err("nothing came");
        assert_eq!(silence.kind(), io::ErrorKind::TimedOut);
    }
}
