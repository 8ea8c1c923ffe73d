//! Vaccines as people ask for them: "my tetanus shot" is a Tdap, and a combination counts for each thing it is against.

use std::sync::LazyLock;

use serde::Deserialize;

use super::history::{Immunization, Terminology};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    vaccine: Vec<Vaccine>,
}

/// One row of `vaccines.toml`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Vaccine {
    /// As the catalogue's list writes it.
    name: String,
    /// CVX codes of what holds it.
    cvx: Vec<String>,
    /// What its written names hold.
    words: Vec<String>,
}

/// Should the file not read, vaccines go by their words alone: `the_table_reads` keeps that from happening.
static KNOWN: LazyLock<Vec<Vaccine>> =
    LazyLock::new(|| toml::from_str::<File>(include_str!("vaccines.toml")).map(|f| f.vaccine).unwrap_or_default());

impl Vaccine {
    fn is(&self, given: &Immunization) -> bool {
        let coded = |c: &super::history::Code| c.system == Terminology::Cvx && self.cvx.contains(&padded(&c.code));
        given.codes.iter().any(coded) || (given.codes.is_empty() && self.words.iter().any(|w| holds(&given.vaccine, w)))
    }
}

/// Some exports leave out the zero of "08".
fn padded(code: &str) -> String {
    format!("{code:0>2}")
}

/// Whether all words of the one stand in the other, next to each other.
fn holds(text: &str, said: &str) -> bool {
    let split = |s: &str| -> Vec<String> {
        s.split(|c: char| !c.is_alphanumeric()).filter(|w| !w.is_empty()).map(str::to_lowercase).collect()
    };
    let (text, said) = (split(text), split(said));
    !said.is_empty() && text.windows(said.len()).any(|window| window == said)
}

/// Whether a vaccination is of what was asked for.
#[must_use]
pub fn is(given: &Immunization, said: &str) -> bool {
    let row = KNOWN.iter().find(|v| v.name.eq_ignore_ascii_case(said.trim()));
    row.map_or_else(|| holds(&given.vaccine, said), |row| row.is(given))
}

/// What a vaccination is called: "flu", or as it is written where it is against more than one thing or not known.
#[must_use]
pub fn spoken(given: &Immunization) -> String {
    let mut rows = KNOWN.iter().filter(|v| v.is(given));
    match (rows.next(), rows.next()) {
        (Some(only), None) if only.name != "tetanus" => only.name.clone(),
        _ => given.vaccine.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::records::history::Code;

    fn shot(name: &str, cvx: &str) -> Immunization {
        let codes = if cvx.is_empty() { vec![] } else { vec![Code { system: Terminology::Cvx, code: cvx.into() }] };
        Immunization {
            vaccine: name.into(),
            codes,
            given: jiff::civil::date(2026, 1, 2),
            source: None,
            origin: crate::records::Origin::default(),
        }
    }

    #[test]
    fn the_table_reads() {
        assert_eq!(KNOWN.len(), 19);
        for (n, row) in KNOWN.iter().enumerate() {
            assert!(!KNOWN[..n].iter().any(|before| before.name == row.name), "{} twice", row.name);
        }
    }

    #[test]
    fn by_code_and_else_by_words() {
        for (name, cvx, said, is_it) in [
            ("anything", "115", "tetanus", true),
            ("Tdap", "", "tetanus", true),
            ("Influenza, seasonal, injectable", "140", "flu", true),
            ("flu-like", "115", "flu", false),
            ("DTaP-Hep B-IPV", "110", "polio", true),
            ("DTaP-Hep B-IPV", "110", "hepatitis B", true),
            ("Hep B, adult", "43", "hepatitis A", false),
            ("Hep B", "8", "hepatitis B", true),
            ("zorbvax", "", "zorbvax", true),
            ("zorbvax", "999", "flu", false),
        ] {
            assert_eq!(is(&shot(name, cvx), said), is_it, "{name} {cvx} {said}");
        }
        assert_eq!(spoken(&shot("Influenza, seasonal", "140")), "flu");
        assert_eq!(spoken(&shot("Tdap", "115")), "Tdap");
        assert_eq!(spoken(&shot("DTaP-Hep B-IPV", "110")), "DTaP-Hep B-IPV");
    }
}
