//! What is said of visits: the list, getting ready, moving, calling off, and other times than those offered.

use jiff::{SignedDuration, Timestamp, civil::date};
use wellspoken::{
    actions::{Change, Conflict, Outcome, Plan},
    nlu::{SlotValue, When},
    records::{OpenSlot, Origin, Visit, VisitMode},
    store::CommitError,
};

use super::{ROSA, at, on, stage::Stage, text};

const PATEL: &str = "Dr. Anita Patel";
const OKAFOR: &str = "Dr. Samuel Okafor";
/// Somebody with visits of every kind, in another zone too.
const WANDA: &str = "wanda";

fn month(month: i8, last: i8) -> SlotValue {
    let (from, to) = (Some(date(2026, month, 1)), Some(date(2026, month, last)));
    SlotValue::When(When { from, to, after: None, before: None })
}

fn moment(text: &str) -> Timestamp {
    text.parse().expect("a time")
}

fn visit(id: &str, start: &str, provider: Option<&str>) -> Visit {
    let start = moment(start);
    Visit { id: id.into(), start, provider: provider.map(str::to_owned), booked: true, ..Visit::default() }
}

fn wandas_visits() -> Vec<Visit> {
    vec![
        visit("over", "2026-11-18T15:00:00Z", Some(OKAFOR)),
        Visit {
            zone: Some("America/Los_Angeles".into()),
            mode: VisitMode::Video,
            reason: Some("Colonoscopy review".into()),
            prepare: Some("Bring the letter.".into()),
            ..visit("west", "2026-12-14T18:00:00Z", Some("Dr. Wes Coast"))
        },
        Visit {
            specialty: Some("dermatology".into()),
            prepare: Some("Very long. ".repeat(90)),
            ..visit("skin", "2026-12-16T18:00:00Z", None)
        },
        Visit { booked: false, ..visit("off", "2026-12-18T18:00:00Z", Some("Dr. Otto Gone")) },
        visit("soon", "2026-12-04T18:00:00Z", Some(OKAFOR)),
        visit("full", "2026-12-29T18:00:00Z", Some("Dr. Full Up")),
        Visit {
            origin: Origin { organization: Some("Mercy Hospital".into()), ..Origin::default() },
            ..visit("mercy", "2026-12-30T18:00:00Z", Some("Dr. May Mercy"))
        },
    ]
}

async fn what_visits_there_are(stage: &Stage) {
    #[rustfmt::skip]
    let rows = vec![
        (ROSA, "appointment.list", vec![], "answer", "You have 1 visit coming up: Thursday, December 10th at 10:30 AM with Dr. Anita Patel. Your full list is on your page."),
        (ROSA, "appointment.list", vec![("date", month(12, 31))], "answer", "You have 1 visit coming up: Thursday, December 10th at 10:30 AM with Dr. Anita Patel. Your full list is on your page."),
        (ROSA, "appointment.list", vec![("date", on(12, 3))], "answer", "I have no visits on Thursday, December 3rd on record here. Your full list is on your page."),
        (ROSA, "appointment.list", vec![("date", month(10, 31))], "answer", "You had 1 visit: Wednesday, October 21st at 2 PM with Dr. Samuel Okafor. Your full list is on your page."),
        ("odd", "appointment.list", vec![], "answer", "I have no coming visits on record here. Your full list is on your page."),
        (WANDA, "appointment.list", vec![], "answer", "You have 5 visits coming up: Friday, December 4th at 1 PM with Dr. Samuel Okafor; Monday, December 14th at 10 AM Pacific time with Dr. Wes Coast by video; Wednesday, December 16th at 1 PM with dermatology; Tuesday, December 29th at 1 PM with Dr. Full Up; Wednesday, December 30th at 1 PM with Dr. May Mercy, from Mercy Hospital. Your full list is on your page."),
        (ROSA, "appointment.prepare", vec![], "answer", "For your visit with Dr. Anita Patel on Thursday, December 10th at 10:30 AM the clinic says: Please do not eat for 8 hours before this visit. You may drink water, and take your morning medicines as usual."),
        (WANDA, "appointment.prepare", vec![], "answer", "For your visit with Dr. Wes Coast on Monday, December 14th at 10 AM Pacific time the clinic says: Bring the letter. There are things to do before other visits, too. Ask me about them by the day."),
        (WANDA, "appointment.prepare", vec![("test", text("colonoscopy"))], "answer", "For your visit with Dr. Wes Coast on Monday, December 14th at 10 AM Pacific time the clinic says: Bring the letter."),
        (WANDA, "appointment.prepare", vec![("test", text("MRI"))], "answer", "I have no instructions for the MRI on record here. Please ask the clinic before you change what you eat, drink or take."),
        (WANDA, "appointment.prepare", vec![("specialty", text("dermatologist"))], "answer", "What to do before your visit with dermatology on Wednesday, December 16th is too long to read out. You'll find it on your page."),
        (WANDA, "appointment.prepare", vec![("appointment", on(12, 4))], "answer", "I have no instructions for your visit with Dr. Samuel Okafor on Friday, December 4th on record here. Please ask the clinic before you change what you eat, drink or take."),
        (WANDA, "appointment.prepare", vec![("appointment", on(12, 5))], "answer", "I don't see a coming visit like that on record here. Please ask the clinic what to do before it."),
        ("odd", "appointment.prepare", vec![], "answer", "I have no coming visits on record here. Please ask the clinic what to do before a test."),
    ];
    for (who, action, slots, kind, words) in rows {
        let said = stage.ask(who, action, &slots).await;
        assert_eq!((said.kind, said.rendered.text.as_str()), (kind, words));
    }
}

