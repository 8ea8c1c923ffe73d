//! Dates, times of day and everything written with a slash between numbers. Each reader says what it
//! recognizes, moves on and answers true.

use super::{
    super::numbers::{cardinal, in_pairs, ordinal},
    Reader,
    tables::{MONTHS, is_calendar_word},
};

impl Reader {
    /// `2026-12-03`.
    pub(super) fn iso_date(&mut self) -> bool {
        let i = self.at;
        let dashes = self.is_glued_mark(i + 1, '-') && self.is_glued_mark(i + 3, '-');
        match (self.whole(i), self.glued_whole(i + 2), self.glued_whole(i + 4)) {
            (Some(y @ 1000..=2999), Some(m @ 1..=12), Some(d @ 1..=31)) if dashes => {
                self.date(m, d, Some(y));
                self.at = i + 5;
                true
            }
            _ => false,
        }
    }

    /// `12/03/2026` (month first), `120/80`, `1/2`, `24/7`.
    pub(super) fn slashed(&mut self) -> bool {
        let i = self.at;
        if !self.is_glued_mark(i + 1, '/') {
            return false;
        }
        let (Some(a), Some(b)) = (self.whole(i), self.glued_whole(i + 2)) else { return false };
        if self.is_glued_mark(i + 3, '/')
            && let Some(year) = self.glued_whole(i + 4)
            && (1..=12).contains(&a)
            && (1..=31).contains(&b)
        {
            self.date(a, b, Some(if year < 100 { 2000 + year } else { year }));
            self.at = i + 5;
            return true;
        }
        match (a, b) {
            (24, 7) => self.say("twenty four seven"),
            (1, 2) => self.say("one half"),
            (1 | 3, 4) => self.say(if a == 1 { "one quarter" } else { "three quarters" }),
            (1..=9, 3..=10) if a < b => {
                let part = ordinal(b);
                let plural = if a == 1 { "" } else { "s" };
                self.say(&format!("{} {part}{plural}", cardinal(a)));
            }
            _ => self.say(&format!("{} over {}", cardinal(a), cardinal(b))),
        }
        self.at = i + 3;
        if let Some((_, many, next)) = self.unit(i + 3) {
            self.say(&many);
            self.at = next;
        }
        true
    }

    pub(super) fn date(&mut self, month: u64, day: u64, year: Option<u64>) {
        if let Some((name, _)) = month.checked_sub(1).and_then(|m| MONTHS.get(m as usize)) {
            self.say(name);
        }
        self.say(&ordinal(day));
        if let Some(year) = year {
            self.pause(',');
            self.say(&in_pairs(year));
        }
    }

    /// `9:30`, `9:30 AM`, `9 a.m.`, `14:05`.
    pub(super) fn clock(&mut self) -> bool {
        let i = self.at;
        let Some(hour @ 0..=24) = self.whole(i) else { return false };
        let minutes = (self.is_glued_mark(i + 1, ':') && self.text(i + 2).len() == 2)
            .then(|| self.glued_whole(i + 2))
            .flatten()
            .filter(|m| *m < 60);
        let after = if minutes.is_some() { i + 3 } else { i + 1 };
        let half_day = self.half_day(after);
        match (minutes, half_day) {
            (None, None) => return false,
            (None | Some(0), Some(_)) => self.say(&cardinal(hour)),
            (Some(0), None) if (1..=12).contains(&hour) => self.say(&format!("{} o'clock", cardinal(hour))),
            (Some(0), None) => self.say(&format!("{} hundred", cardinal(hour))),
            (Some(m), _) if m < 10 => self.say(&format!("{} oh {}", cardinal(hour), cardinal(m))),
            (Some(m), _) => self.say(&format!("{} {}", cardinal(hour), cardinal(m))),
        }
        self.at = after;
        if let Some((letter, next)) = half_day {
            self.spell(&format!("{letter}M"));
            // The point of "9 a.m." may also end the sentence.
            let ends = self.is_mark(next - 1, '.') && self.sentence_starts(next) && !is_calendar_word(self.text(next));
            self.at = next;
            if ends {
                self.end_sentence('.');
            }
        }
        true
    }

    /// `AM`, `pm`, `a.m.` at a place: the letter, and where it ends.
    pub(super) fn half_day(&self, i: usize) -> Option<(char, usize)> {
        let letter = |text: &str| match text {
            "a" | "A" => Some('A'),
            "p" | "P" => Some('P'),
            _ => None,
        };
        match self.text(i) {
            "AM" | "am" | "Am" => Some(('A', i + 1)),
            "PM" | "pm" | "Pm" => Some(('P', i + 1)),
            text => {
                let letter = letter(text)?;
                let dotted =
                    self.is_glued_mark(i + 1, '.') && self.glued(i + 2) && matches!(self.text(i + 2), "m" | "M");
                dotted.then(|| (letter, if self.is_glued_mark(i + 3, '.') { i + 4 } else { i + 3 }))
            }
        }
    }
}
