//! Which topics and payloads work a thing: read from what Home Assistant's MQTT discovery tells of it, so that whatever it
//! works, works here, too.
//!
//! Read of each component is what a room needs, by the names of its page and by their short forms:
//! <https://www.home-assistant.io/integrations/mqtt/#mqtt-discovery>, `light.mqtt` (default and JSON schema), `switch.mqtt`,
//! `number.mqtt`, `cover.mqtt`, `climate.mqtt`, `fan.mqtt`. Of templates only `{{ value_json.NAME }}` is read; a thing with
//! another one is refused when it is set up, not when somebody speaks to it.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::super::mqtt::Topic;
use crate::{
    actions::room::Order,
    records::{LevelUnit, RoomThing, Span, Thing},
};

/// How near a told level must be to the one that was asked for, in parts of the whole span: lamps round.
const NEAR: f64 = 0.015;

/// Why a thing cannot be set up.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WiringError {
    /// A field has a value that cannot be used.
    #[error("`{0}` {1}")]
    Field(&'static str, &'static str),
    /// The component is not known here, or is none for such a thing.
    #[error("`component` must be light, switch, number, cover, climate or fan, and one that fits `thing`")]
    Component,
    /// It is no object of that kind.
    #[error("`config` cannot be read: {0}")]
    Config(String),
    /// Nothing could be done with it.
    #[error("`config` names no topic for commands")]
    NoCommand,
}

/// Where a thing tells its state.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct State {
    /// The topic.
    pub topic: Topic,
    /// The field of the JSON object it tells there; absent where it tells the value itself.
    field: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Two {
    command: Topic,
    /// What turns it on, or opens it; what turns it off, or closes it.
    send: [String; 2],
    /// The command is a JSON object with this field.
    field: Option<String>,
    state: Option<State>,
    /// What it tells once it is on or open, or becomes so; the same for off or closed.
    tell: [Vec<String>; 2],
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Level {
    command: Topic,
    field: Option<String>,
    state: Option<State>,
    /// What the least and the most are to the device.
    device: [f64; 2],
    span: Span,
}

/// How one thing is worked.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Wiring {
    switch: Option<Two>,
    cover: Option<Two>,
    level: Option<Level>,
}

impl Wiring {
    /// The topic and the payload of an order; `None` for what the thing cannot do.
    #[must_use]
    pub fn command(&self, order: Order) -> Option<(&Topic, String)> {
        match order {
            Order::Switch(on) => self.switch.as_ref().map(|two| two.command(on)),
            Order::Open(open) => self.cover.as_ref().map(|two| two.command(open)),
            Order::Set(to) => self.level.as_ref().filter(|level| level.holds(to)).map(|level| level.command(to)),
            Order::By(_) => None,
        }
    }

    /// Where the thing tells what became of an order; `None` where it tells nothing.
    #[must_use]
    pub fn state(&self, order: Order) -> Option<&State> {
        match order {
            Order::Switch(_) => self.switch.as_ref()?.state.as_ref(),
            Order::Open(_) => self.cover.as_ref()?.state.as_ref(),
            Order::Set(_) | Order::By(_) => self.level.as_ref()?.state.as_ref(),
        }
    }

    /// Whether what the thing told there is what was ordered.
    #[must_use]
    pub fn reached(&self, order: Order, state: &State, told: &[u8]) -> bool {
        let Some(told_value) = state.value(told) else { return false };
        let one_of =
            |two: Option<&Two>, yes: bool| two.is_some_and(|two| two.tell[usize::from(!yes)].contains(&told_value));
        match order {
            Order::Switch(on) => one_of(self.switch.as_ref(), on),
            Order::Open(open) => one_of(self.cover.as_ref(), open),
            Order::Set(to) => match (&self.level, self.level(state, told)) {
                (Some(level), Some(now)) => (now - to).abs() <= level.near(),
                _ => false,
            },
            Order::By(_) => false,
        }
    }

