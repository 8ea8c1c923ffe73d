//! Who is told of a need, and how soon.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::need::{Need, entries};

/// Who can help.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Helper {
    /// A nurse.
    Nurse,
    /// A nursing assistant.
    Assistant,
    /// Whoever cleans.
    Housekeeping,
    /// Whoever brings meals.
    Dietary,
    /// Whoever interprets.
    Interpreter,
    /// Whoever comforts.
    Chaplain,
    /// Whoever mends screens and networks.
    It,
    /// Whoever mends beds and brings wheelchairs.
    Equipment,
    /// The nurse in charge of the unit.
    Charge,
    /// The supervisor of the house.
    Supervisor,
}

impl Helper {
    /// All of them.
    pub const ALL: [Self; 10] = [
        Self::Nurse,
        Self::Assistant,
        Self::Housekeeping,
        Self::Dietary,
        Self::Interpreter,
        Self::Chaplain,
        Self::It,
        Self::Equipment,
        Self::Charge,
        Self::Supervisor,
    ];

    /// Its name in the configuration and on the wire.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Nurse => "nurse",
            Self::Assistant => "assistant",
            Self::Housekeeping => "housekeeping",
            Self::Dietary => "dietary",
            Self::Interpreter => "interpreter",
            Self::Chaplain => "chaplain",
            Self::It => "it",
            Self::Equipment => "equipment",
            Self::Charge => "charge",
            Self::Supervisor => "supervisor",
        }
    }

    /// The one of that name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|helper| helper.name() == name)
    }
}

/// How soon; what comes first is less.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Priority {
    /// Before everything else.
    Emergency,
    /// At once.
    Urgent,
    /// Within minutes.
    Soon,
    /// When somebody can.
    Routine,
}

impl Priority {
    /// All of them, first things first.
    pub const ALL: [Self; 4] = [Self::Emergency, Self::Urgent, Self::Soon, Self::Routine];

    /// Its name in the configuration and on the wire.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Emergency => "emergency",
            Self::Urgent => "urgent",
            Self::Soon => "soon",
            Self::Routine => "routine",
        }
    }

    /// The one of that name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|priority| priority.name() == name)
    }

    /// What it is once it was asked for so many times more: one sooner each time, and never an emergency by that.
    #[must_use]
    pub fn raised(self, repeats: u32) -> Self {
        if self == Self::Emergency {
            return self;
        }
        let up = usize::try_from(repeats).unwrap_or(usize::MAX);
        Self::ALL[(self as usize).saturating_sub(up).max(Self::Urgent as usize)]
    }
}

/// Who is told, and how soon.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Route {
    /// Who.
    pub role: Helper,
    /// How soon.
    pub priority: Priority,
}

/// What the configuration says of a need instead of the table.
#[derive(Debug, Clone, Copy, Default)]
pub struct Override<'a> {
    /// Who is told.
    pub role: Option<&'a str>,
    /// How soon.
    pub priority: Option<&'a str>,
}

/// Why a routing table cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RouteError {
    /// No such need.
    #[error("nurse.routes: there is no need `{0}`; there are {names}", names = names())]
    NoNeed(String),
    /// No such role.
    #[error("nurse.routes.{0}: `{1}` is no role; there are {names}", names = Helper::ALL.map(Helper::name).join(", "))]
    NoRole(String, String),
    /// No such priority.
    #[error("nurse.routes.{0}: `{1}` is no priority; use urgent, soon or routine")]
    NoPriority(String, String),
    /// Urgent needs are a nurse's.
    #[error("nurse.routes.{0}: what is urgent goes to a nurse, at once; leave it out")]
    Urgent(String),
}

fn names() -> String {
    let known = entries().iter().map(|entry| entry.name.as_str());
    known.chain(["nurse", "other"]).collect::<Vec<_>>().join(", ")
}

/// Which need goes to whom.
#[derive(Debug, Clone, Default)]
pub struct Routes {
    changed: BTreeMap<&'static str, Route>,
}

