//! `reminder.list`: the person's reminders, the next one first.

use super::{
    super::{ActionError, Facts, Outcome, Pass, Setting, further, of_a_person, permit},
    Reminder,
    remind::item,
};
use crate::{
    nlu::Slots,
    policy::{Effect, Floor, Scope},
    records::Prescription,
};

/// Reads what the person is reminded of.
pub const FLOOR: Floor = of_a_person(Effect::Read, Scope::Medicines);

/// Most reminders said in one breath.
const SAID: usize = 4;

pub async fn run(pass: Pass, slots: &Slots, setting: &Setting<'_>) -> Result<Outcome, ActionError> {
    let permit = permit(pass)?;
    let theirs = setting.records.reminders(permit.subject()).await?.reveal(&permit)?;
    let orders = setting.records.prescriptions(permit.subject()).await?.reveal(&permit)?;
    Ok(Outcome::Answer(listed(&theirs, &orders, further(slots), setting.now)))
}

/// Replies: `list` (items in breaths, count, silent: of which medicines none rings, because they were ended), `none`. One that rang
/// for the last time is none.
fn listed(theirs: &[Reminder], orders: &[Prescription], from: usize, now: jiff::Timestamp) -> Facts {
    let mut coming: Vec<_> = theirs.iter().filter_map(|r| Some((r.next(now)?, r))).collect();
    coming.sort_by_key(|(at, _)| *at);
    if coming.is_empty() {
        return Facts::new("none");
    }
    let items: Vec<_> = coming.iter().map(|(_, r)| item(r, now)).collect();
    let silent: Vec<_> = coming.iter().filter(|(_, r)| r.is_over(orders)).map(|(_, r)| &r.medicine).collect();
    Facts::new("list").with("count", coming.len()).with("silent", silent).in_breaths("items", items, SAID, from)
}
