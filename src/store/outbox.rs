//! Changes on their way to the server where a person's records live.
//!
//! Invariants: a row is written in the transaction of the turn that said it; it is sent by whoever holds its lease, and no
//! later change of the same thing before it; a lease that ran out is anybody's, so nothing is lost with a process; how it
//! ended, what is undone for it, the answer of the turn that waits for it or the notice that tells of it are one commit. A
//! row that is not settled is deleted by nothing but the end of its person's key, and by staff.

mod desk;

pub use desk::{OutboxCounts, OutboxRow};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use sqlx::{Row, any::AnyRow};
use zeroize::Zeroizing;

use super::{
    Place, Store, TurnCommit,
    error::StoreError,
    job::{JobError, Refusal, Step},
    keys::{KeyError, KeyOwner},
    notice::NewNotice,
};
use crate::{
    policy::{EntryId, Event, JournalEntry, OUTBOX, PersonId, Phi},
    records::outgoing::{Goes, Outgoing, Trouble, goes},
};

/// What is sealed of a row.
#[derive(Serialize, Deserialize)]
struct Sealed {
    person: String,
    change: Outgoing,
}

/// A row that this process may send, until its lease runs out.
pub struct Claimed {
    /// The row.
    pub row: Claim,
    /// The change.
    pub change: Phi<Outgoing>,
}

/// A claim to a row.
pub struct Claim {
    /// The change's own name.
    pub id: String,
    /// Whose change it is.
    pub person: PersonId,
    /// Its kind: `renew`, `book`, …
    pub kind: &'static str,
    /// When it was said.
    pub created: Timestamp,
    /// How often it was tried, this time included.
    pub attempts: u32,
    holder: String,
}

/// Which row to send.
#[derive(Clone, Copy)]
pub enum Which<'a> {
    /// This one.
    This(&'a str),
    /// The one that is due for longest.
    Due,
}

/// An attempt, and how it ended.
pub struct Attempted {
    /// The row.
    pub row: Claim,
    /// The change.
    pub change: Outgoing,
    /// The row of the trail that opened the attempt.
    pub opened: EntryId,
    /// How it ended.
    pub how: How,
    /// What the person is told of it later; `None` where they hear it now, or there is nothing to hear yet.
    pub notice: Option<NewNotice>,
}

/// How an attempt ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum How {
    /// The server has it.
    Delivered,
    /// It will never have it.
    Refused(Trouble),
    /// It is tried again at that time.
    Later(Trouble, Timestamp),
}

/// The answer of a turn, as it is now true.
pub struct Amended<'a> {
    /// The turn as it was committed, with the new answer and the new state of the conversation in it.
    pub turn: &'a TurnCommit,
}

/// May be taken: it is due, or its lease ran out; and nothing earlier of the same thing is open.
const CLAIMABLE: &str = "SELECT o.id AS id FROM outbox o WHERE (o.id = $1 OR $1 = '') \
    AND ((o.state = 'waiting' AND o.due <= $2) OR (o.state = 'sending' AND o.lease <= $2)) \
    AND NOT EXISTS (SELECT 1 FROM outbox e WHERE e.owner = o.owner AND e.thing = o.thing \
    AND e.place < o.place AND e.state IN ('waiting', 'sending')) ORDER BY o.due, o.place LIMIT 1";

const CLAIM: &str = "UPDATE outbox SET state = 'sending', lease = $3, holder = $4, attempts = attempts + 1 WHERE id = $1 \
    AND ((state = 'waiting' AND due <= $2) OR (state = 'sending' AND lease <= $2)) \
    AND NOT EXISTS (SELECT 1 FROM outbox e WHERE e.owner = outbox.owner AND e.thing = outbox.thing \
    AND e.place < outbox.place AND e.state IN ('waiting', 'sending'))";

impl Store {
    /// The statement by which a change goes on its way, where it goes anywhere; `n` is its place among those of the turn.
    pub(super) fn outbox_step(
        &self,
        person: &PersonId,
        change: &crate::actions::Change,
        id: &str,
        n: usize,
        at: Timestamp,
    ) -> Result<Option<Step>, StoreError> {
        let Goes::Out(change) = goes(change) else { return Ok(None) };
        let (kind, thing) = (change.kind(), change.thing(id));
        let plain = Sealed { person: person.as_str().to_owned(), change };
        let plain = Zeroizing::new(serde_json::to_vec(&plain).unwrap_or_default());
        let (owner, sealed) = self.seal(&KeyOwner::Person(person.clone()), "outbox", "sealed", id, &plain)?;
        let thing = self.inner.keys.root().hash("outbox", &[owner.as_bytes(), thing.as_bytes()]);
        Ok(Some(Step::new(
            "INSERT INTO outbox (id, owner, thing, place, kind, state, attempts, created, due, lease, holder, reason, sealed) \
             VALUES ($1, $2, $3, (SELECT COALESCE(MAX(place), 0) + 1 FROM outbox WHERE owner = $2) + $4, $5, 'waiting', 0, \
             $6, $6, 0, '', '', $7)",
            vec![
                id.into(),
                owner.into(),
                thing.into(),
                i64::try_from(n).unwrap_or(0).into(),
                kind.into(),
                at.as_microsecond().into(),
                sealed.into(),
            ],
        )))
    }

