//! `medicine.history`: what the person noted of a day. No note is no proof that nothing was taken, and is said so.

use jiff::{Timestamp, tz::TimeZone};
use serde_json::json;

use super::{
    super::{
        ActionError, Facts, Outcome, Pass, Setting, of_a_person, permit,
        prescription::{Which, doubt, which},
        text, when,
    },
    doses::Taken,
    in_hospital,
};
use crate::{
    nlu::Slots,
    policy::{Effect, Floor, Scope},
    records::Prescription,
};

/// Reads what is noted of the person's medicines.
pub const FLOOR: Floor = of_a_person(Effect::Read, Scope::Medicines);

/// Most notes said in one breath.
const SAID: usize = 6;

pub async fn run(pass: Pass, slots: &Slots, setting: &Setting<'_>) -> Result<Outcome, ActionError> {
    let permit = permit(pass)?;
    if let Some(nurse) = in_hospital(&permit, setting).await? {
        return Ok(nurse);
    }
    let all = setting.records.prescriptions(permit.subject()).await?.reveal(&permit)?;
    let notes = setting.records.taken(permit.subject(), setting.now).await?.reveal(&permit)?;
    if let Some(ask) = doubt(&all, slots, setting.channel) {
        return Ok(ask);
    }
    let of = match text(slots, "medicine").map(|said| which(&all, said)) {
        Some(Which::One(p)) => Some(p),
        Some(Which::Several(ask)) => return Ok(ask),
        Some(Which::None(answer)) => return Ok(answer),
        None => None,
    };
    let today = setting.now.to_zoned(setting.zone.clone()).date();
    let said = when(slots, "date").and_then(|w| w.from);
    Ok(Outcome::Answer(noted(of, &notes, said.unwrap_or(today), setting.zone)))
}

/// Replies: `noted` (items, day), `none` (medicine, day).
fn noted(of: Option<&Prescription>, notes: &[Taken], day: jiff::civil::Date, zone: &TimeZone) -> Facts {
    let on = |at: Timestamp| at.to_zoned(zone.clone()).date();
    let theirs = |note: &&Taken| on(note.at) == day && of.is_none_or(|p| p.id == note.prescription);
    let mut found: Vec<&Taken> = notes.iter().filter(theirs).collect();
    found.sort_by(|a, b| (a.at, &a.medicine).cmp(&(b.at, &b.medicine)));
    let item = |n: &&Taken| json!({ "medicine": n.medicine, "at": n.at, "part": n.part });
    let items: Vec<_> = found.iter().take(SAID).map(item).collect();
    let reply = if items.is_empty() { "none" } else { "noted" };
    Facts::new(reply)
        .with("day", day)
        .with("medicine", of.map(|p| &p.medicine))
        .with("count", found.len())
        .with("more", found.len() - items.len())
        .with("items", items)
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::{super::super::prescription::samples::prescription, *};

    #[test]
    fn notes_are_of_their_day_and_their_medicine() {
        let zone = TimeZone::get("America/New_York").expect("known");
        let note = |id: &str, at: &str| {
            let at: Timestamp = at.parse().expect("a time");
            Taken { prescription: id.into(), medicine: id.into(), at, part: None, noted: at }
        };
        // Eleven in the evening of the first, by the clock on the wall.
        let notes =
            [note("m", "2026-12-02T04:00:00Z"), note("m", "2026-12-01T13:00:00Z"), note("l", "2026-12-02T13:00:00Z")];
        let (m, l) = (prescription("m", "m"), prescription("l", "l"));
        let told = |of: Option<&Prescription>, day| {
            let facts = noted(of, &notes, date(2026, 12, day), &zone);
            format!("{} {}", facts.reply, facts.values["count"])
        };
        assert_eq!(told(Some(&m), 1), "noted 2");
        assert_eq!(told(Some(&m), 2), "none 0");
        assert_eq!(told(Some(&l), 2), "noted 1");
        assert_eq!(told(None, 1), "noted 2");
        assert_eq!(told(None, 3), "none 0");
    }
}
