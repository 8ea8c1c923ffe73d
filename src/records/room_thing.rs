//! What can be worked in a room, as far as speaking of it needs: never how it is reached. Nobody's data.

use serde::{Deserialize, Serialize};

/// A kind of thing in a room. Others are not worked by voice: a bed that moves may hurt whoever lies in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Thing {
    /// A lamp.
    Light,
    /// The television.
    Tv,
    /// How loud it is.
    Volume,
    /// Whether its sound is off.
    Mute,
    /// Which channel it is on.
    Channel,
    /// Captions on its picture.
    Captions,
    /// Blinds or curtains.
    Blinds,
    /// How warm the room is to be.
    Thermostat,
    /// A fan.
    Fan,
    /// Music.
    Music,
}

impl Thing {
    /// Every kind.
    pub const ALL: [Self; 10] = [
        Self::Light,
        Self::Tv,
        Self::Volume,
        Self::Mute,
        Self::Channel,
        Self::Captions,
        Self::Blinds,
        Self::Thermostat,
        Self::Fan,
        Self::Music,
    ];

    /// Its name in files.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Light => "light",
            Self::Tv => "tv",
            Self::Volume => "volume",
            Self::Mute => "mute",
            Self::Channel => "channel",
            Self::Captions => "captions",
            Self::Blinds => "blinds",
            Self::Thermostat => "thermostat",
            Self::Fan => "fan",
            Self::Music => "music",
        }
    }

    /// The kind of that name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|thing| thing.name() == name)
    }
}

/// From where to where something goes.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Span {
    /// The least.
    pub least: f64,
    /// The most.
    pub most: f64,
    /// The least difference that it can tell.
    pub step: f64,
    /// Of what it is so many.
    pub unit: LevelUnit,
}

/// Of what something is so many.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LevelUnit {
    /// A number, such as a channel.
    Number,
    /// Parts of a hundred.
    Percent,
    /// Degrees Fahrenheit.
    Fahrenheit,
    /// Degrees Celsius.
    Celsius,
}

impl LevelUnit {
    /// As it is said after a number: `degrees`, `percent`; nothing for a mere number.
    #[must_use]
    pub const fn spoken(self) -> &'static str {
        match self {
            Self::Number => "",
            Self::Percent => "percent",
            Self::Fahrenheit => "degrees Fahrenheit",
            Self::Celsius => "degrees Celsius",
        }
    }
}

/// Something in a room, and what it can do.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RoomThing {
    /// Its id among those of its room.
    pub id: String,
    /// What it is.
    pub thing: Thing,
    /// It can be turned on and off.
    pub switch: bool,
    /// It can be set to so much.
    pub level: Option<Span>,
    /// It opens and closes.
    pub cover: bool,
}
