//! Learning from use without people in it: what is counted, and the noise that is added before anybody sees a count.
//!
//! # What is promised
//! One release counts how many *people* had each [`Item`] in one period, and tells of an item only where at least `k`
//! people had it and its noisy count reaches a threshold. With `m` items of each person at most, drawn at random:
//!
//! - each true count `c` gets discrete Laplace noise `Z`, `P(Z = z) = (1 - a) / (1 + a) * a^|z|`, `a = exp(-ε / m)`;
//! - it is told, as `c + Z`, where `c >= k` and `c + Z >= T = k + t`, with the smallest `t` for which
//!   `m * P(Z >= t) = m * a^t / (1 + a) <= δ`.
//!
//! Adding or taking out one person with all they said changes at most `m` counts by one. Where both counts are at least
//! `k`, the chances of any outcome differ by `exp(ε / m)` at most, so by `exp(ε)` for all `m`. Where one is `k` and the
//! other `k - 1`, the item can be told in one world and never in the other: with a chance of `δ` at most for all of
//! them together; not being told has a chance of at least `1 - δ / m`, and `1 / (1 - δ / m) <= exp(ε / m)` is checked. So
//! one release is (ε, δ)-differentially private for a whole person's period, and what is told of one person in several
//! periods adds up to the budget at most (basic composition). The threshold is the stability argument of Korolova,
//! Kenthapadi, Mishra and Ntoulas (WWW 2009) and Vadhan ("The Complexity of Differential Privacy", 2017, section 3), moved
//! from 1 to `k`; the noise is the geometric mechanism of Ghosh, Roughgarden and Sundararajan (STOC 2009).
//!
//! Invariants: pure, but for the bytes of a cryptographic generator that come in as an argument; the noise is drawn in
//! whole numbers, without a floating-point logarithm whose gaps would tell the count (Mironov, CCS 2012).

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::config::PatternsConfig;

pub mod attack;
mod heard;
mod noise;

pub use heard::phrases;
pub use noise::{Dice, NoRandomness};

/// Distinct items of one person that are kept in a period; of these, the contribution is drawn.
pub const KEPT: usize = 64;

/// What is counted. Nobody is in it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum Item {
    /// A turn of this shape.
    Turn {
        /// What was understood.
        intent: String,
        /// The types of the slots that were filled, in order.
        slots: BTreeSet<String>,
        /// How it ended.
        outcome: String,
        /// What went wrong, if anything did.
        failure: String,
    },
    /// One to three words of a turn that went wrong, with values replaced by their types.
    Phrase {
        /// What went wrong.
        failure: String,
        /// The words.
        words: String,
    },
}

/// How much is told.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Rule {
    /// `k`: of fewer people nothing is ever told.
    pub people: u32,
    /// `m`: items of one person that count.
    pub items: u32,
    /// ε of one release, in thousandths, so that noise is drawn from a ratio of whole numbers.
    pub epsilon_milli: u32,
    /// δ of one release.
    pub delta: f64,
}

/// One line of a release.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Told {
    /// What.
    #[serde(flatten)]
    pub item: Item,
    /// How many people had it, with noise.
    pub people: i64,
}

impl Rule {
    /// What is configured.
    #[must_use]
    pub fn of(config: &PatternsConfig) -> Self {
        Self { people: config.people, items: config.items, epsilon_milli: milli(config.epsilon), delta: config.delta }
    }

    /// ε of one release.
    #[must_use]
    pub fn epsilon(&self) -> f64 {
        f64::from(self.epsilon_milli) / 1000.0
    }

    /// `a` of the noise: how much rarer each further step is.
    fn decay(&self) -> f64 {
        (-self.epsilon() / f64::from(self.items)).exp()
    }

    /// `t`: how far above `k` a noisy count must be.
    #[must_use]
    pub fn margin(&self) -> i64 {
        let (m, a) = (f64::from(self.items), self.decay());
        let steps = (m / (self.delta * (1.0 + a))).ln() / (self.epsilon() / m);
        // One more than rounding could have taken away.
        #[expect(clippy::cast_possible_truncation, reason = "at most some ten thousand")]
        let steps = steps.ceil() as i64 + 1;
        steps.max(1)
    }

    /// `T`: noisy counts below it are not told.
    #[must_use]
    pub fn threshold(&self) -> i64 {
        i64::from(self.people) + self.margin()
    }

    /// `P(Z = z)`.
    #[must_use]
    pub fn chance(&self, z: i64) -> f64 {
        let a = self.decay();
        (1.0 - a) / (1.0 + a) * (z.unsigned_abs() as f64 * a.ln()).exp()
    }

