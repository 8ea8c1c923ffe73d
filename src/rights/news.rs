//! News on a person's own page, and what they want to be told of unasked.

use jiff::{Timestamp, civil::Time};
use serde::{Deserialize, Serialize};

use super::{Denied, Desk};
use crate::{
    actions::KeptNotice,
    mail::Address,
    policy::{
        Caller, Effect, Event,
        quiet::{Hours, Part, Quiet},
    },
    store::Mailbox,
};

/// News and wishes, before the news is worded.
pub struct News {
    /// What nobody has told them yet, oldest first.
    pub waiting: Vec<KeptNotice>,
    /// What they do not want to be told unasked.
    pub quiet: Quiet,
    /// Where they want letters.
    pub mailbox: Option<Mailbox>,
}

/// What somebody wants to be told of by itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Told {
    /// Anything at all.
    pub everything: bool,
    /// Of medicines.
    pub medicines: bool,
    /// Of visits.
    pub visits: bool,
    /// Of results.
    pub results: bool,
    /// No news before then.
    pub until: Option<Timestamp>,
    /// No news from this hour of each day on, and until which; both or neither.
    pub from: Option<Time>,
    /// Until when.
    pub to: Option<Time>,
}

impl From<&Quiet> for Told {
    fn from(quiet: &Quiet) -> Self {
        let told = |part| !quiet.parts.contains(&part);
        Self {
            everything: !quiet.everything,
            medicines: told(Part::Medicines),
            visits: told(Part::Visits),
            results: told(Part::Records),
            until: quiet.until,
            from: quiet.hours.map(|hours| hours.from),
            to: quiet.hours.map(|hours| hours.to),
        }
    }
}

impl From<Told> for Quiet {
    fn from(told: Told) -> Self {
        let parts = [(Part::Medicines, told.medicines), (Part::Visits, told.visits), (Part::Records, told.results)];
        Self {
            parts: parts.into_iter().filter(|(_, told)| !told).map(|(part, _)| part).collect(),
            everything: !told.everything,
            until: told.until,
            hours: told.from.zip(told.to).map(|(from, to)| Hours { from, to }),
        }
    }
}

impl Desk<'_> {
    /// What is new, and what the person wants to be told of.
    ///
    /// # Errors
    /// See [`Denied`]; so for every function here.
    pub async fn news(&self, caller: &Caller) -> Result<News, Denied> {
        let visit = self.visit(caller, "notification.list", Effect::Read).await?;
        let news = News {
            waiting: self.store.untold(visit.person()).await?.reveal(&visit.permit)?,
            quiet: self.store.quiet(visit.person()).await?,
            mailbox: self.store.mailbox(visit.person()).await?,
        };
        self.close(&visit, "answered").await?;
        Ok(news)
    }

    /// The person has read this news: it is told nowhere any more.
    ///
    /// # Errors
    /// See [`Denied`].
    pub async fn read_news(&self, caller: &Caller, ids: &[String]) -> Result<(), Denied> {
        let visit = self.visit(caller, "notification.list", Effect::Change).await?;
        let entry = visit.closing(Event::Closed, "done");
        Ok(self.store.read_news(visit.person(), ids, &entry).await?)
    }

    /// Replaces what they want to be told of.
    ///
    /// # Errors
    /// See [`Denied`].
    pub async fn want_told(&self, caller: &Caller, told: Told) -> Result<(), Denied> {
        let visit = self.visit(caller, "notification.settings", Effect::Change).await?;
        let entry = visit.closing(Event::Closed, "done");
        Ok(self.store.set_quiet(visit.person(), &told.into(), &entry).await?)
    }

    /// Has a code sent to an address, for letters that there is news. False where one was sent a moment ago.
    ///
    /// # Errors
    /// See [`Denied`].
    pub async fn want_letters(&self, caller: &Caller, address: &Address, code: &str) -> Result<bool, Denied> {
        let visit = self.visit(caller, "notification.settings", Effect::Change).await?;
        let entry = visit.closing(Event::Closed, "asked");
        let asked = self.store.want_letters(visit.person(), address, code, &entry).await?;
        if !asked {
            self.close(&visit, "refused").await?;
        }
        Ok(asked)
    }

    /// Whether the code is the one that was sent; letters come from then on.
    ///
    /// # Errors
    /// See [`Denied`].
    pub async fn confirm_letters(&self, caller: &Caller, code: &str) -> Result<bool, Denied> {
        let visit = self.visit(caller, "notification.settings", Effect::Change).await?;
        let entry = visit.closing(Event::Closed, "done");
        let confirmed = self.store.confirm_letters(visit.person(), code, &entry).await?;
        if !confirmed {
            self.close(&visit, "refused").await?;
        }
        Ok(confirmed)
    }

    /// No more letters; the address is deleted.
    ///
    /// # Errors
    /// See [`Denied`].
    pub async fn no_letters(&self, caller: &Caller) -> Result<(), Denied> {
        let visit = self.visit(caller, "notification.settings", Effect::Change).await?;
        let entry = visit.closing(Event::Closed, "done");
        if !self.store.no_letters(visit.person(), &entry).await? {
            self.close(&visit, "answered").await?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_shown_is_what_is_kept() {
        let clock = |hour| jiff::civil::time(hour, 30, 0, 0);
        for quiet in [
            Quiet::default(),
            Quiet { everything: true, ..Quiet::default() },
            Quiet { parts: vec![Part::Visits], until: Some(Timestamp::UNIX_EPOCH), ..Quiet::default() },
            Quiet { hours: Some(Hours { from: clock(22), to: clock(7) }), ..Quiet::default() },
        ] {
            assert_eq!(Quiet::from(Told::from(&quiet)), quiet);
        }
        let half = Told { from: Some(clock(22)), ..Told::from(&Quiet::default()) };
        assert_eq!(Quiet::from(half).hours, None, "half a wish is none");
    }
}
