//! How staff come to a [`Permit`]: as everybody else does, by a decision and a durable row first.

use jiff::Timestamp;

use super::{Event, Journal, JournalEntry, JournalError, Permit};
use crate::policy::{
    CredentialId, PersonId, RoomId, SessionId,
    staff::{Glass, Reach, Right, StaffMember, reach},
};

/// The channel that staff come through.
pub const STAFF: &str = "console";
/// A look at the record of somebody in one's own unit.
pub const UNIT_RECORD: &str = "staff.record";
/// A look at somebody else's, under broken glass; the row's conversation is the glass.
pub const GLASS_RECORD: &str = "staff.record.break-glass";

/// A look at a renewal that waits for one's word.
pub const RENEWALS: &str = "staff.renewals";
/// A look at a renewal that a pharmacy works on.
pub const FILLS: &str = "staff.fills";

/// What [`admit_staff`] answers.
pub enum StaffVerdict {
    /// Go on, for this person, once; under this glass, where there is some.
    Allow(Permit, Option<SessionId>),
    /// Not without breaking glass.
    BreakGlass,
    /// No.
    Refuse,
}

/// Decides whether a member of staff sees a person's record, and makes the row that opens the look durable first.
///
/// # Errors
/// When the audit row could not be written; nothing was permitted then.
pub async fn admit_staff<J: Journal + Sync>(
    staff: &StaffMember,
    subject: &PersonId,
    lies_in: Option<&RoomId>,
    glass: Option<&Glass>,
    now: Timestamp,
    journal: &J,
) -> Result<StaffVerdict, JournalError> {
    let decided = reach(staff, subject, lies_in, glass, now);
    let (event, intent, under) = match &decided {
        Reach::Unit => (Event::Opened, UNIT_RECORD, None),
        Reach::Under(glass) => (Event::Opened, GLASS_RECORD, Some(glass.clone())),
        Reach::BreakGlass | Reach::Refused => (Event::Refused, UNIT_RECORD, None),
    };
    let row = staff_row(event, &staff.member, Some(subject), intent, under.clone(), None, now);
    let entry = journal.append(row).await?;
    Ok(match decided {
        Reach::Unit | Reach::Under(_) => StaffVerdict::Allow(Permit { subject: subject.clone(), entry }, under),
        Reach::BreakGlass => StaffVerdict::BreakGlass,
        Reach::Refused => StaffVerdict::Refuse,
    })
}

/// Lets a member of staff at one request that is theirs to work on, and at what it takes to decide it; the row that opens
/// the look is durable first. That it is theirs, the caller found out. `None` for whoever has not the right.
///
/// # Errors
/// When the audit row could not be written; nothing was permitted then.
pub async fn admit_renewal<J: Journal + Sync>(
    staff: &StaffMember,
    right: Right,
    subject: &PersonId,
    now: Timestamp,
    journal: &J,
) -> Result<Option<Permit>, JournalError> {
    let intent = match right {
        Right::Renewals => RENEWALS,
        Right::Fills => FILLS,
        _ => return Ok(None),
    };
    let may = staff.may(right);
    let event = if may { Event::Opened } else { Event::Refused };
    let entry = journal.append(staff_row(event, &staff.member, Some(subject), intent, None, None, now)).await?;
    Ok(may.then(|| Permit { subject: subject.clone(), entry }))
}

