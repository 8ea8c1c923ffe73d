//! Codes and PINs of whoever is on a page of their own.

use jiff::Timestamp;

use super::program::Program;
use crate::{
    channels::{PinChange, Secrets, Soon, Unavailable},
    policy::{Caller, Event, JournalEntry, may_be_pin},
    store::{CODE_LASTS, PinTried, StoreError},
};

impl Secrets for Program {
    fn make_code<'a>(&'a self, caller: &'a Caller) -> Soon<'a, Result<(String, Timestamp), Unavailable>> {
        Box::pin(async move {
            let now = self.app().ambient().now();
            let code = self.app().store().make_code(&row(caller, now), now).await.map_err(|e| unavailable(&e))?;
            Ok((code.to_string(), now + CODE_LASTS))
        })
    }

    fn set_pin<'a>(
        &'a self,
        caller: &'a Caller,
        current: Option<&'a str>,
        new: &'a str,
    ) -> Soon<'a, Result<PinChange, Unavailable>> {
        Box::pin(async move {
            let (store, now) = (self.app().store(), self.app().ambient().now());
            let entry = row(caller, now);
            let Some(person) = &caller.person else { return Err(Unavailable) };
            let born = store.born(person).await.map_err(|e| unavailable(&e))?;
            if let Err(why) = may_be_pin(new, born, self.app().config().hear.pin_digits) {
                return Ok(PinChange::Weak(why));
            }
            let tried = store.set_pin(person, current, new, &entry, now).await.map_err(|e| unavailable(&e))?;
            Ok(match tried {
                PinTried::Fits => PinChange::Done,
                PinTried::Wrong | PinTried::NoPin | PinTried::NoneSet => PinChange::Wrong,
                PinTried::Locked(_) | PinTried::Shut => PinChange::Locked,
            })
        })
    }
}

fn row(caller: &Caller, at: Timestamp) -> JournalEntry {
    JournalEntry {
        event: Event::Identified,
        subject: caller.person.clone(),
        actor: Some(caller.credential.clone()),
        intent: None,
        channel: caller.surface.name(),
        session: None,
        turn: None,
        closes: None,
        outcome: None,
        at,
    }
}

fn unavailable(error: &StoreError) -> Unavailable {
    tracing::error!(%error, "a code or a PIN could not be set");
    Unavailable
}
