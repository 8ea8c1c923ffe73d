//! Whether something may be said in a room unasked. Pure.
//!
//! Invariant: in quiet hours, and where nobody wants to be disturbed, nothing sounds but an emergency.

use jiff::civil::Time;

use super::settings::Settings;
use crate::device::Priority;

/// Longest words of an announcement, in characters.
pub const LONGEST: usize = 500;

/// Why something may not be said into a room now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotSaid {
    /// It was never agreed to there.
    #[error("nobody may speak into that room: its settings do not allow it (drop_in)")]
    NoConsent,
    /// Not now.
    #[error("it is quiet in that room now; only an emergency is announced there")]
    Quiet,
}

/// Whether an announcement sounds in a room with these settings at that time of day.
#[must_use]
pub fn sounds(settings: &Settings, priority: Priority, time: Time) -> bool {
    let quiet = settings.do_not_disturb == Some(true) || settings.quiet.is_some_and(|quiet| quiet.at(time));
    priority == Priority::Emergency || !quiet
}

/// Whether staff may speak into a room with these settings at that time of day. They hear nothing of it.
///
/// # Errors
/// Why not.
pub fn may_drop_in(settings: &Settings, time: Time) -> Result<(), NotSaid> {
    if settings.drop_in != Some(true) {
        return Err(NotSaid::NoConsent);
    }
    if sounds(settings, Priority::Important, time) { Ok(()) } else { Err(NotSaid::Quiet) }
}

/// Whether words can be announced: 1 to 500 characters, none of them control characters.
#[must_use]
pub fn is_sayable(text: &str) -> bool {
    (1..=LONGEST).contains(&text.trim().chars().count()) && !text.chars().any(char::is_control)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fleet::settings::Quiet;

    #[test]
    fn only_an_emergency_passes_quiet_hours_and_do_not_disturb() {
        let clock = |text: &str| -> Time { text.parse().expect("a time") };
        let night = Some(Quiet { from: clock("21:00"), until: clock("07:00") });
        let usual = Settings::default();
        let quiet = Settings { quiet: night, ..Settings::default() };
        let never = Settings { do_not_disturb: Some(true), ..Settings::default() };
        #[rustfmt::skip]
        let table = [
            // settings, time,    routine, important, emergency
            (&usual,     "03:00", [true,   true,      true]),
            (&quiet,     "03:00", [false,  false,     true]),
            (&quiet,     "12:00", [true,   true,      true]),
            (&never,     "12:00", [false,  false,     true]),
        ];
        for (settings, time, row) in table {
            for (priority, wanted) in [Priority::Routine, Priority::Important, Priority::Emergency].into_iter().zip(row)
            {
                assert_eq!(sounds(settings, priority, clock(time)), wanted, "{priority:?} at {time}");
            }
        }
        let agreed = Settings { drop_in: Some(true), ..Settings::default() };
        let agreed_quiet = Settings { quiet: night, ..agreed.clone() };
        let agreed_never = Settings { do_not_disturb: Some(true), ..agreed.clone() };
        let refused = Settings { drop_in: Some(false), ..Settings::default() };
        for (settings, wanted) in [
            (&usual, Err(NotSaid::NoConsent)),
            (&refused, Err(NotSaid::NoConsent)),
            (&agreed, Ok(())),
            (&agreed_quiet, Err(NotSaid::Quiet)),
            (&agreed_never, Err(NotSaid::Quiet)),
        ] {
            assert_eq!(may_drop_in(settings, clock("03:00")), wanted);
        }
        for bad in ["", "   ", "a\u{7}b", &"x".repeat(501)] {
            assert!(!is_sayable(bad), "{bad:?}");
        }
        assert!(is_sayable("Visiting hours end at eight."));
    }
}
