//! Tests and panels as people say them.

/// What a written test is called.
#[derive(Debug, PartialEq, Eq)]
pub struct TestName {
    /// "LDL cholesterol".
    pub spoken: String,
    /// Other names, the text as written among them.
    pub aliases: Vec<String>,
}

/// LOINC codes of common tests, what they are called, and what else people call them. Each code was found beside
/// its name in records that Synthea writes, in examples of US Core or in code lists of public repositories (November 2026).
const KNOWN: [(&[&str], &str, &[&str]); 37] = [
    (&["2093-3"], "total cholesterol", &["cholesterol"]),
    (&["18262-6", "13457-7", "2089-1"], "LDL cholesterol", &["LDL", "bad cholesterol", "cholesterol"]),
    (&["2085-9"], "HDL cholesterol", &["HDL", "good cholesterol", "cholesterol"]),
    (&["2571-8"], "triglycerides", &["cholesterol", "fats"]),
    (
        &["4548-4", "17856-6"],
        "hemoglobin A1c",
        &["A1C", "HbA1c", "glycated hemoglobin", "average blood sugar", "sugar", "diabetes test"],
    ),
    (&["2345-7", "2339-0", "1558-6"], "glucose", &["blood sugar", "sugar"]),
    (&["2160-0", "38483-4"], "creatinine", &["kidney", "kidney function"]),
    (&["33914-3", "62238-1", "98979-8", "69405-9"], "estimated GFR", &["GFR", "eGFR", "kidney", "kidney function"]),
    (&["3094-0", "6299-2"], "urea nitrogen", &["BUN", "kidney"]),
    (&["2823-3", "6298-4"], "potassium", &[]),
    (&["2951-2", "2947-0"], "sodium", &["salt"]),
    (&["17861-6", "49765-1"], "calcium", &[]),
    (&["2075-0", "2069-3"], "chloride", &[]),
    (&["2028-9", "20565-8"], "carbon dioxide", &[]),
    (&["718-7"], "hemoglobin", &["Hgb", "blood count", "anemia"]),
    (&["4544-3", "20570-8"], "hematocrit", &["Hct", "blood count"]),
    (&["6690-2"], "white blood cells", &["WBC", "white count", "leukocytes", "blood count"]),
    (&["789-8"], "red blood cells", &["RBC", "red count", "erythrocytes", "blood count"]),
    (&["777-3"], "platelets", &["platelet count", "blood count"]),
    (&["3016-3", "11579-0"], "TSH", &["thyroid"]),
    (&["1742-6"], "ALT", &["liver", "liver function"]),
    (&["1920-8"], "AST", &["liver", "liver function"]),
    (&["2857-1"], "PSA", &["prostate"]),
    (&["6301-6", "34714-6"], "INR", &["blood thinner", "clotting"]),
    (&["1989-3", "62292-8"], "vitamin D", &["25-hydroxyvitamin D3", "25-hydroxyvitamin D", "calcidiol"]),
    (&["2132-9"], "vitamin B12", &["B12", "cobalamin"]),
    (&["2276-4"], "ferritin", &["iron", "iron stores"]),
    (&["2498-4"], "iron", &["serum iron"]),
    (&["30934-4"], "BNP", &["natriuretic peptide B", "heart failure test"]),
    (&["33762-6"], "NT-proBNP", &["BNP", "heart failure test"]),
    (&["3084-1"], "uric acid", &["urate", "gout test"]),
    (&["4537-7", "30341-2"], "sed rate", &["ESR", "erythrocyte sedimentation rate", "sedimentation rate"]),
    (&["1988-5"], "C-reactive protein", &["CRP"]),
    (&["11268-0"], "strep test", &["strep", "Streptococcus pyogenes", "throat culture"]),
    (&["630-4"], "urine culture", &["bacteria in the urine"]),
    (&["1751-7"], "albumin", &["liver function"]),
    (&["1975-2"], "bilirubin", &["total bilirubin", "liver", "liver function"]),
];

/// What a test is asked for as: the names it goes by on record, where those words name a known test.
#[must_use]
pub fn asked_for(said: &str) -> Vec<&'static str> {
    let said = plain(said);
    let named = |(_, spoken, others): &&(&[&str], &'static str, &[&str])| {
        plain(spoken) == said || others.iter().any(|other| plain(other) == said)
    };
    // The test of that very name before those that it is another name of.
    let own = KNOWN.iter().find(|(_, spoken, _)| plain(spoken) == said);
    match own {
        Some((_, spoken, _)) => vec![spoken],
        None => KNOWN.iter().filter(named).map(|(_, spoken, _)| *spoken).collect(),
    }
}

/// Words that name no test.
const FILLERS: [&str; 12] =
    ["my", "the", "test", "tests", "result", "results", "level", "levels", "lab", "labs", "count", "number"];

/// A name as it is compared: no signs, no capitals, no words that name nothing.
#[must_use]
pub fn plain(name: &str) -> String {
    let words = name.split(|c: char| !c.is_alphanumeric()).filter(|w| !w.is_empty()).map(str::to_lowercase);
    let all: Vec<String> = words.collect();
    let telling: Vec<&str> = all.iter().map(String::as_str).filter(|w| !FILLERS.contains(w)).collect();
    let blood = |words: Vec<&str>| match words.as_slice() {
        // "Blood glucose" is glucose; "blood count" and "blood type" are names.
        ["blood", one] if !matches!(*one, "type" | "culture" | "sugar") => (*one).to_owned(),
        words => words.join(" "),
    };
    if telling.is_empty() || telling == ["blood"] { all.join(" ") } else { blood(telling) }
}

