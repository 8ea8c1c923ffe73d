//! Names on both sides: `prescription.renew` is `PrescriptionRenew`, `dialogue.help` is `AMAZON.HelpIntent`.

use crate::nlu::catalogue::{Catalogue, IntentDef, SlotDef, SlotKind};

/// Intents every skill has, and what they are here. Of several for one, the first is exported.
pub(super) const BUILT_IN: &[(&str, &str)] = &[
    ("AMAZON.CancelIntent", "dialogue.cancel"),
    ("AMAZON.StopIntent", "dialogue.stop"),
    ("AMAZON.HelpIntent", "dialogue.help"),
    ("AMAZON.YesIntent", "dialogue.yes"),
    ("AMAZON.NoIntent", "dialogue.no"),
    ("AMAZON.RepeatIntent", "dialogue.repeat"),
    ("AMAZON.FallbackIntent", "dialogue.none"),
    ("AMAZON.StartOverIntent", "dialogue.cancel"),
    ("AMAZON.NavigateHomeIntent", "dialogue.stop"),
];

/// Kinds of slots that have a type of Amazon's, the exported one first.
const KINDS: &[(&str, SlotKind)] = &[
    ("AMAZON.DATE", SlotKind::Date),
    ("AMAZON.TIME", SlotKind::Time),
    ("AMAZON.DURATION", SlotKind::Duration),
    ("AMAZON.NUMBER", SlotKind::Number),
    ("AMAZON.Ordinal", SlotKind::Ordinal),
    ("AMAZON.SearchQuery", SlotKind::Text),
    ("AMAZON.FOUR_DIGIT_NUMBER", SlotKind::Digits),
    ("AMAZON.PhoneNumber", SlotKind::Digits),
    // Types of our own, which travel under their name.
    ("Medicine", SlotKind::Medicine),
    ("Provider", SlotKind::Provider),
    ("Reading", SlotKind::Reading),
    ("Recurrence", SlotKind::Recurrence),
    ("Period", SlotKind::Period),
];

pub(super) fn kind_to_type(kind: &SlotKind) -> Option<&'static str> {
    KINDS.iter().find(|(_, k)| k == kind).map(|(name, _)| *name)
}

pub(super) fn type_to_kind(name: &str) -> Option<&'static SlotKind> {
    KINDS.iter().find(|(n, _)| *n == name).map(|(_, kind)| kind)
}

/// `renew_all` is `RenewAll`. Letters only: digits are spelled.
pub(super) fn camel(name: &str) -> String {
    let mut out = String::new();
    let mut upper = true;
    for c in name.chars() {
        match c {
            c if c.is_ascii_alphabetic() && upper => out.push(c.to_ascii_uppercase()),
            c if c.is_ascii_alphabetic() => out.push(c),
            c => out.push_str(digit(c).unwrap_or_default()),
        }
        upper = !c.is_ascii_alphabetic();
    }
    out
}

fn digit(c: char) -> Option<&'static str> {
    const NAMES: [&str; 10] = ["Zero", "One", "Two", "Three", "Four", "Five", "Six", "Seven", "Eight", "Nine"];
    NAMES.get(c.to_digit(10)? as usize).copied()
}

/// `RenewAll` is `renew_all`; anything but letters and digits parts words.
pub(super) fn snake(name: &str) -> String {
    let mut out = String::new();
    let mut last: Option<char> = None;
    let mut chars = name.chars().peekable();
    while let Some(c) = chars.next() {
        if !c.is_ascii_alphanumeric() {
            last = None;
            continue;
        }
        let starts = match last {
            None => !out.is_empty(),
            // "readBPNow": a capital after a small letter, or the last of several before a small one.
            Some(l) => {
                c.is_ascii_uppercase()
                    && (!l.is_ascii_uppercase() || chars.peek().is_some_and(char::is_ascii_lowercase))
            }
        };
        if starts {
            out.push('_');
        }
        out.push(c.to_ascii_lowercase());
        last = Some(c);
    }
    out
}

