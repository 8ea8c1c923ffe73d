//! One device's connection, from its first message to its end. Everything it does happens here, one thing at a time, so that a
//! device that takes nothing is not listened to either.

mod tell;

use std::{collections::HashSet, sync::Arc};

use axum::{extract::FromRequestParts, http::request::Parts};
use futures_util::StreamExt as _;
use jiff::Timestamp;
use tokio::{
    sync::watch,
    task::JoinSet,
    time::{Instant, sleep_until, timeout},
};
use tokio_tungstenite::{
    WebSocketStream,
    tungstenite::{
        self, Message, Utf8Bytes,
        protocol::{CloseFrame, frame::coding::CloseCode},
    },
};

use super::{
    super::{
        Doors, Refusal,
        credentials::{Speaker, Unused},
        listen::Carrier,
        turns,
    },
    FRAME_BYTES, StreamLimits,
    ear::{Ear, SoFar, Whole},
    mouth::Mouth,
    streams::Entered,
};
use crate::{
    asr::endpoint::LONGEST,
    channels::Devices,
    device::{
        Wake,
        message::{Closing, Down, Ending, PROTOCOL, RATE, Reason, Refused, Up},
    },
    policy::{Caller, SessionId, Surface, TurnId},
    turn::{Expected, Input, TurnRequest, TurnResult},
};

/// Utterances that are being answered at once.
const AT_ONCE: usize = 2;
/// Messages that are none, after which the connection ends.
const WRONG: u32 = 20;
/// Events that a device may have been told without having said that it has them.
const UNACKED: usize = 64;
/// Longest announcement that is spoken, in characters; a longer one is for a screen.
const LONGEST_WORDS: usize = 600;
/// Frames of sound that go out before the device is listened to again.
const FRAMES: usize = 8;
/// How long an answer may take to be said, until it is known.
const LONGEST_ANSWER: std::time::Duration = std::time::Duration::from_secs(60);
/// How much later than asked for an answer may begin: the way of the sound, and of the frames.
const SLACK: std::time::Duration = std::time::Duration::from_secs(5);
/// How long a device may take for its own goodbye.
const GOODBYE: std::time::Duration = std::time::Duration::from_secs(2);

/// How a connection comes to its end.
pub enum End {
    /// The other side is gone.
    Gone,
    /// We end it.
    Close(Closing),
}

/// A question that waits for its answer.
struct Asked {
    utterance: TurnId,
    since: Instant,
    told: bool,
}

/// One connection.
pub struct Link {
    doors: Doors,
    devices: Arc<dyn Devices>,
    limits: StreamLimits,
    /// What it came with, so that the door can be asked again.
    parts: Parts,
    caller: Caller,
    socket: WebSocketStream<Carrier>,
    wake: Wake,
    entered: Entered,
    stopping: watch::Receiver<bool>,
    ear: Option<Ear>,
    turns: JoinSet<(TurnId, Result<TurnResult, Refusal>)>,
    asked: Vec<Asked>,
    /// What the last answer leaves to be said in its conversation.
    expects: Option<(String, Expected)>,
    /// The answer that is a question, until it is said, and how long is listened then.
    asks: Option<(String, std::time::Duration)>,
    mouth: Mouth,
    speech: bool,
    /// The number of the last event that was sent, and those that were sent and not acknowledged.
    sent: i64,
    unacked: Vec<i64>,
    rung: HashSet<(String, Timestamp)>,
    heard: Instant,
    pinged: Instant,
    looked: Option<Instant>,
    wrong: u32,
}

impl Link {
    pub fn new(
        doors: Doors,
        devices: Arc<dyn Devices>,
        caller: Caller,
        parts: Parts,
        socket: WebSocketStream<Carrier>,
    ) -> Self {
        let now = Instant::now();
        let rings = doors.bell.is_some() && !matches!(caller.surface, Surface::Room(_));
        Self {
            limits: doors.limits.stream.clone(),
            wake: devices.listen(&caller),
            entered: doors.streams.enter(&caller.credential),
            stopping: doors.stopping.subscribe(),
            doors,
            devices,
            parts,
            caller,
            socket,
            ear: None,
            turns: JoinSet::new(),
            asked: vec![],
            expects: None,
            asks: None,
            mouth: Mouth::default(),
            speech: true,
            sent: 0,
            unacked: vec![],
            rung: HashSet::new(),
            heard: now,
            pinged: now,
            looked: rings.then_some(now),
            wrong: 0,
        }
    }

