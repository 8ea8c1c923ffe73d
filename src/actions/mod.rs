//! What the assistant can do, one file per action.
//!
//! An action takes typed slots and, where it touches a person's data, the [`Permit`], and returns facts, not
//! prose. It declares the [`Floor`] of its data class, effect and identity; the catalogue may tighten it.
//! Each file holds a pure decision, told by its table test, and a few lines that fetch what it decides on.
//! Deliberately absent: axum, sqlx and FHIR JSON. An action never writes: it returns [`Change`]s, which the
//! turn commits together with the answer and the audit row.

mod access;
mod account;
mod appointment;
mod careteam;
mod change;
mod connect;
mod connections;
mod consent;
mod disconnect;
mod emergency;
mod facility;
mod human;
mod meal;
mod medicine;
mod notice;
mod notification;
mod nurse;
mod outcome;
mod prescription;
mod privacy;
mod reading;
mod record;
mod reminder;
mod renewal;
pub mod room;
mod service;
mod source;
mod urgent_care;
mod visitor;

use jiff::{Timestamp, tz::TimeZone};

pub use appointment::Waiting;
pub use change::{Change, Conflict, HeldResult, TakenDose, Words};
pub use connect::Connecting;
pub use consent::covers as consent_covers;
pub use meal::order::Meal;
pub use medicine::doses::Taken;
pub use notice::{KeptNotice, Next, Notice, NoticeKind};
pub use outcome::{Choice, FURTHER, Facts, Identify, MORE, Outcome, Plan, UPTO};
pub use privacy::protection::{KeyHolder, Protection};
pub use reading::danger as reading_danger;
pub use reminder::{Every, Reminder, Rhythm};
pub use renewal::{Moved, Renewal, RenewalState, Route, Unsayable};

use crate::{
    nlu::{SlotValue, Slots, When},
    policy::{Agreed, DataClass, Effect, Floor, Identity, Permit, RoomId, RoomPass, Scope, WrongSubject},
    records::{Position, Records, RecordsError},
};

/// Longest clinical text that is read aloud, in characters. Longer ones are pointed to, never cut: half a
/// direction can mean its opposite.
pub const SPEAKABLE: usize = 600;

/// What an action was let in with.
pub enum Pass {
    /// One person's data, in this turn.
    Person(Permit),
    /// An enrolled device's place.
    Room(RoomPass),
    /// Nothing.
    Public,
}

/// Where and when an action runs.
pub struct Setting<'a> {
    /// The people's records.
    pub records: &'a Records,
    /// Now.
    pub now: Timestamp,
    /// The speaker's zone.
    pub zone: &'a TimeZone,
    /// What the assistant calls the organization.
    pub organization: &'a str,
    /// What people at home dial in an emergency.
    pub emergency_number: &'a str,
    /// The number at which people answer; `None` where none is configured.
    pub phone: Option<&'a str>,
    /// The channel's name: `room`, `home`, `chat`, `third-party`.
    pub channel: &'a str,
    /// The room or home it is asked in; `None` where it is a page.
    pub room: Option<&'a RoomId>,
    /// The unit of the hospital room it is asked in; `None` elsewhere, and where no unit has the room.
    pub unit: Option<&'a str>,
    /// Where rooms are of which nobody told; `None` where that is not configured.
    pub position: Option<Position>,
    /// Where people sign up, as it is said aloud; `None` where nobody can.
    pub sign_up: Option<&'a str>,
    /// How what is said here is protected, as configured.
    pub protection: &'a Protection,
    /// What the person agreed to so far.
    pub agreed: &'a Agreed,
    /// What can be connected here; `None` where nothing can.
    pub connecting: Option<&'a Connecting>,
    /// A random number of this turn's own, for what nobody may guess.
    pub chance: u64,
}

