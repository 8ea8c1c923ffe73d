//! A transcript as sentences of plain words: lower case, without accents, contractions opened, spelling as hearing
//! leaves it. A Chinese character is a word of its own.

use unicode_normalization::{UnicodeNormalization, char::is_combining_mark};

use super::{
    Utterance,
    vocabulary::{Terms, Vocabulary},
};

/// Words that belong together.
#[derive(Debug, Default)]
pub struct Sentence {
    /// Its words.
    pub words: Vec<Word>,
    /// It ended with a question mark.
    pub question: bool,
    /// It stood in brackets or asterisks, where hearing writes sounds: `[screaming]`.
    pub sound: bool,
    /// It stands between brackets or asterisks, whatever else stands there before it.
    pub remark: bool,
}

/// One word.
#[derive(Debug)]
pub struct Word {
    /// Lower case, without an apostrophe.
    pub text: String,
    /// What the table knows it as.
    pub terms: Terms,
    /// How surely it was heard, 0 to 1.
    pub sureness: f32,
    /// A comma stood before it.
    pub after_comma: bool,
}

impl Sentence {
    /// The word at a place; empty beyond the end.
    pub fn at(&self, place: usize) -> &str {
        self.words.get(place).map_or("", |w| &w.text)
    }

    /// What the table knows the word at a place as.
    pub fn terms(&self, place: usize) -> &Terms {
        self.words.get(place).map_or(&Terms::NONE, |w| &w.terms)
    }
}

/// Words after which a sentence is cut: nobody says as many in one breath, and what keeps one phrase from being a cry
/// is looked for in the whole sentence, so that the time for one of thousands of words would grow with their square.
const LONGEST: usize = 200;

/// Words of the table that are put together where hearing cut them in two have so many bytes.
const LEAST_CUT: usize = 6;
/// The longest such word, in bytes.
const MOST_CUT: usize = 16;

/// Splits at full stops, question and exclamation marks and brackets.
pub fn sentences(heard: &Utterance<'_>, vocabulary: &Vocabulary) -> Vec<Sentence> {
    let mut reader = Reader {
        vocabulary,
        sureness: heard.sureness,
        word: String::new(),
        comma: false,
        closing: None,
        sentence: Sentence::default(),
        all: vec![],
    };
    // One sureness a word, where hearing gave as many as there are words.
    let each = (heard.text.split_whitespace().count() == heard.words.len()).then_some(heard.words);
    let mut read = 0;
    let mut inside = false;
    let mut characters = heard.text.chars().peekable();
    let mut before = ' ';
    while let Some(character) = characters.next() {
        if character.is_whitespace() == inside {
            inside = !inside;
            if inside {
                reader.finish_word();
                reader.sureness = each.and_then(|all| all.get(read)).copied().unwrap_or(heard.sureness);
                read += 1;
            }
        }
        // "I can't... breathe": a pause is no end.
        let pause = character == '.' && (before == '.' || characters.peek() == Some(&'.'));
        reader.take(if pause { '…' } else { character });
        before = character;
    }
    reader.finish_word();
    reader.finish_sentence();
    reader.all
}

/// Lower case without accents, so that "respirar" and "pecho" are found however they are written.
pub fn plain(text: &str) -> String {
    if text.is_ascii() {
        return text.to_ascii_lowercase();
    }
    let mut plain = String::with_capacity(text.len());
    for c in text.nfkd().filter(|c| !is_combining_mark(*c)).flat_map(char::to_lowercase) {
        match c {
            'đ' | 'ð' => plain.push('d'),
            'ł' => plain.push('l'),
            'ø' => plain.push('o'),
            'ı' => plain.push('i'),
            'ß' => plain.push_str("ss"),
            'æ' => plain.push_str("ae"),
            'œ' => plain.push_str("oe"),
            // Arabic letters that are written one for the other, and the stroke that only stretches a word.
            'ة' => plain.push('ه'),
            'ى' => plain.push('ي'),
            'ـ' => {}
            c => plain.push(c),
        }
    }
    plain
}

/// Written without blanks: each character is a word.
pub fn is_han(c: char) -> bool {
    matches!(c, '\u{3400}'..='\u{9fff}' | '\u{f900}'..='\u{faff}')
}

struct Reader<'a> {
    vocabulary: &'a Vocabulary,
    sureness: f32,
    word: String,
    comma: bool,
    /// What ends the remark that is being read.
    closing: Option<char>,
    sentence: Sentence,
    all: Vec<Sentence>,
}

