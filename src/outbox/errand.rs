//! One delivery: what is asked of the server, and what its answers mean.
//!
//! Invariant: doing it again, wholly or from any point on, changes nothing more on the server. What is made is made unless
//! the change's name is there already; what is changed is changed at the version that was looked at, and whoever finds
//! another version looks again: the change's name in it means that it was done, anything else that somebody else was first.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::Value;

use super::clinic::{Clinic, Fault, Write};
use crate::{
    actions::{Route, TakenDose},
    records::{
        OpenSlot, Reading,
        fhir_write::{
            Told, is_of, medicines, reports, token,
            visits::{self, Standing},
        },
        outgoing::{Outgoing, Trouble},
    },
};

/// How often one delivery looks again where somebody else wrote in between.
const LOOKS: usize = 3;

/// How a delivery ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// The server has it.
    Delivered,
    /// It will never have it.
    Refused(Trouble),
    /// It is to be tried again, and not sooner than this where the server says so.
    Later(Trouble, Option<Duration>),
}

impl From<Fault> for Ending {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Missing => Self::Refused(Trouble::Gone),
            Fault::Stale => Self::Refused(Trouble::Changed),
            Fault::Later(why, after) => Self::Later(why, after),
            Fault::Never(why) => Self::Refused(why),
        }
    }
}

/// Delivers one change. Where its time is over by `now`, it is only looked for: an earlier attempt may have gone through.
pub async fn deliver(clinic: &(impl Clinic + Sync), told: &Told<'_>, change: &Outgoing, now: Timestamp) -> Ending {
    let over = change.until().is_some_and(|until| until <= now);
    let done = match change {
        _ if over => there(clinic, told, kind(change), Trouble::TooLate).await,
        Outgoing::Renew { prescription, medicine, pharmacy, route } => {
            renew(clinic, told, (prescription, medicine), pharmacy.as_deref(), *route).await
        }
        Outgoing::Book { slot, reason } => book(clinic, told, slot, reason.as_deref()).await,
        Outgoing::Cancel { visit, start, .. } => cancel(clinic, told, visit, *start).await,
        Outgoing::Arrive { visit, start, .. } => arrive(clinic, told, visit, *start).await,
        Outgoing::Move { visit, start, to, .. } => reschedule(clinic, told, visit, *start, to).await,
        Outgoing::Reading { reading } => create(clinic, told, "Observation", &reports::reading(told, reading)).await,
        Outgoing::Correct { old, instead } => correct(clinic, told, old, instead.as_ref()).await,
        Outgoing::Taken { doses, at, part } => taken(clinic, told, doses, *at, part.as_deref()).await,
        Outgoing::Message { words } => create(clinic, told, "Communication", &reports::message(told, words)).await,
    };
    match done {
        Ok(ending) => ending,
        Err(fault) => fault.into(),
    }
}

/// The kind of resource that a change makes, or changes.
const fn kind(change: &Outgoing) -> &'static str {
    match change {
        Outgoing::Renew { route: Route::Pharmacy, .. } => "Task",
        Outgoing::Renew { route: Route::Prescriber, .. } => "MedicationRequest",
        Outgoing::Book { .. } | Outgoing::Cancel { .. } | Outgoing::Move { .. } | Outgoing::Arrive { .. } => {
            "Appointment"
        }
        Outgoing::Reading { .. } | Outgoing::Correct { .. } => "Observation",
        Outgoing::Taken { .. } => "MedicationStatement",
        Outgoing::Message { .. } => "Communication",
    }
}

