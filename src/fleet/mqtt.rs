//! Talking to an MQTT broker (3.1.1): publishing, and knowing that the broker has it; listening.
//!
//! Invariants: "published" is said only of what the broker confirmed (QoS 1); what could not be confirmed is given up and is
//! not sent later, so that no lamp turns on in the middle of the night because a broker came back; whoever waits, waits no
//! longer than they said. Packets are read and written by `rumqttc::mqttbytes`; the connection is our own, because its event
//! loop sends again what was given up.

mod link;
mod topic;
mod way;
mod wire;

use std::{
    path::PathBuf,
    sync::{Arc, OnceLock},
    time::Duration,
};

use bytes::Bytes;
use tokio::{
    sync::{mpsc, oneshot, watch},
    time::timeout,
};

pub use topic::{Filter, Topic};

use crate::config::MqttConfig;
use link::{Job, Link};
use way::Way;

/// What may wait to be written.
const QUEUE: usize = 1024;
/// Messages that may wait for one listener; more are lost to it.
const INBOX: usize = 64;

/// Why the broker cannot be used as configured.
#[derive(Debug, thiserror::Error)]
pub enum MqttError {
    /// A file cannot be read.
    #[error("{setting}: cannot read {path}: {source}")]
    Read {
        /// The setting that names it.
        setting: &'static str,
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        source: std::io::Error,
    },
    /// A file can be read and is no good.
    #[error("{setting}: {path}: {why}")]
    NoGood {
        /// The setting that names it.
        setting: &'static str,
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: &'static str,
    },
    /// It is no address of a broker.
    #[error("mqtt.broker: must be mqtts://HOST:PORT, or mqtt://HOST:PORT on this machine")]
    Address,
    /// The TLS library refuses what it was given.
    #[error("mqtt: TLS cannot be set up")]
    Tls,
}

/// Why there is no connection to the broker. Never what the broker said, nor what was published.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Trouble {
    /// Nothing listens there.
    #[error("nobody is there")]
    NobodyThere,
    /// Connecting or greeting took too long.
    #[error("not in time")]
    NotInTime,
    /// Its certificate does not come from the authorities that were named, or it speaks no TLS.
    #[error("its certificate is not trusted")]
    NotTrusted,
    /// It does not know our name and password.
    #[error("it does not know this name and password")]
    NotKnown,
    /// It does not take us for another reason.
    #[error("it refuses the connection")]
    Refused,
    /// The connection ended.
    #[error("the connection broke off")]
    BrokeOff,
    /// It is alive no more, or no longer answers.
    #[error("it fell silent")]
    Silent,
    /// What it says is not MQTT 3.1.1.
    #[error("it does not speak MQTT 3.1.1")]
    NotMqtt,
    /// Our own name or password cannot be read.
    #[error("name and password cannot be read; see mqtt.password_file")]
    NoLogin,
}

/// Why something was not published, or not listened to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unpublished {
    /// There is no connection; nothing was sent.
    #[error("the broker is not connected: {0}")]
    NotConnected(Trouble),
    /// The broker did not confirm it in time. It may have it.
    #[error("the broker did not confirm it in time")]
    Late,
    /// The connection broke off before the broker confirmed it. It may have it.
    #[error("the connection broke off before the broker confirmed it")]
    Lost,
    /// Too much waits; nothing was sent.
    #[error("too much waits for the broker")]
    Busy,
    /// It is too long; nothing was sent.
    #[error("it is too long to be published")]
    TooLong,
    /// The broker does not let us listen there.
    #[error("the broker does not let us listen to this")]
    Refused,
}

/// Something that was published on a topic that is listened to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// The topic.
    pub topic: String,
    /// What it says: anybody's bytes.
    pub payload: Bytes,
    /// It was kept by the broker and is not new.
    pub retained: bool,
}

/// A broker. Connected when it is first needed, and from then on again whenever the connection ends.
pub struct Mqtt {
    way: Arc<Way>,
    name: String,
    own: String,
    jobs: OnceLock<mpsc::Sender<Job>>,
    connected: watch::Sender<bool>,
}

/// A topic that is listened to, until it is dropped.
pub struct Listening {
    inbox: mpsc::Receiver<Message>,
    id: u64,
    jobs: mpsc::Sender<Job>,
}

