//! Sound on its way to a device: one thing after the other, not much faster than it is heard, so that it can be broken off.

use std::{collections::VecDeque, time::Duration};

use bytes::Bytes;
use tokio::{sync::mpsc::Receiver, time::Instant};

use crate::channels::Sound;

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
    /// What is there of it.
    pieces: VecDeque<Bytes>,
    /// Where the rest comes from; none once it is all there.
    more: Option<Receiver<Bytes>>,
}

struct Speaking {
    speech: Speech,
    /// Bytes.
    sent: usize,
    began: Instant,
}

/// What to send next.
pub enum Next {
    /// Sound of this begins, at so many samples a second.
    Begin(String, u32),
    /// Some of it.
    Some(Bytes),
    /// It is all said, and will have been heard after so long.
    End(String, Duration),
    /// Nothing now; see [`Mouth::due`].
    Nothing,
}

impl Mouth {
    /// Says this after what is being said, while it is made.
    pub fn say(&mut self, of: String, sound: Sound) {
        if self.line.len() < LINE {
            let Sound { rate, pieces } = sound;
            self.line.push_back(Speech { of, rate, pieces: VecDeque::new(), more: Some(pieces) });
        }
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

    /// Comes back when there is more of what is being said, or no more.
    pub async fn more(&mut self) {
        let Some(Speaking { speech, .. }) = &mut self.now else { return std::future::pending().await };
        let Some(more) = &mut speech.more else { return std::future::pending().await };
        match more.recv().await {
            Some(piece) => speech.pieces.push_back(piece),
            None => speech.more = None,
        }
    }

    /// What is to be sent now. What it gives counts as sent.
    pub fn next(&mut self, now: Instant) -> Next {
        let Some(speaking) = &mut self.now else {
            let Some(speech) = self.line.pop_front() else { return Next::Nothing };
            let begin = Next::Begin(speech.of.clone(), speech.rate);
            self.now = Some(Speaking { speech, sent: 0, began: now });
            return begin;
        };
        let due = speaking.due();
        let Speech { rate, pieces, more, of } = &mut speaking.speech;
        let frame = (*rate as usize / FRAMES).max(1) * SAMPLE;
        let Some(piece) = pieces.front_mut() else {
            if more.is_some() {
                return Next::Nothing;
            }
            let end = Next::End(std::mem::take(of), (speaking.began + lasts(speaking.sent, *rate)) - now);
            self.now = None;
            return end;
        };
        if due > now {
            return Next::Nothing;
        }
        let some = piece.split_to(piece.len().min(frame));
        if piece.is_empty() {
            pieces.pop_front();
        }
        speaking.sent += some.len();
        Next::Some(some)
    }

    /// When something is to be sent, if anything is that is there.
    pub fn due(&self, now: Instant) -> Option<Instant> {
        match &self.now {
            Some(speaking) if !speaking.speech.pieces.is_empty() => Some(speaking.due()),
            Some(speaking) => speaking.speech.more.is_none().then_some(now),
            None => (!self.line.is_empty()).then_some(now),
        }
    }
}

impl Speaking {
    fn due(&self) -> Instant {
        self.began + lasts(self.sent, self.speech.rate).saturating_sub(AHEAD)
    }
}

fn lasts(bytes: usize, rate: u32) -> Duration {
    Duration::from_secs_f64((bytes / SAMPLE) as f64 / f64::from(rate.max(1)))
}

#[cfg(test)]
mod tests {
    use tokio::sync::mpsc;

    use super::*;

    /// So many pieces of a second, at 1000 samples a second.
    fn sound(seconds: usize) -> Sound {
        let (made, pieces) = mpsc::channel(32);
        (0..seconds).for_each(|n| made.try_send(Bytes::from(vec![n as u8; 2000])).expect("room"));
        Sound { rate: 1000, pieces }
    }

    #[tokio::test]
    async fn sound_goes_out_whole_and_not_far_ahead() {
        let began = Instant::now();
        let mut mouth = Mouth::default();
        assert!(mouth.is_silent() && mouth.due(began).is_none());
        mouth.say("u1".into(), sound(5));
        assert!(matches!(mouth.next(began), Next::Begin(of, 1000) if of == "u1"));
        let (mut sent, mut now) = (vec![], began);
        loop {
            match mouth.next(now) {
                Next::Some(some) => sent.extend(some),
                Next::Nothing => match mouth.due(now) {
                    Some(until) => {
                        let ahead = lasts(sent.len(), 1000) - (now - began);
                        assert!(ahead <= AHEAD + Duration::from_millis(100) && until > now, "{ahead:?}");
                        now = until;
                    }
                    None => mouth.more().await,
                },
                Next::End(of, left) => {
                    assert!(of == "u1" && left == began + Duration::from_secs(5) - now, "{left:?}");
                    break;
                }
                Next::Begin(..) => panic!("not now"),
            }
        }
        let whole: Vec<u8> = (0..5).flat_map(|n| vec![n; 2000]).collect();
        assert!(sent == whole && now > began && matches!(mouth.next(now), Next::Nothing));
    }

    #[tokio::test]
    async fn the_first_piece_goes_out_before_the_last_is_made() {
        let (made, pieces) = mpsc::channel(4);
        let mut mouth = Mouth::default();
        mouth.say("u1".into(), Sound { rate: 1000, pieces });
        let now = Instant::now();
        mouth.next(now);
        assert!(matches!(mouth.next(now), Next::Nothing) && mouth.due(now).is_none(), "nothing is made yet");
        made.send(Bytes::from_static(&[1; 100])).await.expect("listened to");
        mouth.more().await;
        assert!(matches!(mouth.next(now), Next::Some(some) if some.len() == 100));
        assert!(matches!(mouth.next(now), Next::Nothing), "it is not over");
        drop(made);
        mouth.more().await;
        assert!(mouth.due(now).is_some() && matches!(mouth.next(now), Next::End(..)));
    }

    #[test]
    fn it_stops_at_once_with_all_that_waits() {
        let now = Instant::now();
        let (made, pieces) = mpsc::channel(1);
        let mut mouth = Mouth::default();
        mouth.say("u0".into(), Sound { rate: 1000, pieces });
        (1..20).for_each(|n| mouth.say(format!("u{n}"), sound(1)));
        mouth.next(now);
        mouth.next(now);
        assert_eq!(mouth.stop().as_deref(), Some("u0"));
        assert!(made.is_closed(), "no more of it is made");
        assert!(mouth.is_silent() && matches!(mouth.next(now), Next::Nothing));
        assert_eq!(mouth.stop(), None);
    }
}
