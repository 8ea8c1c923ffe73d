//! `appointment.book`: offers at most three real free times, reads the chosen one back, books it.

use jiff::{Timestamp, ToSpan, civil::Date, tz::TimeZone};

use super::{
    super::{ActionError, Change, Choice, Facts, Outcome, Pass, Plan, Setting, of_a_person, permit, text, when},
    is_provider,
    times::{Wish, clashes, local, offer},
};
use crate::{
    nlu::{SlotValue, Slots},
    policy::{Effect, Floor, Permit, Scope},
    records::{OpenSlot, Provider, SlotQuery, Visit, specialty},
};

/// Changes the person's visits.
pub const FLOOR: Floor = of_a_person(Effect::Change, Scope::Visits);

/// How far ahead other times are looked for, in days.
const AHEAD: i32 = 60;

/// Most free times looked at in one go.
const LOOKED_AT: usize = 500;

/// The slot that holds the chosen free time.
const PICKED: &str = "slot";

pub async fn run(pass: Pass, slots: &Slots, setting: &Setting<'_>) -> Result<Outcome, ActionError> {
    let permit = permit(pass)?;
    let Some(wish) = Wish::of(when(slots, "date"), when(slots, "time")) else {
        return Ok(Outcome::Ask { slot: "date".into(), facts: Facts::new("ask_date"), options: vec![] });
    };
    let desk = Desk::open(&permit, slots, setting).await?;
    Ok(desk.answer(&wish, text(slots, PICKED)))
}

/// After "yes". Looks at the schedule once more; who comes too late is offered other times at once.
pub async fn perform(
    permit: Permit,
    slot: OpenSlot,
    reason: Option<String>,
    setting: &Setting<'_>,
) -> Result<Outcome, ActionError> {
    let day = local(&slot, setting.zone).date();
    let wish = Wish { from: day, to: day, window: None };
    let mut desk = Desk::open(&permit, &Slots::new(), setting).await?;
    desk.provider = Some(slot.provider.clone());
    desk.free.retain(|s| s.provider == slot.provider);
    let still_free = desk.free.iter().any(|s| s.id == slot.id && s.start == slot.start);
    if !still_free {
        return Ok(desk.offer_others(&wish, "taken"));
    }
    Ok(Outcome::Done {
        facts: about("done", &slot).with("reason", &reason),
        conflict: about("conflict", &slot),
        changes: vec![Change::Book { slot, reason }],
    })
}

/// What a booking is decided on.
struct Desk<'a> {
    now: Timestamp,
    zone: &'a TimeZone,
    /// Whom it should be with, by full name.
    provider: Option<String>,
    /// What was said where it is nobody who can be booked.
    unknown: Option<String>,
    reason: Option<String>,
    /// Every free time ahead that fits provider and specialty and clashes with nothing.
    free: Vec<OpenSlot>,
}

impl<'a> Desk<'a> {
    async fn open(permit: &Permit, slots: &Slots, setting: &Setting<'a>) -> Result<Self, ActionError> {
        let records = setting.records;
        let care_team = records.providers(permit.subject()).await?.reveal(permit)?;
        let visits = records.visits(permit.subject()).await?.reveal(permit)?;
        let query = SlotQuery {
            from: setting.now,
            until: setting.now + jiff::SignedDuration::from_hours(24 * i64::from(AHEAD)),
            provider: None,
            specialty: None,
            limit: LOOKED_AT,
        };
        let free = records.free_slots(query).await?;
        Ok(Self::of(setting.now, setting.zone, slots, &care_team, &visits, free))
    }

    fn of(
        now: Timestamp,
        zone: &'a TimeZone,
        slots: &Slots,
        care_team: &[Provider],
        visits: &[Visit],
        free: Vec<OpenSlot>,
    ) -> Self {
        let reason = text(slots, "reason").map(str::to_owned);
        let said = text(slots, "provider");
        let wanted = text(slots, "specialty");
        let is_wanted = |s: &OpenSlot| match (said, wanted) {
            (Some(said), _) => is_provider(&s.provider, said),
            (None, Some(wanted)) => s.specialty.as_deref().is_some_and(|s| specialty::same(s, wanted)),
            (None, None) => true,
        };
        let mut fitting: Vec<OpenSlot> = free.into_iter().filter(is_wanted).collect();
        // "A doctor" is one of one's own, where one of them has time.
        let own = |s: &OpenSlot| care_team.iter().any(|p| p.name == s.provider);
        if said.is_none() && fitting.iter().any(own) {
            fitting.retain(own);
        }
        let mut names: Vec<&str> = fitting.iter().map(|s| s.provider.as_str()).collect();
        names.sort_unstable();
        names.dedup();
        let on_team = || said.and_then(|said| care_team.iter().find(|p| is_provider(&p.name, said)));
        let provider = match (said, names.as_slice()) {
            (Some(_), [one]) => Some((*one).to_owned()),
            (Some(_), _) => on_team().map(|p| p.name.clone()),
            (None, _) => None,
        };
        let unknown = said.filter(|_| provider.is_none() && names.is_empty()).map(str::to_owned);
        fitting.retain(|s| s.start > now && !clashes(s, visits));
        Self { now, zone, provider, unknown, reason, free: fitting }
    }

