//! What was said means: heard in the light of what the conversation knows, as one request or two.

use std::time::Instant;

use super::{Turn, again, hear, millis, pressure};
use crate::{
    dialogue::{MAYBE, Request, Wait},
    nlu::{By, CHOICE, Context, Interpretation, NONE, Pending, SlotValue, catalogue::SlotKind},
    policy::{Effect, NameLists},
};

/// A "yes" heard with less confidence than this is asked for again before it changes anything.
const DOUBTFUL: f32 = 0.4;
/// Longest text that is looked at for two requests, in characters.
const LONGEST_PAIR: usize = 240;
/// Places where a sentence may hold two requests that are tried.
const MOST_PLACES: usize = 6;
/// What two requests are joined by; the longer ones first.
const JOINTS: [&str; 10] =
    [" and then ", " and also ", ", and ", ". and ", " and ", ". ", "; ", ", then ", ", ", " plus "];

/// What was understood.
pub(super) struct Understood {
    /// What to answer first.
    pub meaning: Interpretation,
    /// A second request in the same sentence.
    pub second: Option<Request>,
}

impl Turn<'_> {
    /// The words' meaning; where a name was missed, the clip is heard once more with the person's names in mind.
    pub(super) async fn understand(&mut self, heard: &hear::Hearing, names: &NameLists) -> Understood {
        if let hear::Hearing::Meant { asked, .. } = heard
            && let Some(understood) = self.intended(asked, names)
        {
            return understood;
        }
        let first = self.meaning(heard.words(), names);
        let (words, best) = self.once_more(heard, first, names).await;
        self.settled(&words, best, names)
    }

    /// The same for words too doubtful to act on: only where a second listen finds one of the person's names in them.
    pub(super) async fn saved_by_a_name(
        &mut self,
        heard: &hear::Hearing,
        names: &NameLists,
    ) -> Option<(String, Understood)> {
        let nothing = self.meaning("", names);
        let (words, best) = self.once_more(heard, nothing, names).await;
        if !best.slots.iter().any(|(slot, value)| again::is_name(slot, value)) || !clear(&best) {
            return None;
        }
        let understood = self.settled(&words, best, names);
        Some((words, understood))
    }

    fn settled(&mut self, words: &str, best: Interpretation, names: &NameLists) -> Understood {
        let clock = Instant::now();
        let mut understood = self.two(words, &best, names).unwrap_or(Understood { meaning: best, second: None });
        self.timings.nlu += millis(clock);
        if understood.meaning.intent == "dialogue.yes" && self.sounds_doubtful(words) {
            MAYBE.clone_into(&mut understood.meaning.intent);
        }
        understood
    }

    /// "Yes?", or one that was hardly heard.
    fn sounds_doubtful(&self, words: &str) -> bool {
        words.trim_end().ends_with('?') || self.heard.as_ref().is_some_and(|heard| heard.confidence < DOUBTFUL)
    }

    pub(super) fn meaning(&mut self, words: &str, names: &NameLists) -> Interpretation {
        let clock = Instant::now();
        let meaning = self.in_the_light_of(words, names);
        self.timings.nlu += millis(clock);
        meaning
    }

    /// What it means here and now: a correction is an answer given again, an ellipsis the last request with another
    /// value.
    fn in_the_light_of(&self, words: &str, names: &NameLists) -> Interpretation {
        let first = self.read_as(words, names, self.pending());
        let recent = || self.state.recent.as_ref().map(|r| Pending { intent: &r.intent, slot: None });
        if first.intent == "dialogue.correct" {
            let said = first.slots.values().find_map(|slot| match &slot.value {
                SlotValue::Text(text) => Some(text.clone()),
                _ => None,
            });
            let about = self.pending().or_else(recent);
            if let (Some(said), Some(about)) = (said, about) {
                let second = self.read_as(&said, names, Some(Pending { slot: None, ..about }));
                if clear(&second) && second.intent != first.intent {
                    return second;
                }
                // A name of no list, in the place of the one that was understood.
                let second = self.read_as(&said, names, Some(Pending { slot: self.name_asked_of(about), ..about }));
                if second.by == By::Answer {
                    return second;
                }
            }
        }
        let lost = first.intent == NONE || first.by == By::Unsure;
        if lost
            && self.state.open.is_none()
            && let Some(recent) = recent()
        {
            let second = self.read_as(words, names, Some(recent));
            if second.by == By::Answer && !second.slots.is_empty() && !second.slots.contains_key(CHOICE) {
                return second;
            }
        }
        if lost && let Some(told) = pressure::told(words) {
            return told;
        }
        first
    }

    /// The slot of a request that holds a medicine, where it has one.
    fn name_asked_of(&self, about: Pending<'_>) -> Option<&str> {
        let def = self.core.catalogue.intent(about.intent)?;
        def.slots.iter().find(|slot| slot.kind == SlotKind::Medicine).map(|slot| slot.name.as_str())
    }

    /// A name that is waited for is no answer to what was asked before it.
    pub(super) fn pending(&self) -> Option<Pending<'_>> {
        let open = self.state.open.as_ref().filter(|open| !matches!(open.wait, Wait::Who { .. }));
        open.map(|open| Pending { intent: &open.intent, slot: open.wait.slot() })
    }

    /// What the words mean by the catalogue alone.
    pub(super) fn read_plainly(&self, words: &str, lists: &NameLists, pending: Option<Pending<'_>>) -> Interpretation {
        let core = self.core;
        let channel = self.caller.surface.name();
        core.engine.understand(words, &Context { channel, pending, lists, now: self.now, zone: &core.zone })
    }

    /// Two requests in one sentence: only where both halves are clear by themselves, and the whole is no sentence.
    fn two(&self, words: &str, whole: &Interpretation, names: &NameLists) -> Option<Understood> {
        if matches!(whole.by, By::Sentence | By::Answer) || words.len() > LONGEST_PAIR {
            return None;
        }
        for (left, right) in halves(words) {
            let first = self.read_as(left, names, self.pending());
            if !clear(&first) || (first.intent.starts_with("dialogue.") && !answers(&first)) {
                continue;
            }
            let second = self.read_as(right, names, None);
            if clear(&second) && matches!(second.intent.as_str(), "dialogue.thanks" | "dialogue.greet") {
                return Some(Understood { meaning: first, second: None });
            }
            let second = if clear(&second) && !second.intent.starts_with("dialogue.") {
                second
            } else {
                match self.same_for_another(right, &first, names) {
                    Some(second) => second,
                    None => continue,
                }
            };
            if first.by == By::Classifier && second.by == By::Classifier {
                continue;
            }
            let ask = |i: &Interpretation| Request { intent: i.intent.clone(), slots: i.slots.clone() };
            // Whoever needs somebody now is not kept waiting by a question about something else.
            if self.urgent(&second.intent) && !answers(&first) && !self.urgent(&first.intent) {
                let first = ask(&first);
                return Some(Understood { meaning: second, second: Some(first) });
            }
            let second = ask(&second);
            return Some(Understood { meaning: first, second: Some(second) });
        }
        None
    }

    /// "Refill my metformin and my lisinopril": the same request for another name.
    fn same_for_another(&self, words: &str, first: &Interpretation, names: &NameLists) -> Option<Interpretation> {
        let def = self.core.catalogue.intent(&first.intent)?;
        let second = self.read_as(words, names, Some(Pending { intent: &first.intent, slot: None }));
        let a_name = |name: &String| {
            let kind = def.slot(name).map(|slot| &slot.kind);
            matches!(kind, Some(SlotKind::Medicine | SlotKind::Provider | SlotKind::List(_)))
        };
        let named = second.by == By::Answer && !second.slots.is_empty() && second.slots.keys().all(a_name);
        (named && second.slots != first.slots).then_some(second)
    }

    pub(super) fn urgent(&self, intent: &str) -> bool {
        self.core.catalogue.intent(intent).is_some_and(|def| def.effect == Effect::Urgent)
    }
}

