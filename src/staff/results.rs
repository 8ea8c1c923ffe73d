//! Results that a clinician tells first, as the clinicians of a unit see them.
//!
//! Invariants: a row is shown to those who look after the room its person stays in, or, where they stay in none, to those
//! whose unit has [`OUTPATIENTS`] among its rooms; the first look at each is in the person's own trail before it is
//! shown; it ends with words of the clinician's.

use jiff::Timestamp;

use super::{Desk, NotTold, ResultsView, ToTellView, Told, is_reason, lost};
use crate::{
    policy::{
        Event, Journal as _, RoomId,
        staff::{OUTPATIENTS, StaffMember},
        staff_row,
    },
    store::ClinicianRow,
};

impl Desk {
    pub(super) async fn results(&self, staff: &StaffMember, now: Timestamp) -> Result<Told, NotTold> {
        let rows = self.their_results(staff).await?;
        for row in rows.iter().filter(|row| !self.was_read(staff, &row.id)) {
            // Of somebody who is forgotten nothing is shown, and there is no trail of theirs to write into.
            let subject = row.person.as_ref().filter(|_| row.about.is_some());
            let entry = staff_row(Event::Opened, &staff.member, subject, "staff.results", None, Some("shown"), now);
            self.store.append(entry).await.map_err(lost)?;
            self.now_read(staff, std::iter::once(row.id.as_str()));
        }
        Ok(Told::Results(ResultsView { results: rows.into_iter().map(ToTellView::of).collect() }))
    }

    pub(super) async fn told_result(
        &self,
        staff: &StaffMember,
        id: &str,
        words: &str,
        now: Timestamp,
    ) -> Result<(), NotTold> {
        if !is_reason(words) {
            return Err(NotTold::BadReason);
        }
        let rows = self.their_results(staff).await?;
        let row = rows.iter().find(|row| row.id == id).ok_or(NotTold::NotThere)?;
        let name = self.name_of(staff).await?;
        match self.store.told_by_clinician(staff, &name, row, words, now).await.map_err(lost)? {
            true => Ok(()),
            false => Err(NotTold::NotThere),
        }
    }

    async fn their_results(&self, staff: &StaffMember) -> Result<Vec<ClinicianRow>, NotTold> {
        let mut rows = self.store.for_clinician().await.map_err(lost)?;
        let room = |row: &ClinicianRow| if row.room.is_empty() { OUTPATIENTS.to_owned() } else { row.room.clone() };
        rows.retain(|row| RoomId::parse(&room(row)).is_ok_and(|room| staff.looks_after(&room)));
        Ok(rows)
    }
}
