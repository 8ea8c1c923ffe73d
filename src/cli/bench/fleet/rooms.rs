//! The rooms: a device each, which beats, listens and now and then speaks.

use std::time::Duration;

use anyhow::Context as _;
use futures_util::{StreamExt as _, future::join_all, stream};
use tokio::{
    sync::watch,
    time::{Instant, sleep, sleep_until},
};

use super::server::room;
use crate::{
    ambient::{Ambient, system_now},
    cli::device::{
        line::{Identity, Target},
        talk::{Device, TalkError, Utterance},
    },
    device::message::Reason,
    policy::TurnId,
};

/// Devices that connect at once.
const TOGETHER: usize = 100;
/// How often a lost link is tried again.
const TRIES: u32 = 6;
/// The bad minute.
const MINUTE: Duration = Duration::from_secs(60);

/// All rooms.
pub struct Rooms<'a> {
    devices: Vec<Device<'a>>,
    heartbeat: Duration,
}

/// What came of one thing that was said.
pub struct Came {
    pub room: String,
    pub urgent: bool,
    /// From its end to the answer.
    pub answer_ms: Option<f64>,
    /// Words were heard, and the answer is about them.
    pub understood: bool,
    /// It was answered that nothing could be heard.
    pub unheard: bool,
    /// It was not taken.
    pub refused: bool,
    /// It was answered that people were called.
    pub called: bool,
    /// The device was told that it takes a moment.
    pub slow: bool,
}

impl Came {
    /// Neither answered nor refused.
    pub const fn is_lost(&self) -> bool {
        self.answer_ms.is_none() && !self.refused
    }
}

impl<'a> Rooms<'a> {
    pub fn new(url: &str, tokens: &[String], heartbeat: Duration, ambient: &'a Ambient) -> anyhow::Result<Self> {
        let device = |token: &String| {
            let mut device = Device::new(Target::new(url, Some(token.clone()), &Identity::default())?, ambient);
            // The texts of answers tell when they came.
            device.speech = false;
            anyhow::Ok(device)
        };
        Ok(Self { devices: tokens.iter().map(device).collect::<Result<_, _>>()?, heartbeat })
    }

    /// Connects the first so many.
    pub async fn connect(&mut self, many: usize) -> anyhow::Result<()> {
        let connecting = stream::iter(self.devices.iter_mut().take(many)).map(Device::connect);
        let connected: Vec<_> = connecting.buffer_unordered(TOGETHER).collect().await;
        connected.into_iter().collect::<Result<Vec<_>, _>>().context("a room could not connect")?;
        Ok(())
    }

    /// Nobody speaks for so long. Gives how many links were lost.
    pub async fn idle(&mut self, long: Duration) -> usize {
        let (over, done) = watch::channel(false);
        let heartbeat = self.heartbeat;
        let waiting =
            join_all(self.devices.iter_mut().enumerate().map(|(n, device)| stay(n, device, heartbeat, done.clone())));
        let ((), lost) = tokio::join!(
            async {
                sleep(long).await;
                over.send_replace(true);
            },
            waiting
        );
        lost.into_iter().sum()
    }

    /// The first so many speak at the same time, the others do not.
    pub async fn speak(&mut self, many: usize, sounds: &[Vec<i16>], name: &str) -> Vec<Came> {
        let (over, done) = watch::channel(false);
        let heartbeat = self.heartbeat;
        let many = many.min(self.devices.len());
        let (talkers, rest) = self.devices.split_at_mut(many);
        let rest = rest.iter_mut().filter(|device| device.connections > 0).enumerate();
        let waiting = join_all(rest.map(|(n, device)| stay(n, device, heartbeat, done.clone())));
        let talking = async {
            let sound = |n: usize| sounds.get(n % sounds.len().max(1)).map(Vec::as_slice).unwrap_or_default();
            let each = talkers.iter_mut().enumerate();
            let came = join_all(each.map(|(n, device)| say(n, device, sound(n), false, name))).await;
            over.send_replace(true);
            came
        };
        tokio::join!(talking, waiting).0
    }

    /// Every room speaks once within a minute; so many of a hundred urgently.
    pub async fn bad_minute(
        &mut self,
        (ordinary, urgent): (&[Vec<i16>], &[Vec<i16>]),
        urgent_percent: usize,
        seed: u64,
    ) -> Vec<Came> {
        let dice = Ambient::fixed(system_now(), seed);
        let begun = Instant::now();
        let (over, done) = watch::channel(false);
        let heartbeat = self.heartbeat;
        let left = std::sync::atomic::AtomicUsize::new(self.devices.len());
        let each = self.devices.iter_mut().enumerate().map(|(n, device)| {
            let share = u32::from_le_bytes(dice.random()) as f64 / f64::from(u32::MAX);
            let (at, is_urgent) = (begun + MINUTE.mul_f64(share), n % 100 < urgent_percent);
            let sounds = if is_urgent { urgent } else { ordinary };
            let sound = sounds.get(n % sounds.len().max(1)).map(Vec::as_slice).unwrap_or_default();
            let (done, left, over) = (done.clone(), &left, &over);
            async move {
                let (turn, mine) = watch::channel(false);
                tokio::join!(stay(n, device, heartbeat, mine), async {
                    sleep_until(at).await;
                    turn.send_replace(true);
                });
                let came = say(n, device, sound, is_urgent, "minute").await;
                if left.fetch_sub(1, std::sync::atomic::Ordering::SeqCst) == 1 {
                    over.send_replace(true);
                }
                stay(n, device, heartbeat, done).await;
                came
            }
        });
        join_all(each).await
    }

    /// Ends every connection in order.
    pub async fn close(self) {
        stream::iter(self.devices).for_each_concurrent(TOGETHER, Device::close).await;
    }
}

/// Is there, and beats, until it is over. Gives how often the link was lost.
async fn stay(n: usize, device: &mut Device<'_>, heartbeat: Duration, mut done: watch::Receiver<bool>) -> usize {
    let mut lost = 0;
    // Not all in one moment.
    let mut next = heartbeat.mul_f64((n % 97) as f64 / 97.0);
    loop {
        let there = async {
            device.idle(next).await?;
            device.beat().await
        };
        tokio::select! {
            biased;
            _ = done.wait_for(|over| *over) => return lost,
            there = there => if there.is_err() {
                lost += 1;
                let _ = device.reconnect().await;
            },
        }
        next = heartbeat;
    }
}

async fn say(n: usize, device: &mut Device<'_>, samples: &[i16], urgent: bool, name: &str) -> Came {
    let nothing = Came {
        room: room(n),
        urgent,
        answer_ms: None,
        understood: false,
        unheard: false,
        refused: false,
        called: false,
        slow: false,
    };
    let Ok(name) = TurnId::parse(&format!("{name}-{n}")) else { return nothing };
    let utterance = Utterance { name, reason: Reason::Wake, session: None, samples, fast: false };
    match device.say(&utterance, TRIES).await {
        Ok(answered) => {
            let state = answered.turn["state"].as_str().unwrap_or_default();
            let heard = answered.heard.is_some();
            Came {
                answer_ms: Some(answered.answer_after.as_secs_f64() * 1000.0),
                understood: heard && state != "rejected",
                unheard: !heard,
                called: urgent && matches!(state, "escalated" | "done"),
                slow: answered.slow,
                ..nothing
            }
        }
        Err(TalkError::Refused(_)) => Came { refused: true, ..nothing },
        Err(TalkError::Line(_) | TalkError::Tries(..)) => nothing,
    }
}
