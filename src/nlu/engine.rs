//! Text to an interpretation: whole sentences first, then an answer to the open question, then the classifier.

use std::sync::Arc;

use super::{
    By, Context, Interpretation, NONE, Slots,
    catalogue::{Catalogue, IntentDef, Place, Sentence},
    classifier::{Calibration, Example, Model, Prediction},
    embed::Embedder,
    ending::Endings,
    grammar::{self, Scratch},
    shelf::{self, LearnError, Shelf},
    words::{self, Word},
};

mod answer;
mod carrier;
mod find;
mod intended;
mod learn;
mod message;
mod retold;
mod values;

pub use answer::{CHOICE, OTHER};
use find::Finder;
pub use retold::{Retelling, Retold, Whose};

/// The understanding engine. Immutable once built; share it.
#[derive(Debug)]
pub struct Engine {
    catalogue: Arc<Catalogue>,
    model: Model,
    /// `None`: by words and letters alone.
    embedder: Option<Arc<Embedder>>,
    endings: Endings,
}

/// A sentence longer than this is not looked for as a whole.
const LONGEST_SENTENCE: usize = 120;

/// Where a sentence fits but for an unknown name, the classifier need not be surer than this to ask.
const ASK: f32 = 0.3;

/// A sentence that fits.
struct Exact {
    intent: usize,
    slots: Slots,
    points: i32,
    /// A name in it is of no list: the words around it alone do not make it this intent.
    weak: bool,
    /// The sentence holds only while a question is open, which it answers.
    answers: bool,
    others: Vec<usize>,
}

impl Engine {
    /// Compiles and trains on words and letters alone.
    ///
    /// # Errors
    /// When the catalogue has too little to tell intents apart.
    pub fn lexical(catalogue: Arc<Catalogue>) -> Result<Self, LearnError> {
        let [classes, none] = classes(&catalogue);
        let examples = learn::examples(&catalogue);
        let endings = endings(&examples);
        let model = Model::train(&examples, classes, Some(none).filter(|n| *n < classes))?;
        Ok(Self { catalogue, model, embedder: None, endings })
    }

    /// Compiles and trains with a sentence network, or takes what the shelf has of an earlier start.
    ///
    /// # Errors
    /// When the catalogue has too little to tell intents apart, or the network fails.
    pub fn new(catalogue: Arc<Catalogue>, embedder: Arc<Embedder>, shelf: &Shelf<'_>) -> Result<Self, LearnError> {
        let examples = learn::examples(&catalogue);
        let texts: Vec<String> = examples.iter().map(|e| learn::readable(&e.words)).collect();
        let endings = endings(&examples);
        let model = shelf::classifier(&embedder, examples, &texts, classes(&catalogue), shelf)?;
        Ok(Self { catalogue, model, embedder: Some(embedder), endings })
    }

    /// What it understands with.
    #[must_use]
    pub fn catalogue(&self) -> &Catalogue {
        &self.catalogue
    }

    /// The classifier's thresholds.
    #[must_use]
    pub const fn calibration(&self) -> &Calibration {
        self.model.calibration()
    }

    /// Sentences the classifier learned from.
    #[must_use]
    pub const fn examples(&self) -> usize {
        self.model.examples()
    }

    /// Understands one utterance.
    ///
    /// Pure: the same text in the same context gives the same interpretation. Time is bounded: words beyond
    /// [`words::MOST_WORDS`] are not looked at.
    #[must_use]
    pub fn understand(&self, text: &str, ctx: &Context<'_>) -> Interpretation {
        let heard = words::words(text);
        if heard.is_empty() {
            return nothing(Vec::new());
        }
        let mut weak = None;
        let mut memory = Scratch::default();
        let wrapped = std::iter::once_with(|| self.variants(&heard)).flatten();
        for variant in std::iter::once(heard.clone()).chain(wrapped) {
            let mut finder = Finder::new(&self.catalogue, text, variant, ctx);
            match self.sentence(&mut finder, &mut memory) {
                Some(exact) if !exact.weak => return self.exactly(exact),
                Some(exact) => weak = weak.or(Some(exact)),
                None => {}
            }
        }
        let mut finder = Finder::new(&self.catalogue, text, heard, ctx);
        let prediction = self.predict(&finder.known_values_masked());
        let ranked: Vec<(usize, f32)> = prediction.ranked;
        let top = ranked.first().copied().unwrap_or((usize::MAX, 0.0));
        let calibration = self.model.calibration();
        if let Some(pending) = ctx.pending {
            // A new request in so many words wins over an answer that is only guessed at.
            let other = self.intent(top.0).is_some_and(|i| i.name != pending.intent) && top.1 >= calibration.sure;
            if let Some(slots) = answer::slots(self.catalogue.intent(pending.intent), pending, &mut finder, other) {
                return Interpretation {
                    intent: pending.intent.to_owned(),
                    slots,
                    confidence: 1.0,
                    alternatives: Vec::new(),
                    by: By::Answer,
                };
            }
        }
        let named = |ranked: &[(usize, f32)]| -> Vec<(String, f32)> {
            let likely = ranked.iter().filter(|(_, c)| *c >= 0.05);
            likely.filter_map(|&(i, c)| Some((self.intent(i)?.name.clone(), c))).collect()
        };
        let weak = weak.filter(|w| w.intent == top.0);
        // Words that fit a sentence around a name nobody knows are worth a question.
        let least = if weak.is_some() { calibration.maybe.min(ASK) } else { calibration.maybe };
        let Some(intent) = self.intent(top.0).filter(|_| top.1 >= least) else {
            return nothing(named(&ranked));
        };
        let slots = match weak {
            Some(exact) => exact.slots,
            None => finder.slots_of(intent),
        };
        Interpretation {
            intent: intent.name.clone(),
            slots,
            confidence: top.1,
            alternatives: named(ranked.get(1..).unwrap_or_default()),
            by: if top.1 >= calibration.sure { By::Classifier } else { By::Unsure },
        }
    }

