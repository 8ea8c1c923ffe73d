//! The days of a phrase: "tomorrow", "next tuesday", "a week from thursday", "december third", "end of next month".

use jiff::{Span, ToSpan, civil::Date};

use super::{Phrase, Range, Sense};
use crate::nlu::numbers;

/// Days said without a weekday.
#[derive(Debug, Clone, Copy)]
pub(super) struct Days {
    pub(super) range: Range,
    /// Said by the week ("in two weeks"), so a weekday said too picks a day in that week.
    pub(super) by_week: bool,
}

pub(super) fn month(word: &str) -> Option<i8> {
    Some(match word {
        "january" | "jan" => 1,
        "february" | "feb" => 2,
        "march" => 3,
        "april" => 4,
        "may" => 5,
        "june" => 6,
        "july" => 7,
        "august" | "aug" => 8,
        "september" | "sept" => 9,
        "october" | "oct" => 10,
        "november" | "nov" => 11,
        "december" | "dec" => 12,
        _ => return None,
    })
}

fn plus(date: Date, span: Span) -> Option<Date> {
    date.checked_add(span).ok()
}

pub(super) fn days_on(date: Date, days: i64) -> Option<Date> {
    plus(date, Span::new().try_days(days).ok()?)
}

fn monday_of(date: Date) -> Option<Date> {
    days_on(date, -i64::from(date.weekday().to_monday_zero_offset()))
}

pub(super) fn week_of(date: Date) -> Option<Range> {
    let monday = monday_of(date)?;
    Some((monday, days_on(monday, 6)?))
}

fn month_of(date: Date) -> Range {
    (date.first_of_month(), date.last_of_month())
}

pub(super) fn on(date: Date) -> Days {
    one(date)
}

fn one(date: Date) -> Days {
    Days { range: (date, date), by_week: false }
}

const fn many(range: Range) -> Days {
    Days { range, by_week: true }
}

#[derive(Clone, Copy)]
enum Unit {
    Day,
    Week,
    Month,
    Year,
}

