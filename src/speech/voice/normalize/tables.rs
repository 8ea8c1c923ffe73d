//! What short forms stand for.

pub(super) fn vulgar_fraction(text: &str) -> Option<&'static str> {
    Some(match text {
        "½" => "one half",
        "¼" => "one quarter",
        "¾" => "three quarters",
        "⅓" => "one third",
        "⅔" => "two thirds",
        "⅛" => "one eighth",
        "²" => "squared",
        "³" => "cubed",
        _ => return None,
    })
}

pub(super) fn is_month(lower: &str) -> bool {
    MONTHS.iter().any(|(name, _)| name.eq_ignore_ascii_case(lower))
}

/// Days and months are written with a capital inside a sentence too.
pub(super) fn is_calendar_word(text: &str) -> bool {
    const DAYS: [&str; 7] = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];
    DAYS.contains(&text) || is_month(&text.to_lowercase())
}

pub(super) const MONTHS: [(&str, &[&str]); 12] = [
    ("January", &["Jan"]),
    ("February", &["Feb"]),
    ("March", &["Mar"]),
    ("April", &["Apr"]),
    ("May", &[]),
    ("June", &["Jun"]),
    ("July", &["Jul"]),
    ("August", &["Aug"]),
    ("September", &["Sep", "Sept"]),
    ("October", &["Oct"]),
    ("November", &["Nov"]),
    ("December", &["Dec"]),
];

/// Short form, how it is said, and whether only a following point makes it short ("Sun." but "the sun").
pub(super) const ABBREVIATIONS: &[(&str, &str, bool)] = &[
    ("Mr", "Mister", false),
    ("Mrs", "Missus", false),
    ("Ms", "Miz", false),
    ("Prof", "Professor", true),
    ("Jr", "Junior", false),
    ("Sr", "Senior", false),
    ("Mon", "Monday", true),
    ("Tue", "Tuesday", true),
    ("Tues", "Tuesday", true),
    ("Wed", "Wednesday", true),
    ("Thu", "Thursday", true),
    ("Thur", "Thursday", true),
    ("Thurs", "Thursday", true),
    ("Fri", "Friday", true),
    ("Sat", "Saturday", true),
    ("Sun", "Sunday", true),
    ("Ave", "Avenue", true),
    ("Blvd", "Boulevard", true),
    ("Rd", "Road", true),
    ("Apt", "apartment", true),
    ("Ext", "extension", true),
    ("ext", "extension", true),
    ("No", "number", true),
    ("appt", "appointment", false),
    ("approx", "approximately", true),
    ("dept", "department", true),
    ("Dept", "Department", true),
    ("etc", "et cetera", false),
    ("vs", "versus", false),
    ("tab", "tablet", true),
    ("tabs", "tablets", true),
    ("Rx", "prescription", false),
    ("OTC", "over the counter", false),
    ("COVID", "Covid", false),
];

/// Titles that only ever stand before a name, so their point never ends a sentence there.
pub(super) const TITLES: &[&str] = &["Dr", "Mr", "Mrs", "Ms", "Prof", "St"];

/// Units, only after a number. One with an empty name counts only with what follows it: `IU/L`.
pub(super) const UNITS: &[(&[&str], (&str, &str))] = &[
    (&["mg", "Mg", "MG"], ("milligram", "milligrams")),
    (&["mcg", "µg", "μg", "ug"], ("microgram", "micrograms")),
    (&["g", "gm"], ("gram", "grams")),
    (&["kg"], ("kilogram", "kilograms")),
    (&["ng"], ("nanogram", "nanograms")),
    (&["pg"], ("picogram", "picograms")),
    (&["mL", "ml", "ML", "cc"], ("milliliter", "milliliters")),
    (&["dL", "dl"], ("deciliter", "deciliters")),
    (&["µL", "μL", "uL"], ("microliter", "microliters")),
    (&["fL"], ("femtoliter", "femtoliters")),
    (&["L", "l"], ("liter", "liters")),
    (&["mmol"], ("millimole", "millimoles")),
    (&["µmol", "μmol", "umol"], ("micromole", "micromoles")),
    (&["mEq"], ("milliequivalent", "milliequivalents")),
    (&["mIU"], ("milli international unit", "milli international units")),
    (&["µIU", "uIU", "μIU"], ("micro international unit", "micro international units")),
    (&["IU"], ("international unit", "international units")),
    (&["U"], ("unit", "units")),
    (&["K"], ("thousand", "thousand")),
    (&["mmHg"], ("millimeter of mercury", "millimeters of mercury")),
    (&["bpm"], ("beat per minute", "beats per minute")),
    (&["mm"], ("millimeter", "millimeters")),
    (&["cm"], ("centimeter", "centimeters")),
    (&["km"], ("kilometer", "kilometers")),
    (&["m2", "m²"], ("square meter", "square meters")),
    (&["ft"], ("foot", "feet")),
    (&["lb", "lbs"], ("pound", "pounds")),
    (&["oz"], ("ounce", "ounces")),
    (&["tsp"], ("teaspoon", "teaspoons")),
    (&["tbsp"], ("tablespoon", "tablespoons")),
    (&["hr", "hrs"], ("hour", "hours")),
    (&["min", "mins"], ("minute", "minutes")),
    (&["sec", "secs"], ("second", "seconds")),
    (&["yr", "yrs"], ("year", "years")),
    (&["x"], ("time", "times")),
    (&["h"], ("hour", "hours")),
];

/// Abbreviations with a vowel that are spelled all the same.
pub(super) const SPELLED: &[&str] = &[
    "AED", "AM", "BMI", "CEO", "COPD", "CPAP", "DOB", "ECG", "EEG", "EHR", "EKG", "EMR", "EMT", "ENT", "EP", "ER",
    "FDA", "GI", "GP", "HIV", "ICD", "ICU", "ID", "INR", "IU", "IV", "LPN", "MRI", "NP", "OB", "OK", "OT", "PCA", "PM",
    "PSA", "RN", "TIA", "UA", "URL", "USA", "UTI", "ALT", "AST", "BUN", "CEA", "ESR", "IBS", "NSAID", "ADHD", "HPV",
    "UV", "AI", "API", "EGFR", "ACL",
];
