//! A membership attack: somebody who knows everything but whether one person is in the data, and guesses as well as can be.
//!
//! In every trial a coin decides whether the person is in; what is told is made by the real [`release`]; the attacker
//! sees it, knows how many others said each of the person's phrases, and takes the likelier of the two worlds. No attacker
//! can do better (Neyman and Pearson), so what it gains over chance is what the protection lets out.

use std::collections::BTreeSet;

use serde::Serialize;

use super::{Dice, Item, NoRandomness, Rule, release};

/// How rare the phrases of the person are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Canary {
    /// Nobody else says them.
    Own,
    /// So many others say them that the person makes `k`.
    AtTheEdge,
    /// So many others say them that about half of them are told.
    Common,
}

impl Canary {
    /// Every kind.
    pub const ALL: [Self; 3] = [Self::Own, Self::AtTheEdge, Self::Common];

    /// How many others say each of the phrases.
    fn others(self, rule: &Rule) -> i64 {
        match self {
            Self::Own => 0,
            Self::AtTheEdge => i64::from(rule.people) - 1,
            Self::Common => rule.threshold(),
        }
    }
}

/// How the attack went.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Outcome {
    /// Which phrases were planted.
    pub canary: Canary,
    /// Whether noise, `k` and the bound on contributions were on.
    pub protected: bool,
    /// How often it was tried.
    pub trials: u32,
    /// How often the guess was right.
    pub right: u32,
    /// The share of right guesses; a half is chance.
    pub accuracy: f64,
    /// Where that share lies, by Wilson's interval for 99.999 %.
    pub accuracy_from: f64,
    /// The other end of it.
    pub accuracy_to: f64,
    /// The area under the curve; a half is chance.
    pub auc: f64,
    /// Where it lies, by Hanley and McNeil's error for 99.999 %.
    pub auc_from: f64,
    /// The other end of it.
    pub auc_to: f64,
    /// What ε and δ allow any attacker at most; 1 without protection.
    pub allowed: f64,
}

impl Outcome {
    /// Whether the guesses were no better than ε and δ allow, and no better than chance where nothing may be told.
    #[must_use]
    pub fn held(&self) -> bool {
        let chance = self.canary != Canary::Common;
        let most = if chance { 0.5 } else { self.allowed };
        self.protected && self.accuracy_from <= most && (!chance || self.auc_from <= 0.5)
    }

    /// Whether the attack found the person nearly every time.
    #[must_use]
    pub fn succeeded(&self) -> bool {
        self.accuracy > 0.95 && self.auc > 0.95
    }
}

/// Standard errors on each side of an interval that holds in 99 999 of 100 000 cases, so that a check that is run often
/// raises no false alarm.
const Z: f64 = 4.4172;

/// Plays the attack. With `rule` alone it sets the scene; `protected` decides whether the release uses it.
///
/// # Errors
/// When there are no random bytes.
pub fn play(
    canary: Canary,
    rule: &Rule,
    protected: bool,
    trials: u32,
    dice: &mut Dice<'_>,
) -> Result<Outcome, NoRandomness> {
    let phrase = |n: u32| Item::Phrase { failure: "missed".into(), words: format!("canary {n}") };
    // As many as count at all, so that none is left out by drawing: the worst that can happen to the person.
    let person: BTreeSet<Item> = (0..rule.items).map(phrase).collect();
    let others = canary.others(rule);
    let crowd = vec![person.clone(); usize::try_from(others).unwrap_or(0)];
    let (mut inside, mut outside, mut right) = (Vec::new(), Vec::new(), 0);
    for _ in 0..trials {
        let is_in = dice.below(2)? == 1;
        let mut people = crowd.clone();
        if is_in {
            people.push(person.clone());
        }
        let told = release(&people, protected.then_some(rule), &|_| true, dice)?;
        let counts = person.iter().map(|item| told.iter().find(|t| t.item == *item).map(|t| t.people));
        let score: f64 = counts.map(|count| likelier(count, others, rule, protected)).sum();
        let guess = if score == 0.0 { dice.below(2)? == 1 } else { score > 0.0 };
        right += u32::from(guess == is_in);
        if is_in { inside.push(score) } else { outside.push(score) }
    }
    let accuracy = f64::from(right) / f64::from(trials.max(1));
    let (accuracy_from, accuracy_to) = wilson(right, trials);
    let auc = area(&inside, &outside);
    let error = hanley(auc, inside.len(), outside.len()) * Z;
    let allowed = if protected { rule.best_guess() } else { 1.0 };
    Ok(Outcome {
        canary,
        protected,
        trials,
        right,
        accuracy,
        accuracy_from,
        accuracy_to,
        auc,
        auc_from: (auc - error).max(0.0),
        auc_to: (auc + error).min(1.0),
        allowed,
    })
}

