//! How much is kept of a person and who looked, as their page shows it.

use jiff::{Timestamp, civil::Date, tz::TimeZone};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Denied, Desk, Visit};
use crate::{
    actions::Words,
    policy::Use,
    records::{Profile, Records},
    store::{Access, ChartKind, Checked, Spoken},
};

/// A person, and how much is kept of them.
#[derive(Serialize, ToSchema)]
pub struct Me {
    /// What they are called; absent where nobody said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// They signed up by themselves and nothing is connected: who they are, they say themselves.
    pub names_themselves: bool,
    /// How much is kept, by class.
    pub kept: Kept,
    /// Hours a conversation is kept after its last turn.
    pub conversation_hours: u32,
    /// Hours an answer is kept.
    pub answer_hours: u32,
    /// A legal hold keeps what is theirs from being deleted.
    pub held: bool,
    /// When a copy was asked for aloud that was not downloaded yet.
    #[schema(value_type = Vec<String>, format = DateTime)]
    pub copies_asked: Vec<Timestamp>,
    /// What came of the last check of the promises; absent where none was recorded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub checked: Option<Check>,
    /// Records of other organizations can be connected here. The desk does not know; the door that shows this does.
    pub connects: bool,
}

/// Counts.
#[derive(Serialize, ToSchema)]
pub struct Kept {
    /// Prescriptions on record.
    pub medicines: usize,
    /// Visits past and to come.
    pub visits: usize,
    /// Laboratory results.
    pub results: usize,
    /// Allergies on record.
    pub allergies: usize,
    /// Conditions on record.
    pub conditions: usize,
    /// Vaccinations on record.
    pub immunizations: usize,
    /// Measurements that clinics took.
    pub vitals: usize,
    /// Visits that have been, with what was written about them.
    pub notes: usize,
    /// Readings of their own.
    pub readings: usize,
    /// People who treat them.
    pub providers: usize,
    /// Requests for more of a medicine.
    pub renewals: usize,
    /// Doses they said they took.
    pub doses: usize,
    /// Reminders they set.
    pub reminders: usize,
    /// Calls to the nurse.
    pub calls: usize,
    /// Answers with the words they answer.
    pub answers: i64,
    /// The oldest of them.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub since: Option<Timestamp>,
    /// Versions of what they agreed to.
    pub agreements: u64,
}

/// A check of the promises.
#[derive(Serialize, ToSchema)]
pub struct Check {
    /// When.
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
    /// Promises there are.
    pub checks: u32,
    /// Of those, how many did not hold.
    pub broken: u32,
    /// Of those, how many could not be looked at.
    pub unchecked: u32,
}

impl From<Checked> for Check {
    fn from(c: Checked) -> Self {
        Self { at: c.at, checks: c.checks, broken: c.broken, unchecked: c.unchecked }
    }
}

/// What the audit trail tells about a person.
#[derive(Serialize, ToSchema)]
pub struct AccessList {
    /// The newest entries, newest first.
    pub entries: Vec<AccessEntry>,
    /// Older entries that are not shown here; a copy has all of them.
    pub more: usize,
}

/// One entry of the trail.
#[derive(Serialize, ToSchema)]
pub struct AccessEntry {
    /// Its number in the chain.
    pub entry: i64,
    /// When.
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
    /// What kind: `opened`, `closed`, `refused`, `imported`, …
    pub event: String,
    /// Through what.
    pub channel: String,
    /// What was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub intent: Option<String>,
    /// How it ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub outcome: Option<String>,
    /// The member of staff, where the entry names one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// Whether it was through one of the person's own devices or pages.
    pub own: bool,
}

/// What a person agrees to, and what they agreed to before.
#[derive(Serialize, ToSchema)]
pub struct Agreement {
    /// The version in force; 0 before there was any.
    pub version: u64,
    /// All that can be agreed to, and whether it is.
    pub uses: Vec<UseShown>,
    /// Every version, oldest first.
    pub versions: Vec<Version>,
}

/// One thing that can be agreed to.
#[derive(Serialize, ToSchema)]
pub struct UseShown {
    /// Its name.
    pub name: String,
    /// What for: `answer`, `recognize` or `improve`.
    pub purpose: String,
    /// The part of the record; absent where it is what is said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scope: Option<String>,
    /// Whether it is agreed to.
    pub agreed: bool,
}

/// A version of what somebody agreed to.
#[derive(Serialize, ToSchema)]
pub struct Version {
    /// Which, from 1.
    pub number: u64,
    /// Since when.
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
    /// The kind of channel it was said on.
    pub channel: String,
    /// All that was agreed to, by name.
    pub uses: Vec<String>,
}

/// Which of what was said is to be deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(tag = "what", rename_all = "snake_case", deny_unknown_fields)]
pub enum Which {
    /// What was said today.
    Today,
    /// All of it.
    Everything,
    /// Not what was said, but all readings of their own.
    Readings,
    /// What was said from the one day to the other, both included.
    Days {
        /// The first day.
        #[schema(value_type = String, format = Date)]
        from: Date,
        /// The last day.
        #[schema(value_type = String, format = Date)]
        to: Date,
    },
}

impl Which {
    /// As times, by the calendar of that zone; `None` where the days are none, or it is not words that are to go.
    #[must_use]
    pub fn words(self, now: Timestamp, zone: &TimeZone) -> Option<Words> {
        let (from, to) = match self {
            Self::Everything => return Some(Words::Everything),
            Self::Readings => return None,
            Self::Today => {
                let today = now.to_zoned(zone.clone()).date();
                (today, today)
            }
            Self::Days { from, to } => (from, to),
        };
        let begins = |day: Date| Some(day.to_zoned(zone.clone()).ok()?.timestamp());
        let (from, until) = (begins(from)?, begins(to.tomorrow().ok()?)?);
        (from < until).then_some(Words::Between { from, until })
    }
}

