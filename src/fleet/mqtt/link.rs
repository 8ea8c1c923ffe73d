//! The one connection to a broker, made again whenever it ends.
//!
//! Invariant: what waits for a confirmation is answered: confirmed, or given up when the connection ends. Nothing is
//! carried over into the next connection but what is listened to.

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use rumqttc::mqttbytes::v4::Packet;
use tokio::{
    sync::{
        mpsc::{self, error::TrySendError},
        oneshot, watch,
    },
    time::{Instant, MissedTickBehavior, interval_at, sleep, timeout},
};

use super::{
    Message, Trouble, Unpublished,
    topic::{Filter, Topic},
    way::Way,
    wire::{self, Reader, Told, Writer},
};

/// The pause after a connection ended; it doubles with each that fails.
const FIRST_PAUSE: Duration = Duration::from_millis(250);
/// The longest pause.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
/// After so many seconds without a word the broker takes us for gone; we ask it twice as often.
const KEEP_ALIVE: u16 = 20;
/// How long one step with the broker may take.
const STEP: Duration = Duration::from_secs(10);
/// What may wait for a confirmation at once; more waits in the queue.
const MOST_OPEN: usize = 512;

type Done = oneshot::Sender<Result<(), Unpublished>>;

/// What is wanted of the link.
pub(super) enum Job {
    Publish { topic: Topic, payload: Bytes, retain: bool, done: Done },
    Listen { id: u64, filter: Filter, to: mpsc::Sender<Message>, done: Done },
    StopListening { id: u64 },
}

/// An id for what listens, unlike every other of this process.
pub(super) fn fresh() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

struct Ear {
    id: u64,
    filter: Filter,
    to: mpsc::Sender<Message>,
}

/// The connection, and what outlives it.
pub(super) struct Link {
    way: Arc<Way>,
    name: String,
    presence: Option<Topic>,
    connected: watch::Sender<bool>,
    ears: Vec<Ear>,
}

impl Link {
    pub(super) fn new(way: Arc<Way>, name: String, presence: Option<Topic>, connected: watch::Sender<bool>) -> Self {
        Self { way, name, presence, connected, ears: Vec::new() }
    }

    /// Connects again and again until nobody is left who wants anything.
    pub(super) async fn run(mut self, mut jobs: mpsc::Receiver<Job>) {
        let (mut pause, mut told) = (FIRST_PAUSE, None);
        loop {
            let trouble = match self.greeted().await {
                Ok((reader, writer)) => {
                    tracing::info!("connected with the MQTT broker");
                    (pause, told) = (FIRST_PAUSE, None);
                    self.connected.send_replace(true);
                    let ended = Talk::new(&mut self, writer).run(reader, &mut jobs).await;
                    self.connected.send_replace(false);
                    let Err(trouble) = ended else { return };
                    trouble
                }
                Err(trouble) => trouble,
            };
            if told.replace(trouble) != Some(trouble) {
                tracing::warn!(why = %trouble, "no connection with the MQTT broker; it is tried again");
            }
            if !self.waited(pause, trouble, &mut jobs).await {
                return;
            }
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    /// Whoever wants something during a pause is told at once that there is no connection. Whether anybody is left.
    async fn waited(&mut self, pause: Duration, trouble: Trouble, jobs: &mut mpsc::Receiver<Job>) -> bool {
        let over = sleep(pause);
        tokio::pin!(over);
        loop {
            tokio::select! {
                () = &mut over => return true,
                job = jobs.recv() => match job {
                    None => return false,
                    Some(Job::Publish { done, .. } | Job::Listen { done, .. }) => {
                        let _ = done.send(Err(Unpublished::NotConnected(trouble)));
                    }
                    Some(Job::StopListening { id }) => self.ears.retain(|ear| ear.id != id),
                },
            }
        }
    }

    async fn greeted(&self) -> Result<(Reader, Writer), Trouble> {
        let login = self.way.login().map_err(|_| Trouble::NoLogin)?;
        let (reading, writing) = tokio::io::split(self.way.connect().await?);
        let (mut reader, mut writer) = (Reader::new(reading), Writer(writing));
        let login = login.as_ref().map(|(user, password)| (user.as_str(), password.as_str()));
        let hello = wire::connect(&self.name, login, self.presence.as_ref(), KEEP_ALIVE);
        let talk = async {
            writer.write(&hello).await?;
            wire::greeted(&reader.next().await?)
        };
        timeout(STEP, talk).await.map_err(|_| Trouble::NotInTime)??;
        Ok((reader, writer))
    }
}

/// What waits for a confirmation.
enum Open {
    Done(Done),
    Nobody,
}

/// One connection, from greeting to end.
struct Talk<'a> {
    link: &'a mut Link,
    writer: Writer,
    open: HashMap<u16, Open>,
    last_id: u16,
}

impl<'a> Talk<'a> {
    fn new(link: &'a mut Link, writer: Writer) -> Self {
        Self { link, writer, open: HashMap::new(), last_id: 0 }
    }

