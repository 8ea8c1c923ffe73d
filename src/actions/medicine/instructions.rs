//! `medicine.instructions`: how to take a medicine, in the prescriber's own words and no others.

use super::super::{
    ActionError, Facts, Outcome, Pass, SPEAKABLE, Setting, of_a_person, permit,
    prescription::{Which, doubt, which},
    text,
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
    let all = setting.records.prescriptions(permit.subject()).await?.reveal(&permit)?;
    if let Some(ask) = doubt(&all, slots, setting.channel) {
        return Ok(ask);
    }
    Ok(instructions(&all, text(slots, "medicine").unwrap_or_default()))
}

/// Replies: `which`, `not_listed`, `stopped`, `on_hold`, `none_written`, `long`, `read`.
fn instructions(all: &[Prescription], said: &str) -> Outcome {
    let p = match which(all, said) {
        Which::One(p) => p,
        Which::Several(ask) => return ask,
        Which::None(answer) => return answer,
    };
    let about = |reply: &str| {
        Facts::new(reply).with("medicine", &p.medicine).with("strength", &p.strength).with("prescriber", &p.prescriber)
    };
    Outcome::Answer(match p.instructions.as_deref() {
        _ if p.on_hold => about("on_hold"),
        _ if !p.active => about("stopped"),
        None => about("none_written"),
        Some(words) if words.chars().count() > SPEAKABLE => about("long"),
        Some(words) => about("read").with("instructions", words),
    })
}

#[cfg(test)]
mod tests {
    use super::{
        super::super::prescription::samples::{prescription, reply},
        *,
    };

    #[test]
    fn the_prescribers_words_whole_or_not_at_all() {
        let with = |words: Option<String>| Prescription { instructions: words, ..prescription("l1", "lisinopril") };
        let ended = Prescription { active: false, ..prescription("l1", "lisinopril") };
        for (p, want) in [
            (with(Some("Take one.".into())), "read"),
            (with(None), "none_written"),
            (with(Some("x".repeat(SPEAKABLE + 1))), "long"),
            (ended.clone(), "stopped"),
            (Prescription { on_hold: true, ..ended }, "on_hold"),
        ] {
            assert_eq!(reply(&instructions(&[p], "lisinopril")), want);
        }
        assert_eq!(reply(&instructions(&[], "lisinopril")), "not_listed");
    }
}
