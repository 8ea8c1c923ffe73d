//! A server that fails again and again is left alone for a while, so that turns say so at once and it can recover.
//!
//! Pure: time comes in as an argument.

use std::time::{Duration, Instant};

/// So many failures in a row open it.
const PATIENCE: u32 = 5;
/// How long it stays open first; twice as long each time after that.
const FIRST: Duration = Duration::from_secs(1);
/// How long it stays open at most.
const LONGEST: Duration = Duration::from_secs(30);
/// How long a try that was let through may take before another one is.
const TRYING: Duration = Duration::from_secs(60);

/// Closed (all may pass), open (nobody may), half open (one tries).
#[derive(Debug, Default)]
pub(super) struct Breaker {
    failures: u32,
    open: Option<Open>,
}

#[derive(Debug, Clone, Copy)]
struct Open {
    until: Instant,
    pause: Duration,
}

impl Breaker {
    /// Whether a request may go out now. Whoever may must tell how it went, or nobody may for a minute where it was the
    /// one try.
    pub fn may_pass(&mut self, now: Instant) -> bool {
        match &mut self.open {
            None => true,
            Some(open) if now < open.until => false,
            Some(open) => {
                open.until = now + TRYING;
                true
            }
        }
    }

    /// How a request went.
    pub fn went(&mut self, well: bool, now: Instant) {
        if well {
            *self = Self::default();
            return;
        }
        self.failures = self.failures.saturating_add(1);
        if self.failures < PATIENCE {
            return;
        }
        let pause = match self.open {
            None => FIRST,
            // What was under way before it opened tells nothing new.
            Some(open) if now < open.until && open.until - now <= open.pause => return,
            Some(open) => (open.pause * 2).min(LONGEST),
        };
        self.open = Some(Open { until: now + pause, pause });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_opens_tries_once_and_closes() {
        let start = Instant::now();
        let at = |ms: u64| start + Duration::from_millis(ms);
        let mut breaker = Breaker::default();
        for n in 0..PATIENCE {
            assert!(breaker.may_pass(at(u64::from(n))), "closed after {n}");
            breaker.went(false, at(u64::from(n)));
        }
        assert!(!breaker.may_pass(at(500)), "open");
        breaker.went(false, at(501));
        assert!(breaker.may_pass(at(1100)), "one tries");
        assert!(!breaker.may_pass(at(1101)), "and nobody else");
        breaker.went(false, at(1200));
        assert!(!breaker.may_pass(at(3100)), "twice as long");
        assert!(breaker.may_pass(at(3300)));
        breaker.went(true, at(3400));
        assert!(breaker.may_pass(at(3401)) && breaker.may_pass(at(3402)), "closed");
        for _ in 0..PATIENCE - 1 {
            breaker.went(false, at(3500));
        }
        breaker.went(true, at(3501));
        breaker.went(false, at(3502));
        assert!(breaker.may_pass(at(3503)), "failures in a row count, and no others");
    }

    #[test]
    fn a_try_that_never_comes_back_does_not_shut_it_for_good() {
        let start = Instant::now();
        let mut breaker = Breaker::default();
        (0..PATIENCE).for_each(|_| breaker.went(false, start));
        assert!(breaker.may_pass(start + Duration::from_secs(2)));
        assert!(!breaker.may_pass(start + Duration::from_secs(30)));
        assert!(breaker.may_pass(start + Duration::from_secs(63)));
    }

    #[test]
    fn it_is_never_open_for_long() {
        let mut now = Instant::now();
        let mut breaker = Breaker::default();
        for _ in 0..40 {
            breaker.went(false, now);
            now += LONGEST;
            assert!(breaker.may_pass(now));
        }
    }
}
