//! Whisper weights from CTranslate2's format to ggml's.
//!
//! CTranslate2 (faster-whisper) keeps the published half-precision weights unchanged, only renamed, with query,
//! key and value stacked into one matrix. Taking them apart again is exact, so the result is the official
//! `ggml-*.bin` byte for byte, which its SHA-1 proves. Everything read here came from outside: every length is
//! checked against what is left.

use std::io::{self, Write};

mod ct2;
mod mel;
mod narrow;
mod vocabulary;

use ct2::{Ct2Model, Tensor};
pub use narrow::to_bfloat16;

/// Every size of Whisper has 64 values a head.
const HEAD: usize = 64;

/// Why weights cannot be converted.
#[derive(Debug, thiserror::Error)]
pub enum GgmlError {
    /// The input is not what it should be.
    #[error("not a CTranslate2 Whisper model in half precision: {0}")]
    Input(String),
    /// The output could not be written.
    #[error("cannot write the converted model: {0}")]
    Write(#[from] io::Error),
}

/// Writes the ggml file made of a CTranslate2 `model.bin` and its `vocabulary.txt`.
///
/// # Errors
/// When either input is damaged, quantized or not a Whisper model, or `out` cannot be written.
pub fn convert(model: &[u8], vocabulary: &[u8], out: &mut impl Write) -> Result<(), GgmlError> {
    let model = Ct2Model::parse(model)?;
    let words = vocabulary::tokens(vocabulary)?;
    let embeddings = model.get("decoder/embeddings/weight")?;
    let audio_ctx = model.get("encoder/position_encodings/encodings")?.rows()?;
    let text_ctx = model.get("decoder/position_encodings/encodings")?.rows()?;
    let (n_vocab, state) = (embeddings.rows()?, embeddings.columns()?);
    let n_mels = model.get("encoder/conv1/weight")?.columns()?;
    if state == 0 || state % HEAD != 0 || !matches!(n_mels, 80 | 128) {
        return Err(GgmlError::Input(format!("width {state}, {n_mels} mel bands")));
    }

    let heads = state / HEAD;
    let (encoder_layers, decoder_layers) = (model.layers("encoder"), model.layers("decoder"));
    ints(
        out,
        &[
            0x6767_6d6c,
            n_vocab,
            audio_ctx,
            state,
            heads,
            encoder_layers,
            text_ctx,
            state,
            heads,
            decoder_layers,
            n_mels,
            1,
        ],
    )?;

    let filters = mel::filters(n_mels);
    ints(out, &[n_mels, mel::BINS])?;
    for value in &filters {
        out.write_all(&value.to_le_bytes())?;
    }

    ints(out, &[words.len()])?;
    for word in &words {
        ints(out, &[word.len()])?;
        out.write_all(word)?;
    }

    // The order of the published checkpoints.
    let mut w = Tensors { model: &model, out };
    w.put("decoder.positional_embedding", "decoder/position_encodings/encodings")?;
    w.put("encoder.positional_embedding", "encoder/position_encodings/encodings")?;
    w.put("decoder.token_embedding.weight", "decoder/embeddings/weight")?;
    for i in 0..decoder_layers {
        w.block(&format!("decoder.blocks.{i}"), &format!("decoder/layer_{i}"), true)?;
    }
    w.norm("decoder.ln", "decoder/layer_norm")?;
    w.linear("encoder.conv1", "encoder/conv1")?;
    w.linear("encoder.conv2", "encoder/conv2")?;
    for i in 0..encoder_layers {
        w.block(&format!("encoder.blocks.{i}"), &format!("encoder/layer_{i}"), false)?;
    }
    w.norm("encoder.ln_post", "encoder/layer_norm")
}

/// The file's integers are 32 bits, little-endian.
fn ints(out: &mut impl Write, values: &[usize]) -> Result<(), GgmlError> {
    for value in values {
        let value = i32::try_from(*value).map_err(|_| GgmlError::Input("a size does not fit 32 bits".into()))?;
        out.write_all(&value.to_le_bytes())?;
    }
    Ok(())
}

struct Tensors<'a, W> {
    model: &'a Ct2Model<'a>,
    out: &'a mut W,
}

