//! When a phrase does not count: denied, long past, only supposed, somebody's story, an idiom, over.
//!
//! The words of it are data (`[guard …]` in `rules.txt`); here is how far each reaches. Words of the present
//! outweigh the past and what is asked, because a missed emergency costs more than a nurse who looks in.

use super::{
    kind::Kind,
    rules::{Found, Guard, RULES, Rules},
    words::Sentence,
};

/// How far back a denial reaches, in words.
const REACH: usize = 6;
/// How soon after a cry its end is told: "the chest pain is gone".
const SOON: usize = 5;
/// A denial counts where each of its words was heard this surely, 0 to 1.
pub const SURE: f32 = 0.8;

/// What becomes of a phrase.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It counts.
    Meant,
    /// It would be denied, had the denial been heard clearly.
    Doubtful,
    /// It does not count.
    Not,
}

/// What the guards of the table found in one sentence.
pub struct Scene<'a> {
    sentence: &'a Sentence,
    rules: &'a Rules,
    guards: Vec<Found<'a, Guard>>,
}

impl<'a> Scene<'a> {
    /// Looks for the guards in a sentence.
    pub fn of(sentence: &'a Sentence, rules: &'a Rules) -> Self {
        Self { sentence, rules, guards: rules.guards.found(sentence, &rules.shared) }
    }

    /// Whether a cry for help is taken back in the same breath.
    pub fn withdraws(&self) -> bool {
        self.all(Guard::Withdrawn).next().is_some()
    }

    /// Whether the words from `start` to `end` are said of here and now.
    pub fn meant(&self, kind: Kind, start: usize, end: usize) -> Verdict {
        if self.idiom(kind, start, end) || self.over(end) || self.told(start) {
            return Verdict::Not;
        }
        let meant = self.supposed(start) || !self.is_now(start) && (self.past(start) || self.asks(start));
        match denied(self.sentence, start, self.rules) {
            _ if meant => Verdict::Not,
            None => Verdict::Meant,
            Some(sureness) if sureness < SURE => Verdict::Doubtful,
            Some(_) => Verdict::Not,
        }
    }

    /// Whether a mere mention ("chest pain") is a cry rather than a topic: short and no question, or pressing.
    pub fn stands_alone(&self, start: usize, end: usize) -> bool {
        let clause = clause_of(self.sentence, start);
        let words = || clause.clone().filter(|i| !self.rules.shared.courtesies.has(self.sentence.terms(*i)));
        let topic = (self.sentence.question && !self.sentence.words.iter().any(|w| w.text == "i"))
            || words().next().is_some_and(|i| QUESTIONS.contains(&self.sentence.at(i)))
            || clause.clone().any(|i| self.rules.topics.has(self.sentence.terms(i)));
        !topic && (words().count() <= (end - start) + 4 || self.is_now(start))
    }

    fn all(&self, guard: Guard) -> impl Iterator<Item = &Found<'a, Guard>> {
        self.guards.iter().filter(move |g| *g.what == guard)
    }

    /// Words of the present in the same statement; pressing ones anywhere.
    fn is_now(&self, start: usize) -> bool {
        let clause = clause_of(self.sentence, start);
        self.all(Guard::Now)
            .filter(|g| !WELL.contains(&self.sentence.at(g.start.wrapping_sub(1))))
            .any(|g| clause.contains(&g.start) || PRESSING.contains(&self.sentence.at(g.start)))
    }

    fn idiom(&self, kind: Kind, start: usize, end: usize) -> bool {
        self.guards.iter().any(|g| match g.what {
            Guard::Idiom(kinds) => g.start < end && start < g.end && (kinds.is_empty() || kinds.contains(&kind)),
            _ => false,
        })
    }

    fn over(&self, end: usize) -> bool {
        self.all(Guard::Over).any(|g| {
            g.end > end
                && g.start < end + SOON
                && (end..g.start).all(|i| !self.rules.shared.turning.has(self.sentence.terms(i)))
                && (end..g.start).all(|i| !starts_clause(self.sentence, i))
        })
    }

    /// A story takes in the whole sentence but what the speaker says of themselves and of now. What is told of beside it
    /// takes in its statement, and others that are not the speaker's own.
    fn told(&self, start: usize) -> bool {
        let clause = clause_of(self.sentence, start);
        let own = clause.clone().any(|i| OWN.contains(&self.sentence.at(i)));
        let now = own && self.all(Guard::Now).any(|g| clause.contains(&g.start) && self.sentence.at(g.start) == "now");
        self.all(Guard::Told).any(|g| clause.contains(&g.start) || !own)
            || self.all(Guard::Story).any(|g| clause.contains(&g.start) || !now)
    }

    /// In the same statement; in a later one only where nothing in that is said of the present.
    fn past(&self, start: usize) -> bool {
        let clause = clause_of(self.sentence, start);
        self.all(Guard::Past)
            .any(|g| clause.contains(&g.start) || (g.start < start && !present_tense(self.sentence, clause.clone())))
    }

    fn asks(&self, start: usize) -> bool {
        let clause = clause_of(self.sentence, start);
        self.all(Guard::Asks).any(|g| {
            clause.contains(&g.start)
                && g.start <= start
                && (g.end..=start).all(|i| !states(self.sentence, i, self.rules))
        })
    }

    /// Whether after what was supposed, and a pause, somebody tells what is: "when you have time, my chest hurts".
    fn goes_on(&self, from: usize, start: usize) -> bool {
        let clause = clause_of(self.sentence, start);
        clause.start > from
            && self.sentence.words.get(clause.start).is_some_and(|w| w.after_comma)
            && (present_tense(self.sentence, clause.clone()) || self.sentence.at(clause.start) == "i")
            && !clause.clone().any(|i| SUPPOSING.contains(&self.sentence.at(i)))
            && !QUESTIONS.contains(&self.sentence.at(clause.start))
    }

    fn supposed(&self, start: usize) -> bool {
        self.all(Guard::Supposed).any(|g| {
            g.start <= start && (g.start..start).all(|i| self.sentence.at(i) != "but") && !self.goes_on(g.start, start)
        }) && !self.all(Guard::Now).any(|g| OUTWEIGHS_IF.contains(&self.sentence.at(g.start)))
    }
}

