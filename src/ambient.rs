//! Time and randomness as values, so that tests fix them. The only place that asks the system for either.

use std::sync::{Mutex, PoisonError};

use jiff::Timestamp;
use rand::{Rng as _, SeedableRng as _, rngs::StdRng};

/// The system's time, for commands that have no [`Ambient`].
#[expect(clippy::disallowed_methods, reason = "this file owns the clock")]
#[must_use]
pub fn system_now() -> Timestamp {
    Timestamp::now()
}

/// Where time and randomness come from.
pub struct Ambient {
    clock: Clock,
    random: Mutex<StdRng>,
}

enum Clock {
    System,
    /// Stands still at this time.
    Fixed(Timestamp),
}

impl Ambient {
    /// The system's clock, or a fixed time where one is given, and randomness seeded by the system.
    ///
    /// # Errors
    /// When the system has no randomness to give.
    pub fn system(fixed: Option<Timestamp>) -> Result<Self, getrandom::Error> {
        let mut seed = [0; 32];
        getrandom::fill(&mut seed)?;
        Ok(Self { clock: fixed.map_or(Clock::System, Clock::Fixed), random: Mutex::new(StdRng::from_seed(seed)) })
    }

    /// A fixed time and a fixed seed.
    #[must_use]
    pub fn fixed(now: Timestamp, seed: u64) -> Self {
        Self { clock: Clock::Fixed(now), random: Mutex::new(StdRng::seed_from_u64(seed)) }
    }

    /// What time it is.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        match self.clock {
            Clock::System => system_now(),
            Clock::Fixed(at) => at,
        }
    }

    /// Random bytes from a cryptographic generator.
    #[must_use]
    pub fn random<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0; N];
        self.random.lock().unwrap_or_else(PoisonError::into_inner).fill_bytes(&mut bytes);
        bytes
    }
}
