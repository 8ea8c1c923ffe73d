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

#[cfg(test)]
mod tests {
    use super::*;
    use hound::WavWriter;
    use proptest::prelude::*;

    /// A WAV of `frames` frames of a sine, the same in each channel.
    fn wav(spec: WavSpec, frames: usize, hz: f64) -> Vec<u8> {
        let mut bytes = Cursor::new(Vec::new());
        let mut w = WavWriter::new(&mut bytes, spec).unwrap();
        for i in 0..frames {
            let s = 0.5 * (i as f64 * hz * std::f64::consts::TAU / f64::from(spec.sample_rate)).sin();
            for _ in 0..spec.channels {
                match spec.sample_format {
                    SampleFormat::Float => w.write_sample(s as f32).unwrap(),
                    SampleFormat::Int => {
                        w.write_sample((s * ((1_i64 << (spec.bits_per_sample - 1)) - 1) as f64) as i32).unwrap();
                    }
                }
            }
        }
        w.finalize().unwrap();
        bytes.into_inner()
    }

    fn spec(sample_rate: u32, channels: u16, bits_per_sample: u16, float: bool) -> WavSpec {
        let sample_format = if float { SampleFormat::Float } else { SampleFormat::Int };
        WavSpec { channels, sample_rate, bits_per_sample, sample_format }
    }

    /// How well `samples` fit a 0.5 sine of `hz`: 1 is perfect in frequency, level and phase.
    fn fit(samples: &[f32], hz: f64) -> f64 {
        // The ends ring; speech does not care.
        let inner = &samples[400..samples.len() - 400];
        let error: f64 = (400..)
            .zip(inner)
            .map(|(i, s)| (f64::from(*s) - 0.5 * (f64::from(i) * hz * std::f64::consts::TAU / 16_000.0).sin()).powi(2))
            .sum();
        1.0 - (error / inner.len() as f64).sqrt() / 0.5
    }

    #[test]
    fn every_supported_format_gives_the_same_sound() {
        for rate in [8_000, 11_025, 16_000, 22_050, 44_100, 48_000] {
            for channels in [1, 2] {
                for (bits, float) in [(16, false), (24, false), (32, false), (32, true)] {
                    let what = format!("{rate} Hz, {channels} channels, {bits} bits, float {float}");
                    let samples = decode(&wav(spec(rate, channels, bits, float), rate as usize, 440.0)).unwrap();
                    assert_eq!(samples.len(), 16_000, "{what}");
                    // Rates that share little with 16 kHz come out half a sample early, which is 0.91 here.
                    assert!(fit(&samples, 440.0) > 0.9, "{what}: {}", fit(&samples, 440.0));
                }
            }
        }
    }

    #[test]
    fn what_is_above_half_the_new_rate_does_not_fold_down() {
        let samples = decode(&wav(spec(48_000, 1, 16, false), 48_000, 12_000.0)).unwrap();
        let loudest = samples[400..15_000].iter().fold(0.0_f32, |m, s| m.max(s.abs()));
        assert!(loudest < 0.01, "{loudest}");
    }

    #[test]
    fn a_click_stays_where_it_was_and_short_clips_keep_their_length() {
        let mut bytes = wav(spec(48_000, 1, 16, false), 48_000, 0.0);
        let at = bytes.len() - 48_000 * 2 + 24_000 * 2;
        bytes[at..at + 2].copy_from_slice(&20_000_i16.to_le_bytes());
        let samples = decode(&bytes).unwrap();
        let loudest = (0..samples.len()).max_by(|a, b| samples[*a].abs().total_cmp(&samples[*b].abs())).unwrap();
        assert!(loudest.abs_diff(8_000) <= 1, "{loudest}");
        for frames in [1, 2, 3, 100, 1023, 1024, 1025, 2400] {
            let samples = decode(&wav(spec(48_000, 2, 16, false), frames, 440.0)).unwrap();
            assert_eq!(samples.len(), frames.div_ceil(3), "{frames}");
        }
    }

    #[test]
    fn stereo_is_mixed() {
        let mut w = Cursor::new(Vec::new());
        let mut writer = WavWriter::new(&mut w, spec(16_000, 2, 16, false)).unwrap();
        for _ in 0..100 {
            writer.write_sample(16_384_i16).unwrap();
            writer.write_sample(0_i16).unwrap();
        }
        writer.finalize().unwrap();
        assert!(decode(&w.into_inner()).unwrap().iter().all(|s| (*s - 0.25).abs() < 1e-6));
    }

    #[test]
    fn odd_chunks_and_what_follows_the_sound_are_skipped() {
        let plain = wav(spec(16_000, 1, 16, false), 100, 440.0);
        let mut odd = plain[..36].to_vec();
        odd.extend(b"LIST\x03\0\0\0abc\0"); // three bytes and one of padding
        odd.extend(b"fact\x06\0\0\0abcdef");
        odd.extend(&plain[36..]);
        odd.extend(b"id3 tail");
        assert_eq!(decode(&odd).unwrap(), decode(&plain).unwrap());
    }

