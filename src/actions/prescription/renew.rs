//! `prescription.renew`: asks the pharmacy or the prescriber for more.

use jiff::{Timestamp, ToSpan, civil::Date, tz::TimeZone};

use super::{
    super::{
        ActionError, Change, Facts, Outcome, Pass, Plan, Renewal, RenewalState, Route, Setting, of_a_person, permit,
        text,
    },
    Which, doubt, pharmacy,
    status::{latest_renewal, under_way},
    which,
};
use crate::{
    nlu::Slots,
    policy::{Effect, Floor, Permit, Scope},
    records::{DispenseStage, Prescription},
};

/// Changes the person's prescriptions.
pub const FLOOR: Floor = of_a_person(Effect::Change, Scope::Medicines);

pub async fn run(pass: Pass, slots: &Slots, setting: &Setting<'_>) -> Result<Outcome, ActionError> {
    let permit = permit(pass)?;
    let (all, renewals) = known(&permit, setting).await?;
    if let Some(ask) = doubt(&all, slots, setting.channel) {
        return Ok(ask);
    }
    let said = text(slots, "medicine").unwrap_or_default();
    Ok(match which(&all, said) {
        Which::One(p) => read_back(p, &advice(p, &renewals, setting.now, setting.zone)),
        Which::Several(ask) => ask,
        Which::None(answer) => answer,
    })
}

/// After "yes": the same question again, in case something moved in between.
pub async fn perform(permit: Permit, id: &str, agreed: Route, setting: &Setting<'_>) -> Result<Outcome, ActionError> {
    let (all, renewals) = known(&permit, setting).await?;
    let Some(p) = all.iter().find(|p| p.id == id) else { return Ok(Outcome::Answer(Facts::new("gone"))) };
    let now = advice(p, &renewals, setting.now, setting.zone);
    let chosen = setting.records.chosen_pharmacy(permit.subject()).await?.reveal(&permit)?;
    Ok(match now {
        Advice::Ask { route, .. } if route == agreed => done(p, route, pharmacy::of(p, chosen.as_ref())),
        other => read_back(p, &other),
    })
}

async fn known(permit: &Permit, setting: &Setting<'_>) -> Result<(Vec<Prescription>, Vec<Renewal>), ActionError> {
    let all = setting.records.prescriptions(permit.subject()).await?.reveal(permit)?;
    let renewals = setting.records.renewals(permit.subject()).await?.reveal(permit)?;
    Ok((all, renewals))
}

/// What can be done about more of a medicine.
#[derive(Debug, PartialEq, Eq)]
enum Advice {
    /// Paused by the prescriber.
    OnHold,
    /// No longer to be taken.
    Stopped,
    /// Another organization's: nobody here can fill it.
    Elsewhere,
    /// Asked for already.
    AlreadyOpen { state: RenewalState, asked: Timestamp },
    /// A filling is under way.
    AlreadyFilling { stage: &'static str, pharmacy: Option<String> },
    /// There is enough left; the first day it can be filled again.
    TooSoon { on: Date },
    /// Can be asked for.
    Ask { route: Route, why: Why },
}

/// Why a renewal takes the way it takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Why {
    RefillsLeft,
    NoneLeft,
    Expired,
    Controlled,
    Unknown,
}

impl Why {
    const fn name(self) -> &'static str {
        match self {
            Self::RefillsLeft => "refills_left",
            Self::NoneLeft => "none_left",
            Self::Expired => "expired",
            Self::Controlled => "controlled",
            Self::Unknown => "unknown",
        }
    }
}

fn advice(p: &Prescription, renewals: &[Renewal], now: Timestamp, zone: &TimeZone) -> Advice {
    let today = now.to_zoned(zone.clone()).date();
    if p.origin.elsewhere() {
        return Advice::Elsewhere;
    }
    if !p.active {
        return if p.on_hold { Advice::OnHold } else { Advice::Stopped };
    }
    if let Some(r) = latest_renewal(p, renewals).filter(|r| r.state.open()) {
        return Advice::AlreadyOpen { state: r.state, asked: r.requested };
    }
    if let Some(d) = p.dispenses.first()
        && let Some(stage) = under_way(d)
    {
        return Advice::AlreadyFilling { stage, pharmacy: d.pharmacy.clone() };
    }
    if let Some(on) = earliest(p, zone).filter(|on| *on > today) {
        return Advice::TooSoon { on };
    }
    let ask = |route, why| Advice::Ask { route, why };
    if p.controlled {
        return ask(Route::Prescriber, Why::Controlled);
    }
    if p.valid_until.is_some_and(|until| until < today) {
        return ask(Route::Prescriber, Why::Expired);
    }
    match p.refills_left {
        Some(0) => ask(Route::Prescriber, Why::NoneLeft),
        Some(_) => ask(Route::Pharmacy, Why::RefillsLeft),
        None => ask(Route::Prescriber, Why::Unknown),
    }
}

