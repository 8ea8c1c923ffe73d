//! What a schedule has for somebody: one time to read back, at most three to choose from, or why there is none. Pure;
//! booking, moving and urgent care ask here.

use std::collections::BTreeSet;

use jiff::{Timestamp, ToSpan, civil::Date, tz::TimeZone};

use super::{
    super::{text, when, words},
    is_provider,
    times::{Wish, clashes, local, offer},
};
use crate::{
    nlu::Slots,
    records::{OpenSlot, Provider, Visit, VisitMode, specialty},
};

/// How far ahead times are looked for, in days.
pub const AHEAD: i32 = 60;

/// Most free times looked at in one go.
pub const LOOKED_AT: usize = 2_000;

/// Most people whose own free times are looked at beside the first of all.
pub const ASKED_FOR: usize = 20;

/// Days from which times are offered where the day itself has none.
const NEAREST: usize = 2;

/// The slot that holds the chosen free time.
pub const PICKED: &str = "slot";

/// What goes by this specialty is offered only where it was asked for.
pub const URGENT: &str = "urgent care";

/// What somebody wants instead of what they were offered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Other {
    /// The first there is.
    Soonest,
    /// Earlier.
    Earlier,
    /// Later.
    Later,
    /// On another day.
    AnotherDay,
    /// With somebody else.
    SomebodyElse,
    /// At another place.
    Elsewhere,
    /// Any other time.
    SomethingElse,
}

impl Other {
    /// As the catalogue's list `other_times` and replies write it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Soonest => "soonest",
            Self::Earlier => "earlier",
            Self::Later => "later",
            Self::AnotherDay => "another day",
            Self::SomebodyElse => "somebody else",
            Self::Elsewhere => "elsewhere",
            Self::SomethingElse => "something else",
        }
    }

    fn named(name: &str) -> Option<Self> {
        use Other::{AnotherDay, Earlier, Elsewhere, Later, SomebodyElse, SomethingElse, Soonest};
        let all = [Soonest, Earlier, Later, AnotherDay, SomebodyElse, Elsewhere, SomethingElse];
        all.into_iter().find(|other| other.name() == name)
    }
}

/// What was asked for.
#[derive(Default)]
pub struct Wanted {
    /// With whom.
    pub provider: Option<String>,
    /// Of which specialty.
    pub specialty: Option<String>,
    /// How.
    pub mode: Option<VisitMode>,
    /// Where.
    pub place: Option<String>,
    /// When.
    pub wish: Option<Wish>,
    /// Instead of what was offered.
    pub other: Option<Other>,
    /// The days on which it can't be.
    pub unwanted: Option<Wish>,
    /// The ids of what was offered.
    pub offered: BTreeSet<String>,
    /// The day was named after that.
    pub new_day: bool,
    /// The id of what was picked.
    pub picked: Option<String>,
}

impl Wanted {
    /// As the slots tell it.
    pub fn of(slots: &Slots) -> Self {
        let words = |name| text(slots, name).map(str::to_owned);
        Self {
            provider: words("provider"),
            specialty: words("specialty"),
            mode: text(slots, "mode").and_then(VisitMode::named),
            place: words("place"),
            wish: Wish::said(slots),
            other: text(slots, "other").and_then(Other::named),
            unwanted: Wish::of(when(slots, "unwanted"), None),
            offered: text(slots, "offered").unwrap_or_default().lines().map(str::to_owned).collect(),
            new_day: text(slots, "changed").is_some_and(|names| names.lines().any(|name| name == "date")),
            picked: words(PICKED),
        }
    }
}

impl Wanted {
    /// As the slots tell it, at urgent care.
    pub fn at_urgent_care(slots: &Slots) -> Self {
        Self { specialty: Some(URGENT.to_owned()), ..Self::of(slots) }
    }

    /// Whether that may be whom it should be with: as named, of the specialty, or one of one's own where nobody was named.
    pub fn may_be(&self, provider: &Provider, care_team: &[Provider]) -> bool {
        match (&self.provider, &self.specialty) {
            (Some(said), _) => is_provider(&provider.name, said),
            (None, Some(wanted)) => provider.specialty.as_deref().is_some_and(|own| specialty::same(own, wanted)),
            (None, None) => care_team.iter().any(|own| own.name == provider.name),
        }
    }
}

