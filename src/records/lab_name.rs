//! Tests and panels as people say them.

/// What a written test is called.
#[derive(Debug, PartialEq, Eq)]
pub struct TestName {
    /// "LDL cholesterol".
    pub spoken: String,
    /// Other names, the text as written among them.
    pub aliases: Vec<String>,
}

/// LOINC codes of common tests, what they are called, and what else people call them.
const KNOWN: [(&[&str], &str, &[&str]); 24] = [
    (&["2093-3"], "total cholesterol", &["cholesterol"]),
    (&["18262-6", "13457-7", "2089-1"], "LDL cholesterol", &["LDL", "bad cholesterol", "cholesterol"]),
    (&["2085-9"], "HDL cholesterol", &["HDL", "good cholesterol", "cholesterol"]),
    (&["2571-8"], "triglycerides", &["cholesterol", "fats"]),
    (&["4548-4", "17856-6"], "hemoglobin A1c", &["A1C", "HbA1c", "average blood sugar", "sugar", "diabetes test"]),
    (&["2345-7", "2339-0", "1558-6"], "glucose", &["blood sugar", "sugar"]),
    (&["2160-0", "38483-4"], "creatinine", &["kidney", "kidney function"]),
    (&["33914-3", "62238-1", "98979-8", "69405-9"], "estimated GFR", &["GFR", "eGFR", "kidney", "kidney function"]),
    (&["3094-0", "6299-2"], "urea nitrogen", &["BUN", "kidney"]),
    (&["2823-3", "6298-4"], "potassium", &[]),
    (&["2951-2", "2947-0"], "sodium", &["salt"]),
    (&["17861-6", "49765-1"], "calcium", &[]),
    (&["2075-0", "2069-3"], "chloride", &[]),
    (&["2028-9", "20565-8"], "carbon dioxide", &[]),
    (&["718-7"], "hemoglobin", &["blood count", "iron", "anemia"]),
    (&["4544-3", "20570-8"], "hematocrit", &["blood count"]),
    (&["6690-2"], "white blood cells", &["white count", "leukocytes", "blood count"]),
    (&["789-8"], "red blood cells", &["red count", "erythrocytes", "blood count"]),
    (&["777-3"], "platelets", &["blood count"]),
    (&["3016-3", "11579-0"], "TSH", &["thyroid"]),
    (&["1742-6"], "ALT", &["liver"]),
    (&["1920-8"], "AST", &["liver"]),
    (&["2857-1"], "PSA", &["prostate"]),
    (&["6301-6", "34714-6"], "INR", &["blood thinner", "clotting"]),
];

/// The name of a test by its LOINC code, or by its written name without what a laboratory adds.
#[must_use]
pub fn of(written: &str, loinc: Option<&str>) -> TestName {
    let known = loinc.and_then(|code| KNOWN.iter().find(|(codes, ..)| codes.contains(&code)));
    let (spoken, mut aliases) = match known {
        Some((_, spoken, others)) => ((*spoken).to_owned(), others.iter().map(|o| (*o).to_owned()).collect()),
        None => (cleaned(written), Vec::new()),
    };
    if !aliases.iter().any(|a: &String| a.eq_ignore_ascii_case(written)) && !spoken.eq_ignore_ascii_case(written) {
        aliases.push(written.to_owned());
    }
    TestName { spoken, aliases }
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
        assert_eq!(of("pH of Arterial blood", None).spoken, "pH");
        assert!(
            of("Ferritin [Mass/volume] in Serum", None).aliases.contains(&"Ferritin [Mass/volume] in Serum".into())
        );
    }

    #[test]
    fn panels_too() {
        assert_eq!(panel("Complete blood count (hemogram) panel - Blood by Automated count"), "complete blood count");
        assert_eq!(panel("Lipid panel with direct LDL - Serum or Plasma"), "lipid panel");
        assert_eq!(panel("Thyroid function tests"), "thyroid function tests");
    }
}
