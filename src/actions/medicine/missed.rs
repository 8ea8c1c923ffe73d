//! `medicine.missed`: what to do about a missed dose is the label's and the pharmacist's to say. What is on record is told.

use super::{
    super::{
        ActionError, Facts, Outcome, Pass, SPEAKABLE, Setting, of_a_person, permit,
        prescription::{Which, doubt, which},
        text,
    },
    doses::Taken,
    in_hospital,
};
use crate::{
    nlu::Slots,
    policy::{Effect, Floor, Scope},
    records::Prescription,
};

/// Reads the person's prescriptions.
pub const FLOOR: Floor = of_a_person(Effect::Read, Scope::Medicines);

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
    Ok(match text(slots, "medicine").map(|said| which(&all, said)) {
        Some(Which::One(p)) => Outcome::Answer(missed(p, &notes)),
        Some(Which::Several(ask)) => ask,
        Some(Which::None(answer)) => answer,
        None => Outcome::Answer(Facts::new("general")),
    })
}

/// Replies: `one` (prescriber, instructions, last), `stopped`, `on_hold`.
fn missed(p: &Prescription, notes: &[Taken]) -> Facts {
    let about = |reply: &str| Facts::new(reply).with("medicine", &p.medicine).with("prescriber", &p.prescriber);
    if !p.active {
        return about(if p.on_hold { "on_hold" } else { "stopped" });
    }
    let last = notes.iter().filter(|n| n.prescription == p.id).max_by_key(|n| n.at);
    about("one")
        .with("instructions", p.instructions.as_ref().filter(|words| words.chars().count() <= SPEAKABLE))
        .with("last", last.map(|n| n.at))
}

#[cfg(test)]
mod tests {
    use super::{super::super::prescription::samples::prescription, *};

    #[test]
    fn what_is_on_record_and_nothing_else() {
        let at = |s| jiff::Timestamp::from_second(s).expect("in range");
        let note = |s| Taken { prescription: "l".into(), medicine: "l".into(), at: at(s), part: None, noted: at(s) };
        let facts = missed(&prescription("l", "lisinopril"), &[note(5), note(9), note(7)]);
        assert_eq!((facts.reply.as_str(), &facts.values["last"]), ("one", &serde_json::json!(at(9))));
        let ended = Prescription { active: false, ..prescription("l", "lisinopril") };
        assert_eq!(missed(&ended, &[]).reply, "stopped");
        assert_eq!(missed(&Prescription { on_hold: true, ..ended }, &[]).reply, "on_hold");
    }
}