    /// `P(Z >= z)`.
    #[must_use]
    pub fn tail(&self, z: i64) -> f64 {
        let a = self.decay();
        if z >= 1 { (z as f64 * a.ln()).exp() / (1.0 + a) } else { 1.0 - ((1 - z) as f64 * a.ln()).exp() / (1.0 + a) }
    }

    /// How often whoever knows all but whether one person is in it can be right about that, at most:
    /// `(exp(ε) + δ) / (1 + exp(ε))`.
    #[must_use]
    pub fn best_guess(&self) -> f64 {
        let e = self.epsilon().exp();
        (e + self.delta) / (1.0 + e)
    }
}

/// ε in thousandths.
#[must_use]
pub fn milli(epsilon: f64) -> u32 {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "the configuration keeps it from 0.001 to 100"
    )]
    let milli = (epsilon * 1000.0).round() as u32;
    milli
}

/// The first day, counted from 1970, of the period that a day belongs to.
#[must_use]
pub fn period(at: jiff::Timestamp, days: u32) -> i64 {
    let day = at.as_second().div_euclid(86_400);
    day - day.rem_euclid(i64::from(days.max(1)))
}

/// What is told of a period: each person's items, with `None` for a rule everything as it is, which is for showing what
/// the rule protects from. `may_be_told` knows the words of the language; an item with any other is never told.
///
/// # Errors
/// When there are no random bytes; nothing may be told then.
pub fn release(
    people: &[BTreeSet<Item>],
    rule: Option<&Rule>,
    may_be_told: &dyn Fn(&str) -> bool,
    dice: &mut Dice<'_>,
) -> Result<Vec<Told>, NoRandomness> {
    let mut counts: BTreeMap<&Item, i64> = BTreeMap::new();
    for items in people {
        let fit: Vec<&Item> = items.iter().filter(|item| item.is_plain(may_be_told)).collect();
        let counted = match rule {
            Some(rule) => drawn(fit, rule.items as usize, dice)?,
            None => fit,
        };
        for item in counted {
            *counts.entry(item).or_default() += 1;
        }
    }
    let mut told = Vec::new();
    for (item, count) in counts {
        let Some(rule) = rule else {
            told.push(Told { item: item.clone(), people: count });
            continue;
        };
        if count < i64::from(rule.people) {
            continue;
        }
        let noisy = count + dice.laplace(u64::from(rule.epsilon_milli), u64::from(rule.items) * 1000)?;
        if noisy >= rule.threshold() {
            told.push(Told { item: item.clone(), people: noisy });
        }
    }
    Ok(told)
}

/// At most `m` of somebody's items, at random: half of them shapes of turns and half phrases, as far as there are.
fn drawn<'a>(items: Vec<&'a Item>, m: usize, dice: &mut Dice<'_>) -> Result<Vec<&'a Item>, NoRandomness> {
    let (mut turns, mut phrases): (Vec<_>, Vec<_>) =
        items.into_iter().partition(|item| matches!(item, Item::Turn { .. }));
    dice.shuffle(&mut turns)?;
    dice.shuffle(&mut phrases)?;
    let of_phrases = phrases.len().min((m / 2).max(m.saturating_sub(turns.len())));
    turns.truncate(m - of_phrases);
    turns.extend(phrases.into_iter().take(of_phrases));
    Ok(turns)
}

