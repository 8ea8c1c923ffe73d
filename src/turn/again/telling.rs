//! What is weighed at a second listen, one lot after the other: what was heard, the names that may have been said instead, the
//! likeliest first, and the sentences around the one that was.
//!
//! Invariant: a lot is told of only once those before it were weighed, and each text in it with how probable it must be to
//! matter. Most of a listen would go by on texts that were never in question.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::fit::{Fit, at_most, fit, floor, least};
use crate::{
    asr::weigh::{Candidate, Weighed},
    nlu::{Retelling, Retold, words::normal},
};

/// Texts that are weighed before the others, with whose probability those need not be looked at for long.
const LIKELIEST: usize = 3;

/// What was heard, the likeliest, the others, sentences.
const LOTS: usize = 4;

/// Tells what is weighed next, and remembers it.
pub(super) struct Telling {
    retelling: Retelling,
    /// What the first listen heard.
    words: String,
    /// Whether nobody knows what was meant by that.
    lost: bool,
    told: Mutex<Told>,
}

#[derive(Default)]
struct Told {
    lots: usize,
    retold: Vec<Retold>,
}

impl Told {
    /// So many of the texts that were not weighed.
    fn unweighed(&self, most: usize, text: &str, weighed: &[Weighed]) -> Vec<Candidate> {
        let new = self.retold.iter().filter(|r| weighed.iter().all(|w| w.text != r.text)).take(most);
        let floor = |r| floor(r, text, weighed, &self.retold);
        new.map(|r| Candidate { text: r.text.clone(), floor: floor(r) }).collect()
    }
}

impl Telling {
    pub(super) fn new(retelling: Retelling, words: &str, lost: bool) -> Arc<Self> {
        Arc::new(Self { retelling, words: words.to_owned(), lost, told: Mutex::default() })
    }

    /// The names and sentences that were weighed.
    pub(super) fn told(&self) -> Vec<Retold> {
        self.lock().retold.clone()
    }

    /// The next lot, where this listen heard `text` and those before it came to this. Empty after the last.
    pub(super) fn next(&self, text: &str, weighed: &[Weighed]) -> Vec<Candidate> {
        let mut told = self.lock();
        if told.lots == 0 && self.says_no_name(text) {
            told.lots = LOTS;
        }
        while told.lots < LOTS {
            told.lots += 1;
            let lot = self.lot(&mut told, text, weighed);
            if !lot.is_empty() {
                return lot;
            }
        }
        Vec::new()
    }

    /// Whether both listens heard the same, in words that are all known, and nobody understands them: something else is asked for
    /// than Wellspoken does. Of 68 utterances with a name that the first listen lost, none looked like that.
    fn says_no_name(&self, text: &str) -> bool {
        self.lost && normal(text) == normal(&self.words) && self.retelling.knows(text)
    }

    fn lot(&self, told: &mut Told, text: &str, weighed: &[Weighed]) -> Vec<Candidate> {
        match told.lots {
            1 => self.heard(text).map(|text| Candidate { text: text.to_owned(), floor: f32::NEG_INFINITY }).collect(),
            2 => {
                let retold = self.told_of(text, |heard| self.retelling.of(heard));
                told.retold.clone_from(&retold);
                told.retold.sort_by(|a, b| at_most(b, &retold).total_cmp(&at_most(a, &retold)));
                told.unweighed(LIKELIEST, text, weighed)
            }
            3 => told.unweighed(usize::MAX, text, weighed),
            _ if self.lost => self.sentences(told, text, weighed).unwrap_or_default(),
            _ => Vec::new(),
        }
    }

    /// The sentences around the name that was said, if one was.
    fn sentences(&self, told: &mut Told, text: &str, weighed: &[Weighed]) -> Option<Vec<Candidate>> {
        let Fit::Own { text: said, .. } = fit(text, weighed, &told.retold) else { return None };
        let name = told.retold.iter().find(|r| r.text == said)?.clone();
        let carried = self.told_of(text, |heard| self.retelling.carried(heard, &name));
        // One that was too improbable to be about another name may not be too improbable for a sentence about this one.
        let known = |r: &Retold| weighed.iter().any(|w| w.text == r.text && w.log_probability.is_finite());
        let floor = least(&said, weighed);
        let new = carried.iter().filter(|r| !known(r));
        let lot = new.map(|r| Candidate { text: r.text.clone(), floor }).collect();
        told.retold.extend(carried);
        Some(lot)
    }

