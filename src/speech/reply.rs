//! Reply templates: data in the catalogue, rendered against an action's facts.
//!
//! Invariants: every template compiles before the first turn; a value a template names and an action does not
//! give is an error, not a gap; an error names template and line, never a value.

use std::collections::BTreeMap;

use jiff::{Timestamp, tz::TimeZone};
use minijinja::{Environment, UndefinedBehavior, Value};

pub use super::Rendered;
use super::{say, ssml};
use crate::{actions::Facts, nlu::catalogue::Catalogue};

/// The intent whose replies stand in where an intent has no reply of that name.
pub const COMMON: &str = "dialogue.common";

/// Longest value that is spoken, in characters; an action never hands over clinical words as long as this
/// (see [`crate::actions::SPEAKABLE`]), so only a broken name is ever cut.
const LONGEST: usize = 1_000;

/// When and where something is said.
#[derive(Debug, Clone)]
pub struct Moment {
    /// Now.
    pub now: Timestamp,
    /// The speaker's zone.
    pub zone: TimeZone,
}

/// Why a reply could not be made.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum ReplyError {
    /// The catalogue's template is broken.
    #[error("reply {intent}.{reply}, line {line}: {reason}")]
    Template {
        /// The intent.
        intent: String,
        /// The reply.
        reply: String,
        /// Line inside the template, from 1.
        line: usize,
        /// What the template engine says of it.
        reason: String,
    },
    /// The catalogue has no such reply.
    #[error("the catalogue has no reply `{reply}` for {intent}; add it under `replies:`")]
    Missing {
        /// The intent.
        intent: String,
        /// The reply.
        reply: String,
    },
    /// A template names a value that was not given, or gives nothing to say.
    #[error("reply {intent}.{reply}, line {line}: {reason}")]
    Unsayable {
        /// The intent.
        intent: String,
        /// The reply.
        reply: String,
        /// Line inside the template, from 1.
        line: usize,
        /// What is missing, without values.
        reason: String,
    },
}

/// Every reply of a catalogue, compiled.
pub struct Replies {
    env: Environment<'static>,
    house: BTreeMap<String, Value>,
}

impl Replies {
    /// Compiles every reply of the catalogue, and the prompt of every slot as the reply `ask_<slot>` where the
    /// intent has none of that name.
    ///
    /// # Errors
    /// The first template that does not compile.
    pub fn new(catalogue: &Catalogue) -> Result<Self, ReplyError> {
        let mut replies = Self::empty();
        for def in catalogue.intents() {
            for slot in &def.slots {
                if let Some(prompt) = &slot.prompt {
                    replies.add(&def.name, &format!("ask_{}", slot.name), prompt)?;
                }
            }
            for (name, template) in &def.replies {
                replies.add(&def.name, name, template)?;
            }
        }
        Ok(replies)
    }

