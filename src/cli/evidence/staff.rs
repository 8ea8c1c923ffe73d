//! Staff, with invented people: whom they see, glass they break, and who is told.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use super::{
    observe::{Scratch, found},
    seen::{Glass, Seen},
};
use crate::{
    config::AlertsConfig,
    policy::{CredentialId, DeviceId, NodeId, PersonId, RoomId, staff::Right, staff::Role, staff::StaffMember},
    records::Chart,
    staff::{AdmissionAsk, Alerts, Ask, Desk, FleetAsk, NotTold, Told, TrailAsk, Whom},
    store::{ImportOptions, NewStaffSession, ReviewRule},
};

const REASON: &str = "called to a quibblefall in another unit";
const HOUR: SignedDuration = SignedDuration::from_hours(1);

/// What each member of staff asks for at the desk, once for each right.
fn ask(right: Right, person: &PersonId) -> Ask {
    match right {
        Right::Board => Ask::Board,
        Right::Acknowledge => Ask::Acknowledge("none".into()),
        Right::Complete => Ask::Complete("none".into()),
        Right::SayBack => Ask::SayBack("none".into(), REASON.into()),
        Right::Duty => Ask::Duties,
        Right::SetDuty => Ask::TakeOffDuty("none".into()),
        Right::People => Ask::People,
        Right::Record => Ask::Record(person.clone()),
        Right::BreakGlass => Ask::ShutGlass(person.clone()),
        Right::Renewals => Ask::Renewals,
        Right::Fills => Ask::Fills,
        Right::Reviews => Ask::Reviews(false),
        Right::CloseReview => Ask::Settle("none".into(), REASON.into()),
        Right::CheckAudit => Ask::CheckAudit,
        Right::ExportAudit => Ask::ExportAudit,
        Right::SearchAudit => Ask::SearchAudit(TrailAsk::default()),
        Right::TellResults => Ask::ToldResult("none".into(), REASON.into()),
        Right::Fleet => Ask::Fleet(FleetAsk::Places),
        Right::ChangePlaces => Ask::Fleet(FleetAsk::RetirePlace(NodeId::fresh(Timestamp::UNIX_EPOCH, [0; 10]))),
        Right::ChangeDevices => Ask::Fleet(FleetAsk::Code(DeviceId::fresh(Timestamp::UNIX_EPOCH, [0; 10]))),
        Right::Admissions => Ask::Admissions(AdmissionAsk::Settle("none".into())),
        Right::ReadAdmissions => Ask::Admissions(AdmissionAsk::Read("none".into())),
        Right::Announce => Ask::Fleet(FleetAsk::EndAnnouncement("none".into())),
    }
}

