//! The rule table: channel trust × data class × person known × proof × consent given → decision. Pure.

use super::{Caller, DataClass, Effect, Identity, PersonId, Proof, Question, Reason, Scope, Trust};

/// What is asked of policy.
#[derive(Debug, Clone, Copy)]
pub struct Task<'a> {
    /// The intent, for the audit row.
    pub intent: &'a str,
    /// The class of the data it touches.
    pub data: DataClass,
    /// What it does.
    pub effect: Effect,
    /// How sure it must be who asks.
    pub identity: Identity,
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
        (DataClass::Identifiable, Trust::FirstParty, Some(person)) => match (task.identity, caller.proof) {
            (Identity::Pin | Identity::Proven, Proof::None) => Decision::Ask(Question::Pin),
            (Identity::Proven, Proof::Unasked) => Decision::Ask(Question::Elsewhere),
            // Agreeing to more is as much a change as any: not by somebody who only happens to be there.
            (Identity::Nobody | Identity::Known, Proof::None) if !agreed(task, consent) => Decision::Ask(Question::Pin),
            _ => match task.scope {
                Some(scope) if !agreed(task, consent) => Decision::Ask(Question::Consent(scope)),
                Some(_) | None => Decision::Person(person.clone()),
            },
        },
    }
}

fn agreed(task: &Task<'_>, consent: &[Scope]) -> bool {
    task.scope.is_none_or(|scope| consent.contains(&scope))
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
                proof: Proof::Unasked,
                house: None,
            };
            let (identity, scope) = (Identity::Known, Some(Scope::Medicines));
            let task = Task { intent: "x", data, effect: Effect::Read, identity, scope };
            assert_eq!(decide(&task, &caller, given), want, "line {n}");
        }
    }

    #[test]
    fn who_must_have_been_shown() {
        use Identity::{Known, Pin, Proven};
        let person = || Decision::Person(PersonId::parse("p1").expect("fits"));
        let (pin, elsewhere) = (Decision::Ask(Question::Pin), Decision::Ask(Question::Elsewhere));
        let consent = Decision::Ask(Question::Consent(Scope::Medicines));
        #[rustfmt::skip]
        let table = [
            (Known,  Proof::None,    true,  person()),
            (Known,  Proof::Unasked, true,  person()),
            (Known,  Proof::Fresh,   true,  person()),
            (Known,  Proof::None,    false, pin.clone()),
            (Known,  Proof::Unasked, false, consent.clone()),
            (Known,  Proof::Fresh,   false, consent.clone()),
            (Pin,    Proof::None,    true,  pin.clone()),
            (Pin,    Proof::Unasked, true,  person()),
            (Pin,    Proof::Fresh,   true,  person()),
            (Pin,    Proof::None,    false, pin.clone()),
            (Pin,    Proof::Fresh,   false, consent),
            (Proven, Proof::None,    true,  pin),
            (Proven, Proof::Unasked, true,  elsewhere),
            (Proven, Proof::Fresh,   true,  person()),
        ];
        for (n, (identity, proof, agreed, want)) in table.into_iter().enumerate() {
            let surface = Surface::Home(RoomId::parse("h1").expect("fits"));
            let credential = CredentialId::parse("c1").expect("fits");
            let caller =
                Caller { surface, credential, person: PersonId::parse("p1").ok(), stay: None, proof, house: None };
            let scope = Some(Scope::Medicines);
            let task = Task { intent: "x", data: DataClass::Identifiable, effect: Effect::Read, identity, scope };
            let given: &[Scope] = if agreed { &[Scope::Medicines] } else { &[] };
            assert_eq!(decide(&task, &caller, given), want, "line {n}");
            let third = Caller { surface: Surface::ThirdParty, ..caller };
            assert_eq!(
                decide(&task, &third, given),
                Decision::Refuse(Reason::ThirdParty),
                "line {n}: no PIN on a third-party channel"
            );
        }
    }
}
