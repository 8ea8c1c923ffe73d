//! Whom a person may have called: names, what they are to the person, and numbers.
//!
//! Invariants: a number is read from a file and handed to the telephone, and cannot be shown, written to a log or said; who is
//! meant by words is found letter for letter among those on the list, and nobody else is.

use serde::{Deserialize, Serialize};
use unicode_normalization::{UnicodeNormalization as _, char::is_combining_mark};

/// Most on one list.
const MOST: usize = 50;
/// Longest name, in characters: it is said aloud.
const LONGEST: usize = 60;
/// Words that tell nobody apart.
const BESIDES: [&str; 14] =
    ["my", "our", "the", "a", "please", "up", "back", "again", "now", "for", "me", "on", "phone", "mr"];

/// A telephone number. It has neither `Debug` nor `Display`.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Number(String);

impl Number {
    /// Reads one: digits, maybe a plus before them, and what people write between them. `None` for anything else.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let (plus, rest) = text.strip_prefix('+').map_or(("", text), |rest| ("+", rest));
        let between = |c: char| matches!(c, ' ' | '-' | '(' | ')' | '.');
        let sound = rest.chars().all(|c| c.is_ascii_digit() || between(c));
        let digits: String = rest.chars().filter(char::is_ascii_digit).collect();
        (sound && (3..=15).contains(&digits.len())).then(|| Self(format!("{plus}{digits}")))
    }

    /// The digits, for the telephone alone.
    #[must_use]
    pub fn dialled(&self) -> &str {
        &self.0
    }
}

/// Somebody on a person's list.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Contact {
    /// Their name: "Ana".
    pub name: String,
    /// What they are to the person, by the catalogue's list `contact`: "daughter".
    #[serde(default)]
    pub relation: Option<String>,
    /// Their number.
    pub number: Number,
}

impl Contact {
    /// As they are spoken of to the person: "your daughter Ana".
    #[must_use]
    pub fn spoken(&self) -> String {
        match self.relation.as_deref() {
            None | Some("home") => self.name.clone(),
            Some(relation) => format!("your {relation} {}", self.name),
        }
    }
}

/// Why a file cannot be used. Never what stands in it: it is about people.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ContactError {
    /// It is no TOML of this kind.
    #[error("must be TOML: [[contact]] with name, number and maybe relation")]
    NotContacts,
    /// There are more than anybody could choose from.
    #[error("must hold at most {MOST} contacts")]
    Many,
    /// A field cannot be used.
    #[error("contact {at}: `{field}` {must}")]
    Field {
        /// Which of them, from 1.
        at: usize,
        /// The field.
        field: &'static str,
        /// What it must be.
        must: &'static str,
    },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    contact: Vec<Written>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    name: String,
    relation: Option<String>,
    number: String,
}

/// Reads a file whole. `relations` are those that can be asked for.
///
/// # Errors
/// The first thing in it that cannot be used.
pub fn read(text: &str, relations: &[String]) -> Result<Vec<Contact>, ContactError> {
    let file: File = toml::from_str(text).map_err(|_| ContactError::NotContacts)?;
    if file.contact.len() > MOST {
        return Err(ContactError::Many);
    }
    let mut all: Vec<Contact> = Vec::with_capacity(file.contact.len());
    for (n, one) in file.contact.into_iter().enumerate() {
        let wrong = |field, must| ContactError::Field { at: n + 1, field, must };
        let name = one.name.trim().to_owned();
        if !(1..=LONGEST).contains(&name.chars().count()) || name.chars().any(|c| c.is_control() || c.is_ascii_digit())
        {
            return Err(wrong("name", "must be 1 to 60 characters without digits, on one line"));
        }
        if one.relation.as_ref().is_some_and(|relation| !relations.contains(relation)) {
            return Err(wrong("relation", "must be one of the catalogue's list `contact`"));
        }
        let Some(number) = Number::parse(&one.number) else {
            return Err(wrong("number", "must be 3 to 15 digits, maybe with a plus before them"));
        };
        if all.iter().any(|other| other.name == name && other.relation == one.relation) {
            return Err(wrong("name", "stands there twice with the same relation"));
        }
        all.push(Contact { name, relation: one.relation, number });
    }
    Ok(all)
}

