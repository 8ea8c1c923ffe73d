//! What a device and this program say to one another on `GET /v1/stream`, as JSON texts. Sound goes beside it, as binary frames.
//!
//! Invariants: what comes from a device is read strictly, an unknown field is an error; no error repeats what was in it; a
//! device never says who it is.

use jiff::Timestamp;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use serde_json::Value;

use crate::policy::{SessionId, TurnId};

/// The subprotocol.
pub const PROTOCOL: &str = "wellspoken.1";
/// Samples a second of what a device sends: 16-bit little-endian, one channel.
pub const RATE: u32 = 16_000;
/// Longest text that a device may send, in bytes.
pub const LONGEST_TEXT: usize = 4096;
/// Longest word of a device's own, such as its firmware, in bytes.
const LONGEST_WORD: usize = 128;

/// What a device says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub enum Up {
    /// The first of all.
    Hello {
        /// The highest number of an event that it has; 0 for none.
        #[serde(default)]
        last_seq: i64,
        /// Whether answers and announcements are wanted as sound, too.
        #[serde(default = "yes")]
        speech: bool,
        /// How it is.
        #[serde(default)]
        about: About,
    },
    /// Sound follows, of somebody who wants to say something.
    Listen {
        /// The turn's name. The same one, with the same sound, acts once and is answered alike, also over another connection.
        #[serde(serialize_with = "turn_out", deserialize_with = "turn_in")]
        utterance: TurnId,
        /// Why it listens.
        reason: Reason,
        /// The conversation it goes on with, as an answer named it.
        #[serde(
            default,
            skip_serializing_if = "Option::is_none",
            serialize_with = "session_out",
            deserialize_with = "session_in"
        )]
        session: Option<SessionId>,
    },
    /// That was all: a button was let go.
    End,
    /// It has every event up to this one.
    Ack {
        /// The event's number.
        seq: i64,
    },
    /// It rings what it was told is due; it waits for the answer.
    Rang {
        /// As it was given.
        id: String,
        /// As it was given.
        at: Timestamp,
    },
    /// It behaves by these settings now.
    SettingsAck {
        /// Their version.
        version: i64,
    },
    /// Somebody spoke over the answer: it stops.
    BargeIn,
    /// It is there.
    Alive {
        /// How it is.
        #[serde(default)]
        about: About,
    },
}

/// How a device is, as it says itself.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct About {
    /// What its clock shows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device_time: Option<Timestamp>,
    /// What runs on it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub firmware: Option<String>,
    /// How full its battery is, in percent; absent on mains.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub battery: Option<u8>,
}

/// Why a device listens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// It was called by its name.
    Wake,
    /// A button was pressed.
    Button,
    /// It was asked something, and the time for the answer is not over.
    FollowUp,
}

/// Why a message of a device's is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadMessage {
    /// Too many bytes.
    #[error("a message has at most {LONGEST_TEXT} bytes")]
    TooLong,
    /// Not a JSON object.
    #[error("a message is one JSON object")]
    NotJson,
    /// No `type`, or one that there is not.
    #[error("there is no message of that type; see docs/STREAM.md")]
    UnknownType,
    /// A field is missing, unknown, or holds something else.
    #[error("a field of the message is missing, unknown or wrong; see docs/STREAM.md")]
    WrongField,
}

const TYPES: [&str; 8] = ["hello", "listen", "end", "ack", "rang", "settings_ack", "barge_in", "alive"];

impl Up {
    /// Reads a message.
    ///
    /// # Errors
    /// What is wrong with it, without a word of what was in it.
    pub fn parse(text: &str) -> Result<Self, BadMessage> {
        if text.len() > LONGEST_TEXT {
            return Err(BadMessage::TooLong);
        }
        let value: Value = serde_json::from_str(text).map_err(|_| BadMessage::NotJson)?;
        let fields = value.as_object().ok_or(BadMessage::NotJson)?;
        let kind = fields.get("type").and_then(Value::as_str).ok_or(BadMessage::UnknownType)?;
        if !TYPES.contains(&kind) {
            return Err(BadMessage::UnknownType);
        }
        // Doubled names are merged above, and a message without fields takes others as well: both are told here.
        if matches!(kind, "end" | "barge_in") && fields.len() > 1 {
            return Err(BadMessage::WrongField);
        }
        let message: Self = serde_json::from_str(text).map_err(|_| BadMessage::WrongField)?;
        if message.fits() { Ok(message) } else { Err(BadMessage::WrongField) }
    }