/// The name of a test by its LOINC code, or by its written name without what a laboratory adds.
#[must_use]
pub fn of(written: &str, loinc: Option<&str>) -> TestName {
    let coded = loinc.and_then(|code| KNOWN.iter().find(|(codes, ..)| codes.contains(&code)));
    // Without a code that is known, a name that is: but never that of another specimen.
    let bare = cleaned(written);
    let elsewhere = other_specimen(written);
    let known = coded.or_else(|| {
        let named = KNOWN.iter().find(|(_, spoken, _)| spoken.eq_ignore_ascii_case(&bare));
        named.filter(|_| elsewhere.is_none())
    });
    let (spoken, mut aliases) = match known {
        Some((_, spoken, others)) => ((*spoken).to_owned(), others.iter().map(|o| (*o).to_owned()).collect()),
        None => match elsewhere.filter(|place| !bare.to_lowercase().contains(place)) {
            Some(place) => (format!("{place} {bare}"), Vec::new()),
            None => (bare, Vec::new()),
        },
    };
    if !aliases.iter().any(|a: &String| a.eq_ignore_ascii_case(written)) && !spoken.eq_ignore_ascii_case(written) {
        aliases.push(written.to_owned());
    }
    TestName { spoken, aliases }
}

/// What was tested, where it was not the blood: glucose of the urine is another test than glucose.
fn other_specimen(written: &str) -> Option<&'static str> {
    let written = written.to_lowercase();
    let places = [
        (" in urine", "urine"),
        ("urine ", "urine"),
        (" in stool", "stool"),
        (" in cerebral spinal fluid", "spinal fluid"),
        (" in body fluid", "body fluid"),
        (" in synovial fluid", "joint fluid"),
        (" in saliva", "saliva"),
    ];
    places.iter().find(|(part, _)| written.contains(part)).map(|(_, place)| *place)
}

/// "Complete blood count (hemogram) panel - Blood by Automated count" → "complete blood count".
#[must_use]
pub fn panel(written: &str) -> String {
    let text = cleaned(written);
    let lower = text.to_lowercase();
    if lower.contains("lipid") {
        return "lipid panel".to_owned();
    }
    for (part, said) in [("blood count", "complete blood count"), ("metabolic", "metabolic panel")] {
        if lower.contains(part) {
            return said.to_owned();
        }
    }
    lower
}

/// "Hemoglobin [Mass/volume] in Blood" → "hemoglobin".
fn cleaned(written: &str) -> String {
    let mut text = String::new();
    let mut depth = 0_u32;
    for c in written.chars() {
        match c {
            '[' | '(' => depth += 1,
            ']' | ')' => depth = depth.saturating_sub(1),
            c if depth == 0 => text.push(c),
            _ => {}
        }
    }
    let mut text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    for tail in [" in ", " by ", " - ", " --", "/Hemoglobin.total", " of "] {
        if let Some(at) = text.find(tail).filter(|at| *at > 0) {
            text.truncate(at);
        }
    }
    let said = text.split(' ').map(|w| {
        let rest_lower = w.chars().skip(1).all(|c| !c.is_uppercase());
        if w.len() > 1 && rest_lower { w.to_lowercase() } else { w.to_owned() }
    });
    let said = said.collect::<Vec<_>>().join(" ");
    if said.is_empty() { written.trim().to_owned() } else { said }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tests_are_said_the_way_people_say_them() {
        assert_eq!(of("Low Density Lipoprotein Cholesterol", Some("18262-6")).spoken, "LDL cholesterol");
        assert_eq!(of("Hemoglobin A1c/Hemoglobin.total in Blood", Some("4548-4")).spoken, "hemoglobin A1c");
        assert_eq!(of("MCV [Entitic volume] by Automated count", None).spoken, "MCV");
        assert_eq!(of("Ferritin [Mass/volume] in Serum or Plasma", None).spoken, "ferritin");
        assert_eq!(of("Glucose [Presence] in Urine by Test strip", Some("25428-4")).spoken, "urine glucose");
        assert_eq!(of("25-hydroxyvitamin D3 [Mass/volume] in Serum or Plasma", Some("1989-3")).spoken, "vitamin D");
        assert_eq!(of("Potassium", None).aliases, ["Potassium"; 0]);
        assert_eq!(of("pH of Arterial blood", None).spoken, "pH");
        assert!(
            of("Ferritin [Mass/volume] in Serum", None).aliases.contains(&"Ferritin [Mass/volume] in Serum".into())
        );
    }

    #[test]
    fn words_that_name_a_known_test_name_no_other() {
        for (said, names) in [
            ("hemoglobin", vec!["hemoglobin"]),
            ("A1C", vec!["hemoglobin A1c"]),
            ("creatinine", vec!["creatinine"]),
            ("blood glucose", vec!["glucose"]),
            ("vitamin D level", vec!["vitamin D"]),
            ("ferritin", vec!["ferritin"]),
            ("liver function", vec!["ALT", "AST", "albumin", "bilirubin"]),
            ("eGFR", vec!["estimated GFR"]),
            ("lithium", vec![]),
        ] {
            assert_eq!(asked_for(said), names, "{said}");
        }
    }

    #[test]
    fn panels_too() {
        assert_eq!(panel("Complete blood count (hemogram) panel - Blood by Automated count"), "complete blood count");
        assert_eq!(panel("Lipid panel with direct LDL - Serum or Plasma"), "lipid panel");
        assert_eq!(panel("Thyroid function tests"), "thyroid function tests");
    }
}
