//! `prescription.pharmacy`: which pharmacy renewals go to, and sending them to another that is known here.

use super::super::{
    ActionError, Change, Choice, Facts, Outcome, Pass, Plan, Setting, of_a_person, permit, text, words,
};
use crate::{
    nlu::{SlotValue, Slots},
    policy::{Effect, Floor, Permit, Scope},
    records::{Pharmacy, Prescription},
};

/// Changes where the person's prescriptions go.
pub const FLOOR: Floor = of_a_person(Effect::Change, Scope::Medicines);

/// Most pharmacies named in one breath.
const SAID: usize = 3;
/// Most pharmacies that may be picked by their bare name.
const OFFERED: usize = 20;
/// Words that tell no pharmacy from another.
const COMMON: [&str; 16] = [
    "the",
    "a",
    "my",
    "at",
    "on",
    "in",
    "near",
    "pharmacy",
    "pharmacies",
    "drugstore",
    "drug",
    "store",
    "chemist",
    "one",
    "street",
    "st",
];

pub async fn run(pass: Pass, slots: &Slots, setting: &Setting<'_>) -> Result<Outcome, ActionError> {
    let permit = permit(pass)?;
    let all = setting.records.prescriptions(permit.subject()).await?.reveal(&permit)?;
    let chosen = setting.records.chosen_pharmacy(permit.subject()).await?.reveal(&permit)?;
    let known = setting.records.pharmacies().await?;
    Ok(match text(slots, "pharmacy") {
        None => named_next(theirs(&all, chosen.as_ref()), &known),
        Some(said) => change(&known, chosen.as_ref(), said),
    })
}

/// After "yes". Reply: `done`.
pub fn perform(permit: Permit, pharmacy: Pharmacy) -> Outcome {
    // Used up: the change is its person's, which the turn knows.
    drop(permit);
    let facts = about("done", &pharmacy);
    Outcome::Done { conflict: facts.clone(), facts, changes: vec![Change::ChoosePharmacy { pharmacy }] }
}

/// The pharmacy that a renewal goes to: the chosen one, else the one its order names, else the one that filled it last.
pub fn of(p: &Prescription, chosen: Option<&Pharmacy>) -> Option<String> {
    let last = || p.dispenses.iter().find_map(|d| d.pharmacy.clone());
    chosen.map(|c| c.name.clone()).or_else(|| p.pharmacy.clone()).or_else(last)
}

fn about(reply: &str, pharmacy: &Pharmacy) -> Facts {
    Facts::new(reply).with("pharmacy", &pharmacy.name).with("street", &pharmacy.street)
}

/// Replies: `chosen`, `is` (pharmacies), `none`.
fn theirs(all: &[Prescription], chosen: Option<&Pharmacy>) -> Facts {
    if let Some(chosen) = chosen {
        return about("chosen", chosen);
    }
    let mut names: Vec<String> = Vec::new();
    for name in all.iter().filter(|p| p.active).filter_map(|p| of(p, None)) {
        if !names.contains(&name) && names.len() < SAID {
            names.push(name);
        }
    }
    if names.is_empty() { Facts::new("none") } else { Facts::new("is").with("pharmacies", names) }
}

/// An answer after which a pharmacy may be named alone.
fn named_next(facts: Facts, known: &[Pharmacy]) -> Outcome {
    let option = |p: &Pharmacy| Choice { spoken: p.name.clone(), value: SlotValue::Text(p.name.clone()) };
    Outcome::Ask { slot: "pharmacy".to_owned(), options: known.iter().take(OFFERED).map(option).collect(), facts }
}

/// Replies: `confirm`, `already`, `which`, `unknown` (said, pharmacies).
fn change(known: &[Pharmacy], chosen: Option<&Pharmacy>, said: &str) -> Outcome {
    let telling =
        |text: &str| -> Vec<String> { words(text).into_iter().filter(|w| !COMMON.contains(&w.as_str())).collect() };
    let wanted = telling(said);
    let fits = |p: &&Pharmacy| {
        let own = telling(&format!("{} {}", p.name, p.street.as_deref().unwrap_or_default()));
        !wanted.is_empty() && wanted.iter().all(|w| own.contains(w))
    };
    // The whole name first: "Lakeside Pharmacy" must not ask about "Lakeside Pharmacy North".
    let whole: Vec<&Pharmacy> = known.iter().filter(|p| words(&p.name) == words(said)).collect();
    let found = if whole.is_empty() { known.iter().filter(fits).collect() } else { whole };
    match found.as_slice() {
        [] => {
            let names: Vec<&str> = known.iter().take(SAID).map(|p| p.name.as_str()).collect();
            named_next(Facts::new("unknown").with("said", said).with("pharmacies", names), known)
        }
        [one] if chosen == Some(*one) => Outcome::Answer(about("already", one)),
        [one] => Outcome::Confirm { facts: about("confirm", one), plan: Plan::Pharmacy { pharmacy: (*one).clone() } },
        several => {
            let names: Vec<String> = several.iter().take(SAID).map(|p| p.name.clone()).collect();
            let option = |spoken: &String| Choice { spoken: spoken.clone(), value: SlotValue::Text(spoken.clone()) };
            Outcome::Ask {
                slot: "pharmacy".to_owned(),
                options: names.iter().map(option).collect(),
                facts: Facts::new("which").with("options", names),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{
        super::samples::{prescription, reply},
        *,
    };

    fn pharmacy(name: &str, street: &str) -> Pharmacy {
        Pharmacy { name: name.into(), street: Some(street.into()), phone: None }
    }

    #[test]
    fn a_pharmacy_is_found_by_name_or_street_and_never_guessed() {
        let known = [
            pharmacy("Lakeside Pharmacy", "3 Harbor Street"),
            pharmacy("Lakeside Pharmacy North", "80 Oak Street"),
            pharmacy("Corner Drugs", "12 Oak Street"),
        ];
        let asked = |said: &str| match change(&known, Some(&known[2]), said) {
            Outcome::Confirm { plan: Plan::Pharmacy { pharmacy }, .. } => pharmacy.name,
            other => reply(&other),
        };
        for (said, want) in [
            ("Lakeside Pharmacy", "Lakeside Pharmacy"),
            ("Lakeside Pharmacy North", "Lakeside Pharmacy North"),
            ("the pharmacy on Harbor Street", "Lakeside Pharmacy"),
            ("Lakeside", "ask which"),
            ("Oak Street", "ask which"),
            ("corner drugs", "already"),
            ("Walgreens", "ask unknown"),
            ("the pharmacy", "ask unknown"),
            ("", "ask unknown"),
        ] {
            assert_eq!(asked(said), want, "{said:?}");
        }
    }

    #[test]
    fn renewals_go_where_the_person_chose_else_where_the_order_says() {
        let p = Prescription { pharmacy: Some("Ordered".into()), ..prescription("l", "lisinopril") };
        let chosen = pharmacy("Chosen", "x");
        assert_eq!(of(&p, Some(&chosen)).as_deref(), Some("Chosen"));
        assert_eq!(of(&p, None).as_deref(), Some("Ordered"));
        assert_eq!(of(&prescription("l", "lisinopril"), None), None);
        let all = [p, prescription("m", "metformin")];
        assert_eq!(theirs(&all, Some(&chosen)).reply, "chosen");
        assert_eq!((theirs(&all, None).reply.as_str(), theirs(&all[1..], None).reply.as_str()), ("is", "none"));
    }
}
