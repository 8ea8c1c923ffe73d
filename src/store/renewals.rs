//! Requests for more of a medicine, and how they move on.
//!
//! Invariants: one open request for each prescription (a partial unique index over a keyed hash); a step, the audit row that
//! tells who took it and the news of it for the person are one commit; what it is about, who decided and why is sealed under
//! the person's key.

use jiff::{Timestamp, civil::Date};
use serde::{Deserialize, Serialize};
use sqlx::{Row, any::AnyRow};
use zeroize::Zeroizing;

use super::{
    Place, Store,
    audit::Draft,
    error::StoreError,
    job::{Refusal, Step},
    keys::{KeyError, KeyOwner},
    notice::NewNotice,
    people::person_id,
};
use crate::{
    actions::{Change, Conflict, Moved, Notice, NoticeKind, Renewal, RenewalState, Route},
    policy::{Event, JournalEntry, PersonId, Phi, Scope},
    records::{Chart, Dispense, DispenseStage, Prescription, sensitive},
};

/// What of a renewal is sealed.
#[derive(Serialize, Deserialize)]
struct Sealed {
    prescription: String,
    medicine: String,
    route: Route,
    #[serde(default)]
    strength: Option<String>,
    #[serde(default)]
    prescriber: Option<String>,
    #[serde(default)]
    pharmacy: Option<String>,
    #[serde(default)]
    by: Option<String>,
    #[serde(default)]
    reason: Option<String>,
    #[serde(default)]
    carrier: Option<String>,
    #[serde(default)]
    due: Option<Date>,
}

impl Sealed {
    fn renewal(self, id: String, state: RenewalState, requested: Timestamp, updated: Timestamp) -> Renewal {
        Renewal {
            id,
            prescription: self.prescription,
            medicine: self.medicine,
            strength: self.strength,
            route: self.route,
            prescriber: self.prescriber,
            pharmacy: self.pharmacy,
            state,
            requested,
            updated,
            by: self.by,
            reason: self.reason,
            carrier: self.carrier,
            due: self.due,
        }
    }
}

/// A request that is not over, as far as it can be told without opening it.
#[derive(Debug, Clone)]
pub struct OpenRenewal {
    /// Its identifier.
    pub id: String,
    /// Whose, by their random id.
    pub person: PersonId,
    /// How far it is.
    pub state: RenewalState,
    /// Since when.
    pub updated: Timestamp,
}

/// How far a request is by what the records say; `None` where that is nothing new.
fn answered(renewal: &Renewal, chart: &Chart) -> Option<(RenewalState, Option<String>)> {
    let of = |p: &&Prescription| p.id == renewal.prescription || p.medicine == renewal.medicine;
    let since = |d: &&Dispense| d.at.is_some_and(|at| at > renewal.requested);
    for filling in chart.prescriptions.iter().filter(of).flat_map(|p| &p.dispenses).filter(since) {
        match filling.stage {
            DispenseStage::PickedUp => return Some((RenewalState::PickedUp, None)),
            DispenseStage::Delivered => return Some((RenewalState::Delivered, None)),
            _ => {}
        }
    }
    let answer = chart.answers.iter().find(|a| a.change == renewal.id).map(|a| (a.state, a.reason.clone()));
    let asked = renewal.requested.to_zoned(jiff::tz::TimeZone::UTC).date();
    let again = |p: &Prescription| {
        p.active
            && p.id != renewal.prescription
            && p.medicine == renewal.medicine
            && p.written.is_some_and(|w| w > asked)
    };
    let ordered = || chart.prescriptions.iter().any(again).then_some((RenewalState::Approved, None));
    let new = |told: &(RenewalState, Option<String>)| renewal.state.may_become(told.0);
    answer.filter(new).or_else(|| ordered().filter(new))
}