    /// How much the thing told there that it is set to.
    #[must_use]
    pub fn level(&self, state: &State, told: &[u8]) -> Option<f64> {
        let level = self.level.as_ref()?;
        let told: f64 = state.value(told)?.parse().ok()?;
        let [from, to] = level.device;
        let share = (told - from) / (to - from);
        let now = level.span.least + share * (level.span.most - level.span.least);
        now.is_finite().then(|| (now / level.span.step).round() * level.span.step)
    }
}

impl State {
    fn value(&self, told: &[u8]) -> Option<String> {
        let text = std::str::from_utf8(told).ok()?;
        let Some(field) = &self.field else { return Some(text.trim().to_owned()) };
        match serde_json::from_str::<Value>(text).ok()?.get(field)? {
            Value::String(text) => Some(text.clone()),
            Value::Number(number) => Some(number.to_string()),
            Value::Bool(yes) => Some(if *yes { "true" } else { "false" }.to_owned()),
            _ => None,
        }
    }
}

impl Two {
    fn command(&self, yes: bool) -> (&Topic, String) {
        let payload = &self.send[usize::from(!yes)];
        let payload = match &self.field {
            None => payload.clone(),
            Some(field) => serde_json::json!({ field: payload }).to_string(),
        };
        (&self.command, payload)
    }
}

impl Level {
    fn holds(&self, to: f64) -> bool {
        (self.span.least..=self.span.most).contains(&to)
    }

    fn near(&self) -> f64 {
        ((self.span.most - self.span.least) * NEAR).min(self.span.step * 1.5)
    }

    fn command(&self, to: f64) -> (&Topic, String) {
        let share = (to - self.span.least) / (self.span.most - self.span.least);
        let [from, most] = self.device;
        let own = from + share * (most - from);
        // Whole steps of the device: a lamp knows no half of a 255th, a thermostat may know half a degree.
        let whole = if (most - from - (self.span.most - self.span.least)).abs() < f64::EPSILON {
            (own / self.span.step).round() * self.span.step
        } else {
            own.round()
        };
        let payload = match &self.field {
            None => format!("{whole}"),
            Some(field) if whole.fract() == 0.0 => {
                // A lamp takes whole numbers; as JSON they have no fraction.
                format!("{{\"state\":\"ON\",{}:{whole:.0}}}", Value::from(field.as_str()))
            }
            Some(field) => serde_json::json!({ field: whole }).to_string(),
        };
        (&self.command, payload)
    }
}

