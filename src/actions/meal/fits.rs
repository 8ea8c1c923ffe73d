//! What somebody may be offered, decided from their record and the kitchen's words alone.
//!
//! The safe side, wherever there is doubt: a diet that is not known, not in force, or in words that the kitchen does not know
//! is no diet to cook for, and nothing is offered. An allergy counts against every dish until all of its words are known as
//! something that dishes contain. What is on record as an allergy to a medicine or to something around, and not to food, leaves
//! out the dishes that its words name, and no more. An empty list of allergies is taken as none on record: dietary, who looks,
//! confirms each order.

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::Kitchen;
use crate::{
    actions::Facts,
    records::{Allergy, Dish, Eating, Menu, no_allergy},
};

/// What may be offered.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum May<'a> {
    /// Nothing by mouth.
    Nothing,
    /// The diet is not known, or not understood.
    Unknown,
    /// An allergy is not understood.
    CannotTell,
    /// Dishes that fit all these diets and contain none of these things.
    These { diets: BTreeSet<&'a str>, without: BTreeSet<&'a str> },
}

impl May<'_> {
    /// Whether a dish may be offered.
    pub(super) fn offers(&self, dish: &Dish) -> bool {
        match self {
            Self::Nothing | Self::Unknown | Self::CannotTell => false,
            Self::These { diets, without } => {
                let fits = diets.iter().all(|diet| dish.diets.iter().any(|one| one == diet));
                fits && !dish.allergens.iter().any(|one| without.contains(one.as_str()))
            }
        }
    }
}

/// What may be offered to somebody of whom this is on record.
pub(super) fn may_eat<'a>(menu: &'a Menu, eating: Option<&Eating>, now: Timestamp) -> May<'a> {
    let Some(eating) = eating else { return May::Unknown };
    if eating.orders.iter().any(|order| order.nothing) {
        return May::Nothing;
    }
    let (mut diets, mut without) = (BTreeSet::new(), BTreeSet::new());
    let mut in_force = false;
    for order in eating.orders.iter().filter(|order| order.unread || order.until.is_none_or(|until| now < until)) {
        if order.unread {
            return May::Unknown;
        }
        in_force |= order.from.is_none_or(|from| from <= now);
        for named in &order.named {
            let Some(diet) = menu.diet(named) else { return May::Unknown };
            diets.insert(diet);
        }
        for food in &order.without {
            let (found, true) = menu.contained(food) else { return May::CannotTell };
            without.extend(found);
        }
    }
    if !in_force || diets.is_empty() {
        return May::Unknown;
    }
    for allergy in eating.allergies.iter().filter(|allergy| allergy.active && !no_allergy(&allergy.substance)) {
        match menu.contained(&allergy.substance) {
            (found, all) if all || not_food(allergy) => without.extend(found),
            _ => return May::CannotTell,
        }
    }
    May::These { diets, without }
}

/// Whether the record says of an allergy that it is to something else than food.
fn not_food(allergy: &Allergy) -> bool {
    let other = |kind: &String| matches!(kind.as_str(), "medication" | "environment" | "biologic");
    !allergy.category.is_empty() && allergy.category.iter().all(other)
}