/// Words of the speaker and of what is theirs.
const OWN: &[&str] = &["i", "my", "me", "we", "our", "us"];
/// Words of what is not, or not yet.
const SUPPOSING: &[&str] = &["would", "will", "could", "might", "should", "may", "if", "ever"];
/// "Right now" outweighs even "if".
const OUTWEIGHS_IF: &[&str] = &["now", "right", "suddenly", "hurry"];
/// What is pressing in one statement is pressing in all.
const PRESSING: &[&str] = &["right", "suddenly", "hurry"];
/// "I'm fine now" is not of the present that a cry is of.
const WELL: &[&str] = &["fine", "okay", "better", "good", "well", "gone", "alright"];

/// How a sentence that asks for information begins.
const QUESTIONS: &[&str] = &[
    "what", "how", "why", "does", "do", "is", "are", "can", "could", "tell", "explain", "which", "who", "when",
    "where", "should", "will", "would", "did", "show", "book", "schedule", "renew", "refill", "remind", "read",
    "cancel", "was", "have", "has", "define",
];

/// Whether a statement of its own starts at this word: "…, I", "and my", "because he".
pub fn starts_clause(sentence: &Sentence, place: usize) -> bool {
    place > 0
        && RULES.subjects.has(sentence.terms(place))
        && (sentence.words.get(place).is_some_and(|w| w.after_comma) || RULES.joints.has(sentence.terms(place - 1)))
}

/// Whether, after a request, somebody goes on to tell: "… I fell", "… my lips are swelling". No question ("did I"),
/// no object ("cancel my visit").
fn states(sentence: &Sentence, place: usize, rules: &Rules) -> bool {
    let before = sentence.at(place.wrapping_sub(1));
    // "Turn that off please, the pain is …"
    let pause = sentence.words.get(place).is_some_and(|w| w.after_comma)
        && (matches!(sentence.at(place), "the" | "this" | "these" | "that" | "both")
            || rules.subjects.has(sentence.terms(place)))
        && (place + 1..place + 7).any(|i| rules.finite.has(sentence.terms(i)));
    pause
        || rules.subjects.has(sentence.terms(place))
            && !rules.inverting.has(sentence.terms(place.wrapping_sub(1)))
            && !before.is_empty()
            && match sentence.at(place) {
                "i" | "he" | "she" | "they" | "we" | "there" | "it" => true,
                "what" | "when" | "where" | "you" | "me" | "help" | "because" => false,
                _ => (place + 1..place + 5).any(|i| rules.finite.has(sentence.terms(i))),
            }
}

/// The words of the statement that a word belongs to.
fn clause_of(sentence: &Sentence, place: usize) -> std::ops::Range<usize> {
    let from = (0..=place).rev().find(|i| starts_clause(sentence, *i)).unwrap_or(0);
    let to = (place + 1..sentence.words.len()).find(|i| starts_clause(sentence, *i)).unwrap_or(sentence.words.len());
    from..to
}

fn present_tense(sentence: &Sentence, clause: std::ops::Range<usize>) -> bool {
    clause.into_iter().any(|i| {
        matches!(
            sentence.at(i),
            "am" | "is" | "are" | "can" | "will" | "do" | "does" | "has" | "have" | "hurts" | "feels" | "keeps" | "now"
        )
    })
}

/// The sureness of the least sure word of the denial, where there is one.
fn denied(sentence: &Sentence, start: usize, rules: &Rules) -> Option<f32> {
    let mut place = start;
    // "I'm not right and it's getting worse": another statement.
    if starts_clause(sentence, start) {
        return None;
    }
    while place > 0 && start - place < REACH {
        if sentence.words[place].after_comma {
            return None;
        }
        place -= 1;
        let (word, next) = (sentence.at(place), sentence.terms(place + 1));
        let holds = match word {
            // "No, I fell": an answer, not a denial of what follows.
            "no" => !rules.subjects.has(next) && !matches!(sentence.at(place + 1), "no" | "not"),
            // "I can't stand the pain", "I don't know what": the thing itself is there.
            "not" if matches!(sentence.at(place.wrapping_sub(1)), "can" | "could") => {
                !rules.unbearable.has(next) && !rules.undenied.has(next)
            }
            "not" => !rules.undenied.has(next),
            // A Chinese denial stands right before what it denies.
            _ if word.chars().all(super::words::is_han) => {
                start - place <= 3 && rules.denying.has(sentence.terms(place))
            }
            _ => rules.denying.has(sentence.terms(place)),
        };
        if holds {
            let around = place.saturating_sub(1)..(place + 2).min(start + 1);
            return Some(around.filter_map(|i| sentence.words.get(i)).map(|w| w.sureness).fold(1.0, f32::min));
        }
        if rules.subjects.has(sentence.terms(place)) {
            return None;
        }
    }
    None
}