    /// Serves it to its end. What goes wrong on the wire is the device's affair and not logged.
    pub async fn run(mut self) {
        let _counted = self.doors.metrics.stream();
        let end = match self.begin().await {
            Ok(()) => loop {
                if let Err(end) = self.step().await {
                    break end;
                }
            },
            Err(end) => end,
        };
        if let End::Close(why) = end {
            self.goodbye(why).await;
        }
    }

    async fn goodbye(&mut self, why: Closing) {
        let frame = CloseFrame { code: CloseCode::from(why.code()), reason: Utf8Bytes::from_static(why.name()) };
        let goodbye = async {
            if self.socket.close(Some(frame)).await.is_ok() {
                while let Some(Ok(_)) = self.socket.next().await {}
            }
        };
        let _ = timeout(GOODBYE, goodbye).await;
    }

    async fn begin(&mut self) -> Result<(), End> {
        let first = async {
            loop {
                match self.socket.next().await {
                    Some(Ok(Message::Text(text))) => return Ok(text),
                    Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                    Some(Ok(_)) => return Err(End::Close(Closing::Protocol)),
                    Some(Err(error)) => return Err(broken(&error)),
                    None => return Err(End::Gone),
                }
            }
        };
        let text = timeout(self.limits.hello, first).await.map_err(|_| End::Close(Closing::Idle))??;
        let Ok(Up::Hello { last_seq, speech, about }) = Up::parse(&text) else {
            return Err(End::Close(Closing::Protocol));
        };
        self.heard = Instant::now();
        (self.speech, self.sent) = (speech, last_seq);
        self.devices.is_there(&self.caller, &about).await;
        self.tell(&Down::Welcome {
            protocol: PROTOCOL.to_owned(),
            utterance_ms: u32::try_from(LONGEST * 1000 / RATE as usize).unwrap_or(u32::MAX),
            frame_bytes: u32::try_from(FRAME_BYTES).unwrap_or(u32::MAX),
            ping_seconds: u32::try_from(self.limits.ping.as_secs()).unwrap_or(u32::MAX),
        })
        .await?;
        if last_seq > 0 {
            self.acked(last_seq).await;
        }
        self.deliver().await
    }

    /// One thing that happens.
    async fn step(&mut self) -> Result<(), End> {
        let due = self.due();
        let stopping = *self.stopping.borrow();
        if stopping && self.asked.is_empty() && self.mouth.is_silent() {
            return Err(End::Close(Closing::Stopping));
        }
        tokio::select! {
            biased;
            () = self.entered.replaced() => Err(End::Close(Closing::Replaced)),
            () = self.wake.woken() => {
                self.still_let_in().await?;
                self.deliver().await
            }
            Some(answered) = self.turns.join_next(), if !self.turns.is_empty() => match answered {
                Ok((utterance, result)) => self.answered(utterance, result).await,
                Err(_) => Ok(()),
            },
            so_far = so_far(&mut self.ear) => self.heard_so_far(so_far).await,
            () = self.mouth.more() => self.speak().await,
            frame = self.socket.next() => match frame {
                Some(Ok(frame)) => {
                    self.heard = Instant::now();
                    self.frame(frame).await
                }
                Some(Err(error)) => Err(broken(&error)),
                None => Err(End::Gone),
            },
            () = super::super::listen::stopped(&mut self.stopping), if !stopping => Ok(()),
            () = sleep_until(due) => self.tick().await,
        }
    }

