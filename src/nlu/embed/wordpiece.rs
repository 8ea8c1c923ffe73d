//! Text to the pieces a BERT network knows: the uncased WordPiece scheme, read from `tokenizer.json`.
//!
//! Written here because it is one page, and the general crate for it brings forty others.

use std::collections::HashMap;

use serde::Deserialize;
use unicode_normalization::{UnicodeNormalization, char::is_combining_mark};

/// The pieces, by their text.
#[derive(Debug)]
pub(super) struct WordPiece {
    pieces: HashMap<String, i32>,
    begin: i32,
    end: i32,
    unknown: i32,
}

/// Pieces of one text at most, the two marks at its edges included: what the network was trained with.
pub(super) const MOST_PIECES: usize = 128;
/// A word longer than this, in characters, is unknown.
const LONGEST: usize = 100;

#[derive(Deserialize)]
struct File {
    model: Vocabulary,
}

#[derive(Deserialize)]
struct Vocabulary {
    vocab: HashMap<String, i32>,
}

impl WordPiece {
    /// Reads `tokenizer.json`; tells in words what it lacks.
    pub(super) fn read(json: &[u8]) -> Result<Self, String> {
        let pieces = serde_json::from_slice::<File>(json).map_err(|e| e.to_string())?.model.vocab;
        let mark = |name: &str| pieces.get(name).copied().ok_or_else(|| format!("it has no `{name}`"));
        let (begin, end, unknown) = (mark("[CLS]")?, mark("[SEP]")?, mark("[UNK]")?);
        Ok(Self { pieces, begin, end, unknown })
    }

    /// The numbers of a text's pieces between the two marks, at most [`MOST_PIECES`].
    pub(super) fn pieces(&self, text: &str) -> Vec<i32> {
        let mut out = vec![self.begin];
        let mut word = String::new();
        let plain = text.nfd().filter(|c| !is_combining_mark(*c) && (c.is_whitespace() || !c.is_control()));
        for c in plain.flat_map(char::to_lowercase) {
            if out.len() >= MOST_PIECES {
                break;
            }
            let alone = stands_alone(c);
            if alone || c.is_whitespace() {
                self.word(&std::mem::take(&mut word), &mut out);
            }
            if alone {
                self.word(c.encode_utf8(&mut [0; 4]), &mut out);
            } else if !c.is_whitespace() {
                word.push(c);
            }
        }
        self.word(&word, &mut out);
        out.truncate(MOST_PIECES - 1);
        out.push(self.end);
        out
    }

    /// The longest piece first, then the longest that goes on, and so forth.
    fn word(&self, word: &str, out: &mut Vec<i32>) {
        if word.is_empty() {
            return;
        }
        let begun = out.len();
        let mut rest = word;
        let mut known = word.chars().count() <= LONGEST;
        while known && !rest.is_empty() {
            let first = rest.len() == word.len();
            let ends = rest.char_indices().map(|(i, c)| i + c.len_utf8()).rev();
            let found = ends.filter_map(|end| rest.get(..end)).find_map(|head| {
                let id = if first { self.pieces.get(head) } else { self.pieces.get(&format!("##{head}")) };
                Some((*id?, head.len()))
            });
            match found {
                Some((id, length)) => {
                    out.push(id);
                    rest = rest.get(length..).unwrap_or_default();
                }
                None => known = false,
            }
        }
        if !known {
            out.truncate(begun);
            out.push(self.unknown);
        }
    }
}

/// Punctuation, and the signs of Chinese writing, are words of their own.
fn stands_alone(c: char) -> bool {
    c.is_ascii_punctuation()
        || matches!(c, '¡' | '§' | '«' | '¶' | '·' | '»' | '¿' | '\u{2010}'..='\u{2027}' | '\u{2030}'..='\u{205e}')
        || matches!(c, '\u{3001}'..='\u{3003}' | '\u{3008}'..='\u{3011}')
        || matches!(c, '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}' | '\u{f900}'..='\u{faff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn small() -> WordPiece {
        let pieces = ["[CLS]", "[SEP]", "[UNK]", "met", "##form", "##in", "is", "ready", "'", "?", "uber", "中"];
        let vocab: HashMap<&str, usize> = pieces.iter().enumerate().map(|(i, p)| (*p, i)).collect();
        let json = serde_json::json!({ "model": { "vocab": vocab } }).to_string();
        WordPiece::read(json.as_bytes()).expect("a vocabulary")
    }

    #[test]
    fn words_fall_into_the_longest_pieces_that_are_known() {
        for (text, pieces) in [
            ("Metformin is ready?", vec![0, 3, 4, 5, 6, 7, 9, 1]),
            ("is'ready", vec![0, 6, 8, 7, 1]),
            ("metformal is", vec![0, 2, 6, 1]),
            ("Über 中is", vec![0, 10, 11, 6, 1]),
            ("", vec![0, 1]),
            ("\u{0} \t\n", vec![0, 1]),
        ] {
            assert_eq!(small().pieces(text), pieces, "{text:?}");
        }
    }

    #[test]
    fn length_is_bounded() {
        assert_eq!(small().pieces(&"is ".repeat(1000)).len(), MOST_PIECES);
        assert_eq!(small().pieces(&"metformin".repeat(100_000)), [0, 2, 1]);
    }

    #[test]
    fn a_file_without_the_marks_is_refused() {
        assert!(WordPiece::read(b"{}").is_err());
        assert!(WordPiece::read(br#"{"model":{"vocab":{"[CLS]":0}}}"#).is_err_and(|e| e.contains("[SEP]")));
    }
}
