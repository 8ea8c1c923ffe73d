//! What is said of urgent care: where, when, how long, and a time there.

use jiff::{SignedDuration, civil::time};
use wellspoken::{
    actions::{Change, Conflict, Outcome},
    nlu::{SlotValue, When},
    policy::Surface,
    records::{Directory, Position, demo},
    store::CommitError,
};

use super::{JUNE, ROSA, at, on, stage::Stage, text};

/// What every answer about urgent care ends with.
const SAFE: &str = "If it may be an emergency, call 911 now.";

fn tonight() -> SlotValue {
    let (after, before) = (Some(time(17, 0, 0, 0)), Some(time(23, 0, 0, 0)));
    let SlotValue::When(day) = on(12, 1) else { panic!("a day") };
    SlotValue::When(When { after, before, ..day })
}

/// Before anybody listed a place.
async fn without_a_list(stage: &Stage) {
    let words = format!("I have no list of urgent care places here. Please ask Lakeside Clinic where to go. {SAFE}");
    for action in ["urgent_care.find", "urgent_care.wait"] {
        assert_eq!(stage.ask_from(Surface::ThirdParty, action, &[]).await.rendered.text, words);
    }
}

async fn where_and_when(stage: &Stage) {
    let place = |words: &str| ("place", text(words));
    #[rustfmt::skip]
    let rows = vec![
        (vec![], "Harbor Urgent Care is at 12 Harbor Street, Lakeside, about half a mile from here in a straight line. It's open until 8 PM. The number is 555-0160. Hillside Walk-In Clinic, about 2.5 miles from here, is open until 9 PM. Northgate Night Care, about 3 miles from here, is closed now, and opens today at 6 PM. "),
        (vec![place("hillside")], "Hillside Walk-In Clinic is at 40 Hill Road, Lakeside, about 2.5 miles from here in a straight line. It's open until 9 PM. The number is 555-0161. "),
        (vec![place("springfield")], "I have no urgent care like springfield on my list. It has Harbor Urgent Care, Hillside Walk-In Clinic and Northgate Night Care. "),
        (vec![("kind", text("emergency room"))], "Lakeside Hospital Emergency Room is at 1 Hospital Drive, Lakeside, about half a mile from here in a straight line. It's open around the clock. The number is 555-0163. "),
        (vec![("kind", text("emergency room")), place("springfield")], "I have no emergency room on my list. "),
        (vec![("date", on(12, 6))], "On Sunday, December 6th, Harbor Urgent Care is open from 8 AM to 8 PM. On Sunday, December 6th, Northgate Night Care is open from 6 PM to 11:30 PM. On Sunday, December 6th, Hillside Walk-In Clinic is closed. "),
        (vec![("date", on(12, 4)), place("northgate")], "On Friday, December 4th, Northgate Night Care is open from 6 PM to 2 AM. "),
        (vec![("date", tonight()), place("harbor")], "Today, Harbor Urgent Care is open from 8 AM to 8 PM. "),
        // Seven is when it is open.
        (vec![("time", at(7, 0)), place("harbor")], "Today, Harbor Urgent Care is open from 8 AM to 8 PM, so 7 PM is fine. "),
        (vec![("time", at(21, 30)), place("harbor")], "Today, Harbor Urgent Care is open from 8 AM to 8 PM, so 9:30 PM is not possible. "),
        (vec![("date", on(12, 25)), place("hillside")], "On Friday, December 25th, Hillside Walk-In Clinic is closed. "),
        (vec![("date", on(12, 5)), ("kind", text("emergency room"))], "On Saturday, December 5th, Lakeside Hospital Emergency Room is open around the clock. "),
    ];
    for (slots, words) in rows {
        let said = stage.ask_from(Surface::ThirdParty, "urgent_care.find", &slots).await;
        assert_eq!((said.kind, said.rendered.text), ("answer", format!("{words}{SAFE}")));
    }
}

async fn how_long_people_wait(stage: &Stage) {
    let wait = async |slots: Vec<(&str, SlotValue)>| {
        stage.ask_from(Surface::ThirdParty, "urgent_care.wait", &slots).await.rendered.text
    };
    let place = |words: &str| vec![("place", text(words))];
    assert_eq!(
        wait(place("harbor")).await,
        format!(
            "Nobody has told me how long the wait at Harbor Urgent Care is in the last hour. You can ask at 555-0160. {SAFE}"
        )
    );
    for (id, minutes, ago) in
        [("harbor-urgent-care", 25, 10), ("hillside-walk-in", 0, 1), ("northgate-night-care", 5, 1)]
    {
        let told = stage.now - SignedDuration::from_mins(ago);
        stage.store.set_wait(id, minutes, "tester", told).await.expect("kept");
    }
    assert_eq!(
        wait(vec![]).await,
        format!(
            "At Hillside Walk-In Clinic there was no wait just now, and at Harbor Urgent Care the wait was 25 minutes 10 minutes ago. It may be longer when you get there. {SAFE}"
        )
    );
    assert_eq!(
        wait(place("northgate")).await,
        format!("Northgate Night Care is closed now, and opens today at 6 PM. {SAFE}")
    );
    assert_eq!(wait(place("springfield")).await, format!("I have no urgent care like springfield on my list. {SAFE}"));
    let old = stage.now - SignedDuration::from_mins(61);
    stage.store.set_wait("harbor-urgent-care", 25, "tester", old).await.expect("kept");
    assert!(wait(place("harbor")).await.starts_with("Nobody has told me"), "what is older than an hour is not said");
}