/// What the schedule has.
pub enum Found {
    /// Two or more go by the name that was said.
    Which(Vec<String>),
    /// The name that was said is nobody's who can be booked.
    Nobody(String),
    /// No day was named.
    NoDay,
    /// The day is over.
    Past(Date),
    /// One time, to be read back.
    One(OpenSlot),
    /// At most three, earliest first, and the reply that offers them.
    Offer(&'static str, Vec<OpenSlot>),
    /// Nothing at all.
    Nothing,
}

/// What is decided on.
pub struct Desk<'a> {
    now: Timestamp,
    zone: &'a TimeZone,
    /// Whom it should be with, by full name.
    pub provider: Option<String>,
    /// Those who go by what was said, where they are several.
    called: BTreeSet<String>,
    /// What was said where it is nobody who can be booked.
    unknown: Option<String>,
    /// Every free time ahead that fits whom it should be with.
    free: Vec<OpenSlot>,
    /// Every free time ahead.
    all: Vec<OpenSlot>,
}

impl<'a> Desk<'a> {
    /// `visits`: where the person will be; what clashes with one is not offered.
    pub fn of(
        now: Timestamp,
        zone: &'a TimeZone,
        wanted: &Wanted,
        care_team: &[Provider],
        visits: &[Visit],
        free: Vec<OpenSlot>,
    ) -> Self {
        let said = wanted.provider.as_deref();
        let is_urgent = |s: &OpenSlot| s.specialty.as_deref() == Some(URGENT);
        let wants_urgent = wanted.specialty.as_deref() == Some(URGENT);
        let is_wanted = |s: &OpenSlot| match (said, wanted.specialty.as_deref()) {
            (Some(said), _) => is_provider(&s.provider, said),
            (None, Some(wanted)) => s.specialty.as_deref().is_some_and(|s| specialty::same(s, wanted)),
            (None, None) => true,
        };
        let all: Vec<OpenSlot> = free.into_iter().filter(|s| is_urgent(s) == wants_urgent).collect();
        let mut fitting: Vec<OpenSlot> = all.iter().filter(|s| is_wanted(s)).cloned().collect();
        // "A doctor" is one of one's own, where one of them has time.
        let own = |s: &OpenSlot| care_team.iter().any(|p| p.name == s.provider);
        if said.is_none() && fitting.iter().any(own) {
            fitting.retain(own);
        }
        let names: BTreeSet<&str> = fitting.iter().map(|s| s.provider.as_str()).collect();
        let on_team = || said.and_then(|said| care_team.iter().find(|p| is_provider(&p.name, said)));
        let provider = match (said, names.first().filter(|_| names.len() == 1)) {
            (Some(_), Some(one)) => Some((*one).to_owned()),
            (Some(_), None) => on_team().map(|p| p.name.clone()),
            (None, _) => None,
        };
        let theirs = care_team.iter().map(|p| p.name.as_str());
        let called: BTreeSet<String> = match said {
            Some(said) => {
                theirs.filter(|p| is_provider(p, said)).chain(names.iter().copied()).map(str::to_owned).collect()
            }
            None => BTreeSet::new(),
        };
        let unknown = said.filter(|_| provider.is_none() && names.is_empty()).map(str::to_owned);
        let can_be = |s: &OpenSlot| s.start > now && !clashes(s, visits);
        let keep = |slots: Vec<OpenSlot>| slots.into_iter().filter(can_be).collect();
        Self { now, zone, provider, called, unknown, free: keep(fitting), all: keep(all) }
    }

