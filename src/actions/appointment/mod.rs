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

use std::collections::BTreeSet;

use desk::Wanted;
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

/// The person's visits.
async fn visits_of(permit: &Permit, setting: &Setting<'_>) -> Result<Vec<Visit>, ActionError> {
    Ok(setting.records.visits(permit.subject()).await?.reveal(permit)?)
}

/// The person's visits, who treats them, and the free times that nobody else is just being asked about: the first of all, and
/// those of whoever is asked for, which may be far behind.
async fn known(permit: &Permit, setting: &Setting<'_>, wanted: &Wanted) -> Result<Known, ActionError> {
    let (records, person) = (setting.records, permit.subject());
    let care_team = records.providers(person).await?.reveal(permit)?;
    let visits = visits_of(permit, setting).await?;
    let until = setting.now + SignedDuration::from_hours(24 * i64::from(desk::AHEAD));
    let query = |provider: Option<String>| SlotQuery {
        from: setting.now,
        until,
        provider,
        specialty: None,
        limit: desk::LOOKED_AT,
        held_for: Some((person.clone(), setting.now)),
    };
    let mut free = records.free_slots(query(None)).await?;
    if free.len() >= desk::LOOKED_AT {
        let who = records.who_has_slots(setting.now, until).await?;
        let mut seen: BTreeSet<String> = free.iter().map(|slot| slot.id.clone()).collect();
        let names: BTreeSet<String> =
            who.into_iter().filter(|one| wanted.may_be(one, &care_team)).map(|one| one.name).collect();
        for name in names.into_iter().take(desk::ASKED_FOR) {
            let theirs = records.free_slots(query(Some(name))).await?;
            free.extend(theirs.into_iter().filter(|slot| seen.insert(slot.id.clone())));
        }
        // Whoever has time on the day that is asked for.
        if let Some((from, until)) = wanted.wish.and_then(|wish| wish.span(setting.now, setting.zone)) {
            let then =
                records.free_slots(SlotQuery { from, until: until.min(query(None).until), ..query(None) }).await?;
            free.extend(then.into_iter().filter(|slot| seen.insert(slot.id.clone())));
        }
        free.sort_by(|a, b| (a.start, &a.id).cmp(&(b.start, &b.id)));
    }
    Ok(Known { care_team, visits, free })
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
