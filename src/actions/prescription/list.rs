//! `prescription.list`: the medicines on record.

use super::super::{ActionError, Facts, Outcome, Pass, Setting, of_a_person, permit};
use crate::{
    nlu::Slots,
    policy::{Effect, Floor, Scope},
    records::Prescription,
};

/// Reads the person's medicines.
pub const FLOOR: Floor = of_a_person(Effect::Read, Scope::Medicines);

/// Most names said in one breath.
const SAID: usize = 6;

pub async fn run(pass: Pass, _slots: &Slots, setting: &Setting<'_>) -> Result<Outcome, ActionError> {
    let permit = permit(pass)?;
    let all = setting.records.prescriptions(permit.subject()).await?.reveal(&permit)?;
    Ok(Outcome::Answer(listed(&all)))
}

/// Replies: `list` (medicines, count, more), `none`.
fn listed(all: &[Prescription]) -> Facts {
    let mut names: Vec<&str> = Vec::new();
    for p in all.iter().filter(|p| p.active) {
        if !names.contains(&p.medicine.as_str()) {
            names.push(&p.medicine);
        }
    }
    if names.is_empty() {
        return Facts::new("none");
    }
    let said = &names[..names.len().min(SAID)];
    Facts::new("list").with("count", names.len()).with("more", names.len() - said.len()).with("medicines", said)
}

#[cfg(test)]
mod tests {
    use super::{super::samples::prescription, *};

    #[test]
    fn current_medicines_once_each_and_no_more_than_a_breath() {
        let ended = Prescription { active: false, ..prescription("x", "warfarin") };
        let all = [prescription("a", "lisinopril"), prescription("b", "lisinopril"), ended];
        assert_eq!(listed(&all).values["medicines"], serde_json::json!(["lisinopril"]));
        let many: Vec<_> = (0..9).map(|n| prescription(&n.to_string(), &format!("medicine {n}"))).collect();
        let facts = listed(&many);
        assert_eq!((&facts.values["count"], &facts.values["more"]), (&9.into(), &3.into()));
        assert_eq!(listed(&all[2..]).reply, "none");
    }
}
