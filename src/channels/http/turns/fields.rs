//! The fields of a typed turn, read one by one so that an error can name the field and never its value.

use std::fmt;

use serde::{
    Deserialize, Deserializer, Serialize,
    de::{MapAccess, Visitor},
};
use serde_json::{Value, error::Category};
use utoipa::ToSchema;

use super::Refusal;
use crate::policy::{SessionId, TurnId};

/// What an identifier looks like, for errors.
pub const ID: &str = "1 to 64 letters, digits, `-`, `_`, `.` or `:`";

/// A typed turn on the wire.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TextTurn {
    /// What was typed.
    #[schema(min_length = 1, max_length = 65536, example = "when is my next appointment")]
    pub text: String,
    /// The conversation it belongs to, as an earlier answer named it; absent starts one.
    #[schema(min_length = 1, max_length = 64, pattern = "^[A-Za-z0-9._:-]+$")]
    pub session: Option<String>,
    /// The client's own name for this turn; a retry repeats it.
    #[schema(min_length = 1, max_length = 64, pattern = "^[A-Za-z0-9._:-]+$")]
    pub turn_id: Option<String>,
    /// Whether the answer is wanted as sound, too.
    #[serde(default)]
    pub speak: bool,
}

/// A typed turn, checked.
pub struct Said {
    pub text: String,
    pub session: Option<SessionId>,
    pub turn: Option<TurnId>,
    pub speak: bool,
}

/// Reads a typed turn.
///
/// # Errors
/// What is wrong with it, without a word of what it says.
pub fn parse(bytes: &[u8]) -> Result<Said, Refusal> {
    let text = std::str::from_utf8(bytes).map_err(|_| Refusal::NotUtf8)?;
    let Fields(fields) = serde_json::from_str(text).map_err(|e| not_read(&e))?;
    let (mut said, mut session, mut turn, mut speak) = (None, None, None, None);
    for (name, value) in fields {
        if let Some(own) = impersonation(&name) {
            return Err(Refusal::Impersonation(own));
        }
        match name.as_str() {
            "text" => once(&mut said, "text", words(value)?)?,
            "session" => once(&mut session, "session", id("session", &value, SessionId::parse)?)?,
            "turn_id" => once(&mut turn, "turn_id", id("turn_id", &value, TurnId::parse)?)?,
            "speak" => {
                let wanted =
                    value.as_bool().ok_or(Refusal::WrongField { field: "speak", expected: "true or false" })?;
                once(&mut speak, "speak", wanted)?;
            }
            _ => return Err(Refusal::UnknownField(quoted(&name))),
        }
    }
    let text = said.ok_or(Refusal::WrongField { field: "text", expected: "there: what was said" })?;
    Ok(Said { text, session: session.flatten(), turn: turn.flatten(), speak: speak.unwrap_or(false) })
}

/// The name under which a field or header tries to say who speaks or through what, if it does.
pub fn impersonation(name: &str) -> Option<&'static str> {
    const OWN: [&str; 12] = [
        "as",
        "caller",
        "channel",
        "credential",
        "patient",
        "person",
        "room",
        "stay",
        "surface",
        "token",
        "trust",
        "user",
    ];
    OWN.into_iter().find(|own| name.eq_ignore_ascii_case(own))
}

/// An unknown name as far as it can be repeated: something that could be a word of what was said is not.
pub fn quoted(name: &str) -> String {
    let plain = (1..=32).contains(&name.len()) && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-".contains(&b));
    if plain { format!("`{name}`") } else { "of that name".into() }
}

fn words(value: Value) -> Result<String, Refusal> {
    match value {
        Value::String(text) if text.trim().is_empty() => Err(Refusal::Empty),
        Value::String(text) => Ok(text),
        _ => Err(Refusal::WrongField { field: "text", expected: "a string" }),
    }
}

fn id<T, E>(field: &'static str, value: &Value, parse: impl Fn(&str) -> Result<T, E>) -> Result<Option<T>, Refusal> {
    match value {
        Value::Null => Ok(None),
        Value::String(text) => parse(text).map(Some).map_err(|_| Refusal::WrongField { field, expected: ID }),
        _ => Err(Refusal::WrongField { field, expected: ID }),
    }
}

