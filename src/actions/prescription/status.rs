//! `prescription.status`: how far a prescription is, over the whole path: asked for, approved or denied,
//! being filled, ready, on its way, picked up.

use super::{
    super::{ActionError, Facts, Outcome, Pass, Renewal, RenewalState, Setting, of_a_person, permit, text},
    Which, doubt, which,
};
use crate::{
    nlu::Slots,
    policy::{Effect, Floor, Scope},
    records::{Dispense, DispenseStage, Prescription},
};

/// Reads the person's prescriptions.
pub const FLOOR: Floor = of_a_person(Effect::Read, Scope::Medicines);

/// Most prescriptions said in one breath.
const SAID: usize = 4;

pub async fn run(pass: Pass, slots: &Slots, setting: &Setting<'_>) -> Result<Outcome, ActionError> {
    let permit = permit(pass)?;
    let all = setting.records.prescriptions(permit.subject()).await?.reveal(&permit)?;
    let renewals = setting.records.renewals(permit.subject()).await?.reveal(&permit)?;
    if let Some(ask) = doubt(&all, slots, setting.channel) {
        return Ok(ask);
    }
    Ok(status(&all, &renewals, text(slots, "medicine")))
}

/// Replies: `which`, `not_listed`, the stages of [`of`], and without a medicine `several` or `nothing_moving`.
fn status(all: &[Prescription], renewals: &[Renewal], said: Option<&str>) -> Outcome {
    if let Some(said) = said {
        return match which(all, said) {
            Which::One(p) => Outcome::Answer(of(p, renewals)),
            Which::Several(ask) => ask,
            Which::None(answer) => answer,
        };
    }
    let moving: Vec<(&Prescription, Facts)> = all
        .iter()
        .filter(|p| p.active)
        .map(|p| (p, of(p, renewals)))
        .filter(|(_, f)| {
            matches!(
                f.reply.as_str(),
                "requested"
                    | "prescriber_asked"
                    | "approved"
                    | "filled"
                    | "in_progress"
                    | "dispense_on_hold"
                    | "ready"
                    | "shipped"
            )
        })
        .collect();
    Outcome::Answer(match moving.as_slice() {
        [] => Facts::new("nothing_moving"),
        [(_, facts)] => facts.clone(),
        several => {
            let items: Vec<_> = several
                .iter()
                .take(SAID)
                .map(|(p, f)| serde_json::json!({"medicine": p.medicine, "stage": f.reply}))
                .collect();
            Facts::new("several").with("items", items)
        }
    })
}

/// Where one prescription stands. Replies: `requested`, `prescriber_asked`, `approved`, `denied` (by, reason), `filled`,
/// `in_progress`, `dispense_on_hold`, `ready`, `shipped` (carrier, since, due), `delivered`, `picked_up`, `cancelled`,
/// `stopped`, `on_hold`, `no_fill`.
fn of(p: &Prescription, renewals: &[Renewal]) -> Facts {
    let renewal = latest_renewal(p, renewals);
    let dispense = p.dispenses.first();
    let moving = dispense.is_some_and(|d| under_way(d).is_some());
    let facts = match (renewal, dispense) {
        // What staff moved last is newer than a filling that was there before the request.
        (Some(r), d) if !moving && d.is_none_or(|d| d.at.is_none_or(|at| at <= r.updated)) => of_renewal(p, r),
        (Some(r), Some(d)) if d.at.is_none_or(|at| at < r.updated) && r.state != RenewalState::Requested => {
            of_renewal(p, r)
        }
        (_, _) if !p.active => Facts::new(if p.on_hold { "on_hold" } else { "stopped" }),
        (_, Some(d)) => of_dispense(p, d),
        (_, None) => Facts::new("no_fill"),
    };
    facts.with("medicine", &p.medicine).with("strength", &p.strength).with("prescriber", &p.prescriber)
}

/// The last renewal of this prescription.
pub(super) fn latest_renewal<'a>(p: &Prescription, renewals: &'a [Renewal]) -> Option<&'a Renewal> {
    renewals.iter().filter(|r| r.prescription == p.id).max_by_key(|r| r.requested)
}

/// The stage of a filling that is neither over nor cancelled.
pub(super) fn under_way(d: &Dispense) -> Option<&'static str> {
    match d.stage {
        DispenseStage::InProgress => Some("in_progress"),
        DispenseStage::OnHold => Some("dispense_on_hold"),
        DispenseStage::Ready => Some("ready"),
        DispenseStage::Shipped => Some("shipped"),
        DispenseStage::Delivered | DispenseStage::PickedUp | DispenseStage::Cancelled => None,
    }
}

fn of_renewal(p: &Prescription, r: &Renewal) -> Facts {
    // Where no pharmacy was asked by name, it is the one that filled it last.
    let last = p.dispenses.first().and_then(|d| d.pharmacy.as_ref());
    Facts::new(r.state.name())
        .with("asked", r.requested)
        .with("since", r.updated)
        .with("refills", None::<u32>)
        .with("by", &r.by)
        .with("reason", &r.reason)
        .with("carrier", &r.carrier)
        .with("due", r.due)
        .with("pharmacy", r.pharmacy.as_ref().or(last))
}