async fn renew(
    clinic: &(impl Clinic + Sync),
    told: &Told<'_>,
    (prescription, medicine): (&str, &str),
    pharmacy: Option<&str>,
    route: Route,
) -> Result<Ending, Fault> {
    let order = clinic.read("MedicationRequest", prescription).await?;
    if !medicines::can_be_renewed(&order) {
        // It may have been asked for before the order was stopped.
        let kind = if route == Route::Pharmacy { "Task" } else { "MedicationRequest" };
        return there(clinic, told, kind, Trouble::Changed).await;
    }
    let pharmacy = pharmacy_of(clinic, &order, pharmacy).await?;
    let (kind, resource) = match route {
        Route::Pharmacy => ("Task", medicines::refill(told, prescription, medicine, pharmacy)),
        Route::Prescriber => {
            ("MedicationRequest", medicines::proposal(told, prescription, medicine, (&order, pharmacy)))
        }
    };
    create(clinic, told, kind, &resource).await
}

/// The pharmacy that is asked: the one the person was told of, as the server knows it, and by its name alone where it does
/// not; the order's own where they were told of none.
async fn pharmacy_of(
    clinic: &(impl Clinic + Sync),
    order: &Value,
    named: Option<&str>,
) -> Result<Option<Value>, Fault> {
    let ordered = order.pointer("/dispenseRequest/performer");
    let Some(named) = named else { return Ok(ordered.cloned()) };
    if ordered.is_some_and(|ordered| ordered["display"] == named) {
        return Ok(ordered.cloned());
    }
    match clinic.search("Organization", &[("name", &medicines::literal(named))]).await {
        Ok(found) => Ok(Some(medicines::pharmacy(named, ordered, &found))),
        // It keeps none, or does not let them be looked for.
        Err(Fault::Missing | Fault::Stale | Fault::Never(_)) => Ok(Some(medicines::pharmacy(named, ordered, &[]))),
        Err(later) => Err(later),
    }
}

async fn book(
    clinic: &(impl Clinic + Sync),
    told: &Told<'_>,
    slot: &OpenSlot,
    reason: Option<&str>,
) -> Result<Ending, Fault> {
    for _ in 0..LOOKS {
        let found = clinic.search("Slot", &[("_id", &slot.id), ("_include", "Slot:schedule")]).await?;
        let of = |kind: &str| found.iter().find(|one| one["resourceType"] == kind);
        let Some(time) = of("Slot") else { return there(clinic, told, "Appointment", Trouble::Taken).await };
        if !visits::is_free(time, slot) {
            return if told.made(time) {
                Ok(Ending::Delivered)
            } else {
                there(clinic, told, "Appointment", Trouble::Taken).await
            };
        }
        let schedule = match of("Schedule") {
            Some(schedule) => Some(schedule.clone()),
            None => schedule_of(clinic, time).await?,
        };
        let visit = visits::booked(told, slot, reason, time, schedule.as_ref());
        let writes = vec![Write::Create(visit, told.query()), Write::Update(visits::taken(told, time))];
        match clinic.together(writes).await {
            Ok(()) => return Ok(Ending::Delivered),
            Err(Fault::Stale) => {}
            Err(fault) => return Err(fault),
        }
    }
    there(clinic, told, "Appointment", Trouble::Taken).await
}

/// The visit that the person knows by that id: the server's own, or the name of the change that booked it here.
async fn visit_of(clinic: &(impl Clinic + Sync), visit: &str) -> Result<Option<Value>, Fault> {
    match clinic.read("Appointment", visit).await {
        Ok(found) => return Ok(Some(found)),
        Err(Fault::Missing) => {}
        Err(fault) => return Err(fault),
    }
    let found = clinic.search("Appointment", &[("identifier", &token(visit))]).await?;
    Ok(found.into_iter().find(|one| is_of(one, visit)))
}

/// The times that a visit takes up, given back.
async fn freed(clinic: &(impl Clinic + Sync), told: &Told<'_>, visit: &Value) -> Result<Vec<Write>, Fault> {
    let mut writes = Vec::new();
    for id in visits::slots_of(visit) {
        match clinic.read("Slot", &id).await {
            Ok(slot) if slot["status"] == "busy" => writes.push(Write::Update(visits::freed(told, &slot))),
            Ok(_) | Err(Fault::Missing) => {}
            Err(fault) => return Err(fault),
        }
    }
    Ok(writes)
}

