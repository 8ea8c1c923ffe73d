//! What waits for a device until it says that it has it.

use serde::{Deserialize, Serialize};

/// One thing that a device is told by itself, not as the answer to what was said.
///
/// Not `Debug`: some of it is words meant for whoever is in the room.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum DeviceEvent {
    /// A sound.
    Chime {
        /// Which.
        sound: Chime,
    },
    /// Something that is said to the room, after its sound.
    Announce {
        /// The announcement's name, the same on every device.
        id: String,
        /// How pressing it is.
        priority: Priority,
        /// What is said.
        text: String,
    },
    /// What somebody of the staff says back to whoever lies there.
    Say {
        /// What is said.
        text: String,
    },
    /// How the device is to behave from now on.
    Settings {
        /// Counted up with every change; the device sends it back once it has them.
        version: i64,
        /// The settings, as whoever manages the device defines them.
        settings: serde_json::Value,
    },
    /// Whatever is being said there stops.
    Stop,
}

impl DeviceEvent {
    /// The kind, as it stands in messages and counts.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Chime { .. } => "chime",
            Self::Announce { .. } => "announce",
            Self::Say { .. } => "say",
            Self::Settings { .. } => "settings",
            Self::Stop => "stop",
        }
    }

    /// The words that are said aloud, where there are any.
    #[must_use]
    pub fn words(&self) -> Option<&str> {
        match self {
            Self::Announce { text, .. } | Self::Say { text } => Some(text),
            Self::Chime { .. } | Self::Settings { .. } | Self::Stop => None,
        }
    }
}

/// The sounds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Chime {
    /// Something is about to be said.
    Attention,
    /// Somebody is about to listen in or speak.
    Presence,
    /// Something is new, for nobody by name.
    News,
}

/// How pressing an announcement is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Priority {
    /// Waits for the end of quiet hours.
    Routine,
    /// Before what is routine.
    Important,
    /// Passes quiet hours and interrupts whatever is being said.
    Emergency,
}

/// An event in a device's queue.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct QueuedEvent {
    /// Its number: each device's numbers only grow, but need not be without gaps.
    pub seq: i64,
    /// What it is.
    #[serde(flatten)]
    pub event: DeviceEvent,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_written_flat_and_read_back() {
        let events = [
            (DeviceEvent::Chime { sound: Chime::Attention }, r#"{"seq":7,"type":"chime","sound":"attention"}"#),
            (
                DeviceEvent::Announce { id: "a".into(), priority: Priority::Emergency, text: "Fire drill".into() },
                r#"{"seq":7,"type":"announce","id":"a","priority":"emergency","text":"Fire drill"}"#,
            ),
            (
                DeviceEvent::Say { text: "Maria is on her way".into() },
                r#"{"seq":7,"type":"say","text":"Maria is on her way"}"#,
            ),
            (
                DeviceEvent::Settings { version: 3, settings: serde_json::json!({ "volume": 5 }) },
                r#"{"seq":7,"type":"settings","version":3,"settings":{"volume":5}}"#,
            ),
            (DeviceEvent::Stop, r#"{"seq":7,"type":"stop"}"#),
        ];
        for (event, json) in events {
            let queued = QueuedEvent { seq: 7, event };
            assert_eq!(serde_json::to_string(&queued).expect("JSON"), json);
            assert!(serde_json::from_str::<QueuedEvent>(json).expect("read") == queued, "{json}");
            assert!(json.contains(queued.event.kind()));
        }
        assert!(Priority::Emergency > Priority::Important && Priority::Important > Priority::Routine);
    }
}
