//! The prescriber's inbox, and what a pharmacy works on.
//!
//! Invariants: each person that is shown has an audit row of their own first, at every look; a clinician sees what is put
//! to them by name, what is put to nobody by name, and what concerns the people of their own units; a step and the row
//! that tells of it are one commit.

use std::collections::HashSet;

use jiff::{Timestamp, civil::Date};
use serde::Serialize;
use utoipa::ToSchema;

use super::{Desk, NotTold, Told, lost, not_there};
use crate::{
    actions::{Moved, Renewal, RenewalState},
    policy::{
        Event, FILLS, Journal, JournalEntry, Permit, PersonId, Phi, RENEWALS, admit_renewal,
        staff::{Right, StaffMember},
        staff_row,
    },
    records::{Prescription, Profile, Records},
};

/// Most that are shown at once; the oldest come first.
const SHOWN: usize = 50;

/// Where a renewal waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Inbox {
    /// With whoever prescribes.
    Prescriber,
    /// With whoever fills it.
    Pharmacy,
}

impl Inbox {
    const fn right(self) -> Right {
        match self {
            Self::Prescriber => Right::Renewals,
            Self::Pharmacy => Right::Fills,
        }
    }

    const fn intent(self) -> &'static str {
        match self {
            Self::Prescriber => RENEWALS,
            Self::Pharmacy => FILLS,
        }
    }

    const fn holds(self, state: RenewalState) -> bool {
        match self {
            Self::Prescriber => state.at_prescriber(),
            Self::Pharmacy => state.open() && !state.at_prescriber(),
        }
    }

    /// Whether this step is one of whoever works there. A pharmacy agrees to nothing in a prescriber's place.
    const fn may_move(self, to: RenewalState) -> bool {
        match self {
            Self::Prescriber => matches!(to, RenewalState::Approved | RenewalState::Denied),
            Self::Pharmacy => !matches!(to, RenewalState::Approved | RenewalState::Requested),
        }
    }
}

/// Renewals, oldest first.
#[derive(Serialize, ToSchema)]
pub struct RenewalsView {
    /// Each of them.
    pub renewals: Vec<RenewalView>,
}

/// A renewal that somebody asked for.
#[derive(Serialize, ToSchema)]
pub struct RenewalView {
    /// Its id.
    pub id: String,
    /// Whose, by a random id.
    pub person: String,
    /// Their name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Their date of birth.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = Date)]
    pub birth: Option<Date>,
    /// The medicine.
    pub medicine: String,
    /// "10 mg tablet".
    #[serde(skip_serializing_if = "Option::is_none")]
    pub strength: Option<String>,
    /// How it is taken, in the words on the prescription.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub directions: Option<String>,
    /// Repeats that are left.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refills_left: Option<u32>,
    /// A controlled substance.
    pub controlled: bool,
    /// Whose prescription it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prescriber: Option<String>,
    /// The pharmacy that is to fill it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pharmacy: Option<String>,
    /// `prescriber_asked`, `requested`, `approved`, `filled`, `ready` or `shipped`.
    pub state: &'static str,
    /// When it was asked for.
    #[schema(value_type = String, format = DateTime)]
    pub requested: Timestamp,
    /// When it last moved.
    #[schema(value_type = String, format = DateTime)]
    pub updated: Timestamp,
}

impl RenewalView {
    fn of(person: &PersonId, r: Renewal, profile: Option<&Profile>, rx: Option<&Prescription>) -> Self {
        Self {
            id: r.id,
            person: person.as_str().to_owned(),
            name: profile.map(|p| format!("{} {}", p.given, p.family)),
            birth: profile.and_then(|p| p.birth),
            medicine: r.medicine,
            strength: r.strength.or_else(|| rx.and_then(|rx| rx.strength.clone())),
            directions: rx.and_then(|rx| rx.instructions.clone()),
            refills_left: rx.and_then(|rx| rx.refills_left),
            controlled: rx.is_some_and(|rx| rx.controlled),
            prescriber: r.prescriber,
            pharmacy: r.pharmacy,
            state: r.state.name(),
            requested: r.requested,
            updated: r.updated,
        }
    }
}

impl Desk {
    /// What waits there and concerns them. Each person's row comes before what is told of them.
    pub(super) async fn waiting(&self, staff: &StaffMember, inbox: Inbox, now: Timestamp) -> Result<Told, NotTold> {
        let mut renewals = Vec::new();
        for renewal in self.theirs(staff, inbox).await? {
            let person = renewal.subject().clone();
            let admitted = admit_renewal(staff, inbox.right(), &person, now, &self.store).await.map_err(lost)?;
            let permit = admitted.ok_or(NotTold::NoRight)?;
            let entry = permit.entry();
            renewals.push(self.view(&person, renewal, permit).await?);
            let row = staff_row(Event::Closed, &staff.member, Some(&person), inbox.intent(), None, Some("shown"), now);
            self.store.append(JournalEntry { closes: Some(entry), ..row }).await.map_err(lost)?;
        }
        Ok(Told::Renewals(RenewalsView { renewals }))
    }

