//! What is said to somebody who came for a visit, or waits for an earlier one.

use jiff::Timestamp;
use wellspoken::{
    actions::{Next, Outcome, Plan},
    nlu::{Lasting, SlotValue, TimeUnit},
    policy::RoomId,
    records::{OpenSlot, Origin, Visit, VisitMode},
};

use super::{JUNE, ROSA, stage::Stage, text};

/// Somebody with several visits today.
const VERA: &str = "vera";
const OKAFOR: &str = "Dr. Samuel Okafor";
const FULL: &str = "Dr. Full Up";

fn moment(text: &str) -> Timestamp {
    text.parse().expect("a time")
}

fn visits() -> Vec<Visit> {
    let visit = |id: &str, start: &str, provider: &str| Visit {
        id: id.into(),
        start: moment(start),
        provider: Some(provider.into()),
        booked: true,
        ..Visit::default()
    };
    vec![
        visit("noon", "2026-12-01T17:00:00Z", OKAFOR),
        Visit { mode: VisitMode::Video, ..visit("tv", "2026-12-01T19:00:00Z", "Dr. Tess Video") },
        Visit {
            origin: Origin { organization: Some("Mercy Hospital".into()), ..Origin::default() },
            ..visit("mercy", "2026-12-01T20:00:00Z", "Dr. May Mercy")
        },
        visit("full", "2026-12-29T18:00:00Z", FULL),
    ]
}

fn with(provider: &str) -> (&'static str, SlotValue) {
    ("provider", text(provider))
}

fn arrival(value: &str) -> (&'static str, SlotValue) {
    ("arrival", text(value))
}

fn late(minutes: f64) -> (&'static str, SlotValue) {
    ("delay", SlotValue::Lasting(Lasting { lasts: minutes, to: None, unit: TimeUnit::Minute }))
}

async fn said(stage: &Stage, action: &str, rows: Vec<(&str, Vec<(&str, SlotValue)>, &str, &str)>) {
    for (who, slots, kind, words) in rows {
        let said = stage.ask(who, action, &slots).await;
        assert_eq!((said.kind, said.rendered.text.as_str()), (kind, words));
    }
}

