//! The second listen: with the person's names in mind, where the first missed one, and with each name that may have been
//! said weighed against the sound.
//!
//! Invariant: a name that comes out of it is heard, never certain. Where another fits nearly as well, the two are asked
//! about; where none of the person's own fits, none is taken.

mod fit;
mod telling;

use std::{sync::Arc, time::Instant};

use self::{
    fit::{DOUBTFUL, Fit, fit},
    telling::Telling,
};
use super::{
    Heard, Turn,
    hear::{Hearing, heard},
    millis,
};
use crate::{
    asr::{spotter::Spotted, weigh::Retell},
    nlu::{By, Interpretation, NONE, Slot, SlotValue, catalogue::SlotKind},
    policy::NameLists,
};

/// Names that help a second listen; more would drown the words.
const NAMES: usize = 20;

/// A slot matched by sound or not at all is worth a second listen.
const SURE: f32 = 0.9;

/// What the second listen gave.
pub(super) struct Again {
    heard: Heard,
    fit: Fit,
    /// Names of which kinds were looked for.
    kinds: Vec<SlotKind>,
}

impl Hearing {
    /// The clip, where hearing it again with the person's names in mind may help.
    pub(super) fn worth_another_listen(&self, first: &Interpretation, names: &NameLists) -> Option<Arc<[f32]>> {
        let (Self::Words { clip: Some(clip), .. } | Self::Nothing { clip: Some(clip), .. }) = self else { return None };
        let some_names = !names.medicines.is_empty() || !names.providers.is_empty();
        let missed =
            first.slots.iter().any(|(name, slot)| is_name(name, slot) && slot.confidence < SURE && !by_letter(slot));
        (some_names && (missed || lost(first))).then(|| Arc::clone(clip))
    }
}

pub(super) fn is_name(slot: &str, value: &Slot) -> bool {
    matches!(slot, "medicine" | "provider") && matches!(value.value, SlotValue::Text(_))
}

/// Whether it was heard as it is written. It may be doubted all the same, where it is known to be taken for another: both are asked
/// about then, whatever another listen says.
fn by_letter(slot: &Slot) -> bool {
    let SlotValue::Text(value) = &slot.value else { return false };
    let spoken = slot.spoken.to_lowercase();
    !slot.alike.is_empty() && !spoken.is_empty() && value.to_lowercase().starts_with(&spoken)
}

/// Nobody knows what was meant.
pub(super) fn lost(meaning: &Interpretation) -> bool {
    meaning.by == By::Unsure || meaning.intent == NONE
}

/// Whether the second listen understood more than the first. A name it brought into being is read back before
/// anything happens, like every name.
fn better(second: &Interpretation, first: &Interpretation) -> bool {
    let sureness = |i: &Interpretation| i.slots.values().map(|s| s.confidence).fold(1.0_f32, f32::min);
    match (first.intent == NONE, second.intent == NONE) {
        (_, true) => false,
        (true, false) => true,
        (false, false) => {
            second.intent == first.intent && sureness(second) > sureness(first)
                || first.by == By::Unsure && second.by != By::Unsure
        }
    }
}

