//! A platform's request to an interpretation: names by the catalogue, values as in speech.

use super::{
    Engine, answer,
    find::{Finder, share_time},
    values,
};
use crate::nlu::{
    By, Context, Intended, Interpretation, NONE, Said, Slot, SlotValue, Slots, alexa,
    catalogue::{IntentDef, SlotDef, SlotKind},
    words,
};

/// A list's value that is only like what was said must be as like as this.
const LIKE: f32 = 0.71;

impl Engine {
    /// What a platform's request is here: `None` where the catalogue has no such intent, or for one that fits nothing.
    ///
    /// Pure, like [`Engine::understand`]. A slot whose value cannot be made out is left empty, so that it is asked for.
    #[must_use]
    pub fn intended(&self, asked: &Intended, ctx: &Context<'_>) -> Option<Interpretation> {
        let def = self.intent_for(asked)?;
        let mut slots = Slots::new();
        for said in &asked.slots {
            if let Some(slot) = alexa::slot_here(def, &said.slot)
                && let Some(value) = picked(slot, said, ctx).or_else(|| self.said(slot, said, ctx))
            {
                slots.insert(slot.name.clone(), value);
            }
        }
        share_time(def, &mut slots);
        let answers = ctx.pending.is_some_and(|pending| pending.intent == def.name);
        Some(Interpretation {
            intent: def.name.clone(),
            slots,
            confidence: 1.0,
            alternatives: Vec::new(),
            by: if answers { By::Answer } else { By::Sentence },
        })
    }

    /// The intent it names.
    #[must_use]
    pub fn intent_for(&self, asked: &Intended) -> Option<&IntentDef> {
        alexa::intent_in(&self.catalogue, &asked.name).filter(|def| def.name != NONE)
    }

    /// The value of a slot, if the words come to one.
    #[must_use]
    pub fn said(&self, slot: &SlotDef, said: &Said, ctx: &Context<'_>) -> Option<Slot> {
        let likely = said.likely.as_deref().filter(|_| matches!(slot.kind, SlotKind::List(_)));
        let found = likely.and_then(|likely| self.resolved(slot, likely, ctx));
        let found = found.or_else(|| self.resolved(slot, &said.words, ctx));
        let kept = || {
            let words = said.words.trim();
            (slot.or_words && !words.is_empty()).then(|| Slot::new(words, SlotValue::Text(words.to_owned()), 0.5))
        };
        found.map(|value| Slot { spoken: said.words.trim().to_owned(), ..value }).or_else(kept)
    }

    fn resolved(&self, slot: &SlotDef, said: &str, ctx: &Context<'_>) -> Option<Slot> {
        let now = values::local(ctx.now, ctx.zone);
        let text = match alexa::written(&slot.kind, said, &now) {
            Some(alexa::Written::Value(value)) => return Some(Slot::new(said, value, 1.0)),
            Some(alexa::Written::Words(text)) => text,
            None => said.to_owned(),
        };
        let heard = words::words(&text);
        let taken = vec![false; heard.len()];
        let all = heard.len();
        if all == 0 {
            return None;
        }
        let finder = Finder::new(&self.catalogue, &text, heard, ctx);
        let whole = || finder.value(&slot.kind, slot.sense, 0, all);
        let within = || finder.find(slot, &taken).map(|(.., value)| value);
        match slot.kind {
            SlotKind::Medicine | SlotKind::Provider | SlotKind::Text => whole(),
            SlotKind::List(_) => whole().filter(|value| value.confidence >= LIKE).or_else(within),
            _ => within(),
        }
    }
}

