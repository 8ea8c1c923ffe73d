//! From a medicine as it is written to a name people say.
//!
//! RxNorm and its like write "24 HR metformin hydrochloride 500 MG Extended Release Oral Tablet [Glucophage]";
//! people say "metformin". The text as written always stays among the aliases.

use super::brands;

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
#[rustfmt::skip]
const SALTS: [&str; 79] = [
    "hydrochloride", "hcl", "hydrobromide", "sulfate", "maleate", "succinate", "tartrate", "propionate", "besylate",
    "mesylate", "fumarate", "phosphate", "acetate", "citrate", "sodium", "potassium", "calcium", "dihydrate",
    "monohydrate", "hydrate", "furoate", "dipropionate", "bitartrate", "xinafoate", "trihydrate", "anhydrous",
    "magnesium", "nitrate", "disodium", "hyclate", "oxalate", "medoxomil", "cilexetil", "etexilate", "pamoate",
    "besilate", "mesilate", "dimesylate", "camsylate", "tosylate", "malate", "bromide", "erbumine", "arginine",
    "disoproxil", "alafenamide", "axetil", "proxetil", "pivoxil", "marboxil", "estolate", "ethylsuccinate",
    "stearate", "decanoate", "enanthate", "cypionate", "palmitate", "undecanoate", "lauroxil", "tromethamine",
    "meglumine", "olamine", "valerate", "butyrate", "acetonide", "benzoate", "hippurate", "lactate", "gluconate",
    "polistirex", "saccharate", "aspartate", "hemihydrate", "sesquihydrate", "pentahydrate", "hemifumarate",
    "trometamol", "etabonate", "nicotinate",
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
    /// The name of a medicine that goes by several texts: the first is how it is written, the others are other names.
    #[must_use]
    pub fn of_all(texts: &[String]) -> Option<Self> {
        let mut all = texts.iter().filter_map(|text| Self::of(text));
        let mut name = all.next()?;
        for other in all {
            let more = std::iter::once(other.spoken).chain(other.aliases);
            let new: Vec<String> = more.filter(|alias| !name.is_called(alias)).collect();
            // The text as written stays the last.
            name.aliases.splice(0..0, new);
        }
        Some(name)
    }

    fn is_called(&self, name: &str) -> bool {
        std::iter::once(&self.spoken).chain(&self.aliases).any(|own| own.eq_ignore_ascii_case(name))
    }

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
            // "250 MG / 5 ML": so much in so much, and no second ingredient.
            if let Some((amount, unit, rest)) = leading_amount(part)
                && let Some((_, of)) = amounts.last_mut()
            {
                of.push_str(&format!("/{amount} {unit}"));
                form = rest;
                continue;
            }
            let Part { name, amount, rest } = Part::of(part);
            for name in combined(&name) {
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
        if !spoken.chars().any(char::is_alphabetic) {
            spoken = brand.clone().filter(|b| b.chars().any(char::is_alphabetic)).unwrap_or_default();
        }
        if spoken.is_empty() {
            return None;
        }
        let mut name = Self { spoken, aliases: Vec::new(), strength: strength(&amounts, &form) };
        // "amoxicillin and clavulanate" is asked for by either name, "insulin glargine" by its second, and a brand by what is in it.
        let parts = if names.len() > 1 { names.clone() } else { Vec::new() };
        let insulin = name.spoken.strip_prefix("insulin ").map(str::to_owned);
        let in_brand: Vec<String> = brands::ingredients(&written).map(str::to_owned).collect();
        let in_brand = if in_brand.len() > 1 { [vec![join(&in_brand)], in_brand].concat() } else { in_brand };
        let of_all = brand.into_iter().chain([join(&salted)]).chain(parts).chain(insulin).chain(in_brand);
        for alias in of_all {
            if !alias.is_empty() && !alias.eq_ignore_ascii_case(&written) && !name.is_called(&alias) {
                name.aliases.push(alias);
            }
        }
        if !name.is_called(&written) {
            name.aliases.push(written);
        }
        Some(name)
    }
}

