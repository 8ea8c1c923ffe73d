//! Records from the local store: what was imported, and what has happened since.

use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;
use serde::de::DeserializeOwned;

use super::{
    Allergy, CarePlace, Condition, FACILITY, Facility, Immunization, Known, LabResult, OnDuty, OpenSlot, Pharmacy,
    Position, Prescription, Profile, Provider, Reading, RoomThing, SlotQuery, Visit, VisitNote, Vital,
    fresh::{Budget, Live, parts_of},
    name_lists::name_lists,
    sensitive::{self, Hush},
    server::Servers,
    visit::as_changed,
};
use crate::{
    actions::{Reminder, Renewal, Taken, Waiting},
    policy::{NameLists, PersonId, Phi, RoomId, Scope, WrongSubject},
    store::{ChartKind, RoomCall, Store, StoreError},
};

/// The unit whose people are on duty for the whole house.
const HOUSE: &str = "house";

/// Where the actions read people's records. Reads only: changes go through the turn.
pub struct Records {
    store: Store,
    /// What was read before it was asked for. Taken by the first who asks.
    ahead: Mutex<Option<Ahead>>,
    /// What may be said where they are read for.
    hush: Hush,
    /// Where people's records may be besides the store.
    servers: Option<Arc<Servers>>,
    /// The same for one turn; absent where only what is here is looked at.
    live: Option<Live>,
    /// How long the servers may take together where somebody waits for a spoken answer.
    budget: Option<Budget>,
}

/// The part of a chart that a scope is mostly about, still wrapped.
enum Ahead {
    Prescriptions(Phi<Vec<Prescription>>),
    Visits(Phi<Vec<Visit>>),
    Results(Phi<Vec<LabResult>>),
}

/// Why records could not be read.
#[derive(Debug, thiserror::Error)]
pub enum RecordsError {
    /// The database or a key failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// They are at a server that cannot be reached, and there is no copy of them.
    #[error("the person's records are at a server that cannot be reached, and there is no copy of them")]
    Unreachable,
    /// They are at a server that keeps nothing of that kind: whether there is any, nobody can tell from there.
    #[error("the server that the person's records are at keeps nothing of that kind")]
    NotHeld,
    /// Rows of two people came back for one. A defect; nothing was revealed.
    #[error("the store answered with another person's rows")]
    Mixed(#[from] WrongSubject),
}

impl Records {
    /// The store behind them.
    pub(crate) const fn store(&self) -> &Store {
        &self.store
    }

    /// What may be said where they are read for.
    pub(super) const fn hush(&self) -> &Hush {
        &self.hush
    }

    /// The servers, in a turn.
    pub(super) const fn live(&self) -> Option<&Live> {
        self.live.as_ref()
    }

    /// The servers, where there are any.
    pub(super) fn servers(&self) -> Option<&Servers> {
        self.servers.as_deref()
    }

    /// Records kept in this store.
    #[must_use]
    pub const fn new(store: Store) -> Self {
        let hush = Hush { aloud: false, named: Vec::new() };
        Self { store, ahead: Mutex::new(None), hush, servers: None, live: None, budget: None }
    }

    /// The same where people's records may be at these servers, too.
    #[must_use]
    pub fn with_servers(self, servers: Arc<Servers>) -> Self {
        Self { servers: Some(servers).filter(|servers| !servers.is_empty()), ..self }
    }

    /// The same records where all that is asked of servers must fit into that time. What does not is as if they could not
    /// be reached.
    #[must_use]
    pub fn within(&self, budget: &Budget) -> Self {
        Self { budget: Some(budget.clone()), ..self.at_rest() }
    }

    /// The same records for nobody's turn: what is at a server is as it was last copied, until [`Records::refreshed`].
    #[must_use]
    pub fn at_rest(&self) -> Self {
        Self { servers: self.servers.clone(), ..Self::new(self.store.clone()) }
    }

    /// These records for one turn, in which each part is read from a server at most once, with what a question of this
    /// scope will most likely read. It is read while the audit row that opens the disclosure goes to the disk, and comes
    /// out of its wrapping no sooner than anything else. What cannot be read now is read, and fails, when it is asked for.
    pub async fn ahead(&self, person: &PersonId, scope: Scope, hush: Hush, now: Timestamp) -> Self {
        let records = self.hushed(hush, now);
        // What went wrong shows itself when the part is asked for.
        let _ = records.freshen(person, parts_of(scope)).await;
        let store = &self.store;
        let part = match scope {
            Scope::Medicines => {
                store.chart_rows_aside(person, ChartKind::Prescriptions).await.map(Ahead::Prescriptions)
            }
            Scope::Visits => store.chart_rows_aside(person, ChartKind::Visits).await.map(Ahead::Visits),
            Scope::Records => store.chart_rows_aside(person, ChartKind::Results).await.map(Ahead::Results),
        };
        Self { ahead: Mutex::new(part.ok()), ..records }
    }