/// What is said where nothing may be offered. Replies: `npo`, `unknown` (nurses), `cant_tell` (ask).
pub(super) fn refusal(may: &May<'_>, kitchen: &Kitchen) -> Option<Facts> {
    let nurses = |reply: &str| Some(Facts::new(reply).with("nurses", &kitchen.nurses));
    match may {
        May::Nothing => nurses("npo"),
        May::Unknown => nurses("unknown"),
        May::CannotTell => Some(kitchen.asking("cant_tell")),
        May::These { .. } => None,
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::records::DietOrder;

    pub fn menu() -> Menu {
        let known = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        let dishes = known(&["oatmeal", "chicken", "fish", "soup", "sandwich", "ice cream"]);
        Menu::read(include_str!("../../../demo/menu.toml"), &dishes, &known(&["breakfast", "lunch", "dinner", "snack"]))
            .expect("fits")
    }

    pub fn allergy(substance: &str, category: &[&str]) -> Allergy {
        Allergy {
            substance: substance.into(),
            reactions: vec![],
            category: category.iter().map(|kind| (*kind).to_owned()).collect(),
            severe: false,
            active: true,
            origin: Default::default(),
        }
    }

    pub fn order(named: &[&str]) -> DietOrder {
        DietOrder { named: named.iter().map(|name| (*name).to_owned()).collect(), ..DietOrder::default() }
    }

    #[test]
    fn whoever_is_not_understood_is_offered_nothing() {
        let menu = menu();
        let now: Timestamp = "2026-12-01T12:00:00Z".parse().expect("a time");
        let hour = |hours: i64| Some(now + jiff::SignedDuration::from_hours(hours));
        let regular = || order(&["Regular diet"]);
        let none = || May::Unknown;
        let these = |diets: &[&'static str], without: &[&'static str]| May::These {
            diets: diets.iter().copied().collect(),
            without: without.iter().copied().collect(),
        };
        let peanut = || allergy("peanut", &["food"]);
        for (name, orders, allergies, want) in [
            ("a diet", vec![regular()], vec![], these(&["regular"], &[])),
            ("no diet", vec![], vec![], none()),
            ("a diet that the kitchen does not know", vec![order(&["ketogenic"])], vec![], none()),
            ("one that it half knows", vec![order(&["regular", "low fiber"])], vec![], none()),
            ("several", vec![regular(), order(&["cardiac"])], vec![], these(&["regular", "cardiac"], &[])),
            ("nothing by mouth", vec![DietOrder { nothing: true, ..order(&["NPO"]) }], vec![], May::Nothing),
            (
                "the same beside a diet",
                vec![regular(), DietOrder { nothing: true, ..order(&["NPO"]) }],
                vec![],
                May::Nothing,
            ),
            (
                "the same, by its times over",
                vec![regular(), DietOrder { nothing: true, until: hour(-1), ..order(&[]) }],
                vec![],
                May::Nothing,
            ),
            ("something unread", vec![DietOrder { unread: true, ..regular() }], vec![], none()),
            (
                "something unread beside a diet",
                vec![regular(), DietOrder { unread: true, until: hour(-1), ..order(&[]) }],
                vec![],
                none(),
            ),
            ("over", vec![DietOrder { until: hour(-1), ..regular() }], vec![], none()),
            ("later", vec![DietOrder { from: hour(1), ..regular() }], vec![], none()),
            ("now", vec![DietOrder { from: hour(-1), until: hour(1), ..regular() }], vec![], these(&["regular"], &[])),
            (
                "a food left out",
                vec![DietOrder { without: vec!["Dairy".into()], ..regular() }],
                vec![],
                these(&["regular"], &["milk"]),
            ),
            (
                "one that nobody knows",
                vec![DietOrder { without: vec!["kiwi".into()], ..regular() }],
                vec![],
                May::CannotTell,
            ),
            ("an allergy", vec![regular()], vec![peanut()], these(&["regular"], &["peanut"])),
            ("one that nobody knows", vec![regular()], vec![allergy("kiwi", &["food"])], May::CannotTell),
            ("one of no kind", vec![regular()], vec![allergy("penicillin", &[])], May::CannotTell),
            ("to a medicine", vec![regular()], vec![allergy("penicillin", &["medication"])], these(&["regular"], &[])),
            (
                "to a medicine that is a food as well",
                vec![regular()],
                vec![allergy("egg vaccine", &["medication"])],
                these(&["regular"], &["egg"]),
            ),
            (
                "to a medicine and a food",
                vec![regular()],
                vec![allergy("kiwi", &["medication", "food"])],
                May::CannotTell,
            ),
            ("to nothing", vec![regular()], vec![allergy("No known allergies", &[])], these(&["regular"], &[])),
            (
                "over",
                vec![regular()],
                vec![Allergy { active: false, ..allergy("kiwi", &[]) }],
                these(&["regular"], &[]),
            ),
            ("an allergy and no diet", vec![], vec![allergy("kiwi", &["food"])], none()),
        ] {
            let eating = Eating { orders, allergies };
            assert_eq!(may_eat(&menu, Some(&eating), now), want, "{name}");
        }
        assert_eq!(may_eat(&menu, None, now), none(), "a record that cannot be read");
    }

    #[test]
    fn a_dish_is_offered_where_it_fits_every_diet_and_contains_nothing_left_out() {
        let menu = menu();
        let names = |may: &May<'_>| -> Vec<String> {
            menu.dishes.iter().filter(|dish| may.offers(dish)).map(|dish| dish.name.clone()).collect()
        };
        let these = |diets: &[&'static str], without: &[&'static str]| May::These {
            diets: diets.iter().copied().collect(),
            without: without.iter().copied().collect(),
        };
        let all = names(&these(&["regular"], &[]));
        assert_eq!(all.len(), menu.dishes.len());
        let cardiac = names(&these(&["regular", "cardiac"], &[]));
        assert!(
            !cardiac.contains(&"roast chicken with gravy".to_owned()) && cardiac.contains(&"baked salmon".to_owned())
        );
        assert!(!names(&these(&["regular"], &["fish"])).contains(&"baked salmon".to_owned()));
        for nothing in [May::Nothing, May::Unknown, May::CannotTell] {
            assert!(names(&nothing).is_empty());
        }
    }
}