/// What discovery tells, by its names and their short forms.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Told {
    #[serde(rename = "~")]
    base: Option<String>,
    schema: Option<String>,
    #[serde(alias = "cmd_t")]
    command_topic: Option<String>,
    #[serde(alias = "stat_t")]
    state_topic: Option<String>,
    #[serde(alias = "val_tpl", alias = "stat_val_tpl", alias = "state_value_template")]
    value_template: Option<String>,
    #[serde(alias = "pl_on")]
    payload_on: Option<String>,
    #[serde(alias = "pl_off")]
    payload_off: Option<String>,
    #[serde(alias = "stat_on")]
    state_on: Option<String>,
    #[serde(alias = "stat_off")]
    state_off: Option<String>,
    brightness: Option<bool>,
    #[serde(alias = "bri_cmd_t")]
    brightness_command_topic: Option<String>,
    #[serde(alias = "bri_stat_t")]
    brightness_state_topic: Option<String>,
    #[serde(alias = "bri_val_tpl")]
    brightness_value_template: Option<String>,
    #[serde(alias = "bri_scl")]
    brightness_scale: Option<f64>,
    #[serde(alias = "pl_open")]
    payload_open: Option<String>,
    #[serde(alias = "pl_cls")]
    payload_close: Option<String>,
    state_open: Option<String>,
    state_opening: Option<String>,
    #[serde(alias = "stat_clsd")]
    state_closed: Option<String>,
    state_closing: Option<String>,
    #[serde(alias = "set_pos_t")]
    set_position_topic: Option<String>,
    #[serde(alias = "pos_t")]
    position_topic: Option<String>,
    #[serde(alias = "pos_tpl")]
    position_template: Option<String>,
    #[serde(alias = "pos_open")]
    position_open: Option<f64>,
    #[serde(alias = "pos_clsd")]
    position_closed: Option<f64>,
    min: Option<f64>,
    max: Option<f64>,
    step: Option<f64>,
    #[serde(alias = "temp_cmd_t")]
    temperature_command_topic: Option<String>,
    #[serde(alias = "temp_stat_t")]
    temperature_state_topic: Option<String>,
    #[serde(alias = "temp_stat_tpl")]
    temperature_state_template: Option<String>,
    #[serde(alias = "temp_unit")]
    temperature_unit: Option<String>,
    min_temp: Option<f64>,
    max_temp: Option<f64>,
    temp_step: Option<f64>,
    #[serde(alias = "pct_cmd_t")]
    percentage_command_topic: Option<String>,
    #[serde(alias = "pct_stat_t")]
    percentage_state_topic: Option<String>,
    #[serde(alias = "pct_val_tpl")]
    percentage_value_template: Option<String>,
    #[serde(alias = "spd_rng_min")]
    speed_range_min: Option<f64>,
    #[serde(alias = "spd_rng_max")]
    speed_range_max: Option<f64>,
}

/// A thing as its room knows it, and how it is worked. `component` and `config` are those of Home Assistant's discovery.
///
/// # Errors
/// What cannot be used, by the field's name.
pub fn read(id: &str, thing: Thing, component: &str, config: &Value) -> Result<(RoomThing, Wiring), WiringError> {
    let told: Told = serde_json::from_value(config.clone()).map_err(|e| WiringError::Config(e.to_string()))?;
    let wiring = match (component, thing) {
        ("light", Thing::Light) => told.light()?,
        ("switch", Thing::Blinds | Thing::Thermostat | Thing::Volume | Thing::Channel) => {
            return Err(WiringError::Component);
        }
        ("switch", _) => Wiring { switch: told.switch()?, cover: None, level: None },
        ("number", Thing::Volume | Thing::Channel | Thing::Music | Thing::Fan) => {
            Wiring { switch: None, cover: None, level: told.number(thing)? }
        }
        ("cover", Thing::Blinds) => told.blinds()?,
        ("climate", Thing::Thermostat) => Wiring { switch: None, cover: None, level: told.climate()? },
        ("fan", Thing::Fan) => Wiring { switch: told.switch()?, cover: None, level: told.fan()? },
        _ => return Err(WiringError::Component),
    };
    if wiring.switch.is_none() && wiring.cover.is_none() && wiring.level.is_none() {
        return Err(WiringError::NoCommand);
    }
    let seen = RoomThing {
        id: id.to_owned(),
        thing,
        switch: wiring.switch.is_some(),
        level: wiring.level.as_ref().map(|level| level.span),
        cover: wiring.cover.is_some(),
    };
    Ok((seen, wiring))
}

impl Told {
    fn light(&self) -> Result<Wiring, WiringError> {
        let json = match self.schema.as_deref() {
            None | Some("default" | "basic") => false,
            Some("json") => true,
            Some(_) => return Err(WiringError::Field("schema", "must be default or json")),
        };
        let mut switch = self.switch()?;
        let percent = (0.0, 100.0, 1.0, LevelUnit::Percent);
        let scale = [0.0, self.brightness_scale.unwrap_or(255.0)];
        if !json {
            let state =
                self.state("brightness_state_topic", &self.brightness_state_topic, &self.brightness_value_template)?;
            let command = self.topic("brightness_command_topic", &self.brightness_command_topic)?;
            let level = command.map(|command| level(command, None, state, scale, percent)).transpose()?;
            return Ok(Wiring { switch, cover: None, level });
        }
        let named = |field: &str| Some(field.to_owned());
        if let Some(two) = &mut switch {
            two.field = named("state");
            two.state = two.state.take().map(|state| State { field: named("state"), ..state });
        }
        let dims = switch.as_ref().filter(|_| self.brightness == Some(true));
        let dimmed = dims.map(|two| {
            let state = two.state.clone().map(|state| State { field: named("brightness"), ..state });
            level(two.command.clone(), named("brightness"), state, scale, percent)
        });
        Ok(Wiring { level: dimmed.transpose()?, switch, cover: None })
    }