    /// When something is to be done although nothing came.
    fn due(&self) -> Instant {
        let now = Instant::now();
        let limits = &self.limits;
        let slow = self.asked.iter().filter(|asked| !asked.told).map(|asked| asked.since + limits.slow).min();
        let short = self.ear.as_ref().map(|ear| ear.heard + limits.sound);
        let ring = self.looked.map(|looked| looked + limits.ring);
        let some = [slow, short, ring, self.mouth.due(now)].into_iter().flatten();
        some.chain([self.pinged + limits.ping, self.heard + limits.idle]).min().unwrap_or(now)
    }

    async fn tick(&mut self) -> Result<(), End> {
        let now = Instant::now();
        if now >= self.heard + self.limits.idle {
            return Err(End::Close(Closing::Idle));
        }
        if now >= self.pinged + self.limits.ping {
            self.pinged = now;
            self.send(Message::Ping(bytes::Bytes::new())).await?;
        }
        if let Some(ear) = self.ear.take_if(|ear| now >= ear.heard + self.limits.sound) {
            self.refuse(Refused::StoppedShort, Some(&ear.utterance)).await?;
        }
        let slow = self.limits.slow;
        let late: Vec<_> = self.asked.iter_mut().filter(|asked| !asked.told && now >= asked.since + slow).collect();
        let late: Vec<TurnId> = late
            .into_iter()
            .map(|asked| {
                asked.told = true;
                asked.utterance.clone()
            })
            .collect();
        for utterance in late {
            self.tell(&Down::Slow { utterance: utterance.as_str().to_owned() }).await?;
        }
        self.ring(now).await?;
        self.speak().await
    }

    async fn frame(&mut self, frame: Message) -> Result<(), End> {
        match frame {
            Message::Binary(sound) => self.sound(&sound).await,
            Message::Text(text) => match Up::parse(&text) {
                Ok(said) => self.said(said).await,
                Err(_) => self.wrong(Refused::BadMessage).await,
            },
            Message::Close(_) => Err(End::Gone),
            Message::Ping(_) | Message::Pong(_) | Message::Frame(_) => Ok(()),
        }
    }

    async fn said(&mut self, said: Up) -> Result<(), End> {
        match said {
            Up::Hello { .. } => self.wrong(Refused::WrongOrder).await,
            Up::Listen { utterance, reason, session } => self.listen(utterance, reason, session).await,
            // One that crossed our own ending is late, not wrong.
            Up::End => match self.ear.take() {
                Some(ear) => self.ask(ear.whole(), Ending::Device).await,
                None => Ok(()),
            },
            Up::Ack { seq } => {
                self.acked(seq).await;
                self.deliver().await
            }
            Up::Rang { id, at } => self.rang(&id, at).await,
            Up::SettingsAck { version } => {
                self.devices.has_settings(&self.caller, version).await;
                Ok(())
            }
            Up::BargeIn => self.hush().await,
            Up::Alive { about } => {
                self.devices.is_there(&self.caller, &about).await;
                Ok(())
            }
        }
    }

    async fn listen(&mut self, utterance: TurnId, reason: Reason, session: Option<SessionId>) -> Result<(), End> {
        self.hush().await?;
        if let Some(former) = self.ear.take() {
            self.refuse(Refused::StoppedShort, Some(&former.utterance)).await?;
        }
        if self.asked.iter().any(|asked| asked.utterance == utterance) {
            // It is being answered; its sound is not needed again.
            return Ok(());
        }
        let now = Instant::now();
        let follows = reason == Reason::FollowUp;
        let refused = if *self.stopping.borrow() {
            Some(Refused::Stopping)
        } else if follows && !self.doors.streams.may_follow(&self.caller.credential, &utterance, now) {
            Some(Refused::NoWindow)
        } else if self.asked.len() >= AT_ONCE {
            Some(Refused::Busy)
        } else {
            None
        };
        match refused {
            Some(code) => self.refuse(code, Some(&utterance)).await,
            None => {
                let open = self.expects.as_ref().filter(|(of, _)| session.as_ref().is_some_and(|s| s.as_str() == of));
                let expected = open.map(|(_, expected)| expected.clone()).unwrap_or_default();
                let again = self.doors.streams.end_of(&self.caller.credential, &utterance, now);
                self.ear = Some(Ear::new(utterance, session, expected, again, now));
                Ok(())
            }
        }
    }

