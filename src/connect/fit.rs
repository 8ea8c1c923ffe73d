//! Whether records elsewhere are the same person's. Pure.
//!
//! Never guesses: twins share a name and a day, and whoever married has another name; both are for a person to look into.

use crate::records::{Profile, alike::shares_a_word, fhir_bundle};

/// Whether it is the same person.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fit {
    /// Given name, family name and date of birth are the same.
    Same,
    /// One of them is another.
    Another,
    /// One of them is not known.
    CannotTell,
}

/// Whether a Patient, as JSON text, is the person whose chart this is.
pub fn fits(own: Option<&Profile>, patient: &str) -> Fit {
    let bundle =
        format!("{{\"resourceType\":\"Bundle\",\"type\":\"collection\",\"entry\":[{{\"resource\":{patient}}}]}}");
    let Ok(chart) = fhir_bundle::parse(bundle.as_bytes()) else { return Fit::CannotTell };
    own.map_or(Fit::CannotTell, |own| same(own, &chart.profile))
}

fn same(own: &Profile, theirs: &Profile) -> Fit {
    match (own.birth, theirs.birth) {
        (Some(one), Some(other)) if one == other => {}
        (Some(_), Some(_)) => return Fit::Another,
        _ => return Fit::CannotTell,
    }
    let given = std::iter::once(&own.given).chain(&own.called);
    let called: Vec<&String> = std::iter::once(&theirs.given).chain(&theirs.called).collect();
    let given = given.into_iter().any(|one| called.iter().any(|other| shares_a_word(one, other)));
    if given && shares_a_word(&own.family, &theirs.family) { Fit::Same } else { Fit::Another }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn rosa() -> Profile {
        Profile {
            given: "Rosa".into(),
            family: "Delgado".into(),
            birth: Some(jiff::civil::date(1958, 4, 12)),
            called: vec!["Rosie".into()],
        }
    }

    #[test]
    fn only_the_same_name_born_on_the_same_day_is_the_same_person() {
        let patient = |given: &str, family: &str, birth: &str| json!({ "resourceType": "Patient", "id": "p", "birthDate": birth, "name": [{ "family": family, "given": [given] }] });
        for (name, patient, want) in [
            ("the same", patient("Rosa", "Delgado", "1958-04-12"), Fit::Same),
            ("in capitals, with a mark", patient("RÓSA", "DELGADO", "1958-04-12"), Fit::Same),
            ("as she is called", patient("Rosie", "Delgado", "1958-04-12"), Fit::Same),
            ("a middle name", patient("Rosa Maria", "Delgado", "1958-04-12"), Fit::Same),
            ("a double name", patient("Rosa", "Delgado-Ruiz", "1958-04-12"), Fit::Same),
            ("a twin", patient("Elena", "Delgado", "1958-04-12"), Fit::Another),
            ("a daughter of the same name", patient("Rosa", "Delgado", "1988-04-12"), Fit::Another),
            ("another day", patient("Rosa", "Delgado", "1958-04-21"), Fit::Another),
            ("another family", patient("Rosa", "Okafor", "1958-04-12"), Fit::Another),
            ("an initial", patient("R", "Delgado", "1958-04-12"), Fit::Another),
            ("a year alone", patient("Rosa", "Delgado", "1958"), Fit::CannotTell),
            ("no name", json!({ "resourceType": "Patient", "id": "p", "birthDate": "1958-04-12" }), Fit::CannotTell),
            ("no patient", json!({ "resourceType": "Group" }), Fit::CannotTell),
        ] {
            assert_eq!(fits(Some(&rosa()), &patient.to_string()), want, "{name}");
        }
        let unborn = Profile { birth: None, ..rosa() };
        let patient = patient("Rosa", "Delgado", "1958-04-12");
        assert_eq!(fits(Some(&unborn), &patient.to_string()), Fit::CannotTell);
        assert_eq!(fits(None, &patient.to_string()), Fit::CannotTell);
    }
}
