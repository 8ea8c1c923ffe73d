//! Spoken numbers: cardinals, ordinals and years from normalized words.

/// The whole number of one word below twenty, or a round ten.
fn unit(word: &str) -> Option<u32> {
    Some(match word {
        "zero" | "oh" => 0,
        "one" => 1,
        "two" => 2,
        "three" => 3,
        "four" => 4,
        "five" => 5,
        "six" => 6,
        "seven" => 7,
        "eight" => 8,
        "nine" => 9,
        "ten" => 10,
        "eleven" => 11,
        "twelve" => 12,
        "thirteen" => 13,
        "fourteen" => 14,
        "fifteen" => 15,
        "sixteen" => 16,
        "seventeen" => 17,
        "eighteen" => 18,
        "nineteen" => 19,
        _ => return None,
    })
}

fn ten(word: &str) -> Option<u32> {
    Some(match word {
        "twenty" => 20,
        "thirty" => 30,
        "forty" | "fourty" => 40,
        "fifty" => 50,
        "sixty" => 60,
        "seventy" => 70,
        "eighty" => 80,
        "ninety" => 90,
        _ => return None,
    })
}

/// A whole number below one hundred at the start of the words, and how many words it takes.
#[must_use]
pub fn below_hundred(words: &[&str]) -> Option<(u32, usize)> {
    let first = words.first()?;
    if first.bytes().all(|b| b.is_ascii_digit()) {
        return first.parse().ok().filter(|&n| n < 100).map(|n| (n, 1));
    }
    if let Some(n) = unit(first) {
        return Some((n, 1));
    }
    let tens = ten(first)?;
    match words.get(1).and_then(|w| unit(w)).filter(|&u| (1..10).contains(&u)) {
        Some(u) => Some((tens + u, 2)),
        None => Some((tens, 1)),
    }
}

/// An ordinal from first to ninety-ninth at the start of the words, and how many words it takes.
#[must_use]
pub fn ordinal(words: &[&str]) -> Option<(u32, usize)> {
    let first = words.first()?;
    if let Some(n) = ordinal_word(first) {
        return Some((n, 1));
    }
    if let Some(digits) = ["st", "nd", "rd", "th"].iter().find_map(|s| first.strip_suffix(s)) {
        return digits.parse().ok().filter(|&n| n > 0 && n < 100).map(|n| (n, 1));
    }
    let tens = ten(first)?;
    let u = words.get(1).and_then(|w| ordinal_word(w)).filter(|&u| u < 10)?;
    Some((tens + u, 2))
}

fn ordinal_word(word: &str) -> Option<u32> {
    Some(match word {
        "first" => 1,
        "second" => 2,
        "third" => 3,
        "fourth" => 4,
        "fifth" => 5,
        "sixth" => 6,
        "seventh" => 7,
        "eighth" => 8,
        "ninth" => 9,
        "tenth" => 10,
        "eleventh" => 11,
        "twelfth" => 12,
        "thirteenth" => 13,
        "fourteenth" => 14,
        "fifteenth" => 15,
        "sixteenth" => 16,
        "seventeenth" => 17,
        "eighteenth" => 18,
        "nineteenth" => 19,
        "twentieth" => 20,
        "thirtieth" => 30,
        _ => return None,
    })
}

/// A year from 1900 to 2199 at the start of the words: "2026", "twenty twenty six", "two thousand and six".
#[must_use]
pub fn year(words: &[&str]) -> Option<(i16, usize)> {
    let fits = |y: u32, n: usize| i16::try_from(y).ok().filter(|y| (1900..2200).contains(y)).map(|y| (y, n));
    let first = words.first()?;
    if first.len() == 4 && first.bytes().all(|b| b.is_ascii_digit()) {
        return fits(first.parse().ok()?, 1);
    }
    if words.starts_with(&["two", "thousand"]) {
        let and = usize::from(words.get(2) == Some(&"and"));
        return match words.get(2 + and..).and_then(below_hundred) {
            Some((n, used)) => fits(2000 + n, 2 + and + used),
            None => fits(2000, 2),
        };
    }
    let century = match *first {
        "nineteen" | "19" => 1900,
        "twenty" | "20" => 2000,
        _ => return None,
    };
    let rest = words.get(1..)?;
    if let [zero, digit, ..] = rest
        && matches!(*zero, "oh" | "o" | "zero")
    {
        return fits(century + unit(digit)?, 3);
    }
    let (n, used) = below_hundred(rest)?;
    if n < 10 { None } else { fits(century + n, 1 + used) }
}

