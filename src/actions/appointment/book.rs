//! `appointment.book`: offers at most three real free times, reads the chosen one back, books it.

use jiff::{Timestamp, tz::TimeZone};

use super::{
    super::{ActionError, Change, Choice, Facts, Outcome, Pass, Plan, Setting, of_a_person, permit, text},
    Known,
    desk::{Desk, Found, Wanted},
    known,
    reschedule::with_wishes,
    times::{Wish, local},
    told::{of_slot, offers},
};
use crate::{
    nlu::{SlotValue, Slots},
    policy::{Effect, Floor, Permit, Scope},
    records::OpenSlot,
};

/// Changes the person's visits.
pub const FLOOR: Floor = of_a_person(Effect::Change, Scope::Visits);

pub async fn run(pass: Pass, slots: &Slots, setting: &Setting<'_>) -> Result<Outcome, ActionError> {
    let permit = permit(pass)?;
    let known = known(&permit, setting, &Wanted::of(slots)).await?;
    Ok(answer(known, slots, setting.now, setting.zone))
}

fn answer(known: Known, slots: &Slots, now: Timestamp, zone: &TimeZone) -> Outcome {
    let wanted = Wanted::of(slots);
    let desk = Desk::of(now, zone, &wanted, &known.care_team, &known.visits, known.free);
    told(&desk, &wanted, text(slots, "reason"), zone)
}

/// Replies: `unknown_provider`, `which_provider` (names), `ask_date`, `past`, `confirm`, `none`, and those that offer times: `offer`,
/// `none_then`, `too_far`, `taken`, `no_mode`, `no_place`, `no_other`.
fn told(desk: &Desk<'_>, wanted: &Wanted, reason: Option<&str>, zone: &TimeZone) -> Outcome {
    let ask_date = |facts: Facts| Outcome::Ask { slot: "date".into(), facts, options: vec![] };
    match desk.find(wanted) {
        Found::Nobody(said) => Outcome::Answer(Facts::new("unknown_provider").with("provider", said)),
        Found::Which(names) => which_provider(&names),
        Found::NoDay => ask_date(Facts::new("ask_date")),
        Found::Past(day) => ask_date(Facts::new("past").with("day", day)),
        Found::Nothing => Outcome::Answer(Facts::new("none").with("provider", &desk.provider)),
        Found::Offer(reply, slots) => with_wishes(offers(reply, &slots, zone), wanted),
        Found::One(slot) => Outcome::Confirm {
            facts: of_slot("confirm", &slot).with("reason", reason),
            plan: Plan::Book { slot, reason: reason.map(str::to_owned) },
        },
    }
}

/// Asks which of those who go by the same name is meant.
fn which_provider(names: &[String]) -> Outcome {
    let option = |name: &String| Choice { spoken: name.clone(), value: SlotValue::Text(name.clone()) };
    Outcome::Ask {
        slot: "provider".into(),
        facts: Facts::new("which_provider").with("names", names),
        options: names.iter().map(option).collect(),
    }
}

/// After "yes". Looks at the schedule once more; who comes too late is offered other times at once.
pub async fn perform(
    permit: Permit,
    slot: OpenSlot,
    reason: Option<String>,
    setting: &Setting<'_>,
) -> Result<Outcome, ActionError> {
    let day = local(&slot, setting.zone).date();
    let wanted = Wanted {
        provider: Some(slot.provider.clone()),
        specialty: slot.specialty.clone(),
        wish: Some(Wish { from: day, to: day, window: None, half_open: false }),
        picked: Some(slot.id.clone()),
        ..Wanted::default()
    };
    let known = known(&permit, setting, &wanted).await?;
    let desk = Desk::of(setting.now, setting.zone, &wanted, &known.care_team, &known.visits, known.free);
    if !desk.has(&slot) {
        return Ok(match desk.find(&wanted) {
            Found::Offer(reply, slots) => with_wishes(offers(reply, &slots, setting.zone), &wanted),
            _ => Outcome::Answer(Facts::new("none").with("provider", &slot.provider)),
        });
    }
    Ok(Outcome::Done {
        facts: of_slot("done", &slot).with("reason", &reason),
        conflict: of_slot("conflict", &slot),
        changes: vec![Change::Book { slot, reason }],
    })
}

