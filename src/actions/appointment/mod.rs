//! Visits: the next one, and booking one.

pub mod book;
pub mod next;
mod times;

use super::words;

/// Whether what somebody called a provider is this one: by full name, by surname, or by any of the words
/// without the title ("Patel", "doctor Patel", "Anita Patel").
fn is_provider(name: &str, said: &str) -> bool {
    let bare = |text: &str| -> Vec<String> {
        words(text)
            .into_iter()
            .filter(|w| !["dr", "doctor", "nurse", "prof", "professor"].contains(&w.as_str()))
            .collect()
    };
    let (name, said) = (bare(name), bare(said));
    !said.is_empty() && (name == said || said.iter().all(|w| name.contains(w)) && name.last() == said.last())
}

#[cfg(test)]
mod tests {
    use super::is_provider;

    #[test]
    fn providers_are_known_by_their_surname() {
        for (said, want) in [
            ("Dr. Anita Patel", true),
            ("doctor patel", true),
            ("Patel", true),
            ("Anita", false),
            ("Dr. Arun Patel", false),
            ("doctor", false),
            ("", false),
        ] {
            assert_eq!(is_provider("Dr. Anita Patel", said), want, "{said:?}");
        }
    }
}
