//! A server with devices, its program real but for how long an answer takes and what it sounds like; and links that break.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use jiff::{SignedDuration, Timestamp};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    sync::{oneshot, watch},
    task::JoinHandle,
};
use wellspoken::{
    app::Senses,
    channels::{
        Backend, Devices, Holder, Opened, Part, Soon, Sound, Unavailable,
        http::{Doors, Drained, Limits, Listener, StreamLimits},
    },
    cli::{
        device::{
            line::{Identity, Line, LineError, Target, Told},
            talk::Utterance,
        },
        serve::Program,
    },
    config::HttpConfig,
    device::{
        DeviceEvent, QueuedEvent, Wake,
        message::{About, Down, Reason, Up},
    },
    policy::{Caller, CredentialId, RoomId, Surface, TurnId},
    store::{Grant, NewEvent, To, Whose},
    turn::{Could, Early, Expected, Intended, TurnRequest, TurnResult},
};

use crate::{
    residue::Folder,
    support::{Scratch, now, with_senses},
};

/// How the program differs from the real one.
#[derive(Default)]
pub struct Customs {
    /// Seconds of sound, at 8 kHz, that every text has.
    pub voice: Option<usize>,
    /// How much longer an answer takes.
    pub takes: Duration,
    /// How long a device may listen for the answer to every answer.
    pub follow_up_ms: u32,
    /// It has the hearing model.
    pub ears: bool,
    /// Sound that may go on is heard without end.
    pub hears_forever: bool,
    pub limits: StreamLimits,
}

/// The program, with those customs.
pub struct Staged {
    pub program: Arc<Program>,
    customs: Customs,
    pub turns: AtomicUsize,
    pub ahead: watch::Sender<Ahead>,
}

/// What was to be heard before it was over.
#[derive(Default)]
pub struct Ahead {
    /// How many samples each time.
    pub asked: Vec<usize>,
    /// How often it was given up.
    pub given_up: usize,
}

struct GivenUp<'a>(&'a watch::Sender<Ahead>);

impl Drop for GivenUp<'_> {
    fn drop(&mut self) {
        self.0.send_modify(|ahead| ahead.given_up += 1);
    }
}

impl Backend for Staged {
    fn turn(&self, request: TurnRequest) -> Soon<'_, TurnResult> {
        Box::pin(async move {
            self.turns.fetch_add(1, Ordering::SeqCst);
            let mut result = self.program.turn(request).await;
            tokio::time::sleep(self.customs.takes).await;
            result.follow_up_ms = self.customs.follow_up_ms;
            result
        })
    }

    fn has_room(&self) -> bool {
        self.customs.hears_forever || Backend::has_room(&*self.program)
    }

    fn ahead(&self, sound: Arc<[f32]>, expected: Expected) -> Soon<'_, Option<Early>> {
        if !self.customs.hears_forever {
            return Backend::ahead(&*self.program, sound, expected);
        }
        self.ahead.send_modify(|ahead| ahead.asked.push(sound.len()));
        let given_up = GivenUp(&self.ahead);
        Box::pin(async move {
            let _given_up = given_up;
            std::future::pending().await
        })
    }

    fn authenticate<'a>(&'a self, token: &'a str) -> Soon<'a, Result<Option<Holder>, Unavailable>> {
        self.program.authenticate(token)
    }

    fn recognize<'a>(&'a self, token: &'a str) -> Soon<'a, Result<Option<Holder>, Unavailable>> {
        self.program.recognize(token)
    }

    fn redeem<'a>(&'a self, link: &'a str) -> Soon<'a, Result<Option<Opened>, Unavailable>> {
        self.program.redeem(link)
    }

    fn close<'a>(&'a self, token: &'a str) -> Soon<'a, Result<(), Unavailable>> {
        Backend::close(&*self.program, token)
    }

    fn readiness(&self) -> Soon<'_, Vec<Part>> {
        self.program.readiness()
    }

    fn unit<'a>(&'a self, skill: &'a str, unit: &'a str) -> Soon<'a, Result<Option<Caller>, Unavailable>> {
        self.program.unit(skill, unit)
    }

    fn could(&self, surface: &Surface, asked: &Intended) -> Could {
        self.program.could(surface, asked)
    }

    fn now(&self) -> Timestamp {
        self.program.now()
    }

    fn waiting(&self) -> usize {
        self.program.waiting()
    }
}

