//! One utterance as it comes in.
//!
//! Invariants: what is heard of it before it is over counts only where nobody spoke after that, and alone it does nothing. What becomes
//! a turn is what was said, without the silence after it, however long that was.

use std::sync::Arc;

use tokio::{sync::OwnedSemaphorePermit, task::JoinHandle, time::Instant};

use super::super::{Doors, Refusal, body};
use crate::{
    asr::endpoint::{Endpointer, LONGEST, Over},
    device::message::{Ending, RATE},
    policy::{SessionId, TurnId},
    turn::{Early, Expected},
};

/// Bytes of a sample.
const SAMPLE: usize = 2;

/// Sound of one utterance, until it is over. In memory only.
pub struct Ear {
    pub utterance: TurnId,
    pub session: Option<SessionId>,
    /// When sound came last.
    pub heard: Instant,
    sound: Vec<u8>,
    endpointer: Endpointer,
    expected: Expected,
    room: Option<OwnedSemaphorePermit>,
    ahead: Option<Ahead>,
    /// Where it was over, in samples of all.
    over: Option<(Over, usize)>,
}

/// What is being heard of an utterance that may be over. Dropped, it is heard no further.
pub struct Ahead {
    hearing: Option<JoinHandle<Option<Early>>>,
    heard: Option<Early>,
}

impl Ahead {
    fn of(doors: &Doors, sound: &[u8], expected: Expected) -> Self {
        let samples: Arc<[f32]> = samples(sound).map(|sample| f32::from(sample) / 32_768.0).collect();
        let backend = doors.backend.clone();
        Self { hearing: Some(tokio::spawn(async move { backend.ahead(samples, expected).await })), heard: None }
    }

    /// Waits until it was heard. May be given up and asked again.
    async fn settled(&mut self) -> Option<&Early> {
        if let Some(hearing) = &mut self.hearing {
            self.heard = hearing.await.ok().flatten();
            self.hearing = None;
        }
        self.heard.as_ref()
    }

    /// What was heard; `None` where no decoder was free for it.
    pub async fn heard(mut self) -> Option<Early> {
        self.settled().await;
        self.heard.take()
    }
}

impl Drop for Ahead {
    fn drop(&mut self) {
        if let Some(hearing) = &self.hearing {
            hearing.abort();
        }
    }
}

/// What is known of an utterance that may go on.
pub enum SoFar {
    /// It is over.
    Over(Ending),
    /// These words, as they may be shown.
    Words(String),
    /// Nobody had time to hear it, or there are no words.
    Nothing,
}

/// An utterance that is over.
pub struct Whole {
    pub utterance: TurnId,
    pub session: Option<SessionId>,
    /// How long it is with the silence after it, in milliseconds.
    pub ms: u32,
    /// Where it was over, where a device did not say so.
    pub over: Option<(Over, usize)>,
    /// As a WAV file; empty where there is nothing.
    pub wav: Vec<u8>,
    /// Its claim to memory.
    pub room: Option<OwnedSemaphorePermit>,
    /// What was heard of it already, or is being heard.
    pub ahead: Option<Ahead>,
}

impl Ear {
    /// `expected` is what it answers, `again` where it ended when it came before.
    pub fn new(
        utterance: TurnId,
        session: Option<SessionId>,
        expected: Expected,
        again: Option<(Over, usize)>,
        now: Instant,
    ) -> Self {
        let endpointer = again.map_or_else(Endpointer::default, Endpointer::again);
        let (heard, sound) = (now, vec![]);
        Self { utterance, session, heard, sound, endpointer, expected, room: None, ahead: None, over: None }
    }