/// A time today, at the seven that is meant, and of two who want it one has it.
async fn a_time_there(stage: &Stage) {
    let place = |words: &str| ("place", text(words));
    let options = "Which one would you like?";
    #[rustfmt::skip]
    let rows = vec![
        (vec![], "ask", format!("Today, I have 10:30 AM with Harbor Urgent Care, 5:30 PM with Harbor Urgent Care or 10:30 PM with Northgate Night Care. {options}")),
        (vec![place("harbor"), ("time", at(7, 0))], "confirm", "Today, Tuesday, December 1st at 7 PM at Harbor Urgent Care, Harbor Street. Shall I book it? If it gets worse before then, call 911.".to_owned()),
        (vec![place("harbor"), ("time", at(12, 15))], "ask", format!("Nothing is free then. Today, Harbor Urgent Care has 10:30 AM, 4 PM or 7:30 PM. {options}")),
        (vec![place("northgate"), ("date", on(12, 2)), ("time", at(21, 0))], "confirm", "Tomorrow, Wednesday, December 2nd at 9 PM at Northgate Night Care, North Gate. Shall I book it? If it gets worse before then, call 911.".to_owned()),
        (vec![place("harbor"), ("date", on(11, 30))], "ask", "That day is over. Which day would suit you?".to_owned()),
        (vec![place("hillside")], "answer", format!("Hillside Walk-In Clinic gives no times through me, so nothing is booked. You may walk in, or call 555-0161. {SAFE}")),
        (vec![place("springfield")], "answer", "I have no urgent care like springfield on my list, so nothing is booked.".to_owned()),
        (vec![place("northgate"), ("other", text("earlier")), ("offered", text("northgate-2026-12-01-1900"))], "ask", "I see nothing earlier. Today, Northgate Night Care has 7 PM. Would that work?".to_owned()),
    ];
    for (slots, kind, words) in rows {
        let said = stage.ask(ROSA, "urgent_care.book", &slots).await;
        assert_eq!((said.kind, said.rendered.text), (kind, words));
    }
    let seven = [place("harbor"), ("time", at(7, 0))];
    let asked = stage.ask(ROSA, "urgent_care.book", &seven).await;
    let Outcome::Confirm { plan, .. } = asked.outcome else { panic!("read back") };
    let changes = |outcome| match outcome {
        Outcome::Done { changes, .. } => changes,
        _ => panic!("done"),
    };
    let hers = stage.perform(ROSA, "urgent_care.book", plan.clone()).await;
    assert_eq!(hers.rendered.text, "You have a time at Harbor Urgent Care today at 7 PM.");
    let theirs = stage.perform(JUNE, "urgent_care.book", plan.clone()).await;
    stage.commit(JUNE, changes(theirs.outcome)).await.expect("first");
    let late = stage.commit(ROSA, changes(hers.outcome)).await;
    assert!(matches!(late, Err(CommitError::Conflict(Conflict::SlotTaken))));
    let others = stage.perform(ROSA, "urgent_care.book", plan).await.rendered.text;
    assert_eq!(
        others,
        format!("That time is no longer free. Today, Harbor Urgent Care has 10:30 AM, 2:30 PM or 7:30 PM. {options}")
    );
    let next = stage.ask(JUNE, "appointment.next", &[]).await.rendered.text;
    assert!(next.contains("Harbor Urgent Care") && next.contains("7 PM"), "{next}");
}

/// Where every time is gone.
async fn no_time_there(stage: &Stage) {
    let free =
        demo::places(stage.now, &jiff::tz::TimeZone::get("America/New_York").expect("known")).expect("a list").slots;
    let all = free.into_iter().filter(|slot| slot.start > stage.now);
    let taken: Vec<Change> = all.map(|slot| Change::Book { slot, reason: None }).collect();
    for change in taken {
        // Some are gone already.
        let _ = stage.commit("odd", vec![change]).await;
    }
    let said = stage.ask(ROSA, "urgent_care.book", &[]).await.rendered.text;
    assert_eq!(said, format!("I see no free times at urgent care. You may walk in. {SAFE}"));
}

pub async fn all(stage: &Stage) {
    if stage.is_at_server() {
        let bundle: serde_json::Value = serde_json::from_str(demo::PLACES).expect("JSON");
        crate::fhir::shared().load(&bundle).await;
    }
    without_a_list(stage).await;
    let said = stage.ask(ROSA, "urgent_care.book", &[("place", text("the moon"))]).await.rendered.text;
    assert!(said.starts_with("I have no list of urgent care places here."), "{said}");
    let zone = jiff::tz::TimeZone::get("America/New_York").expect("known");
    let list = demo::places(stage.now, &zone).expect("the demo places");
    // A server tells its own free times.
    let list = if stage.is_at_server() { Directory { slots: vec![], ..list } } else { list };
    stage.store.set_care_places(&list, "tester", stage.now).await.expect("kept");
    *stage.position.lock().expect("position") = Position::new(42.3601, -71.0589);
    where_and_when(stage).await;
    how_long_people_wait(stage).await;
    a_time_there(stage).await;
    no_time_there(stage).await;
}

#[tokio::test]
async fn urgent_care_is_found_and_booked() {
    for stage in Stage::both().await {
        all(&stage).await;
    }
}
