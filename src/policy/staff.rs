//! What staff may do: role × right, and which people a member of staff may see. Pure.
//!
//! Invariant: a [`StaffMember`] is built only where a session has been verified, and is no [`super::Caller`]: nobody
//! on the staff speaks as a patient. Deliberately absent: a role that may do everything, and a default role.

use jiff::Timestamp;

use super::{CredentialId, PersonId, RoomId, SessionId};

/// Stands among a unit's rooms for people who stay in none: their results, and the front desk's board.
pub const OUTPATIENTS: &str = "outpatients";

/// What somebody does here. A provider's claim says so; a claim that maps to none of these gives nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// Nurses the people of a unit.
    Nurse,
    /// Treats people: physicians and those who act for them.
    Clinician,
    /// Looks after medicines.
    Pharmacist,
    /// Runs a unit.
    UnitManager,
    /// Watches over who looked at what.
    PrivacyOfficer,
    /// Looks after the machine.
    Operator,
}

impl Role {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::Nurse, Self::Clinician, Self::Pharmacist, Self::UnitManager, Self::PrivacyOfficer, Self::Operator];

    /// Its name in the configuration and on the wire.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Nurse => "nurse",
            Self::Clinician => "clinician",
            Self::Pharmacist => "pharmacist",
            Self::UnitManager => "unit-manager",
            Self::PrivacyOfficer => "privacy-officer",
            Self::Operator => "operator",
        }
    }

    /// The role of that name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.name() == name)
    }
}

/// What can be done on the staff's side.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Right {
    /// See the calls of the rooms of one's units, in the words that were heard.
    Board,
    /// Say that one has seen a call.
    Acknowledge,
    /// End a call.
    Complete,
    /// Say something in the room of a call.
    SayBack,
    /// See who is on duty.
    Duty,
    /// Say who is on duty.
    SetDuty,
    /// See which rooms of one's units are occupied.
    People,
    /// Open the record of somebody who stays in a room of one's units.
    Record,
    /// Open the record of somebody else, for a while, with a reason that is looked into afterwards.
    BreakGlass,
    /// See the renewals that wait for one's word, and give it.
    Renewals,
    /// See the renewals that a pharmacy works on, and move them on.
    Fills,
    /// See what waits to be looked into.
    Reviews,
    /// Settle it.
    CloseReview,
    /// Have the audit chain checked.
    CheckAudit,
    /// See the results that a clinician tells first, of the people of one's units, and write that it was told.
    TellResults,
    /// Have the whole audit trail given out, signed.
    ExportAudit,
    /// Look for rows of the audit trail, somebody's by their record number, too.
    SearchAudit,
    /// See the fleet's places and devices, as far as one reaches.
    Fleet,
    /// Make, move and retire places.
    ChangePlaces,
    /// Let devices in, move them, shut them out, and set what counts.
    ChangeDevices,
    /// Announce something to rooms, and speak into one that agreed to it.
    Announce,
    /// See which messages of the admission system wait for somebody and why, settle them, say which bed is which room.
    Admissions,
    /// Read what such a message says.
    ReadAdmissions,
}

impl Right {
    /// All of them.
    pub const ALL: [Self; 23] = [
        Self::Board,
        Self::Acknowledge,
        Self::Complete,
        Self::SayBack,
        Self::Duty,
        Self::SetDuty,
        Self::People,
        Self::Record,
        Self::BreakGlass,
        Self::Renewals,
        Self::Fills,
        Self::Reviews,
        Self::CloseReview,
        Self::CheckAudit,
        Self::TellResults,
        Self::ExportAudit,
        Self::SearchAudit,
        Self::Fleet,
        Self::ChangePlaces,
        Self::ChangeDevices,
        Self::Announce,
        Self::Admissions,
        Self::ReadAdmissions,
    ];

    /// Its name on the wire.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Board => "board",
            Self::Acknowledge => "acknowledge",
            Self::Complete => "complete",
            Self::SayBack => "say-back",
            Self::Duty => "duty",
            Self::SetDuty => "set-duty",
            Self::People => "people",
            Self::Record => "record",
            Self::BreakGlass => "break-glass",
            Self::Renewals => "renewals",
            Self::Fills => "fills",
            Self::Reviews => "reviews",
            Self::CloseReview => "close-review",
            Self::CheckAudit => "check-audit",
            Self::TellResults => "tell-results",
            Self::ExportAudit => "export-audit",
            Self::SearchAudit => "search-audit",
            Self::Fleet => "fleet",
            Self::ChangePlaces => "change-places",
            Self::ChangeDevices => "change-devices",
            Self::Announce => "announce",
            Self::Admissions => "admissions",
            Self::ReadAdmissions => "read-admissions",
        }
    }
}