    /// Until the connection ends, or (`Ok`) nobody is left who wants anything.
    async fn run(mut self, mut reader: Reader, jobs: &mut mpsc::Receiver<Job>) -> Result<(), Trouble> {
        self.begin().await?;
        let every = Duration::from_secs(u64::from(KEEP_ALIVE) / 2);
        let mut ask = interval_at(Instant::now() + every, every);
        ask.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut asked = false;
        loop {
            let room = self.open.len() < MOST_OPEN;
            tokio::select! {
                packet = reader.next() => {
                    asked = false;
                    self.heard(wire::told(packet?)?).await?;
                }
                job = jobs.recv(), if room => match job {
                    Some(job) => self.take(job).await?,
                    None => return self.end(&mut reader).await,
                },
                _ = ask.tick() => {
                    if asked {
                        return Err(Trouble::Silent);
                    }
                    asked = true;
                    self.write(&Packet::PingReq).await?;
                }
            }
        }
    }

    /// Says that we are there, and listens to what was listened to before.
    async fn begin(&mut self) -> Result<(), Trouble> {
        self.link.ears.retain(|ear| !ear.to.is_closed());
        let filters: Vec<Filter> = self.link.ears.iter().map(|ear| ear.filter.clone()).collect();
        for filter in filters {
            let id = self.number(Open::Nobody);
            self.write(&wire::subscribe(id, &filter)).await?;
        }
        if let Some(topic) = self.link.presence.clone() {
            let id = self.number(Open::Nobody);
            self.write(&wire::publish(id, &topic, Bytes::from_static(b"online"), true)).await?;
        }
        Ok(())
    }

    /// Nobody wants anything any more: a broker that is left in good order tells nobody, so we do. The connection is
    /// closed once the broker has it and has closed its side; a broker that finds it closed earlier takes us for gone
    /// and tells everybody once more.
    async fn end(&mut self, reader: &mut Reader) -> Result<(), Trouble> {
        let leaving = async {
            if let Some(topic) = self.link.presence.clone() {
                let id = self.number(Open::Nobody);
                self.write(&wire::publish(id, &topic, Bytes::from_static(b"offline"), true)).await?;
                while self.open.contains_key(&id) {
                    self.heard(wire::told(reader.next().await?)?).await?;
                }
            }
            self.write(&Packet::Disconnect).await?;
            while reader.next().await.is_ok() {}
            Ok(())
        };
        timeout(STEP, leaving).await.map_err(|_| Trouble::Silent)?
    }

    async fn take(&mut self, job: Job) -> Result<(), Trouble> {
        match job {
            // Whoever asked has given up already: it is not done behind their back.
            Job::Publish { done, .. } | Job::Listen { done, .. } if done.is_closed() => Ok(()),
            Job::Publish { topic, payload, retain, done } => {
                let id = self.number(Open::Done(done));
                self.write(&wire::publish(id, &topic, payload, retain)).await
            }
            Job::Listen { id: ear, filter, to, done } => {
                let id = self.number(Open::Done(done));
                self.link.ears.push(Ear { id: ear, filter: filter.clone(), to });
                self.write(&wire::subscribe(id, &filter)).await
            }
            Job::StopListening { id } => self.stop(|ear| ear.id == id).await,
        }
    }

    async fn stop(&mut self, these: impl Fn(&Ear) -> bool) -> Result<(), Trouble> {
        let gone: Vec<Filter> = self.link.ears.iter().filter(|ear| these(ear)).map(|ear| ear.filter.clone()).collect();
        self.link.ears.retain(|ear| !these(ear));
        for filter in gone {
            if self.link.ears.iter().all(|ear| ear.filter != filter) {
                let id = self.number(Open::Nobody);
                self.write(&wire::unsubscribe(id, &filter)).await?;
            }
        }
        Ok(())
    }

    async fn heard(&mut self, told: Told) -> Result<(), Trouble> {
        let settle = |open: Option<Open>, answer| {
            if let Some(Open::Done(done)) = open {
                let _ = done.send(answer);
            }
        };
        match told {
            Told::Message { topic, payload, retained, receipt } => {
                let left = self.pass_on(&Message { topic, payload, retained });
                if let Some(id) = receipt {
                    self.write(&wire::receipt(id)).await?;
                }
                if left {
                    self.stop(|ear| ear.to.is_closed()).await?;
                }
            }
            Told::Published(id) => settle(self.open.remove(&id), Ok(())),
            Told::Subscribed { id, taken } => {
                settle(self.open.remove(&id), if taken { Ok(()) } else { Err(Unpublished::Refused) });
            }
            Told::Unsubscribed(id) => settle(self.open.remove(&id), Ok(())),
            Told::Alive => {}
        }
        Ok(())
    }

    /// Gives a message to everybody who listens to its topic. Whether somebody no longer does.
    fn pass_on(&self, message: &Message) -> bool {
        let mut left = false;
        for ear in self.link.ears.iter().filter(|ear| ear.filter.fits(&message.topic)) {
            match ear.to.try_send(message.clone()) {
                Ok(()) => {}
                Err(TrySendError::Closed(_)) => left = true,
                Err(TrySendError::Full(_)) => tracing::warn!("a message of the MQTT broker was lost: too many at once"),
            }
        }
        left
    }

    /// A packet id that nothing waits under.
    fn number(&mut self, open: Open) -> u16 {
        loop {
            self.last_id = self.last_id.checked_add(1).unwrap_or(1);
            if !self.open.contains_key(&self.last_id) {
                self.open.insert(self.last_id, open);
                return self.last_id;
            }
        }
    }

    async fn write(&mut self, packet: &Packet) -> Result<(), Trouble> {
        timeout(STEP, self.writer.write(packet)).await.map_err(|_| Trouble::Silent)?
    }
}
