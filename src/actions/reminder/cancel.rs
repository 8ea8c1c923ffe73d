//! `reminder.cancel`: ends the reminders of a medicine, of a time, or all of them; read back first.

use jiff::tz::TimeZone;

use super::{
    super::{ActionError, Change, Facts, Outcome, Pass, Plan, Setting, of_a_person, permit, text, when, words},
    Reminder,
    remind::item,
};
use crate::{
    nlu::{Slots, When},
    policy::{Effect, Floor, Permit, Scope},
};

/// Changes what the person is reminded of.
pub const FLOOR: Floor = of_a_person(Effect::Change, Scope::Medicines);

/// Most reminders read back in one breath.
const SAID: usize = 4;

pub async fn run(pass: Pass, slots: &Slots, setting: &Setting<'_>) -> Result<Outcome, ActionError> {
    let permit = permit(pass)?;
    let theirs = setting.records.reminders(permit.subject()).await?.reveal(&permit)?;
    let meant = meant(&theirs, text(slots, "medicine"), when(slots, "time"), setting.zone, setting.now);
    Ok(read_back(&meant, text(slots, "medicine"), setting.now))
}

/// After "yes": those of them that are still there.
pub async fn perform(permit: Permit, ids: &[String], setting: &Setting<'_>) -> Result<Outcome, ActionError> {
    let theirs = setting.records.reminders(permit.subject()).await?.reveal(&permit)?;
    let left: Vec<&Reminder> = theirs.iter().filter(|r| ids.contains(&r.id)).collect();
    Ok(match read_back(&left, None, setting.now) {
        Outcome::Confirm { facts, plan: Plan::CancelReminders { ids } } => Outcome::Done {
            conflict: Facts::new("none"),
            facts: Facts { reply: "done".into(), ..facts },
            changes: vec![Change::CancelReminders { ids }],
        },
        other => other,
    })
}

/// Those of that medicine and that time of day, of those that will ring again.
fn meant<'a>(
    theirs: &'a [Reminder],
    medicine: Option<&str>,
    time: Option<When>,
    zone: &TimeZone,
    now: jiff::Timestamp,
) -> Vec<&'a Reminder> {
    let of = |r: &&Reminder| medicine.is_none_or(|said| r.medicine.as_deref().is_some_and(|m| words(m) == words(said)));
    let at = |r: &&Reminder| {
        let Some(When { after, before, .. }) = time else { return true };
        let t = r.next(now).map_or(r.rhythm.at, |next| next.to_zoned(zone.clone()).time());
        after.is_none_or(|after| after <= t) && before.is_none_or(|before| t <= before)
    };
    theirs.iter().filter(|r| r.next(now).is_some()).filter(of).filter(at).collect()
}

/// Replies: `confirm` (items, count, more), `none_of`, `none`.
fn read_back(meant: &[&Reminder], medicine: Option<&str>, now: jiff::Timestamp) -> Outcome {
    if meant.is_empty() {
        return Outcome::Answer(match medicine {
            Some(medicine) => Facts::new("none_of").with("medicine", medicine),
            None => Facts::new("none"),
        });
    }
    let items: Vec<_> = meant.iter().take(SAID).map(|r| item(r, now)).collect();
    let more = meant.len() - items.len();
    Outcome::Confirm {
        facts: Facts::new("confirm").with("count", meant.len()).with("more", more).with("items", items),
        plan: Plan::CancelReminders { ids: meant.iter().map(|r| r.id.clone()).collect() },
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::{date, time};

    use super::{
        super::{super::prescription::samples::reply, Every, Rhythm},
        *,
    };

    #[test]
    fn by_medicine_by_time_or_all() {
        let zone = TimeZone::get("America/New_York").expect("known");
        let now = "2026-12-01T15:00:00Z".parse().expect("a time");
        let one = |id: &str, medicine: Option<&str>, hour, every| Reminder {
            id: id.into(),
            prescription: None,
            medicine: medicine.map(str::to_owned),
            rhythm: Rhythm { at: time(hour, 0, 0, 0), from: date(2026, 11, 1), every },
            zone: "America/New_York".into(),
            made: jiff::Timestamp::UNIX_EPOCH,
            rung: None,
            ended: None,
        };
        let theirs = [
            one("m", Some("metformin"), 8, Every::Days(1)),
            one("n", Some("metformin"), 20, Every::Days(1)),
            one("p", None, 8, Every::Days(1)),
            one("over", None, 8, Every::Once),
        ];
        let eight = Some(When { from: None, to: None, after: Some(time(8, 0, 0, 0)), before: Some(time(8, 0, 0, 0)) });
        for (medicine, time, want) in [
            (None, None, "mnp"),
            (Some("Metformin"), None, "mn"),
            (None, eight, "mp"),
            (Some("metformin"), eight, "m"),
            (Some("lisinopril"), None, ""),
        ] {
            let found = meant(&theirs, medicine, time, &zone, now);
            assert_eq!(found.iter().map(|r| r.id.as_str()).collect::<String>(), want, "{medicine:?}");
        }
        assert_eq!(reply(&read_back(&[], None, now)), "none");
        assert_eq!(reply(&read_back(&[], Some("x"), now)), "none_of");
        assert_eq!(reply(&read_back(&[&theirs[0]], None, now)), "confirm confirm");
    }
}
