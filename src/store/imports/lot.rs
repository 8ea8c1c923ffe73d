//! Many people in one commit, and how far their import is.
//!
//! Invariants: a lot of people, the audit row of each and how far the import is are one commit. So an import that is killed
//! at any instant goes on with the first who is not there: nobody is lost, and nobody is imported a second time.

use std::collections::{HashMap, HashSet};

use jiff::Timestamp;
use sqlx::Row as _;

use super::ImportOptions;
use crate::{
    policy::{PersonId, Scope},
    records::Chart,
    store::{
        Place, Store,
        error::StoreError,
        job::{JobError, Refusal, Step},
        keys::KeyOwner,
        people::person_id,
    },
};

/// Identifiers that are looked up with one question.
const ASKED: usize = 32;

/// Whom each identifier belongs to: `$1` to `$32`, the rest left empty.
const WHO: &str = "SELECT lookup, person FROM identifier WHERE lookup IN ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, \
    $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24, $25, $26, $27, $28, $29, $30, $31, $32)";

/// How far an import is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ImportState {
    /// How many of its people were tried, from the first on.
    pub done: u64,
    /// What the importer counted so far, in its own words.
    pub counted: Vec<u8>,
}

/// People to import together.
#[derive(Clone, Copy)]
pub struct Lot<'a> {
    /// Which import: the same for every lot of it, and for nothing else.
    pub import: &'a str,
    /// How many of its people were tried before.
    pub done: u64,
    /// The next ones.
    pub charts: &'a [Chart],
    /// Which parts of their records may be answered with; `None` keeps what was agreed to.
    pub consent: Option<&'a [Scope]>,
    /// What is here of somebody known goes, whatever comes.
    pub replace: bool,
    /// Resources that are deleted, whosever they are, as `Type/id`.
    pub removed: &'a HashSet<String>,
    /// When.
    pub at: Timestamp,
}

/// One of a lot: who it is, whether they were known, what they have then if that is not what comes alone, and the keyed
/// hashes of their identifiers.
struct Member {
    person: PersonId,
    known: bool,
    chart: Option<Chart>,
    lookups: Vec<String>,
}

impl Store {
    /// How far an import was when it ended before its time; `None` for one that did not begin, or is done.
    ///
    /// # Errors
    /// When the database or the house's key fails.
    pub async fn import_state(&self, import: &str) -> Result<Option<ImportState>, StoreError> {
        let id = self.import_key(import);
        let there = "SELECT done, owner, sealed FROM import_state WHERE id = $1";
        let Some(row) = self.inner.database.ask_one(there, &[id.as_str().into()]).await? else { return Ok(None) };
        let (done, owner, sealed): (i64, String, Vec<u8>) =
            (row.try_get("done")?, row.try_get("owner")?, row.try_get("sealed")?);
        let place = Place { table: "import_state", column: "sealed", row: &id, owner: &owner };
        let counted = self.unseal(place, &sealed)?.to_vec();
        let done = u64::try_from(done).map_err(|_| StoreError::Damaged("import_state.done".into()))?;
        Ok(Some(ImportState { done, counted }))
    }

