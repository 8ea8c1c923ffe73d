//! How many words a transcript gets wrong.

/// Words without case, punctuation and hyphens, so that spelling conventions do not count as errors.
pub(super) fn plain(text: &str) -> Vec<String> {
    let text: String = text.to_lowercase().chars().filter(|c| *c != '\'' && *c != '’').collect();
    text.split(|c: char| !c.is_alphanumeric()).filter(|w| !w.is_empty()).map(str::to_owned).collect()
}

/// Words to insert, delete or replace to turn one text into the other.
pub(super) fn errors(said: &[String], heard: &[String]) -> usize {
    let mut row: Vec<usize> = (0..=heard.len()).collect();
    for (i, word) in said.iter().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, other) in heard.iter().enumerate() {
            let replaced = diagonal + usize::from(word != other);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[heard.len()]
}

/// Whether `words` occur in `heard`, next to each other and in order.
pub(super) fn contains(heard: &[String], words: &[String]) -> bool {
    words.is_empty() || heard.windows(words.len()).any(|w| w == words)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn edits_are_counted() {
        for (said, heard, n) in [
            ("Is it ready?", "is it ready", 0),
            ("I'm almost out", "Im, almost-out!", 0),
            ("one two three", "one three", 1),
            ("one two", "one and two", 1),
            ("one two", "won too", 2),
            ("", "one", 1),
            ("one two", "", 2),
        ] {
            assert_eq!(errors(&plain(said), &plain(heard)), n, "{said} / {heard}");
        }
        assert!(contains(&plain("a light-roast mocha"), &plain("light roast")));
        assert!(!contains(&plain("a roast light mocha"), &plain("light roast")));
    }
}
