//! `appointment.waitlist`: somebody is told when an earlier time comes free.
//!
//! It is this program that watches the schedules: who waits is told the next time they speak, and takes the time or not as
//! they would any other. Whoever says yes first has it; there is no place in line, so none is told.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{
    super::{
        ActionError, Change, Facts, Next, Notice, NoticeKind, Outcome, Pass, Plan, Setting, of_a_person, permit, text,
    },
    Known,
    desk::{AHEAD, URGENT, Wanted},
    is_provider, known,
    told::{of_slot, of_visit, visits},
    which::{Asked, VISIT},
};
use crate::{
    nlu::{Slot, SlotValue, Slots},
    policy::{Effect, Floor, Permit, Scope},
    records::{OpenSlot, Visit, VisitMode, sensitive, specialty},
};

/// Changes what the person waits for.
pub const FLOOR: Floor = of_a_person(Effect::Change, Scope::Visits);

/// How long before it begins a time is no more offered: nobody is there at once.
const NOTICE: SignedDuration = SignedDuration::from_hours(1);

/// What somebody waits for.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Waiting {
    /// Its row's id; empty until it has one.
    #[serde(skip)]
    pub id: String,
    /// The visit that they would give for it; `None` where they have none.
    pub visit: Option<String>,
    /// With whom, by full name.
    pub provider: Option<String>,
    /// Of which specialty.
    pub specialty: Option<String>,
    /// How the visit takes place; `None` where any way will do.
    pub mode: Option<VisitMode>,
    /// Only times before this one.
    pub before: Timestamp,
    /// The zone of that visit's place.
    pub zone: Option<String>,
    /// Since when.
    pub since: Timestamp,
}

impl Waiting {
    /// Whether this is what they wait for.
    #[must_use]
    pub fn fits(&self, slot: &OpenSlot, now: Timestamp) -> bool {
        let with = match (&self.provider, &self.specialty) {
            (Some(provider), _) => slot.provider == *provider,
            (None, Some(wanted)) => slot.specialty.as_deref().is_some_and(|s| specialty::same(s, wanted)),
            (None, None) => false,
        };
        let urgent = slot.specialty.as_deref() == Some(URGENT);
        with && !urgent
            && self.mode.is_none_or(|mode| mode == slot.mode)
            && slot.start.duration_since(now) >= NOTICE
            && slot.start < self.before
    }

    /// The earliest that they wait for.
    #[must_use]
    pub fn first<'s>(&self, free: &'s [OpenSlot], now: Timestamp) -> Option<&'s OpenSlot> {
        free.iter().filter(|slot| self.fits(slot, now)).min_by_key(|slot| (slot.start, &slot.id))
    }

    /// What they are told of a time that came free.
    #[must_use]
    pub fn news(&self, slot: &OpenSlot) -> Notice {
        let told = [Some(&slot.provider), slot.specialty.as_ref(), slot.place.as_ref()];
        let care = sensitive::of_care(told.into_iter().flatten().map(String::as_str));
        Notice {
            kind: NoticeKind::EarlierTime,
            topic: Scope::Visits,
            sensitive: care != sensitive::Sensitivity::Ordinary,
            facts: of_slot("notice_earlier", slot).with("start", slot.start).with("has_visit", self.visit.is_some()),
            next: Some(self.take(slot)),
        }
    }

    /// What a yes to a free time runs: it is read back there.
    fn take(&self, slot: &OpenSlot) -> Next {
        let text = |name: &str, value: &str| (name.to_owned(), Slot::new("", SlotValue::Text(value.to_owned()), 1.0));
        let picked = text("slot", &slot.id);
        match &self.visit {
            Some(visit) => {
                Next { intent: "appointment.reschedule".into(), slots: Slots::from([picked, text(VISIT, visit)]) }
            }
            None => {
                let with = text("provider", &slot.provider);
                Next { intent: "appointment.book".into(), slots: Slots::from([picked, with]) }
            }
        }
    }

    /// As replies tell it: `provider`, `specialty`, `at` (of the visit they have), `zone`, `until` (where they have none).
    fn told(&self, reply: &str) -> Facts {
        let has_visit = self.visit.is_some();
        Facts::new(reply)
            .with("provider", &self.provider)
            .with("specialty", &self.specialty)
            .with("at", Some(self.before).filter(|_| has_visit))
            .with("until", Some(self.before).filter(|_| !has_visit))
            .with("zone", &self.zone)
    }

    fn listed(&self) -> Value {
        json!({ "provider": self.provider, "specialty": self.specialty, "since": self.since })
    }

    fn is_about(&self, provider: Option<&str>, said: Option<&str>) -> bool {
        provider.is_none_or(|said| self.provider.as_deref().is_some_and(|p| is_provider(p, said)))
            && said.is_none_or(|said| self.specialty.as_deref().is_some_and(|s| specialty::same(s, said)))
    }
}

