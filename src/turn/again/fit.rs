//! Which of the names that may have been said was said, by how well each text with one fits the sound.
//!
//! Invariant: where none of the person's own fits better than that none was said, none is taken. What is too improbable to
//! change the outcome need not be weighed, and missing it changes nothing.

use std::collections::BTreeMap;

use crate::{
    asr::weigh::Weighed,
    nlu::{Retold, Whose},
};

/// What speaks for a name: how probable the text with it is beside what was heard, in natural logarithms, its letters (a long
/// name costs more tokens, each of them rare), how like it the words sound that it stands for, and that it is the person's own;
/// and what speaks for none of them. Multinomial logistic regression over voices, noise and medicines that no figure is
/// reported on.
const PROBABLE: f32 = 0.152;
const LETTER: f32 = 0.452;
const LIKENESS: f32 = 12.05;
const OWN: f32 = 1.58;
const NONE_OF_THEM: f32 = 9.17;

/// A sentence of the grammar stands for words that are none if it is no less probable by more than this.
const UNDERSTOOD: f32 = 12.0;

/// A name with less than this share of all that may have been said is asked about.
const CLEAR: f32 = 0.7;

/// Another of the person's own names with more than this share is asked about beside it.
const APART: f32 = 0.15;

/// What is by so much worse than the best, as the names are compared, has no part worth mentioning in the outcome: 2 in 100 of its.
const HOPELESS: f32 = 4.0;

/// How sure a name is that is clear, and one that is not.
const HEARD: f32 = 0.9;
pub(super) const DOUBTFUL: f32 = 0.55;

/// What the second listen comes to.
#[derive(Debug, PartialEq)]
pub(super) enum Fit {
    /// One of the person's own names, in this text, or in this sentence of the grammar if the text is none; another name that fits
    /// nearly as well.
    Own { text: String, carried: Option<String>, name: String, or: Option<String>, sure: f32 },
    /// A name that is not the person's, in this text.
    Another(String),
    /// None of the names: what was heard is something else.
    None,
    /// Nothing was weighed.
    Unknown,
}

/// The natural logarithm of the probability of that which was heard, without names in place of any words. `text` is what
/// the last listen heard.
pub(super) fn plain(text: &str, weighed: &[Weighed], retold: &[Retold]) -> f32 {
    let plain = weighed.iter().filter(|w| w.text == text || retold.iter().all(|r| r.text != w.text));
    plain.map(|w| w.log_probability).fold(f32::NEG_INFINITY, f32::max)
}

/// What speaks for a name in this text, were it as probable as what was heard.
pub(super) fn at_most(told: &Retold, retold: &[Retold]) -> f32 {
    // The name of it that counts in the end may be another, longer one.
    let longest = retold.iter().filter(|r| r.whose == told.whose).map(letters).fold(0.0, f32::max);
    LIKENESS * told.likeness + LETTER * longest + own(told)
}

/// The least probable that this text may be to matter beside those that were weighed, as a natural logarithm.
pub(super) fn floor(told: &Retold, text: &str, weighed: &[Weighed], retold: &[Retold]) -> f32 {
    let heard = plain(text, weighed, retold);
    let best = ranked(heard, weighed, retold).first().map_or(NONE_OF_THEM, |(value, _)| value.max(NONE_OF_THEM));
    heard + (best - HOPELESS - at_most(told, retold)) / PROBABLE
}

/// The least probable that a sentence of the grammar may be to stand for the words, where this name was said, as a natural
/// logarithm.
pub(super) fn least(said: &str, weighed: &[Weighed]) -> f32 {
    probable(said, weighed).unwrap_or(f32::NEG_INFINITY) - UNDERSTOOD
}

fn probable(text: &str, weighed: &[Weighed]) -> Option<f32> {
    weighed.iter().filter(|w| w.text == text).map(|w| w.log_probability).find(|p| p.is_finite())
}

fn letters(told: &Retold) -> f32 {
    told.name.chars().filter(|c| c.is_alphanumeric()).count() as f32
}

fn own(told: &Retold) -> f32 {
    if told.own() { OWN } else { 0.0 }
}

