//! Prescriptions: which one is meant, how far it is, more of it, all of them.

mod kind;
pub mod list;
pub mod pharmacy;
pub mod renew;
pub mod status;

use super::{Choice, Facts, Outcome, words};
use crate::{
    nlu::{Slot, SlotValue, Slots, names::sound_alike},
    records::Prescription,
};

/// Which prescription somebody means.
pub(super) enum Which<'a> {
    /// Exactly this one.
    One(&'a Prescription),
    /// Several; asked with this.
    Several(Outcome),
    /// None on record; said with this.
    None(Outcome),
}

/// Finds the prescription by name, brand, the text as written, the label it was offered under, or the kind it is of. Never by a
/// guess: spelling was mended before, against this person's own list. Ended ones stand back behind a current
/// one of the same name, and an older filling of the same thing behind the newest.
pub(super) fn which<'a>(all: &'a [Prescription], said: &str) -> Which<'a> {
    let said_words = words(said);
    let is = |name: &str| words(name) == said_words;
    let by_label: Vec<&Prescription> = all.iter().filter(|p| is(&label(p, all))).collect();
    let by_name = || all.iter().filter(|p| is(&p.medicine)).collect::<Vec<_>>();
    let by_alias = || all.iter().filter(|p| p.aliases.iter().any(|a| is(a))).collect::<Vec<_>>();
    let kind = kind::named(said);
    let by_kind = || all.iter().filter(|p| kind.is_some_and(|kind| kind.holds(p))).collect::<Vec<_>>();
    let mut found = by_label;
    for more in [&by_name as &dyn Fn() -> Vec<&'a Prescription>, &by_alias, &by_kind] {
        if found.is_empty() {
            found = more();
        }
    }
    let current: Vec<&Prescription> = found.iter().copied().filter(|p| p.active).collect();
    if !current.is_empty() {
        found = current;
    }
    // Newest first; the same label twice is the same medicine written again.
    found.sort_by_key(|p| std::cmp::Reverse(p.written));
    let mut kept: Vec<&Prescription> = Vec::new();
    for p in found {
        if !kept.iter().any(|k| label(k, all) == label(p, all)) {
            kept.push(p);
        }
    }
    match kept.as_slice() {
        [] => {
            let said = kind.map_or(said, |kind| kind.said.as_str());
            Which::None(Outcome::Answer(Facts::new("not_listed").with("medicine", said)))
        }
        [one] => Which::One(one),
        several => {
            let labels: Vec<String> = several.iter().map(|p| label(p, all)).collect();
            let option = |spoken: &String| Choice { spoken: spoken.clone(), value: SlotValue::Text(spoken.clone()) };
            Which::Several(Outcome::Ask {
                slot: "medicine".to_owned(),
                options: labels.iter().map(option).collect(),
                facts: Facts::new("which").with("options", labels),
            })
        }
    }
}

/// Below this a name was hardly heard: it is asked for before anything is told or done.
const HARDLY: f32 = 0.62;

/// The question to ask before a prescription is looked for by a name that is known to be taken for another: between
/// the two where both are on the list, for the other where only that is. By ear, a name with a near-homophone is always
/// asked about, and so is one that was hardly heard. `None` where nothing is in doubt; what was understood is named in the
/// answer or read back all the same.
///
/// Reply: `alike` (options, one to three; doubt: which of these it is; letters; not_meant).
pub(super) fn doubt(all: &[Prescription], slots: &Slots, channel: &str) -> Option<Outcome> {
    let slot = slots.get("medicine")?;
    let of = |value: &SlotValue| match value {
        SlotValue::Text(name) => match which(all, name) {
            Which::One(p) => Some(p),
            Which::Several(_) | Which::None(_) => None,
        },
        _ => None,
    };
    let heard = of(&slot.value);
    let others = slot.alike.iter().filter_map(of).filter(|p| p.active || p.on_hold);
    let mut labels: Vec<String> = Vec::new();
    for p in heard.into_iter().chain(others) {
        let label = label(p, all);
        // Three is as many as can be kept in mind by ear.
        if !labels.contains(&label) && labels.len() < 3 {
            labels.push(label);
        }
    }
    if labels.is_empty() {
        return unsure("medicine", slot);
    }
    let (mut doubt, mut near) = ("list", Vec::new());
    if labels.len() == usize::from(heard.is_some()) {
        let meant = heard.filter(|_| channel != TYPED)?;
        near = slot.alike.iter().map(SlotValue::told).filter(|other| sound_alike(&meant.medicine, other)).collect();
        // Two names are as many as fit behind a "not".
        near.truncate(2);
        doubt = match near.is_empty() {
            false => "name",
            true if slot.confidence < HARDLY => "heard",
            true => return None,
        };
    }
    let letters = heard.filter(|_| !near.is_empty()).map(|p| telling_letters(&p.medicine, &near)).unwrap_or_default();
    let option = |spoken: &String| Choice { spoken: spoken.clone(), value: SlotValue::Text(spoken.clone()) };
    let facts = Facts::new("alike").with("doubt", doubt).with("letters", letters).with("not_meant", near);
    Some(Outcome::Ask {
        slot: "medicine".to_owned(),
        options: labels.iter().map(option).collect(),
        facts: facts.with("options", labels),
    })
}