    /// Compiles templates given as intent, reply, template.
    ///
    /// # Errors
    /// The first template that does not compile.
    pub fn compile<'a>(templates: impl IntoIterator<Item = (&'a str, &'a str, &'a str)>) -> Result<Self, ReplyError> {
        let mut replies = Self::empty();
        for (intent, reply, template) in templates {
            replies.add(intent, reply, template)?;
        }
        Ok(replies)
    }

    fn empty() -> Self {
        let mut env = Environment::new();
        env.set_undefined_behavior(UndefinedBehavior::Strict);
        env.set_debug(false);
        env.set_auto_escape_callback(|_| minijinja::AutoEscape::None);
        env.set_formatter(|out, state, value| {
            if value.is_none() {
                return Err(minijinja::Error::new(minijinja::ErrorKind::UndefinedError, "a value is empty"));
            }
            minijinja::escape_formatter(out, state, value)
        });
        say::add_helpers(&mut env);
        Self { env, house: BTreeMap::new() }.with_place("your care team", "911")
    }

    /// Names the organization and the number to dial in an emergency, which every template may use as
    /// `organization` and `emergency_number`.
    #[must_use]
    pub fn with_place(mut self, organization: &str, emergency_number: &str) -> Self {
        for (name, value) in [("organization", organization), ("emergency_number", emergency_number)] {
            self.house.insert(name.to_owned(), Value::from(ssml::clean(value, LONGEST)));
        }
        self
    }

    fn add(&mut self, intent: &str, reply: &str, template: &str) -> Result<(), ReplyError> {
        self.env.add_template_owned(key(intent, reply), template.trim().to_owned()).map_err(|e| ReplyError::Template {
            intent: intent.to_owned(),
            reply: reply.to_owned(),
            line: e.line().unwrap_or(1),
            reason: e.to_string(),
        })
    }

    /// Whether the intent, or the common replies, have this one.
    #[must_use]
    pub fn has(&self, intent: &str, reply: &str) -> bool {
        [intent, COMMON].iter().any(|i| self.env.get_template(&key(i, reply)).is_ok())
    }

    /// The words for these facts.
    ///
    /// # Errors
    /// When neither the intent nor [`COMMON`] has the reply, or a value is missing.
    pub fn render(&self, intent: &str, facts: &Facts, moment: &Moment) -> Result<Rendered, ReplyError> {
        let template = [intent, COMMON]
            .iter()
            .find_map(|i| self.env.get_template(&key(i, &facts.reply)).ok())
            .ok_or_else(|| ReplyError::Missing { intent: intent.to_owned(), reply: facts.reply.clone() })?;
        let mut context = self.house.clone();
        for (name, value) in &facts.values {
            context.insert(name.clone(), sayable(value));
        }
        context.insert(say::NOW.to_owned(), Value::from_object(say::Now(moment.clone())));
        let unsayable = |line, reason: &str| ReplyError::Unsayable {
            intent: intent.to_owned(),
            reply: facts.reply.clone(),
            line,
            reason: reason.to_owned(),
        };
        let marked = template
            .render(Value::from_pairs(context))
            .map_err(|e| unsayable(e.line().unwrap_or(1), &e.kind().to_string()))?;
        let rendered = ssml::rendered(&marked);
        if rendered.text.is_empty() { Err(unsayable(1, "nothing to say")) } else { Ok(rendered) }
    }
}

fn key(intent: &str, reply: &str) -> String {
    format!("{intent}/{reply}")
}