/// "5 ML oral suspension" → ("5", "mL", "oral suspension").
fn leading_amount(part: &str) -> Option<(String, String, String)> {
    let mut words = part.split_whitespace();
    let (amount, unit) = (words.next()?, words.next()?);
    let denominator = is_number(amount) && ["ml", "l", "actuat", "hr", "dose"].contains(&unit.to_lowercase().as_str());
    denominator.then(|| (amount.to_owned(), spoken_unit(unit), words.collect::<Vec<_>>().join(" ")))
}

/// Parts of a name shorter than this are no ingredient of their own: "co-trimoxazole", "Depo-Provera".
const INGREDIENT: usize = 5;

/// "hydrocodone-acetaminophen" → "hydrocodone", "acetaminophen". No name at all comes to none.
fn combined(name: &[String]) -> Vec<Vec<String>> {
    let mut all: Vec<Vec<String>> = vec![Vec::new()];
    for word in name {
        let parts: Vec<&str> = word.split(['-', '/']).collect();
        let each = parts.iter().all(|p| p.len() >= INGREDIENT && p.chars().all(char::is_alphabetic));
        let parts = if each { parts } else { vec![word.as_str()] };
        for (n, part) in parts.into_iter().enumerate() {
            if n > 0 {
                all.push(Vec::new());
            }
            if let Some(last) = all.last_mut() {
                last.push(part.to_owned());
            }
        }
    }
    all.retain(|name| !name.is_empty());
    all
}

/// "Diazepam [Valium]" → ("Diazepam", "Valium"), and so "metoprolol succinate (TOPROL-XL) 25 mg".
fn split_brand(written: &str) -> (String, Option<String>) {
    for (open, close) in [('[', ']'), ('(', ')')] {
        let Some(from) = written.find(open) else { continue };
        let Some(to) = written[from..].find(close).map(|n| from + n) else { continue };
        let (before, after) = (written[..from].trim(), written[to + 1..].trim());
        let brand = written[from + 1..to].trim();
        // "(3 mL)" says how much, and a text that is all in brackets has its name there.
        let named = brand.chars().any(char::is_alphabetic) && !brand.starts_with(|c: char| c.is_ascii_digit());
        if before.is_empty() && after.is_empty() {
            return (brand.to_owned(), None);
        }
        return (format!("{before} {after}").trim().to_owned(), named.then(|| brand.to_owned()));
    }
    (written.to_owned(), None)
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
            let n = before_form(&words);
            return Self {
                name: words[..n].iter().map(|w| plain(w)).collect(),
                amount: None,
                rest: words[n..].join(" "),
            };
        };
        let amount = if taken == 2 { Some((words[n].to_owned(), words[n + 1].to_owned())) } else { glued(words[n]) };
        let named = before_form(&words[..n]);
        let rest = [&words[named..n], &words[n + taken..]].concat().join(" ");
        Self { name: words[..named].iter().map(|w| plain(w)).collect(), amount, rest }
    }
}

/// Words of the dose form that stand behind a name.
const FORMS: [&str; 44] = [
    "tablet",
    "tablets",
    "tab",
    "tabs",
    "capsule",
    "capsules",
    "cap",
    "caps",
    "solution",
    "suspension",
    "syrup",
    "cream",
    "ointment",
    "gel",
    "lotion",
    "patch",
    "spray",
    "drops",
    "inhaler",
    "injection",
    "pen",
    "oral",
    "topical",
    "nasal",
    "ophthalmic",
    "otic",
    "extended",
    "delayed",
    "release",
    "er",
    "xr",
    "xl",
    "sr",
    "cr",
    "dr",
    "la",
    "cd",
    "odt",
    "hfa",
    "chewable",
    "disintegrating",
    "hr",
    "hour",
    "injectable",
];