/// Below this a name that is on no list of the person's is asked for before anything is said of it.
const UNSURE: f32 = 0.8;

/// "Did you say loratadine?": a name that is only like what was said, which may be another medicine's. `None` where it was
/// heard well, or stands as it was said.
pub(super) fn unsure(name: &str, said: &Slot) -> Option<Outcome> {
    let SlotValue::Text(value) = &said.value else { return None };
    if said.confidence >= UNSURE || words(value) == words(&said.spoken) {
        return None;
    }
    Some(Outcome::Ask {
        slot: name.to_owned(),
        options: vec![Choice { spoken: value.clone(), value: said.value.clone() }],
        facts: Facts::new("alike")
            .with("doubt", "heard")
            .with("letters", "")
            .with("not_meant", Vec::<String>::new())
            .with("options", [value]),
    })
}

/// The channel on which words are typed, and what was typed is what was meant.
const TYPED: &str = "chat";

/// The first letters of a name, to the second one in which it differs from all the others.
fn telling_letters(name: &str, others: &[String]) -> String {
    let shared =
        |other: &String| name.chars().zip(other.chars()).take_while(|(a, b)| a.eq_ignore_ascii_case(b)).count();
    let most = others.iter().map(shared).max().unwrap_or_default();
    let letters = name.chars().filter(|c| c.is_alphanumeric()).take(most + 2);
    letters.map(|c| c.to_uppercase().to_string()).collect::<Vec<_>>().join(" ")
}

/// What tells a prescription from the others: the medicine, with its strength where another of the same name
/// is on the list, as written where even that is alike.
fn label(p: &Prescription, all: &[Prescription]) -> String {
    let others = || all.iter().filter(|o| o.id != p.id && o.medicine == p.medicine && o.active == p.active);
    let written = || p.aliases.last().cloned().unwrap_or_else(|| p.medicine.clone());
    match &p.strength {
        _ if others().all(|o| o.strength == p.strength && o.aliases == p.aliases) => p.medicine.clone(),
        Some(strength) if others().all(|o| o.strength != p.strength || o.aliases == p.aliases) => {
            format!("{} {strength}", p.medicine)
        }
        _ => written(),
    }
}

#[cfg(test)]
pub(super) mod samples {
    use super::*;

    /// A current prescription with nothing special about it.
    pub fn prescription(id: &str, medicine: &str) -> Prescription {
        Prescription {
            id: id.to_owned(),
            medicine: medicine.to_owned(),
            aliases: vec![format!("{medicine} 10 MG Oral Tablet")],
            strength: Some("10 mg tablet".into()),
            active: true,
            on_hold: false,
            written: Some(jiff::civil::date(2026, 6, 1)),
            instructions: Some("Take one tablet every morning.".into()),
            prescriber: Some("Dr. Anita Patel".into()),
            refills_left: Some(3),
            days_supply: Some(30),
            valid_until: Some(jiff::civil::date(2027, 6, 1)),
            controlled: false,
            dispenses: vec![],
            dosing: vec![],
            pharmacy: None,
            source: None,
            origin: crate::records::Origin::default(),
        }
    }

    /// A filling with nothing but a stage.
    pub fn filled(stage: crate::records::DispenseStage) -> crate::records::Dispense {
        crate::records::Dispense { stage, at: None, days_supply: None, pharmacy: None, carrier: None, due: None }
    }

    /// A renewal of that prescription with nothing but a state.
    pub fn renewal(prescription: &str, state: crate::actions::RenewalState) -> crate::actions::Renewal {
        crate::actions::Renewal {
            id: "r".into(),
            prescription: prescription.into(),
            medicine: prescription.into(),
            strength: None,
            route: crate::actions::Route::Pharmacy,
            prescriber: None,
            pharmacy: None,
            state,
            requested: jiff::Timestamp::UNIX_EPOCH,
            updated: jiff::Timestamp::UNIX_EPOCH,
            by: None,
            reason: None,
            carrier: None,
            due: None,
        }
    }

