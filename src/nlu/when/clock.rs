//! The time of a phrase: "half past nine", "between two and four", "after three", "first thing", "afternoon".

use jiff::{Span, civil::Time};

use super::{Phrase, Times};
use crate::nlu::numbers;

/// A part of the day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Part {
    from: i8,
    to: i8,
    half: Option<Half>,
}

impl Part {
    pub(super) const TONIGHT: Self = Self { from: 17, to: 23, half: Some(Half::Pm) };
    const FIRST_THING: Self = Self { from: 6, to: 10, half: Some(Half::Am) };
    const MORNING: Self = Self { from: 6, to: 12, half: Some(Half::Am) };
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Half {
    Am,
    Pm,
}

/// From which hour on hours may go over midnight.
const EVENING: i8 = 17;

/// A clock time as said: the half of the day may be open.
#[derive(Debug, Clone, Copy)]
struct Said {
    hour: i8,
    minute: i8,
    half: Option<Half>,
    /// More than an hour alone: minutes, o'clock, am or pm, noon.
    full: bool,
}

/// What was said about the clock.
#[derive(Debug, Clone, Copy)]
pub(super) enum Clock {
    At(SaidTime),
    Around(SaidTime),
    After(SaidTime),
    Before(SaidTime),
    Between(SaidTime, SaidTime),
    /// Any time will do.
    Open,
    /// A time of day worked out from now.
    Exact(Time),
    /// Fixed hours: "after lunch".
    Hours(Option<i8>, Option<i8>),
}
/// A clock time that was read.
#[derive(Debug, Clone, Copy)]
pub(super) struct SaidTime(Said);

/// "ten fifteen" as hearing may write it: "1015", "10.15". Other numbers look the same, so something before it must say
/// that a time is meant.
fn run_together(word: &str) -> Option<(i8, i8)> {
    let (hour, minute) = match word.split_once('.') {
        Some(parts) => parts,
        None => word.split_at_checked(word.len().checked_sub(2)?)?,
    };
    let digits = |part: &str| part.bytes().all(|b| b.is_ascii_digit());
    if hour.starts_with('0') || minute.len() != 2 || !digits(hour) || !digits(minute) {
        return None;
    }
    let (hour, minute) = (hour.parse().ok()?, minute.parse().ok()?);
    ((1..=12).contains(&hour) && (0..60).contains(&minute)).then_some((hour, minute))
}

/// Whether a word is or begins with a number.
pub(super) fn is_number(word: &str) -> bool {
    word.bytes().next().is_some_and(|b| b.is_ascii_digit())
        || numbers::below_hundred(&[word]).is_some()
        || numbers::ordinal(&[word]).is_some()
}

impl Phrase<'_> {
    /// Takes one part about the time of day. A clock time and a part of the day may each be said once.
    pub(super) fn clock_part(&mut self) -> bool {
        let mark = self.at;
        if self.clock.is_none()
            && let Some(clock) = self.clock_said()
        {
            self.clock = Some(clock);
            return true;
        }
        self.at = mark;
        // "first thing tomorrow morning", "tomorrow morning first thing": one part of the day in two places.
        if self.part == Some(Part::FIRST_THING) && self.take_any(&["in the morning", "morning"]) {
            return true;
        }
        if self.part == Some(Part::MORNING) && self.take("first thing") {
            self.part = Some(Part::FIRST_THING);
            return true;
        }
        if self.part.is_none()
            && let Some(part) = self.part_said()
        {
            self.part = Some(part);
            return true;
        }
        self.at = mark;
        false
    }

    fn part_said(&mut self) -> Option<Part> {
        if self.take("first thing") {
            self.take_any(&["in the morning", "morning"]);
            return Some(Part::FIRST_THING);
        }
        self.take_any(&["in the", "at", "in", "by", "the", "during the"]);
        let early = self.take("early");
        let late = !early && self.take("late");
        let mid = !early && !late && self.take("mid");
        let (from, to, half) = match self.peek(0) {
            "morning" | "mornings" => (6, 12, Some(Half::Am)),
            "afternoon" | "afternoons" => (12, 18, Some(Half::Pm)),
            "evening" => (17, 21, Some(Half::Pm)),
            "night" | "nights" => (18, 23, Some(Half::Pm)),
            "lunchtime" | "lunch" => (11, 13, None),
            _ => return None,
        };
        self.at += 1;
        let third = (to - from) / 3;
        let (from, to) = match (early, late, mid) {
            (true, ..) => (from, from + third.max(2)),
            (_, true, _) => (to - third.max(2), to),
            (.., true) => (from + third, to - third),
            _ => (from, to),
        };
        Some(Part { from, to, half })
    }

