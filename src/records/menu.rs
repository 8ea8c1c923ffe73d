//! What the kitchen of the house serves: dishes, the diets that they fit, what they contain, and until when they can be
//! asked for. Nobody's data.
//!
//! Invariants: words of a record are taken for a diet or for something that a dish contains only where every one of them is
//! known; a dish that does not say what it contains is not taken.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Time;
use serde::{Deserialize, Serialize};

/// Its name in the store.
pub const LIST: &str = "menu";

/// Most dishes, diets, allergens, and ways to call each.
const MOST: usize = 500;
/// Longest name, in characters: it is said aloud.
const LONGEST: usize = 80;
const DAYS: [&str; 7] = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];

/// Words that name neither a food nor a diet.
const BESIDES: [&str; 26] = [
    "a",
    "an",
    "the",
    "of",
    "to",
    "and",
    "or",
    "with",
    "in",
    "any",
    "all",
    "allergy",
    "allergies",
    "allergic",
    "allergen",
    "intolerance",
    "sensitivity",
    "reaction",
    "disposition",
    "substance",
    "food",
    "product",
    "containing",
    "contain",
    "protein",
    "ingestion",
];
/// Words that a diet may be called by besides its own.
const OF_DIETS: [&str; 7] = ["diet", "order", "the", "a", "regime", "therapy", "only"];
/// Words of which a statement consists that somebody is allergic to nothing.
const NO_ALLERGY: [&str; 14] = [
    "no",
    "none",
    "known",
    "allergy",
    "allergies",
    "drug",
    "food",
    "medication",
    "environmental",
    "nka",
    "nkda",
    "nkfa",
    "situation",
    "finding",
];

/// The kitchen's menu.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Menu {
    /// Whom to ask about meals, as it is said after "please ask": "dietary, on extension 4400".
    pub ask: String,
    /// The meals, by the names of the catalogue's list `meal`.
    pub meals: BTreeMap<String, Serving>,
    /// The diets that dishes are cooked for, and in what words orders name each besides its own name.
    pub diets: BTreeMap<String, Vec<String>>,
    /// What dishes may contain, and in what words records name it besides its own name. One way may stand under several.
    pub allergens: BTreeMap<String, Vec<String>>,
    /// The dishes.
    #[serde(rename = "dish")]
    pub dishes: Vec<Dish>,
}

/// When a meal is served.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Serving {
    /// Until when it can be asked for on the day itself, by the house's clock.
    pub order_by: Time,
    /// From when it is usually served.
    pub served: Option<Time>,
}

/// A dish.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Dish {
    /// As it is said.
    pub name: String,
    /// By which names of the catalogue's list `dish` it is asked for.
    pub called: Vec<String>,
    /// At which meals there is some.
    pub meals: Vec<String>,
    /// Every diet that it fits.
    pub diets: Vec<String>,
    /// All that it contains or may contain; empty says that it is none of them.
    pub allergens: Vec<String>,
    /// On which days of the week; absent: on every day.
    #[serde(default)]
    pub days: Vec<String>,
}

/// Why a file cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MenuError {
    /// It is no TOML of this kind.
    #[error("must be TOML with ask, [meals], [diets], [allergens] and [[dish]]: {0}")]
    NotAMenu(String),
    /// A part of it is empty or larger than anybody would listen to.
    #[error("`{0}`: must hold 1 to {MOST}")]
    Many(&'static str),
    /// A name cannot be said.
    #[error("`{0}`: names must be 1 to {LONGEST} characters on one line")]
    Name(String),
    /// A dish names something that is told nowhere.
    #[error("the dish `{dish}` names `{named}`, which {lacks}")]
    Unknown {
        /// The dish.
        dish: String,
        /// What it names.
        named: String,
        /// Where it is missing.
        lacks: &'static str,
    },
    /// A meal that nobody can ask for.
    #[error("`{0}` is no meal that can be asked for; the catalogue's list `meal` names them")]
    Meal(String),
    /// Two diets are called the same.
    #[error("`{0}` may mean two diets")]
    Twice(String),
}

impl Menu {
    /// Reads a file whole. `dishes` and `meals` are what can be asked for, by the catalogue's lists.
    ///
    /// # Errors
    /// The first thing in it that cannot be used.
    pub fn read(text: &str, dishes: &[String], meals: &[String]) -> Result<Self, MenuError> {
        let menu: Self = toml::from_str(text).map_err(|e| MenuError::NotAMenu(e.to_string()))?;
        menu.check(dishes, meals)?;
        Ok(menu)
    }

