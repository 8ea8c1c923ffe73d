//! Permission as a value.
//!
//! Invariant: no [`Permit`] without a durable audit row. [`admit`] decides by the rule table, writes the row
//! through the [`Journal`], and only then mints the permit. A permit is for one person and one turn, and an
//! action consumes it. Deliberately absent: any other constructor, `Clone`, `Default`, `Deserialize`.

mod delivery;
mod staff;

use std::future::Future;

use jiff::Timestamp;

use super::{
    Caller, CredentialId, DataClass, Decision, Effect, Identity, PersonId, Scope, SessionId, Task, Trust, TurnId,
    decide,
};

pub use delivery::{OUTBOX, admit_delivery};
pub use staff::{
    FILLS, GLASS_RECORD, RENEWALS, STAFF, StaffVerdict, UNIT_RECORD, admit_renewal, admit_staff, staff_row,
};

/// Permission to disclose or change one person's data in one turn.
#[must_use = "a permit that no action consumes is an audited disclosure that never happened"]
pub struct Permit {
    subject: PersonId,
    entry: EntryId,
}

impl Permit {
    /// Whose data it opens.
    #[must_use]
    pub const fn subject(&self) -> &PersonId {
        &self.subject
    }

    /// The audit row that opened the disclosure; the closing row names it.
    #[must_use]
    pub const fn entry(&self) -> EntryId {
        self.entry
    }
}

/// Permission to let a person's own medicine and provider names help recognition, for one session.
pub struct RecognitionPermit {
    subject: PersonId,
}

impl RecognitionPermit {
    /// Whose names it opens.
    #[must_use]
    pub const fn subject(&self) -> &PersonId {
        &self.subject
    }
}

/// Proof that an enrolled device asks; carries the place, never a person.
#[must_use = "a pass that no action consumes"]
pub struct RoomPass {
    caller: Caller,
}

impl RoomPass {
    /// Where the device stands; `None` for the organization's own app.
    #[must_use]
    pub const fn room(&self) -> Option<&super::RoomId> {
        self.caller.surface.room()
    }

    /// The device's surface.
    #[must_use]
    pub const fn surface(&self) -> &super::Surface {
        &self.caller.surface
    }
}

/// Position of a row in the audit chain, from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EntryId(pub i64);

/// What [`admit`] answers.
pub enum Verdict {
    /// Go on, for this person, in this turn.
    Allow(Permit),
    /// Go on for the room, with no person.
    AllowRoom(RoomPass),
    /// Go on, with nothing that needs permission.
    AllowPublic,
    /// Ask this first.
    StepUp(Question),
    /// Say no, in a way that confirms nothing.
    Refuse(Reason),
    /// Hand over to a person.
    Escalate,
}

/// What must be answered before a task may go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Question {
    /// Nobody is known to be there.
    WhoIsSpeaking,
    /// The person has a PIN and has not said it lately.
    Pin,
    /// This needs a PIN or a sign-in, and the person has none here.
    Elsewhere,
    /// The person has not agreed to this use.
    Consent(Scope),
    /// Others may hear the answer.
    Aloud,
}

/// Why a task may not go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// Identifiable or room data on a channel of somebody else's.
    ThirdParty,
    /// No enrolled device asks.
    NoDevice,
}

/// What an audit row tells. Everything about the person is sealed under their key by the journal.
#[derive(Clone)]
pub struct JournalEntry {
    /// What happened.
    pub event: Event,
    /// Whose data; `None` where nobody's.
    pub subject: Option<PersonId>,
    /// Who asked, as a keyed hash; `None` on a third-party channel.
    pub actor: Option<CredentialId>,
    /// The intent; `None` on a third-party channel.
    pub intent: Option<String>,
    /// The channel's name.
    pub channel: &'static str,
    /// The conversation, where there is one; for staff, the broken glass they look under.
    pub session: Option<SessionId>,
    /// The turn, where there is one.
    pub turn: Option<TurnId>,
    /// The row this one closes.
    pub closes: Option<EntryId>,
    /// How it ended, as a word: `answered`, `done`, …
    pub outcome: Option<&'static str>,
    /// When.
    pub at: Timestamp,
}