fn of_dispense(p: &Prescription, d: &Dispense) -> Facts {
    let reply = match d.stage {
        DispenseStage::PickedUp => "picked_up",
        DispenseStage::Delivered => "delivered",
        DispenseStage::Cancelled => "cancelled",
        _ => under_way(d).unwrap_or("in_progress"),
    };
    Facts::new(reply)
        .with("since", d.at)
        .with("refills", p.refills_left)
        .with("pharmacy", &d.pharmacy)
        .with("carrier", &d.carrier)
        .with("due", d.due)
}

#[cfg(test)]
mod tests {
    use super::{
        super::samples::{prescription, reply},
        *,
    };

    fn at(day: i8) -> jiff::Timestamp {
        jiff::civil::date(2026, 11, day).at(12, 0, 0, 0).to_zoned(jiff::tz::TimeZone::UTC).expect("a day").timestamp()
    }

    fn filled(stage: DispenseStage, day: i8) -> Prescription {
        let dispense = Dispense {
            at: Some(at(day)),
            pharmacy: Some("Oak Pharmacy".into()),
            ..super::super::samples::filled(stage)
        };
        Prescription { dispenses: vec![dispense], ..prescription("l1", "lisinopril") }
    }

    fn renewal(state: RenewalState, asked: i8, moved: i8) -> Renewal {
        Renewal { requested: at(asked), updated: at(moved), ..super::super::samples::renewal("l1", state) }
    }

    #[test]
    fn the_whole_path() {
        use DispenseStage as D;
        use RenewalState as R;
        let bare = prescription("l1", "lisinopril");
        let ended = Prescription { active: false, ..filled(D::PickedUp, 1) };
        let held = Prescription { active: false, on_hold: true, ..bare.clone() };
        #[rustfmt::skip]
        let table: Vec<(Prescription, Option<Renewal>, &str)> = vec![
            (bare.clone(),                 None,                              "no_fill"),
            (filled(D::InProgress, 9),     None,                              "in_progress"),
            (filled(D::OnHold, 9),         None,                              "dispense_on_hold"),
            (filled(D::Ready, 9),          None,                              "ready"),
            (filled(D::Shipped, 9),        None,                              "shipped"),
            (filled(D::PickedUp, 9),       None,                              "picked_up"),
            (filled(D::Cancelled, 9),      None,                              "cancelled"),
            (ended.clone(),                None,                              "stopped"),
            (held,                         None,                              "on_hold"),
            (bare.clone(),                 Some(renewal(R::Requested, 8, 8)), "requested"),
            (filled(D::PickedUp, 1),       Some(renewal(R::Requested, 8, 8)), "requested"),
            (filled(D::PickedUp, 1),       Some(renewal(R::Approved, 8, 9)),  "approved"),
            (filled(D::PickedUp, 1),       Some(renewal(R::Denied, 8, 9)),    "denied"),
            (filled(D::PickedUp, 1),       Some(renewal(R::PrescriberAsked, 8, 8)), "prescriber_asked"),
            (filled(D::PickedUp, 1),       Some(renewal(R::Filled, 8, 9)),    "filled"),
            (filled(D::PickedUp, 1),       Some(renewal(R::Delivered, 8, 9)), "delivered"),
            (filled(D::Delivered, 9),      None,                              "delivered"),
            (filled(D::PickedUp, 1),       Some(renewal(R::Shipped, 8, 9)),   "shipped"),
            (filled(D::PickedUp, 1),       Some(renewal(R::PickedUp, 8, 9)),  "picked_up"),
            // A chart imported after the request knows better.
            (filled(D::Ready, 12),         Some(renewal(R::Requested, 8, 8)), "ready"),
            (filled(D::PickedUp, 12),      Some(renewal(R::Approved, 8, 9)),  "picked_up"),
        ];
        for (n, (p, r, want)) in table.into_iter().enumerate() {
            assert_eq!(of(&p, &r.into_iter().collect::<Vec<_>>()).reply, want, "line {n}");
        }
    }

    #[test]
    fn without_a_medicine_what_is_moving_is_said() {
        let other = Prescription { id: "m1".into(), medicine: "metformin".into(), ..filled(DispenseStage::Shipped, 9) };
        let quiet = prescription("q", "atorvastatin");
        assert_eq!(reply(&status(std::slice::from_ref(&quiet), &[], None)), "nothing_moving");
        assert_eq!(reply(&status(&[quiet.clone(), other.clone()], &[], None)), "shipped");
        assert_eq!(reply(&status(&[quiet, other, filled(DispenseStage::Ready, 9)], &[], None)), "several");
        assert_eq!(reply(&status(&[], &[], Some("eliquis"))), "not_listed");
    }
}