/// The logarithm of how much likelier what is told of one phrase is with the person than without.
fn likelier(told: Option<i64>, others: i64, rule: &Rule, protected: bool) -> f64 {
    let chance = |count: i64| match (protected, told) {
        (false, told) => f64::from(u8::from(told.unwrap_or(0) == count)),
        (true, None) if count < i64::from(rule.people) => 1.0,
        (true, None) => 1.0 - rule.tail(rule.threshold() - count),
        (true, Some(_)) if count < i64::from(rule.people) => 0.0,
        (true, Some(told)) => rule.chance(told - count),
    };
    let (with, without) = (chance(others + 1), chance(others));
    // Where both are the same, exactly nothing was learned. What is impossible in one world decides.
    if with == without { 0.0 } else { (with.max(1e-300) / without.max(1e-300)).ln() }
}

/// Wilson's interval of a share.
fn wilson(right: u32, trials: u32) -> (f64, f64) {
    let (n, p) = (f64::from(trials.max(1)), f64::from(right) / f64::from(trials.max(1)));
    let middle = (p + Z * Z / (2.0 * n)) / (1.0 + Z * Z / n);
    let width = Z / (1.0 + Z * Z / n) * (p * (1.0 - p) / n + Z * Z / (4.0 * n * n)).sqrt();
    ((middle - width).max(0.0), (middle + width).min(1.0))
}

/// How often a score from inside is above one from outside; as often as not where they are the same.
fn area(inside: &[f64], outside: &[f64]) -> f64 {
    let mut sorted = outside.to_vec();
    sorted.sort_by(f64::total_cmp);
    let above: f64 = inside
        .iter()
        .map(|score| {
            let below = sorted.partition_point(|other| other < score);
            let same = sorted.partition_point(|other| other <= score) - below;
            below as f64 + same as f64 / 2.0
        })
        .sum();
    let pairs = (inside.len() * outside.len()) as f64;
    if pairs > 0.0 { above / pairs } else { 0.5 }
}

/// The standard error of an area under the curve (Hanley and McNeil, Radiology 1982).
fn hanley(auc: f64, inside: usize, outside: usize) -> f64 {
    let (p, n) = (inside.max(1) as f64, outside.max(1) as f64);
    let (q1, q2) = (auc / (2.0 - auc), 2.0 * auc * auc / (1.0 + auc));
    let variance = auc * (1.0 - auc) + (p - 1.0) * (q1 - auc * auc) + (n - 1.0) * (q2 - auc * auc);
    (variance.max(0.0) / (p * n)).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULE: Rule = Rule { people: 11, items: 4, epsilon_milli: 1000, delta: 1e-6 };

    #[test]
    fn with_protection_the_attack_gains_no_more_than_is_allowed_and_without_it_everything() {
        for canary in Canary::ALL {
            let mut dice = Dice::seeded(11);
            let on = play(canary, &RULE, true, 600, &mut dice).expect("bytes");
            assert!(on.held() && !on.succeeded(), "{on:?}");
            let off = play(canary, &RULE, false, 200, &mut dice).expect("bytes");
            assert!(off.succeeded() && !off.held() && off.auc_from > 0.95, "{off:?}");
        }
    }

    #[test]
    fn the_attack_can_tell_where_the_promise_is_broken() {
        // Ten times the ε that is promised: the attacker gains more than the promise allows.
        let weak = Rule { epsilon_milli: 10_000, ..RULE };
        let mut outcome = play(Canary::Common, &weak, true, 800, &mut Dice::seeded(5)).expect("bytes");
        outcome.allowed = RULE.best_guess();
        assert!(!outcome.held(), "{outcome:?}");
    }

    #[test]
    fn areas_and_intervals_are_what_they_are() {
        assert!((area(&[1.0, 2.0], &[0.0, 1.0]) - 0.875).abs() < 1e-9);
        assert!((area(&[0.0; 9], &[0.0; 4]) - 0.5).abs() < 1e-9);
        let (from, to) = wilson(50, 100);
        assert!(from > 0.29 && from < 0.31 && to > 0.69 && to < 0.71, "{from} {to}");
    }
}
