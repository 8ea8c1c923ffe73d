//! Whisper weights from half precision to bfloat16, which some processors multiply two at a time.
//!
//! Both take 16 bits: bfloat16 has the range of single precision and 8 bits of significand, half precision has 11.
//! Nothing but the matrices changes: the convolutions stay halves (whisper.cpp wants them so), and what is in
//! single precision stays. The file keeps its length, so it is rewritten in place.

use super::{GgmlError, widen};

/// The numbers of ggml's formats: of a whole file, and of one tensor.
const FILE_HALF: i32 = 1;
const FILE_BFLOAT: i32 = 24;
const TENSOR_SINGLE: i32 = 0;
const TENSOR_HALF: i32 = 1;
const TENSOR_BFLOAT: i32 = 30;

const MAGIC: i32 = 0x6767_6d6c;

/// Sizes before the format of the file: vocabulary, contexts, widths, heads, layers, mel bands.
const SIZES: usize = 10;

/// Rewrites the half-precision matrices of a ggml Whisper file as bfloat16, rounded to the nearest, ties to even.
///
/// # Errors
/// When the bytes are no such file, or their matrices are not in half precision. They are unusable then.
pub fn to_bfloat16(file: &mut [u8]) -> Result<(), GgmlError> {
    let rounded: Vec<[u8; 2]> = (0..=u16::MAX).map(|half| round(widen(half)).to_le_bytes()).collect();
    let mut r = Walk { file, at: 0 };
    if r.int()? != MAGIC {
        return Err(bad("no ggml file"));
    }
    r.skip(4 * SIZES)?;
    r.replace(FILE_HALF, FILE_BFLOAT, "its matrices are not in half precision")?;
    let (bands, bins) = (r.size()?, r.size()?);
    r.skip(bands.saturating_mul(bins).saturating_mul(4))?;
    for _ in 0..r.size()? {
        let length = r.size()?;
        r.skip(length)?;
    }
    while r.at < r.file.len() {
        let (dimensions, name) = (r.size()?, r.size()?);
        let format_at = r.at;
        let format = r.int()?;
        let mut values = 1_usize;
        for _ in 0..dimensions {
            values = values.saturating_mul(r.size()?);
        }
        r.skip(name)?;
        match (format, dimensions) {
            (TENSOR_SINGLE, _) => _ = r.skip(values.saturating_mul(4))?,
            (TENSOR_HALF, 2) => {
                for value in r.skip(values.saturating_mul(2))?.as_chunks_mut().0 {
                    *value = rounded[usize::from(u16::from_le_bytes(*value))];
                }
                r.at_int(format_at, TENSOR_BFLOAT)?;
            }
            (TENSOR_HALF, _) => _ = r.skip(values.saturating_mul(2))?,
            _ => return Err(bad(format!("a tensor of format {format}"))),
        }
    }
    Ok(())
}

/// The bits of the nearest bfloat16. Infinities stay; no half is so large that it becomes one.
fn round(value: f32) -> u16 {
    let bits = value.to_bits();
    if value.is_nan() {
        return (bits >> 16) as u16 | 0x40; // stays one where the low bits are lost
    }
    ((bits + 0x7fff + ((bits >> 16) & 1)) >> 16) as u16
}

fn bad(why: impl Into<String>) -> GgmlError {
    GgmlError::Input(why.into())
}

/// Goes through a file; every length is checked against what is left.
struct Walk<'a> {
    file: &'a mut [u8],
    at: usize,
}