/// "The second one", where that slot is asked for.
fn picked(slot: &SlotDef, said: &Said, ctx: &Context<'_>) -> Option<Slot> {
    ctx.pending.filter(|pending| pending.slot == Some(slot.name.as_str()))?;
    let heard = words::words(&said.words);
    let place = answer::pick(&heard.iter().map(|w| w.text.as_str()).collect::<Vec<_>>())?;
    Some(Slot::new(said.words.trim(), SlotValue::Number(place), 1.0))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::{
        nlu::{Pending, catalogue::Catalogue},
        policy::{NameLists, Named},
    };

    fn said(slot: &str, words: &str, likely: Option<&str>) -> Said {
        Said { slot: slot.into(), words: words.into(), likely: likely.map(str::to_owned) }
    }

    #[test]
    fn names_and_values_are_resolved_as_in_speech() {
        let engine = Engine::lexical(Arc::new(Catalogue::builtin().expect("it loads"))).expect("it learns");
        let named = |name: &str| Named { name: name.into(), aliases: vec![] };
        let lists = NameLists { medicines: vec![named("lisinopril 10 mg tablet")], providers: vec![] };
        let zone = jiff::tz::TimeZone::get("America/New_York").expect("known");
        let now = "2026-12-01T15:00:00Z".parse().expect("valid");
        let ctx = |pending| Context { channel: "room", pending, lists: &lists, now, zone: &zone };
        let read = |name: &str, slots: Vec<Said>| {
            let asked = Intended { name: name.into(), slots, confirmed: None };
            let found = engine.intended(&asked, &ctx(None))?;
            let told: Vec<String> = found.slots.iter().map(|(n, s)| format!("{n}={}", s.value.told())).collect();
            Some(format!("{} {}", found.intent, told.join(" ")).trim().to_owned())
        };
        for (name, slots, want) in [
            ("AMAZON.HelpIntent", vec![], Some("dialogue.help")),
            ("AMAZON.NavigateHomeIntent", vec![], Some("dialogue.stop")),
            ("AMAZON.FallbackIntent", vec![], None),
            ("AMAZON.PauseIntent", vec![], None),
            ("Nonsense", vec![], None),
            ("dialogue.none", vec![], None),
            (
                "prescription.renew",
                vec![said("medicine", "lisinopril", None)],
                Some("prescription.renew medicine=lisinopril 10 mg tablet"),
            ),
            (
                "PrescriptionRenew",
                vec![said("medicine", "Lisinipril", Some("lisinopril"))],
                Some("prescription.renew medicine=lisinopril 10 mg tablet"),
            ),
            (
                "PrescriptionRenew",
                vec![said("medicine", "", None), said("other", "x", None)],
                Some("prescription.renew"),
            ),
            ("AppointmentBook", vec![said("date", "2026-12-03", None)], Some("appointment.book date=2026-12-03")),
            (
                "AppointmentBook",
                vec![said("date", "next tuesday", None), said("time", "14:30", None)],
                Some("appointment.book date=2026-12-08 14:30 time=14:30"),
            ),
            (
                "AppointmentBook",
                vec![said("date", "2026-W50", None), said("time", "MO", None)],
                Some("appointment.book date=2026-12-07..2026-12-13 06:00-12:00 time=06:00-12:00"),
            ),
            ("AppointmentBook", vec![said("date", "2026-13-45", None)], Some("appointment.book")),
            ("NurseRequest", vec![said("need", "some water please", None)], Some("nurse.request need=water")),
            (
                "NurseRequest",
                vec![said("need", "my crossword, dear", None)],
                Some("nurse.request need=my crossword, dear"),
            ),
        ] {
            assert_eq!(read(name, slots).as_deref(), want, "{name}");
        }
        let renew = Intended {
            name: "PrescriptionRenew".into(),
            slots: vec![said("medicine", "lisinopril", None)],
            confirmed: None,
        };
        let open = Pending { intent: "prescription.renew", slot: Some("medicine") };
        let answer = engine.intended(&renew, &ctx(Some(open))).expect("known");
        assert_eq!(answer.by, By::Answer, "the same intent again answers its own question");
        let second = Intended { slots: vec![said("medicine", "the second one", None)], ..renew };
        let answer = engine.intended(&second, &ctx(Some(open))).expect("known");
        assert!(answer.slots["medicine"].value == SlotValue::Number(2.0), "a pick from what was offered");
        let unasked = engine.intended(&second, &ctx(None)).expect("known");
        assert!(unasked.slots["medicine"].value != SlotValue::Number(2.0), "but not where nothing was");
    }
}