    fn switch(&self) -> Result<Option<Two>, WiringError> {
        let Some(command) = self.topic("command_topic", &self.command_topic)? else { return Ok(None) };
        let (on, off) = (word(&self.payload_on, "ON"), word(&self.payload_off, "OFF"));
        let tell = [vec![word(&self.state_on, &on)], vec![word(&self.state_off, &off)]];
        let state = self.state("state_topic", &self.state_topic, &self.value_template)?;
        Ok(Some(Two { command, send: [on, off], field: None, state, tell }))
    }

    fn blinds(&self) -> Result<Wiring, WiringError> {
        let send = [word(&self.payload_open, "OPEN"), word(&self.payload_close, "CLOSE")];
        let tell = [
            vec![word(&self.state_open, "open"), word(&self.state_opening, "opening")],
            vec![word(&self.state_closed, "closed"), word(&self.state_closing, "closing")],
        ];
        let state = self.state("state_topic", &self.state_topic, &self.value_template)?;
        let command = self.topic("command_topic", &self.command_topic)?;
        let cover = command.map(|command| Two { command, send, field: None, state, tell });
        let ends = [self.position_closed.unwrap_or(0.0), self.position_open.unwrap_or(100.0)];
        let position = self.state("position_topic", &self.position_topic, &self.position_template)?;
        let set = self.topic("set_position_topic", &self.set_position_topic)?;
        let percent = (0.0, 100.0, 1.0, LevelUnit::Percent);
        let level = set.map(|set| level(set, None, position, ends, percent)).transpose()?;
        Ok(Wiring { switch: None, cover, level })
    }

    fn number(&self, thing: Thing) -> Result<Option<Level>, WiringError> {
        let (least, most) = (self.min.unwrap_or(1.0), self.max.unwrap_or(100.0));
        let unit = if thing == Thing::Channel || (least, most) != (0.0, 100.0) {
            LevelUnit::Number
        } else {
            LevelUnit::Percent
        };
        let state = self.state("state_topic", &self.state_topic, &self.value_template)?;
        let command = self.topic("command_topic", &self.command_topic)?;
        let span = (least, most, self.step.unwrap_or(1.0), unit);
        command.map(|command| level(command, None, state, [least, most], span)).transpose()
    }

    fn climate(&self) -> Result<Option<Level>, WiringError> {
        let (unit, usual) = match self.temperature_unit.as_deref() {
            Some("F") => (LevelUnit::Fahrenheit, (45.0, 95.0)),
            Some("C") => (LevelUnit::Celsius, (7.0, 35.0)),
            _ => {
                return Err(WiringError::Field("temperature_unit", "must be C or F: seventy means nothing without it"));
            }
        };
        let (least, most) = (self.min_temp.unwrap_or(usual.0), self.max_temp.unwrap_or(usual.1));
        let state =
            self.state("temperature_state_topic", &self.temperature_state_topic, &self.temperature_state_template)?;
        let command = self.topic("temperature_command_topic", &self.temperature_command_topic)?;
        let span = (least, most, self.temp_step.unwrap_or(1.0), unit);
        command.map(|command| level(command, None, state, [least, most], span)).transpose()
    }

