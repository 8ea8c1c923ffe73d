//! Two numbers, one over the other, are a blood pressure, whatever stands around them: "still 188 over 114".
//!
//! Invariant: only where nothing else was understood, and the two can be one; it is read back like every reading.

use crate::nlu::{By, Interpretation, Slot, SlotValue, Slots, measure, words};

/// The intent that notes a value.
const LOG: &str = "reading.log";
/// Longest text that is looked at, in words; in a longer one the numbers may be about anything.
const LONGEST: usize = 16;
/// Of the upper and the lower number: what meters show.
const UPPER: std::ops::RangeInclusive<f64> = 40.0..=350.0;
const LOWER: std::ops::RangeInclusive<f64> = 20.0..=250.0;
/// What makes it something else than a value that is told.
const NOT_TOLD: [&str; 12] =
    ["not", "what", "why", "if", "is that", "should", "was it", "channel", "percent", "divided", "times", "remind"];

/// The reading that was told, where it is one.
pub(super) fn told(text: &str) -> Option<Interpretation> {
    let said = words::words(text);
    let plain: Vec<&str> = said.iter().map(|word| word.text.as_str()).collect();
    let whole = format!(" {} ", plain.join(" "));
    if plain.len() > LONGEST || NOT_TOLD.iter().any(|part| whole.contains(&format!(" {part} "))) {
        return None;
    }
    let pairs = (0..plain.len()).filter_map(|at| {
        let found = measure::at(plain.get(at..)?).into_iter().max_by_key(|(_, used)| *used)?;
        let over = found.0.over.filter(|over| LOWER.contains(over) && *over < found.0.measured)?;
        (UPPER.contains(&found.0.measured) && over > 0.0).then_some((at, found))
    });
    let (at, (measured, used)) = pairs.max_by_key(|(at, (_, used))| (*used, std::cmp::Reverse(*at)))?;
    let (first, last) = (said.get(at)?, said.get(at + used - 1)?);
    let spoken = text.get(first.start..last.end).unwrap_or_default();
    let slots = Slots::from([("value".to_owned(), Slot::new(spoken, SlotValue::Measured(measured), 1.0))]);
    Some(Interpretation { intent: LOG.to_owned(), slots, confidence: 1.0, alternatives: vec![], by: By::Sentence })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_numbers_are_a_blood_pressure_whatever_stands_around_them() {
        for (text, want) in [
            ("190 over 115", Some((190.0, 115.0))),
            ("still 188 over 114", Some((188.0, 114.0))),
            ("now it's 150 over 90", Some((150.0, 90.0))),
            ("it says one ninety over one fifteen", Some((190.0, 115.0))),
            ("70/40", Some((70.0, 40.0))),
            ("no, it's still one eighty eight over one fourteen", Some((188.0, 114.0))),
            ("it happened over 100 times", None),
            ("over 90", None),
            ("12/3", None),
            ("what is 150 over 90", None),
            ("80 over 120", None),
            ("seven", None),
            ("", None),
        ] {
            let got = told(text).and_then(|told| match told.slots.get("value")?.value {
                SlotValue::Measured(m) => Some((m.measured, m.over?)),
                _ => None,
            });
            assert_eq!(got, want, "{text}");
        }
    }
}
