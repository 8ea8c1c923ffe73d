//! A person's record as staff see it, out of its wrapping against a permit of their own.

use super::views::{AllergyView, CareView, MedicineView, RecordView, ResultView, VisitView};
use crate::{
    policy::{Permit, PersonId},
    records::{Records, RecordsError},
};

/// Reads what is kept of a person. Nothing is hushed: a screen is not heard. What they connected from other organizations
/// is for their own answers and not for staff.
pub(super) async fn read(records: &Records, permit: Permit) -> Result<RecordView, RecordsError> {
    let person: &PersonId = permit.subject();
    let profile = records.profile(person).await?;
    let (medicines, visits) = (records.prescriptions(person).await?, records.visits(person).await?);
    let (results, allergies) = (records.results(person).await?, records.allergies(person).await?);
    let care = records.providers(person).await?;
    let all = profile.zip(medicines)?.zip(visits)?.zip(results)?.zip(allergies)?.zip(care)?;
    let (((((profile, medicines), visits), results), allergies), care) = all.reveal(&permit)?;
    Ok(RecordView {
        person: person.as_str().to_owned(),
        name: profile.as_ref().map(|p| format!("{} {}", p.given, p.family)),
        birth: profile.and_then(|p| p.birth),
        medicines: medicines.into_iter().filter(|one| !one.origin.elsewhere()).map(MedicineView::of).collect(),
        visits: visits.into_iter().filter(|one| !one.origin.elsewhere()).map(VisitView::of).collect(),
        results: results.into_iter().filter(|one| !one.origin.elsewhere()).map(ResultView::of).collect(),
        allergies: allergies.into_iter().filter(|one| !one.origin.elsewhere()).map(AllergyView::of).collect(),
        care_team: care.into_iter().filter(|one| !one.origin.elsewhere()).map(CareView::of).collect(),
        until: None,
    })
}