pub async fn run(pass: Pass, slots: &Slots, setting: &Setting<'_>) -> Result<Outcome, ActionError> {
    let permit = permit(pass)?;
    let waiting = setting.records.waiting(permit.subject()).await?.reveal(&permit)?;
    let known = known(&permit, setting, &Wanted::of(slots)).await?;
    Ok(decide(&known, &waiting, slots, setting))
}

/// Replies: `on` (list), `not_on`, `confirm_leave` (list), and those of [`join`].
fn decide(known: &Known, waiting: &[Waiting], slots: &Slots, setting: &Setting<'_>) -> Outcome {
    let (provider, specialty) = (text(slots, "provider"), text(slots, "specialty"));
    let theirs: Vec<&Waiting> = waiting.iter().filter(|w| w.is_about(provider, specialty)).collect();
    let list = || theirs.iter().map(|w| w.listed()).collect::<Vec<_>>();
    match (text(slots, "want"), theirs.is_empty()) {
        (Some("leave"), true) => Outcome::Answer(Facts::new("not_on")),
        (Some("leave"), false) => Outcome::Confirm {
            facts: Facts::new("confirm_leave").with("list", list()),
            plan: Plan::LeaveWaitlist { ids: theirs.iter().map(|w| w.id.clone()).collect() },
        },
        (Some("know"), false) => Outcome::Answer(Facts::new("on").with("list", list())),
        _ => join(known, waiting, slots, setting),
    }
}

/// Replies: `which` (visits), `elsewhere` (organization), `ask_provider`, `unknown` (provider, specialty), `on` (list),
/// `free_now` (a time), `confirm` (what is waited for).
fn join(known: &Known, waiting: &[Waiting], slots: &Slots, setting: &Setting<'_>) -> Outcome {
    let asked = Asked::of(slots);
    let (now, zone) = (setting.now, setting.zone);
    let mut coming: Vec<Visit> =
        known.visits.iter().filter(|v| v.booked && v.start > now && asked.fits(v, zone)).cloned().collect();
    coming.sort_by_key(|v| v.start);
    let wanted = match coming.as_slice() {
        [one] if one.origin.elsewhere() => {
            return Outcome::Answer(of_visit("elsewhere", one).with("organization", &one.origin.organization));
        }
        [one] if one.provider.is_some() || one.specialty.is_some() => for_visit(one, now),
        [_, _, ..] if !asked.says_something() => return visits("which", VISIT, &coming, zone),
        // The next of several with whom was named.
        [first, _, ..] if !first.origin.elsewhere() => for_visit(first, now),
        _ => match without_visit(known, slots, now) {
            Ok(wanted) => wanted,
            Err(outcome) => return *outcome,
        },
    };
    let same = |w: &&Waiting| match (&w.visit, &wanted.visit) {
        (Some(a), Some(b)) => a == b,
        (None, None) => w.provider == wanted.provider && w.specialty == wanted.specialty,
        _ => false,
    };
    if let Some(there) = waiting.iter().find(same) {
        return Outcome::Answer(Facts::new("on").with("list", [there.listed()]));
    }
    match wanted.first(&known.free, now) {
        Some(slot) => Outcome::Offer {
            facts: of_slot("free_now", slot).with("has_visit", wanted.visit.is_some()),
            next: wanted.take(slot),
        },
        None => Outcome::Confirm { facts: wanted.told("confirm"), plan: Plan::JoinWaitlist { waiting: wanted } },
    }
}

fn for_visit(visit: &Visit, now: Timestamp) -> Waiting {
    Waiting {
        id: String::new(),
        visit: Some(visit.id.clone()),
        provider: visit.provider.clone(),
        specialty: visit.specialty.clone(),
        mode: Some(visit.mode),
        before: visit.start,
        zone: visit.zone.clone(),
        since: now,
    }
}

/// Whoever has no visit with them waits for any time, as far ahead as times are looked for.
fn without_visit(known: &Known, slots: &Slots, now: Timestamp) -> Result<Waiting, Box<Outcome>> {
    let (provider, said) = (text(slots, "provider"), text(slots, "specialty"));
    if provider.is_none() && said.is_none() {
        let facts = Facts::new("ask_provider");
        return Err(Box::new(Outcome::Ask { slot: "provider".into(), facts, options: vec![] }));
    }
    let names = || known.free.iter().map(|s| &s.provider).chain(known.care_team.iter().map(|p| &p.name));
    let specialties = known.free.iter().filter_map(|s| s.specialty.as_ref());
    let mut specialties = specialties.chain(known.care_team.iter().filter_map(|p| p.specialty.as_ref()));
    let provider_known = provider.and_then(|said| names().find(|name| is_provider(name, said)));
    let known_specialty = said.and_then(|said| specialties.find(|s| specialty::same(s, said)));
    if (provider.is_some() && provider_known.is_none()) || (provider.is_none() && known_specialty.is_none()) {
        let facts = Facts::new("unknown").with("provider", provider).with("specialty", said);
        return Err(Box::new(Outcome::Answer(facts)));
    }
    Ok(Waiting {
        id: String::new(),
        visit: None,
        provider: provider_known.cloned(),
        specialty: known_specialty.cloned(),
        mode: None,
        before: now.checked_add(SignedDuration::from_hours(24 * i64::from(AHEAD))).unwrap_or(Timestamp::MAX),
        zone: None,
        since: now,
    })
}

