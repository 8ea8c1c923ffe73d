//! A transcript as sentences of plain words: lower case, contractions opened, spelling as hearing leaves it.

/// Words that belong together.
#[derive(Debug, Default)]
pub struct Sentence {
    /// Its words.
    pub words: Vec<Word>,
    /// It ended with a question mark.
    pub question: bool,
    /// It stood in brackets or asterisks, where hearing writes sounds: `[screaming]`.
    pub sound: bool,
}

/// One word.
#[derive(Debug)]
pub struct Word {
    /// Lower case, without an apostrophe.
    pub text: String,
    /// A comma stood before it.
    pub after_comma: bool,
}

impl Sentence {
    /// The word at a place; empty beyond the end.
    pub fn at(&self, place: usize) -> &str {
        self.words.get(place).map_or("", |w| &w.text)
    }

    fn push(&mut self, text: &str, after_comma: bool) {
        self.words.push(Word { text: text.to_owned(), after_comma });
    }
}

/// Splits at full stops, question and exclamation marks, brackets, and before "but".
pub fn sentences(heard: &str) -> Vec<Sentence> {
    let mut all = vec![];
    let mut sentence = Sentence::default();
    let mut word = String::new();
    let mut comma = false;
    for character in heard.chars() {
        match character {
            '\'' | '’' | '‘' | '`' => word.push('\''),
            c if c.is_alphanumeric() => word.extend(c.to_lowercase()),
            c => {
                finish_word(&mut word, &mut comma, &mut sentence, &mut all);
                match c {
                    ',' => comma = true,
                    '.' | '!' | '?' | ';' | ':' | '…' | '\n' | '[' | ']' | '(' | ')' | '*' | '♪' => {
                        sentence.question = c == '?';
                        finish_sentence(&mut sentence, &mut all);
                        sentence.sound = matches!(c, '[' | '(' | '*');
                    }
                    _ => {}
                }
            }
        }
    }
    finish_word(&mut word, &mut comma, &mut sentence, &mut all);
    finish_sentence(&mut sentence, &mut all);
    all
}

fn finish_word(word: &mut String, comma: &mut bool, sentence: &mut Sentence, all: &mut Vec<Sentence>) {
    let text = std::mem::take(word);
    let text = text.trim_matches('\'');
    if text.is_empty() {
        return;
    }
    if text == "but" {
        finish_sentence(sentence, all);
        return;
    }
    let after_comma = std::mem::take(comma);
    for (n, part) in opened(text).split(' ').filter(|p| !p.is_empty()).enumerate() {
        sentence.push(part, after_comma && n == 0);
    }
    join_numbers(sentence);
}

fn finish_sentence(sentence: &mut Sentence, all: &mut Vec<Sentence>) {
    let done = std::mem::take(sentence);
    if !done.words.is_empty() {
        all.push(done);
    }
}

/// "nine one one", "9 1 1" and "epi pen" are one word each.
fn join_numbers(sentence: &mut Sentence) {
    let count = sentence.words.len();
    let last = |n: usize| count.checked_sub(n).map_or("", |i| sentence.at(i));
    let (joined, parts) = match (last(3), last(2), last(1)) {
        ("nine" | "9", "one" | "1", "one" | "1") => ("911", 3),
        (_, "epi", "pen" | "pens") => ("epipen", 2),
        (_, "over", "dose" | "dosed" | "dosing") => ("overdose", 2),
        _ => return,
    };
    let after_comma = sentence.words[count - parts].after_comma;
    sentence.words.truncate(count - parts);
    sentence.push(joined, after_comma);
}

/// Opens a contraction, written with an apostrophe or, as hearing often does, without.
fn opened(word: &str) -> String {
    let whole = match word {
        "can't" | "cant" | "cannot" => "can not",
        "won't" | "wont" => "will not",
        "shan't" => "shall not",
        "ain't" | "aint" => "is not",
        "dont" => "do not",
        "doesnt" => "does not",
        "didnt" => "did not",
        "isnt" => "is not",
        "arent" => "are not",
        "wasnt" => "was not",
        "havent" => "have not",
        "hasnt" => "has not",
        "couldnt" => "could not",
        "wouldnt" => "would not",
        "im" => "i am",
        "ive" => "i have",
        "hes" => "he is",
        "shes" => "she is",
        "theres" => "there is",
        "theyre" => "they are",
        "let's" => "let us",
        "gonna" => "going to",
        "wanna" => "want to",
        "gotta" => "got to",
        "ok" | "'kay" => "okay",
        _ => "",
    };
    if !whole.is_empty() {
        return whole.to_owned();
    }
    for (ending, opened) in [
        ("n't", " not"),
        ("'m", " am"),
        ("'re", " are"),
        ("'ve", " have"),
        ("'ll", " will"),
        ("'d", " would"),
        ("'s", " is"),
    ] {
        if let Some(stem) = word.strip_suffix(ending) {
            return format!("{}{opened}", stem.replace('\'', ""));
        }
    }
    word.replace('\'', "")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain(heard: &str) -> Vec<String> {
        sentences(heard).iter().map(|s| s.words.iter().map(|w| w.text.as_str()).collect::<Vec<_>>().join(" ")).collect()
    }

    #[test]
    fn transcripts_become_plain_sentences() {
        assert_eq!(plain("I can’t breathe. Mom's fallen!"), ["i can not breathe", "mom is fallen"]);
        assert_eq!(plain("i cant breathe"), ["i can not breathe"]);
        assert_eq!(plain("[screaming] Help"), ["screaming", "help"]);
        assert_eq!(plain("call 9-1-1, or nine one one"), ["call 911 or 911"]);
        assert_eq!(plain("I fell but I'm okay"), ["i fell", "i am okay"]);
        assert_eq!(plain("my Epi-Pen"), ["my epipen"]);
        assert!(plain(" ''' … ?! ").is_empty());
    }

    #[test]
    fn brackets_mark_sounds_even_when_they_never_close() {
        assert!(sentences("[screaming")[0].sound);
        let two = sentences("(gasping) hello");
        assert_eq!((two[0].sound, two[1].sound), (true, false));
    }
}
