//! `wellspoken room devices`: what can be worked in rooms by voice, out of a file, or as devices tell of themselves.

use std::{collections::BTreeMap, path::PathBuf, time::Duration};

use anyhow::{Context as _, bail, ensure};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};

use super::super::Global;
use crate::{
    fleet::{
        mqtt::{Filter, Mqtt},
        room::wiring,
    },
    policy::RoomId,
    records::{RoomThing, Thing},
    store::Store,
};

/// The largest file, in bytes.
const LARGEST: u64 = 16 << 20;
/// Most mistakes that are told at once.
const TOLD: usize = 20;

/// A file of devices.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    devices: Vec<Entry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    room: String,
    thing: String,
    component: String,
    config: Value,
}

/// What can be worked, by room.
pub(super) type Devices = BTreeMap<String, Vec<(RoomThing, String)>>;

/// Reads a file whole: JSON, or TOML where its name ends so.
pub(super) fn read(path: &PathBuf) -> anyhow::Result<Devices> {
    let size = std::fs::metadata(path).with_context(|| format!("cannot read {}", path.display()))?.len();
    ensure!(size <= LARGEST, "{} is larger than {} MiB", path.display(), LARGEST >> 20);
    let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    let file: File = if path.extension().is_some_and(|end| end == "toml") {
        toml::from_str(&text).with_context(|| format!("{}", path.display()))?
    } else {
        serde_json::from_str(&text).with_context(|| format!("{}", path.display()))?
    };
    checked(file)
}

fn checked(file: File) -> anyhow::Result<Devices> {
    let (mut devices, mut wrong) = (Devices::new(), Vec::new());
    for (n, entry) in file.devices.into_iter().enumerate() {
        let of_room = devices.get(&entry.room).map_or(0, Vec::len);
        match device(&entry, of_room) {
            Ok(device) => devices.entry(entry.room).or_default().push(device),
            Err(why) => wrong.push(format!("devices[{n}]: {why}")),
        }
    }
    if !wrong.is_empty() {
        let more = wrong.len().saturating_sub(TOLD);
        wrong.truncate(TOLD);
        let more = if more == 0 { String::new() } else { format!("\nand {more} more") };
        bail!("nothing was changed:\n{}{more}", wrong.join("\n"));
    }
    Ok(devices)
}

fn device(entry: &Entry, of_room: usize) -> anyhow::Result<(RoomThing, String)> {
    RoomId::parse(&entry.room).context("`room`")?;
    let names = || Thing::ALL.map(Thing::name).join(", ");
    let thing = Thing::named(&entry.thing).with_context(|| format!("`thing` must be one of {}", names()))?;
    let (seen, wiring) = wiring::read(&format!("{of_room:03}"), thing, &entry.component, &entry.config)?;
    Ok((seen, serde_json::to_string(&wiring)?))
}

/// Replaces what can be worked in each room that the file names.
pub(super) async fn set(store: &Store, devices: &Devices, staff: &str, now: Timestamp) -> anyhow::Result<()> {
    for (room, things) in devices {
        store.set_room_things(&RoomId::parse(room)?, things, staff, now).await?;
    }
    println!("{} devices in {} rooms", devices.values().map(Vec::len).sum::<usize>(), devices.len());
    Ok(())
}

/// Prints what can be worked in a room.
pub(super) async fn show(store: &Store, room: &RoomId) -> anyhow::Result<()> {
    for thing in store.room_things(room).await? {
        let level = thing.level.map(|span| format!(" {} to {} {}", span.least, span.most, span.unit.spoken()));
        let can = [thing.switch.then_some(" on and off"), thing.cover.then_some(" open and close")];
        let can: String = can.into_iter().flatten().collect();
        println!("{} {}:{can}{}", thing.id, thing.thing.name(), level.unwrap_or_default().trim_end());
    }
    Ok(())
}