impl Reader<'_> {
    fn take(&mut self, character: char) {
        match character {
            '\'' | '’' | '‘' | '`' | 'ʼ' => self.word.push('\''),
            c if is_han(c) => {
                self.finish_word();
                self.push(&plain(c.encode_utf8(&mut [0; 4])));
                if self.sentence.words.len() >= LONGEST {
                    self.finish_sentence();
                }
            }
            c if c.is_alphanumeric() || is_combining_mark(c) => self.word.push(c),
            c => {
                self.finish_word();
                match c {
                    ',' | '，' | '、' | '،' => self.comma = true,
                    '.' | '!' | '?' | ';' | ':' | '\n' | '[' | ']' | '(' | ')' | '*' | '♪' | '。' | '！' | '？'
                    | '；' | '؟' | '¿' | '¡' => {
                        self.sentence.question = matches!(c, '?' | '？' | '؟');
                        self.finish_sentence();
                        self.sentence.sound = matches!(c, '[' | '(' | '*');
                        self.closing = match (self.closing, c) {
                            (Some(closing), c) if c == closing => None,
                            (None, '[') => Some(']'),
                            (None, '(') => Some(')'),
                            (None, '*') => Some('*'),
                            (closing, _) => closing,
                        };
                    }
                    _ => {}
                }
            }
        }
    }

    fn push(&mut self, text: &str) {
        let terms = self.vocabulary.terms(text);
        let after_comma = std::mem::take(&mut self.comma);
        self.sentence.words.push(Word { text: text.to_owned(), terms, sureness: self.sureness, after_comma });
    }

    fn finish_word(&mut self) {
        if self.word.is_empty() {
            return;
        }
        let word = plain(&std::mem::take(&mut self.word));
        let text = word.trim_matches('\'');
        if text.is_empty() {
            return;
        }
        for part in opened(text).split(' ').filter(|p| !p.is_empty()) {
            self.push(part);
        }
        self.join();
        if self.sentence.words.len() >= LONGEST {
            self.finish_sentence();
        }
    }

    fn finish_sentence(&mut self) {
        self.comma = false;
        let mut done = std::mem::take(&mut self.sentence);
        done.remark = self.closing.is_some();
        if !done.words.is_empty() {
            self.all.push(done);
        }
    }

    /// "nine one one", "9 1 1" and "epi pen" are one word each.
    fn join(&mut self) {
        let count = self.sentence.words.len();
        let last = |n: usize| count.checked_sub(n).map_or("", |i| self.sentence.at(i));
        let (joined, parts) = match (last(3), last(2), last(1)) {
            ("nine" | "9", "one" | "1" | "won", "one" | "1" | "won") => ("911", 3),
            (_, "9" | "nine", "11") | (_, "91", "1" | "one") => ("911", 2),
            (_, "epi" | "happy" | "eppy", "pen" | "pens" | "pin") => ("epipen", 2),
            (_, "over" | "od", "dose" | "dosed" | "dosing" | "does" | "dozed") => ("overdose", 2),
            (_, before, last) => {
                // "ambu lance": hearing cut one word in two, of which at least one is none.
                let cut =
                    (LEAST_CUT..=MOST_CUT).contains(&(before.len() + last.len())) && before.len() > 1 && last.len() > 1;
                if cut {
                    let whole = format!("{before}{last}");
                    if self.vocabulary.is_misheard(&whole)
                        || self.vocabulary.knows(&whole)
                            && !(self.vocabulary.knows(before) && self.vocabulary.knows(last))
                    {
                        self.put_together(&whole, 2);
                    }
                }
                return;
            }
        };
        self.put_together(joined, parts);
    }

    fn put_together(&mut self, joined: &str, parts: usize) {
        let first = self.sentence.words.len() - parts;
        let after_comma = self.sentence.words[first].after_comma;
        self.sentence.words.truncate(first);
        self.comma = after_comma;
        self.push(joined);
    }
}

