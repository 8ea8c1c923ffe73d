//! `careteam.who`: who treats the person, as the record's care team says.

use super::{ActionError, Facts, Outcome, Pass, Setting, of_a_person, permit, text, words};
use crate::{
    nlu::Slots,
    policy::{Effect, Floor, Scope},
    records::Provider,
};

/// Who treats somebody tells what of.
pub const FLOOR: Floor = of_a_person(Effect::Read, Scope::Visits);

/// Most that are named at once.
const MOST: usize = 5;

/// Names them.
pub async fn run(pass: Pass, slots: &Slots, setting: &Setting<'_>) -> Result<Outcome, ActionError> {
    let permit = permit(pass)?;
    let team = setting.records.providers(permit.subject()).await?.reveal(&permit)?;
    Ok(Outcome::Answer(decide(&team, text(slots, "role"))))
}

/// Replies: `who` (role, names), `team` (people: name, role; more: how many besides), `none` (role).
fn decide(team: &[Provider], role: Option<&str>) -> Facts {
    let wanted = role.filter(|role| *role != "care team");
    let there: Vec<&Provider> = team.iter().filter(|one| wanted.is_none_or(|role| has(one, role))).collect();
    if there.is_empty() {
        return Facts::new("none").with("role", wanted);
    }
    let names: Vec<&str> = there.iter().take(MOST).map(|one| one.name.as_str()).collect();
    match wanted {
        Some(role) => Facts::new("who").with("role", role).with("names", names),
        None => {
            let known = |one: &&Provider| {
                let role = one.role.as_deref().or(one.specialty.as_deref());
                match role {
                    Some(role) => format!("{}, {role}", one.name),
                    None => one.name.clone(),
                }
            };
            let people: Vec<String> = there.iter().take(MOST).map(known).collect();
            Facts::new("team").with("people", people).with("more", there.len().saturating_sub(MOST))
        }
    }
}

/// Whether somebody has that role. A doctor is whoever is called one, besides.
fn has(one: &Provider, role: &str) -> bool {
    let told = words(&[one.role.as_deref(), one.specialty.as_deref()].map(Option::unwrap_or_default).join(" "));
    let wanted = words(role);
    let titled = role == "doctor" && one.name.starts_with("Dr");
    titled || (!wanted.is_empty() && wanted.iter().all(|word| told.contains(word)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(name: &str, role: Option<&str>, specialty: Option<&str>) -> Provider {
        let own = |text: Option<&str>| text.map(str::to_owned);
        Provider { name: name.into(), specialty: own(specialty), role: own(role), origin: Default::default() }
    }

    #[test]
    fn a_role_is_who_has_it_on_record() {
        let team = [
            one("Dr. Anita Patel", Some("primary care"), None),
            one("Dr. Marcus Chen", None, Some("cardiology")),
            one("Dana Ruiz", Some("registered nurse"), None),
        ];
        for (role, reply, names) in [
            (Some("nurse"), "who", vec!["Dana Ruiz"]),
            (Some("cardiology"), "who", vec!["Dr. Marcus Chen"]),
            (Some("doctor"), "who", vec!["Dr. Anita Patel", "Dr. Marcus Chen"]),
            (Some("surgeon"), "none", vec![]),
            (Some("nurse practitioner"), "none", vec![]),
            (Some("care team"), "team", vec![]),
            (None, "team", vec![]),
        ] {
            let facts = decide(&team, role);
            assert_eq!(facts.reply, reply, "{role:?}");
            if reply == "who" {
                assert_eq!(facts.values["names"], serde_json::json!(names), "{role:?}");
            }
        }
        assert_eq!(decide(&[], None).reply, "none");
    }
}