    /// Takes a row to send it, for so long. `None` where there is none that may be taken now. A row whose person's key is
    /// gone ends here; one that does not open ends as refused.
    ///
    /// # Errors
    /// When the database or the key store fails.
    pub async fn claim(
        &self,
        which: Which<'_>,
        lease: SignedDuration,
        now: Timestamp,
    ) -> Result<Option<Claimed>, StoreError> {
        let wanted = match which {
            Which::This(id) => id,
            Which::Due => "",
        };
        // Another process may be quicker with one; then there may be a next.
        loop {
            let values = [wanted.into(), now.as_microsecond().into()];
            let Some(row) = self.inner.database.ask_one(CLAIMABLE, &values).await? else { return Ok(None) };
            let id: String = row.try_get("id")?;
            let holder = hex::encode(self.random::<16>()?);
            let until = now.checked_add(lease).unwrap_or(Timestamp::MAX);
            let claim = Step::new(
                CLAIM,
                vec![
                    id.as_str().into(),
                    now.as_microsecond().into(),
                    until.as_microsecond().into(),
                    holder.as_str().into(),
                ],
            )
            .or_nothing(Refusal::NotThere);
            match self.inner.writer.submit(vec![claim], vec![]).await {
                Ok(_) => {}
                Err(JobError::Refused(_)) if wanted.is_empty() => continue,
                Err(JobError::Refused(_)) => return Ok(None),
                Err(error) => return Err(error.into()),
            }
            if let Some(claimed) = self.opened(&id, holder, now).await? {
                return Ok(Some(claimed));
            }
            if !wanted.is_empty() {
                return Ok(None);
            }
        }
    }

    /// What is in a row that was taken.
    async fn opened(&self, id: &str, holder: String, now: Timestamp) -> Result<Option<Claimed>, StoreError> {
        let row = "SELECT owner, attempts, created, sealed FROM outbox WHERE id = $1 AND holder = $2";
        let Some(row) = self.inner.database.ask_one(row, &[id.into(), holder.as_str().into()]).await? else {
            return Ok(None);
        };
        let owner: String = row.try_get("owner")?;
        let place = Place { table: "outbox", column: "sealed", row: id, owner: &owner };
        let sealed = match self.unseal(place, &row.try_get::<Vec<u8>, _>("sealed")?) {
            Ok(plain) => serde_json::from_slice::<Sealed>(&plain).ok(),
            Err(StoreError::Key(error)) if matches!(*error, KeyError::Gone) => {
                let gone = Step::new("DELETE FROM outbox WHERE id = $1", vec![id.into()]);
                self.inner.writer.submit(vec![gone], vec![]).await?;
                return Ok(None);
            }
            Err(StoreError::Damaged(_)) => None,
            Err(error) => return Err(error),
        };
        let Some(Sealed { person, change }) = sealed else {
            let end = Self::outbox_ends(id, &holder, "refused", Trouble::Unreadable.name(), now);
            self.inner.writer.submit(vec![end], vec![]).await?;
            return Ok(None);
        };
        let person = super::people::person_id(&person)?;
        let claim = Claim {
            id: id.to_owned(),
            person: person.clone(),
            kind: change.kind(),
            created: time(&row, "created")?,
            attempts: u32::try_from(row.try_get::<i64, _>("attempts")?).unwrap_or(u32::MAX),
            holder,
        };
        Ok(Some(Claimed { row: claim, change: Phi::new(person, change) }))
    }