    fn clock_said(&mut self) -> Option<Clock> {
        let mark = self.at;
        for (phrase, clock) in [
            ("any time of day", Clock::Open),
            ("any time of the day", Clock::Open),
            ("after lunch", Clock::Hours(Some(13), None)),
            ("before lunch", Clock::Hours(None, Some(12))),
            ("after work", Clock::Hours(Some(17), None)),
            ("before work", Clock::Hours(None, Some(9))),
            ("at the end of the day", Clock::Hours(Some(16), Some(18))),
            ("the end of the day", Clock::Hours(Some(16), Some(18))),
            ("end of the day", Clock::Hours(Some(16), Some(18))),
            ("end of day", Clock::Hours(Some(16), Some(18))),
            ("late in the day", Clock::Hours(Some(16), Some(18))),
            ("early in the day", Clock::Hours(Some(6), Some(10))),
        ] {
            if self.take(phrase) {
                return Some(clock);
            }
        }
        if let Some(clock) = self.hours_from_now() {
            return Some(clock);
        }
        self.at = mark;
        self.take_any(&["any time", "anytime", "some time", "sometime"]);
        if self.take("between") {
            let first = self.time_said(true)?;
            if !self.take("and") && !self.take("to") {
                return None;
            }
            return Some(Clock::Between(first, self.time_said(true)?));
        }
        if self.take("from") {
            // Here "ten to two" is two hours, not ten minutes before one of them.
            let hours = self.hour_to_hour().then(|| self.hour_word()).flatten();
            let first = match hours {
                Some(hour) => SaidTime(Said { hour, minute: 0, half: None, full: false }),
                None => self.time_said(true)?,
            };
            if self.take_any(&["onwards", "onward", "on"]) {
                return Some(Clock::After(first));
            }
            if !self.take_any(&["to", "until", "till", "through"]) {
                return None;
            }
            return Some(Clock::Between(first, self.time_said(true)?));
        }
        if self.take_any(&["after", "no earlier than", "later than", "past", "starting at"]) {
            return Some(Clock::After(self.time_said(true)?));
        }
        if self.take_any(&["before", "no later than", "earlier than", "by", "until", "till"]) {
            return Some(Clock::Before(self.time_said(true)?));
        }
        if self.take_any(&["at around", "at about", "around", "about", "close to"]) {
            return Some(Clock::Around(self.time_said(true)?));
        }
        self.at = mark;
        let led = self.take("at");
        let bare = self.bare || led || self.hour_before_part();
        let first = self.time_said(bare || self.hour_to_hour())?;
        let mark = self.at;
        if self.take_any(&["to", "until", "till", "through"])
            && let Some(second) = self.time_said(true)
        {
            return Some(Clock::Between(first, second));
        }
        self.at = mark;
        if self.take_any(&["or later", "or after", "onwards", "onward", "or any time after"]) {
            return Some(Clock::After(first));
        }
        if self.take_any(&["or earlier", "or before"]) {
            return Some(Clock::Before(first));
        }
        if self.take("or so") {
            return Some(Clock::Around(first));
        }
        Some(Clock::At(first))
    }

    /// "seven tonight", "three this afternoon", "nine in the morning", "nine tomorrow morning".
    fn hour_before_part(&self) -> bool {
        let part = |w: &str| matches!(w, "morning" | "afternoon" | "evening" | "night");
        match (self.peek(1), self.peek(2), self.peek(3)) {
            ("tonight", ..) => true,
            ("this" | "tomorrow" | "at", p, _) => part(p),
            ("in", "the", p) => part(p),
            _ => false,
        }
    }

    /// "two to four pm": an hour alone may open a range.
    fn hour_to_hour(&self) -> bool {
        matches!(self.peek(1), "to" | "until" | "till") && numbers::below_hundred(&[self.peek(2)]).is_some()
    }