impl Routes {
    /// The program's table with what is configured instead.
    ///
    /// # Errors
    /// Which entry cannot be used, and why.
    pub fn new<'a>(overrides: impl IntoIterator<Item = (&'a str, Override<'a>)>) -> Result<Self, RouteError> {
        let mut changed = BTreeMap::new();
        for (name, with) in overrides {
            let need = Need::named(name).ok_or_else(|| RouteError::NoNeed(name.to_owned()))?;
            let mut route = standing(need);
            if let Some(role) = with.role {
                route.role = Helper::named(role).ok_or_else(|| RouteError::NoRole(name.to_owned(), role.to_owned()))?;
            }
            if let Some(priority) = with.priority {
                let named = Priority::named(priority).filter(|priority| *priority != Priority::Emergency);
                route.priority = named.ok_or_else(|| RouteError::NoPriority(name.to_owned(), priority.to_owned()))?;
            }
            if need.is_urgent() && (route.priority > Priority::Urgent || route.role != Helper::Nurse) {
                return Err(RouteError::Urgent(name.to_owned()));
            }
            changed.insert(need.name(), route);
        }
        Ok(Self { changed })
    }

    /// Who is told of a call, and how soon. What nobody can read any more is a nurse's, soon.
    #[must_use]
    pub fn of(&self, words: Option<&str>, emergency: bool, repeats: u32) -> Route {
        if emergency {
            return Route { role: Helper::Nurse, priority: Priority::Emergency };
        }
        let need = words.map_or(Need::Other, Need::of);
        let route = self.changed.get(need.name()).copied().unwrap_or_else(|| standing(need));
        Route { priority: route.priority.raised(repeats), ..route }
    }
}

/// What the program's own table says.
fn standing(need: Need) -> Route {
    let nurse = Route { role: Helper::Nurse, priority: Priority::Soon };
    match need {
        Need::Known(n) => entries().get(n).map_or(nurse, |entry| Route { role: entry.role, priority: entry.priority }),
        Need::Nurse | Need::Other => nurse,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_told() {
        let routes = Routes::default();
        #[rustfmt::skip]
        let table = [
            // words,                        emergency, repeats, who,                  how soon
            (Some("help"),                   true,      0, Helper::Nurse,        Priority::Emergency),
            (Some("some water"),             true,      9, Helper::Nurse,        Priority::Emergency),
            (Some("my hip hurts"),           false,     0, Helper::Nurse,        Priority::Urgent),
            (Some("my hip hurts"),           false,     5, Helper::Nurse,        Priority::Urgent),
            (Some("the bathroom"),           false,     0, Helper::Assistant,    Priority::Soon),
            (Some("the bathroom"),           false,     1, Helper::Assistant,    Priority::Urgent),
            (Some("the trash is full"),      false,     0, Helper::Housekeeping, Priority::Routine),
            (Some("something to eat"),       false,     0, Helper::Dietary,      Priority::Routine),
            (Some("some water"),             false,     1, Helper::Assistant,    Priority::Soon),
            (Some("some water"),             false,     2, Helper::Assistant,    Priority::Urgent),
            (Some("some water"),             false,     99, Helper::Assistant,   Priority::Urgent),
            (Some("an interpreter"),         false,     0, Helper::Interpreter,  Priority::Soon),
            (Some("a priest"),               false,     0, Helper::Chaplain,     Priority::Routine),
            (Some("the wifi"),               false,     0, Helper::It,           Priority::Routine),
            (Some("a wheelchair"),           false,     0, Helper::Equipment,    Priority::Soon),
            (Some("my parrot"),              false,     0, Helper::Nurse,        Priority::Soon),
            (Some(""),                       false,     0, Helper::Nurse,        Priority::Soon),
            (None,                           false,     0, Helper::Nurse,        Priority::Soon),
        ];
        for (words, emergency, repeats, role, priority) in table {
            assert_eq!(
                routes.of(words, emergency, repeats),
                Route { role, priority },
                "{words:?} {emergency} {repeats}"
            );
        }
    }

    #[test]
    fn a_configuration_changes_what_may_be_changed() {
        let with = |role, priority| Override { role, priority };
        let routes =
            Routes::new([("toileting", with(Some("nurse"), Some("urgent"))), ("water", with(Some("dietary"), None))]);
        let routes = routes.expect("it can be used");
        assert_eq!(routes.of(Some("the toilet"), false, 0), Route { role: Helper::Nurse, priority: Priority::Urgent });
        assert_eq!(routes.of(Some("water"), false, 0), Route { role: Helper::Dietary, priority: Priority::Routine });
        for (name, with, says) in [
            ("parrots", with(None, None), "there is no need `parrots`"),
            ("water", with(Some("butler"), None), "`butler` is no role"),
            ("water", with(None, Some("later")), "`later` is no priority"),
            ("water", with(None, Some("emergency")), "is no priority"),
            ("pain", with(Some("assistant"), None), "goes to a nurse"),
            ("pain", with(None, Some("soon")), "goes to a nurse"),
        ] {
            let told = Routes::new([(name, with)]).expect_err(says).to_string();
            assert!(told.contains(says), "{told}");
        }
    }
}
