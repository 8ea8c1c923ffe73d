//! The classifier: one linear SVM for each intent over words, letters and meaning, averaged with softmax regression
//! over meaning, and a calibrated confidence.
//!
//! Words and letters are TF-IDF, meaning is an [`Embedding`]; where no sentence network is loaded, the SVMs work on
//! words and letters alone. It is trained on the catalogue alone. How sure it is comes from predictions about
//! sentences it had not seen (out of fold, whole templates held out together), so confidence means "how often
//! was this right".

mod calibrate;
mod dense;
mod features;
mod softmax;
mod svm;
mod written;

use super::embed::{self, Embedding};
pub use calibrate::Calibration;
use dense::Dense;
use features::Space;
use softmax::Softmax;

/// One sentence to learn from.
#[derive(Debug, Clone)]
pub struct Example {
    /// Its normalized words.
    pub words: Vec<String>,
    /// What it means; for all examples or for none.
    pub meaning: Option<Embedding>,
    /// Which class it belongs to.
    pub class: usize,
    /// Sentences of one template share a group and are held out together.
    pub group: usize,
}

/// Nothing can be learned.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum Untrainable {
    /// Fewer than two intents have sentences.
    #[error("the classifier needs sentences of at least two intents")]
    TooFewClasses,
}

/// A trained classifier.
#[derive(Debug, PartialEq)]
pub struct Model {
    space: Space,
    /// `None` where it was trained without meaning.
    dense: Option<Dense>,
    known: Vec<Known>,
    weights: svm::Weights,
    softmax: Option<Softmax>,
    none: Option<usize>,
    calibration: Calibration,
}

/// A sentence as features.
#[derive(Debug)]
struct Row {
    sparse: Vec<(u32, f32)>,
    dense: Vec<f32>,
    class: usize,
}

/// A sentence that was learned from, for telling how near another one is.
#[derive(Debug, PartialEq)]
struct Known {
    class: usize,
    sparse: Vec<(u32, f32)>,
    /// The last layer of its meaning.
    meaning: Vec<f32>,
}

/// What a classifier makes of a sentence.
#[derive(Debug, Clone)]
pub struct Prediction {
    /// Classes in scope, best first, with confidence.
    pub ranked: Vec<(usize, f32)>,
    /// Whether the class of what is out of scope stands before all of them.
    pub outside: bool,
}

/// Folds of the out-of-fold predictions.
const FOLDS: usize = 3;
/// What words and letters weigh beside meaning.
const BESIDE_MEANING: f32 = 0.6;
/// Margins times this, as exponents, are shares of what is likely.
const SHARPNESS: f32 = 4.0;
/// How much of the share of what is out of scope speaks against an intent.
const OUTSIDE: f32 = 0.5;

impl Model {
    /// Learns. `none` is the class of what is out of scope: it can win against the others, never be the answer.
    ///
    /// # Errors
    /// [`Untrainable`] where there is nothing to tell apart.
    pub fn train(examples: &[Example], classes: usize, none: Option<usize>) -> Result<Self, Untrainable> {
        let first = examples.first().ok_or(Untrainable::TooFewClasses)?.class;
        if examples.iter().all(|e| e.class == first) {
            return Err(Untrainable::TooFewClasses);
        }
        let mut seen = Vec::new();
        for fold in 0..FOLDS {
            let held = |e: &&Example| e.group % FOLDS == fold;
            let rest: Vec<&Example> = examples.iter().filter(|e| !held(e)).collect();
            let part = Self::fit(&rest, classes, none, Calibration::default());
            for example in examples.iter().filter(held) {
                let said = part.said(&example.words, example.meaning.as_deref());
                let best = part.in_scope(&said).max_by(|a, b| a.1.total_cmp(&b.1)).map(|(c, _)| c);
                let right = best == Some(example.class) && Some(example.class) != none;
                seen.push((part.signs(&said, best), right));
            }
        }
        let all: Vec<&Example> = examples.iter().collect();
        Ok(Self::fit(&all, classes, none, Calibration::learn(&seen)))
    }

