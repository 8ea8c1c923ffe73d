//! The vocabulary: one token a line, its bytes written with GPT-2's printable stand-ins.

use std::collections::HashMap;

use super::GgmlError;

/// Ordinary tokens of every Whisper vocabulary, English-only or not; what follows is implied by its size.
const ORDINARY: usize = 50_257;

/// The ordinary tokens as bytes, in the order of their ids.
pub(super) fn tokens(text: &[u8]) -> Result<Vec<Vec<u8>>, GgmlError> {
    let text = std::str::from_utf8(text).map_err(|_| GgmlError::Input("the vocabulary is not UTF-8".into()))?;
    let bytes = byte_of_stand_in();
    text.split('\n')
        .take(ORDINARY)
        .map(|word| {
            if word == "<|endoftext|>" {
                return Ok(word.as_bytes().to_vec()); // id 50256 of the English-only vocabularies
            }
            word.chars()
                .map(|c| bytes.get(&c).copied().ok_or_else(|| GgmlError::Input(format!("{word:?} is not a token"))))
                .collect()
        })
        .collect()
}

/// Printable bytes stand for themselves, the others for the characters from U+0100 on.
fn byte_of_stand_in() -> HashMap<char, u8> {
    let printable = |b: &u8| matches!(b, 33..=126 | 161..=172 | 174..=255);
    let (own, moved): (Vec<u8>, Vec<u8>) = (0..=255).partition(printable);
    let moved = moved.into_iter().zip(0x100_u32..).filter_map(|(b, c)| Some((char::from_u32(c)?, b)));
    own.into_iter().map(|b| (char::from(b), b)).chain(moved).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stand_ins_become_bytes() {
        let got = tokens("!\n\u{120}the\n<|endoftext|>\n\u{c3}\u{a9}\n\u{100}".as_bytes()).unwrap();
        assert_eq!(got, [&b"!"[..], b" the", b"<|endoftext|>", b"\xc3\xa9", b"\0"]);
        assert!(tokens("日".as_bytes()).is_err());
        assert!(tokens(b"\xff").is_err());
    }
}
