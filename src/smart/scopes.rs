//! SMART scopes in plain words. A scope that has no words here is not asked for.

/// What can be read, by the kind of resource, and what people call it.
const KINDS: [(&str, &str); 16] = [
    ("Patient", "your name and date of birth"),
    ("MedicationRequest", "your prescriptions"),
    ("MedicationDispense", "what your pharmacy has filled"),
    ("Medication", "what your medicines are"),
    ("Appointment", "your appointments"),
    ("Encounter", "your past visits"),
    ("Observation", "your test results and measurements, such as blood pressure"),
    ("DiagnosticReport", "your test reports"),
    ("AllergyIntolerance", "your allergies"),
    ("Condition", "your health conditions"),
    ("Immunization", "your vaccinations"),
    ("Practitioner", "the names of those who treat you"),
    ("PractitionerRole", "what those who treat you do"),
    ("Organization", "the names of your clinics"),
    ("Location", "where your clinics are"),
    ("CareTeam", "who is on your care team"),
];

/// Everything there is.
const EVERYTHING: &str = "your whole record";
/// Being signed in for longer.
const LATER: &str = "to look for news later, until you disconnect";

/// A scope of one kind of resource that reads: `patient/Observation.rs`, or `.read` as the first version of SMART has it.
fn kind(scope: &str) -> Option<&str> {
    let (kind, what) = scope.strip_prefix("patient/")?.split_once('.')?;
    // A narrower scope of the second version: `patient/Observation.rs?category=…`.
    let what = what.split_once('?').map_or(what, |(what, _)| what);
    matches!(what, "rs" | "r" | "s" | "read").then_some(kind)
}

/// Whether people can be told what a scope means, and it changes nothing.
#[must_use]
pub fn known(scope: &str) -> bool {
    scope == "launch/patient" || words(scope).is_some()
}

/// What a scope lets be read, as people are told it; `None` where nothing needs telling, or it is not known.
#[must_use]
pub fn words(scope: &str) -> Option<&'static str> {
    if matches!(scope, "offline_access" | "online_access") {
        return Some(LATER);
    }
    match kind(scope)? {
        "*" => Some(EVERYTHING),
        kind => KINDS.iter().find(|(name, _)| *name == kind).map(|(_, words)| *words),
    }
}

/// What several scopes let be read, each once, in their order.
#[must_use]
pub fn told(scopes: &[String]) -> Vec<&'static str> {
    let mut told: Vec<&'static str> = Vec::new();
    for words in scopes.iter().filter_map(|scope| words(scope)) {
        if !told.contains(&words) {
            told.push(words);
        }
    }
    told
}

/// What was asked for and not granted.
#[must_use]
pub fn missing(asked: &[String], granted: &[String]) -> Vec<&'static str> {
    let (asked, granted) = (told(asked), told(granted));
    let all = granted.contains(&EVERYTHING);
    asked.into_iter().filter(|words| !granted.contains(words) && (!all || *words == LATER)).collect()
}

/// Whether resources of a kind may be read with these scopes.
#[must_use]
pub fn may_read(granted: &[String], resource: &str) -> bool {
    granted.iter().filter_map(|scope| kind(scope)).any(|kind| kind == resource || kind == "*")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(scopes: &[&str]) -> Vec<String> {
        scopes.iter().map(|s| (*s).to_owned()).collect()
    }

    #[test]
    fn every_scope_that_is_asked_for_has_words_and_none_changes_anything() {
        let text = "id = \"m\"\nname = \"M\"\nfhir = \"https://x\"\nclient_id = \"w\"";
        let config: crate::config::OrganizationConfig = toml::from_str(text).expect("TOML");
        assert!(config.scopes.iter().all(|scope| known(scope)), "{:?}", config.scopes);
        for (scope, want) in [
            ("patient/Observation.rs", true),
            ("patient/Observation.read", true),
            ("patient/Observation.rs?category=laboratory", true),
            ("patient/*.read", true),
            ("patient/Observation.cruds", false),
            ("patient/Observation.write", false),
            ("patient/Observation.*", false),
            ("patient/Binary.rs", false),
            ("user/Observation.rs", false),
            ("system/*.rs", false),
            ("openid", false),
            ("", false),
        ] {
            assert_eq!(known(scope), want, "{scope}");
        }
    }

    #[test]
    fn what_was_not_granted_is_told() {
        let asked = list(&["launch/patient", "patient/Patient.rs", "patient/Observation.rs", "offline_access"]);
        for (granted, want) in [
            (list(&["patient/Patient.rs", "patient/Observation.rs", "offline_access"]), vec![]),
            (list(&["patient/Patient.rs"]), vec!["your test results and measurements, such as blood pressure", LATER]),
            (list(&["patient/*.rs"]), vec![LATER]),
            (vec![], told(&asked)),
        ] {
            assert_eq!(missing(&asked, &granted), want, "{granted:?}");
        }
        assert!(may_read(&list(&["patient/*.read"]), "Condition"));
        assert!(may_read(&list(&["patient/Condition.rs"]), "Condition"));
        assert!(!may_read(&list(&["patient/Condition.rs", "launch/patient"]), "Observation"));
    }
}