    /// "in two hours", "in half an hour", "in twenty minutes": minutes of real time, so clocks may change between.
    fn hours_from_now(&mut self) -> Option<Clock> {
        if self.days.is_some() || self.weekday.is_some() || !self.take("in") {
            return None;
        }
        let minutes: i64 = if self.take_any(&["half an hour", "a half hour"]) {
            30
        } else if self.take_any(&["an hour and a half"]) {
            90
        } else {
            let n = if self.take_any(&["an", "a"]) {
                1
            } else if self.take_any(&["a couple of"]) {
                2
            } else {
                let (n, used) = numbers::below_hundred(self.rest())?;
                self.at += used;
                i64::from(n)
            };
            if self.take_any(&["hour", "hours"]) {
                n * 60
            } else if self.take_any(&["minute", "minutes"]) {
                n
            } else {
                return None;
            }
        };
        self.take("from now");
        let then = self.now.checked_add(Span::new().try_minutes(minutes).ok()?).ok()?;
        self.set_day(then.date());
        let time = Time::new(then.hour(), then.minute(), 0, 0).ok()?;
        Some(Clock::Exact(time))
    }

    /// One clock time. `hour_alone`: something before it says that an hour alone is meant.
    fn time_said(&mut self, hour_alone: bool) -> Option<SaidTime> {
        let mark = self.at;
        let mut said = self.clock_words();
        if said.is_none() {
            self.at = mark;
            return None;
        }
        if let Some(said) = &mut said {
            let half = if self.take_any(&["am", "a m"]) {
                Some(Half::Am)
            } else if self.take_any(&["pm", "p m"]) {
                Some(Half::Pm)
            } else {
                None
            };
            if half.is_some() {
                if said.hour > 12 {
                    self.at = mark;
                    return None;
                }
                said.half = half;
                said.full = true;
            }
        }
        said.filter(|s| s.full || hour_alone).map(SaidTime)
    }

    fn clock_words(&mut self) -> Option<Said> {
        let fixed = |hour, half| Some(Said { hour, minute: 0, half, full: true });
        if self.take_any(&["twelve noon", "noon", "midday", "twelve midday"]) {
            return fixed(12, Some(Half::Pm));
        }
        if self.take_any(&["twelve midnight", "midnight"]) {
            return fixed(12, Some(Half::Am));
        }
        let mark = self.at;
        if let Some(said) = self.minutes_and_hour() {
            return Some(said);
        }
        self.at = mark;
        if let Some((h, m)) = self.peek(0).split_once(':') {
            let (hour, minute) = (h.parse().ok()?, m.get(..2)?.parse().ok()?);
            let fits = (0..24).contains(&hour) && (0..60).contains(&minute) && m.len() == 2;
            if !fits {
                return None;
            }
            self.at += 1;
            let half = (hour > 12 || h.starts_with('0')).then_some(if hour < 12 { Half::Am } else { Half::Pm });
            return Some(Said { hour, minute, half, full: true });
        }
        if let Some((hour, minute)) = run_together(self.peek(0)) {
            self.at += 1;
            return Some(Said { hour, minute, half: None, full: false });
        }
        let (hour, used) = numbers::below_hundred(self.rest())?;
        let hour = i8::try_from(hour).ok().filter(|h| (1..=24).contains(h) && used == 1)?;
        if hour > 12 && !self.rest().first().is_some_and(|w| w.bytes().all(|b| b.is_ascii_digit())) {
            return None;
        }
        self.at += 1;
        if self.take_any(&["oclock", "o clock"]) {
            return Some(Said { hour, minute: 0, half: None, full: true });
        }
        let mark = self.at;
        let oh = self.take_any(&["oh", "o", "zero"]);
        if let Some((minute, used)) = numbers::below_hundred(self.rest()) {
            let minute = i8::try_from(minute).ok()?;
            let fits = if oh { (1..10).contains(&minute) && used == 1 } else { (10..60).contains(&minute) };
            // "two ten" may be said of money or doses; round minutes are said of clocks.
            if fits {
                self.at += used;
                return Some(Said { hour, minute, half: None, full: true });
            }
        }
        self.at = mark;
        if hour == 24 || hour > 12 {
            return None;
        }
        Some(Said { hour, minute: 0, half: None, full: false })
    }

