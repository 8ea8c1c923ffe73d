//! A device's own connection, over real sockets and the real turn: what goes through it, what ends it, and that nothing is lost
//! or done twice when it breaks.

mod ahead;
mod bad_input;
mod broken;
mod stage;

use std::time::{Duration, Instant};

use stage::{Customs, Stage, bed, ending, listen, next, room, spoken, utterance};
use wellspoken::{
    ambient::Ambient,
    channels::http::StreamLimits,
    cli::device::{
        line::{LineError, Told},
        talk::{Device, TalkError},
    },
    device::message::{Down, Ending, Reason, Refused, Up},
    policy::Surface,
    store::ImportOptions,
};

use crate::support::now;

fn ambient() -> Ambient {
    Ambient::fixed(now(), 3)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_said_becomes_a_turn_and_its_answer_comes_back() {
    let stage = Stage::open(Customs { voice: Some(1), ..Customs::default() }).await;
    stage.device("wsp_bed", bed("r7")).await;
    let ambient = ambient();
    let mut device = Device::new(stage.target("wsp_bed"), &ambient);
    let samples = spoken(600, 2000);
    let answered = device.say(&utterance("u-1", &samples), 1).await.expect("an answer");
    assert_eq!(answered.ending, Some(Ending::Pause), "it ends where nobody speaks any more");
    assert_eq!((&answered.turn["turn_id"], &answered.turn["state"]), (&"u-1".into(), &"rejected".into()));
    assert!(
        answered.turn["reply"].as_str().is_some_and(|reply| !reply.is_empty()) && answered.turn.get("audio").is_none()
    );
    assert_eq!((answered.speech.0.len(), answered.speech.1), (8000, 8000), "all of its sound");
    // There is no model here, so the room spoke and nobody could hear it: staff are told.
    assert_eq!((stage.turns(), stage.board("r7").await), (1, 1));

    let short = spoken(300, 0);
    let answered = device.say(&utterance("u-2", &short), 1).await.expect("an answer");
    assert_eq!(answered.ending, Some(Ending::Device), "a button was let go");
    let silent = vec![0; 16_000 * 9];
    let answered = device.say(&utterance("u-3", &silent), 1).await.expect("an answer");
    assert_eq!(answered.ending, Some(Ending::Nothing));
    let noise: Vec<i16> = (0..55).flat_map(|_| spoken(400, 200)).collect();
    let answered = device.say(&utterance("u-4", &noise), 1).await.expect("an answer");
    assert_eq!(answered.ending, Some(Ending::Limit), "30 seconds and no more");
    assert_eq!(device.connections, 1);
    stage.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_is_heard_who_did_not_call() {
    let stage = Stage::open(Customs::default()).await;
    stage.device("wsp_bed", bed("r7")).await;
    let mut line = stage.line("wsp_bed").await;
    let samples = spoken(600, 2000);
    for frame in samples.chunks(3200) {
        line.sound(frame).await.expect("sent");
    }
    line.tell(&Up::End).await.expect("sent");
    line.tell(&listen("u-1", Reason::FollowUp)).await.expect("sent");
    let told = next(&mut line).await.expect("an answer");
    assert!(matches!(told, Told::Message(Down::Refused { code: Refused::NoWindow, .. })), "nothing was asked");
    line.sound(&samples[..3200]).await.expect("sent");
    line.tell(&listen("u-2", Reason::Button)).await.expect("sent");
    line.tell(&Up::End).await.expect("sent");
    let Ok(Told::Message(Down::Ended { ms, .. })) = next(&mut line).await else { panic!("it is over") };
    assert_eq!(ms, 0, "of what came before nothing is in it");
    loop {
        match next(&mut line).await.expect("an answer") {
            Told::Message(Down::Answer { .. }) => break,
            Told::Message(_) | Told::Event(_) | Told::Sound(_) => {}
        }
    }
    assert_eq!(stage.turns(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_may_be_given_for_a_while_after_a_question() {
    let stage = Stage::open(Customs { follow_up_ms: 8000, ..Customs::default() }).await;
    stage.device("wsp_bed", bed("r7")).await;
    let ambient = ambient();
    let mut device = Device::new(stage.target("wsp_bed"), &ambient);
    let samples = spoken(300, 1000);
    device.say(&utterance("u-1", &samples), 1).await.expect("an answer");
    let follow =
        |name| wellspoken::cli::device::talk::Utterance { reason: Reason::FollowUp, ..utterance(name, &samples) };
    device.say(&follow("u-2"), 1).await.expect("the time is not over");
    let mut other = Device::new(stage.target("wsp_bed"), &ambient);
    other.say(&follow("u-3"), 1).await.expect("over another connection, too");
    stage.device("wsp_other", bed("r8")).await;
    let mut other = Device::new(stage.target("wsp_other"), &ambient);
    let refused = other.say(&follow("u-4"), 1).await.err();
    assert!(matches!(refused, Some(TalkError::Refused(Refused::NoWindow))), "another device was asked nothing");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_speaks_is_not_spoken_over() {
    let stage = Stage::open(Customs { voice: Some(20), ..Customs::default() }).await;
    stage.device("wsp_bed", bed("r7")).await;
    let mut line = stage.line("wsp_bed").await;
    for (name, stops) in [("u-1", Up::BargeIn), ("u-2", listen("u-3", Reason::Wake))] {
        line.tell(&listen(name, Reason::Wake)).await.expect("sent");
        line.sound(&spoken(300, 0)).await.expect("sent");
        line.tell(&Up::End).await.expect("sent");
        let mut bytes = 0;
        while bytes < 16_000 {
            match next(&mut line).await.expect("sound") {
                Told::Sound(sound) => bytes += sound.len(),
                Told::Message(_) | Told::Event(_) => {}
            }
        }
        line.tell(&stops).await.expect("sent");
        loop {
            match next(&mut line).await.expect("sound") {
                Told::Sound(sound) => bytes += sound.len(),
                Told::Message(Down::SpeechEnd { of, cut }) => break assert!(cut && of == name),
                Told::Message(_) | Told::Event(_) => {}
            }
        }
        assert!(bytes < 16_000 * 4, "not far ahead of what is heard: {bytes}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_takes_a_moment_is_told_and_too_much_is_refused() {
    let limits = StreamLimits { slow: Duration::from_millis(100), ..StreamLimits::default() };
    let stage = Stage::open(Customs { takes: Duration::from_secs(2), limits, ..Customs::default() }).await;
    stage.device("wsp_bed", bed("r7")).await;
    let mut line = stage.line("wsp_bed").await;
    for name in ["u-1", "u-2", "u-3"] {
        line.tell(&listen(name, Reason::Button)).await.expect("sent");
        line.sound(&spoken(300, 0)).await.expect("sent");
        line.tell(&Up::End).await.expect("sent");
    }
    let (mut slow, mut refused, mut answered) = (vec![], vec![], vec![]);
    while answered.len() < 2 {
        match next(&mut line).await.expect("a message") {
            Told::Message(Down::Slow { utterance }) => slow.push(utterance),
            Told::Message(Down::Refused { code: Refused::Busy, utterance }) => refused.extend(utterance),
            Told::Message(Down::Answer { utterance, .. }) => answered.push(utterance),
            Told::Message(_) | Told::Event(_) | Told::Sound(_) => {}
        }
    }
    answered.sort();
    assert_eq!((slow.len(), refused, answered), (2, vec!["u-3".to_owned()], vec!["u-1".to_owned(), "u-2".to_owned()]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_ends_at_once_with_its_credential_and_with_the_stay() {
    let stage = Stage::open(Customs::default()).await;
    let device = stage.device("wsp_bed", bed("r7")).await;
    stage.say(&device, "a", "for nobody known").await;
    let mut line = stage.line("wsp_bed").await;
    assert!(matches!(next(&mut line).await, Ok(Told::Event(_))));
    let began = Instant::now();
    let chart = crate::store::place::chart("fluorozepamol");
    let options = ImportOptions { pin: None, consent: None, room: Some(room("r7")), ..ImportOptions::default() };
    stage.store().import(&chart, options, now()).await.expect("somebody comes");
    // The command line admits from another process; its change is found by the look that goes on all the time.
    stage.store().look_for_wakes(now()).await.expect("looked");
    assert!(matches!(ending(&mut line).await, LineError::Closed(4410, _)));

    let mut line = stage.line("wsp_bed").await;
    stage.say(&device, "b", "for the patient").await;
    let Ok(Told::Event(event)) = next(&mut line).await else { panic!("an event") };
    assert_eq!(event.event.words(), Some("for the patient"), "what was for nobody known left with them");
    stage.store().revoke(&device, now()).await.expect("revoked");
    assert!(matches!(ending(&mut line).await, LineError::Closed(4401, _)));
    assert!(began.elapsed() < Duration::from_secs(20), "sooner than any limit of a connection");
    let refused = wellspoken::cli::device::line::Line::open(&stage.target("wsp_bed")).await.err();
    assert!(matches!(refused, Some(LineError::Refused(401))));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_is_not_told_to_whoever_lies_there_next() {
    let stage = Stage::open(Customs { takes: Duration::from_millis(800), ..Customs::default() }).await;
    stage.device("wsp_bed", bed("r7")).await;
    let mut line = stage.line("wsp_bed").await;
    line.tell(&listen("u-1", Reason::Wake)).await.expect("sent");
    line.sound(&spoken(300, 0)).await.expect("sent");
    line.tell(&Up::End).await.expect("sent");
    while stage.turns() == 0 {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    // Nobody looks for what other processes did, so it is found when the answer is there.
    let chart = crate::store::place::chart("fluorozepamol");
    let options = ImportOptions { pin: None, consent: None, room: Some(room("r7")), ..ImportOptions::default() };
    stage.store().import(&chart, options, now()).await.expect("somebody comes");
    let ended = loop {
        match next(&mut line).await {
            Ok(Told::Message(Down::Answer { .. } | Down::Heard { .. })) => panic!("told to somebody else"),
            Ok(_) => {}
            Err(error) => break error,
        }
    };
    assert!(matches!(ended, LineError::Closed(4410, _)), "{ended}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_newer_connection_counts() {
    let stage = Stage::open(Customs::default()).await;
    stage.device("wsp_bed", bed("r7")).await;
    let mut first = stage.line("wsp_bed").await;
    let mut second = stage.line("wsp_bed").await;
    assert!(matches!(ending(&mut first).await, LineError::Closed(4409, _)));
    second.tell(&listen("u-1", Reason::Wake)).await.expect("sent");
    second.tell(&Up::End).await.expect("sent");
    assert!(matches!(next(&mut second).await, Ok(Told::Message(Down::Ended { .. }))));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stop_lets_answers_out_and_takes_no_more() {
    let mut stage = Stage::open(Customs { takes: Duration::from_millis(700), ..Customs::default() }).await;
    stage.device("wsp_bed", bed("r7")).await;
    stage.device("wsp_idle", bed("r8")).await;
    let (mut line, mut idle) = (stage.line("wsp_bed").await, stage.line("wsp_idle").await);
    line.tell(&listen("u-1", Reason::Wake)).await.expect("sent");
    line.sound(&spoken(300, 0)).await.expect("sent");
    line.tell(&Up::End).await.expect("sent");
    assert!(matches!(next(&mut line).await, Ok(Told::Message(Down::Ended { .. }))));
    while stage.turns() == 0 {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    stage.ask_to_stop();
    assert!(matches!(ending(&mut idle).await, LineError::Closed(1012, _)));
    line.tell(&listen("u-2", Reason::Wake)).await.expect("sent");
    let (mut answered, mut refused) = (false, false);
    let ended = loop {
        match next(&mut line).await {
            Ok(Told::Message(Down::Answer { utterance, .. })) => answered = utterance == "u-1",
            Ok(Told::Message(Down::Refused { code: Refused::Stopping, .. })) => refused = true,
            Ok(_) => {}
            Err(error) => break error,
        }
    };
    assert!(answered && refused && matches!(ended, LineError::Closed(1012, _)), "{answered} {refused} {ended}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn reminders_ring_at_home_over_it() {
    let limits = StreamLimits { ring: Duration::from_millis(50), ..StreamLimits::default() };
    let stage = Stage::open(Customs { limits, ..Customs::default() }).await;
    let scratch = &stage.staged.program.app();
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("demo/rosa-delgado.json");
    let rosa = wellspoken::cli::import::import_into(scratch.store(), &path, None, Some("all"), None, now()).await;
    let rosa = rosa.expect("imported");
    let kitchen = stage.device("wsp_kitchen", Surface::Home(room("kitchen"))).await;
    let member = wellspoken::store::membership(rosa.clone(), "added", now());
    stage.store().add_member(&kitchen, &member).await.expect("added");
    let facts = wellspoken::actions::Facts::new("notice_ready").with("medicine", "x").with("pharmacy", "y");
    let notice = wellspoken::actions::Notice {
        kind: wellspoken::actions::NoticeKind::RecordChanged,
        topic: wellspoken::policy::Scope::Medicines,
        sensitive: false,
        facts,
        next: None,
    };
    let news = wellspoken::store::NewNotice { id: "n1".into(), notice };
    stage.store().keep_news(&rosa, &news, now()).await.expect("kept");
    let mut line = stage.line("wsp_kitchen").await;
    let Ok(Told::Message(Down::Ring { id, at, chime, .. })) = next(&mut line).await else { panic!("it rings") };
    assert_eq!((id.as_str(), chime.as_str()), ("news", "news"));
    for noted in [true, false] {
        line.tell(&Up::Rang { id: id.clone(), at }).await.expect("sent");
        let Ok(Told::Message(Down::Noted { noted: got, .. })) = next(&mut line).await else { panic!("an answer") };
        assert_eq!(got, noted);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_device_that_says_nothing_is_asked_and_then_let_go() {
    let limits = StreamLimits {
        hello: Duration::from_secs(2),
        ping: Duration::from_millis(300),
        idle: Duration::from_secs(3),
        sound: Duration::from_secs(1),
        ..StreamLimits::default()
    };
    let stage = Stage::open(Customs { limits, ..Customs::default() }).await;
    stage.device("wsp_bed", bed("r7")).await;
    let mut silent = wellspoken::cli::device::line::Line::open(&stage.target("wsp_bed")).await.expect("let in");
    assert!(matches!(ending(&mut silent).await, LineError::Closed(4408, _)), "it never said hello");

    let mut line = stage.line("wsp_bed").await;
    line.tell(&listen("u-1", Reason::Wake)).await.expect("sent");
    line.sound(&spoken(100, 0)).await.expect("sent");
    let told = next(&mut line).await.expect("a message");
    assert!(matches!(told, Told::Message(Down::Refused { code: Refused::StoppedShort, .. })), "the sound stopped");
    // Answering pings is enough to stay.
    let long = tokio::time::timeout(Duration::from_secs(5), line.next()).await;
    assert!(long.is_err(), "it was let go although it answers");
    // Not reading is not answering.
    tokio::time::sleep(Duration::from_secs(5)).await;
    assert!(matches!(ending(&mut line).await, LineError::Closed(4408, _) | LineError::Lost(_)));
    assert_eq!(stage.turns(), 0);
}