    #[test]
    fn each_kind_of_bad_file_has_its_name() {
        let good = wav(spec(16_000, 1, 16, false), 100, 440.0);
        let patched = |at: usize, with: &[u8]| {
            let mut bytes = good.clone();
            bytes[at..at + with.len()].copy_from_slice(with);
            decode(&bytes)
        };
        assert_eq!(decode(b""), Err(BadAudio::NotWav));
        assert_eq!(decode(b"ID3\x04 this is an MP3 file"), Err(BadAudio::NotWav));
        assert_eq!(decode(&good[..20]), Err(BadAudio::Truncated));
        assert_eq!(decode(&good[..12]), Err(BadAudio::Damaged));
        assert_eq!(decode(&good[..good.len() - 1]), Err(BadAudio::Truncated));
        assert_eq!(patched(40, &u32::MAX.to_le_bytes()), Err(BadAudio::Truncated), "length of the data");
        assert_eq!(patched(40, &199_u32.to_le_bytes()), Err(BadAudio::Damaged), "half a sample");
        assert_eq!(patched(40, &0_u32.to_le_bytes()), Err(BadAudio::Empty));
        assert_eq!(patched(20, &0x55_u16.to_le_bytes()), Err(BadAudio::Unsupported), "MP3 in WAV");
        assert_eq!(patched(22, &0_u16.to_le_bytes()), Err(BadAudio::Damaged), "no channels");
        assert_eq!(patched(12, b"what"), Err(BadAudio::Damaged), "no format");
        assert_eq!(decode(&wav(spec(96_000, 1, 16, false), 10, 1.0)), Err(BadAudio::Unsupported));
        assert_eq!(decode(&wav(spec(4_000, 1, 16, false), 10, 1.0)), Err(BadAudio::Unsupported));
        assert_eq!(decode(&wav(spec(16_000, 3, 16, false), 10, 1.0)), Err(BadAudio::Unsupported));
        assert_eq!(decode(&wav(spec(16_000, 1, 8, false), 10, 1.0)), Err(BadAudio::Unsupported));
        let longest = MAX_SECONDS as usize * 8_000;
        assert!(decode(&wav(spec(8_000, 1, 16, false), longest, 1.0)).is_ok());
        assert_eq!(decode(&wav(spec(8_000, 1, 16, false), longest + 1, 1.0)), Err(BadAudio::TooLong));
        assert_eq!(decode(&vec![0; usize::try_from(MAX_BYTES).unwrap() + 1]), Err(BadAudio::TooLong));
    }

    #[test]
    fn floats_that_are_not_numbers_are_refused_and_loud_ones_clip() {
        let with = |value: f32| {
            let mut bytes = wav(spec(16_000, 1, 32, true), 100, 440.0);
            let at = bytes.len() - 40;
            bytes[at..at + 4].copy_from_slice(&value.to_le_bytes());
            decode(&bytes)
        };
        assert_eq!(with(f32::NAN), Err(BadAudio::Damaged));
        assert_eq!(with(f32::INFINITY), Err(BadAudio::Damaged));
        assert!(with(32_000.0).unwrap().iter().all(|s| s.abs() <= 1.0));
    }

    proptest! {
        /// Any damage to a file is an error or sound of at most the file's length, never a panic.
        #[test]
        fn damage_never_panics(
            rate in prop::sample::select(vec![8_000_u32, 16_000, 44_100]),
            channels in 1_u16..3,
            changes in prop::collection::vec((0_usize..120, any::<u8>()), 0..6),
            keep in 0_usize..500,
        ) {
            let mut bytes = wav(spec(rate, channels, 16, false), 100, 440.0);
            for (at, value) in changes {
                let at = at % bytes.len();
                bytes[at] = value;
            }
            bytes.truncate(keep);
            if let Ok(samples) = decode(&bytes) {
                prop_assert!(samples.len() <= bytes.len() * 2);
                prop_assert!(samples.iter().all(|s| s.abs() <= 2.0));
            }
        }

        #[test]
        fn noise_is_never_sound(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
            prop_assert!(decode(&bytes).is_err());
        }

        #[test]
        fn chunks_in_any_order_never_panic(names in prop::collection::vec((prop::sample::select(vec!["fmt ", "data", "LIST", "fact"]), 0_u32..64), 0..6)) {
            let mut bytes = b"RIFF\0\0\0\0WAVE".to_vec();
            for (name, length) in names {
                bytes.extend(name.as_bytes());
                bytes.extend(length.to_le_bytes());
                bytes.resize(bytes.len() + length as usize, 1);
            }
            let _ = decode(&bytes);
        }
    }
}
