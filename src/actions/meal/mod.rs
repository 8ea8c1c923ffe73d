//! Meals: what there is for whoever lies in a room, and asking dietary for it.
//!
//! Invariants: no dish is named or asked for before the person's diet order and allergies were read as they are now and all of
//! them were understood; whatever is not is the nurse's, or dietary's. An order is a request on dietary's board, and nobody
//! is told that it is coming.

mod fits;
pub mod menu;
pub mod order;

use jiff::{
    Zoned,
    civil::{Date, Time},
};

use super::{ActionError, Facts, Setting};
use crate::{
    policy::Permit,
    records::{Eating, Menu},
};

/// What a question about meals is decided on.
struct Kitchen {
    menu: Menu,
    eating: Option<Eating>,
    now: Zoned,
    nurses: Vec<String>,
}

impl Kitchen {
    /// Reads it. `Err` in the result is what is said where there is no menu, or no room. Replies: `elsewhere`, `no_menu` (nurses).
    async fn open(permit: &Permit, setting: &Setting<'_>) -> Result<Result<Self, Facts>, ActionError> {
        if setting.channel != "room" || setting.room.is_none() {
            return Ok(Err(Facts::new("elsewhere")));
        }
        let nurses = match setting.unit {
            Some(unit) => setting.records.on_duty(unit, setting.now).await?,
            None => vec![],
        };
        let nurses = nurses.into_iter().filter(|one| one.role == "nurse").map(|one| one.who).collect();
        let Some(menu) = setting.records.menu().await? else {
            return Ok(Err(Facts::new("no_menu").with("nurses", nurses)));
        };
        let eating = setting.records.eating(permit.subject()).await?.reveal(permit)?;
        let now = setting.now.to_zoned(setting.zone.clone());
        Ok(Ok(Self { menu, eating, now, nurses }))
    }

    fn today(&self) -> Date {
        self.now.date()
    }

    /// The day of the week, from Monday as 0.
    fn day(&self) -> i8 {
        self.now.weekday().to_monday_zero_offset()
    }

    /// Whether a meal can still be asked for today.
    fn is_open(&self, meal: &str) -> bool {
        self.menu.meals.get(meal).is_some_and(|serving| self.now.time() < serving.order_by)
    }

    /// The meals that can still be asked for, in their order.
    fn open_meals(&self) -> Vec<&str> {
        self.meals().into_iter().filter(|meal| self.is_open(meal)).collect()
    }

    /// All meals, in their order.
    fn meals(&self) -> Vec<&str> {
        let mut meals: Vec<_> = self.menu.meals.iter().collect();
        meals.sort_by_key(|(_, serving)| serving.order_by);
        meals.into_iter().map(|(meal, _)| meal.as_str()).collect()
    }

    /// A time of today, for saying it.
    fn at(&self, time: Time) -> Option<String> {
        Some(self.today().to_datetime(time).to_zoned(self.now.time_zone().clone()).ok()?.timestamp().to_string())
    }

    fn asking(&self, reply: &str) -> Facts {
        Facts::new(reply).with("ask", &self.menu.ask)
    }
}