/// What was deleted.
#[derive(Serialize, ToSchema)]
pub struct Gone {
    /// Conversations.
    pub conversations: i64,
    /// Answers with the words they answer.
    pub answers: i64,
    /// Readings of their own.
    #[serde(skip_serializing_if = "nothing")]
    pub readings: i64,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde asks for it so")]
const fn nothing(n: &i64) -> bool {
    *n == 0
}

impl From<Spoken> for Gone {
    fn from(gone: Spoken) -> Self {
        Self { conversations: gone.conversations, answers: gone.answers, readings: 0 }
    }
}

/// The newest entries.
pub(super) fn listed(all: &[Access], shown: usize) -> AccessList {
    let entries = all.iter().take(shown).map(|a| AccessEntry {
        entry: a.entry,
        at: a.at,
        event: a.event.clone(),
        channel: a.channel.clone(),
        intent: a.intent.clone(),
        outcome: a.outcome.clone(),
        by: a.by.clone(),
        own: a.own(),
    });
    AccessList { entries: entries.collect(), more: all.len().saturating_sub(shown) }
}

impl Desk<'_> {
    pub(super) async fn agreement_of(&self, visit: &Visit) -> Result<Agreement, Denied> {
        let agreed = self.store.agreed(visit.person()).await?;
        let versions = self.store.consent_versions(visit.person()).await?;
        let shown = |one: &Use| UseShown {
            name: one.name(),
            purpose: one.purpose().name().to_owned(),
            scope: one.scope().map(|scope| scope.name().to_owned()),
            agreed: agreed.uses.contains(*one),
        };
        let version = |v: crate::store::ConsentVersion| Version {
            number: v.number,
            at: v.at,
            channel: v.channel,
            uses: v.uses.iter().map(Use::name).collect(),
        };
        Ok(Agreement {
            version: agreed.version,
            uses: Use::ALL.iter().map(shown).collect(),
            versions: versions.into_iter().map(version).collect(),
        })
    }

    pub(super) async fn kept_of(&self, visit: &Visit) -> Result<Me, Denied> {
        let (person, permit, store) = (visit.person(), &visit.permit, self.store);
        // A page of their own: nothing is held back here.
        let records = Records::new(store.clone());
        let profile: Vec<Profile> = store.chart_rows(person, ChartKind::Profile).await?.reveal(permit)?;
        let spoken = store.spoken(person, Words::Everything).await?;
        let kept = Kept {
            medicines: records.prescriptions(person).await?.map(|all| all.len()).reveal(permit)?,
            visits: records.visits(person).await?.map(|all| all.len()).reveal(permit)?,
            results: records.results(person).await?.map(|all| all.len()).reveal(permit)?,
            allergies: records.allergies(person).await?.map(|all| all.len()).reveal(permit)?,
            conditions: records.conditions(person).await?.map(|all| all.len()).reveal(permit)?,
            immunizations: records.immunizations(person).await?.map(|all| all.len()).reveal(permit)?,
            vitals: records.vitals(person).await?.map(|all| all.len()).reveal(permit)?,
            notes: records.notes(person).await?.map(|all| all.len()).reveal(permit)?,
            readings: records.readings(person).await?.map(|all| all.len()).reveal(permit)?,
            providers: records.providers(person).await?.map(|all| all.len()).reveal(permit)?,
            renewals: records.renewals(person).await?.map(|all| all.len()).reveal(permit)?,
            doses: store.taken(person, None).await?.map(|all| all.len()).reveal(permit)?,
            reminders: records.reminders(person).await?.map(|all| all.len()).reveal(permit)?,
            calls: records.calls(person).await?.map(|all| all.len()).reveal(permit)?,
            answers: spoken.answers,
            since: spoken.since,
            agreements: store.agreed(person).await?.version,
        };
        Ok(Me {
            name: profile.first().map(|p| format!("{} {}", p.given, p.family).trim().to_owned()),
            names_themselves: store.names_themselves(person).await?,
            kept,
            conversation_hours: self.protection.conversation_hours,
            answer_hours: self.protection.answer_hours,
            held: store.held(person).await?,
            copies_asked: store.copies_asked(person).await?,
            checked: store.checked().await?.map(Check::from),
            connects: false,
        })
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    #[test]
    fn days_are_those_of_the_persons_calendar() {
        let zone = TimeZone::get("America/New_York").expect("known");
        let now: Timestamp = "2026-11-22T03:00:00Z".parse().expect("a time");
        let between = |from: &str, until: &str| {
            let time = |text: &str| text.parse().expect("a time");
            Some(Words::Between { from: time(from), until: time(until) })
        };
        let days = |from, to| Which::Days { from, to };
        for (which, want) in [
            (Which::Everything, Some(Words::Everything)),
            (Which::Today, between("2026-11-21T05:00:00Z", "2026-11-22T05:00:00Z")),
            (days(date(2026, 11, 1), date(2026, 11, 1)), between("2026-11-01T04:00:00Z", "2026-11-02T05:00:00Z")),
            (days(date(2026, 11, 2), date(2026, 11, 1)), None),
            (days(Date::MAX, Date::MAX), None),
        ] {
            assert_eq!(which.words(now, &zone), want, "{which:?}");
        }
        let odd = serde_json::from_str::<Which>(r#"{"what":"days","from":"2026-02-30","to":"2026-03-01"}"#);
        assert!(odd.is_err() && serde_json::from_str::<Which>(r#"{"what":"chart"}"#).is_err());
    }
}