/// Visits that go by what they are for.
async fn what_a_visit_is_for(stage: &Stage) {
    let scan = Visit {
        reason: Some("MRI of left knee".into()),
        prepare: Some("Leave metal at home.".into()),
        ..visit("scan", "2026-12-07T15:00:00Z", None)
    };
    let scope = Visit { reason: Some("Colonoscopy".into()), ..visit("scope", "2026-12-09T15:00:00Z", Some(PATEL)) };
    let again = Visit { reason: Some("Dialysis".into()), ..visit("dialysis", "2026-12-11T15:00:00Z", None) };
    let more = Visit { reason: Some("Dialysis".into()), ..visit("more", "2026-12-14T15:00:00Z", None) };
    stage.add("mira", vec![scan, scope, again, more], vec![]).await;
    let what = |kind: &str| vec![("what", text(kind))];
    #[rustfmt::skip]
    let rows = vec![
        ("appointment.next", what("MRI"), "answer", "Your next visit is Monday, December 7th at 10 AM for MRI of left knee. The clinic says: Leave metal at home."),
        ("appointment.next", what("colonoscopy"), "answer", "Your next visit is Wednesday, December 9th at 10 AM with Dr. Anita Patel."),
        ("appointment.next", what("mammogram"), "answer", "I have no coming visit for mammogram on record here."),
        ("appointment.list", vec![], "answer", "You have 4 visits coming up: Monday, December 7th at 10 AM for MRI of left knee; Wednesday, December 9th at 10 AM with Dr. Anita Patel; Friday, December 11th at 10 AM for dialysis; Monday, December 14th at 10 AM for dialysis. Your full list is on your page."),
        ("appointment.cancel", what("scan"), "confirm", "Your visit for MRI of left knee on Monday, December 7th at 10 AM will be cancelled. Shall I do that?"),
        ("appointment.cancel", what("dialysis"), "ask", "You have 2 visits coming up: Friday, December 11th at 10 AM for dialysis; Monday, December 14th at 10 AM for dialysis. Which one do you want to cancel?"),
        ("appointment.cancel", what("surgery"), "answer", "I don't see a coming visit like that on record here. Ask me for your visits to hear them."),
        ("appointment.prepare", vec![("test", text("MRI"))], "answer", "For your visit for MRI of left knee on Monday, December 7th at 10 AM the clinic says: Leave metal at home."),
        ("appointment.reschedule", what("MRI"), "ask", "Which day would suit you better?"),
    ];
    for (action, slots, kind, words) in rows {
        let said = stage.ask("mira", action, &slots).await;
        assert_eq!((said.kind, said.rendered.text.as_str()), (kind, words), "{action}");
    }
}

