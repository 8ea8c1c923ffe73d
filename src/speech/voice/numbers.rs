//! Numbers as American English says them.

const ONES: [&str; 20] = [
    "zero",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
    "thirteen",
    "fourteen",
    "fifteen",
    "sixteen",
    "seventeen",
    "eighteen",
    "nineteen",
];
const TENS: [&str; 10] = ["", "", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"];
const SCALES: [&str; 7] = ["", "thousand", "million", "billion", "trillion", "quadrillion", "quintillion"];

/// Longest run of digits read as one quantity; longer ones are read digit by digit.
const LONGEST_QUANTITY: usize = 15;

/// `1250` → "one thousand two hundred fifty".
pub fn cardinal(n: u64) -> String {
    if n == 0 {
        return ONES[0].into();
    }
    let mut groups = Vec::new();
    let (mut rest, mut scale) = (n, 0);
    while rest > 0 {
        let group = below_thousand(rest % 1000);
        if !group.is_empty() {
            let unit = SCALES.get(scale).copied().unwrap_or_default();
            groups.push(if unit.is_empty() { group } else { format!("{group} {unit}") });
        }
        rest /= 1000;
        scale += 1;
    }
    groups.reverse();
    groups.join(" ")
}

/// `3` → "third", `21` → "twenty first".
pub fn ordinal(n: u64) -> String {
    let spoken = cardinal(n);
    let (head, last) = spoken.rsplit_once(' ').map_or(("", spoken.as_str()), |(h, l)| (h, l));
    let last = match last {
        "one" => "first".into(),
        "two" => "second".into(),
        "three" => "third".into(),
        "five" => "fifth".into(),
        "eight" => "eighth".into(),
        "nine" => "ninth".into(),
        "twelve" => "twelfth".into(),
        tens if tens.ends_with('y') => format!("{}ieth", &tens[..tens.len() - 1]),
        other => format!("{other}th"),
    };
    if head.is_empty() { last } else { format!("{head} {last}") }
}

/// A year or a room: `2026` → "twenty twenty six", `2005` → "two thousand five", `1905` → "nineteen oh five",
/// `412` → "four twelve".
pub fn in_pairs(n: u64) -> String {
    let (high, low) = (n / 100, n % 100);
    match (high, low) {
        (0, _) => cardinal(n),
        (_, 0) if high % 10 == 0 => cardinal(n),
        (_, 0) => format!("{} hundred", cardinal(high)),
        (20, 1..=9) => cardinal(n),
        (_, 1..=9) => format!("{} oh {}", cardinal(high), cardinal(low)),
        _ => format!("{} {}", cardinal(high), cardinal(low)),
    }
}

/// `"0123"` → "zero one two three".
pub fn digits(text: &str) -> String {
    text.chars().filter_map(|c| c.to_digit(10)).map(|d| ONES[d as usize % 10]).collect::<Vec<_>>().join(" ")
}

/// A quantity as written: digits, perhaps commas between thousands, perhaps a decimal point.
/// `"1,250"`, `"0.5"` → "zero point five"; a leading zero or more digits than a quantity has → digit by digit.
pub fn quantity(text: &str) -> String {
    let plain: String = text.chars().filter(|c| *c != ',').collect();
    let (whole, fraction) = plain.split_once('.').map_or((plain.as_str(), ""), |(w, f)| (w, f));
    let whole_spoken = match whole.parse::<u64>() {
        _ if whole.is_empty() => "zero".into(),
        _ if whole.len() > LONGEST_QUANTITY || (whole.len() > 1 && whole.starts_with('0')) => digits(whole),
        Ok(n) => cardinal(n),
        Err(_) => digits(whole),
    };
    if fraction.is_empty() { whole_spoken } else { format!("{whole_spoken} point {}", digits(fraction)) }
}

fn below_thousand(n: u64) -> String {
    let (hundreds, rest) = (n / 100, n % 100);
    let mut parts = Vec::with_capacity(3);
    if hundreds > 0 {
        parts.push(format!("{} hundred", ONES[hundreds as usize % 20]));
    }
    match rest {
        0 => {}
        1..=19 => parts.push(ONES[rest as usize].into()),
        _ => {
            parts.push(TENS[(rest / 10) as usize % 10].into());
            if rest % 10 > 0 {
                parts.push(ONES[(rest % 10) as usize].into());
            }
        }
    }
    parts.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantities_are_read_whole() {
        let cases = [
            ("0", "zero"),
            ("7", "seven"),
            ("20", "twenty"),
            ("105", "one hundred five"),
            ("1,250", "one thousand two hundred fifty"),
            ("1000000", "one million"),
            ("0.5", "zero point five"),
            (".25", "zero point two five"),
            ("98.6", "ninety eight point six"),
            ("007", "zero zero seven"),
            (
                "12345678901234567890",
                "one two three four five six seven eight nine zero one two three four five six seven eight nine zero",
            ),
        ];
        for (written, spoken) in cases {
            assert_eq!(quantity(written), spoken, "{written}");
        }
    }

    #[test]
    fn ordinals_are_irregular_where_english_is() {
        let cases = [
            (1, "first"),
            (2, "second"),
            (3, "third"),
            (5, "fifth"),
            (8, "eighth"),
            (9, "ninth"),
            (12, "twelfth"),
            (20, "twentieth"),
            (21, "twenty first"),
            (30, "thirtieth"),
            (100, "one hundredth"),
        ];
        for (n, spoken) in cases {
            assert_eq!(ordinal(n), spoken);
        }
    }

    #[test]
    fn years_and_rooms_are_read_in_pairs() {
        let cases = [
            (2026, "twenty twenty six"),
            (2005, "two thousand five"),
            (2000, "two thousand"),
            (1905, "nineteen oh five"),
            (1900, "nineteen hundred"),
            (412, "four twelve"),
            (305, "three oh five"),
            (300, "three hundred"),
            (12, "twelve"),
            (1959, "nineteen fifty nine"),
        ];
        for (n, spoken) in cases {
            assert_eq!(in_pairs(n), spoken);
        }
    }

    #[test]
    fn the_largest_number_is_still_spoken() {
        assert!(cardinal(u64::MAX).starts_with("eighteen"));
    }
}