    /// What this listen heard and what the first did, where it is something else.
    fn heard<'t>(&'t self, text: &'t str) -> impl Iterator<Item = &'t str> {
        let first = Some(self.words.as_str()).filter(|words| *words != text);
        [Some(text), first].into_iter().flatten().filter(|text| !text.is_empty())
    }

    /// What may have been said instead of either, each text once.
    fn told_of(&self, text: &str, retell: impl Fn(&str) -> Vec<Retold>) -> Vec<Retold> {
        let mut all: Vec<Retold> = Vec::new();
        for told in self.heard(text).flat_map(retell) {
            match all.iter_mut().find(|known| known.text == told.text) {
                Some(known) if known.likeness >= told.likeness => {}
                Some(known) => *known = told,
                None => all.push(told),
            }
        }
        all
    }

    fn lock(&self) -> MutexGuard<'_, Told> {
        self.told.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        nlu::{
            Whose,
            catalogue::{Catalogue, SlotKind},
        },
        policy::{NameLists, Named},
    };

    const LISTEN: &str = "is my quinn a pill ready";

    fn rosas() -> NameLists {
        let named = |name: &str| Named { name: name.to_owned(), aliases: vec![] };
        let medicines = ["quinapril", "warfarin", "lisinopril", "enalapril"].map(named).to_vec();
        NameLists { medicines, providers: vec![named("Patel")] }
    }

    /// All lots and what they come to, where this listen heard that and the first these words, and a text is as probable as this
    /// says.
    fn lots(
        kind: SlotKind,
        now: &str,
        words: &str,
        lost: bool,
        probable: impl Fn(&str) -> f32,
    ) -> (Vec<Vec<String>>, Fit) {
        let catalogue = Arc::new(Catalogue::builtin().expect("the catalogue loads"));
        let telling = Telling::new(Retelling::new(catalogue, &[kind], &rosas()), words, lost);
        let (mut lots, mut weighed): (Vec<Vec<String>>, Vec<Weighed>) = (Vec::new(), Vec::new());
        loop {
            let lot = telling.next(now, &weighed);
            if lot.is_empty() {
                assert!(telling.next(now, &weighed).is_empty(), "there is no end");
                let names: Vec<Retold> = telling.told().into_iter().filter(|r| !r.carried).collect();
                assert!(names.is_sorted_by_key(|r| -at_most(r, &names)), "not the likeliest first: {names:?}");
                return (lots, fit(now, &weighed, &telling.told()));
            }
            lots.push(lot.iter().map(|candidate| candidate.text.clone()).collect());
            weighed.extend(lot.into_iter().map(|Candidate { text, floor }| {
                let log_probability = Some(probable(&text)).filter(|p| *p >= floor).unwrap_or(f32::NEG_INFINITY);
                Weighed { text, log_probability }
            }));
        }
    }

    #[test]
    fn what_was_heard_comes_first_then_the_likeliest_then_the_rest() {
        let (found, _) = lots(SlotKind::Medicine, LISTEN, "is my quinn up already", false, |_| -20.0);
        assert_eq!(found.len(), 3, "{found:?}");
        assert_eq!(found[0], [LISTEN, "is my quinn up already"]);
        assert!(found[1].len() == LIKELIEST && found[1].contains(&"is my quinapril ready".to_owned()), "{found:?}");
        let mut all = found.concat();
        let count = all.len();
        assert!(count > 2 + LIKELIEST);
        all.sort();
        all.dedup();
        assert_eq!(all.len(), count, "one was weighed twice: {found:?}");
        // The same words again are no second text.
        assert_eq!(lots(SlotKind::Medicine, LISTEN, LISTEN, false, |_| -20.0).0[0], [LISTEN]);
        assert_eq!(lots(SlotKind::Medicine, LISTEN, "", false, |_| -20.0).0[0], [LISTEN]);
    }

    #[test]
    fn a_text_that_both_may_have_been_is_as_like_as_the_liker() {
        let catalogue = Arc::new(Catalogue::builtin().expect("the catalogue loads"));
        let telling = Telling::new(Retelling::new(catalogue, &[], &NameLists::default()), "first", false);
        for (first, now) in [(0.5, 0.8), (0.8, 0.5)] {
            let of = |heard: &str| {
                let likeness = if heard == "first" { first } else { now };
                vec![Retold { text: "a".into(), name: "a".into(), whose: Whose::Own(0), likeness, carried: false }]
            };
            let told = telling.told_of("now", of);
            assert_eq!(told.iter().map(|r| r.likeness).collect::<Vec<_>>(), [0.8]);
        }
    }

    #[test]
    fn sentences_are_tried_around_a_name_that_was_said_where_the_words_were_lost() {
        let quinapril = |text: &str| if text.contains("quinapril") { -12.0 } else { -14.0 };
        let sentence = "Is my quinapril ready?".to_owned();
        for (what, lost, probable, tried) in [
            ("it was said", true, quinapril as fn(&str) -> f32, true),
            ("the words were not lost", false, quinapril, false),
            ("nothing that was said is a name", true, |text: &str| if text == LISTEN { -5.0 } else { -90.0 }, false),
        ] {
            let (found, _) = lots(SlotKind::Medicine, LISTEN, "is my quinn up already", lost, probable);
            assert_eq!(found.len() > 3 && found[3].contains(&sentence), tried, "{what}: {found:?}");
            let others = ["warfarin", "lisinopril", "enalapril"];
            assert!(
                found.iter().skip(3).flatten().all(|text| others.iter().all(|name| !text.contains(name))),
                "{found:?}"
            );
        }
    }

    #[test]
    fn a_sentence_that_was_weighed_already_counts_as_one_too() {
        let (now, first) = ("Refill my quinn up ill.", "You feel my quinn up ill.");
        let (found, fit) = lots(SlotKind::Medicine, now, first, true, |text| match text {
            "Refill my quinapril." => -12.0,
            "You feel my quinapril." => -9.0,
            _ => -20.0,
        });
        let all = found.concat();
        assert_eq!(all.iter().filter(|text| *text == "Refill my quinapril.").count(), 1, "{found:?}");
        let Fit::Own { text, carried, .. } = fit else { panic!("{fit:?}") };
        assert_eq!((text.as_str(), carried.as_deref()), ("You feel my quinapril.", Some("Refill my quinapril.")));
    }

    #[test]
    fn nothing_is_weighed_where_known_words_were_heard_twice_and_mean_nothing() {
        for (what, now, words, lost, weighed) in [
            ("they are known", "Speak a little softer please", "speak a little softer, please.", true, false),
            ("they are understood", "Speak a little softer please", "speak a little softer, please.", false, true),
            ("one is not known", "Speak a little soutefer please", "speak a little soutefer, please.", true, true),
            ("they differ", "Speak a little softer please", "speak a little less please", true, true),
            ("nothing was heard first", "Speak a little softer please", "", true, true),
        ] {
            let (found, fit) = lots(SlotKind::Medicine, now, words, lost, |_| -20.0);
            assert_eq!(!found.is_empty(), weighed, "{what}: {found:?}");
            assert!(weighed || fit == Fit::Unknown, "{what}: {fit:?}");
        }
    }

    #[test]
    fn sentences_are_tried_where_few_names_may_have_been_said() {
        let (found, _) = lots(SlotKind::Provider, "is patella free", "is patella free", true, |_| -12.0);
        let sentences = found.last().expect("what was heard comes first");
        assert!(found[1].len() < LIKELIEST && sentences.iter().all(|text| text.contains("Patel")), "{found:?}");
        assert_eq!(found.len(), 3, "{found:?}");
    }
}
