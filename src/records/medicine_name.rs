//! From a medicine as it is written to a name people say.
//!
//! RxNorm and its like write "24 HR metformin hydrochloride 500 MG Extended Release Oral Tablet [Glucophage]";
//! people say "metformin". The text as written always stays among the aliases.

/// What a written medicine is called.
#[derive(Debug, PartialEq, Eq)]
pub struct MedicineName {
    /// "metformin".
    pub spoken: String,
    /// Brand, the name with its salt, the text as written.
    pub aliases: Vec<String>,
    /// "500 mg extended release tablet".
    pub strength: Option<String>,
}

/// Salts and esters that are not said. A word is only dropped after another that is not one of [`METALS`].
const SALTS: [&str; 29] = [
    "hydrochloride",
    "hcl",
    "hydrobromide",
    "sulfate",
    "maleate",
    "succinate",
    "tartrate",
    "propionate",
    "besylate",
    "mesylate",
    "fumarate",
    "phosphate",
    "acetate",
    "citrate",
    "sodium",
    "potassium",
    "calcium",
    "dihydrate",
    "monohydrate",
    "hydrate",
    "furoate",
    "dipropionate",
    "bitartrate",
    "xinafoate",
    "trihydrate",
    "anhydrous",
    "magnesium",
    "nitrate",
    "disodium",
];

/// Words whose salt is the medicine: ferrous sulfate, potassium chloride, lithium carbonate.
const METALS: [&str; 12] = [
    "ferrous",
    "ferric",
    "potassium",
    "sodium",
    "calcium",
    "magnesium",
    "zinc",
    "lithium",
    "aluminum",
    "barium",
    "copper",
    "silver",
];

/// Units of strength.
const UNITS: [&str; 12] = ["mg", "mcg", "g", "ml", "unt", "iu", "meq", "mmol", "%", "units", "unit", "ug"];

impl MedicineName {
    /// The name of a written medicine; `None` when there are no letters in it.
    #[must_use]
    pub fn of(written: &str) -> Option<Self> {
        let written = written.split_whitespace().collect::<Vec<_>>().join(" ");
        let (body, brand) = split_brand(&written);
        let mut names: Vec<String> = Vec::new();
        let mut salted: Vec<String> = Vec::new();
        let mut amounts: Vec<(String, String)> = Vec::new();
        let mut form = String::new();
        for part in body.split(" / ") {
            let Part { name, amount, rest } = Part::of(part);
            if !name.is_empty() {
                salted.push(name.join(" "));
                names.push(without_salt(&name).join(" "));
            }
            amounts.extend(amount);
            form = rest;
        }
        let mut spoken = join(&names);
        if let Some(stem) = pack(&spoken) {
            form = "pack".to_owned();
            spoken = stem;
        }
        if spoken.is_empty() {
            spoken = brand.clone().unwrap_or_default();
        }
        if !spoken.chars().any(char::is_alphabetic) {
            return None;
        }
        let mut aliases = Vec::new();
        for alias in [brand, Some(join(&salted)), Some(written.clone())].into_iter().flatten() {
            if !alias.is_empty() && !alias.eq_ignore_ascii_case(&spoken) && !aliases.contains(&alias) {
                aliases.push(alias);
            }
        }
        // "amoxicillin and clavulanate" is asked for by either name.
        if names.len() > 1 {
            aliases.extend(names.iter().filter(|n| **n != spoken).cloned());
        }
        Some(Self { spoken, aliases, strength: strength(&amounts, &form) })
    }
}

/// "Diazepam [Valium]" → ("Diazepam", "Valium").
fn split_brand(written: &str) -> (String, Option<String>) {
    match (written.find('['), written.find(']')) {
        (Some(open), Some(close)) if open < close => {
            let brand = written[open + 1..close].trim().to_owned();
            let body = format!("{}{}", &written[..open], &written[close + 1..]);
            (body.trim().to_owned(), (!brand.is_empty()).then_some(brand))
        }
        _ => (written.to_owned(), None),
    }
}

/// One ingredient: the words before its amount, the amount, what follows.
struct Part {
    name: Vec<String>,
    amount: Option<(String, String)>,
    rest: String,
}

