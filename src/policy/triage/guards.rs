//! When a phrase does not count: denied, long past, only supposed, somebody's story, over.
//!
//! Each guard looks at one sentence. Words of the present ("now", "again", "still") outweigh the past and the
//! supposed, because a missed emergency costs more than a nurse who looks in.

use super::{rules::RULES, words::Sentence};

/// How far back a denial reaches.
const REACH: usize = 6;

/// Whether a word denies or supposes what follows it; no gap of a phrase may swallow one.
pub fn turns_meaning(word: &str) -> bool {
    matches!(word, "not" | "never" | "no" | "without" | "if" | "unless")
}

/// Whether the phrase at these words is said of here and now.
pub fn is_meant(sentence: &Sentence, start: usize, end: usize) -> bool {
    if denied(sentence, start) || over(sentence, end) || story(sentence) {
        return false;
    }
    present(sentence) || !(past(sentence) || supposed(sentence, start) || asks_the_record(sentence))
}

/// Whether a mere mention ("chest pain") is a cry rather than a topic: short and no question, or pressing.
pub fn stands_alone(sentence: &Sentence, start: usize, end: usize) -> bool {
    let meant: Vec<&str> =
        sentence.words.iter().map(|w| w.text.as_str()).filter(|w| !RULES.courtesies.contains(w)).collect();
    let topic = sentence.question
        || meant.first().is_some_and(|w| QUESTIONS.contains(w))
        || meant.iter().any(|w| RULES.topics.contains(w));
    !topic && (meant.len() <= (end - start) + 4 || present(sentence))
}

/// Whether a cry for help is taken back in the same breath.
pub fn withdraws(sentence: &Sentence) -> bool {
    has(sentence, &["false", "alarm"])
        || has(sentence, &["never", "mind"])
        || has(sentence, &["nevermind"])
        || has(sentence, &["by", "accident"])
        || has(sentence, &["by", "mistake"])
        || has(sentence, &["just", "kidding"])
        || has(sentence, &["not", "mean", "to"])
}

/// How a sentence that asks for information begins.
const QUESTIONS: &[&str] = &[
    "what", "how", "why", "does", "do", "is", "are", "can", "could", "tell", "explain", "which", "who", "when",
    "where", "should", "will", "would", "did", "show", "book", "schedule", "renew", "refill", "remind", "read",
    "cancel", "was", "have", "has", "define",
];

fn has(sentence: &Sentence, words: &[&str]) -> bool {
    (0..sentence.words.len()).any(|i| words.iter().enumerate().all(|(n, w)| sentence.at(i + n) == *w))
}

fn any(sentence: &Sentence, words: &[&str]) -> bool {
    sentence.words.iter().any(|w| words.contains(&w.text.as_str()))
}

/// A subject starts a statement of its own, which an earlier "not" does not deny.
fn subject(word: &str) -> bool {
    matches!(
        word,
        "i" | "he" | "she" | "it" | "they" | "we" | "my" | "there" | "help" | "because" | "somebody" | "someone"
    )
}

fn denied(sentence: &Sentence, start: usize) -> bool {
    let mut place = start;
    while place > 0 && start - place < REACH {
        if sentence.words[place].after_comma {
            return false;
        }
        place -= 1;
        let (word, next) = (sentence.at(place), sentence.at(place + 1));
        let holds = match word {
            // "No, I fell": an answer, not a denial of what follows.
            "no" => !subject(next),
            // "I can't stand the pain", "I don't know what": the thing itself is there.
            "not" => !matches!(
                next,
                "stop"
                    | "stand"
                    | "take"
                    | "handle"
                    | "bear"
                    | "know"
                    | "believe"
                    | "wait"
                    | "understand"
                    | "sure"
                    | "only"
            ),
            "never" | "without" | "neither" | "nor" | "denies" | "deny" | "denied" => true,
            _ => false,
        };
        if holds {
            return true;
        }
        if subject(word) {
            return false;
        }
    }
    false
}

/// It is told to have ended: "the chest pain is gone".
fn over(sentence: &Sentence, end: usize) -> bool {
    (end..(end + 5).min(sentence.words.len())).take_while(|i| !turns_meaning(sentence.at(*i))).any(|i| {
        let next = sentence.at(i + 1);
        match sentence.at(i) {
            "gone" | "resolved" | "subsided" => true,
            "went" => next == "away",
            "passed" => !matches!(next, "out" | "away"),
            "stopped" => next.is_empty() || matches!(next, "now" | "already" | "on" | "by" | "and"),
            "better" => {
                matches!(sentence.at(i.wrapping_sub(1)), "is" | "are" | "feels" | "feeling" | "got" | "much" | "lot")
            }
            _ => false,
        }
    })
}

