//! What a person agrees to: a use of a part of their record, or of what they say, for one purpose.
//!
//! Invariant: nothing is agreed to by default, and one purpose never implies another. What was written down before
//! purposes were told apart meant answering, and that names helped hearing.

use std::{collections::BTreeSet, fmt};

use serde::{Deserialize, Serialize};

use super::Scope;

/// What something may be used for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Purpose {
    /// The assistant answers the person with it.
    Answer,
    /// The names in it help to hear and understand the person.
    Recognize,
    /// What the person says is counted, without the person, together with what many others say.
    Improve,
}

impl Purpose {
    /// Every purpose.
    pub const ALL: [Self; 3] = [Self::Answer, Self::Recognize, Self::Improve];

    /// Its name on the wire.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Answer => "answer",
            Self::Recognize => "recognize",
            Self::Improve => "improve",
        }
    }
}

/// One thing that can be agreed to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub enum Use {
    /// Answering with a part of the record.
    Answer(Scope),
    /// Hearing by the names in a part of the record. Only where that part may be answered with, too.
    Recognize(Scope),
    /// Counting what is said. No part of the record is used for it.
    Improve,
}

impl Use {
    /// All that can be agreed to. There are no names in the rest of the chart that hearing would use.
    pub const ALL: [Self; 6] = [
        Self::Answer(Scope::Medicines),
        Self::Answer(Scope::Visits),
        Self::Answer(Scope::Records),
        Self::Recognize(Scope::Medicines),
        Self::Recognize(Scope::Visits),
        Self::Improve,
    ];

    /// Its name on the wire and in the database: `answer.medicines`, `improve`.
    #[must_use]
    pub fn name(self) -> String {
        self.to_string()
    }

    /// The use of that name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.name() == name)
    }

    /// What for.
    #[must_use]
    pub const fn purpose(self) -> Purpose {
        match self {
            Self::Answer(_) => Purpose::Answer,
            Self::Recognize(_) => Purpose::Recognize,
            Self::Improve => Purpose::Improve,
        }
    }

    /// The part of the record; `None` where it is what is said.
    #[must_use]
    pub const fn scope(self) -> Option<Scope> {
        match self {
            Self::Answer(scope) | Self::Recognize(scope) => Some(scope),
            Self::Improve => None,
        }
    }
}

impl fmt::Display for Use {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.scope() {
            Some(scope) => write!(f, "{}.{}", self.purpose().name(), scope.name()),
            None => f.write_str(self.purpose().name()),
        }
    }
}

impl From<Use> for String {
    fn from(one: Use) -> Self {
        one.name()
    }
}

/// There is nothing of that name to agree to.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("there is nothing of that name to agree to")]
pub struct NoSuchUse;

impl TryFrom<String> for Use {
    type Error = NoSuchUse;

    fn try_from(name: String) -> Result<Self, NoSuchUse> {
        Self::named(&name).ok_or(NoSuchUse)
    }
}

/// All that one person agrees to at one time.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Agreements(BTreeSet<Use>);

impl Agreements {
    /// To be answered with these parts, and heard by the names in them.
    #[must_use]
    pub fn to_answer(scopes: &[Scope]) -> Self {
        let uses = scopes.iter().flat_map(|scope| [Use::Answer(*scope), Use::Recognize(*scope)]);
        uses.filter(|one| Use::ALL.contains(one)).collect()
    }

    /// Reads what [`Agreements::written`] wrote, and the names of scopes alone, as they were written before purposes
    /// were told apart. What has another name is not agreed to.
    #[must_use]
    pub fn read(text: &str) -> Self {
        let mut uses = BTreeSet::new();
        for name in text.split(',') {
            uses.extend(Use::named(name));
            uses.extend(Scope::named(name).map(|scope| Self::to_answer(&[scope]).0).unwrap_or_default());
        }
        Self(uses)
    }

    /// As it is kept.
    #[must_use]
    pub fn written(&self) -> String {
        self.0.iter().map(|one| one.name()).collect::<Vec<_>>().join(",")
    }

    /// Each of them.
    pub fn iter(&self) -> impl Iterator<Item = Use> + '_ {
        self.0.iter().copied()
    }

    /// Whether this is agreed to.
    #[must_use]
    pub fn contains(&self, one: Use) -> bool {
        self.0.contains(&one)
    }

    /// The parts that may be answered with.
    #[must_use]
    pub fn answer(&self) -> Vec<Scope> {
        Scope::ALL.into_iter().filter(|scope| self.contains(Use::Answer(*scope))).collect()
    }

    /// The parts whose names may help hearing: those that may be answered with, too.
    #[must_use]
    pub fn recognize(&self) -> Vec<Scope> {
        self.answer().into_iter().filter(|scope| self.contains(Use::Recognize(*scope))).collect()
    }

    /// Whether what the person says may be counted to improve understanding.
    #[must_use]
    pub fn improve(&self) -> bool {
        self.contains(Use::Improve)
    }

    /// These and those.
    #[must_use]
    pub fn with(&self, more: impl IntoIterator<Item = Use>) -> Self {
        self.iter().chain(more).collect()
    }

    /// These without those.
    #[must_use]
    pub fn without(&self, gone: &[Use]) -> Self {
        self.iter().filter(|one| !gone.contains(one)).collect()
    }
}

impl FromIterator<Use> for Agreements {
    fn from_iter<T: IntoIterator<Item = Use>>(uses: T) -> Self {
        Self(uses.into_iter().collect())
    }
}

/// What somebody agrees to, and which version of it that is, so that nobody changes what they have not seen.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Agreed {
    /// To what.
    pub uses: Agreements,
    /// Counted from 1; 0 before there was any.
    pub version: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_written_before_purposes_means_answering_and_hearing() {
        for (text, written) in [
            ("", ""),
            ("medicines", "answer.medicines,recognize.medicines"),
            ("records", "answer.records"),
            ("visits,records", "answer.visits,answer.records,recognize.visits"),
            ("answer.visits", "answer.visits"),
            ("answer.visits,improve", "answer.visits,improve"),
            ("improve,sell", "improve"),
        ] {
            let read = Agreements::read(text);
            assert_eq!(read.written(), written, "{text}");
            assert_eq!(Agreements::read(&read.written()), read);
        }
        assert!(!Agreements::read("medicines,visits,records").improve(), "never implied by anything");
    }

    #[test]
    fn names_help_hearing_only_where_the_part_may_be_used() {
        let agreed = Agreements::read("recognize.medicines,answer.visits,recognize.visits");
        assert_eq!(agreed.recognize(), [Scope::Visits]);
        assert_eq!(agreed.without(&[Use::Recognize(Scope::Visits)]).recognize(), []);
    }

    #[test]
    fn every_use_has_one_name() {
        for one in Use::ALL {
            assert_eq!(Use::named(&one.name()), Some(one));
            assert_eq!(serde_json::to_string(&one).expect("JSON"), format!("\"{}\"", one.name()));
        }
        assert!(serde_json::from_str::<Agreements>("[\"answer.medicines\",\"sell\"]").is_err());
    }
}