impl Part {
    fn of(text: &str) -> Self {
        let mut words: Vec<&str> = text.split_whitespace().collect();
        // "NDA020800", "120 ACTUAT", "0.3 ML", "24 HR" in front say how much is in the box.
        while let [first, rest @ ..] = words.as_slice() {
            let boxed =
                rest.first().is_some_and(|w| ["ACTUAT", "ML", "HR", "DAY"].contains(&w.to_uppercase().as_str()));
            if is_number(first) && boxed && rest.len() > 1 {
                words.drain(..2);
            } else if first.starts_with("NDA") && first[3..].bytes().all(|b| b.is_ascii_digit()) {
                words.drain(..1);
            } else {
                break;
            }
        }
        let at = words
            .windows(2)
            .position(|w| is_number(w[0]) && is_unit(w[1]))
            .map(|n| (n, 2))
            .or_else(|| words.iter().position(|w| glued(w).is_some()).map(|n| (n, 1)));
        let Some((n, taken)) = at else {
            return Self { name: words.iter().map(|w| plain(w)).collect(), amount: None, rest: String::new() };
        };
        let amount = if taken == 2 { Some((words[n].to_owned(), words[n + 1].to_owned())) } else { glued(words[n]) };
        Self { name: words[..n].iter().map(|w| plain(w)).collect(), amount, rest: words[n + taken..].join(" ") }
    }
}

fn is_number(word: &str) -> bool {
    word.starts_with(|c: char| c.is_ascii_digit())
        && word.chars().all(|c| c.is_ascii_digit() || matches!(c, '.' | ',' | '/' | '-'))
}

fn is_unit(word: &str) -> bool {
    let head = word.split('/').next().unwrap_or_default().to_ascii_lowercase();
    UNITS.contains(&head.as_str())
}

/// "10mg" → ("10", "mg").
fn glued(word: &str) -> Option<(String, String)> {
    let split = word.find(|c: char| !c.is_ascii_digit() && c != '.')?;
    let (number, unit) = word.split_at(split);
    (is_number(number) && is_unit(unit)).then(|| (number.to_owned(), unit.to_owned()))
}

/// Lower case, except for a brand with capitals inside and single letters ("penicillin V").
fn plain(word: &str) -> String {
    let mut chars = word.chars();
    let first_upper = chars.next().is_some_and(char::is_uppercase);
    let inner_upper = chars.clone().any(char::is_uppercase);
    let inner_lower = chars.any(char::is_lowercase);
    let single = word.chars().count() == 1;
    // Tall-man letters ("predniSONE") start small; brands ("NuvaRing") start with a capital.
    if single || (first_upper && inner_upper && inner_lower) { word.to_owned() } else { word.to_lowercase() }
}

fn without_salt(name: &[String]) -> Vec<String> {
    let mut kept: Vec<String> = Vec::new();
    for word in name {
        let salt = SALTS.contains(&word.to_lowercase().as_str());
        let bare = kept.last().is_none_or(|w| METALS.contains(&w.to_lowercase().as_str()));
        if !salt || bare {
            kept.push(word.clone());
        }
    }
    kept
}

/// "yaz 28 day pack" → "Yaz".
fn pack(spoken: &str) -> Option<String> {
    let lower = spoken.to_lowercase();
    let stem = lower.strip_suffix("day pack")?.trim_end_matches(|c: char| c.is_ascii_digit() || c == ' ');
    let mut chars = stem.chars();
    let first = chars.next()?;
    Some(first.to_uppercase().chain(chars).collect())
}

fn join(names: &[String]) -> String {
    match names {
        [] => String::new(),
        [one] => one.clone(),
        [head @ .., last] => format!("{} and {last}", head.join(", ")),
    }
}

