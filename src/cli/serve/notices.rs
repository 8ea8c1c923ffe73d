//! News on a person's own page, and letters that there is some.

use std::{sync::Weak, time::Duration};

use jiff::SignedDuration;

use super::program::Program;
use crate::{
    channels::{LettersShown, NewsShown, Notices, OneShown, Soon},
    mail::Address,
    policy::Caller,
    rights::{Denied, Told},
    speech::Moment,
    store::StoreError,
};

/// How often is looked for whom a letter is due.
const LOOK: Duration = Duration::from_secs(30);
/// Digits of a code.
const DIGITS: u32 = 8;
/// What news begins with when it is said after something else.
const ASIDE: &str = "By the way, ";

impl Notices for Program {
    fn news<'a>(&'a self, caller: &'a Caller) -> Soon<'a, Result<NewsShown, Denied>> {
        Box::pin(async move {
            let (news, core) = (self.desk().news(caller).await?, self.app().core());
            let moment = Moment { now: core.ambient.now(), zone: core.zone.clone() };
            let mut shown = Vec::with_capacity(news.waiting.len());
            for kept in news.waiting {
                let said = core.replies.render("dialogue.common", &kept.notice.facts, &moment);
                let text = said.map_err(|_| Denied::Store(StoreError::Damaged("notice".into())))?.text;
                shown.push(OneShown { id: kept.id, at: kept.created, text: alone(&text) });
            }
            let letters = self.letters.as_ref().map(|_| LettersShown {
                confirmed: news.mailbox.as_ref().is_some_and(|mailbox| mailbox.confirmed),
                address: news.mailbox.map(|mailbox| mailbox.address),
            });
            Ok(NewsShown { news: shown, told: Told::from(&news.quiet), letters })
        })
    }

    fn read<'a>(&'a self, caller: &'a Caller, ids: &'a [String]) -> Soon<'a, Result<(), Denied>> {
        Box::pin(async move { self.desk().read_news(caller, ids).await })
    }

    fn wish<'a>(&'a self, caller: &'a Caller, told: Told) -> Soon<'a, Result<(), Denied>> {
        Box::pin(async move { self.desk().want_told(caller, told).await })
    }

    fn letters<'a>(&'a self, caller: &'a Caller, address: &'a str) -> Soon<'a, Result<Option<bool>, Denied>> {
        Box::pin(async move {
            let Some(address) = Address::parse(address).filter(|_| self.letters.is_some()) else { return Ok(None) };
            let code = u64::from_be_bytes(self.app().ambient().random()) % 10_u64.pow(DIGITS);
            let code = format!("{code:0width$}", width = DIGITS as usize);
            self.desk().want_letters(caller, &address, &code).await.map(Some)
        })
    }

    fn confirm<'a>(&'a self, caller: &'a Caller, code: &'a str) -> Soon<'a, Result<bool, Denied>> {
        Box::pin(async move {
            let digits: String = code.chars().filter(|c| !c.is_whitespace()).collect();
            self.desk().confirm_letters(caller, &digits).await
        })
    }

    fn no_letters<'a>(&'a self, caller: &'a Caller) -> Soon<'a, Result<(), Denied>> {
        Box::pin(async move { self.desk().no_letters(caller).await })
    }
}

/// News as it stands by itself.
fn alone(text: &str) -> String {
    let text = text.strip_prefix(ASIDE).unwrap_or(text);
    let mut rest = text.chars();
    rest.next().map(|first| first.to_uppercase().chain(rest).collect()).unwrap_or_default()
}

/// Makes letters that there is news, as long as the program runs and any can be sent.
pub async fn write(program: Weak<Program>) {
    loop {
        {
            let Some(program) = program.upgrade() else { return };
            let (app, Some(mail)) = (program.app(), program.app().config().mail.as_ref()) else { return };
            let pause = SignedDuration::from_hours(mail.news_hours.into());
            match app.store().write_letters(pause, &app.core().zone, app.ambient().now()).await {
                Ok(0) => {}
                Ok(letters) => tracing::info!(letters, "letters that there is news were made"),
                Err(error) => tracing::warn!(%error, "letters that there is news could not be made; it is tried again"),
            }
        }
        tokio::time::sleep(LOOK).await;
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn news_stands_by_itself() {
        for (said, wanted) in [
            ("By the way, your visit was moved.", "Your visit was moved."),
            ("Something else.", "Something else."),
            ("", ""),
        ] {
            assert_eq!(super::alone(said), wanted);
        }
    }
}
