//! What people measure themselves: noted, told back, and what published limits say of it.
//!
//! Invariants: a value is read back before it is kept, with its unit; a dangerous one is answered with what to do before
//! anything else is asked; nothing is called normal, nothing is diagnosed, and no dose is named.

pub mod correct;
mod heard;
pub mod insight;
pub mod last;
mod limits;
pub mod log;
pub mod trend;

use jiff::Timestamp;

use super::{ActionError, Facts, Outcome, Plan, Setting, record::vitals::told, source, text};
use crate::{
    nlu::{Measured, SlotValue, Slots},
    policy::Permit,
    records::{Amount, Measure, Origin, Reading, Vital},
};
use limits::Level;

/// What the person measured and what clinics did, newest first each.
pub(super) async fn kept(permit: &Permit, setting: &Setting<'_>) -> Result<(Vec<Reading>, Vec<Vital>), ActionError> {
    let own = setting.records.readings(permit.subject()).await?;
    let vitals = setting.records.vitals(permit.subject()).await?;
    Ok(own.zip(vitals)?.reveal(permit)?)
}

/// The same answer, where it is that there is nothing with who did not let what was measured there be read.
pub(super) async fn with_unread(facts: Facts, permit: &Permit, setting: &Setting<'_>) -> Result<Facts, ActionError> {
    if !source::nothing(&facts) {
        return Ok(facts);
    }
    let unread = setting.records.unread(permit.subject(), "Observation").await?;
    Ok(facts.with("unread", unread.reveal(permit)?))
}

/// What the person measured, newest first. It is kept here, so a server that is down keeps nobody from noting a reading, nor
/// from being told what to do about one.
async fn owned(permit: &Permit, setting: &Setting<'_>) -> Result<Vec<Reading>, ActionError> {
    Ok(setting.records.readings(permit.subject()).await?.reveal(permit)?)
}

/// The newest of a measure, whoever measured it.
pub(super) struct Newest {
    /// What came of it.
    pub amount: Amount,
    /// When.
    pub at: Timestamp,
    /// The time of day is known, too.
    pub timed: bool,
    /// The person measured it.
    pub own: bool,
    /// The clinic that did.
    pub source: Option<String>,
    /// Which of the person's sources it was fetched from.
    pub origin: Origin,
}

pub(super) fn newest(measure: Measure, own: &[Reading], vitals: &[Vital]) -> Option<Newest> {
    let mine = own.iter().filter(|r| r.measure == measure).max_by_key(|r| r.at).map(|r| Newest {
        amount: r.amount,
        at: r.at,
        timed: r.timed,
        own: true,
        source: None,
        origin: Origin::default(),
    });
    let theirs = vitals.iter().filter(|v| v.measure == measure).max_by_key(|v| v.taken).map(|v| Newest {
        amount: v.amount,
        at: v.taken,
        timed: false,
        own: false,
        source: v.source.clone(),
        origin: v.origin.clone(),
    });
    [theirs, mine].into_iter().flatten().max_by_key(|n| n.at)
}

/// The measure that was named, or what to say where it is none that is kept here.
#[expect(clippy::result_large_err, reason = "what is said instead is the answer itself, once a turn")]
fn measure(slots: &Slots) -> Result<Option<Measure>, Outcome> {
    let Some(said) = text(slots, "measure") else { return Ok(None) };
    match Measure::named(said).filter(|measure| measure.own()) {
        Some(measure) => Ok(Some(measure)),
        None => Err(Outcome::Answer(Facts::new("not_kept").with("measure", said))),
    }
}

/// The value that was said.
fn measured(slots: &Slots) -> Option<Measured> {
    match slots.get("value")?.value {
        SlotValue::Measured(measured) => Some(measured),
        SlotValue::Number(measured) => Some(Measured { measured, over: None, unit: None }),
        _ => None,
    }
}

/// A read-back of a reading, with what has to be done about it: an alert where that cannot wait.
fn read_back(facts: Facts, plan: Plan, reading: &Reading, own: &[Reading], setting: &Setting<'_>) -> Outcome {
    let alarm = limits::alarm(reading.measure, &reading.amount);
    let urgency = alarm.map(|row| row.urgency(own, reading.at));
    let emergency = urgency.is_some_and(|(level, _)| level == Level::Emergency);
    let facts = warned(facts, alarm.map(|row| row.name.as_str()), setting)
        .with("emergency", emergency)
        .with("again", urgency.is_some_and(|(_, again)| again));
    if emergency {
        Outcome::Alert { facts, plan, need: need(reading.measure, &reading.amount) }
    } else {
        Outcome::Confirm { facts, plan }
    }
}

/// What the words of an alarm need.
fn warned(facts: Facts, alarm: Option<&str>, setting: &Setting<'_>) -> Facts {
    facts
        .with("alarm", alarm)
        .with("room", setting.channel == "room")
        .with("emergency_number", setting.emergency_number)
}

/// The words on the board.
fn need(measure: Measure, amount: &Amount) -> String {
    let unit = amount.written_unit().unwrap_or_default();
    format!("{} of {} {unit}, as the person says", measure.name(), amount.told()).replace(" ,", ",")
}

/// What has to be done about a value that was said, known before anybody may look at anything: a dangerous one is answered
/// even where the person is not known yet, or nothing may be said aloud. With the words for the board.
#[must_use]
pub fn danger(slots: &Slots, setting: &Setting<'_>) -> Option<(Facts, String)> {
    let said = measured(slots)?;
    let measure = measure(slots).ok()?.or_else(|| heard::measure_of(&said))?;
    let amounts = match heard::heard(measure, &said, &[], setting.zone) {
        heard::Heard::Is(amount) => vec![amount],
        heard::Heard::Which(both) => both.to_vec(),
        heard::Heard::OneNumber | heard::Heard::Impossible => vec![],
    };
    let row = |amount: &Amount| {
        let row = limits::alarm(measure, amount)?;
        (row.urgency(&[], setting.now).0 == Level::Emergency).then_some((row, *amount))
    };
    let (row, amount) = amounts.iter().find_map(row)?;
    let facts = Facts::new("danger").with("measure", measure.name()).with("amount", told(&amount));
    Some((warned(facts, Some(&row.name), setting).with("emergency", true).with("again", false), need(measure, &amount)))
}