    /// How likely a text is all that somebody has to say, 0 to 1, by its words alone. Pure, as [`Self::understand`].
    #[must_use]
    pub fn ends(&self, text: &str, ctx: &Context<'_>) -> f32 {
        let finder = Finder::new(&self.catalogue, text, words::words(text), ctx);
        self.endings.likely(&finder.known_values_masked())
    }

    /// What the classifier makes of masked words.
    fn predict(&self, masked: &[String]) -> Prediction {
        let meaning = self.embedder.as_ref().map(|e| e.embed(&learn::readable(masked)));
        // A network that ran at the start does not fail later; should it, words alone are better than silence.
        self.model.predict(masked, meaning.and_then(Result::ok).as_deref())
    }

    /// Whether it goes by meaning too, or by words and letters alone.
    #[must_use]
    pub const fn knows_meaning(&self) -> bool {
        self.embedder.is_some()
    }

    fn intent(&self, index: usize) -> Option<&IntentDef> {
        self.catalogue.intents().get(index)
    }

    fn exactly(&self, exact: Exact) -> Interpretation {
        let name = |i: usize| self.intent(i).map_or_else(String::new, |i| i.name.clone());
        Interpretation {
            intent: name(exact.intent),
            slots: exact.slots,
            confidence: 1.0,
            alternatives: exact.others.into_iter().map(|i| (name(i), 1.0)).collect(),
            by: if exact.answers { By::Answer } else { By::Sentence },
        }
    }

