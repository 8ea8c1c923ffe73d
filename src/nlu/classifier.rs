//! The lexical classifier: TF-IDF over words and letters, one linear SVM for each intent, a calibrated confidence.
//!
//! It is trained at start on the catalogue alone. How sure it is comes from predictions about sentences it had
//! not seen (out of fold, whole templates held out together), so confidence means "how often was this right".
//! A second classifier can be averaged in at [`Model::predict`] before confidence is computed.

mod calibrate;
mod features;
mod svm;

pub use calibrate::Calibration;
use features::Space;

/// One sentence to learn from.
#[derive(Debug, Clone)]
pub struct Example {
    /// Its normalized words.
    pub words: Vec<String>,
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
#[derive(Debug)]
pub struct Model {
    space: Space,
    rows: Vec<Row>,
    weights: svm::Weights,
    classes: usize,
    none: Option<usize>,
    calibration: Calibration,
}

type Row = (Vec<(u32, f32)>, usize);

/// What a classifier makes of a sentence.
#[derive(Debug, Clone)]
pub struct Prediction {
    /// Classes in scope, best first, with confidence.
    pub ranked: Vec<(usize, f32)>,
}

/// Folds of the out-of-fold predictions.
const FOLDS: usize = 3;

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
                let (signs, best) = part.signs(&example.words);
                seen.push((signs, best == Some(example.class) && Some(example.class) != none));
            }
        }
        let all: Vec<&Example> = examples.iter().collect();
        Ok(Self::fit(&all, classes, none, Calibration::learn(&seen)))
    }

    fn fit(examples: &[&Example], classes: usize, none: Option<usize>, calibration: Calibration) -> Self {
        let space = Space::learn(examples.iter().map(|e| e.words.as_slice()));
        let rows: Vec<Row> = examples.iter().map(|e| (space.vector(&e.words), e.class)).collect();
        let weights = svm::train(&rows, space.len(), classes);
        Self { space, rows, weights, classes, none, calibration }
    }

    /// What confidence is computed from, and the best class in scope.
    fn signs(&self, words: &[String]) -> (calibrate::Signs, Option<usize>) {
        let vector = self.space.vector(words);
        let margins = self.weights.margins(&vector, self.classes);
        let best = self.in_scope(&margins).max_by(|a, b| a.1.total_cmp(&b.1)).map(|(c, _)| c);
        (self.signs_of(&vector, &margins, best), best)
    }

    fn in_scope<'m>(&self, margins: &'m [f32]) -> impl Iterator<Item = (usize, f32)> + 'm {
        let none = self.none;
        margins.iter().copied().enumerate().filter(move |(c, _)| Some(*c) != none)
    }

    fn signs_of(&self, vector: &[(u32, f32)], margins: &[f32], class: Option<usize>) -> calibrate::Signs {
        let margin = class.and_then(|c| margins.get(c)).copied().unwrap_or(-2.0);
        let others = margins.iter().enumerate().filter(|(c, _)| Some(*c) != class).map(|(_, m)| *m);
        let gap = margin - others.fold(f32::MIN, f32::max).max(-4.0);
        calibrate::Signs { margin, gap, nearest: self.nearest(vector, class) }
    }

    /// Likeness to the nearest sentence of a class, 0 to 1.
    fn nearest(&self, vector: &[(u32, f32)], class: Option<usize>) -> f32 {
        let rows = self.rows.iter().filter(|(_, c)| Some(*c) == class);
        // Vectors are two parts of length 1: words and letters.
        rows.map(|(row, _)| features::dot(vector, row)).fold(0.0, f32::max) / 2.0
    }

    /// Ranks the classes in scope. A sentence without a known word or letter ranks nothing.
    #[must_use]
    pub fn predict(&self, words: &[String]) -> Prediction {
        let vector = self.space.vector(words);
        if vector.is_empty() {
            return Prediction { ranked: Vec::new() };
        }
        let margins = self.weights.margins(&vector, self.classes);
        let mut order: Vec<(usize, f32)> = self.in_scope(&margins).collect();
        order.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
        order.truncate(4);
        let ranked = order
            .into_iter()
            .map(|(class, _)| (class, self.calibration.confidence(self.signs_of(&vector, &margins, Some(class)))))
            .collect();
        Prediction { ranked }
    }

    /// The thresholds that were found.
    #[must_use]
    pub const fn calibration(&self) -> &Calibration {
        &self.calibration
    }

    /// Sentences it learned from.
    #[must_use]
    pub const fn examples(&self) -> usize {
        self.rows.len()
    }
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
                all.push(Example { words: s.split(' ').map(str::to_owned).collect(), class, group });
                group += 1;
            }
        }
        all
    }

    fn top(model: &Model, said: &str) -> Option<(usize, f32)> {
        let words: Vec<String> = said.split(' ').map(str::to_owned).collect();
        model.predict(&words).ranked.first().copied()
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
    fn nothing_to_tell_apart_is_an_error() {
        assert_eq!(Model::train(&[], 2, None).err(), Some(Untrainable::TooFewClasses));
        assert_eq!(Model::train(&examples()[..6], 3, None).err(), Some(Untrainable::TooFewClasses));
    }
}