impl Phrase<'_> {
    /// Takes one part that names days. Each of the two kinds (days, weekday) may be said once.
    pub(super) fn day_part(&mut self) -> bool {
        let mark = self.at;
        if self.days.is_none()
            && let Some(days) = self.days_said()
        {
            self.days = Some(days);
            return true;
        }
        self.at = mark;
        if self.weekday.is_none()
            && let Some(day) = self.weekday_said()
        {
            self.weekday = Some(day);
            return true;
        }
        self.at = mark;
        false
    }

    fn days_said(&mut self) -> Option<Days> {
        let mark = self.at;
        for reader in [Self::near_day, Self::counted, Self::edge, Self::whole_period, Self::day_of_month, Self::numeric]
        {
            if let Some(days) = reader(self) {
                return Some(days);
            }
            self.at = mark;
        }
        None
    }

    fn near_day(&mut self) -> Option<Days> {
        let today = self.today();
        for (phrase, offset) in [
            ("the day after tomorrow", 2),
            ("day after tomorrow", 2),
            ("the day before yesterday", -2),
            ("day before yesterday", -2),
            ("later today", 0),
            ("earlier today", 0),
            ("today", 0),
            ("tomorrow", 1),
            ("yesterday", -1),
        ] {
            if self.take(phrase) {
                return Some(one(days_on(today, offset)?));
            }
        }
        let mark = self.at;
        let beside = if self.take_any(&["the day after", "day after"]) {
            1
        } else if self.take_any(&["the day before", "day before"]) {
            -1
        } else {
            0
        };
        if let Some(date) = self.holiday() {
            return Some(one(days_on(date, beside)?));
        }
        self.at = mark;
        // The part of the day stays for the clock to read.
        let part = |w: &str| matches!(w, "morning" | "afternoon" | "evening");
        if self.peek(0) == "tonight" {
            return self.part_of(today, 1);
        }
        if self.peek(0) == "this" && (part(self.peek(1)) || self.peek(1) == "very") {
            self.at += 1;
            return Some(one(today));
        }
        if self.peek(0) == "last" && self.peek(1) == "night" {
            self.at += 1;
            return Some(one(days_on(today, -1)?));
        }
        None
    }

    /// "tonight" is a day and a part of it; the word is taken here and its part noted.
    fn part_of(&mut self, day: Date, words: usize) -> Option<Days> {
        if self.part.is_some() {
            return None;
        }
        self.part = Some(super::clock::Part::TONIGHT);
        self.at += words;
        Some(one(day))
    }

    /// "in two weeks", "two weeks from thursday", "three days ago", "a week from today".
    fn counted(&mut self) -> Option<Days> {
        let led = self.take("in");
        let (count, spread) = self.count()?;
        let unit = match self.peek(0) {
            "day" | "days" => Unit::Day,
            "week" | "weeks" => Unit::Week,
            "fortnight" => Unit::Week,
            "month" | "months" => Unit::Month,
            "year" | "years" => Unit::Year,
            _ => return None,
        };
        let count = if self.peek(0) == "fortnight" { count * 2 } else { count };
        self.at += 1;
        let (base, sign) = if self.take("ago") || self.take("earlier") {
            (self.today(), -1)
        } else if self.take_any(&["from now", "from today", "after today", "later"]) {
            (self.today(), 1)
        } else if self.take("from") || self.take("after") {
            let base = match self.near_day() {
                Some(days) => days.range.0,
                None => {
                    let named = self.weekday_said()?;
                    self.named_day(named)?.0
                }
            };
            (base, 1)
        } else if led {
            (self.today(), 1)
        } else {
            return None;
        };
        let step = |n: i64| {
            let n = n * sign;
            plus(
                base,
                match unit {
                    Unit::Day => Span::new().try_days(n).ok()?,
                    Unit::Week => Span::new().try_weeks(n).ok()?,
                    Unit::Month => Span::new().try_months(n).ok()?,
                    Unit::Year => Span::new().try_years(n).ok()?,
                },
            )
        };
        let (first, last) = (step(count)?, step(count + spread)?);
        Some(Days { range: (first.min(last), first.max(last)), by_week: !matches!(unit, Unit::Day) })
    }

    /// How many, and how many more it may be ("a few").
    fn count(&mut self) -> Option<(i64, i64)> {
        if self.take_any(&["a couple of", "a couple", "couple of"]) {
            return Some((2, 0));
        }
        if self.take("a few") {
            return Some((3, 1));
        }
        if self.take_any(&["a", "an"]) {
            return Some((1, 0));
        }
        let (n, used) = numbers::below_hundred(self.rest())?;
        self.at += used;
        Some((i64::from(n), 0)).filter(|&(n, _)| n > 0)
    }

    /// "early next week", "the end of the month", "mid december", "later this week".
    fn edge(&mut self) -> Option<Days> {
        #[derive(Clone, Copy)]
        enum Edge {
            Start,
            Middle,
            End,
            Rest,
        }
        self.take("at");
        let edge = [
            ("the beginning of", Edge::Start),
            ("beginning of", Edge::Start),
            ("the start of", Edge::Start),
            ("start of", Edge::Start),
            ("early in", Edge::Start),
            ("early", Edge::Start),
            ("the middle of", Edge::Middle),
            ("middle of", Edge::Middle),
            ("mid", Edge::Middle),
            ("the end of", Edge::End),
            ("end of", Edge::End),
            ("late in", Edge::End),
            ("late", Edge::End),
            ("later", Edge::Rest),
        ]
        .into_iter()
        .find_map(|(words, edge)| self.take(words).then_some(edge))?;
        if self.take("the") && !matches!(self.peek(0), "week" | "month" | "year") {
            return None;
        }
        let (first, last) = match self.peek(0) {
            "week" => {
                self.at += 1;
                week_of(self.today())?
            }
            "month" => {
                self.at += 1;
                month_of(self.today())
            }
            _ => self.whole_period()?.range,
        };
        let length = i64::from((last - first).get_days());
        let range = match (edge, length) {
            (Edge::Rest, _) => (first.max(days_on(self.today(), 1)?), last),
            (Edge::Start, ..7) => (first, days_on(first, 1)?),
            (Edge::Middle, ..7) => (days_on(first, 2)?, days_on(first, 2)?),
            (Edge::End, ..7) => (days_on(first, 3)?, days_on(first, 4)?),
            (Edge::Start, _) => (first, days_on(first, length / 3 - 1)?),
            (Edge::Middle, _) => (days_on(first, length / 3)?, days_on(first, length * 2 / 3 - 1)?),
            (Edge::End, _) => (days_on(first, length * 2 / 3)?, last),
        };
        (range.0 <= range.1).then(|| many(range))
    }

    /// "this week", "next month", "the week after next", "the weekend", "in december", "the week of december first".
    fn whole_period(&mut self) -> Option<Days> {
        let today = self.today();
        let monday = monday_of(today)?;
        if self.take_any(&["the week after next", "week after next"]) {
            return Some(many(week_of(days_on(monday, 14)?)?));
        }
        if self.take_any(&["the month after next", "month after next"]) {
            return Some(many(month_of(plus(today.first_of_month(), 2.months())?)));
        }
        if self.take_any(&["the week of", "the week of the"]) {
            let day = self.day_of_month()?;
            return Some(many(week_of(day.range.0)?));
        }
        if self.take_any(&["the next few days", "next few days", "the next couple of days", "the next couple days"]) {
            return Some(many((days_on(today, 1)?, days_on(today, 3)?)));
        }
        let offset = if self.take_any(&["next", "the next", "the following", "this next"]) {
            1
        } else if self.take_any(&["last", "this past", "this last", "the last", "past"]) {
            -1
        } else if self.take_any(&["this coming", "this", "later this"])
            || (self.take("the") && self.peek(0) == "weekend")
            || self.peek(0) == "weekend"
        {
            0
        } else if month(self.peek(0)).is_some() {
            return self.month_alone(0);
        } else {
            return None;
        };
        let range = match self.peek(0) {
            "week" => week_of(days_on(monday, 7 * offset)?)?,
            "weekend" => {
                let saturday = days_on(monday, 5 + 7 * offset)?;
                (saturday, days_on(saturday, 1)?)
            }
            "month" => month_of(plus(today.first_of_month(), Span::new().try_months(offset).ok()?)?),
            "year" => {
                let first = plus(today.first_of_year(), Span::new().try_years(offset).ok()?)?;
                (first, first.last_of_year())
            }
            _ => return self.month_alone(offset),
        };
        self.at += 1;
        let clipped = if offset == 0 && self.sense == Sense::Ahead { (range.0.max(today), range.1) } else { range };
        Some(many(clipped))
    }

    /// "december", "next december". "may" and "march" are also plain words: they need "in", "this" or "next".
    fn month_alone(&mut self, offset: i64) -> Option<Days> {
        let word = self.peek(0);
        let m = month(word)?;
        if matches!(word, "may" | "march") && self.at == 0 && !self.bare {
            return None;
        }
        self.at += 1;
        if let Some((y, used)) = numbers::year(self.rest()) {
            self.at += used;
            return Some(many(month_of(Date::new(y, m, 1).ok()?)));
        }
        let rest = self.rest();
        if matches!(rest.first(), Some(&("the" | "this")))
            || numbers::ordinal(rest).is_some()
            || numbers::below_hundred(rest).is_some()
        {
            return None;
        }
        let today = self.today();
        let year = match self.sense {
            Sense::Ahead if m < today.month() => today.year() + 1,
            Sense::Ahead if m == today.month() && offset > 0 => today.year() + 1,
            Sense::Behind if m > today.month() => today.year() - 1,
            _ => today.year(),
        };
        let (first, last) = month_of(Date::new(year, m, 1).ok()?);
        Some(many(if self.sense == Sense::Ahead { (first.max(today), last) } else { (first, last) }))
    }

    /// "december third", "the third of december", "december 3 2026", "on the fifteenth".
    fn day_of_month(&mut self) -> Option<Days> {
        let led = self.at > 0 && matches!(self.words.get(self.at - 1), Some(&("on" | "by" | "for" | "until")));
        if let Some(m) = month(self.peek(0)) {
            self.at += 1;
            // "The" before an ordinal is sometimes heard as "this".
            self.take_any(&["the", "this"]);
            let (day, used) = numbers::ordinal(self.rest()).or_else(|| numbers::below_hundred(self.rest()))?;
            self.at += used;
            return Some(self.dated(m, day));
        }
        let on = self.take("on");
        let the = self.take("the");
        let (day, used) = numbers::ordinal(self.rest()).or_else(|| self.day_before_month())?;
        self.at += used;
        self.take("of");
        if let Some(m) = month(self.peek(0)) {
            self.at += 1;
            return Some(self.dated(m, day));
        }
        if self.words.get(self.at - 1) == Some(&"of") {
            return None;
        }
        if !(self.bare || (the && (led || on)) || (the && self.weekday.is_some())) {
            return None;
        }
        self.lone_day(day)
    }

    /// "The fifteenth of July" as hearing may write it: "15 July". "May" and "march" are other words, too.
    fn day_before_month(&self) -> Option<(u32, usize)> {
        let (day, used) = numbers::below_hundred(self.rest())?;
        let next = self.peek(used);
        month(next)?;
        (self.bare || !matches!(next, "may" | "march")).then_some((day, used))
    }

    /// A day and month with the year that was said, or else the one that fits the sense.
    fn dated(&mut self, month: i8, day: u32) -> Days {
        let today = self.today();
        let day = i8::try_from(day).unwrap_or(i8::MAX);
        let date = match numbers::year(self.rest()) {
            Some((year, used)) => {
                self.at += used;
                Date::new(year, month, day).ok()
            }
            None => {
                // Eight years reach the next 29 February across a century year.
                let years = (0..=8_i16).map(|n| match self.sense {
                    Sense::Ahead => today.year() + n,
                    Sense::Behind => today.year() - n,
                });
                let wanted = |d: &Date| match self.sense {
                    Sense::Ahead => *d >= today,
                    Sense::Behind => *d <= today,
                };
                years.filter_map(|y| Date::new(y, month, day).ok()).find(wanted)
            }
        };
        match date {
            Some(date) => one(date),
            None => {
                self.impossible = true;
                one(today)
            }
        }
    }

    /// "the fifteenth": in this month or, once that is past, the next one. A 31st is never made a 1st.
    fn lone_day(&mut self, day: u32) -> Option<Days> {
        let today = self.today();
        let step = if self.sense == Sense::Ahead { 1 } else { -1 };
        let day = i8::try_from(day).ok()?;
        let found = (0..3_i64).find_map(|n| {
            let first = plus(today.first_of_month(), Span::new().try_months(n * step).ok()?)?;
            let date = Date::new(first.year(), first.month(), day).ok()?;
            let fits = if self.sense == Sense::Ahead { date >= today } else { date <= today };
            fits.then_some(date)
        });
        match found {
            Some(date) => Some(one(date)),
            None => {
                self.impossible = true;
                Some(one(today))
            }
        }
    }

    /// "12/3", "12/3/2026", "2026-12-03".
    fn numeric(&mut self) -> Option<Days> {
        let word = self.peek(0);
        let date = if word.len() == 10 && word.contains('-') {
            self.at += 1;
            word.parse::<Date>().ok()
        } else {
            let mut parts = word.split('/');
            let m: i8 = parts.next()?.parse().ok()?;
            let day: u32 = parts.next()?.parse().ok()?;
            if !(1..=12).contains(&m) || !(1..=31).contains(&day) {
                return None;
            }
            let year = parts.next().map(str::parse::<i16>);
            self.at += 1;
            match year {
                None => return Some(self.dated(m, day)),
                Some(year) => {
                    let year = year.ok().map(|y| if y < 100 { y + 2000 } else { y })?;
                    Date::new(year, m, i8::try_from(day).ok()?).ok()
                }
            }
        };
        self.impossible |= date.is_none();
        Some(one(date.unwrap_or_else(|| self.today())))
    }
}