async fn which_visit_is_meant(stage: &Stage) {
    #[rustfmt::skip]
    let rows = vec![
        (WANDA, "appointment.cancel", vec![], "ask", "You have 5 visits coming up: Friday, December 4th at 1 PM with Dr. Samuel Okafor; Monday, December 14th at 10 AM Pacific time with Dr. Wes Coast by video; Wednesday, December 16th at 1 PM with dermatology; Tuesday, December 29th at 1 PM with Dr. Full Up; Wednesday, December 30th at 1 PM with Dr. May Mercy. Which one do you want to cancel?"),
        (WANDA, "appointment.cancel", vec![("appointment", on(12, 14))], "confirm", "Your visit with Dr. Wes Coast on Monday, December 14th at 10 AM Pacific time will be cancelled. Shall I do that?"),
        (WANDA, "appointment.cancel", vec![("specialty", text("dermatology"))], "confirm", "Your visit with dermatology on Wednesday, December 16th at 1 PM will be cancelled. Shall I do that?"),
        (WANDA, "appointment.cancel", vec![("appointment", on(11, 18))], "answer", "Your visit with Dr. Samuel Okafor on Wednesday, November 18th is over, so there is nothing to cancel."),
        (WANDA, "appointment.cancel", vec![("provider", text("Otto Gone"))], "answer", "Your visit with Dr. Otto Gone on Friday, December 18th is cancelled already."),
        (WANDA, "appointment.cancel", vec![("provider", text("Dr. Nobody"))], "answer", "I don't see a coming visit like that on record here. Ask me for your visits to hear them."),
        (WANDA, "appointment.cancel", vec![("provider", text("May Mercy"))], "answer", "Your visit with Dr. May Mercy on Wednesday, December 30th is at Mercy Hospital. I can't cancel it from here, so please call them."),
        (WANDA, "appointment.reschedule", vec![("provider", text("May Mercy")), ("date", on(12, 8))], "answer", "Your visit with Dr. May Mercy on Wednesday, December 30th is at Mercy Hospital. I can't move it from here, so please call them."),
        ("odd", "appointment.cancel", vec![], "answer", "I have no coming visits on record here."),
        (WANDA, "appointment.reschedule", vec![("date", on(12, 8))], "ask", "You have 5 visits coming up: Friday, December 4th at 1 PM with Dr. Samuel Okafor; Monday, December 14th at 10 AM Pacific time with Dr. Wes Coast by video; Wednesday, December 16th at 1 PM with dermatology; Tuesday, December 29th at 1 PM with Dr. Full Up; Wednesday, December 30th at 1 PM with Dr. May Mercy. Which one do you want to move?"),
        (WANDA, "appointment.reschedule", vec![("appointment", on(11, 18))], "answer", "Your visit with Dr. Samuel Okafor on Wednesday, November 18th is over, so it can't be moved. I can book a new one."),
        (WANDA, "appointment.reschedule", vec![("provider", text("Otto Gone"))], "answer", "Your visit with Dr. Otto Gone on Friday, December 18th was called off, so it can't be moved. I can book a new one."),
        (WANDA, "appointment.reschedule", vec![("provider", text("Dr. Nobody"))], "answer", "I don't see a coming visit like that on record here. Ask me for your visits to hear them."),
        (WANDA, "appointment.reschedule", vec![("provider", text("Full Up")), ("date", on(12, 8))], "answer", "I see no other free times with Dr. Full Up in the next two months. Your visit stays on Tuesday, December 29th at 1 PM. Please call the clinic."),
        (WANDA, "appointment.reschedule", vec![("appointment", on(12, 4))], "ask", "Which day would suit you better?"),
        (WANDA, "appointment.reschedule", vec![("appointment", on(12, 4)), ("date", on(11, 30))], "ask", "That day is over. Which day would suit you better?"),
        (WANDA, "appointment.reschedule", vec![("appointment", on(12, 4)), ("date", on(12, 3))], "ask", "On Thursday, December 3rd, Dr. Samuel Okafor has 10 AM or 4 PM. Which one would you like?"),
        (WANDA, "appointment.reschedule", vec![("appointment", on(12, 4)), ("date", on(12, 6))], "ask", "Nothing is free then. Dr. Samuel Okafor has Friday, December 4th at 11:30 AM, Monday, December 7th at 8:30 AM, or Tuesday, December 8th at 10 AM. Which one would you like?"),
        (WANDA, "appointment.reschedule", vec![("appointment", on(12, 4)), ("date", on(12, 8)), ("mode", text("phone"))], "confirm", "Your visit with Dr. Samuel Okafor on Friday, December 4th at 1 PM moves to Tuesday, December 8th at 4:30 PM, by phone. Shall I move it?"),
        (WANDA, "appointment.reschedule", vec![("provider", text("Wes Coast")), ("date", on(12, 15))], "confirm", "Your visit with Dr. Wes Coast on Monday, December 14th at 10 AM Pacific time moves to Tuesday, December 15th at 9 AM Pacific time, by video. Shall I move it?"),
        (WANDA, "appointment.reschedule", vec![("provider", text("Wes Coast")), ("date", on(12, 8)), ("mode", text("in person"))], "ask", "I see no free times in person. On Tuesday, December 15th, Dr. Wes Coast has 9 AM Pacific time by video. Would that work?"),
        ("odd", "appointment.reschedule", vec![("date", on(12, 8))], "answer", "I have no coming visits on record here that I could move."),
        (ROSA, "appointment.reschedule", vec![("date", on(12, 3)), ("other", text("somebody else")), ("offered", text("patel-2026-12-03-0930"))], "ask", "I see nothing with somebody else. On Thursday, December 3rd, Dr. Anita Patel has 9:30 AM. Would that work?"),
    ];
    for (who, action, slots, kind, words) in rows {
        let said = stage.ask(who, action, &slots).await;
        assert_eq!(
            (said.kind, said.rendered.text.as_str()),
            (kind, words),
            "{slots:?}",
            slots = slots.iter().map(|(n, s)| (n, s.told())).collect::<Vec<_>>()
        );
    }
}

