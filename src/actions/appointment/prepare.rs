//! `appointment.prepare`: what to do before a visit, in the clinic's own words and of that visit alone.

use jiff::{Timestamp, tz::TimeZone};

use super::{
    super::{ActionError, Facts, Outcome, Pass, SPEAKABLE, Setting, of_a_person, permit, text, words},
    told::of_visit,
    which::Asked,
};
use crate::{
    nlu::Slots,
    policy::{Effect, Floor, Scope},
    records::{Visit, visit_kind},
};

/// Reads the person's visits.
pub const FLOOR: Floor = of_a_person(Effect::Read, Scope::Visits);

pub async fn run(pass: Pass, slots: &Slots, setting: &Setting<'_>) -> Result<Outcome, ActionError> {
    let permit = permit(pass)?;
    let visits = setting.records.visits(permit.subject()).await?.reveal(&permit)?;
    let (asked, test) = (Asked::of(slots), text(slots, "test"));
    Ok(Outcome::Answer(prepare(&visits, &asked, test, setting.now, setting.zone)))
}

/// Replies: `prepare` (the visit, prepare, more), `long` (the visit), `nothing` (the visit), `none`, `none_such`,
/// `none_test` (test). What one visit asks for is never told for another.
fn prepare(visits: &[Visit], asked: &Asked<'_>, test: Option<&str>, now: Timestamp, zone: &TimeZone) -> Facts {
    let coming = |v: &&Visit| v.booked && v.end.unwrap_or(v.start) > now;
    let mut fitting: Vec<&Visit> = visits.iter().filter(coming).filter(|v| asked.fits(v, zone)).collect();
    if let Some(test) = test {
        fitting.retain(|v| names(v, test));
    }
    fitting.sort_by_key(|v| v.start);
    let with_words: Vec<&Visit> = fitting.iter().copied().filter(|v| v.prepare.is_some()).collect();
    let Some(visit) = with_words.first().or(fitting.first()) else {
        return match test {
            Some(test) => Facts::new("none_test").with("test", test),
            None if asked.says_something() => Facts::new("none_such"),
            None => Facts::new("none"),
        };
    };
    match visit.prepare.as_deref() {
        None => of_visit("nothing", visit),
        Some(long) if long.chars().count() > SPEAKABLE => of_visit("long", visit),
        Some(told) => of_visit("prepare", visit).with("prepare", told).with("more", with_words.len() > 1),
    }
}

/// Whether a visit is for a test of that name.
fn names(visit: &Visit, test: &str) -> bool {
    let said = words(test);
    let told = |text: &Option<String>| {
        let text = words(text.as_deref().unwrap_or_default());
        !said.is_empty() && said.iter().all(|w| text.contains(w))
    };
    visit_kind::is_for(visit, test) || told(&visit.reason) || told(&visit.prepare)
}

#[cfg(test)]
mod tests {
    use super::{super::times::samples::visit, *};
    use crate::nlu::{Slot, SlotValue};

    #[test]
    fn the_clinics_words_are_those_of_that_visit() {
        let zone = TimeZone::get("America/New_York").expect("known");
        let now: Timestamp = "2026-12-01T15:00:00Z".parse().expect("a time");
        let visits = [
            visit("a", "2026-12-04T15:00:00Z", "Dr. Samuel Okafor"),
            Visit {
                reason: Some("Colonoscopy".into()),
                prepare: Some("Clear liquids only.".into()),
                ..visit("b", "2026-12-10T15:00:00Z", "Dr. Anita Patel")
            },
            Visit { prepare: Some("Long. ".repeat(200)), ..visit("c", "2026-12-12T15:00:00Z", "Dr. Zoe Stranger") },
        ];
        let told = |name: &str, said: &str, test| {
            let slots = Slots::from([(name.to_owned(), Slot::new(said, SlotValue::Text(said.into()), 1.0))]);
            let facts = prepare(&visits, &Asked::of(&slots), test, now, &zone);
            let who = facts.values.get("provider").and_then(|p| p.as_str()).unwrap_or("-");
            format!("{} {who}", facts.reply)
        };
        assert_eq!(told("x", "", None), "prepare Dr. Anita Patel", "the first that has any, and it says which");
        assert_eq!(told("provider", "Okafor", None), "nothing Dr. Samuel Okafor");
        assert_eq!(told("provider", "Stranger", None), "long Dr. Zoe Stranger");
        assert_eq!(told("x", "", Some("colonoscopy")), "prepare Dr. Anita Patel");
        assert_eq!(told("x", "", Some("MRI")), "none_test -");
        assert_eq!(told("provider", "Nobody", None), "none_such -");
        assert_eq!(prepare(&[], &Asked::default(), None, now, &zone).reply, "none");
    }
}