#[cfg(test)]
mod tests {
    use super::{
        super::{
            super::prescription::samples::reply,
            times::samples::{slot, visit},
        },
        *,
    };
    use crate::records::{Provider, Visit, VisitMode};
    use jiff::civil::{date, time};
    use proptest::prelude::*;

    fn zone() -> TimeZone {
        TimeZone::get("America/New_York").expect("known")
    }

    fn now() -> Timestamp {
        "2026-12-01T15:00:00Z".parse().expect("a time")
    }

    fn on(day: i8) -> Wish {
        let day = date(2026, 12, day);
        Wish { from: day, to: day, window: None, half_open: false }
    }

    fn with(provider: &str, wish: Wish) -> Wanted {
        let provider = Some(provider.to_owned()).filter(|p| !p.is_empty());
        Wanted { provider, wish: Some(wish), ..Wanted::default() }
    }

    fn free() -> Vec<OpenSlot> {
        let heart = |s: OpenSlot| OpenSlot { specialty: Some("cardiology".into()), ..s };
        vec![
            heart(slot("p1", "2026-12-03T14:00:00Z", "Dr. Anita Patel")),
            heart(slot("p2", "2026-12-03T19:30:00Z", "Dr. Anita Patel")),
            slot("o1", "2026-12-03T15:00:00Z", "Dr. Samuel Okafor"),
            slot("o2", "2026-12-04T15:00:00Z", "Dr. Samuel Okafor"),
            OpenSlot { mode: VisitMode::Video, ..slot("o3", "2026-12-07T15:00:00Z", "Dr. Samuel Okafor") },
            heart(slot("z1", "2026-12-03T16:00:00Z", "Dr. Zoe Stranger")),
            OpenSlot {
                specialty: Some("urgent care".into()),
                ..slot("u1", "2026-12-03T15:30:00Z", "Harbor Urgent Care")
            },
        ]
    }

    fn asked(wanted: &Wanted, visits: &[Visit]) -> Outcome {
        let zone = zone();
        let member = |name: &str| Provider {
            name: name.into(),
            specialty: None,
            role: None,
            origin: crate::records::Origin::default(),
        };
        let team = [member("Dr. Anita Patel"), member("Dr. Samuel Okafor"), member("Dr. Lee Quiet")];
        told(&Desk::of(now(), &zone, wanted, &team, visits, free()), wanted, Some("my knee"), &zone)
    }

    fn ids(outcome: &Outcome) -> String {
        let id = |value: &SlotValue| value.told();
        match outcome {
            Outcome::Ask { options, .. } => options.iter().map(|o| id(&o.value)).collect::<Vec<_>>().join(" "),
            Outcome::Confirm { plan: Plan::Book { slot, .. }, .. } => slot.id.clone(),
            _ => String::new(),
        }
    }