/// Whether a role has a right.
#[must_use]
pub const fn may(role: Role, right: Right) -> bool {
    use Right::{
        Acknowledge, Admissions, Announce, Board, BreakGlass, ChangeDevices, ChangePlaces, CheckAudit, CloseReview,
        Complete, Duty, ExportAudit, Fills, Fleet, People, ReadAdmissions, Record, Renewals, Reviews, SayBack,
        SearchAudit, SetDuty, TellResults,
    };
    match role {
        Role::Nurse => {
            matches!(right, Board | Acknowledge | Complete | SayBack | Duty | People | Record | BreakGlass | Fleet)
        }
        Role::Clinician => matches!(
            right,
            Board | Acknowledge | Complete | SayBack | Duty | People | Record | BreakGlass | Renewals | TellResults
        ),
        Role::Pharmacist => matches!(right, People | Record | BreakGlass | Fills),
        Role::UnitManager => matches!(
            right,
            Board
                | Acknowledge
                | Complete
                | SayBack
                | Duty
                | SetDuty
                | People
                | Fleet
                | ChangeDevices
                | Announce
                | Admissions
                | ReadAdmissions
        ),
        Role::PrivacyOfficer => matches!(right, Reviews | CloseReview | CheckAudit | ExportAudit | SearchAudit),
        Role::Operator => matches!(right, CheckAudit | Fleet | ChangePlaces | ChangeDevices | Announce | Admissions),
    }
}

/// A member of staff whose session has been verified.
#[derive(Debug, Clone)]
pub struct StaffMember {
    /// Who, as a keyed hash of what the provider calls them.
    pub member: CredentialId,
    /// What they do here; never empty.
    pub roles: Vec<Role>,
    /// The rooms of their units.
    pub rooms: Vec<RoomId>,
}

impl StaffMember {
    /// Whether any of their roles has a right.
    #[must_use]
    pub fn may(&self, right: Right) -> bool {
        self.roles.iter().any(|role| may(*role, right))
    }

    /// Whether a room is one of their units'.
    #[must_use]
    pub fn looks_after(&self, room: &RoomId) -> bool {
        self.rooms.contains(room)
    }
}

/// Glass that somebody broke to one person's record, as the store kept it.
#[derive(Debug, Clone)]
pub struct Glass {
    /// Its id; every look under it names it.
    pub id: SessionId,
    /// Who broke it.
    pub member: CredentialId,
    /// To whose record.
    pub subject: PersonId,
    /// Until when it is open.
    pub until: Timestamp,
}

/// Whether a member of staff sees a person's record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reach {
    /// The person stays in a room of their units.
    Unit,
    /// Under glass that they broke.
    Under(SessionId),
    /// Not without breaking glass.
    BreakGlass,
    /// Not at all.
    Refused,
}

/// How a member of staff reaches somebody who stays in `lies_in`, at a time.
#[must_use]
pub fn reach(
    staff: &StaffMember,
    subject: &PersonId,
    lies_in: Option<&RoomId>,
    glass: Option<&Glass>,
    now: Timestamp,
) -> Reach {
    if !staff.may(Right::Record) {
        return Reach::Refused;
    }
    if lies_in.is_some_and(|room| staff.looks_after(room)) {
        return Reach::Unit;
    }
    let open = |g: &&Glass| g.member == staff.member && g.subject == *subject && now < g.until;
    match glass.filter(open) {
        Some(glass) if staff.may(Right::BreakGlass) => Reach::Under(glass.id.clone()),
        _ if staff.may(Right::BreakGlass) => Reach::BreakGlass,
        _ => Reach::Refused,
    }
}

