//! What staff ask for, and what they are answered: the board, the people of their units, a record, broken glass, reviews.
//!
//! Invariants: a right is asked for before anything is looked up, in one place ([`Desk::answer`]); a record comes out of its
//! wrapping against a permit that `policy::admit_staff` minted after its audit row; staff reach people of their own
//! units' rooms alone, those who asked for their word as far as it takes to give it, anybody else only under glass they broke. Deliberately absent: searching people by name, and any
//! way to speak as somebody.

use std::{
    collections::{BTreeMap, HashSet},
    sync::{Arc, Mutex, PoisonError},
};

use jiff::{SignedDuration, Timestamp, tz::TimeZone};
use renewals::Inbox;

use crate::{
    actions::Unsayable,
    fleet::nurse::Routes,
    policy::{
        Event, Journal, JournalEntry, PersonId, RoomId, StaffVerdict, admit_staff,
        staff::{Right, StaffMember, is_reason},
        staff_row,
    },
    records::Records,
    store::{Settled, Store},
};

mod admissions;
mod alerts;
mod audit;
mod calls;
mod fleet;
mod record;
mod renewals;
mod results;
mod views;

pub use crate::actions::{Moved, RenewalState};
pub use admissions::{AdmissionAsk, AdmissionText, AdmissionTold, AdmissionView, AdmissionsView};
pub use alerts::{AlertKind, Alerts, AlertsError, AlertsSent};
pub use audit::{TrailAsk, TrailRowView, TrailView};
pub use calls::{DutiesView, DutyView, LiveEvent, LiveView, OnDuty, is_sayable};
pub use fleet::{
    AboveView, AnnouncementView, AnnouncementsView, CodeView, DeviceView, DevicesView, FleetAsk, FleetRefusal,
    FleetTold, MadeView, NewAnnouncement, PlaceView, PlacesView, TableView, WrongView,
};
pub use renewals::{RenewalView, RenewalsView};
pub use views::{
    AllergyView, AuditView, BoardView, CareView, ConditionView, CopyView, DoneView, GlassView, MeView, MeasuredView,
    MedicineView, PeopleView, RecordView, RequestView, ResultView, ResultsView, ReviewView, ReviewsView, ShotView,
    StayView, ToTellView, VisitView,
};

/// Calls of which the desk remembers who has read them; beyond that they are audited again.
const MOST_READ: usize = 100_000;

/// What a member of staff asks for.
///
/// Not `Debug`: it may hold a reason or a finding.
#[derive(Clone)]
pub enum Ask {
    /// Who they are and what they may do.
    Me,
    /// To stay signed in.
    Here,
    /// The calls of their rooms.
    Board,
    /// To say that they have seen a call.
    Acknowledge(String),
    /// To end a call.
    Complete(String),
    /// To have something said in the room of a call.
    SayBack(String, String),
    /// What happened on the board after an event.
    Live(Option<i64>),
    /// Who is on duty.
    Duties,
    /// To put somebody on duty.
    PutOnDuty(OnDuty),
    /// To take somebody off duty.
    TakeOffDuty(String),
    /// The results that a clinician tells first.
    Results,
    /// To say that they have talked with somebody about one, and what was said.
    ToldResult(String, String),
    /// Which of their rooms are occupied.
    People,
    /// Somebody's record.
    Record(PersonId),
    /// To open the record of somebody they do not look after.
    BreakGlass(Whom, String),
    /// To shut what they opened.
    ShutGlass(PersonId),
    /// The renewals that wait for their word.
    Renewals,
    /// To say yes or no to one.
    Decide(String, Moved),
    /// The renewals that a pharmacy works on.
    Fills,
    /// To move one of those on.
    Fill(String, Moved),
    /// What is to be looked into; with `true` what was, too.
    Reviews(bool),
    /// To settle a review, with a finding.
    Settle(String, String),
    /// Whether the audit chain is whole.
    CheckAudit,
    /// Whether they may have the trail given out; who gives it asks first.
    ExportAudit,
    /// Rows of the audit trail.
    SearchAudit(TrailAsk),
    /// Something of the fleet.
    Fleet(FleetAsk),
    /// Something of the admission system's messages.
    Admissions(AdmissionAsk),
}