/// The kinds of audit row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event {
    /// A disclosure or change is about to happen.
    Opened,
    /// Names were let out for recognition.
    Recognized,
    /// A turn ended, with what it did.
    Closed,
    /// A task was refused.
    Refused,
    /// An emergency or a call for the nurse was recorded.
    Urgent,
    /// Records came in.
    Imported,
    /// A person's agreement changed.
    ConsentChanged,
    /// A credential was issued or withdrawn.
    Credential,
    /// Staff or a counterpart moved a request on.
    Progressed,
    /// The master key was rotated, or a key destroyed.
    Keys,
    /// Somebody read the audit trail by name.
    AuditRead,
    /// Somebody showed, or failed to show, who they are.
    Identified,
    /// What nobody needs any more was deleted.
    Forgotten,
    /// A legal hold was placed or lifted.
    Hold,
    /// A member of staff broke glass to somebody's record.
    GlassBroken,
    /// Something was put before those who look into such things, or settled by one of them.
    Reviewed,
    /// The database was copied, restored, or read for a drill.
    Backup,
    /// Counts of what many people said were released, or what they would have been made of was deleted.
    Patterns,
    /// Records of another organization were connected, or no longer are.
    Connection,
    /// The promises were checked.
    Checked,
    /// A change is sent to the server where the person's records live, or its way there ended.
    Sent,
    /// A stay began or ended, or what tells of it was read or settled.
    Stay,
    /// A place or a device of the fleet was changed, or spoken to all of.
    Fleet,
}

impl Event {
    /// All of them.
    pub const ALL: [Self; 23] = [
        Self::Opened,
        Self::Recognized,
        Self::Closed,
        Self::Refused,
        Self::Urgent,
        Self::Imported,
        Self::ConsentChanged,
        Self::Credential,
        Self::Progressed,
        Self::Keys,
        Self::AuditRead,
        Self::Identified,
        Self::Forgotten,
        Self::Hold,
        Self::GlassBroken,
        Self::Reviewed,
        Self::Backup,
        Self::Patterns,
        Self::Connection,
        Self::Checked,
        Self::Sent,
        Self::Stay,
        Self::Fleet,
    ];

    /// The kind of that word.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|event| event.name() == name)
    }

    /// The word kept in the chain.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Opened => "opened",
            Self::Recognized => "recognized",
            Self::Closed => "closed",
            Self::Refused => "refused",
            Self::Urgent => "urgent",
            Self::Imported => "imported",
            Self::ConsentChanged => "consent",
            Self::Credential => "credential",
            Self::Progressed => "progressed",
            Self::Keys => "keys",
            Self::AuditRead => "audit-read",
            Self::Identified => "identified",
            Self::Forgotten => "forgotten",
            Self::Hold => "hold",
            Self::GlassBroken => "glass-broken",
            Self::Reviewed => "reviewed",
            Self::Backup => "backup",
            Self::Patterns => "patterns",
            Self::Connection => "connection",
            Self::Checked => "checked",
            Self::Sent => "sent",
            Self::Stay => "stay",
            Self::Fleet => "fleet",
        }
    }
}

/// The journal could not make a row durable; nothing was permitted.
#[derive(Debug, thiserror::Error)]
#[error("the audit journal could not be written: {0}")]
pub struct JournalError(pub String);

/// Where audit rows go. Kept as a trait so that policy depends on nothing.
pub trait Journal {
    /// Makes one row durable and gives its place in the chain.
    ///
    /// # Errors
    /// When the row did not reach the disk; the caller must not go on.
    fn append(&self, entry: JournalEntry) -> impl Future<Output = Result<EntryId, JournalError>> + Send;
}

/// Which conversation and turn a task belongs to.
#[derive(Debug, Clone)]
pub struct Occasion {
    /// The conversation.
    pub session: SessionId,
    /// The turn.
    pub turn: TurnId,
    /// When.
    pub at: Timestamp,
}

