//! Written text to spoken words: "20 mg at 9:30 AM" → "twenty milligrams at nine thirty A M".
//!
//! What a reader does without thinking (times, dates, doses, units, ordinals, telephone numbers, titles) is
//! done here, before any pronunciation is looked up, because a pronouncing dictionary knows words only. What
//! comes out is words, letters read by name, and pauses; every word of the text is among them.

mod dates;
mod quantities;
mod tables;
mod words;

/// One thing to say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Spoken {
    /// A word: letters, perhaps apostrophes inside; never a digit or a symbol.
    Word(String),
    /// A letter read by its name, in upper case.
    Letter(char),
    /// A pause or the end of a sentence: one of `, ; : — … . ! ?`.
    Pause(char),
}

/// A sentence: what is synthesized, and can be heard, at once.
pub type Sentence = Vec<Spoken>;

/// Splits a text into sentences of spoken words. An empty or wordless text gives none.
pub fn sentences(text: &str) -> Vec<Sentence> {
    let mut reader = Reader { tokens: lex(text), at: 0, out: Vec::new(), sentence: Vec::new() };
    while reader.at < reader.tokens.len() {
        reader.step();
    }
    reader.end_sentence('.');
    reader.out
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Word,
    Number,
    Mark,
}

#[derive(Debug)]
struct Token {
    kind: Kind,
    text: String,
    /// Nothing stands between this token and the one before it.
    glued: bool,
    /// A line ends before this token.
    new_line: bool,
}

fn lex(text: &str) -> Vec<Token> {
    let chars: Vec<char> = text.chars().map(|c| if matches!(c, '’' | '‘' | 'ʼ') { '\'' } else { c }).collect();
    let at = |i: usize| chars.get(i).copied().unwrap_or(' ');
    let digit = |i: usize| at(i).is_ascii_digit();
    let mut tokens: Vec<Token> = Vec::new();
    let (mut i, mut glued, mut new_line) = (0, false, false);
    while i < chars.len() {
        let c = at(i);
        if c.is_whitespace() || c.is_control() {
            glued = false;
            new_line |= c == '\n';
            i += 1;
            continue;
        }
        let start = i;
        let fraction_only = c == '.' && digit(i + 1) && !(glued && i > 0 && at(i - 1).is_alphanumeric());
        let kind = if c.is_ascii_digit() || fraction_only {
            let mut point = c == '.';
            i += 1;
            loop {
                if digit(i) {
                    i += 1;
                } else if at(i) == ',' && !point && digit(i + 1) && digit(i + 2) && digit(i + 3) && !digit(i + 4) {
                    i += 4;
                } else if at(i) == '.' && !point && digit(i + 1) {
                    point = true;
                    i += 2;
                } else {
                    break;
                }
            }
            Kind::Number
        } else if c.is_alphanumeric() {
            while at(i).is_alphanumeric() && !digit(i) || (at(i) == '\'' && i > start && at(i + 1).is_alphabetic()) {
                i += 1;
            }
            Kind::Word
        } else {
            i += 1;
            Kind::Mark
        };
        tokens.push(Token { kind, text: chars[start..i].iter().collect(), glued, new_line });
        (glued, new_line) = (true, false);
    }
    tokens
}

struct Reader {
    tokens: Vec<Token>,
    at: usize,
    out: Vec<Sentence>,
    sentence: Sentence,
}

impl Reader {
    fn step(&mut self) {
        if self.tokens[self.at].new_line {
            self.end_sentence('.');
        }
        match self.tokens[self.at].kind {
            Kind::Number => {
                if !(self.iso_date() || self.slashed() || self.clock() || self.telephone()) {
                    self.number();
                }
            }
            Kind::Word => {
                if !(self.month_and_day() || self.title() || self.initials() || self.code()) {
                    self.word();
                }
            }
            Kind::Mark => self.mark(),
        }
    }

    // What stands at a place.

    fn token(&self, i: usize) -> Option<&Token> {
        self.tokens.get(i)
    }

    fn text(&self, i: usize) -> &str {
        self.token(i).map_or("", |t| &t.text)
    }

    fn kind(&self, i: usize) -> Option<Kind> {
        self.token(i).map(|t| t.kind)
    }

    fn glued(&self, i: usize) -> bool {
        self.token(i).is_some_and(|t| t.glued)
    }

    fn is_mark(&self, i: usize, mark: char) -> bool {
        self.kind(i) == Some(Kind::Mark) && self.text(i).starts_with(mark)
    }

    fn is_glued_mark(&self, i: usize, mark: char) -> bool {
        self.is_mark(i, mark) && self.glued(i)
    }

    /// A number of digits alone, no comma or point.
    fn whole(&self, i: usize) -> Option<u64> {
        (self.kind(i) == Some(Kind::Number)).then(|| self.text(i).parse().ok()).flatten()
    }

    fn glued_whole(&self, i: usize) -> Option<u64> {
        self.glued(i).then(|| self.whole(i)).flatten()
    }

    fn word_before(&self) -> String {
        match self.at.checked_sub(1).and_then(|i| self.token(i)) {
            Some(t) if t.kind == Kind::Word => t.text.to_lowercase(),
            _ => String::new(),
        }
    }

