//! Specialties and roles as people say them.

/// Words in a coded specialty, and what people call it. First hit wins.
const SAID: [(&str, &str); 30] = [
    ("cardio", "cardiology"),
    ("heart", "cardiology"),
    ("primary care", "primary care"),
    ("family", "family medicine"),
    ("general practice", "primary care"),
    ("general medical", "primary care"),
    ("internal medicine", "internal medicine"),
    ("pediatric", "pediatrics"),
    ("paediatric", "pediatrics"),
    ("dermato", "dermatology"),
    ("endocrin", "endocrinology"),
    ("gastro", "gastroenterology"),
    ("neurosurg", "neurosurgery"),
    ("neurolog", "neurology"),
    ("orthop", "orthopedics"),
    ("ophthal", "eye care"),
    ("optomet", "eye care"),
    ("psychiatr", "psychiatry"),
    ("psycholog", "psychology"),
    ("pulmon", "lung care"),
    ("respirat", "lung care"),
    ("nephro", "kidney care"),
    ("urolog", "urology"),
    ("oncolog", "oncology"),
    ("hematolog", "hematology"),
    ("rheumat", "rheumatology"),
    ("obstet", "women's health"),
    ("gynec", "women's health"),
    ("radiolog", "radiology"),
    ("physical thera", "physical therapy"),
];

/// "Cardiovascular Disease Physician" → "cardiology"; unknown ones in lower case.
#[must_use]
pub fn spoken(coded: &str) -> String {
    let lower = coded.trim().to_lowercase();
    SAID.iter().find(|(part, _)| lower.contains(part)).map_or(lower.clone(), |(_, said)| (*said).to_owned())
}

/// "Primary care provider" → "primary care"; a role that says nothing stays as it is, in lower case.
#[must_use]
pub fn role(coded: &str) -> String {
    let lower = coded.trim().to_lowercase();
    let bare = lower.trim_end_matches("(occupation)").trim_end_matches("(qualifier value)").trim();
    for tail in [" provider", " physician", " doctor", " practitioner"] {
        if let Some(head) = bare.strip_suffix(tail) {
            return head.to_owned();
        }
    }
    bare.to_owned()
}

/// Whether a spoken specialty and one on record mean the same.
#[must_use]
pub fn same(a: &str, b: &str) -> bool {
    let (a, b) = (spoken(a), spoken(b));
    let general = ["primary care", "family medicine", "internal medicine"];
    a == b || (general.contains(&a.as_str()) && general.contains(&b.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn coded_specialties_are_said_plainly() {
        assert_eq!(spoken("Cardiovascular Disease Physician"), "cardiology");
        assert_eq!(spoken("General Practice Physician"), "primary care");
        assert_eq!(spoken("Allergy"), "allergy");
        assert_eq!(role("Primary care provider"), "primary care");
        assert!(same("cardiologist", "cardiology") && same("primary care", "Family Medicine"));
        assert!(!same("cardiology", "neurology"));
    }
}