/// Whom somebody asks for.
#[derive(Clone)]
pub enum Whom {
    /// By the id of this program.
    Person(PersonId),
    /// By a medical record number or the like, `system|value`.
    Identifier(String),
}

impl Ask {
    /// The right it needs; `None` where being signed in is enough.
    #[must_use]
    pub const fn right(&self) -> Option<Right> {
        Some(match self {
            Self::Me | Self::Here => return None,
            Self::Board | Self::Live(_) => Right::Board,
            Self::SayBack(..) => Right::SayBack,
            Self::Duties => Right::Duty,
            Self::PutOnDuty(_) | Self::TakeOffDuty(_) => Right::SetDuty,
            Self::Acknowledge(_) => Right::Acknowledge,
            Self::Complete(_) => Right::Complete,
            Self::Results | Self::ToldResult(..) => Right::TellResults,
            Self::People => Right::People,
            Self::Record(_) => Right::Record,
            Self::BreakGlass(..) | Self::ShutGlass(_) => Right::BreakGlass,
            Self::Renewals | Self::Decide(..) => Right::Renewals,
            Self::Fills | Self::Fill(..) => Right::Fills,
            Self::Reviews(_) => Right::Reviews,
            Self::Settle(..) => Right::CloseReview,
            Self::CheckAudit => Right::CheckAudit,
            Self::ExportAudit => Right::ExportAudit,
            Self::SearchAudit(_) => Right::SearchAudit,
            Self::Fleet(ask) => ask.right(),
            Self::Admissions(ask) => ask.right(),
        })
    }

    /// Whether it shows that somebody is there: a page that looks again by itself does not.
    #[must_use]
    pub const fn renews(&self) -> bool {
        match self {
            Self::Fleet(ask) => !ask.looks(),
            Self::Admissions(ask) => !ask.looks(),
            _ => !matches!(
                self,
                Self::Me | Self::Board | Self::Live(_) | Self::Duties | Self::Results | Self::Renewals | Self::Fills
            ),
        }
    }
}

/// What a member of staff is answered.
#[derive(serde::Serialize)]
#[serde(untagged)]
pub enum Told {
    /// Who they are.
    Me(MeView),
    /// Calls.
    Board(BoardView),
    /// What happened on the board.
    Live(LiveView),
    /// Who is on duty.
    Duties(DutiesView),
    /// Results that a clinician tells first.
    Results(ResultsView),
    /// Occupied rooms.
    People(PeopleView),
    /// A record.
    Record(Box<RecordView>),
    /// Broken glass.
    Glass(GlassView),
    /// Renewals.
    Renewals(RenewalsView),
    /// What is to be looked into.
    Reviews(ReviewsView),
    /// The audit chain.
    Audit(AuditView),
    /// Rows of the audit trail.
    Trail(TrailView),
    /// Something of the fleet.
    Fleet(FleetTold),
    /// Messages of the admission system.
    Admissions(AdmissionTold),
    /// It is done.
    Done(DoneView),
}

/// Why a member of staff is not answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotTold {
    /// None of their roles has the right.
    #[error("your roles do not allow this")]
    NoRight,
    /// Nothing of theirs is there.
    #[error("there is no such thing in your units")]
    NotThere,
    /// Only under broken glass.
    #[error("this person stays in none of your units' rooms")]
    BreakGlass,
    /// They look after that person anyway.
    #[error("this person stays in a room of your units; open the record")]
    NoNeed,
    /// It says nothing.
    #[error("say why, in 10 to 500 characters")]
    BadReason,
    /// Nothing that a patient could be told.
    #[error("{0}")]
    Unsayable(Unsayable),
    /// Words that cannot be said in a room.
    #[error("say it in 2 to 200 characters, in one line, with letters")]
    Unspeakable,
    /// Nobody, or times that cannot be.
    #[error("name a role and who, in 1 to 80 characters, and times of at most 48 hours")]
    BadDuty,
    /// Their own case.
    #[error("somebody else must settle what you did yourself")]
    OwnCase,
    /// Something that cannot be done with the fleet.
    #[error("{0}")]
    Fleet(FleetRefusal),
    /// The store or a key does not answer.
    #[error("the server cannot reach its store")]
    Unavailable,
}