    fn fit(examples: &[&Example], classes: usize, none: Option<usize>, calibration: Calibration) -> Self {
        let meanings = examples.iter().filter_map(|e| e.meaning.as_deref());
        let dense = (meanings.clone().count() == examples.len()).then(|| Dense::learn(meanings));
        let space = Space::learn(examples.iter().map(|e| e.words.as_slice()));
        let mut model = Self {
            space,
            dense,
            known: Vec::new(),
            weights: svm::Weights::default(),
            softmax: None,
            none,
            calibration,
        };
        let rows = examples.iter().map(|e| Row { class: e.class, ..model.row(&e.words, e.meaning.as_deref()) });
        let rows: Vec<Row> = rows.collect();
        let wide = model.dense.as_ref().map_or(0, Dense::len);
        model.weights = svm::train(&rows, model.space.len(), wide, classes);
        if model.dense.is_some() {
            let of: Vec<usize> = rows.iter().map(|r| r.class).collect();
            model.softmax = Softmax::train(&rows.iter().map(|r| r.dense.as_slice()).collect::<Vec<_>>(), &of, classes);
        }
        let meaning = |e: &Example| e.meaning.iter().flat_map(|m| m.iter().take(embed::WIDTH)).copied().collect();
        let known = |(row, e): (Row, &&Example)| Known { class: row.class, sparse: row.sparse, meaning: meaning(e) };
        model.known = rows.into_iter().zip(examples).map(known).collect();
        model
    }

    /// A sentence as features, of no class yet.
    fn row(&self, words: &[String], meaning: Option<&[f32]>) -> Row {
        let mut sparse = self.space.vector(words);
        let mut dense = Vec::new();
        if let Some(space) = &self.dense {
            sparse.iter_mut().for_each(|(_, x)| *x *= BESIDE_MEANING);
            dense = meaning.map_or_else(|| vec![0.0; space.len()], |m| space.features(m));
        }
        Row { sparse, dense, class: usize::MAX }
    }

    fn said<'m>(&self, words: &[String], meaning: Option<&'m [f32]>) -> Said<'m> {
        let row = self.row(words, meaning);
        let margins = self.weights.margins(&row);
        let mut shares: Vec<f32> = margins.iter().map(|m| m * SHARPNESS).collect();
        softmax::normalize(&mut shares);
        if let (Some(softmax), Some(_)) = (&self.softmax, meaning) {
            shares.iter_mut().zip(softmax.shares(&row.dense)).for_each(|(a, b)| *a = (*a + b) / 2.0);
        }
        Said { row, margins, shares, meaning: meaning.unwrap_or_default() }
    }

    fn in_scope<'s>(&self, said: &'s Said<'_>) -> impl Iterator<Item = (usize, f32)> + 's {
        let none = self.none;
        said.shares.iter().copied().enumerate().filter(move |(c, _)| Some(*c) != none)
    }

    /// What speaks for a class.
    fn signs(&self, said: &Said<'_>, class: Option<usize>) -> calibrate::Signs {
        let of_class = || self.known.iter().filter(|k| Some(k.class) == class);
        if self.dense.is_some() && !said.meaning.is_empty() {
            let share = |c: Option<usize>| c.and_then(|c| said.shares.get(c)).copied().unwrap_or(0.0);
            let nearest = of_class().map(|k| embed::likeness(said.meaning, &k.meaning)).fold(0.0, f32::max);
            let strength = (share(class) - OUTSIDE * share(self.none)).max(0.0) * nearest;
            return calibrate::Signs { strength, ..Default::default() };
        }
        let margin = class.and_then(|c| said.margins.get(c)).copied().unwrap_or(-2.0);
        let others = said.margins.iter().enumerate().filter(|(c, _)| Some(*c) != class).map(|(_, m)| *m);
        let gap = margin - others.fold(f32::MIN, f32::max).max(-4.0);
        // Vectors are two parts of length 1: words and letters.
        let nearest = of_class().map(|k| features::dot(&said.row.sparse, &k.sparse)).fold(0.0, f32::max) / 2.0;
        calibrate::Signs { margin, gap, nearest, strength: 0.0 }
    }

    /// Ranks the classes in scope. A sentence without a known word or letter ranks nothing.
    #[must_use]
    pub fn predict(&self, words: &[String], meaning: Option<&[f32]>) -> Prediction {
        let said = self.said(words, meaning);
        if said.row.sparse.is_empty() {
            return Prediction { ranked: Vec::new(), outside: true };
        }
        let mut order: Vec<(usize, f32)> = self.in_scope(&said).collect();
        order.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
        order.truncate(4);
        let none = self.none.and_then(|c| said.shares.get(c)).copied().unwrap_or(f32::MIN);
        let outside = order.first().is_none_or(|(_, best)| *best < none);
        let sure = |class| self.calibration.confidence(self.signs(&said, Some(class)));
        Prediction { ranked: order.into_iter().map(|(class, _)| (class, sure(class))).collect(), outside }
    }

    /// Whether it was trained with meaning.
    #[must_use]
    pub const fn knows_meaning(&self) -> bool {
        self.dense.is_some()
    }

    /// The thresholds that were found.
    #[must_use]
    pub const fn calibration(&self) -> &Calibration {
        &self.calibration
    }

    /// Sentences it learned from.
    #[must_use]
    pub const fn examples(&self) -> usize {
        self.known.len()
    }
}

