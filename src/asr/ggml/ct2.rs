//! Reads CTranslate2's `model.bin`: a header, then named arrays, then second names for some of them.

use std::collections::HashMap;

use super::GgmlError;

/// CTranslate2's number for IEEE half precision.
const HALF: u8 = 4;

/// The arrays of a model, by name; the values stay in the bytes that were given.
pub(super) struct Ct2Model<'a> {
    arrays: HashMap<String, Array<'a>>,
}

struct Array<'a> {
    shape: Vec<usize>,
    half: bool,
    data: &'a [u8],
}

/// One array in half precision, row by row.
pub(super) struct Tensor<'a> {
    pub(super) shape: Vec<usize>,
    /// Two bytes a value, little-endian.
    pub(super) data: &'a [u8],
}

impl<'a> Ct2Model<'a> {
    pub(super) fn parse(bytes: &'a [u8]) -> Result<Self, GgmlError> {
        let mut r = Reader { rest: bytes };
        let version = r.u32()?;
        if !(4..=6).contains(&version) {
            return Err(bad(format!("version {version} of the format")));
        }
        let spec = r.string()?;
        if spec != "WhisperSpec" {
            return Err(bad(format!("it is a {spec}")));
        }
        r.u32()?; // the specification's revision
        let mut arrays = HashMap::new();
        for _ in 0..r.u32()? {
            let name = r.string()?;
            let dimensions = r.u8()?;
            let shape = (0..dimensions).map(|_| r.u32().map(|n| n as usize)).collect::<Result<Vec<_>, _>>()?;
            let half = r.u8()? == HALF;
            let length = r.u32()? as usize;
            let data = r.take(length)?;
            arrays.insert(name, Array { shape, half, data });
        }
        for _ in 0..r.u32()? {
            let (alias, name) = (r.string()?, r.string()?);
            let array = arrays.get(&name).ok_or_else(|| bad(format!("{alias} stands for {name}, which is missing")))?;
            let same = Array { shape: array.shape.clone(), half: array.half, data: array.data };
            arrays.insert(alias, same);
        }
        if !r.rest.is_empty() {
            return Err(bad(format!("{} bytes too many", r.rest.len())));
        }
        Ok(Self { arrays })
    }

    /// The array of that name, which must be in half precision and as long as its shape says.
    pub(super) fn get(&self, name: &str) -> Result<Tensor<'a>, GgmlError> {
        let array = self.arrays.get(name).ok_or_else(|| bad(format!("{name} is missing")))?;
        let values = array.shape.iter().try_fold(1_usize, |n, d| n.checked_mul(*d));
        if !array.half || values.and_then(|n| n.checked_mul(2)) != Some(array.data.len()) {
            return Err(bad(format!("{name} is not in half precision")));
        }
        Ok(Tensor { shape: array.shape.clone(), data: array.data })
    }

    /// How many layers `side` (encoder or decoder) has.
    pub(super) fn layers(&self, side: &str) -> usize {
        (0..)
            .take_while(|i| self.arrays.contains_key(&format!("{side}/layer_{i}/self_attention/linear_0/weight")))
            .count()
    }
}

impl<'a> Tensor<'a> {
    pub(super) fn rows(&self) -> Result<usize, GgmlError> {
        self.shape.first().copied().ok_or_else(|| bad("a number where a matrix should be"))
    }

    pub(super) fn columns(&self) -> Result<usize, GgmlError> {
        self.shape.get(1).copied().ok_or_else(|| bad("a vector where a matrix should be"))
    }

    /// Takes `N` equal blocks of rows apart.
    pub(super) fn stacked<const N: usize>(&self) -> Result<[Tensor<'a>; N], GgmlError> {
        let rows = self.rows()?;
        if N == 0 || rows == 0 || !rows.is_multiple_of(N) {
            return Err(bad(format!("{rows} rows are not {N} blocks")));
        }
        let mut shape = self.shape.clone();
        shape[0] = rows / N;
        let length = self.data.len() / N;
        Ok(std::array::from_fn(|i| Tensor { shape: shape.clone(), data: &self.data[i * length..(i + 1) * length] }))
    }
}

struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    fn take(&mut self, n: usize) -> Result<&'a [u8], GgmlError> {
        let (head, rest) = self.rest.split_at_checked(n).ok_or_else(|| bad("it ends too early"))?;
        self.rest = rest;
        Ok(head)
    }

    fn u8(&mut self) -> Result<u8, GgmlError> {
        Ok(self.take(1)?[0])
    }

    fn u32(&mut self) -> Result<u32, GgmlError> {
        let b = self.take(4)?;
        Ok(u32::from_le_bytes([b[0], b[1], b[2], b[3]]))
    }

    /// Two bytes of length, which count the closing NUL.
    fn string(&mut self) -> Result<String, GgmlError> {
        let b = self.take(2)?;
        let bytes = self.take(usize::from(u16::from_le_bytes([b[0], b[1]])))?;
        let text = bytes.strip_suffix(b"\0").ok_or_else(|| bad("a name without an end"))?;
        String::from_utf8(text.to_vec()).map_err(|_| bad("a name is not text"))
    }
}

fn bad(why: impl Into<String>) -> GgmlError {
    GgmlError::Input(why.into())
}