async fn who_came(stage: &Stage) {
    #[rustfmt::skip]
    let rows = vec![
        (VERA, vec![arrival("here")], "ask", "You have 3 visits today: noon with Dr. Samuel Okafor; 2 PM with Dr. Tess Video; 3 PM with Dr. May Mercy. Which one do you mean?"),
        (VERA, vec![with(OKAFOR)], "ask", "Are you there for your visit with Dr. Samuel Okafor, or still on your way?"),
        (VERA, vec![with(OKAFOR), arrival("here")], "confirm", "You're there for your visit with Dr. Samuel Okafor at noon. Shall I tell the front desk?"),
        (VERA, vec![with(OKAFOR), arrival("late")], "confirm", "You're going to be late for your visit with Dr. Samuel Okafor at noon. Shall I tell the front desk?"),
        (VERA, vec![with("Tess Video"), arrival("here")], "answer", "Your visit with Dr. Tess Video at 2 PM is by video, so there is no front desk to tell."),
        (VERA, vec![with("May Mercy"), arrival("here")], "answer", "Your visit with Dr. May Mercy is at Mercy Hospital. I can't tell them from here, so please tell them."),
        (VERA, vec![with("Full Up"), arrival("here")], "answer", "Your visit with Dr. Full Up is on Tuesday, December 29th at 1 PM, and not today, so I told nobody."),
        (ROSA, vec![arrival("here")], "answer", "Your visit with Dr. Anita Patel is on Thursday, December 10th at 10:30 AM, and not today, so I told nobody."),
        (JUNE, vec![arrival("here")], "answer", "I see no visit today like that on record here, so I told nobody. Please go to the front desk or call the clinic."),
    ];
    said(stage, "appointment.arrive", rows).await;
    let words = stage.agreed(VERA, "appointment.arrive", &[with(OKAFOR), late(20.0)]).await;
    assert_eq!(
        words,
        "The front desk's board says that you'll be 20 minutes late. I don't know whether they can still see you then."
    );
    let asked = stage.ask(VERA, "appointment.arrive", &[with(OKAFOR), arrival("here")]).await;
    let Outcome::Confirm { plan, .. } = asked.outcome else { panic!("read back") };
    let stale = |plan: &Plan| match plan {
        Plan::Arrive { visit, here, minutes, .. } => {
            Plan::Arrive { visit: visit.clone(), start: moment("2026-12-01T18:00:00Z"), here: *here, minutes: *minutes }
        }
        _ => panic!("an arrival"),
    };
    let moved = stage.perform(VERA, "appointment.arrive", stale(&plan)).await;
    assert_eq!(
        moved.rendered.text,
        "That visit was changed in between, so I told nobody. Ask me for your visits to hear how it is now."
    );
    let words = stage.agreed(VERA, "appointment.arrive", &[with(OKAFOR), arrival("here")]).await;
    assert_eq!(words, "The front desk's board says that you're there. If nobody comes to you, please tell somebody.");
    let again = stage.ask(VERA, "appointment.arrive", &[with(OKAFOR), arrival("here")]).await.rendered.text;
    assert_eq!(
        again,
        "The clinic has you down as there for your visit with Dr. Samuel Okafor already. If nobody comes to you, please tell somebody at the front desk."
    );
    let desk = RoomId::parse("outpatients").expect("fits");
    let rows = stage.store.board(Some(&desk)).await.expect("read");
    let mut needs: Vec<_> = rows.iter().map(|row| (row.need.as_deref(), row.emergency)).collect();
    needs.sort_unstable();
    assert_eq!(
        needs,
        [
            (Some("Rosa Delgado is here for the visit at 12:00 with Dr. Samuel Okafor"), false),
            (Some("Rosa Delgado will be 20 minutes late for the visit at 12:00 with Dr. Samuel Okafor"), false),
        ]
    );
    let next = stage.ask(VERA, "appointment.next", &[]).await.rendered.text;
    assert!(next.contains(OKAFOR), "the visit stays: {next}");
}