/// Each medicine, or person, by the name and in the text that fits best, the best first, and what speaks for it.
fn ranked<'r>(heard: f32, weighed: &[Weighed], retold: &'r [Retold]) -> Vec<(f32, &'r Retold)> {
    // Of two names of one the longer is not the likelier.
    let mut best: BTreeMap<Whose, (f32, f32, &Retold)> = BTreeMap::new();
    for r in retold.iter().filter(|r| !r.carried) {
        let Some(p) = probable(&r.text, weighed) else { continue };
        let fits = PROBABLE * (p - heard) + LIKENESS * r.likeness;
        let value = fits + LETTER * letters(r) + own(r);
        let entry = best.entry(r.whose).or_insert((fits, value, r));
        if fits > entry.0 {
            *entry = (fits, value, r);
        }
    }
    let best = best.into_values().map(|(_, value, r)| (value, r));
    let mut best: Vec<(f32, &Retold)> = best.collect();
    best.sort_by(|a, b| b.0.total_cmp(&a.0));
    best
}

/// Weighs the names against one another and against what was heard, of which `text` came last.
pub(super) fn fit(text: &str, weighed: &[Weighed], retold: &[Retold]) -> Fit {
    let heard = plain(text, weighed, retold);
    let told = weighed.iter().any(|w| w.log_probability.is_finite());
    if !told || (!heard.is_finite() && !retold.is_empty()) {
        return Fit::Unknown;
    }
    let best = ranked(heard, weighed, retold);
    let Some(&(value, first)) = best.first().filter(|(value, _)| *value > NONE_OF_THEM) else { return Fit::None };
    if !first.own() {
        return Fit::Another(first.text.clone());
    }
    let all: f32 = best.iter().map(|(v, _)| (v - value).exp()).sum::<f32>() + (NONE_OF_THEM - value).exp();
    let share = |v: f32| (v - value).exp() / all;
    let second = best.iter().skip(1).find(|(v, r)| r.own() && share(*v) > APART);
    // The sentence around it where the words that were heard are none.
    let least = least(&first.text, weighed);
    let sentences = retold.iter().filter(|r| r.carried && r.whose == first.whose);
    let fitting = sentences.filter_map(|r| Some((probable(&r.text, weighed).filter(|p| *p > least)?, r)));
    let carried = fitting.max_by(|a, b| a.0.total_cmp(&b.0)).map(|(_, r)| r.text.clone());
    Fit::Own {
        text: first.text.clone(),
        carried,
        name: first.name.clone(),
        or: second.map(|(_, r)| r.name.clone()),
        sure: if share(value) >= CLEAR { HEARD } else { DOUBTFUL },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn retold(name: &str, whose: Whose, likeness: f32) -> Retold {
        Retold { text: format!("refill my {name}"), name: name.to_owned(), whose, likeness, carried: false }
    }

    /// What comes of these texts, of which the first was heard.
    fn weighed(texts: &[(&str, f32)], retold: &[Retold]) -> Fit {
        let of = |(t, p): &(&str, f32)| Weighed { text: format!("refill my {t}"), log_probability: *p };
        let weighed: Vec<Weighed> = texts.iter().map(of).collect();
        fit(&weighed[0].text, &weighed, retold)
    }

    #[test]
    fn a_name_must_win_against_the_others_and_against_what_was_heard() {
        let retold = [
            retold("lisinopril", Whose::Own(0), 0.8),
            retold("quinapril", Whose::Own(1), 0.6),
            retold("enalapril", Whose::Nobodys(0), 0.9),
        ];
        let own = |or: Option<&str>, sure| Fit::Own {
            text: "refill my lisinopril".into(),
            carried: None,
            name: "lisinopril".into(),
            or: or.map(str::to_owned),
            sure,
        };
        let case = |heard, lisinopril, quinapril, enalapril| {
            let texts = [
                ("live on a pill", heard),
                ("lisinopril", lisinopril),
                ("quinapril", quinapril),
                ("enalapril", enalapril),
            ];
            weighed(&texts, &retold)
        };
        assert_eq!(case(-5.0, -12.0, -40.0, -40.0), own(None, HEARD));
        // Two of the person's own that are close, a poor fit, and none.
        assert_eq!(case(-5.0, -20.0, -6.0, -40.0), own(Some("quinapril"), DOUBTFUL));
        assert_eq!(case(-5.0, -45.0, -60.0, -60.0), own(None, DOUBTFUL));
        assert_eq!(case(-5.0, -55.0, -60.0, -60.0), Fit::None);
        // Somebody else's fits better: it is not snapped to one of the list.
        assert_eq!(case(-5.0, -25.0, -40.0, -6.0), Fit::Another("refill my enalapril".into()));
        assert_eq!(case(-5.0, -60.0, -60.0, -45.0), Fit::None);
        // A sentence of the grammar that may stand for the words, if they are none.
        let carried = Retold { text: "refill my lisinopril please".into(), carried: true, ..retold[0].clone() };
        let all = |sentence: f32| {
            let texts = [("live on a pill", -5.0), ("lisinopril", -12.0), ("lisinopril please", sentence)];
            match weighed(&texts, &[retold[0].clone(), carried.clone()]) {
                Fit::Own { carried, .. } => carried,
                other => panic!("{other:?}"),
            }
        };
        assert_eq!(all(-20.0).as_deref(), Some("refill my lisinopril please"));
        assert_eq!(all(-30.0), None);
        // Two names of one medicine are no two medicines, and the longer is not the one that was said.
        let salt = Retold {
            name: "lisinopril dihydrate".into(),
            text: "refill my lisinopril dihydrate".into(),
            ..retold[0].clone()
        };
        let texts = [("lisinopril", -3.0), ("lisinopril dihydrate", -10.0)];
        let exact = Retold { likeness: 1.0, ..retold[0].clone() };
        assert_eq!(weighed(&texts, &[salt, exact]), own(None, HEARD));
        assert_eq!(fit("refill my live on a pill", &[], &[]), Fit::Unknown);
    }

    #[test]
    fn a_short_name_is_looked_at_as_far_as_a_longer_one_of_the_same_medicine() {
        // What fits best is the name of a medicine that counts; the longer one would be taken without it.
        let retold = [retold("ab", Whose::Own(0), 0.35), retold("abcdefghijklm", Whose::Own(0), 0.35)];
        let heard = Weighed { text: "live on a pill".into(), log_probability: 0.0 };
        let floors = retold.each_ref().map(|r| floor(r, &heard.text, std::slice::from_ref(&heard), &retold));
        assert!(floors[0] < -15.0 && (floors[0] - floors[1]).abs() < 1e-3, "{floors:?}");
    }

    proptest::proptest! {
        #[test]
        fn what_is_below_its_floor_changes_nothing(
            names in proptest::collection::vec((0_usize..6, proptest::bool::ANY, 1_usize..14, 35_u8..100, -80.0_f32..0.0), 1..12),
            before in -60.0_f32..0.0,
            likeliest in 1_usize..4,
        ) {
            let told = |(n, (whose, own, letters, like, _)): (usize, &(usize, bool, usize, u8, f32))| Retold {
                text: format!("refill my {n}"),
                name: "a".repeat(*letters),
                whose: if *own { Whose::Own(*whose) } else { Whose::Nobodys(*whose) },
                likeness: f32::from(*like) / 100.0,
                carried: false,
            };
            let retold: Vec<Retold> = names.iter().enumerate().map(told).collect();
            let heard = Weighed { text: "live on a pill".into(), log_probability: before };
            let (mut all, mut some) = (vec![heard.clone()], vec![heard]);
            all.extend(retold.iter().zip(&names).map(|(r, n)| Weighed { text: r.text.clone(), log_probability: n.4 }));
            for lot in [&retold[..likeliest.min(retold.len())], &retold[likeliest.min(retold.len())..]] {
                let floors: Vec<f32> = lot.iter().map(|r| floor(r, "live on a pill", &some, &retold)).collect();
                for (r, floor) in lot.iter().zip(floors) {
                    let weight = probable(&r.text, &all).unwrap_or_default();
                    let weight = if weight < floor { f32::NEG_INFINITY } else { weight };
                    some.push(Weighed { text: r.text.clone(), log_probability: weight });
                }
            }
            match (fit("live on a pill", &all, &retold), fit("live on a pill", &some, &retold)) {
                // How sure it is, and what is beside it, may turn over at the very border.
                (Fit::Own { text: a, .. }, Fit::Own { text: b, .. }) => proptest::prop_assert_eq!(a, b),
                (a, b) => proptest::prop_assert_eq!(a, b),
            }
        }
    }
}