/// Where staff are answered.
pub struct Desk {
    store: Store,
    records: Records,
    alerts: Arc<Alerts>,
    /// Who is told of which need.
    routes: Routes,
    /// Which rooms each unit has.
    units: BTreeMap<String, Vec<String>>,
    /// How long broken glass stays open.
    glass_lasts: SignedDuration,
    /// The organization's clock.
    zone: TimeZone,
    /// Which call was read by whom: the first look at each is audited, not every glance of a page that looks again.
    read: Mutex<HashSet<(String, String)>>,
}

impl Desk {
    /// A desk in front of a store; records that are a server's are seen as they were last copied.
    #[must_use]
    pub fn new(store: Store, alerts: Arc<Alerts>, glass_lasts: SignedDuration) -> Self {
        Self {
            records: Records::new(store.clone()),
            store,
            alerts,
            routes: Routes::default(),
            units: BTreeMap::new(),
            glass_lasts,
            zone: TimeZone::UTC,
            read: Mutex::default(),
        }
    }

    /// The same where records may be at servers, and are read from there.
    #[must_use]
    pub fn reading(self, records: &Records) -> Self {
        Self { records: records.at_rest(), ..self }
    }

    /// Answers a member of staff.
    ///
    /// # Errors
    /// Why not. Whatever needs a right is refused before anything is looked up.
    pub async fn answer(&self, staff: &StaffMember, ask: Ask, now: Timestamp) -> Result<Told, NotTold> {
        if let Some(right) = ask.right()
            && !staff.may(right)
        {
            let row = staff_row(Event::Refused, &staff.member, None, right.name(), None, Some("no_right"), now);
            self.store.append(row).await.map_err(lost)?;
            return Err(NotTold::NoRight);
        }
        let done = |()| Told::Done(DoneView { done: true });
        match ask {
            Ask::Me | Ask::Here => self.me(staff).await,
            Ask::Board => self.board(staff, now).await,
            Ask::Acknowledge(id) => {
                let by = self.own_call(staff, &id).await?;
                self.store.acknowledge(&id, &by, now).await.map_err(not_there).map(done)
            }
            Ask::Complete(id) => {
                let by = self.own_call(staff, &id).await?;
                self.store.close_request(&id, &by, now).await.map_err(not_there).map(done)
            }
            Ask::SayBack(id, words) => self.say_back(staff, &id, &words, now).await,
            Ask::Live(after) => self.live(staff, after, now).await,
            Ask::Duties => self.duties(staff, now).await,
            Ask::PutOnDuty(duty) => self.put_on_duty(staff, duty, now).await,
            Ask::TakeOffDuty(id) => self.take_off_duty(staff, &id, now).await,
            Ask::Results => self.results(staff, now).await,
            Ask::ToldResult(id, words) => self.told_result(staff, &id, &words, now).await.map(done),
            Ask::People => self.people(staff).await,
            Ask::Record(person) => self.record(staff, &person, now).await,
            Ask::BreakGlass(whom, reason) => self.break_glass(staff, whom, &reason, now).await,
            Ask::ShutGlass(person) => match self.store.shut_glass(staff, &person, now).await.map_err(lost)? {
                true => Ok(done(())),
                false => Err(NotTold::NotThere),
            },
            Ask::Renewals => self.waiting(staff, Inbox::Prescriber, now).await,
            Ask::Fills => self.waiting(staff, Inbox::Pharmacy, now).await,
            Ask::Decide(id, moved) => self.moved_on(staff, Inbox::Prescriber, &id, moved, now).await.map(done),
            Ask::Fill(id, moved) => self.moved_on(staff, Inbox::Pharmacy, &id, moved, now).await.map(done),
            Ask::Reviews(settled) => {
                let rows = self.store.reviews(staff, settled, now).await.map_err(lost)?;
                Ok(Told::Reviews(ReviewsView { reviews: rows.into_iter().map(ReviewView::of).collect() }))
            }
            Ask::Settle(id, finding) => self.settle(staff, &id, &finding, now).await,
            Ask::ExportAudit => Ok(done(())),
            Ask::SearchAudit(ask) => self.search_audit(staff, ask, now).await,
            Ask::Fleet(ask) => self.fleet(staff, ask, now).await,
            Ask::Admissions(ask) => self.admissions(staff, ask, now).await,
            Ask::CheckAudit => {
                let report = self.store.audit_verify().await.map_err(lost)?;
                Ok(Told::Audit(AuditView { whole: report.whole(), entries: report.entries }))
            }
        }
    }

