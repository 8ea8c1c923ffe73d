//! Visits: hearing of them, getting ready, booking, moving and calling off.

pub mod arrive;
pub mod book;
pub mod cancel;
mod desk;
pub mod list;
pub mod next;
pub mod plan;
pub mod prepare;
pub mod reschedule;
mod times;
mod told;
pub mod urgent;
pub mod waitlist;
mod which;

use jiff::SignedDuration;
pub use waitlist::Waiting;

use super::{ActionError, Setting, words};
use crate::{
    policy::Permit,
    records::{OpenSlot, Provider, SlotQuery, Visit},
};

/// What booking and moving are decided on.
struct Known {
    care_team: Vec<Provider>,
    visits: Vec<Visit>,
    free: Vec<OpenSlot>,
}

/// The person's visits, who treats them, and the free times that nobody else is just being asked about.
async fn known(permit: &Permit, setting: &Setting<'_>) -> Result<Known, ActionError> {
    let (records, person) = (setting.records, permit.subject());
    let care_team = records.providers(person).await?.reveal(permit)?;
    let visits = records.visits(person).await?.reveal(permit)?;
    let query = SlotQuery {
        from: setting.now,
        until: setting.now + SignedDuration::from_hours(24 * i64::from(desk::AHEAD)),
        provider: None,
        specialty: None,
        limit: desk::LOOKED_AT,
        held_for: Some((person.clone(), setting.now)),
    };
    Ok(Known { care_team, visits, free: records.free_slots(query).await? })
}

/// Whether what somebody called a provider is this one: by full name, by surname, or by any of the words
/// without the title ("Patel", "doctor Patel", "Anita Patel").
pub(super) fn is_provider(name: &str, said: &str) -> bool {
    let bare = |text: &str| -> Vec<String> {
        words(text)
            .into_iter()
            .filter(|w| !["dr", "doctor", "nurse", "prof", "professor"].contains(&w.as_str()))
            .collect()
    };
    let (name, said) = (bare(name), bare(said));
    !said.is_empty() && (name == said || said.iter().all(|w| name.contains(w)) && name.last() == said.last())
}

#[cfg(test)]
mod tests {
    use super::is_provider;

    #[test]
    fn providers_are_known_by_their_surname() {
        for (said, want) in [
            ("Dr. Anita Patel", true),
            ("doctor patel", true),
            ("Patel", true),
            ("Anita", false),
            ("Dr. Arun Patel", false),
            ("doctor", false),
            ("", false),
        ] {
            assert_eq!(is_provider("Dr. Anita Patel", said), want, "{said:?}");
        }
    }
}