    /// Takes a frame of whole samples. Tells once it is over; what came after that is not part of it.
    ///
    /// # Errors
    /// When there is no room for so much sound.
    pub fn take(&mut self, doors: &Doors, frame: &[u8], now: Instant) -> Result<Option<Ending>, Refusal> {
        self.heard = now;
        let frame = frame.get(..frame.len().min(LONGEST * SAMPLE - self.sound.len())).unwrap_or_default();
        body::claim(doors, &mut self.room, self.sound.len() + frame.len())?;
        self.sound.extend_from_slice(frame);
        if let Some(over) = self.endpointer.push(samples(frame)) {
            return Ok(Some(self.ends(over)));
        }
        let after = self.expected.worth_hearing_after(self.endpointer.voiced());
        match (self.endpointer.may_be_over(after), &self.ahead) {
            // Asked first: what was said so far is not copied at each frame of a pause that no decoder is free for.
            (true, None) if doors.backend.has_room() => {
                self.ahead = Some(Ahead::of(doors, self.said(), self.expected.clone()));
            }
            // Somebody went on.
            (false, Some(_)) => self.ahead = None,
            _ => {}
        }
        Ok(None)
    }

    fn ends(&mut self, over: (Over, usize)) -> Ending {
        self.over = Some(over);
        self.sound.truncate(over.1 * SAMPLE);
        match over.0 {
            Over::Pause => Ending::Pause,
            Over::Nothing => Ending::Nothing,
            Over::Limit => Ending::Limit,
        }
    }

    /// The sound of what was said; all of it where nobody was heard to speak.
    fn said(&self) -> &[u8] {
        let bytes = self.endpointer.spoken().map_or(self.sound.len(), |samples| samples * SAMPLE);
        self.sound.get(..bytes).unwrap_or(&self.sound)
    }

    /// Comes back once it is known what was heard so far; once for each pause. Tells whether it is over now that this is known, and
    /// else the words, where there are any.
    pub async fn so_far(&mut self) -> SoFar {
        let early = match &mut self.ahead {
            Some(ahead) if ahead.hearing.is_some() => ahead.settled().await,
            _ => std::future::pending().await,
        };
        let Some((pause, shown)) = early.map(|early| (early.pause(), early.shown())) else {
            // No decoder was free; one may be by the next frame of this pause.
            self.ahead = None;
            return SoFar::Nothing;
        };
        match self.endpointer.wait(pause) {
            Some(over) => SoFar::Over(self.ends(over)),
            None => shown.map_or(SoFar::Nothing, SoFar::Words),
        }
    }

    /// What was heard of it.
    pub fn whole(self) -> Whole {
        let samples = self.sound.len() / SAMPLE;
        let ms = u32::try_from(samples * 1000 / RATE as usize).unwrap_or(u32::MAX);
        let wav = if self.sound.is_empty() { vec![] } else { wav(self.said()) };
        let Self { utterance, session, over, room, ahead, .. } = self;
        Whole { utterance, session, ms, over, wav, room, ahead }
    }
}

/// 16-bit samples.
fn samples(sound: &[u8]) -> impl Iterator<Item = i16> + '_ {
    sound.chunks_exact(SAMPLE).map(|pair| i16::from_le_bytes([pair[0], pair[1]]))
}

/// A WAV file of these samples.
fn wav(sound: &[u8]) -> Vec<u8> {
    let length = u32::try_from(sound.len()).unwrap_or(u32::MAX - 36);
    let mut file = Vec::with_capacity(44 + sound.len());
    file.extend(b"RIFF");
    file.extend((36 + length).to_le_bytes());
    file.extend(b"WAVEfmt ");
    file.extend(16_u32.to_le_bytes());
    file.extend([1_u16, 1].map(u16::to_le_bytes).concat());
    file.extend([RATE, RATE * SAMPLE as u32].map(u32::to_le_bytes).concat());
    file.extend([SAMPLE as u16, 16].map(u16::to_le_bytes).concat());
    file.extend(b"data");
    file.extend(length.to_le_bytes());
    file.extend(sound);
    file
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_is_one_that_others_read() {
        let sound: Vec<u8> = [0_i16, 1, -1, i16::MAX, i16::MIN].iter().flat_map(|s| s.to_le_bytes()).collect();
        let reader = hound::WavReader::new(std::io::Cursor::new(wav(&sound))).expect("a WAV file");
        let spec = reader.spec();
        assert_eq!((spec.channels, spec.sample_rate, spec.bits_per_sample), (1, RATE, 16));
        let samples: Vec<i16> = reader.into_samples().map(|s| s.expect("a sample")).collect();
        assert_eq!(samples, [0, 1, -1, i16::MAX, i16::MIN]);
    }
}
