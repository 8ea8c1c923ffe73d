//! What is read for whoever stays in a room: that they do, what they may eat, what there is, and whom they may have called.

use super::{Contact, Eating, MENU, Menu, Records, RecordsError};
use crate::{
    policy::{PersonId, Phi},
    store::ChartKind,
};

impl Records {
    /// Whether the person lies in a room of this house.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn lies_in_a_room(&self, person: &PersonId) -> Result<bool, RecordsError> {
        Ok(self.store().room_of(person).await?.is_some())
    }

    /// All that bears on what the person may eat: `None` where it cannot be read as it is now. What may not be said aloud is
    /// there, too: it is looked at, and not told.
    ///
    /// # Errors
    /// As [`Records::prescriptions`].
    pub async fn eating(&self, person: &PersonId) -> Result<Phi<Option<Eating>>, RecordsError> {
        if !self.is_now(person, &[ChartKind::Diet, ChartKind::Allergies]).await? {
            return Ok(Phi::new(person.clone(), None));
        }
        let orders = self.store().chart_rows(person, ChartKind::Diet).await?;
        let allergies = self.store().chart_rows(person, ChartKind::Allergies).await?;
        Ok(orders.zip(allergies)?.map(|(orders, allergies)| Some(Eating { orders, allergies })))
    }

    /// Whom the person may have called.
    ///
    /// # Errors
    /// As [`Records::prescriptions`].
    pub async fn contacts(&self, person: &PersonId) -> Result<Phi<Vec<Contact>>, RecordsError> {
        Ok(self.store().contacts(person).await?)
    }

    /// What the kitchen serves; `None` where nobody said.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn menu(&self) -> Result<Option<Menu>, RecordsError> {
        Ok(self.store().house_list(MENU).await?.map(|(told, _)| told))
    }
}