    async fn me(&self, staff: &StaffMember) -> Result<Told, NotTold> {
        let rights = Right::ALL.into_iter().filter(|right| staff.may(*right));
        Ok(Told::Me(MeView {
            name: self.name_of(staff).await?,
            roles: staff.roles.iter().map(|role| role.name()).collect(),
            rights: rights.map(Right::name).collect(),
            rooms: staff.rooms.iter().map(|room| room.as_str().to_owned()).collect(),
            reviews_open: match staff.may(Right::Reviews) {
                true => Some(self.store.open_reviews().await.map_err(lost)?),
                false => None,
            },
        }))
    }

    async fn name_of(&self, staff: &StaffMember) -> Result<String, NotTold> {
        Ok(self.store.staff_names().await.map_err(lost)?.remove(staff.member.as_str()).unwrap_or_default())
    }

    /// The calls of their rooms. What somebody has not been shown yet is audited before it is.
    async fn board(&self, staff: &StaffMember, now: Timestamp) -> Result<Told, NotTold> {
        let rows = self.store.board(None).await.map_err(lost)?;
        let mut requests: Vec<RequestView> = rows
            .into_iter()
            .filter(|row| RoomId::parse(&row.room).is_ok_and(|room| staff.looks_after(&room)))
            .map(|row| RequestView::of(row, &self.routes))
            .collect();
        requests.sort_by_key(|request| (request.answered, request.urgency, request.requested));
        if requests.iter().any(|request| !self.was_read(staff, &request.id)) {
            let row = staff_row(Event::Opened, &staff.member, None, "staff.board", None, Some("calls"), now);
            self.store.append(row).await.map_err(lost)?;
            self.now_read(staff, requests.iter().map(|request| request.id.as_str()));
        }
        Ok(Told::Board(BoardView { requests }))
    }

    fn was_read(&self, staff: &StaffMember, id: &str) -> bool {
        let read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        read.contains(&(staff.member.as_str().to_owned(), id.to_owned()))
    }