impl Store {
    /// The statement by which a request is made.
    pub(super) fn renew_steps(
        &self,
        owner: &KeyOwner,
        id: &str,
        change: &Change,
        at: Timestamp,
    ) -> Result<Vec<Step>, StoreError> {
        let Change::Renew { prescription, medicine, strength, prescriber, pharmacy, route } = change else {
            return Err(StoreError::NotPossible);
        };
        let details = Sealed {
            prescription: prescription.clone(),
            medicine: medicine.clone(),
            route: *route,
            strength: strength.clone(),
            prescriber: prescriber.clone(),
            pharmacy: pharmacy.clone(),
            by: None,
            reason: None,
            carrier: None,
            due: None,
        };
        let plain = Zeroizing::new(serde_json::to_vec(&details).unwrap_or_default());
        let (owner, sealed) = self.seal(owner, "renewal", "sealed", id, &plain)?;
        let once = self.inner.keys.root().hash("prescription", &[owner.as_bytes(), prescription.as_bytes()]);
        let step = Step::new(
            "INSERT INTO renewal (id, prescription, state, requested, updated, owner, sealed) \
             VALUES ($1, $2, $3, $4, $4, $5, $6)",
            vec![
                id.into(),
                once.into(),
                RenewalState::first(*route).name().into(),
                at.as_microsecond().into(),
                owner.into(),
                sealed.into(),
            ],
        );
        Ok(vec![step.or_duplicate(Refusal::Conflict(Conflict::AlreadyOpen))])
    }

    /// A person's renewal requests, newest first.
    ///
    /// # Errors
    /// When the person's key was destroyed, or the database fails.
    pub async fn renewals(&self, person: &PersonId) -> Result<Phi<Vec<Renewal>>, StoreError> {
        let owner = self.inner.keys.name(&KeyOwner::Person(person.clone()));
        let asked = "SELECT id, state, requested, updated, owner, sealed FROM renewal WHERE owner = $1 \
            ORDER BY requested DESC, id DESC";
        let rows = self.inner.database.ask(asked, &[owner.as_str().into()]).await?;
        let renewals = rows.iter().map(|row| self.renewal_row(row)).collect::<Result<Vec<_>, _>>()?;
        Ok(Phi::new(person.clone(), renewals))
    }