    #[test]
    fn what_is_offered() {
        let at = |hour| Wish { window: Some((time(hour, 0, 0, 0), time(hour, 0, 0, 0))), ..on(3) };
        let morning = Wish { window: Some((time(8, 0, 0, 0), time(12, 0, 0, 0))), ..on(3) };
        let nine = Wish { half_open: true, ..at(9) };
        let half_past_two = Wish { window: Some((time(2, 30, 0, 0), time(2, 30, 0, 0))), half_open: true, ..on(3) };
        let heart = |wanted: Wanted| Wanted { specialty: Some("cardiologist".into()), ..wanted };
        let by = |mode, wanted: Wanted| Wanted { mode: Some(mode), ..wanted };
        #[rustfmt::skip]
        let table = vec![
            (with("doctor Patel", on(3)),                "ask offer",         "p1 p2"),
            (with("Patel", morning),                     "confirm confirm",   "p1"),
            (with("Patel", at(16)),                      "ask none_then",     "p1 p2"),
            (with("Patel", on(8)),                       "ask none_then",     "p1 p2"),
            // Nine and half past two are when the clinic is open.
            (with("Patel", nine),                        "confirm confirm",   "p1"),
            (with("Patel", half_past_two),               "confirm confirm",   "p2"),
            (with("", on(3)),                            "ask offer",         "p1 o1 p2"),
            (with("", on(4)),                            "confirm confirm",   "o2"),
            (with("Dr. Zoe Stranger", on(3)),            "confirm confirm",   "z1"),
            (with("Dr. Nobody", on(3)),                  "unknown_provider",  ""),
            (with("Dr. Lee Quiet", on(3)),               "none",              ""),
            (with("", Wish { from: date(2026, 11, 30), to: date(2026, 11, 30), ..on(3) }), "ask past", ""),
            (Wanted::default(),                          "ask ask_date",      ""),
            (heart(with("", on(3))),                     "ask offer",         "p1 p2"),
            (by(VisitMode::Video, with("", on(7))),      "confirm confirm",   "o3"),
            (by(VisitMode::Video, with("", on(3))),      "ask none_then",     "o3"),
            (by(VisitMode::Phone, with("", on(3))),      "ask no_mode",       "p1 o1 p2"),
            (Wanted { place: Some("the moon".into()), ..with("", on(4)) }, "ask no_place", "o2"),
        ];
        for (n, (wanted, want, offered)) in table.into_iter().enumerate() {
            let outcome = asked(&wanted, &[]);
            assert_eq!((reply(&outcome).as_str(), ids(&outcome).as_str()), (want, offered), "line {n}");
        }
    }

    #[test]
    fn something_else_than_was_offered() {
        use super::super::desk::Other;
        let instead = |other, offered: &[&str], provider: &str, wish| Wanted {
            other: Some(other),
            offered: offered.iter().map(|id| (*id).to_owned()).collect(),
            ..with(provider, wish)
        };
        #[rustfmt::skip]
        let table = vec![
            (instead(Other::Earlier, &["p2"], "Patel", on(3)),              "confirm confirm", "p1"),
            (instead(Other::Earlier, &["o2"], "", on(4)),                   "ask offer",       "p1 o1 p2"),
            (instead(Other::Earlier, &["p1", "p2"], "Patel", on(3)),        "ask no_other",    "p1 p2"),
            (instead(Other::Later, &["p1", "o1"], "", on(3)),               "confirm confirm", "p2"),
            (instead(Other::Later, &["o2"], "", on(4)),                     "confirm confirm", "o3"),
            (instead(Other::AnotherDay, &["p1", "o1", "p2"], "", on(3)),    "ask offer",       "o2 o3"),
            (instead(Other::AnotherDay, &["o3"], "Okafor", on(7)),          "ask offer",       "o1 o2"),
            (instead(Other::SomebodyElse, &["p1", "p2"], "Patel", on(3)),   "confirm confirm", "z1"),
            (instead(Other::SomebodyElse, &["o2"], "Okafor", on(4)),        "ask no_other",    "o2"),
            (instead(Other::Soonest, &[], "Okafor", on(4)),                 "ask offer",       "o1 o2 o3"),
        ];
        for (n, (wanted, want, offered)) in table.into_iter().enumerate() {
            let outcome = asked(&wanted, &[]);
            assert_eq!((reply(&outcome).as_str(), ids(&outcome).as_str()), (want, offered), "line {n}");
        }
    }

    #[test]
    fn a_picked_time_is_read_back_and_a_lost_one_offers_others() {
        let picked = |id: &str| Wanted { picked: Some(id.into()), ..with("Patel", on(3)) };
        let outcome = asked(&picked("p2"), &[]);
        let Outcome::Confirm { facts, plan: Plan::Book { reason, .. } } = &outcome else { panic!("read back") };
        assert_eq!((facts.values["reason"].as_str(), reason.as_deref()), (Some("my knee"), Some("my knee")));
        let lost = asked(&picked("gone"), &[]);
        assert_eq!((reply(&lost).as_str(), ids(&lost).as_str()), ("ask taken", "p1 p2"));
    }