async fn who_waits(stage: &Stage) {
    let want = |value: &str| ("want", text(value));
    let hear = "You hear of it the next time you talk to me, and whoever says yes first has it. Shall I?";
    let first =
        format!("I would watch for a time with Dr. Full Up before your visit on Tuesday, December 29th. {hear}");
    let any = format!("I would watch for any time with Dr. Lee Quiet until Saturday, January 30th, 2027. {hear}");
    #[rustfmt::skip]
    let rows = vec![
        (VERA, vec![], "ask", "You have 4 visits coming up: today at noon with Dr. Samuel Okafor; today at 2 PM with Dr. Tess Video; today at 3 PM with Dr. May Mercy; Tuesday, December 29th at 1 PM with Dr. Full Up. For which one would you like an earlier time?"),
        (VERA, vec![with("May Mercy")], "answer", "Your visit with Dr. May Mercy today is at Mercy Hospital. I can't watch their times, so please call them."),
        (VERA, vec![with("Dr. Nobody")], "answer", "I can't watch for times with Dr. Nobody from here. Please call the clinic."),
        (VERA, vec![want("leave")], "answer", "You're on no waiting list like that here."),
        (JUNE, vec![], "ask", "With whom would you like a time?"),
        (ROSA, vec![], "offer", "There is one already: tomorrow at 9 AM with Dr. Anita Patel. Would you like it instead of your visit?"),
        (VERA, vec![with("Full Up")], "confirm", &first),
        (VERA, vec![with("Full Up"), want("know")], "confirm", &first),
        ("odd", vec![with("Lee Quiet")], "confirm", &any),
    ];
    said(stage, "appointment.waitlist", rows).await;
    let asked = stage.ask(VERA, "appointment.waitlist", &[with("Full Up")]).await;
    let Outcome::Confirm { plan: Plan::JoinWaitlist { mut waiting }, .. } = asked.outcome else { panic!("read back") };
    waiting.before = moment("2026-12-28T18:00:00Z");
    let stale = stage.perform(VERA, "appointment.waitlist", Plan::JoinWaitlist { waiting }).await;
    assert_eq!(
        stale.rendered.text,
        "Something was changed in between, so nothing is different now. Please ask me again."
    );

    let words = stage.agreed(VERA, "appointment.waitlist", &[with("Full Up")]).await;
    assert_eq!(
        words,
        "I'm watching for an earlier time with Dr. Full Up. When one comes free, you hear of it the next time you talk to me. Your visit stays until you take another time."
    );
    let words = stage.agreed("odd", "appointment.waitlist", &[with("Lee Quiet")]).await;
    assert_eq!(
        words,
        "I'm watching for a time with Dr. Lee Quiet. When one comes free, you hear of it the next time you talk to me."
    );
    let on = "I'm watching for a time with Dr. Full Up, since today. There are no places in line: whoever says yes first has it.";
    let rows = vec![
        (VERA, vec![with("Full Up")], "answer", on),
        (VERA, vec![want("know")], "answer", on),
        ("odd", vec![want("leave")], "confirm", "I would stop watching for a time with Dr. Lee Quiet. Shall I?"),
    ];
    said(stage, "appointment.waitlist", rows).await;
    let left = stage.agreed("odd", "appointment.waitlist", &[want("leave")]).await;
    assert_eq!(left, "I've stopped watching for earlier times there.");
    a_time_comes_free(stage).await;
}

/// Told, taken, and waited for no more.
async fn a_time_comes_free(stage: &Stage) {
    let slot = OpenSlot {
        id: "full-1".into(),
        start: moment("2026-12-15T15:00:00Z"),
        end: moment("2026-12-15T15:30:00Z"),
        provider: FULL.into(),
        ..OpenSlot::default()
    };
    stage.add("somebody", vec![], vec![slot.clone()]).await;
    assert_eq!(stage.store.tell_who_waits(&[slot], stage.now).await.expect("told"), 1);
    let vera = stage.person(VERA);
    let permit = crate::store::place::permit(&stage.store, &vera).await;
    let mut news = stage.store.untold(&vera).await.expect("read").reveal(&permit).expect("theirs");
    let notice = news.pop().expect("news").notice;
    assert_eq!(
        stage.render("dialogue.common", &notice.facts).text,
        "By the way, a time came free that you are waiting for: on Tuesday, December 15th at 10 AM with Dr. Full Up. Would you like it?"
    );
    let Some(Next { intent, slots }) = notice.next else { panic!("an offer") };
    let slots: Vec<(&str, SlotValue)> = slots.iter().map(|(name, slot)| (name.as_str(), slot.value.clone())).collect();
    let asked = stage.ask(VERA, &intent, &slots).await;
    assert_eq!(
        asked.rendered.text,
        "Your visit with Dr. Full Up on Tuesday, December 29th at 1 PM moves to Tuesday, December 15th at 10 AM. Shall I move it?"
    );
    let words = stage.agreed(VERA, &intent, &slots).await;
    assert!(words.starts_with("It's moved."), "{words}");
    let waits = stage.store.waited_for(&vera).await.expect("read");
    let permit = crate::store::place::permit(&stage.store, &vera).await;
    assert_eq!(waits.reveal(&permit).expect("theirs").len(), 0, "what they waited for, they have");
}

pub async fn all(stage: &Stage) {
    stage.add(VERA, visits(), vec![]).await;
    who_came(stage).await;
    who_waits(stage).await;
}

#[tokio::test]
async fn who_comes_and_who_waits() {
    for stage in Stage::both().await {
        all(&stage).await;
    }
}
