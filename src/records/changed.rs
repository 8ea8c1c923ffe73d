//! What changed at a record server between two looks, and what of it is news for the person. Pure.
//!
//! Invariants: what is news follows from how the record is now, compared with how it was at the last look, never from what a
//! server says about a change; so it is the same however often, and in whatever order, somebody says that there was one. A
//! result that a clinician tells first is no news before they did.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use super::{Chart, DispenseStage, LabResult, Prescription, Visit, sensitive, sensitive::Sensitivity};
use crate::{
    actions::{Facts, Notice, NoticeKind},
    policy::Scope,
    store::ChartKind,
};

/// A result or an order that is older than this is history that came in late, and no news.
const NEWS: SignedDuration = SignedDuration::from_hours(90 * 24);

/// How each thing of a part was at a look: by its id.
pub type Seen = BTreeMap<String, String>;

/// What a server is asked to say when it changes: each is one of its Subscriptions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Watched {
    /// Orders of medicines.
    Orders,
    /// Fillings of them.
    Fillings,
    /// Visits.
    Visits,
    /// Laboratory results.
    Results,
}

/// News, before it is kept.
pub struct News {
    /// What it is about and how that is now: the same news has the same name.
    pub name: String,
    /// The name of what was true before, and need not be told any more.
    pub instead_of: Option<String>,
    /// What is told.
    pub notice: Notice,
    /// The visit it is about, for whoever knows what was changed from here.
    pub visit: Option<VisitNow>,
}

/// How a visit is now.
pub struct VisitNow {
    /// Its id, and the values of its business identifiers.
    pub names: Vec<String>,
    /// When it starts; `None` where it is off.
    pub start: Option<Timestamp>,
}

impl Watched {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Orders, Self::Fillings, Self::Visits, Self::Results];

    /// Its name, where it is kept.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Orders => "orders",
            Self::Fillings => "fillings",
            Self::Visits => "visits",
            Self::Results => "results",
        }
    }

    /// The one of that name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.name() == name)
    }

    /// The kind of resource that changes, and what tells it from others of its kind.
    #[must_use]
    pub const fn resource(self) -> (&'static str, &'static str) {
        match self {
            Self::Orders => ("MedicationRequest", ""),
            Self::Fillings => ("MedicationDispense", ""),
            Self::Visits => ("Appointment", ""),
            Self::Results => ("Observation", "&category=laboratory"),
        }
    }

    /// The parts of the chart that it is read with.
    #[must_use]
    pub const fn parts(self) -> &'static [ChartKind] {
        match self {
            Self::Orders | Self::Fillings => &[ChartKind::Prescriptions],
            Self::Visits => &[ChartKind::Visits],
            Self::Results => &[ChartKind::Results],
        }
    }

    /// The part of the record that it belongs to.
    #[must_use]
    pub const fn scope(self) -> Scope {
        match self {
            Self::Orders | Self::Fillings => Scope::Medicines,
            Self::Visits => Scope::Visits,
            Self::Results => Scope::Records,
        }
    }

    /// How it is now.
    #[must_use]
    pub fn seen(self, chart: &Chart) -> Seen {
        match self {
            Self::Orders => chart.prescriptions.iter().map(|p| (p.id.clone(), order(p).to_owned())).collect(),
            Self::Fillings => chart.prescriptions.iter().filter_map(|p| Some((p.id.clone(), filling(p)?.1))).collect(),
            Self::Visits => chart.visits.iter().map(|v| (v.id.clone(), visit(v))).collect(),
            Self::Results => {
                let mut seen = Seen::new();
                for r in &chart.results {
                    // Two of one test at one time: both are known.
                    seen.entry(test(r)).and_modify(|all| *all = format!("{all}\n{}", result(r))).or_insert(result(r));
                }
                seen
            }
        }
    }

    /// What of it is news, compared with the last look.
    #[must_use]
    pub fn news(self, before: &Seen, chart: &Chart, now: Timestamp) -> Vec<News> {
        let found: Vec<(String, News)> = match self {
            Self::Orders => {
                of(&chart.prescriptions, before, |p| (p.id.clone(), order(p).to_owned()), |p, was| ordered(p, was, now))
            }
            Self::Fillings => of(
                chart.prescriptions.iter().filter(|p| !p.dispenses.is_empty()),
                before,
                |p| (p.id.clone(), filling(p).map(|(_, state)| state).unwrap_or_default()),
                |p, _| filled(p),
            ),
            Self::Visits => of(&chart.visits, before, |v| (v.id.clone(), visit(v)), |v, was| moved(v, was, now)),
            Self::Results => of(&chart.results, before, |r| (test(r), result(r)), |r, was| resulted(r, was, now)),
        };
        // Results of one panel are one piece of news.
        let mut news: Vec<News> = Vec::new();
        for (about, mut one) in found {
            one.name = format!("{} {}", self.name(), one.name);
            one.instead_of = one.instead_of.map(|state| format!("{} {about} {state}", self.name()));
            match news.iter_mut().find(|other| other.name == one.name) {
                Some(other) => other.notice.sensitive |= one.notice.sensitive,
                None => news.push(one),
            }
        }
        news
    }
}

/// What `tell` makes of each thing that is another way than it was before.
fn of<'a, T: 'a>(
    all: impl IntoIterator<Item = &'a T>,
    before: &Seen,
    state: impl Fn(&T) -> (String, String),
    tell: impl Fn(&T, Option<&str>) -> Option<Told>,
) -> Vec<(String, News)> {
    let mut news = Vec::new();
    for thing in all {
        let (id, now) = state(thing);
        let was = before.get(&id).map(String::as_str);
        if was.is_some_and(|was| was.split('\n').any(|known| known == now)) {
            continue;
        }
        let Some(Told { topic, sensitive, facts, name, visit }) = tell(thing, was) else { continue };
        let notice = Notice { kind: NoticeKind::RecordChanged, topic, sensitive, facts, next: None };
        let name = name.unwrap_or_else(|| format!("{id} {now}"));
        news.push((id, News { name, instead_of: was.map(str::to_owned), notice, visit }));
    }
    news
}

