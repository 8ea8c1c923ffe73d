//! Health data that belongs to somebody.
//!
//! Invariant: a value leaves its [`Phi`] only against a [`Permit`] for the same person, or, where it is a list
//! of names to recognize, against a [`RecognitionPermit`]. Deliberately absent: `Debug`, `Display`,
//! `Serialize`, `Deref`, `PartialEq`, `Clone`, each of which would be a way out nobody decided on.
//! `tests/ui` proves that printing one does not compile.

use super::{Permit, PersonId, RecognitionPermit};

/// A value about one person's health.
pub struct Phi<T> {
    subject: PersonId,
    value: T,
}

/// A permit for one person was held against another person's data. A defect in the caller: nothing was revealed.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("the permit is for another person")]
pub struct WrongSubject;

/// Names a person's own records hold, which may bias hearing and resolve slots.
#[derive(Clone, Default)]
pub struct NameLists {
    /// The person's medicines, as written and by their other names.
    pub medicines: Vec<Named>,
    /// The people who treat them.
    pub providers: Vec<Named>,
}

/// One thing with the names it goes by.
#[derive(Clone)]
pub struct Named {
    /// The name that is read back.
    pub name: String,
    /// Other names: generic, brand, surname alone.
    pub aliases: Vec<String>,
}

impl<T> Phi<T> {
    /// Wraps a value the moment it is decrypted or received.
    pub const fn new(subject: PersonId, value: T) -> Self {
        Self { subject, value }
    }

    /// Whose it is.
    #[must_use]
    pub const fn subject(&self) -> &PersonId {
        &self.subject
    }

    /// Computes on the value without letting it out.
    pub fn map<U>(self, f: impl FnOnce(T) -> U) -> Phi<U> {
        Phi { value: f(self.value), subject: self.subject }
    }

    /// Two values of one person, still wrapped.
    ///
    /// # Errors
    /// When they are two people's.
    pub fn zip<U>(self, other: Phi<U>) -> Result<Phi<(T, U)>, WrongSubject> {
        if self.subject != other.subject {
            return Err(WrongSubject);
        }
        Ok(Phi { subject: self.subject, value: (self.value, other.value) })
    }

    /// Lets the value out for what the permit was given for.
    ///
    /// # Errors
    /// When the permit is for somebody else.
    pub fn reveal(self, permit: &Permit) -> Result<T, WrongSubject> {
        if self.subject == *permit.subject() { Ok(self.value) } else { Err(WrongSubject) }
    }
}

impl Phi<NameLists> {
    /// Lets names out for recognizing what is said, and for nothing else.
    ///
    /// # Errors
    /// When the permit is for somebody else.
    pub fn recognize(self, permit: &RecognitionPermit) -> Result<NameLists, WrongSubject> {
        if self.subject == *permit.subject() { Ok(self.value) } else { Err(WrongSubject) }
    }
}