/// Why an action could not run. Never holds what it ran on.
#[derive(Debug, thiserror::Error)]
pub enum ActionError {
    /// The records could not be read.
    #[error(transparent)]
    Records(#[from] RecordsError),
    /// The permit is for somebody else.
    #[error(transparent)]
    WrongSubject(#[from] WrongSubject),
    /// The turn let it in with less than its floor demands. A defect; nothing was done.
    #[error("the action needs {0}")]
    NotAdmitted(&'static str),
    /// A "yes" came back with a plan of another action. A defect; nothing was done.
    #[error("the plan belongs to another action")]
    ForeignPlan,
}

macro_rules! actions {
    ($($(#[$doc:meta])* $variant:ident = $name:literal in $module:path),+ $(,)?) => {
        /// Every action there is. To add one: a file, and a line here.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Action {
            $($(#[$doc])* $variant,)+
        }

        impl Action {
            /// Every action.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The action of that name in the catalogue.
            #[must_use]
            pub fn named(name: &str) -> Option<Self> {
                match name {
                    $($name => Some(Self::$variant),)+
                    _ => None,
                }
            }

            /// Its name in the catalogue.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)+
                }
            }

            /// The least it demands.
            #[must_use]
            pub const fn floor(self) -> Floor {
                match self {
                    $(Self::$variant => { use $module as action; action::FLOOR })+
                }
            }

            /// Runs it.
            ///
            /// # Errors
            /// When the records fail, or the turn let it in with less than it demands.
            pub async fn run(self, pass: Pass, slots: &Slots, setting: &Setting<'_>) -> Result<Outcome, ActionError> {
                match self {
                    $(Self::$variant => { use $module as action; action::run(pass, slots, setting).await })+
                }
            }
        }
    };
}

actions!(
    /// What is new.
    NotificationList = "notification.list" in notification::list,
    /// What is told unasked.
    NotificationSettings = "notification.settings" in notification::settings,
    /// Where one signs up.
    AccessJoin = "access.join" in access,
    /// How far a prescription is.
    PrescriptionStatus = "prescription.status" in self::prescription::status,
    /// Asks for more of a medicine.
    PrescriptionRenew = "prescription.renew" in self::prescription::renew,
    /// The medicines on record.
    PrescriptionList = "prescription.list" in self::prescription::list,
    /// How to take a medicine, in the prescriber's words.
    MedicineInstructions = "medicine.instructions" in self::medicine::instructions,
    /// What is due now and next.
    MedicineNextDose = "medicine.next_dose" in self::medicine::next_dose,
    /// Notes that doses were taken.
    MedicineTaken = "medicine.taken" in self::medicine::taken,
    /// What was noted of a day.
    MedicineHistory = "medicine.history" in self::medicine::history,
    /// What is known where a dose was missed.
    MedicineMissed = "medicine.missed" in self::medicine::missed,
    /// Two medicines on a published list.
    MedicineInteraction = "medicine.interaction" in self::medicine::interaction,
    /// A medicine, or all of them, against that list.
    MedicineInteractionOwn = "medicine.interaction_own" in self::medicine::interaction_own,
    /// Sets a reminder.
    MedicineRemind = "medicine.remind" in self::reminder::remind,
    /// The reminders.
    ReminderList = "reminder.list" in self::reminder::list,
    /// Ends reminders.
    ReminderCancel = "reminder.cancel" in self::reminder::cancel,
    /// Which pharmacy, and another one.
    PrescriptionPharmacy = "prescription.pharmacy" in self::prescription::pharmacy,
    /// The next visit.
    AppointmentNext = "appointment.next" in self::appointment::next,
    /// Books a visit.
    AppointmentBook = "appointment.book" in self::appointment::book,
    /// The visits of some days.
    AppointmentList = "appointment.list" in self::appointment::list,
    /// What to do before a visit.
    AppointmentPrepare = "appointment.prepare" in self::appointment::prepare,
    /// Calls a visit off.
    AppointmentCancel = "appointment.cancel" in self::appointment::cancel,
    /// Moves a visit.
    AppointmentReschedule = "appointment.reschedule" in self::appointment::reschedule,
    /// Says that somebody is there for a visit, or late.
    AppointmentArrive = "appointment.arrive" in self::appointment::arrive,
    /// Waits for an earlier time.
    AppointmentWaitlist = "appointment.waitlist" in self::appointment::waitlist,
    /// Where urgent care is, and when it is open.
    UrgentCareFind = "urgent_care.find" in self::urgent_care::find,
    /// How long people wait there.
    UrgentCareWait = "urgent_care.wait" in self::urgent_care::wait,
    /// Books a time there.
    UrgentCareBook = "urgent_care.book" in self::appointment::urgent,
    /// A laboratory result.
    RecordLabResult = "record.lab_result" in self::record::lab_result,
    /// What was measured at visits.
    RecordVitals = "record.vitals" in self::record::vitals,
    /// Conditions on record.
    RecordConditions = "record.conditions" in self::record::conditions,
    /// Allergies on record.
    RecordAllergies = "record.allergies" in self::record::allergies,
    /// Vaccinations on record.
    RecordImmunizations = "record.immunizations" in self::record::immunizations,
    /// What was written about a visit.
    RecordVisitSummary = "record.visit_summary" in self::record::visit_summary,
    /// Notes what the person measured.
    ReadingLog = "reading.log" in self::reading::log,
    /// The last measurement.
    ReadingLast = "reading.last" in self::reading::last,
    /// How a measurement has been over time.
    ReadingTrend = "reading.trend" in self::reading::trend,
    /// What published rules say of the readings.
    ReadingInsight = "reading.insight" in self::reading::insight,
    /// Corrects a reading.
    ReadingCorrect = "reading.correct" in self::reading::correct,
    /// Connects the records of another organization.
    RecordConnect = "record.connect" in self::connect,
    /// Which organizations' records are connected, and how far each is.
    RecordConnections = "record.connections" in self::connections,
    /// Takes that back.
    RecordDisconnect = "record.disconnect" in self::disconnect,
    /// Calls the nurse.
    NurseRequest = "nurse.request" in self::nurse,
    /// Whether anybody has seen the call.
    NurseStatus = "nurse.status" in self::nurse::status,
    /// "Never mind".
    NurseCancel = "nurse.cancel" in self::nurse::cancel,
    /// An emergency.
    EmergencyHelp = "emergency.help" in self::emergency::help,
    /// A false alarm.
    EmergencyCancel = "emergency.cancel" in self::emergency::cancel,
    /// Puts through to a person.
    HumanTalk = "human.talk" in self::human,
    /// Lets the assistant use a part of the record.
    ConsentGive = "consent.give" in self::consent::give,
    /// Takes that back.
    ConsentRevoke = "consent.revoke" in self::consent::revoke,
    /// Works what is in the room.
    RoomControl = "room.control" in self::room::control,
    /// The time, the day, and where this is.
    RoomInfo = "room.info" in self::room::info,
    /// What there is to know of the house.
    FacilityInfo = "facility.info" in facility,
    /// Asks another department for something.
    ServiceRequest = "service.request" in service,
    /// What there is to eat.
    MealMenu = "meal.menu" in self::meal::menu,
    /// Asks dietary for a meal.
    MealOrder = "meal.order" in self::meal::order,
    /// Has somebody called.
    CallContact = "call.contact" in self::room::call,
    /// What is to happen on a day of a stay.
    StayPlan = "stay.plan" in self::appointment::plan,
    /// Who treats the person.
    CareteamWho = "careteam.who" in careteam,
    /// A visitor is there.
    RoomVisitor = "room.visitor" in self::visitor::here,
    /// The visitor has left.
    RoomVisitorGone = "room.visitor_gone" in self::visitor::gone,
    /// Says who is speaking.
    AccountSwitch = "account.switch" in self::account::switch,
    /// Shows who is speaking, with a code.
    AccountLink = "account.link" in self::account::link,
    /// Tells where to set another PIN.
    AccountPin = "account.pin" in self::account::pin,
    /// What happens to what is said.
    PrivacyHowProtected = "privacy.how_protected" in self::privacy::how_protected,
    /// Who looked at the record.
    PrivacyWhoAccessed = "privacy.who_accessed" in self::privacy::who_accessed,
    /// How much is kept.
    PrivacyWhatStored = "privacy.what_stored" in self::privacy::what_stored,
    /// Deletes what was said.
    PrivacyForget = "privacy.forget" in self::privacy::forget,
    /// A copy of everything.
    PrivacyExport = "privacy.export" in self::privacy::export,
);

impl Action {
    /// Performs what was read back and agreed to. What has changed since is looked at again: an action that no
    /// longer fits says so instead.
    ///
    /// # Errors
    /// As [`Action::run`], and when the plan belongs to another action.
    pub async fn perform(self, permit: Permit, plan: Plan, setting: &Setting<'_>) -> Result<Outcome, ActionError> {
        match (self, plan) {
            (Self::PrescriptionRenew, Plan::Renew { prescription, route, .. }) => {
                prescription::renew::perform(permit, &prescription, route, setting).await
            }
            (Self::PrescriptionPharmacy, Plan::Pharmacy { pharmacy }) => {
                Ok(prescription::pharmacy::perform(permit, pharmacy))
            }
            (Self::MedicineTaken, Plan::Taken { doses, at, part }) => {
                medicine::taken::perform(permit, doses, at, part, setting).await
            }
            (Self::MedicineRemind, Plan::Remind { reminder }) => {
                reminder::remind::perform(permit, reminder, setting).await
            }
            (Self::ReminderCancel, Plan::CancelReminders { ids }) => {
                reminder::cancel::perform(permit, &ids, setting).await
            }
            (Self::AppointmentBook | Self::UrgentCareBook, Plan::Book { slot, reason }) => {
                appointment::book::perform(permit, slot, reason, setting).await
            }
            (Self::ReadingLog, Plan::KeepReading { reading }) => reading::log::perform(permit, reading, setting).await,
            (Self::ReadingCorrect, Plan::CorrectReading { old, instead }) => {
                reading::correct::perform(permit, old, instead, setting).await
            }
            (Self::AppointmentCancel, Plan::Cancel { visit, start }) => {
                appointment::cancel::perform(permit, &visit, start, setting).await
            }
            (Self::AppointmentReschedule, Plan::Reschedule { visit, start, to }) => {
                appointment::reschedule::perform(permit, &visit, start, to, setting).await
            }
            (Self::AppointmentArrive, Plan::Arrive { visit, start, here, minutes }) => {
                appointment::arrive::perform(permit, &visit, start, (here, minutes), setting).await
            }
            (Self::AppointmentWaitlist, Plan::JoinWaitlist { waiting }) => {
                appointment::waitlist::join_perform(permit, waiting, setting).await
            }
            (Self::AppointmentWaitlist, Plan::LeaveWaitlist { ids }) => {
                Ok(appointment::waitlist::leave_perform(permit, ids))
            }
            (Self::ConsentGive, Plan::Consent { given: true, uses }) => {
                Ok(consent::perform(permit, true, uses, setting))
            }
            (Self::ConsentRevoke, Plan::Consent { given: false, uses }) => {
                Ok(consent::perform(permit, false, uses, setting))
            }
            (Self::PrivacyForget, Plan::Forget { words }) => privacy::forget::perform(permit, words, setting).await,
            (Self::NotificationSettings, Plan::Quiet { change }) => {
                notification::settings::perform(permit, change, setting).await
            }
            (Self::RecordConnect, Plan::Connect { organization }) => {
                Ok(connect::perform(permit, organization, setting))
            }
            (Self::RecordDisconnect, Plan::Disconnect { connections }) => {
                disconnect::perform(permit, connections, setting).await
            }
            (Self::CallContact, Plan::Call { who }) => room::call::perform(permit, who, setting).await,
            (Self::MealOrder, Plan::Meal { order }) => meal::order::perform(permit, order, setting).await,
            (Self::PrivacyExport, Plan::Copy) => Ok(privacy::export::perform(permit)),
            _ => Err(ActionError::ForeignPlan),
        }
    }

    /// The same for what needs nobody to be known but the device's place.
    ///
    /// # Errors
    /// When the plan belongs to another action.
    pub fn perform_in_room(self, pass: &RoomPass, plan: Plan, setting: &Setting<'_>) -> Result<Outcome, ActionError> {
        match (self, plan) {
            (Self::ServiceRequest, Plan::Service { service, spoken }) => {
                Ok(service::perform(pass, &service, &spoken, setting))
            }
            _ => Err(ActionError::ForeignPlan),
        }
    }
}

/// The floor of what reads or changes one person's data.
const fn of_a_person(effect: Effect, scope: Scope) -> Floor {
    Floor { data: DataClass::Identifiable, effect, identity: Identity::Known, scope: Some(scope) }
}

/// The floor of what needs nobody.
const fn of_nobody(data: DataClass, effect: Effect) -> Floor {
    Floor { data, effect, identity: Identity::Nobody, scope: None }
}

/// The permit of an action that cannot do without one.
fn permit(pass: Pass) -> Result<Permit, ActionError> {
    match pass {
        Pass::Person(permit) => Ok(permit),
        Pass::Room(_) | Pass::Public => Err(ActionError::NotAdmitted("a permit")),
    }
}

/// The words of a slot.
fn text<'a>(slots: &'a Slots, name: &str) -> Option<&'a str> {
    match &slots.get(name)?.value {
        SlotValue::Text(text) => Some(text.trim()).filter(|t| !t.is_empty()),
        _ => None,
    }
}

/// How many of the list were said before.
fn further(slots: &Slots) -> usize {
    match slots.get(FURTHER).map(|slot| &slot.value) {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the dialogue's own count")]
        Some(SlotValue::Number(said)) if *said >= 0.0 => *said as usize,
        _ => 0,
    }
}

/// The days or times of a slot.
fn when(slots: &Slots, name: &str) -> Option<When> {
    match slots.get(name)?.value {
        SlotValue::When(when) => Some(when),
        _ => None,
    }
}

/// Lower-case words of a name, for comparing.
fn words(name: &str) -> Vec<String> {
    name.split(|c: char| !c.is_alphanumeric()).filter(|w| !w.is_empty()).map(str::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_action_is_found_by_its_name_and_guards_what_it_touches() {
        for action in Action::ALL {
            assert_eq!(Action::named(action.name()), Some(*action));
            let floor = action.floor();
            // Agreeing rests on no agreement, and neither does a right, nor what one is told unasked, nor a list made for calling.
            let agrees = action.name().starts_with("consent.") || action.name().starts_with("privacy.");
            let of_its_own = ["notification.", "call."].iter().any(|domain| action.name().starts_with(domain));
            let agrees = agrees && floor.data == DataClass::Identifiable && floor.identity >= Identity::Pin;
            assert_eq!(
                floor.scope.is_some() || agrees || of_its_own,
                floor.data == DataClass::Identifiable,
                "{}",
                action.name()
            );
            assert_eq!(floor.identity >= Identity::Known, floor.data == DataClass::Identifiable, "{}", action.name());
        }
        assert_eq!(Action::named("prescription.steal"), None);
    }
}