/// A fact as a template may print it.
fn sayable(value: &serde_json::Value) -> Value {
    use serde_json::Value as Json;
    match value {
        Json::Null => Value::from(()),
        Json::Bool(b) => Value::from(*b),
        Json::Number(n) => match (n.as_i64(), n.as_f64()) {
            (Some(n), _) => Value::from(n),
            (None, Some(n)) => Value::from(n),
            (None, None) => Value::from(n.to_string()),
        },
        Json::String(s) => Value::from(ssml::clean(s, LONGEST)),
        Json::Array(items) => items.iter().map(sayable).collect(),
        Json::Object(fields) => Value::from_pairs(fields.iter().map(|(k, v)| (k.clone(), sayable(v)))),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn replies(template: &str) -> Replies {
        let mut replies = Replies::empty();
        replies.add("a.b", "r", template).unwrap_or_else(|e| panic!("compiles: {e}"));
        replies
    }

    fn moment() -> Moment {
        let zone = TimeZone::get("America/New_York").unwrap_or_else(|e| panic!("known: {e}"));
        Moment { now: "2026-11-20T15:00:00Z".parse().unwrap_or_else(|e| panic!("valid: {e}")), zone }
    }

    fn said(template: &str, facts: &Facts) -> Result<Rendered, ReplyError> {
        replies(template).render("a.b", facts, &moment())
    }

    #[test]
    fn facts_become_words() {
        let facts = Facts::new("r")
            .with("at", "2026-11-21T19:30:00Z")
            .with("names", ["Anita", "Sam", "Lee"])
            .with("n", 2)
            .with("dose", "10 mg")
            .with("place", None::<String>);
        let template = "See {{ names|list }} {{ at|on_day }} at {{ at|clock }}{% if place %} in {{ place }}{% endif %}. \
                        Take {{ dose|dose }}, {{ n|plural('refill') }} left. Call {{ emergency_number|digits }}.";
        let r = said(template, &facts).unwrap_or_else(|e| panic!("{e}"));
        assert_eq!(r.text, "See Anita, Sam and Lee tomorrow at 2:30 PM. Take 10 mg, 2 refills left. Call 911.");
        assert!(r.ssml.contains("<sub alias=\"10 milligrams\">10 mg</sub>"), "{}", r.ssml);
        assert!(r.ssml.starts_with("<speak><p><s>See ") && r.ssml.ends_with("</s></p></speak>"));
    }

    #[test]
    fn the_hour_that_comes_twice_is_said_by_its_wall_clock() {
        for (at, want) in [
            ("2026-11-01T05:30:00Z", "1:30 AM"),
            ("2026-11-01T06:30:00Z", "1:30 AM"),
            ("2026-03-08T07:00:00Z", "3 AM"),
            ("2026-03-08T06:59:00Z", "1:59 AM"),
        ] {
            let r = said("{{ at|clock }}", &Facts::new("r").with("at", at)).unwrap_or_else(|e| panic!("{e}"));
            assert_eq!(r.text, want, "{at}");
        }
    }

    #[test]
    fn what_is_missing_is_an_error_without_values() {
        let facts = Facts::new("r").with("name", "xylobrine").with("gap", None::<String>);
        for template in
            ["{{ nam }}", "{% if nam %}x{% endif %}", "{{ gap }}", "{{ name|day }}", "{{ name|clock }}", " "]
        {
            let Err(e) = said(template, &facts) else { panic!("must fail: {template}") };
            assert!(!format!("{e} {e:?}").contains("xylobrine"), "{e}");
        }
        let e = replies("x").render("a.b", &Facts::new("other"), &moment()).map(|r| r.text);
        assert_eq!(e, Err(ReplyError::Missing { intent: "a.b".into(), reply: "other".into() }));
        assert!(matches!(Replies::empty().add("a.b", "r", "{{ x"), Err(ReplyError::Template { line: 1, .. })));
    }

    /// A tiny XML reader: every tag is on the allow-list and closed, every `&` starts an entity.
    fn assert_only_allowed(ssml: &str) {
        let mut open: Vec<&str> = Vec::new();
        let mut rest = ssml;
        while let Some(at) = rest.find(['<', '&', '>']) {
            rest = &rest[at..];
            if rest.starts_with('&') {
                let end = rest.find(';').unwrap_or_else(|| panic!("an entity without an end: {ssml}"));
                assert!(["&amp", "&lt", "&gt", "&quot", "&apos"].contains(&&rest[..end]), "{ssml}");
                rest = &rest[end + 1..];
                continue;
            }
            let end = rest.find('>').unwrap_or_else(|| panic!("a tag without an end: {ssml}"));
            let tag = &rest[1..end];
            rest = &rest[end + 1..];
            if let Some(name) = tag.strip_prefix('/') {
                assert_eq!(open.pop(), Some(name), "{ssml}");
            } else if tag != "break time=\"300ms\"/" {
                let name = tag.split(' ').next().unwrap_or_default();
                assert!(["speak", "p", "s", "sub", "say-as"].contains(&name), "<{tag}> in {ssml}");
                open.push(name);
            }
        }
        assert!(open.is_empty(), "{ssml}");
        assert!(!ssml.chars().any(|c| c.is_control()), "{ssml:?}");
    }

    #[test]
    fn a_hostile_name_is_only_read_out() {
        for name in [
            "<audio src=\"https://example.org/a.mp3\"/>",
            "]]><speak>",
            "\" /><break time=\"99s\"/>",
            "&lt;audio&gt; &#60;",
            "\u{e000}s\"><audio>\u{e001}x\u{e002}",
            "Ann\u{0}\u{1b}[2J\u{202e}",
            &"Bob ".repeat(2_500),
        ] {
            let facts = Facts::new("r").with("name", name);
            let r = said("Hello {{ name }}. Take {{ name|dose }} {{ name|digits }} {{ name|sentence }} Bye.", &facts)
                .unwrap_or_else(|e| panic!("{e}"));
            assert_only_allowed(&r.ssml);
            assert!(!r.ssml.contains("<audio") && r.text.chars().count() < 4_200);
        }
    }

    proptest! {
        #[test]
        fn no_value_becomes_markup(name in any::<String>(), more in "[<>&\"'\\]/a-z\u{e000}-\u{e003} .]{0,80}") {
            let facts = Facts::new("r").with("name", &name).with("more", &more).with("all", [&name, &more]);
            let r = said("{{ name }} {{ more|dose }}, {{ all|list }} {{ more|digits }} {{ pause() }}ok.", &facts)
                .unwrap_or_else(|e| panic!("{e}"));
            assert_only_allowed(&r.ssml);
            let marks = r.text.chars().any(|c| ('\u{e000}'..='\u{e003}').contains(&c));
            prop_assert!(!marks);
        }
    }
}