/// An audit row about what a member of staff does.
#[must_use]
pub fn staff_row(
    event: Event,
    member: &CredentialId,
    subject: Option<&PersonId>,
    intent: &str,
    under: Option<SessionId>,
    outcome: Option<&'static str>,
    at: Timestamp,
) -> JournalEntry {
    JournalEntry {
        event,
        subject: subject.cloned(),
        actor: Some(member.clone()),
        intent: Some(intent.to_owned()),
        channel: STAFF,
        session: under,
        turn: None,
        closes: None,
        outcome,
        at,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::{EntryId, staff::Role};

    /// A journal that counts, or whose disk is full.
    struct Rows(std::sync::Mutex<Vec<JournalEntry>>, bool);

    impl Journal for Rows {
        async fn append(&self, entry: JournalEntry) -> Result<EntryId, JournalError> {
            if self.1 {
                return Err(JournalError("no space".into()));
            }
            let mut rows = self.0.lock().expect("whole");
            rows.push(entry);
            Ok(EntryId(rows.len() as i64))
        }
    }

    #[tokio::test]
    async fn a_request_is_shown_to_whoever_has_the_right_and_after_its_row() {
        let subject = PersonId::parse("p").expect("fits");
        let now = Timestamp::UNIX_EPOCH;
        for (role, right, shown) in [
            (Role::Clinician, Right::Renewals, true),
            (Role::Clinician, Right::Fills, false),
            (Role::Pharmacist, Right::Fills, true),
            (Role::Pharmacist, Right::Renewals, false),
            (Role::Nurse, Right::Renewals, false),
            (Role::Clinician, Right::Record, false),
        ] {
            let staff =
                StaffMember { member: CredentialId::parse("m").expect("fits"), roles: vec![role], rooms: vec![] };
            let rows = Rows(std::sync::Mutex::default(), false);
            let permit = admit_renewal(&staff, right, &subject, now, &rows).await.expect("written");
            assert_eq!(permit.is_some_and(|p| p.subject() == &subject), shown, "{role:?} {right:?}");
            let rows = rows.0.into_inner().expect("whole");
            let told: Vec<bool> = rows.iter().map(|row| row.event == Event::Opened).collect();
            assert_eq!(told, if right == Right::Record { vec![] } else { vec![shown] }, "{role:?} {right:?}");
            let full = Rows(std::sync::Mutex::default(), true);
            let lost = admit_renewal(&staff, right, &subject, now, &full).await;
            assert!(lost.is_ok_and(|p| p.is_none()) == (right == Right::Record), "no row, no permit");
        }
    }

    #[tokio::test]
    async fn a_look_and_a_refusal_are_rows_before_they_are_answers() {
        let member = CredentialId::parse("m").expect("fits");
        let (subject, room) = (PersonId::parse("p").expect("fits"), RoomId::parse("r").expect("fits"));
        let now = Timestamp::UNIX_EPOCH;
        let staff = StaffMember { member: member.clone(), roles: vec![Role::Nurse], rooms: vec![room.clone()] };
        let glass = Glass {
            id: SessionId::parse("g").expect("fits"),
            member,
            subject: subject.clone(),
            until: now + jiff::SignedDuration::from_mins(1),
        };
        for (lies_in, glass, event, intent, under) in [
            (Some(&room), None, Event::Opened, UNIT_RECORD, None),
            (None, Some(&glass), Event::Opened, GLASS_RECORD, Some("g")),
            (None, None, Event::Refused, UNIT_RECORD, None),
        ] {
            let rows = Rows(std::sync::Mutex::default(), false);
            let verdict = admit_staff(&staff, &subject, lies_in, glass, now, &rows).await.expect("written");
            assert_eq!(matches!(verdict, StaffVerdict::Allow(..)), event == Event::Opened);
            if let StaffVerdict::Allow(permit, _) = verdict {
                assert_eq!((permit.subject(), permit.entry()), (&subject, EntryId(1)));
            }
            let rows = rows.0.into_inner().expect("whole");
            assert_eq!(rows.len(), 1);
            assert_eq!((rows[0].event, rows[0].intent.as_deref()), (event, Some(intent)));
            assert_eq!(rows[0].session.as_ref().map(|s| s.as_str()), under, "every look names its glass");
            let full = Rows(std::sync::Mutex::default(), true);
            assert!(admit_staff(&staff, &subject, lies_in, glass, now, &full).await.is_err(), "no row, no permit");
        }
    }
}
