//! How long to wait before a change is tried again.

use std::time::Duration;

use crate::config::OutboxConfig;

/// No server makes anybody wait longer than this.
const LONGEST_ASKED: Duration = Duration::from_secs(24 * 3600);

/// The pause after so many attempts: it doubles with each, up to the longest, and is drawn from its second half, so that what
/// failed together does not come back together. Never shorter than the server asked for. `random` is any number.
pub fn pause(config: &OutboxConfig, attempts: u32, asked: Option<Duration>, random: u64) -> Duration {
    let first = u64::from(config.first_pause_seconds).saturating_mul(1000);
    let longest = u64::from(config.longest_pause_seconds).saturating_mul(1000);
    let doubled = first.saturating_mul(1 << attempts.saturating_sub(1).min(32)).min(longest);
    let half = doubled / 2;
    let drawn = Duration::from_millis(half + random % (doubled - half + 1));
    drawn.max(asked.unwrap_or_default().min(LONGEST_ASKED))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_doubles_to_the_longest_and_is_never_shorter_than_asked() {
        let config = OutboxConfig { first_pause_seconds: 10, longest_pause_seconds: 60, ..OutboxConfig::default() };
        for (attempts, asked, least, most) in [
            (0, None, 5_000, 10_000),
            (1, None, 5_000, 10_000),
            (2, None, 10_000, 20_000),
            (3, None, 20_000, 40_000),
            (4, None, 30_000, 60_000),
            (u32::MAX, None, 30_000, 60_000),
            (1, Some(45), 45_000, 45_000),
            (1, Some(u64::MAX), 86_400_000, 86_400_000),
        ] {
            for random in [0, 1, 4_999, 5_000, 77_777, u64::MAX] {
                let pause = pause(&config, attempts, asked.map(Duration::from_secs), random).as_millis();
                assert!((least..=most).contains(&pause), "{attempts} {asked:?} {random}: {pause}");
            }
        }
    }
}
