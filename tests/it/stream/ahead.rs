//! What is heard at a pause, before it is known whether that was all.

use std::{path::Path, time::Duration};

use tokio::sync::watch;
use wellspoken::{
    cli::device::line::{Line, Told},
    device::message::{Down, Ending, Reason, Up},
};

use super::stage::{Ahead, Customs, Stage, bed, listen, next, spoken};

async fn sends(line: &mut Line, samples: &[i16]) {
    for frame in samples.chunks(3200) {
        line.sound(frame).await.expect("sent");
    }
}

async fn until(ahead: &mut watch::Receiver<Ahead>, fits: impl FnMut(&Ahead) -> bool) -> Vec<usize> {
    let there = tokio::time::timeout(Duration::from_secs(60), ahead.wait_for(fits)).await.expect("in time");
    there.expect("the server is there").asked.clone()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pause_is_heard_before_it_is_known_to_be_the_end() {
    let stage = Stage::open(Customs { ears: true, ..Customs::default() }).await;
    stage.device("wsp_bed", bed("r7")).await;
    let mut line = stage.line("wsp_bed").await;
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("audio-fixtures/next-visit.wav");
    let mut reader = hound::WavReader::open(file).expect("the recording is there");
    let mut samples: Vec<i16> = reader.samples().map(|sample| sample.expect("whole")).collect();
    let last = samples.iter().rposition(|sample| sample.unsigned_abs() > 500).expect("somebody speaks");
    samples.truncate(last);
    line.tell(&listen("u-1", Reason::Wake)).await.expect("sent");
    sends(&mut line, &samples).await;
    sends(&mut line, &[0; 16 * 300]).await;
    let early = loop {
        match next(&mut line).await.expect("something comes") {
            Told::Message(Down::Heard { text, r#final: false, .. }) => break text,
            Told::Message(Down::Slow { .. }) => {}
            Told::Message(Down::Ended { why, ms, .. }) => panic!("it is not over: {why:?} after {ms} ms"),
            _ => panic!("nothing else is told"),
        }
    };
    assert_eq!(stage.turns(), 0, "nothing was done");
    sends(&mut line, &[0; 16 * 1500]).await;
    let (mut over, mut heard) = (None, None);
    loop {
        match next(&mut line).await.expect("something comes") {
            Told::Message(Down::Ended { why, .. }) => over = Some(why),
            Told::Message(Down::Heard { text, r#final: true, .. }) => heard = Some(text),
            Told::Message(Down::Answer { .. }) => break,
            Told::Message(_) | Told::Event(_) | Told::Sound(_) => {}
        }
    }
    assert_eq!((over, heard.as_ref()), (Some(Ending::Pause), Some(&early)), "what was heard then counts");
    assert!(early.to_lowercase().contains("doctor"), "{early}");
    assert_eq!(stage.turns(), 1);
    stage.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_goes_on_or_goes_away_is_heard_no_further() {
    let stage = Stage::open(Customs { hears_forever: true, ..Customs::default() }).await;
    stage.device("wsp_bed", bed("r7")).await;
    let mut ahead = stage.staged.ahead.subscribe();
    let mut line = stage.line("wsp_bed").await;
    line.tell(&listen("u-1", Reason::Wake)).await.expect("sent");
    sends(&mut line, &spoken(500, 300)).await;
    until(&mut ahead, |ahead| ahead.asked.len() == 1).await;
    sends(&mut line, &spoken(400, 0)).await;
    until(&mut ahead, |ahead| ahead.given_up == 1).await;
    sends(&mut line, &spoken(200, 300)).await;
    let asked = until(&mut ahead, |ahead| ahead.asked.len() == 2).await;
    assert!(asked[1] > asked[0] + 16 * 400, "all of it, from the beginning: {asked:?}");
    drop(line);
    let asked = until(&mut ahead, |ahead| ahead.given_up == 2).await;
    assert_eq!((asked.len(), stage.turns()), (2, 0), "nothing comes of it");
    stage.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn under_load_it_is_heard_once_it_is_over() {
    let stage = Stage::open(Customs::default()).await;
    stage.device("wsp_bed", bed("r7")).await;
    let mut line = stage.line("wsp_bed").await;
    line.tell(&listen("u-1", Reason::Button)).await.expect("sent");
    // Nobody can hear here, as where no decoder is free.
    sends(&mut line, &spoken(500, 300)).await;
    line.tell(&Up::End).await.expect("sent");
    loop {
        match next(&mut line).await.expect("an answer") {
            Told::Message(Down::Heard { r#final: false, .. }) => panic!("nobody heard it"),
            Told::Message(Down::Answer { .. }) => break,
            Told::Message(_) | Told::Event(_) | Told::Sound(_) => {}
        }
    }
    stage.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_whole_sentence_is_over_sooner_and_ends_there_again() {
    let stage = Stage::open(Customs { ears: true, ..Customs::default() }).await;
    stage.device("wsp_bed", bed("r7")).await;
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("audio-fixtures/nurse-water.wav");
    let mut reader = hound::WavReader::open(file).expect("the recording is there");
    let mut samples: Vec<i16> = reader.samples().map(|sample| sample.expect("whole")).collect();
    let last = samples.iter().rposition(|sample| sample.unsigned_abs() > 500).expect("somebody speaks");
    samples.truncate(last);
    let mut line = stage.line("wsp_bed").await;
    line.tell(&listen("u-1", Reason::Wake)).await.expect("sent");
    sends(&mut line, &samples).await;
    sends(&mut line, &[0; 16 * 400]).await;
    let mut ended = Vec::new();
    let first = answered(&mut line, &mut ended).await;
    // The same again, with other sound after it.
    line.tell(&listen("u-1", Reason::Wake)).await.expect("sent");
    sends(&mut line, &samples).await;
    sends(&mut line, &[0; 16 * 3000]).await;
    let second = answered(&mut line, &mut ended).await;
    assert_eq!(ended[0], ended[1], "it ends where it did");
    assert_eq!((&first["state"], &first["reply"]), (&second["state"], &second["reply"]));
    assert_eq!(stage.board("r7").await, 1, "done once");
    stage.stop().await;
}

async fn answered(line: &mut Line, ended: &mut Vec<(Ending, u32)>) -> serde_json::Value {
    loop {
        match next(line).await.expect("something comes") {
            Told::Message(Down::Ended { why, ms, .. }) => ended.push((why, ms)),
            Told::Message(Down::Answer { turn, .. }) => break turn,
            Told::Message(_) | Told::Event(_) | Told::Sound(_) => {}
        }
    }
}
