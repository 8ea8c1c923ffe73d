//! The link breaks at every step: what was said acts once and gets the same answer, and every event comes, once.

use std::time::Duration;

use wellspoken::{
    ambient::Ambient,
    cli::device::talk::{Answered, Device},
};

use super::stage::{Customs, Link, Stage, bed, spoken, target, utterance};
use crate::support::now;

/// One device says something and is told two things, over a link that breaks once.
async fn said(stage: &Stage, name: &str, breaks_after: Option<usize>) -> (Answered, Vec<String>, Vec<usize>, u32) {
    let token = format!("wsp_{name}");
    let credential = stage.device(&token, bed(name)).await;
    stage.say(&credential, "one", "the first").await;
    stage.say(&credential, "two", "the second").await;
    let link = Link::to(stage.address(), breaks_after).await;
    let ambient = Ambient::fixed(now(), 5);
    let mut device = Device::new(target(&link.url, &token), &ambient);
    let samples = spoken(400, 1200);
    let answered = device.say(&utterance("u-1", &samples), 5).await.unwrap_or_else(|e| panic!("{breaks_after:?}: {e}"));
    if device.events.len() < 2 {
        device.connect().await.expect("connected");
        let _ = device.idle(Duration::from_millis(400)).await;
    }
    let words = device.events.iter().filter_map(|event| event.event.words().map(str::to_owned)).collect();
    let steps = link.steps.lock().expect("no panic")[0].clone();
    (answered, words, steps, device.connections)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_lost_or_done_twice_wherever_the_link_breaks() {
    let stage = Stage::open(Customs { voice: Some(1), ..Customs::default() }).await;
    let (whole, words, steps, _) = said(&stage, "whole", None).await;
    assert_eq!(words, ["the first", "the second"]);
    assert!(steps.len() > 10, "{steps:?}");
    let reply = &whole.turn["reply"];
    // At the end of every piece that went over the link, and in the middle of it.
    let mut cuts: Vec<usize> = steps.windows(2).flat_map(|pair| [pair[0], usize::midpoint(pair[0], pair[1])]).collect();
    cuts.dedup();
    let every = cuts.len().div_ceil(60);
    let cuts: Vec<usize> = cuts.into_iter().step_by(every).collect();
    let mut broken = 0;
    for some in cuts.chunks(8) {
        let runs = some.iter().map(|cut| {
            let stage = &stage;
            async move {
                let name = format!("cut{cut}");
                let (answered, words, _, connections) = said(stage, &name, Some(*cut)).await;
                assert_eq!(words, ["the first", "the second"], "cut after {cut} bytes");
                assert_eq!(answered.turn["reply"], *reply, "cut after {cut} bytes");
                assert_eq!(answered.turn["turn_id"], "u-1");
                assert_eq!(stage.board(&name).await, 1, "acted once, cut after {cut} bytes");
                connections
            }
        });
        broken += futures_util::future::join_all(runs).await.into_iter().filter(|connections| *connections > 1).count();
    }
    assert!(broken > cuts.len() / 2, "{broken} of {} links broke in the middle", cuts.len());
}
