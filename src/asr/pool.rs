//! Many clips at once: a bounded queue by urgency, and one decoder per core on threads of their own.
//!
//! Under load one thread a decoder beats more, by far: the model's threads spin while they wait for each other, so
//! one that lost its core holds up the rest. With a single clip and an idle machine, two threads answer sooner, as long as a core is
//! left for those who only pass a message on: on two cores, two threads took 60 ms undisturbed and 100 to 300 ms beside a device
//! that sends sound, one thread 90 ms. So the number is chosen when a clip is taken up, by what waits here and by what else the
//! machine runs.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc, Condvar, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread::JoinHandle,
    time::{Duration, Instant},
};

use tokio::sync::oneshot;

use super::{
    listen::{Beside, Listener, weight, worth_hearing},
    outcome::{Heard, Rejection, RejectionReason, Timings},
    vad,
    weigh::{Likely, Retell},
    whisper::{Stop, Whisper, WhisperError},
};
use crate::config::HearConfig;

/// Who goes first. Within one class, who came first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Priority {
    /// Files; nobody waits.
    Batch,
    /// Somebody waits for an answer.
    Interactive,
    /// It may be an emergency: always admitted, at the cost of whoever is last.
    Urgent,
}

/// One clip to hear.
#[derive(Debug, Clone)]
pub struct HearRequest {
    /// 16 kHz, one channel, -1 to 1, as [`super::wav::decode`] gives it.
    pub samples: Arc<[f32]>,
    /// Who goes first.
    pub priority: Priority,
    /// When the answer is worth nothing any more.
    pub deadline: Instant,
    /// Words that are likely: the person's medicines and providers, most likely first. Costs up to twice the time;
    /// can also make the model hear a listed name that was not said, so read back what it gives.
    pub names: Vec<String>,
    /// What else may have been said is weighed.
    pub retell: Option<Retell>,
    /// What was asked makes this likely.
    pub likely: Option<Likely>,
}

/// How many decoders and how long a queue.
#[derive(Debug, Clone, Copy)]
pub struct PoolLimits {
    /// Decoders, at least 1.
    pub states: usize,
    /// Clips that may wait.
    pub queue: usize,
    /// Cores of the machine.
    pub cores: usize,
}

/// What the pool is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Load {
    /// Clips that wait.
    pub waiting: usize,
    /// Clips being decoded.
    pub busy: usize,
}

/// The decoders. Dropping it refuses what waits, stops what runs and ends the threads.
pub struct Pool {
    shared: Arc<Shared>,
    workers: Vec<JoinHandle<()>>,
}