/// Decides a task and, where it is allowed on a person's data, makes the opening audit row durable first.
///
/// # Errors
/// When the audit row could not be written; the task must not go on.
pub async fn admit<J: Journal + Sync>(
    task: &Task<'_>,
    caller: &Caller,
    consent: &[Scope],
    occasion: &Occasion,
    journal: &J,
) -> Result<Verdict, JournalError> {
    Ok(match decide(task, caller, consent) {
        Decision::Public => Verdict::AllowPublic,
        Decision::Room => Verdict::AllowRoom(RoomPass { caller: caller.clone() }),
        Decision::Person(subject) => {
            let entry = journal.append(row(Event::Opened, Some(&subject), task, caller, occasion)).await?;
            Verdict::Allow(Permit { subject, entry })
        }
        Decision::Ask(question) => {
            journal.append(row(Event::Refused, caller.person.as_ref(), task, caller, occasion)).await?;
            Verdict::StepUp(question)
        }
        Decision::Refuse(reason) => {
            journal.append(row(Event::Refused, caller.person.as_ref(), task, caller, occasion)).await?;
            Verdict::Refuse(reason)
        }
    })
}

/// Permits a person's own names to help recognition in this session, if they are known, on a first-party
/// channel and have agreed that the names of their medicines or visits help hearing (`heard_by`).
///
/// # Errors
/// When the audit row could not be written.
pub async fn admit_recognition<J: Journal + Sync>(
    caller: &Caller,
    heard_by: &[Scope],
    occasion: &Occasion,
    journal: &J,
) -> Result<Option<RecognitionPermit>, JournalError> {
    let identity = Identity::Known;
    let task =
        Task { intent: "recognition", data: DataClass::Identifiable, effect: Effect::Read, identity, scope: None };
    let agreed = heard_by.contains(&Scope::Medicines) || heard_by.contains(&Scope::Visits);
    let Decision::Person(subject) = decide(&task, caller, heard_by) else { return Ok(None) };
    if !agreed {
        return Ok(None);
    }
    journal.append(row(Event::Recognized, Some(&subject), &task, caller, occasion)).await?;
    Ok(Some(RecognitionPermit { subject }))
}

/// On a third-party channel a row carries neither the intent, nor who asked, nor about whom.
fn row(
    event: Event,
    subject: Option<&PersonId>,
    task: &Task<'_>,
    caller: &Caller,
    occasion: &Occasion,
) -> JournalEntry {
    let first_party = caller.surface.trust() == Trust::FirstParty;
    JournalEntry {
        event,
        subject: subject.filter(|_| first_party).cloned(),
        actor: first_party.then(|| caller.credential.clone()),
        intent: first_party.then(|| task.intent.to_owned()),
        channel: caller.surface.name(),
        session: first_party.then(|| occasion.session.clone()),
        turn: first_party.then(|| occasion.turn.clone()),
        closes: None,
        outcome: None,
        at: occasion.at,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::{Proof, Surface};

    /// A journal whose disk is full.
    struct Full;

    impl Journal for Full {
        async fn append(&self, _: JournalEntry) -> Result<EntryId, JournalError> {
            Err(JournalError("no space".into()))
        }
    }

    #[tokio::test]
    async fn without_a_durable_row_there_is_no_permit() {
        let caller = Caller {
            surface: Surface::Chat,
            credential: CredentialId::parse("c").expect("fits"),
            person: PersonId::parse("p").ok(),
            stay: None,
            proof: Proof::None,
            house: None,
        };
        let occasion = Occasion {
            session: SessionId::parse("s").expect("fits"),
            turn: TurnId::parse("t").expect("fits"),
            at: Timestamp::UNIX_EPOCH,
        };
        let data = DataClass::Identifiable;
        let (identity, scope) = (Identity::Known, Some(Scope::Medicines));
        let task = Task { intent: "x", data, effect: Effect::Read, identity, scope };
        assert!(admit(&task, &caller, &Scope::ALL, &occasion, &Full).await.is_err(), "a disclosure");
        assert!(admit(&task, &caller, &[], &occasion, &Full).await.is_err(), "a refusal is audited too");
        assert!(admit_recognition(&caller, &Scope::ALL, &occasion, &Full).await.is_err(), "recognition");
        let public = Task { data: DataClass::Public, ..task };
        assert!(matches!(admit(&public, &caller, &[], &occasion, &Full).await, Ok(Verdict::AllowPublic)));
    }
}
