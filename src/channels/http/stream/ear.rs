//! One utterance as it comes in.
//!
//! Invariant: what is heard of it before it is over counts only where nobody spoke after that, and alone it does nothing.

use tokio::{sync::OwnedSemaphorePermit, task::JoinHandle, time::Instant};

use super::super::{Doors, Refusal, body};
use crate::{
    asr::endpoint::{Endpointer, LONGEST, Over},
    device::message::{Ending, RATE},
    policy::{SessionId, TurnId},
    turn::Early,
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
    room: Option<OwnedSemaphorePermit>,
    ahead: Option<Ahead>,
}

/// What is being heard of an utterance that may be over. Dropped, it is heard no further.
pub struct Ahead {
    hearing: Option<JoinHandle<Option<Early>>>,
    heard: Option<Early>,
}

impl Ahead {
    fn of(doors: &Doors, sound: &[u8]) -> Self {
        let (backend, wav) = (doors.backend.clone(), wav(sound));
        Self { hearing: Some(tokio::spawn(async move { backend.ahead(wav).await })), heard: None }
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

/// An utterance that is over.
pub struct Whole {
    pub utterance: TurnId,
    pub session: Option<SessionId>,
    /// How long it is, in milliseconds.
    pub ms: u32,
    /// As a WAV file; empty where there is nothing.
    pub wav: Vec<u8>,
    /// Its claim to memory.
    pub room: Option<OwnedSemaphorePermit>,
    /// What was heard of it already, or is being heard.
    pub ahead: Option<Ahead>,
}

impl Ear {
    pub fn new(utterance: TurnId, session: Option<SessionId>, now: Instant) -> Self {
        Self {
            utterance,
            session,
            heard: now,
            sound: vec![],
            endpointer: Endpointer::default(),
            room: None,
            ahead: None,
        }
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
        let samples = frame.chunks_exact(SAMPLE).map(|pair| i16::from_le_bytes([pair[0], pair[1]]));
        let over = self.endpointer.push(samples).map(|(over, at)| {
            self.sound.truncate(at * SAMPLE);
            match over {
                Over::Pause => Ending::Pause,
                Over::Nothing => Ending::Nothing,
                Over::Limit => Ending::Limit,
            }
        });
        match (self.endpointer.may_be_over(), &self.ahead) {
            (true, None) if over.is_none() => self.ahead = Some(Ahead::of(doors, &self.sound)),
            // Somebody went on.
            (false, Some(_)) => self.ahead = None,
            _ => {}
        }
        Ok(over)
    }

    /// Comes back once it is known what was heard so far, with the words where there are any; once for each pause.
    pub async fn so_far(&mut self) -> Option<String> {
        match &mut self.ahead {
            Some(ahead) if ahead.hearing.is_some() => ahead.settled().await.and_then(Early::shown),
            _ => std::future::pending().await,
        }
    }

    /// What was heard of it.
    pub fn whole(self) -> Whole {
        let samples = self.sound.len() / SAMPLE;
        let ms = u32::try_from(samples * 1000 / RATE as usize).unwrap_or(u32::MAX);
        let wav = if self.sound.is_empty() { vec![] } else { wav(&self.sound) };
        Whole { utterance: self.utterance, session: self.session, ms, wav, room: self.room, ahead: self.ahead }
    }
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