async fn cancel(
    clinic: &(impl Clinic + Sync),
    told: &Told<'_>,
    visit: &str,
    start: Timestamp,
) -> Result<Ending, Fault> {
    for _ in 0..LOOKS {
        let Some(found) = visit_of(clinic, visit).await? else { return Ok(Ending::Refused(Trouble::Gone)) };
        match visits::standing(told, &found, start) {
            // Called off is called off, whoever did it.
            Standing::Ours | Standing::Cancelled => return Ok(Ending::Delivered),
            Standing::Otherwise => return Ok(Ending::Refused(Trouble::Changed)),
            Standing::AsKnown => {}
        }
        let mut writes = freed(clinic, told, &found).await?;
        writes.insert(0, Write::Update(visits::cancelled(told, &found)));
        match clinic.together(writes).await {
            Ok(()) => return Ok(Ending::Delivered),
            Err(Fault::Stale) => {}
            Err(fault) => return Err(fault),
        }
    }
    Ok(Ending::Refused(Trouble::Changed))
}

async fn arrive(
    clinic: &(impl Clinic + Sync),
    told: &Told<'_>,
    visit: &str,
    start: Timestamp,
) -> Result<Ending, Fault> {
    for _ in 0..LOOKS {
        let Some(found) = visit_of(clinic, visit).await? else { return Ok(Ending::Refused(Trouble::Gone)) };
        match visits::standing(told, &found, start) {
            Standing::Ours => return Ok(Ending::Delivered),
            // The front desk was quicker.
            Standing::Otherwise if visits::is_there(&found) => return Ok(Ending::Delivered),
            Standing::Cancelled | Standing::Otherwise => return Ok(Ending::Refused(Trouble::Changed)),
            Standing::AsKnown => {}
        }
        match clinic.together(vec![Write::Update(visits::arrived(told, &found))]).await {
            Ok(()) => return Ok(Ending::Delivered),
            Err(Fault::Stale) => {}
            Err(fault) => return Err(fault),
        }
    }
    Ok(Ending::Refused(Trouble::Changed))
}

async fn reschedule(
    clinic: &(impl Clinic + Sync),
    told: &Told<'_>,
    visit: &str,
    start: Timestamp,
    to: &OpenSlot,
) -> Result<Ending, Fault> {
    for _ in 0..LOOKS {
        let Some(found) = visit_of(clinic, visit).await? else { return Ok(Ending::Refused(Trouble::Gone)) };
        match visits::standing(told, &found, start) {
            Standing::Ours => return Ok(Ending::Delivered),
            Standing::Cancelled | Standing::Otherwise => return Ok(Ending::Refused(Trouble::Changed)),
            Standing::AsKnown => {}
        }
        let time = match clinic.read("Slot", &to.id).await {
            Ok(time) if visits::is_free(&time, to) => time,
            Ok(_) | Err(Fault::Missing) => return Ok(Ending::Refused(Trouble::Taken)),
            Err(fault) => return Err(fault),
        };
        let mut writes = freed(clinic, told, &found).await?;
        writes.push(Write::Update(visits::taken(told, &time)));
        writes.insert(0, Write::Update(visits::moved(told, &found, to)));
        match clinic.together(writes).await {
            Ok(()) => return Ok(Ending::Delivered),
            Err(Fault::Stale) => {}
            Err(fault) => return Err(fault),
        }
    }
    Ok(Ending::Refused(Trouble::Changed))
}