    /// These records for one turn, where only this may be said.
    #[must_use]
    pub fn hushed(&self, hush: Hush, now: Timestamp) -> Self {
        let budget = self.budget.clone();
        let live = self.servers.clone().map(|servers| Live::new(servers, now, budget.clone()));
        Self { store: self.store.clone(), ahead: Mutex::new(None), hush, servers: self.servers.clone(), live, budget }
    }

    /// A part of the chart: what was read ahead, if it is this one, or from the store.
    async fn part<T: DeserializeOwned>(
        &self,
        person: &PersonId,
        kind: ChartKind,
        this: fn(Ahead) -> Result<Phi<Vec<T>>, Ahead>,
    ) -> Result<Phi<Vec<T>>, RecordsError> {
        self.reached(person, kind).await?;
        let taken = {
            let mut ahead = self.ahead.lock().unwrap_or_else(PoisonError::into_inner);
            match ahead.take().map(this) {
                Some(Ok(part)) => Some(part).filter(|part| part.subject() == person),
                Some(Err(other)) => {
                    *ahead = Some(other);
                    None
                }
                None => None,
            }
        };
        match taken {
            Some(part) => Ok(part),
            None => Ok(self.store.chart_rows(person, kind).await?),
        }
    }

    /// The person's prescriptions.
    ///
    /// # Errors
    /// When the database or the person's key fails; so for every function here.
    pub async fn prescriptions(&self, person: &PersonId) -> Result<Phi<Vec<Prescription>>, RecordsError> {
        let part = self.part(person, ChartKind::Prescriptions, |ahead| match ahead {
            Ahead::Prescriptions(part) => Ok(part),
            other => Err(other),
        });
        Ok(part.await?.map(|all| all.into_iter().filter(|p| self.may_name_medicine(p)).collect()))
    }

    fn may_name_medicine(&self, p: &Prescription) -> bool {
        let names = std::iter::once(&p.medicine).chain(&p.aliases).map(String::as_str);
        self.hush.lets(|| sensitive::of_medicine(p), names)
    }

    /// The person's visits: those of the chart and those booked here since.
    ///
    /// # Errors
    /// As [`Records::prescriptions`].
    pub async fn visits(&self, person: &PersonId) -> Result<Phi<Vec<Visit>>, RecordsError> {
        let chart = self.charted_visits(person).await?;
        let booked = self.store.booked_visits(person).await?;
        Ok(chart.zip(booked)?.map(|(chart, booked)| {
            let mut all = as_changed(chart, booked);
            all.retain(|v| {
                let names = [&v.provider, &v.specialty, &v.place].into_iter().flatten().map(String::as_str);
                self.hush.lets(|| sensitive::of_visit(v), names)
            });
            all
        }))
    }

    /// The visits of the chart alone.
    async fn charted_visits(&self, person: &PersonId) -> Result<Phi<Vec<Visit>>, RecordsError> {
        self.part(person, ChartKind::Visits, |ahead| match ahead {
            Ahead::Visits(part) => Ok(part),
            other => Err(other),
        })
        .await
    }

    /// The person's laboratory results.
    ///
    /// # Errors
    /// As [`Records::prescriptions`].
    pub async fn results(&self, person: &PersonId) -> Result<Phi<Vec<LabResult>>, RecordsError> {
        let part = self.part(person, ChartKind::Results, |ahead| match ahead {
            Ahead::Results(part) => Ok(part),
            other => Err(other),
        });
        let may_name = |r: &LabResult| {
            let names = std::iter::once(&r.test).chain(&r.aliases).chain(&r.panel).map(String::as_str);
            self.hush.lets(|| sensitive::of_result(r), names)
        };
        let told = part.await?.map(|all| all.into_iter().filter(may_name).collect());
        Ok(self.store.reviewed(told).await?)
    }

    /// Who treats the person.
    ///
    /// # Errors
    /// As [`Records::prescriptions`].
    pub async fn providers(&self, person: &PersonId) -> Result<Phi<Vec<Provider>>, RecordsError> {
        let all = self.rows::<Provider>(person, ChartKind::Providers).await?;
        let told = |p: &Provider| {
            let texts = [Some(&p.name), p.specialty.as_ref(), p.role.as_ref()];
            let texts = || texts.into_iter().flatten().map(String::as_str);
            self.hush.lets(|| sensitive::of_care(texts()), texts())
        };
        Ok(all.map(|all| all.into_iter().filter(told).collect()))
    }

