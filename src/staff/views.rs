//! What staff are shown, as it stands on the wire. None is `Debug`: they hold what people said and what is known of them.

use jiff::{Timestamp, civil::Date};
use serde::Serialize;
use utoipa::ToSchema;

mod calls;

pub use calls::{BoardView, RequestView};

use crate::{
    records::{Allergy, Condition, ConditionStatus, Immunization, LabResult, Prescription, Provider, Visit, Vital},
    store::{ClinicianRow, ReviewRow},
};

/// Who somebody is here.
#[derive(Serialize, ToSchema)]
pub struct MeView {
    /// What people call them.
    pub name: String,
    /// What they do here.
    pub roles: Vec<&'static str>,
    /// What that allows: `board`, `record`, `break-glass`, …
    pub rights: Vec<&'static str>,
    /// The rooms of their units.
    pub rooms: Vec<String>,
    /// How much is to be looked into; for privacy officers alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reviews_open: Option<i64>,
}

/// The results that a clinician tells first, oldest first.
#[derive(Serialize, ToSchema)]
pub struct ResultsView {
    /// The results.
    pub results: Vec<ToTellView>,
}

/// A result that a clinician tells first. The value is in the record.
#[derive(Serialize, ToSchema)]
pub struct ToTellView {
    /// Its id.
    pub id: String,
    /// The room of the person; empty where they stay in none.
    pub room: String,
    /// Whose result, by a random id; absent where they are known no more.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub person: Option<String>,
    /// Whose, of which test, taken when; never the value. Absent where whose it was has been forgotten.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub about: Option<String>,
    /// Since when it waits.
    #[schema(value_type = String, format = DateTime)]
    pub requested: Timestamp,
}

impl ToTellView {
    pub(super) fn of(row: ClinicianRow) -> Self {
        Self {
            id: row.id,
            room: row.room,
            person: row.person.map(|person| person.as_str().to_owned()),
            about: row.about,
            requested: row.requested,
        }
    }
}

/// Occupied rooms of somebody's units.
#[derive(Serialize, ToSchema)]
pub struct PeopleView {
    /// The rooms.
    pub people: Vec<StayView>,
}

/// One occupied room.
#[derive(Serialize, ToSchema)]
pub struct StayView {
    /// The room.
    pub room: String,
    /// Who stays there, by a random id.
    pub person: String,
}

/// A person's record.
#[derive(Serialize, ToSchema)]
pub struct RecordView {
    /// Whose, by a random id.
    pub person: String,
    /// Their name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Their date of birth.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = Date)]
    pub birth: Option<Date>,
    /// Where the record is a server's: which, and how old what is seen is. Absent where it is kept here.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub copied: Option<CopyView>,
    /// Medicines.
    pub medicines: Vec<MedicineView>,
    /// Visits.
    pub visits: Vec<VisitView>,
    /// Results.
    pub results: Vec<ResultView>,
    /// Allergies on record.
    pub allergies: Vec<AllergyView>,
    /// What was measured, newest first.
    pub vitals: Vec<MeasuredView>,
    /// Conditions on record.
    pub conditions: Vec<ConditionView>,
    /// Vaccinations given, newest first.
    pub immunizations: Vec<ShotView>,
    /// Who treats them.
    pub care_team: Vec<CareView>,
    /// Until when the glass is open that it is seen under.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub until: Option<Timestamp>,
}

/// A medicine.
#[derive(Serialize, ToSchema)]
pub struct MedicineView {
    /// Its name.
    pub medicine: String,
    /// "10 mg tablet".
    #[serde(skip_serializing_if = "Option::is_none")]
    pub strength: Option<String>,
    /// How to take it, in the prescriber's words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub instructions: Option<String>,
    /// Who prescribed it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prescriber: Option<String>,
    /// Still to be taken.
    pub active: bool,
}

impl MedicineView {
    pub(super) fn of(p: Prescription) -> Self {
        let Prescription { medicine, strength, instructions, prescriber, active, .. } = p;
        Self { medicine, strength, instructions, prescriber, active }
    }
}

/// A visit.
#[derive(Serialize, ToSchema)]
pub struct VisitView {
    /// When it starts.
    #[schema(value_type = String, format = DateTime)]
    pub start: Timestamp,
    /// Whom it is with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub provider: Option<String>,
    /// Where.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub place: Option<String>,
    /// What for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Still on.
    pub booked: bool,
}

impl VisitView {
    pub(super) fn of(v: Visit) -> Self {
        let Visit { start, provider, place, reason, booked, .. } = v;
        Self { start, provider, place, reason, booked }
    }
}

/// A result.
#[derive(Serialize, ToSchema)]
pub struct ResultView {
    /// The test.
    pub test: String,
    /// The value as it was written.
    pub value: String,
    /// Its unit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
    /// When the sample was taken.
    #[schema(value_type = String, format = DateTime)]
    pub taken: Timestamp,
    /// A clinician's words about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
}

