//! What trade names stand for, by the FDA's list of approved products.

use std::{collections::BTreeMap, sync::LazyLock};

/// Should the file not read, no trade name is known: `the_table_reads` keeps that from happening.
static BRANDS: LazyLock<BTreeMap<String, String>> =
    LazyLock::new(|| toml::from_str(include_str!("brands.toml")).unwrap_or_default());

/// The ingredients of the first trade name in a text; none where it names no brand.
pub fn ingredients(name: &str) -> impl Iterator<Item = &'static str> {
    let mut words = name.split(|c: char| !c.is_alphanumeric());
    let found = words.find_map(|word| BRANDS.get(&word.to_lowercase()));
    found.into_iter().flat_map(|all| all.split("; "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_reads() {
        assert!(BRANDS.len() > 1000, "{}", BRANDS.len());
        assert_eq!(ingredients("Norco 5-325 mg tablet").collect::<Vec<_>>(), ["acetaminophen", "hydrocodone"]);
        assert_eq!(ingredients("AMBIEN").collect::<Vec<_>>(), ["zolpidem"]);
        assert_eq!(ingredients("lisinopril 10 mg").count(), 0);
    }
}