impl Turn<'_> {
    /// The better of two meanings, where a second listen was worth it, and the words it came from.
    pub(super) async fn once_more(
        &mut self,
        hearing: &Hearing,
        first: Interpretation,
        names: &NameLists,
    ) -> (String, Interpretation) {
        let words = hearing.doubtful_words().to_owned();
        let Some(clip) = hearing.worth_another_listen(&first, names) else { return (words, first) };
        let Some(again) = self.hear_again(clip, &words, &first, names).await else { return (words, first) };
        let Again { heard, fit, kinds } = again;
        let (text, second) = match fit {
            Fit::Own { mut text, carried, name, or, mut sure } => {
                let mut second = self.meaning(&text, names);
                if let Some(carried) = carried.filter(|_| lost(&second)) {
                    second = self.meaning(&carried, names);
                    (text, sure) = (carried, DOUBTFUL);
                }
                if matches!(hearing, Hearing::Nothing { .. }) {
                    sure = DOUBTFUL;
                }
                doubt(&mut second, &name, or.as_deref(), sure);
                (text, second)
            }
            Fit::Another(text) => {
                let second = self.meaning(&text, names);
                (text, second)
            }
            Fit::None => {
                // None of the person's own was said, so none is found in it either.
                let mut nobodys = names.clone();
                if kinds.contains(&SlotKind::Medicine) {
                    nobodys.medicines.clear();
                }
                let fresh = self.meaning(&heard.text, &nobodys);
                let same = self.meaning(&words, &nobodys);
                if better(&fresh, &same) { (heard.text.clone(), fresh) } else { (words.clone(), same) }
            }
            Fit::Unknown => {
                let second = self.meaning(&heard.text, names);
                if !better(&second, &first) {
                    return (words, first);
                }
                (heard.text.clone(), second)
            }
        };
        // A name is worth nothing where the sentence around it is lost with it.
        if second.intent == NONE {
            return (words, first);
        }
        if text != words {
            self.heard = Some(Heard { text: text.clone(), ..heard });
            self.mask_heard();
        }
        (text, second)
    }

    /// Listens once more with the person's names in mind.
    async fn hear_again(
        &mut self,
        clip: Arc<[f32]>,
        words: &str,
        first: &Interpretation,
        names: &NameLists,
    ) -> Option<Again> {
        let clock = Instant::now();
        let kinds = self.names_expected(first);
        let medicines = names.medicines.iter().filter(|_| kinds.contains(&SlotKind::Medicine));
        let providers = names.providers.iter().filter(|_| kinds.contains(&SlotKind::Provider));
        let likely = medicines.chain(providers).map(|n| n.name.clone()).take(NAMES).collect();
        let telling = Telling::new(self.core.engine.retelling(&kinds, names), words, lost(first));
        let retell = Arc::clone(&telling);
        let retell = Retell(Arc::new(move |text, weighed| retell.next(text, weighed)));
        let again = self.decode(&clip, likely, Some(retell), Spotted::default()).await.ok().map(|transcript| {
            let fit = fit(&transcript.text, &transcript.weighed, &telling.told());
            Again { heard: heard(&transcript), fit, kinds }
        });
        self.timings.asr += millis(clock);
        again
    }

    /// Names of which kind may have been said: what is asked for, else what the request takes, else any.
    fn names_expected(&self, first: &Interpretation) -> Vec<SlotKind> {
        let catalogue = &self.core.catalogue;
        let is_name = |kind: &SlotKind| matches!(kind, SlotKind::Medicine | SlotKind::Provider);
        let asked = self.pending().and_then(|p| Some(catalogue.intent(p.intent)?.slot(p.slot?)?.kind.clone()));
        if let Some(kind) = asked.filter(is_name) {
            return vec![kind];
        }
        let takes = catalogue.intent(&first.intent).filter(|_| first.by != By::Unsure);
        let kinds: Vec<SlotKind> =
            takes.iter().flat_map(|def| &def.slots).map(|slot| slot.kind.clone()).filter(is_name).collect();
        if kinds.is_empty() { vec![SlotKind::Medicine, SlotKind::Provider] } else { kinds }
    }
}

