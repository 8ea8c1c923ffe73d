//! What rings on a device: reminders that are due, and how much of them may be said there; and that there is news.
//!
//! Invariants: that something is due is all that is told of it before it is clear who is there, that others may hear it, and
//! that the medicine is none that is kept back; whatever names a medicine has its audit row first; in a hospital room, and for
//! somebody who stays in one, nothing rings; nor does it for a medicine that was stopped or paused, or was noted just before.

use jiff::Timestamp;

use super::{Core, chime::NEWS};
use crate::{
    actions::{Facts, Reminder},
    policy::{
        Around, Caller, DataClass, Effect, Event, Identity, Journal as _, JournalEntry, JournalError, Occasion, Permit,
        PersonId, Proof, Scope, SessionId, Surface, Task, Telling, TurnId, Verdict, WrongSubject, admit, telling,
    },
    records::{RecordsError, sensitive::Hush},
    speech::{Moment, ReplyError},
    store::StoreError,
};

/// The intent that stands in the audit trail where a reminder names a medicine.
const DUE: &str = "reminder.due";
/// Whose replies are said.
const REPLIES: &str = "reminder.list";

/// What a device sounds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sound {
    /// A reminder is due.
    Reminder,
    /// There is something new for somebody.
    News,
}

impl Sound {
    /// Its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Reminder => "reminder",
            Self::News => "news",
        }
    }
}

/// Something that is due.
pub struct Ring {
    /// What sounds.
    pub sound: Sound,
    /// The reminder; one word for news.
    pub id: String,
    /// Which of its times.
    pub at: Timestamp,
    /// What may be said.
    pub text: String,
    /// The same, for a voice.
    pub ssml: String,
}

/// Why nobody could be told what is due.
#[derive(Debug, thiserror::Error)]
pub enum DueError {
    /// The database or a key failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The records could not be read.
    #[error(transparent)]
    Records(#[from] RecordsError),
    /// The audit row could not be written; nothing was told.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// A reply is missing. A defect.
    #[error(transparent)]
    Reply(#[from] ReplyError),
    /// The permit is for somebody else. A defect; nothing was told.
    #[error(transparent)]
    WrongSubject(#[from] WrongSubject),
}

impl Core {
    /// What is due on a device: of everybody it belongs to, each time until it is said to have rung.
    ///
    /// # Errors
    /// See [`DueError`].
    pub async fn due(&self, caller: &Caller) -> Result<Vec<Ring>, DueError> {
        let now = self.ambient.now();
        let people = self.people_of(caller).await?;
        let mut all = Vec::new();
        for person in &people {
            if self.store.room_of(person).await?.is_some() {
                continue;
            }
            let rings =
                |r: &Reminder, orders: &[_], notes: &[_]| r.due(now).filter(|at| r.is_still_needed(*at, orders, notes));
            let due = self.store.due_reminders(person, now, rings).await?;
            if due.is_empty() {
                continue;
            }
            let named = match people.len() {
                1 => self.named(caller, person, now).await?,
                _ => Vec::new(),
            };
            for (id, at) in due {
                let facts = named.iter().find(|r| r.id == id).map_or_else(|| Facts::new("ring"), words);
                let moment = Moment { now, zone: self.zone.clone() };
                let said = self.replies.render(REPLIES, &facts, &moment)?;
                all.push(Ring { sound: Sound::Reminder, id, at, text: said.text, ssml: said.ssml });
            }
        }
        all.extend(self.chime(caller, &people, now).await?);
        Ok(all)
    }

    /// Notes that a device rang something. False where it is none of theirs, or was rung before.
    ///
    /// # Errors
    /// See [`DueError`].
    pub async fn rang(&self, caller: &Caller, id: &str, at: Timestamp) -> Result<bool, DueError> {
        let people = self.people_of(caller).await?;
        if id == NEWS {
            return self.chimed(caller, &people, at).await;
        }
        for person in people {
            if self.store.rung(&person, id, at).await? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Whose reminders ring there. A room is the hospital's.
    pub(super) async fn people_of(&self, caller: &Caller) -> Result<Vec<PersonId>, DueError> {
        Ok(match caller.surface {
            Surface::Home(_) => self.store.household(&caller.credential).await?,
            Surface::Chat => caller.person.clone().into_iter().collect(),
            Surface::Room(_) | Surface::ThirdParty => Vec::new(),
        })
    }

    /// The person's reminders as far as they may be named on this device now; none where they may not.
    async fn named(&self, caller: &Caller, person: &PersonId, now: Timestamp) -> Result<Vec<Reminder>, DueError> {
        let Some((agreed, has_pin)) = self.store.standing(person).await? else { return Ok(Vec::new()) };
        let home = matches!(caller.surface, Surface::Home(_));
        // Nobody says a PIN to a bell: whoever has one is not there before they do.
        if home && has_pin {
            return Ok(Vec::new());
        }
        let proof = if home { Proof::Unasked } else { Proof::Fresh };
        let caller = Caller { person: Some(person.clone()), proof, ..caller.clone() };
        let task = Task {
            intent: DUE,
            data: DataClass::Identifiable,
            effect: Effect::Read,
            identity: Identity::Pin,
            scope: Some(Scope::Medicines),
        };
        let mode = match caller.surface.room() {
            Some(room) => {
                let place = self.store.place(room).await?;
                place.rules.mode(&Around {
                    time: now.to_zoned(self.zone.clone()).time(),
                    roommate: self.store.anybody_in(&place.rules.shares).await?,
                    visitor: place.visitor.is_some_and(|until| now < until),
                })
            }
            None => crate::policy::Mode::Aloud,
        };
        if telling(&task, &caller.surface, mode, false) != Telling::Whole {
            return Ok(Vec::new());
        }
        let occasion = Occasion {
            session: SessionId::fresh(now, self.ambient.random()),
            turn: TurnId::fresh(now, self.ambient.random()),
            at: now,
        };
        match admit(&task, &caller, &agreed.uses.answer(), &occasion, &self.store).await? {
            Verdict::Allow(permit) => self.revealed(&caller, permit, home, now).await,
            _ => Ok(Vec::new()),
        }
    }

    async fn revealed(
        &self,
        caller: &Caller,
        permit: Permit,
        home: bool,
        now: Timestamp,
    ) -> Result<Vec<Reminder>, DueError> {
        let records = self.records.hushed(Hush { aloud: home, named: Vec::new() }, now);
        let reminders = records.reminders(permit.subject()).await?.reveal(&permit)?;
        let closing = JournalEntry {
            event: Event::Closed,
            subject: Some(permit.subject().clone()),
            actor: Some(caller.credential.clone()),
            intent: Some(DUE.to_owned()),
            channel: caller.surface.name(),
            session: None,
            turn: None,
            closes: Some(permit.entry()),
            outcome: Some("rang"),
            at: now,
        };
        self.store.append(closing).await?;
        Ok(reminders)
    }
}

/// Replies: `ring_of` (medicine), `ring_all`; `ring` where it may not be named.
fn words(reminder: &Reminder) -> Facts {
    match &reminder.medicine {
        Some(medicine) => Facts::new("ring_of").with("medicine", medicine),
        None => Facts::new("ring_all"),
    }
}