    #[test]
    fn a_time_at_which_one_is_elsewhere_is_not_offered() {
        let elsewhere = visit("v", "2026-12-03T14:10:00Z", "x");
        let outcome = asked(&with("Patel", on(3)), &[elsewhere]);
        assert_eq!((reply(&outcome).as_str(), ids(&outcome).as_str()), ("confirm confirm", "p2"));
    }

    fn any_slots() -> impl Strategy<Value = Vec<OpenSlot>> {
        // Half hours around the days on which clocks change in 2026, and times that are over.
        let starts = prop_oneof![1_772_928_000_i64..1_773_100_800, 1_793_404_800_i64..1_793_664_000];
        let one = (starts, 0..3_usize, 0..3_usize, 0..2_usize);
        prop::collection::vec(one, 0..40).prop_map(|all| {
            let providers = ["Dr. Anita Patel", "Dr. Samuel Okafor", "Dr. Zoe Stranger"];
            let zones = [None, Some("America/Los_Angeles"), Some("Pacific/Auckland")];
            all.into_iter()
                .enumerate()
                .map(|(n, (start, who, zone, mode))| {
                    let start = Timestamp::from_second(start / 1800 * 1800).expect("near");
                    OpenSlot {
                        id: format!("s{n}"),
                        start,
                        end: start + jiff::SignedDuration::from_mins(30),
                        provider: providers[who].into(),
                        zone: zones[zone].map(str::to_owned),
                        mode: [VisitMode::InPerson, VisitMode::Video][mode],
                        ..OpenSlot::default()
                    }
                })
                .collect()
        })
    }

    proptest! {
        /// Whatever is free and whatever was asked: three offers at most, in order, none over, all out of what is free
        /// and clashes with nothing, and those that are said to fit do.
        #[test]
        fn offers_keep_to_the_question(
            slots in any_slots(),
            day in 0..3_i32,
            length in 0..3_i32,
            hours in prop::option::of((0..24_i8, 0..24_i8)),
            half_open in any::<bool>(),
            autumn in any::<bool>(),
            elsewhere in 0..40_usize,
        ) {
            let zone = zone();
            let (now, first) = if autumn {
                ("2026-10-31T16:00:00Z", date(2026, 10, 31))
            } else {
                ("2026-03-07T16:00:00Z", date(2026, 3, 7))
            };
            let now: Timestamp = now.parse().expect("a time");
            let from = first.checked_add(jiff::ToSpan::days(day)).expect("near");
            let wish = Wish {
                from,
                to: from.checked_add(jiff::ToSpan::days(length)).expect("near"),
                window: hours.map(|(a, b)| (time(a, 0, 0, 0), time(b, 0, 0, 0))),
                half_open,
            };
            let wanted = with("", wish);
            let visits: Vec<Visit> =
                slots.get(elsewhere).map(|s| visit("v", &s.start.to_string(), "x")).into_iter().collect();
            let desk = Desk::of(now, &zone, &wanted, &[], &visits, slots.clone());
            let (reply, offered) = match desk.find(&wanted) {
                Found::One(slot) => ("offer", vec![slot]),
                Found::Offer(reply, slots) => (reply, slots),
                _ => ("", vec![]),
            };
            prop_assert!(offered.len() <= 3);
            prop_assert!(offered.windows(2).all(|w| w[0].start <= w[1].start));
            for slot in &offered {
                prop_assert!(slot.start > now && slots.iter().any(|s| s.id == slot.id));
                prop_assert!(!super::super::times::clashes(slot, &visits));
                let told = local(slot, &zone);
                let days = wish.from..=wish.to.tomorrow().expect("near");
                prop_assert!(reply != "offer" || (wish.fits(slot, &zone) && days.contains(&told.date())));
            }
            let fits = slots.iter().any(|s| s.start > now && wish.fits(s, &zone) && !super::super::times::clashes(s, &visits));
            prop_assert!(!fits || reply == "offer", "what fits is offered as fitting: {reply}");
        }
    }
}
