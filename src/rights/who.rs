//! Who somebody says they are, where nobody else says so: they were let in from the waiting list.

use jiff::civil::{Date, date};
use serde::Deserialize;
use utoipa::ToSchema;

use super::{Denied, Desk};
use crate::{
    policy::{Caller, Effect, Event},
    records::Profile,
};

/// Longest name, in characters.
const LONGEST: usize = 100;
/// Nobody who speaks was born before.
const FIRST: Date = date(1900, 1, 1);

/// What somebody is called, and when they were born.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OwnName {
    /// What they are called: "Rosa".
    pub given: String,
    /// Their family name.
    pub family: String,
    /// When they were born.
    #[schema(value_type = String, format = Date)]
    pub birth: Date,
}

impl OwnName {
    /// As a record has it.
    ///
    /// # Errors
    /// [`Denied::NoName`] with the field that is none, and what it must be.
    fn profile(&self, today: Date) -> Result<Profile, Denied> {
        const NAME: &str = "a name of at most 100 characters";
        let given = name(&self.given).ok_or(Denied::NoName { field: "given", expected: NAME })?;
        let family = name(&self.family).ok_or(Denied::NoName { field: "family", expected: NAME })?;
        if !(FIRST..=today).contains(&self.birth) {
            return Err(Denied::NoName { field: "birth", expected: "a day since 1900 that has been" });
        }
        Ok(Profile { given, family, birth: Some(self.birth), called: vec![] })
    }
}

/// A name without what stands around it; `None` where it is none.
fn name(text: &str) -> Option<String> {
    let name = text.trim();
    let fits = name.chars().count() <= LONGEST && name.chars().any(char::is_alphabetic);
    let plain = |c: char| c.is_alphabetic() || matches!(c, ' ' | '-' | '\'' | '’' | '.') || mark(c);
    (fits && name.chars().all(plain)).then(|| name.to_owned())
}

/// A mark that stands by itself after its letter.
fn mark(c: char) -> bool {
    unicode_normalization::char::is_combining_mark(c)
}

impl Desk<'_> {
    /// Keeps what somebody says that they are called. What is connected from then on must be of the same name.
    ///
    /// # Errors
    /// [`Denied::NoName`] where it is none, [`Denied::Known`] where that is not theirs to say or something is connected
    /// already; and see [`Denied`].
    pub async fn call_me(&self, caller: &Caller, who: &OwnName) -> Result<(), Denied> {
        let visit = self.visit(caller, "account.name", Effect::Change).await?;
        let today = self.now().to_zoned(self.zone.clone()).date();
        let entry = visit.closing(Event::Closed, "done");
        let done = match who.profile(today) {
            Ok(profile) => self.store.name_themselves(visit.person(), &profile, &entry).await.map_err(Denied::from),
            Err(denied) => Err(denied),
        };
        if matches!(done, Ok(true)) {
            return Ok(());
        }
        self.close(&visit, "refused").await?;
        done.and(Err(Denied::Known))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_letters_and_what_stands_between_them() {
        for (text, want) in [
            (" Rosa ", Some("Rosa")),
            ("O'Neil-Ruiz", Some("O'Neil-Ruiz")),
            ("María Elena", Some("María Elena")),
            ("Nguyễn", Some("Nguyễn")),
            ("St. John", Some("St. John")),
            ("", None),
            (" - ", None),
            ("Rosa\nDelgado", None),
            ("<b>Rosa</b>", None),
            ("R0sa", None),
        ] {
            assert_eq!(name(text).as_deref(), want, "{text:?}");
        }
        assert!(name(&"a".repeat(LONGEST)).is_some() && name(&"a".repeat(LONGEST + 1)).is_none());
    }

    #[test]
    fn whoever_speaks_was_born() {
        let today = date(2026, 11, 24);
        let born = |birth| OwnName { given: "Rosa".into(), family: "Delgado".into(), birth }.profile(today).is_ok();
        for (birth, want) in [
            (date(1958, 4, 12), true),
            (today, true),
            (date(2026, 11, 25), false),
            (date(1899, 12, 31), false),
            (FIRST, true),
        ] {
            assert_eq!(born(birth), want, "{birth}");
        }
    }
}
