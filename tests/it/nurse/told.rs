//! Others are told what happens to calls: a webhook and a pager, signed, and a real broker. At least once, under one name.

use std::{
    os::unix::fs::PermissionsExt as _,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU16, Ordering},
    },
    time::Duration,
};

use axum::{
    http::{HeaderMap, StatusCode},
    routing::post,
};
use jiff::SignedDuration;
use ring::hmac;
use serde_json::Value;
use wellspoken::{
    actions::Change,
    config::{HookConfig, NurseConfig},
    fleet::{
        Calls, Teller,
        mqtt::{Filter, Mqtt},
        nurse::{Routes, Units, Waits},
    },
    store::TurnCommit,
};

use crate::{
    mosquitto::Mosquitto,
    store::place::{Place, admitted, at, commit, room},
};

const SECRET: &str = "a secret of the webhook's own";
const SOON: Duration = Duration::from_secs(20);

/// A webhook that answers as it is told; what it was sent, by the name it came under.
struct Hook {
    url: String,
    mood: Arc<AtomicU16>,
    seen: Arc<Mutex<Vec<(String, Value)>>>,
}

impl Hook {
    async fn start() -> Self {
        let (mood, seen) = (Arc::new(AtomicU16::new(204)), Arc::<Mutex<Vec<_>>>::default());
        let (own, kept) = (mood.clone(), seen.clone());
        let answer = move |headers: HeaderMap, body: String| {
            let (mood, seen) = (own.clone(), kept.clone());
            async move {
                let text = |name: &str| headers[name].to_str().expect("ASCII").to_owned();
                let signature = text("wellspoken-signature");
                let (time, hex) = signature.split_once(",v1=").expect("two parts");
                let time = time.strip_prefix("t=").expect("a time");
                let key = hmac::Key::new(hmac::HMAC_SHA256, SECRET.as_bytes());
                let tag = hex::decode(hex).expect("hexadecimal");
                hmac::verify(&key, format!("{time}.{body}").as_bytes(), &tag).expect("signed by us");
                let body = serde_json::from_str(&body).expect("JSON");
                seen.lock().expect("whole").push((text("idempotency-key"), body));
                StatusCode::from_u16(mood.load(Ordering::SeqCst)).expect("a status")
            }
        };
        let socket = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = format!("http://{}/hook", socket.local_addr().expect("bound"));
        let router = axum::Router::new().route("/hook", post(answer));
        tokio::spawn(async move { axum::serve(socket, router).await });
        Self { url, mood, seen }
    }

    fn config(&self, place: &Place) -> HookConfig {
        let secret_file = place.dir.path().join("hook-secret");
        std::fs::write(&secret_file, format!("{SECRET}\n")).expect("written");
        std::fs::set_permissions(&secret_file, std::fs::Permissions::from_mode(0o600)).expect("set");
        HookConfig { url: self.url.clone(), secret_file, ca: None }
    }

    /// What it was told so far: which event, under which name.
    fn told(&self) -> Vec<(String, String)> {
        let seen = self.seen.lock().expect("whole");
        seen.iter().map(|(id, body)| (body["event"].as_str().expect("text").to_owned(), id.clone())).collect()
    }

