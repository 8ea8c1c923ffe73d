//! What a visit is for, where people call it by that: "my MRI", "the colonoscopy".

use super::Visit;

/// Kinds as the catalogue's list `visit_kinds` writes them, and the words by which records tell of one; a star stands for any
/// ending. Deliberately absent: what nearly every visit is (a check-up, a follow-up).
const KINDS: [(&str, &[&str]); 30] = [
    ("MRI", &["mri", "magnetic resonance"]),
    ("CT scan", &["ct", "cat scan", "computed tomogra*"]),
    ("PET scan", &["pet", "positron*"]),
    ("x-ray", &["x ray*", "xray*", "xr", "radiograph*"]),
    ("ultrasound", &["ultrasound*", "ultrasonogra*", "sonogra*"]),
    ("scan", &["scan*", "mri", "magnetic resonance", "ct", "computed tomogra*", "pet", "ultrasound*", "imaging"]),
    ("mammogram", &["mammogra*"]),
    ("bone density test", &["bone density", "dexa", "dxa", "densitometry"]),
    ("colonoscopy", &["colonoscop*"]),
    ("endoscopy", &["endoscop*", "gastroscop*", "egd"]),
    ("biopsy", &["biops*"]),
    ("surgery", &["surger*", "surgical*", "operation*"]),
    (
        "blood test",
        &["blood test*", "blood work", "bloodwork", "blood draw", "lab", "labs", "laborator*", "phlebotom*"],
    ),
    ("stress test", &["stress test*", "treadmill*", "stress ecg", "stress echo*"]),
    ("EKG", &["ekg", "ecg", "electrocardiogra*"]),
    ("echocardiogram", &["echocardiogra*", "echo"]),
    ("sleep study", &["sleep study", "polysomnogra*"]),
    ("hearing test", &["hearing*", "audiolog*", "audiometr*"]),
    ("eye exam", &["eye*", "ophthalm*", "optomet*", "retina*", "vision"]),
    ("dental cleaning", &["dental*", "teeth*", "dentist*"]),
    ("dialysis", &["dialys*", "hemodialys*"]),
    ("infusion", &["infusion*"]),
    ("chemotherapy", &["chemo*"]),
    ("radiation", &["radiation*", "radiotherap*"]),
    ("physical therapy", &["physical therap*", "physiotherap*"]),
    ("occupational therapy", &["occupational therap*"]),
    ("speech therapy", &["speech*"]),
    ("pap smear", &["pap", "cervical*"]),
    ("urgent care", &["urgent care", "walk in"]),
    ("pacemaker check", &["pacemaker*"]),
];

/// Longest reason that is told in the place of a name, in characters.
const LONGEST: usize = 60;

/// Whether a visit is for that, by its reason, its specialty or whom it is with. A kind that is of no list is looked for word
/// for word.
#[must_use]
pub fn is_for(visit: &Visit, kind: &str) -> bool {
    let known = KINDS.iter().find(|(name, _)| name.eq_ignore_ascii_case(kind)).map(|(_, told)| *told);
    let told = [&visit.reason, &visit.specialty, &visit.provider];
    told.into_iter().flatten().any(|text| {
        let lower = text.to_lowercase();
        let text: Vec<&str> = lower.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).collect();
        match known {
            Some(phrases) => phrases.iter().any(|phrase| holds(&text, phrase)),
            None => holds(&text, kind),
        }
    })
}

fn holds(text: &[&str], phrase: &str) -> bool {
    let parts: Vec<String> = phrase.split_whitespace().map(str::to_lowercase).collect();
    let fits = |word: &str, part: &String| match part.strip_suffix('*') {
        Some(beginning) => word.starts_with(beginning),
        None => word == part,
    };
    !parts.is_empty()
        && text.windows(parts.len()).any(|window| window.iter().zip(&parts).all(|(word, part)| fits(word, part)))
}

/// What a visit without a clinician is told by: "MRI of left knee". `None` where somebody is named, or the reason is long.
#[must_use]
pub fn what(visit: &Visit) -> Option<String> {
    let reason = visit.reason.as_deref().filter(|_| visit.provider.is_none())?.trim();
    // As SNOMED CT ends its full names: "Colonoscopy (procedure)".
    let plain =
        reason.strip_suffix(')').and_then(|text| text.rsplit_once(" (")).map_or(reason, |(head, _)| head.trim());
    if plain.is_empty() || plain.chars().count() > LONGEST {
        return None;
    }
    let mut letters = plain.chars();
    let (first, second) = (letters.next()?, letters.next());
    let spelled = second.is_none_or(|letter| !letter.is_lowercase());
    Some(if spelled { plain.to_owned() } else { first.to_lowercase().chain(plain.chars().skip(1)).collect() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn visit(reason: &str, provider: Option<&str>) -> Visit {
        Visit { reason: Some(reason.into()), provider: provider.map(str::to_owned), ..Visit::default() }
    }

    #[test]
    fn a_visit_is_told_by_what_it_is_for() {
        for (reason, kind, want) in [
            ("MRI of left knee", "MRI", true),
            ("MRI of left knee", "scan", true),
            ("MRI of left knee", "CT scan", false),
            ("Screening colonoscopy (procedure)", "colonoscopy", true),
            ("Octopus", "CT scan", false),
            ("XR chest 2 views", "x-ray", true),
            ("Laboratory visit", "blood test", true),
            ("Collaboration", "blood test", false),
            ("Hip replacement surgery", "surgery", true),
            ("Allergy shots", "allergy shots", true),
            ("Check-up", "", false),
        ] {
            assert_eq!(is_for(&visit(reason, None), kind), want, "{reason}: {kind}");
        }
        let urgent = Visit { specialty: Some("urgent care".into()), ..Visit::default() };
        assert!(is_for(&urgent, "urgent care") && !is_for(&urgent, "MRI"));
        for (reason, provider, want) in [
            ("MRI of left knee", None, Some("MRI of left knee")),
            ("Colonoscopy (procedure)", None, Some("colonoscopy")),
            ("Colonoscopy", Some("Dr. Anita Patel"), None),
            ("  ", None, None),
            (&"word ".repeat(20), None, None),
        ] {
            assert_eq!(what(&visit(reason, provider)).as_deref(), want, "{reason}");
        }
    }

    /// The catalogue's list and this table name the same.
    #[test]
    fn what_can_be_said_is_known_here() {
        let list = include_str!("../../intents/lists/visit_kinds.yaml");
        let said: Vec<&str> = list
            .lines()
            .filter_map(|line| line.strip_prefix("  "))
            .filter_map(|line| line.split_once(':').map(|(name, _)| name))
            .collect();
        let known: Vec<&str> = KINDS.iter().map(|(name, _)| *name).collect();
        assert_eq!(said, known);
    }
}