/// A number at the start of the words ("a hundred and six point two", "98.6", "1000"), and how many words it takes.
#[must_use]
pub fn number(words: &[&str]) -> Option<(f64, usize)> {
    let first = words.first()?;
    if first.bytes().next().is_some_and(|b| b.is_ascii_digit()) {
        return first.parse().ok().map(|n| (n, 1));
    }
    let mut at = 0;
    let (mut total, mut group, mut any) = (0_u32, 0_u32, false);
    if matches!(*first, "a" | "an") && matches!(words.get(1), Some(&("hundred" | "thousand"))) {
        (group, at) = (1, 1);
    }
    while let Some(word) = words.get(at) {
        match *word {
            "hundred" if (1..100).contains(&group) => (group, at, any) = (group * 100, at + 1, true),
            "thousand" if (1..1000).contains(&group) && total == 0 => {
                (total, group, at, any) = (group * 1000, 0, at + 1, true);
            }
            "and" if any && words.get(at + 1).is_some_and(|w| unit(w).is_some() || ten(w).is_some()) => at += 1,
            _ => {
                let rest = words.get(at..).unwrap_or_default();
                let Some((n, used)) = below_hundred(rest).filter(|_| group % 100 == 0) else { break };
                (group, at, any) = (group + n, at + used, true);
            }
        }
    }
    if !any {
        return None;
    }
    let value = f64::from(total + group);
    Some(match decimals(words.get(at..).unwrap_or_default()) {
        Some((part, n)) => (((value + part) * 1e6).round() / 1e6, at + n),
        None => (value, at),
    })
}

/// "point six five" at the start of the words: 0.65, and how many words it takes.
#[must_use]
pub fn decimals(words: &[&str]) -> Option<(f64, usize)> {
    if words.first() != Some(&"point") {
        return None;
    }
    let (mut part, mut scale, mut used) = (0.0, 0.1, 0);
    let digit = |word: &&str| if *word == "o" { Some(0) } else { unit(word).filter(|&d| d < 10) };
    while let Some(digit) = words.get(1 + used).and_then(digit).filter(|_| used < 6) {
        part += f64::from(digit) * scale;
        scale /= 10.0;
        used += 1;
    }
    (used > 0).then_some((part, 1 + used))
}

/// A place in a row, at the start of the words: "the second one", "last", "number three", "the next to last". Counted
/// from the first; from the last it is negative, −1 for the last. With how many words it takes, the longest first.
#[must_use]
pub fn place(words: &[&str]) -> Option<(i32, usize)> {
    let the = usize::from(words.first() == Some(&"the"));
    let rest = words.get(the..)?;
    let fixed: &[(&[&str], i32)] = &[
        (&["second", "to", "last"], -2),
        (&["next", "to", "last"], -2),
        (&["second", "to", "the", "last"], -2),
        (&["last", "but", "one"], -2),
        (&["one", "before", "last"], -2),
        (&["third", "to", "last"], -3),
        (&["last"], -1),
        (&["latest"], -1),
        (&["final"], -1),
        (&["top"], 1),
        (&["bottom"], -1),
    ];
    let named = fixed.iter().find(|(phrase, _)| rest.starts_with(phrase)).map(|(phrase, n)| (*n, phrase.len()));
    let counted = || match rest {
        ["number" | "option" | "choice", more @ ..] => {
            below_hundred(more).filter(|(n, _)| *n > 0).map(|(n, used)| (n, used + 1))
        }
        _ => ordinal(rest),
    };
    let (n, used) = named.or_else(|| counted().and_then(|(n, used)| Some((i32::try_from(n).ok()?, used))))?;
    let one = usize::from(matches!(rest.get(used), Some(&("one" | "option" | "choice"))));
    Some((n, the + used + one))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all<T>(text: &str, parse: fn(&[&str]) -> Option<(T, usize)>) -> Option<T> {
        let words: Vec<&str> = text.split(' ').collect();
        parse(&words).filter(|(_, used)| *used == words.len()).map(|(v, _)| v)
    }

    #[test]
    fn numbers_as_they_are_said() {
        for (said, value) in [
            ("two", 2.0),
            ("twenty one", 21.0),
            ("a hundred and six point two", 106.2),
            ("one hundred sixty five", 165.0),
            ("two thousand and twelve", 2012.0),
            ("98.6", 98.6),
            ("ninety eight point six", 98.6),
            ("five hundred", 500.0),
        ] {
            assert_eq!(all(said, number), Some(value), "{said}");
        }
        for bad in ["hundred", "and", "point five", "twenty eleven", "one two"] {
            assert_eq!(all(bad, number), None, "{bad}");
        }
        assert_eq!(all("twenty first", ordinal), Some(21));
        assert_eq!(all("3rd", ordinal), Some(3));
        for (said, value) in [("twenty twenty six", 2026), ("nineteen eighty four", 1984), ("2026", 2026)] {
            assert_eq!(all(said, year), Some(value), "{said}");
        }
        for (said, value) in [
            ("the second one", 2),
            ("second", 2),
            ("the 3rd option", 3),
            ("number two", 2),
            ("option four", 4),
            ("the last one", -1),
            ("last", -1),
            ("the second to last", -2),
            ("the next to last one", -2),
            ("the twenty first", 21),
            ("first", 1),
            ("the top one", 1),
        ] {
            assert_eq!(all(said, place), Some(value), "{said}");
        }
        assert_eq!(place(&["the", "one"]), None);
        assert_eq!(place(&["number"]), None);
        assert_eq!(place(&[]), None);
        assert_eq!(all("two thousand nine", year), Some(2009));
        assert_eq!(all("twenty oh nine", year), Some(2009));
        assert_eq!(all("twenty six", year), None);
    }
}