impl Item {
    /// Whether every word of it may be told. Shapes hold names of the catalogue alone.
    fn is_plain(&self, may_be_told: &dyn Fn(&str) -> bool) -> bool {
        match self {
            Self::Turn { .. } => true,
            Self::Phrase { words, .. } => words.split(' ').all(|word| word.starts_with('{') || may_be_told(word)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULE: Rule = Rule { people: 11, items: 4, epsilon_milli: 1000, delta: 1e-6 };

    fn phrase(words: &str) -> Item {
        Item::Phrase { failure: "missed".into(), words: words.into() }
    }

    fn turn(intent: &str) -> Item {
        Item::Turn { intent: intent.into(), slots: BTreeSet::new(), outcome: "answered".into(), failure: "none".into() }
    }

    #[test]
    fn the_margin_is_the_smallest_that_keeps_delta() {
        for items in [1, 2, 4, 8, 32] {
            for epsilon_milli in [10, 250, 1000, 4000] {
                for delta in [1e-5, 1e-6, 1e-9] {
                    let rule = Rule { people: 11, items, epsilon_milli, delta };
                    let (t, m) = (rule.margin(), f64::from(items));
                    assert!(m * rule.tail(t) <= delta, "{rule:?}");
                    assert!(m * rule.tail(t - 2) > delta || t <= 2, "{rule:?}: not larger than need be");
                    assert!(1.0 / (1.0 - delta / m) <= (rule.epsilon() / m).exp(), "{rule:?}");
                }
            }
        }
        assert_eq!(RULE.threshold(), 11 + 60);
    }

    #[test]
    fn chances_add_up() {
        let all: f64 = (-2000..=2000).map(|z| RULE.chance(z)).sum();
        assert!((all - 1.0).abs() < 1e-9, "{all}");
        for z in [-7, -1, 0, 1, 2, 40] {
            let tail: f64 = (z..=3000).map(|z| RULE.chance(z)).sum();
            assert!((tail - RULE.tail(z)).abs() < 1e-9, "{z}: {tail} {}", RULE.tail(z));
        }
    }

    /// The promise itself, for one item: for every set of outcomes, both ways round. The worst set is the one of all
    /// outcomes that are likelier with the person, so it is enough to add those up.
    #[test]
    fn one_person_more_or_less_changes_what_is_told_as_little_as_promised() {
        for rule in [RULE, Rule { items: 1, ..RULE }, Rule { epsilon_milli: 300, delta: 1e-4, ..RULE }] {
            let share = (rule.epsilon() / f64::from(rule.items)).exp();
            let (k, top) = (i64::from(rule.people), rule.threshold() + 4000);
            // Outcomes: nothing told (`None`), or a number from the threshold on.
            let chance = |count: i64, told: Option<i64>| match told {
                _ if count < k => {
                    if told.is_none() {
                        1.0
                    } else {
                        0.0
                    }
                }
                None => 1.0 - rule.tail(rule.threshold() - count),
                Some(y) => rule.chance(y - count),
            };
            for with in [1, k - 1, k, k + 1, rule.threshold() - 1, rule.threshold(), rule.threshold() + 30] {
                for (one, other) in [(with, with - 1), (with - 1, with)] {
                    let outcomes = std::iter::once(None).chain((rule.threshold()..top).map(Some));
                    let over: f64 =
                        outcomes.map(|told| (chance(one, told) - share * chance(other, told)).max(0.0)).sum();
                    assert!(over <= rule.delta / f64::from(rule.items) + 1e-12, "{rule:?} {one} {other}: {over}");
                }
            }
        }
    }

    #[test]
    fn nothing_of_fewer_than_k_people_is_ever_told_and_nobody_counts_more_than_m_times() {
        let mut dice = Dice::seeded(1);
        // No noise to speak of, so that only the rules hold things back.
        let rule = Rule { people: 11, items: 3, epsilon_milli: 100_000, delta: 1e-6 };
        for round in 0..40_u64 {
            let people: Vec<BTreeSet<Item>> = (0..40)
                .map(|p| {
                    (0..12)
                        .filter(|n| dice.below(3).expect("bytes") > 0 || *n == p)
                        .map(|n| phrase(&format!("w{n}")))
                        .collect()
                })
                .collect();
            let told = release(&people, Some(&rule), &|_| true, &mut dice).expect("bytes");
            let total: i64 = told.iter().map(|t| t.people).sum();
            assert!(total <= 3 * 40 + 12, "round {round}: {total}");
            let few: Vec<BTreeSet<Item>> = people.iter().take(10).cloned().collect();
            for _ in 0..5 {
                assert!(release(&few, Some(&rule), &|_| true, &mut dice).expect("bytes").is_empty());
            }
        }
    }

    #[test]
    fn what_many_say_is_told_and_only_in_words_that_may_be() {
        let mut dice = Dice::seeded(2);
        let items: BTreeSet<Item> = [phrase("{medicine} scripts"), phrase("zephyrantha scripts"), turn("a.b")].into();
        let people = vec![items; 500];
        let told = release(&people, Some(&RULE), &|word| word == "scripts", &mut dice).expect("bytes");
        let names: Vec<&Item> = told.iter().map(|t| &t.item).collect();
        assert_eq!(names, [&turn("a.b"), &phrase("{medicine} scripts")]);
        assert!(told.iter().all(|t| (400..600).contains(&t.people)), "{told:?}");
    }

    #[test]
    fn a_day_belongs_to_one_period() {
        let at = |day: i64| jiff::Timestamp::from_second(day * 86_400 + 5).expect("in range");
        assert_eq!((period(at(27), 28), period(at(28), 28), period(at(55), 28)), (0, 28, 28));
        assert_eq!(period(at(-1), 28), -28);
    }
}
