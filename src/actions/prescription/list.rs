//! `prescription.list`: the medicines on record.

use jiff::Timestamp;

use super::super::{ActionError, Facts, Outcome, Pass, Setting, further, of_a_person, permit, source};
use crate::{
    nlu::Slots,
    policy::{Effect, Floor, Scope},
    records::Prescription,
};

/// Reads the person's medicines.
pub const FLOOR: Floor = of_a_person(Effect::Read, Scope::Medicines);

/// Most names said in one breath.
const SAID: usize = 6;

pub async fn run(pass: Pass, slots: &Slots, setting: &Setting<'_>) -> Result<Outcome, ActionError> {
    let permit = permit(pass)?;
    let all = setting.records.prescriptions(permit.subject()).await?.reveal(&permit)?;
    let mut facts = listed(&all, further(slots), setting.now);
    if source::nothing(&facts) {
        let unread = setting.records.unread(permit.subject(), "MedicationRequest").await?;
        facts = facts.with("unread", unread.reveal(&permit)?);
    }
    Ok(Outcome::Answer(facts))
}

/// Replies: `list` (medicines in breaths, count, sources), `none`.
fn listed(all: &[Prescription], from: usize, now: Timestamp) -> Facts {
    let mut names: Vec<&str> = Vec::new();
    for p in all.iter().filter(|p| p.active) {
        if !names.contains(&p.medicine.as_str()) {
            names.push(&p.medicine);
        }
    }
    if names.is_empty() {
        return Facts::new("none");
    }
    let from = if from < names.len() { from } else { 0 };
    let said = names.iter().skip(from).take(SAID);
    // Only of what is said, and only where none of the same name is on record here.
    let whose = |name: &&str| {
        let same = || all.iter().filter(|p| p.active && p.medicine == **name);
        same().find(|p| !p.origin.elsewhere()).or_else(|| same().next()).map(|p| &p.origin)
    };
    let sources = source::grouped(said.filter_map(|name| Some((*name, whose(name)?))), now);
    let facts = Facts::new("list").with("count", names.len()).with("sources", sources);
    facts.in_breaths("medicines", names, SAID, from)
}

#[cfg(test)]
mod tests {
    use super::{super::samples::prescription, *};

    #[test]
    fn current_medicines_once_each_and_no_more_than_a_breath() {
        let ended = Prescription { active: false, ..prescription("x", "warfarin") };
        let all = [prescription("a", "lisinopril"), prescription("b", "lisinopril"), ended];
        assert_eq!(listed(&all, 0, Timestamp::UNIX_EPOCH).values["medicines"], serde_json::json!(["lisinopril"]));
        let many: Vec<_> = (0..9).map(|n| prescription(&n.to_string(), &format!("medicine {n}"))).collect();
        let facts = listed(&many, 0, Timestamp::UNIX_EPOCH);
        assert_eq!((&facts.values["count"], &facts.values["more"]), (&9.into(), &3.into()));
        let rest = listed(&many, 6, Timestamp::UNIX_EPOCH);
        assert_eq!(rest.values["medicines"], serde_json::json!(["medicine 6", "medicine 7", "medicine 8"]));
        assert_eq!(listed(&all[2..], 0, Timestamp::UNIX_EPOCH).reply, "none");
    }
}