/// The first day a pharmacy fills it again: when three quarters of the last filling are used up, which is
/// what pharmacies and insurers commonly go by. `None` where the last filling or its length is not on record.
fn earliest(p: &Prescription, zone: &TimeZone) -> Option<Date> {
    let last = p.dispenses.iter().find(|d| matches!(d.stage, DispenseStage::PickedUp | DispenseStage::Delivered))?;
    let days = i64::from(last.days_supply.or(p.days_supply)?);
    let handed_over = last.at?.to_zoned(zone.clone()).date();
    handed_over.checked_add((days * 3 + 3).div_euclid(4).days()).ok()
}

/// Replies: `confirm` (route, why, refills, prescriber), `already_open`, `already_filling`, `too_soon`,
/// `stopped`, `on_hold`, `elsewhere` (from).
fn read_back(p: &Prescription, advice: &Advice) -> Outcome {
    let about = |reply: &str| {
        Facts::new(reply)
            .with("medicine", &p.medicine)
            .with("strength", &p.strength)
            .with("prescriber", &p.prescriber)
            .with("refills", p.refills_left)
    };
    match advice {
        Advice::OnHold => Outcome::Answer(about("on_hold")),
        Advice::Elsewhere => Outcome::Answer(about("elsewhere").with("from", &p.origin.organization)),
        Advice::Stopped => Outcome::Answer(about("stopped")),
        Advice::AlreadyOpen { state, asked } => {
            Outcome::Answer(about("already_open").with("state", state).with("asked", asked))
        }
        Advice::AlreadyFilling { stage, pharmacy } => {
            Outcome::Answer(about("already_filling").with("stage", stage).with("pharmacy", pharmacy))
        }
        Advice::TooSoon { on } => Outcome::Answer(about("too_soon").with("on", on)),
        Advice::Ask { route, why } => Outcome::Confirm {
            facts: about("confirm").with("route", route).with("why", why.name()),
            plan: Plan::Renew { prescription: p.id.clone(), medicine: p.medicine.clone(), route: *route },
        },
    }
}

/// Replies: `done` (route, pharmacy), and `already_open` when another request was quicker.
fn done(p: &Prescription, route: Route, pharmacy: Option<String>) -> Outcome {
    let about = |reply: &str| {
        Facts::new(reply).with("medicine", &p.medicine).with("strength", &p.strength).with("prescriber", &p.prescriber)
    };
    Outcome::Done {
        facts: about("done").with("route", route).with("pharmacy", &pharmacy),
        changes: vec![Change::Renew {
            prescription: p.id.clone(),
            medicine: p.medicine.clone(),
            strength: p.strength.clone(),
            prescriber: p.prescriber.clone(),
            pharmacy,
            route,
        }],
        conflict: about("conflict"),
    }
}

#[cfg(test)]
mod tests {
    use super::{
        super::samples::{filled, prescription, renewal, reply},
        *,
    };
    use crate::records::Dispense;

    fn zone() -> TimeZone {
        TimeZone::get("America/New_York").expect("known")
    }

    fn at(text: &str) -> Timestamp {
        text.parse().expect("a time")
    }

    fn picked_up(on: &str, days: u32) -> Prescription {
        let dispense = Dispense { at: Some(at(on)), days_supply: Some(days), ..filled(DispenseStage::PickedUp) };
        Prescription { dispenses: vec![dispense], ..prescription("l1", "lisinopril") }
    }

    fn from_elsewhere() -> Prescription {
        let origin = crate::records::Origin { organization: Some("Mercy Hospital".into()), ..Default::default() };
        Prescription { origin, ..prescription("m/1", "lisinopril") }
    }