    fn fan(&self) -> Result<Option<Level>, WiringError> {
        let state =
            self.state("percentage_state_topic", &self.percentage_state_topic, &self.percentage_value_template)?;
        let command = self.topic("percentage_command_topic", &self.percentage_command_topic)?;
        // A fan's lowest speed is 1, and 0 stops it.
        let ends = [self.speed_range_min.unwrap_or(1.0) - 1.0, self.speed_range_max.unwrap_or(100.0)];
        let percent = (0.0, 100.0, 1.0, LevelUnit::Percent);
        command.map(|command| level(command, None, state, ends, percent)).transpose()
    }

    fn topic(&self, field: &'static str, told: &Option<String>) -> Result<Option<Topic>, WiringError> {
        let Some(told) = told else { return Ok(None) };
        let base = self.base.as_deref().unwrap_or_default();
        let whole = match (told.strip_prefix('~'), told.strip_suffix('~')) {
            (Some(rest), _) => format!("{base}{rest}"),
            (None, Some(rest)) => format!("{rest}{base}"),
            (None, None) => told.clone(),
        };
        let topic = Topic::parse(&whole)
            .ok_or(WiringError::Field(field, "must be a topic without wildcards, not of the broker's own"))?;
        Ok(Some(topic))
    }

    fn state(
        &self,
        field: &'static str,
        topic: &Option<String>,
        template: &Option<String>,
    ) -> Result<Option<State>, WiringError> {
        let Some(topic) = self.topic(field, topic)? else { return Ok(None) };
        let field = template.as_deref().map(named_field).transpose()?.flatten();
        Ok(Some(State { topic, field }))
    }
}

/// The one kind of template that is read: `{{ value_json.NAME }}` or `{{ value }}`.
fn named_field(template: &str) -> Result<Option<String>, WiringError> {
    let wrong = WiringError::Field(
        "value_template",
        "must be {{ value_json.NAME }} or {{ value }}; other templates are not read",
    );
    let inner = template.trim().strip_prefix("{{").and_then(|rest| rest.strip_suffix("}}")).map(str::trim);
    let Some(inner) = inner else { return Err(wrong) };
    if inner == "value" {
        return Ok(None);
    }
    let name = inner.strip_prefix("value_json.").or_else(|| {
        let quoted = inner.strip_prefix("value_json[")?.strip_suffix(']')?;
        Some(quoted.trim_matches(['\'', '"']))
    });
    let plain = |name: &&str| !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || c == '_' || c == '-');
    name.filter(plain).map(|name| Some(name.to_owned())).ok_or(wrong)
}

fn word(told: &Option<String>, usual: &str) -> String {
    told.clone().unwrap_or_else(|| usual.to_owned())
}