impl Devices for Staged {
    fn listen(&self, caller: &Caller) -> Wake {
        self.program.listen(caller)
    }

    fn after<'a>(&'a self, caller: &'a Caller, seq: i64) -> Soon<'a, Result<Vec<QueuedEvent>, Unavailable>> {
        self.program.after(caller, seq)
    }

    fn acked<'a>(&'a self, caller: &'a Caller, seq: i64) -> Soon<'a, Result<(), Unavailable>> {
        self.program.acked(caller, seq)
    }

    fn speak(&self, _: String, _: bool) -> Option<Sound> {
        let seconds = self.customs.voice?;
        let (made, pieces) = tokio::sync::mpsc::channel(seconds);
        for n in 0..seconds {
            made.try_send(Bytes::from(vec![n as u8; 16_000])).expect("there is room for all of it");
        }
        Some(Sound { rate: 8000, pieces })
    }

    fn is_there<'a>(&'a self, caller: &'a Caller, about: &'a About) -> Soon<'a, ()> {
        self.program.is_there(caller, about)
    }

    fn has_settings<'a>(&'a self, caller: &'a Caller, version: i64) -> Soon<'a, ()> {
        self.program.has_settings(caller, version)
    }
}

/// A server.
pub struct Stage {
    pub staged: Arc<Staged>,
    pub url: String,
    _dir: Folder,
    stop: Option<oneshot::Sender<()>>,
    served: JoinHandle<Drained>,
}

impl Stage {
    pub async fn open(customs: Customs) -> Self {
        let Scratch { app, dir } = with_senses(Senses { ears: customs.ears, voice: false }).await;
        assert!(!customs.ears || app.warnings.is_empty(), "{:?}; run: make models", app.warnings);
        let program = Arc::new(Program::new(app));
        let limits = Limits { stream: customs.limits.clone(), ..Limits::default() };
        let staged = Arc::new(Staged {
            program: program.clone(),
            customs,
            turns: AtomicUsize::new(0),
            ahead: watch::Sender::default(),
        });
        let config = HttpConfig { listen: "127.0.0.1:0".into(), ..HttpConfig::default() };
        let listener = Listener::bind(&config).await.expect("a free port");
        let url = listener.url();
        let doors = Doors::new(staged.clone(), &[], limits).with_devices(staged.clone()).with_bell(program);
        let (stop, stopped) = oneshot::channel::<()>();
        let served = tokio::spawn(listener.serve(doors, async {
            let _ = stopped.await;
        }));
        Self { staged, url, _dir: dir, stop: Some(stop), served }
    }

    /// Lets a device in.
    pub async fn device(&self, token: &str, surface: Surface) -> CredentialId {
        let expires = now() + SignedDuration::from_hours(12);
        let grant = Grant { surface, person: None, label: String::new(), one_time: false, expires };
        self.store().issue(&grant, token, now()).await.expect("issued")
    }

    pub fn store(&self) -> &wellspoken::store::Store {
        self.staged.program.app().store()
    }

    pub fn target(&self, token: &str) -> Target {
        target(&self.url, token)
    }

    pub fn address(&self) -> String {
        self.url.split("//").nth(1).expect("an address").to_owned()
    }

    /// A connection that has said hello and was welcomed.
    pub async fn line(&self, token: &str) -> Line {
        let mut line = Line::open(&self.target(token)).await.expect("let in");
        line.tell(&hello(0)).await.expect("sent");
        assert!(matches!(line.next().await, Ok(Told::Message(Down::Welcome { .. }))));
        line
    }

    /// Queues words for a device.
    pub async fn say(&self, device: &CredentialId, name: &str, text: &str) {
        let event = DeviceEvent::Say { text: text.into() };
        let until = now() + SignedDuration::from_hours(1);
        let new = NewEvent { name, event: &event, whose: Whose::There, until };
        assert_eq!(self.store().push_event(&[To::Device(device)], &new, now()).await.expect("queued"), 1);
    }