    fn events(&self) -> Vec<String> {
        self.told().into_iter().map(|(event, _)| event).collect()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn others_are_told_at_least_once_and_under_one_name() {
    let (place, hook, pager, broker) = (Place::sqlite(), Hook::start().await, Hook::start().await, Mosquitto::start());
    let store = place.open().await;
    let person = admitted(&store, None).await;
    let config = NurseConfig {
        webhook: Some(hook.config(&place)),
        pager: Some(pager.config(&place)),
        mqtt: true,
        ..NurseConfig::default()
    };
    let ours = Arc::new(Mqtt::new(&broker.config(), 1).expect("a broker"));
    let listener = Mqtt::new(&broker.config(), 2).expect("a broker");
    let mut heard = listener.listen(&Filter::parse("#").expect("a filter"), SOON).await.expect("it listens");
    let teller =
        |config: &NurseConfig| Teller::new(store.clone(), config, Routes::default(), Some((ours.clone(), SOON)));
    let told = teller(&config).expect("it can be used");
    let later = |seconds: i64| at(0) + SignedDuration::from_secs(seconds);

    let call = Change::CallNurse { room: room("412"), need: "my secret need, it hurts".into(), emergency: false };
    store.commit(TurnCommit { at: at(0), ..commit("t1", &person, vec![call]) }).await.expect("durable");
    hook.mood.store(500, Ordering::SeqCst);
    let round = told.tell(later(1)).await.expect("asked");
    assert_eq!((round.taken, round.later), (1, 1), "the broker has it, the webhook has not");
    assert_eq!(told.tell(later(2)).await.expect("asked").later, 0, "not before its time");
    hook.mood.store(204, Ordering::SeqCst);
    assert_eq!(told.tell(later(10)).await.expect("asked").taken, 1);
    let names = hook.told();
    assert!(names.len() == 2 && names[0] == names[1] && names[0].0 == "new", "one name: {names:?}");

    // Nobody is on duty: all four steps are told, and the last one to the pager, too.
    let mut calls = Calls::new(store.clone(), Routes::default(), Waits::default(), Units::default());
    for n in 11..20_i64 {
        calls.look(later(n), Duration::from_secs(n.unsigned_abs())).await.expect("looked");
    }
    // Two processes tell each once, where nothing fails.
    let other = teller(&config).expect("it can be used");
    let (one, two) = tokio::join!(told.tell(later(20)), other.tell(later(20)));
    assert_eq!(one.expect("asked").taken + two.expect("asked").taken, 4 + 1 + 4);
    // Two at a time keep no order among them.
    let mut four = hook.events()[2..].to_vec();
    four.sort();
    assert_eq!(four, ["assigned", "escalated", "escalated", "paged"]);
    assert_eq!(pager.events(), ["paged"]);
    let id = store.board(None).await.expect("read")[0].id.clone();
    store.acknowledge(&id, "Maria", later(21)).await.expect("acknowledged");
    store.close_request(&id, "Maria", later(22)).await.expect("closed");
    told.tell(later(23)).await.expect("asked");
    assert_eq!(hook.events()[6..], ["acknowledged", "completed"]);

    let mut from_broker = vec![];
    for _ in 0..7 {
        let message = tokio::time::timeout(SOON, heard.next()).await.expect("in time").expect("a message");
        assert!(message.topic.ends_with("/calls/412") && !message.retained, "{}", message.topic);
        from_broker.push(String::from_utf8(message.payload.to_vec()).expect("text"));
    }
    let all = hook.seen.lock().expect("whole").iter().map(|(_, body)| body.to_string()).collect::<Vec<_>>();
    let first: Value = serde_json::from_str(&from_broker[0]).expect("JSON");
    assert_eq!((&first["now"]["priority"], &first["now"]["role"]), (&"urgent".into(), &"nurse".into()));
    for said in from_broker.iter().chain(&all) {
        for word in ["secret need", "hurts", "Maria", "Quetzalina", person.as_str()] {
            assert!(!said.contains(word), "{word} in {said}");
        }
    }
    store.forget_call_events(later(4 * 86_400)).await.expect("forgotten");
    assert!(store.call_events(0).await.expect("read").is_empty(), "of what is closed nothing is kept for long");

    // What cannot be used is told at the start.
    let path = place.dir.path().join("hook-secret");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).expect("set");
    assert!(teller(&config).err().expect("refused").to_string().contains("chmod 600"));
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).expect("set");
    std::fs::write(&path, "short").expect("written");
    assert!(teller(&config).err().expect("refused").to_string().contains("16 bytes"));
    let none = NurseConfig { mqtt: true, ..NurseConfig::default() };
    assert!(Teller::new(store.clone(), &none, Routes::default(), None).is_err());
}
