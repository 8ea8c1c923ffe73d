//! `record.allergies`: the allergies on record, and whether one of a name is among them.
//!
//! Invariant: what is not on the list is "not on record here", and what is on it is said along: a medicine of the same
//! family goes by another name. No list of allergies is ever cut: the one that is left out may be the one that kills.

use super::super::{ActionError, Facts, Outcome, Pass, Setting, of_a_person, permit, source, text, words};
use jiff::Timestamp;

use crate::{
    nlu::Slots,
    policy::{Effect, Floor, Scope},
    records::Allergy,
};

/// Reads the person's records.
pub const FLOOR: Floor = of_a_person(Effect::Read, Scope::Records);

pub async fn run(pass: Pass, slots: &Slots, setting: &Setting<'_>) -> Result<Outcome, ActionError> {
    let permit = permit(pass)?;
    let all = setting.records.allergies(permit.subject()).await?.reveal(&permit)?;
    let mut facts = allergies(&all, asked(slots), setting.now);
    if source::nothing(&facts) {
        let unread = setting.records.unread(permit.subject(), "AllergyIntolerance").await?;
        facts = facts.with("unread", unread.reveal(&permit)?);
    }
    Ok(Outcome::Answer(facts))
}

/// What was asked about, a medicine or anything else.
fn asked(slots: &Slots) -> Option<&str> {
    text(slots, "substance").or_else(|| text(slots, "medicine"))
}

/// Replies: `list` (count, allergies: substance, reactions, severe; sources), `none`; of a name: `yes` (substance, reactions,
/// severe, elsewhere), `over` (substance, elsewhere), `not_there` (asked, allergies, sources). The severe ones first.
fn allergies(all: &[Allergy], said: Option<&str>, now: Timestamp) -> Facts {
    let mut active: Vec<&Allergy> = all.iter().filter(|a| a.active).collect();
    active.sort_by_key(|a| !a.severe);
    let told =
        |a: &&Allergy| serde_json::json!({ "substance": a.substance, "reactions": a.reactions, "severe": a.severe });
    let listed = |facts: Facts| {
        facts
            .with("count", active.len())
            .with("allergies", active.iter().map(told).collect::<Vec<_>>())
            .with("sources", source::grouped(active.iter().map(|a| (a.substance.as_str(), &a.origin)), now))
    };
    let Some(said) = said else {
        return if active.is_empty() { Facts::new("none") } else { listed(Facts::new("list")) };
    };
    let found = all.iter().filter(|a| names(&a.substance, said)).max_by_key(|a| a.active);
    let of = |reply: &str, a: &Allergy| {
        Facts::new(reply).with("substance", &a.substance).with("elsewhere", source::told(&a.origin, now))
    };
    match found {
        Some(a) if a.active => of("yes", a).with("reactions", &a.reactions).with("severe", a.severe),
        Some(a) => of("over", a),
        None => listed(Facts::new("not_there").with("asked", said)),
    }
}

/// Words of an entry that name nothing.
const FILLERS: [&str; 8] = ["allergy", "allergie", "to", "finding", "disorder", "substance", "the", "product"];

/// Whether the words of the one all stand in the other, either way round.
fn names(substance: &str, said: &str) -> bool {
    // "Peanut", "peanuts" and "Allergy to peanuts (finding)" are one thing.
    let plain = |text: &str| -> Vec<String> {
        let all = words(text).into_iter().map(|w| w.strip_suffix('s').map_or(w.clone(), str::to_owned));
        all.filter(|w| !FILLERS.contains(&w.as_str())).collect()
    };
    let (substance, said) = (plain(substance), plain(said));
    let within = |a: &[String], b: &[String]| !a.is_empty() && a.iter().all(|w| b.contains(w));
    within(&said, &substance) || within(&substance, &said)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allergy(substance: &str, active: bool) -> Allergy {
        Allergy {
            substance: substance.into(),
            reactions: vec!["hives".into()],
            category: vec![],
            severe: false,
            active,
            origin: crate::records::Origin::default(),
        }
    }

    #[test]
    fn none_is_left_out_and_the_severe_ones_come_first() {
        let all: Vec<Allergy> =
            (0..9).map(|n| Allergy { severe: n == 7, ..allergy(&format!("thing {n}"), true) }).collect();
        let told = allergies(&all, None, Timestamp::UNIX_EPOCH).values["allergies"].clone();
        assert_eq!((told.as_array().map(Vec::len), &told[0]["substance"]), (Some(9), &"thing 7".into()));
    }

    #[test]
    fn one_thing_goes_by_more_than_one_word() {
        for (substance, said, same) in [
            ("Peanut", "peanuts", true),
            ("Allergy to peanuts (finding)", "peanuts", true),
            ("Shellfish allergy", "shellfish", true),
            ("fish", "shellfish", false),
            ("tree nuts", "peanuts", false),
            ("Eggs (edible) (substance)", "eggs", true),
        ] {
            assert_eq!(names(substance, said), same, "{substance}, {said}");
        }
    }

    #[test]
    fn a_name_that_is_not_there_is_not_on_record_and_what_is_there_is_said() {
        let all = [allergy("penicillin", true), allergy("Latex", false)];
        for (said, reply) in [
            (None, "list"),
            (Some("penicillin"), "yes"),
            (Some("penicillin V"), "yes"),
            (Some("latex"), "over"),
            (Some("amoxicillin"), "not_there"),
        ] {
            assert_eq!(allergies(&all, said, Timestamp::UNIX_EPOCH).reply, reply, "{said:?}");
        }
        assert_eq!(
            allergies(&all, Some("amoxicillin"), Timestamp::UNIX_EPOCH).values["allergies"][0]["substance"],
            "penicillin"
        );
        assert_eq!(allergies(&all[1..], None, Timestamp::UNIX_EPOCH).reply, "none");
    }
}
