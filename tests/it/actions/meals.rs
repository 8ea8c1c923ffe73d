//! What there is to eat for whoever lies in a room, and what is asked of dietary.

use jiff::{SignedDuration, Timestamp};
use wellspoken::{
    actions::{Change, Outcome, Plan},
    nlu::{SlotValue, catalogue::Catalogue},
    policy::{RoomId, Surface},
    records::{MENU, Menu},
};

use super::{JUNE, ROSA, stage::Stage, text};

const MILO: &str = "milo-tran.json";
const CANARY: &str = "canary.json";
const NURSE: &str = "Please ask your nurse, Maria.";
const KITCHEN: &str = "Please ask dietary, on extension 4400.";

fn room() -> RoomId {
    RoomId::parse("room-12").expect("fits")
}

/// The demo kitchen's menu, with something changed in its file.
fn menu(changes: &[(&str, &str)]) -> Menu {
    let catalogue = Catalogue::builtin().expect("the catalogue");
    let list = |name: &str| catalogue.list(name).expect("a list").values.clone();
    let mut file = include_str!("../../../demo/menu.toml").to_owned();
    for (from, to) in changes {
        assert!(file.contains(from), "{from}");
        file = file.replace(from, to);
    }
    Menu::read(&file, &list("dish"), &list("meal")).expect("fits")
}

async fn serves(stage: &Stage, menu: &Menu) {
    stage.store.set_house_list(MENU, menu, "tester", stage.now).await.expect("kept");
}

async fn menu_of(stage: &Stage, who: &str, meal: &str) -> String {
    let slots = if meal.is_empty() { vec![] } else { vec![("meal", text(meal))] };
    stage.ask_at(Surface::Room(room()), who, "meal.menu", &slots).await.rendered.text
}

fn slots(dish: &str, meal: &str) -> Vec<(&'static str, SlotValue)> {
    [("dish", dish), ("meal", meal)].into_iter().filter(|(_, it)| !it.is_empty()).map(|(n, it)| (n, text(it))).collect()
}

async fn order_of(stage: &Stage, who: &str, slots: &[(&str, SlotValue)]) -> super::stage::Said {
    stage.ask_at(Surface::Room(room()), who, "meal.order", slots).await
}

async fn what_there_is(stage: &Stage) {
    for (who, meal, words) in [
        (
            ROSA,
            "lunch",
            "For lunch today, going by the diet and the allergies on your record: roast chicken with gravy, grilled chicken with rice or tomato soup. You can order until 10:30 AM. It's usually served from noon.",
        ),
        (
            ROSA,
            "",
            "For lunch today, going by the diet and the allergies on your record: roast chicken with gravy, grilled chicken with rice or tomato soup. You can order until 10:30 AM. It's usually served from noon.",
        ),
        (
            ROSA,
            "breakfast",
            "For breakfast today, going by the diet and the allergies on your record: oatmeal with cinnamon. Orders for it are closed. Please ask dietary, on extension 4400. It's usually served from 8 AM.",
        ),
        (
            MILO,
            "dinner",
            "For dinner today, going by the diet and the allergies on your record: roast chicken with gravy, grilled chicken with rice, baked salmon or tomato soup. You can order until 4 PM. It's usually served from 5:30 PM.",
        ),
        (
            ROSA,
            "snack",
            "I have no menu for snack. There is one for breakfast, lunch and dinner. Please ask dietary, on extension 4400.",
        ),
    ] {
        assert_eq!(menu_of(stage, who, meal).await, words, "{meal}");
    }
    assert!(menu_of(stage, ROSA, "dinner").await.contains("peanut butter sandwich"), "it is Milo's allergy alone");
    assert_eq!(
        menu_of(stage, JUNE, "dinner").await,
        format!("I can't tell what you may eat right now, so I name no food. {NURSE}")
    );
    assert_eq!(
        menu_of(stage, CANARY, "dinner").await,
        format!("Going by your record, you're to have nothing by mouth. {NURSE}")
    );
}

