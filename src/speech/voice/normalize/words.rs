//! Words that are not read as written: months with their days, titles, initials, codes, abbreviations.

use super::{
    super::numbers::{in_pairs, ordinal, quantity},
    Kind, Reader,
    tables::{ABBREVIATIONS, MONTHS, SPELLED, TITLES, vulgar_fraction},
};

impl Reader {
    /// `June 3`, `Dec. 3, 2026`, `June 2026`; `3 June` needs nothing.
    pub(super) fn month_and_day(&mut self) -> bool {
        let i = self.at;
        let written = self.text(i).to_owned();
        if !written.starts_with(char::is_uppercase) {
            return false;
        }
        let Some((month, _)) =
            MONTHS.iter().find(|(name, short)| *name == written || short.contains(&written.as_str()))
        else {
            return false;
        };
        let abbreviated = *month != written;
        let mut next = i + 1;
        if abbreviated && self.is_glued_mark(next, '.') {
            next += 1;
        }
        let number = self.whole(next).filter(|_| self.unit(next + 1).is_none());
        match number {
            Some(day @ 1..=31) if !self.is_glued_mark(next + 1, ':') => {
                self.say(month);
                self.say(&ordinal(day));
                next += 1;
                if self.glued(next) && matches!(self.text(next), "st" | "nd" | "rd" | "th") {
                    next += 1;
                }
                let year_at = if self.is_glued_mark(next, ',') { next + 1 } else { next };
                if let Some(year @ 1900..=2099) = self.whole(year_at) {
                    self.pause(',');
                    self.say(&in_pairs(year));
                    next = year_at + 1;
                }
                self.at = next;
                true
            }
            _ if abbreviated && (next > i + 1 || number.is_some()) => {
                self.say(month);
                self.at = next;
                true
            }
            _ => false,
        }
    }

    /// `Dr. Patel`, `Tue.`, `e.g.`, `St. Mary's`.
    pub(super) fn title(&mut self) -> bool {
        let i = self.at;
        let dotted = self.is_glued_mark(i + 1, '.');
        let written = self.text(i).to_owned();
        if dotted && self.glued(i + 2) && self.is_glued_mark(i + 3, '.') {
            let spoken = match (written.as_str(), self.text(i + 2)) {
                ("e" | "E", "g") => "for example",
                ("i" | "I", "e") => "that is",
                _ => "",
            };
            if !spoken.is_empty() {
                self.say(spoken);
                self.at = i + 4;
                return true;
            }
        }
        let before_name = self
            .token(i + 1 + usize::from(dotted))
            .is_some_and(|t| t.kind == Kind::Word && t.text.starts_with(char::is_uppercase));
        // "on Main St. Then" or "St. Mary's": a name before it makes it a street, unless that is the sentence's first word.
        let after_name = self.sentence.len() > 1
            && i.checked_sub(1)
                .is_some_and(|b| self.kind(b) == Some(Kind::Word) && self.text(b).starts_with(char::is_uppercase));
        let spoken = match written.as_str() {
            "St" if before_name && !after_name => "Saint",
            "St" if dotted => "Street",
            "Dr" if before_name || dotted => "Doctor",
            _ => match ABBREVIATIONS.iter().find(|(short, _, needs_dot)| *short == written && (dotted || !needs_dot)) {
                Some((_, spoken, _)) => spoken,
                None => return false,
            },
        };
        self.say(spoken);
        self.at = i + 1;
        if dotted {
            self.at = i + 2;
            let never_last = before_name && spoken != "Street" && TITLES.contains(&written.as_str());
            if !never_last && self.sentence_starts(self.at) {
                self.end_sentence('.');
            }
        }
        true
    }

    /// `U.S.`, `J. K. Rowling`, `Vitamin D`: single letters, read by name.
    pub(super) fn initials(&mut self) -> bool {
        let i = self.at;
        let single = |text: &str| text.len() == 1 && text.chars().all(|c| c.is_ascii_uppercase());
        let letter = self.text(i).to_owned();
        if !single(&letter) || (self.glued(i + 1) && self.kind(i + 1) == Some(Kind::Number)) {
            return false;
        }
        // "I" is a word; "A" is one at the start of a sentence.
        let is_word = letter == "I" || (letter == "A" && self.sentence.is_empty());
        let dotted = self.is_glued_mark(i + 1, '.');
        if is_word && !dotted {
            return false;
        }
        self.spell(&letter);
        self.at = i + 1;
        if dotted {
            let chained = self.glued(i + 2) && single(self.text(i + 2));
            let ends = self.token(i + 2).is_none_or(|t| t.new_line);
            if !ends || chained {
                self.at = i + 2;
            }
        }
        true
    }

    /// `A1c`, `B12`, `H1N1`: capitals and digits in one, read letter by letter.
    pub(super) fn code(&mut self) -> bool {
        let i = self.at;
        let letters = self.text(i);
        let short = letters.len() <= 3 && letters.chars().all(|c| c.is_ascii_uppercase());
        if !(short && self.glued(i + 1) && self.kind(i + 1) == Some(Kind::Number)) {
            return false;
        }
        let letters = letters.to_owned();
        self.spell(&letters);
        self.at = i + 1;
        while self.glued(self.at) {
            let text = self.text(self.at).to_owned();
            match self.kind(self.at) {
                Some(Kind::Number) => self.say(&quantity(&text)),
                Some(Kind::Word) if text.len() <= 2 => self.spell(&text),
                _ => break,
            }
            self.at += 1;
        }
        true
    }

    pub(super) fn word(&mut self) {
        let written = self.text(self.at).to_owned();
        self.at += 1;
        if let Some(part) = vulgar_fraction(&written) {
            self.say(part);
            return;
        }
        let shouted = written.len() > 1 && written.chars().all(|c| c.is_ascii_uppercase());
        let unvoiced = !written.chars().any(|c| matches!(c, 'A' | 'E' | 'I' | 'O' | 'U' | 'Y'));
        if shouted && (SPELLED.contains(&written.as_str()) || (unvoiced && written.len() <= 5)) {
            self.spell(&written);
        } else if shouted {
            // A dictionary takes unknown capitals for an abbreviation and would spell them out.
            self.say(&written.to_lowercase());
        } else {
            self.say(&written);
        }
    }
}