/// Prints, as a file for `set`, what devices tell of themselves under `homeassistant/`; who sets them up fills in the rooms.
pub(super) async fn discovered(global: &Global, seconds: u64) -> anyhow::Result<()> {
    let config = global.config()?.mqtt.context("there is no [mqtt] in the configuration")?;
    let mqtt = Mqtt::new(&config, std::process::id().into())?;
    let filter = Filter::parse("homeassistant/#").context("the discovery prefix")?;
    let mut hears = mqtt.listen(&filter, config.ack()).await?;
    let mut devices = Vec::new();
    let until = tokio::time::Instant::now() + Duration::from_secs(seconds);
    while let Ok(Some(message)) = tokio::time::timeout_at(until, hears.next()).await {
        devices.extend(announced(&message.topic, &message.payload));
    }
    println!("{}", serde_json::to_string_pretty(&json!({ "devices": devices }))?);
    Ok(())
}

/// A device out of `homeassistant/COMPONENT/…/config`; `None` for what is not worked by voice.
fn announced(topic: &str, payload: &[u8]) -> Option<Value> {
    let component = topic.strip_prefix("homeassistant/")?.strip_suffix("/config")?.split('/').next()?;
    let thing = match component {
        "light" => Thing::Light,
        "cover" => Thing::Blinds,
        "climate" => Thing::Thermostat,
        "fan" => Thing::Fan,
        "switch" => Thing::Tv,
        "number" => Thing::Volume,
        _ => return None,
    };
    let config: Value = serde_json::from_slice(payload).ok()?;
    let area = config.pointer("/device/suggested_area").or_else(|| config.pointer("/dev/sa"));
    let room = area.and_then(Value::as_str).unwrap_or_default();
    Some(json!({ "room": room, "thing": thing.name(), "component": component, "config": config }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(devices: Value) -> Result<Devices, String> {
        let file = serde_json::from_value(json!({ "devices": devices })).map_err(|e| e.to_string())?;
        checked(file).map_err(|e| format!("{e:#}"))
    }

    #[test]
    fn a_file_is_taken_whole_or_not_at_all() {
        let lamp =
            json!({ "room": "136-A", "thing": "light", "component": "light", "config": { "cmd_t": "136/lamp/set" } });
        let two = told(json!([lamp, lamp])).expect("fits");
        assert_eq!(two["136-A"].iter().map(|(thing, _)| thing.id.as_str()).collect::<Vec<_>>(), ["000", "001"]);
        for (field, value, named) in [
            ("room", json!("a/b"), "`room`"),
            ("thing", json!("bed"), "`thing`"),
            ("component", json!("lock"), "`component`"),
            ("config", json!({ "command_topic": "136/+/set" }), "command_topic"),
            ("config", json!({}), "no topic for commands"),
            ("config", json!({ "cmd_t": 5 }), "`config`"),
        ] {
            let mut other = lamp.clone();
            other[field] = value;
            let why = told(json!([lamp, other])).expect_err("refused");
            assert!(why.contains("devices[1]") && why.contains(named), "{field}: {why}");
        }
        assert!(told(json!([{ "room": "a" }])).is_err());
    }

    #[test]
    fn what_devices_announce_becomes_a_file() {
        let config = br#"{"name":"Lamp","cmd_t":"~/set","~":"z2m/lamp","dev":{"sa":"136-A"}}"#;
        let one = announced("homeassistant/light/0x1/light/config", config).expect("a lamp");
        assert_eq!((one["room"].as_str(), one["thing"].as_str()), (Some("136-A"), Some("light")));
        assert!(told(json!([one])).is_ok());
        for (topic, payload) in [
            ("homeassistant/sensor/0x1/config", &config[..]),
            ("homeassistant/light/0x1/state", config),
            ("homeassistant/light/0x1/config", b""),
            ("elsewhere/light/0x1/config", config),
        ] {
            assert!(announced(topic, payload).is_none(), "{topic}");
        }
    }
}