async fn what_is_ordered(stage: &Stage) {
    let cancel = |meal: &str| {
        let mut all = slots("", meal);
        all.push(("want", text("cancel")));
        all
    };
    for (who, slots, kind, words) in [
        (ROSA, slots("fish", ""), "confirm", "Baked salmon for dinner today. If you asked for something else before, this takes its place. Shall I ask dietary?".to_owned()),
        (ROSA, slots("chicken", "lunch"), "ask", "Which would you like? Roast chicken with gravy or grilled chicken with rice.".into()),
        (ROSA, slots("", "lunch"), "ask", "Which would you like? Roast chicken with gravy, grilled chicken with rice or tomato soup.".into()),
        (ROSA, slots("soup", ""), "ask", "For which meal? Lunch or dinner.".into()),
        (ROSA, slots("pizza", "lunch"), "answer", "Pizza isn't on today's menu for lunch. I ordered nothing. You can ask me what there is.".into()),
        (ROSA, slots("fish", "snack"), "answer", format!("Nothing can be ordered here for snack. There is breakfast, lunch and dinner. {KITCHEN}")),
        (ROSA, slots("oatmeal", "breakfast"), "answer", format!("Orders for breakfast closed at 7:30 AM, so I changed nothing. {KITCHEN}")),
        (ROSA, slots("oatmeal", ""), "answer", format!("Orders for today's meals are closed, so I changed nothing. {KITCHEN}")),
        (MILO, slots("sandwich", "dinner"), "answer", format!("Going by what's on your record I can't order sandwich for you, so I ordered nothing. {KITCHEN}")),
        (JUNE, slots("fish", "dinner"), "answer", format!("I can't tell what you may eat right now, so I ordered nothing. {NURSE}")),
        (CANARY, slots("fish", "dinner"), "answer", format!("Going by your record, you're to have nothing by mouth, so I ordered nothing. {NURSE}")),
        (JUNE, cancel("dinner"), "confirm", "I'd tell dietary that you want nothing for dinner today. Shall I?".into()),
        (ROSA, cancel("breakfast"), "answer", format!("Orders for breakfast closed at 7:30 AM, so I changed nothing. {KITCHEN}")),
    ] {
        let said = order_of(stage, who, &slots).await;
        assert_eq!((said.kind, said.rendered.text), (kind, words));
    }
    for (slots, words, need) in [
        (
            slots("fish", "dinner"),
            "I've put baked salmon for dinner on dietary's board. Nobody has confirmed it yet.",
            "dietary meal order, dinner of 2026-12-01: baked salmon. Takes the place of any before.",
        ),
        (
            cancel("dinner"),
            "I've put it on dietary's board that you want nothing for dinner. Nobody has confirmed it yet.",
            "dietary meal order, dinner of 2026-12-01: nothing, called off. Takes the place of any before.",
        ),
    ] {
        let Outcome::Confirm { plan, .. } = order_of(stage, ROSA, &slots).await.outcome else { panic!("read back") };
        let done = stage.perform(ROSA, "meal.order", plan).await;
        assert_eq!((done.kind, done.rendered.text.as_str()), ("done", words));
        let Outcome::Done { changes, .. } = done.outcome else { panic!("done") };
        let [Change::CallNurse { room, need: put, emergency: false }] = changes.as_slice() else {
            panic!("one request")
        };
        assert_eq!((room.as_str(), put.as_str()), ("room-12", need));
        assert_eq!(wellspoken::fleet::nurse::Need::of(put).name(), "meal");
    }
}

/// What was agreed to is decided on again, by the record and the clock as they are then.
async fn what_changed_since(stage: &Stage) {
    let Outcome::Confirm { plan, .. } = order_of(stage, ROSA, &slots("fish", "dinner")).await.outcome else {
        panic!("read back")
    };
    serves(stage, &menu(&[("\"16:00\"", "\"09:00\""), ("\"10:30\"", "\"08:30\"")])).await;
    let late = stage.perform(ROSA, "meal.order", plan.clone()).await;
    assert_eq!(late.rendered.text, format!("Orders for dinner closed at 9 AM, so I changed nothing. {KITCHEN}"));
    let over = order_of(stage, ROSA, &slots("fish", "")).await;
    assert_eq!(over.rendered.text, format!("Orders for today's meals are closed, so I changed nothing. {KITCHEN}"));
    serves(stage, &menu(&[])).await;
    let Plan::Meal { order } = plan.clone() else { panic!("a meal") };
    let yesterday = stage.now - SignedDuration::from_hours(24);
    let day = Timestamp::to_zoned(yesterday, jiff::tz::TimeZone::UTC).date();
    let old = stage.perform(ROSA, "meal.order", Plan::Meal { order: wellspoken::actions::Meal { day, ..order } }).await;
    assert_eq!(old.kind, "answer");
    // Somebody else's record at the same yes: what holds there counts.
    for (who, begins) in [(JUNE, "I can't tell what you may eat"), (CANARY, "Going by your record")] {
        let said = stage.perform(who, "meal.order", plan.clone()).await.rendered.text;
        assert!(said.starts_with(begins), "{said}");
    }
}

