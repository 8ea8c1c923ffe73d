//! From the words in which somebody asks to what is needed.

use std::{fmt, sync::LazyLock};

use serde::Deserialize;

use super::route::{Helper, Priority};

/// The table that ships with the program.
const TABLE: &str = include_str!("needs.toml");

/// What is needed.
///
/// `thing` of two calls is the same exactly where they ask for the same; nothing of what was said can be seen in its name.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub enum Need {
    /// An entry of the table, by its place.
    Known(usize),
    /// The nurse, without saying what for.
    Nurse,
    /// Something that the table does not know. It goes to the nurse.
    Other,
}

impl fmt::Debug for Need {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// One entry of the table.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Entry {
    pub name: String,
    pub role: Helper,
    pub priority: Priority,
    words: Vec<String>,
    #[serde(skip)]
    phrases: Vec<Phrase>,
}

/// Words in a row; each with whether any ending fits.
type Phrase = Vec<(String, bool)>;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    need: Vec<Entry>,
}

/// Read once. A table that cannot be read would be a defect of this file, which a test finds; then everything is the nurse's.
static ENTRIES: LazyLock<Vec<Entry>> = LazyLock::new(|| {
    let Ok(table) = toml::from_str::<Table>(TABLE) else { return vec![] };
    let mut entries = table.need;
    for entry in &mut entries {
        entry.phrases = entry.words.iter().map(|text| phrase(text)).collect();
    }
    entries
});

fn phrase(text: &str) -> Phrase {
    text.split_whitespace()
        .flat_map(|word| {
            let open = word.ends_with('*');
            words(word.trim_end_matches('*')).into_iter().map(move |word| (word, open))
        })
        .collect()
}

/// Lower-case words without what stands around and in them.
fn words(text: &str) -> Vec<String> {
    let plain = text.to_lowercase().replace(['\'', '’'], "");
    plain.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).map(str::to_owned).collect()
}

pub(super) fn entries() -> &'static [Entry] {
    &ENTRIES
}

impl Need {
    /// What words ask for.
    #[must_use]
    pub fn of(text: &str) -> Self {
        let said = words(text);
        let of_nurses = |word: &String| {
            matches!(word.as_str(), "the" | "a" | "my" | "please" | "nurse" | "nurses" | "call" | "need" | "i")
        };
        if said.iter().all(of_nurses) {
            return Self::Nurse;
        }
        let fits = |phrase: &Phrase| {
            said.windows(phrase.len().max(1)).any(|there| {
                let same = |(said, (word, open)): (&String, &(String, bool))| {
                    if *open { said.starts_with(word.as_str()) } else { said == word }
                };
                !phrase.is_empty() && there.iter().zip(phrase).all(same)
            })
        };
        entries().iter().position(|entry| entry.phrases.iter().any(fits)).map_or(Self::Other, Self::Known)
    }

    /// Its name in the configuration.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Known(n) => entries().get(n).map_or("other", |entry| entry.name.as_str()),
            Self::Nurse => "nurse",
            Self::Other => "other",
        }
    }

    /// What tells a need from every other one of the same room: its kind, and for what nobody knows the words themselves.
    #[must_use]
    pub fn thing(self, text: &str) -> String {
        match self {
            Self::Other => format!("other {}", words(text).join(" ")),
            known => known.name().to_owned(),
        }
    }

    /// Whether it is one that a nurse must hear of, whatever is configured.
    #[must_use]
    pub fn is_urgent(self) -> bool {
        matches!(self, Self::Known(n) if entries().get(n).is_some_and(|entry| entry.priority <= Priority::Urgent))
    }

    /// Whether it is food or drink, of which nothing may be promised while the diet is not known.
    #[must_use]
    pub fn is_food_or_drink(self) -> bool {
        matches!(self.name(), "food" | "water" | "meal")
    }

    /// The need of that name in the table.
    pub(super) fn named(name: &str) -> Option<Self> {
        match name {
            "nurse" => Some(Self::Nurse),
            "other" => Some(Self::Other),
            name => entries().iter().position(|entry| entry.name == name).map(Self::Known),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_table_is_read() {
        let table: Table = toml::from_str(TABLE).expect("it can be read");
        assert!(table.need.len() > 10);
        for entry in &table.need {
            assert!(entry.words.iter().all(|text| !phrase(text).is_empty()), "{}", entry.name);
            assert!(
                entry.priority > Priority::Urgent || entry.role == Helper::Nurse,
                "{}: urgent is a nurse's",
                entry.name
            );
            assert!(entry.priority != Priority::Emergency, "{}: emergencies are not of this table", entry.name);
        }
        let mut names: Vec<_> = table.need.iter().map(|entry| &entry.name).collect();
        names.dedup();
        assert_eq!(names.len(), table.need.len());
    }

    #[test]
    fn what_is_needed() {
        for (said, wanted) in [
            ("", "nurse"),
            ("the nurse please", "nurse"),
            ("I'm in pain", "pain"),
            ("my knee really hurts", "pain"),
            ("pain medicine", "pain"),
            ("water, and my chest hurts", "pain"),
            ("I think I'm going to throw up", "unwell"),
            ("I feel dizzy", "unwell"),
            ("water, and I can't breathe right", "unwell"),
            ("my drip ran out", "line"),
            ("this machine keeps beeping", "line"),
            ("a sleeping pill", "medicine"),
            ("I need help to the bathroom", "toileting"),
            ("I gotta pee", "toileting"),
            ("my bed is wet", "toileting"),
            ("help me sit up", "moving"),
            ("I can't reach my glass", "moving"),
            ("an interpreter", "interpreter"),
            ("can I get some water", "water"),
            ("I'm thirsty", "water"),
            ("crackers", "food"),
            ("I'm hungry can I get a snack", "food"),
            ("the bed is broken", "equipment"),
            ("the wifi password", "it"),
            ("the trash is full", "cleaning"),
            ("there is a spill on the floor", "cleaning"),
            ("a chaplain", "chaplain"),
            ("could I have two blankets", "comfort"),
            ("talk to the doctor", "doctor"),
            ("wants to talk to a person", "talk"),
            ("my parrot", "other"),
        ] {
            assert_eq!(Need::of(said).name(), wanted, "{said}");
        }
    }

    #[test]
    fn the_same_need_is_the_same_thing() {
        let thing = |text: &str| Need::of(text).thing(text);
        assert_eq!(thing("some water"), thing("I'm still thirsty!"));
        assert_ne!(thing("some water"), thing("a blanket"));
        assert_eq!(thing("My parrot."), thing("my parrot"));
        assert_ne!(thing("my parrot"), thing("my dog"));
    }

    proptest! {
        #[test]
        fn any_words_are_some_need(text in ".{0,200}") {
            let need = Need::of(&text);
            prop_assert!(!need.name().is_empty());
            prop_assert!(!need.thing(&text).is_empty());
        }

        #[test]
        fn an_urgent_word_is_heard_among_any_others(
            before in "[a-z ]{0,60}", after in "[a-z ]{0,60}",
            n in 0..200_usize,
        ) {
            let urgent: Vec<&String> =
                entries().iter().filter(|entry| entry.priority == Priority::Urgent).flat_map(|entry| &entry.words).collect();
            let word = urgent[n % urgent.len()].trim_end_matches('*');
            prop_assert!(Need::of(&format!("{before} {word} {after}")).is_urgent(), "{word}");
        }
    }
}
