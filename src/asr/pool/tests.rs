//! The queue, with decoders that do as the test says.

use super::*;
use crate::asr::outcome::Transcript;
use std::sync::mpsc;

const LONG: Duration = Duration::from_secs(30);

/// A clip that passes the cheap checks; its length tells the fake decoder which one it is.
fn clip(id: usize) -> Arc<[f32]> {
    (0..16_000 + id).map(|i| if i % 2 == 0 { 0.1 } else { -0.1 }).collect()
}

fn request(id: usize, priority: Priority, within: Duration) -> HearRequest {
    HearRequest {
        samples: clip(id),
        priority,
        deadline: Instant::now() + within,
        names: vec![],
        retell: None,
        likely: None,
    }
}

fn words(text: String) -> Heard {
    let outcome = Ok(Transcript {
        heard: text.clone(),
        heard_confidence: vec![],
        text,
        confidence: 1.0,
        words: vec![],
        weighed: vec![],
        spelled: None,
        no_speech: 0.0,
    });
    Heard { outcome, timings: Timings { decode_ms: 1.0, ..Timings::default() } }
}

/// Decoders that report `id/threads`, wait for a word from the test (or to be stopped), then answer the id.
struct Stage {
    pool: Arc<Pool>,
    started: mpsc::Receiver<String>,
    go: mpsc::Sender<()>,
}

fn stage(states: usize, queue: usize, cores: usize) -> Stage {
    let (start, started) = mpsc::channel();
    let (go, wait) = mpsc::channel::<()>();
    let wait = Arc::new(Mutex::new(wait));
    let hearers = (0..states)
        .map(|_| {
            let (start, wait) = (start.clone(), Arc::clone(&wait));
            let hear: Hear = Box::new(move |request, threads, stop| {
                let id = request.samples.len() - 16_000;
                start.send(format!("{id}/{threads}")).unwrap();
                assert_ne!(id, 666, "this clip breaks the decoder");
                loop {
                    if stop.requested() {
                        return refusal(RejectionReason::DeadlinePassed, Instant::now());
                    }
                    if wait.lock().unwrap().try_recv().is_ok() {
                        return words(id.to_string());
                    }
                    std::thread::sleep(Duration::from_millis(1));
                }
            });
            hear
        })
        .collect();
    let pool = Arc::new(Pool::start(PoolLimits { states, queue, cores }, hearers, || 0).unwrap());
    Stage { pool, started, go }
}

impl Stage {
    fn ask(&self, id: usize, priority: Priority, within: Duration) -> tokio::task::JoinHandle<Heard> {
        let pool = Arc::clone(&self.pool);
        tokio::spawn(async move { pool.hear(request(id, priority, within)).await })
    }

    /// Asks, and waits until the clip is in the queue or refused.
    async fn line_up(&self, id: usize, priority: Priority) -> tokio::task::JoinHandle<Heard> {
        let before = self.pool.load_now().waiting;
        let asked = self.ask(id, priority, LONG);
        while self.pool.load_now().waiting == before && !asked.is_finished() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        asked
    }

    fn starts(&self) -> String {
        self.started.recv_timeout(LONG).unwrap()
    }
}

fn reason(heard: &Heard) -> RejectionReason {
    heard.outcome.as_ref().unwrap_err().reason
}

