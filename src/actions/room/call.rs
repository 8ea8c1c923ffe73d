//! `call.contact`: has somebody of the person's own list called by the room's telephone. Read back first.
//!
//! Invariants: whoever is not on the list is not called; a number is handed to the telephone and never said, and an answer
//! tells only what the telephone itself told.

use crate::{
    actions::{ActionError, Choice, Facts, Outcome, Pass, Plan, Setting, permit, text},
    nlu::{SlotValue, Slots},
    policy::{DataClass, Effect, Floor, Identity, Permit, RoomId},
    records::{Contact, Number, meant},
};

/// Whom somebody knows is theirs; the list was made for this, so no further agreement is asked for.
pub const FLOOR: Floor =
    Floor { data: DataClass::Identifiable, effect: Effect::Change, identity: Identity::Known, scope: None };

/// Most that are offered to choose from.
const MOST: usize = 6;

/// A call to be made. Not `Debug`: it holds a number.
pub struct Dial {
    /// From which room.
    pub room: RoomId,
    /// To where.
    pub number: Number,
    /// Who that is, as they are spoken of.
    pub who: String,
}

/// What the telephone told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Called {
    /// It is calling.
    Calling,
    /// It does not make this call.
    Refused,
    /// The broker has the call, and the telephone told nothing.
    NoAnswer,
    /// It could not be sent.
    NotSent,
}

/// Reads it back.
pub async fn run(pass: Pass, slots: &Slots, setting: &Setting<'_>) -> Result<Outcome, ActionError> {
    let permit = permit(pass)?;
    if setting.channel != "room" || setting.room.is_none() {
        return Ok(Outcome::Answer(Facts::new("elsewhere")));
    }
    let contacts = setting.records.contacts(permit.subject()).await?.reveal(&permit)?;
    let spoken = slots.get("contact").map(|slot| slot.spoken.as_str()).unwrap_or_default();
    Ok(decide(&contacts, text(slots, "contact").unwrap_or_default(), spoken))
}

/// Replies: `empty`, `not_on_list`, `which` (people), `confirm` (who).
fn decide(contacts: &[Contact], named: &str, spoken: &str) -> Outcome {
    if contacts.is_empty() {
        return Outcome::Answer(Facts::new("empty"));
    }
    // Picked from what was offered.
    let picked: Vec<&Contact> = contacts.iter().filter(|one| one.spoken() == named).collect();
    let found = if picked.is_empty() { meant(contacts, named, spoken) } else { picked };
    match found.as_slice() {
        [] => Outcome::Answer(Facts::new("not_on_list")),
        [one] => {
            let who = one.spoken();
            Outcome::Confirm { facts: Facts::new("confirm").with("who", &who), plan: Plan::Call { who } }
        }
        several => {
            let people: Vec<String> = several.iter().take(MOST).map(|one| one.spoken()).collect();
            let choice = |who: &String| Choice { spoken: who.clone(), value: SlotValue::Text(who.clone()) };
            let options = people.iter().map(choice).collect();
            Outcome::Ask { slot: "contact".into(), facts: Facts::new("which").with("people", people), options }
        }
    }
}

/// After "yes", with the list as it is then.
pub async fn perform(permit: Permit, who: String, setting: &Setting<'_>) -> Result<Outcome, ActionError> {
    let Some(room) = setting.room.filter(|_| setting.channel == "room") else {
        return Ok(Outcome::Answer(Facts::new("elsewhere")));
    };
    let contacts = setting.records.contacts(permit.subject()).await?.reveal(&permit)?;
    let one = contacts.into_iter().find(|one| one.spoken() == who);
    Ok(match one {
        None => Outcome::Answer(Facts::new("not_on_list")),
        Some(one) => Outcome::Call(Dial { room: room.clone(), number: one.number, who }),
    })
}

/// What is said of what came of it. Replies: `calling`, `refused`, `no_answer`, `unreachable` (who).
#[must_use]
pub fn told(who: &str, called: Called) -> Facts {
    let reply = match called {
        Called::Calling => "calling",
        Called::Refused => "refused",
        Called::NoAnswer => "no_answer",
        Called::NotSent => "unreachable",
    };
    Facts::new(reply).with("who", who)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::actions::prescription::samples::reply;

    #[test]
    fn only_whoever_is_on_the_list_is_read_back() {
        let one = |name: &str, relation: Option<&str>| Contact {
            name: name.into(),
            relation: relation.map(str::to_owned),
            number: Number::parse("555 0100").expect("fits"),
        };
        let all = [one("Ana", Some("daughter")), one("Eve", Some("daughter")), one("Bob", None)];
        for (contacts, named, spoken, told) in [
            (&all[..], "bob", "Bob", "confirm confirm"),
            (&all, "daughter", "my daughter", "ask which"),
            (&all[1..], "daughter", "my daughter", "confirm confirm"),
            (&all, "your daughter Ana", "", "confirm confirm"),
            (&all, "son", "my son", "not_on_list"),
            (&all, "five five five", "555 0100", "not_on_list"),
            (&[], "daughter", "my daughter", "empty"),
        ] {
            let outcome = decide(contacts, named, spoken);
            assert_eq!(reply(&outcome), told, "{spoken}");
            if let Outcome::Confirm { facts, .. } | Outcome::Ask { facts, .. } = outcome {
                assert!(!serde_json::to_string(&facts.values).expect("JSON").contains("555"), "no number is said");
            }
        }
    }
}
