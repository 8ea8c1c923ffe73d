//! Quantities with their units, ordinals, years, rooms, telephone numbers and money.

use super::{
    super::numbers::{cardinal, digits, in_pairs, ordinal, quantity},
    Reader,
    tables::{UNITS, is_month, vulgar_fraction},
};

impl Reader {
    /// `555-0123`, `212-555-0123`, `1-800-555-0123`, `911`. The brackets of `(212) 555-0123` are read as a pause.
    pub(super) fn telephone(&mut self) -> bool {
        let i = self.at;
        if matches!(self.text(i), "911" | "988") && !self.is_glued_mark(i + 1, '-') {
            let spoken = digits(self.text(i));
            self.say(&spoken);
            self.at = i + 1;
            return true;
        }
        let area = self.text(i).len() == 3 && self.is_mark(i + 1, ')') && self.text(i + 2).len() == 3;
        let mut groups = vec![self.text(i).to_owned()];
        let mut end = i + 1;
        if area && self.whole(i + 2).is_some() {
            groups.push(self.text(i + 2).to_owned());
            end = i + 3;
        }
        while self.is_glued_mark(end, '-') && self.glued_whole(end + 1).is_some() {
            groups.push(self.text(end + 1).to_owned());
            end += 2;
        }
        let lengths: Vec<usize> = groups.iter().map(String::len).collect();
        if !matches!(lengths[..], [3, 4] | [3, 3, 4] | [1, 3, 3, 4]) || self.whole(i).is_none() {
            return false;
        }
        for (n, group) in groups.iter().enumerate() {
            if n > 0 {
                self.pause(',');
            }
            let spoken = if group == "800" { "eight hundred".into() } else { digits(group) };
            self.say(&spoken);
        }
        self.at = end;
        true
    }

    /// Any other number: ordinal, year, room, quantity with its unit, range.
    pub(super) fn number(&mut self) {
        let i = self.at;
        let written = self.text(i).to_owned();
        let before = self.word_before();
        let value = self.whole(i);
        self.at = i + 1;

        let suffix = if self.glued(i + 1) { self.text(i + 1).to_lowercase() } else { String::new() };
        if let (Some(n), "st" | "nd" | "rd" | "th") = (value, suffix.as_str()) {
            self.say(&ordinal(n));
            self.at = i + 2;
            return;
        }
        if let (Some(n), "s") = (value, suffix.as_str()) {
            let spoken = if (1000..3000).contains(&n) { in_pairs(n) } else { cardinal(n) };
            let plural = spoken.strip_suffix('y').map_or_else(|| format!("{spoken}s"), |stem| format!("{stem}ies"));
            self.say(&plural);
            self.at = i + 2;
            return;
        }
        let is_room = matches!(before.as_str(), "room" | "suite" | "extension" | "ext" | "apartment");
        let is_year = matches!(before.as_str(), "in" | "since" | "of" | "until" | "year" | "before" | "after" | "from")
            || is_month(&before);
        let pairs = (is_room && written.len() < 5 && !written.starts_with('0'))
            || (is_year && written.len() == 4 && (1900..2100).contains(&value.unwrap_or(0)));
        let unit = self.unit(i + 1);
        match value {
            Some(n) if pairs && unit.is_none() => self.say(&in_pairs(n)),
            _ => self.say(&quantity(&written)),
        }
        // "2½" is one number.
        if self.glued(i + 1)
            && let Some(part) = vulgar_fraction(self.text(i + 1))
        {
            self.say(&format!("and {part}"));
            self.at = i + 2;
        }
        if let Some((one, many, next)) = unit {
            self.say(if written == "1" { &one } else { &many });
            self.at = next;
        }
    }

    /// A unit of measure at a place: singular, plural, and where it ends. `mg/dL` is a unit of units.
    pub(super) fn unit(&self, i: usize) -> Option<(String, String, usize)> {
        if self.is_mark(i, '%') {
            return Some(("percent".into(), "percent".into(), i + 1));
        }
        if self.is_mark(i, '°') {
            let (scale, next) = match self.text(i + 1) {
                "F" => (" Fahrenheit", i + 2),
                "C" => (" Celsius", i + 2),
                _ => ("", i + 1),
            };
            return Some((format!("degree{scale}"), format!("degrees{scale}"), next));
        }
        let (one, many) =
            *UNITS.iter().find(|(written, _)| written.contains(&self.text(i))).map(|(_, spoken)| spoken)?;
        let mut next = i + 1;
        let mut per = String::new();
        while self.is_glued_mark(next, '/') && self.glued(next + 1) {
            let below =
                UNITS.iter().find(|(written, _)| written.contains(&self.text(next + 1))).map(|(_, (one, _))| *one);
            let below =
                below.or_else(|| ["day", "week", "dose", "tablet"].into_iter().find(|w| *w == self.text(next + 1)));
            let Some(below) = below else { break };
            per.push_str(" per ");
            per.push_str(below);
            next += 2;
        }
        if one.is_empty() && per.is_empty() {
            return None;
        }
        Some((format!("{one}{per}"), format!("{many}{per}"), next))
    }

    pub(super) fn money(&mut self, mark: char) {
        let (one, many) = match mark {
            '€' => ("euro", "euros"),
            '£' => ("pound", "pounds"),
            _ => ("dollar", "dollars"),
        };
        let written = self.text(self.at).to_owned();
        self.at += 1;
        let (whole, cents) = written.split_once('.').map_or((written.as_str(), ""), |(w, c)| (w, c));
        let cents = if cents.len() == 2 { cents.parse::<u64>().unwrap_or(0) } else { 0 };
        if cents == 0 && written.contains('.') && !written.ends_with("00") {
            self.say(&format!("{} {many}", quantity(&written)));
            return;
        }
        self.say(&format!("{} {}", quantity(whole), if whole == "1" { one } else { many }));
        if cents > 0 {
            self.say(&format!("and {} {}", cardinal(cents), if cents == 1 { "cent" } else { "cents" }));
        }
    }
}