    /// Forgets how far an import is: it is done, or is to begin anew.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn import_ends(&self, import: &str) -> Result<(), StoreError> {
        let ends = Step::new("DELETE FROM import_state WHERE id = $1", vec![self.import_key(import).into()]);
        Ok(self.inner.writer.submit(vec![ends], vec![]).await.map(drop)?)
    }

    /// Makes the first people of a lot known, all in one commit with how far the import is then: as many as have no
    /// identifier in common, and at least one where there is one. `state` is told what became of each of those and gives
    /// how far the import is then. Somebody whose identifiers belong to two people, or to somebody else, is left out and named so.
    ///
    /// # Errors
    /// [`StoreError::Outdated`] when another process does the same import, and when the database or a key fails. Nothing
    /// of the lot was changed.
    pub async fn import_lot(
        &self,
        lot: Lot<'_>,
        state: impl Fn(&[Result<PersonId, StoreError>]) -> ImportState,
    ) -> Result<Vec<Result<PersonId, StoreError>>, StoreError> {
        // A second round only where another process imported one of them in between.
        for _ in 0..3 {
            match self.try_lot(lot, &state).await {
                Err(JobError::Refused(Refusal::Repeated)) => {
                    let there = self.import_state(lot.import).await?.unwrap_or_default();
                    if there.done != lot.done {
                        return Err(StoreError::Outdated);
                    }
                }
                Err(error) => return Err(error.into()),
                Ok(people) => return Ok(people),
            }
        }
        Err(StoreError::Locked)
    }

    async fn try_lot(
        &self,
        lot: Lot<'_>,
        state: &impl Fn(&[Result<PersonId, StoreError>]) -> ImportState,
    ) -> Result<Vec<Result<PersonId, StoreError>>, JobError> {
        let members = self.members(lot).await?;
        let fresh = || members.iter().flatten().filter(|member| !member.known);
        let owners: Vec<KeyOwner> = fresh().map(|member| KeyOwner::Person(member.person.clone())).collect();
        self.inner.keys.create_many(&owners).map_err(StoreError::from)?;
        let done = self.commit_lot(lot, &members, state).await;
        if done.is_err() {
            // Nobody was made known, so nothing needs these keys.
            for owner in owners {
                let _ = self.inner.keys.destroy(&self.inner.keys.name(&owner));
            }
        }
        done?;
        Ok(members.into_iter().map(|member| member.map(|member| member.person)).collect())
    }

    async fn commit_lot(
        &self,
        lot: Lot<'_>,
        members: &[Result<Member, StoreError>],
        state: &impl Fn(&[Result<PersonId, StoreError>]) -> ImportState,
    ) -> Result<(), JobError> {
        let options = ImportOptions { consent: lot.consent.map(<[_]>::to_vec), ..ImportOptions::default() };
        let (mut steps, mut drafts) = (Vec::new(), Vec::new());
        for (member, chart) in members.iter().zip(lot.charts) {
            let Ok(Member { person, known, chart: merged, lookups }) = member else { continue };
            let chart = merged.as_ref().unwrap_or(chart);
            // Nobody is admitted to a room by these, so no stay ends.
            let own = self.import_steps(chart, &options, person, *known, lookups, lot.at).await?;
            steps.extend(own);
            drafts.push(self.imported_draft(person, lot.at)?);
        }
        let people: Vec<_> =
            members.iter().map(|m| m.as_ref().map(|m| m.person.clone()).map_err(Clone::clone)).collect();
        steps.push(self.state_step(lot, &state(&people))?);
        self.inner.writer.submit(steps, drafts).await.map(drop)
    }

    /// Who the first charts are of, until one has an identifier that was there before.
    async fn members(&self, lot: Lot<'_>) -> Result<Vec<Result<Member, StoreError>>, StoreError> {
        let mut taken: HashSet<String> = HashSet::new();
        let mut all = Vec::with_capacity(lot.charts.len());
        for chart in lot.charts {
            let lookups = self.lookups(chart);
            if lookups.iter().any(|lookup| taken.contains(lookup)) {
                break;
            }
            taken.extend(lookups.iter().cloned());
            all.push(lookups);
        }
        let known = self.owners_of(&taken.into_iter().collect::<Vec<_>>()).await?;
        let mut members = Vec::with_capacity(all.len());
        for (lookups, chart) in all.into_iter().zip(lot.charts) {
            let found: HashSet<&PersonId> = lookups.iter().filter_map(|lookup| known.get(lookup)).collect();
            let mut found = found.into_iter();
            members.push(match (found.next(), found.next()) {
                (Some(_), Some(_)) => Err(StoreError::TwoPeople),
                (Some(person), None) => match self.up_to_date(lot, person, chart).await {
                    Ok(chart) => Ok(Member { person: person.clone(), known: true, chart, lookups }),
                    Err(refused @ (StoreError::AnotherPerson(_) | StoreError::NotMerged(_))) => Err(refused),
                    Err(error) => return Err(error),
                },
                (None, _) => {
                    let person = PersonId::fresh(lot.at, self.random()?);
                    Ok(Member { person, known: false, chart: None, lookups })
                }
            });
        }
        Ok(members)
    }

    async fn up_to_date(&self, lot: Lot<'_>, person: &PersonId, chart: &Chart) -> Result<Option<Chart>, StoreError> {
        self.only_alike(person, &chart.profile).await?;
        if lot.replace { Ok(None) } else { self.with_what_is_here(person, chart, lot.removed).await }
    }

    async fn owners_of(&self, lookups: &[String]) -> Result<HashMap<String, PersonId>, StoreError> {
        let mut known = HashMap::new();
        for some in lookups.chunks(ASKED) {
            let mut values: Vec<_> = some.iter().map(|lookup| lookup.as_str().into()).collect();
            values.resize_with(ASKED, || "".into());
            for row in self.inner.database.ask(WHO, &values).await? {
                known.insert(row.try_get("lookup")?, person_id(&row.try_get::<String, _>("person")?)?);
            }
        }
        Ok(known)
    }

    /// The statement that notes how far the import is, unless another process went on with it.
    fn state_step(&self, lot: Lot<'_>, state: &ImportState) -> Result<Step, StoreError> {
        let id = self.import_key(lot.import);
        let (owner, sealed) = self.seal(&KeyOwner::House, "import_state", "sealed", &id, &state.counted)?;
        let (before, done) = (whole(lot.done), whole(state.done));
        if before == 0 {
            let begins = "INSERT INTO import_state (id, done, owner, sealed) VALUES ($1, $2, $3, $4)";
            let values = vec![id.into(), done.into(), owner.into(), sealed.into()];
            return Ok(Step::new(begins, values).or_duplicate(Refusal::Repeated));
        }
        let goes_on = "UPDATE import_state SET done = $2, owner = $3, sealed = $4 WHERE id = $1 AND done = $5";
        let values = vec![id.into(), done.into(), owner.into(), sealed.into(), before.into()];
        Ok(Step::new(goes_on, values).or_nothing(Refusal::Repeated))
    }

    fn import_key(&self, import: &str) -> String {
        self.inner.keys.root().hash("import", &[import.as_bytes()])
    }
}

/// A count as the database keeps it.
fn whole(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