    async fn sound(&mut self, frame: &[u8]) -> Result<(), End> {
        let Some(mut ear) = self.ear.take() else {
            // Nobody called it, so nobody hears it.
            self.doors.metrics.sound_dropped();
            return Ok(());
        };
        if !frame.len().is_multiple_of(2) {
            return self.refuse(Refused::OddAudio, Some(&ear.utterance)).await;
        }
        match ear.take(&self.doors, frame, Instant::now()) {
            Ok(Some(why)) => self.ask(ear.whole(), why).await,
            Ok(None) => {
                self.ear = Some(ear);
                Ok(())
            }
            Err(_) => self.refuse(Refused::Busy, Some(&ear.utterance)).await,
        }
    }

    /// An utterance is over: it becomes a turn, as whoever the credential stands for now.
    async fn ask(&mut self, whole: Whole, why: Ending) -> Result<(), End> {
        let Whole { utterance, session, ms, over, wav, room, ahead } = whole;
        if let Some(at) = over {
            self.doors.streams.ended(&self.caller.credential, &utterance, at, Instant::now());
        }
        self.tell(&Down::Ended { utterance: utterance.as_str().to_owned(), why, ms }).await?;
        let caller = match Speaker::from_request_parts(&mut self.parts.clone(), &self.doors).await {
            Ok(Speaker(caller)) => caller,
            Err(Refusal::Unavailable) => return self.refuse(Refused::Unavailable, Some(&utterance)).await,
            Err(_) => return Err(End::Close(Closing::Ended)),
        };
        self.same_stay(&caller)?;
        self.asked.push(Asked { utterance: utterance.clone(), since: Instant::now(), told: false });
        let doors = self.doors.clone();
        self.turns.spawn(async move {
            let early = match ahead {
                Some(ahead) => ahead.heard().await,
                None => None,
            };
            let input = match early {
                _ if wav.is_empty() => Input::Silence,
                Some(early) => Input::Streamed(wav, early),
                None => Input::Audio(wav),
            };
            // It is spoken while it is made, once it is told.
            let turn = TurnRequest { caller, session, turn: Some(utterance.clone()), input, speak: false };
            let result = turns::finish(&doors, turn).await;
            drop(room);
            (utterance, result)
        });
        Ok(())
    }

    /// Ends it where the credential does not let in any more, or somebody else lies there now.
    async fn still_let_in(&mut self) -> Result<(), End> {
        match Unused::from_request_parts(&mut self.parts.clone(), &self.doors).await {
            Ok(Unused(caller)) => {
                self.same_stay(&caller)?;
                self.caller = caller;
                Ok(())
            }
            // It cannot be told now; nothing is said that was not asked for.
            Err(Refusal::Unavailable) => Ok(()),
            Err(_) => Err(End::Close(Closing::Ended)),
        }
    }

    fn same_stay(&self, caller: &Caller) -> Result<(), End> {
        let same = caller.credential == self.caller.credential && caller.surface == self.caller.surface;
        match caller.stay == self.caller.stay && same {
            true => Ok(()),
            false => Err(End::Close(Closing::StayOver)),
        }
    }
}

/// What was heard so far of what is being said.
async fn so_far(ear: &mut Option<Ear>) -> SoFar {
    match ear {
        Some(ear) => ear.so_far().await,
        None => std::future::pending().await,
    }
}

/// What a socket's error means for the connection.
fn broken(error: &tungstenite::Error) -> End {
    match error {
        tungstenite::Error::Capacity(_) => End::Close(Closing::TooLarge),
        tungstenite::Error::Protocol(tungstenite::error::ProtocolError::ResetWithoutClosingHandshake) => End::Gone,
        tungstenite::Error::Protocol(_) | tungstenite::Error::Utf8(_) => End::Close(Closing::Protocol),
        _ => End::Gone,
    }
}