/// What a worker calls to hear one clip, with so many threads.
type Hear = Box<dyn FnMut(&HearRequest, usize, Stop<'_>) -> Heard + Send>;

impl PoolLimits {
    /// Limits from the configuration, on a machine with so many cores.
    #[must_use]
    pub fn new(config: &HearConfig, cores: usize) -> Self {
        let cores = cores.max(1);
        Self { states: if config.states == 0 { cores } else { config.states }, queue: config.queue, cores }
    }
}

impl Pool {
    /// Loads the weights once and starts a decoder per state. No file is read later.
    ///
    /// # Errors
    /// When the weights cannot be loaded, or there is no memory for the decoders.
    pub fn load(weights: Vec<u8>, limits: PoolLimits) -> Result<Self, WhisperError> {
        let whisper = Arc::new(Whisper::load(weights)?);
        let hearers = (0..limits.states.max(1))
            .map(|_| {
                let mut listener = Listener::new(Arc::clone(&whisper))?;
                let hear: Hear = Box::new(move |request, threads, stop| {
                    // What sounds like a cry is heard whatever else it sounds like.
                    if request.priority < Priority::Urgent && !vad::somebody_speaks(&request.samples) {
                        let outcome = Err(Rejection::unheard(RejectionReason::NoVoice));
                        return Heard { outcome, timings: Timings::default() };
                    }
                    let beside = Beside { retell: request.retell.as_ref(), likely: request.likely.as_ref() };
                    listener.hear_weighing(&request.samples, &request.names, beside, threads, stop)
                });
                Ok(hear)
            })
            .collect::<Result<Vec<_>, WhisperError>>()?;
        Self::start(limits, hearers, others_running).map_err(|e| WhisperError::State(e.to_string()))
    }

    fn start(limits: PoolLimits, hearers: Vec<Hear>, others_running: fn() -> usize) -> std::io::Result<Self> {
        let shared = Arc::new(Shared { limits, others_running, queue: Mutex::default(), changed: Condvar::new() });
        let mut pool = Self { shared, workers: Vec::new() };
        for (i, hear) in hearers.into_iter().enumerate() {
            let shared = Arc::clone(&pool.shared);
            let worker = std::thread::Builder::new().name(format!("hear-{i}")).spawn(move || shared.work(hear))?;
            pool.workers.push(worker);
        }
        Ok(pool)
    }

    /// Hears one clip, or says why not: at once when it is silent or there is no hope of an answer in time, and
    /// shortly after its deadline at the latest. Dropping the future gives the decoder back.
    pub async fn hear(&self, request: HearRequest) -> Heard {
        if let Err(rejection) = worth_hearing(&request.samples) {
            return Heard { outcome: Err(rejection), timings: Timings::default() };
        }
        let arrived = Instant::now();
        let deadline = request.deadline;
        let cancelled = Arc::new(AtomicBool::new(false));
        let _given_up = CancelOnDrop(Arc::clone(&cancelled));
        let answer = match self.shared.admit(request, cancelled, arrived) {
            Ok(answer) => answer,
            Err(reason) => return refusal(reason, arrived),
        };
        match tokio::time::timeout_at((deadline + GRACE).into(), answer).await {
            Ok(Ok(heard)) => heard,
            Ok(Err(_)) => refusal(RejectionReason::Failed, arrived),
            Err(_) => refusal(RejectionReason::DeadlinePassed, arrived),
        }
    }

    /// Whether a decoder is free and nobody waits for one.
    #[must_use]
    pub fn has_room(&self) -> bool {
        let Load { waiting, busy } = self.load_now();
        waiting == 0 && busy < self.shared.limits.states
    }

    /// How many clips were taken on so far, one that is heard twice counted twice.
    #[must_use]
    pub fn listens(&self) -> u64 {
        self.shared.lock().arrivals
    }

    /// What the pool is doing right now.
    #[must_use]
    pub fn load_now(&self) -> Load {
        let queue = self.shared.lock();
        Load { waiting: queue.waiting.len(), busy: queue.running.len() }
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        self.shared.close();
        for worker in self.workers.drain(..) {
            let _ = worker.join(); // a panic outside a decode has been printed by its thread
        }
    }
}

/// Threads that run on this machine right now besides the one that asks. Zero where the system does not tell.
fn others_running() -> usize {
    // The fourth field: running/all. Costs some microseconds.
    let running = std::fs::read_to_string("/proc/loadavg")
        .ok()
        .and_then(|line| line.split(' ').nth(3)?.split_once('/')?.0.parse::<usize>().ok());
    running.unwrap_or(1).saturating_sub(1)
}

/// A decoder that notices the deadline still hands over what it has; the caller waits this long for it.
const GRACE: Duration = Duration::from_millis(100);

struct CancelOnDrop(Arc<AtomicBool>);

impl Drop for CancelOnDrop {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

struct Shared {
    limits: PoolLimits,
    others_running: fn() -> usize,
    queue: Mutex<Queue>,
    changed: Condvar,
}

#[derive(Default)]
struct Queue {
    waiting: Vec<Job>,
    running: Vec<Running>,
    arrivals: u64,
    closed: bool,
    /// What one unit of [`weight`] costs, as measured lately; unknown until the first clip is done.
    ms_per_weight: Option<f64>,
}

struct Job {
    request: HearRequest,
    weight: f64,
    arrival: u64,
    arrived: Instant,
    cancelled: Arc<AtomicBool>,
    answer: oneshot::Sender<Heard>,
}

struct Running {
    arrival: u64,
    priority: Priority,
    weight: f64,
    cancelled: Arc<AtomicBool>,
}

impl Shared {
    /// Nothing panics while it holds the lock; were it to, the queue would still be whole.
    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn admit(
        &self,
        request: HearRequest,
        cancelled: Arc<AtomicBool>,
        now: Instant,
    ) -> Result<oneshot::Receiver<Heard>, RejectionReason> {
        let mut queue = self.lock();
        queue.forget_expired(now);
        if queue.closed {
            return Err(RejectionReason::Overloaded);
        }
        let urgent = request.priority == Priority::Urgent;
        if !urgent && now + queue.expected_wait(request.priority, self.limits.states) > request.deadline {
            return Err(RejectionReason::Overloaded);
        }
        if queue.waiting.len() >= self.limits.queue {
            match queue.last_in_line() {
                Some(last) if queue.waiting[last].request.priority < request.priority => {
                    queue.waiting.swap_remove(last).refuse(RejectionReason::Overloaded);
                }
                _ => return Err(RejectionReason::Overloaded),
            }
        }
        let (answer, receiver) = oneshot::channel();
        let weight = weight(&request.samples, &request.names);
        queue.arrivals += 1;
        let arrival = queue.arrivals;
        queue.waiting.push(Job { request, weight, arrival, arrived: now, cancelled, answer });
        drop(queue);
        self.changed.notify_all();
        Ok(receiver)
    }

    fn work(&self, mut hear: Hear) {
        while let Some((job, threads)) = self.take() {
            let queue_ms = job.arrived.elapsed().as_secs_f64() * 1e3;
            let stop = Stop { deadline: job.request.deadline, cancelled: &job.cancelled };
            // The listener lends its decoder out for a pass; after a panic it simply sets up another.
            let heard = catch_unwind(AssertUnwindSafe(|| hear(&job.request, threads, stop))).unwrap_or_else(|_| {
                tracing::error!("a decoder panicked; its clip is lost");
                refusal(RejectionReason::Failed, job.arrived)
            });
            self.done(&job, heard.timings);
            let _ = job.answer.send(Heard { timings: Timings { queue_ms, ..heard.timings }, ..heard }); // the caller may have left
        }
    }

    /// Waits for the next clip; none when the pool closes.
    fn take(&self) -> Option<(Job, usize)> {
        let mut queue = self.lock();
        loop {
            if queue.closed {
                return None;
            }
            queue.forget_expired(Instant::now());
            if let Some(next) = queue.next(self.limits.states) {
                let job = queue.waiting.swap_remove(next);
                queue.running.push(Running {
                    arrival: job.arrival,
                    priority: job.request.priority,
                    weight: job.weight,
                    cancelled: Arc::clone(&job.cancelled),
                });
                let alone = queue.waiting.is_empty() && queue.running.len() * 2 <= self.limits.cores;
                drop(queue);
                let idle = || self.limits.cores > (self.others_running)() + 2;
                return Some((job, if alone && idle() { 2 } else { 1 }));
            }
            queue = self.changed.wait(queue).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn done(&self, job: &Job, took: Timings) {
        let mut queue = self.lock();
        queue.running.retain(|r| r.arrival != job.arrival);
        if took.passes > 0 {
            let latest = took.decode_ms / job.weight;
            queue.ms_per_weight = Some(queue.ms_per_weight.map_or(latest, |before| 0.8 * before + 0.2 * latest));
        }
        drop(queue);
        self.changed.notify_all(); // a batch clip may have its turn now
    }

    fn close(&self) {
        let mut queue = self.lock();
        queue.closed = true;
        for job in queue.waiting.drain(..) {
            job.refuse(RejectionReason::Overloaded);
        }
        for running in &queue.running {
            running.cancelled.store(true, Ordering::Relaxed);
        }
        drop(queue);
        self.changed.notify_all();
    }
}

impl Queue {
    fn forget_expired(&mut self, now: Instant) {
        for i in (0..self.waiting.len()).rev() {
            let job = &self.waiting[i];
            if now >= job.request.deadline || job.cancelled.load(Ordering::Relaxed) {
                self.waiting.swap_remove(i).refuse(RejectionReason::DeadlinePassed);
            }
        }
    }

    /// The most urgent, then the earliest. Batch work never holds the last free decoder.
    fn next(&self, states: usize) -> Option<usize> {
        let batch = self.running.iter().filter(|r| r.priority == Priority::Batch).count();
        let batch_may = batch < (states - 1).max(1);
        (0..self.waiting.len())
            .filter(|i| batch_may || self.waiting[*i].request.priority > Priority::Batch)
            .max_by_key(|i| (self.waiting[*i].request.priority, std::cmp::Reverse(self.waiting[*i].arrival)))
    }

    fn last_in_line(&self) -> Option<usize> {
        (0..self.waiting.len())
            .min_by_key(|i| (self.waiting[*i].request.priority, std::cmp::Reverse(self.waiting[*i].arrival)))
    }

    /// How long a clip would wait for a decoder: all that goes before it, and half of what runs.
    fn expected_wait(&self, priority: Priority, states: usize) -> Duration {
        if self.running.len() < states {
            return Duration::ZERO;
        }
        let before: f64 = self.waiting.iter().filter(|j| j.request.priority >= priority).map(|j| j.weight).sum();
        let running: f64 = self.running.iter().map(|r| r.weight).sum();
        let ms = (before + running / 2.0) * self.ms_per_weight.unwrap_or_default() / states as f64;
        Duration::try_from_secs_f64(ms / 1e3).unwrap_or(Duration::MAX)
    }
}

impl Job {
    fn refuse(self, reason: RejectionReason) {
        let _ = self.answer.send(refusal(reason, self.arrived)); // the caller may have left
    }
}

fn refusal(reason: RejectionReason, arrived: Instant) -> Heard {
    let queue_ms = arrived.elapsed().as_secs_f64() * 1e3;
    Heard { outcome: Err(Rejection::unheard(reason)), timings: Timings { queue_ms, ..Timings::default() } }
}

#[cfg(test)]
mod tests;
