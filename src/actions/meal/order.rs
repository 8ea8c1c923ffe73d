//! `meal.order`: asks dietary for a dish, for another one instead, or for none. Read back first; a person confirms it.
//!
//! Invariant: what is put on the board was decided twice on the record as it was then: when it was read back, and at the yes.

use jiff::civil::Date;

use super::{
    super::{ActionError, Change, Choice, Facts, Outcome, Pass, Plan, Setting, of_a_person, permit, text, words},
    Kitchen,
    fits::{May, may_eat, refusal},
};
use crate::{
    nlu::{SlotValue, Slots},
    policy::{Effect, Floor, Permit, Scope},
    records::Dish,
};

/// What somebody may eat tells what they have.
pub const FLOOR: Floor = of_a_person(Effect::Change, Scope::Records);

/// Longest words about a time that are passed on, in characters.
const LONGEST: usize = 60;
/// Most that are offered to choose from.
const MOST: usize = 8;

/// What is asked for.
#[derive(Clone, Copy, Default)]
struct Asked<'a> {
    /// By the name of the catalogue's list, or by that of the menu.
    dish: Option<&'a str>,
    /// In the person's words.
    spoken: &'a str,
    meal: Option<&'a str>,
    /// In the person's words.
    time: Option<&'a str>,
    /// Nothing of what was ordered.
    cancel: bool,
}

/// Reads it back.
pub async fn run(pass: Pass, slots: &Slots, setting: &Setting<'_>) -> Result<Outcome, ActionError> {
    let permit = permit(pass)?;
    let kitchen = match Kitchen::open(&permit, setting).await? {
        Ok(kitchen) => kitchen,
        Err(facts) => return Ok(Outcome::Answer(facts)),
    };
    let spoken = |name: &str| slots.get(name).map(|slot| slot.spoken.trim()).filter(|words| !words.is_empty());
    let asked = Asked {
        dish: text(slots, "dish"),
        spoken: spoken("dish").unwrap_or_default(),
        meal: text(slots, "meal"),
        time: spoken("time").filter(|words| words.chars().count() <= LONGEST),
        cancel: text(slots, "want") == Some("cancel"),
    };
    Ok(decide(&kitchen, asked))
}

/// After "yes".
pub async fn perform(permit: Permit, plan: Meal, setting: &Setting<'_>) -> Result<Outcome, ActionError> {
    let kitchen = match Kitchen::open(&permit, setting).await? {
        Ok(kitchen) => kitchen,
        Err(facts) => return Ok(Outcome::Answer(facts)),
    };
    if plan.day != kitchen.today() {
        return Ok(Outcome::Answer(kitchen.asking("over")));
    }
    let asked = Asked {
        dish: plan.dish.as_deref(),
        spoken: plan.dish.as_deref().unwrap_or_default(),
        meal: Some(&plan.meal),
        time: plan.time.as_deref(),
        cancel: plan.dish.is_none(),
    };
    Ok(match decide(&kitchen, asked) {
        Outcome::Confirm { plan: Plan::Meal { order }, .. } if order == plan => put(order, setting),
        otherwise => otherwise,
    })
}

/// What is on the board, in words that lead it to dietary. Replies: `asked`, `called_off`, `failed` (dish, meal).
fn put(order: Meal, setting: &Setting<'_>) -> Outcome {
    let Some(room) = setting.room else { return Outcome::Answer(Facts::new("elsewhere")) };
    let (reply, what) = match &order.dish {
        Some(dish) => ("asked", dish.clone()),
        None => ("called_off", "nothing, called off".to_owned()),
    };
    let time = order.time.iter().map(|time| format!(" ({time})")).collect::<String>();
    let need =
        format!("dietary meal order, {} of {}: {what}{time}. Takes the place of any before.", order.meal, order.day);
    Outcome::Done {
        facts: Facts::new(reply).with("dish", &order.dish).with("meal", &order.meal),
        changes: vec![Change::CallNurse { room: room.clone(), need, emergency: false }],
        conflict: Facts::new("failed"),
    }
}

