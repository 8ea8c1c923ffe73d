//! `appointment.next`: the next visit.

use jiff::Timestamp;

use super::{
    super::{ActionError, Facts, Outcome, Pass, SPEAKABLE, Setting, of_a_person, permit, source, text},
    is_provider,
    told::of_visit,
};
use crate::{
    nlu::Slots,
    policy::{Effect, Floor, Scope},
    records::{Visit, specialty, visit_kind},
};

/// Reads the person's visits.
pub const FLOOR: Floor = of_a_person(Effect::Read, Scope::Visits);

pub async fn run(pass: Pass, slots: &Slots, setting: &Setting<'_>) -> Result<Outcome, ActionError> {
    let permit = permit(pass)?;
    let visits = setting.records.visits(permit.subject()).await?.reveal(&permit)?;
    Ok(Outcome::Answer(next(&visits, text(slots, "provider"), text(slots, "what"), setting.now)))
}

/// Replies: `next` (at, zone, provider, specialty, place, mode, reason, prepare, prepare_long, more, elsewhere), `none`,
/// `none_with` (provider), `none_for` (asked).
fn next(visits: &[Visit], with: Option<&str>, what: Option<&str>, now: Timestamp) -> Facts {
    let fits = |v: &Visit| match with {
        None => true,
        Some(said) => {
            v.provider.as_deref().is_some_and(|p| is_provider(p, said))
                || v.specialty.as_deref().is_some_and(|s| specialty::same(s, said))
        }
    };
    // One that has begun is still the next one until it is over.
    let coming = |v: &&Visit| v.booked && v.end.unwrap_or(v.start) > now;
    let mut found: Vec<&Visit> = visits.iter().filter(coming).filter(|v| fits(v)).collect();
    found.retain(|v| what.is_none_or(|kind| visit_kind::is_for(v, kind)));
    found.sort_by_key(|v| v.start);
    let (Some(v), more) = (found.first(), found.len().saturating_sub(1)) else {
        return match (what, with) {
            (Some(kind), _) => Facts::new("none_for").with("asked", kind),
            (None, Some(said)) => Facts::new("none_with").with("provider", said),
            (None, None) => Facts::new("none"),
        };
    };
    let long = v.prepare.as_deref().is_some_and(|p| p.chars().count() > SPEAKABLE);
    of_visit("next", v)
        .with("reason", &v.reason)
        .with("prepare", v.prepare.as_ref().filter(|_| !long))
        .with("prepare_long", long)
        .with("elsewhere", source::beyond(&v.origin, v.place.as_deref(), now))
        .with("more", more)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn visit(id: &str, start: &str, provider: &str) -> Visit {
        Visit {
            id: id.into(),
            start: start.parse().expect("a time"),
            provider: Some(provider.into()),
            specialty: Some("cardiology".into()),
            booked: true,
            ..Visit::default()
        }
    }

    #[test]
    fn the_next_one_that_is_still_on() {
        let now: Timestamp = "2026-11-20T15:00:00Z".parse().expect("a time");
        let past = visit("past", "2026-11-20T14:00:00Z", "Dr. Old");
        let running = Visit {
            end: Some("2026-11-20T15:30:00Z".parse().expect("a time")),
            ..visit("r", "2026-11-20T14:30:00Z", "Dr. Now")
        };
        let off = Visit { booked: false, ..visit("off", "2026-11-21T15:00:00Z", "Dr. Off") };
        let later = visit("later", "2026-12-03T19:30:00Z", "Dr. Anita Patel");
        let last = visit("last", "2026-12-09T19:30:00Z", "Dr. Samuel Okafor");
        let all = [last, past.clone(), later, off, running];
        let who = |f: Facts| (f.reply.clone(), f.values.get("provider").cloned().unwrap_or_default());
        let said = |reply: &str, provider: &str| (reply.to_owned(), serde_json::json!(provider));
        assert_eq!(who(next(&all, None, None, now)), said("next", "Dr. Now"));
        assert_eq!(who(next(&all, Some("doctor Okafor"), None, now)), said("next", "Dr. Samuel Okafor"));
        assert_eq!(who(next(&all, Some("Dr. Off"), None, now)), said("none_with", "Dr. Off"));
        assert_eq!(next(&all, Some("cardiologist"), None, now).values["more"], 2);
        let scan = Visit { reason: Some("MRI of left knee".into()), ..visit("s", "2026-12-12T19:30:00Z", "Dr. Ray") };
        let with_scan = [all.to_vec(), vec![scan]].concat();
        assert_eq!(who(next(&with_scan, None, Some("MRI"), now)), said("next", "Dr. Ray"));
        assert_eq!(next(&all, None, Some("MRI"), now).reply, "none_for");
        assert_eq!(next(&[past], None, None, now).reply, "none");
    }
}