    #[test]
    fn every_advice() {
        let now = at("2026-11-20T15:00:00Z");
        let bare = || prescription("l1", "lisinopril");
        let renewal = |state| {
            let asked = at("2026-11-18T10:00:00Z");
            Renewal { requested: asked, updated: asked, ..renewal("l1", state) }
        };
        let filling = |stage| Prescription { dispenses: vec![filled(stage)], ..bare() };
        let open = |state| Advice::AlreadyOpen { state, asked: at("2026-11-18T10:00:00Z") };
        let ask = |route, why| Advice::Ask { route, why };
        let soon = |on: Date| Advice::TooSoon { on };
        use jiff::civil::date;
        #[rustfmt::skip]
        let table: Vec<(Prescription, Option<RenewalState>, Advice)> = vec![
            (bare(),                                                       None, ask(Route::Pharmacy, Why::RefillsLeft)),
            (Prescription { refills_left: Some(0), ..bare() },             None, ask(Route::Prescriber, Why::NoneLeft)),
            (Prescription { refills_left: None, ..bare() },                None, ask(Route::Prescriber, Why::Unknown)),
            (Prescription { valid_until: Some(date(2026, 11, 19)), ..bare() }, None, ask(Route::Prescriber, Why::Expired)),
            (Prescription { valid_until: Some(date(2026, 11, 20)), ..bare() }, None, ask(Route::Pharmacy, Why::RefillsLeft)),
            (Prescription { controlled: true, ..bare() },                  None, ask(Route::Prescriber, Why::Controlled)),
            (from_elsewhere(),                                             None, Advice::Elsewhere),
            (Prescription { active: false, ..bare() },                     None, Advice::Stopped),
            (Prescription { active: false, on_hold: true, ..bare() },      None, Advice::OnHold),
            (bare(), Some(RenewalState::Requested),                              open(RenewalState::Requested)),
            (bare(), Some(RenewalState::PrescriberAsked),                        open(RenewalState::PrescriberAsked)),
            (bare(), Some(RenewalState::Filled),                                 open(RenewalState::Filled)),
            (bare(), Some(RenewalState::Delivered),                              ask(Route::Pharmacy, Why::RefillsLeft)),
            // A controlled one is the prescriber's whatever is left or over, and still not asked for twice or too soon.
            (Prescription { controlled: true, refills_left: Some(0), valid_until: Some(date(2026, 11, 1)), ..bare() },
                None, ask(Route::Prescriber, Why::Controlled)),
            (Prescription { controlled: true, ..picked_up("2026-11-10T15:00:00Z", 30) }, None, soon(date(2026, 12, 3))),
            (Prescription { controlled: true, ..bare() }, Some(RenewalState::PrescriberAsked), open(RenewalState::PrescriberAsked)),
            // Run out comes before none left; what was stopped is not asked for, whatever is left.
            (Prescription { refills_left: Some(0), valid_until: Some(date(2026, 11, 1)), ..bare() }, None, ask(Route::Prescriber, Why::Expired)),
            (Prescription { active: false, refills_left: Some(9), ..bare() }, Some(RenewalState::Requested), Advice::Stopped),
            (bare(), Some(RenewalState::Shipped),                                open(RenewalState::Shipped)),
            (bare(), Some(RenewalState::Denied),                                 ask(Route::Pharmacy, Why::RefillsLeft)),
            (bare(), Some(RenewalState::PickedUp),                               ask(Route::Pharmacy, Why::RefillsLeft)),
            (filling(DispenseStage::Ready),                                None, Advice::AlreadyFilling { stage: "ready", pharmacy: None }),
            (filling(DispenseStage::Cancelled),                            None, ask(Route::Pharmacy, Why::RefillsLeft)),
            // 30 days: again from the 23rd day on.
            (picked_up("2026-11-10T15:00:00Z", 30),                        None, soon(date(2026, 12, 3))),
            (picked_up("2026-10-28T15:00:00Z", 30),                        None, ask(Route::Pharmacy, Why::RefillsLeft)),
            (picked_up("2026-10-29T15:00:00Z", 30),                        None, soon(date(2026, 11, 21))),
            // Handed over late in the evening of the 28th, by the clock on the wall.
            (picked_up("2026-10-29T02:30:00Z", 30),                        None, ask(Route::Pharmacy, Why::RefillsLeft)),
        ];
        for (n, (p, r, want)) in table.into_iter().enumerate() {
            let renewals: Vec<Renewal> = r.map(renewal).into_iter().collect();
            assert_eq!(advice(&p, &renewals, now, &zone()), want, "line {n}");
        }
    }

    #[test]
    fn a_change_is_read_back_first_and_then_exactly_that_is_done() {
        let p = prescription("l1", "lisinopril");
        let outcome = read_back(&p, &Advice::Ask { route: Route::Pharmacy, why: Why::RefillsLeft });
        assert_eq!(reply(&outcome), "confirm confirm");
        let Outcome::Confirm { plan: Plan::Renew { prescription, route, .. }, .. } = outcome else {
            panic!("a renewal")
        };
        assert_eq!((prescription.as_str(), route), ("l1", Route::Pharmacy));
        let Outcome::Done { changes, conflict, .. } = done(&p, route, None) else { panic!("done") };
        assert_eq!(conflict.reply, "conflict");
        assert!(matches!(&changes[..], [Change::Renew { prescription, .. }] if prescription == "l1"));
    }
}