    /// Which renewal requests of a person there are and how far each is; what they are for stays sealed.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn renewal_states(&self, person: &PersonId) -> Result<Vec<(String, RenewalState)>, StoreError> {
        let owner = self.inner.keys.name(&KeyOwner::Person(person.clone()));
        let asked = "SELECT id, state FROM renewal WHERE owner = $1 ORDER BY requested DESC, id DESC";
        let rows = self.inner.database.ask(asked, &[owner.as_str().into()]).await?;
        rows.iter().map(|row| Ok((row.try_get("id")?, state(row)?))).collect()
    }

    /// Everybody's requests that are not over, longest without a step first; what they are for stays sealed.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn open_renewal_states(&self) -> Result<Vec<OpenRenewal>, StoreError> {
        let open = "SELECT r.id AS id, r.state AS state, r.updated AS updated, p.id AS person FROM renewal r \
            JOIN person p ON p.owner = r.owner WHERE r.state NOT IN ('denied', 'delivered', 'picked_up') \
            ORDER BY r.updated, r.id";
        let rows = self.inner.database.ask(open, &[]).await?;
        let told = |row: &AnyRow| {
            Ok(OpenRenewal {
                id: row.try_get("id")?,
                person: person_id(&row.try_get::<String, _>("person")?)?,
                state: state(row)?,
                updated: time(row, "updated")?,
            })
        };
        rows.iter().map(told).collect()
    }

    /// Everybody's requests that are not over and that concern whoever asks, oldest first, each still wrapped. Whether one
    /// does is told in here, of the request alone. One whose person's key was destroyed is not among them.
    ///
    /// # Errors
    /// When the database or a key fails.
    pub async fn open_renewals(
        &self,
        at_most: usize,
        concerns: impl Fn(&PersonId, &Renewal) -> bool,
    ) -> Result<Vec<Phi<Renewal>>, StoreError> {
        let open = "SELECT r.id AS id, r.state AS state, r.requested AS requested, r.updated AS updated, \
            r.owner AS owner, r.sealed AS sealed, p.id AS person FROM renewal r JOIN person p ON p.owner = r.owner \
            WHERE r.state NOT IN ('denied', 'delivered', 'picked_up') ORDER BY r.requested, r.id";
        let rows = self.inner.database.ask(open, &[]).await?;
        let mut found = Vec::new();
        for row in &rows {
            let person = person_id(&row.try_get::<String, _>("person")?)?;
            match self.renewal_row(row) {
                Ok(renewal) if concerns(&person, &renewal) => found.push(Phi::new(person, renewal)),
                Ok(_) => {}
                Err(StoreError::Key(error)) if matches!(*error, KeyError::Gone) => {}
                Err(error) => return Err(error),
            }
            if found.len() == at_most {
                break;
            }
        }
        Ok(found)
    }

    /// Moves a renewal on; audited with who did it.
    ///
    /// # Errors
    /// When there is none of that id, it cannot go to that state from where it is, or the database fails.
    pub async fn advance_renewal(
        &self,
        person: &PersonId,
        id: &str,
        moved: impl Into<Moved>,
        by: &str,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        let moved = moved.into();
        let entry = JournalEntry {
            event: Event::Progressed,
            subject: Some(person.clone()),
            actor: None,
            intent: None,
            channel: "staff",
            session: None,
            turn: None,
            closes: None,
            outcome: Some(moved.to.name()),
            at,
        };
        let draft = self.draft(&entry, Some(by))?;
        self.move_renewal(person, id, moved, by, draft, at).await
    }

    /// Moves a renewal on for somebody who is signed in; `entry` is the audit row that tells of it.
    ///
    /// # Errors
    /// As [`Store::advance_renewal`].
    pub async fn advance_renewal_signed_in(
        &self,
        person: &PersonId,
        id: &str,
        moved: Moved,
        by: &str,
        entry: &JournalEntry,
    ) -> Result<(), StoreError> {
        let draft = self.draft(entry, None)?;
        self.move_renewal(person, id, moved, by, draft, entry.at).await
    }

    async fn move_renewal(
        &self,
        person: &PersonId,
        id: &str,
        moved: Moved,
        by: &str,
        draft: Draft,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        let owner = KeyOwner::Person(person.clone());
        let now = "SELECT state, requested, sealed FROM renewal WHERE id = $1 AND owner = $2";
        let name = self.inner.keys.name(&owner);
        let row = self.inner.database.ask_one(now, &[id.into(), name.as_str().into()]).await?;
        let row = row.ok_or(StoreError::NotPossible)?;
        let (from, to) = (state(&row)?, moved.to);
        if !from.may_become(to) {
            return Err(StoreError::NotPossible);
        }
        let mut told = self.renewal_told(id, &name, &row)?;
        if matches!(to, RenewalState::Approved | RenewalState::Denied) {
            (told.by, told.reason) = (Some(by.to_owned()).filter(|by| !by.trim().is_empty()), moved.reason);
        }
        told.carrier = moved.carrier.or(told.carrier);
        told.due = moved.due.or(told.due);
        let step = self.renewal_step(&owner, id, (from, moved.to), &told, at)?;
        let mut steps = vec![step.or_nothing(Refusal::NotThere)];
        let moved = told.renewal(id.to_owned(), moved.to, time(&row, "requested")?, at);
        steps.extend(self.renewal_news(person, &moved, at)?);
        self.inner.writer.submit(steps, vec![draft]).await?;
        Ok(())
    }

    fn renewal_step(
        &self,
        owner: &KeyOwner,
        id: &str,
        (from, to): (RenewalState, RenewalState),
        told: &Sealed,
        at: Timestamp,
    ) -> Result<Step, StoreError> {
        let plain = Zeroizing::new(serde_json::to_vec(told).unwrap_or_default());
        let (_, sealed) = self.seal(owner, "renewal", "sealed", id, &plain)?;
        Ok(Step::new(
            "UPDATE renewal SET state = $3, updated = $4, sealed = $5 WHERE id = $1 AND state = $2",
            vec![id.into(), from.name().into(), to.name().into(), at.as_microsecond().into(), sealed.into()],
        ))
    }

    /// The statements, with their audit rows, by which a person's open requests follow what their records say by now: the
    /// answer to the request itself, a new order of the medicine, a filling that was handed over since.
    pub(super) async fn answered_steps(
        &self,
        person: &PersonId,
        chart: &Chart,
        at: Timestamp,
    ) -> Result<(Vec<Step>, Vec<Draft>), StoreError> {
        let owner = KeyOwner::Person(person.clone());
        let name = self.inner.keys.name(&owner);
        let open = "SELECT id, state, requested, updated, owner, sealed FROM renewal WHERE owner = $1 \
            AND state NOT IN ('denied', 'delivered', 'picked_up')";
        let (mut steps, mut drafts) = (Vec::new(), Vec::new());
        for row in &self.inner.database.ask(open, &[name.as_str().into()]).await? {
            let renewal = self.renewal_row(row)?;
            let Some((to, reason)) = answered(&renewal, chart) else { continue };
            let mut told = self.renewal_told(&renewal.id, &name, row)?;
            told.reason = reason.or(told.reason);
            steps.push(self.renewal_step(&owner, &renewal.id, (renewal.state, to), &told, at)?);
            // That it is filled or handed over comes as news of the filling.
            if matches!(to, RenewalState::Approved | RenewalState::Denied) {
                let moved = told.renewal(renewal.id.clone(), to, renewal.requested, at);
                steps.extend(self.renewal_news(person, &moved, at)?);
            }
            let entry = JournalEntry {
                event: Event::Progressed,
                subject: Some(person.clone()),
                actor: None,
                intent: None,
                channel: "records",
                session: None,
                turn: None,
                closes: None,
                outcome: Some(to.name()),
                at,
            };
            drafts.push(self.draft(&entry, None)?);
        }
        Ok((steps, drafts))
    }

    /// The news of a step, in place of what the person was not told yet of the steps before it.
    fn renewal_news(&self, person: &PersonId, renewal: &Renewal, at: Timestamp) -> Result<Vec<Step>, StoreError> {
        let name = |state: RenewalState| {
            self.inner.keys.root().hash("renewal news", &[renewal.id.as_bytes(), state.name().as_bytes()])
        };
        let news = renewal.news();
        let mut steps = Vec::new();
        if news.is_some() || !renewal.state.open() {
            let over = "DELETE FROM notice WHERE id = $1 AND told IS NULL AND owner NOT IN (SELECT owner FROM held)";
            steps.extend(RenewalState::ALL.into_iter().map(|state| Step::new(over, vec![name(state).into()])));
        }
        if let Some(facts) = news {
            let notice = Notice {
                kind: NoticeKind::RenewalMoved,
                topic: Scope::Medicines,
                sensitive: !sensitive::is_ordinary_medicine(&renewal.medicine),
                facts,
                next: None,
            };
            steps.push(self.notice_step(person, &NewNotice { id: name(renewal.state), notice }, at)?);
        }
        Ok(steps)
    }

    fn renewal_told(&self, id: &str, owner: &str, row: &AnyRow) -> Result<Sealed, StoreError> {
        let place = Place { table: "renewal", column: "sealed", row: id, owner };
        let plain = self.unseal(place, &row.try_get::<Vec<u8>, _>("sealed")?)?;
        serde_json::from_slice(&plain).map_err(|_| StoreError::Damaged("renewal.sealed".into()))
    }

    fn renewal_row(&self, row: &AnyRow) -> Result<Renewal, StoreError> {
        let (id, owner): (String, String) = (row.try_get("id")?, row.try_get("owner")?);
        let told = self.renewal_told(&id, &owner, row)?;
        Ok(told.renewal(id, state(row)?, time(row, "requested")?, time(row, "updated")?))
    }
}

