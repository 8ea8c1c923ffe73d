//! The webhook is told at least once, under one name each time, whatever happens to it and to the program.

use std::{
    process::Child,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU16, Ordering},
    },
    time::{Duration, Instant},
};

use axum::{
    http::{HeaderMap, StatusCode},
    routing::post,
};
use jiff::{SignedDuration, Timestamp};
use wellspoken::{
    config::AlertsConfig,
    policy::{PersonId, staff::Role},
    staff::{Alerts, AlertsSent},
    store::Store,
};

use crate::{
    oidc::member,
    store::{
        child::{self, opened_by_parent, set},
        place::{Place, admitted},
    },
    support::now,
};

/// A webhook that answers as it is told; what it was sent, by the key it came under.
struct Hook {
    url: String,
    mood: Arc<AtomicU16>,
    seen: Arc<Mutex<Vec<(String, String)>>>,
}

/// An answer that never comes.
const SILENCE: u16 = 0;

impl Hook {
    async fn start() -> Self {
        let (mood, seen) = (Arc::new(AtomicU16::new(204)), Arc::<Mutex<Vec<_>>>::default());
        let (own, kept) = (mood.clone(), seen.clone());
        let answer = move |headers: HeaderMap, body: String| {
            let (mood, seen) = (own.clone(), kept.clone());
            async move {
                let key = headers["idempotency-key"].to_str().expect("ASCII").to_owned();
                seen.lock().expect("whole").push((key, body));
                match mood.load(Ordering::SeqCst) {
                    SILENCE => std::future::pending().await,
                    status => StatusCode::from_u16(status).expect("a status"),
                }
            }
        };
        let socket = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = format!("http://{}/hook", socket.local_addr().expect("bound"));
        let router = axum::Router::new().route("/hook", post(answer));
        tokio::spawn(async move { axum::serve(socket, router).await });
        Self { url, mood, seen }
    }

    fn alerts(&self) -> Alerts {
        let config = AlertsConfig { webhook: Some(self.url.clone()), ..AlertsConfig::default() };
        Alerts::new(&config).expect("nothing to read")
    }

    fn keys(&self) -> Vec<String> {
        self.seen.lock().expect("whole").iter().map(|(key, _)| key.clone()).collect()
    }
}

async fn breaks_glass(store: &Store, person: &PersonId, at: Timestamp) {
    let until = at + SignedDuration::from_mins(60);
    store
        .break_glass(&member("ada", Role::Nurse), person, "she asked for her mother", until, at)
        .await
        .expect("broken");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_not_taken_is_told_again_under_the_same_name_and_given_up_loudly() {
    let (place, hook) = (Place::sqlite(), Hook::start().await);
    let store = place.open().await;
    let person = admitted(&store, None).await;
    breaks_glass(&store, &person, now()).await;
    let alerts = hook.alerts();
    let later = |seconds: i64| now() + SignedDuration::from_secs(seconds);
    let sent = async |seconds: i64| alerts.deliver(&store, later(seconds)).await.expect("asked");
    hook.mood.store(500, Ordering::SeqCst);
    assert_eq!(sent(0).await, AlertsSent { later: 1, ..AlertsSent::default() });
    assert_eq!(sent(4).await, AlertsSent::default(), "not before its time");
    assert_eq!(sent(6).await.later, 1);
    hook.mood.store(204, Ordering::SeqCst);
    assert_eq!(sent(20).await.taken, 1);
    assert_eq!(sent(86_400).await, AlertsSent::default());
    let keys = hook.keys();
    assert!(keys.len() == 3 && keys.iter().all(|key| *key == keys[0]), "one name: {keys:?}");
    let bodies: Vec<String> = hook.seen.lock().expect("whole").iter().map(|(_, body)| body.clone()).collect();
    for word in ["ada", "mother", "Quetzalina", person.as_str()] {
        assert!(bodies.iter().all(|body| !body.contains(word)), "{word}");
    }

    // Nobody takes it for a day.
    breaks_glass(&store, &person, later(100)).await;
    hook.mood.store(503, Ordering::SeqCst);
    let mut seconds = 100;
    let mut tries = 0;
    while seconds < 100 + 86_400 {
        tries += sent(seconds).await.later;
        seconds += 1800;
    }
    assert!(tries > 40, "it was told again and again: {tries}");
    assert_eq!(store.alerts_given_up(later(seconds)).await.expect("read"), 0);
    assert_eq!(sent(seconds).await.given_up, 1);
    assert_eq!(store.alerts_given_up(later(seconds)).await.expect("read"), 1, "and that is told of");
    assert_eq!(sent(seconds + 3600).await, AlertsSent::default());
    assert_eq!(store.alerts_given_up(later(seconds + 8 * 86_400)).await.expect("read"), 0, "for a week");

    // Without a webhook nothing piles up.
    breaks_glass(&store, &person, later(seconds + 10)).await;
    let none = Alerts::new(&AlertsConfig::default()).expect("nothing to read");
    none.deliver(&store, later(seconds + 10)).await.expect("asked");
    assert!(store.due_alerts(later(seconds + 9999)).await.expect("read").is_empty());
}

/// Tells what is due in a process of its own.
fn teller(place: &Place, hook: &Hook, minutes: i64) -> Child {
    child::child("alerts::tells_what_is_due", place)
        .env("WELLSPOKEN_TEST_HOOK", &hook.url)
        .env("WELLSPOKEN_TEST_MINUTES", minutes.to_string())
        .spawn()
        .expect("started")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "run by the test below in processes of their own"]
async fn tells_what_is_due() {
    let store = opened_by_parent().await;
    let config = AlertsConfig { webhook: Some(set("WELLSPOKEN_TEST_HOOK")), ..AlertsConfig::default() };
    let minutes: i64 = set("WELLSPOKEN_TEST_MINUTES").parse().expect("a number");
    let alerts = Alerts::new(&config).expect("nothing to read");
    alerts.deliver(&store, now() + SignedDuration::from_mins(minutes)).await.expect("it works");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_while_it_tells_the_webhook_is_told_once_more_and_nothing_is_lost() {
    let (place, hook) = (Place::sqlite(), Hook::start().await);
    let store = place.open().await;
    let person = admitted(&store, None).await;
    for round in 0..3_i64 {
        breaks_glass(&store, &person, now() + SignedDuration::from_mins(round * 30)).await;
        // The webhook has it and does not say so: the program dies waiting.
        let before = hook.keys().len();
        hook.mood.store(SILENCE, Ordering::SeqCst);
        let mut process = teller(&place, &hook, round * 30);
        let deadline = Instant::now() + Duration::from_secs(60);
        while hook.keys().len() == before {
            assert!(Instant::now() < deadline, "it tells");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        process.kill().expect("killed");
        process.wait().expect("ended");
        hook.mood.store(200, Ordering::SeqCst);
        assert!(teller(&place, &hook, round * 30 + 20).wait().expect("ended").success());
        let keys = hook.keys();
        assert_eq!(keys.len(), before + 2, "once more");
        assert_eq!(keys[before], keys[before + 1], "under the same name");
        assert!(teller(&place, &hook, round * 30 + 25).wait().expect("ended").success());
        assert_eq!(hook.keys().len(), before + 2, "and then no more");
    }
    assert!(store.audit_verify().await.expect("read").whole());
}