/// What is told of one thing.
struct Told {
    topic: Scope,
    sensitive: bool,
    facts: Facts,
    /// Where several things are one piece of news.
    name: Option<String>,
    visit: Option<VisitNow>,
}

const fn order(p: &Prescription) -> &'static str {
    match (p.active, p.on_hold) {
        (true, _) => "active",
        (false, true) => "paused",
        (false, false) => "ended",
    }
}

/// Reply: `notice_ordered` (medicine, prescriber), `notice_stopped` (medicine, paused).
fn ordered(p: &Prescription, was: Option<&str>, now: Timestamp) -> Option<Told> {
    let zone = jiff::tz::TimeZone::UTC;
    let written = p.written.and_then(|day| day.to_zoned(zone).ok()).map(|day| day.timestamp());
    let facts = match (was, order(p)) {
        (None, "active") if written.is_some_and(|at| now.duration_since(at) < NEWS) => {
            Facts::new("notice_ordered").with("prescriber", &p.prescriber)
        }
        (Some("active"), state @ ("paused" | "ended")) => {
            Facts::new("notice_stopped").with("paused", state == "paused")
        }
        (Some("paused"), "active") => Facts::new("notice_ordered").with("prescriber", &p.prescriber),
        _ => return None,
    };
    Some(medicine(p, facts))
}

/// The newest filling's stage, and that with when it was reached: a later filling is another one.
fn filling(p: &Prescription) -> Option<(DispenseStage, String)> {
    let newest = p.dispenses.first()?;
    let at = newest.at.map(|at| at.to_string()).unwrap_or_default();
    Some((newest.stage, format!("{:?} {at}", newest.stage)))
}

/// Replies: `notice_ready` (medicine, pharmacy), `notice_shipped` (medicine, carrier, due), `notice_not_filled` (medicine,
/// pharmacy).
fn filled(p: &Prescription) -> Option<Told> {
    let newest = p.dispenses.first()?;
    let facts = match newest.stage {
        DispenseStage::Ready => Facts::new("notice_ready").with("pharmacy", &newest.pharmacy),
        DispenseStage::Shipped => Facts::new("notice_shipped").with("carrier", &newest.carrier).with("due", newest.due),
        DispenseStage::Cancelled => Facts::new("notice_not_filled").with("pharmacy", &newest.pharmacy),
        DispenseStage::InProgress | DispenseStage::OnHold | DispenseStage::Delivered | DispenseStage::PickedUp => {
            return None;
        }
    };
    Some(medicine(p, facts))
}

fn medicine(p: &Prescription, facts: Facts) -> Told {
    let sensitive = sensitive::of_medicine(p) != Sensitivity::Ordinary;
    Told { topic: Scope::Medicines, sensitive, facts: facts.with("medicine", &p.medicine), name: None, visit: None }
}

fn visit(v: &Visit) -> String {
    if v.booked { v.start.to_string() } else { "off".to_owned() }
}

/// Replies: `notice_visit_moved` (provider, to), `notice_visit_off` (provider, start).
fn moved(v: &Visit, was: Option<&str>, now: Timestamp) -> Option<Told> {
    let was: Timestamp = was?.parse().ok()?;
    let facts = match v.booked {
        true if v.start > now => Facts::new("notice_visit_moved").with("to", v.start),
        false if was > now => Facts::new("notice_visit_off").with("start", was),
        _ => return None,
    };
    let values = v.origin.identifiers.iter().filter_map(|id| id.rsplit_once('|')).map(|(_, value)| value.to_owned());
    let names = std::iter::once(v.id.clone()).chain(values).collect();
    Some(Told {
        topic: Scope::Visits,
        sensitive: sensitive::of_visit(v) != Sensitivity::Ordinary,
        facts: facts.with("provider", &v.provider),
        name: None,
        visit: Some(VisitNow { names, start: v.booked.then_some(v.start) }),
    })
}

/// A test at a time.
fn test(r: &LabResult) -> String {
    format!("{} {}", r.test, r.taken)
}

/// What is not told yet has a state of its own, so that it is news once it may be.
fn result(r: &LabResult) -> String {
    if r.waits_for_clinician() {
        "held".to_owned()
    } else if r.preliminary {
        "preliminary".to_owned()
    } else {
        format!("{} {}", r.value, r.unit.as_deref().unwrap_or_default())
    }
}

/// Replies: `notice_result` (test), `notice_result_corrected` (test).
fn resulted(r: &LabResult, was: Option<&str>, now: Timestamp) -> Option<Told> {
    if r.waits_for_clinician() || r.preliminary || now.duration_since(r.taken) > NEWS {
        return None;
    }
    let told_of = r.panel.as_ref().unwrap_or(&r.test);
    let (reply, name) = match was {
        None | Some("held" | "preliminary") => ("notice_result", Some(format!("{told_of} {}", r.taken))),
        Some(_) => ("notice_result_corrected", None),
    };
    Some(Told {
        topic: Scope::Records,
        sensitive: sensitive::of_result(r) != Sensitivity::Ordinary,
        facts: Facts::new(reply).with("test", told_of),
        name,
        visit: None,
    })
}

#[cfg(test)]
mod tests;