/// An order as it was read back.
#[derive(Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Meal {
    /// The dish, by its name on the menu; `None`: nothing of what was ordered.
    pub dish: Option<String>,
    /// For which meal.
    pub meal: String,
    /// Of which day.
    pub day: Date,
    /// At what time, in the person's words.
    pub time: Option<String>,
}

/// Replies: those of [`refusal`]; `no_meal` (meal, meals, ask), `too_late` (meal, order_by, ask), `over` (ask), `not_on_menu` (dish,
/// meal), `not_offered` (dish, ask), `nothing_fits` (meal, ask), `which_meal` (meals), `which_dish` (dishes), `confirm` (dish, meal,
/// time), `confirm_cancel` (meal).
fn decide(kitchen: &Kitchen, asked: Asked<'_>) -> Outcome {
    // Wanting nothing asks for no food.
    let may = may_eat(&kitchen.menu, kitchen.eating.as_ref(), kitchen.now.timestamp());
    if let Some(facts) = refusal(&may, kitchen).filter(|_| !asked.cancel) {
        return Outcome::Answer(facts);
    }
    if let Some(facts) = asked.meal.and_then(|meal| shut(kitchen, meal)) {
        return Outcome::Answer(facts);
    }
    let open = kitchen.open_meals();
    match (asked.cancel, asked.meal, asked.dish) {
        _ if open.is_empty() => Outcome::Answer(kitchen.asking("over")),
        (true, Some(meal), _) => confirm(kitchen, None, meal, None),
        (true, None, _) => which_meal(&open),
        (false, None, None) => which_meal(&open),
        (false, Some(meal), None) => {
            let dishes = kitchen.menu.on(kitchen.day(), meal).filter(|dish| may.offers(dish)).collect();
            which_dish(kitchen, meal, dishes)
        }
        (false, _, Some(dish)) => ordered(kitchen, &may, dish, asked),
    }
}

/// What is said of a meal that cannot be asked for.
fn shut(kitchen: &Kitchen, meal: &str) -> Option<Facts> {
    let Some(serving) = kitchen.menu.meals.get(meal) else {
        return Some(kitchen.asking("no_meal").with("meal", meal).with("meals", kitchen.meals()));
    };
    let late = || kitchen.asking("too_late").with("meal", meal).with("order_by", kitchen.at(serving.order_by));
    (!kitchen.is_open(meal)).then(late)
}

/// A dish was named.
fn ordered(kitchen: &Kitchen, may: &May<'_>, named: &str, asked: Asked<'_>) -> Outcome {
    let served = |meal: &str| kitchen.menu.on(kitchen.day(), meal).collect::<Vec<_>>();
    let meals: Vec<&str> = asked.meal.map_or_else(|| kitchen.meals(), |meal| vec![meal]);
    let meant = |dish: &&Dish| dish.name == named || dish.called.iter().any(|one| one == named);
    let found: Vec<(&str, &Dish)> =
        meals.iter().flat_map(|meal| served(meal).into_iter().filter(meant).map(|dish| (*meal, dish))).collect();
    if found.is_empty() {
        let facts = Facts::new("not_on_menu").with("dish", named).with("meal", asked.meal);
        return Outcome::Answer(facts);
    }
    let open: Vec<(&str, &Dish)> = found.into_iter().filter(|(meal, _)| kitchen.is_open(meal)).collect();
    if open.is_empty() {
        return Outcome::Answer(kitchen.asking("over"));
    }
    let offered: Vec<(&str, &Dish)> = open.into_iter().filter(|(_, dish)| may.offers(dish)).collect();
    let offered = nearest(offered, asked.spoken);
    let Some((first, dish)) = offered.first().copied() else {
        return Outcome::Answer(kitchen.asking("not_offered").with("dish", named));
    };
    if offered.iter().any(|(_, other)| other.name != dish.name) {
        let mut dishes: Vec<&Dish> = offered.into_iter().map(|(_, dish)| dish).collect();
        dishes.dedup_by_key(|dish| dish.name.as_str());
        return which_dish(kitchen, first, dishes);
    }
    match offered.as_slice() {
        [(meal, dish)] => confirm(kitchen, Some(dish), meal, asked.time),
        several => which_meal(&several.iter().map(|(meal, _)| *meal).collect::<Vec<_>>()),
    }
}

