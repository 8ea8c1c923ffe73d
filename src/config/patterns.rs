//! What is counted of what people say who agreed to that, and how much is ever told of it.

use serde::Deserialize;

use super::ConfigError;

/// Counting, noise, and the budget. See docs/PRIVACY.md, Patterns.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PatternsConfig {
    /// Whether anything is counted; only ever of people who agreed to it.
    pub collect: bool,
    /// `k`: of fewer people nothing is told, 11 to 1000000.
    pub people: u32,
    /// `m`: how many items of one person count in a period, 1 to 32.
    pub items: u32,
    /// ε of one release, 0.01 to 10; rounded to thousandths.
    pub epsilon: f64,
    /// δ of one release, 1e-12 to 1e-5.
    pub delta: f64,
    /// The most ε that all releases within `budget_days` add up to, 0.01 to 50.
    pub budget: f64,
    /// How many days a release weighs on the budget, 28 to 3650.
    pub budget_days: u32,
    /// Days of a period, 1 to 366.
    pub period_days: u32,
    /// So many days after its end a period that was not released is deleted, 1 to 3650.
    pub keep_days: u32,
}

impl Default for PatternsConfig {
    fn default() -> Self {
        Self {
            collect: true,
            people: 11,
            items: 4,
            epsilon: 1.0,
            delta: 1e-6,
            budget: 4.0,
            budget_days: 365,
            period_days: 28,
            keep_days: 90,
        }
    }
}

impl PatternsConfig {
    pub(super) fn validated(&self) -> Result<(), ConfigError> {
        let invalid = |setting, reason: &str| Err(ConfigError::Invalid { setting, reason: reason.into() });
        if !(11..=1_000_000).contains(&self.people) {
            return invalid("patterns.people", "must be from 11 to 1000000 people; it can be raised, not lowered");
        }
        if !(1..=32).contains(&self.items) {
            return invalid("patterns.items", "must be from 1 to 32 items");
        }
        if !(0.01..=10.0).contains(&self.epsilon) {
            return invalid("patterns.epsilon", "must be from 0.01 to 10");
        }
        if !(1e-12..=1e-5).contains(&self.delta) {
            return invalid("patterns.delta", "must be from 1e-12 to 1e-5");
        }
        if !(0.01..=50.0).contains(&self.budget) {
            return invalid("patterns.budget", "must be from 0.01 to 50");
        }
        if !(28..=3650).contains(&self.budget_days) {
            return invalid("patterns.budget_days", "must be from 28 to 3650 days");
        }
        if !(1..=366).contains(&self.period_days) {
            return invalid("patterns.period_days", "must be from 1 to 366 days");
        }
        if !(1..=3650).contains(&self.keep_days) {
            return invalid("patterns.keep_days", "must be from 1 to 3650 days");
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn k_can_be_raised_and_never_lowered() {
        let with = |people| PatternsConfig { people, ..PatternsConfig::default() }.validated();
        assert!(with(11).is_ok() && with(50).is_ok());
        assert!(with(10).is_err() && with(0).is_err());
        assert!(PatternsConfig { epsilon: f64::NAN, ..PatternsConfig::default() }.validated().is_err());
    }
}
