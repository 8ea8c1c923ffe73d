//! WAV bytes to samples: 16 kHz, one channel, -1 to 1.
//!
//! The bytes come from anywhere. Nothing is allocated by what a header claims, only by what is there; a file that
//! promises more sound than it holds is refused rather than guessed at.

use std::io::{Cursor, Read};

use hound::{SampleFormat, WavReader, WavSpec};
use rubato::{Fft, FixedSync, Indexing, Resampler, audioadapter_buffers::direct::InterleavedSlice};

use super::outcome::BadAudio;

/// The rate that the rest of the program hears at, in samples a second.
pub const RATE: u32 = 16_000;

/// The longest clip that is decoded: five minutes and a little.
pub const MAX_SECONDS: u32 = 330;

/// The largest file worth reading: [`MAX_SECONDS`] of the largest format, and a page of other chunks.
pub const MAX_BYTES: u64 = MAX_SECONDS as u64 * 48_000 * 2 * 4 + 65_536;

/// Frames handed to the resampler at a time.
const CHUNK: usize = 1024;

/// Decodes, mixes to one channel and resamples.
///
/// # Errors
/// Why the bytes are not sound that can be heard here.
pub fn decode(bytes: &[u8]) -> Result<Vec<f32>, BadAudio> {
    if bytes.len() as u64 > MAX_BYTES {
        return Err(BadAudio::TooLong);
    }
    let Chunks { format, data } = chunks(bytes)?;
    // hound skips neither the padding of odd chunks nor the rest of long `fact` chunks, so it gets to see the two
    // chunks that matter and nothing else.
    let head = [&b"RIFF\0\0\0\0WAVE"[..], &chunk_head(b"fmt ", format)?, format, &chunk_head(b"data", data)?].concat();
    let reader = WavReader::new(Cursor::new(head).chain(data)).map_err(|e| match e {
        hound::Error::Unsupported => BadAudio::Unsupported,
        _ => BadAudio::Damaged,
    })?;
    let spec = reader.spec();
    let known = matches!(
        (spec.sample_format, spec.bits_per_sample),
        (SampleFormat::Int, 16 | 24 | 32) | (SampleFormat::Float, 32)
    );
    if !known || !(8_000..=48_000).contains(&spec.sample_rate) || !(1..=2).contains(&spec.channels) {
        return Err(BadAudio::Unsupported);
    }
    let frames = reader.duration();
    if frames == 0 {
        return Err(BadAudio::Empty);
    }
    if frames > MAX_SECONDS * spec.sample_rate {
        return Err(BadAudio::TooLong);
    }
    match spec.sample_format {
        SampleFormat::Float => resample(mono(reader.into_samples::<f32>(), spec, 1.0), spec.sample_rate),
        SampleFormat::Int => {
            let scale = 1.0 / (1_u64 << (spec.bits_per_sample - 1)) as f32;
            resample(mono(reader.into_samples::<i32>().map(|s| s.map(|s| s as f32)), spec, scale), spec.sample_rate)
        }
    }
}

struct Chunks<'a> {
    format: &'a [u8],
    data: &'a [u8],
}

/// Finds the two chunks that matter.
fn chunks(bytes: &[u8]) -> Result<Chunks<'_>, BadAudio> {
    let (head, mut rest) = bytes.split_at_checked(12).ok_or(BadAudio::NotWav)?;
    if &head[..4] != b"RIFF" || &head[8..] != b"WAVE" {
        return Err(BadAudio::NotWav);
    }
    let mut format = None;
    loop {
        let (head, after) = rest.split_at_checked(8).ok_or(BadAudio::Damaged)?;
        let length = u32::from_le_bytes([head[4], head[5], head[6], head[7]]) as usize;
        let (body, after) = after.split_at_checked(length).ok_or(BadAudio::Truncated)?;
        match &head[..4] {
            b"fmt " => format = Some(body),
            b"data" => return format.map(|format| Chunks { format, data: body }).ok_or(BadAudio::Damaged),
            _ => {}
        }
        rest = after.get(length % 2..).unwrap_or_default();
    }
}

fn chunk_head(name: &[u8; 4], body: &[u8]) -> Result<[u8; 8], BadAudio> {
    let [a, b, c, d] = *name;
    let [e, f, g, h] = u32::try_from(body.len()).map_err(|_| BadAudio::TooLong)?.to_le_bytes();
    Ok([a, b, c, d, e, f, g, h])
}

/// Scales and mixes frame by frame.
fn mono(
    mut samples: impl Iterator<Item = hound::Result<f32>>,
    spec: WavSpec,
    scale: f32,
) -> impl Iterator<Item = Result<f32, BadAudio>> {
    let channels = spec.channels;
    std::iter::from_fn(move || {
        let mut sum = 0.0;
        for _ in 0..channels {
            match samples.next()? {
                // Floats may hold anything; what is not a number is not sound, and what is beyond full scale clips.
                Ok(s) if s.is_finite() => sum += (s * scale).clamp(-1.0, 1.0),
                _ => return Some(Err(BadAudio::Damaged)),
            }
        }
        Some(Ok(sum / f32::from(channels)))
    })
}

/// Resamples as the samples come, so that a long clip is held once, at the low rate.
fn resample(samples: impl Iterator<Item = Result<f32, BadAudio>>, rate: u32) -> Result<Vec<f32>, BadAudio> {
    if rate == RATE {
        return samples.collect();
    }
    let mut resampler =
        Fft::<f32>::new(rate as usize, RATE as usize, CHUNK, 1, FixedSync::Input).map_err(|_| BadAudio::Unsupported)?;
    let mut delay = resampler.output_delay();
    let mut samples = samples.peekable();
    let mut frames_in = 0_u64;
    let mut out = Vec::new();
    let mut input = Vec::with_capacity(CHUNK);
    let mut output = vec![0.0; resampler.output_frames_max()];
    let mut wanted = usize::MAX;
    while out.len() < wanted {
        input.clear();
        while input.len() < resampler.input_frames_next() {
            match samples.next() {
                Some(s) => input.push(s?),
                None => break,
            }
        }
        frames_in += input.len() as u64;
        if samples.peek().is_none() {
            wanted = usize::try_from((frames_in * u64::from(RATE)).div_ceil(u64::from(rate))).unwrap_or(usize::MAX);
        }
        // After the last sample, silence pushes the end of the sound out of the resampler.
        let partial = input.len();
        input.resize(resampler.input_frames_next(), 0.0);
        let len = output.len();
        let adapters = InterleavedSlice::new(&input, 1, input.len())
            .and_then(|i| Ok((i, InterleavedSlice::new_mut(&mut output, 1, len)?)));
        let (from, mut to) = adapters.map_err(|_| BadAudio::Damaged)?;
        let indexing = Indexing::new().partial_len(partial);
        let (_, n) = resampler.process_into_buffer(&from, &mut to, Some(&indexing)).map_err(|_| BadAudio::Damaged)?;
        let skip = delay.min(n);
        delay -= skip;
        out.extend_from_slice(&output[skip..n]);
    }
    out.truncate(wanted);
    Ok(out)
}
