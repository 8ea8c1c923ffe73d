//! Weekdays: "friday", "next tuesday", "the friday after next"; and which date all day words agree on.

use jiff::civil::{Date, Weekday};

use super::{
    Phrase, Range, Sense,
    days::{days_on, week_of},
};

/// A weekday with what was said before it.
#[derive(Debug, Clone, Copy)]
pub(super) struct NamedDay {
    day: Weekday,
    which: Which,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Which {
    Plain,
    This,
    Next,
    AfterNext,
    Last,
    WeekLater,
}

pub(in crate::nlu) fn weekday(word: &str) -> Option<Weekday> {
    Some(match word {
        "monday" | "mondays" => Weekday::Monday,
        "tuesday" | "tuesdays" | "tues" => Weekday::Tuesday,
        "wednesday" | "wednesdays" | "weds" => Weekday::Wednesday,
        "thursday" | "thursdays" | "thurs" => Weekday::Thursday,
        "friday" | "fridays" => Weekday::Friday,
        "saturday" | "saturdays" => Weekday::Saturday,
        "sunday" | "sundays" => Weekday::Sunday,
        _ => return None,
    })
}

impl Phrase<'_> {
    pub(super) fn weekday_said(&mut self) -> Option<NamedDay> {
        let mark = self.at;
        let mut which = if self.take_any(&["this coming", "coming", "this"]) {
            Which::This
        } else if self.take_any(&["the following", "this next", "the next", "next"]) {
            Which::Next
        } else if self.take_any(&["this past", "this last", "last", "past"]) {
            Which::Last
        } else {
            self.take("the");
            Which::Plain
        };
        let Some(day) = weekday(self.peek(0)) else {
            self.at = mark;
            return None;
        };
        self.at += 1;
        if self.take("after next") {
            which = Which::AfterNext;
        } else if which == Which::Plain && self.peek(0) == "week" {
            // "friday week"
            self.at += 1;
            which = Which::WeekLater;
        }
        Some(NamedDay { day, which })
    }

    /// The date of a weekday, and how sure that is.
    pub(super) fn named_day(&self, named: NamedDay) -> Option<(Date, f32)> {
        let today = self.today();
        let offset = i64::from(named.day.to_monday_zero_offset()) - i64::from(today.weekday().to_monday_zero_offset());
        let upcoming = if offset > 0 { offset } else { offset + 7 };
        let in_next_week = offset + 7;
        let past = if offset < 0 { offset } else { offset - 7 };
        let (days, sure) = match (named.which, self.sense) {
            (Which::Plain, Sense::Ahead) => (upcoming, 1.0),
            (Which::Plain, Sense::Behind) => (if offset == 0 { 0 } else { past }, 1.0),
            (Which::This, Sense::Ahead) => (offset.rem_euclid(7), 1.0),
            (Which::This, Sense::Behind) => (offset, 0.9),
            // People differ about "next" for a day that is still to come this week.
            (Which::Next, _) => (in_next_week, if in_next_week == upcoming { 1.0 } else { 0.8 }),
            (Which::AfterNext, _) => (in_next_week + 7, 0.9),
            (Which::Last, _) => (past, if offset < 0 { 0.9 } else { 1.0 }),
            (Which::WeekLater, _) => (upcoming + 7, 0.9),
        };
        Some((days_on(today, days)?, sure))
    }

    /// The days all parts agree on; `None` where they do not.
    #[expect(clippy::option_option, reason = "no agreement is not the same as no days said")]
    pub(super) fn resolve_days(&mut self) -> Option<Option<Range>> {
        match (self.days, self.weekday) {
            (None, None) => Some(None),
            (Some(days), None) => Some(Some(days.range)),
            (None, Some(named)) => {
                let (date, sure) = self.named_day(named)?;
                self.confidence = self.confidence.min(sure);
                Some(Some((date, date)))
            }
            (Some(days), Some(named)) => {
                let (first, last) = days.range;
                if first == last && !days.by_week {
                    return (first.weekday() == named.day).then_some(Some(days.range));
                }
                let (first, last) = if first == last { week_of(first)? } else { (first, last) };
                let offset =
                    i64::from(named.day.to_monday_zero_offset()) - i64::from(first.weekday().to_monday_zero_offset());
                let date = days_on(first, offset.rem_euclid(7))?;
                (date <= last).then_some(Some((date, date)))
            }
        }
    }
}
