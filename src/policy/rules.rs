//! The rule table: channel trust × data class × person known × consent given → decision. Pure.

use super::{Caller, DataClass, Effect, PersonId, Question, Reason, Scope, Trust};

/// What is asked of policy.
#[derive(Debug, Clone, Copy)]
pub struct Task<'a> {
    /// The intent, for the audit row.
    pub intent: &'a str,
    /// The class of the data it touches.
    pub data: DataClass,
    /// What it does.
    pub effect: Effect,
    /// What the person must have agreed to; `None` where any agreement will do.
    pub scope: Option<Scope>,
}

/// A decision before anything is written or minted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// Nothing needs permission.
    Public,
    /// The room's own business.
    Room,
    /// This person's data.
    Person(PersonId),
    /// Ask first.
    Ask(Question),
    /// No.
    Refuse(Reason),
}

/// Decides a task. Every row has its line in the table test below.
#[must_use]
pub fn decide(task: &Task<'_>, caller: &Caller, consent: &[Scope]) -> Decision {
    match (task.data, caller.surface.trust(), caller.person.as_ref()) {
        (DataClass::Public, _, _) => Decision::Public,
        (DataClass::Room | DataClass::Identifiable, Trust::ThirdParty, _) => Decision::Refuse(Reason::ThirdParty),
        (DataClass::Room, Trust::FirstParty, _) => Decision::Room,
        (DataClass::Identifiable, Trust::FirstParty, None) => Decision::Ask(Question::WhoIsSpeaking),
        (DataClass::Identifiable, Trust::FirstParty, Some(person)) => match task.scope {
            Some(scope) if !consent.contains(&scope) => Decision::Ask(Question::Consent(scope)),
            Some(_) | None => Decision::Person(person.clone()),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::{CredentialId, RoomId, Surface};

    #[test]
    fn every_rule_has_a_line() {
        let room = || Surface::Room(RoomId::parse("r1").expect("fits"));
        let home = || Surface::Home(RoomId::parse("h1").expect("fits"));
        let rosa = || PersonId::parse("p1").expect("fits");
        let all: &[Scope] = &Scope::ALL;
        let (third, who, consent) = (
            Decision::Refuse(Reason::ThirdParty),
            Decision::Ask(Question::WhoIsSpeaking),
            Decision::Ask(Question::Consent(Scope::Medicines)),
        );
        use DataClass::{Identifiable as I, Public as P, Room as R};
        #[rustfmt::skip]
        let table = [
            // data, surface, person known, consent, decision
            (P, Surface::ThirdParty, false, &[][..], Decision::Public),
            (P, Surface::ThirdParty, true,  all,     Decision::Public),
            (P, room(),              false, &[],     Decision::Public),
            (R, Surface::ThirdParty, false, &[],     third.clone()),
            (R, Surface::ThirdParty, true,  all,     third.clone()),
            (R, room(),              false, &[],     Decision::Room),
            (R, home(),              true,  all,     Decision::Room),
            (R, Surface::Chat,       true,  &[],     Decision::Room),
            (I, Surface::ThirdParty, false, &[],     third.clone()),
            (I, Surface::ThirdParty, true,  all,     third),
            (I, room(),              false, all,     who.clone()),
            (I, Surface::Chat,       false, &[],     who),
            (I, room(),              true,  &[],     consent.clone()),
            (I, home(),              true,  &[Scope::Visits, Scope::Records], consent),
            (I, Surface::Chat,       true,  &[Scope::Medicines], Decision::Person(rosa())),
            (I, room(),              true,  all,     Decision::Person(rosa())),
        ];
        for (n, (data, surface, known, given, want)) in table.into_iter().enumerate() {
            let caller = Caller {
                surface,
                credential: CredentialId::parse("c1").expect("fits"),
                person: known.then(rosa),
                stay: None,
            };
            let task = Task { intent: "x", data, effect: Effect::Read, scope: Some(Scope::Medicines) };
            assert_eq!(decide(&task, &caller, given), want, "line {n}");
        }
    }
}
