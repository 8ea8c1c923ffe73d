//! `record.visit_summary`: what the clinic wrote for the person about a visit, in its words.
//!
//! Invariant: whole paragraphs or nothing. Half a direction can mean its opposite, so what does not fit is pointed to.

use jiff::{Timestamp, tz::TimeZone};

use super::super::{
    ActionError, Facts, Outcome, Pass, SPEAKABLE, Setting, appointment::is_provider, of_a_person, permit, source, text,
    when,
};
use crate::{
    nlu::{Slots, When},
    policy::{Effect, Floor, Scope},
    records::VisitNote,
};

/// Reads the person's records.
pub const FLOOR: Floor = of_a_person(Effect::Read, Scope::Records);

pub async fn run(pass: Pass, slots: &Slots, setting: &Setting<'_>) -> Result<Outcome, ActionError> {
    let permit = permit(pass)?;
    let all = setting.records.notes(permit.subject()).await?.reveal(&permit)?;
    let facts = summary(&all, text(slots, "provider"), when(slots, "date"), setting.now, setting.zone);
    Ok(Outcome::Answer(facts))
}

/// Replies: `note` (at, provider, place, reason, by, words, more, elsewhere), `unwritten` (at, provider, place, reason, others,
/// elsewhere),
/// `none`, `none_such` (provider).
fn summary(all: &[VisitNote], with: Option<&str>, date: Option<When>, now: Timestamp, zone: &TimeZone) -> Facts {
    let by = |n: &&VisitNote| {
        with.is_none_or(|said| [&n.provider, &n.by].into_iter().flatten().any(|name| is_provider(name, said)))
    };
    let on = |n: &&VisitNote| {
        let day = n.at.to_zoned(zone.clone()).date();
        date.is_none_or(|d| d.from.is_none_or(|from| (from..=d.to.unwrap_or(from)).contains(&day)))
    };
    let Some(visit) = all.iter().filter(|n| n.at <= now).filter(by).filter(on).max_by_key(|n| n.at) else {
        return match with {
            None if date.is_none() => Facts::new("none"),
            with => Facts::new("none_such").with("provider", with),
        };
    };
    let about = |reply: &str| {
        Facts::new(reply)
            .with("at", visit.at)
            .with("provider", &visit.provider)
            .with("place", &visit.place)
            .with("reason", &visit.reason)
            .with("elsewhere", source::beyond(&visit.origin, visit.place.as_deref(), now))
    };
    match visit.words.as_deref().map(opening) {
        Some((words, more)) => about("note").with("by", &visit.by).with("words", words).with("more", more),
        None => about("unwritten").with("others", visit.others),
    }
}

/// The first paragraphs that can be said in one go, and whether there are more. Nothing where the first is too long.
fn opening(words: &str) -> (Option<String>, bool) {
    let mut said = String::new();
    for paragraph in words.lines() {
        if said.chars().count() + paragraph.chars().count() > SPEAKABLE {
            return (Some(said).filter(|s| !s.is_empty()), true);
        }
        if !said.is_empty() {
            said.push(' ');
        }
        said.push_str(paragraph);
        if !paragraph.ends_with(['.', '!', '?', ':', ';']) {
            said.push('.');
        }
    }
    (Some(said).filter(|s| !s.is_empty()), false)
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    fn note(at: &str, provider: &str, words: Option<&str>) -> VisitNote {
        VisitNote {
            at: at.parse().expect("a time"),
            provider: Some(provider.into()),
            place: None,
            reason: None,
            words: words.map(str::to_owned),
            by: None,
            others: true,
            origin: crate::records::Origin::default(),
        }
    }

    #[test]
    fn the_last_visit_or_the_one_that_was_meant() {
        let zone = TimeZone::get("America/New_York").expect("known");
        let now: Timestamp = "2026-12-01T15:00:00Z".parse().expect("a time");
        let all = [
            note("2026-12-20T15:00:00Z", "Dr. Future", Some("Not yet.")),
            note("2026-11-19T14:00:00Z", "Dr. Anita Patel", Some("Walk every day.")),
            note("2026-03-02T14:00:00Z", "Dr. Samuel Okafor", None),
        ];
        let day = |m, d| Some(When { from: Some(date(2026, m, d)), to: None, after: None, before: None });
        for (with, on, reply) in [
            (None, None, "note"),
            (Some("doctor Okafor"), None, "unwritten"),
            (Some("Dr. Nobody"), None, "none_such"),
            (None, day(3, 2), "unwritten"),
            (None, day(3, 3), "none_such"),
        ] {
            assert_eq!(summary(&all, with, on, now, &zone).reply, reply, "{with:?} {on:?}");
        }
        assert_eq!(summary(&all[..1], None, None, now, &zone).reply, "none");
    }

    #[test]
    fn whole_paragraphs_or_nothing() {
        let long = "x".repeat(SPEAKABLE);
        assert_eq!(opening("Rest\nDrink water."), (Some("Rest. Drink water.".into()), false));
        assert_eq!(opening(&format!("Rest.\n{long}")), (Some("Rest.".into()), true));
        assert_eq!(opening(&format!("{long}{long}\nRest.")), (None, true));
    }
}