    /// The reply of an outcome, with the name of its kind.
    pub fn reply(outcome: &Outcome) -> String {
        match outcome {
            Outcome::Answer(f) => f.reply.clone(),
            Outcome::Ask { facts, .. } => format!("ask {}", facts.reply),
            Outcome::Offer { facts, .. } => format!("offer {}", facts.reply),
            Outcome::Confirm { facts, .. } => format!("confirm {}", facts.reply),
            Outcome::Done { facts, .. } => format!("done {}", facts.reply),
            Outcome::Alert { facts, .. } => format!("alert {}", facts.reply),
            Outcome::Identify(_) => "identify".to_owned(),
            Outcome::Work(_) => "work".to_owned(),
            Outcome::Call(_) => "call".to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{samples::prescription, *};

    fn found(all: &[Prescription], said: &str) -> String {
        match which(all, said) {
            Which::One(p) => p.id.clone(),
            Which::Several(Outcome::Ask { options, .. }) => {
                options.iter().map(|o| o.spoken.clone()).collect::<Vec<_>>().join(" | ")
            }
            Which::Several(_) => "?".into(),
            Which::None(_) => "none".into(),
        }
    }

    #[test]
    fn a_name_finds_one_several_or_none() {
        let strong = Prescription {
            strength: Some("750 mg extended release tablet".into()),
            aliases: vec!["Glucophage".into(), "metformin 750 MG".into()],
            ..prescription("m2", "metformin")
        };
        let older = Prescription { written: Some(jiff::civil::date(2020, 1, 1)), ..prescription("l0", "lisinopril") };
        let ended = Prescription { active: false, ..prescription("w1", "warfarin") };
        let ended_twin =
            Prescription { active: false, strength: Some("5 mg tablet".into()), ..prescription("l9", "lisinopril") };
        let all = [older, prescription("l1", "lisinopril"), prescription("m1", "metformin"), strong, ended, ended_twin];
        for (said, want) in [
            ("lisinopril", "l1"),
            ("Lisinopril", "l1"),
            ("metformin", "metformin 10 mg tablet | metformin 750 mg extended release tablet"),
            ("metformin 750 mg extended release tablet", "m2"),
            ("glucophage", "m2"),
            ("warfarin", "w1"),
            ("metform", "none"),
            ("the blue one", "none"),
            ("", "none"),
        ] {
            assert_eq!(found(&all, said), want, "{said:?}");
        }
    }

    #[test]
    fn a_form_is_asked_for_where_only_it_tells_two_apart() {
        let form = |id: &str, medicine: &str, strength: &str| Prescription {
            strength: Some(strength.into()),
            aliases: vec![format!("{medicine} as written {id}")],
            ..prescription(id, medicine)
        };
        let all = [
            form("a1", "amoxicillin", "500 mg capsule"),
            form("a2", "amoxicillin", "250 mg per 5 mL suspension"),
            form("m1", "metformin", "500 mg tablet"),
            form("m2", "metformin", "500 mg extended release tablet"),
            form("k1", "ketoconazole", "2% cream"),
            form("k2", "ketoconazole", "2% cream"),
        ];
        for (said, want) in [
            ("amoxicillin", "amoxicillin 500 mg capsule | amoxicillin 250 mg per 5 mL suspension"),
            ("amoxicillin 250 mg per 5 mL suspension", "a2"),
            ("metformin", "metformin 500 mg tablet | metformin 500 mg extended release tablet"),
            ("metformin 500 mg extended release tablet", "m2"),
            // Where even strength and form are alike, as it is written.
            ("ketoconazole", "ketoconazole as written k1 | ketoconazole as written k2"),
            ("ketoconazole as written k2", "k2"),
        ] {
            assert_eq!(found(&all, said), want, "{said:?}");
        }
    }

    /// The pairs of the list, as it is written.
    fn pairs() -> Vec<[&'static str; 2]> {
        let list = include_str!("../../../intents/lists/alike.yaml");
        let entries = list.lines().filter_map(|l| l.trim().strip_prefix("- [")?.strip_suffix(']'));
        entries.map(|names| names.split_once(", ").map(|(a, b)| [a, b]).expect("two names")).collect()
    }

    #[test]
    fn every_near_homophone_is_asked_about_although_it_was_heard_exactly() {
        use crate::nlu::Slot;
        let pairs = pairs();
        let near: Vec<_> = pairs.iter().filter(|[a, b]| sound_alike(a, b)).collect();
        assert!(pairs.len() > 100 && near.len() >= 30, "{} {near:?}", pairs.len());
        for pair in [["hydralazine", "hydroxyzine"], ["prednisolone", "prednisone"], ["clonazepam", "lorazepam"]] {
            assert!(near.contains(&&pair), "{pair:?}");
        }
        for [a, b] in pairs.iter().flat_map(|&[a, b]| [[a, b], [b, a]]) {
            let text = |t: &str| SlotValue::Text(t.to_owned());
            let slot = Slot { alike: vec![text(b)], ..Slot::new(a, text(a), 0.8) };
            let asked = doubt(&[prescription("1", a)], &Slots::from([("medicine".to_owned(), slot)]), "room");
            let Some(Outcome::Ask { options, facts, .. }) = asked else {
                assert!(!sound_alike(a, b), "{a}, not {b}?");
                continue;
            };
            assert!(sound_alike(a, b), "{a} and {b}");
            assert_eq!((options.len(), options[0].spoken.as_str()), (1, a));
            let letters = facts.values["letters"].as_str().expect("letters").replace(' ', "").to_lowercase();
            let plain = |name: &str| name.replace(' ', "");
            assert!(
                plain(a).starts_with(&letters) && !plain(b).starts_with(&letters) || plain(b).starts_with(&plain(a))
            );
        }
    }

    #[test]
    fn a_name_that_is_hardly_like_what_was_said_is_asked_about_and_never_answered_for() {
        let said = |spoken: &str, value: &str, sure| {
            let slot = crate::nlu::Slot::new(spoken, SlotValue::Text(value.to_owned()), sure);
            Slots::from([("medicine".to_owned(), slot)])
        };
        let all = [prescription("1", "metformin")];
        let asked = |slots: Slots| doubt(&all, &slots, "chat").as_ref().map(samples::reply);
        assert_eq!(asked(said("glargin", "loratadine", 0.6)).as_deref(), Some("ask alike"));
        // It stands as it was said, or it was heard well.
        assert_eq!(asked(said("zorblaxine", "zorblaxine", 0.3)), None);
        assert_eq!(asked(said("claritin", "loratadine", 1.0)), None);
        // A kind is looked for on the list, and said as one.
        match which(&all, "blood thinner") {
            Which::None(Outcome::Answer(facts)) => assert_eq!(facts.values["medicine"], "a blood thinner"),
            _ => panic!("nothing on the list is one"),
        }
        assert_eq!(found(&all, "diabetes medicine"), "1");
    }

    #[test]
    fn names_that_are_taken_for_one_another_are_asked_about() {
        use crate::nlu::Slot;
        let heard = |said: &str, alike: &[&str]| {
            let text = |t: &str| SlotValue::Text(t.to_owned());
            let alike = alike.iter().map(|t| text(t)).collect();
            let slot = Slot { alike, ..Slot::new(said, text(said), 0.8) };
            Slots::from([("medicine".to_owned(), slot)])
        };
        let ended = Prescription { active: false, ..prescription("p3", "prednisone") };
        let all = [
            prescription("h1", "hydralazine"),
            prescription("h2", "hydroxyzine"),
            prescription("p2", "prednisolone"),
            prescription("m1", "metformin"),
            ended,
        ];
        let told = |asked: Option<Outcome>| match asked {
            Some(Outcome::Ask { options, facts, .. }) => {
                let names: Vec<String> = options.iter().map(|o| o.spoken.clone()).collect();
                let fact = |name: &str| facts.values.get(name).map(ToString::to_string).unwrap_or_default();
                format!("{} {} {}: {}", fact("doubt"), fact("letters"), fact("not_meant"), names.join(" | "))
            }
            Some(_) => "?".into(),
            None => "none".into(),
        };
        let found = |slots: Slots| told(doubt(&all, &slots, "home"));
        // Both are on the list, whatever was heard.
        assert_eq!(found(heard("hydralazine", &["hydroxyzine"])), r#""list" "" []: hydralazine | hydroxyzine"#);
        // Only the other one is.
        assert_eq!(found(heard("hydrochlorothiazide", &["hydralazine"])), r#""list" "" []: hydralazine"#);
        // Only the one that was heard is; an ended one is no other.
        assert_eq!(
            found(heard("prednisolone", &["prednisone", "methylprednisolone"])),
            r#""name" "P R E D N I S O L O" ["prednisone"]: prednisolone"#
        );
        // Typed, it is what was meant.
        assert_eq!(told(doubt(&all, &heard("prednisolone", &["prednisone"]), "chat")), "none");
        // Known to be taken for it, and not by ear.
        assert_eq!(found(heard("metformin", &["metronidazole"])), "none");
        // Hardly heard.
        let hardly =
            |sure| Slots::from([("medicine".to_owned(), Slot::new("", SlotValue::Text("metformin".into()), sure))]);
        assert_eq!(found(hardly(0.55)), r#""heard" "" []: metformin"#);
        assert_eq!(found(hardly(0.9)), "none");
        // Picked from the two: no doubt is left.
        assert_eq!(found(heard("hydralazine", &[])), "none");
    }
}