/// Told of somebody else, or of something that was seen or read.
fn story(sentence: &Sentence) -> bool {
    any(
        sentence,
        &[
            "movie",
            "movies",
            "film",
            "documentary",
            "watched",
            "novel",
            "article",
            "drill",
            "dream",
            "dreamed",
            "podcast",
        ],
    ) || [
        &["died", "of"][..],
        &["died", "from"],
        &["dies", "of"],
        &["passed", "away", "from"],
        &["on", "tv"],
        &["on", "television"],
        &["the", "news"],
        &["show", "about"],
        &["book", "about"],
        &["read", "about"],
        &["heard", "about"],
        &["runs", "in"],
        &["family", "history"],
        &["history", "of"],
    ]
    .iter()
    .any(|words| has(sentence, words))
}

fn present(sentence: &Sentence) -> bool {
    (0..sentence.words.len()).any(|i| match sentence.at(i) {
        // "I'm fine now" is no emergency.
        "now" => {
            !matches!(sentence.at(i.wrapping_sub(1)), "okay" | "fine" | "better" | "good" | "gone" | "well" | "right")
                || (sentence.at(i.wrapping_sub(1)) == "right" && sentence.at(i.wrapping_sub(2)) != "all")
        }
        "again" | "still" | "currently" | "today" | "tonight" | "suddenly" | "just" | "hurry" | "quick" | "quickly"
        | "911" => true,
        "this" => sentence.at(i + 1) == "morning",
        _ => false,
    })
}

fn past(sentence: &Sentence) -> bool {
    (0..sentence.words.len()).any(|i| {
        let (before, next) = (|n: usize| sentence.at(i.wrapping_sub(n)), sentence.at(i + 1));
        // "Since last night" reaches into the present.
        if before(1) == "since" || before(2) == "since" {
            return false;
        }
        match sentence.at(i) {
            "last" => matches!(
                next,
                "year"
                    | "month"
                    | "week"
                    | "summer"
                    | "winter"
                    | "spring"
                    | "fall"
                    | "autumn"
                    | "night"
                    | "time"
                    | "monday"
                    | "tuesday"
                    | "wednesday"
                    | "thursday"
                    | "friday"
                    | "saturday"
                    | "sunday"
                    | "january"
                    | "february"
                    | "march"
                    | "april"
                    | "may"
                    | "june"
                    | "july"
                    | "august"
                    | "september"
                    | "october"
                    | "november"
                    | "december"
                    | "christmas"
            ),
            "ago" | "back" => {
                matches!(before(1), "day" | "days" | "week" | "weeks" | "month" | "months" | "year" | "years")
            }
            "yesterday" | "previously" | "childhood" => true,
            "used" => next == "to",
            "when" => matches!(next, "i" | "he" | "she") && sentence.at(i + 2) == "was",
            "as" => {
                matches!(next, "a")
                    && matches!(sentence.at(i + 2), "kid" | "child" | "baby" | "teenager" | "boy" | "girl")
            }
            "in" => {
                matches!(next, "college" | "school" | "childhood")
                    || (next == "the" && sentence.at(i + 2) == "past")
                    || (next.len() == 4 && next.chars().all(|c| c.is_ascii_digit()))
            }
            _ => false,
        }
    })
}

/// "If", "in case", "what do I do when", "afraid of": what might be.
fn supposed(sentence: &Sentence, start: usize) -> bool {
    (0..start).any(|i| {
        let (before, next) = (sentence.at(i.wrapping_sub(1)), sentence.at(i + 1));
        match sentence.at(i) {
            // "I don't know if I'm having a stroke" is no supposition.
            "if" => !matches!(before, "know" | "sure" | "tell" | "wonder" | "wondering" | "unsure" | "see" | "as"),
            "unless" | "whenever" | "suppose" | "imagine" | "hypothetically" | "prevent" | "avoid" => true,
            "in" => next == "case",
            "when" => (0..i).any(|j| matches!(sentence.at(j), "what" | "should" | "how")),
            "afraid" | "scared" | "fear" | "risk" | "chance" | "chances" | "danger" | "instead" => next == "of",
            "worried" => next == "about",
            _ => false,
        }
    })
}

/// "When was my last seizure", "do I have …": asked of the records, not of the room.
fn asks_the_record(sentence: &Sentence) -> bool {
    let first = (0..sentence.words.len()).find(|i| !RULES.courtesies.contains(sentence.at(*i))).unwrap_or(0);
    matches!(
        (sentence.at(first), sentence.at(first + 1)),
        ("do" | "did" | "have", "i")
            | ("when", "did" | "was" | "were" | "is")
            | ("was" | "were", _)
            | ("what", "was" | "were" | "did")
            | ("how", "many" | "often")
            | ("has", "my")
            | ("did" | "does", _)
    )
}
