//! Whether a name that was said is a person's. Letter for letter: nobody is taken for somebody with nearly their name.

use unicode_normalization::{UnicodeNormalization as _, char::is_combining_mark};

use super::Profile;

/// How a name that was said fits a person's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fit {
    /// It is not theirs.
    No,
    /// It is their given name, a nickname, or their family name.
    Part,
    /// It is a given name or a nickname with the family name.
    Whole,
}

/// Titles that tell nobody apart.
const TITLES: [&str; 8] = ["mr", "mrs", "ms", "miss", "mister", "missus", "sir", "doctor"];

/// How a name that was said fits this person.
#[must_use]
pub fn fit(profile: &Profile, said: &str) -> Fit {
    let mut said = plain(said);
    if said.len() > 1 && TITLES.contains(&said[0].as_str()) {
        said.remove(0);
    }
    let family = plain(&profile.family);
    let names = || std::iter::once(&profile.given).chain(&profile.called).map(|name| plain(name));
    // "Maria" of "Maria Elena", too.
    let given = || names().flat_map(|name| [name.first().cloned().into_iter().collect(), name]);
    let whole =
        |given: Vec<String>| !given.is_empty() && !family.is_empty() && [given, family.clone()].concat() == said;
    if said.is_empty() {
        Fit::No
    } else if given().any(whole) {
        Fit::Whole
    } else if said == family || given().any(|name| name == said) {
        Fit::Part
    } else {
        Fit::No
    }
}

/// Lower-case words without accents.
fn plain(name: &str) -> Vec<String> {
    let bare: String = name.nfd().filter(|c| !is_combining_mark(*c)).collect();
    let words = bare.split(|c: char| !c.is_alphanumeric() && !matches!(c, '\'' | '’'));
    words.map(|w| w.replace(['\'', '’'], "").to_lowercase()).filter(|w| !w.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_a_persons_letter_for_letter() {
        let maria =
            Profile { given: "María Elena".into(), family: "O'Neil".into(), birth: None, called: vec!["Mimi".into()] };
        for (said, want) in [
            ("Maria", Fit::Part),
            ("maria elena", Fit::Part),
            ("MIMI", Fit::Part),
            ("Mrs. O'Neil", Fit::Part),
            ("oneil", Fit::Part),
            ("Maria O'Neil", Fit::Whole),
            ("miss Mimi ONeil", Fit::Whole),
            ("Mario", Fit::No),
            ("Marie", Fit::No),
            ("Mari", Fit::No),
            ("Elena", Fit::No),
            ("Maria Nielsen", Fit::No),
            ("Maria Maria", Fit::No),
            ("", Fit::No),
            ("mrs", Fit::No),
        ] {
            assert_eq!(fit(&maria, said), want, "{said}");
        }
        let nameless =
            Profile { given: String::new(), family: String::new(), birth: None, called: vec![String::new()] };
        assert_eq!((fit(&nameless, ""), fit(&nameless, "x")), (Fit::No, Fit::No));
    }
}
