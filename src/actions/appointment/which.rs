//! Which of the person's visits is meant. Pure.

use jiff::{Timestamp, tz::TimeZone};

use super::{
    super::{text, when},
    is_provider,
    times::{Wish, starts},
};
use crate::{
    nlu::Slots,
    records::{Visit, specialty, visit_kind},
};

/// The slot that names a visit by its day, or holds the one that was picked.
pub const VISIT: &str = "appointment";

/// Most visits that are told when asking which.
const MOST: usize = 5;

/// The visits that are meant.
pub enum Which {
    /// This one is to come.
    One(Box<Visit>),
    /// One of these is to come; the first few of them.
    Several(Vec<Visit>),
    /// The one that is meant is over.
    Past(Box<Visit>),
    /// The one that is meant was called off.
    Off(Box<Visit>),
    /// There is none like that.
    None,
}

/// By what a visit is told from others.
#[derive(Default)]
pub struct Asked<'a> {
    picked: Option<&'a str>,
    day: Option<Wish>,
    provider: Option<&'a str>,
    specialty: Option<&'a str>,
    what: Option<&'a str>,
}

impl<'a> Asked<'a> {
    /// As the slots tell it.
    pub fn of(slots: &'a Slots) -> Self {
        Self {
            picked: text(slots, VISIT),
            day: when(slots, VISIT).and_then(|day| Wish::of(Some(day), None)),
            provider: text(slots, "provider"),
            specialty: text(slots, "specialty"),
            what: text(slots, "what"),
        }
    }

    /// Whether anything was said by which it is told.
    pub const fn says_something(&self) -> bool {
        self.picked.is_some()
            || self.day.is_some()
            || self.provider.is_some()
            || self.specialty.is_some()
            || self.what.is_some()
    }

    /// Whether this one may be meant.
    pub fn fits(&self, visit: &Visit, zone: &TimeZone) -> bool {
        if let Some(id) = self.picked {
            return visit.id == id;
        }
        let day = self.day.is_none_or(|wish| {
            let slot = crate::records::OpenSlot { start: visit.start, zone: visit.zone.clone(), ..Default::default() };
            wish.fits(&slot, zone)
        });
        let with = |said: &str| {
            visit.provider.as_deref().is_some_and(|p| is_provider(p, said))
                || visit.specialty.as_deref().is_some_and(|s| specialty::same(s, said))
        };
        let what = self.what.is_none_or(|kind| visit_kind::is_for(visit, kind));
        day && what && self.provider.is_none_or(with) && self.specialty.is_none_or(with)
    }
}

/// Finds the visit that is meant.
pub fn which(visits: &[Visit], asked: &Asked<'_>, now: Timestamp, zone: &TimeZone) -> Which {
    let mut fitting: Vec<&Visit> = visits.iter().filter(|v| asked.fits(v, zone)).collect();
    fitting.sort_by_key(|v| starts(v, zone).timestamp());
    let coming: Vec<&Visit> = fitting.iter().copied().filter(|v| v.booked && v.start > now).collect();
    match coming.as_slice() {
        [one] => return Which::One(Box::new((*one).clone())),
        [_, ..] => return Which::Several(coming.into_iter().take(MOST).cloned().collect()),
        [] => {}
    }
    if !asked.says_something() {
        return Which::None;
    }
    let off = fitting.iter().find(|v| !v.booked && v.start > now);
    let past = fitting.iter().rev().find(|v| v.booked && v.start <= now);
    match (off, past) {
        (Some(off), _) => Which::Off(Box::new((*off).clone())),
        (None, Some(past)) => Which::Past(Box::new((*past).clone())),
        (None, None) => Which::None,
    }
}

#[cfg(test)]
mod tests {
    use super::{super::times::samples::visit, *};
    use crate::nlu::When;
    use jiff::civil::date;

    #[test]
    fn a_visit_is_told_by_day_provider_and_specialty() {
        let zone = TimeZone::get("America/New_York").expect("known");
        let now: Timestamp = "2026-12-01T15:00:00Z".parse().expect("a time");
        let heart = |v: Visit| Visit { specialty: Some("cardiology".into()), ..v };
        let visits = [
            visit("past", "2026-11-20T15:00:00Z", "Dr. Samuel Okafor"),
            visit("a", "2026-12-04T15:00:00Z", "Dr. Samuel Okafor"),
            heart(visit("b", "2026-12-10T15:00:00Z", "Dr. Anita Patel")),
            heart(visit("late", "2026-12-12T03:00:00Z", "Dr. Anita Patel")),
            Visit { booked: false, ..visit("off", "2026-12-15T15:00:00Z", "Dr. Zoe Stranger") },
        ];
        let on = |day| {
            let day = Some(date(2026, 12, day));
            Wish::of(Some(When { from: day, to: day, after: None, before: None }), None)
        };
        let told = |asked: Asked<'_>| match which(&visits, &asked, now, &zone) {
            Which::One(v) => v.id,
            Which::Several(all) => all.iter().map(|v| v.id.as_str()).collect::<Vec<_>>().join(" "),
            Which::Past(v) => format!("over: {}", v.id),
            Which::Off(v) => format!("off: {}", v.id),
            Which::None => "none".into(),
        };
        let empty = Asked::default;
        #[rustfmt::skip]
        let table = [
            (empty(),                                                          "a b late"),
            (Asked { day: on(4), ..empty() },                                  "a"),
            // Ten in the evening of the eleventh, on the clock on the wall.
            (Asked { day: on(11), ..empty() },                                 "late"),
            (Asked { provider: Some("doctor Okafor"), ..empty() },             "a"),
            (Asked { specialty: Some("cardiologist"), ..empty() },             "b late"),
            (Asked { specialty: Some("cardiology"), day: on(10), ..empty() },  "b"),
            (Asked { what: Some("MRI"), ..empty() },                           "none"),
            (Asked { what: Some("cardiology"), ..empty() },                    "b late"),
            (Asked { picked: Some("past"), ..empty() },                        "over: past"),
            (Asked { provider: Some("Dr. Zoe Stranger"), ..empty() },          "off: off"),
            (Asked { provider: Some("Dr. Nobody"), ..empty() },                "none"),
            (Asked { day: on(9), ..empty() },                                  "none"),
        ];
        for (n, (asked, want)) in table.into_iter().enumerate() {
            assert_eq!(told(asked), want, "line {n}");
        }
        assert!(matches!(which(&visits[..1], &empty(), now, &zone), Which::None));
    }
}