fn level(
    command: Topic,
    field: Option<String>,
    state: Option<State>,
    device: [f64; 2],
    (least, most, step, unit): (f64, f64, f64, LevelUnit),
) -> Result<Level, WiringError> {
    let numbers = [least, most, step, device[0], device[1]];
    let sound = numbers.iter().all(|n| n.is_finite() && n.abs() <= 1e6)
        && least < most
        && step > 0.0
        && step <= most - least
        && (device[0] - device[1]).abs() > f64::EPSILON;
    if !sound {
        return Err(WiringError::Field(
            "min and max",
            "must be two numbers, the first smaller, with a step that fits between",
        ));
    }
    Ok(Level { command, field, state, device, span: Span { least, most, step, unit } })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn wired(thing: Thing, component: &str, config: &Value) -> (RoomThing, Wiring) {
        read("0", thing, component, config).unwrap_or_else(|e| panic!("{config}: {e}"))
    }

    /// As in the examples of Home Assistant's pages.
    fn examples() -> Vec<(Thing, &'static str, Value)> {
        let lamp = json!({ "command_topic": "a/set", "state_topic": "a", "payload_on": "on", "payload_off": "off",
            "brightness_command_topic": "a/dim", "brightness_state_topic": "a/dimmed" });
        let zigbee = json!({ "schema": "json", "brightness": true, "cmd_t": "~/set", "stat_t": "~", "~": "z/lamp" });
        let blinds = json!({ "command_topic": "b/set", "position_topic": "b", "set_position_topic": "b/pos", "state_topic": "b/state",
            "position_template": "{{ value_json.position }}" });
        let warm = json!({ "temperature_command_topic": "t/set", "temperature_state_topic": "t", "temperature_unit": "F",
            "min_temp": 60, "max_temp": 75 });
        let fan = json!({ "command_topic": "f/on", "state_topic": "f", "percentage_command_topic": "f/speed", "speed_range_max": 4 });
        let volume = json!({ "command_topic": "v/set", "state_topic": "v", "min": 0, "max": 100 });
        vec![
            (Thing::Light, "light", lamp),
            (Thing::Light, "light", zigbee),
            (Thing::Blinds, "cover", blinds),
            (Thing::Thermostat, "climate", warm),
            (Thing::Fan, "fan", fan),
            (Thing::Volume, "number", volume),
            (Thing::Tv, "switch", json!({ "command_topic": "tv/set" })),
        ]
    }

    #[test]
    fn orders_become_what_the_devices_take() {
        use Order::{Open, Set, Switch};
        let all = examples();
        for (which, order, topic, payload) in [
            (0, Switch(true), "a/set", "on"),
            (0, Set(50.0), "a/dim", "128"),
            (0, Set(100.0), "a/dim", "255"),
            (1, Switch(false), "z/lamp/set", r#"{"state":"OFF"}"#),
            (1, Set(20.0), "z/lamp/set", r#"{"state":"ON","brightness":51}"#),
            (2, Open(false), "b/set", "CLOSE"),
            (2, Set(30.0), "b/pos", "30"),
            (3, Set(72.0), "t/set", "72"),
            (4, Switch(true), "f/on", "ON"),
            (4, Set(50.0), "f/speed", "2"),
            (5, Set(15.0), "v/set", "15"),
            (6, Switch(true), "tv/set", "ON"),
        ] {
            let (thing, component, config) = &all[which];
            let (_, wiring) = wired(*thing, component, config);
            let (at, what) = wiring.command(order).expect("it can");
            assert_eq!((at.as_str(), what.as_str()), (topic, payload), "{component} {order:?}");
        }
        let (_, warm) = wired(all[3].0, all[3].1, &all[3].2);
        assert!(
            warm.command(Set(76.0)).is_none() && warm.command(Set(f64::NAN)).is_none(),
            "never cut to fit, never sent"
        );
        assert!(warm.command(Switch(true)).is_none() && warm.command(Order::By(1.0)).is_none());
    }

    #[test]
    fn what_devices_tell_is_read() {
        use Order::{Open, Set, Switch};
        let all = examples();
        for (which, order, told, reached, level) in [
            (0, Switch(true), "on", true, None),
            (0, Switch(true), "off", false, None),
            (0, Set(50.0), "128", true, Some(50.0)),
            (0, Set(50.0), "255", false, Some(100.0)),
            (1, Switch(true), r#"{"state":"ON","brightness":51}"#, true, None),
            (1, Set(20.0), r#"{"state":"ON","brightness":51}"#, true, Some(20.0)),
            (1, Switch(true), "not JSON", false, None),
            (1, Switch(true), "{}", false, None),
            (2, Open(true), "opening", true, None),
            (2, Open(true), "closed", false, None),
            (2, Set(30.0), r#"{"position":30}"#, true, Some(30.0)),
            (3, Set(72.0), "72.0", true, Some(72.0)),
            (3, Set(72.0), "70", false, Some(70.0)),
            (3, Set(72.0), "NaN", false, None),
        ] {
            let (thing, component, config) = &all[which];
            let (_, wiring) = wired(*thing, component, config);
            let state = wiring.state(order).expect("it tells");
            assert_eq!(wiring.reached(order, state, told.as_bytes()), reached, "{component} {order:?} {told}");
            if matches!(order, Set(_)) {
                assert_eq!(wiring.level(state, told.as_bytes()), level, "{component} {told}");
            }
        }
        let (_, silent) = wired(all[6].0, all[6].1, &all[6].2);
        assert!(silent.state(Switch(true)).is_none());
    }

    #[test]
    fn what_cannot_be_worked_is_refused_when_it_is_set_up() {
        let plain = |more: Value| {
            let mut config = json!({ "command_topic": "a/set" });
            config.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
            config
        };
        for (thing, component, config, named) in [
            (Thing::Light, "light", json!({}), "no topic for commands"),
            (Thing::Light, "light", json!({ "command_topic": "a/#" }), "`command_topic`"),
            (Thing::Light, "light", json!({ "command_topic": "$SYS/a" }), "`command_topic`"),
            (Thing::Light, "light", plain(json!({ "state_topic": "+" })), "`state_topic`"),
            (Thing::Light, "light", plain(json!({ "schema": "template" })), "`schema`"),
            (
                Thing::Light,
                "light",
                plain(json!({ "state_topic": "a", "value_template": "{{ value|int }}" })),
                "`value_template`",
            ),
            (
                Thing::Light,
                "light",
                plain(json!({ "brightness_command_topic": "b", "brightness_scale": 0 })),
                "`min and max`",
            ),
            (Thing::Light, "cover", plain(json!({})), "`component`"),
            (Thing::Tv, "lock", plain(json!({})), "`component`"),
            (Thing::Blinds, "switch", plain(json!({})), "`component`"),
            (Thing::Volume, "number", plain(json!({ "min": 5, "max": 5 })), "`min and max`"),
            (Thing::Thermostat, "climate", json!({ "temperature_command_topic": "t" }), "`temperature_unit`"),
            (Thing::Light, "light", json!([]), "`config`"),
        ] {
            let why = read("0", thing, component, &config).err().map(|e| e.to_string());
            assert!(why.as_deref().is_some_and(|why| why.contains(named)), "{config}: {why:?}");
        }
    }

    fn order() -> impl Strategy<Value = Order> {
        prop_oneof![
            any::<bool>().prop_map(Order::Switch),
            any::<bool>().prop_map(Order::Open),
            any::<f64>().prop_map(Order::Set),
            (-200.0..300.0f64).prop_map(Order::Set),
            any::<f64>().prop_map(Order::By),
        ]
    }

    proptest! {
        #[test]
        fn an_order_goes_to_a_topic_that_was_set_up_and_to_no_other(order in order(), which in 0usize..7, told in ".{0,30}") {
            let (thing, component, config) = &examples()[which];
            let (_, wiring) = wired(*thing, component, config);
            let kept = serde_json::to_string(&wiring).expect("JSON");
            prop_assert_eq!(&serde_json::from_str::<Wiring>(&kept).expect("as it was kept"), &wiring);
            if let Some((topic, _)) = wiring.command(order) {
                let named = config.to_string();
                let whole = topic.as_str().strip_prefix("z/lamp").map_or(topic.as_str().to_owned(), |rest| format!("~{rest}"));
                let quoted = format!("\"{whole}\"");
                prop_assert!(named.contains(&quoted), "{} is not in {}", topic.as_str(), named);
            }
            if let Some(state) = wiring.state(order) {
                let _ = (wiring.reached(order, state, told.as_bytes()), wiring.level(state, told.as_bytes()));
            }
        }

        #[test]
        fn a_topic_with_anything_odd_in_it_is_no_topic(text in ".{0,20}[+#\u{0}\n].{0,20}") {
            let config = json!({ "command_topic": text });
            prop_assert!(read("0", Thing::Light, "light", &config).is_err());
        }
    }
}