/// "10 mg tablet": amount and unit, and the form without the words that go without saying.
fn strength(amounts: &[(String, String)], form: &str) -> Option<String> {
    let units: Vec<String> = amounts.iter().map(|(_, unit)| spoken_unit(unit)).collect();
    let alike = units.windows(2).all(|w| w[0] == w[1]);
    let amount = match (amounts, units.as_slice()) {
        ([], _) => String::new(),
        (many, [unit, ..]) if alike => {
            format!("{} {unit}", many.iter().map(|(n, _)| n.as_str()).collect::<Vec<_>>().join("-"))
        }
        (many, units) => many.iter().zip(units).map(|((n, _), u)| format!("{n} {u}")).collect::<Vec<_>>().join(", "),
    };
    let form = form.to_lowercase();
    let form = form
        .split_whitespace()
        .filter(|w| !["oral", "metered", "dose", "topical", "injectable", "per", "24hr", "day", "21"].contains(w))
        .collect::<Vec<_>>()
        .join(" ");
    let text = [amount, form].into_iter().filter(|t| !t.is_empty()).collect::<Vec<_>>().join(" ");
    (!text.is_empty()).then_some(text)
}

fn spoken_unit(unit: &str) -> String {
    let lower = unit.to_ascii_lowercase();
    let (head, per) = lower.split_once('/').unwrap_or((&lower, ""));
    let head = match head {
        "unt" | "iu" | "unit" => "units",
        "ml" => "mL",
        "meq" => "mEq",
        "ug" => "mcg",
        other => other,
    };
    match per {
        "" => head.to_owned(),
        "actuat" => format!("{head} per puff"),
        "ml" => format!("{head}/mL"),
        "hr" => format!("{head} per hour"),
        other => format!("{head}/{other}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn written_medicines_become_spoken_ones() {
        #[rustfmt::skip]
        let table = [
            ("lisinopril 10 MG Oral Tablet", "lisinopril", "10 mg tablet"),
            ("24 HR metformin hydrochloride 500 MG Extended Release Oral Tablet [Glucophage]", "metformin", "500 mg extended release tablet"),
            ("120 ACTUAT Fluticasone propionate 0.044 MG/ACTUAT Metered Dose Inhaler", "fluticasone", "0.044 mg per puff inhaler"),
            ("NDA020800 0.3 ML Epinephrine 1 MG/ML Auto-Injector", "epinephrine", "1 mg/mL auto-injector"),
            ("10 ML Furosemide 10 MG/ML Injection", "furosemide", "10 mg/mL injection"),
            ("Amoxicillin 250 MG / Clavulanate 125 MG Oral Tablet", "amoxicillin and clavulanate", "250-125 mg tablet"),
            ("ferrous sulfate 325 MG Oral Tablet", "ferrous sulfate", "325 mg tablet"),
            ("potassium chloride 20 MEQ Extended Release Oral Tablet", "potassium chloride", "20 mEq extended release tablet"),
            ("Penicillin V Potassium 250 MG Oral Tablet", "penicillin V", "250 mg tablet"),
            ("predniSONE 5 MG Oral Tablet", "prednisone", "5 mg tablet"),
            ("NuvaRing 0.12/0.015 MG per 24HR 21 Day Vaginal Ring", "NuvaRing", "0.12/0.015 mg vaginal ring"),
            ("Azithromycin 250 mg oral tablet", "azithromycin", "250 mg tablet"),
            ("insulin glargine 100 UNT/ML Injectable Solution", "insulin glargine", "100 units/mL solution"),
            ("Lisinopril 10mg", "lisinopril", "10 mg"),
            ("Yaz 28 Day Pack", "Yaz", "pack"),
            ("Diazepam [Valium]", "diazepam", ""),
            ("vitamin D 1000 UNT Oral Capsule", "vitamin D", "1000 units capsule"),
        ];
        for (written, spoken, strength) in table {
            let name = MedicineName::of(written).expect("has letters");
            assert_eq!((name.spoken.as_str(), name.strength.as_deref().unwrap_or_default()), (spoken, strength));
            let kept = name.spoken.eq_ignore_ascii_case(written) || name.aliases.iter().any(|a| a == written);
            assert!(kept, "the text as written stays findable: {written}");
        }
    }

    #[test]
    fn brands_and_single_ingredients_are_other_names() {
        let name = MedicineName::of("Amoxicillin 250 MG / Clavulanate 125 MG Oral Tablet [Augmentin]").expect("named");
        for alias in ["Augmentin", "amoxicillin", "clavulanate"] {
            assert!(name.aliases.iter().any(|a| a == alias), "{alias}");
        }
        assert_eq!(MedicineName::of("  12 "), None);
        assert_eq!(MedicineName::of(""), None);
    }
}