fn once<T>(place: &mut Option<T>, name: &'static str, value: T) -> Result<(), Refusal> {
    if place.replace(value).is_some() { Err(Refusal::Twice(name)) } else { Ok(()) }
}

/// The parser's own message can quote the body, so only its place and kind are kept.
pub fn not_read(error: &serde_json::Error) -> Refusal {
    match error.classify() {
        Category::Data => Refusal::NotAnObject,
        Category::Syntax if error.to_string().starts_with("recursion limit") => Refusal::TooDeep,
        Category::Syntax | Category::Eof | Category::Io => {
            Refusal::NotJson { line: error.line(), column: error.column() }
        }
    }
}

/// An object's fields in order, doubles included.
struct Fields(Vec<(String, Value)>);

impl<'de> Deserialize<'de> for Fields {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Object;
        impl<'de> Visitor<'de> for Object {
            type Value = Fields;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Fields, A::Error> {
                let mut fields = Vec::new();
                while let Some(entry) = map.next_entry()? {
                    fields.push(entry);
                }
                Ok(Fields(fields))
            }
        }
        deserializer.deserialize_map(Object)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wrong(json: &str) -> Refusal {
        parse(json.as_bytes()).map(|_| ()).expect_err(json)
    }

    #[test]
    fn a_whole_turn_is_read() {
        let said =
            parse(br#"{"text":"hello","session":"s-1","turn_id":"t-1","speak":true}"#).map_err(|e| e.to_string());
        let said = said.expect("a good turn");
        assert_eq!(said.text, "hello");
        assert_eq!(said.session.as_ref().map(SessionId::as_str), Some("s-1"));
        assert_eq!(said.turn.as_ref().map(TurnId::as_str), Some("t-1"));
        assert!(said.speak);
    }

    #[test]
    fn each_mistake_is_named() {
        assert_eq!(wrong(r#"{"text":"x","channel":"room"}"#), Refusal::Impersonation("channel"));
        assert_eq!(wrong(r#"{"text":"x","As":"rosa"}"#), Refusal::Impersonation("as"));
        assert_eq!(wrong(r#"{"text":"x","lang":"en"}"#), Refusal::UnknownField("`lang`".into()));
        assert_eq!(wrong(r#"{"text":"x","text":"y"}"#), Refusal::Twice("text"));
        assert_eq!(wrong(r#"{"text":" \n"}"#), Refusal::Empty);
        assert_eq!(wrong("[]"), Refusal::NotAnObject);
        assert_eq!(wrong("\"x\""), Refusal::NotAnObject);
        assert!(matches!(wrong("{}"), Refusal::WrongField { field: "text", .. }));
        assert!(matches!(wrong(r#"{"text":7}"#), Refusal::WrongField { field: "text", .. }));
        assert!(matches!(wrong(r#"{"text":"x","session":"a b"}"#), Refusal::WrongField { field: "session", .. }));
        assert!(matches!(wrong(r#"{"text":"x","speak":"yes"}"#), Refusal::WrongField { field: "speak", .. }));
        assert!(matches!(wrong(r#"{"text":"x""#), Refusal::NotJson { .. }));
        assert!(matches!(wrong(r#"{"text":"x"} tail"#), Refusal::NotJson { .. }));
        assert_eq!(wrong(&format!("{{\"text\":{}1{}}}", "[".repeat(5000), "]".repeat(5000))), Refusal::TooDeep);
        assert_eq!(parse(b"{\"text\":\"\xff\"}").map(|_| ()).expect_err("not UTF-8"), Refusal::NotUtf8);
    }

    #[test]
    fn no_refusal_repeats_what_was_said() {
        for body in [
            r#"{"text":"canary words"#,
            r#""canary words""#,
            r#"{"canary words":"x"}"#,
            r#"{"text":{"canary words":1}}"#,
            r#"{"text":"x","session":"canary words"}"#,
            r#"{"text":"x","speak":"canary words"}"#,
        ] {
            let told = wrong(body).to_string();
            assert!(!told.contains("canary"), "{body} → {told}");
        }
    }
}