/// Whether a reason for breaking glass says something: 10 to 500 characters, of which 8 are letters.
#[must_use]
pub fn is_reason(text: &str) -> bool {
    (10..=500).contains(&text.trim().chars().count()) && text.chars().filter(|c| c.is_alphabetic()).count() >= 8
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_role_has_its_rights_and_no_others() {
        #[rustfmt::skip]
        let table = [
            // right,              nurse, clin., pharm., manager, officer, operator
            (Right::Board,       [true,  true,  false, true,  false, false]),
            (Right::Acknowledge, [true,  true,  false, true,  false, false]),
            (Right::Complete,    [true,  true,  false, true,  false, false]),
            (Right::SayBack,     [true,  true,  false, true,  false, false]),
            (Right::Duty,        [true,  true,  false, true,  false, false]),
            (Right::SetDuty,     [false, false, false, true,  false, false]),
            (Right::People,      [true,  true,  true,  true,  false, false]),
            (Right::Record,      [true,  true,  true,  false, false, false]),
            (Right::BreakGlass,  [true,  true,  true,  false, false, false]),
            (Right::Renewals,    [false, true,  false, false, false, false]),
            (Right::Fills,       [false, false, true,  false, false, false]),
            (Right::Reviews,     [false, false, false, false, true,  false]),
            (Right::CloseReview, [false, false, false, false, true,  false]),
            (Right::CheckAudit,  [false, false, false, false, true,  true]),
            (Right::TellResults, [false, true,  false, false, false, false]),
            (Right::ExportAudit, [false, false, false, false, true,  false]),
            (Right::SearchAudit, [false, false, false, false, true,  false]),
            (Right::Fleet,       [true,  false, false, true,  false, true]),
            (Right::ChangePlaces,  [false, false, false, false, false, true]),
            (Right::ChangeDevices, [false, false, false, true,  false, true]),
            (Right::Announce,    [false, false, false, true,  false, true]),
            (Right::Admissions,     [false, false, false, true, false, true]),
            (Right::ReadAdmissions, [false, false, false, true, false, false]),
        ];
        assert_eq!(table.map(|(right, _)| right), Right::ALL);
        for (right, row) in table {
            for (role, wanted) in Role::ALL.into_iter().zip(row) {
                assert_eq!(may(role, right), wanted, "{role:?} {right:?}");
            }
        }
    }

    #[test]
    fn whom_staff_reach() {
        let id = |text: &str| CredentialId::parse(text).expect("fits");
        let person = |text: &str| PersonId::parse(text).expect("fits");
        let room = |text: &str| RoomId::parse(text).expect("fits");
        let at = |seconds| Timestamp::from_second(seconds).expect("in range");
        let glass = |member: &str, subject: &str, until| Glass {
            id: SessionId::parse("g").expect("fits"),
            member: id(member),
            subject: person(subject),
            until: at(until),
        };
        let under = || Reach::Under(SessionId::parse("g").expect("fits"));
        #[rustfmt::skip]
        let table = [
            // role, where the person stays, glass, what comes of it at 100 seconds
            (Role::Nurse,          Some("r1"), None,                        Reach::Unit),
            (Role::Nurse,          Some("r1"), Some(glass("m", "p", 101)),  Reach::Unit),
            (Role::Nurse,          Some("r2"), None,                        Reach::BreakGlass),
            (Role::Nurse,          None,       None,                        Reach::BreakGlass),
            (Role::Nurse,          Some("r2"), Some(glass("m", "p", 101)),  under()),
            (Role::Nurse,          None,       Some(glass("m", "p", 101)),  under()),
            (Role::Nurse,          Some("r2"), Some(glass("m", "p", 100)),  Reach::BreakGlass),
            (Role::Nurse,          Some("r2"), Some(glass("n", "p", 101)),  Reach::BreakGlass),
            (Role::Nurse,          Some("r2"), Some(glass("m", "q", 101)),  Reach::BreakGlass),
            (Role::Clinician,      Some("r1"), None,                        Reach::Unit),
            (Role::Pharmacist,     Some("r1"), None,                        Reach::Unit),
            (Role::UnitManager,    Some("r1"), Some(glass("m", "p", 101)),  Reach::Refused),
            (Role::PrivacyOfficer, Some("r1"), Some(glass("m", "p", 101)),  Reach::Refused),
            (Role::Operator,       Some("r1"), Some(glass("m", "p", 101)),  Reach::Refused),
        ];
        for (n, (role, lies_in, glass, wanted)) in table.into_iter().enumerate() {
            let staff = StaffMember { member: id("m"), roles: vec![role], rooms: vec![room("r1")] };
            let lies_in = lies_in.map(room);
            assert_eq!(reach(&staff, &person("p"), lies_in.as_ref(), glass.as_ref(), at(100)), wanted, "line {n}");
        }
        let nobody = StaffMember { member: id("m"), roles: vec![], rooms: vec![room("r1")] };
        assert_eq!(reach(&nobody, &person("p"), Some(&room("r1")), None, at(0)), Reach::Refused);
    }

    #[test]
    fn a_reason_says_something() {
        for good in ["Called to a fall in the corridor", "Übernahme aus der Notaufnahme"] {
            assert!(is_reason(good), "{good}");
        }
        for bad in ["", "          ", "asdf", "............", "1234567890", "  work    ", &"x".repeat(501)] {
            assert!(!is_reason(bad), "{bad:?}");
        }
    }

    #[test]
    fn roles_are_known_by_name() {
        for role in Role::ALL {
            assert_eq!(Role::named(role.name()), Some(role));
        }
        assert_eq!(Role::named("admin"), None);
    }
}
