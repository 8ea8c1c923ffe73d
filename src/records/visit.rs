//! Visits and the free times they are made from: plain types, with what a schedule elsewhere needs to be told of a
//! change (its own ids and versions).

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::Origin;
use crate::policy::PersonId;

/// How a visit takes place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum VisitMode {
    /// At the clinic.
    #[default]
    InPerson,
    /// By video.
    Video,
    /// By telephone.
    Phone,
}

impl VisitMode {
    /// As the catalogue's list `visit_modes` and replies write it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::InPerson => "in person",
            Self::Video => "video",
            Self::Phone => "phone",
        }
    }

    /// The mode of that name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        [Self::InPerson, Self::Video, Self::Phone].into_iter().find(|mode| mode.name() == name)
    }
}

/// A visit past or to come.
#[derive(Clone, Default, Serialize, Deserialize)]
pub struct Visit {
    /// Its identifier: that of the Appointment where it came from, or of the booking here.
    pub id: String,
    /// When it starts.
    pub start: Timestamp,
    /// When it ends, where known.
    pub end: Option<Timestamp>,
    /// Whom it is with.
    pub provider: Option<String>,
    /// Their specialty.
    pub specialty: Option<String>,
    /// Where.
    pub place: Option<String>,
    /// What for.
    pub reason: Option<String>,
    /// What to do before it, in the clinic's words.
    pub prepare: Option<String>,
    /// Still on.
    pub booked: bool,
    /// How it takes place.
    #[serde(default)]
    pub mode: VisitMode,
    /// IANA zone of where it takes place; `None` where the speaker's holds.
    #[serde(default)]
    pub zone: Option<String>,
    /// The Slot it fills, where known: free again once the visit is called off.
    #[serde(default)]
    pub slot: Option<String>,
    /// `meta.versionId` of the Appointment, as it was read.
    #[serde(default)]
    pub version: Option<String>,
    /// When it was before it was moved or called off here. The chart is believed again once it tells another time.
    #[serde(default)]
    pub was: Option<Timestamp>,
    /// What is known of the person's coming to it.
    #[serde(default)]
    pub arrival: Option<Arrival>,
    /// Which of the person's sources it was fetched from.
    #[serde(default)]
    pub origin: Origin,
    /// Where it is kept here; `None` for one that only the chart knows.
    #[serde(skip)]
    pub kept: Option<KeptVisit>,
}

/// What somebody said of coming to a visit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Arrival {
    /// They are there; else they will be late.
    pub here: bool,
    /// By how many minutes, where they said so.
    pub minutes: Option<u32>,
    /// When they said so; `None` where the clinic wrote it down.
    pub at: Option<Timestamp>,
}

/// The row that holds a visit, as it was read: a change of it holds only where nothing changed it since.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptVisit {
    /// The row's id.
    pub row: String,
    /// How often it was changed.
    pub revision: i64,
}

/// A free time in a schedule. Nobody's data.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct OpenSlot {
    /// Its identifier: that of the Slot where it came from.
    pub id: String,
    /// When it starts.
    pub start: Timestamp,
    /// When it ends.
    pub end: Timestamp,
    /// Whose time it is: a person's, or a place's that names none.
    pub provider: String,
    /// Their specialty.
    pub specialty: Option<String>,
    /// Where.
    pub place: Option<String>,
    /// How the visit takes place.
    #[serde(default)]
    pub mode: VisitMode,
    /// IANA zone of the place; `None` where the speaker's holds.
    #[serde(default)]
    pub zone: Option<String>,
    /// `meta.versionId` of the Slot, as it was read.
    #[serde(default)]
    pub version: Option<String>,
    /// What takes part besides the patient, as the schedule refers to it: `Practitioner/1`, `Location/2`.
    #[serde(default)]
    pub actors: Vec<String>,
}

/// What is asked of the schedules.
#[derive(Debug, Clone)]
pub struct SlotQuery {
    /// Earliest start.
    pub from: Timestamp,
    /// Latest start, exclusive.
    pub until: Timestamp,
    /// Only this provider's, by full name.
    pub provider: Option<String>,
    /// Only this specialty's, by name.
    pub specialty: Option<String>,
    /// At most so many, earliest first.
    pub limit: usize,
    /// Who asks, and when: what is held for somebody else then is left out. `None`: whatever is not taken.
    pub held_for: Option<(PersonId, Timestamp)>,
}

/// The visits of a chart as they are after what was booked, moved and called off here.
pub(super) fn as_changed(chart: Vec<Visit>, here: Vec<Visit>) -> Vec<Visit> {
    // A chart imported again may bring a booking back under another id.
    let charted: Vec<(Timestamp, Option<String>)> = chart.iter().map(|v| (v.start, v.provider.clone())).collect();
    let mut all = chart;
    for visit in here {
        match all.iter_mut().find(|v| v.id == visit.id) {
            Some(v) if v.booked && visit.was == Some(v.start) => *v = visit,
            // The chart has moved on since: it is believed, and the next change goes over the same row.
            Some(v) => v.kept = visit.kept,
            None if charted.iter().any(|(start, with)| *start == visit.start && *with == visit.provider) => {}
            None => all.push(visit),
        }
    }
    all.sort_by(|a, b| (a.start, &a.id).cmp(&(b.start, &b.id)));
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    fn visit(id: &str, start: &str) -> Visit {
        let start = start.parse().expect("a time");
        Visit { id: id.into(), start, provider: Some("Dr. Anita Patel".into()), booked: true, ..Visit::default() }
    }

    fn kept(row: &str, visit: Visit) -> Visit {
        Visit { kept: Some(KeptVisit { row: row.into(), revision: 0 }), ..visit }
    }

    fn told(chart: &[Visit], here: &[Visit]) -> String {
        let told = |v: &Visit| {
            let row = v.kept.as_ref().map_or("-", |k| k.row.as_str());
            format!("{} {} {row}{}", v.id, v.start.strftime("%d"), if v.booked { "" } else { " off" })
        };
        as_changed(chart.to_vec(), here.to_vec()).iter().map(told).collect::<Vec<_>>().join(", ")
    }

    #[test]
    fn what_was_changed_here_stands_until_the_chart_tells_otherwise() {
        let a = visit("a", "2026-12-10T15:00:00Z");
        let moved = kept("h", Visit { was: Some(a.start), ..visit("a", "2026-12-14T15:00:00Z") });
        let off = kept("h", Visit { was: Some(a.start), booked: false, ..a.clone() });
        let own = kept("own", visit("own", "2026-12-12T15:00:00Z"));
        let elsewhere = visit("a", "2026-12-20T15:00:00Z");
        let back = visit("z", "2026-12-12T15:00:00Z");
        #[rustfmt::skip]
        let table = [
            (vec![a.clone()],                  vec![],                  "a 10 -"),
            (vec![a.clone()],                  vec![own.clone()],       "a 10 -, own 12 own"),
            (vec![a.clone()],                  vec![moved.clone()],     "a 14 h"),
            (vec![a.clone()],                  vec![off.clone()],       "a 10 h off"),
            (vec![elsewhere],                  vec![moved.clone()],     "a 20 h"),
            (vec![Visit { booked: false, ..a.clone() }], vec![moved],   "a 10 h off"),
            (vec![a, back],                    vec![own],               "a 10 -, z 12 -"),
        ];
        for (n, (chart, here, want)) in table.into_iter().enumerate() {
            assert_eq!(told(&chart, &here), want, "line {n}");
        }
    }
}