    /// The best sentence that fits all the words.
    fn sentence<'a>(&'a self, finder: &mut Finder<'a>, memory: &mut Scratch) -> Option<Exact> {
        let numbers: Vec<u32> = finder.words().iter().map(|w| self.catalogue.vocabulary.number(w)).collect();
        if numbers.len() > LONGEST_SENTENCE {
            return None;
        }
        let mut best: Option<Exact> = None;
        for sentence in candidates(&self.catalogue, &numbers) {
            if !sentence.exact || !sentence.pattern.may_fit(&numbers) || !sentence.holds(finder.ctx()) {
                continue;
            }
            let Some(def) = self.intent(sentence.intent) else { continue };
            finder.look_for(def);
            let Some(fit) = sentence.pattern.fit(&numbers, finder, memory, false) else { continue };
            if let Some(best) = &mut best {
                if fit.points < best.points {
                    continue;
                }
                if fit.points == best.points {
                    if sentence.intent != best.intent && !best.others.contains(&sentence.intent) {
                        best.others.push(sentence.intent);
                    }
                    continue;
                }
            }
            let (slots, weak) = finder.fill(def, &sentence.pattern, &fit);
            // What belongs to the conversation itself, such as a correction, is no value of the open question.
            let answers = asked_by(finder.ctx(), &def.name) && !sentence.requires.pending.is_empty();
            best =
                Some(Exact { intent: sentence.intent, slots, points: fit.points, weak, answers, others: Vec::new() });
        }
        best
    }

    /// The words with fillers, openings, closings and stutter taken away, least first. Costs more than looking the
    /// words up as they are, so only asked for when that found nothing.
    fn variants(&self, heard: &[Word]) -> Vec<Vec<Word>> {
        let mut variants = Vec::new();
        let plain = self.without_skipped(heard);
        let opened = self.without_openings(&plain);
        for words in [plain.clone(), opened.clone(), self.without_closings(&plain), self.without_closings(&opened)] {
            if !words.is_empty() && words != heard && !variants.contains(&words) {
                variants.push(words);
            }
        }
        variants
    }

    fn without_skipped(&self, heard: &[Word]) -> Vec<Word> {
        let mut out: Vec<Word> = Vec::new();
        let mut at = 0;
        while let Some(word) = heard.get(at) {
            let skipped = self.catalogue.skip.iter().find(|s| {
                let next = heard.get(at..at + s.len()).unwrap_or_default();
                !s.is_empty() && next.len() == s.len() && next.iter().zip(s.iter()).all(|(w, s)| w.text == *s)
            });
            match skipped {
                Some(s) => at += s.len(),
                None => {
                    // "the the": said twice is meant once.
                    if out.last().is_none_or(|last| last.text != word.text) {
                        out.push(word.clone());
                    }
                    at += 1;
                }
            }
        }
        out
    }

    fn without_openings(&self, heard: &[Word]) -> Vec<Word> {
        let mut rest = heard;
        while let Some(end) = self.edge(rest, true) {
            rest = rest.get(end..).unwrap_or_default();
        }
        rest.to_vec()
    }

    fn without_closings(&self, heard: &[Word]) -> Vec<Word> {
        let mut rest = heard;
        while let Some(start) = self.edge(rest, false) {
            rest = rest.get(..start).unwrap_or_default();
        }
        rest.to_vec()
    }

    /// Where an opening ends or a closing begins, if the words have one and something besides.
    fn edge(&self, words: &[Word], opening: bool) -> Option<usize> {
        let numbers: Vec<u32> = words.iter().map(|w| self.catalogue.vocabulary.number(&w.text)).collect();
        let mut memory = Scratch::default();
        if opening {
            let first = *numbers.first()?;
            let head = numbers.get(..numbers.len().min(12))?;
            let fits = self.catalogue.openings.iter().filter(|p| p.may_begin_with(first));
            let ends = fits.filter_map(|p| p.fit(head, &mut values::NoValues, &mut memory, true));
            return ends.map(|f| f.end).max().filter(|end| *end < words.len());
        }
        (1..words.len()).rev().take(6).rev().find(|&start| {
            let tail = numbers.get(start..).unwrap_or_default();
            self.catalogue.closings.iter().any(|p| p.fit(tail, &mut values::NoValues, &mut memory, false).is_some())
        })
    }
}

/// Whether the open question is this intent's.
fn asked_by(ctx: &Context<'_>, intent: &str) -> bool {
    ctx.pending.is_some_and(|pending| pending.intent == intent)
}

/// Where those sentences end.
fn endings(examples: &[Example]) -> Endings {
    Endings::learn(examples.iter().map(|example| example.words.as_slice()))
}

/// Sentences that may begin with the first of these words.
fn candidates<'c>(catalogue: &'c Catalogue, numbers: &[u32]) -> impl Iterator<Item = &'c Sentence> {
    let first = numbers.first().copied().unwrap_or(grammar::UNKNOWN);
    catalogue.index.beginning_with(first).filter_map(|place| catalogue.sentences.get(place))
}

/// How many intents there are, and which of them is out of scope; their number where none is.
fn classes(catalogue: &Catalogue) -> [usize; 2] {
    let intents = catalogue.intents();
    [intents.len(), intents.iter().position(|i| i.name == NONE).unwrap_or(intents.len())]
}

/// Each intent whose sentences fit a text whole, with its points and where the sentence stands.
pub(super) fn claims(catalogue: &Catalogue, text: &str, ctx: &Context<'_>) -> Vec<(usize, i32, Place)> {
    let mut finder = Finder::new(catalogue, text, words::words(text), ctx);
    let numbers: Vec<u32> = finder.words().iter().map(|w| catalogue.vocabulary.number(w)).collect();
    let mut memory = Scratch::default();
    let mut found: Vec<(usize, i32, Place)> = Vec::new();
    for sentence in candidates(catalogue, &numbers).filter(|s| s.exact && s.pattern.may_fit(&numbers) && s.holds(ctx)) {
        let Some(def) = catalogue.intents().get(sentence.intent) else { continue };
        finder.look_for(def);
        let Some(fit) = sentence.pattern.fit(&numbers, &mut finder, &mut memory, false) else { continue };
        match found.iter_mut().find(|(intent, ..)| *intent == sentence.intent) {
            Some(best) if best.1 < fit.points => *best = (sentence.intent, fit.points, sentence.at.clone()),
            Some(_) => {}
            None => found.push((sentence.intent, fit.points, sentence.at.clone())),
        }
    }
    found
}

fn nothing(alternatives: Vec<(String, f32)>) -> Interpretation {
    let confidence = 1.0 - alternatives.first().map_or(0.0, |(_, c)| *c);
    Interpretation { intent: NONE.to_owned(), slots: Slots::new(), confidence, alternatives, by: By::Nothing }
}

#[cfg(test)]
mod tests;
