//! What is said of the house, of who treats somebody there, and to its other departments.

use jiff::SignedDuration;
use wellspoken::{
    actions::{Change, Outcome},
    policy::{RoomId, Surface},
    records::{FACILITY, Facility},
};

use super::{JUNE, ROSA, on, stage::Stage, text};

fn room() -> Surface {
    Surface::Room(RoomId::parse("room-12").expect("fits"))
}

fn home() -> Surface {
    Surface::Home(RoomId::parse("kitchen").expect("fits"))
}

async fn of_the_house(stage: &Stage) {
    let ask = async |topic: &str| stage.ask_from(Surface::ThirdParty, "facility.info", &[("topic", text(topic))]).await;
    let unknown = "I know nothing about wifi here. Please ask at the front desk.";
    assert_eq!(ask("wifi").await.rendered.text, unknown);
    let known = ["visiting hours".to_owned()];
    let told = Facility::read("\"visiting hours\" = \"Visiting hours are 9 AM to 8 PM\"", &known).expect("fits");
    let days = |days: i64| stage.now - SignedDuration::from_hours(24 * days);
    stage.store.set_house_list(FACILITY, &told, "tester", days(2)).await.expect("kept");
    assert_eq!(ask("visiting hours").await.rendered.text, "Visiting hours are 9 AM to 8 PM.");
    assert_eq!(ask("wifi").await.rendered.text, unknown);
    stage.store.set_house_list(FACILITY, &told, "tester", days(60)).await.expect("kept");
    let old = ask("visiting hours").await.rendered.text;
    assert!(
        old.starts_with("Visiting hours are 9 AM to 8 PM. That was written down on") && old.contains("October 2nd"),
        "{old}"
    );
}

async fn where_and_when(stage: &Stage) {
    let said = stage.ask_from(room(), "room.info", &[]).await.rendered.text;
    assert!(said.starts_with("It's 10 AM on") && said.contains("December 1st"), "{said}");
    assert!(said.ends_with("You're in room 12 at Lakeside Clinic."), "{said}");
    let said = stage.ask_from(home(), "room.info", &[]).await.rendered.text;
    assert!(said.starts_with("It's 10 AM on") && !said.contains("You're in"), "at home nobody has to be told: {said}");
}

async fn other_departments(stage: &Stage) {
    let ask = async |surface| stage.ask_from(surface, "service.request", &[("service", text("housekeeping"))]).await;
    let asked = ask(room()).await;
    assert_eq!(asked.rendered.text, "That's a request for housekeeping. Shall I put it on the staff's board?");
    let Outcome::Confirm { plan, .. } = asked.outcome else { panic!("read back") };
    let done = stage.perform_at(room(), "service.request", plan.clone()).await;
    assert_eq!(
        done.rendered.text,
        "Your request for housekeeping is on the staff's board. Nobody has answered it yet."
    );
    let Outcome::Done { changes, .. } = done.outcome else { panic!("done") };
    let [Change::CallNurse { room, need, emergency: false }] = changes.as_slice() else { panic!("one request") };
    assert_eq!((room.as_str(), need.as_str()), ("room-12", "housekeeping"));
    let nowhere = "There is no staff's board here. Please ask Lakeside Clinic.";
    assert_eq!(ask(home()).await.rendered.text, nowhere);
    assert_eq!(stage.perform_at(home(), "service.request", plan).await.rendered.text, nowhere);
}

async fn who_treats(stage: &Stage) {
    let ask =
        async |slots: &[(&str, wellspoken::nlu::SlotValue)]| stage.ask(ROSA, "careteam.who", slots).await.rendered.text;
    let heart = ask(&[("role", text("cardiology"))]).await;
    assert!(heart.starts_with("On record as your cardiology I have Dr. "), "{heart}");
    let doctors = ask(&[("role", text("doctor"))]).await;
    assert!(doctors.matches("Dr. ").count() == 2 && doctors.ends_with("I can't tell."), "{doctors}");
    let team = ask(&[]).await;
    assert!(team.starts_with("On your care team I have Dr. ") && team.contains("; "), "{team}");
    let nurse = ask(&[("role", text("nurse"))]).await;
    assert_eq!(nurse, "I have no nurse for you on record here. Please ask the staff who comes in.");
    let hours = |hours: i64| stage.now + SignedDuration::from_hours(hours);
    for (unit, role, who, from, to) in [
        ("4-west", "nurse", "Maria", -1, 7),
        ("4-west", "nurse", "Nora", 7, 15),
        ("5-east", "nurse", "Eve", -1, 7),
        ("house", "chaplain", "Reverend Hill", -1, 7),
    ] {
        let times = (hours(from), hours(to));
        stage.store.put_on_duty((unit, role, who), times, "tester", stage.now).await.expect("kept");
    }
    *stage.unit.lock().expect("unit") = Some("4-west");
    assert_eq!(ask(&[("role", text("nurse"))]).await, "Maria is on duty for your unit as nurse.");
    assert_eq!(ask(&[("role", text("chaplain"))]).await, "Reverend Hill is on duty for your unit as chaplain.");
    assert!(ask(&[]).await.starts_with("On duty for your unit as nurse: Maria. On your care team I have Dr. "));
    *stage.unit.lock().expect("unit") = None;
    assert_eq!(ask(&[("role", text("nurse"))]).await, nurse, "nobody's duty is told where no unit has the room");
}

async fn what_is_planned(stage: &Stage) {
    let going = "When you go home is not on record here. Please ask your care team.";
    let ask =
        async |slots: &[(&str, wellspoken::nlu::SlotValue)]| stage.ask(ROSA, "stay.plan", slots).await.rendered.text;
    let empty = ask(&[("date", on(12, 31))]).await;
    assert_eq!(empty, format!("I have nothing planned for you on Thursday, December 31st on record here. {going}"));
    let said = ask(&[("date", span((2026, 12, 1), (2027, 3, 1)))]).await;
    assert!(said.starts_with("From today to") && said.contains(" with Dr. ") && said.ends_with(going), "{said}");
    let _ = stage.ask(JUNE, "stay.plan", &[]).await;
}

/// From one day to another.
fn span(from: (i16, i8, i8), to: (i16, i8, i8)) -> wellspoken::nlu::SlotValue {
    let day = |(y, m, d)| Some(jiff::civil::date(y, m, d));
    let when = wellspoken::nlu::When { from: day(from), to: day(to), after: None, before: None };
    wellspoken::nlu::SlotValue::When(when)
}

pub async fn all(stage: &Stage) {
    of_the_house(stage).await;
    where_and_when(stage).await;
    other_departments(stage).await;
    who_treats(stage).await;
    what_is_planned(stage).await;
}

#[tokio::test]
async fn the_house_tells_and_is_asked() {
    for stage in Stage::both().await {
        all(&stage).await;
    }
}