    /// Replies: `unknown_provider`, `past`, and those of [`Desk::choose`].
    fn answer(&self, wish: &Wish, picked: Option<&str>) -> Outcome {
        if let Some(said) = &self.unknown {
            return Outcome::Answer(Facts::new("unknown_provider").with("provider", said));
        }
        if let Some(id) = picked {
            return match self.free.iter().find(|s| s.id == id) {
                Some(slot) => self.confirm(slot),
                None => self.offer_others(wish, "taken"),
            };
        }
        if wish.span(self.now, self.zone).is_none() {
            let facts = Facts::new("past").with("day", wish.to);
            return Outcome::Ask { slot: "date".into(), facts, options: vec![] };
        }
        self.choose(wish)
    }

    /// One time that fits is read back; several are offered. Replies: `confirm`, `offer`, `none_then`, `none`.
    fn choose(&self, wish: &Wish) -> Outcome {
        let fitting: Vec<OpenSlot> = self.free.iter().filter(|s| wish.fits(s, self.zone)).cloned().collect();
        match fitting.as_slice() {
            [] => self.offer_others(wish, "none_then"),
            [one] => self.confirm(one),
            _ => self.ask("offer", wish, offer(fitting, self.zone)),
        }
    }

    /// Times near those asked for: the same day, then after it, then before it.
    fn offer_others(&self, wish: &Wish, reply: &str) -> Outcome {
        let day = |s: &OpenSlot| local(s, self.zone).date();
        let later = wish.to.checked_add(14.days()).unwrap_or(Date::MAX);
        let among = |fits: &dyn Fn(Date) -> bool| -> Vec<OpenSlot> {
            self.free.iter().filter(|s| fits(day(s))).cloned().collect()
        };
        let near =
            [among(&|d| (wish.from..=wish.to).contains(&d)), among(&|d| d > wish.to && d <= later), among(&|_| true)];
        match near.into_iter().find(|slots| !slots.is_empty()) {
            Some(slots) => self.ask(reply, wish, offer(slots, self.zone)),
            None => Outcome::Answer(Facts::new("none").with("provider", &self.provider)),
        }
    }

    fn ask(&self, reply: &str, wish: &Wish, slots: Vec<OpenSlot>) -> Outcome {
        let one_provider = slots.windows(2).all(|w| w[0].provider == w[1].provider);
        let provider = slots.first().filter(|_| one_provider).map(|s| s.provider.clone());
        let one_day = slots.windows(2).all(|w| local(&w[0], self.zone).date() == local(&w[1], self.zone).date());
        let option = |s: &OpenSlot| Choice {
            spoken: format!("{} {}", local(s, self.zone).strftime("%A %-I:%M %p"), s.provider),
            value: SlotValue::Text(s.id.clone()),
        };
        let told: Vec<_> = slots.iter().map(|s| serde_json::json!({"at": s.start, "provider": s.provider})).collect();
        Outcome::Ask {
            slot: PICKED.to_owned(),
            options: slots.iter().map(option).collect(),
            facts: Facts::new(reply)
                .with("options", told)
                .with("provider", provider)
                .with("wanted", wish.from)
                .with("day", slots.first().filter(|_| one_day).map(|s| local(s, self.zone).date())),
        }
    }

    fn confirm(&self, slot: &OpenSlot) -> Outcome {
        Outcome::Confirm {
            facts: about("confirm", slot).with("reason", &self.reason),
            plan: Plan::Book { slot: slot.clone(), reason: self.reason.clone() },
        }
    }
}

fn about(reply: &str, slot: &OpenSlot) -> Facts {
    Facts::new(reply)
        .with("at", slot.start)
        .with("provider", &slot.provider)
        .with("specialty", &slot.specialty)
        .with("place", &slot.place)
}

#[cfg(test)]
mod tests {
    use super::{
        super::{super::prescription::samples::reply, times::samples::slot},
        *,
    };
    use crate::nlu::{Slot, When};
    use jiff::civil::{date, time};

    fn zone() -> TimeZone {
        TimeZone::get("America/New_York").expect("known")
    }

    fn now() -> Timestamp {
        "2026-12-01T15:00:00Z".parse().expect("a time")
    }

    fn said(pairs: &[(&str, &str)]) -> Slots {
        let slot = |text: &str| Slot::new(text, SlotValue::Text(text.into()), 1.0);
        pairs.iter().map(|(name, text)| ((*name).to_owned(), slot(text))).collect()
    }