    /// "half past nine", "quarter to five", "ten past two", "twenty five minutes to three".
    fn minutes_and_hour(&mut self) -> Option<Said> {
        let minutes: i8 = if self.take_any(&["half past", "half pass", "half passed", "half after", "half"]) {
            let hour = self.hour_word()?;
            return Some(Said { hour, minute: 30, half: None, full: true });
        } else if self.take_any(&["a quarter", "quarter"]) {
            15
        } else {
            let (n, used) = numbers::below_hundred(self.rest())?;
            self.at += used;
            let minutes = self.take_any(&["minutes", "minute"]);
            let n = i8::try_from(n).ok().filter(|n| (1..30).contains(n))?;
            if !minutes && !matches!(n, 5 | 10 | 20 | 25) {
                return None;
            }
            n
        };
        // "Pass" is how "past" before a number is often heard.
        if self.take_any(&["past", "pass", "passed", "after"]) {
            Some(Said { hour: self.hour_word()?, minute: minutes, half: None, full: true })
        } else if self.take_any(&["to", "till", "before", "of", "until"]) {
            let hour = self.hour_word()?;
            let hour = if hour == 1 { 12 } else { hour - 1 };
            Some(Said { hour, minute: 60 - minutes, half: None, full: true })
        } else {
            None
        }
    }

    fn hour_word(&mut self) -> Option<i8> {
        if self.take_any(&["noon", "midday", "midnight"]) {
            return Some(12);
        }
        let (hour, used) = numbers::below_hundred(self.rest())?;
        let hour = i8::try_from(hour).ok().filter(|h| (1..=12).contains(h) && used == 1)?;
        self.at += 1;
        self.take_any(&["oclock", "o clock"]);
        Some(hour)
    }

    /// The times all parts agree on; `None` where they do not.
    pub(super) fn resolve_time(&self) -> Option<Times> {
        let half = self.part.and_then(|p| p.half);
        let night = self.part == Some(Part::TONIGHT) || self.part.is_some_and(|p| p.to == 23);
        let fix = |said: SaidTime| said.0.at(half, night);
        let Some(clock) = self.clock else {
            let Some(part) = self.part else { return Some((None, None)) };
            return Some((Time::new(part.from, 0, 0, 0).ok(), Time::new(part.to, 0, 0, 0).ok()));
        };
        let hour = |h: Option<i8>| h.and_then(|h| Time::new(h, 0, 0, 0).ok());
        match clock {
            Clock::Open => Some((None, None)),
            Clock::Exact(time) => Some((Some(time), Some(time))),
            Clock::Hours(from, to) => Some((hour(from), hour(to))),
            Clock::At(said) => {
                let time = fix(said)?;
                Some((Some(time), Some(time)))
            }
            Clock::Around(said) => {
                let time = fix(said)?;
                let half_an_hour = Span::new().try_minutes(30).ok()?;
                Some((Some(time.saturating_sub(half_an_hour)), Some(time.saturating_add(half_an_hour))))
            }
            Clock::After(said) => Some((fix(said), self.part.and_then(|p| hour(Some(p.to))))),
            Clock::Before(said) => Some((self.part.and_then(|p| hour(Some(p.from))), fix(said))),
            Clock::Between(first, second) => {
                let end = fix(second)?;
                // The half of the day said last covers both ("two to four pm"), unless that runs backwards.
                let mut candidates = [second.0.half.or(half), None, Some(Half::Am), Some(Half::Pm)]
                    .into_iter()
                    .filter_map(|h| first.0.at(first.0.half.or(h), night));
                // Hours over midnight begin in the evening: "from ten to seven".
                let evening = || first.0.at(first.0.half.or(Some(Half::Pm)), night).filter(|s| s.hour() >= EVENING);
                let start = candidates.find(|s| *s < end).or_else(evening)?;
                Some((Some(start), Some(end)))
            }
        }
    }
}

impl Said {
    /// The time of day. With no half said, a clinic's hours decide: one to six is after noon.
    fn at(self, half: Option<Half>, night: bool) -> Option<Time> {
        let hour = match (self.hour, self.half.or(half)) {
            (13.., _) | (0, _) => self.hour,
            (12, Some(Half::Am)) => 0,
            (12, Some(Half::Pm)) if night && self.half.is_none() => 0,
            (12, _) => 12,
            (h, Some(Half::Am)) => h,
            (h, Some(Half::Pm)) if night && self.half.is_none() && h < 5 => h,
            (h, Some(Half::Pm)) => h + 12,
            (h @ 1..=6, None) => h + 12,
            (h, None) => h,
        };
        Time::new(hour, self.minute, 0, 0).ok()
    }
}

impl Phrase<'_> {
    fn set_day(&mut self, date: jiff::civil::Date) {
        self.days = Some(super::days::on(date));
    }
}