    /// The person's allergies on record.
    ///
    /// # Errors
    /// As [`Records::prescriptions`].
    pub async fn allergies(&self, person: &PersonId) -> Result<Phi<Vec<Allergy>>, RecordsError> {
        let all = self.rows::<Allergy>(person, ChartKind::Allergies).await?;
        let told = |a: &Allergy| self.hush.lets(|| sensitive::of_allergy(a), std::iter::once(a.substance.as_str()));
        Ok(all.map(|all| all.into_iter().filter(told).collect()))
    }

    /// What clinics measured, newest first.
    ///
    /// # Errors
    /// As [`Records::prescriptions`].
    pub async fn vitals(&self, person: &PersonId) -> Result<Phi<Vec<Vital>>, RecordsError> {
        self.rows(person, ChartKind::Vitals).await
    }

    /// What the person measured themselves, newest first.
    ///
    /// # Errors
    /// As [`Records::prescriptions`].
    pub async fn readings(&self, person: &PersonId) -> Result<Phi<Vec<Reading>>, RecordsError> {
        Ok(self.store.readings(person).await?)
    }

    /// The person's conditions on record.
    ///
    /// # Errors
    /// As [`Records::prescriptions`].
    pub async fn conditions(&self, person: &PersonId) -> Result<Phi<Vec<Condition>>, RecordsError> {
        let all = self.rows::<Condition>(person, ChartKind::Conditions).await?;
        let told = |c: &Condition| {
            let names = std::iter::once(&c.name).chain(&c.aliases).map(String::as_str);
            self.hush.lets(|| sensitive::of_condition(c), names)
        };
        Ok(all.map(|all| all.into_iter().filter(told).collect()))
    }

    /// The person's vaccinations on record, newest first.
    ///
    /// # Errors
    /// As [`Records::prescriptions`].
    pub async fn immunizations(&self, person: &PersonId) -> Result<Phi<Vec<Immunization>>, RecordsError> {
        let all = self.rows::<Immunization>(person, ChartKind::Immunizations).await?;
        let told =
            |i: &Immunization| self.hush.lets(|| sensitive::of_immunization(i), std::iter::once(i.vaccine.as_str()));
        Ok(all.map(|all| all.into_iter().filter(told).collect()))
    }

    /// Visits that have been, with what was written for the person, newest first.
    ///
    /// # Errors
    /// As [`Records::prescriptions`].
    pub async fn notes(&self, person: &PersonId) -> Result<Phi<Vec<VisitNote>>, RecordsError> {
        let all = self.rows::<VisitNote>(person, ChartKind::Notes).await?;
        let told = |n: &VisitNote| {
            let names = [&n.provider, &n.place, &n.by].into_iter().flatten().map(String::as_str);
            self.hush.lets(|| sensitive::of_note(n), names)
        };
        Ok(all.map(|all| all.into_iter().filter(told).collect()))
    }

    /// Who the person is; `None` for somebody who was never imported.
    ///
    /// # Errors
    /// As [`Records::prescriptions`].
    pub async fn profile(&self, person: &PersonId) -> Result<Phi<Option<Profile>>, RecordsError> {
        let rows = self.store.chart_rows::<Profile>(person, ChartKind::Profile).await?;
        Ok(rows.map(|mut rows| rows.pop()))
    }

    /// The organizations whose records the person connected: the id of each connection, and what it is called. Where
    /// others hear it, none whose name tells of something protected.
    ///
    /// # Errors
    /// As [`Records::prescriptions`].
    pub async fn connected(&self, person: &PersonId) -> Result<Phi<Vec<(String, String)>>, RecordsError> {
        let all = self.store.connections(person).await?;
        let told = |name: &str| self.hush.lets(|| sensitive::of_care(std::iter::once(name)), std::iter::once(name));
        let named = all.into_iter().map(|one| (one.id, one.details.name)).filter(|(_, name)| told(name));
        Ok(Phi::new(person.clone(), named.collect()))
    }

    /// The person's renewals asked for here.
    ///
    /// # Errors
    /// As [`Records::prescriptions`].
    pub async fn renewals(&self, person: &PersonId) -> Result<Phi<Vec<Renewal>>, RecordsError> {
        // Of a medicine that may not be named, the prescription is not there to be asked about either.
        Ok(self.store.renewals(person).await?)
    }

    /// What the person noted of doses in the last weeks. Where others hear it, only of medicines that may be named there.
    ///
    /// # Errors
    /// As [`Records::prescriptions`].
    pub async fn taken(&self, person: &PersonId, now: Timestamp) -> Result<Phi<Vec<Taken>>, RecordsError> {
        let notes = self.store.taken(person, Some(now)).await?;
        if !self.hush.aloud {
            return Ok(notes);
        }
        let told = self.prescriptions(person).await?;
        Ok(notes.zip(told)?.map(|(notes, told)| {
            notes.into_iter().filter(|note| told.iter().any(|p| p.id == note.prescription)).collect()
        }))
    }