impl Walk<'_> {
    fn skip(&mut self, bytes: usize) -> Result<&mut [u8], GgmlError> {
        let from = self.at;
        self.at = from.checked_add(bytes).ok_or_else(|| bad("a length out of bounds"))?;
        self.file.get_mut(from..self.at).ok_or_else(|| bad("it ends too early"))
    }

    fn int(&mut self) -> Result<i32, GgmlError> {
        let bytes = self.skip(4)?;
        Ok(bytes.first_chunk().map_or(0, |four| i32::from_le_bytes(*four)))
    }

    fn size(&mut self) -> Result<usize, GgmlError> {
        usize::try_from(self.int()?).map_err(|_| bad("a negative length"))
    }

    fn at_int(&mut self, at: usize, value: i32) -> Result<(), GgmlError> {
        let end = std::mem::replace(&mut self.at, at);
        self.skip(4)?.copy_from_slice(&value.to_le_bytes());
        self.at = end;
        Ok(())
    }

    fn replace(&mut self, old: i32, new: i32, otherwise: &str) -> Result<(), GgmlError> {
        if self.int()? != old {
            return Err(bad(otherwise));
        }
        self.at_int(self.at - 4, new)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// One tensor: name, dimensions, format, bytes.
    type Record<'a> = (&'a str, &'a [i32], i32, &'a [u8]);

    fn file(format: i32, tensors: &[Record]) -> Vec<u8> {
        let mut out = Vec::new();
        let ints = |out: &mut Vec<u8>, values: &[i32]| values.iter().for_each(|v| out.extend(v.to_le_bytes()));
        ints(&mut out, &[MAGIC, 3, 4, 5, 6, 7, 8, 9, 10, 11, 80, format, 1, 2]);
        out.extend([7; 8]); // one mel band of two bins
        ints(&mut out, &[1, 2]);
        out.extend(b"ab"); // a vocabulary of one
        for (name, dimensions, format, bytes) in tensors {
            ints(&mut out, &[dimensions.len() as i32, name.len() as i32, *format]);
            ints(&mut out, dimensions);
            out.extend(name.as_bytes());
            out.extend(*bytes);
        }
        out
    }

    #[test]
    fn only_matrices_of_halves_change() {
        let [one, third] = [[0x00, 0x3c], [0x55, 0x35]];
        let halves = [one, third].concat();
        let tensors = |format, matrix: &[u8]| {
            file(
                if format == TENSOR_BFLOAT { FILE_BFLOAT } else { FILE_HALF },
                &[
                    ("bias", &[1, 1], TENSOR_SINGLE, &[1, 2, 3, 4]),
                    ("weight", &[2, 1], format, matrix),
                    ("conv", &[1, 1, 2], TENSOR_HALF, &halves),
                ],
            )
        };
        let mut given = tensors(TENSOR_HALF, &halves);
        to_bfloat16(&mut given).unwrap();
        assert_eq!(given, tensors(TENSOR_BFLOAT, &[0x80, 0x3f, 0xab, 0x3e])); // 1, and 0.334 for 0.33325
    }

    #[test]
    fn what_is_no_such_file_is_an_error() {
        let good = file(FILE_HALF, &[("weight", &[2, 1], TENSOR_HALF, &[0; 4])]);
        let mut bad = vec![
            Vec::new(),
            b"lmgg".to_vec(),
            file(FILE_BFLOAT, &[]),
            file(2007, &[]),
            file(FILE_HALF, &[("weight", &[2, 1], TENSOR_BFLOAT, &[0; 4])]),
            file(FILE_HALF, &[("weight", &[-1, 1], TENSOR_HALF, &[0; 4])]),
            file(FILE_HALF, &[("weight", &[i32::MAX, i32::MAX], TENSOR_HALF, &[0; 4])]),
        ];
        bad.extend((1..12).map(|n| good[..good.len() - n].to_vec()));
        for mut bytes in bad {
            assert!(to_bfloat16(&mut bytes).is_err(), "{bytes:?}");
        }
        to_bfloat16(&mut good.clone()).unwrap();
    }

    proptest! {
        #[test]
        fn rounds_to_the_nearest(half: u16) {
            let value = widen(half);
            let rounded = f32::from_bits(u32::from(round(value)) << 16);
            prop_assert_eq!(value.is_nan(), rounded.is_nan());
            if value.is_finite() {
                // Half a unit in the last of 8 places.
                prop_assert!((value - rounded).abs() <= value.abs() / 256.0, "{} {}", value, rounded);
            }
        }

        #[test]
        fn any_bytes_are_taken_or_refused(mut bytes: Vec<u8>, cut: bool) {
            let mut start = file(FILE_HALF, &[]);
            if cut {
                start.append(&mut bytes);
                bytes = start;
            }
            _ = to_bfloat16(&mut bytes); // no panic
        }
    }
}
