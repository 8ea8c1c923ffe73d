//! The phrases that the rules are measured on, each with what must come of it.

use super::kind::Kind;

/// The rules are written from these.
pub const KNOWN: &str = concat!(include_str!("phrases/known.tsv"), "\n", include_str!("phrases/known_quiet.tsv"));
/// Written by somebody who had not seen the rules, and tried on them once; empty where all have been learned from.
pub const HELD_OUT: &str = include_str!("phrases/held_out.tsv");

/// One phrase.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Phrase<'a> {
    /// What must come of it.
    pub expected: Expected,
    /// How it is said: `direct`, `indirect`, `minimised`, `embedded`, `misheard`, …
    pub phrasing: &'a str,
    /// In which language: `en`, `es`, …
    pub language: &'a str,
    /// As hearing wrote it.
    pub text: &'a str,
}

impl Phrase<'_> {
    /// Its letters alone, to tell whether two are the same.
    #[must_use]
    pub fn plain(&self) -> String {
        self.text.to_lowercase().replace(|c: char| !c.is_alphanumeric() && c != ' ', "")
    }
}

/// What must come of a phrase.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Expected {
    /// Nothing.
    Quiet,
    /// A cry of one of these kinds.
    Cry(Vec<Kind>),
    /// A question, or a cry, of one of these kinds.
    Unsure(Vec<Kind>),
}

impl Expected {
    /// Whether it is a cry, perhaps an unsure one.
    #[must_use]
    pub fn is_cry(&self) -> bool {
        !matches!(self, Self::Quiet)
    }

    /// The kinds it may be; none where it is no cry.
    #[must_use]
    pub fn kinds(&self) -> &[Kind] {
        match self {
            Self::Quiet => &[],
            Self::Cry(kinds) | Self::Unsure(kinds) => kinds,
        }
    }
}

/// Reads a table: what is expected (`chest_pain`, several with `|`, `unsure:pain`, `none`), phrasing, language, text,
/// between tabs. A line that is none of this is an error that tells its number.
///
/// # Errors
/// The number of the first line that cannot be read, from 1.
pub fn read(table: &str) -> Result<Vec<Phrase<'_>>, usize> {
    let lines = table.lines().enumerate().filter(|(_, l)| !l.trim().is_empty() && !l.starts_with('#'));
    let lines = lines.filter(|(_, l)| !l.starts_with("expected\t"));
    lines.map(|(n, line)| phrase(line).ok_or(n + 1)).collect()
}

fn phrase(line: &str) -> Option<Phrase<'_>> {
    let mut columns = line.splitn(4, '\t').map(str::trim);
    let (expected, phrasing, language, text) = (columns.next()?, columns.next()?, columns.next()?, columns.next()?);
    let kinds = |names: &str| names.split('|').map(kind).collect::<Option<Vec<Kind>>>();
    let expected = match expected.split_once(':') {
        None if matches!(expected, "none" | "-") => Expected::Quiet,
        None => Expected::Cry(kinds(expected)?),
        Some(("unsure", names)) => Expected::Unsure(kinds(names)?),
        Some(_) => return None,
    };
    (!text.is_empty()).then_some(Phrase { expected, phrasing, language, text })
}

/// A kind by its name, or by a word that people use for it.
fn kind(name: &str) -> Option<Kind> {
    let name = name.trim().to_lowercase().replace([' ', '-', '/'], "_");
    Kind::named(&name).or_else(|| {
        Some(match name.as_str() {
            "anaphylaxis" | "allergic" | "allergy" => Kind::AllergicReaction,
            "suicide" | "suicide_self_harm" | "suicide_and_self_harm" => Kind::Suicidal,
            "selfharm" => Kind::SelfHarm,
            "poisoning" | "overdose_poisoning" | "poison" => Kind::Overdose,
            "unconsciousness" | "unresponsive" => Kind::Unconscious,
            "obstetrics" | "pregnancy" | "maternal" => Kind::Obstetric,
            "diabetes" | "hypoglycemia" | "hypoglycaemia" => Kind::Diabetic,
            "child" | "child_danger" | "child_at_risk" => Kind::ChildInDanger,
            "falls" => Kind::Fall,
            "heart" | "heart_attack" | "chest" => Kind::ChestPain,
            "seizures" => Kind::Seizure,
            "violence" | "assault" => Kind::Abuse,
            "general" | "other" | "generic" => Kind::Help,
            _ => return None,
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_what_it_says_or_its_number() {
        let read_one = |line| read(line).map(|all| all.first().cloned());
        let cry = read_one("fall|pain\tdirect\ten\tI fell, it hurts").expect("reads").expect("a line");
        assert_eq!((cry.expected, cry.text), (Expected::Cry(vec![Kind::Fall, Kind::Pain]), "I fell, it hurts"));
        let doubt = read_one("unsure:anaphylaxis\tindirect\ten\titchy").expect("reads").expect("a line");
        assert_eq!(doubt.expected, Expected::Unsure(vec![Kind::AllergicReaction]));
        assert_eq!(read("# a note\n\nnone\tidiom\ten\tdying for tea").expect("reads").len(), 1);
        assert_eq!(read("\nfall\tdirect\ten\t"), Err(2));
        assert_eq!(read("nonsense\tdirect\ten\twords"), Err(1));
    }
}