/// After "yes". Replies: `done` (what is waited for), `changed`.
pub async fn join_perform(permit: Permit, waiting: Waiting, setting: &Setting<'_>) -> Result<Outcome, ActionError> {
    let all = setting.records.visits(permit.subject()).await?.reveal(&permit)?;
    let still = |id: &String| all.iter().any(|v| v.id == *id && v.booked && v.start == waiting.before);
    if waiting.visit.as_ref().is_some_and(|id| !still(id)) {
        return Ok(Outcome::Answer(Facts::new("changed")));
    }
    Ok(Outcome::Done {
        facts: waiting.told("done"),
        conflict: Facts::new("changed"),
        changes: vec![Change::JoinWaitlist { waiting }],
    })
}

/// After "yes". Reply: `left`.
pub fn leave_perform(_permit: Permit, ids: Vec<String>) -> Outcome {
    Outcome::Done {
        facts: Facts::new("left"),
        conflict: Facts::new("changed"),
        changes: vec![Change::LeaveWaitlist { ids }],
    }
}

#[cfg(test)]
mod tests {
    use super::{super::times::samples::slot, *};

    fn at(text: &str) -> Timestamp {
        text.parse().expect("a time")
    }

    fn waiting() -> Waiting {
        Waiting {
            id: "w".into(),
            visit: Some("v".into()),
            provider: Some("Dr. Anita Patel".into()),
            specialty: Some("cardiology".into()),
            mode: Some(VisitMode::InPerson),
            before: at("2026-12-10T15:00:00Z"),
            zone: None,
            since: at("2026-12-01T15:00:00Z"),
        }
    }

    #[test]
    fn only_earlier_times_with_the_same_doctor_fit() {
        let now = at("2026-12-01T15:00:00Z");
        let heart = |s: OpenSlot| OpenSlot { specialty: Some("Cardiology".into()), ..s };
        let with = |start, provider| heart(slot("s", start, provider));
        let any = Waiting { visit: None, provider: None, mode: None, ..waiting() };
        #[rustfmt::skip]
        let table = [
            (waiting(),   with("2026-12-03T15:00:00Z", "Dr. Anita Patel"),  true),
            (waiting(),   with("2026-12-10T14:30:00Z", "Dr. Anita Patel"),  true),
            (waiting(),   with("2026-12-10T15:00:00Z", "Dr. Anita Patel"),  false),
            (waiting(),   with("2026-12-01T15:59:59Z", "Dr. Anita Patel"),  false),
            (waiting(),   with("2026-12-01T16:00:00Z", "Dr. Anita Patel"),  true),
            (waiting(),   with("2026-12-03T15:00:00Z", "Dr. Zoe Stranger"), false),
            (any.clone(), with("2026-12-03T15:00:00Z", "Dr. Zoe Stranger"), true),
            (any.clone(), slot("s", "2026-12-03T15:00:00Z", "Dr. Lee"),     false),
            (waiting(),   OpenSlot { mode: VisitMode::Video, ..with("2026-12-03T15:00:00Z", "Dr. Anita Patel") }, false),
            (any,         OpenSlot { specialty: Some(URGENT.into()), ..with("2026-12-03T15:00:00Z", "x") }, false),
        ];
        for (n, (waiting, slot, fits)) in table.into_iter().enumerate() {
            assert_eq!(waiting.fits(&slot, now), fits, "line {n}");
        }
        let free = [with("2026-12-04T15:00:00Z", "Dr. Anita Patel"), with("2026-12-03T15:00:00Z", "Dr. Anita Patel")];
        assert_eq!(waiting().first(&free, now).map(|s| s.start), Some(at("2026-12-03T15:00:00Z")));
    }

    #[test]
    fn a_yes_moves_the_visit_or_books_one() {
        let time = slot("s1", "2026-12-03T15:00:00Z", "Dr. Anita Patel");
        let told = |waiting: &Waiting| {
            let Some(Next { intent, slots }) = waiting.news(&time).next else { panic!("an offer") };
            let slots: Vec<String> = slots.iter().map(|(name, slot)| format!("{name}={}", slot.value.told())).collect();
            format!("{intent} {}", slots.join(" "))
        };
        assert_eq!(told(&waiting()), "appointment.reschedule appointment=v slot=s1");
        let none = Waiting { visit: None, ..waiting() };
        assert_eq!(told(&none), "appointment.book provider=Dr. Anita Patel slot=s1");
        assert!(!waiting().news(&time).sensitive);
        let protected = OpenSlot { specialty: Some("psychiatry".into()), ..time };
        assert!(waiting().news(&protected).sensitive, "what is protected is not said where others hear it");
    }
}