/// Other times than those offered, other ways, other places.
async fn other_times(stage: &Stage) {
    let offered = || ("offered", text("patel-2026-12-03-0930\npatel-2026-12-03-1330"));
    let patel = || vec![("date", on(12, 3)), ("provider", text(PATEL)), offered()];
    let instead = |what: &str| [patel(), vec![("other", text(what))]].concat();
    #[rustfmt::skip]
    let rows = vec![
        (instead("earlier"), "ask", "Tomorrow, Dr. Anita Patel has 9 AM or 2:30 PM. Which one would you like?"),
        (instead("another day"), "ask", "Dr. Anita Patel has Friday, December 4th at 11 AM, Monday, December 7th at 9 AM, or Tuesday, December 8th at 10 AM. Which one would you like?"),
        (instead("elsewhere"), "ask", "I see nothing at another place. On Thursday, December 3rd, Dr. Anita Patel has 9:30 AM or 1:30 PM. Which one would you like?"),
        (vec![("other", text("soonest")), ("provider", text(PATEL))], "ask", "Dr. Anita Patel has tomorrow at 9 AM, Thursday, December 3rd at 9:30 AM, or Friday, December 4th at 11 AM. Which one would you like?"),
        (vec![("date", on(12, 4)), ("provider", text(OKAFOR)), ("mode", text("video"))], "confirm", "Friday, December 4th at 2 PM with Dr. Samuel Okafor, by video. Shall I book it?"),
        (vec![("date", on(12, 4)), ("provider", text(OKAFOR))], "ask", "On Friday, December 4th, Dr. Samuel Okafor has 11:30 AM or 2 PM by video. Which one would you like?"),
        (vec![("date", on(12, 3)), ("provider", text(PATEL)), ("mode", text("phone"))], "ask", "I see no free times by phone. On Thursday, December 3rd, Dr. Anita Patel has 9:30 AM or 1:30 PM. Which one would you like?"),
        (vec![("date", on(12, 3)), ("provider", text(PATEL)), ("place", text("uptown"))], "ask", "I see no free times at uptown. On Thursday, December 3rd, Dr. Anita Patel has 9:30 AM or 1:30 PM. Which one would you like?"),
        (vec![("date", on(12, 3)), ("provider", text(PATEL)), ("place", text("second floor")), ("time", at(9, 30))], "confirm", "Thursday, December 3rd at 9:30 AM with Dr. Anita Patel. Shall I book it?"),
    ];
    for (slots, kind, words) in rows {
        let said = stage.ask(ROSA, "appointment.book", &slots).await;
        assert_eq!((said.kind, said.rendered.text.as_str()), (kind, words));
    }
}

