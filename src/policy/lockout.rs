//! How often a PIN may be tried. Pure.
//!
//! A spoken PIN has four digits or a few more, so what protects it is not its length but the number of guesses.
//! NIST SP 800-63B (§5.2.2, rate limiting) allows a hundred failures in a row; here it is [`MOST`] for a person, and the
//! pauses between them grow. A device has a limit of its own, so that nobody tries one PIN on everybody.

use jiff::{SignedDuration, Timestamp};

/// Failures in a row after which a person's PIN must be set anew.
pub const MOST: u32 = 10;

/// Failures without a pause after them, for a person.
const FREE: u32 = 2;
/// The same for a device, which several people may share.
const FREE_DEVICE: u32 = 9;

/// Pauses after the failures that follow, in minutes; the last one for all that come later.
const PAUSES: [i64; 4] = [5, 15, 60, 24 * 60];

/// Wrong PINs in a row, and the last of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Failures {
    /// How many.
    pub count: u32,
    /// When the last one was.
    pub last: Timestamp,
}

/// Whose failures are counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Counted {
    /// A person's, on whatever device.
    Person,
    /// A device's, for whatever person. They end with a day without one.
    Device,
}

/// Whether a PIN may be tried now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gate {
    /// It may.
    Open,
    /// Not before this.
    Until(Timestamp),
    /// Not before it is set anew.
    Shut,
}

impl Failures {
    /// What these failures allow now.
    #[must_use]
    pub fn gate(self, counted: Counted, now: Timestamp) -> Gate {
        let free = match counted {
            Counted::Person if self.count >= MOST => return Gate::Shut,
            Counted::Person => FREE,
            Counted::Device => FREE_DEVICE,
        };
        let Some(over) = self.count.checked_sub(free + 1) else { return Gate::Open };
        let step = (over as usize).min(PAUSES.len() - 1);
        let until = self.last + SignedDuration::from_mins(PAUSES[step]);
        if now < until { Gate::Until(until) } else { Gate::Open }
    }

    /// These failures and one more.
    #[must_use]
    pub fn more(self, counted: Counted, now: Timestamp) -> Self {
        let over = counted == Counted::Device && now.duration_since(self.last) > SignedDuration::from_hours(24);
        Self { count: if over { 1 } else { self.count.saturating_add(1) }, last: now }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Somebody who guesses as often as they may.
    fn guesses(counted: Counted, hours: i64) -> u32 {
        let start: Timestamp = "2026-12-01T00:00:00Z".parse().expect("valid");
        let mut failures = Failures { count: 0, last: start };
        let (mut now, mut made) = (start, 0);
        while now < start + SignedDuration::from_hours(hours) && made < 10_000 {
            match failures.gate(counted, now) {
                Gate::Open => {
                    made += 1;
                    failures = failures.more(counted, now);
                }
                Gate::Until(until) => now = until,
                Gate::Shut => break,
            }
        }
        made
    }

    #[test]
    fn an_attacker_gets_few_guesses() {
        assert_eq!(guesses(Counted::Person, 1), 5);
        assert_eq!(guesses(Counted::Person, 24), 6);
        assert_eq!(guesses(Counted::Person, 24 * 365), MOST);
        assert_eq!(guesses(Counted::Device, 1), 12);
        assert_eq!(guesses(Counted::Device, 24), 13);
    }

    #[test]
    fn a_slip_of_the_tongue_costs_nothing() {
        let now: Timestamp = "2026-12-01T00:00:00Z".parse().expect("valid");
        assert_eq!(Failures { count: 2, last: now }.gate(Counted::Person, now), Gate::Open);
        assert!(matches!(Failures { count: 3, last: now }.gate(Counted::Person, now), Gate::Until(_)));
    }
}
