//! The attack on counts, by the rule that is configured; and releases of periods in which nobody said anything, until the
//! budget refuses.

use super::{Scratch, Seen};
use crate::{cli::patterns::outcomes, config::PatternsConfig, patterns::Rule, store::PatternsError};

/// Guesses of each kind.
const TRIALS: u32 = 300;

pub async fn look(scratch: &Scratch, seen: &mut Seen, config: &PatternsConfig) -> anyhow::Result<()> {
    let rule = Rule::of(config);
    seen.patterns.rule = format!(
        "k = {}, m = {}, ε = {} a release, δ = {}, budget {} in {} days",
        rule.people,
        rule.items,
        rule.epsilon(),
        rule.delta,
        config.budget,
        config.budget_days
    );
    let all = outcomes(&rule, TRIALS)?;
    (seen.patterns.protected, seen.patterns.unprotected) = all.into_iter().partition(|outcome| outcome.protected);
    let store = scratch.app.store();
    // More than this are not tried.
    let most = 1000;
    seen.patterns.paid = (1..=most).take_while(|n| f64::from(*n) * rule.epsilon() <= config.budget + 1e-9).count();
    let release = async |first: i64| store.release_period(first, config, &|_| false, "evidence", scratch.now).await;
    for n in 0..i64::from(most) {
        match release(n * i64::from(config.period_days)).await {
            Ok(_) => seen.patterns.released += 1,
            Err(PatternsError::Spent { .. }) => break,
            Err(error) => return Err(error.into()),
        }
        seen.patterns.twice |= release(0).await.is_ok();
    }
    Ok(())
}
