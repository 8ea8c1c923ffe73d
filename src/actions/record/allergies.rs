//! `record.allergies`: the allergies on record, and whether one of a name is among them.
//!
//! Invariant: what is not on the list is "not on record here", and what is on it is said along: a medicine of the same
//! family goes by another name.

use super::{
    super::{ActionError, Facts, Outcome, Pass, Setting, of_a_person, permit, source, text, words},
    NAMED,
};
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
    Ok(Outcome::Answer(allergies(&all, text(slots, "medicine"), setting.now)))
}

/// Replies: `list` (count, allergies: substance, reactions; more, sources), `none`; of a name: `yes` (substance, reactions,
/// elsewhere), `over` (substance, elsewhere), `not_there` (medicine, allergies, more, sources).
fn allergies(all: &[Allergy], said: Option<&str>, now: Timestamp) -> Facts {
    let active: Vec<&Allergy> = all.iter().filter(|a| a.active).collect();
    let told = |a: &&Allergy| serde_json::json!({ "substance": a.substance, "reactions": a.reactions });
    let listed = |facts: Facts| {
        facts
            .with("count", active.len())
            .with("allergies", active.iter().take(NAMED).map(told).collect::<Vec<_>>())
            .with("more", active.len().saturating_sub(NAMED))
            .with("sources", source::grouped(active.iter().take(NAMED).map(|a| (a.substance.as_str(), &a.origin)), now))
    };
    let Some(said) = said else {
        return if active.is_empty() { Facts::new("none") } else { listed(Facts::new("list")) };
    };
    let found = all.iter().filter(|a| names(&a.substance, said)).max_by_key(|a| a.active);
    let of = |reply: &str, a: &Allergy| {
        Facts::new(reply).with("substance", &a.substance).with("elsewhere", source::told(&a.origin, now))
    };
    match found {
        Some(a) if a.active => of("yes", a).with("reactions", &a.reactions),
        Some(a) => of("over", a),
        None => listed(Facts::new("not_there").with("medicine", said)),
    }
}

/// Whether the words of the one all stand in the other, either way round.
fn names(substance: &str, said: &str) -> bool {
    let (substance, said) = (words(substance), words(said));
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
            active,
            origin: crate::records::Origin::default(),
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