/// A name that was weighed is as sure as that says; what fits nearly as well stands beside it.
fn doubt(meaning: &mut Interpretation, name: &str, or: Option<&str>, sure: f32) {
    for (slot, value) in &mut meaning.slots {
        let holds = value.spoken.to_lowercase().contains(&name.to_lowercase());
        if is_name(slot, value) && holds {
            value.confidence = value.confidence.min(sure);
            let other = or.map(|other| SlotValue::Text(other.to_owned()));
            value.alike.extend(other.filter(|other| *other != value.value && !value.alike.contains(other)));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{super::hear::Raw, *};
    use crate::policy::Named;

    #[test]
    fn a_name_that_is_asked_about_anyway_is_not_heard_again() {
        for (spoken, value, alike, known) in [
            ("Metformin", "metformin 500 mg tablet", Some("metronidazole"), true),
            ("metformin", "metformin", None, false),
            ("met for men", "metformin", Some("metronidazole"), false),
            ("glucophage", "metformin", Some("metronidazole"), false),
            ("", "metformin", Some("metronidazole"), false),
        ] {
            let alike = alike.map(|other| SlotValue::Text(other.into())).into_iter().collect();
            let slot = Slot { alike, ..Slot::new(spoken, SlotValue::Text(value.into()), 0.5) };
            assert_eq!(by_letter(&slot), known, "{spoken}");
        }
    }

    fn meaning(intent: &str, by: By, slots: &[(&str, &str, f32)]) -> Interpretation {
        let slots = slots.iter().map(|(name, spoken, sure)| {
            let value = SlotValue::Text(format!("{spoken} 10 mg").to_lowercase());
            ((*name).to_owned(), Slot::new(*spoken, value, *sure))
        });
        let slots = slots.collect();
        Interpretation { intent: intent.into(), slots, confidence: 0.9, alternatives: vec![], by }
    }

    #[test]
    fn another_listen_is_for_a_name_that_was_missed() {
        const RENEW: &str = "prescription.renew";
        let sound = || Some(Arc::from([0.0]));
        let words = |clip| Hearing::Words { text: String::new(), raw: Raw::nothing(), clip };
        let rosas = || {
            let named = Named { name: "lisinopril".into(), aliases: vec![] };
            NameLists { medicines: vec![named], ..NameLists::default() }
        };
        let known = |mut meaning: Interpretation| {
            meaning.slots.values_mut().for_each(|slot| slot.alike.push(SlotValue::Text("quinapril".into())));
            meaning
        };
        for (what, hearing, first, names, worth) in [
            (
                "it is sure",
                words(sound()),
                meaning(RENEW, By::Sentence, &[("medicine", "lisinopril", 0.9)]),
                rosas(),
                false,
            ),
            ("it is not", words(sound()), meaning(RENEW, By::Sentence, &[("medicine", "listen", 0.89)]), rosas(), true),
            (
                "both are asked about anyway",
                words(sound()),
                known(meaning(RENEW, By::Sentence, &[("medicine", "lisinopril", 0.5)])),
                rosas(),
                false,
            ),
            ("it is no name", words(sound()), meaning(RENEW, By::Sentence, &[("day", "listen", 0.5)]), rosas(), false),
            ("nobody knows what was meant", words(sound()), meaning(RENEW, By::Unsure, &[]), rosas(), true),
            ("nothing was meant", words(sound()), meaning(NONE, By::Nothing, &[]), rosas(), true),
            ("nobody has names", words(sound()), meaning(NONE, By::Nothing, &[]), NameLists::default(), false),
            ("it was typed", words(None), meaning(NONE, By::Nothing, &[]), rosas(), false),
        ] {
            assert_eq!(hearing.worth_another_listen(&first, &names).is_some(), worth, "{what}");
        }
    }

    #[test]
    fn the_second_listen_counts_where_it_understood_more() {
        let renew = |by, sure| meaning("prescription.renew", by, &[("medicine", "lisinopril", sure)]);
        let nothing = || meaning(NONE, By::Nothing, &[]);
        for (what, second, first, counts) in [
            ("nothing", nothing(), renew(By::Unsure, 0.1), false),
            ("something for nothing", renew(By::Unsure, 0.1), nothing(), true),
            ("a surer name", renew(By::Sentence, 0.8), renew(By::Sentence, 0.7), true),
            ("as sure a name", renew(By::Sentence, 0.7), renew(By::Sentence, 0.7), false),
            ("surer words", renew(By::Sentence, 0.7), renew(By::Unsure, 0.7), true),
            ("words as unsure", renew(By::Unsure, 0.7), renew(By::Unsure, 0.7), false),
            (
                "a surer name of something else",
                meaning("joke.tell", By::Sentence, &[]),
                renew(By::Sentence, 0.7),
                false,
            ),
        ] {
            assert_eq!(better(&second, &first), counts, "{what}");
        }
    }

    #[test]
    fn a_weighed_name_is_as_sure_as_it_fits_and_the_other_stands_beside_it() {
        for (slot, name, or, sure, ends, beside) in [
            ("medicine", "lisinopril", Some("quinapril"), DOUBTFUL, DOUBTFUL, 1),
            ("medicine", "Lisinopril", None, 0.9, 0.9, 0),
            // Never surer than it was, nor beside itself, and nothing else is touched.
            ("medicine", "lisinopril", Some("lisinopril 10 mg"), 0.99, 0.95, 0),
            ("medicine", "warfarin", Some("quinapril"), DOUBTFUL, 0.95, 0),
            ("pharmacy", "lisinopril", Some("quinapril"), DOUBTFUL, 0.95, 0),
        ] {
            let mut meaning = meaning("prescription.renew", By::Sentence, &[(slot, "my lisinopril", 0.95)]);
            if let Some(slot) = meaning.slots.get_mut(slot) {
                slot.value = SlotValue::Text("lisinopril 10 mg".into());
            }
            doubt(&mut meaning, name, or, sure);
            let found = &meaning.slots[slot];
            assert_eq!((found.confidence, found.alike.len()), (ends, beside), "{slot} {name} {or:?} {sure}");
        }
    }
}
