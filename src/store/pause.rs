//! How long what failed waits before it is tried again.

use jiff::SignedDuration;

/// The first pause, doubled with each try, and never longer than the longest.
pub(super) fn pause(first: SignedDuration, longest: SignedDuration, tries: i64) -> SignedDuration {
    // More than thirty doublings are longer than any longest.
    let times = 1_i32 << tries.clamp(0, 30);
    first.checked_mul(times).unwrap_or(longest).min(longest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_and_end() {
        for (tries, seconds) in [(-1, 5), (0, 5), (1, 10), (7, 640), (8, 900), (30, 900), (31, 900), (i64::MAX, 900)] {
            let pause = pause(SignedDuration::from_secs(5), SignedDuration::from_secs(900), tries);
            assert_eq!(pause, SignedDuration::from_secs(seconds), "{tries}");
        }
    }
}
