//! What the classifier learns from: sentences drawn from the catalogue.

use super::find::Finder;
use crate::nlu::{
    Context,
    catalogue::{Catalogue, Piece, Sampler, SlotKind},
    classifier::Example,
    grammar::Expr,
    words::{self, Word},
};
use crate::policy::NameLists;

/// Most sentences drawn from one template.
const MOST: usize = 4;
/// What stands for a name that is known, so that all names are one feature.
pub(super) const MEDICINE: &str = "\u{1}medicine";
/// The same for people.
pub(super) const PROVIDER: &str = "\u{1}provider";
/// The same for days and times.
pub(super) const WHEN: &str = "\u{1}when";

/// Sentences of all intents, without their meaning.
pub(super) fn examples(catalogue: &Catalogue) -> Vec<Example> {
    let mut sampler = Sampler::new(catalogue, 7);
    // Written-out names and days are masked as they are when somebody says them; the moment does not matter.
    let (lists, zone) = (NameLists::default(), jiff::tz::TimeZone::UTC);
    let ctx = Context { channel: "", pending: None, lists: &lists, now: jiff::Timestamp::UNIX_EPOCH, zone: &zone };
    let masked = |said: Vec<String>| {
        let heard = said.into_iter().map(|text| Word { text, start: 0, end: 0 }).collect();
        Finder::new(catalogue, "", heard, &ctx).known_values_masked()
    };
    let mut examples = Vec::new();
    for (group, sentence) in catalogue.sentences.iter().enumerate() {
        let Some(def) = catalogue.intents().get(sentence.intent) else { continue };
        let expr = &sentence.pattern.expr;
        let mut drawn: Vec<Vec<String>> = Vec::new();
        for _ in 0..draws(variants(expr), !sentence.pattern.slots.is_empty()) {
            let mut pieces = Vec::new();
            sampler.pieces(expr, &mut pieces);
            let mut said = Vec::new();
            for piece in pieces {
                match piece {
                    Piece::Word(w) => said.push(w.to_owned()),
                    Piece::Slot(slot) => {
                        let used = sentence.pattern.slots.get(slot);
                        let kind = used.and_then(|u| def.slot(&u.name)).map_or(SlotKind::Text, |s| s.kind.clone());
                        value(&mut sampler, &kind, &mut said);
                    }
                }
            }
            let said = masked(said);
            if !drawn.contains(&said) {
                drawn.push(said);
            }
        }
        examples.extend(drawn.into_iter().map(|words| Example { words, meaning: None, class: sentence.intent, group }));
    }
    examples
}

/// Masked words as a sentence that the network can read.
pub(super) fn readable(words: &[String]) -> String {
    let plain = |word: &String| {
        match word.as_str() {
            MEDICINE => "medicine",
            PROVIDER => "doctor smith",
            WHEN => "monday",
            word => word,
        }
        .to_owned()
    };
    words.iter().map(plain).collect::<Vec<_>>().join(" ")
}

/// A name is mostly its mark, sometimes letters nobody has seen, as a recognizer writes them.
fn value(sampler: &mut Sampler<'_>, kind: &SlotKind, out: &mut Vec<String>) {
    let mark = match kind {
        SlotKind::Medicine => MEDICINE,
        SlotKind::Provider => PROVIDER,
        SlotKind::Date | SlotKind::Time => WHEN,
        _ => {
            out.extend(words::words(&sampler.value(kind)).into_iter().map(|w| w.text));
            return;
        }
    };
    if mark != WHEN && sampler.below(4) == 0 {
        const SYLLABLES: [&str; 12] =
            ["zo", "mira", "pex", "tol", "lan", "dri", "vask", "quen", "ril", "bo", "nat", "fen"];
        let name = (0..3).filter_map(|_| SYLLABLES.get(sampler.below(SYLLABLES.len())).copied()).collect::<String>();
        if mark == PROVIDER {
            out.push("doctor".to_owned());
        }
        out.push(name);
    } else {
        out.push(mark.to_owned());
    }
}

/// How many sentences an expression stands for.
fn variants(expr: &Expr) -> usize {
    match expr {
        Expr::Word(_) | Expr::Slot(_) => 1,
        Expr::Seq(parts) => parts.iter().map(variants).fold(1, usize::saturating_mul),
        Expr::Alt(branches) => branches.iter().map(variants).fold(0, usize::saturating_add),
    }
}

fn draws(variants: usize, has_slots: bool) -> usize {
    let least = if has_slots { 2 } else { 1 };
    variants.isqrt().clamp(least, MOST)
}