    fn now_read<'a>(&self, staff: &StaffMember, ids: impl Iterator<Item = &'a str>) {
        let mut read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        if read.len() >= MOST_READ {
            read.clear();
        }
        read.extend(ids.map(|id| (staff.member.as_str().to_owned(), id.to_owned())));
    }

    /// What they are called, where an open call of that id is one of their rooms'.
    async fn own_call(&self, staff: &StaffMember, id: &str) -> Result<String, NotTold> {
        let rows = self.store.board(None).await.map_err(lost)?;
        let theirs = |room: &str| RoomId::parse(room).is_ok_and(|room| staff.looks_after(&room));
        if !rows.iter().any(|row| row.id == id && theirs(&row.room)) {
            return Err(NotTold::NotThere);
        }
        self.name_of(staff).await
    }

    /// Which of their rooms are occupied. Who it is, only their record tells.
    async fn people(&self, staff: &StaffMember) -> Result<Told, NotTold> {
        let mut people = vec![];
        for room in &staff.rooms {
            if let Some(there) = self.store.occupant(room).await.map_err(lost)? {
                let person = there.person.as_str().to_owned();
                people.push(StayView { room: room.as_str().to_owned(), person });
            }
        }
        Ok(Told::People(PeopleView { people }))
    }

    async fn record(&self, staff: &StaffMember, person: &PersonId, now: Timestamp) -> Result<Told, NotTold> {
        if !self.store.person_exists(person).await.map_err(lost)? {
            return Err(NotTold::NotThere);
        }
        let lies_in = self.store.room_of(person).await.map_err(lost)?;
        let glass = self.store.open_glass(&staff.member, person, now).await.map_err(lost)?;
        let verdict = admit_staff(staff, person, lies_in.as_ref(), glass.as_ref(), now, &self.store).await;
        let (permit, under) = match verdict.map_err(lost)? {
            StaffVerdict::Allow(permit, under) => (permit, under),
            StaffVerdict::BreakGlass => return Err(NotTold::BreakGlass),
            StaffVerdict::Refuse => return Err(NotTold::NoRight),
        };
        let entry = permit.entry();
        let mut view = record::read(&self.records, permit, now).await.map_err(lost)?;
        view.until = glass.filter(|_| under.is_some()).map(|glass| glass.until);
        let row = staff_row(Event::Closed, &staff.member, Some(person), "staff.record", under, Some("answered"), now);
        self.store.append(JournalEntry { closes: Some(entry), ..row }).await.map_err(lost)?;
        Ok(Told::Record(Box::new(view)))
    }

    async fn break_glass(
        &self,
        staff: &StaffMember,
        whom: Whom,
        reason: &str,
        now: Timestamp,
    ) -> Result<Told, NotTold> {
        if !is_reason(reason) {
            return Err(NotTold::BadReason);
        }
        let person = match whom {
            Whom::Person(person) => Some(person),
            Whom::Identifier(text) => self.store.person_of(&text).await.map_err(lost)?,
        };
        let person = person.ok_or(NotTold::NotThere)?;
        if !self.store.person_exists(&person).await.map_err(lost)? {
            return Err(NotTold::NotThere);
        }
        let lies_in = self.store.room_of(&person).await.map_err(lost)?;
        if lies_in.is_some_and(|room| staff.looks_after(&room)) {
            return Err(NotTold::NoNeed);
        }
        let until = now.checked_add(self.glass_lasts).map_err(|_| NotTold::Unavailable)?;
        let glass = self.store.break_glass(staff, &person, reason, until, now).await.map_err(lost)?;
        self.alerts.raise(AlertKind::BreakGlass, 1);
        Ok(Told::Glass(GlassView { person: person.as_str().to_owned(), until: glass.until }))
    }

    async fn settle(&self, staff: &StaffMember, id: &str, finding: &str, now: Timestamp) -> Result<Told, NotTold> {
        if !is_reason(finding) {
            return Err(NotTold::BadReason);
        }
        match self.store.settle_review(staff, id, finding, now).await.map_err(lost)? {
            Settled::Done => Ok(Told::Done(DoneView { done: true })),
            Settled::OwnCase => Err(NotTold::OwnCase),
            Settled::NotThere => Err(NotTold::NotThere),
        }
    }
}

/// What failed goes to the log without whom it was about; outside it only says that it failed.
fn lost(error: impl std::fmt::Display) -> NotTold {
    tracing::error!(%error, "staff could not be answered");
    NotTold::Unavailable
}

fn not_there(error: crate::store::StoreError) -> NotTold {
    match error {
        crate::store::StoreError::NotPossible => NotTold::NotThere,
        error => lost(error),
    }
}