    /// What there is for what was asked.
    pub fn find(&self, wanted: &Wanted) -> Found {
        if let Some(said) = &self.unknown {
            return Found::Nobody(said.clone());
        }
        if self.called.len() > 1 && wanted.picked.is_none() {
            return Found::Which(self.called.iter().cloned().collect());
        }
        let before = self.offered(wanted);
        let wish = self.wish(wanted, &before);
        if let Some(id) = &wanted.picked {
            return match self.all.iter().find(|s| s.id == *id) {
                Some(slot) => Found::One(slot.clone()),
                None => self.near(&self.how(wanted).1, wish, "taken"),
            };
        }
        let (reply, free) = self.how(wanted);
        if let Some(other) = wanted.other {
            let unwanted = |s: &OpenSlot| wanted.unwanted.is_some_and(|days| days.fits(s, self.zone));
            let free: Vec<OpenSlot> = free.into_iter().filter(|s| !unwanted(s)).collect();
            return self.instead(other, wish, &free, &before);
        }
        let Some(wish) = wish else { return Found::NoDay };
        if wish.span(self.now, self.zone).is_none() {
            return Found::Past(wish.to);
        }
        let fitting: Vec<OpenSlot> = free.iter().filter(|s| wish.fits(s, self.zone)).cloned().collect();
        match (fitting.as_slice(), reply) {
            ([], _) if wish.from > self.horizon() => self.near(&free, Some(wish), "too_far"),
            ([], _) => self.near(&free, Some(wish), reply.unwrap_or("none_then")),
            ([one], None) => Found::One(one.clone()),
            (_, reply) => self.offers(reply.unwrap_or("offer"), fitting),
        }
    }

    /// Those times that take place as asked, where there are any; else the reply that says that there are none.
    fn how(&self, wanted: &Wanted) -> (Option<&'static str>, Vec<OpenSlot>) {
        let narrowed = |slots: &[OpenSlot], fits: &dyn Fn(&OpenSlot) -> bool| -> Option<Vec<OpenSlot>> {
            let some: Vec<OpenSlot> = slots.iter().filter(|s| fits(s)).cloned().collect();
            Some(some).filter(|some| !some.is_empty())
        };
        let mut free = self.free.clone();
        let mut reply = None;
        if let Some(mode) = wanted.mode {
            match narrowed(&free, &|s| s.mode == mode) {
                Some(some) => free = some,
                None => reply = Some("no_mode"),
            }
        }
        if let Some(place) = &wanted.place {
            let said = words(place);
            let there = |s: &OpenSlot| {
                let name = words(s.place.as_deref().unwrap_or_default());
                !said.is_empty() && said.iter().all(|w| name.contains(w))
            };
            match narrowed(&free, &there) {
                Some(some) => free = some,
                None => reply = reply.or(Some("no_place")),
            }
        }
        (reply, free)
    }

    /// What was offered and is still free.
    fn offered(&self, wanted: &Wanted) -> Vec<OpenSlot> {
        let mut before: Vec<OpenSlot> = self.all.iter().filter(|s| wanted.offered.contains(&s.id)).cloned().collect();
        before.sort_by_key(|s| s.start);
        before
    }

    /// The last day that is looked at.
    fn horizon(&self) -> Date {
        let today = self.now.to_zoned(self.zone.clone()).date();
        today.checked_add(AHEAD.days()).unwrap_or(Date::MAX)
    }

    fn day(&self, slot: &OpenSlot) -> Date {
        local(slot, self.zone).date()
    }

    /// When it should be. Where the offers have left the day behind that was named first, and no other was named since,
    /// their days are meant: "another day", then "and in the afternoon?".
    fn wish(&self, wanted: &Wanted, before: &[OpenSlot]) -> Option<Wish> {
        let (Some(first), Some(last)) = (before.first(), before.last()) else { return wanted.wish };
        let (from, to) = (self.day(first), self.day(last));
        let Some(wish) = wanted.wish else { return Some(Wish { from, to, window: None, half_open: false }) };
        let left_behind = !before.iter().any(|s| (wish.from..=wish.to).contains(&self.day(s)));
        Some(if left_behind && !wanted.new_day { wish.on(from, to) } else { wish })
    }

