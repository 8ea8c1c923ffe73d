//! Where a message begins and ends on the wire: `<VT> message <FS> <CR>` (HL7 v2.5.1 appendix C, minimal lower layer protocol).

/// Begins a block.
const START: u8 = 0x0b;
/// Ends it, followed by a carriage return.
const END: u8 = 0x1c;

/// Longest message, in bytes: admissions have a few thousand.
pub const LONGEST: usize = 256 * 1024;

/// A message is longer than [`LONGEST`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TooLong;

/// Puts bytes together to messages, however they come.
#[derive(Default)]
pub struct Frames {
    /// What came of a message so far; `None` between messages.
    begun: Option<Vec<u8>>,
}

impl Frames {
    /// Takes what came next and gives the messages that it ends. What stands between messages is dropped; a message that
    /// begins within another one takes its place, since nobody answered that one.
    ///
    /// # Errors
    /// When a message does not end in time. Nothing of it is kept; the connection is of no more use.
    pub fn take(&mut self, bytes: &[u8]) -> Result<Vec<Vec<u8>>, TooLong> {
        let mut whole = vec![];
        for &byte in bytes {
            match (byte, &mut self.begun) {
                (START, begun) => *begun = Some(vec![]),
                (END, begun) => whole.extend(begun.take()),
                (_, Some(message)) if message.len() == LONGEST => {
                    self.begun = None;
                    return Err(TooLong);
                }
                (byte, Some(message)) => message.push(byte),
                (_, None) => {}
            }
        }
        Ok(whole)
    }

    /// Whether a message has begun and not ended.
    #[must_use]
    pub const fn within(&self) -> bool {
        self.begun.is_some()
    }
}

/// A message as it goes over the wire.
#[must_use]
pub fn framed(message: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(message.len() + 3);
    bytes.push(START);
    bytes.extend_from_slice(message);
    bytes.extend_from_slice(&[END, b'\r']);
    bytes
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn all(bytes: &[u8]) -> Vec<String> {
        let mut frames = Frames::default();
        let messages = frames.take(bytes).expect("short");
        messages.iter().map(|message| String::from_utf8_lossy(message).into_owned()).collect()
    }

    #[test]
    fn messages_are_what_stands_between_the_marks() {
        for (bytes, want) in [
            (&b"\x0bone\x1c\r"[..], &["one"][..]),
            (b"\x0bone\x1c\r\x0btwo\x1c\r", &["one", "two"]),
            (b"noise\x0bone\x1c\rnoise\x1c\r", &["one"]),
            (b"\x0bhalf\x0bone\x1c\r", &["one"]),
            (b"\x0bone\x1c\x0btwo\x1c", &["one", "two"]),
            (b"\x0b\x1c\r", &[""]),
            (b"\x0bone", &[]),
            (b"", &[]),
        ] {
            assert_eq!(all(bytes), want, "{bytes:?}");
        }
    }

    #[test]
    fn a_message_without_an_end_is_given_up() {
        let mut frames = Frames::default();
        assert_eq!(frames.take(&[START]), Ok(vec![]));
        assert_eq!(frames.take(&vec![b'x'; LONGEST]), Ok(vec![]));
        assert_eq!(frames.take(b"x"), Err(TooLong));
        assert!(!frames.within());
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn however_it_is_cut_it_is_the_same(
            messages in proptest::collection::vec("[ -~\r]{0,40}", 0..6), cuts in proptest::collection::vec(1usize..9, 1..60)
        ) {
            let bytes: Vec<u8> = messages.iter().flat_map(|message| framed(message.as_bytes())).collect();
            let (mut frames, mut got, mut rest) = (Frames::default(), vec![], bytes.as_slice());
            for cut in cuts.iter().cycle() {
                if rest.is_empty() { break; }
                let (now, later) = rest.split_at((*cut).min(rest.len()));
                got.extend(frames.take(now).expect("short"));
                rest = later;
            }
            prop_assert_eq!(got, messages.iter().map(|message| message.as_bytes().to_vec()).collect::<Vec<_>>());
            prop_assert!(!frames.within());
        }
    }
}
