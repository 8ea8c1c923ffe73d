//! `record.connect`: begins connecting the records of another organization. The person signs in there on a screen of their
//! own, so all that is done aloud is to say where, and a code that lets the page there begin it.

use super::{ActionError, Change, Facts, Outcome, Pass, Plan, Setting, of_a_person, permit, text, words};
use crate::{
    nlu::Slots,
    policy::{Effect, Floor, Permit, Scope},
};

/// Changes what the person's answers come from; what came of it is used only as they agreed.
pub const FLOOR: Floor = of_a_person(Effect::Change, Scope::Records);

/// Digits of a code, as the store takes them.
const DIGITS: u64 = 100_000_000;
/// Minutes that a code works, for saying so.
const MINUTES: u32 = 10;

/// What can be connected here, as configured.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Connecting {
    /// Where a code is typed in, without the scheme: `voice.clinic.example/connect`.
    pub page: String,
    /// The organizations: what each is called in the configuration, and by people.
    pub organizations: Vec<(String, String)>,
}

pub async fn run(pass: Pass, slots: &Slots, setting: &Setting<'_>) -> Result<Outcome, ActionError> {
    let _in: Permit = permit(pass)?;
    Ok(begin(setting.connecting, text(slots, "organization"), setting.channel == "chat"))
}

/// Replies: `confirm` (organization), `page` (page, organization), `unknown` (offered), `not_offered`.
fn begin(connecting: Option<&Connecting>, said: Option<&str>, on_page: bool) -> Outcome {
    let Some(connecting) = connecting.filter(|c| !c.organizations.is_empty()) else {
        return Outcome::Answer(Facts::new("not_offered"));
    };
    let named = match said.map(|said| find(connecting, said)) {
        Some(Found::Nobody) => {
            let offered: Vec<&str> = connecting.organizations.iter().map(|(_, name)| name.as_str()).collect();
            return Outcome::Answer(Facts::new("unknown").with("offered", offered));
        }
        Some(Found::One(one)) => Some(one),
        Some(Found::Any) | None => None,
    };
    let of = |reply: &str| Facts::new(reply).with("organization", named.map(|(_, name)| name));
    if on_page {
        return Outcome::Answer(of("page"));
    }
    Outcome::Confirm { facts: of("confirm"), plan: Plan::Connect { organization: named.map(|(id, _)| id.clone()) } }
}

/// After "yes". Replies: `code` (code, page, minutes), `conflict`, `not_offered`.
pub fn perform(_permit: Permit, organization: Option<String>, setting: &Setting<'_>) -> Outcome {
    let Some(connecting) = setting.connecting else { return Outcome::Answer(Facts::new("not_offered")) };
    let code = format!("{:08}", setting.chance % DIGITS);
    let facts = Facts::new("code").with("code", &code).with("page", &connecting.page).with("minutes", MINUTES);
    let changes = vec![Change::LetConnect { code, organization }];
    Outcome::Done { facts, changes, conflict: Facts::new("conflict") }
}

enum Found<'a> {
    /// This one was meant.
    One(&'a (String, String)),
    /// What was said names none in particular: "my other hospital".
    Any,
    /// It names one that cannot be connected here.
    Nobody,
}

/// Words that name no organization in particular.
const FILLERS: [&str; 24] = [
    "the", "my", "a", "an", "other", "another", "new", "old", "second", "hospital", "clinic", "health", "system",
    "portal", "patient", "doctor", "doctors", "office", "chart", "account", "at", "of", "in", "place",
];

/// The words of a name that tell one organization from another.
pub(super) fn telling(said: &str) -> Vec<String> {
    words(said).into_iter().filter(|w| !FILLERS.contains(&w.as_str())).collect()
}

fn find<'a>(connecting: &'a Connecting, said: &str) -> Found<'a> {
    let telling = telling(said);
    if telling.is_empty() {
        return Found::Any;
    }
    let fits = |(_, name): &&(String, String)| {
        let name = words(name);
        telling.iter().all(|word| name.contains(word))
    };
    let mut found = connecting.organizations.iter().filter(fits);
    match (found.next(), found.next()) {
        (Some(one), None) => Found::One(one),
        (Some(_), Some(_)) => Found::Any,
        (None, _) => Found::Nobody,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn connecting() -> Connecting {
        let organizations =
            [("mercy", "Mercy Hospital"), ("st-mary", "St. Mary's Clinic"), ("mercy-eye", "Mercy Eye Clinic")];
        Connecting {
            page: "voice.clinic.example/connect".into(),
            organizations: organizations.map(|(id, name)| (id.to_owned(), name.to_owned())).to_vec(),
        }
    }

    #[test]
    fn an_organization_is_found_by_what_people_call_it() {
        let told = |said: Option<&str>, on_page| match begin(Some(&connecting()), said, on_page) {
            Outcome::Answer(facts) => facts.reply,
            Outcome::Confirm { plan: Plan::Connect { organization }, .. } => {
                format!("confirm {}", organization.unwrap_or_default())
            }
            _ => "something else".to_owned(),
        };
        for (said, on_page, want) in [
            (None, false, "confirm "),
            (Some("Mercy Eye"), false, "confirm mercy-eye"),
            (Some("the mercy eye clinic"), false, "confirm mercy-eye"),
            (Some("st. mary's"), false, "confirm st-mary"),
            (Some("mercy"), false, "confirm "),
            (Some("my other hospital"), false, "confirm "),
            (Some("the university hospital"), false, "unknown"),
            (Some("Mercy Eye"), true, "page"),
            (None, true, "page"),
        ] {
            assert_eq!(told(said, on_page), want, "{said:?}");
        }
        let reply = |outcome| match outcome {
            Outcome::Answer(facts) => facts.reply,
            _ => "something else".to_owned(),
        };
        assert_eq!(reply(begin(None, None, false)), "not_offered");
        assert_eq!(reply(begin(Some(&Connecting::default()), None, false)), "not_offered");
    }
}
