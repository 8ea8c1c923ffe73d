//! The person's own names, let out to help hearing and understanding: one audited permit a session.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use jiff::{SignedDuration, Timestamp};

use super::{Turn, TurnError};
use crate::nlu::Slots;
use crate::policy::{NameLists, PersonId, Scope, SessionId, admit_recognition};
use crate::records::RecordsError;

/// Sessions whose names are remembered at once; the oldest half goes when there are more.
const SESSIONS: usize = 4096;

/// How long names are remembered before they are asked for again.
const LASTS: SignedDuration = SignedDuration::from_mins(10);

/// A cache of what the recognition permits opened. Lost at a restart, and asked for again.
#[derive(Default)]
pub struct Recognized {
    sessions: Mutex<HashMap<SessionId, Entry>>,
}

struct Entry {
    person: PersonId,
    consent: Vec<Scope>,
    names: NameLists,
    at: Timestamp,
}

impl Recognized {
    fn get(&self, session: &SessionId, person: &PersonId, consent: &[Scope], now: Timestamp) -> Option<NameLists> {
        let sessions = self.sessions.lock().unwrap_or_else(PoisonError::into_inner);
        let entry = sessions.get(session)?;
        let fits = entry.person == *person && entry.consent == consent && now.duration_since(entry.at).abs() <= LASTS;
        fits.then(|| entry.names.clone())
    }

    fn put(&self, session: SessionId, entry: Entry) {
        let mut sessions = self.sessions.lock().unwrap_or_else(PoisonError::into_inner);
        if sessions.len() >= SESSIONS {
            let mut times: Vec<_> = sessions.values().map(|e| e.at).collect();
            times.sort_unstable();
            let middle = times[times.len() / 2];
            sessions.retain(|_, e| e.at > middle);
        }
        sessions.insert(session, entry);
    }
}

impl Turn<'_> {
    /// The names of the person who is there; none where nobody is known or nothing was agreed to.
    pub(super) async fn names(&self) -> Result<NameLists, TurnError> {
        let Some(person) = self.caller.person.clone() else { return Ok(NameLists::default()) };
        let heard_by = self.agreed.uses.recognize();
        if let Some(names) = self.core.recognized.get(&self.session, &person, &heard_by, self.now) {
            return Ok(names);
        }
        let permit = admit_recognition(&self.caller, &heard_by, &self.occasion(), &self.core.store).await?;
        let Some(permit) = permit else { return Ok(NameLists::default()) };
        // A protected name would show itself by being understood.
        let hushed = self.core.records.within(&self.budget).hushed(self.hush(&Slots::new()), self.now);
        let names = match hushed.names(&person).await {
            // Hearing goes on without them; what needs the records says so.
            Err(RecordsError::Unreachable | RecordsError::NotHeld) => return Ok(NameLists::default()),
            names => names?,
        };
        let mut names = names.recognize(&permit).map_err(crate::actions::ActionError::from)?;
        if !heard_by.contains(&Scope::Medicines) {
            names.medicines.clear();
        }
        if !heard_by.contains(&Scope::Visits) {
            names.providers.clear();
        }
        let entry = Entry { person, consent: heard_by, names: names.clone(), at: self.now };
        self.core.recognized.put(self.session.clone(), entry);
        Ok(names)
    }
}
