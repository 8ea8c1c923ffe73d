//! Settings of devices: set at any place, taken over by whatever lies below, unless it sets its own. Pure.

use jiff::civil::Time;
use serde::{Deserialize, Serialize};

/// What can be set; what is absent comes from above.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// How loud it speaks, 0 to 100.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub volume: Option<u8>,
    /// How bright its screen or light is, 0 to 100.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub brightness: Option<u8>,
    /// How bright at night, 0 to 100.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub night_brightness: Option<u8>,
    /// The word that wakes it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub wake_word: Option<String>,
    /// Whether it may be spoken to without its button.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub microphone: Option<bool>,
    /// When it makes no sound by itself, by the clock of the organization; it may go past midnight.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quiet: Option<Quiet>,
    /// Nothing but an emergency is announced there at any time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub do_not_disturb: Option<bool>,
    /// Whether staff may speak into the place; after a tone that is heard, and they hear nothing of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub drop_in: Option<bool>,
}

/// Hours without sound.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Quiet {
    /// From when, such as `21:00`.
    pub from: Time,
    /// Until when, such as `07:00`; that minute is not quiet any more.
    pub until: Time,
}

/// Why settings cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {reason}")]
pub struct BadSetting {
    /// Which.
    pub field: &'static str,
    /// What it must be.
    pub reason: &'static str,
}

impl Quiet {
    /// Whether it is quiet at that time of day.
    #[must_use]
    pub fn at(self, time: Time) -> bool {
        match self.from <= self.until {
            true => self.from <= time && time < self.until,
            false => time >= self.from || time < self.until,
        }
    }
}

impl Settings {
    /// These settings where `below` sets nothing of its own.
    #[must_use]
    pub fn with(&self, below: &Self) -> Self {
        Self {
            volume: below.volume.or(self.volume),
            brightness: below.brightness.or(self.brightness),
            night_brightness: below.night_brightness.or(self.night_brightness),
            wake_word: below.wake_word.clone().or_else(|| self.wake_word.clone()),
            microphone: below.microphone.or(self.microphone),
            quiet: below.quiet.or(self.quiet),
            do_not_disturb: below.do_not_disturb.or(self.do_not_disturb),
            drop_in: below.drop_in.or(self.drop_in),
        }
    }

    /// Checks every value.
    ///
    /// # Errors
    /// The first that cannot be used.
    pub fn checked(self) -> Result<Self, BadSetting> {
        let bad = |field, reason| Err(BadSetting { field, reason });
        for (field, value) in
            [("volume", self.volume), ("brightness", self.brightness), ("night_brightness", self.night_brightness)]
        {
            if value.is_some_and(|value| value > 100) {
                return bad(field, "must be from 0 to 100");
            }
        }
        if self.quiet.is_some_and(|quiet| quiet.from == quiet.until) {
            return bad("quiet", "must begin and end at different times; for always, set do_not_disturb");
        }
        let word = |word: &String| {
            (2..=40).contains(&word.chars().count()) && word.chars().all(|c| c.is_alphabetic() || " '-".contains(c))
        };
        if self.wake_word.as_ref().is_some_and(|w| !word(w)) {
            return bad("wake_word", "must be 2 to 40 letters");
        }
        Ok(self)
    }

    /// What is in force below these, from the top down.
    #[must_use]
    pub fn in_force<'a>(levels: impl IntoIterator<Item = &'a Self>) -> Self {
        levels.into_iter().fold(Self::default(), |above, below| above.with(below))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn clock(text: &str) -> Time {
        text.parse().expect("a time")
    }

    #[test]
    fn what_is_set_below_counts_and_the_rest_comes_from_above() {
        let top = Settings {
            volume: Some(40),
            quiet: Some(Quiet { from: clock("21:00"), until: clock("07:00") }),
            ..Settings::default()
        };
        let unit = Settings { do_not_disturb: Some(false), ..Settings::default() };
        let bed = Settings { volume: Some(0), do_not_disturb: Some(true), ..Settings::default() };
        let now = Settings::in_force([&top, &unit, &bed]);
        assert_eq!((now.volume, now.quiet, now.do_not_disturb), (Some(0), top.quiet, Some(true)));
        assert_eq!(Settings::in_force([]), Settings::default());
        let text = serde_json::to_string(&top).expect("JSON");
        assert_eq!(text, r#"{"volume":40,"quiet":{"from":"21:00:00","until":"07:00:00"}}"#);
        assert_eq!(serde_json::from_str::<Settings>(&text).expect("read"), top);
    }

    #[test]
    fn quiet_hours_go_past_midnight() {
        let night = Quiet { from: clock("21:00"), until: clock("07:00") };
        let noon = Quiet { from: clock("12:00"), until: clock("14:00") };
        for (quiet, time, wanted) in [
            (night, "20:59", false),
            (night, "21:00", true),
            (night, "00:00", true),
            (night, "06:59", true),
            (night, "07:00", false),
            (noon, "11:59", false),
            (noon, "12:00", true),
            (noon, "14:00", false),
        ] {
            assert_eq!(quiet.at(clock(time)), wanted, "{time}");
        }
    }

    #[test]
    fn what_cannot_be_set_is_named() {
        for (text, field) in [
            (r#"{"volume":101}"#, "volume"),
            (r#"{"brightness":200}"#, "brightness"),
            (r#"{"wake_word":"x"}"#, "wake_word"),
            (r#"{"wake_word":"<b>"}"#, "wake_word"),
            (r#"{"quiet":{"from":"21:00","until":"21:00"}}"#, "quiet"),
        ] {
            let settings: Settings = serde_json::from_str(text).expect(text);
            assert_eq!(settings.checked().expect_err(text).field, field);
        }
        for text in [r#"{"volum":1}"#, r#"{"volume":-1}"#, r#"{"quiet":{"from":"25:00","until":"07:00"}}"#] {
            assert!(serde_json::from_str::<Settings>(text).is_err(), "{text}");
        }
        assert!(serde_json::from_str::<Settings>(r#"{"wake_word":"Wellspoken"}"#).expect("read").checked().is_ok());
    }
}
