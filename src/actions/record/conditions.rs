//! `record.conditions`: the conditions on record, as clinicians confirmed them.

use super::{
    super::{ActionError, Facts, Outcome, Pass, Setting, further, of_a_person, permit, source},
    NAMED,
};
use jiff::Timestamp;

use crate::{
    nlu::Slots,
    policy::{Effect, Floor, Scope},
    records::{Condition, ConditionStatus},
};

/// Reads the person's records.
pub const FLOOR: Floor = of_a_person(Effect::Read, Scope::Records);

pub async fn run(pass: Pass, slots: &Slots, setting: &Setting<'_>) -> Result<Outcome, ActionError> {
    let permit = permit(pass)?;
    let all = setting.records.conditions(permit.subject()).await?.reveal(&permit)?;
    let mut facts = conditions(&all, further(slots), setting.now);
    if source::nothing(&facts) {
        let unread = setting.records.unread(permit.subject(), "Condition").await?;
        facts = facts.with("unread", unread.reveal(&permit)?);
    }
    Ok(Outcome::Answer(facts))
}

/// Replies: `list` (count, conditions in breaths: name, since, remission; sources), `none`. What is only suspected is for a clinician to
/// say, and what is over is on the page.
fn conditions(all: &[Condition], from: usize, now: Timestamp) -> Facts {
    let mut named: Vec<&Condition> = Vec::new();
    let there = |c: &&Condition| c.confirmed && c.status != ConditionStatus::Resolved;
    for condition in all.iter().filter(there) {
        if !named.iter().any(|before| before.name.eq_ignore_ascii_case(&condition.name)) {
            named.push(condition);
        }
    }
    if named.is_empty() {
        return Facts::new("none");
    }
    let told = |c: &&Condition| {
        serde_json::json!({
            "name": c.name,
            "since": c.onset.map(|day| day.year()),
            "remission": c.status == ConditionStatus::Remission,
        })
    };
    let from = if from < named.len() { from } else { 0 };
    let said = named.iter().skip(from).take(NAMED);
    Facts::new("list")
        .with("count", named.len())
        .with("sources", source::grouped(said.map(|c| (c.name.as_str(), &c.origin)), now))
        .in_breaths("conditions", named.iter().map(told).collect(), NAMED, from)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn condition(name: &str, status: ConditionStatus, confirmed: bool) -> Condition {
        let onset = Some(jiff::civil::date(2015, 6, 1));
        Condition {
            name: name.into(),
            aliases: vec![],
            codes: vec![],
            status,
            confirmed,
            onset,
            origin: crate::records::Origin::default(),
        }
    }

    #[test]
    fn only_what_is_confirmed_and_not_over_and_each_once() {
        use ConditionStatus::{Active, Remission, Resolved};
        let all = [
            condition("asthma", Active, true),
            condition("Asthma", Active, true),
            condition("gout", Remission, true),
            condition("bronchitis", Resolved, true),
            condition("lupus", Active, false),
        ];
        let facts = conditions(&all, 0, Timestamp::UNIX_EPOCH);
        assert_eq!((facts.reply.as_str(), &facts.values["count"]), ("list", &2.into()));
        assert_eq!(facts.values["conditions"][0]["since"], 2015);
        assert_eq!(facts.values["conditions"][1]["remission"], true);
        assert_eq!(conditions(&all[3..], 0, Timestamp::UNIX_EPOCH).reply, "none");
        let many: Vec<Condition> = (0..9).map(|n| condition(&format!("c{n}"), Active, true)).collect();
        assert_eq!(conditions(&many, 0, Timestamp::UNIX_EPOCH).values["more"], 3);
    }
}