/// A sentence to predict.
struct Said<'m> {
    row: Row,
    /// How far each class's side of its boundary it lies.
    margins: Vec<f32>,
    /// How likely each class is.
    shares: Vec<f32>,
    meaning: &'m [f32],
}

#[cfg(test)]
mod tests {
    use super::*;

    fn examples() -> Vec<Example> {
        let data = [
            (0, "renew my pills|refill the pills|more pills please|order my tablets|get more tablets|refill tablets"),
            (1, "book a visit|see the doctor|make an appointment|book the doctor|visit the doctor|a visit please"),
            (2, "tell a joke|play music|what is the weather|sing a song|turn on the light|who won the game"),
        ];
        let mut group = 0;
        let mut all = Vec::new();
        for (class, sentences) in data {
            for s in sentences.split('|') {
                all.push(Example { words: s.split(' ').map(str::to_owned).collect(), class, group, meaning: None });
                group += 1;
            }
        }
        all
    }

    fn top(model: &Model, said: &str) -> Option<(usize, f32)> {
        let words: Vec<String> = said.split(' ').map(str::to_owned).collect();
        model.predict(&words, None).ranked.first().copied()
    }

    #[test]
    fn it_generalizes_and_is_deterministic() {
        let model = Model::train(&examples(), 3, Some(2)).expect("three classes");
        assert_eq!(top(&model, "please refill my tablet").map(|t| t.0), Some(0));
        assert_eq!(top(&model, "an appointment with a doctor").map(|t| t.0), Some(1));
        let (joke, pills) = (top(&model, "play a song"), top(&model, "refill my pills"));
        assert!(joke.map(|t| t.1) < pills.map(|t| t.1), "{joke:?} must be less sure than {pills:?}");
        let again = Model::train(&examples(), 3, Some(2)).expect("three classes");
        assert_eq!(top(&model, "refill it"), top(&again, "refill it"));
        assert_eq!(top(&model, "ж"), None);
    }

    #[test]
    fn what_was_learned_is_written_and_read_back() {
        let model = Model::train(&examples(), 3, Some(2)).expect("three classes");
        let bytes = model.to_bytes();
        assert_eq!(Model::from_bytes(&bytes).as_ref(), Some(&model));
        for length in [0, 7, 8, 100, bytes.len() / 2, bytes.len() - 1] {
            assert_eq!(Model::from_bytes(&bytes[..length]), None, "{length} bytes");
        }
    }

    #[test]
    fn nothing_to_tell_apart_is_an_error() {
        assert_eq!(Model::train(&[], 2, None).err(), Some(Untrainable::TooFewClasses));
        assert_eq!(Model::train(&examples()[..6], 3, None).err(), Some(Untrainable::TooFewClasses));
    }
}