    /// Whether a sentence can start at this token: nothing follows, or a new line, or a capital.
    fn sentence_starts(&self, i: usize) -> bool {
        self.token(i).is_none_or(|t| t.new_line || t.text.chars().next().is_some_and(char::is_uppercase))
    }

    // What is said.

    fn say(&mut self, words: &str) {
        self.sentence.extend(words.split_whitespace().map(|w| Spoken::Word(w.to_owned())));
    }

    fn spell(&mut self, letters: &str) {
        for c in letters.chars().filter(|c| c.is_alphanumeric()) {
            if c.is_ascii_alphabetic() {
                self.sentence.push(Spoken::Letter(c.to_ascii_uppercase()));
            } else {
                self.say(&c.to_string());
            }
        }
    }

    fn pause(&mut self, mark: char) {
        match self.sentence.last_mut() {
            None => {}
            Some(Spoken::Pause(before)) => *before = if *before == ',' { mark } else { *before },
            Some(_) => self.sentence.push(Spoken::Pause(mark)),
        }
    }

    fn end_sentence(&mut self, mark: char) {
        while matches!(self.sentence.last(), Some(Spoken::Pause(_))) {
            self.sentence.pop();
        }
        if !self.sentence.is_empty() {
            self.sentence.push(Spoken::Pause(mark));
            self.out.push(std::mem::take(&mut self.sentence));
        }
    }

    fn mark(&mut self) {
        let i = self.at;
        let mark = self.text(i).chars().next().unwrap_or(' ');
        let between_words = self.glued(i) && self.glued(i + 1);
        let before_number = self.kind(i + 1) == Some(Kind::Number) && self.glued(i + 1);
        self.at = i + 1;
        match mark {
            '.' | '!' | '?' | '…' => self.point(mark),
            ',' | ';' | ':' => self.pause(mark),
            '(' | ')' | '[' | ']' | '{' | '}' => self.pause(','),
            '-' | '–' | '—' if self.is_range(i) => self.say("to"),
            '-' | '−' if before_number && !self.glued(i) => self.say("minus"),
            '-' if between_words => {}
            '-' | '–' | '—' => self.pause('—'),
            '$' | '€' | '£' if before_number => self.money(mark),
            '%' => self.say("percent"),
            '&' => self.say("and"),
            '+' => self.say("plus"),
            '@' => self.say("at"),
            '=' => self.say("equals"),
            '±' => self.say("plus or minus"),
            '×' => self.say("times"),
            '÷' => self.say("divided by"),
            '<' => self.say("less than"),
            '>' => self.say("more than"),
            '≤' => self.say("at most"),
            '≥' => self.say("at least"),
            '≈' | '~' if self.kind(i + 1) == Some(Kind::Number) => self.say("about"),
            '#' if before_number => self.say("number"),
            '°' => self.say("degrees"),
            '$' => self.say("dollars"),
            '€' => self.say("euros"),
            '£' => self.say("pounds"),
            '/' if between_words && self.text(i + 1) == "or" => {}
            '/' if between_words && self.in_address(i) => self.say("slash"),
            '/' if between_words => self.say("or"),
            // Quotes, asterisks, emoji and the like are not words; nobody reads them aloud.
            _ => {}
        }
    }

    /// Whether a slash belongs to an address on the web: right before it stands a name with a dot inside, or more of the address.
    fn in_address(&self, slash: usize) -> bool {
        let mut i = slash;
        while i >= 2 && self.glued(i) && self.glued(i - 1) {
            if self.is_mark(i - 2, '.') {
                return self.glued(i - 2);
            }
            if self.kind(i - 2) != Some(Kind::Mark) {
                return false;
            }
            i -= 2;
        }
        false
    }

    /// Whether the dash at a place stands between two quantities: `70–99`, `9 AM - 5 PM`.
    fn is_range(&self, i: usize) -> bool {
        let Some(before) = i.checked_sub(1).and_then(|i| self.token(i)) else { return false };
        let quantity = before.kind == Kind::Number || matches!(before.text.as_str(), "AM" | "PM" | "am" | "pm");
        quantity && self.kind(i + 1) == Some(Kind::Number) && self.glued(i) == self.glued(i + 1)
    }

    fn point(&mut self, mark: char) {
        let i = self.at - 1;
        let inside = mark == '.' && self.glued(i) && self.glued(i + 1) && self.kind(i + 1) != Some(Kind::Mark);
        if inside {
            self.say("dot");
            return;
        }
        // "?!", "..." and a closing quote or bracket belong to the same end.
        let mut strongest = mark;
        while self.glued(self.at) && self.kind(self.at) == Some(Kind::Mark) {
            match self.text(self.at).chars().next() {
                Some('?') => strongest = '?',
                Some('!') if strongest != '?' => strongest = '!',
                Some('.' | '…' | '"' | '”' | '\'' | ')' | ']') => {}
                _ => break,
            }
            self.at += 1;
        }
        self.end_sentence(strongest);
    }
}

#[cfg(test)]
mod tests;