    fn check(&self, dishes: &[String], meals: &[String]) -> Result<(), MenuError> {
        for (part, count) in [("meals", self.meals.len()), ("diets", self.diets.len()), ("dish", self.dishes.len())] {
            if !(1..=MOST).contains(&count) {
                return Err(MenuError::Many(part));
            }
        }
        let ways = self.diets.values().chain(self.allergens.values()).flatten();
        let named = self.diets.keys().chain(self.allergens.keys()).chain(ways);
        let said = self.dishes.iter().map(|dish| &dish.name).chain([&self.ask]);
        if let Some(bad) = named.chain(said).find(|name| !sayable(name)) {
            return Err(MenuError::Name(bad.clone()));
        }
        if let Some(meal) = self.meals.keys().find(|meal| !meals.contains(meal)) {
            return Err(MenuError::Meal(meal.clone()));
        }
        let mut diets = BTreeSet::new();
        for name in self.diets.iter().flat_map(|(name, ways)| ways.iter().chain([name])) {
            if !diets.insert(of_diet(name)) {
                return Err(MenuError::Twice(name.clone()));
            }
        }
        self.dishes.iter().try_for_each(|dish| self.check_dish(dish, dishes))
    }

    fn check_dish(&self, dish: &Dish, dishes: &[String]) -> Result<(), MenuError> {
        let unknown = |names: &[String], lacks, known: &dyn Fn(&String) -> bool| {
            let bad = names.iter().find(|name| !known(name));
            let error = |named: &String| MenuError::Unknown { dish: dish.name.clone(), named: named.clone(), lacks };
            bad.map_or(Ok(()), |named| Err(error(named)))
        };
        if dish.called.is_empty() || dish.meals.is_empty() || dish.diets.is_empty() {
            return Err(MenuError::Many("called, meals and diets of a dish"));
        }
        unknown(&dish.called, "is no dish of the catalogue's list `dish`", &|name| dishes.contains(name))?;
        unknown(&dish.meals, "has no times under [meals]", &|name| self.meals.contains_key(name))?;
        unknown(&dish.diets, "stands not under [diets]", &|name| self.diets.contains_key(name))?;
        unknown(&dish.allergens, "stands not under [allergens]", &|name| self.allergens.contains_key(name))?;
        unknown(&dish.days, "is no day of the week", &|name| DAYS.contains(&name.as_str()))
    }

    /// The diet that these words name, all of them.
    #[must_use]
    pub fn diet(&self, named: &str) -> Option<&str> {
        let wanted = of_diet(named);
        let is = |name: &String| !wanted.is_empty() && of_diet(name) == wanted;
        self.diets.iter().find(|(name, ways)| is(name) || ways.iter().any(is)).map(|(name, _)| name.as_str())
    }

    /// What of that which dishes contain these words name, and whether that is all that they name.
    #[must_use]
    pub fn contained(&self, named: &str) -> (BTreeSet<&str>, bool) {
        let said = plain(named, &BESIDES);
        let mut covered = vec![false; said.len()];
        let mut found = BTreeSet::new();
        for (name, ways) in &self.allergens {
            for way in ways.iter().chain([name]) {
                let way = plain(way, &BESIDES);
                for start in (0..said.len()).filter(|n| !way.is_empty() && said[*n..].starts_with(&way)) {
                    found.insert(name.as_str());
                    covered[start..start + way.len()].fill(true);
                }
            }
        }
        let all = !said.is_empty() && covered.into_iter().all(|one| one);
        (found, all)
    }

    /// The dishes of a meal on a day of the week, from Monday as 0.
    pub fn on(&self, day: i8, meal: &str) -> impl Iterator<Item = &Dish> {
        let today = usize::try_from(day).ok().and_then(|day| DAYS.get(day)).copied().unwrap_or_default();
        let there = move |dish: &&Dish| dish.days.is_empty() || dish.days.iter().any(|day| day == today);
        self.dishes.iter().filter(there).filter(move |dish| dish.meals.iter().any(|one| one == meal))
    }
}

/// Whether words of a record say that somebody is allergic to nothing.
#[must_use]
pub fn no_allergy(named: &str) -> bool {
    let words: Vec<String> = lower(named).collect();
    let begins = matches!(words.first().map(String::as_str), Some("no" | "none" | "nka" | "nkda" | "nkfa"));
    begins && words.iter().all(|word| NO_ALLERGY.contains(&word.as_str()))
}

fn sayable(name: &str) -> bool {
    (1..=LONGEST).contains(&name.trim().chars().count()) && !name.chars().any(char::is_control)
}

fn of_diet(name: &str) -> Vec<String> {
    plain(name, &OF_DIETS)
}

fn lower(text: &str) -> impl Iterator<Item = String> {
    text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).map(str::to_lowercase)
}

