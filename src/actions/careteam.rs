//! `careteam.who`: who treats the person, as the record's care team says; in a hospital room who is on duty for it besides.

use super::{ActionError, Facts, Outcome, Pass, Setting, further, of_a_person, permit, text, words};
use crate::{
    nlu::Slots,
    policy::{Effect, Floor, Scope},
    records::{OnDuty, Provider},
};

/// Who treats somebody tells what of.
pub const FLOOR: Floor = of_a_person(Effect::Read, Scope::Visits);

/// Most that are named at once.
const MOST: usize = 5;

/// Names them.
pub async fn run(pass: Pass, slots: &Slots, setting: &Setting<'_>) -> Result<Outcome, ActionError> {
    let permit = permit(pass)?;
    let team = setting.records.providers(permit.subject()).await?.reveal(&permit)?;
    let duty = match setting.unit {
        Some(unit) => setting.records.on_duty(unit, setting.now).await?,
        None => vec![],
    };
    Ok(Outcome::Answer(decide(&team, &duty, text(slots, "role"), further(slots))))
}

/// Replies: `on_duty` (role, names), `who` (role, names), `team` (people, nurses, more: how many besides), `none` (role).
fn decide(team: &[Provider], duty: &[OnDuty], role: Option<&str>, from: usize) -> Facts {
    let wanted = role.filter(|role| *role != "care team");
    let now = names_on_duty(duty, wanted.unwrap_or("nurse"));
    let there: Vec<&Provider> = team.iter().filter(|one| wanted.is_none_or(|role| has(one, role))).collect();
    match (wanted, now.is_empty(), there.is_empty()) {
        (Some(role), false, _) => Facts::new("on_duty").with("role", role).with("names", now),
        (None, false, true) => Facts::new("on_duty").with("role", "nurse").with("names", now),
        (_, true, true) => Facts::new("none").with("role", wanted),
        (Some(role), true, false) => {
            let names: Vec<&str> = there.iter().take(MOST).map(|one| one.name.as_str()).collect();
            Facts::new("who").with("role", role).with("names", names)
        }
        (None, _, false) => {
            let people: Vec<String> = there.iter().map(|one| known(one)).collect();
            Facts::new("team").with("nurses", now).in_breaths("people", people, MOST, from)
        }
    }
}

/// Who is on duty for what the catalogue calls so.
fn names_on_duty<'a>(duty: &'a [OnDuty], role: &str) -> Vec<&'a str> {
    let role = if role == "aide" { "assistant" } else { role };
    duty.iter().filter(|one| one.role == role).map(|one| one.who.as_str()).take(MOST).collect()
}

fn known(one: &Provider) -> String {
    match one.role.as_deref().or(one.specialty.as_deref()) {
        Some(role) => format!("{}, {role}", one.name),
        None => one.name.clone(),
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
            let facts = decide(&team, &[], role, 0);
            assert_eq!(facts.reply, reply, "{role:?}");
            if reply == "who" {
                assert_eq!(facts.values["names"], serde_json::json!(names), "{role:?}");
            }
        }
        assert_eq!(decide(&[], &[], None, 0).reply, "none");
        let on = |role: &str, who: &str| OnDuty { role: role.into(), who: who.into() };
        let duty = [on("nurse", "Maria"), on("assistant", "Joe"), on("supervisor", "Ann")];
        for (team, role, reply, names) in [
            (&team[..], Some("nurse"), "on_duty", Some("Maria")),
            (&team, Some("aide"), "on_duty", Some("Joe")),
            (&team, Some("cardiology"), "who", Some("Dr. Marcus Chen")),
            (&[], None, "on_duty", Some("Maria")),
            (&team, None, "team", None),
            (&[], Some("surgeon"), "none", None),
        ] {
            let facts = decide(team, &duty, role, 0);
            assert_eq!(facts.reply, reply, "{role:?}");
            if let Some(name) = names {
                assert_eq!(facts.values["names"], serde_json::json!([name]), "{role:?}");
            }
        }
    }
}