impl ResultView {
    pub(super) fn of(r: LabResult) -> Self {
        let LabResult { test, value, unit, taken, comment, .. } = r;
        Self { test, value, unit, taken, comment }
    }
}

/// An allergy on record.
#[derive(Serialize, ToSchema)]
pub struct AllergyView {
    /// What it is to.
    pub substance: String,
    /// What happens.
    pub reactions: Vec<String>,
    /// Not refuted or resolved.
    pub active: bool,
}

impl AllergyView {
    pub(super) fn of(a: Allergy) -> Self {
        Self { substance: a.substance, reactions: a.reactions, active: a.active }
    }
}

/// A copy of a server's record.
#[derive(Serialize, ToSchema)]
pub struct CopyView {
    /// What the server is called.
    pub from: String,
    /// When the part of it that is oldest was read; absent where some part never was.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub read: Option<Timestamp>,
}

/// What was measured.
#[derive(Serialize, ToSchema)]
pub struct MeasuredView {
    /// What.
    pub measure: &'static str,
    /// "131", "120 over 80".
    pub value: String,
    /// Its unit, in UCUM.
    pub unit: &'static str,
    /// When.
    #[schema(value_type = String, format = DateTime)]
    pub taken: Timestamp,
    /// By whom.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
}

impl MeasuredView {
    pub(super) fn of(v: Vital) -> Self {
        let (value, unit) = (v.amount.told(), v.amount.unit.ucum());
        Self { measure: v.measure.name(), value, unit, taken: v.taken, by: v.source }
    }
}

/// A condition on record.
#[derive(Serialize, ToSchema)]
pub struct ConditionView {
    /// Its name.
    pub name: String,
    /// `active`, `remission` or `resolved`.
    pub status: &'static str,
    /// A clinician has confirmed it.
    pub confirmed: bool,
    /// Since when; the first day that a year or month can mean.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = Date)]
    pub onset: Option<Date>,
}

impl ConditionView {
    pub(super) fn of(c: Condition) -> Self {
        let status = match c.status {
            ConditionStatus::Active => "active",
            ConditionStatus::Remission => "remission",
            ConditionStatus::Resolved => "resolved",
        };
        Self { name: c.name, status, confirmed: c.confirmed, onset: c.onset }
    }
}

/// A vaccination that was given.
#[derive(Serialize, ToSchema)]
pub struct ShotView {
    /// The vaccine.
    pub vaccine: String,
    /// The day.
    #[schema(value_type = String, format = Date)]
    pub given: Date,
    /// Where.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
}

impl ShotView {
    pub(super) fn of(i: Immunization) -> Self {
        Self { vaccine: i.vaccine, given: i.given, by: i.source }
    }
}

/// Somebody who treats the person.
#[derive(Serialize, ToSchema)]
pub struct CareView {
    /// Their name.
    pub name: String,
    /// Their specialty.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub specialty: Option<String>,
}

impl CareView {
    pub(super) fn of(p: Provider) -> Self {
        Self { name: p.name, specialty: p.specialty }
    }
}

/// Broken glass.
#[derive(Serialize, ToSchema)]
pub struct GlassView {
    /// To whose record, by a random id.
    pub person: String,
    /// Until when it is open.
    #[schema(value_type = String, format = DateTime)]
    pub until: Timestamp,
}

/// What is to be looked into, oldest first.
#[derive(Serialize, ToSchema)]
pub struct ReviewsView {
    /// The reviews.
    pub reviews: Vec<ReviewView>,
}

/// One thing to look into.
#[derive(Serialize, ToSchema)]
pub struct ReviewView {
    /// Its id.
    pub id: String,
    /// `break-glass` or `many-strangers`.
    pub kind: String,
    /// When it came up.
    #[schema(value_type = String, format = DateTime)]
    pub raised: Timestamp,
    /// The member of staff, or the credential, as it stands in the audit trail.
    pub who: String,
    /// What people call that member of staff.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Whose record, by a random id; for broken glass.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub person: Option<String>,
    /// Why, in the words of who broke the glass; absent where that person's key was destroyed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Until when the glass is or was open.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub until: Option<Timestamp>,
    /// How many people, for many strangers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub people: Option<usize>,
    /// The audit entries it is about.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub entries: Vec<i64>,
    /// When it was settled.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub closed: Option<Timestamp>,
    /// What came of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub finding: Option<String>,
}

impl ReviewView {
    pub(super) fn of(row: ReviewRow) -> Self {
        Self {
            id: row.id,
            kind: row.kind,
            raised: row.raised,
            who: row.who,
            name: row.name,
            person: row.person,
            reason: row.reason,
            until: row.until,
            people: row.people,
            entries: row.entries,
            closed: row.closed,
            finding: row.finding,
        }
    }
}

/// The audit chain.
#[derive(Serialize, ToSchema)]
pub struct AuditView {
    /// Nothing was changed, moved or taken out.
    pub whole: bool,
    /// Entries.
    pub entries: i64,
}

/// It is done.
#[derive(Serialize, ToSchema)]
pub struct DoneView {
    /// Always true.
    pub done: bool,
}
