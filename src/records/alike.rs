//! Whether two that are told of as one can be one: by their names and dates of birth. Pure.
//!
//! A number is not enough: numbers are mistyped, made up ("999-99-9999") and given twice.

use super::Profile;

/// Why somebody cannot be the one who is known by the same number; `None` where nothing speaks against it. Whoever married has
/// another family name, and whoever is called by another has another given name: only both at once tell.
#[must_use]
pub fn unlike(known: &Profile, told: &Profile) -> Option<&'static str> {
    if known.birth.zip(told.birth).is_some_and(|(one, other)| one != other) {
        return Some("the date of birth differs");
    }
    let given = both(&given(known), &given(told));
    let family = both(&[known.family.as_str()], &[told.family.as_str()]);
    let another = match (given, family) {
        (Some(given), Some(family)) => !given && !family,
        (Some(one), None) | (None, Some(one)) => !one,
        (None, None) => false,
    };
    another.then_some("the name differs")
}

fn given(of: &Profile) -> Vec<&str> {
    std::iter::once(&of.given).chain(&of.called).map(String::as_str).collect()
}

/// Whether the names have a word in common; `None` where either has no name.
fn both(known: &[&str], told: &[&str]) -> Option<bool> {
    let nameless = |names: &[&str]| names.iter().all(|name| words(name).is_empty());
    let common = || known.iter().any(|one| told.iter().any(|other| shares_a_word(one, other)));
    (!nameless(known) && !nameless(told)).then(common)
}

/// "Delgado" and "Delgado-Ruiz"; "María" and "MARIA".
#[must_use]
pub fn shares_a_word(one: &str, other: &str) -> bool {
    let other = words(other);
    words(one).iter().any(|word| word.chars().count() > 1 && other.contains(word))
}

fn words(name: &str) -> Vec<String> {
    name.split(|c: char| !c.is_alphanumeric() && c != '\'' && c != '’')
        .map(|word| word.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).map(plain).collect())
        .filter(|word: &String| !word.is_empty())
        .collect()
}

/// A letter without its mark, as systems that know no marks write it.
const fn plain(letter: char) -> char {
    match letter {
        'á' | 'à' | 'â' | 'ä' | 'ã' | 'å' | 'ā' | 'ă' | 'ą' => 'a',
        'ç' | 'ć' | 'č' => 'c',
        'ď' | 'đ' => 'd',
        'é' | 'è' | 'ê' | 'ë' | 'ē' | 'ę' | 'ě' => 'e',
        'í' | 'ì' | 'î' | 'ï' | 'ī' | 'ı' => 'i',
        'ł' => 'l',
        'ñ' | 'ń' | 'ň' => 'n',
        'ó' | 'ò' | 'ô' | 'ö' | 'õ' | 'ø' | 'ō' | 'ő' | 'ơ' => 'o',
        'ř' => 'r',
        'ś' | 'š' | 'ş' => 's',
        'ť' | 'ţ' => 't',
        'ú' | 'ù' | 'û' | 'ü' | 'ū' | 'ů' | 'ű' | 'ư' => 'u',
        'ý' | 'ÿ' => 'y',
        'ź' | 'ż' | 'ž' => 'z',
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_another_birth_date_or_another_name_altogether_speaks_against_it() {
        let who = |given: &str, family: &str, born: &str| Profile {
            given: given.into(),
            family: family.into(),
            birth: born.parse().ok(),
            called: vec![],
        };
        let ann = who("Ann", "Moss", "1960-02-03");
        for (told, want) in [
            (ann.clone(), None),
            (who("ANN MARIE", "Moss", "1960-02-03"), None),
            (who("Ann", "Reed", "1960-02-03"), None),
            (who("Nancy", "Moss", "1960-02-03"), None),
            (who("Ann", "Moss", ""), None),
            (who("", "", "1960-02-03"), None),
            (who("Ann", "Moss", "1960-03-02"), Some("the date of birth differs")),
            (who("Bob", "Reed", "1960-02-03"), Some("the name differs")),
            (who("Bob", "Reed", ""), Some("the name differs")),
            (who("Bob", "", "1960-02-03"), Some("the name differs")),
        ] {
            assert_eq!(unlike(&ann, &told), want, "{} {}", told.given, told.family);
            assert_eq!(unlike(&told, &ann), want, "either way");
        }
        let called = Profile { called: vec!["Robert".into()], ..who("Bob", "Reed", "") };
        assert_eq!(unlike(&called, &who("Robert", "Smith", "")), None, "by another name of theirs");
    }
}
