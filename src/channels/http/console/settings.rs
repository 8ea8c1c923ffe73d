//! Settings of a place as a form: what is set there, and what comes from above where nothing is.

use jiff::civil::Time;
use serde::Serialize;
use serde_json::Value;

use super::Form;
use crate::{
    channels::http::Refusal,
    fleet::settings::{Quiet, Settings},
    staff::PlaceView,
};

/// Name, label and kind of each field.
const FIELDS: [(&str, &str, Kind); 8] = [
    ("volume", "Volume, 0 to 100", Kind::Number),
    ("brightness", "Brightness, 0 to 100", Kind::Number),
    ("night_brightness", "Brightness at night, 0 to 100", Kind::Number),
    ("wake_word", "Wake word", Kind::Word),
    ("microphone", "Listens without its button", Kind::Choice),
    ("quiet", "Quiet hours", Kind::Hours),
    ("do_not_disturb", "Nothing but emergencies is announced", Kind::Choice),
    ("drop_in", "Staff may speak into it", Kind::Choice),
];

/// How a setting is entered.
#[derive(Clone, Copy, Serialize)]
#[serde(rename_all = "lowercase")]
enum Kind {
    Number,
    Word,
    Choice,
    Hours,
}

/// A field of the form.
#[derive(Serialize)]
pub struct Field {
    name: &'static str,
    label: &'static str,
    kind: Kind,
    /// What is set here; empty where nothing is.
    own: String,
    /// Of hours, their end.
    until: String,
    /// What counts where nothing is set here, and where it comes from.
    above: String,
}

/// The fields of a place.
pub fn fields(place: &PlaceView) -> Vec<Field> {
    let own = serde_json::to_value(&place.settings).unwrap_or_default();
    FIELDS.into_iter().map(|(name, label, kind)| field((name, label, kind), &own[name], place)).collect()
}

fn field((name, label, kind): (&'static str, &'static str, Kind), own: &Value, place: &PlaceView) -> Field {
    let above = place.above.iter().find(|above| above.setting == name);
    let above = above
        .map_or("nothing above sets it".to_owned(), |above| format!("from {}: {}", above.from, shown(&above.value)));
    let (own, until) = match own {
        Value::Object(_) => (clock(&own["from"]), clock(&own["until"])),
        Value::Null => (String::new(), String::new()),
        Value::String(text) => (text.clone(), String::new()),
        other => (other.to_string(), String::new()),
    };
    Field { name, label, kind, own, until, above }
}

fn shown(value: &Value) -> String {
    match value {
        Value::Bool(true) => "yes".to_owned(),
        Value::Bool(false) => "no".to_owned(),
        Value::String(text) => text.clone(),
        Value::Object(_) => format!("{} to {}", clock(&value["from"]), clock(&value["until"])),
        other => other.to_string(),
    }
}

/// Hours and minutes.
fn clock(value: &Value) -> String {
    value.as_str().unwrap_or_default().chars().take(5).collect()
}

/// What a form says is to be set.
pub fn read(form: &Form) -> Result<Settings, Refusal> {
    Ok(Settings {
        volume: number(form, "volume")?,
        brightness: number(form, "brightness")?,
        night_brightness: number(form, "night_brightness")?,
        wake_word: form.told("wake_word").map(str::to_owned),
        microphone: choice(form, "microphone")?,
        quiet: match (hour(form, "quiet")?, hour(form, "quiet_until")?) {
            (Some(from), Some(until)) => Some(Quiet { from, until }),
            (None, None) => None,
            _ => return Err(Refusal::WrongField { field: "quiet", expected: "a beginning and an end, or neither" }),
        },
        do_not_disturb: choice(form, "do_not_disturb")?,
        drop_in: choice(form, "drop_in")?,
    })
}

fn number(form: &Form, field: &'static str) -> Result<Option<u8>, Refusal> {
    let wrong = |_| Refusal::WrongField { field, expected: "a number from 0 to 100, or empty" };
    form.told(field).map(|text| text.parse().map_err(wrong)).transpose()
}

fn choice(form: &Form, field: &'static str) -> Result<Option<bool>, Refusal> {
    let wrong = |_| Refusal::WrongField { field, expected: "yes, no, or as above" };
    form.told(field).map(|text| text.parse().map_err(wrong)).transpose()
}

fn hour(form: &Form, field: &'static str) -> Result<Option<Time>, Refusal> {
    let wrong = |_| Refusal::WrongField { field, expected: "a time of day such as 21:00, or empty" };
    form.told(field).map(|text| text.parse().map_err(wrong)).transpose()
}
