//! `medicine.interaction_own`: whether a medicine, or any two of the person's own, stand together on the published list.
//!
//! Invariants: as for `medicine.interaction`, nothing is said that the list does not hold, and nothing is ever called safe;
//! checked are the orders that are active now, and that the list here may not be whole is said every time.

use serde_json::{Value, json};

use super::{
    super::{ActionError, Facts, Outcome, Pass, Setting, of_a_person, permit, prescription::unsure, text, words},
    in_hospital,
    interaction::listed,
};
use crate::{
    nlu::Slots,
    policy::{Effect, Floor, Scope},
    records::Prescription,
};

/// Reads the person's medicines.
pub const FLOOR: Floor = of_a_person(Effect::Read, Scope::Medicines);

/// Most pairs said in one breath; the pharmacist is told to be asked about all.
const SAID: usize = 3;

pub async fn run(pass: Pass, slots: &Slots, setting: &Setting<'_>) -> Result<Outcome, ActionError> {
    let permit = permit(pass)?;
    if let Some(nurse) = in_hospital(&permit, setting).await? {
        return Ok(nurse);
    }
    let all = setting.records.prescriptions(permit.subject()).await?.reveal(&permit)?;
    if let Some(ask) = slots.get("medicine").and_then(|said| unsure("medicine", said)) {
        return Ok(ask);
    }
    Ok(Outcome::Answer(checked(&all, text(slots, "medicine"))))
}

/// Replies: `listed` (pairs, more), `nothing` (count), `no_list`; each with medicine, and `own` where that one is on the list
/// itself.
fn checked(all: &[Prescription], said: Option<&str>) -> Facts {
    let active: Vec<&Prescription> = all.iter().filter(|p| p.active).collect();
    let mut pairs: Vec<(&str, &str, u8)> = Vec::new();
    let mut note = |one, other, entry: Option<u8>| {
        let pair = entry.map(|entry| (one, other, entry));
        pairs.extend(pair.filter(|pair| !pairs.contains(pair)));
    };
    match said {
        Some(said) => {
            active.iter().for_each(|p| note(said, &p.medicine, names(p).find_map(|name| listed(said, name))));
        }
        None => {
            for (n, one) in active.iter().enumerate() {
                for other in &active[n + 1..] {
                    let entry = names(one).find_map(|a| names(other).find_map(|b| listed(a, b)));
                    note(&one.medicine, &other.medicine, entry);
                }
            }
        }
    }
    let own = said.is_some_and(|said| active.iter().any(|p| names(p).any(|name| words(name) == words(said))));
    let reply = match (active.is_empty(), pairs.is_empty()) {
        (true, _) => Facts::new("no_list"),
        (false, true) => Facts::new("nothing").with("count", count(&active)),
        (false, false) => {
            let told = |(one, other, entry): &(&str, &str, u8)| json!({ "one": one, "other": other, "entry": entry });
            let told: Vec<Value> = pairs.iter().take(SAID).map(told).collect();
            Facts::new("listed").with("more", pairs.len() - told.len()).with("pairs", told)
        }
    };
    reply.with("medicine", said).with("own", own)
}

/// All names of a medicine.
fn names(p: &Prescription) -> impl Iterator<Item = &str> {
    std::iter::once(&p.medicine).chain(&p.aliases).map(String::as_str)
}

/// Medicines, each once.
fn count(active: &[&Prescription]) -> usize {
    active.iter().map(|p| p.medicine.as_str()).collect::<std::collections::BTreeSet<_>>().len()
}

#[cfg(test)]
mod tests {
    use super::{super::super::prescription::samples::prescription, *};

    #[test]
    fn one_against_the_list_or_all_of_it_and_nothing_is_safe() {
        let ended = Prescription { active: false, ..prescription("e", "phenelzine") };
        let held = Prescription { active: false, on_hold: true, ..prescription("h", "selegiline") };
        let brand =
            Prescription { aliases: vec!["simvastatin 20 MG Oral Tablet".into()], ..prescription("z", "Zocor") };
        let own = [prescription("s", "sertraline"), prescription("l", "lisinopril"), brand, ended, held];
        let mut clash = own.to_vec();
        clash.push(prescription("c", "clarithromycin"));
        #[rustfmt::skip]
        let table: Vec<(&[Prescription], Option<&str>, &str, &[(&str, &str, u8)])> = vec![
            (&own,      Some("phenelzine"),     "listed",  &[("phenelzine", "sertraline", 8)]),
            // By another name of the order.
            (&own,      Some("clarithromycin"), "listed",  &[("clarithromycin", "Zocor", 25)]),
            // What was stopped or is held is not taken, so it is no pair.
            (&own,      Some("tramadol"),       "nothing", &[]),
            (&own,      Some("ibuprofen"),      "nothing", &[]),
            (&own,      None,                   "nothing", &[]),
            (&clash,    None,                   "listed",  &[("Zocor", "clarithromycin", 25)]),
            (&own[3..], Some("ibuprofen"),      "no_list", &[]),
            (&[],       None,                   "no_list", &[]),
        ];
        for (all, said, reply, pairs) in table {
            let facts = checked(all, said);
            assert_eq!(facts.reply, reply, "{said:?}");
            let told = facts.values.get("pairs").and_then(Value::as_array).cloned().unwrap_or_default();
            let want: Vec<Value> =
                pairs.iter().map(|(one, other, n)| json!({ "one": one, "other": other, "entry": n })).collect();
            assert_eq!(told, want, "{said:?}");
        }
        assert_eq!(checked(&own, Some("Sertraline")).values["own"], true);
        assert_eq!(checked(&own, Some("ibuprofen")).values["own"], false);
        assert_eq!(checked(&own, None).values["count"], 3);
    }
}