/// Words without those that name nothing, each without the ending of the plural.
fn plain(text: &str, besides: &[&str]) -> Vec<String> {
    let one = |word: String| match word.strip_suffix('s') {
        Some(stem) if stem.len() > 2 && !stem.ends_with('s') => stem.to_owned(),
        _ => word,
    };
    lower(text)
        .filter(|word| !besides.contains(&word.as_str()))
        .map(one)
        .filter(|w| !besides.contains(&w.as_str()))
        .collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const FILE: &str = r#"
        ask = "dietary"
        [meals]
        lunch = { order_by = "10:30", served = "12:00" }
        [diets]
        regular = ["house"]
        cardiac = ["heart healthy", "sodium 2 g"]
        [allergens]
        peanut = ["groundnut", "nut"]
        "tree nut" = ["nut", "almond"]
        milk = ["dairy", "cow's milk"]
        [[dish]]
        name = "tomato soup"
        called = ["soup"]
        meals = ["lunch"]
        diets = ["regular", "cardiac"]
        allergens = ["milk"]
        days = ["monday"]
    "#;

    fn read(text: &str) -> Result<Menu, String> {
        Menu::read(text, &["soup".to_owned()], &["lunch".to_owned()]).map_err(|e| e.to_string())
    }

    #[test]
    fn a_file_is_taken_whole_or_not_at_all() {
        let menu = read(FILE).expect("fits");
        assert_eq!((menu.on(0, "lunch").count(), menu.on(1, "lunch").count(), menu.on(0, "dinner").count()), (1, 0, 0));
        for (from, to, told) in [
            ("ask = \"dietary\"", "", "missing field"),
            ("lunch =", "brunch =", "brunch"),
            ("10:30", "25:30", "must be TOML"),
            ("called = [\"soup\"]", "called = [\"stew\"]", "`stew`"),
            ("called = [\"soup\"]", "called = []", "called"),
            ("allergens = [\"milk\"]", "", "allergens"),
            ("allergens = [\"milk\"]", "allergens = [\"soy\"]", "`soy`"),
            ("diets = [\"regular\", \"cardiac\"]", "diets = [\"soft\"]", "`soft`"),
            ("days = [\"monday\"]", "days = [\"someday\"]", "`someday`"),
            ("meals = [\"lunch\"]", "meals = [\"dinner\"]", "`dinner`"),
            ("[\"house\"]", "[\"cardiac diet\"]", "two diets"),
            ("name = \"tomato soup\"", "name = \" \"", "characters"),
            ("ask =", "asks =", "unknown field"),
        ] {
            assert!(FILE.contains(from), "{from}");
            let told_of = read(&FILE.replacen(from, to, 1)).expect_err(to);
            assert!(told_of.contains(told), "{to}: {told_of}");
        }
    }

    #[test]
    fn words_of_a_record_count_only_where_all_are_known() {
        let menu = read(FILE).expect("fits");
        for (named, diet) in [
            ("Cardiac diet", Some("cardiac")),
            ("HEART-HEALTHY", Some("cardiac")),
            ("sodium 2 g", Some("cardiac")),
            ("sodium 3 g", None),
            ("House", Some("regular")),
            ("cardiac, low fiber", None),
            ("diet", None),
            ("", None),
        ] {
            assert_eq!(menu.diet(named), diet, "{named}");
        }
        for (named, found, all) in [
            ("Peanuts", &["peanut"][..], true),
            ("Allergy to peanut (disposition)", &["peanut"], true),
            ("nuts", &["peanut", "tree nut"], true),
            ("tree nut", &["peanut", "tree nut"], true),
            ("brazil nut", &["peanut", "tree nut"], false),
            ("dairy products and almonds", &["milk", "tree nut"], true),
            ("cow's milk protein", &["milk"], true),
            ("peanut, sesame", &["peanut"], false),
            ("sesame", &[], false),
            ("food", &[], false),
        ] {
            let told = menu.contained(named);
            assert_eq!((told.0.into_iter().collect::<Vec<_>>().as_slice(), told.1), (found, all), "{named}");
        }
        for (named, none) in [
            ("No known allergies", true),
            ("NKDA", true),
            ("No known food allergy (situation)", true),
            ("No known allergies except peanut", false),
            ("food", false),
            ("known peanut allergy", false),
            ("", false),
        ] {
            assert_eq!(no_allergy(named), none, "{named}");
        }
    }

    proptest! {
        #[test]
        fn whatever_a_file_or_a_record_says_is_read_or_refused(text in ".{0,200}", named in ".{0,60}", cut in 0..800_usize) {
            let _ = read(&text);
            let part: String = FILE.chars().take(cut).collect();
            if let Ok(menu) = read(&part) {
                prop_assert!(menu.dishes.iter().all(|dish| dish.allergens.iter().all(|one| menu.allergens.contains_key(one))));
            }
            let menu = read(FILE).expect("fits");
            let (found, all) = menu.contained(&named);
            prop_assert!(!all || !found.is_empty());
            // A word that nobody knows is never passed over.
            let (besides, diet) = (format!("{named} qzxw"), format!("cardiac qzxw {named}"));
            prop_assert!(!menu.contained(&besides).1);
            prop_assert!(menu.diet(&diet).is_none());
        }
    }
}
