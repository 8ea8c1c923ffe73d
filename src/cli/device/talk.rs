//! A device that says something and hears the answer, whatever becomes of its connection meanwhile.
//!
//! Invariant: what it says has one name from its first frame to its answer, over as many connections as it takes; an event is
//! acted on once, by its number.

use std::time::{Duration, Instant};

use serde_json::Value;

use super::line::{Line, LineError, Target, Told};
use crate::{
    ambient::Ambient,
    device::{
        QueuedEvent,
        message::{About, Down, Ending, RATE, Reason, Refused, Up},
    },
    policy::{SessionId, TurnId},
};

/// Samples of a frame at the pace of speech: 20 ms.
const FRAME: usize = RATE as usize / 50;
/// Samples of a frame that goes out at once.
const LARGE: usize = RATE as usize / 5;
/// The first pause before connecting again, and the longest.
const PAUSES: (Duration, Duration) = (Duration::from_millis(250), Duration::from_secs(30));

/// A device.
pub struct Device<'a> {
    target: Target,
    ambient: &'a Ambient,
    line: Option<Line>,
    /// The number of the last event that it has.
    pub last_seq: i64,
    /// Events in the order they came.
    pub events: Vec<QueuedEvent>,
    /// How often it connected.
    pub connections: u32,
    /// Whether it wants sound.
    pub speech: bool,
}

/// What it says.
pub struct Utterance<'a> {
    /// Its name.
    pub name: TurnId,
    /// Why it listens.
    pub reason: Reason,
    /// The conversation it goes on with.
    pub session: Option<SessionId>,
    /// 16 kHz, one channel.
    pub samples: &'a [i16],
    /// As fast as the link takes it, rather than at the pace of speech.
    pub fast: bool,
}