/// Opens a contraction, written with an apostrophe or, as hearing often does, without.
fn opened(word: &str) -> std::borrow::Cow<'_, str> {
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
        "somethings" => "something is",
        "someones" => "someone is",
        "let's" => "let us",
        "gonna" => "going to",
        "wanna" => "want to",
        "gotta" => "got to",
        "ok" | "'kay" => "okay",
        _ => "",
    };
    if !whole.is_empty() {
        return whole.into();
    }
    if !word.contains('\'') {
        return word.into();
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
            return format!("{}{opened}", stem.replace('\'', "")).into();
        }
    }
    // "j'ai", "l'aide", "m'etouffe": two words where the first is a letter or "qu".
    if let Some((first, rest)) = word.split_once('\'')
        && (first.len() == 1 || first == "qu")
        && rest.len() > 1
        && first != "o"
    {
        return format!("{first} {}", rest.replace('\'', "")).into();
    }
    word.replace('\'', "").into()
}

#[cfg(test)]
mod tests {
    use super::{super::Remarks, *};

    fn all(heard: &str) -> Vec<String> {
        sentences(&Utterance::typed(heard), &Vocabulary::default())
            .iter()
            .map(|s| s.words.iter().map(|w| w.text.as_str()).collect::<Vec<_>>().join(" "))
            .collect()
    }

    #[test]
    fn transcripts_become_plain_sentences() {
        assert_eq!(all("I can’t breathe. Mom's fallen!"), ["i can not breathe", "mom is fallen"]);
        assert_eq!(all("i cant breathe"), ["i can not breathe"]);
        assert_eq!(all("[screaming] Help"), ["screaming", "help"]);
        assert_eq!(all("call 9-1-1, or nine one one"), ["call 911 or 911"]);
        assert_eq!(all("I fell; I'm okay"), ["i fell", "i am okay"]);
        assert_eq!(all("my Epi-Pen"), ["my epipen"]);
        assert!(all(" ''' … ?! ").is_empty());
    }

    #[test]
    fn a_pause_is_no_end_and_a_word_cut_in_two_is_one() {
        assert_eq!(all("I can't... breathe. Help… me"), ["i can not breathe", "help me"]);
        let mut table = Vocabulary::default();
        table.learn("ambulance");
        table.learn("contraction");
        table.mishear("shoegar", "sugar");
        let read = |heard: &str| {
            let all = sentences(&Utterance::typed(heard), &table);
            all[0].words.iter().map(|w| w.text.as_str()).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(read("an ambu lance"), "an ambulance");
        assert_eq!(read("my shoe gar"), "my shoegar");
        assert_eq!(read("a con traction"), "a contraction");
        assert_eq!(read("over the hill"), "over the hill");
    }

    #[test]
    fn other_scripts_lose_their_accents_and_keep_their_letters() {
        assert_eq!(all("¡Ayúdame! No puedo respirar."), ["ayudame", "no puedo respirar"]);
        assert_eq!(all("J’ai mal à la poitrine"), ["j ai mal a la poitrine"]);
        assert_eq!(all("Tôi không thở được"), ["toi khong tho duoc"]);
        assert_eq!(all("我不能呼吸，救命！"), ["我 不 能 呼 吸 救 命"]);
        assert_eq!(all("أنا لا أستطيع"), ["انا لا استطيع"]);
        assert_eq!(all("Ещё"), ["еще"]);
    }

    #[test]
    fn brackets_mark_sounds_even_when_they_never_close() {
        let read = |heard| sentences(&Utterance::typed(heard), &Vocabulary::default());
        assert!(read("[screaming")[0].sound);
        let two = read("(gasping) hello");
        assert_eq!((two[0].sound, two[1].sound), (true, false));
    }

    #[test]
    fn each_word_keeps_how_surely_it_was_heard() {
        let heard = Utterance::heard("I can't breathe. OK?", 0.7, &[0.9, 0.3, 0.8, 0.5], Remarks::Voiced);
        let sureness = |heard: &Utterance<'_>| -> Vec<(String, f32)> {
            let all = sentences(heard, &Vocabulary::default());
            all.iter().flat_map(|s| &s.words).map(|w| (w.text.clone(), w.sureness)).collect()
        };
        let word = |text: &str, sure| (text.to_owned(), sure);
        let each = [word("i", 0.9), word("can", 0.3), word("not", 0.3), word("breathe", 0.8), word("okay", 0.5)];
        assert_eq!(sureness(&heard), each);
        // Where the counts differ, nobody knows which is which.
        let overall = sureness(&Utterance::heard("I can't breathe", 0.7, &[0.9], Remarks::Voiced));
        assert!(overall.iter().all(|(_, sure)| *sure == 0.7));
    }
}