pub(super) fn clear(meaning: &Interpretation) -> bool {
    matches!(meaning.by, By::Sentence | By::Answer | By::Classifier) && meaning.intent != NONE
}

fn answers(meaning: &Interpretation) -> bool {
    matches!(meaning.intent.as_str(), "dialogue.yes" | "dialogue.no" | "dialogue.cancel") || meaning.by == By::Answer
}

/// The places where a text may fall into two requests.
fn halves(words: &str) -> Vec<(&str, &str)> {
    let lower = words.to_ascii_lowercase();
    let mut places: Vec<(usize, usize)> = Vec::new();
    for joint in JOINTS {
        for (at, _) in lower.match_indices(joint) {
            if places.iter().all(|(from, to)| at + joint.len() <= *from || *to <= at) {
                places.push((at, at + joint.len()));
            }
        }
    }
    places.sort_unstable();
    places.truncate(MOST_PLACES);
    let cut = |(from, to): (usize, usize)| Some((words.get(..from)?.trim(), words.get(to..)?.trim()));
    places.into_iter().filter_map(cut).filter(|(left, right)| !left.is_empty() && !right.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_falls_into_halves_at_its_joints() {
        let pairs = [
            ("refill my metformin and call the nurse", vec![("refill my metformin", "call the nurse")]),
            ("Refill it. And when is my visit?", vec![("Refill it", "when is my visit?")]),
            ("one and two, then three", vec![("one", "two, then three"), ("one and two", "three")]),
            ("sand and", vec![]),
            ("İ and ß", vec![("İ", "ß")]),
        ];
        for (text, halves_of_it) in pairs {
            assert_eq!(halves(text), halves_of_it, "{text}");
        }
    }
}