    fn fits(&self) -> bool {
        match self {
            Self::Hello { last_seq: number, about, .. } => *number >= 0 && about.fits(),
            Self::Alive { about } => about.fits(),
            Self::Ack { seq: number } | Self::SettingsAck { version: number } => *number >= 0,
            Self::Rang { id, .. } => (1..=LONGEST_WORD).contains(&id.len()),
            Self::Listen { .. } | Self::End | Self::BargeIn => true,
        }
    }
}

impl About {
    fn fits(&self) -> bool {
        let word = |word: &String| (1..=LONGEST_WORD).contains(&word.len()) && !word.chars().any(char::is_control);
        self.firmware.as_ref().is_none_or(word) && self.battery.is_none_or(|percent| percent <= 100)
    }
}

/// What a device is told besides its events (see [`super::QueuedEvent`]).
///
/// Not `Debug`: it holds what was said and answered.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Down {
    /// The first of all.
    Welcome {
        /// The protocol.
        protocol: String,
        /// How long one utterance may be, in milliseconds.
        utterance_ms: u32,
        /// The longest frame of sound, in bytes.
        frame_bytes: u32,
        /// How often the device is asked whether it is there, in seconds.
        ping_seconds: u32,
    },
    /// No more sound is wanted of this utterance.
    Ended {
        /// Which.
        utterance: String,
        /// Why.
        why: Ending,
        /// How much was taken, in milliseconds.
        ms: u32,
    },
    /// What was heard.
    Heard {
        /// In which utterance.
        utterance: String,
        /// The words; a spoken PIN is masked.
        text: String,
        /// Whether it stays so.
        r#final: bool,
    },
    /// The answer takes a moment; the device says so.
    Slow {
        /// To which utterance.
        utterance: String,
    },
    /// The answer.
    Answer {
        /// To which utterance.
        utterance: String,
        /// The same as `POST /v1/turns` answers, without sound.
        turn: Value,
    },
    /// Sound follows, as binary frames of 16-bit little-endian samples, one channel.
    Speech {
        /// Of what: an utterance, or `event` and its number.
        of: String,
        /// Samples a second.
        rate: u32,
    },
    /// That was all the sound.
    SpeechEnd {
        /// Of what.
        of: String,
        /// Whether it was broken off.
        cut: bool,
    },
    /// Something is due.
    Ring {
        /// Which; to be sent back when it rings.
        id: String,
        /// Which of its times; to be sent back when it rings.
        at: Timestamp,
        /// The sound: `reminder` or `news`.
        chime: String,
        /// What may be said with it.
        text: String,
    },
    /// Whether this device is to ring it.
    Noted {
        /// What.
        id: String,
        /// False where another one rings it, or it is none of theirs.
        noted: bool,
    },
    /// Something was not taken.
    Refused {
        /// Why.
        code: Refused,
        /// What for, where it was for one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        utterance: Option<String>,
    },
}

/// Why an utterance is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ending {
    /// Nobody spoke for a while after somebody had.
    Pause,
    /// Nobody spoke at all.
    Nothing,
    /// It was as long as one may be.
    Limit,
    /// The device said so.
    Device,
}

/// Why something was not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Refused {
    /// Not a message.
    BadMessage,
    /// Not in that order, such as `hello` twice.
    WrongOrder,
    /// Half a sample.
    OddAudio,
    /// The sound stopped before the utterance was over.
    StoppedShort,
    /// Nothing was asked, or too long ago.
    NoWindow,
    /// Too much at once: the device says so, and to use the call light.
    Busy,
    /// The server stops: the device says so, and to use the call light.
    Stopping,
    /// The server cannot do it now: the device says so, and to use the call light.
    Unavailable,
}

