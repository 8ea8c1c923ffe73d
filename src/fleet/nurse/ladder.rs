//! Who is told next where nobody answers, and when.
//!
//! Invariants: a step is told once and none is left out; what changes a clock makes a step early and never late by more than the
//! bounds below; after the last step it is told again and again until somebody answers.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::route::{Helper, Priority};

/// A step of the ladder.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Rung {
    /// Whoever is on duty for what is needed.
    Assigned,
    /// The nurse in charge of the unit.
    Charge,
    /// The supervisor of the house.
    Supervisor,
    /// The pager.
    Pager,
}

impl Rung {
    /// All of them, in order.
    pub const ALL: [Self; 4] = [Self::Assigned, Self::Charge, Self::Supervisor, Self::Pager];

    /// That which is told after so many others; the last one from then on.
    #[must_use]
    pub fn after(climbed: u32) -> Self {
        let n = usize::try_from(climbed).unwrap_or(usize::MAX).min(Self::ALL.len() - 1);
        Self::ALL[n]
    }

    /// Its name on the wire and in the database.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Assigned => "assigned",
            Self::Charge => "charge",
            Self::Supervisor => "supervisor",
            Self::Pager => "pager",
        }
    }

    /// Whose duty it is, where it is somebody's and not that of what is needed.
    #[must_use]
    pub const fn helper(self) -> Option<Helper> {
        match self {
            Self::Charge => Some(Helper::Charge),
            Self::Supervisor => Some(Helper::Supervisor),
            Self::Assigned | Self::Pager => None,
        }
    }
}

/// How long is waited after each step before the next, in seconds; the last is how often the last step is told again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Waits {
    /// For each priority, in the order of [`Priority::ALL`].
    pub seconds: [[u32; 4]; 4],
}

impl Default for Waits {
    fn default() -> Self {
        Self { seconds: [[30, 30, 60, 120], [120, 120, 180, 300], [300, 300, 300, 600], [900, 600, 600, 1800]] }
    }
}

impl Waits {
    /// When the next step is due after one that was told. Where it reached nobody, at once; but what is told over and over waits.
    #[must_use]
    pub fn next(&self, priority: Priority, climbed: u32, reached: bool, told: Timestamp) -> Timestamp {
        let rung = Rung::after(climbed);
        if !reached && rung != Rung::Pager {
            return told;
        }
        let seconds = self.seconds[priority as usize][rung as usize];
        told.checked_add(SignedDuration::from_secs(seconds.into())).unwrap_or(Timestamp::MAX)
    }
}

/// A clock that is put back by less than this is taken for the same clock.
pub const UNNOTICED: SignedDuration = SignedDuration::from_secs(1);
/// Machines that share a database may differ by this much.
pub const APART: SignedDuration = SignedDuration::from_secs(5);

/// What became of the clock since it was last looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Jump {
    /// It is the first look.
    First,
    /// It goes on; or it was put forward, which makes a step early and needs nothing.
    None,
    /// It was put back by so much.
    Back(SignedDuration),
}

/// Watches the wall clock by one that only goes forward.
#[derive(Debug, Default)]
pub struct Clock {
    last: Option<(Timestamp, Duration)>,
}

impl Clock {
    /// What became of it; `running` only ever grows.
    pub fn seen(&mut self, now: Timestamp, running: Duration) -> Jump {
        let Some((before, ran)) = self.last.replace((now, running)) else { return Jump::First };
        let passed = SignedDuration::try_from(running.saturating_sub(ran)).unwrap_or(SignedDuration::MAX);
        let expected = before.checked_add(passed).unwrap_or(Timestamp::MAX);
        let back = expected.duration_since(now);
        if back > UNNOTICED { Jump::Back(back) } else { Jump::None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(1_796_133_600 + seconds).expect("in range")
    }

    #[test]
    fn the_ladder_goes_up_and_stays_up() {
        let rungs: Vec<_> = (0..6).map(|n| Rung::after(n).name()).collect();
        assert_eq!(rungs, ["assigned", "charge", "supervisor", "pager", "pager", "pager"]);
        assert_eq!(Rung::after(u32::MAX), Rung::Pager);
    }

    #[test]
    fn when_the_next_step_is_due() {
        let waits = Waits::default();
        for (priority, climbed, reached, seconds) in [
            (Priority::Emergency, 0, true, 30),
            (Priority::Emergency, 2, true, 60),
            (Priority::Emergency, 3, true, 120),
            (Priority::Emergency, 900, true, 120),
            (Priority::Urgent, 0, true, 120),
            (Priority::Routine, 0, true, 900),
            (Priority::Routine, 0, false, 0),
            (Priority::Routine, 1, false, 0),
            (Priority::Routine, 2, false, 0),
            (Priority::Routine, 3, false, 1800),
        ] {
            assert_eq!(waits.next(priority, climbed, reached, at(0)), at(seconds), "{priority:?} {climbed} {reached}");
        }
        assert_eq!(waits.next(Priority::Soon, 0, true, Timestamp::MAX), Timestamp::MAX);
    }

    #[test]
    fn a_clock_that_was_put_back_is_noticed() {
        let mut clock = Clock::default();
        let ran = Duration::from_secs;
        assert_eq!(clock.seen(at(0), ran(100)), Jump::First);
        assert_eq!(clock.seen(at(1), ran(101)), Jump::None);
        assert_eq!(clock.seen(at(3601), ran(102)), Jump::None, "forward makes a step early");
        assert_eq!(clock.seen(at(2), ran(103)), Jump::Back(SignedDuration::from_secs(3600)));
        assert_eq!(clock.seen(at(3), ran(104)), Jump::None);
        assert_eq!(clock.seen(at(3), ran(105)), Jump::None, "a second is nothing");
        assert_eq!(clock.seen(at(-7200), ran(106)), Jump::Back(SignedDuration::from_secs(7204)));
    }
}
