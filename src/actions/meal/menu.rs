//! `meal.menu`: what there is today for whoever lies in this room.

use super::{
    super::{ActionError, Facts, Outcome, Pass, Setting, of_a_person, permit, text},
    Kitchen,
    fits::{may_eat, refusal},
};
use crate::{
    nlu::Slots,
    policy::{Effect, Floor, Scope},
};

/// What somebody may eat tells what they have.
pub const FLOOR: Floor = of_a_person(Effect::Read, Scope::Records);

/// Most dishes that are named at once.
const MOST: usize = 12;

/// Names what there is.
pub async fn run(pass: Pass, slots: &Slots, setting: &Setting<'_>) -> Result<Outcome, ActionError> {
    let permit = permit(pass)?;
    let kitchen = Kitchen::open(&permit, setting).await?;
    Ok(Outcome::Answer(match kitchen {
        Ok(kitchen) => told(&kitchen, text(slots, "meal")),
        Err(facts) => facts,
    }))
}

/// Replies: those of [`refusal`]; `no_meal` (meal, meals, ask), `over` (ask), `nothing_fits` (meal, ask), `menu` (meal, dishes,
/// order_by, closed, served, ask).
fn told(kitchen: &Kitchen, meal: Option<&str>) -> Facts {
    let may = may_eat(&kitchen.menu, kitchen.eating.as_ref(), kitchen.now.timestamp());
    if let Some(facts) = refusal(&may, kitchen) {
        return facts;
    }
    let Some(meal) = meal.or_else(|| kitchen.open_meals().first().copied()) else { return kitchen.asking("over") };
    let Some(serving) = kitchen.menu.meals.get(meal) else {
        return kitchen.asking("no_meal").with("meal", meal).with("meals", kitchen.meals());
    };
    let there = kitchen.menu.on(kitchen.day(), meal).filter(|dish| may.offers(dish));
    let dishes: Vec<&str> = there.map(|dish| dish.name.as_str()).take(MOST).collect();
    if dishes.is_empty() {
        return kitchen.asking("nothing_fits").with("meal", meal);
    }
    let facts = kitchen.asking("menu").with("meal", meal).with("dishes", dishes);
    let facts = facts.with("closed", !kitchen.is_open(meal)).with("order_by", kitchen.at(serving.order_by));
    facts.with("served", serving.served.and_then(|time| kitchen.at(time)))
}