/// What came of it.
pub struct Answered {
    /// What was heard.
    pub heard: Option<String>,
    /// The answer, as `POST /v1/turns` gives it.
    pub turn: Value,
    /// Why the utterance was over.
    pub ending: Option<Ending>,
    /// Its sound, and the samples a second of it.
    pub speech: (Vec<i16>, u32),
    /// It was told that it takes a moment.
    pub slow: bool,
    /// From the end of what was said to the answer.
    pub answer_after: Duration,
    /// From the end of what was said to the first sound of the answer.
    pub sound_after: Option<Duration>,
    /// How much of it was listened to, in milliseconds.
    pub ms: u32,
    /// When the server told that it was over, from its first sample on.
    pub ended_at: Option<Duration>,
    /// When the first sound of the answer came, from there on.
    pub sounded_at: Option<Duration>,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum TalkError {
    /// There is no connection, for good.
    #[error(transparent)]
    Line(#[from] LineError),
    /// The server did not take it: say so, and to use the call light.
    #[error("the server refused it: {}", .0.name())]
    Refused(Refused),
    /// It was tried too often.
    #[error("the server was not reached in {0} tries: {1}")]
    Tries(u32, LineError),
}

/// How far an utterance is over one connection.
#[derive(Default)]
struct Said {
    sent: usize,
    /// When its first frame went out, which was spoken in the time of a frame before that.
    began: Option<Instant>,
    ms: u32,
    told_over: Option<Instant>,
    sounded: Option<Instant>,
    ended: Option<Instant>,
    ending: Option<Ending>,
    heard: Option<String>,
    turn: Option<Value>,
    answer_after: Duration,
    speech: (Vec<i16>, u32),
    sound_after: Option<Duration>,
    slow: bool,
    speaking: bool,
}

impl<'a> Device<'a> {
    /// A device that is not connected yet.
    #[must_use]
    pub const fn new(target: Target, ambient: &'a Ambient) -> Self {
        Self { target, ambient, line: None, last_seq: 0, events: vec![], connections: 0, speech: true }
    }

    /// Says something, and hears the answer to its end. Connects again, after growing pauses, as often as `tries` allows.
    ///
    /// # Errors
    /// When the server does not take it, or is not reached.
    pub async fn say(&mut self, utterance: &Utterance<'_>, tries: u32) -> Result<Answered, TalkError> {
        let mut tried = 0;
        loop {
            match self.say_once(utterance).await {
                Ok(answered) => return Ok(answered),
                Err(TalkError::Line(error)) if error.passes() => {
                    self.line = None;
                    tried += 1;
                    if tried >= tries {
                        return Err(TalkError::Tries(tried, error));
                    }
                    tokio::time::sleep(pause(tried, self.ambient.random::<1>()[0])).await;
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// Connects if it is not connected.
    ///
    /// # Errors
    /// When the server is not reached or does not let it in.
    pub async fn connect(&mut self) -> Result<(), LineError> {
        if self.line.is_some() {
            return Ok(());
        }
        let mut line = Line::open(&self.target).await?;
        self.connections += 1;
        let about = About { device_time: None, firmware: Some(env!("CARGO_PKG_VERSION").into()), battery: None };
        line.tell(&Up::Hello { last_seq: self.last_seq, speech: self.speech, about }).await?;
        self.line = Some(line);
        Ok(())
    }

    /// Says that it is there.
    ///
    /// # Errors
    /// When the connection ends.
    pub async fn beat(&mut self) -> Result<(), LineError> {
        self.tell(&Up::Alive { about: About::default() }).await
    }

    /// Connects anew.
    ///
    /// # Errors
    /// When the server is not reached or does not let it in.
    pub async fn reconnect(&mut self) -> Result<(), LineError> {
        self.line = None;
        self.connect().await
    }

    /// Says goodbye.
    pub async fn close(self) {
        if let Some(line) = self.line {
            line.close().await;
        }
    }

    /// Waits for what the server says by itself, for so long.
    ///
    /// # Errors
    /// When the connection ends.
    pub async fn idle(&mut self, long: Duration) -> Result<(), LineError> {
        let until = tokio::time::Instant::now() + long;
        let mut nothing = Said::default();
        while let Ok(told) = tokio::time::timeout_at(until, self.told()).await {
            self.take(told?, None, &mut nothing).await?;
        }
        Ok(())
    }

    async fn told(&mut self) -> Result<Told, LineError> {
        match &mut self.line {
            Some(line) => line.next().await,
            None => Err(LineError::Lost("not connected".into())),
        }
    }

    async fn tell(&mut self, message: &Up) -> Result<(), LineError> {
        match &mut self.line {
            Some(line) => line.tell(message).await,
            None => Err(LineError::Lost("not connected".into())),
        }
    }

    async fn say_once(&mut self, utterance: &Utterance<'_>) -> Result<Answered, TalkError> {
        self.connect().await?;
        let (name, session) = (utterance.name.clone(), utterance.session.clone());
        self.tell(&Up::Listen { utterance: name, reason: utterance.reason, session }).await?;
        let mut said = Said::default();
        let frame = if utterance.fast { LARGE } else { FRAME };
        let mut pace = tokio::time::interval(Duration::from_secs(1) / (RATE / FRAME as u32));
        pace.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Burst);
        loop {
            let speaking = said.ended.is_none();
            let told = tokio::select! {
                told = self.told() => Some(told?),
                () = next_frame(&mut pace, utterance.fast), if speaking => None,
            };
            match told {
                Some(told) => {
                    if let Some(code) = self.take(told, Some(&utterance.name), &mut said).await? {
                        return Err(TalkError::Refused(code));
                    }
                }
                None => self.more(utterance.samples, frame, &mut said).await?,
            }
            if said.turn.is_some() && !said.speaking {
                // What is said begins right behind its answer, where there is a voice.
                let more = tokio::time::timeout(Duration::from_millis(20), self.told()).await;
                let Ok(told) = more else { return Ok(said.answered()) };
                match told {
                    Ok(told) => drop(self.take(told, Some(&utterance.name), &mut said).await?),
                    // The answer is there; the link is the next utterance's affair.
                    Err(_) => {
                        self.line = None;
                        return Ok(said.answered());
                    }
                }
            }
        }
    }

    /// Sends the next frame, or that it was the last.
    async fn more(&mut self, samples: &[i16], frame: usize, said: &mut Said) -> Result<(), LineError> {
        let rest = samples.get(said.sent..).unwrap_or_default();
        if rest.is_empty() {
            said.ended = Some(Instant::now());
            return self.tell(&Up::End).await;
        }
        let some = rest.get(..rest.len().min(frame)).unwrap_or_default();
        said.sent += some.len();
        said.began.get_or_insert_with(Instant::now);
        match &mut self.line {
            Some(line) => line.sound(some).await,
            None => Err(LineError::Lost("not connected".into())),
        }
    }

    /// Takes what came. Gives why the utterance was refused, where it was.
    async fn take(
        &mut self,
        told: Told,
        utterance: Option<&TurnId>,
        said: &mut Said,
    ) -> Result<Option<Refused>, LineError> {
        let ours = |of: &str| utterance.is_some_and(|name| name.as_str() == of);
        match told {
            Told::Event(event) => {
                // One that comes again is acknowledged again and not acted on.
                if event.seq > self.last_seq {
                    self.last_seq = event.seq;
                    self.events.push(event);
                }
                let seq = self.last_seq;
                self.tell(&Up::Ack { seq }).await?;
            }
            Told::Sound(sound) => {
                if said.speaking {
                    let after = said.ended.map(|ended| ended.elapsed()).unwrap_or_default();
                    said.sound_after.get_or_insert(after);
                    said.sounded.get_or_insert_with(Instant::now);
                    said.speech.0.extend(sound.chunks_exact(2).map(|pair| i16::from_le_bytes([pair[0], pair[1]])));
                }
            }
            Told::Message(Down::Ended { utterance, why, ms }) if ours(&utterance) => {
                (said.ms, said.told_over) = (ms, Some(Instant::now()));
                said.ended.get_or_insert_with(Instant::now);
                said.ending = Some(why);
            }
            Told::Message(Down::Heard { utterance, text, .. }) if ours(&utterance) => said.heard = Some(text),
            Told::Message(Down::Slow { utterance }) if ours(&utterance) => said.slow = true,
            Told::Message(Down::Answer { utterance, turn }) if ours(&utterance) => {
                said.answer_after = said.ended.map(|ended| ended.elapsed()).unwrap_or_default();
                said.turn = Some(turn);
            }
            Told::Message(Down::Speech { of, rate }) if ours(&of) => (said.speaking, said.speech.1) = (true, rate),
            Told::Message(Down::SpeechEnd { of, .. }) if ours(&of) => said.speaking = false,
            Told::Message(Down::Refused { code, utterance: Some(of) }) if ours(&of) => return Ok(Some(code)),
            Told::Message(_) => {}
        }
        Ok(None)
    }
}

impl Said {
    fn answered(self) -> Answered {
        let frame = Duration::from_secs_f64(FRAME as f64 / f64::from(RATE));
        let from_the_first = |at: Option<Instant>| Some(at? - self.began? + frame);
        Answered {
            ms: self.ms,
            ended_at: from_the_first(self.told_over),
            sounded_at: from_the_first(self.sounded),
            heard: self.heard,
            turn: self.turn.unwrap_or_default(),
            ending: self.ending,
            speech: self.speech,
            slow: self.slow,
            answer_after: self.answer_after,
            sound_after: self.sound_after,
        }
    }
}

async fn next_frame(pace: &mut tokio::time::Interval, fast: bool) {
    if !fast {
        pace.tick().await;
    }
}

/// The pause before the next try: twice as long each time, and a half to one and a half of it, so that a building that comes back
/// does not connect in one moment.
fn pause(tried: u32, dice: u8) -> Duration {
    let (first, longest) = PAUSES;
    let doubled = first.saturating_mul(1 << tried.saturating_sub(1).min(16)).min(longest);
    doubled.mul_f64(0.5 + f64::from(dice) / 255.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_an_end_and_differ() {
        assert_eq!(pause(1, 0), Duration::from_millis(125));
        assert_eq!(pause(1, 255), Duration::from_millis(375));
        assert_eq!(pause(3, 0), Duration::from_millis(500));
        assert_eq!(pause(1000, 255), Duration::from_secs(45));
        assert!((1..20).all(|tried| pause(tried, 7) <= pause(tried + 1, 7)));
    }
}
