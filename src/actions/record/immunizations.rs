//! `record.immunizations`: the vaccinations on record, or the last one of a kind.

use super::{
    super::{ActionError, Facts, Outcome, Pass, Setting, further, of_a_person, permit, source, text},
    NAMED,
};
use jiff::Timestamp;

use crate::{
    nlu::Slots,
    policy::{Effect, Floor, Scope},
    records::{Immunization, vaccine},
};

/// Reads the person's records.
pub const FLOOR: Floor = of_a_person(Effect::Read, Scope::Records);

pub async fn run(pass: Pass, slots: &Slots, setting: &Setting<'_>) -> Result<Outcome, ActionError> {
    let permit = permit(pass)?;
    let all = setting.records.immunizations(permit.subject()).await?.reveal(&permit)?;
    let mut facts = immunizations(&all, text(slots, "vaccine"), further(slots), setting.now);
    if source::nothing(&facts) {
        let unread = setting.records.unread(permit.subject(), "Immunization").await?;
        facts = facts.with("unread", unread.reveal(&permit)?);
    }
    Ok(Outcome::Answer(facts))
}

/// Replies: `last` (asked, vaccine, on, times, source, elsewhere), `none_of` (asked), `list` (count, shots: vaccine, on; more,
/// sources), `none`.
fn immunizations(all: &[Immunization], said: Option<&str>, from: usize, now: Timestamp) -> Facts {
    if let Some(said) = said {
        let of_kind: Vec<&Immunization> = all.iter().filter(|i| vaccine::is(i, said)).collect();
        return match of_kind.iter().max_by_key(|i| i.given) {
            Some(last) => Facts::new("last")
                .with("asked", said)
                .with("vaccine", Some(vaccine::spoken(last)).filter(|spoken| !spoken.eq_ignore_ascii_case(said)))
                .with("on", last.given)
                .with("times", of_kind.len())
                .with("source", &last.source)
                .with("elsewhere", source::beyond(&last.origin, last.source.as_deref(), now)),
            None => Facts::new("none_of").with("asked", said),
        };
    }
    // The newest of each, so that ten flu shots are one line.
    let mut newest: Vec<(String, &Immunization)> = Vec::new();
    let mut sorted: Vec<&Immunization> = all.iter().collect();
    sorted.sort_by_key(|i| std::cmp::Reverse(i.given));
    for shot in sorted {
        let name = vaccine::spoken(shot);
        if !newest.iter().any(|(before, _)| *before == name) {
            newest.push((name, shot));
        }
    }
    if newest.is_empty() {
        return Facts::new("none");
    }
    let told = |(name, shot): &(String, &Immunization)| serde_json::json!({ "vaccine": name, "on": shot.given });
    let from = if from < newest.len() { from } else { 0 };
    let next = newest.iter().skip(from).take(NAMED);
    Facts::new("list")
        .with("count", newest.len())
        .with("sources", source::grouped(next.map(|(name, shot)| (name.as_str(), &shot.origin)), now))
        .in_breaths("shots", newest.iter().map(told).collect(), NAMED, from)
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    fn shot(vaccine: &str, year: i16) -> Immunization {
        Immunization {
            vaccine: vaccine.into(),
            codes: vec![],
            given: date(year, 10, 1),
            source: None,
            origin: crate::records::Origin::default(),
        }
    }

    #[test]
    fn the_last_of_a_kind_and_each_kind_once() {
        let all = [shot("Influenza, seasonal", 2025), shot("Tdap", 2019), shot("Influenza, seasonal", 2024)];
        let last = immunizations(&all, Some("flu"), 0, Timestamp::UNIX_EPOCH);
        assert_eq!(
            (last.reply.as_str(), &last.values["on"], &last.values["times"]),
            ("last", &"2025-10-01".into(), &2.into())
        );
        assert!(last.values["vaccine"].is_null(), "not said twice");
        assert_eq!(immunizations(&all, Some("tetanus"), 0, Timestamp::UNIX_EPOCH).values["vaccine"], "Tdap");
        assert_eq!(immunizations(&all, Some("shingles"), 0, Timestamp::UNIX_EPOCH).reply, "none_of");
        let list = immunizations(&all, None, 0, Timestamp::UNIX_EPOCH);
        assert_eq!((list.reply.as_str(), &list.values["count"]), ("list", &2.into()));
        assert_eq!(immunizations(&[], None, 0, Timestamp::UNIX_EPOCH).reply, "none");
    }
}
