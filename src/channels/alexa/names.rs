//! Names of conversations and turns, made of the platform's, so that a request that comes twice acts once.

use sha2::{Digest as _, Sha256};

use super::request::Asked;
use crate::policy::{SessionId, TurnId};

/// The conversation and the turn of a request. The platform's own names are not kept, only what follows from them.
pub(super) fn of(asked: &Asked) -> (Option<SessionId>, Option<TurnId>) {
    let skill = asked.skill.as_deref().unwrap_or_default();
    let session = asked.session.as_deref().and_then(|name| SessionId::parse(&derived("session", skill, name)).ok());
    let turn = asked.request.as_deref().and_then(|name| TurnId::parse(&derived("turn", skill, name)).ok());
    (session, turn)
}

fn derived(what: &str, skill: &str, name: &str) -> String {
    let mut hash = Sha256::new();
    for part in [what, skill, name] {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    let digits = hex::encode(hash.finalize());
    format!("alexa-{}", digits.get(..40).unwrap_or(&digits))
}