/// Changes a measurement that is there, or makes it as it should have been where it never arrived.
async fn correct(
    clinic: &(impl Clinic + Sync),
    told: &Told<'_>,
    old: &str,
    instead: Option<&Reading>,
) -> Result<Ending, Fault> {
    for _ in 0..LOOKS {
        let found = clinic.search("Observation", &[("identifier", &token(old))]).await?;
        let Some(found) = found.into_iter().find(|one| is_of(one, old)) else {
            return match instead {
                Some(instead) => create(clinic, told, "Observation", &reports::reading(told, instead)).await,
                None => Ok(Ending::Delivered),
            };
        };
        if told.made(&found) {
            return Ok(Ending::Delivered);
        }
        // The clinic took it out by itself: what it should have been is not theirs to be told over it.
        if reports::is_out(&found) {
            return Ok(if instead.is_some() { Ending::Refused(Trouble::Changed) } else { Ending::Delivered });
        }
        match clinic.together(vec![Write::Update(reports::corrected(told, &found, instead))]).await {
            Ok(()) => return Ok(Ending::Delivered),
            Err(Fault::Stale) => {}
            Err(fault) => return Err(fault),
        }
    }
    Ok(Ending::Refused(Trouble::Changed))
}

/// A statement for each dose, all or none, each by a name of its own.
async fn taken(
    clinic: &(impl Clinic + Sync),
    told: &Told<'_>,
    doses: &[TakenDose],
    at: Timestamp,
    part: Option<&str>,
) -> Result<Ending, Fault> {
    let mut statements = Vec::with_capacity(doses.len());
    for (n, dose) in doses.iter().enumerate() {
        let order = match clinic.read("MedicationRequest", &dose.prescription).await {
            Ok(order) => Some(order),
            Err(Fault::Missing) => None,
            Err(fault) => return Err(fault),
        };
        let id = format!("{}.{n}", told.id);
        let told = Told { id: &id, ..*told };
        statements.push((reports::dose(&told, dose, at, part, order.as_ref()), told.query()));
    }
    for _ in 0..LOOKS {
        let writes = statements.iter().map(|(one, unless)| Write::Create(one.clone(), unless.clone())).collect();
        match clinic.together(writes).await {
            Ok(()) => return Ok(Ending::Delivered),
            Err(Fault::Stale) => {}
            Err(fault) => return Err(fault),
        }
    }
    Ok(Ending::Refused(Trouble::Changed))
}

/// The Schedule of a Slot, for servers that include nothing in what they find.
async fn schedule_of(clinic: &(impl Clinic + Sync), slot: &Value) -> Result<Option<Value>, Fault> {
    let reference = slot.pointer("/schedule/reference").and_then(Value::as_str);
    let Some((_, id)) = reference.and_then(|r| r.rsplit_once("Schedule/")) else { return Ok(None) };
    match clinic.read("Schedule", id).await {
        Ok(schedule) => Ok(Some(schedule)),
        Err(Fault::Missing | Fault::Stale | Fault::Never(_)) => Ok(None),
        Err(later) => Err(later),
    }
}

async fn create(
    clinic: &(impl Clinic + Sync),
    told: &Told<'_>,
    kind: &'static str,
    resource: &Value,
) -> Result<Ending, Fault> {
    for _ in 0..LOOKS {
        match clinic.create(resource, &told.query()).await {
            Ok(()) => return Ok(Ending::Delivered),
            // Several are there that should be one, or somebody else wrote at the same moment.
            Err(Fault::Stale) => {}
            Err(fault) => return Err(fault),
        }
        if there(clinic, told, kind, Trouble::Changed).await? == Ending::Delivered {
            return Ok(Ending::Delivered);
        }
    }
    Ok(Ending::Refused(Trouble::Changed))
}

/// Whether what this change makes is there already; else why it never will be.
async fn there(
    clinic: &(impl Clinic + Sync),
    told: &Told<'_>,
    kind: &'static str,
    otherwise: Trouble,
) -> Result<Ending, Fault> {
    let found = clinic.search(kind, &[("identifier", &token(told.id))]).await?;
    Ok(if found.iter().any(|one| told.made(one)) { Ending::Delivered } else { Ending::Refused(otherwise) })
}

#[cfg(test)]
mod tests;
