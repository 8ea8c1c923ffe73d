//! `record.disconnect`: takes back what was connected of other organizations, all of it or one.

use super::{
    ActionError, Change, Choice, Facts, Outcome, Pass, Plan, Setting, connect::telling, of_a_person, permit, text,
    words,
};
use crate::{
    nlu::{SlotValue, Slots},
    policy::{Effect, Floor, Permit, Scope},
};

/// Words that mean every one that is connected.
const ALL: [&str; 4] = ["all", "everything", "both", "every"];

/// Changes what the person's answers come from.
pub const FLOOR: Floor = of_a_person(Effect::Change, Scope::Records);

pub async fn run(pass: Pass, slots: &Slots, setting: &Setting<'_>) -> Result<Outcome, ActionError> {
    let permit = permit(pass)?;
    let connected = setting.records.connected(permit.subject()).await?.reveal(&permit)?;
    if !connected.is_empty() && setting.records.held(permit.subject()).await? {
        return Ok(Outcome::Answer(Facts::new("held")));
    }
    Ok(begin(&connected, text(slots, "organization")))
}

/// Replies: `confirm` (names), `which` (names) where several are connected and none was named, `none`, `unknown` (names), `held`. Each of those connected has its id and the
/// name of its organization.
fn begin(connected: &[(String, String)], said: Option<&str>) -> Outcome {
    if connected.is_empty() {
        return Outcome::Answer(Facts::new("none"));
    }
    let said_words = said.map(telling).unwrap_or_default();
    let all = said.is_some_and(|said| words(said).iter().any(|word| ALL.contains(&word.as_str())));
    if said_words.is_empty() && connected.len() > 1 {
        let names: Vec<&str> = connected.iter().map(|(_, name)| name.as_str()).collect();
        let options =
            names.iter().map(|name| Choice { spoken: (*name).to_owned(), value: SlotValue::Text((*name).to_owned()) });
        return Outcome::Ask {
            slot: "organization".to_owned(),
            facts: Facts::new("which").with("names", &names),
            options: options.collect(),
        };
    }
    let fits = |(_, name): &&(String, String)| {
        let name = words(name);
        all || said_words.iter().all(|word| name.contains(word))
    };
    let meant: Vec<&(String, String)> = connected.iter().filter(fits).collect();
    let names = |of: &[&(String, String)]| of.iter().map(|(_, name)| name.clone()).collect::<Vec<_>>();
    if meant.is_empty() {
        let all: Vec<&(String, String)> = connected.iter().collect();
        return Outcome::Answer(Facts::new("unknown").with("names", names(&all)));
    }
    Outcome::Confirm {
        facts: Facts::new("confirm").with("names", names(&meant)),
        plan: Plan::Disconnect { connections: meant.iter().map(|(id, _)| id.clone()).collect() },
    }
}

/// After "yes": of those that are there still. Replies: `done` (names), `none`, `conflict`.
pub async fn perform(permit: Permit, connections: Vec<String>, setting: &Setting<'_>) -> Result<Outcome, ActionError> {
    let connected = setting.records.connected(permit.subject()).await?.reveal(&permit)?;
    let (ids, names): (Vec<String>, Vec<String>) =
        connected.into_iter().filter(|(id, _)| connections.contains(id)).unzip();
    if ids.is_empty() {
        return Ok(Outcome::Answer(Facts::new("none")));
    }
    let facts = Facts::new("done").with("names", names);
    let changes = vec![Change::Disconnect { connections: ids }];
    Ok(Outcome::Done { facts, changes, conflict: Facts::new("conflict") })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_named_or_all_of_it() {
        let all = [("c1", "Mercy Hospital"), ("c2", "Mercy Eye Clinic"), ("c3", "St. Mary's Clinic")];
        let all = all.map(|(id, name)| (id.to_owned(), name.to_owned()));
        let told = |connected: &[(String, String)], said| match begin(connected, said) {
            Outcome::Confirm { plan: Plan::Disconnect { connections }, .. } => connections.join(" "),
            Outcome::Answer(facts) | Outcome::Ask { facts, .. } => facts.reply,
            _ => "something else".to_owned(),
        };
        for (said, want) in [
            (None, "which"),
            (Some("my other hospital"), "which"),
            (Some("all of them"), "c1 c2 c3"),
            (Some("everything"), "c1 c2 c3"),
            (Some("mercy"), "c1 c2"),
            (Some("the Mercy Eye Clinic"), "c2"),
            (Some("st. mary's"), "c3"),
            (Some("Denver"), "unknown"),
        ] {
            assert_eq!(told(&all, said), want, "{said:?}");
        }
        for said in [None, Some("my other hospital")] {
            assert_eq!(told(&all[..1], said), "c1", "there is no other");
        }
        assert_eq!((told(&[], None), told(&[], Some("mercy"))), ("none".to_owned(), "none".to_owned()));
    }
}