/// How many of the words are the name: those of the form behind it are not. At least one is.
fn before_form(words: &[&str]) -> usize {
    let of_form = |w: &&&str| {
        let w = w.trim_matches(|c: char| !c.is_alphanumeric()).to_lowercase();
        FORMS.contains(&w.as_str()) || w.is_empty() || w.chars().all(|c| c.is_ascii_digit())
    };
    let behind = words.iter().rev().take_while(of_form).count();
    if behind == words.len() { words.len() } else { words.len() - behind }
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
    let word = word.trim_matches([',', ';']);
    let mut chars = word.chars();
    let first_upper = chars.next().is_some_and(char::is_uppercase);
    // "HYDROcodone" is tall-man too.
    let second_lower = chars.clone().next().is_some_and(char::is_lowercase);
    let inner_upper = second_lower && chars.clone().any(char::is_uppercase);
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
        .filter(|w| {
            !["oral", "metered", "dose", "topical", "injectable", "per", "24hr", "24", "hr", "day", "21"].contains(w)
        })
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
        of if of.ends_with(" ml") => format!("{head}/{}", of.replace("ml", "mL")),
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
            ("doxycycline hyclate 100 MG Oral Capsule", "doxycycline", "100 mg capsule"),
            ("escitalopram oxalate 10 MG Oral Tablet", "escitalopram", "10 mg tablet"),
            ("olmesartan medoxomil 20 MG Oral Tablet", "olmesartan", "20 mg tablet"),
            ("candesartan cilexetil 16 MG Oral Tablet", "candesartan", "16 mg tablet"),
            ("dabigatran etexilate mesylate 150 MG Oral Capsule", "dabigatran", "150 mg capsule"),
            ("hydroxyzine pamoate 25 MG Oral Capsule", "hydroxyzine", "25 mg capsule"),
            ("metoprolol succinate (TOPROL-XL) 25 mg 24 hr tablet", "metoprolol", "25 mg tablet"),
            ("HYDROcodone-acetaminophen (NORCO) 5-325 mg tablet", "hydrocodone and acetaminophen", "5-325 mg tablet"),
            ("amoxicillin 250 MG / 5 ML oral suspension", "amoxicillin", "250 mg/5 mL suspension"),
            ("insulin glargine 100 UNT/ML", "insulin glargine", "100 units/mL"),
            ("metformin ER 500 mg tablet", "metformin", "500 mg er tablet"),
            ("insulin glargine (LANTUS SOLOSTAR) 100 unit/mL (3 mL) pen", "insulin glargine", "100 units/mL (3 ml) pen"),
            ("albuterol inhaler", "albuterol", "inhaler"),
            ("Ambien", "ambien", ""),
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
        for (written, alias) in [
            ("metoprolol succinate (TOPROL-XL) 25 mg 24 hr tablet", "TOPROL-XL"),
            ("HYDROcodone-acetaminophen (NORCO) 5-325 mg tablet", "NORCO"),
            ("HYDROcodone-acetaminophen (NORCO) 5-325 mg tablet", "acetaminophen"),
            ("insulin glargine 100 UNT/ML", "glargine"),
            ("Ambien 5 mg", "zolpidem"),
            ("Norco 5-325 mg", "acetaminophen and hydrocodone"),
        ] {
            let name = MedicineName::of(written).expect("named");
            assert!(name.aliases.iter().any(|a| a == alias), "{written}: {:?}", name.aliases);
            assert_eq!(name.aliases.last().map(String::as_str), Some(written));
        }
        let two = ["my sleeping pill".to_owned(), "zolpidem tartrate 5 MG Oral Tablet [Ambien]".to_owned()];
        let name = MedicineName::of_all(&two).expect("named");
        assert_eq!(name.spoken, "my sleeping pill");
        assert!(name.is_called("zolpidem") && name.is_called("ambien"));
        assert_eq!(MedicineName::of("  12 "), None);
        assert_eq!(MedicineName::of(""), None);
    }

    proptest::proptest! {
        #[test]
        fn any_text_has_a_name_with_letters_or_none(
            text in "(\\PC{0,40}|([a-z]{1,9}[-/ ]?|[0-9.]{1,4}|MG|ML|/ | |\\[|\\]|\\(|\\)|tablet|24 HR ){0,12})",
        ) {
            if let Some(name) = MedicineName::of(&text) {
                proptest::prop_assert!(name.spoken.chars().any(char::is_alphabetic), "{text:?}: {:?}", name.spoken);
            }
        }
    }
}