    /// What stands on the board for a room.
    pub async fn board(&self, name: &str) -> usize {
        self.store().board(Some(&room(name))).await.expect("read").len()
    }

    pub fn turns(&self) -> usize {
        self.staged.turns.load(Ordering::SeqCst)
    }

    pub async fn stop(mut self) -> Drained {
        let _ = self.stop.take().expect("once").send(());
        self.served.await.expect("in order")
    }

    pub fn ask_to_stop(&mut self) {
        let _ = self.stop.take().expect("once").send(());
    }
}

pub fn target(url: &str, token: &str) -> Target {
    Target::new(url, Some(token.to_owned()), &Identity::default()).expect("an address")
}

pub fn hello(last_seq: i64) -> Up {
    Up::Hello { last_seq, speech: true, about: About::default() }
}

pub fn listen(name: &str, reason: Reason) -> Up {
    Up::Listen { utterance: TurnId::parse(name).expect("fits"), reason, session: None }
}

pub fn room(name: &str) -> RoomId {
    RoomId::parse(name).expect("fits")
}

pub fn bed(name: &str) -> Surface {
    Surface::Room(room(name))
}

/// Somebody speaks for so long, and then nobody.
pub fn spoken(speech_ms: usize, silence_ms: usize) -> Vec<i16> {
    let speech = (0..speech_ms * 16).map(|i| (6000.0 * (i as f32 * 0.31).sin()) as i16);
    speech.chain(std::iter::repeat_n(0, silence_ms * 16)).collect()
}

pub fn utterance<'a>(name: &str, samples: &'a [i16]) -> Utterance<'a> {
    Utterance { name: TurnId::parse(name).expect("fits"), reason: Reason::Wake, session: None, samples, fast: true }
}

/// What comes next, but for what does not matter here.
pub async fn next(line: &mut Line) -> Result<Told, LineError> {
    tokio::time::timeout(Duration::from_secs(20), line.next()).await.expect("something comes")
}

/// How a connection ends, whatever comes before.
pub async fn ending(line: &mut Line) -> LineError {
    loop {
        match next(line).await {
            Ok(_) => {}
            Err(error) => return error,
        }
    }
}

/// A link between a device and the server that breaks after so many bytes, once.
pub struct Link {
    pub url: String,
    /// Bytes that went over each connection by the end of every piece, both ways together.
    pub steps: Arc<Mutex<Vec<Vec<usize>>>>,
}

impl Link {
    pub async fn to(server: String, breaks_after: Option<usize>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let steps: Arc<Mutex<Vec<Vec<usize>>>> = Arc::default();
        let log = steps.clone();
        tokio::spawn(async move {
            let mut breaks_after = breaks_after;
            while let Ok((device, _)) = listener.accept().await {
                let server = TcpStream::connect(&server).await.expect("the server is there");
                let number = {
                    let mut log = log.lock().expect("no panic");
                    log.push(vec![]);
                    log.len() - 1
                };
                tokio::spawn(carry(device, server, breaks_after.take().unwrap_or(usize::MAX), log.clone(), number));
            }
        });
        Self { url, steps }
    }
}

async fn carry(device: TcpStream, server: TcpStream, most: usize, log: Arc<Mutex<Vec<Vec<usize>>>>, number: usize) {
    let (mut from_device, mut to_device) = device.into_split();
    let (mut from_server, mut to_server) = server.into_split();
    let (mut up, mut down) = (vec![0; 4096], vec![0; 4096]);
    let mut carried = 0;
    loop {
        let (piece, to) = tokio::select! {
            read = from_device.read(&mut up) => (&up[..read.unwrap_or(0)], &mut to_server),
            read = from_server.read(&mut down) => (&down[..read.unwrap_or(0)], &mut to_device),
        };
        let piece = &piece[..piece.len().min(most - carried)];
        if piece.is_empty() || to.write_all(piece).await.is_err() {
            return;
        }
        carried += piece.len();
        log.lock().expect("no panic")[number].push(carried);
        if carried >= most {
            return;
        }
    }
}