/// The kitchen has no word for what is on record, or nothing for it.
async fn what_the_kitchen_does_not_know(stage: &Stage) {
    serves(
        stage,
        &menu(&[
            ("peanut = [\"groundnut\", \"nut\"]", "arachis = []"),
            ("[\"peanut\", \"wheat\"]", "[\"arachis\", \"wheat\"]"),
        ]),
    )
    .await;
    let told = menu_of(stage, MILO, "dinner").await;
    assert_eq!(
        told,
        format!("I can't tell which dishes go with the allergies on your record, so I name none. {KITCHEN}")
    );
    let said = order_of(stage, MILO, &slots("fish", "dinner")).await.rendered.text;
    assert_eq!(
        said,
        format!("I can't tell whether that goes with the allergies on your record, so I ordered nothing. {KITCHEN}")
    );
    serves(stage, &menu(&[("diets = [\"regular\", \"cardiac\", \"diabetic\"]", "diets = [\"cardiac\"]")])).await;
    let told = menu_of(stage, ROSA, "breakfast").await;
    let nothing =
        format!("On today's menu for breakfast I find nothing that goes with what's on your record. {KITCHEN}");
    assert_eq!(told, nothing);
    serves(stage, &menu(&[("regular = [\"general\", \"house\"]", "ordinary = []"), ("\"regular\"", "\"ordinary\"")]))
        .await;
    assert!(menu_of(stage, ROSA, "dinner").await.starts_with("I can't tell what you may eat"));
}

/// Elsewhere, and where there is no menu.
async fn where_there_is_none(stage: &Stage) {
    assert_eq!(menu_of(stage, ROSA, "").await, format!("I have no menu here. {NURSE}"));
    let said = order_of(stage, ROSA, &slots("fish", "")).await.rendered.text;
    assert_eq!(said, format!("I have no menu here, so I can't order. {NURSE}"));
    let said = stage.ask(ROSA, "meal.menu", &[]).await.rendered.text;
    assert_eq!(said, "I know the menu in a hospital room only.");
    let said = stage.ask(ROSA, "meal.order", &slots("fish", "")).await.rendered.text;
    assert_eq!(said, "Meals are ordered in a hospital room only.");
}

/// The kitchen is closed for everything.
async fn after_hours(stage: &Stage) {
    serves(stage, &menu(&[("\"16:00\"", "\"09:00\""), ("\"10:30\"", "\"08:30\"")])).await;
    assert_eq!(menu_of(stage, ROSA, "").await, format!("Orders for today's meals are closed. {KITCHEN}"));
    serves(stage, &menu(&[])).await;
    // A meal for which the kitchen has nothing that fits.
    let all = "diets = [\"regular\", \"cardiac\", \"diabetic\"]";
    serves(stage, &menu(&[(all, "diets = [\"cardiac\"]"), ("\"07:30\"", "\"10:15\"")])).await;
    let said = order_of(stage, ROSA, &slots("", "breakfast")).await.rendered.text;
    assert_eq!(
        said,
        format!("On today's menu for breakfast I find nothing that goes with what's on your record. {KITCHEN}")
    );
}

pub async fn all(stage: &Stage) {
    *stage.room.lock().expect("room") = Some(Box::leak(Box::new(room())));
    *stage.unit.lock().expect("unit") = Some("7-north");
    let times = (stage.now - SignedDuration::from_hours(1), stage.now + SignedDuration::from_hours(7));
    stage.store.put_on_duty(("7-north", "nurse", "Maria"), times, "tester", stage.now).await.expect("kept");
    where_there_is_none(stage).await;
    serves(stage, &menu(&[])).await;
    what_there_is(stage).await;
    what_is_ordered(stage).await;
    what_changed_since(stage).await;
    what_the_kitchen_does_not_know(stage).await;
    after_hours(stage).await;
    (*stage.room.lock().expect("room"), *stage.unit.lock().expect("unit")) = (None, None);
}

#[tokio::test]
async fn meals_are_told_of_and_asked_for() {
    for stage in Stage::both().await {
        all(&stage).await;
    }
}