/// The name of an intent there. A domain of several words is set off by `_`, so that the way back is known.
pub(super) fn intent_there(name: &str) -> String {
    if let Some((there, _)) = BUILT_IN.iter().find(|(_, here)| *here == name) {
        return (*there).to_owned();
    }
    let parts: Vec<&str> = name.split('.').collect();
    let plain = parts.len() == 2 && parts.first().is_some_and(|domain| !domain.contains('_'));
    let parts: Vec<String> = parts.into_iter().map(camel).collect();
    parts.join(if plain { "" } else { "_" })
}

/// The name of an intent here: `domain.what_it_does`.
pub(super) fn intent_here(name: &str) -> Option<String> {
    if let Some((_, here)) = BUILT_IN.iter().find(|(there, _)| *there == name) {
        return Some((*here).to_owned());
    }
    if name.starts_with("AMAZON.") {
        return None;
    }
    let bare = name.strip_suffix("Intent").or_else(|| name.strip_suffix("_intent")).filter(|n| !n.is_empty());
    let bare = bare.unwrap_or(name);
    let letters = |text: String| -> String { text.chars().filter(|c| c.is_ascii_lowercase() || *c == '_').collect() };
    let parts: Vec<String> =
        bare.split(['_', '.']).map(|p| letters(snake(p))).filter(|p| !p.trim_matches('_').is_empty()).collect();
    let whole = match parts.as_slice() {
        [] => return None,
        [one] => match one.split_once('_') {
            Some((domain, what)) => format!("{domain}.{what}"),
            None => format!("skill.{one}"),
        },
        [domain, rest @ ..] => format!("{domain}.{}", rest.join(".")),
    };
    Some(whole)
}

/// The name of a slot there: letters and underscores.
pub(super) fn slot_there(name: &str) -> String {
    if name.chars().all(|c| c.is_ascii_alphabetic() || c == '_') { name.to_owned() } else { camel(name) }
}

/// The intent that goes by a name, here or there.
pub(in crate::nlu) fn intent_in<'a>(catalogue: &'a Catalogue, name: &str) -> Option<&'a IntentDef> {
    let exported = || catalogue.intents().iter().find(|def| intent_there(&def.name) == name);
    let imported = || catalogue.intent(&intent_here(name)?);
    catalogue.intent(name).or_else(exported).or_else(imported).filter(|def| !def.name.ends_with(".common"))
}

/// The slot of an intent that goes by a name, here or there.
pub(crate) fn slot_here<'a>(def: &'a IntentDef, name: &str) -> Option<&'a SlotDef> {
    let exported = || def.slots.iter().find(|slot| slot_there(&slot.name) == name);
    def.slot(name).or_else(exported).or_else(|| def.slot(&snake(name)))
}

/// Whether an intent here goes by that name there.
#[must_use]
pub fn is_intent(here: &str, there: &str) -> bool {
    here == there || intent_there(here) == there || intent_here(there).as_deref() == Some(here)
}

/// Whether a slot here goes by that name there.
#[must_use]
pub fn is_slot(here: &str, there: &str) -> bool {
    here == there || slot_there(here) == there || snake(there) == here
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_go_there_and_back() {
        for (here, there) in [
            ("prescription.renew", "PrescriptionRenew"),
            ("prescription.renew_all", "PrescriptionRenewAll"),
            ("urgent_care.find", "UrgentCare_Find"),
            ("a.b.c_d", "A_B_CD"),
            ("dialogue.help", "AMAZON.HelpIntent"),
            ("dialogue.greet", "DialogueGreet"),
        ] {
            assert_eq!(intent_there(here), there);
            if here != "a.b.c_d" {
                assert_eq!(intent_here(there).as_deref(), Some(here));
            }
        }
        for (there, here) in [
            ("OrderDrinkIntent", Some("order.drink")),
            ("GreetIntent", Some("skill.greet")),
            ("order_drink", Some("order.drink")),
            ("ReadBPNow", Some("read.bp_now")),
            ("AMAZON.PauseIntent", None),
            ("123", None),
            ("", None),
        ] {
            assert_eq!(intent_here(there).as_deref(), here, "{there}");
        }
    }
}