    /// What the person is reminded of. Where others hear it, only of medicines that may be named there.
    ///
    /// # Errors
    /// As [`Records::prescriptions`].
    pub async fn reminders(&self, person: &PersonId) -> Result<Phi<Vec<Reminder>>, RecordsError> {
        let all = self.store.reminders(person).await?;
        if !self.hush.aloud {
            return Ok(all);
        }
        let told = self.prescriptions(person).await?;
        let may = |reminder: &Reminder, told: &[Prescription]| match (&reminder.prescription, &reminder.medicine) {
            (Some(id), _) => told.iter().any(|p| p.id == *id),
            (None, Some(name)) => self.hush.lets(|| sensitive::of_medicine_name(name), std::iter::once(name.as_str())),
            (None, None) => true,
        };
        Ok(all.zip(told)?.map(|(all, told)| all.into_iter().filter(|r| may(r, &told)).collect()))
    }

    /// The pharmacy the person chose here.
    ///
    /// # Errors
    /// As [`Records::prescriptions`].
    pub async fn chosen_pharmacy(&self, person: &PersonId) -> Result<Phi<Option<Pharmacy>>, RecordsError> {
        Ok(self.store.chosen_pharmacy(person).await?)
    }

    /// The pharmacies that are known here.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn pharmacies(&self) -> Result<Vec<Pharmacy>, RecordsError> {
        Ok(self.store.pharmacies().await?)
    }

    /// The names in the person's own records that may help recognition.
    ///
    /// # Errors
    /// As [`Records::prescriptions`].
    pub async fn names(&self, person: &PersonId) -> Result<Phi<NameLists>, RecordsError> {
        self.freshen(person, &[ChartKind::Prescriptions, ChartKind::Providers]).await?;
        let medicines = self.prescriptions(person).await?;
        let providers = self.providers(person).await?;
        Ok(medicines.zip(providers)?.map(|(p, q)| name_lists(&p, &q)))
    }

    /// Places where people are seen without an appointment, in the order of their list.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn care_places(&self) -> Result<Vec<CarePlace>, RecordsError> {
        Ok(self.store.care_places().await?)
    }

    /// Where a room or a home is; `None` where nobody said.
    ///
    /// # Errors
    /// When the database or the house's key fails.
    pub async fn position(&self, room: &RoomId) -> Result<Option<Position>, RecordsError> {
        Ok(self.store.position(room).await?)
    }

    /// Who is on duty now for a unit, or for the whole house.
    ///
    /// # Errors
    /// When the database or the house's key fails.
    pub async fn on_duty(&self, unit: &str, now: Timestamp) -> Result<Vec<OnDuty>, RecordsError> {
        let all = self.store.duties(now).await?.into_iter();
        let here = all.filter(|duty| duty.since <= now && (duty.unit == unit || duty.unit == HOUSE));
        Ok(here.map(|duty| OnDuty { role: duty.role, who: duty.who }).collect())
    }

    /// What there is to know of the house; `None` where nobody said.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn facility(&self) -> Result<Option<Known<Facility>>, RecordsError> {
        Ok(self.store.house_list(FACILITY).await?.map(|(told, at)| Known { told, at }))
    }

    /// What can be worked in a room.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn room_things(&self, room: &RoomId) -> Result<Vec<RoomThing>, RecordsError> {
        Ok(self.store.room_things(room).await?)
    }

    /// The open calls of a room that were made by whoever is there now, as the room may hear of them.
    ///
    /// # Errors
    /// When the database or a key fails.
    pub async fn room_calls(&self, room: &RoomId) -> Result<Vec<RoomCall>, RecordsError> {
        Ok(self.store.room_calls(room).await?)
    }

    /// The earlier times that the person waits for, longest first.
    ///
    /// # Errors
    /// As [`Records::prescriptions`].
    pub async fn waiting(&self, person: &PersonId) -> Result<Phi<Vec<Waiting>>, RecordsError> {
        let all = self.store.waited_for(person).await?;
        let told = |waiting: &Waiting| {
            let texts = || [&waiting.provider, &waiting.specialty].into_iter().flatten().map(String::as_str);
            self.hush.lets(|| sensitive::of_care(texts()), texts())
        };
        Ok(all.map(|all| all.into_iter().filter(told).collect()))
    }

    /// Whoever has a free time in the schedules in a span, each specialty by itself.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn who_has_slots(&self, from: Timestamp, until: Timestamp) -> Result<Vec<Provider>, RecordsError> {
        self.freshen_slots().await?;
        self.none_free(self.store.who_has_slots(from, until).await?)
    }

    /// Free times in the schedules, earliest first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn free_slots(&self, query: SlotQuery) -> Result<Vec<OpenSlot>, RecordsError> {
        self.freshen_slots().await?;
        self.none_free(self.store.free_slots(&query).await?)
    }
}
