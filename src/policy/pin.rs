//! What can be a PIN. Pure.
//!
//! A PIN is tried ten times at most (`lockout`), so what it must not be is one of the first ten that come to mind.

use jiff::civil::Date;

/// Fewest digits of a PIN.
pub const SHORTEST: usize = 4;
/// Most digits of a PIN.
pub const LONGEST: usize = 12;

/// Why digits are no PIN.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Weak {
    /// Too few, too many, or something besides digits.
    #[error("a PIN has 4 to 12 digits")]
    Length,
    /// Another number of digits than every PIN of this house has.
    #[error("a PIN has {0} digits here")]
    Count(usize),
    /// 0000.
    #[error("a PIN needs more than one digit over and over")]
    Same,
    /// 1234, 9876.
    #[error("digits in their order are no PIN")]
    Run,
    /// The year of the person's birth is in it.
    #[error("a PIN must not hold the year of birth")]
    Birth,
}

/// Whether these digits may be the PIN of somebody born then, in a house where every PIN has so many.
///
/// # Errors
/// Why they may not.
pub fn may_be_pin(pin: &str, born: Option<Date>, count: Option<usize>) -> Result<(), Weak> {
    let digits = pin.as_bytes();
    if let Some(count) = count.filter(|count| *count != digits.len()) {
        return Err(Weak::Count(count));
    }
    if !(SHORTEST..=LONGEST).contains(&digits.len()) || !digits.iter().all(u8::is_ascii_digit) {
        return Err(Weak::Length);
    }
    // Upwards and downwards, past nine too: 7890.
    let steps = |by: u8| digits.windows(2).all(|pair| (pair[0] - b'0' + by) % 10 == pair[1] - b'0');
    if steps(0) {
        return Err(Weak::Same);
    }
    if steps(1) || steps(9) {
        return Err(Weak::Run);
    }
    if born.is_some_and(|day| pin.contains(&format!("{:04}", day.year()))) {
        return Err(Weak::Birth);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_comes_to_mind_first_is_no_pin() {
        let born = Some(jiff::civil::date(1958, 3, 9));
        for (pin, want) in [
            ("4077", Ok(())),
            ("112233", Ok(())),
            ("1357", Ok(())),
            ("407740774077", Ok(())),
            ("", Err(Weak::Length)),
            ("407", Err(Weak::Length)),
            ("4077407740774", Err(Weak::Length)),
            ("40a7", Err(Weak::Length)),
            ("４０７７", Err(Weak::Length)),
            ("0000", Err(Weak::Same)),
            ("1234", Err(Weak::Run)),
            ("7890", Err(Weak::Run)),
            ("987654", Err(Weak::Run)),
            ("1958", Err(Weak::Birth)),
            ("091958", Err(Weak::Birth)),
        ] {
            assert_eq!(may_be_pin(pin, born, None), want, "{pin}");
        }
        assert_eq!(may_be_pin("1958", None, None), Ok(()), "no birthday on record");
        for (pin, want) in [("4077", Ok(())), ("407729", Err(Weak::Count(4))), ("1234", Err(Weak::Run))] {
            assert_eq!(may_be_pin(pin, None, Some(4)), want, "{pin}");
        }
    }
}