impl Mqtt {
    /// A broker as configured; nothing is connected yet. `id` tells this program from every other that uses the broker.
    ///
    /// # Errors
    /// When a file that is needed cannot be used.
    pub fn new(config: &MqttConfig, id: u64) -> Result<Self, MqttError> {
        let way = Arc::new(Way::new(config)?);
        // Brokers must take names of 23 letters and digits, and need take no others.
        let name = format!("ws{id:016x}");
        Ok(Self { way, name, own: config.topic.clone(), jobs: OnceLock::new(), connected: watch::Sender::new(false) })
    }

    /// Connects, and tells on the topic `…/status` whether this program is there: `online`, and `offline` once it is not.
    /// For the program that stays; has no effect once something was published or listened to.
    pub fn stay(&self) {
        self.jobs(self.status());
    }

    /// Where it tells whether this program is there.
    #[must_use]
    pub fn status(&self) -> Option<Topic> {
        Topic::parse(&format!("{}/status", self.own))
    }

    /// What the program's own topics begin with.
    #[must_use]
    pub fn own(&self) -> &str {
        &self.own
    }

    /// Whether it is connected now.
    #[must_use]
    pub fn connected(&self) -> bool {
        *self.connected.borrow()
    }

    /// Waits until it is connected; whether it is by then.
    pub async fn ready(&self, within: Duration) -> bool {
        self.jobs(None);
        let mut connected = self.connected.subscribe();
        matches!(timeout(within, connected.wait_for(|connected| *connected)).await, Ok(Ok(_)))
    }

    /// Publishes, and waits for the broker to confirm it (QoS 1). `retain`: whoever listens later hears it, too.
    ///
    /// # Errors
    /// Why it is not known to be published. What was not confirmed is not sent again.
    pub async fn publish(
        &self,
        topic: &Topic,
        payload: impl Into<Bytes>,
        retain: bool,
        within: Duration,
    ) -> Result<(), Unpublished> {
        let payload = payload.into();
        if payload.len() > wire::LONGEST / 2 {
            return Err(Unpublished::TooLong);
        }
        let (done, told) = oneshot::channel();
        let job = Job::Publish { topic: topic.clone(), payload, retain, done };
        self.jobs(None).try_send(job).map_err(|_| Unpublished::Busy)?;
        answer(told, within).await
    }

    /// Listens from now on, through every new connection; first comes what the broker kept of these topics.
    ///
    /// # Errors
    /// Why it does not listen.
    pub async fn listen(&self, filter: &Filter, within: Duration) -> Result<Listening, Unpublished> {
        let (to, inbox) = mpsc::channel(INBOX);
        let (done, told) = oneshot::channel();
        let (id, jobs) = (link::fresh(), self.jobs(None).clone());
        // Made before it is asked for, so that giving up ends it.
        let listening = Listening { inbox, id, jobs: jobs.clone() };
        jobs.try_send(Job::Listen { id, filter: filter.clone(), to, done }).map_err(|_| Unpublished::Busy)?;
        answer(told, within).await?;
        Ok(listening)
    }

    fn jobs(&self, presence: Option<Topic>) -> &mpsc::Sender<Job> {
        self.jobs.get_or_init(|| {
            let (jobs, todo) = mpsc::channel(QUEUE);
            let (way, name, connected) = (Arc::clone(&self.way), self.name.clone(), self.connected.clone());
            tokio::spawn(Link::new(way, name, presence, connected).run(todo));
            jobs
        })
    }
}

async fn answer(told: oneshot::Receiver<Result<(), Unpublished>>, within: Duration) -> Result<(), Unpublished> {
    match timeout(within, told).await {
        Ok(Ok(answer)) => answer,
        Ok(Err(_)) => Err(Unpublished::Lost),
        Err(_) => Err(Unpublished::Late),
    }
}

impl Listening {
    /// The next message; `None` once the broker is no longer used.
    pub async fn next(&mut self) -> Option<Message> {
        self.inbox.recv().await
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        // Where the queue is full, the link notices with the next message that nobody takes it.
        let _ = self.jobs.try_send(Job::StopListening { id: self.id });
    }
}