    async fn view(&self, person: &PersonId, renewal: Phi<Renewal>, permit: Permit) -> Result<RenewalView, NotTold> {
        let records = Records::new(self.store.clone());
        let profile = records.profile(person).await.map_err(lost)?;
        let all = records.prescriptions(person).await.map_err(lost)?;
        let whole = renewal.zip(profile).and_then(|both| both.zip(all)).map_err(lost)?;
        let ((renewal, profile), all) = whole.reveal(&permit).map_err(lost)?;
        let rx = all.iter().find(|p| p.id == renewal.prescription);
        Ok(RenewalView::of(person, renewal, profile.as_ref(), rx))
    }

    /// Moves one of those on, where the step is theirs to take.
    pub(super) async fn moved_on(
        &self,
        staff: &StaffMember,
        inbox: Inbox,
        id: &str,
        moved: Moved,
        now: Timestamp,
    ) -> Result<(), NotTold> {
        let moved = moved.sayable().map_err(NotTold::Unsayable)?;
        if !inbox.may_move(moved.to) {
            return Err(NotTold::NotThere);
        }
        let by = self.name_of(staff).await?;
        let concerning = self.concerning(staff, inbox).await?;
        let this = |person: &PersonId, r: &Renewal| r.id == id && concerning.concerns(person, r);
        let found = self.store.open_renewals(1, this).await.map_err(lost)?;
        let one = found.first().ok_or(NotTold::NotThere)?;
        let (event, outcome) = (Event::Progressed, Some(moved.to.name()));
        let row = staff_row(event, &staff.member, Some(one.subject()), inbox.intent(), None, outcome, now);
        let moving = self.store.advance_renewal_signed_in(one.subject(), id, moved, &by, &row);
        moving.await.map_err(not_there)
    }

    async fn theirs(&self, staff: &StaffMember, inbox: Inbox) -> Result<Vec<Phi<Renewal>>, NotTold> {
        let concerning = self.concerning(staff, inbox).await?;
        self.store.open_renewals(SHOWN, |person, renewal| concerning.concerns(person, renewal)).await.map_err(lost)
    }

    async fn concerning(&self, staff: &StaffMember, inbox: Inbox) -> Result<Concerning, NotTold> {
        let mut stay = HashSet::new();
        for room in &staff.rooms {
            if let Some(there) = self.store.occupant(room).await.map_err(lost)? {
                stay.insert(there.person.as_str().to_owned());
            }
        }
        Ok(Concerning { inbox, name: self.name_of(staff).await?, stay })
    }
}

/// What is theirs to work on.
struct Concerning {
    inbox: Inbox,
    name: String,
    /// Who stays in the rooms of their units.
    stay: HashSet<String>,
}

impl Concerning {
    fn concerns(&self, person: &PersonId, renewal: &Renewal) -> bool {
        let named = renewal.prescriber.as_deref().is_none_or(|prescriber| same_person(prescriber, &self.name));
        let to_them = named || self.stay.contains(person.as_str());
        self.inbox.holds(renewal.state) && (self.inbox == Inbox::Pharmacy || to_them)
    }
}

/// Whether a prescriber's name is that of a member of staff as their provider writes it: the same words whatever their
/// order, titles and degrees aside; one of them may have a middle name more.
fn same_person(prescriber: &str, staff: &str) -> bool {
    const TITLES: [&str; 12] = ["dr", "doctor", "prof", "professor", "md", "do", "np", "pa", "dnp", "phd", "mr", "ms"];
    let words = |name: &str| -> HashSet<String> {
        let word = |w: &str| w.to_lowercase();
        let parts = name.split(|c: char| !c.is_alphanumeric() && c != '-' && c != '\'').filter(|w| !w.is_empty());
        parts.map(word).filter(|w| !TITLES.contains(&w.as_str())).collect()
    };
    let (a, b) = (words(prescriber), words(staff));
    let enough = a.len().min(b.len()) >= 2;
    enough && (a.is_subset(&b) || b.is_subset(&a))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prescriber_is_known_by_both_names() {
        for (prescriber, staff, same) in [
            ("Dr. Anita Patel", "Anita Patel", true),
            ("Dr. Anita Patel", "Patel, Anita, MD", true),
            ("Dr. Anita Patel", "Anita R. Patel", true),
            ("Anita Rose Patel", "Anita Patel", true),
            ("Dr. Anita Patel", "Dr. Patel", false),
            ("Dr. Anita Patel", "Asha Patel", false),
            ("Dr. Anita Patel", "Anita", false),
            ("Dr. Anita Patel", "", false),
            ("Dr.", "MD", false),
        ] {
            assert_eq!(same_person(prescriber, staff), same, "{prescriber} / {staff}");
        }
    }

    #[test]
    fn each_step_belongs_to_one_of_the_two() {
        use RenewalState as S;
        for state in S::ALL {
            let (prescriber, pharmacy) = (Inbox::Prescriber.holds(state), Inbox::Pharmacy.holds(state));
            assert!(!(prescriber && pharmacy), "{state:?}");
            assert_eq!(prescriber || pharmacy, state.open(), "{state:?}");
            assert_eq!(Inbox::Prescriber.may_move(state), matches!(state, S::Approved | S::Denied), "{state:?}");
        }
        assert!(!Inbox::Pharmacy.may_move(S::Approved), "only a prescriber agrees");
    }
}