/// Two of one surname are asked about, and of many free times those that are asked for are found.
async fn who_is_meant_and_how_far_ahead(stage: &Stage) {
    let start = moment("2026-12-02T13:00:00Z");
    let busy = |n: i64| {
        let start = start + SignedDuration::from_mins(10 * n);
        let end = start + SignedDuration::from_mins(10);
        OpenSlot { id: format!("busy-{n}"), start, end, provider: format!("Dr. Busy {n}"), ..OpenSlot::default() }
    };
    let with = |id: &str, at: &str, provider: &str| {
        let start = moment(at);
        let end = start + SignedDuration::from_mins(30);
        OpenSlot { id: id.into(), start, end, provider: provider.into(), ..OpenSlot::default() }
    };
    let mut slots: Vec<OpenSlot> = (0..2_100).map(busy).collect();
    slots.push(with("ada", "2026-12-07T15:00:00Z", "Dr. Ada Lund"));
    slots.push(with("eve", "2026-12-08T15:00:00Z", "Dr. Eve Lund"));
    slots.push(with("zorn", "2026-12-28T15:00:00Z", "Dr. Zed Zorn"));
    stage.add("crowd", vec![], slots).await;
    let march = |year| {
        let day = Some(date(year, 3, 15));
        SlotValue::When(When { from: day, to: day, after: None, before: None })
    };
    #[rustfmt::skip]
    let rows = vec![
        ("crowd", "appointment.book", vec![("provider", text("doctor Lund")), ("date", on(12, 7))], "ask", "I know Dr. Ada Lund and Dr. Eve Lund. Which one do you mean?"),
        ("crowd", "appointment.book", vec![("provider", text("Dr. Eve Lund")), ("date", on(12, 8))], "confirm", "Tuesday, December 8th at 10 AM with Dr. Eve Lund. Shall I book it?"),
        ("crowd", "appointment.book", vec![("provider", text("doctor Zorn")), ("date", on(12, 28))], "confirm", "Monday, December 28th at 10 AM with Dr. Zed Zorn. Shall I book it?"),
        ("crowd", "appointment.book", vec![("provider", text("doctor Zorn")), ("date", march(2027))], "ask", "I can look only two months ahead, so I don't know what is free then. On Monday, December 28th, Dr. Zed Zorn has 10 AM. Would that work?"),
        (WANDA, "appointment.reschedule", vec![("provider", text("Wes Coast")), ("date", march(2027))], "ask", "I can look only two months ahead, so I don't know what is free then. On Tuesday, December 15th, Dr. Wes Coast has 9 AM Pacific time by video. Would that work?"),
    ];
    for (who, action, slots, kind, words) in rows {
        let said = stage.ask(who, action, &slots).await;
        assert_eq!((said.kind, said.rendered.text.as_str()), (kind, words));
    }
}

