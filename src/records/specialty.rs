//! Specialties and roles as people say them.

/// How coded specialties begin their words, and what people call them; the first hit wins, so what is narrower stands first.
/// Every word of the left side must begin a word of the name, in this order. Names as the NUCC provider taxonomy and SNOMED CT
/// display them.
const SAID: [(&str, &str); 74] = [
    ("urgent care", "urgent care"),
    ("dent", "dentistry"),
    ("emergency", "emergency medicine"),
    ("pediatric cardio", "pediatric cardiology"),
    ("pediatric neuro", "pediatric neurology"),
    ("pediatric surg", "pediatric surgery"),
    ("child adolescent psychia", "child psychiatry"),
    ("neurosurg", "neurosurgery"),
    ("neurological surg", "neurosurgery"),
    ("thoracic", "chest surgery"),
    ("cardiothoracic", "chest surgery"),
    ("heart surg", "heart surgery"),
    ("cardiac surg", "heart surgery"),
    ("vascular surg", "vascular surgery"),
    ("plastic", "plastic surgery"),
    ("oral maxillofacial", "oral surgery"),
    ("oral surg", "oral surgery"),
    ("orthop", "orthopedics"),
    ("orthodon", "orthodontics"),
    ("physical thera", "physical therapy"),
    ("physiothera", "physical therapy"),
    ("occupational thera", "occupational therapy"),
    ("speech", "speech therapy"),
    ("physical medicine", "rehabilitation"),
    ("rehab", "rehabilitation"),
    ("sports med", "sports medicine"),
    ("sleep", "sleep medicine"),
    ("pain", "pain medicine"),
    ("palliative", "palliative care"),
    ("hospice", "palliative care"),
    ("geriatr", "geriatrics"),
    ("infectious", "infectious disease"),
    ("radiation onco", "radiation oncology"),
    ("cardio", "cardiology"),
    ("heart", "cardiology"),
    ("cardiac", "cardiology"),
    ("primary care", "primary care"),
    ("family", "family medicine"),
    ("general pract", "primary care"),
    ("general medic", "primary care"),
    ("pediatric", "pediatrics"),
    ("paediatric", "pediatrics"),
    ("dermat", "dermatology"),
    ("endocrin", "endocrinology"),
    ("diabet", "endocrinology"),
    ("gastro", "gastroenterology"),
    ("neurolog", "neurology"),
    ("ophthal", "eye care"),
    ("optom", "eye care"),
    ("eye", "eye care"),
    ("psychiatr", "psychiatry"),
    ("psycholog", "psychology"),
    ("mental health", "psychology"),
    ("pulmon", "lung care"),
    ("respirat", "lung care"),
    ("lung", "lung care"),
    ("nephro", "kidney care"),
    ("kidney", "kidney care"),
    ("urolog", "urology"),
    ("oncolog", "oncology"),
    ("hematolog", "hematology"),
    ("haematolog", "hematology"),
    ("rheumat", "rheumatology"),
    ("obstet", "women's health"),
    ("gyn", "women's health"),
    ("radiolog", "radiology"),
    ("allerg", "allergy"),
    ("otolaryng", "ear, nose and throat"),
    ("podiat", "podiatry"),
    ("chiropract", "chiropractic"),
    ("audiolog", "hearing"),
    ("diet", "nutrition"),
    ("nutrition", "nutrition"),
    ("internal med", "internal medicine"),
];

/// "Cardiovascular Disease Physician" → "cardiology"; unknown ones as they are, in lower case and without what each of them has
/// in common ("Surgery Physician" → "surgery").
#[must_use]
pub fn spoken(coded: &str) -> String {
    let lower = coded.trim().to_lowercase();
    let words: Vec<&str> = lower.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).collect();
    let fits = |parts: &str| {
        let mut words = words.iter();
        parts.split(' ').all(|part| words.any(|word| word.starts_with(part)))
    };
    SAID.iter().find(|(parts, _)| fits(parts)).map_or_else(|| role(&lower), |(_, said)| (*said).to_owned())
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
        for (coded, said) in [
            ("Allergy & Immunology Physician", "allergy"),
            ("Neurological Surgery Physician", "neurosurgery"),
            ("Neurology Physician", "neurology"),
            ("Pediatric Cardiology Physician", "pediatric cardiology"),
            ("Pediatrics Physician", "pediatrics"),
            ("Orthopaedic Surgery Physician", "orthopedics"),
            ("Otolaryngology Physician", "ear, nose and throat"),
            ("Obstetrics & Gynecology Physician", "women's health"),
            ("Endocrinology, Diabetes & Metabolism Physician", "endocrinology"),
            ("Hematology & Oncology Physician", "oncology"),
            ("General Practice Dentistry", "dentistry"),
            ("Dentist", "dentistry"),
            ("Podiatrist", "podiatry"),
            ("Surgery Physician", "surgery"),
            ("Student in an Organized Health Care Program", "student in an organized health care program"),
            ("Urgent care", "urgent care"),
            ("Residential dental care", "dentistry"),
            ("Accidental", "accidental"),
        ] {
            assert_eq!(spoken(coded), said, "{coded}");
        }
        // What the catalogue's list of specialties writes meets what records write.
        for (said, coded) in [
            ("dentistry", "Dentist"),
            ("otolaryngology", "Otolaryngology Physician"),
            ("podiatry", "Podiatrist"),
            ("nutrition", "Registered Dietitian"),
            ("gynecology", "Gynecology Physician"),
            ("surgery", "Surgery Physician"),
            ("pulmonology", "Pulmonary Disease Physician"),
            ("nephrology", "Nephrology Physician"),
        ] {
            assert!(same(said, coded), "{said}: {coded}");
        }
        assert_eq!(role("Primary care provider"), "primary care");
        assert!(same("cardiologist", "cardiology") && same("primary care", "Family Medicine"));
        assert!(!same("cardiology", "neurology"));
    }
}