fn state(row: &AnyRow) -> Result<RenewalState, StoreError> {
    let name: String = row.try_get("state")?;
    RenewalState::named(&name).ok_or_else(|| StoreError::Damaged("renewal.state".into()))
}

fn time(row: &AnyRow, column: &'static str) -> Result<Timestamp, StoreError> {
    let damaged = || StoreError::Damaged(format!("renewal.{column}"));
    Timestamp::from_microsecond(row.try_get(column)?).map_err(|_| damaged())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::records::RenewalAnswer;

    const EMPTY: &str = r#"{"resourceType": "Bundle", "type": "collection", "entry": [{"resource": {"resourceType":
        "Patient", "id": "p", "birthDate": "1950-02-03", "name": [{"family": "Wren", "given": ["Ada"]}]}}]}"#;

    #[test]
    fn a_request_follows_its_answer_a_new_order_and_what_was_handed_over() {
        let at = |text: &str| -> Timestamp { text.parse().expect("a time") };
        let filled = |stage, when: &str| Dispense {
            stage,
            at: Some(at(when)),
            days_supply: None,
            pharmacy: None,
            carrier: None,
            due: None,
        };
        let order = |id: &str, written: i8, dispenses: Vec<Dispense>| {
            let value = serde_json::json!({
                "id": id, "medicine": "metformin", "aliases": [], "active": true, "on_hold": false,
                "written": jiff::civil::date(2026, 11, written), "controlled": false, "dispenses": dispenses,
            });
            serde_json::from_value::<Prescription>(value).expect("an order")
        };
        let chart = |prescriptions: Vec<Prescription>, answer: Option<RenewalState>| Chart {
            prescriptions,
            answers: answer
                .map(|state| RenewalAnswer { change: "r".into(), state, reason: Some("No.".into()) })
                .into_iter()
                .collect(),
            ..crate::records::fhir_bundle::parse(EMPTY.as_bytes()).expect("a chart")
        };
        use DispenseStage::{Delivered, InProgress, PickedUp};
        use RenewalState::{Approved, Denied, PrescriberAsked, Requested};
        let old = || order("m", 1, vec![filled(PickedUp, "2026-11-02T12:00:00Z")]);
        for (state, chart, want) in [
            (Requested, chart(vec![old()], None), None),
            (Requested, chart(vec![old()], Some(Requested)), None),
            (Requested, chart(vec![old()], Some(Denied)), Some(Denied)),
            (PrescriberAsked, chart(vec![old()], Some(Approved)), Some(Approved)),
            (Approved, chart(vec![old()], Some(PrescriberAsked)), None),
            (PrescriberAsked, chart(vec![old(), order("n", 24, vec![])], None), Some(Approved)),
            (Approved, chart(vec![old(), order("n", 24, vec![])], None), None),
            (Requested, chart(vec![order("m", 1, vec![filled(InProgress, "2026-11-24T12:00:00Z")])], None), None),
            (
                Requested,
                chart(vec![order("m", 1, vec![filled(PickedUp, "2026-11-24T12:00:00Z")])], Some(Denied)),
                Some(RenewalState::PickedUp),
            ),
            (
                PrescriberAsked,
                chart(vec![order("n", 24, vec![filled(Delivered, "2026-11-25T12:00:00Z")])], None),
                Some(RenewalState::Delivered),
            ),
        ] {
            let renewal = Renewal {
                requested: at("2026-11-23T12:00:00Z"),
                prescription: "m".into(),
                id: "r".into(),
                medicine: "metformin".into(),
                strength: None,
                route: Route::Pharmacy,
                prescriber: None,
                pharmacy: None,
                state,
                updated: at("2026-11-23T12:00:00Z"),
                by: None,
                reason: None,
                carrier: None,
                due: None,
            };
            assert_eq!(answered(&renewal, &chart).map(|(to, _)| to), want, "{state:?}");
        }
    }
}