    /// Instead of what was offered.
    fn instead(&self, other: Other, wish: Option<Wish>, free: &[OpenSlot], before: &[OpenSlot]) -> Found {
        let among = |slots: &[OpenSlot], fits: &dyn Fn(&OpenSlot) -> bool| -> Vec<OpenSlot> {
            slots.iter().filter(|s| fits(s)).cloned().collect()
        };
        let (Some(first), Some(last)) = (before.first(), before.last()) else {
            return self.offers("offer", free.to_vec());
        };
        let (from, to) = (self.day(first), self.day(last));
        let in_window = |s: &OpenSlot| wish.is_none_or(|w| w.on(Date::MIN, Date::MAX).fits(s, self.zone));
        let names: BTreeSet<&str> = before.iter().map(|s| s.provider.as_str()).collect();
        let places: BTreeSet<Option<&str>> = before.iter().map(|s| s.place.as_deref()).collect();
        let somebody = |s: &OpenSlot| !names.contains(s.provider.as_str()) && s.specialty == first.specialty;
        let elsewhere = |s: &OpenSlot| !places.contains(&s.place.as_deref());
        let near = |s: &OpenSlot| (from..=to).contains(&self.day(s));
        let later = to.checked_add(14.days()).unwrap_or(Date::MAX);
        let soon = |s: &OpenSlot| self.day(s) >= from && self.day(s) <= later;
        let tries: Vec<Vec<OpenSlot>> = match other {
            Other::Soonest => vec![among(free, &in_window), free.to_vec()],
            Other::Earlier => vec![
                among(free, &|s| s.start < first.start && self.day(s) == from),
                among(free, &|s| s.start < first.start),
            ],
            Other::Later => vec![
                among(free, &|s| s.start > last.start && self.day(s) == to),
                among(free, &|s| s.start > last.start),
            ],
            Other::AnotherDay => vec![
                among(free, &|s| self.day(s) > to && in_window(s)),
                among(free, &|s| self.day(s) > to),
                among(free, &|s| self.day(s) < from),
            ],
            Other::SomebodyElse => vec![
                among(&self.all, &|s| somebody(s) && near(s) && in_window(s)),
                among(&self.all, &|s| somebody(s) && soon(s)),
                among(&self.all, &somebody),
            ],
            Other::SomethingElse => {
                let other = |s: &OpenSlot| before.iter().all(|b| (b.start, &b.provider) != (s.start, &s.provider));
                vec![among(free, &|s| other(s) && near(s)), among(free, &|s| other(s) && soon(s)), among(free, &other)]
            }
            Other::Elsewhere => vec![
                among(free, &|s| elsewhere(s) && near(s) && in_window(s)),
                among(&self.all, &|s| elsewhere(s) && soon(s) && s.specialty == first.specialty),
            ],
        };
        match tries.into_iter().find(|slots| !slots.is_empty()) {
            Some(slots) if slots.len() == 1 => Found::One(slots[0].clone()),
            Some(slots) => self.offers("offer", slots),
            None => self.offers("no_other", before.to_vec()),
        }
    }

    /// Times near those asked for: the same day, then those of the days next to it, before or after.
    fn near(&self, free: &[OpenSlot], wish: Option<Wish>, reply: &'static str) -> Found {
        let Some(wish) = wish else { return self.offers(reply, free.to_vec()) };
        let away = |slot: &OpenSlot| {
            let day = self.day(slot);
            let (before, after) = ((wish.from - day).get_days(), (day - wish.to).get_days());
            before.max(after).max(0)
        };
        let mut days: Vec<i32> = free.iter().map(away).collect();
        days.sort_unstable();
        days.dedup();
        // The day itself alone, where it has any; else as many of the nearest as can be told.
        let most =
            if days.first() == Some(&0) { 0 } else { days.iter().copied().take(NEAREST).next_back().unwrap_or(0) };
        self.offers(reply, free.iter().filter(|slot| away(slot) <= most).cloned().collect())
    }

    fn offers(&self, reply: &'static str, slots: Vec<OpenSlot>) -> Found {
        if slots.is_empty() { Found::Nothing } else { Found::Offer(reply, offer(slots, self.zone)) }
    }

    /// Whether that time is still free.
    pub fn has(&self, slot: &OpenSlot) -> bool {
        self.all.iter().any(|s| s.id == slot.id && s.start == slot.start)
    }
}