impl Refused {
    /// The word in messages and counts.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::BadMessage => "bad_message",
            Self::WrongOrder => "wrong_order",
            Self::OddAudio => "odd_audio",
            Self::StoppedShort => "stopped_short",
            Self::NoWindow => "no_window",
            Self::Busy => "busy",
            Self::Stopping => "stopping",
            Self::Unavailable => "unavailable",
        }
    }
}

/// Why a connection is closed, as its close code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Closing {
    /// The server stops; connect again.
    Stopping,
    /// A frame was larger than one may be.
    TooLarge,
    /// The device does not keep to the protocol.
    Protocol,
    /// The credential is not good any more.
    Ended,
    /// Nothing came for too long.
    Idle,
    /// The device connected once more; the newer connection counts.
    Replaced,
    /// Whoever lay there is another person now. The device forgets what it holds and connects again.
    StayOver,
}

impl Closing {
    /// The code: RFC 6455 §7.4, and those above 4000 are ours.
    #[must_use]
    pub const fn code(self) -> u16 {
        match self {
            Self::Stopping => 1012,
            Self::TooLarge => 1009,
            Self::Protocol => 1008,
            Self::Ended => 4401,
            Self::Idle => 4408,
            Self::Replaced => 4409,
            Self::StayOver => 4410,
        }
    }

    /// The word beside it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Stopping => "stopping",
            Self::TooLarge => "too_large",
            Self::Protocol => "protocol",
            Self::Ended => "ended",
            Self::Idle => "idle",
            Self::Replaced => "replaced",
            Self::StayOver => "stay_over",
        }
    }
}

const fn yes() -> bool {
    true
}

fn turn_in<'de, D: Deserializer<'de>>(from: D) -> Result<TurnId, D::Error> {
    TurnId::parse(&String::deserialize(from)?).map_err(D::Error::custom)
}

fn turn_out<S: Serializer>(turn: &TurnId, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_str(turn.as_str())
}

fn session_in<'de, D: Deserializer<'de>>(from: D) -> Result<Option<SessionId>, D::Error> {
    let named = Option::<String>::deserialize(from)?;
    named.map(|named| SessionId::parse(&named).map_err(D::Error::custom)).transpose()
}

