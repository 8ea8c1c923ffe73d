//! Sound on its way to a device: one thing after the other, not much faster than it is heard, so that it can be broken off.

use std::{collections::VecDeque, io::Cursor, time::Duration};

use bytes::Bytes;
use tokio::time::Instant;

/// How far the sound may be ahead of what is heard.
const AHEAD: Duration = Duration::from_secs(3);
/// Frames a second.
const FRAMES: usize = 10;
/// What may wait to be said; more is left to the texts.
const LINE: usize = 8;
/// Bytes of a sample.
const SAMPLE: usize = 2;

/// What is being said, and what comes after it.
#[derive(Default)]
pub struct Mouth {
    now: Option<Speaking>,
    line: VecDeque<Speech>,
}

struct Speech {
    of: String,
    rate: u32,
    sound: Bytes,
}

struct Speaking {
    speech: Speech,
    sent: usize,
    began: Instant,
}

/// What to send next.
pub enum Next {
    /// Sound of this begins, at so many samples a second.
    Begin(String, u32),
    /// Some of it.
    Some(Bytes),
    /// It is all said.
    End(String),
    /// Nothing now; see [`Mouth::due`].
    Nothing,
}

impl Mouth {
    /// Says a WAV file after what is being said; gives how long it is. One that is none is left out.
    pub fn say(&mut self, of: String, wav: &[u8]) -> Duration {
        let Some((rate, sound)) = samples(wav) else { return Duration::ZERO };
        let lasts = lasts(sound.len(), rate);
        if self.line.len() < LINE {
            self.line.push_back(Speech { of, rate, sound });
        }
        lasts
    }

    /// Breaks off what is said and forgets what waits; gives what was being said.
    pub fn stop(&mut self) -> Option<String> {
        self.line.clear();
        self.now.take().map(|speaking| speaking.speech.of)
    }

    /// Whether nothing is said and nothing waits.
    pub fn is_silent(&self) -> bool {
        self.now.is_none() && self.line.is_empty()
    }

    /// What is to be sent now. What it gives counts as sent.
    pub fn next(&mut self, now: Instant) -> Next {
        let Some(speaking) = &mut self.now else {
            let Some(speech) = self.line.pop_front() else { return Next::Nothing };
            let begin = Next::Begin(speech.of.clone(), speech.rate);
            self.now = Some(Speaking { speech, sent: 0, began: now });
            return begin;
        };
        let Speech { rate, sound, .. } = &speaking.speech;
        if speaking.sent >= sound.len() {
            let of = std::mem::take(&mut speaking.speech.of);
            self.now = None;
            return Next::End(of);
        }
        let due = speaking.began + lasts(speaking.sent, *rate).saturating_sub(AHEAD);
        if due > now {
            return Next::Nothing;
        }
        let frame = (*rate as usize / FRAMES).max(1) * SAMPLE;
        let some = sound.slice(speaking.sent..sound.len().min(speaking.sent + frame));
        speaking.sent += some.len();
        Next::Some(some)
    }

    /// When something is to be sent, if anything is.
    pub fn due(&self, now: Instant) -> Option<Instant> {
        match &self.now {
            Some(speaking) => {
                let due = speaking.began + lasts(speaking.sent, speaking.speech.rate).saturating_sub(AHEAD);
                Some(if speaking.sent >= speaking.speech.sound.len() { now } else { due })
            }
            None => (!self.line.is_empty()).then_some(now),
        }
    }
}

fn lasts(bytes: usize, rate: u32) -> Duration {
    Duration::from_secs_f64((bytes / SAMPLE) as f64 / f64::from(rate.max(1)))
}

/// The rate and the samples of a WAV file with one channel of 16 bits.
fn samples(wav: &[u8]) -> Option<(u32, Bytes)> {
    let reader = hound::WavReader::new(Cursor::new(wav)).ok()?;
    let spec = reader.spec();
    if spec.channels != 1 || spec.bits_per_sample != 16 {
        return None;
    }
    let samples = reader.into_samples::<i16>().map_while(Result::ok);
    Some((spec.sample_rate, samples.flat_map(i16::to_le_bytes).collect()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wav(seconds: u32) -> Vec<u8> {
        let spec = hound::WavSpec {
            channels: 1,
            sample_rate: 1000,
            bits_per_sample: 16,
            sample_format: hound::SampleFormat::Int,
        };
        let mut file = Cursor::new(vec![]);
        let mut writer = hound::WavWriter::new(&mut file, spec).expect("a file");
        (0..seconds * 1000).for_each(|n| writer.write_sample(n as i16).expect("written"));
        writer.finalize().expect("finished");
        file.into_inner()
    }

    #[test]
    fn sound_goes_out_whole_and_not_far_ahead() {
        let began = Instant::now();
        let mut mouth = Mouth::default();
        assert!(mouth.is_silent() && mouth.due(began).is_none());
        assert_eq!(mouth.say("u1".into(), &wav(5)), Duration::from_secs(5));
        assert_eq!(mouth.say("bad".into(), b"RIFF sound"), Duration::ZERO);
        assert!(matches!(mouth.next(began), Next::Begin(of, 1000) if of == "u1"));
        let (mut sent, mut now) = (vec![], began);
        loop {
            match mouth.next(now) {
                Next::Some(some) => sent.extend(some),
                Next::Nothing => {
                    let until = mouth.due(now).expect("it is not over");
                    let ahead = lasts(sent.len(), 1000) - (now - began);
                    assert!(ahead <= AHEAD + Duration::from_millis(100) && until > now, "{ahead:?}");
                    now = until;
                }
                Next::End(of) => break assert_eq!(of, "u1"),
                Next::Begin(..) => panic!("not now"),
            }
        }
        assert_eq!(sent.len(), 10_000);
        assert!(now > began && matches!(mouth.next(now), Next::Nothing));
    }

    #[test]
    fn it_stops_at_once_with_all_that_waits() {
        let now = Instant::now();
        let mut mouth = Mouth::default();
        (0..20).for_each(|n| assert_eq!(mouth.say(format!("u{n}"), &wav(1)), Duration::from_secs(1)));
        mouth.next(now);
        mouth.next(now);
        assert_eq!(mouth.stop().as_deref(), Some("u0"));
        assert!(mouth.is_silent() && matches!(mouth.next(now), Next::Nothing));
        assert_eq!(mouth.stop(), None);
    }
}