    fn on(day: i8) -> Wish {
        let day = date(2026, 12, day);
        Wish { from: day, to: day, window: None }
    }

    fn free() -> Vec<OpenSlot> {
        vec![
            slot("p1", "2026-12-03T14:00:00Z", "Dr. Anita Patel"),
            slot("p2", "2026-12-03T19:30:00Z", "Dr. Anita Patel"),
            slot("o1", "2026-12-03T15:00:00Z", "Dr. Samuel Okafor"),
            slot("o2", "2026-12-04T15:00:00Z", "Dr. Samuel Okafor"),
            slot("z1", "2026-12-03T16:00:00Z", "Dr. Zoe Stranger"),
        ]
    }

    fn desk<'a>(zone: &'a TimeZone, slots: &Slots, visits: &[Visit]) -> Desk<'a> {
        let member = |name: &str| Provider { name: name.into(), specialty: None, role: None };
        let team = [member("Dr. Anita Patel"), member("Dr. Samuel Okafor"), member("Dr. Lee Quiet")];
        Desk::of(now(), zone, slots, &team, visits, free())
    }

    fn ids(outcome: &Outcome) -> String {
        match outcome {
            Outcome::Ask { options, .. } => options
                .iter()
                .map(|o| match &o.value {
                    SlotValue::Text(id) => id.as_str(),
                    _ => "?",
                })
                .collect::<Vec<_>>()
                .join(" "),
            Outcome::Confirm { plan: Plan::Book { slot, .. }, .. } => slot.id.clone(),
            _ => String::new(),
        }
    }

    #[test]
    fn what_is_offered() {
        let zone = zone();
        let at = |hour| Wish { window: Some((time(hour, 0, 0, 0), time(hour, 0, 0, 0))), ..on(3) };
        let morning = Wish { window: Some((time(8, 0, 0, 0), time(12, 0, 0, 0))), ..on(3) };
        type Line = (&'static [(&'static str, &'static str)], Wish, &'static str, &'static str);
        #[rustfmt::skip]
        let table: Vec<Line> = vec![
            (&[("provider", "doctor Patel")],   on(3),     "ask offer",         "p1 p2"),
            (&[("provider", "Patel")],          morning,   "confirm confirm",   "p1"),
            (&[("provider", "Patel")],          at(16),    "ask none_then",     "p1 p2"),
            (&[("provider", "Patel")],          on(8),     "ask none_then",     "p1 p2"),
            (&[],                               on(3),     "ask offer",         "p1 o1 p2"),
            (&[],                               on(4),     "confirm confirm",   "o2"),
            (&[("provider", "Dr. Zoe Stranger")], on(3),   "confirm confirm",   "z1"),
            (&[("provider", "Dr. Nobody")],     on(3),     "unknown_provider",  ""),
            (&[("provider", "Dr. Lee Quiet")],  on(3),     "none",              ""),
            (&[],                               Wish { from: date(2026, 11, 30), to: date(2026, 11, 30), window: None }, "ask past", ""),
        ];
        for (n, (slots, wish, want, offered)) in table.into_iter().enumerate() {
            let outcome = desk(&zone, &said(slots), &[]).answer(&wish, None);
            assert_eq!((reply(&outcome).as_str(), ids(&outcome).as_str()), (want, offered), "line {n}");
        }
    }

    #[test]
    fn a_picked_time_is_read_back_and_a_lost_one_offers_others() {
        let zone = zone();
        let desk = desk(&zone, &said(&[("provider", "Patel"), ("reason", "my knee")]), &[]);
        let outcome = desk.answer(&on(3), Some("p2"));
        let Outcome::Confirm { facts, plan: Plan::Book { reason, .. } } = &outcome else { panic!("read back") };
        assert_eq!((facts.values["reason"].as_str(), reason.as_deref()), (Some("my knee"), Some("my knee")));
        let lost = desk.answer(&on(3), Some("gone"));
        assert_eq!((reply(&lost).as_str(), ids(&lost).as_str()), ("ask taken", "p1 p2"));
    }

    #[test]
    fn a_time_at_which_one_is_elsewhere_is_not_offered() {
        let zone = zone();
        let elsewhere = Visit {
            id: "v".into(),
            start: "2026-12-03T14:10:00Z".parse().expect("a time"),
            end: None,
            provider: None,
            specialty: None,
            place: None,
            reason: None,
            prepare: None,
            booked: true,
            origin: crate::records::Origin::default(),
        };
        let outcome = desk(&zone, &said(&[("provider", "Patel")]), &[elsewhere]).answer(&on(3), None);
        assert_eq!((reply(&outcome).as_str(), ids(&outcome).as_str()), ("confirm confirm", "p2"));
    }

    #[test]
    fn no_day_named_asks_for_one() {
        let only_time = When { from: None, to: None, after: Some(time(9, 0, 0, 0)), before: None };
        assert_eq!(Wish::of(None, Some(only_time)), None);
    }
}