    /// Writes down how attempts ended: in one commit with the answer that a turn now gives, and with the notices that tell
    /// of it otherwise. What a refused change did here is undone. Nothing is written where another process holds one of
    /// the rows by now: it will tell.
    ///
    /// # Errors
    /// [`StoreError::NotPossible`] where another process holds one of them, or when the database or a key fails.
    pub async fn attempted(
        &self,
        attempts: Vec<Attempted>,
        amended: Option<Amended<'_>>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let (mut steps, mut rows) = (Vec::new(), Vec::new());
        for Attempted { row, change, opened, how, notice } in attempts {
            let outcome = match how {
                How::Delivered => {
                    steps.push(Self::outbox_ends(&row.id, &row.holder, "delivered", "", now));
                    "delivered"
                }
                How::Refused(why) => {
                    // First of all: whoever lost the lease undoes nothing.
                    steps.push(Self::outbox_ends(&row.id, &row.holder, "refused", why.name(), now));
                    steps.extend(undone(&change, &row.id, why));
                    steps.extend(self.visit_refused(&row.person, &change, why.conflict())?);
                    why.name()
                }
                How::Later(why, due) => {
                    steps.push(
                        Step::new(
                            "UPDATE outbox SET state = 'waiting', due = $3, lease = 0, holder = '', reason = $4 \
                             WHERE id = $1 AND holder = $2 AND state = 'sending'",
                            vec![
                                row.id.as_str().into(),
                                row.holder.as_str().into(),
                                due.as_microsecond().into(),
                                why.name().into(),
                            ],
                        )
                        .or_nothing(Refusal::NotThere),
                    );
                    why.name()
                }
            };
            if let Some(notice) = notice {
                steps.push(self.notice_step(&row.person, &notice, now)?);
            }
            rows.push(self.draft(&closing(row.person, change.kind(), opened, outcome, now), None)?);
        }
        if let Some(amended) = amended {
            steps.extend(self.amend_steps(amended.turn)?);
        }
        self.inner.writer.submit(steps, rows).await?;
        Ok(())
    }

    /// The row is settled. What was sealed of a change that arrived is on the server now, and goes here.
    fn outbox_ends(id: &str, holder: &str, state: &'static str, reason: &'static str, now: Timestamp) -> Step {
        Step::new(
            "UPDATE outbox SET state = $3, reason = $4, settled = $5, lease = 0, holder = '', \
             sealed = CASE WHEN $3 = 'delivered' THEN $6 ELSE sealed END \
             WHERE id = $1 AND holder = $2 AND state = 'sending'",
            vec![id.into(), holder.into(), state.into(), reason.into(), now.as_microsecond().into(), vec![].into()],
        )
        .or_nothing(Refusal::NotThere)
    }
}

/// The row of the trail that closes an attempt.
fn closing(
    person: PersonId,
    kind: &'static str,
    opened: EntryId,
    outcome: &'static str,
    at: Timestamp,
) -> JournalEntry {
    JournalEntry {
        event: Event::Sent,
        subject: Some(person),
        actor: None,
        intent: Some(kind.to_owned()),
        channel: OUTBOX,
        session: None,
        turn: None,
        closes: Some(opened),
        outcome: Some(outcome),
        at,
    }
}

/// What is taken back here of a change that the server will never have.
fn undone(change: &Outgoing, id: &str, why: Trouble) -> Vec<Step> {
    match change {
        Outgoing::Renew { .. } => {
            // Neither at a pharmacy nor before a prescriber is what never came there; left open it would keep the person from
            // asking again.
            let asked = "DELETE FROM renewal WHERE id = $1 AND state IN ('requested', 'prescriber_asked')";
            vec![Step::new(asked, vec![id.into()])]
        }
        Outgoing::Book { slot, .. } => {
            let visit = Step::new("DELETE FROM visit WHERE id = $1", vec![id.into()]);
            // Whoever was first on the server has the time: whether it is ever free again, the next reading tells. Where
            // nobody was first, it is to be had again.
            let time = if why.conflict() {
                "DELETE FROM slot WHERE id = $1 AND free = 0"
            } else {
                "UPDATE slot SET free = 1 WHERE id = $1"
            };
            vec![visit, Step::new(time, vec![slot.id.as_str().into()])]
        }
        // In `visits`, where the row of a visit is known by another name.
        Outgoing::Cancel { .. } | Outgoing::Move { .. } | Outgoing::Arrive { .. } => vec![],
        // What people report is noted here, whoever else takes it.
        Outgoing::Reading { .. } | Outgoing::Correct { .. } | Outgoing::Taken { .. } | Outgoing::Message { .. } => {
            vec![]
        }
    }
}

fn time(row: &AnyRow, column: &'static str) -> Result<Timestamp, StoreError> {
    Timestamp::from_microsecond(row.try_get(column)?).map_err(|_| StoreError::Damaged(format!("outbox.{column}")))
}