impl<W: Write> Tensors<'_, W> {
    fn block(&mut self, to: &str, from: &str, cross: bool) -> Result<(), GgmlError> {
        self.norm(&format!("{to}.mlp_ln"), &format!("{from}/ffn/layer_norm"))?;
        self.linear(&format!("{to}.mlp.0"), &format!("{from}/ffn/linear_0"))?;
        self.linear(&format!("{to}.mlp.2"), &format!("{from}/ffn/linear_1"))?;
        self.norm(&format!("{to}.attn_ln"), &format!("{from}/self_attention/layer_norm"))?;
        self.self_attention(&format!("{to}.attn"), &format!("{from}/self_attention"))?;
        if cross {
            self.norm(&format!("{to}.cross_attn_ln"), &format!("{from}/attention/layer_norm"))?;
            self.cross_attention(&format!("{to}.cross_attn"), &format!("{from}/attention"))?;
        }
        Ok(())
    }

    /// Query, key and value lie stacked in one matrix.
    fn self_attention(&mut self, to: &str, from: &str) -> Result<(), GgmlError> {
        let [q, k, v] = self.model.get(&format!("{from}/linear_0/weight"))?.stacked()?;
        let [q_bias, k_bias, v_bias] = self.model.get(&format!("{from}/linear_0/bias"))?.stacked()?;
        self.query(to, &q, &q_bias)?;
        self.key_value_out(to, &k, &k_bias, &v, &v_bias, &format!("{from}/linear_1"))
    }

    /// The query stands alone; key and value lie stacked.
    fn cross_attention(&mut self, to: &str, from: &str) -> Result<(), GgmlError> {
        let query = self.model.get(&format!("{from}/linear_0/weight"))?;
        let query_bias = self.model.get(&format!("{from}/linear_0/bias"))?;
        let [k, v] = self.model.get(&format!("{from}/linear_1/weight"))?.stacked()?;
        let [k_bias, v_bias] = self.model.get(&format!("{from}/linear_1/bias"))?.stacked()?;
        self.query(to, &query, &query_bias)?;
        self.key_value_out(to, &k, &k_bias, &v, &v_bias, &format!("{from}/linear_2"))
    }

    fn query(&mut self, to: &str, weight: &Tensor<'_>, bias: &Tensor<'_>) -> Result<(), GgmlError> {
        self.write(&format!("{to}.query.weight"), weight)?;
        self.write(&format!("{to}.query.bias"), bias)
    }

    fn key_value_out(
        &mut self,
        to: &str,
        k: &Tensor<'_>,
        k_bias: &Tensor<'_>,
        v: &Tensor<'_>,
        v_bias: &Tensor<'_>,
        out: &str,
    ) -> Result<(), GgmlError> {
        // Whisper's keys have no bias; CTranslate2 fills the gap with zeros. Anything else would be lost here.
        if k_bias.data.iter().any(|b| *b != 0) {
            return Err(GgmlError::Input(format!("{to} has a key bias")));
        }
        self.write(&format!("{to}.key.weight"), k)?;
        self.write(&format!("{to}.value.weight"), v)?;
        self.write(&format!("{to}.value.bias"), v_bias)?;
        self.linear(&format!("{to}.out"), out)
    }

    fn norm(&mut self, to: &str, from: &str) -> Result<(), GgmlError> {
        self.put(&format!("{to}.weight"), &format!("{from}/gamma"))?;
        self.put(&format!("{to}.bias"), &format!("{from}/beta"))
    }

    fn linear(&mut self, to: &str, from: &str) -> Result<(), GgmlError> {
        self.put(&format!("{to}.weight"), &format!("{from}/weight"))?;
        self.put(&format!("{to}.bias"), &format!("{from}/bias"))
    }

    fn put(&mut self, to: &str, from: &str) -> Result<(), GgmlError> {
        let tensor = self.model.get(from)?;
        self.write(to, &tensor)
    }

    /// One record: dimensions, name length, type, the dimensions innermost first, name, values.
    fn write(&mut self, name: &str, tensor: &Tensor<'_>) -> Result<(), GgmlError> {
        let mut shape = tensor.shape.clone();
        if matches!(name, "encoder.conv1.bias" | "encoder.conv2.bias") {
            shape.push(1); // whisper.cpp adds these to a [time × channel] matrix
        }
        // Small tensors are kept in single precision.
        let single = shape.len() < 2 || name.ends_with(".bias") || name.ends_with("positional_embedding");
        ints(self.out, &[shape.len(), name.len(), usize::from(!single)])?;
        shape.reverse();
        ints(self.out, &shape)?;
        self.out.write_all(name.as_bytes())?;
        if single {
            for half in tensor.data.chunks_exact(2) {
                self.out.write_all(&widen(u16::from_le_bytes([half[0], half[1]])).to_le_bytes())?;
            }
        } else {
            self.out.write_all(tensor.data)?;
        }
        Ok(())
    }
}

/// Half to single precision; exact.
fn widen(half: u16) -> f32 {
    let sign = u32::from(half >> 15) << 31;
    let exponent = u32::from(half >> 10) & 0x1f;
    let fraction = u32::from(half) & 0x3ff;
    match exponent {
        // Zero and subnormals: a multiple of 2^-24.
        0 => f32::from_bits(sign | ((fraction as f32) * f32::from_bits(0x3380_0000)).to_bits()),
        0x1f => f32::from_bits(sign | 0x7f80_0000 | (fraction << 13)),
        _ => f32::from_bits(sign | ((exponent + 112) << 23) | (fraction << 13)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[expect(clippy::excessive_precision, reason = "the exact values of IEEE 754 halves")]
    fn halves_widen_exactly() {
        for (half, want) in [
            (0x0000, 0.0),
            (0x3c00, 1.0),
            (0xc000, -2.0),
            (0x3555, 0.333_251_953_125),
            (0x0001, 5.960_464_477_539_063e-8),
            (0x03ff, 6.097_555_160_522_461e-5),
            (0x0400, 6.103_515_625e-5),
            (0x7bff, 65504.0),
            (0x7c00, f32::INFINITY),
        ] {
            assert_eq!(widen(half), want, "{half:04x}");
        }
        assert!(widen(0x7e00).is_nan());
        assert!(widen(0x8000).is_sign_negative());
    }

    #[test]
    fn damaged_input_is_an_error() {
        let mut out = Vec::new();
        for bytes in [&b""[..], b"\x06\0\0\0", b"\x06\0\0\0\x0c\0WhisperSpec\0\x03\0\0\0\xff\xff\xff\xff"] {
            assert!(convert(bytes, b"a\n", &mut out).is_err());
        }
    }
}