fn session_out<S: Serializer>(session: &Option<SessionId>, to: S) -> Result<S::Ok, S::Error> {
    session.as_ref().map(SessionId::as_str).serialize(to)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn turn(name: &str) -> TurnId {
        TurnId::parse(name).expect("fits")
    }

    #[test]
    fn messages_are_read_as_they_are_written() {
        let at: Timestamp = "2026-12-01T15:00:00Z".parse().expect("a time");
        let about = About { device_time: Some(at), firmware: Some("1.4".into()), battery: Some(80) };
        let session = SessionId::parse("s-1").ok();
        for (message, json) in [
            (
                Up::Hello { last_seq: 7, speech: true, about },
                r#"{"type":"hello","last_seq":7,"speech":true,"about":{"device_time":"2026-12-01T15:00:00Z","firmware":"1.4","battery":80}}"#,
            ),
            (
                Up::Listen { utterance: turn("u-1"), reason: Reason::FollowUp, session },
                r#"{"type":"listen","utterance":"u-1","reason":"follow_up","session":"s-1"}"#,
            ),
            (Up::End, r#"{"type":"end"}"#),
            (Up::Ack { seq: 3 }, r#"{"type":"ack","seq":3}"#),
            (Up::Rang { id: "r".into(), at }, r#"{"type":"rang","id":"r","at":"2026-12-01T15:00:00Z"}"#),
            (Up::SettingsAck { version: 2 }, r#"{"type":"settings_ack","version":2}"#),
            (Up::BargeIn, r#"{"type":"barge_in"}"#),
            (Up::Alive { about: About::default() }, r#"{"type":"alive","about":{}}"#),
        ] {
            assert_eq!(serde_json::to_string(&message).expect("JSON"), json);
            assert_eq!(Up::parse(json), Ok(message), "{json}");
        }
        let bare = Up::Hello { last_seq: 0, speech: true, about: About::default() };
        assert_eq!(Up::parse(r#"{"type":"hello"}"#), Ok(bare));
        let first = Up::Listen { utterance: turn("u"), reason: Reason::Wake, session: None };
        assert_eq!(Up::parse(r#"{"type":"listen","utterance":"u","reason":"wake"}"#), Ok(first));
    }

    #[test]
    fn what_is_no_message_is_told_by_its_kind() {
        let long = format!(r#"{{"type":"end","x":"{}"}}"#, "x".repeat(LONGEST_TEXT));
        let deep = format!("{}1{}", "[".repeat(500), "]".repeat(500));
        for (text, wrong) in [
            ("", BadMessage::NotJson),
            ("hello", BadMessage::NotJson),
            ("[]", BadMessage::NotJson),
            ("\"end\"", BadMessage::NotJson),
            (r#"{"type":"end"} x"#, BadMessage::NotJson),
            (&deep, BadMessage::NotJson),
            (&long, BadMessage::TooLong),
            ("{}", BadMessage::UnknownType),
            (r#"{"type":7}"#, BadMessage::UnknownType),
            (r#"{"type":"answer"}"#, BadMessage::UnknownType),
            (r#"{"type":"listen"}"#, BadMessage::WrongField),
            (r#"{"type":"listen","utterance":"a b","reason":"wake"}"#, BadMessage::WrongField),
            (r#"{"type":"listen","utterance":"a","reason":"whim"}"#, BadMessage::WrongField),
            (r#"{"type":"listen","utterance":"a","reason":"wake","person":"rosa"}"#, BadMessage::WrongField),
            (r#"{"type":"listen","utterance":"a","reason":"wake","session":"a b"}"#, BadMessage::WrongField),
            (r#"{"type":"end","room":"7"}"#, BadMessage::WrongField),
            (r#"{"type":"ack","seq":-1}"#, BadMessage::WrongField),
            (r#"{"type":"ack","seq":1.5}"#, BadMessage::WrongField),
            (r#"{"type":"ack","seq":99999999999999999999}"#, BadMessage::WrongField),
            (r#"{"type":"ack","seq":1,"seq":2}"#, BadMessage::WrongField),
            (r#"{"type":"rang","id":"","at":"2026-12-01T15:00:00Z"}"#, BadMessage::WrongField),
            (r#"{"type":"rang","id":"a","at":"noon"}"#, BadMessage::WrongField),
            (r#"{"type":"hello","about":{"battery":101}}"#, BadMessage::WrongField),
            (r#"{"type":"hello","about":{"firmware":"a\u0000"}}"#, BadMessage::WrongField),
            (r#"{"type":"hello","token":"x"}"#, BadMessage::WrongField),
        ] {
            assert_eq!(Up::parse(text), Err(wrong), "{}", &text[..text.len().min(60)]);
        }
    }

    proptest! {
        #[test]
        fn nothing_that_comes_makes_it_stumble(text in "\\PC{0,200}") {
            let _ = Up::parse(&text);
        }

        /// Anything in the shape of a message is read, or refused without a word of it.
        #[test]
        fn no_refusal_repeats_what_was_said(
            kind in prop::sample::select(TYPES.to_vec()),
            field in "[a-z_]{1,12}",
            value in prop_oneof![Just("1".to_owned()), Just("null".to_owned()), Just("\"marmalade\"".to_owned()), Just("[{}]".to_owned())],
        ) {
            let text = format!(r#"{{"type":"{kind}","{field}":{value}}}"#);
            if let Err(wrong) = Up::parse(&text) {
                prop_assert!(!wrong.to_string().contains("marmalade"));
            }
        }

        #[test]
        fn what_is_written_is_read(utterance in "[A-Za-z0-9._:-]{1,64}", seq in 0_i64.., battery in proptest::option::of(0_u8..=100)) {
            let about = About { battery, ..About::default() };
            let reason = Reason::Button;
            for message in [
                Up::Listen { utterance: turn(&utterance), reason, session: SessionId::parse(&utterance).ok() },
                Up::Ack { seq },
                Up::Hello { last_seq: seq, speech: false, about },
            ] {
                prop_assert_eq!(Up::parse(&serde_json::to_string(&message).expect("JSON")), Ok(message));
            }
        }
    }
}
