//! What a person may know about their own record: who looked, what is kept, what was said.

use jiff::Timestamp;

use super::{Records, RecordsError, sensitive};
pub use crate::store::{Access, Call, Checked, Spoken};
use crate::{
    actions::Words,
    policy::{PersonId, Phi, Scope, quiet::Quiet},
};

impl Records {
    /// What the audit trail tells about the person between two times, newest first. Where others hear it, a member of
    /// staff whose name tells of something protected has none.
    ///
    /// # Errors
    /// When the database or the person's key fails; so for every function here.
    pub async fn accesses(
        &self,
        person: &PersonId,
        from: Option<Timestamp>,
        until: Option<Timestamp>,
    ) -> Result<Phi<Vec<Access>>, RecordsError> {
        let all = self.store().audit_about(person, from, until).await?;
        let hushed = |mut access: Access| {
            let told = |by: &String| {
                let names = || std::iter::once(by.as_str());
                self.hush().lets(|| sensitive::of_care(names()), names())
            };
            // Who it was stays told apart from nobody.
            if access.by.as_ref().is_some_and(|by| !told(by)) {
                access.by = Some(String::new());
            }
            access
        };
        Ok(all.map(|all| all.into_iter().map(hushed).collect()))
    }

    /// How much of the person's words is kept from that time.
    ///
    /// # Errors
    /// As [`Records::accesses`].
    pub async fn spoken(&self, person: &PersonId, words: Words) -> Result<Spoken, RecordsError> {
        Ok(self.store().spoken(person, words).await?)
    }

    /// Whether a legal hold keeps what is theirs from being deleted.
    ///
    /// # Errors
    /// As [`Records::accesses`].
    pub async fn held(&self, person: &PersonId) -> Result<bool, RecordsError> {
        Ok(self.store().held(person).await?)
    }

    /// The person's calls to the nurse, closed ones too, newest first.
    ///
    /// # Errors
    /// As [`Records::accesses`].
    pub async fn calls(&self, person: &PersonId) -> Result<Phi<Vec<Call>>, RecordsError> {
        Ok(self.store().calls(person).await?)
    }

    /// The parts of the record that news which waits for the person is about.
    ///
    /// # Errors
    /// As [`Records::accesses`].
    pub async fn news(&self, person: &PersonId) -> Result<Phi<Vec<Scope>>, RecordsError> {
        let waiting = self.store().waiting_news(person).await?;
        Ok(Phi::new(person.clone(), waiting.into_iter().map(|news| news.topic).collect()))
    }

    /// What the person does not want to be told unasked.
    ///
    /// # Errors
    /// As [`Records::accesses`].
    pub async fn quiet(&self, person: &PersonId) -> Result<Quiet, RecordsError> {
        Ok(self.store().quiet(person).await?)
    }

    /// What came of the last check of the promises; `None` where none was recorded yet.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn checked(&self) -> Result<Option<Checked>, RecordsError> {
        Ok(self.store().checked().await?)
    }
}