/// Those that are called as it was said, where any are.
fn nearest<'a>(all: Vec<(&'a str, &'a Dish)>, spoken: &str) -> Vec<(&'a str, &'a Dish)> {
    let said = words(spoken);
    let same = |dish: &Dish| dish.name == spoken;
    let like = |dish: &Dish| !said.is_empty() && said.iter().all(|word| words(&dish.name).contains(word));
    let only = |fits: &dyn Fn(&Dish) -> bool| all.iter().copied().filter(|(_, dish)| fits(dish)).collect::<Vec<_>>();
    [only(&same), only(&like)].into_iter().find(|some| !some.is_empty()).unwrap_or(all)
}

fn confirm(kitchen: &Kitchen, dish: Option<&Dish>, meal: &str, time: Option<&str>) -> Outcome {
    let order = Meal {
        dish: dish.map(|dish| dish.name.clone()),
        meal: meal.to_owned(),
        day: kitchen.today(),
        time: time.map(str::to_owned),
    };
    let facts = match dish {
        Some(dish) => Facts::new("confirm").with("dish", &dish.name).with("time", time),
        None => Facts::new("confirm_cancel"),
    };
    Outcome::Confirm { facts: facts.with("meal", meal), plan: Plan::Meal { order } }
}

fn which_meal(meals: &[&str]) -> Outcome {
    let facts = Facts::new("which_meal").with("meals", meals);
    Outcome::Ask { slot: "meal".into(), facts, options: meals.iter().map(|meal| choice(meal)).collect() }
}

fn which_dish(kitchen: &Kitchen, meal: &str, dishes: Vec<&Dish>) -> Outcome {
    if dishes.is_empty() {
        return Outcome::Answer(kitchen.asking("nothing_fits").with("meal", meal));
    }
    let names: Vec<&str> = dishes.iter().take(MOST).map(|dish| dish.name.as_str()).collect();
    let options = names.iter().map(|name| choice(name)).collect();
    Outcome::Ask { slot: "dish".into(), facts: Facts::new("which_dish").with("dishes", names), options }
}

fn choice(name: &str) -> Choice {
    Choice { spoken: name.to_owned(), value: SlotValue::Text(name.to_owned()) }
}

#[cfg(test)]
mod tests {
    use jiff::{Timestamp, tz::TimeZone};
    use proptest::prelude::*;

    use super::{
        super::fits::tests::{allergy, menu, order as diet},
        *,
    };
    use crate::{actions::prescription::samples::reply, records::Eating};

    /// A kitchen on a Tuesday at this time, for somebody of this diet with an allergy to peanuts.
    fn kitchen(time: &str, named: &[&str]) -> Kitchen {
        let now: Timestamp = format!("2026-12-01T{time}:00Z").parse().expect("a time");
        let orders = if named.is_empty() { vec![] } else { vec![diet(named)] };
        let eating = Some(Eating { orders, allergies: vec![allergy("peanut", &["food"])] });
        Kitchen { menu: menu(), eating, now: now.to_zoned(TimeZone::UTC), nurses: vec!["Maria".into()] }
    }

    fn asked<'a>(dish: &'a str, meal: &'a str) -> Asked<'a> {
        let some = |text: &'a str| Some(text).filter(|text| !text.is_empty());
        Asked { dish: some(dish), spoken: dish, meal: some(meal), ..Asked::default() }
    }

