//! A sound that there is news, and nothing else: what it is, and for whom, is told to whoever asks, once policy lets it.
//!
//! Invariants: of several people's device nobody learns whose news it is; news makes a sound once, wherever; none where somebody
//! wants quiet, in a hospital room, for somebody who stays in one, and while a visitor or a roommate is there; none for what the
//! person has not agreed to be told.

use jiff::{Timestamp, tz::TimeZone};

use super::{
    Core,
    due::{DueError, Ring, Sound},
};
use crate::{
    actions::Facts,
    policy::{Around, Caller, Mode, PersonId, Scope, quiet::Quiet},
    speech::Moment,
    store::WaitingNews,
};

/// What stands where a reminder has its id: the same for everybody's news.
pub(super) const NEWS: &str = "news";

impl Core {
    /// One sound for everything that is new for those people; none where this is not the time or the place.
    pub(super) async fn chime(
        &self,
        caller: &Caller,
        people: &[PersonId],
        now: Timestamp,
    ) -> Result<Option<Ring>, DueError> {
        let Some(newest) = self.new_for(caller, people, now).await?.into_iter().map(|news| news.created).max() else {
            return Ok(None);
        };
        let moment = Moment { now, zone: self.zone.clone() };
        let said = self.replies.render("dialogue.common", &Facts::new("notice_chime"), &moment)?;
        Ok(Some(Ring { sound: Sound::News, id: NEWS.to_owned(), at: newest, text: said.text, ssml: said.ssml }))
    }

    /// Notes that a device makes the sound for all news up to then. False where another one does.
    pub(super) async fn chimed(&self, caller: &Caller, people: &[PersonId], upto: Timestamp) -> Result<bool, DueError> {
        let now = self.ambient.now();
        let mut new = self.new_for(caller, people, now).await?;
        new.retain(|news| news.created <= upto);
        let ids: Vec<String> = new.into_iter().map(|news| news.id).collect();
        Ok(!ids.is_empty() && self.store.chimed(&ids, now).await?)
    }

    /// What is new for those people, as far as a sound may tell that there is something.
    async fn new_for(
        &self,
        caller: &Caller,
        people: &[PersonId],
        now: Timestamp,
    ) -> Result<Vec<WaitingNews>, DueError> {
        let mut new = Vec::new();
        if !self.may_chime(caller, now).await? {
            return Ok(new);
        }
        for person in people {
            let waiting = self.store.waiting_news(person).await?;
            if waiting.is_empty() || self.store.room_of(person).await?.is_some() {
                continue;
            }
            let Some((agreed, _)) = self.store.standing(person).await? else { continue };
            let quiet = self.store.quiet(person).await?;
            new.extend(waiting.into_iter().filter(|news| sounds(news, &agreed.uses.answer(), &quiet, now, &self.zone)));
        }
        Ok(new)
    }

    /// Whether this is a place for it now.
    async fn may_chime(&self, caller: &Caller, now: Timestamp) -> Result<bool, DueError> {
        let Some(room) = caller.surface.room() else { return Ok(true) };
        let place = self.store.place(room).await?;
        let around = Around {
            time: now.to_zoned(self.zone.clone()).time(),
            roommate: self.store.anybody_in(&place.rules.shares).await?,
            visitor: place.visitor.is_some_and(|until| now < until),
        };
        // Where answers are on a screen alone, a sound is too much, too.
        Ok(!around.roommate && !around.visitor && place.rules.mode(&around) != Mode::Screen)
    }
}

/// Whether a piece of news makes a sound.
fn sounds(news: &WaitingNews, agreed: &[Scope], quiet: &Quiet, now: Timestamp, zone: &TimeZone) -> bool {
    !news.chimed && !news.hinted && agreed.contains(&news.topic) && quiet.lets(news.topic, now, zone)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::quiet::{Hours, Part};

    #[test]
    fn what_makes_a_sound() {
        let now: Timestamp = "2026-05-04T03:00:00Z".parse().expect("a time");
        let clock = |hour| jiff::civil::time(hour, 0, 0, 0);
        let new =
            || WaitingNews { id: "n".into(), topic: Scope::Medicines, created: now, hinted: false, chimed: false };
        let all = Scope::ALL.as_slice();
        let night = Quiet { hours: Some(Hours { from: clock(22), to: clock(7) }), ..Quiet::default() };
        let day = Quiet { hours: Some(Hours { from: clock(7), to: clock(22) }), ..Quiet::default() };
        let without = Quiet { parts: vec![Part::Medicines], ..Quiet::default() };
        let table = [
            (new(), all, Quiet::default(), true),
            (WaitingNews { chimed: true, ..new() }, all, Quiet::default(), false),
            (WaitingNews { hinted: true, ..new() }, all, Quiet::default(), false),
            (new(), &[Scope::Visits], Quiet::default(), false),
            (new(), &[], Quiet::default(), false),
            (new(), all, Quiet { everything: true, ..Quiet::default() }, false),
            (new(), all, Quiet { until: Some(now + jiff::SignedDuration::from_hours(1)), ..Quiet::default() }, false),
            (new(), all, without.clone(), false),
            (WaitingNews { topic: Scope::Visits, ..new() }, all, without, true),
            (new(), all, night, false),
            (new(), all, day, true),
        ];
        for (n, (news, agreed, quiet, wanted)) in table.into_iter().enumerate() {
            assert_eq!(sounds(&news, agreed, &quiet, now, &TimeZone::UTC), wanted, "row {n}");
        }
    }
}