/// Whom words mean: everybody of the list to whom all of them belong, or else everybody who is to the person what was `named`
/// of the catalogue's list. Nobody, where that is nobody.
#[must_use]
pub fn meant<'a>(contacts: &'a [Contact], named: &str, spoken: &str) -> Vec<&'a Contact> {
    let by_words = |text: &str| -> Vec<&Contact> {
        let said: Vec<String> = plain(text).into_iter().filter(|word| !BESIDES.contains(&word.as_str())).collect();
        let theirs = |one: &Contact, word: &String| {
            plain(&one.name).contains(word) || one.relation.as_deref().is_some_and(|it| plain(it).contains(word))
        };
        let all = |one: &&Contact| !said.is_empty() && said.iter().all(|word| theirs(one, word));
        contacts.iter().filter(all).collect()
    };
    let as_relation = || contacts.iter().filter(|one| one.relation.as_deref() == Some(named)).collect::<Vec<_>>();
    let ways = [by_words(spoken), as_relation(), by_words(named)];
    ways.into_iter().find(|found| !found.is_empty()).unwrap_or_default()
}

/// Lower-case words without accents.
fn plain(name: &str) -> Vec<String> {
    let bare: String = name.nfd().filter(|c| !is_combining_mark(*c)).collect();
    let words = bare.split(|c: char| !c.is_alphanumeric() && !matches!(c, '\'' | '’'));
    words.map(|w| w.replace(['\'', '’'], "").to_lowercase()).filter(|w| !w.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const FILE: &str = r#"
        [[contact]]
        name = "Ana López"
        relation = "daughter"
        number = "+1 (555) 010-1234"
        [[contact]]
        name = "Eve"
        relation = "daughter"
        number = "5550105678"
        [[contact]]
        name = "Bob O'Neil"
        number = "555"
    "#;

    fn relations() -> Vec<String> {
        ["daughter", "son", "home"].map(str::to_owned).to_vec()
    }

    #[test]
    fn a_file_is_taken_whole_or_not_at_all_and_no_error_tells_what_stands_in_it() {
        let all = read(FILE, &relations()).unwrap_or_default();
        assert_eq!(
            all.iter().map(|one| one.number.dialled()).collect::<Vec<_>>(),
            ["+15550101234", "5550105678", "555"]
        );
        assert_eq!(
            all.iter().map(Contact::spoken).collect::<Vec<_>>(),
            ["your daughter Ana López", "your daughter Eve", "Bob O'Neil"]
        );
        assert!(read("", &relations()).is_ok_and(|none| none.is_empty()), "an empty list takes everybody off it");
        for (from, to, told) in [
            ("name = \"Eve\"", "name = \"\"", "contact 2: `name`"),
            ("name = \"Eve\"", "name = \"5550105678\"", "contact 2: `name`"),
            ("number = \"555\"", "number = \"55\"", "contact 3: `number`"),
            ("number = \"555\"", "number = \"555;rm\"", "contact 3: `number`"),
            ("number = \"555\"", "number = 555", "must be TOML"),
            ("relation = \"daughter\"", "relation = \"cat\"", "contact 1: `relation`"),
            ("name = \"Eve\"", "name = \"Ana López\"", "contact 2: `name` stands there twice"),
        ] {
            let told_of = read(&FILE.replacen(from, to, 1), &relations()).map(|_| ()).expect_err(to).to_string();
            assert!(told_of.contains(told), "{to}: {told_of}");
            assert!(!told_of.contains("Ana") && !told_of.contains("5550"), "{told_of}");
        }
    }

    #[test]
    fn whoever_is_meant_is_on_the_list() {
        let all = read(FILE, &relations()).unwrap_or_default();
        for (named, spoken, who) in [
            ("daughter", "my daughter", &["Ana López", "Eve"][..]),
            ("daughter", "my daughter Eve", &["Eve"]),
            ("Eve", "Eve", &["Eve"]),
            ("ana lopez", "ana lopez", &["Ana López"]),
            ("daughter", "my girl", &["Ana López", "Eve"]),
            ("bob", "bob", &["Bob O'Neil"]),
            ("bob oneil", "bob oneil", &["Bob O'Neil"]),
            ("son", "my son", &[]),
            ("ana smith", "ana smith", &[]),
            ("an", "an", &[]),
            ("evelyn", "evelyn", &[]),
            ("555", "555", &[]),
            ("", "", &[]),
        ] {
            let found: Vec<&str> = meant(&all, named, spoken).into_iter().map(|one| one.name.as_str()).collect();
            assert_eq!(found, who, "{spoken}");
        }
    }

    proptest! {
        #[test]
        fn whatever_is_said_or_written_nobody_else_is_meant(text in ".{0,120}", named in ".{0,30}", spoken in ".{0,30}") {
            let _ = read(&text, &relations());
            if let Some(number) = Number::parse(&text) {
                prop_assert!(number.dialled().chars().all(|c| c == '+' || c.is_ascii_digit()));
            }
            let all = read(FILE, &relations()).unwrap_or_default();
            prop_assert!(meant(&all, &named, &spoken).iter().all(|one| all.contains(one)));
            let stranger = format!("{spoken} qzxw");
            prop_assert!(meant(&all, &stranger, &stranger).is_empty());
        }
    }
}