/// Moved, then called off: the old time is free again each time, and who comes too late is told so.
async fn a_visit_moves_and_is_called_off(stage: &Stage) {
    let to = |day| vec![("date", on(12, day)), ("time", at(9, 0))];
    let moved = stage.ask(ROSA, "appointment.reschedule", &to(7)).await;
    assert_eq!(
        moved.rendered.text,
        "Your visit with Dr. Anita Patel on Thursday, December 10th at 10:30 AM moves to Monday, December 7th at 9 AM. Shall I move it?"
    );
    let Outcome::Confirm { plan, .. } = moved.outcome else { panic!("read back") };
    let Plan::Reschedule { to: slot, visit, .. } = plan.clone() else { panic!("a move") };
    let changes = |outcome| match outcome {
        Outcome::Done { changes, .. } => changes,
        _ => panic!("done"),
    };
    let hers = stage.perform(ROSA, "appointment.reschedule", plan.clone()).await;
    assert_eq!(
        hers.rendered.text,
        "It's moved. You see Dr. Anita Patel on Monday, December 7th at 9 AM, at Lakeside Clinic, second floor. The old time is given back."
    );
    // Somebody else takes it first: nothing of hers has changed, and she is offered others.
    let theirs = Change::Book { slot: slot.clone(), reason: None };
    stage.commit("odd", vec![theirs]).await.expect("first");
    let late = stage.commit(ROSA, changes(hers.outcome)).await;
    assert!(matches!(late, Err(CommitError::Conflict(Conflict::SlotTaken))));
    let listed = stage.ask(ROSA, "appointment.list", &[]).await.rendered.text;
    assert!(listed.contains("Thursday, December 10th at 10:30 AM"), "the old one is kept: {listed}");
    let others = stage.perform(ROSA, "appointment.reschedule", plan).await;
    assert_eq!(
        others.rendered.text,
        "That time is no longer free, and your visit stays as it is. Dr. Anita Patel has tomorrow at 9 AM, Thursday, December 3rd at 9:30 AM, or Friday, December 4th at 11 AM. Which one would you like?"
    );
    let words = stage.agreed(ROSA, "appointment.reschedule", &to(9)).await;
    assert!(words.starts_with("It's moved. You see Dr. Anita Patel on Wednesday, December 9th at 9 AM"), "{words}");
    let listed = stage.ask(ROSA, "appointment.list", &[]).await.rendered.text;
    assert_eq!(
        listed,
        "You have 1 visit coming up: Wednesday, December 9th at 9 AM with Dr. Anita Patel. Your full list is on your page."
    );
    // The clinic's own instructions stay with it, and the time she left is there for others.
    let prepare = stage.ask(ROSA, "appointment.prepare", &[]).await.rendered.text;
    assert!(prepare.starts_with("For your visit with Dr. Anita Patel on Wednesday, December 9th"), "{prepare}");
    let free = stage.ask("odd", "appointment.book", &[("date", on(12, 10)), ("provider", text(PATEL))]).await;
    assert!(free.rendered.text.contains("10:30 AM"), "{}", free.rendered.text);

    // A second yes to an old read-back does nothing.
    let stale = Plan::Reschedule { visit: visit.clone(), start: moment("2026-12-10T15:30:00Z"), to: slot };
    let said = stage.perform(ROSA, "appointment.reschedule", stale).await;
    assert_eq!(
        said.rendered.text,
        "That visit was changed in between, so I didn't move anything. Ask me for your visits to hear how it is now."
    );
    let stale = Plan::Cancel { visit: visit.clone(), start: moment("2026-12-10T15:30:00Z") };
    let said = stage.perform(ROSA, "appointment.cancel", stale).await;
    assert_eq!(
        said.rendered.text,
        "That visit was changed in between, so I didn't cancel it. Ask me for your visits to hear how it is now."
    );
    let asked = stage.ask(ROSA, "appointment.cancel", &[]).await;
    let Outcome::Confirm { plan, .. } = asked.outcome else { panic!("read back") };
    let once = stage.perform(ROSA, "appointment.cancel", plan.clone()).await;
    assert_eq!(once.rendered.text, "Your visit with Dr. Anita Patel on Wednesday, December 9th at 9 AM is cancelled.");
    let twice = stage.perform(ROSA, "appointment.cancel", plan.clone()).await;
    stage.commit(ROSA, changes(once.outcome)).await.expect("cancelled");
    let crossed = stage.commit(ROSA, changes(twice.outcome)).await;
    assert!(matches!(crossed, Err(CommitError::Conflict(Conflict::VisitChanged))));
    assert_eq!(stage.perform(ROSA, "appointment.cancel", plan).await.kind, "answer", "it is cancelled already");
    let free = stage.ask("odd", "appointment.book", &[("date", on(12, 9)), ("provider", text(PATEL))]).await;
    assert!(free.rendered.text.contains("9 AM"), "its time is free again: {}", free.rendered.text);
    let none = stage.ask(ROSA, "appointment.next", &[]).await.rendered.text;
    assert!(none.starts_with("I have no coming visits"), "{none}");
}

pub async fn all(stage: &Stage) {
    let slot = OpenSlot {
        id: "west-1".into(),
        start: moment("2026-12-15T17:00:00Z"),
        end: moment("2026-12-15T17:30:00Z"),
        provider: "Dr. Wes Coast".into(),
        mode: VisitMode::Video,
        zone: Some("America/Los_Angeles".into()),
        ..OpenSlot::default()
    };
    stage.add(WANDA, wandas_visits(), vec![slot]).await;
    what_visits_there_are(stage).await;
    what_a_visit_is_for(stage).await;
    which_visit_is_meant(stage).await;
    other_times(stage).await;
    a_visit_moves_and_is_called_off(stage).await;
    who_is_meant_and_how_far_ahead(stage).await;
}

#[tokio::test]
async fn visits_are_told_moved_and_called_off() {
    for stage in Stage::both().await {
        all(&stage).await;
    }
}
