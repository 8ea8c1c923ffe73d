//! A person's record as staff see it, out of its wrapping against a permit of their own.

use jiff::Timestamp;

use super::views::{
    AllergyView, CareView, ConditionView, CopyView, MeasuredView, MedicineView, RecordView, ResultView, ShotView,
    VisitView,
};
use crate::{
    policy::{Permit, PersonId},
    records::{Origin, Records, RecordsError},
    store::{ChartKind, Store},
};

/// The parts that are shown, and so as old as the oldest of them.
const SHOWN: [ChartKind; 8] = [
    ChartKind::Prescriptions,
    ChartKind::Visits,
    ChartKind::Results,
    ChartKind::Allergies,
    ChartKind::Vitals,
    ChartKind::Conditions,
    ChartKind::Immunizations,
    ChartKind::Providers,
];

/// Reads what is kept of a person, brought up to date where it is a server's and that can be reached. Nothing is hushed:
/// a screen is not heard. What they connected from other organizations is for their own answers and not for staff.
pub(super) async fn read(records: &Records, permit: Permit, now: Timestamp) -> Result<RecordView, RecordsError> {
    let person: &PersonId = permit.subject();
    records.refreshed(person, now).await?;
    let copied = copied(records.store(), person).await?;
    let profile = records.profile(person).await?;
    let (medicines, visits) = (records.prescriptions(person).await?, records.visits(person).await?);
    let (results, allergies) = (records.results(person).await?, records.allergies(person).await?);
    let (vitals, conditions) = (records.vitals(person).await?, records.conditions(person).await?);
    let (shots, care) = (records.immunizations(person).await?, records.providers(person).await?);
    let profile = profile.zip(medicines)?.zip(visits)?.zip(results)?.zip(allergies)?;
    let all = profile.zip(vitals)?.zip(conditions)?.zip(shots)?.zip(care)?;
    let ((((known, vitals), conditions), shots), care) = all.reveal(&permit)?;
    let ((((profile, medicines), visits), results), allergies) = known;
    Ok(RecordView {
        person: person.as_str().to_owned(),
        name: profile.as_ref().map(|p| format!("{} {}", p.given, p.family)),
        birth: profile.and_then(|p| p.birth),
        copied,
        medicines: own(medicines, |one| &one.origin, MedicineView::of),
        visits: own(visits, |one| &one.origin, VisitView::of),
        results: own(results, |one| &one.origin, ResultView::of),
        allergies: own(allergies, |one| &one.origin, AllergyView::of),
        vitals: own(vitals, |one| &one.origin, MeasuredView::of),
        conditions: own(conditions, |one| &one.origin, ConditionView::of),
        immunizations: own(shots, |one| &one.origin, ShotView::of),
        care_team: own(care, |one| &one.origin, CareView::of),
        until: None,
    })
}

/// What this organization keeps itself.
fn own<T, V>(all: Vec<T>, origin: fn(&T) -> &Origin, view: fn(T) -> V) -> Vec<V> {
    all.into_iter().filter(|one| !origin(one).elsewhere()).map(view).collect()
}

/// Where a copy is from, and how old it is; nothing where the record is kept here.
async fn copied(store: &Store, person: &PersonId) -> Result<Option<CopyView>, RecordsError> {
    let Some(source) = store.source(person).await? else { return Ok(None) };
    let read: Option<Vec<Timestamp>> = SHOWN.iter().map(|kind| source.read(*kind)).collect();
    Ok(Some(CopyView { from: source.server, read: read.and_then(|all| all.into_iter().min()) }))
}