    #[test]
    fn a_dish_is_read_back_asked_about_or_refused() {
        let none: &[&str] = &[];
        let regular = &["regular"][..];
        for (name, time, diet, asked, told) in [
            ("one dish of one meal", "09:00", regular, asked("fish", ""), "confirm confirm"),
            ("one of two", "09:00", regular, asked("chicken", "lunch"), "ask which_dish"),
            ("the only one that fits", "09:00", &["cardiac"], asked("chicken", "lunch"), "confirm confirm"),
            (
                "as it is called on the menu",
                "09:00",
                regular,
                asked("grilled chicken with rice", "lunch"),
                "confirm confirm",
            ),
            (
                "as it is nearly called",
                "09:00",
                regular,
                Asked { dish: Some("chicken"), spoken: "grilled chicken", ..asked("", "dinner") },
                "confirm confirm",
            ),
            ("of two meals", "09:00", &["diabetic"], asked("soup", ""), "ask which_meal"),
            ("of two, of which one is closed", "11:00", &["diabetic"], asked("soup", ""), "confirm confirm"),
            ("no dish", "09:00", regular, asked("", "dinner"), "ask which_dish"),
            ("no dish and no meal", "09:00", regular, asked("", ""), "ask which_meal"),
            ("not there", "09:00", regular, asked("pizza", ""), "not_on_menu"),
            ("not at that meal", "09:00", regular, asked("fish", "lunch"), "not_on_menu"),
            ("not on that day", "09:00", regular, asked("ice cream", ""), "not_on_menu"),
            ("no such meal", "09:00", regular, asked("fish", "snack"), "no_meal"),
            ("with what they are allergic to", "09:00", regular, asked("sandwich", "dinner"), "not_offered"),
            ("outside their diet", "09:00", &["cardiac"], asked("soup", "lunch"), "not_offered"),
            ("too late for it", "10:30", regular, asked("soup", "lunch"), "too_late"),
            ("just in time", "10:29", regular, asked("soup", "lunch"), "confirm confirm"),
            ("too late for its meal", "09:00", regular, asked("oatmeal", ""), "over"),
            ("too late for everything", "16:00", regular, asked("fish", ""), "over"),
            ("no diet", "09:00", none, asked("fish", ""), "unknown"),
            ("no diet, and nothing named", "09:00", none, asked("", ""), "unknown"),
            ("nothing wanted", "09:00", none, Asked { cancel: true, ..asked("", "dinner") }, "confirm confirm_cancel"),
            (
                "nothing wanted, of which meal",
                "09:00",
                none,
                Asked { cancel: true, ..asked("soup", "") },
                "ask which_meal",
            ),
            ("nothing wanted, too late", "10:30", none, Asked { cancel: true, ..asked("", "lunch") }, "too_late"),
            ("nothing wanted, and all closed", "17:00", none, Asked { cancel: true, ..asked("", "") }, "over"),
        ] {
            assert_eq!(reply(&decide(&kitchen(time, diet), asked)), told, "{name}");
        }
    }

    proptest! {
        #[test]
        fn nothing_is_read_back_that_may_not_be_offered(
            dish in "chicken|fish|soup|sandwich|oatmeal|ice cream|peanut butter sandwich|.{0,12}",
            meal in "breakfast|lunch|dinner|",
            time in "(0[0-9]|1[0-9]):[0-5][0-9]",
            named in "regular|cardiac|diabetic|keto|",
        ) {
            let kitchen = kitchen(&time, &[named.as_str()][..usize::from(!named.is_empty())]);
            let may = may_eat(&kitchen.menu, kitchen.eating.as_ref(), kitchen.now.timestamp());
            if let Outcome::Confirm { plan: Plan::Meal { order }, .. } = decide(&kitchen, asked(&dish, &meal)) {
                let read_back = kitchen.menu.dishes.iter().find(|one| Some(&one.name) == order.dish.as_ref()).expect("a dish");
                prop_assert!(may.offers(read_back) && kitchen.is_open(&order.meal));
                prop_assert!(!read_back.allergens.iter().any(|one| one == "peanut"));
            }
        }
    }
}