/// Looks.
pub(super) async fn look(scratch: &Scratch, seen: &mut Seen, near: &Chart, far: &Chart) -> anyhow::Result<()> {
    let (store, now) = (scratch.app.store(), scratch.now);
    let room = RoomId::parse("evidence-unit")?;
    let options = ImportOptions { room: Some(room.clone()), ..ImportOptions::default() };
    let near = store.import(near, options, now).await?;
    let far = scratch.person(far, None, &[]).await?;
    let alerts = Arc::new(Alerts::new(&AlertsConfig::default())?);
    let desk = Desk::new(store.clone(), Arc::clone(&alerts), HOUR);
    let member = |name: &str, roles: &[Role]| {
        let member = CredentialId::parse(name);
        member.map(|member| StaffMember { member, roles: roles.to_vec(), rooms: vec![room.clone()] })
    };

    for role in Role::ALL.map(Some).into_iter().chain([None]) {
        let roles: Vec<Role> = role.into_iter().collect();
        let staff = member("evidence-swept", &roles)?;
        for right in Right::ALL {
            seen.staff.asked += 1;
            let refused = matches!(desk.answer(&staff, ask(right, &near), now).await, Err(NotTold::NoRight));
            if role.is_some_and(|role| crate::policy::staff::may(role, right)) {
                seen.staff.kept_out += usize::from(refused);
            } else {
                seen.staff.let_through += usize::from(!refused);
            }
        }
    }
    let nurse = member("evidence-nurse", &[Role::Nurse])?;
    let length = || async { store.audit_verify().await.map(|report| report.entries) };
    let before = length().await?;
    let own = desk.answer(&nurse, Ask::Record(near.clone()), now).await;
    seen.staff.own_unit = matches!(own, Ok(Told::Record(_)));
    seen.staff.rows = length().await? - before;
    let stranger = desk.answer(&nurse, Ask::Record(far.clone()), now).await;
    seen.staff.stranger_kept_out = matches!(stranger, Err(NotTold::BreakGlass));
    let (roles, rooms) = ([Role::Nurse], [room.clone()]);
    let (name, expires) = ("Quisby", now + HOUR + HOUR);
    let new = NewStaffSession { issuer: "i", subject: "evidence", name, roles: &roles, rooms: &rooms, expires };
    store.open_staff_session(&new, "evidence-session", now).await?;
    let idle = SignedDuration::from_mins(15);
    let then = store.staff_session("evidence-session", idle, true, now).await?.is_some();
    let after = store.staff_session("evidence-session", idle, true, now + idle + idle).await?.is_some();
    seen.staff.idle_ended = then && !after;

    seen.glass = glass(scratch, &desk, &nurse, &far).await?;
    let officer = member("evidence-officer", &[Role::PrivacyOfficer])?;
    let mut own_case = nurse.clone();
    own_case.roles.push(Role::PrivacyOfficer);
    if let Ok(Told::Reviews(queue)) = desk.answer(&officer, Ask::Reviews(false), now).await
        && let Some(review) = queue.reviews.iter().find(|review| review.reason.as_deref() == Some(REASON))
    {
        seen.glass.queued = true;
        let settle = || Ask::Settle(review.id.clone(), REASON.into());
        seen.glass.own_case_refused = matches!(desk.answer(&own_case, settle(), now).await, Err(NotTold::OwnCase));
        seen.glass.settled = desk.answer(&officer, settle(), now).await.is_ok();
    }
    seen.glass.alerted = alerts.raised().iter().any(|(kind, many)| *kind == "break-glass" && *many == 1);
    seen.glass.in_clear = found(&scratch.files(), "quibblefall");

    let snoop = member("evidence-snoop", &[Role::Nurse])?;
    let snoop = StaffMember { rooms: vec![], ..snoop };
    let rule = ReviewRule { people: 2, window: HOUR, known: HOUR };
    for person in [&near, &far] {
        let _refused = desk.answer(&snoop, Ask::Record(person.clone()), now).await;
    }
    store.raise_strangers(rule, now).await?;
    store.raise_strangers(rule, now).await?;
    let queue = store.reviews(&officer, false, now).await?;
    seen.staff.snoop_raised = queue.iter().filter(|review| review.who == snoop.member.as_str()).count();
    Ok(())
}

async fn glass(scratch: &Scratch, desk: &Desk, nurse: &StaffMember, far: &PersonId) -> anyhow::Result<Glass> {
    let now = scratch.now;
    let record = || Ask::Record(far.clone());
    let break_it = |why: &str| Ask::BreakGlass(Whom::Person(far.clone()), why.into());
    let shows = |told: Result<Told, NotTold>| matches!(told, Ok(Told::Record(_)));
    let without_reason = desk.answer(nurse, break_it("x"), now).await.is_ok();
    let before = scratch.app.store().audit_verify().await?.entries;
    let broken = desk.answer(nurse, break_it(REASON), now).await.is_ok();
    let noted = scratch.app.store().audit_verify().await?.entries - before;
    Ok(Glass {
        without_reason,
        noted: broken && noted >= 2,
        opened: shows(desk.answer(nurse, record(), now).await),
        open_afterwards: shows(desk.answer(nurse, record(), now + HOUR).await),
        ..Glass::default()
    })
}
