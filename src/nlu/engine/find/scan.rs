//! A slot's value wherever it stands: the longest that is sure, else the likest.

use super::{Finder, LONGEST_NAME, SURE, TITLED, plain};
use crate::nlu::{
    Slot, SlotValue,
    catalogue::{SlotDef, SlotKind},
};

/// A name found among other words must be at least this like.
const FOUND: f32 = 0.82;
/// Words that are ordinary, or hold a value already, must be more like another value than this.
const MISHEARD: f32 = 0.88;
/// A word nobody uses is more likely a value misheard.
const NEARLY: f32 = 0.71;

impl Finder<'_> {
    /// Where the longest value of a slot stands that is sure, among words that are not taken.
    pub(super) fn sure(&self, slot: &SlotDef, taken: &[bool]) -> Option<(usize, usize)> {
        let free = |start: usize, end: usize| !taken.iter().take(end).skip(start).any(|t| *t);
        let mut best: Option<(usize, usize)> = None;
        for at in 0..self.heard.len().min(64) {
            for c in self.compute(&slot.kind, slot.sense, at) {
                let words = i32::try_from(c.end - at).unwrap_or(1);
                let sure = c.points >= words * SURE || (slot.kind == SlotKind::Provider && c.points >= words * TITLED);
                let longer = best.is_none_or(|(s, e)| c.end - at > e - s);
                if sure && longer && free(at, c.end) {
                    best = Some((at, c.end));
                }
            }
        }
        best
    }

    /// The best value of a slot among words that are not taken: the longest sure one, else the likest.
    pub(in crate::nlu::engine) fn find(&self, slot: &SlotDef, taken: &[bool]) -> Option<(usize, usize, Slot)> {
        let n = self.heard.len();
        let free = |start: usize, end: usize| !taken.iter().take(end).skip(start).any(|t| *t);
        if let Some((start, end)) = self.sure(slot, taken).or_else(|| self.misheard(slot, None, taken)) {
            return Some((start, end, self.value(&slot.kind, slot.sense, start, end)?));
        }
        let slot_kind = slot.kind.clone();
        let known = self.known(&slot_kind)?;
        let words = self.words();
        let mut likest: Option<(usize, usize, Slot)> = None;
        for start in 0..n.min(64) {
            for end in start + 1..=n.min(start + LONGEST_NAME) {
                let Some(span) = words.get(start..end).filter(|_| free(start, end)) else { continue };
                if span.iter().all(|w| plain(w)) {
                    continue;
                }
                // A name made of ordinary words ("war for in") must sound very much like it.
                let ordinary = span.iter().all(|w| self.catalogue.vocabulary.knows(w));
                let Some((value, confidence)) = known.value(span, !ordinary) else { continue };
                let likely = confidence >= if ordinary { FOUND + 0.06 } else { FOUND * 0.7 };
                if likely && likest.as_ref().is_none_or(|(.., l)| confidence > l.confidence) {
                    let spoken = self.spoken(start, end).to_owned();
                    let slot = Slot::new(spoken, SlotValue::Text(value), confidence);
                    likest = Some((start, end, self.with_alike(&slot_kind, span, slot)));
                }
            }
        }
        likest
    }

    /// Words that are nearly a value of a list, where no value stands or only a part of a longer one ("milk" of "skin
    /// milk", which is skim milk).
    pub(super) fn misheard(
        &self,
        slot: &SlotDef,
        sure: Option<(usize, usize)>,
        taken: &[bool],
    ) -> Option<(usize, usize)> {
        let SlotKind::List(list) = &slot.kind else { return None };
        let names = &self.catalogue.list(list)?.names;
        let free = |start: usize, end: usize| !taken.iter().take(end).skip(start).any(|t| *t);
        let words = self.words();
        let mut best: Option<(f32, usize, usize)> = None;
        for start in 0..words.len().min(64) {
            for end in start + 1..=words.len().min(start + names.longest() + 1) {
                let holds_it = sure.is_none_or(|(s, e)| start <= s && e <= end && end - start > e - s);
                let Some(span) = words.get(start..end).filter(|_| holds_it && free(start, end)) else { continue };
                if span.iter().all(|w| plain(w)) {
                    continue;
                }
                let ordinary = span.iter().all(|w| self.catalogue.vocabulary.knows(w));
                let least = if sure.is_some() || ordinary { MISHEARD } else { NEARLY };
                let Some(hit) = names.like(span).filter(|hit| hit.confidence >= least) else { continue };
                if best.is_none_or(|(likest, ..)| hit.confidence > likest) {
                    best = Some((hit.confidence, start, end));
                }
            }
        }
        best.map(|(_, start, end)| (start, end))
    }
}
