//! Tables of what is said and what it means, for tests.

use super::words;

/// The value, as it is told, that takes all the words; `at` gives each candidate with the words it takes.
pub fn whole(said: &str, at: impl Fn(&[&str]) -> Vec<(String, usize)>) -> String {
    let normal = words::normal(said);
    let words: Vec<&str> = normal.split(' ').collect();
    let whole = at(&words).into_iter().find(|(_, used)| *used == words.len());
    whole.map_or_else(|| "nothing".to_owned(), |(told, _)| told)
}

/// Every row that is read as something else, told at once.
pub fn holds(table: &[(&str, &str)], read: impl Fn(&str) -> String) {
    let mut wrong = Vec::new();
    for (said, meant) in table {
        let got = read(said);
        if got != *meant {
            wrong.push(format!("{said}: wanted {meant}, got {got}"));
        }
    }
    assert!(wrong.is_empty(), "{} of {} wrong:\n{}", wrong.len(), table.len(), wrong.join("\n"));
}