#[tokio::test(flavor = "multi_thread")]
async fn the_urgent_go_first_and_equals_in_order() {
    let s = stage(1, 10, 3);
    let first = s.ask(1, Priority::Interactive, LONG);
    assert_eq!(s.starts(), "1/2");
    let mut rest = vec![first];
    for (id, priority) in
        [(2, Priority::Batch), (3, Priority::Interactive), (4, Priority::Interactive), (5, Priority::Urgent)]
    {
        rest.push(s.line_up(id, priority).await);
    }
    let mut order = vec![];
    for _ in 0..4 {
        s.go.send(()).unwrap();
        order.push(s.starts());
    }
    s.go.send(()).unwrap();
    // Two threads again only when nobody waits.
    assert_eq!(order, ["5/1", "3/1", "4/1", "2/2"]);
    for (id, task) in (1..).zip(rest) {
        assert_eq!(task.await.unwrap().outcome.unwrap().text, id.to_string());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_small_machine_and_one_with_other_work_give_each_clip_one_thread() {
    for (cores, others, threads) in [(3, 0, 2), (3, 1, 1), (2, 0, 1)] {
        let (start, started) = mpsc::channel();
        let hear: Hear = Box::new(move |_, threads, _| {
            start.send(threads).unwrap();
            words(String::new())
        });
        let others_running: fn() -> usize = if others == 0 { || 0 } else { || 1 };
        let pool = Pool::start(PoolLimits { states: 2, queue: 4, cores }, vec![hear], others_running).unwrap();
        pool.hear(request(1, Priority::Interactive, LONG)).await;
        assert_eq!(started.recv_timeout(LONG).unwrap(), threads);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_queue_refuses_at_once_but_makes_room_for_the_urgent() {
    let s = stage(1, 2, 1);
    let _running = s.ask(1, Priority::Interactive, LONG);
    s.starts();
    let earlier = s.line_up(2, Priority::Interactive).await;
    let later = s.line_up(3, Priority::Interactive).await;
    let began = Instant::now();
    assert_eq!(reason(&s.pool.hear(request(4, Priority::Interactive, LONG)).await), RejectionReason::Overloaded);
    assert!(began.elapsed() < Duration::from_secs(1));
    let urgent = s.ask(5, Priority::Urgent, LONG);
    assert_eq!(reason(&later.await.unwrap()), RejectionReason::Overloaded);
    for _ in 0..3 {
        s.go.send(()).unwrap();
    }
    assert_eq!(urgent.await.unwrap().outcome.unwrap().text, "5");
    assert_eq!(earlier.await.unwrap().outcome.unwrap().text, "2");
}

#[tokio::test(flavor = "multi_thread")]
async fn no_hope_of_an_answer_in_time_is_said_at_once() {
    let s = stage(1, 10, 1);
    s.pool.shared.lock().ms_per_weight = Some(100.0); // a second's clip takes half a minute
    let _running = s.ask(1, Priority::Interactive, LONG);
    s.starts();
    let heard = s.pool.hear(request(2, Priority::Interactive, Duration::from_secs(5))).await;
    assert_eq!(reason(&heard), RejectionReason::Overloaded);
    let urgent = s.line_up(3, Priority::Urgent).await;
    assert!(!urgent.is_finished(), "an urgent clip is not turned away by an estimate");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deadline_ends_waiting_and_decoding() {
    let s = stage(1, 10, 1);
    let running = s.ask(1, Priority::Interactive, Duration::from_millis(300));
    s.starts();
    let waiting = s.ask(2, Priority::Interactive, Duration::from_millis(100));
    assert_eq!(reason(&waiting.await.unwrap()), RejectionReason::DeadlinePassed);
    assert_eq!(reason(&running.await.unwrap()), RejectionReason::DeadlinePassed);
    // The clip that expired in the queue is not decoded; the next one is.
    let next = s.ask(3, Priority::Interactive, LONG);
    assert_eq!(s.starts(), "3/1");
    s.go.send(()).unwrap();
    assert!(next.await.unwrap().outcome.is_ok());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_caller_who_leaves_gives_the_decoder_back() {
    let s = stage(1, 10, 1);
    let gone = s.ask(1, Priority::Interactive, LONG);
    s.starts();
    gone.abort();
    let next = s.ask(2, Priority::Interactive, LONG);
    assert_eq!(s.starts(), "2/1");
    s.go.send(()).unwrap();
    assert!(next.await.unwrap().outcome.is_ok());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_panic_costs_one_clip() {
    let s = stage(1, 10, 1);
    let broken = s.pool.hear(request(666, Priority::Interactive, LONG)).await;
    assert_eq!(reason(&broken), RejectionReason::Failed);
    s.go.send(()).unwrap();
    assert!(s.pool.hear(request(1, Priority::Interactive, LONG)).await.outcome.is_ok());
    assert_eq!(s.pool.load_now(), Load { waiting: 0, busy: 0 });
}

#[tokio::test(flavor = "multi_thread")]
async fn batch_work_leaves_a_decoder_free() {
    let s = stage(2, 10, 2);
    let batch = [s.ask(1, Priority::Batch, LONG), s.ask(2, Priority::Batch, LONG)];
    s.starts();
    while s.pool.load_now().waiting == 0 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    let live = s.ask(3, Priority::Interactive, LONG);
    assert_eq!(s.starts(), "3/1");
    for _ in 0..3 {
        s.go.send(()).unwrap();
    }
    for task in batch.into_iter().chain([live]) {
        assert!(task.await.unwrap().outcome.is_ok());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn closing_answers_everybody() {
    let s = stage(1, 10, 1);
    let running = s.ask(1, Priority::Interactive, LONG);
    s.starts();
    let waiting = s.line_up(2, Priority::Interactive).await;
    s.pool.shared.close();
    assert_eq!(reason(&waiting.await.unwrap()), RejectionReason::Overloaded);
    assert_eq!(reason(&running.await.unwrap()), RejectionReason::DeadlinePassed);
    assert_eq!(reason(&s.pool.hear(request(3, Priority::Urgent, LONG)).await), RejectionReason::Overloaded);
}

#[tokio::test(flavor = "multi_thread")]
async fn silence_and_clicks_never_reach_a_decoder() {
    let s = stage(1, 10, 1);
    let mut silent = request(1, Priority::Interactive, LONG);
    silent.samples = vec![0.0; 80_000].into();
    let mut short = request(1, Priority::Interactive, LONG);
    short.samples = vec![0.5; 800].into();
    assert_eq!(reason(&s.pool.hear(silent).await), RejectionReason::Silence);
    assert_eq!(reason(&s.pool.hear(short).await), RejectionReason::TooShort);
    assert!(s.started.try_recv().is_err());
}
